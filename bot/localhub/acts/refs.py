"""A branch moves, by the API, by a push or by a merge: what follows from it is the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.localhub import events
from bot.localhub.acts import issues
from bot.localhub.closing import closes
from bot.localhub.domain import Merge, Pull, Repository, User
from bot.localhub.gitstore import ZERO

if TYPE_CHECKING:
    from bot.localhub.hub import Hub

_BRANCH = "refs/heads/"


def move(hub: Hub, repository: Repository, ref: str, new: str, sender: User, old: str = ZERO) -> None:
    """Set `ref` (or delete it, `new` being `ZERO`) and tell everyone."""
    if new == ZERO:
        repository.git.delete_ref(ref, old)
    else:
        repository.git.set_ref(ref, new, old)
    moved(hub, repository, ref, old, new, sender)


def moved(hub: Hub, repository: Repository, ref: str, old: str, new: str, sender: User) -> None:
    """`ref` was moved in git already: the push event, and what it means for pull requests and issues."""
    repository.pushed_at = hub.clock()
    events.on_push(hub, repository, ref, old, new, sender)
    if not ref.startswith(_BRANCH):
        return
    branch = ref.removeprefix(_BRANCH)
    for pull in repository.open_pulls():
        if pull.head_ref == branch:
            _head_moved(hub, repository, pull, old, new, sender)
        elif pull.base_ref == branch and new != ZERO:
            _base_moved(hub, repository, pull, new, sender)
    if branch == repository.default_branch and ZERO not in (old, new):
        for commit in repository.git.commits(old, new):
            close_named(hub, repository, commit.message, sender)


def _head_moved(hub: Hub, repository: Repository, pull: Pull, old: str, new: str, sender: User) -> None:
    if new == ZERO:
        issues.close(hub, repository, pull.issue, sender)
        return
    pull.head_sha = new
    repository.git.keep_pull_head(pull.number, new)
    pull.issue.updated_at = hub.clock()
    events.on_pull(hub, "synchronize", repository, pull, sender, before=old, after=new)


def _base_moved(hub: Hub, repository: Repository, pull: Pull, new: str, sender: User) -> None:
    """A base that came to contain the head has merged the pull request, whoever pushed it."""
    before = pull.base_sha
    if repository.git.is_ancestor(pull.head_sha, new) and not repository.git.is_ancestor(pull.head_sha, before):
        merged(hub, repository, pull, new, sender)
        return
    pull.base_sha = new


def merged(hub: Hub, repository: Repository, pull: Pull, commit: str, sender: User) -> None:
    """Record a merge that git holds already; `base_sha` stays where the base was before it."""
    pull.merge = Merge(commit=commit, by=sender, at=hub.clock())
    issues.close(hub, repository, pull.issue, sender)
    if pull.base_ref == repository.default_branch:
        close_named(hub, repository, pull.issue.body or "", sender)


def close_named(hub: Hub, repository: Repository, text: str, sender: User) -> None:
    for number in closes(text):
        issue = repository.issues.get(number)
        if issue is not None and number not in repository.pulls:
            issues.close(hub, repository, issue, sender)
