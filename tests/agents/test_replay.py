"""A recorded run, asked again."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.errors import ReplayDeparted, TrajectoryError
from agents.models.replay import ReplayModel
from agents.trajectory import to_json
from agents.types import Message, Role, Step, Text, ToolCall, ToolResult, Trajectory
from tests.support.endpoints import SYSTEM, USER

ACT = Message(role=Role.ASSISTANT, parts=(ToolCall(id="c1", name="read", arguments={"path": "a"}),))
SEEN = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="1 passed in 0.53s"),))
DONE = Message(role=Role.ASSISTANT, parts=(Text(text="Done."),))
RUN = Trajectory(
    task_id="t",
    model="m",
    strategy="loop",
    prompt_version="1",
    steps=(
        Step(index=0, messages=(SYSTEM, USER, ACT, SEEN), cost_usd=0.2),
        Step(index=1, messages=(DONE, Message(role=Role.USER, parts=(Text(text="ok"),)))),
    ),
)


def ask(*messages: Message) -> Message:
    return ReplayModel("replayed", RUN).query(messages, [], max_output_tokens=10).message


def test_the_recorded_answers_come_in_their_order() -> None:
    assert ask(SYSTEM, USER) == ACT
    assert ask(SYSTEM, USER, ACT, SEEN) == DONE


def test_a_replay_costs_nothing() -> None:
    reply = ReplayModel("replayed", RUN).query([SYSTEM, USER], [], max_output_tokens=10)
    assert (reply.cost_usd, reply.model) == (0.0, "replayed")


def test_durations_and_addresses_may_differ() -> None:
    later = Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="1 passed in 1.7s"),))
    assert ask(SYSTEM, USER, ACT, later) == DONE


@pytest.mark.parametrize(
    ("conversation", "place", "shown"),
    [
        ((SYSTEM, Message(role=Role.USER, parts=(Text(text="Another task"),))), "message 2", "Another task"),
        (
            (SYSTEM, USER, ACT, Message(role=Role.USER, parts=(ToolResult(call_id="c1", text="2 failed"),))),
            "message 4",
            "2 failed",
        ),
        ((SYSTEM, USER, ACT, Message(role=Role.USER, parts=())), "message 4", "one of 0"),
    ],
)
def test_a_departure_says_where_and_what(conversation: tuple[Message, ...], place: str, shown: str) -> None:
    with pytest.raises(ReplayDeparted) as caught:
        ask(*conversation)
    assert place in str(caught.value)
    assert shown in str(caught.value)


def test_a_recording_that_is_over_says_so() -> None:
    everything = [message for step in RUN.steps for message in step.messages]
    with pytest.raises(ReplayDeparted, match="ends after message 6"):
        ask(*everything)


def test_a_question_out_of_turn_is_refused() -> None:
    with pytest.raises(ReplayDeparted, match="not the model's turn"):
        ask(SYSTEM, USER, ACT)


def test_a_file_is_opened_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    path.write_text(to_json(RUN))
    assert ReplayModel.open("r", path).query([SYSTEM, USER], [], max_output_tokens=1).message == ACT
    with pytest.raises(TrajectoryError, match="cannot be read"):
        ReplayModel.open("r", tmp_path / "none.json")
    path.write_text("{}")
    with pytest.raises(TrajectoryError):
        ReplayModel.open("r", path)
