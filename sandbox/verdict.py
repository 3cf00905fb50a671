"""`judge`: from the runs of one verification to its verdict. Pure; the table of docs/verdicts.md, row by row.

Everything unknown is `Inconclusive`, everything absent is not passed, and one observation is no proof: what is called
fixed was red twice and green twice, what is called broken was broken twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sandbox.behaviour import describe, wrong_reason
from sandbox.types import (
    Ended,
    Evidence,
    Inconclusive,
    NoTests,
    NotFixed,
    Red,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestId,
    TestReport,
    TestRun,
    TestStatus,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
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
    touched: frozenset[TestId] = frozenset()
    """Base's tests in files that the given test patch touches: they are judged by witness against candidate."""
    edited: frozenset[TestId] = frozenset()
    """Base's tests that the patch itself edits, skips or deletes."""
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
    reports = [run.report for run in runs if run.report is not None]
    known = frozenset[TestId]().union(*(report.ids() for report in reports))
    green = known.intersection(*(report.green for report in reports)) if reports else frozenset()
    red = known.intersection(*(report.red for report in reports)) if reports else frozenset()
    skipped = known.intersection(*(report.ids(TestStatus.SKIPPED) for report in reports)) if reports else frozenset()
    return Baseline(known=known, green=green, red=red, flaky=known - green - red - skipped)


def trouble(run: TestRun) -> str:
    """What kept the run from being a whole, orderly one; "" when nothing did."""
    match run.ended:
        case Ended.TIMED_OUT:
            return f"did not end within {run.seconds:.0f} s"
        case Ended.OUT_OF_MEMORY:
            return "ran out of memory"
        case Ended.KILLED:
            return "was killed"
        case Ended.LOST:
            return "was lost with its container"
        case Ended.EXITED:
            pass
    if run.report is None or not run.report.complete:
        return f"ended with exit code {run.exit_code} before its report was complete"
    if run.report.exit_code not in _ORDERLY_EXITS:
        return f"the runner gave up with exit code {run.report.exit_code}"
    return ""


def turned_red(facts: Facts) -> frozenset[TestId]:
    """Stably green on base, and neither green nor skipped in the first run on the candidate's source."""
    if facts.regression is None:
        return frozenset()
    return _lost(baseline(facts.base).green - facts.touched, facts.regression)


def unresolved(facts: Facts) -> bool:
    """A test that was lost among all others and is not lost alone, or not on base's side either: the whole run decides.

    Tests can break each other, so that being green alone acquits nobody.
    """
    return any(not _is_confirmed(facts, test) for test in turned_red(facts)) if facts.confirmations else False


def turned_green(facts: Facts) -> frozenset[TestId]:
    """Stably red on base and green on the candidate's source."""
    if facts.regression is None or facts.regression.report is None:
        return frozenset()
    return (baseline(facts.base).red - facts.touched) & facts.regression.report.green


def witnesses(facts: Facts) -> Witnesses:
    """Each witness test by its first runs without and with the patch."""
    if facts.witness is None or facts.candidate is None:
        return Witnesses()
    without, with_patch = _report(facts.witness), _report(facts.candidate)
    known = baseline(facts.base)
    every = without.ids() | with_patch.ids()
    considered = every - known.flaky if facts.given_tests else every - known.known
    fixed: set[TestId] = set()
    not_red: set[TestId] = set()
    still_red: list[Red] = []
    invalid: list[Red] = []
    lost: list[Red] = []
    for test in sorted(considered):
        before, after = _status(without, test), _status(with_patch, test)
        if after is not None and after.is_green:
            if before is not None and before.is_green:
                not_red.add(test)
            elif reason := _no_evidence(without, test):
                invalid.append(Red(id=test, why=reason))
            else:
                fixed.add(test)
        elif before is not None and before.is_green:
            if after is not TestStatus.SKIPPED:
                (lost if facts.given_tests else still_red).append(_red(with_patch, test))
        elif test in known.red or (before in (None, TestStatus.SKIPPED) and after is TestStatus.SKIPPED):
            continue
        else:
            still_red.append(_red(with_patch, test))
    still_red.extend(_uncollected(facts, with_patch))
    return Witnesses(
        fixed=frozenset(fixed),
        still_red=tuple(still_red),
        invalid=tuple(invalid),
        not_red=frozenset(not_red),
        lost=tuple(lost),
    )


def judge(facts: Facts) -> Verdict:
    evidence = replace(facts.evidence, flaky=tuple(sorted(baseline(facts.base).flaky)))
    if signs := _signs(facts):
        return Tampered(evidence=evidence, signs=signs)
    if cause := _inconclusive(facts):
        return Inconclusive(evidence=evidence, cause=cause)
    if why := _nothing_ran(facts):
        return NoTests(evidence=evidence, why=why)
    regressed, unstable = _regressions(facts)
    found = witnesses(facts)
    fixed, shaky = _confirmed_fixes(facts, found)
    evidence = replace(
        evidence,
        fail_to_pass=tuple(sorted(fixed)),
        pass_to_pass=tuple(sorted(_kept(facts, found) - unstable)),
        flaky=tuple(sorted({*evidence.flaky, *unstable, *shaky})),
    )
    if regressed or found.lost:
        return Regressed(evidence=evidence, turned_red=(*regressed, *found.lost))
    if found.still_red:
        return NotFixed(evidence=evidence, still_red=found.still_red)
    if broken := _broken_candidate(facts):
        return NotFixed(evidence=evidence, still_red=(broken,))
    if fixed:
        return Verified(evidence=evidence, red_before=_red_before(facts, fixed))
    return _unproven(facts, found, shaky, evidence)


def _unproven(facts: Facts, found: Witnesses, shaky: frozenset[TestId], evidence: Evidence) -> Verdict:
    """Nothing went red to green: why not."""
    random = tuple(Red(id=test, why="red or green at random: a second run disagreed") for test in sorted(shaky))
    if invalid := (*found.invalid, *random):
        return WitnessInvalid(evidence=evidence, invalid=invalid)
    if found.not_red and not facts.given_tests:
        return WitnessNotRed(evidence=evidence, green_without_patch=tuple(sorted(found.not_red)))
    regression = _report(facts.regression)
    base_red = baseline(facts.base).red
    evaded = {test for test in base_red if _status(regression, test) in (None, TestStatus.SKIPPED)}
    if still := sorted(((base_red & facts.edited) | evaded) - facts.touched):
        return NotFixed(evidence=evidence, still_red=tuple(_red(regression, test) for test in still))
    if found.not_red:
        return WitnessNotRed(evidence=evidence, green_without_patch=tuple(sorted(found.not_red)))
    return RegressionFree(evidence=evidence)


# --- what stops a verdict ----------------------------------------------------------------------------------------


def _signs(facts: Facts) -> tuple[str, ...]:
    """Of the patch and of every run that holds its code."""
    foreign = {run.tree for run in _reference_runs(facts)}
    own = [run for run in _patched_runs(facts) if run.tree not in foreign]
    signs = list(facts.signs)
    for run in own:
        signs.extend(f"{run.kind.value} run: {sign}" for sign in run_signs(run))
    signs.extend(_replacements(facts, own))
    return tuple(dict.fromkeys(signs))


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


def _reference_runs(facts: Facts) -> tuple[TestRun, ...]:
    """Runs without a line of the patch in them."""
    return (*facts.base, facts.witness) if facts.given_tests and facts.witness is not None else facts.base


def _replacements(facts: Facts, runs: Iterable[TestRun]) -> list[str]:
    """Parts and hooks of the runner that only the patched code replaces or adds."""
    expected: set[str] = set()
    for run in _reference_runs(facts):
        expected.update(_report(run).replaced, _report(run).hooks)
    found: list[str] = []
    for run in runs:
        report = _report(run)
        found.extend(f"{part} was replaced while the tests ran" for part in report.replaced if part not in expected)
        found.extend(f"a hook was added to the runner: {hook}" for hook in report.hooks if hook not in expected)
    return found


def _patched_runs(facts: Facts) -> list[TestRun]:
    runs = [facts.witness, facts.candidate, facts.regression, *facts.confirmations]
    return [run for run in runs if run is not None]


def _inconclusive(facts: Facts) -> str:
    if not facts.base:
        return "The tests were not run on the base."
    for run in facts.base:
        if signs := run_signs(run):
            return (
                f"The base's own test suite interferes with its runner, so that no result can be believed: {signs[0]}."
            )
        if problem := trouble(run):
            return f"The test run on the base {problem}; nothing can be compared with it.{_tail(run)}"
    for run in _patched_runs(facts):
        if run.ended is Ended.LOST:
            return f"The {run.kind.value} run was lost with its container; run the verification again."
    if facts.witness is not None and (problem := trouble(facts.witness)):
        return f"The run of the witness tests without the patch {problem}; whether they are red cannot be told."
    return ""


def _nothing_ran(facts: Facts) -> str:
    reports = [_report(run) for run in (*facts.base, facts.witness, facts.candidate) if run is not None]
    if any(report.results for report in reports):
        return ""
    errors = [error for report in reports for error in report.collection_errors]
    return f"No test could be collected: {describe(errors[0])}." if errors else "The runner found no tests."


def _broken_candidate(facts: Facts) -> Red | None:
    """The run of the witness tests with the patch came to no orderly end, twice where a second was made."""
    if facts.candidate is None or not (problem := trouble(facts.candidate)):
        return None
    return Red(id=TestId(""), why=f"the run of the witness tests with the patch {problem}")


# --- regressions -------------------------------------------------------------------------------------------------


def _regressions(facts: Facts) -> tuple[tuple[Red, ...], frozenset[TestId]]:
    """(regressions, tests that turned out unstable)."""
    run = facts.regression
    if run is None:
        return (), frozenset()
    again = [other for other in _again(facts, run) if not other.selection]
    if problem := trouble(run):
        took = max(base.seconds for base in facts.base)
        why = f"the base's tests with the patch: the run {problem} (base took {took:.0f} s)"
        if not again or trouble(again[0]):
            return (Red(id=TestId(""), why=why),), frozenset()
        run = again[0]
    suspects = _lost(baseline(facts.base).green - facts.touched, run)
    confirmed = {test for test in suspects if _is_confirmed(facts, test)}
    return tuple(_red(_report(run), test) for test in sorted(confirmed)), frozenset(suspects - confirmed)


def _is_confirmed(facts: Facts, test: TestId) -> bool:
    """Lost again in a whole run, or alone where base is green alone; with no second run at all, the first stands."""
    assert facts.regression is not None
    again = _again(facts, facts.regression)
    if not again:
        return True
    alone = [run for run in again if test in run.selection]
    whole = [run for run in again if not run.selection]
    base_alone = [run for run in _confirmations(facts, facts.base[0].tree) if test in run.selection]
    green_on_base = all(test in _report(run).green for run in base_alone)
    if green_on_base and any(_lost({test}, run) for run in alone):
        return True
    return any(_lost({test}, run) for run in whole)


def _lost(tests: Iterable[TestId], run: TestRun) -> frozenset[TestId]:
    report = _report(run)
    kept = report.green | report.ids(TestStatus.SKIPPED)
    return frozenset(test for test in tests if test not in kept)


def _kept(facts: Facts, found: Witnesses) -> frozenset[TestId]:
    """PASS_TO_PASS: stably green on base, not lost; of a given test patch's files, green without and with the patch."""
    kept = frozenset[TestId]()
    if facts.regression is not None:
        green = baseline(facts.base).green - facts.touched
        kept = green - _lost(green, facts.regression)
    return kept | found.not_red if facts.given_tests else kept


# --- fixes -------------------------------------------------------------------------------------------------------


def _confirmed_fixes(facts: Facts, found: Witnesses) -> tuple[frozenset[TestId], frozenset[TestId]]:
    """(red twice without and green twice with the patch, those of which a second run disagreed)."""
    sure: set[TestId] = set()
    shaky: set[TestId] = set()
    for test in found.fixed:
        red = [test in _report(run).red for run in _confirmations(facts, _tree(facts.witness)) if test in run.selection]
        green = [
            test in _report(run).green for run in _confirmations(facts, _tree(facts.candidate)) if test in run.selection
        ]
        (sure if red and green and all(red) and all(green) else shaky).add(test)
    for test in turned_green(facts):
        again = [
            run for run in _confirmations(facts, _tree(facts.regression)) if not run.selection or test in run.selection
        ]
        (sure if again and all(test in _report(run).green for run in again) else shaky).add(test)
    return frozenset(sure), frozenset(shaky - baseline(facts.base).known)


def _red_before(facts: Facts, fixed: frozenset[TestId]) -> tuple[Red, ...]:
    base, without = _report(facts.base[0]), _report(facts.witness)
    return tuple(_red(without if test in without.results else base, test) for test in sorted(fixed))


def _no_evidence(report: TestReport, test: TestId) -> str:
    """Why the test's result without the patch is no behavioural red; "" when it is one."""
    result = report.results.get(test)
    if result is None:
        errors = [error for error in report.collection_errors if error.path and test.startswith(_stem(error.path))]
        errors = errors or list(report.collection_errors)
        cause = f" ({describe(errors[0])})" if errors else ""
        return f"does not exist without the patch: its file cannot be collected{cause}" if errors else "does not exist"
    if result.status is TestStatus.SKIPPED:
        return "skipped without the patch"
    if report.must_pass is not None and not report.must_pass.is_green:
        return "red like every test of that run, even one that cannot fail"
    return wrong_reason(result)


def _uncollected(facts: Facts, report: TestReport) -> list[Red]:
    """Collection errors of the candidate's witness files that base does not have."""
    known = {error.path for run in facts.base for error in _report(run).collection_errors}
    return [
        Red(id=TestId(error.path), why=f"cannot be collected with the patch: {describe(error)}")
        for error in report.collection_errors
        if error.path not in known
    ]


# --- small readings ----------------------------------------------------------------------------------------------


def _again(facts: Facts, run: TestRun) -> list[TestRun]:
    return _confirmations(facts, run.tree)


def _confirmations(facts: Facts, tree: str) -> list[TestRun]:
    return [run for run in facts.confirmations if run.kind is RunKind.CONFIRMATION and run.tree == tree]


def _tree(run: TestRun | None) -> str:
    return run.tree if run is not None else ""


def _report(run: TestRun | None) -> TestReport:
    return run.report if run is not None and run.report is not None else TestReport(results={})


def _status(report: TestReport, test: TestId) -> TestStatus | None:
    result = report.results.get(test)
    return result.status if result is not None else None


def _red(report: TestReport, test: TestId) -> Red:
    result = report.results.get(test)
    if result is None:
        error = next((error for error in report.collection_errors if test.startswith(_stem(error.path))), None)
        return Red(id=test, why=_NOT_RUN if error is None else f"{_NOT_RUN}: {describe(error)}")
    if result.failure is None:
        return Red(id=test, why=result.status.value)
    return Red(id=test, why=describe(result.failure))


def _stem(path: str) -> str:
    return path or "\0"


def _tail(run: TestRun) -> str:
    lines = run.output_tail.strip().split("\n")
    return f" Its last words: {lines[-1][:200]}" if lines[-1] else ""
