"""Configuration files that base does not have: which of them may come from the patch. Pure.

Tests and runners find configuration in three ways: upwards from where they stand or start, downwards by a pattern or a
name that something above holds, and in directories that act on the one around them. A new file is the patch's own
where none of these leads from a test to it: its directory is the patch's own, nothing gathers it, and no new test is
beneath it. One that is `plain`, which decides nothing about tests, may also be gathered and stand above new tests, as
the manifest of a new package does.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.parts.rules import Rules
from sandbox.types import RepoView

_ACT_AROUND = frozenset({"buildSrc", "build-logic", "gradle", "META-INF"})
"""Directories whose files act on the directory that they are in, as those with a leading dot do."""


def own_directory(base: RepoView, path: str) -> str:
    """The directory that a new file acts on, where base has nothing in it or below; "" where it has."""
    *directories, _ = path.split("/")
    if "node_modules" in directories:
        # Installed packages serve what stands around their directory.
        directories = directories[: directories.index("node_modules")]
    if not directories or any(name.startswith(".") or name in _ACT_AROUND for name in directories):
        return ""
    directory = "/".join(directories)
    return "" if any(f"{known}/".startswith(f"{directory}/") for known in base.paths()) else directory


def may_join(rules: Iterable[Rules], base: RepoView, patched: RepoView, path: str, new_tests: Iterable[str]) -> bool:
    """Whether a configuration file that base does not have may be as the patch has it.

    `rules`: all those that take it for configuration; `new_tests`: what the runner collects of the patch's files.
    """
    directory = own_directory(base, path)
    known = tuple(rules)
    if not directory:
        return False
    if all(one.plain is not None and one.plain(base, patched, path) for one in known):
        return True
    if any(one.gathers is not None and one.gathers(base, patched, path) for one in known):
        return False
    return not any(test.startswith(f"{directory}/") for test in new_tests)
