"""Hidden tests of ``batchnorm``: about 20 points over four functions and a layer."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.testing import (
    AUTOGRAD,
    assert_all_raise,
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
    forbid,
    question,
)
from autograder.testing import strategies as ts

_NORMS = forbid(
    *(f"aten::*{kind}_norm*" for kind in ("batch", "layer", "instance", "group")),
    *(f"nn.*{kind}Norm*" for kind in ("Batch", "Layer", "Instance", "Group")),
    *("py::torch._refs.*norm*", "py::torch._decomp.*norm*"),  # torch's own formulas in Python
    names=(
        *("batch_norm", "native_batch_norm", "layer_norm", "instance_norm", "group_norm"),
        *(f"BatchNorm{d}d" for d in (1, 2, 3)),
        *("SyncBatchNorm", "LayerNorm", "GroupNorm", "InstanceNorm1d", "InstanceNorm2d", "InstanceNorm3d"),
        *("_refs", "_decomp"),
    ),
    because="the normalization is to be written from its formula",
)
FORBIDDEN = {
    "*": _NORMS,
    "batch_norm_backward": forbid(
        *AUTOGRAD,
        "*Backward[0-9]*",  # a node of the graph called by hand, past the engine
        names=("autograd", "backward", "grad_fn"),
        because="derive the gradient by hand",
    ),
}

EPSILONS = (1e-5, 1e-3, 0.1, 1.0)
MOMENTA = (0.1, 0.01, 0.3, 0.9, 1.0)
ROUGH = 3e-2  # of a gate: right up to the fine points, which have tests of their own
UNIT = 1.0  # a size far below that of the gradients of ordinary batches, for those that cancel
FORM = 0.9  # of a test on dtypes and names: that the values are right is tested elsewhere
# At a mean of 1000 standard deviations float32 holds (x - mean) / std to about 1e-4; a variance
# computed as E[x^2] - E[x]^2 is off by several percent there.
FAR_FROM_ZERO = 1e-3
TOO_FEW = ("x", "batch", "value", "channel")


# ------------------------------------------------------------------------------------------- inputs


def _sizes(draw, images):
    """A shape with at least 2 values per channel; any size may be 1 otherwise."""
    channels = draw(st.integers(1, 4))
    if not images:
        return (draw(st.integers(2, 8)), channels)
    count, height, width = draw(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 4)))
    return (max(count, 2) if height * width == 1 else count, channels, height, width)


def _vector(draw, channels, dtype, *, mean=0.0, power=1, scale=1.0, layouts=ts.LAYOUTS):
    values = scale * (ts.build((channels,), seed=draw(ts.seeds()), dtype=torch.float64) + mean) ** power
    return ts.lay_out(values.to(dtype), draw(st.sampled_from(layouts)))


@st.composite
def batches(
    draw,
    *,
    images=None,
    dtype=None,
    kinds=("integers", "normal"),
    grad_kinds=("integers", "normal"),
    layouts=("contiguous",),
):
    """``(x, gamma, beta, grad_y)``, all of one dtype; ``kinds`` and ``grad_kinds`` are those of x and grad_y."""
    shape = _sizes(draw, draw(st.booleans()) if images is None else images)
    chosen = draw(ts.float_dtypes()) if dtype is None else dtype
    x = draw(ts.tensors(shape, dtype=chosen, kinds=kinds, layouts=layouts))
    grad_y = draw(ts.tensors(shape, dtype=chosen, kinds=grad_kinds, layouts=layouts))
    return x, _vector(draw, shape[1], chosen), _vector(draw, shape[1], chosen), grad_y


TABLES = ((64,),)
IMAGES = ((4, 4, 4), (16, 2, 3), (1, 8, 8), (70, 1, 1), (2, 1, 40))


@st.composite
def ordinary(draw, *, sizes=TABLES, layouts=("contiguous",)):
    """``(x, gamma, beta, grad_y)``: many values in each channel, of different means and spreads, float32.

    So many that a fine point, such as the unbiased variance, stays below ``ROUGH``.
    """
    channels = draw(st.integers(2, 4))
    count, *pixels = draw(st.sampled_from(sizes))
    shape = (count, channels, *pixels)
    x, grad_y = (ts.build(shape, seed=draw(ts.seeds()), dtype=torch.float64) for _ in range(2))
    means = torch.linspace(-2, 3, channels, dtype=torch.float64)
    spreads = torch.linspace(2, 0.5, channels, dtype=torch.float64)
    x, grad_y = x * _along(spreads, x) + _along(means, x), grad_y + 0.5
    gamma, beta = (_vector(draw, channels, torch.float32, mean=mean, layouts=layouts) for mean in (2.0, 0.0))
    x, grad_y = (ts.lay_out(part.float(), draw(st.sampled_from(layouts))) for part in (x, grad_y))
    return x, gamma, beta, grad_y


@st.composite
def far_from_zero(draw):
    """``(x, gamma, beta, grad_y)`` in float32: each channel's mean is a thousand times its deviation."""
    shape = draw(st.sampled_from(((40, 3), (4, 4, 3, 5))))
    unit, grad_y = (ts.build(shape, seed=draw(ts.seeds()), dtype=torch.float64) for _ in range(2))
    spread = draw(st.sampled_from((1e-2, 1.0, 10.0)))
    signs = torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)[: shape[1]]
    x = spread * (unit + 1000 * signs.reshape(1, -1, *[1] * (len(shape) - 2)))
    ones = torch.ones(shape[1])
    return x.float(), ones, 0 * ones, grad_y.float()


@st.composite
def many(draw):
    """``((x, grad_y), (x, grad_y), ones)``: a batch and one three times as large.

    Both hold so many values that matrix products take the same road in both: PyTorch's products of
    few values count fewer operations.
    """
    channels = draw(st.integers(1, 3))
    seed = draw(ts.seeds())
    pairs = ([ts.build((count, channels, 4, 4), seed=seed + i) for i in range(2)] for count in (30, 90))
    return *pairs, torch.ones(channels)


@st.composite
def running(draw, *, images=None, dtype=None, kinds=("integers", "normal"), layouts=("contiguous",)):
    """``(x, gamma, beta, running_mean, running_var)``, any batch size from 1."""
    x, gamma, beta, _ = draw(batches(images=images, dtype=dtype, kinds=kinds, layouts=layouts))
    if draw(st.booleans()):
        x = x[:1]
    mean, var = (_vector(draw, len(gamma), x.dtype, power=power) for power in (1, 2))
    return x, gamma, beta, mean, var


def _mixtures(first, *others):
    """``[first, *others]`` as they are, and with ``first`` in float32 and the others in float64, and the other way."""
    yield [first, *others]
    for own, its in ((torch.float32, torch.float64), (torch.float64, torch.float32)):
        yield [first.to(own), *(other.to(its) for other in others)]


# ----------------------------------------------------------------------- oracle and room for rounding


def _dims(x):
    return (0, *range(2, x.dim()))


def _count(x):
    """The number of values per channel."""
    return x.numel() // x.shape[1]


def _along(values, x):
    return values.double().reshape(1, -1, *[1] * (x.dim() - 2))


def _forward_terms(x, gamma, beta, expected, eps):
    """What ``y``, ``mean`` and ``var`` are summed from: where these cancel, right answers differ."""
    _, mean, var = expected
    scale = gamma.double() * torch.rsqrt(var + eps)
    size = x.double().abs()
    y_terms = torch.stack([size * _along(scale.abs(), x), _along(beta, x).expand(x.shape)])
    return y_terms, size.mean(dim=_dims(x)), var + 1e-6 * mean**2


def _check_forward(student, reference, x, gamma, beta, *eps, rtol=None):
    expected = reference.batch_norm_forward(*double((x, gamma, beta)), *eps)
    terms = _forward_terms(x, gamma, beta, expected, *(eps or (1e-5,)))
    got = student.batch_norm_forward(x, gamma, beta, *eps)
    assert_matches(got, expected, dtype=x.dtype, terms=terms, rtol=rtol)


def _backward_terms(grad_y, x, gamma, eps):
    wide, size = x.double(), grad_y.double().abs()
    deviation = torch.sqrt(wide.var(dim=_dims(x), correction=0) + eps)
    spread = wide.abs() / _along(deviation, x)
    grad_x = size * _along(gamma.double().abs() / deviation, x) * (1 + spread)
    return grad_x, (size * spread).sum(dim=_dims(x)), size.sum(dim=_dims(x))


def _check_backward(student, reference, grad_y, x, gamma, *eps, rtol=None):
    expected = reference.batch_norm_backward(*double((grad_y, x, gamma)), *eps)
    terms = _backward_terms(grad_y, x, gamma, *(eps or (1e-5,)))
    got = student.batch_norm_backward(grad_y, x, gamma, *eps)
    assert_matches(got, expected, dtype=grad_y.dtype, terms=terms, rtol=rtol)


def _inference_terms(x, gamma, running_mean, running_var, eps):
    scale = _along(gamma.double().abs() * torch.rsqrt(running_var.double() + eps), x)
    return torch.stack([x.double().abs() * scale, (_along(running_mean, x) * scale).expand(x.shape)])


def _check_inference(student, reference, arguments, *eps, rtol=None):
    x, gamma, _, mean, var = arguments
    expected = reference.batch_norm_inference(*double(arguments), *eps)
    got = student.batch_norm_inference(*arguments, *eps)
    terms = _inference_terms(x, gamma, mean, var, *(eps or (1e-5,)))
    assert_matches(got, expected, dtype=x.dtype, terms=terms, rtol=rtol)


# ------------------------------------------------------------------------------- batch_norm_forward


@question("batch_norm_forward", points=1.5, gate=True)
@given(ordinary())
@settings(max_examples=20)
def test_forward_normalises_a_table(student, reference, drawn):
    """A batch of 64 rows is normalised, scaled and shifted feature by feature."""
    _check_forward(student, reference, *drawn[:3], rtol=ROUGH)


@question("batch_norm_forward", points=1)
@given(ordinary(sizes=IMAGES, layouts=ts.LAYOUTS))
@settings(max_examples=25)
def test_forward_on_images(student, reference, drawn):
    """On (N, C, H, W) every channel has one mean and one variance, over images and pixels."""
    _check_forward(student, reference, *drawn[:3], rtol=ROUGH)


@question("batch_norm_forward", points=0.5)
@given(batches(layouts=ts.LAYOUTS), st.sampled_from(EPSILONS))
@settings(max_examples=60)
def test_forward_is_exact(student, reference, drawn, eps):
    """On few values the results are exact to rounding: the biased variance, any eps, any memory layout."""
    _check_forward(student, reference, *drawn[:3], eps)


@question("batch_norm_forward", points=0.5)
@given(batches(kinds=("tiny",)), st.sampled_from(((), (1e-5,), (1e-7,), (1e-3,))))
@settings(max_examples=25)
def test_forward_puts_eps_inside_the_root(student, reference, drawn, eps):
    """Where the variance is as small as eps, eps stands inside the root, and is 1e-5 unless given; it may be 0."""
    _check_forward(student, reference, *drawn[:3], *eps)
    _check_forward(student, reference, *drawn[:3], 0.0)


@question("batch_norm_forward", points=0.5)
@given(far_from_zero())
@settings(max_examples=20)
def test_forward_far_from_zero(student, reference, drawn):
    """The variance stays accurate where the mean is a thousand times the deviation (float32)."""
    x, gamma, beta, _ = drawn
    expected = reference.batch_norm_forward(*double((x, gamma, beta)))
    assert_matches(student.batch_norm_forward(x, gamma, beta), expected, dtype=x.dtype, rtol=FAR_FROM_ZERO)


@question("batch_norm_forward", points=0.25)
@given(batches(kinds=("large", "zeros", "ties"), layouts=ts.LAYOUTS))
@settings(max_examples=30)
def test_forward_on_large_and_constant_channels(student, reference, drawn):
    """Values of 1e4 and channels whose values are all equal give finite, right answers and gradients."""
    x, gamma, beta, grad_y = drawn
    _check_forward(student, reference, x, gamma, beta)
    _check_forward_gradients(student, reference, drawn, terms=_backward_terms(grad_y, x, gamma, 1e-5))


def _check_forward_gradients(student, reference, drawn, **closeness):
    x, gamma, beta, grad_y = drawn
    mine, right = student.batch_norm_forward, reference.batch_norm_forward
    assert_gradients(mine, right, x, gamma, beta, wrt=(0, 1, 2), cotangents=[grad_y, None, None], **closeness)


@question("batch_norm_forward", points=0.5)
@given(ordinary())
@settings(max_examples=15)
def test_forward_is_differentiable(student, reference, drawn):
    """Gradients of y reach gamma, beta and x, through the mean and the variance too."""
    _check_forward_gradients(student, reference, drawn, rtol=ROUGH, terms=UNIT)


@question("batch_norm_forward", points=0.25)
@given(batches(), st.sampled_from(EPSILONS))
@settings(max_examples=10)
def test_forward_leaves_inputs_and_keeps_the_dtype(student, reference, drawn, eps):
    """Inputs stay as they are, all results have the dtype of x, and arguments may be named."""
    for x, gamma, beta in _mixtures(*drawn[:3]):
        assert_inputs_untouched(student.batch_norm_forward, x, gamma, beta)
        got = assert_no_alias(student.batch_norm_forward, x=x, gamma=gamma, beta=beta, eps=eps).value
        expected = reference.batch_norm_forward(*double((x, gamma, beta)), eps)
        terms = _forward_terms(x, gamma, beta, expected, eps)
        assert_matches(got, expected, dtype=x.dtype, terms=terms, rtol=FORM)


def _too_small(channels, dtype):
    shapes = ((1, channels), (1, channels, 1, 1), (0, channels), (0, channels, 2, 2))
    return [torch.ones(shape, dtype=dtype) for shape in shapes]


@question("batch_norm_forward", points=0.25)
@given(st.integers(1, 4), st.booleans())
@settings(max_examples=8)
def test_forward_asks_for_two_values(student, channels, wide):
    """Fewer than 2 values per channel raise a ValueError that says so."""
    dtype = torch.float64 if wide else torch.float32
    ones = torch.ones(channels, dtype=dtype)
    calls = [(x, ones, ones) for x in _too_small(channels, dtype)]
    assert_all_raise(student.batch_norm_forward, *calls, names=TOO_FEW)


@question("batch_norm_forward", points=0.25)
@given(many())
@settings(max_examples=3)
def test_forward_is_vectorised(student, drawn):
    """The number of tensor operations does not grow with the batch."""
    (x, _), (more, _), ones = drawn
    assert_vectorised(student.batch_norm_forward, (x, ones, ones), (more, ones, ones))


# ----------------------------------------------------------------------------- update_running_stats


@st.composite
def statistics(draw, *, plain=False, scale=1.0):
    """``(running_mean, running_var, mean, var)``; where ``plain``, float32, contiguous and of 2 channels or more."""
    channels = draw(st.integers(2 if plain else 1, 5))
    dtype = torch.float32 if plain else draw(ts.float_dtypes())
    layouts = ("contiguous",) if plain else ts.LAYOUTS
    return [_vector(draw, channels, dtype, power=power, scale=scale, layouts=layouts) for power in (1, 2, 1, 2)]


def _check_update(student, reference, drawn, *momentum):
    expected = reference.update_running_stats(*double(drawn), *momentum)
    got = student.update_running_stats(*drawn, *momentum)
    assert_matches(got, expected, dtype=drawn[0].dtype, terms=_update_terms(drawn))


def _update_terms(drawn):
    return torch.stack(drawn[::2]), torch.stack(drawn[1::2])


@question("update_running_stats", points=0.9, gate=True)
@given(statistics(plain=True), st.sampled_from((0.25, 0.01, 0.3, 0.9)))
@settings(max_examples=30)
def test_update_averages_both_statistics(student, reference, drawn, momentum):
    """The batch enters with weight momentum, the past with weight 1 - momentum, mean and variance alike."""
    _check_update(student, reference, drawn, momentum)


@question("update_running_stats", points=0.4)
@given(statistics(), st.sampled_from(MOMENTA))
@settings(max_examples=12)
def test_update_by_default_and_by_name(student, reference, drawn, momentum):
    """momentum is 0.1 unless given, arguments may be named, the dtype is that of the running mean."""
    _check_update(student, reference, drawn)
    for mean, other_mean, other_var in _mixtures(drawn[0], *drawn[2:]):
        values = (mean, drawn[1].to(mean.dtype), other_mean, other_var)
        named = dict(zip(("running_mean", "running_var", "mean", "var"), values, strict=True), momentum=momentum)
        expected = reference.update_running_stats(**double(named))
        rtol = None if other_mean.dtype == mean.dtype else 2e-5
        got = student.update_running_stats(**named)
        assert_matches(got, expected, dtype=mean.dtype, terms=_update_terms(double(list(values))), rtol=rtol)


@question("update_running_stats", points=0.4)
@given(statistics())
@settings(max_examples=10)
def test_update_makes_new_tensors(student, reference, drawn):
    """The old statistics stay as they are, also where momentum is 0 or 1, and share no memory with the new."""
    for momentum in (0.1, 0.0, 1.0):
        _check_update(student, reference, drawn, momentum)
        assert_inputs_untouched(student.update_running_stats, *drawn, momentum)
        assert_no_alias(student.update_running_stats, *drawn, momentum)


@question("update_running_stats", points=0.1)
@given(statistics(scale=1e4), statistics(scale=1e-6), st.sampled_from(MOMENTA))
@settings(max_examples=15)
def test_update_of_large_and_small_numbers(student, reference, large, small, momentum):
    """Statistics of 1e4 and more, or of 1e-6, of one channel or several, in any memory layout."""
    _check_update(student, reference, large, momentum)
    _check_update(student, reference, small, momentum)


@question("update_running_stats", points=0.2)
@given(statistics(), st.sampled_from(MOMENTA), ts.seeds())
@settings(max_examples=10)
def test_update_is_differentiable(student, reference, drawn, momentum, seed):
    """Gradients reach all four statistics, the old ones and those of the batch."""
    cotangents = [ts.build(tuple(part.shape), seed=seed) for part in drawn[:2]]
    mine, right = student.update_running_stats, reference.update_running_stats
    assert_gradients(mine, right, *drawn, momentum, wrt=(0, 1, 2, 3), cotangents=cotangents)


# ----------------------------------------------------------------------------- batch_norm_inference


def _with_statistics(drawn, seed):
    """``drawn`` of ``ordinary`` with running statistics that are not the batch's."""
    x, gamma, beta, _ = drawn
    mean, spread = (ts.build(gamma.shape, seed=seed + offset) for offset in (11, 22))
    return x, gamma, beta, mean, spread**2 + 0.5


@question("batch_norm_inference", points=1, gate=True)
@given(ordinary(), st.integers(0, 9))
@settings(max_examples=20)
def test_inference_uses_the_running_statistics(student, reference, drawn, seed):
    """A table is normalised by the running mean and variance, not by its own."""
    _check_inference(student, reference, _with_statistics(drawn, seed), rtol=ROUGH)


@question("batch_norm_inference", points=0.5)
@given(ordinary(sizes=IMAGES, layouts=ts.LAYOUTS), st.integers(0, 9))
@settings(max_examples=25)
def test_inference_on_images(student, reference, drawn, seed):
    """On images every channel has one running mean and one running variance."""
    _check_inference(student, reference, _with_statistics(drawn, seed), rtol=ROUGH)


@question("batch_norm_inference", points=0.5)
@given(running(layouts=ts.LAYOUTS), st.sampled_from((*EPSILONS, None)))
@settings(max_examples=40)
def test_inference_is_exact(student, reference, drawn, eps):
    """Tables and images, one sample or many, any eps, are exact to rounding."""
    _check_inference(student, reference, drawn, *(() if eps is None else (eps,)))


@question("batch_norm_inference", points=0.25)
@given(running(kinds=("large", "tiny", "zeros")), st.sampled_from((0.0, 1e-8, 1e-5)))
@settings(max_examples=18)
def test_inference_puts_eps_inside_the_root(student, reference, drawn, level):
    """A running variance as small as eps, or 0, divides by the root of variance plus eps; 1e4 stays finite."""
    x, gamma, beta, mean, _ = drawn
    for eps in ((), (1e-3,), (0.0,)):
        var = torch.full_like(mean, 1e-7 if level == 0 and eps == (0.0,) else level)
        _check_inference(student, reference, (x, gamma, beta, 1e-4 * mean, var), *eps)


@question("batch_norm_inference", points=0.25)
@given(ordinary(sizes=TABLES + IMAGES), st.integers(0, 9))
@settings(max_examples=15)
def test_inference_is_differentiable(student, reference, drawn, seed):
    """Gradients reach x, gamma, beta and the running statistics."""
    arguments = _with_statistics(drawn, seed)
    mine, right = student.batch_norm_inference, reference.batch_norm_inference
    assert_gradients(mine, right, *arguments, wrt=(0, 1, 2, 3, 4), cotangents=[drawn[3]], rtol=ROUGH, terms=UNIT)


@question("batch_norm_inference", points=0.25)
@given(running(), st.sampled_from(EPSILONS))
@settings(max_examples=8)
def test_inference_leaves_inputs_and_keeps_the_dtype(student, reference, drawn, eps):
    """Inputs stay as they are, the result has the dtype of x, and arguments may be named."""
    names = ("gamma", "beta", "running_mean", "running_var")
    for x, *vectors in _mixtures(*drawn):
        named = dict(zip(names, vectors, strict=True), x=x, eps=eps)
        assert_inputs_untouched(student.batch_norm_inference, x, *vectors)
        got = assert_no_alias(student.batch_norm_inference, **named).value
        terms = _inference_terms(x, vectors[0], vectors[2], vectors[3], eps)
        assert_matches(got, reference.batch_norm_inference(**double(named)), dtype=x.dtype, terms=terms, rtol=FORM)


@question("batch_norm_inference", points=0.25)
@given(many())
@settings(max_examples=3)
def test_inference_is_vectorised(student, drawn):
    """The number of tensor operations does not grow with the batch."""
    (x, _), (more, _), ones = drawn
    assert_vectorised(student.batch_norm_inference, (x, *[ones] * 4), (more, *[ones] * 4))


# ------------------------------------------------------------------------------ batch_norm_backward


@question("batch_norm_backward", points=1.25, gate=True)
@given(ordinary())
@settings(max_examples=20)
def test_backward_on_a_table(student, reference, drawn):
    """On 64 rows the three gradients are those of the formula, through the batch's mean and variance."""
    x, gamma, _, grad_y = drawn
    _check_backward(student, reference, grad_y, x, gamma, rtol=ROUGH)


@question("batch_norm_backward", points=0.75)
@given(ordinary(sizes=IMAGES, layouts=ts.LAYOUTS))
@settings(max_examples=25)
def test_backward_on_images(student, reference, drawn):
    """On (N, C, H, W) every sum and mean runs over images and pixels."""
    x, gamma, _, grad_y = drawn
    _check_backward(student, reference, grad_y, x, gamma, rtol=ROUGH)


@question("batch_norm_backward", points=0.75)
@given(batches(layouts=ts.LAYOUTS), st.sampled_from(EPSILONS), st.sampled_from((1, 1, 0)))
@settings(max_examples=60)
def test_backward_is_exact(student, reference, drawn, eps, level):
    """On few values the gradients are exact to rounding: biased variance, any eps, any memory layout, gamma 0 too."""
    x, gamma, _, grad_y = drawn
    gamma = gamma if level else torch.zeros_like(gamma)
    _check_backward(student, reference, grad_y, x, gamma, eps)


@question("batch_norm_backward", points=0.5)
@given(
    batches(kinds=("tiny", "zeros", "large"), grad_kinds=("normal", "large")),
    st.sampled_from(((), (1e-5,), (1e-7,), (1e-3,))),
)
@settings(max_examples=30)
def test_backward_puts_eps_inside_the_root(student, reference, drawn, eps):
    """Where the variance is as small as eps, or 0, eps stands inside the root; eps may be 0; 1e4 stays finite."""
    x, gamma, _, grad_y = drawn
    _check_backward(student, reference, grad_y, x, gamma, *eps)
    if x.any():
        _check_backward(student, reference, grad_y, x, gamma, 0.0)


@question("batch_norm_backward", points=0.25)
@given(far_from_zero())
@settings(max_examples=20)
def test_backward_far_from_zero(student, reference, drawn):
    """The gradients stay accurate where the mean is a thousand times the deviation (float32)."""
    x, gamma, _, grad_y = drawn
    expected = reference.batch_norm_backward(*double((grad_y, x, gamma)))
    got = student.batch_norm_backward(grad_y, x, gamma)
    size = grad_y.double()
    deviation = x.double().std(dim=_dims(x), correction=0)
    sums = size.square().sum(dim=_dims(x)).sqrt()
    terms = (size / _along(deviation, x), sums, sums)
    assert_matches(got, expected, dtype=x.dtype, rtol=FAR_FROM_ZERO, terms=terms)


@question("batch_norm_backward", points=0.25)
@given(batches(), st.sampled_from(EPSILONS))
@settings(max_examples=8)
def test_backward_leaves_inputs_and_keeps_the_dtype(student, reference, drawn, eps):
    """Inputs stay as they are, the gradients have the dtype of grad_y, names work."""
    for grad_y, x, gamma in _mixtures(drawn[3], *drawn[:2]):
        assert_inputs_untouched(student.batch_norm_backward, grad_y, x, gamma)
        got = assert_no_alias(student.batch_norm_backward, grad_y=grad_y, x=x, gamma=gamma, eps=eps).value
        expected = reference.batch_norm_backward(*double((grad_y, x, gamma)), eps)
        terms = _backward_terms(grad_y, x, gamma, eps)
        assert_matches(got, expected, dtype=grad_y.dtype, terms=terms, rtol=FORM)


@question("batch_norm_backward", points=0.25)
@given(ordinary(), ts.seeds())
@settings(max_examples=15)
def test_backward_is_differentiable(student, reference, drawn, seed):
    """The gradients can be differentiated once more, with respect to grad_y, x and gamma."""
    x, gamma, _, grad_y = drawn
    cotangents = [ts.build(tuple(part.shape), seed=seed) for part in (x, gamma, gamma)]
    mine, right = student.batch_norm_backward, reference.batch_norm_backward
    assert_gradients(mine, right, grad_y, x, gamma, wrt=(0, 1, 2), cotangents=cotangents, rtol=ROUGH, terms=UNIT)


@question("batch_norm_backward", points=0.25)
@given(st.integers(1, 4))
@settings(max_examples=4)
def test_backward_asks_for_two_values(student, channels):
    """Fewer than 2 values per channel raise a ValueError that says so."""
    calls = [(x, x.clone(), torch.ones(channels)) for x in _too_small(channels, torch.float32)]
    assert_all_raise(student.batch_norm_backward, *calls, names=TOO_FEW)


@question("batch_norm_backward", points=0.25)
@given(many())
@settings(max_examples=3)
def test_backward_is_vectorised(student, drawn):
    """The number of tensor operations does not grow with the batch."""
    few, more, ones = drawn
    assert_vectorised(student.batch_norm_backward, (*few, ones), (*more, ones))


# ---------------------------------------------------------------------------------------- BatchNorm

PARTS = ("batch_norm_forward", "update_running_stats", "batch_norm_inference")
BUFFERS = ("running_mean", "running_var")


def _trusted(reference, *arguments, **named):
    """The reference's layer, in float64."""
    layer = reference.BatchNorm(*arguments, **named)
    layer.call("double")
    return layer


def _set_affine(layers, gamma, beta):
    for layer, dtype in zip(layers, (gamma.dtype, torch.float64), strict=True):
        layer.set("gamma", gamma.to(dtype))
        layer.set("beta", beta.to(dtype))


def _check_layers(mine, right, x, eps=1e-5):
    """One call of both layers; then their buffers."""
    _check_call(mine, right, x, eps)
    _check_buffers(mine, right, x)


def _check_call(mine, right, x, eps=1e-5):
    got, expected = mine(x), right(double(x))
    gamma, beta, mean, var = (right.get(name) for name in ("gamma", "beta", *BUFFERS))
    spread = x.double().var(dim=_dims(x), correction=0) if right.inspect()["training"] else var
    terms = torch.stack([_inference_terms(x, gamma, mean, spread, eps)[0], _along(beta, x).expand(x.shape)])
    assert_matches(got, expected, dtype=x.dtype, terms=terms, what="the layer's output")


def _check_buffers(mine, right, x):
    size = x.double().abs().mean()
    got = [mine.get(name) for name in BUFFERS]  # both before either is judged: together they tell mistakes apart
    for name, value, room in zip(BUFFERS, got, (size, 1e-6 * size**2), strict=True):
        assert_matches(value, right.get(name), dtype=x.dtype, terms=room, what=name)


@question("BatchNorm", points=1, gate=True, depends_on=PARTS)
@given(ordinary())
@settings(max_examples=10)
def test_layer_normalises_in_training(student, reference, drawn):
    """A new layer normalises 64 rows by their own statistics, and scales and shifts by gamma and beta."""
    x, gamma, beta, _ = drawn
    mine, right = student.BatchNorm(len(gamma)), _trusted(reference, len(gamma))
    _set_affine((mine, right), gamma, beta)
    assert_matches(mine(x), right(double(x)), dtype=x.dtype, rtol=ROUGH, what="the layer's output")


@question("BatchNorm", points=0.5, depends_on=PARTS)
@given(st.integers(1, 5))
@settings(max_examples=5)
def test_layer_has_its_parameters_and_buffers(student, channels):
    """A new layer has parameters gamma and beta, and buffers running_mean and running_var, at 1, 0, 0 and 1."""
    layer = student.BatchNorm(num_features=channels)
    found = layer.inspect()
    if not found["module"] or sorted(found["parameters"]) != ["beta", "gamma"]:
        raise Mismatch(
            "the layer should be an nn.Module with the parameters gamma and beta, and no others",
            expected="['beta', 'gamma']",
            got=str(found.get("parameters")),
        )
    for name, level in (("gamma", 1.0), ("beta", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
        if name in BUFFERS and (name not in found["buffers"] or name not in found["state"]):
            raise Mismatch(f"{name} should be a buffer of the layer, saved in its state_dict")
        assert_matches(layer.get(name), torch.full((channels,), level), what=f"{name} of a new layer")
        if layer.requires_grad(name) != (name not in BUFFERS):
            raise Mismatch(f"{name} should {'not ' * (name in BUFFERS)}require a gradient")


@question("BatchNorm", points=0.5, depends_on=PARTS)
@given(batches(dtype=torch.float32))
@settings(max_examples=15)
def test_layer_moves_its_statistics_in_training(student, reference, drawn):
    """Each training call moves the running statistics by a tenth towards the batch's mean and biased variance."""
    x, gamma, beta, grad_y = drawn
    mine, right = student.BatchNorm(len(gamma)), _trusted(reference, len(gamma))
    _set_affine((mine, right), gamma, beta)
    for batch in (x, grad_y):
        _check_call(mine, right, batch)
    _check_buffers(mine, right, x)


@question("BatchNorm", points=0.5, depends_on=PARTS)
@given(running(dtype=torch.float32), st.sampled_from((1e-3, 0.0)))
@settings(max_examples=15)
def test_layer_in_evaluation(student, reference, drawn, eps):
    """In evaluation the running statistics normalise, even a single sample, and stay as they are."""
    x, gamma, beta, mean, var = drawn
    mine, right = student.BatchNorm(len(gamma), eps=eps), _trusted(reference, len(gamma), eps=eps)
    _set_affine((mine, right), gamma, beta)
    for layer, dtype in ((mine, x.dtype), (right, torch.float64)):
        layer.set("running_mean", mean.to(dtype))
        layer.set("running_var", 1e-3 * var.to(dtype))
        layer.call("eval")
    for _ in range(2):
        _check_layers(mine, right, x, eps)


@question("BatchNorm", points=0.25, depends_on=PARTS)
@given(running(dtype=torch.float32, kinds=("normal",), layouts=ts.LAYOUTS), st.booleans())
@settings(max_examples=12)
def test_layer_leaves_its_input_alone(student, reference, drawn, training):
    """x stays as it is, shares no memory with the result, may lie in memory in any way and may be named."""
    x = drawn[0]
    training = training and _count(x) > 1
    mine, right = student.BatchNorm(x.shape[1]), _trusted(reference, x.shape[1])
    for layer in (mine, right):
        layer.call("train" if training else "eval")
    assert_inputs_untouched(mine, x)
    got = assert_no_alias(mine, x=x).value
    assert_matches(got, right(double(x)), dtype=x.dtype, rtol=ROUGH, what="the layer's output")


@st.composite
def lives(draw):
    """``(channels, wide, (eps, momentum), steps)``: what happens to a layer; a step is (training, batch)."""
    channels, wide = draw(st.integers(1, 3)), draw(st.booleans())
    steps = []
    for training in draw(st.lists(st.booleans(), min_size=2, max_size=5)):
        pixels = draw(st.sampled_from(((), (2, 3), (1, 1))))
        size = draw(st.sampled_from((2, 5) if training and pixels != (2, 3) else (1, 2, 3)))
        shape = (size, channels, *pixels)
        dtype = torch.float64 if wide else torch.float32
        steps.append((training, draw(ts.tensors(shape, dtype=dtype, kinds=("integers", "normal")))))
    options = draw(st.sampled_from(EPSILONS)), draw(st.sampled_from((0.0, 0.1, 0.3, 1.0)))
    return channels, wide, options, steps


@question("BatchNorm", points=0.75, depends_on=PARTS)
@given(lives())
@settings(max_examples=25)
def test_layer_over_its_life(student, reference, drawn):
    """Training and evaluation in any order, tables and images, even a single one, any eps and momentum, both dtypes."""
    channels, wide, options, steps = drawn
    mine, right = student.BatchNorm(channels, *options), _trusted(reference, channels, *options)
    if wide:
        mine.call("double")
    for training, x in steps:
        for layer in (mine, right):
            layer.call("train" if training else "eval")
        _check_layers(mine, right, x, options[0])


@question("BatchNorm", points=0.25, depends_on=PARTS)
@given(far_from_zero())
@settings(max_examples=8)
def test_layer_far_from_zero(student, reference, drawn):
    """The running variance stays accurate where the mean is a thousand times the deviation (float32)."""
    x, gamma, _, _ = drawn
    mine, right = student.BatchNorm(len(gamma), momentum=1.0), _trusted(reference, len(gamma), momentum=1.0)
    assert_matches(mine(x), right(double(x)), dtype=x.dtype, rtol=FAR_FROM_ZERO, what="the layer's output")
    for name in BUFFERS:
        assert_matches(mine.get(name), right.get(name), dtype=x.dtype, rtol=FAR_FROM_ZERO, what=name)


@question("BatchNorm", points=0.5, depends_on=PARTS)
@given(batches(kinds=("normal",), dtype=torch.float64), st.booleans())
@settings(max_examples=15)
def test_layer_is_differentiable(student, reference, drawn, training):
    """Gradients reach x, gamma and beta in both modes, and the buffers keep no graph from call to call."""
    x, gamma, beta, grad_y = drawn
    mine, right = student.BatchNorm(len(gamma)), _trusted(reference, len(gamma))
    mine.call("double")
    _set_affine((mine, right), gamma, beta)
    for layer in (mine, right):
        layer.set("training", training)  # what train() and eval() set
    wanted = {"wrt": (0,), "params": ("gamma", "beta"), "cotangents": [grad_y]}
    for _ in range(2):
        got, expected = mine.gradients(x, **wanted).grads, right.gradients(x, **wanted).grads
        for name, one, other, room in zip(
            ("x", *wanted["params"]), got, expected, _backward_terms(grad_y, x, gamma, 1e-5), strict=True
        ):
            if one is None:
                raise Mismatch(f"no gradient flows through the layer to {name}: is it detached somewhere?")
            assert_matches(one, other, terms=room, what=f"the gradient for {name}")
        for name in BUFFERS:
            if mine.requires_grad(name):
                raise Mismatch(f"{name} keeps the graph of the batches that moved it")


@question("BatchNorm", points=0.5, depends_on=PARTS)
@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from((2, 4)), st.booleans())
@settings(max_examples=30)
def test_layer_refuses_what_it_cannot_normalise(student, channels, others, rank, training):
    """Another number of channels, or a single value per channel in training, raises a ValueError that says so."""
    layer = student.BatchNorm(channels)
    if training:
        assert_all_raise(layer, *((x,) for x in _too_small(channels, torch.float32)[:2]), names=TOO_FEW)
    else:
        layer.call("eval")
    wrong = others + (others >= channels)
    shape = (3, wrong) if rank == 2 else (3, wrong, 2, channels)
    assert_raises(layer, torch.ones(shape), names=("num_features", "x", "channel", "feature", "shape"))


@question("BatchNorm", points=0.25, depends_on=PARTS)
@given(many())
@settings(max_examples=2)
def test_layer_is_vectorised(student, drawn):
    """The number of tensor operations does not grow with the batch."""
    (x, _), (more, _), ones = drawn
    assert_vectorised(student.BatchNorm(len(ones)), (x,), (more,))
