"""``--format moodle``: the file for "Import > CSV file" in Moodle's gradebook.

Moodle asks which column names the user (map "Username", "ID number" or "Email address") and which grade item a column
belongs to; grade and feedback must be mapped together, or the grade is lost. An empty cell removes a grade, so a
student without one is left out.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exports.cells import Cell, number_cell, table
from autograder.exports.grades import Grade

HEAD = ("Username", "First name", "Last name", "ID number", "Email address")


def moodle_file(grades: Sequence[Grade], column: str) -> bytes:
    """The final grades, and the points of each question as feedback."""
    head = [*HEAD, column, f"{column} (Feedback)"]
    return table([head, *(_row(grade) for grade in grades if grade.score is not None)])


def _row(grade: Grade) -> list[Cell]:
    person = grade.person
    names: list[Cell] = [person.student, person.first_name, person.last_name, person.lms_id, person.email]
    return [*names, grade.score, _feedback(grade)]


def _feedback(grade: Grade) -> str:
    """Our words and the names of questions only: Moodle shows it as HTML."""
    scores = grade.question_scores
    parts = [
        f"{question.name}: {_points(scores.get(question.name))} of {_points(question.max_score)}"
        for question in grade.report.questions
    ]
    if grade.final is not None and grade.final.penalty:
        parts.append(f"late: {_points(grade.final.penalty)} off")
    return "; ".join(parts)


def _points(value: float | None) -> str:
    """A number, or that a person has not scored yet."""
    short = number_cell(value)
    return "open" if short is None else str(short)
