"""A recorder that also tells a person what each step was."""

from __future__ import annotations

from collections.abc import Sequence

from agents.protocols import Recorder
from agents.types import Role, Step
from bot.report import dollars
from sandbox.types import Progress

LONGEST_LINE = 200


class Narrated:
    """`agents.protocols.Recorder` around another: stored first, then told."""

    def __init__(self, recorder: Recorder, tell: Progress) -> None:
        self._recorder, self._tell = recorder, tell

    def steps(self) -> Sequence[Step]:
        return self._recorder.steps()

    def record(self, step: Step) -> None:
        self._recorder.record(step)
        self._tell(line(step))

    def stopped(self) -> bool:
        return self._recorder.stopped()


def line(step: Step) -> str:
    """One printable line: the step's own note, else the tools it called and what it cost."""
    if step.note:
        said = step.note
    else:
        calls = [
            call.name for message in step.messages if message.role is Role.ASSISTANT for call in message.tool_calls
        ]
        said = f"step {step.index + 1}: {', '.join(calls) or 'no action'} ({dollars(step.cost_usd)})"
    text = "".join(c if c.isprintable() else " " for c in said)
    return text if len(text) <= LONGEST_LINE else text[: LONGEST_LINE - 3] + "..."
