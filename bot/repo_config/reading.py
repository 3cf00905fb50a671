"""The file's bytes -> RepoConfig | ConfigProblem(line). Pure.

The text is a stranger's: size is bounded, anchors and aliases are refused (they can blow a small file up), a key that
stands twice or is unknown is a mistake that is answered with its line.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml
from pydantic import ValidationError

from bot.repo_config.schema import RepoConfig

MAX_BYTES = 64 * 1024
MAX_DEPTH = 20


@dataclass(frozen=True, kw_only=True)
class ConfigProblem:
    line: int
    """1-based line of `.github/redgreen.yml`."""
    message: str
    """A sentence for the person who edits the file; may hold the file's own key names."""


def parse(text: bytes | None) -> RepoConfig | ConfigProblem:
    """The file's bytes; None (there is no such file) is the default configuration."""
    if text is None:
        return RepoConfig()
    if len(text) > MAX_BYTES:
        return ConfigProblem(line=1, message=f"The file is larger than {MAX_BYTES} bytes.")
    try:
        source = text.decode("utf-8")
        problem = _forbidden(source)
        root = None if problem else yaml.compose(source, Loader=yaml.SafeLoader)
    except UnicodeDecodeError:
        return ConfigProblem(line=1, message="The file is not UTF-8 text.")
    except yaml.YAMLError as error:
        return _syntax_problem(error)
    if problem:
        return problem
    if root is None:
        return RepoConfig()
    return _from_node(root)


def _forbidden(source: str) -> ConfigProblem | None:
    """An anchor, or a depth that no such file needs: the reader's time grows with the square of it."""
    depth = 0
    for event in yaml.parse(source, Loader=yaml.SafeLoader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if getattr(event, "anchor", None) is not None:
            return ConfigProblem(line=line, message="Anchors and aliases (& and *) cannot be used.")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            return ConfigProblem(line=line, message=f"The file is nested too deeply: {MAX_DEPTH} levels are read.")
    return None


def _syntax_problem(error: yaml.YAMLError) -> ConfigProblem:
    mark: yaml.Mark | None = getattr(error, "problem_mark", None)
    what = getattr(error, "problem", None) or "it cannot be read"
    return ConfigProblem(line=mark.line + 1 if mark else 1, message=f"This is not valid YAML: {what}.")


def _from_node(root: yaml.Node) -> RepoConfig | ConfigProblem:
    if not isinstance(root, yaml.MappingNode):
        return ConfigProblem(line=root.start_mark.line + 1, message="The file must be a mapping of keys to values.")
    for mapping in _mappings(root):
        seen: set[str] = set()
        for key, _ in mapping.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != "tag:yaml.org,2002:str":
                return ConfigProblem(line=key.start_mark.line + 1, message="A key must be a word.")
            if key.value in seen:
                return ConfigProblem(line=key.start_mark.line + 1, message=f"The key {key.value!r} stands twice.")
            seen.add(key.value)
    try:
        value = yaml.SafeLoader("").construct_document(root)
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        if isinstance(error, yaml.YAMLError):
            return _syntax_problem(error)
        return ConfigProblem(line=root.start_mark.line + 1, message="A value cannot be read.")
    try:
        return RepoConfig.model_validate(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        location = tuple(part for part in first["loc"] if isinstance(part, int) or part in _words(root))
        return ConfigProblem(line=_line(root, location), message=_sentence(first["type"], first["msg"], location))


def _mappings(node: yaml.Node) -> Iterator[yaml.MappingNode]:
    if isinstance(node, yaml.MappingNode):
        yield node
        for _, value in node.value:
            yield from _mappings(value)
    elif isinstance(node, yaml.SequenceNode):
        for value in node.value:
            yield from _mappings(value)


def _words(root: yaml.MappingNode) -> frozenset[str]:
    """All keys of the file: pydantic's locations also name union members, which are no place in it."""
    return frozenset(key.value for mapping in _mappings(root) for key, _ in mapping.value)


def _line(root: yaml.Node, location: tuple[str | int, ...]) -> int:
    """The line of the deepest part of the location that the file has."""
    node, line = root, root.start_mark.line
    for part in location:
        found = _child(node, part)
        if found is None:
            break
        node, line = found
    return line + 1


def _child(node: yaml.Node, part: str | int) -> tuple[yaml.Node, int] | None:
    if isinstance(node, yaml.MappingNode):
        return next(((value, key.start_mark.line) for key, value in node.value if key.value == part), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(part, int):
        return node.value[part], node.value[part].start_mark.line
    return None


def _sentence(kind: str, message: str, location: tuple[Any, ...]) -> str:
    name = ".".join(str(part) for part in location)
    if kind == "extra_forbidden":
        return f"There is no key {name!r}."
    return f"{name}: {message.removeprefix('Value error, ')}."
