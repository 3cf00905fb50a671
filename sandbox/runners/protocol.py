"""What a test runner is to the sandbox: how to start it so that it reports, and how to read the report. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from sandbox.types import EnvironmentPlan, RepoView, TestId, TestReport


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """What to run. Both selections empty: the whole suite."""

    nonce: str
    """Random for each run: names the directory `WORK/run-<nonce>` and the canaries."""
    tests: tuple[TestId, ...] = ()
    files: tuple[str, ...] = ()
    canaries: bool = True
    key: str = ""
    """Random for each run: seals the report's lines; never in a command line or in the environment."""
    plan: EnvironmentPlan = field(default_factory=lambda: EnvironmentPlan(language="", runner="", base=""))
    """The environment it runs in."""
    order_seed: int = 0
    """0: the runner's own order; else the tests run in another one, where the runner can, which the seed decides."""
    hidden: tuple[str, ...] = ()
    """Environment variables that the runner itself sets and that the tests are not to see, where the launcher can."""
    without: tuple[TestId, ...] = ()
    """Tests that are not run, where the launcher can leave them out (`sandbox.hanging.LEAVES_OUT`)."""
    test_seconds: float = 0.0
    """How long one test may take before it is ended and red, where the launcher can; 0: as long as the run."""


@dataclass(frozen=True, kw_only=True)
class PreparedRun:
    """How to start it: the working directory is the tree's root."""

    argv: tuple[str, ...]
    report_path: str
    """Absolute, outside the tree, under `WORK/run-<nonce>`."""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """To be written before the start: absolute paths under `WORK/run-<nonce>` (plugin, canaries), or in the tree where
    a language finds its tests nowhere else. What must be added to files of the tree, the launcher adds in its run."""
    env: Mapping[str, str] = field(default_factory=dict)
    shown: tuple[str, ...] = ()
    """The command by which a person gets the same tests to run."""


class Runner(Protocol):
    @property
    def name(self) -> str: ...

    def prepare(self, view: RepoView, request: RunRequest) -> PreparedRun: ...

    def file_of(self, view: RepoView, test: TestId) -> str | None:
        """The tree's file that a test is written in; None when it cannot be told."""
        ...

    def is_test_file(self, view: RepoView, path: str) -> bool:
        """True for a file that this runner would collect tests from."""
        ...

    def parse(self, report: bytes, request: RunRequest) -> TestReport:
        """Never raises: a report that cannot be read is an incomplete one."""
        ...
