"""Right answers to ``normalizing_flow`` in unusual dress: each must earn full marks."""

from __future__ import annotations

import functools
import math
import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from autograder.testing import variant
from reference import normalizing_flow as right


class Step(NamedTuple):
    z: torch.Tensor
    log_det: torch.Tensor


def _even(points, name):
    if points.shape[-1] % 2 != 0:
        raise ValueError(f"{name} must have an even number of columns")


# ------------------------------------------------------------------------- standard_normal_log_prob


@variant("standard_normal_log_prob")
def latent_by_einsum(z):
    return -torch.einsum("nd,nd->n", z, z) / 2 - z.size(1) / 2 * math.log(2 * math.pi)


@variant("standard_normal_log_prob")
def latent_feature_by_feature(z):
    """A loop over the features, allowed."""
    total = 0
    for feature in z.unbind(dim=1):
        total = total - feature * feature / 2 - np.log(2 * np.pi) / 2
    return total


@variant("standard_normal_log_prob")
def latent_by_norm_in_float64(z):
    wide = z.double()
    return (-0.5 * torch.linalg.norm(wide, dim=-1) ** 2 - wide.shape[-1] * math.log(math.sqrt(2 * math.pi))).to(z.dtype)


@variant("standard_normal_log_prob")
def latent_by_batched_products(z):
    squares = (z.unsqueeze(1) @ z.unsqueeze(2)).flatten()
    constant = torch.log(torch.tensor(2 * math.pi, dtype=z.dtype, device=z.device))
    return -0.5 * (squares + z.shape[1] * constant)


@variant("standard_normal_log_prob")
def latent_under_vmap(z):
    def one(row):
        return -0.5 * (row.dot(row) + row.numel() * math.log(2 * math.pi))

    return torch.vmap(one)(z)


@variant("standard_normal_log_prob")
def latent_by_gaussian_loss(z):
    """The loss of a normal law with variance 1, its constant included, is the negative log density."""
    zero, one = torch.zeros_like(z), torch.ones_like(z)
    return -nn.functional.gaussian_nll_loss(z, zero, one, full=True, reduction="none").sum(1)


# ------------------------------------------------------------------------------------ affine_forward


@variant("affine_forward")
def affine_with_an_expanded_log_det(x, log_scale, shift):
    """Every entry of log_det is the same place in memory; a named tuple of results."""
    z = torch.addcmul(shift.to(x.dtype), x, log_scale.to(x.dtype).exp())
    return Step(z, log_scale.sum().to(x.dtype).expand(x.shape[0]))


@variant("affine_forward")
def affine_as_a_list(x, log_scale, shift):
    scale = torch.diag(torch.exp(log_scale)).to(x.dtype)
    return [x @ scale + shift.to(x.dtype), x.new_ones(len(x)) * log_scale.sum().to(x.dtype)]


@variant("affine_forward")
def affine_in_float64(x, log_scale, shift):
    log_scale, shift = log_scale.double(), shift.double()
    z = x.double() * torch.exp(log_scale)[None, :] + shift[None, :]
    log_det = log_scale.expand_as(z).sum(dim=1)
    return z.type_as(x), log_det.type_as(x)


@variant("affine_forward")
def affine_by_logaddexp_free_powers(x, log_scale, shift):
    """The scale as a power of e, column by column, in a transposed result."""
    columns = [x[:, j] * math.e ** log_scale[j] + shift[j] for j in range(x.shape[1])]
    log_det = sum(log_scale[j] for j in range(x.shape[1])) + torch.zeros_like(x[:, 0])
    return torch.stack(columns).T.to(x.dtype), log_det.to(x.dtype)


@variant("affine_forward")
def affine_by_einsum(x, log_scale, shift):
    z = torch.einsum("nd,d->nd", x, log_scale.to(x).exp())
    z += shift
    return z, torch.zeros_like(x).add(log_scale.to(x.dtype)).sum(-1)


@variant("affine_forward")
def affine_by_expm1(x, log_scale, shift):
    """x plus what the scale adds to it."""
    z = x + x * torch.expm1(log_scale) + shift
    return z.to(x.dtype), (log_scale.mean() * len(log_scale)).to(x.dtype).repeat(x.size(0))


@variant("affine_forward")
def affine_with_a_printout(x, log_scale, shift):
    """Prints a tensor on the way, as one does when debugging."""
    sys.stdout.write(f"log_scale: {log_scale}, shift: {shift!r}\n")
    return right.affine_forward(x, log_scale, shift)


@variant("affine_forward")
def affine_by_a_diagonal_matrix(x, log_scale, shift):
    wide = torch.promote_types(torch.promote_types(x.dtype, log_scale.dtype), shift.dtype)
    z = x.to(wide) @ torch.diag(log_scale.to(wide).exp()) + shift.to(wide)
    return z.to(x.dtype), log_scale.to(wide).expand(len(x), -1).sum(dim=1).to(x.dtype)


# ------------------------------------------------------------------------------------ affine_inverse


@variant("affine_inverse")
def inverse_by_division(z, log_scale, shift):
    return z.sub(shift).div(log_scale.exp()).to(z.dtype)


@variant("affine_inverse")
def inverse_as_an_affine_map(z, log_scale, shift):
    """The inverse of an affine layer is one, too."""
    return right.affine_forward(z, -log_scale, -shift * torch.exp(-log_scale))[0]


@variant("affine_inverse")
def inverse_in_float64(z, log_scale, shift):
    return torch.mul(z.double() - shift.double(), torch.exp(log_scale.double()).reciprocal()).to(z)


@variant("affine_inverse")
def inverse_column_by_column(z, log_scale, shift):
    x = z.new_empty(z.shape[::-1]).T
    for j in range(z.shape[1]):
        x[:, j] = (z[:, j] - shift[j]) / torch.exp(log_scale[j])
    return x


@variant("affine_inverse")
def inverse_in_place_on_a_copy(z, log_scale, shift):
    x = z.clone()
    x -= shift
    x *= torch.exp(-log_scale)
    return x


# ---------------------------------------------------------------------------------- coupling_forward


@variant("coupling_forward")
def coupling_by_split(x, w, b):
    _even(x, "x")
    half = x.shape[1] // 2
    first, second = torch.split(x, half, dim=1)
    raw = torch.addmm(b.to(x.dtype), first, w.to(x.dtype))
    log_s, t = torch.tanh(raw[:, :half]), raw[:, half:]
    return Step(torch.hstack((first, torch.exp(log_s) * second + t)), torch.sum(log_s, 1))


@variant("coupling_forward")
def coupling_by_two_maps(x, w, b):
    """Scale and shift by a linear map each; the result is written into an empty tensor."""
    _even(x, "x")
    half = x.shape[1] // 2
    w, b = w.to(x.dtype), b.to(x.dtype)
    first = x[:, :half]
    log_s = torch.tanh(nn.functional.linear(first, w[:, :half].T, b[:half]))
    z = torch.empty_like(x)
    z[:, :half] = first
    z[:, half:] = x[:, half:] * log_s.exp() + nn.functional.linear(first, w[:, half:].T, b[half:])
    return [z, torch.einsum("nk->n", log_s)]


@variant("coupling_forward")
def coupling_by_slogdet(x, w, b):
    """Writes the Jacobian down, a triangular matrix per row, and asks for its determinant."""
    _even(x, "x")
    half = x.shape[1] // 2
    raw = x[:, :half] @ w.to(x.dtype) + b.to(x.dtype)
    log_s = torch.tanh(raw[:, :half])
    z = torch.cat((x[:, :half], x[:, half:] * log_s.exp() + raw[:, half:]), 1)
    jacobians = torch.diag_embed(torch.cat((torch.ones_like(log_s), log_s.exp()), 1))
    return z, torch.linalg.slogdet(jacobians)[1]


@variant("coupling_forward")
def coupling_in_float64(x, w, b):
    if x.size(1) & 1:
        raise ValueError(f"d = {x.size(1)} is odd")
    wide, half = x.double(), w.size(0)
    raw = torch.einsum("nk,kd->nd", wide[:, :half], w.double()) + b.double()
    log_s = 2 * torch.sigmoid(2 * raw[:, :half]) - 1
    log_det = log_s.sum(1)
    z = torch.stack((wide[:, :half], wide[:, half:] * log_s.exp() + raw[:, half:]), 1).flatten(1)
    return z.to(x.dtype), log_det.to(x.dtype)


@variant("coupling_forward")
def coupling_by_a_masked_affine(x, w, b):
    """The whole row is scaled and shifted, the first half by 1 and 0."""
    _even(x, "x")
    raw = x[:, : len(w)] @ w.to(x) + b.to(x)
    log_s, t = raw.unflatten(1, (2, -1)).unbind(1)
    log_scale = torch.cat([torch.zeros_like(t), log_s.tanh()], dim=1)
    return x * log_scale.exp() + torch.cat([torch.zeros_like(t), t], dim=1), log_scale.sum(1)


@variant("coupling_forward")
def coupling_padded_from_the_left(x, w, b):
    _even(x, "x")
    half = len(w)
    raw = x.narrow(1, 0, half) @ w.to(x.dtype) + b.to(x.dtype)
    log_s, t = torch.tensor_split(raw, 2, dim=1)
    change = x.narrow(1, half, half) * torch.expm1(log_s.tanh()) + t
    return x + nn.functional.pad(change, (half, 0)), log_s.tanh().sum(-1)


@variant("coupling_forward")
def coupling_by_sigmoids(x, w, b):
    """tanh r = 2 sigmoid(2 r) - 1, whose gradient is finite everywhere."""
    _even(x, "x")
    wide = torch.promote_types(torch.promote_types(x.dtype, w.dtype), b.dtype)
    first, second = x.to(wide).chunk(2, dim=1)
    r, t = (first @ w.to(wide) + b.to(wide)).chunk(2, dim=1)
    s = 2 * torch.sigmoid(2 * r) - 1
    return torch.cat([first, second * s.exp() + t], dim=1).to(x.dtype), s.sum(dim=1).to(x.dtype)


# ---------------------------------------------------------------------------------- coupling_inverse


@variant("coupling_inverse")
def uncoupling_by_division(z, w, b):
    _even(z, "z")
    half = z.shape[1] // 2
    raw = torch.matmul(z[:, :half], w.to(z.dtype)).add(b.to(z.dtype))
    return torch.cat((z[:, :half], (z[:, half:] - raw[:, half:]) / raw[:, :half].tanh().exp()), -1)


@variant("coupling_inverse")
def uncoupling_into_a_copy(z, w, b):
    """Writes the second half of a copy."""
    _even(z, "z")
    x, half = z.clone(), z.shape[1] // 2
    raw = z[:, :half] @ w.to(z.dtype) + b.to(z.dtype)
    x[:, half:] -= raw[:, half:]
    x[:, half:] *= torch.exp(-torch.tanh(raw[:, :half]))
    return x


@variant("coupling_inverse")
def uncoupling_by_the_forward_layer(z, w, b):
    """Scale and shift are read off the forward layer: what it makes of 0 and of 1."""
    _even(z, "z")
    half = z.shape[1] // 2
    first, wide = z[:, :half].double(), (w.double(), b.double())
    at_zero = right.coupling_forward(torch.cat([first, torch.zeros_like(first)], 1), *wide)[0][:, half:]
    log_s = torch.tanh(first @ wide[0][:, :half] + wide[1][:half])
    return torch.cat([first, (z[:, half:].double() - at_zero) * torch.exp(-log_s)], 1).to(z.dtype)


@variant("coupling_inverse")
def uncoupling_transposed(z, w, b):
    """Columns instead of rows; the result is not contiguous."""
    _even(z, "z")
    first, second = z.T.chunk(2)
    log_s, t = (w.T.to(z.dtype) @ first + b.to(z.dtype)[:, None]).chunk(2)
    return torch.vstack([first, torch.exp(log_s.tanh().neg()) * (second - t)]).T


# ------------------------------------------------------------------------------------- flow_log_prob


def _known(layers):
    for layer in layers:
        if layer["type"] not in {"affine", "coupling", "flip"}:
            raise ValueError(f"layers: no such layer as {layer['type']!r}")


@variant("flow_log_prob")
def density_by_recursion(x, layers):
    """The density of the rest of the flow at z, plus the first layer's log determinant."""
    if not layers:
        return right.standard_normal_log_prob(x)
    _known(layers)
    head, *tail = layers
    if head["type"] == "flip":
        return density_by_recursion(x.flip(1), tail)
    parameters = {key: value for key, value in head.items() if key != "type"}
    layer = right.affine_forward if head["type"] == "affine" else right.coupling_forward
    z, log_det = layer(x, **parameters)
    return density_by_recursion(z, tail) + log_det


@variant("flow_log_prob")
def density_by_reduce(x, layers):
    def step(state, layer):
        z, log_det = state
        if layer["type"] == "affine":
            z, change = right.affine_forward(z, layer["log_scale"], layer["shift"])
        elif layer["type"] == "coupling":
            z, change = right.coupling_forward(z, layer["w"], layer["b"])
        elif layer["type"] == "flip":
            return z[:, torch.arange(z.shape[1] - 1, -1, -1)], log_det
        else:
            raise ValueError(layer["type"] + " is not a type of layer")
        return z, log_det + change

    z, log_det = functools.reduce(step, layers, (x, 0.0))
    return right.standard_normal_log_prob(z) + log_det


@variant("flow_log_prob")
def density_in_float64(x, layers):
    """All in float64, with formulas of its own instead of the other functions."""
    _known(layers)
    z, total = x.double(), x.new_zeros(len(x), dtype=torch.float64)
    for layer in layers:
        if layer["type"] == "affine":
            total = total + layer["log_scale"].double().sum()
            z = z * layer["log_scale"].double().exp() + layer["shift"].double()
        elif layer["type"] == "coupling":
            if z.shape[1] % 2:
                raise ValueError("a coupling needs an even number of features")
            first, second = z.tensor_split(2, dim=1)
            raw = first @ layer["w"].double() + layer["b"].double()
            log_s, t = raw.tensor_split(2, dim=1)
            z, total = torch.cat([first, second * log_s.tanh().exp() + t], 1), total + log_s.tanh().sum(1)
        else:
            z = torch.fliplr(z)
    return (total - z.pow(2).sum(1) / 2 - z.shape[1] * math.log(2 * math.pi) / 2).to(x.dtype)


class _Affine(nn.Module):
    def __init__(self, log_scale, shift):
        super().__init__()
        self.parts = (log_scale, shift)

    def forward(self, x):
        return right.affine_forward(x, *self.parts)


class _Coupling(nn.Module):
    def __init__(self, w, b):
        super().__init__()
        self.parts = (w, b)

    def forward(self, x):
        return right.coupling_forward(x, *self.parts)


class _Flip(nn.Module):
    def forward(self, x):
        return torch.flip(x, dims=(1,)), torch.zeros_like(x[:, 0])


@variant("flow_log_prob")
def density_by_modules(x, layers):
    kinds = {"affine": _Affine, "coupling": _Coupling, "flip": _Flip}
    _known(layers)
    modules = [kinds[layer["type"]](**{k: v for k, v in layer.items() if k != "type"}) for layer in layers]
    log_dets = [torch.zeros_like(x[:, 0])]
    for module in modules:
        x, log_det = module(x)
        log_dets.append(log_det)
    return torch.stack([*log_dets, right.standard_normal_log_prob(x)]).sum(0)


@variant("flow_log_prob")
def density_that_checks_first(x, layers):
    """All checks before anything is computed."""
    kinds = [layer["type"] for layer in layers]
    unknown = sorted({*kinds} - {"affine", "coupling", "flip"})
    if unknown:
        raise ValueError(f"unknown types: {', '.join(unknown)}")
    if "coupling" in kinds and x.shape[1] % 2:
        raise ValueError(f"x has {x.shape[1]} features, and a coupling needs 2, 4, 6, ...: an even number")
    return right.flow_log_prob(x, tuple(layers))


@variant("flow_log_prob")
def density_by_dispatch(x, layers):
    """A table of functions; the message for an unknown type shows the whole layer, tensors and all."""
    steps = {
        "affine": lambda z, layer: right.affine_forward(z, layer["log_scale"], layer["shift"]),
        "coupling": lambda z, layer: right.coupling_forward(z, layer["w"], layer["b"]),
        "flip": lambda z, layer: (z.flip(1), 0),
    }
    z, log_det = x, 0
    for layer in layers:
        if layer["type"] not in steps:
            raise ValueError(f"unknown layer: {layer}")
        z, change = steps[layer["type"]](z, layer)
        log_det = log_det + change
    return right.standard_normal_log_prob(z) + log_det


@variant("flow_log_prob")
def density_that_quotes_the_type(x, layers):
    """The message for an unknown type is that type and nothing else."""
    for layer in layers:
        if layer["type"] not in ("affine", "coupling", "flip"):
            raise ValueError(layer["type"])
    return right.flow_log_prob(x, layers)


# --------------------------------------------------------------------------------------- flow_sample


@variant("flow_sample")
def sample_by_recursion(z, layers):
    """Undo the last layer, then sample from the others."""
    if not layers:
        return z + 0
    *others, last = layers
    match last:
        case {"type": "affine", "log_scale": log_scale, "shift": shift}:
            z = (z - shift).to(z.dtype) / log_scale.to(z.dtype).exp()
        case {"type": "coupling", "w": w, "b": b}:
            z = right.coupling_inverse(z, w, b)
        case {"type": "flip"}:
            z = z[:, list(range(z.shape[1]))[::-1]]
        case _:
            raise ValueError(f"layer {len(layers)} of the flow is of a type that I do not know")
    return sample_by_recursion(z, others)


@variant("flow_sample")
def sample_by_index(z, layers):
    x = torch.clone(z)
    for index in range(len(layers) - 1, -1, -1):
        layer = layers[index]
        kind = layer["type"]
        if kind == "flip":
            x = torch.fliplr(x)
        elif kind == "affine":
            x = right.affine_inverse(x, layer["log_scale"], layer["shift"])
        elif kind == "coupling":
            x = right.coupling_inverse(x, layer["w"], layer["b"])
        else:
            raise ValueError(f"type {kind!r} of layer {index}")
    return x


@variant("flow_sample")
def sample_through_functions(z, layers):
    """A list of inverse functions first, then their composition; in float64."""
    undo = {
        "affine": right.affine_inverse,
        "coupling": right.coupling_inverse,
        "flip": lambda x: x.flip(dims=[1]),
    }
    steps = []
    for layer in layers:
        if layer["type"] not in undo:
            raise ValueError(f"layers hold the unknown type {layer['type']}")
        parameters = {key: value for key, value in layer.items() if key != "type"}
        steps.insert(0, functools.partial(undo[layer["type"]], **parameters))
    x = z.to(torch.float64, copy=True)
    for step in steps:
        x = step(x)
    return x.to(z.dtype, copy=True)


@variant("flow_sample")
def sample_on_a_stack(z, layers):
    """Pops from a copy of the list."""
    _known(layers)
    stack, x = list(layers), z
    while stack:
        layer = dict(stack.pop())
        kind = layer.pop("type")
        x = x.flip(-1) if kind == "flip" else getattr(right, f"{kind}_inverse")(x, **layer)
    return x.clone()


# ------------------------------------------------------------------------------------------ flow_nll


@variant("flow_nll")
def loss_by_sum(x, layers):
    return right.flow_log_prob(x, layers).sum() / -len(x)


@variant("flow_nll")
def loss_by_product(x, layers):
    """A product with weights -1 / N."""
    log_p = right.flow_log_prob(x, layers)
    return log_p @ torch.full_like(log_p, -1 / len(log_p))


@variant("flow_nll")
def loss_in_float64(x, layers):
    def wide(layer):
        return {key: value.double() if isinstance(value, torch.Tensor) else value for key, value in layer.items()}

    return torch.mean(-right.flow_log_prob(x.double(), [wide(layer) for layer in layers])).to(x.dtype)


@variant("flow_nll")
def loss_part_by_part(x, layers):
    """Means of the parts instead of the mean of their sum."""
    z, loss = x, 0.0
    for layer in layers:
        if layer["type"] == "flip":
            z = z.flip(-1)
        elif layer["type"] == "affine":
            loss = loss - layer["log_scale"].sum().to(x.dtype)
            z, _ = right.affine_forward(z, layer["log_scale"], layer["shift"])
        elif layer["type"] == "coupling":
            z, log_det = right.coupling_forward(z, layer["w"], layer["b"])
            loss = loss - torch.mean(log_det)
        else:
            raise ValueError(f"unknown layer: {layer['type']}")
    return loss + z.square().sum(1).mean() / 2 + z.shape[1] * math.log(2 * math.pi) / 2


@variant("flow_nll")
def loss_squeezed(x, layers):
    return torch.squeeze(-right.flow_log_prob(x, layers).mean(dim=0, keepdim=True))
