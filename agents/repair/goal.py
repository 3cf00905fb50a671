"""What a search is for, how long it may take, and what it found. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from agents.repair.behaviour import Behaviour
from agents.repair.hints import Hints
from agents.repair.types import Candidate, Plausible
from sandbox.types import TestId

MOST_HOT_GREEN = 150
"""Green tests that the hot worker collects, to turn wrong candidates away without a fresh import."""
MOST_HELPERS = 40
"""Candidates that help in part, for pairs."""


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a candidate must do, and how long it may take."""

    runner: str
    red: tuple[TestId, ...]
    """Must turn green, all of them."""
    covering: tuple[TestId, ...]
    """Green on base and near the change; the first `MOST_HOT_GREEN` are the cheapest ones, in the suite's order."""
    rest: tuple[TestId, ...] = ()
    """The other tests that are green on base."""
    also_red: tuple[TestId, ...] = ()
    """Red on base too, not demanded: a candidate that turns them green is the better one."""
    test_seconds: float = 5.0
    cpu_seconds: float = 0.0
    """Of processor time, for one test: an endless loop ends here."""
    rest_seconds: float = 120.0
    imports: tuple[str, ...] = ()
    slots: int = 2


@dataclass(frozen=True, kw_only=True)
class SearchLimits:
    seconds: float
    """Of the whole search."""
    after_first: float = 10.0
    """How long to look on after the first plausible candidate, at most."""
    enough: int = 20
    """Plausible candidates."""
    pair_seconds: float = 120.0


@dataclass
class SearchResult:
    plausible: list[Plausible] = field(default_factory=list)
    partial: list[tuple[int, Candidate]] = field(default_factory=list)
    """(progress, candidate) of those that help without being enough."""
    slow: list[Candidate] = field(default_factory=list)
    """Ran into the time limit and failed no test otherwise."""
    hints: Hints = field(default_factory=Hints)
    """What the others showed, for pairs when all else failed."""
    lost: list[Candidate] = field(default_factory=list)
    """Took a worker along, and so have no outcome."""
    tried: int = 0
    pairs: int = 0
    """Of the tried."""
    seconds: float = 0.0
    ended: str = ""
    """`exhausted`, `enough`, `time`, `stopped` or `worker lost`."""
    behaviour: dict[Candidate, Behaviour] = field(default_factory=dict)

    def helpers(self) -> list[Candidate]:
        """The most helpful first."""
        return [one for _, one in sorted(self.partial, key=lambda p: (-p[0], -p[1].score, p[1].size))][:MOST_HELPERS]
