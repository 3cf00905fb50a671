"""What is never written to a repository, whatever the jobs before decided: the last check before GitHub. Pure.

Workflow files run with the repository's secrets; redgreen's own configuration decides what redgreen may do; CODEOWNERS
decides who reviews. A patch that needs one of these is for a person.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath

BRANCH_PREFIX = "redgreen/"
"""Branches of ours; no other is ever created or moved."""

PROTECTED_DIRECTORIES = (".github/workflows/", ".github/actions/", ".circleci/", ".buildkite/", ".git/")
PROTECTED_FILES = frozenset(
    {
        ".github/redgreen.yml",
        ".github/redgreen.yaml",
        ".github/dependabot.yml",
        ".github/dependabot.yaml",
        ".github/codeowners",
        "codeowners",
        "docs/codeowners",
        ".gitmodules",
        ".gitlab-ci.yml",
        ".travis.yml",
        "azure-pipelines.yml",
        "jenkinsfile",
    }
)
MODES = frozenset({"100644", "100755"})
"""Regular files. No symbolic links, no submodules."""


def refusal(branch: str, files: Mapping[str, bytes | None], modes: Mapping[str, str]) -> str:
    """Why this commit is not made; "" when it may be."""
    if not is_own_branch(branch):
        return f"The branch {branch!r} is not one of ours (they begin with {BRANCH_PREFIX})."
    if not files:
        return "There is nothing to commit."
    for path, data in files.items():
        if reason := path_refusal(path):
            return reason
        if data is not None and modes.get(path, "100644") not in MODES:
            return f"{path!r} would not be a regular file."
    return ""


def is_own_branch(branch: str) -> bool:
    name = branch.removeprefix(BRANCH_PREFIX)
    plain = all(ch.isascii() and (ch.isalnum() or ch in "-_./") for ch in name)
    dotted = ".." in name or "//" in name or name.startswith(("/", ".")) or name.endswith((".lock", ".", "/"))
    return branch.startswith(BRANCH_PREFIX) and bool(name) and plain and not dotted


def path_refusal(path: str) -> str:
    """Why nothing is written there; "" when it may be. Names are compared as file systems that fold case do."""
    folded = "".join(ch for ch in unicodedata.normalize("NFC", path).casefold() if unicodedata.category(ch) != "Cf")
    parts = PurePosixPath(folded).parts
    if not path or path.startswith("/") or "\\" in path or "\0" in path or path != str(PurePosixPath(path)):
        return f"{path!r} is not a plain path inside the tree."
    if ".." in parts or any(part.rstrip(" .") == ".git" or part == "git~1" for part in parts):
        return f"{path!r} leaves the tree or enters .git."
    if folded in PROTECTED_FILES or folded.startswith(PROTECTED_DIRECTORIES):
        return f"{path!r} is protected: redgreen never changes CI, its own configuration or who reviews."
    return ""
