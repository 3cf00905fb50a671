"""The words of repair: edits, candidates, spectra and what a run of one candidate showed. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sandbox.types import TestId

Lines = Mapping[str, frozenset[int]]
"""Executed lines by path, relative to the tree's root."""


@dataclass(frozen=True, kw_only=True, order=True)
class Edit:
    """Replace `source[start:end]` of one file by `text` (offsets in characters)."""

    path: str
    start: int
    end: int
    text: str

    def overlaps(self, other: Edit) -> bool:
        """Touching counts: the order of two insertions at one place would be arbitrary."""
        return self.path == other.path and self.start <= other.end and other.start <= self.end


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """One change to try: one edit, or a few that do not overlap."""

    edits: tuple[Edit, ...]
    template: str
    """The template's name, or two joined with ` + `."""
    line: int
    score: float
    """Suspicion times the template's prior: what the search is ordered by."""

    @property
    def is_pair(self) -> bool:
        return len(self.edits) > 1

    @property
    def size(self) -> int:
        """Characters removed and added: how much a reader must look at."""
        return sum(edit.end - edit.start + len(edit.text) for edit in self.edits)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """How one test failed, told so that another failure differs from it."""

    kind: str
    """The exception's class."""
    line: int
    """Of the test function; 0 when it was not in one."""
    place: str
    """The function that raised."""
    words: str
    held: str = ""
    """Of an assertion, for each part of what it compares `1` if it held and `0` if not; empty: nothing is known."""
    seen: str = ""
    """A digest of the values that it compared."""


@dataclass(frozen=True, kw_only=True)
class TestTrace:
    """One test's outcome in the worker, and the lines it executed there."""

    __test__ = False

    status: str
    seconds: float
    lines: Lines = field(default_factory=dict)
    fault: Fault | None = None
    """How it failed, when it did and said so."""
    slow: bool = False
    """It ran into its time limit."""

    @property
    def is_green(self) -> bool:
        return self.status in ("passed", "xfailed", "xpassed")


@dataclass(frozen=True, kw_only=True)
class RecordedCall:
    """One call of a function of the tree while a test ran. `data` is the worker's, and opaque here."""

    module: str
    name: str
    outer: bool
    """Made by the test itself, not from within the watched files."""
    data: str
    test: TestId


@dataclass(frozen=True, kw_only=True)
class RunOutcome:
    """What a worker answered for one job."""

    id: int
    end: str
    tests: Mapping[TestId, TestTrace]
    seconds: float
    modules: tuple[str, ...] = ()
    """Modules from outside of the tree that the run imported (when asked)."""
    calls: tuple[RecordedCall, ...] = ()
    outcomes: tuple[tuple[str, ...], ...] = ()
    """For each replayed call what came of it, and of each variant of its arguments."""

    def green(self) -> frozenset[TestId]:
        return frozenset(test for test, trace in self.tests.items() if trace.is_green)


@dataclass(frozen=True, kw_only=True)
class Plausible:
    """A candidate with which every goal test passes and no covering test turns red."""

    candidate: Candidate
    fixed: frozenset[TestId]
    """Red tests that turn green: the goal, and possibly more."""
