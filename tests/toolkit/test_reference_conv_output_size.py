"""The model solution against PyTorch's own layers, float64 gradients, the slides' figures, and its messages."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from reference.conv_output_size import (
    conv2d,
    conv2d_output_shape,
    conv2d_parameter_count,
    conv_matrix,
    conv_output_size,
    conv_transpose_output_size,
    trace_network,
)

# Model 3 of the CIFAR slides: "64" after "32" is what its max pooling line says the second convolution gives.
BLOCKS = [(32, 64), (128, 128), (256, 256)]
CNN: list[dict[str, Any]] = [
    layer
    for first, second in BLOCKS
    for layer in (
        {"type": "conv", "out_channels": first, "kernel_size": 3, "padding": 1},
        {"type": "batch_norm"},
        {"type": "relu"},
        {"type": "conv", "out_channels": second, "kernel_size": 3, "padding": 1},
        {"type": "relu"},
        {"type": "max_pool", "kernel_size": 2},
    )
]
MODEL_2: list[dict[str, Any]] = [
    {"type": "conv", "out_channels": 6, "kernel_size": 5},
    {"type": "relu"},
    {"type": "max_pool", "kernel_size": 2},
    {"type": "conv", "out_channels": 16, "kernel_size": 5},
    {"type": "relu"},
    {"type": "max_pool", "kernel_size": 2},
    {"type": "flatten"},
]


def dense(*sizes: int) -> list[dict[str, Any]]:
    """Linear layers with a ReLU between them and a softmax at the end."""
    layers = [layer for size in sizes for layer in ({"type": "linear", "out_features": size}, {"type": "relu"})]
    return [*layers[:-1], {"type": "softmax"}]


def total(layers: list[dict[str, Any]], input_shape: tuple[int, ...]) -> int:
    return sum(count for _, count in trace_network(layers, input_shape))


def layer_of(kind: str, channels: int, **options: Any) -> nn.Module:
    """The layer of torch that a dict for ``trace_network`` describes."""
    layers: dict[str, Callable[[], nn.Module]] = {
        "conv": lambda: nn.Conv2d(channels, **options),
        "max_pool": lambda: nn.MaxPool2d(**options),
        "avg_pool": lambda: nn.AvgPool2d(**options),
        "batch_norm": lambda: nn.BatchNorm2d(channels),
        "relu": nn.ReLU,
        "dropout": nn.Dropout,
        "softmax": lambda: nn.Softmax(dim=1),
        "flatten": nn.Flatten,
        "global_avg_pool": lambda: nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten()),
        "linear": lambda: nn.Linear(channels, **options),
    }
    return layers[kind]()


# ----------------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("size", range(1, 12))
def test_conv_output_size_is_what_the_layer_gives(size: int) -> None:
    for kernel, stride, padding, dilation in product((1, 2, 3, 5), (1, 2, 3), (0, 1, 2), (1, 2, 3)):
        if dilation * (kernel - 1) + 1 <= size + 2 * padding:
            layer = nn.Conv1d(1, 1, kernel, stride, padding, dilation)
            expected = layer(torch.zeros(1, 1, size)).shape[-1]
            assert conv_output_size(size, kernel, stride, padding, dilation) == expected


def test_images_of_the_slides_shrink_as_they_say() -> None:
    assert conv_output_size(200, 3, stride=2) == 99
    assert conv_output_size(99, 3, stride=2) == 49
    assert conv_output_size(32, 5) == 28


@pytest.mark.parametrize("size", range(1, 7))
def test_conv_transpose_output_size_is_what_the_layer_gives(size: int) -> None:
    compared = 0
    for kernel, stride, padding, extra, dilation in product((1, 2, 4), (1, 2, 3), (0, 1), (0, 1, 2), (1, 2, 3)):
        result = (size - 1) * stride - 2 * padding + dilation * (kernel - 1) + extra + 1
        if extra < max(stride, dilation) and result >= 1:
            layer = nn.ConvTranspose1d(1, 1, kernel, stride, padding, extra, dilation=dilation)
            expected = layer(torch.zeros(1, 1, size)).shape[-1]
            assert conv_transpose_output_size(size, kernel, stride, padding, extra, dilation) == expected
            compared += 1
    assert compared > 100


def test_transposed_convolution_returns_to_every_size_that_was_rounded_away() -> None:
    for size in range(5, 20):
        small = conv_output_size(size, 3, stride=4, padding=1)
        back = conv_transpose_output_size(small, 3, stride=4, padding=1, output_padding=(size + 2 - 3) % 4)
        assert back == size


@pytest.mark.parametrize("kernel", [2, (3, 1), [1, 3]])
@pytest.mark.parametrize("stride", [1, (2, 3)])
@pytest.mark.parametrize("padding", [0, [2, 0]])
@pytest.mark.parametrize("dilation", [1, (1, 2)])
def test_conv2d_and_its_shape_are_those_of_torch(kernel: Any, stride: Any, padding: Any, dilation: Any) -> None:
    x = torch.randn(2, 3, 7, 9, dtype=torch.float64)
    weight = torch.randn(4, 3, *([kernel] * 2 if isinstance(kernel, int) else kernel), dtype=torch.float64)
    bias = torch.randn(4, dtype=torch.float64)
    expected = F.conv2d(x, weight, bias, stride, padding, dilation)
    assert conv2d_output_shape(x.shape, 4, kernel, stride, padding, dilation) == tuple(expected.shape)
    torch.testing.assert_close(conv2d(x, weight, bias, stride, padding, dilation), expected)


@pytest.mark.parametrize("kernel_size", [1, 3, (2, 5), [4, 1]])
@pytest.mark.parametrize("bias", [True, False])
def test_conv2d_parameter_count_is_that_of_the_layer(kernel_size: Any, bias: bool) -> None:
    layer = nn.Conv2d(3, 8, kernel_size, bias=bias)
    expected = sum(parameter.numel() for parameter in layer.parameters())
    assert conv2d_parameter_count(3, 8, kernel_size, bias=bias) == expected


# ---------------------------------------------------------------------------------------------- values


def test_conv_matrix_is_the_one_on_the_slide() -> None:
    matrix = conv_matrix(torch.tensor([[3.0, 2.0], [5.0, 1.0]]), (3, 3))
    x = torch.tensor([[4.0, 6.0, 3.0], [8.0, 5.0, 1.0], [2.0, 4.0, 6.0]])
    assert matrix.tolist() == [
        [3, 2, 0, 5, 1, 0, 0, 0, 0],
        [0, 3, 2, 0, 5, 1, 0, 0, 0],
        [0, 0, 0, 3, 2, 0, 5, 1, 0],
        [0, 0, 0, 0, 3, 2, 0, 5, 1],
    ]
    assert (matrix @ x.flatten()).tolist() == [69, 50, 48, 43]


@pytest.mark.parametrize(("kernel", "image"), [((1, 1), (1, 1)), ((2, 3), [4, 5]), ((3, 2), (3, 6)), ((2, 2), [2, 2])])
def test_conv_matrix_does_what_the_convolution_does(kernel: tuple[int, int], image: Any) -> None:
    u, x = torch.randn(kernel, dtype=torch.float64), torch.randn(*image, dtype=torch.float64)
    expected = F.conv2d(x[None, None], u[None, None]).flatten()
    torch.testing.assert_close(conv_matrix(u, image) @ x.flatten(), expected)


def test_conv_matrix_of_a_kernel_as_large_as_the_image_is_memory_of_its_own() -> None:
    kernel = torch.ones(2, 2)
    conv_matrix(kernel, (2, 2)).zero_()
    assert kernel.eq(1).all()


def test_conv2d_of_one_by_one_images_without_bias() -> None:
    x, weight = torch.tensor([[[[2.0]]]]), torch.tensor([[[[3.0]]], [[[4.0]]]])
    assert conv2d(x, weight).flatten().tolist() == [6, 8]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16])
def test_results_have_the_dtype_of_the_first_input(dtype: torch.dtype) -> None:
    x, weight = torch.randn(1, 2, 4, 4).to(dtype), torch.randn(3, 2, 2, 2, dtype=torch.float64)
    assert conv2d(x, weight, torch.zeros(3)).dtype == dtype
    assert conv_matrix(weight[0, 0].to(dtype), (3, 3)).dtype == dtype


def test_conv2d_is_accurate_for_large_inputs() -> None:
    x, weight = 1e4 * torch.randn(2, 8, 9, 9), 1e4 * torch.randn(4, 8, 3, 3)
    expected = F.conv2d(x.double(), weight.double(), padding=1)
    error = (conv2d(x, weight, padding=1).double() - expected).norm() / expected.norm()
    assert error < 1e-6


def test_gradients() -> None:
    def inputs(*shape: int) -> torch.Tensor:
        return torch.randn(shape, dtype=torch.float64, requires_grad=True)

    x, weight, bias = inputs(2, 2, 5, 4), inputs(3, 2, 2, 3), inputs(3)
    assert torch.autograd.gradcheck(lambda x, w, b: conv2d(x, w, b, (2, 1), (1, 2), (2, 1)), (x, weight, bias))
    assert torch.autograd.gradcheck(lambda kernel: conv_matrix(kernel, (3, 4)), (inputs(2, 2),))


# --------------------------------------------------------------------------------------- trace_network


def test_networks_of_the_slides_have_the_parameters_they_say() -> None:
    assert total(dense(64, 32, 10), (784,)) == 52_650
    assert total(dense(1024, 256, 64, 10), (3072,)) == 3_426_250
    assert total([*MODEL_2, *dense(120, 84, 10)], (3, 32, 32)) == 62_006
    dropout = {"type": "dropout", "p": 0.05}
    assert total([*CNN, dropout, {"type": "flatten"}, *dense(1024, 512, 10)], (3, 32, 32)) == 5_852_170


def test_shapes_of_the_slides() -> None:
    shapes = [shape for shape, _ in trace_network(MODEL_2, (3, 32, 32))]
    assert [shapes[i] for i in (0, 2, 3, 5, 6)] == [(6, 28, 28), (6, 14, 14), (16, 10, 10), (16, 5, 5), (400,)]
    assert trace_network(CNN, (3, 32, 32))[-1] == ((256, 4, 4), 0)


@pytest.mark.parametrize(
    "layer",
    [
        {"type": "conv", "out_channels": 5, "kernel_size": (3, 2), "stride": (2, 1), "padding": [1, 2], "dilation": 2},
        {"type": "max_pool", "kernel_size": (2, 3)},
        {"type": "max_pool", "kernel_size": 3, "stride": 2, "padding": 1, "dilation": 2},
        {"type": "avg_pool", "kernel_size": 3, "stride": (1, 2), "padding": 1},
        {"type": "batch_norm"},
        {"type": "relu"},
        {"type": "dropout"},
        {"type": "softmax"},
        {"type": "flatten"},
        {"type": "global_avg_pool"},
    ],
)
def test_a_layer_has_the_shape_and_parameters_of_the_real_one(layer: dict[str, Any]) -> None:
    options = {name: tuple(v) if isinstance(v, list) else v for name, v in layer.items() if name != "type"}
    module = layer_of(layer["type"], 3, **options)
    expected = tuple(module(torch.zeros(2, 3, 11, 8)).shape[1:]), sum(p.numel() for p in module.parameters())
    assert trace_network([layer], (3, 11, 8)) == [expected]


def test_a_network_without_layers_has_no_shapes() -> None:
    assert trace_network([], (3, 4, 4)) == []


# -------------------------------------------------------------------------------------------- messages


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0 must be at least 1"),
        ({"kernel": 0}, "kernel=0 must be at least 1"),
        ({"stride": 0}, "stride=0 must be at least 1"),
        ({"dilation": -1}, "dilation=-1 must be at least 1"),
        ({"padding": -1}, "padding=-1 must be at least 0"),
        ({"kernel": 4, "dilation": 3}, r"kernel=4 with dilation=3 covers 10 entries, more than the 9 .* \(size=9"),
    ],
)
def test_conv_output_size_refuses(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conv_output_size(**{"size": 9, "kernel": 3} | options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size=0 must be at least 1"),
        ({"kernel": 0}, "kernel=0 must be at least 1"),
        ({"stride": 0}, "stride=0 must be at least 1"),
        ({"dilation": 0}, "dilation=0 must be at least 1"),
        ({"padding": -1}, "padding=-1 must be at least 0"),
        ({"output_padding": -1}, "output_padding=-1 must be at least 0"),
        ({"output_padding": 3, "stride": 2, "dilation": 3}, "output_padding=3 must be below the larger of stride=2"),
        ({"size": 1, "kernel": 2, "padding": 1}, "padding=1 leaves an output of size 0"),
    ],
)
def test_conv_transpose_output_size_refuses(options: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conv_transpose_output_size(**{"size": 5, "kernel": 3} | options)


def test_conv2d_output_shape_refuses() -> None:
    with pytest.raises(ValueError, match="out_channels=0 must be at least 1"):
        conv2d_output_shape((1, 3, 8, 8), 0, 3)
    with pytest.raises(ValueError, match=r"kernel=9 .* \(size=8, padding=0\)"):
        conv2d_output_shape((1, 3, 8, 20), 4, 9)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ((0, 1, 1), "in_channels=0 must be at least 1"),
        ((1, 0, 1), "out_channels=0 must be at least 1"),
        ((1, 1, 0), "kernel_size=0 must be at least 1"),
        ((1, 1, (3, -1)), "kernel_size=-1 must be at least 1"),
        ((1, 1, (-2, -1)), "kernel_size=-2 must be at least 1"),
    ],
)
def test_conv2d_parameter_count_refuses(counts: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        conv2d_parameter_count(*counts)


def test_conv_matrix_refuses_a_kernel_larger_than_the_input() -> None:
    with pytest.raises(ValueError, match="kernel is 2 x 4, larger than the input of 3 x 3"):
        conv_matrix(torch.ones(2, 4), (3, 3))


def test_conv2d_refuses() -> None:
    with pytest.raises(ValueError, match="weight has 3 input channels, x has 1"):
        conv2d(torch.ones(1, 1, 4, 4), torch.ones(2, 3, 2, 2))
    with pytest.raises(ValueError, match="padding=-1 must be at least 0"):
        conv2d(torch.ones(1, 3, 4, 4), torch.ones(2, 3, 2, 2), padding=(0, -1))


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        ({"type": "pool"}, "unknown layer type 'pool'; there are conv, linear"),
        ({}, "unknown layer type None"),
        ({"type": "conv", "kernel_size": 3}, "a conv layer needs 'out_channels'; it has only type, kernel_size"),
        ({"type": "avg_pool"}, "a avg_pool layer needs 'kernel_size'"),
        ({"type": "linear"}, "a linear layer needs 'out_features'"),
        ({"type": "linear", "out_features": 0}, "out_features=0 must be at least 1"),
        ({"type": "linear", "out_features": 2}, r"a linear layer takes a vector, .* shape \(3, 8, 8\)"),
        ({"type": "conv", "out_channels": 2, "kernel_size": 9}, "kernel=9"),
        ({"type": "conv", "out_channels": 2, "kernel_size": 3, "stride": (1, 0)}, "stride=0 must be at least 1"),
    ],
)
def test_trace_network_refuses(layer: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        trace_network([{"type": "relu"}, layer], (3, 8, 8))


@pytest.mark.parametrize("kind", ["conv", "max_pool", "avg_pool", "global_avg_pool"])
def test_trace_network_refuses_an_image_layer_after_flatten(kind: str) -> None:
    layer = {"type": kind, "out_channels": 2, "kernel_size": 1}
    with pytest.raises(
        ValueError, match=rf"a {kind} layer takes an image \(C, H, W\), but its input has shape \(192,\)"
    ):
        trace_network([{"type": "flatten"}, layer], (3, 8, 8))
