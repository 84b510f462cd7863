r"""Model solution of the assignment on losses for image segmentation.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Image segmentation", "Loss functions";
Milletari et al., V-Net (2016), for the Dice loss; Ronneberger et al., U-Net (2015), for weights near boundaries.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def dice_loss(pred: Tensor, target: Tensor, eps: float = 1e-6) -> Tensor:
    r"""One minus the overlap of a predicted mask with the true one, averaged over the batch.

    .. math::

        \mathcal{L}_n = 1 - \frac{2 \sum_i p_{n,i}\, t_{n,i} + \varepsilon}
            {\sum_i p_{n,i} + \sum_i t_{n,i} + \varepsilon},
        \qquad \mathcal{L} = \frac1N \sum_n \mathcal{L}_n

    The sums run over everything but the batch, so that every sample has a loss of its own. Two empty masks
    agree: their loss is 0. Masks may have more pixels than ``float16`` can count; in half precision too the
    loss is finite and right.

    Args:
        pred: probabilities in ``[0, 1]``, ``(N, ...)`` with at least 2 dimensions, of any floating dtype,
            ``float16`` and ``bfloat16`` included.
        target: the true mask, zeros and ones of any dtype (bool, integer or floating), of the shape of ``pred``.
            It is a constant: no gradient is asked for it.
        eps: added to the numerator and to the denominator.

    Returns:
        The loss, a tensor without dimensions in the dtype of ``pred``.

    Source: Vérine, Deep Learning II, "Loss functions", which leaves out ``eps``.
    """
    probabilities = _widened(pred).flatten(1)
    mask = target.detach().to(probabilities.dtype).flatten(1)
    overlap = (probabilities * mask).sum(1)
    total = probabilities.sum(1) + mask.sum(1)
    return (1 - (2 * overlap + eps) / (total + eps)).mean().to(pred.dtype)


def multiclass_dice_loss(logits: Tensor, labels: Tensor, eps: float = 1e-6) -> Tensor:
    r"""The Dice loss of every class in every image, averaged over both.

    .. math::

        p_{n,c,i} = \mathrm{softmax}_c(\text{logits}_{n,\cdot,i}), \qquad t_{n,c,i} = [\text{labels}_{n,i} = c],
        \qquad \mathcal{L} = \frac{1}{N C} \sum_{n,c}
            \left(1 - \frac{2 \sum_i p_{n,c,i}\, t_{n,c,i} + \varepsilon}
            {\sum_i p_{n,c,i} + \sum_i t_{n,c,i} + \varepsilon}\right)

    A class that an image does not show counts like any other.

    Args:
        logits: scores ``(N, C, H, W)``, up to 1e4 in magnitude, of any floating dtype, ``float16`` and
            ``bfloat16`` included.
        labels: int64 ``(N, H, W)``, the class of every pixel, in ``[0, C)``.
        eps: added to the numerator and to the denominator.

    Returns:
        The loss, a tensor without dimensions in the dtype of ``logits``.

    Raises:
        ValueError: where a label is below 0 or not below ``C``; the message names ``labels``.

    Source: Vérine, Deep Learning II, "Loss functions".
    """
    classes = logits.shape[1]
    _require_classes(labels, classes)
    probabilities = _widened(logits).softmax(dim=1)
    masks = F.one_hot(labels, classes).movedim(-1, 1)
    return dice_loss(probabilities.flatten(0, 1), masks.flatten(0, 1), eps).to(logits.dtype)


def pixel_cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Categorical cross-entropy, averaged over all pixels of all images.

    .. math::

        \mathcal{L} = -\frac{1}{N H W} \sum_{n,i} \log \mathrm{softmax}(\text{logits}_{n,\cdot,i})_{\text{labels}_{n,i}}

    Args:
        logits: scores ``(N, C, H, W)``, up to 1e4 in magnitude, of any floating dtype, ``float16`` and
            ``bfloat16`` included: wherever the loss itself can be represented it is finite and right.
        labels: int64 ``(N, H, W)``, the class of every pixel, in ``[0, C)``.

    Returns:
        The loss, a tensor without dimensions in the dtype of ``logits``.

    Raises:
        ValueError: where a label is below 0 or not below ``C``; the message names ``labels``.

    Source: Vérine, Deep Learning II, "Loss functions", whose ``N`` is the number of pixels.
    """
    return _surprise(logits, labels).mean().to(logits.dtype)


def boundary_weights(labels: Tensor, edge_weight: float = 5.0) -> Tensor:
    r"""Weights that are larger where one segment meets another.

    .. math::

        w_i = \begin{cases} 1 + \text{edge\_weight} & \text{if a neighbour of } i \text{ has another label} \\
            1 & \text{otherwise} \end{cases}

    The neighbours of a pixel are the up to four of the same image that share a side with it: above, below, left
    and right. The frame of an image is no boundary by itself, and neither the opposite side nor another
    image of the batch is a neighbour. However many neighbours differ, ``edge_weight`` is added once.

    Args:
        labels: integers of any dtype, ``(N, H, W)``; ``H`` and ``W`` may be 1.
        edge_weight: what a pixel at a boundary weighs more than others.

    Returns:
        Weights ``(N, H, W)``, float32.

    Source: Vérine, Deep Learning II, "Loss functions" (shape-aware loss), which leaves the weights open.
    """
    at_boundary = torch.zeros_like(labels, dtype=torch.bool)
    for dim in (1, 2):
        pairs = labels.shape[dim] - 1
        differ = labels.narrow(dim, 0, pairs) != labels.narrow(dim, 1, pairs)
        for start in (0, 1):
            at_boundary.narrow(dim, start, pairs).logical_or_(differ)
    return 1 + edge_weight * at_boundary.to(torch.float32)


def weighted_pixel_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    r"""The shape-aware loss: cross-entropy in which some pixels weigh more than others.

    .. math::

        \mathcal{L} = -\frac{1}{N H W} \sum_{n,i} w_{n,i}
            \log \mathrm{softmax}(\text{logits}_{n,\cdot,i})_{\text{labels}_{n,i}}

    The sum is divided by the number of pixels, not by the sum of the weights: doubling all weights doubles the loss.

    Args:
        logits: scores ``(N, C, H, W)``, up to 1e4 in magnitude, of any floating dtype, ``float16`` and
            ``bfloat16`` included: wherever the loss itself can be represented it is finite and right.
        labels: int64 ``(N, H, W)``, the class of every pixel, in ``[0, C)``.
        weights: ``(N, H, W)``, of any floating dtype; gradients flow to them as to the logits.

    Returns:
        The loss, a tensor without dimensions in the dtype of ``logits``.

    Raises:
        ValueError: where a label is below 0 or not below ``C``, whatever its weight; the message names ``labels``.

    Source: Vérine, Deep Learning II, "Loss functions" (shape-aware loss), which writes ``w(x)`` before the sum.
    """
    return (weights * _surprise(logits, labels)).mean().to(logits.dtype)


def iou(pred_mask: Tensor, target_mask: Tensor) -> Tensor:
    r"""Intersection over union of two masks, for every sample.

    .. math::

        \mathrm{IoU}_n = \frac{|P_n \cap T_n|}{|P_n \cup T_n|}

    Two empty masks agree: their value is 1.

    Args:
        pred_mask: bool ``(N, ...)`` with at least 2 dimensions.
        target_mask: bool, of the same shape.

    Returns:
        ``(N,)``, float32.

    Source: Jaccard (1912); its relation to Dice is in the notebook.
    """
    pred, target = pred_mask.flatten(1), target_mask.flatten(1)
    intersection, union = (pred & target).sum(1), (pred | target).sum(1)
    return torch.where(union > 0, intersection / union.clamp(min=1), 1.0).to(torch.float32)


def _surprise(logits: Tensor, labels: Tensor) -> Tensor:
    """``-log p`` of every pixel's own class, ``(N, H, W)``, in at least float32."""
    _require_classes(labels, logits.shape[1])
    log_probabilities = _widened(logits).log_softmax(dim=1)
    return -log_probabilities.gather(1, labels.unsqueeze(1)).squeeze(1)


def _require_classes(labels: Tensor, classes: int) -> None:
    """Raise ``ValueError`` unless every label is a class."""
    lowest, highest = labels.min().item(), labels.max().item()
    if lowest < 0 or highest >= classes:
        raise ValueError(
            f"labels from {lowest} to {highest}: with C={classes} classes in the logits they must lie in [0, {classes})"
        )


def _widened(values: Tensor) -> Tensor:
    """The same in at least float32: ``float16`` counts to 65504, and ``bfloat16`` exactly only to 256."""
    return values.to(torch.promote_types(values.dtype, torch.float32))
