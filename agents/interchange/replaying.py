"""A run of another agent in the words of our tools, so that it can be done again here. Pure.

Commands of its shell are commands of ours, its editor's calls are ours where we have the like, and its submission is
`submit`. Paths of the directory that it worked in become paths of the tree. What we have nothing like is told, not
guessed.
"""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from agents.interchange import mini, swe_agent
from agents.interchange.chat import words
from agents.types import Ending, Message, Origin, Part, Role, Text, ToolCall, Trajectory
from sandbox.types import TREE

SHELLS = ("bash", "shell", "execute_bash")
EDITORS = ("str_replace_editor", "str_replace_based_edit_tool")
OWN_COMMANDS = (
    *("open", "goto", "scroll_up", "scroll_down", "create", "edit", "insert", "undo_edit"),
    *("search_dir", "search_file", "find_file", "filemap"),
)
"""What SWE-agent puts beside a shell's commands into the same line."""
SECONDS = 600
"""For a command: its own limit is not in its file."""
_PATCH_FILE = re.compile(rf"{mini.DONE}['\"]?\s*(?:&&|;)\s*cat\s+(?P<file>[\w./-]+)\s*$")

Turn = Message | str
"""The model's next message; or why there is none, as a sentence."""


def turns(trajectory: Trajectory, origin: Origin) -> tuple[Turn, ...]:
    """One for each of the model's recorded messages, in their order."""
    spoken = [message for step in trajectory.steps for message in step.messages if message.role is Role.ASSISTANT]
    own = [message for message in spoken if message.tool_calls]
    last = len(own) if trajectory.ending is Ending.SUBMITTED else 0
    return tuple(_turn(message, origin, number, submits=number == last) for number, message in enumerate(own, 1))


def _turn(message: Message, origin: Origin, number: int, *, submits: bool) -> Turn:
    parts: list[Part] = [part for part in message.parts if isinstance(part, Text)]
    for place, call in enumerate(message.tool_calls, 1):
        if _is_submission(call):
            continue
        made = _call(call, origin)
        if isinstance(made, str):
            return f"Its answer {number} calls {made}, which redgreen has nothing like."
        parts.append(replace(made, id=call.id or f"replay-{number}.{place}"))
    if submits:
        parts += _submission(message, number)
    return Message(role=Role.ASSISTANT, parts=tuple(parts))


def _call(call: ToolCall, origin: Origin) -> ToolCall | str:
    """The call as one of ours; the name of what there is none like."""
    if call.name in SHELLS and isinstance(command := call.arguments.get("command"), str) and command:
        first = (command.split() or [""])[0]
        if origin.format.startswith(swe_agent.NAME) and first in OWN_COMMANDS:
            return f"`{first}`"
        return _shell(call.id, relocated(command, origin.root))
    if call.name in EDITORS:
        return _editor(call, origin.root) or f"`{call.name} {words(call.arguments.get('command'))}`"
    return f"`{call.name}`"


def _shell(call_id: str, command: str) -> ToolCall:
    return ToolCall(id=call_id, name="shell", arguments={"command": command, "timeout": SECONDS})


def relocated(command: str, root: str) -> str:
    """A command with the paths below `root` as paths of the tree."""
    if not root.strip("/"):
        return command
    return re.sub(rf"(?<![\w./-]){re.escape(root.rstrip('/'))}(?![\w-])", TREE, command)


def _editor(call: ToolCall, root: str) -> ToolCall | None:
    """A call of the editor that Anthropic's models are taught, and SWE-agent has."""
    given: dict[str, Any] = dict(call.arguments)
    path = _inside(words(given.get("path")), root)
    if path is None:
        return None
    match given.get("command"):
        case "view":
            arguments: dict[str, Any] = {"path": path}
            lines = given.get("view_range")
            if isinstance(lines, list) and len(lines) == 2 and all(isinstance(line, int) for line in lines):
                arguments |= {"first_line": max(1, lines[0])} | ({"last_line": lines[1]} if lines[1] > 0 else {})
            # What it shows of a directory, a shell shows.
            return ToolCall(id=call.id, name="read", arguments=arguments) if path != "." else _shell(call.id, "ls -A")
        case "create":
            command = f"mkdir -p {shlex.quote(posixpath.dirname(path) or '.')} && printf %s "
            text = f"{command}{shlex.quote(words(given.get('file_text')))} > {shlex.quote(path)}"
            return _shell(call.id, text)
        case "str_replace":
            arguments = {"path": path, "old": words(given.get("old_str")), "new": words(given.get("new_str"))}
            return ToolCall(id=call.id, name="edit", arguments=arguments) if arguments["old"] else None
        case "insert" if isinstance(given.get("insert_line"), int):
            return _shell(call.id, _inserted(path, given["insert_line"], words(given.get("new_str"))))
        case _:
            return None


def _inserted(path: str, line: int, text: str) -> str:
    file, new = shlex.quote(path), shlex.quote(text if text.endswith("\n") else f"{text}\n")
    return (
        f'new="$(mktemp)" && {{ head -n {line} {file}; printf %s {new}; tail -n +{line + 1} {file}; }} > "$new" '
        f'&& cat "$new" > {file}; rm -f "$new"'
    )


def _inside(path: str, root: str) -> str | None:
    """Relative to the tree; None for a path that is not in it, or not known to be."""
    if not path.startswith("/"):
        full = posixpath.normpath(path)
        return None if full.startswith("..") else full
    if not root.strip("/"):
        return None
    full = posixpath.relpath(path, root)
    return None if full == ".." or full.startswith("../") else full


def _is_submission(call: ToolCall) -> bool:
    return call.name == "submit" or (call.name in SHELLS and words(call.arguments.get("command")).strip() == "submit")


def _submission(message: Message, number: int) -> Iterator[Part]:
    """The end, and before it: the file that a submission was read from is no part of the change."""
    for call in message.tool_calls:
        if found := _PATCH_FILE.search(words(call.arguments.get("command")).strip()):
            file = shlex.quote(found["file"])
            remove = f"git ls-files --error-unmatch {file} >/dev/null 2>&1 || rm -f {file}"
            yield _shell(f"replay-{number}.file", remove)
    summary = message.text.strip() or "Submitted, as it was recorded."
    yield ToolCall(id=f"replay-{number}.submit", name="submit", arguments={"summary": summary})
