"""What `bot.evaluation` grades with: repositories on disk, patched trees, images, the files whose tests are run."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Protocol

from sandbox.errors import ImageBuildFailed, PatchDoesNotApply, SetupError
from sandbox.images import Image
from sandbox.lenient import apply_leniently
from sandbox.runners import RUNNERS
from sandbox.supply import Supply
from sandbox.swebench.commands import TestCommand, directives, expected_files
from sandbox.swebench.records import Instance
from sandbox.tree import GitTree
from sandbox.types import EnvironmentPlan, Progress, Tree


class Builder(Protocol):
    """`sandbox.engine.Engine`, as far as images are concerned."""

    def ensure_image(self, plan: EnvironmentPlan, tree: Tree, progress: Progress, *, scope: str = "") -> Image: ...


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an image is built, and of what."""

    engine: Builder
    base: GitTree
    scope: str
    """Images are shared within it."""


def built(
    place: Place, plan: EnvironmentPlan, progress: Progress, *, day_is_guessed: bool
) -> tuple[EnvironmentPlan, Image]:
    """The plan's image. Where the plan's day was guessed, and of what there was then nothing can be built, the package
    index of today decides. Raises `SandboxError`."""
    if plan.as_of > date.today().isoformat():
        plan = replace(plan, as_of="")
    try:
        return plan, place.engine.ensure_image(plan, place.base, progress, scope=place.scope)
    except ImageBuildFailed:
        if not (day_is_guessed and plan.as_of):
            raise
        plan = replace(plan, as_of="")
        return plan, place.engine.ensure_image(plan, place.base, progress, scope=place.scope)


def repository(directory: Path, name: str) -> Path:
    """Where `directory` keeps the repository `owner/name`, bare or not. Raises `SetupError`."""
    plain = name.replace("/", "__")
    tried = [directory / plain, directory / f"{plain}.git", directory / name, directory / f"{name}.git"]
    found = next((path for path in tried if path.is_dir()), None)
    if found is None:
        raise SetupError(f"{directory} has no repository {plain}.")
    return found


def applied(base: GitTree, plan: EnvironmentPlan, diff: str, supply: Supply) -> tuple[GitTree, str]:
    """(base with the patch, by which command). Raises `PatchDoesNotApply`, `SandboxError`."""
    try:
        return base.apply(diff), "git apply"
    except PatchDoesNotApply:
        with supply.container() as container:
            done = apply_leniently(container, plan, base, diff)
        return done.tree, done.by


def selected(instance: Instance, plan: EnvironmentPlan, command: TestCommand, tree: GitTree) -> tuple[str, ...]:
    """What the test command is given: the test patch's files; where those hold no tests, the expected tests' own."""
    runner = RUNNERS[command.runner]
    python = plan.language == "python"
    named = directives(instance.test_patch, tree)
    files = tuple(path for path in named if (path.endswith(".py") if python else runner.is_test_file(tree, path)))
    return files or expected_files(instance, tree)
