"""Text of others made harmless for a terminal, and cut to what a reader can take in. Pure."""

from __future__ import annotations

import unicodedata

SHOWN_LINES = 24
SHOWN_CHARACTERS = 2_400


def harmless(text: str) -> str:
    """What a terminal, or a reader, would take for something else than letters, written as an escape.

    Controls and escape sequences (also those of one byte), marks that turn the direction of writing, characters that
    nobody sees, and what is no character at all. Line feeds stay, tabs become spaces, CRLF is a line end.
    """
    unified = text.replace("\r\n", "\n").expandtabs(4)
    if unified.isascii() and unified.replace("\n", "").isprintable():
        return unified
    return "".join(c if c == "\n" or _is_shown(c) else _escape(c) for c in unified)


def _is_shown(character: str) -> bool:
    return unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def _escape(character: str) -> str:
    point = ord(character)
    if point < 0x100:
        return f"\\x{point:02x}"
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


def line(text: str, most: int = 160) -> str:
    """One harmless line."""
    plain = harmless(" ".join(text.split()))
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def cut(text: str, *, full: bool = False, lines: int = SHOWN_LINES) -> str:
    """A harmless text, or its head and how much more there is."""
    plain = harmless(text).strip("\n")
    head = "\n".join(plain.split("\n")[:lines])[:SHOWN_CHARACTERS]
    if full or len(head) == len(plain):
        return plain
    return f"{head}\n… {len(plain) - len(head):,} more characters (--full)"
