"""What changes that are not enough did all the same, and which pairs that suggests when no single one is. Pure.

`pairing` joins changes that turned a red test green or made one fail later. Where one assertion looks at everything,
there are none; then these are signs:

* It turned every red test green and broke a green one (`broke`): another change may keep that one green.
* More parts of what the assertion compares are right (`Sign.gain`).
* The test fails with other values, or otherwise (`Sign.look`): what was changed matters to it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush

from agents.repair.pairing import FAR_SHARE, WORSE, are_near, joined
from agents.repair.types import Candidate, Edit, TestTrace
from sandbox.types import TestId

MOST_BROKE = 60
"""Changes that please the red tests and break another: the likeliest."""
GAIN = 20.0
"""How much likelier half of a fix a change is that makes all missing parts but its partner's right."""
MOST_FURTHER = 20_000
"""Pairs, duplicates that the sieve drops included."""

Weighed = tuple[float, Candidate]


@dataclass(frozen=True, kw_only=True)
class Sign:
    """What one change did to the tests that stayed red."""

    gain: float = 0.0
    """Of the parts that were wrong on base, the share that became right; 0 when another became wrong."""
    look: tuple[str, ...] = ()
    """How the tests fail; empty: as they did."""


@dataclass
class Hints:
    """What the single changes of one search showed; pairs are passed over."""

    broke: list[Candidate] = field(default_factory=list)
    signs: dict[Candidate, Sign] = field(default_factory=dict)
    useless: set[Candidate] = field(default_factory=set)
    """They hang, or bring along a failure of their own: nothing to build on."""

    def note(self, candidate: Candidate, base: Mapping[TestId, TestTrace], run: Mapping[TestId, TestTrace]) -> None:
        if candidate.is_pair:
            return
        found = sign(base, run)
        if found is None:
            self.useless.add(candidate)
        elif found.look:
            self.signs[candidate] = found

    def note_broken(self, candidate: Candidate) -> None:
        """It turned the goal green and another test red."""
        if not candidate.is_pair:
            self.broke.append(candidate)


def sign(base: Mapping[TestId, TestTrace], run: Mapping[TestId, TestTrace]) -> Sign | None:
    """Of the tests that both ran. None: the change cannot be half of a fix."""
    gained = wrong = 0
    lost = changed = False
    looks: list[str] = []
    for test, after in run.items():
        before = base.get(test)
        if after.slow or after.status == "timeout" or (after.fault is not None and after.fault.kind in WORSE):
            return None
        by_values = before is not None and _is_seen(before) and _is_seen(after)
        looks.append(_look(after, by_values))
        changed = changed or (before is not None and looks[-1] != _look(before, by_values))
        if before is None or before.fault is None or after.fault is None:
            continue
        old, new = before.fault.held, after.fault.held
        if before.fault.line == after.fault.line and len(old) == len(new) > 1:
            pairs = list(zip(old, new, strict=True))
            wrong += old.count("0")
            gained += pairs.count(("0", "1"))
            lost = lost or ("1", "0") in pairs
    gain = gained / wrong if wrong and not lost else 0.0
    return Sign(gain=gain, look=tuple(looks) if changed else ())


def _is_seen(trace: TestTrace) -> bool:
    return trace.fault is not None and bool(trace.fault.seen)


def _look(trace: TestTrace, by_values: bool) -> str:
    """`by_values`: they are known of both runs that are compared, and tell more than the words."""
    fault = trace.fault
    if fault is None:
        return trace.status
    return f"{fault.kind}:{fault.line}:{fault.place}:{fault.seen if by_values else fault.words}"


def further_pairs(singles: Sequence[Candidate], hints: Hints, *, most: int = MOST_FURTHER) -> Iterator[Candidate]:
    """Pairs of changes at different places, the most promising first: of three kinds in turn, each in its own order.

    Those that broke a green test with all others; those that changed how a red test fails with each other; all with
    all, by suspicion and prior alone. In turn, because none of the signs is certain.
    """
    usable = sorted(((c.score, c) for c in singles if c not in hints.useless), key=_order)
    broke = sorted(((c.score, c) for c in hints.broke), key=_order)[:MOST_BROKE]
    telling = sorted(_telling(usable, hints.signs), key=_order)
    streams = [_by_product(broke, usable), _by_product(telling, telling), _by_product(usable, usable)]
    seen: set[tuple[Edit, ...]] = set()
    while streams:
        for stream in tuple(streams):
            pair = _next(stream, seen)
            if pair is None:
                streams.remove(stream)
            elif len(seen) > most:
                return
            else:
                yield pair


def _next(stream: Iterator[tuple[Candidate, Candidate]], seen: set[tuple[Edit, ...]]) -> Candidate | None:
    for first, second in stream:
        pair = joined(first, second)
        if pair is not None and pair.edits not in seen:
            seen.add(pair.edits)
            return pair
    return None


def _telling(usable: Iterable[Weighed], signs: Mapping[Candidate, Sign]) -> Iterator[Weighed]:
    """Those with a sign. Of those in one line with which the tests fail alike, each further one counts less.

    Not so those with a gain: what makes the same part right is alike on the tests, and only there.
    """
    alike: Counter[tuple[str, int, tuple[str, ...]]] = Counter()
    for score, candidate in usable:
        found = signs.get(candidate)
        if found is not None:
            key = (candidate.edits[0].path, candidate.line, found.look)
            alike[key] += 1
            yield score * (1.0 + GAIN * found.gain) if found.gain else score / alike[key], candidate


def _order(weighed: Weighed) -> tuple[float, int, tuple[Edit, ...]]:
    return -weighed[0], weighed[1].size, weighed[1].edits


def _by_product(rows: Sequence[Weighed], columns: Sequence[Weighed]) -> Iterator[tuple[Candidate, Candidate]]:
    """Each with each, the largest product of weights first, without making all of them: both come sorted.

    A pair whose parts stand far apart is put back once, for what it is worth then.
    """
    if not rows or not columns:
        return
    heap = [(-rows[0][0] * columns[0][0], 0, 0, False)]
    while heap:
        value, i, j, is_settled = heappop(heap)
        (_, first), (_, second) = rows[i], columns[j]
        if not is_settled:
            if j + 1 < len(columns):
                heappush(heap, (-rows[i][0] * columns[j + 1][0], i, j + 1, False))
            if j == 0 and i + 1 < len(rows):
                heappush(heap, (-rows[i + 1][0] * columns[0][0], i + 1, 0, False))
            if not are_near(first, second):
                heappush(heap, (FAR_SHARE * value, i, j, True))
                continue
        if first is not second:
            yield first, second
