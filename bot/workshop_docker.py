"""The real workshop: mirrors on the host, agents and verification in the Docker sandbox.

The command line works on a local repository with the same object: only where the git objects come from differs
(`Sources`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from agents.limits import Spent, seconds_left
from agents.models import build
from agents.patience import Patience
from agents.protocols import Model, Recorder
from agents.review import Claims, review
from agents.strategies import strategy
from agents.terms import Terms
from agents.types import Attempt, AttemptLimits, Ending, Task, Usage
from bot.errors import UsageError
from bot.narrated import Narrated
from bot.repo_config import RepoConfig
from bot.report import why
from bot.types import IssueText, Repository
from bot.workshop import ExecutedChange, FileAt, Finding, Opinion
from config.models import Lineup, ModelSpec, UnknownModel
from config.settings import model_key
from sandbox.buildpacks import containers, detect
from sandbox.buildpacks.python import BASE
from sandbox.cache import RunCache
from sandbox.engine import Engine
from sandbox.environment import AttemptEnvironment
from sandbox.patch import parse
from sandbox.shards import Division
from sandbox.tree import GitTree
from sandbox.types import CommitSha, EnvironmentPlan, Limits, Patch, Progress, Proof, RepoView, Tree, verdict_name
from sandbox.verify import VerifyRequest, verify

OPINION_SECONDS = 180.0
"""A review waits this long for an endpoint that is busy, or for money that others hold: it is a review without an
opinion too."""


class Sources(Protocol):
    """Where a repository's git objects are, on this host, in a bare repository of ours."""

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> Path: ...

    def path(self, repository: str) -> Path: ...

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha: ...


@dataclass(frozen=True, kw_only=True)
class Bench:
    """Everything a workshop works with."""

    engine: Engine
    sources: Sources
    lineup: Lineup
    cache: RunCache
    limits: Limits
    attempt_limits: AttemptLimits
    budget_seconds: float
    progress: Progress
    division: Division = field(default_factory=Division)
    """Into how many containers at once a long suite is divided."""


class DockerWorkshop:
    """`bot.workshop.Workshop` on a Docker engine."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> None:
        self._bench.sources.fetch(repository, clone_url, token, refs)

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha:
        return self._bench.sources.merge_base(repository, one, other)

    def tree(self, repository: str, revision: str) -> GitTree:
        return GitTree.at(self._bench.sources.path(repository), revision)

    def paths(self, repository: str, commit: CommitSha) -> tuple[str, ...]:
        return tuple(self.tree(repository, commit).paths())

    def task(self, repository: Repository, issue: IssueText, base: CommitSha) -> Task:
        return Task(
            id=f"issue-{issue.number}",
            repository=repository.full_name,
            base_commit=base,
            title=issue.title,
            body=issue.body,
        )

    def attempt(
        self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms, *, label: str = ""
    ) -> Attempt:
        """`label` begins every line that is told of it: where several work at once."""
        spec = self._spec(model)
        base = self.tree(task.repository, task.base_commit)
        plan = plan_for(base, config)
        if plan is None:
            return _without_environment(task, spec)
        with self._environment(plan, base, task.repository) as environment:
            self._bench.progress(f"{label}{spec.name} works on it ({spec.strategy})")
            narrated = Narrated(recorder, lambda line: self._bench.progress(f"{label}{line}"))
            solve = strategy(spec.strategy)
            limits = self._bench.attempt_limits
            left = seconds_left(limits, Spent.of(recorder.steps()))
            endpoint = self._model(spec, terms, Patience(seconds=left, stopped=recorder.stopped))
            return solve(task, environment, endpoint, limits, narrated)

    def police(self, diff: str) -> Patch:
        return parse(diff)

    def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig, *, tests: str = "") -> Proof:
        tree = self.tree(repository, base)
        request = VerifyRequest(
            base_commit=base,
            base=tree,
            scope=repository,
            plan=plan_for(tree, config),
            patch=diff,
            tests=tests,
            limits=self._bench.limits,
            budget_seconds=self._bench.budget_seconds,
            division=self._bench.division,
        )
        return verify(self._bench.engine, request, cache=self._bench.cache, progress=self._bench.progress)

    def diff(self, repository: str, base: CommitSha, head: CommitSha) -> str:
        return self.tree(repository, base).diff(self.tree(repository, head))

    def files(self, repository: str, base: CommitSha, diff: str) -> Sequence[FileAt]:
        before = self.tree(repository, base)
        after = before.apply(diff)
        return tuple(_file_at(after, path) for path in sorted(before.changed_paths(after)))

    def findings(self, change: ExecutedChange, model: str, terms: Terms, stopped: Callable[[], bool]) -> Opinion:
        claims = self.review_call(change, model, terms, stopped)
        found = tuple(Finding(path=claim.path, line=claim.line, claim=claim.claim) for claim in claims.claims)
        return Opinion(findings=found, usage=claims.usage, cost_usd=claims.cost_usd, problem=claims.problem)

    def review_call(
        self, change: ExecutedChange, model: str, terms: Terms, stopped: Callable[[], bool] = lambda: False
    ) -> Claims:
        """One model's opinion on a diff, with its bill; nothing where the model is `repair`, which has no opinion."""
        endpoint = self._model(self._spec(model), terms, Patience(seconds=OPINION_SECONDS, stopped=stopped))
        if endpoint is None:
            return Claims()
        verdict = change.proof.verdict
        return review(endpoint, change.title, change.diff, (verdict_name(verdict), *why(verdict)))

    @contextmanager
    def _environment(self, plan: EnvironmentPlan, base: Tree, repository: str) -> Iterator[AttemptEnvironment]:
        engine = self._bench.engine
        image = engine.ensure_image(plan, base, self._bench.progress, scope=repository)
        with engine.container(image, self._bench.limits) as container:
            container.put_tree(base)
            yield AttemptEnvironment(container, plan, base)

    def _spec(self, model: str) -> ModelSpec:
        try:
            return self._bench.lineup.get(model)
        except UnknownModel as error:
            raise UsageError(str(error)) from None

    def _model(self, spec: ModelSpec, terms: Terms, patience: Patience | None = None) -> Model | None:
        return build(spec, model_key(spec.key_variable), terms, patience=patience)


def plan_for(base: RepoView, config: RepoConfig) -> EnvironmentPlan | None:
    """What the repository says of its environment, over what is detected; None where nothing is known at all.

    `.github/redgreen.yml` over its Dockerfile or devcontainer, those over its languages' files. Raises
    `ImageBuildFailed` for a Dockerfile that cannot be carried out.
    """
    said = config.environment
    detected = detect(base, said.language)
    if detected is None:
        if not (said.runner or said.command):
            return None
        language = said.language or ("python" if said.runner in _OF_PYTHON else "unknown")
        detected = EnvironmentPlan(language=language, runner=said.runner, base=BASE)
    if said.dockerfile or not said.image:
        detected = containers.over(base, detected, dockerfile=said.dockerfile, dev=said.devcontainer)
    return said.over(detected)


_OF_PYTHON = ("pytest", "unittest")


def _file_at(tree: GitTree, path: str) -> FileAt:
    entry = tree.entries.get(path)
    return FileAt(path=path, mode=entry.mode if entry else "", data=tree.read(path))


def _without_environment(task: Task, spec: ModelSpec) -> Attempt:
    return Attempt(
        task_id=task.id,
        model=spec.name,
        strategy=spec.strategy,
        prompt_version="",
        ending=Ending.GAVE_UP,
        reason="no build or test runner that redgreen knows was found in the repository",
        diff="",
        usage=Usage(),
        cost_usd=0.0,
        steps=0,
        seconds=0.0,
    )
