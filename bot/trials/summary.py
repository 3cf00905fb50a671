"""Trials -> one row a model, one comparison a pair, and how redgreen's own verdicts agree with the grades. Pure.

Errors and empty patches are in every denominator. An instance whose samples were not all made is in none: it says
nothing of the model, and the row says how many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import combinations
from statistics import fmean

from agents.types import Usage
from bot.trials.records import Trial
from bot.trials.statistics import Difference, Share, difference, exact_p
from sandbox.swebench.report import Outcome
from sandbox.types import Verified

MINIMUM_INSTANCES = 20
"""Fewer instances than this, and no model has a rank."""
VERIFIED = Verified.__name__
Scores = Mapping[str, Fraction]
"""By instance: the share of its samples that were resolved; of those instances whose samples were all made."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """Redgreen's verdicts beside the grades: how many trials are in each cell."""

    cells: Mapping[tuple[str, Outcome], int]

    def count(self, *, verified: bool, resolved: bool) -> int:
        """Of the patches that were both judged and graded."""
        return sum(
            number
            for (verdict, outcome), number in self.cells.items()
            if outcome in (Outcome.RESOLVED, Outcome.UNRESOLVED)
            and (verdict == VERIFIED) is verified
            and (outcome is Outcome.RESOLVED) is resolved
        )

    @property
    def verified(self) -> int:
        return sum(number for (verdict, _), number in self.cells.items() if verdict == VERIFIED)

    @property
    def judged(self) -> int:
        return sum(self.cells.values())


@dataclass(frozen=True, kw_only=True)
class Row:
    """One model. Sums and means are over all its trials that were begun; None is unknown."""

    model: str
    samples: int
    instances: int
    """That it was to be tried on."""
    resolved: Share
    """pass@1: over instances, the mean share of their samples that were resolved."""
    any_of: Share
    """Over instances: at least one of the samples was resolved."""
    outcomes: Mapping[Outcome, int]
    not_made: int
    """Trials."""
    agreement: Agreement
    cost_usd: float | None
    usage: Usage | None
    steps: float | None
    """A trial."""
    seconds: float | None
    """A trial, of solving."""
    rank: int | None = None
    """1 is best; None under `MINIMUM_INSTANCES`, where instances differ, and where there is nobody to compare with."""

    @property
    def cost_per_resolved_usd(self) -> float | None:
        """None when unknown, or when nothing was resolved."""
        resolved = self.outcomes.get(Outcome.RESOLVED, 0)
        return self.cost_usd / resolved if self.cost_usd is not None and resolved else None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two models on the instances that both were tried on to the end."""

    one: str
    other: str
    n: int
    better: int
    """Instances of which `one` resolved more: b."""
    worse: int
    """Instances of which `other` did: c."""
    p: float
    difference: Difference | None
    """`one` less `other`; None for n = 0."""
    same_instances: bool
    """Neither was tried on one that the other was not."""


@dataclass(frozen=True, kw_only=True)
class Summary:
    rows: tuple[Row, ...]
    """The ranked first, then in the order of the trials."""
    pairs: tuple[Pair, ...]
    agreement: Agreement
    """Of all models together."""
    same_instances: bool


def summarise(trials: Sequence[Trial], *, minimum: int = MINIMUM_INSTANCES) -> Summary:
    models = list(dict.fromkeys(trial.model for trial in trials))
    of = {model: [trial for trial in trials if trial.model == model] for model in models}
    scores = {model: _scores(own) for model, own in of.items()}
    same = len({frozenset(own) for own in scores.values()}) <= 1
    rows = [_row(model, of[model], scores[model]) for model in models]
    if same and len(rows) > 1 and rows[0].resolved.n >= minimum:
        rows = _ranked(rows, scores)
    return Summary(
        rows=tuple(rows),
        pairs=tuple(_pair(one, other, scores) for one, other in combinations((row.model for row in rows), 2)),
        agreement=_agreement(trials),
        same_instances=same,
    )


def _scores(trials: Iterable[Trial]) -> Scores:
    by_instance: dict[str, list[Trial]] = {}
    for trial in trials:
        by_instance.setdefault(trial.instance_id, []).append(trial)
    return {
        name: Fraction(sum(trial.is_resolved for trial in own), len(own))
        for name, own in by_instance.items()
        if all(trial.outcome is not None for trial in own)
    }


def _row(model: str, trials: Sequence[Trial], scores: Scores) -> Row:
    begun = [trial for trial in trials if trial.steps or (trial.steps is None and trial.outcome is not None)]
    costs = [trial.cost_usd for trial in begun]
    usages = [trial.usage for trial in begun]
    return Row(
        model=model,
        samples=max(Counter(trial.instance_id for trial in trials).values()),
        instances=len({trial.instance_id for trial in trials}),
        resolved=Share(successes=float(sum(scores.values())), n=len(scores)),
        any_of=Share(successes=sum(score > 0 for score in scores.values()), n=len(scores)),
        outcomes=Counter(trial.outcome for trial in trials if trial.outcome is not None),
        not_made=sum(trial.outcome is None for trial in trials),
        agreement=_agreement(trials),
        cost_usd=None if None in costs else sum(cost for cost in costs if cost is not None),
        usage=None if None in usages else sum((one for one in usages if one is not None), Usage()),
        steps=_mean([trial.steps for trial in begun]),
        seconds=_mean([trial.seconds for trial in begun]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    """None where there is none, or one is unknown."""
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None


def _agreement(trials: Iterable[Trial]) -> Agreement:
    cells: Counter[tuple[str, Outcome]] = Counter(
        (trial.verdict, trial.outcome) for trial in trials if trial.verdict and trial.outcome is not None
    )
    return Agreement(cells=cells)


def _ranked(rows: Sequence[Row], scores: Mapping[str, Scores]) -> list[Row]:
    """By the share that was resolved; equal shares share a rank."""
    sums = {row.model: sum(scores[row.model].values()) for row in rows}
    ordered = sorted(rows, key=lambda row: -sums[row.model])
    return [replace(row, rank=1 + sum(other > sums[row.model] for other in sums.values())) for row in ordered]


def _pair(one: str, other: str, scores: Mapping[str, Scores]) -> Pair:
    first, second = scores[one], scores[other]
    differences = [first[name] - second[name] for name in first if name in second]
    better, worse = sum(value > 0 for value in differences), sum(value < 0 for value in differences)
    return Pair(
        one=one,
        other=other,
        n=len(differences),
        better=better,
        worse=worse,
        p=exact_p(better, worse),
        difference=difference([float(value) for value in differences]),
        same_instances=first.keys() == second.keys(),
    )
