"""Odd but right answers on convolutions: each earns full marks."""

import functools
import math
from fractions import Fraction
from itertools import product
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant


def _both(value):
    return [value, value] if np.isscalar(value) else list(value)


def _check(lowest, **named):
    for name, value in named.items():
        if min(_both(value)) < lowest:
            raise ValueError(f"{name} should not be {value}")


@variant(of="conv_output_size")
def size_by_counting_positions(size, kernel, stride=1, padding=0, dilation=1):
    """Lays the kernel on every start that a range gives."""
    _check(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _check(0, padding=padding)
    starts = range(-padding, size + padding - dilation * (kernel - 1), stride)
    if not starts:
        raise ValueError("the kernel is larger than the padded input")
    return len(starts)


@variant(of="conv_output_size")
def size_as_the_slide_writes_it(size, kernel, stride=1, padding=0, dilation=1):
    """A floating division inside math.floor; a result below 1 is what tells a kernel that does not fit."""
    for name, value in (("size", size), ("kernel", kernel), ("stride", stride), ("dilation", dilation)):
        if value <= 0:
            raise ValueError(f"`{name}` is {value}")
    if padding < 0:
        raise ValueError("negative padding")
    out = math.floor((size - 1 + 2 * padding - dilation * (kernel - 1)) / stride + 1)
    if out < 1:
        raise ValueError(f"Kernel size {kernel} is too large")
    return out


@variant(of="conv_output_size")
def size_as_a_numpy_integer(size, kernel, stride=1, padding=0, dilation=1):
    """Numpy's floor division."""
    size_as_the_slide_writes_it(size, kernel, stride, padding, dilation)
    return np.floor_divide(np.int64(size + 2 * padding - dilation * (kernel - 1) - 1), stride) + 1


@variant(of="conv_output_size")
def size_of_a_range_of_starts(size, kernel, stride=1, padding=0, dilation=1):
    """Measures a tensor of starts; one message for every bad number."""
    if min(size, kernel, stride, dilation) < 1 or padding < 0:
        raise ValueError("size, kernel, stride and dilation must be at least 1, padding at least 0")
    if dilation * (kernel - 1) >= size + 2 * padding:
        raise ValueError(f"a kernel of {kernel} does not fit")
    return torch.arange(-padding, size + padding - dilation * (kernel - 1), stride).numel()


@variant(of="conv_output_size")
def size_by_unfolding_a_line(size, kernel, stride=1, padding=0, dilation=1):
    """Counts the windows of a line of zeros."""
    size_as_the_slide_writes_it(size, kernel, stride, padding, dilation)
    return torch.zeros(size + 2 * padding).unfold(0, dilation * (kernel - 1) + 1, stride).shape[0]


class _SizeError(ValueError):
    """A ValueError of its own."""


@variant(of="conv_output_size")
def size_by_walking(size, kernel, stride=1, padding=0, dilation=1):
    """Steps along the padded input; errors are a subclass of ValueError."""
    try:
        _check(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
        _check(0, padding=padding)
    except ValueError as error:
        raise _SizeError(*error.args) from error
    positions, start = 0, 0
    while start + dilation * (kernel - 1) < size + 2 * padding:
        positions, start = positions + 1, start + stride
    if not positions:
        raise _SizeError("kernel")
    return np.int32(positions)


@variant(of="conv_transpose_output_size")
def transposed_size_by_counting_entries(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    """Counts the entries that some weight of some position reaches, then cuts the padding off."""
    _check(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _check(0, padding=padding, output_padding=output_padding)
    if output_padding >= stride and output_padding >= dilation:
        raise ValueError("output_padding must be smaller than either stride or dilation")
    last = max(i * stride + a * dilation for i in range(size) for a in range(kernel))
    entries = range(padding, last + 1 + output_padding - padding)
    if len(entries) == 0:
        raise ValueError("nothing is left of the output")
    return len(entries)


@variant(of="conv_transpose_output_size")
def transposed_size_as_a_tensor(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    """The formula in another order; the integer is one of torch's."""
    for name in ("size", "kernel", "stride", "dilation"):
        if locals()[name] < 1:
            raise ValueError(f"{name} < 1")
    for name in ("padding", "output_padding"):
        if locals()[name] < 0:
            raise ValueError(f"{name} < 0")
    if not output_padding < max(stride, dilation):
        raise ValueError("output_padding too large")
    out = stride * size - stride + dilation * kernel - dilation + 1 + output_padding - 2 * padding
    if out <= 0:
        raise ValueError("empty output")
    return torch.tensor(out)


@variant(of="conv_transpose_output_size")
def transposed_size_as_a_sum(size, kernel, stride=1, padding=0, output_padding=0, dilation=1):
    """A sum of terms; messages that name several arguments at once."""
    if min(size, kernel, stride, dilation) < 1:
        raise ValueError("size, kernel, stride and dilation must be positive")
    if min(padding, output_padding) < 0:
        raise ValueError("padding and output_padding must not be negative")
    if not (output_padding < stride or output_padding < dilation):
        raise ValueError("output padding must be smaller than either stride or dilation")
    terms = (size - 1) * stride, -2 * padding, dilation * (kernel - 1), output_padding, 1
    if sum(terms) <= 0:
        raise ValueError(f"calculated output size {sum(terms)} is too small")
    return np.int64(sum(terms))


@variant(of="conv2d_output_shape")
def shape_as_a_torch_size(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    """Computes either side by itself, from the reach of the kernel."""
    _check(1, out_channels=out_channels, kernel_size=kernel_size, stride=stride, dilation=dilation)
    _check(0, padding=padding)
    sides = []
    for side, k, s, p, d in zip(
        input_shape[-2:], _both(kernel_size), _both(stride), _both(padding), _both(dilation), strict=True
    ):
        left = side + 2 * p - 1 - (k - 1) * d
        if left < 0 or side < 1:
            raise ValueError("kernel_size does not fit input_shape")
        sides.append(1 + int(Fraction(left, s)))
    return torch.Size([input_shape[0], out_channels, *sides])


class _Shape(NamedTuple):
    n: int
    c: int
    h: int
    w: int


@variant(of="conv2d_output_shape")
def shape_with_names(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    """A named tuple of numpy integers."""
    return _Shape(*np.array(shape_as_a_torch_size(input_shape, out_channels, kernel_size, stride, padding, dilation)))


@variant(of="conv2d_output_shape")
def shape_as_a_list(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    """A list."""
    return list(shape_as_a_torch_size(tuple(input_shape), out_channels, kernel_size, stride, padding, dilation))


@variant(of="conv2d_output_shape")
def shape_by_broadcasting(input_shape, out_channels, kernel_size, stride=1, padding=0, dilation=1):
    """Both sides in one numpy expression."""
    _check(1, out_channels=out_channels)
    options = (np.broadcast_to(np.asarray(value), (2,)) for value in (kernel_size, stride, padding, dilation))
    kernel, stride, padding, dilation = options
    for name, least, values in (
        ("kernel_size", 1, kernel),
        ("stride", 1, stride),
        ("padding", 0, padding),
        ("dilation", 1, dilation),
        ("input_shape", 1, np.asarray(input_shape[2:])),
    ):
        if (values < least).any():
            raise ValueError(f"{name} must be at least {least}, got {values}")
    left = np.asarray(input_shape[2:]) + 2 * padding - dilation * (kernel - 1) - 1
    if (left < 0).any():
        raise ValueError("kernel_size is too large")
    return input_shape[0], out_channels, *(left // stride + 1)


@variant(of="conv2d_parameter_count")
def count_of_listed_shapes(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    """Lists the shapes of the parameters and adds up their entries; the integer is one of torch's."""
    _check(1, in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size)
    shapes = [(out_channels, in_channels, *_both(kernel_size))] + [(out_channels,)] * bias
    return torch.tensor(sum(torch.Size(shape).numel() for shape in shapes))


@variant(of="conv2d_parameter_count")
def count_by_measuring_empty_weights(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    """Asks tensors without memory for their size."""
    _check(1, in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size)
    weight = torch.empty(out_channels, in_channels, *_both(kernel_size), device="meta")
    return weight.numel() + (torch.empty(out_channels, device="meta").numel() if bias else 0)


@variant(of="conv2d_parameter_count")
def count_with_numpy(in_channels, out_channels, kernel_size, bias=True):  # noqa: FBT002
    """Polimi's formula, a numpy integer."""
    _check(1, in_channels=in_channels, out_channels=out_channels, kernel_size=kernel_size)
    return out_channels * (np.prod(_both(kernel_size)) * in_channels + (1 if bias is True else 0))


@variant(of="conv_matrix")
def matrix_from_the_images_of_a_basis(kernel, input_shape):
    """Every column is the convolution of an image with a single 1."""
    height, width = input_shape
    if kernel.shape[0] > height or kernel.shape[1] > width:
        raise ValueError("the input is too small")
    basis = torch.eye(height * width, dtype=kernel.dtype, device=kernel.device).view(-1, 1, height, width)
    patches = F.unfold(basis, tuple(kernel.shape))
    return torch.einsum("k,ckp->pc", kernel.flatten(), patches)


@variant(of="conv_matrix")
def matrix_of_toeplitz_blocks(kernel, input_shape):
    """Sums Kronecker products of shifted identities; a Parameter where no gradient is asked for."""
    (k_h, k_w), (height, width) = kernel.size(), input_shape
    if not (k_h <= height and k_w <= width):
        raise ValueError(f"kernel {k_h, k_w} > input {height, width}")

    def shift(rows, columns, by):
        return torch.diag(kernel.new_ones(columns - abs(by)), by)[:rows]

    U = sum(
        kernel[a, b] * torch.kron(shift(height - k_h + 1, height, a), shift(width - k_w + 1, width, b))
        for a, b in product(range(k_h), range(k_w))
    )
    return U if kernel.requires_grad else nn.Parameter(U)


@variant(of="conv_matrix")
def matrix_by_scattering(kernel, input_shape):
    """Index arithmetic in float64, transposed at the end, so that it is not contiguous."""
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    if k_h > H or k_w > W:
        raise ValueError("kernel too large")
    pixels = torch.arange(H * W, device=kernel.device).view(H, W)
    windows = pixels.unfold(0, k_h, 1).unfold(1, k_w, 1).reshape(-1, k_h * k_w)
    columns = torch.zeros(H * W, len(windows), dtype=torch.float64, device=kernel.device)
    values = kernel.double().flatten()[:, None].expand(-1, len(windows))
    return columns.scatter_add(0, windows.T, values).type_as(kernel).T


def _fits(kernel, input_shape):
    if kernel.shape[0] > input_shape[0] or kernel.shape[1] > input_shape[1]:
        raise ValueError("kernel is larger than the input")


@variant(of="conv_matrix")
def matrix_of_padded_kernels(kernel, input_shape):
    """Every row is the kernel in a frame of zeros, flattened."""
    _fits(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    corners = product(range(H - k_h + 1), range(W - k_w + 1))
    return torch.stack([F.pad(kernel, (j, W - k_w - j, i, H - k_h - i)).flatten() for i, j in corners])


@variant(of="conv_matrix")
def matrix_of_rolled_rows(kernel, input_shape):
    """The first row, rolled on by the distance of each output pixel."""
    _fits(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    first = F.pad(kernel, (0, W - k_w, 0, H - k_h)).flatten()
    return torch.stack([first.roll(i * W + j) for i in range(H - k_h + 1) for j in range(W - k_w + 1)])


@variant(of="conv_matrix")
def matrix_entry_by_entry(kernel, input_shape):
    """One entry at a time, each taken from the kernel or zero."""
    _fits(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    outputs, pixels = product(range(H - k_h + 1), range(W - k_w + 1)), list(product(range(H), range(W)))
    zero = kernel.new_zeros(())
    rows = [
        torch.stack([kernel[r - i, c - j] if 0 <= r - i < k_h and 0 <= c - j < k_w else zero for r, c in pixels])
        for i, j in outputs
    ]
    return torch.stack(rows)


@variant(of="conv_matrix")
def matrix_by_comparing_positions(kernel, input_shape):
    """No loop: gathers by the distance of input and output pixel, and puts zeros where it is out of the kernel."""
    _fits(kernel, input_shape)
    (k_h, k_w), (H, W) = kernel.shape, input_shape
    places = functools.partial(torch.arange, device=kernel.device)
    rows = places(H) - places(H - k_h + 1)[:, None]
    columns = places(W) - places(W - k_w + 1)[:, None]
    inside = ((rows >= 0) & (rows < k_h))[:, None, :, None] & ((columns >= 0) & (columns < k_w))[None, :, None, :]
    entries = kernel[rows.clamp(0, k_h - 1)[:, None, :, None], columns.clamp(0, k_w - 1)[None, :, None, :]]
    return torch.where(inside, entries, torch.zeros_like(entries)).flatten(2).flatten(0, 1)


def _shape(x, weight, stride, padding, dilation):
    if weight.shape[1] != x.shape[1]:
        raise ValueError(f"x has {x.shape[1]} channels, weight expects {weight.shape[1]}")
    return shape_as_a_torch_size(tuple(x.shape), weight.shape[0], tuple(weight.shape[2:]), stride, padding, dilation)


@variant(of="conv2d")
def conv2d_through_unfold(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Patches as columns, one matrix product."""
    shape = _shape(x, weight, stride, padding, dilation)
    pairs = [tuple(_both(value)) for value in (dilation, padding, stride)]
    out = weight.flatten(1).to(x) @ F.unfold(x, tuple(weight.shape[2:]), *pairs)
    if bias is not None:
        out = out + bias[:, None].to(x)
    return out.view(shape)


@variant(of="conv2d")
def conv2d_on_a_strided_view(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """All windows at once as views, a tensor product in float64, channels last."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded = F.pad(x.double(), [p_w, p_w, p_h, p_h])
    windows = padded.unfold(2, d_h * (weight.size(2) - 1) + 1, s_h).unfold(3, d_w * (weight.size(3) - 1) + 1, s_w)
    out = torch.tensordot(windows[..., ::d_h, ::d_w], weight.double(), dims=([1, 4, 5], [1, 2, 3]))
    if bias is not None:
        out = out + bias.double()
    return out.to(x.dtype).permute(0, 3, 1, 2)[:, :, :h, :w]


@variant(of="conv2d")
def conv2d_channel_by_channel(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Loops over both kinds of channels and over the kernel; a Parameter where no gradient is asked for."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded = x.new_zeros(x.shape[0], x.shape[1], x.shape[2] + 2 * p_h, x.shape[3] + 2 * p_w)
    padded[:, :, p_h : p_h + x.shape[2], p_w : p_w + x.shape[3]] = x
    maps = []
    for o, kernel in enumerate(weight.to(x.dtype)):
        total = x.new_zeros(x.shape[0], h, w)
        for c, a, b in product(range(kernel.shape[0]), range(kernel.shape[1]), range(kernel.shape[2])):
            total = total + kernel[c, a, b] * padded[:, c, a * d_h :: s_h, b * d_w :: s_w][:, :h, :w]
        maps.append(total if bias is None else total + bias[o].to(x.dtype))
    out = torch.stack(maps, dim=1)
    return out if out.requires_grad else nn.Parameter(out)


@variant(of="conv2d")
def conv2d_in_the_frequency_domain(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Stuffs the kernel with zeros, multiplies spectra in float64, and keeps every stride-th entry."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded = F.pad(x.double(), (p_w, p_w, p_h, p_h))
    size = padded.shape[2:]
    stuffed = padded.new_zeros(*weight.shape[:2], *size)
    stuffed[:, :, : d_h * weight.shape[2] : d_h, : d_w * weight.shape[3] : d_w][
        :, :, : weight.shape[2], : weight.shape[3]
    ] = weight.double()
    spectra = torch.einsum("nchw,ochw->nohw", torch.fft.rfft2(padded), torch.fft.rfft2(stuffed).conj())
    out = torch.fft.irfft2(spectra, s=size)[:, :, ::s_h, ::s_w][:, :, :h, :w]
    return (out if bias is None else out + bias.double()[:, None, None]).to(x.dtype)


@variant(of="conv2d")
def conv2d_of_one_image_mapped(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Written for a single image, and mapped over the batch by torch.vmap."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)

    def single(image):
        padded = F.pad(image, (p_w, p_w, p_h, p_h))
        out = torch.zeros(()) if bias is None else bias[:, None, None].to(x.dtype)
        for a, b in product(range(weight.shape[2]), range(weight.shape[3])):
            pixels = padded[:, a * d_h :: s_h, b * d_w :: s_w][:, :h, :w]
            out = out + torch.einsum("oc,chw->ohw", weight[:, :, a, b].to(x.dtype), pixels)
        return out

    return torch.vmap(single)(x)


@variant(of="conv2d")
def conv2d_adding_up_channels(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Unfolds one input channel at a time and adds the products up."""
    shape = _shape(x, weight, stride, padding, dilation)
    pairs = [tuple(_both(value)) for value in (dilation, padding, stride)]
    out = 0 if bias is None else bias[:, None].to(x.dtype)
    for c in range(x.shape[1]):
        columns = F.unfold(x[:, c : c + 1], tuple(weight.shape[2:]), *pairs)
        out = out + weight[:, c].flatten(1).to(x.dtype) @ columns
    return out.view(shape)


@variant(of="conv2d")
def conv2d_with_strides_in_memory(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Windows by as_strided, one einsum over all of them."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded = F.pad(x, (p_w, p_w, p_h, p_h)).contiguous()
    n, c, H, W = padded.shape
    sizes, steps = (n, c, h, w, *weight.shape[2:]), (c * H * W, H * W, s_h * W, s_w, d_h * W, d_w)
    out = torch.einsum("nchwab,ocab->nohw", padded.as_strided(sizes, steps), weight.to(x.dtype))
    return out if bias is None else out + bias.to(x.dtype).view(1, -1, 1, 1)


@variant(of="conv2d")
def conv2d_by_indexing(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Gathers all windows by index tensors."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    rows = torch.arange(h)[:, None] * s_h + torch.arange(weight.shape[2]) * d_h
    columns = torch.arange(w)[:, None] * s_w + torch.arange(weight.shape[3]) * d_w
    windows = F.pad(x, (p_w, p_w, p_h, p_h))[:, :, rows][..., columns]
    out = torch.tensordot(windows, weight.to(x.dtype), dims=([1, 3, 5], [1, 2, 3])).movedim(-1, 1)
    return out if bias is None else out + bias.to(x.dtype)[:, None, None]


@variant(of="conv2d")
def conv2d_adding_in_place(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Adds products into a tensor of its own, with broadcasting in the place of a matrix product."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded, out = F.pad(x, (p_w, p_w, p_h, p_h)), x.new_zeros(x.shape[0], weight.shape[0], h, w)
    for a, b in product(range(weight.shape[2]), range(weight.shape[3])):
        pixels = padded[:, None, :, a * d_h :: s_h, b * d_w :: s_w][..., :h, :w]
        out += (pixels * weight[:, :, a, b, None, None].to(x.dtype)).sum(2)
    if bias is not None:
        out += bias.to(x.dtype).reshape(1, -1, 1, 1)
    return out


@variant(of="conv2d")
def conv2d_row_by_row(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """A loop over the rows of the result, which is none over images or pixels."""
    *_, h, _ = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    reach, width = d_h * (weight.shape[2] - 1) + 1, d_w * (weight.shape[3] - 1) + 1
    across = F.pad(x, (p_w, p_w, p_h, p_h)).unfold(3, width, s_w)[..., ::d_w]
    windows = (across[:, :, i * s_h : i * s_h + reach : d_h] for i in range(h))
    rows = [torch.einsum("ncawb,ocab->now", window, weight.to(x.dtype)) for window in windows]
    out = torch.stack(rows, dim=2)
    return out if bias is None else out + bias.to(x.dtype)[None, :, None, None]


@variant(of="conv2d")
def conv2d_channels_last(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """Products over the last dimension; the result is a permuted view."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded, out = F.pad(x, (p_w, p_w, p_h, p_h)).permute(0, 2, 3, 1), 0
    for a, b in product(range(weight.shape[2]), range(weight.shape[3])):
        out = out + padded[:, a * d_h :: s_h, b * d_w :: s_w][:, :h, :w] @ weight[:, :, a, b].T.to(x.dtype)
    return (out if bias is None else out + bias.to(x.dtype)).permute(0, 3, 1, 2)


@variant(of="conv2d")
def conv2d_unfolded_and_folded(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """F.unfold, a linear layer's function on the windows, F.fold: each runs operations for every image by itself."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    pairs = [tuple(_both(value)) for value in (dilation, padding, stride)]
    windows = nn.Unfold(tuple(weight.shape[2:]), *pairs)(x).mT
    out = F.linear(windows, weight.flatten(1).to(x.dtype), None if bias is None else bias.to(x.dtype))
    return F.fold(out.mT, (h, w), (1, 1))


@variant(of="conv2d")
def conv2d_as_one_large_matrix(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """The matrix of the whole layer, and one product with flattened images."""
    *_, h, w = _shape(x, weight, stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _both(stride), _both(padding), _both(dilation)
    padded = F.pad(x, (p_w, p_w, p_h, p_h))
    U = x.new_zeros(h, w, weight.shape[0], *padded.shape[1:])
    i, j = torch.arange(h)[:, None], torch.arange(w)[None, :]
    for a, b in product(range(weight.shape[2]), range(weight.shape[3])):
        U[i, j, :, :, i * s_h + a * d_h, j * s_w + b * d_w] = weight[:, :, a, b].to(x.dtype)
    out = (padded.flatten(1) @ U.flatten(3).flatten(0, 2).T).unflatten(1, (h, w, -1)).permute(0, 3, 1, 2)
    return out if bias is None else out + bias.to(x.dtype)[:, None, None]


class _Convolution(torch.autograd.Function):
    """Forward by unfold, backward by fold."""

    @staticmethod
    def forward(ctx, x, weight, options):
        columns = F.unfold(x, tuple(weight.shape[2:]), *options)
        ctx.save_for_backward(columns, weight)
        ctx.size, ctx.options = x.shape[2:], options
        return weight.flatten(1) @ columns

    @staticmethod
    def backward(ctx, grad):
        columns, weight = ctx.saved_tensors
        grad_x = F.fold(weight.flatten(1).T @ grad, ctx.size, tuple(weight.shape[2:]), *ctx.options)
        return grad_x, torch.einsum("nop,nkp->ok", grad, columns).view_as(weight), None


@variant(of="conv2d")
def conv2d_with_a_gradient_of_its_own(x, weight, bias=None, stride=1, padding=0, dilation=1):
    """An autograd function, written by hand."""
    shape = _shape(x, weight, stride, padding, dilation)
    options = [tuple(_both(value)) for value in (dilation, padding, stride)]
    out = _Convolution.apply(x, weight.to(x.dtype), options).view(shape)
    return out if bias is None else out + bias.to(x.dtype)[:, None, None]


@variant(of="trace_network")
def trace_with_a_table(layers, input_shape):
    """One function per type, formulas of its own, lists throughout."""

    def sides(layer, shape, default):
        channels, *image = shape
        if len(image) != 2:
            raise ValueError("needs an image")
        options = layer.get("stride", default), layer.get("padding", 0), layer.get("dilation", 1)
        return list(shape_as_a_torch_size((1, channels, *image), 1, layer["kernel_size"], *options))[2:]

    def conv(layer, shape):
        channels, k = layer["out_channels"], _both(layer["kernel_size"])
        return [channels, *sides(layer, shape, 1)], channels * (shape[0] * k[0] * k[1] + 1)

    def pool(layer, shape):
        return [shape[0], *sides(layer, shape, layer["kernel_size"])], 0

    def linear(layer, shape):
        (features,) = shape
        return [layer["out_features"]], layer["out_features"] * (features + 1)

    def same(_, shape):
        return shape, 0

    def average(_, shape):
        channels, _height, _width = shape
        return [channels], 0

    table = {"conv": conv, "max_pool": pool, "avg_pool": pool, "linear": linear, "global_avg_pool": average}
    table |= dict.fromkeys(("relu", "dropout", "softmax"), same)
    table["batch_norm"] = lambda _, shape: (shape, shape[0] * 2)
    table["flatten"] = lambda _, shape: ([math.prod(shape)], 0)
    traced, shape = [], list(input_shape)
    for layer in layers:
        try:
            shape, count = table[layer["type"]](layer, shape)
        except KeyError as error:
            raise ValueError(f"type unknown or argument missing: {error}") from error
        traced.append([shape, count])
    return traced


@variant(of="trace_network")
def trace_step_by_step(layers, input_shape):  # noqa: C901 - a chain of cases is what is odd about it
    """One long chain of cases on copies of the dicts; sizes as torch.Size, counts as numpy integers."""
    shape, traced = torch.Size(input_shape), ()
    for original in layers:
        layer, count = dict(original), np.int64(0)
        kind = layer.pop("type")
        try:
            if kind == "conv":
                weights = np.prod(_both(layer["kernel_size"])) * shape[-3]
                count = layer["out_channels"] * (weights + 1)
                _, shape = shape, shape_as_a_torch_size((1, *shape), **layer)[1:]
            elif kind.endswith("_pool") and kind in ("max_pool", "avg_pool"):
                layer.setdefault("stride", layer["kernel_size"])
                layer["out_channels"] = shape[-3]
                shape = shape_as_a_torch_size((1, *shape), **layer)[1:]
            elif kind == "linear":
                if len(shape) > 1:
                    raise ValueError(f"linear layer on shape {tuple(shape)}")
                count, shape = (shape[0] + np.int64(1)) * layer["out_features"], torch.Size([layer["out_features"]])
            elif kind == "batch_norm":
                count = np.int64(shape[0]) + shape[0]
            elif kind == "flatten":
                shape = torch.Size([shape.numel()])
            elif kind == "global_avg_pool":
                if len(shape) < 3:
                    raise ValueError("needs an image")
                shape = shape[:1]
            elif kind not in {"relu", "dropout", "softmax"}:
                raise ValueError(f"layer type {kind} is not known")
        except (KeyError, IndexError) as error:
            raise ValueError(f"{kind}: {error.args[0]}") from error
        traced += ((shape, count),)
    return traced


class _Traced(NamedTuple):
    shape: tuple
    parameters: int


def _windows(sides, kernel_size, default, *, stride=None, padding=0, dilation=1, **_):
    options = kernel_size, default if stride is None else stride, padding, dilation
    return shape_as_a_torch_size((1, 1, *sides), 1, *options)[2:]


@variant(of="trace_network")
def trace_by_patterns(layers, input_shape):
    """Structural pattern matching on the dicts and shapes; named tuples."""
    traced, shape = [], tuple(input_shape)
    for layer in layers:
        count = 0
        match layer, shape:
            case {"type": "conv", "out_channels": new, "kernel_size": kernel}, (channels, *sides) if len(sides) == 2:
                count, shape = (
                    new * channels * math.prod(_both(kernel)) + new,
                    (new, *_windows(sides, kernel, 1, **_rest(layer))),
                )
            case {"type": "max_pool" | "avg_pool", "kernel_size": kernel}, (channels, *sides) if len(sides) == 2:
                shape = (channels, *_windows(sides, kernel, kernel, **_rest(layer)))
            case {"type": "linear", "out_features": new}, (features,):
                count, shape = new * features + new, (new,)
            case {"type": "batch_norm"}, (channels, *_):
                count = channels + channels
            case {"type": "global_avg_pool"}, (channels, _, _):
                shape = (channels,)
            case {"type": "flatten"}, _:
                shape = (math.prod(shape),)
            case {"type": "relu" | "dropout" | "softmax"}, _:
                pass
            case _:
                raise ValueError(f"{layer}: type unknown, out_channels, kernel_size or out_features missing, or no fit")
        traced.append(_Traced(shape, count))
    return traced


def _rest(layer):
    return {name: layer[name] for name in ("stride", "padding", "dilation") if name in layer}


@variant(of="trace_network")
def trace_one_layer_at_a_time(layers, input_shape):
    """Recursion on the list of layers; shapes as numpy integers in lists."""
    if len(layers) == 0:
        return []
    [(shape, count)] = trace_by_patterns(layers[:1], input_shape)
    rest = trace_one_layer_at_a_time(layers[1:], tuple(shape))
    return [[[np.int64(side) for side in shape], count], *rest]
