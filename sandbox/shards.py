"""One suite in several containers at once, by file: how it is divided, and one run out of what the parts did. Pure.

Base and candidate are divided in the same way, so that what a division does to a test (another test before it, another
process) it does on both sides.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from sandbox import comparison
from sandbox.types import Ended, Limits, TestId, TestReport, TestResult, TestRun, TestStatus

Shards = tuple[tuple[str, ...], ...]
"""The files of each part; empty: undivided."""
DIVIDED = frozenset({"pytest", "unittest", "mocha"})
"""Runners that take files and run them in one process. The others compile all for any part, or run files beside each
other by themselves."""
_MOST_SHARE = 0.8
"""Of the time, in the longest part: where one file takes nearly all, dividing gains nothing."""
_WORST = (Ended.LOST, Ended.KILLED, Ended.OUT_OF_MEMORY, Ended.TIMED_OUT)


@dataclass(frozen=True, kw_only=True)
class Division:
    """Whether and how far a suite may be divided."""

    most: int = 1
    """Parts; 1: never divided."""
    from_seconds: float = 20.0
    """What its tests must take together."""


@dataclass(frozen=True, kw_only=True)
class Whole:
    """What "all tests" means in one verification."""

    files: tuple[str, ...] = ()
    """The test files that it is cut to; empty: everything."""
    shards: Shards = ()
    without: tuple[TestId, ...] = ()
    """Tests that hang on base."""


def divide(runs: Iterable[TestRun], file_of: Callable[[TestId], str | None], wanted: Division) -> Shards:
    """The files of base's undivided runs in parts that take as long; empty where dividing does not pay.

    Where a test's file cannot be told nothing is divided.
    """
    reports = [comparison.report_of(run) for run in runs]
    seconds: dict[str, float] = {}
    for report in reports:
        for error in report.collection_errors:
            seconds.setdefault(error.path, 0.0)
        for result in report.results.values():
            path = file_of(result.id)
            if path is None:
                return ()
            seconds[path] = seconds.get(path, 0.0) + result.seconds / len(reports)
    total = sum(seconds.values())
    if wanted.most < 2 or len(seconds) < 2 or total < wanted.from_seconds or "" in seconds:
        return ()
    parts, loads = _balanced(seconds, min(wanted.most, len(seconds)))
    return parts if max(loads) <= _MOST_SHARE * total else ()


def _balanced(seconds: Mapping[str, float], count: int) -> tuple[Shards, list[float]]:
    """The longest file first, each into the part that has the least so far."""
    loads = [0.0] * count
    parts: list[list[str]] = [[] for _ in range(count)]
    for path in sorted(seconds, key=lambda path: (-seconds[path], path)):
        least = min(range(count), key=lambda index: (loads[index], len(parts[index])))
        loads[least] += seconds[path]
        parts[least].append(path)
    return tuple(tuple(sorted(part)) for part in parts), loads


def share(limits: Limits, count: int) -> Limits:
    """What each of `count` containers may use that run at once in the place of one."""
    return replace(
        limits,
        memory_bytes=limits.memory_bytes // count,
        disk_bytes=limits.disk_bytes // count,
        cpus=limits.cpus / count,
    )


def differing(undivided: Sequence[TestRun], divided: TestRun) -> frozenset[TestId]:
    """Tests that are green, or red, in every undivided run of base and not in the divided one."""
    known, report = comparison.baseline(undivided), comparison.report_of(divided)
    return (known.green - report.green) | (known.red - report.red)


def merged(runs: Sequence[TestRun], shards: Shards, file_of: Callable[[TestId], str | None]) -> TestRun:
    """One run out of those of the parts, each as `judge` would have it: the worst end, every sign, all results.

    A test counts in the part that its file is in; what another part says of it is nothing.
    """
    ended = next((end for end in _WORST if any(run.ended is end for run in runs)), Ended.EXITED)
    signs = [f"part {index}: {sign}" for index, run in enumerate(runs, 1) for sign in comparison.run_signs(run)]
    reports = [run.report for run in runs]
    whole = [report for report in reports if report is not None]
    return replace(
        runs[0],
        ended=ended,
        exit_code=_exit_code([run.exit_code for run in runs]),
        report=_report(whole, shards, file_of) if len(whole) == len(runs) else None,
        seconds=max(run.seconds for run in runs),
        output_tail="\n".join(run.output_tail[-(4000 // len(runs)) :] for run in runs),
        tamper_signs=tuple(signs),
        left_processes=sum(run.left_processes for run in runs),
        shards=shards,
    )


def _report(reports: Sequence[TestReport], shards: Shards, file_of: Callable[[TestId], str | None]) -> TestReport:
    owner = {path: index for index, files in enumerate(shards) for path in files}
    results: dict[TestId, TestResult] = {}
    for index, report in enumerate(reports):
        for test, result in report.results.items():
            if owner.get(file_of(test) or "", index) == index and not _is_worse(results.get(test), result):
                results[test] = result
    return TestReport(
        results=results,
        collection_errors=tuple(error for report in reports for error in report.collection_errors),
        exit_code=_exit_code([report.exit_code for report in reports]),
        complete=all(report.complete for report in reports),
        must_fail=_canary([report.must_fail for report in reports], lambda status: status.is_red),
        must_pass=_canary([report.must_pass for report in reports], lambda status: status.is_green),
        replaced=_each(report.replaced for report in reports),
        hooks=_each(report.hooks for report in reports),
        unfinished={test: began for report in reports for test, began in report.unfinished.items()},
    )


def _is_worse(known: TestResult | None, other: TestResult) -> bool:
    return known is not None and (known.status.is_red or not other.status.is_red)


def _exit_code(codes: Sequence[int | None]) -> int | None:
    """A part that gave up, or has no code; else red before green before nothing to run."""
    odd = [code for code in codes if code not in (0, 1, 5)]
    return odd[0] if odd else next(code for code in (1, 0, 5) if code in codes)


def _canary(statuses: Sequence[TestStatus | None], right: Callable[[TestStatus], bool]) -> TestStatus | None:
    """The worst of all parts; None where it did not run in one."""
    known = [status for status in statuses if status is not None]
    if len(known) < len(statuses):
        return None
    return next((status for status in known if not right(status)), known[0])


def _each(lists: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(item for items in lists for item in items))
