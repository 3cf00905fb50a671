"""Names of files as models write them. Pure."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from sandbox.types import TREE


def relative(path: str) -> str:
    """The path in the tree; models like to write absolute ones, or to begin with `./`. What leaves the tree stays as it
    is: the environment refuses it."""
    inside = path.removeprefix(TREE + "/") if path != TREE else "."
    while inside.startswith("./"):
        inside = inside[2:].lstrip("/")
    return inside or "."


def like(path: str, paths: Iterable[str]) -> list[str]:
    """At most three files that may have been meant: the same name elsewhere, or nearly the same path."""
    known = list(paths)
    name = path.rsplit("/", 1)[-1]
    same_name = [other for other in known if other.rsplit("/", 1)[-1] == name]
    return list(dict.fromkeys([*same_name, *difflib.get_close_matches(path, known, n=3, cutoff=0.75)]))[:3]


def missing(path: str, paths: Iterable[str]) -> str:
    """The sentence for a file that is not there."""
    near = like(path, paths)
    hint = f" Did you mean {' or '.join(near)}?" if near else " Use search or `git ls-files` in the shell to find it."
    return f"There is no file {path}.{hint}"
