"""Every exception of the package, drawn as one tree.

    AutograderError
    |-- UsageError              wrong use or no room: a missing file, a full disk (exit code 2)
    |   `-- IsolationError      a promised isolation cannot be kept on this machine (exit code 2)
    |-- AuthoringError          an author's file is inconsistent: names the file and the way out
    |-- GraderError             our own failure: becomes the verdict ``grader_error``
    |-- NotCollected            one student's notebook cannot be had; the others are collected
    `-- StudentFault            the submission's doing, with the verdict it earns
        |-- InvalidSubmission   the notebook cannot be read
        |-- ProcessDied         the student process ended, hung, grew too large or broke the protocol
        `-- Refused (also an AssertionError, raised inside hidden tests)
            |-- StudentRaised   the student's function raised
            |-- StudentMissing  the student's function is not there, or still the stub
            |-- ForbiddenUsed   the trace of a graded call shows a forbidden operation
            `-- Mismatch        an answer that differs from what the contract asks

No exception class chosen by a student ever reaches the trusted side: the wire carries its name.
"""

from __future__ import annotations

from typing import Any

from autograder.model import Verdict


class AutograderError(Exception):
    """Root of everything this package raises on purpose."""


class UsageError(AutograderError):
    """The command was used wrongly; the message says what to do instead."""


class IsolationError(UsageError):
    """This machine cannot keep a promise of the sandbox; grading stops rather than lowering it."""


class AuthoringError(AutograderError):
    """A file written by a course author is inconsistent; the message names it."""


class GraderError(AutograderError):
    """The grader itself failed. Never a zero in silence, never overwrites an earlier grade."""


class NotCollected(AutograderError):
    """A student's notebook cannot be had from where it should be.

    ``answered``: the place was reached and has none, or none that may be taken; not so where it could not be reached.
    """

    def __init__(self, message: str, *, answered: bool = False) -> None:
        super().__init__(message)
        self.answered = answered


class StudentFault(AutograderError):
    """Something the submission did; ``verdict`` says what it earns."""

    verdict = Verdict.FAILED

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class InvalidSubmission(StudentFault):
    """The notebook cannot be read as one."""

    verdict = Verdict.INVALID_SUBMISSION


class ProcessDied(StudentFault):
    """The student process is gone: crashed, out of time, out of memory, or off the protocol.

    ``told`` is the message without what the process chose: a graded input can hide in a number as well.
    """

    def __init__(self, verdict: Verdict, message: str, told: str = "") -> None:
        super().__init__(message)
        self.verdict = verdict
        self.told = told or message


class Refused(StudentFault, AssertionError):
    """A graded answer that earns nothing. An ``AssertionError``, so that pytest and hypothesis read it."""


class StudentRaised(Refused):
    """The student's function raised ``type_name``; only its name and text cross the wire.

    ``bases`` are the names of the exception's classes, most special first.
    """

    verdict = Verdict.ERROR

    def __init__(self, type_name: str, text: str, where: str = "", bases: tuple[str, ...] = ()) -> None:
        place = f" ({where})" if where else ""
        super().__init__(f"{type_name}: {text}{place}" if text else f"{type_name}{place}")
        self.type_name = type_name
        self.text = text
        self.where = where
        self.bases = bases


class StudentMissing(Refused):
    """The name is not defined in the notebook, or is still the stub."""

    verdict = Verdict.MISSING


class ForbiddenUsed(Refused):
    """The trace of a graded call holds an operation the assignment forbids."""

    verdict = Verdict.FORBIDDEN


class Mismatch(Refused):
    """An answer differs from the expected one. ``expected`` and ``got`` are texts for people.

    ``tensors``: both as tensors where they are, and how far entries may lie apart to count as equal.
    """

    def __init__(
        self, message: str, *, expected: str = "", got: str = "", tensors: tuple[Any, Any, float] | None = None
    ) -> None:
        super().__init__(message)
        self.expected = expected
        self.got = got
        self.tensors = tensors
