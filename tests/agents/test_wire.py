"""The pure readers of both wire formats, where a server of our own would not go."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import anthropic as anthropic_sdk
import openai as openai_sdk
import pytest

from agents.errors import IncompleteReply
from agents.models import anthropic_wire, openai_wire
from agents.models.reading import clean_json, tool_call
from agents.types import Message, Reasoning, Role, StopReason, Text, ToolResult, ToolSpec
from config.models import ModelSpec
from tests.support.endpoints import READ, SYSTEM, USER
from tests.support.endpoints import WIRES as _WIRES
from tests.support.model_server import Call, anthropic_message, model_server, openai_message

START = {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3, "output_tokens": 1}}}
STOP = {"type": "message_stop"}


def begin(index: int, block: dict[str, Any]) -> dict[str, Any]:
    return {"type": "content_block_start", "index": index, "content_block": block}


def grow(index: int, **delta: Any) -> dict[str, Any]:
    return {"type": "content_block_delta", "index": index, "delta": delta}


def end(reason: str | None) -> dict[str, Any]:
    return {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 9}}


def anthropic(*events: dict[str, Any]) -> anthropic_wire.Reading:
    reading = anthropic_wire.Reading("m")
    for event in events:
        reading.take(event)
    return reading


def test_blocks_deltas_and_events_of_a_later_day_are_passed_over() -> None:
    reading = anthropic(
        START,
        {"type": "something_new", "x": 1},
        begin(0, {"type": "server_tool_use", "id": "s"}),
        begin(1, {"type": "text", "text": "a"}),
        grow(1, type="citations_delta", citation={}),
        grow(1, type="text_delta", text="b"),
        end("pause_turn"),
        STOP,
    )
    reading.require_end()
    message, stop = reading.message()
    assert message.parts == (Text(text="ab"),)
    assert stop is StopReason.END


@pytest.mark.parametrize("events", [(), (START,), (START, end("end_turn")), (START, end(None), STOP)])
def test_a_message_without_its_end_is_incomplete(events: tuple[dict[str, Any], ...]) -> None:
    with pytest.raises(IncompleteReply):
        anthropic(*events).require_end()


@pytest.mark.parametrize("event", [None, 3, "x", [], {}, {"type": 3}, {"type": "message_start"}, grow(4, type="x")])
def test_what_is_no_event_is_refused(event: Any) -> None:
    with pytest.raises(ValueError):
        anthropic(event)


def test_a_window_that_is_full_is_a_cut() -> None:
    reading = anthropic(START, begin(0, {"type": "text", "text": "a"}), end("model_context_window_exceeded"), STOP)
    assert reading.message()[1] is StopReason.LENGTH


def sent(spec: ModelSpec, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> Any:
    return json.loads(anthropic_wire.Requests(spec).body(messages, tools, 10))


def test_a_conversation_without_system_or_tools_is_sent_without_them() -> None:
    with model_server() as server:
        spec = _WIRES[0].spec(server)
    asked = sent(spec, [USER], [])
    assert not {"system", "tools", "thinking", "output_config"} & asked.keys()
    asked = sent(spec, [SYSTEM, Message(role=Role.USER, parts=())], [READ])
    assert asked["messages"][0]["content"][0]["text"] == anthropic_wire.EMPTY


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "-1e999"])
def test_a_number_that_json_could_not_give_back_is_not_taken(number: str) -> None:
    call = tool_call("c1", "read", f'{{"path": "a", "line": {number}}}', cut=False)
    assert f"{number} is no number that JSON could give back" in call.problem
    assert call.arguments == {}
    vendors = json.loads(f'{{"type": "redacted_thinking", "data": "x", "weight": {number}}}')
    with pytest.raises(ValueError, match="JSON"):
        anthropic(START, begin(0, vendors))
    with pytest.raises(ValueError, match="JSON"):
        openai(choice(reasoning_details=[vendors]))


def openai(*chunks: dict[str, Any]) -> openai_wire.Reading:
    reading = openai_wire.Reading("m")
    for one in chunks:
        reading.take(one)
    return reading


def choice(finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"delta": delta, "finish_reason": finish}]}


def test_a_call_may_come_in_pieces_without_a_function() -> None:
    pieces: list[dict[str, Any]] = [
        {"index": 0, "id": "c1"},
        {"index": 0, "function": {"name": "read"}},
        {"index": 0, "function": {"arguments": '{"path": "a"}'}},
    ]
    reading = openai(*(choice(tool_calls=[piece]) for piece in pieces), choice("tool_calls"))
    (call,) = reading.message()[0].tool_calls
    assert (call.id, call.name, call.arguments) == ("c1", "read", {"path": "a"})


def test_the_first_reasoning_field_is_the_text_and_all_are_given_back() -> None:
    reading = openai(choice(reasoning_content="a", reasoning="b"), choice("stop", content="c"))
    message, _ = reading.message()
    turn = openai_wire._turns(message)[0]
    assert (turn["reasoning_content"], turn["reasoning"], turn["content"]) == ("a", "b", "c")


def test_a_user_message_of_results_only_has_no_text_turn() -> None:
    results = Message(role=Role.USER, parts=(ToolResult(call_id="c", text="x"),))
    assert openai_wire._turns(results) == [{"role": "tool", "tool_call_id": "c", "content": "x"}]


@pytest.mark.parametrize("usage", [True, False])
def test_an_answer_without_its_end_is_incomplete(usage: bool) -> None:
    with pytest.raises(IncompleteReply, match="before the answer did"):
        openai(choice(content="a")).require_end(usage=usage)


def test_missing_counts_are_incomplete_only_where_they_were_asked_for() -> None:
    reading = openai(choice("stop", content="a"))
    reading.require_end(usage=False)
    assert reading.usage() is None
    with pytest.raises(IncompleteReply, match="reports_usage = false"):
        reading.require_end(usage=True)


def test_a_call_without_arguments_has_none() -> None:
    assert tool_call("c", "run_tests", "  ", cut=False).arguments == {}


def test_every_string_of_a_json_value_is_cleaned() -> None:
    assert clean_json({"\ud800": ["\udfff", 1, None, True, {"a": "b"}]}) == {"?": ["?", 1, None, True, {"a": "b"}]}


# --- the SDKs' own reading of the same bytes ---------------------------------------------------------------------


WORDS = {"type": "text", "text": "Repair it."}


def test_what_is_read_of_a_stream_is_what_anthropics_sdk_reads() -> None:
    calls = [Call.of("c1", "read", path="a"), Call.of("c2", "shell", command="ls")]
    message = {"thinking": "Hm.", "signature": "c2ln", "text": "I look.", "calls": calls}
    with model_server(anthropic_message(**message), anthropic_message(**message)) as server:
        ours = _WIRES[0].model(server).query([USER], [READ], max_output_tokens=100)
        client = anthropic_sdk.Anthropic(api_key="k", base_url=server.url, max_retries=0)
        asked: Any = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": [WORDS]}]}
        with client.messages.stream(**asked) as stream:
            theirs = stream.get_final_message()
    sent_back = sent(_WIRES[0].spec(server), [USER, ours.message], [])["messages"][1]["content"]
    assert sent_back == [block.to_dict(mode="json") for block in theirs.content]
    assert ours.message.parts[0] == Reasoning(
        text="Hm.", opaque={"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}, bound=True
    )


def test_what_is_read_of_a_stream_is_what_openais_sdk_reads() -> None:
    calls = [Call.of("c1", "read", path="a"), Call.of("c2", "shell", command="ls")]
    answer = openai_message(reasoning="Hm.", text="I look.", calls=calls)
    with model_server(answer, answer) as server:
        ours = _WIRES[1].model(server).query([USER], [READ], max_output_tokens=100)
        client = openai_sdk.OpenAI(api_key="k", base_url=server.openai_url, max_retries=0)
        asked: Any = {"model": "m", "max_tokens": 100, "messages": [{"role": "user", "content": "Repair it."}]}
        with client.chat.completions.stream(**asked) as stream:
            theirs = stream.get_final_completion().choices[0].message
    body = openai_wire.Requests(_WIRES[1].spec(server)).body([USER, ours.message], [], 10)
    sent_back = json.loads(body)["messages"][1]
    assert sent_back["content"] == theirs.content
    assert [call["id"] for call in sent_back["tool_calls"]] == [call.id for call in theirs.tool_calls or ()]
    for mine, other in zip(sent_back["tool_calls"], theirs.tool_calls or (), strict=True):
        assert mine["function"]["name"] == other.function.name
        assert json.loads(mine["function"]["arguments"]) == json.loads(other.function.arguments)
    assert sent_back["reasoning_content"] == "Hm."


# --- thinking that was cut off -----------------------------------------------------------------------------------


def test_thinking_without_its_signature_is_not_given_back() -> None:
    reading = anthropic(
        START, begin(0, {"type": "thinking", "thinking": ""}), grow(0, type="thinking_delta", thinking="Hm"),
        end("max_tokens"), STOP,
    )  # fmt: skip
    message, stop = reading.message()
    assert stop is StopReason.LENGTH
    assert message.parts == (Reasoning(text="Hm", bound=True),)
    with model_server() as server:
        asked = sent(_WIRES[0].spec(server), [USER, message, USER], [])
    assert asked["messages"][1]["content"] == [{"type": "text", "text": anthropic_wire.EMPTY}]


def test_an_empty_reasoning_content_is_given_back_and_another_empty_field_is_not() -> None:
    reading = openai(choice(reasoning_content="", reasoning=""), choice("stop", content="c"))
    message, _ = reading.message()
    turn = openai_wire._turns(message)[0]
    assert turn["reasoning_content"] == ""
    assert "reasoning" not in turn
