"""Checks of random answers: right laws pass, wrong ones fail with a message, and every alarm is accounted for."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from autograder.errors import Mismatch
from autograder.testing.statistics import (
    FALSE_ALARM,
    Law,
    assert_equal_shares,
    assert_follows,
    assert_share,
    assert_unrelated,
    counted_alarms,
    normal,
    uniform,
)

COUNT = 40_000


def drawn(law: Law, seed: int = 0, count: int = COUNT) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    if law.kind == "normal":
        return torch.randn(count, generator=generator) * law.scale
    return (torch.rand(count, generator=generator) * 2 - 1) * law.scale


LAWS = [normal(0.02), normal(3.0), uniform(0.1), uniform(2.0)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("count", [1, 50, 3000, COUNT])
def test_draws_of_the_law_follow_it(law: Law, count: int) -> None:
    for seed in range(20):
        assert_follows(drawn(law, seed, count), law)


@pytest.mark.parametrize("law", LAWS)
def test_room_is_no_wider_than_the_alarm_rate_asks(law: Law) -> None:
    """At a rate of one half the checks do raise alarms, though no more than half of the time."""
    alarms = 0
    for seed in range(100):
        try:
            assert_follows(drawn(law, seed, 2000), law, false_alarm=0.5)
        except Mismatch:
            alarms += 1
    assert 3 <= alarms <= 65


def cut(law: Law) -> Tensor:
    """A normal sample without what lies beyond two deviations."""
    sample = drawn(law, count=3 * COUNT)
    return sample[sample.abs() < 2 * law.scale][:COUNT] / 0.88


def middle(law: Law) -> Tensor:
    """The right variance, mean and extremes, but a hole around 0."""
    sample = drawn(law)
    return torch.where(sample.abs() < 0.3 * law.std, torch.sign(sample) * 0.3 * law.std, sample) / 1.004


@pytest.mark.parametrize(
    ("law", "sample", "message"),
    [
        (normal(1.0), drawn(normal(1.0)) + 0.05, r"the values have mean 0\.0"),
        (normal(1.0), drawn(normal(1.06)), r"the values have variance 1\.1\d*, not 1"),
        (normal(1.0), drawn(normal(0.94)), r"the values have variance 0\.8\d*, not 1"),
        (
            normal(1.0),
            drawn(uniform(math.sqrt(3))),
            r"the largest of 40000 values should lie near 3\.2.*are not normal",
        ),
        (normal(1.0), cut(normal(1.0)), r"the largest of 40000 values .* are not normal"),
        (normal(1.0), middle(normal(1.0)), "have the right mean and variance, but are not normal"),
        (
            uniform(1.0),
            drawn(normal(1 / math.sqrt(3))),
            r"the largest of 40000 values should lie near 0\.99.* are not uniform",
        ),
        (uniform(1.0), drawn(uniform(1.0)).abs(), r"the values have mean 0\.(5|49)"),
        (uniform(1.0), middle(uniform(1.0)), "not uniform"),
        (uniform(1.0), drawn(uniform(0.997)), r"the (largest|smallest) of 40000 values should lie near -?0\.99"),
        (normal(1.0), torch.tensor([0.0, math.nan]), "the values hold a NaN or an infinity"),
        (normal(1.0), torch.zeros(1000), r"the values have variance 0, not 1"),
    ],
)
def test_another_law_is_named(law: Law, sample: Tensor, message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        assert_follows(sample, law)


@pytest.mark.parametrize("law", LAWS)
def test_independent_draws_are_unrelated(law: Law) -> None:
    for seed in range(50):
        assert_unrelated(drawn(law, seed, 500), drawn(law, seed + 1000, 500), law)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("share", [1.0, -1.0, 0.3])
def test_related_draws_are_found(law: Law, share: float) -> None:
    first, other = drawn(law, 1, 5000), drawn(law, 2, 5000)
    with pytest.raises(Mismatch, match=r"two draws in a row are related \(correlation -?(0\.\d+|1)\)"):
        assert_unrelated(first, share * first + math.sqrt(1 - share**2) * other, law)


def test_share_of_a_coin() -> None:
    assert_share(500, 1000, 0.5)
    assert_share(0, 10, 0.0)
    assert_share(10, 10, 1.0)
    with pytest.raises(Mismatch, match=r"the share is 0\.7 of 1000, not about 0\.5"):
        assert_share(700, 1000, 0.5)
    with pytest.raises(Mismatch, match=r"the share of heads is 0\.001 of 1000, not about 0"):
        assert_share(1, 1000, 0.0, what="the share of heads")


def test_equal_shares() -> None:
    assert_equal_shares([100, 130, 90])
    with pytest.raises(Mismatch, match=r"the share of action 0 is 0 of 600"):
        assert_equal_shares([0, 300, 300], what="action")


def test_alarms_of_all_checks_are_counted() -> None:
    with counted_alarms() as alarms:
        assert_follows(drawn(normal(1.0)), normal(1.0))
        assert_unrelated(drawn(normal(1.0), 1), drawn(normal(1.0), 2), normal(1.0))
        assert_share(50, 100, 0.5, false_alarm=1e-6)
        assert_equal_shares([50, 50])
    assert math.isclose(sum(alarms), 3 * FALSE_ALARM + 1e-6)
    with counted_alarms() as none:
        pass
    assert none == []
