from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from autograder.errors import Mismatch, StudentMissing
from autograder.testing import (
    Function,
    Student,
    assert_all_raise,
    assert_gradients,
    assert_inputs_untouched,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
)
from autograder.testing.student import LocalBackend


def remote(function: Any) -> Function:
    return Student(LocalBackend({"f": function})).f


def raising(error: Exception) -> Callable[..., Any]:
    def function(*_: Any, **__: Any) -> None:
        raise error

    return function


def refused(check: Callable[..., Any], *args: Any, **kwargs: Any) -> Mismatch:
    with pytest.raises(Mismatch) as caught:
        check(*args, **kwargs)
    return caught.value


class Special(ValueError):
    """A ValueError of the student's own."""


@pytest.mark.parametrize("error", [ValueError("x must be positive"), Special("X is negative")])
def test_a_value_error_that_names_the_argument_is_right(error: Exception) -> None:
    assert_raises(remote(raising(error)), 1, names=("x", "input"))


def test_without_names_any_value_error_is_right() -> None:
    assert_raises(remote(raising(ValueError())), 1)


def test_another_error_is_wrong_and_named() -> None:
    error = refused(assert_raises, remote(raising(TypeError("no"))), 1, dim=2)
    assert error.message == "f(1, dim=2) should raise a ValueError, but raised TypeError: no"
    assert (error.expected, error.got) == ("ValueError", "TypeError")


def test_a_value_error_that_does_not_name_the_argument_is_wrong() -> None:
    error = refused(assert_raises, remote(raising(ValueError("bad"))), 1, names=("size", "n"))
    assert error.message == "the ValueError of f(1) should name the argument (size or n)"
    assert (error.expected, error.got) == ("a message with size", "bad")


def test_an_answer_where_an_error_belongs_is_shown() -> None:
    error = refused(assert_raises, remote(lambda x: x + 1), 1)
    assert error.message == "f(1) should raise a ValueError, but returned"
    assert error.got == "2"
    assert refused(assert_raises, remote(lambda: nn.Linear(1, 1))).got == "<an object of class Linear>"


def test_a_stub_is_missing_and_raises_nothing_right() -> None:
    with pytest.raises(StudentMissing):
        assert_raises(remote(raising(NotImplementedError())), 1)


def test_a_layer_can_be_asked_to_raise_too() -> None:
    layer = remote(lambda: nn.Linear(2, 2))()
    error = refused(assert_raises, layer, torch.ones(3))
    assert error.got == "RuntimeError"


def test_all_calls_are_made_before_the_first_fault_is_told() -> None:
    student = Student(LocalBackend({"f": lambda x: 1 / (x - 2)}))
    error = refused(assert_all_raise, student.f, (2,), (3,), (4,))
    assert error.message == "f(2) should raise a ValueError, but raised ZeroDivisionError: division by zero"
    assert [request["args"] for request, _ in student.log] == [(2,), (3,), (4,)]
    assert_all_raise(remote(raising(ValueError("x"))), (1,), (2,), names=("x",))


def in_place(x: torch.Tensor, parts: Any = (), *, mask: Any = None) -> torch.Tensor:
    changed = mask if mask is not None else parts[1] if len(parts) > 0 else x
    changed.add_(1)
    return torch.ones(1)


def test_inputs_that_stay_as_they_were_give_the_answer() -> None:
    answer = assert_inputs_untouched(remote(lambda x: x + 1), torch.ones(2))
    assert answer.value.tolist() == [2.0, 2.0]


@pytest.mark.parametrize(
    ("args", "kwargs", "named"),
    [
        ((torch.ones(1),), {}, "argument 1"),
        ((torch.ones(1), [torch.ones(1), torch.ones(1)]), {}, "argument 2 (inside it)"),
        ((torch.ones(1),), {"mask": torch.ones(1)}, "argument 'mask'"),
    ],
)
def test_an_input_that_is_changed_is_named(args: Any, kwargs: Any, named: str) -> None:
    assert refused(assert_inputs_untouched, remote(in_place), *args, **kwargs).message == (
        f"f changes its {named} in place"
    )


def test_an_input_of_nan_that_stays_is_untouched() -> None:
    assert_inputs_untouched(remote(lambda x: x + 1), torch.tensor([float("nan")]))


def test_a_result_that_shares_memory_is_refused() -> None:
    error = refused(assert_no_alias, remote(lambda x, y: y[1:]), torch.ones(2), torch.ones(2))
    assert error.message.startswith("the result of f shares memory with its argument 2: writing into one")
    assert assert_no_alias(remote(lambda x: x.clone()), torch.ones(2)).value.tolist() == [1.0, 1.0]


class Hostile(LocalBackend):
    def __init__(self, path: Any) -> None:
        super().__init__({})
        self.path = path

    def answer(self, _: dict[str, Any]) -> dict[str, Any]:
        return {"status": "ok", "value": None, "modified": [self.path]}


@pytest.mark.parametrize("path", ["0.\x1b[2J", "0.²", "", "0." + "x" * 10_000, "9"])
def test_evidence_that_a_student_made_up_is_shown_harmless_and_short(path: str) -> None:
    error = refused(assert_inputs_untouched, Student(Hostile(path)).f, 1)
    assert "\x1b" not in error.message
    assert len(error.message) < 200


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_right_gradients_pass_in_every_dtype(dtype: torch.dtype) -> None:
    x, w = torch.rand(3).to(dtype), torch.rand(3).to(dtype)
    function = remote(lambda x, *, w: x * w.square())
    assert_gradients(function, function, x, w=w, wrt=(0, "w"), cotangents=[torch.ones(3).to(dtype)])


def test_a_wrong_gradient_names_its_argument() -> None:
    right, wrong = remote(lambda x, w: x * w), remote(lambda x, w: x * w.detach() + 2 * (w - w.detach()))
    error = refused(
        assert_gradients, wrong, right, torch.ones(1), torch.ones(1) * 2, wrt=(0, 1), cotangents=[torch.ones(1) * 3]
    )
    assert error.message.startswith("the gradient for argument 2 is off")


def test_a_gradient_that_does_not_flow_is_said() -> None:
    right, cut = remote(lambda *, x: 2 * x), remote(lambda *, x: 2 * x.detach())
    error = refused(assert_gradients, cut, right, x=torch.ones(1), wrt=("x",), cotangents=[torch.ones(1)])
    assert error.message == "no gradient flows through f to x: is it detached somewhere?"


def test_a_gradient_inside_an_argument_is_named_by_its_path() -> None:
    right, cut = remote(lambda x, parts: x * parts[0]["w"]), remote(lambda x, parts: x * parts[0]["w"].detach())
    parts, one = [{"w": torch.ones(1)}], [torch.ones(1)]
    error = refused(assert_gradients, cut, right, torch.ones(1), parts, wrt=("1.0.w",), cotangents=one)
    assert error.message == "no gradient flows through f to '0.w' of argument 2: is it detached somewhere?"
    error = refused(assert_gradients, cut, right, x=torch.ones(1), parts=parts, wrt=("parts.0.w",), cotangents=one)
    assert "to '0.w' of parts:" in error.message


def test_where_the_reference_has_no_gradient_none_is_asked_for() -> None:
    constant = remote(lambda x, y: 1 * x)
    assert_gradients(constant, constant, torch.ones(1), torch.ones(1), wrt=(0, 1), cotangents=[torch.ones(1)])
    generous = remote(lambda x, y: x + 0 * y)
    assert_gradients(generous, constant, torch.ones(1), torch.ones(1), wrt=(0, 1), cotangents=[torch.ones(1)])


def test_terms_of_gradients_are_given_one_by_one() -> None:
    right = remote(lambda x, w: x * w)
    rough = remote(lambda x, w: x * w * (1 + 1e-3))
    inputs = (torch.ones(1), torch.ones(1))
    options: dict[str, Any] = {"wrt": (0, 1), "cotangents": [torch.ones(1)]}
    refused(assert_gradients, rough, right, *inputs, **options)
    assert_gradients(rough, right, *inputs, **options, rtol=0.01)
    assert_gradients(rough, right, *inputs, **options, terms=(1e3, 1e3))
    assert "argument 2" in refused(assert_gradients, rough, right, *inputs, **options, terms=[1e3, None]).message


def test_one_expression_is_vectorised_and_a_loop_is_not() -> None:
    small, large = (torch.ones(2, 3),), (torch.ones(64, 3),)
    assert_vectorised(remote(lambda x: (x * 2).sum(1)), small, large)
    error = refused(assert_vectorised, remote(lambda x: torch.stack([row.sum() for row in x])), small, large)
    assert "a loop over the batch should be one vectorised expression" in error.message
    assert error.got.endswith("operations")
    assert error.expected.startswith("about")


def test_doubling_reaches_every_floating_tensor_and_nothing_else() -> None:
    value = (torch.ones(1), [torch.ones(1).half(), torch.tensor(1)], {"k": torch.ones(1), "n": 3}, None)
    ones, (half, whole), named, none = double(value)
    assert [ones.dtype, half.dtype, whole.dtype, named["k"].dtype] == [
        torch.float64,
        torch.float64,
        torch.int64,
        torch.float64,
    ]
    assert (named["n"], none) == (3, None)
