"""Tests that do not come to an end: named, left out, counted neither way. Pure; real ones in `test_hanging_docker`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox import hanging
from sandbox.comparison import Facts, baseline, trouble, witnesses
from sandbox.types import (
    Ended,
    Evidence,
    Failure,
    Inconclusive,
    Red,
    Regressed,
    RegressionFree,
    RunKind,
    TestId,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Verified,
)
from sandbox.verdict import judge

P, F = TestStatus.PASSED, TestStatus.FAILED
FINE, STUCK, NEW = TestId("t.py::fine"), TestId("t.py::stuck"), TestId("t.py::new")
ASSERTION = Failure(phase="call", exception="builtins.AssertionError", message="assert 1 == 2", path="t.py", line=3)
CLOCK = Failure(phase="call", exception="reporter.TestTimedOut", message="took longer than 10 s", path="t.py", line=3)


def result(test: TestId, failure: Failure | None = None, seconds: float = 0.1) -> TestResult:
    return TestResult(id=test, status=F if failure else P, failure=failure, seconds=seconds)


def run(kind: RunKind, *results: TestResult, tree: str = "base", **more: object) -> TestRun:
    report = TestReport(results={one.id: one for one in results}, exit_code=1, complete=True, must_fail=F, must_pass=P)
    made = TestRun(
        kind=kind,
        tree=tree,
        command=("pytest",),
        ended=Ended.EXITED,
        exit_code=1,
        report=report,
        seconds=12.0,
        test_seconds=10.0,
    )
    return replace(made, **more)  # type: ignore[arg-type]


def cut(kind: RunKind, *results: TestResult, began: float, tree: str = "base", **more: object) -> TestRun:
    """A run that was ended while STUCK ran."""
    whole = run(kind, *results, tree=tree, seconds=60.0, ended=Ended.TIMED_OUT, exit_code=124)
    assert whole.report is not None
    report = replace(whole.report, complete=False, exit_code=None, unfinished={STUCK: began})
    return replace(whole, report=report, **more)  # type: ignore[arg-type]


ENDED_BY_ITS_CLOCK = run(RunKind.BASE, result(FINE), result(STUCK, CLOCK, 10.0))


def test_a_test_that_its_clock_ended_hangs() -> None:
    assert hanging.hanging([ENDED_BY_ITS_CLOCK]) == (Red(id=STUCK, why="did not end within 10 s"),)


@pytest.mark.parametrize(
    "failure",
    [
        Failure(phase="call", exception="timeout", message="the test did not come to an end in its time"),
        Failure(phase="call", exception="exit", message="the test did not come to an end in its time"),
    ],
)
def test_go_and_rust_say_it_in_their_way(failure: Failure) -> None:
    assert hanging.ids(hanging.hanging([run(RunKind.BASE, result(STUCK, failure))])) == {STUCK}


def test_without_a_known_limit_what_it_took_is_told() -> None:
    made = run(RunKind.BASE, result(STUCK, CLOCK, 44.0), test_seconds=0.0)
    assert hanging.hanging([made])[0].why == "did not end within 44 s"


def test_a_test_that_was_running_for_longer_than_its_time_hangs() -> None:
    assert hanging.hanging([cut(RunKind.BASE, began=1.0)]) == (Red(id=STUCK, why="did not end within 59 s"),)


@pytest.mark.parametrize(
    "made",
    [
        cut(RunKind.BASE, began=55.0),
        cut(RunKind.BASE, began=1.0, test_seconds=0.0),
        cut(RunKind.BASE, began=1.0, ended=Ended.KILLED),
        replace(cut(RunKind.BASE, began=1.0), report=None),
        run(RunKind.BASE, result(STUCK, ASSERTION)),
    ],
)
def test_what_only_was_running_at_the_end_does_not(made: TestRun) -> None:
    assert hanging.hanging([made]) == ()


def test_a_report_that_tells_a_later_time_than_the_runs_gives_no_negative_one() -> None:
    assert hanging.unfinished(cut(RunKind.BASE, began=70.0)) == {STUCK: 0.0}


def test_the_limit_on_base_is_a_share_of_the_budget() -> None:
    assert hanging.seconds_on_base(1800.0) == 300.0
    assert hanging.seconds_on_base(60.0) == 30.0


def test_the_limit_with_the_patch_follows_what_base_took() -> None:
    assert hanging.seconds_with_patch(0.1) == 30.0
    assert hanging.seconds_with_patch(4.0) == 80.0
    assert hanging.seconds_with_patch(0.1, asked=3.0) == 3.0
    assert hanging.seconds_with_patch(4.0, asked=3.0) == 80.0


def test_what_a_run_took_without_what_hung() -> None:
    assert hanging.seconds_without(ENDED_BY_ITS_CLOCK) == 2.0
    assert hanging.seconds_without(cut(RunKind.BASE, began=1.0)) == 60.0
    assert hanging.seconds_without(replace(cut(RunKind.BASE, began=1.0), report=None)) == 60.0


def test_only_runners_that_can_leave_tests_out_are_asked_to() -> None:
    runs = (cut(RunKind.BASE, began=1.0), cut(RunKind.BASE, began=1.0))
    assert hanging.to_leave_out(runs, "pytest") == (STUCK,)
    assert hanging.to_leave_out(runs, "jest") == ()
    assert hanging.is_stuck(runs, "pytest")
    assert not hanging.is_stuck(runs, "jest")


def test_base_is_run_again_only_where_its_time_was_over_and_something_is_left_to_leave_out() -> None:
    assert not hanging.is_stuck((ENDED_BY_ITS_CLOCK, ENDED_BY_ITS_CLOCK), "pytest")
    assert not hanging.is_stuck((cut(RunKind.BASE, began=58.0),), "pytest")
    again = run(RunKind.BASE, result(FINE), without=(STUCK,))
    assert not hanging.is_stuck((cut(RunKind.BASE, began=1.0), again), "pytest")
    assert not hanging.is_stuck((cut(RunKind.BASE, began=1.0), replace(again, ended=Ended.TIMED_OUT)), "pytest")


def test_runs_that_ended_in_what_later_ones_leave_out_count_no_more() -> None:
    stuck, again = cut(RunKind.BASE, began=1.0), run(RunKind.BASE, result(FINE), without=(STUCK,))
    assert hanging.counted((stuck, stuck, again, again)) == (again, again)
    assert hanging.counted((stuck, stuck)) == (stuck, stuck)
    assert hanging.counted((ENDED_BY_ITS_CLOCK, again)) == (ENDED_BY_ITS_CLOCK, again)


# --- what it means for a verdict -----------------------------------------------------------------------------------


BASE = (ENDED_BY_ITS_CLOCK, run(RunKind.BASE, result(FINE), without=(STUCK,)))


def test_what_hangs_on_base_is_neither_green_nor_red_nor_flaky() -> None:
    known = baseline((ENDED_BY_ITS_CLOCK, run(RunKind.BASE, result(FINE), result(STUCK))))
    assert known.hanging == {STUCK}
    assert known.known == {FINE, STUCK}
    assert (known.green, known.red, known.flaky) == ({FINE}, frozenset(), frozenset())


def test_what_hangs_on_base_is_no_fix_and_is_named() -> None:
    regression = run(RunKind.REGRESSION, result(FINE), result(STUCK), tree="regression")
    verdict = judge(Facts(base=BASE, regression=regression))
    assert isinstance(verdict, RegressionFree)
    assert verdict.evidence.hanging == (Red(id=STUCK, why="did not end within 10 s"),)
    assert verdict.evidence.pass_to_pass == (FINE,)
    assert verdict.evidence.flaky == ()


def test_given_tests_that_hang_on_base_are_no_witnesses_though_the_runs_that_showed_it_count_no_more() -> None:
    facts = Facts(
        given_tests=True,
        base=(BASE[1], BASE[1]),
        witness=run(RunKind.WITNESS, result(STUCK, ASSERTION), tree="witness"),
        candidate=run(RunKind.CANDIDATE, result(STUCK), tree="candidate"),
    )
    assert witnesses(facts).fixed == {STUCK}
    known = replace(facts, evidence=Evidence(hanging=(Red(id=STUCK, why="did not end within 59 s"),)))
    assert witnesses(known).fixed == frozenset()


def test_a_run_that_took_all_its_time_says_in_which_test() -> None:
    told = trouble(cut(RunKind.BASE, began=1.0))
    assert told == "did not end within 60 s: t.py::stuck had begun 59 s before that"
    verdict = judge(Facts(base=(cut(RunKind.BASE, began=1.0), cut(RunKind.BASE, began=1.0))))
    assert isinstance(verdict, Inconclusive)
    assert "t.py::stuck had begun" in verdict.cause


def test_a_green_test_that_hangs_with_the_patch_is_the_regression() -> None:
    green = run(RunKind.BASE, result(FINE), result(STUCK))
    stuck = cut(RunKind.REGRESSION, result(FINE), began=1.0, tree="regression")
    verdict = judge(Facts(base=(green, green), regression=stuck))
    assert isinstance(verdict, Regressed)
    assert verdict.turned_red == (Red(id=STUCK, why="did not end within 59 s"),)


def test_a_run_that_is_ended_in_another_test_breaks_nothing_in_particular() -> None:
    late = cut(RunKind.REGRESSION, result(FINE, CLOCK), began=58.0, tree="regression")
    green = run(RunKind.BASE, result(FINE), result(STUCK))
    verdict = judge(Facts(base=(green, green), regression=late))
    assert isinstance(verdict, Regressed)
    assert verdict.turned_red[0].id == ""
    assert "t.py::stuck had begun 2 s before" in verdict.turned_red[0].why


def test_a_witness_that_comes_to_an_end_only_with_the_patch_is_fixed_and_shown() -> None:
    def again(tree: str, failure: Failure | None) -> TestRun:
        return run(RunKind.CONFIRMATION, result(NEW, failure), tree=tree, selection=(NEW,))

    green = run(RunKind.BASE, result(FINE))
    facts = Facts(
        base=(green, green),
        regression=run(RunKind.REGRESSION, result(FINE), tree="regression"),
        witness=run(RunKind.WITNESS, result(NEW, CLOCK), tree="witness"),
        candidate=run(RunKind.CANDIDATE, result(NEW), tree="candidate"),
        confirmations=(again("witness", CLOCK), again("candidate", None)),
    )
    verdict = judge(facts)
    assert isinstance(verdict, Verified)
    assert verdict.evidence.signs == ("t.py::new did not end within 10 s without the patch: that is all that was red",)
