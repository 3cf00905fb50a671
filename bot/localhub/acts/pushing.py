"""A commit on a branch without the API: how the demo's people push."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bot.localhub.acts import refs
from bot.localhub.domain import Repository, User
from bot.localhub.gitstore import ZERO, TreeChange

if TYPE_CHECKING:
    from bot.localhub.hub import Hub


def push_files(
    hub: Hub, repository: Repository, branch: str, files: Mapping[str, bytes | None], message: str, user: User
) -> str:
    git = repository.git
    tip = git.branch(branch)
    parent = tip or git.branch(repository.default_branch)
    changes = [
        TreeChange(path=path, mode=_mode(repository, parent, path), sha=None if data is None else git.write_blob(data))
        for path, data in files.items()
    ]
    who = hub.author(user)
    commit = git.write_commit(
        tree=git.write_tree(git.tree_of(parent) if parent else None, changes),
        parents=(parent,) if parent else (),
        author=who,
        committer=who,
        message=message,
    )
    refs.move(hub, repository, f"refs/heads/{branch}", commit, user, tip or ZERO)
    return commit


def _mode(repository: Repository, parent: str | None, path: str) -> str:
    entry = repository.git.entry(parent, path) if parent else None
    return entry.mode if entry and entry.type == "blob" else "100644"
