"""The model solution against PyTorch's own layers, float64 gradients, the slides' algorithms, and its messages."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference.batchnorm import (
    BatchNorm,
    batch_norm_backward,
    batch_norm_forward,
    batch_norm_inference,
    update_running_stats,
)

SHAPES = [(5, 3), (2, 1), (4, 3, 2, 5), (1, 2, 3, 3), (3, 4, 1, 1)]
TWO_NEEDED = r"x of shape \({}\) has {} value\(s\) per channel; batch statistics need at least 2"


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def affine(channels: int) -> tuple[Tensor, Tensor]:
    return normal(channels, seed=1), normal(channels, seed=2)


def every_dim_but_channels(x: Tensor) -> tuple[int, ...]:
    return (0, *range(2, x.dim()))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_forward_is_torchs_batch_norm(shape: tuple[int, ...], eps: float) -> None:
    x, (gamma, beta) = normal(*shape), affine(shape[1])
    y, mean, var = batch_norm_forward(x, gamma, beta, eps)
    torch.testing.assert_close(y, F.batch_norm(x, None, None, gamma, beta, training=True, eps=eps))
    expected_var, expected_mean = torch.var_mean(x, dim=every_dim_but_channels(x), correction=0)
    torch.testing.assert_close((mean, var), (expected_mean, expected_var))


@pytest.mark.parametrize("shape", [*SHAPES, (1, 3), (1, 3, 1, 1)])
def test_inference_is_torchs_batch_norm(shape: tuple[int, ...]) -> None:
    x, (gamma, beta) = normal(*shape), affine(shape[1])
    mean, var = normal(shape[1], seed=3), normal(shape[1], seed=4) ** 2
    y = batch_norm_inference(x, gamma, beta, mean, var)
    torch.testing.assert_close(y, F.batch_norm(x, mean, var, gamma, beta, training=False))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("eps", [1e-5, 0.5])
def test_backward_is_autograds(shape: tuple[int, ...], eps: float) -> None:
    leaves = [part.requires_grad_() for part in (normal(*shape), *affine(shape[1]))]
    grad_y = normal(*shape, seed=5)
    y = F.batch_norm(leaves[0], None, None, leaves[1], leaves[2], training=True, eps=eps)
    expected = torch.autograd.grad(y, leaves, grad_y)
    got = batch_norm_backward(grad_y, leaves[0].detach(), leaves[1].detach(), eps)
    torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-9)


def test_gradients_agree_with_finite_differences() -> None:
    x, (gamma, beta) = normal(3, 2, 2, 2), affine(2)
    leaves = tuple(part.requires_grad_() for part in (x, gamma, beta))
    statistics = normal(2, seed=3), normal(2, seed=4) ** 2 + 0.1
    assert torch.autograd.gradcheck(batch_norm_forward, leaves)
    assert torch.autograd.gradcheck(lambda x, gamma, beta: batch_norm_inference(x, gamma, beta, *statistics), leaves)
    assert torch.autograd.gradcheck(batch_norm_backward, (normal(3, 2, 2, 2, seed=6).requires_grad_(), x, gamma))


def test_gradients_of_constant_channels_are_finite() -> None:
    x = torch.full((4, 2), 3.0, requires_grad=True)
    y, _, _ = batch_norm_forward(x, torch.ones(2), torch.zeros(2))
    (grad,) = torch.autograd.grad(y, x, torch.randn(4, 2, generator=torch.Generator().manual_seed(0)))
    assert torch.isfinite(grad).all()


def test_eps_stands_inside_the_root() -> None:
    x = torch.tensor([[-1.0], [1.0]], dtype=torch.float64)
    one, zero = torch.ones(1, dtype=torch.float64), torch.zeros(1, dtype=torch.float64)
    assert batch_norm_forward(x, one, zero, 3.0)[0].tolist() == [[-0.5], [0.5]]
    assert batch_norm_inference(x, one, zero, zero, one, 3.0).tolist() == [[-0.5], [0.5]]


@pytest.mark.parametrize("spread", [1e-2, 1.0, 10.0])
def test_variance_is_accurate_far_from_zero(spread: float) -> None:
    x = (spread * (1000 + normal(50, 4))).float()
    _, mean, var = batch_norm_forward(x, torch.ones(4), torch.zeros(4))
    exact = x.double().var(dim=0, correction=0)
    torch.testing.assert_close(var.double(), exact, rtol=1e-4, atol=0)
    naive = (x * x).mean(dim=0) - mean * mean
    assert ((naive - exact) / exact).abs().max() > 1e-3


@pytest.mark.parametrize("magnitude", [1e-4, 1e4])
def test_large_and_tiny_inputs_stay_finite(magnitude: float) -> None:
    x = (magnitude * normal(6, 3)).float()
    ones, zeros = torch.ones(3), torch.zeros(3)
    results = (
        *batch_norm_forward(x, ones, zeros),
        *batch_norm_backward(x, x, ones),
        batch_norm_inference(x, ones, zeros, zeros, zeros),
    )
    assert all(torch.isfinite(part).all() for part in results)


def test_results_have_the_dtype_of_the_first_argument() -> None:
    x, (gamma, beta) = normal(4, 3).float(), affine(3)
    statistics = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    results = [
        *batch_norm_forward(x, gamma, beta),
        batch_norm_inference(x, gamma, beta, *statistics),
        *batch_norm_backward(x, x.double(), gamma),
        *update_running_stats(gamma.float(), beta.float(), *statistics),
    ]
    assert {part.dtype for part in results} == {torch.float32}


def test_running_statistics_follow_the_slides() -> None:
    old, batch = (torch.tensor([1.0]), torch.tensor([4.0])), (torch.tensor([3.0]), torch.tensor([8.0]))
    assert [part.item() for part in update_running_stats(*old, *batch, 0.25)] == [1.5, 5.0]
    assert [part.item() for part in update_running_stats(*old, *batch)] == pytest.approx([1.2, 4.4])
    assert (old[0].item(), batch[0].item()) == (1.0, 3.0)
    moved = update_running_stats(*old, *batch, momentum=1.0)
    moved[0].zero_()
    assert batch[0].item() == 3.0


def test_gradients_reach_all_four_statistics_by_their_weights() -> None:
    leaves = [torch.ones(2, requires_grad=True) for _ in range(4)]
    new_mean, new_var = update_running_stats(leaves[0], leaves[1], leaves[2], leaves[3], momentum=0.25)
    (new_mean.sum() + 2 * new_var.sum()).backward()
    weights = [leaf.grad.tolist() for leaf in leaves if leaf.grad is not None]
    assert weights == [[0.75, 0.75], [1.5, 1.5], [0.25, 0.25], [0.5, 0.5]]


def test_eps_may_be_zero() -> None:
    x, (gamma, beta) = 1e-4 * normal(6, 3), affine(3)
    mean, var = x.mean(0), x.var(0, correction=0)
    expected = gamma * (x - mean) / var.sqrt() + beta
    torch.testing.assert_close(batch_norm_forward(x, gamma, beta, 0.0)[0], expected)
    torch.testing.assert_close(batch_norm_inference(x, gamma, beta, mean, var, 0.0), expected)
    assert batch_norm_backward(x, x, gamma, 0.0)[0].isfinite().all()


def test_gradient_of_three_values_by_hand() -> None:
    column = torch.tensor([[-1.0], [0.0], [1.0]], dtype=torch.float64)
    grad_y = torch.tensor([[1.0], [0.0], [0.0]], dtype=torch.float64)
    gradients = batch_norm_backward(grad_y, column, torch.tensor([2.0], dtype=torch.float64), 0.0)
    assert (gradients[0].flatten() * math.sqrt(6)).tolist() == pytest.approx([1, -2, 1])
    assert gradients[1].item() == pytest.approx(-math.sqrt(1.5))
    assert gradients[2].item() == 1.0


@pytest.mark.parametrize("shape", [(6, 3), (2, 3, 2, 4)])
def test_layer_is_torchs_but_for_the_running_variance(shape: tuple[int, ...]) -> None:
    ours, theirs = BatchNorm(3).double(), (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(3).double()
    for seed in range(3):
        x = normal(*shape, seed=seed)
        torch.testing.assert_close(ours(x), theirs(x))
    torch.testing.assert_close(ours.running_mean, theirs.running_mean)
    count = shape[0] * math.prod(shape[2:])
    decay = 0.9**3  # of the initial variance, which no correction touches
    biased = (theirs.running_var - decay) * (count - 1) / count + decay  # type: ignore[operator]
    torch.testing.assert_close(ours.running_var, biased)


def test_layer_in_evaluation_changes_nothing() -> None:
    layer = BatchNorm(2, eps=1.0, momentum=1.0)
    layer(torch.tensor([[0.0, 1.0], [4.0, 3.0]]))
    layer.eval()
    state = {name: value.clone() for name, value in layer.state_dict().items()}
    y = layer(torch.tensor([[2.0, 2.0]]))
    assert y.tolist() == [[0.0, 0.0]]
    assert sorted(state) == ["beta", "gamma", "running_mean", "running_var"]
    for name, value in layer.state_dict().items():
        assert torch.equal(value, state[name])


def test_layer_keeps_no_graph() -> None:
    layer = BatchNorm(2)
    x = normal(4, 2).float().requires_grad_()
    for _ in range(2):
        layer(x).square().sum().backward()  # a graph kept from the first call would be gone in the second
    assert not layer.running_mean.requires_grad
    assert not layer.running_var.requires_grad
    assert layer.gamma.grad is not None


@pytest.mark.parametrize(
    ("shape", "count"), [((1, 3), 1), ((1, 3, 1, 1), 1), ((0, 3), 0), ((0, 3, 2, 2), 0), ((2, 3, 0, 1), 0)]
)
def test_batch_statistics_need_two_values(shape: tuple[int, ...], count: int) -> None:
    x, ones = torch.ones(shape), torch.ones(3)
    message = TWO_NEEDED.format(", ".join(map(str, shape)), count)
    with pytest.raises(ValueError, match=message):
        batch_norm_forward(x, ones, ones)
    with pytest.raises(ValueError, match=message):
        batch_norm_backward(x, x, ones)
    with pytest.raises(ValueError, match=message):
        BatchNorm(3)(x)


@pytest.mark.parametrize("training", [True, False])
def test_layer_names_a_wrong_number_of_channels(*, training: bool) -> None:
    layer = BatchNorm(3).train(training)
    with pytest.raises(ValueError, match=r"x of shape \(4, 1\) has 1 channel\(s\), this layer num_features=3"):
        layer(torch.ones(4, 1))
