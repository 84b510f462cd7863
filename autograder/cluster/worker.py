"""A grading process on a machine of the cluster: what a local worker does, as an actor of Ray."""

from __future__ import annotations

import os
import signal
import socket
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec

from autograder.cluster.folder import private_folder
from autograder.cluster.parcel import Parcel, Started, Work, unpack
from autograder.errors import InvalidSubmission, UsageError
from autograder.model import GradeReport, Submission
from autograder.pool import for_people
from autograder.provenance import Basis
from autograder.seed import Seed


class GradingProcess:
    """Grades one submission after the other. Takes and gives bytes; raises nothing of its own."""

    def start(self, parcel: bytes) -> bytes:
        """Get ready: suite, examples, reference, zygote. Must be called first, and once."""
        be_silent()
        from ray import get_runtime_context  # noqa: PLC0415 - the rest of this file needs no Ray

        from autograder.runner import Grader  # noqa: PLC0415 - torch is imported once nothing more can be printed

        node = get_runtime_context().get_node_id()

        try:
            told = msgspec.msgpack.decode(parcel, type=Parcel)
            course = unpack(told, Path(private_folder()))
            self._grader = Grader(course, told.topic, told.options, Seed(told.secret))
            require_the_same(self._grader.basis, told.basis)
            self._grader.wait_ready()
        except Exception as error:  # noqa: BLE001 - a traceback of a worker helps nobody on the other side
            return msgspec.msgpack.encode(Started.refusing(node, for_people(error), socket.gethostname()))
        return msgspec.msgpack.encode(Started(node))

    def grade(self, work: bytes) -> bytes:
        """The report of a ``Work``, as JSON."""
        told = msgspec.msgpack.decode(work, type=Work)
        return self._grader.grade(submission_of(told), reading(told)).to_json()

    def close(self) -> None:
        """End the zygote."""
        self._grader.close()


def submission_of(work: Work) -> Submission:
    """The submission in ``work``; its notebook is not at the path."""
    return Submission(
        student=work.student,
        assignment=work.topic,
        path=Path(f"{work.topic}.ipynb"),
        questions=work.questions,
        earlier=GradeReport.from_json(work.earlier) if work.earlier else None,
    )


def reading(work: Work) -> Callable[[], bytes]:
    """What stands for reading the notebook's file, which was done where it lies."""

    def read() -> bytes:
        if work.fault:
            raise InvalidSubmission(work.fault)
        return work.notebook

    return read


def be_silent() -> None:
    """Take part in nothing that others read: a hidden test may print an answer, and Ray keeps what is printed."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (1, 2):
        os.dup2(null, stream)
    os.close(null)
    warnings.simplefilter("ignore")
    # As in a local worker: not blocked, which students would inherit, but ignored.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})


def require_the_same(here: Basis, there: Basis) -> None:
    """Machines that differ from the one that asks would give other grades, or grades that do not stand."""
    ours, theirs = _flat(here), _flat(there)
    differing = [f"{name} {ours[name]} instead of {theirs[name]}" for name in theirs if ours[name] != theirs[name]]
    if differing:
        raise UsageError(f"{', '.join(differing)}; install the same versions on every machine")


def _flat(basis: Basis) -> dict[str, str]:
    parts = vars(basis) | msgspec.structs.asdict(basis.versions)
    del parts["versions"]
    return parts
