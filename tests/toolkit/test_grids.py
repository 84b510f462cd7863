from __future__ import annotations

import re

import torch

from autograder.difference import difference
from autograder.grids import SHADES, SHOWN, Beside, Picture, beside
from autograder.model import Difference, Grid


def drawn(expected: torch.Tensor, got: torch.Tensor) -> Beside:
    found = difference(expected, got)
    assert found is not None
    return beside(found)


def pictures(pair: Beside) -> tuple[Picture, Picture]:
    assert pair.expected.picture is not None
    assert pair.got.picture is not None
    return pair.expected.picture, pair.got.picture


def test_a_small_matrix_is_a_table_with_its_indices() -> None:
    pair = drawn(torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[1.0, 2.0], [3.0, 5.0]]))
    assert pair.got.columns == ["0", "1"]
    assert pair.got.rows == [("0", [("1", False), ("2", False)]), ("1", [("3", False), ("5", True)])]
    assert (pair.got.shape, pair.got.vector, pair.got.picture) == ("2 × 2", False, None)
    assert (pair.legend, pair.place, pair.reshaped) == ("1 of 4 entries differs: the marked one.", "", False)


def test_a_table_shows_the_part_that_differs_and_dots_for_the_rest() -> None:
    got = torch.zeros(30, 40)
    got[20, 5] = 1.0
    pair = drawn(torch.zeros(30, 40), got)
    assert (pair.got.columns[-1], pair.got.rows[0][0], pair.got.rows[-1][0]) == ("…", "…", "…")
    shown = {
        (row, column): entry
        for row, cells in pair.got.rows
        for column, entry in zip(pair.got.columns, cells, strict=True)
    }
    assert shown["20", "5"] == ("1", True)
    assert shown["20", "…"] == ("…", False)
    assert len(pair.got.rows) <= SHOWN + 2
    assert len(pair.got.columns) <= SHOWN + 2


def test_the_matrix_that_is_shown_of_a_larger_tensor_is_named() -> None:
    got = torch.zeros(2, 3, 4, 5)
    got[1, 2, 3, 4] = 1.0
    assert drawn(torch.zeros(2, 3, 4, 5), got).place == "[1, 2]"


def test_other_shapes_are_said_and_not_drawn() -> None:
    pair = drawn(torch.zeros(4, 5), torch.zeros(5, 4))
    assert (pair.reshaped, pair.legend, pair.expected.picture) == (True, "The shapes differ.", None)


def test_a_vector_has_one_row_without_an_index() -> None:
    pair = drawn(torch.zeros(20), torch.ones(20))
    assert (pair.got.vector, len(pair.got.rows), pair.got.picture) == (True, 1, None)
    assert pair.legend == "Every entry differs."


def test_a_heat_map_shows_size_sign_and_where_it_differs() -> None:
    expected = torch.zeros(3, 4)
    expected[0, 1], expected[2, 3] = 4.0, -2.0
    got = expected.clone()
    got[1, 0] = torch.nan
    right, wrong = pictures(drawn(expected, got))
    assert right.above == [(1.0, "M1 0h1v1h-1z")]
    assert right.below == [(0.5, "M3 2h1v1h-1z")]
    assert right.dashes == "M3.3 2.5h.4"
    assert (right.strange, wrong.strange) == ("", "M0.25 1.25l.5 .5m0-.5l-.5 .5")
    assert right.outline == wrong.outline == "M0.06 1.06h.88v.88h-.88z"
    assert right.label == "3 rows, 4 columns"


def test_both_heat_maps_have_one_scale() -> None:
    right, wrong = pictures(drawn(torch.ones(4, 4), torch.full((4, 4), 8.0)))
    assert ([strength for strength, _ in right.above], [strength for strength, _ in wrong.above]) == ([1 / 8], [1.0])
    assert right.outline == ""  # most differ, so that outlines would hide the picture


def test_truth_is_drawn_as_well() -> None:
    right, _ = pictures(drawn(torch.eye(4, dtype=torch.bool), torch.zeros(4, 4, dtype=torch.bool)))
    assert right.above == [(1.0, "M0 0h1v1h-1zM1 1h1v1h-1zM2 2h1v1h-1zM3 3h1v1h-1z")]


def test_a_picture_of_a_part_says_which() -> None:
    got = torch.zeros(50, 3)
    got[40, 0] = 1.0
    assert pictures(drawn(torch.zeros(50, 3), got))[0].label == "rows 32 to 47 of 50, 3 columns"


def test_what_is_drawn_stays_small() -> None:
    for picture in pictures(drawn(-torch.rand(500, 500), torch.randn(500, 500))):
        text = "".join(path for _, path in [*picture.above, *picture.below]) + picture.dashes + picture.outline
        assert len(text) < 20_000
        assert len(picture.above) <= SHADES
        assert not re.search(r"[^MhvzlmM0-9 .-]", text)


def test_texts_that_are_no_numbers_and_uneven_rows_are_shown_as_they_are() -> None:
    grid = Grid(shape=(2, 2), start=(0, 0), rows=("a b c", "<b>"))
    pair = beside(Difference(expected=grid, got=grid, wrong=("1",), count=1))
    assert pair.got.rows == [("0", [("a", True), ("b", False), ("c", False)]), ("1", [("<b>", False)])]
    assert pair.got.picture is None
