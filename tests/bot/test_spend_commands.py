"""`redgreen spend` and `redgreen models route`, as a person and a program read them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agents.purse import Call
from agents.types import Usage
from bot import spend_commands
from bot.checkouts import Checkout
from bot.choosing import Facts
from bot.errors import UsageError
from bot.money.budget import Limits
from bot.money.local import local_terms, probe_terms
from bot.money.purse import StorePurse
from bot.places import database_url
from bot.repo_config import RepoConfig
from bot.route_commands import explain
from bot.store import Account, Purpose, Store
from config.settings import Settings, load

OPEN = Limits(attempt=None, job=None, repository=None)
USAGE = Usage(input_tokens=900, output_tokens=50, cache_read_tokens=600, reasoning_tokens=20)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    path = tmp_path / "redgreen.toml"
    path.write_text(
        f"""
        [store]
        directory = "{tmp_path}/state"
        [limits]
        repository_month_usd = 10.0
        month_usd = 50.0
        [models]
        self_hosted_only = "acme/vault"
        [routing]
        allowed = "claude-haiku, repair"
        [[routing.rules]]
        name = "docs"
        path = "docs/**"
        model = "claude-haiku"
        """
    )
    return load(path)


def call(model: str, usd: float | None = 0.5) -> Call:
    return Call(model=model, prompt_tokens=9, output_tokens=9, worst_usd=lambda _: usd, self_hosted=usd is None)


@pytest.fixture
def booked(settings: Settings) -> Settings:
    Path(settings.store.directory).mkdir()
    store = Store.open(database_url(settings))
    account = Account(
        attempt="j-1", job="j", purpose=Purpose.FIX, repository_id=7, repository="octo/shop", installation_id=3
    )
    purse = StorePurse(store.spend, OPEN, account)
    purse.hold(call("opus")).paid(USAGE, 1.25)
    purse.hold(call("opus")).lost()
    purse.hold(call("house", None)).paid(USAGE, None)
    purse.hold(call("opus"))
    store.close()
    return settings


def spent(settings: Settings, capsys: pytest.CaptureFixture[str], by: str = "model", since: str = "") -> dict[str, Any]:
    assert spend_commands.spend(settings, since=since, by=by, as_json=True) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_the_book_is_added_up_by_model(booked: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    opus, house = spent(booked, capsys)["rows"]
    assert (opus["model"], opus["calls"], opus["lost"], opus["under_way"]) == ("opus", 3, 1, 1)
    assert (opus["known_cost_usd"], opus["uncertain_cost_usd"], opus["cost_usd"]) == (1.25, 1.0, None)
    assert (house["model"], house["calls_of_unknown_cost"], house["cost_usd"]) == ("house", 1, None)
    assert (house["input_tokens"], house["cache_read_tokens"], house["reasoning_tokens"]) == (900, 600, 20)


def test_the_limits_and_what_they_leave_are_shown(booked: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    everything, installation, repository = spent(booked, capsys, by="repository")["limits"]
    assert (everything["scope"], everything["limit_usd"], everything["left_usd"]) == ("month", 50.0, 47.75)
    assert (installation["name"], installation["limit_usd"], installation["left_usd"]) == ("installation 3", None, None)
    assert (repository["name"], repository["used_usd"], repository["aside_usd"]) == ("octo/shop", 2.25, 0.5)
    assert repository["calls_of_unknown_price"] == 1


def test_people_read_what_is_unknown_beside_what_is_known(booked: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    spend_commands.spend(booked, since="", by="model", as_json=False)
    said = " ".join(capsys.readouterr().out.split())
    assert "$1.25 + up to $1.00 uncertain" in said
    assert "1 unknown" in said
    assert "$2.25 ($0.50 set aside) + 1 calls of unknown price" in said
    assert "$47.75" in said


def test_days_and_spans_are_understood(booked: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    (day,) = spent(booked, capsys, by="day", since="7d")["rows"]
    assert day["day"].count("-") == 2
    assert spent(booked, capsys, since="2099-01-01")["rows"] == []
    for wrong in ("yesterday", "2026-13-01"):
        with pytest.raises(UsageError, match="--since"):
            spend_commands.begin(wrong, 0.0)
    with pytest.raises(UsageError, match="--by"):
        spend_commands.spend(booked, since="", by="colour", as_json=True)


def test_an_empty_book_is_told_as_such(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert spend_commands.spend(settings, since="", by="model", as_json=False) == 0
    assert "No call to a model was booked since" in capsys.readouterr().out


def test_commands_book_on_their_directory_and_every_run_is_an_attempt(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    for directory in ("/src/one", "/src/one", "/src/two"):
        with local_terms(settings, Checkout(title=directory), "fix-1", Purpose.FIX) as terms:
            made = terms(RepoConfig(self_hosted_only=True))
            made.purse.hold(call("opus")).paid(USAGE, 1.0)
            assert made.wall.self_hosted_only
    with probe_terms(settings, "opus") as probing:
        probing.purse.hold(call("opus")).paid(USAGE, 0.5)
        assert not probing.wall.self_hosted_only
    rows = spent(settings, capsys, by="repository")["rows"]
    assert [(row["repository"], row["calls"]) for row in rows] == [("/src/one", 2), ("/src/two", 1), ("none", 1)]


# --- route -------------------------------------------------------------------------------------------------------


def routed(settings: Settings, capsys: pytest.CaptureFixture[str], config: Path | None = None, **facts: Any) -> Any:
    known = Facts(**{"repository": "acme/web", **facts})
    code = explain(settings, known, repo_config=config, as_json=True)
    found = json.loads(capsys.readouterr().out)
    assert code == (0 if found["model"] else 1)
    return found


def test_the_rule_that_chooses_is_named(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    found = routed(settings, capsys, paths=("docs/a.md",))
    assert (found["model"], found["by"]) == ("claude-haiku", "rule 1: docs")
    found = routed(settings, capsys)
    assert (found["model"], found["by"]) == ("repair", "the default")
    assert found["passed"][-1] == {"which": "rule 1: docs", "why": "no path is docs/**"}
    assert found["allowed"] == ["claude-haiku", "repair"]


def test_a_repositorys_file_is_taken_into_account(
    settings: Settings, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = tmp_path / "redgreen.yml"
    file.write_text("self_hosted_only: true\n")
    found = routed(settings, capsys, file, paths=("docs/a.md",))
    assert (found["model"], found["facts"]["self_hosted_only"]) == ("repair", True)
    assert found["allowed"] == ["repair"]
    file.write_text("modell: x\n")
    with pytest.raises(UsageError, match="line 1: There is no key 'modell'"):
        routed(settings, capsys, file)


def test_what_may_not_be_is_told_with_the_reason(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    found = routed(settings, capsys, repository="Acme/Vault", named="claude-haiku")
    assert found["model"] is None
    assert "Only self-hosted models may see this repository" in found["reason"]
    assert explain(settings, Facts(repository="acme/web", named="gpt"), repo_config=None, as_json=False) == 1
    assert "gpt, which a comment asks for, may not be used here" in capsys.readouterr().out


def test_people_read_it_in_words(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert explain(settings, Facts(repository="acme/web"), repo_config=None, as_json=False) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert said.startswith("repair, chosen by the default.")
    assert "no path is docs/**" in said


def test_a_rule_that_names_an_unknown_model_is_refused_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "redgreen.toml"
    path.write_text("[[routing.rules]]\nmodel = 'oppus'\n")
    with pytest.raises(UsageError, match=r"routing\.rules, rule 1: there is no model named 'oppus'"):
        explain(load(path), Facts(repository="acme/web"), repo_config=None, as_json=True)
