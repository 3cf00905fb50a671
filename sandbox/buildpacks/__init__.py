"""BUILDPACKS: how the environment of a repository is found, the most specific first. A new one is a file and a line.

A buildpack is a function from a tree to a plan, or None where it knows nothing of the repository.
"""

from __future__ import annotations

from collections.abc import Callable

from sandbox.buildpacks import python
from sandbox.types import EnvironmentPlan, RepoView

Buildpack = Callable[[RepoView], EnvironmentPlan | None]

BUILDPACKS: tuple[Buildpack, ...] = (python.detect,)


def detect(view: RepoView) -> EnvironmentPlan | None:
    """The first buildpack's plan; None where the repository is of no kind that redgreen knows."""
    for buildpack in BUILDPACKS:
        plan = buildpack(view)
        if plan is not None:
            return plan
    return None
