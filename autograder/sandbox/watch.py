"""The keeper of a submission: waits for the student's end, reaps, and ends it for what it uses too much of."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import stat
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NoReturn

from autograder.sandbox import policy

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = resource.getpagesize()


def keep(
    student: int, limits: dict[str, Any], processes: Callable[[int], Iterable[int]], scratch: str | None
) -> NoReturn:
    """Watch until ``student`` ends, then end as it did, or with an exit status of the policy's.

    ``processes`` lists all of the submission; ``scratch`` is a folder whose size no kernel limit bounds.
    """
    while True:
        signal.sigtimedwait({signal.SIGCHLD}, policy.WATCHDOG_SECONDS)
        while True:
            try:
                done, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                os._exit(1)
            if done == student:
                code = os.waitstatus_to_exitcode(status)
                os._exit(code if code >= 0 else 128 - code)
            if not done:
                break
        running = list(processes(student))
        if holds_more_than(limits["memory_bytes"], running):
            os._exit(policy.EXIT_MEMORY)
        if cpu_seconds(running) > limits["cpu_seconds"]:
            os._exit(policy.EXIT_CPU)
        if scratch is not None and fills_more_than(scratch, limits["scratch_bytes"], limits["scratch_files"]):
            os._exit(policy.EXIT_SCRATCH)


def holds_more_than(most: int, processes: Iterable[int]) -> bool:
    """Whether ``processes`` hold more than ``most`` bytes.

    A page that several of them share after a fork counts once. Finding that out takes long, so it is
    asked only where the quick count, which takes such a page several times, is above ``most``.
    """
    return _sum_over(processes, _quick_count) > most and _sum_over(processes, _proportional_count) > most


def _sum_over(processes: Iterable[int], count: Callable[[str], float]) -> float:
    total = 0.0
    for process in processes:
        with contextlib.suppress(OSError):  # it has just ended
            total += count(f"/proc/{process}")
    return total


def _quick_count(process: str) -> int:
    resident, shared = Path(f"{process}/statm").read_text(encoding="ascii").split()[1:3]
    return (int(resident) - int(shared)) * _PAGE


def _proportional_count(process: str) -> int:
    lines = Path(f"{process}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return sum(int(line.split()[1]) << 10 for line in lines if line.startswith("Pss_Anon:"))


def cpu_seconds(processes: Iterable[int]) -> float:
    """Processor time of living processes, of what they waited for, and of what the caller has reaped."""
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + _sum_over(processes, _cpu_of)


def _cpu_of(process: str) -> float:
    # The second field is a name in parentheses that the process chooses itself.
    fields = Path(f"{process}/stat").read_bytes().rpartition(b")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def fills_more_than(folder: str, most_bytes: int, most_files: int) -> bool:
    """Whether the files below ``folder`` take more than ``most_bytes`` or are more than ``most_files``."""
    size = files = 0
    waiting = [folder]
    while waiting:
        try:
            entries = list(os.scandir(waiting.pop()))
        except OSError:  # removed since, or too deep for a path
            continue
        for entry in entries:
            files += 1
            with contextlib.suppress(OSError):
                status = entry.stat(follow_symlinks=False)
                size += status.st_blocks * 512
                if stat.S_ISDIR(status.st_mode):
                    waiting.append(entry.path)
        if size > most_bytes or files > most_files:
            return True
    return False
