"""Model solution of the assignment ``initialization``: random weights that neither drown nor drive a deep network.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Weight initialization"; V. Boudart, Deep Learning
(Liège), course 2, §3.2; Artificial Neural Networks and Deep Learning (Politecnico di Milano, 2023-24), §2.2.4;
Glorot and Bengio (2010) and He et al. (2015) for the two laws that carry their names.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def fan_in_and_fan_out(shape: Sequence[int]) -> tuple[int, int]:
    r"""How many numbers a unit is summed from, and into how many sums it goes.

    .. math::
        \text{fan\_in} = \text{in} \cdot k_1 k_2 \cdots, \qquad \text{fan\_out} = \text{out} \cdot k_1 k_2 \cdots

    Args:
        shape: of a weight, as a tuple, list or ``torch.Size``: ``(out, in)`` of a linear layer, or
            ``(out, in, *kernel)`` of a convolution with a kernel of any number of dimensions, whose product
            :math:`k_1 k_2 \cdots`, the receptive field, counts in both fans.

    Returns:
        ``(fan_in, fan_out)``, two ``int``.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Vérine, Deep Learning II, "Weight initialization"; He et al. (2015), section 2.2, for convolutions.
    """
    if len(shape) < 2:
        raise ValueError(f"shape={tuple(shape)}: has {len(shape)} dimension(s), a weight needs (out, in) at least")
    outputs, inputs, *kernel = shape
    field = math.prod(kernel)
    return inputs * field, outputs * field


def xavier_normal(shape: Sequence[int], gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    r"""Xavier's (Glorot's) initialization, normal: the compromise between the forward and the backward pass.

    .. math::
        w \sim \mathcal N(0, \sigma^2), \qquad \sigma^2 = \text{gain}^2 \cdot \frac{2}{\text{fan\_in} + \text{fan\_out}}

    Args:
        shape: of the weight, as in ``fan_in_and_fan_out``.
        gain: positive factor on the standard deviation.
        generator: where the random numbers come from; ``None`` means torch's global generator. Each call
            advances it, so that two calls in a row differ; the global one is left alone where another is given.

    Returns:
        A float32 tensor of ``shape`` without gradient (``requires_grad`` is False), with independent entries, on the
        generator's device, or on the CPU without one. Same seed, same result.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Vérine, Deep Learning II, "Weight initialization"; Politecnico di Milano §2.2.4; Glorot and Bengio (2010).
    """
    return _normal(shape, gain * _xavier(shape), generator)


def xavier_uniform(shape: Sequence[int], gain: float = 1.0, generator: torch.Generator | None = None) -> Tensor:
    r"""Xavier's (Glorot's) initialization, uniform: the same variance as ``xavier_normal``.

    .. math:: w \sim \mathcal U[-b, b], \qquad b = \text{gain} \cdot \sqrt{\frac{6}{\text{fan\_in} + \text{fan\_out}}}

    Args:
        shape: of the weight, as in ``fan_in_and_fan_out``.
        gain: positive factor on the bound, and so on the standard deviation.
        generator: where the random numbers come from; ``None`` means torch's global generator. Each call
            advances it, so that two calls in a row differ; the global one is left alone where another is given.

    Returns:
        A float32 tensor of ``shape`` without gradient (``requires_grad`` is False), with independent entries, on the
        generator's device, or on the CPU without one. Same seed, same result.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Boudart, course 2, §3.2, "normalized Xavier's initialization"; Glorot and Bengio (2010), equation 16.
    """
    return _uniform(shape, gain * _xavier(shape), generator)


def he_normal(shape: Sequence[int], generator: torch.Generator | None = None) -> Tensor:
    r"""He's initialization, normal: for layers followed by ReLU, which stops half of the signal.

    .. math:: w \sim \mathcal N(0, \sigma^2), \qquad \sigma^2 = \frac{2}{\text{fan\_in}}

    Args:
        shape: of the weight, as in ``fan_in_and_fan_out``.
        generator: where the random numbers come from; ``None`` means torch's global generator. Each call
            advances it, so that two calls in a row differ; the global one is left alone where another is given.

    Returns:
        A float32 tensor of ``shape`` without gradient (``requires_grad`` is False), with independent entries, on the
        generator's device, or on the CPU without one. Same seed, same result.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Vérine, Deep Learning II, "Weight initialization"; Boudart, course 2, §3.2; He et al. (2015).
    """
    return _normal(shape, _per_input(shape, 2.0), generator)


def he_uniform(shape: Sequence[int], generator: torch.Generator | None = None) -> Tensor:
    r"""He's initialization, uniform: the same variance as ``he_normal``.

    .. math:: w \sim \mathcal U[-b, b], \qquad b = \sqrt{\frac{6}{\text{fan\_in}}}

    Args:
        shape: of the weight, as in ``fan_in_and_fan_out``.
        generator: where the random numbers come from; ``None`` means torch's global generator. Each call
            advances it, so that two calls in a row differ; the global one is left alone where another is given.

    Returns:
        A float32 tensor of ``shape`` without gradient (``requires_grad`` is False), with independent entries, on the
        generator's device, or on the CPU without one. Same seed, same result.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Boudart, course 2, §3.2; He et al. (2015).
    """
    return _uniform(shape, _per_input(shape, 2.0), generator)


def lecun_uniform(shape: Sequence[int], generator: torch.Generator | None = None) -> Tensor:
    r"""LeCun's initialization, uniform: the variance that a linear layer's forward pass asks for.

    .. math:: w \sim \mathcal U[-b, b], \qquad \mathbb V[w] = \frac{1}{\text{fan\_in}}

    Args:
        shape: of the weight, as in ``fan_in_and_fan_out``.
        generator: where the random numbers come from; ``None`` means torch's global generator. Each call
            advances it, so that two calls in a row differ; the global one is left alone where another is given.

    Returns:
        A float32 tensor of ``shape`` without gradient (``requires_grad`` is False), with independent entries, on the
        generator's device, or on the CPU without one. Same seed, same result.

    Raises:
        ValueError: where ``shape`` has fewer than 2 dimensions.

    Source: Boudart, course 2, §3.2, "LeCun's uniform initialization".
    """
    return _uniform(shape, _per_input(shape, 1.0), generator)


def standardize(x: Tensor) -> Tensor:
    r"""Bring every feature to mean 0 and variance 1 over the samples.

    .. math:: x' = (x - \mu) / \sigma, \qquad \sigma^2 = \frac1N \sum_n (x_n - \mu)^2

    This holds for every feature whose standard deviation is 1e-6 or more, also where its mean is a thousand
    times that: nothing is added to :math:`\sigma`. A feature whose values are all equal maps to 0, and so does a
    single sample. Test for equal values: their computed deviation need not be 0.

    Args:
        x: samples, ``(N, d)``, with ``N >= 1``.

    Returns:
        ``(N, d)`` in the dtype of ``x``, as a new tensor.

    Source: Boudart, course 2, §3.2.
    """
    constant = (x == x[:1]).all(dim=0)
    centred = x - x.mean(dim=0)
    # Once more: in float32 the mean of values far from zero is off by a few of their roundings.
    centred = centred - centred.mean(dim=0)
    variance = centred.square().mean(dim=0).masked_fill(constant, 1.0)
    return (centred * variance.rsqrt()).masked_fill(constant, 0.0)


def layer_variances(x: Tensor, weights: Sequence[Tensor], activation: str = "relu") -> list[float]:
    r"""The variance of every layer's pre-activations as ``x`` passes through a network without biases.

    .. math:: z_1 = x W_1^\top, \qquad z_{l+1} = f(z_l) W_{l+1}^\top

    The activation :math:`f` stands between the layers only: not before the first, and no variance is taken
    after it.

    Args:
        x: inputs, ``(N, d)``.
        weights: list of the layers' weights, each ``(out, in)``, in the dtype of ``x``; an empty list gives an
            empty list.
        activation: :math:`f`: ``"linear"``, ``"relu"`` or ``"tanh"``.

    Returns:
        One ``float`` per layer: the biased variance of the layer's pre-activation :math:`z_l` over all its
        entries, samples and units together.

    Raises:
        ValueError: where ``activation`` is none of the three, also where ``weights`` is empty.

    Source: Boudart, course 2, §3.2; Glorot and Bengio (2010), section 4.2.
    """
    if activation not in _ACTIVATIONS:
        raise ValueError(f"activation={activation!r}: must be one of {', '.join(_ACTIVATIONS)}")
    h, variances = x, []
    for weight in weights:
        z = h @ weight.T
        variances.append(z.var(correction=0).item())
        h = _ACTIVATIONS[activation](z)
    return variances


_ACTIVATIONS = {"linear": torch.clone, "relu": torch.relu, "tanh": torch.tanh}


def _xavier(shape: Sequence[int]) -> float:
    return math.sqrt(2 / sum(fan_in_and_fan_out(shape)))


def _per_input(shape: Sequence[int], variance: float) -> float:
    """The standard deviation with which ``fan_in`` weights have ``variance`` together."""
    return math.sqrt(variance / fan_in_and_fan_out(shape)[0])


def _normal(shape: Sequence[int], std: float, generator: torch.Generator | None) -> Tensor:
    device = generator.device if generator else "cpu"
    return torch.randn(tuple(shape), generator=generator, device=device, dtype=torch.float32) * std


def _uniform(shape: Sequence[int], std: float, generator: torch.Generator | None) -> Tensor:
    """A uniform law on ``[-b, b]`` has the variance ``b**2 / 3``."""
    device = generator.device if generator else "cpu"
    unit = torch.rand(tuple(shape), generator=generator, device=device, dtype=torch.float32)
    return (2 * unit - 1) * (std * math.sqrt(3))
