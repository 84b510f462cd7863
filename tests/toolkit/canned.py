"""Grading runs of the tiny course that run no notebook: an engine that gives what a test says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from autograder.api import Graded, Order, grade_class
from autograder.course import Course
from autograder.model import GradeReport, Submission
from tests.toolkit.tiny import TOPIC
from tests.toolkit.tiny_class import graded


class Canned:
    """An engine; ``graded`` lists the students whose submissions it was given."""

    def __init__(self, report: Callable[[str], GradeReport] = graded, started: str = "") -> None:
        self.graded: list[str] = []
        self._report = report
        self._started = started  # "": now

    def __call__(
        self,
        root: Path,  # noqa: ARG002 - the engines' signature
        topic: str,  # noqa: ARG002
        submissions: Sequence[Submission],
        options: bytes,  # noqa: ARG002
        jobs: int,  # noqa: ARG002
        broken: Callable[[Submission, str], GradeReport],
    ) -> Iterator[GradeReport]:
        for submission in submissions:
            self.graded.append(submission.student)
            report, provenance = self._report(submission.student), broken(submission, "").provenance
            yield replace(report, provenance=replace(provenance, started=self._started or provenance.started))


def run(course: Course, *students: str, engine: Canned | None = None, force: bool = False) -> tuple[Graded, list[str]]:
    """A run with the course's own gradebook, and whose submissions were graded."""
    engine = engine or Canned()
    order = Order(TOPIC, course.submitted, course.results, students=students, engine=engine, force=force)
    return grade_class(course, order, lambda *_: None, lambda *_: None), engine.graded
