"""The comments and tags in Markdown, and what of it they hide. Pure."""

from __future__ import annotations

import html
import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

_INLINE = re.compile(r"\\[!-/:-@\[-`{-~]|(?P<ticks>`++)|<(?=[A-Za-z/!?])", re.DOTALL)
"""What takes part in deciding what is markup in a paragraph: an escape, a run of backticks, a possible tag."""
_RAW = re.compile(r"<(?=[A-Za-z/!?])")
_NAME = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][^\s/>]*+)")
_ATTRIBUTE = re.compile(r"(?P<name>[^\s/>][^\s/>=]*+)(?:\s*+=\s*+(?P<value>\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+))?+")
_RAW_TAG = re.compile(
    r"(?:[\s/]++|[^\s/>][^\s/>=]*+(?:\s*+=\s*+(?:\"[^\"]*+(?:\"|\Z)|'[^']*+(?:'|\Z)|[^\s>\"'][^\s>]*+))?+)*+>?"
)
"""The rest of a tag as a browser reads it in an HTML block: it has no errors, at worst it goes on to the end."""
_STRICT_TAG = re.compile(
    r"(?:\s++[A-Za-z_:][\w.:-]*+(?:\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s\"'=<>`]++))?+)*+\s*+/?+(?P<closed>>)?+"
)
"""The rest of a tag as CommonMark wants it in a paragraph: anything else is text."""
_STRICT_NAME = re.compile(r"<(?P<end>/?)(?P<name>[A-Za-z][A-Za-z0-9-]*+)(?=[\s/>])")
_STRICT_END = re.compile(r"\s*+(?P<closed>>)?+")
_AUTOLINK = re.compile(r"<(?:[A-Za-z][A-Za-z0-9.+-]{1,31}:[^\s<>]*+|[\w.!#$%&'*+/=?^`{|}~-]++@[A-Za-z0-9.-]++)>")
_COMMENT_END = re.compile(r"--!?>")

_STYLE = re.compile(r"display\s*+:\s*+none|visibility\s*+:\s*+hidden|(?:font-size|opacity)\s*+:\s*+0|\\", re.IGNORECASE)
"""A style that hides. A backslash could spell any of them."""
_STYLE_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_FILTERED = frozenset({"title", "textarea", "style", "xmp", "iframe", "noembed", "noframes", "script", "plaintext"})
"""Tags that GitHub shows as text: https://github.github.com/gfm/#disallowed-raw-html-extension-"""
_EMPTY = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
"""HTML's elements without an end."""


@dataclass(frozen=True, slots=True)
class Region:
    """A paragraph, a heading, a table's cell, or (raw) a block of HTML."""

    start: int
    end: int
    raw: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """A comment (without a name) or a tag. Where the element has no end tag of its own it goes on to `without_tag`."""

    start: int
    end: int
    without_tag: int
    name: str = ""
    closes: bool = False
    hides: bool = True


class Scanner:
    """Finds the comments and tags of regions, in order."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._marks: list[_Mark] = []
        self._spans: list[tuple[int, int]] = []
        self._open: int | None = None
        self._patience = 10 * len(text) + 1_000

    def finished(self) -> list[_Mark]:
        if self._open is not None:
            self._marks.append(_Mark(start=self._open, end=len(self._text), without_tag=len(self._text)))
            self._open = None
        return self._marks

    def without_spans(self) -> str:
        """The text with blanks for spans of code."""
        parts, at = [], 0
        for start, end in self._spans:
            parts += [self._text[at:start], " " * (end - start)]
            at = end
        return "".join([*parts, self._text[at:]])

    def scan(self, region: Region) -> None:
        at = region.start
        if self._open is not None:
            found = _COMMENT_END.search(self._text, at, region.end) if region.raw else None
            if not found:
                return
            self._marks.append(_Mark(start=self._open, end=found.end(), without_tag=found.end()))
            self._open, at = None, found.end()
        if region.raw:
            self._scan_raw(at, region.end)
        else:
            self._scan_inline(region)

    def _scan_raw(self, at: int, end: int) -> None:
        while found := _RAW.search(self._text, at, end):
            at = self._html(found.start(), end)

    def _html(self, start: int, end: int) -> int:
        """Reads what a browser reads at a `<`, and returns where it goes on."""
        if self._text.startswith("<!--", start):
            return self._comment(start, end)
        named = _NAME.match(self._text, start, end)
        if not named:
            after = self._text.find(">", start, end) + 1 or end
            self._marks.append(_Mark(start=start, end=after, without_tag=after))
            return after
        if named["name"].lower() in _FILTERED:
            return start + 1
        rest = _RAW_TAG.match(self._text, named.end(), end)
        after = rest.end() if rest else end
        self._tag(named, after, end)
        return after

    def _comment(self, start: int, end: int) -> int:
        short = re.compile("-?>").match(self._text, start + 4, end)
        found = short or _COMMENT_END.search(self._text, start + 4, end)
        if not found:
            self._open = start if self._open is None else self._open
            return end
        self._marks.append(_Mark(start=start, end=found.end(), without_tag=found.end()))
        return found.end()

    def _tag(self, named: re.Match[str], after: int, end: int) -> None:
        name, closes = named["name"].lower(), bool(named["end"])
        hides = not closes and (name == "template" or _hides(self._text[named.end() : after]))
        without_tag = after if name in _EMPTY or name == "template" else end
        self._marks.append(
            _Mark(start=named.start(), end=after, without_tag=without_tag, name=name, closes=closes, hides=hides)
        )

    def _scan_inline(self, region: Region) -> None:
        at, end, text = region.start, region.end, self._text
        closing: defaultdict[int, list[int]] = defaultdict(list)
        for run in reversed(list(re.compile("`++").finditer(text, at, end))):
            closing[len(run[0])].append(run.start())
        last = {mark: text.rfind(mark, at, end) for mark in ("-->", "?>", "]]>", ">")}
        while found := _INLINE.search(text, at, end):
            at = found.end()
            if found["ticks"]:
                ends = closing[len(found["ticks"])]
                while ends and ends[-1] < at:
                    ends.pop()
                if ends:
                    at = ends[-1] + len(found["ticks"])
                    self._spans.append((found.start(), at))
            elif found[0] == "<":
                at = self._inline_html(found.start(), end, last)

    def _inline_html(self, start: int, end: int, last: dict[str, int]) -> int:
        """Reads what CommonMark takes for HTML in a paragraph, or only its `<` as text."""
        text = self._text
        if text.startswith(("<!", "<?"), start):
            close = _closing(text, start)
            if not close or last[close] < start + 2:
                return start + 1
            until = text.find(close, start + 2, end) + len(close)
        else:
            if link := _AUTOLINK.match(text, start, end):
                return link.end()
            until = self._strict_end(start, end) if last[">"] > start else start + 1
            if until == start + 1:
                return until
        at = start
        while at < until and (found := _RAW.search(text, at, until)):
            at = self._html(found.start(), until)
        return until

    def _strict_end(self, start: int, end: int) -> int:
        """The end of a tag; one further for a text that is none. Text that takes too long to tell is all a tag."""
        named = _STRICT_NAME.match(self._text, start, end)
        if not named:
            return start + 1
        rest = (_STRICT_END if named["end"] else _STRICT_TAG).match(self._text, named.end(), end)
        assert rest, "every part of it may be absent"
        if rest["closed"]:
            return rest.end()
        self._patience -= rest.end() - start
        return start + 1 if self._patience > 0 else end


def _closing(text: str, start: int) -> str | None:
    if text.startswith("<!--", start):
        return "-->"
    if text.startswith("<?", start):
        return "?>"
    if text.startswith("<![CDATA[", start):
        return "]]>"
    return ">" if text[start + 2 : start + 3].isalpha() else None


def _hides(attributes: str) -> bool:
    for attribute in _ATTRIBUTE.finditer(attributes):
        name = attribute["name"].lower()
        style = html.unescape(attribute["value"] or "") if name == "style" else ""
        if name == "hidden" or _STYLE.search(_STYLE_COMMENT.sub("", style)):
            return True
    return False


def elements(marks: Iterable[_Mark]) -> Iterator[tuple[int, int]]:
    """Comments, and hidden elements up to their own end tags."""
    opened: defaultdict[str, list[_Mark]] = defaultdict(list)
    for mark in marks:
        if not mark.name:
            yield mark.start, mark.end
        elif not mark.closes:
            opened[mark.name].append(mark)
        elif opened[mark.name]:
            begun = opened[mark.name].pop()
            if begun.hides:
                yield begun.start, mark.end
    for mark in itertools.chain.from_iterable(opened.values()):
        if mark.hides:
            yield mark.start, mark.without_tag
