"""Delivery -> Event | Ignored. The one place where a payload is read; nothing after it sees GitHub's bytes.

Never raises: a payload that is not JSON, or not of the expected shape, is `Ignored` with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from bot.types import (
    Actor,
    CheckRerequested,
    Commented,
    Delivery,
    Event,
    Ignored,
    IssueLabeled,
    IssueText,
    PullRequest,
    PullRequestChanged,
    PullRequestClosed,
    Repository,
)
from sandbox.types import CommitSha

Sha = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}(?:[0-9a-f]{24})?$")]
FullName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}/[A-Za-z0-9_.-]{1,100}$")]
Number = Annotated[int, Field(gt=0, lt=2**53)]


class _Payload(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _User(_Payload):
    login: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    type: str = "User"


class _Repository(_Payload):
    id: Number
    full_name: FullName
    default_branch: Annotated[str, StringConstraints(min_length=1, max_length=255)]


class _Installation(_Payload):
    id: Number


class _Label(_Payload):
    name: str


class _Issue(_Payload):
    number: Number
    title: str
    body: str | None = None
    labels: tuple[_Label, ...] = Field(default=(), strict=False)
    user: _User | None = None
    pull_request: object | None = None


class _Comment(_Payload):
    id: Number
    body: str


class _RepositoryName(_Payload):
    full_name: FullName


class _Branch(_Payload):
    sha: Sha
    ref: Annotated[str, StringConstraints(min_length=1, max_length=255)]
    repo: _RepositoryName | None = None


class _Pull(_Payload):
    number: Number
    title: str
    base: _Branch
    head: _Branch
    draft: bool = False
    user: _User | None = None
    merged: bool = False
    merge_commit_sha: Sha | None = None


class _CheckRun(_Payload):
    head_sha: Sha
    external_id: str | None = None


class _Common(_Payload):
    action: str
    repository: _Repository
    installation: _Installation
    sender: _User


class _IssuePayload(_Common):
    issue: _Issue
    label: _Label


class _CommentPayload(_Common):
    issue: _Issue
    comment: _Comment


class _PullPayload(_Common):
    pull_request: _Pull


class _CheckRunPayload(_Common):
    check_run: _CheckRun


class _Action(_Payload):
    action: str | None = None


def _repository(payload: _Common) -> Repository:
    found = payload.repository
    return Repository(
        id=found.id,
        full_name=found.full_name,
        default_branch=found.default_branch,
        installation_id=payload.installation.id,
    )


def _actor(payload: _Common) -> Actor:
    sender = payload.sender
    return Actor(login=sender.login, is_bot=sender.type != "User" or sender.login.endswith("[bot]"))


def _issue(found: _Issue) -> IssueText:
    return IssueText(
        number=found.number,
        title=found.title,
        body=found.body or "",
        labels=tuple(label.name for label in found.labels),
        author=found.user.login if found.user else "",
    )


def _pull(found: _Pull) -> PullRequest:
    return PullRequest(
        number=found.number,
        title=found.title,
        base_sha=CommitSha(found.base.sha),
        base_ref=found.base.ref,
        head_sha=CommitSha(found.head.sha),
        head_ref=found.head.ref,
        head_repository=found.head.repo.full_name if found.head.repo else "",
        is_draft=found.draft,
        author=found.user.login if found.user else "",
    )


def _issue_labeled(body: bytes) -> Event | Ignored:
    payload = _IssuePayload.model_validate_json(body)
    if payload.issue.pull_request is not None:
        return Ignored(reason="The label was put on a pull request.")
    return IssueLabeled(
        repository=_repository(payload),
        actor=_actor(payload),
        issue=_issue(payload.issue),
        label=payload.label.name,
    )


def _comment_created(body: bytes) -> Event | Ignored:
    payload = _CommentPayload.model_validate_json(body)
    return Commented(
        repository=_repository(payload),
        actor=_actor(payload),
        issue=_issue(payload.issue),
        comment_id=payload.comment.id,
        body=payload.comment.body,
        on_pull_request=payload.issue.pull_request is not None,
    )


def _pull_changed(body: bytes) -> Event | Ignored:
    payload = _PullPayload.model_validate_json(body)
    return PullRequestChanged(
        repository=_repository(payload),
        actor=_actor(payload),
        pull=_pull(payload.pull_request),
        action=payload.action,
    )


def _pull_closed(body: bytes) -> Event | Ignored:
    payload = _PullPayload.model_validate_json(body)
    found = payload.pull_request
    merge = CommitSha(found.merge_commit_sha) if found.merged and found.merge_commit_sha else None
    return PullRequestClosed(
        repository=_repository(payload),
        actor=_actor(payload),
        pull=_pull(found),
        merged=found.merged,
        merge_commit_sha=merge,
    )


def _check_rerequested(body: bytes) -> Event | Ignored:
    payload = _CheckRunPayload.model_validate_json(body)
    return CheckRerequested(
        repository=_repository(payload),
        actor=_actor(payload),
        head_sha=CommitSha(payload.check_run.head_sha),
        external_id=payload.check_run.external_id or "",
    )


ROUTES: Mapping[tuple[str, str], Callable[[bytes], Event | Ignored]] = {
    ("issues", "labeled"): _issue_labeled,
    ("issue_comment", "created"): _comment_created,
    ("pull_request", "opened"): _pull_changed,
    ("pull_request", "reopened"): _pull_changed,
    ("pull_request", "synchronize"): _pull_changed,
    ("pull_request", "ready_for_review"): _pull_changed,
    ("pull_request", "closed"): _pull_closed,
    ("check_run", "rerequested"): _check_rerequested,
}
"""What is acted on: (event, action). `app.yml` subscribes to exactly these events; a test holds the two equal."""

SUBSCRIBED: frozenset[str] = frozenset(event for event, _ in ROUTES)


def parse(delivery: Delivery) -> Event | Ignored:
    """What a delivery says, in our words."""
    if delivery.event not in SUBSCRIBED:
        return Ignored(reason=f"Nothing is done on {delivery.event}.")
    try:
        action = _Action.model_validate_json(delivery.body).action or ""
        route = ROUTES.get((delivery.event, action))
        if route is None:
            return Ignored(reason=f"Nothing is done on {delivery.event}, {_printable(action)}.")
        return route(delivery.body)
    except ValidationError as error:
        return Ignored(reason=f"The payload of {delivery.event} is not of the expected shape: {_where(error)}.")


def _where(error: ValidationError) -> str:
    """Field and kind of the first problem, without any of the payload's values."""
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'document'} ({first['type']})"


def _printable(action: str) -> str:
    return "".join(c for c in action if c.isascii() and (c.isalnum() or c == "_"))[:40] or "no action"
