"""Tables of what was measured: Markdown for people, JSON for programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.measure import Spread

Cell = Spread | float | int | str
Row = Mapping[str, Cell]


@dataclass(frozen=True)
class Table:
    """Rows with the same columns. ``said`` tells what was done; units stand in the columns' names."""

    part: str
    title: str
    said: str
    rows: Sequence[Row] = field(default_factory=tuple)

    def markdown(self) -> str:
        """A heading, what was done, and the table; a spread as its median and, in brackets, its ends."""
        lines = [f"## {self.title}", "", self.said]
        if self.rows:
            names = list(self.rows[0])
            lines += ["", _line(names), _line(["---"] * len(names))]
            lines += [_line([_text(row[name]) for name in names]) for row in self.rows]
        return "\n".join(lines) + "\n"

    def plain(self) -> dict[str, Any]:
        """For JSON: a spread as its median and all its values."""
        rows = [{name: _plain(cell) for name, cell in row.items()} for row in self.rows]
        return {"part": self.part, "title": self.title, "said": self.said, "rows": rows}


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _text(cell: Cell) -> str:
    if not isinstance(cell, Spread):
        return _number(cell) if isinstance(cell, float) else str(cell)
    if len(cell.values) == 1:
        return _number(cell.median)
    return f"{_number(cell.median)} ({_number(min(cell.values))}-{_number(max(cell.values))})"


def _number(value: float) -> str:
    """Three figures."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.3g}"


def _plain(cell: Cell) -> Any:
    return {"median": cell.median, "values": list(cell.values)} if isinstance(cell, Spread) else cell


def page(machine: Mapping[str, str], command: str, tables: Sequence[Table]) -> str:
    """All tables as one Markdown page, with the machine and the command that made it."""
    head = ["# Speed", "", f"Made by `{command}`. Medians; in brackets the least and the most of the repeats.", ""]
    about = [_line(["machine", ""]), _line(["---"] * 2), *(_line(list(item)) for item in machine.items())]
    return "\n".join([*head, *about, "", *(table.markdown() for table in tables)])
