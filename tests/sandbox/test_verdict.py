"""`judge`, row by row, and one test for each way in which a wrong verdict was once given elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest

from sandbox.comparison import Facts, baseline, trouble, witnesses
from sandbox.confirmation import Standing, regression_sides, to_repeat, turned_green, turned_red
from sandbox.types import (
    Ended,
    Evidence,
    Failure,
    Inconclusive,
    NoTests,
    NotFixed,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestId,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)
from sandbox.verdict import judge

ASSERTION = Failure(
    phase="call", exception="builtins.AssertionError", message="assert 1 == 2", path="tests/t.py", line=3
)
MISSING = replace(ASSERTION, exception="builtins.ImportError", message="cannot import name 'x'")
P, F, S, X, E = (
    TestStatus.PASSED,
    TestStatus.FAILED,
    TestStatus.SKIPPED,
    TestStatus.XFAILED,
    TestStatus.ERROR,
)
OLD, NEW, OTHER = TestId("t.py::old"), TestId("t.py::new"), TestId("t.py::other")

Colours = Mapping[TestId, TestStatus]


def report(colours: Colours, failure: Failure = ASSERTION, **more: object) -> TestReport:
    results = {
        test: TestResult(id=test, status=status, failure=failure if status.is_red else None)
        for test, status in colours.items()
    }
    whole = TestReport(results=results, exit_code=1, complete=True, must_fail=F, must_pass=P)
    return replace(whole, **more)  # type: ignore[arg-type]


def run(kind: RunKind, tree: str, colours: Colours | TestReport | None, **more: object) -> TestRun:
    made = TestRun(
        kind=kind,
        tree=tree,
        command=("pytest",),
        ended=Ended.EXITED,
        exit_code=1,
        report=colours if isinstance(colours, TestReport) or colours is None else report(colours),
        seconds=2.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def again(tree: str, colours: Colours, selection: Iterable[TestId] = ()) -> TestRun:
    return run(RunKind.CONFIRMATION, tree, colours, selection=tuple(selection))


def base(*repeats: Colours) -> tuple[TestRun, ...]:
    return tuple(run(RunKind.BASE, "base", colours) for colours in (repeats or ({OLD: P}, {OLD: P})))


def regression(colours: Colours | TestReport, **more: object) -> TestRun:
    return run(RunKind.REGRESSION, "regression", colours, **more)


def witness(colours: Colours | TestReport, **more: object) -> TestRun:
    return run(RunKind.WITNESS, "witness", colours, **more)


def candidate(colours: Colours | TestReport, **more: object) -> TestRun:
    return run(RunKind.CANDIDATE, "candidate", colours, **more)


def fixing(**changes: object) -> Facts:
    """A fix with its witness, confirmed: Verified unless something is changed."""
    facts = Facts(
        base=base(),
        witness=witness({OLD: P, NEW: F}),
        candidate=candidate({OLD: P, NEW: P}),
        regression=regression({OLD: P}),
        confirmations=(again("witness", {NEW: F}, [NEW]), again("candidate", {NEW: P}, [NEW])),
    )
    return replace(facts, **changes)  # type: ignore[arg-type]


# --- the rows of the table ---------------------------------------------------------------------------------------


def test_a_confirmed_fix_by_exit_code_alone_is_no_proof() -> None:
    verdict = judge(fixing(evidence=Evidence(exit_code_only=True)))
    assert isinstance(verdict, WitnessInvalid)
    assert [red.id for red in verdict.invalid] == [NEW]
    assert verdict.evidence.fail_to_pass == ()
    assert verdict.evidence.pass_to_pass == (OLD,)


def test_a_confirmed_fix_is_verified() -> None:
    verdict = judge(fixing())
    assert isinstance(verdict, Verified)
    assert verdict.evidence.fail_to_pass == (NEW,)
    assert verdict.evidence.pass_to_pass == (OLD,)
    assert verdict.red_before[0].why == "AssertionError: assert 1 == 2 (tests/t.py:3)"


def test_a_base_test_that_turns_green_is_a_fix() -> None:
    verdict = judge(
        Facts(
            base=base({OLD: P, OTHER: F}, {OLD: P, OTHER: F}),
            regression=regression({OLD: P, OTHER: P}),
            confirmations=(again("regression", {OTHER: P}, [OTHER]), again("base", {OTHER: F}, [OTHER])),
        )
    )
    assert isinstance(verdict, Verified)
    assert verdict.evidence.fail_to_pass == (OTHER,)


def test_nothing_changed_is_free_of_regressions_and_no_more() -> None:
    assert isinstance(judge(Facts(base=base(), regression=regression({OLD: P}))), RegressionFree)


def test_a_witness_green_without_the_patch_is_not_red() -> None:
    verdict = judge(fixing(witness=witness({OLD: P, NEW: P})))
    assert isinstance(verdict, WitnessNotRed)
    assert verdict.green_without_patch == (NEW,)


def test_given_tests_that_are_all_green_without_the_patch_prove_nothing() -> None:
    verdict = judge(fixing(given_tests=True, witness=witness({OLD: P, NEW: P}), confirmations=()))
    assert isinstance(verdict, WitnessNotRed)


def test_a_missing_symbol_is_no_witness() -> None:
    verdict = judge(fixing(witness=witness(report({NEW: F}, MISSING))))
    assert isinstance(verdict, WitnessInvalid)
    assert "could not load" in verdict.invalid[0].why


def test_a_witness_that_stays_red_is_not_fixed() -> None:
    verdict = judge(fixing(candidate=candidate({OLD: P, NEW: F}), confirmations=()))
    assert isinstance(verdict, NotFixed)
    assert verdict.still_red[0].id == NEW


def test_a_new_test_that_only_the_patch_turns_red_is_not_fixed() -> None:
    verdict = judge(fixing(witness=witness({NEW: P}), candidate=candidate({NEW: F}), confirmations=()))
    assert isinstance(verdict, NotFixed)


def test_a_given_test_that_only_the_patch_turns_red_is_a_regression() -> None:
    verdict = judge(
        fixing(given_tests=True, witness=witness({NEW: P}), candidate=candidate({NEW: F}), confirmations=())
    )
    assert isinstance(verdict, Regressed)


def test_a_confirmed_loss_is_a_regression_even_beside_a_fix() -> None:
    confirmations = (*fixing().confirmations, again("regression", {OLD: F}, [OLD]), again("base", {OLD: P}, [OLD]))
    verdict = judge(fixing(regression=regression({OLD: F}), confirmations=confirmations))
    assert isinstance(verdict, Regressed)
    assert verdict.turned_red[0].id == OLD


def test_a_sign_in_the_patch_is_tampering() -> None:
    assert isinstance(judge(fixing(signs=("sitecustomize.py: ...",))), Tampered)


def test_no_result_at_all_is_no_tests() -> None:
    verdict = judge(Facts(base=base({}, {}), regression=regression({})))
    assert isinstance(verdict, NoTests)
    assert verdict.why == "The runner found no tests."


def test_a_suite_that_cannot_be_collected_has_no_tests() -> None:
    error = Failure(phase="collect", exception="builtins.SyntaxError", message="invalid syntax", path="t.py")
    broken = run(RunKind.BASE, "base", report({}, collection_errors=(error,)))
    verdict = judge(Facts(base=(broken, broken), regression=regression({})))
    assert isinstance(verdict, NoTests)
    assert "SyntaxError" in verdict.why


def test_a_first_test_in_a_repository_without_any_can_be_verified() -> None:
    verdict = judge(fixing(base=base({}, {}), regression=regression({})))
    assert isinstance(verdict, Verified)
    assert verdict.evidence.pass_to_pass == ()


# --- skipped, expected, absent -----------------------------------------------------------------------------------


def test_skipped_test_is_not_a_fix() -> None:
    assert isinstance(judge(fixing(candidate=candidate({NEW: S}), confirmations=())), NotFixed)


def test_skipped_before_and_after_says_nothing() -> None:
    verdict = judge(fixing(witness=witness({NEW: S}), candidate=candidate({NEW: S})))
    assert isinstance(verdict, RegressionFree)


def test_skipped_without_the_patch_is_not_red() -> None:
    verdict = judge(fixing(witness=witness({NEW: S})))
    assert isinstance(verdict, WitnessInvalid)
    assert verdict.invalid[0].why == "skipped without the patch"


def test_skipped_test_is_not_broken() -> None:
    verdict = judge(Facts(base=base(), regression=regression({OLD: S})))
    assert isinstance(verdict, RegressionFree)


def test_skipped_test_is_not_told_as_passed() -> None:
    both = {OLD: P, OTHER: P}
    verdict = judge(Facts(base=base(both, both), regression=regression({OLD: S, OTHER: P})))
    assert verdict.evidence.pass_to_pass == (OTHER,)


def test_green_that_is_skipped_with_the_patch_is_kept_for_given_tests() -> None:
    facts = fixing(given_tests=True, witness=witness({NEW: P}), candidate=candidate({NEW: S}))
    assert witnesses(facts).lost == ()


def test_expected_failure_counts_as_green() -> None:
    verdict = judge(Facts(base=base({OLD: P, OTHER: X}, {OLD: P, OTHER: X}), regression=regression({OLD: X, OTHER: P})))
    assert isinstance(verdict, RegressionFree)
    assert verdict.evidence.pass_to_pass == (OLD, OTHER)


def test_absent_test_is_not_passed() -> None:
    verdict = judge(Facts(base=base(), regression=regression({})))
    assert isinstance(verdict, Regressed)
    assert verdict.turned_red[0].why == "did not run"


def test_absent_for_an_import_error_says_so() -> None:
    error = Failure(phase="collect", exception="builtins.ImportError", message="no module", path="t.py")
    verdict = judge(Facts(base=base(), regression=regression(report({}, collection_errors=(error,)))))
    assert isinstance(verdict, Regressed)
    assert verdict.turned_red[0].why == "did not run: ImportError: no module"


def test_witness_absent_with_the_patch_is_not_fixed() -> None:
    assert isinstance(judge(fixing(candidate=candidate({}), confirmations=())), NotFixed)


def test_witness_absent_without_the_patch_is_no_red() -> None:
    error = Failure(phase="collect", exception="builtins.ImportError", message="cannot import", path="t.py")
    verdict = judge(fixing(witness=witness(report({}, collection_errors=(error,)))))
    assert isinstance(verdict, WitnessInvalid)
    assert "its file cannot be collected" in verdict.invalid[0].why
    elsewhere = replace(error, path="u.py")
    verdict = judge(fixing(witness=witness(report({}, collection_errors=(elsewhere,)))))
    assert isinstance(verdict, WitnessInvalid)


def test_a_parameter_that_only_the_patch_makes_is_no_red() -> None:
    verdict = judge(fixing(witness=witness({OLD: P})))
    assert isinstance(verdict, WitnessInvalid)
    assert verdict.invalid[0].why == "does not exist without the patch"


def test_new_tests_that_cannot_be_collected_with_the_patch_are_not_fixed() -> None:
    error = Failure(phase="collect", exception="builtins.ImportError", message="cannot import", path="t.py")
    verdict = judge(fixing(candidate=candidate(report({NEW: P}, collection_errors=(error,)))))
    assert isinstance(verdict, NotFixed)
    assert "cannot be collected with the patch" in verdict.still_red[0].why


def test_a_collection_error_that_base_has_too_is_not_held_against_the_patch() -> None:
    error = Failure(phase="collect", exception="builtins.ImportError", message="no extra", path="u.py")
    known = tuple(run(RunKind.BASE, "base", report({OLD: P}, collection_errors=(error,))) for _ in range(2))
    verdict = judge(fixing(base=known, candidate=candidate(report({NEW: P}, collection_errors=(error,)))))
    assert isinstance(verdict, Verified)


def test_red_in_set_up_is_no_witness() -> None:
    failure = replace(ASSERTION, phase="setup")
    assert isinstance(judge(fixing(witness=witness(report({NEW: E}, failure)))), WitnessInvalid)


def test_a_run_in_which_everything_is_red_witnesses_nothing() -> None:
    verdict = judge(fixing(witness=witness(report({NEW: F}, must_pass=E))))
    assert isinstance(verdict, WitnessInvalid)
    assert "cannot fail" in verdict.invalid[0].why


# --- existing tests, edited or evaded ----------------------------------------------------------------------------


def test_deleting_a_red_test_does_not_fix_it() -> None:
    red = {OLD: P, OTHER: F}
    verdict = judge(Facts(base=base(red, red), regression=regression(red), edited=frozenset({OTHER})))
    assert isinstance(verdict, NotFixed)
    assert verdict.still_red[0].id == OTHER


@pytest.mark.parametrize("after", [{OLD: P, OTHER: S}, {OLD: P}], ids=["skipped", "absent"])
def test_making_a_red_test_not_run_does_not_fix_it(after: Colours) -> None:
    red = {OLD: P, OTHER: F}
    assert isinstance(judge(Facts(base=base(red, red), regression=regression(after))), NotFixed)


def test_a_red_test_that_nobody_touches_stays_base_s_affair() -> None:
    red = {OLD: P, OTHER: F}
    assert isinstance(judge(Facts(base=base(red, red), regression=regression(red))), RegressionFree)


def test_an_edited_existing_test_is_no_witness() -> None:
    verdict = judge(fixing(witness=witness({OLD: F, NEW: F})))
    assert isinstance(verdict, Verified)
    assert verdict.evidence.fail_to_pass == (NEW,)


def test_files_that_given_tests_touch_are_judged_by_them() -> None:
    verdict = judge(
        fixing(
            given_tests=True,
            touched=frozenset({OLD}),
            witness=witness({OLD: F}),
            candidate=candidate({OLD: P}),
            regression=regression({OLD: F}),
            confirmations=(again("witness", {OLD: F}, [OLD]), again("candidate", {OLD: P}, [OLD])),
        )
    )
    assert isinstance(verdict, Verified)
    assert verdict.evidence.fail_to_pass == (OLD,)


def test_a_given_test_that_is_red_anyway_is_not_held_against_the_patch() -> None:
    red = {OLD: P, OTHER: F}
    verdict = judge(
        fixing(
            given_tests=True,
            base=base(red, red),
            touched=frozenset({OTHER}),
            witness=witness({OTHER: F, NEW: F}),
            candidate=candidate({OTHER: F, NEW: P}),
        )
    )
    assert isinstance(verdict, Verified)


# --- flaky tests -------------------------------------------------------------------------------------------------


def test_a_test_that_differs_between_base_runs_counts_for_nothing() -> None:
    verdict = judge(
        fixing(base=base({OLD: P, OTHER: P}, {OLD: P, OTHER: F}), regression=regression({OLD: P, OTHER: F}))
    )
    assert isinstance(verdict, Verified)
    assert verdict.evidence.flaky == (OTHER,)


def test_a_test_absent_from_one_base_run_is_flaky() -> None:
    assert baseline(base({OLD: P, OTHER: P}, {OLD: P})).flaky == {OTHER}


def test_a_loss_that_a_second_run_does_not_show_is_flaky() -> None:
    facts = Facts(base=base(), regression=regression({OLD: F}))
    facts = replace(facts, confirmations=(again("regression", {OLD: P}, [OLD]), again("base", {OLD: P}, [OLD])))
    assert to_repeat(regression_sides(facts), Standing.WHOLE, [OLD]) == (OLD,)
    verdict = judge(replace(facts, confirmations=(*facts.confirmations, again("regression", {OLD: P}))))
    assert isinstance(verdict, RegressionFree)
    assert verdict.evidence.flaky == (OLD,)
    assert verdict.evidence.pass_to_pass == ()


def test_tests_that_break_each_other_are_a_regression_though_each_is_green_alone() -> None:
    facts = Facts(
        base=base(),
        regression=regression({OLD: F}),
        confirmations=(
            again("regression", {OLD: P}, [OLD]),
            again("base", {OLD: P}, [OLD]),
            again("regression", {OLD: F}),
        ),
    )
    assert isinstance(judge(facts), Regressed)


def test_a_test_that_is_red_alone_on_base_too_needs_the_whole_run() -> None:
    confirmations = (again("regression", {OLD: F}, [OLD]), again("base", {OLD: F}, [OLD]))
    facts = Facts(base=base(), regression=regression({OLD: F}), confirmations=confirmations)
    assert to_repeat(regression_sides(facts), Standing.WHOLE, [OLD]) == (OLD,)
    assert isinstance(judge(replace(facts, confirmations=(*confirmations, again("regression", {OLD: F})))), Regressed)


def test_before_a_second_look_a_test_is_to_be_seen_alone() -> None:
    sides = regression_sides(Facts(base=base(), regression=regression({OLD: F})))
    assert to_repeat(sides, Standing.WHOLE, [OLD]) == ()
    assert to_repeat(sides, Standing.ALONE, [OLD]) == (OLD,)


@pytest.mark.parametrize(
    "confirmations",
    [
        (),
        (again("witness", {NEW: P}, [NEW]), again("candidate", {NEW: P}, [NEW])),
        (again("witness", {NEW: F}, [NEW]), again("candidate", {NEW: F}, [NEW])),
    ],
    ids=["not made", "green without the patch", "red with the patch"],
)
def test_a_fix_needs_a_second_run_that_agrees(confirmations: tuple[TestRun, ...]) -> None:
    verdict = judge(fixing(confirmations=confirmations))
    assert isinstance(verdict, WitnessInvalid)
    assert "at random" in verdict.invalid[0].why


def test_a_base_test_that_turns_green_by_chance_is_no_fix() -> None:
    red = {OLD: P, OTHER: F}
    confirmations = (again("regression", {OTHER: P}, [OTHER]), again("base", {OTHER: P}, [OTHER]))
    verdict = judge(Facts(base=base(red, red), regression=regression({OLD: P, OTHER: P}), confirmations=confirmations))
    assert isinstance(verdict, RegressionFree)
    assert OTHER in verdict.evidence.flaky


# --- tampering ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change",
    [
        {"regression": regression(report({OLD: P}, tamper_signs=("forged",)))},
        {"candidate": candidate({NEW: P}, tamper_signs=("a process left behind",))},
        {"witness": witness({NEW: F}, exit_code=0)},
        {"regression": regression(report({OLD: P}, complete=False), exit_code=0)},
        {"regression": run(RunKind.REGRESSION, "regression", None, exit_code=0)},
        {"regression": regression(report({OLD: P}, replaced=("TestReport.__init__",)))},
        {"candidate": candidate(report({NEW: P}, hooks=("pytest_runtest_makereport:shelf",)))},
    ],
    ids=["forged", "process", "exit code", "success before the end", "no report", "replaced", "hook"],
)
def test_a_run_that_was_interfered_with_is_tampering(change: dict[str, object]) -> None:
    assert isinstance(judge(fixing(**change)), Tampered)


def test_what_the_base_s_own_suite_replaces_is_no_sign() -> None:
    replaced = tuple(run(RunKind.BASE, "base", report({OLD: P}, replaced=("TestCase.run",))) for _ in range(2))
    facts = fixing(base=replaced, regression=regression(report({OLD: P}, replaced=("TestCase.run",))))
    assert isinstance(judge(facts), Verified)


def test_what_given_tests_bring_along_is_no_sign() -> None:
    hooks = ("pytest_runtest_makereport:tests/conftest.py",)
    facts = fixing(
        given_tests=True,
        witness=witness(report({NEW: F}, hooks=hooks)),
        candidate=candidate(report({NEW: P}, hooks=hooks)),
    )
    assert isinstance(judge(facts), Verified)


def test_given_tests_that_interfere_with_the_runner_are_inconclusive() -> None:
    forged = witness(report({NEW: F}, tamper_signs=("canary green",)))
    assert isinstance(judge(fixing(given_tests=True, witness=forged)), Inconclusive)


def test_a_suite_that_forges_its_own_report_is_inconclusive() -> None:
    forged = run(RunKind.BASE, "base", report({OLD: P}, tamper_signs=("canary green",)))
    verdict = judge(fixing(base=(forged, forged)))
    assert isinstance(verdict, Inconclusive)
    assert "canary green" in verdict.cause


# --- infrastructure ----------------------------------------------------------------------------------------------


def test_without_a_base_run_nothing_can_be_said() -> None:
    assert isinstance(judge(Facts()), Inconclusive)


@pytest.mark.parametrize("ended", [Ended.TIMED_OUT, Ended.OUT_OF_MEMORY, Ended.KILLED, Ended.LOST])
def test_a_base_run_that_does_not_end_well_is_inconclusive(ended: Ended) -> None:
    lost = run(RunKind.BASE, "base", None, ended=ended, exit_code=None, output_tail="Killed\n")
    verdict = judge(fixing(base=(lost, lost)))
    assert isinstance(verdict, Inconclusive)
    assert "Killed" in verdict.cause


def test_a_runner_that_gives_up_on_base_is_inconclusive() -> None:
    usage = run(RunKind.BASE, "base", report({}, exit_code=4), exit_code=4)
    verdict = judge(fixing(base=(usage, usage)))
    assert isinstance(verdict, Inconclusive)
    assert "exit code 4" in verdict.cause


def test_a_run_with_the_patch_that_is_lost_is_never_the_patch_s_fault() -> None:
    verdict = judge(fixing(regression=regression({}, ended=Ended.LOST)))
    assert isinstance(verdict, Inconclusive)


def test_witness_tests_that_do_not_end_without_the_patch_cannot_be_called_red() -> None:
    assert isinstance(judge(fixing(witness=witness({}, ended=Ended.TIMED_OUT))), Inconclusive)


def test_a_patch_that_makes_the_suite_hang_has_regressed() -> None:
    verdict = judge(fixing(regression=regression({}, ended=Ended.TIMED_OUT, seconds=66.0)))
    assert isinstance(verdict, Regressed)
    assert "did not end within 66 s (base took 2 s)" in verdict.turned_red[0].why


def test_a_patch_that_crashes_the_interpreter_has_regressed() -> None:
    crashed = regression(report({OLD: P}, complete=False, exit_code=None), exit_code=139)
    verdict = judge(fixing(regression=crashed))
    assert isinstance(verdict, Regressed)
    assert "exit code 139" in verdict.turned_red[0].why


def test_witness_tests_that_do_not_end_with_the_patch_are_not_fixed() -> None:
    broken = candidate(report({NEW: P}, complete=False, exit_code=None), ended=Ended.OUT_OF_MEMORY, exit_code=137)
    verdict = judge(fixing(candidate=broken))
    assert isinstance(verdict, NotFixed)
    assert "ran out of memory" in verdict.still_red[0].why


# --- the words that verify asks with -----------------------------------------------------------------------------


def test_an_orderly_run_has_no_trouble() -> None:
    assert trouble(regression({OLD: P})) == ""


def test_before_the_first_runs_nothing_turned() -> None:
    facts = Facts(base=base())
    assert turned_red(facts) == frozenset()
    assert turned_green(facts) == frozenset()
    assert witnesses(facts).fixed == frozenset()


def test_a_test_in_a_source_file_that_the_patch_rewrites_is_no_fix() -> None:
    doctest = Facts(
        base=base({OLD: P, OTHER: F}, {OLD: P, OTHER: F}),
        regression=regression({OLD: P, OTHER: P}),
        confirmations=(again("regression", {OTHER: P}, [OTHER]), again("base", {OTHER: F}, [OTHER])),
    )
    assert isinstance(judge(doctest), Verified)
    assert isinstance(judge(replace(doctest, rewritten=frozenset({OTHER}))), RegressionFree)


def test_the_evidence_known_before_is_kept() -> None:
    known = Evidence(ignored_test_edits=("t.py::old",), flagged_paths=("conftest.py",), selection="1 of 2")
    evidence = judge(fixing(evidence=known)).evidence
    assert evidence.ignored_test_edits == ("t.py::old",)
    assert evidence.flagged_paths == ("conftest.py",)
    assert evidence.selection == "1 of 2"


def test_a_run_on_a_tree_without_the_patch_s_source_keeps_what_base_keeps() -> None:
    verdict = judge(Facts(base=base()))
    assert isinstance(verdict, RegressionFree)
    assert verdict.evidence.pass_to_pass == ()


def test_a_result_without_a_failure_is_told_by_its_status() -> None:
    bare = TestReport(results={NEW: TestResult(id=NEW, status=F)}, exit_code=1, complete=True, must_fail=F, must_pass=P)
    verdict = judge(fixing(candidate=candidate(bare), confirmations=()))
    assert isinstance(verdict, NotFixed)
    assert verdict.still_red[0].why == "failed"
