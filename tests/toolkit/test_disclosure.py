from __future__ import annotations

import pytest

from autograder.disclosure import BLOCK, LINE, PARAGRAPH, Level, for_student
from autograder.model import GradeReport, Verdict
from tests.toolkit import reports

# Told in these samples, each in a field of its own.
SECRETS = (
    "the result holds nan",
    "`exp` overflows",
    "softmax(torch.tensor([1000., 0.])",
    "torch.tensor([1., 0.])",
    "torch.tensor([float('nan'), 0.])",
    "probably because of softmax",
    "name 'scores' is not defined",
    "a word on the whole",
    "0.2500 0.5000 nan 0.0000",
    "weights = soft(scores)",
)


def told(report: GradeReport, level: Level) -> str:
    return for_student(report, level).to_json().decode()


def full_report() -> GradeReport:
    mixed = reports.mixed()
    return reports.report(*mixed.questions, cells=mixed.cells, flags=mixed.flags, message="a word on the whole")


@pytest.mark.parametrize("secret", SECRETS)
def test_full_tells_everything_that_helps(secret: str) -> None:
    assert secret in told(full_report(), "full")


@pytest.mark.parametrize("secret", SECRETS)
def test_category_hides_every_explanation(secret: str) -> None:
    assert secret not in told(full_report(), "category")


def test_category_keeps_titles_verdicts_and_points() -> None:
    report = full_report()
    shown = for_student(report, "category")
    for before, after in zip(report.questions, shown.questions, strict=True):
        assert (after.name, after.verdict, after.score) == (before.name, before.verdict, before.score)
        assert [(t.title, t.verdict, t.points) for t in after.tests] == [
            (t.title, t.verdict, t.points) for t in before.tests
        ]
    assert [(cell.index, cell.status) for cell in shown.cells] == [(2, "ok"), (5, "error"), (9, "timeout")]


@pytest.mark.parametrize("level", ["full", "category"])
def test_flags_and_names_of_misconceptions_are_for_instructors(level: Level) -> None:
    shown = told(full_report(), level)
    assert "torch.nn.functional.softmax" not in shown
    assert "no_max_subtraction" not in shown


@pytest.mark.parametrize("level", ["full", "category"])
def test_what_broke_the_grader_is_for_instructors(level: Level) -> None:
    shown = for_student(reports.grader_failed(), level)
    assert b"internal detail" not in shown.to_json()
    assert shown.questions[0].tests[0].points is None


def test_texts_are_capped() -> None:
    shown = for_student(reports.hostile("W" * 50_000), "full")
    test = shown.questions[0].tests[0]
    assert test.counterexample is not None
    for text, limit in ((test.title, LINE), (test.message, PARAGRAPH), (test.counterexample.call, BLOCK)):
        assert text.startswith("W" * limit + " ...")
        assert len(text) < limit + 40


def test_entries_of_tensors_and_lines_are_cleaned() -> None:
    shown = for_student(reports.hostile("\x1b[31m\u202e" + "W" * 50_000), "full")
    lines = shown.cells[0].line, shown.questions[0].tests[0].counterexample.line  # type: ignore[union-attr]
    grid = shown.questions[0].tests[2].counterexample.difference.got  # type: ignore[union-attr]
    for text, limit in ((lines[0], LINE), (lines[1], LINE), (grid.rows[0], BLOCK)):
        assert text.startswith("\\x1b[31m\\u202eWWW")
        assert len(text) < limit + 60


def test_names_and_titles_stay_on_one_line() -> None:
    shown = for_student(reports.hostile("first\n\n  second\tthird"), "full")
    assert shown.questions[0].name == shown.questions[0].tests[0].title == "first second third"


def test_nothing_else_of_a_grade_changes() -> None:
    report = reports.every_verdict()
    shown = for_student(report, "full")
    assert (shown.score, shown.max_score, shown.verdict) == (report.score, report.max_score, Verdict.GRADER_ERROR)
