"""`judge`: from the runs of one verification to its verdict. Pure; the table of docs/verdicts.md, row by row.

Everything unknown is `Inconclusive`, everything absent is not passed, and one observation is no proof: what is called
fixed was red twice and green twice, what is called broken was broken twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from sandbox.behaviour import describe
from sandbox.comparison import (
    Facts,
    Witnesses,
    baseline,
    hung,
    kept,
    red_of,
    report_of,
    run_signs,
    status_of,
    trouble,
    witnesses,
)
from sandbox.confirmation import (
    changed_by_environment,
    confirmed_fixes,
    flakiness,
    lost_witnesses,
    random_reds,
    regressions,
    shaken,
)
from sandbox.hanging import hanging
from sandbox.types import (
    Ended,
    Evidence,
    Inconclusive,
    NoTests,
    NotFixed,
    Red,
    Regressed,
    RegressionFree,
    Tampered,
    TestId,
    TestRun,
    TestStatus,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)


def judge(facts: Facts) -> Verdict:
    flaky = baseline(facts.base).flaky
    evidence = replace(
        facts.evidence,
        flaky=tuple(sorted(flaky)),
        flakiness=flakiness(facts.base, flaky),
        hanging=hung(facts),
    )
    if signs := _signs(facts):
        return Tampered(evidence=evidence, signs=signs)
    if cause := _inconclusive(facts):
        return Inconclusive(evidence=evidence, cause=cause)
    if why := _nothing_ran(facts):
        return NoTests(evidence=evidence, why=why)
    regressed, unstable = regressions(facts)
    found = witnesses(facts)
    fixed, shaky = confirmed_fixes(facts, found)
    lost, doubtful = lost_witnesses(facts, found)
    random = random_reds(facts, found.still_red)
    evidence = replace(
        evidence,
        fail_to_pass=() if evidence.exit_code_only else tuple(sorted(fixed)),
        pass_to_pass=tuple(sorted(kept(facts, found) - unstable)),
        flaky=tuple(sorted({*evidence.flaky, *unstable, *shaky, *doubtful, *random})),
        signs=(
            *evidence.signs,
            *shaken(facts, unstable),
            *_unproved_twins(facts, fixed),
            *_left_behind(facts),
            *_red_by_the_clock(facts, fixed),
        ),
    )
    if regressed or lost:
        return Regressed(evidence=evidence, turned_red=(*regressed, *lost))
    if still_red := tuple(red for red in found.still_red if red.id not in random):
        return NotFixed(evidence=evidence, still_red=still_red)
    if broken := _broken_candidate(facts):
        return NotFixed(evidence=evidence, still_red=(broken,))
    if fixed and evidence.exit_code_only:
        # Red by behaviour is what nobody saw: docs/decisions/exit-codes-prove-no-fix.md.
        return WitnessInvalid(evidence=evidence, invalid=_red_before(facts, fixed))
    if fixed:
        return Verified(evidence=evidence, red_before=_red_before(facts, fixed))
    return _unproven(facts, found, (shaky & found.fixed) | random, evidence)


def _unproven(facts: Facts, found: Witnesses, shaky: frozenset[TestId], evidence: Evidence) -> Verdict:
    """Nothing went red to green: why not."""
    disagreeing = tuple(Red(id=test, why=_disagreement(facts, test)) for test in sorted(shaky))
    if invalid := (*found.invalid, *disagreeing):
        return WitnessInvalid(evidence=evidence, invalid=invalid)
    if found.not_red and not facts.given_tests:
        return WitnessNotRed(evidence=evidence, green_without_patch=tuple(sorted(found.not_red)))
    regression = report_of(facts.regression)
    base_red = baseline(facts.base).red
    evaded = {test for test in base_red if status_of(regression, test) in (None, TestStatus.SKIPPED)}
    if still := sorted(((base_red & facts.edited) | evaded) - facts.touched):
        return NotFixed(evidence=evidence, still_red=tuple(red_of(regression, test) for test in still))
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
    signs.extend(_twins_that_pass(facts))
    return tuple(dict.fromkeys(signs))


def _reference_runs(facts: Facts) -> tuple[TestRun, ...]:
    """Runs without a line of the patch in them."""
    return (*facts.base, facts.witness) if facts.given_tests and facts.witness is not None else facts.base


def _replacements(facts: Facts, runs: Iterable[TestRun]) -> list[str]:
    """Parts and hooks of the runner that only the patched code replaces or adds."""
    expected: set[str] = set()
    for run in _reference_runs(facts):
        expected.update(report_of(run).replaced, report_of(run).hooks)
    found: list[str] = []
    for run in runs:
        report = report_of(run)
        found.extend(f"{part} was replaced while the tests ran" for part in report.replaced if part not in expected)
        found.extend(f"a hook was added to the runner: {hook}" for hook in report.hooks if hook not in expected)
    return found


def _twins_that_pass(facts: Facts) -> list[str]:
    """Tests that stay green although they expect what cannot be: their results are forged, or anything suits them."""
    return [
        f"{test} stays green when what it expects is made impossible"
        for run in facts.twins
        for test in run.selection
        if status_of(report_of(run), test) in (TestStatus.PASSED, TestStatus.XPASSED)
    ]


def _unproved_twins(facts: Facts, fixed: Iterable[TestId]) -> tuple[str, ...]:
    """Fixed tests whose twin was run and gave no result."""
    seen = {test: status_of(report_of(run), test) for run in facts.twins if not trouble(run) for test in run.selection}
    return tuple(
        f"{test} could not be run with an expectation that nothing can meet"
        for test in sorted(fixed)
        if test in seen and seen[test] in (None, TestStatus.SKIPPED)
    )


def _left_behind(facts: Facts) -> tuple[str, ...]:
    """Processes that outlived a run with the patch, more than without it. They came too late to change what counted."""
    usual = max((run.left_processes for run in _reference_runs(facts)), default=0)
    left = max((run.left_processes for run in _patched_runs(facts)), default=0)
    return (f"{left} process(es) outlived a run with the patch, and {usual} one without it",) if left > usual else ()


def _red_by_the_clock(facts: Facts, fixed: frozenset[TestId]) -> tuple[str, ...]:
    """Fixed tests whose red is that they did not come to an end: an endless loop is behaviour, a long wait is not."""
    ended = hanging([facts.witness] if facts.witness is not None else [])
    return tuple(f"{red.id} {red.why} without the patch: that is all that was red" for red in ended if red.id in fixed)


def _disagreement(facts: Facts, test: TestId) -> str:
    if ways := changed_by_environment(facts, test):
        return f"depends on its environment: a run with {ways} disagreed"
    return "red or green at random: a second run disagreed"


def _patched_runs(facts: Facts) -> list[TestRun]:
    runs = [facts.witness, facts.candidate, facts.regression, *facts.confirmations, *facts.twins]
    return [run for run in runs if run is not None]


def _inconclusive(facts: Facts) -> str:
    if not facts.base:
        return "The tests were not run on the base."
    for run in _reference_runs(facts):
        if signs := run_signs(run):
            return f"The suite interferes with its runner even without the patch; nothing can be believed: {signs[0]}."
    for run in facts.base:
        if problem := trouble(run):
            return f"The test run on the base {problem}; nothing can be compared with it.{_tail(run)}"
    for run in _patched_runs(facts):
        if run.ended is Ended.LOST:
            return f"The {run.kind.value} run was lost with its container; run the verification again."
    if facts.witness is not None and (problem := trouble(facts.witness)):
        return f"The run of the witness tests without the patch {problem}; whether they are red cannot be told."
    for run in facts.twins:
        if problem := trouble(run):
            return f"The run of what was fixed, with expectations that nothing can meet, {problem}."
    return ""


def _nothing_ran(facts: Facts) -> str:
    reports = [report_of(run) for run in (*facts.base, facts.witness, facts.candidate) if run is not None]
    if any(report.results for report in reports):
        return ""
    errors = [error for report in reports for error in report.collection_errors]
    return f"No test could be collected: {describe(errors[0])}." if errors else "The runner found no tests."


def _broken_candidate(facts: Facts) -> Red | None:
    """The run of the witness tests with the patch came to no orderly end, twice where a second was made."""
    if facts.candidate is None or not (problem := trouble(facts.candidate)):
        return None
    return Red(id=TestId(""), why=f"the run of the witness tests with the patch {problem}")


def _red_before(facts: Facts, fixed: frozenset[TestId]) -> tuple[Red, ...]:
    base, without = report_of(facts.base[0]), report_of(facts.witness)
    return tuple(red_of(without if test in without.results else base, test) for test in sorted(fixed))


def _tail(run: TestRun) -> str:
    lines = run.output_tail.strip().split("\n")
    return f" Its last words: {lines[-1][:200]}" if lines[-1] else ""
