"""What a person sees of an issue's Markdown on GitHub. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from markdown_it import MarkdownIt
from markdown_it.token import Token

from agents.prompts.markup import Region, Scanner, elements

_TITLE = r"(?:\"(?:[^\"\\]|\\.)*+\"|'(?:[^'\\]|\\.)*+'|\((?:[^()\\]|\\.)*+\))"
_TITLED = re.compile(rf"\]\(\s*+(?:<[^<>\n]*+>|(?:(?!\]\()\S)*+)(?P<title>\s++{_TITLE}\s*+)\)", re.DOTALL)
"""A link's or an image's title, which is shown to who points at it."""

_LINE_MARKS = re.compile(r"[\s>*+\-#\d.)]*+")
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


class _Blocks(MarkdownIt):
    """CommonMark's blocks and GFM's tables. A definition is one wherever it points."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url


_BLOCKS = _Blocks("commonmark", {"html": True, "inline_definitions": True}).enable("table").disable("inline")


def visible(text: str) -> str:
    """What a person reading the issue on GitHub sees of it, as plain text: no more, where in doubt. In linear time.

    Not covered, and kept: words behind a fence's opening, footnotes without a reference, a definition behind a task's
    box, and colours or classes that make text unreadable. A hidden element that is never closed ends with its block.
    """
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    page = _Page(lines.replace("\0", "\ufffd"))
    shown, at = [], 0
    for start, end in sorted(page.hidden()):
        shown.append(lines[at:start])
        at = max(at, end)
    return _INVISIBLE.sub("", "".join([*shown, lines[at:]]))


class _Page:
    """A text's blocks. `clean` is as long as the text, with blanks for code and for the marks of quotes and lists."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")
        self._starts = [0, *itertools.accumulate(len(line) + 1 for line in self._lines)]
        self._clean: list[str | None] = [None] * len(self._lines)
        self._regions: list[Region] = []
        self._cuts: list[tuple[int, int]] = []
        for token in _BLOCKS.parse(text):
            if token.map and token.map[0] < token.map[1]:
                self._place(token, *token.map)
        self._place_the_rest()
        self.clean = "\n".join(line or "" for line in self._clean)

    def _place(self, token: Token, first: int, end: int) -> None:
        match token.type:
            case "inline" | "html_block" if self._clean[first] is None:
                self._regions.append(Region(self._starts[first], self._starts[end] - 1, token.type == "html_block"))
                contents = itertools.chain(token.content.split("\n"), itertools.repeat(""))
                for number, content in zip(range(first, end), contents, strict=False):
                    self._clean[number] = _unmarked(self._lines[number], content.strip())
            case "tr_open":
                self._clean[first] = self._lines[first]
                at = self._starts[first]
                for cell in re.split(r"(?<!\\)\|", self._lines[first]):
                    self._regions.append(Region(at, at + len(cell), raw=False))
                    at += len(cell) + 1
            case "fence" | "code_block" | "definition":
                self._clean[first:end] = [" " * len(line) for line in self._lines[first:end]]
                if token.type == "definition":
                    self._cuts.append((self._starts[first] + self._lines[first].index("["), self._starts[end] - 1))
            case _:
                pass  # a container, or what holds no text

    def _place_the_rest(self) -> None:
        """Lines of no block, as where quotes are nested too deeply: as HTML, the most suspicious reading."""
        for number, line in enumerate(self._lines):
            if self._clean[number] is None:
                self._clean[number] = line
                if line.strip():
                    self._regions.append(Region(self._starts[number], self._starts[number] + len(line), raw=True))
        self._regions.sort(key=lambda region: region.start)

    def hidden(self) -> Iterator[tuple[int, int]]:
        """Where there is something that is not shown: parts may overlap."""
        scanner = Scanner(self.clean)
        for region in self._regions:
            scanner.scan(region)
        yield from self._cuts
        yield from elements(scanner.finished())
        unspanned = scanner.without_spans()
        for region in self._regions:
            if not region.raw:
                for titled in _TITLED.finditer(unspanned, region.start, region.end):
                    yield titled.span("title")


def _unmarked(line: str, content: str) -> str:
    """A line with blanks instead of the marks before its content."""
    bare = line.rstrip()
    before = len(bare) - len(content) if bare.endswith(content) else max(0, line.find(content))
    return " " * before + line[before:] if _LINE_MARKS.fullmatch(line, 0, before) else line
