"""From one patch to the trees that the runs of a verification are made on.

regression = base + the patch's source part (tests, their configuration and CI files as in base),
witness    = base + the tests part,
candidate  = both. The tests part is the given test patch, or else the patch's own test files.

Where a language keeps tests in the files they test, such a file is divided (`sandbox.parts.divide`): its source goes
one way, its tests the other.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sandbox import parts, tamper, testedits
from sandbox.parts import classify, node
from sandbox.parts.node_machinery import Machinery, machinery
from sandbox.patch import parse
from sandbox.runners.protocol import Runner
from sandbox.tree import EXECUTABLE, REGULAR, GitTree
from sandbox.types import Part, Patch, TestId

_NEVER_THE_PATCHS = frozenset({Part.TEST_CONFIG, Part.CI})
"""Shown where a patch changes them; those that only also hold test configuration, too."""
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
    rewritten_files: frozenset[str] = frozenset()
    """Source files of which the patch's version ran, tests in them included."""
    notes: tuple[str, ...] = ()
    """One sentence for each file that holds source and tests and could not be divided, and for each that the runner
    itself loads."""
    signs: tuple[str, ...] = ()

    @property
    def has_witness(self) -> bool:
        return self.witness != self.base and (self.given_tests or bool(self.test_files))


def split(base: GitTree, diff: str, tests: str, runner: Runner) -> Split:
    """Raises `PatchRefused` and `PatchDoesNotApply`, for the patch and for the given tests."""
    applied, changed = _applied(base, parse(diff))
    loaded = _loaded(base, changed)
    kinds = _parts(base, applied, changed, runner, loaded.files)
    source = {path for path, part in kinds.items() if part is Part.SOURCE}
    own_tests = {path for path, part in kinds.items() if part is Part.TEST}
    divided = _divided(base, applied, source)
    # Of these only the tests differ, or the tests too.
    mixed = {path for path, parted in divided.items() if parted.tests != (base.read(path) or b"")}
    source -= {path for path in mixed if divided[path].source == base.read(path)}
    regression = base.overlay(applied, sorted(source)).with_files(
        {path: divided[path].source for path in sorted(source & mixed)}
    )
    given = bool(tests.strip())
    if given:
        witness, moved = _applied(base, parse(tests))
        touched = tuple(sorted(moved))
        ignored = tuple(sorted(own_tests | mixed))
        edits: tuple[tuple[str, frozenset[str] | None], ...] = ()
        candidate = regression.overlay(witness, touched).with_files(_joined(regression, witness, moved & set(divided)))
    else:
        touched = tuple(sorted(own_tests | mixed))
        witness = base.overlay(applied, own_tests).with_files({path: divided[path].tests for path in sorted(mixed)})
        candidate = regression.overlay(applied, touched)
        edits = tuple(_edits(base, applied, touched))
        ignored = tuple(_named(edits))
    present = [path for path in touched if path in witness.entries]
    return Split(
        base=base,
        regression=regression,
        witness=witness,
        candidate=candidate,
        given_tests=given,
        test_files=tuple(path for path in present if runner.is_test_file(witness, path)),
        touched_files=frozenset(touched) if given else frozenset(),
        edits=edits,
        ignored_test_edits=ignored,
        flagged_paths=tuple(sorted(path for path in changed if _is_flagged(base, path, kinds[path]))),
        source_paths=tuple(sorted(source)),
        rewritten_files=frozenset(source - set(divided)),
        notes=(*_undivided(applied, source - set(divided)), *_run_with_the_runner(loaded, source)),
        signs=tamper.static_signs(base, applied, changed),
    )


def _undivided(applied: GitTree, paths: Iterable[str]) -> Iterable[str]:
    for path in sorted(paths):
        if parts.can_hold_both(path) and applied.read(path) is not None:
            yield f"{path}: what of it is tests cannot be told, so its tests ran as the patch has them"


def _run_with_the_runner(loaded: Machinery, source: Iterable[str]) -> Iterable[str]:
    for path in sorted(loaded.tested.keys() & set(source)):
        yield f"{path}: {loaded.tested[path]}, which the test runner loads, loads it: it runs outside of the tests, too"


@dataclass(frozen=True, kw_only=True)
class _Divided:
    source: bytes
    """The patch's source with base's tests."""
    tests: bytes
    """Base's source with the patch's tests."""


def _divided(base: GitTree, applied: GitTree, source: Iterable[str]) -> dict[str, _Divided]:
    found = {}
    for path in source:
        after = applied.read(path)
        pair = parts.divide(path, base.read(path) or b"", after) if after is not None else None
        if pair is not None:
            found[path] = _Divided(source=pair[0], tests=pair[1])
    return found


def _joined(regression: GitTree, witness: GitTree, paths: Iterable[str]) -> Mapping[str, bytes]:
    """Files that both the patch and the given tests change: the patch's source with the given tests."""
    found = {}
    for path in paths:
        tests = witness.read(path)
        pair = parts.divide(path, regression.read(path) or b"", tests) if tests is not None else None
        if pair is not None:
            found[path] = pair[1]
    return found


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


def _loaded(base: GitTree, changed: Iterable[str]) -> Machinery:
    if not any(path.endswith(node.SUFFIXES) for path in changed):
        return Machinery()
    base.prefetch(path for path in base.paths() if path.endswith((*node.SUFFIXES, ".json")))
    return machinery(base)


def _parts(
    base: GitTree, applied: GitTree, changed: Iterable[str], runner: Runner, loaded: frozenset[str]
) -> dict[str, Part]:
    """What each changed file is: by its name, and by what base's own configuration makes the runner collect."""
    kinds = {path: Part.TEST_CONFIG if path in loaded else classify(path) for path in changed}
    # Files that the patch adds, under base's configuration.
    named = base.overlay(applied, [p for p, part in kinds.items() if part is Part.SOURCE and p not in base.entries])
    among = _AmongTests(base, runner)
    new_tests = {path for path in kinds if path in applied.entries and runner.is_test_file(named, path)}
    for path, part in kinds.items():
        if part is Part.TEST_CONFIG and path not in base.entries and path not in loaded:
            kinds[path] = parts.joined(base, applied, path, new_tests)
        elif part is Part.TEST_CONFIG and _tests_as_before(base, applied, path):
            kinds[path] = Part.SOURCE
        elif part is Part.SOURCE and (_holds_tests(named, path, runner) or among.stands(path)):
            kinds[path] = Part.TEST
    return kinds


def _is_flagged(base: GitTree, path: str, part: Part) -> bool:
    return part in _NEVER_THE_PATCHS or (path in base.entries and classify(path) in _NEVER_THE_PATCHS)


def _tests_as_before(base: GitTree, applied: GitTree, path: str) -> bool:
    same = tamper.same_test_sections(path, base.read(path), applied.read(path))
    return same or parts.only_takes_in(base, applied, path)


def _holds_tests(tree: GitTree, path: str, runner: Runner) -> bool:
    """The runner would collect from it, and finds something. The name alone is not enough: `python_files = *.py`."""
    if not path.endswith((".py", *node.SUFFIXES)):
        return False
    data = tree.read(path)
    found = testedits.holds_tests if path.endswith(".py") else node.holds_tests
    return data is not None and runner.is_test_file(tree, path) and found(data)


class _AmongTests:
    """What the tests of a directory such as `pkg/test` use stands beside them. `django/test` holds no test."""

    def __init__(self, base: GitTree, runner: Runner) -> None:
        self._base = base
        self._runner = runner
        self._known: dict[str, bool] = {}

    def stands(self, path: str) -> bool:
        names = path.split("/")
        depths = (depth for depth in range(1, len(names)) if _TEST_DIRECTORY.search(names[depth - 1]))
        return any(self._holds(directory) for depth in depths for directory in ("/".join(names[:depth]),))

    def _holds(self, directory: str) -> bool:
        if directory not in self._known:
            beside = [path for path in self._base.paths() if path.rpartition("/")[0] == directory]
            self._base.prefetch(beside)
            self._known[directory] = any(_holds_tests(self._base, path, self._runner) for path in beside)
        return self._known[directory]


def _edits(base: GitTree, applied: GitTree, paths: Iterable[str]) -> Iterable[tuple[str, frozenset[str] | None]]:
    for path in paths:
        before = base.read(path)
        if before is None:
            continue
        after = applied.read(path)
        names = testedits.edited(before, after) if path.endswith(".py") else parts.edited_tests(path, before, after)
        if names is None or names:
            yield path, names


def _named(edits: Iterable[tuple[str, frozenset[str] | None]]) -> Iterable[str]:
    for path, names in edits:
        if names is None:
            yield path
        else:
            yield from (f"{path}::{name.replace('.', '::')}" for name in sorted(names))
