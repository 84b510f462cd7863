"""The roster as rows of nbgrader's table of students, where formgrader and nbgrader's own export find names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nbgrader.api import Student
from sqlalchemy import select

from autograder.course import Course
from autograder.nbgrader_bridge.opened import opened
from autograder.roster import Roster


@dataclass(frozen=True)
class Entered:
    """Ids of the students who were new, whose row changed, and who are in the gradebook only."""

    new: tuple[str, ...]
    changed: tuple[str, ...]
    strangers: tuple[str, ...]


def enter_roster(course: Course, roster: Roster, db_url: str | None = None) -> Entered:
    """Put ``roster`` into the gradebook. Nobody is removed: a student who left may have grades.

    Raises ``UsageError`` where the database cannot be used.
    """

    def work(session: Any) -> Entered:
        known = {student.id: student for student in session.scalars(select(Student))}
        new = [name for name in roster if name not in known]
        session.add_all(known.setdefault(name, Student(id=name)) for name in new)
        changed = []
        for name, person in roster.items():
            row = known[name]
            wanted = {
                "first_name": person.first_name,
                "last_name": person.last_name,
                "email": person.email,
                "lms_user_id": person.lms_id,
            }
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
