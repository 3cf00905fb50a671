"""JSON of what is sent again with every call. A call extends the one before it, so each part is written once."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from agents.errors import ModelRefused

T = TypeVar("T")

_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, check_circular=False, separators=(",", ":")).encode


class WrittenOnce(Generic[T]):
    """Things that each stand for some JSON values; what was not asked for last time is forgotten.

    Safe to share between threads.
    """

    def __init__(self, values: Callable[[T], Sequence[Mapping[str, Any]]]) -> None:
        self._values = values
        self._written: dict[int, tuple[T, tuple[str, ...]]] = {}

    def texts(self, things: Sequence[T]) -> list[tuple[str, ...]]:
        """Of each thing, its values as JSON. Raises ValueError, TypeError for what JSON has no words for."""
        before = self._written
        # The thing is kept with its text, so that its identity is not given to another.
        entries = [before.get(id(thing)) or (thing, tuple(map(_encode, self._values(thing)))) for thing in things]
        self._written = {id(thing): (thing, texts) for thing, texts in entries}
        return [texts for _, texts in entries]

    def array(self, things: Sequence[T]) -> str:
        """All their values as one JSON array. Raises as `texts` does."""
        return array(text for texts in self.texts(things) for text in texts)


def written(model: str, ask: Callable[[], bytes]) -> bytes:
    """A request's body. Raises `ModelRefused` for what JSON has no words for: nothing is sent, and nothing paid."""
    try:
        return ask()
    except (ValueError, TypeError, RecursionError) as error:
        refused = ModelRefused(f"{model}: the request cannot be written as JSON ({type(error).__name__}: {error})")
        refused.unpaid = True
        raise refused from error


def array(texts: Iterable[str]) -> str:
    return f"[{','.join(texts)}]"


def joined(values: Mapping[str, Any], arrays: Mapping[str, str]) -> bytes:
    """One JSON object of values and of arrays that are JSON already; what is no Unicode in it becomes a question mark.

    Raises ValueError, TypeError.
    """
    pairs = [*((key, _encode(value)) for key, value in values.items()), *arrays.items()]
    return f"{{{','.join(f'{_encode(key)}:{text}' for key, text in pairs)}}}".encode("utf-8", "replace")
