"""BM25 over a handful of texts: which of them a query is about. Pure.

Okapi BM25 with the idf that is never negative (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009);
k1 and b are its usual values. Words are split as programmers write them: `readHeader` is also `read` and `header`.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping

K1 = 1.5
B = 0.75
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PART = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "a an and are as at be but by can def do does for from has have if import in is it its none not of on or "
        "return self should that the then there this to true false was we when which will with you",
    )
)


def words(text: str) -> list[str]:
    """Identifiers and their parts, in lower case, without the commonest words."""
    found: list[str] = []
    for match in _WORD.finditer(text):
        whole = match.group()
        parts = [part.lower() for part in _PART.findall(whole)]
        found.extend({whole.lower(), *parts} if len(parts) != 1 else parts)
    return [word for word in found if word not in _COMMON and len(word) > 1]


class Index:
    """Texts by key."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._counts = {key: Counter(words(text)) for key, text in texts.items()}
        self._lengths = {key: sum(counts.values()) for key, counts in self._counts.items()}
        self._mean = sum(self._lengths.values()) / len(texts) if texts else 0.0
        self._holding: Counter[str] = Counter()
        for counts in self._counts.values():
            self._holding.update(counts.keys())

    def scores(self, query: str) -> dict[str, float]:
        """Every key's score; 0 where no word of the query occurs."""
        asked = Counter(words(query))
        return {key: self._score(key, asked) for key in self._counts}

    def _score(self, key: str, asked: Counter[str]) -> float:
        counts, length = self._counts[key], self._lengths[key]
        total = 0.0
        for word, times in asked.items():
            count = counts.get(word, 0)
            if count:
                norm = count + K1 * (1 - B + B * length / self._mean)
                total += min(times, 3) * self._idf(word) * count * (K1 + 1) / norm
        return total

    def _idf(self, word: str) -> float:
        holding = self._holding[word]
        return math.log(1 + (len(self._counts) - holding + 0.5) / (holding + 0.5))
