"""Recognises named misconceptions: does a wrong answer equal the student's on everything it was asked?"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import torch

from autograder.errors import AuthoringError, Mismatch
from autograder.lines import place_of
from autograder.sandbox.wire import REQUEST_BOUNDS, Handle, encode
from autograder.testing.compare import assert_matches
from autograder.testing.log import Log
from autograder.testing.marks import Misconception, Variant
from autograder.testing.student import RememberingBackend

_RTOL = {torch.float16: 4e-2, torch.bfloat16: 2e-1}
REMEMBERED_OF_EACH = 4 << 20  # bytes; an assignment may have two hundred misconceptions
_EVIDENCE = ("modified", "aliases", "requires_grad")


@dataclass(frozen=True)
class Known:
    """A misconception with the namespace of the reference in which it stands for its question."""

    mark: Misconception
    namespace: Mapping[str, Any] = field(repr=False)

    @functools.cached_property
    def backend(self) -> RememberingBackend:
        """Answers for it; the same examples come again with every submission."""
        return RememberingBackend(self.namespace, REMEMBERED_OF_EACH)


def known_misconceptions(module: ModuleType | None, reference: Mapping[str, Any]) -> tuple[Known, ...]:
    """The marked answers of a misconceptions module, in file order."""
    found = []
    for name, value in vars(module).items() if module else ():
        mark = getattr(value, "autograder_misconception", None)
        if isinstance(mark, Misconception) and mark.name == name:
            if mark.of not in reference:
                raise AuthoringError(
                    f"{place_of(value)}: misconception {name!r} is of {mark.of!r}, which the reference does not define"
                )
            found.append(Known(mark, in_place_of(reference, mark.of, value)))
    return tuple(found)


def in_place_of(reference: Mapping[str, Any], name: str, value: Any) -> dict[str, Any]:
    """The reference's names with ``value`` for ``name``, also for the functions that call it.

    Functions look names up in their own globals, so those of the reference are made again with
    globals in which ``name`` is replaced.
    """
    namespace = dict(reference)
    for key, item in reference.items():
        if type(item) is _FUNCTION and item.__globals__.get("__name__") == reference["__name__"]:
            copy = _FUNCTION(item.__code__, namespace, item.__name__, item.__defaults__, item.__closure__)
            copy.__kwdefaults__ = item.__kwdefaults__
            namespace[key] = copy
    namespace[name] = value
    return namespace


_FUNCTION = type(in_place_of)


def diagnose(question: str, log: Log, known: Sequence[Known], fails: Callable[[Known], bool]) -> Misconception | None:
    """The first misconception of ``question`` that answers every request of ``log`` as the student did.

    It must fail as well, which ``fails`` says: where a right but slow answer fails for its slowness,
    a misconception that happens to be right on the same inputs is no explanation.
    """
    for candidate in known if len(log) else ():
        if candidate.mark.of == question and _agrees(candidate, log) and fails(candidate):
            return candidate.mark
    return None


def _agrees(candidate: Known, log: Log) -> bool:
    backend = candidate.backend
    backend.perform(encode({"op": "begin", "seed": 0}))
    for request, reply in log:
        untraced = encode({key: value for key, value in request.items() if key != "trace"}, REQUEST_BOUNDS)
        try:
            if not _same_reply(backend.read(backend.perform(untraced)), reply):
                return False
        except Exception:  # noqa: BLE001 - a misconception that cannot answer does not agree
            return False
    return True


def _same_reply(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one["status"] != other["status"]:
        return False
    if one["status"] == "error":
        return bool(one["type"] == other["type"])
    if one["status"] != "ok":
        return True
    if any(sorted(one.get(key, ())) != sorted(other.get(key, ())) for key in _EVIDENCE):
        return False
    grads = list(zip(one.get("grads", ()), other.get("grads", ()), strict=True))
    pairs = [(one["value"], other["value"]), *grads, (one.get("after"), other.get("after"))]
    return all(_same_value(ours, theirs) for ours, theirs in pairs)


def _same_value(ours: Any, theirs: Any) -> bool:
    if isinstance(ours, Handle) or isinstance(theirs, Handle):
        return isinstance(ours, Handle) and isinstance(theirs, Handle)
    if isinstance(ours, tuple | list) and isinstance(theirs, tuple | list):
        return len(ours) == len(theirs) and all(_same_value(a, b) for a, b in zip(ours, theirs, strict=True))
    if isinstance(ours, torch.Generator) or isinstance(theirs, torch.Generator):
        return type(ours) is type(theirs) and torch.equal(ours.get_state(), theirs.get_state())
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return ours.keys() == theirs.keys() and all(_same_value(ours[key], theirs[key]) for key in ours)
    try:
        rtol = _RTOL.get(ours.dtype, 1e-4) if isinstance(ours, torch.Tensor) else 1e-6
        assert_matches(theirs, ours, rtol=rtol)
    except Mismatch:
        return False
    return True


def right_variants(module: ModuleType | None) -> tuple[tuple[Variant, Any], ...]:
    """The marked right answers of a variants module, in file order."""
    found = []
    for name, value in vars(module).items() if module else ():
        mark = getattr(value, "autograder_variant", None)
        if isinstance(mark, Variant) and mark.name == name:
            found.append((mark, value))
    return tuple(found)
