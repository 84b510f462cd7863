"""Graded tests of the assignment on initialization: 20 points over five laws of weights and three functions."""

from __future__ import annotations

import itertools
import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.errors import Mismatch
from autograder.testing import (
    assert_follows,
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_share,
    assert_unrelated,
    assert_vectorised,
    double,
    forbid,
    question,
)
from autograder.testing import strategies as ts
from autograder.testing.compare import TOLERANCE
from autograder.testing.statistics import normal, uniform

_LAYERS = ("Linear", "Lazy*", "*Conv*", "Bilinear", "Embedding*", "RNN*", "LSTM*", "GRU*", "Multihead*", "Transformer*")
FORBIDDEN = {
    "*": forbid(
        "py::torch.nn.init.*",
        *(f"nn.{layer}" for layer in _LAYERS),
        names=(
            *("init", "calculate_gain", "_calculate_fan_in_and_fan_out", "_calculate_correct_fan", "reset_parameters"),
            *(f"{law}_{kind}_" for law in ("xavier", "kaiming") for kind in ("normal", "uniform")),
            *("trunc_normal_", "orthogonal_", "Linear", "LazyLinear", "Conv1d", "Conv2d", "Conv3d", "Embedding"),
        ),
        because="the weights are to be drawn from the formula",
    ),
}

ROUGH = 3e-2  # of a gate: right up to the fine points, which have tests of their own
CLOSE = 1e-3  # of a gradient, in float32 as in float64
FORM = 0.5  # of a test on names, memory and shape: that the values are right is tested elsewhere
# At a mean of 1000 standard deviations float32 holds (x - mean) / std to about 1e-4; a variance
# computed as E[x^2] - E[x]^2 is off by several percent there.
FAR_FROM_ZERO = 5e-3
FANS = ("fan_in_and_fan_out",)

# Shapes of some 25,000 entries, which tell a normal law from one cut at three deviations; fan_in and fan_out are a
# factor of two apart and more, and so are both from what the shape holds otherwise.
MATRICES = st.sampled_from(((100, 250), (260, 100), (60, 420), (400, 64)))
KERNELS = ((24, 10, 103), (10, 30, 85), (64, 32, 3, 4), (32, 64, 4, 3), (16, 24, 3, 4, 5), (13, 30, 6, 2, 5))
THIN = ((25000, 1), (1, 25000), (1, 25000, 1), (25000, 1, 1, 1), (80, 300, 1, 1), (1, 1, 100, 250))
SMALL = st.sampled_from(((60, 90), (90, 50), (20, 30, 3, 3)))
TINY = ((1, 1), (3, 5))  # of an odd number of entries
SQUARE = (60, 60)
GAINS = (1e-7, 0.5, math.sqrt(2), 5 / 3, 1e4, 3, 20.0)
TOO_FEW = st.sampled_from(((), (1,), (2,), (7,), (4096,)))
SEEDED = ts.generators()
DTYPES, SIZES, COUNT = ts.float_dtypes(), st.integers(1, 6), st.just(64)


# ------------------------------------------------------------------------------- laws of the weights


def _law(name, reference, shape, gain=1.0):
    """The law of the entries that the initialiser ``name`` draws."""
    fan_in, fan_out = reference.fan_in_and_fan_out(shape)
    size = {"xavier": 2 / (fan_in + fan_out), "he": 2 / fan_in, "lecun": 1 / fan_in}[name.split("_")[0]]
    std = gain * math.sqrt(size)
    return normal(std) if name.endswith("normal") else uniform(std * math.sqrt(3))


def _entries(value, shape):
    """The answer, a tensor of floating numbers of ``shape``."""
    if not isinstance(value, torch.Tensor) or not value.is_floating_point():
        raise Mismatch("the weight should be a tensor of floating numbers", got=type(value).__name__)
    if tuple(value.shape) != tuple(shape):
        raise Mismatch(f"the weight has shape {tuple(value.shape)}, not {tuple(shape)}")
    return value


def _assert_spread(function, reference, shape, generator):
    """Mean 0 and the right variance, roughly: 25,000 right entries miss these bounds less than once in 10^50."""
    law = _law(function.name, reference, shape)
    values = _entries(function(shape, generator=generator), shape).double()
    mean, square = float(values.mean()), float(values.square().mean())
    if not abs(mean) < 0.1 * law.std:
        raise Mismatch(f"the weights have mean {mean:.4g}", expected="about 0", got=f"{mean:.4g}")
    if not 0.8 < square / law.std**2 < 1.2:
        raise Mismatch(
            f"the weights have variance {square:.4g}, not {law.std**2:.4g}",
            expected=f"{law.std**2:.4g}",
            got=f"{square:.4g}",
        )


def _assert_law(function, reference, shape, generator):
    """The law of the entries, and that no part of the weight repeats another."""
    law = _law(function.name, reference, shape)
    values = _entries(function(shape, generator=generator), shape)
    assert_follows(values, law, what=f"the weights of shape {shape}")
    _assert_many_values(values)
    assert_unrelated(*values.flatten().chunk(2), law, what="the first and the second half of the weights")
    for dim, size in enumerate(shape):
        half = size // 2
        if half:
            ends = values.narrow(dim, 0, half), values.narrow(dim, size - half, half)
            assert_unrelated(*ends, law, what=f"both halves along dimension {dim}")
            pairs = (values.index_select(dim, torch.arange(start, 2 * half, 2)) for start in range(2))
            assert_unrelated(*pairs, law, what=f"neighbours along dimension {dim}")


def _assert_many_values(values):
    """The laws are continuous.

    Even with 2^22 equally likely steps, half of 25,000 entries repeat another one less than once in 10^1000.
    """
    found = values.unique().numel()
    if 2 * found < values.numel():
        raise Mismatch(
            f"{values.numel()} weights take {found} values only: the law is continuous", got=f"{found} values"
        )


def _assert_no_symmetry(function, reference, generator):
    """The entries above the diagonal of a square weight say nothing about those below."""
    values = _entries(function(SQUARE, generator=generator), SQUARE)
    above, below = torch.triu_indices(*SQUARE, offset=1)
    law = _law(function.name, reference, SQUARE)
    assert_unrelated(values[above, below], values[below, above], law, what="a square weight and its transpose")


def _assert_pairs(function, reference):
    """Two entries alone are independent too: their signs, and the sizes of both."""
    pairs = torch.cat([_entries(function((1, 2)), (1, 2)) for _ in range(96)]).double()
    law = _law(function.name, reference, (1, 2))
    opposite = int((pairs.prod(dim=1) < 0).sum())
    assert_share(opposite, len(pairs), 0.5, what="among weights of two entries, the share with opposite signs")
    # Inside the circle that the standard deviation has for its radius.
    inside = 1 - math.exp(-0.5) if law.kind == "normal" else math.pi / 12
    close = int((pairs.square().sum(dim=1) < law.std**2).sum())
    assert_share(close, len(pairs), inside, what="among weights of two entries, the share with both near 0")


def _assert_kernels(function, reference, generator):
    for shape in KERNELS:
        _assert_law(function, reference, shape, generator)


def _assert_gain(function, reference, shape, generator):
    for gain in GAINS:
        law = _law(function.name, reference, shape, gain)
        weight = _entries(function(shape, gain, generator), shape)
        assert_follows(weight, law, what=f"the weights with gain={gain:g}")
    named = function(shape=shape, gain=gain, generator=generator)
    assert_follows(_entries(named, shape), law, what=f"the weights with gain={gain:g}")
    kernel, gain = KERNELS[2], GAINS[1]
    law, weight = _law(function.name, reference, kernel, gain), function(kernel, gain=gain, generator=generator)
    assert_follows(_entries(weight, kernel), law, what=f"the weights of shape {kernel} with gain={gain:g}")
    default, one = (_entries(function(shape, *given, generator=generator), shape) for given in ((), (1.0,)))
    if not torch.equal(default, one):
        raise Mismatch("without a gain the weights should be those with gain=1.0, where the seed is the same")


def _assert_generator(student, function, reference, shape, seed):
    """Draws from the generator it is given, moves it on, and leaves torch's global one alone."""
    law, untouched = _law(function.name, reference, shape), student.rng_state()
    generator, other = (torch.Generator().manual_seed(seed + i) for i in range(2))
    answer = function.after(shape, generator=generator)
    first, moved = _entries(answer.value, shape), answer.after[1]["generator"]
    if not torch.equal(_entries(function(shape, generator=generator), shape), first):
        raise Mismatch("the same seed should give the same weights")
    for tiny in TINY:
        one, again = (_entries(function(tiny, generator=generator), tiny) for _ in range(2))
        if not torch.equal(one, again):
            raise Mismatch(f"the same seed should give the same weights, of shape {tiny} too")
    if torch.equal(moved.get_state(), generator.get_state()):
        raise Mismatch("the generator should move on with every call: two calls in a row must differ")
    second, third = (_entries(function(shape, generator=source), shape) for source in (moved, other))
    assert_unrelated(first, second, law, what="two weights drawn one after the other")
    assert_unrelated(first, third, law, what="weights from two seeds")
    if not torch.equal(student.rng_state(), untouched):
        raise Mismatch("with a generator of its own the function should leave torch's global one alone")


def _assert_global(student, function, reference, shape):
    """Draws from torch's global generator where none is given, also weights of one entry or two."""
    law = _law(function.name, reference, shape)
    student.begin()
    before = student.rng_state()
    first = _entries(function(shape), shape)
    if torch.equal(student.rng_state(), before):
        raise Mismatch("without a generator the weights should come from torch's global one, and move it on")
    second = _entries(function(shape, generator=None), shape)
    assert_unrelated(first, second, law, what="two weights drawn one after the other")
    single = torch.stack([_entries(function((1, 1)), (1, 1)) for _ in range(128)])
    assert_follows(single, _law(function.name, reference, (1, 1)), what="weights of one entry")
    _assert_pairs(function, reference)
    student.begin()
    if not torch.equal(_entries(function(shape), shape), first):
        raise Mismatch("the same torch.manual_seed should give the same weights")


def _assert_plain(function, shape, generator):
    for options in ({"generator": generator}, {}):
        answer = function.placed(shape, **options)  # a result that lies elsewhere than its generator is refused
        value = _entries(answer.value, shape)
        if value.dtype != torch.float32:
            raise Mismatch(f"the weight has dtype {value.dtype}, not torch.float32")
        if answer.requires_grad:
            raise Mismatch("the weight should be a plain tensor, without a gradient")


def _assert_thin(function, reference, generator):
    """Sizes of 1 stay, and a list of sizes is as good as a tuple."""
    for shape in THIN:
        answer = function.after(shape=list(shape), generator=generator)
        law = _law(function.name, reference, shape)
        assert_follows(_entries(answer.value, shape), law, what=f"the weights of shape {shape}")
        if answer.after[1]["shape"] != list(shape):
            raise Mismatch(f"{function.name} changes its argument shape in place")


def _assert_too_few(function, shape, generator):
    assert_raises(function, shape, generator=generator, names=("shape", "dim"))
    assert_raises(function, list(shape), names=("shape", "dim"))


# --------------------------------------------------------------------------------- fan_in_and_fan_out


def _assert_counts(got, expected):
    """The numbers alone: that they are ints has a test of its own."""
    try:
        assert_matches(got, expected)
    except Mismatch:
        assert_matches(got, tuple(map(float, expected)))


@question("fan_in_and_fan_out", points=0.8, gate=True)
@given(outputs=st.integers(2, 40), more=st.integers(1, 40), tall=st.booleans())
@settings(max_examples=30)
def test_fans_of_a_matrix(student, reference, outputs, more, tall):
    """Of a linear layer's weight (out, in), first fan_in and then fan_out."""
    shape = (outputs + more, outputs) if tall else (outputs, outputs + more)
    _assert_counts(student.fan_in_and_fan_out(shape), reference.fan_in_and_fan_out(shape))


@question("fan_in_and_fan_out", points=0.4)
@given(shape=st.tuples(*[st.integers(1, 9)] * 2), kernel=st.lists(st.integers(1, 7), min_size=1, max_size=4))
@settings(max_examples=40)
def test_fans_of_a_convolution(student, reference, shape, kernel):
    """A kernel of one, two, three or four dimensions counts with all its entries, in both fans."""
    whole = (*shape, *kernel)
    _assert_counts(student.fan_in_and_fan_out(whole), reference.fan_in_and_fan_out(whole))


@question("fan_in_and_fan_out", points=0.2)
@given(
    shape=st.lists(st.integers(1, 10**5), min_size=2, max_size=2),
    kernel=st.lists(st.integers(1, 3000), max_size=3),
)
@settings(max_examples=30)
def test_fans_are_ints(student, reference, shape, kernel):
    """Two ints, exact for large weights too."""
    whole = (*shape, *kernel)
    assert_matches(student.fan_in_and_fan_out(whole), reference.fan_in_and_fan_out(whole))


@question("fan_in_and_fan_out", points=0.15)
@given(shape=st.lists(st.integers(1, 3), min_size=2, max_size=5))
@settings(max_examples=20)
def test_fans_of_a_list_and_by_name(student, reference, shape):
    """The shape may be a list, stays as it is, may be named, and its sizes may be 1."""
    answer = student.fan_in_and_fan_out.after(shape=list(shape))
    _assert_counts(answer.value, reference.fan_in_and_fan_out(shape))
    if answer.after[1]["shape"] != shape:
        raise Mismatch("fan_in_and_fan_out changes its argument shape in place")


@question("fan_in_and_fan_out", points=0.25)
@given(shape=TOO_FEW)
@settings(max_examples=10)
def test_fans_of_fewer_than_two_dimensions(student, shape):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    assert_raises(student.fan_in_and_fan_out, shape, names=("shape", "dim"))
    assert_raises(student.fan_in_and_fan_out, list(shape), names=("shape", "dim"))


# --------------------------------------------------------------------------------------- xavier_normal


@question("xavier_normal", points=1.1, gate=True, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=6)
def test_xavier_normal_has_the_right_spread(student, reference, shape, generator):
    """A matrix has mean 0 and variance 2 / (fan_in + fan_out)."""
    _assert_spread(student.xavier_normal, reference, shape, generator)


@question("xavier_normal", points=0.35, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=4)
def test_xavier_normal_is_normal(student, reference, shape, generator):
    """The entries are independent draws of a normal law."""
    _assert_law(student.xavier_normal, reference, shape, generator)
    _assert_no_symmetry(student.xavier_normal, reference, generator)


@question("xavier_normal", points=0.3, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_xavier_normal_of_a_convolution(student, reference, generator):
    """A convolution's fans count its receptive field, of one, two or three dimensions."""
    _assert_kernels(student.xavier_normal, reference, generator)


@question("xavier_normal", points=0.3, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=2)
def test_xavier_normal_with_a_gain(student, reference, shape, generator):
    """The gain, 1 by default, multiplies the standard deviation, given by position or by name."""
    _assert_gain(student.xavier_normal, reference, shape, generator)


@question("xavier_normal", points=0.25, depends_on=FANS)
@given(shape=SMALL, seed=ts.seeds())
@settings(max_examples=4)
def test_xavier_normal_draws_from_its_generator(student, reference, shape, seed):
    """Same seed, same weights; every call moves the generator on; the global one is left alone."""
    _assert_generator(student, student.xavier_normal, reference, shape, seed)


@question("xavier_normal", points=0.15, depends_on=FANS)
@given(shape=SMALL)
@settings(max_examples=2)
def test_xavier_normal_without_a_generator(student, reference, shape):
    """Without a generator the weights come from torch's global one, also weights of one entry or two."""
    _assert_global(student, student.xavier_normal, reference, shape)


@question("xavier_normal", points=0.15, depends_on=FANS)
@given(shape=SMALL, generator=SEEDED)
@settings(max_examples=3)
def test_xavier_normal_is_a_plain_tensor(student, shape, generator):
    """A float32 tensor without a gradient, on the generator's device."""
    _assert_plain(student.xavier_normal, shape, generator)


@question("xavier_normal", points=0.1, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_xavier_normal_with_sizes_of_one(student, reference, generator):
    """Sizes of 1 stay, the shape may be a list, and arguments may be named."""
    _assert_thin(student.xavier_normal, reference, generator)


@question("xavier_normal", points=0.1, depends_on=FANS)
@given(shape=TOO_FEW, generator=SEEDED)
@settings(max_examples=8)
def test_xavier_normal_of_fewer_than_two_dimensions(student, shape, generator):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    _assert_too_few(student.xavier_normal, shape, generator)


# --------------------------------------------------------------------------------------- xavier_uniform


@question("xavier_uniform", points=1.1, gate=True, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=6)
def test_xavier_uniform_has_the_right_spread(student, reference, shape, generator):
    """A matrix has mean 0 and variance 2 / (fan_in + fan_out)."""
    _assert_spread(student.xavier_uniform, reference, shape, generator)


@question("xavier_uniform", points=0.35, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=4)
def test_xavier_uniform_is_uniform(student, reference, shape, generator):
    """The entries are independent draws of a uniform law with the right bounds."""
    _assert_law(student.xavier_uniform, reference, shape, generator)
    _assert_no_symmetry(student.xavier_uniform, reference, generator)


@question("xavier_uniform", points=0.3, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_xavier_uniform_of_a_convolution(student, reference, generator):
    """A convolution's fans count its receptive field, of one, two or three dimensions."""
    _assert_kernels(student.xavier_uniform, reference, generator)


@question("xavier_uniform", points=0.3, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=2)
def test_xavier_uniform_with_a_gain(student, reference, shape, generator):
    """The gain multiplies the bound, and so the standard deviation, given by position or by name."""
    _assert_gain(student.xavier_uniform, reference, shape, generator)


@question("xavier_uniform", points=0.25, depends_on=FANS)
@given(shape=SMALL, seed=ts.seeds())
@settings(max_examples=4)
def test_xavier_uniform_draws_from_its_generator(student, reference, shape, seed):
    """Same seed, same weights; every call moves the generator on; the global one is left alone."""
    _assert_generator(student, student.xavier_uniform, reference, shape, seed)


@question("xavier_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL)
@settings(max_examples=2)
def test_xavier_uniform_without_a_generator(student, reference, shape):
    """Without a generator the weights come from torch's global one, also weights of one entry or two."""
    _assert_global(student, student.xavier_uniform, reference, shape)


@question("xavier_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL, generator=SEEDED)
@settings(max_examples=3)
def test_xavier_uniform_is_a_plain_tensor(student, shape, generator):
    """A float32 tensor without a gradient, on the generator's device."""
    _assert_plain(student.xavier_uniform, shape, generator)


@question("xavier_uniform", points=0.1, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_xavier_uniform_with_sizes_of_one(student, reference, generator):
    """Sizes of 1 stay, the shape may be a list, and arguments may be named."""
    _assert_thin(student.xavier_uniform, reference, generator)


@question("xavier_uniform", points=0.1, depends_on=FANS)
@given(shape=TOO_FEW, generator=SEEDED)
@settings(max_examples=8)
def test_xavier_uniform_of_fewer_than_two_dimensions(student, shape, generator):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    _assert_too_few(student.xavier_uniform, shape, generator)


# --------------------------------------------------------------------------------------- he_normal


@question("he_normal", points=1.0, gate=True, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=6)
def test_he_normal_has_the_right_spread(student, reference, shape, generator):
    """A matrix has mean 0 and variance 2 / fan_in."""
    _assert_spread(student.he_normal, reference, shape, generator)


@question("he_normal", points=0.35, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=4)
def test_he_normal_is_normal(student, reference, shape, generator):
    """The entries are independent draws of a normal law."""
    _assert_law(student.he_normal, reference, shape, generator)
    _assert_no_symmetry(student.he_normal, reference, generator)


@question("he_normal", points=0.3, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_he_normal_of_a_convolution(student, reference, generator):
    """A convolution's fans count its receptive field, of one, two or three dimensions."""
    _assert_kernels(student.he_normal, reference, generator)


@question("he_normal", points=0.3, depends_on=FANS)
@given(shape=SMALL, seed=ts.seeds())
@settings(max_examples=4)
def test_he_normal_draws_from_its_generator(student, reference, shape, seed):
    """Same seed, same weights; every call moves the generator on; the global one is left alone."""
    _assert_generator(student, student.he_normal, reference, shape, seed)


@question("he_normal", points=0.15, depends_on=FANS)
@given(shape=SMALL)
@settings(max_examples=2)
def test_he_normal_without_a_generator(student, reference, shape):
    """Without a generator the weights come from torch's global one, also weights of one entry or two."""
    _assert_global(student, student.he_normal, reference, shape)


@question("he_normal", points=0.15, depends_on=FANS)
@given(shape=SMALL, generator=SEEDED)
@settings(max_examples=3)
def test_he_normal_is_a_plain_tensor(student, shape, generator):
    """A float32 tensor without a gradient, on the generator's device."""
    _assert_plain(student.he_normal, shape, generator)


@question("he_normal", points=0.1, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_he_normal_with_sizes_of_one(student, reference, generator):
    """Sizes of 1 stay, the shape may be a list, and arguments may be named."""
    _assert_thin(student.he_normal, reference, generator)
    _entries(student.he_normal((3, 2), generator), (3, 2))


@question("he_normal", points=0.15, depends_on=FANS)
@given(shape=TOO_FEW, generator=SEEDED)
@settings(max_examples=8)
def test_he_normal_of_fewer_than_two_dimensions(student, shape, generator):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    _assert_too_few(student.he_normal, shape, generator)


# --------------------------------------------------------------------------------------- he_uniform


@question("he_uniform", points=1.0, gate=True, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=6)
def test_he_uniform_has_the_right_spread(student, reference, shape, generator):
    """A matrix has mean 0 and variance 2 / fan_in."""
    _assert_spread(student.he_uniform, reference, shape, generator)


@question("he_uniform", points=0.35, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=4)
def test_he_uniform_is_uniform(student, reference, shape, generator):
    """The entries are independent draws of a uniform law with the right bounds."""
    _assert_law(student.he_uniform, reference, shape, generator)
    _assert_no_symmetry(student.he_uniform, reference, generator)


@question("he_uniform", points=0.3, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_he_uniform_of_a_convolution(student, reference, generator):
    """A convolution's fans count its receptive field, of one, two or three dimensions."""
    _assert_kernels(student.he_uniform, reference, generator)


@question("he_uniform", points=0.3, depends_on=FANS)
@given(shape=SMALL, seed=ts.seeds())
@settings(max_examples=4)
def test_he_uniform_draws_from_its_generator(student, reference, shape, seed):
    """Same seed, same weights; every call moves the generator on; the global one is left alone."""
    _assert_generator(student, student.he_uniform, reference, shape, seed)


@question("he_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL)
@settings(max_examples=2)
def test_he_uniform_without_a_generator(student, reference, shape):
    """Without a generator the weights come from torch's global one, also weights of one entry or two."""
    _assert_global(student, student.he_uniform, reference, shape)


@question("he_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL, generator=SEEDED)
@settings(max_examples=3)
def test_he_uniform_is_a_plain_tensor(student, shape, generator):
    """A float32 tensor without a gradient, on the generator's device."""
    _assert_plain(student.he_uniform, shape, generator)


@question("he_uniform", points=0.1, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_he_uniform_with_sizes_of_one(student, reference, generator):
    """Sizes of 1 stay, the shape may be a list, and arguments may be named."""
    _assert_thin(student.he_uniform, reference, generator)
    _entries(student.he_uniform((3, 2), generator), (3, 2))


@question("he_uniform", points=0.15, depends_on=FANS)
@given(shape=TOO_FEW, generator=SEEDED)
@settings(max_examples=8)
def test_he_uniform_of_fewer_than_two_dimensions(student, shape, generator):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    _assert_too_few(student.he_uniform, shape, generator)


# --------------------------------------------------------------------------------------- lecun_uniform


@question("lecun_uniform", points=1.0, gate=True, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=6)
def test_lecun_uniform_has_the_right_spread(student, reference, shape, generator):
    """A matrix has mean 0 and variance 1 / fan_in."""
    _assert_spread(student.lecun_uniform, reference, shape, generator)


@question("lecun_uniform", points=0.35, depends_on=FANS)
@given(shape=MATRICES, generator=SEEDED)
@settings(max_examples=4)
def test_lecun_uniform_is_uniform(student, reference, shape, generator):
    """The entries are independent draws of a uniform law with the right bounds."""
    _assert_law(student.lecun_uniform, reference, shape, generator)
    _assert_no_symmetry(student.lecun_uniform, reference, generator)


@question("lecun_uniform", points=0.3, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_lecun_uniform_of_a_convolution(student, reference, generator):
    """A convolution's fans count its receptive field, of one, two or three dimensions."""
    _assert_kernels(student.lecun_uniform, reference, generator)


@question("lecun_uniform", points=0.3, depends_on=FANS)
@given(shape=SMALL, seed=ts.seeds())
@settings(max_examples=4)
def test_lecun_uniform_draws_from_its_generator(student, reference, shape, seed):
    """Same seed, same weights; every call moves the generator on; the global one is left alone."""
    _assert_generator(student, student.lecun_uniform, reference, shape, seed)


@question("lecun_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL)
@settings(max_examples=2)
def test_lecun_uniform_without_a_generator(student, reference, shape):
    """Without a generator the weights come from torch's global one, also weights of one entry or two."""
    _assert_global(student, student.lecun_uniform, reference, shape)


@question("lecun_uniform", points=0.15, depends_on=FANS)
@given(shape=SMALL, generator=SEEDED)
@settings(max_examples=3)
def test_lecun_uniform_is_a_plain_tensor(student, shape, generator):
    """A float32 tensor without a gradient, on the generator's device."""
    _assert_plain(student.lecun_uniform, shape, generator)


@question("lecun_uniform", points=0.1, depends_on=FANS)
@given(generator=SEEDED)
@settings(max_examples=1)
def test_lecun_uniform_with_sizes_of_one(student, reference, generator):
    """Sizes of 1 stay, the shape may be a list, and arguments may be named."""
    _assert_thin(student.lecun_uniform, reference, generator)
    _entries(student.lecun_uniform((3, 2), generator), (3, 2))


@question("lecun_uniform", points=0.15, depends_on=FANS)
@given(shape=TOO_FEW, generator=SEEDED)
@settings(max_examples=8)
def test_lecun_uniform_of_fewer_than_two_dimensions(student, shape, generator):
    """A ValueError names shape where it has fewer than 2 dimensions."""
    _assert_too_few(student.lecun_uniform, shape, generator)


# ---------------------------------------------------------------------------------------- standardize


def _standard_terms(x):
    """What the results are summed from: values and means over deviations; nothing where a feature is constant."""
    wide = x.double()
    deviation = wide.std(dim=0, correction=0).masked_fill((x == x[:1]).all(dim=0), math.inf)
    return torch.stack([wide.abs() / deviation, (wide.mean(dim=0).abs() / deviation).expand(x.shape)])


def _check_standardize(student, reference, x, rtol=None):
    got = student.standardize(x)
    assert_matches(got, reference.standardize(double(x)), dtype=x.dtype, terms=_standard_terms(x), rtol=rtol)


@st.composite
def _features(draw, *, scales, offset=0.0, counts=COUNT, dtype=DTYPES):
    """``(N, d)``: features whose deviations are exactly ``scales`` and whose means are ``offset`` times that."""
    dtype, count, chosen = draw(dtype), draw(counts), draw(scales)
    unit = ts.build((count, len(chosen)), seed=draw(ts.seeds()), dtype=torch.float64)
    unit = (unit - unit.mean(dim=0)) / unit.std(dim=0, correction=0)
    signs = torch.tensor([(-1.0) ** i for i in range(len(chosen))], dtype=torch.float64)
    values = (unit + offset * signs) * torch.tensor(chosen, dtype=torch.float64)
    return ts.lay_out(values.to(dtype), draw(st.sampled_from(ts.LAYOUTS)))


ORDINARY = st.permutations((0.3, 0.5, 2.0, 7.0)).flatmap(lambda scales: st.integers(2, 4).map(lambda d: scales[:d]))
TABLES = st.tuples(st.integers(2, 6), st.integers(1, 6))
# 1.01e-6: in float32 a deviation of 1e-6 itself may come out below it.
LARGE_SCALES = st.lists(st.sampled_from((0.1, 1.0, 9.0)), min_size=1, max_size=3)
EVERY_SCALE = st.lists(st.sampled_from((1.01e-6, 1e-5, 1e-3, 1.0, 2e3)), min_size=1, max_size=4)


@question("standardize", points=1.0, gate=True)
@given(x=_features(scales=ORDINARY, offset=1.5, dtype=st.just(torch.float32)))
@settings(max_examples=20)
def test_standardize_ordinary_features(student, reference, x):
    """64 samples: every feature gets mean 0 and variance 1, over the samples."""
    _check_standardize(student, reference, x.contiguous(), rtol=ROUGH)


@question("standardize", points=0.4)
@given(x=ts.tensors(TABLES, dtype=DTYPES, kinds=("normal",), layouts=ts.LAYOUTS))
@settings(max_examples=60)
def test_standardize_is_exact(student, reference, x):
    """On few samples the results are exact to rounding: the biased variance, in both dtypes and any memory layout."""
    _check_standardize(student, reference, x)
    outlier = torch.zeros((64, 1), dtype=x.dtype)
    outlier[5] = 2.0  # eight deviations from the mean
    _check_standardize(student, reference, outlier)


@question("standardize", points=0.25)
@given(x=_features(scales=EVERY_SCALE, counts=st.integers(3, 20)))
@settings(max_examples=40)
def test_standardize_features_of_every_scale(student, reference, x):
    """Features with a deviation of 1e-6, and with values of 1e4, come out as exactly as others."""
    for part in (x, x[:, :1]):  # beside each other, and alone
        _check_standardize(student, reference, part)


@question("standardize", points=0.2)
@given(
    x=_features(scales=LARGE_SCALES, offset=1000.0, counts=st.sampled_from((400, 1500)), dtype=st.just(torch.float32))
)
@settings(max_examples=15)
def test_standardize_far_from_zero(student, reference, x):
    """The variance stays accurate where the mean is a thousand times the deviation (float32)."""
    expected = reference.standardize(double(x))
    assert_matches(student.standardize(x), expected, dtype=x.dtype, rtol=FAR_FROM_ZERO)


# Of most of these values 7, 10 or 49 do not have a computed mean that is exactly the value.
LEVELS = (0.1, -0.3, 0.7, 3333.3, -1234.567, 1e4, 0.0, 1e-6)
BESIDE = (0.1, 0.0, 3333.3)


def _lookalikes(count, dtype):
    """Three features: one begins and ends alike, one begins with its mean, one has two equal values in front."""
    ends, mean, front = (torch.arange(count, dtype=dtype) for _ in range(3))
    ends[-1], mean[0], front[:2] = 0, count / 2, 0
    return torch.stack([ends, mean, front], dim=1)


@question("standardize", points=0.3)
@given(
    count=st.sampled_from((1, 2, 3, 4, 6, 7, 10, 49)),
    wide=st.booleans(),
    seed=ts.seeds(),
)
@settings(max_examples=30)
def test_standardize_constant_features(student, reference, count, wide, seed):
    """A feature whose values are all equal maps to 0, whatever stands beside it, and so does a single sample."""
    dtype = torch.float64 if wide else torch.float32
    constant = torch.tensor(LEVELS, dtype=dtype).repeat(count, 1)
    zeros = torch.zeros_like(constant[:, :1])
    zeros[::2] = -0.0  # equal to 0
    for part in (constant, constant[:, seed % len(LEVELS), None], zeros):
        assert_matches(student.standardize(part), torch.zeros_like(part))
    x = torch.cat([ts.build((count, 1), seed=seed, dtype=dtype), constant, _lookalikes(count, dtype)], dim=1)
    got, expected = student.standardize(x), reference.standardize(double(x))
    assert_matches(got, expected, dtype=dtype, rtol=FORM)
    for index in (0, -3, -2, -1):
        what = "an ordinary feature" if index == 0 else "a feature with some equal values"
        assert_matches(got[:, index], expected[:, index], dtype=dtype, rtol=FORM, what=what)
    assert_matches(got[:, 1:-3], torch.zeros_like(constant), what="the constant features")


@question("standardize", points=0.15)
@given(
    x=_features(scales=ORDINARY, offset=0.5),
    seed=ts.seeds(),
)
@settings(max_examples=20)
def test_standardize_can_be_differentiated(student, reference, x, seed):
    """Gradients reach x, through the mean and the deviation too."""
    cotangent = ts.build(tuple(x.shape), seed=seed, dtype=x.dtype)
    terms = cotangent.double().abs() / x.double().std(dim=0, correction=0)
    assert_gradients(
        student.standardize, reference.standardize, x, wrt=(0,), cotangents=[cotangent], terms=terms, rtol=CLOSE
    )


@question("standardize", points=0.05)
@given(x=_features(scales=ORDINARY, offset=0.5), level=st.sampled_from(BESIDE), seed=ts.seeds())
@settings(max_examples=10)
def test_standardize_gradients_beside_constants(student, reference, x, level, seed):
    """A constant feature leaves the gradients of the others alone."""
    cotangent = ts.build((len(x), x.shape[1] + 1), seed=seed, dtype=x.dtype)
    both = torch.cat([x, torch.full_like(x[:, :1], level)], dim=1)
    got, expected = (
        f.gradients(both, wrt=(0,), cotangents=[cotangent]).grads[0]
        for f in (student.standardize, reference.standardize)
    )
    if got is None:
        raise Mismatch("no gradient flows through standardize where a feature is constant")
    # The constant feature itself has no derivative.
    terms = cotangent[:, :-1].double().abs() / x.double().std(dim=0, correction=0)
    what = "the gradient for x, beside a constant feature"
    assert_matches(got[:, :-1], expected[:, :-1], dtype=x.dtype, terms=terms, rtol=CLOSE, what=what)


@question("standardize", points=0.15)
@given(x=ts.tensors(TABLES, dtype=DTYPES, kinds=("normal",), layouts=ts.LAYOUTS))
@settings(max_examples=20)
def test_standardize_leaves_its_input_alone(student, reference, x):
    """x stays as it is, may be named, and shares no memory with the result, also where nothing is left to do."""
    expected = reference.standardize(double(x))
    for part in (x, x[:1]):
        assert_inputs_untouched(student.standardize, part)
    assert_matches(assert_no_alias(student.standardize, x=x).value, expected, dtype=x.dtype, rtol=FORM)
    for done in (reference.standardize(x), torch.zeros_like(x), torch.zeros_like(x[:1])):
        assert_inputs_untouched(student.standardize, done)
        assert_no_alias(student.standardize, done)


@question("standardize", points=0.1)
@given(x=ts.tensors((1, 3)))
@settings(max_examples=2)
def test_standardize_has_no_loop_over_the_samples(student, x):
    """One expression for all samples."""
    few, many = (x + ts.build((count, 3), seed=count) for count in (50, 200))
    assert_vectorised(student.standardize, (few,), (many,))


# ------------------------------------------------------------------------------------ layer_variances

ACTIVATIONS = ("relu", "linear", "tanh")
UNKNOWN = ("sigmoid", "gelu", "leaky_relu", "relu6", "softmax", "identity", "none", "tan", "elu", "lin", "")


@st.composite
def _networks(draw, *, dtype=DTYPES, counts=SIZES, widths=SIZES, depths=(1, 4)):
    """``[x, weights]``; the weights keep the signal at about its size."""
    dtype = draw(dtype)
    sizes = draw(st.lists(widths, min_size=depths[0] + 1, max_size=depths[1] + 1))
    x = draw(ts.tensors((draw(counts), sizes[0]), dtype=dtype, kinds=("normal",), layouts=ts.LAYOUTS))
    weights = [
        draw(ts.tensors((after, before), dtype=dtype, kinds=("normal",), layouts=ts.LAYOUTS, scale=1.3 * before**-0.5))
        for before, after in itertools.pairwise(sizes)
    ]
    return [x, weights]


def _variance_terms(x, weights):
    """For each layer the mean square of what its pre-activations are summed from at most: no activation adds to it."""
    h, terms = x.double().abs(), []
    for weight in weights:
        h = h @ weight.double().abs().T
        terms.append(float(h.square().mean()))
    return terms


def _check_variances(student, reference, network, *activation):
    x, weights = network
    expected = reference.layer_variances(*double(network), *activation)
    got = student.layer_variances(x, weights, *activation)
    assert_matches(got, expected, terms=_variance_terms(x, weights), rtol=TOLERANCE[x.dtype])


@question("layer_variances", points=1.0, gate=True)
@given(
    network=_networks(dtype=st.just(torch.float32), counts=st.just(30), widths=st.integers(4, 8), depths=(2, 4)),
)
@settings(max_examples=25)
def test_variances_of_a_relu_network(student, reference, network):
    """Two to four layers with ReLU between them: one variance for each pre-activation."""
    x, weights = network[0].contiguous(), [weight.contiguous() for weight in network[1]]
    expected = reference.layer_variances(*double([x, weights]))
    assert_matches(student.layer_variances(x, weights, "relu"), expected, rtol=ROUGH)


@question("layer_variances", points=0.35)
@given(
    network=_networks(counts=st.just(500), widths=st.integers(4, 8), depths=(2, 6)),
    deep=_networks(counts=st.just(30), widths=st.integers(4, 8), depths=(12, 16)),
)
@settings(max_examples=10)
def test_variances_with_every_activation(student, reference, network, deep):
    """linear, relu and tanh between the layers, relu where none is named, in deep networks and for many samples too."""
    for activation in ((), *((name,) for name in ACTIVATIONS)):
        for x, weights in (network, deep):
            expected = reference.layer_variances(*double([x, weights]), *activation)
            assert_matches(student.layer_variances(x, weights, *activation), expected, rtol=ROUGH)


@question("layer_variances", points=0.4)
@given(network=_networks(), activation=st.sampled_from(ACTIVATIONS))
@settings(max_examples=60)
def test_variances_are_exact(student, reference, network, activation):
    """The biased variance over all entries, exact to rounding: few samples, one sample, one unit, one layer."""
    for part in (network[0], network[0][:1]):
        _check_variances(student, reference, [part, network[1]], activation)


@question("layer_variances", points=0.25)
@given(
    network=_networks(),
    name=st.sampled_from(UNKNOWN),
)
@settings(max_examples=25)
def test_variances_with_another_activation(student, network, name):
    """A ValueError names activation where it is none of the three, also without any layer."""
    x, weights = network
    for layers in (weights, weights[:1], []):
        assert_raises(student.layer_variances, x, layers, name, names=("activation",))
    for spelling in ("ReLU", "tanh "):
        assert_raises(student.layer_variances, x, weights, spelling, names=("activation",))


@question("layer_variances", points=0.1)
@given(x=ts.tensors(ts.shapes(2, 2)), activation=st.sampled_from(ACTIVATIONS))
@settings(max_examples=6)
def test_variances_of_no_layers(student, x, activation):
    """No layers give an empty list, and x stays as it is."""
    answer = assert_inputs_untouched(student.layer_variances, x, [], activation)
    assert_matches(answer.value, [])


@question("layer_variances", points=0.2)
@given(network=_networks(counts=st.integers(5, 9), widths=st.integers(1, 5)), activation=st.sampled_from(ACTIVATIONS))
@settings(max_examples=25)
def test_variances_leave_their_arguments_alone(student, reference, network, activation):
    """x, the weights and their list stay as they are, and all arguments may be named."""
    x, weights = network
    call = {"x": x, "weights": weights, "activation": activation}
    answer = student.layer_variances.after(**call)
    assert_matches(answer.value, reference.layer_variances(**double(call)), rtol=FORM)
    kept = answer.after[1]["weights"]
    same = len(kept) == len(weights) and all(map(torch.equal, kept, weights))
    if answer.modified or not same:
        raise Mismatch("layer_variances changes an argument in place")


@question("layer_variances", points=0.1)
@given(
    network=_networks(counts=st.just(30), widths=st.integers(4, 8)),
    activation=st.sampled_from(ACTIVATIONS),
    size=st.sampled_from((1e4, 2e3, 1e-4)),
)
@settings(max_examples=20)
def test_variances_of_large_numbers(student, reference, network, activation, size):
    """Inputs of 1e4, or of 1e-4, give finite, right variances."""
    network[0] = network[0].clamp(-1, 1) * size
    expected = reference.layer_variances(*double(network), activation)
    assert_matches(student.layer_variances(*network, activation), expected, rtol=ROUGH)
    strong = [network[0], [network[1][0] * 1e3]]
    expected = reference.layer_variances(*double(strong), activation)
    assert_matches(student.layer_variances(*strong, activation), expected, rtol=ROUGH)


@question("layer_variances", points=0.1)
@given(network=_networks(counts=st.just(1), widths=st.integers(2, 5), depths=(2, 3)))
@settings(max_examples=2)
def test_variances_have_no_loop_over_the_samples(student, network):
    """One expression for all samples of a layer; a loop over the layers is fine."""
    x, weights = network[0].contiguous(), [weight.contiguous() for weight in network[1]]
    assert_vectorised(student.layer_variances, (x.repeat(50, 1), weights), (x.repeat(200, 1), weights))
