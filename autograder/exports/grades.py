"""The results of an assignment, read for an export."""

from __future__ import annotations

from pathlib import Path

import msgspec

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import GradeReport


def read_grades(course: Course, topic: str) -> list[GradeReport]:
    """Every student's report, by student; the report of the grader's own failure where there is no grade.

    Raises ``UsageError`` where there are no results or one cannot be read.
    """
    course.assignment(topic)
    folder = course.results / topic
    found = {path.name: path for path in folder.glob("errors/*.json")}
    found |= {path.name: path for path in folder.glob("*.json")}
    visible = [path for name, path in sorted(found.items()) if not name.startswith(".")]
    if not visible:
        raise UsageError(f"no results in {folder}; grade first: autograder grade {topic}")
    return [_read(path, topic) for path in visible]


def _read(path: Path, topic: str) -> GradeReport:
    try:
        report = GradeReport.from_json(path.read_bytes())
    except msgspec.DecodeError as error:
        raise UsageError(f"{path} is not a result file: {error}; delete it and grade again") from error
    if (report.assignment, report.student) != (topic, path.stem):
        named = f"{report.student!r} in {report.assignment!r}"
        raise UsageError(f"{path} holds the result of {named}: its name does not fit; delete it and grade again")
    return report
