"""The wire: what goes in comes out, and bytes of any origin give a value or a ``WireError``."""

from __future__ import annotations

import contextlib
import math
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.sandbox import wire
from autograder.sandbox.wire import Bounds, Handle, WireError, decode, encode
from tests.fuzz_wire import same

SMALL = Bounds(total_bytes=1 << 16, items=200, text_bytes=1 << 10)


@st.composite
def tensors(draw: st.DrawFn) -> torch.Tensor:
    """Tensors of every dtype and of layouts as views make them: transposed, sliced, expanded, empty."""
    dtype = draw(st.sampled_from(wire.DTYPES))
    shape = draw(st.lists(st.integers(0, 4), max_size=4))
    whole = torch.randint(0, 2, [size + 1 for size in shape], generator=torch.Generator().manual_seed(1)).to(dtype)
    view = whole[tuple(slice(draw(st.integers(0, 1)), None, draw(st.integers(1, 2))) for _ in shape)]
    view = view.permute(draw(st.permutations(range(view.dim()))))
    if draw(st.booleans()) and view.dim():
        view = view.select(draw(st.integers(0, view.dim() - 1)), 0) if 0 not in view.shape else view
    return view.unsqueeze(0).expand(3, *view.shape) if draw(st.booleans()) else view


def arrays() -> st.SearchStrategy[np.ndarray[Any, Any]]:
    dtypes = st.sampled_from(["f2", "f4", ">f8", "i1", "u2", ">i4", "u8", "c8", "c16", "?"])
    shapes = st.lists(st.integers(0, 3), max_size=3)
    return st.builds(lambda dtype, shape: np.arange(math.prod(shape)).reshape(shape).astype(dtype).T, dtypes, shapes)


KEYS = st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(max_size=5)
LEAVES = (
    st.none() | st.booleans() | st.integers(-(1 << 500), 1 << 500) | st.floats() | st.text() | st.binary()
    | tensors() | arrays() | st.builds(Handle, st.integers(0, 1 << 62), st.text(max_size=20))
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.lists(inner, max_size=3).map(tuple) | st.dictionaries(KEYS, inner, max_size=3)
    ),
    max_leaves=6,
)


# --------------------------------------------------------------------------------------------------- round trip


@given(value=VALUES)
@settings(max_examples=200)
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    assert same(decode(encode(value)), value)


@given(tensor=tensors())
@settings(max_examples=100)
def test_a_tensor_keeps_its_layout(tensor: torch.Tensor) -> None:
    back = decode(encode(tensor))
    assert back.stride() == tensor.stride() or tensor.numel() == 0


@given(tensor=tensors())
@settings(max_examples=50)
def test_a_decoded_tensor_owns_its_memory(tensor: torch.Tensor) -> None:
    data = encode(tensor)
    first, second = decode(data), decode(data)
    if first.numel() and not any(stride == 0 for stride in first.stride()):
        first.zero_()
        assert same(second, tensor)


def test_a_generator_goes_on_where_it_was() -> None:
    generator = torch.Generator().manual_seed(3)
    torch.rand(5, generator=generator)
    back = decode(encode(generator))
    assert torch.equal(torch.rand(5, generator=back), torch.rand(5, generator=generator))


@given(text=st.text(st.characters(codec=None), max_size=20))
def test_text_that_is_no_unicode_is_spelled_out(text: str) -> None:
    assert decode(encode(text)) == text.encode("utf-8", "backslashreplace").decode()


# --------------------------------------------------------------------------------------------------- hostile bytes


@given(data=st.binary(max_size=300))
@settings(max_examples=300)
def test_arbitrary_bytes_give_a_value_or_a_wire_error(data: Any) -> None:
    with contextlib.suppress(WireError):
        decode(data, SMALL)


@given(value=VALUES, data=st.data())
@settings(max_examples=300)
def test_mutated_bytes_give_a_value_or_a_wire_error(value: Any, data: Any) -> None:
    changed = bytearray(encode(value))
    for _ in range(data.draw(st.integers(1, 4))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(WireError):
        decode(bytes(changed), SMALL)


DIMS = st.sampled_from([0, 1, 2, 3, 1 << 20, 1 << 40, (1 << 40) + 1, 1 << 62, (1 << 63) - 1, -1, -(1 << 63)])


@given(
    code=st.integers(0, 14), shape=st.lists(DIMS, max_size=13), strides=st.lists(DIMS, max_size=13),
    size=st.sampled_from([0, 1, 4, 8, 16, 1 << 40, (1 << 64) - 1]), raw=st.integers(0, 16),
)  # fmt: skip
@settings(max_examples=500)
def test_a_tensor_header_that_lies_gives_a_wire_error_or_a_small_tensor(
    code: int, shape: list[int], strides: list[int], size: int, raw: int
) -> None:
    count = min(len(shape), len(strides))
    dims = struct.pack(f"<{2 * count}q", *shape[:count], *strides[:count])
    data = b"x" + struct.pack("<BBQ", code, count, size) + dims + bytes(raw)
    with contextlib.suppress(WireError):
        assert decode(data, SMALL).numel() <= SMALL.total_bytes


@given(
    dtype=st.text(max_size=12) | st.sampled_from(["<f4", "<f3", "O", "V8", "(4,4)f8", "f8,f8", "(", "f8,(", "{", "S5"]),
    shape=st.lists(DIMS, max_size=13),
)
@settings(max_examples=300)
def test_an_array_header_that_lies_gives_a_wire_error_or_a_small_array(dtype: str, shape: list[int]) -> None:
    name = dtype.encode()
    head = b"a" + struct.pack("<I", len(name)) + name + bytes([len(shape)])
    with contextlib.suppress(WireError):
        assert decode(head + struct.pack(f"<{len(shape)}q", *shape), SMALL).nbytes <= SMALL.total_bytes


@pytest.mark.parametrize("tag", [b"l", b"t", b"d", b"s", b"b", b"x", b"a", b"g", b"h", b"I"])
@pytest.mark.parametrize("count", [2**32 - 1, 2**31, 10**6])
def test_a_count_that_lies_takes_no_memory(tag: bytes, count: int) -> None:
    data = tag + struct.pack("<I", count) + b"NNNN"
    tracemalloc.start()
    try:
        with pytest.raises(WireError):
            decode(data, SMALL)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1 << 20


def test_a_generator_state_that_is_none_is_refused() -> None:
    good = encode(torch.Generator().manual_seed(1))
    for at in range(len(good) - 5056, len(good), 97):
        changed = bytearray(good)
        changed[at : at + 8] = b"\xff" * 8
        with contextlib.suppress(WireError):
            torch.rand(2000, generator=decode(bytes(changed)))


# ----------------------------------------------------------------------------------------------------- messages


def packed(tag: bytes, *parts: bytes) -> bytes:
    return tag + b"".join(parts)


def u32(number: int) -> bytes:
    return struct.pack("<I", number)


def tensor_head(code: int, size: int, *dims: int) -> bytes:
    return b"x" + struct.pack("<BBQ", code, len(dims) // 2, size) + struct.pack(f"<{len(dims)}q", *dims)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the value is cut short"),
        (b"?", r"unknown tag b'\?'"),
        (b"NN", "1 bytes after the end of the value"),
        (b"l" + u32(9), "a count of 9 with 0 bytes left"),
        ((b"l" + u32(1)) * 40 + b"N", "nested deeper than 32 levels"),
        (b"l" + u32(201) + b"N" * 201, "more than 200 items in one value"),
        (b"s" + u32(1) + b"\xff", "a text that is not UTF-8"),
        (b"I" + bytes([65]) + bytes(65), "an integer of 65 bytes"),
        (b"d" + u32(2) + b"NTNT", "a repeated key, or one that is not a plain value"),
        (b"d" + u32(1) + b"l" + u32(0) + b"N", "a repeated key, or one that is not a plain value"),
        (b"x" + struct.pack("<BBQ", 99, 0, 4) + bytes(4), "unknown dtype code 99"),
        (b"x" + struct.pack("<BBQ", 0, 13, 4) + bytes(208), "13 dimensions"),
        (tensor_head(0, 4, -1, 1), r"dimensions \(-1,\)"),
        (tensor_head(0, 4, 2, 1) + bytes(4), r"a tensor of shape \(2,\) in 4 bytes"),
        (tensor_head(0, 4, 1 << 39, 0) + bytes(4), "more than 65536 bytes in one value"),
        (tensor_head(0, 0, 0, 1 << 40, 1 << 40, 1, 1, 1), r"dimensions \(0, 1099511627776, 1099511627776\)"),
        (b"a" + u32(1) + b"O" + bytes(1), "numpy dtype 'O'"),
        (b"a" + u32(3) + b"<f3" + bytes(1), "numpy dtype '<f3'"),
        (b"a" + u32(4) + b"<c32" + bytes(1) + bytes(32), "numpy dtype '<c32'"),
        (b"a" + u32(9) + b"<f0000004" + bytes(1), "a text of 9 bytes"),
        (b"s" + u32(2000) + b"a" * 2000, "a text of 2000 bytes"),
        (b"h" + bytes(8) + u32(201) + b"a" * 201, "a text of 201 bytes"),
        (b"b" + u32(1 << 17) + bytes(1 << 17), "more than 65536 bytes in one value"),
        (b"l" + u32(64) + encode(torch.ones(())) * 64, "more than 65536 bytes in one value"),
        (b"l" + u32(64) + encode(np.ones(())) * 64, "more than 65536 bytes in one value"),
        (b"d" + u32(1) + encode(1 << 64) + b"N", "a repeated key, or one that is not a plain value"),
        (b"g" + u32(3) + b"cpuN", "a generator of an unknown device"),
        (b"g" + u32(4) + b"cuda", "a generator of an unknown device"),
        (b"g" + u32(3) + b"cpux" + encode(torch.zeros(3, dtype=torch.uint8))[1:], "not a generator state"),
    ],
)  # fmt: skip
def test_bytes_that_are_no_value_are_named(data: Any, message: str) -> None:
    with pytest.raises(WireError, match=message):
        decode(data, SMALL)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (object(), "a value of type object cannot be sent"),
        (1 << 600, "an integer of 601 bits"),
        (["x" * 2000], "a text of 2000 bytes"),
        (b"x" * (1 << 17), "more than 65536 bytes in one value"),
        ([None] * 300, "more than 200 items in one value"),
        (torch.zeros(1 << 15), "more than 65536 bytes in one value"),
        ([torch.zeros(0)] * 65, "more than 65536 bytes in one value"),
        (torch.zeros(1).expand(1 << 15), "more than 65536 bytes in one value"),
        ({1 << 64: None}, "a key of type int, or a number beyond 64 bits"),
        ({(1,): None}, "a key of type tuple, or a number beyond 64 bits"),
        (torch.ones(2).to_sparse(), "a tensor of layout torch.sparse_coo and dtype torch.float32"),
        (torch.zeros(2, dtype=torch.float8_e5m2), "a tensor of layout torch.strided and dtype torch.float8_e5m2"),
        (np.array([None]), "a numpy array of dtype object"),
        (np.zeros(2, dtype="f8,f8"), "a numpy array of dtype"),
    ],
)
def test_values_that_the_wire_does_not_carry_are_named(value: Any, message: str) -> None:
    with pytest.raises(WireError, match=message):
        encode(value, SMALL)


def test_a_value_nested_too_deep_is_not_sent() -> None:
    value: Any = None
    for _ in range(40):
        value = [value]
    with pytest.raises(WireError, match="nested deeper than 32 levels"):
        encode(value)


@pytest.mark.parametrize("kind", [type("Int", (int,), {}), type("Text", (str,), {}), type("List", (list,), {})])
def test_subclasses_are_not_sent(kind: type) -> None:
    with pytest.raises(WireError, match=f"a value of type {kind.__name__} cannot be sent"):
        encode(kind())
