"""What the notebooks of ``tests/submissions`` are made of: the tiny course's handout, and right answers to it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass
from typing import Any

HALVE = """\
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x holds whole numbers")
    return x * 0.5
"""
HALVER = """\
class Halver(nn.Module):
    def __init__(self, times=1):
        super().__init__()
        self.times = times
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))

    def forward(self, x):
        self.calls += 1
        return x * 0.5**self.times
"""
IMPORTS = "import torch\nfrom torch import Tensor, nn\n"
RIGHT = f"{IMPORTS}\n{HALVE}\n{HALVER}"
WRONG_HALVE = HALVE.replace("0.5", "0.4")


@dataclass(frozen=True)
class Kit:
    """Makes notebooks as plain JSON. ``released`` is the notebook that students were given."""

    released: dict[str, Any]
    RIGHT = RIGHT
    IMPORTS = IMPORTS
    HALVE = HALVE
    HALVER = HALVER
    WRONG_HALVE = WRONG_HALVE

    def code(self, source: Any = RIGHT, **more: Any) -> dict[str, Any]:
        """A code cell; the whole solution unless told otherwise."""
        return {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None, "source": source} | more

    def book(self, *cells: Any, **more: Any) -> dict[str, Any]:
        """A notebook of ``cells``; of one cell with the whole solution where there are none."""
        listed = list(cells) or [self.code()]
        return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": listed} | more

    def untouched(self) -> dict[str, Any]:
        """The notebook as it was given."""
        return copy.deepcopy(self.released)

    def answered(self, halve: str = HALVE, halver: str = HALVER) -> dict[str, Any]:
        """The handout with answers in their cells: right ones unless told otherwise."""
        notebook = self.untouched()
        self.cell(notebook, "halve-answer")["source"] = halve
        self.cell(notebook, "Halver-answer")["source"] = halver
        return notebook

    def cell(self, notebook: dict[str, Any], name: str) -> dict[str, Any]:
        """The cell of ``notebook`` that nbgrader knows as ``name``."""
        found: dict[str, Any] = next(c for c in notebook["cells"] if _grade_id(c) == name)
        return found

    def dump(self, notebook: Any, **options: Any) -> bytes:
        """The bytes of a notebook file, as Jupyter writes it."""
        return json.dumps(notebook, **({"indent": 1, "ensure_ascii": False} | options)).encode("utf-8", "surrogatepass")

    def good(self) -> bytes:
        """A whole right notebook."""
        return self.dump(self.answered())


def _grade_id(cell: dict[str, Any]) -> str:
    return str(cell["metadata"].get("nbgrader", {}).get("grade_id", ""))
