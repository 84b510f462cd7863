"""``autograder grade`` on the small course: the command, and what must have come of it."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

from benchmarks.classes import TOPIC, is_wrong, student
from benchmarks.measure import BenchmarkError, Used, run

GRADE = [sys.executable, "-m", "autograder", "grade", TOPIC]


def grade(folder: Path, count: int, *options: str) -> Used:
    """Grade a class of ``count``, sandboxed, into results, gradebook and pages; who is wrong must lose points."""
    used = run([*GRADE, *options], folder)
    verdicts = [_verdict(folder, number) for number in range(count)]
    unexpected = [n for n, verdict in enumerate(verdicts) if verdict != ("failed" if is_wrong(n) else "passed")]
    if unexpected:
        number = unexpected[0]
        raise BenchmarkError(f"{student(number)} in {folder} was graded as {verdicts[number]}")
    return used


def _verdict(folder: Path, number: int) -> str:
    path = folder / "results" / TOPIC / f"{student(number)}.json"
    if not path.is_file():
        return "not at all"
    verdict: str = json.loads(path.read_bytes())["verdict"]
    return verdict


def once_warm(folder: Path, count: int) -> float:
    """Results a second after the first fifth of them, by the times of the files."""
    landed = sorted(
        (folder / "results" / TOPIC / f"{student(number)}.json").stat().st_mtime_ns for number in range(count)
    )
    late = landed[count // 5 :]
    return (len(late) - 1) / max(1e-9, (late[-1] - late[0]) / 1e9)


def forget(folder: Path) -> None:
    """Leave no trace of earlier gradings, so that the next one starts anew; drawn examples and the seed stay."""
    for name in ("results", "feedback", "autograded", ".autograder/read"):
        shutil.rmtree(folder / name, ignore_errors=True)
    for path in folder.glob("gradebook.db*"):
        path.unlink()
