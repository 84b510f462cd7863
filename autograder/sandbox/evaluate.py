"""Performs one request on the student's names and reports the answer as plain data.

Runs inside the student process, and in the grading process on our own reference and
misconceptions, so that all three are asked in the same way. It reports evidence (which arguments
changed, what shares memory, which operations ran); it never decides anything.

Requests are dicts with ``op``:

    call      name | handle+method, args, kwargs; optional evidence, trace, after, overwrite, placed,
              grad {wrt, params, cotangents}
    get, set  handle, attr (dotted), value
    describe  name: "function", "class", "value" or "missing"
    inspect   handle: what kind of object, its parameters and buffers
    begin     a test: forget all objects, seed the global generators; optional device
    rng       the state of the global generators
"""

from __future__ import annotations

import _posixsubprocess
import _thread
import contextlib
import functools
import math
import opcode
import os
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.autograd import profiler_legacy
from torch.overrides import TorchFunctionMode

from autograder.sandbox import policy
from autograder.sandbox.accelerator import Accelerator, Crossings, Host, mapped, stand_in
from autograder.sandbox.wire import DEFAULT_BOUNDS, MAX_ENTRIES, MAX_NDIM, Bounds, Handle, WireError

MAX_HANDLES = 4096
MAX_TEXT = 4000
MAX_EVENTS = 400

# Taken before any student code runs: patching torch later does not change how answers are read.
_detach = torch.Tensor.detach
_equal = torch.equal
_start_profiler = profiler_legacy._enable_profiler_legacy  # type: ignore[attr-defined]  # noqa: SLF001
_stop_profiler = profiler_legacy._disable_profiler_legacy  # type: ignore[attr-defined]  # noqa: SLF001
_no_overrides = torch._C.DisableTorchFunctionSubclass  # noqa: SLF001 - has no public name
_manual_seed = torch.manual_seed
_inference_mode = torch.inference_mode
_OPPOSITES: list[torch.inference_mode] = []
_in_inference_mode = torch.is_inference_mode_enabled
_RESETS: tuple[Callable[[], object], ...] = (
    functools.partial(torch.set_default_device, None),
    functools.partial(torch.set_default_dtype, torch.float32),
    functools.partial(torch.set_autocast_enabled, "cpu", False),
    functools.partial(torch.set_autocast_enabled, "cuda", False),
    functools.partial(torch.set_float32_matmul_precision, "highest"),
    functools.partial(setattr, torch.backends.cudnn, "allow_tf32", False),
    functools.partial(setattr, torch.backends.cuda.matmul, "allow_fp16_reduced_precision_reduction", False),
    functools.partial(setattr, torch.backends.cuda.matmul, "allow_bf16_reduced_precision_reduction", False),
    functools.partial(torch.set_flush_denormal, False),
    functools.partial(torch.autograd.set_detect_anomaly, False),
    functools.partial(torch._C._set_deterministic_algorithms, False),  # noqa: SLF001 - the public one imports a compiler
    functools.partial(torch.set_grad_enabled, True),
)


class Evaluator:
    """Answers requests on ``namespace``; objects that cannot be sent stay here behind handles."""

    def __init__(self, namespace: Mapping[str, Any], bounds: Bounds = DEFAULT_BOUNDS) -> None:
        self._namespace = namespace
        self._bounds = bounds
        self._objects: dict[int, Any] = {}
        self._numbers: dict[int, int] = {}  # by id(): what is in _objects lives, so no id is used twice
        self._issued = 0
        self._tracer = _Tracer()
        self._device = Host()

    def answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """The reply to ``request``; whatever the student's code raises becomes a reply too."""
        self._tracer.seen = {}
        try:
            return self._OPERATIONS[request["op"]](self, request)
        except Unsendable as error:
            reply = {"status": "unusable", "message": str(error)}
        except NotImplementedError as error:
            reply = {"status": "missing", "message": _text_of(error)} if is_own(error) else describe_error(error)
        except BaseException as error:  # noqa: BLE001 - SystemExit and friends are answers as well
            reply = describe_error(error)
        if not self._device.works():
            os._exit(policy.EXIT_DEVICE)  # the answer is worth nothing, and neither would the next one be
        return reply | self._tracer.seen

    # -------------------------------------------------------------------------------- operations

    def _call(self, request: dict[str, Any]) -> dict[str, Any]:
        target = self._target(request)
        if target is None:
            return {"status": "missing", "message": f"{request['name']} is not defined in the notebook"}
        args, kwargs, there = self._device.lend(
            tuple(request["args"]), dict(request["kwargs"]), generators="placed" in request
        )
        wanted = request.get("grad")
        leaves = _require_grad(args, kwargs, wanted["wrt"]) if wanted else []
        evidence = request.get("evidence")
        before = [(path, tensor, tensor.clone()) for path, tensor in tensors_in((args, kwargs))] if evidence else []
        if request.get("trace"):
            with self._tracer.on(self._device):
                value = target(*args, **kwargs)
        else:
            value = target(*args, **kwargs)
        reply: dict[str, Any] = {"status": "ok", **self._tracer.seen}
        if there and (away := self._device.away(tensors_in(value))):
            reply["away"] = away
        if isinstance(target, type):  # what a user does with a layer that has just been made
            self._device.place(value)
        if evidence:
            with _no_overrides(), torch.no_grad():  # a subclass of Tensor does not answer for itself
                reply["modified"] = [path for path, tensor, copy in before if not _same(tensor, copy)]
                given = tensors_in(value)
                reply["aliases"] = _aliases(given, before)
                reply["requires_grad"] = [path for path, tensor in given if tensor.requires_grad]
        if wanted:
            owner = self._objects[request["handle"]] if "handle" in request else target
            leaves += [_parameter(owner, name) for name in wanted["params"]]
            reply["grads"] = _gradients(value, leaves, wanted["cotangents"])
        if request.get("after"):
            reply["after"] = self._plain([args, kwargs])
        reply["value"] = self._keep(value) if _is_object_of(target, value) else self._plain(value)
        if request.get("overwrite"):
            _overwrite((args, kwargs, value))
        return reply

    def _target(self, request: dict[str, Any]) -> Callable[..., Any] | None:
        if "handle" in request:
            owner = self._objects[request["handle"]]
            method: Callable[..., Any] = getattr(owner, request["method"]) if request["method"] else owner
            return method
        return self._namespace.get(request["name"])

    def _get(self, request: dict[str, Any]) -> dict[str, Any]:
        value = self._objects[request["handle"]]
        for part in request["attr"].split("."):
            value = getattr(value, part)
        requires_grad = [path for path, tensor in tensors_in(value) if tensor.requires_grad]
        return {"status": "ok", "value": self._plain(value), "requires_grad": requires_grad}

    def _set(self, request: dict[str, Any]) -> dict[str, Any]:
        *owners, last = request["attr"].split(".")
        owner = self._objects[request["handle"]]
        for part in owners:
            owner = getattr(owner, part)
        old, new = getattr(owner, last, None), mapped(request["value"], self._device.place)
        if isinstance(old, torch.Tensor) and isinstance(new, torch.Tensor):
            with torch.no_grad():
                old.copy_(new)
        else:
            setattr(owner, last, new)
        return {"status": "ok", "value": None}

    def _describe(self, request: dict[str, Any]) -> dict[str, Any]:
        value = self._namespace.get(request["name"])
        kind = "missing" if value is None else "class" if isinstance(value, type) else "value"
        if kind == "value" and callable(value):
            kind = "function"
        return {"status": "ok", "value": kind}

    def _inspect(self, request: dict[str, Any]) -> dict[str, Any]:
        value = self._objects[request["handle"]]
        found: dict[str, Any] = {"module": isinstance(value, nn.Module)}
        if isinstance(value, nn.Module):
            found["parameters"] = [name for name, _ in value.named_parameters()]
            found["buffers"] = [name for name, _ in value.named_buffers()]
            found["state"] = list(value.state_dict())
            found["training"] = bool(value.training)
        return {"status": "ok", "value": found}

    def _begin(self, request: dict[str, Any]) -> dict[str, Any]:
        self._objects.clear()
        self._numbers.clear()
        self._issued = 0
        if "device" in request:
            self._device = Host() if request["device"] == "cpu" else Accelerator(request["device"])
        _reset_torch()
        _manual_seed(request["seed"])
        return {"status": "ok", "value": None}

    def _rng(self, _request: dict[str, Any]) -> dict[str, Any]:
        return {"status": "ok", "value": torch.cat([torch.get_rng_state(), *self._device.rng_states()])}

    _OPERATIONS: Mapping[str, Callable[[Evaluator, dict[str, Any]], dict[str, Any]]] = {
        "call": _call,
        "get": _get,
        "set": _set,
        "describe": _describe,
        "inspect": _inspect,
        "begin": _begin,
        "rng": _rng,
    }

    # ------------------------------------------------------------------------------------ values

    def _plain(self, value: Any) -> Any:
        return plain(value, self._keep, self._bounds)

    def _keep(self, value: Any) -> Handle:
        """The handle of ``value``, the same each time; beyond ``MAX_HANDLES`` the oldest object is let go."""
        known = self._numbers.get(id(value))
        if known is None:
            if len(self._objects) >= MAX_HANDLES:
                oldest = next(iter(self._objects))
                del self._numbers[id(self._objects.pop(oldest))]
            known, self._issued = self._issued, self._issued + 1
            self._objects[known] = value
            self._numbers[id(value)] = known
        return Handle(known, type(value).__name__)


def _reset_torch() -> None:
    """Switch off what a scratch cell left on: it is no part of an answer."""
    if _in_inference_mode():  # its own object is the student's: what ends it is its opposite, entered for good
        _OPPOSITES.append(_inference_mode(False))
        _OPPOSITES[-1].__enter__()
    for reset in _RESETS:
        with contextlib.suppress(Exception):  # what a student broke is the student's, the rest is reset all the same
            reset()


def _is_object_of(target: Any, value: Any) -> bool:
    """Whether a class of the notebook's made an object of its own: that stays one, even where it is a list as well."""
    return isinstance(target, type) and isinstance(value, target) and isinstance(value, list | tuple | dict)


class Unsendable(Exception):
    """An answer that cannot be graded: a type, layout or size no entry of the contract returns."""


def plain(value: Any, keep: Callable[[Any], Handle], bounds: Bounds, depth: int = 0) -> Any:
    """``value`` in the wire's exact types: what counts is the value, so subclasses become their base.

    A ``bool`` stays a ``bool``; an object that is none of the wire's types stays behind a handle.
    """
    if depth > 16:
        raise Unsendable("the answer is nested deeper than 16 levels")
    if value is None or isinstance(value, bool | np.bool_):
        return None if value is None else bool(value)
    if isinstance(value, torch.Tensor):
        return plain_tensor(value, bounds)
    if isinstance(value, int | np.integer):
        return int.__index__(value) if isinstance(value, int) else int(value)
    if isinstance(value, float | np.floating):
        return float.__float__(value) if isinstance(value, float) else float(value)
    if isinstance(value, str | bytes):
        return str.__str__(value)[:MAX_TEXT] if isinstance(value, str) else bytes(value)
    if isinstance(value, torch.Generator | np.ndarray):
        return stand_in(value) if isinstance(value, torch.Generator) else np.asarray(value)
    if isinstance(value, tuple | list):
        items = [plain(item, keep, bounds, depth + 1) for item in _items(value)]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {str(key)[:200]: plain(item, keep, bounds, depth + 1) for key, item in dict.items(value)}
    return keep(value)


def plain_tensor(value: torch.Tensor, bounds: Bounds) -> torch.Tensor:
    """A plain, contiguous tensor on the CPU with the same entries; raises ``Unsendable`` where there is none."""
    with _no_overrides():
        bare = _detach(value)
        if bare.layout is not torch.strided or bare.is_quantized or bare.is_nested:
            raise Unsendable(f"the answer is a tensor of layout {bare.layout}, not an ordinary (strided) one")
        if bare.device.type == "meta":
            raise Unsendable("the answer is a tensor on the meta device: it has a shape but no values")
        if math.prod(max(1, size) for size in bare.shape) > MAX_ENTRIES or bare.ndim > MAX_NDIM:
            raise Unsendable(f"the answer has shape {tuple(bare.shape)!s:.200}")
        if bare.numel() * bare.element_size() > bounds.total_bytes:
            raise Unsendable(f"the answer has {bare.numel()} entries, more than fit in {bounds.total_bytes} bytes")
        resolved = torch.Tensor.resolve_neg(torch.Tensor.resolve_conj(bare))
        fresh = torch.empty(resolved.shape, dtype=resolved.dtype)
        fresh.copy_(resolved)
        return fresh


def _items(value: tuple[Any, ...] | list[Any]) -> Iterator[Any]:
    """What a tuple or list holds; a subclass does not answer for it."""
    return tuple.__iter__(value) if isinstance(value, tuple) else list.__iter__(value)


def tensors_in(value: Any) -> list[tuple[str, torch.Tensor]]:
    """Every tensor inside nested tuples, lists and dicts, with a path such as ``0.1`` or ``1.weight``."""
    found: list[tuple[str, torch.Tensor]] = []
    _find_tensors(value, "", 0, found)
    return found


def _find_tensors(value: Any, path: str, depth: int, found: list[tuple[str, torch.Tensor]]) -> None:
    if isinstance(value, torch.Tensor):
        found.append((path, value))
    elif depth < MOST_NESTED and isinstance(value, tuple | list):
        for index, item in enumerate(_items(value)):
            if type(item) not in _TENSORLESS:
                _find_tensors(item, f"{path}.{index}" if path else str(index), depth + 1, found)
    elif depth < MOST_NESTED and isinstance(value, dict):
        for key, item in dict.items(value):
            if type(item) not in _TENSORLESS:
                _find_tensors(item, f"{path}.{key}" if path else str(key), depth + 1, found)


MOST_NESTED = 8
_TENSORLESS = frozenset({bool, int, float, str, type(None)})


def _overwrite(value: Any) -> None:
    """Change every tensor in ``value``, as a caller does who uses its tensors again."""
    with _no_overrides(), torch.no_grad():
        single = [_without_repeats(tensor) for _, tensor in tensors_in(value)]
        new = [tensor.logical_not() if tensor.dtype is torch.bool else tensor + 1 for tensor in single]
        for tensor, entries in zip(single, new, strict=True):  # one that stands twice changes once
            with contextlib.suppress(RuntimeError):  # memory that overlaps in other ways cannot be written
                tensor.copy_(entries)


def _without_repeats(tensor: torch.Tensor) -> torch.Tensor:
    """The part of an expanded tensor that holds each of its entries once."""
    pairs = zip(tensor.stride(), tensor.shape, strict=True)
    return tensor[tuple(slice(0, 1) if step == 0 and size > 1 else slice(None) for step, size in pairs)]


def _same(tensor: torch.Tensor, copy: torch.Tensor) -> bool:
    if tensor.shape != copy.shape or tensor.dtype != copy.dtype:
        return False
    if _equal(tensor, copy):
        return True
    if not tensor.is_floating_point():
        return False
    return bool(((tensor == copy) | (tensor.isnan() & copy.isnan())).all())


def _aliases(
    given: list[tuple[str, torch.Tensor]], arguments: list[tuple[str, torch.Tensor, torch.Tensor]]
) -> list[str]:
    """Arguments that some tensor of an answer shares memory with."""
    if not given:
        return []
    storages = {tensor.untyped_storage().data_ptr(): path for path, tensor, _ in arguments if tensor.numel()}
    found = []
    for _, tensor in given:
        try:
            path = storages.get(tensor.untyped_storage().data_ptr()) if tensor.numel() else None
        except (RuntimeError, NotImplementedError):  # sparse tensors and the like have no storage
            path = None
        if path is not None:
            found.append(path)
    return found


# -------------------------------------------------------------------------------------- gradients


def argument(args: tuple[Any, ...], kwargs: Mapping[str, Any], key: int | str) -> Any:
    """The argument that ``key`` names: a position, a keyword, or a path into one: ``1.0.weight``, ``params.0``."""
    first, *path = str(key).split(".")
    value = args[int(first)] if first.isdecimal() else kwargs[first]
    for part in path:
        value = value[int(part) if isinstance(value, tuple | list) else part]
    return value


def _require_grad(args: tuple[Any, ...], kwargs: dict[str, Any], wrt: list[Any]) -> list[torch.Tensor]:
    return [argument(args, kwargs, key).requires_grad_() for key in wrt]


def _parameter(owner: Any, name: str) -> torch.Tensor:
    for part in name.split("."):
        owner = getattr(owner, part)
    if not isinstance(owner, torch.Tensor):
        raise Unsendable(f"{name} is not a tensor")
    return owner


def _gradients(value: Any, leaves: list[torch.Tensor], cotangents: list[Any]) -> list[Any]:
    """The vector-Jacobian product of the answer's floating tensors; ``None`` where none flows."""
    outputs = [tensor for _, tensor in tensors_in(value) if tensor.is_floating_point()]
    if len(outputs) != len(cotangents):
        raise Unsendable(f"the answer holds {len(outputs)} floating tensors, not {len(cotangents)}")
    pairs = []
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if cotangent is None or not output.requires_grad:
            continue
        if output.shape != cotangent.shape:
            raise Unsendable(f"the answer has shape {tuple(output.shape)}, not {tuple(cotangent.shape)}")
        pairs.append((output, cotangent.to(output)))
    if not pairs or not leaves:
        return [None] * len(leaves)
    reached = [leaf for leaf in leaves if leaf.requires_grad]
    grads = iter(torch.autograd.grad([o for o, _ in pairs], reached, [c for _, c in pairs], allow_unused=True))
    found = [next(grads) if leaf.requires_grad else None for leaf in leaves]
    return [None if grad is None else plain_tensor(grad, DEFAULT_BOUNDS) for grad in found]


# ------------------------------------------------------------------------------------------ trace


class _Tracer:
    """Lists what ran inside it: every dispatcher operation, autograd function and ``nn`` layer.

    The profiler sees composite operations whatever road leads to them (tensor methods,
    ``torch.ops``, modules, ``getattr``); the module hooks see layers being built or called; the
    function mode and the interpreter's profile hook see functions of torch's that are Python all the way down.
    ``seen`` holds the list also where the call raised.
    """

    def __init__(self) -> None:
        self.seen: dict[str, Any] = {}
        self._modules: list[str] = []
        self._codes: dict[CodeType, str] = {}
        self._config = profiler_legacy.profile().config()
        self._crossings: Crossings | None = None

    def on(self, device: Host) -> _Tracer:
        """The tracer, which notes as well what moved between ``device`` and the CPU."""
        self._crossings = device.crossings()
        return self

    def __enter__(self) -> None:
        self._modules.clear()
        self._hooks = [register(self._note) for register in _MODULE_HOOKS]
        self._functions = _Functions()
        self._functions.__enter__()  # type: ignore[no-untyped-call]
        if self._crossings is not None:
            self._crossings.__enter__()  # type: ignore[no-untyped-call]
        _start_profiler(self._config)
        self._codes.clear()
        self._other_profile = _get_profile()
        _set_profile(self._note_python)

    def __exit__(self, *error: object) -> None:
        _set_profile(self._other_profile)
        self._functions.__exit__(*error)  # type: ignore[no-untyped-call]
        records = _stop_profiler()  # read as they are: torch's own table of them takes 10 ms to build
        if self._crossings is not None:
            self._crossings.__exit__(*error)  # type: ignore[no-untyped-call]
            self._modules += [ON_THE_CPU] * self._crossings.both
        for hook in self._hooks:
            hook.remove()
        names = [record.name() for thread in records for record in thread if str(record.kind()) == "push"]
        python = [name for name in self._codes.values() if name]
        unique = list(dict.fromkeys([*self._modules, *self._functions.names, *python, *names]))[:MAX_EVENTS]
        self.seen = {"events": unique, "operations": sum(name.startswith("aten::") for name in names)}

    def _note(self, module: nn.Module, *_: Any) -> None:
        layers = (base for base in type(module).__mro__ if base.__module__.startswith("torch.nn."))
        self._modules.extend(f"nn.{base.__name__}" for base in layers if base is not nn.Module)

    def _note_python(self, frame: FrameType, event: str, called: Any) -> None:
        """Note a Python function of torch's whose name says what it computes: by its code, so no copy hides it."""
        code = frame.f_code
        if event == "call" and code not in self._codes:
            self._codes[code] = _python_event(code)
        elif event == "c_call" and called in _STARTERS:
            self._modules.append(ELSEWHERE)


ELSEWHERE = "started a thread or process"  # what runs there is not listed
ON_THE_CPU = "moved entries to the CPU and back"
_STARTERS = frozenset(
    getattr(module, name)
    for module, names in (
        (_thread, ("start_new_thread", "start_joinable_thread")),  # the second from Python 3.13 on
        (os, ("fork", "forkpty", "posix_spawn", "posix_spawnp")),
        (_posixsubprocess, ("fork_exec",)),
    )
    for name in names
    if hasattr(module, name)
)

# Folders and files of torch whose functions are written in Python. torch.no_grad (autograd/grad_mode.py) and
# torch.vmap (_functorch/vmap.py) are not among them: nothing forbids those.
_TORCH = f"{Path(torch.__file__).parent}/"
_WATCHED = (
    *("_decomp/", "_functorch/eager_transforms.py", "_prims/", "_refs/", "distributions/"),
    *("autograd/__init__.py", "autograd/forward_ad.py", "autograd/functional.py", "autograd/graph.py"),
    *("nn/functional.py", "nn/init.py"),
)
_UNTOLD = frozenset({"unpack_dual"})  # runs whenever a tensor is printed, and differentiates nothing by itself
_get_profile, _set_profile = sys.getprofile, sys.setprofile


def _python_event(code: CodeType) -> str:
    """``py::torch.nn.init.xavier_uniform_`` for a function of a watched file; nothing for others."""
    inside = code.co_filename.removeprefix(_TORCH)
    name = code.co_qualname.rpartition(".")[2]
    if inside == code.co_filename or not inside.startswith(_WATCHED) or "<" in name or name in _UNTOLD:
        return ""
    module = inside.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return f"py::torch.{module}.{code.co_qualname}"


class _Functions(TorchFunctionMode):
    """Names of the functions of ``torch.nn.functional`` that run."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        del types
        if getattr(func, "__module__", None) == "torch.nn.functional":
            self.names.append(f"torch.nn.functional.{func.__name__}")
        return func(*args, **(kwargs or {}))


_MODULE_HOOKS = (
    nn.modules.module.register_module_parameter_registration_hook,
    nn.modules.module.register_module_buffer_registration_hook,
    nn.modules.module.register_module_forward_pre_hook,
)


# ----------------------------------------------------------------------------------------- errors


def describe_error(error: BaseException) -> dict[str, Any]:
    """An exception as plain data: its class names, its text and the notebook cell it came from."""
    bases = [base.__name__ for base in type(error).__mro__][:12]
    return {
        "status": "error",
        "type": bases[0][:200],
        "bases": [name[:200] for name in bases],
        "message": _text_of(error),
        "where": _where(error),
    }


def is_own(error: BaseException) -> bool:
    """Whether a ``raise`` of the answer's own code raised ``error``: no library did, in Python or below it.

    A call into compiled code stands at the instruction that calls, as does an operator.
    """
    trace: TracebackType | None = _trace_of(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    in_a_library = str.startswith(code.co_filename, _LIBRARIES)  # a name may be of a student's own class
    return not in_a_library and code.co_code[trace.tb_lasti : trace.tb_lasti + 1] == _RAISE


_trace_of = vars(BaseException)["__traceback__"].__get__  # whatever a subclass says
_RAISE = bytes([opcode.opmap["RAISE_VARARGS"]])
_LIBRARIES = (_TORCH, *{f"{sysconfig.get_path(name)}/" for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def _text_of(error: BaseException) -> str:
    try:
        return str.__getitem__(str(error), slice(MAX_TEXT))  # exactly a text, also where a subclass was given
    except BaseException:  # noqa: BLE001 - an exception's __str__ is the student's code as well
        return "(its text could not be read)"


def _where(error: BaseException) -> str:
    """The innermost notebook line of the traceback, as ``cell 3, line 7``."""
    try:
        frames = traceback.extract_tb(error.__traceback__)
    except BaseException:  # noqa: BLE001 - a hostile traceback costs the place, not the answer
        return ""
    for frame in reversed(frames):
        if frame.filename.startswith("cell "):
            return f"{frame.filename}, line {frame.lineno}"
    return ""


__all__ = [
    "Evaluator",
    "Unsendable",
    "WireError",
    "argument",
    "describe_error",
    "is_own",
    "plain",
    "plain_tensor",
    "tensors_in",
]
