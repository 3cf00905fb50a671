"""How many tokens a text is at most, where the endpoint does not count for us. Pure.

No tokenizer in the lineup is known here byte for byte, so the estimate leans to the high side by construction, and is
held against ten real vocabularies (`tests/agents/test_estimate.py`). What looks like language is at most three letters
a token; what looks like noise (keys, digests, base64, source maps) is up to one a letter, as byte pairs find nothing in
it to join; digits, punctuation, tabs and line ends are one each, what is not ASCII one a byte (the byte fallback of all
of them).

What endpoints report afterwards calibrates it: upwards at once and for all text; downwards only for what can be joined
(words, blanks, signs), only as far as the worst ratio seen lately allows, only for text that is made as the one that
was measured, and of words only for those that were in it.
"""

from __future__ import annotations

import math
import re
from collections import Counter, deque
from collections.abc import Mapping
from functools import lru_cache

_TOKEN = re.compile(
    r"[ ]{1,4}|[\x00-@\[-`{-\x7f]"  # blanks; one of what is no letter
    r"|(?<![A-Za-z0-9])[A-Z]?[a-z]{1,3}(?![A-Za-z0-9])"  # a short word by itself
    r"|(?<=[a-z]{9})[a-z]"  # no word goes on for so long without being taken to pieces
    r"|(?=[a-z]{0,2}[aeiouy])[a-z]{3}|(?<=[a-z]{3})[a-z]{1,2}(?![a-z])"  # three letters with a vowel; an ending
    r"|(?<![A-Z])[A-Z](?=[a-z]?[aeiouy])[a-z]{2}|(?=[A-Z]?[AEIOUY])[A-Z]{2}"  # the same in capitals, two at a time
    r"|[A-Za-z]"
)
"""What counts as one token of ASCII. Letters are taken together only where they can be spoken; where capitals, small
letters and digits take turns, as they do in base64, nearly each stands alone."""
_PACKED = re.compile(
    r"(?<![,;])[,;]++(?:(?![A-Z][a-z]{2,7}[,;])(?=[a-z0-9+/]{0,3}[A-Z])[A-Za-z0-9+/]{1,8}+[,;]++){8,}+"
)
"""Short groups with capitals, and no capitalised words, between commas and semicolons, as source maps are made of."""
MARGIN = 1.15
"""Over the worst ratio of reported to estimated tokens among the last calls."""
LOWEST = 0.5
"""A calibrated estimate is never less than this share of the structural one: below it, reports are not believed. (Of
ten vocabularies the best has 0.40 on prose, 0.43 on code.)"""
STRANGENESS = 3.0
"""Text of which a third is of other kinds than in what was measured is counted as if nothing had been."""
REMEMBERED = 8
FEW = 200
"""Tokens: a report on a shorter prompt says more about the chat's template than about the text."""
_WORD = re.compile(r"[A-Za-z]+")
_JOINED = frozenset({"word", "blank", "sign"})
"""Kinds that the size of a vocabulary matters to. The others are never counted lower: one token a character is what
the smallest ones need, and how many they are differs most from text to text."""


@lru_cache(maxsize=2048)
def structural(text: str) -> int:
    """Tokens by the text's own shape, on the high side. Conversations are weighed again with each turn: remembered."""
    return len(_pieces(text)) + _others(text)


def _pieces(text: str) -> list[str]:
    """What counts as one token each; of what is packed, one for each character."""
    return _TOKEN.findall(_PACKED.sub(lambda packed: "\0" * len(packed[0]), text))


def _others(text: str) -> int:
    """Bytes of what is not ASCII."""
    return 0 if text.isascii() else len(text.encode("utf-8", "replace")) - len(text.encode("ascii", "ignore"))


def _kinds(text: str) -> Counter[str]:
    """The structural tokens by kind."""
    kinds = Counter({"other": _others(text)})
    for piece, times in Counter(_pieces(text)).items():
        kinds[_kind(piece)] += times
    return kinds


def _kind(piece: str) -> str:
    if piece == "\0":
        return "packed"
    if piece.isalpha():
        return "word" if len(piece) > 1 else "letter"
    if piece.isdigit():
        return "digit"
    return "blank" if piece[0] == " " else "sign" if piece.isprintable() else "break"


class Calibration:
    """The factor from structural to real tokens of one endpoint."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=REMEMBERED)
        self._measured: deque[Mapping[str, float]] = deque(maxlen=REMEMBERED)
        self._words: deque[frozenset[str]] = deque(maxlen=REMEMBERED)
        self._floor = 0.0

    @property
    def factor(self) -> float:
        """Of a text that is made as those that were measured."""
        if not self._ratios:
            return max(1.0, self._floor)
        return max(LOWEST, self._floor, max(self._ratios) * MARGIN)

    def tokens(self, text: str) -> int:
        factor = self.factor
        if factor >= 1.0:
            return math.ceil(structural(text) * factor)
        kinds = _kinds(text)
        saved = (1.0 - factor) * max(0.0, 1.0 - STRANGENESS * self._strangeness(kinds))
        joined = sum(kinds[kind] for kind in _JOINED) - self._pieces_of_new_words(text)
        return math.ceil(kinds.total() - saved * max(0, joined))

    def learn(self, text: str, reported: int) -> None:
        """What an endpoint said a prompt was. Low reports on a text of digits or noise are ignored as well as those
        that `compare` ignores: they say nothing about words."""
        kinds = _kinds(text)
        if reported >= kinds.total() or 2 * sum(kinds[kind] for kind in _JOINED) > kinds.total():
            self._remember(kinds.total(), reported, _shares(kinds), frozenset(_WORD.findall(text)))

    def compare(self, estimated: int, reported: int) -> None:
        """`learn`, of a text whose structural tokens are known already: for `factor`, as `tokens` has to know what the
        text was made of."""
        self._remember(estimated, reported, {}, frozenset())

    def _remember(self, estimated: int, reported: int, shares: Mapping[str, float], words: frozenset[str]) -> None:
        """Reports of nothing (many servers say 0) and on little are ignored."""
        if reported > 0 and estimated >= FEW:
            self._ratios.append(reported / estimated)
            self._measured.append(shares)
            self._words.append(words)

    def overflowed(self) -> None:
        """The endpoint refused what was counted as fitting: no low report is believed from now on, and a quarter more
        is counted."""
        self._floor = max(1.0, self.factor) * 1.25

    def _pieces_of_new_words(self, text: str) -> int:
        known = frozenset().union(*self._words)
        return sum(times * _joinable(word) for word, times in Counter(_WORD.findall(text)).items() if word not in known)

    def _strangeness(self, kinds: Counter[str]) -> float:
        """The share of a text that is of other kinds than in the measured text that is most like it: 0 to 1."""
        here = _shares(kinds)
        alike = (sum(min(share, there.get(kind, 0.0)) for kind, share in here.items()) for there in self._measured)
        return 1.0 - max(alike, default=0.0)


def _joinable(word: str) -> int:
    """A word's structural tokens of several letters, and the blank or sign before it."""
    return 1 + sum(len(piece) > 1 for piece in _TOKEN.findall(word))


def _shares(kinds: Counter[str]) -> Mapping[str, float]:
    total = max(1, kinds.total())
    return {kind: count / total for kind, count in kinds.items()}
