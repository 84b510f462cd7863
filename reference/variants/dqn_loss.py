"""Right answers to ``dqn_loss`` in unusual dress: each must earn full marks."""

from __future__ import annotations

import functools
import itertools
import random
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from autograder.testing import variant


def _require(**shares):
    for name, value in shares.items():
        if value < 0 or value > 1:
            raise ValueError(f"{name} should lie in [0, 1]")


# ------------------------------------------------------------------------------ discounted returns


@variant("discounted_returns")
def returns_by_a_triangle(rewards, gamma):
    """A triangular matrix of powers, without a loop."""
    _require(gamma=gamma)
    steps = torch.arange(len(rewards), device=rewards.device)
    lag = (steps[None, :] - steps[:, None]).clamp(min=0)
    powers = torch.triu(torch.tensor(float(gamma), dtype=torch.float64) ** lag)
    return (powers @ rewards.double()).to(rewards.dtype)


@variant("discounted_returns")
def returns_by_their_definition(rewards, gamma):
    """Two loops, as the sum is written."""
    _require(gamma=gamma)
    return torch.stack(
        [sum(gamma ** (k - t) * rewards[k] for k in range(t, len(rewards))) for t in range(len(rewards))]
    )


@variant("discounted_returns")
def returns_into_a_buffer(rewards, gamma):
    """Fills a tensor of its own in place."""
    _require(gamma=gamma)
    returns = torch.empty_like(rewards)
    running = rewards.new_zeros(())
    for t in reversed(range(rewards.numel())):
        running = rewards[t] + gamma * running
        returns[t] = running
    return returns


@variant("discounted_returns")
def returns_by_doubling(rewards, gamma):
    """Adds what lies 1, 2, 4, ... steps ahead."""
    _require(gamma=gamma)
    returns, shift = rewards.clone(), 1
    while shift < len(returns):
        ahead = F.pad(returns[shift:], (0, shift))
        returns = returns + float(gamma) ** shift * ahead
        shift *= 2
    return returns


@variant("discounted_returns")
def returns_by_accumulate(rewards, gamma):
    """Goes through itertools, and comes back flipped, not contiguous by construction."""
    _require(gamma=gamma)
    backwards = itertools.accumulate(rewards.flip(0), lambda later, reward: reward + gamma * later)
    return torch.stack(tuple(backwards)).flip(0)


@variant("discounted_returns")
def returns_by_convolution(rewards, gamma):
    """A correlation with the powers of gamma."""
    _require(gamma=gamma)
    steps = len(rewards)
    powers = torch.tensor([float(gamma) ** k for k in range(steps)], dtype=rewards.dtype, device=rewards.device)
    padded = F.pad(rewards, (0, steps - 1))
    return F.conv1d(padded[None, None], powers[None, None])[0, 0]


@variant("discounted_returns")
def returns_recursively(rewards, gamma):
    """The recursion of the formula, taken by its word."""
    _require(gamma=gamma)
    if len(rewards) == 1:
        return rewards.clone()
    rest = returns_recursively(rewards[1:], gamma)
    return torch.cat([rewards[:1] + gamma * rest[:1], rest])


# --------------------------------------------------------------------------------------- td_targets


@variant("td_targets")
def targets_by_masked_fill(rewards, next_q, dones, gamma):
    _require(gamma=gamma)
    best, _ = torch.max(next_q.detach(), dim=-1)
    return (rewards.detach() + gamma * best.masked_fill(dones, 0.0)).to(rewards.dtype)


@variant("td_targets")
def targets_by_index(rewards, next_q, dones, gamma):
    """Only the rows that go on are looked at."""
    _require(gamma=gamma)
    targets, going_on = rewards.detach().clone(), dones.logical_not()
    targets[going_on] += (gamma * next_q.detach()[going_on].max(1)[0]).to(rewards.dtype)
    return targets


@variant("td_targets")
def targets_of_cleaned_values(rewards, next_q, dones, gamma):
    """The values of finished episodes are made 0 before anything else; then the textbook's product."""
    _require(gamma=gamma)
    values = torch.where(dones.unsqueeze(-1), torch.zeros_like(next_q), next_q).detach()
    targets = rewards.detach() + gamma * values.amax(-1) * (~dones).to(values.dtype)
    return targets.type_as(rewards)


@variant("td_targets")
@torch.no_grad()
def targets_by_sorting(rewards, next_q, dones, gamma):
    """The last column of the sorted values; the function carries a decorator."""
    _require(gamma=gamma)
    best = next_q.sort(dim=1).values[:, -1]
    return torch.where(~dones, rewards.double() + gamma * best.double(), rewards.double()).to(rewards.dtype)


@variant("td_targets")
def targets_as_a_parameter(rewards, next_q, dones, gamma):
    """A parameter asks for a gradient, but none flows out of it."""
    _require(gamma=gamma)
    best = next_q.detach().topk(1, dim=1).values[:, 0]
    return nn.Parameter(torch.where(dones, rewards.detach(), (rewards.detach() + gamma * best).to(rewards.dtype)))


@variant("td_targets")
def targets_through_numpy(rewards, next_q, dones, gamma):
    """NumPy all the way, in float64."""
    _require(gamma=gamma)
    r, q, over = (part.detach().cpu().numpy() for part in (rewards, next_q, dones))
    with np.errstate(invalid="ignore"):
        y = np.where(over, r.astype(np.float64), r.astype(np.float64) + gamma * q.max(axis=1).astype(np.float64))
    return torch.from_numpy(y).to(rewards)


@variant("td_targets")
def targets_of_finite_values(rewards, next_q, dones, gamma):
    """nan_to_num first: then even a product is exact where the episode is over."""
    _require(gamma=gamma)
    with torch.no_grad():
        values = torch.nan_to_num(next_q, nan=0.0, posinf=0.0, neginf=0.0).max(dim=1).values
        return (rewards + gamma * values * dones.logical_not()).to(rewards.dtype)


@variant("td_targets")
def targets_by_lerp(rewards, next_q, dones, gamma):
    """Odd signs: the reward minus a negative."""
    _require(gamma=gamma)
    worst = torch.min(-next_q, dim=1).values
    ahead = torch.where(dones, torch.zeros((), dtype=worst.dtype), worst)
    return (rewards - ahead * gamma).detach().to(rewards.dtype)


# ------------------------------------------------------------------------------- double_dqn_targets


@variant("double_dqn_targets")
def double_by_rows(rewards, next_q_online, next_q_target, dones, gamma):
    _require(gamma=gamma)
    rows = torch.arange(rewards.shape[0], device=rewards.device)
    values = next_q_target[rows, next_q_online.max(dim=1).indices]
    return torch.where(dones, rewards, (rewards + gamma * values).to(rewards.dtype)).detach()


@variant("double_dqn_targets")
def double_by_take_along_dim(rewards, next_q_online, next_q_target, dones, gamma):
    _require(gamma=gamma)
    best = torch.argmax(next_q_online.detach(), 1, keepdim=True)
    values = torch.take_along_dim(next_q_target.detach(), best, dim=1).flatten()
    return (rewards.detach() + gamma * values.masked_fill(dones, 0)).to(rewards.dtype)


@variant("double_dqn_targets")
def double_by_one_hot(rewards, next_q_online, next_q_target, dones, gamma):
    """A product with a table of zeros and a one, after the rows that are over have been cleared."""
    _require(gamma=gamma)
    over = dones[:, None]
    online, target = (torch.where(over, 0.0, q.double()) for q in (next_q_online, next_q_target))
    chosen = F.one_hot(online.argmax(1), online.shape[1]).double()
    values = torch.einsum("na,na->n", target, chosen)
    return (rewards.double() + gamma * values).to(rewards.dtype).detach()


@variant("double_dqn_targets")
def double_by_stable_sorting(rewards, next_q_online, next_q_target, dones, gamma):
    """A stable sort keeps equals in order."""
    _require(gamma=gamma)
    order = torch.sort(next_q_online, dim=1, descending=True, stable=True).indices
    values = next_q_target.gather(1, order)[:, 0]
    with torch.no_grad():
        return torch.where(dones, rewards, (rewards + gamma * values).to(rewards.dtype))


@variant("double_dqn_targets")
def double_for_the_living(rewards, next_q_online, next_q_target, dones, gamma):
    """Only the rows that go on are looked at."""
    _require(gamma=gamma)
    targets = rewards.detach().clone()
    rows = torch.nonzero(~dones).squeeze(1)
    best = next_q_online.detach()[rows].argmax(dim=1)
    targets[rows] = (rewards.detach()[rows] + gamma * next_q_target.detach()[rows, best]).to(rewards.dtype)
    return targets


@variant("double_dqn_targets")
def double_by_flat_index(rewards, next_q_online, next_q_target, dones, gamma):
    """Places in the flattened table."""
    _require(gamma=gamma)
    batch, count = next_q_online.shape
    places = torch.arange(batch, device=next_q_online.device) * count + next_q_online.argmax(dim=-1)
    values = torch.take(next_q_target, places)
    return torch.where(dones, rewards, (gamma * values + rewards).to(rewards.dtype)).data


# ----------------------------------------------------------------------------------------- dqn_loss


@variant("dqn_loss")
def loss_by_index(q, actions, targets):
    return (targets.detach() - q[torch.arange(len(q), device=q.device), actions]).pow(2).mean().to(q.dtype)


@variant("dqn_loss")
def loss_by_one_hot(q, actions, targets):
    """A product with a table of zeros and a one."""
    chosen = (q * F.one_hot(actions, num_classes=q.shape[1])).sum(dim=-1)
    return torch.square(chosen - targets.detach()).mean().to(q.dtype)


@variant("dqn_loss")
def loss_by_inner_product(q, actions, targets):
    difference = targets.detach().to(q.dtype) - q.gather(-1, actions.view(-1, 1)).view(-1)
    return difference @ difference / len(difference)


@variant("dqn_loss")
def loss_in_float64(q, actions, targets):
    wide = q.double()
    difference = torch.take_along_dim(wide, actions[:, None], 1)[:, 0] - targets.detach().double()
    return difference.square().sum().div(difference.numel()).to(q.dtype)


@variant("dqn_loss")
def loss_by_mask(q, actions, targets):
    """A boolean table picks one entry per row, in the order of rows."""
    chosen = q[torch.arange(q.shape[1], device=q.device) == actions[:, None]]
    return ((chosen - targets.detach()) ** 2).mean().type(q.dtype)


@variant("dqn_loss")
def loss_with_its_own_gradient(q, actions, targets):
    """An autograd function with the gradient by hand."""

    class Squares(torch.autograd.Function):
        @staticmethod
        def forward(ctx, q, actions, targets):
            difference = q.gather(1, actions[:, None])[:, 0] - targets
            ctx.save_for_backward(difference, actions)
            ctx.shape = q.shape
            return (difference**2).mean().to(q.dtype)

        @staticmethod
        def backward(ctx, grad):
            difference, actions = ctx.saved_tensors
            grad_q = torch.zeros(ctx.shape, dtype=grad.dtype, device=grad.device)
            rows = torch.arange(len(actions), device=grad.device)
            grad_q[rows, actions] = (2 * grad * difference / len(actions)).to(grad.dtype)
            return grad_q, None, None

    return Squares.apply(q, actions, targets)


@variant("dqn_loss")
def loss_by_einsum(q, actions, targets):
    difference = q.gather(1, actions[:, None]).squeeze(1) - targets.clone().detach()
    return (torch.einsum("n,n->", difference, difference) / q.size(0)).to(q.dtype)


@variant("dqn_loss")
def loss_by_table_of_targets(q, actions, targets):
    """The targets in q's own detached place: all other entries differ by 0."""
    goal = q.detach().clone().scatter(1, actions[:, None], targets.detach().to(q.dtype)[:, None])
    return ((goal - q) ** 2).sum(dim=1).mean()


# ----------------------------------------------------------------------------------- epsilon_greedy


@variant("epsilon_greedy")
def greedy_by_multinomial(q, epsilon, generator=None):
    """One draw from the probabilities of all actions."""
    _require(epsilon=epsilon)
    batch, count = q.shape
    shares = torch.full((batch, count), epsilon / count, dtype=torch.float64, device=q.device)
    shares[torch.arange(batch, device=q.device), q.argmax(dim=1)] += 1 - epsilon
    return torch.multinomial(shares, 1, generator=generator).squeeze(1)


@variant("epsilon_greedy")
def greedy_by_one_uniform_number(q, epsilon, generator=None):
    """The same number decides whether and, stretched to [0, 1), how."""
    _require(epsilon=epsilon)
    coins = torch.rand(len(q), generator=generator, dtype=torch.float64, device=q.device)
    stretched = (coins / max(epsilon, 1e-300) * q.shape[1]).clamp(max=q.shape[1] - 1).long()
    return torch.where(coins < epsilon, stretched, q.argmax(dim=1))


@variant("epsilon_greedy")
def greedy_by_bernoulli(q, epsilon, generator=None):
    """In place on its own result."""
    _require(epsilon=epsilon)
    actions = q.max(dim=1).indices.clone()
    shares = torch.full((len(q),), float(epsilon), device=q.device)
    explores = torch.bernoulli(shares, generator=generator).bool()
    actions[explores] = torch.randint(0, q.size(1), (int(explores.sum()),), generator=generator, device=q.device)
    return actions


@variant("epsilon_greedy")
def greedy_by_random_ranks(q, epsilon, generator=None):
    """A random action is the place of the largest of A random numbers; drawn before the coins."""
    _require(epsilon=epsilon)
    anything = torch.rand(q.shape, generator=generator, device=q.device).argmax(dim=1)
    knows = torch.rand(len(q), generator=generator, device=q.device) >= epsilon
    return knows * q.argmax(dim=1) + ~knows * anything


@variant("epsilon_greedy")
def greedy_by_noise(q, epsilon, generator=None):
    """Rows that explore are replaced by noise; then the best of each row."""
    _require(epsilon=epsilon)
    explores = torch.empty(len(q), 1, device=q.device).uniform_(generator=generator) < epsilon
    noise = torch.randn(q.shape, generator=generator, device=q.device).to(q.dtype)
    return torch.argmax(torch.where(explores, noise, q), -1)


@variant("epsilon_greedy")
def greedy_with_a_daughter(q, epsilon, generator=None):
    """A generator of its own, seeded by a draw from the one that was given."""
    _require(epsilon=epsilon)
    seed = torch.randint(2**62, (), generator=generator, device=q.device).item()
    daughter = np.random.default_rng(seed)
    explores = torch.from_numpy(daughter.random(len(q)) < epsilon).to(q.device)
    anything = torch.from_numpy(daughter.integers(q.shape[1], size=len(q))).to(q.device)
    return torch.where(explores, anything, q.argmax(dim=1)).long()


@variant("epsilon_greedy")
def greedy_with_a_short_cut(q, epsilon, generator=None):
    """Nothing is drawn where nothing is random."""
    _require(epsilon=epsilon)
    best = (q == q.amax(dim=1, keepdim=True)).to(torch.uint8).argmax(dim=1)
    if epsilon == 0:
        return best
    explores = torch.rand(len(q), generator=generator, device=q.device) <= epsilon
    return torch.where(
        explores,
        torch.randint_like(best, q.shape[1])
        if generator is None
        else torch.randint(q.shape[1], best.shape, generator=generator, device=q.device),
        best,
    )


@variant("epsilon_greedy")
def greedy_off_the_best(q, epsilon, generator=None):
    """With probability epsilon * (A - 1) / A another action than the best, which is the same law."""
    _require(epsilon=epsilon)
    batch, count = q.shape
    best = q.argmax(dim=1)
    coins = torch.rand(batch, generator=generator, dtype=torch.float64, device=q.device)
    misses = coins < epsilon * (count - 1) / count
    other = torch.randint(1, max(count, 2), (batch,), generator=generator, device=q.device)
    return torch.where(misses, (best + other) % count, best)


# ----------------------------------------------------------------------------------- linear_epsilon


def _require_steps(decay_steps):
    if decay_steps <= 0:
        raise ValueError("decay_steps must be positive")


@variant("linear_epsilon")
def rate_by_cases(step, start, end, decay_steps):
    """May return the int that it was given."""
    _require(start=start, end=end)
    _require_steps(decay_steps)
    if step <= 0:
        return start
    if step >= decay_steps:
        return end
    return start + step * (end - start) / decay_steps


@variant("linear_epsilon")
def rate_by_numpy(step, start, end, decay_steps):
    """A NumPy scalar."""
    _require_steps(decay_steps)
    _require(end=end, start=start)
    return np.interp(step, [0, decay_steps], [start, end])


@variant("linear_epsilon")
def rate_by_lerp(step, start, end, decay_steps):
    """A tensor without dimensions, in float64."""
    _require(start=start, end=end)
    _require_steps(decay_steps)
    ends = torch.tensor([start, end], dtype=torch.float64)
    return torch.lerp(ends[0], ends[1], min(max(step, 0), decay_steps) / decay_steps)


@variant("linear_epsilon")
def rate_from_the_end(step, start, end, decay_steps):
    """What is left of the way, measured from end."""
    _require(start=start, end=end)
    _require_steps(decay_steps)
    left = np.clip(decay_steps - step, 0, decay_steps)
    return float(end + (start - end) * left / decay_steps)


@variant("linear_epsilon")
def rate_within_both(step, start, end, decay_steps):
    """The line, cut at the smaller and the larger rate."""
    _require(start=start, end=end)
    _require_steps(decay_steps)
    line = start + (end - start) / decay_steps * step
    return max(min(start, end), min(max(start, end), line))


# ------------------------------------------------------------------------------------- ReplayBuffer


class Transition(NamedTuple):
    state: torch.Tensor
    action: int
    reward: float
    next_state: torch.Tensor
    done: bool


class Batch(NamedTuple):
    states: torch.Tensor
    actions: torch.Tensor
    rewards: torch.Tensor
    next_states: torch.Tensor
    dones: torch.Tensor


def _require_capacity(capacity):
    if capacity <= 0:
        raise ValueError("capacity must be positive")


def _require_size(batch_size, held):
    if batch_size <= 0 or batch_size > held:
        raise ValueError(f"cannot draw: batch_size is {batch_size}, and the memory holds {held}")


@variant("ReplayBuffer")
class RingOfTensors:
    """Tensors for all places, made with the first transition; a counter says where the next one goes."""

    def __init__(self, capacity):
        _require_capacity(capacity)
        self.capacity, self.count, self.fields = capacity, 0, None

    def __len__(self):
        return min(self.count, self.capacity)

    def push(self, state, action, reward, next_state, done):
        if self.fields is None:
            shape = (self.capacity, *state.shape)
            self.fields = (
                torch.empty(shape, dtype=state.dtype, device=state.device),
                torch.zeros(self.capacity, dtype=torch.long),
                torch.zeros(self.capacity),
                torch.empty(shape, dtype=state.dtype, device=state.device),
                torch.zeros(self.capacity, dtype=torch.bool),
            )
        for field, value in zip(self.fields, (state, action, reward, next_state, done), strict=True):
            field[self.count % self.capacity] = value
        self.count += 1

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        places = torch.randperm(len(self), generator=generator)[:batch_size]
        return [field[places] for field in self.fields]


@variant("ReplayBuffer")
class MemoryThatIsAList(list):
    """A list itself: its length is the memory's."""

    def __init__(self, capacity):
        super().__init__()
        _require_capacity(capacity)
        self.capacity = capacity

    def push(self, state, action, reward, next_state, done):
        self.append((state.clone(), action, reward, next_state.clone(), done))
        del self[: -self.capacity]

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        order = torch.rand(len(self), generator=generator, dtype=torch.float64).argsort()[:batch_size]
        states, actions, rewards, next_states, dones = zip(*(self[i] for i in order.tolist()), strict=True)
        return (
            torch.stack(states),
            torch.tensor(actions),
            torch.tensor(rewards, dtype=torch.float32),
            torch.stack(next_states),
            torch.tensor(dones),
        )


@variant("ReplayBuffer")
class ListOfTransitions:
    """Named tuples in a list; a batch is one as well, sorted by age; drawn without replacement by multinomial."""

    def __init__(self, capacity):
        _require_capacity(capacity)
        self.capacity, self.memory = capacity, []

    def __len__(self):
        return len(self.memory)

    def push(self, *args, **kwargs):
        row = Transition(*args, **kwargs)
        self.memory = [*self.memory, row._replace(state=row.state.clone(), next_state=row.next_state.clone())]
        self.memory = self.memory[-self.capacity :]

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        places = torch.multinomial(torch.ones(len(self)), batch_size, replacement=False, generator=generator)
        rows = [self.memory[i] for i in sorted(places.tolist())]
        states, actions, rewards, next_states, dones = zip(*rows, strict=True)
        return Batch(
            torch.stack(states),
            torch.LongTensor(actions),
            torch.FloatTensor(rewards),
            torch.stack(next_states),
            torch.BoolTensor(dones),
        )


@variant("ReplayBuffer")
class SeededShuffle:
    """Python's own sample, seeded by a draw from the generator."""

    def __init__(self, capacity):
        _require_capacity(capacity)
        self._capacity, self._rows = capacity, {}
        self._next = 0

    def __len__(self):
        return len(self._rows)

    def push(self, state, action, reward, next_state, done):
        self._rows[self._next] = (state.detach().clone(), action, reward, next_state.detach().clone(), done)
        self._next += 1
        self._rows.pop(self._next - 1 - self._capacity, None)

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        seed = int(torch.randint(2**60, (1,), generator=generator))
        rows = random.Random(seed).sample(list(self._rows.values()), batch_size)  # noqa: S311
        columns = list(map(list, zip(*rows, strict=True)))
        kinds = (None, torch.int64, torch.float32, None, torch.bool)
        return [
            torch.stack(column) if kind is None else torch.tensor(column, dtype=kind)
            for column, kind in zip(columns, kinds, strict=True)
        ]


@variant("ReplayBuffer")
class Reservoir:
    """Selection sampling: walks along the memory and takes each transition with the chance that is left."""

    def __init__(self, capacity):
        _require_capacity(capacity)
        self.capacity, self.fields = capacity, [[], [], [], [], []]

    def __len__(self):
        return len(self.fields[0])

    def push(self, state, action, reward, next_state, done):
        row = (
            torch.clone(state),
            torch.tensor(action),
            torch.tensor(float(reward)),
            torch.clone(next_state),
            bool(done),
        )
        for field, value in zip(self.fields, row, strict=True):
            field.append(value if isinstance(value, torch.Tensor) else torch.tensor(value))
            del field[: -self.capacity]

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        picked, held = [], len(self)
        for place, chance in enumerate(torch.rand(held, generator=generator, dtype=torch.float64).tolist()):
            if chance * (held - place) < batch_size - len(picked):
                picked.append(place)
        return tuple(torch.stack([field[place] for place in picked]) for field in self.fields)


@variant("ReplayBuffer")
class RandomRanks:
    """Sorts by random keys; keeps arrays of NumPy; an nn.Module by habit."""

    def __init__(self, capacity):
        _require_capacity(capacity)
        self.capacity, self.rows = capacity, []

    __len__ = functools.partialmethod(lambda self: len(self.rows))

    def push(self, state, action, reward, next_state, done):
        if len(self.rows) == self.capacity:
            self.rows.pop(0)
        self.device = state.device
        self.rows.append((state.cpu().numpy().copy(), action, reward, next_state.cpu().numpy().copy(), done))

    def sample(self, batch_size, generator=None):
        _require_size(batch_size, len(self))
        places = torch.rand(len(self), generator=generator, dtype=torch.float64).argsort()[:batch_size]
        states, actions, rewards, next_states, dones = zip(*(self.rows[i] for i in places), strict=True)
        return (
            torch.from_numpy(np.stack(states)).to(self.device),
            torch.from_numpy(np.array(actions, dtype=np.int64)),
            torch.from_numpy(np.array(rewards, dtype=np.float32)),
            torch.from_numpy(np.stack(next_states)).to(self.device),
            torch.from_numpy(np.array(dones)),
        )
