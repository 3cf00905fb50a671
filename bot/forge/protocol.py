"""What the bot needs of a forge. `bot.forge.github.GitHubForge` is the real one; both it and the local GitHub are held
to GitHub's OpenAPI description in tests.

Every method raises only `bot.errors.ForgeError` and its children (`ForgeUnavailable`: try later, `ForgeDenied`,
`ForgeNotFound`, `ForgeRejected`). A forge object belongs to one repository and one installation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from bot.types import PullRequest
from sandbox.types import CommitSha


class Permission(StrEnum):
    """A person's role on a repository, as GitHub answers it."""

    NONE = "none"
    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


@dataclass(frozen=True, kw_only=True)
class Remote:
    """A thing that stands on the forge."""

    id: int
    url: str
    body: str = ""


@dataclass(frozen=True, kw_only=True)
class LineComment:
    path: str
    line: int
    side: str
    """`RIGHT` or `LEFT`."""
    body: str


@dataclass(frozen=True, kw_only=True)
class Annotation:
    path: str
    start_line: int
    end_line: int
    level: str
    """`notice`, `warning` or `failure`."""
    title: str
    message: str


@dataclass(frozen=True, kw_only=True)
class CheckRun:
    name: str
    head_sha: CommitSha
    external_id: str
    """Ours: how a check run is found again."""
    status: str
    """`in_progress` or `completed`."""
    conclusion: str = ""
    """`success`, `failure`, `neutral` ...; "" while in progress."""
    title: str = ""
    summary: str = ""
    annotations: tuple[Annotation, ...] = ()


class Forge(Protocol):
    def permission(self, login: str) -> Permission: ...

    def clone_url_and_token(self) -> tuple[str, str]:
        """The https URL derived from the configured host, and a token that can read this repository only."""
        ...

    def read_file(self, path: str, ref: str) -> bytes | None: ...

    def branch_sha(self, branch: str) -> CommitSha | None: ...

    def pull(self, number: int) -> PullRequest: ...

    def find_pull(self, head_branch: str, marker: str) -> Remote | None:
        """Our own App's pull request from this branch of the repository itself (id: its number): the open one, else
        one in any state whose text holds the marker."""
        ...

    def commit_files(
        self,
        *,
        branch: str,
        parent: CommitSha,
        files: Mapping[str, bytes | None],
        modes: Mapping[str, str],
        message: str,
    ) -> CommitSha:
        """One commit through the git data API (no author given, so that GitHub signs it) and the branch set to it."""
        ...

    def open_pull(self, *, branch: str, base: str, title: str, body: str, draft: bool) -> Remote: ...

    def edit_pull(self, number: int, *, title: str, body: str) -> None: ...

    def find_comment(self, number: int, marker: str) -> Remote | None:
        """Our own App's comment on an issue or pull request whose text holds the marker."""
        ...

    def post_comment(self, number: int, body: str) -> Remote: ...

    def edit_comment(self, comment_id: int, body: str) -> None: ...

    def react(self, number: int, comment_id: int | None, content: str) -> None:
        """Idempotent at GitHub."""
        ...

    def find_check_run(self, head_sha: CommitSha, external_id: str) -> Remote | None: ...

    def post_check_run(self, check: CheckRun) -> Remote: ...

    def edit_check_run(self, check_run_id: int, check: CheckRun) -> None: ...

    def find_review(self, number: int, marker: str) -> Remote | None: ...

    def post_review(
        self, number: int, *, head_sha: CommitSha, body: str, comments: Sequence[LineComment]
    ) -> Remote: ...

    def pull_diff(self, number: int) -> str: ...
