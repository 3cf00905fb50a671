"""RUNNERS: every test runner that redgreen can start and read, by the name that plans use. A new one is one line."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.runners.command_runner import CommandRunner
from sandbox.runners.go_runner import GoRunner
from sandbox.runners.jvm_runner import GRADLE, MAVEN
from sandbox.runners.protocol import Runner
from sandbox.runners.pytest_runner import PytestRunner
from sandbox.runners.unittest_runner import UnittestRunner

RUNNERS: Mapping[str, Runner] = {
    runner.name: runner for runner in (PytestRunner(), UnittestRunner(), GoRunner(), MAVEN, GRADLE, CommandRunner())
}
