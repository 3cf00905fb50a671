"""Acts on issues and on the conversation that issues and pull requests share."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from bot.localhub import events
from bot.localhub.calls import bounded
from bot.localhub.domain import App, Comment, Issue, Label, Reaction, Repository, User
from bot.localhub.problems import invalid
from bot.localhub.shapes.issues import REACTIONS

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

MAX_TITLE = 256


def titled(resource: str, title: str) -> str:
    """Raises `Problem` 422 for a title that is empty or too long."""
    if not title.strip():
        raise invalid(resource, "title", "missing_field")
    if len(title) > MAX_TITLE:
        raise invalid(resource, "title", "custom", f"title is too long (maximum is {MAX_TITLE} characters)")
    return title


def new_issue(hub: Hub, repository: Repository, *, title: str, body: str | None, user: User, via: App | None) -> Issue:
    """Numbered and stored; nobody is told yet (a pull request is told as such)."""
    now = hub.clock()
    issue = Issue(
        id=hub.new_id(),
        number=repository.next_number(),
        title=titled("Issue", title),
        body=None if body is None else bounded("Issue", "body", body),
        user=user,
        via=via,
        created_at=now,
        updated_at=now,
    )
    repository.issues[issue.number] = issue
    return issue


def open_issue(
    hub: Hub,
    repository: Repository,
    *,
    title: str,
    body: str | None,
    user: User,
    via: App | None = None,
    labels: Sequence[str] = (),
) -> Issue:
    issue = new_issue(hub, repository, title=title, body=body, user=user, via=via)
    issue.labels = [ensure_label(hub, repository, name) for name in dict.fromkeys(labels)]
    events.on_issue(hub, "opened", repository, issue, user)
    for label in issue.labels:
        events.on_label(hub, "labeled", repository, issue, label, user)
    return issue


def edit(
    hub: Hub, repository: Repository, issue: Issue, sender: User, *, title: str | None, body: str | None, has_body: bool
) -> None:
    """Change title (None: keep) and body (where `has_body`), and tell what they were before."""
    changes: dict[str, Any] = {}
    if title is not None and titled("Issue", title) != issue.title:
        changes["title"] = {"from": issue.title}
        issue.title = title
    if has_body and body != issue.body:
        changes["body"] = {"from": issue.body or ""}
        issue.body = None if body is None else bounded("Issue", "body", body)
    if changes:
        issue.updated_at = hub.clock()
        events.on_issue(hub, "edited", repository, issue, sender, changes=changes)


def close(hub: Hub, repository: Repository, issue: Issue, sender: User, reason: str | None = "completed") -> None:
    """No event for what is closed already. For a pull request the caller has stored its merge before."""
    if issue.state == "closed":
        return
    now = hub.clock()
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "closed", now, sender, now
    issue.state_reason = None if issue.number in repository.pulls else reason
    events.on_issue(hub, "closed", repository, issue, sender)


def reopen(hub: Hub, repository: Repository, issue: Issue, sender: User) -> None:
    if issue.state == "open":
        return
    issue.state, issue.closed_at, issue.closed_by, issue.updated_at = "open", None, None, hub.clock()
    issue.state_reason = None if issue.number in repository.pulls else "reopened"
    events.on_issue(hub, "reopened", repository, issue, sender)


def ensure_label(hub: Hub, repository: Repository, name: str) -> Label:
    """The repository's label of that name, made where there is none: GitHub does so when one is applied."""
    known = repository.labels.get(name.lower())
    if known is None:
        if not name.strip() or len(name) > 50:
            raise invalid("Label", "name", "invalid")
        known = repository.labels[name.lower()] = Label(id=hub.new_id(), name=name)
    return known


def add_labels(hub: Hub, repository: Repository, issue: Issue, names: Iterable[str], sender: User) -> None:
    for name in names:
        label = ensure_label(hub, repository, name)
        if label not in issue.labels:
            issue.labels.append(label)
            issue.updated_at = hub.clock()
            events.on_label(hub, "labeled", repository, issue, label, sender)


def remove_label(hub: Hub, repository: Repository, issue: Issue, label: Label, sender: User) -> None:
    issue.labels = [one for one in issue.labels if one is not label]
    issue.updated_at = hub.clock()
    events.on_label(hub, "unlabeled", repository, issue, label, sender)


def set_labels(hub: Hub, repository: Repository, issue: Issue, names: Sequence[str], sender: User) -> None:
    wanted = [ensure_label(hub, repository, name) for name in dict.fromkeys(names)]
    for label in [one for one in issue.labels if one not in wanted]:
        remove_label(hub, repository, issue, label, sender)
    add_labels(hub, repository, issue, [label.name for label in wanted], sender)


def comment(hub: Hub, repository: Repository, number: int, body: str, user: User, via: App | None = None) -> Comment:
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    now = hub.clock()
    made = Comment(
        id=hub.new_id(),
        number=number,
        user=user,
        via=via,
        body=bounded("IssueComment", "body", body),
        created_at=now,
        updated_at=now,
    )
    repository.comments[made.id] = made
    repository.issues[number].updated_at = now
    events.on_comment(hub, "created", repository, made, user)
    return made


def edit_comment(hub: Hub, repository: Repository, comment: Comment, body: str, sender: User) -> None:
    if not body.strip():
        raise invalid("IssueComment", "body", "missing_field")
    old, comment.body = comment.body, bounded("IssueComment", "body", body)
    comment.updated_at = hub.clock()
    events.on_comment(hub, "edited", repository, comment, sender, changes={"body": {"from": old}})


def delete_comment(hub: Hub, repository: Repository, comment: Comment, sender: User) -> None:
    del repository.comments[comment.id]
    events.on_comment(hub, "deleted", repository, comment, sender)


def react(hub: Hub, reactions: list[Reaction], content: str, user: User) -> tuple[Reaction, bool]:
    """The person's reaction and whether it is new: the same one twice is one."""
    if content not in REACTIONS:
        raise invalid("Reaction", "content", "invalid")
    for known in reactions:
        if known.user.id == user.id and known.content == content:
            return known, False
    made = Reaction(id=hub.new_id(), user=user, content=content, created_at=hub.clock())
    reactions.append(made)
    return made, True
