"""Wrong answers to ``dice_loss``: what students write on the way to a right one, with the sentence to read then."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from autograder.testing import misconception
from reference import dice_loss as right


def _sums(pred, target, start=1):
    """Overlap and sum of both, over every dimension from ``start``."""
    p = pred if pred.dtype == torch.float64 else pred.float()
    p, t = p.flatten(start), target.detach().to(p.dtype).flatten(start)
    return (p * t).sum(-1), p.sum(-1) + t.sum(-1)


def _checked(logits, labels):
    """Whatever the right answer refuses is refused."""
    right.pixel_cross_entropy(logits, labels)


def _wide(x):
    return x if x.dtype == torch.float64 else x.float()


def _masks(logits, labels):
    """One-hot labels with the classes in dimension 1."""
    return F.one_hot(labels, logits.shape[1]).movedim(-1, 1)


def _per_class(logits, labels, eps, dim=1):
    """The loss of every sample and class; ``dim`` is what the softmax runs over."""
    _checked(logits, labels)
    p, t = _wide(logits).softmax(dim), _masks(logits, labels)
    overlap, total = (p * t).sum((2, 3)), (p + t).sum((2, 3))
    return 1 - (2 * overlap + eps) / (total + eps)


def _nll(logits, labels):
    """The loss of every pixel, checked and wide."""
    return right._surprise(logits, labels)  # noqa: SLF001 - what a student has once pixel_cross_entropy is right


def _logarithms(logits, labels):
    """Logarithms of the softmax, where the labels are classes."""
    _checked(logits, labels)
    return _wide(logits).log_softmax(1)


def _differ(labels, dim):
    """Whether a pixel and the one after it differ along a dimension."""
    pairs = labels.shape[dim] - 1
    return labels.narrow(dim, 0, pairs) != labels.narrow(dim, 1, pairs)


def _mark(labels, dims=(1, 2), starts=(0, 1)):
    """Where a pixel differs from a neighbour in ``dims``; ``starts``: the first, the second or both of a pair."""
    marked = torch.zeros_like(labels, dtype=torch.bool)
    for dim in dims:
        differ = _differ(labels, dim)
        for start in starts:
            marked.narrow(dim, start, differ.shape[dim]).logical_or_(differ)
    return marked


def _as_weights(marked, edge_weight):
    return 1 + edge_weight * marked.float()


def _rolled(labels, shifts):
    """Where a pixel differs from another that lies ``(down, across)`` from it, round in a circle."""
    return torch.stack([labels != labels.roll(shift, (1, 2)) for shift in shifts]).any(0)


# ---------------------------------------------------------------------------------------- dice_loss


@misconception("dice_loss", hint="This is Dice's coefficient, which is best at 1; a loss is best at 0.")
def dice_coefficient(pred, target, eps=1e-6):
    return 1 - right.dice_loss(pred, target, eps)


@misconception("dice_loss", hint="The overlap counts twice in the numerator: both masks hold it.")
def overlap_counted_once(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - (overlap + eps) / (total + eps)).mean().to(pred.dtype)


@misconception(
    "dice_loss",
    hint="Over the union this is Jaccard's loss. Dice divides by the sum of both masks, with the overlap in it twice.",
)
def jaccard_loss(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - (overlap + eps) / (total - overlap + eps)).mean().to(pred.dtype)


@misconception(
    "dice_loss", hint="The probabilities in the denominator are squared here, a variant that is not asked for."
)
def squared_denominator(pred, target, eps=1e-6):
    overlap, _ = _sums(pred, target)
    _, squares = _sums(pred.float() ** 2, target)
    return (1 - (2 * overlap + eps) / (squares + eps)).mean().to(pred.dtype)


@misconception("dice_loss", hint="pred holds probabilities already: a sigmoid on top of it moves every one of them.")
def sigmoid_of_probabilities(pred, target, eps=1e-6):
    return right.dice_loss(pred.sigmoid(), target, eps)


@misconception("dice_loss", hint="Rounded probabilities have no gradient: the loss is computed from pred as it is.")
def dice_of_rounded_predictions(pred, target, eps=1e-6):
    return right.dice_loss(pred.round(), target, eps)


@misconception("dice_loss", hint="The losses of the samples are averaged, not added.")
def sum_over_the_samples(pred, target, eps=1e-6):
    return right.dice_loss(pred, target, eps) * len(pred)


@misconception("dice_loss", hint="One loss is asked for: the mean over the samples is missing.")
def one_loss_per_sample(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - (2 * overlap + eps) / (total + eps)).to(pred.dtype)


@misconception(
    "dice_loss",
    breaks="per-sample",
    hint="The sums run over the whole batch here, so that large masks drown small ones: each sample has its own "
    "fraction.",
)
def samples_pooled(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target, start=0)
    return (1 - (2 * overlap + eps) / (total + eps)).to(pred.dtype)


@misconception(
    "dice_loss",
    breaks="per-sample",
    hint="Numerators and denominators are averaged before the division; average the losses of the samples.",
)
def fraction_of_means(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - (2 * overlap + eps).mean() / (total + eps).mean()).to(pred.dtype)


@misconception(
    "dice_loss",
    breaks="any-rank",
    hint="Only the last two dimensions are summed: pred may have fewer or more than images.",
)
def sums_over_the_last_two(pred, target, eps=1e-6):
    if pred.dim() == 2:
        return right.dice_loss(pred, target, eps)
    p, t = _wide(pred), target.to(_wide(pred).dtype)
    overlap, total = (p * t).sum((-2, -1)), (p + t).sum((-2, -1))
    return (1 - (2 * overlap + eps) / (total + eps)).mean().to(pred.dtype)


@misconception("dice_loss", hint="`squeeze` drops every dimension of size 1, the batch of a single sample included.")
def squeezes_first(pred, target, eps=1e-6):
    p, t = pred.squeeze(), target.squeeze()
    return right.dice_loss(p, t, eps) if p.dim() > 1 else right.dice_loss(p.view(-1, 1), t.view(-1, 1), eps)


@misconception("dice_loss", hint="`view` works on contiguous tensors only; `flatten` and `reshape` on all.")
def views_its_arguments(pred, target, eps=1e-6):
    return right.dice_loss(pred.view(len(pred), -1), target.view(len(target), -1), eps)


@misconception("dice_loss", breaks="empty-masks", hint="Without eps two empty masks are 0/0, which is NaN.")
def dice_without_eps(pred, target, eps=1e-6):
    return right.dice_loss(pred, target, 0.0)


@misconception(
    "dice_loss",
    breaks="empty-masks",
    hint="eps in the denominator alone keeps the fraction finite, but two empty masks then cost 1 and not 0.",
)
def eps_below_only(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - 2 * overlap / (total + eps)).mean().to(pred.dtype)


@misconception("dice_loss", hint="eps is doubled along with the overlap: it is added after that.")
def eps_doubled_above(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - 2 * (overlap + eps) / (total + eps)).mean().to(pred.dtype)


@misconception("dice_loss", breaks="eps-twice", hint="eps is added to numerator and denominator; it is no lower bound.")
def eps_as_a_lower_bound(pred, target, eps=1e-6):
    overlap, total = _sums(pred, target)
    return (1 - (2 * overlap).clamp(min=eps) / total.clamp(min=eps)).mean().to(pred.dtype)


@misconception("dice_loss", hint="Your loss never uses the eps that is passed in.")
def ignores_its_eps(pred, target, eps=1e-6):
    return right.dice_loss(pred, target)


@misconception("dice_loss", hint="Which value does eps take when nobody gives one?")
def smooths_by_one(pred, target, eps=1.0):
    return right.dice_loss(pred, target, eps)


@misconception("dice_loss", hint="Which value does eps take when nobody gives one? Look at its exponent.")
def another_small_eps(pred, target, eps=1e-8):
    return right.dice_loss(pred, target, eps)


@misconception(
    "dice_loss",
    breaks="target-dtypes",
    hint="A sum of bool with `~` or `-` fails: bring the target to the dtype of pred.",
)
def subtracts_targets(pred, target, eps=1e-6):
    p = _wide(pred).flatten(1)
    missed = (p * (1 - target).flatten(1)).sum(1)
    total = p.sum(1) + target.flatten(1).sum(1, dtype=p.dtype)
    return (1 - (2 * (p.sum(1) - missed) + eps) / (total + eps)).mean().to(pred.dtype)


@misconception("dice_loss", hint="The loss has the dtype of pred, whatever that of the target.")
def dice_in_the_widest_dtype(pred, target, eps=1e-6):
    loss = right.dice_loss(pred.double(), target, eps)
    return loss.to(torch.promote_types(pred.dtype, target.dtype) if target.is_floating_point() else pred.dtype)


@misconception(
    "dice_loss",
    breaks="gradient-of-pred",
    hint="No gradient flows: is something detached, or turned into a number?",
)
def detached_dice(pred, target, eps=1e-6):
    return torch.tensor(right.dice_loss(pred, target, eps).item(), dtype=pred.dtype)


@misconception("dice_loss", hint="An operation ending in _ changes the caller's pred.")
def multiplies_in_place(pred, target, eps=1e-6):
    loss = right.dice_loss(pred, target, eps)
    with torch.no_grad():
        pred.mul_(target)
    return loss


@misconception(
    "dice_loss", hint="In the dtype of pred eps may become 0, and two empty masks 0/0: add it to the wide sums."
)
def eps_in_the_dtype_of_pred(pred, target, eps=1e-6):
    return right.dice_loss(pred, target, torch.tensor(eps, dtype=pred.dtype).item())


@misconception(
    "dice_loss",
    breaks="large-masks",
    hint="float16 ends at 65504: the sum over a large mask overflows. Sum in a wider dtype and cast the result back.",
)
def sums_in_the_dtype_of_pred(pred, target, eps=1e-6):
    p, t = pred.flatten(1), target.to(pred.dtype).flatten(1)
    overlap, total = (p * t).sum(1), p.sum(1) + t.sum(1)
    return (1 - (2 * overlap + eps) / (total + eps)).mean()


@misconception("dice_loss", hint="A Python loop runs over the samples: one expression can treat the whole batch.")
def loops_over_samples(pred, target, eps=1e-6):
    losses = [right.dice_loss(p[None], t[None], eps) for p, t in zip(pred, target, strict=True)]
    return torch.stack(losses).double().mean().to(pred.dtype)


@misconception("dice_loss", hint="A loss is a tensor, so that it can be differentiated, not a number of Python's.")
def dice_as_a_number(pred, target, eps=1e-6):
    return right.dice_loss(pred, target, eps).item()


@misconception("dice_loss", hint="`clamp_` keeps the caller's pred away from 0 and 1 as well: `clamp` makes a copy.")
def clips_pred_in_place(pred, target, eps=1e-6):
    loss = right.dice_loss(pred, target, eps)
    with torch.no_grad():
        pred.clamp_(0.01, 0.99)
    return loss


@misconception("dice_loss", hint="An operation ending in _ turns the caller's mask into its background.")
def inverts_the_target_in_place(pred, target, eps=1e-6):
    loss = right.dice_loss(pred, target, eps)
    target.logical_not_()
    return loss


@misconception(
    "dice_loss", hint="In half precision the loss goes through a number of Python's, and its gradient is lost."
)
def dice_rounded_by_way_of_a_number(pred, target, eps=1e-6):
    loss = right.dice_loss(pred, target, eps)
    return loss if pred.dtype in (torch.float32, torch.float64) else torch.tensor(loss.item(), dtype=pred.dtype)


@misconception("dice_loss", hint="A bool target takes a way of its own here, on which no gradient reaches pred.")
def no_gradient_beside_a_bool_target(pred, target, eps=1e-6):
    return right.dice_loss(pred.detach() if target.dtype == torch.bool else pred, target, eps)


@misconception("dice_loss", breaks="per-sample", hint="However large the batch, every sample counts in the mean.")
def dice_of_the_first_samples(pred, target, eps=1e-6):
    return right.dice_loss(pred[:64], target[:64], eps)


# ----------------------------------------------------------------------------- multiclass_dice_loss


@misconception("multiclass_dice_loss", hint="Labels stay integers: in half precision large ones are rounded to others.")
def labels_in_the_dtype_of_the_logits(logits, labels, eps=1e-6):
    _checked(logits, labels)
    return right.multiclass_dice_loss(logits, labels.to(logits.dtype).long(), eps)


@misconception("multiclass_dice_loss", hint="The classes compete: a softmax over them, not a sigmoid for each.")
def sigmoid_for_every_class(logits, labels, eps=1e-6):
    _checked(logits, labels)
    p = _wide(logits).sigmoid()
    return right.dice_loss(p.flatten(0, 1), _masks(logits, labels).flatten(0, 1), eps).to(logits.dtype)


@misconception("multiclass_dice_loss", hint="The logits are used as they are: the softmax is missing.")
def logits_as_probabilities(logits, labels, eps=1e-6):
    _checked(logits, labels)
    return right.dice_loss(_wide(logits).flatten(0, 1), _masks(logits, labels).flatten(0, 1), eps).to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    breaks="softmax-over-classes",
    hint="The classes lie in dimension 1; your softmax runs over the last dimension, the columns of the image.",
)
def softmax_over_columns(logits, labels, eps=1e-6):
    return _per_class(logits, labels, eps, dim=-1).mean().to(logits.dtype)


@misconception("multiclass_dice_loss", hint="No gradient flows to the logits: is something detached?")
def detached_multiclass(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits.detach(), labels, eps)


@misconception("multiclass_dice_loss", hint="The most probable class alone has no gradient: keep the probabilities.")
def dice_of_the_winner(logits, labels, eps=1e-6):
    _checked(logits, labels)
    p = _masks(logits, logits.argmax(1)).to(_wide(logits).dtype)
    return right.dice_loss(p.flatten(0, 1), _masks(logits, labels).flatten(0, 1), eps).to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    breaks="per-sample-and-class",
    hint="All classes of an image share one fraction here: each class has its own, and small classes count like large.",
)
def classes_pooled(logits, labels, eps=1e-6):
    _checked(logits, labels)
    return right.dice_loss(_wide(logits).softmax(1), _masks(logits, labels), eps).to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    breaks="per-sample-and-class",
    hint="The images of the batch share one fraction per class here: each image has its own.",
)
def images_pooled(logits, labels, eps=1e-6):
    _checked(logits, labels)
    p, t = _wide(logits).softmax(1), _masks(logits, labels)
    return right.dice_loss(p.transpose(0, 1), t.transpose(0, 1), eps).to(logits.dtype)


@misconception("multiclass_dice_loss", hint="The mean runs over the classes too: here their losses are added.")
def sum_over_the_classes(logits, labels, eps=1e-6):
    return _per_class(logits, labels, eps).sum(1).mean().to(logits.dtype)


@misconception("multiclass_dice_loss", hint="Class 0 is a class like any other: you leave it out as background.")
def without_the_background(logits, labels, eps=1e-6):
    losses = _per_class(logits, labels, eps)
    return losses[:, 1:].mean().to(logits.dtype) if losses.shape[1] > 1 else losses.mean().to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    breaks="absent-classes",
    hint="Only classes that an image shows are averaged here: one that is absent counts as well.",
)
def present_classes_only(logits, labels, eps=1e-6):
    losses, present = _per_class(logits, labels, eps), _masks(logits, labels).flatten(2).any(2)
    return ((losses * present).sum(1) / present.sum(1)).mean().to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    hint="A class that appears in no image of the batch counts as well: the number of classes is that of the logits.",
)
def classes_up_to_the_largest_label(logits, labels, eps=1e-6):
    losses = _per_class(logits, labels, eps)
    return losses[:, : int(labels.max()) + 1].mean().to(logits.dtype)


@misconception(
    "multiclass_dice_loss",
    hint="`reshape` moves no dimension: one_hot puts the classes last, and they have to travel to dimension 1.",
)
def one_hot_reshaped(logits, labels, eps=1e-6):
    _checked(logits, labels)
    t = F.one_hot(labels, logits.shape[1]).reshape(logits.shape)
    return right.dice_loss(_wide(logits).softmax(1).flatten(0, 1), t.flatten(0, 1), eps).to(logits.dtype)


@misconception("multiclass_dice_loss", hint="Your loss never uses the eps that is passed in.")
def multiclass_ignores_its_eps(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits, labels)


@misconception("multiclass_dice_loss", hint="Which value does eps take when nobody gives one?")
def multiclass_with_another_default(logits, labels, eps=1e-5):
    return right.multiclass_dice_loss(logits, labels, eps)


@misconception(
    "multiclass_dice_loss", hint="exp overflows for large logits: what may be subtracted from all of them first?"
)
def softmax_without_a_shift(logits, labels, eps=1e-6):
    _checked(logits, labels)
    powers = logits.exp()
    p = powers / powers.sum(1, keepdim=True)
    return right.dice_loss(p.flatten(0, 1), _masks(logits, labels).flatten(0, 1), eps)


@misconception(
    "multiclass_dice_loss",
    hint="One number is subtracted from all pixels; where all logits are far below it, every exp is 0, and 0/0 is NaN.",
)
def softmax_with_one_shift_for_all(logits, labels, eps=1e-6):
    _checked(logits, labels)
    powers = (logits - logits.max()).exp()
    p = powers / powers.sum(1, keepdim=True)
    return right.dice_loss(p.flatten(0, 1), _masks(logits, labels).flatten(0, 1), eps)


@misconception(
    "multiclass_dice_loss",
    breaks="label-below-zero",
    hint="Negative labels pass unnoticed: -1 belongs to no class either.",
)
def dice_of_negative_labels(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits, labels.clamp(min=0), eps)


@misconception(
    "multiclass_dice_loss",
    breaks="label-not-below-C",
    hint="With C classes the last label is C - 1: you let C itself pass.",
)
def dice_of_label_c(logits, labels, eps=1e-6):
    last = logits.shape[1] - 1
    return right.multiclass_dice_loss(logits, torch.where(labels == last + 1, last, labels), eps)


@misconception("multiclass_dice_loss", hint="-100 marks pixels to ignore in PyTorch's losses; here it is no class.")
def dice_that_ignores_minus_100(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits, torch.where(labels == -100, 0, labels), eps)


@misconception("multiclass_dice_loss", hint="A wrong label ends in one_hot's own error, which is no ValueError.")
def dice_with_one_hots_own_error(logits, labels, eps=1e-6):
    t = F.one_hot(labels, logits.shape[1]).movedim(-1, 1)
    return right.dice_loss(_wide(logits).softmax(1).flatten(0, 1), t.flatten(0, 1), eps).to(logits.dtype)


@misconception("multiclass_dice_loss", hint="float16 ends at 65504: sums over a large image need a wider dtype inside.")
def multiclass_sums_in_half_precision(logits, labels, eps=1e-6):
    _checked(logits, labels)
    p, t = logits.softmax(1), _masks(logits, labels).to(logits.dtype)
    overlap, total = (p * t).sum((2, 3)), p.sum((2, 3)) + t.sum((2, 3))
    return (1 - (2 * overlap + eps) / (total + eps)).mean()


@misconception(
    "multiclass_dice_loss", hint="A Python loop runs over the images: one expression can treat the whole batch."
)
def loops_over_images(logits, labels, eps=1e-6):
    pairs = zip(logits.split(1), labels.split(1), strict=True)
    losses = [right.multiclass_dice_loss(z.double(), label, eps) for z, label in pairs]
    return torch.stack(losses).mean().to(logits.dtype)


@misconception("multiclass_dice_loss", hint="int8 ends at 127: larger labels turn negative, and 256 turns into 0.")
def labels_in_int8(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits, labels.to(torch.int8).long(), eps)


@misconception("multiclass_dice_loss", hint="In int32 a label far too large may become a class: check it as it comes.")
def labels_in_int32(logits, labels, eps=1e-6):
    return right.multiclass_dice_loss(logits, labels.to(torch.int32).long(), eps)


@misconception("multiclass_dice_loss", hint="In half precision no gradient reaches the logits: is something detached?")
def multiclass_detached_in_half_precision(logits, labels, eps=1e-6):
    loss = right.multiclass_dice_loss(logits, labels, eps)
    return loss if logits.dtype in (torch.float32, torch.float64) else loss.detach()


@misconception(
    "multiclass_dice_loss", hint="bfloat16 counts exactly only to 256: pixels counted one by one need a wider dtype."
)
def pixels_counted_in_half_precision(logits, labels, eps=1e-6):
    _checked(logits, labels)
    batch, classes = logits.shape[:2]
    p, t = _wide(logits).softmax(1), _masks(logits, labels)
    first = torch.arange(batch).mul(classes).view(-1, 1, 1)
    one = torch.ones(labels.numel(), dtype=logits.dtype)
    count = torch.zeros(batch * classes, dtype=logits.dtype).index_add(0, (labels + first).flatten(), one)
    total = p.sum((2, 3)) + count.to(p.dtype).view(batch, classes)
    return (1 - (2 * (p * t).sum((2, 3)) + eps) / (total + eps)).mean().to(logits.dtype)


# ------------------------------------------------------------------------------ pixel_cross_entropy


@misconception("pixel_cross_entropy", hint="This is PyTorch's own cross-entropy; here the point is to write it.")
def cross_entropy_built_in(logits, labels):
    _checked(logits, labels)
    return F.cross_entropy(logits, labels)


@misconception(
    "pixel_cross_entropy", hint="log_softmax is allowed, but picking and averaging is what nll_loss would do."
)
def nll_built_in(logits, labels):
    return F.nll_loss(_logarithms(logits, labels), labels).to(logits.dtype)


@misconception("pixel_cross_entropy", hint="The logarithm of a probability is negative: a minus is missing.")
def likelihood_instead_of_loss(logits, labels):
    return -right.pixel_cross_entropy(logits, labels)


@misconception("pixel_cross_entropy", hint="The pixels' losses are averaged, not added.")
def sum_over_the_pixels(logits, labels):
    return _nll(logits, labels).sum().to(logits.dtype)


@misconception(
    "pixel_cross_entropy", hint="The mean runs over N C H W numbers, of which only N H W belong to a pixel's class."
)
def averaged_over_classes_too(logits, labels):
    return (_nll(logits, labels).mean() / logits.shape[1]).to(logits.dtype)


@misconception("pixel_cross_entropy", hint="This is one minus the probability; cross-entropy takes its logarithm.")
def probability_without_the_logarithm(logits, labels):
    return (1 - (-_nll(logits, labels)).exp()).mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy",
    breaks="softmax-over-classes",
    hint="The classes lie in dimension 1; your softmax runs over the last dimension.",
)
def entropy_over_columns(logits, labels):
    _checked(logits, labels)
    return -_wide(logits).log_softmax(-1).gather(1, labels[:, None]).mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy",
    hint="`reshape(-1, C)` moves no dimension: the classes, in dimension 1, have to travel to the end first.",
)
def entropy_of_reshaped_logits(logits, labels):
    _checked(logits, labels)
    rows = _wide(logits).reshape(-1, logits.shape[1]).log_softmax(1)
    return -rows.gather(1, labels.reshape(-1, 1)).mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy", breaks="all-pixels", hint="Pixels of class 0 count as well: 0 is no sign for 'ignore'."
)
def entropy_without_the_background(logits, labels):
    losses = _nll(logits, labels)
    return (losses * (labels > 0)).mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy",
    hint="A constant under the logarithm changes every loss, and a class that is ruled out can then cost 18 at most.",
)
def logarithm_with_a_constant(logits, labels):
    _checked(logits, labels)
    p = logits.softmax(1).gather(1, labels[:, None])
    return -(_wide(p) + 1e-8).log().mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy",
    hint="The softmax of a class that is far behind is rounded to 0, and its logarithm is -inf: use the other form.",
)
def logarithm_of_the_softmax(logits, labels):
    _checked(logits, labels)
    return -_wide(logits).softmax(1).gather(1, labels[:, None]).log().mean().to(logits.dtype)


@misconception("pixel_cross_entropy", hint="exp overflows for large logits: `torch.logsumexp` shifts them first.")
def logarithm_of_a_plain_sum(logits, labels):
    _checked(logits, labels)
    wide = _wide(logits)
    return (wide.exp().sum(1).log() - wide.gather(1, labels[:, None])[:, 0]).mean().to(logits.dtype)


@misconception(
    "pixel_cross_entropy",
    hint="The message of the ValueError should name labels, so that the caller knows where to look.",
)
def entropy_with_a_dumb_message(logits, labels):
    if labels.min() < 0 or labels.max() >= logits.shape[1]:
        raise ValueError("bad input")  # the mistake
    return right.pixel_cross_entropy(logits, labels)


@misconception(
    "pixel_cross_entropy",
    breaks="label-below-zero",
    hint="Negative labels pass unnoticed: -1 belongs to no class either.",
)
def entropy_of_negative_labels(logits, labels):
    return right.pixel_cross_entropy(logits, labels.clamp(min=0))


@misconception(
    "pixel_cross_entropy",
    breaks="label-not-below-C",
    hint="With C classes the last label is C - 1: you let C itself pass.",
)
def entropy_of_label_c(logits, labels):
    last = logits.shape[1] - 1
    return right.pixel_cross_entropy(logits, torch.where(labels == last + 1, last, labels))


@misconception("pixel_cross_entropy", hint="-100 marks pixels to ignore in PyTorch's losses; here it is no class.")
def entropy_that_ignores_minus_100(logits, labels):
    kept = labels != -100
    losses = _nll(logits, torch.where(kept, labels, 0))
    return ((losses * kept).sum() / kept.sum().clamp(min=1)).to(logits.dtype)


@misconception("pixel_cross_entropy", hint="A wrong label ends in gather's own error, which is no ValueError.")
def entropy_with_gathers_own_error(logits, labels):
    return -_wide(logits).log_softmax(1).gather(1, labels[:, None]).mean().to(logits.dtype)


@misconception("pixel_cross_entropy", hint="No gradient flows to the logits: is something detached?")
def detached_entropy(logits, labels):
    return right.pixel_cross_entropy(logits.detach(), labels)


@misconception(
    "pixel_cross_entropy", hint="float16 ends at 65504: the sum that a mean is computed from overflows on large images."
)
def entropy_summed_in_half_precision(logits, labels):
    return _nll(logits, labels).to(logits.dtype).sum() / labels.numel()


@misconception(
    "pixel_cross_entropy", hint="A Python loop runs over the images: one expression can treat the whole batch."
)
def entropy_image_by_image(logits, labels):
    pairs = zip(logits.split(1), labels.split(1), strict=True)
    losses = [right.pixel_cross_entropy(_wide(z).double(), label) for z, label in pairs]
    return torch.stack(losses).mean().to(logits.dtype)


@misconception("pixel_cross_entropy", hint="Labels stay integers: in half precision large ones are rounded to others.")
def entropy_of_rounded_labels(logits, labels):
    _checked(logits, labels)
    return right.pixel_cross_entropy(logits, labels.to(logits.dtype).long())


@misconception("pixel_cross_entropy", hint="In int32 a label far too large may become a class: check it as it comes.")
def entropy_of_labels_in_int32(logits, labels):
    return right.pixel_cross_entropy(logits, labels.to(torch.int32).long())


@misconception("pixel_cross_entropy", hint="In half precision no gradient reaches the logits: is something detached?")
def entropy_detached_in_half_precision(logits, labels):
    loss = right.pixel_cross_entropy(logits, labels)
    return loss if logits.dtype in (torch.float32, torch.float64) else loss.detach()


@misconception("pixel_cross_entropy", hint="However large the batch, every image counts in the mean.")
def entropy_of_the_first_images(logits, labels):
    _checked(logits, labels)
    return right.pixel_cross_entropy(logits[:64], labels[:64])


# --------------------------------------------------------------------------------- boundary_weights


@misconception(
    "boundary_weights",
    breaks="four-neighbours",
    hint="Pixels that share a corner only are no neighbours: there are four.",
)
def eight_neighbours(labels, edge_weight=5.0):
    padded = F.pad(labels.double()[:, None], (1, 1, 1, 1), mode="replicate")
    high, low = F.max_pool2d(padded, 3, 1), -F.max_pool2d(-padded, 3, 1)
    return _as_weights((high != low)[:, 0], edge_weight)


@misconception(
    "boundary_weights",
    breaks="no-wrap",
    hint="torch.roll goes round in a circle: the first column becomes a neighbour of the last.",
)
def neighbours_by_roll(labels, edge_weight=5.0):
    return _as_weights(_rolled(labels, [(0, 1), (0, -1), (1, 0), (-1, 0)]), edge_weight)


@misconception(
    "boundary_weights",
    breaks="frame",
    hint="The frame of the image is no boundary: a pixel there has fewer neighbours.",
)
def frame_as_boundary(labels, edge_weight=5.0):
    marked = _mark(labels)
    marked[:, [0, -1]] = True
    marked[:, :, [0, -1]] = True
    return _as_weights(marked, edge_weight)


@misconception("boundary_weights", hint="Padding with 0 puts a boundary at the frame wherever an object touches it.")
def padded_with_zeros(labels, edge_weight=5.0):
    return _as_weights(_mark(F.pad(labels, (1, 1, 1, 1)))[:, 1:-1, 1:-1], edge_weight)


@misconception(
    "boundary_weights", breaks="both-sides", hint="Both sides of a boundary count; you mark the pixel before it only."
)
def the_pixel_before(labels, edge_weight=5.0):
    return _as_weights(_mark(labels, starts=(0,)), edge_weight)


@misconception("boundary_weights", hint="Only left and right are looked at: above and below are neighbours too.")
def across_only(labels, edge_weight=5.0):
    return _as_weights(_mark(labels, dims=(2,)), edge_weight)


@misconception(
    "boundary_weights",
    breaks="added-once",
    hint="edge_weight is added once, however many neighbours have another label.",
)
def counted_per_neighbour(labels, edge_weight=5.0):
    count = torch.zeros(labels.shape)
    for dim in (1, 2):
        differ = _differ(labels, dim)
        for start in (0, 1):
            count.narrow(dim, start, differ.shape[dim]).add_(differ)
    return 1 + edge_weight * count


@misconception(
    "boundary_weights", hint="edge_weight is added once for each direction here, twice at a corner of an object."
)
def counted_per_direction(labels, edge_weight=5.0):
    return 1 + edge_weight * sum(_mark(labels, dims=(dim,)).float() for dim in (1, 2))


@misconception(
    "boundary_weights", hint="Two objects of different labels have a boundary between them, too, not only against 0."
)
def objects_against_background(labels, edge_weight=5.0):
    return _as_weights(_mark(labels > 0), edge_weight)


@misconception(
    "boundary_weights", hint="edge_weight is what a boundary weighs more than the rest: 1 + edge_weight there."
)
def edge_weight_without_the_one(labels, edge_weight=5.0):
    return torch.where(_mark(labels), float(edge_weight), 1.0)


@misconception("boundary_weights", hint="Your weights never use the edge_weight that is passed in.")
def ignores_its_edge_weight(labels, edge_weight=5.0):
    return right.boundary_weights(labels)


@misconception("boundary_weights", hint="Which value does edge_weight take when nobody gives one?")
def another_default_edge_weight(labels, edge_weight=10.0):
    return right.boundary_weights(labels, edge_weight)


@misconception("boundary_weights", hint="edge_weight = 0 is a value like any other: `or` takes it for none.")
def zero_taken_for_none(labels, edge_weight=5.0):
    return right.boundary_weights(labels, edge_weight or 5.0)


@misconception("boundary_weights", breaks="own-image", hint="The images of a batch are no neighbours of each other.")
def neighbours_across_the_batch(labels, edge_weight=5.0):
    return _as_weights(_mark(labels, dims=(0, 1, 2)), edge_weight)


@misconception("boundary_weights", hint="An image of one row or one column has boundaries as well.")
def one_row_has_no_boundary(labels, edge_weight=5.0):
    if min(labels.shape[1:]) == 1:
        return torch.ones(labels.shape)
    return right.boundary_weights(labels, edge_weight)


@misconception("boundary_weights", breaks="float32", hint="Weights are float32, whatever the dtype of the labels.")
def weights_in_the_dtype_of_the_labels(labels, edge_weight=5.0):
    return right.boundary_weights(labels, edge_weight).to(labels.dtype)


@misconception("boundary_weights", hint="The labels of the caller change: work on a copy.")
def writes_into_the_labels(labels, edge_weight=5.0):
    weights = right.boundary_weights(labels, edge_weight)
    labels.copy_(weights > 1)
    return weights


@misconception("boundary_weights", hint="A Python loop runs over the images: one expression can treat the whole batch.")
def image_by_image(labels, edge_weight=5.0):
    return torch.cat([right.boundary_weights(image, edge_weight) for image in labels.split(1)])


@misconception("boundary_weights", hint="Labels may be negative, and -1 and 1 differ: compare them with their sign.")
def labels_without_their_sign(labels, edge_weight=5.0):
    return right.boundary_weights(labels.long().abs(), edge_weight)


@misconception("boundary_weights", hint="Labels below 0 are labels like any other: here all of them become 0.")
def negative_labels_as_background(labels, edge_weight=5.0):
    return right.boundary_weights(labels.clamp(min=0), edge_weight)


@misconception(
    "boundary_weights",
    breaks="any-label",
    hint="-1 is a label too: as a sign for 'outside the image' it hides real neighbours.",
)
def padded_with_minus_one(labels, edge_weight=5.0):
    padded = F.pad(labels.long(), (1, 1, 1, 1), value=-1)
    around = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
    return _as_weights(torch.stack([(part != labels) & (part != -1) for part in around]).any(0), edge_weight)


@misconception(
    "boundary_weights",
    breaks="any-label",
    hint="255 marks pixels to ignore in some data sets; here it is a label like any other.",
)
def no_boundary_at_255(labels, edge_weight=5.0):
    return _as_weights(_mark(labels) & (labels != 255), edge_weight)


@misconception(
    "boundary_weights", hint="In int8 64 - (-64) is -128, and so is its absolute value: compare, do not subtract."
)
def absolute_differences(labels, edge_weight=5.0):
    marked = torch.zeros_like(labels, dtype=torch.bool)
    for dim in (1, 2):
        pairs = labels.shape[dim] - 1
        differ = (labels.narrow(dim, 0, pairs) - labels.narrow(dim, 1, pairs)).abs() > 0
        for start in (0, 1):
            marked.narrow(dim, start, pairs).logical_or_(differ)
    return _as_weights(marked, edge_weight)


@misconception(
    "boundary_weights",
    breaks="any-edge-weight",
    hint="edge_weight may be negative: then a boundary weighs less than the rest.",
)
def no_negative_edge_weight(labels, edge_weight=5.0):
    return right.boundary_weights(labels, max(edge_weight, 0.0))


@misconception("boundary_weights", hint="However large the batch, every image has boundaries.")
def boundaries_of_the_first_images(labels, edge_weight=5.0):
    weights = right.boundary_weights(labels, edge_weight)
    weights[64:] = 1
    return weights


# -------------------------------------------------------------------- weighted_pixel_cross_entropy


@misconception(
    "weighted_pixel_cross_entropy", hint="This is PyTorch's own cross-entropy; here the point is to write it."
)
def weighted_by_the_built_in(logits, labels, weights):
    _checked(logits, labels)
    return (weights * F.cross_entropy(_wide(logits), labels, reduction="none")).mean().to(logits.dtype)


@misconception("weighted_pixel_cross_entropy", hint="The weights have no effect on your loss.")
def weights_forgotten(logits, labels, weights):
    return right.pixel_cross_entropy(logits, labels)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="number-of-pixels",
    hint="The sum is divided by the sum of the weights; divide by the number of pixels, as on the slide.",
)
def weighted_mean(logits, labels, weights):
    return ((weights * _nll(logits, labels)).sum() / weights.sum().clamp(min=1e-12)).to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="precision",
    hint="A weight times a loss may be more than float16 can hold though the mean is not: multiply in a wider dtype.",
)
def multiplies_in_half_precision(logits, labels, weights):
    product = _nll(logits, labels).to(logits.dtype) * weights.to(logits.dtype)
    return product.to(_wide(logits).dtype).mean().to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy", hint="The weighted losses are added up; the division by N H W is missing."
)
def weighted_sum(logits, labels, weights):
    return (weights * _nll(logits, labels)).sum().to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    hint="The slide's w(x) looks like one number before the sum, but it belongs to the pixel: multiply, then average.",
)
def weight_before_the_bracket(logits, labels, weights):
    return (weights.mean() * _nll(logits, labels).mean()).to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy", hint="Pixels of weight 0 are pixels too: the division is by all of them."
)
def mean_over_weighted_pixels(logits, labels, weights):
    losses = weights * _nll(logits, labels)
    return (losses.sum() / (weights > 0).sum().clamp(min=1)).to(logits.dtype)


@misconception("weighted_pixel_cross_entropy", hint="The weight multiplies the loss, not the logits.")
def weighted_logits(logits, labels, weights):
    return right.pixel_cross_entropy(weights[:, None] * _wide(logits), labels).to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="logits-dtype",
    hint="The loss has the dtype of the logits, also where the weights are wider.",
)
def weighted_in_the_widest_dtype(logits, labels, weights):
    loss = right.weighted_pixel_cross_entropy(logits.double(), labels, weights.double())
    return loss.to(torch.promote_types(logits.dtype, weights.dtype))


@misconception(
    "weighted_pixel_cross_entropy",
    hint="A label that is no class is refused, even where its weight is 0.",
)
def checks_weighted_labels_only(logits, labels, weights):
    return right.weighted_pixel_cross_entropy(
        logits, torch.where(weights > 0, labels, labels % logits.shape[1]), weights
    )


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="label-below-zero",
    hint="Negative labels pass unnoticed: -1 is no class either.",
)
def weighted_of_negative_labels(logits, labels, weights):
    return right.weighted_pixel_cross_entropy(logits, labels.clamp(min=0), weights)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="label-not-below-C",
    hint="With C classes the last label is C - 1: you let C itself pass.",
)
def weighted_of_label_c(logits, labels, weights):
    last = logits.shape[1] - 1
    return right.weighted_pixel_cross_entropy(logits, torch.where(labels == last + 1, last, labels), weights)


@misconception("weighted_pixel_cross_entropy", hint="A wrong label ends in gather's own error, which is no ValueError.")
def weighted_with_gathers_own_error(logits, labels, weights):
    losses = -_wide(logits).log_softmax(1).gather(1, labels[:, None])[:, 0]
    return (weights * losses).mean().to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="gradient-of-weights",
    hint="No gradient flows to the weights: are they detached?",
)
def weights_detached(logits, labels, weights):
    return right.weighted_pixel_cross_entropy(logits, labels, weights.detach())


@misconception("weighted_pixel_cross_entropy", hint="An operation ending in _ changes the caller's weights.")
def normalises_weights_in_place(logits, labels, weights):
    loss = right.weighted_pixel_cross_entropy(logits, labels, weights)
    with torch.no_grad():
        weights *= 2
    return loss


@misconception(
    "weighted_pixel_cross_entropy",
    hint="float16 ends at 65504: the sum that a mean is computed from overflows on large images.",
)
def weighted_sum_in_half_precision(logits, labels, weights):
    return (weights * _nll(logits, labels)).to(logits.dtype).sum() / labels.numel()


@misconception(
    "weighted_pixel_cross_entropy", hint="A Python loop runs over the images: one expression can treat the whole batch."
)
def weighted_image_by_image(logits, labels, weights):
    triples = zip(logits.split(1), labels.split(1), weights.split(1), strict=True)
    losses = [right.weighted_pixel_cross_entropy(z.double(), label, w) for z, label, w in triples]
    return torch.stack(losses).mean().to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    hint="The weights are rounded to the dtype of the logits, where small ones become 0: widen the logits instead.",
)
def weights_in_the_dtype_of_the_logits(logits, labels, weights):
    return right.weighted_pixel_cross_entropy(logits, labels, weights.to(logits.dtype))


@misconception(
    "weighted_pixel_cross_entropy",
    hint="The losses are rounded to the dtype of the weights, which may be coarser than that of the logits.",
)
def losses_in_the_dtype_of_the_weights(logits, labels, weights):
    product = _nll(logits, labels).to(weights.dtype) * weights
    return product.double().mean().to(logits.dtype)


@misconception(
    "weighted_pixel_cross_entropy",
    hint="Weights of 0 give a loss of 0, but not a gradient of 0: what happens to the loss when such a weight grows?",
)
def nothing_to_do_without_weights(logits, labels, weights):
    _checked(logits, labels)
    return right.weighted_pixel_cross_entropy(logits, labels, weights) if weights.any() else logits.sum() * 0


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="any-weights",
    hint="Nothing says that weights are positive: take them as they are.",
)
def refuses_negative_weights(logits, labels, weights):
    if (weights < 0).any():
        raise ValueError("weights must not be negative")
    return right.weighted_pixel_cross_entropy(logits, labels, weights)


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="any-weights",
    hint="The sign of a weight is lost: take the weights as they are.",
)
def weights_without_their_sign(logits, labels, weights):
    return right.weighted_pixel_cross_entropy(logits, labels, weights.abs())


@misconception(
    "weighted_pixel_cross_entropy",
    breaks="gradient-of-weights",
    hint="Weights of another dtype than the logits are copied on the way, and no gradient reaches the original.",
)
def converted_weights_detached(logits, labels, weights):
    converted = weights if weights.dtype == logits.dtype else weights.detach()
    return right.weighted_pixel_cross_entropy(logits, labels, converted)


@misconception("weighted_pixel_cross_entropy", hint="However large the batch, every image counts in the mean.")
def weighted_of_the_first_images(logits, labels, weights):
    _checked(logits, labels)
    return right.weighted_pixel_cross_entropy(logits[:64], labels[:64], weights[:64])


# ---------------------------------------------------------------------------------------------- iou


def _counts(pred_mask, target_mask):
    """Shared pixels, pixels of one and of the other, per sample."""
    pred, target = pred_mask.flatten(1), target_mask.flatten(1)
    return (pred & target).sum(1), pred.sum(1), target.sum(1)


@misconception("iou", hint="This is Dice's coefficient: shared pixels count once above and once below the line.")
def dice_instead_of_iou(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return torch.where(one + other > 0, 2 * shared / (one + other).clamp(min=1), 1.0)


@misconception("iou", hint="This is the share of the prediction that is true; the union is in the denominator.")
def precision_instead_of_iou(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return torch.where(one > 0, shared / one.clamp(min=1), (other == 0).float())


@misconception("iou", hint="Pixels that neither mask holds are no agreement here: background does not count.")
def share_of_equal_pixels(pred_mask, target_mask):
    return (pred_mask == target_mask).flatten(1).float().mean(1)


@misconception("iou", breaks="per-sample", hint="One value per sample is asked for, not their mean.")
def mean_iou(pred_mask, target_mask):
    return right.iou(pred_mask, target_mask).mean()


@misconception("iou", breaks="per-sample", hint="The samples are thrown together: every one has a value of its own.")
def iou_of_the_whole_batch(pred_mask, target_mask):
    return right.iou(pred_mask.reshape(1, -1), target_mask.reshape(1, -1)).expand(len(pred_mask))


@misconception("iou", breaks="empty-masks", hint="Two empty masks are 0/0 here, which is NaN.")
def iou_of_nothing_is_nan(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return shared / (one + other - shared)


@misconception("iou", breaks="empty-masks", hint="Two empty masks agree perfectly: their value is 1, not 0.")
def iou_of_nothing_is_zero(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return shared / (one + other - shared).clamp(min=1)


@misconception("iou", hint="One empty mask is not enough: only where both are empty is the value 1.")
def iou_of_one_empty_mask(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    union = one + other - shared
    return torch.where((one == 0) | (other == 0), 1.0, shared / union.clamp(min=1))


@misconception("iou", hint="An empty true mask says 1 only where the prediction is empty too.")
def iou_of_an_empty_target(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return torch.where(other == 0, 1.0, shared / (one + other - shared).clamp(min=1))


@misconception("iou", hint="A constant of 1 above and below makes up for 0/0, and changes every other value.")
def iou_smoothed(pred_mask, target_mask):
    shared, one, other = _counts(pred_mask, target_mask)
    return (shared + 1) / (one + other - shared + 1)


@misconception("iou", hint="Only the last two dimensions are summed: masks may have fewer or more than images.")
def iou_of_images_only(pred_mask, target_mask):
    pred, target = pred_mask.flatten(0, -3), target_mask.flatten(0, -3)
    return right.iou(pred, target).view(pred_mask.shape[:-2]) if pred_mask.dim() > 2 else right.iou(pred, target)


@misconception("iou", hint="The values are float32; yours are float64.", breaks="float32")
def iou_in_float64(pred_mask, target_mask):
    return right.iou(pred_mask, target_mask).double()


@misconception("iou", hint="`&=` writes the intersection into the caller's mask.")
def intersection_in_place(pred_mask, target_mask):
    value = right.iou(pred_mask, target_mask)
    pred_mask &= target_mask
    return value


@misconception("iou", hint="Counts of more than 255 do not fit in uint8, and more than 65504 not in float16.")
def counts_in_a_small_dtype(pred_mask, target_mask):
    shared = (pred_mask & target_mask).flatten(1).sum(1, dtype=torch.uint8)
    union = (pred_mask | target_mask).flatten(1).sum(1, dtype=torch.uint8)
    return torch.where(union > 0, shared / union.clamp(min=1), 1.0)


@misconception("iou", hint="A Python loop runs over the samples: one expression can treat the whole batch.")
def iou_sample_by_sample(pred_mask, target_mask):
    return torch.cat([right.iou(p[None], t[None]) for p, t in zip(pred_mask, target_mask, strict=True)])


@misconception("iou", breaks="per-sample", hint="However large the batch, every sample has a value of its own.")
def iou_of_the_first_samples(pred_mask, target_mask):
    values = right.iou(pred_mask, target_mask)
    values[64:] = values[0]
    return values
