"""What is asked of a repository's commits: which one a name means, when it was made, what it has in common."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from pathlib import Path

from sandbox.errors import SetupError
from sandbox.plumbing import ask, run_git
from sandbox.types import CommitSha


def resolve(directory: Path, revision: str) -> CommitSha:
    """The full id of the commit that `revision` names in the repository at `directory`. Raises `SetupError`."""
    return CommitSha(ask(directory, "rev-parse", "--verify", "--end-of-options", f"{revision}^{{commit}}"))


def committed(git_dir: Path, commit: str) -> str:
    """The day on which a commit was made, as its committer's clock had it: `YYYY-MM-DD`."""
    text = run_git(git_dir, "cat-file", "commit", commit)
    match = re.search(rb"^committer .*> (\d+) ([+-]\d{4})$", text.split(b"\n\n", 1)[0], re.MULTILINE)
    if match is None:
        raise SetupError(f"the commit {commit} has no date")
    zone = timezone(timedelta(minutes=int(match[2][:3]) * 60 + int(match[2][:1] + match[2][3:])))
    return datetime.fromtimestamp(int(match[1]), zone).date().isoformat()


def last_tag(directory: Path, commit: str) -> str:
    """The nearest tag at or before a commit of the repository at `directory`; "" where there is none."""
    try:
        return ask(directory, "describe", "--tags", "--abbrev=0", "--end-of-options", commit)
    except SetupError:
        return ""


def merge_base(git_dir: Path, one: str, other: str) -> CommitSha:
    """The best common ancestor. Raises `SetupError` when there is none."""
    return CommitSha(run_git(git_dir, "merge-base", one, other).decode("ascii").strip())
