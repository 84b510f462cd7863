"""Reads a submitted notebook, tolerantly. Runs inside the locked student process, never outside.

What is asked of a notebook is little: JSON, version 3 or 4, a list of cells. Everything else (ids,
metadata, outputs, kernels) is ignored, so that no oddity there can cost a student a grade.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from typing import Any

MAX_CELLS = 2000
MAX_SOURCE = 1 << 20
SKIP_TAG = "skip-grading"


class UnreadableError(Exception):
    """The bytes are no notebook; the message is one plain sentence for the student."""


@dataclass(frozen=True)
class Cell:
    """A code cell. ``index`` counts all cells of the notebook from 0; ``problem`` says why it cannot run."""

    index: int
    source: str
    skip: bool = False
    problem: str = ""


def read_cells(data: bytes) -> list[Cell]:
    """The code cells of the notebook in ``data``, in order."""
    notebook = _load(data)
    version = notebook.get("nbformat")
    if type(version) is not int or version not in (3, 4):
        raise UnreadableError(f"it has notebook format {version!r:.40}; formats 3 and 4 can be graded")
    cells = notebook.get("cells")
    if version == 3:
        sheets = notebook.get("worksheets")
        first = sheets[0] if isinstance(sheets, list) and sheets else {}
        cells = first.get("cells") if isinstance(first, dict) else None
    if not isinstance(cells, list):
        raise UnreadableError("it has no list of cells")
    if len(cells) > MAX_CELLS:
        raise UnreadableError(f"it has {len(cells)} cells; at most {MAX_CELLS} can be graded")
    return [_cell(index, cell) for index, cell in enumerate(cells) if _is_code(cell)]


def _load(data: bytes) -> dict[str, Any]:
    if not data.strip():
        raise UnreadableError("it is empty")
    try:
        notebook = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not UTF-8 text, so it is no notebook file") from error
    except RecursionError as error:
        raise UnreadableError("its JSON is nested too deeply") from error
    except ValueError as error:
        raise UnreadableError(f"it is not JSON ({str(error)[:120]}); save it again in Jupyter") from error
    if not isinstance(notebook, dict):
        raise UnreadableError(f"its JSON is a {type(notebook).__name__}, not a notebook")
    return notebook


def _is_code(cell: Any) -> bool:
    return isinstance(cell, dict) and cell.get("cell_type") == "code"


def _cell(index: int, cell: dict[str, Any]) -> Cell:
    source = cell.get("source", cell.get("input", ""))
    if isinstance(source, list) and all(isinstance(line, str) for line in source):
        source = "".join(source)
    if not isinstance(source, str):
        return Cell(index, "", skip=True, problem="its source is not text")
    if len(source) > MAX_SOURCE:
        return Cell(index, "", skip=True, problem=f"its source is longer than {MAX_SOURCE} characters")
    metadata = cell.get("metadata")
    tags = metadata.get("tags") if isinstance(metadata, dict) else None
    return Cell(index, source.replace("\r\n", "\n"), skip=isinstance(tags, list) and SKIP_TAG in tags)


def names_used(sources: list[str]) -> set[str]:
    """Every identifier, attribute, imported name and short string in some cells; a hint for people."""
    found: set[str] = set()
    for source in sources:
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in ast.walk(tree):
            found.update(_names_of(node))
    return found


def _names_of(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.alias(name=name):
            return name.split(".")
        case ast.Constant(value=str(text)) if len(text) <= 80:
            return [text]
    return []
