"""``--format csv``: a row per student, a column per question, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exports.cells import Cell, table
from autograder.exports.grades import Grade
from autograder.model import Verdict

# The score is final: with a person's points, and less the late penalty, where the gradebook has them.
HEAD = ("student", "score", "max_score", "pending_points", "verdict", "message", "late_penalty", "waits_for", "source")
QUESTION = "question "  # before the name, so that no question is taken for another column


def csv_file(grades: Sequence[Grade]) -> bytes:
    """The grades as a table. What is not known is empty: never a zero for the grader's own failure."""
    questions = list(dict.fromkeys(question.name for grade in grades for question in grade.report.questions))
    head = [*HEAD, *(QUESTION + name for name in questions)]
    return table([head, *(_row(grade, questions) for grade in grades)])


def _row(grade: Grade, questions: Sequence[str]) -> list[Cell]:
    report, final = grade.report, grade.final
    message = report.message.splitlines()[-1] if report.message else ""
    pending = None if report.verdict is Verdict.GRADER_ERROR else report.pending_points
    numbers: list[Cell] = [grade.score, grade.max_score, pending]
    kept: list[Cell] = [None, "", "results"] if final is None else [final.penalty, _waits_for(grade), "gradebook"]
    scores = grade.question_scores
    return [report.student, *numbers, str(report.verdict), message, *kept, *map(scores.get, questions)]


def _waits_for(grade: Grade) -> str:
    return "a person" if grade.final is not None and grade.final.waits else ""
