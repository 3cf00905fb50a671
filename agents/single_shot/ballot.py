"""Votes: which sampled tests show the problem, and which sampled patch is the best by what was executed. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sandbox.types import Failure, TestId, TestReport, TestResult

_WRONG_REASON = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "NameError", "ReferenceError")
"""Exceptions that say that the test could not be asked."""
_AT_THE_TEST = ("AttributeError", "TypeError", "FixtureLookupError")
"""Exceptions that say so where the test's own line raises them."""
_CHANGING = re.compile(r"(?:0x[0-9a-fA-F]+|\s)+")


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """One sampled test file after its run on base."""

    path: str
    text: str
    red: tuple[TestId, ...] = ()
    """Red by their behaviour."""
    observed: str = ""
    """What the first red test saw: the key of the vote."""
    why_not: str = ""
    """Why it counts for nothing; "" where it is red."""


def judged(path: str, text: str, results: Mapping[TestId, TestResult], errors: Sequence[Failure]) -> Sampled:
    """A sampled test file from the results of its tests on base."""
    red = [result for result in results.values() if result.status.is_red and _is_behaviour(result.failure, path)]
    green = [result for result in results.values() if result.status.is_green]
    if red:
        first = min(red, key=lambda result: result.id)
        ids = tuple(sorted(result.id for result in red))
        return Sampled(path=path, text=text, red=ids, observed=_observed(first.failure))
    if green:
        return Sampled(path=path, text=text, why_not="green on base")
    invalid = [result.failure for result in results.values() if result.failure is not None]
    invalid += [error for error in errors if error.path in ("", path)]
    said = f"cannot be asked ({_short(invalid[0].exception) or 'error'})" if invalid else "did not run"
    return Sampled(path=path, text=text, why_not=said)


def _is_behaviour(failure: Failure | None, path: str) -> bool:
    if failure is None:
        return True
    if failure.phase not in ("call", ""):
        return False
    kind = _short(failure.exception)
    return kind not in _WRONG_REASON and not (kind in _AT_THE_TEST and failure.path in ("", path))


def _observed(failure: Failure | None) -> str:
    if failure is None:
        return "red"
    message = _CHANGING.sub(" ", failure.message).strip()[:160]
    return f"{_short(failure.exception)}: {message}"


def _short(exception: str) -> str:
    return exception.rpartition(".")[2]


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """The tests that count, each weighed by how many samples saw the same."""

    samples: tuple[Sampled, ...] = ()
    """Red ones: those of the majority first, the shortest first among them."""
    votes: Mapping[str, int] = field(default_factory=dict)
    """By a sample's path."""

    @property
    def total(self) -> int:
        return sum(self.votes.values())

    @property
    def tests(self) -> tuple[TestId, ...]:
        return tuple(test for sample in self.samples for test in sample.red)


def vote(samples: Sequence[Sampled]) -> Witnesses:
    """The red samples. Those that saw the same speak for each other."""
    red = [sample for sample in samples if sample.red]
    seen: dict[str, int] = {}
    for sample in red:
        seen[sample.observed] = seen.get(sample.observed, 0) + 1
    ranked = sorted(red, key=lambda sample: (-seen[sample.observed], len(sample.text), sample.path))
    return Witnesses(samples=tuple(ranked), votes={sample.path: seen[sample.observed] for sample in ranked})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the tests say of one candidate patch."""

    number: int
    """The order of sampling."""
    files: Mapping[str, str]
    """The changed files' whole new texts."""
    size: int
    """Changed lines."""
    green: frozenset[TestId] = frozenset()
    """Of the witnesses' tests and of those red on base that were asked."""
    broken: tuple[TestId, ...] = ()
    """Green on base and not any more, or gone."""
    problem: str = ""
    """Why it was not run."""


def witnesses_met(outcome: Outcome, witnesses: Witnesses) -> tuple[Sampled, ...]:
    """The samples all of whose red tests are green with the patch."""
    return tuple(sample for sample in witnesses.samples if outcome.green.issuperset(sample.red))


def holds(outcome: Outcome, witnesses: Witnesses, demanded: Sequence[TestId]) -> bool:
    """The patch may be proposed: it breaks nothing, meets what base already demanded, and half of the votes or more."""
    if outcome.problem or outcome.broken or not outcome.green.issuperset(demanded):
        return False
    met = sum(witnesses.votes[sample.path] for sample in witnesses_met(outcome, witnesses))
    return 2 * met >= witnesses.total if witnesses.total else bool(demanded)


def ranked(outcomes: Sequence[Outcome], witnesses: Witnesses, demanded: Sequence[TestId]) -> list[Outcome]:
    """The best first: those that hold; then by votes met, by how many others do the same, by size, by order."""
    run = [outcome for outcome in outcomes if not outcome.problem]
    alike: dict[tuple[frozenset[TestId], tuple[TestId, ...]], int] = {}
    for outcome in run:
        key = (outcome.green, outcome.broken)
        alike[key] = alike.get(key, 0) + 1

    def order(outcome: Outcome) -> tuple[float, ...]:
        met = sum(witnesses.votes[sample.path] for sample in witnesses_met(outcome, witnesses))
        same = alike[(outcome.green, outcome.broken)]
        fits = holds(outcome, witnesses, demanded)
        return (-fits, len(outcome.broken), -met, -len(outcome.green), -same, outcome.size, outcome.number)

    return sorted(run, key=order)


def broken(base: TestReport, now: TestReport, own: Sequence[TestId]) -> tuple[TestId, ...]:
    """What was green on base and is not now. A run without an end breaks what it did not reach."""
    return tuple(sorted(base.green - now.green - frozenset(own)))
