"""Rust's tokens, as far as items can be told by them: literals and comments never hold a bracket or a keyword. Pure."""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterator, Sequence
from copy import copy
from enum import StrEnum
from sys import intern
from typing import NamedTuple, overload

OPENING = {"{": "}", "(": ")", "[": "]"}
CLOSING = frozenset(OPENING.values())


class Kind(StrEnum):
    WORD = "word"
    LITERAL = "literal"
    DOC = "doc"
    """An outer documentation comment: it belongs to the item after it."""
    MARK = "mark"
    """One character of punctuation."""


class Token(NamedTuple):
    kind: Kind
    text: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.text)


class Tokens(Sequence[Token]):
    """A file's tokens, or a stretch of them, in a few bytes each: generated files have millions. Raises `NotRust`."""

    def __init__(self, text: str) -> None:
        self._texts: list[str] = []
        self._starts = array("Q")
        self._kinds = bytearray()
        self._from, self._to = 0, 0
        for token in tokens(text):
            self._texts.append(token.text)
            self._starts.append(token.start)
            self._kinds.append(_KINDS.index(token.kind))
        self._to = len(self._texts)

    def __len__(self) -> int:
        return self._to - self._from

    def __iter__(self) -> Iterator[Token]:
        for at in range(self._from, self._to):
            yield Token(_KINDS[self._kinds[at]], self._texts[at], self._starts[at])

    @overload
    def __getitem__(self, place: int) -> Token: ...

    @overload
    def __getitem__(self, place: slice) -> Tokens: ...

    def __getitem__(self, place: int | slice) -> Token | Tokens:
        if isinstance(place, slice):
            part = copy(self)
            start, stop, _ = place.indices(len(self))
            part._from, part._to = self._from + start, self._from + max(start, stop)
            return part
        at = range(self._from, self._to)[place]
        return Token(_KINDS[self._kinds[at]], self._texts[at], self._starts[at])


class NotRust(ValueError):
    """Text that ends within a literal, a comment or a bracket."""


_KINDS = tuple(Kind)
_SPACE = re.compile(r"\s+")
_LINE_COMMENT = re.compile(r"//[^\n]*")
_RAW_STRING = re.compile(r'(?:br|cr|r)(#*)"')
_STRING = re.compile(r'[bc]?"(?:[^"\\]|\\.)*"', re.DOTALL)
_CHARACTER = re.compile(r"b?'(?:\\(?:u\{[^}']*\}|x[0-9A-Fa-f]{2}|.)|[^\\'\n])'", re.DOTALL)
_LIFETIME = re.compile(r"'(?:r#)?[^\W\d]\w*")
_WORD = re.compile(r"(?:r#)?[^\W\d]\w*")
_NUMBER = re.compile(r"\d[\w]*(?:\.\d[\w]*)?(?:(?<=[eE])[+-]\d\w*)?")
_COMMENT_EDGE = re.compile(r"/\*|\*/")


def tokens(text: str) -> Iterator[Token]:
    """All but space and plain comments. Raises `NotRust`."""
    place = _after_shebang(text)
    while place < len(text):
        kind, end = _next(text, place)
        if kind is not None:
            piece = text[place:end]
            # The same few words and marks, over and over.
            yield Token(kind, intern(piece) if kind in (Kind.WORD, Kind.MARK) else piece, place)
        place = end


def _after_shebang(text: str) -> int:
    if text.startswith("#!") and not re.match(r"#!\s*\[", text):
        return len(text.partition("\n")[0])
    return 0


def _next(text: str, place: int) -> tuple[Kind | None, int]:
    """(what it is, None for what is skipped; where it ends)."""
    if found := _SPACE.match(text, place):
        return None, found.end()
    if found := _LINE_COMMENT.match(text, place):
        is_doc = found.group().startswith("///") and not found.group().startswith("////")
        return (Kind.DOC if is_doc else None), found.end()
    if text.startswith("/*", place):
        end = _comment_end(text, place)
        is_doc = text.startswith("/**", place) and not text.startswith(("/***", "/**/"), place)
        return (Kind.DOC if is_doc else None), end
    if found := _RAW_STRING.match(text, place):
        return Kind.LITERAL, _raw_end(text, found)
    for pattern, kind in ((_STRING, Kind.LITERAL), (_CHARACTER, Kind.LITERAL), (_LIFETIME, Kind.LITERAL)):
        if found := pattern.match(text, place):
            return kind, found.end()
    if found := _WORD.match(text, place):
        return Kind.WORD, found.end()
    if found := _NUMBER.match(text, place):
        return Kind.LITERAL, found.end()
    if text[place] == '"':
        raise NotRust("a string without an end")
    return Kind.MARK, place + 1


def _comment_end(text: str, place: int) -> int:
    """Block comments nest."""
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, place):
        depth += 1 if edge.group() == "/*" else -1
        if depth == 0:
            return edge.end()
    raise NotRust("a comment without an end")


def _raw_end(text: str, opening: re.Match[str]) -> int:
    closing = '"' + opening.group(1)
    found = text.find(closing, opening.end())
    if found < 0:
        raise NotRust("a string without an end")
    return found + len(closing)
