"""Which of several languages a repository is tested in. Pure, and it says why.

A language counts by its manifest at the root, by its share of the source files, and by its share of the test files:
a Node project with a few Python scripts is Node, a Python project with a `package.json` for its documentation is
Python.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox.parts import classify
from sandbox.types import EnvironmentPlan, Part, RepoView

_SUFFIXES: Mapping[str, tuple[str, ...]] = {
    "python": (".py",),
    "node": (".js", ".jsx", ".ts", ".tsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte"),
    "go": (".go",),
    "rust": (".rs",),
    "java": (".java", ".kt", ".groovy"),
}
_BESIDE = frozenset(
    {"doc", "docs", "website", "site", "example", "examples", "script", "scripts", "tools", "ci", "benchmarks", "bench"}
    | {"vendor", "third_party", "node_modules", "dist", "static", "assets", "public", "fixtures", "testdata"}
)
"""Directories whose files say nothing about what a repository is tested in."""
_OF_MANIFEST, _OF_SOURCE, _OF_TESTS = 3.0, 4.0, 4.0
_WEAK = 0.25
"""Of a manifest's weight: one that neither makes a package nor runs tests (a linter's, a documentation's)."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One language of a repository and what speaks for it."""

    plan: EnvironmentPlan
    manifest: str
    """Its manifest at the root; "" for none."""
    weight: float
    sources: int
    tests: int

    @property
    def told(self) -> str:
        at_root = f"{self.manifest}, " if self.manifest else ""
        return f"{self.plan.language} ({at_root}{self.sources} source and {self.tests} test files)"


def choose(ranked: Sequence[Candidate]) -> EnvironmentPlan:
    """The plan of the first of them; where there was a choice, its evidence ends with it. `ranked` is not empty."""
    first, *others = ranked
    if not others:
        return first.plan
    seen = "; ".join(other.told for other in others)
    return replace(first.plan, evidence=(*first.plan.evidence, f"Chosen: {first.told}. Also seen: {seen}."))


def weighed(view: RepoView, plans: Sequence[EnvironmentPlan]) -> tuple[Candidate, ...]:
    """The weightiest first; of two equals the earlier."""
    suffixes = {plan.language: _SUFFIXES.get(plan.language, ()) for plan in plans}
    sources = dict.fromkeys(suffixes, 0)
    tests = dict.fromkeys(suffixes, 0)
    for path in view.paths():
        if not _BESIDE.isdisjoint(path.lower().split("/")[:-1]):
            continue
        for language, endings in suffixes.items():
            if endings and path.lower().endswith(endings):
                (tests if classify(path) is Part.TEST else sources)[language] += 1
    candidates = [
        _candidate(view, plan, (sources[plan.language], tests[plan.language]), (_total(sources), _total(tests)))
        for plan in plans
    ]
    return tuple(sorted(candidates, key=lambda candidate: -candidate.weight))


def _candidate(view: RepoView, plan: EnvironmentPlan, own: tuple[int, int], all_: tuple[int, int]) -> Candidate:
    manifest, strength = _manifest(view, plan.language)
    shares = _OF_SOURCE * own[0] / all_[0] + _OF_TESTS * own[1] / all_[1]
    return Candidate(
        plan=plan, manifest=manifest, weight=_OF_MANIFEST * strength + shares, sources=own[0], tests=own[1]
    )


def _total(counts: Mapping[str, int]) -> int:
    return sum(counts.values()) or 1


def _manifest(view: RepoView, language: str) -> tuple[str, float]:
    """(the language's manifest at the root, how much it says that the repository is a package of that language)."""
    found: Iterable[tuple[str, float]] = (
        (path, 1.0 if makes_package(data) else _WEAK)
        for path, makes_package in _MANIFESTS.get(language, {}).items()
        if (data := view.read(path)) is not None
    )
    return max(found, key=lambda pair: pair[1], default=("", 0.0))


def _always(_data: bytes) -> bool:
    return True


def _is_python_package(data: bytes) -> bool:
    try:
        document = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    tool = document.get("tool")
    return "project" in document or "build-system" in document or (isinstance(tool, dict) and "poetry" in tool)


def _is_node_package(data: bytes) -> bool:
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):
        return False
    if not isinstance(document, dict):
        return False
    scripts = document.get("scripts")
    test = str(scripts.get("test") or "") if isinstance(scripts, dict) else ""
    return bool(test and "no test specified" not in test) or any(key in document for key in ("main", "exports", "bin"))


_MANIFESTS: Mapping[str, Mapping[str, Callable[[bytes], bool]]] = {
    "python": {"pyproject.toml": _is_python_package, "setup.py": _always, "setup.cfg": _always},
    "node": {"package.json": _is_node_package},
    "go": {"go.mod": _always},
    "rust": {"Cargo.toml": _always},
    "java": dict.fromkeys(("pom.xml", "build.gradle", "build.gradle.kts"), _always),
}
