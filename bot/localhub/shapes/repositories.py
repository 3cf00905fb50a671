"""Repositories, contents, commits, refs: what stands on git."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any

from bot.localhub.domain import Repository, Role, stamp
from bot.localhub.gitdiff import FileDiff
from bot.localhub.gitstore import Commit, Person, TreeEntry
from bot.localhub.links import Links
from bot.localhub.shapes import accounts

_PLAIN = [
    "contributors",
    "deployments",
    "downloads",
    "events",
    "forks",
    "hooks",
    "languages",
    "merges",
    "stargazers",
    "subscribers",
    "subscription",
    "tags",
    "teams",
]
_TEMPLATES = {
    "archive_url": "{archive_format}{/ref}",
    "assignees_url": "assignees{/user}",
    "blobs_url": "git/blobs{/sha}",
    "branches_url": "branches{/branch}",
    "collaborators_url": "collaborators{/collaborator}",
    "comments_url": "comments{/number}",
    "commits_url": "commits{/sha}",
    "compare_url": "compare/{base}...{head}",
    "contents_url": "contents/{+path}",
    "git_commits_url": "git/commits{/sha}",
    "git_refs_url": "git/refs{/sha}",
    "git_tags_url": "git/tags{/sha}",
    "issue_comment_url": "issues/comments{/number}",
    "issue_events_url": "issues/events{/number}",
    "issues_url": "issues{/number}",
    "keys_url": "keys{/key_id}",
    "labels_url": "labels{/name}",
    "milestones_url": "milestones{/number}",
    "notifications_url": "notifications{?since,all,participating}",
    "pulls_url": "pulls{/number}",
    "releases_url": "releases{/id}",
    "statuses_url": "statuses/{sha}",
    "trees_url": "git/trees{/sha}",
}
_NO = ("has_wiki", "has_pages", "has_discussions", "has_projects", "has_downloads", "archived", "disabled", "fork")
_ZERO = ("forks", "forks_count", "stargazers_count", "watchers", "watchers_count", "size")


def repository(links: Links, repository: Repository, role: Role | None = None) -> dict[str, Any]:
    api = links.repository(repository)
    open_count = sum(issue.state == "open" for issue in repository.issues.values())
    shape = {
        **accounts.short_repository(repository),
        "owner": accounts.user(links, repository.owner),
        "html_url": links.page(repository),
        "description": repository.description,
        "url": api,
        **{name: f"{api}/{suffix}" for name, suffix in _TEMPLATES.items()},
        **{f"{name}_url": f"{api}/{name}" for name in _PLAIN},
        "clone_url": links.clone(repository),
        "git_url": f"git://{links.clone(repository).split('://', 1)[1]}",
        "ssh_url": f"git@localhub:{repository.full_name}.git",
        "svn_url": links.page(repository),
        "mirror_url": None,
        "homepage": None,
        "language": None,
        "license": None,
        **dict.fromkeys(_NO, False),
        **dict.fromkeys(_ZERO, 0),
        "has_issues": True,
        "topics": [],
        "visibility": "private" if repository.private else "public",
        "default_branch": repository.default_branch,
        "open_issues": open_count,
        "open_issues_count": open_count,
        "created_at": stamp(repository.created_at),
        "updated_at": stamp(repository.pushed_at),
        "pushed_at": stamp(repository.pushed_at),
    }
    return {**shape, "permissions": accounts.rights(role)} if role is not None else shape


def full_repository(links: Links, subject: Repository, role: Role | None) -> dict[str, Any]:
    return {
        **repository(links, subject, role),
        "network_count": 0,
        "subscribers_count": 0,
        "allow_merge_commit": True,
        "allow_squash_merge": True,
        "allow_rebase_merge": False,
        "delete_branch_on_merge": False,
    }


def ref(links: Links, repository: Repository, name: str, sha: str) -> dict[str, Any]:
    """`url` is under `/git/refs/`, which is where PyGithub sends its PATCH and DELETE."""
    return {
        "ref": name,
        "node_id": f"REF_{repository.id}_{name}",
        "url": links.repository(repository, "git", name),
        "object": {"type": "commit", "sha": sha, "url": links.repository(repository, "git/commits", sha)},
    }


def person(who: Person) -> dict[str, str]:
    return {"name": who.name, "email": who.email, "date": stamp(who.when)}


def verification(repository: Repository, sha: str) -> dict[str, Any]:
    signed = sha in repository.signed
    told = {"verified": signed, "reason": "valid" if signed else "unsigned"}
    return {**told, "signature": None, "payload": None, "verified_at": None}


def git_commit(links: Links, repository: Repository, commit: Commit) -> dict[str, Any]:
    return {
        "sha": commit.sha,
        "node_id": f"C_{commit.sha}",
        "url": links.repository(repository, "git/commits", commit.sha),
        "html_url": links.page(repository, "commit", commit.sha),
        "author": person(commit.author),
        "committer": person(commit.committer),
        "tree": {"sha": commit.tree, "url": links.repository(repository, "git/trees", commit.tree)},
        "message": commit.message,
        "parents": [
            {
                "sha": parent,
                "url": links.repository(repository, "git/commits", parent),
                "html_url": links.page(repository, "commit", parent),
            }
            for parent in commit.parents
        ],
        "verification": verification(repository, commit.sha),
    }


def commit(
    links: Links, repository: Repository, commit: Commit, files: Sequence[FileDiff] | None = None
) -> dict[str, Any]:
    inner = git_commit(links, repository, commit)
    api = links.repository(repository, "commits", commit.sha)
    shape = {
        "sha": commit.sha,
        "node_id": inner["node_id"],
        "url": api,
        "html_url": inner["html_url"],
        "comments_url": f"{api}/comments",
        "commit": {
            **{name: inner[name] for name in ("url", "author", "committer", "message", "tree", "verification")},
            "comment_count": 0,
        },
        "author": None,
        "committer": None,
        "parents": [
            {**parent, "url": links.repository(repository, "commits", parent["sha"])} for parent in inner["parents"]
        ],
    }
    if files is None:
        return shape
    added, removed = sum(file.additions for file in files), sum(file.deletions for file in files)
    stats = {"additions": added, "deletions": removed, "total": added + removed}
    return {**shape, "stats": stats, "files": [file_diff(links, repository, file, commit.sha) for file in files]}


def file_diff(links: Links, repository: Repository, file: FileDiff, sha: str) -> dict[str, Any]:
    shape: dict[str, Any] = {
        "sha": file.sha,
        "filename": file.path,
        "status": file.status,
        "additions": file.additions,
        "deletions": file.deletions,
        "changes": file.additions + file.deletions,
        "blob_url": links.page(repository, "blob", sha, file.path),
        "raw_url": links.page(repository, "raw", sha, file.path),
        "contents_url": f"{links.repository(repository, 'contents', file.path)}?ref={sha}",
    }
    if file.previous is not None:
        shape["previous_filename"] = file.previous
    if file.patch is not None:
        shape["patch"] = file.patch
    return shape


def content(
    links: Links, repository: Repository, entry: TreeEntry, path: str, ref: str, data: bytes | None = None
) -> dict[str, Any]:
    """One entry of a directory, or with `data` the file itself."""
    kind = {"tree": "dir", "commit": "submodule"}.get(entry.type, "symlink" if entry.mode == "120000" else "file")
    here = f"{links.repository(repository, 'contents', path)}?ref={ref}"
    git = links.repository(repository, "git/trees" if kind == "dir" else "git/blobs", entry.sha)
    page = links.page(repository, "tree" if kind == "dir" else "blob", ref, path)
    shape: dict[str, Any] = {
        "type": kind,
        "name": path.rsplit("/", 1)[-1],
        "path": path,
        "sha": entry.sha,
        "size": entry.size or 0,
        "url": here,
        "html_url": page,
        "git_url": git,
        "download_url": None if kind == "dir" else links.page(repository, "raw", ref, path),
        "_links": {"self": here, "git": git, "html": page},
    }
    if data is None:
        return shape
    if kind == "symlink":
        return {**shape, "target": data.decode(errors="replace")}
    return {**shape, "encoding": "base64", "content": base64.encodebytes(data).decode()}
