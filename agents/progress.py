"""What the stored steps of a conversation say: is it over, and where does the working tree stand. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from agents import tools
from agents.errors import Fault
from agents.models.reading import steady
from agents.tools.endings import ENDINGS, MOST_WORDS
from agents.tools.tool import bounded
from agents.types import Ending, Message, Role, Step, ToolCall, ToolResult

SAME_TIMES = 3
SAME_ANSWERS = 6
"""In a row, to different actions of the same kind."""
FORMAT_ERRORS = 3


@dataclass(frozen=True, kw_only=True)
class Ended:
    ending: Ending
    reason: str
    summary: str = ""
    fault: Fault | None = None
    """The endpoint's, where that ended it."""


def ended(steps: Sequence[Step], settle: Callable[[], None] = lambda: None) -> Ended | None:
    """How the conversation ended, if it did. `settle` puts the last step's diff in place, where that is what decides;
    it may raise."""
    if not steps:
        return None
    if conclusion := concluded(steps[-1]):
        return conclusion
    if len(steps) >= FORMAT_ERRORS and all(not is_action(step) for step in steps[-FORMAT_ERRORS:]):
        return Ended(
            ending=Ending.FORMAT_ERRORS, reason=f"The last {FORMAT_ERRORS} answers of the model held no valid action."
        )
    if not is_stuck(steps, in_any_tree=True):
        return None
    settle()
    if not is_stuck(steps):
        return None
    reason = f"The model did the same {SAME_TIMES} times with the same result ({steps[-1].note})."
    return Ended(ending=Ending.STUCK, reason=reason)


def concluded(step: Step) -> Ended | None:
    """The ending call of a step that was accepted."""
    # By their places: ids are the endpoint's, and one that gives two calls of a turn the same id is not unheard of.
    for call, result in zip(_calls(step), _results(step), strict=False):
        ending = ENDINGS.get(call.name)
        if ending is not None and not result.is_error:
            words = bounded(" ".join(str(value) for value in call.arguments.values()), MOST_WORDS)
            return Ended(ending=ending, reason=_REASONS[ending], summary=words)
    return None


_REASONS = {
    Ending.SUBMITTED: "The model submitted a change.",
    Ending.CANNOT_REPRODUCE: "The model could not make the problem appear.",
    Ending.NEEDS_DECISION: "The model found that a maintainer must decide first.",
}


def is_action(step: Step) -> bool:
    """At least one call of the step could be carried out."""
    return any(not tools.problem(call) for call in _calls(step))


def is_stuck(steps: Sequence[Step], *, in_any_tree: bool = False) -> bool:
    """The last step did what was done before, in the same tree and with the same results, often enough, in a row or
    not; or the last steps had the same results whatever they did. Nothing counts that was done before the history was
    condensed: it may have to be done again.

    `in_any_tree`: whether it would be if the tree had always been the same; where not, it is not in any case.
    """
    last = steps[-1]
    arguments, names = _arguments(last), _tools(last)
    since = [step for step in steps if step.condensed == last.condensed]

    def alike(step: Step) -> bool:
        return (in_any_tree or step.diff == last.diff) and _tools(step) == names

    again = [step for step in since if _arguments(step) == arguments and alike(step)]
    if len(again) >= SAME_TIMES and sum(_same_results(step, last) for step in again) >= SAME_TIMES:
        return True
    row = since[-SAME_ANSWERS:]
    return len(row) == SAME_ANSWERS and all(alike(step) and _same_results(step, last) for step in row)


def working_diff(steps: Sequence[Step]) -> str:
    return steps[-1].diff if steps else ""


def _tools(step: Step) -> list[str]:
    return [call.name for call in _calls(step)]


def _arguments(step: Step) -> list[Mapping[str, Any]]:
    return [call.arguments for call in _calls(step)]


def _same_results(one: Step, other: Step) -> bool:
    """Times, addresses and the like are no difference."""
    results, others = _results(one), _results(other)
    return len(results) == len(others) and all(map(_same_result, results, others))


def _same_result(one: ToolResult, other: ToolResult) -> bool:
    if one.is_error != other.is_error or one.text.count("\n") != other.text.count("\n"):
        return False
    return one.text == other.text or steady(one.text) == steady(other.text)


def _calls(step: Step) -> tuple[ToolCall, ...]:
    return tuple(call for message in step.messages for call in message.tool_calls)


def _results(step: Step) -> list[ToolResult]:
    return [part for message in _answers(step) for part in message.parts if isinstance(part, ToolResult)]


def _answers(step: Step) -> list[Message]:
    return [message for message in step.messages if message.role is Role.USER]
