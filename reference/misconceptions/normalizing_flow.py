"""Wrong answers to ``normalizing_flow``: what students write on the way, with the sentence to read then."""

from __future__ import annotations

import math

import torch

from autograder.testing import misconception
from reference import normalizing_flow as right

LOG_2_PI = math.log(2 * math.pi)


def _require_even(points):
    """The right refusal of an odd number of features."""
    if points.shape[1] % 2:
        raise ValueError("a coupling needs an even number of features")


def _forward(x, layer):
    """The right step in the normalising direction."""
    if layer["type"] == "flip":
        return x.flip(-1), x.new_zeros(len(x))
    if layer["type"] == "affine":
        return right.affine_forward(x, layer["log_scale"], layer["shift"])
    if layer["type"] == "coupling":
        return right.coupling_forward(x, layer["w"], layer["b"])
    raise ValueError("unknown type of layer")


def _inverse(z, layer):
    """The right step in the generative direction: that of a flow of one layer."""
    return right.flow_sample(z, [layer])


# ------------------------------------------------------------------------- standard_normal_log_prob


@misconception(
    "standard_normal_log_prob",
    hint="The features are averaged: densities of independent features multiply, so their logarithms add up.",
    breaks="sum-over-features",
)
def averages_the_features(z):
    return right.standard_normal_log_prob(z) / z.shape[1]


@misconception(
    "standard_normal_log_prob",
    hint="One number per row is asked for; here every feature still has its own.",
    breaks="sum-over-features",
)
def keeps_one_number_per_feature(z):
    return -0.5 * (z**2 + LOG_2_PI)


@misconception(
    "standard_normal_log_prob",
    hint="The normalising constant is missing: without it the density does not integrate to 1.",
    breaks="constant",
)
def forgets_the_constant(z):
    return -0.5 * z.square().sum(dim=1)


@misconception(
    "standard_normal_log_prob",
    hint="The constant is that of one dimension; how often does 1 / sqrt(2 pi) occur in d dimensions?",
    breaks="constant",
)
def counts_the_constant_once(z):
    return -0.5 * (z.square().sum(dim=1) + LOG_2_PI)


@misconception("standard_normal_log_prob", hint="A factor 1/2 is missing before the square.", breaks="square")
def forgets_the_half(z):
    return -z.square().sum(dim=1) - 0.5 * z.shape[1] * LOG_2_PI


@misconception(
    "standard_normal_log_prob",
    hint="The density underflows to 0 far out, before its logarithm is taken: take the logarithm on paper.",
    breaks="far-out",
)
def takes_the_logarithm_too_late(z):
    densities = torch.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
    return densities.log().sum(dim=1)


@misconception(
    "standard_normal_log_prob",
    hint="Points far out are pulled in before the formula: it is finite there as it is.",
    breaks="far-out",
)
def clips_far_points(z):
    return right.standard_normal_log_prob(z.clamp(-50, 50))


@misconception(
    "standard_normal_log_prob",
    hint="squeeze removes every dimension of size 1, also that of the rows where there is one row.",
    breaks="single-row",
)
def squeezes_a_single_row(z):
    return right.standard_normal_log_prob(z).squeeze()


@misconception(
    "standard_normal_log_prob",
    hint="With a single feature its dimension disappears before the sum, which then runs over the rows.",
    breaks="single-feature",
)
def squeezes_a_single_feature(z):
    flat = z.squeeze(-1)
    return -0.5 * (flat.square().sum(dim=-1) + z.shape[1] * LOG_2_PI)


@misconception("standard_normal_log_prob", hint="The result has another dtype than z: .float() loses a float64 input.")
def works_in_float32(z):
    return right.standard_normal_log_prob(z.float())


@misconception("standard_normal_log_prob", hint="torch.distributions does the work here: write the formula yourself.")
def asks_torchs_distributions(z):
    return torch.distributions.Normal(0.0, 1.0).log_prob(z).sum(dim=1)


@misconception(
    "standard_normal_log_prob",
    hint="(2 pi)^(d/2) overflows where there are many features, before its logarithm is taken.",
    breaks="many-features",
)
def takes_the_logarithm_of_a_large_constant(z):
    constant = z.new_tensor(2 * math.pi) ** (z.shape[1] / 2)
    return -0.5 * z.square().sum(dim=1) - constant.log()


@misconception(
    "standard_normal_log_prob",
    hint="The root that is squared again has no derivative at the origin: sum the squares and leave it at that.",
)
def squares_a_root(z):
    return -0.5 * (z.square().sum(dim=1).sqrt() ** 2 + z.shape[1] * LOG_2_PI)


@misconception(
    "standard_normal_log_prob",
    hint="A Python loop runs over parts of the batch: it has more steps where there are more points.",
)
def measures_a_thousand_points_at_a_time(z):
    return torch.cat([right.standard_normal_log_prob(part) for part in z.split(1000)])


# ------------------------------------------------------------------------------------ affine_forward


def _log_det(x, log_scale):
    """The right one."""
    return log_scale.sum().to(x.dtype).repeat(x.shape[0])


@misconception(
    "affine_forward",
    hint="x is multiplied by the logarithm of the scale; the scale is its exponential.",
    breaks="scale",
)
def multiplies_by_the_logarithm(x, log_scale, shift):
    return (x * log_scale + shift).to(x.dtype), _log_det(x, log_scale)


@misconception(
    "affine_forward",
    hint="log_scale is clamped before it is used: the formula holds for every log_scale.",
    breaks="scale",
)
def clamps_the_log_scale(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale.clamp(-5, 5), shift)
    return z, _log_det(x, log_scale)


@misconception("affine_forward", hint="The shift is scaled as well: it is added after the scaling.", breaks="shift")
def shifts_before_scaling(x, log_scale, shift):
    return ((x + shift) * torch.exp(log_scale)).to(x.dtype), _log_det(x, log_scale)


@misconception(
    "affine_forward", hint="log_det is the determinant itself; its logarithm is asked for.", breaks="log-det-sum"
)
def returns_the_determinant(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return z, log_det.exp()


@misconception(
    "affine_forward",
    hint="The sign of log_det is that of the inverse direction: where x is stretched, it is positive.",
    breaks="log-det-sum",
)
def negates_the_log_det(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return z, -log_det


@misconception(
    "affine_forward",
    hint="log_det grows with the number of rows: each row has a determinant of its own.",
    breaks="log-det-sum",
)
def sums_the_log_det_over_the_rows(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return z, log_det * len(x)


@misconception(
    "affine_forward",
    hint="log_det is a single number: every row needs its own, even if they are all the same.",
    breaks="log-det-per-row",
)
def returns_a_single_log_det(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, log_scale.sum().to(x.dtype)


@misconception(
    "affine_forward",
    hint="log_det has one entry per feature: they should be summed, and the sum be there for every row.",
)
def returns_a_log_det_per_feature(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, log_scale.to(x.dtype).clone()


@misconception(
    "affine_forward",
    hint="The product of the scales overflows or underflows before its logarithm is taken.",
    breaks="log-det-extreme",
)
def multiplies_the_scales_first(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, log_scale.exp().prod().log().to(x.dtype).repeat(len(x))


@misconception(
    "affine_forward",
    hint="A scale that underflows to 0 has the logarithm -inf: its logarithm was given, there is no need to go back.",
    breaks="log-det-extreme",
)
def takes_the_logarithm_of_each_scale(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, torch.linalg.slogdet(torch.diag(log_scale.exp())).logabsdet.to(x.dtype).repeat(len(x))


@misconception("affine_forward", hint="The two results come in the other order: z first, then log_det.", breaks="order")
def swaps_the_results(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return log_det, z


@misconception(
    "affine_forward", hint="With one row log_det loses its dimension: its shape should be (1,).", breaks="single-row"
)
def squeezes_the_log_det_of_one_row(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return z, log_det.squeeze()


@misconception("affine_forward", hint="log_det is float32 whatever x is: torch.zeros and torch.full ask for a dtype.")
def makes_a_float32_log_det(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, torch.zeros(len(x)) + log_scale.sum()


@misconception(
    "affine_forward", hint="With parameters of a wider dtype the results change theirs: it should be that of x."
)
def takes_the_dtype_of_the_parameters(x, log_scale, shift):
    return x * log_scale.exp() + shift, log_scale.sum().repeat(len(x))


@misconception("affine_forward", hint="x itself is overwritten: *= and methods ending in _ work in place.")
def scales_in_place(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    x.detach().copy_(z.detach())
    return z, log_det


@misconception(
    "affine_forward",
    hint="log_det is a number without a past: item() cuts it off from log_scale, and no gradient flows.",
)
def makes_log_det_from_a_number(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    return z, torch.full((len(x),), log_scale.sum().item(), dtype=x.dtype)


@misconception("affine_forward", hint="No gradient reaches log_scale and shift: they are detached.")
def detaches_the_parameters(x, log_scale, shift):
    return right.affine_forward(x, log_scale.detach(), shift.detach())


@misconception(
    "affine_forward",
    hint="The log scale is bounded before exp: scales far larger than that can still be represented.",
    breaks="largest-scale",
)
def bounds_the_log_scale_from_above(x, log_scale, shift):
    _, log_det = right.affine_forward(x, log_scale, shift)
    return right.affine_forward(x, log_scale.clamp(max=60), shift)[0], log_det


@misconception(
    "affine_forward",
    hint="log_det does not depend on x: here a gradient flows back to x from it.",
)
def lets_log_det_pull_at_x(x, log_scale, shift):
    z, log_det = right.affine_forward(x, log_scale, shift)
    return z, log_det + (x - x.detach()).sum(dim=1)


@misconception(
    "affine_forward", hint="Dual numbers are automatic differentiation too; the log determinant has a formula."
)
def differentiates_forwards(x, log_scale, shift):
    z, _ = right.affine_forward(x, log_scale, shift)
    with torch.autograd.forward_ad.dual_level():
        dual = torch.autograd.forward_ad.make_dual(x, torch.ones_like(x)) * log_scale.exp()
        tangent = torch.autograd.forward_ad.unpack_dual(dual).tangent
    return z, tangent.log().sum(dim=1).to(x.dtype)


# ------------------------------------------------------------------------------------ affine_inverse


@misconception("affine_inverse", hint="This is the forward direction once more.")
def goes_forward_again(z, log_scale, shift):
    return right.affine_forward(z, log_scale, shift)[0]


@misconception(
    "affine_inverse",
    hint="The scale is undone first and the shift last: what came last has to be undone first.",
    breaks="shift",
)
def undoes_the_shift_last(z, log_scale, shift):
    return (z * torch.exp(-log_scale) - shift).to(z.dtype)


@misconception("affine_inverse", hint="The scale is applied once more instead of being undone.", breaks="scale")
def scales_again(z, log_scale, shift):
    return right.affine_inverse(z, -log_scale, shift)


@misconception(
    "affine_inverse",
    hint="z is rounded to the dtype of the parameters on the way; the result has its dtype, but no longer its digits.",
)
def rounds_z_to_the_parameters(z, log_scale, shift):
    return right.affine_inverse(z.to(log_scale.dtype), log_scale, shift.to(log_scale.dtype)).to(z.dtype)


@misconception(
    "affine_inverse",
    hint="A small number is added to the scale: an exponential is never 0, and the inverse is exact.",
    breaks="scale",
)
def guards_the_division(z, log_scale, shift):
    return ((z - shift) / (log_scale.exp() + 1e-6)).to(z.dtype)


@misconception(
    "affine_inverse",
    hint="log_scale is clamped before it is used: the formula holds for every log_scale.",
    breaks="extreme",
)
def clamps_the_log_scale_back(z, log_scale, shift):
    return right.affine_inverse(z, log_scale.clamp(-10, 10), shift)


@misconception("affine_inverse", hint="A determinant comes back as well: the inverse returns x alone.")
def returns_a_log_det_too(z, log_scale, shift):
    return right.affine_inverse(z, log_scale, shift), -_log_det(z, log_scale)


@misconception(
    "affine_inverse",
    hint="A diagonal system needs no solver, and a scale that underflows makes the matrix singular for it.",
    breaks="extreme",
)
def solves_a_linear_system(z, log_scale, shift):
    wide = torch.promote_types(torch.promote_types(z.dtype, log_scale.dtype), shift.dtype)
    scales = torch.diag(log_scale.to(wide).exp())
    return torch.linalg.solve(scales, (z.to(wide) - shift.to(wide)).T).T.to(z.dtype)


# ---------------------------------------------------------------------------------- coupling_forward


def _halves(points):
    _require_even(points)
    half = points.shape[1] // 2
    return points[:, :half], points[:, half:]


def _linear(first, w, b):
    """The columns of ``r`` and ``t``."""
    raw = (first @ w.to(first.dtype) + b.to(first.dtype)).chunk(2, dim=1)
    return raw[0], raw[1]


def _coupled(x, w, b, *, log_s=torch.tanh, t=lambda t: t):
    """The right coupling, with parts replaced."""
    first, second = _halves(x)
    raw, shift = _linear(first, w, b)
    return torch.cat([first, second * log_s(raw).exp() + t(shift)], dim=1), log_s(raw).sum(dim=1)


@misconception(
    "coupling_forward",
    hint="The second half passes and the first is transformed: it is the other way round.",
    breaks="first-half-passes",
)
def transforms_the_first_half(x, w, b):
    first, second = _halves(x)
    z, log_det = right.coupling_forward(torch.cat([second, first], dim=1), w, b)
    return z.roll(x.shape[1] // 2, dims=1), log_det


@misconception(
    "coupling_forward",
    hint="Every other feature passes here; the halves are the first d/2 features and the rest.",
    breaks="halves",
)
def takes_every_other_feature(x, w, b):
    _halves(x)
    z, log_det = right.coupling_forward(torch.cat([x[:, ::2], x[:, 1::2]], dim=1), w, b)
    first, second = _halves(z)
    return torch.stack([first, second], dim=2).flatten(1), log_det


@misconception(
    "coupling_forward",
    hint="Scale and shift are computed from the half that they change: then the layer can no longer be inverted.",
    breaks="conditioner",
)
def conditions_on_the_second_half(x, w, b):
    first, second = _halves(x)
    raw, t = _linear(second, w, b)
    log_s = raw.tanh()
    return torch.cat([first, second * log_s.exp() + t], dim=1), log_s.sum(dim=1)


@misconception("coupling_forward", hint="The bias b is missing from the linear map.", breaks="conditioner")
def forgets_the_bias(x, w, b):
    return right.coupling_forward(x, w, torch.zeros_like(b))


@misconception(
    "coupling_forward",
    hint="Scale and shift have changed places: the first half of the columns is for the scale.",
    breaks="columns",
)
def swaps_scale_and_shift(x, w, b):
    half = w.shape[0]
    return right.coupling_forward(x, w.roll(half, dims=1), b.roll(half))


@misconception(
    "coupling_forward",
    hint="Columns of scale and shift are taken in turns; they are two blocks, one after the other.",
    breaks="columns",
)
def takes_every_other_column(x, w, b):
    order = [*range(0, len(b), 2), *range(1, len(b), 2)]
    return right.coupling_forward(x, w[:, order], b[order])


@misconception("coupling_forward", hint="The tanh is missing: without it the scale has no bounds.", breaks="tanh")
def forgets_the_tanh(x, w, b):
    return _coupled(x, w, b, log_s=lambda raw: raw)


@misconception(
    "coupling_forward",
    hint="tanh is computed from exponentials that overflow for large numbers: inf / inf is no number.",
)
def overflows_in_the_tanh(x, w, b):
    return _coupled(x, w, b, log_s=lambda raw: (raw.exp() - (-raw).exp()) / (raw.exp() + (-raw).exp()))


@misconception("coupling_forward", hint="The shift goes through tanh as well; only log_s does.", breaks="t-linear")
def squashes_the_shift(x, w, b):
    return _coupled(x, w, b, t=torch.tanh)


@misconception(
    "coupling_forward", hint="The shift is scaled as well: it is added after the scaling.", breaks="scale-then-shift"
)
def shifts_the_second_half_first(x, w, b):
    first, second = _halves(x)
    raw, t = _linear(first, w, b)
    return torch.cat([first, (second + t) * raw.tanh().exp()], dim=1), raw.tanh().sum(dim=1)


@misconception(
    "coupling_forward", hint="log_det is summed from r, before tanh: sum what is exponentiated.", breaks="log-det"
)
def sums_before_the_tanh(x, w, b):
    z, _ = right.coupling_forward(x, w, b)
    return z, _linear(_halves(x)[0], w, b)[0].sum(dim=1)


@misconception("coupling_forward", hint="All rows share one log_det; each row has scales of its own.", breaks="log-det")
def sums_log_s_over_the_rows(x, w, b):
    z, log_det = right.coupling_forward(x, w, b)
    return z, log_det.sum().repeat(len(x))


@misconception(
    "coupling_forward",
    hint="Scale and shift are both summed into log_det: shifting changes no volume.",
    breaks="log-det",
)
def counts_the_shift_in_log_det(x, w, b):
    z, log_det = right.coupling_forward(x, w, b)
    return z, log_det + _linear(_halves(x)[0], w, b)[1].sum(dim=1)


@misconception("coupling_forward", hint="The two results come in the other order: z first.", breaks="order")
def swaps_the_coupling_results(x, w, b):
    z, log_det = right.coupling_forward(x, w, b)
    return log_det, z


@misconception(
    "coupling_forward", hint="An odd number of features has no halves: the entry asks for a ValueError.", breaks="odd"
)
def accepts_odd_features(x, w, b):
    half = x.shape[1] // 2
    first, second = x[:, :half], x[:, half:]
    wide = [part.to(torch.promote_types(x.dtype, w.dtype)) for part in (first, w, b)]
    raw, t = (wide[0] @ wide[1] + wide[2]).to(x.dtype).chunk(2, dim=1)
    return torch.cat([first, second * raw.tanh().exp() + t], dim=1), raw.tanh().sum(dim=1)


@misconception(
    "coupling_forward", hint="The number of rows is checked; it is the features that must be even in number."
)
def refuses_an_odd_batch(x, w, b):
    if len(x) % 2:
        raise ValueError("x needs an even number of rows")
    return right.coupling_forward(x, w, b)


@misconception(
    "coupling_forward",
    hint="With two features the halves have one each, and squeeze drops their dimension.",
    breaks="two-features",
)
def squeezes_narrow_halves(x, w, b):
    first, second = _halves(x)
    raw, t = (part.squeeze(1) for part in _linear(first, w, b))
    return torch.cat([first, second * raw.tanh().exp() + t], dim=1), raw.tanh().reshape(len(x), -1).sum(dim=1)


@misconception("coupling_forward", hint="x itself is overwritten: a slice of x is x, not a copy.")
def couples_in_place(x, w, b):
    z, log_det = right.coupling_forward(x, w, b)
    x.detach()[:, w.shape[0] :] = z.detach()[:, w.shape[0] :]
    return z, log_det


@misconception("coupling_forward", hint="Weights of another dtype than x meet x in a matrix product, which refuses.")
def mixes_dtypes_in_a_product(x, w, b):
    x[:, : w.shape[0]] @ w + b
    return right.coupling_forward(x, w, b)


@misconception("coupling_forward", hint="log_det is detached: the loss needs its gradient.")
def detaches_the_coupling_log_det(x, w, b):
    z, log_det = right.coupling_forward(x, w, b)
    return z, log_det.detach()


@misconception(
    "coupling_forward", hint="Scale and shift are computed without a graph: no gradient reaches w, b and, that way, x1."
)
def detaches_the_conditioner(x, w, b):
    first, second = _halves(x)
    raw, t = _linear(first.detach(), w.detach(), b.detach())
    return torch.cat([first, second * raw.tanh().exp() + t], dim=1), raw.tanh().sum(dim=1)


@misconception("coupling_forward", hint="A Python loop runs over the rows: one matrix product treats them all.")
def couples_row_by_row(x, w, b):
    parts = [right.coupling_forward(row, w, b) for row in x.split(1)]
    return torch.cat([z for z, _ in parts]), torch.cat([log_det for _, log_det in parts])


@misconception(
    "coupling_forward",
    hint="The product of the scales overflows, or underflows, where there are many: their logarithms are log_s.",
    breaks="many-features",
)
def multiplies_many_scales(x, w, b):
    z, _ = right.coupling_forward(x, w, b)
    first, _ = _halves(x)
    return z, _linear(first, w, b)[0].tanh().exp().prod(dim=1).log()


@misconception(
    "coupling_forward",
    hint="This form of tanh has the right values, but where its exp overflows its gradient is NaN.",
    breaks="tanh",
)
def loses_the_gradient_of_tanh(x, w, b):
    return _coupled(x, w, b, log_s=lambda raw: 1 - 2 / ((2 * raw).exp() + 1))


@misconception(
    "coupling_forward",
    hint="x is rounded to the dtype of the weights on the way: z1 = x1 no longer holds to the last digit.",
)
def rounds_x_to_the_weights(x, w, b):
    z, log_det = right.coupling_forward(x.to(w.dtype), w, b.to(w.dtype))
    return z.to(x.dtype), log_det.to(x.dtype)


# ---------------------------------------------------------------------------------- coupling_inverse


def _uncoupled(z, w, b, undo):
    """The right inverse, with ``undo(second, log_s, t)`` in the place of its last step."""
    first, second = _halves(z)
    raw, t = _linear(first, w, b)
    return torch.cat([first, undo(second, raw.tanh(), t)], dim=1)


@misconception("coupling_inverse", hint="The shift has to be undone before the scale: it came last.", breaks="undo")
def undoes_the_scale_first(z, w, b):
    return _uncoupled(z, w, b, lambda second, log_s, t: second * (-log_s).exp() - t)


@misconception(
    "coupling_inverse",
    hint="z is rounded to the dtype of the weights on the way: x1 = z1 no longer holds to the last digit.",
)
def rounds_z_to_the_weights(z, w, b):
    return right.coupling_inverse(z.to(w.dtype), w, b.to(w.dtype)).to(z.dtype)


@misconception(
    "coupling_inverse",
    hint="A small number is added to the scale: it is never below 1/e, and the inverse is exact.",
    breaks="undo",
)
def guards_the_scale(z, w, b):
    return _uncoupled(z, w, b, lambda second, log_s, t: (second - t) / (log_s.exp() + 1e-6))


@misconception(
    "coupling_inverse",
    hint="Scale and shift are computed from the second half, which has changed on the way: the first one has not.",
    breaks="conditioner",
)
def conditions_on_the_changed_half(z, w, b):
    first, second = _halves(z)
    raw, t = _linear(second, w, b)
    return torch.cat([first, (second - t) * (-raw.tanh()).exp()], dim=1)


@misconception("coupling_inverse", hint="Scale and shift have changed places.", breaks="columns")
def swaps_scale_and_shift_back(z, w, b):
    half = w.shape[0]
    return right.coupling_inverse(z, w.roll(half, dims=1), b.roll(half))


@misconception(
    "coupling_inverse", hint="The tanh is missing: the inverse needs the scale of the forward pass.", breaks="tanh"
)
def forgets_the_tanh_back(z, w, b):
    first, second = _halves(z)
    raw, t = _linear(first, w, b)
    return torch.cat([first, (second - t) * (-raw).exp()], dim=1)


@misconception(
    "coupling_inverse",
    hint="The first half is transformed as well: it passed unchanged, so it comes back unchanged.",
    breaks="first-half-passes",
)
def undoes_both_halves(z, w, b):
    first, second = _halves(z)
    raw, t = _linear(first, w, b)
    return torch.cat([(half - t) * (-raw.tanh()).exp() for half in (first, second)], dim=1)


@misconception("coupling_inverse", hint="The two halves come back in the other order.")
def joins_the_halves_wrongly(z, w, b):
    return right.coupling_inverse(z, w, b).roll(z.shape[1] // 2, dims=1)


@misconception("coupling_inverse", hint="An odd number of features has no halves: raise a ValueError.", breaks="odd")
def accepts_odd_features_back(z, w, b):
    half = z.shape[1] // 2
    first, second = z[:, :half], z[:, half:]
    wide = [part.to(torch.promote_types(z.dtype, w.dtype)) for part in (first, w, b)]
    raw, t = (wide[0] @ wide[1] + wide[2]).to(z.dtype).chunk(2, dim=1)
    return torch.cat([first, (second - t) * (-raw.tanh()).exp()], dim=1)


@misconception(
    "coupling_inverse",
    hint="tanh is computed from exponentials that overflow for large numbers: inf / inf is no number.",
)
def overflows_in_the_tanh_back(z, w, b):
    first, second = _halves(z)
    raw, t = _linear(first, w, b)
    powers = (2 * raw).exp()
    return torch.cat([first, (second - t) * (-(powers - 1) / (powers + 1)).exp()], dim=1)


@misconception("coupling_inverse", hint="No gradient reaches w and b: they are detached.")
def detaches_the_conditioner_back(z, w, b):
    return right.coupling_inverse(z, w.detach(), b.detach())


@misconception(
    "coupling_inverse",
    hint="This form of tanh has the right values, but where its exp overflows its gradient is NaN.",
    breaks="tanh",
)
def loses_the_gradient_of_tanh_back(z, w, b):
    first, second = _halves(z)
    raw, t = _linear(first, w, b)
    return torch.cat([first, (second - t) * (2 / ((2 * raw).exp() + 1) - 1).exp()], dim=1)


# ------------------------------------------------------------------------------------- flow_log_prob


def _followed(x, layers, step=_forward):
    """``F(x)`` and the log determinants of all layers, each ``(N,)``."""
    changes = []
    for layer in layers:
        x, change = step(x, layer)
        changes.append(change)
    return x, changes


def _density(x, layers, step=_forward):
    z, changes = _followed(x, layers, step)
    return right.standard_normal_log_prob(z) + sum(changes, x.new_zeros(len(x)))


@misconception(
    "flow_log_prob",
    hint="The log determinants are subtracted: where F stretches, the density of the data is high.",
    breaks="log-det-added",
)
def subtracts_the_log_dets(x, layers):
    z, changes = _followed(x, layers)
    return right.standard_normal_log_prob(z) - sum(changes, x.new_zeros(len(x)))


@misconception(
    "flow_log_prob",
    hint="Only the last log determinant counts: each layer overwrites the one before, where they should add up.",
    breaks="every-layer",
)
def keeps_the_last_log_det(x, layers):
    z, changes = _followed(x, layers)
    return right.standard_normal_log_prob(z) + (changes[-1] if changes else 0)


@misconception(
    "flow_log_prob",
    hint="The couplings' log determinants are left out: they change volumes, too.",
    breaks="every-layer",
)
def counts_affine_layers_only(x, layers):
    def step(x, layer):
        z, change = _forward(x, layer)
        return z, change if layer["type"] == "affine" else torch.zeros_like(change)

    return _density(x, layers, step)


@misconception(
    "flow_log_prob",
    hint="The latent density is taken at x: it belongs at F(x), after the last layer.",
    breaks="latent-at-the-end",
)
def takes_the_latent_density_at_x(x, layers):
    _, changes = _followed(x, layers)
    return right.standard_normal_log_prob(x) + sum(changes, x.new_zeros(len(x)))


@misconception("flow_log_prob", hint="The layers are applied from the last to the first.", breaks="in-order")
def applies_the_last_layer_first(x, layers):
    return _density(x, layers[::-1])


@misconception(
    "flow_log_prob",
    hint="Every layer gets x: each should get what the layer before it made.",
    breaks="in-order",
)
def gives_every_layer_x(x, layers):
    steps = [_forward(x, layer) for layer in layers]
    z = steps[-1][0] if steps else x
    return right.standard_normal_log_prob(z) + sum((change for _, change in steps), x.new_zeros(len(x)))


@misconception("flow_log_prob", hint="This is the generative direction: the density needs the normalising one.")
def goes_backwards(x, layers):
    z = right.flow_sample(x, layers)
    return right.standard_normal_log_prob(z) - sum(_followed(z, layers)[1], x.new_zeros(len(x)))


@misconception("flow_log_prob", hint="A flip does nothing here: it reverses the features.", breaks="flip")
def ignores_flips(x, layers):
    return _density(x, [layer for layer in layers if layer["type"] != "flip"])


@misconception(
    "flow_log_prob", hint="A flip exchanges the halves here; it reverses the order of all features.", breaks="flip"
)
def flips_the_halves(x, layers):
    def step(x, layer):
        swapped = x.roll(x.shape[1] // 2, dims=1)
        return (swapped, x.new_zeros(len(x))) if layer["type"] == "flip" else _forward(x, layer)

    return _density(x, layers, step)


@misconception(
    "flow_log_prob",
    hint="A flip turns the sign of the log determinant; of the determinant the absolute value counts.",
    breaks="flip-volume",
)
def turns_the_log_det_at_a_flip(x, layers):
    z, total = x, x.new_zeros(len(x))
    for layer in layers:
        z, change = _forward(z, layer)
        total = -total if layer["type"] == "flip" else total + change
    return right.standard_normal_log_prob(z) + total


@misconception(
    "flow_log_prob", hint="Without layers the flow is the identity: what is the density then?", breaks="no-layers"
)
def knows_no_density_without_layers(x, layers):
    return right.flow_log_prob(x, layers) if layers else x.new_zeros(len(x))


@misconception("flow_log_prob", hint="Without layers no gradient flows to x: the latent density is detached there.")
def detaches_the_density_without_layers(x, layers):
    return right.flow_log_prob(x if layers else x.detach(), layers)


@misconception(
    "flow_log_prob",
    hint="The log density is capped at 0: a density, unlike a probability, may be above 1.",
    breaks="above-one",
)
def takes_densities_for_probabilities(x, layers):
    return right.flow_log_prob(x, layers).clamp(max=0)


@misconception(
    "flow_log_prob",
    hint="Densities are multiplied before the logarithm is taken: they underflow; add logarithms.",
    breaks="far-out",
)
def multiplies_densities(x, layers):
    z, changes = _followed(x, layers)
    density = right.standard_normal_log_prob(z).exp()
    for change in changes:
        density = density * change.exp()
    return density.log()


KNOWN = ("affine", "coupling", "flip")


@misconception(
    "flow_log_prob", hint="A layer of an unknown type is passed over: it should raise a ValueError.", breaks="unknown"
)
def passes_over_unknown_layers(x, layers):
    return right.flow_log_prob(x, [layer for layer in layers if layer["type"] in KNOWN])


@misconception(
    "flow_log_prob",
    hint="Whatever is neither affine nor a coupling counts as a flip: an else does not ask what it gets.",
    breaks="unknown",
)
def takes_the_rest_for_flips(x, layers):
    return right.flow_log_prob(x, [layer if layer["type"] in KNOWN else {"type": "flip"} for layer in layers])


@misconception(
    "flow_log_prob",
    hint="The layers are told apart by the keys they hold: their type is what counts.",
    breaks="unknown",
)
def guesses_the_type_from_the_keys(x, layers):
    def typed(layer):
        kind = "affine" if "log_scale" in layer else "coupling" if "w" in layer else layer["type"]
        return {**layer, "type": kind}

    return right.flow_log_prob(x, [typed(layer) for layer in layers])


@misconception(
    "flow_log_prob", hint="Only the first layer's type is checked: a bad one may stand anywhere.", breaks="unknown"
)
def checks_the_first_layer_only(x, layers):
    head = [layer for index, layer in enumerate(layers) if index == 0 or layer["type"] in KNOWN]
    return right.flow_log_prob(x, head)


@misconception(
    "flow_log_prob", hint="An unknown type raises a KeyError: the entry asks for a ValueError.", breaks="unknown"
)
def looks_types_up_in_a_dict(x, layers):
    for layer in layers:
        dict.fromkeys(KNOWN)[layer["type"]]
    return right.flow_log_prob(x, layers)


@misconception(
    "flow_log_prob", hint="Only the beginning of the type is compared: 'couplings' is no 'coupling'.", breaks="unknown"
)
def compares_beginnings(x, layers):
    def typed(layer):
        return {**layer, "type": next((kind for kind in KNOWN if layer["type"].startswith(kind)), layer["type"])}

    return right.flow_log_prob(x, [typed(layer) for layer in layers])


@misconception(
    "flow_log_prob",
    hint="An odd number of features is refused always: only a coupling needs an even one.",
    breaks="odd-without-coupling",
)
def refuses_every_odd_dimension(x, layers):
    _require_even(x)
    return right.flow_log_prob(x, layers)


def _careless(x, layer):
    """A step that halves whatever comes."""
    if layer["type"] != "coupling":
        return _forward(x, layer)
    half, w, b = x.shape[1] // 2, layer["w"], layer["b"]
    raw, t = (x[:, :half] @ w.to(x.dtype) + b.to(x.dtype)).chunk(2, dim=1)
    return torch.cat([x[:, :half], x[:, half:] * raw.tanh().exp() + t], dim=1), raw.tanh().sum(dim=1)


@misconception(
    "flow_log_prob",
    hint="A coupling that meets an odd number of features goes unnoticed: raise a ValueError there.",
    breaks="odd",
)
def halves_whatever_comes(x, layers):
    return _density(x, layers, _careless)


@misconception(
    "flow_log_prob", hint="The layers have lost their type: pop changes the caller's dicts.", breaks="list-untouched"
)
def pops_the_types(x, layers):
    log_p = right.flow_log_prob(x, layers)
    for layer in layers:
        layer.pop("type")
    return log_p


@misconception(
    "flow_log_prob",
    hint="The parameters are taken in the order in which the dict holds them: ask for them by their keys.",
    breaks="key-order",
)
def trusts_the_order_of_keys(x, layers):
    names = {"affine": ("log_scale", "shift"), "coupling": ("w", "b"), "flip": ()}

    def named(layer):
        values = [value for key, value in layer.items() if key != "type"]
        return {"type": layer["type"], **dict(zip(names.get(layer["type"], ()), values, strict=False))}

    return right.flow_log_prob(x, [named(layer) for layer in layers])


@misconception("flow_log_prob", hint="The sum of log determinants starts as float32: torch.zeros asks for a dtype.")
def adds_up_in_float32(x, layers):
    z, changes = _followed(x, layers)
    total = torch.zeros(len(x))
    for change in changes:
        total += change.to(total.dtype)
    return right.standard_normal_log_prob(z).float() + total


@misconception("flow_log_prob", hint="No gradient reaches the parameters in the layers: they are copied with detach.")
def detaches_the_layers(x, layers):
    def bare(layer):
        return {key: value.detach() if isinstance(value, torch.Tensor) else value for key, value in layer.items()}

    return right.flow_log_prob(x, [bare(layer) for layer in layers])


@misconception("flow_log_prob", hint="x itself is overwritten on its way through the layers.")
def sends_x_itself_through(x, layers):
    log_p = right.flow_log_prob(x, layers)
    x.detach().copy_(_followed(x.detach(), layers)[0])
    return log_p


@misconception("flow_log_prob", hint="A Python loop runs over the rows; only the layers need one.")
def measures_row_by_row(x, layers):
    return torch.cat([right.flow_log_prob(row, layers) for row in x.split(1)])


@misconception(
    "flow_log_prob",
    hint="Types are compared in small letters: a type written otherwise is unknown, and should be refused.",
    breaks="unknown",
)
def ignores_the_case_of_types(x, layers):
    return right.flow_log_prob(x, [layer | {"type": layer["type"].lower()} for layer in layers])


@misconception(
    "flow_log_prob",
    hint="The type is looked for first and the tensors taken as they come: they have names.",
    breaks="key-order",
)
def trusts_the_order_of_tensors(x, layers):
    named = {"affine": ("log_scale", "shift"), "coupling": ("w", "b")}

    def ordered(layer):
        kind, *tensors = layer.values()
        # a dict in which the type is not first is read by its keys
        known = isinstance(kind, str) and kind in named
        return {"type": kind} | dict(zip(named[kind], tensors, strict=True)) if known else layer

    return right.flow_log_prob(x, [ordered(layer) for layer in layers])


@misconception(
    "flow_log_prob",
    hint="Only the first flip of the list is carried out; each one reverses the features again.",
    breaks="flip",
)
def flips_once(x, layers):
    flips = [index for index, layer in enumerate(layers) if layer["type"] == "flip"]
    return right.flow_log_prob(x, [layer for index, layer in enumerate(layers) if index not in flips[1:]])


@misconception(
    "flow_log_prob",
    hint="Tensors of another dtype are converted inside the caller's dicts: convert copies.",
    breaks="list-untouched",
)
def converts_the_layers_themselves(x, layers):
    for layer in layers:
        layer.update({key: value.to(x.dtype) for key, value in layer.items() if key != "type"})
    return right.flow_log_prob(x, layers)


@misconception(
    "flow_log_prob",
    hint="x is rounded to the dtype of the layers on the way; the result has its dtype, but no longer its digits.",
)
def rounds_x_to_the_layers(x, layers):
    for tensor in (value for layer in layers for value in layer.values() if isinstance(value, torch.Tensor)):
        return right.flow_log_prob(x.to(tensor.dtype), layers).to(x.dtype)
    return right.flow_log_prob(x, layers)


# --------------------------------------------------------------------------------------- flow_sample


def _undone(z, layers, step=_inverse):
    x = z.clone()
    for layer in reversed(layers):
        x = step(x, layer)
    return x


@misconception(
    "flow_sample",
    hint="The layers are undone from the first to the last: what came last has to be undone first.",
    breaks="last-first",
)
def undoes_the_first_layer_first(z, layers):
    return _undone(z, layers[::-1])


@misconception("flow_sample", hint="The layers are applied, not undone: sampling runs through the flow backwards.")
def samples_forwards(z, layers):
    for layer in layers:
        z, _ = _forward(z, layer)
    return z.clone()


@misconception("flow_sample", hint="The order is right, but each layer is applied instead of undone.", breaks="inverse")
def applies_layers_in_reverse(z, layers):
    return _undone(z, layers, lambda z, layer: _forward(z, layer)[0])


@misconception(
    "flow_sample", hint="A layer of an unknown type is passed over: it should raise a ValueError.", breaks="unknown"
)
def undoes_known_layers_only(z, layers):
    return _undone(z, [layer for layer in layers if layer["type"] in KNOWN])


@misconception("flow_sample", hint="The first layer of the list is left out: a slice or range ends too early.")
def stops_before_the_first_layer(z, layers):
    return _undone(z, layers[1:])


@misconception(
    "flow_sample",
    hint="Without layers z itself comes back: writing into the result would change it; return a copy.",
    breaks="no-layers-copy",
)
def returns_z_itself(z, layers):
    return _undone(z, layers) if layers else z


@misconception(
    "flow_sample", hint="Without layers the copy is cut off from z: no gradient flows.", breaks="no-layers-copy"
)
def copies_without_gradient(z, layers):
    return _undone(z, layers) if layers else z.detach().clone()


@misconception(
    "flow_sample", hint="A flip does nothing here: it reverses the features, in both directions.", breaks="flip"
)
def undoes_no_flip(z, layers):
    return _undone(z, [layer for layer in layers if layer["type"] != "flip"])


@misconception(
    "flow_sample", hint="A flip exchanges the halves here; it reverses the order of all features.", breaks="flip"
)
def flips_the_halves_back(z, layers):
    def step(z, layer):
        return z.roll(z.shape[1] // 2, dims=1) if layer["type"] == "flip" else _inverse(z, layer)

    return _undone(z, layers, step)


@misconception(
    "flow_sample",
    hint="The caller's list is reversed afterwards: reverse() works in place, reversed() does not.",
    breaks="list-untouched",
)
def reverses_the_list_itself(z, layers):
    x = _undone(z, layers)
    layers.reverse()
    return x


@misconception(
    "flow_sample", hint="The list is empty afterwards: pop changes the caller's list.", breaks="list-untouched"
)
def pops_the_layers_from_the_end(z, layers):
    x = z.clone()
    while layers:
        x = _inverse(x, layers.pop())
    return x


@misconception(
    "flow_sample",
    hint="The parameters are taken in the order in which the dict holds them: ask for them by their keys.",
    breaks="key-order",
)
def trusts_the_order_of_keys_back(z, layers):
    names = {"affine": ("log_scale", "shift"), "coupling": ("w", "b"), "flip": ()}

    def named(layer):
        values = [value for key, value in layer.items() if key != "type"]
        return {"type": layer["type"], **dict(zip(names.get(layer["type"], ()), values, strict=False))}

    return right.flow_sample(z, [named(layer) for layer in layers])


@misconception(
    "flow_sample",
    hint="An odd number of features is refused always: only a coupling needs an even one.",
    breaks="odd-without-coupling",
)
def refuses_every_odd_dimension_back(z, layers):
    _require_even(z)
    return _undone(z, layers)


@misconception(
    "flow_sample",
    hint="A coupling that meets an odd number of features goes unnoticed: raise a ValueError there.",
    breaks="odd",
)
def halves_whatever_comes_back(z, layers):
    def step(z, layer):
        if layer["type"] != "coupling":
            return _inverse(z, layer)
        half, w, b = z.shape[1] // 2, layer["w"], layer["b"]
        raw, t = (z[:, :half] @ w.to(z.dtype) + b.to(z.dtype)).chunk(2, dim=1)
        return torch.cat([z[:, :half], (z[:, half:] - t) * (-raw.tanh()).exp()], dim=1)

    return _undone(z, layers, step)


@misconception(
    "flow_sample",
    hint="Types are compared in small letters: a type written otherwise is unknown, and should be refused.",
    breaks="unknown",
)
def ignores_the_case_of_types_back(z, layers):
    return right.flow_sample(z, [layer | {"type": layer["type"].lower()} for layer in layers])


@misconception(
    "flow_sample",
    hint="Only the first flip of the list is undone; each one reversed the features again.",
    breaks="flip",
)
def undoes_one_flip(z, layers):
    flips = [index for index, layer in enumerate(layers) if layer["type"] == "flip"]
    return right.flow_sample(z, [layer for index, layer in enumerate(layers) if index not in flips[1:]])


@misconception("flow_sample", hint="A Python loop runs over parts of the batch; only the layers need one.")
def samples_in_parts(z, layers):
    return torch.cat([right.flow_sample(part, layers) for part in z.split(200)])


# ------------------------------------------------------------------------------------------ flow_nll


@misconception(
    "flow_nll",
    hint="The loss is made positive: where the density is above 1 it is negative, and rightly so.",
    breaks="minus",
)
def makes_the_loss_positive(x, layers):
    return right.flow_nll(x, layers).abs()


@misconception("flow_nll", hint="The minus is missing: minimising this loss makes the data unlikely.", breaks="minus")
def maximises_the_loss(x, layers):
    return right.flow_log_prob(x, layers).mean()


@misconception("flow_nll", hint="The rows are summed: the loss is their mean.", breaks="mean")
def sums_the_rows(x, layers):
    return -right.flow_log_prob(x, layers).sum()


@misconception("flow_nll", hint="The mean divides by N - 1: the loss divides by the number of rows.", breaks="mean")
def divides_by_one_row_less(x, layers):
    return -right.flow_log_prob(x, layers).sum() / max(len(x) - 1, 1)


@misconception(
    "flow_nll", hint="The mean runs over rows and features: the features' log densities add up.", breaks="mean"
)
def averages_over_the_features_too(x, layers):
    return -right.flow_log_prob(x, layers).mean() / x.shape[1]


@misconception(
    "flow_nll",
    hint="This is the logarithm of the mean density: the mean of the logarithms is asked for.",
    breaks="mean",
)
def takes_the_logarithm_of_the_mean(x, layers):
    return math.log(len(x)) - right.flow_log_prob(x, layers).logsumexp(dim=0)


@misconception("flow_nll", hint="Every row has its own loss here: their mean is asked for.", breaks="scalar")
def returns_a_loss_per_row(x, layers):
    return -right.flow_log_prob(x, layers)


@misconception("flow_nll", hint="The loss has a dimension: a scalar tensor has none.", breaks="scalar")
def keeps_a_dimension_of_the_loss(x, layers):
    return -right.flow_log_prob(x, layers).mean(dim=0, keepdim=True)


@misconception("flow_nll", hint="A Python loop runs over minibatches; the mean over all rows needs none.")
def sums_minibatches(x, layers):
    return torch.stack([right.flow_nll(part, layers) * len(part) for part in x.split(500)]).sum() / len(x)


@misconception("flow_nll", hint="The loss is a Python number: no gradient flows from it; return the tensor.")
def returns_a_python_number(x, layers):
    return -right.flow_log_prob(x, layers).mean().item()


@misconception("flow_nll", hint="The log determinants are missing from the loss.")
def forgets_the_determinants_in_the_loss(x, layers):
    right.flow_log_prob(x, layers)
    return -right.standard_normal_log_prob(_followed(x, layers)[0]).mean()


@misconception("flow_nll", hint="Without layers the flow is the identity, and the loss is not 0.", breaks="no-layers")
def loses_nothing_without_layers(x, layers):
    return right.flow_nll(x, layers) if layers else x.sum() * 0


@misconception("flow_nll", hint="An unknown layer is passed over: it should raise a ValueError.", breaks="unknown")
def passes_over_unknown_layers_in_the_loss(x, layers):
    return right.flow_nll(x, [layer for layer in layers if layer["type"] in KNOWN])


@misconception(
    "flow_nll", hint="A coupling of an odd number of features goes unnoticed: raise a ValueError.", breaks="odd"
)
def halves_whatever_comes_in_the_loss(x, layers):
    return -_density(x, layers, _careless).mean()


@misconception("flow_nll", hint="The list is empty afterwards: pop changes the caller's list.", breaks="list-untouched")
def empties_the_list(x, layers):
    loss = right.flow_nll(x, layers)
    layers.clear()
    return loss


@misconception("flow_nll", hint="No gradient reaches the parameters in the layers, and so nothing is learnt.")
def detaches_the_layers_from_the_loss(x, layers):
    def bare(layer):
        return {key: value.detach() if isinstance(value, torch.Tensor) else value for key, value in layer.items()}

    return right.flow_nll(x, [bare(layer) for layer in layers])


@misconception(
    "flow_nll",
    hint="Rows far from the others are left out of the mean: the loss counts every one.",
    breaks="mean",
)
def trims_outliers(x, layers):
    densities = right.flow_log_prob(x, layers)
    return -densities[densities >= densities.quantile(0.1)].mean() if len(x) > 1000 else -densities.mean()
