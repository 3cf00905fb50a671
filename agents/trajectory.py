"""Trajectories as files: one JSON document, or append-only JSON lines while an attempt runs.

Text goes out as ASCII with escapes, so that any string comes back as it was, lone surrogates included. Keys may be
added within a version, and are read as absent from older files; what an older reader would take for something else
raises `VERSION`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, assert_never

from agents.durable_lines import append, sync_directory, whole_lines
from agents.errors import TrajectoryError
from agents.types import (
    Attempt,
    Condensation,
    Ending,
    Message,
    Origin,
    Part,
    Reasoning,
    Role,
    Step,
    Text,
    ToolCall,
    ToolResult,
    Trajectory,
    Usage,
)

VERSION = 1
_MOST = 1 << 1000  # sums of these are still numbers that a float can hold
_HEADER = ("task_id", "model", "strategy", "prompt_version")


def of_attempt(attempt: Attempt, steps: Sequence[Step]) -> Trajectory:
    """An attempt that is over, with the steps that were recorded of it."""
    return Trajectory(
        task_id=attempt.task_id,
        model=attempt.model,
        strategy=attempt.strategy,
        prompt_version=attempt.prompt_version,
        steps=tuple(steps),
        ending=attempt.ending,
        reason=attempt.reason,
        summary=attempt.summary,
    )


def to_json(trajectory: Trajectory) -> str:
    """One readable JSON document; `from_json` gives the same value back."""
    return json.dumps(to_plain(trajectory), indent=1, allow_nan=False)


def from_json(text: str) -> Trajectory:
    """Raises `TrajectoryError`."""
    return from_plain(_parse(text, "The trajectory"))


def to_plain(trajectory: Trajectory) -> dict[str, Any]:
    origin = {"origin": asdict(trajectory.origin)} if trajectory.origin else {}
    steps = [step_to_plain(step) for step in trajectory.steps]
    return {**_header(trajectory), **_end(trajectory), **origin, "steps": steps}


def from_plain(document: Mapping[str, Any]) -> Trajectory:
    """Raises `TrajectoryError`."""
    steps = document.get("steps")
    if not isinstance(steps, list):
        raise TrajectoryError("The trajectory has no list of steps.")
    return _trajectory(document, tuple(step_from_plain(step) for step in steps))


def from_lines(text: str) -> Trajectory:
    """What a `FileRecorder` has written so far; a last line that is not whole is not there yet.

    Raises `TrajectoryError`.
    """
    lines = text[: text.rfind("\n") + 1].splitlines()
    if not lines:
        raise TrajectoryError("The trajectory has no whole line yet.")
    header, *rest = (_parse(line, f"Line {number} of the trajectory") for number, line in enumerate(lines, 1))
    end = rest[-1] if rest and "ending" in rest[-1] else {}
    return _trajectory({**header, **end}, tuple(step_from_plain(line) for line in rest if "ending" not in line))


def step_to_plain(step: Step) -> dict[str, Any]:
    """A step as JSON values; also what a store keeps."""
    return {
        "index": step.index,
        "messages": [_message_to_plain(message) for message in step.messages],
        "usage": asdict(step.usage),
        "cost_usd": step.cost_usd,
        "seconds": step.seconds,
        "diff": step.diff,
        "note": step.note,
        "condensed": asdict(step.condensed),
        "untold": step.untold,
    }


def step_from_plain(plain: object) -> Step:
    """Raises `TrajectoryError`."""
    try:
        return _step(plain)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise TrajectoryError(f"A step of the trajectory cannot be read: {type(error).__name__}: {error}") from None


class FileRecorder:
    """`agents.protocols.Recorder` over one file of JSON lines: a header, then one line a step, each on the disk before
    `record` returns. A last line that a crash tore is dropped when the file is opened again.

    Raises `TrajectoryError` where the file is of another attempt or broken before its last line.
    """

    def __init__(
        self,
        path: Path,
        *,
        task_id: str,
        model: str,
        strategy: str,
        prompt_version: str = "",
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self._path = path
        self._stop = stop
        self._empty = Trajectory(task_id=task_id, model=model, strategy=strategy, prompt_version=prompt_version)
        self._steps: list[Step] = []
        lines = whole_lines(path)
        if lines:
            self._resume(lines)
        else:
            append(self._path, json.dumps(_header(self._empty)))
            sync_directory(path.parent)

    def steps(self) -> Sequence[Step]:
        return tuple(self._steps)

    def record(self, step: Step) -> None:
        if step.index != len(self._steps):
            raise ValueError(f"step {step.index} after {len(self._steps)} steps")
        append(self._path, json.dumps(step_to_plain(step), allow_nan=False))
        self._steps.append(step)

    def stopped(self) -> bool:
        return self._stop()

    def finish(self, attempt: Attempt) -> None:
        """The last line says how it ended: who follows the file need not wait for more."""
        append(self._path, json.dumps(_end(of_attempt(attempt, ()))))

    def trajectory(self) -> Trajectory:
        return replace(self._empty, steps=tuple(self._steps))

    def _resume(self, lines: Sequence[str]) -> None:
        header = _trajectory(_parse(lines[0], str(self._path)), ())
        if (header.task_id, header.model, header.strategy) != (
            self._empty.task_id,
            self._empty.model,
            self._empty.strategy,
        ):
            raise TrajectoryError(f"{self._path} holds another attempt: {header.model} on {header.task_id}.")
        self._empty = header
        plain = [_parse(line, str(self._path)) for line in lines[1:]]
        self._steps = [step_from_plain(line) for line in plain if "ending" not in line]
        if any(step.index != place for place, step in enumerate(self._steps)):
            raise TrajectoryError(f"{self._path}: steps are missing.")


def _header(trajectory: Trajectory) -> dict[str, Any]:
    return {"version": trajectory.version, **{field: getattr(trajectory, field) for field in _HEADER}}


def _end(trajectory: Trajectory) -> dict[str, Any]:
    """Nothing where it is not known, as in files of before it was written."""
    if trajectory.ending is None:
        return {}
    return {"ending": trajectory.ending.value, "reason": trajectory.reason, "summary": trajectory.summary}


def _parse(text: str, what: str) -> Mapping[str, Any]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TrajectoryError(f"{what} is not JSON: {error}") from None
    if not isinstance(value, dict):
        raise TrajectoryError(f"{what} is not a JSON object.")
    return value


def _trajectory(document: Mapping[str, Any], steps: tuple[Step, ...]) -> Trajectory:
    version = document.get("version")
    if version != VERSION:
        raise TrajectoryError(f"The trajectory's version is {version!r}; this redgreen reads {VERSION}.")
    values = {field: document.get(field) for field in _HEADER}
    for field, value in values.items():
        if not isinstance(value, str):
            raise TrajectoryError(f"The trajectory's {field!r} is missing.")
    return Trajectory(
        task_id=str(values["task_id"]),
        model=str(values["model"]),
        strategy=str(values["strategy"]),
        prompt_version=str(values["prompt_version"]),
        steps=steps,
        **_ended(document),
    )


def _ended(document: Mapping[str, Any]) -> dict[str, Any]:
    """The optional fields. Raises `TrajectoryError`."""
    values: dict[str, Any] = {}
    try:
        if document.get("ending") is not None:
            values = {"ending": Ending(document["ending"])}
            values |= {field: str(document.get(field, "")) for field in ("reason", "summary")}
        if (origin := document.get("origin")) is not None:
            values["origin"] = Origin(format=str(origin["format"]), root=str(origin["root"]), rest=origin["rest"])
    except (KeyError, TypeError, ValueError) as error:
        raise TrajectoryError(f"The trajectory's end or origin cannot be read: {error}") from None
    return values


def _step(plain: Any) -> Step:
    cost = plain["cost_usd"]
    return Step(
        index=_count(plain["index"]),
        messages=tuple(_message(message) for message in plain["messages"]),
        usage=Usage(**{field: _count(count) for field, count in plain["usage"].items()}),
        cost_usd=None if cost is None else float(cost),
        seconds=float(plain["seconds"]),
        diff=str(plain["diff"]),
        note=str(plain["note"]),
        condensed=Condensation(**{field: _count(count) for field, count in plain.get("condensed", {}).items()}),
        untold=str(plain.get("untold", "")),
    )


def _count(value: Any) -> int:
    """Raises ValueError for what no run counts to, and nothing can be reckoned with."""
    count = int(value)
    if abs(count) > _MOST:
        raise ValueError("a number out of all bounds")
    return count


def _message_to_plain(message: Message) -> dict[str, Any]:
    return {"role": message.role.value, "parts": [_part_to_plain(part) for part in message.parts]}


def _message(plain: Any) -> Message:
    return Message(role=Role(plain["role"]), parts=tuple(_part(part) for part in plain["parts"]))


def _part_to_plain(part: Part) -> dict[str, Any]:
    match part:
        case Text():
            return {"kind": "text", "text": part.text}
        case Reasoning():
            return {"kind": "reasoning", "text": part.text, "opaque": dict(part.opaque), "bound": part.bound}
        case ToolCall():
            plain = {"kind": "tool_call", "id": part.id, "name": part.name, "arguments": dict(part.arguments)}
            return {**plain, "problem": part.problem}
        case ToolResult():
            return {"kind": "tool_result", "call_id": part.call_id, "text": part.text, "is_error": part.is_error}
        case _:
            assert_never(part)


def _part(plain: Any) -> Part:
    match plain["kind"]:
        case "text":
            return Text(text=str(plain["text"]))
        case "reasoning":
            return Reasoning(
                text=str(plain["text"]), opaque=dict(plain["opaque"]), bound=bool(plain.get("bound", False))
            )
        case "tool_call":
            return ToolCall(
                id=str(plain["id"]),
                name=str(plain["name"]),
                arguments=dict(plain["arguments"]),
                problem=str(plain["problem"]),
            )
        case "tool_result":
            return ToolResult(call_id=str(plain["call_id"]), text=str(plain["text"]), is_error=bool(plain["is_error"]))
        case kind:
            raise ValueError(f"unknown part {kind!r}")
