"""`devcontainer.json` as far as it says what tests need: an image or a Dockerfile, variables, commands. Pure.

By https://containers.dev/implementors/json_reference/. Features, Compose files and what concerns an editor are not
carried out; where the environment hangs on one of those, that is said instead of guessed.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.layout import TREE
from sandbox.types import RepoView

PATHS = (".devcontainer/devcontainer.json", ".devcontainer.json")
_TOKEN = re.compile(r'"(?:[^"\\\n]|\\.)*"|//[^\n]*|/\*.*?\*/|,(?=\s*(?:(?://[^\n]*|/\*.*?\*/)\s*)*[}\]])', re.DOTALL)
_COMMANDS = ("onCreateCommand", "updateContentCommand", "postCreateCommand")
_NAME = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, kw_only=True)
class DevContainer:
    path: str
    image: str = ""
    dockerfile: str = ""
    """Path in the tree; "" for none."""
    context: str = ""
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    commands: tuple[tuple[str, ...], ...] = ()
    missing: str = ""
    """What it needs and redgreen does not do: a sentence; "" when it can be used."""
    notes: tuple[str, ...] = ()


def find(view: RepoView) -> DevContainer | None:
    """The repository's, None where it has none."""
    path = next((path for path in PATHS if view.read(path) is not None), "")
    return read(path, view.read(path) or b"") if path else None


def read(path: str, data: bytes) -> DevContainer:
    """Never raises: what cannot be read is `missing`."""
    try:
        document = json.loads(_plain(data.decode("utf-8")))
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        return DevContainer(path=path, missing=f"{path} cannot be read as JSON with comments.")
    build = document.get("build")
    build = build if isinstance(build, dict) else {}
    directory = posixpath.dirname(path)
    dockerfile = _text(build.get("dockerfile")) or _text(document.get("dockerFile"))
    context = _text(build.get("context")) or _text(document.get("context")) or "."
    env, notes = _environment(path, document)
    return DevContainer(
        path=path,
        image=_text(document.get("image")),
        dockerfile=_joined(directory, dockerfile) if dockerfile else "",
        context=_joined(directory, context),
        target=_text(build.get("target")),
        args=tuple((name, value) for name, value in _pairs(build.get("args")) if "${" not in value),
        env=env,
        commands=tuple(command for name in _COMMANDS for command in _commands(document.get(name))),
        missing=_missing(path, document, bool(dockerfile)),
        notes=notes,
    )


def _missing(path: str, document: Mapping[str, Any], dockerfile: bool) -> str:
    if document.get("dockerComposeFile"):
        return f"{path} describes its container by Compose, which redgreen does not start."
    if features := document.get("features"):
        names = ", ".join(sorted(map(str, features))[:5]) if isinstance(features, dict) else str(features)[:100]
        return f"{path} asks for features, which redgreen does not install: {names}."
    if not dockerfile and not _text(document.get("image")):
        return f"{path} names neither an image nor a Dockerfile."
    return ""


def _environment(path: str, document: Mapping[str, Any]) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    env, notes = {}, []
    for name, value in (*_pairs(document.get("containerEnv")), *_pairs(document.get("remoteEnv"))):
        told = value.replace("${containerWorkspaceFolder}", TREE)
        if "${" in told or not _NAME.fullmatch(name):
            notes.append(f"{path}: the variable {name} depends on another machine and is left out.")
        else:
            env[name] = told
    return tuple(env.items()), tuple(notes)


def _commands(value: Any) -> Iterator[tuple[str, ...]]:
    """A shell line, an argument list, or several of them by name."""
    if isinstance(value, str) and value.strip():
        yield ("/bin/sh", "-c", value)
    elif isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        yield tuple(value)
    elif isinstance(value, dict):
        for one in value.values():
            if not isinstance(one, dict):
                yield from _commands(one)


def _plain(text: str) -> str:
    """JSON without comments and without commas that end a list."""
    return _TOKEN.sub(lambda found: found.group() if found.group().startswith('"') else " ", text)


def _joined(directory: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(directory, path))


def _pairs(value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        yield from ((name, text) for name, text in value.items() if isinstance(text, str))


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
