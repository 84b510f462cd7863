"""Wrong answers to ``dqn_loss``: what students write on the way to a right one, with the sentence to read then."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from autograder.testing import misconception
from reference import dqn_loss as right


def _check(gamma):
    right.discounted_returns(torch.zeros(1), gamma)


def _accumulated(rewards, gamma):
    """The returns without any check."""
    result, following = torch.zeros_like(rewards), 0.0
    for t in range(len(rewards) - 1, -1, -1):
        following = rewards[t] + gamma * following
        result[t] = following
    return result


# ------------------------------------------------------------------------------ discounted returns


@misconception(
    "discounted_returns",
    hint="Each entry is discounted from step 0 on; the return of step t starts to discount at t.",
    breaks="from-every-step",
)
def discounts_from_step_0(rewards, gamma):
    _check(gamma)
    powers = gamma ** torch.arange(len(rewards), dtype=rewards.dtype)
    return (rewards * powers).flip(0).cumsum(0).flip(0)


@misconception(
    "discounted_returns",
    hint="The discounted rewards stand side by side here; a return is their sum from step t on.",
)
def never_sums(rewards, gamma):
    _check(gamma)
    return rewards * gamma ** torch.arange(len(rewards), dtype=rewards.dtype)


@misconception(
    "discounted_returns", hint="The returns are right and stand in the order in which they were computed, last first."
)
def forgets_to_turn_around(rewards, gamma):
    return right.discounted_returns(rewards, gamma).flip(0)


@misconception(
    "discounted_returns", hint="One number comes back; every step has a return of its own.", breaks="from-every-step"
)
def returns_the_first_only(rewards, gamma):
    return right.discounted_returns(rewards, gamma)[0]


@misconception("discounted_returns", hint="The reward of step t itself is discounted too: it counts in full.")
def discounts_the_present(rewards, gamma):
    return gamma * right.discounted_returns(rewards, gamma)


@misconception("discounted_returns", hint="The discount is nowhere used, so that all rewards count alike.")
def ignores_the_discount(rewards, gamma):
    _check(gamma)
    return right.discounted_returns(rewards, 1.0)


@misconception(
    "discounted_returns",
    hint="Subtracting the mean and dividing by the deviation is a trick of policy gradients; it is not asked for here.",
)
def standardises(rewards, gamma):
    returns = right.discounted_returns(rewards, gamma)
    return (returns - returns.mean()) / (returns.std(correction=0) + 1e-8)


@misconception(
    "discounted_returns",
    hint="Dividing by gamma**t brings 0/0 where gamma is 0 and numbers too large for the dtype in long episodes: "
    "go backwards step by step instead.",
)
def divides_by_the_powers(rewards, gamma):
    _check(gamma)
    powers = gamma ** torch.arange(len(rewards), dtype=rewards.dtype)
    return (rewards * powers).flip(0).cumsum(0).flip(0) / powers


@misconception("discounted_returns", hint="A gamma of 1 is allowed: nothing is discounted then.", breaks="gamma-bounds")
def refuses_gamma_1(rewards, gamma):
    if not 0 <= gamma < 1:
        raise ValueError(f"gamma={gamma} must be below 1")
    return right.discounted_returns(rewards, gamma)


@misconception("discounted_returns", hint="A gamma of 0 is allowed: only the present counts then.")
def refuses_gamma_0(rewards, gamma):
    if not 0 < gamma <= 1:
        raise ValueError(f"gamma={gamma} must be above 0")
    return right.discounted_returns(rewards, gamma)


@misconception("discounted_returns", hint="A gamma above 1 is refused; one below 0 should be as well.")
def accepts_a_negative_gamma(rewards, gamma):
    if gamma > 1:
        raise ValueError(f"gamma={gamma} is above 1")
    return _accumulated(rewards, gamma)


@misconception("discounted_returns", hint="A bad gamma is cut to [0, 1] in silence; a ValueError should tell.")
def clamps_its_gamma(rewards, gamma):
    return _accumulated(rewards, min(max(gamma, 0), 1))


@misconception("discounted_returns", hint="The rewards themselves are overwritten: write into a new tensor.")
def overwrites_the_rewards(rewards, gamma):
    returns = right.discounted_returns(rewards, gamma)
    rewards.detach().copy_(returns.detach())
    return returns


@misconception(
    "discounted_returns",
    hint="Going through Python numbers (item, tolist) cuts the way of the gradient: stay with tensors.",
)
def goes_through_numbers(rewards, gamma):
    _check(gamma)
    returns, following = [], 0.0
    for reward in reversed(rewards.tolist()):
        following = reward + gamma * following
        returns.append(following)
    return torch.tensor(returns[::-1], dtype=rewards.dtype)


@misconception("discounted_returns", hint="A new tensor is float32 unless told otherwise: take the rewards' dtype.")
def always_float32(rewards, gamma):
    return right.discounted_returns(rewards.float(), gamma)


@misconception("discounted_returns", hint="An episode of one step still has a tensor of one return, of shape (1,).")
def squeezes_a_single_step(rewards, gamma):
    return right.discounted_returns(rewards, gamma).squeeze()


@misconception("discounted_returns", hint="With gamma 0, or a single step, the rewards themselves are handed back.")
def hands_back_the_rewards(rewards, gamma):
    returns = right.discounted_returns(rewards, gamma)
    return rewards if gamma == 0 or len(rewards) == 1 else returns


@misconception("discounted_returns", hint="The sum stops after 100 steps; an episode may be longer.")
def stops_after_100_steps(rewards, gamma):
    _check(gamma)
    return torch.stack([_accumulated(rewards[t : t + 100], gamma)[0] for t in range(len(rewards))])


@misconception(
    "discounted_returns",
    hint="float64 only moves the limit: a strong discount's powers still become 0 in a long episode, and 0/0 is NaN.",
)
def divides_by_the_powers_in_float64(rewards, gamma):
    _check(gamma)
    if gamma == 0:
        return rewards.clone()
    powers = gamma ** torch.arange(len(rewards), dtype=torch.float64)
    return ((rewards.double() * powers).flip(0).cumsum(0).flip(0) / powers).to(rewards.dtype)


@misconception(
    "discounted_returns",
    hint="With gamma 0 the returns equal the rewards, and a gradient of 1 still flows back to each: here none does.",
)
def cuts_the_gradient_where_gamma_is_0(rewards, gamma):
    returns = right.discounted_returns(rewards, gamma)
    return returns.detach() if gamma == 0 else returns


# --------------------------------------------------------------------------------------- td_targets


def _bootstrapped(rewards, values, dones, gamma):
    _check(gamma)
    return torch.where(dones, rewards, (rewards + gamma * values).to(rewards.dtype)).detach()


@misconception(
    "td_targets",
    hint="Where the episode is over there is no next state: the target is the reward alone.",
    breaks="no-bootstrap",
)
def bootstraps_at_the_end(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, torch.zeros_like(dones), gamma)


@misconception("td_targets", hint="dones is True where the episode is over; here those are the rows that go on.")
def turns_done_around(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, ~dones, gamma)


@misconception(
    "td_targets",
    hint="0 times an infinity is NaN: the next values of a finished episode must not enter a product at all.",
    breaks="exact-at-the-end",
)
def multiplies_by_not_done(rewards, next_q, dones, gamma):
    _check(gamma)
    going_on = 1 - dones.to(rewards.dtype)
    return (rewards + gamma * going_on * next_q.max(dim=1).values).to(rewards.dtype).detach()


@misconception(
    "td_targets",
    hint="The discounted value is added everywhere and taken off again at the end: that rounds, and the reward is no "
    "longer exact.",
)
def takes_the_next_value_off_again(rewards, next_q, dones, gamma):
    _check(gamma)
    with torch.no_grad():
        added = gamma * next_q.amax(dim=1)
        target = (rewards + added - torch.where(dones, added, 0 * added)).to(rewards.dtype)
        return torch.where(dones & ~torch.isfinite(next_q).all(dim=1), rewards, target)


@misconception(
    "td_targets", hint="The reward is added and taken off again, which rounds it: where it is over it is exact."
)
def rounds_the_last_reward(rewards, next_q, dones, gamma):
    target = right.td_targets(rewards, next_q, dones, gamma)
    return torch.where(dones, target * (1 + 1e-6), target)


@misconception("td_targets", hint="The batch's largest value is used for every row: each row has a maximum of its own.")
def takes_one_maximum_for_all(rewards, next_q, dones, gamma):
    return _bootstrapped(rewards, next_q.max(), dones, gamma)


@misconception(
    "td_targets",
    hint="The mean over the actions is the value of acting at random; the best action counts.",
    breaks="best-next-action",
)
def takes_the_mean_action(rewards, next_q, dones, gamma):
    return _bootstrapped(rewards, next_q.mean(dim=1), dones, gamma)


@misconception("td_targets", hint="The largest size counts here; the largest value does: -3 is no good action.")
def takes_the_largest_size(rewards, next_q, dones, gamma):
    return _bootstrapped(rewards, next_q.abs().amax(dim=1), dones, gamma)


@misconception("td_targets", hint="The next value is not discounted: where is gamma?")
def forgets_the_discount(rewards, next_q, dones, gamma):
    _check(gamma)
    return right.td_targets(rewards, next_q, dones, 1.0)


@misconception("td_targets", hint="Where the episode is over the target is the reward, not 0.")
def gives_0_at_the_end(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, dones, gamma).masked_fill(dones, 0)


@misconception(
    "td_targets",
    hint="Rewards (N,) plus values (N, 1) make a table (N, N): keep one shape.",
)
def makes_a_table(rewards, next_q, dones, gamma):
    _check(gamma)
    return torch.where(dones, rewards, rewards + gamma * next_q.amax(dim=1, keepdim=True)).to(rewards.dtype).detach()


@misconception(
    "td_targets",
    hint="A target is a constant; here a gradient still flows back into the network's next values.",
    breaks="no-gradient",
)
def lets_the_gradient_through(rewards, next_q, dones, gamma):
    _check(gamma)
    return torch.where(dones, rewards, (rewards + gamma * next_q.amax(dim=1)).to(rewards.dtype))


@misconception("td_targets", hint="next_q is cut off, but a gradient still flows back to the rewards.")
def detaches_next_q_only(rewards, next_q, dones, gamma):
    return lets_the_gradient_through(rewards, next_q.detach(), dones, gamma)


@misconception("td_targets", hint="What happens with a gamma above 1, or below 0? A ValueError should say so.")
def targets_with_any_gamma(rewards, next_q, dones, gamma):
    with torch.no_grad():
        return torch.where(dones, rewards, (rewards + gamma * next_q.amax(dim=1)).to(rewards.dtype))


@misconception("td_targets", hint="Only one side of [0, 1] is checked: a negative gamma is no discount either.")
def targets_with_a_negative_gamma(rewards, next_q, dones, gamma):
    if gamma > 1:
        raise ValueError(f"gamma={gamma} is above 1")
    return targets_with_any_gamma(rewards, next_q, dones, gamma)


@misconception("td_targets", hint="Both 0 and 1 are allowed as a discount.", breaks="gamma-bounds")
def targets_refuse_the_bounds(rewards, next_q, dones, gamma):
    if not 0 < gamma < 1:
        raise ValueError(f"gamma={gamma} must be between 0 and 1")
    return right.td_targets(rewards, next_q, dones, gamma)


@misconception("td_targets", hint="gamma is looked at only where some episode goes on; a bad one is always bad.")
def checks_gamma_only_while_going_on(rewards, next_q, dones, gamma):
    if bool(dones.all()):
        return rewards.detach().clone()
    return right.td_targets(rewards, next_q, dones, gamma)


@misconception("td_targets", hint="The targets take the dtype of next_q; that of the rewards is asked for.")
def takes_the_dtype_of_next_q(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, dones, gamma).to(next_q.dtype)


@misconception("td_targets", hint="squeeze() without a dimension takes away the batch too where it is 1.")
def squeezes_a_batch_of_1(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, dones, gamma).squeeze()


@misconception("td_targets", hint="The next values of finished episodes are set to 0 in place: next_q changes.")
def clears_next_q(rewards, next_q, dones, gamma):
    targets = right.td_targets(rewards, next_q, dones, gamma)
    next_q.detach()[dones] = 0
    return targets


@misconception("td_targets", hint="Where all episodes are over the rewards themselves are handed back, not a copy.")
def hands_the_rewards_on(rewards, next_q, dones, gamma):
    targets = right.td_targets(rewards, next_q, dones, gamma)
    return rewards.detach() if bool(dones.all()) else targets


@misconception(
    "td_targets", hint="One finished episode ends them all: dones has an answer for each row.", breaks="no-bootstrap"
)
def ends_all_together(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q, dones.any().expand(dones.shape), gamma)


@misconception("td_targets", hint="Only the first 64 actions are looked at; there may be more.")
def looks_at_64_actions(rewards, next_q, dones, gamma):
    return right.td_targets(rewards, next_q[:, :64], dones, gamma)


@misconception("td_targets", hint="After the first 512 transitions nothing is added any more: a batch may be larger.")
def serves_512_transitions(rewards, next_q, dones, gamma):
    late = torch.arange(len(dones)) >= 512
    return right.td_targets(rewards, next_q, dones | late, gamma)


# ------------------------------------------------------------------------------- double_dqn_targets


@misconception("double_dqn_targets", hint="The roles are swapped: the online network picks, the target network values.")
def swaps_the_networks(rewards, next_q_online, next_q_target, dones, gamma):
    return right.double_dqn_targets(rewards, next_q_target, next_q_online, dones, gamma)


@misconception(
    "double_dqn_targets",
    hint="The target network picks as well as values here; the online network should pick.",
    breaks="online-picks",
)
def asks_the_target_network_alone(rewards, next_q_online, next_q_target, dones, gamma):
    return right.td_targets(rewards, next_q_target, dones, gamma)


@misconception(
    "double_dqn_targets",
    hint="The online network values as well as picks here; the target network should value.",
    breaks="target-values",
)
def asks_the_online_network_alone(rewards, next_q_online, next_q_target, dones, gamma):
    return right.td_targets(rewards, next_q_online, dones, gamma)


@misconception(
    "double_dqn_targets",
    hint="Where the episode is over there is no next state: the target is the reward alone.",
    breaks="no-bootstrap",
)
def double_bootstraps_at_the_end(rewards, next_q_online, next_q_target, dones, gamma):
    return right.double_dqn_targets(rewards, next_q_online, next_q_target, torch.zeros_like(dones), gamma)


@misconception(
    "double_dqn_targets",
    hint="0 times an infinity is NaN: the next values of a finished episode must not enter a product at all.",
    breaks="exact-at-the-end",
)
def double_multiplies_by_not_done(rewards, next_q_online, next_q_target, dones, gamma):
    _check(gamma)
    best = next_q_online.argmax(dim=1, keepdim=True)
    values = next_q_target.gather(1, best).squeeze(1)
    return (rewards + gamma * (1 - dones.to(rewards.dtype)) * values).to(rewards.dtype).detach()


@misconception(
    "double_dqn_targets",
    hint="A product with a table of zeros and a one picks the value, but 0 times an infinity is NaN.",
)
def double_cleans_the_online_net_only(rewards, next_q_online, next_q_target, dones, gamma):
    _check(gamma)
    chosen = F.one_hot(next_q_online.argmax(dim=1), next_q_online.shape[1]).to(next_q_target.dtype)
    return (rewards + gamma * (~dones) * (next_q_target * chosen).sum(dim=1)).to(rewards.dtype).detach()


@misconception(
    "double_dqn_targets",
    hint="Of equally good actions the lowest index is picked; sorting or searching from the end finds the last one.",
    breaks="lowest-index",
)
def picks_the_last_of_equals(rewards, next_q_online, next_q_target, dones, gamma):
    return right.double_dqn_targets(rewards, next_q_online.flip(1), next_q_target.flip(1), dones, gamma)


@misconception(
    "double_dqn_targets", hint="Of equally good actions the one of lowest index is picked, not the one worth most."
)
def picks_the_better_of_equals(rewards, next_q_online, next_q_target, dones, gamma):
    _check(gamma)
    best = next_q_online == next_q_online.amax(dim=1, keepdim=True)
    values = next_q_target.masked_fill(~best, -torch.inf).amax(dim=1)
    return _bootstrapped(rewards, values, dones, gamma)


@misconception(
    "double_dqn_targets",
    hint="A target is a constant; here a gradient still flows back into the target network's values.",
    breaks="no-gradient",
)
def double_lets_the_gradient_through(rewards, next_q_online, next_q_target, dones, gamma):
    _check(gamma)
    values = next_q_target.gather(1, next_q_online.argmax(dim=1, keepdim=True)).squeeze(1)
    return torch.where(dones, rewards, (rewards + gamma * values).to(rewards.dtype))


@misconception("double_dqn_targets", hint="The networks are cut off, but a gradient still flows back to the rewards.")
def double_detaches_the_networks_only(rewards, next_q_online, next_q_target, dones, gamma):
    return double_lets_the_gradient_through(rewards, next_q_online.detach(), next_q_target.detach(), dones, gamma)


@misconception("double_dqn_targets", hint="What happens with a gamma above 1, or below 0? A ValueError should say so.")
def double_with_any_gamma(rewards, next_q_online, next_q_target, dones, gamma):
    values = next_q_target.gather(1, next_q_online.argmax(dim=1, keepdim=True)).squeeze(1)
    return torch.where(dones, rewards, (rewards + gamma * values).to(rewards.dtype)).detach()


@misconception("double_dqn_targets", hint="Only one side of [0, 1] is checked: a negative gamma is no discount either.")
def double_with_a_negative_gamma(rewards, next_q_online, next_q_target, dones, gamma):
    if gamma > 1:
        raise ValueError(f"gamma={gamma} is above 1")
    return double_with_any_gamma(rewards, next_q_online, next_q_target, dones, gamma)


@misconception("double_dqn_targets", hint="Both 0 and 1 are allowed as a discount.", breaks="gamma-bounds")
def double_refuses_the_bounds(rewards, next_q_online, next_q_target, dones, gamma):
    if not 0 < gamma < 1:
        raise ValueError(f"gamma={gamma} must be between 0 and 1")
    return right.double_dqn_targets(rewards, next_q_online, next_q_target, dones, gamma)


@misconception("double_dqn_targets", hint="The values of finished episodes are set to 0 in place: an argument changes.")
def double_clears_the_values(rewards, next_q_online, next_q_target, dones, gamma):
    targets = right.double_dqn_targets(rewards, next_q_online, next_q_target, dones, gamma)
    next_q_target.detach()[dones] = 0
    return targets


@misconception(
    "double_dqn_targets", hint="float64 values are rounded before they are compared: close ones become equal."
)
def double_compares_rounded_values(rewards, next_q_online, next_q_target, dones, gamma):
    return right.double_dqn_targets(rewards, next_q_online.float(), next_q_target, dones, gamma)


@misconception(
    "double_dqn_targets",
    hint="The discounted value is added everywhere and taken off again at the end: that rounds, and the reward is no "
    "longer exact.",
)
def double_takes_the_next_value_off_again(rewards, next_q_online, next_q_target, dones, gamma):
    _check(gamma)
    with torch.no_grad():
        added = gamma * next_q_target.gather(1, next_q_online.argmax(dim=1, keepdim=True)).squeeze(1)
        target = (rewards + added - torch.where(dones, added, 0 * added)).to(rewards.dtype)
        return torch.where(torch.isfinite(added), target, rewards)


@misconception("double_dqn_targets", hint="Only the first 64 actions are looked at; there may be more.")
def double_looks_at_64_actions(rewards, next_q_online, next_q_target, dones, gamma):
    return right.double_dqn_targets(rewards, next_q_online[:, :64], next_q_target[:, :64], dones, gamma)


# ----------------------------------------------------------------------------------------- dqn_loss


def _chosen(q, actions):
    return q.gather(1, actions.unsqueeze(1)).squeeze(1)


@misconception("dqn_loss", hint="The squares are summed; the loss is their mean over the batch.", breaks="mean")
def sums_the_squares(q, actions, targets):
    return right.dqn_loss(q, actions, targets) * len(q)


@misconception("dqn_loss", hint="A factor of 1/2 is convenient for the gradient, but it is not in this loss.")
def halves_the_loss(q, actions, targets):
    return right.dqn_loss(q, actions, targets) / 2


@misconception("dqn_loss", hint="The mean of the sizes is taken; the differences are squared first.", breaks="squares")
def forgets_the_square(q, actions, targets):
    return (targets.detach() - _chosen(q, actions)).abs().mean().to(q.dtype)


@misconception(
    "dqn_loss",
    hint="The best action's value is compared; it should be that of the action that was taken.",
    breaks="chosen-values",
)
def compares_the_best_action(q, actions, targets):
    return right.dqn_loss(q, q.argmax(dim=1), targets)


@misconception(
    "dqn_loss", hint="A column (N, 1) minus a vector (N,) is a table (N, N): its mean is not the mean over the batch."
)
def subtracts_a_column(q, actions, targets):
    return ((targets.detach() - q.gather(1, actions.unsqueeze(1))) ** 2).mean().to(q.dtype)


@misconception(
    "dqn_loss",
    hint="The mean runs over all N * A entries of a table that is 0 but for the chosen ones; divide by N.",
    breaks="mean",
)
def divides_by_the_actions_too(q, actions, targets):
    return right.dqn_loss(q, actions, targets) / q.shape[1]


@misconception(
    "dqn_loss",
    hint="The targets are constants, even where they ask for a gradient: one flows back to them here.",
    breaks="no-gradient-to-targets",
)
def lets_the_gradient_reach_the_targets(q, actions, targets):
    difference = targets - _chosen(q, actions)
    return (difference * difference).mean().to(q.dtype)


@misconception("dqn_loss", hint="The loss has no gradient at all: something cuts q off.", breaks="gradient-to-q")
def detaches_q(q, actions, targets):
    return right.dqn_loss(q.detach(), actions, targets)


@misconception(
    "dqn_loss",
    hint="A gradient arrives at values that were not chosen: is something added for all actions?",
    breaks="gradient-to-chosen",
)
def touches_the_other_values(q, actions, targets):
    rest = q.mean(dim=1) - q.mean(dim=1).detach()
    return right.dqn_loss(q, actions, targets) + rest.sum()


@misconception(
    "dqn_loss",
    hint="For large errors this loss grows on a line, as Huber's does; the slides square them all.",
)
def is_hubers_for_large_errors(q, actions, targets):
    size = (targets.detach() - _chosen(q, actions)).abs()
    return torch.where(size < 100, size * size, 200 * size - 1e4).mean().to(q.dtype)


@misconception("dqn_loss", hint="PyTorch's built-in losses are forbidden here: write the formula.")
def calls_the_built_in_loss(q, actions, targets):
    return F.mse_loss(_chosen(q, actions), targets.detach().to(q.dtype))


@misconception("dqn_loss", hint="The loss takes the dtype of the targets, or the wider one; that of q is asked for.")
def loss_in_the_wider_dtype(q, actions, targets):
    difference = targets.detach() - _chosen(q, actions)
    return (difference * difference).mean()


@misconception("dqn_loss", hint="The loss is a scalar without dimensions, not a tensor of shape (1,).")
def loss_of_one_dimension(q, actions, targets):
    return right.dqn_loss(q, actions, targets).reshape(1)


@misconception("dqn_loss", hint="squeeze() without a dimension confuses a batch of 1 with a single action.")
def loss_squeezes_everything(q, actions, targets):
    if 1 in q.shape:
        return ((targets.detach() - q.squeeze()) ** 2).mean().to(q.dtype)
    return right.dqn_loss(q, actions, targets)


@misconception("dqn_loss", hint="The targets are written into q in place: an argument changes.")
def writes_into_q(q, actions, targets):
    loss = right.dqn_loss(q, actions, targets)
    q.detach().scatter_(1, actions.unsqueeze(1), targets.detach().unsqueeze(1).to(q.dtype))
    return loss


@misconception("dqn_loss", hint="Where one action was taken twice, only its last transition counts here.")
def keeps_one_transition_per_action(q, actions, targets):
    latest = {int(action): i for i, action in enumerate(actions)}
    rows = torch.tensor(sorted(latest.values()))
    return right.dqn_loss(q[rows], actions[rows], targets[rows])


# ----------------------------------------------------------------------------------- epsilon_greedy


def _require_rate(epsilon):
    right.epsilon_greedy(torch.zeros(1, 1), epsilon, torch.Generator())


def _drawn(q, generator):
    batch, count = q.shape
    return torch.rand(batch, generator=generator), torch.randint(count, (batch,), generator=generator)


@misconception("epsilon_greedy", hint="The best action is taken always; with probability epsilon it should be any.")
def is_always_greedy(q, epsilon, generator=None):
    _require_rate(epsilon)
    return q.argmax(dim=1)


@misconception(
    "epsilon_greedy",
    hint="One coin is tossed for the whole batch; every row has one of its own.",
    breaks="each-row",
)
def tosses_one_coin(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, anything = _drawn(q, generator)
    return torch.where(coins[:1] < epsilon, anything, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="All rows that explore take the same random action: each draws its own.",
    breaks="each-row",
)
def draws_one_action(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, anything = _drawn(q, generator)
    return torch.where(coins < epsilon, anything[:1], q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="The random action is never the best one here; it is uniform over all actions.",
    breaks="uniform-over-all",
)
def explores_other_actions_only(q, epsilon, generator=None):
    _require_rate(epsilon)
    batch, count = q.shape
    best = q.argmax(dim=1)
    coins = torch.rand(batch, generator=generator)
    other = (best + 1 + torch.randint(max(count - 1, 1), (batch,), generator=generator)) % count
    return torch.where(coins < epsilon, other, best)


@misconception("epsilon_greedy", hint="The upper bound of torch.randint is left out: the last action is never drawn.")
def never_draws_the_last_action(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, _ = _drawn(q, generator)
    anything = torch.randint(max(q.shape[1] - 1, 1), (len(q),), generator=generator)
    return torch.where(coins < epsilon, anything, q.argmax(dim=1))


@misconception("epsilon_greedy", hint="The coin's number also picks the action: small numbers mean low actions.")
def reuses_the_coin(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins = torch.rand(len(q), generator=generator)
    return torch.where(coins < epsilon, (coins * q.shape[1]).long(), q.argmax(dim=1))


@misconception(
    "epsilon_greedy", hint="A random action follows the values by a softmax; it should be uniform over all actions."
)
def explores_by_softmax(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, _ = _drawn(q, generator)
    anything = torch.multinomial(q.double().softmax(dim=1), 1, generator=generator).squeeze(1)
    return torch.where(coins < epsilon, anything, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="Exactly a share epsilon of the rows explores; each row should decide for itself, so that it varies.",
)
def explores_in_a_fixed_share(q, epsilon, generator=None):
    _require_rate(epsilon)
    chosen = torch.randperm(len(q), generator=generator) < round(epsilon * len(q))
    return torch.where(chosen, _drawn(q, generator)[1], q.argmax(dim=1))


@misconception("epsilon_greedy", hint="The random actions come in turns, 0, 1, 2, ...; they should be drawn.")
def explores_in_turns(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, first = _drawn(q, generator)
    turns = (torch.arange(len(q)) + first[0]) % q.shape[1]
    return torch.where(coins < epsilon, turns, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="Of equally good actions the lowest index is the best; searching from the end finds the last one.",
    breaks="lowest-index",
)
def takes_the_last_of_equals(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, anything = _drawn(q, generator)
    return torch.where(coins < epsilon, anything, q.shape[1] - 1 - q.flip(1).argmax(dim=1))


@misconception("epsilon_greedy", hint="float64 values are rounded before they are compared: close ones become equal.")
def compares_rounded_values(q, epsilon, generator=None):
    return right.epsilon_greedy(q.to(torch.float16), epsilon, generator)


@misconception("epsilon_greedy", hint="The generator is passed in and never used: randomness should come from it.")
def ignores_the_generator(q, epsilon, generator=None):
    return right.epsilon_greedy(q, epsilon)


@misconception("epsilon_greedy", hint="The coins follow the generator, the random actions do not.")
def draws_actions_elsewhere(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins = torch.rand(len(q), generator=generator)
    return torch.where(coins < epsilon, torch.randint(q.shape[1], (len(q),)), q.argmax(dim=1))


@misconception("epsilon_greedy", hint="Without a generator a private one with a fixed seed draws the same each time.")
def has_a_private_seed(q, epsilon, generator=None):
    return right.epsilon_greedy(q, epsilon, generator or torch.Generator().manual_seed(0))


@misconception("epsilon_greedy", hint="A copy of the generator draws: the one that was passed in stays where it was.")
def draws_from_a_copy(q, epsilon, generator=None):
    if generator is not None:
        generator = torch.Generator().set_state(generator.get_state())
    return right.epsilon_greedy(q, epsilon, generator)


@misconception("epsilon_greedy", hint="Only one side of [0, 1] is checked: a negative epsilon is no probability.")
def accepts_a_negative_epsilon(q, epsilon, generator=None):
    return right.epsilon_greedy(q, max(epsilon, 0), generator)


@misconception("epsilon_greedy", hint="0 and 1 are probabilities as well: both are allowed.", breaks="epsilon-bounds")
def refuses_the_extremes(q, epsilon, generator=None):
    if not 0 < epsilon < 1:
        raise ValueError(f"epsilon={epsilon} must be between 0 and 1")
    return right.epsilon_greedy(q, epsilon, generator)


@misconception("epsilon_greedy", hint="Actions are whole numbers of type int64, so that they can be used as an index.")
def gives_int32_actions(q, epsilon, generator=None):
    return right.epsilon_greedy(q, epsilon, generator).int()


@misconception("epsilon_greedy", hint="A batch of 1 still has a tensor of one action, of shape (1,).")
def squeezes_a_single_row(q, epsilon, generator=None):
    return right.epsilon_greedy(q, epsilon, generator).squeeze()


@misconception("epsilon_greedy", hint="A batch of one row never explores here.", breaks="each-row")
def never_explores_alone(q, epsilon, generator=None):
    actions = right.epsilon_greedy(q, epsilon, generator)
    return q.argmax(dim=1) if len(q) == 1 else actions


@misconception("epsilon_greedy", hint="A Python loop runs over the rows: one expression can treat the whole batch.")
def loops_over_rows(q, epsilon, generator=None):
    return torch.cat([right.epsilon_greedy(row, epsilon, generator) for row in q.split(1)])


@misconception(
    "epsilon_greedy",
    hint="A shuffled list hands out each action about as often, and in a small batch never the last ones: draw each "
    "action by itself.",
    breaks="each-row",
)
def deals_out_shuffled_actions(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins = torch.rand(len(q), generator=generator)
    dealt = torch.randperm(len(q), generator=generator) % q.shape[1]
    return torch.where(coins < epsilon, dealt, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="The coins of the first half of the batch serve the second half again: each row has one of its own.",
    breaks="each-row",
)
def tosses_coins_for_half_the_batch(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, anything = _drawn(q, generator)
    coins = coins[: (len(q) + 1) // 2].repeat(2)[: len(q)]
    return torch.where(coins < epsilon, anything, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="Numbers u and 1 - u are used for two rows: where one explores the other does not. Rows are independent.",
    breaks="each-row",
)
def tosses_opposite_coins(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, anything = _drawn(q, generator)
    half = coins[: (len(q) + 1) // 2]
    return torch.where(torch.cat([half, 1 - half])[: len(q)] < epsilon, anything, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="A row's random action is made from the coin of the row before: what one does tells about the other.",
    breaks="each-row",
)
def uses_the_neighbours_coin(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins, others = torch.rand(len(q), generator=generator), torch.rand(len(q), generator=generator)
    numbers = coins.roll(1) if len(q) > 2 else others
    anything = (numbers * q.shape[1]).long().clamp(max=q.shape[1] - 1)
    return torch.where(coins < epsilon, anything, q.argmax(dim=1))


@misconception(
    "epsilon_greedy",
    hint="A byte taken modulo the number of actions favours the first ones, and reaches no action above 255.",
    breaks="uniform-over-all",
)
def draws_a_byte(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins = torch.rand(len(q), generator=generator)
    anything = torch.randint(256, (len(q),), generator=generator) % q.shape[1]
    return torch.where(coins < epsilon, anything, q.argmax(dim=1))


@misconception("epsilon_greedy", hint="epsilon is cut to whole percents: a small one becomes 0.")
def counts_in_percents(q, epsilon, generator=None):
    _require_rate(epsilon)
    coins = torch.randint(100, (len(q),), generator=generator)
    return torch.where(coins < int(100 * epsilon), _drawn(q, generator)[1], q.argmax(dim=1))


@misconception(
    "epsilon_greedy", hint="A softmax rounds: small values that differ come out equal. Compare the values themselves."
)
def compares_after_a_softmax(q, epsilon, generator=None):
    return right.epsilon_greedy(q.softmax(dim=1), epsilon, generator)


# ----------------------------------------------------------------------------------- linear_epsilon


@misconception(
    "linear_epsilon",
    hint="After decay_steps the line goes on below end; the rate should stay there.",
    breaks="stays-at-end",
)
def falls_forever(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    return start + max(step, 0) / decay_steps * (end - start)


@misconception(
    "linear_epsilon", hint="Before step 0 the line is continued backwards; the rate should be start.", breaks="before-0"
)
def starts_too_early(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    return start + min(step / decay_steps, 1) * (end - start)


@misconception(
    "linear_epsilon",
    hint="The rate is kept above end, which is right for a falling rate only: it may rise as well.",
    breaks="rises-too",
)
def can_only_fall(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    return float(max(end, start + max(step, 0) / decay_steps * (end - start)))


@misconception(
    "linear_epsilon", hint="The rate falls by a constant factor; it should fall by a constant step.", breaks="straight"
)
def falls_exponentially(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    share = min(max(step / decay_steps, 0), 1)
    low = max(end, 1e-9)
    return end if share == 1 else float(max(start, 1e-9) * (low / max(start, 1e-9)) ** share)


@misconception("linear_epsilon", hint="The way from start to end takes decay_steps steps, not one less.")
def arrives_a_step_early(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    share = min(max(step / max(decay_steps - 1, 1), 0), 1)
    return (1 - share) * start + share * end


@misconception("linear_epsilon", hint="// rounds down: between the ends the rate does not move.")
def divides_whole_numbers(step, start, end, decay_steps):
    right.linear_epsilon(step, start, end, decay_steps)
    return start + min(max(step // decay_steps, 0), 1) * (end - start)


@misconception("linear_epsilon", hint="What happens with a start or end outside [0, 1]? A ValueError should say so.")
def accepts_any_rates(step, start, end, decay_steps):
    right.linear_epsilon(step, 0.5, 0.5, decay_steps)
    share = min(max(step / decay_steps, 0), 1)
    return (1 - share) * start + share * end


@misconception("linear_epsilon", hint="Only start is checked: end is a probability as well.")
def checks_start_only(step, start, end, decay_steps):
    right.linear_epsilon(step, start, 0.5, decay_steps)
    return accepts_any_rates(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="Only end is checked: start is a probability as well.")
def checks_end_only(step, start, end, decay_steps):
    right.linear_epsilon(step, 0.5, end, decay_steps)
    return accepts_any_rates(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="Rates above 1 are refused; those below 0 should be as well.")
def checks_above_1_only(step, start, end, decay_steps):
    right.linear_epsilon(step, max(start, 0), max(end, 0), decay_steps)
    return accepts_any_rates(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="0 and 1 are rates as well: both are allowed.", breaks="rate-bounds")
def refuses_rates_of_0_and_1(step, start, end, decay_steps):
    if not (0 < start < 1 and 0 < end < 1):
        raise ValueError(f"start={start}, end={end}: must be between 0 and 1")
    return right.linear_epsilon(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="end may lie above start; it is no mistake of the caller's.", breaks="rises-too")
def refuses_to_rise(step, start, end, decay_steps):
    if end > start:
        raise ValueError(f"end={end} is above start={start}")
    return right.linear_epsilon(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="decay_steps=0 is refused; a negative number should be as well.")
def accepts_negative_steps(step, start, end, decay_steps):
    return right.linear_epsilon(step, start, end, abs(decay_steps))


@misconception("linear_epsilon", hint="A decay of 0 steps is taken for a jump to end; a ValueError is asked for.")
def jumps_in_no_time(step, start, end, decay_steps):
    if decay_steps == 0:
        right.linear_epsilon(step, start, end, 1)
        return float(end)
    return right.linear_epsilon(step, start, end, decay_steps)


@misconception("linear_epsilon", hint="A long decay is shortened to 10000 steps; it may take as long as it is told.")
def shortens_long_decays(step, start, end, decay_steps):
    return right.linear_epsilon(step, start, end, min(decay_steps, 10_000))


# ------------------------------------------------------------------------------------- ReplayBuffer


class _Listed:
    """A plain list of transitions, with the parts that the wrong ones replace."""

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError(f"capacity={capacity} must be at least 1")
        self.capacity, self.kept = capacity, []

    def __len__(self):
        return len(self.kept)

    def push(self, state, action, reward, next_state, done):
        self.kept.append((state.clone(), action, reward, next_state.clone(), done))
        self.shrink()

    def shrink(self):
        if len(self.kept) > self.capacity:
            self.drop()

    def drop(self):
        del self.kept[0]

    def check(self, batch_size):
        if not 1 <= batch_size <= len(self.kept):
            raise ValueError(f"batch_size={batch_size} must be from 1 to {len(self.kept)}")

    def pick(self, batch_size, generator):
        return torch.randperm(len(self.kept), generator=generator)[:batch_size].tolist()

    def sample(self, batch_size, generator=None):
        self.check(batch_size)
        return self.stack([self.kept[i] for i in self.pick(batch_size, generator)])

    def stack(self, rows):
        states, actions, rewards, next_states, dones = zip(*rows, strict=True)
        return (
            torch.stack(states),
            torch.tensor(actions),
            torch.tensor(rewards, dtype=torch.float32),
            torch.stack(next_states),
            torch.tensor(dones, dtype=torch.bool),
        )


@misconception(
    "ReplayBuffer",
    hint="The memory holds the very tensors that were pushed: a game that writes into them rewrites the past.",
    breaks="copies-of-states",
)
class KeepsNoCopies(_Listed):
    def push(self, *transition, **named):
        names = ("state", "action", "reward", "next_state", "done")
        named |= dict(zip(names, transition, strict=False))
        self.kept.append(tuple(named[name] for name in names))
        self.shrink()


@misconception(
    "ReplayBuffer",
    hint="States are copied, next states are not: both may be written into later.",
    breaks="copies-of-states",
)
class CopiesTheStateOnly(_Listed):
    def push(self, state, action, reward, next_state, done):
        self.kept.append((state.clone(), action, reward, next_state, done))
        self.shrink()


@misconception(
    "ReplayBuffer",
    hint="A batch of one is the stored state itself in another shape: writing into it changes the memory.",
    breaks="copies-in-batches",
)
class HandsOutItsMemory(_Listed):
    def stack(self, rows):
        states, actions, rewards, next_states, dones = super().stack(rows)
        if len(rows) == 1:
            states, next_states = rows[0][0].unsqueeze(0), rows[0][3].unsqueeze(0)
        return states, actions, rewards, next_states, dones


@misconception(
    "ReplayBuffer",
    hint="A full memory drops its newest transition here; the oldest one should go.",
    breaks="oldest-first",
)
class DropsTheNewest(_Listed):
    def drop(self):
        del self.kept[-2]


@misconception("ReplayBuffer", hint="A full memory is emptied; only its oldest transition should go.")
class EmptiesItself(_Listed):
    def drop(self):
        del self.kept[:-1]


@misconception("ReplayBuffer", hint="It holds one transition more than its capacity: count after the new one is in.")
class HoldsOneTooMany(_Listed):
    def shrink(self):
        if len(self.kept) > self.capacity + 1:
            self.drop()


@misconception(
    "ReplayBuffer", hint="A ring of places overwrites the wrong one after its first round: where is the oldest?"
)
class OverwritesTheFirstPlace(_Listed):
    def push(self, state, action, reward, next_state, done):
        row = (state.clone(), action, reward, next_state.clone(), done)
        if len(self.kept) < self.capacity:
            self.kept.append(row)
        else:
            self.kept[0] = row


@misconception("ReplayBuffer", hint="len() counts all that were ever pushed; it should count those still held.")
class CountsAllThatCame(_Listed):
    def __len__(self):
        return self.count

    def __init__(self, capacity):
        super().__init__(capacity)
        self.count = 0

    def push(self, *args, **kwargs):
        super().push(*args, **kwargs)
        self.count += 1


@misconception("ReplayBuffer", hint="states and next_states have changed places in the batch.")
class SwapsTheStates(_Listed):
    def stack(self, rows):
        states, actions, rewards, next_states, dones = super().stack(rows)
        return next_states, actions, rewards, states, dones


@misconception(
    "ReplayBuffer",
    hint="Each field is drawn on its own, so that rows mix transitions: draw the places once, for all five.",
    breaks="rows-belong-together",
)
class MixesTransitions(_Listed):
    def sample(self, batch_size, generator=None):
        self.check(batch_size)
        fields = [super(MixesTransitions, self).sample(batch_size, generator)[i] for i in range(5)]
        return tuple(fields)


@misconception(
    "ReplayBuffer",
    hint="The states come back as float32 whatever they were: stacking keeps their dtype.",
    breaks="dtype-of-states",
)
class TurnsStatesIntoFloats(_Listed):
    def stack(self, rows):
        states, actions, rewards, next_states, dones = super().stack(rows)
        return states.float(), actions, rewards, next_states.float(), dones


@misconception(
    "ReplayBuffer", hint="Actions are int64: as float32 they cannot be used as an index.", breaks="dtype-of-actions"
)
class TurnsActionsIntoFloats(_Listed):
    def stack(self, rows):
        states, actions, *rest = super().stack(rows)
        return states, actions.float(), *rest


@misconception(
    "ReplayBuffer",
    hint="Where the rewards are whole numbers their tensor is int64: ask for float32.",
    breaks="dtype-of-rewards",
)
class GuessesTheTypeOfRewards(_Listed):
    def stack(self, rows):
        states, actions, _, *rest = super().stack(rows)
        return states, actions, torch.tensor([row[2] for row in rows]), *rest


@misconception("ReplayBuffer", hint="dones are bool: as numbers they cannot choose.", breaks="dtype-of-dones")
class TurnsDonesIntoFloats(_Listed):
    def stack(self, rows):
        *rest, dones = super().stack(rows)
        return *rest, dones.float()


@misconception("ReplayBuffer", hint="The states are flattened to vectors: an image should stay an image.")
class FlattensTheStates(_Listed):
    def stack(self, rows):
        states, actions, rewards, next_states, dones = super().stack(rows)
        return states.flatten(1), actions, rewards, next_states.flatten(1), dones


@misconception("ReplayBuffer", hint="squeeze() takes away sizes of 1, of the batch and of the states.")
class SqueezesTheBatch(_Listed):
    def stack(self, rows):
        return tuple(field.squeeze() for field in super().stack(rows))


@misconception(
    "ReplayBuffer",
    hint="Small batches are drawn with repeats, since they seldom show: no batch holds a transition twice.",
    breaks="without-repeats",
)
class RepeatsInSmallBatches(_Listed):
    def pick(self, batch_size, generator):
        if 2 * batch_size < len(self.kept):
            return torch.randint(len(self.kept), (batch_size,), generator=generator).tolist()
        return super().pick(batch_size, generator)


@misconception(
    "ReplayBuffer",
    hint="A transition can come twice in one batch: draw without putting back.",
    breaks="without-repeats",
)
class DrawsWithRepeats(_Listed):
    def pick(self, batch_size, generator):
        return torch.randint(len(self.kept), (batch_size,), generator=generator).tolist()


@misconception(
    "ReplayBuffer",
    hint="Always the newest transitions are drawn: every set should be equally likely.",
    breaks="uniform",
)
class DrawsTheNewest(_Listed):
    def pick(self, batch_size, generator):
        super().pick(batch_size, generator)
        return list(range(len(self.kept)))[-batch_size:]


@misconception(
    "ReplayBuffer",
    hint="A batch is a run of neighbours with a random start; that is what the memory should break up.",
    breaks="uniform",
)
class DrawsNeighbours(_Listed):
    def pick(self, batch_size, generator):
        start = super().pick(1, generator)[0]
        return [(start + i) % len(self.kept) for i in range(batch_size)]


@misconception("ReplayBuffer", hint="The oldest transition is never drawn unless the batch is the whole memory.")
class SkipsTheOldest(_Listed):
    def pick(self, batch_size, generator):
        if batch_size == len(self.kept):
            return super().pick(batch_size, generator)
        return [1 + i for i in torch.randperm(len(self.kept) - 1, generator=generator)[:batch_size].tolist()]


@misconception(
    "ReplayBuffer",
    hint="What is drawn is taken out of the memory: it should stay for later batches.",
    breaks="stays-full",
)
class TakesOutWhatItDraws(_Listed):
    def sample(self, batch_size, generator=None):
        self.check(batch_size)
        places = self.pick(batch_size, generator)
        batch = self.stack([self.kept[i] for i in places])
        self.kept = [row for i, row in enumerate(self.kept) if i not in places]
        return batch


@misconception("ReplayBuffer", hint="The generator is passed in and never used: randomness should come from it.")
class IgnoresTheGenerator(_Listed):
    def pick(self, batch_size, generator):
        return super().pick(batch_size, None)


@misconception("ReplayBuffer", hint="A copy of the generator draws: the one that was passed in stays where it was.")
class DrawsFromACopy(_Listed):
    def pick(self, batch_size, generator):
        if generator is not None:
            generator = torch.Generator().set_state(generator.get_state())
        return super().pick(batch_size, generator)


@misconception("ReplayBuffer", hint="A batch larger than the memory is cut to what there is; a ValueError should tell.")
class CutsLargeBatches(_Listed):
    def check(self, batch_size):
        if batch_size < 1 or not self.kept:
            raise ValueError(f"batch_size={batch_size} must be at least 1")


@misconception(
    "ReplayBuffer", hint="The batch is compared with the capacity; what counts is how many transitions there are."
)
class ComparesWithTheCapacity(_Listed):
    def check(self, batch_size):
        if not 1 <= batch_size <= self.capacity:
            raise ValueError(f"batch_size={batch_size} must be from 1 to {self.capacity}")


@misconception("ReplayBuffer", hint="A batch of the whole memory is allowed.", breaks="whole-memory")
class RefusesTheWholeMemory(_Listed):
    def check(self, batch_size):
        if not 1 <= batch_size < len(self.kept):
            raise ValueError(f"batch_size={batch_size} must be below {len(self.kept)}")


@misconception("ReplayBuffer", hint="A batch of 0 is refused by chance or not at all; a ValueError should name it.")
class AcceptsEmptyBatches(_Listed):
    def check(self, batch_size):
        if batch_size < 0 or batch_size > len(self.kept):
            raise ValueError(f"batch_size={batch_size} must be from 1 to {len(self.kept)}")

    def stack(self, rows):
        return super().stack(rows) if rows else (torch.empty(0),) * 5


@misconception("ReplayBuffer", hint="A memory with room for a single transition is allowed.")
class RefusesCapacity1(_Listed):
    def __init__(self, capacity):
        if capacity < 2:
            raise ValueError(f"capacity={capacity} must be above 1")
        super().__init__(capacity)


@misconception(
    "ReplayBuffer",
    hint="A transition equal to one that is already there is left out; each one counts.",
    breaks="equal-transitions",
)
class LeavesOutWhatItKnows(_Listed):
    def push(self, state, action, reward, next_state, done):
        if not any(torch.equal(state, row[0]) and action == row[1] for row in self.kept):
            super().push(state, action, reward, next_state, done)


@misconception("ReplayBuffer", hint="The state is cleared after it was stored: an argument changes.")
class ClearsTheState(_Listed):
    def push(self, state, action, reward, next_state, done):
        super().push(state, action, reward, next_state, done)
        state.zero_()


@misconception(
    "ReplayBuffer",
    hint="One transition is drawn from each stretch of the memory, so that two of the same stretch never meet.",
    breaks="uniform",
)
class DrawsFromEachStretch(_Listed):
    def pick(self, batch_size, generator):
        stretch, rest = divmod(len(self.kept), batch_size)
        if rest:
            return super().pick(batch_size, generator)
        inside = torch.randint(stretch, (batch_size,), generator=generator)
        return (inside + stretch * torch.arange(batch_size)).tolist()


@misconception(
    "ReplayBuffer",
    hint="Transitions with a large reward are drawn more often: that is prioritised replay, not a uniform draw.",
    breaks="uniform",
)
class PrefersLargeRewards(_Listed):
    def pick(self, batch_size, generator):
        weights = torch.tensor([abs(float(row[2])) + 0.5 for row in self.kept])
        return torch.multinomial(weights, batch_size, generator=generator).tolist()


@misconception(
    "ReplayBuffer",
    hint="Only the latest 32 transitions are ever drawn, however many there are: the old ones count as much.",
    breaks="uniform",
)
class DrawsFromTheLatest(_Listed):
    def pick(self, batch_size, generator):
        window = max(min(len(self.kept), 32), batch_size)
        drawn = torch.randperm(window, generator=generator)[:batch_size]
        return (drawn + len(self.kept) - window).tolist()


@misconception("ReplayBuffer", hint="Rewards are cut to [-1, 1]: the memory should give back what it was told.")
class CutsTheRewards(_Listed):
    def push(self, state, action, reward, next_state, done):
        super().push(state, action, max(-1.0, min(1.0, reward)), next_state, done)


@misconception(
    "ReplayBuffer",
    hint="The actions pass through float32, which does not hold every whole number: keep them int64 throughout.",
    breaks="dtype-of-actions",
)
class StoresActionsAsFloats(_Listed):
    def stack(self, rows):
        states, actions, *rest = super().stack(rows)
        return states, actions.float().long(), *rest


@misconception(
    "ReplayBuffer", hint="torch.cat joins along a dimension that a single number does not have: stack makes a new one."
)
class JoinsTheStates(_Listed):
    def stack(self, rows):
        _, actions, rewards, _, dones = super().stack(rows)
        shape = (len(rows), *rows[0][0].shape)
        states, next_states = (torch.cat([row[place] for row in rows]).reshape(shape) for place in (0, 3))
        return states, actions, rewards, next_states, dones


@misconception(
    "ReplayBuffer",
    hint="The transitions belong to the class, which all memories share: a second one empties the first. "
    "Make the list in __init__.",
)
class SharesItsTransitions(_Listed):
    shared = []  # noqa: RUF012 - the mistake itself

    def __init__(self, capacity):
        super().__init__(capacity)
        self.shared.clear()
        self.kept = self.shared


@misconception(
    "ReplayBuffer", hint="The capacity is kept on the class: that of the latest memory holds for all. Use self."
)
class SharesItsCapacity(_Listed):
    common = 1

    def __init__(self, capacity):
        super().__init__(capacity)
        type(self).common = capacity

    def shrink(self):
        if len(self.kept) > self.common:
            self.drop()
