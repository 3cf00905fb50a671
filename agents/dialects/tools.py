"""The native dialect: what is wrong with a reply as an action, if anything. Pure."""

from __future__ import annotations

from agents.types import Reply, StopReason

NO_ACTION = (
    "Your answer held no action, so nothing happened. Every answer must call a tool. When you are done, call `submit`; "
    "when the problem cannot be reproduced, `cannot_reproduce`; when a person must decide, `needs_decision`."
)
CUT_OFF = (
    "Your answer was cut off at its output limit before it held an action, so nothing happened. Think more briefly and "
    "call a tool; make large changes in several small edits."
)


def correction(reply: Reply) -> str:
    """What to tell a model whose reply calls no tool; "" when it does."""
    if reply.message.tool_calls:
        return ""
    return CUT_OFF if reply.stop is StopReason.LENGTH else NO_ACTION
