"""A forge in memory for tests of what uses one; stateful, and able to crash between a post and its answer.

`tests/bot/test_forge_contract.py` holds the real adapter to the same behaviour against the local GitHub.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from bot.errors import ForgeNotFound, ForgeRejected
from bot.forge.protocol import CheckRun, LineComment, Permission, Remote
from bot.types import Posted, Publication, PullRequest
from sandbox.types import CommitSha


class Crash(Exception):
    """The process died here."""


@dataclass
class MemoryForge:
    commentable: frozenset[int] = frozenset(range(1, 1000))
    comments: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Comment id to (issue, body)."""
    pulls: dict[int, tuple[str, str, str, bool]] = field(default_factory=dict)
    """Number to (branch, title, body, draft)."""
    closed_pulls: set[int] = field(default_factory=set)
    checks: dict[int, CheckRun] = field(default_factory=dict)
    reviews: dict[int, tuple[int, str, tuple[LineComment, ...]]] = field(default_factory=dict)
    reactions: set[tuple[int, int | None, str]] = field(default_factory=set)
    crash_after_post: bool = False
    _ids: count[int] = field(default_factory=lambda: count(100))

    def _made(self, identity: int) -> Remote:
        if self.crash_after_post:
            self.crash_after_post = False
            raise Crash
        return Remote(id=identity, url=f"https://github.test/{identity}")

    def permission(self, login: str) -> Permission:
        return Permission.WRITE

    def clone_url_and_token(self) -> tuple[str, str]:
        return "https://github.test/o/n.git", "token"

    def read_file(self, path: str, ref: str) -> bytes | None:
        return None

    def branch_sha(self, branch: str) -> CommitSha | None:
        return None

    def pull(self, number: int) -> PullRequest:
        raise ForgeNotFound("no such pull request")

    def pull_diff(self, number: int) -> str:
        return ""

    def find_pull(self, head_branch: str, marker: str) -> Remote | None:
        ours = {number: pull for number, pull in self.pulls.items() if pull[0] == head_branch}
        standing = [number for number in ours if number not in self.closed_pulls]
        ended = [number for number, pull in ours.items() if number in self.closed_pulls and marker in pull[2]]
        return next((Remote(id=number, url="") for number in (*standing, *ended)), None)

    def commit_files(
        self,
        *,
        branch: str,
        parent: CommitSha,
        files: Mapping[str, bytes | None],
        modes: Mapping[str, str],
        message: str,
    ) -> CommitSha:
        return CommitSha("f" * 40)

    def open_pull(self, *, branch: str, base: str, title: str, body: str, draft: bool) -> Remote:
        number = next(self._ids)
        self.pulls[number] = (branch, title, body, draft)
        return self._made(number)

    def edit_pull(self, number: int, *, title: str, body: str) -> None:
        branch, _, _, draft = self.pulls[number]
        self.pulls[number] = (branch, title, body, draft)

    def find_comment(self, number: int, marker: str) -> Remote | None:
        found = (key for key, (issue, body) in self.comments.items() if issue == number and marker in body)
        return next((Remote(id=key, url="") for key in found), None)

    def post_comment(self, number: int, body: str) -> Remote:
        identity = next(self._ids)
        self.comments[identity] = (number, body)
        return self._made(identity)

    def edit_comment(self, comment_id: int, body: str) -> None:
        if comment_id not in self.comments:
            raise ForgeNotFound("the comment was deleted")
        self.comments[comment_id] = (self.comments[comment_id][0], body)

    def react(self, number: int, comment_id: int | None, content: str) -> None:
        self.reactions.add((number, comment_id, content))

    def find_check_run(self, head_sha: CommitSha, external_id: str) -> Remote | None:
        found = (k for k, c in self.checks.items() if c.head_sha == head_sha and c.external_id == external_id)
        return next((Remote(id=key, url="") for key in found), None)

    def post_check_run(self, check: CheckRun) -> Remote:
        identity = next(self._ids)
        self.checks[identity] = check
        return self._made(identity)

    def edit_check_run(self, check_run_id: int, check: CheckRun) -> None:
        self.checks[check_run_id] = check

    def find_review(self, number: int, marker: str) -> Remote | None:
        found = (key for key, (pull, body, _) in self.reviews.items() if pull == number and marker in body)
        return next((Remote(id=key, url="") for key in found), None)

    def post_review(self, number: int, *, head_sha: CommitSha, body: str, comments: Sequence[LineComment]) -> Remote:
        if any(comment.line not in self.commentable for comment in comments):
            raise ForgeRejected("Line could not be resolved")
        identity = next(self._ids)
        self.reviews[identity] = (number, body, tuple(comments))
        return self._made(identity)


@dataclass
class MemoryLog:
    """A publication log that remembers, and can lose its last note."""

    notes: dict[str, Posted] = field(default_factory=dict)

    def posted(self, markers: Sequence[str]) -> Mapping[str, Posted]:
        return {marker: self.notes[marker] for marker in markers if marker in self.notes}

    def record_posted(self, publication: Publication, posted: Posted) -> None:
        self.notes[posted.marker] = posted
