"""The search proper: candidates, best first, through the hot worker, survivors through the cold one.

A candidate is *plausible* when, imported afresh, it turns every goal test green and no test that was green before red.
The search goes on for a while after the first plausible one: the first is seldom the best.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping

from agents.protocols import Environment
from agents.repair.behaviour import Behaviour
from agents.repair.comparing import Comparison, behaviours, observe
from agents.repair.flight import Flight, Trial
from agents.repair.goal import MOST_HOT_GREEN, Goal, SearchLimits, SearchResult
from agents.repair.hints import further_pairs
from agents.repair.pairing import pairs, progress
from agents.repair.sieve import Sieve
from agents.repair.types import Candidate, Plausible, RunOutcome, TestTrace
from agents.repair.warm import Job, WarmWorker, WorkerConfig, WorkerLost
from sandbox.types import TestId

MOST_RESTARTS = 8
"""A worker that is lost more often makes the search end with what it has. A candidate that takes it along costs two."""
GIVE_UP = 3
"""Red tests, with no green one, after which a candidate's others are not run."""
HOT_MEMORY = 1 << 30
SINGLES_SHARE = 0.5
"""Of the time, before pairs get their turn when no single change was enough; the other singles come after them."""
MOST_PARTNERS = 600
SLOWER = 5.0
"""How much more time candidates get that ran into the time limit, when all else failed."""
MOST_SLOW = 60


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
        self._flight = Flight(slots=goal.slots)
        self._count = 0
        self._base: Mapping[TestId, TestTrace] = {}
        self._slower = 1.0

    def __enter__(self) -> Search:
        return self

    def __exit__(self, *exception: object) -> None:
        for worker in (self._hot, self._cold):
            if worker is not None:
                worker.close()

    def run(self, candidates: Iterable[Candidate], limits: SearchLimits) -> SearchResult:
        """Single changes first; then, when none is enough, pairs of those that helped; then the other singles.

        All of them tried in vain, those that hung get more time, and what time is left goes to further pairs.
        """
        result, began = SearchResult(), time.monotonic()
        singles = list(candidates)
        sieve = Sieve(self._sources)
        queue = iter(singles)
        end = began + limits.seconds
        self._through(queue, sieve, limits, began + SINGLES_SHARE * limits.seconds, end, result)
        if not result.plausible and result.ended in ("exhausted", "turn over") and result.partial:
            best = pairs(result.helpers(), singles[:MOST_PARTNERS])
            until = min(end, time.monotonic() + min(limits.pair_seconds, (end - time.monotonic()) * 0.7))
            self._through(best, sieve, limits, until, end, result)
        if not result.plausible and result.ended in ("exhausted", "turn over"):
            self._through(queue, sieve, limits, end, end, result)
        if not result.plausible and result.ended == "exhausted" and result.slow:
            self._slower = SLOWER
            self._through(iter(result.slow[:MOST_SLOW]), Sieve(self._sources), limits, end, end, result)
            self._slower = 1.0
        if not result.plausible and result.ended == "exhausted":
            self._through(further_pairs(singles, result.hints), sieve, limits, end, end, result, began)
        result.seconds = time.monotonic() - began
        if len(result.plausible) > 1 and not self._stopped():
            result.behaviour = self._compared(result.plausible, end)
        return result

    def _compared(self, found: list[Plausible], end: float) -> dict[Candidate, Behaviour]:
        """What each of several plausible candidates changes; losing a worker over it costs only the comparison."""
        until = max(end, time.monotonic() + 10.0)
        goal = self._goal
        files = {edit.path for plausible in found for edit in plausible.candidate.edits}
        try:
            calls = observe(self.cold_worker(), goal.red, goal.covering, files, goal.test_seconds)
            if not calls:
                return {}
            comparison = Comparison(calls, frozenset(goal.covering), self._hot_worker, self.cold_worker)
            return behaviours(comparison, found, self._sources, lambda: time.monotonic() > until or self._stopped())
        except WorkerLost:
            self._restart()
            return {}

    def _through(
        self,
        candidates: Iterator[Candidate],
        sieve: Sieve,
        limits: SearchLimits,
        until: float,
        end: float,
        result: SearchResult,
        began: float | None = None,
    ) -> None:
        """Candidates until `until` (their turn) or `end` (the search's). The time of the first counts from `began`."""
        began = began or time.monotonic()
        first_found: float | None = None
        result.ended = ""

        def over() -> str:
            now = time.monotonic()
            if self._stopped():
                return "stopped"
            if self._restarts > MOST_RESTARTS:
                return "worker lost"
            # As long again as the first took: an easy bug is not searched for long, a hard one not given up early.
            if first_found is not None and now - first_found > min(limits.after_first, max(3.0, first_found - began)):
                return "enough"
            if now > (end if first_found is not None else until):
                return "time" if now > end else "turn over"
            return "enough" if len(result.plausible) >= limits.enough else ""

        def jobs() -> Iterator[Job]:
            while True:
                again = self._flight.waiting()
                if again is not None:
                    yield self._job(again)
                    continue
                result.ended = result.ended or over()
                if result.ended:
                    return
                candidate = next(candidates, None)
                if candidate is None:
                    result.ended = "exhausted"
                    return
                texts = sieve.passes(candidate)
                if texts is not None:
                    yield self._job(self._trial(candidate, texts))

        while not result.ended or (result.ended in ("exhausted", "turn over") and not self._flight.is_empty):
            try:
                for outcome in self._outcomes(jobs()):
                    if result.ended in ("time", "stopped"):
                        continue  # sent ahead; to judge each could take minutes that are not there
                    result.tried += 1
                    found = self._judge(outcome, result)
                    if found is not None:
                        if not result.plausible:
                            self._on_first(found)
                        result.plausible.append(found)
                        first_found = first_found or time.monotonic()
                    result.ended = result.ended or over()
            except WorkerLost:
                self._lost(result)
                result.ended = over() or result.ended
        self._flight.clear()

    def _outcomes(self, jobs: Iterator[Job]) -> Iterator[RunOutcome]:
        """Of those that may have taken a worker along, each alone; then of the others, several in flight."""
        worker = self._hot_worker()
        while (suspect := self._flight.suspect()) is not None:
            yield worker.run(self._job(suspect))
        yield from worker.run_all(jobs)

    def _lost(self, result: SearchResult) -> None:
        """After a worker was lost: which candidate it was, where that is known, and new workers for the others."""
        if (culprit := self._flight.lost()) is not None:
            result.lost.append(culprit.candidate)
            result.hints.useless.add(culprit.candidate)
        self._restart()

    def _trial(self, candidate: Candidate, texts: Mapping[str, str]) -> Trial:
        self._count += 1
        trial = Trial(id=self._count, candidate=candidate, texts=texts)
        self._flight.sent(trial)
        return trial

    def _job(self, trial: Trial) -> Job:
        goal = self._goal
        seconds = goal.test_seconds * self._slower
        return Job(
            id=trial.id,
            stages=(goal.red,),
            patches=trial.texts,
            give_up=GIVE_UP,
            goal=len(goal.red),
            ask_again=True,
            test_seconds=seconds,
            cpu_seconds=goal.cpu_seconds * self._slower,
            total_seconds=seconds * (len(goal.red) + 1) + 20,
            memory_bytes=HOT_MEMORY,
        )

    def _judge(self, outcome: RunOutcome, result: SearchResult) -> Plausible | None:
        """From a hot outcome to a plausible candidate, by way of a fresh import. Raises `WorkerLost` (hot)."""
        trial = self._flight.answered(outcome.id)
        if trial is None:
            raise WorkerLost("the warm worker answered what it was not asked")
        candidate, texts = trial.candidate, trial.texts
        result.pairs += candidate.is_pair
        goal = frozenset(self._goal.red)
        green = outcome.green() & goal
        wrong = [test for test, trace in outcome.tests.items() if test not in goal and not trace.is_green]
        if outcome.end != "cold" and (green != goal or wrong):
            if not wrong:
                self._note(candidate, outcome, result)
            elif green == goal:
                result.hints.note_broken(candidate)
            return None
        try:
            return self._afresh(candidate, texts, result)
        except WorkerLost:  # the cold one: what the hot one was sent is not touched by it
            self._restart_cold()
            result.lost.append(candidate)
            result.hints.useless.add(candidate)
            return None

    def _afresh(self, candidate: Candidate, texts: Mapping[str, str], result: SearchResult) -> Plausible | None:
        goal = frozenset(self._goal.red)
        stages = tuple(stage for stage in (self._goal.red, self._goal.covering, self._goal.rest) if stage)
        cold = self._cold_run(texts, stages, stop_on_red=True)
        if goal <= cold.green():
            wanted = frozenset(self._goal.covering) | frozenset(self._goal.rest)
            if wanted <= cold.green():
                return Plausible(candidate=candidate, fixed=goal | self._bonus(texts))
            result.hints.note_broken(candidate)
        elif cold.green() & goal:
            result.partial.append((2 * len(cold.green() & goal), candidate))
        result.hints.note(candidate, self._base, cold.tests)
        return None

    def _note(self, candidate: Candidate, outcome: RunOutcome, result: SearchResult) -> None:
        """What a candidate that is not enough is good for all the same."""
        helped = progress(self._base, outcome.tests, self._goal.red)
        if helped:
            result.partial.append((helped, candidate))
        result.hints.note(candidate, self._base, outcome.tests)
        red = [trace for trace in outcome.tests.values() if not trace.is_green]
        if red and self._slower == 1.0 and all(trace.slow or trace.status == "timeout" for trace in red):
            result.slow.append(candidate)

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
            ask_again=stop_on_red,
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
            goal = self._goal
            config = WorkerConfig(
                runner=goal.runner,
                mode="hot",
                slots=goal.slots,
                tests=(*goal.red, *goal.covering[:MOST_HOT_GREEN]),
                sources=self._sources,
                imports=goal.imports,
            )
            self._hot = WarmWorker(self._environment, config)
            base = Job(
                id=0, stages=(goal.red,), goal=len(goal.red), ask_again=True, test_seconds=goal.test_seconds,
                cpu_seconds=goal.cpu_seconds, total_seconds=goal.test_seconds * (len(goal.red) + 1) + 20,
            )  # fmt: skip
            self._base = self._hot.run(base).tests
        return self._hot

    def _restart(self) -> None:
        self._restart_cold()
        if self._hot is not None:
            self._hot.close()
        self._hot = None

    def _restart_cold(self) -> None:
        self._restarts += 1
        if self._cold is not None:
            self._cold.close()
        self._cold = None
