"""`verify`: the runs of one verification, each in a fresh container, and the proof of what they showed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from importlib.metadata import version

from sandbox import buildpacks, comparison
from sandbox.cache import RunCache
from sandbox.comparison import Facts
from sandbox.engine import Engine
from sandbox.errors import PatchDoesNotApply, PatchRefused, SandboxError, SetupError
from sandbox.execution import Bench
from sandbox.proof import sha256_of
from sandbox.runners import RUNNERS, command_runner
from sandbox.runners.report import programs_digest
from sandbox.split import Split, edited_tests, select, split
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import (
    CommitSha,
    Ended,
    EnvironmentPlan,
    Evidence,
    Inconclusive,
    Limits,
    NoTests,
    Progress,
    Proof,
    RunKind,
    Tampered,
    TestId,
    TestRun,
    Tree,
    Verdict,
)
from sandbox.verdict import judge

_NO_PLAN = EnvironmentPlan(language="", runner="", base="")


@dataclass(frozen=True, kw_only=True)
class VerifyRequest:
    base_commit: CommitSha
    base: Tree
    """A `sandbox.tree.GitTree`: the trees of the runs are made beside it."""
    patch: str
    tests: str = ""
    """A trusted test patch; "": the patch's own new tests are the witnesses."""
    plan: EnvironmentPlan | None = None
    """None: detected on the base."""
    scope: str = ""
    """The repository's name: images are not shared between repositories (`Engine.ensure_image`)."""
    limits: Limits = field(default_factory=Limits)
    budget_seconds: float = 1800.0
    """For one run of the whole suite on base; one that takes longer is cut to a stated selection."""


def verify(engine: Engine, request: VerifyRequest, *, cache: RunCache, progress: Progress) -> Proof:
    """Judge a patch by running it. Raises `PatchDoesNotApply`; all else that goes wrong is a verdict."""
    return _Verification(engine, request, cache, progress).prove()


class _Verification:
    """One verification's state: what has run so far."""

    def __init__(self, engine: Engine, request: VerifyRequest, cache: RunCache, progress: Progress) -> None:
        if not isinstance(request.base, GitTree):
            raise SetupError("a verification needs a tree of a git repository")
        self._engine = engine
        self._request = request
        self._base = request.base
        self._cache = cache
        self._progress = progress
        self._started = time.monotonic()
        self._plan = request.plan or buildpacks.detect(request.base) or _NO_PLAN
        self._image = ""
        self._runs: list[TestRun] = []
        self._selection = ""

    def prove(self) -> Proof:
        return self._proof(self._verdict())

    def _verdict(self) -> Verdict:
        runner = RUNNERS.get(self._plan.runner)
        if runner is None:
            why = f"No runner is known for {self._plan.runner!r}." if self._plan.runner else _UNKNOWN_REPOSITORY
            return NoTests(evidence=Evidence(), why=why)
        try:
            trees = split(self._base, self._request.patch, self._request.tests, runner)
        except PatchRefused as error:
            return Tampered(evidence=Evidence(), signs=(str(error),))
        evidence = Evidence(
            ignored_test_edits=trees.ignored_test_edits,
            flagged_paths=trees.flagged_paths,
            exit_code_only=runner.name == command_runner.NAME,
        )
        if trees.signs:
            return Tampered(evidence=evidence, signs=trees.signs)
        try:
            image = self._engine.ensure_image(self._plan, self._base, self._progress, scope=self._request.scope)
            self._image = image.id
            with Supply(self._engine, image, self._request.limits) as supply:
                facts = self._facts(Bench(supply=supply, runner=runner, plan=self._plan), trees, evidence)
            return judge(facts)
        except PatchDoesNotApply:
            raise
        except SandboxError as error:
            return Inconclusive(evidence=evidence, cause=str(error))

    # --- the runs ------------------------------------------------------------------------------------------------

    def _facts(self, bench: Bench, trees: Split, evidence: Evidence) -> Facts:
        base, files = self._base_runs(bench, trees)
        known = comparison.baseline(base).known
        files_of = {test: bench.runner.file_of(self._base, test) for test in known}
        facts = Facts(
            given_tests=trees.given_tests,
            base=base,
            touched=frozenset(test for test, file in files_of.items() if file in trees.touched_files),
            edited=edited_tests(trees, bench.runner, known),
            rewritten=frozenset(test for test, file in files_of.items() if file in trees.source_paths),
            evidence=replace(evidence, selection=self._selection),
        )
        if any(comparison.trouble(run) for run in base):
            return facts
        with ThreadPoolExecutor(max_workers=2) as pool:
            regression = pool.submit(self._regression_side, bench, trees, facts, files)
            witness = pool.submit(self._witness_side, bench, trees, facts)
            sides = regression.result(), witness.result()
        return replace(
            sides[1], regression=sides[0].regression, confirmations=(*sides[0].confirmations, *sides[1].confirmations)
        )

    def _base_runs(self, bench: Bench, trees: Split) -> tuple[tuple[TestRun, ...], tuple[str, ...]]:
        """(two runs of the base's tests, the test files they were cut to)."""
        budget = min(self._request.limits.seconds, self._request.budget_seconds)
        runs = self._base_pair(bench, (), budget)
        if not any(run.ended is Ended.TIMED_OUT for run in runs):
            return runs, ()
        every = tuple(path for path in self._base.paths() if bench.runner.is_test_file(self._base, path))
        chosen = select(self._base, every, trees.source_paths)
        if not chosen or len(chosen) == len(every):
            return runs, ()
        self._selection = (
            f"The whole suite takes more than {budget:.0f} s: the {len(chosen)} of {len(every)} test files "
            "that name a changed module were run."
        )
        # That it takes too long is known from now on, too.
        self._cache.put(_cache_key(bench, self._base, (), budget), runs)
        return self._base_pair(bench, chosen, budget), chosen

    def _base_pair(self, bench: Bench, files: tuple[str, ...], timeout: float) -> tuple[TestRun, ...]:
        key = _cache_key(bench, self._base, files, timeout)
        stored = self._cache.get(key)
        if stored is not None:
            self._progress(f"base: {_told(stored[0])} (known from an earlier run)")
            self._runs.extend(stored)
            return stored
        self._progress("base: running the tests twice, to know the flaky ones")
        jobs = [lambda: bench.run(RunKind.BASE, self._base, timeout=timeout, files=files)] * 2
        runs = _at_once(jobs)
        self._progress(f"base: {_told(runs[0])}")
        self._runs.extend(runs)
        if not any(comparison.trouble(run) for run in runs):
            self._cache.put(key, runs)
        return runs

    def _regression_side(self, bench: Bench, trees: Split, facts: Facts, files: tuple[str, ...]) -> Facts:
        """Base's tests on the patch's source; what changed colour once more, alone or in company, until it is known."""
        if trees.regression == self._base:
            # No source changes: the tree is base's own, and so are its runs.
            return replace(facts, regression=replace(facts.base[0], kind=RunKind.REGRESSION, cached=True))
        timeout, tree, again = self._timeout(facts), trees.regression, RunKind.CONFIRMATION
        run = self._settled(bench, RunKind.REGRESSION, tree, timeout, files)
        facts = replace(facts, regression=run)
        chosen = _ordered(comparison.turned_red(facts) | comparison.turned_green(facts))
        if comparison.trouble(run) or not chosen:
            return facts
        self._progress(f"confirming {len(chosen)} test(s) that changed, on both sides")
        made = _at_once([partial(self._run, bench, again, side, timeout, tests=chosen) for side in (tree, self._base)])
        facts = replace(facts, confirmations=made)
        if comparison.unresolved(facts):
            return replace(facts, confirmations=(*made, self._run(bench, again, tree, timeout, files)))
        return facts

    def _witness_side(self, bench: Bench, trees: Split, facts: Facts) -> Facts:
        """The witness tests without and with the patch at the same time; what they show fixed, once more on both."""
        if not trees.has_witness:
            return facts
        timeout, own, again = self._timeout(facts), trees.test_files, RunKind.CONFIRMATION
        jobs = [lambda: self._run(bench, RunKind.WITNESS, trees.witness, timeout, own)]
        if trees.candidate != trees.witness:
            jobs.append(lambda: self._settled(bench, RunKind.CANDIDATE, trees.candidate, timeout, own))
        made = _at_once(jobs)
        # Without source changes the patch has nothing to show: its tree is the witness tree.
        candidate = made[1] if len(made) > 1 else replace(made[0], kind=RunKind.CANDIDATE, cached=True)
        facts = replace(facts, witness=made[0], candidate=candidate)
        fixed = _ordered(comparison.witnesses(facts).fixed)
        if not fixed:
            return facts
        self._progress(f"confirming {len(fixed)} fixed test(s), without and with the patch")
        both = (trees.witness, trees.candidate)
        made = _at_once([partial(self._run, bench, again, side, timeout, tests=fixed) for side in both])
        return replace(facts, confirmations=made)

    def _settled(self, bench: Bench, kind: RunKind, tree: GitTree, timeout: float, files: tuple[str, ...]) -> TestRun:
        """A run with the patch; one that came to no orderly end is tried a second time before that is believed."""
        first = self._run(bench, kind, tree, timeout, files)
        if not comparison.trouble(first):
            return first
        second = self._run(bench, kind, tree, timeout, files)
        return first if comparison.trouble(second) else second

    def _run(
        self,
        bench: Bench,
        kind: RunKind,
        tree: GitTree,
        timeout: float,
        files: tuple[str, ...] = (),
        tests: tuple[TestId, ...] = (),
    ) -> TestRun:
        run = bench.run(kind, tree, timeout=timeout, files=files, tests=tests)
        self._runs.append(run)
        self._progress(f"{_TOLD[kind]}: {_told(run)}")
        return run

    def _timeout(self, facts: Facts) -> float:
        """Thrice what base took, and a minute: a patch that makes the suite hang is not waited for."""
        base = max(run.seconds for run in facts.base)
        return min(self._request.limits.seconds, 3 * base + 60)

    # --- the proof -----------------------------------------------------------------------------------------------

    def _proof(self, found: Verdict) -> Proof:
        request = self._request
        return Proof(
            base_commit=request.base_commit,
            base_tree=self._base.digest,
            patch_sha256=sha256_of(request.patch),
            tests_sha256=sha256_of(request.tests),
            image=self._image,
            plan=self._plan,
            runs=tuple(self._runs),
            verdict=found,
            seconds=time.monotonic() - self._started,
            tool_version=version("redgreen"),
            patch=request.patch,
            tests=request.tests,
            limits=request.limits,
        )


_UNKNOWN_REPOSITORY = "The repository is of no kind that redgreen knows how to test."
_TOLD = {
    RunKind.BASE: "base",
    RunKind.WITNESS: "new tests without the patch",
    RunKind.REGRESSION: "existing tests with the patch",
    RunKind.CANDIDATE: "new tests with the patch",
    RunKind.CONFIRMATION: "once more",
}


def _at_once(jobs: Iterable[Callable[[], TestRun]]) -> tuple[TestRun, ...]:
    with ThreadPoolExecutor(max_workers=2) as pool:
        futures: list[Future[TestRun]] = [pool.submit(job) for job in jobs]
        return tuple(future.result() for future in futures)


def _told(run: TestRun) -> str:
    if problem := comparison.trouble(run):
        return f"the run {problem}"
    report = run.report
    assert report is not None
    return f"{len(report.green)} green, {len(report.red)} red of {len(report.results)} tests in {run.seconds:.1f} s"


def _ordered(tests: Iterable[TestId]) -> tuple[TestId, ...]:
    return tuple(sorted(tests))


def _cache_key(bench: Bench, base: GitTree, files: tuple[str, ...], timeout: float) -> str:
    """Everything that base's runs depend on, the reporter's own code included."""
    limits = bench.supply.limits
    return RunCache.key(
        base.digest,
        bench.supply.image.id,
        bench.runner.name,
        list(files),
        timeout,
        [limits.memory_bytes, limits.cpus, limits.pids, limits.disk_bytes, limits.file_bytes],
        programs_digest(),
        list(bench.plan.command),
        version("redgreen"),
    )
