"""Errors that pass, while an endpoint is asked what it can do: they say nothing of what it can do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from agents.models.transport import Timeouts
from agents.probe import questions
from agents.probe.asking import probe
from agents.probe.choice import described, fitted
from agents.probe.record import Found, Probe
from agents.probe.shelf import Shelf
from config.models import FimRoute, ModelSpec, Protocol, StrategyName, TokenizerRoute, load
from tests.support import player
from tests.support.model_server import Answer, Received, problem, serving
from tests.support.vendors import ANTHROPIC, LLAMA_CPP, OLLAMA, VLLM, VLLM_BASE, Vendor, VendorServer

KEY = "sk-probe-0123456789"
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
QUICK = Timeouts(connect=30, silence=30, whole=60, response_bytes=4 << 20)
ALWAYS = 1_000
BROKEN = Answer(headers={"Content-Type": "application/json"}, pieces=(b'{"id": ',), hang_up=True)


def has_tools(received: Received) -> bool:
    return "tools" in received.body


def says_hello(received: Received) -> bool:
    return questions.HELLO in json.dumps(received.body)


def at(path: str) -> Callable[[Received], bool]:
    return lambda received: received.path.endswith(path)


def is_stream(received: Received) -> bool:
    return bool(received.body.get("stream"))


def no(status: int, kind: str = "overloaded_error", **headers: str) -> Answer:
    return problem(status, kind, "come again", **headers)


@dataclass(kw_only=True)
class Instead:
    """Answers certain requests in the endpoint's stead, so many times."""

    when: Callable[[Received], bool]
    answer: Answer
    times: int = ALWAYS
    given: int = field(default=0)

    def __call__(self, received: Received) -> Answer | None:
        if self.given >= self.times or not self.when(received):
            return None
        self.given += 1
        return self.answer


def asked(
    vendor: Vendor, instead: Callable[[Received], Answer | None], extra: str = "", slept: list[float] | None = None
) -> tuple[ModelSpec, Probe, VendorServer]:
    server = VendorServer(vendor=vendor, model="coder-7b", window=100_000, play=player.probed, key=KEY, instead=instead)
    waits = [] if slept is None else slept
    with serving(server):
        spec = spec_of(vendor, server.url, extra)
        return spec, probe(spec, SecretStr(KEY), now=lambda: NOW, timeouts=QUICK, sleep=waits.append), server


def spec_of(vendor: Vendor, url: str, extra: str = "") -> ModelSpec:
    adapter = "anthropic" if vendor is ANTHROPIC else "openai"
    return load(
        f"""
        [models.asked]
        adapter = "{adapter}"
        endpoint = "{url}{"" if adapter == "anthropic" else "/v1"}"
        model_id = "coder-7b"
        key_variable = "SOME_KEY"
        window = 100_000
        output_limit = 4_000
        {extra}
        """
    ).get("asked")


def nobody(received: Received) -> None:
    return None


@pytest.mark.parametrize("vendor", [VLLM, LLAMA_CPP, ANTHROPIC], ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("answer", [no(503), BROKEN], ids=["busy", "broken connection"])
def test_one_passing_error_anywhere_changes_nothing(vendor: Vendor, answer: Answer) -> None:
    _, whole, server = asked(vendor, nobody)
    assert whole.problems == whole.unanswered == ()
    for place in range(len(server.requests)):
        seen: list[Received] = []

        def once(received: Received, place: int = place, seen: list[Received] = seen) -> Answer | None:
            seen.append(received)
            return answer if len(seen) == place + 1 else None

        _, found, _ = asked(vendor, once)
        same = {"endpoint": whole.endpoint, "seconds": whole.seconds}
        assert found.model_copy(update=same) == whole, (place, seen[place].path)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 529])
@pytest.mark.parametrize("declared", [True, False])
def test_an_endpoint_that_stays_busy_at_one_question_leaves_it_to_the_row(status: int, declared: bool) -> None:
    instead = Instead(when=has_tools, answer=no(status))
    spec, found, _ = asked(VLLM, instead, f"tools = {str(declared).lower()}")
    assert instead.given == 3
    assert (found.tools, found.parallel_tools, found.stop_words) == (Found.UNKNOWN, Found.UNKNOWN, Found.YES)
    assert found.unanswered == ("tools", "parallel_tools")
    assert [str(status) in one for one in found.problems] == [True]
    assert fitted(spec, found).tools is declared


def test_what_an_earlier_probe_knew_is_not_lost_to_a_busy_one(tmp_path: Path) -> None:
    server = VendorServer(vendor=LLAMA_CPP, model="coder-7b", window=4_096, play=player.probed, key=KEY)
    shelf = Shelf(tmp_path)
    with serving(server):
        spec = spec_of(LLAMA_CPP, server.url)
        first = probe(spec, SecretStr(KEY), now=lambda: NOW, timeouts=QUICK)
        shelf.save(spec, first)
        server.instead = lambda received: no(503) if received.path in ("/tokenize", "/infill", "/props") else None
        busy = probe(spec, SecretStr(KEY), now=lambda: NOW, timeouts=QUICK, sleep=lambda _: None)
    assert busy.unanswered == ("tokenizer", "fim", "fim_tokens")
    shelf.save(spec, busy)
    kept = shelf.load(spec)
    assert kept is not None
    assert (kept.window, kept.tokenizer, kept.fim) == (4_096, TokenizerRoute.LLAMA_CPP, FimRoute.LLAMA_CPP)
    assert (kept.unanswered, kept.problems) == ((), busy.problems)


def test_a_row_keeps_its_tokenizer_and_its_gaps_where_nothing_was_learned_of_them() -> None:
    instead = Instead(when=lambda one: one.path in ("/tokenize", "/infill"), answer=no(503))
    spec, found, _ = asked(VLLM_BASE, instead, 'tokenizer = "vllm"\nfim = { route = "suffix" }')
    assert found.is_usable
    now = fitted(spec, found)
    assert (now.tokenizer, now.fim) == (TokenizerRoute.VLLM, spec.fim)
    assert now.protocol is Protocol.COMPLETIONS


@pytest.mark.parametrize("vendor", [VLLM, LLAMA_CPP, ANTHROPIC], ids=lambda vendor: vendor.name)
@pytest.mark.parametrize("status", [429, 503])
def test_an_endpoint_too_busy_to_say_hello_is_not_judged(vendor: Vendor, status: int) -> None:
    spec, found, server = asked(vendor, Instead(when=says_hello, answer=no(status)))
    assert not found.is_usable
    assert (found.reachable, found.chat, found.completions) == (Found.YES, Found.UNKNOWN, Found.UNKNOWN)
    assert "too busy to be asked" in found.problems[0]
    assert str(status) in found.problems[0]
    assert fitted(spec, found) == spec
    assert len(server.requests) == 4


def test_a_chat_does_without_a_busy_route_for_plain_text_and_a_rambling_one_does_not() -> None:
    busy = Instead(when=at("/v1/completions"), answer=no(503))
    spec, found, _ = asked(OLLAMA, busy, 'fim = { route = "suffix" }')
    assert found.unanswered == ("completions", "fim", "fim_tokens")
    now = fitted(spec, found)
    assert (now.strategy, now.tools, now.fim) == (StrategyName.LOOP, True, spec.fim)
    spec, found, _ = asked(LLAMA_CPP, replace(busy, given=0))
    assert not found.is_usable
    assert fitted(spec, found) == spec


def test_streams_that_got_no_answer_keep_the_rows_word_on_counts() -> None:
    spec, found, _ = asked(VLLM, Instead(when=is_stream, answer=no(503)), "reports_usage = false")
    assert (found.unanswered, found.tools) == (("streaming", "stream_usage"), Found.YES)
    assert fitted(spec, found).reports_usage is False


def test_a_list_of_models_that_is_busy_is_done_without() -> None:
    _, found, _ = asked(LLAMA_CPP, Instead(when=at("/models"), answer=no(503)))
    assert found.window == 100_000, "by its own route"
    assert found.unanswered == ("output_limit",)


@pytest.mark.parametrize(("headers", "calls"), [({"retry_after": "4"}, 2), ({"retry_after": "40"}, 1)])
def test_the_endpoints_own_wait_is_kept_or_not_begun(headers: Mapping[str, str], calls: int) -> None:
    slept: list[float] = []
    instead = Instead(when=has_tools, answer=no(429, "rate_limit_error", **headers), times=calls - 1 or ALWAYS)
    _, found, _ = asked(VLLM, instead, slept=slept)
    if calls == 2:
        assert found.tools is Found.YES
        assert len(slept) == 1
        assert 4.0 <= slept[0] < 5.0
    else:
        assert (found.tools, instead.given, slept) == (Found.UNKNOWN, 1, [])


def test_no_more_than_a_minute_is_waited_in_a_whole_probe() -> None:
    slept: list[float] = []
    busy = no(429, "rate_limit_error", retry_after="9")
    _, found, _ = asked(VLLM, lambda received: busy if questions.HELLO not in str(received.body) else None, slept=slept)
    assert sum(slept) <= 60
    assert len(found.problems) > 4


def test_what_is_not_implemented_is_not_tried_again() -> None:
    slept: list[float] = []
    _, found, _ = asked(LLAMA_CPP, Instead(when=at("/infill"), answer=no(501, "not_supported_error")), slept=slept)
    assert (found.fim, found.unanswered, slept) == (None, (), [])


def test_an_account_without_quota_says_nothing_of_tools() -> None:
    spec, found, _ = asked(VLLM, Instead(when=has_tools, answer=no(429, "insufficient_quota")))
    assert found.tools is Found.UNKNOWN
    assert "no quota left" in found.problems[0]
    assert fitted(spec, found).tools is spec.tools


@pytest.mark.parametrize("vendor", [VLLM, VLLM_BASE, ANTHROPIC], ids=lambda vendor: vendor.name)
def test_an_endpoint_whose_streams_break_cannot_be_used(vendor: Vendor) -> None:
    spec, found, _ = asked(vendor, Instead(when=is_stream, answer=Answer(pieces=(b": still here\n\n",), hang_up=True)))
    assert found.streaming is Found.NO
    assert not found.is_usable
    assert found.problems[-1].endswith("it cannot be used.")
    assert fitted(spec, found) == spec


def test_where_only_a_chats_streams_break_plain_text_is_continued() -> None:
    broken = Answer(pieces=(b": still here\n\n",), hang_up=True)
    instead = Instead(when=lambda one: is_stream(one) and "messages" in one.body, answer=broken)
    spec, found, _ = asked(VLLM, instead)
    assert (found.chat, found.completions, found.streaming) == (Found.NO, Found.YES, Found.YES)
    assert "plain text is continued instead" in found.problems[0]
    assert described(fitted(spec, found)) == "single_shot, completions, tokens counted"
