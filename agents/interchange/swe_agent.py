"""SWE-agent's trajectories (`.traj`): `history` is the conversation, `trajectory` what was done with each answer. Pure.

Also read: files of before 1.0 (`state` as text, actions in the answers' text), demonstrations that hold only a history,
and files of which only the steps are left.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from agents.interchange import chat
from agents.interchange.chat import Raw, an_object, number, objects, words
from agents.interchange.endings import SWE_AGENT, ending_of, status_of
from agents.interchange.stepping import own_figures, own_step, with_figures
from agents.types import Ending, Message, Part, Reasoning, Role, Step, Text, ToolCall, ToolResult, Trajectory

NAME = "swe-agent"
VERSION = "swe-agent-1"
SUFFIX = ".traj"
AGENT = "main"


def recognises(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    return isinstance(document.get("history"), list) or (
        isinstance(document.get("trajectory"), list) and "info" in document
    )


def version_of(_document: Any) -> str:
    return VERSION


def like(_origin: str, document: dict[str, Any]) -> Any:
    return document


def root_of(document: Any) -> str:
    """A repository stands at the root of SWE-agent's container, under its own name."""
    replay = _replay_config(document)
    repository = an_object(an_object(replay.get("env")).get("repo"))
    name = words(repository.get("repo_name")) or words(repository.get("path")).rstrip("/").rpartition("/")[2]
    if name:
        return f"/{name.strip('/')}"
    if url := words(repository.get("github_url")):
        return "/" + "__".join(url.rstrip("/").removesuffix(".git").split("/")[-2:])
    return ""


def _replay_config(document: Any) -> Raw:
    found = an_object(document).get("replay_config")
    if isinstance(found, str):
        try:
            found = json.loads(found)
        except (ValueError, RecursionError):
            return {}
    return an_object(found)


# --- read --------------------------------------------------------------------------------------------------------


def read(document: Any, name: str) -> Trajectory:
    history, done = objects(document.get("history")), objects(document.get("trajectory"))
    info = an_object(document.get("info"))
    steps = _with_turns(_steps(history), done) if history else [_turn(index, turn) for index, turn in enumerate(done)]
    status, submission = words(info.get("exit_status")), words(info.get("submission"))
    stats, own = an_object(info.get("model_stats")), an_object(info.get("redgreen"))
    if len(steps) == 1 and not own:
        steps[0] = replace(steps[0], cost_usd=number(stats.get("instance_cost")))
    if submission.strip() and steps and not steps[-1].diff:
        steps[-1] = replace(steps[-1], diff=submission)
    model = an_object(an_object(_replay_config(document).get("agent")).get("model"))
    return Trajectory(
        task_id=words(own.get("task_id")) or name.removesuffix(SUFFIX),
        model=words(own.get("model")) or words(model.get("name")),
        strategy=NAME,
        prompt_version=words(info.get("swe_agent_version")),
        steps=tuple(steps),
        ending=ending_of(status),
        reason=status,
    )


def _steps(history: Sequence[Raw]) -> list[Step]:
    groups: list[list[Raw]] = []
    before: int | None = None
    answered = False
    for item in history:
        own = own_step(item)
        is_answer = item.get("role") == "assistant" and not item.get("is_demo")
        opens = own != before if own is not None else is_answer and answered
        if opens or not groups:
            groups.append([])
            answered = False
        groups[-1].append(item)
        before, answered = own, answered or is_answer
    return [
        own_figures(
            Step(index=index, messages=tuple(_messages(index, group)), cost_usd=None),
            [an_object(item.get("extra")) for item in group],
        )
        for index, group in enumerate(groups)
    ]


def _messages(index: int, group: Sequence[Raw]) -> Iterator[Message]:
    waiting: list[str] = []
    answers: list[Part] = []
    for item in group:
        role = item.get("role")
        if role in ("system", "assistant") and answers:
            yield Message(role=Role.USER, parts=tuple(answers))
            answers = []
        if role == "system":
            yield Message(role=Role.SYSTEM, parts=(Text(text=chat.told(item.get("content"))),))
        elif role == "assistant":
            parts = _spoken(item, f"action-{index + 1}")
            yield Message(role=Role.ASSISTANT, parts=parts)
            native = objects(item.get("tool_calls"))
            waiting = [] if native else [part.id for part in parts if isinstance(part, ToolCall)]
        else:
            answers += _answer(item, waiting)
    if answers:
        yield Message(role=Role.USER, parts=tuple(answers))


def _spoken(item: Raw, call_id: str) -> tuple[Part, ...]:
    parts = chat.spoken(item)
    if item.get("is_demo"):
        return tuple(part for part in parts if isinstance(part, Text))  # nobody did what it shows
    action = words(item.get("action"))
    if not action.strip() or any(isinstance(part, ToolCall) for part in parts):
        return parts
    return (*parts, _action(call_id, action))


def _action(call_id: str, action: str) -> ToolCall:
    """What its shell was given: bash, or one of its own commands, which look alike."""
    return ToolCall(id=call_id, name="bash", arguments={"command": action})


def _answer(item: Raw, waiting: list[str]) -> tuple[Part, ...]:
    if (found := chat.results(item)) and not item.get("is_demo"):
        return found
    text = chat.told(item.get("content"))
    return (ToolResult(call_id=waiting.pop(0), text=text),) if waiting else (Text(text=text),)


def _with_turns(steps: Sequence[Step], done: Sequence[Raw]) -> list[Step]:
    """Seconds from the turns; answers that were asked for again have a turn and no place in the history."""
    rest = list(done)
    found: list[Step] = []
    for step in steps:
        spoken = [message.text for message in step.messages if message.role is Role.ASSISTANT]
        said = spoken[-1].strip() if spoken else ""  # what was shown as an example stands before it
        place = next((at for at, turn in enumerate(rest) if words(turn.get("response")).strip() == said), None)
        if place is None:
            found.append(step)
            continue
        seconds = sum(number(turn.get("execution_time")) or 0.0 for turn in rest[: place + 1])
        rest = rest[place + 1 :]
        found.append(step if step.seconds else replace(step, seconds=seconds))
    return found


def _turn(index: int, turn: Raw) -> Step:
    """A step of which only the turn is left."""
    action, call_id = words(turn.get("action")), f"action-{index + 1}"
    said = words(turn.get("response")) or words(turn.get("thought"))
    parts: list[Part] = [Text(text=said)] if said else []
    answer: Part = Text(text=words(turn.get("observation")))
    if action.strip():
        parts.append(_action(call_id, action))
        answer = ToolResult(call_id=call_id, text=words(turn.get("observation")))
    messages = (Message(role=Role.ASSISTANT, parts=tuple(parts)), Message(role=Role.USER, parts=(answer,)))
    seconds = number(turn.get("execution_time")) or 0.0
    return Step(index=index, messages=messages, cost_usd=None, seconds=seconds)


# --- write -------------------------------------------------------------------------------------------------------


def write(trajectory: Trajectory) -> dict[str, Any]:
    usage, submitted = trajectory.usage, trajectory.ending is Ending.SUBMITTED
    patch = trajectory.steps[-1].diff if submitted and trajectory.steps else ""
    return {
        "environment": AGENT,
        "trajectory": [_written_turn(step) for step in trajectory.steps],
        "history": [item for step in trajectory.steps for item in _written_step(step)],
        "info": {
            "exit_status": status_of(trajectory, SWE_AGENT) or None,
            "submission": patch or None,
            "swe_agent_version": trajectory.prompt_version,
            "model_stats": {
                "instance_cost": trajectory.cost_usd or 0.0,
                "tokens_sent": usage.input_tokens,
                "tokens_received": usage.output_tokens,
                "api_calls": len(trajectory.steps),
            },
            "redgreen": {"task_id": trajectory.task_id, "model": trajectory.model},
        },
        "replay_config": None,
    }


def _written_turn(step: Step) -> dict[str, Any]:
    spoken = [message for message in step.messages if message.role is Role.ASSISTANT]
    said = "\n\n".join(message.text for message in spoken if message.text) or step.note
    return {
        "action": "\n".join(action_line(call) for message in spoken for call in message.tool_calls),
        "observation": "\n".join(result.text for result in _results(step)),
        "response": said,
        "thought": said,
        "execution_time": step.seconds,
        "state": {},
        "query": [],
        "extra_info": {},
    }


def _results(step: Step) -> list[ToolResult]:
    return [part for message in step.messages for part in message.parts if isinstance(part, ToolResult)]


def action_line(call: ToolCall) -> str:
    """A call as a line of a shell, which is what its readers show: a command, else the tool and its arguments."""
    if call.name in ("bash", "shell") and isinstance(call.arguments.get("command"), str):
        return str(call.arguments["command"])
    return " ".join([call.name, *(f"{name}={json.dumps(value)}" for name, value in call.arguments.items())])


def _written_step(step: Step) -> list[dict[str, Any]]:
    items = [item for message in step.messages for item in _written(message)]
    if not any(item["role"] == "assistant" for item in items):
        items.append(_assistant((Text(text=step.note),)))
    for item in items:
        item["agent"] = AGENT
        item["extra"] = {"redgreen": {"step": step.index}}
    with_figures(next(item for item in items if item["role"] == "assistant")["extra"], step)
    return items


def _written(message: Message) -> Iterator[dict[str, Any]]:
    if message.role is Role.SYSTEM:
        yield {"role": "system", "content": message.text, "message_type": "system_prompt"}
    elif message.role is Role.ASSISTANT:
        yield _assistant(message.parts)
    else:
        yield from (item for part in message.parts if (item := _written_answer(part)))


def _written_answer(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolResult):
        own = {"tool_call_ids": [part.call_id], "message_type": "observation"}
        return {"role": "tool", "content": part.text, **own}
    return {"role": "user", "content": part.text, "message_type": "observation"} if isinstance(part, Text) else {}


def _assistant(parts: Sequence[Part]) -> dict[str, Any]:
    message = chat.written(parts)
    thoughts = [part.text for part in parts if isinstance(part, Reasoning)]
    return message | {
        "content": message["content"] or "",
        "thought": message["content"] or "\n\n".join(thoughts),
        "action": "\n".join(action_line(part) for part in parts if isinstance(part, ToolCall)),
        "message_type": "action",
    }
