"""The native dialect: what is wrong with a reply as an action, if anything. Pure."""

from __future__ import annotations

from agents.types import Message, Reasoning, Reply, StopReason, Text

NO_ACTION = (
    "Your answer held no action, so nothing happened. Every answer must call a tool. When you are done, call `submit`; "
    "when the problem cannot be reproduced, `cannot_reproduce`; when a person must decide, `needs_decision`."
)
CUT_OFF = (
    "Your answer was cut off at its output limit before it held an action, so nothing happened. Think more briefly and "
    "call a tool; make large changes in several small edits."
)
STILL_THINKING = (
    "Your answer was cut off at its output limit while you were still thinking, so nothing happened. Your next answer "
    "may be longer; decide with what you know by now, begin with a small step, and call a tool."
)


def correction(reply: Reply) -> str:
    """What to tell a model whose reply calls no tool; "" when it does."""
    if reply.message.tool_calls:
        return ""
    if reply.stop is not StopReason.LENGTH:
        return NO_ACTION
    thought = reply.usage.reasoning_tokens or any(
        isinstance(part, Reasoning) and part.text.strip() for part in reply.message.parts
    )
    return STILL_THINKING if thought and not reply.message.text.strip() else CUT_OFF


def was_thinking(answer: Message) -> bool:
    """An answer of ours tells the model that it was cut off while it was thinking."""
    return any(isinstance(part, Text) and part.text == STILL_THINKING for part in answer.parts)
