"""The device on which graded calls run: what goes there, what lies where, whether it still works.

Runs in the student process. What it says of an answer is evidence, like a trace; it decides nothing.
"""

from __future__ import annotations

import contextlib
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

_STATE = struct.Struct("<QQ")  # of a generator on a GPU: its seed, and how far it has moved on


class Host:
    """The CPU: everything lies there already."""

    kind = "cpu"

    def lend(self, args: Any, kwargs: Any, *, generators: bool = False) -> tuple[Any, Any, bool]:
        """The arguments as they are; none of them went anywhere."""
        del generators
        return args, kwargs, False

    def place(self, value: Any) -> Any:
        """The value as it is."""
        return value

    def rng_states(self) -> list[torch.Tensor]:
        """States of global generators beside the CPU's: none."""
        return []

    def away(self, tensors: list[tuple[str, torch.Tensor]]) -> list[str]:
        """Paths of tensors that lie elsewhere: nobody asks."""
        del tensors
        return []

    def works(self) -> bool:
        """Whether it has done all that was asked of it."""
        return True

    def crossings(self) -> Crossings | None:
        """What watches entries that move between it and the CPU: nothing."""
        return None


class Accelerator(Host):
    """Another device, by its type: ``cuda``."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def lend(self, args: Any, kwargs: Any, *, generators: bool = False) -> tuple[Any, Any, bool]:
        """Arguments as they are on the device, and whether any went there.

        A generator goes along with the tensors of its call, as PyTorch wants it; with ``generators`` also alone.
        """
        there = generators or any(isinstance(leaf, torch.Tensor) for leaf in leaves((args, kwargs)))
        there = there and any(isinstance(leaf, torch.Tensor | torch.Generator) for leaf in leaves((args, kwargs)))
        args, kwargs = mapped((args, kwargs), self.place if there else _as_it_is)
        return args, kwargs, there

    def place(self, value: Any) -> Any:
        """A tensor, module or generator on the device; anything else as it is."""
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, torch.Generator):
            return self.generator(value.initial_seed())
        return value.to(self.kind) if isinstance(value, nn.Module) else value

    def _tensor(self, value: torch.Tensor) -> torch.Tensor:
        """The same tensor, strides included: a layout is part of an example."""
        there = value.to(self.kind)
        if there.stride() != value.stride() and value.numel():
            whole = value.as_strided((value.untyped_storage().nbytes() // value.element_size(),), (1,), 0)
            there = whole.to(self.kind).as_strided(value.shape, value.stride(), value.storage_offset())
        return there

    def generator(self, seed: int) -> torch.Generator:
        """A generator on the device."""
        return torch.Generator(self.kind).manual_seed(seed)

    def rng_states(self) -> list[torch.Tensor]:
        """The state of the device's global generator, on the CPU."""
        return [torch.get_device_module(self.kind).get_rng_state().cpu()]

    def away(self, tensors: list[tuple[str, torch.Tensor]]) -> list[str]:
        """Paths of the tensors that do not lie on the device."""
        return [path for path, tensor in tensors if tensor.device.type != self.kind]

    def works(self) -> bool:
        """Whether it has done all that was asked of it. A fault in one kernel breaks a process's device for good."""
        try:
            torch.get_device_module(self.kind).synchronize()
        except Exception:  # noqa: BLE001 - whatever it is, nothing that comes after it can be trusted
            return False
        return True

    def crossings(self) -> Crossings:
        """What watches entries that move between it and the CPU."""
        return Crossings(self.kind)

    def warm_up(self, memory_bytes: int) -> threading.Thread:
        """Bound this process's part of the memory, and start the device behind other work: it takes a while."""
        thread = threading.Thread(target=self._start, args=(memory_bytes,), daemon=True)
        thread.start()
        return thread

    def _start(self, memory_bytes: int) -> None:
        with contextlib.suppress(Exception):  # a first call says it better
            module = torch.get_device_module(self.kind)
            total = module.get_device_properties(0).total_memory
            module.set_per_process_memory_fraction(min(1.0, memory_bytes / total))
            torch.ones(8, device=self.kind).sum().item()


def stand_in(generator: torch.Generator) -> torch.Generator:
    """A generator on the CPU for one on a GPU: equal for equal states, and that of its seed before the first draw."""
    if generator.device.type == "cpu":
        return generator
    seed, moved = _STATE.unpack(generator.get_state().numpy().tobytes()[: _STATE.size])
    mixed = (seed ^ (moved * 0x9E3779B97F4A7C15)) % (1 << 63) if moved else seed
    return torch.Generator().manual_seed(mixed)


class Crossings(TorchDispatchMode):
    """Sees whether entries left the device for the CPU, and others came from there."""

    def __init__(self, kind: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.kind = kind
        self.left = self.came = False

    @property
    def both(self) -> bool:
        """What a result that was computed on the CPU and moved has to do."""
        return self.left and self.came

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        del types
        result = func(*args, **(kwargs or {}))
        given = [leaf for leaf in leaves((args, dict(kwargs or {}))) if isinstance(leaf, torch.Tensor)]
        made = {leaf.device.type for leaf in leaves(result) if isinstance(leaf, torch.Tensor)}
        self.left |= "cpu" in made and any(tensor.device.type == self.kind for tensor in given)
        self.came |= self.kind in made and any(tensor.device.type == "cpu" and tensor.ndim for tensor in given)
        return result


def leaves(value: Any) -> list[Any]:
    """What nested tuples, lists and dicts hold."""
    found: list[Any] = []
    mapped(value, found.append)
    return found


def mapped(value: Any, change: Callable[[Any], Any]) -> Any:
    """Nested tuples, lists and dicts with ``change`` applied to what they hold."""
    if type(value) is tuple:
        return tuple(mapped(item, change) for item in value)
    if type(value) is list:
        return [mapped(item, change) for item in value]
    if type(value) is dict:
        return {key: mapped(item, change) for key, item in value.items()}
    return change(value)


def _as_it_is(value: Any) -> Any:
    return value
