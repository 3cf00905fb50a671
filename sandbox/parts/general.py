"""Files that belong to no language. Pure."""

from __future__ import annotations

from sandbox.parts.rules import Rules

CI = (
    ".github/*",
    ".circleci/*",
    ".gitlab-ci.yml",
    "azure-pipelines.yml",
    ".travis.yml",
    "appveyor.yml",
    "Jenkinsfile",
)

RULES = Rules(
    config=frozenset({"makefile", "gnumakefile", "justfile", "taskfile.yml", "dockerfile.test", ".devcontainer.json"}),
    config_patterns=(".devcontainer/*",),
    test_directories=frozenset({"tests", "testdata"}),
)
