"""Who may say that a repository's source stays in the house, and who may not take it back."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from bot.house import House
from bot.repo_config import RepoConfig, parse

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
ON_TERMS = {"build": 3, "probe": 3, "bare": 3, "adapter": 3, "build_sampler": 3}
WALLED = {"AnthropicModel", "OpenAIModel", "Exchange"}


def calls(path: Path) -> list[tuple[str, ast.Call]]:
    tree = ast.parse(path.read_text())
    found = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [(node.func.id, node) for node in found if isinstance(node.func, ast.Name)]


def test_every_maker_of_a_connection_is_told_the_wall() -> None:
    """The defaults of these parameters are for tests: product code that forgets them would open a way around."""
    seen = 0
    for path in SOURCES:
        for name, call in calls(path):
            if name in WALLED:
                assert any(word.arg == "wall" for word in call.keywords), f"{path}:{call.lineno}: {name} without a wall"
                seen += 1
            if name in ON_TERMS and path.parts[0] == "agents" and "prompts" not in path.parts:
                assert len(call.args) >= ON_TERMS[name], f"{path}:{call.lineno}: {name} without terms"
                seen += 1
    assert seen >= 6


def test_bot_builds_models_on_terms_only() -> None:
    text = "".join(path.read_text() for path in SOURCES if path.parts[0] == "bot")
    assert "from agents.models import build" in text
    assert text.count("build(spec, model_key(spec.key_variable), terms, ") == text.count(
        "model_key(spec.key_variable),"
    )
    assert "ask(spec, key, terms)" in text
