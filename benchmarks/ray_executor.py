"""The executor for clusters beside the local one, on as many processors of this machine."""

from __future__ import annotations

import importlib.util
import tempfile
from pathlib import Path

from autograder.capacity import default_jobs
from autograder.words import plural
from benchmarks import ours
from benchmarks.classes import hand_in, our_course
from benchmarks.measure import Spread, Used
from benchmarks.table import Row, Table

STUDENTS = 200
QUICK = 1
EXECUTORS = ("local", "ray")
TITLE = "Ray beside local"


def measure(repeat: int, *, quick: bool) -> list[Table]:
    """One table, a row for each executor; none where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        return [Table("ray", TITLE, "not available: Ray is not installed")]
    count, jobs = (QUICK, 1) if quick else (STUDENTS, default_jobs())
    used: dict[str, list[Used]] = {name: [] for name in EXECUTORS}
    warm: dict[str, list[float]] = {name: [] for name in EXECUTORS}
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as name:
        folder = Path(name)
        our_course(folder)
        hand_in(folder, count)
        for _ in range(repeat):
            for executor in EXECUTORS:
                ours.forget(folder)
                used[executor].append(ours.grade(folder, count, "--executor", executor, "--jobs", str(jobs)))
                warm[executor].append(ours.once_warm(folder, count))
    said = (
        f"`autograder grade --executor ...` on the small course, whole commands, {jobs} grading processes each, "
        f"{plural(repeat, 'repeat')} by turns. Ray is started for each run on this machine: "
        "what it costs, not what it gains. "
        "Once warm: results a second after the first fifth."
    )
    rows = [_row(name, count, used[name], Spread.of(warm[name]), Spread.of(warm["local"])) for name in EXECUTORS]
    return [Table("ray", TITLE, said, rows)]


def _row(executor: str, count: int, used: list[Used], warm: Spread, local: Spread) -> Row:
    wall = Spread.of(u.wall for u in used)  # no CPU time: that of processes whose end Ray does not wait for is lost
    return {
        "executor": executor,
        "submissions": count,
        "wall s": wall,
        "wall s each": wall.per(count),
        "a second once warm": warm,
        "of local": warm.over(local),
    }
