"""The git data API: blobs, trees, commits, refs."""

from __future__ import annotations

import base64
import binascii
from datetime import datetime
from typing import Any

from bot.localhub.acts import refs
from bot.localhub.calls import Answer, Call, Fields, Handler, Route
from bot.localhub.domain import AccountKind, Role
from bot.localhub.gitstore import ZERO, GitFailed, Person, TreeChange, TreeEntry, is_branch_name, is_tree_path
from bot.localhub.problems import not_found, unprocessable
from bot.localhub.routes.contents import refuse_workflow, resolved
from bot.localhub.shapes import repositories

_KINDS = {"100644": "blob", "100755": "blob", "120000": "blob", "040000": "tree"}


class NewBlob(Fields):
    content: str
    encoding: str = "utf-8"


class NewEntry(Fields):
    path: str
    mode: str
    type: str = ""
    sha: str | None = None
    content: str | None = None


class NewTree(Fields):
    tree: list[NewEntry]
    base_tree: str | None = None


class NewPerson(Fields):
    name: str
    email: str
    date: str | None = None


class NewCommit(Fields):
    message: str
    tree: str
    parents: tuple[str, ...] = ()
    author: NewPerson | None = None
    committer: NewPerson | None = None
    signature: str | None = None


class NewRef(Fields):
    ref: str
    sha: str


class MoveRef(Fields):
    sha: str
    force: bool = False


def create_blob(call: Call) -> Answer:
    wanted = call.read(NewBlob)
    try:
        data = base64.b64decode(wanted.content) if wanted.encoding == "base64" else wanted.content.encode()
    except (binascii.Error, ValueError):
        raise unprocessable("content is not valid Base64") from None
    sha = call.repository.git.write_blob(data)
    return Answer(status=201, body={"sha": sha, "url": _url(call, "blobs", sha)})


def _url(call: Call, kind: str, sha: str) -> str:
    return call.hub.links.repository(call.repository, "git", kind, sha)


def get_blob(call: Call) -> Answer:
    sha = call.text("sha")
    if not call.repository.git.has(sha, "blob"):
        raise not_found()
    data = call.repository.git.blob(sha)
    content = base64.encodebytes(data).decode()
    told = {"sha": sha, "node_id": f"B_{sha}", "size": len(data), "url": _url(call, "blobs", sha)}
    return Answer(body={**told, "content": content, "encoding": "base64"})


def create_tree(call: Call) -> Answer:
    git, wanted = call.repository.git, call.read(NewTree)
    base = wanted.base_tree
    if base is not None and not git.has(base, "tree"):
        if not git.has(base, "commit"):
            raise not_found()
        base = git.tree_of(base)
    changes = [_change(call, entry) for entry in wanted.tree]
    if base is not None and any(one.sha is None and not git.entry(base, one.path) for one in changes):
        raise unprocessable("GitRPC::BadObjectState")
    try:
        tree = git.write_tree(base, changes)
    except GitFailed:
        raise unprocessable("GitRPC::BadObjectState") from None
    return Answer(status=201, body=_tree(call, tree, recursive=False))


def _change(call: Call, entry: NewEntry) -> TreeChange:
    git = call.repository.git
    if not is_tree_path(entry.path):
        raise unprocessable("tree.path contains a malformed path component")
    if entry.mode not in _KINDS:
        raise unprocessable("Must supply a valid tree.mode")
    refuse_workflow(call, entry.path)
    if entry.content is not None:
        return TreeChange(path=entry.path, mode=entry.mode, sha=git.write_blob(entry.content.encode()))
    if entry.sha is not None and not git.has(entry.sha, _KINDS[entry.mode]):
        raise unprocessable(f"tree.sha {entry.sha} is not a valid {_KINDS[entry.mode]}")
    if entry.sha is None and "sha" not in entry.model_fields_set:
        raise unprocessable("Must supply either tree.sha or tree.content")
    return TreeChange(path=entry.path, mode=entry.mode, sha=entry.sha)


def _tree(call: Call, tree: str, *, recursive: bool) -> dict[str, Any]:
    def render(entry: TreeEntry) -> dict[str, Any]:
        kind = "trees" if entry.type == "tree" else "blobs"
        told = {"path": entry.path, "mode": entry.mode, "type": entry.type, "sha": entry.sha}
        size = {} if entry.size is None else {"size": entry.size}
        return {**told, **size, "url": _url(call, kind, entry.sha)}

    entries = [render(entry) for entry in call.repository.git.entries(tree, recursive=recursive)]
    return {"sha": tree, "url": _url(call, "trees", tree), "tree": entries, "truncated": False}


def get_tree(call: Call) -> Answer:
    git, name = call.repository.git, call.text("sha")
    tree = name if git.has(name, "tree") else git.tree_of(resolved(call, name))
    return Answer(body=_tree(call, tree, recursive=bool(call.query("recursive"))))


def create_commit(call: Call) -> Answer:
    """Without author and committer an App's commit is GitHub's to sign; with them it is as unsigned as it came."""
    git, hub, wanted = call.repository.git, call.hub, call.read(NewCommit)
    if not git.has(wanted.tree, "tree"):
        raise unprocessable("Tree SHA does not exist")
    if not all(git.has(parent, "commit") for parent in wanted.parents):
        raise unprocessable("Parent SHA does not exist or is not a commit object")
    by_bot = call.actor.kind is AccountKind.BOT
    author = _person(call, wanted.author) or hub.author(call.actor)
    default = hub.committer() if by_bot and wanted.author is None else author
    sha = git.write_commit(
        tree=wanted.tree,
        parents=wanted.parents,
        author=author,
        committer=_person(call, wanted.committer) or default,
        message=wanted.message,
    )
    if by_bot and wanted.author is None and wanted.committer is None:
        call.repository.signed.add(sha)
    return Answer(status=201, body=repositories.git_commit(hub.links, call.repository, git.commit(sha)))


def _person(call: Call, given: NewPerson | None) -> Person | None:
    if given is None:
        return None
    try:
        when = datetime.fromisoformat(given.date) if given.date else call.hub.clock()
    except ValueError:
        raise unprocessable("date is not a valid timestamp") from None
    return Person(name=given.name, email=given.email, when=when)


def get_commit(call: Call) -> Answer:
    sha = call.text("sha")
    if not call.repository.git.has(sha, "commit"):
        raise not_found()
    commit = call.repository.git.commit(sha)
    return Answer(body=repositories.git_commit(call.hub.links, call.repository, commit))


def _ref(call: Call, name: str, sha: str) -> dict[str, Any]:
    return repositories.ref(call.hub.links, call.repository, name, sha)


def get_ref(call: Call) -> Answer:
    name = f"refs/{call.text('ref')}"
    sha = call.repository.git.ref(name)
    if sha is None:
        raise not_found()
    return Answer(body=_ref(call, name, sha))


def matching_refs(call: Call) -> Answer:
    prefix = f"refs/{call.parameters.get('ref', '')}"
    found = [item for item in call.repository.git.refs().items() if item[0].startswith(prefix)]
    return call.page(found, lambda item: _ref(call, *item))


def create_ref(call: Call) -> Answer:
    wanted = call.read(NewRef)
    if not wanted.ref.startswith(("refs/heads/", "refs/tags/")) or not is_branch_name(wanted.ref):
        raise unprocessable("Reference name must start with 'refs/' and be a valid name")
    if not call.repository.git.has(wanted.sha, "commit"):
        raise unprocessable("Object does not exist")
    if call.repository.git.ref(wanted.ref) is not None:
        raise unprocessable("Reference already exists")
    try:
        refs.move(call.hub, call.repository, wanted.ref, wanted.sha, call.actor)
    except GitFailed:
        raise unprocessable("Reference cannot be created") from None
    return Answer(status=201, body=_ref(call, wanted.ref, wanted.sha))


def update_ref(call: Call) -> Answer:
    wanted, name, git = call.read(MoveRef), f"refs/{call.text('ref')}", call.repository.git
    old = git.ref(name)
    if old is None:
        raise unprocessable("Reference does not exist")
    if not git.has(wanted.sha, "commit"):
        raise unprocessable("Object does not exist")
    if not wanted.force and not git.is_ancestor(old, wanted.sha):
        raise unprocessable("Update is not a fast forward")
    if old != wanted.sha:
        refs.move(call.hub, call.repository, name, wanted.sha, call.actor, old)
    return Answer(body=_ref(call, name, wanted.sha))


def delete_ref(call: Call) -> Answer:
    name = f"refs/{call.text('ref')}"
    old = call.repository.git.ref(name)
    if old is None:
        raise unprocessable("Reference does not exist")
    if name == f"refs/heads/{call.repository.default_branch}":
        raise unprocessable("Cannot delete the default branch")
    refs.move(call.hub, call.repository, name, ZERO, call.actor, old)
    return Answer(status=204)


_GIT = "/repos/{owner}/{repo}/git"
_READ = ("contents",)


def _reading(template: str, handler: Handler) -> Route:
    return Route(method="GET", template=_GIT + template, handler=handler, permissions=_READ)


def _writing(method: str, template: str, handler: Handler) -> Route:
    return Route(
        method=method, template=_GIT + template, handler=handler, permissions=_READ, write=True, role=Role.WRITE
    )


ROUTES = (
    _writing("POST", "/blobs", create_blob),
    _reading("/blobs/{sha}", get_blob),
    _writing("POST", "/trees", create_tree),
    _reading("/trees/{sha*}", get_tree),
    _writing("POST", "/commits", create_commit),
    _reading("/commits/{sha}", get_commit),
    _reading("/ref/{ref*}", get_ref),
    _reading("/matching-refs/{ref*}", matching_refs),
    _reading("/matching-refs/", matching_refs),
    _writing("POST", "/refs", create_ref),
    _writing("PATCH", "/refs/{ref*}", update_ref),
    _writing("DELETE", "/refs/{ref*}", delete_ref),
    _reading("/refs/{ref*}", get_ref),
)
