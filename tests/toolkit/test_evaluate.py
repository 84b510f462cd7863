"""What is reported about a call: its value as plain data, and the evidence around it."""

from __future__ import annotations

import collections
import enum
import sys
import types
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.sandbox.evaluate import MAX_HANDLES, Evaluator
from autograder.sandbox.wire import Bounds, Handle, decode, encode
from autograder.testing.marks import AUTOGRAD, forbid


def call(function: Any, *args: Any, **more: Any) -> dict[str, Any]:
    """The reply to a call, through the wire."""
    evaluator = Evaluator({"f": function}, Bounds(total_bytes=1 << 20))
    request = {"op": "call", "name": "f", "args": args, "kwargs": more.pop("kwargs", {}), "evidence": True} | more
    reply: dict[str, Any] = decode(encode(evaluator.answer(decode(encode(request)))))
    return reply


def test_what_surrounds_a_value_is_told_where_it_is_asked_for() -> None:
    for asked in (True, False):
        reply = call(torch.exp, torch.ones(1), evidence=asked)
        assert {"modified", "aliases", "requires_grad"}.issubset(reply) is asked


def value(result: Any) -> Any:
    """What crosses the wire where a function returns ``result``."""
    reply = call(lambda: result)
    assert reply["status"] == "ok", reply
    return reply["value"]


# ------------------------------------------------------------------------------------------------------ values


class Colour(enum.IntEnum):
    RED = 3


Pair = collections.namedtuple("Pair", "a b")  # noqa: PYI024


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (True, True),
        (np.bool_(1), True),
        (Colour.RED, 3),
        (np.int32(7), 7),
        (np.float64(0.5), 0.5),
        (Pair(1, 2), (1, 2)),
        (torch.Size([2, 3]), (2, 3)),
        ({1: 2}, {"1": 2}),
        (collections.OrderedDict(a=1), {"a": 1}),
        (collections.Counter("aab"), {"a": 2, "b": 1}),
        (b"x", b"x"),
        ("x" * 5000, "x" * 4000),
    ],
)
def test_subclasses_become_their_base(result: Any, expected: Any) -> None:
    found = value(result)
    assert found == expected
    assert type(found) is type(expected)


class Liar(Tensor):
    @classmethod
    def __torch_function__(cls, *args: Any, **kwargs: Any) -> Any:
        return True


def patched() -> Tensor:
    tensor = torch.ones(2)
    for name in ("double", "detach", "cpu", "contiguous", "clone", "numpy"):
        setattr(tensor, name, lambda *_: torch.zeros(2))
    return tensor


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        (torch.ones(2).as_subclass(Liar), torch.ones(2)),
        (patched(), torch.ones(2)),
        (nn.Parameter(torch.ones(2)), torch.ones(2)),
        (torch.ones(1).expand(4), torch.ones(4)),
        (torch.tensor([1 + 2j]).conj(), torch.tensor([1 - 2j])),
        (torch.tensor([1 + 2j]).conj().imag, torch.tensor([-2.0])),
        (torch.arange(6.0).reshape(2, 3).T, torch.arange(6.0).reshape(2, 3).T),
        (torch.empty(0, 3), torch.empty(0, 3)),
    ],
)
def test_a_tensor_is_what_its_memory_holds(result: Tensor, expected: Tensor) -> None:
    found = value(result)
    assert type(found) is Tensor
    assert torch.equal(found, expected)
    assert not found.requires_grad


def test_a_subclass_does_not_hide_what_it_shares_and_carries() -> None:
    reply = call(lambda x: (x.as_subclass(Liar), [torch.ones(1, requires_grad=True).as_subclass(Liar)]), torch.ones(2))
    assert reply["aliases"] == ["0.0"]
    assert reply["requires_grad"] == ["1.0"]


@pytest.mark.parametrize(
    ("result", "message"),
    [
        (torch.ones(2).to_sparse(), "the answer is a tensor of layout torch.sparse_coo, not an ordinary"),
        (torch.ones(2, device="meta"), "the answer is a tensor on the meta device: it has a shape but no values"),
        (torch.zeros(1).expand(10**12), "the answer has 1000000000000 entries, more than fit in 1048576 bytes"),
    ],
)  # fmt: skip
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
def test_a_tensor_without_plain_values_is_no_answer(result: Tensor, message: str) -> None:
    reply = call(lambda: result)
    assert reply["status"] == "unusable"
    assert message in reply["message"]


def test_a_list_that_holds_itself_is_no_answer() -> None:
    own: list[Any] = []
    own.append(own)
    assert call(lambda: own)["message"] == "the answer is nested deeper than 16 levels"


def test_other_objects_stay_behind_handles() -> None:
    layer = nn.Linear(2, 1)
    evaluator = Evaluator({"make": lambda: (layer, layer, object())})
    first, same, other = evaluator.answer({"op": "call", "name": "make", "args": (), "kwargs": {}})["value"]
    assert (first, same) == (Handle(0, "Linear"), Handle(0, "Linear"))
    assert other == Handle(1, "object")


@pytest.mark.parametrize("base", [list, tuple, dict, collections.deque])
def test_an_object_of_a_class_that_was_asked_for_stays_one_whatever_it_derives_from(base: type) -> None:
    reply = call(type("Memory", (base,), {}))
    assert isinstance(reply["value"], Handle)
    assert reply["value"].kind == "Memory"


def test_the_oldest_of_too_many_objects_is_let_go() -> None:
    evaluator = Evaluator({"make": lambda: [object() for _ in range(MAX_HANDLES + 1)]})
    evaluator.answer({"op": "call", "name": "make", "args": (), "kwargs": {}})
    assert evaluator.answer({"op": "get", "handle": 0, "attr": "__class__"})["status"] == "error"
    assert evaluator.answer({"op": "get", "handle": MAX_HANDLES, "attr": "__class__"})["status"] == "ok"


# ---------------------------------------------------------------------------------------------------- evidence


def test_changed_arguments_are_named() -> None:
    def change(x: Tensor, parts: list[Tensor], *, mask: Tensor) -> None:
        parts[1].mul_(2)
        mask[0] = 5

    tensors = [torch.ones(2), torch.ones(2)]
    reply = call(change, torch.ones(2), tensors, kwargs={"mask": torch.zeros(2)})
    assert reply["modified"] == ["0.1.1", "1.mask"]


@pytest.mark.parametrize("change", [lambda x: x.resize_(1), lambda x: x.t_(), lambda x: x.fill_(float("nan"))])
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_change_of_shape_or_into_nan_counts(change: Any) -> None:
    assert call(change, torch.ones(2, 3))["modified"] == ["0.0"]


def test_nan_that_stays_is_no_change() -> None:
    assert call(lambda x: x + 1, torch.tensor([float("nan"), 1.0]))["modified"] == []


@pytest.mark.parametrize(
    ("function", "aliases"),
    [(lambda x, y: y[:1], ["0.1"]), (lambda x, y: (x.T, y + 1), ["0.0"]), (lambda x, y: x.clone(), [])],
)
def test_shared_memory_is_named(function: Any, aliases: list[str]) -> None:
    assert call(function, torch.ones(2, 2), torch.ones(2))["aliases"] == aliases


def test_gradients_are_computed_there_and_come_back_as_values() -> None:
    wanted = {"wrt": [0, "w"], "params": [], "cotangents": [torch.tensor([1.0, 2.0])]}
    reply = call(lambda x, w, unused: x * w, torch.tensor([3.0, 4.0]), grad=wanted,
                 kwargs={"w": torch.tensor([5.0, 6.0]), "unused": None})  # fmt: skip
    assert [grad.tolist() for grad in reply["grads"]] == [[5.0, 12.0], [3.0, 8.0]]
    assert reply["requires_grad"] == [""]
    assert not reply["value"].requires_grad


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (lambda x: 1.0, "the answer holds 0 floating tensors, not 1"),
        (lambda x: (x * 2)[:1], r"the answer has shape (1,), not (2,)"),
    ],
)
def test_gradients_of_the_wrong_thing_are_no_answer(function: Any, message: str) -> None:
    reply = call(function, torch.ones(2), grad={"wrt": [0], "params": [], "cotangents": [torch.ones(2)]})
    assert (reply["status"], reply["message"]) == ("unusable", message)


def test_a_parameter_that_is_no_tensor_is_named() -> None:
    module = nn.Linear(2, 1)
    module.name = "x"  # type: ignore[assignment]
    reply = call(module, torch.ones(2), grad={"wrt": [], "params": ["name"], "cotangents": [torch.ones(1)]})
    assert (reply["status"], reply["message"]) == ("unusable", "name is not a tensor")


def test_gradients_of_tensors_inside_arguments() -> None:
    def f(x: Tensor, layers: list[dict[str, Tensor]], *, params: tuple[Tensor, ...]) -> Tensor:
        return x * layers[1]["scale"] * params[0]

    layers = [{}, {"scale": torch.tensor([3.0])}]
    wanted = {"wrt": ["1.1.scale", "params.0", 0], "params": [], "cotangents": [torch.ones(1)]}
    reply = call(f, torch.tensor([2.0]), layers, kwargs={"params": (torch.tensor([5.0]),)}, grad=wanted)
    assert [float(grad) for grad in reply["grads"]] == [10.0, 6.0, 15.0]


class Keeper:
    """Keeps what it is given, and gives it away, without a copy."""

    def keep(self, x: Tensor, mask: Tensor) -> None:
        self.kept = [x, mask]

    def give(self) -> list[Tensor]:
        return self.kept

    def give_wide(self) -> list[Tensor]:
        """The same tensor twice, once expanded, and one that overlaps itself."""
        return [self.kept[0], self.kept[0].expand(3, 2), torch.zeros(4).as_strided((3, 2), (1, 1))]


def test_caller_overwrites_what_went_in_and_what_came_out() -> None:
    keeper = Keeper()
    reply = call(keeper.keep, torch.zeros(2), torch.tensor([True]), overwrite=True)
    assert reply["status"] == "ok"
    assert call(keeper.give)["value"][0].tolist() == [1.0, 1.0]
    given = call(keeper.give, overwrite=True)["value"]
    assert [part.tolist() for part in given] == [[1.0, 1.0], [False]]  # what the call gave, not what became of it
    assert [part.tolist() for part in call(keeper.give)["value"]] == [[2.0, 2.0], [True]]
    assert call(keeper.give_wide, overwrite=True)["status"] == "ok"
    assert call(keeper.give)["value"][0].tolist() == [3.0, 3.0]


# ------------------------------------------------------------------------------------------------------- trace

Q = torch.ones(1, 1, 4, 8)
X = torch.ones(1, 2, 5, 5)
W = torch.ones(3, 2, 3, 3)


def slow(x: Tensor) -> Tensor:
    result: Tensor = torch.ops.aten.slow_conv3d(x[:, :, None], W[:, :, None], [1, 3, 3])
    return result


ROADS = {
    "attention, function": (lambda q: F.scaled_dot_product_attention(q, q, q), Q, "aten::scaled_dot_product_attention"),
    "attention, aten": (lambda q: torch.ops.aten.scaled_dot_product_attention(q, q, q), Q, "aten::scaled_dot_product"),
    "attention, getattr": (
        lambda q: getattr(torch._C._nn, "scaled_dot_" + "product_attention")(q, q, q), Q, "aten::scaled_dot_product",
    ),
    "softmax, function": (lambda x: F.softmax(x, 0), X, "aten::softmax"),
    "softmax, method": (lambda x: x.softmax(0), X, "aten::softmax"),
    "softmax, torch": (lambda x: torch.softmax(x, 0), X, "aten::softmax"),
    "softmax, aten": (lambda x: torch.ops.aten._softmax(x, 0, False), X, "aten::_softmax"),
    "softmax, module": (nn.Softmax(0), X, "aten::softmax"),
    "softmax, unbound": (lambda x: Tensor.softmax(x, 0), X, "aten::softmax"),
    "convolution, function": (lambda x: F.conv2d(x, W), X, "aten::conv2d"),
    "convolution, aten": (
        lambda x: torch.ops.aten.convolution(x, W, None, [1, 1], [0, 0], [1, 1], False, [0, 0], 1), X,
        "aten::convolution",
    ),
    "convolution, module": (nn.Conv2d(2, 3, 3), X, "nn.Conv2d"),
    "convolution, slow": (slow, X, "aten::slow_conv3d"),
    "normalisation, function": (lambda x: F.batch_norm(x, None, None, training=True), X, "aten::batch_norm"),
    "normalisation, native": (
        lambda x: torch.native_batch_norm(x, None, None, None, None, True, 0.1, 1e-5), X, "aten::native_batch_norm",
    ),
    "normalisation, module": (nn.BatchNorm2d(2), X, "nn.BatchNorm2d"),
    "vectorised": (torch.func.vmap(lambda row: F.softmax(row, 0)), X, "aten::softmax"),
}  # fmt: skip


@pytest.mark.parametrize("road", ROADS)
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_every_road_to_an_operation_is_seen(road: str) -> None:
    function, argument, event = ROADS[road]
    reply = call(function, argument, trace=True)
    assert [seen for seen in reply["events"] if seen.startswith(event)], reply


def test_what_ran_before_an_exception_is_seen() -> None:
    def f(x: Tensor) -> None:
        F.softmax(x, 0)
        raise ValueError

    reply = call(f, X, trace=True)
    assert reply["status"] == "error"
    assert "aten::softmax" in reply["events"]


def gradient_by_hand(x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    (leaf * leaf).sum().backward()
    assert leaf.grad is not None
    return leaf.grad


PYTHON_ROADS = {
    "py::torch.nn.init.xavier_uniform_": lambda x: nn.init.xavier_uniform_(x.clone()),
    "py::torch.distributions.normal.Normal.log_prob": lambda x: torch.distributions.Normal(0.0, 1.0).log_prob(x),
    "py::torch._refs.softmax": lambda x: torch._refs.softmax(x, 0),
    "py::torch._decomp.decompositions._log_softmax": lambda x: torch._decomp.decompositions._log_softmax(x, 0, False),
    "py::torch.nn.functional.huber_loss": lambda x: F.huber_loss(x, x),
    "py::torch.autograd.functional.jacobian": lambda x: torch.autograd.functional.jacobian(lambda y: y * y, x[0, 0]),
    "py::torch.autograd.backward": gradient_by_hand,
    "py::torch._functorch.eager_transforms.grad_impl": torch.func.grad(lambda y: (y * y).sum()),
}


@pytest.mark.parametrize("event", PYTHON_ROADS)
@pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning")
def test_functions_of_torch_that_are_written_in_python_are_seen(event: str) -> None:
    assert event in call(PYTHON_ROADS[event], X, trace=True)["events"]


def test_copy_of_a_python_function_is_seen_too() -> None:
    original = nn.init.xavier_uniform_
    copy = types.FunctionType(original.__code__, original.__globals__, "mine", original.__defaults__)
    assert "py::torch.nn.init.xavier_uniform_" in call(lambda x: copy(x.clone()), X, trace=True)["events"]


def test_no_grad_and_vmap_leave_no_such_trace() -> None:
    def allowed(x: Tensor) -> Tensor:
        with torch.no_grad():
            doubled: Tensor = torch.func.vmap(lambda row: 2 * row)(x)
            return doubled

    assert not [event for event in call(allowed, X, trace=True)["events"] if event.startswith("py::")]


@pytest.mark.parametrize("x", [X, torch.randn(2000, 3), torch.tensor(1.5), torch.ones(2, dtype=torch.bool)])
def test_a_tensor_that_is_printed_leaves_no_such_trace(x: Tensor) -> None:
    """A debugging print is no use of autograd, whose own functions for dual numbers run in it."""

    def shown(x: Tensor) -> str:
        return f"{x} {[x]!r}"

    events = call(shown, x, trace=True)["events"]
    assert not [event for event in events if event.startswith("py::")]
    assert forbid(*AUTOGRAD).match(events) is None


def test_trace_gives_the_profile_hook_back() -> None:
    def other(*_: Any) -> None:
        return None

    sys.setprofile(other)
    try:
        call(lambda x: x + 1, X, trace=True)
        assert sys.getprofile() is other
    finally:
        sys.setprofile(None)


def test_work_by_hand_shows_none_of_it() -> None:
    reply = call(lambda x: x.exp() / x.exp().sum(), X, trace=True)
    assert not [event for event in reply["events"] if "softmax" in event]
    assert reply["operations"] >= 3
    assert "events" not in call(lambda x: x, X)


# ------------------------------------------------------------------------------------------- other requests, errors


def test_names_are_described() -> None:
    evaluator = Evaluator({"f": len, "c": int, "v": 3, "n": None})
    kinds = [evaluator.answer({"op": "describe", "name": name})["value"] for name in ("f", "c", "v", "n", "x")]
    assert kinds == ["function", "class", "value", "missing", "missing"]


def test_attributes_are_read_and_tensors_overwritten_in_place() -> None:
    layer = nn.Linear(2, 1)
    weight = layer.weight
    evaluator = Evaluator({"make": lambda: layer})
    evaluator.answer({"op": "call", "name": "make", "args": (), "kwargs": {}})
    evaluator.answer({"op": "set", "handle": 0, "attr": "weight", "value": torch.ones(1, 2)})
    reply = evaluator.answer({"op": "get", "handle": 0, "attr": "weight"})
    assert layer.weight is weight
    assert reply["value"].tolist() == [[1.0, 1.0]]
    assert reply["requires_grad"] == [""]
    found = evaluator.answer({"op": "inspect", "handle": 0})["value"]
    assert found["parameters"] == ["weight", "bias"]
    assert found["training"] is True


def test_a_test_begins_without_objects_and_with_its_seed() -> None:
    evaluator = Evaluator({"make": object, "draw": lambda: torch.rand(())})
    draw = {"op": "call", "name": "draw", "args": (), "kwargs": {}}
    values = []
    for _ in range(2):
        evaluator.answer({"op": "call", "name": "make", "args": (), "kwargs": {}})
        evaluator.answer({"op": "begin", "seed": 5})
        values.append(evaluator.answer(draw)["value"].item())
    assert values[0] == values[1]
    assert evaluator.answer({"op": "inspect", "handle": 0})["status"] == "error"


KEPT = torch.inference_mode()
SMALL = torch.tensor(1e-310, dtype=torch.float64)
SETTINGS: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
    "default device": (lambda: torch.set_default_device("meta"), lambda: torch.ones(()).device.type),
    "default dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "inference mode": (KEPT.__enter__, torch.is_inference_mode_enabled),
    "autocast": (lambda: torch.autocast("cpu").__enter__(), lambda: torch.is_autocast_enabled("cpu")),
    "anomalies": (lambda: torch.autograd.set_detect_anomaly(True), torch.is_anomaly_enabled),
    "determinism": (lambda: torch.use_deterministic_algorithms(True), torch.are_deterministic_algorithms_enabled),
    "precision": (lambda: torch.set_float32_matmul_precision("medium"), torch.get_float32_matmul_precision),
    "denormals": (lambda: torch.set_flush_denormal(True), lambda: bool(SMALL * 1 > 0)),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_what_a_scratch_cell_left_on_is_off_when_a_test_begins(name: str) -> None:
    leave_on, found = SETTINGS[name]
    evaluator, before = Evaluator({}), found()
    leave_on()
    changed = found()
    assert evaluator.answer({"op": "begin", "seed": 0})["status"] == "ok"
    assert changed != before
    assert found() == before


def test_the_stub_is_missing() -> None:
    def stub() -> None:
        raise NotImplementedError("softmax is not written yet")

    assert call(stub) == {"status": "missing", "message": "softmax is not written yet"}
    missing = Evaluator({}).answer({"op": "call", "name": "g", "args": (), "kwargs": {}})
    assert missing == {"status": "missing", "message": "g is not defined in the notebook"}


STUBS = {
    "alone": "def f(): raise NotImplementedError",
    "in a helper": "def helper(): raise NotImplementedError('later')\ndef f(): return helper()",
    "in a method": "class Base:\n    def g(self): raise NotImplementedError\ndef f(): return Base().g()",
    "instead of another": "def f():\n    try: {}['x']\n    except KeyError as e: raise NotImplementedError from e",
    "while another": "def f():\n    try: {}['x']\n    finally: raise NotImplementedError",
    "raised again": "def g(): raise NotImplementedError\ndef f():\n    try: g()\n    except Exception: raise",
    "in forward": "class M(torch.nn.Module):\n    def forward(self): raise NotImplementedError\ndef f(): return M()()",
    "under autograd": "class F(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):"
    " raise NotImplementedError\ndef f(): return F.apply(torch.ones(1))",
}
GAPS = {
    "a dtype": "def f(): return torch.histc(torch.ones(2, dtype=torch.int32))",
    "an operator": "def f(): return torch.ones(2, 2, dtype=torch.bool) @ torch.ones(2, 2, dtype=torch.bool)",
    "no kernel": "def f(): return torch.ones(2).to_sparse().untyped_storage()",
    "a device": "def f(): return torch.ones(2, device='meta').cpu()",
    "Python of its own": "def f(): return torch.nn.Module()(1)",
    "caught": "def f():\n    try: return torch.ones(2, device='meta').cpu()\n    except NotImplementedError: raise",
    "named": "def f():\n    try: return torch.ones(2, device='meta').cpu()\n    except Exception as e: raise e",
}


def answer_of(source: str, **request: Any) -> dict[str, Any]:
    """The reply of ``f``, which a cell defines."""
    namespace: dict[str, Any] = {"torch": torch}
    exec(compile(source, "cell 3", "exec"), namespace)  # noqa: S102 - what a cell is
    return Evaluator(namespace).answer({"op": "call", "name": "f", "args": (), "kwargs": {}} | request)


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("source", STUBS.values(), ids=STUBS)
def test_what_a_notebook_raises_itself_as_not_implemented_is_missing(source: str, trace: bool) -> None:
    assert answer_of(source, trace=trace)["status"] == "missing"


@pytest.mark.parametrize("trace", [False, True])
@pytest.mark.parametrize("source", GAPS.values(), ids=GAPS)
def test_what_torch_has_not_implemented_is_an_error_with_its_message(source: str, trace: bool) -> None:
    reply = answer_of(source, trace=trace)
    assert (reply["status"], reply["type"]) == ("error", "NotImplementedError")
    assert reply["message"]
    assert reply["where"].startswith("cell 3, line ")


def test_an_exception_that_lies_about_its_trace_is_judged_all_the_same() -> None:
    liar = "class E(NotImplementedError):\n    __traceback__ = property(lambda self: 1 / 0)\ndef f(): raise E"
    assert answer_of(liar)["status"] == "missing"


class Mute(Exception):
    def __str__(self) -> str:
        raise KeyError


@pytest.mark.parametrize("error", [SystemExit(0), KeyboardInterrupt(), GeneratorExit(), StopIteration(), Mute()])
def test_whatever_is_raised_is_an_answer(error: BaseException) -> None:
    def raising() -> None:
        raise error

    reply = call(raising)
    assert (reply["status"], reply["type"]) == ("error", type(error).__name__)
    assert type(error).__mro__[1].__name__ in reply["bases"]
    if isinstance(error, Mute):
        assert reply["message"] == "(its text could not be read)"


def test_the_place_of_an_error_is_the_innermost_cell() -> None:
    namespace: dict[str, Any] = {}
    exec(compile("\n\ndef f():\n    return 1 / 0", "cell 3", "exec"), namespace)  # noqa: S102
    assert (
        Evaluator(namespace).answer({"op": "call", "name": "f", "args": (), "kwargs": {}})["where"] == "cell 3, line 4"
    )
