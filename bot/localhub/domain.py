"""What the local GitHub remembers. These records are the state of a server: unlike the rest of redgreen's values they
change in place, and whoever touches them holds `Hub.lock`.

An issue and a pull request share one numbering and most of their fields: a `Pull` has an `Issue` as GitHub's does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum, StrEnum

from bot.localhub.gitstore import GitStore

MAX_BODY = 65_536
"""Characters of an issue, comment or review text that GitHub accepts."""


def stamp(moment: datetime) -> str:
    """GitHub's way to write a time: seconds, UTC, `Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Role(IntEnum):
    """What a person may do on one repository; ordered."""

    NONE = 0
    READ = 1
    WRITE = 2
    ADMIN = 3

    @property
    def word(self) -> str:
        return self.name.lower()


class AccountKind(StrEnum):
    USER = "User"
    BOT = "Bot"
    ORGANIZATION = "Organization"


@dataclass(frozen=True, kw_only=True)
class User:
    id: int
    login: str
    kind: AccountKind
    created_at: datetime

    @property
    def email(self) -> str:
        return f"{self.id}+{self.login}@users.noreply.github.com"


@dataclass(kw_only=True)
class App:
    id: int
    slug: str
    name: str
    owner: User
    bot: User
    public_key: str
    """PEM. The private half leaves the hub once, when the App is made."""
    permissions: Mapping[str, str]
    events: frozenset[str]
    webhook_url: str
    webhook_secret: str
    created_at: datetime

    @property
    def client_id(self) -> str:
        return f"Iv1.{self.id:016x}"


@dataclass(kw_only=True)
class Installation:
    id: int
    app: App
    account: User
    permissions: Mapping[str, str]
    created_at: datetime
    repository_ids: frozenset[int] | None
    """None: all of the account's repositories."""
    suspended_at: datetime | None = None

    def covers(self, repository: Repository) -> bool:
        if repository.owner.id != self.account.id:
            return False
        return self.repository_ids is None or repository.id in self.repository_ids


@dataclass(frozen=True, kw_only=True)
class InstallationToken:
    value: str = field(repr=False)
    installation: Installation
    permissions: Mapping[str, str]
    repository_ids: frozenset[int] | None
    """None: whatever the installation covers."""
    expires_at: datetime

    def covers(self, repository: Repository) -> bool:
        if not self.installation.covers(repository):
            return False
        return self.repository_ids is None or repository.id in self.repository_ids


@dataclass(kw_only=True)
class Label:
    id: int
    name: str
    color: str = "ededed"
    description: str | None = None


@dataclass(frozen=True, kw_only=True)
class Reaction:
    id: int
    user: User
    content: str
    created_at: datetime


@dataclass(kw_only=True)
class Comment:
    """On an issue's or a pull request's conversation."""

    id: int
    number: int
    user: User
    via: App | None
    body: str
    created_at: datetime
    updated_at: datetime
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(kw_only=True)
class Issue:
    id: int
    number: int
    title: str
    body: str | None
    user: User
    via: App | None
    created_at: datetime
    updated_at: datetime
    labels: list[Label] = field(default_factory=list)
    assignees: list[User] = field(default_factory=list)
    state: str = "open"
    state_reason: str | None = None
    closed_at: datetime | None = None
    closed_by: User | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Merge:
    commit: str
    by: User
    at: datetime


@dataclass(kw_only=True)
class Pull:
    id: int
    issue: Issue
    head_ref: str
    head_sha: str
    base_ref: str
    base_sha: str
    """The base branch's tip while open, its last tip afterwards."""
    draft: bool
    merge: Merge | None = None
    maintainer_can_modify: bool = False

    @property
    def number(self) -> int:
        return self.issue.number


class ReviewState(StrEnum):
    PENDING = "PENDING"
    COMMENTED = "COMMENTED"
    APPROVED = "APPROVED"
    CHANGES_REQUESTED = "CHANGES_REQUESTED"
    DISMISSED = "DISMISSED"


@dataclass(kw_only=True)
class Review:
    id: int
    pull: int
    user: User
    body: str
    state: ReviewState
    commit: str
    submitted_at: datetime | None


@dataclass(kw_only=True)
class ReviewComment:
    """A comment on lines of a pull request's diff; `line` and `start_line` count in the file on `side`."""

    id: int
    pull: int
    review: int
    user: User
    path: str
    side: str
    line: int
    start_line: int | None
    start_side: str | None
    position: int
    diff_hunk: str
    commit: str
    body: str
    created_at: datetime
    updated_at: datetime
    in_reply_to: int | None = None
    reactions: list[Reaction] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Annotation:
    path: str
    start_line: int
    end_line: int
    start_column: int | None
    end_column: int | None
    level: str
    title: str | None
    message: str
    raw_details: str | None


@dataclass(kw_only=True)
class CheckRun:
    id: int
    suite: int
    app: App
    name: str
    head_sha: str
    status: str
    started_at: datetime
    external_id: str = ""
    details_url: str | None = None
    conclusion: str | None = None
    completed_at: datetime | None = None
    title: str | None = None
    summary: str | None = None
    text: str | None = None
    annotations: list[Annotation] = field(default_factory=list)


@dataclass(kw_only=True)
class Repository:
    id: int
    owner: User
    name: str
    private: bool
    default_branch: str
    description: str | None
    git: GitStore
    created_at: datetime
    pushed_at: datetime
    collaborators: dict[str, Role] = field(default_factory=dict)
    """By lower-case login; the owner is always an admin."""
    labels: dict[str, Label] = field(default_factory=dict)
    """By lower-case name: labels differ by more than case."""
    issues: dict[int, Issue] = field(default_factory=dict)
    """Pull requests included, under their own number."""
    pulls: dict[int, Pull] = field(default_factory=dict)
    comments: dict[int, Comment] = field(default_factory=dict)
    reviews: dict[int, Review] = field(default_factory=dict)
    review_comments: dict[int, ReviewComment] = field(default_factory=dict)
    check_runs: dict[int, CheckRun] = field(default_factory=dict)
    suites: dict[tuple[int, str], int] = field(default_factory=dict)
    """Check suite id by (App id, head SHA)."""
    signed: set[str] = field(default_factory=set)
    """Commits the hub made itself, which GitHub would have signed."""

    @property
    def full_name(self) -> str:
        return f"{self.owner.login}/{self.name}"

    def next_number(self) -> int:
        return max(self.issues, default=0) + 1

    def role(self, user: User) -> Role:
        if user.id == self.owner.id:
            return Role.ADMIN
        granted = self.collaborators.get(user.login.lower(), Role.NONE)
        return max(granted, Role.NONE if self.private else Role.READ)

    def open_pulls(self) -> list[Pull]:
        return [pull for pull in self.pulls.values() if pull.issue.state == "open"]
