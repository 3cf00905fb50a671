"""`verify`: the runs of one verification, each in a fresh container, and the proof of what they showed."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from importlib.metadata import version

from sandbox import buildpacks, comparison, signs
from sandbox.base_runs import base_runs
from sandbox.cache import RunCache
from sandbox.comparison import Facts
from sandbox.course import Course
from sandbox.engine import Engine
from sandbox.errors import PatchDoesNotApply, PatchRefused, SandboxError, SetupError
from sandbox.execution import Bench
from sandbox.proof import sha256_of
from sandbox.runners import RUNNERS, command_runner
from sandbox.shadows import shadows
from sandbox.shards import Division
from sandbox.sides import regression_side, witness_side
from sandbox.split import Split, edited_tests, split
from sandbox.supply import Supply
from sandbox.tree import GitTree
from sandbox.types import (
    CommitSha,
    EnvironmentPlan,
    Evidence,
    Inconclusive,
    Limits,
    NoTests,
    Progress,
    Proof,
    Tampered,
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
    test_seconds: float = 0.0
    """For one test, where the runner has a clock. One that takes longer on base hangs, and counts neither way; with the
    patch each has at least twenty times what base's slowest took. 0: a sixth of the run's time on base, at least half
    a minute."""
    division: Division = field(default_factory=Division)
    """Into how many containers at once a long suite is divided."""


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
        sources = _changed(self._base, trees.regression)
        taken = shadows(self._base, _added(self._base, trees), self._base.prefetch)
        if found := (*trees.signs, *taken.refused, *signs.asks_for_tests(sources, self._base.mentions)):
            return Tampered(evidence=evidence, signs=found)
        seen = signs.for_people(sources, _changed(self._base, trees.witness))
        evidence = replace(evidence, signs=(*trees.notes, *taken.seen, *seen))
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

    def _facts(self, bench: Bench, trees: Split, evidence: Evidence) -> Facts:
        course = self._course(bench, trees)
        base = base_runs(course)
        known = comparison.baseline(base.runs).known
        files_of = {test: bench.runner.file_of(self._base, test) for test in known}
        facts = Facts(
            given_tests=trees.given_tests,
            base=base.runs,
            touched=frozenset(test for test, file in files_of.items() if file in trees.touched_files),
            edited=edited_tests(trees, bench.runner, known),
            rewritten=frozenset(test for test, file in files_of.items() if file in trees.rewritten_files),
            evidence=replace(evidence, selection=base.selection, division=base.division, hanging=base.hanging),
        )
        if any(comparison.trouble(run) for run in base.runs):
            return facts
        with ThreadPoolExecutor(max_workers=2) as pool:
            regression = pool.submit(regression_side, course, facts, base.whole)
            witness = pool.submit(witness_side, course, facts, base.whole.without)
            one, other = regression.result(), witness.result()
        return replace(
            other,
            regression=one.regression,
            confirmations=(*one.confirmations, *other.confirmations),
            twins=(*one.twins, *other.twins),
        )

    def _course(self, bench: Bench, trees: Split) -> Course:
        return Course(
            bench=bench,
            base=self._base,
            trees=trees,
            cache=self._cache,
            limits=self._request.limits,
            budget_seconds=self._request.budget_seconds,
            test_seconds=self._request.test_seconds,
            division=self._request.division,
            progress=self._progress,
            runs=self._runs,
        )

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


def _changed(base: GitTree, tree: GitTree) -> tuple[signs.Changed, ...]:
    """The files of the tree that are not as in base, as text."""
    return tuple(
        signs.Changed(path=path, before=_text(base.read(path)), after=_text(tree.read(path)))
        for path in sorted(base.changed_paths(tree))
    )


def _added(base: GitTree, trees: Split) -> tuple[str, ...]:
    """The paths that the patch itself brings, its tests' too."""
    trusted = trees.witness.entries if trees.given_tests else base.entries
    return tuple(path for path in trees.candidate.paths() if path not in base.entries and path not in trusted)


def _text(data: bytes | None) -> str:
    return (data or b"")[:_MOST_TEXT].decode("utf-8", "replace")


_MOST_TEXT = 1 << 20
"""Bytes of one file that are searched for signs."""
_UNKNOWN_REPOSITORY = "The repository is of no kind that redgreen knows how to test."
