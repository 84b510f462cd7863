"""The model solution against PyTorch's own initializations, batch normalization and modules, and its messages."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from autograder.testing.statistics import Law, assert_follows, assert_unrelated, normal, uniform
from reference.initialization import (
    fan_in_and_fan_out,
    he_normal,
    he_uniform,
    layer_variances,
    lecun_uniform,
    standardize,
    xavier_normal,
    xavier_uniform,
)

SHAPES = [(120, 260), (260, 120), (24, 10, 101), (64, 32, 3, 4), (16, 24, 3, 4, 5), (25000, 1), (1, 25000)]
Initialiser = Callable[..., Tensor]
INITIALISERS: list[Initialiser] = [xavier_normal, xavier_uniform, he_normal, he_uniform, lecun_uniform]


def law_of(initialiser: Initialiser, shape: tuple[int, ...]) -> Law:
    fan_in, fan_out = nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    half = (fan_in + fan_out) / 2
    return {
        xavier_normal: normal(math.sqrt(1 / half)),
        xavier_uniform: uniform(math.sqrt(3 / half)),
        he_normal: normal(math.sqrt(2 / fan_in)),
        he_uniform: uniform(math.sqrt(6 / fan_in)),
        lecun_uniform: uniform(math.sqrt(3 / fan_in)),
    }[initialiser]


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("shape", [*SHAPES, (1, 1), (3, 1, 2, 2, 2, 2)])
def test_fans_are_torchs(shape: tuple[int, ...]) -> None:
    assert fan_in_and_fan_out(shape) == nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert fan_in_and_fan_out(list(shape)) == fan_in_and_fan_out(torch.Size(shape)) == fan_in_and_fan_out(shape)


def test_fans_of_large_weights_are_exact() -> None:
    assert fan_in_and_fan_out((10**9 + 7, 10**9 + 9, 999_983)) == (1000000009 * 999983, 1000000007 * 999983)


@pytest.mark.parametrize("initialiser", INITIALISERS)
@pytest.mark.parametrize("shape", SHAPES)
def test_initialisers_follow_their_law(initialiser: Initialiser, shape: tuple[int, ...]) -> None:
    weight = initialiser(shape, generator=seeded())
    assert weight.shape == shape
    assert_follows(weight, law_of(initialiser, shape))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (xavier_normal, nn.init.xavier_normal_),
        (xavier_uniform, nn.init.xavier_uniform_),
        (he_normal, nn.init.kaiming_normal_),
        (he_uniform, nn.init.kaiming_uniform_),
    ],
)
def test_spread_is_torchs(ours: Initialiser, theirs: Initialiser) -> None:
    for shape in SHAPES:
        options = {} if "xavier" in ours.__name__ else {"nonlinearity": "relu"}
        expected = theirs(torch.empty(shape), **options).std().item()
        assert ours(shape, generator=seeded()).std().item() == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize(("initialiser", "law"), [(xavier_normal, normal), (xavier_uniform, uniform)])
@pytest.mark.parametrize("gain", [0.1, 5 / 3, 100])
def test_gain_multiplies_the_deviation(initialiser: Initialiser, law: Callable[[float], Law], gain: float) -> None:
    shape = (100, 250)
    assert_follows(initialiser(shape, gain, seeded()), law(gain * law_of(initialiser, shape).scale))


@pytest.mark.parametrize("initialiser", INITIALISERS)
def test_randomness_comes_from_the_generator(initialiser: Initialiser) -> None:
    shape, generator, before = (100, 200), seeded(), torch.get_rng_state()
    first, second = (initialiser(shape, generator=generator) for _ in range(2))
    assert torch.equal(torch.get_rng_state(), before)
    assert_unrelated(first, second, law_of(initialiser, shape))
    assert torch.equal(initialiser(shape, generator=seeded()), first)


@pytest.mark.parametrize("initialiser", INITIALISERS)
def test_without_a_generator_the_global_one_is_drawn_from(initialiser: Initialiser) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(3)
        first, second = initialiser((100, 200)), initialiser((100, 200))
        torch.manual_seed(3)
        assert torch.equal(initialiser((100, 200)), first)
    assert_unrelated(first, second, law_of(initialiser, (100, 200)))


@pytest.mark.parametrize("initialiser", INITIALISERS)
def test_weights_are_plain_float32(initialiser: Initialiser) -> None:
    kept = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    try:
        weight = initialiser([3, 1, 1], generator=seeded())
    finally:
        torch.set_default_dtype(kept)
    assert (weight.dtype, weight.shape, weight.requires_grad) == (torch.float32, (3, 1, 1), False)
    assert type(weight) is Tensor


@pytest.mark.parametrize("function", [fan_in_and_fan_out, *INITIALISERS])
@pytest.mark.parametrize(("shape", "count"), [((), 0), ((5,), 1), ([7], 1), (torch.Size([2]), 1)])
def test_a_weight_needs_two_dimensions(function: Callable[..., object], shape: tuple[int, ...], count: int) -> None:
    message = rf"shape=\(.*\): has {count} dimension\(s\), a weight needs \(out, in\) at least"
    with pytest.raises(ValueError, match=message):
        function(shape)


def test_defaults() -> None:
    functions: list[Callable[..., object]] = [*INITIALISERS, layer_variances]
    defaults = {f.__name__: [p.default for p in inspect.signature(f).parameters.values()][1:] for f in functions}
    assert defaults == {
        "xavier_normal": [1.0, None],
        "xavier_uniform": [1.0, None],
        "he_normal": [None],
        "he_uniform": [None],
        "lecun_uniform": [None],
        "layer_variances": [inspect.Parameter.empty, "relu"],
    }


# ---------------------------------------------------------------------------------------- standardize


def sample(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=seeded(seed), dtype=torch.float64)


@pytest.mark.parametrize("shape", [(5, 3), (2, 1), (64, 7)])
def test_standardize_is_torchs_batch_norm(shape: tuple[int, int]) -> None:
    x = sample(*shape)
    torch.testing.assert_close(standardize(x), F.batch_norm(x, None, None, training=True, eps=1e-30))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e4])
@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_standardize_at_every_scale(dtype: torch.dtype, scale: float, offset: float) -> None:
    x = (scale * (sample(50, 4) + offset)).to(dtype)
    y = standardize(x)
    assert y.dtype == dtype
    exact = x.double()
    expected = (exact - exact.mean(0)) / exact.std(0, correction=0)
    tolerance = 1e-4 if dtype == torch.float32 else 1e-9
    torch.testing.assert_close(y.double(), expected, rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.1, -0.3, 3333.3, 1e4, 1e-30, 0.0])
@pytest.mark.parametrize("count", [1, 2, 3, 7, 10, 49])
def test_equal_values_are_exactly_zero(dtype: torch.dtype, value: float, count: int) -> None:
    x = torch.full((count, 2), value, dtype=dtype)
    x[:, 1] = torch.arange(count)
    y = standardize(x.requires_grad_())
    assert y[:, 0].tolist() == [0.0] * count
    assert count == 1 or y[:, 1].std(correction=0).item() == pytest.approx(1)
    (grad,) = torch.autograd.grad(y.sum(), x)
    assert torch.isfinite(grad).all()


def test_the_computed_deviation_of_equal_values_need_not_be_zero() -> None:
    assert torch.full((49, 1), 0.1).std(0, correction=0) > 0


def test_standardize_agrees_with_finite_differences() -> None:
    assert torch.autograd.gradcheck(standardize, (sample(6, 3).requires_grad_(),))


def test_standardize_by_hand() -> None:
    x = torch.tensor([[1.0, 5.0], [3.0, 5.0]])
    assert standardize(x).tolist() == [[-1.0, 0.0], [1.0, 0.0]]
    assert x.tolist() == [[1.0, 5.0], [3.0, 5.0]]


# ------------------------------------------------------------------------------------ layer_variances


@pytest.mark.parametrize(
    ("activation", "module"), [("linear", nn.Identity()), ("relu", nn.ReLU()), ("tanh", nn.Tanh())]
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_variances_are_those_of_a_network_of_modules(activation: str, module: nn.Module, dtype: torch.dtype) -> None:
    x, weights = sample(20, 3).to(dtype), [w.to(dtype) for w in (sample(5, 3), sample(4, 5), sample(1, 4))]
    h, expected = x.double(), []
    for weight in weights:
        h = F.linear(h, weight.double())
        expected.append(h.square().mean().item() - h.mean().item() ** 2)
        h = module(h)
    variances = layer_variances(x, weights, activation)
    assert all(type(value) is float for value in variances)
    assert variances == pytest.approx(expected, rel=1e-4 if dtype == torch.float32 else 1e-9)


def test_variances_by_hand() -> None:
    x, weights = torch.tensor([[1.0], [-1.0]]), [torch.tensor([[2.0]]), torch.tensor([[3.0]])]
    assert layer_variances(x, weights, "linear") == [4.0, 36.0]
    assert layer_variances(x, weights) == [4.0, 9.0]
    assert layer_variances(x, []) == []
    assert layer_variances(x[:1], weights) == [0.0, 0.0]


def test_he_keeps_the_variance_through_relu() -> None:
    x, generator = sample(500, 200).float(), seeded(1)
    weights = [he_normal((200, 200), generator=generator) for _ in range(10)]
    assert all(0.8 < variance < 4 for variance in layer_variances(x, weights))
    weights = [xavier_normal((200, 200), generator=generator) for _ in range(10)]
    assert layer_variances(x, weights)[-1] < 0.01
    assert all(0.6 < variance < 1.4 for variance in layer_variances(x, weights, "linear"))


@pytest.mark.parametrize("weights", [[], [torch.eye(2)]])
def test_another_activation_is_refused(weights: list[Tensor]) -> None:
    with pytest.raises(ValueError, match="activation='sigmoid': must be one of linear, relu, tanh"):
        layer_variances(torch.eye(2), weights, "sigmoid")
