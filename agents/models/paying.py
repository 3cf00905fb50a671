"""The one place where a call is paid for: the worst case is set aside, the call is made, what it cost is booked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TypeVar

from agents.errors import ModelError
from agents.models.estimate import Calibration, structural
from agents.models.prices import worst_cost
from agents.patience import Patience, running_out
from agents.protocols import Model
from agents.purse import Call, Purse
from agents.types import Message, Part, Reasoning, Reply, Text, ToolCall, ToolResult, ToolSpec, Usage
from config.models import ModelSpec

T = TypeVar("T")

A_TURN = 16
"""Tokens that a server puts around one message."""
A_TOOL = 32
"""And around the description of one tool."""
TOOLS = 600
"""And what vendors say to a model that has tools."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """What an answer cost, as far as its endpoint says."""

    usage: Usage
    cost_usd: float | None


def bill_of(reply: Reply) -> Bill:
    return Bill(usage=reply.usage, cost_usd=reply.cost_usd)


def pay(
    purse: Purse,
    spec: ModelSpec,
    prompt_tokens: int,
    most: int,
    ask: Callable[[int], T],
    bill: Callable[[T], Bill | None],
    patience: Patience | None = None,
) -> T:
    """What `ask` gives for the output tokens that may be paid; `bill` is None for an answer that nobody charges.

    Raises `OverLimit` before anything is sent: where only what others have set aside is in the way, when `patience`, or
    the purse's own, is at its end. A call that breaks off may have been charged: only one that certainly
    was not leaves no trace in the book.
    """
    call = Call(
        model=spec.name,
        prompt_tokens=prompt_tokens,
        output_tokens=most,
        worst_usd=cache(lambda output: worst_cost(spec, prompt_tokens, output)),
        self_hosted=spec.self_hosted,
        patience=patience or Patience(),
    )
    held = purse.hold(call)
    try:
        answer = ask(held.output_tokens)
        billed = bill(answer)
    except ModelError as error:
        if error.unpaid:
            held.unpaid()
        else:
            held.lost()
        raise
    except BaseException:
        held.lost()
        raise
    if billed is None:
        held.unpaid()
    else:
        held.paid(billed.usage, billed.cost_usd)
    return answer


class Metered:
    """A `Model` whose every call is paid from a purse. Belongs right around an endpoint: inside retries."""

    def __init__(self, model: Model, spec: ModelSpec, purse: Purse, patience: Patience | None = None) -> None:
        self._model, self._spec, self._purse = model, spec, purse
        self._left = running_out(patience or Patience())
        self._scale = Scale()

    def __repr__(self) -> str:
        return f"Metered({self._model!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def window(self) -> int:
        return self._model.window

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        raw = self._scale.weigh(messages, tools)

        def ask(most: int) -> Reply:
            return self._model.query(messages, tools, max_output_tokens=most)

        most = min(max_output_tokens, self._spec.output_limit)
        reply = pay(self._purse, self._spec, self._scale.tokens(raw), most, ask, bill_of, self._left())
        self._scale.learn(raw, reply.usage.input_tokens)
        return reply


class Scale:
    """How many tokens a conversation is at most. It is only appended to, so each message is weighed once."""

    def __init__(self) -> None:
        self._weighed: dict[int, tuple[object, int]] = {}
        self._calibration = Calibration()
        self._measured = 0

    def weigh(self, messages: Sequence[Message], tools: Sequence[ToolSpec]) -> int:
        """By the shape of the text alone."""
        said = sum(self._once(message, _of_message) for message in messages)
        return said + (TOOLS + sum(self._once(tool, _of_tool) for tool in tools) if tools else 0)

    def tokens(self, weighed: int) -> int:
        """With what the endpoint's own reports say about what it was sent last. What came since may be made of quite
        other text, so it is never counted lower than by its shape."""
        factor, measured = self._calibration.factor, min(weighed, self._measured)
        return math.ceil(measured * factor + (weighed - measured) * max(1.0, factor))

    def learn(self, weighed: int, reported: int) -> None:
        self._calibration.compare(weighed, reported)
        self._measured = weighed

    def _once(self, thing: T, weigh: Callable[[T], int]) -> int:
        """The thing is kept with its weight, so that its identity is not given to another."""
        known = self._weighed.get(id(thing))
        if known is None:
            known = self._weighed[id(thing)] = (thing, weigh(thing))
        return known[1]


def _of_message(message: Message) -> int:
    return A_TURN + sum(structural(_text(part)) for part in message.parts)


def _text(part: Part) -> str:
    match part:
        case Text(text=text) | ToolResult(text=text):
            return text
        case ToolCall():
            return f"{part.name} {json.dumps(dict(part.arguments), default=str)}"
        case Reasoning():
            return f"{part.text}{json.dumps(dict(part.opaque), default=str)}"


def _of_tool(tool: ToolSpec) -> int:
    return A_TOOL + structural(f"{tool.name} {tool.description} {json.dumps(dict(tool.parameters), default=str)}")
