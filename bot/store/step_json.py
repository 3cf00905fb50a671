"""A step as JSON text and back: the form in the `steps` table. Every part carries its type, so none is guessed."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from agents.types import Message, Part, Reasoning, Role, Step, Text, ToolCall, ToolResult, Usage

_KINDS: dict[str, type[Part]] = {"text": Text, "reasoning": Reasoning, "call": ToolCall, "result": ToolResult}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def dump(step: Step) -> str:
    fields: dict[str, Any] = asdict(step)
    fields["messages"] = [
        {"role": message.role.value, "parts": [{"type": _NAMES[type(part)], **asdict(part)} for part in message.parts]}
        for message in step.messages
    ]
    return json.dumps(fields)


def load(text: str) -> Step:
    fields = json.loads(text)
    messages = tuple(
        Message(role=Role(message["role"]), parts=tuple(_part(part) for part in message["parts"]))
        for message in fields.pop("messages")
    )
    return Step(**{**fields, "messages": messages, "usage": Usage(**fields["usage"])})


def _part(fields: dict[str, Any]) -> Part:
    values = dict(fields)
    return _KINDS[values.pop("type")](**values)
