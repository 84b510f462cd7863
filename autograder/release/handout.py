"""A handout as authors write it: a MyST Markdown notebook, read into cells that say what they are for."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import jupytext
from IPython.core.inputtransformer2 import TransformerManager
from jupytext.myst import MystMetadataParsingError, myst_to_notebook

from autograder.course import Assignment
from autograder.errors import AuthoringError
from autograder.lines import at
from autograder.release.names import bound_names

Kind = Literal["prose", "code", "question", "check", "manual"]

# Which options a cell may carry, and what the cell then is.
_ROLES: dict[str, dict[str, Kind]] = {
    "code": {"question": "question", "check": "check"},
    "markdown": {"manual": "manual"},
}
_PLAIN: dict[str, Kind] = {"code": "code", "markdown": "prose"}


@dataclass(frozen=True)
class HandoutCell:
    """One cell. ``name`` is that of its question, for the kinds which have one; ``line`` where it begins in ``path``."""

    kind: Kind
    source: str
    name: str = ""
    tags: tuple[str, ...] = ()
    path: Path = field(default=Path(), compare=False)
    line: int = field(default=0, compare=False)


@dataclass(frozen=True)
class Handout:
    """The cells of a handout, in order; or of all handouts of an assignment, see ``joined``."""

    path: Path
    cells: tuple[HandoutCell, ...]

    def names(self, kind: Kind) -> list[str]:
        """The names of all cells of a kind, with repetitions."""
        return [cell.name for cell in self.cells if cell.kind == kind]

    def place(self, kind: Kind, name: str) -> str:
        """File and line of the last cell of ``kind`` and ``name``."""
        cell = [cell for cell in self.cells if (cell.kind, cell.name) == (kind, name)][-1]
        return at(cell.path, cell.line)

    def asked(self) -> list[str]:
        """All questions, automatic and manual, in order."""
        return [cell.name for cell in self.cells if cell.kind in ("question", "manual")]

    def names_before(self, question: str) -> frozenset[str]:
        """What a student's namespace holds above the cell of ``question``: imports, definitions, earlier questions."""
        return frozenset(self._names_above(question))

    def _names_above(self, question: str) -> Iterator[str]:
        for cell in self.cells:
            if cell.kind == "question":
                if cell.name == question:
                    return
                yield cell.name
            elif cell.kind in ("code", "check"):
                yield from self._defined_by(cell)

    def _defined_by(self, cell: HandoutCell) -> Iterator[str]:
        try:
            tree = ast.parse(TransformerManager().transform_cell(cell.source))  # type: ignore[no-untyped-call]
        except SyntaxError as error:
            first = cell.source.strip().splitlines()[0]
            place = at(cell.path, cell.line)
            raise AuthoringError(f"{place}: the code cell {first!r} is not Python: {error}") from error
        for statement in tree.body:
            yield from bound_names(statement)


def read_handout(path: Path) -> Handout:
    """The handout at ``path``; raises ``AuthoringError`` where it is not MyST or a cell's options make no sense."""
    text = path.read_text(encoding="utf-8")
    try:
        notebook = jupytext.reads(text, fmt="md")
    except (MystMetadataParsingError, ValueError) as error:
        raise AuthoringError(f"{path}: is not a MyST notebook: {error}") from error
    layout = notebook.metadata.get("jupytext", {}).get("text_representation", {}).get("format_name")
    if layout != "myst":
        raise AuthoringError(
            f"{path}: is not a MyST notebook but {layout!r}; the header needs "
            "'jupytext: {text_representation: {extension: .md, format_name: myst}}'"
        )
    lines = _first_lines(text, len(notebook.cells))
    cells = (_cell(at(path, line), cell) for cell, line in zip(notebook.cells, lines, strict=True))
    return Handout(path, tuple(replace(cell, path=path, line=line) for cell, line in zip(cells, lines, strict=True)))


def read_handouts(assignment: Assignment) -> dict[str, Handout]:
    """The handouts of all notebooks of an assignment, by name, in order."""
    return {name: read_handout(assignment.handout_of(name)) for name in assignment.notebooks}


def joined(handouts: Mapping[str, Handout]) -> Handout:
    """All cells of some handouts as those of one: what is asked must not depend on how it is divided."""
    first = next(iter(handouts.values()))
    return Handout(first.path, tuple(cell for handout in handouts.values() for cell in handout.cells))


def _first_lines(text: str, cells: int) -> list[int]:
    """Where each cell begins: the line of a code cell's fence, the one after what precedes a Markdown cell."""
    notebook = myst_to_notebook(text, add_source_map=True)
    lines = [
        line if cell.cell_type == "code" else line + 1
        for cell, line in zip(notebook.cells, notebook.metadata["source_map"], strict=True)
    ]
    return lines if len(lines) == cells else [0] * cells


def _cell(path: str, cell: Any) -> HandoutCell:
    options = {key: value for key, value in cell.metadata.items() if key != "tags"}
    roles = _ROLES.get(cell.cell_type)
    if roles is None:
        raise AuthoringError(f"{path}: has a {cell.cell_type} cell; a handout holds Markdown and code cells")
    for option in options:
        if option not in roles:
            known = ", ".join([*roles, "tags"])
            raise AuthoringError(f"{path}: unknown option {option!r} of a {cell.cell_type} cell; there are: {known}")
    if len(options) > 1:
        raise AuthoringError(f"{path}: a cell is either a question or a check, not {' and '.join(options)} at once")
    for option, name in options.items():
        return _named(path, roles[option], name, cell)
    return HandoutCell(_PLAIN[cell.cell_type], cell.source, tags=_tags(cell))


def _named(path: str, kind: Kind, name: Any, cell: Any) -> HandoutCell:
    if not isinstance(name, str) or not name.isidentifier() or not name.isascii():
        raise AuthoringError(f"{path}: a {kind} cell is named {name!r}; the name is that of a function or class")
    if kind == "question" and cell.source.strip():
        raise AuthoringError(f"{path}: the cell of question {name!r} must be empty: the reference fills it")
    if kind != "question" and not cell.source.strip():
        raise AuthoringError(f"{path}: the {kind} cell {name!r} is empty; write what students should meet there")
    return HandoutCell(kind, cell.source, name, _tags(cell))


def _tags(cell: Any) -> tuple[str, ...]:
    return tuple(cell.metadata.get("tags", ()))
