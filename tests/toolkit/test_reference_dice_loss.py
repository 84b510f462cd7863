"""The model solution against PyTorch's own losses, autograd, numbers by hand, and its messages."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.dice_loss import (
    boundary_weights,
    dice_loss,
    iou,
    multiclass_dice_loss,
    pixel_cross_entropy,
    weighted_pixel_cross_entropy,
)

HALVES = [torch.float16, torch.bfloat16]
ROOM = {torch.float16: 2e-3, torch.bfloat16: 1e-2}
SIZES = [(2, 3, 4, 5), (1, 1, 1, 1), (3, 2, 1, 4), (1, 4, 3, 1)]


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def whole(shape: tuple[int, ...], below: int, seed: int = 0) -> Tensor:
    return torch.randint(0, below, shape, generator=torch.Generator().manual_seed(seed))


def segmentation(size: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    batch, classes, height, width = size
    return 2 * normal(*size), whole((batch, height, width), classes)


def masks(*shape: int) -> tuple[Tensor, Tensor]:
    return normal(*shape).sigmoid(), whole(shape, 2, seed=1)


def test_dice_by_hand() -> None:
    pred, target = torch.tensor([[0.5, 0.5, 1.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0, 0.0]])
    assert dice_loss(pred, target).item() == pytest.approx(0.25)
    assert dice_loss(pred, target, 4.0).item() == pytest.approx(1 - 7 / 8)
    assert dice_loss(pred[:, :1] * 0, target[:, 1:2] + 1, 1.0).item() == 0.5


def test_dice_is_the_mean_over_the_samples() -> None:
    pred, target = masks(4, 3, 2, 5)
    each = [dice_loss(p[None], t[None]) for p, t in zip(pred, target, strict=True)]
    torch.testing.assert_close(dice_loss(pred, target), torch.stack(each).mean())


@pytest.mark.parametrize("shape", [(3, 7), (2, 3, 4), (1, 1), (2, 2, 3, 2, 2)])
def test_dice_of_any_rank_is_that_of_flat_masks(shape: tuple[int, ...]) -> None:
    pred, target = masks(*shape)
    torch.testing.assert_close(dice_loss(pred, target), dice_loss(pred.flatten(1), target.flatten(1)))


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
def test_two_empty_masks_agree(dtype: torch.dtype) -> None:
    nothing = torch.zeros(2, 3, 3, dtype=dtype)
    assert dice_loss(nothing, nothing).item() == 0
    assert dice_loss(nothing, nothing + 1).item() == pytest.approx(1)


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.int64, torch.float64, *HALVES])
def test_dice_takes_targets_of_any_dtype(dtype: torch.dtype) -> None:
    pred, target = masks(2, 4, 4)
    loss = dice_loss(pred.float(), target.to(dtype))
    torch.testing.assert_close(loss, dice_loss(pred, target).float())


@pytest.mark.parametrize("dtype", HALVES)
def test_half_precision_counts_large_images(dtype: torch.dtype) -> None:
    pred, target = masks(1, 300, 300)
    logits, labels = normal(1, 2, 300, 300), whole((1, 300, 300), 2)
    weights = 1 + whole((1, 300, 300), 6, seed=2)
    pairs = [
        (dice_loss(pred.to(dtype), target.to(dtype)), dice_loss(pred, target)),
        (multiclass_dice_loss(logits.to(dtype), labels), multiclass_dice_loss(logits, labels)),
        (pixel_cross_entropy(logits.to(dtype), labels), pixel_cross_entropy(logits, labels)),
        (
            weighted_pixel_cross_entropy(logits.to(dtype), labels, weights.to(dtype)),
            weighted_pixel_cross_entropy(logits, labels, weights.double()),
        ),
    ]
    for half, exact in pairs:
        assert half.dtype == dtype
        assert half.item() == pytest.approx(exact.item(), rel=ROOM[dtype])


@pytest.mark.parametrize("size", SIZES)
def test_multiclass_dice_is_the_mean_over_images_and_classes(size: tuple[int, ...]) -> None:
    logits, labels = segmentation(size)
    p = logits.softmax(1)
    each = [dice_loss(p[n : n + 1, c], (labels[n] == c)[None], 0.1) for n in range(size[0]) for c in range(size[1])]
    torch.testing.assert_close(multiclass_dice_loss(logits, labels, 0.1), torch.stack(each).mean())


def test_absent_classes_count() -> None:
    sure = 100 * torch.eye(3).reshape(1, 3, 1, 3)
    assert multiclass_dice_loss(sure, torch.tensor([[[0, 1, 2]]])).item() == pytest.approx(0, abs=1e-6)
    loss = multiclass_dice_loss(sure, torch.tensor([[[0, 1, 1]]])).item()
    assert loss == pytest.approx((0 + (1 - 2 / 3) + 1) / 3, rel=1e-5)


@pytest.mark.parametrize("size", SIZES)
def test_cross_entropy_is_torchs(size: tuple[int, ...]) -> None:
    logits, labels = segmentation(size)
    torch.testing.assert_close(pixel_cross_entropy(logits, labels), F.cross_entropy(logits, labels))
    weights = normal(*labels.shape, seed=2).exp()
    expected = (weights * F.cross_entropy(logits, labels, reduction="none")).mean()
    torch.testing.assert_close(weighted_pixel_cross_entropy(logits, labels, weights), expected)


def test_doubled_weights_double_the_loss() -> None:
    logits, labels = segmentation((2, 3, 4, 5))
    ones = torch.ones(labels.shape)
    plain = pixel_cross_entropy(logits, labels)
    torch.testing.assert_close(weighted_pixel_cross_entropy(logits, labels, ones), plain)
    torch.testing.assert_close(weighted_pixel_cross_entropy(logits, labels, 2 * ones), 2 * plain)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES])
def test_large_logits_stay_finite(dtype: torch.dtype) -> None:
    logits = torch.tensor([[[[1e4, -1e4, 1e4, -1e4]], [[-1e4, 1e4, 1e4, -1e4]]]], dtype=dtype)
    labels = torch.tensor([[[0, 0, 0, 0]]])
    far = -2 * logits[0, 1, 0, 0].item()
    assert pixel_cross_entropy(logits, labels).item() == pytest.approx((far + 2 * math.log(2)) / 4, rel=1e-2)
    assert multiclass_dice_loss(logits, labels).item() == pytest.approx((1 - 4 / 6 + 1) / 2, rel=1e-2)


def test_gradients_agree_with_finite_differences() -> None:
    pred, target = masks(2, 3, 3)
    assert torch.autograd.gradcheck(lambda p: dice_loss(p, target), pred.requires_grad_())
    logits, labels = segmentation((2, 3, 2, 3))
    weights = normal(2, 2, 3, seed=2).exp().requires_grad_()
    logits.requires_grad_()
    assert torch.autograd.gradcheck(lambda z: multiclass_dice_loss(z, labels), logits)
    assert torch.autograd.gradcheck(lambda z: pixel_cross_entropy(z, labels), logits)
    assert torch.autograd.gradcheck(lambda z, w: weighted_pixel_cross_entropy(z, labels, w), (logits, weights))


def test_gradient_of_two_empty_masks() -> None:
    pred = torch.zeros(1, 3, requires_grad=True)
    (grad,) = torch.autograd.grad(dice_loss(pred, torch.zeros(1, 3), 0.5), pred)
    assert grad.tolist() == [[2.0, 2.0, 2.0]]


def test_losses_have_the_dtype_of_their_first_argument() -> None:
    logits, labels = segmentation((1, 2, 2, 2))
    narrow, wide = logits.float(), torch.ones(labels.shape, dtype=torch.float64)
    losses = (
        dice_loss(narrow.sigmoid(), logits > 0),
        dice_loss(narrow.sigmoid(), (logits > 0).double()),
        multiclass_dice_loss(narrow, labels),
        pixel_cross_entropy(narrow, labels),
        weighted_pixel_cross_entropy(narrow, labels, wide),
        weighted_pixel_cross_entropy(narrow, labels, wide.half()),
    )
    assert {loss.dtype for loss in losses} == {torch.float32}
    assert {loss.shape for loss in losses} == {torch.Size([])}
    assert weighted_pixel_cross_entropy(logits.half(), labels, wide).dtype == torch.float16


def test_boundaries_of_a_square_in_the_corner() -> None:
    labels = torch.tensor([[[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]])
    expected = [[1, 3, 3, 1], [3, 3, 3, 1], [3, 3, 1, 1], [1, 1, 1, 1]]
    assert boundary_weights(labels, 2.0).tolist() == [expected]
    assert boundary_weights(labels).unique().tolist() == [1, 6]


def test_boundaries_are_where_a_cross_holds_two_labels() -> None:
    labels = whole((3, 5, 6), 3)
    padded = F.pad(labels[:, None].double(), (1, 1, 1, 1), mode="replicate")
    cross = [padded[:, 0, i : i + 5, j : j + 6] for i, j in ((0, 1), (2, 1), (1, 0), (1, 2))]
    expected = torch.stack([neighbour != labels for neighbour in cross]).any(0)
    torch.testing.assert_close(boundary_weights(labels, 1.0), 1 + expected.float())


@pytest.mark.parametrize("shape", [(2, 1, 1), (2, 1, 4), (2, 4, 1), (1, 3, 3)])
@pytest.mark.parametrize("dtype", [torch.uint8, torch.int32, torch.int64])
def test_boundaries_of_small_images(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    labels = torch.arange(math.prod(shape), dtype=dtype).reshape(shape)
    weights = boundary_weights(labels, 0.5)
    assert weights.dtype == torch.float32
    assert weights.tolist() == torch.full(shape, 1.5 if shape[1:] != (1, 1) else 1.0).tolist()
    assert boundary_weights(torch.zeros_like(labels)).tolist() == torch.ones(shape).tolist()


def test_iou_by_hand() -> None:
    pred = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 0], [1, 1, 1, 1], [1, 0, 1, 0]]).bool()
    target = torch.tensor([[0, 1, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0], [1, 0, 1, 0]]).bool()
    values = iou(pred, target)
    assert values.dtype == torch.float32
    assert values.tolist() == pytest.approx([1 / 3, 1, 0, 1])
    assert iou(pred.reshape(4, 1, 2, 1, 2), target.reshape(4, 1, 2, 1, 2)).tolist() == values.tolist()


def test_dice_and_iou_tell_each_other() -> None:
    pred, target = whole((1, 50), 2).bool(), whole((1, 50), 2, seed=1).bool()
    dice = 1 - dice_loss(pred.double(), target).item()
    assert iou(pred, target).item() == pytest.approx(dice / (2 - dice))


@pytest.mark.parametrize(
    ("classes", "wrong", "said"),
    [(3, -1, "-1 to 0"), (3, 3, "0 to 3"), (1, 1, "0 to 1"), (1, -1, "-1 to 0"), (2, 255, "0 to 255")],
)
def test_labels_outside_the_classes_are_named(classes: int, wrong: int, said: str) -> None:
    labels = torch.zeros(2, 2, 2, dtype=torch.int64)
    labels[1, 0, 1] = wrong
    logits = torch.zeros(2, classes, 2, 2)
    message = rf"labels from {said}: with C={classes} classes in the logits they must lie in \[0, {classes}\)"
    with pytest.raises(ValueError, match=message):
        multiclass_dice_loss(logits, labels)
    with pytest.raises(ValueError, match=message):
        pixel_cross_entropy(logits, labels)
    with pytest.raises(ValueError, match=message):
        weighted_pixel_cross_entropy(logits, labels, torch.zeros(2, 2, 2))
