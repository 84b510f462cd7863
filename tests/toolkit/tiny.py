"""The tiny course, copied to where a test may change it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from autograder.course import Assignment, Course
from autograder.suite import Suite, collect

TINY = Path(__file__).parent / "courses" / "tiny"
TOPIC = "halving"


def tiny_course(folder: Path) -> Course:
    """A fresh copy below ``folder``."""
    root = folder / "course"
    shutil.copytree(TINY, root, ignore=shutil.ignore_patterns("__pycache__", ".hypothesis"))
    return Course(root)


def opened(course: Course) -> tuple[Assignment, Suite]:
    """The assignment and its hidden tests as the files say now."""
    fresh = Course(course.root)
    assignment = fresh.assignment(TOPIC)
    return assignment, collect(fresh, assignment)


def edit(path: Path, old: str, new: str) -> None:
    """Replace ``old``, which must be there, by ``new`` in a file, a minute later by its timestamp.

    Python takes compiled code for current where the source has its size and, in whole seconds, its time.
    """
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    written = path.stat().st_mtime
    path.write_text(text.replace(old, new), encoding="utf-8")
    os.utime(path, (written + 60, written + 60))
