"""Result files: read and written; one grading run at a time."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Iterator
from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.errors import UsageError
from autograder.files import write_whole, writing
from autograder.model import GradeReport, Verdict


def result_path(results: Path, topic: str, student: str) -> Path:
    """``results/<topic>/<student>.json``."""
    return results / topic / f"{student}.json"


def read_report(path: Path) -> GradeReport | None:
    """The report at ``path``; ``None`` where there is none or it is no report of this version."""
    try:
        return GradeReport.from_json(path.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        return None


def write_report(results: Path, report: GradeReport) -> Path:
    """Write a report where it belongs; a ``grader_error`` goes to ``errors/`` and leaves an earlier grade alone."""
    path = result_path(results, report.assignment, report.student)
    if report.verdict is Verdict.GRADER_ERROR:
        path = path.parent / "errors" / path.name
    else:
        (path.parent / "errors" / path.name).unlink(missing_ok=True)
    write_whole(path, report.to_json())
    return path


@contextlib.contextmanager
def course_lock(course: Course) -> Iterator[None]:
    """Keep other grading runs off this course; refuses where one is under way."""
    path = course.state / "lock"
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("w", encoding="ascii")
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UsageError(f"another grading run is at work on {course.root}; wait for it to end") from error
        yield
