"""The runs of one verification as they are made: each is kept for the proof and told to whoever watches."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from sandbox import comparison, hanging
from sandbox.cache import RunCache
from sandbox.comparison import Facts
from sandbox.execution import Bench, Variation
from sandbox.shards import Division, Whole
from sandbox.split import Split
from sandbox.tree import GitTree
from sandbox.types import Limits, Progress, RunKind, TestId, TestRun

_TOLD = {
    RunKind.BASE: "base",
    RunKind.WITNESS: "new tests without the patch",
    RunKind.REGRESSION: "existing tests with the patch",
    RunKind.CANDIDATE: "new tests with the patch",
    RunKind.CONFIRMATION: "once more",
    RunKind.TWIN: "expecting the impossible",
}


@dataclass(frozen=True, kw_only=True)
class Course:
    """Safe to share between threads."""

    bench: Bench
    base: GitTree
    trees: Split
    cache: RunCache
    limits: Limits
    budget_seconds: float
    test_seconds: float = 0.0
    """For one test; 0: a share of the run's time on base, half a minute at least."""
    progress: Progress
    division: Division = field(default_factory=Division)
    runs: list[TestRun] = field(default_factory=list)

    def run(
        self,
        kind: RunKind,
        tree: GitTree,
        facts: Facts | None = None,
        *,
        timeout: float = 0.0,
        files: tuple[str, ...] = (),
        tests: tuple[TestId, ...] = (),
        without: tuple[TestId, ...] = (),
        variation: Variation | None = None,
    ) -> TestRun:
        """One run; its time limits follow from base's runs, where `facts` has them."""
        run = self.bench.run(
            kind,
            tree,
            timeout=timeout or self._timeout(facts),
            files=files,
            tests=tests,
            variation=variation,
            without=without,
            test_seconds=self._test_seconds(facts, timeout),
        )
        self.keep(run)
        return run

    def whole(
        self, kind: RunKind, tree: GitTree, what: Whole, facts: Facts | None = None, *, timeout: float = 0.0
    ) -> TestRun:
        """A run of all tests, divided where they are."""
        if not what.shards:
            return self.run(kind, tree, facts, files=what.files, without=what.without, timeout=timeout)
        seconds, each = timeout or self._timeout(facts), self._test_seconds(facts, timeout)
        run = self.bench.divided(kind, tree, what.shards, timeout=seconds, test_seconds=each, without=what.without)
        self.keep(run)
        return run

    def settled(self, kind: RunKind, tree: GitTree, facts: Facts, what: Whole) -> TestRun:
        """A run with the patch; one that came to no orderly end is tried a second time before that is believed."""
        first = self.whole(kind, tree, what, facts)
        if not comparison.trouble(first):
            return first
        second = self.whole(kind, tree, what, facts)
        return first if comparison.trouble(second) else second

    def keep(self, run: TestRun) -> None:
        self.runs.append(run)
        self.progress(f"{_TOLD[run.kind]}: {told(run)}")

    def _timeout(self, facts: Facts | None) -> float:
        """Thrice what base took, and a minute: a patch that makes the suite hang is not waited for."""
        if facts is None:
            return self.limits.seconds
        return min(self.limits.seconds, 3 * max(hanging.seconds_without(run) for run in facts.base) + 60)

    def _test_seconds(self, facts: Facts | None, timeout: float) -> float:
        """For one test."""
        if facts is None:
            return self.test_seconds or hanging.seconds_on_base(timeout or self.limits.seconds)
        hung = hanging.ids(comparison.hung(facts))
        results = [result for run in facts.base for result in comparison.report_of(run).results.values()]
        slowest = max((result.seconds for result in results if result.id not in hung), default=0.0)
        return hanging.seconds_with_patch(slowest, self.test_seconds)


def at_once(jobs: Iterable[Callable[[], TestRun]]) -> tuple[TestRun, ...]:
    """Two at a time: on the two sides of a comparison the machine is as busy."""
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures: list[Future[TestRun]] = [pool.submit(job) for job in jobs]
        return tuple(future.result() for future in futures)


def told(run: TestRun) -> str:
    if problem := comparison.trouble(run):
        return f"the run {problem}"
    report = comparison.report_of(run)
    colours = f"{len(report.green)} green, {len(report.red)} red of {len(report.results)} tests in {run.seconds:.1f} s"
    return f"{colours}, in {len(run.shards)} parts at once" if run.shards else colours
