"""The search proper: candidates, best first, through the hot worker, survivors through the cold one.

A candidate is *plausible* when, imported afresh, it turns every goal test green and no test that was green before red.
The search goes on for a while after the first plausible one: the first is seldom the best.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import log

from agents.protocols import Environment
from agents.repair.candidates import Sieve, pairs, patched
from agents.repair.types import Candidate, Plausible, RunOutcome
from agents.repair.warm import Job, WarmWorker, WorkerConfig, WorkerLost
from sandbox.types import TestId

MOST_RESTARTS = 3
"""A worker that is lost more often makes the search end with what it has."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a candidate must do, and how long it may take."""

    runner: str
    red: tuple[TestId, ...]
    """Must turn green, all of them."""
    covering: tuple[TestId, ...]
    """Green on base and near the change, cheapest first: the first to tell a wrong candidate."""
    rest: tuple[TestId, ...] = ()
    """The other tests that are green on base."""
    also_red: tuple[TestId, ...] = ()
    """Red on base too, not demanded: a candidate that turns them green is the better one."""
    test_seconds: float = 5.0
    rest_seconds: float = 120.0
    imports: tuple[str, ...] = ()
    slots: int = 2


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    seconds: float
    """Of the whole search."""
    after_first: float = 10.0
    """How long to look on after the first plausible candidate, at most."""
    enough: int = 12
    """Plausible candidates."""
    pair_seconds: float = 120.0


@dataclass
class SearchResult:
    plausible: list[Plausible] = field(default_factory=list)
    partial: list[Candidate] = field(default_factory=list)
    """Turn some goal tests green, not all."""
    tried: int = 0
    seconds: float = 0.0
    ended: str = ""
    """`exhausted`, `enough`, `time`, `stopped` or `worker lost`."""


class Search:
    """One search over one base. Close it, or use it as a context manager."""

    def __init__(
        self,
        environment: Environment,
        sources: Mapping[str, str],
        goal: Goal,
        stopped: Callable[[], bool],
        on_first: Callable[[Plausible], None] = lambda _: None,
    ) -> None:
        """`on_first` is called once, with the first plausible candidate, while the search goes on."""
        self._environment = environment
        self._sources = sources
        self._goal = goal
        self._stopped = stopped
        self._on_first = on_first
        self._hot: WarmWorker | None = None
        self._cold: WarmWorker | None = None
        self._restarts = 0
        self._jobs: dict[int, tuple[Candidate, Mapping[str, str]]] = {}
        self._count = 0

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in (self._hot, self._cold):
            if worker is not None:
                worker.close()

    def run(self, candidates: Iterable[Candidate], limits: SearchLimits) -> SearchResult:
        """Try single candidates, then pairs where single ones only helped in part."""
        result = SearchResult()
        began = time.monotonic()
        singles = list(candidates)
        sieve = Sieve(self._sources)
        self._through(iter(singles), sieve, limits, began, result)
        if not result.plausible and result.ended == "exhausted" and len(self._goal.red) > 1:
            best = pairs(result.partial[:40], singles[:400])
            deadline = min(limits.seconds, time.monotonic() - began + limits.pair_seconds)
            bounded = SearchLimits(seconds=deadline, after_first=limits.after_first, enough=limits.enough)
            self._through(best, sieve, bounded, began, result)
        result.seconds = time.monotonic() - began
        return result

    def _through(
        self, candidates: Iterator[Candidate], sieve: Sieve, limits: SearchLimits, began: float, result: SearchResult
    ) -> None:
        first_found: float | None = None
        result.ended = ""

        def over() -> str:
            now = time.monotonic()
            if self._stopped():
                return "stopped"
            if now - began > limits.seconds:
                return "time"
            # As long again as the first took: an easy bug is not searched for long, a hard one not given up early.
            if first_found is not None and now - first_found > min(limits.after_first, max(3.0, first_found - began)):
                return "enough"
            return "enough" if len(result.plausible) >= limits.enough else ""

        def jobs() -> Iterator[Job]:
            for candidate in candidates:
                result.ended = result.ended or over()
                if result.ended:
                    return
                texts = sieve.passes(candidate)
                if texts is not None:
                    yield self._hot_job(candidate, texts)
            result.ended = result.ended or "exhausted"

        while not result.ended:
            try:
                for outcome in self._hot_worker().run_all(jobs()):
                    result.tried += 1
                    found = self._judge(outcome, result)
                    if found is not None:
                        if not result.plausible:
                            self._on_first(found)
                        result.plausible.append(found)
                        first_found = first_found or time.monotonic()
                    result.ended = result.ended or over()
            except WorkerLost:
                self._restart()
                if self._restarts > MOST_RESTARTS:
                    result.ended = "worker lost"

    def _hot_job(self, candidate: Candidate, texts: Mapping[str, str]) -> Job:
        self._count += 1
        self._jobs[self._count] = (candidate, texts)
        return Job(
            id=self._count,
            stages=(self._goal.red,),
            patches=texts,
            stop_on_red=len(self._goal.red) == 1,
            test_seconds=self._goal.test_seconds,
            total_seconds=self._goal.test_seconds * (len(self._goal.red) + 1) + 10,
        )

    def _judge(self, outcome: RunOutcome, result: SearchResult) -> Plausible | None:
        """From a hot outcome to a plausible candidate, by way of a fresh import."""
        candidate, texts = self._jobs.pop(outcome.id)
        goal = frozenset(self._goal.red)
        green = outcome.green() & goal
        if outcome.end != "cold" and green != goal:
            if green:
                result.partial.append(candidate)
            return None
        stages = tuple(stage for stage in (self._goal.red, self._goal.covering, self._goal.rest) if stage)
        cold = self._cold_run(texts, stages, stop_on_red=True)
        if goal <= cold.green():
            wanted = frozenset(self._goal.covering) | frozenset(self._goal.rest)
            if wanted <= cold.green():
                return Plausible(candidate=candidate, fixed=goal | self._bonus(texts))
        elif cold.green() & goal:
            result.partial.append(candidate)
        return None

    def _bonus(self, texts: Mapping[str, str]) -> frozenset[TestId]:
        if not self._goal.also_red:
            return frozenset()
        outcome = self._cold_run(texts, (self._goal.also_red,), stop_on_red=False)
        return outcome.green() & frozenset(self._goal.also_red)

    def _cold_run(
        self, texts: Mapping[str, str], stages: tuple[tuple[TestId, ...], ...], *, stop_on_red: bool
    ) -> RunOutcome:
        job = Job(
            id=0,
            stages=stages,
            patches=texts,
            stop_on_red=stop_on_red,
            test_seconds=max(self._goal.test_seconds, 10.0),
            total_seconds=self._goal.rest_seconds,
        )
        return self.cold_worker().run(job)

    def cold_worker(self) -> WarmWorker:
        if self._cold is None:
            config = WorkerConfig(runner=self._goal.runner, mode="cold", slots=1, imports=self._goal.imports)
            self._cold = WarmWorker(self._environment, config)
        return self._cold

    def _hot_worker(self) -> WarmWorker:
        if self._hot is None:
            config = WorkerConfig(
                runner=self._goal.runner,
                mode="hot",
                slots=self._goal.slots,
                tests=self._goal.red,
                sources=self._sources,
                imports=self._goal.imports,
            )
            self._hot = WarmWorker(self._environment, config)
        return self._hot

    def _restart(self) -> None:
        self._restarts += 1
        for worker in (self._hot, self._cold):
            if worker is not None:
                worker.close()
        self._hot = self._cold = None
        self._jobs.clear()


def best(found: Iterable[Plausible], sources: Mapping[str, str]) -> list[Plausible]:
    """The plausible candidates, the one to propose first.

    Most red tests fixed, then small and likely, weighed against each other: a change of four times the lines must be
    of a template twice as likely. (Strictly the smallest first takes any one-line accident before a three-line idiom.)
    """

    def rank(plausible: Plausible) -> tuple[int, float, int]:
        candidate = plausible.candidate
        lines = max(1, _changed_lines(candidate, sources))
        return -len(plausible.fixed), 0.5 * log(lines) - log(max(candidate.score, 1e-9)), candidate.size

    return sorted(found, key=rank)


def _changed_lines(candidate: Candidate, sources: Mapping[str, str]) -> int:
    """Lines that the diff would show as removed or added."""
    count = 0
    for path, text in patched(sources, candidate).items():
        old, new = sources[path].splitlines(), text.splitlines()
        same = 0
        for a, b in zip(old, new, strict=False):
            if a != b:
                break
            same += 1
        tail = 0
        for a, b in zip(reversed(old[same:]), reversed(new[same:]), strict=False):
            if a != b:
                break
            tail += 1
        count += max(len(old), len(new)) - same - tail
    return count


def cheapest(tests: Mapping[TestId, float], most_seconds: float, most: int = 400) -> tuple[TestId, ...]:
    """Tests in the order of their durations, as many as fit the budget (at least one)."""
    chosen: list[TestId] = []
    total = 0.0
    for test, seconds in islice(sorted(tests.items(), key=lambda item: (item[1], item[0])), most):
        total += seconds
        if chosen and total > most_seconds:
            break
        chosen.append(test)
    return tuple(chosen)
