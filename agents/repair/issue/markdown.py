"""An issue's text as headings, sentences and code blocks. Pure.

Only as much of Markdown as decides what a piece of text is: fences, indented sessions, headings, labels, bullets, code
spans. Everything is bounded: an issue is anybody's text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

MAX_ISSUE = 60_000
"""Characters that are read."""

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})\s*([\w+-]*)")
_HEADING = re.compile(r"^ {0,3}#{1,6}\s+(.*?)\s*#*\s*$")
_BOLD_LINE = re.compile(r"^\s*(?:\*\*|__)([^*_]{1,80})(?:\*\*|__)\s*:?\s*$")
_LABEL_LINE = re.compile(r"^\s*([A-Z][\w' ]{2,50}):\s*$")
_NEW_ITEM = re.compile(r"^\s*(?:[-*+•]|\d{1,3}[.)])\s+|^\s*>\s|^\s*(?:\*\*|__)?[A-Z][\w' ]{1,40}(?:\*\*|__)?:")
_SPAN = re.compile(r"(`+)(.+?)\1", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Prose:
    """One sentence (or line), its code spans taken out: `text` holds `\\0n\\0` where span n stood."""

    text: str
    spans: tuple[str, ...]
    heading: str


@dataclass(frozen=True, kw_only=True)
class Code:
    text: str
    language: str
    heading: str
    lead: str
    """The last sentence before the block."""


Piece = Prose | Code


def pieces(text: str) -> Iterator[Piece]:
    """In the order of the text."""
    heading, lead = "", ""
    paragraph: list[str] = []

    def flush() -> list[Prose]:
        found = list(_sentences(paragraph, heading))
        paragraph.clear()
        return found

    lines = text[:MAX_ISSUE].replace("\r\n", "\n").split("\n")
    position = 0
    while position < len(lines):
        line = lines[position]
        block = _block(lines, position)
        if block is not None:
            for prose in flush():
                yield prose
                lead = plain(prose)
            end, language, code = block
            yield Code(text=code, language=language, heading=heading, lead=lead)
            lead = ""
            position = end
            continue
        title = _HEADING.match(line) or _BOLD_LINE.match(line) or _LABEL_LINE.match(line)
        if title is not None:
            for prose in flush():
                yield prose
            heading, lead = title.group(1), title.group(1)
        elif not line.strip():
            for prose in flush():
                yield prose
                lead = plain(prose)
        else:
            paragraph.append(line)
        position += 1
    yield from flush()


def _block(lines: list[str], position: int) -> tuple[int, str, str] | None:
    """(line after it, language, text) of the code block that begins here; None where none does."""
    fence = _FENCE.match(lines[position])
    if fence is not None:
        mark = fence.group(1)
        end = position + 1
        while end < len(lines) and not lines[end].strip().startswith(mark):
            end += 1
        return end + 1, fence.group(2).lower(), _dedent(lines[position + 1 : end])
    if lines[position].lstrip().startswith(">>> "):
        end = position
        while end < len(lines) and lines[end].strip():
            end += 1
        return end, "pycon", _dedent(lines[position:end])
    if lines[position].startswith("    ") and (position == 0 or not lines[position - 1].strip()):
        end = position
        while end < len(lines) and (lines[end].startswith("    ") or not lines[end].strip()):
            end += 1
        return end, "", _dedent(lines[position:end])
    return None


def _dedent(lines: list[str]) -> str:
    margins = [len(line) - len(line.lstrip(" ")) for line in lines if line.strip()]
    margin = min(margins, default=0)
    return "\n".join(line[margin:] for line in lines).strip("\n")


def _sentences(lines: list[str], heading: str) -> Iterator[Prose]:
    joined: list[str] = []
    for line in lines:
        if joined and not _NEW_ITEM.match(line):
            joined[-1] += " " + line.strip()
        else:
            joined.append(line.strip())
    for item in joined:
        spans: list[str] = []

        def take(match: re.Match[str], into: list[str] = spans) -> str:
            into.append(match.group(2).strip())
            return f"\0{len(into) - 1}\0"

        masked = _SPAN.sub(take, item).replace("**", "").replace("__", "")
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z\0])", masked):
            yield Prose(text=sentence, spans=tuple(spans), heading=heading)


def plain(prose: Prose) -> str:
    """The sentence with its spans back in place, as code spans."""
    return re.sub(r"\0(\d+)\0", lambda m: f"`{prose.spans[int(m.group(1))]}`", prose.text)
