"""Text of strangers on its way to a model: hidden parts removed, then fenced and labelled. Pure."""

from __future__ import annotations

import hashlib
import itertools

from agents.prompts.visible import visible


def fenced(label: str, text: str) -> str:
    """Visible text between two lines that it does not hold: what stands between them is data."""
    return enclosed(label, visible(text).strip("\n"))


def enclosed(label: str, shown: str) -> str:
    """Text as it is between two lines that it does not hold."""
    digests = (hashlib.sha256(f"{count}:{shown}".encode()).hexdigest()[:12] for count in itertools.count())
    mark = next(digest for digest in digests if digest not in shown)
    return f"<<{label} {mark}>>\n{shown}\n<</{label} {mark}>>"
