"""The runs behind a foresight: in an attempt's own container, on other trees than its working tree."""

from __future__ import annotations

import secrets
from collections.abc import Iterable

from sandbox import foresight
from sandbox.container import Container
from sandbox.errors import PatchDoesNotApply, PatchRefused, SetupError
from sandbox.foresight import NOTHING
from sandbox.runners import RUNNERS
from sandbox.runners.protocol import Runner, RunRequest
from sandbox.split import Split, split
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan, Foresight, RepoView, TestId, TestReport, Tree

REPORT_LIMIT = 64 << 20
MOST_RED = 100
"""Red tests that are looked at on base."""
MOST_LOOKED_UP = 300
"""Tests of a report whose files are asked for one by one; beyond that, only those that a file's name stands in."""


class Foreseeing:
    """Remembers what it ran: base does not change, and the new tests rarely."""

    def __init__(self, container: Container, plan: EnvironmentPlan, base: Tree) -> None:
        self._container = container
        self._plan = plan
        self._base = base
        self._known: dict[tuple[str, tuple[str, ...], tuple[TestId, ...]], TestReport] = {}

    def of(self, diff: str, now: TestReport, *, timeout: float) -> Foresight:
        """Raises `SetupError` where there is no runner or no place for another tree, `ContainerLost`."""
        if not diff.strip():
            return Foresight()
        if not isinstance(self._base, GitTree):
            raise SetupError("a foresight needs a tree of a git repository")
        runner = runner_of(self._plan)
        try:
            trees = split(self._base, diff, "", runner)
        except (PatchRefused, PatchDoesNotApply) as error:
            return Foresight(refused=str(error))
        changes_source = trees.regression != trees.base
        without = now
        if changes_source:
            without = self._on(trees.witness, timeout, files=trees.test_files) if trees.test_files else NOTHING
        touched = _touched(trees, runner, now, without if changes_source else NOTHING)
        return foresight.foresight(
            now,
            without=without,
            base=self._of_base(trees, sorted(now.red - touched)[:MOST_RED], timeout),
            touched=touched,
            edited=trees.ignored_test_edits,
            flagged=trees.flagged_paths,
            changes_source=changes_source,
        )

    def _of_base(self, trees: Split, red: list[TestId], timeout: float) -> TestReport:
        """Base's tests in the files that the change edits, and those that are red now."""
        existing = tuple(path for path in trees.test_files if path in trees.base.entries)
        edited = self._on(trees.base, timeout, files=existing) if existing else NOTHING
        others = self._on(trees.base, timeout, tests=tuple(red)) if red else NOTHING
        return TestReport(results={**edited.results, **others.results})

    def _on(
        self, tree: GitTree, timeout: float, *, files: tuple[str, ...] = (), tests: tuple[TestId, ...] = ()
    ) -> TestReport:
        key = (tree.digest, files, tests)
        if key not in self._known:
            with self._container.another_tree(tree):
                report = run_once(self._container, self._plan, tree, timeout=timeout, files=files, tests=tests)
            if not report.complete:
                raise SetupError("a run without the change came to no end, so what it would have shown is not known")
            self._known[key] = report
        return self._known[key]


def run_once(
    container: Container,
    plan: EnvironmentPlan,
    view: RepoView,
    *,
    timeout: float,
    files: tuple[str, ...] = (),
    tests: tuple[TestId, ...] = (),
) -> TestReport:
    """One run of what stands in the tree, of which `view` is a sight; an empty, incomplete report where it left
    none. Raises `SetupError`, `ContainerLost`."""
    runner = runner_of(plan)
    request = RunRequest(
        nonce=secrets.token_hex(16), key=secrets.token_hex(32), tests=tests, files=files, canaries=False, plan=plan
    )
    prepared = runner.prepare(view, request)
    container.put_files(prepared.files)
    container.run(prepared.argv, timeout=timeout, env=prepared.env)
    try:
        report = container.read_file(prepared.report_path, REPORT_LIMIT)
    except (OSError, ValueError):
        report = b""
    return runner.parse(report, request)


def runner_of(plan: EnvironmentPlan) -> Runner:
    runner = RUNNERS.get(plan.runner)
    if runner is None:
        raise SetupError(f"There is no test runner named {plan.runner!r}.")
    return runner


def _touched(trees: Split, runner: Runner, now: TestReport, without: TestReport) -> frozenset[TestId]:
    """The tests of both reports that stand in test files which the change adds or edits."""
    files = frozenset(trees.test_files)
    if not files:
        return frozenset()
    asked = _asked(now.results, files) - without.results.keys()
    found = (test for test in asked if runner.file_of(trees.candidate, test) in files)
    return frozenset((*without.results, *found))


def _asked(tests: Iterable[TestId], files: frozenset[str]) -> frozenset[TestId]:
    every = frozenset(tests)
    if len(every) <= MOST_LOOKED_UP:
        return every
    stems = [path.rsplit("/", 1)[-1].split(".", 1)[0] for path in files]
    return frozenset(test for test in every if any(stem in test for stem in stems))
