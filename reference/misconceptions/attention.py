"""Wrong answers to the assignment on attention, each with the sentence that helps its author."""

import math

import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import misconception
from reference import attention as right

# The first misconception that answers like a student names the mistake. A loop over the batch answers
# right, so it comes first in its question: what else is wrong there differs in some value.

# ------------------------------------------------------------------------------------------ softmax


@misconception(of="softmax", hint="A Python loop over the rows is slow; `amax` and `sum` take `dim` and `keepdim`.")
def softmax_row_by_row(x, dim=-1):
    if x.dim() == 1:
        return right.softmax(x, dim)
    moved = x.movedim(dim, -1)
    return torch.stack([softmax_row_by_row(row) for row in moved]).movedim(-1, dim)


@misconception(
    of="softmax",
    hint="The dimension is fixed in your code: look where `dim` should be used, twice.",
    breaks="along-dim",
)
def softmax_along_the_last_dimension_only(x, dim=-1):
    return right.softmax(x, -1)


@misconception(of="softmax", hint="Without a `dim`, the softmax runs along the last dimension, not the first one.")
def softmax_along_the_first_dimension_by_default(x, dim=0):
    return right.softmax(x, dim)


@misconception(of="softmax", hint="Your numbers sum to 1 over the whole tensor; they should along `dim` alone.")
def softmax_over_the_whole_tensor(x, dim=-1):
    return right.softmax(x.flatten(), 0).view(x.shape)


@misconception(
    of="softmax",
    hint="exp of a large score is infinite. The softmax does not change when a number is subtracted from every score: "
    "which number makes exp harmless?",
    breaks="overflow",
)
def softmax_that_overflows(x, dim=-1):
    powers = x.exp()
    return powers / powers.sum(dim, keepdim=True)


@misconception(
    of="softmax",
    hint="You subtract one maximum from the whole tensor: a row far below it becomes 0 / 0. "
    "Every row along `dim` needs its own maximum.",
    breaks="own-maximum",
)
def softmax_with_one_maximum_for_all(x, dim=-1):
    powers = (x - x.max()).exp()
    return powers / powers.sum(dim, keepdim=True)


@misconception(
    of="softmax",
    hint="Cutting the scores off changes the answer: 60 and 80 are not the same score.",
    breaks="far-apart",
)
def softmax_of_clipped_scores(x, dim=-1):
    return right.softmax(x.clamp(-50, 50), dim)


@misconception(of="softmax", hint="Subtract the maximum from the scores; dividing by it changes the ratios of exp.")
def softmax_of_scores_divided_by_their_maximum(x, dim=-1):
    return right.softmax(x / x.amax(dim, keepdim=True).abs().clamp(min=1), dim)


@misconception(
    of="softmax",
    hint="You return logarithms: one step is left until they are weights that sum to 1.",
    breaks="probabilities",
)
def log_of_the_softmax(x, dim=-1):
    return x - x.logsumexp(dim, keepdim=True)


@misconception(of="softmax", hint="An operator like `-=` or a method ending in _ writes into the caller's tensor x.")
def softmax_in_place(x, dim=-1):
    with torch.no_grad():
        x -= x.amax(dim, keepdim=True)
    return right.softmax(x, dim)


@misconception(of="softmax", hint="The result should have the dtype of x; yours is always float32.")
def softmax_in_float32(x, dim=-1):
    return right.softmax(x.float(), dim)


@misconception(of="softmax", hint="detach, .data, .item and numpy cut the graph: no gradient reaches x.")
def softmax_without_gradient(x, dim=-1):
    return right.softmax(x.detach(), dim)


@misconception(of="softmax", hint="This is PyTorch's own softmax; here the point is to write it with exp and sum.")
def softmax_from_the_library(x, dim=-1):
    return F.softmax(x, dim)


@misconception(
    of="softmax",
    hint="A negative `dim` counts from the end: -1 is the last dimension, -2 the one before.",
    breaks="dim-from-the-end",
)
def softmax_that_counts_negative_dimensions_from_the_front(x, dim=-1):
    return right.softmax(x, dim if dim >= -1 else -dim - 1)


@misconception(
    of="softmax", hint="x may have any number of dimensions; yours stops at three.", breaks="many-dimensions"
)
def softmax_of_three_dimensions_at_most(x, dim=-1):
    first, second, third = (*x.shape, 1, 1)[:3]
    return right.softmax(x.reshape(first, second, third), dim - 3 + x.dim() if dim < 0 else dim).reshape(x.shape)


@misconception(of="softmax", hint="A small number added to the sum keeps the weights from adding up to 1.")
def softmax_with_an_eps_in_the_denominator(x, dim=-1):
    powers = (x - x.amax(dim, keepdim=True)).exp()
    return powers / (powers.sum(dim, keepdim=True) + 1e-6)


# --------------------------------------------------------------------- scaled dot-product attention


def _widened(*tensors):
    return [t.to(torch.promote_types(t.dtype, torch.float32)) for t in tensors]


def _attention(q, k, v, mask=None, *, scale=None, dim=-1):
    """The right answer with a wrong scale or dimension."""
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / (q.shape[-1] ** 0.5 if scale is None else scale)
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(dim)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="A Python loop over the batch: `@` and `transpose(-2, -1)` take any number of leading dimensions.",
)
def attention_sample_by_sample(q, k, v, mask=None):
    if q.dim() == 2:
        return _attention(q, k, v, mask)
    masks = [None] * len(q) if mask is None else mask.broadcast_to(*q.shape[:-1], k.shape[-2])
    pairs = [attention_sample_by_sample(*sample) for sample in zip(q, k, v, masks, strict=True)]
    return torch.stack([o for o, _ in pairs]), torch.stack([w for _, w in pairs])


@misconception(
    of="scaled_dot_product_attention",
    hint="The scores are not scaled: divide them by the root of d_k before the softmax.",
    breaks="scaled",
)
def attention_without_scale(q, k, v, mask=None):
    return _attention(q, k, v, mask, scale=1.0)


@misconception(
    of="scaled_dot_product_attention",
    hint="The scores are divided by d_k itself; its root is asked for.",
    breaks="root",
)
def attention_scaled_by_the_width(q, k, v, mask=None):
    return _attention(q, k, v, mask, scale=q.shape[-1])


@misconception(
    of="scaled_dot_product_attention",
    hint="d_k is the width of a query, its last dimension; you take the root of the number of keys.",
)
def attention_scaled_by_the_number_of_keys(q, k, v, mask=None):
    return _attention(q, k, v, mask, scale=k.shape[-2] ** 0.5)


@misconception(
    of="scaled_dot_product_attention",
    hint="The root is of d_k, the width of queries and keys; you take the width of the values.",
    breaks="width-of-queries",
)
def attention_scaled_by_the_width_of_the_values(q, k, v, mask=None):
    return _attention(q, k, v, mask, scale=v.shape[-1] ** 0.5)


@misconception(
    of="scaled_dot_product_attention",
    hint="Every query shares out one unit of attention among the keys: along which dimension do the weights sum to 1?",
    breaks="over-keys",
)
def attention_with_softmax_over_the_queries(q, k, v, mask=None):
    return _attention(q, k, v, mask, dim=-2)


@misconception(
    of="scaled_dot_product_attention",
    hint="The softmax belongs to the scores alone, before the product with v; Polimi's §9.3 misplaces a parenthesis.",
    breaks="softmax-before-values",
)
def attention_with_softmax_after_the_values(q, k, v, mask=None):
    weights = _attention(q, k, v, mask)[1]
    return (q @ k.mT / q.shape[-1] ** 0.5 @ v).softmax(-1), weights


@misconception(
    of="scaled_dot_product_attention",
    hint="True in the mask means that a query MAY attend; you read it as hidden.",
    breaks="true-may-attend",
)
def attention_with_the_mask_inverted(q, k, v, mask=None):
    return _attention(q, k, v, None if mask is None else ~mask)


@misconception(of="scaled_dot_product_attention", hint="The mask has no effect on your result.")
def attention_without_the_mask(q, k, v, mask=None):
    return _attention(q, k, v)


@misconception(
    of="scaled_dot_product_attention",
    hint="A row of scores that are all -inf becomes NaN in the softmax: a query without any key needs care.",
    breaks="nothing-to-attend",
)
def attention_with_minus_infinity(q, k, v, mask=None):
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1)
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="Your values are right, but replacing NaN afterwards leaves NaN in the gradients: keep it from arising.",
    breaks="zero-gradients",
)
def attention_with_nan_replaced_afterwards(q, k, v, mask=None):
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores + torch.zeros_like(scores).masked_fill(~mask, -math.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="Equal scores, however low, share the attention equally: a query without any key attends to all of them here.",
    breaks="zero-weights",
)
def attention_that_is_uniform_without_keys(q, k, v, mask=None):
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    weights = scores.softmax(-1)
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="Broadcasting lines shapes up from the right: a mask (H, m, n) holds for every sample, it is not (N, m, n).",
    breaks="mask-broadcasts",
)
def attention_that_reads_three_dimensions_of_the_mask_as_a_batch(q, k, v, mask=None):
    if mask is not None and mask.dim() == 3 and q.dim() == 4:
        mask = mask.unsqueeze(1)
    return _attention(q, k, v, mask)


@misconception(
    of="scaled_dot_product_attention",
    hint="Whether a mask holds for samples or for heads does not depend on sizes that happen to agree: shapes line up "
    "from the right.",
)
def attention_that_guesses_what_three_dimensions_mean(q, k, v, mask=None):
    if mask is not None and mask.dim() == 3 and q.dim() == 4 and len(mask) == len(q):
        mask = mask.unsqueeze(1)
    return _attention(q, k, v, mask)


@misconception(
    of="scaled_dot_product_attention",
    hint="The weights are zeroed after the softmax, so those left no longer sum to 1: mask the scores.",
    breaks="masked-scores",
)
def attention_masked_after_the_softmax(q, k, v, mask=None):
    weights = _attention(q, k, v)[1]
    if mask is not None:
        weights = weights * mask
    return (weights @ v.to(weights)), weights


@misconception(
    of="scaled_dot_product_attention",
    hint="A score of 0 is a score like any other, exp(0) = 1: a hidden key needs a score far below all others.",
)
def attention_with_scores_times_the_mask(q, k, v, mask=None):
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    weights = (scores if mask is None else scores * mask).softmax(-1)
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="Scores can lie far below your stand-in for minus infinity; then the hidden keys win.",
    breaks="hidden-keys",
)
def attention_with_too_small_a_number_for_hidden_keys(q, k, v, mask=None):
    dtype, (q, k, v) = q.dtype, _widened(q, k.to(q.dtype), v.to(q.dtype))
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, -1e4)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights * mask
    return (weights @ v).to(dtype), weights.to(dtype)


@misconception(
    of="scaled_dot_product_attention",
    hint="float16 ends at 65504, and products of queries and keys pass that: compute in float32, return q's dtype.",
)
def attention_that_overflows_in_half_precision(q, k, v, mask=None):
    k, v = k.to(q.dtype), v.to(q.dtype)
    scores = q @ k.mT / q.shape[-1] ** 0.5
    if mask is not None:
        scores = scores.masked_fill(~mask, torch.finfo(q.dtype).min)
    weights = scores.softmax(-1)
    if mask is not None:
        weights = weights.masked_fill(~mask, 0)
    return weights @ v, weights


@misconception(
    of="scaled_dot_product_attention",
    hint="The weights are detached: gradients should flow through them too.",
    breaks="gradients-of-weights",
)
def attention_with_detached_weights(q, k, v, mask=None):
    output, weights = _attention(q, k, v, mask)
    return output, weights.detach()


@misconception(of="scaled_dot_product_attention", hint="An operator like `/=` writes into the caller's q.")
def attention_that_scales_the_queries_in_place(q, k, v, mask=None):
    with torch.no_grad():
        q /= q.shape[-1] ** 0.5
    return _attention(q, k, v, mask, scale=1.0)


@misconception(of="scaled_dot_product_attention", hint="An operation ending in _ turns the caller's mask around.")
def attention_that_inverts_the_mask_in_place(q, k, v, mask=None):
    result = _attention(q, k, v, mask)
    if mask is not None:
        mask.logical_not_()
    return result


@misconception(
    of="scaled_dot_product_attention",
    hint="The second value is the weights after the softmax, not the scores.",
    breaks="weights-after-softmax",
)
def attention_that_returns_scores(q, k, v, mask=None):
    return _attention(q, k, v, mask)[0], q @ k.mT / q.shape[-1] ** 0.5


@misconception(of="scaled_dot_product_attention", hint="The order of the result is (output, weights).", breaks="order")
def attention_with_results_swapped(q, k, v, mask=None):
    return _attention(q, k, v, mask)[::-1]


@misconception(
    of="scaled_dot_product_attention", hint="The results should have the dtype of q; yours are always float32."
)
def attention_in_float32(q, k, v, mask=None):
    return right.scaled_dot_product_attention(q.float(), k.float(), v.float(), mask)


@misconception(
    of="scaled_dot_product_attention",
    hint="Where q, k and v differ in dtype, the result has that of q, not the widest.",
)
def attention_in_the_widest_dtype(q, k, v, mask=None):
    dtype = torch.promote_types(torch.promote_types(q.dtype, k.dtype), v.dtype)
    return right.scaled_dot_product_attention(q.to(dtype), k.to(dtype), v.to(dtype), mask)


@misconception(
    of="scaled_dot_product_attention", hint="This is PyTorch's own attention; here the point is to write it."
)
def attention_from_the_library(q, k, v, mask=None):
    eye = torch.eye(k.shape[-2], dtype=q.dtype).expand(*k.shape[:-1], k.shape[-2])
    weights = F.scaled_dot_product_attention(q, k.to(q), eye, attn_mask=mask)
    return weights @ v.to(q), weights


@misconception(
    of="scaled_dot_product_attention",
    hint="The dimensions are counted from the front: from the end, -2 and -1 are right for any number of them.",
    breaks="leading-dimensions",
)
def attention_of_four_dimensions_at_most(q, k, v, mask=None):
    if k.dim() > 4:
        raise RuntimeError(f"expected at most 4 dimensions, not {k.dim()}")
    return right.scaled_dot_product_attention(q, k, v, mask)


@misconception(
    of="scaled_dot_product_attention", hint="Your gradient stops at the keys: detach, .data and numpy cut the graph."
)
def attention_with_detached_keys(q, k, v, mask=None):
    return right.scaled_dot_product_attention(q, k.detach(), v, mask)


@misconception(
    of="scaled_dot_product_attention",
    hint="The output is zero where a query may attend to nothing, but its weights are not: both should be.",
)
def attention_with_zero_output_but_uniform_weights(q, k, v, mask=None):
    output, _ = right.scaled_dot_product_attention(q, k, v, mask)
    return output, attention_that_is_uniform_without_keys(q, k, v, mask)[1]


@misconception(
    of="scaled_dot_product_attention",
    hint="A mask with a single column, or a single entry, can hide every key too: look at it after broadcasting.",
)
def attention_that_looks_for_empty_rows_before_broadcasting(q, k, v, mask=None):
    if mask is None or mask.shape[-1] == k.shape[-2]:
        return right.scaled_dot_product_attention(q, k, v, mask)
    return attention_that_is_uniform_without_keys(q, k, v, mask)


# -------------------------------------------------------------------------------------- causal mask


@misconception(
    of="causal_mask",
    hint="Yours shows the future and hides the past: row i is the query, column j the key.",
    breaks="past",
)
def causal_mask_of_the_future(n):
    return torch.ones(n, n, dtype=torch.bool).triu()


@misconception(
    of="causal_mask", hint="A position may attend to itself: the diagonal is True as well.", breaks="diagonal"
)
def causal_mask_without_the_diagonal(n):
    return torch.ones(n, n, dtype=torch.bool).tril(-1)


@misconception(of="causal_mask", hint="True means that a query MAY attend; your True entries are the hidden ones.")
def causal_mask_of_what_is_hidden(n):
    return torch.ones(n, n, dtype=torch.bool).triu(1)


@misconception(of="causal_mask", hint="The mask is bool; yours holds zeros and ones of another dtype.", breaks="bool")
def causal_mask_of_numbers(n):
    return torch.ones(n, n).tril()


@misconception(of="causal_mask", hint="The mask is bool, not the 0 and -inf that some add to the scores.")
def causal_mask_to_be_added(n):
    return torch.full((n, n), -math.inf).triu(1)


@misconception(
    of="causal_mask",
    hint="A sequence of length 1 has a mask of shape (1, 1): squeeze removes both dimensions.",
    breaks="single",
)
def causal_mask_squeezed(n):
    return right.causal_mask(n).squeeze()


# ------------------------------------------------------------------------------ multi-head attention


def _check(x, num_heads):
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError(f"num_heads={num_heads} does not fit")


def _split(x, num_heads):
    return x.unflatten(-1, (num_heads, -1)).transpose(1, 2)


def _join(heads):
    return heads.transpose(1, 2).flatten(2)


def _per_head(mask, x):
    return None if mask is None else mask.broadcast_to(x.shape[0], x.shape[1], x.shape[1])[:, None]


def _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, *, split=_split, join=_join, attend=None):
    """The right answer with one step replaced."""
    _check(x, num_heads)
    dtype = x.dtype
    x, w_q, w_k, w_v, w_o = _widened(x, *(w.to(dtype) for w in (w_q, w_k, w_v, w_o)))
    q, k, v = (split(x @ w, num_heads) for w in (w_q, w_k, w_v))
    output, _ = (attend or right.scaled_dot_product_attention)(q, k, v, _per_head(mask, x))
    return (join(output) @ w_o).to(dtype)


@misconception(
    of="multi_head_attention", hint="A Python loop over the batch: loop over the heads if you like, not over samples."
)
def heads_sample_by_sample(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    _check(x, num_heads)
    masks = [None] * len(x) if mask is None else mask.broadcast_to(len(x), x.shape[1], x.shape[1])
    rows = [
        right.multi_head_attention(r[None], w_q, w_k, w_v, w_o, num_heads, m) for r, m in zip(x, masks, strict=True)
    ]
    return torch.cat(rows)


@misconception(
    of="multi_head_attention",
    hint="A view as (N, num_heads, L, d) cuts across positions: split the last dimension in two, then move the heads.",
    breaks="split",
)
def heads_that_mix_positions(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(
        x, w_q, w_k, w_v, w_o, num_heads, mask,
        split=lambda t, h: t.reshape(t.shape[0], h, t.shape[1], -1),
        join=lambda t: t.reshape(t.shape[0], t.shape[2], -1),
    )  # fmt: skip


@misconception(
    of="multi_head_attention",
    hint="A head takes consecutive columns; yours takes every num_heads-th one: in which order stand num_heads and d?",
    breaks="consecutive-columns",
)
def heads_of_interleaved_columns(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(
        x, w_q, w_k, w_v, w_o, num_heads, mask,
        split=lambda t, h: t.unflatten(-1, (-1, h)).permute(0, 3, 1, 2),
        join=lambda t: t.permute(0, 2, 3, 1).flatten(2),
    )  # fmt: skip


@misconception(
    of="multi_head_attention",
    hint="The heads are joined in the wrong order: bring the position before the head, then flatten.",
    breaks="joined-in-order",
)
def heads_joined_without_moving_them_back(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, join=lambda t: t.reshape(t.shape[0], t.shape[2], -1))


@misconception(
    of="multi_head_attention",
    hint="A head is scaled by the root of its own width D / num_heads, not of D.",
    breaks="own-width",
)
def heads_scaled_by_the_full_width(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    def attend(q, k, v, allowed):
        return _attention(q, k, v, allowed, scale=x.shape[-1] ** 0.5)

    return _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, attend=attend)


@misconception(of="multi_head_attention", hint="The last projection, with w_o, is missing.", breaks="last-projection")
def heads_without_the_last_projection(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q, w_k, w_v, torch.eye(x.shape[-1]), num_heads, mask)


@misconception(
    of="multi_head_attention",
    hint="The weights apply as `x @ w`; `F.linear` and nn.Linear transpose them.",
    breaks="weights-from-the-right",
)
def heads_with_transposed_weights(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q.mT, w_k.mT, w_v.mT, w_o.mT, num_heads, mask)


@misconception(
    of="multi_head_attention",
    hint="Keys and values have weights of their own, w_k and w_v.",
    breaks="three-projections",
)
def heads_with_one_projection(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q, w_q, w_q, w_o, num_heads, mask)


@misconception(
    of="multi_head_attention",
    hint="All columns in one head: num_heads is checked, but nothing is split.",
    breaks="all-heads",
)
def one_head_whatever_num_heads_says(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    _check(x, num_heads)
    return _heads(x, w_q, w_k, w_v, w_o, 1, mask)


@misconception(of="multi_head_attention", hint="Only attention is asked for: x itself is not added to the result.")
def heads_with_a_residual(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return x + _heads(x, w_q, w_k, w_v, w_o, num_heads, mask)


@misconception(of="multi_head_attention", hint="The mask has no effect on your result.", breaks="mask")
def heads_without_the_mask(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q, w_k, w_v, w_o, num_heads, None)


@misconception(
    of="multi_head_attention",
    hint="With heads in front, a mask (N, L, L) meets scores (N, num_heads, L, L): its N is read as heads. "
    "It needs one more dimension.",
    breaks="mask-for-every-head",
)
def heads_that_read_the_batch_of_the_mask_as_heads(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(
        x, w_q, w_k, w_v, w_o, num_heads, None,
        attend=lambda q, k, v, _: right.scaled_dot_product_attention(q, k, v, mask),
    )  # fmt: skip


@misconception(
    of="multi_head_attention",
    hint="A mask may be (L, L) or (1, L) as well as (N, L, L): inserting a dimension at 1 fits only the last.",
    breaks="mask-broadcasts",
)
def heads_that_need_a_mask_of_three_dimensions(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    allowed = None if mask is None else mask.unsqueeze(1)
    return _heads(
        x, w_q, w_k, w_v, w_o, num_heads, None,
        attend=lambda q, k, v, _: right.scaled_dot_product_attention(q, k, v, allowed),
    )  # fmt: skip


@misconception(
    of="multi_head_attention",
    hint="Large scores make exp infinite inside your heads: use your softmax, which survives them.",
)
def heads_that_overflow(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    def attend(q, k, v, allowed):
        powers = (q @ k.mT / q.shape[-1] ** 0.5).exp()
        if allowed is not None:
            powers = powers * allowed
        total = powers.sum(-1, keepdim=True)
        return powers / total.masked_fill(total == 0, 1.0) @ v, None

    return _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, attend=attend)


@misconception(
    of="multi_head_attention",
    hint="A position that may attend to nothing makes a row of -inf, which the softmax turns into NaN.",
    breaks="nothing-to-attend",
)
def heads_that_are_nan_where_nothing_is_seen(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    return _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, attend=attention_with_minus_infinity)


@misconception(
    of="multi_head_attention", hint="num_heads is never checked; columns that fit no head are dropped in silence."
)
def heads_without_a_check(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    width = x.shape[-1] // max(num_heads, 1)
    fitting = max(num_heads, 1) * width
    w_q, w_k, w_v, w_o = w_q[:, :fitting], w_k[:, :fitting], w_v[:, :fitting], w_o[:fitting]
    dtype = x.dtype
    x, w_q, w_k, w_v, w_o = _widened(x, *(w.to(dtype) for w in (w_q, w_k, w_v, w_o)))
    q, k, v = (_split(x @ w, max(num_heads, 1)) for w in (w_q, w_k, w_v))
    output, _ = right.scaled_dot_product_attention(q, k, v, _per_head(mask, x))
    return (_join(output) @ w_o).to(dtype)


@misconception(
    of="multi_head_attention",
    hint="0 and negative numbers of heads should raise a ValueError of yours too.",
    breaks="heads-at-least-one",
)
def heads_that_may_be_negative(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    if x.shape[-1] % num_heads:
        raise ValueError(f"num_heads={num_heads} does not divide {x.shape[-1]}")
    return right.multi_head_attention(x, w_q, w_k, w_v, w_o, abs(num_heads), mask)


@misconception(
    of="multi_head_attention", hint="A wrong num_heads should raise a ValueError; assert raises another error."
)
def heads_checked_by_assert(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    assert num_heads >= 1, "num_heads"  # noqa: S101
    assert x.shape[-1] % num_heads == 0, "num_heads"  # noqa: S101
    return right.multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, mask)


@misconception(of="multi_head_attention", hint="The result should have the dtype of x; yours is always float32.")
def heads_in_float32(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    weights = (w.float() for w in (w_q, w_k, w_v, w_o))
    return right.multi_head_attention(x.float(), *weights, num_heads, mask)


@misconception(
    of="multi_head_attention", hint="torch.tensor, detach and .data cut the graph: no gradient reaches the weights."
)
def heads_with_detached_weights(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    weights = (w.detach() for w in (w_q, w_k, w_v, w_o))
    return right.multi_head_attention(x, *weights, num_heads, mask)


@misconception(
    of="multi_head_attention", hint="This is PyTorch's own layer; here the point is to split and join by hand."
)
def heads_from_the_library(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    _check(x, num_heads)
    layer = nn.MultiheadAttention(x.shape[-1], num_heads, bias=False, batch_first=True, dtype=x.dtype)
    joined = torch.cat([w_q.mT, w_k.mT, w_v.mT]).to(x)
    state = {"in_proj_weight": joined, "out_proj.weight": w_o.mT.to(x)}
    hidden = None if mask is None else ~_per_head(mask, x).repeat(1, num_heads, 1, 1).flatten(0, 1)
    return torch.func.functional_call(layer, state, (x, x, x), {"attn_mask": hidden})[0]


@misconception(
    of="multi_head_attention",
    hint="A num_heads that does not divide D drops columns in silence: raise a ValueError.",
    breaks="heads-divide",
)
def heads_that_drop_columns(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    if num_heads < 1:
        raise ValueError(f"num_heads={num_heads}")
    return heads_without_a_check(x, w_q, w_k, w_v, w_o, num_heads, mask)


@misconception(of="multi_head_attention", hint="The ValueError should say which argument is wrong: num_heads.")
def heads_that_refuse_without_a_name(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    if num_heads < 1 or x.shape[-1] % num_heads:
        raise ValueError("the sizes do not fit")
    return right.multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, mask)


@misconception(
    of="multi_head_attention", hint="The mask belongs to the scores of every head; yours reaches the first head only."
)
def heads_with_a_mask_for_the_first(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    def attend(q, k, v, allowed):
        if allowed is not None:
            rest = torch.ones(1, num_heads - 1, 1, 1, dtype=torch.bool)
            rest = rest.expand(x.shape[0], -1, x.shape[1], x.shape[1])
            allowed = torch.cat([allowed, rest], dim=1)
        return right.scaled_dot_product_attention(q, k, v, allowed)

    return _heads(x, w_q, w_k, w_v, w_o, num_heads, mask, attend=attend)


@misconception(
    of="multi_head_attention",
    hint="Length and width are exchanged: x has shape (N, L, D), and yours works only where L and D agree.",
    breaks="sizes-differ",
)
def heads_with_length_and_width_exchanged(x, w_q, w_k, w_v, w_o, num_heads, mask=None):
    batch, width, length = x.shape
    if num_heads < 1 or width % num_heads:
        raise ValueError(f"num_heads={num_heads} does not fit")
    q, k, v = ((x @ w.to(x)).reshape(batch, length, num_heads, -1).transpose(1, 2) for w in (w_q, w_k, w_v))
    output, _ = right.scaled_dot_product_attention(q, k, v, _per_head(mask, x))
    return output.transpose(1, 2).reshape(batch, length, width) @ w_o.to(x)


# ------------------------------------------------------------------------------ positional encoding


def _encoding(length, dim, exponent, *, start=0, sign=-1):
    """Sines and cosines with the given exponents, one row of them for sines and one for cosines."""
    if dim % 2:
        raise ValueError(f"dim={dim} is odd")
    position = torch.arange(start, start + length, dtype=torch.float64)[:, None]
    sine, cosine = (position * 10000.0 ** (sign * e) for e in exponent)
    return torch.stack([sine.sin(), cosine.cos()], dim=-1).flatten(1).float()


def _exponent(dim):
    return torch.arange(0, dim, 2, dtype=torch.float64) / dim


@misconception(
    of="positional_encoding",
    hint="Sines and cosines alternate, column by column; yours stand in two blocks.",
    breaks="interleaved",
)
def encoding_in_two_blocks(length, dim):
    table = right.positional_encoding(length, dim)
    return torch.cat([table[:, 0::2], table[:, 1::2]], dim=1)


@misconception(
    of="positional_encoding",
    hint="The cosine in column 2i + 1 has the same angle as the sine in column 2i.",
    breaks="same-angle",
)
def encoding_with_angles_of_their_own(length, dim):
    return _encoding(length, dim, (_exponent(dim), _exponent(dim) + 1 / dim))


@misconception(
    of="positional_encoding",
    hint="The exponent is 2i / dim, where 2i is the column; yours grows half as fast.",
    breaks="exponent",
)
def encoding_with_half_the_exponent(length, dim):
    return _encoding(length, dim, (_exponent(dim) / 2, _exponent(dim) / 2))


@misconception(
    of="positional_encoding", hint="The exponent is 2i / dim with the column 2i itself; yours doubles it again."
)
def encoding_with_twice_the_exponent(length, dim):
    return _encoding(length, dim, (_exponent(dim) * 2, _exponent(dim) * 2))


@misconception(
    of="positional_encoding", hint="The exponent divides by dim; dividing by the last column spreads it too far."
)
def encoding_that_reaches_the_last_rate(length, dim):
    spread = torch.arange(dim // 2, dtype=torch.float64) / max(dim // 2 - 1, 1)
    return _encoding(length, dim, (spread, spread))


@misconception(
    of="positional_encoding",
    hint="The position is divided by 10000**(2i/dim); yours is multiplied by it.",
    breaks="divides",
)
def encoding_with_growing_angles(length, dim):
    return _encoding(length, dim, (_exponent(dim), _exponent(dim)), sign=1)


@misconception(
    of="positional_encoding", hint="Positions count from 0: the first row is 0, 1, 0, 1, ...", breaks="from-zero"
)
def encoding_from_position_one(length, dim):
    return _encoding(length, dim, (_exponent(dim), _exponent(dim)), start=1)


@misconception(
    of="positional_encoding",
    hint="Even columns (0, 2, ...) hold sines and odd ones cosines; yours are swapped.",
    breaks="sine-first",
)
def encoding_with_cosines_first(length, dim):
    return right.positional_encoding(length, dim).unflatten(1, (-1, 2)).flip(2).flatten(1)


@misconception(
    of="positional_encoding",
    hint="The result is float32; arithmetic with float64 or numpy left another dtype.",
    breaks="float32",
)
def encoding_in_float64(length, dim):
    return right.positional_encoding(length, dim).double()


@misconception(
    of="positional_encoding", hint="An odd dim leaves a sine without its cosine: raise a ValueError.", breaks="odd-dim"
)
def encoding_of_an_odd_dim(length, dim):
    return right.positional_encoding(length, dim + dim % 2)[:, :dim]


@misconception(
    of="positional_encoding",
    hint="One row per position, even if there is only one: squeeze removes it.",
    breaks="single",
)
def encoding_squeezed(length, dim):
    return right.positional_encoding(length, dim).squeeze(0)


@misconception(
    of="positional_encoding",
    hint="Far from the start your angles are too coarse: an angle of thousands in half precision says nothing.",
    breaks="far",
)
def encoding_with_coarse_positions(length, dim):
    table = right.positional_encoding(max(length, 2049), dim)
    return table[torch.arange(length, dtype=torch.float16).clamp(max=2048).long()]


@misconception(
    of="positional_encoding", hint="Every pair of columns has an angle of its own; yours repeat after some columns."
)
def encoding_that_repeats_its_columns(length, dim):
    table = right.positional_encoding(length, dim)
    return table if dim <= 64 else table[:, :64].repeat(1, dim // 64 + 1)[:, :dim]


# --------------------------------------------------------------------------------- Luong, Bahdanau


def _luong(h, s, W):
    states, sequence, weight = (t.to(torch.promote_types(h.dtype, torch.float32)) for t in (h, s, W))
    return torch.einsum("nd,de,nle->nl", states, weight, sequence)


@misconception(
    of="luong_scores",
    hint="W maps encoder states to the width of h, (d_h, d_s); yours is the other way round.",
    breaks="orientation",
)
def luong_with_w_transposed(h, s, W):
    return torch.einsum("nd,ed,nle->nl", h, W, s)


@misconception(of="luong_scores", hint="The score is h^T W s: W is missing.", breaks="with-w")
def luong_without_w(h, s, W):
    width = min(W.shape)
    return _luong(h[:, :width], s[..., :width], torch.eye(width)).to(h.dtype)


@misconception(of="luong_scores", hint="squeeze() without a dimension also removes a batch or a sequence of size 1.")
def luong_squeezed(h, s, W):
    return _luong(h, s, W).to(h.dtype).squeeze()


@misconception(of="luong_scores", hint="Scores are asked for: the softmax comes later.", breaks="plain")
def luong_after_the_softmax(h, s, W):
    return _luong(h, s, W).softmax(-1).to(h.dtype)


@misconception(
    of="luong_scores",
    hint="The root of the width belongs to scaled dot-product attention; Luong's has none.",
    breaks="unscaled",
)
def luong_scaled(h, s, W):
    return (_luong(h, s, W) / h.shape[-1] ** 0.5).to(h.dtype)


@misconception(of="luong_scores", hint="A Python loop over the batch: `@` and einsum take the batch at once.")
def luong_sample_by_sample(h, s, W):
    return torch.cat([right.luong_scores(h[i : i + 1], s[i : i + 1], W) for i in range(len(h))])


@misconception(of="luong_scores", hint="The result should have the dtype of h; yours is always float32.")
def luong_in_float32(h, s, W):
    return _luong(h.float(), s.float(), W.float())


@misconception(of="luong_scores", hint="detach, .data and numpy cut the graph: no gradient reaches the inputs.")
def luong_without_gradient(h, s, W):
    return right.luong_scores(h, s, W.detach())


@misconception(
    of="luong_scores",
    hint="All samples are scored against the same decoder state; each sample has its own row of h.",
    breaks="own-state",
)
def luong_with_the_first_state_for_all(h, s, W):
    return right.luong_scores(h[:1].expand_as(h), s, W)


@misconception(
    of="luong_scores", hint="Every encoder state has a score of its own; all of yours are that of their mean."
)
def luong_of_the_mean_state(h, s, W):
    return right.luong_scores(h, s.mean(1, keepdim=True).expand_as(s), W)


def _bahdanau(h, s, W1, W2, v, inner=torch.tanh):
    dtype = torch.promote_types(h.dtype, torch.float32)
    h, s, W1, W2, v = (t.to(dtype) for t in (h, s, W1, W2, v))
    return inner((h @ W1.mT)[:, None] + s @ W2.mT) @ v


@misconception(
    of="bahdanau_scores", hint="tanh is missing: without it the score is only a sum of two products.", breaks="tanh"
)
def bahdanau_without_tanh(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, v, lambda t: t).to(h.dtype)


@misconception(of="bahdanau_scores", hint="The activation is tanh; a sigmoid is never negative.")
def bahdanau_with_a_sigmoid(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, v, torch.sigmoid).to(h.dtype)


@misconception(of="bahdanau_scores", hint="Add first, then apply tanh once to the sum.", breaks="sum-inside")
def bahdanau_with_two_tanh(h, s, W1, W2, v):
    h_, s_, W1, W2, v = (t.to(torch.promote_types(h.dtype, torch.float32)) for t in (h, s, W1, W2, v))
    return (((h_ @ W1.mT).tanh()[:, None] + (s_ @ W2.mT).tanh()) @ v).to(h.dtype)


@misconception(
    of="bahdanau_scores",
    hint="v comes last, outside tanh: a score is not bound to lie between -1 and 1.",
    breaks="v-outside",
)
def bahdanau_with_tanh_last(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, v, lambda t: t).tanh().to(h.dtype)


@misconception(
    of="bahdanau_scores", hint="W1 belongs to the decoder state h and W2 to the encoder states s.", breaks="W1-for-h"
)
def bahdanau_with_weights_swapped(h, s, W1, W2, v):
    return _bahdanau(h, s, W2, W1, v).to(h.dtype)


@misconception(of="bahdanau_scores", hint="The decoder state h, through W1, is missing from the sum.", breaks="both")
def bahdanau_without_the_decoder_state(h, s, W1, W2, v):
    return _bahdanau(torch.zeros_like(h), s, W1, W2, v).to(h.dtype)


@misconception(
    of="bahdanau_scores", hint="v weighs the entries after tanh; a plain sum gives each the weight 1.", breaks="with-v"
)
def bahdanau_without_v(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, torch.ones_like(v)).to(h.dtype)


@misconception(of="bahdanau_scores", hint="squeeze() without a dimension also removes a batch or a sequence of size 1.")
def bahdanau_squeezed(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, v).to(h.dtype).squeeze()


@misconception(of="bahdanau_scores", hint="Scores are asked for: the softmax comes later.", breaks="plain")
def bahdanau_after_the_softmax(h, s, W1, W2, v):
    return _bahdanau(h, s, W1, W2, v).softmax(-1).to(h.dtype)


@misconception(
    of="bahdanau_scores", hint="A Python loop over the batch: insert a dimension into h and let it broadcast."
)
def bahdanau_sample_by_sample(h, s, W1, W2, v):
    return torch.cat([right.bahdanau_scores(h[i : i + 1], s[i : i + 1], W1, W2, v) for i in range(len(h))])


@misconception(of="bahdanau_scores", hint="The result should have the dtype of h; yours is always float32.")
def bahdanau_in_float32(h, s, W1, W2, v):
    return right.bahdanau_scores(h.float(), s.float(), W1.float(), W2.float(), v.float())


@misconception(of="bahdanau_scores", hint="detach, .data and numpy cut the graph: no gradient reaches the inputs.")
def bahdanau_without_gradient(h, s, W1, W2, v):
    return right.bahdanau_scores(h, s, W1.detach(), W2, v)


@misconception(
    of="bahdanau_scores",
    hint="tanh is made from exponentials that overflow: torch.tanh stays within -1 and 1 for every number.",
    breaks="large",
)
def bahdanau_with_tanh_that_overflows(h, s, W1, W2, v):
    def tanh(t):
        up, down = t.exp(), (-t).exp()
        return (up - down) / (up + down)

    return _bahdanau(h, s, W1, W2, v, tanh).to(h.dtype)


@misconception(
    of="bahdanau_scores",
    hint="All samples are scored against the same decoder state; each sample has its own row of h.",
    breaks="own-state",
)
def bahdanau_with_the_first_state_for_all(h, s, W1, W2, v):
    return right.bahdanau_scores(h[:1].expand_as(h), s, W1, W2, v)


@misconception(of="bahdanau_scores", hint="The entries are summed, weighed by v; you take their mean.")
def bahdanau_with_a_mean(h, s, W1, W2, v):
    return (right.bahdanau_scores(h.double(), s.double(), W1.double(), W2.double(), v.double()) / len(v)).to(h.dtype)
