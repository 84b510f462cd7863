"""The marks that authors put on hidden tests, misconceptions and right variants."""

from __future__ import annotations

import fnmatch
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from autograder.errors import AuthoringError

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True)
class Question:
    """What a hidden test counts for.

    ``gate``: the other points of the question count only once this test passes.
    ``bonus``: the points come on top of the question's total.
    ``depends_on``: questions whose mistakes can make this test fail.
    ``devices``: where the test makes sense; one that only makes sense on a GPU says ``("cuda",)``.
    """

    name: str
    points: float
    gate: bool = False
    bonus: bool = False
    depends_on: tuple[str, ...] = ()
    devices: tuple[str, ...] = ("cpu", "cuda")

    def runs_on(self, device: str) -> str | None:
        """Where the test runs in a run on ``device``; ``None`` where it cannot count there.

        One that counts only on the CPU runs on it beside any device.
        """
        return next((each for each in (device, "cpu") if each in self.devices), None)


def question(
    name: str,
    *,
    points: float,
    gate: bool = False,
    bonus: bool = False,
    depends_on: tuple[str, ...] = (),
    devices: tuple[str, ...] = ("cpu", "cuda"),
) -> Callable[[F], F]:
    """Mark a hidden test: ``points`` for question ``name``. The docstring's first line is its title."""
    if not 0 < points < math.inf:
        raise AuthoringError(f"question {name!r}: points={points!r}; a test counts for more than 0 points")

    def mark(test: F) -> F:
        if not (test.__doc__ or "").strip():
            raise AuthoringError(f"{test.__name__}: needs a docstring; its first line is the title students read")
        test.autograder_question = Question(name, float(points), gate, bonus, depends_on, devices)  # type: ignore[attr-defined]
        return test

    return mark


@dataclass(frozen=True)
class Forbidden:
    """Operations a graded call must not use: patterns of trace events and of names in the source.

    Events are dispatcher operations (``aten::softmax``), autograd functions
    (``autograd::engine::evaluate_function: ...``), torch layers built or called (``nn.Conv2d``) and functions of
    torch's that are written in Python (``py::torch.nn.init.xavier_uniform_``).
    A match in the trace is a verdict; a match in the source alone is a flag for a person.
    """

    events: tuple[str, ...]
    names: tuple[str, ...] = ()
    because: str = "this assignment asks you to write it yourself"

    def match(self, events: Iterable[str]) -> str | None:
        """The pattern that the first forbidden event fits, or ``None``. An event's own text may be the student's."""
        for event in events:
            for pattern in self.events:
                if fnmatch.fnmatchcase(event, pattern):
                    return pattern
        return None


AUTOGRAD = (
    *("autograd::engine::*", "*Backward[0-9]*", "aten::_make_dual", "aten::_fw_primal"),
    *("py::torch.autograd.*", "py::torch._functorch.*"),
)


def forbid(
    *events: str, names: Iterable[str] = (), because: str = "this assignment asks you to write it yourself"
) -> Forbidden:
    """``Forbidden(events, names)``; a hidden test file gathers them in ``FORBIDDEN = {function: ...}``."""
    return Forbidden(tuple(events), tuple(names), because)


@dataclass(frozen=True)
class Misconception:
    """A named wrong answer to one question, with the sentence a student should read.

    ``breaks``: the line of the question's contract that it breaks, where it breaks just one.
    """

    name: str
    of: str
    hint: str
    breaks: str | None = None


def misconception(of: str, *, hint: str, breaks: str | None = None) -> Callable[[F], F]:
    """Mark a wrong answer to question ``of``; ``hint`` is shown where a student's answers agree with it.

    ``breaks`` names a line of ``reference/contracts/TOPIC.toml``: the tests that this answer loses cover the line.
    """
    if not hint.strip():
        raise AuthoringError(f"a misconception of {of!r} has no hint; write the sentence a student should read")

    def mark(answer: F) -> F:
        answer.autograder_misconception = Misconception(answer.__name__, of, hint, breaks)  # type: ignore[attr-defined]
        return answer

    return mark


@dataclass(frozen=True)
class Variant:
    """An odd but right answer to one question, which must earn full marks."""

    name: str
    of: str


def variant(of: str) -> Callable[[F], F]:
    """Mark an odd but right answer to question ``of``; its docstring says what is odd about it."""

    def mark(answer: F) -> F:
        answer.autograder_variant = Variant(answer.__name__, of)  # type: ignore[attr-defined]
        return answer

    return mark
