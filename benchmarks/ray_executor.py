"""The executor for clusters beside the local one, on as many cores."""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks import ours
from benchmarks.classes import hand_in, our_course
from benchmarks.measure import BenchmarkError, Spread, Used, cores
from benchmarks.table import Row, Table

STUDENTS = 200
QUICK = 2
EXECUTORS = ("local", "ray")


def measure(repeat: int, *, quick: bool) -> list[Table]:
    """One table, a row for each executor; none where ``--executor ray`` is refused."""
    count = QUICK if quick else STUDENTS
    title, said = (
        "Ray beside local",
        f"`autograder grade --executor ...`, {cores()} workers each, {repeat} repeats by turns.",
    )
    used: dict[str, list[Used]] = {name: [] for name in EXECUTORS}
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as name:
        folder = Path(name)
        our_course(folder)
        hand_in(folder, count)
        try:
            ours.grade(folder, count, "--executor", "ray")
        except BenchmarkError as error:
            return [Table("ray", title, f"not available: {str(error).splitlines()[-1]}")]
        for _ in range(repeat):
            for executor in EXECUTORS:
                ours.forget(folder)
                options = ("--executor", executor, "--jobs", str(cores()))
                used[executor].append(ours.grade(folder, count, *options))
    return [Table("ray", title, said, [_row(name, count, taken, used["local"]) for name, taken in used.items()])]


def _row(executor: str, count: int, used: list[Used], local: list[Used]) -> Row:
    wall, cpu = Spread.of(u.wall for u in used), Spread.of(u.cpu for u in used)
    return {
        "executor": executor,
        "submissions": count,
        "wall s": wall,
        "wall s each": wall.per(count),
        "CPU s each": cpu.per(count),
        "times local": wall.over(Spread.of(u.wall for u in local)),
    }
