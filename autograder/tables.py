"""Tables of students that people make in spreadsheets: CSV, the names of the columns first, one student a line.

Spreadsheets write them in many ways: with a byte-order mark, with semicolons, with empty lines. All of these are read.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autograder.errors import UsageError
from autograder.submissions import is_student_id
from autograder.text import clean

STUDENT = "student"


@dataclass(frozen=True)
class Table:
    """``kind`` says in messages what the file is; ``header`` is the line of the columns' names.

    ``rows`` are by the number of their line, cells by column.
    """

    path: Path
    kind: str
    header: int
    columns: Sequence[str]
    rows: Mapping[int, Mapping[str, str]]

    def wrong(self, line: int, column: str, way_out: str) -> UsageError:
        """The error that a cell is."""
        text = f"{column} is {shown(self.rows[line].get(column, ''))}: {way_out}"
        return UsageError(f"{self.kind} {self.path}, line {line}: {text}")

    def require_distinct(self, column: str) -> None:
        """Refuse two students with the same value of a column; an empty cell is none."""
        seen = dict[str, int]()
        for line, row in self.rows.items():
            value = row.get(column, "")
            first = seen.setdefault(value, line) if value else line
            if first != line:
                raise self.wrong(line, column, f"line {first} has it already; each student has an own one")


def read_table(path: Path, kind: str) -> Table:
    """The table in the file at ``path``; its columns' names in small letters, with underscores for blanks.

    Each row has a student's id, and no two have the same. Raises ``UsageError`` with the line, the value and the way
    out for what is no such table.
    """
    lines = _lines(path, kind, _text(path, kind))
    first, header = next(lines, (1, []))
    if not header:
        raise _nobody(path, kind)
    columns = _columns(f"{kind} {path}, line {first}", header)
    rows = dict[int, Mapping[str, str]]()
    for line, cells in lines:
        if any(cells[len(columns) :]):
            raise UsageError(
                f"{kind} {path}, line {line}: {len(cells)} cells for {len(columns)} columns; "
                "put a cell that holds the separator between double quotes"
            )
        rows[line] = dict(zip(columns, cells, strict=False))
    if not rows:
        raise _nobody(path, kind)
    table = Table(path, kind, first, columns, rows)
    for line, row in rows.items():
        if not is_student_id(row.get(STUDENT, "")):
            raise table.wrong(line, STUDENT, "write the name of the student's folder of submissions")
    table.require_distinct(STUDENT)
    return table


def shown(value: str) -> str:
    """A cell's value in a message."""
    return repr(clean(value, 60))


def _text(path: Path, kind: str) -> str:
    try:
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{kind} {path}: cannot be read: {error.strerror}; name a CSV file") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{kind} {path}: byte {error.start} is not UTF-8; save it as 'CSV UTF-8'") from error


def _lines(path: Path, kind: str, text: str) -> Iterator[tuple[int, list[str]]]:
    """The cells of each line that is not empty, with its number."""
    first = text.lstrip("\r\n").partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if first.count(";") > first.count(",") else ",")
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise UsageError(f"{kind} {path}, line {reader.line_num}: {error}; save it as CSV once more") from error


def _columns(place: str, cells: Sequence[str]) -> list[str]:
    """The columns' names; those without one, which spreadsheets leave at the end, may hold nothing."""
    names = [cell.lower().replace(" ", "_") for cell in cells]
    while names and not names[-1]:
        names.pop()
    if STUDENT not in names or len(set(names)) < len(names):
        raise UsageError(f"{place}: it must name the column 'student', and each column once")
    return names


def _nobody(path: Path, kind: str) -> UsageError:
    return UsageError(f"{kind} {path}: lists nobody; write a line for each student below the names of the columns")
