"""Messages in the shapes of chat endpoints, as other agents' files keep them, to and from our parts. Pure.

Chat completions (`content`, `tool_calls`, role `tool`), content blocks (`text`, `thinking`, `tool_use`, `tool_result`),
and OpenAI's Responses (`output` items, `function_call_output`).
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from agents.types import Part, Reasoning, Text, ToolCall, ToolResult, Usage

Raw = Mapping[str, Any]


def objects(value: Any) -> list[Raw]:
    """The objects among a list's values; what is no list has none."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def an_object(value: Any) -> Raw:
    return value if isinstance(value, Mapping) else {}


def words(value: Any) -> str:
    return value if isinstance(value, str) else ""


def number(value: Any) -> float | None:
    """None for what is no finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # JSON's whole numbers have no end, ours do.
    return float(value) if abs(value) <= sys.float_info.max else None


def spoken(message: Raw) -> tuple[Part, ...]:
    """An assistant's message: thinking, words, calls."""
    return (*_thinking(message), *_content(message.get("content")), *_output(message), *_calls(message))


def told(content: Any) -> str:
    """The text of a content, whatever its shape."""
    if isinstance(content, str):
        return content
    blocks = objects(content)
    return "\n".join(words(block.get("text")) or words(block.get("content")) for block in blocks)


def results(message: Raw) -> tuple[ToolResult, ...]:
    """The results that a message carries by the ids of their calls; none for mere words."""
    if message.get("type") == "function_call_output":
        return (ToolResult(call_id=words(message.get("call_id")), text=told(message.get("output"))),)
    if message.get("role") == "tool":
        ids = message.get("tool_call_ids")
        first = words(ids[0]) if isinstance(ids, list) and ids else words(message.get("tool_call_id"))
        return (ToolResult(call_id=first, text=told(message.get("content"))),)
    return tuple(
        ToolResult(
            call_id=words(block.get("tool_use_id")),
            text=told(block.get("content")),
            is_error=block.get("is_error") is True,
        )
        for block in objects(message.get("content"))
        if block.get("type") == "tool_result"
    )


def _thinking(message: Raw) -> Iterator[Reasoning]:
    blocks = objects(message.get("thinking_blocks"))
    for block in blocks:
        yield Reasoning(text=words(block.get("thinking")), opaque=dict(block))
    if not blocks and (thought := words(message.get("reasoning_content"))):
        yield Reasoning(text=thought)


def _content(content: Any) -> Iterator[Part]:
    if isinstance(content, str) and content:
        yield Text(text=content)
    for block in objects(content):
        match block.get("type"):
            case "thinking" | "redacted_thinking":
                yield Reasoning(text=words(block.get("thinking")), opaque=dict(block))
            case "tool_use":
                arguments = dict(an_object(block.get("input")))
                yield ToolCall(id=words(block.get("id")), name=words(block.get("name")), arguments=arguments)
            case _:
                if text := words(block.get("text")):
                    yield Text(text=text)


def _output(message: Raw) -> Iterator[Part]:
    for item in objects(message.get("output")):
        match item.get("type"):
            case "message":
                yield from _content(item.get("content"))
            case "function_call":
                yield _call(words(item.get("call_id")) or words(item.get("id")), item)
            case "reasoning":
                yield Reasoning(text=told(item.get("summary")), opaque=dict(item))
            case _:
                continue  # what its tools did by themselves: kept as it is, no part of the conversation


def _calls(message: Raw) -> Iterator[ToolCall]:
    for call in objects(message.get("tool_calls")):
        yield _call(words(call.get("id")), an_object(call.get("function")))


def _call(call_id: str, function: Raw) -> ToolCall:
    name, given = words(function.get("name")), function.get("arguments")
    if isinstance(given, Mapping):
        return ToolCall(id=call_id, name=name, arguments=dict(given))
    try:
        arguments = json.loads(words(given) or "{}")
    except (ValueError, RecursionError):
        arguments = None
    if isinstance(arguments, dict):
        return ToolCall(id=call_id, name=name, arguments=arguments)
    return ToolCall(id=call_id, name=name, arguments={}, problem="The arguments were no JSON object.")


def usage(reported: Any) -> Usage:
    """An endpoint's own counts, of chat completions, of Responses, or as Anthropic names them."""
    raw = an_object(reported)

    def count(*names: str, within: Raw = raw) -> int:
        return int(next((value for name in names if (value := number(within.get(name))) is not None), 0))

    prompt = an_object(raw.get("prompt_tokens_details") or raw.get("input_tokens_details"))
    answer = an_object(raw.get("completion_tokens_details") or raw.get("output_tokens_details"))
    return Usage(
        input_tokens=count("prompt_tokens", "input_tokens"),
        output_tokens=count("completion_tokens", "output_tokens"),
        cache_read_tokens=count("cache_read_input_tokens") or count("cached_tokens", within=prompt),
        cache_write_tokens=count("cache_creation_input_tokens"),
        reasoning_tokens=count("reasoning_tokens", within=answer),
    )


def _written_call(call: ToolCall) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments))}
    return {"id": call.id, "type": "function", "function": function}


def written(parts: Sequence[Part]) -> dict[str, Any]:
    """An assistant's parts as a chat completion's message; `content` is null where there are no words."""
    message: dict[str, Any] = {"role": "assistant"}
    message["content"] = "\n\n".join(part.text for part in parts if isinstance(part, Text)) or None
    calls = [part for part in parts if isinstance(part, ToolCall)]
    if calls:
        message["tool_calls"] = [_written_call(call) for call in calls]
    thoughts = [part for part in parts if isinstance(part, Reasoning)]
    if thoughts:
        message["reasoning_content"] = "\n\n".join(part.text for part in thoughts)
    if blocks := [dict(part.opaque) for part in thoughts if part.opaque]:
        message["thinking_blocks"] = blocks
    return message
