"""How often a thing must be seen: against an honest simulation, and at its bounds. Pure."""

from __future__ import annotations

from random import Random

import pytest

from sandbox import repetition
from sandbox.repetition import again, believed, chance, hidden, rounds


def test_the_bound_is_that_of_the_worst_flaky_test() -> None:
    """Green twice, then red twice in a row: worst at four in ten... computed by hand for two greens and two reds."""
    assert chance(2, 2, 0, 2) == pytest.approx(1 / 16)
    assert chance(1, 1, 0, 1) == pytest.approx(1 / 4)


@pytest.mark.parametrize("probability", [0.1, 0.35, 0.5, 0.8])
def test_no_flaky_test_comes_through_more_often_than_the_bound_says(probability: float) -> None:
    dice = Random(7)
    reds, greens, tries = 2, 3, 20_000
    fooled = sum(
        all(dice.random() < probability for _ in range(reds))
        and all(dice.random() >= probability for _ in range(greens))
        for _ in range(tries)
    )
    assert fooled / tries <= chance(reds, reds, 0, greens) * 1.2 + 0.001


def test_more_runs_make_it_less_likely() -> None:
    assert chance(2, 2, 0, 2) > chance(3, 3, 0, 2) > chance(3, 3, 0, 6)
    assert chance(2, 3, 0, 6) > chance(3, 3, 0, 6)


def test_what_is_believed_depends_on_how_many_flaky_tests_there_may_be() -> None:
    calm, wild = hidden(0), hidden(12)
    assert (calm, wild) == (repetition.PRIOR_SUITE, 12.0)
    assert believed(4, 4, 0, 5, hidden=calm)
    assert not believed(4, 4, 0, 5, hidden=wild)
    assert believed(8, 8, 0, 14, hidden=wild)


def test_a_witness_is_seen_again_the_more_often_the_likelier_it_is_red_at_random() -> None:
    seen = [rounds(p) for p in (repetition.PRIOR_WITNESS, repetition.PRIOR_TIMED, repetition.PRIOR_RANDOM, 1.0)]
    assert seen == sorted(seen)
    assert seen[0] == 1
    assert seen[2] == 5
    assert rounds(1e9) == repetition.MOST_ROUNDS


def test_base_is_run_until_no_more_flaky_tests_turn_up() -> None:
    assert again(())
    assert not again((0,))
    assert again((3,))
    assert again((3, 4, 4, 4))
    assert not again((4, 4, 4, 4))
    assert not again((1, 2, 3, 4, 5, 6, 7))
