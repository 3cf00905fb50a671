"""What the pipeline's middle arrows need: something that works on trees. The command line uses the same.

`bot.workshop_docker` is the real one (engine, agents, verification); tests of the bot's durability use a small one of
their own. All methods may be called again after a crash with the same arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from agents.protocols import Recorder
from agents.terms import Terms
from agents.types import Attempt, Task, Usage
from bot.repo_config import RepoConfig
from bot.types import IssueText, Repository
from sandbox.types import CommitSha, Patch, Proof


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One claim of a model about a pull request; its anchor was checked against the diff."""

    path: str
    line: int
    claim: str


@dataclass(frozen=True, kw_only=True)
class ExecutedChange:
    """What is shown to a model that is asked for its opinion."""

    title: str
    """Where the change belongs, for the model: a repository's name, a commit."""
    diff: str
    proof: Proof


@dataclass(frozen=True, kw_only=True)
class Opinion:
    """What a model said about a pull request, and its bill: a call that gave nothing usable is paid all the same."""

    findings: tuple[Finding, ...] = ()
    usage: Usage = field(default_factory=Usage)
    cost_usd: float | None = 0.0
    """None: the price is not known."""
    problem: str = ""
    """Why nothing usable came, for people; "" where it did, or where nobody was asked."""


@dataclass(frozen=True, kw_only=True)
class FileAt:
    """A file as a patch leaves it, ready for the git data API."""

    path: str
    mode: str
    """`100644`, `100755`; "" when removed."""
    data: bytes | None


class Workshop(Protocol):
    """Raises `sandbox.errors.SandboxError` where the sandbox itself fails, `agents.errors.ModelError` never."""

    def fetch(self, repository: str, clone_url: str, token: str, refs: Sequence[str]) -> None:
        """Bring the mirror of `repository` up to date. Raises `bot.errors.ForgeError`."""
        ...

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha: ...

    def paths(self, repository: str, commit: CommitSha) -> tuple[str, ...]:
        """The files of a tree."""
        ...

    def task(self, repository: Repository, issue: IssueText, base: CommitSha) -> Task: ...

    def attempt(self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms) -> Attempt:
        """One model on one task, in a container of its own, going on from what the recorder holds.

        `config` is the repository's own word on its environment, here and in `verify`; `terms` say who pays for the
        model's calls, and how far the source may go.
        """
        ...

    def police(self, diff: str) -> Patch:
        """Raises `sandbox.errors.PatchRefused`."""
        ...

    def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig) -> Proof: ...

    def diff(self, repository: str, base: CommitSha, head: CommitSha) -> str: ...

    def files(self, repository: str, base: CommitSha, diff: str) -> Sequence[FileAt]:
        """The files that `diff` changes, as it leaves them. Raises `sandbox.errors.PatchDoesNotApply`."""
        ...

    def findings(self, change: ExecutedChange, model: str, terms: Terms, stopped: Callable[[], bool]) -> Opinion:
        """At most three findings, one paid call; none, and no bill, when no model is configured. No endpoint is waited
        for any more when `stopped` says so: then there are none, and a `problem`."""
        ...
