"""The same ten checks on the same class: here, in nbgrader and in otter-grader.

nbgrader and otter-grader work as their manuals say: a kernel for each notebook, the checks inside it. otter-grader runs
by ``otter run``, without its containers, in an environment of its own that is made on first use.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from autograder.capacity import processors
from autograder.words import plural
from benchmarks import ours
from benchmarks.classes import (
    CHECKS,
    QUESTIONS,
    SOLUTION,
    TOPIC,
    answers,
    code_cell,
    hand_in,
    is_wrong,
    our_course,
    student,
    submission,
    write_notebook,
)
from benchmarks.measure import ROOT, BenchmarkError, Spread, Used, run
from benchmarks.table import Row, Table

OURS_AT_LEAST = 200  # submissions: a class as large as courses have
OTTER = "7.0.0"


@dataclass(frozen=True)
class Contender:
    """What is measured: ``grade`` grades a class and checks that who is right, and nobody else, has all points."""

    name: str
    count: int
    grade: Callable[[], Used]


def measure(students: int, repeat: int, *, full: bool, quick: bool) -> list[Table]:
    """One table: seconds for each submission, and how many times ours that is."""
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as folder:
        count = students if quick else max(students, OURS_AT_LEAST)
        few = count if full else students
        contenders = [_ours(Path(folder) / f"ours-{size}", size) for size in dict.fromkeys((count, few))]
        contenders.append(_nbgrader(Path(folder) / "nbgrader", few))
        absent = ""
        if quick:
            absent = " otter-grader is left out of a quick run."
        else:
            try:
                contenders.append(_otter(Path(folder) / "otter", few))
            except BenchmarkError as error:
                absent = f" otter-grader is not available: {str(error).splitlines()[-1]}"
        used: list[list[Used]] = [[] for _ in contenders]
        for _ in range(repeat):
            for contender, taken in zip(contenders, used, strict=True):
                taken.append(contender.grade())
    said = (
        f"Ten plain checks on three questions, a third of the submissions wrong in one of three ways; "
        f"{plural(repeat, 'repeat')} by turns, {processors()} cores. Right ones compute in three ways and differ in "
        "comments. "
        "Ours grades every submission in a sandbox of its own and writes results, gradebook and pages; nbgrader "
        "writes its gradebook and the executed notebooks; otter-grader runs `otter run`, without a container, on one "
        "notebook after the other. Whole commands, start included; CPU counts every process. The last columns compare "
        "what each submission takes with the first row; in a smaller class the start is spread over fewer."
        f"{absent}"
    )
    rows = [_row(contender, taken, used[0], count) for contender, taken in zip(contenders, used, strict=True)]
    return [Table("peers", "Beside nbgrader and otter-grader", said, rows)]


def _row(contender: Contender, taken: list[Used], ours_taken: list[Used], ours_count: int) -> Row:
    wall, our_wall = (Spread.of(u.wall for u in t) for t in (taken, ours_taken))
    cpu, our_cpu = (Spread.of(u.cpu for u in t) for t in (taken, ours_taken))
    return {
        "grader": contender.name,
        "submissions": contender.count,
        "wall s": wall,
        "wall s each": wall.per(contender.count),
        "CPU s each": cpu.per(contender.count),
        "largest process MB": max(u.largest for u in taken) / 1e6,
        "wall, times ours": wall.per(contender.count).over(our_wall.per(ours_count)),
        "CPU, times ours": cpu.per(contender.count).over(our_cpu.per(ours_count)),
    }


def _ours(folder: Path, count: int) -> Contender:
    our_course(folder)
    hand_in(folder, count)
    ours.grade(folder, min(count, 2), "--student", student(0), "--student", student(1))  # draws examples once

    def grade() -> Used:
        ours.forget(folder)
        return ours.grade(folder, count)

    return Contender("autograder grade", count, grade)


# ---------------------------------------------------------------------------------------- nbgrader


def _nbgrader(folder: Path, count: int) -> Contender:
    folder.mkdir()
    (folder / "nbgrader_config.py").write_text("c = get_config()\nc.CourseDirectory.course_id = 'benchmark'\n")
    write_notebook(folder / "source" / TOPIC / f"{TOPIC}.ipynb", _graded_cells(SOLUTION))
    run(["nbgrader", "generate_assignment", TOPIC], folder)
    for number in range(count):
        write_notebook(submission(folder, number), _graded_cells(answers(number)))

    def grade() -> Used:
        used = run(["nbgrader", "autograde", TOPIC, "--force"], folder)
        _require_expected("nbgrader", _nbgrader_scores(folder), count)
        return used

    return Contender("nbgrader autograde", count, grade)


def _graded_cells(source: str) -> list[dict[str, object]]:
    """A cell of answers and one graded cell for each check."""
    common = {"schema_version": 3, "task": False}
    answer = common | {"grade_id": "answers", "grade": False, "solution": True, "locked": False}
    cells = [code_cell("answers", source, nbgrader=answer)]
    for check in CHECKS:
        name = f"{check.question}-{check.name}".replace("_", "-")
        mark = common | {"grade_id": name, "grade": True, "solution": False, "locked": True, "points": 1}
        cells.append(code_cell(name, check.source, nbgrader=mark))
    return cells


def _nbgrader_scores(folder: Path) -> dict[str, float]:
    """The automatic scores in nbgrader's gradebook."""
    from nbgrader.api import Gradebook  # noqa: PLC0415 - it takes a second, and only this needs it

    gradebook = Gradebook(f"sqlite:///{folder / 'gradebook.db'}")
    try:
        return {found.student.id: found.score for found in gradebook.assignment_submissions(TOPIC)}
    finally:
        gradebook.close()


# ---------------------------------------------------------------------------------------- otter-grader

_OTTER_TESTS = """\
from otter.test_files import test_case

OK_FORMAT = False

name = "{question}"
points = {points}
"""
_OTTER_CASE = """

@test_case(points=1, hidden=True, name="{check.title}")
def test_{check.name}({check.question}, torch):
{body}
"""


def _otter(folder: Path, count: int) -> Contender:
    binaries = _otter_environment() / "bin"
    tests, results = folder / "tests", folder / "graded"
    for made in (tests, results):
        made.mkdir(parents=True)
    for question in QUESTIONS:
        checks = [check for check in CHECKS if check.question == question]
        cases = (_OTTER_CASE.format(check=c, body=textwrap.indent(c.source, "    ")) for c in checks)
        text = _OTTER_TESTS.format(question=question, points=len(checks)) + "".join(cases)
        (tests / f"{question}.py").write_text(text, encoding="utf-8")
    alone = {"PYTHONPATH": "", "PATH": f"{binaries}{os.pathsep}{os.environ.get('PATH', '')}"}
    otter = str(binaries / "otter")
    run([otter, "generate", "-t", "tests", "-o", "autograder.zip", "--no-environment"], folder, alone)
    hand_in(folder, count)

    def grade() -> Used:
        used, scores = [], {}
        for number in range(count):
            path = str(submission(folder, number))
            used.append(run([otter, "run", "-a", "autograder.zip", "-o", "graded", path], folder, alone))
            found = json.loads((results / "results.json").read_bytes())["tests"]
            scores[student(number)] = sum(test.get("score", 0.0) for test in found)
        _require_expected("otter-grader", scores, count)
        return Used(sum(u.wall for u in used), sum(u.cpu for u in used), max(u.largest for u in used))

    return Contender("otter run", count, grade)


def _otter_environment() -> Path:
    """An environment in the user's cache with otter-grader and the torch pinned here, made where it is not there."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "autograder-benchmarks" / f"otter-{OTTER}"
    if (folder / "complete").exists():
        return folder
    pinned = re.search(r"^torch==.*$", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE)
    assert pinned  # noqa: S101 - a test of the project holds that it is there
    python = str(folder / "bin" / "python")
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    for command in (
        [sys.executable, "-m", "venv", "--clear", str(folder)],
        [*install, pinned[0]],
        [*install, f"otter-grader[grading]=={OTTER}"],
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchmarkError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr.strip()}")
    (folder / "complete").touch()
    return folder


def _require_expected(grader: str, scores: dict[str, float], count: int) -> None:
    for number in range(count):
        score = scores.get(student(number))
        if score is None or (score == len(CHECKS)) is is_wrong(number):
            raise BenchmarkError(f"{grader} gives {student(number)} {score} of {len(CHECKS)} points")
