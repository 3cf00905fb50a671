"""How often a thing must be seen before it is believed. Pure arithmetic.

A test that is red at random looks like a regression when it happens to be green without the patch and red with it. The
probability of that is bounded for the worst of all flaky tests, times how many such tests there may be; runs are
repeated until the product is below `ALARM`.
"""

from __future__ import annotations

from functools import lru_cache
from math import comb

ALARM = 1e-4
"""The accepted probability that one verification calls a flaky test broken, or fixed."""
MOST_ROUNDS = 10
"""Of repetition, for one question; then what was seen is what counts."""
MOST_BASE_RUNS = 8
_CALM = 3
"""Base is run until so many runs on end brought no flaky test that was not known."""
_STEPS = 200

PRIOR_SUITE = 0.02
"""How many flaky tests that nobody knows of are expected where repetition found none."""
PRIOR_WITNESS = 0.001
"""That a new test, in which nothing hints at it, is red at random."""
PRIOR_TIMED = 0.05
"""The same for one that has to do with time or with threads, or whose suite has flaky tests."""
PRIOR_RANDOM = 0.25
"""The same for one that names a source of randomness."""


@lru_cache(maxsize=4096)
def chance(seen: int, runs: int, others: int, other_runs: int) -> float:
    """The largest probability, over all flaky tests, to be red in at least `seen` of `runs` and at most `others` of
    `other_runs`, while the patch makes no difference."""
    steps = (step / _STEPS for step in range(1, _STEPS))
    return max(_at_least(seen, runs, red) * _at_least(other_runs - others, other_runs, 1 - red) for red in steps)


def _at_least(wanted: int, runs: int, probability: float) -> float:
    return sum(
        comb(runs, times) * probability**times * (1 - probability) ** (runs - times)
        for times in range(wanted, runs + 1)
    )


def believed(seen: int, runs: int, others: int, other_runs: int, *, hidden: float) -> bool:
    """True when none of `hidden` flaky tests is likely to have shown this."""
    return chance(seen, runs, others, other_runs) * hidden <= ALARM


def hidden(flaky: int) -> float:
    """How many flaky tests may still pass for stable ones, where repetition has found so many: as many again."""
    return max(PRIOR_SUITE, float(flaky))


def rounds(prior: float) -> int:
    """How many times a new test's two colours are seen again before it is believed: red and green, each so often and
    once."""
    for repeats in range(1, MOST_ROUNDS):
        if chance(1 + repeats, 1 + repeats, 0, 1 + repeats) * prior <= ALARM:
            return repeats
    return MOST_ROUNDS


def again(known: tuple[int, ...]) -> bool:
    """Whether base is to be run once more; `known` holds, for each number of runs from two on, the flaky tests then
    known."""
    if not known or known[-1] == 0 or len(known) + 1 >= MOST_BASE_RUNS:
        return not known
    return len(known) <= _CALM or known[-1] != known[-1 - _CALM]
