"""Assertions on what a call does around its value: errors, inputs, memory, gradients, operations."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from autograder.display import call_text, show
from autograder.errors import Mismatch, StudentMissing, StudentRaised
from autograder.sandbox.evaluate import argument
from autograder.testing.compare import assert_matches
from autograder.testing.student import Answer, Function, RemoteObject
from autograder.text import clean


def assert_raises(function: Function | RemoteObject, *args: Any, names: tuple[str, ...] = (), **kwargs: Any) -> None:
    """The call must raise ``ValueError``, with a message that holds one of ``names`` (any case) where given."""
    said = call_text(function.name, args, kwargs)
    try:
        value = function(*args, **kwargs)
    except StudentMissing:
        raise
    except StudentRaised as error:
        if "ValueError" not in error.bases:
            problem = f"{said} should raise a ValueError, but raised {error}"
            raise Mismatch(problem, expected="ValueError", got=error.type_name) from None
        if names and not any(name.lower() in error.text.lower() for name in names):
            problem = f"the ValueError of {said} should name the argument ({' or '.join(names)})"
            raise Mismatch(problem, expected=f"a message with {names[0]}", got=error.text) from None
        return
    raise Mismatch(f"{said} should raise a ValueError, but returned", expected="ValueError", got=show(value))


def assert_all_raise(function: Function | RemoteObject, *calls: tuple[Any, ...], names: tuple[str, ...] = ()) -> None:
    """``assert_raises`` for the arguments of each call.

    All are made before the first fault is told: hints tell who lets all pass from who lets one pass.
    """
    faults = []
    for args in calls:
        try:
            assert_raises(function, *args, names=names)
        except Mismatch as fault:
            faults.append(fault)
    if faults:
        raise faults[0]


def assert_inputs_untouched(function: Function | RemoteObject, *args: Any, **kwargs: Any) -> Answer:
    """No argument may change during the call."""
    answer = function.answer(*args, **kwargs)
    if answer.modified:
        raise Mismatch(f"{function.name} changes its {_argument(answer.modified[0])} in place")
    return answer


def assert_no_alias(function: Function | RemoteObject, *args: Any, **kwargs: Any) -> Answer:
    """Writing into the value must not change an argument: no shared memory."""
    answer = function.answer(*args, **kwargs)
    if answer.aliases:
        raise Mismatch(
            f"the result of {function.name} shares memory with its {_argument(answer.aliases[0])}: "
            "writing into one changes the other"
        )
    return answer


def _argument(path: str) -> str:
    """``0.1`` is argument 2; ``1.mask`` is ``mask``; ``0.2.1`` a part of argument 3."""
    side, _, rest = clean(path, 80).partition(".")
    first, _, deeper = rest.partition(".")
    name = f"argument {int(first) + 1}" if side == "0" and first.isdecimal() else f"argument {first!r}"
    return f"{name} (inside it)" if deeper else name


def assert_gradients(
    student: Function | RemoteObject,
    reference: Function | RemoteObject,
    *args: Any,
    wrt: tuple[int | str, ...],
    cotangents: Sequence[torch.Tensor | None],
    rtol: float | None = None,
    terms: Any = None,
    **kwargs: Any,
) -> None:
    """Autograd through the student's function must give the gradients that the reference's gives in float64.

    ``args`` are in the dtype under test; the reference is asked with the same in float64. ``wrt`` names arguments
    by position, keyword, or a path into one: ``"1.0.weight"`` is ``args[1][0]["weight"]``.
    """
    mine = student.gradients(*args, wrt=wrt, cotangents=cotangents, **kwargs)
    doubled = double(list(args)), double(kwargs)
    right = reference.gradients(*doubled[0], wrt=wrt, cotangents=double(cotangents), **doubled[1])
    for index, (key, got, expected) in enumerate(zip(wrt, mine.grads, right.grads, strict=True)):
        name = _called(key)
        if expected is None:
            continue
        if got is None:
            raise Mismatch(f"no gradient flows through {student.name} to {name}: is it detached somewhere?")
        dtype = argument(args, kwargs, key).dtype
        part = terms[index] if isinstance(terms, tuple | list) else terms
        assert_matches(got, expected, dtype=dtype, rtol=rtol, terms=part, what=f"the gradient for {name}")


def _called(key: int | str) -> str:
    """A key of ``wrt`` for people: ``1.0.weight`` is ``'0.weight' of argument 2``."""
    first, _, rest = str(key).partition(".")
    name = f"argument {int(first) + 1}" if first.isdecimal() else first
    return f"{rest!r} of {name}" if rest else name


def assert_vectorised(function: Function | RemoteObject, small: tuple[Any, ...], large: tuple[Any, ...]) -> None:
    """The number of tensor operations must not grow from the ``small`` to the ``large`` batch.

    A few more are allowed (a copy made for size); one per sample is not.
    """
    few, many = function.traced(*small).operations, function.traced(*large).operations
    if many > few + max(8, few // 4):
        raise Mismatch(
            f"{function.name} runs {many} tensor operations on a large batch and {few} on a small one: "
            "a loop over the batch should be one vectorised expression",
            expected=f"about {few} operations",
            got=f"{many} operations",
        )


def double(value: Any) -> Any:
    """The same nested value with every floating tensor in float64."""
    if isinstance(value, torch.Tensor):
        return value.to(torch.float64) if value.is_floating_point() else value
    if isinstance(value, tuple):
        return tuple(double(item) for item in value)
    if isinstance(value, list):
        return [double(item) for item in value]
    if isinstance(value, dict):
        return {key: double(item) for key, item in value.items()}
    return value
