"""One commit through the git data API. No author is given: then GitHub signs it as the App's."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.errors import ForgeNotFound, ForgeRejected
from bot.forge import shapes
from bot.forge.connection import Connection
from bot.forge.guard import refusal
from sandbox.types import CommitSha


@dataclass(frozen=True, kw_only=True)
class CommitRequest:
    branch: str
    parent: CommitSha
    files: Mapping[str, bytes | None]
    """By path; None removes the file."""
    modes: Mapping[str, str]
    """By path; `100644` where absent."""
    message: str


def commit(connection: Connection, root: str, request: CommitRequest, *, own_login: Callable[[], str]) -> CommitSha:
    """Make the commit and set the branch to it; a second call with the same arguments changes nothing.

    Raises `ForgeRejected` before anything is sent for a protected path or a branch that is not ours, and when the
    branch's last commit is somebody else's: people's work on our branch is never overwritten.
    """
    if reason := refusal(request.branch, request.files, request.modes):
        raise ForgeRejected(reason)
    parent = connection.get(shapes.Commit, f"{root}/git/commits/{request.parent}")
    entries = [_entry(connection, root, path, request) for path in sorted(request.files)]
    tree = connection.send(shapes.Sha, "POST", f"{root}/git/trees", {"base_tree": parent.tree.sha, "tree": entries})
    standing = _standing(connection, root, request.branch)
    if standing is not None:
        if _is_same(standing, tree.sha, request):
            return CommitSha(standing.sha)
        _refuse_to_overwrite(standing, request, own_login())
    body = {"message": request.message, "tree": tree.sha, "parents": [request.parent]}
    made = connection.send(shapes.Commit, "POST", f"{root}/git/commits", body)
    _set_branch(connection, root, request.branch, made.sha, exists=standing is not None)
    return CommitSha(made.sha)


def _entry(connection: Connection, root: str, path: str, request: CommitRequest) -> dict[str, Any]:
    """Text goes inline into the tree; other bytes need a blob of their own."""
    data = request.files[path]
    entry: dict[str, Any] = {"path": path, "mode": request.modes.get(path) or "100644", "type": "blob"}
    if data is None:
        return {**entry, "mode": "100644", "sha": None}
    try:
        return {**entry, "content": data.decode("utf-8")}
    except UnicodeDecodeError:
        body = {"content": base64.b64encode(data).decode("ascii"), "encoding": "base64"}
        return {**entry, "sha": connection.send(shapes.Sha, "POST", f"{root}/git/blobs", body).sha}


def _standing(connection: Connection, root: str, branch: str) -> shapes.Commit | None:
    try:
        ref = connection.get(shapes.Ref, f"{root}/git/ref/heads/{quote(branch)}")
    except ForgeNotFound:
        return None
    return connection.get(shapes.Commit, f"{root}/git/commits/{ref.object.sha}")


def _is_same(standing: shapes.Commit, tree: str, request: CommitRequest) -> bool:
    """What an earlier try of the same step left behind (GitHub may trim the message's last line end)."""
    parents = [parent.sha for parent in standing.parents]
    same_message = standing.message.strip() == request.message.strip()
    return standing.tree.sha == tree and parents == [request.parent] and same_message


def _refuse_to_overwrite(standing: shapes.Commit, request: CommitRequest, own_login: str) -> None:
    author = standing.author.name if standing.author is not None else ""
    if standing.sha != request.parent and author != own_login:
        raise ForgeRejected(
            f"The branch {request.branch} holds a commit that is not ours; it is left as it is. Delete the branch to "
            "have another try published."
        )


def _set_branch(connection: Connection, root: str, branch: str, sha: str, *, exists: bool) -> None:
    if exists:
        connection.send(shapes.Ref, "PATCH", f"{root}/git/refs/heads/{quote(branch)}", {"sha": sha, "force": True})
    else:
        connection.send(shapes.Ref, "POST", f"{root}/git/refs", {"ref": f"refs/heads/{branch}", "sha": sha})
