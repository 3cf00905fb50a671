"""What a tree holds for `single_shot`: the sources that may be edited, the tests that show the habit. Pure but for
reading the view it is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from agents.repair.localise import is_test_path
from agents.single_shot.languages import language_of
from agents.single_shot.repomap import MOST_BYTES, Definition, definitions
from sandbox.types import RepoView

MOST_FILES = 4_000
_OTHERS = ("node_modules/", "vendor/", "third_party/", "dist/", "build/", ".")
"""Beginnings of paths that are somebody else's code, or generated."""
_TEST_MARKS = (".test.", ".spec.", "_test.go", "Test.java", "Tests.java", "IT.java")
_TEST_FOLDERS = ("src/test/", "spec/", "test/", "tests/", "__tests__/")


@dataclass(frozen=True, kw_only=True)
class Sources:
    files: Mapping[str, str]
    """Source by path: of a language that the map reads, no tests."""
    tests: Mapping[str, str]
    """Test files by path."""

    @cached_property
    def maps(self) -> Mapping[str, tuple[Definition, ...]]:
        return {path: definitions(path, text) for path, text in self.files.items()}

    def function(self, path: str, name: str) -> Definition | None:
        """The one definition that a name means, in one file or ("") anywhere; a function before a class."""
        found = [
            one
            for place, ones in self.maps.items()
            if path in ("", place)
            for one in ones
            if name in (one.name, one.short_name)
        ]
        functions = [one for one in found if one.is_function] or found
        exact = [one for one in functions if one.name == name]
        best = exact or functions
        return best[0] if len(best) == 1 else None


def is_test(path: str) -> bool:
    """By its name alone: nothing that a patch may edit."""
    return (
        is_test_path(path)
        or any(mark in path for mark in _TEST_MARKS)
        or any(path.startswith(folder) or f"/{folder}" in path for folder in _TEST_FOLDERS)
    )


def read(view: RepoView) -> Sources:
    files: dict[str, str] = {}
    tests: dict[str, str] = {}
    for path in view.paths():
        if language_of(path) is None or path.startswith(_OTHERS) or "/node_modules/" in path:
            continue
        into = tests if is_test(path) else files
        text = _text(view.read(path)) if len(into) < MOST_FILES else ""
        if text:
            into[path] = text
    return Sources(files=files, tests=tests)


def _text(data: bytes | None) -> str:
    """Empty for what is no text a model could edit line by line."""
    if data is None or len(data) > MOST_BYTES or b"\r" in data or b"\0" in data:
        return ""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return ""


def lines_of(text: str, first: int, last: int) -> str:
    """Lines counted from 1, both ends included, each with its end."""
    return "".join(text.splitlines(keepends=True)[max(0, first - 1) : last])
