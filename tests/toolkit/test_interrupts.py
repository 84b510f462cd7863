from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from autograder.interrupts import heeded

ROOT = Path(__file__).parents[2]

# In a process of its own: an interrupt that Python forgets is an error of the test run elsewhere.
SWALLOWED = """
import os, signal
from autograder.interrupts import heeded

class Unlucky:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)

signal.signal(signal.SIGINT, signal.default_int_handler)
with heeded() as check:
    check()
    Unlucky()
    print("nobody has heard it")
    try:
        check()
    except KeyboardInterrupt:
        print("and it is heard all the same")
"""


def test_an_interrupt_that_falls_into_a_destructor_is_heard() -> None:
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.splitlines() == ["nobody has heard it", "and it is heard all the same"]
    assert "KeyboardInterrupt" in done.stderr


def test_an_interrupt_interrupts_as_ever_and_the_handler_is_put_back() -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt), heeded():
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    finally:
        signal.signal(signal.SIGINT, before)


def test_another_handler_and_another_thread_are_left_alone() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: heard.append(number))
    try:
        with heeded() as check:
            os.kill(os.getpid(), signal.SIGINT)
            check()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]

    def elsewhere() -> None:
        with heeded() as check:
            check()
            heard.append(0)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert heard == [signal.SIGINT, 0]
