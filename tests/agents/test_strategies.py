"""From a row of the lineup to a model and a way of solving."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from agents import loop, repair, single_shot
from agents.dialects.text import TextDialect
from agents.errors import ModelRefused, StrategyUnavailable
from agents.models import build
from agents.models.replay import ReplayModel
from agents.models.retry import Retrying
from agents.models.sampler import Sampler
from agents.strategies import STRATEGIES, strategy
from agents.terms import Terms
from agents.trajectory import to_json
from agents.types import Trajectory
from agents.wall import Wall
from config.models import default_lineup, load

KEY = SecretStr("sk-1")
WALL = Terms(wall=Wall(self_hosted_only=True))


def test_there_are_three_ways_to_solve() -> None:
    assert strategy("loop") is loop.solve
    assert strategy("single_shot") is single_shot.solve
    assert strategy("repair") is repair.solve
    assert set(STRATEGIES) == {"loop", "single_shot", "repair"}


def test_every_row_of_the_lineup_has_a_strategy_that_exists() -> None:
    for spec in default_lineup():
        assert strategy(spec.strategy)


def test_a_strategy_that_does_not_exist_is_a_clear_error() -> None:
    with pytest.raises(StrategyUnavailable, match="'guess' does not exist in this version"):
        strategy("guess")


def test_a_base_model_is_sampled_and_takes_no_conversation() -> None:
    model = build(default_lineup().get("starcoder2-15b"), None)
    assert isinstance(model, Sampler)
    with pytest.raises(ModelRefused, match="takes no conversation"):
        model.query([], (), max_output_tokens=10)


def test_repair_has_no_model() -> None:
    assert build(default_lineup().get("repair"), None) is None


@pytest.mark.parametrize("name", ["claude-opus", "gpt", "deepseek-coder", "codestral"])
def test_a_hosted_model_is_retried_and_needs_its_key(name: str) -> None:
    spec = default_lineup().get(name)
    model = build(spec, KEY)
    assert isinstance(model, Retrying)
    assert model.name == name
    for missing in (None, SecretStr("")):
        with pytest.raises(ModelRefused, match=f"no key. Set {spec.key_variable}"):
            build(spec, missing)


def test_a_model_without_tools_speaks_in_text() -> None:
    assert isinstance(build(default_lineup().get("qwen2_5-coder"), None), TextDialect)


@pytest.mark.parametrize("name", ["claude-opus", "gpt"])
def test_self_hosted_only_is_a_wall(name: str) -> None:
    with pytest.raises(ModelRefused, match="only self-hosted"):
        build(default_lineup().get(name), KEY, WALL)


def test_self_hosted_only_lets_through_what_stays_in_the_house() -> None:
    assert build(default_lineup().get("qwen2_5-coder"), None, WALL) is not None
    assert build(default_lineup().get("repair"), None, WALL) is None


def test_a_replay_is_opened_from_its_file(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(to_json(Trajectory(task_id="t", model="m", strategy="loop", prompt_version="1")))
    spec = load(f"[models.again]\nadapter = 'replay'\nendpoint = '{path}'").get("again")
    assert isinstance(build(spec, None), ReplayModel)
