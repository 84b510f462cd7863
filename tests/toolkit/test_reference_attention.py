"""The model solution on attention against PyTorch's operators, finite differences and numbers worked out by hand."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from reference.attention import (
    bahdanau_scores,
    causal_mask,
    luong_scores,
    multi_head_attention,
    positional_encoding,
    scaled_dot_product_attention,
    softmax,
)

HALVES = [torch.float16, torch.bfloat16]


def draw(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + 7 * sum(shape)), dtype=dtype)


def leaf(*shape: int, seed: int = 0) -> Tensor:
    return draw(*shape, seed=seed).requires_grad_()


@pytest.mark.parametrize("dim", [-3, -1, 0, 1, 2])
def test_softmax_agrees_with_pytorch(dim: int) -> None:
    x = draw(3, 4, 5)
    torch.testing.assert_close(softmax(x, dim), torch.softmax(x, dim))


def test_softmax_of_numbers_worked_out_by_hand() -> None:
    weights = softmax(torch.tensor([0.0, math.log(2.0), math.log(5.0)]))
    torch.testing.assert_close(weights, torch.tensor([1.0, 2.0, 5.0]) / 8)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALVES])
def test_softmax_survives_large_scores_in_every_dtype(dtype: torch.dtype) -> None:
    weights = softmax(torch.tensor([[1e4, -1e4], [-1e4, -1e4]], dtype=dtype))
    assert weights.dtype == dtype
    assert weights.tolist() == [[1.0, 0.0], [0.5, 0.5]]


def test_softmax_gradient() -> None:
    assert torch.autograd.gradcheck(lambda x: softmax(x, 1), leaf(2, 3, 4))
    assert torch.autograd.gradgradcheck(softmax, (leaf(2, 3),))


@pytest.mark.parametrize("mask_shape", [(), (5,), (1, 5), (4, 1), (4, 5), (3, 1, 1, 5), (1, 2, 4, 5), (3, 2, 4, 5)])
def test_attention_agrees_with_pytorch(mask_shape: tuple[int, ...]) -> None:
    q, k, v = draw(3, 2, 4, 6), draw(3, 2, 5, 6), draw(3, 2, 5, 7)
    mask = draw(*mask_shape, seed=3) > -0.5
    output, weights = scaled_dot_product_attention(q, k, v, mask)
    # PyTorch, too, returns zeros for a query without any key.
    torch.testing.assert_close(output, F.scaled_dot_product_attention(q, k, v, mask.expand(3, 2, 4, 5)))
    torch.testing.assert_close(weights @ v, output)
    torch.testing.assert_close(weights.sum(-1), mask.expand(3, 2, 4, 5).any(-1).double())


def test_softmax_comes_before_the_values() -> None:
    """Two equal scores give the mean of the values, which no softmax of a product would."""
    output, weights = scaled_dot_product_attention(torch.zeros(1, 4), torch.ones(2, 4), torch.tensor([[2.0], [6.0]]))
    assert output.tolist() == [[4.0]]
    assert weights.tolist() == [[0.5, 0.5]]


def test_attention_gradient_with_and_without_a_mask() -> None:
    tensors = leaf(2, 3, 4), leaf(2, 5, 4, seed=1), leaf(2, 5, 2, seed=2)
    mask = torch.ones(3, 5, dtype=torch.bool).tril(1)
    mask[1] = False
    assert torch.autograd.gradcheck(scaled_dot_product_attention, tensors)
    assert torch.autograd.gradcheck(scaled_dot_product_attention, (*tensors, mask))


def test_a_query_without_keys_has_zero_weights_output_and_gradients() -> None:
    q, k, v = leaf(2, 3), leaf(4, 3, seed=1), leaf(4, 5, seed=2)
    mask = torch.tensor([[False], [True]]).expand(2, 4)
    output, weights = scaled_dot_product_attention(q, k, v, mask)
    assert not output[0].any()
    assert not weights[0].any()
    for grad in torch.autograd.grad(output[0].sum() + weights[0].pow(2).sum(), (q, k, v)):
        assert not grad.any()
        assert torch.isfinite(grad).all()


@pytest.mark.parametrize("dtype", HALVES)
def test_attention_in_half_precision_is_that_of_float64_rounded(dtype: torch.dtype) -> None:
    q, k, v = (draw(4, 8, seed=seed).to(dtype) for seed in range(3))
    got = scaled_dot_product_attention(q, k, v, causal_mask(4))
    right = scaled_dot_product_attention(q.double(), k.double(), v.double(), causal_mask(4))
    for one, other in zip(got, right, strict=True):
        torch.testing.assert_close(one, other.to(dtype))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, *HALVES])
def test_attention_is_finite_for_numbers_of_1e4(dtype: torch.dtype) -> None:
    q, k = torch.full((2, 64), 1e4, dtype=dtype), torch.full((3, 64), -1e4, dtype=dtype)
    output, weights = scaled_dot_product_attention(q, k, torch.ones(3, 1, dtype=dtype), torch.tensor([1, 0, 0]).bool())
    assert weights.tolist() == [[1.0, 0.0, 0.0]] * 2
    assert output.tolist() == [[1.0]] * 2


def test_results_have_the_dtype_of_the_first_input() -> None:
    q, k = draw(2, 3, dtype=torch.float32), draw(4, 3)
    assert {part.dtype for part in scaled_dot_product_attention(q, k, k)} == {torch.float32}
    weights = [draw(4, 4, seed=i) for i in range(4)]
    assert heads(draw(1, 2, 4, dtype=torch.bfloat16), weights, 2).dtype == torch.bfloat16
    h, s = draw(2, 3, dtype=torch.float32), draw(2, 5, 4)
    assert luong_scores(h, s, draw(3, 4)).dtype == torch.float32
    assert bahdanau_scores(h, s, draw(6, 3), draw(6, 4), draw(6)).dtype == torch.float32


def test_causal_mask() -> None:
    assert causal_mask(3).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert causal_mask(1).tolist() == [[True]]


def heads(x: Tensor, weights: list[Tensor], num_heads: int, mask: Tensor | None = None) -> Tensor:
    w_q, w_k, w_v, w_o = weights
    return multi_head_attention(x, w_q, w_k, w_v, w_o, num_heads, mask)


def pytorch_heads(x: Tensor, weights: list[Tensor], num_heads: int, mask: Tensor | None) -> Tensor:
    """PyTorch's layer with the same weights, which it keeps transposed and joined."""
    layer = nn.MultiheadAttention(x.shape[-1], num_heads, bias=False, batch_first=True, dtype=x.dtype)
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([w.T for w in weights[:3]]))
        layer.out_proj.weight.copy_(weights[3].T)
    hidden = None if mask is None else ~mask.repeat_interleave(num_heads, 0)
    output: Tensor = layer(x, x, x, attn_mask=hidden)[0]
    return output


@pytest.mark.parametrize("num_heads", [1, 2, 3, 6])
def test_heads_agree_with_pytorch(num_heads: int) -> None:
    x, weights = draw(2, 4, 6), [draw(6, 6, seed=i) for i in range(4)]
    mask = causal_mask(4).repeat(2, 1, 1)
    mask[1, :, 0] = True
    mask[1, 0, 2] = True
    for allowed in (None, mask):
        got = heads(x, weights, num_heads, allowed)
        torch.testing.assert_close(got, pytorch_heads(x, weights, num_heads, allowed))


def test_a_mask_of_any_shape_holds_for_every_head() -> None:
    """Two samples and two heads: a mask of the samples must not be read as one of the heads."""
    x, weights = draw(2, 3, 4), [draw(4, 4, seed=i) for i in range(4)]
    full = torch.stack([causal_mask(3), causal_mask(3).T])
    got = heads(x, weights, 2, full)
    for i in range(2):
        alone = heads(x[i : i + 1], weights, 2, full[i])
        torch.testing.assert_close(got[i : i + 1], alone)
    padding = torch.tensor([True, True, False])
    wanted = heads(x, weights, 2, padding.expand(2, 3, 3))
    for mask in (padding, padding[None], padding[None, None]):
        torch.testing.assert_close(heads(x, weights, 2, mask), wanted)


def test_heads_gradient() -> None:
    mask = causal_mask(3)
    mask[1] = False
    weights = [leaf(4, 4, seed=i) for i in range(4)]
    assert torch.autograd.gradcheck(lambda x, *w: heads(x, list(w), 2, mask), (leaf(2, 3, 4), *weights))


@pytest.mark.parametrize("num_heads", [0, -1, -2, 3, 5])
def test_heads_that_do_not_fit(num_heads: int) -> None:
    with pytest.raises(ValueError, match=f"num_heads={num_heads}: must be at least 1 and divide the width 4 of x"):
        heads(draw(1, 2, 4), [draw(4, 4) for _ in range(4)], num_heads)


def test_positional_encoding_of_the_first_positions() -> None:
    table = positional_encoding(3, 4)
    rows = [[math.sin(p), math.cos(p), math.sin(p / 100), math.cos(p / 100)] for p in range(3)]
    assert table.dtype == torch.float32
    torch.testing.assert_close(table, torch.tensor(rows))


def test_positional_encoding_is_accurate_far_out() -> None:
    last = positional_encoding(5000, 6)[-1].tolist()
    angles = [4999 / 10000 ** (2 * i / 6) for i in range(3)]
    assert last == pytest.approx([f(a) for a in angles for f in (math.sin, math.cos)], abs=1e-7)


def test_positional_encoding_of_an_odd_dim() -> None:
    with pytest.raises(ValueError, match="dim=5: must be even"):
        positional_encoding(3, 5)


def test_luong_scores_agree_with_pytorch() -> None:
    h, s, weight = draw(2, 3), draw(2, 5, 4), draw(3, 4)
    wanted = F.bilinear(h[:, None].expand(2, 5, 3).contiguous(), s, weight[None]).squeeze(-1)
    torch.testing.assert_close(luong_scores(h, s, weight), wanted)
    assert torch.autograd.gradcheck(luong_scores, (leaf(2, 3), leaf(2, 5, 4), leaf(3, 4)))


def test_bahdanau_scores_agree_with_layers() -> None:
    h, s, first, second, v = draw(2, 3), draw(2, 5, 4), draw(6, 3), draw(6, 4), draw(6)
    wanted = F.linear(torch.tanh(F.linear(h, first)[:, None] + F.linear(s, second)), v[None]).squeeze(-1)
    torch.testing.assert_close(bahdanau_scores(h, s, first, second, v), wanted)
    assert torch.autograd.gradcheck(bahdanau_scores, (leaf(2, 3), leaf(2, 5, 4), leaf(6, 3), leaf(6, 4), leaf(6)))


def test_sizes_of_1_keep_their_dimension() -> None:
    one = torch.ones(1, 1)
    assert luong_scores(one, one[None], one).shape == (1, 1)
    assert bahdanau_scores(one, one[None], one, one, torch.ones(1)).shape == (1, 1)
    assert multi_head_attention(one[None], one, one, one, one, 1).tolist() == [[[1.0]]]
    assert positional_encoding(1, 2).tolist() == [[0.0, 1.0]]
