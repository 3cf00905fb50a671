"""The models: one adapter for each SDK, a replayed one, and `build`, which makes one from a row of the lineup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pydantic import SecretStr

from agents.dialects.text import TextDialect
from agents.errors import Fault, ModelRefused
from agents.models.exchange import Exchange
from agents.models.replay import ReplayModel
from agents.models.retry import Patience, Retrying
from agents.models.transport import Timeouts
from agents.protocols import Model
from config.models import Adapter, Dialect, ModelSpec, StrategyName

if TYPE_CHECKING:
    from agents.models.sampler import Sampler


def build(
    spec: ModelSpec, key: SecretStr | None, *, self_hosted_only: bool = False, patience: Patience | None = None
) -> Model | None:
    """The model of a row, with retries as long as `patience` lasts; None for `repair`, which has none.

    Raises `ModelRefused` where a key is missing, or where `self_hosted_only` forbids the endpoint; `TrajectoryError`
    for a replay whose file cannot be read.
    """
    if self_hosted_only and not spec.self_hosted and spec.adapter in (Adapter.ANTHROPIC, Adapter.OPENAI):
        raise ModelRefused(f"{spec.name}: only self-hosted models may see this repository, and this one is not")
    match spec.adapter:
        case Adapter.NONE:
            return None
        case Adapter.REPLAY:
            return ReplayModel.open(spec.name, Path(spec.endpoint))
        case Adapter.ANTHROPIC | Adapter.OPENAI:
            if spec.strategy is StrategyName.SINGLE_SHOT:
                return build_sampler(spec, key, patience=patience)
            model = Retrying(adapter(spec, key), patience=patience)
        case _:
            assert_never(spec.adapter)
    return TextDialect(model) if spec.dialect is Dialect.TEXT else model


def adapter(spec: ModelSpec, key: SecretStr | None, *, timeouts: Timeouts | None = None) -> Model:
    """The bare endpoint of a row with one: no retries, no dialect. Raises `ModelRefused` without its key."""
    # Importing an SDK costs seconds: only when it is used.
    if spec.adapter is Adapter.ANTHROPIC:
        from agents.models.anthropic import AnthropicModel

        return AnthropicModel(spec, _key(spec, key), timeouts=timeouts)
    from agents.models.openai import OpenAIModel

    return OpenAIModel(spec, _key(spec, key), timeouts=timeouts)


def build_sampler(
    spec: ModelSpec, key: SecretStr | None, *, timeouts: Timeouts | None = None, patience: Patience | None = None
) -> Sampler:
    """A row as `single_shot` uses it. Raises `ModelRefused` without its key."""
    from agents.models.openai import OpenAIModel
    from agents.models.sampler import Sampler

    model = adapter(spec, key, timeouts=timeouts)
    exchange = Exchange(spec, key, timeouts=timeouts)
    # A review asks with tools: without native ones they go as text.
    asked = TextDialect(model) if spec.dialect is Dialect.TEXT else model
    return Sampler(
        asked,
        spec=spec,
        completions=model if isinstance(model, OpenAIModel) else None,
        exchange=exchange,
        retrying=Retrying(asked, patience=patience),
    )


def _key(spec: ModelSpec, key: SecretStr | None) -> SecretStr | None:
    if spec.key_variable and (key is None or not key.get_secret_value()):
        raise ModelRefused(f"{spec.name}: no key. Set {spec.key_variable}.", fault=Fault.KEY)
    return key
