"""Which issues a text closes. Pure."""

from __future__ import annotations

import re

CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?):?\s+#(\d+)\b", re.IGNORECASE)


def closes(text: str | None) -> tuple[int, ...]:
    """The issues that a text's closing keywords name (GitHub's nine words before `#N`), each once, in order."""
    return tuple(dict.fromkeys(int(number) for number in CLOSING.findall(text or "")))
