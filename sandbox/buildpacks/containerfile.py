"""A repository's own Dockerfile as steps that redgreen carries out itself. Pure.

Docker's builder is never used for strangers' files (docs/decisions/builds-run-in-the-sandbox.md), so the instructions
are read here, by the reference at https://docs.docker.com/reference/dockerfile/, and what cannot be carried out in a
limited container is refused with its line.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

from sandbox.layout import COMMAND_PATH, TREE
from sandbox.types import RepoView, RootStep

_DIRECTIVE = re.compile(r"^#\s*(\w+)\s*=\s*(\S+)\s*$")
_INSTRUCTION = re.compile(r"^\s*([A-Za-z]+)(?:\s+(.*))?$", re.DOTALL)
_HEREDOC = re.compile(r"(?<!<)<<-?[\"']?[A-Za-z_]")
_VARIABLE = re.compile(r"\\\$|\0|\$(?:(\w+)|\{(\w+)(?:(:[-+])([^{}]*))?\})")
_ESCAPED = "\0"
"""A dollar sign that is one, while words are told apart."""
_FLAG = re.compile(r"^--([a-z-]+)(?:=(\S*))?(?:\s+|$)")
_ARCHIVE = re.compile(r"\.(?:tar|tgz|tbz2?|txz|tar\.\w+)$")
_IGNORED = frozenset(
    {"LABEL", "EXPOSE", "CMD", "ENTRYPOINT", "HEALTHCHECK", "STOPSIGNAL", "MAINTAINER", "VOLUME", "ONBUILD"}
)
_AS_USER = 'HOME=$(getent passwd "$(id -u)" | cut -d: -f6) exec "$@"'


class Unsupported(ValueError):
    """What an instruction asks for that is not carried out; the text is a sentence that names file and line."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    base: str
    env: tuple[tuple[str, str], ...] = ()
    steps: tuple[RootStep, ...] = ()
    copied: tuple[str, ...] = ()
    """Single files of the tree that a COPY names: their contents decide the image."""


@dataclass(frozen=True, kw_only=True)
class Instruction:
    line: int
    """1-based, of its first line."""
    name: str
    rest: str


@dataclass
class _Stage:
    """What is known after the instructions read so far."""

    base: str
    env: dict[str, str] = field(default_factory=dict)
    args: dict[str, str] = field(default_factory=dict)
    shell: tuple[str, ...] = ("/bin/sh", "-c")
    cwd: str = "/"
    user: str = ""
    steps: list[RootStep] = field(default_factory=list)
    copied: list[str] = field(default_factory=list)

    def then(self) -> _Stage:
        """A stage that begins where this one ends: build arguments do not go along."""
        return replace(self, env={**self.env}, args={}, steps=[*self.steps], copied=[*self.copied])

    @property
    def known(self) -> Mapping[str, str]:
        return {"PATH": COMMAND_PATH, **self.args, **self.env}


def read(
    view: RepoView, path: str, *, context: str = "", args: Mapping[str, str] | None = None, target: str = ""
) -> Recipe:
    """The stage `target` (default: the last) with the stages that it begins from. Raises `Unsupported`.

    `context` is the directory of the tree that COPY reads from; `args` are the build's arguments.
    """
    data = view.read(path)
    if data is None:
        raise Unsupported(f"{path}: there is no such file.")
    return _Reading(view, path, context.strip("/"), args or {}).recipe(data.decode("utf-8", "replace"), target)


def instructions(text: str, path: str) -> Iterator[Instruction]:
    """The logical lines: continued ones joined, comments and empty lines left out. Raises `Unsupported`."""
    lines = text.replace("\r\n", "\n").split("\n")
    escape, joined, first = _escape(lines), "", 0
    for number, line in enumerate(lines, 1):
        if line.lstrip().startswith("#") or (joined and not line.strip()):
            continue
        joined, first = (joined + line, first) if joined else (line, number)
        stripped = joined.rstrip()
        if stripped.endswith(escape):
            joined = stripped[: -len(escape)] + " "
            continue
        if stripped:
            yield _instruction(stripped, first, path)
        joined = ""
    if joined.strip():
        yield _instruction(joined.rstrip(), first, path)


def _instruction(text: str, line: int, path: str) -> Instruction:
    found = _INSTRUCTION.match(text)
    if found is None:
        raise Unsupported(f"{path}, line {line}: {text[:60]!r} is no instruction.")
    return Instruction(line=line, name=found.group(1).upper(), rest=(found.group(2) or "").strip())


def _escape(lines: list[str]) -> str:
    for line in lines:
        found = _DIRECTIVE.match(line)
        if found is None:
            break
        if found.group(1).lower() == "escape" and found.group(2) == "`":
            return "`"
    return "\\"


class _Reading:
    """One Dockerfile."""

    def __init__(self, view: RepoView, path: str, context: str, args: Mapping[str, str]) -> None:
        self._view = view
        self._path = path
        self._context = context
        self._given = args
        self._global: dict[str, str] = {}
        self._stages: dict[str, _Stage] = {}
        self._stage: _Stage | None = None
        self._count = 0

    def recipe(self, text: str, target: str) -> Recipe:
        for instruction in instructions(text, self._path):
            self._take(instruction)
        stage = self._stages.get(target.lower()) if target else self._stage
        if stage is None:
            what = f"there is no stage {target!r}" if target else "it has no FROM"
            raise Unsupported(f"{self._path}: {what}.")
        return Recipe(
            base=stage.base, env=tuple(stage.env.items()), steps=tuple(stage.steps), copied=tuple(stage.copied)
        )

    def _take(self, instruction: Instruction) -> None:
        stage = self._stage
        if instruction.name == "FROM":
            self._from(instruction)
        elif instruction.name == "ARG":
            self._arg(instruction)
        elif stage is None:
            raise self._refused(instruction, "stands before the first FROM")
        elif _HEREDOC.search(instruction.rest) and instruction.name in ("RUN", "COPY", "ADD"):
            raise self._refused(instruction, "here-documents are not read")
        else:
            self._in_stage(stage, instruction)

    def _in_stage(self, stage: _Stage, instruction: Instruction) -> None:
        match instruction.name:
            case "RUN":
                self._run(stage, instruction)
            case "COPY" | "ADD":
                self._copy(stage, instruction)
            case "ENV":
                stage.env.update(self._pairs(stage, instruction))
            case "WORKDIR":
                stage.cwd = posixpath.normpath(posixpath.join(stage.cwd, _expanded(instruction.rest, stage.known)))
                self._step(stage, instruction, ("mkdir", "-p", stage.cwd), cwd="/")
            case "USER":
                stage.user = _expanded(instruction.rest, stage.known).partition(":")[0].strip()
            case "SHELL":
                stage.shell = self._list(instruction)
            case _:
                if instruction.name not in _IGNORED:
                    raise self._refused(instruction, "is no instruction that redgreen knows")

    def _from(self, instruction: Instruction) -> None:
        rest, _ = self._flags(instruction, {"platform"})
        words = _expanded(rest, self._global).split()
        if len(words) not in (1, 3) or (len(words) == 3 and words[1].upper() != "AS"):
            raise self._refused(instruction, "names no image")
        earlier = self._stages.get(words[0].lower())
        if earlier is None and words[0].lower() == "scratch":
            raise self._refused(instruction, "an image from nothing has no Python for the sandbox")
        self._stage = earlier.then() if earlier else _Stage(base=words[0])
        for name in (str(self._count), *words[2:]):
            self._stages[name.lower()] = self._stage
        self._count += 1

    def _arg(self, instruction: Instruction) -> None:
        stage = self._stage
        for word in self._words(instruction, instruction.rest):
            name, has_default, default = word.partition("=")
            known = stage.known if stage else self._global
            value = self._given.get(name, _expanded(default, known) if has_default else self._global.get(name, ""))
            (stage.args if stage else self._global)[name] = value

    def _run(self, stage: _Stage, instruction: Instruction) -> None:
        rest, flags = self._flags(instruction, {"mount", "network"})
        for name, value in flags:
            if name == "mount" and "type=cache" not in value.split(",") and "type=tmpfs" not in value.split(","):
                raise self._refused(instruction, f"--mount={value}: only caches can be left out")
        argv = self._list(replace(instruction, rest=rest)) if rest.startswith("[") else (*stage.shell, rest)
        if stage.user not in ("", "root", "0"):
            argv = (*_as(stage.user), "/bin/sh", "-c", _AS_USER, "sh", *argv)
        self._step(stage, instruction, argv)

    def _copy(self, stage: _Stage, instruction: Instruction) -> None:
        rest, flags = self._flags(instruction, {"chown", "chmod", "link"})
        expanded = _expanded(rest, stage.known)
        words = self._list(replace(instruction, rest=expanded)) if expanded.startswith("[") else tuple(expanded.split())
        if len(words) < 2:
            raise self._refused(instruction, "needs a source and a destination")
        *sources, destination = words
        into = destination.endswith(("/", "/.")) or destination in (".", "..") or len(sources) > 1
        target = posixpath.normpath(posixpath.join(stage.cwd, destination))
        lines = []
        for source in sources:
            for path, is_directory in self._sources(instruction, source):
                lines.append(_copying(path, target, is_directory=is_directory, into=into))
                stage.copied.extend([] if is_directory else [path])
        for name, value in flags:
            lines += [] if name == "link" else [f"{name} -R -- {shlex.quote(value)} {shlex.quote(target)}"]
        self._step(stage, instruction, ("/bin/sh", "-ec", "\n".join(lines)), cwd=TREE)

    def _sources(self, instruction: Instruction, source: str) -> Iterator[tuple[str, bool]]:
        """(path of the tree, whether it is a directory) of each thing that a source names."""
        if "://" in source or source.startswith("git@"):
            raise self._refused(instruction, f"{source}: only files of the repository are copied")
        if instruction.name == "ADD" and _ARCHIVE.search(source):
            raise self._refused(instruction, f"{source}: archives are not unpacked")
        wanted = posixpath.normpath(posixpath.join(self._context, source.lstrip("/")))
        if wanted.startswith(".."):
            raise self._refused(instruction, f"{source}: outside of the repository")
        if wanted == ".":
            yield ".", True
            return
        parts, found = wanted.split("/"), dict[str, bool]()
        for path in self._view.paths():
            own = path.split("/")
            if len(own) >= len(parts) and all(map(fnmatchcase, own, parts)):
                found["/".join(own[: len(parts)])] = len(own) > len(parts)
        if not found:
            raise self._refused(instruction, f"{source}: there is no such file in the repository")
        yield from found.items()

    # --- small readings ------------------------------------------------------------------------------------------

    def _step(self, stage: _Stage, instruction: Instruction, argv: tuple[str, ...], cwd: str = "") -> None:
        env = {name: value for name, value in stage.known.items() if name != "PATH" or "PATH" in stage.env}
        origin = f"{self._path}:{instruction.line}"
        stage.steps.append(RootStep(argv=argv, cwd=cwd or stage.cwd, env=tuple(sorted(env.items())), origin=origin))

    def _flags(self, instruction: Instruction, known: set[str]) -> tuple[str, list[tuple[str, str]]]:
        rest, flags = instruction.rest, []
        while found := _FLAG.match(rest):
            name, value = found.group(1), found.group(2) or ""
            if name not in known:
                raise self._refused(instruction, f"--{name} is not carried out")
            flags.append((name, value))
            rest = rest[found.end() :]
        return rest, flags

    def _pairs(self, stage: _Stage, instruction: Instruction) -> dict[str, str]:
        name, _, value = instruction.rest.partition(" ")
        if "=" not in name:
            return {name: _expanded(value.strip(), stage.known)}
        words = self._words(instruction, instruction.rest)
        return {word.partition("=")[0]: _expanded(word.partition("=")[2], stage.known) for word in words}

    def _words(self, instruction: Instruction, text: str) -> list[str]:
        try:
            return shlex.split(text.replace("\\$", _ESCAPED))
        except ValueError as error:
            raise self._refused(instruction, f"{str(error).lower()}") from None

    def _list(self, instruction: Instruction) -> tuple[str, ...]:
        try:
            words = json.loads(instruction.rest)
        except (ValueError, RecursionError):
            words = None
        if not isinstance(words, list) or not words or not all(isinstance(word, str) for word in words):
            raise self._refused(instruction, "is no list of strings")
        return tuple(words)

    def _refused(self, instruction: Instruction, why: str) -> Unsupported:
        return Unsupported(f"{self._path}, line {instruction.line}: {instruction.name} {why}.")


def _expanded(text: str, known: Mapping[str, str]) -> str:
    """Variables put in, as the builder does: one that is not known is empty."""

    def value(found: re.Match[str]) -> str:
        if found.group() in ("\\$", _ESCAPED):
            return "$"
        name, way, word = found.group(1) or found.group(2), found.group(3), found.group(4)
        own = known.get(name, "")
        if way == ":-":
            return own or word
        return (word if own else "") if way == ":+" else own

    return _VARIABLE.sub(value, text)


def _as(user: str) -> tuple[str, ...]:
    if user.isdigit():
        return ("setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups")
    return ("runuser", "-u", user, "--")


def _copying(source: str, target: str, *, is_directory: bool, into: bool) -> str:
    path, place = shlex.quote(source), shlex.quote(target)
    if is_directory:
        return f"mkdir -p -- {place} && cp -R -- {path}/. {place}/"
    if into:
        return f"mkdir -p -- {place} && cp -- {path} {place}/"
    return f"mkdir -p -- {shlex.quote(posixpath.dirname(target))} && cp -- {path} {place}"
