"""New Python modules of a patch that answer in the place of an installed one. Pure.

The tree's root, and the directory of a test file that is in no package, stand before what is installed when a name is
looked up. A `hypothesis.py` there is what base's tests get for hypothesis; a `pytest_httpx.py` is what pytest loads for
the plugin of that name, which no test needs to import. What such a name is to base decides: a library that its tests
assert with is refused, anything else that they import is shown.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sandbox import parts
from sandbox.types import Part, RepoView

_IMPORT_ROOTS = ("", "src/", "lib/")
_LOADED = re.compile(r"(?:^|\.)(?:py[cow]?|so|pyd)$")
_HELPERS = frozenset(
    {
        "absl",
        "aioresponses",
        "approvaltests",
        "assertpy",
        "asynctest",
        "behave",
        "callee",
        "ddt",
        "dirty_equals",
        "doctest",
        "expects",
        "factory",
        "faker",
        "fakeredis",
        "flexmock",
        "freezegun",
        "hamcrest",
        "httpretty",
        "hypothesis",
        "inline_snapshot",
        "mock",
        "mockito",
        "model_bakery",
        "mongomock",
        "moto",
        "nose",
        "nose2",
        "parameterized",
        "pyfakefs",
        "requests_mock",
        "responses",
        "respx",
        "robot",
        "schemathesis",
        "should_dsl",
        "snapshottest",
        "sure",
        "syrupy",
        "tavern",
        "testcontainers",
        "testfixtures",
        "testinfra",
        "testscenarios",
        "testtools",
        "time_machine",
        "unittest2",
        "vcr",
        "webtest",
        "xdist",
        "zope_testing",
    }
)
_PLUGIN = re.compile(r"pytest_\w+")
_HELPING_PARTS = frozenset({"test", "testing", "trial", "testclient", "test_client", "test_utils", "testutils"})
"""`numpy.testing`, `twisted.trial`, `fastapi.testclient`, `django.test`."""
_MANIFESTS = re.compile(
    r"pyproject\.toml|setup\.(?:py|cfg)|tox\.ini|noxfile\.py|Pipfile|environment\.ya?ml|"
    r"[\w.-]*(?:requirements|constraints)[\w.-]*\.(?:txt|in)|(?:requirements|deps)/[\w./-]+\.(?:txt|in)"
)
_MOST_TEXT = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Shadows:
    """One sentence a module."""

    refused: tuple[str, ...] = ()
    seen: tuple[str, ...] = ()


def shadows(base: RepoView, added: Iterable[str], prefetch: Callable[[Iterable[str]], None]) -> Shadows:
    """What the paths that a patch adds take the place of. Base's tests are read only where a module could."""
    known = tuple(base.paths())
    modules = candidates(known, added)
    if not modules:
        return Shadows()
    tests = [path for path in known if path.endswith(".py") and parts.classify(path) in (Part.TEST, Part.TEST_CONFIG)]
    manifests = [path for path in known if _MANIFESTS.fullmatch(path)]
    prefetch([*tests, *manifests])
    sources, declared = [_text(base, path) for path in tests], [_text(base, path) for path in manifests]
    refused, seen = [], []
    for module, path in modules.items():
        names = frozenset[str]().union(*(imported(source, module) for source in sources))
        is_declared = _is_declared(module, declared)
        is_helper = module in _HELPERS or _PLUGIN.fullmatch(module) is not None
        helps = is_helper or any(not _HELPING_PARTS.isdisjoint(name.split(".")[1:]) for name in names)
        loaded = bool(names) or (is_declared and _PLUGIN.fullmatch(module) is not None)
        if helps and loaded and not _is_held(module, known):
            refused.append(f"{path}: takes the place of {module}, which base's tests rely on and base does not hold")
        elif loaded and (helps or is_declared or module in sys.stdlib_module_names):
            seen.append(f"{path}: answers in the place of the installed {module}, which base's tests import")
    return Shadows(refused=tuple(refused), seen=tuple(seen))


def candidates(known: tuple[str, ...], added: Iterable[str]) -> Mapping[str, str]:
    """Module -> path, for new modules that stand before all installed ones and that base does not have there."""
    held = frozenset(known)
    new = [path for path in added if _LOADED.search(path.rpartition("/")[2])]
    if not new:
        return {}
    directories = frozenset(directory for path in known if path.endswith(".py") for directory in _above(path))
    roots = {*_IMPORT_ROOTS, *(_root_of(path, held) for path in (*known, *new) if _is_collected(path))}
    found: dict[str, str] = {}
    for path in sorted(new):
        for root in roots:
            module = _module(path, root)
            # A directory of base's that becomes a package (`tests/__init__.py`) is base's, too.
            if module and not any(f"{one}{module}.py" in held or f"{one}{module}" in directories for one in roots):
                found.setdefault(module, path)
    return found


def imported(source: str, module: str) -> frozenset[str]:
    """The dotted names of the module, or below it, that a file imports; of helpers also by a string of that name."""
    if module not in source:
        return frozenset()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # Of another Python: by its lines.
        lines = re.findall(rf"(?m)^\s*(?:from|import)\s+({re.escape(module)}(?:\.[\w.]+)?)(?![\w.])", source)
        return frozenset(lines)
    names: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                names.update(alias.name for alias in aliases)
            case ast.ImportFrom(module=str(origin), names=aliases, level=0):
                names.update(f"{origin}.{alias.name}" for alias in aliases)
            case ast.Constant(value=str(text)) if module in _HELPERS or _PLUGIN.fullmatch(module):
                names.add(text)
            case _:
                pass
    return frozenset(name for name in names if name == module or name.startswith(f"{module}."))


def _module(path: str, root: str) -> str:
    """The top-level module that a path is, seen from a root; "" for none."""
    if not path.startswith(root):
        return ""
    module, _, rest = path[len(root) :].partition("/")
    if rest:
        return module if rest.startswith("__init__.") and rest.count("/") == 0 else ""
    return module.partition(".")[0]


def _above(path: str) -> Iterator[str]:
    while path := path.rpartition("/")[0]:
        yield path


def _is_collected(path: str) -> bool:
    """What pytest loads by its path, and puts the root of on the interpreter's search path."""
    return path.endswith(".py") and parts.classify(path) in (Part.TEST, Part.TEST_CONFIG)


def _root_of(path: str, held: frozenset[str]) -> str:
    """The directory, with its slash, above the outermost package that a file is in."""
    directory = path.rpartition("/")[0]
    while directory and f"{directory}/__init__.py" in held:
        directory = directory.rpartition("/")[0]
    return f"{directory}/" if directory else ""


def _is_held(module: str, known: tuple[str, ...]) -> bool:
    """Base has it somewhere else: then it may well be the repository's own that moves."""
    return any(f"/{path}".endswith((f"/{module}.py", f"/{module}/__init__.py")) for path in known)


def _is_declared(module: str, manifests: Iterable[str]) -> bool:
    """A manifest asks for a distribution that is called like it, and is none's own."""
    name = re.sub(r"[-_]+", "[-_.]?", re.escape(module).replace(r"\-", "-"))
    own = re.compile(rf"(?im)^\s*name\s*=\s*['\"]?{name}['\"]?\s*,?\s*$")
    wanted = re.compile(rf"(?i)(?<![\w./-]){name}(?![\w/-]|\.\w)")
    texts = tuple(manifests)
    return not any(own.search(text) for text in texts) and any(wanted.search(text) for text in texts)


def _text(base: RepoView, path: str) -> str:
    return (base.read(path) or b"")[:_MOST_TEXT].decode("utf-8", "replace")
