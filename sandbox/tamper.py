"""Signs in the trees themselves that a patch reaches for the judge instead of the bug. Pure.

What a run shows (forged reports, canaries) is in the runners' parsing; this is what can be told before anything runs.
"""

from __future__ import annotations

import configparser
from collections.abc import Iterable, Mapping

from sandbox import parts
from sandbox.errors import PatchRefused
from sandbox.types import Patch, RepoView


def static_signs(base: RepoView, patched: RepoView, changed: Iterable[str]) -> tuple[str, ...]:
    """One sentence for each changed file that would load itself into the test process or take the runner's place."""
    found = (parts.signs_of(base, patched, path) for path in sorted(changed) if patched.read(path) is not None)
    return tuple(sign for signs in found for sign in signs)


def reached(patch: Patch, changed: frozenset[str], symlinks: frozenset[str], odd_modes: Mapping[str, str]) -> None:
    """Refuse a patch whose effect on the tree is not what its text announces.

    `changed`: the paths that differ after applying it; `odd_modes`: those whose new mode is no regular file's. Raises
    `PatchRefused`.
    """
    announced = {change.path for change in patch.changes}
    announced |= {change.renamed_from for change in patch.changes if change.renamed_from is not None}
    for path in sorted(announced):
        names = path.split("/")
        for depth in range(1, len(names) + 1):
            if "/".join(names[:depth]) in symlinks:
                raise PatchRefused(f"{path}: goes through or replaces a symbolic link of the repository")
    for path, mode in sorted(odd_modes.items()):
        raise PatchRefused(f"{path}: would become a file of mode {mode}")
    if hidden := changed - announced:
        raise PatchRefused(f"{min(hidden)}: the patch changes it without announcing it")


def same_test_sections(path: str, before: bytes | None, after: bytes | None) -> bool:
    """True when a manifest that may hold test configuration keeps that part of it as it was.

    Files that hold nothing else (conftest.py, pytest.ini ...) are never the same once they differ; neither is one that
    cannot be parsed.
    """
    if before is None or after is None:
        return False
    try:
        return bool(parts.test_sections(path, before) == parts.test_sections(path, after))
    except (ValueError, AttributeError, RecursionError, configparser.Error):
        # No manifest at all: other values than tables where tables belong, nesting without end.
        return before == after
