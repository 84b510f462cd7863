"""Graded tests of the assignment on convolutions."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.testing import (
    assert_all_raise,
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    double,
    forbid,
    norm,
    question,
)
from autograder.testing import strategies as ts

# Sizes and counts are to be computed: no layer of torch is asked for them, on whatever device.
_NO_LAYERS = forbid(
    "nn.*",
    "aten::*pool*",
    "aten::linear",
    "aten::*batch_norm*",
    "py::torch._decomp.*pool*",
    "py::torch._decomp.*batch_norm*",
    names=("Linear", "MaxPool2d", "AvgPool2d", "BatchNorm2d", "max_pool2d", "avg_pool2d", "Sequential"),
    because="sizes and counts are to be computed, not read off a layer",
)
_CONVOLUTIONS = forbid(
    "*::*convolution*",
    "*::*conv[123t_]*",
    "nn.*Conv*",
    names=("conv1d", "conv3d", "conv_transpose2d", "convolution", "Conv1d", "Conv2d", "Conv3d", "ConvTranspose2d"),
)
FORBIDDEN = {
    "conv_output_size": _NO_LAYERS,
    "conv_transpose_output_size": _NO_LAYERS,
    "conv2d_output_shape": _NO_LAYERS,
    "conv2d_parameter_count": _NO_LAYERS,
    "trace_network": _NO_LAYERS,
    "*": _CONVOLUTIONS,
}

NONE, ONE, SMALL, MORE = st.just(0), st.just(1), st.integers(1, 4), st.integers(2, 4)
BAD = st.integers(-2, 0)
# What a message may call an argument.
CALLED = {
    "in_channels": ("in_channels", "input channel", "in channel"),
    "out_channels": ("out_channels", "output channel", "out channel"),
    "output_padding": ("output_padding", "output padding"),
    "out_features": ("out_features", "output feature", "out feature"),
    "kernel_size": ("kernel",),
}


def _called(name):
    return CALLED.get(name, (name,))


def _reach(kernel, dilation=1):
    """Entries that a dilated kernel covers, from its first weight to its last."""
    return dilation * (kernel - 1) + 1


def _two(value):
    return value if isinstance(value, (tuple, list)) else (value, value)


@st.composite
def _either(draw, values):
    """An ``int`` for both dimensions, or a pair of its own for each, as a tuple or list."""
    form = draw(st.sampled_from((tuple, list, None)))
    return draw(values) if form is None else form((draw(values), draw(values)))


def _assert_lists_stay(function, *args, **kwargs):
    """The call must leave its pairs and shapes as they were."""
    before = [[arg for arg in args if not isinstance(arg, torch.Tensor)], kwargs]
    positional, named = function.after(*args, **kwargs).after
    if [[arg for arg in positional if not isinstance(arg, torch.Tensor)], named] != before:
        raise Mismatch(f"{function.name} changes a list that it was given")


def _steps(size, kernel, stride, padding, dilation):
    """How many positions a kernel has; only for drawing inputs that fit."""
    return (size + 2 * padding - _reach(kernel, dilation)) // stride + 1


# --------------------------------------------------------------------------------- conv_output_size


@st.composite
def _exact(draw, *, strides=SMALL):
    """``[size, kernel, stride, padding]`` in which the last step ends exactly at the last entry."""
    kernel, stride = draw(st.integers(1, 7)), draw(strides)
    padding = draw(st.integers(0, (kernel - 1) // 2))
    steps = draw(st.integers(2 * padding + 2, 30))  # the kernel is smaller than the bare input
    return [(steps - 1) * stride + kernel - 2 * padding, kernel, stride, padding]


@st.composite
def _inexact(draw):
    """The same, with entries left over after the last step."""
    size, kernel, stride, padding = draw(_exact(strides=st.integers(2, 6)))
    return [size + draw(st.integers(1, stride - 1)), kernel, stride, padding]


@st.composite
def _dilated(draw, *, kernels=SMALL, dilations=SMALL):
    """Arguments by name, in which the dilated kernel fits."""
    kernel, dilation, padding = draw(kernels), draw(dilations), draw(st.integers(0, 4))
    size = max(1, _reach(kernel, dilation) - 2 * padding) + draw(st.integers(0, 20))
    return {"size": size, "kernel": kernel, "stride": draw(SMALL), "padding": padding, "dilation": dilation}


@question("conv_output_size", points=1.0, gate=True)
@given(inputs=_exact())
@settings(max_examples=40)
def test_conv_output_size_where_the_kernel_ends_at_the_border(student, reference, inputs):
    """The size without dilation, where the last step ends exactly at the border."""
    assert_matches(student.conv_output_size(*inputs), reference.conv_output_size(*inputs))


@question("conv_output_size", points=0.5)
@given(inputs=_inexact())
@settings(max_examples=40)
def test_conv_output_size_rounds_down(student, reference, inputs):
    """Entries that the last step does not reach are dropped: the size is rounded down."""
    assert_matches(student.conv_output_size(*inputs), reference.conv_output_size(*inputs))


@question("conv_output_size", points=0.5)
@given(inputs=_dilated(kernels=MORE, dilations=MORE))
@settings(max_examples=40)
def test_conv_output_size_with_dilation(student, reference, inputs):
    """A dilated kernel covers more entries."""
    values = list(inputs.values())
    assert_matches(student.conv_output_size(*values), reference.conv_output_size(*values))


@question("conv_output_size", points=0.2)
@given(
    inputs=_dilated(),
    given=st.lists(st.sampled_from(("stride", "padding", "dilation")), unique=True, max_size=2),
    wide=st.integers(20, 10_000),
)
@settings(max_examples=30)
def test_conv_output_size_by_name_and_by_default(student, reference, inputs, given, wide):
    """Arguments by name, in any order, and left out where a default will do."""
    options = {name: inputs[name] for name in given}
    assert_matches(
        student.conv_output_size(wide, inputs["kernel"], **options),
        reference.conv_output_size(wide, inputs["kernel"], **options),
    )
    assert_matches(student.conv_output_size(**options, kernel=inputs["kernel"], size=wide),
                   reference.conv_output_size(wide, inputs["kernel"], **options))  # fmt: skip


@question("conv_output_size", points=0.2)
@given(inputs=_dilated())
@settings(max_examples=30)
def test_conv_output_size_of_a_kernel_that_just_fits(student, reference, inputs):
    """A kernel exactly as large as the padded input has one position."""
    reach = _reach(inputs["kernel"], inputs["dilation"])
    padding = min(inputs["padding"], (reach - 1) // 2)
    exact = inputs | {"padding": padding, "size": reach - 2 * padding}
    assert_matches(student.conv_output_size(**exact), 1)


@question("conv_output_size", points=0.1)
@given(size=st.integers(1, 12), kernel=st.integers(1, 5), beyond=st.integers(1, 9))
@settings(max_examples=30)
def test_conv_output_size_of_unusual_arguments(student, reference, size, kernel, beyond):
    """A stride or a padding larger than the input, or a large dilation of a single weight, is no error."""
    large = max(size, kernel) + beyond
    assert_matches(student.conv_output_size(kernel + size, kernel, kernel + size + beyond), 1)
    assert_matches(student.conv_output_size(size, kernel, 1, large), reference.conv_output_size(size, kernel, 1, large))
    assert_matches(student.conv_output_size(size, 1, 1, 0, large), size)


@question("conv_output_size", points=0.25)
@given(inputs=_dilated(), bad=BAD, order=st.permutations(("size", "kernel", "stride", "dilation", "padding")))
@settings(max_examples=20)
def test_conv_output_size_refuses_sizes_below_one(student, inputs, bad, order):
    """A size, kernel, stride or dilation below 1, or a padding below 0, is a ValueError that names it."""
    reach = _reach(inputs["kernel"], inputs["dilation"])
    beside = {"size": {"padding": reach + 2}, "padding": {"size": reach + 6}}  # room enough but for the bad number
    for name in order:
        wrong = {name: bad - 1 if name == "padding" else bad} | beside.get(name, {})
        assert_raises(student.conv_output_size, **inputs | wrong, names=(name,))


@question("conv_output_size", points=0.25)
@given(inputs=_dilated(), more=st.integers(1, 9))
@settings(max_examples=30)
def test_conv_output_size_refuses_a_kernel_that_does_not_fit(student, inputs, more):
    """A dilated kernel larger than the padded input, if only by a little, is a ValueError."""
    room, names = inputs["size"] + 2 * inputs["padding"], ("kernel", "dilation", "size", "input")
    large = (room - 1) // inputs["dilation"] + 2
    for kernel in (large, large + more):
        assert_raises(student.conv_output_size, **inputs | {"kernel": kernel}, names=names)


# ----------------------------------------------------------------------- conv_transpose_output_size


@st.composite
def _transposed(draw, *, strides=SMALL, dilations=ONE, extra=False):
    """Arguments by name, in the order of the signature, with a result of at least 1."""
    size, kernel, stride, dilation = draw(st.integers(1, 20)), draw(st.integers(1, 6)), draw(strides), draw(dilations)
    output_padding = draw(st.integers(0, max(stride, dilation) - 1)) if extra else 0
    total = (size - 1) * stride + dilation * (kernel - 1) + output_padding + 1
    return {
        "size": size,
        "kernel": kernel,
        "stride": stride,
        "padding": draw(st.integers(0, min(4, (total - 1) // 2))),
        "output_padding": output_padding,
        "dilation": dilation,
    }


@question("conv_transpose_output_size", points=0.8, gate=True)
@given(inputs=_transposed())
@settings(max_examples=40)
def test_conv_transpose_output_size_without_output_padding(student, reference, inputs):
    """The size from kernel, stride and padding."""
    values = list(inputs.values())[:4]
    assert_matches(student.conv_transpose_output_size(*values), reference.conv_transpose_output_size(*values))


@question("conv_transpose_output_size", points=0.3)
@given(inputs=_transposed(strides=MORE, extra=True))
@settings(max_examples=30)
def test_conv_transpose_output_size_with_output_padding(student, reference, inputs):
    """Output padding adds entries at one end."""
    values = list(inputs.values())[:5]
    assert_matches(student.conv_transpose_output_size(*values), reference.conv_transpose_output_size(*values))


@question("conv_transpose_output_size", points=0.25)
@given(inputs=_transposed(dilations=SMALL, extra=True))
@settings(max_examples=30)
def test_conv_transpose_output_size_with_dilation(student, reference, inputs):
    """Dilation spreads the kernel; the output padding may then exceed the stride, below the dilation."""
    values = list(inputs.values())
    assert_matches(student.conv_transpose_output_size(1, 2, inputs["stride"], 2, 1, 3), 1)
    expected = reference.conv_transpose_output_size(*values)
    assert_matches(student.conv_transpose_output_size(*values), expected)
    assert_matches(student.conv_transpose_output_size(**inputs), expected)


@question("conv_transpose_output_size", points=0.1)
@given(
    inputs=_transposed(dilations=SMALL, extra=True),
    given=st.lists(st.sampled_from(("stride", "padding", "dilation")), unique=True, max_size=2),
)
@settings(max_examples=30)
def test_conv_transpose_output_size_by_name_and_by_default(student, reference, inputs, given):
    """Arguments by name, in any order, and left out where a default will do."""
    size, kernel = inputs["size"] + 8, inputs["kernel"]  # enough for every padding
    options = {name: inputs[name] for name in given}
    expected = reference.conv_transpose_output_size(size, kernel, **options)
    assert_matches(student.conv_transpose_output_size(size, kernel, **options), expected)
    assert_matches(student.conv_transpose_output_size(**options, kernel=kernel, size=size), expected)


@question("conv_transpose_output_size", points=0.15)
@given(inputs=_dilated())
@settings(max_examples=30)
def test_conv_transpose_output_size_returns_to_the_size_before(student, inputs):
    """With the output padding that makes up for the rounding, the size before the convolution comes back."""
    padded = inputs["size"] + 2 * inputs["padding"]
    left_over = (padded - _reach(inputs["kernel"], inputs["dilation"])) % inputs["stride"]
    after = inputs | {"size": _steps(**inputs), "output_padding": left_over}
    assert_matches(student.conv_transpose_output_size(**after), inputs["size"])


@question("conv_transpose_output_size", points=0.2)
@given(
    inputs=_transposed(dilations=SMALL, extra=True),
    bad=BAD,
    above=st.integers(0, 2),
    order=st.permutations(("size", "kernel", "stride", "dilation", "padding", "output_padding", "too much")),
)
@settings(max_examples=20)
def test_conv_transpose_output_size_refuses_bad_arguments(student, inputs, bad, above, order):
    """Sizes below 1, paddings below 0, and an output padding as large as stride and dilation are ValueErrors."""
    roomy = inputs | {"size": 20, "kernel": 20, "padding": 0, "output_padding": 0}
    for name in order:
        if name == "too much":
            wrong = {"output_padding": max(inputs["stride"], inputs["dilation"]) + above}
        else:
            wrong = {name: bad - 1 if "padding" in name else bad}
        names = _called("output_padding" if "output_padding" in wrong else name)
        assert_raises(student.conv_transpose_output_size, **roomy | wrong, names=names)


@question("conv_transpose_output_size", points=0.2)
@given(half=st.integers(1, 4), stride=MORE, beyond=st.integers(0, 2))
@settings(max_examples=20)
def test_conv_transpose_output_size_refuses_a_result_below_one(student, half, stride, beyond):
    """A result of 0 or less is a ValueError; a result of 1 is not, also where output padding makes it."""
    assert_matches(student.conv_transpose_output_size(1, 2 * half + 1, stride, half), 1)
    assert_matches(student.conv_transpose_output_size(1, 2 * half, stride, half, 1), 1)
    for kernel in (2 * half, 2 * half - 1):
        assert_raises(student.conv_transpose_output_size, 1, kernel, stride, half + beyond)


# ------------------------------------------------------------------------------ conv2d_output_shape


STEPS, PADDINGS = st.integers(1, 3), st.integers(0, 3)
MISFIT = ("kernel", "weight", "dilation", "size", "input", "image", "shape", "x ")  # any of them names the trouble


@st.composite
def _windows(draw, /, *, pairs=True, kernels=SMALL, strides=STEPS, paddings=PADDINGS, dilations=STEPS, room=8):
    """``([H, W], [kernel_size, stride, padding, dilation])`` that fit."""
    form = _either if pairs else (lambda values: values)
    options = [draw(form(values)) for values in (kernels, strides, paddings, dilations)]
    size = [
        max(1, _reach(kernel, dilation) - 2 * padding) + draw(st.integers(0, room))
        for kernel, _, padding, dilation in zip(*map(_two, options), strict=True)
    ]
    return size, options


@st.composite
def _shapes(draw, /, **options):
    """``[input_shape, out_channels, kernel_size, stride, padding, dilation]``."""
    size, window = draw(_windows(**options))
    return [(draw(SMALL), draw(SMALL), *size), draw(st.integers(1, 9)), *window]


@question("conv2d_output_shape", points=0.8, gate=True, depends_on=("conv_output_size",))
@given(inputs=_shapes(pairs=False, dilations=ONE))
@settings(max_examples=40)
def test_conv2d_output_shape_of_square_kernels(student, reference, inputs):
    """The shape for one kernel size, stride and padding, on images that need not be square."""
    assert_matches(student.conv2d_output_shape(*inputs[:5]), reference.conv2d_output_shape(*inputs[:5]))


@question("conv2d_output_shape", points=0.5, depends_on=("conv_output_size",))
@given(inputs=_shapes())
@settings(max_examples=50)
def test_conv2d_output_shape_takes_pairs(student, reference, inputs):
    """Each of the four arguments may be an int, or an (h, w) tuple or list, which stays as it is."""
    assert_matches(student.conv2d_output_shape(*inputs), reference.conv2d_output_shape(*inputs))
    _assert_lists_stay(student.conv2d_output_shape, *inputs)


@question("conv2d_output_shape", points=0.2, depends_on=("conv_output_size",))
@given(inputs=_shapes(), given=st.lists(st.sampled_from(("stride", "padding", "dilation")), unique=True, max_size=2))
@settings(max_examples=30)
def test_conv2d_output_shape_by_name_and_by_default(student, reference, inputs, given):
    """Arguments by name, and left out where a default will do."""
    shape, out_channels, kernel_size, *rest = inputs
    wide = (*shape[:2], 25, 20)
    named = dict(zip(("stride", "padding", "dilation"), rest, strict=True))
    options = {"out_channels": out_channels, "kernel_size": kernel_size} | {name: named[name] for name in given}
    expected = reference.conv2d_output_shape(wide, **options)
    assert_matches(student.conv2d_output_shape(wide, **options), expected)
    assert_matches(student.conv2d_output_shape(input_shape=wide, **options), expected)


@question("conv2d_output_shape", points=0.25, depends_on=("conv_output_size",))
@given(
    bad=BAD,
    good=SMALL,
    second=st.booleans(),
    form=st.sampled_from(("tuple", "list", "int")),
    order=st.permutations(("input_shape", "out_channels", "kernel_size", "stride", "padding", "dilation")),
)
@settings(max_examples=20)
def test_conv2d_output_shape_refuses_bad_arguments(student, bad, good, second, form, order):
    """A bad number in either dimension, or out_channels below 1, is a ValueError that names it."""
    for name in order:
        call = {"input_shape": (2, 3, 30, 30), "out_channels": 4, "kernel_size": 2}
        value = bad - 1 if name == "padding" else bad
        pair = [good, value] if second else [value, good]
        if name == "input_shape":  # the padding alone would make room
            call |= {"input_shape": (2, 3, *((30, bad) if second else (bad, 30))), "padding": 4}
        elif name == "out_channels":
            call[name] = bad
        else:
            call[name] = {"tuple": tuple(pair), "list": pair, "int": value}[form]
        names = () if name == "input_shape" else _called(name)
        assert_raises(student.conv2d_output_shape, **call, names=names)


@question("conv2d_output_shape", points=0.25, depends_on=("conv_output_size",))
@given(inputs=_shapes(), high=st.booleans())
@settings(max_examples=30)
def test_conv2d_output_shape_refuses_a_kernel_that_does_not_fit(student, inputs, high):
    """A dilated kernel that fits in one dimension but not in the other is a ValueError."""
    shape, out_channels, kernel_size, stride, padding, dilation = inputs
    kernel = list(_two(kernel_size))
    place = 0 if high else 1
    room = shape[2 + place] + 2 * _two(padding)[place]
    kernel[place] = (room - 1) // _two(dilation)[place] + 2
    call = (shape, out_channels, tuple(kernel), stride, padding, dilation)
    assert_raises(student.conv2d_output_shape, *call, names=MISFIT)


# --------------------------------------------------------------------------- conv2d_parameter_count

COUNTS, WIDE = st.integers(1, 40), st.integers(1, 5000)


@question("conv2d_parameter_count", points=1.0, gate=True)
@given(inputs=st.tuples(COUNTS, COUNTS, st.integers(1, 7)))
@settings(max_examples=30)
def test_conv2d_parameter_count_of_square_kernels(student, reference, inputs):
    """Weights and biases of square kernels."""
    assert_matches(student.conv2d_parameter_count(*inputs), reference.conv2d_parameter_count(*inputs))


@question("conv2d_parameter_count", points=0.6)
@given(inputs=st.tuples(WIDE, WIDE, _either(st.integers(1, 7)), st.booleans()))
@settings(max_examples=40)
def test_conv2d_parameter_count_takes_pairs_and_may_do_without_bias(student, reference, inputs):
    """Kernels that are not square, as a tuple or list, with or without a bias, by position and by name."""
    named = dict(zip(("in_channels", "out_channels", "kernel_size", "bias"), inputs, strict=True))
    expected = reference.conv2d_parameter_count(*inputs)
    assert_matches(student.conv2d_parameter_count(*inputs), expected)
    assert_matches(student.conv2d_parameter_count(**named), expected)


@question("conv2d_parameter_count", points=0.4)
@given(good=st.tuples(COUNTS, COUNTS, st.integers(1, 7)), bad=BAD, order=st.permutations(range(6)))
@settings(max_examples=20)
def test_conv2d_parameter_count_refuses_counts_below_one(student, good, bad, order):
    """A number of channels or a kernel size below 1 is a ValueError that names it."""
    c_in, c_out, kernel = good
    kernels = (bad, (kernel, bad), [bad, kernel], (bad, bad - 1))
    calls = [(bad, c_out, kernel, "in_channels"), (c_in, bad, kernel, "out_channels")]
    calls += [(c_in, c_out, size, "kernel_size") for size in kernels]
    for *call, name in (calls[place] for place in order):
        assert_raises(student.conv2d_parameter_count, *call, names=_called(name))


# -------------------------------------------------------------------------------------- conv_matrix


@st.composite
def _kernel_and_shape(draw, *, dtype=torch.float32, smallest=1, kinds=("integers", "normal")):
    """``[kernel, (H, W)]`` with a kernel that fits; the pair as a tuple or list."""
    size = draw(st.integers(smallest, 3)), draw(st.integers(smallest, 3))
    kernel = draw(ts.tensors(size, dtype=dtype, layouts=ts.LAYOUTS, kinds=kinds))
    shape = [side + draw(st.integers(0, 3)) for side in size]
    return [kernel, draw(st.sampled_from((tuple, list)))(shape)]


@question("conv_matrix", points=0.8, gate=True)
@given(inputs=_kernel_and_shape(smallest=2, kinds=("normal",)))
@settings(max_examples=30)
def test_conv_matrix_of_ordinary_kernels(student, reference, inputs):
    """The matrix of a kernel, entry by entry, for images that need not be square."""
    kernel, shape = inputs
    assert_matches(student.conv_matrix(kernel, shape), reference.conv_matrix(*double(inputs)), dtype=kernel.dtype)


@question("conv_matrix", points=0.3)
@given(inputs=_kernel_and_shape(dtype=ts.float_dtypes()), seed=ts.seeds())
@settings(max_examples=40)
def test_conv_matrix_does_what_the_convolution_does(student, reference, inputs, seed):
    """U @ x.flatten() is the flattened convolution of x, for sizes down to 1, in the kernel's dtype."""
    kernel, (height, width) = inputs
    x = ts.build((height, width), seed=seed, dtype=kernel.dtype)
    U = student.conv_matrix(kernel, inputs[1])
    assert_matches(U, reference.conv_matrix(*double(inputs)), dtype=kernel.dtype)
    expected = reference.conv2d(*double([x[None, None], kernel[None, None]])).flatten()
    terms = norm(x) * norm(kernel)
    assert_matches(U @ x.flatten(), expected, dtype=kernel.dtype, terms=terms, what="U @ x.flatten()")


@question("conv_matrix", points=0.1)
@given(inputs=_kernel_and_shape(dtype=ts.float_dtypes(), kinds=("large", "tiny")))
@settings(max_examples=20)
def test_conv_matrix_of_large_and_tiny_weights(student, reference, inputs):
    """Weights of any magnitude up to 1e4 are copied as they are."""
    assert_matches(student.conv_matrix(*inputs), reference.conv_matrix(*double(inputs)), dtype=inputs[0].dtype)


@question("conv_matrix", points=0.1)
@given(inputs=_kernel_and_shape())
@settings(max_examples=15)
def test_conv_matrix_by_name(student, reference, inputs):
    """Arguments by name, in any order."""
    kernel, shape = inputs
    expected = reference.conv_matrix(*double(inputs))
    assert_matches(student.conv_matrix(input_shape=shape, kernel=kernel), expected, dtype=kernel.dtype)


@question("conv_matrix", points=0.25)
@given(inputs=_kernel_and_shape(dtype=ts.float_dtypes()), seed=ts.seeds())
@settings(max_examples=10)
def test_conv_matrix_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from the matrix to the kernel."""
    kernel, (height, width) = inputs
    rows = (height - kernel.shape[0] + 1) * (width - kernel.shape[1] + 1)
    cotangent = ts.build((rows, height * width), seed=seed, dtype=kernel.dtype)
    assert_gradients(
        student.conv_matrix, reference.conv_matrix, *inputs, wrt=(0,), cotangents=[cotangent], terms=cotangent
    )


@question("conv_matrix", points=0.2)
@given(inputs=_kernel_and_shape(), whole=st.booleans())
@settings(max_examples=20)
def test_conv_matrix_leaves_the_kernel_alone(student, inputs, whole):
    """The kernel and input_shape stay as they were, and writing into the matrix does not change the kernel."""
    kernel, shape = inputs
    shape = type(shape)(kernel.shape) if whole else shape
    _assert_lists_stay(student.conv_matrix, kernel, shape)
    assert_inputs_untouched(student.conv_matrix, kernel, shape)
    assert_no_alias(student.conv_matrix, kernel, shape)


@question("conv_matrix", points=0.25)
@given(inputs=_kernel_and_shape(), missing=st.integers(1, 2))
@settings(max_examples=10)
def test_conv_matrix_refuses_a_kernel_larger_than_the_input(student, inputs, missing):
    """A kernel larger than the input, in one dimension or both, is a ValueError."""
    kernel, shape = inputs
    kernel = torch.ones(kernel.shape[0] + missing, kernel.shape[1] + missing)
    calls = []
    for place in (0, 1, 2):
        sides = list(shape)
        for index, side in enumerate(kernel.shape):
            sides[index] = side - missing if place in (index, 2) else side + 1
        calls.append((kernel, type(shape)(sides)))
    assert_all_raise(student.conv_matrix, *calls, names=("kernel", "input"))


# ------------------------------------------------------------------------------------------- conv2d

SIZES = ("conv2d_output_shape", "conv_output_size")
PLAIN = {"pairs": False, "strides": ONE, "paddings": NONE, "dilations": ONE}


@st.composite
def _images(draw, /, *, dtype=torch.float32, smallest=1, kinds=("normal",), **options):
    """``[x, weight, bias, stride, padding, dilation]``."""
    (height, width), (kernel_size, *rest) = draw(_windows(**{"kernels": STEPS, "room": 4} | options))
    dtype = draw(dtype) if isinstance(dtype, st.SearchStrategy) else dtype
    n, c_in, c_out = (draw(st.integers(smallest, 3)) for _ in range(3))
    shapes = ((n, c_in, height, width), (c_out, c_in, *_two(kernel_size)), (c_out,))
    return [*(draw(ts.tensors(shape, dtype=dtype, layouts=ts.LAYOUTS, kinds=kinds)) for shape in shapes), *rest]


def _assert_convolves(student, reference, x, weight, *rest, **options):
    """The value, judged against the size of the products it is summed from."""
    expected = reference.conv2d(*double([x, weight, *rest]), **double(options))
    got = student.conv2d(x, weight, *rest, **options)
    assert_matches(got, expected, dtype=x.dtype, terms=norm(expected) + norm(x) * norm(weight))


@question("conv2d", points=1.0, gate=True, depends_on=SIZES)
@given(inputs=_images(**PLAIN | {"kernels": st.integers(2, 3)}, smallest=2))
@settings(max_examples=30)
def test_conv2d_with_stride_one(student, reference, inputs):
    """Several images, channels and kernels, at stride 1, without padding, dilation or bias."""
    _assert_convolves(student, reference, *inputs[:2])


@question("conv2d", points=0.3, depends_on=SIZES)
@given(inputs=_images(**PLAIN), named=st.booleans())
@settings(max_examples=20)
def test_conv2d_with_a_bias(student, reference, inputs, named):
    """Every output channel gets its own bias."""
    x, weight, bias = inputs[:3]
    if named:
        _assert_convolves(student, reference, x, weight, bias=bias)
    else:
        _assert_convolves(student, reference, x, weight, bias)


@question("conv2d", points=0.4, depends_on=SIZES)
@given(inputs=_images(pairs=False, dilations=ONE))
@settings(max_examples=40)
def test_conv2d_with_stride_and_padding(student, reference, inputs):
    """Stride and padding, the same in both dimensions."""
    x, weight, _, stride, padding, _ = inputs
    _assert_convolves(student, reference, x, weight, None, stride, padding)


@question("conv2d", points=0.3, depends_on=SIZES)
@given(inputs=_images(pairs=False, kernels=st.integers(2, 3), paddings=NONE, dilations=st.integers(2, 3)))
@settings(max_examples=30)
def test_conv2d_with_dilation(student, reference, inputs):
    """Dilation spreads the kernel over the image."""
    x, weight, _, stride, padding, dilation = inputs
    _assert_convolves(student, reference, x, weight, None, stride, padding, dilation)


@question("conv2d", points=0.3, depends_on=SIZES)
@given(inputs=_images())
@settings(max_examples=40)
def test_conv2d_takes_pairs(student, reference, inputs):
    """Stride, padding and dilation of their own for rows and columns, as tuples or lists, which stay as they are."""
    x, weight, _, stride, padding, dilation = inputs
    _assert_convolves(student, reference, x, weight, stride=stride, padding=padding, dilation=dilation)
    _assert_lists_stay(student.conv2d, x, weight, None, stride, padding, dilation)


@question("conv2d", points=0.1, depends_on=SIZES)
@given(inputs=_images(paddings=NONE), leave_out=st.booleans())
@settings(max_examples=20)
def test_conv2d_by_name(student, reference, inputs, leave_out):
    """Arguments by name, in any order."""
    named = dict(zip(("x", "weight", "bias", "stride", "padding", "dilation"), inputs, strict=True))
    if leave_out:
        named = {name: named[name] for name in ("weight", "x")}
    x, weight, *rest = inputs[: len(named)]
    expected = reference.conv2d(*double([x, weight, *rest]))
    got = student.conv2d(**dict(reversed(named.items())))
    assert_matches(got, expected, dtype=x.dtype, terms=norm(expected) + norm(x) * norm(weight))


@question("conv2d", points=0.2, depends_on=SIZES)
@given(inputs=_images(dtype=torch.float64, **PLAIN))
@settings(max_examples=6)
def test_conv2d_keeps_the_dtype_of_the_images(student, reference, inputs):
    """float64 gives float64; where images, weights and bias differ, the images decide."""
    wide = inputs[:3]
    x, weight, bias = (tensor.float() for tensor in wide)
    _assert_convolves(student, reference, *wide)
    _assert_convolves(student, reference, *wide[:2])
    # A wide bias alone comes first: who goes by the bias and who goes by the weights fail alike on the second.
    for images, kernel, shift in ((x, weight, wide[2]), (x, *wide[1:]), (wide[0], weight, bias),
                                  (wide[0], weight, wide[2]), (*wide[:2], bias)):  # fmt: skip
        _assert_convolves(student, reference, images, kernel, shift)
        _assert_convolves(student, reference, images, kernel)


@question("conv2d", points=0.2, depends_on=SIZES)
@given(inputs=_images(dtype=ts.float_dtypes(), kinds=("large", "zeros", "tiny"), **PLAIN), padding=st.integers(0, 1))
@settings(max_examples=20)
def test_conv2d_of_large_values_leaves_its_inputs_alone(student, reference, inputs, padding):
    """Values up to 1e4 stay accurate, and no input changes."""
    _assert_convolves(student, reference, *inputs[:2], padding=padding)
    assert_inputs_untouched(student.conv2d, *inputs[:3], padding=padding)
    assert_no_alias(student.conv2d, *inputs[:3], padding=padding)
    assert_no_alias(student.conv2d, inputs[0][:, :1], torch.ones(1, 1, 1, 1, dtype=inputs[0].dtype))


@question("conv2d", points=0.3, depends_on=SIZES)
@given(inputs=_images(dtype=ts.float_dtypes(), **PLAIN), seed=ts.seeds(), biased=st.booleans())
@settings(max_examples=20)
def test_conv2d_can_be_differentiated(student, reference, inputs, seed, biased):
    """Gradients flow to images, weights and bias, where there is one."""
    x, weight, bias, *options = inputs
    _assert_differentiates(student, reference, [x, weight, bias if biased else None, *options], seed)


@question("conv2d", points=0.1, depends_on=SIZES)
@given(inputs=_images(strides=MORE, paddings=st.integers(1, 2), dilations=MORE, kernels=MORE), seed=ts.seeds())
@settings(max_examples=20)
def test_conv2d_with_everything_at_once(student, reference, inputs, seed):
    """Bias, stride, padding and dilation together, with the gradients of all three tensors."""
    _assert_convolves(student, reference, *inputs)
    _assert_differentiates(student, reference, inputs, seed)


def _assert_differentiates(student, reference, inputs, seed):
    x, weight, bias, *options = inputs
    sides = zip(x.shape[2:], weight.shape[2:], *map(_two, options), strict=True)
    cotangent = ts.build((x.shape[0], weight.shape[0], *(_steps(*side) for side in sides)), seed=seed, dtype=x.dtype)
    terms = [
        norm(cotangent) * norm(weight),
        norm(cotangent) * norm(x),
        norm(cotangent) * cotangent[:, 0].numel() ** 0.5,
    ]
    wrt = (0, 1) if bias is None else (0, 1, 2)
    assert_gradients(student.conv2d, reference.conv2d, *inputs, wrt=wrt, cotangents=[cotangent], terms=terms)


@question("conv2d", points=0.1, depends_on=SIZES)
@given(inputs=_images(**PLAIN), down=st.integers(0, 2), right=st.integers(0, 2))
@settings(max_examples=20)
def test_conv2d_moves_with_the_image(student, reference, inputs, down, right):
    """Moving the image moves the result by as much: a convolution is equivariant, not invariant."""
    x, weight = inputs[:2]
    n, c, height, width = x.shape
    before, after = (x.new_zeros(n, c, 4 + height, 4 + width) for _ in range(2))
    before[:, :, :height, :width] = x
    after[:, :, down : down + height, right : right + width] = x
    moved = student.conv2d(after, weight)
    expected, terms = reference.conv2d(*double([before, weight])), norm(x) * norm(weight)
    rows, columns = expected.shape[2] - down, expected.shape[3] - right
    assert_matches(moved[:, :, down:, right:], expected[:, :, :rows, :columns], dtype=x.dtype, terms=terms)


@question("conv2d", points=0.15, depends_on=SIZES)
@given(seed=ts.seeds())
@settings(max_examples=2)
def test_conv2d_has_no_loop_over_images(student, seed):
    """As many tensor operations for many images as for a few."""
    weight, few = ts.build((2, 2, 2, 2), seed=seed), ts.build((8, 2, 6, 6), seed=seed)
    single = student.conv2d.traced(few[:1], weight)
    # On the CPU F.unfold and F.fold run four operations for every image by themselves, and batched products without
    # MKL as well: a small part of what an image by itself costs. A loop over images pays nearly all of it again.
    by_themselves = {"aten::im2col", "aten::col2im"}.intersection(
        single.events
    ) or not torch.backends.mkl.is_available()
    room = max(9, single.operations // 6) if by_themselves else 2
    _assert_few_operations(student.conv2d, (few, weight), (few.repeat(8, 1, 1, 1), weight), extra=56 * room)


@question("conv2d", points=0.15, depends_on=SIZES)
@given(seed=ts.seeds())
@settings(max_examples=2)
def test_conv2d_has_no_loop_over_pixels(student, seed):
    """As many tensor operations for large images as for small ones."""
    weight, small = ts.build((2, 2, 2, 2), seed=seed), ts.build((1, 2, 6, 6), seed=seed)
    narrow, wide = small.repeat(1, 1, 1, 6), small.repeat(1, 1, 1, 12)
    try:
        _assert_few_operations(student.conv2d, (narrow, weight), (wide, weight))
    except Mismatch:  # a loop over columns alone, or over rows alone, is none over pixels
        _assert_few_operations(student.conv2d, (narrow.mT, weight), (wide.mT, weight))


def _assert_few_operations(function, small, large, extra=0):
    """As ``assert_vectorised``, with room for what the library does by itself."""
    before, after = function.traced(*small).operations, function.traced(*large).operations
    if after > before + max(8, before // 4) + extra:
        problem = (
            f"{function.name} runs {before} tensor operations on small inputs and {after} on larger ones: it loops"
        )
        raise Mismatch(problem, expected=f"about {before} operations", got=f"{after} operations")


@question("conv2d", points=0.2, depends_on=SIZES)
@given(inputs=_images(pairs=False), more=st.integers(1, 2), swap=st.booleans())
@settings(max_examples=20)
def test_conv2d_refuses_channels_that_do_not_match(student, inputs, more, swap):
    """Images and weights with different numbers of channels, one of them 1 or not, are a ValueError."""
    x, weight, *rest = inputs
    more_x, more_weight = (more, 0) if swap else (0, more)
    channels = x.shape[1]
    for fewer in (channels, 1):
        wrong_x = torch.ones(x.shape[0], fewer + more_x, *x.shape[2:])
        wrong_weight = torch.ones(weight.shape[0], fewer + more_weight, *weight.shape[2:])
        assert_raises(student.conv2d, wrong_x, wrong_weight, *rest, names=("channel", "weight", "c_in", "shape", "x "))


@question("conv2d", points=0.1, depends_on=SIZES)
@given(inputs=_images(), bad=BAD, form=st.sampled_from(("first", "second", "int")), order=st.permutations(range(3)))
@settings(max_examples=20)
def test_conv2d_refuses_bad_numbers(student, inputs, bad, form, order):
    """A stride or dilation below 1 or a padding below 0, in either dimension, is a ValueError that names it."""
    _, weight, bias, *_ = inputs
    x = torch.ones(2, weight.shape[1], 9, 9)
    for name in (("stride", "padding", "dilation")[place] for place in order):
        number = bad - 1 if name == "padding" else bad
        value = {"first": (number, 1), "second": [1, number], "int": number}[form]
        assert_raises(student.conv2d, x, weight, bias, **{name: value}, names=(name,))


@question("conv2d", points=0.1, depends_on=SIZES)
@given(inputs=_images(paddings=NONE), room=st.integers(0, 3), high=st.booleans(), padding=st.integers(0, 1))
@settings(max_examples=20)
def test_conv2d_refuses_a_kernel_that_does_not_fit(student, inputs, room, high, padding):
    """A dilated kernel that does not fit in one dimension, or an image without pixels, is a ValueError."""
    _, weight, bias, stride, *_ = inputs
    x = torch.ones(2, weight.shape[1], 5, 5)
    tall = (7 + room, 1) if high else (1, 7 + room)
    assert_raises(student.conv2d, x, weight.new_ones(*weight.shape[:2], *tall), bias, stride, 0, names=MISFIT)
    short, far = ((2, 1) if high else (1, 2)), 5 + 2 * padding + room
    dilated = weight.new_ones(*weight.shape[:2], *short)
    assert_raises(student.conv2d, x, dilated, bias, stride, padding, far, names=MISFIT)
    nothing = x[:, :, :0] if high else x[:, :, :, :0]
    assert_raises(student.conv2d, nothing, dilated, bias, 1, 3)


# ------------------------------------------------------------------------------------ trace_network

WINDOWS = ("conv_output_size", "conv2d_output_shape", "conv2d_parameter_count")


class _Plan:
    """Draws the layers of a network that fit each other."""

    def __init__(self, draw, *, pairs=False):
        self.draw, self.pairs = draw, pairs
        self.layers, self.input_shape = [], (draw(SMALL), *(draw(st.integers(6, 24)) for _ in range(2)))
        self.sides = list(self.input_shape[1:])

    def window(self, kind, **options):
        """A convolution or pooling with these options; the kernel is drawn where it is not among them."""
        values = st.integers(1, min(3, *self.sides))
        drawn = (
            {} if "kernel_size" in options else {"kernel_size": self.draw(_either(values) if self.pairs else values)}
        )
        layer = {"type": kind} | drawn | options
        if kind == "conv":
            layer["out_channels"] = self.draw(st.integers(1, 12))
        kernel = layer["kernel_size"]
        strides = _two(layer.get("stride", 1 if kind == "conv" else kernel))
        rest = (_two(layer.get(name, default)) for name, default in (("padding", 0), ("dilation", 1)))
        sides = [_steps(*side) for side in zip(self.sides, _two(kernel), strides, *rest, strict=True)]
        if min(sides) >= 1:
            self.sides = sides
            self.layers.append(layer)

    def plain(self, *kinds):
        """Layers without arguments."""
        self.layers += [{"type": kind} for kind in kinds]

    def head(self):
        """A flatten layer and one to three linear layers with a ReLU between them."""
        self.plain("flatten")
        for _ in range(self.draw(st.integers(1, 3))):
            self.layers.append({"type": "linear", "out_features": self.draw(st.integers(1, 50))})
            self.plain("relu")

    @property
    def network(self):
        return [self.layers, self.input_shape]


@st.composite
def _plain_networks(draw):
    """Convolutions, ReLUs, max pooling with its stride given and nothing left over, linear layers."""
    plan = _Plan(draw)
    for _ in range(draw(st.integers(1, 3))):
        plan.window("conv")
        plan.plain("relu")
        kernel = draw(st.integers(1, min(2, *plan.sides)))
        exact = all((side - kernel) % 2 == 0 for side in plan.sides)
        plan.window("max_pool", kernel_size=kernel, stride=draw(st.integers(1, 2)) if exact else 1)
    plan.head()
    return plan.network


@st.composite
def _pooled_networks(draw):
    """Pooling of both kinds with the default stride, some without overlap and some with entries left over."""
    plan = _Plan(draw, pairs=draw(st.booleans()))
    for _ in range(draw(st.integers(1, 3))):
        plan.window("conv")
        plan.window(draw(st.sampled_from(("max_pool", "avg_pool"))))
    return plan.network


@st.composite
def _normalized_networks(draw):
    """Every layer that leaves the image's size alone, or takes it away."""
    plan = _Plan(draw)
    for _ in range(draw(st.integers(1, 2))):
        plan.window("conv")
        plan.plain(*draw(st.permutations(("batch_norm", "relu", "dropout", "softmax"))))
    plan.plain("global_avg_pool")
    plan.layers.append({"type": "linear", "out_features": draw(st.integers(1, 20))})
    plan.plain("batch_norm", "softmax")
    return plan.network


@st.composite
def _detailed_networks(draw):
    """Strides, paddings and dilations, ints and pairs."""
    plan = _Plan(draw, pairs=True)
    for kind in draw(st.lists(st.sampled_from(("conv", "max_pool", "avg_pool")), min_size=1, max_size=4)):
        values = {"stride": st.integers(1, 2), "padding": st.integers(0, 1), "dilation": st.integers(1, 2)}
        names = draw(st.lists(st.sampled_from(tuple(values)), unique=True))
        plan.window(kind, **{name: draw(_either(values[name])) for name in names})
    return plan.network


def _assert_traces(student, reference, network):
    assert_matches(student.trace_network(*network), reference.trace_network(*network))


@question("trace_network", points=1.0, gate=True, depends_on=WINDOWS)
@given(network=_plain_networks())
@settings(max_examples=40)
def test_trace_network_of_convolutions_and_linear_layers(student, reference, network):
    """Shapes and parameters of networks of convolutions, ReLUs, max pooling and linear layers."""
    _assert_traces(student, reference, network)


@question("trace_network", points=0.35, depends_on=WINDOWS)
@given(network=_pooled_networks())
@settings(max_examples=40)
def test_trace_network_pools_without_overlap(student, reference, network):
    """Pooling of either kind steps by its own kernel size unless told otherwise."""
    _assert_traces(student, reference, network)


@question("trace_network", points=0.35, depends_on=WINDOWS)
@given(network=_normalized_networks())
@settings(max_examples=30)
def test_trace_network_with_batch_norm_and_global_pooling(student, reference, network):
    """Batch normalization trains 2 C parameters, dropout and softmax none; global pooling leaves C numbers."""
    _assert_traces(student, reference, network)


@question("trace_network", points=0.3, depends_on=WINDOWS)
@given(network=_detailed_networks())
@settings(max_examples=40)
def test_trace_network_with_strides_paddings_and_pairs(student, reference, network):
    """Stride, padding and dilation of single layers, as ints or pairs."""
    _assert_traces(student, reference, network)


def _dense(*sizes):
    layers = [layer for size in sizes for layer in ({"type": "linear", "out_features": size}, {"type": "relu"})]
    return [{"type": "flatten"}, *layers[:-1], {"type": "softmax"}]


def _conv(channels, kernel, *between):
    layer = {"type": "conv", "out_channels": channels, "kernel_size": kernel, "padding": 1 if kernel == 3 else 0}
    return [layer, *({"type": kind} for kind in between), {"type": "relu"}]


def _slides():
    """The networks of the slides: MNIST's, and the three for CIFAR."""
    pool, dropout = {"type": "max_pool", "kernel_size": 2}, {"type": "dropout", "p": 0.05}
    wide = [
        layer
        for first, second in ((32, 64), (128, 128), (256, 256))
        for layer in (*_conv(first, 3, "batch_norm"), *_conv(second, 3), pool)
    ]
    narrow = [*_conv(6, 5), pool, *_conv(16, 5), pool]
    yield _dense(64, 32, 10), (784,)
    yield _dense(1024, 256, 64, 10), (3, 32, 32)
    yield [*narrow, *_dense(120, 84, 10)], (3, 32, 32)
    yield [*wide, dropout, *_dense(1024, 512, 10)], (3, 32, 32)


@question("trace_network", points=0.2, depends_on=WINDOWS)
def test_trace_network_of_the_slides(student, reference):
    """The four networks of the slides, with 52,650, 3,426,250, 62,006 and 5,852,170 parameters."""
    for network in _slides():
        _assert_traces(student, reference, network)


@question("trace_network", points=0.2, depends_on=WINDOWS)
@given(network=_plain_networks())
@settings(max_examples=6)
def test_trace_network_refuses_unknown_types_and_missing_arguments(student, network):
    """An unknown type, or an argument that a layer lacks, is a ValueError that names it."""
    layers, shape = network
    for name in ("convolution", "pool", "maxpool", "dense", "Conv", "MAX_POOL", "Linear", ""):
        unknown = {"type": name, "out_channels": 2, "kernel_size": 1, "out_features": 3}
        for wrong in ([unknown, *layers], [*layers, unknown]):
            assert_raises(student.trace_network, wrong, shape, names=("type", name or "''", "layer"))
    for kind, argument in (("conv", "out_channels"), ("conv", "kernel_size"), ("max_pool", "kernel_size"),
                           ("avg_pool", "kernel_size"), ("linear", "out_features")):  # fmt: skip
        layer = {"type": kind, "out_channels": 2, "kernel_size": 1, "out_features": 3}
        del layer[argument]
        start = [{"type": "flatten"}] if kind == "linear" else []
        assert_raises(student.trace_network, [*start, layer, *layers], shape, names=_called(argument))


@question("trace_network", points=0.3, depends_on=WINDOWS)
@given(network=_pooled_networks(), flat=st.sampled_from(("flatten", "global_avg_pool")), high=st.booleans())
@settings(max_examples=20)
def test_trace_network_refuses_layers_that_do_not_fit(student, network, flat, high):
    """A linear layer on an image, an image layer on a vector, a kernel larger than the image: ValueErrors."""
    layers, shape = network
    linear = {"type": "linear", "out_features": 3}
    assert_raises(student.trace_network, [*layers, linear], shape)
    assert_raises(student.trace_network, [linear], (shape[0], 1, 1))  # a single pixel is an image still
    for kind in ("conv", "max_pool", "avg_pool", "global_avg_pool"):
        layer = {"type": kind, "kernel_size": 1, "out_channels": 2}
        assert_raises(student.trace_network, [*layers, {"type": flat}, layer], shape)
    large = (25, 1) if high else (1, 25)
    for kind in ("conv", "max_pool", "avg_pool"):
        layer = {"type": kind, "kernel_size": large, "out_channels": 2}
        assert_raises(student.trace_network, [*layers, layer], shape)


@question("trace_network", points=0.05, depends_on=WINDOWS)
@given(network=_pooled_networks(), bad=BAD, high=st.booleans(), name=st.sampled_from(("stride", "padding", "dilation")))
@settings(max_examples=20)
def test_trace_network_refuses_bad_numbers(student, network, bad, high, name):
    """A number in a convolution that conv_output_size refuses is a ValueError here too."""
    number = bad - 1 if name == "padding" else bad
    conv = {"type": "conv", "out_channels": 3, "kernel_size": 1, name: (number, 1) if high else [1, number]}
    assert_raises(student.trace_network, [conv, *network[0]], network[1])


@question("trace_network", points=0.1, depends_on=WINDOWS)
@given(
    features=st.integers(1, 900),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=3),
    between=st.lists(st.sampled_from(("flatten", "batch_norm", "relu", "dropout", "softmax")), unique=True, max_size=3),
)
@settings(max_examples=30)
def test_trace_network_of_vectors(student, reference, features, sizes, between):
    """The input may be a vector; flatten and the activations leave a vector as it is, and it can be normalized."""
    layers = [{"type": kind} for kind in between]
    for size in sizes:
        layers += [{"type": "linear", "out_features": size}, *({"type": kind} for kind in reversed(between))]
    _assert_traces(student, reference, [layers, (features,)])


# What a layer of torch takes besides, and needs for no shape.
_FURTHER = {
    "relu": {"inplace": True},
    "dropout": {"p": 0.05},
    "softmax": {"dim": -1},
    "batch_norm": {"eps": 1e-3, "momentum": 0.1},
    "flatten": {"start_dim": 1},
}


@question("trace_network", points=0.05, depends_on=WINDOWS)
@given(network=st.one_of(_plain_networks(), _normalized_networks()))
@settings(max_examples=20)
def test_trace_network_does_not_mind_how_a_dict_is_written(student, reference, network):
    """The entries of a dict stand in any order, and those that a layer does not need do not matter."""
    layers, shape = network
    written = [dict(reversed((layer | _FURTHER.get(layer["type"], {})).items())) for layer in layers]
    assert_matches(student.trace_network(layers=written, input_shape=shape), reference.trace_network(*network))


@question("trace_network", points=0.1, depends_on=WINDOWS)
@given(network=st.one_of(_plain_networks(), _pooled_networks()))
@settings(max_examples=20)
def test_trace_network_leaves_the_layers_alone(student, reference, network):
    """The dicts of the layers stay as they were, and no layers give an empty list."""
    answer = student.trace_network.after(*network)
    assert_matches(answer.value, reference.trace_network(*network))
    if answer.after[0][0] != network[0]:
        raise Mismatch("trace_network changes its list of layers, or the dicts in it, in place")
    assert_matches(student.trace_network([], network[1]), [])
