"""New packages of a JavaScript tree: what of their configuration may come from a patch. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase

from sandbox.parts import node_imports
from sandbox.types import RepoView

_OF_A_PACKAGE = frozenset({"scripts", "config", "directories", "lint-staged", "wireit"})
"""Of what a package.json says about tests: what is read only where somebody runs that package's own scripts."""
_GATHERING = re.compile(
    r"(?:^|/)(?:package\.json|pnpm-workspace\.yaml|lerna\.json|rush\.json|jest[^/]*\.(?:config|preset)\.[^/]+|"
    r"(?:vite|vitest)[^/]*\.config\.[^/]+|(?:vitest|vite)\.(?:workspace|projects)\.[^/]+)$"
)
_WHOLE = re.compile(r"\.(?:workspace|projects)\.[^/]+$|^pnpm-workspace\.yaml$")
"""Files that hold nothing but what they take in."""
_KEY = re.compile(
    r"\b(?:(?:projects|workspaces|packages)\b[\"']?[ \t]{0,20}:|workspace\b[\"']?[ \t]{0,20}:(?![*^~.\w]))"
    r"[ \t\n]{0,200}"
)
"""Not the `workspace:*` of a dependency."""
_MADE = re.compile(r"\b(?:projects|workspace)\b[ \t\n]{0,20}[,}=]")
"""In a program: a list that was made before, or is given afterwards."""
_ELSEWHERE = re.compile(r"\b(?:projects|workspaces?)\b")
"""In what a configuration loads: whatever it takes in."""
_QUOTED = re.compile(
    r"\"([^\"\n]{1,300})\"|'([^'\n]{1,300})'|`([^`\n]{1,300})`|^[ \t]*-[ \t]+([^\s'\"#]{1,300})", re.MULTILINE
)
_LOOKS = re.compile(r"readdir|glob|walk|find", re.IGNORECASE)
"""What looks on the disk for what there is below the directories that it names."""
_LARGEST = 200_000
_MOST_LOADED = 200
"""Files."""
_LONGEST = 4_000
"""Characters of one value."""


def plain(patched: RepoView, path: str, about_tests: frozenset[str]) -> bool:
    """A package.json without the keys by which tests are started and transformed, its own scripts aside."""
    if path.rpartition("/")[2] != "package.json":
        return False
    try:
        manifest = json.loads((patched.read(path) or b"").decode("utf-8"))
    except (ValueError, RecursionError):
        return False
    return isinstance(manifest, dict) and (about_tests - _OF_A_PACKAGE).isdisjoint(manifest)


def gathers(base: RepoView, path: str) -> bool:
    """Base's projects and workspaces take in the file or its directory: by name, by a pattern, or by what a program
    computes. Installed packages are base's, so no manifest of the patch's can take anything in."""
    directory = path.rpartition("/")[0]
    return any(fnmatchcase(one, place) for place in _places(base) for one in (path, directory))


def _places(view: RepoView) -> Iterator[str]:
    """Patterns and directories from the root; `**` where they cannot be read."""
    known = frozenset(path for path in view.paths() if "node_modules/" not in path)
    gathering = [path for path in sorted(known) if _GATHERING.search(path)]
    if any(_ELSEWHERE.search(_text(view, path)) for path in _loaded(view, gathering, known)):
        yield "**"
    for path in gathering:
        text = _text(view, path)
        if len(text) > _LARGEST or (path.endswith(node_imports.SUFFIXES) and _MADE.search(text)):
            yield "**"
        elif _WHOLE.search(path):
            yield from _named(text, posixpath.dirname(path))
        for key in _KEY.finditer(text[:_LARGEST]):
            value = text[key.end() : key.end() + _LONGEST]
            if value[:1] in ("[", "{", '"', "'", "`", "-"):
                # To the end of the list. One in another is rare.
                yield from _named(value.split("]")[0], posixpath.dirname(path))
            else:
                yield "**"


def _loaded(view: RepoView, programs: list[str], known: frozenset[str]) -> frozenset[str]:
    """What they load of the tree, and what that loads."""
    found: set[str] = set()
    waiting = [path for path in programs if path.endswith(node_imports.SUFFIXES)]
    while waiting and len(found) < _MOST_LOADED:
        new = node_imports.imported(view, waiting.pop(), known).difference(found, programs)
        found |= new
        waiting.extend(path for path in sorted(new) if path.endswith(node_imports.SUFFIXES))
    return frozenset(found)


def _text(view: RepoView, path: str) -> str:
    return (view.read(path) or b"").decode("utf-8", "replace")


def _named(value: str, directory: str) -> Iterator[str]:
    for match in _QUOTED.finditer(value):
        word = next(group for group in match.groups() if group)
        place = posixpath.normpath(posixpath.join(directory, word.replace("<rootDir>", ".").lstrip("/")))
        if place != "." and not word.startswith("!"):
            yield place
            if _LOOKS.search(value):
                yield f"{place}/**"
