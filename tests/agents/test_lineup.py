"""Every preset of the lineup, over its own wire, through a whole fix of a small repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.models import build
from agents.strategies import strategy
from agents.types import AttemptLimits, Ending
from config.models import Adapter, ModelSpec, Protocol, StrategyName, default_lineup
from tests.support import player
from tests.support.model_server import serving
from tests.support.repair_env import DirectoryEnvironment, MemoryRecorder
from tests.support.vendors import (
    ANTHROPIC,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    MISTRAL,
    OPENAI,
    VLLM,
    VLLM_BASE,
    Vendor,
    VendorServer,
)

VENDORS = {
    "api.anthropic.com": ANTHROPIC,
    "api.openai.com": OPENAI,
    "generativelanguage.googleapis.com": GEMINI,
    "api.deepseek.com": DEEPSEEK,
    "dashscope-intl.aliyuncs.com": DASHSCOPE,
    "api.mistral.ai": MISTRAL,
}
KEY = "sk-lineup-0123456789"
PRESETS = [spec for spec in default_lineup() if spec.adapter is not Adapter.NONE]


def vendor_of(spec: ModelSpec) -> Vendor:
    for host, vendor in VENDORS.items():
        if host in spec.endpoint:
            return vendor
    return VLLM_BASE if spec.protocol is Protocol.COMPLETIONS else VLLM


def server_of(spec: ModelSpec, vendor: Vendor) -> VendorServer:
    tokens = tuple(filter(None, (spec.fim.prefix, spec.fim.suffix, spec.fim.middle))) if spec.fim else ()
    key = KEY if spec.key_variable else ""
    return VendorServer(
        vendor=vendor, model=spec.model_id, window=spec.window, play=player.play, key=key, fim_tokens=tokens
    )


def at(spec: ModelSpec, server: VendorServer) -> ModelSpec:
    url = server.url if spec.adapter is Adapter.ANTHROPIC else f"{server.url}/v1"
    return spec.model_copy(update={"endpoint": url})


@pytest.mark.parametrize("spec", PRESETS, ids=lambda spec: spec.name)
def test_a_preset_repairs_over_its_own_wire(spec: ModelSpec, tmp_path: Path) -> None:
    environment = DirectoryEnvironment(tmp_path, player.FILES, runner="unittest")
    with serving(server_of(spec, vendor_of(spec))) as server:
        model = build(at(spec, server), SecretStr(KEY) if spec.key_variable else None)
        attempt = strategy(spec.strategy)(player.TASK, environment, model, AttemptLimits(), MemoryRecorder())
    assert not server.violations
    assert not server.refused, "nothing was sent that did not fit"
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    assert attempt.strategy == spec.strategy
    assert attempt.usage.input_tokens > 0
    assert attempt.usage.output_tokens > 0
    if spec.price is not None or spec.price_provider:
        assert attempt.cost_usd
    else:
        assert attempt.cost_usd is None, "an unknown price is unknown"
    proven(environment, attempt.diff)


def proven(environment: DirectoryEnvironment, diff: str) -> None:
    """Red with the new tests alone, green with the whole patch."""
    environment.reset(diff)
    report = environment.run_tests()
    assert not report.red
    new = [test for test in report.green if "test_basket" not in test]
    assert new, "the patch holds its witness"
    assert len(report.green) == len(new) + 2
    environment.write(player.SOURCE, player.FILES[player.SOURCE].encode())
    assert environment.run_tests().red == frozenset(new)


def test_every_strategy_and_dialect_is_some_presets_default() -> None:
    assert {spec.strategy for spec in default_lineup()} == set(StrategyName)
