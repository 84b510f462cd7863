from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.difference import MOST, difference
from autograder.errors import Mismatch
from autograder.model import Difference
from autograder.testing import assert_matches
from autograder.testing import strategies as ts

NAN, INF = math.nan, math.inf


def of(expected: torch.Tensor, got: torch.Tensor, room: float = 0.0) -> Difference:
    found = difference(expected, got, room)
    assert found is not None
    return found


def test_entries_that_differ_are_marked_and_counted() -> None:
    found = of(torch.tensor([[1.0, 0.5], [0.25, 2.0]]), torch.tensor([[1.0, 0.75], [0.25, 3.0]]))
    assert found.expected.rows == ("1.0000 0.5000", "0.2500 2.0000")
    assert found.got.rows == ("1.0000 0.7500", "0.2500 3.0000")
    assert (found.wrong, found.count) == (("01", "01"), 2)


def test_what_is_within_the_room_counts_as_equal() -> None:
    assert of(torch.tensor([1.0, 2.0]), torch.tensor([1.001, 2.1]), room=0.01).wrong == ("01",)


@pytest.mark.parametrize(
    ("expected", "got", "wrong"),
    [
        ([NAN, NAN, 1.0], [NAN, 1.0, NAN], "011"),
        ([INF, -INF, INF, 1.0], [INF, INF, 1.0, INF], "0111"),
        ([0.0], [-0.0], "0"),
    ],
)
def test_numbers_that_are_none_differ_from_all_but_their_own_kind(
    expected: list[float], got: list[float], wrong: str
) -> None:
    assert of(torch.tensor(expected), torch.tensor(got), room=100.0).wrong == (wrong,)


def test_truth_and_whole_numbers_are_written_as_they_are() -> None:
    assert of(torch.tensor([True, False]), torch.tensor([True, True])).got.rows == ("True True",)
    assert of(torch.tensor([1, 20]), torch.tensor([1, 21])).expected.rows == ("1 20",)
    assert of(torch.tensor([1.0, 20.0]), torch.tensor([1.0, NAN])).got.rows == ("1 nan",)


@pytest.mark.parametrize(
    ("value", "off"), [(1.0, 1e-6), (1.0, 1e-12), (1e-20, 1e-22), (1e30, 1e22), (0.5, 1e-4), (123456.5, 0.25)]
)
def test_numbers_that_differ_never_read_alike(value: float, off: float) -> None:
    found = of(torch.tensor([value, 0.0]).double(), torch.tensor([value, 0.0]).double() + off * torch.tensor([1, 0]))
    assert found.wrong == ("10",)
    assert found.expected.rows != found.got.rows


def test_tensors_of_other_shapes_are_shown_without_marks() -> None:
    found = of(torch.zeros(2, 3), torch.ones(3))
    assert (found.expected.shape, found.got.shape) == ((2, 3), (3,))
    assert (found.expected.rows, found.got.rows) == (("0 0 0", "0 0 0"), ("1 1 1",))
    assert (found.wrong, found.count) == ((), 0)


@pytest.mark.parametrize(("expected", "got"), [((), ()), ((0, 3), (0, 3)), ((2,), (0,))])
def test_single_numbers_and_nothing_need_no_table(expected: tuple[int, ...], got: tuple[int, ...]) -> None:
    assert difference(torch.zeros(expected), torch.ones(got)) is None


@given(st.lists(st.integers(1, 40), min_size=1, max_size=4), st.data())
@settings(max_examples=60)
def test_the_entry_furthest_off_is_in_view_and_the_view_is_bounded(shape: list[int], data: st.DataObject) -> None:
    worst = tuple(data.draw(st.integers(0, size - 1)) for size in shape)
    expected = torch.zeros(shape)
    got = expected.clone()
    got[worst] = 1.0
    found = of(expected, got)
    assert found.expected.start == found.got.start
    assert len(found.wrong) == len(found.expected.rows) <= MOST
    assert all(len(row) == len(text.split()) <= MOST for row, text in zip(found.wrong, found.got.rows, strict=True))
    row, column = (0, 0, *worst)[-2:]
    first_row, first_column = (0, 0, *found.got.start)[-2:]
    assert found.wrong[row - first_row][column - first_column] == "1"
    assert found.got.start[:-2] == worst[:-2]
    assert found.count == 1


def fault_of(got: torch.Tensor, expected: torch.Tensor) -> Mismatch | None:
    try:
        assert_matches(got, expected)
    except Mismatch as fault:
        return fault
    return None


@given(ts.tensors((3, 4), dtype=ts.float_dtypes(halves=True), kinds=("normal", "large")), st.floats(1e-9, 10.0))
@settings(max_examples=60)
def test_an_answer_has_marks_where_it_is_refused(x: torch.Tensor, off: float) -> None:
    fault = fault_of((x.double() * (1 + off)).to(x.dtype), x)
    if fault is not None:
        assert fault.tensors is not None
        assert of(*fault.tensors).count > 0


def test_entries_within_the_tolerance_are_not_marked() -> None:
    fault = fault_of(torch.tensor([1.0000001, 2.0, NAN]), torch.tensor([1.0, 3.0, NAN]))
    assert fault is not None
    assert fault.tensors is not None
    assert of(*fault.tensors).wrong == ("010",)


def test_a_wrong_dtype_needs_no_table() -> None:
    fault = fault_of(torch.ones(2), torch.ones(2).double())
    assert fault is not None
    assert fault.tensors is None
