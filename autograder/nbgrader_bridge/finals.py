"""Final grades as the gradebook has them: automatic and manual scores, extra credit, what lateness takes off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from nbgrader.api import Assignment, BaseCell, Comment, Grade, Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import Select, select

from autograder.course import Assignment as Topic
from autograder.course import Course
from autograder.extras import Extras, Given
from autograder.nbgrader_bridge.opened import exists, opened


@dataclass
class Final:
    """A student's grade. ``scores`` are by question, a person's in place of a test's; ``given`` is what people gave."""

    penalty: float = 0.0
    seconds_late: float = 0.0
    scores: dict[str, float] = field(default_factory=dict)
    automatic: float = 0.0
    given: dict[str, Given] = field(default_factory=dict)

    @property
    def score(self) -> float:
        """As in nbgrader's own export: all scores less the penalty, never below 0."""
        return round(max(0.0, sum(self.scores.values()) - self.penalty), 6)

    @property
    def waits(self) -> bool:
        """Whether a person has still to look."""
        return any(given.waits for given in self.given.values())

    @property
    def extras(self) -> Extras:
        """What to show beside a report."""
        return Extras(self.given, self.seconds_late, self.penalty)


def read_finals(course: Course, topic: str, db_url: str | None = None) -> Mapping[str, Final]:
    """The final grades of ``topic`` by student; none where there is no gradebook or nobody in it.

    Raises ``UsageError`` where the database cannot be used.
    """
    if not exists(course, db_url):
        return {}
    with opened(course, db_url) as gradebook:
        return gradebook.do(lambda session: finals_in(session, course.assignment(topic)))


def finals_in(session: Any, assignment: Topic, students: Sequence[str] | None = None) -> dict[str, Final]:
    """The final grades of ``students``, by default of all, in two queries: nbgrader's own way asks for each student."""
    comments = {(student, cell): text for student, cell, text in session.execute(_comments(assignment, students))}
    finals: dict[str, Final] = {}
    seen: set[str] = set()
    for student, *when, notebook, penalty, question, score, automatic, manual, extra, waits in session.execute(
        _grades(assignment, students)
    ):
        final = finals.setdefault(student, Final(seconds_late=_seconds_late(*when)))
        final.penalty += 0.0 if notebook in seen else penalty or 0.0  # each notebook has its own
        seen.add(notebook)
        final.scores[question] = score
        final.automatic = round(final.automatic + (automatic or 0.0), 6)
        # A person writes at the cell that the student filled: the question's own, or the one above its tests.
        comment = comments.get((student, question)) or comments.get((student, f"{question}-answer")) or ""
        final.given[question] = Given(manual, extra or 0.0, comment, waits)
    return finals


def _grades(assignment: Topic, students: Sequence[str] | None) -> Select[Any]:
    columns = (
        SubmittedAssignment.student_id,
        SubmittedAssignment.timestamp,
        Assignment.duedate,
        SubmittedAssignment.extension,
        SubmittedNotebook.id,
        SubmittedNotebook.late_submission_penalty,
        BaseCell.name,
        Grade.score,
        Grade.auto_score,
        Grade.manual_score,
        Grade.extra_credit,
        Grade.needs_manual_grade,
    )
    return _of(assignment, students, select(*columns).select_from(Grade), Grade)


def _comments(assignment: Topic, students: Sequence[str] | None) -> Select[Any]:
    columns = (SubmittedAssignment.student_id, BaseCell.name, Comment.manual_comment)
    wanted = select(*columns).select_from(Comment).where(Comment.manual_comment != "")
    return _of(assignment, students, wanted, Comment)


def _of(assignment: Topic, students: Sequence[str] | None, wanted: Select[Any], table: Any) -> Select[Any]:
    """``wanted`` from the rows of ``table`` that belong to the notebooks of ``assignment`` and to ``students``."""
    joined = (
        wanted.join(SubmittedNotebook, table.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(BaseCell, table.cell_id == BaseCell.id)
        .where(Assignment.name == assignment.topic, Notebook.name.in_(assignment.notebooks))
    )
    return joined if students is None else joined.where(SubmittedAssignment.student_id.in_(students))


def _seconds_late(handed_in: datetime | None, due: datetime | None, extension: timedelta | None) -> float:
    """As nbgrader counts them."""
    if handed_in is None or due is None:
        return 0.0
    return max(0.0, (handed_in - due - (extension or timedelta())).total_seconds())
