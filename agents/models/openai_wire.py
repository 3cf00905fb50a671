"""Chat Completions' shapes: our conversation to a request, its chunks to a message. Pure.

Compatible servers differ in four ways that are met here: where reasoning stands (`reasoning_content`, `reasoning`,
`reasoning_details`) and must be given back; whether it is counted in `completion_tokens` or only in `total_tokens`; the
place of parallel tool calls, which Gemini and Ollama number 0 all; and fields a vendor hangs on a call and demands back
(Gemini's `extra_content` with its thought signature).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, ConfigDict

from agents.errors import IncompleteReply
from agents.models.reading import BROKEN_OFF, CUT_SHORT, Shallow, clean, clean_json, tool_call, untold
from agents.models.written_once import WrittenOnce, joined
from agents.types import Message, Part, Reasoning, Role, StopReason, Text, ToolCall, ToolResult, ToolSpec, Usage
from config.models import ModelSpec

_REASONING_TEXT = ("reasoning_content", "reasoning")
_WANTED_BACK = "reasoning_content"
_REASONING_LIST = "reasoning_details"
_CALL_EXTRA = "extra_content"


# --- to the wire -------------------------------------------------------------------------------------------------


class Requests:
    """The bodies of one endpoint's calls."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._messages = WrittenOnce(_turns)
        self._tools = WrittenOnce(_tool)

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int) -> bytes:
        """Of one call. Raises ValueError, TypeError."""
        spec = self._spec
        asked: dict[str, Any] = {"model": spec.model_id, spec.max_tokens_field.value: max_tokens, "stream": True}
        if spec.reports_usage:
            asked["stream_options"] = {"include_usage": True}
        if spec.effort:
            asked["reasoning_effort"] = spec.effort
        arrays = {"messages": self._messages.array(messages)}
        if tools:
            arrays["tools"] = self._tools.array(tools)
        return joined(asked, arrays)


def _tool(tool: ToolSpec) -> list[dict[str, Any]]:
    function = {"name": tool.name, "description": tool.description, "parameters": dict(tool.parameters)}
    return [{"type": "function", "function": function}]


def _turns(message: Message) -> list[dict[str, Any]]:
    if message.role is Role.ASSISTANT:
        return [_assistant(message)]
    turns: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.call_id, "content": clean(part.text)}
        for part in message.parts
        if isinstance(part, ToolResult)
    ]
    if message.text:
        turns.append({"role": message.role.value, "content": clean(message.text)})
    return turns


def _assistant(message: Message) -> dict[str, Any]:
    turn: dict[str, Any] = {"role": "assistant", "content": clean(message.text) or None}
    extras: dict[str, Any] = {}
    for part in message.parts:
        if isinstance(part, Reasoning):
            extras.update(part.opaque.get("call_extras", {}))
            turn.update(part.opaque.get("fields", {}))
    calls = [_call(call, extras.get(call.id)) for call in message.tool_calls]
    if calls:
        turn["tool_calls"] = calls
    elif turn["content"] is None:
        turn["content"] = ""
    return turn


def _call(call: ToolCall, extra: object) -> dict[str, Any]:
    function = {"name": call.name, "arguments": json.dumps(dict(call.arguments), ensure_ascii=False, allow_nan=False)}
    wire: dict[str, Any] = {"id": call.id, "type": "function", "function": function}
    return wire if extra is None else {**wire, _CALL_EXTRA: extra}


# --- from the wire -----------------------------------------------------------------------------------------------


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _Function(_Foreign):
    name: str | None = None
    arguments: str | Shallow | None = None


class _CallPiece(_Foreign):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: Shallow | None = None


class _Delta(_Foreign):
    content: str | None = None
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_details: list[Shallow] | None = None
    tool_calls: list[_CallPiece] | None = None


class _Choice(_Foreign):
    index: int = 0
    delta: _Delta = _Delta()
    finish_reason: str | None = None


class _PromptDetails(_Foreign):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutputDetails(_Foreign):
    reasoning_tokens: int | None = None


class _Counts(_Foreign):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: Any = None
    """Not needed, so no reason to refuse an answer, whatever it is."""
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _OutputDetails | None = None
    prompt_cache_hit_tokens: int | None = None
    """DeepSeek's name for cached tokens."""


class _Chunk(_Foreign):
    model: str | None = None
    choices: list[_Choice] = []
    usage: _Counts | None = None


class _Call:
    """A tool call in the making."""

    def __init__(self, call_id: str) -> None:
        self.id = call_id
        self.name = ""
        self.arguments = ""
        self.extra: dict[str, Any] | None = None

    def extend(self, piece: _CallPiece) -> None:
        if piece.extra_content is not None:
            self.extra = piece.extra_content
        if piece.function is None:
            return
        self.name = self.name or piece.function.name or ""
        arguments = piece.function.arguments
        # Ollama gives the whole object at once.
        self.arguments = json.dumps(arguments) if isinstance(arguments, dict) else self.arguments + (arguments or "")


class Reading:
    """Puts one message together from its chunks."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._text = ""
        self._refusal = ""
        self._reasoning: dict[str, str] = {}
        self._details: list[dict[str, Any]] = []
        self._calls: list[_Call] = []
        self._at: dict[int, _Call] = {}
        self._finish: str | None = None
        self._counts: _Counts | None = None
        self.model = ""

    def take(self, chunk: object) -> None:
        """Raises `pydantic.ValidationError` (a ValueError) for what is no chunk."""
        read = _Chunk.model_validate(chunk)
        self.model = clean(read.model or self.model)
        self._counts = read.usage or self._counts
        for choice in read.choices:
            if choice.index == 0:
                self._extend(choice.delta)
                self._finish = choice.finish_reason or self._finish

    def require_end(self, *, usage: bool) -> None:
        """Raises `IncompleteReply` unless the answer has its end and, where asked for, its token counts.

        The counts come after the answer's end and just before the stream's: without them the stream was cut, whether
        `[DONE]` (which the SDK swallows) was there or not.
        """
        if self._finish is None:
            raise IncompleteReply(f"{self._name}: the stream ended before the answer did")
        if self._finish in BROKEN_OFF:
            raise IncompleteReply(f"{self._name}: the endpoint gave the answer up ({self._finish})")
        if usage and self._counts is None:
            raise IncompleteReply(
                f"{self._name}: the stream ended without its token counts (for an endpoint that never sends them, set "
                f"reports_usage = false)"
            )

    def message(self) -> tuple[Message, StopReason]:
        cut = self._finish in CUT_SHORT
        parts: list[Part] = [*self._reasoning_parts()]
        text = clean(self._text or self._refusal)
        if text:
            parts.append(Text(text=text))
        parts.extend(tool_call(call.id, call.name, call.arguments, cut=cut) for call in self._calls)
        message = Message(role=Role.ASSISTANT, parts=tuple(parts))
        return message, self._reason(message)

    def usage(self) -> Usage | None:
        """None where the endpoint reported nothing, or a prompt of no tokens, as some do. Cached tokens are inside
        `prompt_tokens` here."""
        counts = self._counts
        if counts is None or counts.prompt_tokens <= 0:
            return None
        prompt = counts.prompt_tokens_details or _PromptDetails()
        output = counts.completion_tokens_details or _OutputDetails()
        cached = prompt.cached_tokens or counts.prompt_cache_hit_tokens or 0
        more = untold(counts.prompt_tokens, counts.completion_tokens, counts.total_tokens, cached)
        return Usage(
            input_tokens=counts.prompt_tokens,
            output_tokens=counts.completion_tokens + more,
            cache_read_tokens=cached,
            cache_write_tokens=prompt.cache_write_tokens or 0,
            reasoning_tokens=max(output.reasoning_tokens or 0, more),
        )

    def _extend(self, delta: _Delta) -> None:
        self._text += delta.content or ""
        self._refusal += delta.refusal or ""
        for field in _REASONING_TEXT:
            piece = getattr(delta, field)
            # DeepSeek wants its field back with each turn that called a tool, empty or not.
            if piece or (piece is not None and field == _WANTED_BACK):
                self._reasoning[field] = self._reasoning.get(field, "") + piece
        self._details.extend(delta.reasoning_details or ())
        for piece in delta.tool_calls or ():
            self._call_of(piece).extend(piece)

    def _call_of(self, piece: _CallPiece) -> _Call:
        """The call a piece belongs to: its index says so, unless it brings another id, which begins another call."""
        index = piece.index if piece.index is not None else len(self._calls) - (0 if piece.id else 1)
        call = self._at.get(index)
        if call is None or (piece.id and piece.id != call.id):
            call = _Call(clean(piece.id or f"call_{len(self._calls)}"))
            self._calls.append(call)
            self._at[index] = call
        return call

    def _reasoning_parts(self) -> list[Reasoning]:
        fields: dict[str, Any] = {field: clean(text) for field, text in self._reasoning.items()}
        if self._details:
            fields[_REASONING_LIST] = clean_json(self._details)
        extras = {call.id: clean_json(call.extra) for call in self._calls if call.extra is not None}
        opaque = {key: value for key, value in (("fields", fields), ("call_extras", extras)) if value}
        text = next((fields[field] for field in _REASONING_TEXT if field in fields), "")
        return [Reasoning(text=text, opaque=opaque)] if opaque else []

    def _reason(self, message: Message) -> StopReason:
        match self._finish:
            case reason if reason in CUT_SHORT:
                return StopReason.LENGTH
            case "content_filter":
                return StopReason.REFUSED
            case _ if self._refusal and not message.tool_calls:
                return StopReason.REFUSED
            case _:
                return StopReason.TOOL_CALLS if message.tool_calls else StopReason.END
