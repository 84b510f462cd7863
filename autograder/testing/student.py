"""The ``student`` and ``reference`` objects that hidden tests call.

Both speak to a backend that answers requests (see ``sandbox.evaluate``): a student process, or a
namespace of our own in this process. Values that come back are fresh tensors and plain Python; no
object of the student's ever lives on this side.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol

import torch

from autograder.display import show
from autograder.errors import ForbiddenUsed, Mismatch, StudentMissing, StudentRaised
from autograder.model import Verdict
from autograder.sandbox.evaluate import ELSEWHERE, ON_THE_CPU, Evaluator, Unsendable, plain
from autograder.sandbox.wire import REQUEST_BOUNDS, Bounds, Handle, decode, encode
from autograder.testing.log import Exchange, Log
from autograder.testing.marks import Forbidden
from autograder.text import clean

TRACED_CALLS = 2  # of every test, the first calls of each function and method are traced, then one in TRACE_EVERY
TRACE_EVERY = 16
REMEMBERED_BYTES = 64 << 20  # of requests and answers, for each backend that remembers


class Backend(Protocol):
    """Answers one request with one reply, both in the wire's bytes."""

    def perform(self, request: bytes) -> bytes:
        """The reply to ``request``."""
        ...

    def read(self, reply: bytes) -> dict[str, Any]:
        """What a reply says."""
        ...


class LocalBackend:
    """Answers from a namespace of ours in this process, through the same bytes as a student's."""

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._evaluator = Evaluator(namespace)

    def perform(self, request: bytes) -> bytes:
        """The reply, evaluated here."""
        return encode(self.answer(decode(request, REQUEST_BOUNDS)))

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The same as values."""
        return self._evaluator.answer(request)

    def read(self, reply: bytes) -> dict[str, Any]:
        """What a reply says."""
        said: dict[str, Any] = decode(reply)
        return said


class RememberingBackend(LocalBackend):
    """Answers the same pure call once: every submission is compared with the same expected values.

    Pure is a call without objects and generators that draws no global random numbers. What tests ask may hold a
    student's answers: beyond ``most_bytes``, the calls remembered first are forgotten.
    """

    def __init__(self, namespace: Mapping[str, Any], most_bytes: int = REMEMBERED_BYTES) -> None:
        super().__init__(namespace)
        self._most_bytes = most_bytes
        self._known: dict[bytes, bytes] = {}
        self._bytes = 0

    def perform(self, request: bytes) -> bytes:
        """The reply, evaluated here unless it was before."""
        known = self._known.get(request)
        if known is not None:
            return known
        before = torch.get_rng_state()
        reply = super().perform(request)
        if torch.equal(before, torch.get_rng_state()) and _is_pure(decode(request, REQUEST_BOUNDS), decode(reply)):
            self._remember(request, reply)
        return reply

    def _remember(self, request: bytes, answer: bytes) -> None:
        self._known[request] = answer
        self._bytes += len(request) + len(answer)
        while self._bytes > self._most_bytes:
            oldest = next(iter(self._known))
            self._bytes -= len(oldest) + len(self._known.pop(oldest))


def _is_pure(request: dict[str, Any], reply: dict[str, Any]) -> bool:
    return request["op"] == "call" and not _holds_state([request, reply])


def _holds_state(value: Any) -> bool:
    """Whether a request or reply speaks of an object or a generator, so that it may not be repeated."""
    if isinstance(value, dict):
        return "handle" in value or any(map(_holds_state, value.values()))
    if isinstance(value, tuple | list):
        return any(map(_holds_state, value))
    return isinstance(value, Handle | torch.Generator)


@dataclass(frozen=True)
class Answer:
    """A call's value and the evidence around it.

    ``modified``: arguments whose entries changed; ``aliases``: arguments that the value shares
    memory with; ``requires_grad``: tensors of the value that carry a graph; ``events`` and
    ``operations``: the trace, where one was asked for; ``grads``: see ``gradients``;
    ``after``: the arguments as they were after the call.
    """

    value: Any
    modified: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    requires_grad: tuple[str, ...] = ()
    events: tuple[str, ...] = ()
    operations: int = 0
    grads: tuple[torch.Tensor | None, ...] = ()
    after: Any = None


@dataclass
class Student:
    """Names of a notebook as attributes: ``student.softmax(x, dim=1)``.

    ``forbidden`` maps a function's name, or ``"*"``, to what its graded calls must not use.
    ``log`` keeps the requests and replies of the current test, for counterexamples and hints.
    """

    backend: Backend
    forbidden: Mapping[str, Forbidden] = field(default_factory=lambda: MappingProxyType({}))
    # No init: hypothesis prints every field that has one, and a log of hundreds of calls takes seconds.
    log: Log = field(default_factory=Log, init=False, repr=False)
    # Exchanges that took place before the test asks for them; see ``precedents``.
    answered: deque[Exchange] = field(default_factory=deque, init=False, repr=False)
    # Calls of the current test so far, of each function and method.
    calls: Counter[tuple[str, str | None]] = field(default_factory=Counter, init=False, repr=False)
    # Functions whose traced calls did something where no trace looks, and how often; for a person to look at.
    unseen: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    # Functions whose traced calls moved entries to the CPU and back, and how often.
    detours: Counter[str] = field(default_factory=Counter, init=False, repr=False)
    device: str = field(default="cpu", init=False)  # where the calls of the current test run

    def __getattr__(self, name: str) -> Function:
        if name.startswith("_"):
            raise AttributeError(name)
        return Function(self, name)

    def begin(self, seed: int = 0, device: str = "cpu") -> None:
        """Start a test on ``device``: no objects, seeded generators, an empty log, tracing from the first call."""
        self.calls.clear()
        self.answered.clear()
        self.device = device
        self.request({"op": "begin", "seed": seed, "device": device})
        self.log.clear()

    def describe(self, name: str) -> str:
        """``function``, ``class``, ``value`` or ``missing``."""
        kind: str = self.request({"op": "describe", "name": name})["value"]
        return kind

    def rng_state(self) -> torch.Tensor:
        """The state of the global random generators on the other side: the CPU's, then that of another device."""
        state: torch.Tensor = self.request({"op": "rng"})["value"]
        return state

    def call(self, name: str, request: dict[str, Any]) -> Answer:
        """Perform a ``call`` request for the function or class ``name``, traced where it is due."""
        rule = _union(self.forbidden.get(name), self.forbidden.get("*"))
        key = (name, request.get("method"))
        due = self.calls[key] < TRACED_CALLS or self.calls[key] % TRACE_EVERY == 0
        self.calls[key] += 1
        if due and (rule is not None or self.device != "cpu"):
            request["trace"] = True
        reply = self._perform(request)
        self.detours[name] += ON_THE_CPU in reply.get("events", ())
        if rule is not None:
            if ELSEWHERE in reply.get("events", ()):
                self.unseen[name] += 1
            used = rule.match(reply.get("events", ()))
            if used is not None:
                raise ForbiddenUsed(f"{name} used {clean(used, 80)}, which is forbidden here: {rule.because}")
        if reply.get("status") != "ok":
            raise refusal(request, reply)
        if reply.get("away"):
            raise Mismatch(
                f"the result of {name} does not lie where its inputs lie",
                expected=f"a result on the inputs' device, here {self.device}",
                got="a tensor on another device: is one made without device=x.device?",
            )
        value = reply.get("value")
        if isinstance(value, Handle):
            value = RemoteObject(self, name, value)
        return Answer(
            value=value,
            modified=tuple(reply.get("modified", ())),
            aliases=tuple(reply.get("aliases", ())),
            requires_grad=tuple(reply.get("requires_grad", ())),
            events=tuple(reply.get("events", ())),
            operations=reply.get("operations", 0),
            grads=tuple(reply.get("grads", ())),
            after=reply.get("after"),
        )

    def request(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to ``request`` where it is ok; the matching ``Refused`` otherwise."""
        reply = self._perform(request)
        if reply.get("status") != "ok":
            raise refusal(request, reply)
        return reply

    def _perform(self, request: dict[str, Any]) -> dict[str, Any]:
        asked = encode(request, REQUEST_BOUNDS)
        answer = self._answer(asked)
        reply = self.backend.read(answer)
        if not _well_formed(reply):
            raise _no_reply(request)
        self.log.append((asked, answer))
        return reply

    def _answer(self, asked: bytes) -> bytes:
        if self.answered:
            before, answer = self.answered.popleft()
            if before == asked:
                return answer
            self.answered.clear()
        return self.backend.perform(asked)


_TEXTS = ("message", "type", "where")
_NAMES = ("modified", "aliases", "requires_grad", "events", "bases", "away")


def _well_formed(reply: dict[str, Any]) -> bool:
    """Whether every field that a reply has is of its type: a student process can write what it likes."""
    return (
        all(type(reply.get(key, "")) is str for key in _TEXTS)
        and all(_all_of(reply.get(key, ()), str) for key in _NAMES)
        and _all_of(reply.get("grads", ()), torch.Tensor, type(None))
        and type(reply.get("operations", 0)) is int
        and (reply.get("status") != "ok" or "value" in reply)
    )


def _all_of(value: Any, *kinds: type) -> bool:
    return type(value) in (list, tuple) and all(type(item) in kinds for item in value)


def _no_reply(request: dict[str, Any]) -> Mismatch:
    fault = Mismatch(f"the notebook's process sent what is no reply to {request['op']!r}")
    fault.verdict = Verdict.PROTOCOL
    return fault


def _union(first: Forbidden | None, second: Forbidden | None) -> Forbidden | None:
    if first is None or second is None:
        return first or second
    return Forbidden(first.events + second.events, first.names + second.names, first.because)


def refusal(request: dict[str, Any], reply: dict[str, Any]) -> Exception:
    """The one exception of ours that stands for a reply which is not an answer."""
    message = clean(str(reply.get("message", "")), 1000)
    match reply.get("status"):
        case "missing":
            return StudentMissing(message or "not written yet")
        case "unusable":
            return Mismatch(message)
        case "error":
            bases = tuple(clean(str(name), 100) for name in reply.get("bases", ()))
            kind = clean(str(reply.get("type", "Exception")), 100)
            error = StudentRaised(kind, message, clean(str(reply.get("where", "")), 60), bases)
            if _OUT_OF_MEMORY.intersection(bases) or "DefaultCPUAllocator: can't allocate memory" in message:
                error.verdict = Verdict.MEMORY
            return error
    return _no_reply(request)


_OUT_OF_MEMORY = frozenset({"MemoryError", "OutOfMemoryError"})  # the second is torch's, of a GPU
EVIDENCE = MappingProxyType({"evidence": True})  # asks for what surrounds the value: it costs more than most calls


@dataclass(frozen=True)
class Function:
    """A function or class of the notebook. Calling it gives the value; ``answer`` the evidence too."""

    student: Student
    name: str

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value alone."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs)).value

    def answer(self, *args: Any, **kwargs: Any) -> Answer:
        """The value with its evidence."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE)

    def placed(self, *args: Any, **kwargs: Any) -> Answer:
        """The same with every generator on the device of the test, which without tensors stays on the CPU."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE | {"placed": True})

    def traced(self, *args: Any, **kwargs: Any) -> Answer:
        """The same with the trace: ``events`` and ``operations``."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE | {"trace": True})

    def after(self, *args: Any, **kwargs: Any) -> Answer:
        """The same with the arguments as they are after the call: ``answer.after == [args, kwargs]``."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE | {"after": True})

    def overwritten(self, *args: Any, **kwargs: Any) -> Answer:
        """The same; afterwards the caller overwrites every tensor that went in or came out."""
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE | {"overwrite": True})

    def gradients(self, *args: Any, wrt: tuple[int | str, ...], cotangents: Any, **kwargs: Any) -> Answer:
        """The value and ``grads``: autograd's gradient of <value, cotangents> for each argument in ``wrt``.

        ``wrt`` holds positions, keywords, or paths such as ``1.0.weight``; ``cotangents`` one tensor (or
        ``None``, to leave an output out) per floating tensor of the value. A gradient is ``None`` where none flows.
        """
        wanted = {"wrt": list(wrt), "params": [], "cotangents": list(cotangents)}
        return self.student.call(self.name, _request(self.name, None, args, kwargs) | EVIDENCE | {"grad": wanted})


@dataclass(frozen=True)
class RemoteObject:
    """An object of the notebook's, such as a module: it stays in its process, only values come back."""

    student: Student
    name: str
    handle: Handle

    @property
    def kind(self) -> str:
        """The name of its class, as the notebook has it."""
        return clean(self.handle.kind, 80)

    def __repr__(self) -> str:
        return f"<an object of class {self.kind}>"

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The value alone."""
        return self.student.call(self.name, _request(None, (self.handle, ""), args, kwargs)).value

    def __len__(self) -> int:
        value = self.call("__len__")
        if type(value) is not int or value < 0:
            raise Mismatch(f"len() of the {self.name} is {show(value)}")
        return value

    def answer(self, *args: Any, **kwargs: Any) -> Answer:
        """Call the object itself, with evidence."""
        return self.student.call(self.name, _request(None, (self.handle, ""), args, kwargs) | EVIDENCE)

    def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Call a method: its value."""
        return self.student.call(self.name, _request(None, (self.handle, method), args, kwargs)).value

    def method(self, method: str, *args: Any, **kwargs: Any) -> Answer:
        """Call a method, with evidence."""
        return self.student.call(self.name, _request(None, (self.handle, method), args, kwargs) | EVIDENCE)

    def overwritten(self, method: str, *args: Any, **kwargs: Any) -> Answer:
        """Call a method; afterwards the caller overwrites every tensor that went in or came out."""
        request = _request(None, (self.handle, method), args, kwargs) | EVIDENCE | {"overwrite": True}
        return self.student.call(self.name, request)

    def traced(self, *args: Any, **kwargs: Any) -> Answer:
        """Call the object itself, with the trace."""
        request = _request(None, (self.handle, ""), args, kwargs) | EVIDENCE | {"trace": True}
        return self.student.call(self.name, request)

    def gradients(
        self, *args: Any, wrt: tuple[int | str, ...] = (), params: tuple[str, ...] = (), cotangents: Any, **kwargs: Any
    ) -> Answer:
        """As ``Function.gradients``, and for the object's own ``params`` (dotted names) after those of ``wrt``."""
        wanted = {"wrt": list(wrt), "params": list(params), "cotangents": list(cotangents)}
        return self.student.call(
            self.name, _request(None, (self.handle, ""), args, kwargs) | EVIDENCE | {"grad": wanted}
        )

    def get(self, attr: str) -> Any:
        """The value of a (dotted) attribute."""
        return self.student.request({"op": "get", "handle": self.handle.number, "attr": attr})["value"]

    def requires_grad(self, attr: str) -> bool:
        """Whether a tensor attribute carries ``requires_grad``."""
        reply = self.student.request({"op": "get", "handle": self.handle.number, "attr": attr})
        return bool(reply.get("requires_grad"))

    def set(self, attr: str, value: Any) -> None:
        """Set an attribute; a tensor attribute is overwritten in place."""
        self.student.request({"op": "set", "handle": self.handle.number, "attr": attr, "value": value})

    def inspect(self) -> dict[str, Any]:
        """``module``, and for a module ``parameters``, ``buffers``, ``state`` (names) and ``training``."""
        found: dict[str, Any] = self.student.request({"op": "inspect", "handle": self.handle.number})["value"]
        return found


def _request(
    name: str | None, handle: tuple[Handle, str] | None, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any]:
    request: dict[str, Any] = {"op": "call", "args": to_wire(args), "kwargs": to_wire(kwargs)}
    if handle is None:
        return request | {"name": name}
    return request | {"handle": handle[0].number, "method": handle[1]}


def to_wire(value: Any) -> Any:
    """Arguments in the wire's exact types (``torch.Size`` becomes a tuple, and so on)."""
    if isinstance(value, torch.Tensor):
        return value.detach()
    if isinstance(value, tuple):
        return tuple(to_wire(item) for item in value)
    if isinstance(value, list):
        return [to_wire(item) for item in value]
    if isinstance(value, dict):
        return {key: to_wire(item) for key, item in value.items()}
    try:
        return plain(value, _no_objects, Bounds())
    except Unsendable as error:
        # A test that sends an answer on: the reference's answers can be sent, so this one is no such value.
        kind = value.name if isinstance(value, RemoteObject) else type(value).__name__
        raise Mismatch(f"an object ({clean(kind, 80)}) where a plain value or a tensor belongs") from error


def _no_objects(value: Any) -> Handle:
    raise Unsendable(type(value).__name__)
