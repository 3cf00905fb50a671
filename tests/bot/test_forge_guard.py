"""What is never written, whatever came before."""

from __future__ import annotations

import pytest

from bot.forge.guard import is_own_branch, path_refusal, refusal

OURS = "redgreen/issue-12"


@pytest.mark.parametrize("branch", [OURS, "redgreen/issue-1.2", "redgreen/a/b_c"])
def test_our_branches(branch: str) -> None:
    assert is_own_branch(branch)


@pytest.mark.parametrize(
    "branch",
    [
        "main", "redgreen", "redgreen/", "Redgreen/x", "redgreen/../main", "redgreen//x", "redgreen/.x", "redgreen//",
        "redgreen/x.lock", "redgreen/x.", "redgreen/x/", "redgreen/é", "redgreen/a b", "redgreen/a:b",
        "refs/heads/main",
    ],
)  # fmt: skip
def test_branches_that_are_not_ours(branch: str) -> None:
    assert not is_own_branch(branch)
    assert "not one of ours" in refusal(branch, {"a.py": b""}, {})


@pytest.mark.parametrize("path", ["a.py", "src/a b.py", "docs/é.md", ".github/ISSUE_TEMPLATE.md", "x.git/y", "a..b"])
def test_ordinary_paths_are_written(path: str) -> None:
    assert path_refusal(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "", "/etc/passwd", "../x", "a/../b", "a/./b", "a//b", "a\\b", "a\0b", ".git/config", "a/.git/hooks/x", ".GIT/x",
        ".git /x", "git~1/x", ".g\u200cit/config", ".github/workflows/ci.yml", ".GitHub/Workflows/ci.yml", "./x",
        ".github/actions/x/action.yml", ".github/redgreen.yml", ".github/Redgreen.YAML", "CODEOWNERS",
        "docs/CODEOWNERS", ".github/CODEOWNERS", ".gitmodules", ".gitlab-ci.yml", ".circleci/config.yml", "Jenkinsfile",
        "a/",
    ],
)  # fmt: skip
def test_protected_paths_and_paths_outside_are_refused(path: str) -> None:
    assert path_refusal(path)
    assert refusal(OURS, {"fine.py": b"", path: None}, {})


def test_only_regular_files() -> None:
    assert refusal(OURS, {"a": b"x", "b": b"y", "gone": None}, {"a": "100755", "gone": "120000"}) == ""
    for mode in ("120000", "160000", "040000", "100664"):
        assert "regular file" in refusal(OURS, {"a": b"x"}, {"a": mode})


def test_an_empty_commit_is_refused() -> None:
    assert "nothing to commit" in refusal(OURS, {}, {})
