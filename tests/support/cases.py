"""Case repositories (`tests/cases/<language>/<name>/`) as trees, and patches on them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from sandbox.tree import GitTree, create
from sandbox.types import CommitSha

CASES = Path(__file__).parent.parent / "cases"
COMMIT = CommitSha("0" * 40)
"""For verifications whose base is a tree without a commit."""


def files_of(directory: Path) -> dict[str, bytes]:
    ignored = {"__pycache__", ".pytest_cache"}
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file() and ignored.isdisjoint(path.parts)
    }


def case(name: str, scratch: Path) -> GitTree:
    """The tree of a case, in a bare repository at `scratch`."""
    return GitTree.of_files(create(scratch), files_of(CASES / name))


def edit(tree: GitTree, path: str, old: str, new: str) -> GitTree:
    """The tree with `old`, which must be there once, replaced by `new`."""
    data = tree.read(path)
    assert data is not None, path
    text = data.decode()
    assert text.count(old) == 1, (path, old)
    return tree.with_files({path: text.replace(old, new).encode()})


def append(tree: GitTree, path: str, text: str) -> GitTree:
    return tree.with_files({path: (tree.read(path) or b"") + text.encode()})


class FilesView:
    """A `RepoView` of a few files, for pure tests."""

    def __init__(self, files: Mapping[str, str]) -> None:
        self._files = {path: text.encode() for path, text in files.items()}

    def paths(self) -> list[str]:
        return sorted(self._files)

    def read(self, path: str) -> bytes | None:
        return self._files.get(path)
