"""Grading a submission beside its floor: the same tests and examples, the notebook's functions called directly.

The floor is one warm process without any isolation: it reads the notebook, executes its cells and runs the bodies of
the hidden tests on the stored examples. Below it lie the calls alone: what the student's own functions take.
"""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from types import ModuleType
from typing import Any

import matplotlib as mpl

from autograder.course import Course
from autograder.examples import run_example
from autograder.model import GradeReport, Submission, Verdict
from autograder.provenance import Options
from autograder.release.source import notebook_bytes
from autograder.runner import Grader
from autograder.sandbox.notebook import read_cells
from autograder.specimens import Specimen, Workbook, specimens
from autograder.words import plural
from benchmarks.direct import Direct, Request
from benchmarks.measure import ROOT, BenchmarkError, Spread, stopwatch
from benchmarks.table import Row, Table

IN_A_MIXED_CLASS = 3  # right variants, and as many misconceptions
PREFIX = "autograder-benchmark-"
FLOOR, MIXED = "Grading beside its floor", "A mixed class"
FLOORS = (
    "cells s",
    "calls s",
    "tests' bodies s",
    "first, wall s",
    "first, CPU s",
    "graded, wall s",
    "graded, CPU s",
    "first, times the floor",
    "graded, times the floor",
    "graded, times cells and calls",
)
CLASSES = ("right", "wrong", "wall s each", "CPU s each", "a right one, wall s", "a wrong one, wall s")


def measure(topics: Sequence[str], repeat: int, *, whole: bool) -> list[Table]:
    """Two tables: the model solution beside its floors, and a class of answers that differ."""
    course = Course.find(ROOT)
    mpl.use("Agg")  # the notebooks' figures are drawn without a window, as in the sandbox
    floors, classes = [], []
    for topic in topics or course.topics():
        floor, mixed = rows(course, topic, repeat, whole=whole)
        floors.append(floor)
        classes.append(mixed)
    said = (
        f"The real hidden tests and their stored examples on the model solution's notebook; "
        f"{plural(repeat, 'repeat')}, each in "
        "a fresh grading process with its sandbox. First: nothing is known of any answer yet. Graded: the same "
        "notebook again, so that every answer is known. Floor: the notebook's cells executed, then the tests' bodies "
        "with the notebook's functions called directly, student and reference alike, all in one warm process. Calls: "
        "the calls of the notebook's functions alone."
    )
    mixed_said = (
        "After the model solution, right variants and misconceptions, each graded for the first time in its grading "
        "process; failures are explained (a smaller counterexample, a named misconception)."
    )
    return [Table("floor", FLOOR, said, floors), Table("floor", MIXED, mixed_said, classes)]


def rows(course: Course, topic: str, repeat: int, *, whole: bool) -> tuple[Row, Row]:
    """An assignment's rows of both tables."""
    taken = []
    for _ in range(repeat):
        with Grader(course, topic, Options()) as grader, tempfile.TemporaryDirectory(prefix=PREFIX) as folder:
            grader.wait_ready()
            bench = Bench(grader, Path(folder))
            taken.append(bench.floors() | bench.mixed_class(whole=whole))
    spread = {name: Spread.of(times[name] for times in taken) for name in taken[0]}
    tests, examples = len(grader.suite.tests), sum(map(len, grader.examples.values()))
    floor: Row = {"assignment": topic, "tests": tests, "examples": examples, **{name: spread[name] for name in FLOORS}}
    counts = {name: int(spread[name].median) for name in CLASSES[:2]}
    return floor, {"assignment": topic, **counts, **{name: spread[name] for name in CLASSES[2:]}}


@dataclass(frozen=True)
class Bench:
    """A grading process that has graded nothing yet, and a folder for notebooks."""

    grader: Grader
    folder: Path

    def floors(self) -> dict[str, float]:
        """Seconds of grading the model solution and of its floors, and their ratios."""
        solution = notebook_bytes(self._workbook().filled_in())
        student, reference = Direct(cells_executed(solution)), Direct(vars(self._reference()))
        student.recorded = []
        self._run_bodies(student, reference)  # the first time in a process is slower, and for the record
        requests, student.recorded = student.recorded, None
        grade = partial(self._graded_right, "reference", solution)
        first, graded = stopwatch(grade), stopwatch(grade)
        cells = stopwatch(partial(cells_executed, solution))[0]
        bodies = stopwatch(partial(self._run_bodies, student, reference))[0]
        calls = stopwatch(partial(replay, student, requests))[0]
        measured = (cells, calls, bodies, *first, *graded, first[0] / (cells + bodies), graded[0] / (cells + bodies))
        return dict(zip(FLOORS, (*measured, graded[0] / (cells + calls)), strict=True))

    def mixed_class(self, *, whole: bool) -> dict[str, float]:
        """Seconds for each of a class, once the model solution was graded, and how many there are."""
        chosen = list(self._chosen(whole=whole))
        times = [(one.kind == "misconception", *stopwatch(partial(self._graded, one))) for one in chosen]
        right, wrong = ([wall for is_wrong, wall, _ in times if is_wrong is kind] for kind in (False, True))
        means = (fmean(wall for _, wall, _ in times), fmean(cpu for *_, cpu in times), fmean(right), fmean(wrong))
        return dict(zip(CLASSES, (len(right), len(wrong), *means), strict=True))

    def _reference(self) -> ModuleType:
        return self.grader.course.load(self.grader.assignment.reference)

    def _workbook(self) -> Workbook:
        return Workbook.of(self.grader.assignment, self.grader.suite)

    def _chosen(self, *, whole: bool) -> Iterator[Specimen]:
        known = list(specimens(self.grader.course, self.grader.assignment, self.grader.suite))
        for kind in ("variant", "misconception"):
            of_kind = [one for one in known if one.kind == kind]
            step = 1 if whole else max(1, len(of_kind) // IN_A_MIXED_CLASS)
            yield from of_kind[::step][: None if whole else IN_A_MIXED_CLASS]

    def _graded(self, one: Specimen) -> None:
        if one.kind == "misconception":
            if self._grade(one.name, one.notebook).verdict is Verdict.PASSED:
                raise BenchmarkError(f"{self.grader.assignment.topic}: the misconception {one.name} has full marks")
        else:
            self._graded_right(one.name, one.notebook)

    def _graded_right(self, name: str, notebook: bytes) -> None:
        report = self._grade(name, notebook)
        for question in report.questions:
            for test in question.tests:
                if test.verdict is not Verdict.PASSED:
                    topic = self.grader.assignment.topic
                    raise BenchmarkError(f"{topic}: {name}, a right answer, ends {test.name} as {test.verdict}")

    def _grade(self, name: str, notebook: bytes) -> GradeReport:
        topic = self.grader.assignment.topic
        path = self.folder / name / topic / f"{topic}.ipynb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(notebook)
        return self.grader.grade(Submission(student=name, assignment=topic, path=path))

    def _run_bodies(self, student: Direct, reference: Direct) -> None:
        for test in self.grader.suite.tests:
            student.begin()
            reference.begin()
            for data in self.grader.examples[test.name]:
                try:
                    run_example(test, data, student, reference)
                except Exception as error:
                    problem = f"{test.name} fails on the floor: {type(error).__name__}: {error}"
                    raise BenchmarkError(f"{self.grader.assignment.topic}: {problem}") from error


def replay(student: Direct, requests: Sequence[tuple[str, Request]]) -> None:
    """The calls alone; what a call must raise it raises again."""
    for name, request in requests:
        with contextlib.suppress(Exception):
            student.perform(name, request)


def cells_executed(notebook: bytes) -> dict[str, Any]:
    """The names of a notebook after its cells, executed in this process; what a cell raises ends the benchmark."""
    namespace: dict[str, Any] = {"__name__": "__main__"}
    kept = {name: module for name, module in sys.modules.items() if _is_reference(name)}
    with warnings.catch_warnings(), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere):
            for cell in read_cells(notebook):
                if not cell.skip:
                    code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
                    exec(compile(code, f"cell {cell.index}", "exec"), namespace)  # noqa: S102 - our own notebook
    for name in list(filter(_is_reference, sys.modules)):  # a specimen puts modules of its own there
        del sys.modules[name]
    sys.modules.update(kept)
    _close_figures()
    return namespace


def _is_reference(name: str) -> bool:
    return name.partition(".")[0] == "reference"


def _close_figures() -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the choice of the backend

    plt.close("all")
