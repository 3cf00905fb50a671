"""Who works on a local repository: as a job would choose, unless the command line says; never over the wall."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from agents.wall import OPEN, Wall
from bot.choosing import Facts, NoModel, Routes
from bot.contest import Rules
from bot.errors import UsageError
from bot.local_choice import Choice, Who, fix_choice, review_choice
from config.models import Lineup, load
from config.routes import Rule

ROW = 'adapter = "openai"\nmodel_id = "x"\nwindow = 9000\noutput_limit = 900\n'
VENDOR, OWN = 'endpoint = "https://v.example/v1"\n', 'endpoint = "http://127.0.0.1:1/v1"\nself_hosted = true\n'
LINEUP: Lineup = load(
    f"[models.near]\n{ROW}{OWN}[models.far]\n{ROW}{VENDOR}[models.farther]\n{ROW}{VENDOR}"
    '[models.repair]\nadapter = "none"\nstrategy = "repair"\n'.encode(),
    source="test",
)
ROUTES = Routes(
    default="far",
    rules=(
        Rule(name="bugs", repository=("acme/*",), label=("bug",), model="farther"),
        Rule(name="small", path=("src/**",), max_lines=3, kind="review", model="near"),
    ),
    allowed=("near",),
    models=frozenset(LINEUP.models),
    at_home=frozenset({"near", "repair"}),
)
RULES = Rules(at_home=frozenset({"near", "repair"}), unvarying=frozenset({"repair"}))
FACTS = Facts(repository="acme/web")
CLOSED = Wall(self_hosted_only=True, because="models.self_hosted_only lists acme/*, and the remote origin is acme/web")


def chosen(
    models: Sequence[str] = (), samples: int = 1, *, rules: Rules = RULES, wall: Wall = OPEN, **facts: Any
) -> Choice:
    own = replace(FACTS, self_hosted_only=wall.self_hosted_only, **facts)
    return fix_choice(rules, ROUTES, LINEUP, Who(models=tuple(models), samples=samples), own, wall)


def entrants(choice: Choice) -> list[str]:
    return [entrant.model for entrant in choice.plan.entrants]


def test_without_a_name_the_default_works_and_a_rule_that_matches_goes_before_it() -> None:
    assert (entrants(chosen()), chosen().by) == (["far"], "the default")
    labelled = chosen(labels=("bug",))
    assert (entrants(labelled), labelled.by) == (["farther"], "rule 1: bugs")
    assert chosen(labels=("bug",), repository="/srv/me/web").by == "the default"


def test_the_repositorys_file_names_what_the_operator_allows() -> None:
    assert chosen(configured="near").by == "the repository's file"
    with pytest.raises(UsageError, match="far, which the repository's file asks for, may not be used here"):
        chosen(configured="far")


def test_the_command_line_wins_over_rules_and_over_what_others_may_name() -> None:
    named = chosen(["farther"], labels=("bug",), configured="near")
    assert (entrants(named), named.by) == (["farther"], "the command line")


def test_samples_are_of_whom_was_chosen() -> None:
    assert entrants(chosen(samples=2, labels=("bug",))) == ["farther", "farther"]
    assert entrants(chosen(["far", "repair"], 2)) == ["far", "repair", "far"]
    with pytest.raises(UsageError, match="at most 8 can race"):
        chosen(["far", "farther"], 5)


def test_the_settings_race_takes_the_place_of_the_default_only() -> None:
    racing = replace(RULES, race=("near", "farther"))
    assert (entrants(chosen(rules=racing)), chosen(rules=racing).by) == (["near", "farther"], "the settings' race")
    assert entrants(chosen(rules=racing, labels=("bug",))) == ["farther"]
    assert chosen(rules=replace(RULES, race=("far",))).by == "the default"


def test_nobody_is_named_over_the_wall_and_the_reason_is_told() -> None:
    with pytest.raises(UsageError, match=r"far: only self-hosted models .* the remote origin is acme/web"):
        chosen(["near", "far"], wall=CLOSED)
    with pytest.raises(UsageError, match=r"neither a rule nor the default names one\. \(models\.self_hosted_only"):
        chosen(wall=CLOSED, labels=("bug",))
    assert entrants(chosen(["near"], wall=CLOSED)) == ["near"]


def test_behind_the_wall_nobody_else_races_or_follows() -> None:
    rules = replace(RULES, race=("far", "near"), fallback=("farther", "repair"))
    choice = chosen(wall=CLOSED, rules=rules, configured="near")
    assert (entrants(choice), choice.plan.fallback) == (["near"], ("repair",))


def test_a_name_that_the_lineup_has_not_is_told() -> None:
    with pytest.raises(UsageError, match="--model: There is no model named 'nope'"):
        chosen(["nope"])


# --- a review ----------------------------------------------------------------------------------------------------

REVIEW = replace(FACTS, kind="review", paths=("src/a.py",), lines=2)


def test_a_review_is_chosen_by_the_rules_for_reviews() -> None:
    found = review_choice(ROUTES, LINEUP, "", REVIEW, OPEN)
    assert not isinstance(found, NoModel)
    assert (found.model, found.by) == ("near", "rule 2: small")
    named = review_choice(ROUTES, LINEUP, "far", REVIEW, OPEN)
    assert not isinstance(named, NoModel)
    assert (named.model, named.by) == ("far", "the command line")


def test_where_nobody_may_give_an_opinion_the_reason_is_told_and_the_rest_goes_on() -> None:
    found = review_choice(ROUTES, LINEUP, "", replace(REVIEW, lines=9, self_hosted_only=True), CLOSED)
    assert isinstance(found, NoModel)
    assert found.reason.endswith("the remote origin is acme/web)")
    with pytest.raises(UsageError, match="only self-hosted models"):
        review_choice(ROUTES, LINEUP, "far", REVIEW, CLOSED)
