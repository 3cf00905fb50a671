"""Every preset of the lineup, over its own wire, through a whole fix of a small repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.models import build
from agents.probe.asking import probe
from agents.probe.choice import described, fitted
from agents.strategies import strategy
from agents.types import AttemptLimits, Ending
from config.models import Adapter, ModelSpec, Protocol, StrategyName, default_lineup, load
from tests.support import player
from tests.support.model_server import serving
from tests.support.repair_env import DirectoryEnvironment, MemoryRecorder
from tests.support.vendors import (
    ANTHROPIC,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    LLAMA_CPP,
    MISTRAL,
    OLLAMA,
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


LOOP_ROW = """
[models.mine]
adapter = "openai"
endpoint = "http://127.0.0.1:1/v1"
model_id = "anything"
window = 64_000
output_limit = 4_000
"""


@pytest.mark.parametrize(
    ("vendor", "window", "faults", "way"),
    [
        (VLLM, 64_000, {}, "loop, tools"),
        (VLLM, 64_000, {"talks_instead_of_calling": True}, "loop, text"),
        (VLLM, 4_096, {}, "single_shot, chat, tokens counted"),
        (VLLM_BASE, 64_000, {}, "single_shot, completions, tokens counted"),
        (LLAMA_CPP, 4_096, {}, "single_shot, completions, fills gaps, tokens counted"),
        (OLLAMA, 1_000_000, {"truncates_at": 4_000, "usage": ""}, "single_shot, chat, fills gaps"),
    ],
    ids=["tools", "lying tools", "small chat", "base model", "small base model", "cuts silently"],
)
def test_the_same_row_is_used_as_its_endpoint_was_found_to_be(
    vendor: Vendor, window: int, faults: dict[str, object], way: str, tmp_path: Path
) -> None:
    server = VendorServer(vendor=vendor, model="anything", window=window, play=player.probed, faults=faults)
    environment = DirectoryEnvironment(tmp_path, player.FILES, runner="unittest")
    with serving(server):
        declared = at(load(LOOP_ROW).get("mine"), server)
        found = fitted(declared, probe(declared, None))
        assert described(found) == way
        attempt = strategy(found.strategy)(
            player.TASK, environment, build(found, None), AttemptLimits(), MemoryRecorder()
        )
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    proven(environment, attempt.diff)
