"""Which model works on a job, and which rule says so."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from bot.choosing import (
    Chosen,
    Facts,
    NoModel,
    Routes,
    allowed,
    changed_lines,
    choose,
    facts_json,
    mistakes,
    paths_named,
    stakes,
    unruled,
)
from config.routes import Rule

MODELS = frozenset({"repair", "opus", "haiku", "house", "gpt"})
HOME = frozenset({"repair", "house"})


def routes(*rules: Rule, **changes: Any) -> Routes:
    return Routes(**{"rules": rules, "models": MODELS, "at_home": HOME, **changes})


def facts(**changes: Any) -> Facts:
    return Facts(**{"repository": "acme/web", **changes})


def chosen(made: Routes, known: Facts) -> tuple[str, str]:
    found = choose(made, known)
    assert isinstance(found, Chosen), found
    return found.model, found.by


def refused(made: Routes, known: Facts) -> str:
    found = choose(made, known)
    assert isinstance(found, NoModel), found
    return found.reason


# --- who decides -------------------------------------------------------------------------------------------------


def test_without_rules_the_default_works() -> None:
    found = choose(routes(), facts())
    assert isinstance(found, Chosen)
    assert found.is_default
    assert found.as_json() == {"model": "repair", "by": "the default"}


def test_the_first_rule_that_matches_wins() -> None:
    made = routes(
        Rule(model="opus", repository=("other/*",)),
        Rule(model="haiku", name="all of acme", repository=("acme/*",)),
        Rule(model="gpt"),
    )
    assert chosen(made, facts()) == ("haiku", "rule 2: all of acme")
    assert chosen(made, facts(repository="third/x")) == ("gpt", "rule 3")
    found = choose(made, facts())
    assert found.passed == (
        ("a comment", "names none"),
        ("the repository's file", "names none"),
        ("rule 1", "the repository is not other/*"),
    )


def test_a_comment_is_heard_before_the_repositorys_file_and_that_before_the_rules() -> None:
    made = routes(Rule(model="gpt"))
    assert chosen(made, facts(named="opus", configured="haiku")) == ("opus", "a comment")
    assert chosen(made, facts(configured="haiku")) == ("haiku", "the repository's file")
    assert chosen(made, facts()) == ("gpt", "rule 1")


@pytest.mark.parametrize("by", ["named", "configured"])
def test_what_is_named_must_be_allowed(by: str) -> None:
    made = routes(allowed=("haiku", "house"))
    assert chosen(made, facts(**{by: "haiku"}))[0] == "haiku"
    said = refused(made, facts(**{by: "opus"}))
    assert "may not be used here. Allowed: haiku, house." in said
    assert "There is no model named nope" in refused(made, facts(**{by: "nope"}))


def test_a_rule_can_allow_other_models_than_everywhere() -> None:
    made = routes(
        Rule(model="opus", label=("security",), allowed=("gpt",)),
        Rule(model="house", label=("locked",), allowed=()),
        allowed=("haiku",),
    )
    assert allowed(made, facts()) == ("haiku",)
    assert allowed(made, facts(labels=("security",))) == ("gpt", "opus")
    assert allowed(made, facts(labels=("locked",))) == ("house",)
    assert chosen(made, facts(labels=("security",), named="gpt")) == ("gpt", "a comment")
    assert "Allowed: gpt, opus." in refused(made, facts(labels=("security",), named="haiku"))
    assert "Allowed: house." in refused(made, facts(labels=("locked",), configured="haiku"))
    assert allowed(routes(), facts()) == tuple(sorted(MODELS))


# --- conditions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("conditions", "holds", "fails", "why"),
    [
        ({"repository": ("Acme/W*",)}, {"repository": "acme/w"}, {"repository": "a"}, "the repository is not Acme/W*"),
        ({"label": ("bug", "P1")}, {"labels": ("x", "p1")}, {"labels": ("x",)}, "no label is bug or P1"),
        ({"path": ("src/pay/**",)}, {"paths": ("a", "src/pay/x/y")}, {"paths": ("src/play",)}, "no path is src/pay/**"),
        ({"path": ("*.sql",)}, {"paths": ("db/one.sql",)}, {}, "no path is *.sql"),
        ({"kind": "review"}, {"kind": "review"}, {"kind": "fix"}, "it is no review"),
        ({"stakes": "high"}, {"labels": ("Security",)}, {}, "the stakes are not high"),
        ({"stakes": "routine"}, {}, {"paths": ("infra/x.tf",)}, "the stakes are not routine"),
        ({"min_lines": 10}, {"lines": 10}, {"lines": 9}, "9 lines are fewer than 10"),
        ({"max_lines": 10}, {"lines": 10}, {"lines": 11}, "11 lines are more than 10"),
    ],
)  # fmt: skip
def test_each_condition(conditions: dict[str, Any], holds: dict[str, Any], fails: dict[str, Any], why: str) -> None:
    made = routes(Rule(model="opus", **conditions), high_stakes_labels=("security",), high_stakes_paths=("infra/**",))
    assert chosen(made, facts(**holds)) == ("opus", "rule 1")
    found = choose(made, facts(**fails))
    assert isinstance(found, Chosen)
    assert found.by == "the default"
    assert found.passed[-1] == ("rule 1", why)


def test_all_conditions_of_a_rule_must_hold() -> None:
    made = routes(Rule(model="opus", label=("bug",), max_lines=5))
    assert chosen(made, facts(labels=("bug",), lines=5))[0] == "opus"
    assert chosen(made, facts(labels=("bug",), lines=6))[0] == "repair"
    assert chosen(made, facts(lines=5))[0] == "repair"


def test_stakes_are_high_by_label_or_by_path() -> None:
    made = routes(high_stakes_labels=("security",), high_stakes_paths=("auth/**",))
    assert stakes(made, facts()) == "routine"
    assert stakes(made, facts(labels=("SECURITY",))) == "high"
    assert stakes(made, facts(paths=("auth/login.py",))) == "high"
    assert facts_json(facts(labels=("security",)), made)["stakes"] == "high"


# --- the wall ----------------------------------------------------------------------------------------------------


def test_rules_and_the_default_do_not_lead_over_the_wall() -> None:
    made = routes(Rule(model="opus"), Rule(model="house"), default="gpt")
    assert chosen(made, facts()) == ("opus", "rule 1")
    found = choose(made, facts(self_hosted_only=True))
    assert isinstance(found, Chosen)
    assert (found.model, found.by) == ("house", "rule 2")
    assert "opus is not self-hosted" in found.passed[-1][1]


def test_where_no_model_is_of_the_house_nobody_works() -> None:
    made = routes(Rule(model="opus"), default="gpt")
    assert "Only self-hosted models may see this repository" in refused(made, facts(self_hosted_only=True))


@pytest.mark.parametrize("by", ["named", "configured"])
def test_naming_a_model_does_not_lead_over_the_wall(by: str) -> None:
    walled = facts(self_hosted_only=True, **{by: "opus"})
    assert "opus, which" in refused(routes(), walled)
    assert "is not one" in refused(routes(Rule(model="house", allowed=("opus",))), walled)
    assert allowed(routes(), walled) == ("house", "repair")
    assert chosen(routes(), facts(self_hosted_only=True, **{by: "house"}))[0] == "house"


def test_without_any_rules_of_the_operator_the_wall_still_stands() -> None:
    made = unruled("m", facts(named="opus"), frozenset())
    assert chosen(made, facts(named="opus")) == ("opus", "a comment")
    assert chosen(made, facts()) == ("m", "the default")
    assert refused(made, facts(named="opus", self_hosted_only=True))


# --- the operator's mistakes -------------------------------------------------------------------------------------


def test_unknown_models_are_told_with_their_place() -> None:
    made = routes(
        Rule(model="opus"), Rule(model="oppus", allowed=("haiku", "hiaku")), allowed=("gtp",), default="repare"
    )
    assert [told.partition(";")[0] for told in mistakes(made)] == [
        "models.default: there is no model named 'repare'",
        "routing.allowed: there is no model named 'gtp'",
        "routing.rules, rule 2: there is no model named 'oppus'",
        "routing.rules, rule 2: there is no model named 'hiaku'",
    ]
    assert list(mistakes(routes(Rule(model="opus"), allowed=("gpt",)))) == []


@pytest.mark.parametrize(
    "wrong",
    [{}, {"model": ""}, {"model": "m", "labels": ["x"]}, {"model": "m", "stakes": "some"},
     {"model": "m", "label": [""]}, {"model": "m", "min_lines": 3, "max_lines": 2}, {"model": "m", "min_lines": -1},
     {"model": "m", "kind": "chat"}, {"model": "m", "name": "x" * 101}],
)  # fmt: skip
def test_a_rule_that_cannot_hold_or_is_misspelt_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rule.model_validate(wrong)


def test_a_rule_is_called_by_its_name() -> None:
    assert str(Rule(model="m")) == "m"
    assert str(Rule(model="m", name="small ones", label="bug, ui")) == "small ones"  # type: ignore[arg-type]


# --- what a job is about -----------------------------------------------------------------------------------------

TREE = ("README.md", "src/shop/cart.py", "src/shop/slug.py", "tests/slug.py", "web/src/index.ts", "docs/index.ts")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("It fails in src/shop/cart.py, see line 3.", ("src/shop/cart.py",)),
        ("`./src/shop/cart.py`:12 and cart.py again", ("src/shop/cart.py",)),
        ("shop/slug.py is wrong, tests/slug.py is right", ("src/shop/slug.py", "tests/slug.py")),
        ("slug.py and index.ts are two files each", ()),
        ("src\\shop\\cart.py on Windows", ("src/shop/cart.py",)),
        ("../../etc/passwd, cart, .py, src/shop/, /srv/me/src/shop/cart.py", ()),
        ("README.md", ("README.md",)),
        ("", ()),
    ],
)
def test_the_paths_that_an_issue_names(text: str, named: tuple[str, ...]) -> None:
    assert paths_named(text, TREE) == named


def test_a_long_text_is_read_to_a_bound() -> None:
    assert paths_named("x " * 6_000 + "README.md", TREE) == ()


def test_lines_of_a_diff_are_what_it_adds_and_removes() -> None:
    assert changed_lines("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n same\n-old\n+new\n+more\n") == 3
