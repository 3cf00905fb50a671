"""Text of strangers on its way to a model: hidden parts removed, then fenced and labelled. Pure."""

from __future__ import annotations

import hashlib
import html
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping

_CODE = (
    r"(?P<code>^[ ]{0,3}(?P<fence>`{3,}+(?=[^`\n]*\n)|~{3,}+)[^\n]*\n.*?(?:^[ ]{0,3}(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|(?<!`)(?P<ticks>`++)[^`\n]++(?P=ticks)(?!`))"
)
"""A fenced block or a code span. It stands first in each pattern: what it holds GitHub shows as it is."""
_TITLE = r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\))"
_FLAGS = re.DOTALL | re.MULTILINE

_MARKUP = re.compile(
    _CODE + r"|(?P<comment><!--.*?(?:-->|\Z))"
    r"|<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?=[\s/>])"
    r"(?P<attributes>(?:[^<>\"']++|\"[^\"]{0,1000}\"|'[^']{0,1000}'){0,100}+)>",
    _FLAGS,
)
_REFERENCE = re.compile(
    _CODE + r"|^(?P<lead>(?:[ ]{0,3}(?:>|(?:[-*+]|\d{1,9}[.)])[ ]))*+[ ]{0,3})"
    r"\[(?:[^\[\]\\]|\\.){1,999}+\]:[ \t]*\n?[ \t]*(?:<[^<>\n]*>|[^\s<]\S*)"
    rf"(?:(?:[ \t]+|[ \t]*\n[ \t]*){_TITLE})?[ \t]*$",
    _FLAGS,
)
"""A link's reference definition, which is not shown whether anything refers to it or not: `[//]: # (a comment)`."""
_TITLED = re.compile(
    _CODE + rf"|(?P<link>\]\(\s*+(?:<[^<>\n]*>|(?:(?!\]\()\S)*+))\s++{_TITLE}\s*+\)",
    _FLAGS,
)
"""A link's or an image's title, which is shown to who points at it."""
_WORDS = re.compile(r"[ ]{0,3}\w")
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_HIDDEN = re.compile(r"\shidden(?![\w-])", re.IGNORECASE)
_STYLE = re.compile(
    r"\sstyle\s*=[^=]*?(?:display\s*:\s*none|visibility\s*:\s*hidden|(?:font-size|opacity)\s*:\s*0)",
    re.IGNORECASE,
)
_NOT_TEXT = frozenset({"template", "script", "style"})
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
"""HTML's elements without an end."""

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
    """What a person reading the issue on GitHub sees of it, as plain text: no more, where in doubt. In linear time."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    shown = _without_references(_without_hidden(lines))
    shown = _TITLED.sub(lambda found: found["code"] or f"{found['link']})", shown)
    return _INVISIBLE.sub("", shown)


def _without_hidden(text: str) -> str:
    """Without comments and elements that are not shown. An element ends with its own end tag; without one, what can
    only be text of no page goes on to the end, as in a browser, and the others to the next empty line."""
    found = [match for match in _MARKUP.finditer(text) if not match["code"]]
    ends = _ends(found)
    shown, at = [], 0
    for match in found:
        if match.start() >= at and _is_hidden(match):
            shown.append(text[at : match.start()])
            at = ends.get(match.start()) or _end_without_tag(match, text)
    return "".join([*shown, text[at:]])


def _ends(found: Iterable[re.Match[str]]) -> Mapping[int, int]:
    """Where the element that starts at a place ends."""
    opened: defaultdict[str, list[int]] = defaultdict(list)
    ends = {}
    for match in found:
        name = (match["name"] or "").lower()
        if not match["end"]:
            opened[name].append(match.start())
        elif opened[name]:
            ends[opened[name].pop()] = match.end()
    return ends


def _is_hidden(match: re.Match[str]) -> bool:
    if match["comment"]:
        return True
    attributes = html.unescape(match["attributes"])
    hides = _HIDDEN.search(_QUOTED.sub("", attributes)) or _STYLE.search(attributes)
    return not match["end"] and (match["name"].lower() in _NOT_TEXT or bool(hides))


def _end_without_tag(match: re.Match[str], text: str) -> int:
    if match["comment"] or match["name"].lower() in _EMPTY:
        return match.end()
    blank = -1 if match["name"].lower() in _NOT_TEXT else text.find("\n\n", match.end())
    return len(text) if blank < 0 else blank


def _without_references(text: str) -> str:
    """Below a line of text a definition is text as well."""
    last = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal last
        if found["code"]:
            return found["code"]
        above = text.rfind("\n", 0, max(0, found.start() - 1)) + 1
        if above >= last and above < found.start() and _WORDS.match(text, above):
            return found[0]
        last = found.end()
        return found["lead"]

    return _REFERENCE.sub(shown, text)


def fenced(label: str, text: str) -> str:
    """Visible text between two lines that it does not hold: what stands between them is data."""
    return enclosed(label, visible(text).strip("\n"))


def enclosed(label: str, shown: str) -> str:
    """Text as it is between two lines that it does not hold."""
    digests = (hashlib.sha256(f"{count}:{shown}".encode()).hexdigest()[:12] for count in itertools.count())
    mark = next(digest for digest in digests if digest not in shown)
    return f"<<{label} {mark}>>\n{shown}\n<</{label} {mark}>>"
