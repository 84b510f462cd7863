"""Odd but right answers to the assignment on attention: each earns full marks."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant


@variant(of="softmax")
def softmax_through_logsumexp(x, dim=-1):
    """In log space."""
    return torch.exp(x - torch.logsumexp(x, dim=dim, keepdim=True))


@variant(of="softmax")
def softmax_in_float64_along_the_last_dimension(x, dim=-1):
    """Moves the dimension, which leaves a result that is not contiguous, and computes in float64."""
    moved = x.double().movedim(dim, -1)
    powers = (moved - moved.max(-1, keepdim=True).values).exp()
    return (powers / powers.sum(-1, keepdim=True)).movedim(-1, dim).type_as(x)


@variant(of="softmax")
def softmax_as_a_normalised_parameter(x, dim=-1):
    """Divides by the 1-norm; a Parameter where no gradient is asked for."""
    result = F.normalize((x - x.max(dim, keepdim=True)[0]).exp(), p=1.0, dim=dim)
    return result if x.requires_grad else nn.Parameter(result)


@variant(of="softmax")
def softmax_with_a_detached_maximum(x, dim=-1):
    """In the dtype it is given, step by step."""
    with torch.no_grad():
        top = x.amax(dim, True)
    weights = torch.exp(x - top)
    return weights.div(torch.sum(weights, dim, True))


@variant(of="softmax")
def softmax_by_differences(x, dim=-1):
    """One over the sum of the exponentials of all differences."""
    moved = x.double().movedim(dim, -1)
    differences = moved.unsqueeze(-2) - moved.unsqueeze(-1)
    return (1 / differences.clamp(max=700).exp().sum(-1)).movedim(-1, dim).to(x.dtype)


@variant(of="softmax")
def softmax_from_running_sums(x, dim=-1):
    """The last of the running log-sum-exps is that of all."""
    wide = x.double()
    total = wide.logcumsumexp(dim).select(dim, -1).unsqueeze(dim)
    return (wide - total).exp().to(x.dtype)


class _Softmax(torch.autograd.Function):
    """Forward and backward by hand."""

    @staticmethod
    def forward(ctx, x, dim):
        powers = (x - x.amax(dim, keepdim=True)).exp_()
        weights = powers / powers.sum(dim, keepdim=True)
        ctx.save_for_backward(weights)
        ctx.dim = dim
        return weights

    @staticmethod
    def backward(ctx, grad):
        (weights,) = ctx.saved_tensors
        return weights * (grad - (grad * weights).sum(ctx.dim, keepdim=True)), None


@variant(of="softmax")
def softmax_as_an_autograd_function(x, dim=-1):
    """No formula is left to autograd."""
    return _Softmax.apply(x, dim)


@variant(of="scaled_dot_product_attention")
def attention_by_einsum(q, k, v, mask=None):
    """Index notation, -inf and nan_to_num before the softmax, a list for the tuple."""
    dtype = q.dtype
    q, k, v = q.double(), k.double(), v.double()
    scores = torch.einsum("...md,...nd->...mn", q, k) / math.sqrt(q.size(-1))
    if mask is not None:
        alive = mask.expand(scores.shape).any(-1, keepdim=True)
        scores = torch.where(mask, scores, -math.inf)
        scores = torch.where(alive, scores, 0.0)
        weights = torch.where(alive, torch.softmax(scores, -1), 0.0)
    else:
        weights = torch.softmax(scores, -1)
    return [torch.einsum("...mn,...nv->...mv", weights, v).to(dtype), weights.to(dtype)]


@variant(of="scaled_dot_product_attention")
def attention_with_scaled_queries(q, k, v, mask=None):
    """The root goes to both sides before the product, the mask into the exponentials."""
    wide = torch.float64 if q.dtype is torch.float64 else torch.float32
    root = q.shape[-1] ** -0.25
    scores = (q.to(wide) * root) @ (k.to(wide) * root).mT
    allowed = torch.ones((), dtype=torch.bool) if mask is None else mask
    top = scores.masked_fill(~allowed, -math.inf).amax(-1, keepdim=True)
    top = top.masked_fill(top.isinf(), 0.0).detach()
    powers = torch.where(allowed, scores - top, -math.inf).exp()
    total = powers.sum(-1, keepdim=True)
    weights = powers / total.masked_fill(total == 0, 1.0)
    return (weights @ v.to(wide)).to(q.dtype), weights.to(q.dtype)


@variant(of="scaled_dot_product_attention")
def attention_with_a_large_negative_number(q, k, v, mask=None):
    """The textbook's -1e9, then zeros over it; loops over the queries."""
    dtype = q.dtype
    wide = torch.promote_types(dtype, torch.float32)
    q, k, v = q.to(wide), k.to(wide), v.to(wide)
    rows = [(q[..., i : i + 1, :] * k).sum(-1) / q.shape[-1] ** 0.5 for i in range(q.shape[-2])]
    scores = torch.stack(rows, dim=-2)
    if mask is not None:
        scores = scores.masked_fill(mask.logical_not(), -1e9)
    weights = F.softmax(scores, dim=-1)
    if mask is not None:
        weights = weights * mask
    return torch.matmul(weights, v).to(dtype), weights.to(dtype)


@variant(of="scaled_dot_product_attention")
def attention_through_logsumexp(q, k, v, mask=None):
    """In log space, with the smallest finite number for what is masked."""
    dtype = q.dtype
    q, k, v = (t.to(torch.promote_types(dtype, torch.float32)) for t in (q, k, v))
    scores = q.matmul(k.transpose(-1, -2)).mul(1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        scores = torch.where(mask, scores, torch.finfo(scores.dtype).min)
    weights = (scores - scores.logsumexp(-1, keepdim=True)).exp()
    if mask is not None:
        weights = torch.where(mask, weights, torch.zeros_like(weights))
    return (weights @ v).to(dtype), weights.to(dtype)


@variant(of="scaled_dot_product_attention")
def attention_with_nan_filled_behind_the_mask(q, k, v, mask=None):
    """masked_fill stops the NaN of an empty row on its way back, so that nan_to_num is enough here."""
    dtype = q.dtype
    q, k, v = (t.to(torch.promote_types(dtype, torch.float32)) for t in (q, k, v))
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.nan_to_num(F.softmax(scores, dim=-1))
    return (weights @ v).to(dtype), weights.to(dtype)


@variant(of="scaled_dot_product_attention")
def attention_in_three_dimensions(q, k, v, mask=None):
    """Flattens the leading dimensions for bmm."""
    wide, front = torch.promote_types(q.dtype, torch.float32), q.shape[:-2]
    queries, keys, values = (t.to(wide).reshape(-1, *t.shape[-2:]) for t in (q, k, v))
    scores = torch.bmm(queries, keys.transpose(1, 2)) / math.sqrt(q.size(-1))
    allowed = torch.ones_like(scores, dtype=torch.bool)
    if mask is not None:
        allowed = mask.broadcast_to(*front, *scores.shape[1:]).reshape(scores.shape)
    empty = ~allowed.any(-1, keepdim=True)
    scores = scores.masked_fill(~allowed, -math.inf).masked_fill(empty, 0.0)
    weights = F.softmax(scores, -1).masked_fill(empty, 0.0)
    output = torch.bmm(weights, values)
    return output.reshape(*front, *output.shape[1:]).to(q.dtype), weights.reshape(*front, *weights.shape[1:]).to(
        q.dtype
    )


@variant(of="scaled_dot_product_attention")
def attention_key_by_key(q, k, v, mask=None):
    """A loop over the keys, allowed."""
    wide = torch.promote_types(q.dtype, torch.float32)
    q_, k_, v_ = (t.to(wide) for t in (q, k, v))
    places = range(k.shape[-2])
    scores = torch.stack([(q_ * k_[..., j : j + 1, :]).sum(-1) for j in places], -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, torch.finfo(wide).min / 2)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask.to(wide)
    output = sum(weights[..., j : j + 1] * v_[..., j : j + 1, :] for j in places)
    return output.to(q.dtype), weights.to(q.dtype)


@variant(of="causal_mask")
def causal_mask_by_comparison(n):
    """Compares positions; the result is not contiguous."""
    place = torch.arange(n)
    return (place.unsqueeze(1) <= place).T


@variant(of="causal_mask")
def causal_mask_from_triu(n):
    """What is not above the diagonal."""
    return ~torch.triu(torch.ones(n, n), diagonal=1).bool()


@variant(of="causal_mask")
def causal_mask_from_lists(n):
    """Python lists."""
    return torch.tensor([[j <= i for j in range(n)] for i in range(n)])


@variant(of="causal_mask")
def causal_mask_by_running_sums(n):
    """The identity, summed down the columns."""
    return torch.eye(n).cumsum(0).bool()


@variant(of="causal_mask")
def causal_mask_by_numpy(n):
    """numpy's tri."""
    return torch.from_numpy(np.tri(n, dtype=bool))


@variant(of="multi_head_attention")
def heads_one_after_the_other(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """A loop over the heads, each with its own columns of the weights, summed through its own rows of w_o."""
    D = x.shape[-1]
    if num_heads <= 0 or D % num_heads != 0:
        raise ValueError(f"num_heads must be a positive divisor of D = {D}, got {num_heads}")
    d = D // num_heads
    x_, *weights = (t.double() for t in (x, w_q, w_k, w_v, w_o))
    total = torch.zeros_like(x_)
    for start in range(0, D, d):
        part = slice(start, start + d)
        q, k, v = (x_ @ w[:, part] for w in weights[:3])
        scores = q @ k.mT / math.sqrt(d)
        if mask is not None:
            scores = scores.masked_fill(~mask, -1e30)
        attention = torch.softmax(scores, -1)
        if mask is not None:
            attention = attention * mask
        total = total + attention @ v @ weights[3][part]
    return total.to(x.dtype)


@variant(of="multi_head_attention")
def heads_by_einsum(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Index notation, computed in the dtype of x."""
    N, L, D = x.shape
    if not (num_heads >= 1 and D % num_heads == 0):
        raise ValueError("num_heads has to divide D")
    shape = (D, num_heads, D // num_heads)
    w_q, w_k, w_v = (w.to(x.dtype).reshape(shape) for w in (w_q, w_k, w_v))
    q, k, v = (torch.einsum("nld,dhc->nhlc", x, w) for w in (w_q, w_k, w_v))
    scores = torch.einsum("nhlc,nhmc->nhlm", q, k) / shape[-1] ** 0.5
    if mask is not None:
        mask = mask.expand(N, L, L)[:, None]
        scores = scores.masked_fill(~mask, torch.finfo(x.dtype).min)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    joined = torch.einsum("nhlm,nhmc->nlhc", weights, v).reshape(N, L, D)
    return joined.matmul(w_o.to(x.dtype))


@variant(of="multi_head_attention")
def heads_in_the_batch(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Splits and concatenates along the batch."""
    if num_heads < 1:
        raise ValueError(f"num_heads = {num_heads} is too small")
    if x.size(2) % num_heads > 0:
        raise ValueError(f"{x.size(2)} columns cannot be shared by num_heads = {num_heads}")
    wide = torch.promote_types(x.dtype, torch.float32)
    stack = torch.stack([w.to(wide) for w in (w_q, w_k, w_v)])
    q, k, v = (torch.cat(p.chunk(num_heads, dim=-1)) for p in x.to(wide) @ stack.unsqueeze(1))
    scores = torch.baddbmm(q.new_zeros(()), q, k.transpose(1, 2), beta=0, alpha=q.size(-1) ** -0.5)
    if mask is not None:
        allowed = mask.expand(x.size(0), x.size(1), x.size(1)).repeat(num_heads, 1, 1)
        scores = scores + torch.zeros_like(scores).masked_fill(~allowed, -1e15)
    weights = torch.softmax(scores, 2)
    if mask is not None:
        weights = weights * allowed.to(wide)
    return (torch.cat(torch.bmm(weights, v).chunk(num_heads), dim=-1) @ w_o.to(wide)).to(x.dtype)


@variant(of="multi_head_attention")
def heads_with_values_projected_first(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Each head's values go through its rows of w_o before they are averaged; the results are summed."""
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError(f"{num_heads=} does not fit")
    dtype, width = x.dtype, x.shape[-1] // num_heads
    x, *weights = (t.to(torch.promote_types(dtype, torch.float32)) for t in (x, w_q, w_k, w_v, w_o))
    total = torch.zeros_like(x)
    for head in range(num_heads):
        part = slice(head * width, (head + 1) * width)
        values = x @ (weights[2][:, part] @ weights[3][part])
        total = total + attention_by_einsum(x @ weights[0][:, part], x @ weights[1][:, part], values, mask)[0]
    return total.to(dtype)


@variant(of="multi_head_attention")
def heads_by_one_projection(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """All three projections in one product, as large models do it."""
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError("num_heads must divide the width of x")
    wide = torch.promote_types(x.dtype, torch.float32)
    joined = torch.cat([w.to(wide) for w in (w_q, w_k, w_v)], dim=1)
    q, k, v = (x.to(wide) @ joined).unflatten(-1, (3, num_heads, -1)).permute(2, 0, 3, 1, 4)
    allowed = mask[:, None] if mask is not None and mask.dim() == 3 else mask
    heads = attention_through_logsumexp(q, k, v, allowed)[0]
    return (heads.permute(0, 2, 1, 3).reshape(x.shape) @ w_o.to(wide)).to(x.dtype)


@variant(of="multi_head_attention")
def heads_by_vmap(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    """Attention for one head, mapped over the heads."""
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError("num_heads")
    wide = torch.promote_types(x.dtype, torch.float32)
    q, k, v = ((x.to(wide) @ w.to(wide)).unflatten(-1, (num_heads, -1)) for w in (w_q, w_k, w_v))
    attend = torch.vmap(lambda q, k, v: attention_through_logsumexp(q, k, v, mask)[0], in_dims=2, out_dims=2)
    return (attend(q, k, v).flatten(2) @ w_o.to(wide)).to(x.dtype)


@variant(of="positional_encoding")
def positions_in_float32(length, dim):
    """Rates as exp of a logarithm, all in float32, written into an empty table."""
    if dim % 2 != 0:
        raise ValueError("dim has to be even")
    table = torch.zeros(length, dim)
    position = torch.arange(length).float()[:, None]
    rate = torch.exp(torch.arange(0, dim, 2).float() * (-math.log(10000.0) / dim))
    table[:, 0::2] = torch.sin(position * rate)
    table[:, 1::2] = torch.cos(position * rate)
    return table


@variant(of="positional_encoding")
def positions_by_power(length, dim):
    """A power in float32; cosines as shifted sines, not contiguous."""
    if dim & 1:
        raise ValueError(f"an odd dim ({dim}) leaves a sine alone")
    column = torch.arange(dim)
    exponent = (column - column % 2) / dim
    angle = torch.arange(length) / torch.pow(10000, exponent)[:, None]
    return torch.where(column[:, None] % 2 == 0, angle.sin(), angle.cos()).T


@variant(of="positional_encoding")
def positions_in_loops(length, dim):
    """Plain Python."""
    if dim % 2:
        raise ValueError(f"dim must be even, not {dim}")
    trig = (math.sin, math.cos)
    rows = [[trig[c % 2](p / 10000 ** ((c - c % 2) / dim)) for c in range(dim)] for p in range(length)]
    return torch.tensor(rows)


@variant(of="positional_encoding")
def positions_by_numpy(length, dim):
    """numpy inside, complex numbers, a Parameter."""
    if dim % 2 == 1:
        raise ValueError("dim")
    turns = np.exp(1j * np.outer(np.arange(length), 10000.0 ** (-np.arange(0, dim, 2) / dim)))
    return nn.Parameter(torch.from_numpy(np.stack([turns.imag, turns.real], -1).reshape(length, dim)).float())


@variant(of="positional_encoding")
def positions_as_shifted_sines(length, dim):
    """A cosine is a sine a quarter of a turn further."""
    if dim % 2:
        raise ValueError(f"odd dim {dim}")
    angle = torch.arange(length).double()[:, None] / torch.pow(10000, torch.arange(0, dim, 2).double() / dim)
    angle = angle.repeat_interleave(2, 1)
    angle[:, 1::2] += math.pi / 2
    return angle.sin().to(torch.float32)


@variant(of="positional_encoding")
def positions_on_the_circle(length, dim):
    """Complex numbers of modulus 1; rates from logspace."""
    if dim % 2:
        raise ValueError(f"odd dim {dim}")
    rate = torch.logspace(0, -4 * (dim - 2) / dim, dim // 2, dtype=torch.float64)
    angle = torch.arange(length).double()[:, None] * rate
    turned = torch.polar(torch.ones_like(angle), angle)
    return torch.stack((turned.imag, turned.real), 2).reshape(length, dim).float()


@variant(of="luong_scores")
def luong_by_einsum(h, s, W):
    """One einsum in the dtype of h."""
    return torch.einsum("nd,de,nle->nl", h, W.to(h.dtype), s.to(h.dtype))


@variant(of="luong_scores")
def luong_from_the_right(h, s, W):
    """W s first, then the product with h, in float64."""
    projected = s.double() @ W.double().T
    return (projected * h.double().unsqueeze(1)).sum(-1).to(h.dtype)


@variant(of="luong_scores")
def luong_step_by_step(h, s, W):
    """A loop over the encoder states; stacked to a transposed result."""
    left = h @ W.to(h)
    return torch.stack([(left * s[:, i].to(h)).sum(1) for i in range(s.shape[1])]).T


@variant(of="luong_scores")
def luong_by_bilinear(h, s, W):
    """PyTorch's bilinear form, in float64."""
    states = h.double().unsqueeze(1).expand(-1, s.shape[1], -1).contiguous()
    return F.bilinear(states, s.double().contiguous(), W.double().unsqueeze(0)).squeeze(-1).to(h.dtype)


@variant(of="luong_scores")
def luong_by_vmap(h, s, W):
    """The scores of one sample, mapped over the batch."""
    wide = torch.promote_types(h.dtype, torch.float32)
    weight = W.to(wide)
    return torch.vmap(lambda state, states: states @ (weight.T @ state))(h.to(wide), s.to(wide)).to(h.dtype)


@variant(of="bahdanau_scores")
def bahdanau_by_einsum(h, s, W1, W2, v):
    """Index notation, in float64."""
    h_, s_, W1, W2, v = (t.double() for t in (h, s, W1, W2, v))
    inside = torch.einsum("ad,nd->na", W1, h_)[:, None] + torch.einsum("ae,nle->nla", W2, s_)
    return torch.einsum("a,nla->nl", v, inside.tanh()).to(h.dtype)


@variant(of="bahdanau_scores")
def bahdanau_with_joined_weights(h, s, W1, W2, v):
    """[h, s] side by side against [W1, W2] side by side, in the dtype of h."""
    s, W1, W2, v = (t.to(h.dtype) for t in (s, W1, W2, v))
    pairs = torch.cat([h.unsqueeze(1).expand(-1, s.shape[1], -1), s], dim=-1)
    return torch.tanh(F.linear(pairs, torch.cat([W1, W2], dim=1))) @ v


@variant(of="bahdanau_scores")
def bahdanau_step_by_step(h, s, W1, W2, v):
    """A loop over the encoder states; tanh from exponentials."""
    columns = []
    for state in s.unbind(1):
        inside = h @ W1.to(h).T + state.to(h) @ W2.to(h).T
        columns.append(((2 * torch.sigmoid(2 * inside) - 1) * v.to(h)).sum(-1))
    return torch.stack(columns, dim=1)


@variant(of="bahdanau_scores")
def bahdanau_entry_by_entry(h, s, W1, W2, v):
    """A loop over the entries of v, allowed; in the dtype of h."""
    s, W1, W2, v = (t.to(h.dtype) for t in (s, W1, W2, v))
    return sum(v[i] * torch.tanh((h @ W1[i])[:, None] + s @ W2[i]) for i in range(len(v)))


@variant(of="bahdanau_scores")
def bahdanau_by_vmap(h, s, W1, W2, v):
    """The scores of one sample, mapped over the batch."""
    wide = torch.promote_types(h.dtype, torch.float32)
    first, second, last = (t.to(wide) for t in (W1, W2, v))

    def one(state, states):
        return torch.tanh(first @ state + states @ second.T) @ last

    return torch.vmap(one)(h.to(wide), s.to(wide)).to(h.dtype)
