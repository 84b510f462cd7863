"""How many grading processes this machine bears: found out, not assumed."""

from __future__ import annotations

import contextlib
import math
import os
from pathlib import Path

from autograder.sandbox.cgroups import Hierarchies

# A grading process with its zygote and a student process of ordinary size, measured: about 700 MiB, part of it shared.
BYTES_OF_EACH = 900 << 20


def default_jobs() -> int:
    """A grading process per processor that may be used in full, as far as the free memory goes; at least one."""
    return max(1, min(processors(), free_memory() // BYTES_OF_EACH))


def processors(proc: Path = Path("/proc")) -> int:
    """Processors that this process may use: its affinity, within the quota of its control groups."""
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quotas = [math.ceil(quota) for quota in map(_quota, _groups(proc, "cpu")) if quota]
    return max(1, min([usable, *quotas]))


def free_memory(proc: Path = Path("/proc")) -> int:
    """Bytes that can be had without swapping: the machine's, within the limits of this process's control groups."""
    free = [_available(proc / "meminfo")]
    for group in _groups(proc, "memory"):
        for limit, used in (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes")):
            most, now = _number(group / limit), _number(group / used)
            if most is not None and now is not None:
                free.append(most - now + (_statistic(group / "memory.stat", "inactive_file") or 0))
    return max(0, min(free))


def _groups(proc: Path, controller: str) -> list[Path]:
    """The control groups of either version that this process is in, from its own up to the outermost in view."""
    found = Hierarchies.of(_text(proc / "self/mounts"), _text(proc / "self/cgroup"))
    return [group for name in ("", controller) for group in found.folders(name)]


def _quota(group: Path) -> float | None:
    """Processors that a group may use; ``None`` for all of them."""
    words = _text(group / "cpu.max").split()
    if not words:
        words = [_text(group / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    with contextlib.suppress(ValueError, ZeroDivisionError):
        quota = int(words[0]) / int(words[1])
        return quota if quota > 0 else None
    return None


def _available(meminfo: Path) -> int:
    kibibytes = _statistic(meminfo, "MemAvailable:")
    return kibibytes << 10 if kibibytes is not None else 1 << 62


def _statistic(path: Path, name: str) -> int | None:
    for line in _text(path).splitlines():
        words = line.split()
        if words and words[0] == name:
            return int(words[1])
    return None


def _number(path: Path) -> int | None:
    text = _text(path).strip()
    return int(text) if text.isdecimal() else None


def _text(path: Path) -> str:
    with contextlib.suppress(OSError):
        return path.read_text(encoding="ascii")
    return ""
