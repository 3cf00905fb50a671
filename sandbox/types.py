"""The words of the sandbox: values only, no I/O. `agents` and `bot` share these and nothing else of this room.

Paths are POSIX and relative to the root of the repository's tree. Times are seconds. Sizes are bytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NewType, Protocol

CommitSha = NewType("CommitSha", str)
TestId = NewType("TestId", str)
"""A runner's own name for one test: pytest's node id, `module.Class.test` for unittest; for other languages
`<file or package>::<name>`, nested names as the runner joins them."""


# --- trees and patches -------------------------------------------------------------------------------------------


class RepoView(Protocol):
    """Read-only sight of one tree: what buildpacks and the patch policy decide from."""

    def paths(self) -> Iterable[str]:
        """All regular files and symbolic links, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no regular file of that name."""
        ...


class Tree(RepoView, Protocol):
    """One immutable tree: reading it, and making another from it. Nothing of it is ever checked out on the host."""

    @property
    def digest(self) -> str:
        """The git tree id (hexadecimal)."""
        ...

    def tar(self) -> Iterable[bytes]:
        """A tar stream of the whole tree; deterministic for a digest."""
        ...

    def apply(self, diff: str) -> Tree:
        """The tree after a unified diff. Raises `PatchDoesNotApply`."""
        ...

    def with_files(self, files: Mapping[str, bytes | None]) -> Tree:
        """The tree with these files written (bytes) or removed (None)."""
        ...


class Part(StrEnum):
    """What a changed file is, for the verdict (`sandbox.patch.classify`)."""

    SOURCE = "source"
    TEST = "test"
    TEST_CONFIG = "test_config"
    """conftest.py, pytest.ini, the test sections' files ...: always base's version."""
    CI = "ci"


@dataclass(frozen=True, kw_only=True)
class FileChange:
    path: str
    part: Part
    is_new: bool = False
    is_deleted: bool = False
    renamed_from: str | None = None
    added_lines: int = 0
    removed_lines: int = 0


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A policed unified diff: parsed, within limits, no symlink, no path outside the tree (`sandbox.patch.parse`)."""

    diff: str
    changes: tuple[FileChange, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def paths(self, *parts: Part) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes if not parts or change.part in parts)


# --- environments ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class RootStep:
    """A step of a repository's own Dockerfile: carried out as root, in a limited container, with the tree at hand."""

    argv: tuple[str, ...]
    cwd: str = "/"
    env: tuple[tuple[str, str], ...] = ()
    origin: str = ""
    """`Dockerfile:3`."""


@dataclass(frozen=True, kw_only=True)
class EnvironmentPlan:
    """How to build the image a repository's tests run in, and how to run them. A value: rendering it is pure."""

    language: str
    runner: str
    """Key of `sandbox.runners.RUNNERS`."""
    base: str
    """The base image's reference; `redgreen-base` is the one built offline."""
    toolchains: tuple[str, ...] = ()
    """Versions that the base's packages may not have, as `name@version`, e.g. `python@3.9`."""
    apt: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    setup: tuple[RootStep, ...] = ()
    """What the repository's own Dockerfile does to the base, before `install`."""
    install: tuple[tuple[str, ...], ...] = ()
    """Commands, each an argument list, run in the tree while building, in order; they have the registries' network."""
    optional_install: tuple[tuple[str, ...], ...] = ()
    """As `install`, but a failure is noted and passed over."""
    command: tuple[str, ...] = ()
    """What the runner needs to know besides its own conventions: the test command of a runner that only sees its exit
    code, the path of a project's own test script. Empty for most."""
    linked: tuple[str, ...] = ()
    """Directories of the tree that the install steps fill (`node_modules`): kept in the image and linked into every
    tree, read-only, instead of copied."""
    as_of: str = ""
    """An ISO date: package indexes are seen as they were at its end (evaluation of old commits); "" for now."""
    manifests: tuple[str, ...] = ()
    """The files whose contents decide the image: manifests and lock files."""
    evidence: tuple[str, ...] = ()
    """One sentence for each thing detected, naming the file it was read from."""


# --- executing ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class ExecResult:
    """A command that ran. A sandbox that could not run it raises `SandboxError` instead."""

    exit_code: int
    """The process's exit status; 128 + signal when it was killed; 124 when the time limit ended it."""
    output: str
    """Standard output and error, interleaved, cut in the middle at the output limit (see `truncated`)."""
    seconds: float
    timed_out: bool = False
    truncated: bool = False
    left_processes: int = 0
    """How many processes the command left running, wherever they had fled to; they were killed."""
    out_of_memory: bool = False
    """While it ran, the kernel killed a process of the container for want of memory."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one container may use."""

    memory_bytes: int = 4 << 30
    cpus: float = 2.0
    pids: int = 512
    disk_bytes: int = 2 << 30
    """Size of the writable work area (a tmpfs: it counts towards memory)."""
    file_bytes: int = 512 << 20
    output_bytes: int = 1 << 20
    """Of one command's output; what is over it is cut from the middle."""
    seconds: float = 1800.0
    """Of one command."""


# --- test runs ---------------------------------------------------------------------------------------------------


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


# --- the verdict -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Red:
    """A red test and why, kept as evidence."""

    id: TestId
    why: str


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What the verdict would hold of a working tree's tests, by single runs in an attempt's container. No proof."""

    witnesses: tuple[Red, ...] = ()
    """New tests that are red without the change's source, by the behaviour itself."""
    not_red: tuple[TestId, ...] = ()
    """New tests that are green without it."""
    invalid: tuple[Red, ...] = ()
    """New tests that are not, for a reason that does not count."""
    regressed: tuple[Red, ...] = ()
    """Base's tests that are green on base and red now."""
    red_on_base: tuple[TestId, ...] = ()
    """Base's tests that are red now, and on base."""
    edited: tuple[str, ...] = ()
    """Base's tests that the change edits: judged as base has them."""
    flagged: tuple[str, ...] = ()
    """Test configuration and CI files that the change touches: base's versions are used."""
    changes_source: bool = False
    refused: str = ""
    """Why the change as it stands would be refused."""


@dataclass(frozen=True, kw_only=True)
class Flakiness:
    """How often a test that cannot be relied on was red, of the runs on one and the same tree that it was seen in."""

    id: TestId
    red: int
    runs: int


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What every verdict carries: the counts a reader needs to believe it or to doubt it."""

    fail_to_pass: tuple[TestId, ...] = ()
    pass_to_pass: tuple[TestId, ...] = ()
    flaky: tuple[TestId, ...] = ()
    ignored_test_edits: tuple[str, ...] = ()
    """Existing tests that the patch edits: shown, never counted."""
    flagged_paths: tuple[str, ...] = ()
    """Test configuration and CI files that the patch touches; base's versions were used."""
    selection: str = ""
    """Empty when everything ran; else a sentence: which tests and how many of how many."""
    division: str = ""
    """Empty where every run was one container's; else a sentence: how the suite was divided, or why it was not."""
    exit_code_only: bool = False
    """All that was seen of the tests is a command's exit code: what failed, and whether any test ran, is unknown."""
    flakiness: tuple[Flakiness, ...] = ()
    """What `flaky` rests on, for the tests that base's own repeated runs showed to be so."""
    hanging: tuple[Red, ...] = ()
    """Tests that do not come to an end on base: they count neither way, and are left out where the runner can."""
    signs: tuple[str, ...] = ()
    """What cannot be told from a fix by running it, and a maintainer should look at: one sentence each."""


@dataclass(frozen=True, kw_only=True)
class Verified:
    evidence: Evidence
    red_before: tuple[Red, ...]
    """Each FAIL_TO_PASS test with its failure on the witness (or base) tree."""


@dataclass(frozen=True, kw_only=True)
class RegressionFree:
    evidence: Evidence


@dataclass(frozen=True, kw_only=True)
class WitnessNotRed:
    evidence: Evidence
    green_without_patch: tuple[TestId, ...]


@dataclass(frozen=True, kw_only=True)
class WitnessInvalid:
    evidence: Evidence
    invalid: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class NotFixed:
    evidence: Evidence
    still_red: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class Regressed:
    evidence: Evidence
    turned_red: tuple[Red, ...]


@dataclass(frozen=True, kw_only=True)
class Tampered:
    evidence: Evidence
    signs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NoTests:
    evidence: Evidence
    why: str


@dataclass(frozen=True, kw_only=True)
class Inconclusive:
    evidence: Evidence
    cause: str
    """One sentence that names what failed and what to do about it."""


Verdict = (
    Verified
    | RegressionFree
    | WitnessNotRed
    | WitnessInvalid
    | NotFixed
    | Regressed
    | Tampered
    | NoTests
    | Inconclusive
)


def verdict_name(verdict: Verdict) -> str:
    """The variant's name, the word used in proofs, tables and `--json`."""
    return type(verdict).__name__


@dataclass(frozen=True, kw_only=True)
class Proof:
    """What was executed, enough to run it again. Its file form is an in-toto Statement (`sandbox.proof`)."""

    base_commit: CommitSha
    base_tree: str
    patch_sha256: str
    tests_sha256: str = ""
    """Digest of the given test patch; "" when the witnesses are the patch's own."""
    image: str
    """The image's id, `sha256:...`."""
    plan: EnvironmentPlan
    runs: tuple[TestRun, ...]
    verdict: Verdict
    seconds: float
    tool_version: str
    patch: str = ""
    tests: str = ""
    limits: Limits = field(default_factory=Limits)


Progress = Callable[[str], None]
"""Called with one short line for a person whenever something worth saying happens."""
