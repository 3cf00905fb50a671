"""What a model can do: a dict of real objects. A new tool is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType

from agents.tools import edit, endings, read, search, shell, tests
from agents.tools.tool import Bench, Conclusion, Observation, Tool
from agents.types import ToolCall, ToolSpec

TOOLS: Mapping[str, Tool] = MappingProxyType(
    {
        tool.name: tool
        for tool in (
            read.READ,
            search.SEARCH,
            edit.EDIT,
            shell.SHELL,
            tests.RUN_TESTS,
            endings.SUBMIT,
            endings.CANNOT_REPRODUCE,
            endings.NEEDS_DECISION,
        )
    }
)


@cache
def specs() -> Sequence[ToolSpec]:
    """In the registry's order, which never changes within a process: the head of every cached prompt."""
    return tuple(tool.spec for tool in TOOLS.values())


def problem(call: ToolCall) -> str:
    """Why a call is no action at all, with the exact correction; "" when it is one. Pure."""
    if call.problem:
        return call.problem
    tool = TOOLS.get(call.name)
    if tool is None:
        return f"There is no tool {call.name[:60]!r}. Those there are: {', '.join(TOOLS)}."
    return tool.problem(call.arguments)


def act(call: ToolCall, bench: Bench) -> Observation | Conclusion:
    """Carry out a call. Raises `sandbox.errors.SandboxError` where the sandbox itself fails."""
    wrong = problem(call)
    return Observation(text=wrong, is_error=True) if wrong else TOOLS[call.name].act(call.arguments, bench)


__all__ = ["TOOLS", "Bench", "Conclusion", "Observation", "Tool", "act", "problem", "specs"]
