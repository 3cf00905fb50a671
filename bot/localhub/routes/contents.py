"""Files and directories by path, branches, commits and comparisons."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from bot.localhub.acts import refs
from bot.localhub.calls import Answer, Call, Fields, Route
from bot.localhub.domain import Role
from bot.localhub.gitstore import TreeChange, TreeEntry, is_tree_path
from bot.localhub.problems import Problem, conflict, forbidden, invalid, not_found
from bot.localhub.shapes import repositories

DIFF_MEDIA = "application/vnd.github.diff; charset=utf-8"
PATCH_MEDIA = "application/vnd.github.patch; charset=utf-8"
WORKFLOWS = ".github/workflows/"


class WriteFile(Fields):
    message: str
    content: str
    sha: str | None = None
    branch: str | None = None


class DeleteFile(Fields):
    message: str
    sha: str
    branch: str | None = None


def refuse_workflow(call: Call, path: str) -> None:
    """Workflow files take a permission of their own."""
    holds = getattr(call.identity, "holds", None)
    if path.startswith(WORKFLOWS) and holds is not None and not holds("workflows", write=True):
        raise forbidden()


def resolved(call: Call, revision: str) -> str:
    found = call.repository.git.resolve(revision)
    if found is None:
        raise not_found()
    return found


def get_contents(call: Call) -> Answer:
    repository, git = call.repository, call.repository.git
    path = call.parameters.get("path", "").strip("/")
    ref = call.query("ref") or repository.default_branch
    commit = resolved(call, ref)
    entry = git.entry(commit, path)
    if entry is None:
        raise not_found()
    links = call.hub.links
    if entry.type == "tree":
        prefix = f"{path}/" if path else ""
        listed = [
            repositories.content(links, repository, one, prefix + one.path, ref) for one in git.entries(entry.sha)
        ]
        return Answer(body=listed)
    data = git.blob(entry.sha) if entry.type == "blob" else b""
    if call.accepts("raw"):
        return Answer(body=data, media="application/vnd.github.raw; charset=utf-8")
    return Answer(body=repositories.content(links, repository, entry, path, ref, data))


def _branch_tip(call: Call, branch: str) -> str | None:
    tip = call.repository.git.branch(branch)
    if tip is None and call.repository.git.refs("refs/heads/"):
        raise Problem(404, f"Branch {branch} not found")
    return tip


def _current(call: Call, tip: str | None, path: str) -> TreeEntry | None:
    entry = call.repository.git.entry(tip, path) if tip else None
    if entry is not None and entry.type == "tree":
        raise invalid("Content", "path", "invalid")
    return entry


def _commit_change(call: Call, *, path: str, sha: str | None, message: str, branch: str, tip: str | None) -> str:
    """One commit on a branch that changes one file; GitHub signs what it commits here."""
    git, hub = call.repository.git, call.hub
    tree = git.write_tree(git.tree_of(tip) if tip else None, [TreeChange(path=path, mode="100644", sha=sha)])
    commit = git.write_commit(
        tree=tree,
        parents=(tip,) if tip else (),
        author=hub.author(call.actor),
        committer=hub.committer(),
        message=message,
    )
    call.repository.signed.add(commit)
    refs.move(hub, call.repository, f"refs/heads/{branch}", commit, call.actor, tip or "0" * 40)
    return commit


def _file_commit(call: Call, commit: str, content: dict[str, Any] | None) -> dict[str, Any]:
    git = call.repository.git
    return {
        "content": content,
        "commit": repositories.git_commit(call.hub.links, call.repository, git.commit(commit)),
    }


def put_contents(call: Call) -> Answer:
    wanted, path = call.read(WriteFile), call.text("path")
    if not is_tree_path(path):
        raise invalid("Content", "path", "invalid", "path contains a malformed path component")
    refuse_workflow(call, path)
    branch = wanted.branch or call.repository.default_branch
    tip = _branch_tip(call, branch)
    old = _current(call, tip, path)
    if old is not None and wanted.sha is None:
        raise Problem(422, 'Invalid request.\n\n"sha" wasn\'t supplied.')
    if wanted.sha is not None and (old is None or old.sha != wanted.sha):
        raise conflict(f"{path} does not match {wanted.sha}")
    try:
        data = base64.b64decode("".join(wanted.content.split()), validate=True)
    except binascii.Error:
        raise Problem(422, "content is not valid Base64") from None
    git = call.repository.git
    commit = _commit_change(call, path=path, sha=git.write_blob(data), message=wanted.message, branch=branch, tip=tip)
    entry = git.entry(commit, path)
    shown = repositories.content(call.hub.links, call.repository, entry, path, branch) if entry else None
    return Answer(status=200 if old else 201, body=_file_commit(call, commit, shown))


def delete_contents(call: Call) -> Answer:
    wanted, path = call.read(DeleteFile), call.text("path")
    refuse_workflow(call, path)
    branch = wanted.branch or call.repository.default_branch
    tip = _branch_tip(call, branch)
    old = _current(call, tip, path)
    if old is None:
        raise not_found()
    if old.sha != wanted.sha:
        raise conflict(f"{path} does not match {wanted.sha}")
    commit = _commit_change(call, path=path, sha=None, message=wanted.message, branch=branch, tip=tip)
    return Answer(body=_file_commit(call, commit, None))


def list_branches(call: Call) -> Answer:
    def render(item: tuple[str, str]) -> dict[str, Any]:
        name, sha = item
        at = {"sha": sha, "url": call.hub.links.repository(call.repository, "commits", sha)}
        return {"name": name.removeprefix("refs/heads/"), "commit": at, "protected": False}

    return call.page(sorted(call.repository.git.refs("refs/heads/").items()), render)


def get_branch(call: Call) -> Answer:
    name = call.text("branch")
    tip = call.repository.git.branch(name)
    if tip is None:
        raise Problem(404, "Branch not found")
    api = call.hub.links.repository(call.repository, "branches", name)
    commit = repositories.commit(call.hub.links, call.repository, call.repository.git.commit(tip))
    return Answer(
        body={
            "name": name,
            "commit": commit,
            "_links": {"self": api, "html": call.hub.links.page(call.repository, "tree", name)},
            "protected": False,
            "protection": {"enabled": False, "required_status_checks": {"contexts": [], "checks": []}},
            "protection_url": f"{api}/protection",
        }
    )


def list_commits(call: Call) -> Answer:
    git = call.repository.git
    tip = resolved(call, call.query("sha") or call.repository.default_branch)
    found = git.log(tip, 1000, call.query("path"))
    return call.page(found, lambda one: repositories.commit(call.hub.links, call.repository, one))


def get_commit(call: Call) -> Answer:
    git = call.repository.git
    sha = resolved(call, call.text("ref"))
    if call.accepts("sha"):
        return Answer(body=sha, media="application/vnd.github.sha; charset=utf-8")
    commit = git.commit(sha)
    parent = commit.parents[0] if commit.parents else git.write_tree(None, [])
    if call.accepts("diff"):
        return Answer(body=git.diff(parent, sha), media=DIFF_MEDIA)
    return Answer(body=repositories.commit(call.hub.links, call.repository, commit, git.files(parent, sha)))


def compare(call: Call) -> Answer:
    """Three dots: from the merge base of the two to the second."""
    git, links, repository = call.repository.git, call.hub.links, call.repository
    base_name, dots, head_name = call.text("basehead").partition("...")
    if not dots:
        raise not_found()
    base, head = resolved(call, _local(base_name)), resolved(call, _local(head_name))
    fork = git.merge_base(base, head)
    if fork is None:
        raise not_found()
    if call.accepts("diff"):
        return Answer(body=git.diff(fork, head), media=DIFF_MEDIA)
    if call.accepts("patch"):
        return Answer(body=git.mail(fork, head), media=PATCH_MEDIA)
    ahead, behind = git.commits(base, head), git.commits(head, base)
    page = links.page(repository, "compare", f"{base_name}...{head_name}")
    status = {(False, False): "identical", (True, False): "ahead", (False, True): "behind", (True, True): "diverged"}
    return Answer(
        body={
            "url": links.repository(repository, "compare", call.text("basehead")),
            "html_url": page,
            "permalink_url": page,
            "diff_url": f"{page}.diff",
            "patch_url": f"{page}.patch",
            "base_commit": repositories.commit(links, repository, git.commit(base)),
            "merge_base_commit": repositories.commit(links, repository, git.commit(fork)),
            "status": status[bool(ahead), bool(behind)],
            "ahead_by": len(ahead),
            "behind_by": len(behind),
            "total_commits": len(ahead),
            "commits": [repositories.commit(links, repository, one) for one in ahead],
            "files": [repositories.file_diff(links, repository, one, head) for one in git.files(fork, head)],
        }
    )


def _local(name: str) -> str:
    return name.rpartition(":")[2]


_REPO = "/repos/{owner}/{repo}"
_READ = ("contents",)
ROUTES = (
    Route(method="GET", template=f"{_REPO}/contents/{{path*}}", handler=get_contents, permissions=_READ),
    Route(method="GET", template=f"{_REPO}/contents", handler=get_contents, permissions=_READ),
    Route(method="GET", template=f"{_REPO}/contents/", handler=get_contents, permissions=_READ),
    Route(
        method="PUT",
        template=f"{_REPO}/contents/{{path*}}",
        handler=put_contents,
        permissions=_READ,
        write=True,
        role=Role.WRITE,
    ),
    Route(
        method="DELETE",
        template=f"{_REPO}/contents/{{path*}}",
        handler=delete_contents,
        permissions=_READ,
        write=True,
        role=Role.WRITE,
    ),
    Route(method="GET", template=f"{_REPO}/branches", handler=list_branches, permissions=_READ),
    Route(method="GET", template=f"{_REPO}/branches/{{branch*}}", handler=get_branch, permissions=_READ),
    Route(method="GET", template=f"{_REPO}/compare/{{basehead*}}", handler=compare, permissions=_READ),
    Route(method="GET", template=f"{_REPO}/commits", handler=list_commits, permissions=_READ),
)
COMMIT = Route(method="GET", template=f"{_REPO}/commits/{{ref*}}", handler=get_commit, permissions=_READ)
"""Apart, because it would swallow `/commits/{ref}/check-runs`: searched last."""
