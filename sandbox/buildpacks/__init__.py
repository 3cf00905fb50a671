"""BUILDPACKS: how the environment of a repository is found. A new one is a file and a line.

A buildpack is a function from a tree to a plan, or None where it knows nothing of the repository. Of several that know
something, `sandbox.buildpacks.choice` weighs which language the repository is tested in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from sandbox.buildpacks import choice, command, go, java, node, python, rust
from sandbox.types import EnvironmentPlan, RepoView

Buildpack = Callable[[RepoView], EnvironmentPlan | None]

LANGUAGES: Mapping[str, Buildpack] = {
    "python": python.detect,
    "go": go.detect,
    "rust": rust.detect,
    "java": java.detect,
    "node": node.detect,
}
"""By the language that their plans name."""
FALLBACK: Buildpack = command.detect
"""Asked only where no language is known: exit-code evidence."""

BUILDPACKS: tuple[Buildpack, ...] = (*LANGUAGES.values(), FALLBACK)


def detect(view: RepoView, language: str = "") -> EnvironmentPlan | None:
    """The plan of the language that the repository is tested in, with the evidence for it and what else was seen.

    `language` (a key of `LANGUAGES`) decides it, where the repository's owner said so. None where the repository is of
    no kind that redgreen knows.
    """
    if language:
        return LANGUAGES[language](view)
    found = candidates(view)
    if not found:
        return FALLBACK(view)
    first = found[0]
    if not first.manifest and not first.tests and (fallback := FALLBACK(view)) is not None:
        # A few scripts beside something else's build.
        return replace(fallback, evidence=(*fallback.evidence, f"Also seen: {first.told}."))
    return choice.choose(found)


def candidates(view: RepoView) -> tuple[choice.Candidate, ...]:
    """Every language that is known in the repository and what speaks for it, the weightiest first."""
    plans = [plan for buildpack in LANGUAGES.values() if (plan := buildpack(view)) is not None]
    return choice.weighed(view, plans)
