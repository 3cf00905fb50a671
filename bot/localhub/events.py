"""Webhook payloads in GitHub's shape, handed to every App that is installed there and subscribes to the event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bot.localhub.domain import (
    App,
    CheckRun,
    Comment,
    Installation,
    Issue,
    Label,
    Pull,
    Repository,
    Review,
    User,
    stamp,
)
from bot.localhub.gitstore import ZERO, Commit
from bot.localhub.shapes import accounts, checks, issues, pulls, repositories

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

MAX_PUSHED = 20
"""Commits that a push payload lists (GitHub lists up to 2048; a reader needs the last ones)."""
_ALWAYS = frozenset({"ping", "installation", "installation_repositories"})
"""Events an App gets without asking."""


def ping(hub: Hub, app: App) -> None:
    hook = {
        "type": "App",
        "id": app.id,
        "name": "web",
        "active": True,
        "events": sorted(app.events),
        "config": {"url": app.webhook_url, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
        "app_id": app.id,
        "created_at": stamp(app.created_at),
        "updated_at": stamp(app.created_at),
    }
    hub.deliveries.post(app, "ping", {"zen": "Design for failure.", "hook_id": app.id, "hook": hook})


def installation(hub: Hub, action: str, subject: Installation, sender: User) -> None:
    covered = [repository for repository in hub.repositories.values() if subject.covers(repository)]
    payload = {
        "action": action,
        "installation": accounts.installation(hub.links, subject),
        "repositories": [accounts.short_repository(repository) for repository in covered],
        "requester": None,
        "sender": accounts.user(hub.links, sender),
    }
    hub.deliveries.post(subject.app, "installation", payload, installation_id=subject.id)


def emit(hub: Hub, event: str, repository: Repository, sender: User, only: App | None = None, **parts: Any) -> None:
    """Post `event` to whom it concerns; `parts` are the keys of its own. `only` limits it to one App."""
    payload = {
        **parts,
        "repository": repositories.repository(hub.links, repository),
        "sender": accounts.user(hub.links, sender),
    }
    for installed in hub.installations.values():
        app = installed.app
        wanted = event in app.events or event in _ALWAYS
        if not wanted or not installed.covers(repository) or installed.suspended_at or (only and app is not only):
            continue
        told = {**payload, "installation": {"id": installed.id, "node_id": f"INST_{installed.id}"}}
        hub.deliveries.post(app, event, told, installation_id=installed.id, repository_id=repository.id)


def on_issue(hub: Hub, action: str, repository: Repository, issue: Issue, sender: User, **parts: Any) -> None:
    """`issues`, or `pull_request` where the number is a pull request's: GitHub tells a label on one so."""
    pull = repository.pulls.get(issue.number)
    if pull is not None:
        on_pull(hub, action, repository, pull, sender, **parts)
        return
    shape = issues.issue(hub.links, repository, issue)
    emit(hub, "issues", repository, sender, action=action, issue=shape, **parts)


def on_label(hub: Hub, action: str, repository: Repository, issue: Issue, label: Label, sender: User) -> None:
    on_issue(hub, action, repository, issue, sender, label=issues.label(hub.links, repository, label))


def on_comment(hub: Hub, action: str, repository: Repository, comment: Comment, sender: User, **parts: Any) -> None:
    emit(
        hub,
        "issue_comment",
        repository,
        sender,
        action=action,
        issue=issues.issue(hub.links, repository, repository.issues[comment.number]),
        comment=issues.comment(hub.links, repository, comment),
        **parts,
    )


def on_pull(hub: Hub, action: str, repository: Repository, pull: Pull, sender: User, **parts: Any) -> None:
    shape = pulls.full(hub.links, repository, pull, hub.measure(repository, pull))
    emit(hub, "pull_request", repository, sender, action=action, number=pull.number, pull_request=shape, **parts)


def on_review(hub: Hub, action: str, repository: Repository, review: Review, sender: User) -> None:
    pull = repository.pulls[review.pull]
    shape = pulls.review(hub.links, repository, review)
    emit(
        hub,
        "pull_request_review",
        repository,
        sender,
        action=action,
        review={**shape, "state": review.state.value.lower()},
        pull_request=pulls.simple(hub.links, repository, pull),
    )


def on_check_run(hub: Hub, action: str, repository: Repository, run: CheckRun, sender: User, **parts: Any) -> None:
    """`rerequested` and `requested_action` concern the App that made the run; the others every subscriber."""
    shape = checks.event_check_run(hub.links, repository, run)
    only = run.app if action in {"rerequested", "requested_action"} else None
    emit(hub, "check_run", repository, sender, only, action=action, check_run=shape, **parts)


def on_push(hub: Hub, repository: Repository, ref: str, before: str, after: str, sender: User) -> None:
    git = repository.git
    created, deleted = before == ZERO, after == ZERO
    pushed = [] if deleted else _pushed(repository, ref, before, after)
    listed = [_pushed_commit(hub, repository, commit) for commit in pushed]
    head = None if deleted else _pushed_commit(hub, repository, git.commit(after))
    span = f"{before[:12]}...{after[:12]}"
    emit(
        hub,
        "push",
        repository,
        sender,
        ref=ref,
        before=before,
        after=after,
        base_ref=None,
        created=created,
        deleted=deleted,
        forced=not (created or deleted) and not git.is_ancestor(before, after),
        compare=hub.links.page(repository, "compare", span),
        commits=listed,
        head_commit=head,
        pusher={"name": sender.login, "email": sender.email},
    )


def _pushed(repository: Repository, ref: str, before: str, after: str) -> list[Commit]:
    base = before
    if before == ZERO:
        default = repository.git.branch(repository.default_branch)
        base = default if default and ref != f"refs/heads/{repository.default_branch}" else ""
    return repository.git.commits(base or None, after, MAX_PUSHED)


def _pushed_commit(hub: Hub, repository: Repository, commit: Commit) -> dict[str, Any]:
    git = repository.git
    parent = commit.parents[0] if commit.parents else git.write_tree(None, [])
    files = git.files(parent, commit.sha)
    by: dict[str, list[str]] = {"added": [], "removed": [], "modified": []}
    for file in files:
        if file.previous is not None:
            by["removed"].append(file.previous)
        by["added" if file.previous is not None else file.status if file.status in by else "modified"].append(file.path)
    return {
        "id": commit.sha,
        "tree_id": commit.tree,
        "distinct": True,
        "message": commit.message,
        "timestamp": commit.committer.when.isoformat(),
        "url": hub.links.page(repository, "commit", commit.sha),
        "author": {"name": commit.author.name, "email": commit.author.email},
        "committer": {"name": commit.committer.name, "email": commit.committer.email},
        **by,
    }
