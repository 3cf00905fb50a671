"""What is counted of a run, and what of it is shown: totals, what a step changed, a selection of steps. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agents.types import Step, Trajectory, Usage
from bot.errors import UsageError
from bot.report import dollars

_FILES = re.compile(r"^(?=diff --git )", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Steps by their number as a person counts: the first is 1."""

    only: int | None = None
    start: int = 1

    def picks(self, step: Step) -> bool:
        number = step.index + 1
        return number == self.only if self.only is not None else number >= self.start

    def check(self, steps: Sequence[Step]) -> None:
        """Raises `UsageError` where a run that is over has no such step."""
        asked = self.only if self.only is not None else self.start
        if asked > max(1, len(steps)):
            raise UsageError(f"there is no step {asked}: the run has {len(steps)}")


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Of some steps together."""

    steps: int
    usage: Usage
    cost_usd: float | None
    """None as soon as one step's is unknown."""
    known_usd: float
    """Of those whose price is known."""
    seconds: float

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Totals:
        usage = Usage()
        for step in steps:
            usage = usage + step.usage
        known = sum(step.cost_usd for step in steps if step.cost_usd is not None)
        return cls(
            steps=len(steps),
            usage=usage,
            cost_usd=None if any(step.cost_usd is None for step in steps) else known,
            known_usd=known,
            seconds=sum(step.seconds for step in steps),
        )


def cache_share(usage: Usage) -> float | None:
    """Of the prompt's tokens, those that the endpoint served from its cache; None where no prompt was counted."""
    return usage.cache_read_tokens / usage.input_tokens if usage.input_tokens else None


def measures(totals: Totals) -> str:
    """`2.1 s · $0.0123 · 4,210 in (92 % cached) · 310 out`."""
    usage = totals.usage
    parts = [f"{totals.seconds:.1f} s"]
    if totals.cost_usd is None and totals.known_usd:
        parts.append(f"{dollars(totals.known_usd)} and what is unknown")
    else:
        parts.append("cost unknown" if totals.cost_usd is None else dollars(totals.cost_usd))
    if usage.input_tokens:
        share = cache_share(usage) or 0.0
        parts.append(f"{usage.input_tokens:,} in" + (f" ({share:.0%} cached)" if share else ""))
    if usage.output_tokens:
        thought = f" ({usage.reasoning_tokens:,} of them thinking)" if usage.reasoning_tokens else ""
        parts.append(f"{usage.output_tokens:,} out{thought}")
    return " · ".join(parts)


def step_change(before: str, after: str) -> str:
    """The files of a working tree's diff that are not as they were a step ago, each against base; files that are as in
    base again are said in a line of their own."""
    if before == after:
        return ""
    old, new = _by_file(before), _by_file(after)
    changed = [text for name, text in new.items() if old.get(name) != text]
    restored = [f"# as in base again: {name}\n" for name in old if name not in new]
    return "".join([*changed, *restored])


def _by_file(diff: str) -> dict[str, str]:
    parts = [part for part in _FILES.split(diff) if part]
    return {part.split("\n", 1)[0].removeprefix("diff --git "): part for part in parts}


def figures(totals: Totals) -> dict[str, Any]:
    """As JSON keys."""
    usage, share = totals.usage, cache_share(totals.usage)
    return {
        "steps": totals.steps,
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "cache_share": None if share is None else round(share, 4),
        "cost_usd": totals.cost_usd,
        "known_cost_usd": totals.known_usd,
        "seconds": round(totals.seconds, 3),
    }


def heading(trajectory: Trajectory) -> tuple[tuple[str, str], ...]:
    """Who worked on what, as label and value."""
    way = " ".join(part for part in (trajectory.strategy, trajectory.prompt_version) if part)
    rows = [("task", trajectory.task_id), ("model", trajectory.model), ("way", way)]
    if trajectory.origin is not None:
        rows.append(("recorded by", trajectory.origin.format))
    return tuple((label, value) for label, value in rows if value)
