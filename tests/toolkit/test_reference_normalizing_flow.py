"""The model solution against PyTorch's distributions, Jacobians by autograd, integrals, and its messages."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal

from reference.normalizing_flow import (
    affine_forward,
    affine_inverse,
    coupling_forward,
    coupling_inverse,
    flow_log_prob,
    flow_nll,
    flow_sample,
    standard_normal_log_prob,
)

Layers = list[dict[str, Any]]


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def affine(d: int, seed: int = 1) -> dict[str, Any]:
    return {"type": "affine", "log_scale": normal(d, seed=seed, scale=0.5), "shift": normal(d, seed=seed + 1)}


def coupling(d: int, seed: int = 3) -> dict[str, Any]:
    return {"type": "coupling", "w": normal(d // 2, d, seed=seed), "b": normal(d, seed=seed + 1)}


FLIP: dict[str, Any] = {"type": "flip"}


def deep(d: int) -> Layers:
    return [affine(d), coupling(d), FLIP, coupling(d, seed=5), affine(d, seed=7)]


def log_dets_by_autograd(function: Any, x: Tensor) -> Tensor:
    """Log absolute determinants of the Jacobian of ``function`` on one row, for every row of ``x``."""
    jacobians = [torch.autograd.functional.jacobian(lambda row: function(row[None])[0], row) for row in x]
    return torch.stack([torch.linalg.slogdet(jacobian).logabsdet for jacobian in jacobians])


@pytest.mark.parametrize("shape", [(1, 1), (4, 1), (1, 3), (5, 4)])
def test_latent_density_is_torchs_normal(shape: tuple[int, int]) -> None:
    z = normal(*shape, scale=3.0)
    expected = Normal(torch.zeros_like(z), torch.ones_like(z)).log_prob(z).sum(dim=-1)
    torch.testing.assert_close(standard_normal_log_prob(z), expected)


def test_latent_density_at_the_origin_and_far_away() -> None:
    z = torch.zeros(1, 2)
    assert standard_normal_log_prob(z).item() == pytest.approx(-math.log(2 * math.pi))
    assert standard_normal_log_prob(z + 1e4).item() == pytest.approx(-1e8)


@pytest.mark.parametrize("shape", [(1, 1), (3, 1), (4, 5)])
def test_affine_log_det_is_that_of_autograds_jacobian(shape: tuple[int, int]) -> None:
    x, layer = normal(*shape), affine(shape[1])
    _, log_det = affine_forward(x, layer["log_scale"], layer["shift"])
    expected = log_dets_by_autograd(lambda row: affine_forward(row, layer["log_scale"], layer["shift"])[0], x)
    torch.testing.assert_close(log_det, expected)


@pytest.mark.parametrize("shape", [(1, 2), (3, 4), (4, 6)])
def test_coupling_log_det_is_that_of_autograds_jacobian(shape: tuple[int, int]) -> None:
    x, layer = normal(*shape), coupling(shape[1])
    _, log_det = coupling_forward(x, layer["w"], layer["b"])
    expected = log_dets_by_autograd(lambda row: coupling_forward(row, layer["w"], layer["b"])[0], x)
    torch.testing.assert_close(log_det, expected)


@pytest.mark.parametrize("shape", [(1, 2), (3, 4), (4, 6)])
def test_inverses_undo_the_layers(shape: tuple[int, int]) -> None:
    x, scaled, coupled = normal(*shape), affine(shape[1]), coupling(shape[1])
    z, _ = affine_forward(x, scaled["log_scale"], scaled["shift"])
    torch.testing.assert_close(affine_inverse(z, scaled["log_scale"], scaled["shift"]), x)
    z, _ = coupling_forward(x, coupled["w"], coupled["b"])
    torch.testing.assert_close(coupling_inverse(z, coupled["w"], coupled["b"]), x)


def test_affine_by_hand() -> None:
    x, log_scale, shift = torch.tensor([[1.0, -2.0]]), torch.tensor([0.0, math.log(3.0)]), torch.tensor([0.5, 1.0])
    z, log_det = affine_forward(x, log_scale, shift)
    assert z.flatten().tolist() == pytest.approx([1.5, -5.0])
    assert log_det.tolist() == pytest.approx([math.log(3.0)])


def test_coupling_by_hand() -> None:
    w, b = torch.tensor([[1.0, 2.0]]), torch.tensor([0.0, -1.0])
    z, log_det = coupling_forward(torch.tensor([[0.5, 3.0]]), w, b)
    assert z.flatten().tolist() == pytest.approx([0.5, 3 * math.exp(math.tanh(0.5))])
    assert log_det.tolist() == pytest.approx([math.tanh(0.5)])


@pytest.mark.parametrize("d", [2, 4])
def test_flow_density_is_that_of_autograds_jacobian(d: int) -> None:
    x, layers = normal(5, d), deep(d)

    def forward(row: Tensor) -> Tensor:
        for layer in layers:
            if layer["type"] == "affine":
                row, _ = affine_forward(row, layer["log_scale"], layer["shift"])
            elif layer["type"] == "coupling":
                row, _ = coupling_forward(row, layer["w"], layer["b"])
            else:
                row = row.flip(-1)
        return row

    expected = standard_normal_log_prob(forward(x)) + log_dets_by_autograd(forward, x)
    torch.testing.assert_close(flow_log_prob(x, layers), expected)
    torch.testing.assert_close(flow_nll(x, layers), -expected.mean())
    torch.testing.assert_close(flow_sample(forward(x), layers), x)


def test_density_of_one_affine_layer_is_a_normal_density() -> None:
    x = normal(6, 1)
    layers = [{"type": "affine", "log_scale": torch.tensor([-0.7]).double(), "shift": torch.tensor([2.0]).double()}]
    scale = math.exp(0.7)
    expected = Normal(-2 * scale, scale).log_prob(x).flatten()
    torch.testing.assert_close(flow_log_prob(x, layers), expected)


def test_density_integrates_to_one() -> None:
    axis = torch.linspace(-30, 30, 601, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    layers = [{"type": "affine", "log_scale": normal(2, seed=1, scale=0.3), "shift": normal(2)}, coupling(2), FLIP]
    mass = flow_log_prob(grid, layers).exp().sum() * (axis[1] - axis[0]) ** 2
    assert mass.item() == pytest.approx(1.0, abs=1e-6)


def test_no_layers_are_the_identity_and_a_copy() -> None:
    z = normal(3, 3)
    torch.testing.assert_close(flow_log_prob(z, []), standard_normal_log_prob(z))
    x = flow_sample(z, [])
    assert torch.equal(x, z)
    x.zero_()
    assert z.abs().min() > 0


def test_a_trained_affine_layer_finds_the_normal_that_fits() -> None:
    x = normal(200, 2, scale=0.5) + 2
    leaves = [torch.zeros(2, dtype=torch.float64, requires_grad=True) for _ in range(2)]
    layers: Layers = [{"type": "affine", "log_scale": leaves[0], "shift": leaves[1]}]
    optimizer = torch.optim.Adam(leaves, lr=0.1)
    for _ in range(400):
        optimizer.zero_grad()
        flow_nll(x, layers).backward()
        optimizer.step()
    entropy = 1 + math.log(2 * math.pi) + x.std(dim=0, correction=0).log().sum().item()
    assert flow_nll(x, layers).item() == pytest.approx(entropy, abs=1e-4)


def test_gradients_agree_with_finite_differences() -> None:
    leaves = [part.requires_grad_() for part in (normal(3, 4), normal(4, seed=1), normal(4, seed=2))]
    assert torch.autograd.gradcheck(affine_forward, leaves)
    assert torch.autograd.gradcheck(affine_inverse, leaves)
    leaves = [leaves[0], normal(2, 4, seed=3).requires_grad_(), leaves[2]]
    assert torch.autograd.gradcheck(coupling_forward, leaves)
    assert torch.autograd.gradcheck(coupling_inverse, leaves)
    layers = deep(4)
    assert torch.autograd.gradcheck(lambda x: flow_log_prob(x, layers), leaves[0])
    assert torch.autograd.gradcheck(lambda z: flow_sample(z, layers), leaves[0])


def test_results_have_the_dtype_of_the_first_argument() -> None:
    x, layers = normal(3, 4).float(), deep(4)
    scaled, coupled = layers[0], layers[1]
    results = [
        *affine_forward(x, scaled["log_scale"], scaled["shift"]),
        affine_inverse(x, scaled["log_scale"], scaled["shift"]),
        *coupling_forward(x, coupled["w"], coupled["b"]),
        coupling_inverse(x, coupled["w"], coupled["b"]),
        flow_log_prob(x, layers),
        flow_sample(x, layers),
        flow_nll(x, layers),
    ]
    assert {part.dtype for part in results} == {torch.float32}


def test_large_inputs_stay_finite() -> None:
    x = torch.tensor([[1e4, -1e4]])
    z, log_det = affine_forward(x, torch.tensor([-1e4, -1e4]), torch.ones(2))
    assert z.tolist() == [[1.0, 1.0]]
    assert log_det.tolist() == [-2e4]
    z, log_det = coupling_forward(x, torch.full((1, 2), 1e4), torch.zeros(2))
    assert torch.isfinite(z).all()
    assert log_det.tolist() == [1.0]
    assert torch.isfinite(coupling_inverse(x, torch.full((1, 2), 1e4), torch.zeros(2))).all()


@pytest.mark.parametrize("d", [1, 3])
def test_a_coupling_needs_two_halves(d: int) -> None:
    x, w, b = torch.ones(2, d), torch.ones(d // 2, d), torch.ones(d)
    layers = [FLIP, {"type": "coupling", "w": w, "b": b}]
    message = rf"x of shape \(2, {d}\) has an odd number of features, d={d}: .* d must be even"
    for call in (lambda: coupling_forward(x, w, b), lambda: flow_log_prob(x, layers), lambda: flow_nll(x, layers)):
        with pytest.raises(ValueError, match=message):
            call()
    for call in (lambda: coupling_inverse(x, w, b), lambda: flow_sample(x, layers)):
        with pytest.raises(ValueError, match=rf"z of shape \(2, {d}\) has an odd number of features, d={d}"):
            call()


@pytest.mark.parametrize("layer", [{"type": "spline"}, {}, {"type": None, "log_scale": torch.ones(2)}])
@pytest.mark.parametrize("place", [0, 1])
def test_an_unknown_layer_is_named(layer: dict[str, Any], place: int) -> None:
    layers = [affine(2)]
    layers.insert(place, layer)
    for function in (flow_log_prob, flow_sample, flow_nll):
        with pytest.raises(ValueError, match=rf"unknown layer type {layer.get('type')!r}: it must be 'affine', "):
            function(normal(3, 2), layers)
