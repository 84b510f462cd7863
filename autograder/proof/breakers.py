"""Answers that are right but for one line of the contract: functions from a right answer to a broken one.

Their text is put into specimens, so this file imports torch and the standard library alone. Evidence is broken
without a change of values, and left whole while gradients are asked for, so that only a test of the line notices.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch

Answer = Callable[..., Any]
MANY = 1e3  # how large a number must be for ``fails_on_large_numbers``


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor inside nested tuples, lists and dicts."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from tensors_in(item)


def floating_in(value: Any) -> list[torch.Tensor]:
    """The floating tensors inside ``value``."""
    return [tensor for tensor in tensors_in(value) if tensor.is_floating_point()]


def changed(value: Any, change: Callable[[Any], Any]) -> Any:
    """``value`` with ``change`` applied to everything inside that is no container."""
    if type(value) in (tuple, list):
        return type(value)(changed(item, change) for item in value)
    if isinstance(value, tuple | list):
        return [changed(item, change) for item in value]
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    return change(value)


def on_tensors(value: Any, change: Callable[[torch.Tensor], Any]) -> Any:
    """``value`` with ``change`` applied to every tensor inside."""
    return changed(value, lambda item: change(item) if isinstance(item, torch.Tensor) else item)


def bound(right: Answer, args: Any, kwargs: Any) -> inspect.BoundArguments:
    """The arguments by name; raises ``TypeError`` as the call itself would."""
    return inspect.signature(right).bind(*args, **kwargs)


def wants_gradients(*values: Any) -> bool:
    """Whether the caller is going to differentiate."""
    return any(tensor.requires_grad and tensor.is_leaf for tensor in tensors_in(values))


def wrapping(make: Callable[..., Answer]) -> Callable[..., Answer]:
    """Make ``make(right, ...)`` return a function that looks like ``right``."""

    @functools.wraps(make)
    def wrapped(right: Answer, *options: Any) -> Answer:
        return functools.wraps(right)(make(right, *options))

    return wrapped


# ------------------------------------------------------------------------------------ what comes back


@wrapping
def returns(right: Answer, change: Callable[[Any], Any]) -> Answer:
    """Everything that is no container is changed on its way out."""
    return lambda *args, **kwargs: changed(right(*args, **kwargs), change)


def always(dtype: torch.dtype) -> Callable[[Any], Any]:
    """Floating tensors in one dtype, whatever came in."""
    return lambda item: item.to(dtype) if isinstance(item, torch.Tensor) and item.is_floating_point() else item


def detached(item: Any) -> Any:
    """Tensors without their graph."""
    return item.detach() if isinstance(item, torch.Tensor) else item


def squeezed(item: Any) -> Any:
    """Tensors without their dimensions of size 1."""
    return item.squeeze() if isinstance(item, torch.Tensor) else item


def in_another_type(item: Any) -> Any:
    """An int as a float, a float as a text, a bool as an int, a tensor of whole numbers or truth values as float32."""
    if isinstance(item, torch.Tensor):
        return item if item.is_floating_point() else item.float()
    if isinstance(item, bool):
        return int(item)
    return float(item) if isinstance(item, int) else str(item) if isinstance(item, float) else item


@wrapping
def takes_the_last_dtype(right: Answer) -> Answer:
    """Where floating arguments differ in dtype, the result has that of the last."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        value, floats = right(*args, **kwargs), floating_in(list(bound(right, args, kwargs).arguments.values()))
        return changed(value, always(floats[-1].dtype)) if floats else value

    return answer


@wrapping
def widens_halves(right: Answer) -> Answer:
    """float16 and bfloat16 in, float32 out."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        halves = any(tensor.dtype in (torch.float16, torch.bfloat16) for tensor in tensors_in([args, kwargs]))
        value = right(*args, **kwargs)
        return changed(value, always(torch.float32)) if halves else value

    return answer


@wrapping
def shares_memory(right: Answer, parameter: str) -> Answer:
    """The result lies in the memory of an argument, which grows for it."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        value = right(*args, **kwargs)
        hosts = [t for t in tensors_in(bound(right, args, kwargs).arguments.get(parameter)) if t.numel()]
        if not hosts or wants_gradients(args, kwargs):
            return value
        return on_tensors(value, lambda item: moved_in_with(hosts[0], item))

    return answer


def moved_in_with(host: torch.Tensor, guest: torch.Tensor) -> torch.Tensor:
    """A copy of ``guest`` in the storage of ``host``, whose values move into a larger storage for it."""
    old, start = host.untyped_storage(), -(-host.untyped_storage().nbytes() // 16) * 16
    space = torch.UntypedStorage(start + guest.numel() * guest.element_size())
    lying(space, torch.uint8, 0, (old.nbytes(),)).copy_(lying(old, torch.uint8, 0, (old.nbytes(),)))
    host.data = lying(space, host.dtype, host.storage_offset(), host.shape, host.stride())
    copy = lying(space, guest.dtype, start // guest.element_size(), guest.shape)
    return copy.copy_(guest.detach())


def lying(space: Any, dtype: torch.dtype, offset: Any, shape: Any, strides: Any = None) -> torch.Tensor:
    """A tensor in ``space``, contiguous by default."""
    tensor = torch.empty(0, dtype=dtype)
    return tensor.set_(space, offset, shape, torch.empty(shape, device="meta").stride() if strides is None else strides)


# ---------------------------------------------------------------------------------------- what goes in


@wrapping
def writes_into(right: Answer, parameter: str) -> Answer:
    """An argument is changed once the result is there."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        value = on_tensors(right(*args, **kwargs), lambda item: item.clone())
        if not wants_gradients(args, kwargs):
            for tensor in tensors_in(bound(right, args, kwargs).arguments.get(parameter)):
                inverse = tensor.logical_not() if tensor.dtype is torch.bool else tensor + 1
                tensor.data.copy_(inverse.data)
        return value

    return answer


@wrapping
def detaches(right: Answer, parameter: str) -> Answer:
    """No gradient reaches an argument."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        given = bound(right, args, kwargs)
        if parameter in given.arguments:
            given.arguments[parameter] = changed(given.arguments[parameter], detached)
        return right(*given.args, **given.kwargs)

    return answer


@wrapping
def needs_contiguous(right: Answer, parameter: str) -> Answer:
    """Fails, as ``view`` does, on an argument that is not contiguous."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        if not all(
            tensor.is_contiguous() for tensor in tensors_in(bound(right, args, kwargs).arguments.get(parameter))
        ):
            raise RuntimeError("view size is not compatible with input tensor's size and stride")
        return right(*args, **kwargs)

    return answer


@wrapping
def only_square(right: Answer, parameter: str) -> Answer:
    """Right only where the last two dimensions of an argument agree; zeros otherwise."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        value = right(*args, **kwargs)
        given = tensors_in(bound(right, args, kwargs).arguments.get(parameter))
        if all(tensor.dim() < 2 or tensor.shape[-1] == tensor.shape[-2] for tensor in given):
            return value
        return changed(value, lambda item: item * 0 if isinstance(item, torch.Tensor | int | float) else item)

    return answer


@wrapping
def fails_on_large_numbers(right: Answer) -> Answer:
    """NaN wherever an argument holds a finite number beyond ``MANY``."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        value = right(*args, **kwargs)
        sizes = [tensor.detach().double().abs() for tensor in floating_in([args, kwargs]) if tensor.numel()]
        if any(bool((size[size.isfinite()] > MANY).any()) for size in sizes):
            return changed(value, lambda item: item * float("nan") if isinstance(item, torch.Tensor | float) else item)
        return value

    return answer


@wrapping
def not_by_keyword(right: Answer, parameter: str) -> Answer:
    """A parameter under another name."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        if parameter in kwargs:
            raise TypeError(f"got an unexpected keyword argument {parameter!r}")
        return right(*args, **kwargs)

    return answer


@wrapping
def only_by_keyword(right: Answer, parameter: str) -> Answer:
    """A parameter that has another place."""
    place = list(inspect.signature(right).parameters).index(parameter)

    def answer(*args: Any, **kwargs: Any) -> Any:
        if place < len(args):
            raise TypeError(f"{parameter!r} was given by position")
        return right(*args, **kwargs)

    return answer


@wrapping
def defaults_to(right: Answer, parameter: str, default: Any) -> Answer:
    """Another default."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        given = bound(right, args, kwargs)
        given.arguments.setdefault(parameter, default)
        return right(*given.args, **given.kwargs)

    return answer


# -------------------------------------------------------------------------------- errors and operations


@wrapping
def raises_instead(right: Answer, error: type[Exception], text: str) -> Answer:
    """A ``ValueError`` becomes another error, or loses its words."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        try:
            return right(*args, **kwargs)
        except ValueError as refusal:
            raise error(text or str(refusal)) from None

    return answer


@wrapping
def loops(right: Answer, parameter: str) -> Answer:
    """An operation more per sample."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        for tensor in tensors_in(bound(right, args, kwargs).arguments.get(parameter)):
            for _ in range(len(tensor) if tensor.dim() else 0):
                torch.add(1, 1)
            break
        return right(*args, **kwargs)

    return answer


@wrapping
def takes_the_route(right: Answer, route: Callable[[], Any]) -> Answer:
    """A forbidden call on the way."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        route()
        return right(*args, **kwargs)

    return answer


def running(source: str) -> Callable[[], None]:
    """What runs some statements, which may use ``torch``."""
    code = compile(source, "a forbidden route", "exec")
    return lambda: exec(code, {"torch": torch})  # noqa: S102 - statements of the course's own contract


# --------------------------------------------------------------------------------------- randomness


def replaced(right: Answer, args: Any, kwargs: Any, generator: torch.Generator | None) -> Any:
    """The value with another generator."""
    given = bound(right, args, kwargs)
    given.arguments["generator"] = generator
    return right(*given.args, **given.kwargs)


@wrapping
def ignores_the_generator(right: Answer) -> Answer:
    """Draws from torch's global generator, whatever is given."""
    return lambda *args, **kwargs: replaced(right, args, kwargs, None)


@wrapping
def draws_beside_the_generator(right: Answer) -> Answer:
    """Draws from the generator given, and a number from the global one."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        torch.rand(1)
        return right(*args, **kwargs)

    return answer


@wrapping
def keeps_the_generator(right: Answer) -> Answer:
    """The generator, given or global, stays where it was."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        used = bound(right, args, kwargs).arguments.get("generator") or torch.default_generator
        state = used.get_state()
        value = right(*args, **kwargs)
        used.set_state(state)
        return value

    return answer


@wrapping
def reseeds_without_one(right: Answer) -> Answer:
    """Without a generator it draws from one of its own, the same each time."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        if bound(right, args, kwargs).arguments.get("generator") is None:
            return replaced(right, args, kwargs, torch.Generator().manual_seed(0))
        return right(*args, **kwargs)

    return answer


@wrapping
def draws_anew_without_one(right: Answer) -> Answer:
    """Without a generator it draws from one of its own, seeded by chance."""

    def answer(*args: Any, **kwargs: Any) -> Any:
        if bound(right, args, kwargs).arguments.get("generator") is None:
            fresh = torch.Generator()
            fresh.seed()
            return replaced(right, args, kwargs, fresh)
        return right(*args, **kwargs)

    return answer


# -------------------------------------------------------------------------------------- assembling


def in_method(owner: type, method: str, broken: Callable[[Answer], Answer]) -> type:
    """A class like ``owner`` with one method broken."""
    return type(owner.__name__, (owner,), {method: broken(getattr(owner, method))})
