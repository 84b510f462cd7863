"""The command line in real processes on the tiny course, and notebooks to hand in there."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.toolkit.tiny import TOPIC
from tests.toolkit.warm import Warm

# As in autograder.cli: two seconds of a program that imports nbgrader. The second line is nbgrader's own command.
QUICK = "import sys; sys.modules['rfc3987_syntax'] = None\n"
NBGRADER = (sys.executable, "-c", f"{QUICK}import nbgrader.__main__")

Run = Callable[..., subprocess.CompletedProcess[str]]

RIGHT = "import torch\nfrom torch import Tensor, nn\n"
WRONG = "\ndef halve(x):\n    if not x.is_floating_point():\n        raise ValueError('x')\n    return x\n"


def command(*arguments: str) -> list[str]:
    """How to start the command line."""
    return [sys.executable, "-m", "autograder", *arguments]


def environment(**variables: str) -> dict[str, str]:
    """The environment of a command: this checkout's package, wide lines, no colours."""
    usual = {"PYTHONPATH": str(Path(__file__).parents[2]), "COLUMNS": "200", "NO_COLOR": "1"}
    return os.environ | usual | variables


def runner(course: Path) -> Run:
    """Runs commands in ``course`` and checks their exit code; classes of two or three in one grading process."""

    def call(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        alone = ("--jobs", "1") if arguments[0] in ("grade", "verify") and "--jobs" not in arguments else ()
        done = _warm().run((*arguments, *alone), course)
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


def cold_runner(course: Path) -> Run:
    """As ``runner``, each command started anew: the sooner way for a few that import neither torch nor nbgrader."""

    def call(*arguments: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            command(*arguments), cwd=course, env=environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    return call


@functools.cache
def _warm() -> Warm:
    """The one of this test run, whose end ends it."""
    return Warm(environment())


def hand_in(course: Path, student: str, *sources: str) -> Path:
    """A notebook of code cells, where submissions lie."""
    cells = [{"cell_type": "code", "metadata": {}, "outputs": [], "source": source} for source in sources]
    path = course / "submitted" / student / TOPIC / f"{TOPIC}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), encoding="utf-8")
    return path


def right(course: Path) -> str:
    """A cell with the model solution."""
    return RIGHT + (course / "reference" / f"{TOPIC}.py").read_text(encoding="utf-8")


def result(course: Path, student: str) -> Path:
    """Where a student's result lies."""
    return course / "results" / TOPIC / f"{student}.json"


def report(course: Path, student: str) -> dict[str, Any]:
    """A student's result as JSON."""
    found: dict[str, Any] = json.loads(result(course, student).read_bytes())
    return found
