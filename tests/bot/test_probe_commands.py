"""`redgreen models probe` as a person uses it, against a server that lies, and what follows from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot import wiring
from config.models import StrategyName
from config.settings import load
from tests.support import player
from tests.support.model_server import problem, serving
from tests.support.vendors import OLLAMA, VendorServer

KEY = "sk-house-0123456789"


def redgreen(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bot", *words],
        capture_output=True,
        text=True,
        env={**os.environ, **variables},
        timeout=120,
        check=False,
    )


@pytest.fixture
def house(tmp_path: Path) -> Iterator[tuple[VendorServer, dict[str, str]]]:
    """A server that cuts prompts at 4,000 tokens without a word, and a lineup that believes in 64,000."""
    server = VendorServer(
        vendor=OLLAMA, model="coder:7b", window=1_000_000, play=player.probed, key=KEY, faults={"truncates_at": 4_000}
    )
    with serving(server):
        lineup = tmp_path / "lineup.toml"
        lineup.write_text(
            f"""
            [models.house]
            adapter = "openai"
            endpoint = "{server.url}/v1"
            model_id = "coder:7b"
            key_variable = "HOUSE_KEY"
            window = 64_000
            output_limit = 8_000
            self_hosted = true
            """
        )
        yield server, {
            "REDGREEN_STORE__DIRECTORY": str(tmp_path / "state"), "REDGREEN_MODELS__FILE": str(lineup),
            "HOUSE_KEY": KEY,
        }  # fmt: skip


def row(variables: dict[str, str]) -> dict[str, Any]:
    listed = redgreen("models", "--json", **variables)
    assert listed.returncode == 0, listed.stderr
    rows: list[dict[str, Any]] = json.loads(listed.stdout)
    return next(one for one in rows if one["name"] == "house")


def test_a_probe_is_told_kept_and_acted_on(house: tuple[VendorServer, dict[str, str]]) -> None:
    server, variables = house
    before = row(variables)
    assert (before["way"], before["window"], before["probe"]) == ("loop, tools", 64_000, None)
    done = redgreen("models", "probe", "house", "--json", **variables)
    assert done.returncode == 1, "an endpoint that is not what it says"
    told = json.loads(done.stdout)
    assert told["chosen"]["strategy"] == "single_shot"
    assert any("did not say so" in problem for problem in told["problems"])
    assert KEY not in done.stdout + done.stderr + Path(told["file"]).read_text()
    after = row(variables)
    assert after["way"].startswith("single_shot, chat")
    assert after["window"] < 4_100
    assert after["probe"]["at"] == told["at"]
    table = redgreen("models", COLUMNS="300", **variables)
    assert "1 problem" in table.stdout
    asked = len(server.requests)
    server.key = "changed"
    again = redgreen("models", "probe", "house", "--json", **variables)
    assert (again.returncode, json.loads(again.stdout)["file"]) == (1, None)
    assert len(server.requests) == asked + 1
    assert row(variables)["probe"]["at"] == told["at"], "what was known is kept"


def test_a_busy_endpoint_is_said_to_be_busy_and_chooses_nothing(house: tuple[VendorServer, dict[str, str]]) -> None:
    server, variables = house
    server.instead = lambda received: problem(503, "overloaded_error", "come again") if received.body else None
    done = redgreen("models", "probe", "house", **variables, COLUMNS="300")
    assert done.returncode == 1
    assert "too busy to be asked" in done.stdout
    assert "503" in done.stdout
    assert "It is used as: loop, tools, window 64,000." in done.stdout, "as the row says"
    assert row(variables)["way"] == "loop, tools"


def test_a_probe_in_words_says_how_the_model_is_used(house: tuple[VendorServer, dict[str, str]]) -> None:
    server, variables = house
    server.faults.clear()
    done = redgreen("models", "probe", "house", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "parallel tools" in done.stdout
    assert "It is used as: loop, tools, window 1,000,000." in done.stdout, "as the server itself says"


@pytest.mark.parametrize(
    ("name", "why"), [("repair", "no endpoint"), ("nobody", "no model named"), ("gpt", "Set OPENAI_API_KEY")]
)
def test_what_cannot_be_asked_is_refused_in_words(
    name: str, why: str, house: tuple[VendorServer, dict[str, str]]
) -> None:
    done = redgreen("models", "probe", name, **{**house[1], "OPENAI_API_KEY": ""})
    assert done.returncode == 2
    assert why in done.stderr


def test_the_workshop_gets_the_lineup_as_it_was_found(
    house: tuple[VendorServer, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in house[1].items():
        monkeypatch.setenv(name, value)
    settings = load()
    assert wiring.lineup(settings).get("house").strategy is StrategyName.LOOP
    assert redgreen("models", "probe", "house").returncode == 1
    assert wiring.lineup(settings).get("house").strategy is StrategyName.SINGLE_SHOT
    assert wiring.declared(settings).get("house").strategy is StrategyName.LOOP
