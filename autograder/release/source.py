"""The nbgrader source notebooks of an assignment: its handouts with the reference's answers filled in."""

from __future__ import annotations

import hashlib
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course import Assignment
from autograder.release.answers import Reference, answer_cell
from autograder.release.consistency import require_consistent
from autograder.release.handout import Handout, HandoutCell, joined, read_handouts
from autograder.suite import Suite

NOTEBOOK_FORMAT = {"nbformat": 4, "nbformat_minor": 5}
NBGRADER_SCHEMA = 3
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
Cell = dict[str, Any]
# A comment in Markdown, so that the source notebook reads like the student's.
_MANUAL_REGION = "<!-- BEGIN SOLUTION -->\n<!-- END SOLUTION -->"


def build_sources(assignment: Assignment, suite: Suite) -> dict[str, NotebookNode]:
    """The source notebooks by name, the same for the same files; raises ``AuthoringError`` where they disagree."""
    handouts, reference = read_handouts(assignment), Reference.read(assignment.reference)
    require_consistent(joined(handouts), reference, suite, assignment.front)
    return {name: _source(handout, reference, assignment, suite) for name, handout in handouts.items()}


def _source(handout: Handout, reference: Reference, assignment: Assignment, suite: Suite) -> NotebookNode:
    cells = [_cell(cell, handout, reference, assignment, suite) for cell in handout.cells]
    _number(cells)
    metadata = {"kernelspec": KERNEL, "language_info": {"name": "python"}, "autograder": {"assignment": suite.topic}}
    notebook: NotebookNode = nbformat.from_dict({"cells": cells, "metadata": metadata} | NOTEBOOK_FORMAT)
    nbformat.validate(notebook)
    return notebook


def notebook_bytes(notebook: NotebookNode) -> bytes:
    """A notebook as it is stored."""
    text: str = nbformat.writes(notebook, version=nbformat.NO_CONVERT)
    return text.encode() + b"\n"


def _cell(cell: HandoutCell, handout: Handout, reference: Reference, assignment: Assignment, suite: Suite) -> Cell:
    match cell.kind:
        case "question":
            given = handout.names_before(cell.name)
            source = answer_cell(reference, cell.name, questions=handout.names("question"), given=given)
            return _code(source, cell, _marks(grade_id=f"{cell.name}-answer", solution=True))
        case "check":
            points = suite.points(cell.name)
            heading = f"# {cell.name}: {points:g} {'point' if points == 1 else 'points'}"
            marks = _marks(grade_id=cell.name, grade=True, locked=True, points=points)
            return _code(f"{heading}\n{cell.source}", cell, marks)
        case "manual":
            points = assignment.front.manual[cell.name].points
            marks = _marks(grade_id=cell.name, grade=True, solution=True, points=points)
            return _markdown(f"{cell.source}\n\n{_MANUAL_REGION}", cell, marks)
        case "code":
            return _code(cell.source, cell)
        case "prose":
            return _markdown(cell.source, cell)


def _code(source: str, cell: HandoutCell, marks: Cell | None = None) -> Cell:
    return _markdown(source, cell, marks) | {"cell_type": "code", "outputs": [], "execution_count": None}


def _markdown(source: str, cell: HandoutCell, marks: Cell | None = None) -> Cell:
    tags = {"tags": list(cell.tags)} if cell.tags else {}
    return {"cell_type": "markdown", "metadata": (marks or {}) | tags, "source": source}


def _marks(*, points: float | None = None, **marks: Any) -> Cell:
    """The cell metadata of nbgrader; whole points as whole numbers, as its own interface writes them."""
    plain = {"grade": False, "solution": False, "locked": False, "task": False, "schema_version": NBGRADER_SCHEMA}
    worth = {} if points is None else {"points": int(points) if points == int(points) else points}
    return {"nbgrader": plain | marks | worth}


def _number(cells: list[Cell]) -> None:
    """Give every cell an id that follows from what it is, so that an edit elsewhere leaves it alone."""
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        what = cell["metadata"].get("nbgrader", {}).get("grade_id") or f"{cell['cell_type']}\n{cell['source']}"
        cell["id"] = _digest(what) if _digest(what) not in seen else _digest(f"{index}\n{what}")
        seen.add(cell["id"])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
