"""What says whether a candidate is right: red tests of the base, or a witness made from the issue and seen red."""

from __future__ import annotations

from dataclasses import dataclass

from agents.protocols import Environment
from agents.types import Ending, Task
from sandbox.types import TestId, TestReport


@dataclass(frozen=True, kw_only=True)
class Oracle:
    red: tuple[TestId, ...]
    """Must turn green."""
    report: TestReport
    """The base's tests and the witness, on the base's source."""
    note: str
    also_red: tuple[TestId, ...] = ()


@dataclass(frozen=True, kw_only=True)
class NoOracle:
    ending: Ending
    reason: str


def find_oracle(task: Task, environment: Environment, *, timeout: float) -> Oracle | NoOracle:
    report = environment.run_tests(timeout=timeout)
    red = tuple(task.known_red) or tuple(sorted(report.red))
    if not red:
        return NoOracle(ending=Ending.GAVE_UP, reason="nothing red")
    return Oracle(red=red, report=report, note=f"{len(red)} red tests")
