"""A GPU that is not there: tensors that say they lie on one, compute on the CPU, and refuse what a GPU refuses.

Two devices in one operation, a generator of the wrong one, ``.numpy()`` of a tensor there: what goes wrong with
code that was only ever run on a CPU. It knows nothing of kernels, memory or speed.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Self

import pytest
import torch
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode, return_and_correct_aliasing
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

from autograder.sandbox import evaluate
from autograder.sandbox.accelerator import Accelerator, leaves, mapped, stand_in
from autograder.testing.student import LocalBackend

KIND = "pretended"
_COPIES = ("copy_", "_to_copy", "_local_scalar_dense")
_INDEXED = ("index", "index_put", "index_put_", "_index_put_impl_")  # the indices may lie on the CPU
_NUMBERS = ("masked_fill", "masked_fill_", "fill", "fill_", *_INDEXED)  # take a number as a tensor of the CPU
_SIGN = 0x5EED << 48  # the upper bits of a seed


class Generator(torch.Generator):
    """One that says it lies on the GPU: by its seed, since operations are handed another object for it."""

    @staticmethod
    def is_one(generator: torch.Generator) -> bool:
        return generator.initial_seed() >> 48 == _SIGN >> 48

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device(KIND, 0)


class Pretended(torch.Tensor):
    """A tensor on the GPU that is not there; ``entries`` holds its entries."""

    entries: torch.Tensor

    @staticmethod
    def __new__(cls: type[Self], inner: torch.Tensor) -> Self:
        made: Self = torch.Tensor._make_wrapper_subclass(
            cls,
            inner.size(),
            strides=inner.stride(),
            storage_offset=inner.storage_offset(),
            dtype=inner.dtype,
            layout=inner.layout,
            device=torch.device(KIND, 0),
        )
        made.entries = inner
        return made

    def __repr__(self) -> str:  # type: ignore[override]
        return f"Pretended({self.entries!r})"

    def __format__(self, spec: str) -> str:
        return format(self.entries, spec)

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        del types
        return _perform(func, args, kwargs or {})


class Gpu(TorchDispatchMode):
    """Where it is entered, ``device="cuda"`` makes such tensors."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        return _perform(func, args, kwargs or {})


def _perform(func: Any, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
    given = _tensors((args, dict(kwargs)))
    there = any(isinstance(tensor, Pretended) for tensor in given)
    name = func.overloadpacket.__name__
    if there and name not in _COPIES:
        _require_one_device(func, args, given)
    device = kwargs.get("device")
    if device is not None:
        kwargs = dict(kwargs) | {"device": torch.device("cpu")}
        there = torch.device(device).type == KIND
    elif name == "copy_":
        there = isinstance(args[0], Pretended)
    for leaf in leaves((args, dict(kwargs))):
        if isinstance(leaf, torch.Generator) and Generator.is_one(leaf) != there:
            raise RuntimeError(f"Expected a '{KIND if there else 'cpu'}' device type for generator")
    if not there and not any(isinstance(tensor, Pretended) for tensor in given):
        return func(*args, **kwargs)
    made = func(*_without(args), **_without(kwargs))
    if not there:
        return args[0] if name == "copy_" else made
    wrapped = mapped(made, lambda leaf: Pretended(leaf) if isinstance(leaf, torch.Tensor) else leaf)
    return return_and_correct_aliasing(func, args, dict(kwargs), wrapped)


def _tensors(value: Any) -> list[torch.Tensor]:
    return [leaf for leaf in leaves(value) if isinstance(leaf, torch.Tensor)]


def _require_one_device(func: Any, args: tuple[Any, ...], given: list[torch.Tensor]) -> None:
    name = func.overloadpacket.__name__
    if name in _INDEXED:
        indices = [index for index in _tensors(args[1]) if isinstance(index, Pretended)]
        given = [args[0], *_tensors(args[2:]), *indices]
    numbers = name in _NUMBERS or torch.Tag.pointwise in func.tags
    if any(not isinstance(tensor, Pretended) for tensor in given if tensor.ndim or not numbers):
        raise RuntimeError("Expected all tensors to be on the same device, but found two")


def _without(value: Any) -> Any:
    """Entries in the place of such tensors, computed where a bit says conjugate: this far down nobody looks at it."""
    return mapped(value, lambda leaf: leaf.entries.resolve_conj() if isinstance(leaf, Pretended) else leaf)


class BelowTheDispatcher(TorchFunctionMode):
    """Where it is entered, functions that go past ``__torch_dispatch__`` work for such tensors too."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        del types
        return _REPLACED.get(func, func)(*args, **(kwargs or {}))


def _tensor(data: Any, *, device: Any = None, **options: Any) -> torch.Tensor:
    made = torch.tensor(data, **options)
    return made if device is None else made.to(device)


def _new_tensor(like: torch.Tensor, data: Any, **options: Any) -> torch.Tensor:
    return _tensor(data, **({"dtype": like.dtype, "device": like.device} | options))


def _tolist(tensor: torch.Tensor) -> Any:
    return tensor.cpu().tolist()


def _numpy(tensor: torch.Tensor, *, force: bool = False) -> Any:
    if isinstance(tensor, Pretended) and not force:
        raise TypeError(f"can't convert {KIND}:0 device type tensor to numpy. Use Tensor.cpu() first.")
    return tensor.cpu().numpy(force=force)


def _getitem(tensor: torch.Tensor, index: Any) -> Any:
    return tensor[_indices(index)]


def _setitem(tensor: torch.Tensor, index: Any, value: Any) -> None:
    tensor[_indices(index)] = value


def _indices(index: Any) -> Any:
    """Lists as the tensors that they stand for."""
    if isinstance(index, tuple):
        return tuple(_indices(part) for part in index)
    return torch.tensor(index) if isinstance(index, list) and index else index


_REPLACED: dict[Any, Callable[..., Any]] = {
    torch.tensor: _tensor,
    torch.Tensor.new_tensor: _new_tensor,
    torch.Tensor.tolist: _tolist,
    torch.Tensor.numpy: _numpy,
    torch.Tensor.__getitem__: _getitem,
    torch.Tensor.__setitem__: _setitem,
}


class PretendedAccelerator(Accelerator):
    """What the evaluator is given instead of a GPU."""

    def generator(self, seed: int) -> torch.Generator:
        return Generator().manual_seed(seed | _SIGN)

    def rng_states(self) -> list[torch.Tensor]:
        return [torch.zeros(16, dtype=torch.uint8)]  # draws there move the CPU's

    def works(self) -> bool:
        return True


def _stand_in(generator: torch.Generator) -> torch.Generator:
    seed, state = generator.initial_seed(), generator.get_state()
    if not Generator.is_one(generator):
        return stand_in(generator)
    if not torch.equal(state, torch.Generator().manual_seed(seed).get_state()):
        seed = zlib.crc32(state.numpy().tobytes())
    return torch.Generator().manual_seed(seed & ~_SIGN)


def _aliases(given: Any, arguments: Any) -> list[str]:
    bare = [(path, _without(tensor)) for path, tensor in given]
    return _REAL_ALIASES(bare, [(path, _without(tensor), copy) for path, tensor, copy in arguments])


_REAL_ALIASES: Callable[..., list[str]] = evaluate._aliases


class PretendedBackend(LocalBackend):
    """A namespace of ours, asked as on a machine with a GPU."""

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply, evaluated with the GPU that is not there."""
        with Gpu(), BelowTheDispatcher():  # type: ignore[no-untyped-call]
            return super().answer(request)


@pytest.fixture(scope="module")
def pretended_gpu() -> Iterator[None]:
    """The device type ``KIND``, in this process for good; a process can have one such type."""
    if torch._C._get_privateuse1_backend_name() != KIND:
        _setup_privateuseone_for_python_backend(KIND)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(evaluate, "Accelerator", PretendedAccelerator)
        patch.setattr(evaluate, "stand_in", _stand_in)
        patch.setattr(evaluate, "_aliases", _aliases)
        torch.__future__.set_overwrite_module_params_on_conversion(True)  # such tensors cannot change in place
        yield
        torch.__future__.set_overwrite_module_params_on_conversion(False)
