"""Whether the GPU still answers: a broken one is our fault, and no student's."""

from __future__ import annotations

import json

from autograder.errors import GraderError, ProcessDied, StudentFault
from autograder.model import Limits
from autograder.sandbox.process import Sandbox
from autograder.sandbox.session import Session
from autograder.testing.student import Student

_EMPTY = json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}).encode()


def require_working_gpu(sandbox: Sandbox) -> None:
    """Let an empty notebook's process use the GPU of ``sandbox``; raises ``GraderError`` where it cannot."""
    session = Session(sandbox, _EMPTY, Limits(restarts=0))
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
