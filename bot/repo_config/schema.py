"""What a repository may say: a closed schema, published as JSON Schema. Pure."""

from __future__ import annotations

import fnmatch
import json
import shlex
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, WithJsonSchema

from sandbox.buildpacks import LANGUAGES
from sandbox.runners import RUNNERS, command_runner
from sandbox.types import EnvironmentPlan

PATH = ".github/redgreen.yml"
_TOOLS = ("python", "node", "go", "rust", "java")


def _splittable(command: str) -> str:
    if not _split(command):
        raise ValueError("a command cannot be empty")
    return command


def _split(command: str) -> tuple[str, ...]:
    """Raises ValueError for an unclosed quote."""
    return tuple(shlex.split(command))


def _splittable_or_empty(command: str) -> str:
    return _splittable(command) if command else command


def _known_runner(name: str) -> str:
    if name and name not in RUNNERS:
        raise ValueError(f"there is no runner {name!r}; there are {', '.join(RUNNERS)}")
    return name


def _known_language(name: str) -> str:
    if name and name not in LANGUAGES:
        raise ValueError(f"there is no language {name!r}; there are {', '.join(LANGUAGES)}")
    return name


def _relative(pattern: str) -> str:
    if pattern.startswith("/") or ".." in pattern.split("/"):
        raise ValueError("a path is relative to the repository's root")
    return pattern


Pattern = Annotated[str, StringConstraints(min_length=1, max_length=200), AfterValidator(_relative)]
Command = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_splittable)]
Package = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.+:-]{0,99}$")]
ModelName = Annotated[str, StringConstraints(max_length=100)]
ToolVersion = Annotated[str, StringConstraints(pattern=r"^([0-9]{1,3}(\.[0-9]{1,4}){0,2})?$")]
RunnerName = Annotated[str, AfterValidator(_known_runner), WithJsonSchema({"enum": ["", *RUNNERS], "type": "string"})]
LanguageName = Annotated[
    str, AfterValidator(_known_language), WithJsonSchema({"enum": ["", *LANGUAGES], "type": "string"})
]
EnvName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")]


class _Closed(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class EnvironmentOverride(_Closed):
    """How to build the image the tests run in. What is left out is detected from the repository."""

    image: str = Field(default="", max_length=300, description="Base image, for example python:3.12.")
    python: Annotated[str, StringConstraints(pattern=r"^(3\.[0-9]{1,2}(\.[0-9]{1,2})?)?$")] = Field(
        default="", description="The Python to build and test with, for example 3.9."
    )
    dockerfile: Annotated[str, StringConstraints(max_length=200), AfterValidator(_relative)] = Field(
        default="", description="A Dockerfile of the repository whose steps make the environment."
    )
    devcontainer: bool = Field(
        default=True, description="Whether devcontainer.json says what the tests run in, where there is one."
    )
    node: ToolVersion = Field(default="", description="The Node.js to build and test with, for example 20.")
    go: ToolVersion = Field(default="", description="The Go to build and test with, for example 1.22.")
    rust: ToolVersion = Field(default="", description="The Rust to build and test with, for example 1.75.")
    java: ToolVersion = Field(default="", description="The JDK to build and test with, for example 17.")
    language: LanguageName = Field(
        default="", description="The language that is tested, where the repository holds several."
    )
    runner: RunnerName = Field(default="", description="The test runner.")
    command: Annotated[str, StringConstraints(max_length=1000), AfterValidator(_splittable_or_empty)] = Field(
        default="",
        description="The command that runs the tests, where no runner knows them: only its exit code is seen, which "
        "proves no fix. No shell.",
    )
    apt: tuple[Package, ...] = Field(default=(), strict=False, max_length=100, description="Debian packages.")
    env: dict[EnvName, Annotated[str, StringConstraints(max_length=2000)]] = Field(
        default_factory=dict, max_length=50, description="Environment variables of build and tests. Never a secret."
    )
    install: tuple[Command, ...] | None = Field(
        default=None,
        strict=False,
        max_length=50,
        description="Commands that install the project, in order, instead of the detected ones. No shell.",
    )
    manifests: tuple[Pattern, ...] | None = Field(
        default=None,
        strict=False,
        max_length=100,
        description="The files whose contents decide when the image is built again.",
    )

    def over(self, plan: EnvironmentPlan) -> EnvironmentPlan:
        """The detected plan with what this file says instead."""
        given = sorted(self.model_fields_set)
        return replace(
            plan,
            base=self.image or plan.base,
            toolchains=self._toolchains(plan.toolchains),
            runner=self.runner or (command_runner.NAME if self.command else plan.runner),
            command=_split(self.command) if self.command else plan.command,
            apt=tuple(dict.fromkeys((*plan.apt, *self.apt))),
            env=tuple({**dict(plan.env), **self.env}.items()),
            install=plan.install if self.install is None else tuple(map(_split, self.install)),
            optional_install=plan.optional_install if self.install is None else (),
            manifests=plan.manifests if self.manifests is None else self.manifests,
            evidence=(*plan.evidence, f"{PATH} sets {', '.join(given)}.") if given else plan.evidence,
        )

    def _toolchains(self, detected: tuple[str, ...]) -> tuple[str, ...]:
        """An image of one's own has the versions one wants, unless this file says otherwise."""
        named = ((name, getattr(self, name)) for name in _TOOLS)
        said = tuple(f"{name}@{version}" for name, version in named if version)
        if not said:
            return () if self.image else detected
        names = {toolchain.partition("@")[0] for toolchain in said}
        return (*(toolchain for toolchain in detected if toolchain.partition("@")[0] not in names), *said)


class RepoConfig(_Closed):
    """What a repository may say about redgreen, in `.github/redgreen.yml` on its default branch."""

    label: Annotated[str, StringConstraints(min_length=1, max_length=50)] = Field(
        default="redgreen", description="The issue label that starts a fix."
    )
    model: ModelName = Field(
        default="", description="The lineup's name of the model to use; empty: the operator's choice."
    )
    pull_request: Literal["draft", "ready"] | None = Field(
        default=None, description="How a verified fix is opened; left out: the operator's choice."
    )
    review: bool | Literal["everyone"] | None = Field(
        default=None,
        description="Run and review pull requests: true for authors who may write, everyone, or false; left out: the "
        "operator's choice.",
    )
    self_hosted_only: bool | None = Field(
        default=None,
        description="True: the source is only sent to self-hosted models. Where the operator has set that, nothing "
        "that stands here takes it away.",
    )
    environment: EnvironmentOverride = Field(
        default_factory=EnvironmentOverride, description="How to build and run the tests, where detection is wrong."
    )
    ignore: tuple[Pattern, ...] = Field(
        default=(),
        strict=False,
        max_length=200,
        description="Pull requests that change only these paths are not reviewed.",
    )
    protected: tuple[Pattern, ...] = Field(
        default=(), strict=False, max_length=200, description="Paths that redgreen's patches must not touch."
    )

    def as_json(self) -> str:
        """What was said, to be stored with a job."""
        return self.model_dump_json(exclude_unset=True)

    @classmethod
    def from_json(cls, text: str) -> RepoConfig:
        return cls.model_validate_json(text)

    def forbids(self, path: str) -> bool:
        return _matches(path, (".github/**", *self.protected))

    def ignores_all(self, paths: tuple[str, ...]) -> bool:
        """True when there are paths and each matches `ignore`."""
        return bool(paths) and all(_matches(path, self.ignore) for path in paths)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Shell patterns over the whole path; `*` crosses slashes; a directory's name covers what is below it."""
    return any(
        fnmatch.fnmatchcase(path, pattern) or path.startswith(pattern.removesuffix("**").rstrip("/") + "/")
        for pattern in patterns
    )


def json_schema() -> str:
    """The schema as published in `docs/redgreen.schema.json`."""
    schema = RepoConfig.model_json_schema()
    return (
        json.dumps(
            {
                "$schema": "https://json-schema.org/draft/2020-12/schema",
                "title": PATH,
                **schema,
                "$comment": "generated",
            },
            indent=2,
            sort_keys=True,
        )
        + "\n"
    )
