"""Rows, comparisons and the agreement of verdicts with grades, from trials written out by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import pytest

from agents.types import Usage
from bot.trials import records, report
from bot.trials.records import Trial, UnreadableReport
from bot.trials.summary import MINIMUM_INSTANCES, summarise
from sandbox.swebench.report import Outcome

R, U, E, X = Outcome.RESOLVED, Outcome.UNRESOLVED, Outcome.EMPTY_PATCH, Outcome.ERROR


def trials(model: str, *outcomes: Outcome | None, sample: int = 1, **fields: object) -> list[Trial]:
    """One an instance i-0, i-1, ...: each with 2 steps, 3 seconds, a quarter of a dollar and 10 tokens in."""
    plain = Trial(
        instance_id="", model=model, sample=sample, cost_usd=0.25, usage=Usage(input_tokens=10), steps=2, seconds=3.0
    )
    return [
        replace(plain, instance_id=f"i-{place}", outcome=outcome, **fields)  # type: ignore[arg-type]
        for place, outcome in enumerate(outcomes)
    ]


def test_errors_and_empty_patches_are_in_the_denominator() -> None:
    (row,) = summarise(trials("m", R, U, E, X)).rows
    assert (row.resolved.successes, row.resolved.n, row.resolved.value) == (1, 4, 0.25)
    assert dict(row.outcomes) == {R: 1, U: 1, E: 1, X: 1}
    assert report.models_table(summarise(trials("m", R, U, E, X))).rows[0][-1] == "1 / 1 / 0"


def test_an_instance_that_was_not_tried_to_the_end_is_in_no_denominator_and_said() -> None:
    summary = summarise([*trials("m", R, U, None), *trials("m", R, None, None, sample=2)])
    (row,) = summary.rows
    assert (row.instances, row.resolved.n, row.resolved.value, row.not_made) == (3, 1, 1.0, 3)
    notes = report.models_table(summary).notes
    assert "m: 2 of 3 instances are not counted: 3 trials were not made." in notes


def test_an_instance_counts_once_however_many_samples() -> None:
    both = [*trials("m", R, R, U, U), *trials("m", R, U, U, U, sample=2)]
    summary = summarise(both)
    (row,) = summary.rows
    assert (row.samples, row.instances) == (2, 4)
    assert (row.resolved.successes, row.resolved.n) == (1.5, 4)
    assert (row.any_of.successes, row.any_of.n) == (2, 4)
    table = report.models_table(summary)
    assert table.headings[2:4] == ("resolved", "any of K")
    assert table.rows[0][2].startswith("37.5 % (1.5/4; ")
    assert any("not independent" in note for note in table.notes)
    assert "any of K" not in report.models_table(summarise(both[:4])).headings


def test_sums_are_over_all_trials_that_were_begun() -> None:
    begun = [*trials("m", R, U), *trials("m", None, cost_usd=1.0)]
    never = Trial(instance_id="i-9", model="m")
    failed = Trial(instance_id="i-8", model="m", outcome=X, cost_usd=0.0, usage=Usage(), steps=0, seconds=0.0)
    (row,) = summarise([*begun, never, failed]).rows
    assert (row.cost_usd, row.cost_per_resolved_usd) == (1.5, 1.5)
    assert row.usage == Usage(input_tokens=30)
    assert (row.steps, row.seconds) == (2.0, 3.0)


def test_one_unknown_cost_makes_the_sum_unknown_and_never_zero() -> None:
    summary = summarise([*trials("m", R), *trials("m", U, sample=2, cost_usd=None, usage=None, steps=3)])
    (row,) = summary.rows
    assert (row.cost_usd, row.cost_per_resolved_usd, row.usage, row.steps) == (None, None, None, 2.5)
    cells = dict(zip(report.models_table(summary).headings, report.models_table(summary).rows[0], strict=True))
    assert cells["cost"] == cells["$ / resolved"] == cells["tokens in / out / cached"] == "unknown"
    assert report.model_json(row)["cost_usd"] is report.model_json(row)["usage"] is None


def test_a_model_of_which_nothing_was_begun_has_empty_cells() -> None:
    summary = summarise([Trial(instance_id="i-0", model="m")])
    cells = dict(zip(report.models_table(summary).headings, report.models_table(summary).rows[0], strict=True))
    assert (cells["resolved"], cells["$ / resolved"], cells["steps"]) == ("- (0/0)", "-", "unknown")
    told = report.model_json(summary.rows[0])
    assert (told["pass_at_1"]["rate"], told["pass_at_1"]["low"], told["cost_per_resolved_usd"]) == (None, None, None)


def test_a_pair_is_compared_on_the_same_instances() -> None:
    summary = summarise([*trials("a", R, R, U, R, E), *trials("b", R, U, R, X, E)])
    (pair,) = summary.pairs
    assert (pair.one, pair.other, pair.n, pair.better, pair.worse, pair.same_instances) == ("a", "b", 5, 2, 1, True)
    assert pair.p == 1.0
    assert pair.difference is not None
    assert pair.difference.value == pytest.approx(0.2)
    assert report.pairs_table(summary).rows[0][:4] == ("a : b", "5", "2", "1")
    assert "No rank under 20 instances." in report.models_table(summary).notes
    assert len(report.tables(summary)) == 2


def test_with_samples_a_model_is_ahead_where_it_resolved_the_larger_share() -> None:
    summary = summarise(
        [
            *trials("a", R, R, U),
            *trials("a", R, U, U, sample=2),
            *trials("b", R, U, U),
            *trials("b", U, U, R, sample=2),
        ]
    )
    (pair,) = summary.pairs
    assert (pair.better, pair.worse, pair.p) == (2, 1, 1.0)
    assert pair.difference is not None
    assert pair.difference.value == pytest.approx((0.5 + 0.5 - 0.5) / 3)
    assert any("several samples" in note for note in report.pairs_table(summary).notes)


def test_other_instances_are_said_and_nothing_is_ranked() -> None:
    many = [R] * MINIMUM_INSTANCES
    summary = summarise([*trials("a", *many, U), *trials("b", *many)])
    assert summary.same_instances is False
    assert [row.rank for row in summary.rows] == [None, None]
    (pair,) = summary.pairs
    assert (pair.n, pair.same_instances) == (MINIMUM_INSTANCES, False)
    assert report.pairs_table(summary).rows[0][1] == "20 that both have"
    assert any("not tried on the same instances" in note for note in report.models_table(summary).notes)


def test_models_without_a_common_instance_are_not_compared() -> None:
    summary = summarise([Trial(instance_id="x", model="a", outcome=R), Trial(instance_id="y", model="b", outcome=U)])
    (pair,) = summary.pairs
    assert (pair.n, pair.p, pair.difference) == (0, 1.0, None)
    assert report.pairs_table(summary).rows[0][4] == "-"
    assert report.summary_json(summary)["comparisons"][0]["difference"] is None


def test_enough_same_instances_are_ranked_and_equal_shares_share_a_rank() -> None:
    half = [R, U] * (MINIMUM_INSTANCES // 2)
    rows = summarise([*trials("low", *half), *trials("high", *[R] * 20), *trials("low too", *reversed(half))])
    assert [(row.model, row.rank) for row in rows.rows] == [("high", 1), ("low", 2), ("low too", 2)]
    assert len(rows.pairs) == 3
    assert any("not adjusted" in note for note in report.pairs_table(rows).notes)
    assert not any("No rank" in note for note in report.models_table(rows).notes)
    assert report.models_table(rows).rows[0][0] == "1"


def test_one_model_alone_has_no_rank_and_misses_none() -> None:
    summary = summarise(trials("m", *[R] * MINIMUM_INSTANCES))
    assert summary.rows[0].rank is None
    assert not any("rank" in note for note in report.models_table(summary).notes)
    assert len(report.tables(summary)) == 1
    assert report.summary_json(summary)["comparisons"] == []


def judged(outcomes: Sequence[tuple[str, Outcome]]) -> list[Trial]:
    return [
        replace(trials("m", outcome)[0], instance_id=f"i-{place}", verdict=verdict)
        for place, (verdict, outcome) in enumerate(outcomes)
    ]


def test_verdicts_and_grades_are_laid_side_by_side() -> None:
    found = judged(
        [("Verified", R), ("Verified", R), ("Verified", U), ("NotFixed", R), ("Regressed", U), ("Verified", X), ("", R)]
    )
    summary = summarise(found)
    told = report.agreement_json(summary.agreement)
    assert {name: told[name] for name in told if name != "by_verdict"} == {
        "judged": 6,
        "verified": 4,
        "verified_and_resolved": 2,
        "verified_not_resolved": 1,
        "resolved_not_verified": 1,
        "neither": 1,
    }
    assert told["by_verdict"]["Verified"] == {"resolved": 2, "unresolved": 1, "error": 1}
    assert report.agreement_table(summary.agreement).rows == (
        ("NotFixed", "1", "0", "0"),
        ("Regressed", "0", "1", "0"),
        ("Verified", "2", "1", "1"),
    )
    assert summary.rows[0].agreement == summary.agreement
    assert report.models_table(summary).rows[0][3] == "4/6"
    assert len(report.tables(summary)) == 2


def test_no_trials_at_all() -> None:
    summary = summarise([])
    assert (summary.rows, summary.pairs, summary.same_instances) == ((), (), True)
    assert len(report.tables(summary)) == 1


# --- files -------------------------------------------------------------------------------------------------------


def test_trials_come_back_from_their_report() -> None:
    kept = [*trials("a", R, None, why="\udce9"), *judged([("Verified", U)]), Trial(instance_id="x", model="b")]
    document = {"format": records.FORMAT, "trials": records.as_json(kept[2:])}
    assert records.of_report(json.loads(json.dumps(document))) == tuple(kept[2:])
    assert [line["resolved"] for line in records.as_json(trials("a", R, None))] == [True, False]


def test_graded_predictions_are_trials_of_which_only_the_grade_is_known() -> None:
    lines = [{"instance_id": "i-1", "model_name_or_path": "a", "outcome": "resolved", "why": ""}]
    found = records.of_report({"predictions": lines, "models": {"a": {"incomplete_ids": ["i-2"]}}})
    assert found == (
        Trial(instance_id="i-1", model="a", outcome=R),
        Trial(instance_id="i-2", model="a"),
    )
    (row,) = summarise(found).rows
    assert (row.cost_usd, row.usage, row.steps, row.seconds, row.not_made) == (None, None, None, None, 1)


@pytest.mark.parametrize(
    "document",
    [
        [],
        {},
        {"predictions": [{}], "models": {}},
        {"predictions": [], "models": 3},
        {"format": records.FORMAT},
        {"format": records.FORMAT, "trials": [{"model": "a"}]},
    ],
)
def test_what_is_no_report_is_refused_with_a_sentence(document: object) -> None:
    with pytest.raises(UnreadableReport, match=r"^it is no"):
        records.of_report(document)
