"""Files that belong to no language. Pure."""

from __future__ import annotations

from sandbox.parts.rules import Rules
from sandbox.types import RepoView

CI = (
    ".github/*",
    ".circleci/*",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    ".travis.yml",
    "appveyor.yml",
    "Jenkinsfile",
)

_CONFIG = frozenset({"makefile", "gnumakefile", "justfile", "taskfile.yml", "dockerfile.test", ".devcontainer.json"})


def _gathers(base: RepoView, _patched: RepoView, _path: str) -> bool:
    """A rule of base's may go into any directory that has such a file: `for one in */; do make -C $one test`."""
    return any(path.rpartition("/")[2].lower() in _CONFIG for path in base.paths())


RULES = Rules(
    config=_CONFIG,
    gathers=_gathers,
    config_patterns=(".devcontainer/*",),
    test_directories=frozenset({"tests", "testdata"}),
)
