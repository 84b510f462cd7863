"""The autograded notebook: what a student wrote, in the released notebook's frame, with our results.

Formgrader and ``nbgrader generate_feedback`` show this file and read nothing else of a submission. The
frame (metadata, checks, kernel) is the released notebook's; of the submission only the cells' text is
kept, and pictures attached to written answers. It can be made from any bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import nbformat
from nbformat import NotebookNode

from autograder.course import Assignment
from autograder.errors import AuthoringError
from autograder.model import GradeReport, Verdict
from autograder.nbgrader_bridge.summary import outcome
from autograder.sandbox.notebook import MAX_SOURCE, UnreadableError, listed_cells, load
from autograder.words import STATUSES

MISSING = "This cell was missing from the submission."
_PICTURES = ("image/png", "image/jpeg")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*\Z")


@dataclass(frozen=True)
class Released:
    """The notebook that students got, and its cells that nbgrader knows, by grade id in notebook order."""

    notebook: NotebookNode
    cells: Mapping[str, NotebookNode]

    def graded(self) -> dict[str, float]:
        """Points by question."""
        return {name: float(_marks(cell)["points"]) for name, cell in self.cells.items() if _marks(cell)["grade"]}

    def is_written(self, name: str) -> bool:
        """Whether a person scores the question ``name``."""
        return bool(_marks(self.cells[name])["grade"] and _marks(self.cells[name])["solution"])


@dataclass(frozen=True)
class Autograded:
    """An autograded notebook. ``answers`` maps each written question to a mark of its answer, ``""`` without one."""

    notebook: NotebookNode
    answers: Mapping[str, str]


@dataclass
class _Cell:
    """A submitted cell; ``index`` counts from 0 in the submission and is -1 for one that is not from there."""

    index: int
    kind: str
    source: str
    name: str = ""
    attachments: dict[str, dict[str, str]] = field(default_factory=dict)
    missing: bool = False


def read_released(assignment: Assignment, notebook: str) -> Released:
    """A released notebook of ``assignment``; raises ``AuthoringError`` where there is none."""
    path = assignment.released(notebook)
    if not path.is_file():
        raise AuthoringError(f"{path} is missing; make it: autograder release {assignment.topic}")
    given = nbformat.read(path, as_version=4)
    return Released(given, {_marks(cell)["grade_id"]: cell for cell in given.cells if _marks(cell)})


def build(released: Released, data: bytes, told: GradeReport | None = None) -> Autograded:
    """The autograded notebook for the submitted bytes ``data``, with the results in ``told``.

    ``told`` is what ``disclosure.for_student`` leaves of a report.
    """
    try:
        submitted, problem = _submitted_cells(data, set(released.cells)), ""
        _add_missing(submitted, released)
    except UnreadableError as error:
        submitted, problem = _as_released(released), f"the notebook cannot be read: {error}"
    cells = [_node(released, cell, position) for position, cell in enumerate(submitted)]
    if told is not None:
        _put_results(told, submitted, cells)
    if problem or (told is not None and told.verdict is Verdict.INVALID_SUBMISSION):
        cells.insert(0, _note(told.message if told is not None and told.message else problem))
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": _frame(released.notebook), "cells": cells}
    return Autograded(
        nbformat.from_dict(notebook),
        {cell.name: _mark(released, cell) for cell in submitted if _written(released, cell)},
    )


def _marks(cell: NotebookNode) -> Mapping[str, Any]:
    """What nbgrader's metadata say of a released cell; empty where there are none or they mark nothing."""
    marks = cell.metadata.get("nbgrader", {})
    return marks if marks.get("grade") or marks.get("solution") or marks.get("locked") else {}


# ------------------------------------------------------------------------------------------ what was handed in


def _submitted_cells(data: bytes, known: set[str]) -> list[_Cell]:
    """The cells of a notebook in format 3 or 4. Of cells with one grade id the last counts, as with nbgrader.

    Raises ``UnreadableError`` where there are none.
    """
    found = listed_cells(load(data))
    cells = [_read_cell(index, cell) for index, cell in enumerate(found) if isinstance(cell, dict)]
    seen: set[str] = set()
    for cell in reversed(cells):
        if cell.name not in known or cell.name in seen:
            cell.name = ""
        seen.add(cell.name)
    return cells


def _read_cell(index: int, cell: dict[str, Any]) -> _Cell:
    kind = cell.get("cell_type")
    metadata = cell.get("metadata")
    marks = metadata.get("nbgrader") if isinstance(metadata, dict) else None
    name = marks.get("grade_id") if isinstance(marks, dict) else None
    return _Cell(
        index,
        kind if kind in ("code", "raw") else "markdown",
        _text(cell.get("source", cell.get("input", ""))),
        name if isinstance(name, str) else "",
        dict(_pictures(cell.get("attachments"))),
    )


def _text(source: Any) -> str:
    """The source of a cell as text that can be written as UTF-8, cut where it is too long to be shown."""
    if isinstance(source, list):
        source = "".join(line for line in source if isinstance(line, str))
    text = source if isinstance(source, str) else ""
    return text[:MAX_SOURCE].encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n")


def _pictures(attachments: Any) -> Iterator[tuple[str, dict[str, str]]]:
    for name, bundle in attachments.items() if isinstance(attachments, dict) else ():
        for mime in _PICTURES:
            data = bundle.get(mime) if isinstance(bundle, dict) else None
            if isinstance(data, str) and _BASE64.match(data):
                yield _text(name), {mime: data}


def _add_missing(cells: list[_Cell], released: Released) -> None:
    """Insert each known cell that is missing after its predecessor in the release."""
    place = 0
    for name, cell in released.cells.items():
        present = next((index for index, item in enumerate(cells) if item.name == name), None)
        if present is None:
            cells.insert(place, _Cell(-1, cell.cell_type, cell.source, name, missing=True))
        place = (place if present is None else present) + 1


def _as_released(released: Released) -> list[_Cell]:
    names = {id(cell): name for name, cell in released.cells.items()}
    return [_Cell(-1, cell.cell_type, cell.source, names.get(id(cell), "")) for cell in released.notebook.cells]


# ------------------------------------------------------------------------------------------------- what is shown


def _node(released: Released, cell: _Cell, position: int) -> dict[str, Any]:
    """The cell in nbformat's form, which its own makers would check against the schema one by one: 2 ms each."""
    frame = released.cells.get(cell.name)
    kind = frame.cell_type if frame is not None else cell.kind
    node: dict[str, Any] = {"id": f"cell-{position}", "cell_type": kind, "metadata": {}, "source": cell.source}
    if kind == "code":
        node |= {"execution_count": None, "outputs": [_output(MISSING)] if cell.missing else []}
    if frame is not None:
        node["metadata"] = {"nbgrader": dict(frame.metadata.nbgrader)}
        node["source"] = cell.source if _marks(frame)["solution"] else frame.source
    elif kind == "raw":
        node["metadata"] = {"raw_mimetype": "text/plain"}  # without it, HTML pages take the text for HTML
    if cell.missing and kind != "code":
        node["source"] = f"*{MISSING}*\n\n{node['source']}"
    if kind == "markdown" and cell.attachments:
        node["attachments"] = cell.attachments
    return node


def _frame(notebook: NotebookNode) -> dict[str, Any]:
    return {key: notebook.metadata[key] for key in ("kernelspec", "language_info") if key in notebook.metadata}


def _note(text: str) -> dict[str, Any]:
    body = "    " + text.replace("\n", "\n    ")  # an indented block: shown as it is
    source = f"**The notebook that was handed in could not be graded.**\n\n{body}"
    return {"id": "note", "cell_type": "markdown", "metadata": {}, "source": source}


def _put_results(told: GradeReport, submitted: list[_Cell], nodes: list[dict[str, Any]]) -> None:
    """A check cell shows its question's result, any other code cell only that it stopped."""
    results = {question.name: question for question in told.questions}
    stopped = {cell.index: cell for cell in told.cells if cell.status != "ok"}
    for cell, node in zip(submitted, nodes, strict=True):
        if node["cell_type"] != "code":
            continue
        if cell.name in results:
            node["outputs"] = [_output(outcome(results[cell.name]))]
        elif cell.index in stopped:
            record = stopped[cell.index]
            told_why = f": {record.message}" if record.message else ""
            node["outputs"] = [_output(f"This cell {STATUSES[record.status]}{told_why}")]


def _output(text: str) -> dict[str, str]:
    return {"output_type": "stream", "name": "stdout", "text": f"{text}\n"}


# ---------------------------------------------------------------------------------------------- written answers


def _written(released: Released, cell: _Cell) -> bool:
    return cell.name in released.cells and released.is_written(cell.name)


def _mark(released: Released, cell: _Cell) -> str:
    """Eight characters that change with the answer; none where the prompt stands untouched or the cell is missing."""
    prompt = released.cells[cell.name].source
    if cell.missing or (cell.source.strip() == prompt.strip() and not cell.attachments):
        return ""
    text = json.dumps([cell.source, cell.attachments], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]
