"""Grades specimens the way submissions are graded: in the sandbox, by the worker pool, with the real suite."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder import api
from autograder.course import Assignment, Course
from autograder.model import GradeReport, QuestionResult, Submission, TestRecord, Verdict
from autograder.provenance import Options, basis_of
from autograder.seed import Seed
from autograder.specimens import Specimen
from autograder.suite import Suite


@dataclass(frozen=True)
class Graded:
    """A specimen with its report."""

    specimen: Specimen
    report: GradeReport
    suite: Suite

    @property
    def own(self) -> QuestionResult:
        """The result of the question that the specimen answers in its own way."""
        return next(question for question in self.report.questions if question.name == self.specimen.question)


def lost(question: QuestionResult) -> list[TestRecord]:
    """The tests that a question lost."""
    return [record for record in question.tests if record.verdict not in (Verdict.PASSED, Verdict.DEFERRED)]


def grade_specimens(
    course: Course,
    assignment: Assignment,
    suite: Suite,
    specimens: Sequence[Specimen],
    options: Options,
    *,
    jobs: int,
    advance: Callable[[], None],
) -> list[Graded]:
    """The specimens with their reports, in order; ``advance`` is told of each.

    Raises ``AuthoringError`` where grading cannot start, ``IsolationError`` where the sandbox cannot keep its promises.
    """
    reports: dict[str, GradeReport] = {}
    with tempfile.TemporaryDirectory(prefix="autograder-proof-") as scratch:
        folder = Path(scratch).resolve()
        waiting = [_hand_in(folder, assignment, number, item) for number, item in enumerate(specimens)]
        order = api.Order(topic=assignment.topic, submitted=folder, results=folder, options=options, jobs=jobs)
        basis = basis_of(assignment, Seed.of_course(course.state), options)
        for report in api.grade_each(course, order, waiting, basis):
            reports[report.student] = report
            advance()
    return [Graded(item, reports[str(number)], suite) for number, item in enumerate(specimens)]


def _hand_in(folder: Path, assignment: Assignment, number: int, item: Specimen) -> Submission:
    path = folder / str(number) / f"{assignment.topic}.ipynb"
    path.parent.mkdir()
    for name in assignment.notebooks:
        path.with_name(f"{name}.ipynb").write_bytes(item.others.get(name, item.notebook))
    return Submission(
        student=str(number),
        assignment=assignment.topic,
        path=path,
        questions=item.graded,
        notebooks=assignment.several,
    )
