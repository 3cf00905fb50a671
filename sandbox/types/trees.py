"""Trees of a repository and changes of one, as values and as what is asked of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import NewType, Protocol

CommitSha = NewType("CommitSha", str)


class RepoView(Protocol):
    """Read-only sight of one tree: what buildpacks and the patch policy decide from."""

    def paths(self) -> Iterable[str]:
        """All regular files and symbolic links, sorted."""
        ...

    def read(self, path: str) -> bytes | None:
        """The file's bytes, or None where there is no regular file of that name."""
        ...


class Tree(RepoView, Protocol):
    """One immutable tree: reading it, and making another from it. Nothing of it is ever checked out on the host."""

    @property
    def digest(self) -> str:
        """The git tree id (hexadecimal)."""
        ...

    def tar(self) -> Iterable[bytes]:
        """A tar stream of the whole tree; deterministic for a digest."""
        ...

    def apply(self, diff: str) -> Tree:
        """The tree after a unified diff. Raises `PatchDoesNotApply`."""
        ...

    def with_files(self, files: Mapping[str, bytes | None]) -> Tree:
        """The tree with these files written (bytes) or removed (None)."""
        ...


class Part(StrEnum):
    """What a changed file is, for the verdict (`sandbox.patch.classify`)."""

    SOURCE = "source"
    TEST = "test"
    TEST_CONFIG = "test_config"
    """conftest.py, pytest.ini, the test sections' files ...: always base's version."""
    CI = "ci"


@dataclass(frozen=True, kw_only=True)
class FileChange:
    path: str
    part: Part
    is_new: bool = False
    is_deleted: bool = False
    renamed_from: str | None = None
    added_lines: int = 0
    removed_lines: int = 0


@dataclass(frozen=True, kw_only=True)
class Patch:
    """A policed unified diff: parsed, within limits, no symlink, no path outside the tree (`sandbox.patch.parse`)."""

    diff: str
    changes: tuple[FileChange, ...]

    @property
    def is_empty(self) -> bool:
        return not self.changes

    def paths(self, *parts: Part) -> tuple[str, ...]:
        return tuple(change.path for change in self.changes if not parts or change.part in parts)
