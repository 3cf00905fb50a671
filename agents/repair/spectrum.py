"""Where the fault may be: Ochiai over the lines that each test executes. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from math import sqrt

from agents.repair.types import Lines

Suspicion = Mapping[str, Mapping[int, float]]
"""Path -> line -> 0..1."""

NAMED_IN_TRACEBACK = 2.0
"""A line that a traceback in the issue or a failure names weighs this much more (at most 1 in the end)."""


def ochiai(failed: int, passed: int, all_failed: int) -> float:
    """`failed / sqrt(all_failed * (failed + passed))`: 1 for a line that all failing and no passing tests execute.

    `failed` and `passed` count the tests that execute the line (Abreu et al., 2007).
    """
    if not failed or not all_failed:
        return 0.0
    return failed / sqrt(all_failed * (failed + passed))


def localise(
    failing: Iterable[Lines], passing: Iterable[Lines], named: Mapping[str, frozenset[int]] | None = None
) -> dict[str, dict[int, float]]:
    """The suspicion of every line that a failing test executes; `named` holds the lines of tracebacks."""
    red = list(failing)
    in_red: Counter[tuple[str, int]] = Counter()
    in_green: Counter[tuple[str, int]] = Counter()
    for lines in red:
        in_red.update((path, line) for path, numbers in lines.items() for line in numbers)
    for lines in passing:
        in_green.update((path, line) for path, numbers in lines.items() for line in numbers)
    suspicion: dict[str, dict[int, float]] = {}
    for (path, line), count in in_red.items():
        value = ochiai(count, in_green[path, line], len(red))
        if named and line in named.get(path, frozenset()):
            value = min(1.0, value * NAMED_IN_TRACEBACK)
        suspicion.setdefault(path, {})[line] = value
    return suspicion


def coverers(traces: Mapping[str, Lines], path: str) -> frozenset[str]:
    """The tests that execute any line of a file."""
    return frozenset(test for test, lines in traces.items() if lines.get(path))
