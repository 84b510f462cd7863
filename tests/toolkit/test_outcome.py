"""What is printed at the end of a grading run, of a small class and of a large one."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.api import Graded
from autograder.commands.outcome import LOOKED_AT, ROWS, print_outcome
from autograder.model import Flag, GradeReport, Verdict
from tests.toolkit.reports import question, record, report

RESULTS = Path("results/halving")


def class_of(students: int, *others: GradeReport) -> Graded:
    """Students who passed with 1 of 1 point, and others."""
    passed = [report(question("halve", record()), student=f"student{number:03}") for number in range(students)]
    return Graded((*passed, *others), (), ())


def strange(student: str, verdict: Verdict, **fields: str) -> GradeReport:
    return report(student=student, verdict=verdict, score=0.0, max_score=1.0, **fields)


def printed(graded: Graded, capsys: pytest.CaptureFixture[str], *, all_rows: bool = False) -> str:
    print_outcome(graded, RESULTS, all_rows=all_rows)
    return capsys.readouterr().out


def test_a_class_that_fits_a_screen_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(class_of(ROWS), capsys)
    assert told.count("student0") == ROWS
    assert "results/halving" not in told
    assert printed(class_of(ROWS + 1), capsys, all_rows=True).count("student0") == ROWS + 1


def test_a_large_class_is_summarized(capsys: pytest.CaptureFixture[str]) -> None:
    failed = report(question("halve", record(Verdict.FAILED)), student="eve")
    told = printed(class_of(ROWS, failed), capsys)
    assert " ".join(told.split()) == (
        "verdict students failed 1 passed 40 41 students, mean 0.98 of 1"
        " each student's result is in results/halving; --all prints a line for each"
    )


def test_who_needs_a_look_is_named_the_worst_first(capsys: pytest.CaptureFixture[str]) -> None:
    flagged = report(question("halve", record()), student="flo", flags=(Flag(kind="source", detail="x"),))
    ours = strange("guy", Verdict.GRADER_ERROR, message="Traceback\n[red]OSError[/red]: disk\x1b[2J")
    torn = strange("ivy", Verdict.INVALID_SUBMISSION, message="the file is not JSON")
    told = printed(class_of(ROWS, flagged, torn, ours), capsys)
    assert "3 to look at:" in told
    guy, ivy, flo = (told.index(word) for word in ("guy", "ivy", "flo"))
    assert guy < ivy < flo
    assert "[red]OSError[/red]: disk" in told
    assert "\x1b" not in told
    assert "mean 0.98 of 1" in told  # our failure is no score
    many = [strange(f"x{number}", Verdict.INVALID_SUBMISSION) for number in range(50)]
    told = printed(class_of(1, *many), capsys)
    assert f"50 to look at, the first {LOOKED_AT}:" in told
    assert told.count("invalid_submission") == LOOKED_AT + 1


def test_a_class_without_any_grade_has_no_mean(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(class_of(0, *(strange(f"x{number}", Verdict.GRADER_ERROR) for number in range(50))), capsys)
    assert "50 students\n" in told
    assert "mean" not in told
