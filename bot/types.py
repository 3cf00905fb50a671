"""The words of the bot, in the order of the one way: Delivery, Event, Decision, Job, Publication, Outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NewType

from sandbox.types import CommitSha

DeliveryId = NewType("DeliveryId", str)
JobId = NewType("JobId", str)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One webhook delivery whose signature was checked; `body` is the raw JSON text as GitHub sent it."""

    id: DeliveryId
    """GitHub's `X-GitHub-Delivery` GUID."""
    event: str
    body: bytes


# --- events: one variant a fact, only the fields that are used ---------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Repository:
    id: int
    full_name: str
    """`owner/name`."""
    default_branch: str
    installation_id: int


@dataclass(frozen=True, kw_only=True)
class Actor:
    login: str
    is_bot: bool = False


@dataclass(frozen=True, kw_only=True)
class IssueText:
    """An issue as it stood in the event: later edits do not reach a job."""

    number: int
    title: str
    body: str
    labels: tuple[str, ...] = ()
    author: str = ""


@dataclass(frozen=True, kw_only=True)
class PullRequest:
    number: int
    title: str
    base_sha: CommitSha
    base_ref: str
    head_sha: CommitSha
    head_ref: str
    head_repository: str
    """`owner/name`; "" when the fork is gone."""
    is_draft: bool
    author: str


@dataclass(frozen=True, kw_only=True)
class IssueLabeled:
    repository: Repository
    actor: Actor
    issue: IssueText
    label: str


@dataclass(frozen=True, kw_only=True)
class Commented:
    """A new comment on an issue or on a pull request's conversation."""

    repository: Repository
    actor: Actor
    issue: IssueText
    comment_id: int
    body: str
    on_pull_request: bool


@dataclass(frozen=True, kw_only=True)
class PullRequestChanged:
    """Opened, pushed to, or marked ready."""

    repository: Repository
    actor: Actor
    pull: PullRequest
    action: str


@dataclass(frozen=True, kw_only=True)
class PullRequestClosed:
    repository: Repository
    actor: Actor
    pull: PullRequest
    merged: bool
    merge_commit_sha: CommitSha | None


@dataclass(frozen=True, kw_only=True)
class CheckRerequested:
    repository: Repository
    actor: Actor
    head_sha: CommitSha
    external_id: str


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """A delivery that asks for nothing: kept with its reason, never an error."""

    reason: str


Event = IssueLabeled | Commented | PullRequestChanged | PullRequestClosed | CheckRerequested


# --- decisions ---------------------------------------------------------------------------------------------------


class JobKind(StrEnum):
    FIX = "fix"
    REVIEW = "review"


@dataclass(frozen=True, kw_only=True)
class StartJob:
    kind: JobKind
    repository: Repository
    requested_by: str
    number: int
    """Of the issue (FIX) or pull request (REVIEW)."""
    issue: IssueText | None = None
    pull: PullRequest | None = None
    """None when a comment asked: the worker asks GitHub for it."""
    model: str = ""
    """The lineup's name; "" lets the rules choose."""
    named: bool = False
    """A person named the model in a comment; else it is what the repository's file said at that moment."""
    compare: tuple[str, ...] = ()
    """FIX: these models race, whatever is set otherwise."""
    comment_id: int | None = None
    """The comment to react to; None: react to the issue or pull request itself."""
    findings: bool = True
    """REVIEW: whether the model is asked for findings as well; `verify` only runs the tests."""


@dataclass(frozen=True, kw_only=True)
class CancelJob:
    repository: Repository
    number: int
    requested_by: str


@dataclass(frozen=True, kw_only=True)
class Reply:
    repository: Repository
    number: int
    text: str


@dataclass(frozen=True, kw_only=True)
class RecordOutcome:
    repository: Repository
    pull: PullRequest
    merged: bool
    merge_commit_sha: CommitSha | None


@dataclass(frozen=True, kw_only=True)
class Ignore:
    reason: str


Decision = StartJob | CancelJob | Reply | RecordOutcome | Ignore


# --- jobs --------------------------------------------------------------------------------------------------------


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """Ended by an error of ours or of the infrastructure; the cause was posted."""
    CANCELLED = "cancelled"


@dataclass(frozen=True, kw_only=True)
class Job:
    id: JobId
    delivery_id: DeliveryId
    start: StartJob
    state: JobState


# --- publications: wanted state ----------------------------------------------------------------------------------


class PublicationKind(StrEnum):
    REACTION = "reaction"
    STATUS_COMMENT = "status_comment"
    PULL_REQUEST = "pull_request"
    CHECK_RUN = "check_run"
    REVIEW_COMMENT = "review_comment"
    """The one summary comment of a review, edited in place."""
    FINDINGS = "findings"
    """A pull request review with line comments."""
    REPLY = "reply"


@dataclass(frozen=True, kw_only=True)
class Publication:
    """Something that should stand on GitHub. `marker` is unique and hidden in the text: how it is found again."""

    kind: PublicationKind
    repository: str
    number: int
    """The issue or pull request it stands on."""
    marker: str
    title: str = ""
    body: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    """Kind-specific, JSON-ready (branch, conclusion, annotations ...)."""


@dataclass(frozen=True, kw_only=True)
class Posted:
    """What stands on GitHub already, as our store knows it."""

    marker: str
    remote_id: int
    url: str
    body_sha256: str


# --- outcomes ----------------------------------------------------------------------------------------------------


class OutcomeKind(StrEnum):
    MERGED = "merged"
    MERGED_EDITED = "merged_edited"
    """Merged after people changed the patch."""
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What the humans did with a pull request of ours."""

    repository: str
    pull_number: int
    kind: OutcomeKind
    human_lines: int
    """Lines that people added or removed on top of the proposed patch before it was merged."""
