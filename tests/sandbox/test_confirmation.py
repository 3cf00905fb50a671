"""What is to be seen again, and what to believe when it was. Pure."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.comparison import Facts
from sandbox.confirmation import (
    Sides,
    Standing,
    changed_by_environment,
    is_fixed,
    is_lost,
    of_fixed,
    of_lost,
    regression_sides,
    shaken,
    to_repeat,
)
from sandbox.repetition import MOST_ROUNDS
from sandbox.types import (
    Ended,
    Flakiness,
    Inconclusive,
    NotFixed,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestId,
    TestRun,
    TestStatus,
    Verified,
    WitnessInvalid,
)
from sandbox.verdict import judge
from tests.sandbox.test_verdict import NEW, OLD, OTHER, again, base, candidate, fixing, regression, run, witness

P, F, S, X = TestStatus.PASSED, TestStatus.FAILED, TestStatus.SKIPPED, TestStatus.XFAILED


def alone(colours: str, tree: str = "t") -> tuple[TestRun, ...]:
    """One run for each letter: red or green."""
    return tuple(again(tree, {OLD: F if colour == "r" else P}, [OLD]) for colour in colours)


def whole(colours: str) -> tuple[TestRun, ...]:
    return tuple(run(RunKind.CONFIRMATION, "t", {OLD: F if colour == "r" else P}) for colour in colours)


def lost(before: str, after: str, before_alone: str = "", after_alone: str = "", hidden: float = 0.02) -> Standing:
    return of_lost(
        Sides(
            before=whole(before),
            after=whole(after),
            before_alone=alone(before_alone),
            after_alone=alone(after_alone),
            hidden=hidden,
        ),
        OLD,
    )


def test_a_loss_is_seen_alone_until_chance_does_not_explain_it() -> None:
    assert lost("gg", "r") is Standing.ALONE
    assert lost("gg", "r", "g", "r") is Standing.ALONE
    assert lost("gg", "r", "ggg", "rrr") is Standing.SURE
    assert lost("gg", "r", "ggg", "rrr", hidden=12) is Standing.ALONE
    assert lost("gg", "r", "g" * MOST_ROUNDS, "r" * MOST_ROUNDS, hidden=1e9) is Standing.SURE


def test_what_is_not_lost_alone_is_seen_among_the_others() -> None:
    assert lost("gg", "r", "g", "g") is Standing.WHOLE
    assert lost("gg", "r", "r", "r") is Standing.WHOLE
    assert lost("ggg", "rr", "g", "g") is Standing.WHOLE
    assert lost("ggggg", "rrrr", "g", "g") is Standing.SURE
    assert lost("ggg", "rg", "g", "g") is Standing.CLEARED
    assert lost("ggr", "rr", "g", "g") is Standing.CLEARED
    most = MOST_ROUNDS + 1
    assert lost("g" * most, "r" * most, "g", "g", hidden=1e9) is Standing.SURE


def test_a_fix_of_base_s_test_is_seen_again_the_same_way() -> None:
    def fixed(before: str, after: str, before_alone: str = "", after_alone: str = "") -> Standing:
        sides = Sides(
            before=whole(before), after=whole(after), before_alone=alone(before_alone), after_alone=alone(after_alone)
        )
        assert is_fixed(sides, OLD) == (bool(before_alone) and "r" not in after_alone and "g" not in before_alone)
        return of_fixed(sides, OLD)

    assert fixed("rr", "g") is Standing.ALONE
    assert fixed("rr", "g", "r", "g") is Standing.ALONE
    assert fixed("rr", "g", "rrr", "ggg") is Standing.SURE
    assert fixed("rr", "g", "rg", "gg") is Standing.CLEARED
    assert fixed("rr", "g", "rr", "gr") is Standing.CLEARED


def test_the_last_word_where_rounds_were_left_out() -> None:
    once = Sides(before=whole("gg"), after=whole("r"))
    assert is_lost(once, OLD)
    assert not is_lost(replace(once, after_alone=(again("t", {}, [OTHER]),)), OLD)
    assert is_lost(replace(once, before_alone=alone("g"), after_alone=alone("r")), OLD)
    assert is_lost(replace(once, before_alone=alone("ggg"), after_alone=alone("rrr")), OLD)
    assert not is_lost(replace(once, before_alone=alone("g"), after_alone=alone("g")), OLD)
    assert not is_lost(replace(once, before_alone=alone("g"), after_alone=alone("g"), after=whole("rg")), OLD)
    assert is_lost(replace(once, before_alone=alone("g"), after_alone=alone("g"), after=whole("rr")), OLD)


def test_where_everything_broke_a_sample_is_seen_again() -> None:
    tests = [TestId(f"t.py::t{n:03}") for n in range(100)]
    red = dict.fromkeys(tests, F)
    sides = Sides(before=(run(RunKind.BASE, "b", dict.fromkeys(tests, P)),), after=(run(RunKind.REGRESSION, "t", red),))
    assert len(to_repeat(sides, Standing.ALONE, tests)) == 100
    once = replace(sides, after_alone=(again("t", red, tests),))
    assert to_repeat(once, Standing.ALONE, tests) == tuple(tests[:20])
    assert len(to_repeat(replace(once, hidden=12), Standing.ALONE, tests)) == 36
    assert is_lost(once, tests[99])
    assert to_repeat(None, Standing.ALONE, tests) == ()


def test_runs_that_came_to_no_end_are_no_side() -> None:
    assert regression_sides(Facts(base=base())) is None
    assert regression_sides(Facts(base=base(), regression=regression({}, ended=Ended.TIMED_OUT))) is None


# --- judge -------------------------------------------------------------------------------------------------------


def twin(colours: dict[TestId, TestStatus], **more: object) -> TestRun:
    return run(RunKind.TWIN, "twin", colours, selection=(NEW,), **more)


def test_a_test_whose_twin_is_red_is_a_fix() -> None:
    verdict = judge(fixing(twins=(twin({NEW: F}),)))
    assert isinstance(verdict, Verified)
    assert verdict.evidence.signs == ()


def test_a_test_that_stays_green_when_it_expects_the_impossible_is_forged() -> None:
    verdict = judge(fixing(twins=(twin({NEW: P}),)))
    assert isinstance(verdict, Tampered)
    assert "made impossible" in verdict.signs[0]


def test_a_twin_without_a_result_is_shown() -> None:
    verdict = judge(fixing(twins=(twin({}),)))
    assert isinstance(verdict, Verified)
    assert "could not be run" in verdict.evidence.signs[0]


def test_a_twin_that_hangs_leaves_it_open() -> None:
    assert isinstance(judge(fixing(twins=(twin({}, ended=Ended.TIMED_OUT),))), Inconclusive)


def test_flaky_tests_come_with_their_counts() -> None:
    verdict = judge(Facts(base=base({OLD: P}, {OLD: F}, {OLD: P}), regression=regression({OLD: P})))
    assert verdict.evidence.flakiness == (Flakiness(id=OLD, red=1, runs=3),)


def test_a_witness_that_hangs_on_its_surroundings_is_named() -> None:
    varied = replace(again("candidate", {NEW: F}, [NEW]), changed=("another time zone", "another order"))
    red = replace(again("witness", {NEW: F}, [NEW]), changed=("another time zone",))
    verdict = judge(fixing(confirmations=(red, varied)))
    assert isinstance(verdict, WitnessInvalid)
    assert verdict.invalid[0].why == (
        "depends on its environment: a run with another time zone, another order disagreed"
    )


def test_a_witness_that_also_disagrees_in_the_usual_surroundings_is_red_at_random() -> None:
    facts = fixing(confirmations=(again("witness", {NEW: F}, [NEW]), again("candidate", {NEW: F}, [NEW])))
    verdict = judge(facts)
    assert isinstance(verdict, WitnessInvalid)
    assert "at random" in verdict.invalid[0].why
    assert changed_by_environment(Facts(base=base()), NEW) == ""


def test_a_new_test_that_is_red_with_the_patch_only_sometimes_is_no_witness() -> None:
    verdict = judge(fixing(candidate=candidate({NEW: F})))
    assert isinstance(verdict, WitnessInvalid)
    twice = (again("candidate", {NEW: F}, [NEW]),)
    assert isinstance(judge(fixing(candidate=candidate({NEW: F}), confirmations=twice)), NotFixed)


def test_a_given_test_that_the_patch_turned_red_once_only_is_unstable() -> None:
    facts = fixing(
        given_tests=True,
        witness=witness({OTHER: P, NEW: F}),
        candidate=candidate({OTHER: F, NEW: P}),
        confirmations=(
            again("witness", {OTHER: P, NEW: F}, [OTHER, NEW]),
            again("candidate", {OTHER: P, NEW: P}, [OTHER, NEW]),
            again("witness", {OTHER: P, NEW: F}),
            again("candidate", {OTHER: P, NEW: P}),
        ),
    )
    verdict = judge(facts)
    assert isinstance(verdict, Verified)
    assert OTHER in verdict.evidence.flaky
    sure = replace(
        facts, confirmations=(*facts.confirmations[:1], again("candidate", {OTHER: F, NEW: P}, [OTHER, NEW]))
    )
    assert isinstance(judge(sure), Regressed)


def test_a_test_that_the_patch_makes_flaky_is_shown() -> None:
    facts = Facts(
        base=base(*[{OLD: P}] * 8),
        regression=regression({OLD: F}),
        confirmations=(
            *(again("regression", {OLD: F}, [OLD]) for _ in range(3)),
            again("regression", {OLD: P}, [OLD]),
            *(again("base", {OLD: P}, [OLD]) for _ in range(4)),
            again("regression", {OLD: P}),
            again("base", {OLD: P}),
        ),
    )
    verdict = judge(facts)
    assert isinstance(verdict, RegressionFree)
    assert verdict.evidence.signs == (f"{OLD} was red in 4 of 6 runs with the patch, and in 0 of 13 without it",)
    assert shaken(Facts(base=base()), [OLD]) == ()


@pytest.mark.parametrize("colour", [S, X])
def test_a_skipped_or_expected_failure_is_no_green_twin(colour: TestStatus) -> None:
    assert isinstance(judge(fixing(twins=(twin({NEW: colour}),))), Verified)


def test_a_process_that_outlives_a_run_with_the_patch_is_shown() -> None:
    left = replace(candidate({OLD: P, NEW: P}), left_processes=1)
    assert judge(fixing(candidate=left)).evidence.signs == (
        "1 process(es) outlived a run with the patch, and 0 one without it",
    )


def test_a_test_that_is_seen_in_two_colours_on_one_side_makes_others_doubtful() -> None:
    known = {OLD: F, OTHER: F}
    sides = regression_sides(
        Facts(
            base=base(known, known),
            regression=regression({OLD: P, OTHER: P}),
            confirmations=(again("base", {OLD: F, OTHER: P}, [OLD, OTHER]),),
        )
    )
    assert sides is not None
    assert sides.hidden == 1.0
