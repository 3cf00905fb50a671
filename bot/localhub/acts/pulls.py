"""Acts on pull requests: opening, changing, merging for real."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot.localhub import events
from bot.localhub.acts import issues, refs
from bot.localhub.domain import App, Pull, Repository, User
from bot.localhub.problems import Problem, conflict, invalid

if TYPE_CHECKING:
    from bot.localhub.hub import Hub


def open_pull(
    hub: Hub,
    repository: Repository,
    *,
    title: str,
    body: str | None,
    head: str,
    base: str,
    draft: bool,
    user: User,
    via: App | None = None,
) -> Pull:
    """Raises `Problem` 422 as GitHub does: no such branch, nothing between them, or one is open already."""
    owner, _, branch = head.rpartition(":")
    if owner and owner.lower() != repository.owner.login.lower():
        raise invalid("PullRequest", "head", "invalid")
    head_sha, base_sha = repository.git.branch(branch), repository.git.branch(base)
    if head_sha is None:
        raise invalid("PullRequest", "head", "invalid")
    if base_sha is None:
        raise invalid("PullRequest", "base", "invalid")
    _refuse_double(repository, branch, base)
    if repository.git.is_ancestor(head_sha, base_sha):
        raise invalid("PullRequest", "base", "custom", f"No commits between {base} and {branch}")
    issue = issues.new_issue(hub, repository, title=title, body=body, user=user, via=via)
    pull = Pull(
        id=hub.new_id(),
        issue=issue,
        head_ref=branch,
        head_sha=head_sha,
        base_ref=base,
        base_sha=base_sha,
        draft=draft,
    )
    repository.pulls[pull.number] = pull
    repository.git.keep_pull_head(pull.number, head_sha)
    events.on_pull(hub, "opened", repository, pull, user)
    return pull


def _refuse_double(repository: Repository, head: str, base: str) -> None:
    if any(pull.head_ref == head and pull.base_ref == base for pull in repository.open_pulls()):
        text = f"A pull request already exists for {repository.owner.login}:{head}."
        raise invalid("PullRequest", "base", "custom", text)


def rebase_onto(hub: Hub, repository: Repository, pull: Pull, base: str, sender: User) -> None:
    """Change the base branch."""
    sha = repository.git.branch(base)
    if sha is None:
        raise invalid("PullRequest", "base", "invalid")
    changes = {"base": {"ref": {"from": pull.base_ref}, "sha": {"from": pull.base_sha}}}
    pull.base_ref, pull.base_sha = base, sha
    events.on_pull(hub, "edited", repository, pull, sender, changes=changes)


def reopen(hub: Hub, repository: Repository, pull: Pull, sender: User) -> None:
    """Raises `Problem` 422 when it was merged or its branch is gone."""
    head = repository.git.branch(pull.head_ref)
    if pull.merge is not None or head is None:
        raise invalid("PullRequest", "state", "invalid", "state cannot be changed")
    pull.head_sha = head
    repository.git.keep_pull_head(pull.number, head)
    pull.base_sha = repository.git.branch(pull.base_ref) or pull.base_sha
    issues.reopen(hub, repository, pull.issue, sender)


def mark_ready(hub: Hub, repository: Repository, pull: Pull, sender: User) -> None:
    """Not in GitHub's REST API (it takes GraphQL or the web page): for the people of demo and tests."""
    if pull.draft:
        pull.draft = False
        events.on_pull(hub, "ready_for_review", repository, pull, sender)


def merge(
    hub: Hub,
    repository: Repository,
    pull: Pull,
    *,
    method: str,
    sender: User,
    title: str = "",
    message: str = "",
    expected_head: str = "",
) -> str:
    """Merge the two branches as they stand now, and return the commit. Raises `Problem` 405 or 409."""
    if pull.issue.state != "open" or pull.draft:
        raise Problem(405, "Pull Request is not mergeable")
    if method == "rebase":
        raise Problem(405, "Rebase merges are not allowed on this repository.")
    if expected_head and expected_head != pull.head_sha:
        raise conflict("Head branch was modified. Review and try the merge again.")
    git = repository.git
    tree = git.merge_tree(pull.base_sha, pull.head_sha)
    if tree is None:
        raise Problem(405, "Pull Request is not mergeable")
    squash = method == "squash"
    commit = git.write_commit(
        tree=tree,
        parents=(pull.base_sha,) if squash else (pull.base_sha, pull.head_sha),
        author=hub.author(pull.issue.user if squash else sender),
        committer=hub.committer(),
        message=_message(pull, squash=squash, title=title, message=message),
    )
    repository.signed.add(commit)
    before, branch = pull.base_sha, f"refs/heads/{pull.base_ref}"
    git.set_ref(branch, commit, before)
    refs.merged(hub, repository, pull, commit, sender)
    refs.moved(hub, repository, branch, before, commit, sender)
    return commit


def _message(pull: Pull, *, squash: bool, title: str, message: str) -> str:
    """The merge commit's, as given or as GitHub would word it."""
    if squash:
        return f"{title or f'{pull.issue.title} (#{pull.number})'}\n\n{message}".rstrip()
    subject = title or f"Merge pull request #{pull.number} from {pull.head_ref}"
    return f"{subject}\n\n{message or pull.issue.title}".rstrip()
