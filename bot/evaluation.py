"""SWE-bench's predictions graded: trees made, environments built, tests run in fresh containers, grades handed back.

What is decided is in `sandbox.swebench`; the results' place on disk is `bot.evaluation_store`'s.
"""

from __future__ import annotations

import contextlib
import shlex
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from bot.evaluation_trees import Place, applied, built, repository, selected
from sandbox import buildpacks, tamper
from sandbox.commits import committed, last_tag, resolve
from sandbox.engine import Engine
from sandbox.errors import PatchDoesNotApply, SandboxError, SetupError
from sandbox.execution import Bench
from sandbox.images import Image
from sandbox.layout import TREE
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.swebench import judging
from sandbox.swebench.commands import TestCommand, directives
from sandbox.swebench.environments import Environments, plan_for
from sandbox.swebench.records import Instance, Prediction
from sandbox.swebench.report import Cause, Graded, Outcome
from sandbox.tree import GitTree, attach
from sandbox.types import EnvironmentPlan, ExecResult, Limits, Progress, RunKind, TestRun

T = TypeVar("T")
_OUTPUT = 8 << 20
"""Characters of a run's output that are kept."""


class _Once(Generic[T]):
    """A value that the first who asks makes, while the others wait. What kept it from being made is kept, too."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: list[T] = []
        self._failed: SandboxError | None = None

    def get(self, make: Callable[[], T]) -> T:
        """Raises the `SandboxError` that `make` raised, each time."""
        with self._lock:
            if self._failed is not None:
                raise self._failed
            if not self._made:
                try:
                    self._made.append(make())
                except SandboxError as error:
                    self._failed = error
                    raise
            return self._made[0]


@dataclass(frozen=True, kw_only=True)
class Setting:
    """What all gradings share."""

    engine: Engine
    repositories: Path
    scratch: Path
    """For bare repositories of ours, which borrow the objects of those."""
    environments: Environments
    limits: Limits
    timeout: float
    """Seconds, for one run of an instance's tests."""
    progress: Progress


@dataclass(frozen=True, kw_only=True)
class Execution:
    """One graded prediction, with what its test command printed."""

    graded: Graded
    output: str = ""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What the predictions of one instance share."""

    instance: Instance
    base: GitTree
    tests: GitTree
    """Base with the test patch."""
    test_paths: frozenset[str]
    plan: EnvironmentPlan
    command: TestCommand
    image: Image
    scope: str
    """What the image is shared within: the repository at this commit, since it may hold what was built from it."""


@dataclass
class _Shared:
    supply: Supply
    users: int = 0


class Evaluation:
    """Grades predictions; safe to share between threads. An instance's stage is made once, by whoever comes first.

    `expected`: how many predictions of each instance will be asked for: while one runs, the next container starts.
    """

    def __init__(self, setting: Setting, expected: Mapping[str, int] | None = None) -> None:
        self._setting = setting
        self._stages: dict[str, _Once[Stage]] = {}
        self._references: dict[str, _Once[TestRun]] = {}
        self._lock = threading.Lock()
        self._waiting = dict(expected or {})
        self._open: dict[str, _Shared] = {}

    def grade(self, instance: Instance, prediction: Prediction) -> Execution:
        """Never raises for what a repository, a patch or a container does: that is an outcome."""
        started = time.monotonic()
        start = Graded(prediction=prediction, outcome=Outcome.ERROR)
        if prediction.is_empty:
            return Execution(graded=replace(start, outcome=Outcome.EMPTY_PATCH))
        try:
            done = self._graded(start, instance)
        except PatchDoesNotApply as error:
            done = Execution(graded=replace(start, cause=Cause.DOES_NOT_APPLY, why=str(error)))
        except SandboxError as error:
            detail = str(getattr(error, "log_tail", ""))
            done = Execution(graded=replace(start, cause=Cause.ENVIRONMENT, why=str(error)), output=detail)
        return replace(done, graded=replace(done.graded, seconds=time.monotonic() - started))

    def _graded(self, start: Graded, instance: Instance) -> Execution:
        stage = self.stage(instance)
        prediction = start.prediction
        with self._supply(stage) as supply:
            patched, how = applied(stage.base, stage.plan, prediction.patch or "", supply)
            tree = patched.overlay(stage.tests, stage.test_paths)
            changed = stage.tests.changed_paths(tree)
            start = replace(
                start,
                applied_by=how,
                tampered=tamper.static_signs(stage.base, tree, changed),
                runner=stage.command.runner or stage.command.text,
                image=stage.image.id,
                notes=stage.image.notes,
            )
            if not stage.command.runner:
                return self._by_log(start, stage, tree, supply)
            run = self._run(stage, tree, supply)
        return Execution(graded=self._judged(start, stage, run, changed), output=run.output_tail)

    def _judged(self, start: Graded, stage: Stage, run: TestRun, changed: frozenset[str]) -> Graded:
        report = run.report
        signs = [*start.tampered, *run.tamper_signs, *(report.tamper_signs if report is not None else ())]
        if report is not None and judging.suspicious(report, changed):
            signs += judging.replacements(report, self._reference(stage).report)
        expected = judging.Expected(instance=stage.instance, paths=frozenset(stage.tests.paths()))
        found = judging.reading(run, stage.command, expected)
        graded = judging.graded(replace(start, tampered=tuple(dict.fromkeys(signs))), stage.instance, found)
        if graded.tests is None or report is None:
            return graded
        style = stage.command.style(stage.instance)
        wanting = judging.in_want_of_network(graded.tests, report, style)
        if not wanting:
            return graded
        without = self._reference(stage).report
        if without is None:
            return graded
        return judging.excused(graded, wanting, judging.in_want_of_network(graded.tests, without, style))

    # --- runs ----------------------------------------------------------------------------------------------------

    @property
    def _limits(self) -> Limits:
        return replace(self._setting.limits, seconds=self._setting.timeout, output_bytes=_OUTPUT)

    @contextmanager
    def _supply(self, stage: Stage) -> Iterator[Supply]:
        """The containers of an instance, until its last expected prediction is graded."""
        name = stage.instance.instance_id
        with self._lock:
            shared = self._open.setdefault(name, _Shared(Supply(self._setting.engine, stage.image, self._limits)))
            shared.users += 1
            self._waiting[name] = max(0, self._waiting.get(name, 0) - 1)
        try:
            yield shared.supply
        finally:
            with self._lock:
                shared.users -= 1
                over = shared.users == 0 and not self._waiting[name]
                if over:
                    del self._open[name]
            if over:
                shared.supply.close()

    def _run(self, stage: Stage, tree: GitTree, supply: Supply) -> TestRun:
        runner = RUNNERS[stage.command.runner]
        bench = Bench(supply=supply, runner=runner, plan=stage.plan, tail=_OUTPUT)
        # Nothing but this depends on the kind: that of a candidate has another container started beside it.
        kind = RunKind.CANDIDATE if self._waiting.get(stage.instance.instance_id) else RunKind.REGRESSION
        return bench.run(
            kind, tree, timeout=self._setting.timeout, files=selected(stage.instance, stage.plan, stage.command, tree)
        )

    def _by_log(self, start: Graded, stage: Stage, tree: GitTree, supply: Supply) -> Execution:
        words = directives(stage.instance.test_patch, tree)
        with supply.container() as container:
            container.put_tree(tree)
            line = " ".join((stage.command.text, *(shlex.quote(word) for word in words)))
            result: ExecResult = container.run(line, timeout=self._setting.timeout, cwd=TREE)
        start = replace(start, evidence="log")
        if result.timed_out:
            why = f"The tests did not end within {result.seconds:.0f} s."
            return Execution(graded=replace(start, cause=Cause.TIMEOUT, why=why), output=result.output)
        found = judging.reading_of_log(result.output, result.exit_code)
        return Execution(graded=judging.graded(start, stage.instance, found), output=result.output)

    def _reference(self, stage: Stage) -> TestRun:
        """The same tests without the patch, run once an instance."""

        def make() -> TestRun:
            self._setting.progress(f"{stage.instance.instance_id}: the same tests without a patch, to compare")
            with Supply(self._setting.engine, stage.image, self._limits) as supply:
                return self._run(stage, stage.tests, supply)

        return self._once(self._references, stage.instance.instance_id).get(make)

    # --- stages --------------------------------------------------------------------------------------------------

    def stage(self, instance: Instance) -> Stage:
        """Raises `SandboxError`, each time anew."""
        return self._once(self._stages, instance.instance_id).get(lambda: self._staged(instance))

    def _staged(self, instance: Instance) -> Stage:
        setting = self._setting
        base, day, tag = self._base(instance)
        try:
            tests = base.apply(instance.test_patch)
        except PatchDoesNotApply as error:
            raise SetupError(f"The instance's test patch does not fit its base commit: {error}") from None
        detected = buildpacks.detect(base)
        said = setting.environments.of(instance)
        planned = plan_for(said, detected, base, date=day, tag=tag)
        if planned is None:
            raise SetupError("Nothing says how its tests are run: give it a record in --environments.")
        plan, command = planned
        if command.runner and command.runner not in RUNNERS:
            command = TestCommand(runner="", text=command.text, env=command.env)
        if not command.runner and not command.text:
            raise SetupError(f"No runner is known for {plan.runner!r}.")
        scope = f"{instance.repo}@{base.digest}"
        place = Place(engine=setting.engine, base=base, scope=scope)
        guessed = said is not None and said.installs and not said.as_of
        plan, image = built(
            place, plan, lambda line: setting.progress(f"{instance.instance_id}: {line}"), day_is_guessed=guessed
        )
        return Stage(
            instance=instance,
            base=base,
            tests=tests,
            test_paths=base.changed_paths(tests),
            plan=plan,
            command=command,
            image=image,
            scope=scope,
        )

    def _base(self, instance: Instance) -> tuple[GitTree, str, str]:
        """(the base commit's tree, the day that its environment is of, the release before it).

        That day is the later one of the commit itself and of the commit that the instance's environment is set up for:
        what the tests need was often released a little later than they were written.
        """
        directory = repository(self._setting.repositories, instance.repo)
        name = instance.repo.replace("/", "__")
        with self._lock:
            scratch = attach(directory, self._setting.scratch / f"{name}.git")
        try:
            commit = resolve(directory, instance.base_commit)
        except SetupError:
            raise SetupError(f"{directory} does not have the commit {instance.base_commit}.") from None
        tag = last_tag(directory, commit) or instance.version
        days = [committed(scratch, commit)]
        with contextlib.suppress(SetupError):  # a snapshot may lack it
            days.append(committed(scratch, resolve(directory, instance.environment_setup_commit)))
        return GitTree.at(scratch, commit), max(days), tag

    def _once(self, made: dict[str, _Once[T]], key: str) -> _Once[T]:
        with self._lock:
            return made.setdefault(key, _Once())
