"""Outcomes -> rates with their denominators and intervals, and what a merged patch cost. Pure.

A rate without its n misleads, and three denominators answer three questions: of what people decided on, of what was
proposed, of what was attempted. Models are ranked only when enough was decided for a rank to mean something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import sqrt
from statistics import NormalDist

from bot.types import OutcomeKind

MINIMUM_DECIDED = 20
"""Fewer decided pull requests than this, and a model has no rank."""
CONFIDENCE = 0.95


@dataclass(frozen=True, kw_only=True)
class Record:
    """One attempt of one model, and what became of it."""

    model: str
    proposed: bool
    """A pull request was opened with its patch."""
    outcome: OutcomeKind | None = None
    """None: not proposed, or not decided yet."""
    cost_usd: float | None = None
    """None: unknown."""
    human_lines: int = 0
    stopped: bool = False
    """Before its own end, by a person or because another of its race was verified first: no success and no failure."""
    verified: bool = False
    """Its patch was found to be a fix, whether or not it was the one that was proposed."""


@dataclass(frozen=True, kw_only=True)
class Rate:
    successes: int
    n: int

    @property
    def value(self) -> float | None:
        """None for n = 0."""
        return self.successes / self.n if self.n else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Wilson's; None for n = 0."""
        return wilson(self.successes, self.n)


def wilson(successes: float, n: int) -> tuple[float, float] | None:
    """Wilson's score interval (95 %, no continuity correction); None for n = 0.

    Written out (Wilson 1927), because scipy takes seconds to import and this stands in every demo; a test holds it
    equal to scipy's.
    """
    if not n:
        return None
    z, share = NormalDist().inv_cdf((1 + CONFIDENCE) / 2), successes / n
    weight = z * z / n
    middle = (share + weight / 2) / (1 + weight)
    half = z * sqrt(share * (1 - share) / n + weight / (4 * n)) / (1 + weight)
    low = 0.0 if successes == 0 else middle - half
    high = 1.0 if successes == n else middle + half
    return low, high


@dataclass(frozen=True, kw_only=True)
class Score:
    """One model's line."""

    model: str
    of_decided: Rate
    of_proposed: Rate
    of_attempted: Rate
    """Of the attempts that came to their own end."""
    verified: Rate
    """Of the same: in a race a verified patch that came second is not proposed."""
    stopped: int
    """Attempts that did not come to their own end: in no rate, but in the cost."""
    merged_edited: int
    """Of the merged: after people changed the patch."""
    human_lines: int
    cost_usd: float | None
    """Of all its attempts, the unmerged ones too; None as soon as one is unknown."""
    rank: int | None = None
    """1 is best, by the lower end of merged / decided; None under `MINIMUM_DECIDED`, equal for equal ends."""

    @property
    def cost_per_merged_usd(self) -> float | None:
        """None when unknown, or when nothing was merged."""
        merged = self.of_decided.successes
        return self.cost_usd / merged if self.cost_usd is not None and merged else None


def score(records: Iterable[Record], *, minimum_decided: int = MINIMUM_DECIDED) -> tuple[Score, ...]:
    """One line a model: the ranked first, then by name."""
    by_model: dict[str, list[Record]] = {}
    for record in records:
        by_model.setdefault(record.model, []).append(record)
    scores = [_score(model, theirs) for model, theirs in by_model.items()]
    ranked = _ranked([one for one in scores if one.of_decided.n >= minimum_decided])
    unranked = [one for one in scores if one.of_decided.n < minimum_decided]
    return (*ranked, *sorted(unranked, key=lambda one: one.model))


def _score(model: str, records: Sequence[Record]) -> Score:
    decided = [record for record in records if record.outcome is not None]
    merged = [record for record in decided if record.outcome is not OutcomeKind.CLOSED]
    proposed = [record for record in records if record.proposed]
    ended = [record for record in records if not record.stopped]
    return Score(
        model=model,
        of_decided=Rate(successes=len(merged), n=len(decided)),
        of_proposed=Rate(successes=len(merged), n=len(proposed)),
        of_attempted=Rate(successes=len(merged), n=len(ended)),
        verified=Rate(successes=sum(record.verified for record in ended), n=len(ended)),
        stopped=len(records) - len(ended),
        merged_edited=sum(record.outcome is OutcomeKind.MERGED_EDITED for record in merged),
        human_lines=sum(record.human_lines for record in merged),
        cost_usd=_total(records),
    )


def _total(records: Sequence[Record]) -> float | None:
    total = 0.0
    for record in records:
        if record.cost_usd is None:
            return None
        total += record.cost_usd
    return total


def _ranked(scores: Sequence[Score]) -> list[Score]:
    ends = {one.model: interval[0] for one in scores if (interval := one.of_decided.interval) is not None}
    ordered = sorted(scores, key=lambda one: (-ends.get(one.model, 0.0), one.model))
    return [replace(one, rank=1 + sum(end > ends.get(one.model, 0.0) for end in ends.values())) for one in ordered]
