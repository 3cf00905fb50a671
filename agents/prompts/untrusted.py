"""Text of strangers on its way to a model: hidden parts removed, then fenced and labelled. Pure."""

from __future__ import annotations

import hashlib
import itertools
import re

_VISIBLE_OR_COMMENT = re.compile(
    r"(?P<code>^[ ]{0,3}(?P<fence>`{3,}|~{3,})[^\n]*\n.*?(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?P<ticks>`+)(?!`)[^`\n]+(?P=ticks)(?!`))"
    r"|<!--.*?(?:-->|\Z)",
    re.DOTALL | re.MULTILINE,
)
"""A fenced block, a code span, or an HTML comment, whichever begins first: comments in code are shown by GitHub, others
are not."""

_INVISIBLE = re.compile(
    "["
    "\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0"
    "\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    "\x00-\x08\x0b-\x1f\x7f-\x9f"
    "\ud800-\udfff"
    "]"
)
"""Zero-width and direction characters, tags and variation selectors of plane 14, controls but tab and line feed, lone
surrogates: nothing a person reading the issue would see."""


def visible(text: str) -> str:
    """What a person reading the issue on GitHub sees of it, as plain text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return _INVISIBLE.sub("", _VISIBLE_OR_COMMENT.sub(lambda match: match["code"] or "", lines))


def fenced(label: str, text: str) -> str:
    """Visible text between two lines that it does not hold: what stands between them is data."""
    return enclosed(label, visible(text).strip("\n"))


def enclosed(label: str, shown: str) -> str:
    """Text as it is between two lines that it does not hold."""
    digests = (hashlib.sha256(f"{count}:{shown}".encode()).hexdigest()[:12] for count in itertools.count())
    mark = next(digest for digest in digests if digest not in shown)
    return f"<<{label} {mark}>>\n{shown}\n<</{label} {mark}>>"
