"""What a repository says of its container, over what is detected of its languages. Pure.

A `Dockerfile` at the root is a product's more often than its tests', so it counts only where the repository's
configuration or a devcontainer names it; `.github/redgreen.Dockerfile` and `Dockerfile.test` say by their names what
they are for.
"""

from __future__ import annotations

from dataclasses import replace

from sandbox.buildpacks import containerfile, devcontainer
from sandbox.buildpacks.containerfile import Unsupported
from sandbox.buildpacks.devcontainer import DevContainer
from sandbox.errors import ImageBuildFailed
from sandbox.types import EnvironmentPlan, RepoView

BY_NAME = (".github/redgreen.Dockerfile", "Dockerfile.test")


def over(view: RepoView, plan: EnvironmentPlan, *, dockerfile: str = "", dev: bool = True) -> EnvironmentPlan:
    """The plan in the container that the repository describes. `dockerfile` names one; `dev`: a devcontainer counts.

    Raises `ImageBuildFailed` for a Dockerfile with a step that cannot be carried out here.
    """
    named = dockerfile or next((path for path in BY_NAME if view.read(path) is not None), "")
    if named:
        return _built(view, plan, DevContainer(path=named, dockerfile=named))
    found = devcontainer.find(view) if dev else None
    if found is None:
        return plan
    if found.missing:
        return replace(plan, evidence=(*plan.evidence, f"{found.missing} Detection is used."))
    plan = _built(view, plan, found) if found.dockerfile else _in_image(plan, found.image, f"{found.path}: its image.")
    return replace(
        plan,
        env=tuple({**dict(plan.env), **dict(found.env)}.items()),
        # A developer's conveniences are among them: what fails is passed over and told.
        optional_install=(*plan.optional_install, *found.commands),
        manifests=tuple(sorted({*plan.manifests, found.path})),
        evidence=(*plan.evidence, *found.notes),
    )


def _built(view: RepoView, plan: EnvironmentPlan, found: DevContainer) -> EnvironmentPlan:
    try:
        recipe = containerfile.read(
            view, found.dockerfile, context=found.context, args=dict(found.args), target=found.target
        )
    except Unsupported as error:
        raise ImageBuildFailed(f"The environment cannot be built as its Dockerfile says: {error}") from None
    plan = _in_image(plan, recipe.base, f"{found.dockerfile}: the container that the tests run in.")
    return replace(
        plan,
        setup=recipe.steps,
        env=tuple({**dict(plan.env), **dict(recipe.env)}.items()),
        manifests=tuple(sorted({*plan.manifests, found.dockerfile, *recipe.copied})),
    )


def _in_image(plan: EnvironmentPlan, image: str, why: str) -> EnvironmentPlan:
    """An image of one's own has the packages and versions one wants."""
    return replace(plan, base=image, apt=(), toolchains=(), evidence=(*plan.evidence, why))
