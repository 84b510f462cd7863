"""Whether the GPU still answers, and what a student process reaches of it. A broken one is no student's fault."""

from __future__ import annotations

import json
from pathlib import Path

from autograder.errors import AutograderError, GraderError, ProcessDied, StudentFault
from autograder.gpu import Gpu
from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student

_PROBE = """
import os, torch

def devices():
    seen = []
    for folder, _, files in os.walk("/dev"):
        for name in files:
            path = os.path.join(folder, name)
            try:
                os.close(os.open(path, os.O_RDWR | os.O_NONBLOCK))
                seen.append(path)
            except OSError:
                pass
    return sorted(seen)

def cards():
    return [torch.cuda.get_device_name(number) for number in range(torch.cuda.device_count())]
"""


def _notebook(source: str = "") -> bytes:
    cells = [{"cell_type": "code", "metadata": {}, "source": source}]
    return json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells}).encode()


def require_working_gpu(sandbox: Sandbox) -> None:
    """Let an empty notebook's process use the GPU of ``sandbox``; raises ``GraderError`` where it cannot."""
    session = Session(sandbox, _notebook(), Limits(restarts=0))
    try:
        session.open()
        student = Student(session)
        student.begin(device="cuda")
        student.rng_state()
    except (ProcessDied, StudentFault) as error:
        card = sandbox.gpu.name if sandbox.gpu else "GPU"
        raise GraderError(
            f"the {card} does not work in the sandbox: {error}; see 'autograder doctor', restart the machine's driver, "
            "or grade on the CPU: --device cpu"
        ) from error
    finally:
        session.close()


def reached(card: Gpu, hidden: tuple[Path, ...] = ()) -> tuple[bool, str]:
    """Whether a student process can use ``card`` and no other, and the device files that it can open."""
    try:
        with Sandbox("sandbox", hidden=hidden, gpu=card) as sandbox:
            sandbox.wait_ready()
            require_working_gpu(sandbox)
            session = Session(sandbox, _notebook(_PROBE), Limits())
            session.open()
            student = Student(session)
            devices, cards = student.devices(), student.cards()
            session.close()
    except AutograderError as error:
        return False, str(error)
    return len(cards) == 1, f"it sees {', '.join(cards)} and can open {', '.join(devices)}"
