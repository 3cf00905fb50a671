"""What tox and nox would do for a test run: their environments' requirements, commands and variables. Pure.

Neither is installed: an environment of theirs is one more place where it is written what tests need.
"""

from __future__ import annotations

import ast
import configparser
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from sandbox.buildpacks import requirements
from sandbox.buildpacks.requirements import Wanted
from sandbox.layout import TREE
from sandbox.types import RepoView

_OTHERS = ("testenv:py", "testenv:py3", "testenv:py311", "testenv:test", "testenv:tests", "testenv:unit")
"""Sections that say it where `[testenv]` says nothing."""
_DEPTH = 5
_CONDITION = re.compile(r"^([\w!.{},\s-]+?):\s+(?=\S)")
_REFERENCE = re.compile(r"\{\[([^\]]+)\](\w+)\}")
_DEFAULT = re.compile(r"\{env:\w+:([^{}]*)\}")
_ACTIVE = re.compile(r"py3?|py311|python3?|linux|default|tests?|unit")
"""Factors that our environment has."""
_NOT_CARRIED = re.compile(
    r"PATH|HOME|TMPDIR|PYTHONHASHSEED|PYTHONWARNINGS|PYTHONSTARTUP|PYTHONHOME|LD_\w+|PIP_\w+|UV_\w+|COV\w*|TOX_\w+|"
    r"VIRTUALENV_\w+|PYTEST_ADDOPTS|\w*(?:TOKEN|PASSWORD|SECRET)\w*"
)
"""Variables that would change where things are, what they cost, or the runner itself."""


@dataclass(frozen=True, kw_only=True)
class ToxEnvironment:
    path: str
    deps: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    """PEP 735 groups, by name."""
    commands: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()

    def wanted(self) -> list[Wanted]:
        found = []
        if self.extras:
            found.append(Wanted(extras=self.extras, evidence=f"{self.path}: extras of [testenv]"))
        plain = tuple(dep for dep in self.deps if requirements.is_plain(dep))
        files = tuple(dep[2:].strip().removeprefix("./") for dep in self.deps if dep.startswith("-r"))
        if plain or files:
            found.append(Wanted(requirements=plain, files=files, evidence=f"{self.path}: deps of [testenv]"))
        return found


def read(view: RepoView) -> ToxEnvironment | None:
    """The environment that a plain test run uses; None where tox is not configured."""
    text = view.read("tox.ini")
    if text is not None:
        return _of_ini("tox.ini", text.decode("utf-8", "replace"))
    for path, keys in (("tox.toml", ()), ("pyproject.toml", ("tool", "tox"))):
        table = _table(requirements.toml((view.read(path) or b"").decode("utf-8", "replace")), *keys)
        if isinstance(table.get("legacy_tox_ini"), str):
            return _of_ini(path, table["legacy_tox_ini"])
        if table:
            return _of_toml(path, table)
    return None


def of_nox(text: str) -> list[Wanted]:
    """The literal arguments of `session.install` in sessions whose names speak of tests."""
    try:
        module = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[Wanted] = []
    for node in module.body:
        if isinstance(node, ast.FunctionDef) and "test" in node.name and node.decorator_list:
            words = [word for call in ast.walk(node) for word in _installed(call)]
            wanted = _of_words(words, f"noxfile.py: the session {node.name}")
            found.extend([wanted] if wanted is not None else [])
    return found


def _installed(node: ast.AST) -> Iterable[str]:
    match node:
        case ast.Call(func=ast.Attribute(value=ast.Name(id="session"), attr="install"), args=arguments):
            for argument in arguments:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value
        case _:
            return


def _of_words(words: list[str], evidence: str) -> Wanted | None:
    files: list[str] = []
    plain: list[str] = []
    extras: list[str] = []
    for index, word in enumerate(words):
        own = re.fullmatch(r"\.\[([\w.,\s-]+)\]", word)
        if index and words[index - 1] == "-r":
            files.append(word.removeprefix("./"))
        elif own is not None:
            extras.extend(name.strip() for name in own[1].split(","))
        elif requirements.is_plain(word) and word not in ("nox", "tox") and (not index or words[index - 1][0] != "-"):
            plain.append(word)
    if not (files or plain or extras):
        return None
    return Wanted(requirements=tuple(plain), extras=tuple(extras), files=tuple(files), evidence=evidence)


def _of_ini(path: str, text: str) -> ToxEnvironment:
    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error:
        return ToxEnvironment(path=path)
    known = [name for name in ("testenv", *_OTHERS) if parser.has_section(name)]
    section = next((name for name in known if parser.get(name, "deps", fallback="")), known[0] if known else "testenv")
    commands = next((name for name in known if parser.get(name, "commands", fallback="")), section)
    extras = parser.get(section, "extras", fallback="")
    return ToxEnvironment(
        path=path,
        deps=tuple(dict.fromkeys(_lines(parser, section, "deps"))),
        extras=tuple(dict.fromkeys(re.findall(r"[\w.-]+", extras if "{" not in extras else ""))),
        groups=tuple(re.findall(r"[\w.-]+", parser.get(section, "dependency_groups", fallback=""))),
        commands=tuple(_lines(parser, commands, "commands")),
        env=tuple(_variables(_assignments(_lines(parser, section, "setenv")))),
    )


def _of_toml(path: str, table: Mapping[str, Any]) -> ToxEnvironment:
    base = _table(table, "env_run_base")
    commands = [
        " ".join(str(word) for word in command) for command in base.get("commands", ()) if isinstance(command, list)
    ]
    variables = ((name, value) for name, value in _table(base, "set_env").items() if isinstance(value, str))
    return ToxEnvironment(
        path=path,
        deps=_words(base.get("deps")),
        extras=_words(base.get("extras")),
        groups=_words(base.get("dependency_groups")),
        commands=tuple(commands),
        env=tuple(_variables(variables)),
    )


def _lines(parser: configparser.RawConfigParser, section: str, key: str, depth: int = 0) -> Iterable[str]:
    """A setting's lines that hold for our environment, with references to other sections followed."""
    for raw in parser.get(section, key, fallback="").split("\n"):
        line = re.sub(r"(?:^|\s)#.*$", "", raw).strip()
        condition = _CONDITION.match(line) if key != "commands" else None
        if condition is not None:
            if not _holds(condition[1]):
                continue
            line = line[condition.end() :]
        reference = _REFERENCE.fullmatch(line)
        if reference is not None:
            yield from _lines(parser, reference[1], reference[2], depth + 1) if depth < _DEPTH else ()
        elif line:
            yield _DEFAULT.sub(r"\1", line).replace("{toxinidir}", "." if key == "deps" else TREE)


def _holds(condition: str) -> bool:
    """`py38,py39`, `py3-django`, `!lint`: any of the comma's parts, in which all of the dash's hold."""
    parts = re.split(r"\s*,\s*", re.sub(r"[{}]", "", condition.strip()))
    return any(
        all(
            not _ACTIVE.fullmatch(factor[1:]) if factor.startswith("!") else bool(_ACTIVE.fullmatch(factor))
            for factor in part.split("-")
        )
        for part in parts
    )


def _assignments(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition("=")
        yield name.strip(), value.strip()


def _variables(given: Iterable[tuple[str, str]]) -> Iterable[tuple[str, str]]:
    for name, value in given:
        if re.fullmatch(r"[A-Za-z_]\w*", name) and not _NOT_CARRIED.fullmatch(name) and "{" not in value:
            yield name, value


def _table(table: Mapping[str, Any], *keys: str) -> Mapping[str, Any]:
    for key in keys:
        value = table.get(key)
        table = value if isinstance(value, dict) else {}
    return table


def _words(value: object) -> tuple[str, ...]:
    return tuple(word for word in value if isinstance(word, str)) if isinstance(value, list) else ()
