"""Who takes the course: ``roster.csv`` in the course folder, one student a line.

It names people, and is committed where CI needs it: keep the course's repository private.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import Record
from autograder.submissions import is_student_id
from autograder.tables import Table, read_table, shown
from autograder.text import clean

NAME = "roster.csv"
WIDEST = 128  # characters that nbgrader's columns of a student hold


class Person(Record, frozen=True, kw_only=True):
    """A line of the roster. ``student`` is the name of the folder of submissions, ``lms_id`` the platform's own id."""

    student: str
    first_name: str = ""
    last_name: str = ""
    email: str = ""
    lms_id: str = ""
    section: str = ""
    team: str = ""

    @property
    def name(self) -> str:
        """``Lovelace, Ada``, as gradebooks sort; the student's id where there is no name."""
        return ", ".join(part for part in (self.last_name, self.first_name) if part) or self.student


Roster = Mapping[str, Person]  # by student id, in the file's order

COLUMNS = Person.__struct_fields__
COLLECTING = ("repository", "ref", "path")  # what `autograder collect --git` reads of the same file
_DISTINCT = ("email", "lms_id")


def course_roster(course: Course) -> Roster | None:
    """The roster of ``course``; ``None`` where it has none. Raises as ``read_roster`` does."""
    path = course.root / NAME
    return read_roster(path) if path.exists() else None


def read_roster(path: Path) -> Roster:
    """The people in the file at ``path``; raises ``UsageError`` with the line, the value and the way out."""
    table = _read(path)
    people = [_person(table, line) for line in table.rows]
    for column in _DISTINCT:
        table.require_distinct(column)
    roster = {person.student: person for person in people}
    _require_distinct_teams(path, roster)
    return roster


def columns_of(path: Path) -> frozenset[str]:
    """The columns on people that the file at ``path`` has; of what others would hold it says nothing."""
    return frozenset(_read(path).columns) & frozenset(COLUMNS)


def _read(path: Path) -> Table:
    """The table at ``path``. One that says where repositories are may have a platform's columns beside ours."""
    table = read_table(path, "roster")
    unknown = [name for name in table.columns if name not in (*COLUMNS, *COLLECTING)]
    if unknown and "repository" not in table.columns:
        near = difflib.get_close_matches(unknown[0], COLUMNS, n=1)
        way_out = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(COLUMNS)}"
        place = f"roster {path}, line {table.header}"
        raise UsageError(f"{place}: {shown(unknown[0])} is no column of a roster; {way_out}")
    return table


def _person(table: Table, line: int) -> Person:
    values = {column: value for column, value in table.rows[line].items() if column in COLUMNS}
    email = values.get("email", "")
    if email and (email.count("@") != 1 or email[0] == "@" or email[-1] == "@" or any(map(str.isspace, email))):
        raise table.wrong(line, "email", "write an address, or nothing")
    for column, value in values.items():
        if len(value) > WIDEST:
            raise table.wrong(line, column, f"write at most {WIDEST} characters")
        if clean(value) != value or "\n" in value or "\t" in value:
            raise table.wrong(line, column, "remove the characters that cannot be seen")
    return Person(**values)


def _require_distinct_teams(path: Path, people: Roster) -> None:
    """A folder of submissions is a team's or a student's; a name for both would be neither."""
    for person in people.values():
        if not person.team:
            continue
        if not is_student_id(person.team):
            raise UsageError(f"roster {path}: the team {shown(person.team)} can be no folder of submissions; rename it")
        namesake = people.get(person.team)
        if namesake is not None and namesake.team != person.team:
            raise UsageError(f"roster {path}: {person.team!r} is a team and a student outside it; rename the team")
