"""What passed before: the same questions answered in the same bytes need not be compared again.

What a test's body does depends on its example and on the answers alone. Where a submission answers every call of an
example as one before it did that passed, byte for byte, evidence included, the body would pass again: the calls are
made, their answers looked up, and nothing is decoded or compared. The first answer that is new ends that, and the
body runs, on the answers given so far.

An example whose body draws from this process's random generator, or whose calls left something to note, sets no
precedent: there more than the answers counts.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import torch

from autograder.testing.log import Exchange
from autograder.testing.student import Student

MOST_BYTES = 64 << 20  # of requests, for each grading process
MOST_ANSWERS = 32  # that are known to one request
_STEP_COST = 512  # bytes of the objects of a step, about

Calls = Counter[tuple[str, str | None]]


@dataclass(frozen=True)
class _Passed:
    """The end of an example that passed, after so many calls of each function."""

    calls: Calls


@dataclass
class _Step:
    """A request, and what came after each answer to it, by the answer's digest."""

    request: bytes
    then: dict[bytes, _Step | _Passed] = field(default_factory=dict)


class Precedents:
    """What passed in this grading process, by test and example."""

    def __init__(self) -> None:
        self._first: dict[tuple[str, int], _Step] = {}
        self._bytes = 0

    def __len__(self) -> int:
        """The number of examples that something is known of."""
        return len(self._first)

    def stands(self, test: str, example: int, student: Student) -> bool:
        """Ask what is asked of ``example``; whether every answer has a precedent.

        Where not, the answers wait in ``student.answered`` for the body to ask. Raises ``ProcessDied``.
        """
        step: _Step | _Passed | None = self._first.get((test, example))
        taken: list[Exchange] = []
        while isinstance(step, _Step):
            answer = student.backend.perform(step.request)
            taken.append((step.request, answer))
            step = step.then.get(_digest(answer))
        if step is None:
            student.answered.extend(taken)
            return False
        for exchange in taken:
            student.log.append(exchange)
        student.calls.update(step.calls)
        return True

    @contextmanager
    def watched(self, test: str, example: int, student: Student) -> Iterator[None]:
        """Watch the body run on ``example``: a precedent where it comes to its end."""
        log = student.log
        start, begun, calls = len(log), log.begun, student.calls.copy()
        random, noted = torch.get_rng_state(), student.unseen.total() + student.detours.total()
        try:
            yield
        finally:
            student.answered.clear()
        told = log.exchanges[start:]
        whole = bool(told) and log.begun == begun and not log.full
        plain = student.unseen.total() + student.detours.total() == noted and torch.equal(torch.get_rng_state(), random)
        if whole and plain and self._bytes < MOST_BYTES:
            self._add((test, example), told, student.calls - calls)

    def _add(self, key: tuple[str, int], told: list[Exchange], calls: Calls) -> None:
        step = self._first.get(key) or self._step(told[0][0])
        if step.request != told[0][0]:
            return
        self._first[key] = step
        following = [request for request, _ in told[1:]]
        for (_, answer), request in zip(told, following, strict=False):
            then = step.then.get(_digest(answer))
            if then is None:
                if len(step.then) >= MOST_ANSWERS:
                    return
                then = step.then[_digest(answer)] = self._step(request)
            if not isinstance(then, _Step) or then.request != request:
                return  # the body asks by more than the answers: nothing is learned of it
            step = then
        if len(step.then) < MOST_ANSWERS:
            step.then.setdefault(_digest(told[-1][1]), _Passed(calls))

    def _step(self, request: bytes) -> _Step:
        self._bytes += len(request) + _STEP_COST
        return _Step(request)


def _digest(answer: bytes) -> bytes:
    return hashlib.blake2b(answer, digest_size=20).digest()
