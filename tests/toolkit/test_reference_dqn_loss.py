"""The model solution of ``dqn_loss`` against PyTorch's own operators, known numbers and laws, and its messages."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from reference.dqn_loss import (
    ReplayBuffer,
    discounted_returns,
    double_dqn_targets,
    dqn_loss,
    epsilon_greedy,
    linear_epsilon,
    td_targets,
)

OUTSIDE = (-0.1, 1.1, -3, 2, math.inf, -math.inf, math.nan)


def normal(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


# ------------------------------------------------------------------------------ discounted returns


@pytest.mark.parametrize("steps", [1, 2, 7, 50])
@pytest.mark.parametrize("gamma", [0, 0.0, 0.5, 0.99, 1, 1.0])
def test_returns_are_a_product_with_the_powers_of_gamma(steps: int, gamma: float) -> None:
    rewards, lag = normal(steps), torch.arange(steps) - torch.arange(steps)[:, None]
    powers = torch.where(lag >= 0, torch.tensor(float(gamma), dtype=torch.float64) ** lag.clamp(min=0), 0.0)
    torch.testing.assert_close(discounted_returns(rewards, gamma), powers @ rewards)


def test_returns_by_hand() -> None:
    rewards = torch.tensor([0.5, 0.0, 0.5, -1.0])
    assert discounted_returns(rewards, 0.5).tolist() == [0.5, 0.0, 0.0, -1.0]
    assert discounted_returns(rewards, 1).tolist() == [0.0, -0.5, -0.5, -1.0]
    assert discounted_returns(rewards, 0).tolist() == rewards.tolist()


def test_returns_are_tensors_of_their_own() -> None:
    rewards = torch.tensor([2.0])
    discounted_returns(rewards, 0.0).zero_()
    assert rewards.item() == 2.0


def test_gradients_of_returns_agree_with_finite_differences() -> None:
    rewards = normal(5).requires_grad_()
    assert torch.autograd.gradcheck(lambda rewards: discounted_returns(rewards, 0.9), (rewards,))


# ------------------------------------------------------------------------------------------ targets


def test_targets_by_hand() -> None:
    next_q = torch.tensor([[1.0, 2.0, 0.0], [1.0, 2.0, 0.0], [-3.0, -1.0, -2.0]])
    rewards, dones = torch.tensor([0.5, -1.0, 0.0]), torch.tensor([False, True, False])
    torch.testing.assert_close(td_targets(rewards, next_q, dones, 0.9), torch.tensor([2.3, -1.0, -0.9]))


def test_double_targets_by_hand() -> None:
    online, target = torch.tensor([[1.0, 5.0, 3.0]]), torch.tensor([[4.0, 2.0, 9.0]])
    reward, dones = torch.tensor([0.5]), torch.tensor([False])
    assert double_dqn_targets(reward, online, target, dones, 0.5).item() == 1.5
    assert double_dqn_targets(reward, online, target, ~dones, 0.5).item() == 0.5
    assert double_dqn_targets(reward, online * 0, target, dones, 0.5).item() == 2.5


def test_one_network_in_both_roles_gives_the_plain_targets() -> None:
    rewards, next_q, dones = normal(9), normal(9, 4, seed=1), normal(9, seed=2) > 0
    plain = td_targets(rewards, next_q, dones, 0.9)
    torch.testing.assert_close(double_dqn_targets(rewards, next_q, next_q, dones, 0.9), plain)


@pytest.mark.parametrize("bad", [math.inf, -math.inf, math.nan])
def test_nothing_after_the_end_counts(bad: float) -> None:
    rewards, next_q, dones = normal(4), normal(4, 3, seed=1), torch.tensor([True, False, True, False])
    broken = next_q.masked_fill(dones[:, None], bad)
    results = (
        td_targets(rewards, broken, dones, 0.9),
        double_dqn_targets(rewards, broken, next_q, dones, 0.9),
        double_dqn_targets(rewards, next_q, broken, dones, 0.9),
    )
    for targets in results:
        assert torch.equal(targets[dones], rewards[dones])
        assert torch.isfinite(targets).all()


def test_targets_are_constants_of_their_own() -> None:
    rewards, next_q = normal(3).requires_grad_(), normal(3, 2, seed=1).requires_grad_()
    over = torch.ones(3, dtype=torch.bool)
    for targets in (
        td_targets(rewards, next_q, over, 0.9),
        td_targets(rewards, next_q, ~over, 0),
        double_dqn_targets(rewards, next_q, next_q, over, 0.9),
    ):
        assert not targets.requires_grad
        assert targets.untyped_storage().data_ptr() != rewards.untyped_storage().data_ptr()


def test_targets_have_the_dtype_of_the_rewards() -> None:
    dones = torch.tensor([False, True])
    for rewards, next_q in ((normal(2).float(), normal(2, 3)), (normal(2), normal(2, 3).float())):
        assert td_targets(rewards, next_q, dones, 0.9).dtype == rewards.dtype
        assert double_dqn_targets(rewards, next_q, next_q.double(), dones, 0.9).dtype == rewards.dtype


# --------------------------------------------------------------------------------------------- loss


@pytest.mark.parametrize("shape", [(6, 3), (1, 4), (5, 1), (1, 1)])
def test_loss_is_torchs_mean_squared_error(shape: tuple[int, int]) -> None:
    q, targets = normal(*shape).requires_grad_(), normal(shape[0], seed=1).requires_grad_()
    actions = torch.randint(shape[1], shape[:1], generator=seeded())
    loss = dqn_loss(q, actions, targets)
    expected = F.mse_loss(q[range(shape[0]), actions], targets.detach())
    torch.testing.assert_close(loss, expected)
    torch.testing.assert_close(torch.autograd.grad(loss, q, retain_graph=True), torch.autograd.grad(expected, q))
    (nothing,) = torch.autograd.grad(loss, targets, allow_unused=True)
    assert nothing is None
    assert torch.autograd.gradcheck(lambda q: dqn_loss(q, actions, targets.detach()), (q,))


def test_loss_by_hand() -> None:
    q = torch.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    loss = dqn_loss(q, torch.tensor([2, 0]), torch.tensor([5.0, 3.0]))
    assert loss.item() == 2.5
    assert torch.autograd.grad(loss, q)[0].tolist() == [[0.0, 0.0, -2.0], [1.0, 0.0, 0.0]]


def test_loss_has_the_dtype_of_q_and_stands_large_values() -> None:
    q, actions = torch.tensor([[1e4, 0.0]]), torch.tensor([0])
    loss = dqn_loss(q, actions, torch.tensor([-1e4], dtype=torch.float64))
    assert (loss.dtype, loss.item()) == (torch.float32, 4e8)


# -------------------------------------------------------------------------------------- exploration


@pytest.mark.parametrize("epsilon", [0, 0.0])
def test_without_epsilon_the_first_of_the_best_is_taken(epsilon: float) -> None:
    q = torch.tensor([[0.0, 3.0, 1.0], [2.0, 2.0, 1.0], [1.0, 1.0, 1.0]])
    actions = epsilon_greedy(q, epsilon)
    assert (actions.tolist(), actions.dtype) == ([1, 0, 0], torch.int64)


@pytest.mark.parametrize(("epsilon", "count"), [(0.1, 3), (0.5, 2), (1.0, 4), (1, 5)])
def test_shares_of_actions(epsilon: float, count: int) -> None:
    """Each share within six standard deviations."""
    trials = 40_000
    actions = epsilon_greedy(torch.eye(count)[:1].expand(trials, count), epsilon, seeded())
    shares = torch.bincount(actions, minlength=count) / trials
    expected = torch.full((count,), epsilon / count)
    expected[0] += 1 - epsilon
    assert ((shares - expected).abs() <= 6 * (expected * (1 - expected) / trials).sqrt()).all()


def test_rows_decide_for_themselves() -> None:
    away = epsilon_greedy(torch.eye(5)[:1].expand(40_000, 5), 0.5, seeded()) != 0
    both = (away[::2] & away[1::2]).double().mean().item()
    assert abs(both - 0.4**2) < 6 * math.sqrt(0.16 * 0.84 / 20_000)


def test_actions_come_from_the_generator_alone() -> None:
    q, generator, before = normal(50, 4), seeded(7), torch.get_rng_state()
    first, second = epsilon_greedy(q, 0.9, generator), epsilon_greedy(q, 0.9, generator)
    assert torch.equal(first, epsilon_greedy(q, 0.9, seeded(7)))
    assert not torch.equal(first, second)
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng():
        torch.manual_seed(7)
        assert torch.equal(first, epsilon_greedy(q, 0.9))


def test_rate_on_a_line() -> None:
    assert [linear_epsilon(step, 1.0, 0.5, 4) for step in range(-1, 7)] == [1, 1, 0.875, 0.75, 0.625, 0.5, 0.5, 0.5]
    assert [linear_epsilon(step, 0, 1, 2) for step in (-9, 0, 1, 2, 9)] == [0, 0, 0.5, 1, 1]
    assert [linear_epsilon(step, 0.9, 0.1, 1) for step in (0, 1)] == [0.9, 0.1]
    assert type(linear_epsilon(0, 1, 0, 3)) is float


# ------------------------------------------------------------------------------------------- memory


def filled(capacity: int, count: int) -> ReplayBuffer:
    """A memory that was told ``count`` transitions, numbered by their action."""
    memory = ReplayBuffer(capacity)
    for step in range(count):
        memory.push(torch.full((2, 1), float(step)), step, step / 2, torch.full((2, 1), step + 0.5), step % 2 == 0)
    return memory


@pytest.mark.parametrize(("capacity", "count"), [(1, 1), (1, 4), (5, 3), (5, 5), (5, 12)])
def test_memory_keeps_the_newest_transitions_whole(capacity: int, count: int) -> None:
    memory, held = filled(capacity, count), min(capacity, count)
    assert len(memory) == held
    states, actions, rewards, next_states, dones = memory.sample(held, seeded())
    assert sorted(actions.tolist()) == list(range(count - held, count))
    assert states.shape == next_states.shape == (held, 2, 1)
    assert torch.equal(states[:, 0, 0], actions.float())
    assert torch.equal(next_states[:, 1, 0], actions + 0.5)
    assert torch.equal(rewards, actions / 2)
    assert torch.equal(dones, actions % 2 == 0)
    assert (actions.dtype, rewards.dtype, dones.dtype) == (torch.int64, torch.float32, torch.bool)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.uint8, torch.int64])
def test_memory_keeps_the_dtype_of_states(dtype: torch.dtype) -> None:
    memory = ReplayBuffer(2)
    memory.push(torch.ones(3, dtype=dtype), 0, 1, torch.ones(3, dtype=dtype), False)
    states, _, rewards, next_states, _ = memory.sample(1)
    assert (states.dtype, rewards.dtype, next_states.dtype) == (dtype, torch.float32, dtype)


def test_memory_keeps_copies() -> None:
    memory, state = ReplayBuffer(2), torch.zeros(2)
    memory.push(state, 0, 0.0, state, False)
    state += 1
    states, _, _, next_states, _ = memory.sample(1)
    assert not states.any()
    assert not next_states.any()
    states += 1
    assert not memory.sample(1)[0].any()


def test_every_pair_is_as_likely() -> None:
    memory, generator, counts = filled(5, 8), seeded(), torch.zeros(8, 8)
    for _ in range(4000):
        low, high = sorted(memory.sample(2, generator)[1].tolist())
        counts[low, high] += 1
    shares = counts[3:, 3:].flatten()[torch.ones(5, 5).triu(1).flatten().bool()] / 4000
    assert (shares - 0.1).abs().max() < 6 * math.sqrt(0.1 * 0.9 / 4000)


def test_batches_come_from_the_generator_alone() -> None:
    memory, generator, before = filled(20, 20), seeded(7), torch.get_rng_state()
    first, second = memory.sample(10, generator)[1], memory.sample(10, generator)[1]
    assert torch.equal(first, memory.sample(10, seeded(7))[1])
    assert set(first.tolist()) != set(second.tolist())
    assert torch.equal(before, torch.get_rng_state())
    with torch.random.fork_rng():
        torch.manual_seed(7)
        assert torch.equal(first, memory.sample(10)[1])


# ----------------------------------------------------------------------------------------- messages

VECTOR, TABLE, FLAGS = torch.zeros(2), torch.zeros(2, 3), torch.zeros(2, dtype=torch.bool)
WITH_A_SHARE: dict[str, tuple[str, Callable[[float], object]]] = {
    "discounted_returns": ("gamma", lambda bad: discounted_returns(VECTOR, bad)),
    "td_targets": ("gamma", lambda bad: td_targets(VECTOR, TABLE, FLAGS, bad)),
    "double_dqn_targets": ("gamma", lambda bad: double_dqn_targets(VECTOR, TABLE, TABLE, FLAGS, bad)),
    "epsilon_greedy": ("epsilon", lambda bad: epsilon_greedy(TABLE, bad)),
    "linear_epsilon, start": ("start", lambda bad: linear_epsilon(-1, bad, 0.5, 3)),
    "linear_epsilon, end": ("end", lambda bad: linear_epsilon(0, 0.5, bad, 3)),
}


@pytest.mark.parametrize("bad", OUTSIDE)
@pytest.mark.parametrize(("name", "call"), WITH_A_SHARE.values(), ids=WITH_A_SHARE)
def test_a_share_outside_0_and_1_is_refused(name: str, call: Callable[[float], object], bad: float) -> None:
    with pytest.raises(ValueError, match=rf"^{name}={bad}: must be between 0 and 1, both included$"):
        call(bad)


@pytest.mark.parametrize("decay_steps", [0, -3])
def test_a_decay_without_steps_is_refused(decay_steps: int) -> None:
    with pytest.raises(ValueError, match=rf"^decay_steps={decay_steps}: must be at least 1$"):
        linear_epsilon(9, 1.0, 0.1, decay_steps)


@pytest.mark.parametrize("capacity", [0, -3])
def test_a_memory_without_room_is_refused(capacity: int) -> None:
    with pytest.raises(ValueError, match=rf"^capacity={capacity}: a memory must hold at least 1 transition$"):
        ReplayBuffer(capacity)


@pytest.mark.parametrize("batch_size", [0, -1, 4, 10])
def test_an_impossible_batch_is_refused(batch_size: int) -> None:
    expected = rf"^batch_size={batch_size}: must be from 1 to the 3 transition\(s\) in the memory$"
    with pytest.raises(ValueError, match=expected):
        filled(5, 3).sample(batch_size)
