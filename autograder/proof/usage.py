"""How a suite uses each function: observed while the model solution answers the stored examples."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from autograder.examples import Examples, run_example
from autograder.sandbox.evaluate import tensors_in
from autograder.sandbox.wire import Handle
from autograder.suite import Suite
from autograder.testing.student import LocalBackend, Student

CONSTRUCTOR = "__init__"


@dataclass
class Use:
    """What one function, method or constructor was seen to take and to give.

    ``tensors``: parameters that held a tensor with at least one dimension; ``floating`` and ``matrices`` (two
    dimensions and more) those of them that held such; ``gives``: kinds of the values that came back, of
    ``floating``, ``whole`` (tensors of other dtypes), ``int``, ``float``, ``bool``, and ``dims`` where a
    tensor had some.
    """

    callable: Callable[..., Any]
    tensors: dict[str, None] = field(default_factory=dict)  # a set in order of appearance
    floating: dict[str, None] = field(default_factory=dict)
    matrices: dict[str, None] = field(default_factory=dict)
    gives: set[str] = field(default_factory=set)
    refuses: bool = False

    @property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Its parameters by name, without ``self``."""
        found = dict(inspect.signature(self.callable).parameters)
        found.pop("self", None)
        return found

    def note_arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Remember what kind of thing each parameter held."""
        names = list(self.parameters)
        for name, value in [*zip(names, args, strict=False), *kwargs.items()]:
            for _, tensor in tensors_in(value):
                if tensor.dim():
                    self.tensors[name] = None
                if tensor.is_floating_point():
                    self.floating[name] = None
                if tensor.dim() > 1:
                    self.matrices[name] = None

    def note_value(self, value: Any) -> None:
        """Remember what kind of thing came back."""
        if isinstance(value, tuple | list):
            for item in value:
                self.note_value(item)
        elif isinstance(value, torch.Tensor):
            self.gives.add("floating" if value.is_floating_point() else "whole")
            self.gives |= {"dims"} if value.dim() else set()
        elif isinstance(value, bool | int | float):
            self.gives.add(type(value).__name__)


Uses = dict[str, dict[str, Use]]  # by question, then by method: "" for a function


class _Watching(LocalBackend):
    """Answers from the model solution and takes notes."""

    def __init__(self, namespace: Mapping[str, Any], uses: Uses) -> None:
        super().__init__(namespace)
        self._names, self._uses = namespace, uses
        self._classes: dict[int, str] = {}

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply, noted."""
        reply = super().answer(request)
        use = self._use(request) if request["op"] == "call" else None
        if use is not None:
            use.note_arguments(request["args"], request["kwargs"])
            use.refuses |= "ValueError" in reply.get("bases", ())
            use.note_value(reply.get("value"))
            if isinstance(reply.get("value"), Handle) and "name" in request:
                self._classes[reply["value"].number] = request["name"]
        return reply

    def _use(self, request: dict[str, Any]) -> Use | None:
        name = request["name"] if "name" in request else self._classes.get(request["handle"], "")
        owner = self._names.get(name)
        if owner is None:
            return None
        if not isinstance(owner, type):
            method, target = "", owner
        else:
            called = request.get("method") or ("forward" if issubclass(owner, nn.Module) else "__call__")
            method = called if "handle" in request else CONSTRUCTOR
            if not inspect.isfunction(target := getattr(owner, method, None)) or method not in vars(owner):
                return None
        return self._uses.setdefault(name, {}).setdefault(method, Use(target))


def observe(suite: Suite, examples: Examples, namespace: Mapping[str, Any]) -> Uses:
    """The uses of every question, from all stored examples."""
    uses: Uses = {}
    student = Student(_Watching(namespace, uses), suite.forbidden)
    for test in suite.tests:
        for data in examples[test.name]:
            student.begin()
            run_example(test, data, student, student)
    return uses
