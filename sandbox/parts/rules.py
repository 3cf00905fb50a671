"""What the files of one language are to the verdict, as data. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from sandbox.types import RepoView

Sections = Callable[[str], Any]
"""The part of a manifest's text that configures tests, as a value to compare. Raises what its parser raises."""

Sign = Callable[[RepoView, RepoView, str], str]
"""(base, patched, a path that the patch changes and does not delete) -> a sentence, or "" for nothing suspicious."""

Divide = Callable[[str, bytes, bytes], tuple[bytes, bytes] | None]
"""(path, a file before, after) -> (`after` with the tests of `before`, `before` with the tests of `after`).

For languages that keep tests in the files they test. None where it cannot be told which of the text is tests.
"""

About = Callable[[RepoView, RepoView, str], bool]
"""(base, patched, a configuration file that the patch adds or changes) -> whether something holds of it."""

TestsOf = Callable[[bytes], Mapping[str, str] | None]
"""A file's tests by name, and what decides about each as text to compare; None where it cannot be told."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Names of files; a pattern with a slash is matched against the whole path, any other against the name."""

    config: frozenset[str] = frozenset()
    """Names, in lower case, of files that configure the runner: base's version is what runs."""
    config_patterns: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    """Patterns of files that hold tests, or that only tests use."""
    test_directories: frozenset[str] = frozenset()
    """Directories, at any depth, that hold nothing but tests and what they need."""
    sections: Mapping[str, Sections] = field(default_factory=dict)
    """For manifests among `config` (by name) that also hold other things than test configuration."""
    plain: About | None = None
    """Of a new file of `config`: it decides nothing about tests but that there are some in its own directory."""
    gathers: About | None = None
    """What is elsewhere takes in a new file of `config`, wherever it stands: by a pattern, or by name."""
    takes_in: About | None = None
    """Of a changed file of `config`: all that changes is that it takes in directories of the patch's own, whose files
    of `config` are `plain`."""
    sign: Sign | None = None
    """What in a changed file would load itself into the test process or take the runner's place."""
    suffix: str = ""
    """Of the files that `divide` and `tests_of` read."""
    divide: Divide | None = None
    tests_of: TestsOf | None = None

    def is_config(self, path: str) -> bool:
        return path.rpartition("/")[2].lower() in self.config or _matches(path, self.config_patterns)

    def is_test(self, path: str) -> bool:
        return not self.test_directories.isdisjoint(path.split("/")[:-1]) or _matches(path, self.tests)


def _matches(path: str, patterns: tuple[str, ...]) -> bool:
    name = path.rpartition("/")[2]
    return any(fnmatchcase(path if "/" in pattern else name, pattern) for pattern in patterns)
