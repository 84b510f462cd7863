"""Right answers to ``batchnorm`` in unusual dress: each must earn full marks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn

from autograder.testing import variant
from reference import batchnorm as right


def _require_two(x):
    if x.shape[0] * x.shape[2:].numel() < 2:
        raise ValueError("expected more than 1 value per channel when training")


def _columns(x):
    """Channels last, everything else flattened: ``(n, C)``."""
    return x.movedim(1, -1).reshape(-1, x.shape[1])


def _as(x, columns):
    """The inverse of ``_columns``, a non-contiguous tensor for images."""
    return columns.reshape(x.shape[0], *x.shape[2:], x.shape[1]).movedim(-1, 1)


# ------------------------------------------------------------------------------- batch_norm_forward


@variant("batch_norm_forward")
def forward_by_var_mean(x, gamma, beta, eps=1e-5):
    _require_two(x)
    shape = [1, x.shape[1]] + [1] * (x.dim() - 2)
    var, mean = torch.var_mean(x, dim=[d for d in range(x.dim()) if d != 1], keepdim=True, correction=0)
    y = gamma.view(shape) * ((x - mean) / torch.sqrt(var + eps)) + beta.view(shape)
    return [y.type_as(x), mean.squeeze().reshape(-1), var.flatten()]


@variant("batch_norm_forward")
def forward_on_columns(x, gamma, beta, eps=1e-5):
    _require_two(x)
    columns = _columns(x)
    mean = columns.mean(0)
    var = torch.square(columns - mean).mean(0)
    return _as(x, (columns - mean) / (var + eps) ** 0.5 * gamma + beta).to(x.dtype), mean, var


@variant("batch_norm_forward")
def forward_in_float64(x, gamma, beta, eps=1e-5):
    _require_two(x)
    wide, dims = x.double(), (0, *range(2, x.dim()))
    mean = wide.mean(dims, keepdim=True)
    var = (wide**2).mean(dims, keepdim=True) - mean**2
    var = var.clamp(min=0)
    y = (wide - mean) * torch.rsqrt(var + eps)
    y = torch.einsum("nc...,c->nc...", y, gamma.double()) + beta.double().view(mean.shape)
    return y.to(x.dtype), mean.flatten().to(x.dtype).detach(), var.flatten().to(x.dtype).detach()


@variant("batch_norm_forward")
def forward_folded(x, gamma, beta, eps=1e-5):
    """One multiplication and one addition per value; the shift takes the mean along."""
    _require_two(x)
    dims, shape = (0, *range(2, x.dim())), (1, -1, *[1] * (x.dim() - 2))
    mean = x.sum(dims) / (x.numel() / x.shape[1])
    var = ((x - mean.reshape(shape)) ** 2).sum(dims) * (x.shape[1] / x.numel())
    scale = gamma / torch.sqrt(var + eps)
    return (x * scale.reshape(shape) + (beta - mean * scale).reshape(shape)).to(x.dtype), mean, var


class Statistics(NamedTuple):
    y: torch.Tensor
    mean: torch.Tensor
    var: torch.Tensor


@variant("batch_norm_forward")
def forward_by_channel(x, gamma, beta, eps=1e-5):
    """A loop over the channels, allowed; a named tuple of Parameters."""
    _require_two(x)
    parts, means, variances = [], [], []
    for channel in range(x.shape[1]):
        values = x.select(1, channel)
        mean = values.mean()
        centred = values - mean
        var = (centred * centred).mean()
        parts.append(centred / (var + eps).sqrt() * gamma[channel] + beta[channel])
        means.append(mean)
        variances.append(var)
    statistics = (nn.Parameter(torch.stack(values).detach()) for values in (means, variances))
    return Statistics(torch.stack(parts, dim=1).to(x.dtype), *statistics)


@variant("batch_norm_forward")
def forward_shifted(x, gamma, beta, eps=1e-5):
    """E[d^2] - E[d]^2 is accurate after a shift near the mean."""
    _require_two(x)
    shape = (1, -1, *[1] * (x.dim() - 2))
    dims = (0, *range(2, x.dim()))
    shift = x.detach().mean(dims)
    rest = x - shift.reshape(shape)
    offset = rest.mean(dims)
    var = rest.pow(2).mean(dims) - offset.pow(2)
    y = (rest - offset.reshape(shape)) * ((var + eps) ** -0.5).reshape(shape)
    y = torch.addcmul(beta.reshape(shape).to(y.dtype), y, gamma.reshape(shape).to(y.dtype))
    return y.to(x.dtype), shift + offset, var


@variant("batch_norm_forward")
def forward_by_covariance(x, gamma, beta, eps=1e-5):
    """The variances are the diagonal of the channels' covariance matrix."""
    _require_two(x)
    rows = _columns(x).T
    var = torch.cov(rows, correction=0).reshape(len(rows), -1).diagonal()
    mean = rows.mean(1)
    return _as(x, ((rows.T - mean) / torch.sqrt(var + eps) * gamma + beta)).to(x.dtype), mean, var


class _Normalise(torch.autograd.Function):
    """Forward and backward by hand: no formula is left to autograd."""

    @staticmethod
    def forward(ctx, x, gamma, beta, eps):
        y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
        ctx.save_for_backward(x, gamma)
        ctx.eps = eps
        ctx.mark_non_differentiable(mean, var)
        return y, mean, var

    @staticmethod
    def backward(ctx, grad_y, _mean, _var):
        x, gamma = ctx.saved_tensors
        return *right.batch_norm_backward(grad_y, x, gamma, ctx.eps), None


@variant("batch_norm_forward")
def forward_as_autograd_function(x, gamma, beta, eps=1e-5):
    return _Normalise.apply(x, gamma, beta, eps)


@variant("batch_norm_forward")
def forward_by_vmap(x, gamma, beta, eps=1e-5):
    """The formulas for one channel, mapped over the channels."""
    _require_two(x)

    def one(values, scale, shift):
        mean = values.mean()
        var = ((values - mean) ** 2).mean()
        return scale * (values - mean) / torch.sqrt(var + eps) + shift, mean, var

    y, mean, var = torch.vmap(one, in_dims=(1, 0, 0), out_dims=(1, 0, 0))(x, gamma, beta)
    return y.to(x.dtype), mean, var


@variant("batch_norm_forward")
def forward_by_total_variance(x, gamma, beta, eps=1e-5):
    """The mean of the images' variances plus the variance of their means."""
    _require_two(x)
    images = x.double().flatten(2) if x.dim() > 2 else x.double().unsqueeze(-1)
    means = images.mean(2)
    mean = means.mean(0)
    var = (images - means.unsqueeze(2)).square().mean((0, 2)) + (means - mean).square().mean(0)
    scale = gamma.double() / torch.sqrt(var + eps)
    y = (images - mean.unsqueeze(1)) * scale.unsqueeze(1) + beta.double().unsqueeze(1)
    return y.reshape(x.shape).to(x.dtype), mean.to(x.dtype), var.to(x.dtype)


@variant("batch_norm_forward")
def forward_in_place_on_its_own(x, gamma, beta, eps=1e-5):
    """The variance with Bessel's correction undone; the scaling in place on a tensor of its own."""
    _require_two(x)
    dims, count = (0, *range(2, x.dim())), x.numel() // x.shape[1]
    var, mean = torch.var_mean(x, dim=dims, keepdim=True)
    var = var * ((count - 1) / count)
    y = (x - mean) / torch.sqrt(var + eps)
    y = y.to(torch.promote_types(x.dtype, gamma.dtype))
    y.mul_(gamma.reshape(mean.shape)).add_(beta.reshape(mean.shape))
    return y.to(x.dtype), mean.flatten(), var.flatten()


# ----------------------------------------------------------------------------- update_running_stats


@variant("update_running_stats")
def update_by_lerp(running_mean, running_var, mean, var, momentum=0.1):
    old, new = torch.stack([running_mean, running_var]), torch.stack([mean, var]).to(running_mean.dtype)
    return torch.lerp(old, new, momentum).unbind()


@variant("update_running_stats")
def update_by_steps(running_mean, running_var, mean, var, momentum=0.1):
    pairs = ((running_mean, mean), (running_var, var))
    return [(old + momentum * (new - old)).to(old.dtype) for old, new in pairs]


@variant("update_running_stats")
def update_of_copies(running_mean, running_var, mean, var, momentum=0.1):
    """In place, on copies."""
    running_mean, running_var = running_mean.clone(), running_var.clone()
    running_mean.mul_(1 - momentum).add_(mean, alpha=momentum)
    running_var.mul_(1 - momentum).add_(var, alpha=momentum)
    return running_mean, running_var


@variant("update_running_stats")
def update_channel_by_channel(running_mean, running_var, mean, var, momentum=0.1):
    """A loop over the channels, allowed; a list of Parameters where no gradient is asked for."""
    pairs = ((running_mean, mean), (running_var, var))
    parts = [[(1 - momentum) * old[c] + momentum * new[c] for c in range(len(old))] for old, new in pairs]
    moved = [torch.stack(part).to(running_mean.dtype) for part in parts]
    return moved if moved[0].requires_grad else [nn.Parameter(part) for part in moved]


@variant("update_running_stats")
def update_by_one_product(running_mean, running_var, mean, var, momentum=0.1):
    """Two weights times a stack of everything; views of one result."""
    old, new = torch.stack((running_mean, running_var)), torch.stack((mean, var))
    weights = torch.tensor([1 - momentum, momentum], dtype=torch.float64, device=mean.device)
    return torch.tensordot(weights, torch.stack((old.double(), new.double())), 1).to(old.dtype).unbind()


# ----------------------------------------------------------------------------- batch_norm_inference


@variant("batch_norm_inference")
def inference_folded(x, gamma, beta, running_mean, running_var, eps=1e-5):
    shape = (1, -1, *[1] * (x.dim() - 2))
    scale = gamma / torch.sqrt(running_var + eps)
    shift = beta - running_mean * scale
    return (scale.reshape(shape) * x + shift.reshape(shape)).to(x.dtype)


@variant("batch_norm_inference")
def inference_on_columns(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _as(x, (_columns(x) - running_mean) / (running_var + eps).sqrt() * gamma + beta).to(x.dtype)


@variant("batch_norm_inference")
def inference_by_einsum(x, gamma, beta, running_mean, running_var, eps=1e-5):
    wide = [part.double() for part in (gamma, beta, running_mean, running_var)]
    gamma, beta, mean, var = wide
    shape = (1, -1) + (1,) * (x.dim() - 2)
    centred = x.double() - mean.view(shape)
    return (torch.einsum("nc...,c,c->nc...", centred, gamma, (var + eps).pow(-0.5)) + beta.view(shape)).to(x.dtype)


@variant("batch_norm_inference")
def inference_by_channel(x, gamma, beta, running_mean, running_var, eps=1e-5):
    parts = [
        (x[:, c] - running_mean[c]) * torch.exp(-0.5 * torch.log(running_var[c] + eps)) * gamma[c] + beta[c]
        for c in range(x.shape[1])
    ]
    return torch.stack(parts, dim=1).to(x.dtype)


@variant("batch_norm_inference")
def inference_by_addcdiv(x, gamma, beta, running_mean, running_var, eps=1e-5):
    """Numerator and denominator apart, in the widest dtype."""
    shape, wide = (1, -1, *[1] * (x.dim() - 2)), torch.promote_types(x.dtype, gamma.dtype)
    parts = (gamma, beta, running_mean, running_var)
    gamma, beta, mean, var = (part.to(wide).view(shape) for part in parts)
    return torch.addcdiv(beta, (x.to(wide) - mean) * gamma, (var + eps).sqrt()).to(x.dtype)


@variant("batch_norm_inference")
def inference_by_vmap(x, gamma, beta, running_mean, running_var, eps=1e-5):
    """The formula for one channel, mapped over the channels."""

    def one(values, scale, shift, mean, var):
        return (values - mean) / torch.sqrt(var + eps) * scale + shift

    mapped = torch.vmap(one, in_dims=(1, 0, 0, 0, 0), out_dims=1)
    return mapped(x, gamma, beta, running_mean, running_var).to(x.dtype)


# ------------------------------------------------------------------------------ batch_norm_backward


@variant("batch_norm_backward")
def backward_step_by_step(grad_y, x, gamma, eps=1e-5):
    """The paper's chain of partial derivatives."""
    _require_two(x)
    dims, shape = (0, *range(2, x.dim())), (1, -1, *[1] * (x.dim() - 2))
    count = x.numel() // x.shape[1]
    mean = x.mean(dims, keepdim=True)
    centred = x - mean
    var = (centred**2).mean(dims, keepdim=True)
    std = torch.sqrt(var + eps)
    grad_hat = grad_y * gamma.reshape(shape)
    grad_var = (grad_hat * centred * -0.5 * (var + eps) ** -1.5).sum(dims, keepdim=True)
    grad_mean = (-grad_hat / std).sum(dims, keepdim=True) + grad_var * (-2 * centred).mean(dims, keepdim=True)
    grad_x = grad_hat / std + grad_var * 2 * centred / count + grad_mean / count
    grad_gamma = (grad_y * (centred / std)).sum(dims)
    return tuple(part.to(grad_y.dtype) for part in (grad_x, grad_gamma, grad_y.sum(dims)))


@variant("batch_norm_backward")
def backward_compact(grad_y, x, gamma, eps=1e-5):
    """One fraction: (n g - sum g - xhat sum(g xhat)) gamma / (n std)."""
    _require_two(x)
    g, columns = _columns(grad_y), _columns(x)
    n = len(columns)
    std = torch.sqrt(columns.var(0, correction=0) + eps)
    normalised = (columns - columns.mean(0)) / std
    grad_beta, grad_gamma = g.sum(0), torch.einsum("nc,nc->c", *torch.broadcast_tensors(g.to(x.dtype), normalised))
    inner = n * g - grad_beta - normalised * grad_gamma
    grad_x = _as(x, gamma / (n * std) * inner)
    return [part.to(grad_y.dtype) for part in (grad_x, grad_gamma, grad_beta)]


@variant("batch_norm_backward")
def backward_in_float64(grad_y, x, gamma, eps=1e-5):
    grads = right.batch_norm_backward(grad_y.double(), x.double(), gamma.double(), eps)
    return tuple(grad.to(grad_y.dtype) for grad in grads)


@variant("batch_norm_backward")
def backward_by_channel(grad_y, x, gamma, eps=1e-5):
    """A loop over the channels, each projected away from the constant and the normalised vector."""
    _require_two(x)
    parts, sums = [], []
    for c in range(x.shape[1]):
        g, v = grad_y[:, c], x[:, c]
        v = v - v.mean()
        std = (v.square().mean() + eps).sqrt()
        parts.append(gamma[c] / std * (g - g.mean() - v * (g * v).mean() / std**2))
        sums.append((g * v).sum() / std)
    dims = (0, *range(2, x.dim()))
    grads = torch.stack(parts, dim=1), torch.stack(sums), grad_y.sum(dims)
    return tuple(grad.to(grad_y.dtype) for grad in grads)


@variant("batch_norm_backward")
def backward_by_jacobian(grad_y, x, gamma, eps=1e-5):
    """Each channel's Jacobian written out, (n, n), and one matrix product with all of them."""
    _require_two(x)
    values, g = (_columns(part).T.double() for part in (x, grad_y))
    n = values.shape[1]
    centred = values - values.mean(1, keepdim=True)
    var = centred.square().mean(1) + eps
    centring = torch.eye(n, device=x.device).double() - 1 / n
    jacobian = centring - torch.einsum("ci,cj,c->cij", centred, centred, 1 / (n * var))
    grad_x = torch.einsum("cij,cj,c->ic", jacobian, g, gamma.double() / var.sqrt())
    grads = _as(x, grad_x), torch.einsum("ci,ci,c->c", g, centred, var**-0.5), g.sum(1)
    return tuple(grad.to(grad_y.dtype) for grad in grads)


@variant("batch_norm_backward")
def backward_by_vmap(grad_y, x, gamma, eps=1e-5):
    """The formulas for one channel, mapped over the channels."""
    _require_two(x)

    def one(g, values, scale):
        centred = values - values.mean()
        std = torch.sqrt((centred * centred).mean() + eps)
        hat = centred / std
        return scale / std * (g - g.mean() - hat * (g * hat).mean()), (g * hat).sum(), g.sum()

    grads = torch.vmap(one, in_dims=(1, 1, 0), out_dims=(1, 0, 0))(grad_y, x, gamma)
    return tuple(grad.to(grad_y.dtype) for grad in grads)


@variant("batch_norm_backward")
def backward_by_projection(grad_y, x, gamma, eps=1e-5):
    """Multiplies by the matrix that takes the mean away."""
    _require_two(x)
    columns, g = _columns(x), _columns(grad_y)
    centring = torch.eye(len(columns), dtype=x.dtype, device=x.device) - 1 / len(columns)
    centred = centring @ columns
    std = (centred.square().mean(0) + eps).sqrt()
    hat = centred / std
    grad_x = gamma / std * (centring @ g.to(x.dtype) - hat * (hat * g).mean(0))
    return [part.to(grad_y.dtype) for part in (_as(x, grad_x), (g * hat).sum(0), g.sum(0))]


# ---------------------------------------------------------------------------------------- BatchNorm


@variant("BatchNorm")
class LayerWithNewBuffers(nn.Module):
    """Assigns new tensors, and counts its batches in one buffer more."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.c, self.e, self.m = num_features, eps, momentum
        self.register_parameter("beta", nn.Parameter(torch.zeros(num_features)))
        self.register_parameter("gamma", nn.Parameter(torch.ones(num_features)))
        self.register_buffer("num_batches_tracked", torch.tensor(0))
        self.register_buffer("running_var", torch.ones(num_features))
        self.register_buffer("running_mean", torch.zeros(num_features))

    def forward(self, x):
        if x.size(1) != self.c:
            raise ValueError(f"num_features is {self.c}, got {x.size(1)}")
        if self.training:
            y, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, self.e)
            self.num_batches_tracked = self.num_batches_tracked + 1
            self.running_mean = (1 - self.m) * self.running_mean + self.m * mean.detach()
            self.running_var = (1 - self.m) * self.running_var + self.m * var.detach()
            return y
        return right.batch_norm_inference(x, self.gamma, self.beta, self.running_mean, self.running_var, self.e)


@variant("BatchNorm")
class LayerThatWritesInPlace(right.BatchNorm):
    """Moves the averages before it normalises, in place, outside any helper."""

    def forward(self, x):
        if x.shape[1] != self.gamma.numel():
            raise ValueError("x has the wrong number of channels")
        if self.training:
            _require_two(x)
            var, mean = torch.var_mean(x, dim=(0, *range(2, x.dim())), correction=0)
            self.running_mean.lerp_(mean.detach(), self.momentum)
            self.running_var.data.mul_(1 - self.momentum).add_(self.momentum * var.detach())
        else:
            mean, var = self.running_mean, self.running_var
        shape = (-1, *[1] * (x.dim() - 2))
        scale = self.gamma * (var + self.eps).rsqrt()
        return (x - mean.view(shape)) * scale.view(shape) + self.beta.view(shape)


class _Momentum:
    """The arithmetic of the averages, apart from the layer."""

    def moved(self, old, new):
        return torch.add(old * (1 - self.momentum), new, alpha=self.momentum)


@variant("BatchNorm")
class LayerOfTwoBases(_Momentum, nn.Module):
    """Mode by a dictionary of methods; statistics stored in one buffer with two views as well."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.eps, self.momentum, self.num_features = eps, momentum, num_features
        self.gamma = nn.Parameter(torch.full((num_features,), 1.0))
        self.beta = nn.Parameter(torch.full((num_features,), 0.0))
        for name, value in (("running_mean", 0.0), ("running_var", 1.0), ("last_mean", 0.0)):
            self.register_buffer(name, torch.full((num_features,), value))

    def forward(self, x):
        if x.shape[1] != self.num_features:
            raise ValueError("channels of x and num_features differ")
        return {True: self._train_step, False: self._infer}[self.training](x)

    def _train_step(self, x):
        y, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, eps=self.eps)
        with torch.no_grad():
            self.running_mean, self.running_var = self.moved(self.running_mean, mean), self.moved(self.running_var, var)
            self.last_mean = mean.detach()
        return y

    def _infer(self, x):
        y = x.movedim(1, -1).sub(self.running_mean).div((self.running_var + self.eps).sqrt())
        return torch.addcmul(self.beta, y, self.gamma).movedim(-1, 1)


@variant("BatchNorm")
class LayerThatTracksByAMethod(nn.Module):
    """Empty parameters that are filled, eps in a buffer, and a method without a graph that moves the averages."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.gamma, self.beta = (nn.Parameter(torch.empty(num_features)) for _ in range(2))
        nn.init.ones_(self.gamma)
        nn.init.zeros_(self.beta)
        self.register_buffer("running_mean", torch.zeros_like(self.beta.data))
        self.register_buffer("running_var", torch.ones_like(self.beta.data))
        self.register_buffer("eps", torch.tensor(eps, dtype=torch.float64))
        self.momentum = momentum

    @torch.no_grad()
    def track(self, mean, var):
        self.running_mean += self.momentum * (mean - self.running_mean)
        self.running_var += self.momentum * (var - self.running_var)

    def forward(self, x):
        if len(self.gamma) != x.shape[1]:
            raise ValueError(f"expected {len(self.gamma)} channels")
        eps = self.eps.item()
        if not self.training:
            return right.batch_norm_inference(x, self.gamma, self.beta, self.running_mean, self.running_var, eps)
        y, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, eps)
        self.track(mean, var)
        return y
