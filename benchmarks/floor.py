"""Grading a submission beside its floor: the same tests and examples, the notebook's functions called directly.

The floor is one warm process without any isolation: it reads the notebook, executes its cells and runs the bodies of
the hidden tests on the stored examples. Below it lie the calls alone: what the student's own functions take.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
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
from benchmarks.direct import Direct, Request, fresh
from benchmarks.measure import ROOT, BenchmarkError, Spread, stopwatch
from benchmarks.table import Row, Table

IN_A_MIXED_CLASS = 2  # right variants, and as many misconceptions


def measure(topics: Sequence[str], repeat: int, *, whole: bool) -> list[Table]:
    """Two tables: the model solution beside its floors, and a class of answers that differ."""
    course = Course.find(ROOT)
    mpl.use("Agg")  # the notebooks' figures are drawn without a window, as in the sandbox
    floors, classes = [], []
    for topic in topics or course.topics():
        with Grader(course, topic, Options()) as grader:
            grader.wait_ready()
            with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as folder:
                bench = Bench(grader, Path(folder))
                floors.append(bench.floors(repeat))
                classes.append(bench.mixed_class(repeat, whole=whole))
    said = (
        "The real hidden tests and their stored examples on the model solution's notebook, graded in one warm process "
        f"with its sandbox; {repeat} repeats after one to warm up. Floor: the notebook's cells executed, then the "
        "tests' bodies with the notebook's functions called directly, student and reference alike, all in one warm "
        "process. Calls: the calls of the notebook's functions alone."
    )
    mixed = (
        "A class of the model solution, right variants and misconceptions, each graded once per repeat; failures are "
        "explained (a smaller counterexample, a named misconception)."
    )
    return [Table("floor", "Grading beside its floor", said, floors), Table("floor", "A mixed class", mixed, classes)]


@dataclass(frozen=True)
class Bench:
    """A warm grader, and a folder for notebooks."""

    grader: Grader
    folder: Path

    def floors(self, repeat: int) -> Row:
        """The table's row: grading, floor and calls by turns, so that all meet the same machine."""
        solution = notebook_bytes(self._workbook().filled_in())
        namespace = cells_executed(solution)
        student, reference = Direct(namespace), Direct(vars(self._reference()))
        student.recorded = []
        self._run_bodies(student, reference)
        recorded, student.recorded = student.recorded, None
        jobs: dict[str, Callable[[], object]] = {
            "cells": partial(cells_executed, solution),
            "tests": partial(self._run_bodies, student, reference),
            "grade": partial(self._graded_right, "reference", solution),
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in (*jobs, "calls")}
        for _ in range(repeat + 1):
            for name, job in jobs.items():
                taken[name].append(stopwatch(job))
            requests = fresh(recorded)
            taken["calls"].append(stopwatch(partial(replay, student, requests)))
        wall = {name: Spread.of(pair[0] for pair in pairs[1:]) for name, pairs in taken.items()}
        floor = Spread.of(map(sum, zip(wall["cells"].values, wall["tests"].values, strict=True)))
        below = Spread.of(map(sum, zip(wall["cells"].values, wall["calls"].values, strict=True)))
        return {
            "assignment": self.grader.assignment.topic,
            "tests": len(self.grader.suite.tests),
            "examples": sum(map(len, self.grader.examples.values())),
            "cells s": wall["cells"],
            "calls s": wall["calls"],
            "tests' bodies s": wall["tests"],
            "graded, wall s": wall["grade"],
            "graded, CPU s": Spread.of(pair[1] for pair in taken["grade"][1:]),
            "to the floor": wall["grade"].over(floor),
            "to cells and calls": wall["grade"].over(below),
        }

    def mixed_class(self, repeat: int, *, whole: bool) -> Row:
        """The table's row."""
        chosen = list(self._chosen(whole=whole))
        walls = [[stopwatch(partial(self._graded, one)) for one in chosen] for _ in range(repeat)]
        each = [(Spread.of(w for w, _ in row), Spread.of(c for _, c in row)) for row in zip(*walls, strict=True)]
        wrong = [pair for one, pair in zip(chosen, each, strict=True) if one.kind == "misconception"]
        right = [pair for one, pair in zip(chosen, each, strict=True) if one.kind != "misconception"]
        return {
            "assignment": self.grader.assignment.topic,
            "right": len(right),
            "wrong": len(wrong),
            "wall s each": _mean([wall for wall, _ in each]),
            "CPU s each": _mean([cpu for _, cpu in each]),
            "a right one, wall s": _mean([wall for wall, _ in right]),
            "a wrong one, wall s": _mean([wall for wall, _ in wrong]),
        }

    def _reference(self) -> ModuleType:
        return self.grader.course.load(self.grader.assignment.reference)

    def _workbook(self) -> Workbook:
        return Workbook.of(self.grader.course, self.grader.assignment, self.grader.suite)

    def _chosen(self, *, whole: bool) -> Iterator[Specimen]:
        known = list(specimens(self.grader.course, self.grader.assignment, self.grader.suite))
        yield from (one for one in known if one.kind == "reference")
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
    with warnings.catch_warnings(), open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - a device
        warnings.simplefilter("ignore")
        with contextlib.redirect_stdout(nowhere):
            for cell in read_cells(notebook):
                if not cell.skip:
                    code = "\n".join(line for line in cell.source.splitlines() if not line.startswith("%"))
                    exec(compile(code, f"cell {cell.index}", "exec"), namespace)  # noqa: S102 - our own notebook
    _close_figures()
    return namespace


def _close_figures() -> None:
    import matplotlib.pyplot as plt  # noqa: PLC0415 - after the choice of the backend

    plt.close("all")


def _mean(spreads: Sequence[Spread]) -> Spread:
    """The mean over submissions, repeat by repeat."""
    return Spread.of(sum(values) / len(values) for values in zip(*(s.values for s in spreads), strict=True))
