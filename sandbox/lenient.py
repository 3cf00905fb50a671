"""A diff as the SWE-bench harness applies one, with fuzz if it must be. Done in a container, read back as a tree."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from sandbox import git_scripts
from sandbox.container import Container
from sandbox.environment import AttemptEnvironment
from sandbox.errors import PatchDoesNotApply
from sandbox.layout import TMP, WORK
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan

_SECONDS = 300.0


@dataclass(frozen=True, kw_only=True)
class Applied:
    tree: GitTree
    by: str
    """The command that did it."""


def apply_leniently(container: Container, plan: EnvironmentPlan, base: GitTree, diff: str) -> Applied:
    """The tree after the diff. Raises `PatchDoesNotApply`, `SetupError`, `ContainerLost`.

    What `git diff` does not tell of the result (contents of binary files, ignored files) is not in the tree.
    """
    environment = AttemptEnvironment(container, plan, base)
    path = f"{TMP}/model-{secrets.token_hex(8)}.patch"
    container.put_files({path: diff.encode("utf-8", "surrogateescape")})
    result = container.run(
        ["/bin/sh", "-c", git_scripts.APPLY_LENIENTLY, "sh", path], timeout=_SECONDS, cwd=WORK, env=git_scripts.ENV
    )
    lines = result.output.strip().split("\n")
    if result.exit_code != 0:
        raise PatchDoesNotApply(f"the patch does not apply in any of the harness's ways: {lines[-1][:300]}")
    return Applied(tree=base.apply(_without_leftovers(environment.diff())), by=lines[-1].removeprefix("applied by: "))


def _without_leftovers(diff: str) -> str:
    """Without the copies that `patch` makes of what it changes, and the files of which git tells no contents."""
    parts = diff.split("\ndiff --git ")
    whole = [part if index == 0 else f"diff --git {part}" for index, part in enumerate(parts)]
    kept = [
        part.rstrip("\n") + "\n"
        for part in whole
        if "\nBinary files " not in part and not part.split("\n", 1)[0].endswith((".orig", ".rej"))
    ]
    return "".join(kept)
