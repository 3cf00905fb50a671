"""Intervals and exact tests over instances, held to scipy, to published numbers, and to simulated coverage."""

from __future__ import annotations

import random

import pytest
from scipy.stats import binomtest

from bot.trials.statistics import Difference, Share, difference, exact_p


@pytest.mark.parametrize("better", [0, 1, 2, 5, 12, 40, 700])
@pytest.mark.parametrize("worse", [0, 1, 3, 5, 11, 60, 731])
def test_mcnemars_test_is_scipys_binomial_one(better: int, worse: int) -> None:
    if better + worse:
        theirs = binomtest(better, better + worse, 0.5).pvalue
        assert exact_p(better, worse) == pytest.approx(theirs, rel=1e-9, abs=1e-300)
    assert exact_p(better, worse) == exact_p(worse, better)


def test_mcnemars_test_has_the_published_value() -> None:
    # Armitage and Berry (1994), page 127: two media for cultures, 12 and 2 discordant pairs.
    assert round(exact_p(12, 2), 4) == 0.0129


def test_no_difference_at_all_is_no_evidence() -> None:
    assert exact_p(0, 0) == 1.0


def pairs(both: int, one: int, other: int, neither: int) -> list[float]:
    return [0.0] * both + [1.0] * one + [-1.0] * other + [0.0] * neither


@pytest.mark.parametrize(
    ("table", "expected"),
    # Airway hyper-responsiveness (Bentur et al. 2009), complete response (Cavo et al. 2012), with Laplace's estimates
    # written out: (b+1)/(n+2) and (c+1)/(n+2).
    [
        ((1, 1, 7, 12), (-6 / 21, (2 / 23, 8 / 23), 23)),
        ((59, 6, 16, 80), (-10 / 161, (7 / 163, 17 / 163), 163)),
    ],
)
def test_the_interval_of_a_difference_is_bonett_and_prices(
    table: tuple[int, int, int, int], expected: tuple[float, tuple[float, float], int]
) -> None:
    value, (one, other), n = expected
    half = 1.959963984540054 * ((one + other - (one - other) ** 2) / n) ** 0.5
    found = difference(pairs(*table))
    assert found is not None
    assert found.value == pytest.approx(value)
    assert (found.low, found.high) == pytest.approx((one - other - half, one - other + half))


def test_an_interval_stays_between_minus_one_and_one() -> None:
    assert difference([]) is None
    found = difference([1.0])
    assert found is not None
    assert (found.value, found.high) == (1.0, 1.0)
    assert difference([-1.0]) == Difference(value=-1.0, low=-1.0, high=-found.low)
    same = difference([0.0] * 10)
    assert same is not None
    assert (same.value, same.low) == (0.0, pytest.approx(-same.high))
    assert same.high > 0.1, "ten equal outcomes leave much open"


def test_a_share_of_nothing_has_neither_value_nor_interval() -> None:
    assert (Share(successes=0, n=0).value, Share(successes=0, n=0).interval) == (None, None)


def test_with_one_sample_the_interval_is_wilsons() -> None:
    theirs = binomtest(7, 20).proportion_ci(confidence_level=0.95, method="wilson")
    assert Share(successes=7, n=20).interval == pytest.approx((theirs.low, theirs.high), abs=1e-12)


@pytest.mark.parametrize(("a", "b"), [(0.05, 0.05), (0.5, 0.5), (2, 6), (20, 20)])
def test_samples_of_one_instance_do_not_make_the_interval_too_narrow(a: float, b: float) -> None:
    """From instances that are always or never solved to instances that are all alike."""
    instances, samples, rounds = 25, 5, 600
    rng = random.Random(f"{a} {b}")
    shares = differences = naive = 0
    for _ in range(rounds):
        chances = [rng.betavariate(a, b) for _ in range(instances)]
        one = [sum(rng.random() < chance for _ in range(samples)) / samples for chance in chances]
        other = [sum(rng.random() < chance for _ in range(samples)) / samples for chance in chances]
        low, high = Share(successes=sum(one), n=instances).interval or (0, 0)
        shares += low <= a / (a + b) <= high
        many = Share(successes=sum(one) * samples, n=instances * samples).interval or (0, 0)
        naive += many[0] <= a / (a + b) <= many[1]
        between = difference([x - y for x, y in zip(one, other, strict=True)])
        differences += between is not None and between.low <= 0 <= between.high
    assert shares / rounds >= 0.93
    assert differences / rounds >= 0.93
    if a < 1:
        assert naive / rounds < 0.85, "counting samples as instances would have been too sure"
