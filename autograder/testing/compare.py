"""Comparison of answers, in one place: structure, shape, dtype, NaN pattern, then closeness by norm.

Closeness is judged against the size of the whole expected tensor (or of ``terms``, what it is summed
from), never entry by entry: right float32 answers differ in tiny entries by more than any fixed
relative tolerance.
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch

from autograder.display import show
from autograder.errors import Mismatch
from autograder.testing.student import RemoteObject

# Relative error in norm, about 100 unit roundoffs: room for every sound order of computation.
TOLERANCE: Final = {
    torch.float64: 1e-10,
    torch.float32: 2e-5,
    torch.float16: 8e-3,
    torch.bfloat16: 6e-2,
    torch.complex64: 2e-5,
    torch.complex128: 1e-10,
}


# Below its smallest normal number a dtype rounds coarsely, and libraries flush to zero; float16 has its
# smallest normal number at 6e-5, where that would hide real errors: 8 of its smallest steps do.
HALF_FLOOR: Final = 5e-7


def assert_matches(
    got: Any,
    expected: Any,
    *,
    dtype: torch.dtype | None = None,
    terms: Any = None,
    rtol: float | None = None,
    what: str = "the result",
) -> None:
    """Raise ``Mismatch`` unless ``got`` is ``expected`` in value.

    Args:
        got: the student's answer (plain values and tensors).
        expected: what it should be; its structure decides how ``got`` is read. A tuple or list
            matches either, an ``int`` no ``bool`` and no ``float``, a ``float`` any real number.
        dtype: the dtype the answer must have where ``expected`` was computed in a higher precision;
            by default that of ``expected``.
        terms: size of the terms a tensor is summed from, as a tensor or number (its norm counts),
            for results in which terms cancel. A tuple, for a tuple of results.
        rtol: relative tolerance in norm; by default that of the dtype.
        what: how messages call the value.
    """
    if isinstance(expected, torch.Tensor):
        _tensor(got, expected, dtype or expected.dtype, terms, rtol, what)
    elif isinstance(expected, tuple | list):
        _sequence(got, expected, dtype, terms, rtol, what)
    elif isinstance(expected, bool) or expected is None:
        if got is not expected:
            raise _mismatch(what, f"is {show(got)}, not {expected}", expected, got)
    elif isinstance(expected, int):
        _integer(got, expected, what)
    elif isinstance(expected, float):
        _real(got, expected, 1e-9 if rtol is None else rtol, terms, what)
    elif got != expected:
        raise _mismatch(what, f"is {show(got)}", expected, got)


def _mismatch(what: str, problem: str, expected: Any, got: Any, room: float = 0.0) -> Mismatch:
    """``room``: how far entries of tensors may lie apart to count as equal."""
    tensors = None
    if isinstance(expected, torch.Tensor) and isinstance(got, torch.Tensor):
        if got.is_floating_point() and expected.is_floating_point():
            expected = expected.to(got.dtype)
        tensors = expected, got, room
    return Mismatch(f"{what} {problem}", expected=show(expected), got=show(got), tensors=tensors)


def _kind(value: Any) -> str:
    if value is None:
        return "None: is a return missing?"
    if isinstance(value, RemoteObject):
        return f"an object of class {value.kind}"
    return "a tensor" if isinstance(value, torch.Tensor) else f"a {type(value).__name__}"


def _sequence(got: Any, expected: Any, dtype: Any, terms: Any, rtol: float | None, what: str) -> None:
    if not isinstance(got, tuple | list):
        raise _mismatch(what, f"should be {len(expected)} values in a tuple, but is {_kind(got)}", expected, got)
    if len(got) != len(expected):
        raise _mismatch(what, f"has {len(got)} parts, not {len(expected)}", expected, got)
    for index, (one, other) in enumerate(zip(got, expected, strict=True)):
        part = terms[index] if isinstance(terms, tuple | list) else terms
        name = f"{what}[{index}]" if len(expected) > 1 or what != "the result" else f"{what}[0]"
        assert_matches(one, other, dtype=dtype, terms=part, rtol=rtol, what=name)


def _integer(got: Any, expected: int, what: str) -> None:
    value = got.item() if _is_integer_scalar(got) else got
    if type(value) is not int:
        raise _mismatch(what, f"should be an int, but is {_kind(got)}", expected, got)
    if value != expected:
        raise _mismatch(what, f"is {value}, not {expected}", expected, got)


def _is_integer_scalar(value: Any) -> bool:
    return (
        isinstance(value, torch.Tensor)
        and value.dim() == 0
        and not (value.is_floating_point() or value.is_complex() or value.dtype is torch.bool)
    )


def _real(got: Any, expected: float, rtol: float, terms: Any, what: str) -> None:
    value = got.item() if isinstance(got, torch.Tensor) and got.dim() == 0 and got.is_floating_point() else got
    if type(value) not in (int, float):
        raise _mismatch(what, f"should be a float, but is {_kind(got)}", expected, got)
    if math.isnan(expected) or math.isinf(expected):
        same = (math.isnan(value) and math.isnan(expected)) or value == expected
    else:
        same = abs(value - expected) <= rtol * _size(abs(expected), terms)
    if not same:
        raise _mismatch(what, f"is {value:.8g}, not {expected:.8g}", expected, got)


def _tensor(got: Any, expected: torch.Tensor, dtype: torch.dtype, terms: Any, rtol: float | None, what: str) -> None:
    if not isinstance(got, torch.Tensor):
        raise _mismatch(what, f"should be a tensor, but is {_kind(got)}", expected, got)
    if got.shape != expected.shape:
        raise _mismatch(what, f"has shape {tuple(got.shape)}, not {tuple(expected.shape)}", expected, got)
    if got.dtype != dtype:
        problem = f"{what} has dtype {got.dtype}, not {dtype}"
        raise Mismatch(problem, expected=show(expected.to(dtype)), got=show(got))
    if not (dtype.is_floating_point or dtype.is_complex):
        if not torch.equal(got, expected.to(dtype)):
            raise _mismatch(what, _where_different(got, expected.to(dtype)), expected, got)
        return
    wide = torch.complex128 if dtype.is_complex else torch.float64
    one, other = got.to(wide), expected.to(wide)
    finite = torch.isfinite(other)
    size = _size(norm(other[finite]), terms)
    allowed = (TOLERANCE[dtype] if rtol is None else rtol) * size
    root = max(1, other.numel()) ** 0.5
    room = allowed / root  # of one entry: where the whole is off, at least one entry is
    _same_specials(one, other, expected, got, what, room)
    error = norm((one - other)[finite])
    floor = min(torch.finfo(dtype).tiny, HALF_FLOOR) * root
    if not error <= allowed + floor:
        raise _mismatch(what, _distance(one, other, error, size), expected, got, room)


def norm(value: Any) -> float:
    """The Euclidean norm of a tensor or number in float64, without overflow or underflow; 0 of ``None``."""
    if value is None:
        return 0.0
    entries = torch.as_tensor(value)
    sizes = entries.to(torch.complex128 if entries.is_complex() else torch.float64).abs()
    largest = float(sizes.max()) if sizes.numel() else 0.0
    if largest == 0.0 or not math.isfinite(largest):
        return largest
    return largest * float(torch.linalg.vector_norm(sizes / largest))


def _size(expected: float, terms: Any) -> float:
    """What an error is relative to; terms that are not finite say nothing, and would let any answer pass."""
    known = norm(terms)
    return max(expected, known) if math.isfinite(known) else expected


def _same_specials(one: torch.Tensor, other: torch.Tensor, expected: Any, got: Any, what: str, room: float) -> None:
    if not torch.equal(torch.isnan(one), torch.isnan(other)):
        here = "NaN where a number belongs" if torch.isnan(one).any() else "a number where NaN belongs"
        raise _mismatch(what, f"holds {here}", expected, got, room)
    infinite = torch.isinf(other)
    if not torch.equal(torch.isinf(one), infinite) or not torch.equal(one[infinite], other[infinite]):
        here = "an infinity where a number belongs" if torch.isinf(one).any() else "no infinity where one belongs"
        raise _mismatch(what, f"holds {here}", expected, got, room)


def _where_different(got: torch.Tensor, expected: torch.Tensor) -> str:
    wrong = int((got != expected).sum())
    return f"differs in {wrong} of {got.numel()} entries"


def _distance(one: torch.Tensor, other: torch.Tensor, error: float, size: float) -> str:
    if one.dim() == 0:
        return f"is {one.item():.7g}, not {other.item():.7g}"
    gap = torch.nan_to_num((one - other).abs())
    worst = torch.unravel_index(gap.argmax(), one.shape)
    index = ", ".join(str(int(i)) for i in worst)
    relative = f"relative error {error / size:.2g}" if size else f"error {error:.2g}"
    return f"is off ({relative}); at [{index}] it is {one[worst].item():.6g}, not {other[worst].item():.6g}"
