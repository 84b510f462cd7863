"""Finds the smallest input on which an answer is wrong, from the feedback seed and within a time budget.

Never from the graded seed: what a student reads must not publish graded inputs.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import Phase

from autograder.difference import difference
from autograder.display import call_text, show
from autograder.errors import GraderError, ProcessDied, StudentFault, StudentRaised
from autograder.examples import call_body, drive, encode_example
from autograder.model import Counterexample, Verdict
from autograder.suite import FIXTURES, HiddenTest
from autograder.testing.student import Student
from autograder.text import clean

TOO_LARGE = "the answers of this test are too large or too many to list its calls"


@dataclass(frozen=True)
class Found:
    """A failing input that may be shown: what went wrong on it, in words and as calls."""

    message: str
    counterexample: Counterexample


class _Wrong(AssertionError):
    """One class, raised from one line, so that hypothesis sees one bug and shrinks it."""


def find(test: HiddenTest, student: Student, reference: Student, seed: int, seconds: float) -> Found | None:
    """The smallest failing example of a drawn test found within ``seconds``; ``None`` where none fails.

    Raises ``ProcessDied`` where the student process does not survive the search.
    """
    deadline = time.monotonic() + seconds
    best: tuple[int, Found] | None = None
    deaths: list[ProcessDied] = []

    def attempt(**arguments: Any) -> None:
        nonlocal best
        if time.monotonic() > deadline or deaths:
            return
        drawn = {name: value for name, value in arguments.items() if name not in FIXTURES}
        size = len(encode_example(test, drawn))
        student.log.clear()
        try:
            call_body(test, drawn, student, reference)
        except ProcessDied as death:
            deaths.append(death)
        except GraderError:
            raise
        except Exception as fault:  # noqa: BLE001 - the reference passes, so it is the student's
            if best is None or size < best[0]:
                best = size, describe(fault, student)
        else:
            return
        raise _Wrong

    _search(test, seed, attempt)
    if deaths:
        raise deaths[0]
    return best[1] if best else None


def _search(test: HiddenTest, seed: int, attempt: Any) -> None:
    try:
        drive(test, seed, attempt, Phase.explicit, Phase.generate, Phase.shrink)
    except GraderError:
        raise
    except BaseException as outcome:
        # _Wrong with the smallest example, or Flaky once the time is up: the examples are kept either way.
        if isinstance(outcome, KeyboardInterrupt | SystemExit | MemoryError):
            raise


def describe(fault: Exception, student: Student) -> Found:
    """A failure in words, with the calls that led to it."""
    expected, got = getattr(fault, "expected", ""), getattr(fault, "got", "")
    if isinstance(fault, StudentRaised):
        expected, got = expected or "an answer", str(fault)
    call = TOO_LARGE if student.log.full else calls_text(student.log)
    tensors = getattr(fault, "tensors", None)
    beside = difference(*tensors) if tensors else None
    return Found(message_of(fault), Counterexample(call=call, expected=expected, got=got, difference=beside))


def message_of(fault: Exception) -> str:
    """What went wrong, for people."""
    if isinstance(fault, StudentFault):
        return fault.message
    if isinstance(fault, AssertionError):
        return clean(str(fault), 1000) or "a check of the answer does not hold"
    return clean(f"the answer could not be used: {type(fault).__name__}: {fault}", 1000)


def verdict_of(fault: Exception) -> Verdict:
    """The verdict that a failed example earns."""
    verdict: Verdict = getattr(fault, "verdict", Verdict.FAILED)
    return verdict


def calls_text(log: Iterable[tuple[dict[str, Any], dict[str, Any]]], most: int = 6) -> str:
    """The calls of one example as Python, the last ``most`` of them."""
    names: Mapping[int, str] = {}
    lines = []
    for request, reply in log:
        if request["op"] == "call" and "handle" not in request:
            text = call_text(request["name"], request["args"], request["kwargs"])
            handle = getattr(reply.get("value"), "number", None)
            if handle is not None:
                names = {**names, handle: "layer" if request["name"][:1].isupper() else "result"}
                text = f"{names[handle]} = {text}"
        elif request["op"] == "call":
            owner = names.get(request["handle"], "layer")
            method = f".{request['method']}" if request["method"] else ""
            text = call_text(owner + method, request["args"], request["kwargs"])
        elif request["op"] == "get":
            text = f"{names.get(request['handle'], 'layer')}.{request['attr']}"
        elif request["op"] == "set":
            text = f"{names.get(request['handle'], 'layer')}.{request['attr']} = {show(request['value'])}"
        else:
            continue
        if request.get("grad"):
            text += "  # and its gradients"
        lines.append(text)
    return "\n".join(lines[-most:])
