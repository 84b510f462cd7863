from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder import precedents
from autograder.model import Verdict
from autograder.precedents import Precedents
from autograder.testing import Student, forbid
from autograder.testing.student import LocalBackend
from tests.toolkit.answers import Bank, namespace
from tests.toolkit.tiny import tiny_course

HALF = "halve_gives_half_of_every_entry"
ALIKE = "\ndef halve(x):\n    if not x.is_floating_point():\n        raise ValueError('x')\n    return x * 0.5\n"
NEARLY = ALIKE.replace("x * 0.5", "x * 0.5 * (1 + 1e-12)")
WRONG_ON_LARGE = ALIKE.replace("return", "x = x + (x.numel() > 9)\n    return")


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tiny_course(tmp_path_factory.mktemp("precedents")))


class Counting(LocalBackend):
    """Counts what it is asked, and how often its answers are read."""

    def __init__(self, source: str) -> None:
        super().__init__(namespace(source))
        self.asked: list[bytes] = []
        self.read_replies = 0

    def perform(self, request: bytes) -> bytes:
        self.asked.append(request)
        return super().perform(request)

    def read(self, reply: bytes) -> dict[str, Any]:
        self.read_replies += 1
        return super().read(reply)


def judged(bank: Bank, known: Precedents, source: str, test: str = HALF) -> tuple[Any, Counting]:
    backend = Counting(source)
    record = bank.judge(test, "", student=Student(backend, bank.suite.forbidden), precedents=known)
    return record, backend


@pytest.mark.parametrize("test", ["halve_gives_half_of_every_entry", "halver_halves_several_times"])
def test_the_same_answers_are_asked_for_again_and_not_compared_again(bank: Bank, test: str) -> None:
    known = Precedents()
    first, before = judged(bank, known, "", test)
    second, after = judged(bank, known, "", test)
    assert first.verdict == second.verdict == Verdict.PASSED
    assert first.examples == second.examples == len(known)
    assert after.asked == before.asked
    assert after.read_replies == 1 < before.read_replies  # "begin" alone


def test_other_sources_with_the_same_answers_share_a_precedent(bank: Bank) -> None:
    known = Precedents()
    _, before = judged(bank, known, "")
    record, after = judged(bank, known, ALIKE)
    assert record.verdict == Verdict.PASSED
    traced = 2  # their traces differ, and a trace is a part of the answer
    assert after.read_replies <= 1 + traced < before.read_replies


def test_answers_that_are_new_are_compared_each_of_them_once_asked_for(bank: Bank) -> None:
    known = Precedents()
    _, before = judged(bank, known, "")
    record, after = judged(bank, known, NEARLY)
    assert record.verdict == Verdict.PASSED
    assert after.asked == before.asked
    again, later = judged(bank, known, NEARLY)
    assert again.verdict == Verdict.PASSED
    assert later.read_replies == 1


def test_a_wrong_answer_among_known_ones_is_found_and_sets_no_precedent(bank: Bank) -> None:
    known = Precedents()
    judged(bank, known, "")
    alone, _ = judged(bank, Precedents(), WRONG_ON_LARGE)
    assert (alone.verdict, alone.examples > 0) == (Verdict.FAILED, True)
    for _ in range(2):
        record, _ = judged(bank, known, WRONG_ON_LARGE)
        assert record.verdict == Verdict.FAILED
        assert (record.examples, record.message, record.counterexample) == (
            alone.examples,
            alone.message,
            alone.counterexample,
        )


def test_a_misconception_is_named_the_same_after_precedents(bank: Bank) -> None:
    known = Precedents()
    judged(bank, known, "")
    for misconception in bank.known:
        for test in bank.suite.tests:
            name = test.name.removeprefix("test_")
            alone = bank.judge(name, "", student=Student(LocalBackend(misconception.namespace)))
            after = bank.judge(name, "", student=Student(LocalBackend(misconception.namespace)), precedents=known)
            assert (after.verdict, after.misconception) == (alone.verdict, alone.misconception)


def run(body: str, answer: Any, known: Precedents, **marks: Any) -> tuple[bool, Student]:
    """Run a test's one example on ``answer`` twice; whether the second time stood on the first."""
    test: dict[str, Any] = {"torch": torch}
    exec(f"def body(student, reference):\n{body}", test)  # noqa: S102 - our own text
    student = Student(LocalBackend({"f": answer}), marks)
    reference = Student(LocalBackend({"f": answer}))
    stood = False
    for _ in range(2):
        student.begin()
        reference.begin()
        stood = known.stands("f", 0, student)
        if not stood:
            with known.watched("f", 0, student):
                test["body"](student, reference)
    return stood, student


@pytest.mark.parametrize(
    ("body", "stands"),
    [
        ("    student.f(1)", True),
        ("    student.f(1)\n    reference.f(1)", True),
        ("    reference.f(1)", False),  # the student was asked nothing
        ("    student.f(1)\n    torch.rand(1)", False),  # more than the answers counts
        ("    student.f(1)\n    student.begin()\n    student.f(2)", False),
        ("    student.f(student.f(1))\n    student.f(torch.ones(3))", True),
    ],
)
def test_what_sets_a_precedent(body: str, stands: bool) -> None:
    assert run(body, lambda x: x, Precedents())[0] == stands


def test_a_random_reference_sets_none() -> None:
    assert not run("    student.f(1)\n    reference.f(1)", lambda _: torch.rand(2), Precedents())[0]


def test_calls_are_traced_as_often_as_without_precedents() -> None:
    body = "    for _ in range(40):\n        student.f(torch.ones(1))"
    rule = forbid("aten::never", because="it is not wanted")
    stood, student = run(body, torch.exp, Precedents(), f=rule)
    assert stood
    assert student.calls == {("f", None): 40}


def test_work_in_a_thread_is_noted_each_time() -> None:
    def answer(x: Any) -> Any:
        import threading

        thread = threading.Thread(target=lambda: None)
        thread.start()
        thread.join()
        return x

    rule = forbid("aten::never", because="it is not wanted")
    stood, student = run("    student.f(1)", answer, Precedents(), f=rule)
    assert (stood, student.unseen) == (False, {"f": 2})


def test_no_more_is_kept_than_memory_should_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedents, "MOST_BYTES", 10_000)
    known = Precedents()
    for number in range(100):
        student = Student(LocalBackend({"f": torch.exp}))
        with known.watched("f", number, student):
            student.f(torch.ones(100))
    assert 0 < len(known) < 25


def test_no_more_answers_are_known_to_a_request_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedents, "MOST_ANSWERS", 3)
    known = Precedents()
    for number in [*range(5), *range(5)]:
        student = Student(LocalBackend({"f": lambda x, number=number: x + number}))
        if not known.stands("f", 0, student):
            with known.watched("f", 0, student):
                student.f(1)
        assert bool(student.answered) is False
    stood = []
    for number in range(5):
        student = Student(LocalBackend({"f": lambda x, number=number: x + number}))
        stood.append(known.stands("f", 0, student))
    assert stood == [True, True, True, False, False]
