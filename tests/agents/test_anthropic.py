"""What is Anthropic's alone: cache marks, thinking, its way of counting."""

from __future__ import annotations

import json

from agents.types import Message, Reasoning, Role, Text, ToolResult, Usage
from tests.support.endpoints import READ, SYSTEM, USER, WIRES
from tests.support.model_server import Answer, Call, anthropic_message, anthropic_pieces, model_server

WIRE = WIRES[0]
MARK = {"type": "ephemeral"}


def test_system_the_opening_and_the_last_two_user_turns_are_marked_for_the_cache() -> None:
    with model_server(*(anthropic_message(calls=[Call.of(f"c{n}", "read", path="a")]) for n in range(4))) as server:
        model, conversation = WIRE.model(server), [SYSTEM, USER]
        for _ in range(4):
            reply = model.query(conversation, [READ], max_output_tokens=100)
            answers = tuple(ToolResult(call_id=c.id, text="ok") for c in reply.message.tool_calls)
            conversation += [reply.message, Message(role=Role.USER, parts=answers)]
    assert not server.violations, "at most four marks are allowed"
    last = server.requests[-1].body
    assert last["system"][-1]["cache_control"] == MARK
    users = [turn for turn in last["messages"] if turn["role"] == "user"]
    assert ["cache_control" in turn["content"][-1] for turn in users] == [True, False, True, True]
    earlier = [turn for turn in server.requests[-2].body["messages"] if turn["role"] == "user"]
    assert earlier[-1]["content"][-1]["cache_control"] == MARK, "each call reads what the last one wrote"


def test_thinking_is_asked_for_and_given_back_unchanged() -> None:
    calls = [Call.of("c1", "read", path="a")]
    with model_server(anthropic_message(thinking="Hm.", calls=calls), anthropic_message(text="ok")) as server:
        model = WIRE.model(server, "thinking = true\neffort = 'high'")
        reply = model.query([USER], [READ], max_output_tokens=100)
        answer = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="x"),))
        model.query([USER, reply.message, answer], [READ], max_output_tokens=100)
    first, second = (request.body for request in server.requests)
    assert first["thinking"] == {"type": "adaptive"}
    assert first["output_config"] == {"effort": "high"}
    block = {"type": "thinking", "thinking": "Hm.", "signature": "c2lnbmVk"}
    assert second["messages"][1]["content"][0] == block
    assert reply.message.parts[0] == Reasoning(text="Hm.", opaque=block, bound=True)


def test_redacted_thinking_is_given_back() -> None:
    pieces = anthropic_pieces(text="ok")
    start = {
        "type": "content_block_start",
        "index": 9,
        "content_block": {"type": "redacted_thinking", "data": "c2VjcmV0"},
    }
    redacted = f"event: content_block_start\ndata: {json.dumps(start)}\n\n".encode()
    with model_server(Answer(pieces=(pieces[0], redacted, *pieces[1:])), anthropic_message(text="ok")) as server:
        model = WIRE.model(server)
        reply = model.query([USER], [], max_output_tokens=100)
        model.query([USER, reply.message, Message(role=Role.USER, parts=(Text(text="on"),))], [], max_output_tokens=9)
    assert {"type": "redacted_thinking", "data": "c2VjcmV0"} in server.requests[1].body["messages"][1]["content"]


def test_usage_counts_the_whole_prompt_and_names_its_cached_parts() -> None:
    counts = {
        "input_tokens": 20,
        "cache_read_input_tokens": 300,
        "cache_creation_input_tokens": 40,
        "output_tokens": 7,
        "output_tokens_details": {"thinking_tokens": 5},
    }
    price = "[models.under-test.price]\nas_of = 2026-11-23\ninput = 4\noutput = 20\ncache_read = 0.2\ncache_write = 5"
    with model_server(anthropic_message(text="ok", usage=counts)) as server:
        reply = WIRE.model(server, price).query([USER], [], max_output_tokens=100)
    assert reply.usage == Usage(
        input_tokens=360, output_tokens=7, cache_read_tokens=300, cache_write_tokens=40, reasoning_tokens=5
    )
    assert reply.cost_usd is not None
    assert abs(reply.cost_usd - (20 * 4 + 300 * 0.2 + 40 * 5 + 7 * 20) / 1e6) < 1e-12


def test_the_input_of_a_call_may_come_whole() -> None:
    pieces = anthropic_pieces()
    block = {"type": "tool_use", "id": "c1", "name": "read", "input": {"path": "a"}}
    start = {"type": "content_block_start", "index": 0, "content_block": block}
    whole = f"event: content_block_start\ndata: {json.dumps(start)}\n\n".encode()
    with model_server(Answer(pieces=(pieces[0], whole, *pieces[1:]))) as server:
        reply = WIRE.model(server).query([USER], [READ], max_output_tokens=100)
    assert reply.message.tool_calls[0].arguments == {"path": "a"}


def test_turns_of_one_role_are_sent_as_one() -> None:
    more = Message(role=Role.USER, parts=(Text(text="And this."),))
    with model_server(anthropic_message(text="ok")) as server:
        WIRE.model(server).query([SYSTEM, USER, more], [], max_output_tokens=100)
    assert not server.violations
    assert len(server.requests[0].body["messages"]) == 1
