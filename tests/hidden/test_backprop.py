"""Graded tests of the assignment on back-propagation."""

from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.display import show
from autograder.errors import Mismatch
from autograder.testing import (
    AUTOGRAD,
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

FORBIDDEN = {
    "*": forbid(
        *AUTOGRAD,
        "nn.*",
        *("aten::*softmax*", "aten::*cross_entropy*", "aten::*nll_loss*"),
        "aten::*attention*",  # a softmax inside
        *("torch.nn.functional.*softm[ai]*", "torch.nn.functional.*cross_entropy*", "torch.nn.functional.*nll_loss*"),
        *("py::*softm[ai]*", "py::*cross_entropy*", "py::*nll_loss*", "py::torch.distributions.*", "prims::*"),
        names=(
            *("autograd", "backward", "requires_grad_", "grad_fn", "vjp", "jvp", "jacrev", "jacfwd"),
            *("log_softmax", "softmin", "gumbel_softmax", "cross_entropy", "nll_loss"),
            *("Linear", "ReLU", "Sigmoid", "Softmax", "LogSoftmax", "CrossEntropyLoss", "NLLLoss"),
            *("_refs", "_decomp", "distributions", "threading", "concurrent"),  # what a thread runs is not traced
        ),
        because="back-propagation, the softmax and its loss are to be written by hand",
    )
}

FLOAT32 = st.just(torch.float32)  # of the gates: whoever forgets the other dtypes loses those tests alone
DTYPES = ts.float_dtypes()
ONE_OFTEN = st.sampled_from((1, 1, 2, 3, 4))
AT_TIMES_MANY = st.sampled_from((2, 3, 130))
SEVERAL = st.integers(2, 5)
PLAIN = ("contiguous",)
EITHER = ("contiguous", "transposed")
SCATTERED = ("transposed", "strided", "strided", "offset")
LOOSE = 2e-5  # of mixed dtypes: whether the wider or the narrower one computes is free
# Logits near 1e4 lie 1e-3 apart in float32: a probability computed from them may be off by that much.
COARSE = {torch.float32: 1e-2, torch.float64: 1e-9}
BATCHES = (50, 200)  # matrix products of a few rows take other ways, with fewer operations


# ------------------------------------------------------------------------------------------- inputs


@st.composite
def arrays(draw, shapes, *, dtype=DTYPES, kinds=("integers", "normal"), layouts=PLAIN):
    """A list of tensors of one dtype, each of a kind and in a layout of its own."""
    chosen = draw(dtype)
    return [_drawn(draw, shape, chosen, kinds, layouts) for shape in draw(shapes)]


def _drawn(draw, shape, dtype, kinds, layouts, scale=1.0):
    """A tensor; where layouts vary, a vector is always strided, for it has no other way not to be contiguous."""
    possible = ("strided",) if len(shape) == 1 and layouts is not PLAIN else layouts
    return draw(ts.tensors(shape, dtype=dtype, kinds=kinds, layouts=possible, scale=scale))


def _forward_shapes(size=ONE_OFTEN):
    """Of x, A, b."""
    return st.tuples(size, size, size).map(lambda s: [(s[0], s[1]), (s[2], s[1]), (s[2],)])


def _backward_shapes(size=ONE_OFTEN):
    """Of grad_z, x, A."""
    return st.tuples(size, size, size).map(lambda s: [(s[0], s[2]), (s[0], s[1]), (s[2], s[1])])


def _alike(count, shape=None):
    """``count`` times one shape, by default of one to four dimensions."""
    drawn = ts.shapes(max_size=4) if shape is None else st.just(shape)
    return drawn.map(lambda size: [size] * count)


TABLES = st.tuples(SEVERAL, SEVERAL)
# A single number, many rows, and five dimensions that no view flattens: shapes that drawn ones may miss.
PARTICULAR = (((), PLAIN), ((130, 2), PLAIN), ((3, 1, 2, 1, 4), ("transposed",)))


@st.composite
def particular(draw, made, count):
    """What ``made`` draws of ``count`` tensors of one of the ``PARTICULAR`` shapes."""
    shape, layouts = draw(st.sampled_from(PARTICULAR))
    return draw(made(_alike(count, shape), kinds=("normal",), layouts=layouts))


@st.composite
def outputs(draw, shapes, /, **options):
    """``[grad_a, a]``: ``a`` is what a sigmoid returns, with entries that are exactly 0, 1/2 and 1."""
    grad_a, z = draw(arrays(shapes, **options))
    a = torch.sigmoid(2 * z)
    return [grad_a, ts.lay_out(a, "transposed" if not grad_a.is_contiguous() else "contiguous")]


def _targets(draw, count, classes, layouts=PLAIN):
    generator = torch.Generator().manual_seed(draw(ts.seeds()))
    targets = torch.randint(0, classes, (count,), generator=generator)
    return targets if layouts is PLAIN else ts.lay_out(targets, "strided")


@st.composite
def classified(draw, *, size=ONE_OFTEN, dtype=DTYPES, kinds=("integers", "normal"), layouts=PLAIN):
    """``[logits, targets]``."""
    count, classes = draw(size), draw(size)
    logits = draw(ts.tensors((count, classes), dtype=dtype, kinds=kinds, layouts=layouts, scale=2.0))
    return [logits, _targets(draw, count, classes, layouts)]


@st.composite
def networks(draw, *, depths=(1, 2, 3, 4), size=ONE_OFTEN, dtype=DTYPES, kinds=("normal",), layouts=PLAIN):
    """``[x, targets, params]``: a network with that many layers."""
    chosen, depth = draw(dtype), draw(st.sampled_from(depths))
    count, *widths = draw(st.lists(size, min_size=depth + 2, max_size=depth + 2))

    def tensor(shape, scale=1.0):
        return _drawn(draw, shape, chosen, kinds, layouts, scale)

    x = tensor((count, widths[0]))
    params = [(tensor((out, into), into**-0.5), tensor((out,))) for into, out in pairwise(widths)]
    return [x, _targets(draw, count, widths[-1], layouts), params]


def _with_silent_units(params):
    """The first unit of every hidden layer receives exactly 0, whatever comes in."""
    silent = [(A.clone(), b.clone()) for A, b in params]
    for A, b in silent[:-1]:
        A[0], b[0] = 0, 0
    return silent


def _scaled(pairs, factor):
    return [tuple(factor * part for part in pair) for pair in pairs]


def _brink(tensor):
    """The largest entries there may be, with the signs of these."""
    return torch.full_like(tensor, 1e4).copysign(tensor)


def _cast(value, dtype):
    if isinstance(value, list | tuple):
        return type(value)(_cast(item, dtype) for item in value)
    return value.to(dtype) if value.is_floating_point() else value


def _mixtures(first, *others):
    """The arguments in different dtypes: the first apart from the others, either way, and the last from the others."""
    for one, other in (ts.FLOATS, ts.FLOATS[::-1]):
        yield [_cast(first, one), *(_cast(item, other) for item in others)]
        if len(others) > 1:
            yield [_cast(first, one), *(_cast(item, one) for item in others[:-1]), _cast(others[-1], other)]


def _grown(tensor, count):
    """The first row ``count`` times."""
    return tensor[:1].contiguous().repeat(count, *[1] * (tensor.dim() - 1))


def _assert_no_loop(function, batched, rest=()):
    """As many operations for a large batch as for a small one."""
    small, large = ((*(_grown(tensor, count) for tensor in batched), *rest) for count in BATCHES)
    assert_vectorised(function, small, large)


# ----------------------------------------------------------------------- what results are summed from


def _forward_terms(x, A, b):
    return x.abs() @ A.abs().T + b.abs()


def _backward_terms(grad_z, x, A):
    grad = grad_z.abs()
    return grad @ A.abs(), grad.T @ x.abs(), grad.sum(0)


def _sigmoid_terms(z):
    """A sigmoid may be summed from terms of size 1, as in (1 + tanh(z / 2)) / 2."""
    return torch.ones_like(z)


def _loss_terms(logits, targets):
    """The loss is a difference of logarithms of about 1; the gradient one of a probability and 1."""
    picked = logits.gather(1, targets[:, None])
    chosen = torch.zeros_like(logits).scatter(1, targets[:, None], 1.0)
    loss = (logits.logsumexp(1).abs() + picked.abs()[:, 0] + 1).mean()
    return loss, (logits.softmax(1) + chosen) / len(targets)


def _layer_inputs(x, params):
    """The input of every layer, the logits last."""
    inputs = [x]
    for A, b in params:
        inputs.append(inputs[-1].relu() @ A.T + b if len(inputs) > 1 else x @ A.T + b)
    return inputs


def _network_sizes(x, params):
    """What the input of every layer is summed from, that of the logits last."""
    sizes = [x.abs()]
    for A, b in params:
        sizes.append(_forward_terms(sizes[-1], A, b))
    return sizes


def _gradient_terms(x, targets, params, *, careful=True):
    """As ``_backward_terms``, for all layers; where ``careful``, with what the logits' own rounding adds."""
    logits, sizes = _layer_inputs(x, params)[-1], _network_sizes(x, params)
    loss, grad = _loss_terms(logits, targets)
    if careful:
        grad = grad * (1 + sizes[-1])
    found = []
    for (A, _), size in zip(params[::-1], sizes[-2::-1], strict=True):
        grad, *parameters = _backward_terms(grad, size, A)
        found.append(tuple(parameters))
    return loss + sizes[-1].max(), found[::-1]


# ------------------------------------------------------------------------------------------- checks


def _check(student, reference, inputs, terms, *, dtype=None, rtol=None):
    """The student's answer against the reference's in float64."""
    wide = double(inputs)
    expected = reference(*wide)
    assert_matches(student(*inputs), expected, dtype=dtype or inputs[0].dtype, terms=terms(*wide), rtol=rtol)


def _check_manners(student, reference, inputs, terms, names):
    """Called by name the answer is right, nothing given changes, and writing into the answer changes nothing given."""
    named = dict(zip(names, inputs, strict=True))
    assert_inputs_untouched(student, **named)
    got, wide = assert_no_alias(student, **named).value, double(inputs)
    assert_matches(got, reference(*wide), dtype=inputs[0].dtype, terms=terms(*wide))


def _check_mixtures(student, reference, inputs, terms):
    for mixed in _mixtures(*inputs):
        _check(student, reference, mixed, terms, rtol=LOOSE)


def _parts(got, count, what="the result"):
    """The parts of an answer that should have ``count`` of them."""
    if not isinstance(got, tuple | list) or len(got) != count:
        raise Mismatch(f"{what} should be {count} value(s) in a tuple or list", got=show(got))
    return got


def _check_part(student, reference, inputs, terms, index):
    """One of the parts of an answer; the others have tests of their own."""
    wide = double(inputs)
    expected, sizes = reference(*wide), terms(*wide)
    got = _parts(student(*inputs), len(expected))[index]
    assert_matches(got, expected[index], dtype=inputs[0].dtype, terms=sizes[index], what=f"the result[{index}]")


# ----------------------------------------------------------------------------------- linear_forward

FORWARD = ("x", "A", "b")


@question("linear_forward", points=0.7, gate=True)
@given(inputs=arrays(_forward_shapes(SEVERAL), dtype=FLOAT32))
@settings(max_examples=20)
def test_linear_layer_on_a_batch(student, reference, inputs):
    """Every row of x is mapped to A x + b."""
    _check(student.linear_forward, reference.linear_forward, inputs, _forward_terms)


@question("linear_forward", points=0.3)
@given(
    inputs=arrays(_forward_shapes(), layouts=SCATTERED), large=arrays(_forward_shapes(AT_TIMES_MANY), layouts=EITHER)
)
@settings(max_examples=25)
def test_linear_layer_of_every_size(student, reference, inputs, large):
    """Sizes of 1 and of 130, both dtypes, and any layout in memory."""
    for case in (inputs, large):
        _check(student.linear_forward, reference.linear_forward, case, _forward_terms)


@question("linear_forward", points=0.1)
@given(inputs=arrays(_forward_shapes(), kinds=("normal", "large", "large")))
@settings(max_examples=20)
def test_linear_layer_with_large_and_tiny_numbers(student, reference, inputs):
    """Numbers up to 1e4, and far below 1."""
    x, A, b = inputs
    for scale in (1.0, 1e-20):
        _check(student.linear_forward, reference.linear_forward, [scale * x, A, scale * b], _forward_terms)


@question("linear_forward", points=0.15)
@given(inputs=arrays(_forward_shapes(SEVERAL)))
@settings(max_examples=6)
def test_linear_layer_keeps_the_dtype_of_x(student, reference, inputs):
    """Where dtypes differ, the result has that of x."""
    _check_mixtures(student.linear_forward, reference.linear_forward, inputs, _forward_terms)


@question("linear_forward", points=0.15)
@given(inputs=arrays(_forward_shapes()))
@settings(max_examples=15)
def test_linear_layer_leaves_its_inputs_alone(student, reference, inputs):
    """Arguments may be named, none of them changes, and the result is a new tensor."""
    _check_manners(student.linear_forward, reference.linear_forward, inputs, _forward_terms, FORWARD)
    x, A, b = inputs
    assert_no_alias(student.linear_forward, torch.zeros_like(x[:1]), A, b)  # the result equals b


@question("linear_forward", points=0.1)
@given(inputs=arrays(_forward_shapes(st.integers(3, 5)), dtype=FLOAT32))
@settings(max_examples=3)
def test_linear_layer_has_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch, no loop over its rows."""
    _assert_no_loop(student.linear_forward, inputs[:1], inputs[1:])


# ---------------------------------------------------------------------------------- linear_backward

BACKWARD = ("grad_z", "x", "A")


@question("linear_backward", points=1.1, gate=True)
@given(inputs=arrays(_backward_shapes(SEVERAL), dtype=FLOAT32))
@settings(max_examples=20)
def test_gradient_at_the_input_of_a_linear_layer(student, reference, inputs):
    """grad_x, the first of three results."""
    _check_part(student.linear_backward, reference.linear_backward, inputs, _backward_terms, 0)


@question("linear_backward", points=0.6)
@given(inputs=arrays(_backward_shapes(SEVERAL), dtype=FLOAT32))
@settings(max_examples=20)
def test_gradient_of_the_weights(student, reference, inputs):
    """grad_A, in the shape of A: the sum over the batch."""
    _check_part(student.linear_backward, reference.linear_backward, inputs, _backward_terms, 1)


@question("linear_backward", points=0.3)
@given(inputs=arrays(_backward_shapes(SEVERAL), dtype=FLOAT32))
@settings(max_examples=20)
def test_gradient_of_the_biases(student, reference, inputs):
    """grad_b, in the shape of b: the sum over the batch."""
    _check_part(student.linear_backward, reference.linear_backward, inputs, _backward_terms, 2)


@question("linear_backward", points=0.2)
@given(
    inputs=arrays(_backward_shapes(), layouts=SCATTERED), large=arrays(_backward_shapes(AT_TIMES_MANY), layouts=EITHER)
)
@settings(max_examples=25)
def test_gradients_of_a_linear_layer_of_every_size(student, reference, inputs, large):
    """Sizes of 1 and of 130, both dtypes, and any layout in memory."""
    for case in (inputs, large):
        _check(student.linear_backward, reference.linear_backward, case, _backward_terms)


@question("linear_backward", points=0.1)
@given(inputs=arrays(_backward_shapes(), kinds=("normal", "large", "large")))
@settings(max_examples=20)
def test_gradients_of_a_linear_layer_with_large_and_tiny_numbers(student, reference, inputs):
    """Numbers up to 1e4, and gradients far below 1."""
    grad_z, x, A = inputs
    for scale in (1.0, 1e-20):
        _check(student.linear_backward, reference.linear_backward, [scale * grad_z, x, A], _backward_terms)


@question("linear_backward", points=0.1)
@given(inputs=arrays(_backward_shapes(SEVERAL)))
@settings(max_examples=6)
def test_gradients_keep_the_dtype_of_grad_z(student, reference, inputs):
    """Where dtypes differ, all three results have that of grad_z."""
    _check_mixtures(student.linear_backward, reference.linear_backward, inputs, _backward_terms)


@question("linear_backward", points=0.1)
@given(inputs=arrays(_backward_shapes()))
@settings(max_examples=20)
def test_gradients_of_a_linear_layer_are_new_tensors(student, reference, inputs):
    """Arguments may be named, none of them changes, and none shares memory with a result, even in a batch of one."""
    _check_manners(student.linear_backward, reference.linear_backward, inputs, _backward_terms, BACKWARD)
    single = [inputs[0][:1].clone(), inputs[1][:1].clone(), inputs[2]]
    assert_no_alias(student.linear_backward, *single)


@question("linear_backward", points=0.1)
@given(inputs=arrays(_backward_shapes(st.integers(3, 5)), dtype=FLOAT32))
@settings(max_examples=3)
def test_gradients_of_a_linear_layer_have_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch, no loop over its rows."""
    _assert_no_loop(student.linear_backward, inputs[:2], inputs[2:])


# --------------------------------------------------------------------------------------------- relu


def _size(*tensors):
    """The result is no sum: it is as large as itself."""
    return 0.0


@question("relu", points=0.5, gate=True)
@given(inputs=arrays(TABLES.map(lambda size: [size]), dtype=FLOAT32, kinds=("normal", "integers")))
@settings(max_examples=20)
def test_relu_on_a_table(student, reference, inputs):
    """Positive entries stay, negative ones become 0."""
    _check(student.relu, reference.relu, inputs, _size)


@question("relu", points=0.2)
@given(inputs=arrays(_alike(1), layouts=SCATTERED, kinds=("normal", "integers", "zeros")), other=particular(arrays, 1))
@settings(max_examples=25)
def test_relu_of_every_shape(student, reference, inputs, other):
    """A single number, one to five dimensions, sizes of 1 and of 130, both dtypes, any layout in memory."""
    for case in (inputs, other):
        _check(student.relu, reference.relu, case, _size)


@question("relu", points=0.1)
@given(inputs=arrays(_alike(1), kinds=("large", "tiny")))
@settings(max_examples=20)
def test_relu_of_large_and_tiny_numbers(student, reference, inputs):
    """Numbers of 1e4, and of 1e-4 and far below, on either side of 0."""
    for z in (inputs[0], 1e-20 * inputs[0], _brink(inputs[0])):
        _check(student.relu, reference.relu, [z], _size)


@question("relu", points=0.1)
@given(inputs=arrays(_alike(1), kinds=("normal",)))
@settings(max_examples=12)
def test_relu_returns_a_new_tensor(student, reference, inputs):
    """z may be named, never changes, and shares no memory with the result, even where all of it is positive."""
    positive = inputs[0].abs()
    for z in (inputs[0], positive, -positive, positive.max()):
        _check_manners(student.relu, reference.relu, [z], _size, ("z",))


@question("relu", points=0.1)
@given(inputs=arrays(_alike(1, (3, 4)), dtype=FLOAT32))
@settings(max_examples=2)
def test_relu_has_no_loop_over_the_batch(student, inputs):
    """One expression for all entries, no loop."""
    _assert_no_loop(student.relu, inputs)


# ------------------------------------------------------------------------------------ relu_backward


@question("relu_backward", points=0.7, gate=True)
@given(inputs=arrays(TABLES.map(lambda size: [size] * 2), dtype=FLOAT32, kinds=("normal",)))
@settings(max_examples=20)
def test_relu_backward_on_a_table(student, reference, inputs):
    """The gradient passes where z is positive and stops where z is negative."""
    _check(student.relu_backward, reference.relu_backward, inputs, _size)


@question("relu_backward", points=0.3)
@given(inputs=arrays(TABLES.map(lambda size: [size] * 2), kinds=("ties", "zeros", "integers")))
@settings(max_examples=30)
def test_relu_backward_at_zero(student, reference, inputs):
    """Where z is 0, or -0.0, the gradient is 0."""
    grad_a, z = inputs
    for kink in (z, -z):
        _check(student.relu_backward, reference.relu_backward, [grad_a + 4, kink], _size)


@question("relu_backward", points=0.2)
@given(inputs=arrays(_alike(2), layouts=SCATTERED, kinds=("normal", "integers")), other=particular(arrays, 2))
@settings(max_examples=25)
def test_relu_backward_of_every_shape(student, reference, inputs, other):
    """A single number, one to five dimensions, sizes of 1 and of 130, both dtypes, any layout in memory."""
    for case in (inputs, other):
        _check(student.relu_backward, reference.relu_backward, case, _size)


@question("relu_backward", points=0.1)
@given(inputs=arrays(_alike(2), kinds=("large", "tiny")))
@settings(max_examples=20)
def test_relu_backward_of_large_and_tiny_numbers(student, reference, inputs):
    """Numbers of 1e4, and of 1e-4 and far below, on either side of 0."""
    grad_a, z = inputs
    tiniest = 1e-30 if z.dtype == torch.float32 else 1e-200
    for near in (z, 1e-20 * z, tiniest * z, _brink(z)):
        _check(student.relu_backward, reference.relu_backward, [grad_a, near], _size)


@question("relu_backward", points=0.1)
@given(inputs=arrays(_alike(2), kinds=("normal",)))
@settings(max_examples=6)
def test_relu_backward_keeps_the_dtype_of_grad_a(student, reference, inputs):
    """Where dtypes differ, the result has that of grad_a."""
    _check_mixtures(student.relu_backward, reference.relu_backward, inputs, _size)


@question("relu_backward", points=0.05)
@given(inputs=arrays(_alike(2), kinds=("normal", "integers")))
@settings(max_examples=12)
def test_relu_backward_returns_a_new_tensor(student, reference, inputs):
    """Arguments may be named, none changes, none shares memory with the result, even where every gradient passes."""
    grad_a, z = inputs
    for side in (z, z.abs() + 1, -z.abs() - 1):
        _check_manners(student.relu_backward, reference.relu_backward, [grad_a, side], _size, ("grad_a", "z"))


@question("relu_backward", points=0.05)
@given(inputs=arrays(_alike(2, (3, 4)), dtype=FLOAT32))
@settings(max_examples=2)
def test_relu_backward_has_no_loop_over_the_batch(student, inputs):
    """One expression for all entries, no loop."""
    _assert_no_loop(student.relu_backward, inputs)


# ------------------------------------------------------------------------------------------ sigmoid


@question("sigmoid", points=0.7, gate=True)
@given(inputs=arrays(TABLES.map(lambda size: [size]), dtype=FLOAT32, kinds=("normal", "integers")))
@settings(max_examples=20)
def test_sigmoid_on_a_table(student, reference, inputs):
    """1 / (1 + exp(-z)) for ordinary entries."""
    _check(student.sigmoid, reference.sigmoid, inputs, _sigmoid_terms)


@question("sigmoid", points=0.4)
@given(inputs=arrays(_alike(1), kinds=("large",)), factor=st.sampled_from((1.0, 0.1, 0.03, 0.01)))
@settings(max_examples=25)
def test_sigmoid_of_large_numbers(student, reference, inputs, factor):
    """Entries of 100 to 1e4 in magnitude give 0 and 1, never NaN."""
    for z in (factor * inputs[0], inputs[0].abs(), -inputs[0].abs(), _brink(inputs[0])):
        _check(student.sigmoid, reference.sigmoid, [z], _sigmoid_terms)


@question("sigmoid", points=0.2)
@given(
    inputs=arrays(_alike(1), layouts=SCATTERED, kinds=("normal", "integers", "zeros", "tiny")),
    other=particular(arrays, 1),
)
@settings(max_examples=25)
def test_sigmoid_of_every_shape(student, reference, inputs, other):
    """A single number, one to five dimensions, sizes of 1 and of 130, both dtypes, any layout in memory."""
    for case in (inputs, [4 * inputs[0]], other):
        _check(student.sigmoid, reference.sigmoid, case, _sigmoid_terms)


@question("sigmoid", points=0.1)
@given(inputs=arrays(_alike(1), kinds=("normal",)))
@settings(max_examples=12)
def test_sigmoid_returns_a_new_tensor(student, reference, inputs):
    """z may be named, never changes, and shares no memory with the result."""
    for z in (inputs[0], 1e3 * inputs[0]):
        _check_manners(student.sigmoid, reference.sigmoid, [z], _sigmoid_terms, ("z",))


@question("sigmoid", points=0.1)
@given(inputs=arrays(_alike(1, (3, 4)), dtype=FLOAT32))
@settings(max_examples=2)
def test_sigmoid_has_no_loop_over_the_batch(student, inputs):
    """One expression for all entries, no loop."""
    _assert_no_loop(student.sigmoid, inputs)


# --------------------------------------------------------------------------------- sigmoid_backward


def _sigmoid_backward_terms(grad_a, a):
    """a - a^2 is as right as a (1 - a)."""
    return grad_a * a


def _upstream(grad_a, a):
    """Where outputs are near 0 and 1: 1/4 - (a - 1/2)^2 is as right."""
    return grad_a


@question("sigmoid_backward", points=0.7, gate=True)
@given(inputs=outputs(TABLES.map(lambda size: [size] * 2), dtype=FLOAT32, kinds=("normal",)))
@settings(max_examples=20)
def test_sigmoid_backward_on_a_table(student, reference, inputs):
    """The gradient times the derivative, which is computed from the sigmoid's output."""
    _check(student.sigmoid_backward, reference.sigmoid_backward, inputs, _sigmoid_backward_terms)


@question("sigmoid_backward", points=0.15)
@given(inputs=outputs(_alike(2), kinds=("large", "zeros")), grad_a=ts.tensors(ts.shapes(min_dims=1, max_dims=1)))
@settings(max_examples=25)
def test_sigmoid_backward_of_a_saturated_unit(student, reference, inputs, grad_a):
    """Outputs of 0 and 1 stop the gradient, outputs near them do not; gradients of 1e4 and 1e-20 pass at 1/2."""
    _check(student.sigmoid_backward, reference.sigmoid_backward, inputs, _sigmoid_backward_terms)
    for level in (0.0, 1.0, 0.5):
        units = [1e3 * grad_a, torch.full_like(grad_a, level)]
        _check(student.sigmoid_backward, reference.sigmoid_backward, units, _sigmoid_backward_terms)
    for size, level in ((1e-20, 0.5), (1.0, 2e-9), (1.0, 1 - 2e-9)):
        units = [size * grad_a.double(), torch.full_like(grad_a, level, dtype=torch.float64)]
        _check(student.sigmoid_backward, reference.sigmoid_backward, units, _upstream)


@question("sigmoid_backward", points=0.25)
@given(inputs=outputs(_alike(2), layouts=SCATTERED, kinds=("normal", "integers")), other=particular(outputs, 2))
@settings(max_examples=25)
def test_sigmoid_backward_of_every_shape(student, reference, inputs, other):
    """A single number, one to five dimensions, sizes of 1 and of 130, both dtypes, any layout in memory."""
    for case in (inputs, other):
        _check(student.sigmoid_backward, reference.sigmoid_backward, case, _sigmoid_backward_terms)


@question("sigmoid_backward", points=0.1)
@given(inputs=outputs(_alike(2), kinds=("normal",)))
@settings(max_examples=6)
def test_sigmoid_backward_keeps_the_dtype_of_grad_a(student, reference, inputs):
    """Where dtypes differ, the result has that of grad_a."""
    _check_mixtures(student.sigmoid_backward, reference.sigmoid_backward, inputs, _sigmoid_backward_terms)


@question("sigmoid_backward", points=0.1)
@given(inputs=outputs(_alike(2), kinds=("normal",)))
@settings(max_examples=12)
def test_sigmoid_backward_returns_a_new_tensor(student, reference, inputs):
    """Arguments may be named, none changes, none shares memory with the result."""
    names = ("grad_a", "a")
    _check_manners(student.sigmoid_backward, reference.sigmoid_backward, inputs, _sigmoid_backward_terms, names)


@question("sigmoid_backward", points=0.1)
@given(inputs=outputs(_alike(2, (3, 4)), dtype=FLOAT32))
@settings(max_examples=2)
def test_sigmoid_backward_has_no_loop_over_the_batch(student, inputs):
    """One expression for all entries, no loop."""
    _assert_no_loop(student.sigmoid_backward, inputs)


# ---------------------------------------------------------------------------- softmax_cross_entropy

TARGETS = ("target",)


@question("softmax_cross_entropy", points=1.3, gate=True)
@given(inputs=classified(size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=25)
def test_cross_entropy_of_a_batch(student, reference, inputs):
    """The loss, a mean over the batch."""
    _check_part(student.softmax_cross_entropy, reference.softmax_cross_entropy, inputs, _loss_terms, 0)


@question("softmax_cross_entropy", points=0.8)
@given(inputs=classified(size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=25)
def test_gradient_at_the_logits(student, reference, inputs):
    """The gradient of that mean at the logits."""
    _check_part(student.softmax_cross_entropy, reference.softmax_cross_entropy, inputs, _loss_terms, 1)


@question("softmax_cross_entropy", points=0.4)
@given(
    inputs=classified(layouts=SCATTERED, kinds=("normal", "integers", "zeros")),
    large=classified(size=AT_TIMES_MANY, layouts=EITHER),
)
@settings(max_examples=30)
def test_cross_entropy_of_every_size(student, reference, inputs, large):
    """One sample, one class, 130 of them, equal logits, both dtypes to their last digits, any layout in memory."""
    for case in (inputs, large):
        _check(student.softmax_cross_entropy, reference.softmax_cross_entropy, case, _loss_terms)


def _check_large(student, reference, inputs):
    wide = double(inputs)
    got = _parts(student(*inputs), 2)
    dtype, terms = inputs[0].dtype, _loss_terms(*wide)
    for part, expected, size, rtol in zip(got, reference(*wide), terms, (None, COARSE[dtype]), strict=True):
        assert_matches(part, expected, dtype=dtype, terms=size, rtol=rtol)


@question("softmax_cross_entropy", points=0.35)
@given(inputs=classified(kinds=("large",)), level=st.sampled_from((-9998, 9998)))
@settings(max_examples=30)
def test_cross_entropy_of_large_logits(student, reference, inputs, level):
    """Logits up to 1e4, whose exponentials overflow or vanish, and rows far apart, give finite, right answers."""
    logits, targets = inputs
    near = (logits / 4096).round() + level
    apart = torch.cat([near, (logits / 4096).round() - level])
    missed = torch.full_like(logits, 1e4).scatter(1, targets[:, None], -1e4)  # a loss of 2e4
    for large, right in ((logits, targets), (near, targets), (apart, targets.repeat(2)), (missed, targets)):
        _check_large(student.softmax_cross_entropy, reference.softmax_cross_entropy, [large, right])


def _replaced(targets, place, value):
    wrong = targets.clone()
    wrong[place % len(targets)] = value
    return wrong


@question("softmax_cross_entropy", points=0.2)
@given(inputs=classified(), place=st.integers(0, 9), beyond=st.sampled_from((1, 5, 10**6)))
@settings(max_examples=20)
def test_cross_entropy_with_a_target_too_large(student, inputs, place, beyond):
    """A ValueError names targets where one of them is K or more."""
    logits, targets = inputs
    for value in (logits.shape[1] + beyond, logits.shape[1]):
        assert_raises(student.softmax_cross_entropy, logits, _replaced(targets, place, value), names=TARGETS)


@question("softmax_cross_entropy", points=0.2)
@given(inputs=classified(), place=st.integers(0, 9), below=st.sampled_from((2, 5, 100, 10**6)))
@settings(max_examples=20)
def test_cross_entropy_with_a_negative_target(student, inputs, place, below):
    """A ValueError names targets where one of them is negative."""
    logits, targets = inputs
    for value in (-1, -logits.shape[1], -below):
        assert_raises(student.softmax_cross_entropy, logits, _replaced(targets, place, value), names=TARGETS)


@question("softmax_cross_entropy", points=0.15)
@given(inputs=classified(size=st.integers(1, 4)))
@settings(max_examples=15)
def test_cross_entropy_leaves_its_inputs_alone(student, reference, inputs):
    """Arguments may be named, none changes, none shares memory with a result."""
    mine, right = student.softmax_cross_entropy, reference.softmax_cross_entropy
    _check_manners(mine, right, inputs, _loss_terms, ("logits", "targets"))


@question("softmax_cross_entropy", points=0.1)
@given(inputs=classified(size=st.integers(3, 5), dtype=FLOAT32))
@settings(max_examples=3)
def test_cross_entropy_has_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch, no loop over its rows."""
    _assert_no_loop(student.softmax_cross_entropy, inputs)


# -------------------------------------------------------------------------------------- mlp_forward

NEEDS_FORWARD = ("linear_forward", "relu")


def _logits_terms(x, params):
    return _network_sizes(x, params)[-1]


def _check_logits(student, reference, network, *, rtol=None):
    x, _, params = network
    _check(student.mlp_forward, reference.mlp_forward, [x, params], _logits_terms, rtol=rtol)


def _assert_left_alone(function, *args):
    """The arguments after the call, lists included."""
    after = function.after(*args).after[0]
    assert_matches(after, list(args), rtol=0.0, what=f"what {function.name} was given, after the call,")


@question("mlp_forward", points=0.8, gate=True, depends_on=NEEDS_FORWARD)
@given(network=networks(depths=(2, 3), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=25)
def test_network_with_hidden_layers(student, reference, network):
    """Two and three layers, a ReLU between them."""
    _check_logits(student, reference, network)


@question("mlp_forward", points=0.3, depends_on=NEEDS_FORWARD)
@given(network=networks(depths=(1,), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=15)
def test_network_of_one_layer(student, reference, network):
    """A single layer has no ReLU: its logits may be negative."""
    _check_logits(student, reference, network)


@question("mlp_forward", points=0.3, depends_on=NEEDS_FORWARD)
@given(
    network=networks(layouts=SCATTERED, kinds=("normal", "integers")),
    deep=networks(depths=(4, 5, 8)),
    large=networks(depths=(1, 2), size=AT_TIMES_MANY, layouts=EITHER),
)
@settings(max_examples=30)
def test_network_of_every_size(student, reference, network, deep, large):
    """One to eight layers, sizes of 1 and of 130, both dtypes, any layout in memory."""
    for case in (network, deep, large):
        _check_logits(student, reference, case)


@question("mlp_forward", points=0.1, depends_on=NEEDS_FORWARD)
@given(network=networks(depths=(2, 3), kinds=("normal", "large")))
@settings(max_examples=20)
def test_network_with_large_numbers(student, reference, network):
    """Inputs and parameters up to 1e4."""
    _check_logits(student, reference, network)


@question("mlp_forward", points=0.1, depends_on=NEEDS_FORWARD)
@given(network=networks(depths=(1, 2, 3), size=SEVERAL))
@settings(max_examples=6)
def test_network_keeps_the_dtype_of_x(student, reference, network):
    """Where the parameters have another dtype, the logits have that of x."""
    x, _, params = network
    _check_mixtures(student.mlp_forward, reference.mlp_forward, [x, params], _logits_terms)
    for mixed in _mixtures(x, params):
        _assert_left_alone(student.mlp_forward, *mixed)


@question("mlp_forward", points=0.2, depends_on=NEEDS_FORWARD)
@given(network=networks())
@settings(max_examples=15)
def test_network_leaves_its_inputs_alone(student, reference, network):
    """Arguments may be named, none changes, not even the list of parameters, and the logits are a new tensor."""
    x, _, params = network
    _check_manners(student.mlp_forward, reference.mlp_forward, [x, params], _logits_terms, ("x", "params"))
    _assert_left_alone(student.mlp_forward, x, params)


@question("mlp_forward", points=0.1, depends_on=NEEDS_FORWARD)
@given(network=networks(depths=(2, 3), size=st.integers(3, 5), dtype=FLOAT32))
@settings(max_examples=3)
def test_network_has_no_loop_over_the_batch(student, network):
    """One expression for the whole batch; a loop over the layers is fine."""
    x, _, params = network
    _assert_no_loop(student.mlp_forward, [x], [params])


# ------------------------------------------------------------------------------- mlp_loss_and_grads

NEEDS = ("linear_forward", "linear_backward", "relu", "relu_backward", "softmax_cross_entropy", "mlp_forward")


def _check_network(student, reference, network, *, rtol=None):
    mine, right = student.mlp_loss_and_grads, reference.mlp_loss_and_grads
    _check(mine, right, network, _gradient_terms, rtol=rtol)


@question("mlp_loss_and_grads", points=1.2, gate=True, depends_on=NEEDS)
@given(network=networks(depths=(2, 3), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=20)
def test_loss_and_gradients_of_the_last_layer(student, reference, network):
    """The loss, and the gradients of the last layer, which come last."""
    wide = double(network)
    loss, grads = reference.mlp_loss_and_grads(*wide)
    room, rooms = _gradient_terms(*wide)
    got, found = _parts(student.mlp_loss_and_grads(*network), 2)
    assert_matches(got, loss, dtype=torch.float32, terms=room, what="the loss")
    last = _parts(found, len(grads), "grads")[-1]
    assert_matches(last, grads[-1], dtype=torch.float32, terms=rooms[-1], what="grads[-1]")


@question("mlp_loss_and_grads", points=0.6, depends_on=NEEDS)
@given(network=networks(depths=(2,), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=20)
def test_gradients_of_the_first_of_two_layers(student, reference, network):
    """The gradients of a hidden layer, carried back through the ReLU."""
    _check_network(student, reference, network)


@question("mlp_loss_and_grads", points=0.3, depends_on=NEEDS)
@given(network=networks(depths=(1,), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=12)
def test_gradients_of_a_network_of_one_layer(student, reference, network):
    """A single layer: softmax regression."""
    _check_network(student, reference, network)


@question("mlp_loss_and_grads", points=0.3, depends_on=NEEDS)
@given(
    network=networks(depths=(3, 4, 5), size=SEVERAL, dtype=st.just(torch.float64)),
    # Wide enough for some units of every layer to be awake.
    deep=networks(depths=(8,), size=st.integers(5, 7), dtype=st.just(torch.float64)),
)
@settings(max_examples=20)
def test_gradients_of_a_deep_network(student, reference, network, deep):
    """Three to eight layers, to the last digits of float64."""
    for case in (network, deep):
        _check_network(student, reference, case)


@question("mlp_loss_and_grads", points=0.2, depends_on=NEEDS)
@given(network=networks(depths=(2, 3), size=SEVERAL))
@settings(max_examples=15)
def test_gradients_of_silent_units(student, reference, network):
    """A hidden unit that receives exactly 0 has a gradient of 0; one that receives 1e-20 still learns."""
    x, targets, params = network
    _check_network(student, reference, [x, targets, _with_silent_units(params)])
    blank = torch.cat([torch.zeros_like(x[:1]), x[1:]])
    _check_network(student, reference, [blank, targets, params])
    _check_network(student, reference, [1e-20 * x, targets, [*_scaled(params[:1], 1e-20), *params[1:]]])


@question("mlp_loss_and_grads", points=0.2, depends_on=NEEDS)
@given(network=networks(layouts=SCATTERED), large=networks(depths=(1, 2), size=AT_TIMES_MANY, layouts=EITHER))
@settings(max_examples=25)
def test_gradients_of_a_network_of_every_size(student, reference, network, large):
    """One sample, one class, one unit, 130 of them, both dtypes, any layout in memory."""
    for case in (network, large):
        _check_network(student, reference, case)


@question("mlp_loss_and_grads", points=0.1, depends_on=NEEDS)
@given(network=networks(depths=(1, 2), kinds=("normal", "large")))
@settings(max_examples=20)
def test_gradients_with_large_numbers(student, reference, network):
    """Inputs and parameters up to 1e4 give a finite, right loss and gradients."""
    wide, dtype = double(network), network[0].dtype
    got, expected = student.mlp_loss_and_grads(*network), reference.mlp_loss_and_grads(*wide)
    assert_matches(got, expected, dtype=dtype, terms=_gradient_terms(*wide, careful=False), rtol=COARSE[dtype])


@question("mlp_loss_and_grads", points=0.2, depends_on=NEEDS)
@given(network=networks(depths=(1, 2, 3)), place=st.integers(0, 9), beyond=st.sampled_from((1, 5, 10**6)))
@settings(max_examples=20)
def test_network_with_a_target_out_of_range(student, network, place, beyond):
    """A ValueError names targets where one of them is negative, or K or more."""
    x, targets, params = network
    classes = len(params[-1][1])
    for value in (-1, -classes, classes, classes + beyond, -1 - beyond):
        assert_raises(student.mlp_loss_and_grads, x, _replaced(targets, place, value), params, names=TARGETS)


@question("mlp_loss_and_grads", points=0.1, depends_on=NEEDS)
@given(network=networks(depths=(1, 2), size=SEVERAL))
@settings(max_examples=6)
def test_gradients_keep_the_dtype_of_x(student, reference, network):
    """Where the parameters have another dtype, loss and gradients have that of x."""
    for mixed in _mixtures(*network):
        _check_network(student, reference, mixed, rtol=LOOSE)
        _assert_left_alone(student.mlp_loss_and_grads, *mixed)


@question("mlp_loss_and_grads", points=0.1, depends_on=NEEDS)
@given(network=networks(depths=(1, 2, 3)))
@settings(max_examples=15)
def test_gradients_of_a_network_leave_its_inputs_alone(student, reference, network):
    """Arguments may be named, none changes, not even the list of parameters, none shares memory with a result."""
    mine, right = student.mlp_loss_and_grads, reference.mlp_loss_and_grads
    _check_manners(mine, right, network, _gradient_terms, ("x", "targets", "params"))
    _assert_left_alone(mine, *network)


@question("mlp_loss_and_grads", points=0.1, depends_on=NEEDS)
@given(network=networks(depths=(2, 3), size=st.integers(3, 5), dtype=FLOAT32))
@settings(max_examples=3)
def test_gradients_of_a_network_have_no_loop_over_the_batch(student, network):
    """One expression for the whole batch; a loop over the layers is fine."""
    x, targets, params = network
    _assert_no_loop(student.mlp_loss_and_grads, [x, targets], [params])


# ----------------------------------------------------------------------------------------- sgd_step

RATES = (0.01, 0.1, 0.5)


@st.composite
def steps(draw, /, **options):
    """``[params, grads, lr]``."""
    _, _, params = draw(networks(**options))
    kinds, layouts = options.get("kinds", ("normal",)), options.get("layouts", PLAIN)
    grads = [tuple(_drawn(draw, tuple(part.shape), part.dtype, kinds, layouts) for part in pair) for pair in params]
    return [params, grads, draw(st.sampled_from(RATES))]


def _step_terms(params, grads, lr):
    pairs = zip(params, grads, strict=True)
    return [tuple(p.abs() + lr * g.abs() for p, g in zip(*pair, strict=True)) for pair in pairs]


def _check_step(student, reference, params, grads, lr, *, rtol=None):
    mine, right, dtype = student.sgd_step, reference.sgd_step, params[0][0].dtype
    _check(mine, right, [params, grads, lr], _step_terms, dtype=dtype, rtol=rtol)


@question("sgd_step", points=0.8, gate=True)
@given(inputs=steps(depths=(2, 3), size=SEVERAL, dtype=FLOAT32))
@settings(max_examples=20)
def test_step_against_the_gradient(student, reference, inputs):
    """Weights and biases of every layer move against their gradient, lr times as far."""
    _check_step(student, reference, *inputs)


@question("sgd_step", points=0.2)
@given(
    inputs=steps(depths=(1, 2, 3, 4, 8), layouts=SCATTERED, kinds=("normal", "integers", "large")),
    deep=steps(depths=(8,)),
    large=steps(depths=(1, 2), size=AT_TIMES_MANY, layouts=EITHER),
)
@settings(max_examples=24)
def test_step_of_every_size(student, reference, inputs, deep, large):
    """One to eight layers, sizes of 1 and of 130, numbers up to 1e4, both dtypes, any layout in memory."""
    for case in (inputs, deep, large):
        _check_step(student, reference, *case)


@question("sgd_step", points=0.1)
@given(inputs=steps(depths=(1, 2), dtype=st.just(torch.float64)))
@settings(max_examples=6)
def test_step_of_any_rate(student, reference, inputs):
    """The learning rate may be an int, tiny or large, and the numbers it moves tiny."""
    params, grads, _ = inputs
    for lr in (1, 3, 2.5, 1e-100, 1e-8, 1e-3, 10000):
        _check_step(student, reference, params, grads, lr)
    _check_step(student, reference, _scaled(params, 1e-20), _scaled(grads, 1e-20), 0.3)


@question("sgd_step", points=0.2)
@given(inputs=steps(depths=(1, 2)))
@settings(max_examples=10)
def test_step_leaves_the_old_parameters(student, reference, inputs):
    """Arguments may be named, and neither the old parameters nor the gradients change, nor the lists they are in."""
    params, grads, lr = inputs
    answer = assert_inputs_untouched(student.sgd_step, params=params, grads=grads, lr=lr)
    wide = double(inputs)
    dtype = params[0][0].dtype
    assert_matches(answer.value, reference.sgd_step(*wide), dtype=dtype, terms=_step_terms(*wide))
    _assert_left_alone(student.sgd_step, *inputs)


@question("sgd_step", points=0.1)
@given(inputs=steps(depths=(1, 2), kinds=("normal", "zeros")))
@settings(max_examples=12)
def test_step_returns_new_tensors(student, inputs):
    """The new parameters share no memory with the old ones, even where the gradient is 0 or the rate is 1."""
    params, grads, lr = inputs
    still = [tuple(torch.zeros_like(part) for part in pair) for pair in grads]
    for gradients, rate in ((grads, lr), (grads, 1), (still, lr)):
        assert_no_alias(student.sgd_step, params, gradients, rate)


@question("sgd_step", points=0.1)
@given(inputs=steps(depths=(1, 2)))
@settings(max_examples=6)
def test_step_keeps_the_dtype_of_the_parameters(student, reference, inputs):
    """Where the gradients have another dtype, the new parameters have that of the old ones."""
    params, grads, lr = inputs
    for mixed in _mixtures(params, grads):
        _check_step(student, reference, *mixed, lr, rtol=LOOSE)
        _assert_left_alone(student.sgd_step, *mixed, lr)


@question("sgd_step", points=0.1)
@given(inputs=steps(depths=(1, 2)))
@settings(max_examples=5)
def test_step_of_rate_zero(student, inputs):
    """A ValueError names lr where it is 0."""
    for lr in (0, 0.0):
        assert_raises(student.sgd_step, *inputs[:2], lr, names=("lr", "learning rate", "learning_rate"))


@question("sgd_step", points=0.1)
@given(inputs=steps(depths=(1, 2)), lr=st.sampled_from((-0.1, -1, -1e-6, -1e4)))
@settings(max_examples=12)
def test_step_of_a_negative_rate(student, inputs, lr):
    """A ValueError names lr where it is negative."""
    assert_raises(student.sgd_step, *inputs[:2], lr, names=("lr", "learning rate", "learning_rate"))
