"""The floor: a ``student`` whose functions are called in this process, as a grader without any care would."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

from autograder.sandbox.evaluate import argument, describe_error, tensors_in
from autograder.sandbox.wire import Handle
from autograder.testing.student import RemoteObject, Student, refusal

Request = dict[str, Any]


class Direct(Student):
    """Answers every request from ``namespace`` by calling what it names on fresh clones of the arguments.

    No bytes, no process, no bounds; evidence is looked for only where a test asks for it. ``recorded`` keeps the
    requests, where it is a list.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        super().__init__(_Nobody())
        self._namespace = namespace
        self._objects: list[Any] = []
        self.recorded: list[tuple[str, Request]] | None = None

    def begin(self, seed: int = 0, device: str = "cpu") -> None:
        """Start a test: no objects, a seeded global generator."""
        del device
        self.request({"op": "begin", "seed": seed})

    def describe(self, name: str) -> str:
        """As for a student; asked of the namespace."""
        value = self._namespace.get(name)
        return (
            "class" if isinstance(value, type) else "function" if callable(value) else "value" if value else "missing"
        )

    def call(self, name: str, request: Request) -> Any:
        """Perform a ``call`` request."""
        mine = self._fresh(name, request)
        try:
            return self.perform(name, mine, given=request)
        except NotImplementedError as error:
            raise refusal(request, {"status": "missing", "message": str(error)}) from error
        except Exception as error:
            raise refusal(request, describe_error(error)) from error

    def request(self, request: Request) -> dict[str, Any]:
        """Perform any other request."""
        reply: dict[str, Any] = self.perform("", self._fresh("", request))
        return reply

    def _fresh(self, name: str, request: Request) -> Request:
        if self.recorded is not None:
            self.recorded.append((name, fresh(request)))
        mine: Request = fresh(request)
        return mine

    def perform(self, name: str, request: Request, given: Request | None = None) -> Any:
        """Do what ``request`` says with its own tensors; ``given`` is what it was cloned from, for the evidence."""
        match request["op"]:
            case "begin":
                self._objects.clear()
                torch.manual_seed(request["seed"])
            case "rng":
                return {"value": torch.get_rng_state()}
            case "get":
                value = _attribute(self._objects[request["handle"]], request["attr"])
                carrying = [path for path, tensor in tensors_in(value) if tensor.requires_grad]
                return {"value": self._released(value), "requires_grad": carrying}
            case "set":
                _set(self._objects[request["handle"]], request["attr"], request["value"])
            case "inspect":
                return {"value": _inspect(self._objects[request["handle"]])}
            case "call":
                return self._call(name, request, given)
        return {}

    def _call(self, name: str, request: Request, given: Request | None) -> Evidence:
        owner = self._objects[request["handle"]] if "handle" in request else self._namespace[request["name"]]
        target = getattr(owner, request["method"]) if request.get("method") else owner
        args, kwargs, wanted = request["args"], request["kwargs"], request.get("grad")
        leaves = [argument(args, kwargs, key).requires_grad_() for key in wanted["wrt"]] if wanted else []
        trace = _Trace() if request.get("trace") else None
        with trace or contextlib.nullcontext():
            raw = target(*args, **kwargs)
        if wanted:
            leaves += [_attribute(owner, path) for path in wanted["params"]]
        grads = _gradients(raw, leaves, wanted["cotangents"]) if wanted else ()
        keep = isinstance(target, type) and isinstance(raw, target)
        value = self._object(raw, name) if keep else self._released(raw, name)
        if request.get("overwrite"):
            with torch.no_grad():
                for _, tensor in tensors_in((args, kwargs, raw)):
                    tensor.copy_(tensor.logical_not() if tensor.dtype is torch.bool else tensor + 1)
        return Evidence(value, raw, (args, kwargs), given, grads, trace)

    def _released(self, value: Any, name: str = "") -> Any:
        """A copy of an answer, as the caller may keep it; what is no plain value stays here."""
        if isinstance(value, torch.Tensor):
            return value.detach().clone()
        if isinstance(value, tuple | list):
            items = [self._released(item, name) for item in value]
            return tuple(items) if isinstance(value, tuple) else items
        if isinstance(value, dict):
            return {str(key): self._released(item, name) for key, item in value.items()}
        return value if value is None or isinstance(value, _PLAIN) else self._object(value, name)

    def _object(self, value: Any, name: str) -> RemoteObject:
        self._objects.append(value)
        return RemoteObject(self, name, Handle(len(self._objects) - 1, type(value).__name__))


_PLAIN = (bool, int, float, str, bytes, torch.Generator)


class _Nobody:
    """A backend is asked for nothing: ``Direct`` answers itself."""

    def perform(self, request: bytes) -> bytes:
        """Never called."""
        raise AssertionError(request)

    def read(self, reply: bytes) -> Request:
        """Never called."""
        raise AssertionError(reply)


@dataclass(frozen=True)
class Evidence:
    """An answer with the interface of ``testing.Answer``; its evidence is sought when it is asked for."""

    value: Any
    raw: Any
    passed: tuple[Any, Any]
    given: Request | None
    grads: tuple[torch.Tensor | None, ...]
    trace: _Trace | None

    @property
    def modified(self) -> list[str]:
        """Arguments that are not what they were."""
        assert self.given is not None  # noqa: S101 - for the type checker: only calls of tests have evidence
        before = tensors_in((self.given["args"], self.given["kwargs"]))
        pairs = zip(before, tensors_in(self.passed), strict=True)
        return [path for (path, old), (_, new) in pairs if not _same(old, new)]

    @property
    def aliases(self) -> list[str]:
        """Arguments that share memory with the value."""
        held = {tensor.untyped_storage().data_ptr() for _, tensor in tensors_in(self.raw) if tensor.numel()}
        return [path for path, tensor in tensors_in(self.passed) if tensor.untyped_storage().data_ptr() in held]

    @property
    def requires_grad(self) -> list[str]:
        """Tensors of the value that carry a graph."""
        return [path for path, tensor in tensors_in(self.raw) if tensor.requires_grad]

    @property
    def after(self) -> list[Any]:
        """The arguments as they are now."""
        return list(self.passed)

    @property
    def events(self) -> list[str]:
        """Names of the operations that ran."""
        return self.trace.names if self.trace else []

    @property
    def operations(self) -> int:
        """How many there were."""
        return len(self.events)


class _Trace(TorchDispatchMode):
    """Lists the operations that run."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: list[str] = []

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        self.names.append(f"aten::{func.__name__.partition('.')[0]}")
        return func(*args, **(kwargs or {}))


def fresh(value: Any) -> Any:
    """A deep copy of a request: own tensors, own generators."""
    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, torch.Generator):
        return torch.Generator(value.device).set_state(value.get_state())
    if isinstance(value, tuple | list):
        return type(value)([fresh(item) for item in value])
    if isinstance(value, dict):
        return {key: fresh(item) for key, item in value.items()}
    return value


def _same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.shape == other.shape and bool(((one == other) | ((one != one) & (other != other))).all())  # noqa: PLR0124


def _attribute(owner: Any, path: str) -> Any:
    for name in path.split("."):
        owner = getattr(owner, name)
    return owner


def _set(owner: Any, path: str, value: Any) -> None:
    above, _, last = path.rpartition(".")
    owner = _attribute(owner, above) if above else owner
    old = getattr(owner, last, None)
    if isinstance(old, torch.Tensor) and isinstance(value, torch.Tensor):
        with torch.no_grad():
            old.copy_(value)
    else:
        setattr(owner, last, value)


def _inspect(value: Any) -> dict[str, Any]:
    if not isinstance(value, torch.nn.Module):
        return {"module": False}
    return {
        "module": True,
        "parameters": [name for name, _ in value.named_parameters()],
        "buffers": [name for name, _ in value.named_buffers()],
        "state": list(value.state_dict()),
        "training": value.training,
    }


def _gradients(value: Any, leaves: list[torch.Tensor], cotangents: list[Any]) -> tuple[torch.Tensor | None, ...]:
    """The vector-Jacobian product of the answer's floating tensors; ``None`` where none flows."""
    outputs = [tensor for _, tensor in tensors_in(value) if tensor.is_floating_point()]
    pairs = [
        (output, cotangent.to(output.dtype))
        for output, cotangent in zip(outputs, cotangents, strict=True)
        if cotangent is not None and output.requires_grad
    ]
    if not pairs or not leaves:
        return (None,) * len(leaves)
    reached = [leaf for leaf in leaves if leaf.requires_grad]
    found = iter(torch.autograd.grad([o for o, _ in pairs], reached, [c for _, c in pairs], allow_unused=True))
    return tuple(next(found) if leaf.requires_grad else None for leaf in leaves)
