"""Graded tests of the assignment on losses for image segmentation: 20 points over six functions."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.testing import (
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
    forbid,
    question,
)
from autograder.testing import strategies as ts
from autograder.testing.compare import TOLERANCE

FORBIDDEN = {
    "*": forbid(
        "aten::*loss*",
        "aten::*cross_entropy*",
        "aten::*kl_div*",
        "aten::*margin*",
        "torch.nn.functional.*loss*",
        "torch.nn.functional.*cross_entropy*",
        "torch.nn.functional.*kl_div*",
        "torch.nn.functional.*margin*",
        "nn.*Loss*",
        # torch's own formulas in Python
        "py::torch._*loss*",
        "py::torch._*cross_entropy*",
        "py::torch._*kl_div*",
        names=(
            *("cross_entropy", "nll_loss", "binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"),
            *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "poisson_nll_loss", "gaussian_nll_loss"),
            *("soft_margin_loss", "multilabel_soft_margin_loss", "hinge_embedding_loss", "multi_margin_loss"),
            *("CrossEntropyLoss", "NLLLoss", "BCELoss", "BCEWithLogitsLoss", "KLDivLoss", "DiceLoss", "JaccardLoss"),
            *("monai", "segmentation_models_pytorch", "torchmetrics", "kornia", "torchvision", "_refs", "_decomp"),
        ),
    ),
}

UNIT = 1.0  # a Dice loss is one minus a fraction of about 1: errors are judged against 1
# float32 near 1e4 has a spacing of 1e-3, which x - logsumexp(x) leaves in the logarithm of a probability.
SHIFTED = 2e-3
HALVES = st.sampled_from(ts.HALVES)
EPSILONS = st.sampled_from((1e-3, 0.1, 1.0, 20.0))
MASK_DTYPES = (torch.bool, torch.uint8, torch.int8, torch.int32, torch.int64, *ts.HALVES, *ts.FLOATS)
LARGE_DTYPES = (
    (torch.float16, torch.float16),
    (torch.bfloat16, torch.uint8),
    (torch.float32, torch.bfloat16),
    (torch.float64, torch.int8),
    (torch.float16, torch.bool),
)
RIM = 300  # of large images: 300 * 300 pixels are more than float16 can count
MANY = 130  # samples, more than one would look at by hand


# ------------------------------------------------------------------------------------------- inputs


def _integers(shape, classes, seed):
    """Uniform whole numbers in ``[0, classes)``."""
    return torch.randint(0, classes, shape, generator=torch.Generator().manual_seed(seed))


def _probabilities(shape, seed, dtype=torch.float32):
    """Numbers strictly between 0 and 1."""
    return ts.build(shape, seed=seed, scale=2.0, dtype=torch.float64).sigmoid().to(dtype)


def _mask(shape, seed, dtype=torch.float32):
    """Zeros and ones; every sample has a pixel of each where it has two."""
    mask = _integers(shape, 2, seed).to(dtype)
    flat = mask.view(shape[0], -1)
    flat[:, 0], flat[:, -1] = 0, 1
    return mask


@st.composite
def mask_pairs(draw, *, shape=None, dtype=None, layouts=ts.LAYOUTS, same_samples=False):
    """``(pred, target)``, of one floating dtype; where ``same_samples``, one sample several times."""
    size = draw(ts.shapes(min_dims=2, max_dims=5, max_size=4)) if shape is None else draw(shape)
    chosen = draw(ts.float_dtypes()) if dtype is None else draw(dtype)
    pred, target = _probabilities(size, draw(ts.seeds()), chosen), _mask(size, draw(ts.seeds()), chosen)
    if same_samples:
        pred, target = (part[:1].repeat(len(part), *[1] * (part.dim() - 1)) for part in (pred, target))
    return tuple(ts.lay_out(part, draw(st.sampled_from(layouts))) for part in (pred, target))


PLAIN = st.just(torch.float32)  # of the gates: whoever forgets other dtypes and layouts loses those tests alone
TIDY = ("contiguous",)
IMAGES = ts.shapes(min_dims=4, max_dims=4, min_size=2)


@st.composite
def mixed_masks(draw):
    """``(pred, target)``, the target of any dtype."""
    pred, target = draw(mask_pairs(dtype=ts.float_dtypes(halves=True), layouts=TIDY))
    return pred, target.to(draw(st.sampled_from(MASK_DTYPES)))


@st.composite
def large_masks(draw):
    """``(pred, target)`` several times, of dtypes of their own: so many pixels that sums need a wider one."""
    shape, seed = (1, RIM, RIM), draw(ts.seeds())
    return [(_probabilities(shape, seed, one), _mask(shape, seed, other)) for one, other in LARGE_DTYPES]


@st.composite
def uneven_masks(draw):
    """``(pred, target)``: the samples' masks grow from one pixel to all of them."""
    batch = draw(st.one_of(st.integers(2, 5), st.just(MANY)))
    height, width = draw(st.tuples(st.integers(2, 5), st.integers(2, 5)))
    pred = _probabilities((batch, height, width), draw(ts.seeds()))
    share = torch.linspace(0, 1, batch).view(-1, 1)
    target = (torch.arange(height * width) <= share * (height * width - 1)).float()
    return pred, target.view(batch, height, width)


@st.composite
def empty_masks(draw):
    """``(pred, target)``: first a sample in which both are empty, then one in which either is, then neither."""
    dtype = draw(ts.float_dtypes(halves=True))
    shape = (4, *draw(ts.shapes(min_dims=1, max_dims=3, max_size=4)))
    pred, target = _probabilities(shape, draw(ts.seeds()), dtype), _mask(shape, draw(ts.seeds()), dtype)
    pred[:2], target[:3:2] = 0, 0
    few = draw(st.sampled_from((1, 4)))
    return pred[:few], target[:few]


@st.composite
def tiny_predictions(draw):
    """``(pred, target)`` whose sums are about as large as the default eps."""
    dtype = draw(ts.float_dtypes())
    batch, pixels = draw(st.integers(1, 3)), draw(st.integers(1, 6))
    pred = _probabilities((batch, pixels), draw(ts.seeds()), torch.float64) * 4e-6 / pixels
    return pred.to(dtype), torch.zeros(batch, pixels, dtype=dtype)


@st.composite
def segmentations(draw, *, dtype=None, classes=None, min_size=1, layouts=ts.LAYOUTS, scale=2.0):
    """``(logits, labels)``: any size, images mostly not square."""
    batch, height, width = (draw(st.integers(min_size, most)) for most in (4, 5, 6))
    count = draw(st.integers(min_size, 4) if classes is None else classes)
    chosen = draw(ts.float_dtypes() if dtype is None else dtype)
    logits = ts.build((batch, count, height, width), seed=draw(ts.seeds()), scale=scale, dtype=chosen)
    labels = _integers((batch, height, width), count, draw(ts.seeds()))
    return tuple(ts.lay_out(part, draw(st.sampled_from(layouts))) for part in (logits, labels))


@st.composite
def full_segmentations(draw, *, same_samples):
    """``(logits, labels)`` in float32: every class in every image; where ``same_samples``, one image repeated."""
    batch, count, height, width = (draw(st.integers(2, most)) for most in (4, 4, 3, 5))
    logits = ts.build((batch, count, height + 1, width), seed=draw(ts.seeds()), scale=2.0)
    labels = _integers((batch, height + 1, width), count, draw(ts.seeds()))
    labels.view(batch, -1)[:, :count] = torch.arange(count)
    if same_samples:
        logits, labels = logits[:1].repeat(batch, 1, 1, 1), labels[:1].repeat(batch, 1, 1)
    return logits, labels


@st.composite
def many_images(draw):
    """``(logits, labels)`` in float32: a large batch of small images, all different."""
    shape = (MANY, draw(st.integers(2, 3)), 2, 3)
    logits = ts.build(shape, seed=draw(ts.seeds()), scale=2.0)
    return logits, _integers((MANY, 2, 3), shape[1], draw(ts.seeds()))


@st.composite
def many_classes(draw):
    """``(logits, labels)`` in bfloat16, which cannot hold the labels: hundreds of classes, no pixel is in doubt."""
    labels = torch.arange(257, 397, 2).view(1, 7, 10).roll(draw(st.integers(0, 69)), 2)
    logits = ts.build((1, 400, 7, 10), seed=draw(ts.seeds()), dtype=torch.bfloat16)
    return logits.scatter(1, labels.unsqueeze(1), 10.0), labels


@st.composite
def absent_classes(draw):
    """``(logits, labels)``: more classes than any image shows, the first or the last among the absent."""
    batch, shown, height, width = (draw(st.integers(1, most)) for most in (3, 2, 4, 4))
    count = shown + draw(st.integers(1, 2))
    logits = ts.build((batch, count, height, width), seed=draw(ts.seeds()), dtype=draw(ts.float_dtypes()))
    return logits, _integers((batch, height, width), shown, draw(ts.seeds())) + draw(
        st.sampled_from((0, count - shown))
    )


@st.composite
def peaked(draw, *, dtype=None):
    """``(logits, labels)``: in every pixel the classes' logits are spread evenly from -1e4 to 1e4."""
    batch, (count, height, width) = draw(st.integers(1, 3)), (draw(st.integers(2, 4)) for _ in range(3))
    shape = (batch, count, height, width)
    chosen = draw(ts.float_dtypes() if dtype is None else dtype)
    order = _probabilities(shape, draw(ts.seeds()), torch.float64).argsort(1)
    logits = torch.linspace(-1e4, 1e4, count, dtype=torch.float64)[order].to(chosen)
    return logits, _integers((batch, height, width), count, draw(ts.seeds()))


@st.composite
def shifted(draw):
    """``(logits, labels)``: small whole numbers, in half of the pixels around 1e4, in the others around -1e4."""
    logits, labels = draw(segmentations(min_size=2, layouts=TIDY))
    level = _integers((len(logits), 1, *logits.shape[2:]), 2, draw(ts.seeds())) * 2 - 1
    return (logits.round().clamp(-5, 5) + 9990 * level).to(logits.dtype), labels


@st.composite
def large_images(draw, *, dtype):
    """``(logits, labels)``: so many pixels that sums need a dtype wider than a half precision."""
    chosen = draw(dtype)
    rim = RIM if chosen == torch.float16 else RIM // 5  # bfloat16 counts to 256
    logits = ts.build((1, 2, rim, rim), seed=draw(ts.seeds()), dtype=chosen)
    return logits, _integers((1, rim, rim), 2, draw(ts.seeds()))


def half_images():
    """Six times ``(logits, labels)``: ordinary logits, large ones and a large image in either half precision."""
    kinds = (segmentations, peaked, large_images)
    return st.tuples(*(strategy(dtype=st.just(dtype)) for strategy in kinds for dtype in ts.HALVES))


@st.composite
def bad_labels(draw):
    """``[(logits, labels), ...]``: in each pair one label, of the same pixel, is no class."""
    logits, labels = draw(segmentations(layouts=TIDY))
    count, pixel = logits.shape[1], draw(st.integers(0, labels.numel() - 1))
    wrong = (-1, count, -count, -100, count + 1, 255, 256, 2**32)  # the last two are 0 in a narrower dtype
    return [(logits, _replaced(labels, pixel, value)) for value in wrong]


def _replaced(labels, pixel, value):
    """A copy in which one pixel has another label."""
    copy = labels.clone()
    copy.view(-1)[pixel] = value
    return copy


def _weights(labels, seed, dtype=torch.float32, most=4.0):
    """Positive weights; for every other seed one of several is 0."""
    weights = _probabilities(tuple(labels.shape), seed, dtype) * most
    if labels.numel() > 1 and seed % 2:
        weights.view(-1)[seed % labels.numel()] = 0
    return weights


def _batches(*samples):
    """The first sample of each tensor 50 and 200 times; a loop over samples shows in the number of operations."""
    return [tuple(part[:1].contiguous().repeat(n, *[1] * (part.dim() - 1)) for part in samples) for n in (50, 200)]


def _assert_conventions(function, **arguments):
    """Every argument by name and in any order; none is changed, none shares memory with the result."""
    backwards = dict(reversed(arguments.items()))
    assert_no_alias(function, *arguments.values())
    return assert_inputs_untouched(function, **backwards).value


cotangents = st.sampled_from((1.0, -2.0, 0.5)).map(torch.tensor)


# ---------------------------------------------------------------------------------------- dice_loss


def _check_dice(student, reference, pred, target, *eps):
    expected = reference.dice_loss(*double((pred, target)), *eps)
    assert_matches(student.dice_loss(pred, target, *eps), expected, dtype=pred.dtype, terms=UNIT)


@question("dice_loss", points=2, gate=True)
@given(mask_pairs(shape=IMAGES, dtype=PLAIN, layouts=TIDY, same_samples=True))
@settings(max_examples=25)
def test_dice_of_ordinary_masks(student, reference, drawn):
    """The loss of a few images with their masks."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.6)
@given(uneven_masks())
@settings(max_examples=25)
def test_dice_of_every_sample(student, reference, drawn):
    """Every sample has its own loss, small mask or large; the result is their mean."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.4)
@given(mask_pairs())
@settings(max_examples=50)
def test_dice_of_every_shape(student, reference, drawn):
    """Two to five dimensions, sizes of 1, float32 and float64, any memory layout."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.4)
@given(empty_masks())
@settings(max_examples=20)
def test_dice_of_empty_masks(student, reference, drawn):
    """Two empty masks give 0, one empty mask about 1, also with an eps that float16 cannot hold."""
    _check_dice(student, reference, *drawn)
    _check_dice(student, reference, *(part.half() for part in drawn), 1e-8)


@question("dice_loss", points=0.3)
@given(mask_pairs(), EPSILONS)
@settings(max_examples=25)
def test_dice_with_a_given_eps(student, reference, drawn, eps):
    """eps is added once to the numerator and once to the denominator."""
    _check_dice(student, reference, *drawn, eps)


@question("dice_loss", points=0.2)
@given(tiny_predictions())
@settings(max_examples=15)
def test_dice_with_the_default_eps(student, reference, drawn):
    """eps is 1e-6 unless given, which shows where the sums are as small."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.3)
@given(mixed_masks())
@settings(max_examples=50)
def test_dice_of_targets_of_every_dtype(student, reference, drawn):
    """The target may be bool, integer or floating; the result has the dtype of pred."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.25)
@given(mixed_masks(), cotangents, st.sampled_from(((), (1e-6,), (1.0,))), st.booleans())
@settings(max_examples=50)
def test_dice_can_be_differentiated(student, reference, drawn, cotangent, eps, empty):
    """Gradients flow to pred, whatever the dtypes, and are right also where both masks are empty."""
    pred, target = drawn
    if empty and pred.dtype in ts.FLOATS:  # 1 / eps is more than float16 can hold
        pred[0], target[0] = 0, 0
    mine, right = student.dice_loss, reference.dice_loss
    assert_gradients(mine, right, pred, target, *eps, wrt=(0,), cotangents=[cotangent])


@question("dice_loss", points=0.15)
@given(mixed_masks(), EPSILONS)
@settings(max_examples=30)
def test_dice_leaves_its_arguments_alone(student, reference, drawn, eps):
    """Arguments stay as they are, of any dtype and with probabilities of 0 and 1, and may be named."""
    pred, target = drawn
    pred[-1] = pred[-1].round()
    got = _assert_conventions(student.dice_loss, pred=pred, target=target, eps=eps)
    assert_matches(got, reference.dice_loss(*double(drawn), eps), dtype=pred.dtype, terms=UNIT)
    hard = (pred > 0.5).to(pred.dtype)
    assert_no_alias(student.dice_loss, hard, hard.clone())


@question("dice_loss", points=0.15)
@given(mask_pairs(dtype=HALVES))
@settings(max_examples=20)
def test_dice_in_half_precision(student, reference, drawn):
    """float16 and bfloat16 in, the same out."""
    _check_dice(student, reference, *drawn)


@question("dice_loss", points=0.15)
@given(large_masks())
@settings(max_examples=3)
def test_dice_of_large_masks(student, reference, drawn):
    """Images of 300 x 300 pixels, more than float16 can count."""
    for pred, target in drawn:
        _check_dice(student, reference, pred, target)


@question("dice_loss", points=0.1)
@given(mask_pairs(shape=IMAGES, dtype=PLAIN))
@settings(max_examples=3)
def test_dice_has_no_loop_over_the_batch(student, drawn):
    """One expression for the whole batch, no loop over its samples."""
    assert_vectorised(student.dice_loss, *_batches(*drawn))


# ----------------------------------------------------------------------------- multiclass_dice_loss

NEEDS = ("dice_loss",)


def _check_multiclass(student, reference, logits, labels, *eps, rtol=None):
    expected = reference.multiclass_dice_loss(double(logits), labels, *eps)
    got = student.multiclass_dice_loss(logits, labels, *eps)
    assert_matches(got, expected, dtype=logits.dtype, terms=UNIT, rtol=rtol)


@question("multiclass_dice_loss", points=1.6, gate=True, depends_on=NEEDS)
@given(full_segmentations(same_samples=True))
@settings(max_examples=25)
def test_multiclass_dice_of_ordinary_images(student, reference, drawn):
    """The mean over the classes, each present in the image."""
    _check_multiclass(student, reference, *drawn)


@question("multiclass_dice_loss", points=0.35, depends_on=NEEDS)
@given(full_segmentations(same_samples=False), many_images())
@settings(max_examples=25)
def test_multiclass_dice_of_different_images(student, reference, few, many):
    """Every class has a loss of its own in every image, few or many; the result is the mean over both."""
    for logits, labels in (few, many):
        _check_multiclass(student, reference, logits, labels)


@question("multiclass_dice_loss", points=0.4, depends_on=NEEDS)
@given(absent_classes())
@settings(max_examples=25)
def test_multiclass_dice_of_absent_classes(student, reference, drawn):
    """A class that an image does not show counts like any other."""
    _check_multiclass(student, reference, *drawn)


@question("multiclass_dice_loss", points=0.3, depends_on=NEEDS)
@given(segmentations())
@settings(max_examples=40)
def test_multiclass_dice_of_every_shape(student, reference, drawn):
    """Sizes of 1, a single class, images that are not square, float32 and float64, any memory layout."""
    _check_multiclass(student, reference, *drawn)


@question("multiclass_dice_loss", points=0.05, depends_on=NEEDS)
@given(many_classes())
@settings(max_examples=4)
def test_multiclass_dice_of_many_classes(student, reference, drawn):
    """Hundreds of classes, with labels that bfloat16 cannot hold."""
    _check_multiclass(student, reference, *drawn)


@question("multiclass_dice_loss", points=0.15, depends_on=NEEDS)
@given(segmentations(), EPSILONS)
@settings(max_examples=25)
def test_multiclass_dice_with_a_given_eps(student, reference, drawn, eps):
    """eps is added once to every numerator and once to every denominator."""
    _check_multiclass(student, reference, *drawn, eps)


@st.composite
def vanishing_classes(draw):
    """``(logits, labels)``: an absent class whose probabilities add up to about the default eps."""
    logits, labels = draw(segmentations(classes=st.integers(2, 4), scale=1.0))
    logits[:, 0] = logits[:, 1:].amax(1) - 14 - labels
    return logits, labels.clamp(min=1)


@question("multiclass_dice_loss", points=0.15, depends_on=NEEDS)
@given(vanishing_classes())
@settings(max_examples=15)
def test_multiclass_dice_with_the_default_eps(student, reference, drawn):
    """eps is 1e-6 unless given, which shows where an absent class has hardly any probability."""
    _check_multiclass(student, reference, *drawn)


@question("multiclass_dice_loss", points=0.2, depends_on=NEEDS)
@given(peaked(), shifted())
@settings(max_examples=20)
def test_multiclass_dice_of_large_logits(student, reference, spread, level):
    """Logits from -1e4 to 1e4 give no infinity and no NaN."""
    _check_multiclass(student, reference, *spread)
    _check_multiclass(student, reference, *level, rtol=SHIFTED if level[0].dtype == torch.float32 else None)


@question("multiclass_dice_loss", points=0.35)
@given(bad_labels())
@settings(max_examples=10)
def test_multiclass_dice_of_labels_that_are_no_class(student, drawn):
    """A ValueError names labels where one is below 0 or not below C."""
    for logits, labels in drawn:
        assert_raises(student.multiclass_dice_loss, logits, labels, names=("label",))


@question("multiclass_dice_loss", points=0.2, depends_on=NEEDS)
@given(segmentations(dtype=ts.float_dtypes(halves=True), layouts=TIDY), cotangents)
@settings(max_examples=16)
def test_multiclass_dice_can_be_differentiated(student, reference, drawn, cotangent):
    """Gradients flow to the logits, whatever their dtype."""
    mine, right = student.multiclass_dice_loss, reference.multiclass_dice_loss
    for dtype in dict.fromkeys((drawn[0].dtype, *ts.HALVES)):
        logits, labels = drawn[0].to(dtype), drawn[1]
        p = double(logits).softmax(1)
        shares = 2 * p / p.sum((2, 3), keepdim=True)  # of each pixel in its class, before the two terms of its gradient
        terms = cotangent.double() * shares / (logits.shape[0] * logits.shape[1])
        assert_gradients(mine, right, logits, labels, wrt=(0,), cotangents=[cotangent], terms=terms)


@question("multiclass_dice_loss", points=0.1, depends_on=NEEDS)
@given(half_images())
@settings(max_examples=4)
def test_multiclass_dice_in_half_precision(student, reference, drawn):
    """float16 and bfloat16 in, the same out, for large logits and large images too."""
    for logits, labels in drawn:
        _check_multiclass(student, reference, logits, labels)


@question("multiclass_dice_loss", points=0.1, depends_on=NEEDS)
@given(segmentations(layouts=TIDY), EPSILONS)
@settings(max_examples=15)
def test_multiclass_dice_leaves_its_arguments_alone(student, reference, drawn, eps):
    """Arguments stay as they are and may be named."""
    logits, labels = drawn
    got = _assert_conventions(student.multiclass_dice_loss, logits=logits, labels=labels, eps=eps)
    expected = reference.multiclass_dice_loss(double(logits), labels, eps)
    assert_matches(got, expected, dtype=logits.dtype, terms=UNIT)


@question("multiclass_dice_loss", points=0.05, depends_on=NEEDS)
@given(segmentations(min_size=2))
@settings(max_examples=3)
def test_multiclass_dice_has_no_loop_over_the_batch(student, drawn):
    """One expression for the whole batch, no loop over its images."""
    assert_vectorised(student.multiclass_dice_loss, *_batches(*drawn))


# ------------------------------------------------------------------------------ pixel_cross_entropy


def _entropy_terms(logits, labels, weights=1.0):
    """What a pixel's loss is the difference of: the logarithm of a sum, and its own logit."""
    wide = double(logits)
    own = wide.gather(1, labels.unsqueeze(1)).squeeze(1)
    return ((wide.logsumexp(1).abs() + own.abs()) * weights).mean()


def _check_entropy(student, reference, logits, labels):
    expected = reference.pixel_cross_entropy(double(logits), labels)
    got = student.pixel_cross_entropy(logits, labels)
    assert_matches(got, expected, dtype=logits.dtype, terms=_entropy_terms(logits, labels))


@question("pixel_cross_entropy", points=1.3, gate=True)
@given(segmentations(dtype=PLAIN, min_size=2, layouts=TIDY))
@settings(max_examples=25)
def test_cross_entropy_of_ordinary_images(student, reference, drawn):
    """The mean over all pixels of all images."""
    _check_entropy(student, reference, *drawn)


@question("pixel_cross_entropy", points=0.3)
@given(segmentations())
@settings(max_examples=40)
def test_cross_entropy_of_every_shape(student, reference, drawn):
    """Sizes of 1, a single class, images that are not square, float32 and float64, any memory layout."""
    _check_entropy(student, reference, *drawn)


@question("pixel_cross_entropy", points=0.05)
@given(many_images(), many_classes())
@settings(max_examples=4)
def test_cross_entropy_of_many_images_and_classes(student, reference, images, classes):
    """More than a hundred images, and hundreds of classes with labels that bfloat16 cannot hold."""
    for logits, labels in (images, classes):
        _check_entropy(student, reference, logits, labels)


@question("pixel_cross_entropy", points=0.35)
@given(peaked(), shifted(), segmentations(scale=20.0))
@settings(max_examples=20)
def test_cross_entropy_of_large_logits(student, reference, spread, level, wide):
    """Classes that are all but ruled out, and logits from -1e4 to 1e4, give the right finite numbers."""
    for logits, labels in (wide, spread, level):
        _check_entropy(student, reference, logits, labels)


@question("pixel_cross_entropy", points=0.4)
@given(bad_labels())
@settings(max_examples=10)
def test_cross_entropy_of_labels_that_are_no_class(student, drawn):
    """A ValueError names labels where one is below 0 or not below C."""
    for logits, labels in drawn:
        assert_raises(student.pixel_cross_entropy, logits, labels, names=("label",))


@question("pixel_cross_entropy", points=0.2)
@given(segmentations(dtype=ts.float_dtypes(halves=True), layouts=TIDY), peaked(), cotangents)
@settings(max_examples=25)
def test_cross_entropy_can_be_differentiated(student, reference, drawn, spread, cotangent):
    """Gradients flow to the logits, large ones too, and whatever their dtype."""
    mine, right = student.pixel_cross_entropy, reference.pixel_cross_entropy
    for logits, labels in (drawn, spread):
        size = cotangent.abs() / labels.numel() ** 0.5
        assert_gradients(mine, right, logits, labels, wrt=(0,), cotangents=[cotangent], terms=size)


@question("pixel_cross_entropy", points=0.2)
@given(half_images())
@settings(max_examples=4)
def test_cross_entropy_in_half_precision(student, reference, drawn):
    """float16 and bfloat16 in, the same out, for large logits and large images too."""
    for logits, labels in drawn:
        _check_entropy(student, reference, logits, labels)


@question("pixel_cross_entropy", points=0.1)
@given(segmentations(layouts=TIDY))
@settings(max_examples=15)
def test_cross_entropy_leaves_its_arguments_alone(student, reference, drawn):
    """Arguments stay as they are and may be named."""
    logits, labels = drawn
    got = _assert_conventions(student.pixel_cross_entropy, logits=logits, labels=labels)
    expected = reference.pixel_cross_entropy(double(logits), labels)
    assert_matches(got, expected, dtype=logits.dtype, terms=_entropy_terms(logits, labels))


@question("pixel_cross_entropy", points=0.1)
@given(segmentations(min_size=2))
@settings(max_examples=3)
def test_cross_entropy_has_no_loop_over_the_batch(student, drawn):
    """One expression for the whole batch, no loop over its images."""
    assert_vectorised(student.pixel_cross_entropy, *_batches(*drawn))


# --------------------------------------------------------------------------------- boundary_weights


def _stripes(length, ends_agree, widths):
    """Labels along a line: stripes of the given widths, neighbours different; the ends agree or not."""
    line = torch.cat([torch.full((width,), index + 1) for index, width in enumerate(widths)])
    line = line.repeat(-(-length // len(line)))[:length]
    line[-2:] = line[0] if ends_agree else line.max() + 1
    return line


@st.composite
def striped_images(draw, *, ends_agree):
    """Labels ``(2, H, W)``: an image of vertical stripes and one of horizontal ones, each at least 2 pixels wide."""
    widths = draw(st.lists(st.integers(2, 3), min_size=2, max_size=3))
    height, width = sum(widths) + 2, sum(widths) + draw(st.sampled_from((2, 4)))
    down, across = _stripes(height, ends_agree, widths), _stripes(width, ends_agree, widths)
    return torch.stack([across.expand(height, width), down.unsqueeze(1).expand(height, width)])


@st.composite
def blocks(draw):
    """Labels ``(N, H, W)``: one rectangle of 2 x 2 pixels or more, far from the frame."""
    height, width = draw(st.integers(2, 4)), draw(st.integers(2, 4))
    labels = torch.zeros(draw(st.integers(1, 2)), height + 4, width + 5, dtype=torch.int64)
    labels[:, 2:-2, 2:-3] = draw(st.integers(1, 9))
    return labels


@st.composite
def thin_objects(draw):
    """Labels ``(1, H, W)``: single pixels, and a line one pixel wide; some pixels have several other neighbours."""
    labels = torch.zeros(1, draw(st.integers(7, 9)), draw(st.integers(7, 9)), dtype=torch.int64)
    labels[0, 2, 2] = draw(st.integers(1, 3))
    labels[0, 4, 2:-2] = draw(st.integers(1, 3))
    return labels


@st.composite
def label_maps(draw, *, sizes=(4, 5, 6), classes=3):
    """Labels ``(N, H, W)`` of any size from 1, in any memory layout."""
    shape = tuple(draw(st.integers(1, most)) for most in sizes)
    labels = _integers(shape, draw(st.integers(1, classes)), draw(ts.seeds()))
    return ts.lay_out(labels, draw(st.sampled_from(ts.LAYOUTS)))


@st.composite
def typed_label_maps(draw):
    """Labels of any integer dtype, up to 1e4 where it holds that: near each other, or whole bytes apart."""
    wide = st.sampled_from((torch.int16, torch.int32, torch.int64))
    labels = draw(label_maps(classes=9))
    dtype, step, first = draw(
        st.one_of(
            st.tuples(st.just(torch.uint8), st.sampled_from((1, 28)), st.just(0)),
            st.tuples(wide, st.sampled_from((1, 256)), st.sampled_from((0, 7000))),
        )
    )
    return (labels * step + first).to(dtype)


# Labels that often stand for something else, 255 and numbers below 0; in int8 some differ by 128, its own -128.
SPECIAL = (
    (torch.uint8, (0, 1, 254, 255)),
    (torch.int64, (0, 1, 255, 256)),
    (torch.int64, (-1, 0, 1, -100)),
    (torch.int32, (-2, -3, 2, 3)),
    (torch.int8, (-64, 64, -1, 127)),
)


def _check_weights(student, reference, labels, *edge_weight):
    got = student.boundary_weights(labels, *edge_weight)
    assert_matches(got, reference.boundary_weights(labels, *edge_weight))


@question("boundary_weights", points=1.1, gate=True)
@given(striped_images(ends_agree=True))
@settings(max_examples=15)
def test_weights_of_straight_boundaries(student, reference, labels):
    """Pixels on both sides of straight boundaries weigh 6, all others 1."""
    _check_weights(student, reference, labels, 5.0)


@question("boundary_weights", points=0.3)
@given(blocks())
@settings(max_examples=10)
def test_weights_at_corners(student, reference, labels):
    """Only pixels that share a side are neighbours, not those that share a corner."""
    _check_weights(student, reference, labels, 2.0)


@question("boundary_weights", points=0.3)
@given(striped_images(ends_agree=False))
@settings(max_examples=15)
def test_weights_at_the_frame_of_the_image(student, reference, labels):
    """The frame is no boundary by itself, and what lies on the opposite side is no neighbour."""
    _check_weights(student, reference, labels, 5.0)


@question("boundary_weights", points=0.25)
@given(thin_objects())
@settings(max_examples=10)
def test_weights_of_thin_objects(student, reference, labels):
    """A pixel with several other neighbours weighs no more than one with a single one."""
    _check_weights(student, reference, labels, 3.0)


@question("boundary_weights", points=0.25)
@given(label_maps(), st.sampled_from((5.0, 0.5)))
@settings(max_examples=50)
def test_weights_of_any_image(student, reference, labels, edge_weight):
    """Images of any labels and sizes, one row or one column too, in any memory layout."""
    _check_weights(student, reference, labels, edge_weight)


@question("boundary_weights", points=0.2)
@given(label_maps(classes=1, sizes=(4, 3, 3)), many_images())
@settings(max_examples=12)
def test_weights_of_images_of_one_label(student, reference, labels, many):
    """Another image of the batch is no neighbour, in a large batch neither."""
    different = labels + torch.arange(len(labels)).view(-1, 1, 1)
    for images in (different, many[1]):
        _check_weights(student, reference, images, 5.0)


@question("boundary_weights", points=0.25)
@given(label_maps())
@settings(max_examples=25)
def test_weights_by_default_and_by_name(student, reference, labels):
    """edge_weight is 5 unless given, may be any number, 0 or negative too, and arguments may be named."""
    for edge_weight in (0.25, 1.0, 10.0, 1e4, -0.5):
        got = student.boundary_weights(edge_weight=edge_weight, labels=labels)
        assert_matches(got, reference.boundary_weights(labels, edge_weight))
    _check_weights(student, reference, labels)
    _check_weights(student, reference, labels, 0.0)


@question("boundary_weights", points=0.15)
@given(typed_label_maps())
@settings(max_examples=25)
def test_weights_of_labels_of_every_dtype(student, reference, labels):
    """Labels of any integer dtype and size stay as they are; the weights are float32."""
    got = _assert_conventions(student.boundary_weights, labels=labels, edge_weight=5.0)
    assert_matches(got, reference.boundary_weights(labels, 5.0))


@question("boundary_weights", points=0.1)
@given(ts.seeds())
@settings(max_examples=4)
def test_weights_of_special_labels(student, reference, seed):
    """255, -1 and the like are labels as all others: no label means 'ignore', negative ones differ too."""
    for dtype, values in SPECIAL:
        labels = torch.tensor(values, dtype=dtype)[_integers((2, 4, 5), len(values), seed)]
        _check_weights(student, reference, labels, 5.0)


@question("boundary_weights", points=0.1)
@given(label_maps(sizes=(1, 4, 4)))
@settings(max_examples=3)
def test_weights_have_no_loop_over_the_batch(student, labels):
    """One expression for the whole batch, no loop over its images."""
    single = student.boundary_weights.traced(labels)
    if "aten::im2col" not in single.events:
        assert_vectorised(student.boundary_weights, *_batches(labels))
        return
    # On the CPU F.unfold runs four operations for every image by itself; a loop repeats nearly all of one image.
    few, many = (student.boundary_weights.traced(*part).operations for part in _batches(labels))
    if many - few > 150 * max(9, single.operations // 6):
        raise Mismatch(f"boundary_weights runs {few} tensor operations for 50 images and {many} for 200: it loops")


# -------------------------------------------------------------------- weighted_pixel_cross_entropy


@st.composite
def mixed_weights(draw):
    """``(logits, labels, weights)``, the weights of any floating dtype."""
    logits, labels = draw(segmentations(dtype=ts.float_dtypes(halves=True)))
    return logits, labels, _weights(labels, draw(ts.seeds()), draw(ts.float_dtypes(halves=True)))


def _check_weighted(student, reference, logits, labels, weights):
    expected = reference.weighted_pixel_cross_entropy(double(logits), labels, double(weights))
    got = student.weighted_pixel_cross_entropy(logits, labels, weights)
    terms = _entropy_terms(logits, labels, double(weights))
    assert_matches(got, expected, dtype=logits.dtype, terms=terms)


@question("weighted_pixel_cross_entropy", points=1.2, gate=True)
@given(segmentations(dtype=PLAIN, min_size=2, layouts=TIDY), ts.seeds())
@settings(max_examples=25)
def test_weighted_cross_entropy_of_ordinary_images(student, reference, drawn, seed):
    """Weights with a mean of 1."""
    weights = _weights(drawn[1], seed)
    _check_weighted(student, reference, *drawn, weights / weights.mean())


@question("weighted_pixel_cross_entropy", points=0.45)
@given(segmentations(dtype=PLAIN, min_size=2, layouts=TIDY), ts.seeds(), st.sampled_from((1.0, 8.0, 0.25)))
@settings(max_examples=20)
def test_weighted_cross_entropy_is_divided_by_the_number_of_pixels(student, reference, drawn, seed, most):
    """Weights with any mean: the sum is divided by the number of pixels."""
    _check_weighted(student, reference, *drawn, _weights(drawn[1], seed, most=most))


@question("weighted_pixel_cross_entropy", points=0.05)
@given(many_images(), many_classes(), ts.seeds())
@settings(max_examples=4)
def test_weighted_cross_entropy_of_many_images_and_classes(student, reference, images, classes, seed):
    """More than a hundred images, and hundreds of classes with labels that bfloat16 cannot hold."""
    for logits, labels in (images, classes):
        _check_weighted(student, reference, logits, labels, _weights(labels, seed, logits.dtype))


@question("weighted_pixel_cross_entropy", points=0.05)
@given(segmentations(min_size=2, layouts=TIDY), ts.seeds())
@settings(max_examples=10)
def test_weighted_cross_entropy_of_negative_weights(student, reference, drawn, seed):
    """Weights below 0 are weights like any other."""
    logits, labels = drawn
    signs = _integers(labels.shape, 2, seed) * 2 - 1
    _check_weighted(student, reference, logits, labels, signs * _weights(labels, seed, logits.dtype))


@question("weighted_pixel_cross_entropy", points=0.15)
@given(segmentations(), ts.seeds(), st.sampled_from(ts.LAYOUTS))
@settings(max_examples=40)
def test_weighted_cross_entropy_of_every_shape(student, reference, drawn, seed, layout):
    """Sizes of 1, a single class, images that are not square, float32 and float64, any memory layout."""
    weights = ts.lay_out(_weights(drawn[1], seed, drawn[0].dtype), layout)
    _check_weighted(student, reference, *drawn, weights)
    _check_weighted(student, reference, *drawn, torch.zeros_like(weights))


@question("weighted_pixel_cross_entropy", points=0.2)
@given(mixed_weights())
@settings(max_examples=30)
def test_weighted_cross_entropy_of_weights_of_another_dtype(student, reference, drawn):
    """The result has the dtype of the logits, and its precision, whatever that of the weights."""
    _check_weighted(student, reference, *drawn)


@question("weighted_pixel_cross_entropy", points=0.3)
@given(bad_labels(), st.booleans())
@settings(max_examples=12)
def test_weighted_cross_entropy_of_labels_that_are_no_class(student, drawn, silent):
    """A ValueError names labels where one is below 0 or not below C, whatever its weight."""
    for logits, labels in drawn:
        weights = torch.zeros(labels.shape) if silent else torch.ones(labels.shape)
        assert_raises(student.weighted_pixel_cross_entropy, logits, labels, weights, names=("label",))


@question("weighted_pixel_cross_entropy", points=0.2)
@given(mixed_weights(), cotangents, st.sampled_from((1.0, 1.0, 0.0)))
@settings(max_examples=40)
def test_weighted_cross_entropy_can_be_differentiated(student, reference, drawn, cotangent, factor):
    """Gradients flow to the logits and to the weights, whatever the dtypes, and where all weights are 0 too."""
    logits, labels, weights = drawn
    size = cotangent.double().abs() * 4 / labels.numel() ** 0.5
    rtol = max(TOLERANCE[logits.dtype], TOLERANCE[weights.dtype])
    mine, right = student.weighted_pixel_cross_entropy, reference.weighted_pixel_cross_entropy
    options = {"wrt": (0, 2), "cotangents": [cotangent], "terms": (size, 2 * size), "rtol": rtol}
    assert_gradients(mine, right, logits, labels, weights * factor, **options)


@question("weighted_pixel_cross_entropy", points=0.1)
@given(peaked(), shifted(), ts.seeds(), st.sampled_from((1.0, 1e4)))
@settings(max_examples=20)
def test_weighted_cross_entropy_of_large_numbers(student, reference, spread, level, seed, most):
    """Logits from -1e4 to 1e4 and weights up to 1e4 give no infinity and no NaN."""
    for logits, labels in (spread, level):
        _check_weighted(student, reference, logits, labels, _weights(labels, seed, logits.dtype, most=most))


@question("weighted_pixel_cross_entropy", points=0.1)
@given(half_images(), ts.seeds())
@settings(max_examples=4)
def test_weighted_cross_entropy_in_half_precision(student, reference, drawn, seed):
    """float16 and bfloat16 in, the same out, for large logits and large images too."""
    for (logits, labels), most in zip(drawn, (4.0, 4.0, 1.0, 1.0, 8.0, 8.0), strict=True):
        _check_weighted(student, reference, logits, labels, _weights(labels, seed, logits.dtype, most=most))


@question("weighted_pixel_cross_entropy", points=0.05)
@given(st.integers(0, 199))
@settings(max_examples=5)
def test_weighted_cross_entropy_beyond_half_precision(student, reference, pixel):
    """The mean counts, though float16 holds neither the loss of a single pixel nor weights as small as these."""
    right = torch.zeros(2, 10, 10, dtype=torch.int64)
    logits = torch.tensor([1e4, -1e4], dtype=torch.float16).view(1, 2, 1, 1).repeat(2, 1, 10, 10)
    for labels, weight, dtype in (
        (_replaced(right, pixel, 1), 60.0, torch.float16),
        (_replaced(right, pixel, 1), 60.0, torch.float32),
        (right + 1, 2e-8, torch.float32),
    ):
        _check_weighted(student, reference, logits, labels, torch.full(right.shape, weight, dtype=dtype))


@question("weighted_pixel_cross_entropy", points=0.1)
@given(segmentations(layouts=TIDY), ts.seeds())
@settings(max_examples=15)
def test_weighted_cross_entropy_leaves_its_arguments_alone(student, reference, drawn, seed):
    """Arguments stay as they are and may be named."""
    logits, labels = drawn
    weights = _weights(labels, seed, logits.dtype)
    got = _assert_conventions(student.weighted_pixel_cross_entropy, logits=logits, labels=labels, weights=weights)
    expected = reference.weighted_pixel_cross_entropy(double(logits), labels, double(weights))
    terms = _entropy_terms(logits, labels, double(weights))
    assert_matches(got, expected, dtype=logits.dtype, terms=terms)


@question("weighted_pixel_cross_entropy", points=0.05)
@given(segmentations(min_size=2), ts.seeds())
@settings(max_examples=3)
def test_weighted_cross_entropy_has_no_loop_over_the_batch(student, drawn, seed):
    """One expression for the whole batch, no loop over its images."""
    assert_vectorised(student.weighted_pixel_cross_entropy, *_batches(*drawn, _weights(drawn[1], seed)))


# ---------------------------------------------------------------------------------------------- iou


@st.composite
def bool_masks(draw, *, shape=None, layouts=ts.LAYOUTS):
    """``(pred_mask, target_mask)``, neither of them empty where a sample has two pixels."""
    size = draw(ts.shapes(min_dims=2, max_dims=5, max_size=4)) if shape is None else draw(shape)
    masks = (_mask(size, draw(ts.seeds()), torch.bool) for _ in range(2))
    return tuple(ts.lay_out(mask, draw(st.sampled_from(layouts))) for mask in masks)


def _check_iou(student, reference, pred_mask, target_mask):
    assert_matches(student.iou(pred_mask, target_mask), reference.iou(pred_mask, target_mask), terms=UNIT)


@question("iou", points=0.9, gate=True)
@given(bool_masks(shape=IMAGES, layouts=TIDY))
@settings(max_examples=20)
def test_iou_of_ordinary_masks(student, reference, drawn):
    """Intersection over union of masks that overlap, one number per sample."""
    _check_iou(student, reference, *drawn)


@question("iou", points=0.3)
@given(bool_masks(layouts=TIDY), st.booleans())
@settings(max_examples=20)
def test_iou_of_empty_masks(student, reference, drawn, all_of_them):
    """Two empty masks give 1, also beside others that are not empty."""
    empty = slice(None) if all_of_them else slice(0, 1)
    for mask in drawn:
        mask[empty] = False
    _check_iou(student, reference, *drawn)


@question("iou", points=0.2)
@given(bool_masks(layouts=TIDY), st.booleans())
@settings(max_examples=20)
def test_iou_of_disjoint_and_equal_masks(student, reference, drawn, swap):
    """Masks without overlap give 0, equal ones 1, and an empty one 0 with one that is not."""
    mask, other = drawn
    _check_iou(student, reference, mask, mask.clone())
    pairs = [(mask, ~mask), (mask, torch.zeros_like(mask)), (mask, mask & other)]
    for first, second in pairs:
        _check_iou(student, reference, *((second, first) if swap else (first, second)))


@question("iou", points=0.3)
@given(bool_masks())
@settings(max_examples=40)
def test_iou_of_every_shape(student, reference, drawn):
    """Two to five dimensions, sizes of 1, any memory layout."""
    _check_iou(student, reference, *drawn)


@question("iou", points=0.1)
@given(ts.seeds())
@settings(max_examples=3)
def test_iou_of_large_masks(student, reference, seed):
    """Images of 300 x 300 pixels, and more than a hundred samples."""
    for shape in ((2, RIM, RIM), (MANY, 3, 4)):
        masks = [_integers(shape, 2, seed + index).bool() for index in range(2)]
        _check_iou(student, reference, *masks)


@question("iou", points=0.1)
@given(bool_masks(layouts=TIDY))
@settings(max_examples=15)
def test_iou_leaves_its_arguments_alone(student, reference, drawn):
    """Arguments stay as they are and may be named."""
    got = _assert_conventions(student.iou, pred_mask=drawn[0], target_mask=drawn[1])
    assert_matches(got, reference.iou(*drawn), terms=UNIT)


@question("iou", points=0.1)
@given(bool_masks(shape=IMAGES))
@settings(max_examples=3)
def test_iou_has_no_loop_over_the_batch(student, drawn):
    """One expression for the whole batch, no loop over its samples."""
    assert_vectorised(student.iou, *_batches(*drawn))
