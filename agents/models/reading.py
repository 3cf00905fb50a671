"""Reading what a model wrote, whichever SDK brought it. Pure."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator

from agents.types import ToolCall, Usage

MOST_SHOWN = 200
MOST_DEPTH = 64
"""Of values within values: no tool's arguments and no vendor's block come near, and what walks through deeper ones
overruns its stack."""
MOST_TOKENS = 1 << 40
"""Of one call, far over any window; larger numbers fit neither a price nor a column."""
CUT_SHORT = ("length", "model_length")
"""Words for an answer that ended at a limit; the second is Mistral's for the window's."""
BROKEN_OFF = ("error", "abort", "insufficient_system_resource")
"""Words for an answer that its server gave up, which is no answer: Mistral's and OpenRouter's; vLLM's and SGLang's;
DeepSeek's."""


def is_believable(usage: Usage) -> bool:
    """False where a count is below zero, which some servers send for "not known", or beyond what a call can have."""
    return believable(usage) == usage


def believable(usage: Usage) -> Usage:
    """The counts that can be; nothing for the others, which would give back what is spent, or overrun a column."""
    return Usage(**{name: count if 0 <= count <= MOST_TOKENS else 0 for name, count in vars(usage).items()})


def untold(prompt: int, completion: int, total: object, cached: int = 0) -> int:
    """Tokens that only the total has. Gemini leaves its thinking, which is paid as output, out of `completion_tokens`
    (https://github.com/router-for-me/CLIProxyAPI/pull/5744).

    Nothing where the total cannot be one, or has just the cached tokens more, as where a gateway leaves those out of
    the prompt.
    """
    if not isinstance(total, int) or total > MOST_TOKENS or completion < 0:
        return 0
    more = max(0, total - prompt - completion)
    return 0 if more == cached else more


def is_deep(value: Any) -> bool:
    """Whether values stand within values more than `MOST_DEPTH` times over."""
    level = [value]
    for _ in range(MOST_DEPTH):
        level = [inner for one in level for inner in _within(one)]
        if not level:
            return False
    return True


def _within(value: Any) -> Iterable[Any]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
        case _:
            return ()


def _not_deep(value: dict[str, Any]) -> dict[str, Any]:
    if is_deep(value):
        raise ValueError(f"values are nested more than {MOST_DEPTH} deep")
    json.dumps(value, allow_nan=False)  # `NaN` and `1e999` are read, and could not be given back
    return value


Shallow = Annotated[dict[str, Any], AfterValidator(_not_deep)]
"""A JSON object of a vendor's, to be kept as it is."""


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
        value = json.loads(arguments, parse_constant=_no_constant, parse_float=_finite) if arguments.strip() else {}
    except (ValueError, RecursionError) as error:
        return ToolCall(id=call_id, name=clean(name), arguments={}, problem=_problem(arguments, str(error), cut))
    if not isinstance(value, dict):
        return ToolCall(
            id=call_id, name=clean(name), arguments={}, problem="The arguments must be one JSON object, nothing else."
        )
    if is_deep(value):
        return ToolCall(
            id=call_id,
            name=clean(name),
            arguments={},
            problem=f"The arguments are nested more than {MOST_DEPTH} deep, so nothing was done.",
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


def _finite(digits: str) -> float:
    value = float(digits)
    return value if math.isfinite(value) else _no_constant(digits)


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no number that JSON could give back")
