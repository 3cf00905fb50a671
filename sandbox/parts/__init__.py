"""PARTS: what a file is to the verdict, by its name, in every language. A new language is a file and a line. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Any

from sandbox.parts import additions, general, go, java, node, python, rust
from sandbox.parts.rules import Rules
from sandbox.types import Part, RepoView

PARTS: tuple[Rules, ...] = (general.RULES, python.RULES, node.RULES, go.RULES, rust.RULES, java.RULES)

_MOST_DOTS = 200
"""In a line of TOML: its reader takes time by the square of a dotted name's parts."""


def classify(path: str) -> Part:
    """What the file is for the verdict, by its name alone.

    Manifests that may also hold test configuration count as TEST_CONFIG here; `sandbox.tamper.same_test_sections` says
    when a change of one leaves its test sections alone. A directory `test` counts at the top only: deeper it is often
    a package's own code (`django/test/`).
    """
    if any(fnmatchcase(path, pattern) for pattern in general.CI):
        return Part.CI
    if any(rules.is_config(path) for rules in PARTS):
        return Part.TEST_CONFIG
    return _place(path)


def _place(path: str) -> Part:
    is_test = path.startswith("test/") or any(rules.is_test(path) for rules in PARTS)
    return Part.TEST if is_test else Part.SOURCE


def joined(base: RepoView, patched: RepoView, path: str, new_tests: Iterable[str]) -> Part:
    """What a configuration file is that base does not have: TEST_CONFIG, which stays out, or the patch's source or
    tests where nothing of base's tests, and no new one, is run otherwise for its sake (`sandbox.parts.additions`)."""
    known = [rules for rules in PARTS if rules.is_config(path)]
    if not additions.may_join(known, base, patched, path, new_tests):
        return Part.TEST_CONFIG
    # What only pytest loads has no place in a tree without the new tests.
    return Part.TEST if path.endswith("conftest.py") else _place(path)


def only_takes_in(base: RepoView, patched: RepoView, path: str) -> bool:
    """True where all that changes of a configuration file is that it takes in new directories of the patch's own."""
    return any(rules.takes_in is not None and rules.takes_in(base, patched, path) for rules in PARTS)


def test_sections(path: str, data: bytes) -> Any:
    """What of a manifest configures tests, to be compared; the file itself where all of it does."""
    name = path.rpartition("/")[2].lower()
    for rules in PARTS:
        if name in rules.sections:
            if name.endswith(".toml") and any(line.count(b".") > _MOST_DOTS for line in data.split(b"\n")):
                raise ValueError("a dotted name without end")
            return rules.sections[name](data.decode("utf-8"))
    return data


def signs_of(base: RepoView, patched: RepoView, path: str) -> tuple[str, ...]:
    """A sentence for each way in which a changed file reaches for the runner."""
    return tuple(sign for rules in PARTS if rules.sign and (sign := rules.sign(base, patched, path)))


def can_hold_both(path: str) -> bool:
    """True for a file of a language that keeps tests in the files they test."""
    return any(rules.divide is not None and path.endswith(rules.suffix) for rules in PARTS)


def divide(path: str, before: bytes, after: bytes) -> tuple[bytes, bytes] | None:
    """(`after` with the tests of `before`, `before` with the tests of `after`); None where it cannot be told."""
    for rules in PARTS:
        if rules.divide is not None and path.endswith(rules.suffix):
            return rules.divide(path, before, after)
    return None


def edited_tests(path: str, before: bytes, after: bytes | None) -> frozenset[str] | None:
    """Names of tests of `before` that `after` changes or lacks; None where it cannot be told."""
    for rules in PARTS:
        if rules.tests_of is not None and path.endswith(rules.suffix):
            old, new = rules.tests_of(before), rules.tests_of(after or b"")
            if old is None or new is None:
                return None
            return frozenset(name for name, text in old.items() if new.get(name) != text)
    return None
