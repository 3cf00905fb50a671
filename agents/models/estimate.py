"""How many tokens a text is at most, where the endpoint does not count for us. Pure.

No tokenizer in the lineup is known here byte for byte, so the estimate leans to the high side by construction: digits,
punctuation and line ends one token each, words at most three letters a token, what is not ASCII one token a byte (the
byte fallback of all of them). What endpoints report afterwards calibrates it: upwards at once, downwards only as far as
the worst ratio seen lately allows.
"""

from __future__ import annotations

import math
import re
from collections import deque
from functools import lru_cache

_TOKEN = re.compile(r"(?<![A-Z])[A-Z][a-z]{1,2}|[a-z]{1,3}|[A-Z]{1,3}|[ \t]{1,4}|[\x00-\x7f]")
"""What counts as one token of ASCII: a word (`Word`, `word` or `WORD`) three letters at a time, white space four
characters at a time, all else one character."""
MARGIN = 1.15
"""Over the worst ratio of reported to estimated tokens among the last calls."""
LOWEST = 0.4
"""A calibrated estimate is never less than this share of the structural one: below it, reports are not believed."""
REMEMBERED = 8
FEW = 200
"""Tokens: a report on a shorter prompt says more about the chat's template than about the text."""


@lru_cache(maxsize=2048)
def structural(text: str) -> int:
    """Tokens by the text's own shape, on the high side. Conversations are weighed again with each turn: remembered."""
    if text.isascii():
        return len(_TOKEN.findall(text))
    ascii_only = text.encode("ascii", "ignore")
    others = len(text.encode("utf-8", "replace")) - len(ascii_only)
    return len(_TOKEN.findall(text)) + others


class Calibration:
    """The factor from structural to real tokens of one endpoint."""

    def __init__(self) -> None:
        self._ratios: deque[float] = deque(maxlen=REMEMBERED)
        self._floor = 0.0

    @property
    def factor(self) -> float:
        if not self._ratios:
            return max(1.0, self._floor)
        return max(LOWEST, self._floor, max(self._ratios) * MARGIN)

    def tokens(self, text: str) -> int:
        return math.ceil(structural(text) * self.factor)

    def learn(self, text: str, reported: int) -> None:
        """What an endpoint said a prompt was. Reports of nothing (many servers say 0) are ignored."""
        self.compare(structural(text), reported)

    def compare(self, estimated: int, reported: int) -> None:
        """`learn`, where the text's structural tokens are known already."""
        if reported > 0 and estimated >= FEW:
            self._ratios.append(reported / estimated)

    def overflowed(self) -> None:
        """The endpoint refused what was counted as fitting: from now on a quarter more is counted."""
        self._floor = self.factor * 1.25
