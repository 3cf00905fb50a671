"""Types of settings that people write more loosely than programs read them: sizes ("4g") and lists of words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated

from pydantic import BeforeValidator, Field

_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30, "t": 1 << 40}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)


def parse_size(value: object) -> object:
    """Bytes of `"4g"`, `"512 MiB"`, `"100"`; what is not text is left to pydantic. Raises ValueError."""
    if not isinstance(value, str):
        return value
    match = _SIZE.fullmatch(value.strip())
    if match is None:
        raise ValueError('a size is a number of bytes or a number with k, m, g or t, as "4g"')
    number, unit = match.groups()
    return int(Fraction(number) * _UNITS[unit.lower()])


def show_size(size: int) -> str:
    """The shortest text that `parse_size` reads back to the same number."""
    for unit in "tgmk":
        if size and size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def split_words(value: object) -> object:
    """`"a, b"` as a list, because a variable cannot hold one; what is not text is left to pydantic."""
    if not isinstance(value, str):
        return value
    return tuple(word for part in value.split(",") if (word := part.strip()))


@dataclass(frozen=True)
class SizeMark:
    """Marks a field as a size, for whoever shows it."""


Size = Annotated[int, BeforeValidator(parse_size), Field(ge=1), SizeMark()]
Words = Annotated[tuple[str, ...], BeforeValidator(split_words)]
