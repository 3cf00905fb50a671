"""What humans did with a pull request, on real git histories."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from bot import outcome
from bot.types import OutcomeKind, PullRequest
from sandbox.types import CommitSha


@dataclass
class GitHistory:
    directory: Path

    def run(self, *arguments: str) -> str:
        identity = ["-c", "user.name=a", "-c", "user.email=a@example.org"]
        command = ["git", *identity, *arguments]
        return subprocess.run(command, cwd=self.directory, check=True, capture_output=True, text=True).stdout

    def commit(self, files: dict[str, str]) -> CommitSha:
        for name, text in files.items():
            (self.directory / name).write_text(text)
        self.run("add", "-A")
        self.run("commit", "-q", "--allow-empty", "-m", "c")
        return CommitSha(self.run("rev-parse", "HEAD").strip())

    def merge_base(self, repository: str, one: CommitSha, other: CommitSha) -> CommitSha:
        return CommitSha(self.run("merge-base", one, other).strip())

    def diff(self, repository: str, base: CommitSha, head: CommitSha) -> str:
        return self.run("diff", base, head)


@pytest.fixture
def history(tmp_path: Path) -> GitHistory:
    made = GitHistory(tmp_path)
    made.run("init", "-q", "-b", "main")
    made.commit({"a.py": "one\ntwo\nthree\n", "b.py": "b\n"})
    return made


def pull(base: CommitSha, head: CommitSha) -> PullRequest:
    return PullRequest(
        number=5, title="t", base_sha=base, base_ref="main", head_sha=head, head_ref="redgreen/issue-1",
        head_repository="o/n", is_draft=False, author="redgreen[bot]",
    )  # fmt: skip


def proposed(history: GitHistory) -> tuple[CommitSha, CommitSha]:
    base = CommitSha(history.run("rev-parse", "HEAD").strip())
    history.run("checkout", "-q", "-b", "redgreen/issue-1")
    return base, history.commit({"a.py": "one\nTWO\nthree\n"})


def test_merged_as_proposed(history: GitHistory) -> None:
    base, ours = proposed(history)
    found = outcome.judge("o/n", pull(base, ours), merged=True, proposed=ours, history=history)
    assert (found.kind, found.human_lines, found.pull_number) == (OutcomeKind.MERGED, 0, 5)


def test_closed(history: GitHistory) -> None:
    base, ours = proposed(history)
    edited = history.commit({"a.py": "x\n"})
    found = outcome.judge("o/n", pull(base, edited), merged=False, proposed=ours, history=history)
    assert (found.kind, found.human_lines) == (OutcomeKind.CLOSED, 0)


def test_merged_after_a_person_rewrote_one_line_and_added_another(history: GitHistory) -> None:
    base, ours = proposed(history)
    edited = history.commit({"a.py": "one\nTwo\nthree\nfour\n"})
    found = outcome.judge("o/n", pull(base, edited), merged=True, proposed=ours, history=history)
    assert (found.kind, found.human_lines) == (OutcomeKind.MERGED_EDITED, 3)


def test_bringing_the_base_branch_in_is_no_edit(history: GitHistory) -> None:
    _, ours = proposed(history)
    history.run("checkout", "-q", "main")
    base = history.commit({"b.py": "b\nmuch\nmore\n"})
    history.run("checkout", "-q", "redgreen/issue-1")
    history.run("merge", "-q", "main", "-m", "merge")
    head = CommitSha(history.run("rev-parse", "HEAD").strip())
    found = outcome.judge("o/n", pull(base, head), merged=True, proposed=ours, history=history)
    assert (found.kind, found.human_lines) == (OutcomeKind.MERGED, 0)


def test_an_empty_commit_on_top_is_no_edit(history: GitHistory) -> None:
    base, ours = proposed(history)
    head = history.commit({})
    assert outcome.judge("o/n", pull(base, head), merged=True, proposed=ours, history=history).human_lines == 0


def test_lines_are_counted_as_often_as_they_differ() -> None:
    one = "--- a/x\n+++ b/x\n@@ -1 +1,3 @@\n-a\n+b\n+b\n+c\n"
    two = "--- a/x\n+++ b/x\n@@ -1 +1,2 @@\n-a\n+b\n+c\n"
    assert outcome.human_lines(one, one) == 0
    assert outcome.human_lines(one, two) == 1
    assert outcome.human_lines("", two) == 3


def test_a_diff_that_cannot_be_parsed_is_counted_by_its_raw_lines() -> None:
    broken = "--- a/x\n+++ b/x\n@@ -1 +1 @@\n+b\n+c\n"
    assert outcome.human_lines(broken, broken) == 0
    assert outcome.human_lines(broken, "") > 0
