"""The models: one adapter for each SDK, a replayed one, and `build`, which makes one from a row of the lineup."""

from __future__ import annotations

from pathlib import Path
from typing import assert_never

from pydantic import SecretStr

from agents.dialects.text import TextDialect
from agents.errors import ModelRefused
from agents.models.replay import ReplayModel
from agents.models.retry import Retrying
from agents.protocols import Model
from config.models import Adapter, Dialect, ModelSpec


def build(spec: ModelSpec, key: SecretStr | None, *, self_hosted_only: bool = False) -> Model | None:
    """The model of a row, with retries; None for `repair`, which has none.

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
        case Adapter.ANTHROPIC:
            from agents.models.anthropic import AnthropicModel  # importing an SDK costs seconds: only when it is used

            model: Model = AnthropicModel(spec, _key(spec, key))
        case Adapter.OPENAI:
            from agents.models.openai import OpenAIModel

            model = OpenAIModel(spec, _key(spec, key))
        case _:
            assert_never(spec.adapter)
    model = Retrying(model)
    return TextDialect(model) if spec.dialect is Dialect.TEXT else model


def _key(spec: ModelSpec, key: SecretStr | None) -> SecretStr | None:
    if spec.key_variable and (key is None or not key.get_secret_value()):
        raise ModelRefused(f"{spec.name}: no key. Set {spec.key_variable}.")
    return key
