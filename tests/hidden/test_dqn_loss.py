"""Graded tests of the assignment on deep Q-learning."""

from __future__ import annotations

import math

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.display import show
from autograder.errors import Mismatch
from autograder.testing import (
    assert_equal_shares,
    assert_gradients,
    assert_inputs_untouched,
    assert_matches,
    assert_no_alias,
    assert_raises,
    assert_share,
    assert_vectorised,
    double,
    forbid,
    question,
)
from autograder.testing import strategies as ts
from autograder.testing.student import to_wire

FORBIDDEN = {
    "*": forbid(
        "aten::*_loss*",
        "aten::*cross_entropy*",
        "aten::kl_div*",
        "torch.nn.functional.*_loss*",
        "torch.nn.functional.*cross_entropy*",
        "torch.nn.functional.kl_div",
        "nn.*Loss*",
        "py::torch.nn.functional.*_loss*",
        "py::torch.nn.modules.loss.*",
        "py::torch._refs.*",
        "py::torch._decomp.*",
        names=(
            *("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss"),
            *("MSELoss", "L1Loss", "SmoothL1Loss", "HuberLoss"),
            *("_refs", "_decomp"),
        ),
        because="the loss is to be written from its formula",
    )
}

DISCOUNTS = st.sampled_from((0.9, 0.5, 0.99, 0.25))
BOUNDS = st.sampled_from((0.0, 1.0, 0, 1))
OUTSIDE = (-1e-3, 1.001, -0.5, 1.5, -1, 2, -40.0, 99, math.inf, -math.inf)  # of [0, 1]
MIXED = 2e-5  # where one of the inputs is float32, whatever dtype the result has
SIZES, MORE = st.integers(1, 6), st.integers(2, 6)


def _vectors(size, dtype=torch.float32, **options):
    return ts.tensors((size,), dtype=dtype, **options)


@st.composite
def _flags(draw, size, *, layouts=("contiguous",)):
    """Bool ``(size,)`` with at least one True and, where there is room, one False."""
    flags = ts.build((size,), seed=draw(ts.seeds()), kind="ties").bool()
    first = draw(st.integers(0, size - 1))
    flags[first], flags[first - 1] = False, True
    return ts.lay_out(flags, draw(st.sampled_from(layouts)))


def _flipped(tensor):
    """The same values in the floating dtype that ``tensor`` does not have."""
    return tensor.to(torch.float32 if tensor.dtype == torch.float64 else torch.float64)


def _assert_refused(calls):
    """Every call ``(function, arguments, names)`` must raise a ValueError that holds one of the names.

    All are tried, since those that pass tell what was forgotten; the first of them is called once more, to be shown.
    """
    passing = [call for call in calls if not _is_refused(*call)]
    if passing:
        function, arguments, names = passing[0]
        assert_raises(function, *arguments, names=names)


def _is_refused(function, arguments, names):
    try:
        assert_raises(function, *arguments, names=names)
    except Mismatch:
        return False
    return True


def _strided(tensors):
    """The same values, each tensor in every other place of its memory."""
    return [ts.lay_out(tensor, "strided") for tensor in tensors]


def _grown(tensor, size):
    """The first sample ``size`` times."""
    return tensor[:1].contiguous().repeat(size, *[1] * (tensor.dim() - 1))


@st.composite
def _close_values(draw):
    """Values ``(N, A)`` that differ by a few of their last digits only, the best one anywhere."""
    dtype, batch, count = draw(ts.float_dtypes()), draw(SIZES), draw(st.integers(2, 20))
    order = torch.tensor([draw(st.permutations(range(count))) for _ in range(batch)], dtype=torch.float64)
    return ((1 + 8 * torch.finfo(dtype).eps * order) * draw(st.sampled_from((1, -1, 1000, 1e-6)))).to(dtype)


def _assert_no_loop(function, batched, *rest):
    """As many operations for 200 samples as for 50."""
    few, many = ([_grown(tensor, size) for tensor in batched] for size in (50, 200))
    assert_vectorised(function, (*few, *rest), (*many, *rest))


# ------------------------------------------------------------------------------ discounted returns


def _assert_returns(student, reference, rewards, gamma):
    expected = reference.discounted_returns(rewards.double(), gamma)
    size = reference.discounted_returns(rewards.double().abs(), gamma)
    got = student.discounted_returns(rewards, gamma)
    assert_matches(got, expected, dtype=rewards.dtype, terms=size)


@question("discounted_returns", points=0.8, gate=True)
@given(rewards=MORE.flatmap(_vectors), gamma=DISCOUNTS)
@settings(max_examples=25)
def test_returns_of_a_short_episode(student, reference, rewards, gamma):
    """The return from every step of a short episode on."""
    _assert_returns(student, reference, rewards, gamma)


@question("discounted_returns", points=0.2)
@given(rewards=st.sampled_from((1, 4)).flatmap(_vectors), gamma=BOUNDS)
@settings(max_examples=20)
def test_returns_with_the_extreme_discounts(student, reference, rewards, gamma):
    """gamma may be 0, where only the next reward counts, and 1, where all count alike."""
    _assert_returns(student, reference, rewards, gamma)


@question("discounted_returns", points=0.2)
@given(rewards=_vectors(1), gamma=DISCOUNTS)
@settings(max_examples=8)
def test_returns_of_a_single_step(student, reference, rewards, gamma):
    """An episode of one step has one return, in a tensor of shape (1,)."""
    _assert_returns(student, reference, rewards, gamma)


@question("discounted_returns", points=0.3)
@given(
    rewards=st.sampled_from((150, 200)).flatmap(lambda size: _vectors(size, kinds=("normal", "large"))),
)
@settings(max_examples=5)
def test_returns_of_a_long_episode(student, reference, rewards):
    """Hundreds of steps, rewards up to 1e4 and strong discounts stay finite and accurate."""
    for gamma in (0.99, 0.1, 0.9, 1.0, 1e-3):
        _assert_returns(student, reference, rewards, gamma)


@question("discounted_returns", points=0.2)
@given(rewards=SIZES.flatmap(lambda size: _vectors(size, dtype=ts.float_dtypes(), layouts=ts.LAYOUTS)), gamma=DISCOUNTS)
@settings(max_examples=25)
def test_returns_keep_the_dtype(student, reference, rewards, gamma):
    """float32 and float64 are kept, with all their digits, in any memory layout."""
    _assert_returns(student, reference, rewards, gamma)
    _assert_returns(student, reference, *_strided([rewards]), gamma)


@question("discounted_returns", points=0.3)
@given(
    rewards=SIZES.flatmap(lambda size: _vectors(size, kinds=("normal",))),
    gamma=DISCOUNTS,
    seed=ts.seeds(),
)
@settings(max_examples=12)
def test_returns_can_be_differentiated(student, reference, rewards, gamma, seed):
    """A gradient flows from every return to every reward that is part of it."""
    cotangent = ts.build(tuple(rewards.shape), seed=seed)
    mine, right = student.discounted_returns, reference.discounted_returns
    size = cotangent.abs().sum()
    for each in (gamma, 0.0, 1):
        assert_gradients(mine, right, rewards, each, wrt=(0,), cotangents=[cotangent], terms=size)


@question("discounted_returns", points=0.2)
@given(rewards=SIZES.flatmap(_vectors), gamma=st.sampled_from((0, 0.0, 1.0, 0.9)))
@settings(max_examples=16)
def test_returns_leave_the_rewards_alone(student, reference, rewards, gamma):
    """The rewards do not change, the result is a tensor of its own, and arguments may be named."""
    assert_inputs_untouched(student.discounted_returns, rewards, gamma)
    got = assert_no_alias(student.discounted_returns, rewards=rewards, gamma=gamma).value
    expected = reference.discounted_returns(rewards.double(), gamma)
    assert_matches(got, expected, dtype=rewards.dtype, terms=rewards.abs().sum())


@question("discounted_returns", points=0.3)
@given(rewards=SIZES.flatmap(_vectors))
@settings(max_examples=3)
def test_returns_with_a_discount_out_of_range(student, rewards):
    """A ValueError names gamma where it is below 0 or above 1."""
    _assert_refused((student.discounted_returns, (rewards, gamma), ("gamma",)) for gamma in OUTSIDE)


# -------------------------------------------------------------------------------- targets, of both kinds


@st.composite
def _targets_inputs(
    draw, *, nets, dones, dtype=None, sizes=None, kinds=("integers", "normal"), layouts=("contiguous",)
):
    """``[rewards, next_q, dones]``, with two ``next_q`` where ``nets`` is 2.

    ``dones``: ``some``, ``none`` or ``all``.
    """
    dtype = torch.float32 if dtype is None else draw(dtype)
    batch, actions = draw(st.tuples(MORE, MORE) if sizes is None else sizes)
    rewards = draw(_vectors(batch, dtype=dtype, kinds=kinds, layouts=layouts))
    values = [draw(ts.tensors((batch, actions), dtype=dtype, kinds=kinds, layouts=layouts)) for _ in range(nets)]
    over = draw(_flags(batch, layouts=layouts)) if dones == "some" else torch.full((batch,), dones == "all")
    return [rewards, *values, over]


ONES = st.sampled_from(((1, 4), (5, 1), (1, 1)))
ANY = st.tuples(SIZES, SIZES)


def _assert_targets(student, reference, inputs, gamma, *, rtol=None):
    """The targets, judged against the size of the reward and of what is added to it; gives them."""
    rewards = inputs[0]
    expected = reference(*double(inputs), gamma)
    terms = torch.stack([rewards.double(), expected - rewards.double()])
    got = student(*inputs, gamma)
    assert_matches(got, expected, dtype=rewards.dtype, terms=terms, rtol=rtol)
    return got


def _assert_exact_where_over(student, reference, inputs, gamma):
    """The targets, and to the last digit the reward where the episode is over."""
    got, over = _assert_targets(student, reference, inputs, gamma), inputs[-1]
    if not torch.equal(got[over], inputs[0][over]):
        raise Mismatch(
            "where the episode is over the target should be the reward exactly",
            expected=show(inputs[0][over]),
            got=show(got[over]),
        )


def _assert_targets_of_many(student, reference, inputs, gamma):
    """The targets of hundreds of transitions with a hundred actions, of which the last ones are the best."""
    rewards, online, *target, dones = (part.repeat(300, *[1] * (part.dim() - 1)) for part in inputs)
    worse = (online.amin(dim=1, keepdim=True) - 1).expand(-1, 100)
    values = [torch.cat(parts, dim=1) for parts in zip((worse, -worse), (online, *target), strict=False)]
    _assert_targets(student, reference, [rewards, *values, dones], gamma)


@st.composite
def _broken_where_over(draw, *, nets):
    """The inputs, with infinities and NaN in the next values of the episodes that are over, in each net in turn."""
    inputs = draw(_targets_inputs(nets=nets, dones="some", dtype=ts.float_dtypes(), sizes=ANY))
    over = inputs[-1]
    bad = draw(st.sampled_from((math.inf, -math.inf, math.nan)))
    spoiled = draw(st.sampled_from(range(1, nets + 1)))
    entries = slice(None) if draw(st.booleans()) else slice(0, 1)
    values = inputs[spoiled].clone()
    part = values[over]
    part[:, entries] = bad
    values[over] = part
    inputs[spoiled] = values
    return inputs


def _assert_detached(function, inputs, gamma, cotangent):
    """Neither rewards nor any of the next values gets a gradient from the targets."""
    floating = tuple(range(len(inputs) - 1))
    answer = function.gradients(*inputs, gamma, wrt=floating, cotangents=[cotangent[: len(inputs[0])]])
    for index, grad in zip(floating, answer.grads, strict=True):
        if grad is not None and bool((grad != 0).any()):
            raise Mismatch(
                f"a gradient flows out of the targets to argument {index + 1}; a target is a constant",
                expected="none",
                got=show(grad),
            )


def _assert_targets_of_mixed_dtypes(student, reference, inputs, gamma, flips):
    """The dtype of the rewards, whatever dtype the next values have."""
    inputs = [_flipped(part) if flip else part for part, flip in zip(inputs, (*flips, False), strict=False)]
    _assert_targets(student, reference, inputs, gamma, rtol=MIXED)


def _assert_target_conventions(student, reference, inputs, gamma, names):
    """Inputs stay, the result is a tensor of its own, arguments may be named."""
    assert_inputs_untouched(student, *inputs, gamma)
    named = dict(zip(names, (*inputs, gamma), strict=True))
    got = assert_no_alias(student, **named).value
    terms = torch.stack([part.abs().amax() for part in inputs[:-1]])
    assert_matches(got, reference(**double(named)), dtype=inputs[0].dtype, terms=terms)


ENDINGS = st.sampled_from(("some", "none", "all"))


# --------------------------------------------------------------------------------------- td_targets


@question("td_targets", points=1.0, gate=True)
@given(inputs=_targets_inputs(nets=1, dones="none"), gamma=DISCOUNTS)
@settings(max_examples=25)
def test_targets_while_the_episode_goes_on(student, reference, inputs, gamma):
    """The reward plus the discounted best value of the next state, where no episode ends."""
    _assert_targets(student.td_targets, reference.td_targets, inputs, gamma)


@question("td_targets", points=0.4)
@given(inputs=_targets_inputs(nets=1, dones="some"), gamma=DISCOUNTS)
@settings(max_examples=20)
def test_targets_where_an_episode_is_over(student, reference, inputs, gamma):
    """Where the episode is over nothing is added to the reward; the other rows are as before."""
    _assert_exact_where_over(student.td_targets, reference.td_targets, inputs, gamma)


@question("td_targets", points=0.3)
@given(inputs=_broken_where_over(nets=1), gamma=st.sampled_from((0.9, 0.99, 1.0, 1)))
@settings(max_examples=25)
def test_targets_are_the_reward_whatever_comes_after_the_end(student, reference, inputs, gamma):
    """Exactly the reward where the episode is over, even where the next values are infinite or NaN."""
    _assert_exact_where_over(student.td_targets, reference.td_targets, inputs, gamma)


@question("td_targets", points=0.4)
@given(
    inputs=_targets_inputs(nets=1, dones="some", kinds=("normal",), sizes=st.tuples(MORE, SIZES)),
    gamma=DISCOUNTS,
    cotangent=_vectors(6, kinds=("normal",)),
)
@settings(max_examples=10)
def test_targets_let_no_gradient_through(student, inputs, gamma, cotangent):
    """No gradient flows out of the targets, neither to next_q nor to the rewards."""
    _assert_detached(student.td_targets, inputs, gamma, cotangent)


@question("td_targets", points=0.2)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=1, dones=dones, sizes=ONES)), gamma=BOUNDS)
@settings(max_examples=24)
def test_targets_of_one_transition_and_of_one_action(student, reference, inputs, gamma):
    """A batch of 1, a single action, and gamma at 0 and 1."""
    _assert_targets(student.td_targets, reference.td_targets, inputs, gamma)


@question("td_targets", points=0.2)
@given(
    inputs=_targets_inputs(nets=1, dones="some", dtype=ts.float_dtypes(), sizes=ANY, layouts=ts.LAYOUTS),
    gamma=DISCOUNTS,
    flips=st.tuples(st.booleans(), st.booleans()),
)
@settings(max_examples=30)
def test_targets_keep_the_dtype_of_the_rewards(student, reference, inputs, gamma, flips):
    """The dtype of the rewards, whatever that of next_q, with all its digits, in any memory layout."""
    _assert_targets(student.td_targets, reference.td_targets, inputs, gamma)
    _assert_targets(student.td_targets, reference.td_targets, _strided(inputs), gamma)
    _assert_targets_of_mixed_dtypes(student.td_targets, reference.td_targets, inputs, gamma, flips)


@question("td_targets", points=0.1)
@given(inputs=_targets_inputs(nets=1, dones="some", kinds=("large",), dtype=ts.float_dtypes()), gamma=DISCOUNTS)
@settings(max_examples=10)
def test_targets_of_large_values(student, reference, inputs, gamma):
    """Values up to 1e4 are as accurate as small ones, and many transitions and actions as few."""
    _assert_targets(student.td_targets, reference.td_targets, inputs, gamma)
    _assert_targets_of_many(student.td_targets, reference.td_targets, inputs, gamma)


@question("td_targets", points=0.2)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=1, dones=dones)), gamma=st.sampled_from((0, 0.9, 1.0)))
@settings(max_examples=20)
def test_targets_leave_their_inputs_alone(student, reference, inputs, gamma):
    """No argument changes, the targets are a tensor of their own, and arguments may be named."""
    names = ("rewards", "next_q", "dones", "gamma")
    _assert_target_conventions(student.td_targets, reference.td_targets, inputs, gamma, names)


@question("td_targets", points=0.3)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=1, dones=dones)))
@settings(max_examples=3)
def test_targets_with_a_discount_out_of_range(student, inputs):
    """A ValueError names gamma where it is below 0 or above 1."""
    _assert_refused((student.td_targets, (*inputs, gamma), ("gamma",)) for gamma in OUTSIDE)


@question("td_targets", points=0.2)
@given(inputs=_targets_inputs(nets=1, dones="none"), gamma=DISCOUNTS)
@settings(max_examples=3)
def test_targets_have_no_loop_over_the_batch(student, inputs, gamma):
    """One expression for the whole batch, no loop over its transitions."""
    _assert_no_loop(student.td_targets, inputs, gamma)


# ------------------------------------------------------------------------------- double_dqn_targets


@st.composite
def _compared(draw, next_q_online):
    """``[rewards, next_q_online, next_q_target, dones]`` in which no episode ends, with the online values given."""
    online = draw(next_q_online)
    rewards, target = (
        draw(ts.tensors(shape, dtype=online.dtype, kinds=("normal",))) for shape in (online.shape[:1], online.shape)
    )
    return [rewards, online, target, torch.zeros(len(online), dtype=torch.bool)]


TIED = st.tuples(SIZES, st.integers(2, 20)).flatmap(lambda size: ts.tensors(size, kinds=("ties", "zeros")))


@question("double_dqn_targets", points=0.9, gate=True)
@given(inputs=_targets_inputs(nets=2, dones="none", kinds=("normal",)), gamma=DISCOUNTS)
@settings(max_examples=25)
def test_double_targets_while_the_episode_goes_on(student, reference, inputs, gamma):
    """The online network picks the next action, the target network values it, where no episode ends."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.4)
@given(inputs=_targets_inputs(nets=2, dones="some", kinds=("normal",)), gamma=DISCOUNTS)
@settings(max_examples=15)
def test_double_targets_where_an_episode_is_over(student, reference, inputs, gamma):
    """Where the episode is over nothing is added to the reward; the other rows are as before."""
    _assert_exact_where_over(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.2)
@given(inputs=_compared(TIED), gamma=DISCOUNTS)
@settings(max_examples=20)
def test_double_targets_pick_the_lowest_of_equals(student, reference, inputs, gamma):
    """Of several actions that are equally good for the online network, the lowest index is picked."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.1)
@given(inputs=_compared(_close_values()), gamma=DISCOUNTS)
@settings(max_examples=12)
def test_double_targets_pick_among_close_values(student, reference, inputs, gamma):
    """The best action is picked however little it is better, in float32 and float64."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.3)
@given(inputs=_broken_where_over(nets=2), gamma=st.sampled_from((0.9, 0.99, 1.0, 1)))
@settings(max_examples=30)
def test_double_targets_are_the_reward_whatever_comes_after_the_end(student, reference, inputs, gamma):
    """Exactly the reward where the episode is over, even where either network's values are infinite or NaN."""
    _assert_exact_where_over(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.3)
@given(
    inputs=_targets_inputs(nets=2, dones="some", kinds=("normal",), sizes=st.tuples(MORE, SIZES)),
    gamma=DISCOUNTS,
    cotangent=_vectors(6, kinds=("normal",)),
)
@settings(max_examples=10)
def test_double_targets_let_no_gradient_through(student, inputs, gamma, cotangent):
    """No gradient flows out of the targets, neither to the networks nor to the rewards."""
    _assert_detached(student.double_dqn_targets, inputs, gamma, cotangent)


@question("double_dqn_targets", points=0.2)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=2, dones=dones, sizes=ONES)), gamma=BOUNDS)
@settings(max_examples=24)
def test_double_targets_of_one_transition_and_of_one_action(student, reference, inputs, gamma):
    """A batch of 1, a single action, and gamma at 0 and 1."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.2)
@given(
    inputs=_targets_inputs(
        nets=2, dones="some", dtype=ts.float_dtypes(), sizes=ANY, layouts=ts.LAYOUTS, kinds=("normal",)
    ),
    gamma=DISCOUNTS,
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
)
@settings(max_examples=40)
def test_double_targets_keep_the_dtype_of_the_rewards(student, reference, inputs, gamma, flips):
    """The dtype of the rewards, whatever that of the networks, with all its digits, in any memory layout."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, _strided(inputs), gamma)
    _assert_targets_of_mixed_dtypes(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma, flips)


@question("double_dqn_targets", points=0.1)
@given(inputs=_targets_inputs(nets=2, dones="some", kinds=("large",), dtype=ts.float_dtypes()), gamma=DISCOUNTS)
@settings(max_examples=10)
def test_double_targets_of_large_values(student, reference, inputs, gamma):
    """Values up to 1e4 are as accurate as small ones, and many transitions and actions as few."""
    _assert_targets(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)
    _assert_targets_of_many(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma)


@question("double_dqn_targets", points=0.1)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=2, dones=dones)), gamma=st.sampled_from((0, 0.9, 1.0)))
@settings(max_examples=20)
def test_double_targets_leave_their_inputs_alone(student, reference, inputs, gamma):
    """No argument changes, the targets are a tensor of their own, and arguments may be named."""
    names = ("rewards", "next_q_online", "next_q_target", "dones", "gamma")
    _assert_target_conventions(student.double_dqn_targets, reference.double_dqn_targets, inputs, gamma, names)


@question("double_dqn_targets", points=0.2)
@given(inputs=ENDINGS.flatmap(lambda dones: _targets_inputs(nets=2, dones=dones)))
@settings(max_examples=3)
def test_double_targets_with_a_discount_out_of_range(student, inputs):
    """A ValueError names gamma where it is below 0 or above 1."""
    _assert_refused((student.double_dqn_targets, (*inputs, gamma), ("gamma",)) for gamma in OUTSIDE)


@question("double_dqn_targets", points=0.1)
@given(inputs=_targets_inputs(nets=2, dones="none"), gamma=DISCOUNTS)
@settings(max_examples=3)
def test_double_targets_have_no_loop_over_the_batch(student, inputs, gamma):
    """One expression for the whole batch, no loop over its transitions."""
    _assert_no_loop(student.double_dqn_targets, inputs, gamma)


# ----------------------------------------------------------------------------------------- dqn_loss


@st.composite
def _loss_inputs(draw, *, dtype=None, sizes=None, kinds=("normal",), layouts=("contiguous",)):
    """``[q, actions, targets]``; with more rows than actions, some action is taken twice."""
    dtype = torch.float32 if dtype is None else draw(dtype)
    batch, count = draw(st.tuples(st.integers(3, 6), st.integers(2, 5)) if sizes is None else sizes)
    q = draw(ts.tensors((batch, count), dtype=dtype, kinds=kinds, layouts=layouts))
    actions = torch.randint(count, (batch,), generator=torch.Generator().manual_seed(draw(ts.seeds())))
    targets = draw(_vectors(batch, dtype=dtype, kinds=kinds, layouts=layouts))
    return [q, ts.lay_out(actions, draw(st.sampled_from(layouts))), targets]


def _assert_loss(student, reference, inputs, *, rtol=None):
    """The loss, judged against what rounding the inputs once would change, and against itself."""
    q, actions, targets = double(inputs)
    chosen = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    size = ((targets - chosen).abs() * (targets.abs() + chosen.abs())).mean()
    expected = reference.dqn_loss(q, actions, targets)
    got = student.dqn_loss(*inputs)
    assert_matches(got, expected, dtype=inputs[0].dtype, terms=size, rtol=rtol, what="the loss")


@question("dqn_loss", points=1.0, gate=True)
@given(inputs=_loss_inputs())
@settings(max_examples=25)
def test_loss_is_the_mean_squared_difference(student, reference, inputs):
    """The mean over the batch of the squared differences between targets and chosen values."""
    _assert_loss(student, reference, inputs)


@question("dqn_loss", points=0.4)
@given(inputs=_loss_inputs(dtype=ts.float_dtypes(), sizes=ANY), factor=st.sampled_from((1.0, -2.0, 0.25)))
@settings(max_examples=20)
def test_loss_sends_a_gradient_to_the_chosen_values(student, reference, inputs, factor):
    """A gradient reaches the chosen entries of q, and only those."""
    q, _, targets = inputs
    cotangent = torch.tensor(factor, dtype=q.dtype)
    size = 2 * abs(factor) * (q.abs().max() + targets.abs().max()) / len(q)
    mine, right = student.dqn_loss, reference.dqn_loss
    assert_gradients(mine, right, *inputs, wrt=(0,), cotangents=[cotangent], terms=size)


@question("dqn_loss", points=0.3)
@given(inputs=_loss_inputs(dtype=ts.float_dtypes(), sizes=ANY))
@settings(max_examples=12)
def test_loss_sends_no_gradient_to_the_targets(student, reference, inputs):
    """No gradient reaches the targets, even where they ask for one; the loss and q's gradient stay the same."""
    q, _, targets = inputs
    one = torch.ones((), dtype=q.dtype)
    got = student.dqn_loss.gradients(*inputs, wrt=(0, 2), cotangents=[one])
    if got.grads[1] is not None and bool((got.grads[1] != 0).any()):
        raise Mismatch(
            "a gradient reaches the targets; a target is a constant", expected="none", got=show(got.grads[1])
        )
    right = reference.dqn_loss.gradients(*double(inputs), wrt=(0,), cotangents=[one.double()])
    size = (q.abs().max() + targets.abs().max()).double()
    if got.grads[0] is None:
        raise Mismatch("no gradient reaches q")
    assert_matches(got.grads[0], right.grads[0], dtype=q.dtype, terms=2 * size / len(q), what="the gradient for q")
    assert_matches(got.value, right.value, dtype=q.dtype, terms=size**2, what="the loss")


@question("dqn_loss", points=0.2)
@given(inputs=_loss_inputs(sizes=ONES, kinds=("normal", "integers")))
@settings(max_examples=12)
def test_loss_of_one_transition_and_of_one_action(student, reference, inputs):
    """A batch of 1 and a single action give a scalar as well."""
    _assert_loss(student, reference, inputs)


@question("dqn_loss", points=0.2)
@given(
    inputs=_loss_inputs(dtype=ts.float_dtypes(), sizes=ANY, layouts=ts.LAYOUTS, kinds=("normal", "zeros")),
)
@settings(max_examples=20)
def test_loss_keeps_the_dtype_of_q(student, reference, inputs):
    """The dtype of q, whatever that of the targets, with all its digits, in any memory layout."""
    _assert_loss(student, reference, inputs)
    _assert_loss(student, reference, _strided(inputs))
    q, actions, targets = inputs
    _assert_loss(student, reference, [q, actions, _flipped(targets)], rtol=MIXED)
    _assert_loss(student, reference, [_flipped(q), actions, targets], rtol=MIXED)


@question("dqn_loss", points=0.1)
@given(inputs=_loss_inputs(kinds=("large",), dtype=ts.float_dtypes()))
@settings(max_examples=10)
def test_loss_of_large_values(student, reference, inputs):
    """Values up to 1e4 give the loss of their size: it is neither clipped nor cut to a line."""
    _assert_loss(student, reference, inputs)
    q, actions, targets = inputs
    _assert_loss(student, reference, [1e4 * q.sign(), actions, 1e4 * targets.sign()])


@question("dqn_loss", points=0.2)
@given(inputs=_loss_inputs(sizes=ANY))
@settings(max_examples=10)
def test_loss_leaves_its_inputs_alone(student, reference, inputs):
    """No argument changes, and arguments may be named."""
    assert_inputs_untouched(student.dqn_loss, *inputs)
    named = dict(zip(("q", "actions", "targets"), inputs, strict=True))
    got = assert_no_alias(student.dqn_loss, **named).value
    size = (inputs[0].abs().max() + inputs[2].abs().max()) ** 2
    assert_matches(got, reference.dqn_loss(**double(named)), dtype=inputs[0].dtype, terms=size)


@question("dqn_loss", points=0.2)
@given(inputs=_loss_inputs())
@settings(max_examples=3)
def test_loss_has_no_loop_over_the_batch(student, inputs):
    """One expression for the whole batch, no loop over its transitions."""
    _assert_no_loop(student.dqn_loss, inputs)


# ----------------------------------------------------------------------------------- epsilon_greedy

MANY = 8_000


def _wavy_values(rows, actions):
    """Values that no generator draws: drawn ones could be the very numbers that the generator under test draws."""

    def build(turn):
        places = torch.arange(rows * actions, dtype=torch.float64)
        return torch.sin(places * places + turn).float().reshape(rows, actions)

    return st.integers(0, 99).map(build)


INTEGERS = (torch.int64, torch.int32, torch.int16, torch.uint8, torch.int8)


def _assert_greedy(student, reference, q, epsilon=0.0, generator=None):
    got = _chosen(student.epsilon_greedy, q, epsilon, generator)
    assert_matches(got, reference.epsilon_greedy(q, 0.0), what="the actions with epsilon 0")


def _chosen(function, q, epsilon, generator):
    """The actions, ``(N,)`` within range, as int64: that they are int64 has a test of its own."""
    actions = function(q, epsilon, generator)
    if not isinstance(actions, torch.Tensor) or actions.shape != q.shape[:1] or actions.dtype not in INTEGERS:
        raise Mismatch(f"should be actions, int64 of shape ({len(q)},)", got=show(actions))
    actions = actions.to(torch.int64)
    if bool(((actions < 0) | (actions >= q.shape[1])).any()):
        raise Mismatch(f"holds an action outside 0..{q.shape[1] - 1}", got=show(actions))
    return actions


@question("epsilon_greedy", points=0.8, gate=True)
@given(q=_wavy_values(300, 4), generator=ts.generators())
@settings(max_examples=6)
def test_epsilon_zero_is_greedy_and_a_large_epsilon_is_not(student, reference, q, generator):
    """With epsilon 0 the best action of every row, with epsilon 0.9 other ones too."""
    _assert_greedy(student, reference, q, 0.0, generator)
    if torch.equal(_chosen(student.epsilon_greedy, q, 0.9, generator), reference.epsilon_greedy(q, 0.0)):
        raise Mismatch("with epsilon 0.9 all 300 actions are the best ones; most should be random")


@question("epsilon_greedy", points=0.1)
@given(q=_close_values())
@settings(max_examples=14)
def test_greedy_actions_among_close_values(student, reference, q):
    """The best action wins however little it is better, in float32 and float64."""
    _assert_greedy(student, reference, q)


@question("epsilon_greedy", points=0.2)
@given(
    q=st.tuples(SIZES, st.integers(1, 20)).flatmap(
        lambda size: ts.tensors(size, dtype=ts.float_dtypes(), kinds=("normal", "ties", "large", "zeros", "tiny"))
    ),
    epsilon=st.sampled_from((0.0, 0)),
)
@settings(max_examples=40)
def test_greedy_actions_of_every_size(student, reference, q, epsilon):
    """With epsilon 0 the lowest index of the best ones, for any number of rows and actions, ties and large values."""
    _assert_greedy(student, reference, q, epsilon)


@question("epsilon_greedy", points=0.2)
@given(
    q=ANY.flatmap(lambda size: ts.tensors(size, dtype=ts.float_dtypes(), kinds=("normal",), layouts=ts.LAYOUTS)),
    generator=ts.generators(),
)
@settings(max_examples=20)
def test_greedy_actions_leave_the_values_alone(student, reference, q, generator):
    """int64 actions from any memory layout; the values do not change, and arguments may be named."""
    assert_matches(student.epsilon_greedy(q, 0.0), reference.epsilon_greedy(q, 0.0), what="the actions")
    for epsilon in (0.0, 1.0):
        assert_inputs_untouched(student.epsilon_greedy, q, epsilon)
        got = assert_no_alias(student.epsilon_greedy, q=q, epsilon=epsilon, generator=generator).value
        if epsilon == 0.0:
            assert_matches(got, reference.epsilon_greedy(q, 0.0), what="the actions")


@question("epsilon_greedy", points=0.3)
@given(
    q=st.sampled_from((2, 3)).flatmap(lambda count: _wavy_values(MANY, count)),
    epsilon=st.sampled_from((0.1, 0.35, 0.8)),
    generator=ts.generators(),
)
@settings(max_examples=5)
def test_share_of_random_actions(student, reference, q, epsilon, generator):
    """A share epsilon of the rows explores, and in one of A cases it meets the best action by chance."""
    other = (q.shape[1] - 1) / q.shape[1]
    for rate in (epsilon, 0.008):
        actions = _chosen(student.epsilon_greedy, q, rate, generator)
        others = int((actions != reference.epsilon_greedy(q, 0.0)).sum())
        assert_share(others, MANY, rate * other, what="the share of actions that are not the best")


@question("epsilon_greedy", points=0.2)
@given(
    q=st.sampled_from((2, 3, 5)).flatmap(lambda count: _wavy_values(MANY, count)),
    epsilon=st.sampled_from((1.0, 1, 0.5)),
    seed=ts.seeds(),
)
@settings(max_examples=4)
def test_random_actions_are_uniform(student, reference, q, epsilon, seed):
    """A random action is any of the A actions, each as often as the others."""
    count = q.shape[1]
    actions = _chosen(student.epsilon_greedy, q, epsilon, torch.Generator().manual_seed(seed))
    greedy = reference.epsilon_greedy(q, 0.0)
    if epsilon == 1:
        assert_equal_shares(torch.bincount(actions, minlength=count).tolist(), what="action")
    for best in range(count):
        taken = torch.bincount(actions[(greedy == best) & (actions != best)], minlength=count).tolist()
        taken.pop(best)
        if count > 2:
            assert_equal_shares(taken, what="action")


@question("epsilon_greedy", points=0.1)
@given(q=_wavy_values(1, 200), generator=ts.generators())
@settings(max_examples=2)
def test_random_actions_out_of_many(student, q, generator):
    """Out of 200 actions each is drawn as often as the others."""
    actions = _chosen(student.epsilon_greedy, q.repeat(3000, 1), 1.0, generator)
    counts = torch.bincount(actions // 25, minlength=8)
    assert_equal_shares(counts.tolist(), what="eighth of the actions, number")


def _pairings(size):
    """Ways to pair the rows of a batch: with the next one, with the one half a batch on, from both ends."""
    rows = torch.arange(size)
    halves = rows[: size // 2], rows[size // 2 :]
    return (rows[::2], rows[1::2]), (rows[1:-1:2], rows[2::2]), halves, (halves[0], halves[1].flip(0))


@question("epsilon_greedy", points=0.3)
@given(q=_wavy_values(MANY, 4), generator=ts.generators())
@settings(max_examples=2)
def test_rows_of_a_large_batch_decide_for_themselves(student, reference, q, generator):
    """Whether and how a row explores says nothing about the others."""
    greedy = reference.epsilon_greedy(q, 0.0)
    for epsilon in (0.5, 1.0):
        actions = _chosen(student.epsilon_greedy, q, epsilon, generator)
        away = actions != greedy
        for one, two in _pairings(MANY):
            both = int((away[one] & away[two]).sum())
            expected = (epsilon * 3 / 4) ** 2
            assert_share(both, len(one), expected, what="the share of pairs of rows that both take another action")
            open_to_0 = greedy[two] != 0
            after = int((away[one] & (actions[two] == 0))[open_to_0].sum())
            expected = epsilon * 3 / 4 * epsilon / 4
            assert_share(
                after, int(open_to_0.sum()), expected, what="the share of rows at action 0 when their partner explores"
            )
            if epsilon == 1.0:
                same = int((actions[one] == actions[two]).sum())
                assert_share(same, len(one), 1 / 4, what="the share of pairs of rows that take the same action")


@question("epsilon_greedy", points=0.2)
@given(q=_wavy_values(3, 10))
@settings(max_examples=1)
def test_rows_of_a_small_batch_decide_for_themselves(student, reference, q):
    """Over many small batches each row explores with probability epsilon: none, some or all of them."""
    greedy = reference.epsilon_greedy(q, 0.0)
    away = torch.stack([_chosen(student.epsilon_greedy, q, 0.6, None) != greedy for _ in range(160)])
    assert_share(int(away.all(dim=1).sum()), len(away), 0.54**3, what="the share of batches that explore in every row")
    assert_share(int(away.sum()), away.numel(), 0.54, what="the share of actions that are not the best")


@question("epsilon_greedy", points=0.2)
@given(q=_wavy_values(2, 3))
@settings(max_examples=1)
def test_random_actions_of_a_small_batch_are_uniform(student, q):
    """Over many batches of one and two rows every action is taken as often, also by both rows at once."""
    pairs = torch.stack([_chosen(student.epsilon_greedy, q, 1.0, None) for _ in range(90)])
    single = torch.cat([_chosen(student.epsilon_greedy, q[:1], 1.0, None) for _ in range(70)])
    for actions in (pairs, single):
        assert_equal_shares(torch.bincount(actions.flatten(), minlength=3).tolist(), what="action")
    same = int((pairs[:, 0] == pairs[:, 1]).sum())
    assert_share(same, len(pairs), 1 / 3, what="the share of batches in which both rows take the same action")


@question("epsilon_greedy", points=0.3)
@given(q=_wavy_values(80, 4), epsilon=st.sampled_from((0.7, 0.9, 1.0)), generator=ts.generators())
@settings(max_examples=6)
def test_actions_follow_the_generator(student, q, epsilon, generator):
    """The same generator gives the same actions, it moves on, and the global one stays as it is."""
    before = student.rng_state()
    first = student.epsilon_greedy.after(q, epsilon, generator=generator)
    again = student.epsilon_greedy(q, epsilon, generator)
    if not torch.equal(first.value, again):
        raise Mismatch("the same generator gives other actions", expected=show(first.value), got=show(again))
    if not torch.equal(before, student.rng_state()):
        raise Mismatch("the global generator is used though another one is given")
    moved = first.after[1]["generator"]
    if torch.equal(moved.get_state(), generator.get_state()):
        raise Mismatch("the generator does not move on: the next call would draw the same again")
    if torch.equal(first.value, student.epsilon_greedy(q, epsilon, moved)):
        raise Mismatch("two calls in a row take the same actions")


@question("epsilon_greedy", points=0.2)
@given(q=_wavy_values(80, 4), epsilon=st.sampled_from((0.7, 1.0)), seed=st.integers(0, 999))
@settings(max_examples=4)
def test_actions_follow_the_global_generator(student, q, epsilon, seed):
    """Without a generator torch's global one decides: it moves on, and its seed gives the same actions again."""
    runs = []
    for _ in range(2):
        student.request({"op": "begin", "seed": seed})
        before = student.rng_state()
        runs.append([student.epsilon_greedy(q, epsilon), student.epsilon_greedy(q, epsilon, None)])
        if torch.equal(before, student.rng_state()):
            raise Mismatch("without a generator the global one should be used; it has not moved")
    if torch.equal(*runs[0]):
        raise Mismatch("two calls in a row take the same actions")
    assert_matches(runs[1], runs[0], what="the actions after torch.manual_seed")


@question("epsilon_greedy", points=0.3)
@given(q=ANY.flatmap(ts.tensors), generator=st.one_of(st.none(), ts.generators()))
@settings(max_examples=3)
def test_actions_with_epsilon_out_of_range(student, q, generator):
    """A ValueError names epsilon where it is below 0 or above 1."""
    _assert_refused((student.epsilon_greedy, (q, epsilon, generator), ("epsilon",)) for epsilon in OUTSIDE)


@question("epsilon_greedy", points=0.1)
@given(q=ts.tensors((1, 3)), epsilon=st.sampled_from((0.0, 0.5, 1.0)))
@settings(max_examples=4)
def test_actions_are_chosen_without_a_loop(student, q, epsilon):
    """One expression for the whole batch, no loop over its rows."""
    _assert_no_loop(student.epsilon_greedy, [q], epsilon)


# ----------------------------------------------------------------------------------- linear_epsilon

RATES = st.sampled_from((1.0, 0.9, 0.5, 0.1, 0.05, 0.0))
INNER_RATES = st.sampled_from((0.95, 0.9, 0.5, 0.1, 0.05))


@st.composite
def _decays(draw, *, least=2):
    """``[start, end, decay_steps]``, with at least so many steps."""
    steps = [steps for steps in (1, 2, 7, 10, 250, 100_000) if steps >= least]
    return [draw(RATES), draw(RATES), draw(st.sampled_from(steps))]


def _falling(rates):
    return tuple(sorted(rates, reverse=True))


FALLING = st.lists(INNER_RATES, min_size=2, max_size=2, unique=True).map(_falling)


def _assert_rate(student, reference, step, *decay):
    assert_matches(student.linear_epsilon(step, *decay), reference.linear_epsilon(step, *decay), terms=1.0)


@question("linear_epsilon", points=0.6, gate=True)
@given(rates=FALLING, decay_steps=st.integers(2, 1000), share=st.floats(0.01, 0.99))
@settings(max_examples=30)
def test_rate_on_its_way_down(student, reference, rates, decay_steps, share):
    """Between step 0 and decay_steps the rate falls on a straight line."""
    step = min(max(1, round(share * decay_steps)), decay_steps - 1)
    expected = reference.linear_epsilon(step, *rates, decay_steps)
    got = student.linear_epsilon(step, *rates, decay_steps)
    assert_matches(got, expected, terms=1.0, rtol=1e-6)  # that it has all its digits, the other tests ask


@question("linear_epsilon", points=0.2)
@given(decay=_decays(least=1))
@settings(max_examples=20)
def test_rate_at_both_ends(student, reference, decay):
    """start at step 0 and end at step decay_steps, for a decay of a single step too."""
    for step in (0, decay[-1]):
        _assert_rate(student, reference, step, *decay)


@question("linear_epsilon", points=0.2)
@given(decay=_decays(), far=st.sampled_from((1, 3, 10**6)))
@settings(max_examples=25)
def test_rate_after_the_decay(student, reference, decay, far):
    """After decay_steps the rate stays at end, however late it is."""
    _assert_rate(student, reference, decay[-1] + far, *decay)


@question("linear_epsilon", points=0.1)
@given(decay=_decays(), far=st.sampled_from((1, 3, 10**6)))
@settings(max_examples=25)
def test_rate_before_the_first_step(student, reference, decay, far):
    """Before step 0 the rate is start."""
    _assert_rate(student, reference, -far, *decay)


@question("linear_epsilon", points=0.2)
@given(
    rates=st.tuples(RATES, RATES),
    decay_steps=st.one_of(st.integers(2, 40), st.just(100_000)),
    whole=st.booleans(),
)
@settings(max_examples=25)
def test_rate_that_rises_or_stays(student, reference, rates, decay_steps, whole):
    """start may be below end or equal to it, rates may be the ints 0 and 1, and arguments may be named."""
    low, high = (0, 1) if whole else sorted(rates)
    for start, end in ((low, high), (high, low), (low, low)):
        for step in (-1, 0, decay_steps // 2, decay_steps, decay_steps + 1):
            named = {"step": step, "start": start, "end": end, "decay_steps": decay_steps}
            expected = reference.linear_epsilon(step, start, end, decay_steps)
            assert_matches(student.linear_epsilon(**named), expected, terms=1.0)


@question("linear_epsilon", points=0.3)
@given(decay=_decays(), step=st.sampled_from((-5, 0, 1, 3, 10**6)))
@settings(max_examples=8)
def test_rate_with_an_end_out_of_range(student, decay, step):
    """A ValueError names start or end where it is below 0 or above 1, at whatever step."""
    start, end, decay_steps = decay
    _assert_refused(
        (student.linear_epsilon, (step, *rates, decay_steps), (name,))
        for bad in OUTSIDE
        for name, rates in (("start", (bad, end)), ("end", (start, bad)))
    )


@question("linear_epsilon", points=0.2)
@given(decay=_decays(), step=st.sampled_from((-5, 0, 1, 3, 10**6)))
@settings(max_examples=8)
def test_rate_without_a_decay(student, decay, step):
    """A ValueError names decay_steps where it is below 1, at whatever step."""
    names = ("decay_steps", "decay steps")
    _assert_refused((student.linear_epsilon, (step, *decay[:2], steps), names) for steps in (0, -1, -7))


# ------------------------------------------------------------------------------------- ReplayBuffer

FIELDS = ("states", "actions", "rewards", "next_states", "dones")
STATE_SHAPES = ((), (3,), (1,), (2, 3), (1, 1), (2, 4, 4), (3, 1, 2), (2, 2))
STATE_DTYPES = (torch.float32, torch.float64, torch.uint8, torch.int64, torch.bool)
SMALL_DTYPES = (torch.float32, torch.uint8, torch.bool)  # which float32 holds as they are


@st.composite
def _transitions(draw, count, *, shapes=((3,),), dtype=None, layouts=("contiguous",), wide=False):
    """A list of ``(state, action, reward, next_state, done)``; every action stands once, so that it names its own.

    ``wide``: rewards beyond 1, and actions that only an int64 holds.
    """
    size = draw(st.integers(*count)) if isinstance(count, tuple) else count
    shape = draw(st.sampled_from(shapes))
    chosen = torch.float32 if dtype is None else draw(dtype)
    kinds = ("normal", "large") if chosen.is_floating_point else ("integers",)
    states = [draw(ts.tensors(shape, dtype=torch.float64, kinds=kinds)) for _ in range(2)]
    order = draw(st.permutations(range(size)))
    over = ts.build((size,), seed=draw(ts.seeds()), kind="ties").bool().tolist()
    layout = draw(st.sampled_from(layouts))
    rewards = (0.5, -1.0, 0.0, -1, 1, 0.1, *((12.5, -400) if wide else ()))
    first = draw(st.sampled_from((0, 300, 2**33))) if wide else 0
    memories = []
    for index, action in enumerate(order):
        state, next_state = (ts.lay_out((part.abs() + index).to(chosen), layout) for part in states)
        memories.append((state, first + action, draw(st.sampled_from(rewards)), next_state, over[index]))
    return memories


def _filled(student, capacity, transitions):
    """A memory of the student's that was told all ``transitions``."""
    memory = student.ReplayBuffer(capacity)
    for transition in transitions:
        memory.call("push", *transition)
    return memory


def _assert_batch(batch, kept, size, *, repeats=False, dtypes=False):
    """The batch holds ``size`` rows, each a transition in ``kept``; none twice, but for ``repeats``.

    With ``dtypes`` every field is in its dtype; other tests do not take that amiss a second time.
    """
    if not isinstance(batch, tuple | list) or len(batch) != len(FIELDS):
        raise Mismatch(f"a batch should be the five tensors {', '.join(FIELDS)}", got=show(batch))
    actions = batch[1]
    if not isinstance(actions, torch.Tensor) or actions.shape != (size,):
        raise Mismatch(f"actions should be a tensor of shape ({size},)", got=show(actions))
    known = {transition[1]: transition for transition in kept}
    numbers = actions.to(torch.int64).tolist()
    if not known.keys() >= set(numbers):
        raise Mismatch(
            "the batch holds a transition that is not in the memory", expected=f"{sorted(known)}", got=f"{numbers}"
        )
    if not repeats and len(set(numbers)) < size:
        raise Mismatch("the batch holds a transition twice", got=f"actions {numbers}")
    for name, got, expected in zip(FIELDS, batch, _stacked([known[number] for number in numbers]), strict=True):
        value = got.to(expected.dtype) if isinstance(got, torch.Tensor) and not dtypes else got
        assert_matches(value, expected, what=name)


def _stacked(transitions):
    """What a batch of these transitions is."""
    states, actions, rewards, next_states, dones = zip(*transitions, strict=True)
    return (
        torch.stack(states),
        torch.tensor(actions),
        torch.tensor(rewards, dtype=torch.float32),
        torch.stack(next_states),
        torch.tensor(dones, dtype=torch.bool),
    )


def _same_batch(one, other):
    """Whether two batches are equal, row by row."""
    return all(torch.equal(mine, theirs) for mine, theirs in zip(one, other, strict=True))


@question("ReplayBuffer", points=1.0, gate=True)
@given(transitions=_transitions((5, 8)), room=st.integers(0, 5), part=st.integers(2, 4))
@settings(max_examples=12)
def test_memory_returns_what_it_was_told(student, transitions, room, part):
    """A memory with room for all counts its transitions and returns them whole: every row belongs together."""
    memory = _filled(student, len(transitions) + room, transitions)
    if len(memory) != len(transitions):
        raise Mismatch(f"len() is {len(memory)} after {len(transitions)} transitions")
    _assert_batch(memory.call("sample", part), transitions, part, repeats=True)


@question("ReplayBuffer", points=0.4)
@given(transitions=_transitions((3, 9)), capacity=st.integers(1, 5))
@settings(max_examples=20)
def test_memory_forgets_the_oldest(student, transitions, capacity):
    """A full memory drops its oldest transition for a new one, and never holds more than its capacity."""
    memory = student.ReplayBuffer(capacity)
    for count, transition in enumerate(transitions, start=1):
        memory.call("push", *transition)
        if len(memory) != min(count, capacity):
            raise Mismatch(f"len() is {len(memory)} after {count} transitions with capacity {capacity}")
    kept = transitions[-capacity:]
    _assert_batch(memory.call("sample", len(kept)), kept, len(kept))


@question("ReplayBuffer", points=0.3)
@given(transitions=_transitions((2, 5), dtype=st.sampled_from(STATE_DTYPES), wide=True), spare=st.integers(0, 1))
@settings(max_examples=25)
def test_batches_have_their_dtypes(student, transitions, spare):
    """States keep their dtype, actions are int64, rewards float32 and dones bool, even where rewards are ints.

    Large rewards and actions with large numbers come back as they were.
    """
    memory = _filled(student, 10, transitions)
    size = len(transitions) - spare
    _assert_batch(memory.call("sample", size), transitions, size, dtypes=True)


@question("ReplayBuffer", points=0.2)
@given(
    transitions=_transitions((1, 4), shapes=STATE_SHAPES, dtype=st.sampled_from(SMALL_DTYPES[:2]), layouts=ts.LAYOUTS),
    capacity=st.sampled_from((4, 5000)),
)
@settings(max_examples=25)
def test_memory_of_states_of_every_shape(student, transitions, capacity):
    """Numbers, vectors, images and sizes of 1 keep their shape, in batches of 1 and of all, from any memory layout."""
    memory = _filled(student, capacity, transitions)
    for size in (1, len(transitions)):
        _assert_batch(memory.call("sample", size), transitions, size)


@question("ReplayBuffer", points=0.3)
@given(transitions=_transitions((2, 4), dtype=st.sampled_from(SMALL_DTYPES)))
@settings(max_examples=8)
def test_memory_keeps_copies(student, transitions):
    """A tensor that changes after it was pushed does not change the memory."""
    memory = student.ReplayBuffer(len(transitions))
    for transition in transitions:
        memory.overwritten("push", *transition)
    _assert_batch(memory.call("sample", len(transitions)), transitions, len(transitions))


@question("ReplayBuffer", points=0.1)
@given(transitions=_transitions((1, 3)))
@settings(max_examples=6)
def test_batches_are_copies(student, transitions):
    """Writing into a batch does not change the memory, nor later batches."""
    memory = _filled(student, len(transitions), transitions)
    for size in (1, len(transitions), len(transitions)):
        _assert_batch(memory.overwritten("sample", size).value, transitions, size)


@question("ReplayBuffer", points=0.2)
@given(transitions=_transitions(10), size=st.integers(8, 10))
@settings(max_examples=8)
def test_batches_hold_no_transition_twice(student, transitions, size):
    """No transition comes twice in a batch, and a batch may be the whole memory; drawing does not take anything out."""
    memory = _filled(student, 10, transitions)
    for _ in range(3):
        _assert_batch(memory.call("sample", size), transitions, size)
    if len(memory) != len(transitions):
        raise Mismatch(f"len() is {len(memory)} after drawing from {len(transitions)} transitions")


@question("ReplayBuffer", points=0.1)
@given(transitions=_transitions(1), copies=st.integers(2, 4), spare=st.integers(0, 3))
@settings(max_examples=6)
def test_memory_counts_equal_transitions(student, transitions, copies, spare):
    """A transition that happened several times counts several times, and may be drawn as often."""
    memory = _filled(student, copies, transitions * (copies + spare))
    if len(memory) != copies:
        raise Mismatch(f"len() is {len(memory)} after {copies + spare} equal transitions with capacity {copies}")
    _assert_batch(memory.call("sample", copies), transitions, copies, repeats=True)


@question("ReplayBuffer", points=0.1)
@given(transitions=_transitions(1))
@settings(max_examples=1)
def test_memory_of_many_transitions(student, transitions):
    """A memory of 260 keeps them all, and draws old ones as well as new ones."""
    ((state, _, _, next_state, _),) = transitions
    many = [(state + i, i, float(i), next_state - i, i % 3 == 0) for i in range(300)]
    memory = _filled(student, 260, many)
    batch = memory.call("sample", 90)
    _assert_batch(batch, many[-260:], 90)
    for start in (40, 126, 212):  # 90 of 260 miss these 88 with a probability below 1e-15
        if not any(start <= number < start + 88 for number in batch[1].tolist()):
            raise Mismatch("of 90 transitions out of 260 none is from one third of the memory")


@question("ReplayBuffer", points=0.1)
@given(transitions=_transitions((5, 7)), other=_transitions((3, 4)))
@settings(max_examples=6)
def test_memories_do_not_know_each_other(student, transitions, other):
    """Two memories have each their own capacity and their own transitions."""
    first = _filled(student, 4, transitions[:3])
    second = _filled(student, 2, other)
    for transition in transitions[3:]:
        first.call("push", *transition)
    for memory, kept in ((first, transitions[-4:]), (second, other[-2:])):
        if len(memory) != len(kept):
            raise Mismatch(f"len() is {len(memory)}, not {len(kept)}, since there is a second memory")
        _assert_batch(memory.call("sample", len(kept)), kept, len(kept))


@question("ReplayBuffer", points=0.3)
@given(transitions=_transitions(8))
@settings(max_examples=1)
def test_batches_are_uniform(student, transitions):
    """Every pair of the transitions in the memory is drawn as often as every other, whatever their rewards."""
    kept = [(*told[:2], 100.0 * (index % 4 == 0), *told[3:]) for index, told in enumerate(transitions)]
    memory, kept = _filled(student, 6, kept), kept[-6:]
    place = {transition[1]: index for index, transition in enumerate(kept)}
    counts = torch.zeros(6, 6, dtype=torch.int64)
    for _ in range(500):
        batch = memory.call("sample", 2)
        _assert_batch(batch, kept, 2)
        low, high = sorted(place[number] for number in batch[1].tolist())
        counts[low, high] += 1
    rows, columns = torch.triu_indices(6, 6, offset=1)
    assert_equal_shares(counts[rows, columns].tolist(), what="pair")


@question("ReplayBuffer", points=0.3)
@given(transitions=_transitions(24), generator=ts.generators())
@settings(max_examples=3)
def test_batches_follow_the_generator(student, transitions, generator):
    """The same generator gives the same batch, it moves on, and the global one stays as it is."""
    memory = _filled(student, 24, transitions)
    before = student.rng_state()
    first = _after(memory, "sample", 12, generator=generator)
    if not _same_batch(first.value, memory.call("sample", 12, generator)):
        raise Mismatch("the same generator gives another batch")
    if not torch.equal(before, student.rng_state()):
        raise Mismatch("the global generator is used though another one is given")
    moved = first.after[1]["generator"]
    if torch.equal(moved.get_state(), generator.get_state()):
        raise Mismatch("the generator does not move on: the next call would draw the same again")
    if set(first.value[1].tolist()) == set(memory.call("sample", 12, moved)[1].tolist()):
        raise Mismatch("two batches in a row hold the same transitions")


def _after(remote, method, *args, **kwargs):
    """A method's answer with ``after``, the arguments as they are after the call."""
    request = {"op": "call", "args": to_wire(args), "kwargs": to_wire(kwargs), "after": True}
    return remote.student.call(remote.name, request | {"handle": remote.handle.number, "method": method})


@question("ReplayBuffer", points=0.2)
@given(transitions=_transitions(24), seed=st.integers(0, 999))
@settings(max_examples=2)
def test_batches_follow_the_global_generator(student, transitions, seed):
    """Without a generator torch's global one decides: it moves on, and its seed gives the same batches again."""
    runs = []
    for _ in range(2):
        student.request({"op": "begin", "seed": seed})
        memory = _filled(student, 24, transitions)
        before = student.rng_state()
        runs.append([memory.call("sample", 12), memory.call("sample", 12, None)])
        if torch.equal(before, student.rng_state()):
            raise Mismatch("without a generator the global one should be used; it has not moved")
    if set(runs[0][0][1].tolist()) == set(runs[0][1][1].tolist()):
        raise Mismatch("two batches in a row hold the same transitions")
    if not all(_same_batch(*pair) for pair in zip(*runs, strict=True)):
        raise Mismatch("after torch.manual_seed with the same seed the batches are others")


@question("ReplayBuffer", points=0.1)
@given(transitions=_transitions((2, 4), dtype=st.sampled_from(SMALL_DTYPES)), generator=ts.generators())
@settings(max_examples=8)
def test_memory_leaves_its_arguments_alone(student, transitions, generator):
    """No state changes when it is pushed, and arguments may be named."""
    memory = student.ReplayBuffer(capacity=3)
    names = ("state", "action", "reward", "next_state", "done")
    for transition in transitions:
        if memory.method("push", **dict(zip(names, transition, strict=True))).modified:
            raise Mismatch("push changes a state in place")
    kept = transitions[-3:]
    _assert_batch(memory.call("sample", batch_size=len(kept), generator=generator), kept, len(kept))


@question("ReplayBuffer", points=0.3)
@given(transitions=_transitions((0, 4)), capacity=st.integers(3, 6))
@settings(max_examples=12)
def test_batches_of_an_impossible_size(student, transitions, capacity):
    """A ValueError names batch_size where it is below 1 or above the number of transitions in the memory."""
    memory = _filled(student, capacity, transitions)
    held = min(len(transitions), capacity)
    names = ("batch_size", "batch size")
    sizes = (0, -1, -5, held + 1, held + 7, 1000)
    _assert_refused((_Method(memory, "sample"), (size,), names) for size in sizes)


class _Method:
    """A method of an object, as ``assert_raises`` calls a function."""

    def __init__(self, remote, method):
        self.remote, self.method, self.name = remote, method, f"{remote.name}.{method}"

    def __call__(self, *args, **kwargs):
        return self.remote.call(self.method, *args, **kwargs)


@question("ReplayBuffer", points=0.2)
@given(capacity=st.integers(-9, -1))
@settings(max_examples=4)
def test_memory_without_room(student, capacity):
    """A ValueError names capacity where it is below 1."""
    _assert_refused((student.ReplayBuffer, (room,), ("capacity",)) for room in (0, capacity))
