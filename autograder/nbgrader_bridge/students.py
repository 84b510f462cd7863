"""The roster as rows of nbgrader's table of students, where formgrader and nbgrader's own export find names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from nbgrader.api import Student
from sqlalchemy import select

from autograder.course import Course
from autograder.nbgrader_bridge.opened import exists, opened
from autograder.roster import COLUMNS, Roster

_FIELDS = {
    "first_name": "first_name",
    "last_name": "last_name",
    "email": "email",
    "lms_id": "lms_user_id",
}  # nbgrader's


@dataclass(frozen=True)
class Entered:
    """Ids of the students who were new, whose row changed, and who are in the gradebook only."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    strangers: tuple[str, ...]


def enter_roster(
    course: Course, roster: Roster, db_url: str | None = None, columns: Collection[str] = COLUMNS
) -> Entered:
    """Put ``columns`` of ``roster`` into the gradebook; what it holds in others stays.

    Nobody is removed: a student who left may have grades.
    Raises ``UsageError`` where the database cannot be used.
    """

    def work(session: Any) -> Entered:
        known = {student.id: student for student in session.scalars(select(Student))}
        new = [name for name in roster if name not in known]
        session.add_all(known.setdefault(name, Student(id=name)) for name in new)
        changed = []
        for name, person in roster.items():
            row = known[name]
            wanted = {field: getattr(person, column) for column, field in _FIELDS.items() if column in columns}
            if any((getattr(row, field) or "") != value for field, value in wanted.items()):
                changed.append(name)
                for field, value in wanted.items():
                    setattr(row, field, value or None)
        fresh = set(new)
        return Entered(
            tuple(new),
            tuple(name for name in changed if name not in fresh),
            tuple(sorted(set(known) - set(roster))),
        )

    with opened(course, db_url) as gradebook:
        return gradebook.do(work)


def entered_students(course: Course, db_url: str | None = None) -> set[str]:
    """Ids of the students in the gradebook; none where there is no gradebook. Raises as ``enter_roster``."""
    if not exists(course, db_url):
        return set()
    with opened(course, db_url) as gradebook:
        return gradebook.do(lambda session: set(session.scalars(select(Student.id))))
