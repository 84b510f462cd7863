"""Model solution of the assignment on convolutions: their sizes, their parameters, their values.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Kernel size, padding and stride" and "CNN in
practice"; V. Boudart, Deep Learning: introduction and basics (Liège), course 3 §1, §2 and §3.2;
Artificial Neural Networks and Deep Learning (Politecnico di Milano, 2023-24), §3.4.
"""

# ruff: noqa: FBT001, FBT002 - the contract passes bias=True as the layers of torch do

import math
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


def conv_output_size(size: int, kernel: int, stride: int = 1, padding: int = 0, dilation: int = 1) -> int:
    """Size of what a convolution gives, along one dimension.

        floor((size - 1 + 2 padding - dilation (kernel - 1)) / stride + 1)

    Args:
        size: entries of the input.
        kernel: weights of the kernel.
        stride: step from one position of the kernel to the next.
        padding: zeros added at either end.
        dilation: distance between neighbouring weights; 1 leaves no gap.

    Returns:
        The number of positions of the kernel, an ``int`` of at least 1.

    Raises:
        ValueError: ``size``, ``kernel``, ``stride`` or ``dilation`` below 1, ``padding`` below 0, or a dilated
            kernel larger than the padded input.

    Source: Boudart, course 3 §2.1. The formula of Vérine, Deep Learning II, is the case without dilation in which
    the division leaves no remainder.
    """
    _require(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _require(0, padding=padding)
    room, reach = size + 2 * padding, dilation * (kernel - 1) + 1
    if reach > room:
        raise ValueError(
            f"kernel={kernel} with dilation={dilation} covers {reach} entries, more than the {room} there are "
            f"(size={size}, padding={padding}); take a smaller kernel or dilation, or more padding"
        )
    return (room - reach) // stride + 1


def conv_transpose_output_size(
    size: int, kernel: int, stride: int = 1, padding: int = 0, output_padding: int = 0, dilation: int = 1
) -> int:
    """Size of what a transposed convolution gives, along one dimension.

        (size - 1) stride - 2 padding + dilation (kernel - 1) + output_padding + 1

    A convolution with stride s brings up to s sizes to one; ``output_padding`` says which of them to return to.
    The size comes back, the values do not: a transposed convolution is not the inverse of a convolution.

    Args:
        size: entries of the input.
        kernel: weights of the kernel.
        stride: the stride of the convolution whose size is undone.
        padding: the padding of that convolution.
        output_padding: entries added at one end of the result.
        dilation: the dilation of that convolution.

    Returns:
        An ``int`` of at least 1.

    Raises:
        ValueError: ``size``, ``kernel``, ``stride`` or ``dilation`` below 1, ``padding`` or ``output_padding``
            below 0, ``output_padding`` not below the larger of ``stride`` and ``dilation``, or a result below 1.

    Source: Boudart, course 3 §3.2; Dumoulin and Visin, A guide to convolution arithmetic (2016), §4.
    """
    _require(1, size=size, kernel=kernel, stride=stride, dilation=dilation)
    _require(0, padding=padding, output_padding=output_padding)
    if output_padding >= max(stride, dilation):
        raise ValueError(
            f"output_padding={output_padding} must be below the larger of stride={stride} and dilation={dilation}"
        )
    result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1
    if result < 1:
        raise ValueError(f"padding={padding} leaves an output of size {result}; it must leave at least 1")
    return result


def conv2d_output_shape(
    input_shape: Sequence[int],
    out_channels: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> tuple[int, int, int, int]:
    """Shape of what a two-dimensional convolution gives for a batch of images.

    Args:
        input_shape: ``(N, C, H, W)``.
        out_channels: number of kernels.
        kernel_size: an ``int``, or an ``(h, w)`` pair as a tuple or list.
        stride: an ``int`` or a pair.
        padding: an ``int`` or a pair.
        dilation: an ``int`` or a pair.

    Returns:
        ``(N, out_channels, H_out, W_out)``.

    Raises:
        ValueError: ``out_channels`` below 1, and as in ``conv_output_size`` for either dimension.

    Source: Vérine, Deep Learning II, "Kernel size, padding and stride"; Boudart, course 3 §2.1.
    """
    _require(1, out_channels=out_channels)
    n, _, height, width = input_shape
    rows, columns = zip(*map(_pair, (kernel_size, stride, padding, dilation)), strict=True)
    return n, out_channels, conv_output_size(height, *rows), conv_output_size(width, *columns)


def conv2d_parameter_count(
    in_channels: int, out_channels: int, kernel_size: int | Sequence[int], bias: bool = True
) -> int:
    """Number of trainable parameters of a two-dimensional convolution.

        out_channels (in_channels h w + 1),    and without the + 1 where there is no bias

    Args:
        in_channels: channels of the input; every kernel has weights for each of them.
        out_channels: number of kernels.
        kernel_size: an ``int``, or an ``(h, w)`` pair as a tuple or list.
        bias: whether every output channel has a bias.

    Returns:
        An ``int``, whatever the size of the image.

    Raises:
        ValueError: ``in_channels``, ``out_channels`` or ``kernel_size`` below 1, the last in either dimension.

    Source: Politecnico di Milano §3.4.
    """
    height, width = _pair(kernel_size)
    _require(1, in_channels=in_channels, out_channels=out_channels, kernel_size=min(height, width))
    return out_channels * (in_channels * height * width + bool(bias))


def conv_matrix(kernel: Tensor, input_shape: Sequence[int]) -> Tensor:
    """The matrix U of a convolution with stride 1 and no padding: a convolution is a linear layer.

        U @ x.flatten() == h.flatten(),    where h is the convolution of x with the kernel

    Args:
        kernel: ``(k_h, k_w)``.
        input_shape: ``(H, W)`` of the images x, as a tuple or list.

    Returns:
        ``(H_out * W_out, H * W)`` in the dtype of ``kernel``.

    Raises:
        ValueError: the kernel is larger than the input.

    Source: Boudart, course 3 §1.
    """
    (k_h, k_w), (height, width) = kernel.shape, input_shape
    if k_h > height or k_w > width:
        raise ValueError(f"kernel is {k_h} x {k_w}, larger than the input of {height} x {width}")
    h_out, w_out = height - k_h + 1, width - k_w + 1
    U = kernel.new_zeros(h_out, w_out, height, width)
    for i, j in product(range(h_out), range(w_out)):
        U[i, j, i : i + k_h, j : j + k_w] = kernel
    return U.reshape(h_out * w_out, height * width)


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> Tensor:
    """Two-dimensional convolution of a batch of images, as networks compute it: a cross-correlation.

        out[n, o, i, j] = bias[o] + sum over c, a, b of weight[o, c, a, b] * padded[n, c, i s_h + a d_h, j s_w + b d_w]

    All indices count from 0; ``padded`` is ``x`` in its frame of zeros, (s_h, s_w) the stride, (d_h, d_w) the dilation.

    Args:
        x: images ``(N, C_in, H, W)``.
        weight: kernels ``(C_out, C_in, k_h, k_w)``.
        bias: ``(C_out,)``, or ``None`` for no bias.
        stride: an ``int``, or an ``(h, w)`` pair as a tuple or list.
        padding: an ``int`` or a pair.
        dilation: an ``int`` or a pair.

    Returns:
        ``(N, C_out, H_out, W_out)`` in the dtype of ``x``.

    Raises:
        ValueError: ``x`` and ``weight`` differ in C_in, and as in ``conv_output_size`` for either dimension.

    Source: Vérine, Deep Learning II, "The two dimensional convolution" (whose indices count from 1) and
    "Convolutional in a network"; Boudart, course 3 §2.1.
    """
    if x.shape[1] != weight.shape[1]:
        raise ValueError(f"weight has {weight.shape[1]} input channels, x has {x.shape[1]}; they must be the same")
    c_out, _, k_h, k_w = weight.shape
    *_, h_out, w_out = conv2d_output_shape(x.shape, c_out, (k_h, k_w), stride, padding, dilation)
    (s_h, s_w), (p_h, p_w), (d_h, d_w) = _pair(stride), _pair(padding), _pair(dilation)
    padded, kernels = F.pad(x, (p_w, p_w, p_h, p_h)), weight.to(x.dtype)
    out = x.new_zeros(()) if bias is None else bias.to(x.dtype)[:, None, None]
    for a, b in product(range(k_h), range(k_w)):
        rows = slice(a * d_h, a * d_h + (h_out - 1) * s_h + 1, s_h)
        columns = slice(b * d_w, b * d_w + (w_out - 1) * s_w + 1, s_w)
        out = out + torch.einsum("nchw,oc->nohw", padded[:, :, rows, columns], kernels[:, :, a, b])
    return out


def trace_network(layers: Sequence[Mapping[str, Any]], input_shape: Sequence[int]) -> list[tuple[tuple[int, ...], int]]:
    """Output shape and number of trainable parameters of every layer of a network, computed without running it.

    A layer is a dict with its ``"type"`` and that layer's arguments, named as in the functions above:

        conv                    out_channels, kernel_size, stride = 1, padding = 0, dilation = 1; with a bias
        max_pool, avg_pool      kernel_size, stride = kernel_size, padding = 0, dilation = 1
        linear                  out_features; with a bias; takes a vector, so an image is flattened before
        batch_norm              2 C parameters, a scale and a shift for each of the C channels
        global_avg_pool         (C, H, W) becomes (C,)
        flatten                 (C, H, W) becomes (C * H * W,)
        relu, dropout, softmax  leave the shape as it is

    Args:
        layers: the layers in order; further entries of a dict (a dropout's ``p``) do not matter.
        input_shape: shape of one sample, without the batch: ``(C, H, W)`` or ``(features,)``.

    Returns:
        A list of ``(output_shape, parameter_count)``, one per layer, shapes without the batch.

    Raises:
        ValueError: an unknown type, a missing argument, a layer that does not fit what it is given, or a number in
            a convolution that ``conv_output_size`` refuses.

    Source: Politecnico di Milano §3.4, whose 4 C for batch normalization counts the 2 C running statistics as well,
    which are not trained; Vérine, Deep Learning II, "CNN in practice".
    """
    shape, traced = tuple(input_shape), []
    for layer in layers:
        shape, count = _trace_layer(layer, shape)
        traced.append((shape, count))
    return traced


def _trace_layer(layer: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    """Shape and parameter count after one layer."""
    kind = layer.get("type")
    match kind:
        case "conv":
            return _trace_conv(layer, _image(layer, shape))
        case "max_pool" | "avg_pool":
            kernel = _argument(layer, "kernel_size")
            return _window_shape({"stride": kernel, **layer}, _image(layer, shape), shape[0]), 0
        case "linear":
            return _trace_linear(layer, shape)
        case "batch_norm":
            return shape, 2 * shape[0]
        case "global_avg_pool":
            return _image(layer, shape)[:1], 0
        case "flatten":
            return (math.prod(shape),), 0
        case "relu" | "dropout" | "softmax":
            return shape, 0
    raise ValueError(
        f"unknown layer type {kind!r}; there are conv, linear, max_pool, avg_pool, batch_norm, relu, dropout, flatten, "
        "global_avg_pool and softmax"
    )


def _trace_conv(layer: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    channels, kernel = _argument(layer, "out_channels"), _argument(layer, "kernel_size")
    return _window_shape(layer, shape, channels), conv2d_parameter_count(shape[0], channels, kernel)


def _trace_linear(layer: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[tuple[int, ...], int]:
    features = _argument(layer, "out_features")
    _require(1, out_features=features)
    if len(shape) != 1:
        raise ValueError(
            f"a linear layer takes a vector, but its input has shape {shape}; put a flatten layer before it"
        )
    return (features,), features * (shape[0] + 1)


def _window_shape(layer: Mapping[str, Any], shape: tuple[int, ...], channels: int) -> tuple[int, ...]:
    """Shape after a window has slid over an image."""
    options = {name: layer[name] for name in ("stride", "padding", "dilation") if name in layer}
    return conv2d_output_shape((1, *shape), channels, layer["kernel_size"], **options)[1:]


def _image(layer: Mapping[str, Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    if len(shape) != 3:
        raise ValueError(f"a {layer['type']} layer takes an image (C, H, W), but its input has shape {shape}")
    return shape


def _argument(layer: Mapping[str, Any], name: str) -> Any:
    if name not in layer:
        raise ValueError(f"a {layer['type']} layer needs {name!r}; it has only {', '.join(layer)}")
    return layer[name]


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    """``(h, w)`` of an ``int`` that stands for both, or of a pair."""
    height, width = value if isinstance(value, tuple | list) else (value, value)
    return height, width


def _require(lowest: int, **sizes: int) -> None:
    """Raise ``ValueError`` for a size below ``lowest``."""
    for name, size in sizes.items():
        if size < lowest:
            raise ValueError(f"{name}={size} must be at least {lowest}")
