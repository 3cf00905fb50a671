"""What a call is sent of the steps before it. Pure: the stored steps say it all, so a restart sends the same.

Everything, word for word, as long as it fits: each call's messages extend the last one's, and prompt caches hold.
Before the window is full the conversation is condensed, once and by a large share, because whatever is changed makes
all caches after it worthless: the results of old calls go first (what was called and said stays), and where that is not
enough, old turns become a record of what was done in them. The opening stays as it is, and so does the last turn,
which the model has not seen yet.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import assert_never

from agents.models.estimate import LOWEST, MARGIN, structural
from agents.prompts.untrusted import fenced
from agents.types import Condensation, Message, Part, Reasoning, Role, Step, Text, ToolCall, ToolResult

KEPT_RESULTS = 4
"""Turns whose results are kept where only results are left out."""
KEPT_LINE = 200
"""Characters of a result's first line, which stay."""
MOST_RECORDED = 60
SMALLEST_REPLY = 1024
TURN_TOKENS = 12
"""What an endpoint's template puts around one part of a message, at most."""
LEFT_OUT = "[The rest of this result was left out to save room. Call again if you still need it.]"


@dataclass(frozen=True, kw_only=True)
class Room:
    """Tokens of a window: when a conversation is condensed, and down to what."""

    most: int
    """A prompt above this leaves no room for a reply."""
    high: int
    """Above this it is condensed."""
    low: int
    """To at most this, where it can be."""
    free: int
    """A prompt up to this leaves a whole reply: it need not be measured closely."""

    @classmethod
    def of(cls, window: int, reply: int) -> Room:
        """Of a window in which replies are at most `reply` long."""
        high = int((window - min(reply, window // 4)) * 0.9)
        return cls(most=window - SMALLEST_REPLY, high=high, low=high // 2, free=min(high, max(0, window - reply)))


# --- what is sent ------------------------------------------------------------------------------------------------


def sent(steps: Sequence[Step], condensed: Condensation) -> list[Message]:
    """The conversation of a call after these steps, without what `condensed` leaves out."""
    if condensed == Condensation():
        return [message for step in steps for message in step.messages]
    opening = opening_of(steps[0])
    if condensed.turns:
        *before, last = opening
        opening = (*before, replace(last, parts=(*last.parts, Text(text=_record(steps[: condensed.turns])))))
    # Thinking that was written behind the whole conversation does not fit behind the condensed one.
    since = next((place for place, step in enumerate(steps) if step.condensed == condensed), len(steps))
    turns = [
        _shortened(message, results=place < condensed.results, bound=place < since)
        for place in range(condensed.turns, len(steps))
        for message in _turn(steps[place])
    ]
    return [*opening, *turns]


def opening_of(step: Step) -> tuple[Message, ...]:
    """What the first step holds before the model's own words."""
    said = next((n for n, message in enumerate(step.messages) if message.role is Role.ASSISTANT), len(step.messages))
    return step.messages[:said]


def _turn(step: Step) -> tuple[Message, ...]:
    return step.messages[len(opening_of(step)) :]


def unbound(message: Message) -> Message:
    """Without thinking that is bound to what was said before it."""
    return _shortened(message, results=False, bound=True)


def _shortened(message: Message, *, results: bool, bound: bool) -> Message:
    parts = tuple(
        _without_rest(part) if results and isinstance(part, ToolResult) else part
        for part in message.parts
        if not (bound and isinstance(part, Reasoning) and part.bound)
    )
    return message if parts == message.parts else replace(message, parts=parts)


def _without_rest(result: ToolResult) -> ToolResult:
    head = result.text.split("\n", 1)[0][:KEPT_LINE]
    short = f"{head}\n{LEFT_OUT}"
    return result if len(result.text) <= len(short) else replace(result, text=short)


def _record(steps: Sequence[Step]) -> str:
    lines = [step.note for step in steps]
    left = len(lines) - MOST_RECORDED
    shown = lines if left <= 0 else [f"({left} earlier turns)", *lines[left:]]
    return (
        f"\n\nYour first {len(steps)} turns are left out to save room. This is what you did in them; what you changed "
        f"is in the working tree, and `git diff` shows it.\n\n{fenced('record', chr(10).join(shown))}"
    )


# --- when it is condensed ----------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Fit:
    condensed: Condensation
    tokens: int
    """Of the call at most."""


def fitting(steps: Sequence[Step], added: Sequence[Message], room: Room, overhead: int) -> Fit | None:
    """What the next call leaves out: no more than the one before, while that fits. None: it fits in no way.

    `added`: what the call says for the first time; `overhead`: tokens of the tools and the dialect.
    """
    now = steps[-1].condensed if steps else Condensation()
    tokens = size(steps, added, now, overhead, enough=room.free)
    if tokens <= room.high:
        return Fit(condensed=now, tokens=tokens)
    factor = _factor(steps, overhead)
    chosen = _chosen(steps, now, room.low, lambda choice: _estimated(sent(steps, choice), factor) + overhead)
    tokens = size(steps, added, chosen, overhead, enough=room.free)
    return Fit(condensed=chosen, tokens=tokens) if tokens <= room.most else None


def _chosen(steps: Sequence[Step], now: Condensation, low: int, measure: Callable[[Condensation], int]) -> Condensation:
    """As few steps touched as bring the conversation to `low`; all but the last where none does."""
    last = max(0, len(steps) - 1)
    if now.turns == 0:
        for kept in (KEPT_RESULTS, 2, 1):
            choice = Condensation(results=max(now.results, len(steps) - kept))
            if choice.results <= last and measure(choice) <= low:
                return choice
    first, end = now.turns, last
    while first < end:
        middle = (first + end) // 2
        if measure(Condensation(turns=middle, results=max(now.results, middle, last - 1))) <= low:
            end = middle
        else:
            first = middle + 1
    return Condensation(turns=first, results=max(now.results, first, last - 1))


def size(
    steps: Sequence[Step], added: Sequence[Message], condensed: Condensation, overhead: int, *, enough: int
) -> int:
    """Tokens of the call at most; not looked at closely up to `enough`, as no text has more tokens than bytes."""
    messages = [*sent(steps, condensed), *added]
    most = sum(_bytes(text) + TURN_TOKENS for text in _texts(messages)) + overhead
    if not steps or most <= enough:
        return most
    last = steps[-1]
    if last.condensed == condensed and _is_plausible(last, most):
        # What the endpoint said of the last call, what it answered, and what it is told now.
        told = [message for message in _turn(last) if message.role is Role.USER]
        return min(most, last.usage.input_tokens + last.usage.output_tokens + _estimated([*told, *added], 1.0))
    return min(most, _estimated(messages, _factor(steps, overhead)) + overhead)


_BYTES_A_TOKEN = 8
"""No endpoint's average over a conversation is higher; a report that says so is none."""


def _is_plausible(step: Step, most: int) -> bool:
    return step.usage.input_tokens * _BYTES_A_TOKEN >= most - sum(_bytes(text) for text in _texts(_turn(step)))


def _factor(steps: Sequence[Step], overhead: int) -> float:
    """From estimated to real tokens, by what the endpoint said of the last call; 1 where it said nothing."""
    if not steps or steps[-1].usage.input_tokens <= 0:
        return 1.0
    before = sent(steps[:-1], steps[-1].condensed) if len(steps) > 1 else list(opening_of(steps[0]))
    estimated = _estimated(before, 1.0) + overhead
    return max(LOWEST, steps[-1].usage.input_tokens / max(1, estimated) * MARGIN)


def _estimated(messages: Sequence[Message], factor: float) -> int:
    return math.ceil(sum(structural(text) * factor + TURN_TOKENS for text in _texts(messages)))


def _texts(messages: Sequence[Message]) -> Iterator[str]:
    return (text_of(part) for message in messages for part in message.parts)


def text_of(part: Part) -> str:
    match part:
        case ToolCall():
            return f"{part.name} {json.dumps(dict(part.arguments), ensure_ascii=False)}"
        case Text(text=text) | Reasoning(text=text) | ToolResult(text=text):
            return text
        case _:
            assert_never(part)


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "replace"))


# --- what one turn may add ---------------------------------------------------------------------------------------


def cut(texts: Sequence[str], tokens: int, bounded: Callable[[str, int], str]) -> list[str]:
    """The texts, the longest ones cut by `bounded` (text, characters) until all of them have at most so many tokens."""
    most = max((len(text) for text in texts), default=0)
    kept = list(texts)
    while most > KEPT_LINE and sum(_bytes(text) for text in kept) > tokens and _structural(kept) > tokens:
        most = most * 2 // 3
        kept = [bounded(text, most) for text in texts]
    return kept


def _structural(texts: Sequence[str]) -> int:
    return sum(structural(text) for text in texts)
