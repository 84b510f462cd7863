"""The second run: nothing changed, one submission changed, a comment among the hidden tests, one hidden test."""

from __future__ import annotations

import tempfile
from pathlib import Path

from autograder.capacity import processors
from autograder.words import plural
from benchmarks import ours
from benchmarks.classes import TOPIC, hand_in, our_course, submission
from benchmarks.measure import Spread, Used
from benchmarks.table import Row, Table

STUDENTS = 500
QUICK = 2
FIRST, NOTHING = "first run", "nothing changed"
SUBMISSION, COMMENT, TEST = "one submission changed", "a comment in the tests changed", "one hidden test changed"


def measure(repeat: int, *, quick: bool) -> list[Table]:
    """One table, a row for each kind of run."""
    count = QUICK if quick else STUDENTS
    used: dict[str, list[Used]] = {name: [] for name in (FIRST, NOTHING, SUBMISSION, COMMENT, TEST)}
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as name:
        folder = Path(name)
        our_course(folder)
        hand_in(folder, count)
        tests = folder / "tests" / "hidden" / f"test_{TOPIC}.py"
        for _ in range(repeat):
            ours.forget(folder)
            used[FIRST].append(ours.grade(folder, count))
            used[NOTHING].append(ours.grade(folder, count))
            _edit(submission(folder, 0), "handed in by", "handed in again by")
            used[SUBMISSION].append(ours.grade(folder, count))
            _edit(tests, "import torch\n", "import torch  # again\n")
            used[COMMENT].append(ours.grade(folder, count))
            _edit(tests, "torch.ones(4, 5)", "torch.ones(4, 5) * 1")
            used[TEST].append(ours.grade(folder, count))
    said = (
        f"`autograder grade` on {count} submissions of the small course, whole commands, {processors()} cores, "
        f"{plural(repeat, 'repeat')}. A hidden test that changed concerns every submission: "
        "its question is graded again."
    )
    return [Table("again", "Grading again", said, [_row(name, count, taken) for name, taken in used.items()])]


def _row(name: str, count: int, used: list[Used]) -> Row:
    wall, cpu = Spread.of(u.wall for u in used), Spread.of(u.cpu for u in used)
    return {"run": name, "submissions": count, "wall s": wall, "CPU s": cpu}


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
