"""The Messages API's shapes: our conversation to a request, its events to a message. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal, assert_never

from pydantic import BaseModel, ConfigDict, Field, Tag, TypeAdapter
from pydantic import Discriminator as By

from agents.errors import IncompleteReply
from agents.models.reading import Shallow, clean, clean_json, tool_call
from agents.models.written_once import WrittenOnce, array, joined
from agents.types import Message, Part, Reasoning, Role, StopReason, Text, ToolCall, ToolResult, ToolSpec, Usage
from config.models import ModelSpec

_MARK = {"type": "ephemeral"}
"""A cache mark: the endpoint keeps what stands up to and with this block, and looks for what it kept at each mark and
up to twenty blocks before it. At most four marks a request; what is shorter than a model's least length (512 to 4,096
tokens) is not kept, silently.

The four: tools and system; the opening, which outlives a condensed history; and the last two user turns, so that each
call finds exactly what the last one wrote, however many blocks a turn of parallel calls has."""
_THINKING = ("thinking", "redacted_thinking")
EMPTY = "(no text)"
"""The API refuses an empty message."""
_NOTHING = json.dumps({"type": "text", "text": EMPTY})


# --- to the wire -------------------------------------------------------------------------------------------------


class Requests:
    """The bodies of one endpoint's calls. A conversation is only appended to, so the marks make the next call a cache
    hit."""

    def __init__(self, spec: ModelSpec) -> None:
        self._spec = spec
        self._results = WrittenOnce(_results)
        self._others = WrittenOnce(_others)
        self._tools = WrittenOnce(_tool)

    def body(self, messages: Sequence[Message], tools: Sequence[ToolSpec], max_tokens: int) -> bytes:
        """Of one call. Raises ValueError, TypeError."""
        spec = self._spec
        asked: dict[str, Any] = {"model": spec.model_id, "max_tokens": max_tokens, "stream": True}
        system = "\n\n".join(message.text for message in messages if message.role is Role.SYSTEM)
        if system:
            asked["system"] = [{"type": "text", "text": clean(system), "cache_control": _MARK}]
        if spec.thinking:
            asked["thinking"] = {"type": "adaptive"}
        if spec.effort:
            asked["output_config"] = {"effort": spec.effort}
        arrays = {"messages": array(turn.text() for turn in self._turns(messages))}
        if tools:
            arrays["tools"] = self._tools.array(tools)
        return joined(asked, arrays)

    def _turns(self, messages: Sequence[Message]) -> list[_Turn]:
        """User and assistant in turn; the first and the last two user turns marked."""
        said = [message for message in messages if message.role is not Role.SYSTEM]
        turns: list[_Turn] = []
        for message, results, others in zip(said, self._results.texts(said), self._others.texts(said), strict=True):
            if not turns or turns[-1].role is not message.role:
                turns.append(_Turn(role=message.role))
            turns[-1].results.extend(results)
            turns[-1].others.extend(others)
        users = [turn for turn in turns if turn.role is Role.USER]
        for turn in [*users[:1], *users[1:][-2:]]:
            turn.is_marked = True
        return turns


@dataclass(kw_only=True)
class _Turn:
    """Of one or more messages of the same role, whose blocks are JSON already."""

    role: Role
    results: list[str] = field(default_factory=list)
    """Must come before other blocks of the turn that answers a call."""
    others: list[str] = field(default_factory=list)
    is_marked: bool = False

    def text(self) -> str:
        *before, last = [*self.results, *self.others] or [_NOTHING]
        if self.is_marked:
            last = f'{last[:-1]},"cache_control":{json.dumps(_MARK)}}}'
        return f'{{"role":"{self.role.value}","content":{array([*before, last])}}}'


def _results(message: Message) -> list[dict[str, Any]]:
    return [block for part in message.parts if isinstance(part, ToolResult) and (block := _block(part))]


def _others(message: Message) -> list[dict[str, Any]]:
    return [block for part in message.parts if not isinstance(part, ToolResult) and (block := _block(part))]


def _tool(tool: ToolSpec) -> list[dict[str, Any]]:
    return [{"name": tool.name, "description": tool.description, "input_schema": dict(tool.parameters)}]


def _block(part: Part) -> dict[str, Any] | None:
    match part:
        case Text(text=text):
            return {"type": "text", "text": clean(text)} if text.strip() else None
        case Reasoning(opaque=opaque):
            # Another vendor's thinking means nothing here.
            return dict(opaque) if opaque.get("type") in _THINKING else None
        case ToolCall():
            return {"type": "tool_use", "id": part.id, "name": part.name, "input": dict(part.arguments)}
        case ToolResult():
            block = {"type": "tool_result", "tool_use_id": part.call_id, "content": clean(part.text) or EMPTY}
            return {**block, "is_error": True} if part.is_error else block
        case _:
            assert_never(part)


# --- from the wire -----------------------------------------------------------------------------------------------


class _Foreign(BaseModel):
    model_config = ConfigDict(extra="ignore")


class _OutputDetails(_Foreign):
    thinking_tokens: int = 0


class _Counts(_Foreign):
    """Cumulative; a field that is absent keeps its earlier value."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None


class _Head(_Foreign):
    model: str = ""
    usage: _Counts = _Counts()


class _MessageStart(_Foreign):
    type: Literal["message_start"]
    message: _Head


class _BlockStart(_Foreign):
    type: Literal["content_block_start"]
    index: int
    content_block: Shallow


class _Delta(_Foreign):
    type: str
    text: str = ""
    partial_json: str = ""
    thinking: str = ""
    signature: str = ""


class _BlockDelta(_Foreign):
    type: Literal["content_block_delta"]
    index: int
    delta: _Delta


class _End(_Foreign):
    stop_reason: str | None = None


class _MessageDelta(_Foreign):
    type: Literal["message_delta"]
    delta: _End
    usage: _Counts = _Counts()


class _MessageStop(_Foreign):
    type: Literal["message_stop"]


class _Other(_Foreign):
    """Events that came later than this code, and `content_block_stop`, which says nothing new."""

    type: str


_KNOWN = ("message_start", "content_block_start", "content_block_delta", "message_delta", "message_stop")


def _tag(value: object) -> str:
    kind = value.get("type") if isinstance(value, Mapping) else None
    return kind if kind in _KNOWN else "other"


_Event = Annotated[
    Annotated[_MessageStart, Tag("message_start")]
    | Annotated[_BlockStart, Tag("content_block_start")]
    | Annotated[_BlockDelta, Tag("content_block_delta")]
    | Annotated[_MessageDelta, Tag("message_delta")]
    | Annotated[_MessageStop, Tag("message_stop")]
    | Annotated[_Other, Tag("other")],
    By(_tag),
]
_EVENT: TypeAdapter[Any] = TypeAdapter(Annotated[_Event, Field()])


class Reading:
    """Puts one message together from its events."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._blocks: dict[int, dict[str, Any]] = {}
        self._json: dict[int, str] = {}
        self._counts: dict[str, Any] = {}
        self._stop: str | None = None
        self.ended = False
        """The message has its last event."""
        self.model = ""

    def take(self, event: object) -> None:
        """Raises `pydantic.ValidationError` (a ValueError) for what is no event."""
        match _EVENT.validate_python(event):
            case _MessageStart(message=head):
                self.model = clean(head.model)
                self._count(head.usage)
            case _BlockStart(index=index, content_block=block):
                self._blocks[index] = dict(block)
            case _BlockDelta(index=index, delta=delta):
                self._extend(index, delta)
            case _MessageDelta(delta=end, usage=usage):
                self._stop = end.stop_reason
                self._count(usage)
            case _MessageStop():
                self.ended = True
            case _:
                pass

    def require_end(self) -> None:
        """Raises `IncompleteReply` unless the message has its end."""
        if not self.ended or self._stop is None:
            raise IncompleteReply(f"{self._name}: the stream ended before the message did")

    def message(self) -> tuple[Message, StopReason]:
        parts = [self._part(index, block) for index, block in sorted(self._blocks.items())]
        message = Message(role=Role.ASSISTANT, parts=tuple(part for part in parts if part is not None))
        return message, self._reason(message)

    def usage(self) -> Usage:
        """The API's `input_tokens` leaves out what came from or went to the cache; ours is the whole prompt."""
        read = self._counts.get("cache_read_input_tokens", 0)
        written = self._counts.get("cache_creation_input_tokens", 0)
        details = self._counts.get("output_tokens_details", {})
        return Usage(
            input_tokens=self._counts.get("input_tokens", 0) + read + written,
            output_tokens=self._counts.get("output_tokens", 0),
            cache_read_tokens=read,
            cache_write_tokens=written,
            reasoning_tokens=details.get("thinking_tokens", 0),
        )

    def _count(self, usage: _Counts) -> None:
        self._counts.update(usage.model_dump(exclude_none=True))

    def _extend(self, index: int, delta: _Delta) -> None:
        block = self._blocks.get(index)
        if block is None:
            raise ValueError(f"a piece of block {index}, which never began")
        match delta.type:
            case "text_delta":
                block["text"] = str(block.get("text", "")) + delta.text
            case "thinking_delta":
                block["thinking"] = str(block.get("thinking", "")) + delta.thinking
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._json[index] = self._json.get(index, "") + delta.partial_json
            case _:
                pass

    def _part(self, index: int, block: Mapping[str, Any]) -> Part | None:
        match block.get("type"):
            case "text":
                return Text(text=clean(str(block.get("text", ""))))
            case "thinking" | "redacted_thinking":
                # Cut off before its signature it cannot be given back; whole, only behind what it was written behind.
                whole = bool(block.get("signature") or block.get("data"))
                text = clean(str(block.get("thinking", "")))
                return Reasoning(text=text, opaque=clean_json(dict(block)) if whole else {}, bound=True)
            case "tool_use":
                cut = self._stop in ("max_tokens", "model_context_window_exceeded")
                name = str(block.get("name", ""))
                # Compatible servers may give the whole input at the block's start instead of in pieces.
                arguments = self._json.get(index) or json.dumps(block.get("input") or {})
                return tool_call(str(block.get("id", "")), name, arguments, cut=cut)
            case _:
                return None

    def _reason(self, message: Message) -> StopReason:
        match self._stop:
            case "max_tokens" | "model_context_window_exceeded":
                return StopReason.LENGTH
            case "refusal":
                return StopReason.REFUSED
            case _:
                return StopReason.TOOL_CALLS if message.tool_calls else StopReason.END
