"""The models: one adapter for each SDK, a replayed one, and `build`, which makes one from a row of the lineup."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from pydantic import SecretStr

from agents.dialects.text import TextDialect
from agents.errors import Fault, ModelRefused
from agents.models.exchange import Exchange
from agents.models.paying import Metered
from agents.models.replay import ReplayModel
from agents.models.retry import Retrying
from agents.models.transport import Timeouts
from agents.patience import Patience
from agents.protocols import Model
from agents.terms import OPEN, Terms
from config.models import Adapter, Dialect, ModelSpec, StrategyName

if TYPE_CHECKING:
    from agents.models.anthropic import AnthropicModel
    from agents.models.openai import OpenAIModel
    from agents.models.sampler import Sampler


def build(
    spec: ModelSpec, key: SecretStr | None, terms: Terms = OPEN, *, patience: Patience | None = None
) -> Model | None:
    """The model of a row, paid from the terms' purse; None for `repair`. Retries and waits for money last as long as
    `patience`.

    Raises `ModelRefused` where a key is missing, or where the terms' wall forbids the endpoint; `TrajectoryError` for a
    replay whose file cannot be read.
    """
    if refused := terms.wall.refuses(spec):
        raise ModelRefused(refused)
    match spec.adapter:
        case Adapter.NONE:
            return None
        case Adapter.REPLAY:
            return ReplayModel.open(spec.name, Path(spec.endpoint))
        case Adapter.ANTHROPIC | Adapter.OPENAI:
            if spec.strategy is StrategyName.SINGLE_SHOT:
                return build_sampler(spec, key, terms, patience=patience)
            model = Retrying(adapter(spec, key, terms, patience=patience), patience=patience)
        case _:
            assert_never(spec.adapter)
    return TextDialect(model) if spec.dialect is Dialect.TEXT else model


def adapter(
    spec: ModelSpec,
    key: SecretStr | None,
    terms: Terms,
    *,
    timeouts: Timeouts | None = None,
    patience: Patience | None = None,
) -> Model:
    """The endpoint of a row with one, each call paid: no retries, no dialect. Raises `ModelRefused` without its key."""
    return Metered(bare(spec, key, terms, timeouts=timeouts), spec, terms.purse, patience)


def bare(
    spec: ModelSpec, key: SecretStr | None, terms: Terms, *, timeouts: Timeouts | None = None
) -> AnthropicModel | OpenAIModel:
    """The endpoint itself, which pays nothing: whoever calls it does. Raises `ModelRefused` without its key."""
    # Importing an SDK costs seconds: only when it is used.
    if spec.adapter is Adapter.ANTHROPIC:
        from agents.models.anthropic import AnthropicModel

        return AnthropicModel(spec, _key(spec, key), wall=terms.wall, timeouts=timeouts)
    from agents.models.openai import OpenAIModel

    return OpenAIModel(spec, _key(spec, key), wall=terms.wall, timeouts=timeouts)


def build_sampler(
    spec: ModelSpec,
    key: SecretStr | None,
    terms: Terms,
    *,
    timeouts: Timeouts | None = None,
    patience: Patience | None = None,
) -> Sampler:
    """A row as `single_shot` uses it. Raises `ModelRefused` without its key."""
    from agents.models.openai import OpenAIModel
    from agents.models.sampler import Sampler

    endpoint = bare(spec, key, terms, timeouts=timeouts)
    model = Metered(endpoint, spec, terms.purse, patience)
    # A review asks with tools: without native ones they go as text.
    asked = TextDialect(model) if spec.dialect is Dialect.TEXT else model
    return Sampler(
        asked,
        spec=spec,
        completions=endpoint if isinstance(endpoint, OpenAIModel) else None,
        exchange=Exchange(spec, key, wall=terms.wall, timeouts=timeouts),
        retrying=Retrying(asked, patience=patience),
        purse=terms.purse,
        patience=patience,
    )


def _key(spec: ModelSpec, key: SecretStr | None) -> SecretStr | None:
    if spec.key_variable and (key is None or not key.get_secret_value()):
        raise ModelRefused(f"{spec.name}: no key. Set {spec.key_variable}.", fault=Fault.KEY)
    return key
