"""Extensions as nbgrader keeps them: time added to the due date, on the row of the student's submission.

nbgrader grants one only after something was handed in. Most are asked for before; then the row is made here, without
a notebook, as nbgrader's own ``add_submission`` would.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from nbgrader.api import Assignment, Student, SubmittedAssignment
from sqlalchemy import select

from autograder.course import Course
from autograder.errors import UsageError
from autograder.nbgrader_bridge.opened import exists, opened
from autograder.times import read_time


@dataclass(frozen=True)
class Extension:
    """Times in UTC, as nbgrader keeps them. ``until`` is the due date where an extension was taken back."""

    student: str
    topic: str
    due: datetime
    until: datetime


def grant(
    course: Course, student: str, topic: str, *, until: str = "", days: float | None = None, db_url: str | None = None
) -> Extension:
    """Let ``student`` hand in until a time, or so many days after the due date; 0 days take an extension back.

    It replaces an earlier one. Raises ``UsageError`` for a time that is none, names no zone or is not after the due
    date, and where the assignment has no due date in the gradebook.
    """

    def work(session: Any) -> Extension:
        assignment = session.scalars(select(Assignment).where(Assignment.name == topic)).one_or_none()
        if assignment is None or assignment.duedate is None:
            raise UsageError(
                f"{topic} has no due date, so nothing to extend; give it one in formgrader, or: "
                f'nbgrader db assignment add {topic} --duedate "2026-03-01 23:59:00 UTC"'
            )
        length = timedelta(days=days) if days is not None else _moment(until) - assignment.duedate
        if length < timedelta() or (until and not length):
            raise UsageError(f"{topic} is due {assignment.duedate:%Y-%m-%d %H:%M} UTC; give a later time")
        row = _row(session, assignment, student)
        row.extension = length or None
        return Extension(student, topic, assignment.duedate, assignment.duedate + length)

    with opened(course, db_url) as gradebook:
        return gradebook.do(work)


def granted(course: Course, db_url: str | None = None) -> list[Extension]:
    """Every extension in force, by assignment and student."""
    if not exists(course, db_url):
        return []
    wanted = (
        select(SubmittedAssignment.student_id, Assignment.name, Assignment.duedate, SubmittedAssignment.extension)
        .join(Assignment, SubmittedAssignment.assignment_id == Assignment.id)
        .where(SubmittedAssignment.extension.is_not(None), Assignment.duedate.is_not(None))
        .order_by(Assignment.name, SubmittedAssignment.student_id)
    )
    with opened(course, db_url) as gradebook:
        rows = gradebook.do(lambda session: session.execute(wanted).all())
    return [Extension(student, topic, due, due + length) for student, topic, due, length in rows]


def _row(session: Any, assignment: Any, student: str) -> Any:
    """The student's submission; made, and the student with it, where there is none."""
    wanted = select(SubmittedAssignment).where(
        SubmittedAssignment.assignment_id == assignment.id, SubmittedAssignment.student_id == student
    )
    row = session.scalars(wanted).one_or_none()
    if row is None:
        if session.get(Student, student) is None:
            session.add(Student(id=student))
            session.flush()
        row = SubmittedAssignment(assignment_id=assignment.id, student_id=student)
        session.add(row)
    return row


def _moment(text: str) -> datetime:
    """The time that ``text`` says, in UTC without a zone, as nbgrader keeps it."""
    return read_time(text, "--until").astimezone(UTC).replace(tzinfo=None)
