"""Wrong answers to ``initialization``: what students write on the way to a right one, and the sentence to read then."""

from __future__ import annotations

import math

import torch
from torch import nn

from autograder.testing import misconception
from reference import initialization as right


def _fans(shape):
    return right.fan_in_and_fan_out(shape)


def _xavier_std(shape):
    return math.sqrt(2 / sum(_fans(shape)))


def _he_std(shape):
    return math.sqrt(2 / _fans(shape)[0])


def _he_bound(shape):
    return math.sqrt(6 / _fans(shape)[0])


def _lecun_bound(shape):
    return math.sqrt(3 / _fans(shape)[0])


def _normal(shape, std, generator=None, **options):
    return torch.randn(tuple(shape), generator=generator, **options) * std


def _uniform(shape, bound, generator=None, **options):
    return (2 * torch.rand(tuple(shape), generator=generator, **options) - 1) * bound


def _matrix_fans(shape):
    """As of a matrix, whatever the kernel."""
    _fans(shape)
    return shape[1], shape[0]


def _clone(generator):
    if generator is None:
        return None
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return copy


# ------------------------------------------------------------------------------- fan_in_and_fan_out


@misconception(
    "fan_in_and_fan_out",
    hint="A weight is stored as (out, in), but fan_in comes first in the result: the two are swapped.",
    breaks="order",
)
def swaps_the_fans(shape):
    fan_in, fan_out = right.fan_in_and_fan_out(shape)
    return fan_out, fan_in


@misconception(
    "fan_in_and_fan_out", hint="One output of a convolution sums over every position of its kernel: where is it?"
)
def forgets_the_kernel(shape):
    right.fan_in_and_fan_out(shape)
    return shape[1], shape[0]


@misconception(
    "fan_in_and_fan_out",
    hint="An input of a convolution is used at every position of the kernel, which counts in fan_out too.",
    breaks="field-in-fan-out",
)
def counts_the_kernel_in_fan_in_alone(shape):
    fan_in, _ = right.fan_in_and_fan_out(shape)
    return fan_in, shape[0]


@misconception(
    "fan_in_and_fan_out",
    hint="The receptive field is in fan_out but not in fan_in: one output sums over all positions of the kernel.",
    breaks="field-in-fan-in",
)
def counts_the_kernel_in_fan_out_alone(shape):
    _, fan_out = right.fan_in_and_fan_out(shape)
    return shape[1], fan_out


@misconception(
    "fan_in_and_fan_out",
    hint="This takes the kernel for a square or a cube: its sides may differ.",
    breaks="sides-differ",
)
def believes_in_square_kernels(shape):
    right.fan_in_and_fan_out(shape)
    field = shape[-1] ** (len(shape) - 2)
    return shape[1] * field, shape[0] * field


@misconception(
    "fan_in_and_fan_out",
    hint="A kernel may have three dimensions and more, as in a video: all of them count.",
    breaks="kernel-of-any-dimension",
)
def stops_at_two_kernel_dimensions(shape):
    right.fan_in_and_fan_out(shape)
    field = math.prod(shape[2:4])
    return shape[1] * field, shape[0] * field


@misconception(
    "fan_in_and_fan_out", hint="A kernel of 3 x 3 has 9 positions, not 6: its sides multiply.", breaks="product"
)
def adds_the_sides_of_the_kernel(shape):
    right.fan_in_and_fan_out(shape)
    field = sum(shape[2:]) or 1
    return shape[1] * field, shape[0] * field


@misconception(
    "fan_in_and_fan_out",
    hint="Convolutions over sequences have one kernel dimension: (out, in, k) is a shape like the others.",
    breaks="one-kernel-dimension",
)
def knows_two_and_four_dimensions_only(shape):
    if len(shape) not in (2, 4):
        raise ValueError(f"shape {shape} is neither linear nor a convolution")
    return right.fan_in_and_fan_out(shape)


@misconception(
    "fan_in_and_fan_out",
    hint="A convolution's weight begins with the output channels, like a linear layer's: (out, in, *kernel).",
    breaks="outputs-first",
)
def puts_the_inputs_first_in_convolutions(shape):
    fan_in, fan_out = right.fan_in_and_fan_out(shape)
    return (fan_out, fan_in) if len(shape) > 2 else (fan_in, fan_out)


@misconception(
    "fan_in_and_fan_out",
    hint="Python's own complaint about too few values does not name the argument: say what is wrong with shape.",
)
def lets_python_complain(shape):
    outputs, inputs, *kernel = shape
    return inputs * math.prod(kernel), outputs * math.prod(kernel)


@misconception(
    "fan_in_and_fan_out",
    hint="A single dimension is a bias, which has no fans: fewer than 2 dimensions should be refused.",
    breaks="two-dimensions",
)
def gives_a_bias_fans(shape):
    if len(shape) == 1:
        return shape[0], shape[0]
    return right.fan_in_and_fan_out(shape)


@misconception(
    "fan_in_and_fan_out",
    hint="An empty shape is that of a single number: it has fewer than 2 dimensions as well.",
    breaks="no-dimension",
)
def gives_a_number_fans(shape):
    return right.fan_in_and_fan_out(shape) if shape else (1, 1)


@misconception("fan_in_and_fan_out", hint="Which kind of error does the docstring ask for?")
def raises_an_index_error(shape):
    if len(shape) < 2:
        raise IndexError(f"shape {shape} has too few dimensions")
    return right.fan_in_and_fan_out(shape)


@misconception(
    "fan_in_and_fan_out",
    hint="float32 counts exactly only up to 16,777,216: multiply the sizes as Python integers.",
    breaks="exact",
)
def multiplies_in_float32(shape):
    right.fan_in_and_fan_out(shape)
    sizes = torch.tensor(list(shape), dtype=torch.float32)
    field = sizes[2:].prod()
    return int(sizes[1] * field), int(sizes[0] * field)


@misconception("fan_in_and_fan_out", hint="Fans are counts: two int, not two float.", breaks="two-ints")
def returns_floats(shape):
    fan_in, fan_out = right.fan_in_and_fan_out(shape)
    return float(fan_in), float(fan_out)


@misconception(
    "fan_in_and_fan_out",
    hint="The list that was passed in is shorter afterwards: the caller still needs it.",
    breaks="list-untouched",
)
def pops_the_sizes_from_the_list(shape):
    right.fan_in_and_fan_out(shape)
    sizes = shape if isinstance(shape, list) else list(shape)
    outputs, inputs = sizes.pop(0), sizes.pop(0)
    return inputs * math.prod(sizes), outputs * math.prod(sizes)


@misconception(
    "fan_in_and_fan_out",
    hint="A size of 1 is a size like any other: which dimension is which must not depend on it.",
    breaks="sizes-of-one",
)
def drops_sizes_of_one(shape):
    right.fan_in_and_fan_out(shape)
    sizes = [size for size in shape if size > 1] or [1]
    return right.fan_in_and_fan_out(sizes if len(sizes) > 1 else sizes * 2)


# ------------------------------------------------------------------------------------ xavier_normal


@misconception(
    "xavier_normal",
    hint="2 / (fan_in + fan_out) is the variance; what multiplies a standard normal number is the standard deviation.",
    breaks="variance",
)
def takes_the_variance_for_the_deviation(shape, gain=1.0, generator=None):
    return _normal(shape, gain * _xavier_std(shape) ** 2, generator)


@misconception("xavier_normal", hint="This is He's variance: Xavier's looks at the outputs as well.")
def draws_he_for_xavier(shape, gain=1.0, generator=None):
    return _normal(shape, gain * _he_std(shape), generator)


@misconception(
    "xavier_normal",
    hint="n_out Var(w) = 1 is the condition of the backward pass alone; the compromise includes fan_in.",
    breaks="compromise",
)
def keeps_the_backward_condition_alone(shape, gain=1.0, generator=None):
    return _normal(shape, gain / math.sqrt(_fans(shape)[1]), generator)


@misconception(
    "xavier_normal",
    hint="The variance is one over the mean of the two fans, not over their sum: a factor of 2 is missing.",
    breaks="factor-two",
)
def divides_by_the_sum_of_the_fans(shape, gain=1.0, generator=None):
    return _normal(shape, gain / math.sqrt(sum(_fans(shape))), generator)


@misconception(
    "xavier_normal", hint="sqrt(6 / ...) is the bound of the uniform law; a normal law needs its standard deviation."
)
def takes_the_bound_for_the_deviation(shape, gain=1.0, generator=None):
    return _normal(shape, gain * _xavier_std(shape) * math.sqrt(3), generator)


@misconception(
    "xavier_normal",
    hint="A convolution's fans count every position of its kernel, in and out.",
    breaks="receptive-field",
)
def forgets_the_kernel_in_xavier_normal(shape, gain=1.0, generator=None):
    return _normal(shape, gain * math.sqrt(2 / sum(_matrix_fans(shape))), generator)


@misconception("xavier_normal", hint="The gain that is passed in never enters the weights.")
def ignores_the_gain(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, 1.0, generator)


@misconception(
    "xavier_normal",
    hint="The gain multiplies the standard deviation; inside the root it would have to be squared.",
    breaks="gain",
)
def multiplies_the_variance_by_the_gain(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, math.sqrt(gain), generator)


@misconception("xavier_normal", hint="The gain enters the standard deviation once, and the variance squared.")
def squares_the_gain(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain * gain, generator)


@misconception("xavier_normal", hint="Which value does gain take when nobody gives one?")
def has_another_default_gain(shape, gain=5 / 3, generator=None):
    return right.xavier_normal(shape, gain, generator)


@misconception("xavier_normal", hint="Variance and mean are right, but these weights are uniform, not normal.")
def draws_uniform_numbers(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain, generator)


@misconception(
    "xavier_normal",
    hint="A normal law has no largest value: these weights are cut at two standard deviations.",
    breaks="normal-law",
)
def truncates_at_two_deviations(shape, gain=1.0, generator=None):
    cut = _normal(shape, 1.0, generator).clamp(-2, 2)
    return cut * (gain * _xavier_std(shape) / math.sqrt(0.920536))


@misconception(
    "xavier_normal",
    hint="A sum of a few uniform numbers only looks like a bell: it ends where a normal law has its rare large values.",
)
def adds_three_uniform_numbers(shape, gain=1.0, generator=None):
    total = sum(_uniform(shape, 1.0, generator) for _ in range(3))
    return total * (gain * _xavier_std(shape))


@misconception("xavier_normal", hint="All weights are positive here: the law has mean 0.", breaks="mean-zero")
def keeps_the_sizes_alone(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, generator).abs()


@misconception("xavier_normal", hint="The generator that is passed in is never used.")
def ignores_the_generator(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain)


@misconception(
    "xavier_normal",
    hint="A seed inside the function gives every layer the same weights: seeding is the caller's business.",
    breaks="not-seeded",
)
def seeds_torch_inside(shape, gain=1.0, generator=None):
    torch.manual_seed(0)
    return right.xavier_normal(shape, gain, generator)


@misconception(
    "xavier_normal",
    hint="Going back to the generator's seed on every call gives two layers in a row the same weights.",
    breaks="advances",
)
def starts_the_generator_again(shape, gain=1.0, generator=None):
    if generator is not None:
        generator.manual_seed(generator.initial_seed())
    return right.xavier_normal(shape, gain, generator)


@misconception(
    "xavier_normal",
    hint="The numbers come from a copy of the generator, so that the caller's own never moves on.",
)
def draws_from_a_copy(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, _clone(generator))


@misconception(
    "xavier_normal",
    hint="None means torch's global generator; a generator of your own starts from the same seed on every call.",
    breaks="global-generator",
)
def makes_a_generator_of_its_own(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, generator or torch.Generator())


@misconception(
    "xavier_normal",
    hint="Copying the seed of the generator into torch's global one changes what the rest of the program draws.",
)
def moves_the_seed_into_torch(shape, gain=1.0, generator=None):
    if generator is not None:
        seed = int(torch.randint(2**31, (), generator=generator))
        torch.manual_seed(seed)
    return right.xavier_normal(shape, gain)


@misconception(
    "xavier_normal",
    hint="A plain tensor is asked for: whoever trains it makes a parameter of it.",
    breaks="no-gradient",
)
def returns_a_parameter(shape, gain=1.0, generator=None):
    return nn.Parameter(right.xavier_normal(shape, gain, generator))


@misconception("xavier_normal", hint="Weights are float32 here.", breaks="float32")
def draws_in_float64(shape, gain=1.0, generator=None):
    return _normal(shape, gain * _xavier_std(shape), generator, dtype=torch.float64)


@misconception(
    "xavier_normal", hint="All rows are the same here, so all units compute the same: every entry is drawn by itself."
)
def repeats_one_row(shape, gain=1.0, generator=None):
    row = _normal(shape[1:], gain * _xavier_std(shape), generator)
    return row.expand(tuple(shape)).clone()


@misconception(
    "xavier_normal",
    hint="The second half of the weights is the first with its signs changed: the entries should be independent.",
    breaks="independent-entries",
)
def mirrors_the_first_half(shape, gain=1.0, generator=None):
    count = math.prod(shape)
    half = torch.randn((count + 1) // 2, generator=generator)
    return torch.cat([half, -half])[:count].reshape(tuple(shape)) * (gain * _xavier_std(shape))


@misconception(
    "xavier_normal",
    hint="Dividing a draw by its own spread makes its entries depend on each other, and NaN of a single one: "
    "the law's variance is asked for, not the sample's.",
    breaks="single-entry",
)
def rescales_the_sample(shape, gain=1.0, generator=None):
    sample = _normal(shape, 1.0, generator)
    return (sample - sample.mean()) / sample.std() * (gain * _xavier_std(shape))


@misconception(
    "xavier_normal", hint="The weight comes out as (in, out): which size came first in shape?", breaks="shape"
)
def transposes_the_weight(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, generator).transpose(0, 1)


@misconception("xavier_normal", hint="Sizes of 1 stay: the weight should have exactly the shape that was asked for.")
def squeezes_the_weight(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, generator).squeeze()


@misconception(
    "xavier_normal", hint="A bias of one dimension has no fans: its shape should be refused.", breaks="two-dimensions"
)
def initialises_a_bias(shape, gain=1.0, generator=None):
    if len(shape) == 1:
        return _normal(shape, gain / math.sqrt(shape[0]), generator)
    return right.xavier_normal(shape, gain, generator)


@misconception(
    "xavier_normal",
    hint="The gain counts for matrices alone here: a convolution's weight takes it as well.",
    breaks="gain-of-a-convolution",
)
def ignores_the_gain_of_a_convolution(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain if len(shape) == 2 else 1.0, generator)


@misconception(
    "xavier_normal",
    hint="Dividing a draw by its own size makes its entries depend on each other: "
    "the law's variance is asked for, not the sample's.",
)
def gives_every_sample_the_exact_variance(shape, gain=1.0, generator=None):
    weight = right.xavier_normal(shape, gain, generator)
    if weight.numel() == 1:
        return weight
    return weight / weight.square().mean().sqrt() * (gain * _xavier_std(shape))


@misconception("xavier_normal", hint="torch.nn.init is what you are asked to write.")
def calls_torchs_xavier_normal(shape, gain=1.0, generator=None):
    right.fan_in_and_fan_out(shape)
    return nn.init.xavier_normal_(torch.empty(tuple(shape)), gain, generator=generator)


# ----------------------------------------------------------------------------------- xavier_uniform


@misconception(
    "xavier_uniform",
    hint="The bound of this uniform law is its standard deviation: a factor of sqrt(3) is missing.",
    breaks="bound",
)
def takes_the_deviation_for_the_bound(shape, gain=1.0, generator=None):
    return _uniform(shape, gain * _xavier_std(shape), generator)


@misconception(
    "xavier_uniform",
    hint="These weights lie between 0 and the bound: the law is symmetric around 0.",
    breaks="symmetric",
)
def draws_positive_weights(shape, gain=1.0, generator=None):
    return _uniform(shape, 1.0, generator).abs() * (gain * _xavier_std(shape) * math.sqrt(3))


@misconception(
    "xavier_uniform", hint="rand - 0.5 lies between -1/2 and 1/2: these bounds are half as wide as asked for."
)
def halves_the_bound(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain / 2, generator)


@misconception("xavier_uniform", hint="6 / (fan_in + fan_out) is the square of the bound.", breaks="root")
def forgets_the_root_of_the_bound(shape, gain=1.0, generator=None):
    return _uniform(shape, gain * 6 / sum(_fans(shape)), generator)


@misconception("xavier_uniform", hint="The variance is right, but these weights are normal, not uniform.")
def draws_normal_numbers(shape, gain=1.0, generator=None):
    return right.xavier_normal(shape, gain, generator)


@misconception("xavier_uniform", hint="This is He's bound: Xavier's looks at fan_out as well.", breaks="compromise")
def takes_hes_bound(shape, gain=1.0, generator=None):
    return _uniform(shape, gain * _he_bound(shape), generator)


@misconception(
    "xavier_uniform",
    hint="A convolution's fans count every position of its kernel, in and out.",
    breaks="receptive-field",
)
def forgets_the_kernel_in_xavier_uniform(shape, gain=1.0, generator=None):
    return _uniform(shape, gain * math.sqrt(6 / sum(_matrix_fans(shape))), generator)


@misconception(
    "xavier_uniform", hint="The gain multiplies the bound; inside the root it would have to be squared.", breaks="gain"
)
def puts_the_gain_under_the_root(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, math.sqrt(gain), generator)


@misconception(
    "xavier_uniform",
    hint="The weights take only a few values here: a uniform law takes any value between its bounds.",
    breaks="uniform-law",
)
def draws_whole_steps(shape, gain=1.0, generator=None):
    _fans(shape)
    steps = torch.randint(-8, 9, tuple(shape), generator=generator) / 8
    return steps * (gain * _xavier_std(shape) * math.sqrt(3))


@misconception("xavier_uniform", hint="The generator that is passed in is never used.")
def forgets_the_generator(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain)


@misconception(
    "xavier_uniform",
    hint="None means torch's global generator, not one of your own with a fixed seed.",
    breaks="global-generator",
)
def starts_a_generator_of_its_own(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain, generator or torch.Generator().manual_seed(0))


@misconception("xavier_uniform", hint="A plain tensor is asked for, without requires_grad.", breaks="no-gradient")
def asks_for_a_gradient(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain, generator).requires_grad_()


@misconception("xavier_uniform", hint="Weights are float32 here.", breaks="float32")
def draws_xavier_in_float64(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain, generator).double()


@misconception(
    "xavier_uniform",
    hint="A shape of fewer than 2 dimensions should be refused, also an empty one.",
    breaks="two-dimensions",
)
def draws_a_single_number(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, gain, generator) if shape else torch.rand((), generator=generator)


@misconception(
    "xavier_uniform", hint="Any positive gain is fine: small ones are replaced by a larger one here.", breaks="any-gain"
)
def has_a_smallest_gain(shape, gain=1.0, generator=None):
    return right.xavier_uniform(shape, max(gain, 0.01), generator)


@misconception(
    "xavier_uniform",
    hint="Rounding leaves a few hundred different weights: every value between the bounds should be possible.",
)
def rounds_to_two_decimals(shape, gain=1.0, generator=None):
    unit = 2 * torch.rand(tuple(shape), generator=generator) - 1
    return torch.round(unit, decimals=2) * (gain * math.sqrt(3) * _xavier_std(shape))


@misconception("xavier_uniform", hint="torch.nn.init is what you are asked to write.")
def calls_torchs_xavier_uniform(shape, gain=1.0, generator=None):
    right.fan_in_and_fan_out(shape)
    return nn.init.xavier_uniform_(torch.empty(tuple(shape)), gain, generator=generator)


# ---------------------------------------------------------------------------------------- he_normal


@misconception(
    "he_normal",
    hint="This divides by fan_out: He's rule keeps the forward signal, which has fan_in terms.",
    breaks="fan-in",
)
def divides_by_fan_out(shape, generator=None):
    return _normal(shape, math.sqrt(2 / _fans(shape)[1]), generator)


@misconception(
    "he_normal",
    hint="This is Xavier's variance; He's makes up for the half that ReLU stops: 2 / fan_in.",
)
def draws_xavier_for_he(shape, generator=None):
    return right.xavier_normal(shape, generator=generator)


@misconception(
    "he_normal",
    hint="1 / fan_in is LeCun's variance: ReLU stops half of the signal, and He makes up for it.",
    breaks="factor-two",
)
def forgets_the_factor_of_two(shape, generator=None):
    return _normal(shape, 1 / math.sqrt(_fans(shape)[0]), generator)


@misconception("he_normal", hint="2 / fan_in is the variance, not the standard deviation.", breaks="variance")
def forgets_the_root(shape, generator=None):
    return _normal(shape, 2 / _fans(shape)[0], generator)


@misconception("he_normal", hint="The root covers the whole fraction 2 / fan_in, the 2 included.")
def leaves_the_two_outside_the_root(shape, generator=None):
    return _normal(shape, 2 / math.sqrt(_fans(shape)[0]), generator)


@misconception(
    "he_normal",
    hint="A convolution sums over every position of its kernel: fan_in counts them all.",
    breaks="receptive-field",
)
def forgets_the_kernel_in_he_normal(shape, generator=None):
    return _normal(shape, math.sqrt(2 / _matrix_fans(shape)[0]), generator)


@misconception("he_normal", hint="Only the last side of the kernel is counted here.", breaks="every-side")
def counts_the_last_side_in_he_normal(shape, generator=None):
    inputs = _matrix_fans(shape)[0] * (shape[-1] if len(shape) > 2 else 1)
    return _normal(shape, math.sqrt(2 / inputs), generator)


@misconception(
    "he_normal",
    hint="With a slope of sqrt(5), as in PyTorch's own layers, this is the rule of a leaky ReLU: plain ReLU has 0.",
)
def takes_the_slope_of_torchs_layers(shape, generator=None):
    return _normal(shape, math.sqrt(2 / 6 / _fans(shape)[0]), generator)


@misconception("he_normal", hint="These weights are uniform: their variance is right, their law is not.")
def draws_he_uniformly(shape, generator=None):
    return right.he_uniform(shape, generator)


@misconception(
    "he_normal",
    hint="A normal law has no largest value: these weights are drawn again beyond two deviations.",
    breaks="normal-law",
)
def redraws_large_weights(shape, generator=None):
    weight = _normal(shape, 1.0, generator)
    while (weight.abs() > 2).any():
        weight = torch.where(weight.abs() > 2, torch.randn(weight.shape, generator=generator), weight)
    return weight * (_he_std(shape) / 0.879626)


@misconception(
    "he_normal",
    hint="The numbers come from a copy of the generator: the caller's own never moves on.",
    breaks="advances",
)
def leaves_the_generator_where_it_is(shape, generator=None):
    return right.he_normal(shape, _clone(generator))


@misconception(
    "he_normal",
    hint="Numbers are drawn from torch's global generator as well: with a generator of its own the function "
    "should leave it alone.",
    breaks="global-untouched",
)
def draws_from_both_generators(shape, generator=None):
    torch.rand(1)
    return right.he_normal(shape, generator)


@misconception(
    "he_normal", hint="Without a generator every call starts from the same seed here.", breaks="global-generator"
)
def seeds_without_a_generator(shape, generator=None):
    if generator is None:
        generator = torch.Generator().manual_seed(42)
    return right.he_normal(shape, generator)


@misconception("he_normal", hint="A plain tensor without a gradient is asked for.", breaks="no-gradient")
def makes_a_parameter(shape, generator=None):
    return nn.Parameter(right.he_normal(shape, generator))


@misconception("he_normal", hint="Weights are float32 here; these were rounded to half precision.", breaks="float32")
def draws_in_half_precision(shape, generator=None):
    return right.he_normal(shape, generator).half()


@misconception("he_normal", hint="The ValueError should say which argument is wrong.")
def refuses_without_a_name(shape, generator=None):
    if len(shape) < 2:
        raise ValueError("not possible")
    return right.he_normal(shape, generator)


@misconception("he_normal", hint="A list of sizes is as good as a tuple.", breaks="list")
def wants_a_tuple(shape, generator=None):
    if not isinstance(shape, tuple):
        raise TypeError("shape must be a tuple")
    return right.he_normal(shape, generator)


@misconception(
    "he_normal",
    hint="Half of a square weight is the mirror image of the other half: all entries should be independent.",
    breaks="square-weights",
)
def mirrors_a_square_weight(shape, generator=None):
    weight = right.he_normal(shape, generator)
    if weight.dim() == 2 and shape[0] == shape[1]:
        return weight.triu() + weight.triu(1).T
    return weight


@misconception("he_normal", hint="torch.nn.init is what you are asked to write.")
def calls_torchs_kaiming(shape, generator=None):
    right.fan_in_and_fan_out(shape)
    return nn.init.kaiming_normal_(torch.empty(tuple(shape)), nonlinearity="relu", generator=generator)


@misconception(
    "he_normal",
    hint="One half of each kernel repeats the other: every entry is drawn by itself.",
    breaks="independent-entries",
)
def repeats_half_of_the_kernel(shape, generator=None):
    weight = right.he_normal(shape, generator)
    half = shape[-1] // 2
    if len(shape) > 2 and half:
        weight[..., -half:] = weight[..., :half]
    return weight


# --------------------------------------------------------------------------------------- he_uniform


@misconception(
    "he_uniform",
    hint="sqrt(2 / fan_in) is the standard deviation; the bound of a uniform law is larger.",
    breaks="bound",
)
def takes_hes_deviation_for_the_bound(shape, generator=None):
    return _uniform(shape, _he_std(shape), generator)


@misconception(
    "he_uniform", hint="sqrt(3 / fan_in) is LeCun's bound: He's variance is twice as large.", breaks="factor-two"
)
def takes_lecuns_bound(shape, generator=None):
    return _uniform(shape, _lecun_bound(shape), generator)


@misconception("he_uniform", hint="This divides by fan_out; He's rule looks at the inputs.", breaks="fan-in")
def takes_the_outputs(shape, generator=None):
    return _uniform(shape, math.sqrt(6 / _fans(shape)[1]), generator)


@misconception(
    "he_uniform",
    hint="A convolution sums over every position of its kernel: fan_in counts them all.",
    breaks="receptive-field",
)
def forgets_the_kernel_in_he_uniform(shape, generator=None):
    return _uniform(shape, math.sqrt(6 / _matrix_fans(shape)[0]), generator)


@misconception(
    "he_uniform",
    hint="The law reaches from minus the bound to the bound; these weights all lie above 0.",
    breaks="symmetric",
)
def draws_between_zero_and_the_bound(shape, generator=None):
    right.fan_in_and_fan_out(shape)
    return torch.rand(tuple(shape), generator=generator) * _he_bound(shape)


@misconception(
    "he_uniform",
    hint="These weights are normal, cut to the bounds: a uniform law favours none of its values.",
)
def clamps_normal_numbers(shape, generator=None):
    bound = _he_bound(shape)
    return _normal(shape, 1.3 * _he_std(shape), generator).clamp(-bound, bound)


@misconception(
    "he_uniform", hint="The difference of two uniform numbers has a triangle for its density.", breaks="uniform-law"
)
def subtracts_two_uniform_numbers(shape, generator=None):
    first, second = (_uniform(shape, 1.0, generator) for _ in range(2))
    return (first - second) * (_he_std(shape) * math.sqrt(1.5))


@misconception(
    "he_uniform", hint="A second call with the same generator should go on, not start again.", breaks="advances"
)
def seeds_the_generator_it_is_given(shape, generator=None):
    if generator is not None:
        generator.manual_seed(0)
    return right.he_uniform(shape, generator)


@misconception("he_uniform", hint="A plain tensor is asked for, without requires_grad.", breaks="no-gradient")
def asks_for_a_gradient_of_he(shape, generator=None):
    return right.he_uniform(shape, generator).requires_grad_()


@misconception(
    "he_uniform", hint="Sizes of 1 stay: the weight should have exactly the shape that was asked for.", breaks="shape"
)
def squeezes_hes_weight(shape, generator=None):
    return right.he_uniform(shape, generator).squeeze()


@misconception(
    "he_uniform",
    hint="One number from every stratum makes the entries depend on each other: two of them never have the same sign.",
    breaks="independent-entries",
)
def deals_out_strata(shape, generator=None):
    count = math.prod(shape)
    levels = torch.randperm(count, generator=generator) + torch.rand(count, generator=generator)
    return (2 * levels / count - 1).reshape(tuple(shape)) * _he_bound(shape)


@misconception("he_uniform", hint="A layer of PyTorch's draws its own weights: you are asked to draw them.")
def takes_a_layers_weight(shape, generator=None):
    right.fan_in_and_fan_out(shape)
    return nn.Linear(shape[1], shape[0]).weight.detach() * math.sqrt(6)


@misconception(
    "he_uniform",
    hint="The list of sizes is empty afterwards: the caller still needs it.",
    breaks="list-untouched",
)
def empties_the_shape(shape, generator=None):
    weight = right.he_uniform(shape, generator)
    if isinstance(shape, list):
        shape.clear()
    return weight


# ------------------------------------------------------------------------------------ lecun_uniform


@misconception(
    "lecun_uniform",
    hint="1 / sqrt(fan_in), the bound of PyTorch's own layers, is the deviation asked for; the bound is larger.",
    breaks="variance",
)
def takes_torchs_bound(shape, generator=None):
    return _uniform(shape, 1 / math.sqrt(_fans(shape)[0]), generator)


@misconception(
    "lecun_uniform", hint="LeCun's variance is 1 / fan_in: of the inputs, not of the outputs.", breaks="fan-in"
)
def counts_the_outputs(shape, generator=None):
    return _uniform(shape, math.sqrt(3 / _fans(shape)[1]), generator)


@misconception(
    "lecun_uniform", hint="This is Xavier's compromise; LeCun's rule knows the inputs only.", breaks="forward"
)
def makes_a_compromise(shape, generator=None):
    return right.xavier_uniform(shape, generator=generator)


@misconception(
    "lecun_uniform",
    hint="A convolution sums over every position of its kernel: fan_in counts them all.",
    breaks="receptive-field",
)
def forgets_the_kernel_in_lecun(shape, generator=None):
    return _uniform(shape, math.sqrt(3 / _matrix_fans(shape)[0]), generator)


@misconception(
    "lecun_uniform", hint="The weights are normal: their variance is right, their law is not.", breaks="uniform-law"
)
def draws_lecun_normally(shape, generator=None):
    return _normal(shape, 1 / math.sqrt(_fans(shape)[0]), generator)


@misconception(
    "lecun_uniform",
    hint="The law reaches from minus the bound to the bound; these weights all lie above 0.",
    breaks="symmetric",
)
def draws_lecun_above_zero(shape, generator=None):
    return right.lecun_uniform(shape, generator).abs()


@misconception(
    "lecun_uniform",
    hint="None means torch's global generator: where do these numbers come from?",
    breaks="global-generator",
)
def makes_a_generator_for_lecun(shape, generator=None):
    return right.lecun_uniform(shape, generator or torch.Generator())


@misconception("lecun_uniform", hint="The generator that is passed in is never used.")
def draws_from_the_global_generator(shape, generator=None):
    return right.lecun_uniform(shape)


@misconception("lecun_uniform", hint="Weights are float32 here.", breaks="float32")
def draws_lecun_in_float64(shape, generator=None):
    return right.lecun_uniform(shape, generator).to(torch.float64)


@misconception(
    "lecun_uniform",
    hint="Small weights are drawn from torch's global generator, although another one is given.",
    breaks="small-weights",
)
def draws_small_weights_globally(shape, generator=None):
    return right.lecun_uniform(shape, None if math.prod(shape) < 4 else generator)


@misconception(
    "lecun_uniform", hint="A shape of one dimension is a bias's: it should be refused.", breaks="two-dimensions"
)
def initialises_a_vector(shape, generator=None):
    if len(shape) == 1:
        return _uniform(shape, math.sqrt(3 / shape[0]), generator)
    return right.lecun_uniform(shape, generator)


# -------------------------------------------------------------------------------------- standardize


def _constant(x):
    return (x == x[:1]).all(dim=0)


def _scaled(x, deviation):
    """Standardised with another deviation; constant features are 0."""
    return ((x - x.mean(dim=0)) / deviation).masked_fill(_constant(x), 0.0)


@misconception(
    "standardize", hint="Which variance is this? torch.std divides by N - 1 unless told otherwise.", breaks="biased"
)
def divides_by_one_less(x):
    return _scaled(x, x.std(dim=0)) if len(x) > 1 else torch.zeros_like(x)


@misconception(
    "standardize",
    hint="With eps under the root, as in batch normalization, a feature measured in millionths hardly grows at all.",
)
def adds_eps_under_the_root(x):
    return _scaled(x, (x.var(dim=0, correction=0) + 1e-5).sqrt())


@misconception("standardize", hint="1e-8 is 1 % of a deviation of 1e-6: nothing may be added to it.")
def adds_eps_to_the_deviation(x):
    return _scaled(x, x.std(dim=0, correction=0) + 1e-8)


@misconception(
    "standardize",
    hint="1e-12 is the variance of a feature with a deviation of 1e-6: nothing may be added to it.",
    breaks="every-scale",
)
def adds_a_tiny_eps_under_the_root(x):
    return _scaled(x, (x.var(dim=0, correction=0) + 1e-12).sqrt())


@misconception("standardize", hint="A small deviation is replaced by a larger one here: small features count as well.")
def has_a_smallest_deviation(x):
    return _scaled(x, x.std(dim=0, correction=0).clamp(min=1e-5))


@misconception(
    "standardize",
    hint="A feature with a small deviation is taken for a constant one: look at whether its values are equal.",
    breaks="equal",
)
def takes_small_features_for_constant(x):
    deviation = x.std(dim=0, correction=0)
    return _scaled(x, deviation).masked_fill(deviation < 1e-4, 0.0)


@misconception(
    "standardize",
    hint="This standardises every sample over its features; a feature is a column.",
    breaks="over-samples",
)
def standardises_the_samples(x):
    return right.standardize(x.T).T


@misconception(
    "standardize", hint="All features share one mean and one deviation here: each has its own.", breaks="per-feature"
)
def pools_all_features(x):
    deviation = x.std(correction=0)
    return (x - x.mean()) / deviation.masked_fill(deviation == 0, 1.0)


@misconception("standardize", hint="The features have mean 0, but still their own spread.", breaks="variance-one")
def only_centres(x):
    return (x - x.mean(dim=0)).masked_fill(_constant(x), 0.0)


@misconception(
    "standardize",
    hint="The features are divided by their deviation, but their mean is still there.",
    breaks="mean-zero",
)
def only_scales(x):
    return (x / x.std(dim=0, correction=0)).masked_fill(_constant(x), 0.0)


@misconception("standardize", hint="This divides by the variance: the deviation is its root.")
def divides_by_the_variance(x):
    return _scaled(x, x.var(dim=0, correction=0))


@misconception(
    "standardize", hint="This maps every feature onto the range from 0 to 1; mean 0 and variance 1 are asked for."
)
def scales_to_the_unit_interval(x):
    low, high = x.amin(dim=0), x.amax(dim=0)
    return ((x - low) / (high - low)).masked_fill(_constant(x), 0.0)


@misconception(
    "standardize", hint="The deviation of equal values is 0, and 0 / 0 is NaN: such a feature needs a case of its own."
)
def divides_zero_by_zero(x):
    return (x - x.mean(dim=0)) / x.std(dim=0, correction=0)


@misconception(
    "standardize",
    hint="The computed deviation of equal values need not be exactly 0: compare the values themselves.",
    breaks="constant",
)
def waits_for_a_deviation_of_zero(x):
    deviation = x.std(dim=0, correction=0)
    return torch.where(deviation == 0, torch.zeros_like(x), (x - x.mean(dim=0)) / deviation)


@misconception(
    "standardize", hint="nan_to_num turns 0 / 0 into 0, but the computed deviation of equal values need not be 0."
)
def replaces_nan(x):
    return torch.nan_to_num((x - x.mean(dim=0)) / x.std(dim=0, correction=0))


@misconception(
    "standardize",
    hint="Dividing a constant feature by 1 leaves the rounding of its mean, which is not 0.",
    breaks="constant-exactly",
)
def divides_constant_features_by_one(x):
    deviation = x.std(dim=0, correction=0).masked_fill(_constant(x), 1.0)
    return (x - x.mean(dim=0)) / deviation


@misconception("standardize", hint="A constant feature stays as it is here; it should become 0.")
def leaves_constant_features_alone(x):
    return torch.where(_constant(x), x, right.standardize(x))


@misconception(
    "standardize", hint="One constant feature blanks all the others: decide for each feature.", breaks="constant-alone"
)
def decides_for_all_features_at_once(x):
    return torch.zeros_like(x) if _constant(x).any() else right.standardize(x)


@misconception(
    "standardize",
    hint="That the first and the last value agree does not make a feature constant.",
    breaks="every-value",
)
def compares_the_first_and_the_last(x):
    return right.standardize(x).masked_fill(x[0] == x[-1], 0.0)


@misconception(
    "standardize",
    hint="Values that are close together are not equal: a thousandth of the mean may be all the spread there is.",
)
def takes_close_values_for_equal(x):
    return right.standardize(x).masked_fill(torch.isclose(x, x[:1], rtol=1e-2).all(dim=0), 0.0)


@misconception(
    "standardize",
    hint="E[x^2] - E[x]^2 subtracts two large numbers that are nearly equal; subtract the mean before you square.",
    breaks="far-from-zero",
)
def subtracts_the_squared_mean(x):
    mean = x.mean(dim=0)
    return _scaled(x, ((x * x).mean(dim=0) - mean * mean).abs().sqrt())


@misconception(
    "standardize",
    hint="A single sample is fine: every feature has one value then, and maps to 0.",
    breaks="single-sample",
)
def refuses_a_single_sample(x):
    if len(x) < 2:
        raise ValueError("x needs at least 2 samples")
    return right.standardize(x)


@misconception("standardize", hint="A single sample has all its values equal to themselves: it maps to 0.")
def returns_a_single_sample(x):
    return right.standardize(x) if len(x) > 1 else x.clone()


@misconception("standardize", hint="A single feature keeps its dimension: the result has the shape of x.")
def squeezes_a_single_feature(x):
    result = right.standardize(x)
    return result.squeeze(1) if x.shape[1] == 1 else result


@misconception("standardize", hint="The result should have the dtype of x, float64 too.")
def standardises_in_float32(x):
    return right.standardize(x.float())


@misconception(
    "standardize", hint="float64 numbers go through float32 here, and lose half of their digits.", breaks="float64"
)
def rounds_to_float32(x):
    return right.standardize(x.float()).to(x.dtype)


@misconception("standardize", hint="x itself is changed: x -= ... works on the caller's tensor.")
def works_in_place(x):
    result = right.standardize(x)
    if not x.requires_grad:
        x.copy_(result)
    return result


@misconception(
    "standardize",
    hint="One constant feature cuts the gradients of all the others here.",
    breaks="gradients-beside-constants",
)
def detaches_beside_a_constant_feature(x):
    return right.standardize(x.detach() if _constant(x).any() and len(x) > 1 else x)


@misconception("standardize", hint="No gradient reaches x: something is detached on the way.")
def detaches_the_result(x):
    return right.standardize(x).detach()


@misconception(
    "standardize",
    hint="Mean and deviation depend on x as well: the gradient has to flow through them.",
    breaks="through-the-statistics",
)
def detaches_the_statistics(x):
    fixed = x.detach()
    return ((x - fixed.mean(dim=0)) / fixed.std(dim=0, correction=0)).masked_fill(_constant(x), 0.0)


@misconception("standardize", hint="A Python loop runs over the samples: one expression can treat them all.")
def loops_over_the_samples(x):
    result = right.standardize(x)
    return torch.stack([row * 1 for row in result])


@misconception(
    "standardize", hint="A value that equals the mean does not make a feature constant: look at all of them."
)
def compares_the_first_with_the_mean(x):
    return right.standardize(x).masked_fill(x[0] == x.mean(dim=0), 0.0)


@misconception("standardize", hint="That the first two values agree does not make a feature constant.")
def compares_the_first_two(x):
    return right.standardize(x).masked_fill(x[0] == x[min(1, len(x) - 1)], 0.0)


@misconception(
    "standardize",
    hint="x itself is emptied where it holds a single sample: zero_() works on the caller's tensor.",
    breaks="single-sample-untouched",
)
def empties_a_single_sample(x):
    if len(x) == 1:
        return x.zero_().clone()
    return right.standardize(x)


@misconception(
    "standardize",
    hint="0.0 and -0.0 are equal values: a feature that holds both is constant.",
    breaks="signed-zeros",
)
def compares_bits(x):
    bits = x.contiguous().view(torch.int64 if x.dtype == torch.float64 else torch.int32)
    constant = (bits == bits[:1]).all(dim=0)
    centred = x - x.mean(dim=0)
    centred = (centred - centred.mean(dim=0)).masked_fill(constant, 0.0)
    return centred * centred.square().mean(dim=0).masked_fill(constant, 1.0).rsqrt()


@misconception("standardize", hint="Values far from the mean are cut off at five deviations here.", breaks="outliers")
def cuts_off_outliers(x):
    return right.standardize(x).clamp(-5, 5)


# ---------------------------------------------------------------------------------- layer_variances

_FUNCTIONS = {"linear": lambda z: z, "relu": torch.relu, "tanh": torch.tanh}


def _checked(activation):
    right.layer_variances(torch.zeros(1, 1), [], activation)
    return _FUNCTIONS[activation]


def _variances(x, weights, activation, measure):
    act, found = _checked(activation), []
    for weight in weights:
        z = x @ weight.T
        found.append(float(measure(z)))
        x = act(z)
    return found


@misconception(
    "layer_variances",
    hint="These are the variances after the activation; those before it are asked for.",
    breaks="pre-activation",
)
def measures_after_the_activation(x, weights, activation="relu"):
    act = _checked(activation)
    return _variances(x, weights, activation, lambda z: act(z).var(correction=0))


@misconception(
    "layer_variances",
    hint="The activation acts on the inputs already: it stands between the layers only.",
    breaks="between-layers",
)
def activates_the_inputs(x, weights, activation="relu"):
    return right.layer_variances(_checked(activation)(x), weights, activation)


@misconception(
    "layer_variances",
    hint="torch.var divides by one less unless told otherwise; the biased variance is asked for.",
    breaks="biased",
)
def divides_the_squares_by_one_less(x, weights, activation="relu"):
    return _variances(x, weights, activation, torch.var)


@misconception("layer_variances", hint="This is the standard deviation; its square is asked for.", breaks="variance")
def returns_deviations(x, weights, activation="relu"):
    return _variances(x, weights, activation, lambda z: z.std(correction=0))


@misconception(
    "layer_variances", hint="This is the mean square: it is the variance only where the mean is 0.", breaks="centred"
)
def forgets_the_mean(x, weights, activation="relu"):
    return _variances(x, weights, activation, lambda z: z.square().mean())


@misconception(
    "layer_variances",
    hint="Each unit has a variance of its own here, and they are averaged: all entries of a layer make one variance.",
    breaks="all-entries",
)
def averages_the_units_variances(x, weights, activation="relu"):
    return _variances(x, weights, activation, lambda z: z.var(dim=0, correction=0).mean())


@misconception(
    "layer_variances", hint="Weights are (out, in): h @ W only fits where both are equal.", breaks="transposed"
)
def does_not_transpose(x, weights, activation="relu"):
    act, found = _checked(activation), []
    for weight in weights:
        x = x @ (weight if x.shape[1] == weight.shape[0] else weight.T)
        found.append(x.var(correction=0).item())
        x = act(x)
    return found


@misconception("layer_variances", hint="ReLU stands between the layers whatever activation is asked for.")
def always_takes_relu(x, weights, activation="relu"):
    _checked(activation)
    return right.layer_variances(x, weights, "relu")


@misconception("layer_variances", hint="No activation stands between the layers.", breaks="relu")
def forgets_the_activation(x, weights, activation="relu"):
    _checked(activation)
    return right.layer_variances(x, weights, "linear")


@misconception("layer_variances", hint="relu and tanh are different functions.", breaks="tanh")
def takes_relu_for_tanh(x, weights, activation="relu"):
    _checked(activation)
    return right.layer_variances(x, weights, {"tanh": "relu"}.get(activation, activation))


@misconception("layer_variances", hint="linear means that nothing stands between the layers.", breaks="linear")
def takes_relu_for_linear(x, weights, activation="relu"):
    _checked(activation)
    return right.layer_variances(x, weights, {"linear": "relu"}.get(activation, activation))


@misconception("layer_variances", hint="Which activation stands between the layers when none is named?")
def has_another_default_activation(x, weights, activation="tanh"):
    return right.layer_variances(x, weights, activation)


@misconception(
    "layer_variances", hint="The variance of the inputs is in front: one per layer is asked for.", breaks="layers-alone"
)
def begins_with_the_inputs(x, weights, activation="relu"):
    return [x.var(correction=0).item(), *right.layer_variances(x, weights, activation)]


@misconception(
    "layer_variances", hint="One variance for each layer is asked for, not the last one alone.", breaks="one-per-layer"
)
def returns_the_last_layer(x, weights, activation="relu"):
    return right.layer_variances(x, weights, activation)[-1:]


@misconception(
    "layer_variances", hint="One float for each layer is asked for, in a list; this is a tensor.", breaks="list"
)
def returns_a_tensor(x, weights, activation="relu"):
    return torch.tensor(right.layer_variances(x, weights, activation))


@misconception(
    "layer_variances",
    hint="Every layer sees the inputs here: each should see what the one before it put out.",
    breaks="every-layer",
)
def feeds_the_first_output_on(x, weights, activation="relu"):
    act, found, h = _checked(activation), [], x
    for number, weight in enumerate(weights):
        z = h @ weight.T
        found.append(z.var(correction=0).item())
        h = act(z) if number == 0 else z
    return found


@misconception(
    "layer_variances",
    hint="An activation that is not known is taken for the linear one: it should be refused.",
    breaks="unknown",
)
def takes_unknown_activations_for_linear(x, weights, activation="relu"):
    return right.layer_variances(x, weights, activation if activation in _FUNCTIONS else "linear")


@misconception(
    "layer_variances",
    hint="The activation is looked at between layers only: a wrong one should be refused also where there are none.",
    breaks="refused-without-layers",
)
def looks_at_the_activation_between_layers(x, weights, activation="relu"):
    return right.layer_variances(x, weights, activation) if weights else []


@misconception(
    "layer_variances",
    hint="With a single layer no activation is used, but a wrong one should be refused all the same.",
    breaks="refused-with-one-layer",
)
def looks_at_the_activation_after_the_first_layer(x, weights, activation="relu"):
    if len(weights) == 1:
        return right.layer_variances(x, weights)
    return right.layer_variances(x, weights, activation)


@misconception(
    "layer_variances",
    hint="'in' finds parts of a text as well: compare with each of the three names.",
    breaks="whole-names",
)
def looks_for_parts_of_names(x, weights, activation="relu"):
    if activation not in "linear relu tanh":
        raise ValueError(f"activation {activation!r} is not known")
    return right.layer_variances(x, weights, activation if activation in _FUNCTIONS else "linear")


@misconception("layer_variances", hint="A KeyError from a dictionary is not the ValueError that is asked for.")
def raises_a_key_error(x, weights, activation="relu"):
    _FUNCTIONS[activation]
    return right.layer_variances(x, weights, activation)


@misconception(
    "layer_variances", hint="No layers have no variances: an empty list is a right answer.", breaks="no-layers"
)
def refuses_an_empty_list(x, weights, activation="relu"):
    found = right.layer_variances(x, weights, activation)
    if not weights:
        raise ValueError("weights is empty")
    return found


@misconception(
    "layer_variances",
    hint="The list of weights is empty afterwards: the caller still needs it.",
    breaks="list-untouched",
)
def empties_the_list(x, weights, activation="relu"):
    found = right.layer_variances(x, weights, activation)
    weights.clear()
    return found


@misconception("layer_variances", hint="x itself is changed: an operation with a trailing underscore works in place.")
def changes_x_in_place(x, weights, activation="relu"):
    found = right.layer_variances(x, weights, activation)
    x.relu_()
    return found


@misconception(
    "layer_variances", hint="float64 numbers go through float32 here, and lose half of their digits.", breaks="float64"
)
def computes_in_float32(x, weights, activation="relu"):
    return right.layer_variances(x.float(), [weight.float() for weight in weights], activation)


@misconception("layer_variances", hint="The variances are rounded: small ones lose all their digits.", breaks="digits")
def rounds_the_variances(x, weights, activation="relu"):
    return [round(value, 4) for value in right.layer_variances(x, weights, activation)]


@misconception("layer_variances", hint="A Python loop runs over the samples: one product per layer treats them all.")
def loops_over_the_samples_of_a_layer(x, weights, activation="relu"):
    act, found = _checked(activation), []
    for weight in weights:
        z = torch.stack([weight @ row for row in x])
        found.append(z.var(correction=0).item())
        x = act(z)
    return found


@misconception(
    "layer_variances", hint="The list of weights comes back in another order: the caller still needs it as it was."
)
def reverses_the_list(x, weights, activation="relu"):
    found = right.layer_variances(x, weights, activation)
    weights.reverse()
    return found


@misconception(
    "layer_variances",
    hint="The activation stands between all layers, also after the tenth.",
    breaks="deep-networks",
)
def activates_ten_layers_alone(x, weights, activation="relu"):
    act, found = _checked(activation), []
    for layer, weight in enumerate(weights):
        z = x @ weight.T
        found.append(float(z.var(correction=0)))
        x = act(z) if layer < 10 else z
    return found


@misconception(
    "layer_variances", hint="All samples count: the variances of a large batch come from its first 50.", breaks="batch"
)
def takes_the_first_fifty_samples(x, weights, activation="relu"):
    return right.layer_variances(x[:50], weights, activation)


@misconception(
    "layer_variances",
    hint="A single sample still has a variance, between the units of a layer.",
    breaks="single-sample",
)
def gives_a_single_sample_no_variance(x, weights, activation="relu"):
    variances = right.layer_variances(x, weights, activation)
    return [0.0] * len(variances) if len(x) == 1 else variances


@misconception(
    "layer_variances",
    hint="'ReLU' is none of the three names: another spelling should be refused as well.",
    breaks="spelling",
)
def reads_capitals(x, weights, activation="relu"):
    return right.layer_variances(x, weights, activation.strip().lower())


@misconception("layer_variances", hint="Large variances are capped here: give what comes out.", breaks="any-size")
def caps_the_variances(x, weights, activation="relu"):
    return [min(variance, 1e10) for variance in right.layer_variances(x, weights, activation)]
