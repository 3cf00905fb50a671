"""What endpoints are found to be: honest ones, lying ones, half-broken ones."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from agents.models.transport import Timeouts
from agents.probe.asking import probe
from agents.probe.choice import described, fitted
from agents.probe.record import Found, Probe, rows
from agents.probe.shelf import Shelf
from config.models import Adapter, Dialect, FimRoute, ModelSpec, Protocol, StrategyName, TokenizerRoute, load
from tests.support import player
from tests.support.model_server import serving
from tests.support.vendors import (
    ANTHROPIC,
    DASHSCOPE,
    DEEPSEEK,
    GEMINI,
    LLAMA_CPP,
    MISTRAL,
    OLLAMA,
    OLLAMA_BASE,
    OPENAI,
    TGI,
    VLLM,
    VLLM_BASE,
    Vendor,
    VendorServer,
    vllm_listing,
)

KEY = "sk-probe-0123456789"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUICK = Timeouts(connect=30, silence=30, whole=60, response_bytes=4 << 20)
FIM = '{ route = "tokens", prefix = "<fim_prefix>", suffix = "<fim_suffix>", middle = "<fim_middle>" }'
ALL = (ANTHROPIC, OPENAI, GEMINI, DEEPSEEK, DASHSCOPE, MISTRAL, VLLM, VLLM_BASE, OLLAMA, OLLAMA_BASE, TGI, LLAMA_CPP)


def spec_of(vendor: Vendor, url: str, *, extra: str = "", window: int = 100_000) -> ModelSpec:
    adapter = "anthropic" if vendor is ANTHROPIC else "openai"
    return load(
        f"""
        [models.asked]
        adapter = "{adapter}"
        endpoint = "{url}{"" if adapter == "anthropic" else "/v1"}"
        model_id = "coder-7b"
        key_variable = "SOME_KEY"
        window = {window}
        output_limit = 4_000
        {extra}
        """
    ).get("asked")


def found(
    vendor: Vendor, *, window: int = 100_000, extra: str = "", marks: tuple[str, ...] = (), **faults: Any
) -> tuple[ModelSpec, Probe, VendorServer]:
    server = VendorServer(
        vendor=vendor, model="coder-7b", window=window, play=player.probed, key=KEY, faults=faults, fim_tokens=marks
    )
    with serving(server):
        spec = spec_of(vendor, server.url, extra=extra)
        result = probe(spec, SecretStr(KEY), now=lambda: NOW, timeouts=QUICK)
    assert not server.violations
    return spec, result, server


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: vendor.name)
def test_an_honest_endpoint_is_found_to_be_what_it_is(vendor: Vendor) -> None:
    spec, result, server = found(vendor)
    assert result.problems == ()
    assert (result.at, result.reachable, result.key) == (NOW, Found.YES, Found.YES)
    chats = bool(vendor.routes & {"chat", "messages"}) and not vendor.rambles
    assert (result.chat is Found.YES) == chats
    assert (result.completions is Found.YES) == ("completions" in vendor.routes)
    assert (result.tools is Found.YES) == (result.parallel_tools is Found.YES) == chats
    assert result.streaming is result.stream_usage is result.stop_words is result.limit_kept is Found.YES
    assert result.seconds is not None
    assert result.answered_as == "coder-7b"
    assert result.usage_fields == tuple(sorted(k for k, v in vendor.usage(9, 9).items() if isinstance(v, int)))
    now = fitted(spec, result)
    if chats:
        assert (now.strategy, now.dialect) == (StrategyName.LOOP, Dialect.TOOLS)
    else:
        assert (now.strategy, now.protocol) == (StrategyName.SINGLE_SHOT, Protocol.COMPLETIONS)
    assert len(server.requests) < 25


@pytest.mark.parametrize(
    ("vendor", "tokenizer", "fim"),
    [
        (ANTHROPIC, TokenizerRoute.ANTHROPIC, None),
        (VLLM, TokenizerRoute.VLLM, None),
        (TGI, TokenizerRoute.TGI, None),
        (LLAMA_CPP, TokenizerRoute.LLAMA_CPP, FimRoute.LLAMA_CPP),
        (OLLAMA, TokenizerRoute.NONE, FimRoute.SUFFIX),
        (MISTRAL, TokenizerRoute.NONE, FimRoute.MISTRAL),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_tokenizers_and_ways_to_fill_gaps_are_found(
    vendor: Vendor, tokenizer: TokenizerRoute, fim: FimRoute | None
) -> None:
    spec, result, _ = found(vendor)
    assert (result.tokenizer, result.fim) == (tokenizer, fim)
    now = fitted(spec, result)
    assert now.tokenizer is tokenizer
    assert (now.fim.route if now.fim else None) is fim


@pytest.mark.parametrize("vendor", [VLLM, LLAMA_CPP, ANTHROPIC, MISTRAL], ids=lambda vendor: vendor.name)
def test_the_window_that_is_listed_wins_over_the_rows(vendor: Vendor) -> None:
    spec, result, _ = found(vendor, window=16_384)
    assert result.window == 16_384
    assert result.refuses_too_long is Found.YES
    now = fitted(spec, result)
    assert (now.window, now.strategy) == (16_384, StrategyName.SINGLE_SHOT)


def test_a_window_that_is_only_told_in_refusals_is_learned_too() -> None:
    _, result, _ = found(TGI, window=4_096)
    assert result.window == 4_096


def test_the_output_limit_is_what_the_refusal_of_an_enormous_one_says() -> None:
    spec, result, _ = found(OPENAI, output_limit=2_048)
    assert result.output_limit == 2_048
    assert fitted(spec, result).output_limit == 2_048


def test_a_server_without_tool_calls_gets_the_text_dialect() -> None:
    spec, result, _ = found(replace(VLLM, takes_tools=False))
    assert (result.tools, result.problems) == (Found.NO, ())
    assert fitted(spec, result).dialect is Dialect.TEXT


@pytest.mark.parametrize("vendor", [OPENAI, ANTHROPIC], ids=lambda vendor: vendor.name)
def test_tools_that_are_taken_and_not_called_are_a_lie(vendor: Vendor) -> None:
    spec, result, _ = found(vendor, talks_instead_of_calling=True)
    assert result.tools is Found.NO
    assert any("answers in text" in problem for problem in result.problems)
    assert fitted(spec, result).dialect is Dialect.TEXT


def test_counts_of_nothing_are_reported_and_not_used() -> None:
    spec, result, _ = found(VLLM, usage="zero")
    assert result.stream_usage is Found.NO
    assert any("counts no tokens" in problem for problem in result.problems)
    assert fitted(spec, result).reports_usage is False


def test_streams_without_counts_are_noticed() -> None:
    spec, result, _ = found(VLLM, no_stream_usage=True)
    assert (result.streaming, result.stream_usage) == (Found.YES, Found.NO)
    assert fitted(spec, result).reports_usage is False


@pytest.mark.parametrize("vendor", [OPENAI, VLLM_BASE, ANTHROPIC], ids=lambda vendor: vendor.name)
def test_ignored_stop_words_and_limits_are_reported(vendor: Vendor) -> None:
    _, result, _ = found(vendor, ignores_stop=True, ignores_limit=True)
    assert (result.stop_words, result.limit_kept) == (Found.NO, Found.NO)
    assert any("stop word" in problem for problem in result.problems)
    assert any("more than the limit" in problem for problem in result.problems)


@pytest.mark.parametrize("vendor", [OLLAMA, VLLM_BASE], ids=lambda vendor: vendor.name)
def test_a_prompt_that_is_cut_silently_is_reported_and_the_window_is_what_was_read(vendor: Vendor) -> None:
    spec, result, _ = found(vendor, window=1_000_000, truncates_at=4_000)
    assert result.refuses_too_long is Found.NO
    assert any("did not say so" in problem for problem in result.problems)
    now = fitted(spec, result)
    assert now.window < 4_100
    assert now.strategy is StrategyName.SINGLE_SHOT


def test_another_model_behind_the_name_is_reported() -> None:
    _, result, _ = found(VLLM, model="tiny-1b")
    assert result.answered_as == "tiny-1b"
    assert any("answers as 'tiny-1b'" in problem for problem in result.problems)


def test_a_suffix_that_is_taken_and_not_read_fills_no_gap() -> None:
    spec, result, _ = found(VLLM_BASE, ignores_suffix=True)
    assert result.fim is None
    assert any("does not read it" in problem for problem in result.problems)
    assert fitted(spec, result).fim is None


def test_the_rows_tokens_for_gaps_are_looked_up_in_the_models_tokenizer() -> None:
    marks = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
    extra = f"fim = {FIM}"
    spec, result, _ = found(VLLM_BASE, extra=extra, marks=marks)
    assert (result.fim, result.fim_tokens) == (None, Found.YES)
    assert fitted(spec, result).fim == spec.fim
    spec, other, _ = found(VLLM_BASE, extra=extra)
    assert other.fim_tokens is Found.NO
    assert any("tokens for gaps" in problem for problem in other.problems)
    assert fitted(spec, other).fim is None


@pytest.mark.parametrize("vendor", ALL, ids=lambda vendor: vendor.name)
def test_a_refused_key_ends_the_probe_at_once(vendor: Vendor) -> None:
    server = VendorServer(vendor=vendor, model="coder-7b", window=9_000, play=player.probed, key=KEY)
    with serving(server):
        spec = spec_of(vendor, server.url)
        result = probe(spec, SecretStr("sk-wrong-0123456789"), now=lambda: NOW, timeouts=QUICK)
    assert (result.reachable, result.key) == (Found.YES, Found.NO)
    assert len(server.requests) == 1
    assert len(result.problems) == 1
    assert "sk-wrong" not in result.model_dump_json()
    assert fitted(spec, result) == spec


def test_an_endpoint_out_of_reach_is_a_finding() -> None:
    with serving(VendorServer(vendor=VLLM, model="m", window=1, play=player.probed)) as server:
        url = server.url
    spec = spec_of(VLLM, url)
    result = probe(spec, None, now=lambda: NOW, timeouts=QUICK, sleep=lambda _: None)
    assert result.reachable is Found.NO
    assert len(result.problems) == 1
    assert fitted(spec, result) == spec


def test_an_endpoint_that_takes_neither_chat_nor_text_is_reported_and_leaves_the_row_as_it_is() -> None:
    extra = f'fim = {FIM}\ntokenizer = "vllm"'
    spec, result, _ = found(Vendor(name="none", routes=frozenset(), listing=vllm_listing), window=4_096, extra=extra)
    assert (result.chat, result.completions, result.window) == (Found.NO, Found.NO, 4_096)
    assert "neither" in result.problems[0]
    assert fitted(spec, result) == spec


@pytest.mark.parametrize("vendor", [TGI, LLAMA_CPP, OLLAMA_BASE], ids=lambda vendor: vendor.name)
def test_a_base_model_that_rambles_behind_a_template_continues_plain_text(vendor: Vendor) -> None:
    spec, result, server = found(vendor, window=16_384)
    assert "/v1/chat/completions" in {one.path for one in server.requests}
    assert (result.chat, result.completions, result.problems) == (Found.NO, Found.YES, ())
    now = fitted(spec, result)
    assert (now.strategy, now.protocol, now.tools) == (StrategyName.SINGLE_SHOT, Protocol.COMPLETIONS, False)
    assert (now.fim is None) == (vendor is TGI)
    instructed = replace(vendor, rambles=False, takes_tools=True)
    spec, result, _ = found(instructed)
    assert described(fitted(spec, result)).startswith("loop, tools")


def test_a_chat_that_is_not_followed_is_kept_where_there_is_nothing_else() -> None:
    spec, result, _ = found(replace(OPENAI, rambles=True))
    assert result.chat is Found.YES
    assert any("does not do what it is told" in problem for problem in result.problems)
    assert fitted(spec, result).protocol is Protocol.CHAT


@pytest.mark.parametrize("vendor", [TGI, LLAMA_CPP, OLLAMA], ids=lambda vendor: vendor.name)
def test_a_window_smaller_than_the_rows_is_learned_from_the_servers_own_route(vendor: Vendor) -> None:
    spec, result, _ = found(vendor, window=16_384)
    assert result.window == fitted(spec, result).window == 16_384


@pytest.mark.parametrize("declared", [16_000, 64_000])
def test_a_silent_cut_is_seen_at_any_window_of_the_house(declared: int) -> None:
    """Also one right at the declared window."""
    faults = {"truncates_at": 16_000, "keeps_its_window": True}
    server = VendorServer(vendor=OLLAMA, model="coder-7b", window=1_000_000, play=player.probed, key=KEY, faults=faults)
    with serving(server):
        spec = spec_of(OLLAMA, server.url, extra="self_hosted = true", window=declared)
        result = probe(spec, SecretStr(KEY), now=lambda: NOW, timeouts=QUICK)
    assert result.refuses_too_long is Found.NO
    assert any("did not say so" in problem for problem in result.problems)
    now = fitted(spec, result)
    assert now.window == 16_000 + 16
    assert now.strategy is StrategyName.SINGLE_SHOT


def test_a_pinned_row_keeps_its_strategy_and_dialect() -> None:
    spec, result, _ = found(VLLM, extra='strategy = "single_shot"\npinned = true\ntools = false')
    now = fitted(spec, result)
    assert (now.strategy, now.tools) == (StrategyName.SINGLE_SHOT, False)


def test_a_probe_is_kept_for_its_endpoint_and_name_and_read_again(tmp_path: Path) -> None:
    spec, result, _ = found(VLLM_BASE)
    shelf = Shelf(tmp_path / "probes")
    assert shelf.load(spec) is None
    path = shelf.save(spec, result)
    assert shelf.load(spec) == result
    assert [one.name for one in (tmp_path / "probes").iterdir()] == [path.name]
    assert KEY not in path.read_text()
    other = spec.model_copy(update={"model_id": "another"})
    assert shelf.load(other) is None
    assert fitted(other, result) == other
    path.write_text('{"version": 2}')
    assert shelf.load(spec) is None


def test_rows_tell_a_person_what_was_found() -> None:
    spec, result, _ = found(LLAMA_CPP, window=4_096, ignores_stop=True)
    told = dict(rows(result))
    assert told["context window"] == "4,096"
    assert told["fills gaps"] == "yes (llama_cpp)"
    assert told["counts tokens"] == "yes (llama_cpp)"
    assert told["stop words"] == "no"
    assert told["problem"].startswith("It goes on")
    assert described(fitted(spec, result)) == "single_shot, completions, fills gaps, tokens counted"
    nothing = dict(rows(Probe(endpoint="e", model_id="m", at=NOW)))
    assert nothing["context window"] == nothing["output limit"] == "not said"
    assert nothing["fills gaps"] == "no"
    assert nothing["latency"] == nothing["answers as"] == "unknown"


def test_repair_has_nothing_to_be_fitted() -> None:
    spec = load('[models.r]\nadapter = "none"\nstrategy = "repair"').get("r")
    assert fitted(spec, None) == spec
    assert described(spec) == "repair"
    assert spec.adapter is Adapter.NONE
    usable = Probe(endpoint="", model_id="", at=NOW, reachable=Found.YES, chat=Found.YES)
    assert fitted(spec, usable) == spec
