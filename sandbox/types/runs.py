"""What a test runner said of one run, and how the run itself came out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType

TestId = NewType("TestId", str)
"""A runner's own name for one test: pytest's node id, `module.Class.test` for unittest; for other languages
`<file or package>::<name>`, nested names as the runner joins them."""


class TestStatus(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    """Red outside the test's own body: set-up or tear-down."""
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    """Failed as declared. Counts as a pass, as in SWE-bench."""
    XPASSED = "xpassed"
    """Passed though declared to fail; not strict. Counts as a pass."""

    @property
    def is_green(self) -> bool:
        return self in (TestStatus.PASSED, TestStatus.XFAILED, TestStatus.XPASSED)

    @property
    def is_red(self) -> bool:
        return self in (TestStatus.FAILED, TestStatus.ERROR)


TestStatus.__test__ = False  # type: ignore[attr-defined]  # not a test class, whatever its name says to pytest


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a test is red, as the runner's plugin saw it; all text is the tenant's and bounded."""

    phase: str
    """`collect`, `setup`, `call` or `teardown`."""
    exception: str
    """Qualified type as the language names it: `builtins.AssertionError`, `_pytest.outcomes.Failed`; JavaScript's bare
    constructor name (`TypeError`); Java's full class name; `testing.Failure` or `panic` for Go, `panic` for Rust."""
    message: str
    path: str = ""
    """The file of the innermost frame inside the tree ("" when there is none)."""
    line: int = 0
    raised_in_tree: bool = True
    """False when the exception left no frame in the tree at all."""


@dataclass(frozen=True, kw_only=True)
class TestResult:
    __test__ = False

    id: TestId
    status: TestStatus
    seconds: float = 0.0
    failure: Failure | None = None
    called_xfail: bool = False
    """SKIPPED here, XFAIL in pytest's own words: ended by a call of `pytest.xfail`, or declared failing and not run."""
    title: str = ""
    """What unittest's verbose output calls it instead of its name: the first line of its docstring."""


@dataclass(frozen=True, kw_only=True)
class TestReport:
    """What a runner's machine-readable report says of one run, parsed; pure data of an untrusted origin."""

    __test__ = False

    results: Mapping[TestId, TestResult]
    collection_errors: tuple[Failure, ...] = ()
    exit_code: int | None = None
    """The exit code that the runner itself announced in the report; None when the report has no end record."""
    complete: bool = False
    """The report has its end record."""
    must_fail: TestStatus | None = None
    """What became of the canary that must fail; None when it did not run."""
    must_pass: TestStatus | None = None
    tamper_signs: tuple[str, ...] = ()
    """What the report itself shows: lines that do not fit their seals, contradictions, records after the end."""
    replaced: tuple[str, ...] = ()
    """Parts of the runner that were replaced while it ran; base's own suite may do so, a patch may not."""
    hooks: tuple[str, ...] = ()
    """Hooks that decide outcomes and who registered them (pytest)."""
    unfinished: Mapping[TestId, float] = field(default_factory=dict)
    """Tests that began and of which no end was reported, and when that was, in seconds after the reporter began
    (pytest, unittest, Django). A report that has its end has none."""

    def ids(self, *statuses: TestStatus) -> frozenset[TestId]:
        return frozenset(r.id for r in self.results.values() if not statuses or r.status in statuses)

    @property
    def green(self) -> frozenset[TestId]:
        return frozenset(r.id for r in self.results.values() if r.status.is_green)

    @property
    def red(self) -> frozenset[TestId]:
        return frozenset(r.id for r in self.results.values() if r.status.is_red)


class RunKind(StrEnum):
    BASE = "base"
    """All tests of the base tree, on the base tree."""
    WITNESS = "witness"
    """The witness tests on the base's source."""
    REGRESSION = "regression"
    """The base's tests on the candidate's source."""
    CANDIDATE = "candidate"
    """The witness tests on the candidate's source."""
    CONFIRMATION = "confirmation"
    """What turned red or green, once more, with or without the patch."""
    TWIN = "twin"
    """What the patch fixes, with expectations that nothing can meet (`sandbox.twins`), on the candidate's source."""


class Ended(StrEnum):
    """How a run's container ended; all but EXITED are infrastructure or limits."""

    EXITED = "exited"
    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    KILLED = "killed"
    LOST = "lost"
    """The engine or the container went away."""


@dataclass(frozen=True, kw_only=True)
class TestRun:
    """One run in one fresh container."""

    __test__ = False

    kind: RunKind
    tree: str
    """Digest of the tree that ran."""
    command: tuple[str, ...]
    ended: Ended
    exit_code: int | None
    report: TestReport | None
    """None when no readable report was written."""
    seconds: float
    output_tail: str = ""
    selection: tuple[TestId, ...] = ()
    """What was asked to run; empty: everything."""
    cached: bool = False
    tamper_signs: tuple[str, ...] = ()
    """What the run itself showed (a report forged or rewritten, a process left behind, the tree changed ...)."""
    left_processes: int = 0
    """How many processes outlived it; they were killed."""
    shards: tuple[tuple[str, ...], ...] = ()
    """The files of each part where it ran in several containers at once; empty: in one."""
    test_seconds: float = 0.0
    """What one test might take in it, where the runner has a clock for that; 0: as much as the run."""
    without: tuple[TestId, ...] = ()
    """Tests that were left out: they hang on base."""
    changed: tuple[str, ...] = ()
    """What of its environment was not as in the other runs, one phrase each (another order, another time zone ...)."""
