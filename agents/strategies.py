"""The ways to solve a task, by the lineup's word for them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from agents import loop, prompts, repair, single_shot
from agents.errors import StrategyUnavailable
from agents.protocols import Strategy
from agents.repair.solve import VERSION as REPAIR_VERSION
from agents.single_shot.prompts import PROMPT_VERSION as SINGLE_SHOT_VERSION
from config.models import StrategyName

STRATEGIES: Mapping[str, Strategy] = MappingProxyType(
    {
        StrategyName.LOOP.value: loop.solve,
        StrategyName.SINGLE_SHOT.value: single_shot.solve,
        StrategyName.REPAIR.value: repair.solve,
    }
)
PROMPT_VERSIONS: Mapping[str, str] = MappingProxyType(
    {
        StrategyName.LOOP.value: prompts.PROMPT_VERSION,
        StrategyName.SINGLE_SHOT.value: SINGLE_SHOT_VERSION,
        StrategyName.REPAIR.value: REPAIR_VERSION,
    }
)
"""What an attempt of each strategy will say it was made with."""


def strategy(name: str) -> Strategy:
    """Raises `StrategyUnavailable` for one that this version does not have."""
    found = STRATEGIES.get(name)
    if found is None:
        raise StrategyUnavailable(
            f"The strategy {str(name)!r} does not exist in this version of redgreen. Those there are: "
            f'{", ".join(STRATEGIES)}. Choose a model of another strategy, or give this one `strategy = "loop"`.'
        )
    return found
