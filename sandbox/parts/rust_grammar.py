"""Where the items of a Rust file begin and end, what kind each is and its name. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sandbox.parts.rust_attributes import Attribute, implies_test, makes_test
from sandbox.parts.rust_tokens import CLOSING, OPENING, Kind, NotRust, Token

_TO_SEMICOLON = frozenset({"use", "static", "type"})
_KEYWORDS = frozenset({"fn", "mod", "struct", "enum", "union", "trait", "impl", "const", "extern", *_TO_SEMICOLON})
_BEFORE = frozenset({"pub", "unsafe", "async", "default", "auto", "safe", "gen"})


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item with its documentation and attributes."""

    path: tuple[str, ...]
    """Of the modules around it."""
    kind: str
    name: str
    attributes: tuple[Attribute, ...]
    start: int
    end: int
    body: Sequence[Token] = ()
    """Of a module written out: what is between its braces."""
    body_end: int = -1
    """Where a module's closing brace is."""

    @property
    def is_for_tests(self) -> bool:
        return self.is_test or any(implies_test(attribute) for attribute in self.attributes)

    @property
    def is_test(self) -> bool:
        return any(makes_test(attribute) for attribute in self.attributes)


def items(found: Sequence[Token], path: tuple[str, ...]) -> Iterator[Item]:
    """Raises `NotRust` for what does not read as a sequence of items."""
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
        if text in OPENING:
            end = _group_end(found, place)
            if text == "{" and not to_semicolon:
                return end, place
            place = end
        elif text in CLOSING:
            raise NotRust("a bracket that was not opened")
        else:
            place += 1
    raise NotRust("an item without an end")


def _group_end(found: Sequence[Token], place: int) -> int:
    """The index after the bracket that closes the one at `place`."""
    open_: list[str] = []
    for index in range(place, len(found)):
        text = found[index].text if found[index].kind is Kind.MARK else ""
        if text in OPENING:
            open_.append(OPENING[text])
        elif text in CLOSING:
            if open_.pop() != text:
                raise NotRust("brackets that do not fit each other")
            if not open_:
                return index + 1
    raise NotRust("a bracket without an end")


def _text_at(found: Sequence[Token], place: int) -> str:
    return found[place].text if place < len(found) else ""
