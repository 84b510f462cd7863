"""The model solution against PyTorch's own operators, autograd, numbers by hand, and its messages."""

# ruff: noqa: N806 - the slides' names: A, W, S
from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.backprop import (
    linear_backward,
    linear_forward,
    mlp_forward,
    mlp_loss_and_grads,
    relu,
    relu_backward,
    sgd_step,
    sigmoid,
    sigmoid_backward,
    softmax_cross_entropy,
)

SIZES = [(4, 3, 2), (1, 1, 1), (1, 3, 2), (5, 1, 4), (2, 6, 1)]
DEPTHS = [(3, 2), (3, 4, 2), (1, 1, 1), (3, 5, 4, 2), (2, 2, 2, 2, 2)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def network(widths: tuple[int, ...], count: int = 6) -> tuple[Tensor, Tensor, list[tuple[Tensor, Tensor]]]:
    targets = torch.randint(0, widths[-1], (count,), generator=torch.Generator().manual_seed(1))
    params = [(normal(out, into, seed=out), normal(out, seed=into)) for into, out in pairwise(widths)]
    return normal(count, widths[0]), targets, params


def through_torch(x: Tensor, params: list[tuple[Tensor, Tensor]]) -> Tensor:
    for A, b in params[:-1]:
        x = F.relu(F.linear(x, A, b))
    return F.linear(x, *params[-1])


@pytest.mark.parametrize(("count", "into", "out"), SIZES)
def test_linear_layer_is_torchs(count: int, into: int, out: int) -> None:
    x, A, b = normal(count, into), normal(out, into, seed=1), normal(out, seed=2)
    torch.testing.assert_close(linear_forward(x, A, b), F.linear(x, A, b))


@pytest.mark.parametrize(("count", "into", "out"), SIZES)
def test_linear_gradients_are_autograds(count: int, into: int, out: int) -> None:
    leaves = [part.requires_grad_() for part in (normal(count, into), normal(out, into, seed=1), normal(out, seed=2))]
    grad_z = normal(count, out, seed=3)
    expected = torch.autograd.grad(F.linear(*leaves), leaves, grad_z)
    got = linear_backward(grad_z, leaves[0].detach(), leaves[1].detach())
    torch.testing.assert_close(got, expected)


@pytest.mark.parametrize("shape", [(3, 4), (1,), (2, 1, 3), (2, 3, 1, 2)])
def test_activations_are_torchs(shape: tuple[int, ...]) -> None:
    z, grad_a = (3 * normal(*shape)).requires_grad_(), normal(*shape, seed=1)
    torch.testing.assert_close(relu(z), F.relu(z))
    torch.testing.assert_close(sigmoid(z), torch.sigmoid(z))
    (of_relu,) = torch.autograd.grad(F.relu(z), z, grad_a)
    (of_sigmoid,) = torch.autograd.grad(torch.sigmoid(z), z, grad_a)
    torch.testing.assert_close(relu_backward(grad_a, z.detach()), of_relu)
    torch.testing.assert_close(sigmoid_backward(grad_a, torch.sigmoid(z.detach())), of_sigmoid)


def test_relu_has_slope_zero_at_zero() -> None:
    z = torch.tensor([0.0, -0.0, 1e-30, -1e-30])
    assert relu_backward(torch.full((4,), 7.0), z).tolist() == [0.0, 0.0, 7.0, 0.0]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_large_numbers_saturate_the_sigmoid(dtype: torch.dtype) -> None:
    a = sigmoid(torch.tensor([1e4, -1e4, 1e3, -1e3], dtype=dtype))
    assert a.tolist() == [1.0, 0.0, 1.0, 0.0]
    assert sigmoid_backward(torch.full_like(a, 1e4), a).tolist() == [0.0] * 4


@pytest.mark.parametrize("shape", [(5, 3), (1, 4), (3, 1), (1, 1), (2, 7)])
def test_cross_entropy_is_torchs(shape: tuple[int, int]) -> None:
    logits = (3 * normal(*shape)).requires_grad_()
    targets = torch.randint(0, shape[1], (shape[0],), generator=torch.Generator().manual_seed(1))
    expected = F.cross_entropy(logits, targets)
    (grad,) = torch.autograd.grad(expected, logits)
    got = softmax_cross_entropy(logits.detach(), targets)
    torch.testing.assert_close(got, (expected.detach(), grad))


def test_cross_entropy_by_hand() -> None:
    logits = torch.tensor([[0.0, torch.tensor(3.0).log()], [0.0, 0.0]], dtype=torch.float64)
    loss, grad = softmax_cross_entropy(logits, torch.tensor([1, 0]))
    assert loss.item() == pytest.approx(torch.tensor([4 / 3, 2.0], dtype=torch.float64).log().mean().item())
    assert grad.flatten().tolist() == pytest.approx([0.125, -0.125, -0.25, 0.25])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_cross_entropy_of_large_logits(dtype: torch.dtype) -> None:
    logits = torch.tensor([[1e4, -1e4], [-1e4, -1e4], [1e4, 1e4 - 1]], dtype=dtype)
    loss, grad = softmax_cross_entropy(logits, torch.tensor([1, 0, 1]))
    expected = F.cross_entropy(logits.double(), torch.tensor([1, 0, 1]))
    torch.testing.assert_close(loss.double(), expected, rtol=1e-6, atol=0)
    assert grad.isfinite().all()
    assert grad.sum(1).abs().max() < 1e-6


@pytest.mark.parametrize("target", [-1, -3, -100, 3, 4, 10**6])
@pytest.mark.parametrize("place", [0, 1])
def test_targets_outside_the_classes_are_refused(target: int, place: int) -> None:
    targets = torch.tensor([0, 2])
    targets[place] = target
    message = rf"targets hold {target}: with 3 class\(es\) each must be in \[0, 3\)"
    with pytest.raises(ValueError, match=message):
        softmax_cross_entropy(torch.zeros(2, 3), targets)
    with pytest.raises(ValueError, match=message):
        mlp_loss_and_grads(torch.ones(2, 4), targets, [(torch.ones(3, 4), torch.zeros(3))])


@pytest.mark.parametrize("widths", DEPTHS)
def test_network_is_torchs(widths: tuple[int, ...]) -> None:
    x, _, params = network(widths)
    torch.testing.assert_close(mlp_forward(x, params), through_torch(x, params))


@pytest.mark.parametrize("widths", DEPTHS)
@pytest.mark.parametrize("count", [1, 6])
def test_network_gradients_are_autograds(widths: tuple[int, ...], count: int) -> None:
    x, targets, params = network(widths, count)
    leaves = [part.requires_grad_() for pair in params for part in pair]
    expected = F.cross_entropy(through_torch(x, params), targets)
    grads = torch.autograd.grad(expected, leaves)
    loss, got = mlp_loss_and_grads(x, targets, [(A.detach(), b.detach()) for A, b in params])
    torch.testing.assert_close(loss, expected.detach())
    torch.testing.assert_close([part for pair in got for part in pair], list(grads))


def test_network_gradients_agree_with_finite_differences() -> None:
    x, targets, params = network((3, 4, 2), count=3)
    _, grads = mlp_loss_and_grads(x, targets, params)
    for layer, pair in enumerate(params):
        for part, parameter in enumerate(pair):
            for place in range(parameter.numel()):
                around = []
                for step in (1e-6, -1e-6):
                    copies = [(A.clone(), b.clone()) for A, b in params]
                    copies[layer][part].view(-1)[place] += step
                    around.append(mlp_loss_and_grads(x, targets, copies)[0].item())
                slope = (around[0] - around[1]) / 2e-6
                assert grads[layer][part].flatten()[place].item() == pytest.approx(slope, abs=1e-7)


def test_sixteen_parameters_by_hand() -> None:
    """Boudart's network, with the square loss at y = 3."""
    x = torch.tensor([[1.0, 2.0, -1.0]])
    W1, b1 = torch.tensor([[1.0, 1.0, 0.0], [0.0, 1.0, -1.0]]), torch.tensor([0.0, -1.0])
    W2, b2 = torch.tensor([[1.0, -2.0], [1.0, -1.0]]), torch.tensor([0.0, 1.0])
    W3, b3 = torch.tensor([[3.0, 2.0]]), torch.zeros(1)
    h1 = linear_forward(x, W1, b1)
    h2 = linear_forward(relu(h1), W2, b2)
    S = linear_forward(relu(h2), W3, b3)
    assert (h1.tolist(), h2.tolist(), S.item()) == ([[3.0, 2.0]], [[-1.0, 2.0]], 4.0)
    grad, grad_W3, _ = linear_backward(S - 3, relu(h2), W3)
    grad, grad_W2, grad_b2 = linear_backward(relu_backward(grad, h2), relu(h1), W2)
    grad, grad_W1, grad_b1 = linear_backward(relu_backward(grad, h1), x, W1)
    assert grad_W3.tolist() == [[0.0, 2.0]]
    assert (grad_W2.tolist(), grad_b2.tolist()) == ([[0.0, 0.0], [6.0, 4.0]], [0.0, 2.0])
    assert (grad_W1.tolist(), grad_b1.tolist()) == ([[2.0, 4.0, -2.0], [-2.0, -4.0, 2.0]], [2.0, -2.0])
    assert grad.tolist() == [[2.0, 0.0, 2.0]]


def test_silent_units_have_no_gradient() -> None:
    x, targets, params = network((3, 4, 2))
    params[0][0][1], params[0][1][1] = 0, 0
    _, grads = mlp_loss_and_grads(x, targets, params)
    assert grads[0][0][1].tolist() == [0.0] * 3
    assert grads[0][1][1].item() == 0.0


@pytest.mark.parametrize("magnitude", [1.0, 1e4])
def test_large_networks_stay_finite(magnitude: float) -> None:
    x, targets, params = network((3, 4, 2))
    large = [((magnitude * A).float(), (magnitude * b).float()) for A, b in params]
    loss, grads = mlp_loss_and_grads((1e4 * x).float(), targets, large)
    assert all(part.isfinite().all() for part in (loss, *(part for pair in grads for part in pair)))


def test_step_moves_against_the_gradient() -> None:
    params = [(torch.tensor([[1.0, 2.0]]), torch.tensor([3.0])), (torch.tensor([[4.0]]), torch.tensor([5.0]))]
    grads = [(torch.tensor([[10.0, -10.0]]), torch.tensor([2.0])), (torch.tensor([[0.0]]), torch.tensor([-2.0]))]
    new = sgd_step(params, grads, 0.5)
    assert [[part.tolist() for part in pair] for pair in new] == [[[[-4.0, 7.0]], [2.0]], [[[4.0]], [6.0]]]
    assert params[0][0].tolist() == [[1.0, 2.0]]
    new[1][0].zero_()
    assert params[1][0].item() == 4.0


@pytest.mark.parametrize("lr", [0, 0.0, -0.1, -1])
def test_a_rate_that_does_not_descend_is_refused(lr: float) -> None:
    with pytest.raises(ValueError, match=f"lr={lr}: the learning rate must be above 0, such as 0.1"):
        sgd_step([], [], lr)


def test_gradient_descent_reaches_the_minimum() -> None:
    x, targets, params = network((3, 8, 2))
    first, _ = mlp_loss_and_grads(x, targets, params)
    for _ in range(200):
        loss, grads = mlp_loss_and_grads(x, targets, params)
        params = sgd_step(params, grads, 0.1)
    assert loss < 0.05 * first


def single(function: Callable[..., Tensor | tuple[Tensor, ...]], *arguments: Tensor) -> set[torch.dtype]:
    got = function(*arguments)
    return {part.dtype for part in (got if isinstance(got, tuple) else (got,))}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_results_have_the_dtype_of_the_first_argument(dtype: torch.dtype) -> None:
    other = torch.float64 if dtype == torch.float32 else torch.float32
    one, rest, bias = normal(2, 2).to(dtype), normal(2, 2).to(other), normal(2).to(other)
    assert single(linear_forward, one, rest, bias) == {dtype}
    assert single(linear_backward, one, rest, rest) == {dtype}
    assert single(relu_backward, one, rest) == single(sigmoid_backward, one, rest) == {dtype}
    assert single(softmax_cross_entropy, one, torch.tensor([0, 1])) == {dtype}
    loss, grads = mlp_loss_and_grads(one, torch.tensor([0, 1]), [(rest, bias)] * 2)
    assert {loss.dtype, mlp_forward(one, [(rest, bias)]).dtype} == {dtype}
    assert {part.dtype for pair in grads for part in pair} == {dtype}
    assert {part.dtype for part in sgd_step([(one, one[0])], [(rest, bias)], 0.1)[0]} == {dtype}
