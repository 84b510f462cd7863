"""Checks of random answers by their law, each with a false-alarm rate that is proven, not estimated.

A right answer fails a check with at most the probability ``false_alarm``, whatever its way of drawing:
the bounds below are exact or non-asymptotic (Hoeffding; Laurent and Massart 2000, lemma 1; Massart's constant for the
Dvoretzky-Kiefer-Wolfowitz inequality; Chernoff). ``counted_alarms`` adds up what a whole suite may raise.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from statistics import NormalDist
from typing import Final, Literal

import torch

from autograder.errors import Mismatch

FALSE_ALARM: Final = 1e-10
ROUNDING: Final = 1e-6  # of a value in float32, relative to the bound of its law
_STANDARD = NormalDist()
_LEDGER: ContextVar[list[float] | None] = ContextVar("alarms", default=None)


@contextlib.contextmanager
def counted_alarms() -> Iterator[list[float]]:
    """The false-alarm rates of all checks made inside, one entry each; their sum bounds that of them all."""
    alarms: list[float] = []
    token = _LEDGER.set(alarms)
    try:
        yield alarms
    finally:
        _LEDGER.reset(token)


def _count(false_alarm: float) -> None:
    ledger = _LEDGER.get()
    if ledger is not None:
        ledger.append(false_alarm)


@dataclass(frozen=True)
class Law:
    """A law with mean 0: ``normal`` with a standard deviation, or ``uniform`` on ``[-bound, bound]``."""

    kind: Literal["normal", "uniform"]
    scale: float  # the standard deviation, or the bound

    @property
    def std(self) -> float:
        """The standard deviation."""
        return self.scale if self.kind == "normal" else self.scale / math.sqrt(3)

    def cdf(self, values: torch.Tensor) -> torch.Tensor:
        """The distribution function, in float64."""
        scaled = values.double() / self.scale
        if self.kind == "normal":
            cumulative: torch.Tensor = torch.special.ndtr(scaled)
            return cumulative
        return ((scaled + 1) / 2).clamp(0, 1)

    def mean_room(self, count: int, false_alarm: float) -> float:
        """How far the mean of ``count`` values lies from 0 at most."""
        if self.kind == "normal":
            return _quantile(false_alarm) * self.scale / math.sqrt(count)
        return self.scale * math.sqrt(2 * math.log(2 / false_alarm) / count)

    def square_room(self, count: int, false_alarm: float) -> tuple[float, float]:
        """How far the mean square of ``count`` values lies below and above the variance at most."""
        level = math.log(2 / false_alarm)
        if self.kind == "normal":
            below = 2 * math.sqrt(level / count)
            return self.scale**2 * below, self.scale**2 * (below + 2 * level / count)
        room = self.scale**2 * math.sqrt(level / (2 * count))
        return room, room

    def extremes(self, count: int, false_alarm: float) -> tuple[float, float]:
        """Between which sizes the largest and the smallest of ``count`` values lie."""
        reached = (false_alarm / 4) ** (1 / count)  # P(all below) = reached**count
        if self.kind == "uniform":
            return self.scale * (2 * reached - 1), self.scale * (1 + ROUNDING)
        return self.scale * _STANDARD.inv_cdf(reached), self.scale * _quantile(false_alarm / (2 * count))

    def product_room(self, first: torch.Tensor, false_alarm: float) -> float:
        """How far the inner product of ``first`` with as many independent values of this law lies from 0 at most."""
        size = float(torch.linalg.vector_norm(first.double()))
        if self.kind == "normal":
            return _quantile(false_alarm) * self.scale * size
        return self.scale * size * math.sqrt(2 * math.log(2 / false_alarm))


def normal(std: float) -> Law:
    """The normal law with mean 0."""
    return Law("normal", std)


def uniform(bound: float) -> Law:
    """The uniform law on ``[-bound, bound]``."""
    return Law("uniform", bound)


def _quantile(false_alarm: float) -> float:
    """What a standard normal number exceeds in size with probability ``false_alarm``."""
    return -_STANDARD.inv_cdf(false_alarm / 2)


def assert_follows(
    sample: torch.Tensor, law: Law, *, what: str = "the values", false_alarm: float = FALSE_ALARM
) -> None:
    """The entries of ``sample`` must look like independent draws of ``law``.

    Looks at the mean, the variance, the distribution function and both extremes, each with a quarter of
    ``false_alarm``. A few thousand entries tell a normal from a uniform law; some ten thousand a
    normal law from one that is cut at two deviations.
    """
    _count(false_alarm)
    values, part = sample.double().flatten(), false_alarm / 4
    count = values.numel()
    if not bool(torch.isfinite(values).all()):
        raise Mismatch(f"{what} hold a NaN or an infinity")
    mean, square = float(values.mean()), float((values * values).mean())
    room = law.mean_room(count, part)
    if abs(mean) > room:
        raise Mismatch(f"{what} have mean {mean:.4g}", expected=f"0, up to {room:.2g}", got=f"{mean:.4g}")
    below, above = law.square_room(count, part)
    if not law.std**2 - below <= square <= law.std**2 + above:
        raise Mismatch(
            f"{what} have variance {square:.4g}, not {law.std**2:.4g}",
            expected=f"between {law.std**2 - below:.4g} and {law.std**2 + above:.4g}",
            got=f"{square:.4g}",
        )
    _assert_extremes(values, law, what, part)
    ranks = torch.arange(1, count + 1, dtype=torch.float64) / count
    reached = law.cdf(values.sort().values)
    gap = float(torch.maximum((ranks - reached).abs(), (ranks - 1 / count - reached).abs()).max())
    if gap > math.sqrt(math.log(2 / part) / (2 * count)):
        raise Mismatch(f"{what} have the right mean and variance, but are not {law.kind}", expected=f"a {law.kind} law")


def _assert_extremes(values: torch.Tensor, law: Law, what: str, false_alarm: float) -> None:
    least, most = law.extremes(values.numel(), false_alarm)
    for name, size in (("largest", float(values.max())), ("smallest", -float(values.min()))):
        if not least <= size <= most:
            sign = "-" if name == "smallest" else ""
            raise Mismatch(
                f"the {name} of {values.numel()} values should lie near {sign}{least:.4g}: {what} are not {law.kind}",
                expected=f"a size between {least:.4g} and {most:.4g}",
                got=f"{size:.4g}",
            )


def assert_unrelated(
    first: torch.Tensor,
    second: torch.Tensor,
    law: Law,
    *,
    what: str = "two draws in a row",
    false_alarm: float = FALSE_ALARM,
) -> None:
    """``second`` (of ``law``) must be drawn independently of ``first``, a tensor with as many entries."""
    _count(false_alarm)
    product = float(first.double().flatten() @ second.double().flatten())
    if not abs(product) <= law.product_room(first.flatten(), false_alarm):
        sizes = float(torch.linalg.vector_norm(first.double()) * torch.linalg.vector_norm(second.double()))
        raise Mismatch(f"{what} are related (correlation {product / sizes if sizes else 1:.2g})", expected="none")


def assert_share(
    hits: int, trials: int, probability: float, *, what: str = "the share", false_alarm: float = FALSE_ALARM
) -> None:
    """``hits`` of ``trials`` must be plausible where each happens with ``probability``, independently."""
    _count(false_alarm)
    share = hits / trials
    if trials * _divergence(share, probability) > math.log(2 / false_alarm):
        raise Mismatch(
            f"{what} is {share:.4g} of {trials}, not about {probability:.4g}",
            expected=f"{probability:.4g}",
            got=f"{share:.4g}",
        )


def assert_equal_shares(counts: Sequence[int], *, what: str = "value", false_alarm: float = FALSE_ALARM) -> None:
    """``counts`` of equally likely values must be plausible; ``what`` is called by its number."""
    trials = sum(counts)
    for index, hits in enumerate(counts):
        part = false_alarm / len(counts)
        assert_share(hits, trials, 1 / len(counts), what=f"the share of {what} {index}", false_alarm=part)


def _divergence(share: float, probability: float) -> float:
    """Kullback and Leibler's, between two coins; infinite where ``share`` cannot happen."""
    total = 0.0
    for seen, asked in ((share, probability), (1 - share, 1 - probability)):
        if seen > 0:
            total += seen * math.log(seen / asked) if asked > 0 else math.inf
    return total
