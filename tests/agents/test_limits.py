"""What may still be spent."""

from __future__ import annotations

import pytest

from agents.limits import Spent, exceeded, output_tokens_left, seconds_left
from agents.types import AttemptLimits, Step, Usage

LIMITS = AttemptLimits(steps=10, input_tokens=1_000, output_tokens=100, cost_usd=1.0, seconds=60)


def test_spent_is_the_sum_of_the_steps() -> None:
    usage = Usage(input_tokens=5, output_tokens=2)
    steps = [Step(index=n, messages=(), usage=usage, cost_usd=0.25, seconds=3) for n in range(2)]
    assert Spent.of(steps) == Spent(
        steps=2, usage=Usage(input_tokens=10, output_tokens=4), cost_usd=0.5, cost_known=True, seconds=6
    )


def test_one_unknown_cost_makes_the_sum_unknown_but_keeps_what_is_known() -> None:
    steps = [Step(index=0, messages=(), cost_usd=None), Step(index=1, messages=(), cost_usd=2.0)]
    spent = Spent.of(steps)
    assert (spent.cost_known, spent.cost_usd) == (False, 2.0)
    assert "USD" in exceeded(LIMITS, spent)


@pytest.mark.parametrize(
    ("spent", "word"),
    [
        (Spent(steps=10), "10 steps"),
        (Spent(usage=Usage(input_tokens=1_000)), "1,000 input tokens"),
        (Spent(usage=Usage(output_tokens=101)), "100 output tokens"),
        (Spent(cost_usd=1.0), "1.00 USD"),
        (Spent(seconds=60), "60 seconds"),
    ],
)
def test_each_limit_is_named_when_it_is_used_up(spent: Spent, word: str) -> None:
    assert word in exceeded(LIMITS, spent)


def test_below_all_limits_another_call_is_allowed() -> None:
    usage = Usage(input_tokens=999, output_tokens=99)
    assert exceeded(LIMITS, Spent(steps=9, usage=usage, cost_usd=0.99, seconds=59.9)) == ""


def test_what_is_left_is_never_negative() -> None:
    spent = Spent(usage=Usage(output_tokens=30), seconds=20)
    assert (output_tokens_left(LIMITS, spent), seconds_left(LIMITS, spent)) == (70, 40)
    over = Spent(usage=Usage(output_tokens=300), seconds=200)
    assert (output_tokens_left(LIMITS, over), seconds_left(LIMITS, over)) == (0, 0)
