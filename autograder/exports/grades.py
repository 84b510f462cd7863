"""The grades of an assignment, gathered for an export: results, final grades of the gradebook, the roster."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from autograder import pseudonyms
from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import GradeReport, Verdict
from autograder.roster import Person, course_roster

if TYPE_CHECKING:
    from autograder.nbgrader_bridge.finals import Final

ROUNDING = 1e-6  # sums of points are kept to so many decimals


@dataclass(frozen=True)
class Grade:
    """A student's report with what the roster and the gradebook know. ``final`` is ``None`` outside the gradebook."""

    report: GradeReport
    person: Person
    final: Final | None = None

    @property
    def score(self) -> float | None:
        """The final grade: the gradebook's where it has one, else the tests' alone; ``None`` where there is none."""
        if self.final is not None:
            return self.final.score
        return self.report.score if self.report.verdict is not Verdict.GRADER_ERROR else None

    @property
    def max_score(self) -> float | None:
        """The assignment's points without bonus; ``None`` where the report has none, as it was our failure."""
        return self.report.max_score if self.report.verdict is not Verdict.GRADER_ERROR else None

    @property
    def question_scores(self) -> Mapping[str, float | None]:
        """Scores by question."""
        if self.final is not None:
            return self.final.scores
        graded = self.report.verdict is not Verdict.GRADER_ERROR
        return {question.name: question.score for question in self.report.questions} if graded else {}

    @property
    def differs(self) -> bool:
        """Whether the result is not the one that the gradebook holds."""
        if self.final is None or self.report.verdict is Verdict.GRADER_ERROR:
            return False
        return abs(self.final.automatic - self.report.score) > ROUNDING


def gather(course: Course, topic: str, db_url: str | None = None, *, gradebook: bool = True) -> list[Grade]:
    """The grades of ``topic``, by student. Raises ``UsageError`` where there are none or one cannot be read."""
    reports = read_grades(course, topic)
    roster = course_roster(course) or {}
    finals: Mapping[str, Final] = {}
    if gradebook:
        from autograder.nbgrader_bridge.finals import read_finals  # noqa: PLC0415 - nbgrader takes a second

        finals = read_finals(course, topic, db_url)
    return [
        Grade(report, roster.get(report.student, Person(student=report.student)), finals.get(report.student))
        for report in reports
    ]


def under_pseudonyms(grades: Iterable[Grade], state: Path) -> list[Grade]:
    """The same grades without a name, an address or what a student may have written; in another order."""
    hidden = [_under_pseudonym(grade, state) for grade in grades]
    return sorted(hidden, key=lambda grade: grade.report.student)


def _under_pseudonym(grade: Grade, state: Path) -> Grade:
    (report,) = pseudonyms.under_pseudonyms([grade.report], state)
    return replace(grade, report=report, person=Person(student=report.student))


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
