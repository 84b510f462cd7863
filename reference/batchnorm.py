"""Model solution of the assignment ``batchnorm``: batch normalization, forwards and backwards.

Sources: A. Vérine, Dive into Deep Learning (IASD), "Batch normalization", algorithms 1 and 2;
V. Boudart, Deep Learning, course 2, section 3.3; Ioffe and Szegedy (2015), arXiv:1502.03167.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


def _batch_dims(x: Tensor) -> tuple[int, ...]:
    """Every dimension but the channels', which is dimension 1."""
    return (0, *range(2, x.dim()))


def _per_channel(values: Tensor, x: Tensor) -> Tensor:
    """``values (C,)`` in a shape that broadcasts along dimension 1 of ``x``."""
    return values.reshape(-1, *[1] * (x.dim() - 2))


def _statistics(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and biased variance per channel, ``(C,)`` each; two passes, so that a large mean costs no accuracy."""
    dims = _batch_dims(x)
    count = x.shape[0] * x.shape[2:].numel()
    if count < 2:
        raise ValueError(
            f"x of shape {tuple(x.shape)} has {count} value(s) per channel; batch statistics need at least 2: "
            "use a larger batch, or normalise with the running statistics"
        )
    mean = x.mean(dim=dims)
    centred = x - _per_channel(mean, x)
    return mean, (centred * centred).mean(dim=dims)


def batch_norm_forward(x: Tensor, gamma: Tensor, beta: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    r"""Normalise every channel of a batch by the batch's own mean and variance, then scale and shift it.

    .. math:: y_i = \gamma \frac{x_i - \mu_B}{\sqrt{\sigma_B^2 + \varepsilon}} + \beta

    The statistics of a channel are taken over all other dimensions; the variance is the biased one
    (the sum of squares is divided by the number of values), and it stays accurate where the mean is
    a thousand times the standard deviation. The gradient of ``y`` flows through both; ``mean`` and ``var``
    themselves may come back with or without a graph.

    Args:
        x: a batch, ``(N, C)`` or ``(N, C, H, W)``.
        gamma: scale per channel, ``(C,)``.
        beta: shift per channel, ``(C,)``.
        eps: added to the variance, inside the square root; may be 0.

    Returns:
        ``(y, mean, var)``: ``y`` shaped like ``x``; the batch's ``mean`` and biased ``var``, ``(C,)`` each.

    Raises:
        ValueError: ``x`` holds fewer than 2 values per channel.

    Source: Vérine, Dive into Deep Learning (IASD), algorithm 1; Ioffe and Szegedy (2015).
    """
    mean, var = _statistics(x)
    inverse_std = torch.rsqrt(var + eps)
    normalised = (x - _per_channel(mean, x)) * _per_channel(inverse_std, x)
    y = normalised * _per_channel(gamma, x) + _per_channel(beta, x)
    return y.to(x.dtype), mean, var


def update_running_stats(
    running_mean: Tensor, running_var: Tensor, mean: Tensor, var: Tensor, momentum: float = 0.1
) -> tuple[Tensor, Tensor]:
    r"""Move the running statistics a step towards those of a new batch.

    .. math:: \mu \leftarrow (1 - m)\, \mu + m\, \mu_B, \qquad \sigma^2 \leftarrow (1 - m)\, \sigma^2 + m\, \sigma_B^2

    with ``m`` the momentum. The variance enters as it is given: no correction for the batch size. Gradients
    flow to all four statistics.

    Args:
        running_mean: the average so far, ``(C,)``; left as it is.
        running_var: the average so far, ``(C,)``; left as it is.
        mean: mean of the batch, ``(C,)``.
        var: variance of the batch, ``(C,)``.
        momentum: weight of the new batch, from 0 to 1.

    Returns:
        ``(new_mean, new_var)``, new tensors of shape ``(C,)``.

    Source: Vérine, Dive into Deep Learning (IASD), algorithm 1, step 5.
    """
    new_mean = (1 - momentum) * running_mean + momentum * mean
    new_var = (1 - momentum) * running_var + momentum * var
    return new_mean.to(running_mean.dtype), new_var.to(running_mean.dtype)


def batch_norm_inference(
    x: Tensor, gamma: Tensor, beta: Tensor, running_mean: Tensor, running_var: Tensor, eps: float = 1e-5
) -> Tensor:
    r"""Normalise with the running statistics, so that a sample's result depends on no other sample.

    .. math:: y_i = \gamma \frac{x_i - \mu}{\sqrt{\sigma^2 + \varepsilon}} + \beta

    Args:
        x: a batch of any size, 1 included, ``(N, C)`` or ``(N, C, H, W)``.
        gamma: scale per channel, ``(C,)``.
        beta: shift per channel, ``(C,)``.
        running_mean: running mean per channel, ``(C,)``.
        running_var: running variance per channel, ``(C,)``.
        eps: added to the variance, inside the square root; may be 0.

    Returns:
        ``y``, shaped like ``x``. Gradients flow to every tensor argument, the running statistics included.

    Source: Vérine, Dive into Deep Learning (IASD), algorithm 2.
    """
    scale = gamma * torch.rsqrt(running_var + eps)
    y = (x - _per_channel(running_mean, x)) * _per_channel(scale, x) + _per_channel(beta, x)
    return y.to(x.dtype)


def batch_norm_backward(grad_y: Tensor, x: Tensor, gamma: Tensor, eps: float = 1e-5) -> tuple[Tensor, Tensor, Tensor]:
    r"""Carry a gradient back through ``batch_norm_forward``, by formulas of your own.

    With :math:`g_i = \partial L / \partial y_i` given, return the derivatives of the loss :math:`L`
    with respect to ``x``, ``gamma`` and ``beta``. The batch's mean and variance depend on every
    :math:`x_i` as well: the gradient flows through them too.

    Args:
        grad_y: the gradient at the output, shaped like ``x``.
        x: the batch that was normalised, ``(N, C)`` or ``(N, C, H, W)``.
        gamma: scale per channel, ``(C,)``.
        eps: the same as in the forward pass.

    Returns:
        ``(grad_x, grad_gamma, grad_beta)`` with the shapes of ``x``, ``gamma`` and ``beta``.

    Raises:
        ValueError: ``x`` holds fewer than 2 values per channel.

    Source: Ioffe and Szegedy (2015), section 3; layer by layer as in Vérine, Deep Learning II, "Back-propagation".
    """
    dims, dtype = _batch_dims(x), grad_y.dtype
    mean, var = _statistics(x)
    inverse_std = torch.rsqrt(var + eps)
    normalised = (x - _per_channel(mean, x)) * _per_channel(inverse_std, x)
    along_normalised = grad_y * normalised
    grad_gamma, grad_beta = along_normalised.sum(dim=dims), grad_y.sum(dim=dims)
    centred = grad_y - _per_channel(grad_y.mean(dim=dims), x)
    grad_x = _per_channel(gamma * inverse_std, x) * (
        centred - normalised * _per_channel(along_normalised.mean(dim=dims), x)
    )
    return grad_x.to(dtype), grad_gamma.to(dtype), grad_beta


class BatchNorm(nn.Module):
    r"""A layer that normalises by the batch in training and by running statistics in evaluation.

    Parameters ``gamma`` (ones) and ``beta`` (zeros), ``(num_features,)`` each, are learnt. Buffers
    ``running_mean`` (zeros) and ``running_var`` (ones), ``(num_features,)`` each, are not learnt but
    saved with the layer.

    Args:
        num_features: the number of channels ``C``.
        eps: added to the variance, inside the square root.
        momentum: weight of a new batch in the running statistics.

    Source: Vérine, Dive into Deep Learning (IASD), algorithms 1 and 2.
    """

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, num_features: int, eps: float = 1e-5, momentum: float = 0.1) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.gamma = nn.Parameter(torch.ones(num_features))
        self.beta = nn.Parameter(torch.zeros(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))
        self.register_buffer("running_var", torch.ones(num_features))

    def forward(self, x: Tensor) -> Tensor:
        """Normalise ``x``; while ``self.training``, by its own statistics, which also move the running ones.

        The running statistics move by the batch's mean and biased variance, keep no graph, and stay
        as they are in evaluation.

        Args:
            x: a batch, ``(N, C)`` or ``(N, C, H, W)``.

        Returns:
            ``y``, shaped like ``x``.

        Raises:
            ValueError: ``x`` does not have ``num_features`` channels, or, in training, fewer than 2
                values per channel.
        """
        if x.shape[1] != self.num_features:
            raise ValueError(
                f"x of shape {tuple(x.shape)} has {x.shape[1]} channel(s), this layer num_features={self.num_features}"
            )
        if not self.training:
            return batch_norm_inference(x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps)
        y, mean, var = batch_norm_forward(x, self.gamma, self.beta, self.eps)
        with torch.no_grad():
            moved = update_running_stats(self.running_mean, self.running_var, mean, var, self.momentum)
            self.running_mean.copy_(moved[0])
            self.running_var.copy_(moved[1])
        return y
