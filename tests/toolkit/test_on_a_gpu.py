"""Runs the tests of ``on_a_gpu`` in a process of their own, which says why."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).with_name("on_a_gpu.py")


def test_answers_pass_on_a_gpu_that_is_not_there() -> None:
    command = [sys.executable, "-m", "pytest", "-n", "0", "--maxfail", "20", str(TESTS)]
    done = subprocess.run(command, cwd=TESTS.parents[2], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
