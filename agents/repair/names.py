"""Which module of the repository a name of the issue belongs to, read from the syntax trees of its modules. Pure."""

from __future__ import annotations

import ast
import builtins
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

_BUILTINS = frozenset(dir(builtins))
_ELSEWHERE = {
    "Decimal": "decimal", "Fraction": "fractions", "OrderedDict": "collections", "defaultdict": "collections",
    "Counter": "collections", "deque": "collections", "namedtuple": "collections", "Path": "pathlib",
    "PurePosixPath": "pathlib", "PosixPath": "pathlib", "date": "datetime", "timedelta": "datetime",
    "dataclass": "dataclasses",
    "StringIO": "io", "BytesIO": "io", "UUID": "uuid", "partial": "functools", "Enum": "enum",
}  # fmt: skip
_ALIASES = {"np": "import numpy as np", "pd": "import pandas as pd", "dt": "import datetime as dt"}


@dataclass(frozen=True)
class NameIndex:
    """`sources`: the repository's own Python files (tests left out), text by path."""

    sources: Mapping[str, str]

    @cached_property
    def modules(self) -> Mapping[str, str]:
        """Dotted name -> path. A directory without `__init__.py` at the top (`src`) is no part of the name."""
        packages = {path.rpartition("/")[0] for path in self.sources if path.endswith("__init__.py")}
        found: dict[str, str] = {}
        for path in self.sources:
            parts = path.removesuffix(".py").split("/")
            while len(parts) > 1 and "/".join(path.split("/")[: len(path.split("/")) - len(parts) + 1]) not in packages:
                if parts[0] not in ("src", "lib", "python") and not _roots(path, packages):
                    break
                parts = parts[1:]
            if parts[-1] == "__init__":
                parts = parts[:-1]
            if parts and all(part.isidentifier() for part in parts):
                found.setdefault(".".join(parts), path)
        return found

    @cached_property
    def _exports(self) -> Mapping[str, tuple[str, ...]]:
        """Name -> the modules whose top level defines or re-exports it, shortest name first."""
        found: dict[str, list[str]] = {}
        for module, path in self.modules.items():
            for name in _top_level(self.sources[path], own_package=module):
                found.setdefault(name, []).append(module)
        return {name: tuple(sorted(owners, key=_preference)) for name, owners in found.items()}

    def import_for(self, name: str) -> str | None:
        """The statement that makes `name` available; "" for what needs none; None when nobody defines it."""
        if name in _BUILTINS:
            return ""
        owners = self._exports.get(name, ())
        if owners:
            return f"from {owners[0]} import {name}"
        if name in self.modules:
            return f"import {name}"
        for module in sorted(self.modules, key=_preference):
            package, _, last = module.rpartition(".")
            if last == name and package:
                return f"from {package} import {name}"
        if name in _ELSEWHERE:
            return f"from {_ELSEWHERE[name]} import {name}"
        if name in _ALIASES:
            return _ALIASES[name]
        return f"import {name}" if name in sys.stdlib_module_names else None


def _roots(path: str, packages: Iterable[str]) -> bool:
    """A package lies below this path's first directory, so that the directory itself is an import root."""
    first = path.split("/")[0]
    return first not in packages and any(package.startswith(f"{first}/") for package in packages)


def _preference(module: str) -> tuple[int, int, str]:
    return (any(part.startswith("_") for part in module.split(".")), module.count("."), module)


def _top_level(source: str, own_package: str) -> Iterable[str]:
    tree = parse(source)
    if tree is None:
        return ()
    names: dict[str, None] = {}
    root = own_package.split(".")[0]
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                names[name] = None
            case ast.Assign(targets=targets):
                names.update((t.id, None) for t in targets if isinstance(t, ast.Name))
            case ast.AnnAssign(target=ast.Name(id=name)):
                names[name] = None
            case ast.ImportFrom(module=module, level=level, names=imported):
                if level or (module or "").split(".")[0] == root:
                    names.update((alias.asname or alias.name, None) for alias in imported if alias.name != "*")
            case _:
                pass
    return names


def parse(source: str) -> ast.Module | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def free_names(statements: Iterable[str]) -> list[str]:
    """Names that these statements, run in this order, read and do not bind; in order of appearance."""
    bound: set[str] = set()
    free: dict[str, None] = {}
    for statement in statements:
        tree = parse(statement)
        if tree is None:
            continue
        for node in ast.walk(tree):
            match node:
                case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                    bound.add(name)
                case ast.arg(arg=name) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                    bound.add(name)
                case ast.ExceptHandler(name=str() as name):
                    bound.add(name)
                case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
                    bound.update(alias.asname or alias.name.split(".")[0] for alias in aliases)
                case _:
                    pass
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and node.id not in bound:
                free[node.id] = None
    return list(free)
