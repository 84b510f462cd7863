"""Reads a submitted notebook, tolerantly. Runs inside the locked student process, never outside.

What is asked of a notebook is little: JSON, version 3 or 4, a list of cells. Everything else (ids,
metadata, outputs, kernels) is ignored, so that no oddity there can cost a student a grade. Where a file cannot be
read, the message says what to do.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

MAX_CELLS = 2000
MAX_SOURCE = 1 << 20
SKIP_TAG = "skip-grading"

_HAND_IN = "hand in the notebook file (.ipynb) itself"
# What is handed in by mistake, by its first bytes in lower case.
_OTHER_FILES = {
    b"pk\x03\x04": f"a ZIP archive; unpack it and {_HAND_IN}",
    b"\x1f\x8b": f"a gzip archive; unpack it and {_HAND_IN}",
    b"\x89png": f"a picture; {_HAND_IN}",
    b"%pdf": f"a PDF; {_HAND_IN}",
    b"<!doctype html": f"a web page; {_HAND_IN}",
    b"<html": f"a web page; {_HAND_IN}",
}
_MERGE = re.compile(r"^<{7} ", re.MULTILINE)
_JSON_NAMES = {
    list: "a list",
    str: "a text",
    int: "a number",
    float: "a number",
    bool: "true or false",
    type(None): "null",
}


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
    notebook = load(data)
    version = notebook.get("nbformat")
    if type(version) is not int or version not in (3, 4):
        found = "does not say its notebook format" if version is None else f"has notebook format {version!r:.40}"
        raise UnreadableError(f"it {found}; formats 3 and 4 can be graded, and Jupyter saves format 4")
    cells = listed_cells(notebook)
    return [_cell(index, cell) for index, cell in enumerate(cells) if _is_code(cell)]


def load(data: bytes) -> dict[str, Any]:
    """The JSON object in ``data``; raises ``UnreadableError`` with what to do about it where there is none."""
    if not data.strip():
        raise UnreadableError("it is empty; save it again in Jupyter and hand it in")
    kind = next((kind for start, kind in _OTHER_FILES.items() if data.lstrip()[:20].lower().startswith(start)), None)
    if kind is not None:
        raise UnreadableError(f"it is {kind}")
    try:
        text = data.decode(json.detect_encoding(data))
    except UnicodeDecodeError as error:
        raise UnreadableError("it is not text, or not in UTF-8; save it again in Jupyter") from error
    try:
        notebook = json.loads(text)
    except RecursionError as error:
        raise UnreadableError("its JSON is nested too deeply for a notebook; save it again in Jupyter") from error
    except ValueError as error:
        raise UnreadableError(_not_json(text, error)) from error
    except MemoryError as error:
        raise UnreadableError("there is not memory enough to read it; clear its outputs and save") from error
    if not isinstance(notebook, dict):
        raise UnreadableError(f"its JSON is {_JSON_NAMES[type(notebook)]}, not a notebook; save it again in Jupyter")
    return notebook


def listed_cells(notebook: dict[str, Any]) -> list[Any]:
    """The cells of a notebook of format 3 or 4, whatever they are; raises ``UnreadableError`` where there are none."""
    cells = notebook.get("cells")
    if notebook.get("nbformat") == 3:
        sheets = notebook.get("worksheets")
        parts = [sheet.get("cells") for sheet in sheets if isinstance(sheet, dict)] if isinstance(sheets, list) else []
        cells = [cell for part in parts if isinstance(part, list) for cell in part] if parts else None
    if not isinstance(cells, list):
        raise UnreadableError("it has no list of cells; save it again in Jupyter")
    if len(cells) > MAX_CELLS:
        raise UnreadableError(f"it has {len(cells)} cells; at most {MAX_CELLS} can be graded, so delete some")
    return cells


def _not_json(text: str, error: ValueError) -> str:
    if _MERGE.search(text):
        return "it holds the marks of an unfinished Git merge (<<<<<<<); finish the merge and save it again in Jupyter"
    if isinstance(error, json.JSONDecodeError):
        rest = text[error.pos :]
        if not rest.strip() or error.msg.startswith("Unterminated string"):
            return (
                f"it ends in the middle, after {len(text)} characters; save it again in Jupyter and hand in all of it"
            )
        return f"it is not JSON from line {error.lineno}, column {error.colno} on; save it again in Jupyter"
    return "one of its numbers has thousands of digits; save it again in Jupyter"


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
    return Cell(
        index, source.replace("\r\n", "\n").replace("\r", "\n"), skip=isinstance(tags, list) and SKIP_TAG in tags
    )


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
