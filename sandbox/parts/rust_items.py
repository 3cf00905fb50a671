"""The items of a Rust file: which are tests, and two versions of a file with each other's tests. Pure.

Rust keeps unit tests in the files they test. An item is a test where the compiler takes it for tests only: it carries
`#[cfg(test)]`, or an attribute that makes a test of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sandbox.parts.rust_tokens import Kind, NotRust, Token, Tokens, tokens

_OPENING = {"{": "}", "(": ")", "[": "]"}
_CLOSING = frozenset(_OPENING.values())
_DEEPEST = 100
"""Groups in groups; no file that people write comes near, and reading costs time by the depth."""
_TO_SEMICOLON = frozenset({"use", "static", "type"})
_KEYWORDS = frozenset({"fn", "mod", "struct", "enum", "union", "trait", "impl", "const", "extern", *_TO_SEMICOLON})
_BEFORE = frozenset({"pub", "unsafe", "async", "default", "auto", "safe", "gen"})
_TESTS = frozenset(
    {"test", "rstest", "test_case", "bench", "quickcheck", "proptest", "traced_test", "wasm_bindgen_test"}
)


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item with its documentation and attributes."""

    path: tuple[str, ...]
    """Of the modules around it."""
    kind: str
    name: str
    attributes: tuple[tuple[str, ...], ...]
    """The words and marks within the brackets of each."""
    start: int
    end: int
    body: Sequence[Token] = ()
    """Of a module written out: what is between its braces."""
    body_end: int = -1
    """Where a module's closing brace is."""

    @property
    def is_for_tests(self) -> bool:
        return self.is_test or any(_implies_test(attribute) for attribute in self.attributes)

    @property
    def is_test(self) -> bool:
        return any(_path_of(attribute)[-1:] == [name] for attribute in self.attributes for name in _TESTS)


Key = tuple[tuple[str, ...], str, str, int]
"""Modules, kind, name, and a number where several have the same."""


@dataclass(frozen=True, kw_only=True)
class Parsed:
    text: str
    tests: dict[Key, Item]
    """The outermost items that are for tests only."""
    module_ends: dict[tuple[str, ...], int]
    """Where more items can be put into a module: before its closing brace; of the file itself, at its end."""

    def piece(self, key: Key) -> str:
        item = self.tests[key]
        return self.text[item.start : item.end]


def divide(before: str, after: str) -> tuple[str, str] | None:
    """(`after` with the tests of `before`, `before` with the tests of `after`); None where it cannot be told."""
    old, new = parse(before), parse(after)
    if old is None or new is None:
        return None
    first, second = _exchanged(new, old), _exchanged(old, new)
    return None if first is None or second is None else (first, second)


def parse(text: str) -> Parsed | None:
    """None for what does not read as a sequence of items."""
    try:
        found = Tokens(text)
        if _depth(found) > _DEEPEST:
            return None
        tests: dict[Key, Item] = {}
        ends: dict[tuple[str, ...], int] = {(): len(text)}
        _collect(found, (), tests, ends, Counter())
    except NotRust:
        return None
    return Parsed(text=text, tests=tests, module_ends=ends)


def _depth(found: Iterable[Token]) -> int:
    """Of groups in groups."""
    deepest = depth = 0
    for token in found:
        depth += (token.text in _OPENING) - (token.text in _CLOSING)
        deepest = max(deepest, depth)
    return deepest


def test_functions(text: str) -> dict[str, str] | None:
    """`modules::name` of each test function -> its text without positions; None where it cannot be told.

    What stands beside the tests within a module that is for tests only counts as text of all of them.
    """
    parsed = parse(text)
    if parsed is None:
        return None
    found: dict[str, str] = {}
    try:
        for item in parsed.tests.values():
            inner = list(_functions(item))
            shared = "" if item.is_test else "\n".join(token.text for token in _rest(item, inner))
            for function in inner:
                name = "::".join((*function.path, function.name))
                found[name] = shared + "\n" + parsed.text[function.start : function.end]
    except NotRust:
        return None
    return found


def given_names(text: str) -> frozenset[str] | None:
    """The names after each `macro_rules!` and after each `as`, wherever; None for what is not Rust."""
    try:
        found = [token.text for token in tokens(text) if token.kind is not Kind.DOC]
    except NotRust:
        return None
    macros = {found[at + 2] for at in range(len(found) - 2) if found[at : at + 2] == ["macro_rules", "!"]}
    return frozenset(macros | {name for word, name in pairwise(found) if word == "as"})


# --- two versions ------------------------------------------------------------------------------------------------


def _exchanged(source: Parsed, tests: Parsed) -> str | None:
    """`source` with the tests of the other: replaced where they stand, left out, or put at their module's end."""
    changes: list[tuple[int, int, str]] = []
    for key, item in source.tests.items():
        changes.append((item.start, item.end, tests.piece(key) if key in tests.tests else ""))
    for key, item in tests.tests.items():
        if key not in source.tests:
            end = source.module_ends.get(item.path)
            if end is None:
                return None
            changes.append((end, end, f"\n{tests.piece(key)}\n"))
    backwards: list[str] = []
    place = len(source.text)
    for start, end, piece in sorted(changes, key=lambda change: change[:2], reverse=True):
        backwards += (source.text[end:place], piece)
        place = start
    return "".join((source.text[:place], *reversed(backwards)))


# --- items -------------------------------------------------------------------------------------------------------


def _collect(
    found: Sequence[Token],
    path: tuple[str, ...],
    tests: dict[Key, Item],
    ends: dict[tuple[str, ...], int],
    seen: Counter[tuple[tuple[str, ...], str, str]],
) -> None:
    for item in _items(found, path):
        if item.is_for_tests:
            same = (path, item.kind, item.name)
            tests[(*same, seen[same])] = item
            seen[same] += 1
        elif item.body_end >= 0:
            inner = (*path, item.name)
            if inner in ends:
                raise NotRust("two modules of one name")
            ends[inner] = item.body_end
            _collect(item.body, inner, tests, ends, seen)


def _items(found: Sequence[Token], path: tuple[str, ...]) -> Iterator[Item]:
    place = 0
    while place < len(found):
        if _is_inner_attribute(found, place):
            place = _group_end(found, place + 2)
            continue
        item, place = _item(found, place, path)
        yield item


def _is_inner_attribute(found: Sequence[Token], place: int) -> bool:
    return [token.text for token in found[place : place + 3]] == ["#", "!", "["]


def _item(found: Sequence[Token], place: int, path: tuple[str, ...]) -> tuple[Item, int]:
    start = place
    attributes = []
    while place < len(found):
        if found[place].kind is Kind.DOC:
            place += 1
        elif found[place].text == "#" and _text_at(found, place + 1) == "[":
            end = _group_end(found, place + 1)
            attributes.append(tuple(token.text for token in found[place + 2 : end - 1]))
            place = end
        else:
            break
    kind, name, at = _head(found, place)
    end, opening = _item_end(found, at, kind)
    body: Sequence[Token] = ()
    body_end = -1
    if kind == "mod" and opening >= 0:
        body, body_end = found[opening + 1 : end - 1], found[end - 1].start
    return (
        Item(
            path=path,
            kind=kind,
            name=name,
            attributes=tuple(attributes),
            start=found[start].start,
            end=found[end - 1].end,
            body=body,
            body_end=body_end,
        ),
        end,
    )


def _head(found: Sequence[Token], place: int) -> tuple[str, str, int]:
    """(kind, name, where to look for the end). Raises `NotRust` for what begins no item."""
    while _text_at(found, place) in _BEFORE and not _is_macro(found, place):
        place += 1
        if found[place - 1].text == "pub" and _text_at(found, place) == "(":
            place = _group_end(found, place)
    word = _text_at(found, place)
    if _is_macro(found, place):
        macro = word == "macro_rules"
        return f"{word}!", _text_at(found, place + 2) if macro else _until_semicolon(found, place), place
    if word in ("const", "extern") and (kind := _qualified(found, place)):
        return kind, _name_after(found, place, kind), place
    if word not in _KEYWORDS:
        raise NotRust(f"no item begins with {word!r}")
    if word in ("use", "impl", "extern"):
        return word, _until_semicolon(found, place), place
    return word, _text_at(found, place + 1), place


def _qualified(found: Sequence[Token], place: int) -> str:
    """`fn` for `const unsafe fn`, `extern "C" fn`; "" where const or extern is the kind itself."""
    for token in found[place : place + 6]:
        if token.text in ("fn", "impl", "trait", "mod"):
            return token.text
        if token.text not in ("const", "extern", "unsafe", "async") and token.kind is not Kind.LITERAL:
            return ""
    return ""


def _name_after(found: Sequence[Token], place: int, kind: str) -> str:
    while found[place].text != kind:
        place += 1
    return _text_at(found, place + 1)


def _until_semicolon(found: Sequence[Token], place: int) -> str:
    """What tells such an item from others: its text up to its braces or its end."""
    words = []
    for token in found[place:]:
        if token.text in ("{", ";"):
            break
        words.append(token.text)
    return " ".join(words)


def _is_macro(found: Sequence[Token], place: int) -> bool:
    """`name!` or `path::to::name!`."""
    if place >= len(found) or found[place].kind is not Kind.WORD:
        return False
    while _text_at(found, place + 1) == ":" and _text_at(found, place + 2) == ":":
        place += 3
    return _text_at(found, place + 1) == "!" and _text_at(found, place + 2) != "="


def _item_end(found: Sequence[Token], place: int, kind: str) -> tuple[int, int]:
    """(the index after the item's last token, the index of the brace that its body begins with or -1)."""
    to_semicolon = kind in _TO_SEMICOLON or kind == "const"
    while place < len(found):
        text = found[place].text if found[place].kind is Kind.MARK else ""
        if text == ";":
            return place + 1, -1
        if text in _OPENING:
            end = _group_end(found, place)
            if text == "{" and not to_semicolon:
                return end, place
            place = end
        elif text in _CLOSING:
            raise NotRust("a bracket that was not opened")
        else:
            place += 1
    raise NotRust("an item without an end")


def _group_end(found: Sequence[Token], place: int) -> int:
    """The index after the bracket that closes the one at `place`."""
    open_: list[str] = []
    for index in range(place, len(found)):
        text = found[index].text if found[index].kind is Kind.MARK else ""
        if text in _OPENING:
            open_.append(_OPENING[text])
        elif text in _CLOSING:
            if open_.pop() != text:
                raise NotRust("brackets that do not fit each other")
            if not open_:
                return index + 1
    raise NotRust("a bracket without an end")


def _text_at(found: Sequence[Token], place: int) -> str:
    return found[place].text if place < len(found) else ""


# --- what makes a test -------------------------------------------------------------------------------------------


def _path_of(attribute: tuple[str, ...]) -> list[str]:
    """`tokio`, `test` of `#[tokio::test(flavor = "x")]`."""
    names = []
    for word in attribute:
        if word == ":":
            continue
        if not re.match(r"\w", word):
            break
        names.append(word)
    return names


def _implies_test(attribute: tuple[str, ...]) -> bool:
    """`cfg(test)`, `cfg(all(test, ...))`; not `cfg(any(test, feature = "x"))` and not `cfg(not(test))`."""
    return attribute[:2] == ("cfg", "(") and _predicate(attribute[2:-1])


def _predicate(words: tuple[str, ...]) -> bool:
    if words == ("test",):
        return True
    if words[:2] == ("all", "("):
        return any(_predicate(part) for part in _arguments(words[2:-1]))
    if words[:2] == ("any", "("):
        parts = list(_arguments(words[2:-1]))
        return bool(parts) and all(_predicate(part) for part in parts)
    return False


def _arguments(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    depth, start = 0, 0
    for place, word in enumerate(words):
        depth += (word in _OPENING) - (word in _CLOSING)
        if word == "," and depth == 0:
            yield words[start:place]
            start = place + 1
    if words[start:]:
        yield words[start:]


def _functions(item: Item) -> Iterator[Item]:
    """The test functions of an item that is for tests only, itself included."""
    if item.is_test:
        yield item
    elif item.body_end >= 0:
        for inner in _items(item.body, (*item.path, item.name)):
            yield from _functions(inner)


def _rest(item: Item, functions: Iterable[Item]) -> list[Token]:
    """The tokens of a module's body that belong to none of its test functions."""
    spans = [(function.start, function.end) for function in functions]
    starts = [start for start, _ in spans]
    return [token for token in item.body if not _is_within(token, spans, bisect_right(starts, token.start) - 1)]


def _is_within(token: Token, spans: Sequence[tuple[int, int]], last: int) -> bool:
    """`last`: the span that begins last before the token, or -1; spans are in order and apart."""
    return last >= 0 and token.start < spans[last][1]
