"""One attempt on an instance, in the environment that its tests will be graded in, and redgreen's own verdict on it.

A solver is given the problem statement and the tree at the base commit, as a repository of one commit in a container
without network. The tests that decide, the reference patch, hints and the repository's later history stay on the host.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from agents.limits import Spent, seconds_left
from agents.models import build
from agents.patience import Patience
from agents.protocols import Recorder
from agents.strategies import strategy
from agents.types import Attempt, AttemptLimits, Task
from bot.evaluation import Evaluation, Stage
from bot.local import local_task
from bot.repo_config import PATH, ConfigProblem, RepoConfig, parse
from bot.trials.money import RepositoryTerms
from config.models import ModelSpec
from config.settings import model_key
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.errors import ContainerLost, SetupError
from sandbox.runners import command_runner
from sandbox.shards import Division
from sandbox.swebench.records import Instance
from sandbox.types import CommitSha, EnvironmentPlan, Limits, Progress, Proof, RepoView
from sandbox.verify import VerifyRequest, verify

CONTAINERS = 3
"""At most, for one attempt: a container that is lost is replaced while each brings the attempt on."""
LONGEST_TITLE = 256
"""Characters, as on GitHub. A statement whose first line is longer has no title."""


@dataclass(frozen=True, kw_only=True)
class Means:
    """What all solving and judging works with."""

    engine: Engine
    evaluation: Evaluation
    """Has the stages: base trees, plans and images."""
    container_limits: Limits
    attempt_limits: AttemptLimits
    cache: RunCache
    budget_seconds: float
    division: Division
    progress: Progress


class Solver:
    """Safe to share between threads."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._lock = threading.Lock()
        self._first: dict[str, threading.Lock] = {}
        self._known: set[str] = set()

    def solve(
        self, instance: Instance, task: Task, spec: ModelSpec, recorder: Recorder, terms: RepositoryTerms
    ) -> Attempt:
        """Goes on from the recorder's steps. Raises `SandboxError`, `AgentError`."""
        for _ in range(CONTAINERS - 1):
            before = len(recorder.steps())
            try:
                return self._solved(instance, task, spec, recorder, terms)
            except ContainerLost:
                if recorder.stopped() or len(recorder.steps()) == before:
                    raise
        return self._solved(instance, task, spec, recorder, terms)

    def _solved(
        self, instance: Instance, task: Task, spec: ModelSpec, recorder: Recorder, terms: RepositoryTerms
    ) -> Attempt:
        means = self._means
        stage = means.evaluation.stage(instance)
        own_terms = terms(said_by(stage.base))
        with means.engine.container(stage.image, means.container_limits) as container:
            environment = AttemptEnvironment(container, plan_of(stage), stage.base)
            left = seconds_left(means.attempt_limits, Spent.of(recorder.steps()))
            patience = Patience(seconds=left, stopped=recorder.stopped)
            model = build(spec, model_key(spec.key_variable), own_terms, patience=patience)
            return strategy(spec.strategy)(task, environment, model, means.attempt_limits, recorder)

    def judge(self, instance: Instance, diff: str) -> Proof:
        """What redgreen itself says of a patch, by the patch's own new tests and base's. Raises `PatchDoesNotApply`,
        `SandboxError`."""
        means = self._means
        stage = means.evaluation.stage(instance)
        request = VerifyRequest(
            base_commit=CommitSha(instance.base_commit),
            base=stage.base,
            scope=stage.scope,
            plan=plan_of(stage),
            patch=diff,
            limits=means.container_limits,
            budget_seconds=means.budget_seconds,
            division=means.division,
        )
        with self._first_alone(instance.instance_id):
            return verify(means.engine, request, cache=means.cache, progress=means.progress)

    @contextmanager
    def _first_alone(self, name: str) -> Iterator[None]:
        """The first makes the runs of base; the others wait, and find them in the cache."""
        with self._lock:
            first = self._first.setdefault(name, threading.Lock())
        with first:
            if name not in self._known:
                yield
                self._known.add(name)
                return
        yield


def task_of(instance: Instance) -> Task:
    """The statement as an issue: its first line is the title. Nothing else of the instance goes in, its id neither: it
    names the pull request that solved it. Raises `SetupError` where there is none."""
    text = instance.problem_statement.strip()
    if not text:
        raise SetupError("The instance has no problem statement.")
    task = local_task(text, instance.repo, CommitSha(instance.base_commit))
    if len(task.title) <= LONGEST_TITLE:
        return task
    return replace(task, title=f"{task.title[: LONGEST_TITLE - 1]}…", body=text)


def said_by(base: RepoView) -> RepoConfig:
    """The repository's own word on who may see it; its environment is the instance's. Raises `SetupError` for one that
    cannot be read: it might be a no."""
    config = parse(base.read(PATH))
    if isinstance(config, ConfigProblem):
        raise SetupError(f"{PATH}, line {config.line}: {config.message}")
    return config


def plan_of(stage: Stage) -> EnvironmentPlan:
    """The environment's plan; a test command that no runner understands counts by its exit code."""
    if stage.command.runner:
        return stage.plan
    return replace(stage.plan, runner=command_runner.NAME, command=("/bin/bash", "-c", stage.command.text))
