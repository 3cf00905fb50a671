"""Which single changes help without being enough, and which pairs of changes to try. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations

from agents.repair.types import Candidate, Fault, TestTrace
from sandbox.types import TestId

NEAR = 25
"""Lines: two changes of one bug seldom stand further apart."""
FAR_SHARE = 0.25
"""What the score of a pair is worth whose parts are further apart, or in two files."""
WORSE = frozenset({"NameError", "UnboundLocalError", "SyntaxError", "IndentationError", "ImportError"})
"""Failures that a change brings along: no step towards a fix."""


def closer(before: Fault | None, after: Fault | None) -> bool:
    """Whether a test that is still red fails *later* than it did. `before`: None when it hung on base."""
    if after is None or after.kind in WORSE:
        return False
    if before is None:
        return True
    if after.line != before.line:
        return after.line > before.line
    if before.kind == "AssertionError":
        return False
    return after.kind == "AssertionError" or (after.kind != before.kind and after.place != before.place)


def progress(base: Mapping[TestId, TestTrace], run: Mapping[TestId, TestTrace], goal: Iterable[TestId]) -> int:
    """How far a change gets that is not enough: 2 for each goal test turned green, 1 for each that fails later."""
    found = 0
    for test in goal:
        before, after = base.get(test), run.get(test)
        if after is None:
            continue
        if after.is_green:
            found += 2
        elif not after.slow and after.status != "timeout" and before is not None:
            hung = before.slow or before.status == "timeout"
            found += closer(None if hung else before.fault, after.fault)
    return found


def pairs(helpers: Sequence[Candidate], others: Sequence[Candidate], *, most: int = 4_000) -> Iterator[Candidate]:
    """Two edits as one candidate: those that helped alone with each other, then each with the likeliest others nearby.

    Not the full square: `helpers` is what `progress` found, best first.
    """
    both = [(a, b) for a, b in combinations(helpers, 2)]
    mixed = [(a, b) for a in helpers for b in others]
    count = 0
    for first, second in [*sorted(both, key=_worth), *sorted(mixed, key=_worth)]:
        pair = joined(first, second)
        if pair is None:
            continue
        if count >= most:
            return
        count += 1
        yield pair


def joined(first: Candidate, second: Candidate) -> Candidate | None:
    """Both changes as one candidate; None when they are at one place."""
    if first is second or any(x.overlaps(y) for x in first.edits for y in second.edits):
        return None
    return Candidate(
        edits=tuple(sorted((*first.edits, *second.edits))),
        template=f"{first.template} + {second.template}",
        line=min(first.line, second.line),
        score=first.score * second.score,
    )


def are_near(first: Candidate, second: Candidate) -> bool:
    return first.edits[0].path == second.edits[0].path and abs(first.line - second.line) <= NEAR


def _worth(pair: tuple[Candidate, Candidate]) -> float:
    first, second = pair
    return -first.score * second.score * (1.0 if are_near(first, second) else FAR_SHARE)
