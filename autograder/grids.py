"""Two tensors side by side as a page draws them: a table of numbers each, and heat maps where there are many.

Colours come from the page's style sheet; a picture carries shapes and strengths only, so that a page needs no style
attributes. Nothing is told by colour alone: entries below zero carry a dash, those that differ an outline.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from autograder.model import Difference, Grid

SHOWN = 8  # rows and columns of a table
PICTURED = 12  # entries from which on a picture says more
SHADES = 8
SQUARE, WIDTH = 24, 288  # pixels of an entry of a picture, and of a whole one, at most

T = TypeVar("T")


@dataclass(frozen=True)
class Picture:
    """A heat map as path data. ``above`` and ``below`` zero, with the strength of the colour from 0 to 1."""

    label: str
    columns: int
    rows: int
    square: int
    above: Sequence[tuple[float, str]]
    below: Sequence[tuple[float, str]]
    dashes: str
    strange: str
    outline: str


@dataclass(frozen=True)
class Side:
    """One of the two. ``rows``: index, and each entry with whether it differs; ``...`` stands for those left out."""

    shape: str
    columns: Sequence[str]
    rows: Sequence[tuple[str, Sequence[tuple[str, bool]]]]
    vector: bool
    picture: Picture | None


@dataclass(frozen=True)
class Beside:
    """Both, and what there is to say about them. ``place``: which part of a larger tensor is shown, if not all."""

    expected: Side
    got: Side
    reshaped: bool
    legend: str
    place: str


def beside(difference: Difference) -> Beside:
    """``difference`` as a page draws it."""
    grids = difference.expected, difference.got
    cells = [[row.split(" ") for row in grid.rows] for grid in grids]
    wrong = [[mark == "1" for mark in row] for row in difference.wrong]
    reshaped = difference.expected.shape != difference.got.shape
    size = math.prod(difference.expected.shape)
    marked = sum(map(sum, wrong))
    outlined = wrong if marked <= sum(map(len, wrong)) / 2 else []  # where most differ, outlines hide the picture
    numbers = [_numbers(rows) for rows in cells]
    pictured = all(_is_large(rows) for rows in numbers) and not reshaped
    scale = max((abs(x) for rows in numbers for row in rows for x in row if math.isfinite(x)), default=0.0)
    sides = [
        Side(
            shape=_shape(grid.shape),
            columns=_columns(grid, rows, wrong),
            rows=_rows(grid, rows, wrong),
            vector=len(grid.shape) < 2,
            picture=_picture(_part(grid, rows), values, outlined, scale) if pictured else None,
        )
        for grid, rows, values in zip(grids, cells, numbers, strict=True)
    ]
    return Beside(sides[0], sides[1], reshaped, _legend(difference, size), "" if reshaped else _place(grids[0]))


def _shape(shape: Sequence[int]) -> str:
    return " × ".join(map(str, shape)) if shape else "a single number"


def _legend(difference: Difference, size: int) -> str:
    if difference.expected.shape != difference.got.shape:
        return "The shapes differ."
    if difference.count == size:
        return "Every entry differs." if size > 1 else ""
    said = "differs: the marked one" if difference.count == 1 else "differ: the marked ones"
    return f"{difference.count} of {size} entries {said}."


def _place(grid: Grid) -> str:
    """Which matrix of more than two dimensions is shown."""
    if len(grid.shape) < 3:
        return ""
    return f"[{', '.join(map(str, grid.start[:-2]))}]"


# --------------------------------------------------------------------------------------------- tables


def _window(size: int, at: int) -> range:
    """The part of ``size`` rows or columns that a table shows, with ``at`` in it."""
    start = max(0, min(at - SHOWN // 2, size - SHOWN))
    return range(start, min(size, start + SHOWN))


def _view(cells: list[list[str]], wrong: list[list[bool]]) -> tuple[range, range]:
    """Rows and columns that a table shows: around the first entry that differs."""
    found = ((i, j) for i, row in enumerate(wrong) for j, differs in enumerate(row) if differs)
    row, column = next(found, (0, 0))
    return _window(len(cells), row), _window(max(map(len, cells), default=0), column)


def _columns(grid: Grid, cells: list[list[str]], wrong: list[list[bool]]) -> list[str]:
    _, columns = _view(cells, wrong)
    first = grid.start[-1] if grid.start else 0
    last = grid.shape[-1] if grid.shape else 1
    return _with_dots([str(first + j) for j in columns], "…", first + columns.start, last - first - columns.stop)


def _rows(grid: Grid, cells: list[list[str]], wrong: list[list[bool]]) -> list[tuple[str, Sequence[tuple[str, bool]]]]:
    rows, columns = _view(cells, wrong)
    first, height = (grid.start[-2], grid.shape[-2]) if len(grid.start) > 1 else (0, len(cells))
    left = grid.start[-1] if grid.start else 0
    width = grid.shape[-1] if grid.shape else 1
    dots = ("…", False)
    shown: list[tuple[str, Sequence[tuple[str, bool]]]] = []
    for i in rows:
        entries = [(cells[i][j], _at(wrong, i, j)) for j in columns if j < len(cells[i])]
        shown.append((str(first + i), _with_dots(entries, dots, left + columns.start, width - left - columns.stop)))
    gap: tuple[str, Sequence[tuple[str, bool]]] = ("…", [dots] * len(shown[0][1]) if shown else [])
    return _with_dots(shown, gap, first + rows.start, height - first - rows.stop)


def _with_dots(items: list[T], dots: T, before: int, after: int) -> list[T]:
    return [*([dots] if before > 0 else []), *items, *([dots] if after > 0 else [])]


def _at(marks: list[list[bool]], row: int, column: int) -> bool:
    return row < len(marks) and column < len(marks[row]) and marks[row][column]


# ------------------------------------------------------------------------------------------- heat maps


def _numbers(cells: list[list[str]]) -> list[list[float]]:
    """The entries as numbers, truth as 0 and 1; nothing where one is none."""
    truth = {"True": 1.0, "False": 0.0}
    try:
        return [[truth[text] if text in truth else float(text) for text in row] for row in cells]
    except ValueError:
        return []


def _is_large(rows: list[list[float]]) -> bool:
    return len(rows) > 1 and len(rows[0]) > 1 and sum(map(len, rows)) >= PICTURED


def _part(grid: Grid, rows: list[list[str]]) -> str:
    """Which rows and columns a picture shows: of a large tensor not all."""
    shown = (len(rows), max(map(len, rows)))
    spans = [
        f"{count} {what}" if count == size else f"{what} {first} to {first + count - 1} of {size}"
        for what, first, count, size in zip(("rows", "columns"), grid.start[-2:], shown, grid.shape[-2:], strict=True)
    ]
    return ", ".join(spans)


def _picture(label: str, values: list[list[float]], marks: list[list[bool]], scale: float) -> Picture:
    above, below = defaultdict[int, list[str]](list), defaultdict[int, list[str]](list)
    dashes, strange, outline = [], [], []
    for y, row in enumerate(values):
        for x, value in enumerate(row):
            if not math.isfinite(value):
                strange.append(f"M{x + 0.25:g} {y + 0.25:g}l.5 .5m0-.5l-.5 .5")
            elif shade := math.ceil(SHADES * abs(value) / scale) if scale else 0:
                (above if value > 0 else below)[shade].append(f"M{x} {y}h1v1h-1z")
                if value < 0:
                    dashes.append(f"M{x + 0.3:g} {y + 0.5:g}h.4")
            if _at(marks, y, x):
                outline.append(f"M{x + 0.06:g} {y + 0.06:g}h.88v.88h-.88z")
    columns = max(map(len, values))
    return Picture(
        label=label,
        columns=columns,
        rows=len(values),
        square=min(SQUARE, WIDTH // columns),
        above=_shades(above),
        below=_shades(below),
        dashes="".join(dashes),
        strange="".join(strange),
        outline="".join(outline),
    )


def _shades(paths: dict[int, list[str]]) -> list[tuple[float, str]]:
    return [(round(shade / SHADES, 3), "".join(parts)) for shade, parts in sorted(paths.items())]
