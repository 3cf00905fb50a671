"""Who works, who comes next, and whose patch is taken."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from agents.errors import Fault
from agents.types import Ending, Step, Usage
from bot.contest import (
    FALLS_BACK,
    MOST_ENTRANTS,
    Entrant,
    Plan,
    Result,
    Rules,
    at_home,
    best,
    is_told,
    next_entrant,
    numbered,
    plan,
    ranked,
    size,
    total_cost,
    unended,
)
from tests.support import proofs

HOUSE = frozenset({"repair", "local", "local-small"})


def models(made: Plan) -> list[str]:
    return [entrant.model for entrant in made.entrants]


def result(number: int = 1, *, verdict: int | None = None, judged_at: float = 0.0, **attempt: object) -> Result:
    """`verdict`: a place in `proofs.VERDICTS`."""
    proof = None if verdict is None else proofs.proof(proofs.VERDICTS[verdict])
    made = replace(proofs.ATTEMPT, **attempt)  # type: ignore[arg-type]
    return Result(entrant=Entrant(number=number, model=f"m{number}"), attempt=made, proof=proof, judged_at=judged_at)


def failed(fault: Fault | None, number: int = 1) -> Result:
    return result(number, ending=Ending.MODEL_FAILED, diff="", fault=fault)


# --- the plan ----------------------------------------------------------------------------------------------------


def test_one_model_works_where_nothing_is_said() -> None:
    made = plan(Rules(), named=(), chosen="repair")
    assert made == Plan(entrants=(Entrant(number=1, model="repair"),))
    assert not made.is_race


def test_the_settings_race_where_a_job_names_no_model() -> None:
    rules = Rules(race=("a", "b"), samples=2)
    made = plan(rules, named=(), chosen="repair")
    assert models(made) == ["a", "b", "a", "b"], "every model's first sample before anybody's second"
    assert [entrant.number for entrant in made.entrants] == [1, 2, 3, 4]
    assert made.is_race
    assert models(plan(rules, named=("c",), chosen="repair")) == ["c"]
    assert models(plan(Rules(samples=3), named=(), chosen="a")) == ["a"] * 3


def test_what_gives_the_same_every_time_is_sampled_once() -> None:
    rules = Rules(race=("a", "repair"), samples=3, unvarying=frozenset({"repair"}))
    assert models(plan(rules, named=(), chosen="x")) == ["a", "repair", "a", "a"]


def test_a_race_has_a_bound() -> None:
    assert len(plan(Rules(race=tuple("abcdef"), samples=8), named=(), chosen="x").entrants) == MOST_ENTRANTS


def test_of_what_must_stay_in_the_house_only_models_of_the_house_race_and_follow() -> None:
    kept = at_home(Rules(race=("claude", "local"), fallback=("gpt", "local-small"), at_home=HOUSE))
    assert (kept.race, kept.fallback) == (("local",), ("local-small",))


def test_a_comparison_has_no_fallback_and_others_do() -> None:
    rules = Rules(fallback=("b", "c", "b"))
    assert plan(rules, named=("a", "b"), chosen="x", compare=True).fallback == ()
    assert plan(rules, named=("a",), chosen="x").fallback == ("b", "c")
    assert plan(rules, named=("b",), chosen="x").fallback == ("c",), "what failed already is not asked again"


def test_a_model_of_the_house_is_only_followed_by_models_of_the_house() -> None:
    rules = Rules(fallback=("vendor", "local-small"), at_home=HOUSE)
    assert plan(rules, named=("local",), chosen="x").fallback == ("local-small",)
    assert plan(rules, named=("other-vendor",), chosen="x").fallback == ("vendor", "local-small")


def test_a_plan_is_stored_with_its_job() -> None:
    made = Plan(entrants=numbered(["a", "a", "b"]), fallback=("c",))
    assert Plan.from_json(made.as_json()) == made


# --- fallback ----------------------------------------------------------------------------------------------------

PLAN = Plan(entrants=numbered(["a"]), fallback=("b", "c"))


@pytest.mark.parametrize("fault", list(Fault))
def test_only_listed_faults_go_to_the_next_model(fault: Fault) -> None:
    unlisted = (Fault.REQUEST, Fault.LIMIT)
    expected = None if fault in unlisted else Entrant(number=2, model="b")
    assert next_entrant(PLAN, [failed(fault)]) == expected
    assert set(FALLS_BACK) == set(Fault)


def test_a_model_that_cannot_begin_is_the_jobs_failure_where_nobody_else_works() -> None:
    alone, race = Plan(entrants=numbered(["a"])), Plan(entrants=numbered(["a", "b"]))
    assert is_told(PLAN, Fault.KEY)
    assert not is_told(PLAN, Fault.LIMIT)
    assert not is_told(alone, Fault.KEY)
    assert is_told(race, Fault.LIMIT)


@pytest.mark.parametrize("ending", list(Ending))
def test_no_ending_of_its_own_goes_to_the_next_model(ending: Ending) -> None:
    assert next_entrant(PLAN, [result(ending=ending)]) is None


def test_the_list_is_gone_through_in_order_and_ends() -> None:
    assert next_entrant(PLAN, []) is None
    assert next_entrant(PLAN, [failed(Fault.KEY), failed(Fault.QUOTA)]) == Entrant(number=3, model="c")
    assert next_entrant(PLAN, [failed(Fault.KEY)] * 3) is None


def test_a_race_falls_back_when_no_entrant_is_left() -> None:
    race = Plan(entrants=numbered(["a", "b"]), fallback=("c",))
    assert next_entrant(race, [failed(Fault.KEY), result(2, ending=Ending.STUCK, diff="")]) is None
    assert next_entrant(race, [failed(Fault.KEY), failed(Fault.QUOTA, 2)]) == Entrant(number=3, model="c")


def test_a_race_of_which_one_never_began_was_stopped_and_falls_back_to_nobody() -> None:
    race = Plan(entrants=numbered(["a", "b"]), fallback=("c", "d"))
    assert next_entrant(race, [failed(Fault.KEY)]) is None


# --- whose patch -------------------------------------------------------------------------------------------------


def test_the_first_that_was_verified_is_taken_not_the_smallest() -> None:
    late = result(1, verdict=0, judged_at=9.0, diff="+a\n")
    early = result(2, verdict=0, judged_at=8.0, diff="+a\n+b\n")
    assert best([late, early]) is early
    assert best([result(3, verdict=1, diff=""), late]) is late


def test_without_a_verified_one_the_best_verdict_is_taken_then_the_smallest() -> None:
    order = ["RegressionFree", "WitnessNotRed", "WitnessInvalid", "NotFixed", "NoTests", "Inconclusive"]
    order += ["Regressed", "Tampered"]
    found = [result(place, verdict=proofs.NAMES.index(name)) for place, name in enumerate(order, start=1)]
    for better, worse in itertools.pairwise(found):
        assert best([worse, better]) is better
    long, short = result(1, verdict=4, diff="+a\n-b\n+c\n"), result(2, verdict=4, diff="+a\n-b\n")
    assert best([long, short]) is short


def test_a_patch_that_nobody_judged_is_worse_than_any_but_a_tampering_one() -> None:
    tampered, unjudged = result(1, verdict=proofs.NAMES.index("Tampered")), result(2)
    refused = replace(result(3), refused="It changes a workflow.")
    own_end = result(4, ending=Ending.STUCK, diff="")
    endpoint = failed(Fault.KEY, 5)
    stopped = result(6, ending=Ending.STOPPED, diff="")
    expected = [result(0, verdict=proofs.NAMES.index("Regressed")), unjudged, tampered, refused, own_end, endpoint]
    assert list(ranked([stopped, *reversed(expected)])) == [*expected, stopped]


def test_results_say_what_is_known_of_them() -> None:
    assert result().has_patch
    assert not result(diff="").has_patch
    assert not result(ending=Ending.STOPPED).has_patch
    assert not result().is_judged
    assert result(verdict=4).is_judged
    assert replace(result(), refused="no").is_judged
    assert not result(verdict=4).is_verified


def test_a_patchs_size_is_the_lines_to_read() -> None:
    assert size(proofs.ATTEMPT.diff) == 2
    assert size("") == 0


def test_costs_are_summed_and_unknown_stays_unknown() -> None:
    one, other = replace(proofs.ATTEMPT, cost_usd=0.5), replace(proofs.ATTEMPT, cost_usd=0.25)
    assert total_cost([one, other]) == 0.75
    assert total_cost([one, replace(other, cost_usd=None)]) is None


def test_an_attempt_that_no_strategy_ended_is_what_its_steps_say() -> None:
    steps = [Step(index=n, messages=(), usage=Usage(input_tokens=10), cost_usd=0.5, seconds=2) for n in range(2)]
    made = unended("t", "m", Ending.STOPPED, steps)
    assert (made.steps, made.cost_usd, made.seconds, made.usage.input_tokens) == (2, 1.0, 4, 20)
    assert unended("t", "m", Ending.STOPPED, [replace(steps[0], cost_usd=None)]).cost_usd is None
