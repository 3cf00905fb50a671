"""Long runs on the wire: what a prompt cache would serve of them, and what becomes of a window that fills."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from typing import Any

import pytest
from pydantic import SecretStr

from agents import loop
from agents.dialects.text import TextDialect
from agents.history import LEFT_OUT
from agents.models.anthropic import AnthropicModel
from agents.models.openai import OpenAIModel
from agents.types import Attempt, AttemptLimits, Ending, Task
from config.models import load
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder
from tests.support.model_server import (
    Answer,
    Call,
    ModelServer,
    Received,
    anthropic_message,
    model_server,
    openai_message,
    problem,
)
from tests.support.prompt_cache import PromptCache

TASK = Task(id="t-1", repository="o/r", base_commit="0" * 40, title="The area is wrong", body="2 by 3 gives 5. " * 40)
STEPS = 40
LINES = "".join(f"def function_{n}(width, height):\n    return width + height - {n}\n" for n in range(2_000))
FILES = {"area.py": b"x = 1\n", "large.py": LINES.encode()}
LIMITS = AttemptLimits(steps=80, output_tokens=1_000_000)


def calls_of(turn: int, lines: int) -> list[Call]:
    """What a working model does: reads, sometimes much at once, then edits, and at the end submits."""
    if turn >= STEPS - 1:
        return [Call.of(f"c{turn}", "submit", summary="done")]
    if turn % 10 == 9:
        return [Call.of(f"c{turn}", "edit", path=f"new_{turn}.py", new="y = 2\n" * 20)]
    many = 14 if turn == 12 else 1 + turn % 2
    first = (turn * 37) % 3_000 + 1
    return [
        Call.of(f"c{turn}_{n}", "read", path="large.py", first_line=first + n * 3, last_line=first + n * 3 + lines)
        for n in range(many)
    ]


def spec_of(adapter: str, url: str, *, window: int, extra: str = "") -> Any:
    return load(
        f"""
        [models.under-test]
        adapter = "{adapter}"
        endpoint = "{url}"
        model_id = "model-x"
        key_variable = "SOME_KEY"
        window = {window}
        output_limit = 4_000
        {extra}
        """
    ).get("under-test")


def run(model: Any, recorder: MemoryRecorder | None = None) -> Attempt:
    return loop.solve(TASK, MemoryEnvironment(FILES), model, LIMITS, recorder or MemoryRecorder())


# --- Anthropic ---------------------------------------------------------------------------------------------------


def signatures(body: Mapping[str, Any]) -> list[str]:
    """As the endpoint signs the thinking of each turn, and last of the one to come: over all before it, marks aside."""
    seen = sha256(json.dumps(_unmarked([body.get("system"), body.get("tools")])).encode())
    found = [seen.hexdigest()]
    for turn in body["messages"]:
        seen.update(json.dumps(_unmarked(turn)).encode())
        found.append(seen.hexdigest())
    return found


def _unmarked(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _unmarked(item) for key, item in value.items() if key != "cache_control"}
    return [_unmarked(item) for item in value] if isinstance(value, list) else value


class Claude:
    """Plays the model, serves from a cache, and refuses thinking that stands behind anything else than it did."""

    def __init__(self, cache: PromptCache, *, lines: int, window: int) -> None:
        self.cache, self.lines, self.window = cache, lines, window
        self.turn = 0
        self.condensed = 0

    def __call__(self, received: Received) -> Answer:
        body = received.body
        *behind, coming = signatures(body)
        for turn, expected in zip(body["messages"], behind, strict=True):
            for block in turn["content"]:
                if block["type"] == "thinking" and block["signature"] != expected:
                    return problem(400, "invalid_request_error", "Invalid `signature` in `thinking` block.")
        served = self.cache.take(body)
        assert served.total + body["max_tokens"] <= self.window, "the window overflows"
        self.condensed += LEFT_OUT in json.dumps(body)
        self.turn += 1
        usage = {**served.usage, "output_tokens": 300}
        calls = calls_of(self.turn - 1, self.lines)
        return anthropic_message(
            thinking=f"What comes after step {self.turn}?", signature=coming,
            text="I go on.", calls=calls, usage=usage,
        )  # fmt: skip


def claude(least: int, *, lines: int, window: int) -> tuple[Attempt, Claude, ModelServer, MemoryRecorder]:
    player, recorder = Claude(PromptCache(least=least), lines=lines, window=window), MemoryRecorder()
    with model_server(*[player] * 60) as server:
        spec = spec_of("anthropic", server.url, window=window, extra="thinking = true")
        attempt = run(AnthropicModel(spec, SecretStr("key")), recorder)
    return attempt, player, server, recorder


@pytest.mark.parametrize("least", [1024, 4096])
def test_a_cache_serves_nine_tenths_of_what_forty_steps_send(
    least: int, record_property: Callable[[str, object], None]
) -> None:
    attempt, player, server, _ = claude(least, lines=40, window=200_000)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, STEPS), attempt.reason
    assert not server.violations
    assert max(b.blocks - a.blocks for a, b in itertools.pairwise(player.cache.served)) > 20
    assert player.cache.breaks == 0
    assert player.condensed == 0
    booked = attempt.usage.cache_read_tokens / attempt.usage.input_tokens
    record_property("share of input tokens read from the cache", round(booked, 4))
    assert booked == pytest.approx(player.cache.share)
    assert booked >= 0.9


def test_a_window_that_fills_is_condensed_once_and_the_cache_breaks_once(
    record_property: Callable[[str, object], None],
) -> None:
    attempt, player, server, recorder = claude(1024, lines=70, window=56_000)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, STEPS), attempt.reason
    assert not server.violations, "pairs are whole, and thinking stands behind what it stood behind"
    assert player.condensed > 5
    assert player.cache.breaks == 1
    stored = [step.condensed for step in recorder.kept]
    assert len(set(stored)) == 2, "one condensation, which each later step names"
    before, after = (server.requests[place].body for place in (stored.index(stored[-1]) - 1, stored.index(stored[-1])))
    assert len(json.dumps(after)) < len(json.dumps(before)) * 0.6, "a large share goes at once"
    assert _unmarked(after["messages"][0]) == _unmarked(before["messages"][0]), "the opening stays"
    assert after["system"] == before["system"]
    record_property("share of input tokens read from the cache", round(player.cache.share, 4))
    assert player.cache.share >= 0.9


# --- OpenAI's format ---------------------------------------------------------------------------------------------


def raw_messages(received: Received) -> bytes:
    """The bytes of the conversation, up to where the next message would begin."""
    start = received.raw.index(b'"messages":') + len(b'"messages":')
    text = received.raw[start:].decode()
    _, end = json.JSONDecoder().raw_decode(text)
    return text[: end - 1].encode()


class DeepSeek:
    """Plays the model, thinking before each call, and refuses a turn that called a tool and comes without its thinking,
    as DeepSeek does; some of its thinking is empty, and has to come back all the same."""

    def __init__(self, *, lines: int, window: int) -> None:
        self.lines, self.window = lines, window
        self.turn = 0

    def __call__(self, received: Received) -> Answer:
        body = received.body
        for turn in body["messages"]:
            if turn.get("tool_calls") and "reasoning_content" not in turn:
                return problem(400, "invalid_request_error", "The `reasoning_content` must be passed back to the API.")
        tokens = len(json.dumps([body["messages"], body["tools"]])) // 4
        if tokens + body["max_tokens"] > self.window:
            return problem(400, "context_length_exceeded", f"This model's maximum context length is {self.window}.")
        self.turn += 1
        calls = calls_of(self.turn - 1, self.lines)
        thought = "" if self.turn % 3 == 0 else f"Step {self.turn}."
        return openai_message(calls=calls, reasoning=thought, usage={"prompt_tokens": tokens, "completion_tokens": 90})


def deepseek(*, lines: int, window: int, believed: int = 0) -> tuple[Attempt, ModelServer, MemoryRecorder]:
    player, recorder = DeepSeek(lines=lines, window=window), MemoryRecorder()
    with model_server(*[player] * 60) as server:
        spec = spec_of("openai", server.openai_url, window=believed or window)
        attempt = run(OpenAIModel(spec, SecretStr("key")), recorder)
    return attempt, server, recorder


def extensions(requests: Sequence[Received]) -> list[bool]:
    sent = [raw_messages(received) for received in requests]
    return [later.startswith(earlier) for earlier, later in itertools.pairwise(sent)]


def test_each_request_begins_with_the_bytes_of_the_one_before() -> None:
    attempt, server, _ = deepseek(lines=40, window=200_000)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, STEPS), attempt.reason
    assert not server.violations
    assert extensions(server.requests) == [True] * (STEPS - 1)


def test_in_fenced_text_it_is_so_too() -> None:
    def answer(received: Received) -> Answer:
        turn = sum(message["role"] == "assistant" for message in received.body["messages"])
        action = f"read\npath: large.py\nfirst_line: {turn * 40 + 1}" if turn < 11 else "cannot_reproduce\nreason: x"
        said = f"I look.\n\n```redgreen {action}\n```" if turn != 5 else "Hm, what now?"
        return openai_message(text=said, usage={"prompt_tokens": 5_000})

    with model_server(*[answer] * 20) as server:
        spec = spec_of("openai", server.openai_url, window=200_000)
        attempt = run(TextDialect(OpenAIModel(spec, SecretStr("key"))))
    assert (attempt.ending, attempt.steps) == (Ending.CANNOT_REPRODUCE, 12), attempt.reason
    assert extensions(server.requests) == [True] * 11


def test_a_condensed_history_breaks_the_extension_once() -> None:
    attempt, server, recorder = deepseek(lines=70, window=56_000)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, STEPS), attempt.reason
    assert extensions(server.requests).count(False) == 1
    assert len({step.condensed for step in recorder.kept}) == 2


def test_an_endpoint_with_a_smaller_window_than_it_is_said_to_have_is_met_by_condensing() -> None:
    attempt, server, recorder = deepseek(lines=70, window=36_000, believed=1_000_000)
    assert (attempt.ending, attempt.steps) == (Ending.SUBMITTED, STEPS), attempt.reason
    assert len(server.requests) > STEPS, "some calls were refused for their length, and made again"
    assert recorder.kept[-1].condensed.results > 0
