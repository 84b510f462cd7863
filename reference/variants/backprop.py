"""Odd but right answers to the assignment on back-propagation: each earns full marks."""

import math
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant

# ----------------------------------------------------------------------------------- linear_forward


@variant(of="linear_forward")
def forward_by_einsum(x, A, b):
    """Index notation, in float64."""
    return (torch.einsum("ni,oi->no", x.double(), A.double()) + b.double()).to(x.dtype)


@variant(of="linear_forward")
def forward_by_functional_linear(x, A, b):
    """F.linear is no layer."""
    return F.linear(x, A.to(x.dtype), b.to(x.dtype))


@variant(of="linear_forward")
def forward_on_columns(x, A, b):
    """The slides' product A x + b on columns, transposed back: a result that is not contiguous."""
    return (A.to(x.dtype) @ x.T + b.to(x.dtype)[:, None]).T


@variant(of="linear_forward")
def forward_with_a_column_of_ones(x, A, b):
    """The biases as one more column of weights."""
    ones = torch.ones(len(x), 1, dtype=x.dtype, device=x.device)
    return torch.cat([x, ones], 1) @ torch.cat([A, b[:, None].to(A.dtype)], 1).to(x.dtype).T


@variant(of="linear_forward")
def forward_by_broadcasting(x, A, b):
    """All products, summed over the last dimension."""
    return ((x[:, None, :] * A[None]).sum(-1) + b).type_as(x)


@variant(of="linear_forward")
def forward_by_addmm(x, A, b):
    """One fused operation; a Parameter comes back."""
    return nn.Parameter(torch.addmm(b.to(x), x, A.to(x).t()))


@variant(of="linear_forward")
def forward_by_column(x, A, b):
    """A loop over the units, which is no loop over the batch."""
    return torch.stack([x @ row.to(x.dtype) + bias.to(x.dtype) for row, bias in zip(A, b, strict=True)], dim=1)


@variant(of="linear_forward")
def forward_through_numpy(x, A, b):
    """In numpy and back."""
    x64, A64, b64 = (part.double().cpu().numpy() for part in (x, A, b))
    return torch.from_numpy(np.ascontiguousarray(x64 @ A64.T + b64)).to(x)


@variant(of="linear_forward")
def forward_by_vmap(x, A, b):
    """The slides' formula for one sample, mapped over the batch."""
    A, b = A.to(x.dtype), b.to(x.dtype)
    return torch.vmap(lambda row: torch.mv(A, row) + b)(x)


# ---------------------------------------------------------------------------------- linear_backward


class LinearGradients(NamedTuple):
    """What linear_backward returns."""

    x: torch.Tensor
    weights: torch.Tensor
    biases: torch.Tensor


@variant(of="linear_backward")
def backward_by_einsum(grad_z, x, A):
    """Index notation, in float64; a named tuple."""
    g, x, A = grad_z.double(), x.double(), A.double()
    parts = torch.einsum("no,oi->ni", g, A), torch.einsum("no,ni->oi", g, x), torch.einsum("no->o", g)
    return LinearGradients(*(part.to(grad_z.dtype) for part in parts))


@variant(of="linear_backward")
def backward_by_outer_products(grad_z, x, A):
    """An outer product per sample, all at once, then the sum; a list."""
    g = grad_z.to(torch.promote_types(torch.promote_types(grad_z.dtype, x.dtype), A.dtype))
    x, A = x.to(g.dtype), A.to(g.dtype)
    grads = [g.matmul(A), (g.unsqueeze(2) * x.unsqueeze(1)).sum(0), g.sum(0)]
    return [grad.to(grad_z.dtype) for grad in grads]


@variant(of="linear_backward")
def backward_transposed(grad_z, x, A):
    """Everything on columns, turned back at the end: results that are not contiguous."""
    dtype = grad_z.dtype
    x, A = x.to(dtype), A.to(dtype)
    return (A.T @ grad_z.T).T, (x.T @ grad_z).T, grad_z.T @ grad_z.new_ones(len(x))


@variant(of="linear_backward")
def backward_with_a_column_of_ones(grad_z, x, A):
    """The biases' gradient as one more column of the weights': two views of one tensor."""
    dtype = grad_z.dtype
    both = grad_z.T @ torch.cat([x.to(dtype), grad_z.new_ones(len(x), 1)], 1)
    return torch.mm(grad_z, A.to(dtype)), both[:, :-1], both[:, -1]


@variant(of="linear_backward")
def backward_by_batched_products(grad_z, x, A):
    """bmm over the samples, summed."""
    dtype = grad_z.dtype
    each = torch.bmm(grad_z.unsqueeze(2), x.to(dtype).unsqueeze(1))
    return torch.nn.Parameter(grad_z @ A.to(dtype)), each.sum(dim=0), torch.sum(grad_z, 0)


@variant(of="linear_backward")
def backward_by_unit(grad_z, x, A):
    """Loops over the layer's units and inputs."""
    g, x, A = grad_z.double(), x.double(), A.double()
    grad_x = sum(g[:, [o]] * A[o] for o in range(A.shape[0]))
    grad_A = torch.stack([(g[:, [o]] * x).sum(0) for o in range(A.shape[0])])
    return grad_x.to(grad_z.dtype), grad_A.to(grad_z.dtype), g.mean(0).mul(len(g)).to(grad_z.dtype)


# --------------------------------------------------------------------------------------------- relu


@variant(of="relu")
def relu_by_where(z):
    """A choice; the zero has z's dtype."""
    return torch.where(z > 0, z, torch.zeros_like(z))


@variant(of="relu")
def relu_by_mask(z):
    """A product, which gives -0.0 for negative entries."""
    return z * (z > 0)


@variant(of="relu")
def relu_by_magnitude(z):
    """max(0, z) = (z + |z|) / 2."""
    return (z + z.abs()) / 2


@variant(of="relu")
def relu_by_maximum(z):
    """The larger of z and 0."""
    return torch.maximum(z, z.new_zeros(()))


@variant(of="relu")
def relu_on_a_copy(z):
    """In place on a copy of its own."""
    a = z.clone()
    a[a < 0] = 0.0
    return a


@variant(of="relu")
def relu_of_torch(z):
    """torch.relu is no layer."""
    return torch.relu(z)


@variant(of="relu")
def relu_by_masked_fill(z):
    """In float64, filled."""
    return z.double().masked_fill(z <= 0, 0.0).to(z.dtype)


# ------------------------------------------------------------------------------------ relu_backward


@variant(of="relu_backward")
def relu_back_by_where(grad_a, z):
    """A choice between the gradient and 0."""
    return torch.where(z > 0, grad_a, torch.zeros_like(grad_a))


@variant(of="relu_backward")
def relu_back_by_masked_fill(grad_a, z):
    """Filled with 0 where nothing passes."""
    return grad_a.masked_fill(z <= 0, 0)


@variant(of="relu_backward")
def relu_back_by_sign(grad_a, z):
    """The sign, without its negative half."""
    return grad_a * torch.sign(z).clamp(min=0).to(grad_a.dtype)


@variant(of="relu_backward")
def relu_back_by_heaviside(grad_a, z):
    """The step function, 0 at 0."""
    return grad_a.mul(torch.heaviside(z, z.new_zeros(())).to(grad_a.dtype))


@variant(of="relu_backward")
def relu_back_on_a_copy(grad_a, z):
    """In place on a copy of its own."""
    grad_z = grad_a.clone()
    grad_z[torch.logical_not(z > 0)] = 0
    return grad_z


@variant(of="relu_backward")
def relu_back_through_the_output(grad_a, z):
    """The output is positive where the input is."""
    return grad_a * (torch.relu(z) > 0).type_as(grad_a)


# ------------------------------------------------------------------------------------------ sigmoid


@variant(of="sigmoid")
def sigmoid_by_its_formula(z):
    """exp(-z) may overflow to infinity, and 1 / infinity is the right 0."""
    return 1 / (1 + torch.exp(-z))


@variant(of="sigmoid")
def sigmoid_by_tanh(z):
    """A tanh, moved and halved."""
    return 0.5 * (1 + torch.tanh(z / 2))


@variant(of="sigmoid")
def sigmoid_by_two_branches(z):
    """Only exponentials of negative numbers."""
    e = torch.exp(-z.abs())
    return torch.where(z >= 0, 1 / (1 + e), e / (1 + e))


@variant(of="sigmoid")
def sigmoid_in_log_space(z):
    """exp(-softplus(-z))."""
    return torch.exp(-F.softplus(-z))


@variant(of="sigmoid")
def sigmoid_by_logaddexp(z):
    """The probability of the second of two classes, by logaddexp."""
    return torch.exp(z - torch.logaddexp(z, torch.zeros_like(z)))


@variant(of="sigmoid")
def sigmoid_clipped_far_out(z):
    """In float64, cut off where nothing changes any more."""
    return torch.special.expit(z.double().clamp(-60, 60)).to(z.dtype)


@variant(of="sigmoid")
def sigmoid_by_masks(z):
    """Each half written into its own places."""
    a = torch.empty_like(z)
    right = z >= 0
    a[right] = 1 / (1 + (-z[right]).exp())
    powers = z[~right].exp()
    a[~right] = powers / (1 + powers)
    return a


# --------------------------------------------------------------------------------- sigmoid_backward


@variant(of="sigmoid_backward")
def sigmoid_back_by_squares(grad_a, a):
    """a - a^2."""
    return (grad_a * (a - a**2)).to(grad_a.dtype)


@variant(of="sigmoid_backward")
def sigmoid_back_about_one_half(grad_a, a):
    """1/4 - (a - 1/2)^2, in float64."""
    return (grad_a.double() * (0.25 - (a.double() - 0.5).square())).to(grad_a.dtype)


@variant(of="sigmoid_backward")
def sigmoid_back_by_addcmul(grad_a, a):
    """grad_a a - grad_a a a."""
    once = grad_a * a.to(grad_a.dtype)
    return torch.addcmul(once, once, a.to(grad_a.dtype), value=-1)


@variant(of="sigmoid_backward")
def sigmoid_back_on_its_own_tensor(grad_a, a):
    """In place on its own tensor; a Parameter."""
    rest = torch.ones_like(grad_a) - a.to(grad_a.dtype)
    return nn.Parameter(rest.mul_(a).mul_(grad_a))


# ---------------------------------------------------------------------------- softmax_cross_entropy


def _refuse(targets, classes):
    if not bool(((targets >= 0) & (targets < classes)).all()):
        raise ValueError(f"every entry of targets must be one of 0, ..., {classes - 1}")


@variant(of="softmax_cross_entropy")
def cross_entropy_by_logsumexp(logits, targets):
    """The logarithm of the sum at once."""
    _refuse(targets, logits.shape[1])
    rows = torch.arange(len(targets), device=targets.device)
    log_p = logits - torch.logsumexp(logits, dim=1, keepdim=True)
    grad = torch.exp(log_p)
    grad[rows, targets] -= 1.0
    return -log_p[rows, targets].mean(), grad.div_(len(rows))


@variant(of="softmax_cross_entropy")
def cross_entropy_with_one_hot_targets(logits, targets):
    """One-hot targets, in float64, a list."""
    _refuse(targets, logits.size(1))
    wide = logits.double()
    chosen = F.one_hot(targets, wide.size(1)).double()
    log_p = wide - wide.logsumexp(-1, keepdim=True)
    loss = -(chosen * log_p).sum() / len(wide)
    return [loss.to(logits.dtype), ((log_p.exp() - chosen) / len(wide)).to(logits.dtype)]


@variant(of="softmax_cross_entropy")
def cross_entropy_by_an_outer_comparison(logits, targets):
    """The chosen classes by comparison; the loss as a difference of two means."""
    _refuse(targets, logits.shape[-1])
    chosen = targets[:, None] == torch.arange(logits.shape[-1], device=targets.device)
    top = logits.max(dim=1, keepdim=True).values
    powers = torch.exp(logits - top)
    total = powers.sum(1, keepdim=True)
    loss = (total.log() + top).mean() - torch.where(chosen, logits, 0.0).sum(1).mean()
    return loss, (powers / total - chosen.to(logits.dtype)) / logits.shape[0]


@variant(of="softmax_cross_entropy")
def cross_entropy_from_the_margins(logits, targets):
    """log(1 + sum of exp(s_k - s_t)) over the wrong classes."""
    _refuse(targets, logits.shape[1])
    margins = logits - logits.gather(1, targets[:, None])
    loss = torch.logsumexp(margins, 1).mean()
    p = torch.exp(margins - torch.logsumexp(margins, 1, keepdim=True))
    eye = torch.eye(logits.shape[1], dtype=logits.dtype, device=logits.device)
    return loss, (p - eye[targets]) / len(targets)


@variant(of="softmax_cross_entropy")
def cross_entropy_on_columns(logits, targets):
    """Classes first; the gradient is not contiguous, the loss an average by dot product."""
    _refuse(targets, logits.shape[1])
    scores = logits.T
    log_p = scores - scores.logsumexp(0)
    share = torch.full_like(targets, 1 / len(targets), dtype=torch.float64)
    places = targets, torch.arange(len(targets), device=targets.device)
    picked = log_p[places].double()
    grad = log_p.exp().index_put(places, logits.new_tensor(-1.0), accumulate=True)
    return -torch.dot(picked, share).to(logits.dtype), grad.T * (1 / len(targets))


@variant(of="softmax_cross_entropy")
def cross_entropy_with_python_targets(logits, targets):
    """Checks and counts in plain Python, computes once."""
    classes = logits.shape[1]
    wrong = [t for t in targets.tolist() if t not in range(classes)]
    if wrong:
        raise ValueError(f"targets contains {wrong[0]}, outside [0, {classes})")
    chosen = torch.tensor([[float(t == k) for k in range(classes)] for t in targets.tolist()]).to(logits)
    log_p = logits - logits.amax(1, keepdim=True)
    log_p = log_p - log_p.exp().sum(1, keepdim=True).log()
    return (-(log_p * chosen).sum(1)).mean(), (log_p.exp() - chosen) / len(chosen)


@variant(of="softmax_cross_entropy")
def cross_entropy_through_numpy(logits, targets):
    """In numpy and back."""
    if (targets < 0).any() or (targets >= logits.shape[1]).any():
        raise ValueError("targets out of range")
    s, t = logits.double().cpu().numpy(), targets.cpu().numpy()
    log_p = s - np.logaddexp.reduce(s, axis=1, keepdims=True)
    grad = np.exp(log_p)
    grad[np.arange(len(t)), t] -= 1
    loss = -log_p[np.arange(len(t)), t].mean()
    return torch.tensor(loss).to(logits), torch.tensor(grad / len(t)).to(logits)


# -------------------------------------------------------------------------------------- mlp_forward


@variant(of="mlp_forward")
def network_by_index(x, params):
    """Counts its layers, in float64."""
    h = x.double()
    for i in range(len(params)):
        A, b = params[i]
        h = h @ A.double().T + b.double()
        if i != len(params) - 1:
            h = h.relu()
    return h.to(x.dtype)


@variant(of="mlp_forward")
def network_recursively(x, params):
    """The last layer on top of the network below it."""

    def through(layers):
        A, b = (part.to(x.dtype) for part in layers[-1])
        below = x if len(layers) == 1 else torch.clamp(through(layers[:-1]), min=0)
        return torch.addmm(b, below, A.T)

    return through(params)


@variant(of="mlp_forward")
def network_on_columns(x, params):
    """The slides' columns; the logits are not contiguous."""
    h = x.T
    for depth, (A, b) in enumerate(params, start=1):
        h = torch.einsum("oi,in->on", A.to(x.dtype), h) + b.to(x.dtype).unsqueeze(1)
        h = h if depth == len(params) else h * (h > 0)
    return h.T


@variant(of="mlp_forward")
def network_with_a_relu_before_all_but_the_first(x, params):
    """The ReLU belongs to the layer above it."""
    for layer, (A, b) in enumerate(params):
        if layer:
            x = x.clamp(min=0)
        x = F.linear(x, A.to(x.dtype), b.to(x.dtype))
    return x


@variant(of="mlp_forward")
def network_by_vmap(x, params):
    """One sample's network, mapped over the batch."""
    params = [(A.to(x.dtype), b.to(x.dtype)) for A, b in params]

    def single(h):
        for A, b in params[:-1]:
            h = torch.relu(A @ h + b)
        A, b = params[-1]
        return A @ h + b

    return torch.vmap(single)(x)


# ------------------------------------------------------------------------------- mlp_loss_and_grads


def _loss(logits, targets):
    if targets.min().item() < 0 or targets.max().item() > logits.shape[1] - 1:
        raise ValueError("targets must lie in [0, K)")
    rows = torch.arange(len(targets), device=targets.device)
    log_p = logits - logits.logsumexp(1, keepdim=True)
    grad = log_p.exp()
    grad[rows, targets] -= 1
    return -log_p[rows, targets].mean(), grad / len(rows)


@variant(of="mlp_loss_and_grads")
def gradients_in_float64(x, targets, params):
    """All in float64, a list of lists, filled from behind."""
    wide = [(A.double(), b.double()) for A, b in params]
    inputs = [x.double()]
    for A, b in wide[:-1]:
        inputs.append(torch.relu(inputs[-1] @ A.T + b))
    loss, g = _loss(inputs[-1] @ wide[-1][0].T + wide[-1][1], targets)
    grads = []
    for (A, _), h in zip(reversed(wide), reversed(inputs), strict=True):
        grads.insert(0, [(g.T @ h).to(x.dtype), g.sum(0).to(x.dtype)])
        g = (g @ A) * (h > 0)
    return [loss.to(x.dtype), grads]


@variant(of="mlp_loss_and_grads")
def gradients_recursively(x, targets, params):
    """Each layer asks the network above it for the gradient at its output."""

    def above(h, rest):
        (A, b), *further = rest
        A, b = A.to(x.dtype), b.to(x.dtype)
        z = h @ A.T + b
        if further:
            loss, grad, grads = above(torch.relu(z), further)
            grad = torch.where(z > 0, grad, torch.zeros_like(grad))
        else:
            (loss, grad), grads = _loss(z, targets), []
        return loss, grad @ A, [(grad.T @ h, grad.sum(0)), *grads]

    loss, _, grads = above(x, list(params))
    return loss, grads


@variant(of="mlp_loss_and_grads")
def gradients_with_masks_kept(x, targets, params):
    """Keeps the masks of the ReLUs instead of the sums, and divides by N at the very end."""
    masks, inputs = [], [x]
    for A, b in params:
        z = torch.einsum("ni,oi->no", inputs[-1], A.to(x.dtype)) + b.to(x.dtype)
        masks.append((z > 0).to(z.dtype))
        inputs.append(z * masks[-1])
    count = len(x)
    loss, delta = _loss(z, targets)
    delta = delta * count
    grads = [None] * len(params)
    for i in range(len(params) - 1, -1, -1):
        outer = torch.einsum("no,ni->oi", delta, inputs[i])
        grads[i] = (outer / count, delta.mean(0))
        if i:
            delta = torch.mm(delta, params[i][0].to(x.dtype)) * masks[i - 1]
    return loss, tuple(grads)


@variant(of="mlp_loss_and_grads")
def gradients_with_biases_as_weights(x, targets, params):
    """The biases as one more column of weights; the gradients are views of one tensor each."""
    one = x.new_ones(len(x), 1)
    joined = [torch.cat([A, b[:, None]], 1).to(x.dtype) for A, b in params]
    inputs = [torch.cat([x, one], 1)]
    for W in joined[:-1]:
        inputs.append(torch.cat([(inputs[-1] @ W.T).clamp(min=0), one], 1))
    loss, delta = _loss(inputs[-1] @ joined[-1].T, targets)
    grads = []
    while joined:
        grad, W = delta.T @ inputs[-1], joined.pop()
        grads.append((grad[:, :-1], grad[:, -1]))
        delta = (delta @ W)[:, :-1] * (inputs.pop()[:, :-1] > 0)
    return loss, list(reversed(grads))


class _Layer:
    """A layer that remembers its input."""

    def __init__(self, A, b):
        self.A, self.b = A, b

    def forward(self, x):
        self.x = x
        return x @ self.A.T + self.b

    def backward(self, grad):
        self.grads = grad.T @ self.x, grad.sum(0)
        return grad @ self.A


class _ReLU:
    """An activation that remembers where it let something through."""

    def forward(self, z):
        self.open = z > 0
        return z * self.open

    def backward(self, grad):
        return grad * self.open


@variant(of="mlp_loss_and_grads")
def gradients_by_objects(x, targets, params):
    """Layers as objects with a forward and a backward of their own."""
    network = []
    for A, b in params:
        network += [_Layer(A.to(x.dtype), b.to(x.dtype)), _ReLU()]
    network.pop()
    for part in network:
        x = part.forward(x)
    loss, grad = _loss(x, targets)
    for part in network[::-1]:
        grad = part.backward(grad)
    return loss, [part.grads for part in network if isinstance(part, _Layer)]


# ----------------------------------------------------------------------------------------- sgd_step


@variant(of="sgd_step")
def step_on_copies(params, grads, lr):
    """In place, on copies."""
    if not lr > 0:
        raise ValueError("the learning rate must be positive")
    new = [[A.clone(), b.clone()] for A, b in params]
    for pair, gradients in zip(new, grads, strict=True):
        for p, g in zip(pair, gradients, strict=True):
            p -= lr * g  # noqa: PLW2901
    return new


@variant(of="sgd_step")
def step_by_add(params, grads, lr):
    """torch.add with a factor; tuples within a tuple."""
    if lr <= 0.0:
        raise ValueError(f"lr must be > 0, got {lr}")
    return tuple(
        (torch.add(A, gA.to(A.dtype), alpha=-lr), torch.add(b, gb.to(b.dtype), alpha=-lr))
        for (A, b), (gA, gb) in zip(params, grads, strict=True)
    )


class Layer(NamedTuple):
    """A layer's parameters."""

    A: torch.Tensor
    b: torch.Tensor


@variant(of="sgd_step")
def step_by_named_tuples(params, grads, lr):
    """In float64; named tuples of Parameters."""
    if math.copysign(1, lr) < 0 or lr == 0:
        raise ValueError(f"lr={lr!r}")

    def moved(p, g):
        return nn.Parameter((p.double() - lr * g.double()).to(p.dtype))

    return [Layer(*map(moved, pair, step)) for pair, step in zip(params, grads, strict=True)]


@variant(of="sgd_step")
def step_by_index(params, grads, lr):
    """Counts layers and parameters; a list of lists."""
    if lr <= 0:
        raise ValueError("lr")
    return [[(params[i][j] + grads[i][j] * (-lr)).to(params[i][j].dtype) for j in (0, 1)] for i in range(len(params))]


@variant(of="sgd_step")
def step_by_lerp(params, grads, lr):
    """Interpolates, or rather extrapolates, between theta and theta - grad."""
    if lr <= 0:
        raise ValueError(f"lr is {lr}, not positive")
    return [
        tuple(p.double().mul(1 - lr).add(lr * (p.double() - g)).to(p.dtype) for p, g in zip(*pair, strict=True))
        for pair in zip(params, grads, strict=True)
    ]


@variant(of="sigmoid_backward")
def sigmoid_backward_by_completing_the_square(grad_a, a):
    """a (1 - a) is 1/4 - (a - 1/2)^2, which gives 0 where a is small enough."""
    return ((0.25 - (a.double() - 0.5) ** 2) * grad_a.double()).to(grad_a.dtype)
