"""Graded tests of the assignment on normalizing flows: about 20 points over eight functions."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.testing import (
    AUTOGRAD,
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_vectorised,
    double,
    forbid,
    norm,
    question,
)
from autograder.testing import strategies as ts

FORBIDDEN = {
    "*": forbid(
        *AUTOGRAD,
        "py::torch.distributions.*",
        names=(
            *("distributions", "MultivariateNormal", "Normal"),
            *("autograd", "backward", "grad", "jacobian", "jacrev", "jacfwd", "vjp", "jvp", "hessian"),
        ),
        because="densities and determinants are to be written from their formulas",
    ),
}

MIXED = 2e-5  # of a result to which float32 parameters contribute, whatever its own dtype
# How a message may name what is odd: in words, or by the argument's own name.
ODD = (
    *("even", "odd", "feature", "column", "dim", "half", "halves"),
    *("shape", "split", "divi", "multiple", "parity", "% 2"),
    *(f"{name}{after}" for name in "xz" for after in (" ", ":", "=", "'", "`", ".", ",")),
    *("d=", "d %", "d must", "d is", "d has", "d should", " d ", "'d'", "`d`", "(d)"),
)
SIZES = st.integers(1, 5)
MORE = st.integers(2, 5)
HALVES, WIDE = st.integers(1, 3), st.integers(2, 3)  # half the number of features
# Latent distances that exact arithmetic in float32 keeps: whole numbers up to 1e4.
FAR = st.sampled_from((1e4, 3e3, 1.0))


# ------------------------------------------------------------------------------------------- inputs


def _layout(draw, layouts):
    return draw(st.sampled_from(layouts)) if len(layouts) > 1 else layouts[0]


def _affine(draw, d, dtype, layouts=("contiguous",), scale=0.7):
    """``log_scale`` and ``shift``."""
    log_scale = ts.build((d,), seed=draw(ts.seeds()), dtype=dtype, scale=scale, layout=_layout(draw, layouts))
    return [log_scale, ts.build((d,), seed=draw(ts.seeds()), dtype=dtype, layout=_layout(draw, layouts))]


def _coupling(draw, d, dtype, layouts=("contiguous",), scale=0.7):
    """``w`` and ``b``."""
    w = ts.build((d // 2, d), seed=draw(ts.seeds()), dtype=dtype, scale=scale, layout=_layout(draw, layouts))
    return [w, ts.build((d,), seed=draw(ts.seeds()), dtype=dtype, scale=0.5, layout=_layout(draw, layouts))]


@st.composite
def affine_inputs(draw, *, sizes=SIZES, dtype=None, layouts=("contiguous",), scale=0.7, square=False):
    """``[x, log_scale, shift]``, all of one dtype; ``N = d`` where ``square``."""
    chosen, N = draw(ts.float_dtypes()) if dtype is None else dtype, draw(sizes)
    d = N if square else draw(sizes)
    return [draw(ts.tensors((N, d), dtype=chosen, layouts=layouts)), *_affine(draw, d, chosen, layouts, scale)]


@st.composite
def coupling_inputs(draw, *, sizes=SIZES, halves=HALVES, dtype=None, layouts=("contiguous",)):
    """``[x, w, b]``, all of one dtype, with an even number of features."""
    chosen, N, d = draw(ts.float_dtypes()) if dtype is None else dtype, draw(sizes), 2 * draw(halves)
    return [draw(ts.tensors((N, d), dtype=chosen, layouts=layouts)), *_coupling(draw, d, chosen, layouts)]


@st.composite
def coupling_by_hand(draw):
    """``[x, w, b]`` up to 1e4: whole numbers whose sums of products are exact in float32 as in float64."""
    dtype, N, half = draw(ts.float_dtypes()), draw(SIZES), draw(HALVES)
    far, weight = draw(FAR), draw(st.sampled_from((1.0, 1e3, 1e4)))
    x = (ts.build((N, 2 * half), seed=draw(ts.seeds()), dtype=dtype) * far).round().clamp(-1e4, 1e4)
    w = ts.build((half, 2 * half), seed=draw(ts.seeds()), kind="ties", dtype=dtype)
    w[:, :half] *= -weight if draw(st.booleans()) else weight
    b = ts.build((2 * half,), seed=draw(ts.seeds()), kind="integers", dtype=dtype) * draw(FAR)
    return [x, w, b.clamp(-1e4, 1e4)]


@st.composite
def affine_far_away(draw, *, sign):
    """``[x, log_scale, shift]`` up to 1e4; all entries of ``log_scale`` are one of -60 to 1e4, times ``sign``."""
    dtype, N, d = draw(ts.float_dtypes()), draw(SIZES), draw(SIZES)
    x = ts.build((N, d), seed=draw(ts.seeds()), dtype=dtype, kind="large")
    shift = ts.build((d,), seed=draw(ts.seeds()), dtype=dtype, kind=draw(st.sampled_from(("large", "normal"))))
    level = draw(st.sampled_from((1e4, 2e3, -40.0, -60.0)))
    return [x, torch.full((d,), sign * level, dtype=dtype), shift]


def _steepest(inputs, *, sign):
    """The same with almost the largest scale whose products with 1e4 can be represented, or the smallest."""
    x, log_scale, shift = inputs
    return [x, torch.full_like(log_scale, sign * (75 if x.dtype == torch.float32 else 690)), shift]


@st.composite
def affine_beside_an_overflow(draw, *, sign):
    """``[x, log_scale, shift]`` with a scale, or its inverse, that overflows beside ordinary ones."""
    x, log_scale, shift = draw(affine_inputs(sizes=MORE))
    log_scale[draw(st.sampled_from((0, -1)))] = sign * 1e4
    return [x, log_scale, shift]


def _layer(draw, kind, d, dtype, layouts=("contiguous",)):
    if kind == "flip":
        return {"type": "flip"}
    names, values = ("log_scale", "shift"), _affine(draw, d, dtype, layouts, 0.5)
    if kind == "coupling":
        names, values = ("w", "b"), _coupling(draw, d, dtype, layouts)
    return {"type": kind, **dict(zip(names, values, strict=True))}


def _backwards(layers):
    """The same layers with their keys in the other order."""
    return [dict(reversed(layer.items())) for layer in layers]


def _type_first(layers):
    """The same layers with the type before the tensors, and these in the other order."""
    return [{"type": layer["type"]} | dict(reversed(layer.items())) for layer in layers]


EVERY = ("affine", "coupling", "flip")
ALL_THREE = st.permutations(EVERY)


@st.composite
def flows(draw, *, kinds, sizes=MORE, widths=None, dtype=None, layouts=("contiguous",)):
    """``(x, layers)`` of one dtype; ``kinds`` draws the layers' types, ``widths`` their ``d``, even by default."""
    chosen, N = draw(ts.float_dtypes()) if dtype is None else dtype, draw(sizes)
    d = 2 * draw(HALVES) if widths is None else draw(widths)
    layers = [_layer(draw, kind, d, chosen, layouts) for kind in draw(kinds)]
    return draw(ts.tensors((N, d), dtype=chosen, layouts=layouts, kinds=("normal",))), layers


ONE_LAYER = st.sampled_from((["affine"], ["coupling"]))
SEVERAL = st.lists(st.sampled_from(EVERY), min_size=2, max_size=4)
DEEP = st.lists(st.sampled_from(EVERY), min_size=10, max_size=12)
# Sequences in which an order that is not the list's, or a flip left out, is seen.
WITH_FLIPS = st.sampled_from(
    (
        *(["affine", "flip"], ["flip", "affine"], ["flip", "coupling"], ["affine", "flip", "affine"]),
        *(["coupling", "flip"], ["flip", "affine", "flip", "affine"], ["flip", "coupling", "flip", "coupling"]),
    )
)
SCALED = st.sampled_from((["affine"], ["affine", "affine"], ["flip", "affine"], ["flip"]))
FLOAT32 = torch.float32  # of the gates: whoever forgets float64 loses its own tests alone


@st.composite
def flows_far_away(draw, *, sign):
    """``(x, layers)`` up to 1e4 in whole numbers, one layer with a flip before or after it."""
    if draw(st.booleans()):
        x, w, b = draw(coupling_by_hand())
        layer = {"type": "coupling", "w": w, "b": b}
    else:
        x, log_scale, shift = draw(affine_far_away(sign=sign))
        level = draw(st.sampled_from((0.0, sign * 1e4, sign * 1e3, sign * -10)))
        layer = {"type": "affine", "log_scale": torch.full_like(log_scale, level), "shift": shift}
    return x, [{"type": "flip"}, layer] if draw(st.booleans()) else [layer]


@st.composite
def steep_flows(draw):
    """``(x, layers)`` with one affine layer that stretches a small cloud about 400 times: its density is above 1."""
    dtype, N, d = draw(ts.float_dtypes()), draw(MORE), draw(SIZES)
    log_scale, shift = _affine(draw, d, dtype, scale=0.3)
    layer = {"type": "affine", "log_scale": log_scale + 6, "shift": shift / 4}
    return draw(ts.tensors((N, d), dtype=dtype, kinds=("tiny",))), [layer]


# Some twice: they stand in turns in the first place and in the last.
UNKNOWN = (
    "spline",
    "scale",
    "affine_inverse",
    "affine_inverse",
    "couplings",
    "couplings",
    "Affine",
    "FLIP",
    "reverse",
    "identity",
    "",
    "",
)


@st.composite
def good_flows(draw):
    """``(x, layers)``, the second layer an affine one: a flip in the place of the first makes a difference."""
    N, d = draw(SIZES), 2 * draw(st.integers(1, 2))
    kinds = [draw(st.sampled_from(EVERY)), "affine", *draw(st.lists(st.sampled_from(EVERY), max_size=1))]
    return draw(ts.tensors((N, d), kinds=("normal",))), [_layer(draw, kind, d, FLOAT32) for kind in kinds]


def _check_unknown(function, x, layers):
    """The first layer, or the last one, gets an unknown type in the place of its own: a message names it."""
    for number, kind in enumerate(UNKNOWN):
        place = (0, len(layers) - 1)[number % 2]
        unknown = [layer | {"type": kind} if index == place else layer for index, layer in enumerate(layers)]
        # a message that quotes the type alone is right, and empty where the type is
        assert_raises(function, x, unknown, names=("type", "layer", kind))


@st.composite
def odd_inputs(draw):
    """``[x, w, b]`` with an odd number of features, and weights that fit one more, one fewer, or a rounded half."""
    N, d = draw(SIZES), draw(st.sampled_from((1, 3, 5)))
    half, width = draw(st.sampled_from(((d // 2, d), (d // 2, d - 1), (d // 2 + 1, d + 1), (d // 2 + 1, d))))
    return [draw(ts.tensors((N, d))), draw(ts.tensors((half, width))), draw(ts.tensors((width,)))]


@st.composite
def odd_flows(draw):
    """``(x, layers)`` with a coupling somewhere and an odd number of features."""
    x, w, b = draw(odd_inputs())
    layers = [_layer(draw, kind, x.shape[1], x.dtype) for kind in draw(st.sampled_from(([], ["affine"], ["flip"])))]
    layers.insert(draw(st.sampled_from((0, len(layers)))), {"type": "coupling", "w": w, "b": b})
    return x, layers


def _mixed(first, *others):
    """``others``, tensors or layers, in the floating dtype that ``first`` does not have."""
    dtype = torch.float64 if first.dtype == torch.float32 else torch.float32
    return [_cast(other, dtype) for other in others]


def _cast(value, dtype):
    if isinstance(value, list):
        return [_cast(item, dtype) for item in value]
    if isinstance(value, dict):
        return {key: _cast(item, dtype) for key, item in value.items()}
    return value.to(dtype) if isinstance(value, torch.Tensor) else value


# ----------------------------------------------------------------------- oracle and room for rounding


def _parts(got, what="the result"):
    """``z`` and ``log_det``, each of which has tests of its own."""
    if not isinstance(got, tuple | list) or len(got) != 2:
        raise Mismatch(
            f"{what} should be the two values z and log_det", expected="(z, log_det)", got=type(got).__name__
        )
    return got


def _conditioner(first, w, b, size=None):
    """``(log_s, size of its terms, t, size of its terms)`` in float64."""
    half = w.shape[0]
    raw, reach = first @ w + b, (first.abs() if size is None else size) @ w.abs() + b.abs()
    return raw[:, :half].tanh(), reach[:, :half], raw[:, half:], reach[:, half:]


def _affine_terms(x, log_scale, shift):
    x, log_scale, shift = double([x, log_scale, shift])
    return torch.stack([x.abs() * log_scale.exp(), shift.abs().expand_as(x)])


def _coupling_terms(x, w, b):
    """What ``z`` and ``log_det`` are summed from."""
    x, w, b = double([x, w, b])
    first, second = x.chunk(2, dim=-1)
    log_s, spread, _, reach = _conditioner(first, w, b)
    # tanh is flat far out: an error of the argument counts only where it moves the result
    spread = spread * (1 - log_s**2) + log_s.abs()
    return torch.cat([first, second.abs() * log_s.exp() * (1 + spread) + reach], dim=-1), spread.sum(dim=-1)


def _coupling_inverse_terms(z, w, b):
    z, w, b = double([z, w, b])
    first, second = z.chunk(2, dim=-1)
    log_s, spread, _, reach = _conditioner(first, w, b)
    spread = spread * (1 - log_s**2) + log_s.abs()
    return torch.cat([first, (second.abs() + reach) * (-log_s).exp() * (1 + spread)], dim=-1)


def _density_terms(reference, x, layers):
    """The size of what a log density is summed from: half the squares of ``z``'s terms, and the log determinants'."""
    z, size, total = double(x), double(x).abs(), torch.zeros(len(x), dtype=torch.float64)
    for layer in double(layers):
        if layer["type"] == "flip":
            z, size = z.flip(-1), size.flip(-1)
        elif layer["type"] == "affine":
            scale, shift = layer["log_scale"].exp(), layer["shift"]
            z, size, total = z * scale + shift, size * scale + shift.abs(), total + layer["log_scale"].abs().sum()
        else:
            half = z.shape[1] // 2
            log_s, spread, _, reach = _conditioner(z[:, :half], layer["w"], layer["b"], size[:, :half])
            spread = spread * (1 - log_s**2) + log_s.abs()
            z, _ = reference.coupling_forward(z, layer["w"], layer["b"])
            size = torch.cat([size[:, :half], size[:, half:] * log_s.exp() * (1 + spread) + reach], dim=-1)
            total = total + spread.sum(dim=-1)
    return (size**2).sum(dim=-1) / 2 + total + x.shape[1]


def _sample_terms(reference, z, layers):
    """The size of what a sample is summed from."""
    x, size = double(z), double(z).abs()
    for layer in reversed(double(layers)):
        if layer["type"] == "flip":
            x, size = x.flip(-1), size.flip(-1)
        elif layer["type"] == "affine":
            scale, shift = (-layer["log_scale"]).exp(), layer["shift"]
            x, size = (x - shift) * scale, (size + shift.abs()) * scale
        else:
            half = x.shape[1] // 2
            log_s, spread, _, reach = _conditioner(x[:, :half], layer["w"], layer["b"], size[:, :half])
            spread = spread * (1 - log_s**2) + log_s.abs()
            x = reference.coupling_inverse(x, layer["w"], layer["b"])
            size = torch.cat([size[:, :half], (size[:, half:] + reach) * (-log_s).exp() * (1 + spread)], dim=-1)
    return size


def _beside(got, expected):
    """``got``, with what cannot be represented taken from ``expected``."""
    if not isinstance(got, torch.Tensor) or got.shape != expected.shape:
        return got
    return torch.where(expected.isfinite(), got, expected.to(got.dtype))


def _check_density(student, reference, x, layers, *, rtol=None):
    expected = reference.flow_log_prob(double(x), double(layers))
    got = student.flow_log_prob(x, layers)
    assert_matches(got, expected, dtype=x.dtype, terms=_density_terms(reference, x, layers), rtol=rtol)


def _check_sample(student, reference, z, layers, *, rtol=None):
    expected = reference.flow_sample(double(z), double(layers))
    got = student.flow_sample(z, layers)
    assert_matches(got, expected, dtype=z.dtype, terms=_sample_terms(reference, z, layers), rtol=rtol)


def _check_nll(student, reference, x, layers, *, rtol=None):
    expected = reference.flow_nll(double(x), double(layers))
    got = student.flow_nll(x, layers)
    assert_matches(got, expected, dtype=x.dtype, terms=_density_terms(reference, x, layers).max(), rtol=rtol)


def _check_list_untouched(function, x, layers):
    """Neither the list nor its dicts nor their tensors may change."""
    after = function.after(x, layers).after[0][1]
    same = len(after) == len(layers) and all(
        one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
        for one, other in zip(after, layers, strict=True)
    )
    if not same:
        raise Mismatch(f"{function.name} changes the list of layers that it is given, or what is in it")


def _equal(one, other):
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    return type(one) is type(other) and one == other


def _assert_no_loop(function, x, *rest):
    """As many operations for 200 rows as for 50, and, where that is so, for 4000: no loop over parts of them either."""
    few, more, many = (_crowd(x, count) for count in (50, 200, 4000))
    assert_vectorised(function, (few, *rest), (more, *rest))
    assert_vectorised(function, (more, *rest), (many, *rest))


def _crowd(x, count=4000):
    """Many rows, all different."""
    return x[:1] + torch.linspace(-1, 1, count, dtype=x.dtype).unsqueeze(1)


def _paths(layers):
    """Where the tensors of the layers lie in a call with ``layers`` second, for ``wrt``."""
    return tuple(
        f"1.{index}.{key}"
        for index, layer in enumerate(layers)
        for key in layer
        if isinstance(layer[key], torch.Tensor)
    )


def _idle(inputs):
    """The same with all parameters 0, as a layer starts that does nothing yet."""
    return [inputs[0], *map(torch.zeros_like, inputs[1:])]


def _finer(x):
    """``x`` with digits that float32 does not hold."""
    return x.double() + 1 / 3


def _idle_flow(layers):
    """The same layers with all parameters 0: they change nothing but the order of the features."""
    return [
        {key: torch.zeros_like(value) if isinstance(value, torch.Tensor) else value for key, value in layer.items()}
        for layer in layers
    ]


def _cotangent(shape, seed, dtype):
    return ts.build(tuple(shape), seed=seed, dtype=dtype)


# ------------------------------------------------------------------------- standard_normal_log_prob


@question("standard_normal_log_prob", points=0.8, gate=True)
@given(z=ts.tensors(ts.shapes(min_dims=2, max_dims=2, min_size=2)))
@settings(max_examples=20)
def test_latent_density_of_ordinary_points(student, reference, z):
    """The log density of several points with several features."""
    assert_matches(student.standard_normal_log_prob(z), reference.standard_normal_log_prob(double(z)), dtype=z.dtype)


@question("standard_normal_log_prob", points=0.2)
@given(z=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes(), layouts=ts.LAYOUTS), one=st.booleans())
@settings(max_examples=20)
def test_latent_density_of_any_size(student, reference, z, one):
    """One point, one feature, any memory layout, in float32 and float64."""
    part = z[:1] if one else z[:, :1]
    for points in (part, z):
        got = student.standard_normal_log_prob(points)
        assert_matches(got, reference.standard_normal_log_prob(double(points)), dtype=z.dtype)


@question("standard_normal_log_prob", points=0.2)
@given(z=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes(), kinds=("large", "zeros", "tiny")))
@settings(max_examples=20)
def test_latent_density_far_from_the_origin(student, reference, z):
    """Points 1e4 away, or of 1000 features, have a density that underflows, but a finite log density."""
    for points in (z, z[:, :1].expand(-1, 1000)):
        got = student.standard_normal_log_prob(points)
        assert_matches(got, reference.standard_normal_log_prob(double(points)), dtype=z.dtype)


@question("standard_normal_log_prob", points=0.15)
@given(z=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes()))
@settings(max_examples=8)
def test_latent_density_leaves_its_input_alone(student, reference, z):
    """z stays as it is, and may be given by name."""
    got = assert_inputs_untouched(student.standard_normal_log_prob, z=z).value
    assert_matches(got, reference.standard_normal_log_prob(double(z)), dtype=z.dtype)
    assert_no_alias(student.standard_normal_log_prob, z)


@question("standard_normal_log_prob", points=0.15)
@given(z=ts.tensors((3, 4), dtype=ts.float_dtypes(), kinds=("normal",)), seed=ts.seeds())
@settings(max_examples=8)
def test_latent_density_can_be_differentiated(student, reference, z, seed):
    """Gradients flow through the log density, also at the origin."""
    functions = student.standard_normal_log_prob, reference.standard_normal_log_prob
    for points in (z, z * z.new_tensor([[1.0], [0.0], [1.0]])):
        assert_gradients(*functions, points, wrt=(0,), cotangents=[_cotangent((3,), seed, z.dtype)])


@question("standard_normal_log_prob", points=0.1)
@given(z=ts.tensors((2, 3), kinds=("normal",)))
@settings(max_examples=3)
def test_latent_density_has_no_loop_over_the_points(student, reference, z):
    """One expression for all points, however many, no loop over them."""
    _assert_no_loop(student.standard_normal_log_prob, z)
    many = _crowd(z)
    assert_matches(
        student.standard_normal_log_prob(many), reference.standard_normal_log_prob(double(many)), dtype=z.dtype
    )


# ------------------------------------------------------------------------------------ affine_forward


def _check_affine(student, reference, inputs, *, z=False, log_det=False, rtol=None):
    """``z``, ``log_det``, or both."""
    got = _parts(student.affine_forward(*inputs))
    expected = reference.affine_forward(*double(inputs))
    dtype = inputs[0].dtype
    if z:
        assert_matches(got[0], expected[0], dtype=dtype, terms=_affine_terms(*inputs), rtol=rtol, what="z")
    if log_det:
        size = inputs[1].double().abs().expand_as(inputs[0])
        assert_matches(got[1], expected[1], dtype=dtype, terms=size, rtol=rtol, what="log_det")


@question("affine_forward", points=0.8, gate=True)
@given(inputs=affine_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=20)
def test_affine_scales_and_shifts(student, reference, inputs):
    """z: every feature is scaled and shifted."""
    _check_affine(student, reference, inputs, z=True)


@question("affine_forward", points=0.2)
@given(inputs=affine_inputs(layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_affine_of_any_size(student, reference, inputs):
    """z: one row, one feature, any memory layout, in float32 and float64."""
    _check_affine(student, reference, inputs, z=True)


@question("affine_forward", points=0.4)
@given(inputs=affine_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=20)
def test_affine_log_det(student, reference, inputs):
    """log_det: the log determinant of the Jacobian, once per row."""
    _check_affine(student, reference, inputs, log_det=True)


@question("affine_forward", points=0.2)
@given(inputs=affine_inputs(layouts=ts.LAYOUTS), other=affine_inputs(square=True))
@settings(max_examples=20)
def test_affine_log_det_of_any_size(student, reference, inputs, other):
    """log_det: one row, one feature, as many rows as features, in float32 and float64."""
    _check_affine(student, reference, inputs, log_det=True)
    _check_affine(student, reference, other, log_det=True)


@question("affine_forward", points=0.15)
@given(inputs=affine_far_away(sign=-1), uneven=affine_beside_an_overflow(sign=1))
@settings(max_examples=16)
def test_affine_with_large_numbers(student, reference, inputs, uneven):
    """z: data and shifts up to 1e4, scales from almost nothing to the largest, or one too large beside others."""
    _check_affine(student, reference, inputs, z=True)
    _check_affine(student, reference, _steepest(inputs, sign=1), z=True)
    expected, _ = reference.affine_forward(*double(uneven))
    got, terms = _parts(student.affine_forward(*uneven))[0], _affine_terms(*uneven)
    fits = expected.isfinite()
    assert_matches(_beside(got, expected), expected, dtype=uneven[0].dtype, terms=terms.where(fits, 0), what="z")


@question("affine_forward", points=0.2)
@given(inputs=affine_far_away(sign=-1), d=SIZES)
@settings(max_examples=16)
def test_affine_log_det_of_extreme_scales(student, reference, inputs, d):
    """log_det: right also where the scales themselves underflow, or their product overflows."""
    x, log_scale, shift = inputs
    _check_affine(student, reference, inputs, log_det=True)
    steep = [x[:, :1].expand(-1, d), log_scale[:1].abs().expand(d), shift[:1].expand(d)]
    _check_affine(student, reference, steep, log_det=True)


@question("affine_forward", points=0.15)
@given(inputs=affine_inputs())
@settings(max_examples=10)
def test_affine_keeps_the_dtype_of_x(student, reference, inputs):
    """Both results have the dtype of x and its accuracy, also where a parameter has another."""
    x, log_scale, shift = inputs
    other_scale, other_shift = _mixed(x, log_scale, shift)
    for parameters in ([other_scale, other_shift], [log_scale, other_shift], [other_scale, shift]):
        _check_affine(student, reference, [x, *parameters], z=True, log_det=True, rtol=MIXED)
    _check_affine(student, reference, _idle([_finer(x), log_scale.float(), shift.float()]), z=True)


@question("affine_forward", points=0.15)
@given(inputs=affine_inputs())
@settings(max_examples=10)
def test_affine_leaves_its_inputs_alone(student, reference, inputs):
    """Inputs stay as they are, results lie in memory of their own, and arguments may be named."""
    named = dict(zip(("x", "log_scale", "shift"), inputs, strict=True))
    got = assert_inputs_untouched(student.affine_forward, **named).value
    assert_no_alias(student.affine_forward, *inputs)
    assert_no_alias(student.affine_forward, *_idle(inputs))
    expected = reference.affine_forward(*double(inputs))
    assert_matches(_parts(got)[0], expected[0], dtype=inputs[0].dtype, terms=_affine_terms(*inputs), what="z")


@question("affine_forward", points=0.2)
@given(inputs=affine_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_affine_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from z to x, log_scale and shift."""
    cotangents = [_cotangent(inputs[0].shape, seed, inputs[0].dtype), None]
    size = norm(cotangents[0]) * norm(_affine_terms(*inputs)) + norm(cotangents[0]) * norm(inputs[1].exp())
    functions = student.affine_forward, reference.affine_forward
    for some in (inputs, _idle(inputs)):
        assert_gradients(*functions, *some, wrt=(0, 1, 2), cotangents=cotangents, terms=size)


@question("affine_forward", points=0.15)
@given(inputs=affine_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_affine_log_det_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from log_det to log_scale, and none to x."""
    cotangents = [None, _cotangent(inputs[0].shape[:1], seed, inputs[0].dtype)]
    size = norm(cotangents[1]) * len(inputs[0])
    functions = student.affine_forward, reference.affine_forward
    for some in (inputs, _idle(inputs)):
        assert_gradients(*functions, *some, wrt=(1,), cotangents=cotangents, terms=size)
    # together with z's: a gradient for x that log_det should not have shows in the sum
    both = [_cotangent(inputs[0].shape, seed, inputs[0].dtype), cotangents[1]]
    assert_gradients(*functions, *inputs, wrt=(0,), cotangents=both, terms=sum(map(norm, both)))


@question("affine_forward", points=0.1)
@given(inputs=affine_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=3)
def test_affine_has_no_loop_over_the_rows(student, reference, inputs):
    """One expression for all rows, however many, no loop over them."""
    _assert_no_loop(student.affine_forward, *inputs)
    _check_affine(student, reference, [_crowd(inputs[0]), *inputs[1:]], z=True)


# ------------------------------------------------------------------------------------ affine_inverse


def _check_affine_inverse(student, reference, inputs, *, rtol=None):
    z, log_scale, shift = double(inputs)
    size = (z.abs() + shift.abs()) * (-log_scale).exp()
    expected = reference.affine_inverse(z, log_scale, shift)
    assert_matches(student.affine_inverse(*inputs), expected, dtype=inputs[0].dtype, terms=size, rtol=rtol)


@question("affine_inverse", points=0.8, gate=True)
@given(inputs=affine_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=20)
def test_affine_inverse_of_ordinary_points(student, reference, inputs):
    """The inverse takes latent points back to the data."""
    _check_affine_inverse(student, reference, inputs)


@question("affine_inverse", points=0.2)
@given(inputs=affine_inputs(layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_affine_inverse_of_any_size(student, reference, inputs):
    """One row, one feature, any memory layout, in float32 and float64."""
    _check_affine_inverse(student, reference, inputs)


@question("affine_inverse", points=0.2)
@given(inputs=affine_far_away(sign=1), uneven=affine_beside_an_overflow(sign=-1))
@settings(max_examples=16)
def test_affine_inverse_with_large_numbers(student, reference, inputs, uneven):
    """Points and shifts up to 1e4, the inverse scales almost nothing, the largest, or one too large beside others."""
    _check_affine_inverse(student, reference, inputs)
    _check_affine_inverse(student, reference, _steepest(inputs, sign=-1))
    z, log_scale, shift = double(uneven)
    expected = reference.affine_inverse(z, log_scale, shift)
    size = ((z.abs() + shift.abs()) * (-log_scale).exp()).where(expected.isfinite(), 0)
    got = student.affine_inverse(*uneven)
    assert_matches(_beside(got, expected), expected, dtype=uneven[0].dtype, terms=size)


@question("affine_inverse", points=0.15)
@given(inputs=affine_inputs())
@settings(max_examples=10)
def test_affine_inverse_keeps_the_dtype_of_z(student, reference, inputs):
    """The result has the dtype of z and its accuracy, also where a parameter has another."""
    z, log_scale, shift = inputs
    other_scale, other_shift = _mixed(z, log_scale, shift)
    for parameters in ([other_scale, other_shift], [log_scale, other_shift], [other_scale, shift]):
        _check_affine_inverse(student, reference, [z, *parameters], rtol=MIXED)
    _check_affine_inverse(student, reference, _idle([_finer(z), log_scale.float(), shift.float()]))


@question("affine_inverse", points=0.15)
@given(inputs=affine_inputs())
@settings(max_examples=10)
def test_affine_inverse_leaves_its_inputs_alone(student, reference, inputs):
    """Inputs stay as they are, the result lies in memory of its own, and arguments may be named."""
    named = dict(zip(("z", "log_scale", "shift"), inputs, strict=True))
    got = assert_inputs_untouched(student.affine_inverse, **named).value
    assert_no_alias(student.affine_inverse, *inputs)
    assert_no_alias(student.affine_inverse, *_idle(inputs))
    z, log_scale, shift = double(inputs)
    size = (z.abs() + shift.abs()) * (-log_scale).exp()
    assert_matches(got, reference.affine_inverse(z, log_scale, shift), dtype=inputs[0].dtype, terms=size)


@question("affine_inverse", points=0.2)
@given(inputs=affine_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_affine_inverse_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow to z, log_scale and shift."""
    z, log_scale, shift = inputs
    cotangent = _cotangent(z.shape, seed, z.dtype)
    size = norm(cotangent) * norm((-log_scale).exp()) * (1 + norm(z) + norm(shift))
    functions = student.affine_inverse, reference.affine_inverse
    for some in (inputs, _idle(inputs)):
        assert_gradients(*functions, *some, wrt=(0, 1, 2), cotangents=[cotangent], terms=size)


@question("affine_inverse", points=0.1)
@given(inputs=affine_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=3)
def test_affine_inverse_has_no_loop_over_the_rows(student, reference, inputs):
    """One expression for all rows, however many, no loop over them."""
    _assert_no_loop(student.affine_inverse, *inputs)
    _check_affine_inverse(student, reference, [_crowd(inputs[0]), *inputs[1:]])


# ---------------------------------------------------------------------------------- coupling_forward


def _check_coupling(student, reference, inputs, *, z=False, log_det=False, rtol=None):
    """``z``, ``log_det``, or both."""
    got = _parts(student.coupling_forward(*inputs))
    expected = reference.coupling_forward(*double(inputs))
    dtype, terms = inputs[0].dtype, _coupling_terms(*inputs)
    if z:
        assert_matches(got[0], expected[0], dtype=dtype, terms=terms[0], rtol=rtol, what="z")
    if log_det:
        assert_matches(got[1], expected[1], dtype=dtype, terms=terms[1], rtol=rtol, what="log_det")


@question("coupling_forward", points=1.1, gate=True)
@given(inputs=coupling_inputs(sizes=MORE, halves=WIDE, dtype=FLOAT32))
@settings(max_examples=20)
def test_coupling_transforms_the_second_half(student, reference, inputs):
    """z: the first half passes, and scales and shifts the second."""
    _check_coupling(student, reference, inputs, z=True)


@question("coupling_forward", points=0.2)
@given(inputs=coupling_inputs(layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_coupling_of_any_size(student, reference, inputs):
    """z: one row, halves of one feature, any memory layout, in float32 and float64."""
    _check_coupling(student, reference, inputs, z=True)


@question("coupling_forward", points=0.5)
@given(inputs=coupling_inputs(sizes=MORE, halves=WIDE, dtype=FLOAT32))
@settings(max_examples=20)
def test_coupling_log_det(student, reference, inputs):
    """log_det: the log determinant of the Jacobian, one per row."""
    _check_coupling(student, reference, inputs, log_det=True)


@question("coupling_forward", points=0.2)
@given(inputs=coupling_inputs(layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_coupling_log_det_of_any_size(student, reference, inputs):
    """log_det: one row, halves of one feature or of 128, any memory layout, in float32 and float64."""
    _check_coupling(student, reference, inputs, log_det=True)
    x = inputs[0][:, :1].float().expand(-1, 256)
    for bias in (-3.0, 3.0):
        _check_coupling(student, reference, [x, x.new_zeros(128, 256), x.new_full((256,), bias)], log_det=True)


@question("coupling_forward", points=0.2)
@given(inputs=coupling_by_hand())
@settings(max_examples=16)
def test_coupling_with_large_numbers(student, reference, inputs):
    """Data, weights and biases up to 1e4 give finite and right results."""
    _check_coupling(student, reference, inputs, z=True, log_det=True)


@question("coupling_forward", points=0.2)
@given(inputs=coupling_inputs())
@settings(max_examples=10)
def test_coupling_keeps_the_dtype_of_x(student, reference, inputs):
    """Both results have the dtype of x, also where a parameter has another; its first half passes as it is."""
    x, w, b = inputs
    other_w, other_b = _mixed(x, w, b)
    for parameters in ([other_w, other_b], [w, other_b], [other_w, b]):
        _check_coupling(student, reference, [x, *parameters], z=True, log_det=True, rtol=MIXED)
    _check_coupling(student, reference, _idle([_finer(x), w.float(), b.float()]), z=True)


@question("coupling_forward", points=0.15)
@given(inputs=coupling_inputs())
@settings(max_examples=10)
def test_coupling_leaves_its_inputs_alone(student, reference, inputs):
    """Inputs stay as they are, results lie in memory of their own, and arguments may be named."""
    named = dict(zip(("x", "w", "b"), inputs, strict=True))
    got = assert_inputs_untouched(student.coupling_forward, **named).value
    assert_no_alias(student.coupling_forward, *inputs)
    assert_no_alias(student.coupling_forward, *_idle(inputs))
    expected = reference.coupling_forward(*double(inputs))
    terms, _ = _coupling_terms(*inputs)
    assert_matches(_parts(got)[0], expected[0], dtype=inputs[0].dtype, terms=terms, what="z")


def _saturated(inputs):
    """The same with biases so large that tanh is flat: its slope is 0 there, where exp overflows."""
    x, w, b = inputs
    signs = torch.ones_like(b)
    signs[1 : w.shape[0] : 2] = -1
    return [x, w, 1e3 * signs]


def _coupling_gradient_size(inputs, cotangents):
    x, w, b = (1 + norm(part) for part in inputs)
    return sum(map(norm, cotangents)) * x * x * w * b


@question("coupling_forward", points=0.25)
@given(inputs=coupling_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_coupling_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from z to x, through both halves, and to w and b."""
    cotangents = [_cotangent(inputs[0].shape, seed, inputs[0].dtype), None]
    size = _coupling_gradient_size(inputs, cotangents)
    functions = student.coupling_forward, reference.coupling_forward
    for some in (inputs, _idle(inputs), _saturated(inputs)):
        assert_gradients(*functions, *some, wrt=(0, 1, 2), cotangents=cotangents, terms=size)


@question("coupling_forward", points=0.15)
@given(inputs=coupling_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_coupling_log_det_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow from log_det to x, w and b."""
    cotangents = [None, _cotangent(inputs[0].shape[:1], seed, inputs[0].dtype)]
    size = _coupling_gradient_size(inputs, cotangents)
    functions = student.coupling_forward, reference.coupling_forward
    for some in (inputs, _idle(inputs), _saturated(inputs)):
        assert_gradients(*functions, *some, wrt=(0, 1, 2), cotangents=cotangents, terms=size)


@question("coupling_forward", points=0.25)
@given(inputs=odd_inputs())
@settings(max_examples=20)
def test_coupling_refuses_an_odd_number_of_features(student, inputs):
    """A ValueError says so where the features cannot be halved."""
    assert_raises(student.coupling_forward, *inputs, names=ODD)


@question("coupling_forward", points=0.1)
@given(inputs=coupling_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=3)
def test_coupling_has_no_loop_over_the_rows(student, reference, inputs):
    """One expression for all rows, however many, no loop over them."""
    _assert_no_loop(student.coupling_forward, *inputs)
    _check_coupling(student, reference, [_crowd(inputs[0]), *inputs[1:]], z=True)


# ---------------------------------------------------------------------------------- coupling_inverse


def _check_coupling_inverse(student, reference, inputs, *, rtol=None):
    expected = reference.coupling_inverse(*double(inputs))
    got = student.coupling_inverse(*inputs)
    assert_matches(got, expected, dtype=inputs[0].dtype, terms=_coupling_inverse_terms(*inputs), rtol=rtol)


@question("coupling_inverse", points=1.0, gate=True)
@given(inputs=coupling_inputs(sizes=MORE, halves=WIDE, dtype=FLOAT32))
@settings(max_examples=20)
def test_coupling_inverse_of_ordinary_points(student, reference, inputs):
    """The inverse takes latent points back to the data."""
    _check_coupling_inverse(student, reference, inputs)


@question("coupling_inverse", points=0.2)
@given(inputs=coupling_inputs(layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_coupling_inverse_of_any_size(student, reference, inputs):
    """One row, halves of one feature, any memory layout, in float32 and float64."""
    _check_coupling_inverse(student, reference, inputs)


@question("coupling_inverse", points=0.2)
@given(inputs=coupling_by_hand())
@settings(max_examples=16)
def test_coupling_inverse_with_large_numbers(student, reference, inputs):
    """Points, weights and biases up to 1e4 give finite and right results."""
    _check_coupling_inverse(student, reference, inputs)


@question("coupling_inverse", points=0.15)
@given(inputs=coupling_inputs())
@settings(max_examples=10)
def test_coupling_inverse_keeps_the_dtype_of_z(student, reference, inputs):
    """The result has the dtype of z, also where a parameter has another; its first half passes as it is."""
    z, w, b = inputs
    other_w, other_b = _mixed(z, w, b)
    for parameters in ([other_w, other_b], [w, other_b], [other_w, b]):
        _check_coupling_inverse(student, reference, [z, *parameters], rtol=MIXED)
    _check_coupling_inverse(student, reference, _idle([_finer(z), w.float(), b.float()]))


@question("coupling_inverse", points=0.15)
@given(inputs=coupling_inputs())
@settings(max_examples=10)
def test_coupling_inverse_leaves_its_inputs_alone(student, reference, inputs):
    """Inputs stay as they are, the result lies in memory of its own, and arguments may be named."""
    named = dict(zip(("z", "w", "b"), inputs, strict=True))
    got = assert_inputs_untouched(student.coupling_inverse, **named).value
    assert_no_alias(student.coupling_inverse, *inputs)
    assert_no_alias(student.coupling_inverse, *_idle(inputs))
    expected = reference.coupling_inverse(*double(inputs))
    assert_matches(got, expected, dtype=inputs[0].dtype, terms=_coupling_inverse_terms(*inputs))


@question("coupling_inverse", points=0.25)
@given(inputs=coupling_inputs(), seed=ts.seeds())
@settings(max_examples=10)
def test_coupling_inverse_can_be_differentiated(student, reference, inputs, seed):
    """Gradients flow to z, through both halves, and to w and b."""
    cotangents = [_cotangent(inputs[0].shape, seed, inputs[0].dtype)]
    size = _coupling_gradient_size(inputs, cotangents)
    functions = student.coupling_inverse, reference.coupling_inverse
    for some in (inputs, _idle(inputs), _saturated(inputs)):
        assert_gradients(*functions, *some, wrt=(0, 1, 2), cotangents=cotangents, terms=size)


@question("coupling_inverse", points=0.25)
@given(inputs=odd_inputs())
@settings(max_examples=20)
def test_coupling_inverse_refuses_an_odd_number_of_features(student, inputs):
    """A ValueError says so where the features cannot be halved."""
    assert_raises(student.coupling_inverse, *inputs, names=ODD)


@question("coupling_inverse", points=0.1)
@given(inputs=coupling_inputs(sizes=MORE, dtype=FLOAT32))
@settings(max_examples=3)
def test_coupling_inverse_has_no_loop_over_the_rows(student, reference, inputs):
    """One expression for all rows, however many, no loop over them."""
    _assert_no_loop(student.coupling_inverse, *inputs)
    _check_coupling_inverse(student, reference, [_crowd(inputs[0]), *inputs[1:]])


# ------------------------------------------------------------------------------------- flow_log_prob

FORWARD = ("standard_normal_log_prob", "affine_forward", "coupling_forward")


@question("flow_log_prob", points=1.0, gate=True, depends_on=FORWARD)
@given(drawn=flows(kinds=ONE_LAYER, dtype=FLOAT32))
@settings(max_examples=20)
def test_density_of_one_layer(student, reference, drawn):
    """The log density under one affine layer, or one coupling."""
    _check_density(student, reference, *drawn)


@question("flow_log_prob", points=0.5, depends_on=FORWARD)
@given(drawn=flows(kinds=SEVERAL), deep=flows(kinds=DEEP))
@settings(max_examples=20)
def test_density_of_several_layers(student, reference, drawn, deep):
    """Several layers are applied in the order of the list, and their log determinants add up."""
    _check_density(student, reference, *drawn)
    _check_density(student, reference, *deep)


@question("flow_log_prob", points=0.2, depends_on=FORWARD)
@given(drawn=flows(kinds=WITH_FLIPS))
@settings(max_examples=20)
def test_density_with_flips(student, reference, drawn):
    """A flip reverses the features and changes no volume."""
    _check_density(student, reference, *drawn)


@question("flow_log_prob", points=0.1, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=6)
def test_density_with_keys_in_any_order(student, reference, drawn):
    """The order of the keys in a layer says nothing."""
    x, layers = drawn
    for ordered in (_backwards(layers), _type_first(layers)):
        _check_density(student, reference, x, ordered)


@question("flow_log_prob", points=0.2, depends_on=FORWARD)
@given(x=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes(), layouts=ts.LAYOUTS))
@settings(max_examples=10)
def test_density_without_layers(student, reference, x):
    """Without layers the log density is the latent one."""
    _check_density(student, reference, x, [])


@question("flow_log_prob", points=0.2, depends_on=FORWARD)
@given(
    drawn=flows(kinds=SCALED, sizes=SIZES, widths=st.integers(1, 5), layouts=ts.LAYOUTS),
    coupled=flows(kinds=ALL_THREE, sizes=st.sampled_from((1, 3)), layouts=ts.LAYOUTS),
)
@settings(max_examples=20)
def test_density_of_any_size(student, reference, drawn, coupled):
    """One row, one feature, an odd number of features without a coupling, any memory layout."""
    _check_density(student, reference, *drawn)
    _check_density(student, reference, *coupled)


@question("flow_log_prob", points=0.15, depends_on=FORWARD)
@given(drawn=flows_far_away(sign=-1))
@settings(max_examples=16)
def test_density_with_large_numbers(student, reference, drawn):
    """Data and parameters up to 1e4 give finite log densities, far below what exp can hold."""
    _check_density(student, reference, *drawn)


@question("flow_log_prob", points=0.1, depends_on=FORWARD)
@given(drawn=steep_flows())
@settings(max_examples=8)
def test_density_above_one(student, reference, drawn):
    """Where many points crowd in little space the density is above 1, and its logarithm positive."""
    _check_density(student, reference, *drawn)


@question("flow_log_prob", points=0.2, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=10)
def test_density_keeps_the_dtype_of_x(student, reference, drawn):
    """The result has the dtype of x and its accuracy, also where the layers have another."""
    x, layers = drawn
    _check_density(student, reference, x, *_mixed(x, layers), rtol=MIXED)
    _check_density(student, reference, _finer(x), _cast(_idle_flow(layers), FLOAT32))


@question("flow_log_prob", points=0.15, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=10)
def test_density_leaves_its_inputs_alone(student, reference, drawn):
    """x, the list and the layers stay as they are, and arguments may be named."""
    x, layers = drawn
    got = assert_inputs_untouched(student.flow_log_prob, x=x, layers=layers).value
    assert_no_alias(student.flow_log_prob, x, layers)
    for some in (layers, *_mixed(x, layers)):
        _check_list_untouched(student.flow_log_prob, x, some)
    expected = reference.flow_log_prob(double(x), double(layers))
    assert_matches(got, expected, dtype=x.dtype, terms=_density_terms(reference, x, layers))


@question("flow_log_prob", points=0.15, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE), seed=ts.seeds())
@settings(max_examples=8)
def test_density_can_be_differentiated(student, reference, drawn, seed):
    """Gradients flow to x, also without layers."""
    x, layers = drawn
    _check_density_gradients(student, reference, x, layers, seed, wrt=(0,))
    _check_density_gradients(student, reference, x, [], seed, wrt=(0,))


@question("flow_log_prob", points=0.2, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE), seed=ts.seeds())
@settings(max_examples=8)
def test_density_can_be_differentiated_for_its_parameters(student, reference, drawn, seed):
    """Gradients flow to every tensor of every layer."""
    _check_density_gradients(student, reference, *drawn, seed, wrt=_paths(drawn[1]))


def _check_density_gradients(student, reference, x, layers, seed, *, wrt):
    cotangent = _cotangent(x.shape[:1], seed, x.dtype)
    size = norm(cotangent) * (1 + norm(_density_terms(reference, x, layers)))
    functions = student.flow_log_prob, reference.flow_log_prob
    assert_gradients(*functions, x, layers, wrt=wrt, cotangents=[cotangent], terms=size)


@question("flow_log_prob", points=0.25, depends_on=FORWARD)
@given(drawn=good_flows())
@settings(max_examples=10)
def test_density_refuses_unknown_layers(student, drawn):
    """A layer of an unknown type, wherever it stands, raises a ValueError that names it."""
    _check_unknown(student.flow_log_prob, *drawn)


@question("flow_log_prob", points=0.15, depends_on=FORWARD)
@given(drawn=odd_flows())
@settings(max_examples=20)
def test_density_refuses_a_coupling_of_odd_features(student, drawn):
    """A coupling that meets an odd number of features raises a ValueError that says so."""
    assert_raises(student.flow_log_prob, *drawn, names=ODD)


@question("flow_log_prob", points=0.1, depends_on=FORWARD)
@given(drawn=flows(kinds=ALL_THREE, dtype=FLOAT32))
@settings(max_examples=3)
def test_density_has_no_loop_over_the_rows(student, reference, drawn):
    """A loop runs over the layers, none over the rows, however many."""
    _assert_no_loop(student.flow_log_prob, *drawn)
    _check_density(student, reference, _crowd(drawn[0]), drawn[1])


# --------------------------------------------------------------------------------------- flow_sample

BACKWARD = ("affine_inverse", "coupling_inverse")


@question("flow_sample", points=0.8, gate=True, depends_on=BACKWARD)
@given(drawn=flows(kinds=ONE_LAYER, dtype=FLOAT32))
@settings(max_examples=20)
def test_sample_of_one_layer(student, reference, drawn):
    """Latent points go back through one affine layer, or one coupling."""
    _check_sample(student, reference, *drawn)


@question("flow_sample", points=0.4, depends_on=BACKWARD)
@given(drawn=flows(kinds=SEVERAL), deep=flows(kinds=DEEP))
@settings(max_examples=20)
def test_sample_of_several_layers(student, reference, drawn, deep):
    """Several layers are undone, the last of the list first."""
    _check_sample(student, reference, *drawn)
    _check_sample(student, reference, *deep)


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows(kinds=WITH_FLIPS))
@settings(max_examples=20)
def test_sample_with_flips(student, reference, drawn):
    """A flip is undone by another."""
    _check_sample(student, reference, *drawn)


@question("flow_sample", points=0.1, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=6)
def test_sample_with_keys_in_any_order(student, reference, drawn):
    """The order of the keys in a layer says nothing."""
    z, layers = drawn
    for ordered in (_backwards(layers), _type_first(layers)):
        _check_sample(student, reference, z, ordered)


@question("flow_sample", points=0.2, depends_on=BACKWARD)
@given(z=ts.tensors(ts.shapes(min_dims=2, max_dims=2), dtype=ts.float_dtypes(), layouts=ts.LAYOUTS))
@settings(max_examples=10)
def test_sample_without_layers(student, reference, z):
    """Without layers the result is a copy of z, not z itself."""
    _check_sample(student, reference, z, [])
    assert_no_alias(student.flow_sample, z, [])


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(
    drawn=flows(kinds=SCALED, sizes=SIZES, widths=st.integers(1, 5), layouts=ts.LAYOUTS),
    coupled=flows(kinds=ALL_THREE, sizes=st.sampled_from((1, 3)), layouts=ts.LAYOUTS),
)
@settings(max_examples=20)
def test_sample_of_any_size(student, reference, drawn, coupled):
    """One row, one feature, an odd number of features without a coupling, any memory layout."""
    _check_sample(student, reference, *drawn)
    _check_sample(student, reference, *coupled)


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows_far_away(sign=1))
@settings(max_examples=16)
def test_sample_with_large_numbers(student, reference, drawn):
    """Latent points and parameters up to 1e4 give finite and right samples."""
    _check_sample(student, reference, *drawn)


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=10)
def test_sample_keeps_the_dtype_of_z(student, reference, drawn):
    """The result has the dtype of z and its accuracy, also where the layers have another."""
    z, layers = drawn
    _check_sample(student, reference, z, *_mixed(z, layers), rtol=MIXED)
    _check_sample(student, reference, _finer(z), _cast(_idle_flow(layers), FLOAT32))


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE), flips=st.integers(1, 2))
@settings(max_examples=10)
def test_sample_leaves_its_inputs_alone(student, reference, drawn, flips):
    """z, the list and the layers stay as they are, the result shares no memory with z, and arguments may be named."""
    z, layers = drawn
    got = assert_inputs_untouched(student.flow_sample, z=z, layers=layers).value
    assert_no_alias(student.flow_sample, z, layers)
    assert_no_alias(student.flow_sample, z, [{"type": "flip"}] * flips)
    for some in (layers, *_mixed(z, layers)):
        _check_list_untouched(student.flow_sample, z, some)
    expected = reference.flow_sample(double(z), double(layers))
    assert_matches(got, expected, dtype=z.dtype, terms=_sample_terms(reference, z, layers))


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE), seed=ts.seeds())
@settings(max_examples=8)
def test_sample_can_be_differentiated(student, reference, drawn, seed):
    """Gradients flow to z, also without layers."""
    z, layers = drawn
    _check_sample_gradients(student, reference, z, layers, seed, wrt=(0,))
    _check_sample_gradients(student, reference, z, [], seed, wrt=(0,))


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE), seed=ts.seeds())
@settings(max_examples=8)
def test_sample_can_be_differentiated_for_its_parameters(student, reference, drawn, seed):
    """Gradients flow to every tensor of every layer."""
    _check_sample_gradients(student, reference, *drawn, seed, wrt=_paths(drawn[1]))


def _check_sample_gradients(student, reference, z, layers, seed, *, wrt):
    cotangent = _cotangent(z.shape, seed, z.dtype)
    size = norm(cotangent) * (1 + norm(_sample_terms(reference, z, layers))) ** 2
    functions = student.flow_sample, reference.flow_sample
    assert_gradients(*functions, z, layers, wrt=wrt, cotangents=[cotangent], terms=size)


@question("flow_sample", points=0.2, depends_on=BACKWARD)
@given(drawn=good_flows())
@settings(max_examples=10)
def test_sample_refuses_unknown_layers(student, drawn):
    """A layer of an unknown type, wherever it stands, raises a ValueError that names it."""
    _check_unknown(student.flow_sample, *drawn)


@question("flow_sample", points=0.15, depends_on=BACKWARD)
@given(drawn=odd_flows())
@settings(max_examples=20)
def test_sample_refuses_a_coupling_of_odd_features(student, drawn):
    """A coupling that meets an odd number of features raises a ValueError that says so."""
    assert_raises(student.flow_sample, *drawn, names=ODD)


@question("flow_sample", points=0.1, depends_on=BACKWARD)
@given(drawn=flows(kinds=ALL_THREE, dtype=FLOAT32))
@settings(max_examples=3)
def test_sample_has_no_loop_over_the_rows(student, reference, drawn):
    """A loop runs over the layers, none over the rows, however many."""
    _assert_no_loop(student.flow_sample, *drawn)
    _check_sample(student, reference, _crowd(drawn[0]), drawn[1])


# ------------------------------------------------------------------------------------------ flow_nll

LOSS = ("flow_log_prob", *FORWARD)


@question("flow_nll", points=0.7, gate=True, depends_on=LOSS)
@given(drawn=flows(kinds=ONE_LAYER, dtype=FLOAT32))
@settings(max_examples=16)
def test_nll_of_one_layer(student, reference, drawn):
    """Minus the mean log density of several rows under one layer."""
    _check_nll(student, reference, *drawn)


@question("flow_nll", points=0.2, depends_on=LOSS)
@given(drawn=flows(kinds=SEVERAL), plain=flows(kinds=SCALED, sizes=SIZES, widths=st.integers(1, 5), layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_nll_of_any_flow(student, reference, drawn, plain):
    """Several layers, none, one row, one feature, any memory layout, in float32 and float64."""
    x, layers = drawn
    _check_nll(student, reference, x, layers)
    _check_nll(student, reference, *plain)
    _check_nll(student, reference, x[:1], _backwards(layers))
    _check_nll(student, reference, x[:1], _type_first(layers))
    _check_nll(student, reference, plain[0], [])


@question("flow_nll", points=0.15, depends_on=LOSS)
@given(drawn=flows_far_away(sign=-1))
@settings(max_examples=10)
def test_nll_with_large_numbers(student, reference, drawn):
    """Data and parameters up to 1e4 give a finite loss."""
    _check_nll(student, reference, *drawn)


@question("flow_nll", points=0.1, depends_on=LOSS)
@given(drawn=steep_flows())
@settings(max_examples=8)
def test_nll_below_zero(student, reference, drawn):
    """Where the density is above 1 the loss is negative."""
    _check_nll(student, reference, *drawn)


@question("flow_nll", points=0.2, depends_on=LOSS)
@given(drawn=flows(kinds=ALL_THREE, layouts=ts.LAYOUTS))
@settings(max_examples=10)
def test_nll_keeps_the_dtype_and_leaves_its_inputs_alone(student, reference, drawn):
    """The loss has the dtype of x, the inputs stay as they are, and arguments may be named."""
    x, layers = drawn
    got = assert_inputs_untouched(student.flow_nll, x=x, layers=layers).value
    expected = reference.flow_nll(double(x), double(layers))
    size = _density_terms(reference, x, layers).max()
    assert_matches(got, expected, dtype=x.dtype, terms=size)
    assert_no_alias(student.flow_nll, x, layers)
    for some in (layers, *_mixed(x, layers)):
        _check_list_untouched(student.flow_nll, x, some)
    _check_nll(student, reference, x, *_mixed(x, layers), rtol=MIXED)
    _check_nll(student, reference, _finer(x), _cast(_idle_flow(layers), FLOAT32))


@question("flow_nll", points=0.2, depends_on=LOSS)
@given(drawn=flows(kinds=ALL_THREE))
@settings(max_examples=8)
def test_nll_can_be_differentiated(student, reference, drawn):
    """Gradients flow to x, also without layers, and to every tensor of every layer."""
    x, layers = drawn
    size, functions = 1 + norm(_density_terms(reference, x, layers)), (student.flow_nll, reference.flow_nll)
    for some in (layers, []):
        wrt = (0, *_paths(some))
        assert_gradients(*functions, x, some, wrt=wrt, cotangents=[x.new_ones(())], terms=size)


@question("flow_nll", points=0.2, depends_on=LOSS)
@given(drawn=good_flows(), odd=odd_flows())
@settings(max_examples=10)
def test_nll_refuses_what_is_no_flow(student, drawn, odd):
    """An unknown type, or a coupling of an odd number of features, raises a ValueError that says so."""
    _check_unknown(student.flow_nll, *drawn)
    assert_raises(student.flow_nll, *odd, names=ODD)


@question("flow_nll", points=0.1, depends_on=LOSS)
@given(drawn=flows(kinds=ALL_THREE, dtype=FLOAT32))
@settings(max_examples=3)
def test_nll_has_no_loop_over_the_rows(student, reference, drawn):
    """A loop runs over the layers, none over the rows, however many."""
    _assert_no_loop(student.flow_nll, *drawn)
    _check_nll(student, reference, _crowd(drawn[0]), drawn[1])
