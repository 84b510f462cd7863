"""What a student may see of a report: one function, for every place where a report meets a student."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from autograder.model import (
    CellRecord,
    Counterexample,
    Difference,
    GradeReport,
    Grid,
    QuestionResult,
    TestRecord,
    Verdict,
)
from autograder.text import clean

Level = Literal["full", "category"]
LINE, PARAGRAPH, BLOCK = 200, 1500, 3000  # characters shown of a title, a message, a value


def for_student(report: GradeReport, level: Level) -> GradeReport:
    """``report`` without what is for instructors only, and with every text made safe to look at.

    Flags, names of misconceptions and the grader's own errors never stay. At level ``category``
    titles and verdicts stay, and no message, hint, counterexample, note or text of a cell.
    """
    told = level == "full" and report.verdict is not Verdict.GRADER_ERROR
    return replace(
        report,
        student=line(report.student),
        questions=tuple(_question_for_student(question, level) for question in report.questions),
        cells=tuple(_cell_for_student(cell, level) for cell in report.cells),
        flags=(),
        message=clean(report.message, PARAGRAPH) if told else "",
    )


def _question_for_student(question: QuestionResult, level: Level) -> QuestionResult:
    return replace(
        question,
        name=line(question.name),
        tests=tuple(_test_for_student(test, level) for test in question.tests),
        note="" if level == "category" else clean(question.note, PARAGRAPH),
    )


def _test_for_student(test: TestRecord, level: Level) -> TestRecord:
    told = level == "full" and test.verdict is not Verdict.GRADER_ERROR
    example = test.counterexample
    return replace(
        test,
        title=line(test.title),
        points=None if test.verdict is Verdict.GRADER_ERROR else test.points,
        message=clean(test.message, PARAGRAPH) if told else "",
        hint=clean(test.hint, PARAGRAPH) if told and test.hint else None,
        counterexample=_example_for_student(example) if told and example else None,
        misconception=None,
    )


def _example_for_student(example: Counterexample) -> Counterexample:
    call, expected, got = (clean(text, BLOCK) for text in (example.call, example.expected, example.got))
    beside = _difference_for_student(example.difference) if example.difference else None
    return Counterexample(call=call, expected=expected, got=got, difference=beside, line=line(example.line))


def _difference_for_student(beside: Difference) -> Difference:
    return replace(beside, expected=_grid_for_student(beside.expected), got=_grid_for_student(beside.got))


def _grid_for_student(grid: Grid) -> Grid:
    return replace(grid, rows=tuple(line(row, BLOCK) for row in grid.rows))


def _cell_for_student(cell: CellRecord, level: Level) -> CellRecord:
    if level == "category":
        return replace(cell, message="", line="", notebook=line(cell.notebook))
    told = clean(cell.message, PARAGRAPH)
    return replace(cell, message=told, line=line(cell.line), notebook=line(cell.notebook))


def line(text: str, limit: int = LINE) -> str:
    """``text`` on one line, by default short enough for a heading."""
    return clean(" ".join(text.split()), limit)
