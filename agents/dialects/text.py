"""The text dialect: actions as fenced text, one an answer, for models without tool calls.

An action looks like this; a value of several lines stands between `<<<<<<< NAME` and `>>>>>>> NAME`:

    ```redgreen edit
    path: src/area.py
    <<<<<<< old
        return width + height
    >>>>>>> old
    <<<<<<< new
        return width * height
    >>>>>>> new
    ```

`TextDialect` is a `Model` around another one: the loop sees the same calls and results as with native tools. What the
model wrote stays in the history as it was, so the conversation is still only appended to.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from agents.prompts.untrusted import enclosed
from agents.protocols import Model
from agents.types import Message, Part, Reply, Role, StopReason, Text, ToolCall, ToolResult, ToolSpec

_OPENING = re.compile(r"^(?P<fence>`{3,})redgreen[ \t]+(?P<name>[a-z_]+)[ \t]*$")
_SIMPLE = re.compile(r"^(?P<key>[a-z_]+):[ \t]?(?P<value>.*)$")
_LONG = re.compile(r"^<{7} (?P<key>[a-z_]+)$")
_ACTION = "action_"
NO_ACTION = "no_action"
"""The name of the call that stands for an answer without one readable action; its `problem` says what to do."""


class TextDialect:
    """`agents.protocols.Model` that speaks tools in text."""

    def __init__(self, model: Model) -> None:
        self._model = model

    def __repr__(self) -> str:
        return f"TextDialect({self._model!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def window(self) -> int:
        return self._model.window

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        if not tools:
            return self._model.query(messages, (), max_output_tokens=max_output_tokens)
        calls = [call for message in messages for call in message.tool_calls]
        ours = {call.id for call in calls if call.problem}
        written = [_outgoing(message, ours) for message in _with_instructions(messages, tools)]
        reply = self._model.query(written, (), max_output_tokens=max_output_tokens)
        call = read_action(reply.message.text, tools, call_id=_next_id(calls), cut=reply.stop is StopReason.LENGTH)
        if call.problem and reply.stop is StopReason.REFUSED:
            return reply  # it declined: there is no form to correct
        message = replace(reply.message, parts=(*reply.message.parts, call))
        stop = StopReason.TOOL_CALLS if reply.stop is StopReason.END else reply.stop
        return replace(reply, message=message, stop=stop)


def _next_id(calls: Sequence[ToolCall]) -> str:
    """One after the last, not their number: of a history that was condensed only the last ones are there."""
    last = next((call.id.removeprefix(_ACTION) for call in reversed(calls) if call.id.startswith(_ACTION)), "")
    return f"{_ACTION}{int(last) + 1 if last.isdecimal() else len(calls)}"


def instructions(tools: Sequence[ToolSpec]) -> str:
    """What a model must know to act in this dialect."""
    listed = "\n\n".join(_described(tool) for tool in tools)
    return f"""\
# How to act

End every answer with exactly one action in a fenced block that starts with ```redgreen and the action's name. Short
values are written `name: value`, one a line. A value of several lines stands between a line `<<<<<<< name` and a line
`>>>>>>> name`, unchanged, with its indentation. Where a value itself holds a line of three backticks, open and close
the block with four. For example:

```redgreen edit
path: src/area.py
<<<<<<< old
    return width + height
>>>>>>> old
<<<<<<< new
    return width * height
>>>>>>> new
```

The actions:

{listed}
"""


def read_action(answer: str, tools: Sequence[ToolSpec], *, call_id: str, cut: bool = False) -> ToolCall:
    """The one action of an answer; a call with a `problem` where there is none, or more than one, or a broken one."""
    blocks, unclosed = _blocks(answer)
    if unclosed:
        why = " (the answer was cut off at its output limit)" if cut else ""
        return _nothing(call_id, f"The action's block is not closed{why}. Send it again, closed with its fence.")
    if not blocks and cut:
        return _nothing(
            call_id, "Your answer was cut off at its output limit before its action. Be brief, and act first."
        )
    if len(blocks) != 1:
        found = "no action" if not blocks else f"{len(blocks)} actions"
        return _nothing(call_id, f"Your answer held {found}. End it with exactly one block ```redgreen NAME.")
    name, lines = blocks[0]
    tool = next((tool for tool in tools if tool.name == name), None)
    if tool is None:
        return _nothing(call_id, f"There is no action {name!r}. Those there are: {', '.join(t.name for t in tools)}.")
    try:
        values = _values(lines)
        properties = tool.parameters.get("properties", {})
        arguments = {key: _typed(value, properties.get(key, {})) for key, value in values.items()}
    except ValueError as error:
        return ToolCall(id=call_id, name=name, arguments={}, problem=f"{error} Nothing was done.")
    return ToolCall(id=call_id, name=name, arguments=arguments)


def _nothing(call_id: str, problem: str) -> ToolCall:
    return ToolCall(id=call_id, name=NO_ACTION, arguments={}, problem=f"{problem} Nothing was done.")


def _blocks(answer: str) -> tuple[list[tuple[str, list[str]]], bool]:
    """All action blocks, and whether the last one is not closed."""
    blocks: list[tuple[str, list[str]]] = []
    fence = ""
    for line in answer.splitlines():
        if not fence and (opening := _OPENING.match(line)):
            fence = opening["fence"]
            blocks.append((opening["name"], []))
        elif fence and line.rstrip() == fence:
            fence = ""
        elif fence:
            blocks[-1][1].append(line)
    return blocks, bool(fence)


def _values(lines: Sequence[str]) -> Mapping[str, str]:
    """Raises ValueError, whose text is an instruction."""
    values: dict[str, str] = {}
    rest = iter(lines)
    for line in rest:
        if long := _LONG.match(line):
            key, value = long["key"], _long_value(long["key"], rest)
        elif simple := _SIMPLE.match(line):
            key, value = simple["key"], simple["value"]
        elif not line.strip():
            continue
        else:
            raise ValueError(f"The line {line[:80]!r} is neither `name: value` nor part of a <<<<<<< value.")
        if key in values:
            raise ValueError(f"The value {key!r} is given twice.")
        values[key] = value
    return values


def _long_value(key: str, rest: Any) -> str:
    found: list[str] = []
    for line in rest:
        if line == f">>>>>>> {key}":
            return "\n".join(found)
        found.append(line)
    raise ValueError(f"The value {key!r} is not closed: the line `>>>>>>> {key}` is missing.")


def _typed(value: str, schema: Mapping[str, Any]) -> Any:
    """Text as the type that the tool's schema wants. Raises ValueError."""
    match schema.get("type"):
        case "integer":
            if not re.fullmatch(r"-?\d{1,12}", value.strip()):
                raise ValueError(f"{value[:40]!r} is not a whole number.")
            return int(value)
        case "boolean":
            if value.strip() not in ("true", "false"):
                raise ValueError(f"{value[:40]!r} is neither true nor false.")
            return value.strip() == "true"
        case "array":
            return [line.strip() for line in value.splitlines() if line.strip()]
        case _:
            return value


def _described(tool: ToolSpec) -> str:
    properties: Mapping[str, Any] = tool.parameters.get("properties", {})
    required = tool.parameters.get("required", ())
    lines = [f"`{tool.name}`: {tool.description}"]
    for name, schema in properties.items():
        needed = "" if name in required else ", optional"
        many = ", one a line" if schema.get("type") == "array" else ""
        said = f": {schema['description']}" if "description" in schema else ""
        lines.append(f"- {name} ({schema.get('type', 'string')}{needed}{many}){said}")
    return "\n".join(lines)


def _with_instructions(messages: Sequence[Message], tools: Sequence[ToolSpec]) -> list[Message]:
    """The conversation with the dialect's instructions at the end of its system message (or before all else)."""
    extra = Text(text=instructions(tools))
    if messages and messages[0].role is Role.SYSTEM:
        first = replace(messages[0], parts=(*messages[0].parts, Text(text="\n\n"), extra))
        return [first, *messages[1:]]
    return [Message(role=Role.SYSTEM, parts=(extra,)), *messages]


def _outgoing(message: Message, ours: Set[str]) -> Message:
    """Calls are in the model's own text already; results become text: fenced, as a native result stands apart from what
    we say ourselves. `ours`: calls that could not be read, whose result is our own correction."""
    parts: list[Part] = []
    for part in message.parts:
        match part:
            case ToolCall():
                continue
            case ToolResult(text=text, is_error=is_error):
                head = "Error" if is_error else "Result"
                shown = text if part.call_id in ours else enclosed("result", text)
                parts.append(Text(text=f"{head}:\n{shown}\n"))
            case _:
                parts.append(part)
    return replace(message, parts=tuple(parts))
