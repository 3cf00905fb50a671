"""What is Chat Completions' alone, and where its compatible servers differ."""

from __future__ import annotations

from typing import Any

import pytest

from agents.errors import IncompleteReply
from agents.types import Message, Role, StopReason, ToolResult, Usage
from tests.support.endpoints import READ, SYSTEM, USER, WIRES
from tests.support.model_server import DONE, Answer, Call, chunk, model_server, openai_message, openai_pieces

WIRE = WIRES[1]


def delta(delta: dict[str, Any], finish: str | None = None) -> bytes:
    return chunk({"model": "m", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


COUNTS = chunk({"model": "m", "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 2}})


def piece(call_id: str, arguments: str, index: int | None = 0, **extra: Any) -> dict[str, Any]:
    call = {"id": call_id, "type": "function", "function": {"name": "read", "arguments": arguments}, **extra}
    return {"tool_calls": [call if index is None else {"index": index, **call}]}


def test_usage_names_cached_and_reasoning_tokens() -> None:
    counts = {
        "prompt_tokens": 100,
        "completion_tokens": 9,
        "prompt_tokens_details": {"cached_tokens": 60, "cache_write_tokens": 8},
        "completion_tokens_details": {"reasoning_tokens": 4},
    }
    price = "[models.under-test.price]\nas_of = 2026-11-23\ninput = 2\noutput = 10\ncache_read = 0.1"
    with model_server(openai_message(text="ok", usage=counts)) as server:
        reply = WIRE.model(server, price).query([USER], [], max_output_tokens=10)
    assert server.requests[0].body["stream_options"] == {"include_usage": True}
    assert reply.usage == Usage(
        input_tokens=100, output_tokens=9, cache_read_tokens=60, cache_write_tokens=8, reasoning_tokens=4
    )
    assert reply.cost_usd is not None
    assert abs(reply.cost_usd - (32 * 2 + 8 * 2 + 60 * 0.1 + 9 * 10) / 1e6) < 1e-12


def test_deepseeks_name_for_cached_tokens_is_read() -> None:
    with model_server(openai_message(text="ok", usage={"prompt_tokens": 50, "prompt_cache_hit_tokens": 30})) as server:
        reply = WIRE.model(server).query([USER], [], max_output_tokens=10)
    assert reply.usage.cache_read_tokens == 30


THOUGHT = {"reasoning_tokens": 500}


@pytest.mark.parametrize(
    ("counts", "output", "reasoning"),
    [
        ({"completion_tokens": 20, "total_tokens": 620}, 520, 500),
        ({"completion_tokens": 0, "total_tokens": 600}, 500, 500),
        ({"completion_tokens": 20, "total_tokens": 620, "completion_tokens_details": THOUGHT}, 520, 500),
        ({"completion_tokens": 520, "total_tokens": 620, "completion_tokens_details": THOUGHT}, 520, 500),
        ({"completion_tokens": 20}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": None}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": 0}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": 119}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": -620}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": 10**15}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": "many"}, 20, 0),
        ({"completion_tokens": 20, "total_tokens": 620.5}, 20, 0),
        ({"completion_tokens": -20, "total_tokens": 620}, 0, 0),
    ],
)
def test_thinking_that_only_the_total_counts_is_output_and_no_total_lowers_a_count(
    counts: dict[str, Any], output: int, reasoning: int
) -> None:
    price = "[models.under-test.price]\nas_of = 2026-11-23\ninput = 2\noutput = 10"
    with model_server(openai_message(text="ok", usage={"prompt_tokens": 100, **counts})) as server:
        reply = WIRE.model(server, price).query([USER], [], max_output_tokens=10)
    assert reply.usage == Usage(input_tokens=100, output_tokens=output, reasoning_tokens=reasoning)
    if counts["completion_tokens"] >= 0:
        assert reply.cost_usd == pytest.approx((100 * 2 + output * 10) / 1e6)


def test_cached_tokens_that_only_the_total_has_are_no_output() -> None:
    counts = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 9015}
    usage = {**counts, "prompt_tokens_details": {"cached_tokens": 9000}}
    with model_server(openai_message(text="ok", usage=usage)) as server:
        reply = WIRE.model(server).query([USER], [], max_output_tokens=10)
    assert (reply.usage.output_tokens, reply.usage.reasoning_tokens) == (5, 0)


def test_without_token_counts_the_cost_is_unknown_not_zero() -> None:
    pieces = [p for p in openai_pieces(text="ok") if b"usage" not in p]
    price = "reports_usage = false\n[models.under-test.price]\nas_of = 2026-11-23\ninput = 2\noutput = 10"
    with model_server(Answer(pieces=tuple(pieces))) as server:
        reply = WIRE.model(server, price).query([USER], [], max_output_tokens=10)
    assert "stream_options" not in server.requests[0].body
    assert reply.cost_usd is None
    assert reply.message.text == "ok"


def test_the_name_of_the_output_limit_is_the_endpoints() -> None:
    with model_server(openai_message(text="ok")) as server:
        WIRE.model(server, "max_tokens_field = 'max_completion_tokens'\neffort = 'low'").query(
            [USER], [], max_output_tokens=10
        )
    body = server.requests[0].body
    assert body["max_completion_tokens"] == 10
    assert "max_tokens" not in body
    assert body["reasoning_effort"] == "low"


def test_parallel_calls_that_all_carry_index_0_are_kept_apart() -> None:
    pieces = (
        delta(piece("c1", '{"path": "a"}')),
        delta(piece("c2", '{"path": "b"}')),
        delta({}, "tool_calls"),
        COUNTS,
        DONE,
    )
    with model_server(Answer(pieces=pieces)) as server:
        reply = WIRE.model(server).query([USER], [READ], max_output_tokens=10)
    assert [(c.id, c.arguments) for c in reply.message.tool_calls] == [("c1", {"path": "a"}), ("c2", {"path": "b"})]


def test_calls_without_index_or_id_are_read() -> None:
    pieces = (
        delta(piece("c1", '{"path": ', index=None)),
        delta({"tool_calls": [{"function": {"arguments": '"a"}'}}]}),
        delta({"tool_calls": [{"index": 5, "function": {"name": "read", "arguments": {"path": "b"}}}]}),
        delta({}, "stop"),
        COUNTS,
        DONE,
    )
    with model_server(Answer(pieces=pieces)) as server:
        reply = WIRE.model(server).query([USER], [READ], max_output_tokens=10)
    assert [(c.id, c.arguments) for c in reply.message.tool_calls] == [
        ("c1", {"path": "a"}),
        ("call_1", {"path": "b"}),
    ]


def test_reasoning_is_given_back_in_the_field_it_came_in() -> None:
    calls = [Call.of("c1", "read", path="a")]
    with model_server(openai_message(reasoning="Hm.", calls=calls), openai_message(text="ok")) as server:
        model = WIRE.model(server)
        reply = model.query([SYSTEM, USER], [READ], max_output_tokens=10)
        answer = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="x"),))
        model.query([SYSTEM, USER, reply.message, answer], [READ], max_output_tokens=10)
    assert server.requests[1].body["messages"][2]["reasoning_content"] == "Hm."


def test_what_a_vendor_hangs_on_a_call_is_given_back_with_it() -> None:
    extra = {"google": {"thought_signature": "c2ln"}}
    details = [{"type": "reasoning.encrypted", "data": "eHg="}]
    pieces = (
        delta({"reasoning_details": details}),
        delta(piece("c1", '{"path": "a"}', extra_content=extra)),
        delta(piece("c2", '{"path": "b"}', index=1)),
        delta({}, "tool_calls"),
        COUNTS,
        DONE,
    )
    with model_server(Answer(pieces=pieces), openai_message(text="ok")) as server:
        model = WIRE.model(server)
        reply = model.query([USER], [READ], max_output_tokens=10)
        answers = tuple(ToolResult(call_id=c, text="x") for c in ("c1", "c2"))
        model.query([USER, reply.message, Message(role=Role.USER, parts=answers)], [READ], max_output_tokens=10)
    turn = server.requests[1].body["messages"][1]
    assert [call.get("extra_content") for call in turn["tool_calls"]] == [extra, None]
    assert turn["reasoning_details"] == details
    assert not server.violations


@pytest.mark.parametrize("word", ["error", "abort", "insufficient_system_resource"])
def test_an_answer_that_its_server_gave_up_is_incomplete(word: str) -> None:
    pieces = (delta(piece("c1", '{"path": "a')), delta({}, word), COUNTS, DONE)
    with model_server(Answer(pieces=pieces)) as server, pytest.raises(IncompleteReply, match=word):
        WIRE.model(server).query([USER], [READ], max_output_tokens=10)


def test_mistrals_word_for_a_full_window_is_a_cut() -> None:
    pieces = (delta(piece("c1", '{"path": "a')), delta({}, "model_length"), COUNTS, DONE)
    with model_server(Answer(pieces=pieces)) as server:
        reply = WIRE.model(server).query([USER], [READ], max_output_tokens=10)
    assert reply.stop is StopReason.LENGTH
    assert "cut off" in reply.message.tool_calls[0].problem


def test_a_refusal_in_its_own_field_is_a_refusal() -> None:
    pieces = (delta({"refusal": "I will not."}), delta({}, "stop"), COUNTS, DONE)
    with model_server(Answer(pieces=pieces)) as server:
        reply = WIRE.model(server).query([USER], [], max_output_tokens=10)
    assert (reply.stop.value, reply.message.text) == ("refused", "I will not.")


def test_other_choices_than_the_first_are_left_out() -> None:
    other = chunk({"model": "m", "choices": [{"index": 1, "delta": {"content": "no"}, "finish_reason": None}]})
    with model_server(Answer(pieces=(delta({"content": "yes"}), other, delta({}, "stop"), COUNTS, DONE))) as server:
        reply = WIRE.model(server).query([USER], [], max_output_tokens=10)
    assert reply.message.text == "yes"
