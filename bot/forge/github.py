"""`GitHubForge`: `bot.forge.protocol.Forge` over GitHub's REST API, for one repository of one installation."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from urllib.parse import quote

from bot.errors import ForgeNotFound, ForgeRejected, ForgeUnavailable
from bot.forge import shapes
from bot.forge.app import CLONE_PERMISSIONS, TOKEN_PERMISSIONS, AppIdentity, GitHubApp
from bot.forge.commits import CommitRequest, commit
from bot.forge.connection import Connection
from bot.forge.protocol import Annotation, CheckRun, LineComment, Permission, Remote
from bot.types import PullRequest, Repository
from sandbox.types import CommitSha

__all__ = ["AppIdentity", "GitHubApp", "GitHubForge"]

_ANNOTATIONS_A_REQUEST = 50
_MOST_ANNOTATIONS = 200
_DIFF = "application/vnd.github.diff"


class GitHubForge:
    """See the protocol for each method. Not shared between threads; the App behind it is."""

    def __init__(self, app: GitHubApp, repository: Repository) -> None:
        self._app = app
        self._repository = repository
        self._root = f"/repos/{quote(repository.full_name)}"
        self._connection = Connection.with_token(
            app.identity.api_url,
            lambda: app.token(repository.installation_id, repository.id, TOKEN_PERMISSIONS),
            on_unauthorized=lambda: app.forget_token(repository.installation_id),
            timeout_seconds=app.identity.timeout_seconds,
        )

    # --- reading -------------------------------------------------------------------------------------------------

    def permission(self, login: str) -> Permission:
        """Asked anew each time. An unknown person or an unknown word is no permission."""
        try:
            role = self._connection.get(
                shapes.Role, f"{self._root}/collaborators/{quote(login, safe='')}/permission"
            ).permission
        except ForgeNotFound:
            return Permission.NONE
        return Permission(role) if role in set(Permission) else Permission.NONE

    def clone_url_and_token(self) -> tuple[str, str]:
        repository = self._repository
        token = self._app.token(repository.installation_id, repository.id, CLONE_PERMISSIONS)
        return f"{self._app.identity.web_url.rstrip('/')}/{repository.full_name}.git", token.get_secret_value()

    def read_file(self, path: str, ref: str) -> bytes | None:
        """None where there is no regular file. Raises `ForgeRejected` for one above GitHub's 1 MB."""
        try:
            found = self._connection.get(
                shapes.Contents, f"{self._root}/contents/{quote(path)}", query={"ref": ref}
            ).root
        except ForgeNotFound:
            return None
        if isinstance(found, list) or found.type != "file":
            return None
        if found.encoding != "base64":
            raise ForgeRejected(f"{path} is too large to be read.")
        try:
            return base64.b64decode(found.content)
        except binascii.Error as error:
            raise ForgeUnavailable(f"GitHub's answer for {path} is not base64.") from error

    def branch_sha(self, branch: str) -> CommitSha | None:
        try:
            found = self._connection.get(shapes.Ref, f"{self._root}/git/ref/heads/{quote(branch)}")
        except ForgeNotFound:
            return None
        return CommitSha(found.object.sha)

    def pull(self, number: int) -> PullRequest:
        found = self._connection.get(shapes.Pull, f"{self._root}/pulls/{number}")
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

    def pull_diff(self, number: int) -> str:
        return self._connection.text(f"{self._root}/pulls/{number}", _DIFF)

    def find_pull(self, head_branch: str, marker: str) -> Remote | None:
        owner = self._repository.full_name.split("/", 1)[0]
        query = {"state": "all", "head": f"{owner}:{head_branch}"}
        ended = None
        for found in self._connection.pages(shapes.Pull, f"{self._root}/pulls", query):
            repository = found.head.repo.full_name if found.head.repo else ""
            inside = found.head.ref == head_branch and repository.lower() == self._repository.full_name.lower()
            if not inside or found.user is None or found.user.login != self._app.login():
                continue  # anybody can write our marker, and people may use our branch
            if found.state == "open":
                return _pull_remote(found)
            if ended is None and marker in (found.body or ""):
                ended = _pull_remote(found)
        return ended

    # --- commits and pull requests -------------------------------------------------------------------------------

    def commit_files(
        self,
        *,
        branch: str,
        parent: CommitSha,
        files: Mapping[str, bytes | None],
        modes: Mapping[str, str],
        message: str,
    ) -> CommitSha:
        request = CommitRequest(branch=branch, parent=parent, files=files, modes=modes, message=message)
        return commit(self._connection, self._root, request, own_login=self._app.login)

    def open_pull(self, *, branch: str, base: str, title: str, body: str, draft: bool) -> Remote:
        """A draft where the plan knows no drafts (private repositories on free plans) is opened as ready."""
        request = {"head": branch, "base": base, "title": title, "body": body, "maintainer_can_modify": True}
        path = f"{self._root}/pulls"
        try:
            return _pull_remote(self._connection.send(shapes.Pull, "POST", path, {**request, "draft": draft}))
        except ForgeRejected as error:
            if not draft or "draft pull requests" not in str(error).lower():
                raise
            return _pull_remote(self._connection.send(shapes.Pull, "POST", path, {**request, "draft": False}))

    def edit_pull(self, number: int, *, title: str, body: str) -> None:
        self._connection.send(shapes.Pull, "PATCH", f"{self._root}/pulls/{number}", {"title": title, "body": body})

    # --- conversation --------------------------------------------------------------------------------------------

    def find_comment(self, number: int, marker: str) -> Remote | None:
        return self._find_own(f"{self._root}/issues/{number}/comments", marker)

    def post_comment(self, number: int, body: str) -> Remote:
        path = f"{self._root}/issues/{number}/comments"
        return _remote(self._connection.send(shapes.Named, "POST", path, {"body": body}))

    def edit_comment(self, comment_id: int, body: str) -> None:
        self._connection.send(shapes.Named, "PATCH", f"{self._root}/issues/comments/{comment_id}", {"body": body})

    def react(self, number: int, comment_id: int | None, content: str) -> None:
        thing = f"issues/{number}" if comment_id is None else f"issues/comments/{comment_id}"
        self._connection.send(shapes.Reaction, "POST", f"{self._root}/{thing}/reactions", {"content": content})

    def find_review(self, number: int, marker: str) -> Remote | None:
        return self._find_own(f"{self._root}/pulls/{number}/reviews", marker)

    def post_review(self, number: int, *, head_sha: CommitSha, body: str, comments: Sequence[LineComment]) -> Remote:
        lines = [{"path": c.path, "line": c.line, "side": c.side, "body": c.body} for c in comments]
        request = {"commit_id": head_sha, "body": body, "event": "COMMENT", "comments": lines}
        return _remote(self._connection.send(shapes.Named, "POST", f"{self._root}/pulls/{number}/reviews", request))

    def _find_own(self, path: str, marker: str) -> Remote | None:
        """The author is checked: anybody can write our marker into a comment."""
        login = self._app.login()
        for found in self._connection.pages(shapes.Named, path):
            if found.user is not None and found.user.login == login and marker in (found.body or ""):
                return _remote(found)
        return None

    # --- check runs ----------------------------------------------------------------------------------------------

    def find_check_run(self, head_sha: CommitSha, external_id: str) -> Remote | None:
        path = f"{self._root}/commits/{head_sha}/check-runs"
        query = {"app_id": self._app.identity.app_id, "filter": "all"}
        for found in self._connection.pages(shapes.Check, path, query, within="check_runs"):
            if found.external_id == external_id:
                return Remote(id=found.id, url=found.html_url or "")
        return None

    def post_check_run(self, check: CheckRun) -> Remote:
        """At most fifty annotations a request; the others follow as updates, which GitHub appends."""
        first, rest = check.annotations[:_ANNOTATIONS_A_REQUEST], check.annotations[_ANNOTATIONS_A_REQUEST:]
        request = {**_check(check, first), "name": check.name, "head_sha": check.head_sha}
        made = self._connection.send(shapes.Check, "POST", f"{self._root}/check-runs", request)
        self._add_annotations(made.id, check, rest[: _MOST_ANNOTATIONS - len(first)])
        return Remote(id=made.id, url=made.html_url or "")

    def edit_check_run(self, check_run_id: int, check: CheckRun) -> None:
        """Annotations cannot be replaced, only added: those that stand already are counted off."""
        path = f"{self._root}/check-runs/{check_run_id}"
        standing = self._connection.get(shapes.Check, path).output.annotations_count
        missing = check.annotations[standing:_MOST_ANNOTATIONS]
        first, rest = missing[:_ANNOTATIONS_A_REQUEST], missing[_ANNOTATIONS_A_REQUEST:]
        self._connection.send(shapes.Check, "PATCH", path, _check(check, first))
        self._add_annotations(check_run_id, check, rest)

    def _add_annotations(self, check_run_id: int, check: CheckRun, rest: Sequence[Annotation]) -> None:
        for start in range(0, len(rest), _ANNOTATIONS_A_REQUEST):
            batch = rest[start : start + _ANNOTATIONS_A_REQUEST]
            path = f"{self._root}/check-runs/{check_run_id}"
            self._connection.send(shapes.Check, "PATCH", path, _check(check, batch))


def _check(check: CheckRun, annotations: Sequence[Annotation]) -> dict[str, object]:
    output = {
        "title": check.title,
        "summary": check.summary,
        "annotations": [
            {
                "path": a.path,
                "start_line": a.start_line,
                "end_line": a.end_line,
                "annotation_level": a.level,
                "title": a.title[:255],
                "message": a.message,
            }
            for a in annotations
        ],
    }
    request: dict[str, object] = {"external_id": check.external_id, "status": check.status, "output": output}
    return {**request, "conclusion": check.conclusion} if check.conclusion else request


def _remote(found: shapes.Named) -> Remote:
    return Remote(id=found.id, url=found.html_url, body=found.body or "")


def _pull_remote(found: shapes.Pull) -> Remote:
    return Remote(id=found.number, url=found.html_url, body=found.body or "")
