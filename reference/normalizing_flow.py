"""Model solution of the assignment ``normalizing_flow``: densities by change of variables.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Density estimation with normalizing flows";
Dinh, Sohl-Dickstein and Bengio, Density estimation using Real NVP (2017), arXiv:1605.08803, for the coupling layer.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor


def standard_normal_log_prob(z: Tensor) -> Tensor:
    r"""Log density of the standard normal distribution, the latent one, at every row.

    .. math:: \log q(z) = -\tfrac12 \lVert z \rVert^2 - \tfrac d2 \log 2\pi

    Args:
        z: latent points, ``(N, d)``; entries up to 1e4 in magnitude give finite results.

    Returns:
        ``(N,)``, one log density per row, in the dtype of ``z``.

    Source: Vérine, Deep Learning II, "Data and Latent Distributions".
    """
    return -0.5 * (z.square().sum(dim=-1) + z.shape[-1] * math.log(2 * math.pi))


def affine_forward(x: Tensor, log_scale: Tensor, shift: Tensor) -> tuple[Tensor, Tensor]:
    r"""Scale and shift every feature, in the normalising direction, with the log determinant of the Jacobian.

    .. math:: z = x \odot e^{\text{log\_scale}} + \text{shift}

    Args:
        x: data, ``(N, d)``.
        log_scale: logarithms of the scales, ``(d,)``, any sign.
        shift: shifts, ``(d,)``.

    Returns:
        ``(z, log_det)`` in the dtype of ``x``: ``z (N, d)``, and ``log_det (N,)``, the log of the absolute value of
        the determinant of the Jacobian of ``z`` with respect to ``x`` for every row. ``log_det`` is finite and
        accurate for every finite ``log_scale`` up to 1e4 in magnitude.

    Source: Vérine, Deep Learning II, "Change of Variable Formula".
    """
    wide, log_scale, shift = _together(x, log_scale, shift)
    log_det = log_scale.sum().repeat(x.shape[0])
    return (wide * log_scale.exp() + shift).to(x.dtype), log_det.to(x.dtype)


def affine_inverse(z: Tensor, log_scale: Tensor, shift: Tensor) -> Tensor:
    """Undo ``affine_forward``: the generative direction.

    Args:
        z: latent points, ``(N, d)``.
        log_scale: logarithms of the scales, ``(d,)``, as in ``affine_forward``.
        shift: shifts, ``(d,)``, as in ``affine_forward``.

    Returns:
        The ``x (N, d)`` that ``affine_forward`` maps to ``z``, in the dtype of ``z``.

    Source: Vérine, Deep Learning II, "Mathematical framework": the inverse is the generative direction.
    """
    wide, log_scale, shift = _together(z, log_scale, shift)
    return ((wide - shift) * (-log_scale).exp()).to(z.dtype)


def coupling_forward(x: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    r"""Let one half of the features scale and shift the other, with the log determinant of the Jacobian.

    With ``x1`` the first half of the features and ``x2`` the second,

    .. math::
        [r, t] = x_1 w + b, \qquad s = \tanh r, \qquad z_1 = x_1, \qquad z_2 = x_2 \odot e^{s} + t

    where ``r`` is the first half of the columns of ``x1 @ w + b`` and ``t`` the second.

    Args:
        x: data, ``(N, d)``; ``d`` is even.
        w: weights, ``(d / 2, d)``, applied as ``x1 @ w``.
        b: biases, ``(d,)``.

    Returns:
        ``(z, log_det)`` in the dtype of ``x``: ``z (N, d)``, ``z1`` before ``z2``, and ``log_det (N,)``, the log of the
        absolute value of the determinant of the Jacobian of ``z`` with respect to ``x`` for every row.

    Raises:
        ValueError: ``d`` is odd; the message names ``x`` or ``d``.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), section 3.2; Vérine, Deep Learning II, "Mathematical framework".
    """
    _require_even(x, "x")
    wide, w, b = _together(x, w, b)
    first, second = wide.chunk(2, dim=-1)
    log_s, t = _conditioner(first, w, b)
    z = torch.cat([first, second * log_s.exp() + t], dim=-1)
    return z.to(x.dtype), log_s.sum(dim=-1).to(x.dtype)


def coupling_inverse(z: Tensor, w: Tensor, b: Tensor) -> Tensor:
    """Undo ``coupling_forward``: the generative direction.

    Args:
        z: latent points, ``(N, d)``; ``d`` is even.
        w: weights, ``(d / 2, d)``, as in ``coupling_forward``.
        b: biases, ``(d,)``, as in ``coupling_forward``.

    Returns:
        The ``x (N, d)`` that ``coupling_forward`` maps to ``z``, in the dtype of ``z``.

    Raises:
        ValueError: ``d`` is odd; the message names ``z`` or ``d``.

    Source: Dinh, Sohl-Dickstein and Bengio (2017), section 3.2.
    """
    _require_even(z, "z")
    wide, w, b = _together(z, w, b)
    first, second = wide.chunk(2, dim=-1)
    log_s, t = _conditioner(first, w, b)
    return torch.cat([first, (second - t) * (-log_s).exp()], dim=-1).to(z.dtype)


def flow_log_prob(x: Tensor, layers: list[dict[str, Any]]) -> Tensor:
    r"""Log density of every row of ``x`` under a flow, by the change of variables.

    .. math:: \log p(x) = \log q(F(x)) + \log \lvert \det \mathrm{Jac}_F(x) \rvert

    with ``q`` the standard normal density and ``F`` the layers one after the other, the first of the list first.

    Args:
        x: data, ``(N, d)``.
        layers: a list of dicts, each of one of the types

            * ``{"type": "affine", "log_scale": (d,), "shift": (d,)}``, see ``affine_forward``;
            * ``{"type": "coupling", "w": (d / 2, d), "b": (d,)}``, see ``coupling_forward``;
            * ``{"type": "flip"}``, which reverses the order of the features.

            No layers at all is the identity. The order of the keys in a dict does not matter.

    Returns:
        ``(N,)``, in the dtype of ``x``. ``x``, the list and its dicts stay as they are.

    Raises:
        ValueError: the type of a layer is none of these (the message names the type or the layer), or a coupling
            meets an odd ``d``.

    Source: Vérine, Deep Learning II, "Change of Variable Formula".
    """
    z, log_det = x, x.new_zeros(x.shape[0])
    for layer in layers:
        z, change = _forward(z, layer)
        log_det = log_det + change
    return standard_normal_log_prob(z) + log_det


def flow_sample(z: Tensor, layers: list[dict[str, Any]]) -> Tensor:
    r"""Turn latent points into data, ``x = F^{-1}(z)``: every layer undone, the last of the list first.

    Args:
        z: latent points, ``(N, d)``, drawn by the caller.
        layers: the flow, as in ``flow_log_prob``; without layers the result is a copy of ``z``.

    Returns:
        ``x (N, d)``, in the dtype of ``z`` and in memory of its own. ``z``, the list and its dicts stay as they are.

    Raises:
        ValueError: the type of a layer is unknown (the message names the type or the layer), or a coupling meets
            an odd ``d``.

    Source: Vérine, Deep Learning II, "Data Generation", whose slide has a slip: it computes ``F^{-1}(x)``.
    """
    x = z.clone()
    for layer in reversed(layers):
        x = _inverse(x, layer)
    return x


def flow_nll(x: Tensor, layers: list[dict[str, Any]]) -> Tensor:
    r"""Negative log-likelihood of the data, the loss that trains a flow: a mean over the rows.

    .. math:: \mathrm{nll} = -\frac1N \sum_{i=1}^N \log p(x_i)

    Args:
        x: data, ``(N, d)``.
        layers: the flow, as in ``flow_log_prob``.

    Returns:
        A scalar tensor (no dimensions), in the dtype of ``x``, differentiable with respect to ``x`` and to every
        tensor in ``layers``.

    Raises:
        ValueError: the type of a layer is unknown (the message names the type or the layer), or a coupling meets
            an odd ``d``.

    Source: Vérine, Deep Learning II, "Log-Likelihood".
    """
    return -flow_log_prob(x, layers).mean()


def _together(*tensors: Tensor) -> list[Tensor]:
    """The tensors in one dtype that holds them all: exp in float32 overflows where float64 does not."""
    dtype = tensors[0].dtype
    for tensor in tensors[1:]:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return [tensor.to(dtype) for tensor in tensors]


def _require_even(points: Tensor, name: str) -> None:
    if points.shape[-1] % 2:
        raise ValueError(
            f"{name} of shape {tuple(points.shape)} has an odd number of features, d={points.shape[-1]}: "
            "a coupling splits them into two equal halves, so d must be even"
        )


def _conditioner(first: Tensor, w: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """``(log_s, t)``, computed from the half that passes unchanged, ``(N, d / 2)`` each."""
    raw, t = (first @ w + b).chunk(2, dim=-1)
    return raw.tanh(), t


def _forward(x: Tensor, layer: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """One layer in the normalising direction: ``(z, log_det)``."""
    match layer.get("type"):
        case "affine":
            return affine_forward(x, layer["log_scale"], layer["shift"])
        case "coupling":
            return coupling_forward(x, layer["w"], layer["b"])
        case "flip":  # a permutation: its determinant is 1 or -1
            return x.flip(-1), x.new_zeros(x.shape[0])
    raise _unknown(layer)


def _inverse(z: Tensor, layer: dict[str, Any]) -> Tensor:
    """One layer in the generative direction."""
    match layer.get("type"):
        case "affine":
            return affine_inverse(z, layer["log_scale"], layer["shift"])
        case "coupling":
            return coupling_inverse(z, layer["w"], layer["b"])
        case "flip":
            return z.flip(-1)
    raise _unknown(layer)


def _unknown(layer: dict[str, Any]) -> ValueError:
    return ValueError(f"unknown layer type {layer.get('type')!r}: it must be 'affine', 'coupling' or 'flip'")
