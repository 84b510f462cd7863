"""The tables as one picture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.measure import Spread
from benchmarks.table import Cell, Table

_OURS, _THEIRS, _FLOOR = "tab:blue", "tab:gray", "tab:green"


def draw(tables: Sequence[Table], folder: Path, machine: str) -> list[Path]:
    """``speed.svg`` and ``speed.png`` with a panel for each table that has one; nothing where none has."""
    panels = [(table, _PANELS[table.title]) for table in tables if table.rows and table.title in _PANELS]
    if not panels:
        return []
    mpl.use("Agg")
    figure, axes = plt.subplots(1, len(panels), figsize=(5.5 * len(panels), 4.2), layout="constrained", squeeze=False)
    for axis, (table, panel) in zip(axes[0], panels, strict=True):
        axis.set_title(table.title)
        panel(axis, table)
    figure.supxlabel(machine, fontsize="small")
    paths = [folder / f"speed.{ending}" for ending in ("svg", "png")]
    for path in paths:
        figure.savefig(path, dpi=150)
    plt.close(figure)
    return paths


def _number(cell: Cell) -> float:
    return cell.median if isinstance(cell, Spread) else float(cell)


def _peers(axis: Axes, table: Table) -> None:
    names = [f"{row['grader']}, {row['submissions']}" for row in table.rows]
    seconds = [_number(row["wall s each"]) for row in table.rows]
    bars = axis.barh(names, seconds, color=[_OURS if "autograder" in name else _THEIRS for name in names])
    axis.bar_label(bars, fmt="%.2g s", padding=3)
    axis.margins(x=0.15)
    axis.invert_yaxis()
    axis.set_xlabel("seconds for each submission, by the size of the class")


def _floor(axis: Axes, table: Table) -> None:
    names = [str(row["assignment"]) for row in table.rows]
    bars = (
        ("first, wall s", "graded, answers unknown", "tab:cyan"),
        ("graded, wall s", "graded, answers known", _OURS),
        ("tests' bodies s", "floor: tests' bodies", _FLOOR),
        ("calls s", "calls alone", _THEIRS),
    )
    for shift, (column, label, colour) in zip((-0.3, -0.1, 0.1, 0.3), bars, strict=True):
        places = [number + shift for number in range(len(names))]
        axis.barh(places, [_number(row[column]) for row in table.rows], 0.18, label=label, color=colour)
    axis.set_yticks(range(len(names)), names)
    axis.invert_yaxis()
    axis.set_xlabel("seconds for the model solution")
    axis.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, -0.15), ncols=2)


def _scale(axis: Axes, table: Table) -> None:
    sizes = [_number(row["submissions"]) for row in table.rows]
    for column, marker in (("wall s each", "o"), ("CPU s each", "s")):
        axis.plot(sizes, [_number(row[column]) for row in table.rows], f"{marker}-", label=column)
    axis.set_xscale("log")
    axis.set_ylim(bottom=0)
    axis.set_xlabel("submissions in the class")
    axis.set_ylabel("seconds for each")
    axis.legend(fontsize="small")


_PANELS: dict[str, Callable[[Axes, Table], None]] = {
    "Beside nbgrader and otter-grader": _peers,
    "Grading beside its floor": _floor,
    "Cost by the size of the class": _scale,
}
