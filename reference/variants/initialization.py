"""Right answers to ``initialization`` in unusual dress: each must earn full marks."""

from __future__ import annotations

import functools
import itertools
import math
import operator
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant


def _fans(shape):
    if len(shape) < 2:
        raise ValueError("shape must have at least two dimensions")
    field = 1
    for size in shape[2:]:
        field *= size
    return shape[1] * field, shape[0] * field


def _where(generator):
    """The device on which a generator draws."""
    return torch.device("cpu") if generator is None else generator.device


# ------------------------------------------------------------------------------- fan_in_and_fan_out


class Fans(NamedTuple):
    """Both fans by name."""

    fan_in: int
    fan_out: int


@variant("fan_in_and_fan_out")
def fans_by_name(shape):
    """A named tuple of numpy integers."""
    if len(shape) < 2:
        raise ValueError(f"invalid shape {shape!r}: 2 dimensions or more are needed")
    field = np.prod(np.array(shape[2:], dtype=np.int64))
    return Fans(shape[1] * field, shape[0] * field)


@variant("fan_in_and_fan_out")
def fans_from_the_number_of_entries(shape):
    """The number of entries over one of the two sizes, in a list."""
    sizes = torch.Size(shape)
    if len(sizes) <= 1:
        raise ValueError("Fan in and fan out need a tensor with 2 dimensions or more")
    return [sizes.numel() // sizes[0], sizes.numel() // sizes[1]]


@variant("fan_in_and_fan_out")
def fans_from_a_tensor_without_memory(shape):
    """Reads them off a tensor on the meta device."""
    if len(tuple(shape)) < 2:
        raise ValueError(f"shape: expected (out, in, ...), got {tuple(shape)}")
    like = torch.empty(tuple(shape), device="meta")
    return like[0].numel(), like[:, 0].numel()


@variant("fan_in_and_fan_out")
def fans_by_reduce(shape):
    """Catches what unpacking raises."""
    try:
        out, into, *kernel = shape
    except ValueError:
        raise ValueError("shape is too short") from None
    field = functools.reduce(operator.mul, kernel, 1)
    return into * field, out * field


@variant("fan_in_and_fan_out")
def fans_as_tensors(shape):
    """Products of int64 tensors."""
    if not len(shape) >= 2:
        raise ValueError("need dim >= 2")
    sizes = torch.tensor(list(shape))
    field = torch.prod(sizes[2:])
    return sizes[1] * field, sizes[0] * field


# ----------------------------------------------------------------------------------- normal weights


@variant("xavier_normal")
def xavier_in_place(shape, gain=1.0, generator=None):
    """Fills a fresh tensor."""
    fan_in, fan_out = _fans(shape)
    w = torch.empty(*shape, dtype=torch.float32, device=_where(generator))
    return w.normal_(0, gain * (2 / (fan_in + fan_out)) ** 0.5, generator=generator)


@variant("xavier_normal")
def xavier_by_torch_normal(shape, gain=1.0, generator=None):
    """torch.normal, the gain under the root, squared."""
    variance = 2.0 * gain**2 / sum(_fans(shape))
    std, device = math.sqrt(variance), _where(generator)
    return torch.normal(mean=0.0, std=std, size=tuple(shape), generator=generator, device=device)


@variant("xavier_normal")
def xavier_by_box_and_muller(shape, gain=1.0, generator=None):
    """Two uniform numbers make one normal number."""
    fan_in, fan_out = _fans(shape)
    draw = functools.partial(torch.rand, generator=generator, dtype=torch.float64, device=_where(generator))
    radius = torch.sqrt(-2 * torch.log1p(-draw(tuple(shape))))
    angle = 2 * math.pi * draw(tuple(shape))
    return (gain * math.sqrt(2 / (fan_in + fan_out)) * radius * torch.cos(angle)).float()


@variant("xavier_normal")
def xavier_by_inverting_the_distribution(shape, gain=1.0, generator=None):
    """The quantiles of uniform numbers, in float64; a Parameter that asks for no gradient."""
    fan_in, fan_out = _fans(shape)
    unit = torch.rand(tuple(shape), generator=generator, dtype=torch.float64, device=_where(generator))
    unit.clamp_(min=1e-16)
    weight = torch.special.ndtri(unit).mul_(gain).mul_(np.sqrt(2 / (fan_in + fan_out)))
    return nn.Parameter(weight.to(torch.float32), requires_grad=False)


@variant("xavier_normal")
def xavier_transposed(shape, gain=1.0, generator=None):
    """Draws (in, out, ...) in float64 and turns it: the result does not lie contiguously."""
    fan_in, fan_out = _fans(shape)
    std = gain / math.sqrt((fan_in + fan_out) / 2)
    turned = (shape[1], shape[0], *shape[2:])
    weight = torch.randn(turned, generator=generator, dtype=torch.double, device=_where(generator))
    return weight.mul(std).float().transpose(0, 1)


@variant("he_normal")
def he_row_by_row(shape, generator=None):
    """A loop over the outputs, with a generator of its own name for torch's."""
    fan_in = _fans(shape)[0]
    source = torch.default_generator if generator is None else generator
    rows = [torch.randn(math.prod(shape[1:]), generator=source, device=source.device) for _ in range(shape[0])]
    return torch.stack(rows).reshape(tuple(shape)).div(math.sqrt(fan_in / 2))


@variant("he_normal")
def he_through_the_global_generator(shape, generator=None):
    """Lends torch's global generator on the CPU the state of the given one, and takes it back."""
    fan_in = _fans(shape)[0]
    if generator is None or generator.device.type != "cpu":
        return torch.randn(list(shape), generator=generator, device=_where(generator)) * (2 / fan_in) ** 0.5
    kept = torch.get_rng_state()
    torch.set_rng_state(generator.get_state())
    weight = torch.randn(list(shape)) * (2 / fan_in) ** 0.5
    generator.set_state(torch.get_rng_state())
    torch.set_rng_state(kept)
    return weight


@variant("he_normal")
def he_by_numpy(shape, generator=None):
    """Torch's generator seeds one of numpy's."""
    fan_in = _fans(shape)[0]
    seed = int(torch.randint(2**62, (), generator=generator, device=_where(generator)))
    values = np.random.default_rng(seed).normal(0.0, np.sqrt(2.0 / fan_in), size=tuple(shape))
    return torch.from_numpy(np.asarray(values)).to(_where(generator), torch.float32)


@variant("he_normal")
def he_from_twelve_thousand_bits(shape, generator=None):
    """A child generator, seeded from the one that is given, and numbers of mean 0 by polar coordinates."""
    fan_in = _fans(shape)[0]
    device, child = _where(generator), torch.Generator()
    child.manual_seed(torch.empty((), dtype=torch.int64, device=device).random_(generator=generator).item())
    count = math.prod(shape)
    exponential = torch.empty(count, dtype=torch.float64).exponential_(generator=child)
    angle = torch.empty(count, dtype=torch.float64).uniform_(-math.pi, math.pi, generator=child)
    weight = torch.polar((2 * exponential).sqrt(), angle).imag * math.sqrt(2 / fan_in)
    return weight.view(tuple(shape)).to(device).float()


@variant("he_normal")
def he_is_xavier_of_a_square(shape, generator=None):
    """Scales a standard normal tensor in place; refuses with other words."""
    if len(shape) < 2:
        raise ValueError(f"He initialisation is undefined for {len(shape)}-dimensional weights")
    fan_in = math.prod(shape) // shape[0]
    weight = torch.zeros(tuple(shape), device=_where(generator)).normal_(generator=generator)
    weight *= math.sqrt(4 / (fan_in + fan_in))
    return weight.requires_grad_(False)


# ---------------------------------------------------------------------------------- uniform weights


@variant("xavier_uniform")
def xavier_uniform_in_place(shape, gain=1.0, generator=None):
    """Fills a fresh tensor."""
    fan_in, fan_out = _fans(shape)
    bound = gain * math.sqrt(6.0 / (fan_in + fan_out))
    return torch.empty(tuple(shape), device=_where(generator)).uniform_(-bound, bound, generator=generator)


@variant("xavier_uniform")
def xavier_uniform_from_one_half(shape, gain=1.0, generator=None):
    """Width times what lies around 0; the other end of the interval is open."""
    std = gain * math.sqrt(2 / sum(_fans(shape)))
    return (0.5 - torch.rand(tuple(shape), generator=generator, device=_where(generator))) * math.sqrt(12) * std


@variant("xavier_uniform")
def xavier_uniform_by_lerp(shape, gain=1.0, generator=None):
    """Between two bounds, as tensors, in float64."""
    bound = torch.tensor(6.0, dtype=torch.float64, device=_where(generator)).div(sum(_fans(shape))).sqrt() * gain
    share = torch.rand(*shape, generator=generator, dtype=torch.float64, device=_where(generator))
    return torch.lerp(-bound, bound, share).float()


@variant("xavier_uniform")
def xavier_uniform_of_sizes_and_signs(shape, gain=1.0, generator=None):
    """Sizes and signs drawn one after the other."""
    fan_in, fan_out = _fans(shape)
    size = torch.rand(tuple(shape), generator=generator, device=_where(generator))
    sign = torch.randint(0, 2, tuple(shape), generator=generator, device=size.device) * 2 - 1
    return gain * (6 / (fan_in + fan_out)) ** 0.5 * size * sign


@variant("he_uniform")
def he_uniform_of_whole_numbers(shape, generator=None):
    """2**24 equally likely steps."""
    bound = np.sqrt(6 / _fans(shape)[0])
    steps = torch.randint(2**24, tuple(shape), generator=generator, device=_where(generator))
    return ((steps.double() + 0.5) / 2**23 - 1).mul(float(bound)).to(torch.float32)


@variant("he_uniform")
def he_uniform_by_the_normal_distribution(shape, generator=None):
    """What a normal number's distribution function says of it is uniform."""
    bound = (6 / _fans(shape)[0]) ** 0.5
    drawn = torch.randn(tuple(shape), generator=generator, device=_where(generator))
    return bound * torch.erf(drawn / math.sqrt(2))


@variant("he_uniform")
def he_uniform_flat(shape, generator=None):
    """Drawn flat and unflattened; a view of something larger."""
    fan_in = _fans(shape)[0]
    count = math.prod(shape)
    flat = torch.rand(count + 5, generator=generator, device=_where(generator))[5:]
    weight = flat.add(-0.5).mul(2 * math.sqrt(3) * math.sqrt(2 / fan_in))
    return weight.view(torch.Size(shape))


@variant("lecun_uniform")
def lecun_by_columns(shape, generator=None):
    """One column after the other, put side by side."""
    fan_in = _fans(shape)[0]
    a = math.sqrt(3.0) / math.sqrt(fan_in)
    draw = functools.partial(torch.rand, generator=generator, device=_where(generator))
    if shape[1] > 300:
        return draw(tuple(shape)) * (2 * a) - a
    columns = [draw(shape[0], *shape[2:]) * (2 * a) - a for _ in range(shape[1])]
    return torch.stack(columns, dim=1)


@variant("lecun_uniform")
def lecun_by_an_angle(shape, generator=None):
    """The sawtooth of a phase, on a generator that is always named."""
    fan_in = _fans(shape)[0]
    kept = generator or torch.default_generator
    phase = torch.empty(tuple(shape), device=kept.device).uniform_(0, 1, generator=kept)
    return (torch.remainder(phase + 0.25, 1.0) * 2 - 1) / (fan_in / 3) ** 0.5


@variant("lecun_uniform")
def lecun_from_hes(shape, generator=None):
    """He's weights over the root of two."""
    if len(shape) < 2:
        raise ValueError("the shape of a weight has two dimensions at least")
    bound = math.sqrt(6 / math.prod(shape[1:]))
    weight = torch.empty(list(shape), device=_where(generator))
    return weight.uniform_(-bound, bound, generator=generator).div_(2**0.5)


# -------------------------------------------------------------------------------------- standardize


@variant("standardize")
def standardize_by_var_mean(x):
    """torch.var_mean, and the smallest and largest values against each other."""
    var, mean = torch.var_mean(x, dim=0, correction=0, keepdim=True)
    varies = x.max(dim=0, keepdim=True).values != x.min(dim=0, keepdim=True).values
    return torch.where(varies, (x - mean) / torch.where(varies, var, 1.0).sqrt(), 0.0)


@variant("standardize")
def standardize_from_the_first_sample(x):
    """Shifts by the first sample, so that equal values are exactly 0 and have a deviation of 0."""
    shifted = x - x[0]
    centred = shifted - shifted.mean(0)
    deviation = torch.sqrt((centred**2).sum(0) / x.shape[0])
    return centred / deviation.masked_fill(deviation == 0, 1)


@variant("standardize")
def standardize_in_float64(x):
    """In float64, feature by feature, in a list; sums by matrix products."""
    columns = []
    for column in x.unbind(dim=1):
        wide = column.double()
        if bool((column == column[0]).all()):
            columns.append(column * 0)
            continue
        centred = wide - wide.mean()
        columns.append((centred / (centred @ centred / len(wide)) ** 0.5).to(x.dtype))
    return torch.stack(columns, dim=1)


@variant("standardize")
def standardize_with_unique_values(x):
    """Counts different values, and writes into a tensor of zeros: a Fortran-ordered result."""
    result = torch.zeros_like(x.T).contiguous().T
    for index in range(x.size(1)):
        feature = x[:, index]
        if feature.detach().unique().numel() > 1:
            std, mean = torch.std_mean(feature, correction=0)
            result[:, index] = (feature - mean) / std
    return result


@variant("standardize")
def standardize_by_unit_length(x):
    """A centred feature of length 1, times the root of N."""
    constant = torch.all(x[1:] == x[:-1], dim=0)
    centred = torch.where(constant, torch.zeros_like(x), x - torch.einsum("nd->d", x) / x.shape[0])
    centred = centred - centred.mean(dim=0, keepdim=True)
    length = torch.where(constant, torch.ones_like(x[0]), centred.pow(2).sum(0)).sqrt()
    return centred / length * math.sqrt(x.shape[0])


@variant("standardize")
def standardize_rescaled_first(x):
    """Brings every feature to a range of 1 before anything is squared."""
    low, high = x.amin(0).detach(), x.amax(0).detach()
    width = torch.where(high > low, high - low, torch.ones_like(low))
    scaled = (x - low) / width
    variance = scaled.var(dim=0, unbiased=False)
    return (scaled - scaled.mean(dim=0)) * torch.where(high > low, variance, torch.ones_like(low)).rsqrt()


@variant("standardize")
def standardize_by_normalize(x):
    """F.normalize along the samples with a tiny bound, then a mask."""
    centred = x - x.mean(dim=0, keepdim=True)
    y = F.normalize(centred, dim=0, eps=1e-30) * len(x) ** 0.5
    return y.masked_fill(x.eq(x[:1]).all(dim=0), 0.0)


@variant("standardize")
def standardize_kept_features(x):
    """Standardises the features that vary alone and puts them back in place."""
    varies = (x != x[0:1]).any(dim=0)
    kept = x[:, varies]
    kept = (kept - kept.mean(dim=0)) / kept.std(dim=0, unbiased=False)
    place = torch.arange(x.shape[1], device=x.device)[varies]
    return torch.zeros_like(x).index_add(1, place, kept)


# ---------------------------------------------------------------------------------- layer_variances


@variant("layer_variances")
def variances_by_recursion(x, weights, activation="relu"):
    """The layers one inside the other; F.linear."""
    functions = {"linear": lambda z: z, "relu": F.relu, "tanh": torch.tanh}
    if activation not in functions:
        raise ValueError(f"unknown activation: {activation}")

    def onwards(h, rest):
        if not rest:
            return []
        z = F.linear(h, rest[0])
        return [float(z.var(unbiased=False)), *onwards(functions[activation](z), rest[1:])]

    return onwards(x, weights)


@variant("layer_variances")
def variances_in_float64(x, weights, activation="relu"):
    """Float64 and numpy, numpy's numbers in a tuple."""
    match activation:
        case "linear":
            act = np.asarray
        case "relu":
            act = lambda z: np.maximum(z, 0)  # noqa: E731
        case "tanh":
            act = np.tanh
        case _:
            raise ValueError("activation must be 'linear', 'relu' or 'tanh'")
    h, found = x.detach().cpu().numpy().astype(np.float64), ()
    for weight in weights:
        z = np.einsum("ni,oi->no", h, weight.detach().cpu().numpy().astype(np.float64))
        found += (np.var(z),)
        h = act(z)
    return found


@variant("layer_variances")
def variances_by_second_moments(x, weights, activation="relu"):
    """Mean of the squares less the square of the mean, numbers of float32."""
    if activation not in ("linear", "relu", "tanh"):
        raise ValueError(f"activation={activation!r} is not supported")
    found = []
    with torch.no_grad():
        for index, weight in enumerate(weights):
            if index:
                x = x.clamp(min=0) if activation == "relu" else x.tanh() if activation == "tanh" else x
            x = torch.matmul(x, weight.mT)
            found.append((x.pow(2).mean() - x.mean().pow(2)).item())
    return found


@variant("layer_variances")
def variances_of_columns(x, weights, activation="relu"):
    """Samples as columns; in-place activations on its own pre-activations; tanh by exponentials."""
    if activation not in {"linear", "relu", "tanh"}:
        raise ValueError("activation " + activation)
    columns, variances = x.T, []
    for weight in weights:
        columns = weight.mm(columns)
        variances.append(torch.mean((columns - columns.mean()) ** 2).tolist())
        if activation == "relu":
            columns.relu_()
        elif activation == "tanh":
            columns = 2 * torch.sigmoid(2 * columns) - 1
    return variances


@variant("layer_variances")
def variances_by_accumulate(x, weights, activation="relu"):
    """itertools.accumulate over the layers; zero-dimensional tensors for floats."""
    try:
        act = {"linear": nn.Identity(), "relu": nn.ReLU(), "tanh": nn.Tanh()}[activation]
    except KeyError as error:
        raise ValueError(f"activation should be linear, relu or tanh, not {activation}") from error
    if not weights:
        return list(weights)
    rest = itertools.accumulate(weights[1:], lambda z, weight: act(z) @ weight.t(), initial=x @ weights[0].t())
    return [torch.var(z.flatten(), 0, correction=0) for z in rest]


@variant("layer_variances")
def variances_by_broadcasting(x, weights, activation="relu"):
    """Products and sums instead of a matrix product; std squared."""
    if activation == "linear":
        act = torch.clone
    elif activation == "relu":
        act = functools.partial(torch.clamp_min, min=0)
    elif activation == "tanh":
        act = torch.tanh
    else:
        raise ValueError(f"Activation {activation!r}?")
    result, h = [], x
    for weight in weights:
        z = (h.unsqueeze(1) * weight.unsqueeze(0)).sum(dim=-1)
        result += [z.std(correction=0).item() ** 2]
        h = act(z)
    return result
