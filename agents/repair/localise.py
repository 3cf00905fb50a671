"""Traces of the red tests and of the green ones near them, taken in the sandbox by the cold worker."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import PurePosixPath

from agents.repair.goal import MOST_HOT_GREEN
from agents.repair.spectrum import localise
from agents.repair.types import Lines, TestTrace
from agents.repair.warm import Job, WarmWorker
from sandbox.types import TestId, TestReport

RETRIED = 3
"""Red tests without a trace that are run once more, alone."""
TRACED_SECONDS = 3.0
"""Of processor time: what a red test that does not end executes is known by then."""
TRACING_SLOWDOWN = 15.0
"""How much longer a traced test may take than the reporter saw it take."""


@dataclass(frozen=True, kw_only=True)
class Localisation:
    """Where to look. `passing` are the green tests that were traced; `untraced` the green ones left out."""

    suspicion: Mapping[str, Mapping[int, float]]
    red: Mapping[TestId, TestTrace]
    passing: Mapping[TestId, TestTrace]
    untraced: tuple[TestId, ...]
    imports: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        return tuple(sorted(self.suspicion))


def trace(
    worker: WarmWorker,
    red: Sequence[TestId],
    green: Mapping[TestId, float],
    sources: Mapping[str, str],
    named: Mapping[str, frozenset[int]],
    *,
    seconds: float,
    test_seconds: float,
) -> Localisation:
    """Suspicion of the lines of `sources`. `green`: duration by test; `seconds`: the budget for tracing those.

    Raises `WorkerLost`.
    """
    first = worker.run(
        Job(id=1, stages=(tuple(red),), traced=True, trace_only=tuple(sources), modules=True,
            test_seconds=TRACED_SECONDS + test_seconds, cpu_seconds=TRACED_SECONDS, total_seconds=10.0 + 2 * seconds)
    )  # fmt: skip
    red_traces = dict(first.tests)
    for position, test in enumerate(red[:RETRIED]):
        if test not in red_traces or red_traces[test].status == "timeout":  # a sibling took the process along
            alone = Job(id=2 + position, stages=((test,),), traced=True, trace_only=tuple(sources),
                        test_seconds=TRACED_SECONDS + test_seconds, cpu_seconds=TRACED_SECONDS,
                        total_seconds=TRACED_SECONDS + test_seconds + 10)  # fmt: skip
            red_traces.update(worker.run(alone).tests)
    touched = {path for t in red_traces.values() for path, lines in t.lines.items() if lines}
    # In the suite's own order: some suites are green in no other.
    chosen = in_order(_nearest(green, red, seconds), green)
    green_traces: Mapping[TestId, TestTrace] = {}
    if touched and chosen:
        job = Job(id=0, stages=(chosen,), traced=True, trace_only=tuple(sorted(touched)),
                  test_seconds=max(test_seconds, 10.0), total_seconds=seconds + 10)  # fmt: skip
        green_traces = {test: t for test, t in worker.run(job).tests.items() if t.is_green}
    suspicion = localise(
        [t.lines for t in red_traces.values() if not t.is_green], [t.lines for t in green_traces.values()], named
    )
    return Localisation(
        suspicion={path: lines for path, lines in suspicion.items() if path in sources},
        red=red_traces,
        passing=green_traces,
        untraced=tuple(test for test in green if test not in green_traces),
        imports=first.modules,
    )


def _nearest(green: Mapping[TestId, float], red: Sequence[TestId], seconds: float) -> tuple[TestId, ...]:
    """The green tests that fit the budget; those in the red tests' own files before the others."""
    files = {test.split("::")[0] for test in red}
    near = {test: took * TRACING_SLOWDOWN + 0.005 for test, took in green.items() if test.split("::")[0] in files}
    chosen = cheapest(near, seconds)
    left = seconds - sum(near[test] for test in chosen)
    far = {test: took * TRACING_SLOWDOWN + 0.005 for test, took in green.items() if test not in near}
    return (*chosen, *(cheapest(far, left, most=2000) if left > 0 and far else ()))


def covering(passing: Mapping[TestId, TestTrace], files: Sequence[str], most_seconds: float) -> tuple[TestId, ...]:
    """The traced green tests that execute one of these files, within a budget of their durations.

    The cheapest, which the hot worker runs, come first; these and the others each in the suite's order.
    """
    near: dict[TestId, float] = {
        test: t.seconds / 5 for test, t in passing.items() if any(t.lines.get(path) for path in files)
    }
    chosen = cheapest(near, most_seconds, most=2000) if near else ()
    hot, others = chosen[:MOST_HOT_GREEN], chosen[MOST_HOT_GREEN:]
    return (*in_order(hot, passing), *in_order(others, passing))


def in_order(tests: Iterable[TestId], order: Iterable[TestId]) -> tuple[TestId, ...]:
    """`tests` as they stand in `order`: what one test leaves behind, the next may need or not bear."""
    wanted = frozenset(tests)
    return tuple(test for test in order if test in wanted)


def named_lines(report: TestReport, red: Sequence[TestId]) -> dict[str, frozenset[int]]:
    """The lines at which the red tests' exceptions were raised inside the tree."""
    found: dict[str, set[int]] = {}
    for test in red:
        result = report.results.get(test)
        if result is not None and result.failure is not None and result.failure.path:
            found.setdefault(result.failure.path, set()).add(result.failure.line)
    return {path: frozenset(lines) for path, lines in found.items()}


def is_test_path(path: str) -> bool:
    """By its name alone, as the sandbox sorts changed files: nothing that repair may edit."""
    pure = PurePosixPath(path)
    folders = set(pure.parts[:-1])
    return (
        bool(folders & {"tests", "testing", "__tests__"})
        or pure.parts[0] == "test"
        or pure.name.startswith("test_")
        or pure.stem.endswith(("_test", "_tests"))
        or pure.name in ("conftest.py", "setup.py", "noxfile.py", "tests.py", "test.py")
    )


def union(traces: Mapping[TestId, TestTrace]) -> Lines:
    """Every line that any of these tests executes."""
    lines: dict[str, set[int]] = {}
    for trace_ in traces.values():
        for path, numbers in trace_.lines.items():
            lines.setdefault(path, set()).update(numbers)
    return {path: frozenset(numbers) for path, numbers in lines.items()}


def cheapest(tests: Mapping[TestId, float], most_seconds: float, most: int = 400) -> tuple[TestId, ...]:
    """Tests in the order of their durations, as many as fit the budget (at least one)."""
    chosen: list[TestId] = []
    total = 0.0
    for test, seconds in islice(sorted(tests.items(), key=lambda item: (item[1], item[0])), most):
        total += seconds
        if chosen and total > most_seconds:
            break
        chosen.append(test)
    return tuple(chosen)
