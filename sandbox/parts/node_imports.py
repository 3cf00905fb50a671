"""What JavaScript and TypeScript files load of the tree they are in, as their text says it. Pure; nothing is run.

Imports with a literal, relative name, by whatever word: `import`, `export from`, `require` and its kin, dynamic ones,
`new URL('./x', import.meta.url)`, and paths joined to `__dirname`. A name made while the program runs is not seen, and
one in a comment is seen as well.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Container, Iterator

from sandbox.types import RepoView

SUFFIXES = (".js", ".cjs", ".mjs", ".jsx", ".ts", ".cts", ".mts", ".tsx")
_SPACE = r"[ \t\r\n]{0,40}"
_NAMED = re.compile(
    rf"\b(?:from|import|require(?:\.resolve|Actual|Mock)?|URL){_SPACE}\(?{_SPACE}(?:/\*[^*]{{0,200}}\*/{_SPACE})?"
    r"[\"'`](\.{1,2}(?:/[^\"'`\n$]{0,300})?)[\"'`]"
)
_JOINED = re.compile(
    rf"\b(?:join|resolve)\({_SPACE}(?:__dirname|import\.meta\.dirname)"
    rf"((?:{_SPACE},{_SPACE}[\"'`][^\"'`\n$]{{0,300}}[\"'`]){{1,8}})"
)
_QUOTED = re.compile(r"[\"'`]([^\"'`\n]{0,300})[\"'`]")
_COMPILED = re.compile(r"\.[cm]?jsx?$")
_LARGEST = 400_000
"""Characters; a longer file is no program that people write."""


def imported(view: RepoView, path: str, known: Container[str]) -> frozenset[str]:
    """The files of `known` that a file loads."""
    return frozenset(found for name in names(view, path) for found in (resolved(path, name, known),) if found)


def names(view: RepoView, path: str) -> Iterator[str]:
    """The relative names, as they stand there."""
    text = (view.read(path) or b"").decode("utf-8", "replace")
    if len(text) > _LARGEST:
        return
    yield from (match.group(1) for match in _NAMED.finditer(text))
    for match in _JOINED.finditer(text):
        yield "./" + "/".join(_QUOTED.findall(match.group(1)))


def resolved(path: str, name: str, known: Container[str]) -> str:
    """The file that a name in the file at `path` means; "" where there is none."""
    return next((place for place in places(path, name) if place in known), "")


def places(path: str, name: str) -> Iterator[str]:
    """Where a name may lead, whichever tool resolves it: itself, with a suffix, TypeScript behind a compiled name, a
    directory's index. Nothing outside of the tree."""
    place = posixpath.normpath(posixpath.join(posixpath.dirname(path), name.split("?")[0]))
    if place.startswith("../") or place == "..":
        return
    place = "" if place == "." else place
    if place:
        yield place
        yield from (place + suffix for suffix in SUFFIXES)
        if _COMPILED.search(place):
            yield from (_COMPILED.sub(suffix, place) for suffix in (".ts", ".tsx", ".mts", ".cts"))
    yield from (f"{place}/index{suffix}" if place else f"index{suffix}" for suffix in SUFFIXES)
