"""The words of the sandbox: values only, no I/O. `agents` and `bot` share these and nothing else of this room.

Paths are POSIX and relative to the root of the repository's tree. Times are seconds. Sizes are bytes.
"""

from __future__ import annotations

from sandbox.layout import TREE
from sandbox.types.environments import EnvironmentPlan, ExecResult, Limits, Progress, RootStep
from sandbox.types.runs import Ended, Failure, RunKind, TestId, TestReport, TestResult, TestRun, TestStatus
from sandbox.types.trees import CommitSha, FileChange, Part, Patch, RepoView, Tree
from sandbox.types.verdicts import (
    Evidence,
    Flakiness,
    Foresight,
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    Tampered,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
    verdict_name,
)

__all__ = [
    "TREE",
    "CommitSha",
    "Ended",
    "EnvironmentPlan",
    "Evidence",
    "ExecResult",
    "Failure",
    "FileChange",
    "Flakiness",
    "Foresight",
    "Inconclusive",
    "Limits",
    "NoTests",
    "NotFixed",
    "Part",
    "Patch",
    "Progress",
    "Proof",
    "Red",
    "Regressed",
    "RegressionFree",
    "RepoView",
    "RootStep",
    "RunKind",
    "Tampered",
    "TestId",
    "TestReport",
    "TestResult",
    "TestRun",
    "TestStatus",
    "Tree",
    "Verdict",
    "Verified",
    "WitnessInvalid",
    "WitnessNotRed",
    "verdict_name",
]
