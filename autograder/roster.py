"""Who takes the course: ``roster.csv`` in the course folder, one student a line.

It names people, and is committed where CI needs it: keep the course's repository private. Spreadsheets write it in many
ways: with a byte-order mark, with semicolons, with empty lines. All of these are read.
"""

from __future__ import annotations

import csv
import difflib
import io
from collections.abc import Iterator, Mapping
from pathlib import Path

from autograder.course import Course
from autograder.errors import UsageError
from autograder.model import Record
from autograder.results import is_student_id
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


def course_roster(course: Course) -> Roster | None:
    """The roster of ``course``; ``None`` where it has none. Raises as ``read_roster`` does."""
    path = course.root / NAME
    return read_roster(path) if path.exists() else None


def read_roster(path: Path) -> Roster:
    """The people in the file at ``path``; raises ``UsageError`` with the line, the value and the way out."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path}: byte {error.start} is not UTF-8; save it as 'CSV UTF-8'") from error
    people: dict[str, Person] = {}
    seen: dict[tuple[str, str], int] = {}
    for line, person in _people(path, text):
        for column in ("student", "email", "lms_id"):
            value = getattr(person, column)
            first = seen.setdefault((column, value), line) if value else line
            if first != line:
                raise _wrong(path, line, column, value, f"line {first} has it already; each student has an own one")
        people[person.student] = person
    if not people:
        raise UsageError(f"{path}: lists nobody; write a line for each student below the names of the columns")
    _require_distinct_teams(path, people)
    return people


def _people(path: Path, text: str) -> Iterator[tuple[int, Person]]:
    """Each person with the number of its line."""
    first = text.lstrip("\r\n").partition("\n")[0]
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    columns: list[str] = []
    try:
        for row in lines:
            cells = [cell.strip() for cell in row]
            if not any(cells):
                continue
            if not columns:
                columns = _columns(path, lines.line_num, cells)
                continue
            if len(cells) > len(columns) and any(cells[len(columns) :]):
                raise UsageError(
                    f"{path}, line {lines.line_num}: {len(cells)} cells for {len(columns)} columns; "
                    "put a cell that holds the separator between double quotes"
                )
            values = {name: cell for name, cell in zip(columns, cells, strict=False) if name in COLUMNS}
            yield lines.line_num, _person(path, lines.line_num, values)
    except csv.Error as error:
        raise UsageError(f"{path}, line {lines.line_num}: {error}; save it as CSV once more") from error


def _columns(path: Path, line: int, cells: list[str]) -> list[str]:
    """The columns' names; those without one, which spreadsheets leave at the end, may hold nothing."""
    names = [cell.lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    for name in names:
        if name not in (*COLUMNS, *COLLECTING):
            near = difflib.get_close_matches(name, COLUMNS, n=1)
            way_out = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(COLUMNS)}"
            raise UsageError(f"{path}, line {line}: {_shown(name)} is no column of a roster; {way_out}")
    if "student" not in names or len(set(names)) < len(names):
        raise UsageError(f"{path}, line {line}: it must name the column 'student', and each column once")
    return names


def _person(path: Path, line: int, values: dict[str, str]) -> Person:
    student, email = values.get("student", ""), values.get("email", "")
    if not student or not is_student_id(student):
        raise _wrong(path, line, "student", student, "write the name of the student's folder of submissions")
    if email and (email.count("@") != 1 or email[0] == "@" or email[-1] == "@" or any(map(str.isspace, email))):
        raise _wrong(path, line, "email", email, "write an address, or nothing")
    for column, value in values.items():
        if len(value) > WIDEST:
            raise _wrong(path, line, column, value, f"write at most {WIDEST} characters")
        if clean(value) != value or "\n" in value or "\t" in value:
            raise _wrong(path, line, column, value, "remove the characters that cannot be seen")
    return Person(**values)


def _require_distinct_teams(path: Path, people: Roster) -> None:
    """A folder of submissions is a team's or a student's; a name for both would be neither."""
    for person in people.values():
        if not person.team:
            continue
        if not is_student_id(person.team):
            raise UsageError(f"{path}: the team {_shown(person.team)} can be no folder of submissions; rename it")
        namesake = people.get(person.team)
        if namesake is not None and namesake.team != person.team:
            raise UsageError(f"{path}: {person.team!r} is a team and a student outside it; rename the team")


def _wrong(path: Path, line: int, column: str, value: str, way_out: str) -> UsageError:
    return UsageError(f"{path}, line {line}: {column} is {_shown(value)}: {way_out}")


def _shown(value: str) -> str:
    return repr(clean(value, 60))
