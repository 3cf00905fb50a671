"""How a model is used, by what its endpoint was found to do. Pure; no list of names anywhere.

A row without a probe is used as it is written.
"""

from __future__ import annotations

from typing import Any

from agents.probe.record import Found, Probe
from config.models import Adapter, Fim, FimRoute, ModelSpec, Protocol, StrategyName, TokenizerRoute

LOOP_WINDOW = 24_000
"""Tokens: in a smaller window a conversation with files and test output comes to its end before its work does."""


def fitted(spec: ModelSpec, probe: Probe | None) -> ModelSpec:
    """The row as its endpoint really is."""
    if probe is None or not probe.is_usable or not probe.is_of(spec) or spec.adapter is Adapter.NONE:
        return spec
    window = probe.window or spec.window
    found: dict[str, Any] = {
        "window": window,
        "output_limit": _output(probe.output_limit or spec.output_limit, window),
        "tokenizer": spec.tokenizer if "tokenizer" in probe.unanswered else probe.tokenizer,
        "fim": spec.fim if "fim" in probe.unanswered else _fim(spec, probe),
    }
    if probe.stream_usage is not Found.UNKNOWN:
        found["reports_usage"] = probe.stream_usage is Found.YES
    if not spec.pinned:
        found.update(_way(spec, probe, window))
    return spec.model_copy(update=found)


def _output(limit: int, window: int) -> int:
    """An answer leaves at least half of the window to the question."""
    return min(limit, max(1, window // 2))


def _fim(spec: ModelSpec, probe: Probe) -> Fim | None:
    """By the route that worked; by the model's own tokens where plain text is continued and they are not disproved."""
    if probe.fim is not None:
        return Fim(route=probe.fim)
    by_tokens = spec.fim is not None and spec.fim.route is FimRoute.TOKENS
    if by_tokens and probe.completions is Found.YES and probe.fim_tokens is not Found.NO:
        return spec.fim
    return None


def _way(spec: ModelSpec, probe: Probe, window: int) -> dict[str, Any]:
    if probe.chat is not Found.YES:
        return {"tools": False, "protocol": Protocol.COMPLETIONS, "strategy": StrategyName.SINGLE_SHOT}
    tools = spec.tools if probe.tools is Found.UNKNOWN else probe.tools is Found.YES
    strategy = StrategyName.LOOP if window >= LOOP_WINDOW else StrategyName.SINGLE_SHOT
    return {"tools": tools, "protocol": Protocol.CHAT, "strategy": strategy}


def described(spec: ModelSpec) -> str:
    """Strategy and dialect in a few words."""
    if spec.strategy is StrategyName.LOOP:
        return f"{spec.strategy}, {spec.dialect}"
    if spec.strategy is StrategyName.REPAIR:
        return str(spec.strategy)
    counted = ", tokens counted" if spec.tokenizer is not TokenizerRoute.NONE else ""
    return f"{spec.strategy}, {spec.protocol}{', fills gaps' if spec.fim else ''}{counted}"
