"""mini-swe-agent's trajectories (`.traj.json`, `mini-swe-agent-1.x`): messages in a row, each with a bag. Pure.

Its first version's bare list of messages is read, too. Source of the shapes: its documentation of output files and the
messages that its own models and agents write.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from agents.interchange import chat
from agents.interchange.chat import Raw, an_object, number, objects, words
from agents.interchange.endings import MINI, ending_of, status_of
from agents.interchange.stepping import own_figures, own_step, with_figures
from agents.types import Ending, Message, Part, Role, Step, Text, ToolCall, ToolResult, Trajectory

NAME = "mini-swe-agent"
VERSION = "mini-swe-agent-1.1"
BARE = "mini-swe-agent-1"
"""The first version's files: the list of messages, and nothing around it."""
SUFFIX = ".traj.json"
DONE = "COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT"
"""What its environments take as the end when a command prints it first."""
_ACTION = re.compile(r"```(?:mswea_bash_command|bash)\s*\n(.*?)\n```", re.DOTALL)
_DIFF = re.compile(r"^(diff --git |--- )", re.MULTILINE)


def recognises(document: Any) -> bool:
    if isinstance(document, list):
        return bool(document) and all(isinstance(item, dict) and "role" in item for item in document)
    if not isinstance(document, dict) or not isinstance(document.get("messages"), list):
        return False
    return words(document.get("trajectory_format")).startswith("mini-swe-agent-") or "info" in document


def version_of(document: Any) -> str:
    return BARE if isinstance(document, list) else words(document.get("trajectory_format")) or f"{BARE}.0"


def root_of(document: Any) -> str:
    return words(an_object(_config(document).get("environment")).get("cwd"))


# --- read --------------------------------------------------------------------------------------------------------


def read(document: Any, name: str) -> Trajectory:
    messages = objects(document if isinstance(document, list) else document.get("messages"))
    info = an_object(an_object(document).get("info"))
    status, submission = _end(messages, info)
    steps = _steps(messages)
    ending = ending_of(status)
    is_patch = ending is Ending.SUBMITTED and bool(_DIFF.search(submission))
    if is_patch and steps and not steps[-1].diff:
        steps[-1] = replace(steps[-1], diff=submission)
    return Trajectory(
        task_id=words(an_object(document).get("instance_id")) or name.removesuffix(SUFFIX),
        model=words(an_object(_config(document).get("model")).get("model_name")),
        strategy=NAME,
        prompt_version=words(info.get("mini_version")),
        steps=tuple(steps),
        ending=ending,
        reason=status,
        summary="" if is_patch else submission,
    )


def _config(document: Any) -> Raw:
    return an_object(an_object(an_object(document).get("info")).get("config"))


def _end(messages: Sequence[Raw], info: Raw) -> tuple[str, str]:
    """(exit status, submission); "" where the run did not end, or its file does not say how."""
    last = messages[-1] if messages else {}
    extra = an_object(last.get("extra"))
    status = words(info.get("exit_status")) or words(extra.get("exit_status"))
    submission = words(info.get("submission")) or words(extra.get("submission"))
    if not status and len(messages) > 1 and _is_spoken(messages[-2]) and submits(_calls((), messages[-2])):
        return "Submitted", chat.told(last.get("content"))  # in the first version's list: the last observation
    return status, submission


def submits(calls: Sequence[ToolCall]) -> bool:
    return any(DONE in words(call.arguments.get("command")) for call in calls)


def _steps(messages: Sequence[Raw]) -> list[Step]:
    groups: list[list[Raw]] = []
    before: int | None = None
    answered = False
    for message in messages:
        own = own_step(message)
        opens = own != before if own is not None else _is_spoken(message) and answered
        if opens or not groups:
            groups.append([])
            answered = False
        groups[-1].append(message)
        before, answered = own, answered or _is_spoken(message)
    steps: list[Step] = []
    clock = 0.0
    for group in groups:
        step, clock = _step(len(steps), group, clock)
        steps.append(step)
    return steps


def _is_spoken(message: Raw) -> bool:
    return message.get("role") == "assistant" or message.get("object") == "response"


def _step(index: int, group: Sequence[Raw], clock: float) -> tuple[Step, float]:
    """A step and when it ended; its seconds are those since the step before ended, as far as the file tells time."""
    extras = [an_object(message.get("extra")) for message in group]
    costs = [cost for extra in extras if (cost := number(extra.get("cost"))) is not None]
    times = [time for extra in extras if (time := number(extra.get("timestamp"))) is not None]
    step = Step(index=index, messages=tuple(_messages(index, group)), cost_usd=sum(costs) if costs else None)
    for message, extra in zip(group, extras, strict=True):
        response = an_object(extra.get("response")) or (message if message.get("object") == "response" else {})
        step = replace(step, usage=step.usage + chat.usage(response.get("usage")))
    if times:
        step = replace(step, seconds=max(0.0, times[-1] - (clock or times[0])))
    return own_figures(step, extras), times[-1] if times else clock


def _messages(index: int, group: Sequence[Raw]) -> Iterator[Message]:
    """Answers in a row are one message, as our loop keeps them."""
    waiting: list[str] = []
    answers: list[Part] = []
    for message in group:
        if _is_spoken(message) or message.get("role") == "system":
            if answers:
                yield Message(role=Role.USER, parts=tuple(answers))
                answers = []
            if message.get("role") == "system":
                yield Message(role=Role.SYSTEM, parts=(Text(text=chat.told(message.get("content"))),))
                continue
            parts = chat.spoken(message)
            calls = _calls(parts, message, f"{index + 1}")
            yield Message(role=Role.ASSISTANT, parts=(*parts, *(call for call in calls if call not in parts)))
            waiting = [] if any(isinstance(part, ToolCall) for part in parts) else [call.id for call in calls]
        elif message.get("role") != "exit":
            answers += _answer(message, waiting)
    if answers:
        yield Message(role=Role.USER, parts=tuple(answers))


def _calls(parts: Sequence[Part], message: Raw, prefix: str = "") -> list[ToolCall]:
    """Native calls; else the actions that were parsed from the text, or that its first version would parse."""
    native = [part for part in parts if isinstance(part, ToolCall)]
    if native:
        return native
    actions = [words(action.get("command")) for action in objects(an_object(message.get("extra")).get("actions"))]
    if "extra" not in message:
        found = _ACTION.findall(chat.told(message.get("content")))
        actions = [found[0].strip()] if len(found) == 1 else []
    return [
        ToolCall(id=f"action-{prefix}.{place}", name="bash", arguments={"command": command})
        for place, command in enumerate(actions, 1)
    ]


def _answer(message: Raw, waiting: list[str]) -> tuple[Part, ...]:
    failed = bool(words(an_object(message.get("extra")).get("exception_info")))
    if found := chat.results(message):
        return tuple(replace(result, is_error=result.is_error or failed) for result in found)
    text = chat.told(message.get("content"))
    if waiting:
        return (ToolResult(call_id=waiting.pop(0), text=text, is_error=failed),)
    return (Text(text=text),)


# --- write -------------------------------------------------------------------------------------------------------


def like(origin: str, document: dict[str, Any]) -> Any:
    return document["messages"] if origin == BARE else document


def write(trajectory: Trajectory) -> dict[str, Any]:
    status = status_of(trajectory, MINI)
    submission = trajectory.steps[-1].diff if trajectory.ending is Ending.SUBMITTED and trajectory.steps else ""
    submission = submission or trajectory.summary
    messages = [message for step in trajectory.steps for message in _written_step(step)]
    if trajectory.ending is not None:
        own = {"redgreen": {"step": len(trajectory.steps) - 1}} if trajectory.steps else {}
        end = {"exit_status": status, "submission": submission}
        messages.append({"role": "exit", "content": submission, "extra": {**end, **own}})
    return {
        "info": {
            "model_stats": {"instance_cost": trajectory.cost_usd or 0.0, "api_calls": len(trajectory.steps)},
            "config": {
                "agent": {},
                "agent_type": f"redgreen.{trajectory.strategy}",
                "model": {"model_name": trajectory.model},
                "model_type": "redgreen",
                "environment": {},
                "environment_type": "redgreen",
            },
            "mini_version": trajectory.prompt_version,
            "exit_status": status,
            "submission": submission,
            "redgreen": {},
        },
        "messages": messages,
        "trajectory_format": VERSION,
        "instance_id": trajectory.task_id,
    }


def _written_step(step: Step) -> list[dict[str, Any]]:
    """At least one message: an inspector shows no step without."""
    messages = [raw for message in step.messages for raw in _written(message)]
    if not messages:
        messages = [{"role": "assistant", "content": step.note, "extra": {"actions": []}}]
    for message in messages:
        message.setdefault("extra", {})["redgreen"] = {"step": step.index}
    first = next((message for message in messages if message["role"] == "assistant"), messages[0])
    with_figures(first["extra"], step)
    return messages


def _written(message: Message) -> Iterator[dict[str, Any]]:
    if message.role is Role.SYSTEM:
        yield {"role": "system", "content": message.text}
    elif message.role is Role.ASSISTANT:
        actions = [
            {"command": words(call.arguments.get("command")), "tool_call_id": call.id}
            for call in message.tool_calls
            if call.name in ("bash", "shell")
        ]
        yield chat.written(message.parts) | {"extra": {"actions": actions}}
    else:
        yield from (raw for part in message.parts if (raw := _written_answer(part)))


def _written_answer(part: Part) -> dict[str, Any]:
    if isinstance(part, ToolResult):
        extra = {"raw_output": part.text, "exception_info": part.text if part.is_error else ""}
        return {"role": "tool", "tool_call_id": part.call_id, "content": part.text, "extra": extra}
    return {"role": "user", "content": part.text} if isinstance(part, Text) else {}
