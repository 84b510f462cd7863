"""Values and frames between the grading process and a student process. No pickle, anywhere.

A value is a tag byte and a payload; the set of types is closed: None, bool, int, float, str, bytes,
list, tuple, dict, torch tensor, numpy array, torch generator, and a handle to an object that stays
in the student process. Every size is checked against ``Bounds`` before memory is taken, and what
Python itself needs for an object counts: thousands of empty tensors are no small value.

A frame is a fixed header (magic, request id, length) and one value. The request id is drawn by the
grading process for each request and must come back: an early, late or repeated frame is noticed.
"""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

import numpy as np
import torch

HEADER: Final = struct.Struct("<IQQ")  # magic, request id, length of the body in bytes
MAGIC: Final = 0x41475231
MAX_DEPTH: Final = 32
MAX_NDIM: Final = 12
MAX_INT_BYTES: Final = 64
MAX_ENTRIES: Final = 1 << 40  # of a shape whose empty dimensions count as 1: strides are computed of empty ones, too
MAX_KIND_BYTES: Final = 200
MAX_NUMPY_BYTES: Final = 16  # of an entry
TENSOR_COST: Final = 1 << 10  # bytes that a tensor, array or generator takes beside its entries

DTYPES: Final[tuple[torch.dtype, ...]] = (
    torch.float32, torch.float64, torch.float16, torch.bfloat16,
    torch.int8, torch.int16, torch.int32, torch.int64, torch.uint8, torch.bool,
    torch.complex64, torch.complex128,
)  # fmt: skip
_DTYPE_CODE: Final = {dtype: code for code, dtype in enumerate(DTYPES)}
_NUMPY_KINDS: Final = frozenset("fiubc")
_NUMPY_NAME: Final = re.compile(r"[<|][fiubc]\d{1,2}")  # what an encoder writes; numpy itself parses far more

_U32: Final = struct.Struct("<I")
_I64: Final = struct.Struct("<q")
_F64: Final = struct.Struct("<d")
_TENSOR_HEAD: Final = struct.Struct("<BBQ")  # dtype code, number of dimensions, bytes of storage
_TENSOR: Final = struct.Struct("<cBBQ")  # the same behind its tag
_TAGGED_U32: Final = struct.Struct("<cI")
_TAGGED_I64: Final = struct.Struct("<cq")
_TAGGED_F64: Final = struct.Struct("<cd")
_DIMS: Final = tuple(struct.Struct(f"<{ndim}q") for ndim in range(MAX_NDIM + 1))


class WireError(Exception):
    """The bytes are not a value, or a value is not one the wire carries."""


@dataclass(frozen=True)
class Handle:
    """An object that lives in the student process; ``kind`` is its class name, for messages."""

    number: int
    kind: str = ""


@dataclass(frozen=True)
class Bounds:
    """Limits on one value, checked while decoding and encoding."""

    total_bytes: int = 64 << 20
    items: int = 200_000
    text_bytes: int = 4 << 20


DEFAULT_BOUNDS: Final = Bounds()
REQUEST_BOUNDS: Final = Bounds(total_bytes=1 << 30, text_bytes=1 << 30)  # the grading process asks, and is trusted


# --------------------------------------------------------------------------------------- encoding


class Encoder:
    """Turns trusted values into bytes. Exact types only; what else there is was normalised before."""

    __slots__ = ("_bytes", "_items", "_parts", "bounds")

    def __init__(self, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self.bounds = bounds

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``; raises ``WireError`` for a type or size the wire does not carry."""
        self._parts: list[bytes] = []
        self._items, self._bytes = 1, 0
        self._value(value, 0)
        return b"".join(self._parts)

    def _value(self, value: Any, depth: int) -> None:
        writer = self._WRITERS.get(type(value))
        if writer is None:
            raise WireError(f"a value of type {type(value).__name__} cannot be sent")
        writer(self, value, depth)

    def _take(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self.bounds.total_bytes:
            raise WireError(f"more than {self.bounds.total_bytes} bytes in one value")

    def _open(self, items: int, depth: int) -> None:
        """Count what a container holds, before it is walked."""
        if items and depth >= MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH} levels")
        self._items += items
        if self._items > self.bounds.items:
            raise WireError(f"more than {self.bounds.items} items in one value")

    def _int(self, value: int, _depth: int) -> None:
        if -(1 << 63) <= value < 1 << 63:
            self._parts.append(_TAGGED_I64.pack(b"i", value))
            return
        size = value.bit_length() // 8 + 1
        if size > MAX_INT_BYTES:
            raise WireError(f"an integer of {value.bit_length()} bits")
        self._parts.append(b"I" + bytes([size]) + value.to_bytes(size, "little", signed=True))

    def _text(self, value: str, _depth: int = 0) -> None:
        data = value.encode("utf-8", "backslashreplace")
        if len(data) > self.bounds.text_bytes:
            raise WireError(f"a text of {len(data)} bytes")
        self._take(len(data))
        self._parts.append(_TAGGED_U32.pack(b"s", len(data)) + data)

    def _raw(self, value: bytes, _depth: int) -> None:
        self._take(len(value))
        self._parts.append(_TAGGED_U32.pack(b"b", len(value)))
        self._parts.append(value)

    def _sequence(self, tag: bytes, value: list[Any] | tuple[Any, ...], depth: int) -> None:
        self._open(len(value), depth)
        self._parts.append(_TAGGED_U32.pack(tag, len(value)))
        for item in value:
            self._value(item, depth + 1)

    def _dict(self, value: dict[Any, Any], depth: int) -> None:
        self._open(2 * len(value), depth)
        self._parts.append(_TAGGED_U32.pack(b"d", len(value)))
        for key, item in value.items():
            if not _is_key(key):
                raise WireError(f"a key of type {type(key).__name__}, or a number beyond 64 bits")
            self._value(key, depth + 1)
            self._value(item, depth + 1)

    def _tensor(self, value: torch.Tensor, _depth: int = 0) -> None:
        value = torch.Tensor.detach(value)
        dtype, code = value.dtype, _DTYPE_CODE.get(value.dtype)
        if code is None or value.layout is not torch.strided:
            raise WireError(f"a tensor of layout {value.layout} and dtype {dtype}")
        shape, strides = tuple(value.shape), value.stride()
        span = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        size = span * dtype.itemsize
        self._take(TENSOR_COST + max(size, math.prod(shape) * dtype.itemsize))
        head = _TENSOR.pack(b"x", code, len(shape), size)
        self._parts.append(head + struct.pack(f"<{2 * len(shape)}q", *shape, *strides))
        if span:
            flat = value.as_strided((span,), (1,)).cpu()
            self._parts.append(flat.view(torch.uint8).numpy().tobytes())

    def _array(self, value: np.ndarray[Any, Any], _depth: int) -> None:
        if value.dtype.kind not in _NUMPY_KINDS or value.dtype.itemsize > MAX_NUMPY_BYTES or value.ndim > MAX_NDIM:
            raise WireError(f"a numpy array of dtype {value.dtype}")
        self._take(TENSOR_COST + value.nbytes)
        name = value.dtype.newbyteorder("<").str.encode()
        self._take(len(name))
        self._parts.append(_TAGGED_U32.pack(b"a", len(name)) + name)
        self._parts.append(bytes([value.ndim]) + struct.pack(f"<{value.ndim}q", *value.shape))
        self._parts.append(np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes())

    def _generator(self, value: torch.Generator, _depth: int) -> None:
        name = str(value.device).encode()
        self._take(len(name))
        self._parts.append(_TAGGED_U32.pack(b"g", len(name)) + name)
        self._tensor(value.get_state())

    def _handle(self, value: Handle, _depth: int) -> None:
        kind = value.kind.encode("utf-8", "backslashreplace")[:MAX_KIND_BYTES].decode("utf-8", "ignore").encode()
        self._take(len(kind))
        self._parts.append(_TAGGED_I64.pack(b"h", value.number) + _U32.pack(len(kind)) + kind)

    _WRITERS: ClassVar[dict[type, Callable[[Encoder, Any, int], None]]] = {
        type(None): lambda self, value, depth: self._parts.append(b"N"),
        bool: lambda self, value, depth: self._parts.append(b"T" if value else b"F"),
        int: _int,
        float: lambda self, value, depth: self._parts.append(_TAGGED_F64.pack(b"f", value)),
        str: _text,
        bytes: _raw,
        list: lambda self, value, depth: self._sequence(b"l", value, depth),
        tuple: lambda self, value, depth: self._sequence(b"t", value, depth),
        dict: _dict,
        torch.Tensor: _tensor,
        np.ndarray: _array,
        torch.Generator: _generator,
        Handle: _handle,
    }


def _is_key(key: Any) -> bool:
    """Whether a dictionary may hold ``key``: plain, and of a type whose hashes nobody can make collide."""
    return type(key) in (str, bool, float, type(None)) or (type(key) is int and -(1 << 63) <= key < 1 << 63)


def encode(value: Any, bounds: Bounds = DEFAULT_BOUNDS) -> bytes:
    """``Encoder(bounds).encode(value)``."""
    return Encoder(bounds).encode(value)


# --------------------------------------------------------------------------------------- decoding


class Decoder:
    """Reads one value out of untrusted bytes; every fresh tensor owns its memory."""

    __slots__ = ("_at", "_bounds", "_bytes", "_data", "_items", "_size")

    def __init__(self, data: bytes | memoryview, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._data = memoryview(data)
        self._size = len(self._data)
        self._at = 0
        self._bounds = bounds
        self._items, self._bytes = 1, 0

    def decode(self) -> Any:
        """The value; raises ``WireError`` for anything that is not exactly one value."""
        value = self._value(0)
        if self._at != self._size:
            raise WireError(f"{self._size - self._at} bytes after the end of the value")
        return value

    def _value(self, depth: int) -> Any:
        at = self._at
        if at >= self._size:
            raise WireError("the value is cut short")
        tag = self._data[at]
        self._at = at + 1
        reader = self._READERS.get(tag)
        if reader is None:
            raise WireError(f"unknown tag {bytes([tag])!r}")
        return reader(self, depth)

    def _piece(self, size: int) -> memoryview:
        end = self._at + size
        if end > self._size:
            raise WireError("the value is cut short")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def _numbers(self, layout: struct.Struct) -> tuple[Any, ...]:
        at = self._at
        self._at = at + layout.size
        if self._at > self._size:
            raise WireError("the value is cut short")
        return layout.unpack_from(self._data, at)

    def _take(self, size: int) -> None:
        self._bytes += size
        if self._bytes > self._bounds.total_bytes:
            raise WireError(f"more than {self._bounds.total_bytes} bytes in one value")

    def _count(self) -> int:
        count: int = self._numbers(_U32)[0]
        if count > self._size - self._at:  # every item takes at least a byte
            raise WireError(f"a count of {count} with {self._size - self._at} bytes left")
        return count

    def _open(self, depth: int, each: int = 1) -> int:
        """How many items a container holds, counted before they are read."""
        count = self._count()
        if count and depth >= MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH} levels")
        self._items += each * count
        if self._items > self._bounds.items:
            raise WireError(f"more than {self._bounds.items} items in one value")
        return count

    def _text(self, _depth: int = 0, most: int | None = None) -> str:
        size = self._count()
        if size > (self._bounds.text_bytes if most is None else most):
            raise WireError(f"a text of {size} bytes")
        self._take(size)
        try:
            return str(self._piece(size), "utf-8")
        except UnicodeDecodeError as error:
            raise WireError("a text that is not UTF-8") from error

    def _raw(self, _depth: int) -> bytes:
        size = self._count()
        self._take(size)
        return bytes(self._piece(size))

    def _big_int(self, _depth: int) -> int:
        size = self._piece(1)[0]
        if size > MAX_INT_BYTES:
            raise WireError(f"an integer of {size} bytes")
        return int.from_bytes(self._piece(size), "little", signed=True)

    def _list(self, depth: int) -> list[Any]:
        return [self._value(depth + 1) for _ in range(self._open(depth))]

    def _dict(self, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for _ in range(self._open(depth, 2)):
            key = self._value(depth + 1)
            if not _is_key(key) or key in result:
                raise WireError("a repeated key, or one that is not a plain value")
            result[key] = self._value(depth + 1)
        return result

    def _dims(self, ndim: int) -> tuple[int, ...]:
        if ndim > MAX_NDIM:
            raise WireError(f"{ndim} dimensions")
        dims = self._numbers(_DIMS[ndim])
        if ndim and (min(dims) < 0 or max(dims) > 1 << 40):
            raise WireError(f"dimensions {dims}")
        return dims

    def _shape(self, ndim: int) -> tuple[int, ...]:
        shape = self._dims(ndim)
        if math.prod(max(1, size) for size in shape) > MAX_ENTRIES:
            raise WireError(f"dimensions {shape}")
        return shape

    def _tensor(self, _depth: int = 0) -> torch.Tensor:
        code, ndim, size = self._numbers(_TENSOR_HEAD)
        if code >= len(DTYPES):
            raise WireError(f"unknown dtype code {code}")
        dtype = DTYPES[code]
        shape, strides = self._shape(ndim), self._dims(ndim)
        span = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if size != span * dtype.itemsize:
            raise WireError(f"a tensor of shape {shape} in {size} bytes")
        whole = math.prod(shape) * dtype.itemsize  # an expanded tensor counts in full
        self._take(TENSOR_COST + max(size, whole))
        raw = bytearray(self._piece(size))
        if span == 0:
            return torch.empty(shape, dtype=dtype)
        if dtype is torch.bool:  # a byte other than 0 and 1 is no bool
            flat = torch.frombuffer(raw, dtype=torch.uint8).ne(0)
        else:
            flat = torch.frombuffer(raw, dtype=dtype)
        return flat.as_strided(shape, strides)

    def _array(self, _depth: int) -> np.ndarray[Any, Any]:
        name = self._text(most=8)
        if not _NUMPY_NAME.fullmatch(name):
            raise WireError(f"numpy dtype {name!r:.40}")
        try:
            dtype = np.dtype(name)
        except TypeError as error:
            raise WireError(f"numpy dtype {name!r}") from error
        if dtype.itemsize > MAX_NUMPY_BYTES:
            raise WireError(f"numpy dtype {name!r}")
        shape = self._shape(self._piece(1)[0])
        size = dtype.itemsize * math.prod(shape)
        self._take(TENSOR_COST + size)
        raw = bytearray(self._piece(size))
        if dtype.kind == "b":  # a byte other than 0 and 1 is no bool
            return np.not_equal(np.frombuffer(raw, dtype=np.uint8), 0).reshape(shape)
        return np.frombuffer(raw, dtype=dtype).reshape(shape)

    def _generator(self, _depth: int) -> torch.Generator:
        if self._text(most=8) != "cpu" or bytes(self._piece(1)) != b"x":
            raise WireError("a generator of an unknown device")
        state = self._tensor()
        generator = torch.Generator()
        try:
            generator.set_state(state)
        except (RuntimeError, TypeError) as error:
            raise WireError("not a generator state") from error
        return generator

    def _handle(self, _depth: int) -> Handle:
        number: int = self._numbers(_I64)[0]
        return Handle(number, self._text(most=MAX_KIND_BYTES))

    _READERS: ClassVar[dict[int, Callable[[Decoder, int], Any]]] = {
        ord("N"): lambda self, depth: None,
        ord("T"): lambda self, depth: True,
        ord("F"): lambda self, depth: False,
        ord("i"): lambda self, depth: self._numbers(_I64)[0],
        ord("I"): _big_int,
        ord("f"): lambda self, depth: self._numbers(_F64)[0],
        ord("s"): _text,
        ord("b"): _raw,
        ord("l"): _list,
        ord("t"): lambda self, depth: tuple(self._list(depth)),
        ord("d"): _dict,
        ord("x"): _tensor,
        ord("a"): _array,
        ord("g"): _generator,
        ord("h"): _handle,
    }


def decode(data: bytes | memoryview, bounds: Bounds = DEFAULT_BOUNDS) -> Any:
    """``Decoder(data, bounds).decode()``."""
    return Decoder(data, bounds).decode()
