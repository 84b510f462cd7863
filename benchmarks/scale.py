"""What a submission costs by the size of the class, and the memory of grading processes and students."""

from __future__ import annotations

import statistics
import tempfile
from pathlib import Path

from autograder.capacity import processors
from autograder.words import plural
from benchmarks import ours
from benchmarks.classes import hand_in, our_course
from benchmarks.measure import BenchmarkError, Memory, Spread, Used
from benchmarks.table import Row, Table

SIZES = (20, 50, 200, 1000)
LARGEST = 5000
QUICK = (1,)


def measure(repeat: int, *, full: bool, quick: bool) -> list[Table]:
    """Two tables: a row for each size of the class, and memory."""
    sizes = QUICK if quick else (*SIZES, LARGEST) if full else SIZES
    with tempfile.TemporaryDirectory(prefix="autograder-benchmark-") as folder:
        our_course(Path(folder))
        hand_in(Path(folder), sizes[0])
        memory = _memory(Path(folder), sizes[0])
        rows = []
        for size in sizes:
            hand_in(Path(folder), size)
            rows.append(_row(Path(folder), size, 1 if size == LARGEST else repeat))
    said = (
        f"`autograder grade` on the small course, whole commands, {processors()} cores, {plural(repeat, 'repeat')} "
        f"(of {LARGEST} submissions one). No two notebooks are the same. The largest process is a grading process."
    )
    watched = (
        f"Looked at every 10 ms while {sizes[0]} submissions were graded, in a run that was not timed: the most that "
        "each grading process was resident with, libraries included, and the most that each student process had "
        "to itself."
    )
    return [Table("scale", "Cost by the size of the class", said, rows), Table("scale", "Memory", watched, memory)]


def _row(folder: Path, size: int, repeat: int) -> Row:
    used: list[Used] = []
    for _ in range(repeat):
        ours.forget(folder)
        used.append(ours.grade(folder, size))
    wall, cpu = Spread.of(u.wall for u in used), Spread.of(u.cpu for u in used)
    return {
        "submissions": size,
        "wall s": wall,
        "wall s each": wall.per(size),
        "CPU s each": cpu.per(size),
        "largest process MB": Spread.of(u.largest / 1e6 for u in used),
    }


def _memory(folder: Path, size: int) -> list[Row]:
    ours.forget(folder)
    with Memory() as memory:
        ours.grade(folder, size)
    watched = {"grading process": memory.workers, "student process, its own": memory.students}
    return [_memory_row(name, [size / 1e6 for size in sizes.values()]) for name, sizes in watched.items()]


def _memory_row(name: str, sizes: list[float]) -> Row:
    if not sizes:
        raise BenchmarkError(f"no {name.partition(',')[0]} was seen: their memory can be read by root on Linux only")
    return {"process": name, "seen": len(sizes), "median MB": statistics.median(sizes), "most MB": max(sizes)}
