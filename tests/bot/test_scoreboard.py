"""Rates with their denominators, checked against published counts and an independent formula."""

from __future__ import annotations

import pytest
from scipy.stats import binomtest

from bot.scoreboard import MINIMUM_DECIDED, Rate, Record, as_json, rate_text, score, table
from bot.types import OutcomeKind

# Pull requests by agent in AIDev-pop (arXiv 2507.15003): merged, opened.
AIDEV = {
    "OpenAI_Codex": (1754, 2686, 65.3),
    "Devin": (1335, 2729, 48.9),
    "Copilot": (559, 1462, 38.2),
    "Cursor": (74, 144, 51.4),
    "Claude_Code": (53, 101, 52.5),
}


def records(model: str, merged: int, closed: int = 0, open_: int = 0, unproposed: int = 0) -> list[Record]:
    return [
        *[Record(model=model, proposed=True, outcome=OutcomeKind.MERGED, cost_usd=0.1)] * merged,
        *[Record(model=model, proposed=True, outcome=OutcomeKind.CLOSED, cost_usd=0.1)] * closed,
        *[Record(model=model, proposed=True, cost_usd=0.1)] * open_,
        *[Record(model=model, proposed=False, cost_usd=0.1)] * unproposed,
    ]


@pytest.mark.parametrize("agent", AIDEV)
def test_published_rates_come_out(agent: str) -> None:
    merged, opened, percent = AIDEV[agent]
    (line,) = score(records(agent, merged, opened - merged))
    assert line.of_proposed.value is not None
    assert round(100 * line.of_proposed.value, 1) == percent


@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (53, 101), (74, 144), (1754, 2686), (0, 30)])
def test_the_interval_is_wilsons(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert Rate(successes=k, n=n).interval == pytest.approx((theirs.low, theirs.high), abs=1e-12)


def test_the_three_denominators_differ() -> None:
    (line,) = score(records("m", merged=3, closed=1, open_=2, unproposed=4))
    assert (line.of_decided.n, line.of_proposed.n, line.of_attempted.n) == (4, 6, 10)
    assert {line.of_decided.successes, line.of_proposed.successes, line.of_attempted.successes} == {3}


def test_merged_after_edits_is_merged_and_told_apart() -> None:
    edited = Record(model="m", proposed=True, outcome=OutcomeKind.MERGED_EDITED, cost_usd=0.0, human_lines=7)
    (line,) = score([edited, *records("m", merged=1)])
    assert (line.of_decided.successes, line.merged_edited, line.human_lines) == (2, 1, 7)


def test_cost_of_a_merged_patch_counts_the_unmerged_attempts() -> None:
    (line,) = score(records("m", merged=2, closed=1, unproposed=1))
    assert line.cost_per_merged_usd == pytest.approx(0.2)


def test_one_unknown_cost_makes_the_whole_unknown() -> None:
    unknown = Record(model="m", proposed=True, outcome=OutcomeKind.MERGED)
    (line,) = score([unknown, *records("m", merged=1)])
    assert line.cost_usd is None
    assert line.cost_per_merged_usd is None
    assert table([line]).rows[0][-1] == "unknown"


def test_nothing_merged_has_no_cost_per_merged() -> None:
    (line,) = score(records("m", merged=0, closed=2))
    assert line.cost_usd == pytest.approx(0.2)
    assert line.cost_per_merged_usd is None
    assert table([line]).rows[0][-2:] == ("-", "-")


def test_no_rank_under_the_minimum() -> None:
    few = records("few", merged=MINIMUM_DECIDED - 1)
    many = records("many", merged=1, closed=MINIMUM_DECIDED - 1)
    scores = score([*few, *many])
    assert [(line.model, line.rank) for line in scores] == [("many", 1), ("few", None)]
    assert any("No rank under" in note for note in table(scores).notes)
    assert not any("No rank under" in note for note in table(scores[:1]).notes)


def test_rank_is_by_the_lower_end_and_equal_ends_share_it() -> None:
    small = records("small", merged=18, closed=2)
    large = records("large", merged=170, closed=30)
    twin = records("twin", merged=170, closed=30)
    ranks = {line.model: line.rank for line in score([*small, *large, *twin])}
    assert ranks == {"large": 1, "twin": 1, "small": 3}


def test_no_outcomes_at_all() -> None:
    assert score([]) == ()
    (line,) = score(records("m", merged=0, open_=1))
    assert line.of_decided.value is None
    assert line.of_decided.interval is None
    assert rate_text(line.of_decided) == "- (0/0)"
    assert as_json([line])["models"][0]["of_decided"] == {"n": 0, "rate": None, "low": None, "high": None}
    assert score(records("m", merged=0, open_=1), minimum_decided=0)[0].rank == 1


def test_what_was_stopped_is_in_no_rate_but_its_cost_is_counted() -> None:
    won = Record(model="m", proposed=True, outcome=OutcomeKind.MERGED, cost_usd=0.5, verified=True)
    second = Record(model="m", proposed=False, cost_usd=0.5, verified=True)
    stopped = Record(model="m", proposed=False, cost_usd=0.25, stopped=True)
    failed = Record(model="m", proposed=False, cost_usd=0.5)
    (line,) = score([won, second, stopped, failed])
    assert (line.of_decided.n, line.of_proposed.n, line.of_attempted.n) == (1, 1, 3)
    assert (line.of_attempted.successes, line.verified.successes, line.verified.n, line.stopped) == (1, 2, 3, 1)
    assert line.cost_usd == 1.75
    notes = " ".join(table([line]).notes)
    assert "Stopped:" in notes
    assert "as not merged" in notes
    told = as_json([line])["models"][0]
    assert (told["stopped"], told["verified"]["n"], told["of_attempted"]["n"]) == (1, 3, 3)
    assert "Stopped:" not in " ".join(table(score([won])).notes)


def test_text_and_json_say_the_same() -> None:
    scores = score(records("Claude_Code", 53, 48))
    assert rate_text(scores[0].of_decided) == "52.5 % (53/101; 42.8-61.9)"
    told = as_json(scores)["models"][0]
    assert (told["merged"], told["of_decided"]["n"], told["rank"]) == (53, 101, 1)
    assert told["cost_per_merged_usd"] == pytest.approx(10.1 / 53)
    assert len(table(scores).rows[0]) == len(table(scores).headings)
