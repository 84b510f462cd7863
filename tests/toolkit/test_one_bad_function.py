"""A function that hangs or dies costs its own question; the others are graded all the same."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from autograder.model import GradeReport, Limits, Submission, Verdict
from autograder.provenance import Options
from autograder.runner import DEATHS_PER_QUESTION, NOT_RUN, Grader
from tests.toolkit.tiny import TOPIC, tiny_course

DEATHS = {
    "while True: pass": Verdict.TIMEOUT,
    "import os; os._exit(0)": Verdict.CRASHED,
    "import os; os.write(3, b'passed' * 99)": Verdict.PROTOCOL,
}


@pytest.fixture(scope="module")
def grader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Grader]:
    course = tiny_course(tmp_path_factory.mktemp("bad"))
    limits = Limits(call_seconds=1.0, restarts=4)
    with Grader(course, TOPIC, Options(limits=limits, explain=False)) as grader:
        grader.wait_ready()
        yield grader


def graded(grader: Grader, folder: Path, addition: str) -> GradeReport:
    source = (grader.course.root / "reference" / f"{TOPIC}.py").read_text(encoding="utf-8") + addition
    cells = [{"cell_type": "code", "metadata": {}, "source": source}]
    path = folder / f"{TOPIC}.ipynb"
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}), encoding="utf-8")
    return grader.grade(Submission(student="ada", assignment=TOPIC, path=path))


@pytest.mark.parametrize("deed", DEATHS)
def test_the_other_question_is_graded(grader: Grader, tmp_path: Path, deed: str) -> None:
    halver = f"\nclass Halver(Halver):\n    def forward(self, x):\n        {deed}\n"
    report = graded(grader, tmp_path, halver)
    halve, broken = report.questions[:2]
    assert (halve.score, halve.verdict) == (halve.max_score, Verdict.PASSED)
    assert (broken.score, broken.verdict) == (0.0, DEATHS[deed])
    assert broken.tests[1].message.startswith(NOT_RUN)  # behind a gate that fell


def test_a_question_takes_two_processes_at_most(grader: Grader, tmp_path: Path) -> None:
    ending = (
        "\nRIGHT = halve\ndef halve(x):\n    if x.numel() > 1 or not x.is_floating_point():\n"
        "        import os; os._exit(0)\n    return RIGHT(x)\n"
    )
    report = graded(grader, tmp_path, ending)
    tests = report.questions[0].tests
    assert sum(test.message.startswith("the notebook's process ended") for test in tests) <= DEATHS_PER_QUESTION
    assert report.score == 0.0


def test_a_question_may_end_at_its_first_loss(grader: Grader, tmp_path: Path) -> None:
    before = grader.options
    grader.options = Options(limits=before.limits, first_loss_only=True, diagnose=False)
    try:
        report = graded(grader, tmp_path, "\ndef halve(x):\n    return x * 0.5\n")  # refuses nothing
    finally:
        grader.options = before
    halve, halver = report.questions[:2]
    assert [test.verdict for test in halve.tests] == [Verdict.PASSED, Verdict.PASSED, Verdict.FAILED]
    assert halver.verdict is Verdict.PASSED
    grader.options = Options(limits=before.limits, first_loss_only=True, diagnose=False)
    try:
        report = graded(grader, tmp_path, "\ndef halve(x):\n    return x\n")
    finally:
        grader.options = before
    said = [test.message for test in report.questions[0].tests]
    assert said[1].startswith("not run, the question lost test_halve_gives_half_of_every_entry: ")
    assert said[2].startswith("not run, the question lost test_halve_gives_half_of_every_entry: ")
