"""What the humans did with a pull request of ours: merged as it was, after edits, or closed. Pure but for the diffs.

Edits are counted between two patches, not between two trees: the one that was proposed and the one that stood on the
branch at the end, each against its own merge base. So merging the base branch into it is no edit, and a rewritten line
counts as one removed and one added.
"""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from unidiff.errors import UnidiffParseError
from unidiff.patch import PatchSet

from bot.types import Outcome, OutcomeKind, PullRequest
from sandbox.types import CommitSha


class History(Protocol):
    """The part of `bot.workshop.Workshop` that reads the mirror."""

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha: ...

    def diff(self, repository: str, base: CommitSha, head: CommitSha) -> str: ...


def judge(repository: str, pull: PullRequest, *, merged: bool, proposed: CommitSha, history: History) -> Outcome:
    """`pull` as it was closed, `proposed` the last commit of ours on its branch; both are in the mirror.

    Raises what `history` raises: `bot.errors.ForgeError`.
    """
    if not merged:
        return Outcome(repository=repository, pull_number=pull.number, kind=OutcomeKind.CLOSED, human_lines=0)
    lines = 0
    if pull.head_sha != proposed:
        ours = _patch(repository, pull, proposed, history)
        final = _patch(repository, pull, pull.head_sha, history)
        lines = human_lines(ours, final)
    kind = OutcomeKind.MERGED_EDITED if lines else OutcomeKind.MERGED
    return Outcome(repository=repository, pull_number=pull.number, kind=kind, human_lines=lines)


def human_lines(proposed: str, final: str) -> int:
    """Changed lines (file, sign, text) that only one of two unified diffs has, each as often as it differs."""
    ours, theirs = _changed_lines(proposed), _changed_lines(final)
    return (ours - theirs).total() + (theirs - ours).total()


def _patch(repository: str, pull: PullRequest, head: CommitSha, history: History) -> str:
    return history.diff(repository, history.merge_base(repository, pull.base_sha, head), head)


def _changed_lines(diff: str) -> Counter[tuple[str, str, str]]:
    try:
        patch = PatchSet.from_string(diff)
    except UnidiffParseError:  # git made it: only a file name that imitates a header gets here; count the raw lines
        return Counter(("", line[:1], line[1:]) for line in diff.splitlines() if line[:1] in ("+", "-"))
    return Counter(
        (file.path, line.line_type, line.value.rstrip("\r\n"))
        for file in patch
        for hunk in file
        for line in hunk
        if line.is_added or line.is_removed
    )
