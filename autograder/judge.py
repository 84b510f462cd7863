"""Decides one hidden test: runs its stored examples and says what was found.

A pass needs every stored example executed, and compared or answered in every byte as one that passed.
The reference passed them all when they were drawn, so whatever fails here is the submission's doing;
only our own infrastructure can raise ``GraderError``.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from autograder.counterexample import Found, describe, find, message_of, verdict_of
from autograder.errors import GraderError, ProcessDied, StudentFault
from autograder.examples import run_example
from autograder.hints import Known, diagnose
from autograder.model import TestRecord, Verdict
from autograder.precedents import Precedents
from autograder.sandbox.session import Session
from autograder.suite import HiddenTest
from autograder.testing.log import Log
from autograder.testing.marks import Misconception
from autograder.testing.student import Student

SHRINK_SECONDS = 0.6  # per failed test
EXPLAIN_SECONDS = 6.0  # per submission
MORE_FOR_DIAGNOSIS = 6  # examples run after the first failure, to tell misconceptions apart


@dataclass
class Explainer:
    """Finds what to tell about failures, within a time budget per submission; nothing where ``silent``."""

    known: Sequence[Known]
    feedback_seed: int
    seconds_left: float = EXPLAIN_SECONDS
    silent: bool = False

    def smallest(self, test: HiddenTest, student: Student, reference: Student) -> Found | None:
        """A small failing input from the feedback seed, if one turns up in time."""
        if self.seconds_left <= 0 and test.drawn:
            return None
        started = time.monotonic()
        try:
            return find(test, student, reference, self.feedback_seed, min(SHRINK_SECONDS, self.seconds_left))
        except ProcessDied:
            return None
        finally:
            self.seconds_left -= time.monotonic() - started

    def misconception(self, test: HiddenTest, log: Log, data: bytes, reference: Student) -> Misconception | None:
        """The named misconception that the answers in ``log`` agree with, and that fails on ``data`` too."""

        def fails(candidate: Known) -> bool:
            stand_in = Student(candidate.backend)
            stand_in.begin()
            try:
                run_example(test, data, stand_in, reference)
            except Exception:  # noqa: BLE001 - whatever it is, it is no right answer
                return True
            return False

        return diagnose(test.question.name, log, self.known, fails)


@dataclass(frozen=True)
class Bench:
    """What a test is judged with: the submission's process, both sides to call, and the explainer."""

    session: Session
    student: Student
    reference: Student
    explainer: Explainer
    precedents: Precedents
    device: str = "cpu"


def judge(test: HiddenTest, examples: Sequence[bytes], bench: Bench) -> TestRecord:
    """The record of one test; never raises for anything a submission does."""
    started = time.monotonic()
    device = test.question.runs_on(bench.device)
    if device is None:
        message = f"counts only on {' or '.join(test.question.devices)}; to be completed there"
        return _record(test, Verdict.DEFERRED, message, 0, started)
    done = 0
    try:
        bench.session.revive()
        bench.student.begin(device=device)
        bench.reference.begin()
        for data in examples:
            if not bench.precedents.stands(test.name, done, bench.student):
                with bench.precedents.watched(test.name, done, bench.student):
                    run_example(test, data, bench.student, bench.reference)
            done += 1
    except GraderError:
        raise
    except OSError as error:  # no answer of a student's raises one here: it is this machine's, or the sandbox's
        raise GraderError(f"{test.name}: {type(error).__name__}: {error}") from error
    except ProcessDied as death:
        return _record(test, death.verdict, death.told if test.drawn else death.message, done, started)
    except Exception as fault:  # noqa: BLE001 - see the module's docstring
        return _explained(test, fault, examples[done:], done, started, bench)
    if done != len(examples):
        raise GraderError(f"{test.name}: {done} of {len(examples)} examples were compared")
    return _record(test, Verdict.PASSED, "", done, started)


def _explained(
    test: HiddenTest, fault: Exception, rest: Sequence[bytes], done: int, started: float, bench: Bench
) -> TestRecord:
    verdict = verdict_of(fault)
    if bench.explainer.silent or verdict in (Verdict.MISSING, Verdict.FORBIDDEN, Verdict.PROTOCOL):
        return _record(test, verdict, _in_our_words(test, verdict, message_of(fault), bench), done, started)
    found: Found | None = describe(fault, bench.student)
    _run_more(test, rest[1 : 1 + MORE_FOR_DIAGNOSIS], bench)
    misconception = bench.explainer.misconception(test, bench.student.log, rest[0], bench.reference)
    if test.drawn:  # a fixed test shows its own input, a drawn one never a graded one
        bench.student.log.clear()
        found = bench.explainer.smallest(test, bench.student, bench.reference)
    message = found.message if found else "wrong on an input that is not shown here"
    record = _record(test, verdict, message, done, started)
    return msgspec.structs.replace(
        record,
        hint=misconception.hint if misconception else None,
        misconception=misconception.name if misconception else None,
        counterexample=found.counterexample if found else None,
    )


def _in_our_words(test: HiddenTest, verdict: Verdict, message: str, bench: Bench) -> str:
    """What is told of a graded input that no example stands for: no word of it may be the submission's."""
    if not test.drawn or verdict is not Verdict.MISSING:  # the others are ours as they are
        return message
    name = test.question.name
    try:
        defined = bench.student.describe(name) != "missing"
    except StudentFault:
        defined = True
    return "not written yet" if defined else f"{name} is not defined in the notebook"


def _run_more(test: HiddenTest, examples: Sequence[bytes], bench: Bench) -> None:
    for data in examples:
        try:
            run_example(test, data, bench.student, bench.reference)
        except GraderError:
            raise
        except ProcessDied:
            return
        except Exception:  # noqa: BLE001, S112 - only the log of what was asked and answered matters here
            continue


def _record(test: HiddenTest, verdict: Verdict, message: str, done: int, started: float) -> TestRecord:
    points = test.question.points
    return TestRecord(
        name=test.name,
        title=test.title,
        verdict=verdict,
        points=None if verdict is Verdict.DEFERRED else points if verdict is Verdict.PASSED else 0.0,
        max_points=points,
        message=message,
        examples=done,
        seconds=round(time.monotonic() - started, 4),
    )
