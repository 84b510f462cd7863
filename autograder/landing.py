"""A report that arrives: told in the history, then kept as the student's result."""

from __future__ import annotations

from pathlib import Path

from autograder import history
from autograder.course import Course
from autograder.kept import edited_tests
from autograder.model import GradeReport
from autograder.provenance import Basis, what_changed
from autograder.results import read_report, result_path, write_report


def land(
    course: Course, results: Path, report: GradeReport, basis: Basis, submission: bytes
) -> tuple[GradeReport | None, list[str]]:
    """Keep a report that was made just now; the student's earlier one, and what differs from when that was made.

    ``basis`` and ``submission``, the notebook's bytes, are what ``report`` was made from.
    """
    previous = read_report(result_path(results, report.assignment, report.student))
    changed = _reasons(previous, report, basis, submission)
    # Before the result: a run that is killed in between grades again, and tells the same once more.
    history.record(course, report.assignment, history.of_grading(report, previous, changed))
    write_report(results, report)
    return previous, changed


def land_once(course: Course, results: Path, report: GradeReport, basis: Basis, submission: bytes) -> None:
    """``land`` for a report that was made earlier: where the student has it already, nothing is told again."""
    if read_report(result_path(results, report.assignment, report.student)) != report:
        land(course, results, report, basis, submission)


def _reasons(previous: GradeReport | None, report: GradeReport, basis: Basis, submission: bytes) -> list[str]:
    """What differs from when ``previous`` was made: single tests by name, where both reports say what theirs were."""
    if previous is None:
        return []
    changed = what_changed(previous, basis, submission)
    tests = edited_tests(previous, report)
    if "tests" in changed and tests:
        place = changed.index("tests")
        changed[place : place + 1] = tests
    return changed
