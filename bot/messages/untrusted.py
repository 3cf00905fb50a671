"""Text of others, made harmless before it stands under our App's name. Pure; property-tested.

Issue titles, test names, failure messages, paths and a model's words can hold mentions, references that close issues,
links, images, HTML, our own hidden markers, and characters nobody sees. GitHub reads mentions and references from the
*rendered* text, so a backslash does not stop them. A zero-width space does: the one invisible character made here.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

MAX_BODY = 65_000
"""Characters of one posted text. GitHub's limit is 65,536; a check run's summary ends at 65,535."""

_BREAK = "\u200b"

# Letters and marks that render as nothing; Unicode does not class them as format characters.
_BLANKS = {0x034F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x2800, 0x3164, 0xFFA0}
_VARIATION = (range(0x180B, 0x1810), range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))

_REFERENCE = re.compile(r"#(?=\w)")
_GH_REFERENCE = re.compile(r"\bGH-(?=\d)", re.IGNORECASE)
_SCHEME = re.compile(r"(?<=[A-Za-z0-9+.-]):(?=//)")
_WWW = re.compile(r"www(?=\.)", re.IGNORECASE)
_CLOSING = re.compile(
    r"\b(clos(?:e[sd]?)|fix(?:e[sd])?|resolv(?:e[sd]?))(?=\s*:?\s*(?:[\w.-]+/[\w.-]+)?(?:#|GH-|https?://))",
    re.IGNORECASE,
)
_SKIP_CI = re.compile(r"\[(?=\s*(?:skip|ci|no|actions)[ -](?:ci|skip|actions)\s*\])|\bskip-checks(?=:)", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#|~&$!])")
_LINE_START = re.compile(r"^(\s*)(|\d{1,9}(?=[.)](?:\s|$)))([-+=:.)])")
_SECRETS = re.compile(
    r"\b(?:gh[pousr]_[A-Za-z0-9_]{16,}|github_pat_[A-Za-z0-9_]{16,}|sk-[A-Za-z0-9_-]{16,}|AKIA[0-9A-Z]{16}"
    r"|xox[abprs]-[A-Za-z0-9-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)|(?<=://)[^\s/@]{16,}(?=@)"
    r"|(?i:(?<=authorization: )(?:basic|bearer|token) [^\s'\"]+)"
)
"""Shapes of credentials: tokens by their prefix, private keys, what stands before the host in an address, headers."""


def hidden(marker: str) -> str:
    """The comment that GitHub does not show and that we find our text by."""
    return f"<!-- redgreen:{marker} -->"


def redacted(text: str) -> str:
    """Without anything shaped like a credential. The last net, not the first: secrets should not get this far."""
    return _SECRETS.sub("[redacted]", text)


def plain(text: str, limit: int = 200) -> str:
    """One line for places without markup: titles, commit subjects, annotations. Never empty."""
    return _cut(_inert(" ".join(_visible(text).split())), limit) or "(no text)"


def plain_lines(text: str, limit: int = 2000) -> str:
    """As `plain`, keeping line breaks."""
    return _cut(_inert(_visible(text).strip()), limit) or "(no text)"


def inline(text: str, limit: int = 200) -> str:
    """One line of prose inside markdown (tables included), every construct escaped. Never empty."""
    return _escaped(_cut(" ".join(_visible(text).split()), limit)) or "(no text)"


def quote(text: str, limit: int = 2000) -> str:
    """Paragraphs of prose as a block quote, every construct escaped."""
    lines = [" ".join(line.split()) for line in _cut(_visible(text).strip(), limit).split("\n")]
    return "\n".join(f"> {_escaped(line)}".rstrip() for line in lines)


def code(text: str, limit: int = 300) -> str:
    """One line as a code span. Safe in lists and paragraphs; in a table use `cell`."""
    line = _unclosing(_cut(" ".join(_visible(text).split()), limit)) or " "
    fence = "`" * (_longest_run(line) + 1)
    padded = f" {line} " if line.startswith("`") or line.endswith("`") else line
    return f"{fence}{padded}{fence}"


def cell(text: str, limit: int = 300) -> str:
    """As `code`, inside a table, where a pipe ends the cell even within backticks."""
    if "|" not in text:
        return code(text, limit)
    line = _unclosing(_cut(" ".join(_visible(text).split()), limit))
    return f"<code>{''.join(ch if ch.isalnum() or ch == ' ' else f'&#{ord(ch)};' for ch in line)}</code>"


def block(text: str, limit: int = 4000, language: str = "text") -> str:
    """A fenced block. The fence is longer than any run of backticks inside."""
    inner = _unclosing(_cut(_visible(text).strip("\n"), limit))
    fence = "`" * max(3, _longest_run(inner) + 1)
    return f"{fence}{language}\n{inner}\n{fence}"


def json_block(value: Mapping[str, Any]) -> str:
    """JSON that loads back to the same value; what GitHub or markdown would act on is written as an escape."""
    text = json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    for character in "<>@#`&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    text = _SCHEME.sub(r"\\u003a", text)
    text = _GH_REFERENCE.sub(lambda match: match[0][:2] + "\\u002d", text)
    text = re.sub(r"(www)\.", r"\1\\u002e", text, flags=re.IGNORECASE)
    return f"```json\n{text}\n```"


# --- parts -------------------------------------------------------------------------------------------------------


def _visible(text: str) -> str:
    """Without control, format, private, unassigned and blank characters; line ends are `\\n`, tabs are spaces."""
    unified = text.replace("\r\n", "\n").replace("\r", "\n").replace("\u2028", "\n").replace("\u2029", "\n")
    return "".join(ch for ch in unified.expandtabs(4) if ch == "\n" or not _is_invisible(ch))


def _is_invisible(character: str) -> bool:
    point = ord(character)
    if point in _BLANKS or any(point in span for span in _VARIATION):
        return True
    return unicodedata.category(character) in ("Cc", "Cf", "Co", "Cs", "Cn")


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _inert(text: str) -> str:
    """Mentions, references, addresses, closing words, comment marks and CI switches broken, markup left alone."""
    text = _unclosing(text).replace("@", f"@{_BREAK}")
    text = _REFERENCE.sub(f"#{_BREAK}", text)
    text = _GH_REFERENCE.sub(f"GH-{_BREAK}", text)
    text = _SCHEME.sub(f":{_BREAK}", text)
    text = _WWW.sub(lambda match: match[0] + _BREAK, text)
    return _SKIP_CI.sub(lambda match: match[0] + _BREAK, text)


def _unclosing(text: str) -> str:
    """Inside code GitHub renders nothing, but closing words and our markers are searched for in raw text."""
    text = text.replace("<!--", f"<{_BREAK}!--").replace("-->", f"--{_BREAK}>")
    return _CLOSING.sub(lambda match: match[0][:1] + _BREAK + match[0][1:], text)


def _escaped(line: str) -> str:
    escaped = _MARKDOWN.sub(r"\\\1", line)
    return _inert(_LINE_START.sub(r"\1\2\\\3", escaped))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall(r"`+", text)), default=0)
