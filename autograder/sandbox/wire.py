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
from dataclasses import dataclass, field
from typing import Any, Final

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
_TENSOR: Final = struct.Struct("<BBQ")  # dtype code, number of dimensions, bytes of storage


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


@dataclass
class _Budget:
    bounds: Bounds
    items: int = 0
    bytes: int = 0

    def take(self, items: int, size: int = 0) -> None:
        self.items += items
        self.bytes += size
        if self.items > self.bounds.items:
            raise WireError(f"more than {self.bounds.items} items in one value")
        if self.bytes > self.bounds.total_bytes:
            raise WireError(f"more than {self.bounds.total_bytes} bytes in one value")


# --------------------------------------------------------------------------------------- encoding


@dataclass
class Encoder:
    """Turns trusted values into bytes. Exact types only; what else there is was normalised before."""

    bounds: Bounds = DEFAULT_BOUNDS
    _parts: list[bytes] = field(default_factory=list)

    def encode(self, value: Any) -> bytes:
        """The bytes of ``value``; raises ``WireError`` for a type or size the wire does not carry."""
        self._parts = []
        self._value(value, 0, _Budget(self.bounds))
        return b"".join(self._parts)

    def _value(self, value: Any, depth: int, budget: _Budget) -> None:  # noqa: C901, PLR0912 - one branch per type
        if depth > MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH} levels")
        budget.take(1)
        put = self._parts.append
        kind = type(value)
        if value is None:
            put(b"N")
        elif kind is bool:
            put(b"T" if value else b"F")
        elif kind is int:
            self._int(value)
        elif kind is float:
            put(b"f" + _F64.pack(value))
        elif kind is str:
            self._bytes(b"s", value.encode("utf-8", "backslashreplace"), budget)
        elif kind is bytes:
            self._bytes(b"b", value, budget)
        elif kind is list or kind is tuple:
            put((b"l" if kind is list else b"t") + _U32.pack(len(value)))
            for item in value:
                self._value(item, depth + 1, budget)
        elif kind is dict:
            put(b"d" + _U32.pack(len(value)))
            for key, item in value.items():
                if not _is_key(key):
                    raise WireError(f"a key of type {type(key).__name__}, or a number beyond 64 bits")
                self._value(key, depth + 1, budget)
                self._value(item, depth + 1, budget)
        elif kind is torch.Tensor:
            self._tensor(value, budget)
        elif kind is np.ndarray:
            self._array(value, budget)
        elif kind is torch.Generator:
            state = value.get_state()
            self._bytes(b"g", str(value.device).encode(), budget)
            self._tensor(state, budget)
        elif kind is Handle:
            put(b"h" + _I64.pack(value.number))
            kind_name = value.kind.encode("utf-8", "backslashreplace")[:MAX_KIND_BYTES]
            self._bytes(b"", kind_name.decode("utf-8", "ignore").encode(), budget)
        else:
            raise WireError(f"a value of type {kind.__name__} cannot be sent")

    def _int(self, value: int) -> None:
        if -(1 << 63) <= value < 1 << 63:
            self._parts.append(b"i" + _I64.pack(value))
            return
        size = value.bit_length() // 8 + 1
        if size > MAX_INT_BYTES:
            raise WireError(f"an integer of {value.bit_length()} bits")
        self._parts.append(b"I" + bytes([size]) + value.to_bytes(size, "little", signed=True))

    def _bytes(self, tag: bytes, value: bytes, budget: _Budget) -> None:
        if len(value) > self.bounds.text_bytes and tag != b"b":
            raise WireError(f"a text of {len(value)} bytes")
        budget.take(0, len(value))
        self._parts.append(tag + _U32.pack(len(value)) + value)

    def _tensor(self, value: torch.Tensor, budget: _Budget) -> None:
        value = torch.Tensor.detach(value)
        if value.layout is not torch.strided or value.dtype not in _DTYPE_CODE:
            raise WireError(f"a tensor of layout {value.layout} and dtype {value.dtype}")
        shape, strides = tuple(value.shape), tuple(value.stride())
        span = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        size = span * value.element_size()
        budget.take(0, TENSOR_COST + max(size, value.numel() * value.element_size()))
        flat = value.as_strided((span,), (1,)).cpu().contiguous()
        raw = flat.view(torch.uint8).numpy().tobytes() if span else b""
        head = _TENSOR.pack(_DTYPE_CODE[value.dtype], len(shape), size)
        self._parts.append(b"x" + head + struct.pack(f"<{2 * len(shape)}q", *shape, *strides) + raw)

    def _array(self, value: np.ndarray[Any, Any], budget: _Budget) -> None:
        if value.dtype.kind not in _NUMPY_KINDS or value.dtype.itemsize > MAX_NUMPY_BYTES or value.ndim > MAX_NDIM:
            raise WireError(f"a numpy array of dtype {value.dtype}")
        budget.take(0, TENSOR_COST + value.nbytes)
        self._bytes(b"a", value.dtype.newbyteorder("<").str.encode(), budget)
        self._parts.append(bytes([value.ndim]) + struct.pack(f"<{value.ndim}q", *value.shape))
        self._parts.append(np.ascontiguousarray(value, value.dtype.newbyteorder("<")).tobytes())


def _is_key(key: Any) -> bool:
    """Whether a dictionary may hold ``key``: plain, and of a type whose hashes nobody can make collide."""
    return type(key) in (str, bool, float, type(None)) or (type(key) is int and -(1 << 63) <= key < 1 << 63)


def encode(value: Any, bounds: Bounds = DEFAULT_BOUNDS) -> bytes:
    """``Encoder(bounds).encode(value)``."""
    return Encoder(bounds).encode(value)


# --------------------------------------------------------------------------------------- decoding


class Decoder:
    """Reads one value out of untrusted bytes; every fresh tensor owns its memory."""

    def __init__(self, data: bytes | memoryview, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._data = memoryview(data)
        self._at = 0
        self._budget = _Budget(bounds)

    def decode(self) -> Any:
        """The value; raises ``WireError`` for anything that is not exactly one value."""
        value = self._value(0)
        if self._at != len(self._data):
            raise WireError(f"{len(self._data) - self._at} bytes after the end of the value")
        return value

    def _take(self, size: int) -> memoryview:
        end = self._at + size
        if size < 0 or end > len(self._data):
            raise WireError("the value is cut short")
        piece = self._data[self._at : end]
        self._at = end
        return piece

    def _count(self) -> int:
        count = int(_U32.unpack(self._take(4))[0])
        if count > len(self._data) - self._at:  # every item takes at least a byte
            raise WireError(f"a count of {count} with {len(self._data) - self._at} bytes left")
        return count

    def _value(self, depth: int) -> Any:
        if depth > MAX_DEPTH:
            raise WireError(f"nested deeper than {MAX_DEPTH} levels")
        self._budget.take(1)
        tag = bytes(self._take(1))
        reader = self._READERS.get(tag)
        if reader is None:
            raise WireError(f"unknown tag {tag!r}")
        return reader(self, depth)

    def _text(self, _depth: int = 0, most: int | None = None) -> str:
        size = self._count()
        if size > (self._budget.bounds.text_bytes if most is None else most):
            raise WireError(f"a text of {size} bytes")
        self._budget.take(0, size)
        try:
            return str(self._take(size), "utf-8")
        except UnicodeDecodeError as error:
            raise WireError("a text that is not UTF-8") from error

    def _raw(self, _depth: int) -> bytes:
        size = self._count()
        self._budget.take(0, size)
        return bytes(self._take(size))

    def _big_int(self, _depth: int) -> int:
        size = self._take(1)[0]
        if size > MAX_INT_BYTES:
            raise WireError(f"an integer of {size} bytes")
        return int.from_bytes(self._take(size), "little", signed=True)

    def _list(self, depth: int) -> list[Any]:
        return [self._value(depth + 1) for _ in range(self._count())]

    def _dict(self, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for _ in range(self._count()):
            key = self._value(depth + 1)
            if not _is_key(key) or key in result:
                raise WireError("a repeated key, or one that is not a plain value")
            result[key] = self._value(depth + 1)
        return result

    def _dims(self, ndim: int) -> tuple[int, ...]:
        if ndim > MAX_NDIM:
            raise WireError(f"{ndim} dimensions")
        dims = struct.unpack(f"<{ndim}q", self._take(8 * ndim))
        if any(size < 0 or size > 1 << 40 for size in dims):
            raise WireError(f"dimensions {dims}")
        return dims

    def _shape(self, ndim: int) -> tuple[int, ...]:
        shape = self._dims(ndim)
        if math.prod(max(1, size) for size in shape) > MAX_ENTRIES:
            raise WireError(f"dimensions {shape}")
        return shape

    def _tensor(self, _depth: int = 0) -> torch.Tensor:
        code, ndim, size = _TENSOR.unpack(self._take(_TENSOR.size))
        if code >= len(DTYPES):
            raise WireError(f"unknown dtype code {code}")
        dtype = DTYPES[code]
        shape, strides = self._shape(ndim), self._dims(ndim)
        span = 0 if 0 in shape else 1 + sum((n - 1) * s for n, s in zip(shape, strides, strict=True))
        if size != span * dtype.itemsize:
            raise WireError(f"a tensor of shape {shape} in {size} bytes")
        whole = math.prod(shape) * dtype.itemsize  # an expanded tensor counts in full
        self._budget.take(0, TENSOR_COST + max(size, whole))
        raw = bytearray(self._take(size))
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
        shape = self._shape(self._take(1)[0])
        size = dtype.itemsize * math.prod(shape)
        self._budget.take(0, TENSOR_COST + size)
        raw = bytearray(self._take(size))
        if dtype.kind == "b":  # a byte other than 0 and 1 is no bool
            return np.not_equal(np.frombuffer(raw, dtype=np.uint8), 0).reshape(shape)
        return np.frombuffer(raw, dtype=dtype).reshape(shape)

    def _generator(self, _depth: int) -> torch.Generator:
        if self._text(most=8) != "cpu" or bytes(self._take(1)) != b"x":
            raise WireError("a generator of an unknown device")
        state = self._tensor()
        generator = torch.Generator()
        try:
            generator.set_state(state)
        except (RuntimeError, TypeError) as error:
            raise WireError("not a generator state") from error
        return generator

    def _handle(self, _depth: int) -> Handle:
        number = int(_I64.unpack(self._take(8))[0])
        return Handle(number, self._text(most=MAX_KIND_BYTES))

    _READERS: Final = {
        b"N": lambda self, depth: None,
        b"T": lambda self, depth: True,
        b"F": lambda self, depth: False,
        b"i": lambda self, depth: _I64.unpack(self._take(8))[0],
        b"I": _big_int,
        b"f": lambda self, depth: _F64.unpack(self._take(8))[0],
        b"s": _text,
        b"b": _raw,
        b"l": _list,
        b"t": lambda self, depth: tuple(self._list(depth)),
        b"d": _dict,
        b"x": _tensor,
        b"a": _array,
        b"g": _generator,
        b"h": _handle,
    }


def decode(data: bytes | memoryview, bounds: Bounds = DEFAULT_BOUNDS) -> Any:
    """``Decoder(data, bounds).decode()``."""
    return Decoder(data, bounds).decode()
