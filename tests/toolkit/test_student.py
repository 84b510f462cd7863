from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder.errors import ForbiddenUsed, Mismatch, StudentMissing, StudentRaised
from autograder.model import Verdict
from autograder.sandbox.wire import Handle
from autograder.testing import RemoteObject, Student, forbid
from autograder.testing.student import TRACE_EVERY, TRACED_CALLS, LocalBackend, RememberingBackend


class Layer(nn.Module):
    calls: torch.Tensor

    def __init__(self, times: float = 1.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([times]))
        self.register_buffer("calls", torch.zeros((), dtype=torch.int64))
        self.name = "layer"

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.calls += 1
        return x * self.weight

    def __len__(self) -> int:
        return 3

    def away(self, x: torch.Tensor) -> torch.Tensor:
        return 1 - x

    def twice(self, x: torch.Tensor) -> torch.Tensor:
        return 2 * x


class Canned(LocalBackend):
    """Plays a student process that replies whatever it likes."""

    def __init__(self, **reply: Any) -> None:
        super().__init__({})
        self.reply = reply

    def answer(self, _: dict[str, Any]) -> dict[str, Any]:
        return self.reply


def student_of(**names: Any) -> Student:
    return Student(LocalBackend(names))


def doubled(x: torch.Tensor) -> torch.Tensor:
    return 2 * x


def exponential(x: torch.Tensor) -> torch.Tensor:
    return torch.exp(x)


def raising(error: BaseException) -> Callable[..., Any]:
    def function(*_: Any) -> None:
        raise error

    return function


def test_a_call_gives_the_value_alone() -> None:
    assert torch.equal(student_of(f=doubled).f(torch.ones(2)), torch.full((2,), 2.0))


def test_positional_and_named_arguments_arrive_in_their_types() -> None:
    student = student_of(f=lambda *args, **kwargs: [args, kwargs])
    arguments = (1, True, 0.5, "x", None, (1, 2), [3], {"k": 4}, b"b")
    assert student.f(*arguments, dim=-1, size=torch.Size([2])) == [arguments, {"dim": -1, "size": (2,)}]


def test_a_parameter_is_sent_as_a_tensor_and_leaves_its_graph_behind() -> None:
    answer = student_of(f=doubled).f.answer(nn.Parameter(torch.ones(1)))
    assert answer.requires_grad == ()
    assert not answer.value.requires_grad


def test_what_cannot_be_sent_is_our_mistake() -> None:
    with pytest.raises(Mismatch, match=r"an object \(object\) where a plain value or a tensor belongs"):
        student_of(f=doubled).f(object())


def test_arguments_that_changed_or_share_memory_are_named() -> None:
    def f(x: torch.Tensor, *, mask: torch.Tensor) -> torch.Tensor:
        mask.add_(1)
        return x[:1]

    answer = student_of(f=f).f.answer(torch.ones(2), mask=torch.zeros(1))
    assert (answer.modified, answer.aliases) == (("1.mask",), ("0.0",))


def test_arguments_can_be_seen_as_they_are_after_the_call() -> None:
    student = student_of(f=lambda x: x.add_(1), g=list.append)
    assert torch.equal(student.f.after(torch.zeros(1)).after[0][0], torch.ones(1))
    assert student.g.after([1], 2).after == [([1, 2], 2), {}]


def test_gradients_of_positional_and_named_arguments() -> None:
    student = student_of(f=lambda x, *, w: (x * w, x.detach()))
    one = torch.ones(2)
    answer = student.f.gradients(2 * one, w=3 * one, wrt=(0, "w"), cotangents=[one, None])
    assert [grad.tolist() for grad in answer.grads if grad is not None] == [[3.0, 3.0], [2.0, 2.0]]
    assert answer.requires_grad == ("0",)


def test_gradients_of_a_tensor_inside_an_argument() -> None:
    f = student_of(f=lambda x, parts: x * parts[0]["w"]).f
    grads = f.gradients(torch.ones(1), [{"w": torch.ones(1) * 3}], wrt=("1.0.w", 0), cotangents=[torch.ones(1)]).grads
    assert [float(grad) for grad in grads if grad is not None] == [1.0, 3.0]


class Shelf:
    def __init__(self) -> None:
        self.items: list[torch.Tensor] = []

    def put(self, x: torch.Tensor) -> torch.Tensor:
        self.items.append(x)
        return x

    def last(self) -> torch.Tensor:
        return self.items[-1]


def test_a_caller_that_uses_its_tensors_again() -> None:
    student = student_of(Shelf=Shelf, shelf=Shelf().put)
    shelf = student.Shelf()
    assert shelf.overwritten("put", torch.zeros(1)).value.tolist() == [0.0]
    assert shelf.call("last").tolist() == [1.0]
    assert student.shelf.overwritten(torch.zeros(1)).value.tolist() == [0.0]


def test_no_gradient_is_none() -> None:
    answer = student_of(f=lambda x: x.detach() * 1).f.gradients(torch.ones(1), wrt=(0,), cotangents=[torch.ones(1)])
    assert answer.grads == (None,)


def test_a_trace_is_given_where_it_is_asked_for() -> None:
    student = student_of(f=exponential)
    assert student.f.answer(torch.ones(1)).events == ()
    traced = student.f.traced(torch.ones(1))
    assert "aten::exp" in traced.events
    assert traced.operations >= 1


def test_names_are_described() -> None:
    student = student_of(f=doubled, C=Layer, v=3)
    assert [student.describe(name) for name in ("f", "C", "v", "w")] == ["function", "class", "value", "missing"]


def test_names_with_an_underscore_are_ours() -> None:
    with pytest.raises(AttributeError, match="_private"):
        student_of()._private  # noqa: B018


@pytest.mark.parametrize(
    ("error", "kind", "message", "verdict"),
    [
        (ValueError("bad x"), StudentRaised, "ValueError: bad x", Verdict.ERROR),
        (SystemExit(3), StudentRaised, "SystemExit: 3", Verdict.ERROR),
        (KeyboardInterrupt(), StudentRaised, "KeyboardInterrupt", Verdict.ERROR),
        (ValueError("\x1b[2J"), StudentRaised, r"ValueError: \x1b[2J", Verdict.ERROR),
        (MemoryError(), StudentRaised, "MemoryError", Verdict.MEMORY),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), StudentRaised, "Runtime", Verdict.MEMORY),
        (NotImplementedError("write softmax"), StudentMissing, "write softmax", Verdict.MISSING),
        (NotImplementedError(), StudentMissing, "not written yet", Verdict.MISSING),
    ],
)
def test_whatever_is_raised_becomes_an_exception_of_ours(
    error: BaseException, kind: type[Exception], message: str, verdict: Verdict
) -> None:
    with pytest.raises(kind) as caught:
        student_of(f=raising(error)).f(1)
    assert message in str(caught.value)
    assert caught.value.verdict is verdict  # type: ignore[attr-defined]


def test_a_name_that_is_not_there_is_missing() -> None:
    with pytest.raises(StudentMissing, match="f is not defined in the notebook"):
        student_of().f(1)


def test_an_answer_that_cannot_be_graded_is_a_mismatch() -> None:
    with pytest.raises(Mismatch, match=r"the answer is a tensor of layout torch.sparse_coo"):
        student_of(f=lambda x: x.to_sparse()).f(torch.ones(2))


@pytest.mark.parametrize("reply", [{}, {"status": "passed"}, {"status": 1}, {"value": 2}])
def test_what_is_no_reply_breaks_the_protocol(reply: dict[str, Any]) -> None:
    with pytest.raises(Mismatch, match="the notebook's process sent what is no reply to 'call'") as caught:
        Student(Canned(**reply)).f(1)
    assert caught.value.verdict is Verdict.PROTOCOL


def test_the_log_holds_requests_and_replies_of_the_current_test() -> None:
    student = student_of(f=doubled)
    student.f(1)
    student.begin()
    assert len(student.log) == 0
    student.f(3)
    ((request, reply),) = student.log
    assert (request["name"], request["args"], reply["value"]) == ("f", (3,), 6)


def test_a_test_begins_from_the_same_random_state() -> None:
    student = student_of(f=lambda: torch.rand(2))
    student.begin(1)
    first, state = student.f(), student.rng_state()
    student.begin(1)
    assert torch.equal(student.f(), first)
    assert torch.equal(student.rng_state(), state)
    student.begin(2)
    assert not torch.equal(student.f(), first)


# --------------------------------------------------------------------------------------- objects


def test_an_object_stays_where_it_is_and_answers_from_there() -> None:
    layer = student_of(Layer=Layer).Layer(3.0)
    assert isinstance(layer, RemoteObject)
    assert layer(torch.ones(1)).tolist() == [3.0]
    assert layer.call("twice", torch.ones(1)).tolist() == [2.0]
    assert layer.get("calls").item() == 1
    assert (layer.get("name"), len(layer)) == ("layer", 3)
    assert [layer.requires_grad(name) for name in ("weight", "calls")] == [True, False]
    layer.set("weight", torch.tensor([5.0]))
    layer.set("name", "other")
    assert layer(torch.ones(1)).tolist() == [5.0]
    assert layer.get("name") == "other"
    assert layer.requires_grad("weight")
    assert "aten::mul" in layer.traced(torch.ones(1)).events
    shown = layer.inspect()
    assert shown == {
        "module": True,
        "parameters": ["weight"],
        "buffers": ["calls"],
        "state": ["weight", "calls"],
        "training": True,
    }


def test_gradients_of_parameters_come_after_those_of_arguments() -> None:
    layer = student_of(Layer=Layer).Layer(3.0)
    answer = layer.gradients(torch.tensor([2.0]), wrt=(0,), params=("weight",), cotangents=[torch.ones(1)])
    assert [grad.tolist() for grad in answer.grads if grad is not None] == [[3.0], [2.0]]


def test_an_object_is_shown_by_its_class_alone() -> None:
    layer = student_of(make=Layer).make()
    assert repr(layer) == "<an object of class Layer>"
    assert RemoteObject(student_of(), "f", Handle(0, "\x1b" + "x" * 200)).kind.startswith(r"\x1bxxx")


def test_a_strange_length_is_refused() -> None:
    with pytest.raises(Mismatch, match=r"len\(\) of the Layer is -1"):
        len(RemoteObject(Student(Canned(status="ok", value=-1)), "Layer", Handle(0)))


def test_an_object_of_an_earlier_test_is_gone() -> None:
    student = student_of(Layer=Layer)
    layer = student.Layer()
    student.begin()
    with pytest.raises(StudentRaised, match="KeyError"):
        layer(torch.ones(1))


# ------------------------------------------------------------------------------------- forbidden


def test_a_forbidden_operation_is_seen_in_the_first_calls_and_now_and_then() -> None:
    seen = {}
    student = Student(LocalBackend({"f": exponential}), {"f": forbid("aten::exp", because="write it")})
    for number in range(2 * TRACE_EVERY):
        try:
            student.f(torch.ones(1))
        except ForbiddenUsed as error:
            seen[number] = error.message
    assert set(seen) == {*range(TRACED_CALLS), TRACE_EVERY}
    assert set(seen.values()) == {"f used aten::exp, which is forbidden here: write it"}


def test_each_function_and_method_is_looked_at_however_many_others_came_before() -> None:
    student = Student(
        LocalBackend({"f": doubled, "g": exponential, "Layer": Layer}), {"*": forbid("aten::exp", "*rsub*")}
    )
    for _ in range(5):
        student.f(torch.ones(1))
    with pytest.raises(ForbiddenUsed, match="g used"):
        student.g(torch.ones(1))
    layer = student.Layer()
    for _ in range(5):
        layer(torch.ones(1))
    with pytest.raises(ForbiddenUsed, match="Layer used"):
        layer.call("away", torch.ones(1))


def test_a_rule_for_all_names_and_one_for_this_name_both_hold() -> None:
    rules = {"*": forbid("aten::sin"), "f": forbid("aten::exp")}
    student = Student(LocalBackend({"f": exponential, "g": exponential, "h": torch.sin}), rules)
    with pytest.raises(ForbiddenUsed):
        student.f(torch.ones(1))
    assert student.g(torch.zeros(1)).item() == 1.0
    with pytest.raises(ForbiddenUsed, match="h used aten::sin"):
        student.h(torch.ones(1))


def test_a_layer_that_is_built_or_called_is_seen() -> None:
    student = Student(LocalBackend({"f": lambda: nn.Linear(1, 1)(torch.ones(1)) * 1}), {"f": forbid("nn.Linear")})
    with pytest.raises(ForbiddenUsed, match=r"f used nn.Linear"):
        student.f()


def test_what_was_used_before_an_exception_is_seen_too() -> None:
    def f(x: torch.Tensor) -> None:
        torch.exp(x)
        raise ValueError

    with pytest.raises(ForbiddenUsed):
        Student(LocalBackend({"f": f}), {"f": forbid("aten::exp")}).f(torch.ones(1))


# ------------------------------------------------------------------------------ remembered calls


def test_a_pure_call_is_answered_once() -> None:
    asked = []

    def f(x: torch.Tensor) -> torch.Tensor:
        asked.append(x)
        return 2 * x

    student = Student(RememberingBackend({"f": f}))
    first = student.f(torch.ones(2))
    first.add_(100)
    assert student.f(torch.ones(2)).tolist() == [2.0, 2.0]
    assert len(asked) == 1
    student.f(torch.ones(2).double())
    student.f(torch.zeros(2))
    assert len(asked) == 3


def test_a_call_with_an_object_or_a_generator_is_answered_each_time() -> None:
    student = Student(RememberingBackend({"Layer": Layer, "f": lambda generator: torch.rand(1, generator=generator)}))
    layer = student.Layer(1.0)
    for _ in range(2):
        layer(torch.ones(1))
    assert layer.get("calls").item() == 2
    asked = [student.f(torch.Generator().manual_seed(1)) for _ in range(2)]
    assert torch.equal(*asked)
    assert student.Layer(1.0).get("calls").item() == 0


def test_a_call_that_draws_global_random_numbers_is_answered_each_time() -> None:
    student = Student(RememberingBackend({"f": lambda: torch.rand(2)}))
    student.begin()
    first, second = student.f(), student.f()
    assert not torch.equal(first, second)
    student.begin()
    assert torch.equal(student.f(), first)


def test_an_answer_that_is_an_object_cannot_be_sent_on_and_is_the_students_fault() -> None:
    student = Student(LocalBackend({"make": object, "use": lambda value: value}))
    with pytest.raises(Mismatch, match=r"an object \(make\) where a plain value or a tensor belongs"):
        student.use(student.make())
