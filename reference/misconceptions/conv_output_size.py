"""Wrong answers on convolutions: what students write on the way to a right one, with the sentence to read then."""

from __future__ import annotations

import math
from itertools import product

import torch
import torch.nn.functional as F

from autograder.testing import misconception
from reference import conv_output_size as right


def _pair(value):
    return tuple(value) if isinstance(value, tuple | list) else (value, value)


def _positions(size, kernel, stride, padding, dilation):
    """The checks of the contract, then the two lengths that the formula is made of."""
    right.conv_output_size(size, kernel, stride, padding, dilation)
    return size + 2 * padding, dilation * (kernel - 1) + 1


# -------------------------------------------------------------------------------- conv_output_size


@misconception(
    "conv_output_size", hint="A ValueError should say which argument is wrong: put its name into the message."
)
def raises_without_a_name(size, kernel, stride=1, padding=0, dilation=1):
    try:
        return right.conv_output_size(size, kernel, stride, padding, dilation)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv_output_size", hint="A kernel as large as the input has one position, not none: what is added last?"
)
def forgets_the_first_position(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return (room - reach) // stride


@misconception(
    "conv_output_size", hint="A size is a whole number: look at what / gives, and at the brackets in Boudart's formula."
)
def divides_without_floor(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return (room - reach) / stride + 1


@misconception(
    "conv_output_size", hint="A last step that does not fit gives no output: round down, not to the nearest."
)
def rounds_to_the_nearest(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return round((room - reach) / stride + 1)


@misconception("conv_output_size", hint="A last step that does not fit gives no output: round down, not up.")
def rounds_up(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return math.ceil((room - reach) / stride) + 1


@misconception("conv_output_size", hint="How many ends does the input have? Padding is added at each of them.")
def pads_one_end(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return max(1, (room - padding - reach) // stride + 1)


@misconception("conv_output_size", hint="The dilation never enters: how many entries does a dilated kernel cover?")
def forgets_the_dilation(size, kernel, stride=1, padding=0, dilation=1):
    room, _ = _positions(size, kernel, stride, padding, dilation)
    return (room - kernel) // stride + 1


@misconception("conv_output_size", hint="Draw a kernel of 3 with dilation 2: how many gaps lie between 3 weights?")
def dilates_one_gap_too_many(size, kernel, stride=1, padding=0, dilation=1):
    room, _ = _positions(size, kernel, stride, padding, dilation)
    return max(1, (room - dilation * kernel) // stride + 1)


@misconception(
    "conv_output_size", hint="Look at what the division covers: the 1 for the first position stands outside it."
)
def divides_the_first_position_too(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return (room - reach + 1) // stride


@misconception("conv_output_size", hint="The arguments are never checked: list what the contract calls a ValueError.")
def checks_nothing(size, kernel, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // (stride or 1) + 1


@misconception(
    "conv_output_size",
    hint="An assert raises AssertionError; the contract asks for a ValueError that names the argument.",
)
def asserts_instead_of_raising(size, kernel, stride=1, padding=0, dilation=1):
    assert min(size, kernel, stride, dilation) >= 1, "sizes are at least 1"  # noqa: S101 - this is the mistake
    assert padding >= 0, "padding is at least 0"  # noqa: S101
    assert dilation * (kernel - 1) < size + 2 * padding, "kernel too large"  # noqa: S101
    return right.conv_output_size(size, kernel, stride, padding, dilation)


@misconception("conv_output_size", hint="A kernel exactly as large as the padded input still fits, once.")
def refuses_a_kernel_that_fills_the_input(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    if reach >= room:
        raise ValueError("kernel is larger than the padded input")
    return (room - reach) // stride + 1


@misconception(
    "conv_output_size",
    hint="Whether a kernel fits depends on what it covers when dilated, not on its number of weights.",
)
def compares_the_kernel_before_dilation(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size + dilation * kernel, kernel, stride, padding, dilation)
    if size < 1 or kernel > size + 2 * padding:
        raise ValueError(f"size={size} or kernel={kernel} does not fit")
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception("conv_output_size", hint="Padding makes room as well: compare the kernel with the padded input.")
def compares_the_kernel_with_the_bare_input(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    if reach > size:
        raise ValueError(f"kernel={kernel} is larger than the input")
    return (room - reach) // stride + 1


@misconception(
    "conv_output_size", hint="int() cuts towards zero, so a kernel that is a little too large seems to fit once."
)
def cuts_towards_zero(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size + dilation * kernel + stride, kernel, stride, padding, dilation)
    result = int((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
    if size < 1 or result < 1:
        raise ValueError(f"size={size} or kernel={kernel} does not fit")
    return result


# ---------------------------------------------------------------------- conv_transpose_output_size


def _transposed(size, kernel, stride, padding, output_padding, dilation):
    right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1


@misconception(
    "conv_transpose_output_size", hint="The first entry needs no step: how many steps lie between size entries?"
)
def steps_once_too_often(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + stride + output_padding


@misconception(
    "conv_transpose_output_size",
    hint="This is the size of an ordinary convolution; the transposed one goes the other way.",
)
def takes_the_size_of_a_convolution(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    _transposed(size, kernel, stride, padding, output_padding, dilation)
    return max(1, (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1) + output_padding


@misconception(
    "conv_transpose_output_size", hint="Padding made the input of the convolution larger; going back, it is taken off."
)
def adds_the_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + 4 * padding + output_padding


@misconception("conv_transpose_output_size", hint="output_padding never enters: it is added at one end of the result.")
def forgets_the_output_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation)


@misconception("conv_transpose_output_size", hint="Unlike padding, output_padding is added at one end only.")
def adds_the_output_padding_at_both_ends(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + 2 * output_padding


@misconception(
    "conv_transpose_output_size", hint="The dilation never enters: how many entries does a dilated kernel cover?"
)
def forgets_to_dilate(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + kernel + output_padding


@misconception(
    "conv_transpose_output_size",
    hint="Several sizes lead to the same output: no formula can tell which it was, output_padding does.",
)
def takes_it_for_the_inverse(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + stride - 1


@misconception(
    "conv_transpose_output_size",
    hint="output_padding must be below the larger of stride and dilation, not below the stride alone.",
)
def compares_output_padding_with_the_stride(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if output_padding >= stride:
        raise ValueError("output_padding must be below the stride")
    return result


@misconception(
    "conv_transpose_output_size", hint="An output_padding as large as stride and dilation is refused: see the contract."
)
def takes_any_output_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding < 0:
        raise ValueError(f"output_padding={output_padding}")
    return right.conv_transpose_output_size(size, kernel, stride, padding, 0, dilation) + output_padding


@misconception(
    "conv_transpose_output_size", hint="A result of 0 is no image either: which results does the contract refuse?"
)
def returns_empty_results(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size + 2 * padding + 1, kernel, stride, padding, output_padding, dilation)
    if size < 1:
        raise ValueError(f"size={size}")
    return max(0, (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1)


# ----------------------------------------------------------------------------- conv2d_output_shape


@misconception("conv2d_output_shape", hint="Try an image that is higher than wide: are both sides computed?")
def computes_one_side_for_both(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, c, h, _ = right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return n, c, h, h


@misconception("conv2d_output_shape", hint="Pairs are (h, w), in the order of the dimensions of the image.")
def reads_pairs_as_width_and_height(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    pairs = [_pair(value)[::-1] for value in (kernel_size, stride, padding, dilation)]
    return right.conv2d_output_shape(input_shape, out_channels, *pairs)


@misconception(
    "conv2d_output_shape", hint="The result has as many channels as there are kernels, not as many as the input."
)
def keeps_the_channels_of_the_input(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, _, h, w = right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return n, input_shape[1], h, w


@misconception("conv2d_output_shape", hint="The batch dimension comes first, in the result as in the input.")
def drops_the_batch(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)[1:]


@misconception("conv2d_output_shape", hint="Is the dilation handed on to both dimensions?")
def does_not_pass_the_dilation_on(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding)


@misconception("conv2d_output_shape", hint="A pair may be a list as well as a tuple: how do you tell it from an int?")
def takes_only_tuples_for_pairs(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    pairs = [
        value if isinstance(value, tuple) else (value, value) for value in (kernel_size, stride, padding, dilation)
    ]
    return right.conv2d_output_shape(input_shape, out_channels, *pairs)


@misconception("conv2d_output_shape", hint="The other arguments are checked; what about the number of output channels?")
def does_not_check_the_output_channels(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(input_shape, max(1, out_channels), kernel_size, stride, padding, dilation)
    return shape[0], out_channels, *shape[2:]


@misconception("conv2d_output_shape", hint="An image without rows or columns is none, however wide its frame.")
def takes_the_frame_for_an_image(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, channels, *sides = input_shape
    (p_h, p_w), (h, w) = _pair(padding), sides
    right.conv2d_output_shape((n, channels, 100, 100), out_channels, 1, stride, padding, dilation)
    return right.conv2d_output_shape(
        (n, channels, h + 2 * p_h, w + 2 * p_w), out_channels, kernel_size, stride, 0, dilation
    )


# -------------------------------------------------------------------------- conv2d_parameter_count


@misconception("conv2d_parameter_count", hint="Every output channel has one more parameter than its weights: which?")
def forgets_the_biases(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False)


@misconception(
    "conv2d_parameter_count", hint="A kernel is as deep as its input: it has weights for every input channel."
)
def gives_kernels_no_depth(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return right.conv2d_parameter_count(1, out_channels, kernel_size, bias=bias)


@misconception(
    "conv2d_parameter_count", hint="Count the biases again: one for every output channel, whatever comes in."
)
def counts_a_bias_for_every_slice(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    weights = right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False)
    return weights + in_channels * out_channels * bool(bias)


@misconception("conv2d_parameter_count", hint="The biases belong to the output channels, not to the input channels.")
def counts_biases_of_the_input(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False) + in_channels * bool(bias)


@misconception("conv2d_parameter_count", hint="A kernel need not be square: both numbers of the pair count.")
def squares_the_height(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return right.conv2d_parameter_count(in_channels, out_channels, _pair(kernel_size)[0], bias=bias)


@misconception("conv2d_parameter_count", hint="What should bias=False change?")
def always_counts_the_biases(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size)


@misconception(
    "conv2d_parameter_count", hint="The arguments are never checked: list what the contract calls a ValueError."
)
def counts_without_checking(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return out_channels * (in_channels * math.prod(_pair(kernel_size)) + bool(bias))


# ------------------------------------------------------------------------------------- conv_matrix


@misconception(
    "conv_matrix", hint="Compare a row with the one on Boudart's slide: networks slide the kernel as it is, unflipped."
)
def flips_the_kernel_of_the_matrix(kernel, input_shape):
    return right.conv_matrix(kernel.flip(0, 1), input_shape)


@misconception("conv_matrix", hint="One row per output pixel, one column per input pixel: look at the shape.")
def transposes_the_matrix(kernel, input_shape):
    return right.conv_matrix(kernel, input_shape).T.clone()


@misconception("conv_matrix", hint="flatten() goes through an image row by row: in which order do your rows of U come?")
def orders_the_rows_by_columns(kernel, input_shape):
    U = right.conv_matrix(kernel, input_shape)
    h, w = input_shape[0] - kernel.shape[0] + 1, input_shape[1] - kernel.shape[1] + 1
    return U.reshape(h, w, -1).transpose(0, 1).reshape(h * w, -1)


@misconception(
    "conv_matrix",
    hint="When the image is flattened, how far apart are two pixels of neighbouring rows? Try H different from W.",
)
def steps_by_the_height(kernel, input_shape):
    right.conv_matrix(kernel, input_shape)
    H, W = input_shape
    h, w = H - kernel.shape[0] + 1, W - kernel.shape[1] + 1
    U = kernel.new_zeros(h * w, H * W)
    for row, a, b in product(range(h * w), range(kernel.shape[0]), range(kernel.shape[1])):
        U[row, ((row // w + a) * H + row % w + b) % (H * W)] = kernel[a, b]
    return U


@misconception("conv_matrix", hint="Which dtype does torch.zeros give? The matrix should have that of the kernel.")
def always_gives_float32(kernel, input_shape):
    return right.conv_matrix(kernel, input_shape).float()


@misconception("conv_matrix", hint="Copying numbers out of the kernel cuts the graph: keep to tensor operations.")
def copies_numbers(kernel, input_shape):
    return right.conv_matrix(kernel, input_shape).detach().clone()


@misconception(
    "conv_matrix", hint="Where the kernel fills the image you return its own memory, and writing into U changes it."
)
def returns_a_view_of_the_kernel(kernel, input_shape):
    if tuple(kernel.shape) == tuple(input_shape):
        return kernel.view(1, -1) if kernel.is_contiguous() else kernel.reshape(1, -1)
    return right.conv_matrix(kernel, input_shape)


@misconception(
    "conv_matrix", hint="A kernel that is larger than the input has no position: the contract asks for a ValueError."
)
def gives_an_empty_matrix(kernel, input_shape):
    H, W = input_shape
    h, w = H - kernel.shape[0] + 1, W - kernel.shape[1] + 1
    return right.conv_matrix(kernel, input_shape) if min(h, w) >= 1 else kernel.new_zeros(max(0, h) * max(0, w), H * W)


# ------------------------------------------------------------------------------------------ conv2d


@misconception(
    "conv2d",
    hint="A loop over images or pixels is slow: for one weight, all output pixels can be computed at once.",
)
def loops_over_images(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return torch.cat([right.conv2d(image[None], weight, bias, stride, padding, dilation) for image in x])


@misconception(
    "conv2d", hint="Networks compute a cross-correlation: the kernel is laid on the image as it is, not flipped."
)
def flips_the_kernel(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight.flip(2, 3), bias, stride, padding, dilation)


@misconception("conv2d", hint="All indices count from 0: the first pixel of the image is missing from your result.")
def counts_from_one(x, weight, bias=None, stride=1, padding=0, dilation=1):
    moved = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))
    return right.conv2d(moved, weight, bias, stride, padding, dilation)


@misconception("conv2d", hint="Every output channel sums over all input channels: where do the others go?")
def reads_only_the_first_channel(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x[:, :1], weight[:, :1], bias, stride, padding, dilation)


@misconception("conv2d", hint="A convolution sums over the input channels; it does not average.")
def averages_over_the_channels(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight / x.shape[1], bias, stride, padding, dilation)


@misconception("conv2d", hint="The bias is never added.")
def forgets_the_bias(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight, None if bias is None else 0 * bias, stride, padding, dilation)


@misconception("conv2d", hint="The bias is added once per output, not once for each term of the sum.")
def adds_the_bias_for_every_weight(x, weight, bias=None, stride=1, padding=0, dilation=1):
    times = weight.shape[2] * weight.shape[3]
    return right.conv2d(x, weight, None if bias is None else times * bias, stride, padding, dilation)


@misconception(
    "conv2d", hint="Which dimension of the result does the bias belong to? Broadcasting starts from the last one."
)
def adds_the_bias_along_the_width(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, None, stride, padding, dilation)
    return out if bias is None else out + bias.to(x.dtype)


@misconception("conv2d", hint="The stride never enters: how far does the kernel move from one output to the next?")
def ignores_the_stride(x, weight, bias=None, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    return right.conv2d(x, weight, bias, 1, padding, dilation)[:, :, : shape[2], : shape[3]]


@misconception("conv2d", hint="Two strides, one for rows and one for columns: do you use both?")
def strides_alike_in_both_dimensions(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x, weight, bias, _pair(stride)[0], padding, dilation)


@misconception("conv2d", hint="F.pad takes the last dimension first: which number pads the rows?")
def pads_columns_for_rows(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x, weight, bias, stride, _pair(padding)[::-1], dilation)


@misconception("conv2d", hint="The frame around the image is made of zeros; yours repeats the border.")
def repeats_the_border(x, weight, bias=None, stride=1, padding=0, dilation=1):
    p_h, p_w = _pair(padding)
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(F.pad(x, (p_w, p_w, p_h, p_h), mode="replicate"), weight, bias, stride, 0, dilation)


@misconception("conv2d", hint="The dilation never enters: it spreads the weights over the image.")
def ignores_the_dilation(x, weight, bias=None, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    return right.conv2d(x, weight, bias, stride, padding)[:, :, : shape[2], : shape[3]]


@misconception("conv2d", hint="The result should have the dtype of x, whatever that of the weights.")
def takes_the_dtype_of_the_weight(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x.to(weight.dtype), weight, bias, stride, padding, dilation)


@misconception("conv2d", hint="No gradient reaches the inputs: where is the graph cut?")
def detaches_the_result(x, weight, bias=None, stride=1, padding=0, dilation=1):
    with torch.no_grad():
        return right.conv2d(x, weight, bias, stride, padding, dilation)


@misconception("conv2d", hint="The frame around the image is filled outside the graph: x.data carries no gradient.")
def frames_the_image_without_a_graph(x, weight, bias=None, stride=1, padding=0, dilation=1):
    framed = x.data if max(_pair(padding)) > 0 else x
    return right.conv2d(framed, weight, bias, stride, padding, dilation)


@misconception("conv2d", hint="Broadcasting hides channels that do not match: compare the two numbers yourself.")
def broadcasts_the_channels(x, weight, bias=None, stride=1, padding=0, dilation=1):
    channels = max(x.shape[1], weight.shape[1])
    wide = x.expand(-1, channels, -1, -1) if x.shape[1] == 1 else x
    deep = weight.expand(-1, channels, -1, -1) if weight.shape[1] == 1 else weight
    return right.conv2d(wide, deep, bias, stride, padding, dilation)


@misconception(
    "conv2d", hint="x changes during the call: an operation that ends in _ or an assignment into x works in place."
)
def works_in_place(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, bias, stride, padding, dilation)
    if not x.requires_grad:
        x.mul_(2)
    return out


# ----------------------------------------------------------------------------------- trace_network


def _traced(layers, input_shape, change):
    """The right answer, each entry replaced by ``change(layer, shape before, shape after, count)``."""
    shape, traced = tuple(input_shape), []
    for layer in layers:
        [(after, count)] = right.trace_network([layer], shape)
        after, count = change(layer, shape, after, count)
        traced.append((after, count))
        shape = after
    return traced


@misconception(
    "trace_network", hint="The running mean and variance are not trained by gradients: they are no parameters here."
)
def counts_running_statistics(layers, input_shape):
    return _traced(layers, input_shape, lambda layer, _, a, n: (a, 2 * n if layer.get("type") == "batch_norm" else n))


@misconception(
    "trace_network",
    hint="Batch normalization has a scale and a shift for each channel, whatever the size of the image.",
)
def normalizes_every_pixel(layers, input_shape):
    return _traced(
        layers, input_shape, lambda layer, _, a, n: (a, 2 * math.prod(a) if layer.get("type") == "batch_norm" else n)
    )


@misconception(
    "trace_network", hint="Batch normalization is trained as well: it has a scale and a shift for each channel."
)
def takes_batch_norm_for_an_activation(layers, input_shape):
    return _traced(layers, input_shape, lambda layer, _, a, n: (a, 0 if layer.get("type") == "batch_norm" else n))


@misconception("trace_network", hint="Without a stride of its own, pooling moves by its whole window, not by 1.")
def pools_at_every_pixel(layers, input_shape):
    pools = ("max_pool", "avg_pool")
    return right.trace_network(
        [{"stride": 1, **layer} if layer.get("type") in pools else layer for layer in layers], input_shape
    )


@misconception("trace_network", hint="Pooling rounds down as a convolution does: entries left over are dropped.")
def pools_what_is_left_over(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") not in ("max_pool", "avg_pool"):
            return after, count
        windows = (_pair(layer.get(name, default)) for name, default in (
            ("kernel_size", 1), ("stride", layer["kernel_size"]), ("padding", 0), ("dilation", 1)))  # fmt: skip
        sides = zip(before[1:], *windows, strict=True)
        return (after[0], *(-(-(n + 2 * p - d * (k - 1) - 1) // s) + 1 for n, k, s, p, d in sides)), count

    return _traced(layers, input_shape, change)


@misconception("trace_network", hint="A linear layer has one bias per output feature besides its weights.")
def forgets_the_biases_of_linear_layers(layers, input_shape):
    def change(layer, before, after, count):
        return after, math.prod(before) * after[0] if layer.get("type") == "linear" else count

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network",
    hint="A linear layer takes a vector: on an image it is a ValueError until a flatten layer comes before it.",
)
def flattens_by_itself(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        if layer.get("type") == "linear":
            shape = (math.prod(shape),)
        traced += right.trace_network([layer], shape)
        shape = traced[-1][0]
    return traced


@misconception(
    "trace_network", hint="Global average pooling leaves one number per channel: a vector (C,), not an image."
)
def keeps_an_image_of_one_pixel(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        if layer.get("type") == "linear" and shape[1:] == (1, 1):
            shape = shape[:1]
        traced += right.trace_network([layer], shape)
        if layer.get("type") == "global_avg_pool":
            traced[-1] = ((*traced[-1][0], 1, 1), 0)
        shape = traced[-1][0]
    return traced


@misconception("trace_network", hint="Each layer gets its own count; yours adds those of the layers before.")
def adds_the_counts_up(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    return [(shape, sum(count for _, count in traced[: index + 1])) for index, (shape, _) in enumerate(traced)]


@misconception(
    "trace_network", hint="How many channels does the second convolution see? Not those of the network's input."
)
def remembers_the_first_channels(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") != "conv":
            return after, count
        return after, right.conv2d_parameter_count(input_shape[0], layer["out_channels"], layer["kernel_size"])

    return _traced(layers, input_shape, change)


def _without(name):
    """A right tracer, to which a convolution's argument ``name`` is unknown."""

    def trace(layers, input_shape):
        right.trace_network(layers, input_shape)
        return right.trace_network([{k: v for k, v in layer.items() if k != name} for layer in layers], input_shape)

    return trace


@misconception("trace_network", hint="The dilation of a layer is never read.")
def overlooks_the_dilation(layers, input_shape):
    return _without("dilation")(layers, input_shape)


@misconception("trace_network", hint="The padding of a layer is never read.")
def overlooks_the_padding(layers, input_shape):
    return _without("padding")(layers, input_shape)


@misconception("trace_network", hint="Shapes are without the batch, input and output alike.")
def puts_the_batch_in_front(layers, input_shape):
    return [((1, *shape), count) for shape, count in right.trace_network(layers, input_shape)]


@misconception(
    "trace_network",
    hint="A missing key of a dict raises KeyError; the contract asks for a ValueError that names the argument.",
)
def lets_keys_be_missing(layers, input_shape):
    for layer in layers:
        if layer.get("type") == "conv":
            _ = layer["out_channels"], layer["kernel_size"]
        elif layer.get("type") in ("max_pool", "avg_pool"):
            _ = layer["kernel_size"]
        elif layer.get("type") == "linear":
            _ = layer["out_features"]
    return right.trace_network(layers, input_shape)


@misconception("trace_network", hint="A type nobody knows is a ValueError; yours passes it through like an activation.")
def passes_unknown_types_through(layers, input_shape):
    known = {"conv", "linear", "max_pool", "avg_pool", "batch_norm", "flatten", "global_avg_pool"}
    return right.trace_network(
        [layer if layer.get("type") in known else {"type": "relu"} for layer in layers], input_shape
    )


@misconception(
    "trace_network", hint="The dicts belong to the caller: after the call they lack what you took out with pop."
)
def takes_the_dicts_apart(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    for layer in layers:
        layer.pop("type")
    return traced


@misconception("trace_network", hint="The dicts belong to the caller: filling in a default changes them.")
def fills_in_the_default_stride(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    for layer in layers:
        if layer["type"] in ("max_pool", "avg_pool"):
            layer.setdefault("stride", layer["kernel_size"])
    return traced


@misconception("trace_network", hint="A pooling window can be dilated too: is its dilation read?")
def dilates_only_convolutions(layers, input_shape):
    right.trace_network(layers, input_shape)
    undilated = [layer if layer["type"] == "conv" else layer | {"dilation": 1} for layer in layers]
    return right.trace_network(undilated, input_shape)
