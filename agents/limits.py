"""What an attempt may still spend. Pure; asked before every call."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import reduce

from agents.types import AttemptLimits, Step, Usage


@dataclass(frozen=True, kw_only=True)
class Spent:
    steps: int = 0
    usage: Usage = field(default_factory=Usage)
    cost_usd: float = 0.0
    """Of the steps whose cost is known."""
    cost_known: bool = True
    """False as soon as one step's cost is not: then only the other limits hold."""
    seconds: float = 0.0
    """Spent in steps; a restart's pause does not count."""

    @classmethod
    def of(cls, steps: Iterable[Step]) -> Spent:
        return reduce(Spent.and_of, steps, cls())

    def and_of(self, step: Step) -> Spent:
        return Spent(
            steps=self.steps + 1,
            usage=self.usage + step.usage,
            cost_usd=self.cost_usd + (step.cost_usd or 0.0),
            cost_known=self.cost_known and step.cost_usd is not None,
            seconds=self.seconds + step.seconds,
        )


def exceeded(limits: AttemptLimits, spent: Spent) -> str:
    """The limit that is used up, as a sentence; "" while another call is allowed."""
    if spent.steps >= limits.steps:
        return f"The limit of {limits.steps} steps is used up."
    if spent.usage.input_tokens >= limits.input_tokens:
        return f"The limit of {limits.input_tokens:,} input tokens is used up ({spent.usage.input_tokens:,} so far)."
    if spent.usage.output_tokens >= limits.output_tokens:
        return f"The limit of {limits.output_tokens:,} output tokens is used up ({spent.usage.output_tokens:,} so far)."
    if spent.cost_usd >= limits.cost_usd:
        return f"The limit of {limits.cost_usd:.2f} USD is used up ({spent.cost_usd:.2f} USD so far)."
    if spent.seconds >= limits.seconds:
        return f"The limit of {limits.seconds:g} seconds is used up ({spent.seconds:.0f} so far)."
    return ""


def output_tokens_left(limits: AttemptLimits, spent: Spent) -> int:
    return max(0, limits.output_tokens - spent.usage.output_tokens)


def seconds_left(limits: AttemptLimits, spent: Spent) -> float:
    return max(0.0, limits.seconds - spent.seconds)
