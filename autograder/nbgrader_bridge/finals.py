"""Final grades as the gradebook has them: automatic and manual scores, extra credit, what lateness takes off."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nbgrader.api import Assignment, BaseCell, Grade, Notebook, SubmittedAssignment, SubmittedNotebook
from sqlalchemy import select

from autograder.course import Course
from autograder.nbgrader_bridge.opened import exists, opened


@dataclass
class Final:
    """A student's grade. ``scores`` are by question, a person's in place of a test's; ``waits`` for a person."""

    penalty: float = 0.0
    waits: bool = False
    scores: dict[str, float] = field(default_factory=dict)
    automatic: float = 0.0

    @property
    def score(self) -> float:
        """As in nbgrader's own export: all scores less the penalty, never below 0."""
        return round(max(0.0, sum(self.scores.values()) - self.penalty), 6)


def read_finals(course: Course, topic: str, db_url: str | None = None) -> Mapping[str, Final]:
    """The final grades of ``topic`` by student; none where there is no gradebook or nobody in it.

    One query: nbgrader's own properties would ask once for each student. Raises ``UsageError`` where
    the database cannot be used.
    """
    if not exists(course, db_url):
        return {}
    wanted = (
        select(
            SubmittedAssignment.student_id,
            SubmittedNotebook.late_submission_penalty,
            BaseCell.name,
            Grade.score,
            Grade.auto_score,
            Grade.needs_manual_grade,
        )
        .select_from(Grade)
        .join(SubmittedNotebook, Grade.notebook_id == SubmittedNotebook.id)
        .join(SubmittedAssignment, SubmittedNotebook.assignment_id == SubmittedAssignment.id)
        .join(Notebook, SubmittedNotebook.notebook_id == Notebook.id)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .join(BaseCell, Grade.cell_id == BaseCell.id)
        .where(Assignment.name == topic, Notebook.name == topic)
    )
    finals: dict[str, Final] = {}

    def work(session: Any) -> None:
        finals.clear()
        for student, penalty, question, score, automatic, waits in session.execute(wanted):
            final = finals.setdefault(student, Final(penalty or 0.0))
            final.scores[question] = score
            final.automatic = round(final.automatic + (automatic or 0.0), 6)
            final.waits = final.waits or waits

    with opened(course, db_url) as gradebook:
        gradebook.do(work)
    return finals
