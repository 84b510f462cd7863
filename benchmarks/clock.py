"""Runs a command and writes down what it, and everything it started, used: ``clock.py RESULT.json COMMAND ...``.

A program of its own, so that what it waited for is the command and nothing else. Descendants that lose their parent
(the sandbox's zygote does where a worker is ended) come to this process, and are counted once they have ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path


def main(result: str, command: list[str]) -> None:
    """Write wall and CPU seconds, the bytes of the largest process, and the exit code."""
    if sys.platform == "linux":
        from autograder.sandbox.syscalls import become_subreaper  # noqa: PLC0415 - Linux only

        become_subreaper()
    started = time.perf_counter()
    code = subprocess.run(command, check=False).returncode
    wall = time.perf_counter() - started
    with contextlib.suppress(ChildProcessError):
        while True:
            os.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = {
        "wall": wall,
        "cpu": usage.ru_utime + usage.ru_stime,
        "largest": usage.ru_maxrss * (1024 if sys.platform == "linux" else 1),
        "code": code,
    }
    Path(result).write_text(json.dumps(used), encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
