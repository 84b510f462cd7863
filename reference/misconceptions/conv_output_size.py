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
    "conv_output_size",
    hint="A ValueError should say which argument is wrong: put its name into the message.",
    breaks="names-the-argument",
)
def raises_without_a_name(size, kernel, stride=1, padding=0, dilation=1):
    try:
        return right.conv_output_size(size, kernel, stride, padding, dilation)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv_output_size",
    hint="A kernel as large as the input has one position, not none: what is added last?",
    breaks="first-position",
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
    "conv_output_size",
    hint="A last step that does not fit gives no output: round down, not to the nearest.",
    breaks="floor",
)
def rounds_to_the_nearest(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return round((room - reach) / stride + 1)


@misconception(
    "conv_output_size", hint="A last step that does not fit gives no output: round down, not up.", breaks="floor"
)
def rounds_up(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return math.ceil((room - reach) / stride) + 1


@misconception(
    "conv_output_size",
    hint="How many ends does the input have? Padding is added at each of them.",
    breaks="padding-at-both-ends",
)
def pads_one_end(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return max(1, (room - padding - reach) // stride + 1)


@misconception(
    "conv_output_size",
    hint="The dilation never enters: how many entries does a dilated kernel cover?",
    breaks="dilation",
)
def forgets_the_dilation(size, kernel, stride=1, padding=0, dilation=1):
    room, _ = _positions(size, kernel, stride, padding, dilation)
    return (room - kernel) // stride + 1


@misconception(
    "conv_output_size",
    hint="Draw a kernel of 3 with dilation 2: how many gaps lie between 3 weights?",
    breaks="dilation",
)
def dilates_one_gap_too_many(size, kernel, stride=1, padding=0, dilation=1):
    room, _ = _positions(size, kernel, stride, padding, dilation)
    return max(1, (room - dilation * kernel) // stride + 1)


@misconception(
    "conv_output_size", hint="Look at what the division covers: the 1 for the first position stands outside it."
)
def divides_the_first_position_too(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    return (room - reach + 1) // stride


@misconception("conv_output_size", hint="The arguments are never checked: the docstring lists what is a ValueError.")
def checks_nothing(size, kernel, stride=1, padding=0, dilation=1):
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // (stride or 1) + 1


@misconception(
    "conv_output_size",
    hint="An assert raises AssertionError; the docstring asks for a ValueError that names the argument.",
)
def asserts_instead_of_raising(size, kernel, stride=1, padding=0, dilation=1):
    assert min(size, kernel, stride, dilation) >= 1, "sizes are at least 1"  # noqa: S101 - this is the mistake
    assert padding >= 0, "padding is at least 0"  # noqa: S101
    assert dilation * (kernel - 1) < size + 2 * padding, "kernel too large"  # noqa: S101
    return right.conv_output_size(size, kernel, stride, padding, dilation)


@misconception(
    "conv_output_size", hint="A kernel exactly as large as the padded input still fits, once.", breaks="just-fits"
)
def refuses_a_kernel_that_fills_the_input(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    if reach >= room:
        raise ValueError("kernel is larger than the padded input")
    return (room - reach) // stride + 1


@misconception(
    "conv_output_size",
    hint="Whether a kernel fits depends on what it covers when dilated, not on its number of weights.",
    breaks="too-large-dilated",
)
def compares_the_kernel_before_dilation(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size + dilation * kernel, kernel, stride, padding, dilation)
    if size < 1 or kernel > size + 2 * padding:
        raise ValueError(f"size={size} or kernel={kernel} does not fit")
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception(
    "conv_output_size",
    hint="Padding makes room as well: compare the kernel with the padded input.",
    breaks="padding-makes-room",
)
def compares_the_kernel_with_the_bare_input(size, kernel, stride=1, padding=0, dilation=1):
    room, reach = _positions(size, kernel, stride, padding, dilation)
    if reach > size:
        raise ValueError(f"kernel={kernel} is larger than the input")
    return (room - reach) // stride + 1


@misconception(
    "conv_output_size",
    hint="int() cuts towards zero, so a kernel that is a little too large seems to fit once.",
    breaks="too-large",
)
def cuts_towards_zero(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size + dilation * kernel + stride, kernel, stride, padding, dilation)
    result = int((size + 2 * padding - dilation * (kernel - 1) - 1) / stride) + 1
    if size < 1 or result < 1:
        raise ValueError(f"size={size} or kernel={kernel} does not fit")
    return result


@misconception(
    "conv_output_size",
    hint="Padding is a frame, not an input: a size below 1 is refused, however much padding there is.",
    breaks="size-below-1",
)
def takes_the_frame_for_the_input(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(100, 1, stride, padding, dilation)
    return right.conv_output_size(size + 2 * padding, kernel, stride, 0, dilation)


@misconception("conv_output_size", hint="A kernel without weights is none: is kernel checked?", breaks="kernel-below-1")
def takes_any_kernel(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size, max(1, kernel), stride, padding, dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception(
    "conv_output_size",
    hint="With a stride of 0 the kernel never moves, and Python raises ZeroDivisionError: is stride checked?",
    breaks="stride-below-1",
)
def takes_any_stride(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size, kernel, max(1, stride), padding, dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception(
    "conv_output_size",
    hint="A dilation of 1 leaves no gap; what would less than that be? Check dilation too.",
    breaks="dilation-below-1",
)
def takes_any_dilation(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size, kernel, stride, padding, max(1, dilation))
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception(
    "conv_output_size",
    hint="A negative padding would cut entries off: it is refused, even where enough of them are left.",
    breaks="padding-below-0",
)
def takes_any_padding(size, kernel, stride=1, padding=0, dilation=1):
    right.conv_output_size(size, kernel, stride, max(0, padding), dilation)
    return (size + 2 * padding - dilation * (kernel - 1) - 1) // stride + 1


@misconception("conv_output_size", hint="No padding at all is the usual case: 0 is allowed for it.", breaks="padding-0")
def checks_the_padding_like_a_size(size, kernel, stride=1, padding=0, dilation=1):
    if padding < 1:
        raise ValueError(f"padding={padding} must be at least 1")
    return right.conv_output_size(size, kernel, stride, padding, dilation)


@misconception(
    "conv_output_size",
    hint="You refuse a padding that the formula can handle: it may be larger than the kernel.",
    breaks="any-padding",
)
def refuses_padding_beyond_half_the_kernel(size, kernel, stride=1, padding=0, dilation=1):
    result = right.conv_output_size(size, kernel, stride, padding, dilation)
    if padding > kernel // 2:
        raise ValueError(f"padding={padding} is more than half of kernel={kernel}")
    return result


@misconception(
    "conv_output_size",
    hint="A stride larger than the input is fine: the first position is there all the same.",
    breaks="any-stride",
)
def refuses_a_stride_beyond_the_input(size, kernel, stride=1, padding=0, dilation=1):
    result = right.conv_output_size(size, kernel, stride, padding, dilation)
    if stride > size + 2 * padding:
        raise ValueError(f"stride={stride} is larger than the input")
    return result


@misconception(
    "conv_output_size",
    hint="Gaps lie between weights: what does a large dilation do to a kernel of one weight?",
    breaks="any-dilation",
)
def refuses_a_dilation_beyond_the_input(size, kernel, stride=1, padding=0, dilation=1):
    result = right.conv_output_size(size, kernel, stride, padding, dilation)
    if dilation > size + 2 * padding:
        raise ValueError(f"dilation={dilation} is larger than the input")
    return result


# ---------------------------------------------------------------------- conv_transpose_output_size


def _transposed(size, kernel, stride, padding, output_padding, dilation):
    right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + 1


@misconception(
    "conv_transpose_output_size",
    hint="A ValueError should say which argument is wrong: put its name into the message.",
    breaks="names-the-argument",
)
def spreads_errors_without_a_name(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    try:
        return right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv_transpose_output_size",
    hint="The first entry needs no step: how many steps lie between size entries?",
    breaks="steps",
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
    "conv_transpose_output_size",
    hint="Padding made the input of the convolution larger; going back, it is taken off.",
    breaks="padding-taken-off",
)
def adds_the_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + 4 * padding + output_padding


@misconception(
    "conv_transpose_output_size",
    hint="output_padding never enters: it is added at one end of the result.",
    breaks="output-padding",
)
def forgets_the_output_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    hint="Unlike padding, output_padding is added at one end only.",
    breaks="output-padding-at-one-end",
)
def adds_the_output_padding_at_both_ends(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + 2 * output_padding


@misconception(
    "conv_transpose_output_size",
    hint="The dilation never enters: how many entries does a dilated kernel cover?",
    breaks="dilation",
)
def forgets_to_dilate(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + kernel + output_padding


@misconception(
    "conv_transpose_output_size",
    hint="Several sizes lead to the same output; without output_padding the smallest of them comes back.",
    breaks="no-inverse",
)
def takes_it_for_the_inverse(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + stride - 1


@misconception(
    "conv_transpose_output_size",
    hint="output_padding must be below the larger of stride and dilation, not below the stride alone.",
    breaks="output-padding-below-dilation",
)
def compares_output_padding_with_the_stride(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if output_padding >= stride:
        raise ValueError("output_padding must be below the stride")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="An output_padding as large as stride and dilation is refused: see the docstring.",
    breaks="output-padding-too-large",
)
def takes_any_output_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    most = max(stride, dilation) - 1
    result = right.conv_transpose_output_size(size, kernel, stride, padding, min(output_padding, most), dilation)
    return result + max(0, output_padding - most)


@misconception(
    "conv_transpose_output_size",
    hint="A result of 0 is nothing to compute with: which results does the docstring refuse?",
    breaks="result-of-0",
)
def returns_empty_results(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size + 2 * padding + 1, kernel, stride, padding, output_padding, dilation)
    if size < 1:
        raise ValueError(f"size={size}")
    return max(0, (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1)


@misconception(
    "conv_transpose_output_size",
    hint="The padding lay at both ends of the input, so it is taken off at both.",
    breaks="padding-at-both-ends",
)
def takes_the_padding_off_one_end(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    return _transposed(size, kernel, stride, padding, output_padding, dilation) + padding + output_padding


@misconception(
    "conv_transpose_output_size",
    hint="output_padding must be below the larger of stride and dilation, not below both of them.",
    breaks="output-padding-below-stride",
)
def compares_output_padding_with_the_smaller(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if output_padding >= dilation:
        raise ValueError("output_padding must be below the dilation")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="output_padding must stay below the larger of stride and dilation: being as large is too much.",
    breaks="output-padding-too-large",
)
def takes_an_output_padding_as_large_as_the_stride(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    if output_padding == max(stride, dilation) > 0:
        return right.conv_transpose_output_size(size, kernel, stride, padding, 0, dilation) + output_padding
    return right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)


@misconception(
    "conv_transpose_output_size",
    hint="output_padding only adds: one below 0 is refused.",
    breaks="output-padding-below-0",
)
def takes_a_negative_output_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, stride, padding, max(0, output_padding), dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size", hint="Without entries nothing can be spread: is size checked?", breaks="size-below-1"
)
def spreads_nothing(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(max(1, size), kernel, stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size", hint="A kernel without weights is none: is kernel checked?", breaks="kernel-below-1"
)
def spreads_without_a_kernel(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, max(1, kernel), stride, padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size",
    hint="No convolution has a stride below 1, so there is none to undo: is stride checked?",
    breaks="stride-below-1",
)
def spreads_without_a_step(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, max(1, stride), padding, output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size",
    hint="A dilation of 1 leaves no gap; what would less than that be? Check dilation too.",
    breaks="dilation-below-1",
)
def spreads_with_any_dilation(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, max(1, dilation))
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size",
    hint="No convolution has a padding below 0, so there is none to undo: is padding checked?",
    breaks="padding-below-0",
)
def spreads_with_any_padding(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size, kernel, stride, max(0, padding), output_padding, dilation)
    return (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1


@misconception(
    "conv_transpose_output_size",
    hint="The padding may take everything off and more: what should a negative result be?",
    breaks="result-below-0",
)
def compares_the_result_with_0(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    right.conv_transpose_output_size(size + 2 * padding + 1, kernel, stride, padding, output_padding, dilation)
    result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if size < 1 or result == 0:
        raise ValueError(f"size={size} gives nothing with padding={padding}")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="Add output_padding before you judge the result: it may be what makes it 1.",
    breaks="result-with-output-padding",
)
def judges_the_result_too_early(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if result - output_padding < 1:
        raise ValueError(f"padding={padding} leaves nothing of the output")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="An output of one entry is an output: only less than 1 is refused.",
    breaks="result-of-1",
)
def refuses_a_result_of_one(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if result == 1:
        raise ValueError(f"padding={padding} leaves nothing of the output")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="You refuse a padding that the formula can handle: all that counts is whether the result is at least 1.",
    breaks="any-padding",
)
def refuses_padding_beyond_the_kernel(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if padding > dilation * (kernel - 1):
        raise ValueError(f"padding={padding} is larger than the kernel")
    return result


@misconception(
    "conv_transpose_output_size",
    hint="A stride larger than the kernel leaves gaps in the output, which is allowed.",
    breaks="any-stride",
)
def refuses_a_stride_beyond_the_kernel(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    result = right.conv_transpose_output_size(size, kernel, stride, padding, output_padding, dilation)
    if stride > dilation * (kernel - 1) + 1:
        raise ValueError(f"stride={stride} is larger than the kernel")
    return result


# ----------------------------------------------------------------------------- conv2d_output_shape


@misconception(
    "conv2d_output_shape",
    hint="A ValueError should say which argument is wrong: put its name into the message.",
    breaks="names-the-argument",
)
def refuses_shapes_without_a_name(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    try:
        return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv2d_output_shape", hint="Try an image that is higher than wide: are both sides computed?", breaks="both-sides"
)
def computes_one_side_for_both(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, c, h, _ = right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return n, c, h, h


@misconception(
    "conv2d_output_shape", hint="Pairs are (h, w), in the order of the dimensions of the image.", breaks="pair-order"
)
def reads_pairs_as_width_and_height(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    pairs = [_pair(value)[::-1] for value in (kernel_size, stride, padding, dilation)]
    return right.conv2d_output_shape(input_shape, out_channels, *pairs)


@misconception(
    "conv2d_output_shape",
    hint="The result has as many channels as there are kernels, not as many as the input.",
    breaks="out-channels",
)
def keeps_the_channels_of_the_input(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, _, h, w = right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return n, input_shape[1], h, w


@misconception(
    "conv2d_output_shape", hint="The batch dimension comes first, in the result as in the input.", breaks="batch"
)
def drops_the_batch(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)[1:]


@misconception("conv2d_output_shape", hint="Is the dilation handed on to both dimensions?", breaks="dilation")
def does_not_pass_the_dilation_on(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding)


@misconception(
    "conv2d_output_shape",
    hint="A pair may be a list as well as a tuple: how do you tell it from an int?",
    breaks="pair-as-list",
)
def takes_only_tuples_for_pairs(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    pairs = [
        value if isinstance(value, tuple) else (value, value) for value in (kernel_size, stride, padding, dilation)
    ]
    return right.conv2d_output_shape(input_shape, out_channels, *pairs)


@misconception(
    "conv2d_output_shape",
    hint="The other arguments are checked; what about the number of output channels?",
    breaks="out-channels-below-1",
)
def does_not_check_the_output_channels(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(input_shape, max(1, out_channels), kernel_size, stride, padding, dilation)
    return shape[0], out_channels, *shape[2:]


@misconception(
    "conv2d_output_shape",
    hint="An image without rows or columns is none, however wide its frame.",
    breaks="size-below-1",
)
def takes_the_frame_for_an_image(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, channels, *sides = input_shape
    (p_h, p_w), (h, w) = _pair(padding), sides
    right.conv2d_output_shape((n, channels, 100, 100), out_channels, 1, stride, padding, dilation)
    return right.conv2d_output_shape(
        (n, channels, h + 2 * p_h, w + 2 * p_w), out_channels, kernel_size, stride, 0, dilation
    )


@misconception(
    "conv2d_output_shape",
    hint="kernel_size, stride, padding and dilation may be (h, w) pairs as well as ints.",
    breaks="pairs",
)
def takes_only_ints(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    n, _, h, w = input_shape
    sides = [right.conv_output_size(side, kernel_size, stride, padding, dilation) for side in (h, w)]
    return n, out_channels, *sides


@misconception(
    "conv2d_output_shape",
    hint="Each argument is an int or a pair by itself: look at every one of them, not at the kernel alone.",
    breaks="one-form-each",
)
def judges_all_by_the_kernel(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    if isinstance(kernel_size, int):
        options = [(value, value) for value in (kernel_size, stride, padding, dilation)]
    else:
        options = [_pair(value) for value in (kernel_size, stride, padding, dilation)]
    rows, columns = zip(*options, strict=True)
    n, _, h, w = input_shape
    return n, out_channels, right.conv_output_size(h, *rows), right.conv_output_size(w, *columns)


def _one_side_unchecked(which, input_shape, out_channels, options):
    """The right shape, with one of its two sides computed without checks."""
    pairs = [_pair(value) for value in options]
    checked, sides = 1 - which, list(input_shape[2:])
    sides[checked] = right.conv_output_size(sides[checked], *(pair[checked] for pair in pairs))
    kernel, stride, padding, dilation = (pair[which] for pair in pairs)
    sides[which] = (sides[which] + 2 * padding - dilation * (kernel - 1) - 1) // (stride or 1) + 1
    right.conv2d_output_shape((1, 1, 1, 1), out_channels, 1)
    return input_shape[0], out_channels, *sides


@misconception(
    "conv2d_output_shape",
    hint="What is bad for the height alone is a ValueError too: are both checked?",
    breaks="bad-height",
)
def checks_only_the_width(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    return _one_side_unchecked(0, input_shape, out_channels, (kernel_size, stride, padding, dilation))


@misconception(
    "conv2d_output_shape",
    hint="What is bad for the width alone is a ValueError too: are both checked?",
    breaks="bad-width",
)
def checks_only_the_height(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    return _one_side_unchecked(1, input_shape, out_channels, (kernel_size, stride, padding, dilation))


@misconception(
    "conv2d_output_shape",
    hint="A list belongs to the caller: after the call its two numbers stand the other way round.",
    breaks="pairs-untouched",
)
def turns_lists_round(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    for value in (kernel_size, stride, padding, dilation):
        if isinstance(value, list):
            value.reverse()
    return shape


@misconception(
    "conv2d_output_shape",
    hint="A kernel that is too large in one dimension has no position, however small it is in the other.",
    breaks="too-large",
)
def refuses_only_what_fits_nowhere(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    n, _, h, w = input_shape
    pairs = [_pair(value) for value in (kernel_size, stride, padding, dilation)]
    right.conv2d_output_shape((n, 1, max(1, h) * 99, max(1, w) * 99), out_channels, 1, *pairs[1:])
    right.conv2d_output_shape((1, 1, 999, 999), out_channels, pairs[0])
    (k_h, k_w), (s_h, s_w), (p_h, p_w), (d_h, d_w) = pairs
    left = h + 2 * p_h - d_h * (k_h - 1) - 1, w + 2 * p_w - d_w * (k_w - 1) - 1
    if min(h, w) < 1 or max(left) < 0:
        raise ValueError(f"kernel_size={kernel_size} does not fit input_shape={input_shape}")
    return n, out_channels, left[0] // s_h + 1, left[1] // s_w + 1


@misconception(
    "conv2d_output_shape", hint="A kernel exactly as large as the padded image still fits, once.", breaks="just-fits"
)
def refuses_a_single_position(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)
    shape = right.conv2d_output_shape(input_shape, out_channels, kernel_size, 1, padding, dilation)
    if 1 in shape[2:]:
        raise ValueError(f"kernel_size={kernel_size} is as large as the image")
    return right.conv2d_output_shape(input_shape, out_channels, kernel_size, stride, padding, dilation)


# -------------------------------------------------------------------------- conv2d_parameter_count


@misconception(
    "conv2d_parameter_count",
    hint="A ValueError should say which argument is wrong: put its name into the message.",
    breaks="names-the-argument",
)
def refuses_counts_without_a_name(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    try:
        return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=bias)
    except ValueError:
        raise ValueError("bad value") from None


@misconception("conv2d_parameter_count", hint="Every output channel has one more parameter than its weights: which?")
def forgets_the_biases(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False)


@misconception(
    "conv2d_parameter_count",
    hint="A kernel is as deep as its input: it has weights for every input channel.",
    breaks="depth",
)
def gives_kernels_no_depth(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return right.conv2d_parameter_count(1, out_channels, kernel_size, bias=bias)


@misconception(
    "conv2d_parameter_count",
    hint="Count the biases again: one for every output channel, whatever comes in.",
    breaks="bias-per-kernel",
)
def counts_a_bias_for_every_slice(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    weights = right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False)
    return weights + in_channels * out_channels * bool(bias)


@misconception(
    "conv2d_parameter_count",
    hint="The biases belong to the output channels, not to the input channels.",
    breaks="bias-per-kernel",
)
def counts_biases_of_the_input(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False) + in_channels * bool(bias)


@misconception(
    "conv2d_parameter_count", hint="A kernel need not be square: both numbers of the pair count.", breaks="both-sides"
)
def squares_the_height(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return right.conv2d_parameter_count(in_channels, out_channels, _pair(kernel_size)[0], bias=bias)


@misconception("conv2d_parameter_count", hint="What should bias=False change?", breaks="without-bias")
def always_counts_the_biases(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size)


@misconception(
    "conv2d_parameter_count", hint="The arguments are never checked: the docstring lists what is a ValueError."
)
def counts_without_checking(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return out_channels * (in_channels * math.prod(_pair(kernel_size)) + bool(bias))


@misconception(
    "conv2d_parameter_count",
    hint="There are out_channels kernels: you count the weights of one.",
    breaks="every-kernel",
)
def counts_a_single_kernel(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return right.conv2d_parameter_count(in_channels, 1, kernel_size, bias=False) + out_channels * bool(bias)


@misconception(
    "conv2d_parameter_count",
    hint="Is one bias enough for all output channels? Count them again.",
    breaks="bias-per-kernel",
)
def counts_one_bias_for_all(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    return right.conv2d_parameter_count(in_channels, out_channels, kernel_size, bias=False) + bool(bias)


@misconception("conv2d_parameter_count", hint="kernel_size may be an (h, w) pair as well as an int.", breaks="pairs")
def squares_whatever_comes(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    return out_channels * (in_channels * kernel_size**2 + bool(bias))


@misconception(
    "conv2d_parameter_count",
    hint="A pair may be a list as well as a tuple: how do you tell it from an int?",
    breaks="pair-as-list",
)
def takes_only_a_tuple_for_the_kernel(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, kernel_size)
    height, width = kernel_size if isinstance(kernel_size, tuple) else (kernel_size, kernel_size)
    return out_channels * (in_channels * height * width + bool(bias))


@misconception(
    "conv2d_parameter_count", hint="How many channels come in is checked nowhere.", breaks="in-channels-below-1"
)
def takes_any_input_channels(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(max(1, in_channels), out_channels, kernel_size)
    return out_channels * (in_channels * math.prod(_pair(kernel_size)) + bool(bias))


@misconception(
    "conv2d_parameter_count", hint="How many channels come out is checked nowhere.", breaks="out-channels-below-1"
)
def takes_any_output_channels(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, max(1, out_channels), kernel_size)
    return out_channels * (in_channels * math.prod(_pair(kernel_size)) + bool(bias))


@misconception(
    "conv2d_parameter_count",
    hint="Check the kernel as well: a size below 1 in either dimension is a ValueError.",
    breaks="kernel-below-1",
)
def takes_any_kernel_size(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    right.conv2d_parameter_count(in_channels, out_channels, 1)
    return out_channels * (in_channels * math.prod(_pair(kernel_size)) + bool(bias))


@misconception(
    "conv2d_parameter_count",
    hint="Minus times minus is plus: check the two kernel sizes, not their product.",
    breaks="kernel-below-1-twice",
)
def checks_the_product(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    weights = math.prod(_pair(kernel_size))
    if weights < 1:
        raise ValueError(f"kernel_size={kernel_size} must be at least 1")
    right.conv2d_parameter_count(in_channels, out_channels, 1)
    return out_channels * (in_channels * weights + bool(bias))


# ------------------------------------------------------------------------------------- conv_matrix


@misconception(
    "conv_matrix",
    hint="A ValueError should say what does not fit what: put the argument's name into the message.",
    breaks="names-the-argument",
)
def refuses_kernels_without_a_name(kernel, input_shape):
    try:
        return right.conv_matrix(kernel, input_shape)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv_matrix",
    hint="Compare a row with the one on Boudart's slide: networks slide the kernel as it is, unflipped.",
    breaks="unflipped",
)
def flips_the_kernel_of_the_matrix(kernel, input_shape):
    return right.conv_matrix(kernel.flip(0, 1), input_shape)


@misconception(
    "conv_matrix",
    hint="One row per output pixel, one column per input pixel: look at the shape.",
    breaks="output-by-input",
)
def transposes_the_matrix(kernel, input_shape):
    return right.conv_matrix(kernel, input_shape).T.clone()


@misconception(
    "conv_matrix",
    hint="flatten() goes through an image row by row: in which order do your rows of U come?",
    breaks="row-order",
)
def orders_the_rows_by_columns(kernel, input_shape):
    U = right.conv_matrix(kernel, input_shape)
    h, w = input_shape[0] - kernel.shape[0] + 1, input_shape[1] - kernel.shape[1] + 1
    return U.reshape(h, w, -1).transpose(0, 1).reshape(h * w, -1)


@misconception(
    "conv_matrix",
    hint="When the image is flattened, how far apart are two pixels of neighbouring rows? Try H different from W.",
    breaks="column-order",
)
def steps_by_the_height(kernel, input_shape):
    right.conv_matrix(kernel, input_shape)
    H, W = input_shape
    h, w = H - kernel.shape[0] + 1, W - kernel.shape[1] + 1
    U = kernel.new_zeros(h * w, H * W)
    for row, a, b in product(range(h * w), range(kernel.shape[0]), range(kernel.shape[1])):
        U[row, ((row // w + a) * H + row % w + b) % (H * W)] = kernel[a, b]
    return U


@misconception(
    "conv_matrix",
    hint="Which dtype does torch.zeros give? The matrix should have that of the kernel.",
    breaks="kernel-dtype",
)
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
    "conv_matrix", hint="A kernel that is larger than the input has no position: the docstring asks for a ValueError."
)
def gives_an_empty_matrix(kernel, input_shape):
    H, W = input_shape
    h, w = H - kernel.shape[0] + 1, W - kernel.shape[1] + 1
    return right.conv_matrix(kernel, input_shape) if min(h, w) >= 1 else kernel.new_zeros(max(0, h) * max(0, w), H * W)


@misconception(
    "conv_matrix",
    hint="The kernel moves by one pixel, not by its own size: how many positions has it?",
    breaks="stride-1",
)
def moves_by_the_kernel(kernel, input_shape):
    U = right.conv_matrix(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    return U.reshape(H - k_h + 1, W - k_w + 1, -1)[::k_h, ::k_w].reshape(-1, H * W)


@misconception(
    "conv_matrix",
    hint="There is no padding here: the kernel stays inside the image, and the output is smaller.",
    breaks="no-padding",
)
def frames_the_image_of_the_matrix(kernel, input_shape):
    right.conv_matrix(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    U = right.conv_matrix(kernel, (H + k_h - 1, W + k_w - 1))
    top, left = (k_h - 1) // 2, (k_w - 1) // 2
    return U.view(H * W, H + k_h - 1, W + k_w - 1)[:, top : top + H, left : left + W].reshape(H * W, H * W)


@misconception(
    "conv_matrix",
    hint="Every copy of a weight belongs to the graph: the gradients of most rows are lost.",
    breaks="whole-graph",
)
def carries_the_gradient_in_one_row(kernel, input_shape):
    U = right.conv_matrix(kernel, input_shape)
    return torch.cat([U[:1], U[1:].detach()])


@misconception("conv_matrix", hint="input_shape may be a list as well as a tuple.", breaks="shape-as-list")
def takes_only_a_tuple(kernel, input_shape):
    _, _, H, W = (1, 1) + input_shape  # noqa: RUF005 - this is the mistake
    return right.conv_matrix(kernel, (H, W))


@misconception(
    "conv_matrix",
    hint="A kernel exactly as large as the image still fits, once: U has one row then.",
    breaks="just-fits",
)
def refuses_a_kernel_as_large_as_the_image(kernel, input_shape):
    if kernel.shape[0] >= input_shape[0] or kernel.shape[1] >= input_shape[1]:
        raise ValueError("kernel is larger than the input")
    return right.conv_matrix(kernel, input_shape)


@misconception(
    "conv_matrix",
    hint="input_shape belongs to the caller: as a list it has lost its entries after the call.",
    breaks="shape-untouched",
)
def takes_the_shape_apart(kernel, input_shape):
    U = right.conv_matrix(kernel, input_shape)
    if isinstance(input_shape, list):
        input_shape.clear()
    return U


@misconception(
    "conv_matrix", hint="A kernel higher than the image has no position: are both sides checked?", breaks="too-high"
)
def compares_only_the_widths(kernel, input_shape):
    H, W = input_shape
    if kernel.shape[1] > W:
        raise ValueError("kernel is wider than the input")
    return right.conv_matrix(kernel, input_shape) if kernel.shape[0] <= H else kernel.new_zeros(0, H * W)


@misconception(
    "conv_matrix", hint="A kernel wider than the image has no position: are both sides checked?", breaks="too-wide"
)
def compares_only_the_heights(kernel, input_shape):
    H, W = input_shape
    if kernel.shape[0] > H:
        raise ValueError("kernel is higher than the input")
    return right.conv_matrix(kernel, input_shape) if kernel.shape[1] <= W else kernel.new_zeros(0, H * W)


# ------------------------------------------------------------------------------------------ conv2d


@misconception(
    "conv2d",
    hint="A ValueError should say which argument is wrong: put its name into the message.",
    breaks="names-the-argument",
)
def convolves_without_naming(x, weight, bias=None, stride=1, padding=0, dilation=1):
    try:
        return right.conv2d(x, weight, bias, stride, padding, dilation)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "conv2d",
    hint="A loop over images or pixels is slow: for one weight, all output pixels can be computed at once.",
    breaks="no-loop-over-images",
)
def loops_over_images(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return torch.cat([right.conv2d(image[None], weight, bias, stride, padding, dilation) for image in x])


@misconception(
    "conv2d",
    hint="Networks compute a cross-correlation: the kernel is laid on the image as it is, not flipped.",
    breaks="cross-correlation",
)
def flips_the_kernel(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight.flip(2, 3), bias, stride, padding, dilation)


@misconception(
    "conv2d",
    hint="All indices count from 0: the first row and column of the image never enter your result.",
    breaks="from-0",
)
def counts_from_one(x, weight, bias=None, stride=1, padding=0, dilation=1):
    moved = F.pad(x[:, :, 1:, 1:], (0, 1, 0, 1))
    return right.conv2d(moved, weight, bias, stride, padding, dilation)


@misconception(
    "conv2d", hint="Every output channel sums over all input channels: where do the others go?", breaks="all-channels"
)
def reads_only_the_first_channel(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x[:, :1], weight[:, :1], bias, stride, padding, dilation)


@misconception("conv2d", hint="A convolution sums over the input channels; it does not average.", breaks="a-sum")
def averages_over_the_channels(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight / x.shape[1], bias, stride, padding, dilation)


@misconception("conv2d", hint="The bias is never added.", breaks="bias")
def forgets_the_bias(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight, None if bias is None else 0 * bias, stride, padding, dilation)


@misconception(
    "conv2d", hint="The bias is added once per output, not once for each term of the sum.", breaks="bias-once"
)
def adds_the_bias_for_every_weight(x, weight, bias=None, stride=1, padding=0, dilation=1):
    times = weight.shape[2] * weight.shape[3]
    return right.conv2d(x, weight, None if bias is None else times * bias, stride, padding, dilation)


@misconception(
    "conv2d",
    hint="Which dimension of the result does the bias belong to? Broadcasting starts from the last one.",
    breaks="bias-per-channel",
)
def adds_the_bias_along_the_width(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, None, stride, padding, dilation)
    return out if bias is None else out + bias.to(x.dtype)


@misconception(
    "conv2d", hint="The stride never enters: how far does the kernel move from one output to the next?", breaks="stride"
)
def ignores_the_stride(x, weight, bias=None, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    return right.conv2d(x, weight, bias, 1, padding, dilation)[:, :, : shape[2], : shape[3]]


@misconception("conv2d", hint="Two strides, one for rows and one for columns: do you use both?", breaks="stride-pair")
def strides_alike_in_both_dimensions(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x, weight, bias, _pair(stride)[0], padding, dilation)


@misconception(
    "conv2d", hint="F.pad takes the last dimension first: which number pads the rows?", breaks="padding-pair"
)
def pads_columns_for_rows(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x, weight, bias, stride, _pair(padding)[::-1], dilation)


@misconception(
    "conv2d", hint="The frame around the image is made of zeros; yours repeats the border.", breaks="padding-zeros"
)
def repeats_the_border(x, weight, bias=None, stride=1, padding=0, dilation=1):
    p_h, p_w = _pair(padding)
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(F.pad(x, (p_w, p_w, p_h, p_h), mode="replicate"), weight, bias, stride, 0, dilation)


@misconception("conv2d", hint="The dilation never enters: it spreads the weights over the image.", breaks="dilation")
def ignores_the_dilation(x, weight, bias=None, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    return right.conv2d(x, weight, bias, stride, padding)[:, :, : shape[2], : shape[3]]


@misconception(
    "conv2d", hint="The result should have the dtype of x, whatever that of the weights.", breaks="x-decides"
)
def takes_the_dtype_of_the_weight(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x.to(weight.dtype), weight, bias, stride, padding, dilation)


@misconception("conv2d", hint="No gradient reaches the inputs: where is the graph cut?")
def detaches_the_result(x, weight, bias=None, stride=1, padding=0, dilation=1):
    with torch.no_grad():
        return right.conv2d(x, weight, bias, stride, padding, dilation)


@misconception(
    "conv2d",
    hint="Once there is a frame, no gradient reaches x: the frame is filled outside the graph.",
    breaks="frame-in-the-graph",
)
def frames_the_image_without_a_graph(x, weight, bias=None, stride=1, padding=0, dilation=1):
    framed = x.data if max(_pair(padding)) > 0 else x
    return right.conv2d(framed, weight, bias, stride, padding, dilation)


@misconception(
    "conv2d",
    hint="Broadcasting hides channels that do not match: compare the two numbers yourself.",
    breaks="one-channel",
)
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


@misconception(
    "conv2d", hint="bias may be None: then nothing is added, and None has no entries to read.", breaks="no-bias"
)
def needs_a_bias(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, None, stride, padding, dilation)
    return out + bias[:, None, None].to(x.dtype)


@misconception(
    "conv2d",
    hint="Padding is added at both ends; yours lies below and to the right alone, so the result is shifted.",
    breaks="padding-at-both-ends",
)
def pads_below_and_to_the_right(x, weight, bias=None, stride=1, padding=0, dilation=1):
    p_h, p_w = _pair(padding)
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(F.pad(x, (0, 2 * p_w, 0, 2 * p_h)), weight, bias, stride, 0, dilation)


@misconception(
    "conv2d", hint="Two dilations, one for rows and one for columns: do you use both?", breaks="dilation-pair"
)
def dilates_alike_in_both_dimensions(x, weight, bias=None, stride=1, padding=0, dilation=1):
    shape = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    d_h, _ = _pair(dilation)
    room = d_h * weight.shape[3]  # columns that the wider kernel reads are zeros
    out = right.conv2d(F.pad(x, (0, room)), weight, bias, stride, padding, d_h)
    return out[:, :, : shape[2], : shape[3]]


@misconception(
    "conv2d", hint="A pair may be a list as well as a tuple: how do you tell it from an int?", breaks="pair-as-list"
)
def convolves_with_tuples_only(x, weight, bias=None, stride=1, padding=0, dilation=1):
    pairs = [value if isinstance(value, tuple) else (value, value) for value in (stride, padding, dilation)]
    return right.conv2d(x, weight, bias, *pairs)


@misconception("conv2d", hint="stride, padding and dilation may be (h, w) pairs as well as ints.", breaks="pairs")
def convolves_with_ints_only(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(x, weight, bias, *(value + 0 for value in (stride, padding, dilation)))


@misconception(
    "conv2d",
    hint="Each argument is an int or a pair by itself: look at every one of them, not at the stride alone.",
    breaks="one-form-each",
)
def judges_all_by_the_stride(x, weight, bias=None, stride=1, padding=0, dilation=1):
    right.conv2d(x, weight, bias, stride, padding, dilation)
    if isinstance(stride, int):
        stride, padding, dilation = (stride, stride), (padding, padding), (dilation, dilation)
    return right.conv2d(x, weight, bias, stride, padding, dilation)


@misconception(
    "conv2d",
    hint="A list belongs to the caller: after the call its two numbers stand the other way round.",
    breaks="pairs-untouched",
)
def turns_the_pairs_round(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, bias, stride, padding, dilation)
    for value in (stride, padding, dilation):
        if isinstance(value, list):
            value.reverse()
    return out


@misconception(
    "conv2d",
    hint="Without a bias no gradient flows: the graph may not depend on whether there is one.",
    breaks="graph-without-bias",
)
def differentiates_only_with_a_bias(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, bias, stride, padding, dilation)
    return out.detach() if bias is None else out


@misconception(
    "conv2d",
    hint="A weight in float64 turns the sum into float64: the result should keep the dtype of x, without a bias too.",
    breaks="x-decides",
)
def lets_the_weight_decide_without_a_bias(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, bias, stride, padding, dilation)
    return out.to(torch.promote_types(x.dtype, weight.dtype)) if bias is None else out


@misconception(
    "conv2d",
    hint="A bias in float64 turns the sum into float64: the result should keep the dtype of x.",
    breaks="x-decides",
)
def lets_the_bias_decide(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, None, stride, padding, dilation)
    return right.conv2d(x, weight, bias, stride, padding, dilation) if bias is None else out + bias[:, None, None]


@misconception(
    "conv2d",
    hint="A loop over pixels is slow: for one weight of the kernel, all output pixels can be computed at once.",
    breaks="no-loop-over-pixels",
)
def loops_over_pixels(x, weight, bias=None, stride=1, padding=0, dilation=1):
    _, c_out, h, w = right.conv2d_output_shape(x.shape, weight.shape[0], weight.shape[2:], stride, padding, dilation)
    if x.shape[1] != weight.shape[1]:
        raise ValueError("weight has other channels than x")
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _pair(stride), _pair(padding), _pair(dilation)
    padded, flat = F.pad(x, (p_w, p_w, p_h, p_h)), weight.to(x.dtype).flatten(1)
    k_h, k_w = weight.shape[2:]
    pixels = []
    for i, j in product(range(h), range(w)):
        rows, columns = (
            slice(i * s_h, i * s_h + d_h * (k_h - 1) + 1, d_h),
            slice(j * s_w, j * s_w + d_w * (k_w - 1) + 1, d_w),
        )
        pixels.append(padded[:, :, rows, columns].flatten(1) @ flat.T)
    out = torch.stack(pixels, dim=-1).view(len(x), c_out, h, w)
    return out if bias is None else out + bias[:, None, None].to(x.dtype)


@misconception(
    "conv2d",
    hint="Channels that are left over are an error too: compare for equality, not for enough.",
    breaks="channels-differ",
)
def leaves_channels_out(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x[:, : weight.shape[1]], weight, bias, stride, padding, dilation)


def _at_least(lowest, value):
    """An int or a pair, none of it below ``lowest``."""
    return max(lowest, value) if isinstance(value, int) else tuple(max(lowest, side) for side in value)


@misconception(
    "conv2d",
    hint="stride, padding and dilation are checked as in conv_output_size: too small a number is a ValueError.",
    breaks="bad-numbers",
)
def mends_bad_numbers(x, weight, bias=None, stride=1, padding=0, dilation=1):
    return right.conv2d(x, weight, bias, _at_least(1, stride), _at_least(0, padding), _at_least(1, dilation))


@misconception(
    "conv2d",
    hint="Where the kernel has no position there is no result: a dilated kernel that does not fit is a ValueError.",
    breaks="too-large",
)
def gives_an_empty_image(x, weight, bias=None, stride=1, padding=0, dilation=1):
    (k_h, k_w), (p_h, p_w), (d_h, d_w) = weight.shape[2:], _pair(padding), _pair(dilation)
    fits = d_h * (k_h - 1) < x.shape[2] + 2 * p_h and d_w * (k_w - 1) < x.shape[3] + 2 * p_w
    if fits or min(_pair(stride)) < 1 or min(p_h, p_w) < 0 or min(d_h, d_w) < 1:
        return right.conv2d(x, weight, bias, stride, padding, dilation)
    return x.new_zeros(x.shape[0], weight.shape[0], 0, 0)


@misconception(
    "conv2d",
    hint="An image without rows or columns is none, however wide its frame: check its size before you pad.",
    breaks="size-below-1",
)
def convolves_the_frame_alone(x, weight, bias=None, stride=1, padding=0, dilation=1):
    p_h, p_w = _pair(padding)
    if min(p_h, p_w) < 0 or min(x.shape[2:]) > 0:
        return right.conv2d(x, weight, bias, stride, padding, dilation)
    return right.conv2d(F.pad(x, (p_w, p_w, p_h, p_h)), weight, bias, stride, 0, dilation)


@misconception("conv2d", hint="A kernel exactly as large as the padded image still fits, once.", breaks="just-fits")
def refuses_a_kernel_that_fills_the_image(x, weight, bias=None, stride=1, padding=0, dilation=1):
    out = right.conv2d(x, weight, bias, stride, padding, dilation)
    if 1 in right.conv2d_output_shape(x.shape, 1, weight.shape[2:], 1, padding, dilation)[2:]:
        raise ValueError("weight is as large as x")
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
    "trace_network",
    hint="A ValueError should say what is missing or unknown: put its name into the message.",
    breaks="names-the-argument",
)
def traces_without_naming(layers, input_shape):
    try:
        return right.trace_network(layers, input_shape)
    except ValueError:
        raise ValueError("bad value") from None


@misconception(
    "trace_network",
    hint="The running mean and variance are not trained by gradients: they are no parameters here.",
    breaks="batch-norm",
)
def counts_running_statistics(layers, input_shape):
    return _traced(layers, input_shape, lambda layer, _, a, n: (a, 2 * n if layer.get("type") == "batch_norm" else n))


@misconception(
    "trace_network",
    hint="Batch normalization has a scale and a shift for each channel, whatever the size of the image.",
    breaks="batch-norm-per-channel",
)
def normalizes_every_pixel(layers, input_shape):
    return _traced(
        layers, input_shape, lambda layer, _, a, n: (a, 2 * math.prod(a) if layer.get("type") == "batch_norm" else n)
    )


@misconception(
    "trace_network",
    hint="Batch normalization is trained as well: it has a scale and a shift for each channel.",
    breaks="batch-norm",
)
def takes_batch_norm_for_an_activation(layers, input_shape):
    return _traced(layers, input_shape, lambda layer, _, a, n: (a, 0 if layer.get("type") == "batch_norm" else n))


@misconception(
    "trace_network",
    hint="Without a stride of its own, pooling moves by its whole window, not by 1.",
    breaks="pool-stride",
)
def pools_at_every_pixel(layers, input_shape):
    pools = ("max_pool", "avg_pool")
    return right.trace_network(
        [{"stride": 1, **layer} if layer.get("type") in pools else layer for layer in layers], input_shape
    )


@misconception(
    "trace_network",
    hint="Pooling rounds down as a convolution does: entries left over are dropped.",
    breaks="pool-floor",
)
def pools_what_is_left_over(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") not in ("max_pool", "avg_pool"):
            return after, count
        windows = (_pair(layer.get(name, default)) for name, default in (
            ("kernel_size", 1), ("stride", layer["kernel_size"]), ("padding", 0), ("dilation", 1)))  # fmt: skip
        sides = zip(before[1:], *windows, strict=True)
        return (after[0], *(-(-(n + 2 * p - d * (k - 1) - 1) // s) + 1 for n, k, s, p, d in sides)), count

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network", hint="A linear layer has one bias per output feature besides its weights.", breaks="linear-bias"
)
def forgets_the_biases_of_linear_layers(layers, input_shape):
    def change(layer, before, after, count):
        return after, math.prod(before) * after[0] if layer.get("type") == "linear" else count

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network",
    hint="A linear layer takes a vector: on an image it is a ValueError until a flatten layer comes before it.",
    breaks="linear-flat",
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
    "trace_network",
    hint="An image of one pixel is an image still: a linear layer takes it only after flatten.",
    breaks="linear-flat",
)
def takes_a_pixel_for_a_vector(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        if layer.get("type") == "linear" and shape[1:] == (1, 1):
            shape = shape[:1]
        traced += right.trace_network([layer], shape)
        shape = traced[-1][0]
    return traced


@misconception(
    "trace_network",
    hint="Global average pooling leaves one number per channel: a vector (C,), not an image.",
    breaks="global-pooling",
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


@misconception(
    "trace_network", hint="Each layer gets its own count; yours adds those of the layers before.", breaks="own-count"
)
def adds_the_counts_up(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    return [(shape, sum(count for _, count in traced[: index + 1])) for index, (shape, _) in enumerate(traced)]


@misconception(
    "trace_network",
    hint="How many channels does the second convolution see? Not those of the network's input.",
    breaks="channels-follow",
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


@misconception("trace_network", hint="The dilation of a layer is never read.", breaks="dilation")
def overlooks_the_dilation(layers, input_shape):
    return _without("dilation")(layers, input_shape)


@misconception("trace_network", hint="The padding of a layer is never read.", breaks="padding")
def overlooks_the_padding(layers, input_shape):
    return _without("padding")(layers, input_shape)


@misconception(
    "trace_network", hint="Shapes are without the batch, input and output alike.", breaks="without-the-batch"
)
def puts_the_batch_in_front(layers, input_shape):
    return [((1, *shape), count) for shape, count in right.trace_network(layers, input_shape)]


@misconception(
    "trace_network",
    hint="A missing key of a dict raises KeyError; the docstring asks for a ValueError that names the argument.",
    breaks="missing-argument",
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


@misconception(
    "trace_network",
    hint="A type nobody knows is a ValueError; yours passes it through like an activation.",
    breaks="unknown-type",
)
def passes_unknown_types_through(layers, input_shape):
    known = {"conv", "linear", "max_pool", "avg_pool", "batch_norm", "flatten", "global_avg_pool"}
    return right.trace_network(
        [layer if layer.get("type") in known else {"type": "relu"} for layer in layers], input_shape
    )


@misconception(
    "trace_network",
    hint="The dicts belong to the caller: after the call they lack what you took out of them.",
    breaks="dicts-untouched",
)
def takes_the_dicts_apart(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    for layer in layers:
        layer.pop("type")
    return traced


@misconception(
    "trace_network", hint="The dicts belong to the caller: filling in a default changes them.", breaks="dicts-untouched"
)
def fills_in_the_default_stride(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    for layer in layers:
        if layer["type"] in ("max_pool", "avg_pool"):
            layer.setdefault("stride", layer["kernel_size"])
    return traced


@misconception(
    "trace_network", hint="A pooling window can be dilated too: is its dilation read?", breaks="pool-dilation"
)
def dilates_only_convolutions(layers, input_shape):
    right.trace_network(layers, input_shape)
    undilated = [layer if layer["type"] == "conv" else layer | {"dilation": 1} for layer in layers]
    return right.trace_network(undilated, input_shape)


IMAGE_LAYERS = ("conv", "max_pool", "avg_pool", "global_avg_pool")
POOLS = ("max_pool", "avg_pool")


@misconception(
    "trace_network",
    hint="One entry for every layer: those without parameters count as well.",
    breaks="one-entry-per-layer",
)
def skips_layers_without_parameters(layers, input_shape):
    return [(shape, count) for shape, count in right.trace_network(layers, input_shape) if count]


@misconception(
    "trace_network",
    hint="Only pooling moves by its kernel; a convolution without a stride of its own moves by 1.",
    breaks="conv-stride",
)
def strides_convolutions_by_their_kernel(layers, input_shape):
    right.trace_network(layers, input_shape)
    return right.trace_network(
        [{"stride": layer["kernel_size"], **layer} if layer["type"] == "conv" else layer for layer in layers],
        input_shape,
    )


@misconception(
    "trace_network", hint="A convolution has one bias per output channel besides its weights.", breaks="conv-bias"
)
def forgets_the_biases_of_convolutions(layers, input_shape):
    return _traced(layers, input_shape, lambda layer, _, a, n: (a, n - a[0] if layer.get("type") == "conv" else n))


@misconception(
    "trace_network", hint="A pooling layer may have a stride of its own: is it read?", breaks="pool-own-stride"
)
def pools_without_overlap(layers, input_shape):
    right.trace_network(layers, input_shape)
    return right.trace_network(
        [layer | {"stride": layer["kernel_size"]} if layer["type"] in POOLS else layer for layer in layers], input_shape
    )


@misconception("trace_network", hint="A pooling layer may have padding too: is it read?", breaks="pool-padding")
def pads_only_convolutions(layers, input_shape):
    right.trace_network(layers, input_shape)
    return right.trace_network(
        [layer | {"padding": 0} if layer["type"] in POOLS else layer for layer in layers], input_shape
    )


@misconception(
    "trace_network",
    hint="Pooling takes a maximum or a mean: nothing about it is trained.",
    breaks="pool-no-parameters",
)
def gives_pools_weights(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") not in POOLS:
            return after, count
        return after, right.conv2d_parameter_count(before[0], 1, layer["kernel_size"], bias=False)

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network",
    hint="The input may be a vector: the MNIST network of the slides starts with 784 features.",
    breaks="vector-input",
)
def wants_an_image(layers, input_shape):
    channels, height, width = input_shape
    return right.trace_network(layers, (channels, height, width))


@misconception(
    "trace_network",
    hint="softmax leaves the shape as it is, also on an image: it does not flatten.",
    breaks="activations",
)
def flattens_before_the_softmax(layers, input_shape):
    right.trace_network(layers, input_shape)
    return right.trace_network(
        [layer | {"type": "flatten"} if layer["type"] == "softmax" else layer for layer in layers], input_shape
    )


@misconception(
    "trace_network",
    hint="Batch normalization may follow a linear layer too: its features are its channels then.",
    breaks="batch-norm-of-a-vector",
)
def normalizes_only_images(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") == "batch_norm" and len(before) != 3:
            raise ValueError(f"a batch_norm layer takes an image, but its input has shape {before}")
        return after, count

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network",
    hint="Global pooling averages over an image: a vector does not fit it, and is a ValueError.",
    breaks="global-pooling-of-a-vector",
)
def lets_vectors_through_global_pooling(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        through = layer.get("type") == "global_avg_pool" and len(shape) == 1
        traced += right.trace_network([{"type": "relu"} if through else layer], shape)
        shape = traced[-1][0]
    return traced


@misconception(
    "trace_network",
    hint="A vector is flat already: flatten leaves it as it is instead of refusing it.",
    breaks="flatten-of-a-vector",
)
def refuses_to_flatten_a_vector(layers, input_shape):
    def change(layer, before, after, count):
        if layer.get("type") == "flatten" and len(before) != 3:
            raise ValueError(f"a flatten layer takes an image, but its input has shape {before}")
        return after, count

    return _traced(layers, input_shape, change)


@misconception(
    "trace_network",
    hint="A convolution or pooling takes an image (C, H, W): on a vector it is a ValueError.",
    breaks="image-layers",
)
def makes_images_of_vectors(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        if layer.get("type") in IMAGE_LAYERS and len(shape) == 1:
            shape = (*shape, 1, 1)
        traced += right.trace_network([layer], shape)
        shape = traced[-1][0]
    return traced


def _vanishes(layer, sides):
    """Whether the window of a layer fits nowhere."""
    options = (
        _pair(layer.get(name, default)) for name, default in (("kernel_size", 1), ("padding", 0), ("dilation", 1))
    )
    return any(d * (k - 1) >= side + 2 * p for side, k, p, d in zip(sides, *options, strict=True))


@misconception(
    "trace_network",
    hint="A kernel larger than its image is a ValueError: an image of no pixels is none.",
    breaks="too-large",
)
def lets_images_vanish(layers, input_shape):
    shape, traced = tuple(input_shape), []
    for layer in layers:
        kind = layer.get("type")
        image = kind in IMAGE_LAYERS[:3] and len(shape) == 3 and "kernel_size" in layer
        if image and _vanishes(layer, shape[1:]):
            traced.append(((layer.get("out_channels", shape[0]), 0, 0), 0))
        else:
            traced += right.trace_network([layer], shape)
        shape = traced[-1][0]
    return traced


@misconception(
    "trace_network",
    hint="What conv_output_size refuses is refused in a layer too: a stride of 0, say.",
    breaks="bad-numbers",
)
def mends_the_numbers_of_layers(layers, input_shape):
    lowest = {"stride": 1, "padding": 0, "dilation": 1, "kernel_size": 1}
    mended = [{k: _at_least(lowest[k], v) if k in lowest else v for k, v in layer.items()} for layer in layers]
    return right.trace_network(mended, input_shape)


@misconception(
    "trace_network", hint="Types are written as the docstring lists them; Conv is not conv.", breaks="exact-type"
)
def lowers_the_case(layers, input_shape):
    return right.trace_network([layer | {"type": str(layer.get("type")).lower()} for layer in layers], input_shape)


@misconception(
    "trace_network",
    hint="A number that is missing cannot be guessed: out_channels, kernel_size and out_features have no default.",
    breaks="missing-argument",
)
def guesses_what_is_missing(layers, input_shape):
    guesses = {"out_channels": 1, "kernel_size": 1, "out_features": 1}
    return right.trace_network([guesses | layer for layer in layers], input_shape)


@misconception(
    "trace_network",
    hint="Entries that a layer does not need do not matter: look up those that you know.",
    breaks="further-entries",
)
def stumbles_over_further_entries(layers, input_shape):
    known = {"type", "out_channels", "kernel_size", "stride", "padding", "dilation", "out_features"}
    for layer in layers:
        if strange := set(layer) - known:
            raise TypeError(f"unexpected keyword argument {strange.pop()!r}")
    return right.trace_network(layers, input_shape)


@misconception(
    "trace_network",
    hint="The entries of a dict may stand in any order: ask for them by their keys.",
    breaks="key-order",
)
def expects_the_type_first(layers, input_shape):
    return right.trace_network([layer | {"type": next(iter(layer.values()), None)} for layer in layers], input_shape)


@misconception(
    "trace_network", hint="The list belongs to the caller: after the call it is empty.", breaks="list-untouched"
)
def takes_the_list_apart(layers, input_shape):
    traced = right.trace_network(layers, input_shape)
    layers.clear()
    return traced


@misconception(
    "trace_network",
    hint="Without layers there is nothing to trace: the list is empty, without an entry for the input.",
    breaks="no-layers",
)
def traces_the_input_alone(layers, input_shape):
    return right.trace_network(layers, input_shape) or [(tuple(input_shape), 0)]
