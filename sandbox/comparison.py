"""What the runs of a verification say beside each other: stable, lost, fixed, confirmed. Pure.

The words that `sandbox.verdict.judge` decides with, and by which `sandbox.verify` knows what must be run once more.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import assert_never

from sandbox import hanging
from sandbox.behaviour import describe, wrong_reason
from sandbox.types import (
    Ended,
    Evidence,
    Red,
    RunKind,
    TestId,
    TestReport,
    TestRun,
    TestStatus,
)

_NOT_RUN = "did not run"
_ORDERLY_EXITS = (0, 1, 5)
"""Of pytest and of our unittest launcher: all green, something red, nothing collected."""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What is known when the verdict is given. A run that was not needed is None."""

    given_tests: bool = False
    """The witnesses come from a trusted test patch, not from the patch that is judged."""
    base: tuple[TestRun, ...] = ()
    """At least two, or the flaky tests are unknown."""
    witness: TestRun | None = None
    candidate: TestRun | None = None
    regression: TestRun | None = None
    confirmations: tuple[TestRun, ...] = ()
    """Runs of `RunKind.CONFIRMATION`; which tree each is about, its `tree` says."""
    twins: tuple[TestRun, ...] = ()
    """Runs of `RunKind.TWIN`: the tests of their selections must be red in them."""
    touched: frozenset[TestId] = frozenset()
    """Base's tests in files that the given test patch touches: they are judged by witness against candidate."""
    edited: frozenset[TestId] = frozenset()
    """Base's tests that the patch itself edits, skips or deletes."""
    rewritten: frozenset[TestId] = frozenset()
    """Base's tests that stand in a source file the patch changes (doctests): what ran with the patch may not be base's
    version, so that red to green proves nothing."""
    evidence: Evidence = field(default_factory=Evidence)
    """What is known before judging: ignored edits, flagged paths, selection."""
    signs: tuple[str, ...] = ()
    """Tamper signs in the patch itself."""


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """What base's repeated runs say of its tests."""

    known: frozenset[TestId]
    green: frozenset[TestId]
    """Green in every run."""
    red: frozenset[TestId]
    """Red in every run."""
    flaky: frozenset[TestId]
    hanging: frozenset[TestId] = frozenset()
    """Did not come to an end in one of the runs: neither green nor red, however often."""


@dataclass(frozen=True, kw_only=True)
class Witnesses:
    """The witness tests by what their two runs say."""

    fixed: frozenset[TestId] = frozenset()
    still_red: tuple[Red, ...] = ()
    invalid: tuple[Red, ...] = ()
    not_red: frozenset[TestId] = frozenset()
    lost: tuple[Red, ...] = ()
    """Given tests that were green without the patch and are not with it."""


def baseline(runs: Iterable[TestRun]) -> Baseline:
    runs = tuple(runs)
    reports = [run.report for run in runs if run.report is not None]
    hung = hanging.ids(hanging.hanging(runs))
    every = frozenset[TestId]().union(*(report.ids() for report in reports))
    known = every - hung
    green = known.intersection(*(report.green for report in reports)) if reports else frozenset()
    red = known.intersection(*(report.red for report in reports)) if reports else frozenset()
    skipped = known.intersection(*(report.ids(TestStatus.SKIPPED) for report in reports)) if reports else frozenset()
    return Baseline(known=every | hung, green=green, red=red, flaky=known - green - red - skipped, hanging=hung)


def hung(facts: Facts) -> tuple[Red, ...]:
    """What did not come to an end on base, in runs that count no more also."""
    known = facts.evidence.hanging
    return (*known, *(red for red in hanging.hanging(facts.base) if red.id not in hanging.ids(known)))


def trouble(run: TestRun) -> str:
    """What kept the run from being a whole, orderly one; "" when nothing did."""
    match run.ended:
        case Ended.TIMED_OUT:
            running = hanging.unfinished(run)
            told = "; ".join(f"{test} had begun {seconds:.0f} s before that" for test, seconds in running.items())
            return f"did not end within {run.seconds:.0f} s" + (f": {told}" if told else "")
        case Ended.OUT_OF_MEMORY:
            return "ran out of memory"
        case Ended.KILLED:
            return "was killed"
        case Ended.LOST:
            return "was lost with its container"
        case Ended.EXITED:
            return _unfinished(run)
        case _ as unreachable:
            assert_never(unreachable)


def _unfinished(run: TestRun) -> str:
    if run.report is None or not run.report.complete:
        return f"ended with exit code {run.exit_code} before its report was complete"
    if run.report.exit_code not in _ORDERLY_EXITS:
        return f"the runner gave up with exit code {run.report.exit_code}"
    return ""


def witnesses(facts: Facts) -> Witnesses:
    """Each witness test by its first runs without and with the patch."""
    if facts.witness is None or facts.candidate is None:
        return Witnesses()
    without, with_patch = report_of(facts.witness), report_of(facts.candidate)
    known = baseline(facts.base)
    every = without.ids() | with_patch.ids()
    considered = every - known.flaky if facts.given_tests else every - known.known
    considered -= hanging.ids(hung(facts))
    fixed: set[TestId] = set()
    not_red: set[TestId] = set()
    still_red: list[Red] = []
    invalid: list[Red] = []
    lost: list[Red] = []
    for test in sorted(considered):
        before, after = status_of(without, test), status_of(with_patch, test)
        if after is not None and after.is_green:
            if before is not None and before.is_green:
                not_red.add(test)
            elif reason := no_evidence(without, test):
                invalid.append(Red(id=test, why=reason))
            else:
                fixed.add(test)
        elif before is not None and before.is_green:
            if after is not TestStatus.SKIPPED:
                (lost if facts.given_tests else still_red).append(red_of(with_patch, test))
        elif test in known.red or (before in (None, TestStatus.SKIPPED) and after is TestStatus.SKIPPED):
            continue
        else:
            still_red.append(red_of(with_patch, test))
    still_red.extend(_uncollected(facts, with_patch))
    return Witnesses(
        fixed=frozenset(fixed),
        still_red=tuple(still_red),
        invalid=tuple(invalid),
        not_red=frozenset(not_red),
        lost=tuple(lost),
    )


def run_signs(run: TestRun) -> tuple[str, ...]:
    """What one run shows of interference with itself."""
    signs = list(run.tamper_signs)
    report = run.report
    if report is not None:
        signs.extend(report.tamper_signs)
    if run.ended is Ended.EXITED:
        if run.exit_code == 0 and (report is None or not report.complete):
            signs.append("the process ended with success before its tests had")
        elif report is not None and report.complete and report.exit_code != run.exit_code:
            signs.append(f"exit code {run.exit_code}, but the runner announced {report.exit_code}")
    return tuple(signs)


# --- what a run kept, and why a test is no witness ------------------------------------------------------------------


def lost_in(tests: Iterable[TestId], run: TestRun) -> frozenset[TestId]:
    report = report_of(run)
    kept = report.green | report.ids(TestStatus.SKIPPED)
    return frozenset(test for test in tests if test not in kept)


def kept(facts: Facts, found: Witnesses) -> frozenset[TestId]:
    """PASS_TO_PASS: stably green on base and green with the patch; a given test patch's tests by its own two runs."""
    kept = frozenset[TestId]()
    if facts.regression is not None:
        kept = (baseline(facts.base).green - facts.touched) & report_of(facts.regression).green
    return kept | found.not_red if facts.given_tests else kept


def no_evidence(report: TestReport, test: TestId) -> str:
    """Why the test's result without the patch is no behavioural red; "" when it is one."""
    result = report.results.get(test)
    if result is None:
        errors = [error for error in report.collection_errors if error.path and test.startswith(_stem(error.path))]
        errors = errors or list(report.collection_errors)
        missing = "does not exist without the patch"
        return f"{missing}: its file cannot be collected ({describe(errors[0])})" if errors else missing
    if result.status is TestStatus.SKIPPED:
        return "skipped without the patch"
    if report.must_pass is not None and not report.must_pass.is_green:
        return "red like every test of that run, even one that cannot fail"
    return wrong_reason(result)


def _uncollected(facts: Facts, report: TestReport) -> list[Red]:
    """Collection errors of the candidate's witness files that base does not have."""
    known = {error.path for run in facts.base for error in report_of(run).collection_errors}
    return [
        Red(id=TestId(error.path), why=f"cannot be collected with the patch: {describe(error)}")
        for error in report.collection_errors
        if error.path not in known
    ]


# --- small readings ----------------------------------------------------------------------------------------------


def confirmations(facts: Facts, tree: str) -> tuple[TestRun, ...]:
    return tuple(run for run in facts.confirmations if run.kind is RunKind.CONFIRMATION and run.tree == tree)


def tree_of(run: TestRun | None) -> str:
    return run.tree if run is not None else ""


def report_of(run: TestRun | None) -> TestReport:
    return run.report if run is not None and run.report is not None else TestReport(results={})


def status_of(report: TestReport, test: TestId) -> TestStatus | None:
    result = report.results.get(test)
    return result.status if result is not None else None


def red_of(report: TestReport, test: TestId) -> Red:
    result = report.results.get(test)
    if result is None:
        error = next((error for error in report.collection_errors if test.startswith(_stem(error.path))), None)
        return Red(id=test, why=_NOT_RUN if error is None else f"{_NOT_RUN}: {describe(error)}")
    if result.failure is None:
        return Red(id=test, why=result.status.value)
    return Red(id=test, why=describe(result.failure))


def _stem(path: str) -> str:
    return path or "\0"
