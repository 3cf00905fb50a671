"""Asks base and the plausible candidates, in the sandbox, what they answer to the same calls."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from agents.repair.behaviour import Behaviour, Outcomes, chosen_calls, compare, stable
from agents.repair.candidates import patched
from agents.repair.types import Candidate, Plausible, RecordedCall
from agents.repair.warm import Job, WarmWorker
from sandbox.types import TestId

MOST_CALLS = 60
VARIANTS = 24
REPLAY_SECONDS = 4.0
"""For all the calls of one version, variants included."""
RECORD_SECONDS = 25.0


def observe(
    worker: WarmWorker, red: Sequence[TestId], near: Sequence[TestId], files: Iterable[str], test_seconds: float
) -> tuple[RecordedCall, ...]:
    """The calls that these tests make into these files, on base, by a cold worker. Raises `WorkerLost`."""
    wanted = tuple(sorted(files))
    calls: list[RecordedCall] = []
    for tests in (tuple(near[:60]), tuple(red)):
        if tests:
            outcome = worker.run(
                Job(id=0, stages=(tests,), observed=wanted, test_seconds=test_seconds, total_seconds=RECORD_SECONDS)
            )
            calls.extend(outcome.calls)
    return chosen_calls(calls, MOST_CALLS)


class Comparison:
    """Replays in the hot worker where it can take the change, else in the cold one.

    Each has its own base to compare with, since the order of sets differs between processes.
    """

    def __init__(
        self,
        calls: tuple[RecordedCall, ...],
        green: frozenset[TestId],
        hot: Callable[[], WarmWorker],
        cold: Callable[[], WarmWorker],
    ) -> None:
        self._calls = calls
        self._green = green
        self._hot = hot
        self._cold = cold
        self._bases: dict[bool, Outcomes] = {}

    def of(self, candidate: Candidate, sources: Mapping[str, str]) -> Behaviour:
        """Raises `WorkerLost`."""
        texts = patched(sources, candidate)
        for is_hot in (True, False):
            new = self._replayed(is_hot, texts)
            if new is not None:
                return compare(self._calls, self._green, self._base(is_hot), new)
        return compare(self._calls, self._green, (), ())

    def _base(self, is_hot: bool) -> Outcomes:
        if is_hot not in self._bases:
            twice = [self._replayed(is_hot, {}) or () for _ in "ab"]
            self._bases[is_hot] = stable(*twice)
        return self._bases[is_hot]

    def _replayed(self, is_hot: bool, texts: Mapping[str, str]) -> Outcomes | None:
        """None: the hot worker cannot take this change."""
        tests = tuple(dict.fromkeys(call.test for call in self._calls))
        job = Job(
            id=0,
            stages=(tests,),
            patches=texts,
            replayed=self._calls,
            variants=VARIANTS,
            replay_seconds=REPLAY_SECONDS,
            # One stage, no tests: the limit of a test is that of the whole replay.
            test_seconds=REPLAY_SECONDS + 20.0,
            total_seconds=REPLAY_SECONDS + 20.0,
        )
        outcome = (self._hot if is_hot else self._cold)().run(job)
        return None if outcome.end == "cold" else outcome.outcomes


def behaviours(
    comparison: Comparison, found: Iterable[Plausible], sources: Mapping[str, str], over: Callable[[], bool]
) -> dict[Candidate, Behaviour]:
    """Of as many as the time allows, in the order found."""
    seen: dict[Candidate, Behaviour] = {}
    for plausible in found:
        if over():
            break
        seen[plausible.candidate] = comparison.of(plausible.candidate, sources)
    return seen
