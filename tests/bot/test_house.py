"""Who may say that a repository's source stays in the house, and who may not take it back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot import wiring
from bot.house import House
from bot.repo_config import RepoConfig, parse
from config.sections import Models, Store
from config.settings import Settings

SILENT = RepoConfig()


def config(text: str) -> RepoConfig:
    found = parse(text.encode())
    assert isinstance(found, RepoConfig)
    return found


@pytest.mark.parametrize("pattern", ["acme/vault", "acme/*", "*", "ACME/Vault", "acme/v*"])
def test_the_operator_encloses_repositories_by_pattern_in_any_case(pattern: str) -> None:
    house = House(repositories=(pattern,), hosts=("llm.acme.example",))
    for name in ("acme/vault", "Acme/VAULT"):
        wall = house.wall(name, SILENT)
        assert wall.self_hosted_only
        assert wall.listed == ("llm.acme.example",)


def test_other_repositories_are_free() -> None:
    assert not House(repositories=("acme/vault",)).wall("acme/vault2", SILENT).self_hosted_only
    assert not House().wall("acme/vault", SILENT).self_hosted_only


def test_a_repository_can_enclose_itself() -> None:
    assert House().wall("acme/web", config("self_hosted_only: true")).self_hosted_only


def test_a_repository_cannot_take_away_what_the_operator_set() -> None:
    house = House(repositories=("acme/*",))
    assert house.wall("acme/web", config("self_hosted_only: false")).self_hosted_only
    assert not House().wall("acme/web", config("self_hosted_only: false")).self_hosted_only


def test_what_belongs_to_no_repository_is_enclosed_with_all_of_them() -> None:
    assert House(repositories=("acme/*", "*")).everything().self_hosted_only
    assert not House(repositories=("acme/*",)).everything().self_hosted_only


# --- one place ---------------------------------------------------------------------------------------------------

SOURCES = [path for room in ("agents", "bot") for path in sorted(Path(room).rglob("*.py"))]
ON_TERMS = {"build", "bare", "adapter", "build_sampler", "probe"}
"""Of `agents.models` and `agents.probe.asking`: the third argument is the terms."""
WALLED = {"AnthropicModel", "OpenAIModel", "Exchange"}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    """By the name that was imported, whatever it is called here."""
    tree = ast.parse(path.read_text())
    names = {name: name for name in WALLED | (ON_TERMS if path == Path("agents/models/__init__.py") else set())}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module in ("agents.models", "agents.probe.asking"):
            names |= {alias.asname or alias.name: alias.name for alias in node.names}
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)]
    return [(names[node.func.id], node) for node in found if isinstance(node.func, ast.Name) and node.func.id in names]


def test_every_maker_of_a_connection_is_told_its_terms() -> None:
    """The defaults of these parameters are for tests: product code that forgets them would open a way around."""
    walled, on_terms = [], []
    for path in SOURCES:
        for name, call in calls(path):
            where = f"{path}:{call.lineno}: {name}"
            if name in WALLED:
                walled.append(where)
                assert any(word.arg == "wall" for word in call.keywords), f"{where} without a wall"
            elif name in ON_TERMS:
                on_terms.append(where)
                assert len(call.args) >= 3, f"{where} without terms"
    assert len(walled) >= 4
    assert {where.rpartition(": ")[2] for where in on_terms} >= {"build", "bare", "adapter", "build_sampler", "probe"}
    assert any(where.startswith("bot/") for where in on_terms)


def test_the_months_money_is_no_limit_for_models_that_send_no_bill(tmp_path: Path) -> None:
    own = 'adapter = "openai"\nendpoint = "http://127.0.0.1:1/v1"\nmodel_id = "x"\nwindow = 9000\noutput_limit = 900\n'
    price = "price = { as_of = 2026-11-23, input = 1, output = 2 }\n"
    lineup = tmp_path / "models.toml"
    lineup.write_text(
        f"[models.own]\n{own}self_hosted = true\n[models.theirs]\n{own}\n"
        f"[models.rented]\n{own}self_hosted = true\n{price}"
    )
    free = wiring.free_models(Settings(models=Models(file=lineup), store=Store(directory=tmp_path)))
    assert {"repair", "own"} <= free
    assert free.isdisjoint({"rented", "theirs", "claude-opus", "gpt"})
