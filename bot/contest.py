"""Who works on a task, who comes next where an endpoint fails, and whose patch is taken. Pure.

A *race* is several entrants at once: k models, or k samples of one. The first patch that is verified is taken. Where
none is, the best by its verdict, then the smallest, stands for the job; it is shown, not proposed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, assert_never

from agents.errors import Fault, ModelError, StrategyUnavailable, TrajectoryError
from agents.limits import Spent
from agents.types import Attempt, Ending, Step
from bot.commands import MOST_ENTRANTS
from sandbox.types import (
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Regressed,
    RegressionFree,
    Tampered,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)

FALLS_BACK: Mapping[Fault, bool] = {
    Fault.UNAVAILABLE: True,
    Fault.INCOMPLETE: True,
    Fault.KEY: True,
    Fault.QUOTA: True,
    Fault.MISSING: True,
    Fault.CONTEXT: True,
    Fault.DECLINED: True,
    Fault.LIMIT: False,
    Fault.REQUEST: False,
}
"""The whole policy: whether the next model is asked after this fault. An attempt that ended by itself has no fault:
not fixed, a limit of money or steps, a stop, a broken sandbox are never a reason to pay another model. A request that
is malformed or not allowed is none either: it would hide a mistake of ours, or walk round a wall."""


@dataclass(frozen=True, kw_only=True)
class Entrant:
    number: int
    """Its place among the job's attempts, from 1: part of the attempt's id."""
    model: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Fixed when a job is prepared, and stored with it: settings that change meanwhile change nothing."""

    entrants: tuple[Entrant, ...]
    """At once."""
    fallback: tuple[str, ...] = ()
    """In turn, when listed faults have ended every entrant."""

    @property
    def is_race(self) -> bool:
        return len(self.entrants) > 1

    def as_json(self) -> dict[str, Any]:
        return {"entrants": [entrant.model for entrant in self.entrants], "fallback": list(self.fallback)}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Plan:
        return cls(entrants=numbered(plain["entrants"]), fallback=tuple(plain["fallback"]))


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What the operator set."""

    race: tuple[str, ...] = ()
    """The models that race where a job names none; empty: one model works."""
    samples: int = 1
    """Entrants of each model, where a job names none."""
    fallback: tuple[str, ...] = ()
    at_home: frozenset[str] = field(default_factory=frozenset)
    """Models that no source leaves the house for."""
    unvarying: frozenset[str] = field(default_factory=frozenset)
    """Models of which every sample is the same: one is enough."""


def plan(rules: Rules, *, named: Sequence[str], chosen: str, compare: bool = False) -> Plan:
    """`named`: the models that the job asks for, if any; `chosen`: the one that works where nothing else is said.

    A comparison has no fallback: another model's patch would not answer what was asked.
    """
    if named:
        models: Sequence[str] = named
    else:
        models = samples(rules.race or (chosen,), rules.samples, rules.unvarying)
    entrants = numbered(models[:MOST_ENTRANTS])
    fallback = () if compare else fallbacks(rules, [entrant.model for entrant in entrants])
    return Plan(entrants=entrants, fallback=fallback)


def at_home(rules: Rules) -> Rules:
    """Of a repository whose source stays in the house: nobody else races, and nobody else follows."""
    return replace(
        rules,
        race=tuple(model for model in rules.race if model in rules.at_home),
        fallback=tuple(model for model in rules.fallback if model in rules.at_home),
    )


def samples(models: Sequence[str], each: int, unvarying: frozenset[str]) -> tuple[str, ...]:
    """Every model's first sample before anybody's second: where there are fewer lanes than entrants, all models run."""
    return tuple(model for sample in range(max(1, each)) for model in models if sample == 0 or model not in unvarying)


def numbered(models: Iterable[str]) -> tuple[Entrant, ...]:
    return tuple(Entrant(number=number, model=model) for number, model in enumerate(models, start=1))


def fallbacks(rules: Rules, models: Sequence[str]) -> tuple[str, ...]:
    """Those of the list that have not failed already. Where all that was asked for stays in the house, so does this:
    a vendor is not shown a source because the house's own server is down."""
    stays = all(model in rules.at_home for model in models)
    return tuple(
        dict.fromkeys(
            model for model in rules.fallback if model not in models and (not stays or model in rules.at_home)
        )
    )


# --- results -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Result:
    """One entrant's attempt, and what became of its patch."""

    entrant: Entrant
    attempt: Attempt
    proof: Proof | None = None
    """None: no patch, a refused one, or none that was judged."""
    refused: str = ""
    """Why the patch policy refused it; "" when it did not."""
    judged_at: float = 0.0

    @property
    def has_patch(self) -> bool:
        return self.attempt.ending is Ending.SUBMITTED and bool(self.attempt.diff)

    @property
    def is_judged(self) -> bool:
        return self.proof is not None or bool(self.refused)

    @property
    def is_verified(self) -> bool:
        return self.proof is not None and isinstance(self.proof.verdict, Verified)


LOST = "It was stopped: another patch of this race had been verified."
"""The reason of an attempt that lost before its own end."""


def unended(task_id: str, model: str, ending: Ending, steps: Sequence[Step]) -> Attempt:
    """An attempt that no strategy ended, from what is stored of it."""
    spent = Spent.of(steps)
    return Attempt(
        task_id=task_id,
        model=model,
        strategy="",
        prompt_version="",
        ending=ending,
        reason="",
        diff="",
        usage=spent.usage,
        cost_usd=spent.cost_usd if spent.cost_known else None,
        steps=spent.steps,
        seconds=spent.seconds,
    )


def next_entrant(plan: Plan, results: Sequence[Result]) -> Entrant | None:
    """The next of the fallback list; None where somebody's own work ended an attempt, at the list's end, and where an
    entrant never began: the job was stopped."""
    if len(results) < len(plan.entrants) or not all(falls_back(result.attempt) for result in results):
        return None
    behind = len(results) - len(plan.entrants)
    if behind >= len(plan.fallback):
        return None
    return Entrant(number=len(results) + 1, model=plan.fallback[behind])


CANNOT_BEGIN = (ModelError, StrategyUnavailable, TrajectoryError)
"""What keeps an entrant from its first call: no key, no such strategy, a recorded run that cannot be read."""


def is_told(plan: Plan, fault: Fault) -> bool:
    """Whether an entrant that failed before it could begin is one of several attempts; else it is the job's failure."""
    return plan.is_race or (bool(plan.fallback) and FALLS_BACK[fault])


def falls_back(attempt: Attempt) -> bool:
    return attempt.fault is not None and FALLS_BACK[attempt.fault]


def best(results: Sequence[Result]) -> Result:
    """The first that was verified, else the best verdict, then the smallest patch, then who was asked first."""
    return min(results, key=_order)


def ranked(results: Sequence[Result]) -> tuple[Result, ...]:
    return tuple(sorted(results, key=_order))


def _order(result: Result) -> tuple[float, ...]:
    grade = _grade(result)
    return grade, size(result.attempt.diff) if grade else result.judged_at, result.entrant.number


def _grade(result: Result) -> int:
    """0 is best: verified."""
    if result.proof is not None:
        return _verdict_grade(result.proof.verdict)
    if result.refused:
        return 10
    if result.has_patch:
        return 8
    return 12 if result.attempt.fault is not None or result.attempt.ending is Ending.STOPPED else 11


def _verdict_grade(verdict: Verdict) -> int:
    match verdict:
        case Verified():
            return 0
        case RegressionFree():
            return 1
        case WitnessNotRed():
            return 2
        case WitnessInvalid():
            return 3
        case NotFixed():
            return 4
        case NoTests():
            return 5
        case Inconclusive():
            return 6
        case Regressed():
            return 7
        case Tampered():
            return 9
    assert_never(verdict)


def size(diff: str) -> int:
    """Lines that a reader has to read: added and removed."""
    return sum(line[:1] in ("+", "-") and not line.startswith(("+++ ", "--- ")) for line in diff.splitlines())


def total_cost(attempts: Iterable[Attempt]) -> float | None:
    """Dollars of all of them; None as soon as one is unknown."""
    total = 0.0
    for attempt in attempts:
        if attempt.cost_usd is None:
            return None
        total += attempt.cost_usd
    return total
