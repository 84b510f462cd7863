"""Model solution of the assignment on attention.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Softmax" and "Self-attention mechanism";
Artificial Neural Networks and Deep Learning (Politecnico di Milano, 2023-24), §9.2 and §9.3;
Vaswani et al., Attention Is All You Need (2017), for the heads and the positional encoding.
"""

import torch
from torch import Tensor


def softmax(x: Tensor, dim: int = -1) -> Tensor:
    """Softmax along one dimension: positive numbers that sum to 1.

        softmax(x)_k = exp(x_k) / sum_i exp(x_i)

    Args:
        x: scores of any shape, of any floating dtype, up to 1e4 in magnitude.
        dim: the dimension that sums to 1; may be negative.

    Returns:
        Weights of the shape and dtype of ``x``.

    Source: Vérine, Deep Learning II, "Softmax".
    """
    (wide,) = _widened(x)
    powers = (wide - wide.amax(dim=dim, keepdim=True)).exp()
    return (powers / powers.sum(dim=dim, keepdim=True)).to(x.dtype)


def scaled_dot_product_attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Every query's mean of the values, weighted by how well the query fits each key.

        weights = softmax(q k^T / sqrt(d_k)),    output = weights v

    The softmax runs over the keys and is applied before the product with ``v``. A query that may
    attend to no key at all gets zero weights, a zero output and zero gradients.

    Args:
        q: queries ``(..., m, d_k)``.
        k: keys ``(..., n, d_k)``, with the leading dimensions of ``q``.
        v: values ``(..., n, d_v)``, with the leading dimensions of ``q``.
        mask: bool, broadcastable to ``(..., m, n)``; True where a query may attend to a key.
            ``None`` lets every query attend to every key.

    Returns:
        ``(output, weights)`` of shapes ``(..., m, d_v)`` and ``(..., m, n)``, in the dtype of ``q``.

    Source: Vérine, Deep Learning II, "Self-attention mechanism"; Politecnico di Milano §9.3, whose
    formula closes the parenthesis of the softmax one factor too late.
    """
    queries, keys, values = _widened(q, k, v)
    scores = queries @ keys.transpose(-2, -1) / q.shape[-1] ** 0.5
    if mask is None:
        weights = softmax(scores)
    else:
        # The lowest finite number, not -inf: a row without any key would be -inf - -inf = NaN.
        blocked = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
        weights = softmax(blocked).masked_fill(~mask, 0.0)
    return (weights @ values).to(q.dtype), weights.to(q.dtype)


def causal_mask(n: int) -> Tensor:
    """The mask with which a position sees itself and the positions before it.

    Args:
        n: length of the sequence.

    Returns:
        Bool ``(n, n)``: entry ``[i, j]`` is True where ``j <= i``.

    Source: Vaswani et al. (2017), §3.2.3.
    """
    return torch.ones(n, n, dtype=torch.bool).tril()


def multi_head_attention(
    x: Tensor,
    w_q: Tensor,
    w_k: Tensor,
    w_v: Tensor,
    w_o: Tensor,
    num_heads: int,
    mask: Tensor | None = None,
) -> Tensor:
    """Self-attention in several heads side by side, joined and projected once more.

        head_h = attention(Q_h, K_h, V_h),    result = [head_1, ..., head_H] w_o

    with ``Q = x @ w_q``, ``K = x @ w_k``, ``V = x @ w_v``. Head ``h`` takes the ``h``-th block of
    ``D / num_heads`` consecutive columns of each, and is scaled by the root of its own width.

    Args:
        x: the sequence ``(N, L, D)``.
        w_q: weights of the queries ``(D, D)``, applied as ``x @ w_q``; the other three alike.
        w_k: weights of the keys ``(D, D)``.
        w_v: weights of the values ``(D, D)``.
        w_o: weights ``(D, D)`` applied to the joined heads.
        num_heads: how many heads; divides ``D``.
        mask: bool, broadcastable to ``(N, L, L)``, the same for every head; True where a position
            may attend. ``None`` lets every position attend to every position.

    Returns:
        ``(N, L, D)`` in the dtype of ``x``.

    Raises:
        ValueError: where ``num_heads`` is below 1 or does not divide ``D``.

    Source: Vérine, Deep Learning II, "Multi-head attention"; Vaswani et al. (2017), §3.2.2.
    """
    batch, length, width = x.shape
    if num_heads < 1 or width % num_heads:
        raise ValueError(f"num_heads={num_heads}: must be at least 1 and divide the width {width} of x")
    inputs, *weights, last = _widened(x, w_q, w_k, w_v, w_o)
    q, k, v = ((inputs @ w).unflatten(-1, (num_heads, width // num_heads)).transpose(1, 2) for w in weights)
    if mask is not None:
        mask = mask.broadcast_to(batch, length, length).unsqueeze(1)
    heads, _ = scaled_dot_product_attention(q, k, v, mask)
    return (heads.transpose(1, 2).flatten(2) @ last).to(x.dtype)


def positional_encoding(length: int, dim: int) -> Tensor:
    """Sines and cosines that tell every position from the others.

        column 2i: sin(pos / 10000**(2i / dim)),    column 2i + 1: cos(pos / 10000**(2i / dim))

    Args:
        length: number of positions ``pos``, counted from 0.
        dim: number of columns; even.

    Returns:
        ``(length, dim)``, float32, as accurate as angles computed in float32 allow.

    Raises:
        ValueError: where ``dim`` is odd.

    Source: Vaswani et al. (2017), §3.5; Politecnico di Milano §9.3 says why it is needed.
    """
    if dim % 2:
        raise ValueError(f"dim={dim}: must be even, a sine and a cosine for every angle")
    position = torch.arange(length, dtype=torch.float64).unsqueeze(1)
    rate = 10000.0 ** (-torch.arange(0, dim, 2, dtype=torch.float64) / dim)
    angle = position * rate
    return torch.stack((angle.sin(), angle.cos()), dim=-1).flatten(1).to(torch.float32)


def luong_scores(h: Tensor, s: Tensor, W: Tensor) -> Tensor:
    """Luong's multiplicative score of a decoder state against every encoder state.

        score_l = h^T W s_l

    Args:
        h: decoder states ``(N, d_h)``.
        s: encoder states ``(N, L, d_s)``.
        W: weights ``(d_h, d_s)``.

    Returns:
        Scores ``(N, L)`` in the dtype of ``h``; no softmax yet.

    Source: Politecnico di Milano §9.2.
    """
    states, sequence, weight = _widened(h, s, W)
    return (sequence @ (states @ weight).unsqueeze(-1)).squeeze(-1).to(h.dtype)


def bahdanau_scores(h: Tensor, s: Tensor, W1: Tensor, W2: Tensor, v: Tensor) -> Tensor:
    """Bahdanau's additive score of a decoder state against every encoder state.

        score_l = v^T tanh(W1 h + W2 s_l)

    Args:
        h: decoder states ``(N, d_h)``.
        s: encoder states ``(N, L, d_s)``.
        W1: weights ``(a, d_h)``.
        W2: weights ``(a, d_s)``.
        v: weights ``(a,)``.

    Returns:
        Scores ``(N, L)`` in the dtype of ``h``; no softmax yet.

    Source: Politecnico di Milano §9.2.
    """
    states, sequence, first, second, last = _widened(h, s, W1, W2, v)
    hidden = torch.tanh((states @ first.mT).unsqueeze(1) + sequence @ second.mT)
    return (hidden @ last).to(h.dtype)


def _widened(*tensors: Tensor) -> list[Tensor]:
    """The tensors in one dtype that holds them all, at least float32: sums in half precision lose digits."""
    dtype = torch.float32
    for tensor in tensors:
        dtype = torch.promote_types(dtype, tensor.dtype)
    return [tensor.to(dtype) for tensor in tensors]
