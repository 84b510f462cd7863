"""``--format csv``: a row per student, a column per question, for spreadsheets and scripts."""

from __future__ import annotations

from collections.abc import Sequence

from autograder.exports.cells import Cell, table
from autograder.model import GradeReport, Verdict

HEAD = ("student", "score", "max_score", "pending_points", "verdict", "message")
QUESTION = "question "  # before the name, so that no question is taken for another column


def csv_file(reports: Sequence[GradeReport]) -> bytes:
    """The grades of ``reports``. What is not known is empty: never a zero for the grader's own failure."""
    questions = list(dict.fromkeys(question.name for report in reports for question in report.questions))
    head = [*HEAD, *(QUESTION + name for name in questions)]
    return table([head, *(_row(report, questions) for report in reports)])


def _row(report: GradeReport, questions: Sequence[str]) -> list[Cell]:
    graded = report.verdict is not Verdict.GRADER_ERROR
    scores = {question.name: question.score for question in report.questions} if graded else {}
    message = report.message.splitlines()[-1] if report.message else ""
    numbers: list[Cell] = [report.score, report.max_score, report.pending_points] if graded else [None] * 3
    return [report.student, *numbers, str(report.verdict), message, *map(scores.get, questions)]
