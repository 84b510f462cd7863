"""``--format canvas``: the file that Canvas' gradebook imports.

Its header begins with Student, ID, SIS User ID, SIS Login ID and Section, in this order; a second row holds the points
possible. Canvas looks for a student by ID (its own number), then by SIS ids, then by name; a column named
``Title (number)`` is the assignment with that number, any other name makes a new one. A cell that is empty removes a
score, so a student without a grade is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exports.cells import Cell, table
from autograder.exports.grades import Grade

HEAD = ("Student", "ID", "SIS User ID", "SIS Login ID", "Section")
POINTS_POSSIBLE = "    Points Possible"  # as Canvas writes it


def canvas_file(grades: Sequence[Grade], column: str) -> bytes:
    """The final grades as an import for Canvas, in the column of that name."""
    graded = [grade for grade in grades if grade.score is not None]
    points = next((grade.max_score for grade in graded if grade.max_score is not None), None)
    possible: list[Cell] = [POINTS_POSSIBLE, "", "", "", "", points]
    return table([[*HEAD, column], possible, *(_row(grade) for grade in graded)])


def _row(grade: Grade) -> list[Cell]:
    """A number in the roster is Canvas' own; any other id is the student information system's."""
    person = grade.person
    own = person.lms_id if person.lms_id.isascii() and person.lms_id.isdigit() else ""
    sis = "" if own else person.lms_id
    return [person.name, own, sis, person.student, person.section, grade.score]
