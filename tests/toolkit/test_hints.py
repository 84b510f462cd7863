from __future__ import annotations

import contextlib
from types import ModuleType
from typing import Any

import pytest
import torch

from autograder.errors import AuthoringError, Refused
from autograder.examples import run_example
from autograder.hints import Known, diagnose, in_place_of, known_misconceptions, right_variants
from autograder.sandbox.wire import Handle, encode
from autograder.testing import Student, misconception, variant
from autograder.testing.log import Log
from autograder.testing.student import LocalBackend
from tests.toolkit.answers import Bank
from tests.toolkit.tiny import tiny_course

ROUNDS_DOWN = """
def halve(x):
    if not x.is_floating_point():
        raise ValueError("whole numbers? not here, x!")
    return (x / 2).floor()
"""
IN_PLACE = """
def halve(x):
    if not x.is_floating_point():
        raise ValueError("x")
    x /= 2
    return x
"""
ONLY_ONCE = """
class Halver(nn.Module):
    def __init__(self, times=1):
        super().__init__()
        self.register_buffer("calls", torch.tensor(0))

    def forward(self, x):
        self.calls = self.calls + 1
        return x / 2
"""
DOUBLES = "\ndef halve(x):\n    return 2 * x\n"
THIRDS = "\nclass Halver(Halver):\n    def forward(self, x):\n        return x / 3\n"


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    return Bank(tiny_course(tmp_path_factory.mktemp("hints")))


def named(bank: Bank, test: str, source: str, fails: bool = True) -> str | None:
    student, hidden = bank.student(source), bank.test(test)
    student.begin()
    failures = 0
    for data in bank.examples[hidden.name]:
        try:
            run_example(hidden, data, student, bank.reference)
        except Refused:
            failures += 1
    assert failures
    found = diagnose(hidden.question.name, student.log, bank.known, lambda candidate: fails)
    return found.name if found else None


@pytest.mark.parametrize(
    ("test", "source", "name"),
    [
        ("halve_gives_half_of_every_entry", ROUNDS_DOWN, "halve_rounding_down"),
        ("halve_leaves_its_input_alone", IN_PLACE, "halve_in_place"),
        ("halver_halves_several_times", ONLY_ONCE, "HalverOnlyOnce"),
        ("halve_gives_half_of_every_entry", DOUBLES, None),
        ("halver_halves_several_times", THIRDS, None),
    ],
)
def test_a_misconception_is_recognised_by_its_answers_and_another_mistake_is_none(
    bank: Bank, test: str, source: str, name: str | None
) -> None:
    assert named(bank, test, source) == name


def test_every_misconception_of_the_course_is_recognised_in_a_student_who_holds_it(bank: Bank) -> None:
    tests = {
        "halve_rounding_down": "halve_gives_half_of_every_entry",
        "halve_in_place": "halve_leaves_its_input_alone",
        "HalverOnlyOnce": "halver_halves_several_times",
    }
    assert [known.mark.name for known in bank.known] == list(tests)
    for known in bank.known:
        student = Student(LocalBackend(known.namespace))
        record = bank.judge(tests[known.mark.name], "", student=student)
        assert (record.verdict, record.misconception, record.hint) == ("failed", known.mark.name, known.mark.hint)


def test_one_that_would_pass_explains_nothing(bank: Bank) -> None:
    assert named(bank, "halve_gives_half_of_every_entry", ROUNDS_DOWN, fails=False) is None


def test_without_a_question_asked_there_is_nothing_to_agree_on(bank: Bank) -> None:
    assert diagnose("halve", Log(), bank.known, lambda _: True) is None


def reference_of(**names: Any) -> dict[str, Any]:
    return {"__name__": "reference.topic", "question": len, **names}


def known_as(answer: Any) -> list[Known]:
    module = ModuleType("misconceptions")
    answer.__name__ = "answer"
    module.answer = misconception(of="question", hint="H")(answer)  # type: ignore[attr-defined]
    return list(known_misconceptions(module, reference_of()))


def log_of(answer: Any, *args: Any, **names: Any) -> Log:
    student = Student(LocalBackend({"question": answer, **names}))
    student.begin()
    with contextlib.suppress(Refused):
        student.question.answer(*args)
    return student.log


def agree(one: Any, other: Any, *args: Any) -> bool:
    return diagnose("question", log_of(other, *args), known_as(one), lambda _: True) is not None


def constant(value: Any) -> Any:
    return lambda *_: value


def raising(error: Exception) -> Any:
    def function(*_: Any) -> None:
        raise error

    return function


SAME = [
    (1.0, 1.0 + 1e-8),
    (torch.ones(2), torch.ones(2) * (1 + 1e-5)),
    (torch.ones(2).half(), torch.ones(2).half() * 1.01),
    ((torch.ones(1), 2), [torch.ones(1), 2]),
    ({"a": torch.ones(1), "b": [1]}, {"a": torch.ones(1), "b": [1]}),
    (torch.tensor([float("nan")]), torch.tensor([float("nan")])),
    (None, None),
    (object(), object()),
    (torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)),
]
DIFFERENT = [
    (1.0, 1.1),
    (1, True),
    (1.5, 1),
    (torch.ones(2), torch.ones(2) * 1.01),
    (torch.ones(2), torch.ones(1, 2)),
    (torch.ones(2), torch.ones(2).double()),
    ((1, 2), (1, 2, 3)),
    ({"a": 1}, {"b": 1}),
    ({"a": 1}, {"a": 2}),
    (object(), 1),
    (1, object()),
    (torch.Generator().manual_seed(3), torch.Generator().manual_seed(4)),
    (torch.Generator().manual_seed(3), 3),
    ("a", "b"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_equal_answers_agree(one: Any, other: Any) -> None:
    assert agree(constant(one), constant(other))
    assert agree(constant(other), constant(one))


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_other_answers_do_not(one: Any, other: Any) -> None:
    assert not agree(constant(one), constant(other))
    assert not agree(constant(other), constant(one))


def test_errors_agree_by_their_class() -> None:
    assert agree(raising(ValueError("a")), raising(ValueError("b")))
    assert not agree(raising(ValueError("a")), raising(TypeError("a")))
    assert not agree(raising(ValueError("a")), constant(1))
    assert agree(raising(NotImplementedError()), raising(NotImplementedError("b")))


def test_what_happens_to_the_arguments_must_agree_as_well() -> None:
    x = torch.ones(2)
    assert not agree(lambda x: x.mul_(0.5), lambda x: x * 0.5, x)
    assert not agree(lambda x: x, lambda x: x.clone(), x)
    assert agree(lambda x: x, lambda x: x.view(2), x)


def test_random_answers_agree_where_they_draw_alike() -> None:
    assert agree(lambda: torch.rand(3), lambda: torch.rand(3))
    assert not agree(lambda: torch.rand(3), lambda: torch.rand(4)[1:])


def test_a_student_who_makes_up_replies_agrees_with_nobody() -> None:
    request = {"op": "call", "name": "question", "args": (), "kwargs": {}}
    for reply in (
        {"status": "ok"},
        {"status": "ok", "value": 1, "modified": 7},
        {},
        {"status": "ok", "value": Handle(1)},
    ):
        log = Log()
        log.append((encode(request), encode(reply)))
        assert diagnose("question", log, known_as(constant(1)), lambda _: True) is None


def test_a_trace_is_not_asked_of_misconceptions() -> None:
    student = Student(LocalBackend({"question": torch.exp}))
    student.question.traced(torch.ones(1))
    assert diagnose("question", student.log, known_as(lambda x: torch.exp(x)), lambda _: True)  # noqa: PLW0108


def test_a_misconception_of_nothing_is_refused() -> None:
    @misconception(of="qestion", hint="H")
    def wrong() -> None: ...

    module = ModuleType("misconceptions")
    vars(module).update(wrong=wrong)
    message = "misconception 'wrong' is of 'qestion', which the reference does not define"
    with pytest.raises(AuthoringError, match=message):
        known_misconceptions(module, reference_of())


def test_without_a_module_there_is_no_misconception_and_no_variant() -> None:
    assert known_misconceptions(None, {}) == ()
    assert right_variants(None) == ()


def test_only_what_is_marked_itself_counts() -> None:
    module = ModuleType("answers")

    @misconception(of="question", hint="H")
    @variant(of="question")
    class Base:
        pass

    class Child(Base):
        pass

    vars(module).update(Base=Base, Child=Child, other=len)
    assert [known.mark.name for known in known_misconceptions(module, reference_of())] == ["Base"]
    assert [mark.name for mark, _ in right_variants(module)] == ["Base"]


def test_functions_of_the_reference_call_the_answer_that_stands_in() -> None:
    source = """
import torch
def question(x): return 2 * x
def user(x, *, times=2): return question(x) * times
@torch.no_grad()
def decorated(x): return question(x)
CONSTANT = 3
"""
    reference: dict[str, Any] = {"__name__": "reference.topic"}
    exec(source, reference)  # noqa: S102 - our own text
    replaced = in_place_of(reference, "question", lambda x: 100 * x)
    assert replaced["user"](1) == 200
    assert replaced["user"](1, times=3) == 300
    assert reference["user"](1) == 4
    assert replaced["decorated"](torch.ones(1)).item() == 2.0  # its wrapper is torch's own and is left alone
    assert replaced["CONSTANT"] == 3
