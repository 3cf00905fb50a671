"""A model that answers from a recorded trajectory, for demonstrations and tests; it costs nothing and never guesses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.errors import ReplayDeparted, TrajectoryError
from agents.interchange import replaying
from agents.models.reading import steady
from agents.trajectory import from_json
from agents.types import Message, Part, Reply, Role, StopReason, Text, ToolResult, ToolSpec, Trajectory, Usage

_SHOWN = 160


class ReplayModel:
    """`agents.protocols.Model` over one recorded run: ours, which must go as it went; or an imported one.

    Of an imported one only what the model did is done again, in the words of our tools
    (`agents.interchange.replaying`): its prompts and the form of its results were another program's.
    """

    def __init__(self, name: str, trajectory: Trajectory) -> None:
        self._name = name
        self._recorded = [message for step in trajectory.steps for message in step.messages]
        self._turns = None if trajectory.origin is None else replaying.turns(trajectory, trajectory.origin)

    @classmethod
    def open(cls, name: str, path: Path) -> ReplayModel:
        """Raises `TrajectoryError`."""
        try:
            text = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise TrajectoryError(f"The recorded run {path} cannot be read: {error}") from None
        return cls(name, from_json(text))

    @property
    def name(self) -> str:
        return self._name

    @property
    def window(self) -> int:
        return 0

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        """The recorded answer at this place. Raises `ReplayDeparted` where the conversation is not the recorded one, or
        an imported run did what there is no tool for."""
        if self._turns is not None:
            return self._answered(_turn(self._name, self._turns, messages))
        for place, (recorded, now) in enumerate(zip(self._recorded, messages, strict=False)):
            if _stable(recorded) != _stable(now):
                raise ReplayDeparted(_departure(self._name, place, recorded, now))
        if len(messages) >= len(self._recorded):
            raise ReplayDeparted(f"{self._name}: the recording ends after message {len(self._recorded)}")
        answer = self._recorded[len(messages)]
        if answer.role is not Role.ASSISTANT:
            raise ReplayDeparted(
                f"{self._name}: at message {len(messages) + 1} the recording has a {answer.role.value} message, "
                f"so it was not the model's turn"
            )
        return self._answered(answer)

    def _answered(self, answer: Message) -> Reply:
        stop = StopReason.TOOL_CALLS if answer.tool_calls else StopReason.END
        return Reply(message=answer, stop=stop, usage=Usage(), cost_usd=0.0, seconds=0.0, model=self._name)


def _turn(name: str, turns: Sequence[replaying.Turn], messages: Sequence[Message]) -> Message:
    place = sum(message.role is Role.ASSISTANT for message in messages)
    if place >= len(turns):
        raise ReplayDeparted(f"{name}: the recording ends after the model's answer {len(turns)}")
    turn = turns[place]
    if isinstance(turn, str):
        raise ReplayDeparted(f"{name}: the recorded run cannot be done again here. {turn}")
    return turn


def _stable(message: Message) -> tuple[Role, tuple[Part, ...]]:
    return message.role, tuple(_stable_part(part) for part in message.parts)


def _stable_part(part: Part) -> Part:
    match part:
        case ToolResult():
            return ToolResult(call_id=part.call_id, text=steady(part.text), is_error=part.is_error)
        case Text():
            return Text(text=steady(part.text))
        case _:
            return part


def _departure(name: str, place: int, recorded: Message, now: Message) -> str:
    for one, other in zip(_stable(recorded)[1], _stable(now)[1], strict=False):
        if one != other:
            return (
                f"{name}: the conversation departs from the recording at message {place + 1} ({recorded.role.value}). "
                f"Recorded: {_shown(one)}. Now: {_shown(other)}."
            )
    return (
        f"{name}: the conversation departs from the recording at message {place + 1}: recorded a "
        f"{recorded.role.value} message of {len(recorded.parts)} parts, now a {now.role.value} one of {len(now.parts)}."
    )


def _shown(part: Part) -> str:
    text = repr(part)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
