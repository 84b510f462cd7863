"""Hostile bytes for the wire: ``python -m tests.fuzz_wire --seconds 600`` looks for bytes that break a law of it.

Valid values of every kind are bent at random: bits, lengths, tags, cuts, splices, nests. With the library atheris
installed, ``--atheris`` lets coverage guide the search as well. What is found is printed as the call that repeats it.
"""

from __future__ import annotations

import argparse
import importlib
import math
import random
import struct
import sys
import time
import warnings
from collections import deque
from types import FunctionType
from typing import Any

import numpy as np
import torch

from autograder.sandbox import wire
from autograder.sandbox.wire import Bounds, Handle, WireError, decode, encode

BOUNDS = Bounds(total_bytes=1 << 20, items=2_000, text_bytes=1 << 16)
TAGS = b"NTFiIfsbltdxagh"


def valid() -> list[bytes]:
    """Encoded values of every kind, and replies as a student process sends them."""
    tensors = [torch.arange(6).reshape(2, 3).to(dtype) for dtype in wire.DTYPES]
    odd = [torch.ones(3, 4).t(), torch.ones(2).expand(5, 2), torch.zeros(0, 3), torch.tensor(1.5)]
    arrays = [np.arange(4).astype(kind) for kind in ("f2", "f4", "f8", "i1", "u2", "i8", "c8", "c16", "?")]
    plain = [None, True, 7, -(1 << 62), 1 << 200, 0.5, math.nan, "text", "\u00e9\U0001f600", b"bytes"]
    nested = [[plain, (1, [2, (3,)])], {"a": [tensors[0]], 1: {None: (True,)}}, Handle(3, "Layer")]
    answer = {"value": tensors[0], "modified": ["0.0"], "aliases": [], "requires_grad": [""], "events": ["aten::mul"]}
    replies = [
        {"status": "ok", **answer, "operations": 3, "grads": [tensors[1], None], "after": [(tensors[0],), {}]},
        {"status": "error", "type": "ValueError", "message": "no", "where": "cell 1", "bases": ["ValueError"]},
    ]
    return [encode(value) for value in [*tensors, *odd, *arrays, *plain, *nested, torch.Generator(), *replies]]


# The source of this function runs in student processes, too: it needs nothing but the standard library.
def mutate(chance: random.Random, data: bytes, others: list[bytes]) -> bytes:
    """``data`` bent in one to four ways."""
    import struct

    numbers = [0, 1, 2, 3, 127, 255, 256, 65535, 1 << 20, (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 40, (1 << 63) - 1]
    changed = bytearray(data)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(9):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1:  # a length, a count or a dimension
                width = chance.choice((1, 4, 8))
                number = chance.choice(numbers) + chance.randint(-1, 1)
                packed = struct.pack("<Q", number % (1 << 64))
                changed[at : at + width] = packed[:width]
            case 2 if at < len(changed):  # another tag
                changed[at] = chance.choice(b"NTFiIfsbltdxagh")
            case 3:  # cut short
                del changed[at:]
            case 4:  # a piece gone
                del changed[at : at + chance.randint(1, 16)]
            case 5:  # a piece of another value
                other = chance.choice(others)
                begin = chance.randrange(len(other) + 1)
                changed[at:at] = other[begin : begin + chance.randint(1, 64)]
            case 6:  # a piece many times
                changed[at:at] = bytes(changed[at : at + 16]) * chance.randint(1, 40)
            case 7:  # nested deep
                changed[0:0] = (chance.choice((b"l", b"t")) + struct.pack("<I", 1)) * chance.randint(1, 60)
            case _:
                changed[at:at] = chance.randbytes(chance.randint(1, 8))
    return bytes(changed)


def check(data: bytes, bounds: Bounds = BOUNDS) -> bool:
    """Raise where decoding ``data`` breaks a law; whether it is a value.

    Bytes give a value or a ``WireError`` and nothing else, a warning included. A value goes through the wire again
    unchanged. Every tensor can be read to its last entry, and owns what it reads.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            value = decode(data, bounds)
        except WireError:
            return False
        again = decode(encode(value, bounds), bounds)
    assert same(value, again), f"{value!r:.200} came back as {again!r:.200}"
    owners = [read_and_own(part) for part in arrays_in(value)]
    assert len(set(owners)) == len(owners), "two arrays share memory"
    return True


def arrays_in(value: Any) -> list[Any]:
    """Tensors and arrays that hold entries, inside nested lists, tuples and dictionaries."""
    if isinstance(value, dict):
        return arrays_in(list(value.values()))
    if isinstance(value, tuple | list):
        return [found for item in value for found in arrays_in(item)]
    if isinstance(value, torch.Tensor):
        return [value] if value.numel() else []
    return [value] if isinstance(value, np.ndarray) and value.size else []


def read_and_own(value: Any) -> int:
    """Read every entry of a tensor or array and return where its memory begins."""
    if isinstance(value, np.ndarray):
        value.tobytes()
        assert value.flags.writeable
        return int(value.__array_interface__["data"][0])
    value.clone()
    span = 1 + sum((size - 1) * step for size, step in zip(value.shape, value.stride(), strict=True))
    storage = value.untyped_storage()
    assert (value.storage_offset() + span) * value.element_size() <= storage.nbytes()
    return int(storage.data_ptr())


def same(one: Any, other: Any) -> bool:
    """Equal in type and value; NaN equals itself, tensors also in strides where these matter."""
    if type(one) is not type(other):
        return False
    if isinstance(one, torch.Tensor):
        as_bytes = [torch.cat([t.flatten(), t.flatten()]).view(torch.uint8) for t in (one, other)]
        return one.dtype == other.dtype and one.shape == other.shape and torch.equal(*as_bytes)
    if isinstance(one, torch.Generator):
        return torch.equal(one.get_state(), other.get_state())
    if isinstance(one, np.ndarray):
        kinds = [array.dtype.newbyteorder("=") for array in (one, other)]
        entries = [array.astype(kinds[0]).tobytes() for array in (one, other)]
        return kinds[0] == kinds[1] and one.shape == other.shape and entries[0] == entries[1]
    if isinstance(one, float):
        return struct.pack("<d", one) == struct.pack("<d", other) or (math.isnan(one) and math.isnan(other))
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, dict):  # by position: a key may be NaN
        return len(one) == len(other) and all(
            same(list(a), list(b)) for a, b in zip(one.items(), other.items(), strict=True)
        )
    return bool(one == other)


def fuzz(seconds: float, seed: int) -> tuple[int, int]:
    """Check mutated bytes for so long: how many there were, and how many were values. These are bent further."""
    chance, begun = random.Random(seed), valid()
    bent: deque[bytes] = deque(begun, maxlen=300)
    count, values, end = 0, 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = mutate(chance, chance.choice(chance.choice((begun, bent))), begun)
        good = _checked(data)
        if good and len(data) < 8192:
            bent.append(data)
        count, values = count + 1, values + good
    return count, values


def _checked(data: bytes) -> bool:
    try:
        return check(data)
    except BaseException:
        print(f"broken by: check(bytes.fromhex({data.hex()!r}))", file=sys.stderr)
        raise


def _with_atheris(seconds: float) -> None:
    atheris: Any = importlib.import_module("atheris")  # no dependency: whoever wants it installs it
    for function in vars(wire.Decoder).values():
        if isinstance(function, FunctionType):
            atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], f"-max_total_time={int(seconds)}", "-max_len=4096"], _checked)
    atheris.Fuzz()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz_wire", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--seed", type=int, default=None, help="to repeat a run; drawn by default")
    parser.add_argument("--atheris", action="store_true", help="search by coverage; needs: pip install atheris")
    arguments = parser.parse_args()
    if arguments.atheris:
        _with_atheris(arguments.seconds)
        return
    seed = random.SystemRandom().randrange(1 << 32) if arguments.seed is None else arguments.seed
    print(f"seed {seed}")
    count, values = fuzz(arguments.seconds, seed)
    print(f"{count} inputs, {values} of them values, no law broken")


if __name__ == "__main__":
    main()
