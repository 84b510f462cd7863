"""Model solution of the assignment ``dqn_loss``: returns, targets, loss, exploration and memory of deep Q-learning.

Sources: A. Vérine, Deep Learning II (Paris-Dauphine, 2024), "Deep Q-learning"; V. Mnih et al., Human-level control
through deep reinforcement learning (2015); H. van Hasselt et al., Deep Reinforcement Learning with Double
Q-learning (2016), arXiv:1509.06461.
"""

# ruff: noqa: FBT001 - a transition ends with the boolean done, as the contract has it

from __future__ import annotations

from collections import deque

import torch
from torch import Tensor


def _require_share(name: str, value: float) -> None:
    """Raise ``ValueError`` unless ``value`` is between 0 and 1; a NaN is not."""
    if not 0 <= value <= 1:
        raise ValueError(f"{name}={value}: must be between 0 and 1, both included")


def _bootstrapped(rewards: Tensor, next_values: Tensor, dones: Tensor, gamma: float) -> Tensor:
    """The rewards, plus the discounted values of the next states where the episode goes on."""
    going_on = (rewards + gamma * next_values).to(rewards.dtype)
    # A choice, not a product with 1 - dones: 0 times an infinity or a NaN is NaN.
    return torch.where(dones, rewards, going_on)


def discounted_returns(rewards: Tensor, gamma: float) -> Tensor:
    r"""The return from every step of one episode on: what is still to come, later rewards counting less.

    .. math:: G_t = r_t + \gamma\, G_{t+1}, \qquad G_T = 0, \qquad\text{that is}\qquad
        G_t = \sum_{k \ge t} \gamma^{k - t}\, r_k

    Args:
        rewards: the rewards of the steps ``0, ..., T - 1`` of one episode, ``(T,)``; one step is enough, and a
            gradient may flow back to them.
        gamma: the discount factor, from 0 to 1, both included.

    Returns:
        ``(T,)`` in the dtype of ``rewards``: entry ``t`` is the return from step ``t`` on.

    Raises:
        ValueError: ``gamma`` is outside ``[0, 1]``.

    Source: Vérine, Deep Learning II, "Deep Q-learning", whose formula is entry 0.
    """
    _require_share("gamma", gamma)
    following = torch.zeros_like(rewards[0])
    backwards = []
    for reward in rewards.flip(0):
        following = reward + gamma * following
        backwards.append(following)
    return torch.stack(backwards[::-1])


def td_targets(rewards: Tensor, next_q: Tensor, dones: Tensor, gamma: float) -> Tensor:
    r"""What the network should have said: the reward, plus the discounted value of the best next action.

    .. math:: y_i = r_i + \gamma \max_{a'} Q(s'_i, a'), \qquad y_i = r_i \ \text{where the episode is over}

    No gradient flows out of a target, neither to ``next_q`` nor to ``rewards``. Where the episode is over, the
    target is the reward exactly, even where that row of ``next_q`` holds an infinity or a NaN.

    Args:
        rewards: the rewards of ``N`` transitions, ``(N,)``.
        next_q: the values of all actions in the next states, ``(N, A)``.
        dones: bool ``(N,)``; True where the transition ended its episode.
        gamma: the discount factor, from 0 to 1, both included.

    Returns:
        The targets, ``(N,)``, in the dtype of ``rewards``.

    Raises:
        ValueError: ``gamma`` is outside ``[0, 1]``.

    Source: Vérine, Deep Learning II, "Deep Q-learning"; Mnih et al. (2015), algorithm 1.
    """
    _require_share("gamma", gamma)
    with torch.no_grad():
        return _bootstrapped(rewards, next_q.amax(dim=1), dones, gamma)


def double_dqn_targets(
    rewards: Tensor, next_q_online: Tensor, next_q_target: Tensor, dones: Tensor, gamma: float
) -> Tensor:
    r"""Targets in which one network picks the next action and another one values it.

    .. math:: a^*_i = \arg\max_{a'} Q_{\text{online}}(s'_i, a'), \qquad
        y_i = r_i + \gamma\, Q_{\text{target}}(s'_i, a^*_i), \qquad y_i = r_i \ \text{where the episode is over}

    Of several best actions the one with the lowest index is picked. No gradient flows out of a target. Where the
    episode is over, the target is the reward exactly, even where that row of ``next_q_online`` or
    ``next_q_target`` holds an infinity or a NaN.

    Args:
        rewards: the rewards of ``N`` transitions, ``(N,)``.
        next_q_online: the online network's values in the next states, ``(N, A)``; they pick.
        next_q_target: the target network's values in the next states, ``(N, A)``; they value.
        dones: bool ``(N,)``; True where the transition ended its episode.
        gamma: the discount factor, from 0 to 1, both included.

    Returns:
        The targets, ``(N,)``, in the dtype of ``rewards``.

    Raises:
        ValueError: ``gamma`` is outside ``[0, 1]``.

    Source: van Hasselt et al. (2016).
    """
    _require_share("gamma", gamma)
    with torch.no_grad():
        best = next_q_online.argmax(dim=1, keepdim=True)
        return _bootstrapped(rewards, next_q_target.gather(1, best).squeeze(1), dones, gamma)


def dqn_loss(q: Tensor, actions: Tensor, targets: Tensor) -> Tensor:
    r"""The mean squared difference between the targets and the values of the actions that were taken.

    .. math:: L = \frac1N \sum_i \bigl(y_i - Q(s_i, a_i)\bigr)^2

    A gradient reaches the chosen entries of ``q`` and never ``targets``, even where these ask for one.

    Args:
        q: the network's values of all actions, ``(N, A)``.
        actions: the actions taken, int64 ``(N,)``.
        targets: the targets ``y``, ``(N,)``.

    Returns:
        A scalar in the dtype of ``q``.

    Source: Vérine, Deep Learning II, "Deep Q-learning".
    """
    chosen = q.gather(1, actions.unsqueeze(1)).squeeze(1)
    difference = targets.detach() - chosen
    return (difference * difference).mean().to(q.dtype)


def epsilon_greedy(q: Tensor, epsilon: float, generator: torch.Generator | None = None) -> Tensor:
    r"""For every state an action: a random one with probability :math:`\varepsilon`, otherwise the best one.

    Each row decides for itself, independently of the others. A random action is uniform over all actions, the best
    one included. Of several best actions the one with the lowest index is taken; with ``epsilon`` 0 every
    action is the best one, with ``epsilon`` 1 every action is random.

    Args:
        q: the values of all actions in ``N`` states, ``(N, A)``.
        epsilon: the probability of a random action, from 0 to 1, both included.
        generator: where the randomness comes from, and from nowhere else; ``None`` for torch's global generator.

    Returns:
        The actions, int64 ``(N,)``.

    Raises:
        ValueError: ``epsilon`` is outside ``[0, 1]``.

    Source: Vérine, Deep Learning II, "Epsilon-greedy algorithm".
    """
    _require_share("epsilon", epsilon)
    batch, count = q.shape
    device = q.device if generator is None else generator.device
    explores = torch.rand(batch, generator=generator, device=device) < epsilon
    anything = torch.randint(count, (batch,), generator=generator, device=device)
    return torch.where(explores.to(q.device), anything.to(q.device), q.argmax(dim=1))


def linear_epsilon(step: int, start: float, end: float, decay_steps: int) -> float:
    """The exploration rate at a step: on a straight line from ``start`` to ``end``.

    It is ``start`` at step 0 and before, ``end`` at step ``decay_steps`` and ever after. It may rise as well as fall.

    Args:
        step: the step asked for.
        start: the rate at step 0, from 0 to 1, both included.
        end: the rate from step ``decay_steps`` on, from 0 to 1, both included.
        decay_steps: how many steps the way from ``start`` to ``end`` takes; at least 1.

    Returns:
        The rate, a ``float``.

    Raises:
        ValueError: ``start`` or ``end`` is outside ``[0, 1]``, or ``decay_steps`` below 1, whatever ``step`` is.

    Source: Vérine, Deep Learning II, "Epsilon-greedy algorithm"; Mnih et al. (2015) for the straight line.
    """
    _require_share("start", start)
    _require_share("end", end)
    if decay_steps < 1:
        raise ValueError(f"decay_steps={decay_steps}: must be at least 1")
    done = min(max(step / decay_steps, 0.0), 1.0)
    return (1 - done) * start + done * end


class ReplayBuffer:
    """A memory of the last transitions, from which batches are drawn at random.

    It holds up to ``capacity`` transitions; a new one drops the oldest once the memory is full. It keeps copies: a
    tensor that changes after it was pushed does not change the memory, nor does writing into a batch that
    was drawn.

    Args:
        capacity: how many transitions it holds at most; at least 1.

    Raises:
        ValueError: ``capacity`` is below 1.

    Source: Vérine, Deep Learning II, "Deep Q-learning", steps 3 and 4; Mnih et al. (2015).
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"capacity={capacity}: a memory must hold at least 1 transition")
        self._transitions: deque[tuple[Tensor, int, float, Tensor, bool]] = deque(maxlen=capacity)

    def __len__(self) -> int:
        """How many transitions it holds now."""
        return len(self._transitions)

    def push(self, state: Tensor, action: int, reward: float, next_state: Tensor, done: bool) -> None:
        """Remember one transition, and forget the oldest where the memory is full.

        Args:
            state: the state, a tensor of any shape and dtype, the same for all transitions.
            action: the number of the action taken.
            reward: the reward received.
            next_state: the state that followed, shaped like ``state``.
            done: whether the episode ended with this transition.
        """
        self._transitions.append((state.detach().clone(), action, reward, next_state.detach().clone(), done))

    def sample(
        self, batch_size: int, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Draw different transitions at random, every set of them equally likely; the memory stays as it is.

        Args:
            batch_size: how many transitions ``B`` to draw, from 1 to ``len()`` of the memory.
            generator: where the randomness comes from, and from nowhere else; ``None`` for torch's global generator.

        Returns:
            ``(states, actions, rewards, next_states, dones)``. Row ``i`` of each belongs to the same transition:
            states and next states ``(B, *state.shape)`` in the dtype they were pushed in, actions int64 ``(B,)``,
            rewards float32 ``(B,)``, dones bool ``(B,)``.

        Raises:
            ValueError: ``batch_size`` is below 1 or above ``len()`` of the memory.
        """
        if not 1 <= batch_size <= len(self):
            raise ValueError(f"batch_size={batch_size}: must be from 1 to the {len(self)} transition(s) in the memory")
        device = "cpu" if generator is None else generator.device
        picked = torch.randperm(len(self), generator=generator, device=device)[:batch_size].tolist()
        states, actions, rewards, next_states, dones = zip(*(self._transitions[i] for i in picked), strict=True)
        return (
            torch.stack(states),
            torch.tensor(actions, dtype=torch.int64),
            torch.tensor(rewards, dtype=torch.float32),
            torch.stack(next_states),
            torch.tensor(dones, dtype=torch.bool),
        )
