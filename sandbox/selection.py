"""Which test files to run where all of them take too long: those that reach what the patch changes. Pure.

Python's imports are followed through the tree, as its text says them; for any other language, and where imports say
nothing, the names of the changed modules are looked for in the test files.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from sandbox.types import RepoView

_MOST_EACH = 4000
"""Bytes of a string that may name a module: longer ones are text."""


@dataclass(frozen=True, kw_only=True)
class Selection:
    files: tuple[str, ...] = ()
    by_imports: bool = False

    def sentence(self, total: int) -> str:
        how = "import what the patch changes, directly or not," if self.by_imports else "name a changed module"
        return f"the {len(self.files)} of {total} test files that {how} were run."


def select(view: RepoView, test_files: Iterable[str], source_paths: Iterable[str]) -> Selection:
    """Empty when nothing was found; everything where everything reaches the changed files."""
    tests, changed = tuple(test_files), tuple(source_paths)
    if changed and all(path.endswith(".py") for path in (*tests, *changed)):
        reaching = importers(view, changed)
        found = tuple(path for path in tests if path in reaching)
        if found and len(found) < len(tests):
            return Selection(files=found, by_imports=True)
    return Selection(files=_by_names(view, tests, changed))


def importers(view: RepoView, changed: Iterable[str]) -> frozenset[str]:
    """The Python files that import one of the changed ones, directly or not, and these themselves.

    A `conftest.py` is imported by all files at or below its directory.
    """
    paths = tuple(path for path in view.paths() if path.endswith(".py"))
    known = frozenset(paths) | {path for path in changed if path.endswith(".py")}
    modules = _modules(known)
    imported_by: dict[str, set[str]] = {}
    for path in paths:
        for target in (*_imports(path, view.read(path) or b"", modules), *_conftests(path, known)):
            imported_by.setdefault(target, set()).add(path)
    reached: set[str] = set()
    waiting = [path for path in known if path in set(changed)]
    while waiting:
        path = waiting.pop()
        if path not in reached:
            reached.add(path)
            waiting.extend(imported_by.get(path, ()))
    return frozenset(reached)


def _modules(paths: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Dotted name -> files. A file has a name for each directory that may be on the path: `src/a/b.py` is `src.a.b`,
    `a.b` and `b`."""
    found: dict[str, set[str]] = {}
    for path in paths:
        parts = path.removesuffix(".py").removesuffix("/__init__").split("/")
        for start in range(len(parts)):
            found.setdefault(".".join(parts[start:]), set()).add(path)
    return {name: frozenset(files) for name, files in found.items()}


def _imports(path: str, source: bytes, modules: Mapping[str, frozenset[str]]) -> frozenset[str]:
    """The tree's files that this one imports; what cannot be parsed imports nothing."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return frozenset()
    package = path.split("/")[:-1]
    found: set[str] = set()
    for name in _names(tree, package):
        parts = name.split(".")
        # Importing `a.b` runs `a` first. Of several files of one name all count: which is meant, the path decides.
        for end in range(1, len(parts) + 1):
            found |= _nearest(modules.get(".".join(parts[:end]), frozenset()), path, whole=end == len(parts))
    return frozenset(found - {path})


def _nearest(files: frozenset[str], path: str, *, whole: bool) -> frozenset[str]:
    """Of packages on the way only their `__init__.py`; a file beside the importing one is meant before any other."""
    files = files if whole else frozenset(file for file in files if file.endswith("__init__.py"))
    beside = frozenset(file for file in files if file.rpartition("/")[0] == path.rpartition("/")[0])
    return beside or files


def _names(tree: ast.Module, package: list[str]) -> Iterator[str]:
    """Dotted names that may be modules: imports, and strings that look like one (`import_module`, settings)."""
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, names=names, level=level):
                above = package[: len(package) - level + 1] if level else []
                base = ".".join([*above, *([module] if module else [])])
                if base:
                    yield base
                yield from (f"{base}.{alias.name}" if base else alias.name for alias in names)
            case ast.Constant(value=str(text)) if "." in text and len(text) < _MOST_EACH and _DOTTED.fullmatch(text):
                yield text
                yield text.rpartition(".")[0]


_DOTTED = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+")


def _conftests(path: str, known: frozenset[str]) -> Iterator[str]:
    parts = path.split("/")[:-1]
    for depth in range(len(parts) + 1):
        conftest = "/".join([*parts[:depth], "conftest.py"])
        if conftest in known and conftest != path:
            yield conftest


def _by_names(view: RepoView, test_files: Iterable[str], source_paths: Iterable[str]) -> tuple[str, ...]:
    """The test files that name a changed module, by their text or by their own name."""
    paths = tuple(source_paths)
    stems = {path.rsplit("/", 1)[-1].split(".")[0] for path in paths}
    stems |= {path.rsplit("/", 2)[-2] for path in paths if path.endswith("/__init__.py") and path.count("/")}
    stems -= {"__init__"}
    if not stems:
        return ()
    word = re.compile(rb"\b(?:" + b"|".join(re.escape(stem.encode()) for stem in sorted(stems)) + rb")\b")
    return tuple(
        path
        for path in test_files
        if any(stem in path.rsplit("/", 1)[-1] for stem in stems) or word.search(view.read(path) or b"")
    )
