"""How much a plausible candidate changes what the program does, and which of several to propose. Pure.

Tests are few and candidates many, so that several turn the red tests green and are wrong (Qi et al., 2015). Calls that
the tests make into the changed files are made again, on base and on each candidate, with the arguments of the tests and
with near variants of them. What that shows is weighed as follows, and only among candidates that fix equally much:

* A candidate that answers otherwise to a call that a *green* test makes, or that takes statements away, comes last.
* Candidates that behave alike on everything asked are one opinion; each adds its likelihood to it. (A wrong change
  that fits the tests by accident seldom behaves like another; the right one has many spellings.)
* Within one opinion the smallest change comes first; likelihood falls with size and with the share of variants on which
  the program answers otherwise, most where base answered and the candidate fails.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, sqrt

from agents.repair.candidates import patched
from agents.repair.types import Candidate, Plausible, RecordedCall
from sandbox.types import TestId

Outcomes = Sequence[Sequence[str]]
"""For each call its outcome as recorded, then those of the variants: `v<digest>`, `raised <class>` or `slow`."""

CHANGED_WEIGHT = 1.5
"""How fast likelihood falls with the share of variants of green calls that are answered otherwise (exponentially)."""
BROKEN_WEIGHT = 3.0
"""The same, for those of them that base answered and the candidate does not."""


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """One candidate against base."""

    green_changed: int
    """Calls as green tests make them, answered otherwise."""
    changed: int
    """Variants of those calls that base answered and the candidate answers otherwise."""
    broken: int
    """Of these: the candidate raises or does not end."""
    asked: int
    """Variants of green calls that base answered."""
    opinion: tuple[tuple[str, ...], ...]
    """Everything it answered: equal for candidates that behave alike."""

    @property
    def distance(self) -> float:
        """How unlikely the change is for what it does: 0 for none."""
        if not self.asked:
            return 0.0
        return (CHANGED_WEIGHT * (self.changed - self.broken) + BROKEN_WEIGHT * self.broken) / self.asked


def stable(first: Outcomes, second: Outcomes) -> list[list[str]]:
    """Base asked twice: what differs (time, chance, addresses) says nothing and is blanked."""
    rows = zip(first, second, strict=False)
    return [[a if a == b else "" for a, b in zip(one, other, strict=True)] for one, other in rows]


def compare(calls: Sequence[RecordedCall], green: frozenset[TestId], base: Outcomes, new: Outcomes) -> Behaviour:
    """`base` as `stable` made it; what either has not got to is left out."""
    green_changed = changed = broken = asked = 0
    opinion: list[tuple[str, ...]] = []
    for call, before, after in zip(calls, base, new, strict=False):
        opinion.append(tuple(b if a else "" for a, b in zip(before, after, strict=True)))
        if call.test not in green or not call.outer:
            continue
        green_changed += bool(before[0]) and before[0] != after[0]
        for one, other in zip(before[1:], after[1:], strict=True):
            if one.startswith("v"):
                asked += 1
                changed += one != other
                broken += not other.startswith("v")
    return Behaviour(green_changed=green_changed, changed=changed, broken=broken, asked=asked, opinion=tuple(opinion))


def chosen_calls(calls: Iterable[RecordedCall], most: int) -> tuple[RecordedCall, ...]:
    """As many as can be asked: the tests' own first, in turns over the tests, each set of arguments once."""
    by_test: dict[tuple[bool, TestId], list[RecordedCall]] = {}
    seen: set[tuple[str, str, str]] = set()
    for call in calls:
        if (call.module, call.name, call.data) not in seen:
            seen.add((call.module, call.name, call.data))
            by_test.setdefault((not call.outer, call.test), []).append(call)
    chosen: list[RecordedCall] = []
    for inner in (False, True):
        queues = [queue for (is_inner, _), queue in by_test.items() if is_inner is inner]
        depth = max((len(queue) for queue in queues), default=0)
        chosen += [queue[position] for position in range(depth) for queue in queues if position < len(queue)]
    return tuple(chosen[:most])


def best(
    found: Iterable[Plausible], sources: Mapping[str, str], seen: Mapping[Candidate, Behaviour] | None = None
) -> list[Plausible]:
    """The plausible candidates, the one to propose first: the order that this module's text describes."""
    candidates = list(found)
    seen = seen or {}
    weights = {p.candidate: _weight(p.candidate, sources, seen.get(p.candidate)) for p in candidates}
    tiers = {p.candidate: _tier(p.candidate, sources, seen.get(p.candidate)) for p in candidates}
    opinions: dict[object, float] = {}
    for plausible in candidates:
        opinion = _opinion(plausible.candidate, seen)
        opinions[opinion] = opinions.get(opinion, 0.0) + weights[plausible.candidate]

    def rank(plausible: Plausible) -> tuple[int, int, float, float, int]:
        candidate = plausible.candidate
        mass = opinions[_opinion(candidate, seen)]
        return (-len(plausible.fixed), tiers[candidate], -mass, -weights[candidate], candidate.size)

    return sorted(candidates, key=rank)


def _opinion(candidate: Candidate, seen: Mapping[Candidate, Behaviour]) -> object:
    behaviour = seen.get(candidate)
    return behaviour.opinion if behaviour is not None and behaviour.opinion else candidate


def _tier(candidate: Candidate, sources: Mapping[str, str], behaviour: Behaviour | None) -> int:
    changes_green = behaviour is not None and behaviour.green_changed > 0
    return 2 * changes_green + takes_away(candidate, sources)


def _weight(candidate: Candidate, sources: Mapping[str, str], behaviour: Behaviour | None) -> float:
    """Likelihood: a change of four times the lines must be of a template twice as likely.

    (Strictly the smallest first takes any one-line accident before a three-line idiom.)
    """
    lines = max(1, changed_lines(candidate, sources))
    distance = behaviour.distance if behaviour is not None else 0.0
    return max(candidate.score, 1e-9) / sqrt(lines) * exp(-distance)


def takes_away(candidate: Candidate, sources: Mapping[str, str]) -> bool:
    """The change leaves fewer statements than there were (`pass` is none): functionality deleted to please a test."""
    return any(_statements(text) < _statements(sources[path]) for path, text in patched(sources, candidate).items())


def _statements(text: str) -> int:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return 0
    return sum(isinstance(node, ast.stmt) and not isinstance(node, ast.Pass) for node in ast.walk(tree))


def changed_lines(candidate: Candidate, sources: Mapping[str, str]) -> int:
    """Lines that the diff would show as removed or added."""
    count = 0
    for path, text in patched(sources, candidate).items():
        old, new = sources[path].splitlines(), text.splitlines()
        same = _common(old, new)
        tail = _common(old[same:][::-1], new[same:][::-1])
        count += max(len(old), len(new)) - same - tail
    return count


def _common(old: Sequence[str], new: Sequence[str]) -> int:
    count = 0
    for a, b in zip(old, new, strict=False):
        if a != b:
            break
        count += 1
    return count
