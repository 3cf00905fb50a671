"""The map of a repository: which functions and classes each file defines, and where. Pure.

tree-sitter reads what does not parse as well as it can, so a map exists of any text; `mistakes` counts what it could
not read, which is the syntax check of an edit: a text may not hold more of them than before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from tree_sitter import Node

from agents.single_shot.languages import Language, language_of, parser_of

MOST_BYTES = 512 << 10
"""Of a file that is read; larger ones are generated or data."""
MOST_DEPTH = 200
"""Of nested nodes that are looked into."""
MOST_SIGNATURE = 160


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A function, method or class. Lines are counted from 1, both ends included."""

    path: str
    name: str
    """With its containers: `Basket.total`."""
    is_function: bool
    first: int
    last: int
    body: int
    """The body's first line; `last + 1` where it has none of its own."""
    signature: str
    """One line."""

    @property
    def short_name(self) -> str:
        return self.name.rpartition(".")[2]


def definitions(path: str, text: str) -> tuple[Definition, ...]:
    """In the file's order; nothing for a language that is not read, or a file too large."""
    language, data = language_of(path), text.encode("utf-8", "replace")
    if language is None or len(data) > MOST_BYTES:
        return ()
    root = parser_of(language).parse(data).root_node
    return tuple(_definitions(root, path, language))


def mistakes(path: str, text: str) -> int:
    """How many places of the text do not parse; 0 where the language is not read."""
    language = language_of(path)
    if language is None:
        return 0
    root = parser_of(language).parse(text.encode("utf-8", "replace")).root_node
    return sum(node.is_error or node.is_missing for node in _walk(root)) if root.has_error else 0


def outline(found: Sequence[Definition]) -> list[str]:
    """The map's lines of one file."""
    return [f"  {one.first}: {'  ' * one.name.count('.')}{one.signature}" for one in found]


def enclosing(found: Sequence[Definition], line: int) -> Definition | None:
    """The innermost function around a line, else the innermost class."""
    around = [one for one in found if one.first <= line <= one.last]
    return min(around, key=lambda one: (not one.is_function, one.last - one.first), default=None)


def named(maps: Mapping[str, Sequence[Definition]], word: str) -> list[Definition]:
    """The definitions that a word of an issue may mean: `total`, `Basket.total`, `total()`."""
    wanted = word.removesuffix("()")
    return [one for found in maps.values() for one in found if wanted in (one.name, one.short_name)]


# --- nodes -------------------------------------------------------------------------------------------------------


def _walk(root: Node) -> Iterator[Node]:
    """All nodes, parents first, without recursion: the text is a stranger's."""
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        yield node
        if depth < MOST_DEPTH:
            waiting.extend((child, depth + 1) for child in reversed(node.children))


def _definitions(root: Node, path: str, language: Language) -> Iterator[Definition]:
    waiting: list[tuple[Node, tuple[str, ...], int]] = [(root, (), 0)]
    while waiting:
        node, names, depth = waiting.pop()
        is_function = node.type in language.functions and _is_function(node)
        inner = names
        if is_function or node.type in language.containers:
            inner = (*names, _name(node))
            yield _definition(node, ".".join(_receiver(node, inner)), path, language, is_function)
        if depth < MOST_DEPTH:
            waiting.extend((child, inner, depth + 1) for child in reversed(node.named_children))


def _definition(node: Node, name: str, path: str, language: Language, is_function: bool) -> Definition:
    outer = _outermost(node, language)
    body = node.child_by_field_name("body") or _value_body(node)
    last = outer.end_point.row + (1 if outer.end_point.column else 0)
    first_of_body = last + 1
    if body is not None:
        first_of_body = body.start_point.row + 1 + (body.start_point.row == node.start_point.row)
        if body.start_point.row != node.start_point.row and _text(body).startswith("{"):
            first_of_body += 1
    data = node.text or b""
    head = data if body is None else data[: max(0, body.start_byte - node.start_byte)]
    signature = " ".join(head.decode("utf-8", "replace").split()).rstrip("{ ")
    return Definition(
        path=path,
        name=name,
        is_function=is_function,
        first=outer.start_point.row + 1,
        last=max(last, outer.start_point.row + 1),
        body=first_of_body,
        signature=signature if len(signature) <= MOST_SIGNATURE else signature[: MOST_SIGNATURE - 1] + "…",
    )


def _outermost(node: Node, language: Language) -> Node:
    """The node with the decorators or the `export` that belong to it."""
    while node.parent is not None and node.parent.type in language.wrappers:
        node = node.parent
    return node


def _is_function(node: Node) -> bool:
    """A `const f = ...` is one only where a function is what it names."""
    if node.type != "variable_declarator":
        return True
    value = node.child_by_field_name("value")
    return value is not None and value.type in ("arrow_function", "function_expression", "generator_function")


def _value_body(node: Node) -> Node | None:
    value = node.child_by_field_name("value")
    return value.child_by_field_name("body") if value is not None else None


def _name(node: Node) -> str:
    found = node.child_by_field_name("name") or node.child_by_field_name("type")
    return _text(found).split("<")[0] if found is not None else "?"


def _receiver(node: Node, names: tuple[str, ...]) -> tuple[str, ...]:
    """Go's methods stand beside their type and name it in their receiver."""
    receiver = node.child_by_field_name("receiver")
    if receiver is None:
        return names
    types = [part for part in _walk(receiver) if part.type == "type_identifier"]
    return (_text(types[0]), *names) if types else names


def _text(node: Node) -> str:
    return node.text.decode("utf-8", "replace") if node.text is not None else ""
