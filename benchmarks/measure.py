"""Measuring: commands with all that they start, this process with its descendants, repeats, the machine."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Self

from autograder.capacity import processors
from autograder.errors import AutograderError

ROOT = Path(__file__).resolve().parents[1]
_TICK = os.sysconf("SC_CLK_TCK")
_PACKAGES = ("torch", "hypothesis", "ipython", "nbgrader", "nbclient", "numpy", "msgspec")


class BenchmarkError(AutograderError):
    """What was to be measured did not do its work, so that its time says nothing."""


@dataclass(frozen=True)
class Spread:
    """The same thing measured several times."""

    values: tuple[float, ...]

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """The spread of ``values``, at least one."""
        return cls(tuple(values))

    @property
    def median(self) -> float:
        """The middle one."""
        return statistics.median(self.values)

    def per(self, count: int) -> Spread:
        """Each divided by ``count``."""
        return Spread.of(value / count for value in self.values)

    def over(self, other: Spread) -> Spread:
        """The ratios to ``other``, repeat by repeat: what slowed the machine down for a while slowed down both."""
        return Spread.of(mine / its for mine, its in zip(self.values, other.values, strict=True))


@dataclass(frozen=True)
class Used:
    """Seconds and bytes of a command with everything that it started."""

    wall: float
    cpu: float
    largest: int


def run(command: list[str], folder: Path, environment: Mapping[str, str] | None = None) -> Used:
    """Run ``command`` in ``folder`` to its end; raises ``BenchmarkError`` with its words where it fails."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        clock = [sys.executable, str(Path(__file__).with_name("clock.py")), result.name, *command]
        variables = commands_environment() | dict(environment or {})
        done = subprocess.run(clock, cwd=folder, env=variables, capture_output=True, text=True, check=False)
        used = json.loads(Path(result.name).read_bytes() or b"{}")
    if used.get("code") != 0:
        said = (done.stdout + done.stderr).strip()[-3000:]
        raise BenchmarkError(f"{' '.join(command)} ended with {used.get('code', done.returncode)}:\n{said}")
    return Used(used["wall"], used["cpu"], used["largest"])


def commands_environment() -> dict[str, str]:
    """Commands of this environment first, this package before an installed one; nobody's own Jupyter settings."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    nowhere = str(Path(tempfile.gettempdir()) / "autograder-benchmarks-jupyter")
    return os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "JUPYTER_CONFIG_DIR": nowhere}


def stopwatch(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of ``work``, descendants included (in ticks of the kernel's, mostly 10 ms)."""
    cpu, wall = _cpu_seconds(), time.perf_counter()
    work()
    return time.perf_counter() - wall, _cpu_seconds() - cpu


def _cpu_seconds() -> float:
    """CPU time of this process and of its descendants, living and ended."""
    times = os.times()
    own = times.user + times.system + times.children_user + times.children_system
    return own + sum(_spent(pid) for pid in descendants(os.getpid()))


def _spent(pid: int) -> float:
    with contextlib.suppress(OSError):  # it has just ended: its parent's figures have it
        return sum(map(int, _stat(pid)[11:15])) / _TICK
    return 0.0


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` after the name, which may hold anything: state, parent, ..."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()


def parents() -> dict[int, int]:
    """The parent of every process on this machine; empty where there is no ``/proc``."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(folder.name)] = int(_stat(int(folder.name))[1])
    return found


def descendants(root: int) -> set[int]:
    """Process ids below ``root``."""
    known, found, new = parents(), set[int](), {root}
    while new:
        new = {pid for pid, parent in known.items() if parent in new}
        found |= new
    return found


class Memory:
    """Looks at the memory of this process' descendants while a block runs: grading processes and students.

    ``workers``: the most that each was ever resident with. ``students``: the most memory that each had for itself,
    beside what it shares with the process that it was forked from.
    """

    def __init__(self, seconds: float = 0.01) -> None:
        self.workers: dict[int, int] = {}
        self._own: dict[int, int] = {}
        self._seconds = seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    @property
    def students(self) -> dict[int, int]:
        """By process."""
        return self._own

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(self._seconds):
            for pid in descendants(os.getpid()):
                with contextlib.suppress(OSError, ValueError):
                    self._look_at(pid)

    def _look_at(self, pid: int) -> None:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip()
        if name == "ag-grader":
            most = _kilobytes(Path(f"/proc/{pid}/status"), "VmHWM")  # nothing, once it has ended
            self.workers[pid] = max(most, self.workers.get(pid, 0))
        elif name == "ag-student":
            own = _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Private_Clean", "Private_Dirty")
            self._own[pid] = max(own, self._own.get(pid, 0))


def _kilobytes(path: Path, *names: str) -> int:
    """The sum of some lines such as ``VmHWM:  123 kB``, in bytes."""
    lines = (line.split() for line in path.read_text(encoding="utf-8").splitlines())
    return sum(int(line[1]) << 10 for line in lines if line[0].rstrip(":") in names)


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "processor": _processor(),
        "cores": str(processors()),
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / (1 << 30):.0f} GiB",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        **{name: version(name) for name in _PACKAGES},
    }


def _processor() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
