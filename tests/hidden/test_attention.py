"""Graded tests of the assignment on attention."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.testing import (
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
    forbid,
    norm,
    question,
)
from autograder.testing import strategies as ts

FORBIDDEN = {
    "softmax": forbid(
        "aten::*softmax*",
        "nn.*Softm*",
        *("py::torch._refs.*softm*", "py::torch._decomp.*softm*", "prims::*"),  # torch's own formulas in Python
        names=("log_softmax", "gumbel_softmax", "softmin", "Softmax", "LogSoftmax", "Softmin", "Softmax2d", "_refs"),
    ),
    "*": forbid(
        "aten::*attention*",
        "py::torch._decomp.*attention*",
        "torch.nn.functional.*attention*",
        "aten::*transformer*",
        "*FlexAttention*",
        "nn.MultiheadAttention",
        "nn.Transformer*",
        names=("multi_head_attention_forward", "MultiheadAttention", "flex_attention", "Transformer"),
    ),
}

# Attention in half precision, every step rounded: what scores of a few units allow.
ROUGH = {torch.float16: 2e-2, torch.bfloat16: 1.5e-1}
SIZES = st.integers(1, 5)
LEADING = st.sampled_from([(), (2,), (3, 2), (1, 3), (2, 1, 3)])
DEEP = st.just((2, 1, 3))
# A mask of three dimensions fits both ways there, and only one is broadcasting.
SQUARE = st.just((2, 2))
FLOAT32 = st.just(torch.float32)  # of the gates: whoever forgets the other dtypes loses those tests alone


@st.composite
def _attention_inputs(draw, *, dtype=None, min_size=1, lead=None, square=None):
    """``[q, k, v]`` with zero to two leading dimensions, each in a layout of its own; where ``square``, m is n."""
    dtype = draw(ts.float_dtypes() if dtype is None else dtype)
    front = draw(ts.shapes(min_dims=0, max_dims=2, max_size=3) if lead is None else lead)
    m, n, d_k, d_v = (draw(st.integers(min_size, 5)) for _ in range(4))
    n = m if square is not None and draw(square) else n
    shapes = ((*front, m, d_k), (*front, n, d_k), (*front, n, d_v))
    return [draw(ts.tensors(shape, dtype=dtype, layouts=ts.LAYOUTS, kinds=("normal",))) for shape in shapes]


@st.composite
def _mask(draw, shape, *, dead):
    """A mask in which the first query may attend to nothing where ``dead``, and every query to something otherwise."""
    mask = ts.build(shape, seed=draw(ts.seeds()), kind="ties").bool()
    if dead:
        mask[..., 0, :] = False
    else:
        mask[..., draw(st.integers(0, shape[-1] - 1))] = True
    return mask


def _broadcastable(mask):
    """The mask, and parts of it that broadcast: one for all samples, all heads, all queries, or all of them."""
    one = mask.flatten(0, -3)[0] if mask.dim() > 2 else mask
    parts = [mask, mask[..., :1, :], one, one[:1], one[0]]
    if mask.dim() > 2:
        parts.append(mask[:1])
    if mask.dim() > 3:
        parts += [mask[0], mask[0, :1], mask[:, :1], mask[:, :1, :1]]
    return parts


@st.composite
def _masked_inputs(draw, /, *, dead, **options):
    """``[q, k, v, mask]``."""
    q, k, v = draw(_attention_inputs(**options))
    return [q, k, v, draw(_mask((*q.shape[:-1], k.shape[-2]), dead=dead))]


@st.composite
def _peaked_inputs(draw):
    """``[q, k, v, mask]`` up to 1e4: one key far ahead for every query; the mask hides all but its negative scores."""
    dtype = draw(ts.float_dtypes(halves=True))
    m, n, d_k = draw(SIZES), draw(st.integers(2, 6)), draw(st.sampled_from((1, 4, 16)))
    direction, sign = (
        draw(ts.tensors((size,), dtype=torch.float64, kinds=("ties",))).mul(2).sub(1) for size in (d_k, m)
    )
    along = torch.tensor(draw(st.permutations(torch.linspace(-1, 1, n).tolist())), dtype=torch.float64)
    q, k = 1e4 * sign[:, None] * direction, 1e4 * along[:, None] * direction
    v = draw(ts.tensors((n, 3), dtype=dtype, kinds=("normal", "large")))
    return [q.to(dtype), k.to(dtype), v, sign[:, None] * along < 0]


@st.composite
def _heads_inputs(draw, *, dtype=None, heads=None, min_size=1, square=False):
    """``[x, w_q, w_k, w_v, w_o, num_heads]``; where ``square``, as many samples as heads."""
    dtype = draw(ts.float_dtypes() if dtype is None else dtype)
    num_heads = draw(st.integers(1, 4) if heads is None else heads)
    batch, length, width = (draw(st.integers(min_size, most)) for most in (4, 5, 3))
    batch, D = num_heads if square else batch, num_heads * width
    x = draw(ts.tensors((batch, length, D), dtype=dtype, layouts=ts.LAYOUTS, kinds=("normal",)))
    weight = ts.tensors((D, D), dtype=dtype, layouts=ts.LAYOUTS, kinds=("normal",), scale=D**-0.5)
    return [x, *(draw(weight) for _ in range(4)), num_heads]


@st.composite
def _masked_heads_inputs(draw, /, *, dead, **options):
    """``([x, w_q, w_k, w_v, w_o, num_heads], mask)``."""
    inputs = draw(_heads_inputs(**options))
    batch, length, _ = inputs[0].shape
    return inputs, draw(_mask((batch, length, length), dead=dead))


@st.composite
def _peaked_heads_inputs(draw):
    """``[x, w_q, w_k, w_v, w_o, num_heads]`` with entries of x up to 1e4 and one key far ahead for every position."""
    dtype, num_heads, width, length = draw(ts.float_dtypes()), draw(SIZES), draw(SIZES), draw(SIZES)
    D = num_heads * width
    along = torch.tensor([(-1) ** i * (i + 1) / length for i in range(length)], dtype=dtype)
    direction = draw(ts.tensors((D,), dtype=dtype, kinds=("ties",))).mul(2).sub(1)
    w_v, w_o = (draw(ts.tensors((D, D), dtype=dtype, kinds=("normal",))) for _ in range(2))
    eye = torch.eye(D, dtype=dtype)
    return [(1e4 * along[:, None] * direction)[None], eye, eye.clone(), w_v, w_o, num_heads]


@st.composite
def _wrong_heads(draw):
    """``[x, w_q, w_k, w_v, w_o, num_heads]`` with a number of heads that does not fit."""
    D = draw(st.integers(1, 6))
    num_heads = draw(st.sampled_from([h for h in range(-3, D + 3) if h < 1 or D % h]))
    x = draw(ts.tensors((draw(SIZES), draw(SIZES), D)))
    return [x, *(draw(ts.tensors((D, D))) for _ in range(4)), num_heads]


@st.composite
def _score_inputs(draw, *, additive, dtype=None, min_size=1, kinds=("normal", "integers"), batch=None):
    """``[h, s, W]``, or ``[h, s, W1, W2, v]`` for the additive score."""
    dtype = draw(ts.float_dtypes() if dtype is None else dtype)
    N = draw(st.integers(min_size, 4)) if batch is None else batch
    L, d_h, d_s, a = (draw(st.integers(min_size, 5)) for _ in range(4))
    shapes = [(a, d_h), (a, d_s), (a,)] if additive else [(d_h, d_s)]
    return [
        draw(ts.tensors(shape, dtype=dtype, layouts=ts.LAYOUTS, kinds=kinds))
        for shape in [(N, d_h), (N, L, d_s), *shapes]
    ]


def _mixed(tensors, first, others):
    """The first tensor in one dtype and the rest in another."""
    return [tensors[0].to(first), *(tensor.to(others) for tensor in tensors[1:])]


def _assert_no_loop(function, batched, rest):
    """As many operations for 200 samples as for 50; einsum and matmul take other ways for very small products."""
    few, many = ([_grown(tensor, size) for tensor in batched] for size in (50, 200))
    others = [value.contiguous() if isinstance(value, torch.Tensor) else value for value in rest]
    assert_vectorised(function, (*few, *others), (*many, *others))


def _grown(tensor, size):
    """The first sample ``size`` times."""
    return tensor[:1].contiguous().repeat(size, *[1] * (tensor.dim() - 1))


# ------------------------------------------------------------------------------------------ softmax


@question("softmax", points=1.2, gate=True)
@given(x=ts.tensors(ts.shapes(min_size=2, max_dims=3), layouts=ts.LAYOUTS))
@settings(max_examples=30)
def test_softmax_of_ordinary_scores(student, reference, x):
    """Softmax along the last dimension."""
    assert_matches(student.softmax(x), reference.softmax(double(x)), dtype=x.dtype)


@question("softmax", points=0.8)
@given(
    x=ts.tensors(
        ts.shapes(max_dims=4, max_size=4), dtype=ts.float_dtypes(), kinds=("integers", "ties", "zeros", "tiny")
    ),
    place=st.integers(0, 3),
    backwards=st.booleans(),
    keyword=st.booleans(),
)
@settings(max_examples=40)
def test_softmax_along_any_dimension(student, reference, x, place, backwards, keyword):
    """Softmax along any dimension, counted from either end."""
    dim = place % x.dim() - (x.dim() if backwards else 0)
    got = student.softmax(x, dim=dim) if keyword else student.softmax(x, dim)
    assert_matches(got, reference.softmax(double(x), dim), dtype=x.dtype)


@question("softmax", points=0.5)
@given(
    x=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes(), kinds=("integers",)),
    level=ts.tensors((6, 1), kinds=("large",)),
)
@settings(max_examples=30)
def test_softmax_does_not_change_when_a_row_is_shifted(student, reference, x, level):
    """Adding a number up to 1e4 to a whole row changes nothing."""
    shifted = x + level[: x.shape[0]].round().to(x.dtype)
    # x - logsumexp(x) is rounded to the spacing of numbers of size 1e4.
    rtol = 2e-3 if x.dtype == torch.float32 else None
    assert_matches(student.softmax(shifted), reference.softmax(double(shifted)), dtype=x.dtype, rtol=rtol)


@question("softmax", points=0.4)
@given(inputs=_peaked_inputs())
@settings(max_examples=30)
def test_softmax_of_large_scores(student, reference, inputs):
    """Scores from -1e4 to 1e4 in one row give no infinity and no NaN."""
    scores = inputs[1].mT.contiguous()
    assert_matches(student.softmax(scores), reference.softmax(double(scores)), dtype=scores.dtype)


@question("softmax", points=0.5)
@given(
    x=ts.tensors(ts.shapes(max_dims=3, max_size=4), dtype=ts.float_dtypes(halves=True)), dim=st.sampled_from((0, -1))
)
@settings(max_examples=30)
def test_softmax_keeps_the_dtype_and_leaves_its_input_alone(student, reference, x, dim):
    """The result has the dtype of x, halves included, x stays as it was and may be named."""
    got = assert_inputs_untouched(student.softmax, x, dim).value
    assert_matches(got, reference.softmax(double(x), dim), dtype=x.dtype)
    assert_no_alias(student.softmax, x=x, dim=dim)


@question("softmax", points=0.4)
@given(
    x=ts.tensors((3, 4, 2), dtype=ts.float_dtypes(), kinds=("normal", "ties")),
    cotangent=ts.tensors((3, 4, 2), kinds=("normal",)),
    dim=st.integers(-3, 2),
)
@settings(max_examples=20)
def test_softmax_can_be_differentiated(student, reference, x, cotangent, dim):
    """Gradients flow through softmax."""
    cotangents = [cotangent.to(x.dtype)]
    assert_gradients(student.softmax, reference.softmax, x, dim, wrt=(0,), cotangents=cotangents, terms=norm(cotangent))


@question("softmax", points=0.2)
@given(x=ts.tensors((2, 5), kinds=("normal",)))
@settings(max_examples=3)
def test_softmax_has_no_loop_over_the_batch(student, x):
    """One expression for the whole batch, no loop over its rows."""
    _assert_no_loop(student.softmax, [x], [1])


# --------------------------------------------------------------------- scaled dot-product attention


def _assert_attends(student, reference, q, k, v, *mask, rtol=None):
    """Output and weights, the output judged against the size of the values that enter it."""
    doubled = double([q, k, v])
    expected = reference.scaled_dot_product_attention(*doubled, *mask)
    size = expected[1] @ doubled[2].abs()
    got = student.scaled_dot_product_attention(q, k, v, *mask)
    assert_matches(got, expected, dtype=q.dtype, terms=(size, None), rtol=rtol)


def _gradient_terms(q, k, v, cotangents):
    """What the gradients for q, k and v are summed from: cotangents times the other inputs."""
    weights = norm(cotangents[0]) * norm(v) + norm(cotangents[1])
    return [weights * norm(k), weights * norm(q), norm(cotangents[0])]


@question("scaled_dot_product_attention", points=1.2, gate=True, depends_on=("softmax",))
@given(inputs=_attention_inputs(min_size=2, dtype=FLOAT32))
@settings(max_examples=30)
def test_attention_without_a_mask(student, reference, inputs):
    """Output and weights without a mask."""
    _assert_attends(student, reference, *inputs)


@question("scaled_dot_product_attention", points=1.0, depends_on=("softmax",))
@given(
    inputs=_masked_inputs(dead=False, lead=LEADING),
    square=_masked_inputs(dead=False, lead=SQUARE),
    deep=_masked_inputs(dead=False, lead=DEEP),
)
@settings(max_examples=10)
def test_attention_with_a_mask(student, reference, inputs, square, deep):
    """A mask, of any shape that broadcasts, decides who may attend to whom."""
    for *tensors, mask in (inputs, square, deep):
        for part in _broadcastable(mask):
            _assert_attends(student, reference, *tensors, part)


@question("scaled_dot_product_attention", points=0.6, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=True, square=st.booleans()))
@settings(max_examples=20)
def test_attention_of_a_query_without_keys(student, reference, inputs):
    """A query that may attend to nothing gets zero weights and a zero output."""
    *tensors, mask = inputs
    for part in (mask, mask[..., :1], torch.zeros_like(mask), mask.new_zeros(1)):
        _assert_attends(student, reference, *tensors, part)


@question("scaled_dot_product_attention", points=0.4, depends_on=("softmax",))
@given(inputs=_peaked_inputs())
@settings(max_examples=12)
def test_attention_with_large_scores(student, reference, inputs):
    """Queries and keys up to 1e4 give no infinity and no NaN, masked or not."""
    *tensors, mask = inputs
    for dtype in dict.fromkeys((tensors[0].dtype, *ts.HALVES)):
        q, k, v = (tensor.to(dtype) for tensor in tensors)
        # Small numbers first: they tell a mask that is always wrong from one that is wrong for large scores.
        _assert_attends(student, reference, q / 1e4, k / 1e4, v, mask, rtol=ROUGH.get(dtype))
        _assert_attends(student, reference, q, k, v)
        _assert_attends(student, reference, q, k, v, mask)


@question("scaled_dot_product_attention", points=0.4, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=True, dtype=st.sampled_from(ts.HALVES)))
@settings(max_examples=20)
def test_attention_in_half_precision(student, reference, inputs):
    """float16 and bfloat16 in, the same out."""
    rtol = ROUGH[inputs[0].dtype]
    _assert_attends(student, reference, *inputs[:3], rtol=rtol)
    _assert_attends(student, reference, *inputs, rtol=rtol)


@question("scaled_dot_product_attention", points=0.5, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=False), seed=ts.seeds())
@settings(max_examples=20)
def test_attention_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from output and weights to q, k and v."""
    _assert_attention_gradients(student, reference, inputs[:3], None, seed)
    _assert_attention_gradients(student, reference, inputs[:3], inputs[3], seed)


@question("scaled_dot_product_attention", points=0.4, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=True), seed=ts.seeds())
@settings(max_examples=20)
def test_gradients_of_a_query_without_keys(student, reference, inputs, seed):
    """A query that may attend to nothing has zero gradients, not NaN."""
    _assert_attention_gradients(student, reference, inputs[:3], inputs[3], seed)


def _assert_attention_gradients(student, reference, inputs, mask, seed):
    q, k, v = inputs
    front = q.shape[:-1]
    sizes = ((*front, v.shape[-1]), (*front, k.shape[-2]))
    cotangents = [ts.build(size, seed=seed + i, dtype=q.dtype) for i, size in enumerate(sizes)]
    assert_gradients(
        student.scaled_dot_product_attention,
        reference.scaled_dot_product_attention,
        q,
        k,
        v,
        mask,
        wrt=(0, 1, 2),
        cotangents=cotangents,
        terms=_gradient_terms(q, k, v, cotangents),
    )


@question("scaled_dot_product_attention", points=0.3, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=True), wide_first=st.booleans())
@settings(max_examples=20)
def test_attention_keeps_the_dtype_of_the_queries_and_leaves_its_inputs_alone(student, reference, inputs, wide_first):
    """The results have the dtype of q, no argument changes, and all may be named."""
    order = (torch.float64, torch.float32) if wide_first else (torch.float32, torch.float64)
    q, k, v = _mixed(inputs[:3], *order)
    call = {"q": q, "k": k, "v": v, "mask": inputs[3]}
    got = assert_inputs_untouched(student.scaled_dot_product_attention, **call).value
    expected = reference.scaled_dot_product_attention(**double(call))
    assert_matches(got, expected, dtype=q.dtype, terms=(norm(v), None), rtol=2e-5)
    assert_no_alias(student.scaled_dot_product_attention, *inputs)


@question("scaled_dot_product_attention", points=0.2, depends_on=("softmax",))
@given(inputs=_masked_inputs(dead=True, lead=st.just((2,)), min_size=3))
@settings(max_examples=3)
def test_attention_has_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch, no loop over its samples."""
    _assert_no_loop(student.scaled_dot_product_attention, inputs, [])


# -------------------------------------------------------------------------------------- causal mask


@question("causal_mask", points=1.0, gate=True)
@given(n=st.integers(2, 12))
@settings(max_examples=11)
def test_causal_mask(student, reference, n):
    """True on and below the diagonal, as bool."""
    assert_matches(student.causal_mask(n), reference.causal_mask(n))


@question("causal_mask", points=0.5)
@given(n=st.sampled_from((1, 63, 128)))
@settings(max_examples=3)
def test_causal_mask_of_short_and_long_sequences(student, reference, n):
    """A sequence of length 1, and long ones; n may be named."""
    assert_matches(student.causal_mask(n=n), reference.causal_mask(n))


# ------------------------------------------------------------------------------ multi-head attention


def _assert_joins(student, reference, inputs, *mask, rtol=None):
    """The result, judged against the size of the projected values."""
    x, _, _, w_v, w_o, _ = doubled = double(inputs)
    got = student.multi_head_attention(*inputs, *mask)
    expected = reference.multi_head_attention(*doubled, *mask)
    size = (x.abs() @ w_v.abs()).mean(1, keepdim=True).expand_as(x) @ w_o.abs()
    assert_matches(got, expected, dtype=inputs[0].dtype, terms=size, rtol=rtol)


NEEDS = ("scaled_dot_product_attention", "softmax")


@question("multi_head_attention", points=1.0, gate=True, depends_on=NEEDS)
@given(inputs=_heads_inputs(heads=st.integers(2, 4), min_size=2, dtype=FLOAT32))
@settings(max_examples=30)
def test_heads_without_a_mask(student, reference, inputs):
    """Two and more heads, without a mask."""
    _assert_joins(student, reference, inputs)


@question("multi_head_attention", points=0.4, depends_on=NEEDS)
@given(inputs=_heads_inputs(), one=st.booleans())
@settings(max_examples=30)
def test_heads_of_every_width(student, reference, inputs, one):
    """One head, as many heads as columns, and sizes of 1."""
    _assert_joins(student, reference, [*inputs[:-1], 1 if one else inputs[0].shape[-1]])


@question("multi_head_attention", points=0.7, depends_on=NEEDS)
@given(drawn=_masked_heads_inputs(dead=False, heads=st.integers(2, 3), min_size=2, square=True))
@settings(max_examples=10)
def test_heads_with_a_mask(student, reference, drawn):
    """A mask, of any shape that broadcasts to (N, L, L), holds for every head."""
    inputs, mask = drawn
    for part in _broadcastable(mask):
        _assert_joins(student, reference, inputs, part)


@question("multi_head_attention", points=0.3, depends_on=NEEDS)
@given(drawn=_masked_heads_inputs(dead=True), seed=ts.seeds())
@settings(max_examples=20)
def test_heads_of_a_position_that_sees_nothing(student, reference, drawn, seed):
    """A position that may attend to nothing gets a zero row, and no gradient is NaN."""
    inputs, mask = drawn
    for part in (mask, mask[..., :1], mask[0, :, :1], mask.new_zeros(1)):
        _assert_joins(student, reference, inputs, part)
    _assert_heads_gradients(student, reference, inputs, mask, seed)


@question("multi_head_attention", points=0.5)
@given(inputs=_wrong_heads())
@settings(max_examples=30)
def test_heads_that_do_not_fit(student, inputs):
    """A ValueError names num_heads where it is below 1 or does not divide D."""
    for num_heads in (inputs[-1], 0, -1):
        assert_raises(student.multi_head_attention, *inputs[:-1], num_heads, names=("num_heads",))


@question("multi_head_attention", points=0.3, depends_on=NEEDS)
@given(inputs=_heads_inputs(), seed=ts.seeds())
@settings(max_examples=20)
def test_heads_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow to x and to all four weights."""
    _assert_heads_gradients(student, reference, inputs, None, seed)


def _assert_heads_gradients(student, reference, inputs, mask, seed):
    x = inputs[0]
    cotangent = ts.build(tuple(x.shape), seed=seed, dtype=x.dtype)
    size = norm(cotangent) * (1 + norm(x)) ** 3
    assert_gradients(
        student.multi_head_attention,
        reference.multi_head_attention,
        *inputs,
        mask,
        wrt=(0, 1, 2, 3, 4),
        cotangents=[cotangent],
        terms=size,
    )


@question("multi_head_attention", points=0.4, depends_on=NEEDS)
@given(drawn=_masked_heads_inputs(dead=True, dtype=ts.float_dtypes(halves=True)), wide_first=st.booleans())
@settings(max_examples=30)
def test_heads_keep_the_dtype_and_leave_their_inputs_alone(student, reference, drawn, wide_first):
    """The result has the dtype of x, halves included, no argument changes, and all may be named."""
    inputs, mask = drawn
    assert_inputs_untouched(student.multi_head_attention, *inputs, mask)
    named = dict(zip(("x", "w_q", "w_k", "w_v", "w_o", "num_heads"), inputs, strict=True), mask=mask)
    answer = assert_no_alias(student.multi_head_attention, **named)
    expected = reference.multi_head_attention(*double(inputs), mask=mask)
    dtype = inputs[0].dtype
    assert_matches(answer.value, expected, dtype=dtype, terms=norm(inputs[0]), rtol=ROUGH.get(dtype))
    if dtype not in ROUGH:
        order = (torch.float64, torch.float32) if wide_first else (torch.float32, torch.float64)
        mixed = _mixed(inputs[:-1], *order)
        got = student.multi_head_attention(*mixed, num_heads=inputs[-1])
        expected = reference.multi_head_attention(*double(mixed), inputs[-1])
        assert_matches(got, expected, dtype=order[0], terms=norm(inputs[0]), rtol=2e-5)


@question("multi_head_attention", points=0.2, depends_on=NEEDS)
@given(inputs=_peaked_heads_inputs())
@settings(max_examples=15)
def test_heads_with_large_numbers(student, reference, inputs):
    """Entries up to 1e4 give no infinity and no NaN."""
    _assert_joins(student, reference, inputs)


@question("multi_head_attention", points=0.2, depends_on=NEEDS)
@given(inputs=_heads_inputs(min_size=3))
@settings(max_examples=3)
def test_heads_have_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch; a loop over the heads is fine."""
    _assert_no_loop(student.multi_head_attention, inputs[:1], inputs[1:])


# ------------------------------------------------------------------------------ positional encoding


@question("positional_encoding", points=1.2, gate=True)
@given(length=st.integers(2, 12), dim=st.integers(2, 8).map(lambda half: 2 * half))
@settings(max_examples=25)
def test_positional_encoding(student, reference, length, dim):
    """Sines in the even columns, cosines in the odd ones, float32."""
    assert_matches(student.positional_encoding(length, dim), reference.positional_encoding(length, dim))


@question("positional_encoding", points=0.8)
@given(length=st.integers(13, 900), dim=st.sampled_from((2, 4, 30)))
@settings(max_examples=8)
def test_positional_encoding_of_short_and_long_sequences(student, reference, length, dim):
    """One position, a single pair of columns, hundreds of columns, and thousands of positions."""
    for positions, columns in ((1, dim), (length, dim), (3000 + length, dim), (5, 256)):
        got = student.positional_encoding(length=positions, dim=columns)
        # An angle of thousands, computed in float32, is off by a few of its spacings.
        assert_matches(got, reference.positional_encoding(positions, columns), rtol=2e-5 + 5e-7 * positions)


@question("positional_encoding", points=0.5)
@given(length=st.integers(1, 6), dim=st.integers(0, 6).map(lambda half: 2 * half + 1))
@settings(max_examples=15)
def test_positional_encoding_with_an_odd_dim(student, length, dim):
    """A ValueError names dim where it is odd."""
    assert_raises(student.positional_encoding, length, dim, names=("dim",))


# --------------------------------------------------------------------------------- Luong, Bahdanau


def _score_terms(inputs, expected):
    """What the scores are summed from: products of three for Luong's, entries of v for Bahdanau's."""
    if len(inputs) == 3:
        h, s, W = (tensor.abs() for tensor in inputs)
        return torch.einsum("nd,de,nle->nl", h, W, s)
    return torch.full_like(expected, float(inputs[4].abs().sum()))


def _assert_scores(student, reference, inputs, *, rtol=None):
    """The scores, judged against the size of the terms they are summed from."""
    doubled = double(inputs)
    expected = reference(*doubled)
    terms = _score_terms(doubled, expected)
    assert_matches(student(*inputs), expected, dtype=inputs[0].dtype, terms=terms, rtol=rtol)


def _assert_score_conventions(student, reference, inputs):
    """Dtype of the first input, nothing changed in place, no memory shared, arguments by name."""
    dtype = inputs[0].dtype
    assert_inputs_untouched(student, *inputs)
    names = ("h", "s", "W") if len(inputs) == 3 else ("h", "s", "W1", "W2", "v")
    assert_no_alias(student, **dict(zip(names, inputs, strict=True)))
    if dtype in ROUGH:
        _assert_scores(student, reference, inputs, rtol=ROUGH[dtype])
        return
    other = torch.float64 if dtype == torch.float32 else torch.float32
    _assert_scores(student, reference, _mixed(inputs, dtype, other), rtol=2e-5)


def _assert_score_gradients(student, reference, inputs, cotangent):
    size = norm(cotangent)
    for tensor in inputs:
        size *= 1 + norm(tensor)
    part = cotangent[: inputs[1].shape[0], : inputs[1].shape[1]].to(inputs[0].dtype)
    wrt = tuple(range(len(inputs)))
    assert_gradients(student, reference, *inputs, wrt=wrt, cotangents=[part], terms=size)


@question("luong_scores", points=0.8, gate=True)
@given(inputs=_score_inputs(additive=False, min_size=2, dtype=FLOAT32))
@settings(max_examples=25)
def test_luong_scores(student, reference, inputs):
    """The multiplicative score of every encoder state."""
    _assert_scores(student.luong_scores, reference.luong_scores, inputs)


@question("luong_scores", points=0.3)
@given(inputs=_score_inputs(additive=False, kinds=("integers", "large")))
@settings(max_examples=30)
def test_luong_scores_of_every_size(student, reference, inputs):
    """Sizes of 1 keep their dimension, and numbers may be large."""
    _assert_scores(student.luong_scores, reference.luong_scores, inputs)


@question("luong_scores", points=0.2)
@given(inputs=_score_inputs(additive=False, dtype=ts.float_dtypes(halves=True), kinds=("normal",)))
@settings(max_examples=25)
def test_luong_scores_keep_the_dtype(student, reference, inputs):
    """The result has the dtype of h, halves included, no argument changes, and all may be named."""
    _assert_score_conventions(student.luong_scores, reference.luong_scores, inputs)


@question("luong_scores", points=0.2)
@given(inputs=_score_inputs(additive=False, batch=4, min_size=3, kinds=("normal",)), cotangent=ts.tensors((4, 5)))
@settings(max_examples=8)
def test_luong_scores_can_be_differentiated(student, reference, inputs, cotangent):
    """Gradients flow to every argument, and no loop runs over the batch."""
    _assert_score_gradients(student.luong_scores, reference.luong_scores, inputs, cotangent)
    _assert_no_loop(student.luong_scores, inputs[:2], inputs[2:])


@question("bahdanau_scores", points=0.8, gate=True)
@given(inputs=_score_inputs(additive=True, min_size=2, dtype=FLOAT32))
@settings(max_examples=25)
def test_bahdanau_scores(student, reference, inputs):
    """The additive score of every encoder state."""
    _assert_scores(student.bahdanau_scores, reference.bahdanau_scores, inputs)


@question("bahdanau_scores", points=0.3)
@given(inputs=_score_inputs(additive=True, kinds=("integers", "large")))
@settings(max_examples=30)
def test_bahdanau_scores_of_every_size(student, reference, inputs):
    """Sizes of 1 keep their dimension, and numbers may be large."""
    _assert_scores(student.bahdanau_scores, reference.bahdanau_scores, inputs)


@question("bahdanau_scores", points=0.2)
@given(inputs=_score_inputs(additive=True, dtype=ts.float_dtypes(halves=True), kinds=("normal",)))
@settings(max_examples=25)
def test_bahdanau_scores_keep_the_dtype(student, reference, inputs):
    """The result has the dtype of h, halves included, no argument changes, and all may be named."""
    _assert_score_conventions(student.bahdanau_scores, reference.bahdanau_scores, inputs)


@question("bahdanau_scores", points=0.2)
@given(inputs=_score_inputs(additive=True, batch=4, min_size=3, kinds=("normal",)), cotangent=ts.tensors((4, 5)))
@settings(max_examples=8)
def test_bahdanau_scores_can_be_differentiated(student, reference, inputs, cotangent):
    """Gradients flow to every argument, and no loop runs over the batch."""
    _assert_score_gradients(student.bahdanau_scores, reference.bahdanau_scores, inputs, cotangent)
    _assert_no_loop(student.bahdanau_scores, inputs[:2], inputs[2:])
