"""Right answers to ``dice_loss`` in unusual dress: each must earn full marks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant
from reference import dice_loss as right


def _wide(x):
    return x if x.dtype == torch.float64 else x.float()


def _check(labels, classes):
    if ((labels < 0) | (labels >= classes)).any():
        raise ValueError("every entry of labels must be a class")


# ---------------------------------------------------------------------------------------- dice_loss


@variant("dice_loss")
def dice_by_einsum(pred, target, eps=1e-6):
    p, t = (x.reshape(len(pred), -1).to(torch.float64) for x in (pred, target))
    score = (2 * torch.einsum("ni,ni->n", p, t) + eps) / (torch.einsum("ni->n", p + t) + eps)
    return (1 - score.sum() / len(pred)).to(pred.dtype)


@variant("dice_loss")
def dice_by_matmul(pred, target, eps=1e-6):
    """A batch of products of a row and a column."""
    p = _wide(pred).flatten(1)
    t = target.to(p.dtype).flatten(1)
    overlap = torch.bmm(p.unsqueeze(1), t.unsqueeze(2))[:, 0, 0]
    ones = p.new_ones(p.shape[1])
    return torch.mean(1.0 - (2.0 * overlap + eps) / (p @ ones + t @ ones + eps)).type_as(pred)


@variant("dice_loss")
def dice_as_a_difference(pred, target, eps=1e-6):
    """What is missed over what there is: (sum p + sum t - 2 overlap) / (sum p + sum t + eps)."""
    dims = list(range(1, pred.dim()))
    p = _wide(pred)
    t = target.to(p)
    wrong = (p + t - 2 * p * t).sum(dims)
    return wrong.div(p.sum(dims) + t.sum(dims) + eps).mean().to(pred.dtype)


@variant("dice_loss")
def dice_by_selection(pred, target, eps=1e-6):
    """The mask selects probabilities instead of being multiplied."""
    p, t = _wide(pred), target.bool()
    dims = tuple(range(1, p.dim()))
    overlap = torch.where(t, p, torch.zeros_like(p)).sum(dim=dims)
    loss = 1 - (overlap + overlap + eps) / (p.sum(dim=dims) + t.sum(dim=dims) + eps)
    return loss.mean().to(pred.dtype)


@variant("dice_loss")
def dice_by_means(pred, target, eps=1e-6):
    """Means over the pixels, with an eps that shrinks alike."""
    p = pred.to(torch.float64).flatten(start_dim=1)
    t = target.to(torch.float64).flatten(start_dim=1)
    small = eps / p.shape[1]
    return (1 - (2 * (p * t).mean(-1) + small) / ((p + t).mean(-1) + small)).mean().to(pred.dtype)


@variant("dice_loss")
def dice_in_place_on_its_own(pred, target, eps=1e-6):
    p = _wide(pred).reshape(pred.shape[0], -1)
    t = target.reshape(p.shape).to(p.dtype)
    above = p.mul(t).sum(1).mul_(2).add_(eps)
    below = p.sum(1).add_(t.sum(1)).add_(eps)
    return above.div(below).neg().add(1).mean(0, keepdim=True).squeeze(0).to(pred.dtype)


@variant("dice_loss")
def dice_dimension_by_dimension(pred, target, eps=1e-6):
    """Sums the last dimension until only the batch is left."""
    p = _wide(pred)
    both, total = p * target, p + target
    while both.dim() > 1:
        both, total = both.sum(-1), total.sum(-1)
    return torch.sub(1, (2 * both + eps).true_divide(total + eps)).mean().to(pred.dtype)


@variant("dice_loss")
def dice_by_vmap(pred, target, eps=1e-6):
    def one(p, t):
        return 1 - (2 * (p * t).sum() + eps) / (p.sum() + t.sum() + eps)

    p = _wide(pred)
    return torch.vmap(one)(p, target.to(p.dtype)).mean().to(pred.dtype)


@variant("dice_loss")
def dice_as_f_score(pred, target, eps=1e-6):
    """True and false positives and negatives: 2 TP / (2 TP + FP + FN)."""
    p, t = _wide(pred).flatten(1), _wide(target.float()).flatten(1)
    tp, fp, fn = (p * t).sum(1), (p * (1 - t)).sum(1), ((1 - p) * t).sum(1)
    return (1 - (2 * tp + eps) / (2 * tp + fp + fn + eps)).mean().to(pred.dtype)


@variant("dice_loss")
def dice_from_logarithms(pred, target, eps=1e-6):
    """The quotient as the exponential of a difference of logarithms."""
    dims = list(range(1, pred.dim()))
    overlap = torch.sum(pred * target, dim=dims, dtype=torch.float64)
    total = pred.sum(dims, dtype=torch.float64) + target.sum(dims, dtype=torch.float64)
    return -torch.expm1((2 * overlap + eps).log() - (total + eps).log()).mean().to(pred.dtype)


class _Dice(torch.autograd.Function):
    """Forward and backward by hand."""

    @staticmethod
    def forward(ctx, p, t, eps):
        overlap, total = (p * t).sum(1), (p + t).sum(1)
        ctx.save_for_backward(t, 2 * overlap + eps, total + eps)
        return (1 - (2 * overlap + eps) / (total + eps)).mean()

    @staticmethod
    def backward(ctx, grad):
        t, above, below = (part if part.dim() == 2 else part[:, None] for part in ctx.saved_tensors)
        return grad * (above / below**2 - 2 * t / below) / len(t), None, None


@variant("dice_loss")
def dice_as_autograd_function(pred, target, eps=1e-6):
    p = _wide(pred).flatten(1)
    return _Dice.apply(p, target.to(p.dtype).flatten(1), eps).to(pred.dtype)


class _Loss(nn.Module):
    """A loss of one's own as a module."""

    def __init__(self, eps):
        super().__init__()
        self.eps = eps

    def forward(self, p, t):
        overlap, total = torch.linalg.vecdot(p, t), torch.add(p, t).sum(-1)
        return torch.mean(1 - torch.div(torch.add(self.eps, overlap, alpha=2), total + self.eps))


@variant("dice_loss")
def dice_as_a_module(pred, target, eps=1e-6):
    p = _wide(pred).flatten(1)
    return _Loss(eps)(p, target.type_as(p).flatten(1)).to(pred.dtype)


# ----------------------------------------------------------------------------- multiclass_dice_loss


@variant("multiclass_dice_loss")
def multiclass_by_comparison(logits, labels, eps=1e-6):
    """Masks by broadcasting the labels against the classes."""
    classes = logits.shape[1]
    _check(labels, classes)
    p = F.softmax(logits.double(), dim=1)
    t = labels.unsqueeze(1) == torch.arange(classes, device=labels.device).view(1, -1, 1, 1)
    overlap, total = (p * t).sum((2, 3)), p.sum((2, 3)) + t.sum((2, 3))
    return torch.mean(1 - (2 * overlap + eps) / (total + eps)).to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_by_scatter(logits, labels, eps=1e-6):
    _check(labels, logits.shape[1])
    p = _wide(logits).softmax(1)
    t = torch.zeros_like(p).scatter_(1, labels.unsqueeze(1), 1.0)
    score = (2 * torch.einsum("nchw,nchw->nc", p, t) + eps) / (torch.einsum("nchw->nc", p + t) + eps)
    return (1 - score).mean(1).mean(0).to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_class_by_class(logits, labels, eps=1e-6):
    """A loop over the classes; equally many images in each, so a mean of means is the mean."""
    _check(labels, logits.shape[1])
    p = torch.softmax(_wide(logits), 1)
    losses = [right.dice_loss(p[:, c], labels == c, eps) for c in range(p.shape[1])]
    return (sum(losses) / len(losses)).to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_with_a_softmax_by_hand(logits, labels, eps=1e-6):
    _check(labels, logits.shape[1])
    shifted = _wide(logits) - _wide(logits).amax(1, keepdim=True).detach()
    powers = shifted.exp()
    p = powers / powers.sum(1, keepdim=True)
    t = torch.eye(logits.shape[1], device=logits.device)[labels].permute(0, 3, 1, 2)
    overlap, total = (p * t).flatten(2).sum(2), (p + t).flatten(2).sum(2)
    return (1 - (2 * overlap + eps) / (total + eps)).mean().to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_from_log_softmax(logits, labels, eps=1e-6):
    if labels.numel() and not 0 <= int(labels.min()) <= int(labels.max()) < logits.size(1):
        raise ValueError(f"labels: {labels.unique().tolist()} do not fit {logits.size(1)} classes")
    p = logits.double().log_softmax(1).exp().flatten(2)
    t = F.one_hot(labels.flatten(1), logits.size(1)).mT
    overlap = p.mul(t).sum(-1)
    return (1 - (overlap * 2 + eps) / (p.sum(-1) + t.sum(-1) + eps)).mean().to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_channels_last(logits, labels, eps=1e-6):
    """Sums over pixels by a matrix product with ones, classes last."""
    _check(labels, logits.shape[1])
    p = _wide(logits).movedim(1, -1).flatten(1, 2).softmax(-1)
    t = F.one_hot(labels, p.shape[-1]).flatten(1, 2).to(p.dtype)
    ones = p.new_ones(1, p.shape[1])
    overlap, total = ones @ (p * t), ones @ p + ones @ t
    return (1 - (2 * overlap + eps) / (total + eps)).mean().to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_counted_by_index_add(logits, labels, eps=1e-6):
    """The overlap gathers the probability of each pixel's own class; sizes are counted."""
    classes = logits.shape[1]
    _check(labels, classes)
    p, index = _wide(logits).softmax(1).flatten(2), labels.flatten(1)
    own = p.gather(1, index[:, None])[:, 0]
    overlap = p.new_zeros(p.shape[:2]).scatter_add(1, index, own)
    counts = p.new_zeros(p.shape[:2]).scatter_add(1, index, torch.ones_like(own))
    return (1 - (2 * overlap + eps) / (p.sum(2) + counts + eps)).mean().to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_from_differences(logits, labels, eps=1e-6):
    """p_c = 1 / sum_k exp(z_k - z_c), from all pairs of classes."""
    _check(labels, logits.shape[1])
    z = logits.double()
    p = (z.unsqueeze(1) - z.unsqueeze(2)).logsumexp(2).neg().exp()
    t = (labels[:, None] == torch.arange(z.shape[1], device=z.device)[:, None, None]).flatten(0, 1)
    return right.dice_loss(p.flatten(0, 1), t, eps).to(logits.dtype)


@variant("multiclass_dice_loss")
def multiclass_with_a_softmax_in_the_given_dtype(logits, labels, eps=1e-6):
    """Probabilities may be rounded to the dtype of the logits as long as their sums are not."""
    _check(labels, logits.shape[1])
    p = logits.softmax(1).to(_wide(logits).dtype)
    t = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)
    overlap, total = (p * t).sum((2, 3)), (p + t).sum((2, 3))
    return (1 - (2 * overlap + eps) / (total + eps)).mean().to(logits.dtype)


# ------------------------------------------------------------------------------ pixel_cross_entropy


@variant("pixel_cross_entropy")
def entropy_by_logsumexp(logits, labels):
    _check(labels, logits.shape[1])
    wide = _wide(logits)
    own = wide.gather(1, labels.unsqueeze(1)).squeeze(1)
    return (torch.logsumexp(wide, dim=1) - own).mean().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_by_one_hot(logits, labels):
    _check(labels, logits.shape[1])
    y = F.one_hot(labels, logits.shape[1]).permute(0, 3, 1, 2)
    return -(y * F.log_softmax(logits.double(), 1)).sum(1).mean().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_of_rows(logits, labels):
    """Pixels as rows, classes as columns, indexed by hand."""
    _check(labels, logits.shape[1])
    rows = _wide(logits).permute(0, 2, 3, 1).reshape(-1, logits.shape[1])
    rows = rows - rows.max(1, keepdim=True).values
    losses = rows.exp().sum(1).log() - rows[torch.arange(len(rows), device=rows.device), labels.reshape(-1)]
    return losses.sum().div(losses.numel()).to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_by_differences(logits, labels):
    """log sum exp(z_k - z_c): the softplus of several classes."""
    _check(labels, logits.shape[1])
    wide = _wide(logits)
    return (wide - wide.gather(1, labels[:, None])).logsumexp(1).mean().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_by_logaddexp(logits, labels):
    """A running sum over the classes, one after the other."""
    _check(labels, logits.shape[1])
    first, *others = _wide(logits).unbind(1)
    own = torch.where(labels == 0, first, 0)
    for c, score in enumerate(others, start=1):
        first, own = torch.logaddexp(first, score), own + torch.where(labels == c, score, 0)
    return (first - own).mean().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_with_unit_weights(logits, labels):
    return right.weighted_pixel_cross_entropy(logits, labels, torch.ones_like(labels, dtype=logits.dtype))


@variant("pixel_cross_entropy")
def entropy_by_take_along_dim(logits, labels):
    if torch.any(labels.lt(0)) or torch.any(labels.ge(logits.size(1))):
        raise ValueError("a label is out of range")
    logs = torch.log_softmax(logits, dim=1, dtype=torch.float64)
    return torch.take_along_dim(logs, labels[:, None], dim=1).mean(dtype=torch.float64).neg().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_of_selected_entries(logits, labels):
    """A bool mask picks one logarithm per pixel."""
    _check(labels, logits.shape[1])
    own = F.one_hot(labels, logits.shape[1]).movedim(-1, 1).bool()
    return _wide(logits).log_softmax(1)[own].mean().neg().to(logits.dtype)


@variant("pixel_cross_entropy")
def entropy_by_categorical(logits, labels):
    """The likelihood of the labels under the network's distribution."""
    _check(labels, logits.shape[1])
    pixels = torch.distributions.Categorical(logits=logits.double().movedim(1, -1))
    return -pixels.log_prob(labels).mean().to(logits.dtype)


# --------------------------------------------------------------------------------- boundary_weights


@variant("boundary_weights")
def weights_by_padding(labels, edge_weight=5.0):
    """Replicated frames: a pixel is its own neighbour there."""
    rows = torch.cat([labels[:, :1], labels, labels[:, -1:]], dim=1)
    columns = torch.cat([labels[:, :, :1], labels, labels[:, :, -1:]], dim=2)
    parts = (rows[:, :-2], rows[:, 2:], columns[:, :, :-2], columns[:, :, 2:])
    differs = torch.stack([part != labels for part in parts]).any(dim=0)
    return torch.where(differs, 1.0 + edge_weight, 1.0)


@variant("boundary_weights")
def weights_by_slices(labels, edge_weight=5.0):
    weights = torch.ones(labels.shape, device=labels.device)
    down, across = labels[:, 1:] != labels[:, :-1], labels[:, :, 1:] != labels[:, :, :-1]
    for region, differ in (
        (weights[:, 1:], down),
        (weights[:, :-1], down),
        (weights[:, :, 1:], across),
        (weights[:, :, :-1], across),
    ):
        region[differ] = 1 + edge_weight
    return weights


@variant("boundary_weights")
def weights_by_roll(labels, edge_weight=5.0):
    """torch.roll, and what came round the frame taken out again."""
    at_edge = torch.zeros(labels.shape, device=labels.device)
    for dim in (1, 2):
        for step in (1, -1):
            differs = labels.roll(step, dim).ne(labels)
            differs.select(dim, 0 if step == 1 else -1).fill_(0)
            at_edge = torch.maximum(at_edge, differs.float())
    return at_edge * edge_weight + 1


@variant("boundary_weights")
def weights_by_pooling(labels, edge_weight=5.0):
    """Largest and smallest label in a cross, as the larger of two bars."""
    x = labels.double().unsqueeze(1)
    bars = ((3, 1), (1, 0)), ((1, 3), (0, 1))
    high = torch.stack([F.max_pool2d(x, size, 1, pad) for size, pad in bars]).amax(0)
    low = -torch.stack([F.max_pool2d(-x, size, 1, pad) for size, pad in bars]).amax(0)
    return (1 + edge_weight * (high > low).to(torch.float64)).squeeze(1).float()


@variant("boundary_weights")
def weights_by_diff(labels, edge_weight=5.0):
    wide = labels.long()
    down, across = wide.diff(dim=1).ne(0), wide.diff(dim=2).ne(0)
    marked = F.pad(down, (0, 0, 1, 0)) | F.pad(down, (0, 0, 0, 1)) | F.pad(across, (1, 0)) | F.pad(across, (0, 1))
    return nn.Parameter(torch.ones(labels.shape, device=labels.device).masked_fill_(marked, 1 + edge_weight))


@variant("boundary_weights")
def weights_by_convolution(labels, edge_weight=5.0):
    """A cross of ones counts, class by class, the neighbours that a pixel has of its own label."""
    cross = torch.tensor([[0.0, 1, 0], [1, 0, 1], [0, 1, 0]], device=labels.device)[None, None]
    there = F.conv2d(torch.ones(labels.shape, device=labels.device)[:, None], cross, padding=1)
    alike = torch.zeros_like(there)
    for value in labels.unique():
        mask = (labels == value).float()[:, None]
        alike += mask * F.conv2d(mask, cross, padding=1)
    return (1 + edge_weight * (alike < there)).squeeze(1)


@variant("boundary_weights")
def weights_by_unfold(labels, edge_weight=5.0):
    """F.unfold lays every pixel's 3 x 3 patch out, on replicated frames."""
    padded = F.pad(labels.double()[:, None], (1, 1, 1, 1), mode="replicate")
    patches = F.unfold(padded, 3).view(len(labels), 9, *labels.shape[1:])
    return 1 + edge_weight * (patches[:, [1, 3, 5, 7]] != patches[:, 4:5]).any(1).float()


@variant("boundary_weights")
def weights_pixel_by_pixel(labels, edge_weight=5.0):
    """A loop over the pixels of an image, all images at once."""
    _, height, width = labels.shape
    weights = torch.full(labels.shape, 1.0, device=labels.device)
    for i in range(height):
        for j in range(width):
            for k, m in ((i - 1, j), (i + 1, j), (i, j - 1), (i, j + 1)):
                if 0 <= k < height and 0 <= m < width:
                    weights[labels[:, i, j] != labels[:, k, m], i, j] = 1 + edge_weight
    return weights


@variant("boundary_weights")
def weights_that_do_not_lie_in_order(labels, edge_weight=5.0):
    """Computed on the mirrored image: the result is not contiguous."""
    return right.boundary_weights(labels.mT, edge_weight).mT


# -------------------------------------------------------------------- weighted_pixel_cross_entropy


@variant("weighted_pixel_cross_entropy")
def weighted_by_logsumexp(logits, labels, weights):
    _check(labels, logits.shape[1])
    wide = _wide(logits)
    losses = wide.logsumexp(1) - wide.gather(1, labels[:, None])[:, 0]
    return (losses * weights).sum().div(labels.numel()).to(logits.dtype)


@variant("weighted_pixel_cross_entropy")
def weighted_by_einsum(logits, labels, weights):
    _check(labels, logits.shape[1])
    logs = logits.double().log_softmax(1)
    y = F.one_hot(labels, logits.shape[1]).double()
    total = torch.einsum("nhw,nhwc,nchw->", weights.double(), y, logs)
    return (-total / labels.numel()).to(logits.dtype)


@variant("weighted_pixel_cross_entropy")
def weighted_one_hot(logits, labels, weights):
    """The weights enter the one-hot labels."""
    _check(labels, logits.shape[1])
    logs = _wide(logits).log_softmax(1)
    y = torch.zeros_like(logs).scatter(1, labels.unsqueeze(1), weights.to(logs.dtype).unsqueeze(1))
    return torch.neg((y * logs).sum((1, 2, 3)) / labels[0].numel()).mean().to(logits.dtype)


@variant("weighted_pixel_cross_entropy")
def weighted_as_a_product(logits, labels, weights):
    """A scalar product of two long vectors."""
    _check(labels, logits.shape[1])
    logs = torch.log_softmax(logits.double(), 1).gather(1, labels[:, None])
    return -(torch.dot(logs.flatten(), weights.double().flatten()) / labels.numel()).to(logits.dtype)


@variant("weighted_pixel_cross_entropy")
def weighted_by_means(logits, labels, weights):
    """Per image first; images are equally large."""
    _check(labels, logits.shape[1])
    wide = _wide(logits)
    shifted = wide - wide.amax(1, keepdim=True)
    losses = shifted.exp().sum(1).log() - shifted.take_along_dim(labels[:, None], 1)[:, 0]
    return (weights.to(losses.dtype) * losses).mean((1, 2)).mean().to(logits.dtype)


@variant("weighted_pixel_cross_entropy")
def weighted_in_the_exponent(logits, labels, weights):
    """The logarithm of every pixel's own probability, and a weighted average times the mean weight."""
    _check(labels, logits.shape[1])
    logs = F.log_softmax(logits.double(), dim=1).gather(1, labels.unsqueeze(1)).squeeze(1)
    return torch.mean(logs.mul(-1).mul(weights)).to(logits.dtype)


# ---------------------------------------------------------------------------------------------- iou


@variant("iou")
def iou_by_products(pred_mask, target_mask):
    p, t = pred_mask.flatten(1).float(), target_mask.flatten(1).float()
    shared = (p * t).sum(1)
    union = p.sum(1) + t.sum(1) - shared
    return torch.where(union == 0, torch.ones_like(union), shared / union)


@variant("iou")
def iou_by_einsum(pred_mask, target_mask):
    p, t = (mask.reshape(len(mask), -1).double() for mask in (pred_mask, target_mask))
    shared = torch.einsum("ni,ni->n", p, t)
    union = p.sum(1) + t.sum(1) - shared
    return (shared / union).nan_to_num(nan=1.0).float()


@variant("iou")
def iou_by_counting(pred_mask, target_mask):
    """Two bits per pixel, counted by kind."""
    dims = tuple(range(1, pred_mask.dim()))
    kinds = pred_mask.to(torch.int64) + 2 * target_mask
    shared, union = ((kinds == 3).sum(dims), (kinds > 0).sum(dims))
    value = shared.to(torch.float32) / union
    value[union == 0] = 1
    return value


@variant("iou")
def iou_from_dice(pred_mask, target_mask):
    """J = D / (2 - D), and D is 1 where both are empty."""
    p, t = pred_mask.flatten(1).double(), target_mask.flatten(1).double()
    total = p.sum(1) + t.sum(1)
    dice = torch.where(total > 0, 2 * (p * t).sum(1) / total.clamp(min=1), 1.0)
    return (dice / (2 - dice)).float()


@variant("iou")
def iou_by_minimum_and_maximum(pred_mask, target_mask):
    """Ruzicka's form: the sum of minima over the sum of maxima, a tiny constant for empty masks."""
    p, t = pred_mask.float().flatten(1), target_mask.float().flatten(1)
    return (torch.minimum(p, t).sum(1) + 1e-9) / (torch.maximum(p, t).sum(1) + 1e-9)


@variant("iou")
def iou_by_logical_functions(pred_mask, target_mask):
    shared = torch.logical_and(pred_mask, target_mask).flatten(1).count_nonzero(dim=1)
    union = torch.logical_or(pred_mask, target_mask).flatten(1).count_nonzero(dim=1)
    empty = union == 0
    return (shared + empty).div(union + empty)
