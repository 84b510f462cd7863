"""Rosters: who a notebook belongs to is said by the instructor's table, never by what a student hands in."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from autograder.errors import UsageError
from autograder.results import is_student_id

STUDENT = "student"


def read_roster(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[dict[str, str]]:
    """The rows of a CSV file: the column ``student``, those ``required``, and ``optional`` ones, "" without a value.

    Other columns are left out. Raises ``UsageError``, with the line, for what is no roster.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"roster {path}: cannot be read: {error}; name a CSV file in UTF-8") from error
    reader = csv.DictReader(io.StringIO(text, newline=""))
    lacking = [name for name in (STUDENT, *required) if name not in (reader.fieldnames or ())]
    if lacking:
        columns = ",".join((STUDENT, *required, *optional))
        raise UsageError(f"roster {path}: has no column {', '.join(map(repr, lacking))}; its first line is {columns}")
    try:
        rows = list(_rows(path, reader, (STUDENT, *required), optional))
    except csv.Error as error:
        raise UsageError(f"roster {path}, line {reader.line_num}: {error}; write it as CSV") from error
    if not rows:
        raise UsageError(f"roster {path}: names no student; add a line for each")
    return rows


def _rows(
    path: Path, reader: csv.DictReader[str], required: Sequence[str], optional: Sequence[str]
) -> Iterator[dict[str, str]]:
    seen = dict[str, int]()
    for row in reader:
        found = {name: (row.get(name) or "").strip() for name in (*required, *optional)}
        place, student = f"roster {path}, line {reader.line_num}", found[STUDENT]
        empty = [name for name in required if not found[name]]
        if empty:
            raise UsageError(f"{place}: has no {' and no '.join(empty)}; fill it in or remove the line")
        if not is_student_id(student):
            raise UsageError(
                f"{place}: {student!r} is no student id; use visible characters, no '/', no first '.' or '-'"
            )
        if student in seen:
            raise UsageError(f"{place}: {student!r} stands in line {seen[student]} already; keep one")
        seen[student] = reader.line_num
        yield found
