"""Reading what a model wrote, whichever SDK brought it. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from agents.types import ToolCall

MOST_SHOWN = 200


def clean(text: str) -> str:
    """Text that can be encoded: a lone surrogate (JSON allows it, UTF-8 does not) becomes a question mark."""
    return text.encode("utf-8", "replace").decode("utf-8")


def clean_json(value: Any) -> Any:
    """The same JSON value with each of its strings clean."""
    match value:
        case str():
            return clean(value)
        case list():
            return [clean_json(item) for item in value]
        case dict():
            return {clean(key): clean_json(item) for key, item in value.items()}
        case _:
            return value


_CHANGING = re.compile(r"\b\d+(\.\d+)?\s?(ms|s|seconds?)\b|0x[0-9a-fA-F]{4,}|\brun-[0-9a-f]{8,}\b")
"""What differs between two runs of the same command: durations, addresses, names of run directories."""


def steady(text: str) -> str:
    """Text without what differs between two runs of the same command."""
    return _CHANGING.sub("#", text)


def tool_call(call_id: str, name: str, arguments: str, *, cut: bool) -> ToolCall:
    """A call from the JSON text of its arguments; broken JSON is the call's `problem`, never an exception.

    `cut`: the reply ended at its output limit, which is then the likely cause.
    """
    try:
        value = json.loads(arguments, parse_constant=_no_constant) if arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        return ToolCall(id=call_id, name=clean(name), arguments={}, problem=_problem(arguments, str(error), cut))
    if not isinstance(value, dict):
        return ToolCall(
            id=call_id, name=clean(name), arguments={}, problem="The arguments must be one JSON object, nothing else."
        )
    return ToolCall(id=call_id, name=clean(name), arguments=clean_json(value))


def _problem(arguments: str, error: str, cut: bool) -> str:
    if cut:
        return (
            "The call was cut off at the reply's output limit, so nothing was done. Send it again in smaller pieces: "
            "several small edits instead of one large one."
        )
    return (
        f"The arguments are not valid JSON ({error}), so nothing was done. They began: {clean(arguments[:MOST_SHOWN])}"
    )


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
