"""RUNNERS: every test runner that redgreen can start and read, by the name that plans use. A new one is one line."""

from __future__ import annotations

from collections.abc import Mapping

from sandbox.runners.cargo_runner import CargoRunner
from sandbox.runners.command_runner import CommandRunner
from sandbox.runners.django_runner import DjangoRunner
from sandbox.runners.go_runner import GoRunner
from sandbox.runners.jest_runner import JestRunner
from sandbox.runners.jvm_runner import GRADLE, MAVEN
from sandbox.runners.mocha_runner import MochaRunner
from sandbox.runners.node_test_runner import NodeTestRunner
from sandbox.runners.protocol import Runner
from sandbox.runners.pytest_runner import PytestRunner
from sandbox.runners.tap_runner import TapRunner
from sandbox.runners.unittest_runner import UnittestRunner
from sandbox.runners.vitest_runner import VitestRunner

RUNNERS: Mapping[str, Runner] = {
    runner.name: runner
    for runner in (
        PytestRunner(),
        UnittestRunner(),
        DjangoRunner(),
        GoRunner(),
        CargoRunner(),
        JestRunner(),
        VitestRunner(),
        MochaRunner(),
        NodeTestRunner(),
        TapRunner(),
        MAVEN,
        GRADLE,
        CommandRunner(),
    )
}
