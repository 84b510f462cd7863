from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from autograder.counterexample import calls_text, describe, find, message_of, verdict_of
from autograder.errors import GraderError, Mismatch, ProcessDied, StudentRaised
from autograder.examples import decode_example, draw
from autograder.model import Verdict
from autograder.testing import Student
from autograder.testing.student import LocalBackend
from tests.toolkit.answers import Bank, namespace
from tests.toolkit.tiny import tiny_course

HALF = "halve_gives_half_of_every_entry"
ROUNDS_DOWN = "\ndef halve(x):\n    return x // 2\n"
ROUNDS_DOWN_LONG_ONES = "\ndef halve(x):\n    return x // 2 if x.numel() > 5 else x / 2\n"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tiny_course(tmp_path_factory.mktemp("counterexample")))


class Recording(LocalBackend):
    """Remembers what was asked, and may die."""

    def __init__(self, names: dict[str, Any], dies_after: int = 10**9) -> None:
        super().__init__(names)
        self.asked: list[list[float]] = []
        self.dies_after = dies_after

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        if request["op"] == "call":
            self.asked.append(request["args"][0].flatten().tolist())
            if len(self.asked) > self.dies_after:
                raise ProcessDied(Verdict.CRASHED, "gone")
        return super().answer(request)


def test_the_smallest_failing_input_is_found(bank: Bank) -> None:
    found = find(bank.test(HALF), bank.student(ROUNDS_DOWN), bank.reference, seed=1, seconds=5)
    assert found is not None
    assert found.message == "the result is off (relative error 1); at [0] it is 0, not 0.5"
    shown = found.counterexample
    assert shown.call == "halve(torch.tensor([1.]))"
    assert (shown.expected, shown.got) == ("torch.tensor([0.5])", "torch.tensor([0.])")


def test_a_right_answer_has_none(bank: Bank) -> None:
    assert find(bank.test(HALF), bank.student(""), bank.reference, seed=1, seconds=2) is None


def test_the_search_keeps_to_its_time(bank: Bank, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = Recording(namespace(ROUNDS_DOWN_LONG_ONES))
    clock = SimpleNamespace(monotonic=lambda: float(len(backend.asked)))  # every call takes a second
    monkeypatch.setattr("autograder.counterexample.time", clock)
    found = find(bank.test(HALF), Student(backend), bank.reference, seed=1, seconds=5)
    assert found is not None
    assert len(backend.asked) == 6


def test_without_time_nothing_is_found(bank: Bank) -> None:
    assert find(bank.test(HALF), bank.student(ROUNDS_DOWN), bank.reference, seed=1, seconds=-1) is None


def test_no_graded_input_is_tried_but_the_smallest_ones(bank: Bank) -> None:
    graded = [decode_example(data)["x"].flatten().tolist() for data in bank.examples[f"test_{HALF}"]]
    backend = Recording(namespace(ROUNDS_DOWN_LONG_ONES))
    seed = bank.seed.derive("feedback", "halving")
    find(bank.test(HALF), Student(backend), bank.reference, seed, seconds=3)
    shared = [x for x in backend.asked if x in graded]
    assert all(len(x) <= 6 and all(entry == round(entry) for entry in x) for x in shared)
    assert len(backend.asked) > len(shared) + 3


def test_the_death_of_the_process_is_told(bank: Bank) -> None:
    backend = Recording(namespace(ROUNDS_DOWN_LONG_ONES), dies_after=3)
    with pytest.raises(ProcessDied, match="gone"):
        find(bank.test(HALF), Student(backend), bank.reference, seed=1, seconds=5)
    assert len(backend.asked) == 4


def test_our_own_failure_is_told(bank: Bank) -> None:
    class Broken(LocalBackend):
        def answer(self, _: dict[str, Any]) -> dict[str, Any]:
            raise GraderError("the zygote is gone")

    with pytest.raises(GraderError, match="the zygote is gone"):
        find(bank.test(HALF), Student(Broken({})), bank.reference, seed=1, seconds=5)


def test_the_test_is_left_as_it_was(bank: Bank) -> None:
    test = bank.test(HALF)
    find(test, bank.student(ROUNDS_DOWN), bank.reference, seed=1, seconds=1)
    assert test.function.hypothesis.inner_test is test.body  # type: ignore[attr-defined]
    assert draw(test, bank.seed.derive("graded", "halving", test.name)) == bank.examples[test.name]


@pytest.mark.parametrize(
    ("fault", "message", "verdict"),
    [
        (Mismatch("it is off"), "it is off", Verdict.FAILED),
        (StudentRaised("ValueError", "no"), "ValueError: no", Verdict.ERROR),
        (AssertionError("the rows should sum to 1"), "the rows should sum to 1", Verdict.FAILED),
        (AssertionError(), "a check of the answer does not hold", Verdict.FAILED),
        (TypeError("a\x1b"), r"the answer could not be used: TypeError: a\x1b", Verdict.FAILED),
    ],
)
def test_every_failure_has_a_message_and_a_verdict(fault: Exception, message: str, verdict: Verdict) -> None:
    assert message_of(fault) == message
    assert verdict_of(fault) is verdict


def test_an_exception_is_shown_as_what_the_call_gave(bank: Bank) -> None:
    student = bank.student("")
    student.halve(torch.ones(1))
    found = describe(StudentRaised("KeyError", "'x'", "cell 3, line 2"), student)
    assert (found.counterexample.expected, found.counterexample.got) == ("an answer", "KeyError: 'x' (cell 3, line 2)")
    assert found.counterexample.call == "halve(torch.tensor([1.]))"


def test_calls_are_written_as_python(bank: Bank) -> None:
    student = bank.student("\ndef make():\n    return Halver()\n")
    student.describe("halve")
    layer = student.Halver(times=2)
    layer(torch.ones(1))
    layer.get("calls")
    layer.set("times", 3)
    layer.call("extra_repr")
    student.make().gradients(torch.ones(1), wrt=(0,), cotangents=[torch.ones(1)])
    assert calls_text(student.log, most=10).splitlines() == [
        "layer = Halver(times=2)",
        "layer(torch.tensor([1.]))",
        "layer.calls",
        "layer.times = 3",
        "layer.extra_repr()",
        "result = make()",
        "result(torch.tensor([1.]))  # and its gradients",
    ]
    assert calls_text(student.log, most=1) == "result(torch.tensor([1.]))  # and its gradients"
