"""The items of a Rust file: which are tests, and two versions of a file with each other's tests. Pure.

Rust keeps unit tests in the files they test. An item is a test where the compiler takes it for tests only: it carries
`#[cfg(test)]`, or an attribute that makes a test of it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from sandbox.parts.rust_grammar import Item, items
from sandbox.parts.rust_tokens import CLOSING, OPENING, Kind, NotRust, Token, Tokens, tokens

_DEEPEST = 100
"""Groups in groups; no file that people write comes near, and reading costs time by the depth."""

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
        depth += (token.text in OPENING) - (token.text in CLOSING)
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
    for item in items(found, path):
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


def _functions(item: Item) -> Iterator[Item]:
    """The test functions of an item that is for tests only, itself included."""
    if item.is_test:
        yield item
    elif item.body_end >= 0:
        for inner in items(item.body, (*item.path, item.name)):
            yield from _functions(inner)


def _rest(item: Item, functions: Iterable[Item]) -> list[Token]:
    """The tokens of a module's body that belong to none of its test functions."""
    spans = [(function.start, function.end) for function in functions]
    starts = [start for start, _ in spans]
    return [token for token in item.body if not _is_within(token, spans, bisect_right(starts, token.start) - 1)]


def _is_within(token: Token, spans: Sequence[tuple[int, int]], last: int) -> bool:
    """`last`: the span that begins last before the token, or -1; spans are in order and apart."""
    return last >= 0 and token.start < spans[last][1]
