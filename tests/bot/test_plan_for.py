"""Where what a repository says of its environment meets what is detected."""

from __future__ import annotations

from bot.repo_config import RepoConfig, parse
from bot.workshop_docker import plan_for
from sandbox.types import EnvironmentPlan
from tests.support.cases import FilesView


def plan_of(files: dict[str, str], said: str = "") -> EnvironmentPlan | None:
    config = parse(said.encode())
    assert isinstance(config, RepoConfig), config
    return plan_for(FilesView(files), config)


def test_nothing_known_and_nothing_said_is_no_plan() -> None:
    assert plan_of({"README": ""}) is None
    assert plan_of({"README": ""}, "environment: {apt: [git]}") is None


def test_a_command_is_enough() -> None:
    plan = plan_of({"README": ""}, "environment: {command: ./check}")
    assert plan is not None
    assert (plan.language, plan.runner, plan.command) == ("unknown", "command", ("./check",))


def test_a_runner_says_its_language() -> None:
    plan = plan_of({"README": ""}, "environment: {runner: pytest}")
    assert plan is not None
    assert (plan.language, plan.runner) == ("python", "pytest")


def test_a_language_that_is_named_is_not_weighed() -> None:
    files = {"Makefile": "test:\n", "tool.py": ""}
    detected, said = plan_of(files), plan_of(files, "environment: {language: python}")
    assert detected is not None
    assert said is not None
    assert (detected.runner, said.runner) == ("command", "pytest")
