from __future__ import annotations

from typing import Any

import pytest
import torch

from autograder.errors import GraderError, ProcessDied
from autograder.judge import EXPLAIN_SECONDS, Bench, Explainer, judge
from autograder.model import Verdict
from autograder.precedents import Precedents
from autograder.sandbox.wire import encode
from autograder.testing.student import LocalBackend, Student
from tests.toolkit.answers import Bank, Lives, hidden_tests, namespace
from tests.toolkit.tiny import tiny_course

HALF = "halve_gives_half_of_every_entry"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tiny_course(tmp_path_factory.mktemp("judge")))


@pytest.fixture(scope="module")
def others(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """The tiny course with hidden tests of many shapes."""
    course = tiny_course(tmp_path_factory.mktemp("others"))
    hidden_tests(
        course,
        '''
from autograder.errors import StudentRaised

FORBIDDEN = {"halve": forbid("aten::ldexp*")}

@question("halve", points=1)
def test_fixed(student):
    """A fixed test"""
    assert_matches(student.halve(torch.tensor([3.0, 5.0])), torch.tensor([1.5, 2.5]))

@question("halve", points=1)
def test_plain_assert(student):
    """A plain assert"""
    assert student.halve(torch.ones(1)).item() == 0.5, "half of 1 is 0.5"

@question("halve", points=1)
def test_pytest_raises(student):
    """pytest.raises"""
    with pytest.raises(StudentRaised):
        student.halve(torch.tensor([1]))

@question("halve", points=1)
def test_pytest_fail(student):
    """pytest.fail"""
    if student.halve(torch.ones(1)).item() != 0.5:
        pytest.fail("not a half")

@question("halve", points=1)
@given(x=ts.tensors((2,), kinds=("integers",)))
@settings(max_examples=8)
def test_every_example(student, x):
    """Every example counts"""
    assert_matches(student.halve(x), x / 2)

@question("halve", points=1)
@given(size=st.integers(2, 3))
@settings(max_examples=2)
def test_speed(student, size):
    """One expression"""
    assert_vectorised(student.halve, (torch.ones(2, size),), (torch.ones(64, size),))

@question("halve", points=1, devices=("cuda",))
def test_gpu(student):
    """On the GPU"""

@question("Halver", points=1)
def test_objects(student, reference):
    """The objects of both sides are numbered from 0"""
    for side in (student, reference):
        assert side.Halver().handle.number <= 1, "objects of an earlier test are left"
    assert_matches(student.rng_state(), reference.rng_state())

@question("halve", points=1)
def test_machine(student):
    """The machine fails where the answer is 7"""
    if student.halve(torch.ones(1)).item() == 7:
        raise OSError(28, "No space left on device")
''',
    )
    return Bank(course)


def halve(body: str) -> str:
    return f"\ndef halve(x):\n    {body}\n"


def test_a_right_answer_passes_every_example(bank: Bank) -> None:
    for test in bank.suite.tests:
        record = bank.judge(test.name.removeprefix("test_"), "")
        assert (record.verdict, record.points, record.message) == (Verdict.PASSED, test.question.points, "")
        assert record.examples == len(bank.examples[test.name])
        assert record.title == test.title
        assert (record.hint, record.counterexample, record.misconception) == (None, None, None)


@pytest.mark.parametrize(
    ("body", "verdict", "message"),
    [
        ("return x", "failed", "the result is off"),
        ("return None", "failed", "should be a tensor, but is None: is a return missing?"),
        ("return [1, 2]", "failed", "should be a tensor, but is a list"),
        ("return x.tolist()", "failed", "should be a tensor"),
        ("return x.numpy() / 2", "failed", "should be a tensor, but is a ndarray"),
        ("return x.to_sparse()", "failed", "not an ordinary (strided) one"),
        ("return x.half() / 2", "failed", "has dtype torch.float16"),
        ("return object()", "failed", "an object of class object"),
        ("return (x / 2,)", "failed", "should be a tensor, but is a tuple"),
        ("return {1: x, 'a': {2: x}}", "failed", "should be a tensor, but is a dict"),
        ("y = []; y.append(y); return y", "failed", "nested deeper than 16 levels"),
        ("return halve", "failed", "an object of class function"),
        ("raise ValueError('no')", "error", "ValueError: no (cell 1, line"),
        ("raise SystemExit", "error", "SystemExit"),
        ("raise KeyboardInterrupt", "error", "KeyboardInterrupt"),
        ("return halve(x)", "error", "RecursionError"),
        ("raise MemoryError", "memory", "MemoryError"),
        ("raise NotImplementedError('write halve')", "missing", "not written yet"),
        ("return torch.ldexp(x, torch.tensor(-1))", "forbidden", "halve used aten::ldexp"),
    ],
)
def test_every_odd_answer_earns_a_verdict_of_the_students(bank: Bank, body: str, verdict: str, message: str) -> None:
    record = bank.judge(HALF, halve(body))
    assert (record.verdict, record.points) == (verdict, 0.0)
    assert message in record.message


def test_a_name_that_is_gone_is_missing(bank: Bank) -> None:
    record = bank.judge(HALF, "\ndel halve\n")
    assert (record.verdict, record.counterexample) == (Verdict.MISSING, None)
    assert record.message == "halve is not defined in the notebook"


def test_a_failure_is_explained(bank: Bank) -> None:
    record = bank.judge(HALF, halve("return x // 2"))
    assert record.misconception == "halve_rounding_down"
    assert record.hint is not None
    assert record.hint.startswith("Your halves are rounded down")
    assert record.counterexample is not None
    assert record.counterexample.call == "halve(torch.tensor([1.]))"


def test_without_time_to_explain_the_verdict_stands_and_no_graded_input_is_shown(bank: Bank) -> None:
    explainer = Explainer(bank.known, 1, seconds_left=0.0)
    record = bank.judge(HALF, halve("return x // 2"), explainer=explainer)
    assert (record.verdict, record.counterexample) == (Verdict.FAILED, None)
    assert record.message == "wrong on an input that is not shown here"


def test_a_silent_explainer_says_what_is_wrong_and_nothing_of_why(bank: Bank) -> None:
    record = bank.judge(HALF, halve("return x // 2"), explainer=Explainer(bank.known, 1, silent=True))
    assert (record.verdict, record.hint, record.misconception, record.counterexample) == (
        Verdict.FAILED,
        None,
        None,
        None,
    )
    assert "the result" in record.message


def test_explaining_uses_up_its_budget(bank: Bank) -> None:
    explainer = Explainer(bank.known, 1)
    bank.judge(HALF, halve("return x // 2"), explainer=explainer)
    assert 0 < explainer.seconds_left < EXPLAIN_SECONDS


def test_a_fixed_test_shows_its_own_input(others: Bank) -> None:
    record = others.judge("fixed", halve("return x"))
    assert record.counterexample is not None
    assert record.counterexample.call == "halve(torch.tensor([3., 5.]))"
    assert record.counterexample.expected == "torch.tensor([1.5, 2.5])"


@pytest.mark.parametrize(
    ("test", "body", "message"),
    [
        ("plain_assert", "return x", "half of 1 is 0.5"),
        ("pytest_fail", "return x", "not a half"),
        ("pytest_raises", "return x", "DID NOT RAISE StudentRaised"),
        (
            "plain_assert",
            "return torch.ones(2)",
            "the answer could not be used: RuntimeError: a Tensor with 2 elements",
        ),
    ],
)
def test_tests_in_plain_pytest_end_with_a_verdict_too(others: Bank, test: str, body: str, message: str) -> None:
    assert others.judge(test, "").verdict is Verdict.PASSED
    record = others.judge(test, halve(body))
    assert record.verdict is Verdict.FAILED
    assert message in record.message


def test_one_wrong_example_of_many_fails_the_test(others: Bank) -> None:
    examples = others.examples["test_every_example"]
    last = halve(f"halve.calls = getattr(halve, 'calls', 0) + 1; return x / 2 + (halve.calls == {len(examples)})")
    record = others.judge("every_example", last)
    assert (record.verdict, record.points) == (Verdict.FAILED, 0.0)
    assert record.examples == len(examples) - 1


def test_a_slow_answer_is_not_taken_for_a_misconception_that_is_right_there(others: Bank) -> None:
    loop = halve("return torch.stack([row / 2 for row in x])")
    record = others.judge("speed", loop)
    assert (record.verdict, record.misconception, record.hint) == (Verdict.FAILED, None, None)
    assert "a loop over the batch" in record.message


def test_a_test_for_another_device_is_deferred(others: Bank) -> None:
    record = others.judge("gpu", halve("raise SystemExit"))
    assert (record.verdict, record.points, record.max_points) == (Verdict.DEFERRED, None, 1.0)
    assert record.message == "counts only on cuda; to be completed there"
    assert others.judge("gpu", "", device="cuda").verdict is Verdict.PASSED


def test_both_sides_begin_every_test_without_objects_and_from_one_random_state(others: Bank) -> None:
    for _ in range(2):
        torch.rand(3)
        assert others.judge("objects", "").verdict is Verdict.PASSED


def test_an_error_of_the_machine_is_ours(others: Bank) -> None:
    assert others.judge("machine", "").verdict is Verdict.PASSED
    with pytest.raises(GraderError, match=r"test_machine: OSError: .*No space left on device"):
        others.judge("machine", halve("return torch.tensor([7.0])"))


class Dying(LocalBackend):
    """A process that dies at a call, as often as it is started."""

    def __init__(self, after: int, body: str = "return x") -> None:
        super().__init__(namespace(halve(body)))
        self.left = after

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        self.left -= request["op"] == "call"
        if self.left < 0:
            raise ProcessDied(Verdict.CRASHED, "ended by signal 9", "ended by a signal")
        return super().answer(request)


def test_the_death_of_the_process_is_the_verdict(bank: Bank) -> None:
    record = bank.judge(HALF, "", student=Student(Dying(3, "return x / 2")))
    assert (record.verdict, record.message, record.examples) == (Verdict.CRASHED, "ended by a signal", 3)


@pytest.mark.parametrize("calls", [1, 2, 8])
def test_a_death_while_the_failure_is_explained_keeps_the_verdict(bank: Bank, calls: int) -> None:
    record = bank.judge(HALF, "", student=Student(Dying(calls)))
    assert (record.verdict, record.counterexample) == (Verdict.FAILED, None)


def test_a_process_that_cannot_be_revived_gives_its_last_death(bank: Bank) -> None:
    class Dead:
        def revive(self) -> None:
            raise ProcessDied(Verdict.TIMEOUT, "no answer within 2 s")

    record = bank.judge(HALF, "", session=Dead())
    assert (record.verdict, record.message, record.examples) == (Verdict.TIMEOUT, "no answer within 2 s", 0)


@pytest.mark.parametrize("after", [0, 2])
def test_our_own_failure_is_nobodys_verdict(bank: Bank, after: int) -> None:
    class Broken(Dying):
        def answer(self, request: dict[str, Any]) -> dict[str, Any]:
            try:
                return super().answer(request)
            except ProcessDied as death:
                raise GraderError("the zygote is gone") from death

    with pytest.raises(GraderError, match="the zygote is gone"):
        bank.judge(HALF, "", student=Student(Broken(after)))


def test_a_pass_needs_every_example_to_be_compared(bank: Bank) -> None:
    class Shrinking(list[bytes]):
        def __iter__(self) -> Any:
            return iter([])

    student = bank.student("")
    bench = Bench(Lives(), student, bank.reference, Explainer((), 0), Precedents())  # type: ignore[arg-type]
    with pytest.raises(GraderError, match=f"test_{HALF}: 0 of 1 examples were compared"):
        judge(bank.test(HALF), Shrinking([encode({"x": torch.ones(1)})]), bench)
