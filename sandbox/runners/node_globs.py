"""File patterns as JavaScript's tools write them (`test/**/*.spec.{js,ts}`, `?(*.)+(spec|test).js`). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

_GROUPS = {"?": "?", "*": "*", "+": "+", "@": ""}


def matches(path: str, patterns: Iterable[str]) -> bool:
    """True where any pattern takes the whole path, relative to the tree's root; one with `!` before it takes it out."""
    found = False
    for pattern in patterns:
        if pattern.startswith("!") and not pattern.startswith("!("):
            if _compiled(_plain(pattern[1:])).fullmatch(path):
                return False
        elif _compiled(_plain(pattern)).fullmatch(path):
            found = True
    return found


def is_pattern(word: str) -> bool:
    return re.search(r"[*?{\[]|[+@!]\(", word) is not None


def _plain(pattern: str) -> str:
    return re.sub(r"^(?:<rootDir>/|\./|/)+", "", pattern)


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> re.Pattern[str]:
    try:
        return re.compile(_regex(pattern))
    except re.error:
        return re.compile(re.escape(pattern))


def _regex(pattern: str) -> str:
    made, index, closers = "", 0, []
    while index < len(pattern):
        character, after = pattern[index], pattern[index + 1 : index + 2]
        if pattern.startswith("**/", index):
            made, index = f"{made}(?:[^/]+/)*", index + 3
            continue
        if character in _GROUPS and after == "(":
            closers.append(f"){_GROUPS[character]}")
            made, index = f"{made}(?:", index + 2
            continue
        if character == "{":
            closers.append(")")
            made += "(?:"
        elif character in ")}" and closers:
            made += closers.pop()
        elif character == "(":
            closers.append(")")
            made += "(?:"
        elif character == "|" or (character == "," and closers):
            made += "|"
        elif character == "*":
            made += ".*" if after == "*" else "[^/]*"
            index += after == "*"
        elif character == "?":
            made += "[^/]"
        elif character == "[":
            end = pattern.find("]", index + 1)
            inner = pattern[index + 1 : end] if end > 0 else ""
            made += f"[{inner.replace('!', '^', 1) if inner.startswith('!') else inner}]" if inner else re.escape("[")
            index = end if inner else index
        else:
            made += re.escape(character)
        index += 1
    return made + "".join(reversed(closers))
