"""Wrong answers to ``batchnorm``: what students write on the way to a right one, with the sentence to read then."""

from __future__ import annotations

import torch
from torch import nn

from autograder.testing import misconception
from reference import batchnorm as right


def _dims(x):
    return (0, *range(2, x.dim()))


def _count(x):
    return x.shape[0] * x.shape[2:].numel()


def _along(values, x):
    return values.reshape(1, -1, *[1] * (x.dim() - 2))


def _checked(x):
    right.batch_norm_forward(x, x.new_ones(x.shape[1]), x.new_zeros(x.shape[1]))


def _finish(x, gamma, beta, mean, var, root):
    """The step after the statistics: ``root`` is the denominator."""
    y = (x - _along(mean, x)) / _along(root, x) * _along(gamma, x) + _along(beta, x)
    return y.to(x.dtype), mean.to(x.dtype), var.to(x.dtype)


def _moments(x, correction=0):
    _checked(x)
    return x.mean(dim=_dims(x)), x.var(dim=_dims(x), correction=correction)


# ------------------------------------------------------------------------------- batch_norm_forward


@misconception(
    "batch_norm_forward", hint="A Python loop runs over the samples: one expression can treat the whole batch."
)
def loops_over_the_batch(x, gamma, beta, eps=1e-5):
    _, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return torch.cat([_finish(one, gamma, beta, mean, var, (var + eps).sqrt())[0] for one in x.split(1)]), mean, var


@misconception(
    "batch_norm_forward",
    hint="The root of a variance of 0 has no finite derivative: take the root after adding eps, not before.",
    breaks="constant-channel",
)
def squares_the_deviation_again(x, gamma, beta, eps=1e-5):
    mean, var = _moments(x)
    deviation = var.sqrt()
    return _finish(x, gamma, beta, mean, var, (deviation**2 + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="Which variance is this? torch.var divides by n - 1 unless told otherwise.",
    breaks="biased",
)
def divides_by_one_less(x, gamma, beta, eps=1e-5):
    mean, var = _moments(x, correction=1)
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="Look at where eps stands: inside the square root, next to the variance.",
    breaks="eps-inside",
)
def adds_eps_to_the_deviation(x, gamma, beta, eps=1e-5):
    mean, var = _moments(x)
    return _finish(x, gamma, beta, mean, var, var.sqrt() + eps)


@misconception("batch_norm_forward", hint="eps is added to the variance; it is no lower bound for it.")
def clamps_the_variance_at_eps(x, gamma, beta, eps=1e-5):
    mean, var = right.batch_norm_forward(x, gamma, beta)[1:]
    return _finish(x, gamma, beta, mean, var, var.clamp(min=eps).sqrt())


@misconception("batch_norm_forward", hint="The denominator never uses the eps that is passed in.")
def ignores_its_eps(x, gamma, beta, eps=1e-5):
    return right.batch_norm_forward(x, gamma, beta)


@misconception("batch_norm_forward", hint="Which value does eps take when nobody gives one?")
def has_another_default_eps(x, gamma, beta, eps=1e-3):
    return right.batch_norm_forward(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward",
    hint="Each sample is normalised over its own features here; batch normalization looks at one feature over "
    "the batch.",
)
def normalises_every_sample(x, gamma, beta, eps=1e-5):
    mean = x.mean(dim=1, keepdim=True)
    var = ((x - mean) ** 2).mean(dim=1, keepdim=True)
    y = (x - mean) / (var + eps).sqrt() * _along(gamma, x) + _along(beta, x)
    return y, mean.flatten(), var.flatten()


@misconception(
    "batch_norm_forward",
    hint="All channels share one mean and one variance here: each has its own.",
    breaks="channels-apart",
)
def pools_all_channels(x, gamma, beta, eps=1e-5):
    _checked(x)
    mean, var = x.mean().expand(x.shape[1]), x.var(correction=0).expand(x.shape[1])
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="For images, averaging over dimension 0 alone leaves a mean per pixel: over which dimensions does a "
    "channel extend?",
    breaks="all-other-dimensions",
)
def keeps_a_mean_per_pixel(x, gamma, beta, eps=1e-5):
    _checked(x)
    mean, var = x.mean(dim=0), x.var(dim=0, correction=0)
    y = (x - mean) / (var + eps).sqrt() * _along(gamma, x) + _along(beta, x)
    return y, mean, var


@misconception("batch_norm_forward", hint="Every image is normalised by itself here; the statistics are the batch's.")
def normalises_every_image(x, gamma, beta, eps=1e-5):
    if x.dim() == 2:
        return right.batch_norm_forward(x, gamma, beta, eps)
    _checked(x)
    mean = x.mean(dim=(2, 3), keepdim=True)
    var = x.var(dim=(2, 3), keepdim=True, correction=0)
    y = (x - mean) / (var + eps).sqrt() * _along(gamma, x) + _along(beta, x)
    return y, mean.mean(dim=0).flatten(), var.mean(dim=0).flatten()


@misconception(
    "batch_norm_forward",
    hint="The squares are summed over images and pixels but divided by the number of images: "
    "b and m on the slides are the same count, the number of values per channel.",
    breaks="every-value-counts",
)
def divides_the_squares_by_the_images(x, gamma, beta, eps=1e-5):
    mean, var = right.batch_norm_forward(x, gamma, beta)[1:]
    var = var * x.shape[2:].numel()
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="E[x^2] - E[x]^2 subtracts two large numbers that are nearly equal; subtract the mean before you square.",
    breaks="far-from-zero",
)
def subtracts_the_squared_mean(x, gamma, beta, eps=1e-5):
    _checked(x)
    mean = x.mean(dim=_dims(x))
    var = ((x * x).mean(dim=_dims(x)) - mean * mean).clamp(min=0)
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception("batch_norm_forward", hint="The normalised values are right; the learnt scale and shift are missing.")
def forgets_gamma_and_beta(x, gamma, beta, eps=1e-5):
    _, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return _finish(x, torch.ones_like(gamma), torch.zeros_like(beta), mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward", hint="gamma shifts and beta scales here: check which is which.", breaks="scale-and-shift"
)
def swaps_gamma_and_beta(x, gamma, beta, eps=1e-5):
    return right.batch_norm_forward(x, beta, gamma, eps)


@misconception(
    "batch_norm_forward", hint="A square root is missing: the denominator is the deviation, not the variance."
)
def divides_by_the_variance(x, gamma, beta, eps=1e-5):
    mean, var = right.batch_norm_forward(x, gamma, beta)[1:]
    return _finish(x, gamma, beta, mean, var, var + eps)


@misconception(
    "batch_norm_forward",
    hint="Broadcasting lines up the last dimensions: on images gamma and beta meet the width here, not the channels.",
)
def scales_along_the_width(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, torch.ones_like(gamma), torch.zeros_like(beta), eps)
    return y * gamma + beta, mean, var


@misconception("batch_norm_forward", hint="The third result is the variance; a deviation comes back here.")
def returns_the_deviation(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return y, mean, var.sqrt()


@misconception(
    "batch_norm_forward", hint="The variance comes back with eps already added to it.", breaks="var-without-eps"
)
def returns_the_variance_with_eps(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return y, mean, var + eps


@misconception(
    "batch_norm_forward",
    hint="mean and var still have the reduced dimensions: their shape should be (C,).",
    breaks="shapes",
)
def keeps_the_reduced_dimensions(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return y, _along(mean, x), _along(var, x)


@misconception(
    "batch_norm_forward",
    hint="The statistics are detached: the gradient has to flow through the mean and the variance too.",
)
def detaches_the_statistics(x, gamma, beta, eps=1e-5):
    mean, var = (part.detach() for part in right.batch_norm_forward(x, gamma, beta)[1:])
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="The variance is detached: the gradient has to flow through it as well.",
    breaks="through-the-variance",
)
def detaches_the_variance(x, gamma, beta, eps=1e-5):
    mean, var = right.batch_norm_forward(x, gamma, beta)[1:]
    return _finish(x, gamma, beta, mean, var, (var.detach() + eps).sqrt())


@misconception("batch_norm_forward", hint="x itself is overwritten: -= and methods ending in _ work in place.")
def centres_in_place(x, gamma, beta, eps=1e-5):
    _, mean, var = (part.detach() for part in right.batch_norm_forward(x, gamma, beta))
    centred = x.detach().sub_(_along(mean, x))
    y = centred / _along((var + eps).sqrt(), x) * _along(gamma, x) + _along(beta, x)
    return y.to(x.dtype), mean, var


@misconception("batch_norm_forward", hint="The result has another dtype than x: .float() loses a float64 input.")
def works_in_float32(x, gamma, beta, eps=1e-5):
    return right.batch_norm_forward(x.float(), gamma.float(), beta.float(), eps)


@misconception(
    "batch_norm_forward", hint="With gamma of a wider dtype the result changes dtype: it should have that of x."
)
def takes_the_dtype_of_gamma(x, gamma, beta, eps=1e-5):
    return right.batch_norm_forward(x.to(torch.promote_types(x.dtype, gamma.dtype)), gamma, beta, eps)


@misconception("batch_norm_forward", hint="view needs contiguous memory: which operation does the same for any layout?")
def flattens_with_view(x, gamma, beta, eps=1e-5):
    x.view(-1)
    return right.batch_norm_forward(x, gamma, beta, eps)


@misconception("batch_norm_forward", hint="One value per channel has no spread: raise a ValueError there.")
def accepts_a_single_value(x, gamma, beta, eps=1e-5):
    mean = x.mean(dim=_dims(x))
    var = ((x - _along(mean, x)) ** 2).mean(dim=_dims(x))
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="A single image with several pixels has enough values per channel: count values, not images.",
    breaks="one-image",
)
def refuses_a_single_image(x, gamma, beta, eps=1e-5):
    if x.shape[0] < 2:
        raise ValueError("x: the batch needs at least 2 samples")
    return right.batch_norm_forward(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward",
    hint="An eps of 0 is a value like any other: `or` puts the default in its place.",
    breaks="eps-zero",
)
def takes_eps_zero_for_the_default(x, gamma, beta, eps=1e-5):
    return right.batch_norm_forward(x, gamma, beta, eps or 1e-5)


@misconception(
    "batch_norm_forward",
    hint="The order of the results is y, mean, var: mean and var have changed places.",
    breaks="order",
)
def swaps_mean_and_variance(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return y, var, mean


@misconception(
    "batch_norm_forward",
    hint="The mean is detached: it depends on every x, and the gradient has to flow through it.",
    breaks="through-the-mean",
)
def detaches_the_mean(x, gamma, beta, eps=1e-5):
    mean, var = right.batch_norm_forward(x, gamma, beta)[1:]
    return _finish(x, gamma, beta, mean.detach(), var, (var + eps).sqrt())


def _without_refusal(x, gamma, beta, eps):
    mean = x.sum(dim=_dims(x)) / max(_count(x), 1)
    var = ((x - _along(mean, x)) ** 2).sum(dim=_dims(x)) / max(_count(x), 1)
    return _finish(x, gamma, beta, mean, var, (var + eps).sqrt())


@misconception(
    "batch_norm_forward",
    hint="Tables are looked at, but not images: one image of one pixel has one value per channel.",
    breaks="one-pixel",
)
def accepts_a_single_pixel(x, gamma, beta, eps=1e-5):
    return (_without_refusal if x.dim() == 4 and _count(x) == 1 else right.batch_norm_forward)(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward",
    hint="A table with one row slips through: it has one value per channel as well.",
    breaks="one-value",
)
def accepts_a_single_row(x, gamma, beta, eps=1e-5):
    return (_without_refusal if x.dim() == 2 and _count(x) == 1 else right.batch_norm_forward)(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward",
    hint="An empty batch slips through: fewer than 2 values are refused, not exactly 1.",
    breaks="no-value",
)
def accepts_an_empty_batch(x, gamma, beta, eps=1e-5):
    return (right.batch_norm_forward if _count(x) else _without_refusal)(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward", hint="Two values per channel are enough: only fewer than 2 are refused.", breaks="two-values"
)
def refuses_two_values(x, gamma, beta, eps=1e-5):
    if _count(x) <= 2:
        raise ValueError(f"x has {_count(x)} values per channel")
    return right.batch_norm_forward(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward", hint="The count of values includes the channels: each channel has statistics of its own."
)
def counts_the_channels_too(x, gamma, beta, eps=1e-5):
    return (right.batch_norm_forward if x.numel() < 2 or _count(x) > 1 else _without_refusal)(x, gamma, beta, eps)


@misconception(
    "batch_norm_forward",
    hint="y is right; the variance that comes back is another one, divided by one less than the count.",
    breaks="biased",
)
def returns_the_unbiased_variance(x, gamma, beta, eps=1e-5):
    y, mean, var = right.batch_norm_forward(x, gamma, beta, eps)
    return y, mean, var * (_count(x) / (_count(x) - 1))


# ----------------------------------------------------------------------------- update_running_stats


@misconception(
    "update_running_stats",
    hint="momentum is the weight of the new batch here, as on the slides: other libraries give it to the past.",
    breaks="weights",
)
def gives_momentum_to_the_past(running_mean, running_var, mean, var, momentum=0.1):
    return right.update_running_stats(running_mean, running_var, mean, var, 1 - momentum)


@misconception(
    "update_running_stats",
    hint="The past keeps its full weight: it should shrink to 1 - momentum.",
    breaks="past-shrinks",
)
def never_forgets(running_mean, running_var, mean, var, momentum=0.1):
    return running_mean + momentum * mean, running_var + momentum * var


@misconception("update_running_stats", hint="Variances are averaged, not their roots.", breaks="as-given")
def averages_the_deviations(running_mean, running_var, mean, var, momentum=0.1):
    new_mean, deviation = right.update_running_stats(running_mean, running_var.sqrt(), mean, var.sqrt(), momentum)
    return new_mean, deviation**2


@misconception(
    "update_running_stats", hint="Only the two variances are averaged; the distance of the means stays out of it."
)
def adds_the_spread_of_the_means(running_mean, running_var, mean, var, momentum=0.1):
    new_mean, new_var = right.update_running_stats(running_mean, running_var, mean, var, momentum)
    return new_mean, new_var + momentum * (1 - momentum) * (mean - running_mean) ** 2


@misconception(
    "update_running_stats", hint="The running variance stands still: it is averaged like the mean.", breaks="both"
)
def averages_the_mean_only(running_mean, running_var, mean, var, momentum=0.1):
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)[0], running_var.clone()


@misconception(
    "update_running_stats", hint="The average is fine, but its default weight is another: look at the signature."
)
def has_another_default_momentum(running_mean, running_var, mean, var, momentum=0.01):
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)


@misconception("update_running_stats", hint="The old statistics are overwritten: return new tensors instead.")
def updates_in_place(running_mean, running_var, mean, var, momentum=0.1):
    running_mean.mul_(1 - momentum).add_(momentum * mean)
    running_var.mul_(1 - momentum).add_(momentum * var)
    return running_mean, running_var


@misconception("update_running_stats", hint="The result has another dtype than the running mean.")
def takes_the_wider_dtype(running_mean, running_var, mean, var, momentum=0.1):
    return (1 - momentum) * running_mean + momentum * mean, (1 - momentum) * running_var + momentum * var


@misconception(
    "update_running_stats",
    hint="For some momenta the argument itself comes back: return a new tensor always.",
    breaks="always-new",
)
def returns_its_argument(running_mean, running_var, mean, var, momentum=0.1):
    if momentum == 1:
        return mean, var
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)


@misconception(
    "update_running_stats", hint="The two results have changed places: the mean comes first.", breaks="order"
)
def returns_the_variance_first(running_mean, running_var, mean, var, momentum=0.1):
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)[::-1]


@misconception(
    "update_running_stats",
    hint="A momentum of 0 is a value like any other: `or` puts the default in its place.",
    breaks="momentum-zero",
)
def takes_momentum_zero_for_the_default(running_mean, running_var, mean, var, momentum=0.1):
    return right.update_running_stats(running_mean, running_var, mean, var, momentum or 0.1)


@misconception(
    "update_running_stats",
    hint="A momentum of 1 is valid: then the new batch has the whole weight.",
    breaks="momentum-one",
)
def refuses_momentum_one(running_mean, running_var, mean, var, momentum=0.1):
    if not 0 <= momentum < 1:
        raise ValueError(f"momentum={momentum} should lie between 0 and 1")
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)


@misconception(
    "update_running_stats",
    hint="No gradient arrives: no_grad and detach belong into the layer, which keeps the averages, not here.",
)
@torch.no_grad()
def cuts_the_graph_of_the_averages(running_mean, running_var, mean, var, momentum=0.1):
    return right.update_running_stats(running_mean, running_var, mean, var, momentum)


@misconception("update_running_stats", hint="The batch's mean is multiplied by the momentum, its variance is not.")
def weighs_the_mean_only(running_mean, running_var, mean, var, momentum=0.1):
    new_mean, _ = right.update_running_stats(running_mean, running_var, mean, var, momentum)
    return new_mean, ((1 - momentum) * running_var + var).to(running_mean.dtype)


@misconception(
    "update_running_stats", hint="The weights are applied to the squares: a variance is averaged like a mean."
)
def squares_the_weights(running_mean, running_var, mean, var, momentum=0.1):
    new_mean, _ = right.update_running_stats(running_mean, running_var, mean, var, momentum)
    return new_mean, ((1 - momentum) ** 2 * running_var + momentum**2 * var).to(running_mean.dtype)


@misconception("update_running_stats", hint="The results are always float32: .float() loses a float64 input.")
def averages_in_float32(running_mean, running_var, mean, var, momentum=0.1):
    parts = (part.float() for part in (running_mean, running_var, mean, var))
    return right.update_running_stats(*parts, momentum)


@misconception(
    "update_running_stats", hint="The running variance has a lower bound here: a small variance is averaged as it is."
)
def keeps_the_variance_above_eps(running_mean, running_var, mean, var, momentum=0.1):
    new_mean, new_var = right.update_running_stats(running_mean, running_var, mean, var, momentum)
    return new_mean, new_var.clamp(min=1e-5)


# ----------------------------------------------------------------------------- batch_norm_inference


@misconception(
    "batch_norm_inference",
    hint="The statistics are computed from x: at inference a sample's result depends on no other sample.",
    breaks="running",
)
def uses_the_batch_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    mean = x.mean(dim=_dims(x))
    var = x.var(dim=_dims(x), correction=0)
    return right.batch_norm_inference(x, gamma, beta, mean, var, eps)


def _infer(x, gamma, beta, mean, root):
    return ((x - _along(mean, x)) / _along(root, x) * _along(gamma, x) + _along(beta, x)).to(x.dtype)


@misconception(
    "batch_norm_inference",
    hint="Look at where eps stands: inside the square root, next to the variance.",
    breaks="eps-inside",
)
def adds_eps_to_the_running_deviation(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _infer(x, gamma, beta, running_mean, running_var.sqrt() + eps)


@misconception("batch_norm_inference", hint="A square root is missing in the denominator.")
def divides_by_the_running_variance(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _infer(x, gamma, beta, running_mean, running_var + eps)


@misconception(
    "batch_norm_inference",
    hint="A running variance of 0 divides by zero: eps is there to prevent it.",
    breaks="variance-zero",
)
def forgets_eps_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _infer(x, gamma, beta, running_mean, running_var.sqrt())


@misconception("batch_norm_inference", hint="The denominator never uses the eps that is passed in.")
def ignores_its_eps_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var)


@misconception(
    "batch_norm_inference", hint="The learnt scale and shift belong to inference as well.", breaks="scale-and-shift"
)
def forgets_to_scale_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _infer(x, torch.ones_like(gamma), torch.zeros_like(beta), running_mean, (running_var + eps).sqrt())


@misconception(
    "batch_norm_inference",
    hint="Broadcasting lines up the last dimensions: on images the vectors meet the width here, not the channels.",
    breaks="per-channel",
)
def broadcasts_along_the_width(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return (x - running_mean) / (running_var + eps).sqrt() * gamma + beta


@misconception(
    "batch_norm_inference",
    hint="A single sample is welcome at inference: no batch statistics are needed.",
    breaks="single-sample",
)
def refuses_a_single_sample(x, gamma, beta, running_mean, running_var, eps=1e-5):
    _checked(x)
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps)


@misconception("batch_norm_inference", hint="No gradient arrives: inference is differentiable in x, gamma and beta.")
@torch.no_grad()
def detaches_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps)


@misconception("batch_norm_inference", hint="x itself is overwritten: -= and methods ending in _ work in place.")
def normalises_in_place(x, gamma, beta, running_mean, running_var, eps=1e-5):
    y = right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps)
    x.detach().copy_(y.detach())
    return y


@misconception("batch_norm_inference", hint="The result has another dtype than x: .float() loses a float64 input.")
def infers_in_float32(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x.float(), gamma, beta, running_mean, running_var, eps)


@misconception(
    "batch_norm_inference",
    hint="An eps of 0 is a value like any other: `or` puts the default in its place.",
    breaks="eps-zero",
)
def takes_eps_zero_for_the_default_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps or 1e-5)


@misconception("batch_norm_inference", hint="gamma shifts and beta scales here: check which is which.")
def swaps_gamma_and_beta_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, beta, gamma, running_mean, running_var, eps)


@misconception("batch_norm_inference", hint="Mean and variance have changed places.")
def swaps_mean_and_variance_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, gamma, beta, running_var, running_mean.abs(), eps)


@misconception(
    "batch_norm_inference",
    hint="The running statistics are detached: no_grad belongs into the layer's update, not into this formula.",
    breaks="statistics-differentiable",
)
def detaches_the_running_statistics(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return right.batch_norm_inference(x, gamma, beta, running_mean.detach(), running_var.detach(), eps)


@misconception("batch_norm_inference", hint="Which value does eps take when nobody gives one?")
def has_another_default_eps_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-3):
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps)


@misconception("batch_norm_inference", hint="eps is added to the variance; it is no lower bound for it.")
def clamps_the_running_variance_at_eps(x, gamma, beta, running_mean, running_var, eps=1e-5):
    return _infer(x, gamma, beta, running_mean, running_var.clamp(min=eps).sqrt())


@misconception(
    "batch_norm_inference", hint="A Python loop runs over the samples: one expression can treat the whole batch."
)
def infers_in_a_loop(x, gamma, beta, running_mean, running_var, eps=1e-5):
    rest = gamma, beta, running_mean, running_var, eps
    return torch.cat([right.batch_norm_inference(one, *rest) for one in x.split(1)])


@misconception(
    "batch_norm_inference", hint="The result has another dtype than x where the statistics are wider than x."
)
def infers_in_the_widest_dtype(x, gamma, beta, running_mean, running_var, eps=1e-5):
    wide = torch.promote_types(x.dtype, running_mean.dtype)
    return right.batch_norm_inference(x.to(wide), gamma, beta, running_mean, running_var, eps)


@misconception(
    "batch_norm_inference", hint="view needs contiguous memory: which operation does the same for any layout?"
)
def flattens_with_view_at_inference(x, gamma, beta, running_mean, running_var, eps=1e-5):
    x.view(-1)
    return right.batch_norm_inference(x, gamma, beta, running_mean, running_var, eps)


# ------------------------------------------------------------------------------ batch_norm_backward


def _back(grad_y, x, gamma, eps, *, through_mean=1.0, through_var=1.0, correction=0, root=None):
    """The right gradients, with parts switched off."""
    mean, var = _moments(x, correction)
    inverse = 1 / (root(var) if root else (var + eps).sqrt())
    normalised = (x - _along(mean, x)) * _along(inverse, x)
    dims = _dims(x)
    along = (grad_y * normalised).mean(dim=dims)
    inner = grad_y - through_mean * _along(grad_y.mean(dim=dims), x) - through_var * normalised * _along(along, x)
    parts = (inner * _along(inverse * gamma, x), (grad_y * normalised).sum(dim=dims), grad_y.sum(dim=dims))
    return tuple(part.to(grad_y.dtype) for part in parts)


@misconception(
    "batch_norm_backward", hint="A Python loop runs over the samples: one expression can treat the whole batch."
)
def sums_in_a_loop(grad_y, x, gamma, eps=1e-5):
    grad_x, grad_gamma, _ = right.batch_norm_backward(grad_y, x, gamma, eps)
    return grad_x, grad_gamma, sum(one.sum(dim=_dims(x)) for one in grad_y.split(1))


@misconception(
    "batch_norm_backward",
    hint="The mean and the variance are treated as constants: both depend on every x, and the gradient flows "
    "through them.",
)
def holds_the_statistics_fixed(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, eps, through_mean=0, through_var=0)


@misconception("batch_norm_backward", hint="The path through the mean is missing.", breaks="through-the-mean")
def forgets_the_mean(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, eps, through_mean=0)


@misconception("batch_norm_backward", hint="The path through the variance is missing.", breaks="through-the-variance")
def forgets_the_variance(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, eps, through_var=0)


@misconception(
    "batch_norm_backward",
    hint="The forward pass divides by n; this gradient belongs to one that divides by n - 1.",
    breaks="biased",
)
def differentiates_the_unbiased_variance(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, eps, correction=1)


@misconception(
    "batch_norm_backward", hint="This is the gradient for eps outside the root; it stands inside.", breaks="eps-inside"
)
def differentiates_eps_outside_the_root(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, eps, root=lambda var: var.sqrt() + eps)


@misconception(
    "batch_norm_backward", hint="eps belongs into this denominator too: without it equal values divide by zero."
)
def forgets_eps_going_back(grad_y, x, gamma, eps=1e-5):
    return _back(grad_y, x, gamma, 0.0)


@misconception("batch_norm_backward", hint="The eps that is passed in is never used.")
def ignores_its_eps_going_back(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y, x, gamma)


@misconception(
    "batch_norm_backward", hint="The gradient passes the scaling first: gamma is missing in grad_x.", breaks="gamma"
)
def forgets_gamma_going_back(grad_y, x, gamma, eps=1e-5):
    grad_x = right.batch_norm_backward(grad_y, x, torch.ones_like(gamma), eps)[0]
    return (grad_x, *right.batch_norm_backward(grad_y, x, gamma, eps)[1:])


@misconception(
    "batch_norm_backward",
    hint="A gamma of 0 divides by zero here: take the normalised values from x, not from y.",
    breaks="gamma-zero",
)
def divides_the_output_by_gamma(grad_y, x, gamma, eps=1e-5):
    grad_x, _, grad_beta = right.batch_norm_backward(grad_y, x, gamma, eps)
    y = right.batch_norm_forward(x, gamma, torch.zeros_like(gamma), eps)[0]
    normalised = y / _along(gamma, x)
    return grad_x, (grad_y * normalised).sum(dim=_dims(x)).to(grad_y.dtype), grad_beta


@misconception(
    "batch_norm_backward",
    hint="gamma multiplies the normalised values: its gradient needs those, not x.",
    breaks="normalised",
)
def multiplies_by_x_itself(grad_y, x, gamma, eps=1e-5):
    grad_x, _, grad_beta = right.batch_norm_backward(grad_y, x, gamma, eps)
    return grad_x, (grad_y * x).sum(dim=_dims(x)).to(grad_y.dtype), grad_beta


@misconception(
    "batch_norm_backward", hint="gamma and beta act on every value: their gradients are sums, not means.", breaks="sums"
)
def averages_the_gradients(grad_y, x, gamma, eps=1e-5):
    grad_x, grad_gamma, grad_beta = right.batch_norm_backward(grad_y, x, gamma, eps)
    count = x.numel() // x.shape[1]
    return grad_x, grad_gamma / count, grad_beta / count


@misconception("batch_norm_backward", hint="The second and third result have changed places.", breaks="order")
def swaps_the_last_two(grad_y, x, gamma, eps=1e-5):
    grad_x, grad_gamma, grad_beta = right.batch_norm_backward(grad_y, x, gamma, eps)
    return grad_x, grad_beta, grad_gamma


@misconception(
    "batch_norm_backward",
    hint="Sums over images and pixels are divided by the number of images only.",
    breaks="every-value-counts",
)
def counts_images_going_back(grad_y, x, gamma, eps=1e-5):
    pixels = x.shape[2:].numel()
    return _back(grad_y, x, gamma, eps, through_mean=pixels, through_var=pixels)


@misconception(
    "batch_norm_backward",
    hint="On images only the first dimension is summed for gamma and beta.",
    breaks="all-other-dimensions",
)
def sums_over_images_only(grad_y, x, gamma, eps=1e-5):
    grad_x = right.batch_norm_backward(grad_y, x, gamma, eps)[0]
    normalised = right.batch_norm_forward(x, torch.ones_like(gamma), torch.zeros_like(gamma), eps)[0]
    return grad_x, (grad_y * normalised).sum(dim=0), grad_y.sum(dim=0)


@misconception(
    "batch_norm_backward",
    hint="E[x^2] - E[x]^2 subtracts two large numbers that are nearly equal; subtract the mean before you square.",
    breaks="far-from-zero",
)
def subtracts_the_squared_mean_going_back(grad_y, x, gamma, eps=1e-5):
    mean = _moments(x)[0]
    var = ((x * x).mean(dim=_dims(x)) - mean * mean).clamp(min=0)
    return _back(grad_y, x, gamma, eps, root=lambda _: (var + eps).sqrt())


@misconception("batch_norm_backward", hint="The answer is cut off from its inputs: it should be differentiable itself.")
@torch.no_grad()
def cuts_the_graph_going_back(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception("batch_norm_backward", hint="grad_y itself is overwritten: *= and methods ending in _ work in place.")
def scales_grad_y_in_place(grad_y, x, gamma, eps=1e-5):
    result = right.batch_norm_backward(grad_y, x, gamma, eps)
    grad_y.detach().mul_(_along(gamma, x).detach())
    return result


@misconception(
    "batch_norm_backward", hint="The gradients have another dtype than grad_y: .float() loses a float64 input."
)
def goes_back_in_float32(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y.float(), x.float(), gamma.float(), eps)


@misconception("batch_norm_backward", hint="One value per channel has no spread: raise a ValueError there.")
def goes_back_from_a_single_value(grad_y, x, gamma, eps=1e-5):
    if x.numel() >= 2 * x.shape[1]:
        return right.batch_norm_backward(grad_y, x, gamma, eps)
    return torch.zeros_like(x), torch.zeros_like(gamma), grad_y.sum(dim=_dims(x))


@misconception(
    "batch_norm_backward",
    hint="An eps of 0 is a value like any other: `or` puts the default in its place.",
    breaks="eps-zero",
)
def takes_eps_zero_for_the_default_going_back(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y, x, gamma, eps or 1e-5)


def _back_without_refusal(grad_y, x, gamma):
    return torch.zeros_like(x), torch.zeros_like(gamma), grad_y.sum(dim=_dims(x))


@misconception(
    "batch_norm_backward",
    hint="Tables are looked at, but not images: one image of one pixel has one value per channel.",
    breaks="one-pixel",
)
def goes_back_from_a_single_pixel(grad_y, x, gamma, eps=1e-5):
    if x.dim() == 4 and _count(x) == 1:
        return _back_without_refusal(grad_y, x, gamma)
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception(
    "batch_norm_backward",
    hint="A table with one row slips through: it has one value per channel as well.",
    breaks="one-value",
)
def goes_back_from_a_single_row(grad_y, x, gamma, eps=1e-5):
    if x.dim() == 2 and _count(x) == 1:
        return _back_without_refusal(grad_y, x, gamma)
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception(
    "batch_norm_backward",
    hint="An empty batch slips through: fewer than 2 values are refused, not exactly 1.",
    breaks="no-value",
)
def goes_back_from_an_empty_batch(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y, x, gamma, eps) if _count(x) else _back_without_refusal(grad_y, x, gamma)


@misconception(
    "batch_norm_backward",
    hint="A single image with several pixels has enough values per channel: count values, not images.",
    breaks="one-image",
)
def refuses_a_single_image_going_back(grad_y, x, gamma, eps=1e-5):
    if x.shape[0] < 2:
        raise ValueError("x: the batch needs at least 2 samples")
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception("batch_norm_backward", hint="gamma scales the gradient of x as it is, sign included.")
def scales_by_the_size_of_gamma(grad_y, x, gamma, eps=1e-5):
    grad_x = right.batch_norm_backward(grad_y, x, gamma.abs(), eps)[0]
    return (grad_x, *right.batch_norm_backward(grad_y, x, gamma, eps)[1:])


@misconception(
    "batch_norm_backward",
    hint="A standard deviation of 0 divides by zero: put eps under the root wherever you divide.",
    breaks="constant-channel",
)
def divides_by_the_bare_deviation(grad_y, x, gamma, eps=1e-5):
    grad_x, _, grad_beta = right.batch_norm_backward(grad_y, x, gamma, eps)
    mean, var = _moments(x)
    bare = (x - _along(mean, x)) / _along(var.sqrt(), x)
    return grad_x, (grad_y * bare).sum(dim=_dims(x)).to(grad_y.dtype), grad_beta


@misconception("batch_norm_backward", hint="Which value does eps take when nobody gives one?")
def has_another_default_eps_going_back(grad_y, x, gamma, eps=1e-3):
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception("batch_norm_backward", hint="The gradients have the dtype of grad_y, the first argument, not of x.")
def takes_the_dtype_of_x(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y.to(x.dtype), x, gamma, eps)


@misconception(
    "batch_norm_backward", hint="view needs contiguous memory: which operation does the same for any layout?"
)
def flattens_with_view_going_back(grad_y, x, gamma, eps=1e-5):
    grad_y.view(-1)
    return right.batch_norm_backward(grad_y, x, gamma, eps)


@misconception("batch_norm_backward", hint="Large gradients are cut off: the formula takes them as they are.")
def clips_the_gradient(grad_y, x, gamma, eps=1e-5):
    return right.batch_norm_backward(grad_y.clamp(-100, 100), x, gamma, eps)


@misconception(
    "batch_norm_backward",
    hint="The normalised values have variance 1 only where eps is 0: var / (var + eps) is missing.",
)
def takes_the_normalised_variance_for_one(grad_y, x, gamma, eps=1e-5):
    mean, var = _moments(x)
    centred = x - _along(mean, x)
    along = (grad_y * centred).mean(dim=_dims(x)) / var.clamp(min=1e-30)
    inner = grad_y - _along(grad_y.mean(dim=_dims(x)), x) - centred * _along(along, x)
    grad_x = _along(gamma * torch.rsqrt(var + eps), x) * inner
    return (grad_x.to(grad_y.dtype), *right.batch_norm_backward(grad_y, x, gamma, eps)[1:])


# ---------------------------------------------------------------------------------------- BatchNorm


@misconception(
    "BatchNorm",
    hint="In evaluation the batch's own statistics are used: forward has to follow self.training.",
    breaks="running-in-evaluation",
)
class NormalisesByTheBatchAlways(right.BatchNorm):
    def forward(self, x):
        if self.training or x.shape[1] != self.num_features:
            return super().forward(x)
        y = x - _along(x.mean(dim=_dims(x)), x)
        y = y / (_along(x.var(dim=_dims(x), correction=0), x) + self.eps).sqrt()
        return y * _along(self.gamma, x) + _along(self.beta, x)


@misconception(
    "BatchNorm",
    hint="The running statistics are used in training: there the batch normalises itself.",
    breaks="batch-in-training",
)
class NormalisesByTheRunningStatisticsAlways(right.BatchNorm):
    def forward(self, x):
        super().forward(x)
        mean, var = self.running_mean.clone(), self.running_var.clone()
        return right.batch_norm_inference(x, self.gamma, self.beta, mean, var, self.eps)


@misconception(
    "BatchNorm",
    hint="The running statistics move in evaluation too: only training may change them.",
    breaks="still-in-evaluation",
)
class LearnsInEvaluation(right.BatchNorm):
    def forward(self, x):
        if self.training or x.shape[1] != self.num_features:
            return super().forward(x)
        y = super().forward(x)
        mean, var = x.mean(dim=_dims(x)), x.var(dim=_dims(x), correction=0)
        moved = right.update_running_stats(self.running_mean, self.running_var, mean, var, self.momentum)
        self.running_mean, self.running_var = (part.detach() for part in moved)
        return y


@misconception(
    "BatchNorm",
    hint="The running statistics never move: each training call should update them.",
    breaks="moves-in-training",
)
class NeverUpdates(right.BatchNorm):
    def forward(self, x):
        mean, var = self.running_mean.clone(), self.running_var.clone()
        y = super().forward(x)
        self.running_mean, self.running_var = mean, var
        return y


class _Remembering(right.BatchNorm):
    """``moved(old, batch)`` gives the new statistics."""

    def forward(self, x):
        old = self.running_mean.clone(), self.running_var.clone()
        y = super().forward(x)
        if self.training:
            with torch.no_grad():
                _, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, self.eps)
                self.running_mean, self.running_var = self.moved(old, (mean, var), x.numel() // x.shape[1])
        return y


@misconception(
    "BatchNorm",
    hint="The unbiased variance enters the moving average, as in PyTorch's own layer; on the slides it is the "
    "biased one.",
    breaks="biased",
)
class AveragesTheUnbiasedVariance(_Remembering):
    def moved(self, old, batch, count):
        return right.update_running_stats(*old, batch[0], batch[1] * count / (count - 1), self.momentum)


@misconception(
    "BatchNorm",
    hint="gamma scales the output; the weight of the moving average is momentum, though a slide writes gamma for both.",
)
class AveragesWithGamma(_Remembering):
    def moved(self, old, batch, count):
        pairs = zip(old, batch, strict=True)
        return tuple((1 - self.gamma.detach()) * past + self.gamma.detach() * new for past, new in pairs)


@misconception("BatchNorm", hint="momentum is the weight of the new batch here: the two weights are swapped.")
class SwapsTheWeights(_Remembering):
    def moved(self, old, batch, count):
        return right.update_running_stats(*old, *batch, 1 - self.momentum)


@misconception("BatchNorm", hint="The last batch replaces the running statistics: they should be an average.")
class KeepsTheLastBatch(_Remembering):
    def moved(self, old, batch, count):
        return batch


@misconception(
    "BatchNorm", hint="The running average never uses the momentum that the layer was made with.", breaks="momentum"
)
class IgnoresItsMomentum(_Remembering):
    def moved(self, old, batch, count):
        return right.update_running_stats(*old, *batch)


@misconception(
    "BatchNorm",
    hint="A momentum of 0 is a value like any other: `or` puts the default in its place.",
    breaks="momentum-zero",
)
class TakesNoMomentumForTheDefault(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum or 0.1)


@misconception(
    "BatchNorm",
    hint="The first batch is taken over whole: the averages start at mean 0 and variance 1.",
    breaks="first-batch",
)
class StartsWithTheFirstBatch(_Remembering):
    seen = False

    def moved(self, old, batch, count):
        first, self.seen = not self.seen, True
        return batch if first else right.update_running_stats(*old, *batch, self.momentum)


@misconception(
    "BatchNorm",
    hint="A deviation enters the running variance: average variances, and take the root at the end.",
    breaks="variances",
)
class AveragesDeviations(_Remembering):
    def moved(self, old, batch, count):
        return right.update_running_stats(*old, batch[0], batch[1].sqrt(), self.momentum)


@misconception("BatchNorm", hint="The layer's eps is stored but not used.", breaks="eps")
class IgnoresItsEps(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, momentum=momentum)


@misconception(
    "BatchNorm",
    hint="The running statistics drag the graph of every past batch along: detach them, or update under no_grad.",
    breaks="no-graph",
)
class KeepsTheGraph(right.BatchNorm):
    def forward(self, x):
        if not self.training or x.shape[1] != self.num_features:
            return super().forward(x)
        y, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, self.eps)
        moved = right.update_running_stats(self.running_mean, self.running_var, mean, var, self.momentum)
        self.running_mean, self.running_var = moved
        return y


@misconception(
    "BatchNorm",
    hint="gamma and beta get no gradient: they should reach the output undetached.",
    breaks="gradients-in-training",
)
class DetachesItsParameters(right.BatchNorm):
    def forward(self, x):
        if not self.training or x.shape[1] != self.num_features:
            return super().forward(x)
        super().forward(x)
        return right.batch_norm_forward(x, self.gamma.detach(), self.beta.detach(), self.eps)[0]


class _Plain(nn.Module):
    """The right layer's forward on statistics that are kept in another way."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.gamma, self.beta = nn.Parameter(torch.ones(num_features)), nn.Parameter(torch.zeros(num_features))
        self.keep(torch.zeros(num_features), torch.ones(num_features))

    forward = right.BatchNorm.forward


@misconception(
    "BatchNorm",
    hint="The running statistics are Parameters: an optimizer would train them. They are not learnt, so make "
    "them buffers.",
    breaks="buffers",
)
class TrainsTheRunningStatistics(_Plain):
    def keep(self, mean, var):
        self.running_mean, self.running_var = nn.Parameter(mean), nn.Parameter(var)


@misconception(
    "BatchNorm",
    hint="The running statistics are plain attributes: .to, .double and state_dict do not see them. Register buffers.",
)
class ForgetsToRegister(_Plain):
    def keep(self, mean, var):
        self.running_mean, self.running_var = mean, var


@misconception("BatchNorm", hint="The running variance of a new layer is 1, not 0.", breaks="buffers-start")
class StartsWithoutVariance(_Plain):
    def keep(self, mean, var):
        self.register_buffer("running_mean", mean)
        self.register_buffer("running_var", torch.zeros_like(var))


@misconception(
    "BatchNorm", hint="gamma and beta are plain tensors: an optimizer cannot find them unless they are Parameters."
)
class ForgetsItsParameters(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        gamma, beta = self.gamma.detach(), self.beta.detach()
        del self.gamma, self.beta
        self.gamma, self.beta = gamma, beta


@misconception(
    "BatchNorm",
    hint="Another number of channels is broadcast in silence: compare x.shape[1] with num_features.",
    breaks="channels",
)
class AcceptsAnyChannels(right.BatchNorm):
    def forward(self, x):
        if not self.training:
            return right.batch_norm_inference(x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps)
        y, mean, var = right.batch_norm_forward(x, self.gamma, self.beta, self.eps)
        with torch.no_grad():
            moved = right.update_running_stats(self.running_mean, self.running_var, mean, var, self.momentum)
            self.running_mean, self.running_var = moved
        return y


@misconception(
    "BatchNorm",
    hint="One value per channel cannot be normalised in training: raise a ValueError.",
    breaks="one-value",
)
class TrainsOnASingleValue(right.BatchNorm):
    def forward(self, x):
        single = self.training and x.shape[1] == self.num_features and x.numel() == x.shape[1]
        return _along(self.beta, x).expand(x.shape) if single else super().forward(x)


@misconception(
    "BatchNorm",
    hint="A single sample is refused in evaluation, where no batch statistics are needed.",
    breaks="single-sample",
)
class RefusesASingleSampleInEvaluation(right.BatchNorm):
    def forward(self, x):
        _checked(x)
        return super().forward(x)


@misconception(
    "BatchNorm",
    hint="A single image is refused in training, though its pixels are enough values per channel.",
    breaks="one-image",
)
class RefusesASingleImageInTraining(right.BatchNorm):
    def forward(self, x):
        if self.training and len(x) < 2:
            raise ValueError(f"x holds {len(x)} sample(s): at least 2 are needed")
        return super().forward(x)


@misconception("BatchNorm", hint="The layer overwrites its input: write the result into a new tensor.")
class OverwritesItsInput(right.BatchNorm):
    def forward(self, x):
        y = super().forward(x)
        x.detach().copy_(y.detach())
        return y


@misconception(
    "BatchNorm",
    hint="E[x^2] - E[x]^2 subtracts two large numbers that are nearly equal; subtract the mean before you square.",
    breaks="far-from-zero",
)
class SubtractsTheSquaredMean(_Remembering):
    def forward(self, x):
        self.rough = ((x * x).mean(dim=_dims(x)) - x.mean(dim=_dims(x)) ** 2).detach() if self.training else None
        return super().forward(x)

    def moved(self, old, batch, count):
        return right.update_running_stats(*old, batch[0], self.rough, self.momentum)


@misconception(
    "BatchNorm",
    hint="The running statistics are not saved: a buffer is, unless it is made with persistent=False.",
    breaks="saved",
)
class ForgetsToSave(_Plain):
    def keep(self, mean, var):
        self.register_buffer("running_mean", mean, persistent=False)
        self.register_buffer("running_var", var, persistent=False)


@misconception(
    "BatchNorm",
    hint="A new layer changes nothing but the spread: gamma starts at ones and beta at zeros.",
    breaks="parameters-start",
)
class StartsWithRandomParameters(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        nn.init.normal_(self.gamma)


@misconception(
    "BatchNorm", hint="The mode is read once and kept: look at self.training in every call.", breaks="mode-may-change"
)
class KeepsItsFirstMode(right.BatchNorm):
    mode = None

    def forward(self, x):
        self.mode = self.training if self.mode is None else self.mode
        now, self.training = self.training, self.mode
        try:
            return super().forward(x)
        finally:
            self.training = now


@misconception(
    "BatchNorm",
    hint="In evaluation the number of channels goes unchecked: compare before you branch.",
    breaks="channels-in-evaluation",
)
class AcceptsAnyChannelsInEvaluation(right.BatchNorm):
    def forward(self, x):
        if not self.training:
            return right.batch_norm_inference(x, self.gamma, self.beta, self.running_mean, self.running_var, self.eps)
        return super().forward(x)


@misconception(
    "BatchNorm", hint="More channels than num_features are refused, fewer are not: any other number is wrong."
)
class AcceptsFewerChannels(right.BatchNorm):
    def forward(self, x):
        return super().forward(x) if x.shape[1] >= self.num_features else torch.zeros_like(x)


@misconception(
    "BatchNorm",
    hint="The layer is fixed to tables: images have four dimensions and need the same treatment.",
    breaks="both-shapes",
)
class TakesTablesOnly(right.BatchNorm):
    def forward(self, x):
        if x.dim() != 2:
            raise RuntimeError("expected a table")
        return super().forward(x)


@misconception(
    "BatchNorm",
    hint="float32 is written into the code: after layer.double() everything should be in float64.",
    breaks="double",
)
class WorksInFloat32(right.BatchNorm):
    def forward(self, x):
        return super().forward(x.float().to(x.dtype))


@misconception(
    "BatchNorm",
    hint="The parameters get no gradient in evaluation: only the update of the averages needs no_grad.",
    breaks="gradients-in-evaluation",
)
class CutsTheGraphInEvaluation(right.BatchNorm):
    def forward(self, x):
        return super().forward(x) if self.training else super().forward(x).detach()


@misconception("BatchNorm", hint="The running statistics move on tables only: images should move them in the same way.")
class MovesOnTablesOnly(_Remembering):
    def forward(self, x):
        self.images = x.dim() > 2
        return super().forward(x)

    def moved(self, old, batch, count):
        return old if self.images else right.update_running_stats(*old, *batch, self.momentum)


class _NoModule:
    """A layer that is no module: the right one inside passes everything on."""

    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        vars(self)["layer"] = right.BatchNorm(num_features, eps, momentum)

    def __getattr__(self, name):
        return getattr(self.layer, name)

    def __setattr__(self, name, value):
        setattr(self.layer, name, value)

    def __call__(self, x):
        return self.layer(x)


@misconception(
    "BatchNorm", hint="The class is no nn.Module: inherit from it, and call super().__init__() first.", breaks="module"
)
class IsNoModule(_NoModule):
    pass


@misconception(
    "BatchNorm", hint="The layer counts its calls and averages all batches alike; the newest has the weight momentum."
)
class AveragesAllBatches(_Remembering):
    seen = 0

    def moved(self, old, batch, count):
        self.seen += 1
        return right.update_running_stats(*old, *batch, 1 / self.seen)


@misconception("BatchNorm", hint="The running mean stands still: both statistics move in training.")
class MovesTheVarianceOnly(_Remembering):
    def moved(self, old, batch, count):
        return old[0], right.update_running_stats(*old, *batch, self.momentum)[1]


@misconception(
    "BatchNorm", hint="eps is added to the running variance before it is stored: it belongs into the root alone."
)
class StoresTheVarianceWithEps(_Remembering):
    def moved(self, old, batch, count):
        return right.update_running_stats(*old, batch[0], batch[1] + self.eps, self.momentum)


@misconception("BatchNorm", hint="An eps of 0 is a value like any other: `or` puts the default in its place.")
class TakesNoEpsForTheDefault(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps or 1e-5, momentum)


@misconception(
    "BatchNorm",
    hint="The layer has a Parameter too many: an optimizer would train it. Only gamma and beta are learnt.",
    breaks="parameters",
)
class HasABiasBesides(right.BatchNorm):
    def __init__(self, num_features, eps=1e-5, momentum=0.1):
        super().__init__(num_features, eps, momentum)
        self.bias = nn.Parameter(torch.zeros(num_features))
