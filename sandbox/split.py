"""From one patch to the trees that the runs of a verification are made on.

regression = base + the patch's source part (tests, their configuration and CI files as in base),
witness    = base + the tests part,
candidate  = both. The tests part is the given test patch, or else the patch's own test files.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from sandbox import tamper, testedits
from sandbox.parts import classify, node
from sandbox.patch import parse
from sandbox.runners.protocol import Runner
from sandbox.tree import EXECUTABLE, REGULAR, GitTree
from sandbox.types import Part, Patch, TestId

_TEST_DIRECTORY = re.compile(r"(?:^|[_-])tests?(?:[_-]|$)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Split:
    base: GitTree
    regression: GitTree
    witness: GitTree
    """Equal to base when there are no tests to witness."""
    candidate: GitTree
    given_tests: bool
    test_files: tuple[str, ...] = ()
    """What is run on witness and candidate; empty with given tests: everything (they touch only supporting files)."""
    touched_files: frozenset[str] = frozenset()
    """All files of a given test patch."""
    edits: tuple[tuple[str, frozenset[str] | None], ...] = ()
    """(existing test file, names of its tests that the patch edits; None: cannot be told)."""
    ignored_test_edits: tuple[str, ...] = ()
    flagged_paths: tuple[str, ...] = ()
    source_paths: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()

    @property
    def has_witness(self) -> bool:
        return self.witness != self.base and (self.given_tests or bool(self.test_files))


def split(base: GitTree, diff: str, tests: str, runner: Runner) -> Split:
    """Raises `PatchRefused` and `PatchDoesNotApply`, for the patch and for the given tests."""
    applied, changed = _applied(base, parse(diff))
    parts = _parts(base, applied, changed, runner)
    source = tuple(sorted(path for path, part in parts.items() if part is Part.SOURCE))
    own_tests = tuple(sorted(path for path, part in parts.items() if part is Part.TEST))
    regression = base.overlay(applied, source)
    if tests.strip():
        witness, moved = _applied(base, parse(tests))
        touched = tuple(sorted(moved))
        ignored = own_tests
        edits: tuple[tuple[str, frozenset[str] | None], ...] = ()
    else:
        witness, touched = base.overlay(applied, own_tests), own_tests
        edits = tuple(_edits(base, applied, own_tests))
        ignored = tuple(_named(edits))
    present = [path for path in touched if path in witness.entries]
    return Split(
        base=base,
        regression=regression,
        witness=witness,
        candidate=regression.overlay(witness, touched),
        given_tests=bool(tests.strip()),
        test_files=tuple(path for path in present if runner.is_test_file(witness, path)),
        touched_files=frozenset(touched) if tests.strip() else frozenset(),
        edits=edits,
        ignored_test_edits=ignored,
        flagged_paths=tuple(sorted(path for path in changed if classify(path) in (Part.TEST_CONFIG, Part.CI))),
        source_paths=source,
        signs=tamper.static_signs(base, applied, changed),
    )


def edited_tests(split_: Split, runner: Runner, tests: Iterable[TestId]) -> frozenset[TestId]:
    """Those of base's tests that the patch itself edits, skips or deletes."""
    by_file: dict[str | None, list[TestId]] = {}
    for test in tests:
        by_file.setdefault(runner.file_of(split_.base, test), []).append(test)
    return frozenset[TestId]().union(*(testedits.among(by_file.get(path, ()), names) for path, names in split_.edits))


def _applied(base: GitTree, patch: Patch) -> tuple[GitTree, frozenset[str]]:
    symlinks = base.symlinks()
    # Before git applies it: git refuses some of these itself, but as a patch that does not fit.
    tamper.reached(patch, frozenset(), symlinks, {})
    applied = base.apply(patch.diff)
    changed = base.changed_paths(applied)
    entries = [applied.entries[path] for path in changed if path in applied.entries]
    tamper.reached(patch, changed, symlinks, {e.path: e.mode for e in entries if e.mode not in (REGULAR, EXECUTABLE)})
    return applied, changed


def _parts(base: GitTree, applied: GitTree, changed: Iterable[str], runner: Runner) -> dict[str, Part]:
    """What each changed file is: by its name, and by what base's own configuration makes the runner collect."""
    parts = {path: classify(path) for path in changed}
    # Files that the patch adds, under base's configuration.
    named = base.overlay(applied, [p for p, part in parts.items() if part is Part.SOURCE and p not in base.entries])
    for path, part in parts.items():
        if part is Part.TEST_CONFIG and tamper.same_test_sections(path, base.read(path), applied.read(path)):
            parts[path] = Part.SOURCE
        elif part is Part.SOURCE and (_holds_tests(named, path, runner) or _stands_among_tests(base, path, runner)):
            parts[path] = Part.TEST
    return parts


def _holds_tests(tree: GitTree, path: str, runner: Runner) -> bool:
    """The runner would collect from it, and finds something. The name alone is not enough: `python_files = *.py`."""
    if not path.endswith((".py", *node.SUFFIXES)):
        return False
    data = tree.read(path)
    found = testedits.holds_tests if path.endswith(".py") else node.holds_tests
    return data is not None and runner.is_test_file(tree, path) and found(data)


def _stands_among_tests(base: GitTree, path: str, runner: Runner) -> bool:
    """What the tests of a directory such as `pkg/test` use stands beside them. `django/test` holds no test."""
    parts = path.split("/")
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts)) if _TEST_DIRECTORY.search(parts[depth - 1])}
    return any(_holds_tests(base, other, runner) for other in base.entries if other.rpartition("/")[0] in above)


def _edits(base: GitTree, applied: GitTree, paths: Iterable[str]) -> Iterable[tuple[str, frozenset[str] | None]]:
    for path in paths:
        before = base.read(path)
        if before is None:
            continue
        names = testedits.edited(before, applied.read(path)) if path.endswith(".py") else None
        if names is None or names:
            yield path, names


def _named(edits: Iterable[tuple[str, frozenset[str] | None]]) -> Iterable[str]:
    for path, names in edits:
        if names is None:
            yield path
        else:
            yield from (f"{path}::{name.replace('.', '::')}" for name in sorted(names))
