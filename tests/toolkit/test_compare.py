from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.sandbox.wire import Handle
from autograder.testing import assert_matches, norm
from autograder.testing import strategies as ts
from autograder.testing.compare import TOLERANCE
from autograder.testing.student import LocalBackend, RemoteObject, Student

FLOATS = ts.FLOATS + ts.HALVES
NAN, INF = math.nan, math.inf
anything = ts.tensors(dtype=ts.float_dtypes(halves=True), kinds=ts.KINDS)


def refused(got: Any, expected: Any, message: str = "", **options: Any) -> Mismatch:
    with pytest.raises(Mismatch) as caught:
        assert_matches(got, expected, **options)
    assert message in caught.value.message
    return caught.value


def off_by(expected: torch.Tensor, times: float) -> torch.Tensor:
    """In float64, and away from ``expected`` by ``times`` the tolerance of its dtype, in norm."""
    wide = expected.double()
    step = torch.ones_like(wide)
    return wide + step * (times * TOLERANCE[expected.dtype] * norm(wide) / norm(step))


@given(anything, st.sampled_from(ts.LAYOUTS), st.sampled_from(ts.LAYOUTS))
@settings(max_examples=30)
def test_memory_layout_plays_no_part(x: torch.Tensor, one: str, other: str) -> None:
    assert_matches(ts.lay_out(x, one), ts.lay_out(x, other))
    wrong = x + 1 + x.abs()
    refused(ts.lay_out(wrong, one), ts.lay_out(x, other))


@given(ts.tensors(dtype=torch.float64, kinds=("normal", "large", "tiny")), st.sampled_from(FLOATS))
@settings(max_examples=50)
def test_an_error_above_the_tolerance_fails_and_one_below_passes(x: torch.Tensor, dtype: torch.dtype) -> None:
    expected = (x + x.abs().max() + 1e-2).to(dtype).to(torch.float64)
    below, above = off_by(expected.to(dtype), 0.5).to(dtype), off_by(expected.to(dtype), 2.0).to(dtype)
    assert_matches(below, expected, dtype=dtype)
    refused(above, expected, "", dtype=dtype)


@given(ts.tensors(dtype=torch.float64), st.integers(-280, 280))
@example(torch.ones(3, dtype=torch.float64), 200)
@example(torch.ones(3, dtype=torch.float64), -200)
def test_the_size_of_numbers_plays_no_part(x: torch.Tensor, exponent: int) -> None:
    expected = (x + 10) * 10.0**exponent
    assert_matches(expected * (1 + 1e-13), expected)
    refused(expected * 1.001, expected, "is off (relative error 0.001)")


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_rounded_reference_is_right_in_every_dtype(dtype: torch.dtype) -> None:
    exact = torch.linspace(-3, 3, 31, dtype=torch.float64)
    assert_matches(exact.to(dtype), exact, dtype=dtype)


def test_what_underflows_in_half_precision_is_right() -> None:
    exact = torch.tensor([1e-9, 2e-8], dtype=torch.float64)
    assert_matches(exact.half(), exact, dtype=torch.float16)
    refused(torch.full((2,), 1e-5).half(), exact, dtype=torch.float16)


@given(ts.tensors(dtype=torch.float16, kinds=("tiny",)))
def test_tiny_numbers_in_half_precision_are_compared_as_well(x: torch.Tensor) -> None:
    assert_matches(x.clone(), x.double(), dtype=torch.float16)
    refused(x + 2e-5, x.double(), dtype=torch.float16)


@given(
    st.lists(st.sampled_from([0.0, 1.0, NAN, INF, -INF]), min_size=1, max_size=5),
    st.lists(st.sampled_from([0.0, 1.0, NAN, INF, -INF]), min_size=1, max_size=5),
)
def test_special_values_must_stand_in_the_same_places(one: list[float], other: list[float]) -> None:
    same = len(one) == len(other) and all(a == b or (math.isnan(a) and math.isnan(b)) for a, b in zip(one, other))  # noqa: B905
    if same:
        assert_matches(torch.tensor(one), torch.tensor(other))
    else:
        refused(torch.tensor(one), torch.tensor(other))


@pytest.mark.parametrize(
    ("got", "expected", "message"),
    [
        ([NAN, 1], [0, 1], "holds NaN where a number belongs"),
        ([0, 1], [NAN, 1], "holds a number where NaN belongs"),
        ([INF, 1], [0, 1], "holds an infinity where a number belongs"),
        ([0, 1], [INF, 1], "holds no infinity where one belongs"),
        ([-INF, 1], [INF, 1], "holds an infinity"),
        ([1, 3], [1, 2], "is off (relative error 0.45); at [1] it is 3, not 2"),
        ([1.0], [1, 2], "has shape (1,), not (2,)"),
    ],
)
def test_messages_on_tensors(got: list[float], expected: list[float], message: str) -> None:
    floats = torch.float32
    error = refused(torch.tensor(got, dtype=floats), torch.tensor(expected, dtype=floats), message)
    assert error.expected.startswith("torch.tensor([")
    assert error.got.startswith("torch.tensor([")


def test_messages_on_one_number_and_on_an_expected_zero() -> None:
    refused(torch.tensor(1.5), torch.tensor(2.0), "is 1.5, not 2")
    refused(torch.tensor([1.0]), torch.tensor([0.0]), "is off (error 1); at [0]")
    refused(torch.tensor([1, 2, 3]), torch.tensor([1, 5, 6]), "differs in 2 of 3 entries")


@pytest.mark.parametrize(
    ("got", "kind"),
    [
        (None, "None: is a return missing?"),
        ([1.0], "a list"),
        (1.0, "a float"),
        (RemoteObject(Student(LocalBackend({})), "f", Handle(3, "Layer\x1b[0m")), r"an object of class Layer\x1b[0m"),
    ],
)
def test_no_tensor_is_said(got: Any, kind: str) -> None:
    error = refused(got, torch.ones(1), f"the result should be a tensor, but is {kind}")
    assert "Student" not in error.got


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.int64, torch.bool, torch.complex64])
def test_another_dtype_is_refused_however_equal(dtype: torch.dtype) -> None:
    refused(torch.ones(2, dtype=dtype), torch.ones(2), f"has dtype {dtype}, not torch.float32")


def test_the_dtype_asked_for_counts_where_the_reference_is_more_precise() -> None:
    assert_matches(torch.ones(2), torch.ones(2, dtype=torch.float64), dtype=torch.float32)
    refused(torch.ones(2).double(), torch.ones(2, dtype=torch.float64), "has dtype", dtype=torch.float32)


@pytest.mark.parametrize("dtype", [torch.int8, torch.uint8, torch.int64, torch.bool])
def test_whole_and_truth_values_are_exact(dtype: torch.dtype) -> None:
    expected = torch.tensor([1, 0, 1], dtype=dtype)
    assert_matches(expected.clone(), expected)
    refused(torch.tensor([1, 1, 1], dtype=dtype), expected, "differs in 1 of 3 entries")


@pytest.mark.parametrize("dtype", [torch.float32, torch.int64, torch.complex64])
@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 0)])
def test_empty_tensors_match_by_shape_and_dtype(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    assert_matches(torch.empty(shape, dtype=dtype), torch.empty(shape, dtype=dtype))
    refused(torch.empty((0, 7), dtype=dtype), torch.empty(shape, dtype=dtype), "has shape (0, 7)")


def test_complex_numbers() -> None:
    expected = torch.tensor([1 + 2j, 3 - 1j])
    assert_matches(expected * (1 + 1e-7), expected)
    refused(expected.conj().resolve_conj(), expected, "is off")
    refused(torch.tensor(1 + 2j), torch.tensor(1 - 2j), "is 1+2j, not 1-2j")


@pytest.mark.parametrize("good", [3, torch.tensor(3), torch.tensor(3, dtype=torch.uint8)])
def test_an_int_may_come_as_an_integer_tensor_of_no_dimension(good: Any) -> None:
    assert_matches(good, 3)


@pytest.mark.parametrize("bad", [3.0, True, torch.tensor(3.0), torch.tensor([3]), torch.tensor(True), "3", None])
def test_an_int_comes_as_nothing_else(bad: Any) -> None:
    refused(bad, 3, "should be an int")
    refused(bad, 1, "should be an int")


def test_another_int_is_refused() -> None:
    refused(4, 3, "is 4, not 3")
    refused(2**70, 3, f"is {2**70}, not 3")


@pytest.mark.parametrize("good", [0.5, torch.tensor(0.5), torch.tensor(0.5, dtype=torch.float64)])
def test_a_float_may_come_as_a_floating_tensor_of_no_dimension(good: Any) -> None:
    assert_matches(good, 0.5)


def test_a_float_may_come_as_an_int() -> None:
    assert_matches(3, 3.0)


@pytest.mark.parametrize("bad", [True, "1.0", None, 1 + 0j, torch.tensor([1.0]), torch.tensor(1), torch.tensor(True)])
def test_a_float_comes_as_nothing_else(bad: Any) -> None:
    refused(bad, 1.0, "should be a float")


@pytest.mark.parametrize(("got", "expected"), [(NAN, 1.0), (1.0, NAN), (INF, 1.0), (1.0, INF), (-INF, INF), (2.0, 1.0)])
def test_another_float_is_refused(got: float, expected: float) -> None:
    refused(got, expected, f"is {got:.8g}, not {expected:.8g}")


@pytest.mark.parametrize("value", [NAN, INF, -INF, 0.0])
def test_special_floats_match_themselves(value: float) -> None:
    assert_matches(value, value)


def test_tolerances_of_floats() -> None:
    assert_matches(1 + 1e-10, 1.0)
    refused(1 + 1e-8, 1.0)
    assert_matches(1.01, 1.0, rtol=0.1)
    refused(1 + 1e-12, 1.0, rtol=0)
    assert_matches(1e-8, 0.0, terms=torch.tensor([30.0, 40.0]))
    refused(1e-7, 0.0, terms=torch.tensor([30.0, 40.0]))


@pytest.mark.parametrize("expected", [True, False, None])
def test_truth_values_and_none_are_themselves(expected: Any) -> None:
    assert_matches(expected, expected)
    for other in [value for value in (True, False, None, 0, 1, "x") if value is not expected]:
        refused(other, expected, f"not {expected}")


def test_a_truth_value_is_no_number() -> None:
    refused(1, True, "is 1, not True")
    refused(torch.tensor(True), True, "is torch.tensor(True), not True")


def test_texts_are_compared_as_they_are() -> None:
    assert_matches("relu", "relu")
    assert refused("gelu", "relu", "the kind is 'gelu'", what="the kind").expected == "'relu'"


def test_tuples_and_lists_stand_for_each_other() -> None:
    assert_matches([torch.ones(1), 2], (torch.ones(1), 2))
    assert_matches((torch.ones(1), (2, 3)), [torch.ones(1), [2, 3]])


def test_parts_are_named() -> None:
    refused(torch.ones(2), (1, 2), "should be 2 values in a tuple, but is a tensor")
    refused((1, 2, 3), (1, 2), "has 3 parts, not 2")
    refused((1, 3), (1, 2), "the result[1] is 3, not 2")
    refused((0,), (1,), "the result[0] is 0, not 1")
    refused((1, (2, 4)), (1, (2, 3)), "the sizes[1][1] is 4, not 3", what="the sizes")


def test_terms_make_room_where_they_cancel() -> None:
    expected = torch.tensor([1e-7], dtype=torch.float64)
    refused(torch.tensor([1.1e-7]), expected, dtype=torch.float32)
    assert_matches(torch.tensor([1.1e-7]), expected, dtype=torch.float32, terms=torch.ones(4))
    assert_matches(torch.tensor([1.1e-7]), expected, dtype=torch.float32, terms=1.0)
    refused(torch.tensor([1e-3]), expected, dtype=torch.float32, terms=1.0)


def test_terms_of_a_tuple_are_those_of_its_parts() -> None:
    expected = (torch.tensor([1.0]), torch.tensor([1.0]))
    got = (torch.tensor([1.01]), torch.tensor([1.0]))
    assert_matches(got, expected, terms=(torch.tensor([1e4]), None))
    refused(got, expected, "the result[0]", terms=(None, torch.tensor([1e4])))


@pytest.mark.parametrize("terms", [INF, NAN, torch.tensor([INF, 1.0])])
def test_terms_that_are_not_finite_let_nothing_pass(terms: Any) -> None:
    refused(torch.tensor([5.0]), torch.tensor([1.0]), "is off", terms=terms)
    refused(5.0, 1.0, "is 5, not 1", terms=terms)


def test_a_tolerance_of_ones_own() -> None:
    assert_matches(torch.tensor([1.05]), torch.tensor([1.0]), rtol=0.1)
    refused(torch.tensor([1.0 + 1e-6]), torch.tensor([1.0]), rtol=0.0)


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (None, 0.0),
        (torch.empty(0), 0.0),
        (torch.zeros(3), 0.0),
        (-2, 2.0),
        (torch.tensor([3, 4]), 5.0),
        (torch.tensor([True, False]), 1.0),
        (torch.tensor([3j, 4]), 5.0),
        (torch.tensor([3e200, 4e200], dtype=torch.float64), 5e200),
        (torch.tensor([3e-200, 4e-200], dtype=torch.float64), 5e-200),
        (torch.tensor([INF, 1.0]), INF),
    ],
)
def test_the_norm_of_anything(value: Any, size: float) -> None:
    assert norm(value) == pytest.approx(size, rel=1e-12)


def test_a_dtype_that_differs_is_seen_in_what_is_shown() -> None:
    error = refused(torch.ones(1), torch.ones(1, dtype=torch.float64), "has dtype torch.float32, not torch.float64")
    assert error.expected == "torch.tensor([1.], dtype=torch.float64)"
    assert error.got == "torch.tensor([1.])"
