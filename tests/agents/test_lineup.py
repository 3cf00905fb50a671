"""Every preset of the lineup, over its own wire, through a whole fix of a small repository."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from agents.errors import Fault
from agents.models import build
from agents.probe.asking import probe
from agents.probe.choice import described, fitted
from agents.strategies import strategy
from agents.types import Attempt, AttemptLimits, Ending
from config.models import StrategyName, default_lineup, load
from tests.support import player
from tests.support.lineup_rows import (
    ELSEWHERE,
    HOSTED,
    ROWS,
    LineupServer,
    Row,
    named,
    no_gaps,
    probed_gaps,
    weathered,
    without_waiting,
)
from tests.support.model_server import serving
from tests.support.repair_env import DirectoryEnvironment, MemoryRecorder
from tests.support.vendors import LLAMA_CPP, MISTRAL, OLLAMA, VLLM, VLLM_BASE, Vendor, VendorServer

FILLING = [row for row in ROWS if row.fills_gaps]


@pytest.fixture
def waited(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    return without_waiting(monkeypatch)


@pytest.fixture
def environment(tmp_path: Path) -> DirectoryEnvironment:
    return DirectoryEnvironment(tmp_path, player.FILES, runner="unittest")


@pytest.mark.parametrize("row", [*ROWS, *ELSEWHERE], ids=named)
def test_a_preset_repairs_over_its_own_wire_though_its_endpoint_is_busy_at_first(
    row: Row, environment: DirectoryEnvironment, waited: list[float]
) -> None:
    spec, recorder = row.spec, MemoryRecorder()
    with serving(row.server()) as server:
        attempt = row.solved(server, environment, recorder)
    weathered(server, waited)
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    assert attempt.strategy == spec.strategy
    assert attempt.usage.input_tokens > 0
    assert attempt.usage.output_tokens > 0
    if spec.price is not None or spec.price_provider:
        assert attempt.cost_usd
    else:
        assert attempt.cost_usd is None, "an unknown price is unknown"
    if row.fills_gaps:
        filled_gap_won(recorder, attempt)
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


# --- filled gaps -------------------------------------------------------------------------------------------------


def filled_gap_won(recorder: MemoryRecorder, attempt: Attempt) -> None:
    """Of a model that does nothing else well: its other answer was tried too, and failed."""
    assert "1 of 2 different patches do so" in attempt.reason
    asked = [step for step in recorder.stored if step.note.startswith("[patch ")]
    assert ["infill" in step.note for step in asked] == [False, True]
    assert asked[1].messages[-1].text == player.BODY
    assert f"+    return whole * (100 - discount) {player.RIGHT}\n" in attempt.diff


def without_the_rows_route(row: Row, server: LineupServer) -> LineupServer:
    """The server has no route for gaps, or its model does not know the row's tokens for them."""
    vendor = replace(row.vendor, routes=row.vendor.routes - {"fim", "infill"})
    return replace(server, vendor=vendor, fim_tokens=())


def with_bad_gaps(row: Row, server: LineupServer) -> LineupServer:
    return replace(server, play=no_gaps)


@pytest.mark.parametrize("spoilt", [without_the_rows_route, with_bad_gaps], ids=["no route", "bad gaps"])
@pytest.mark.parametrize("row", FILLING, ids=named)
def test_without_a_good_gap_nothing_is_proposed(
    row: Row, spoilt: Callable[[Row, LineupServer], LineupServer], environment: DirectoryEnvironment
) -> None:
    with serving(spoilt(row, row.server(troubles=()))) as server:
        attempt = row.solved(server, environment, MemoryRecorder())
    gone = spoilt is without_the_rows_route and row.vendor is MISTRAL
    assert attempt.ending is (Ending.MODEL_FAILED if gone else Ending.GAVE_UP), attempt.reason
    assert attempt.fault is (Fault.MISSING if gone else None)
    assert not attempt.diff


# --- keys --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("vendor", HOSTED.values(), ids=lambda vendor: vendor.name)
def test_a_key_that_the_vendor_does_not_know_is_told_as_such_and_not_tried_again(
    vendor: Vendor, environment: DirectoryEnvironment, waited: list[float]
) -> None:
    row = next(row for row in ROWS if row.vendor is vendor)
    with serving(row.server(key="another")) as server:
        attempt = row.solved(server, environment, MemoryRecorder())
    assert (attempt.ending, attempt.fault) == (Ending.MODEL_FAILED, Fault.KEY)
    assert (len(server.requests), waited) == (1, [])


# --- by probe ----------------------------------------------------------------------------------------------------

LOOP_ROW = """
[models.mine]
adapter = "openai"
endpoint = "{url}/v1"
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
    vendor: Vendor, window: int, faults: dict[str, object], way: str, environment: DirectoryEnvironment
) -> None:
    fills = "fills gaps" in way
    play, recorder = probed_gaps if fills else player.probed, MemoryRecorder()
    server = VendorServer(vendor=vendor, model="anything", window=window, play=play, faults=faults)
    with serving(server):
        declared = load(LOOP_ROW.format(url=server.url)).get("mine")
        found = fitted(declared, probe(declared, None))
        assert described(found) == way
        attempt = strategy(found.strategy)(player.TASK, environment, build(found, None), AttemptLimits(), recorder)
    assert attempt.ending is Ending.SUBMITTED, attempt.reason
    if fills:
        filled_gap_won(recorder, attempt)
    proven(environment, attempt.diff)
