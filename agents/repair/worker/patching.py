"""Serving changed sources without changing a file: at import (cold), or by swapping live functions' code (hot)."""

from __future__ import annotations
import __future__

import ast
import gc
import os
import warnings
from collections.abc import Iterator, Mapping
from importlib.machinery import SourceFileLoader
from types import CodeType, FunctionType
from typing import Any

_FUTURE = 0
for _feature in __future__.all_feature_names:
    _FUTURE |= getattr(__future__, _feature).compiler_flag


def _compiled(text: str, name: str, flags: int = 0) -> CodeType:
    """Without the compiler's warnings (`1 is x`): they may be errors here, and say nothing that a test would not."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        code: CodeType = compile(text, name, "exec", flags=flags, dont_inherit=True)
        return code


def override_imports(root: str, sources: Mapping[str, str]) -> None:
    """From now on, importing one of these files (paths relative to `root`) gives the changed text."""
    changed = {os.path.realpath(os.path.join(root, path)): text for path, text in sources.items()}
    original = SourceFileLoader.get_code

    def get_code(self: Any, fullname: str) -> Any:
        text = changed.get(os.path.realpath(self.path))
        if text is None:
            return original(self, fullname)
        return _compiled(text, self.path)

    SourceFileLoader.get_code = get_code  # type: ignore[method-assign]


class _Base:
    """One file as it is now: compiled by top level statements, so that a change compiles no more than it must."""

    def __init__(self, text: str, name: str) -> None:
        self._name = name
        self._lines = text.split("\n")
        self.code = _compiled(text, name)
        self._flags = self.code.co_flags & _FUTURE
        self._tops: list[tuple[int, int]] = []
        self._compiled: dict[tuple[int, int], CodeType] = {}
        for node in ast.parse(text).body:
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                self._tops.append((first - 1, node.end_lineno or node.lineno))

    def changed(self, text: str) -> tuple[CodeType, CodeType]:
        """(base, new): of the one top level function or class that differs, or of the whole file."""
        lines = text.split("\n")
        same = 0
        while same < min(len(lines), len(self._lines)) and lines[same] == self._lines[same]:
            same += 1
        tail = 0
        while tail < min(len(lines), len(self._lines)) - same and lines[-1 - tail] == self._lines[-1 - tail]:
            tail += 1
        end = len(self._lines) - tail
        for first, last in self._tops:
            if end <= last and (first < same or first == same < end):
                new = self._statement(lines[first : last + len(lines) - len(self._lines)], first)
                if new is not None:
                    return self._part(first, last), new
        return self.code, _compiled(text, self._name)

    def _part(self, first: int, last: int) -> CodeType:
        found = self._compiled.get((first, last))
        if found is None:
            found = self._statement(self._lines[first:last], first) or self.code
            self._compiled[first, last] = found
        return found

    def _statement(self, lines: list[str], first: int) -> CodeType | None:
        """One compound statement with its own line numbers; None where the lines are none."""
        padded = "\n" * first + "\n".join(lines) + "\n"
        try:
            if len(ast.parse(padded).body) != 1:
                return None
        except SyntaxError:
            return None
        return _compiled(padded, self._name, self._flags)


class HotFunctions:
    """The live functions of the tree, so that a changed body can be put into them after a fork.

    A change that reaches further than function bodies (a default value, a decorator, a class or module level statement,
    another set of closure variables) cannot be swapped in, and `swap` says so; the caller then imports afresh.
    """

    def __init__(self, root: str, paths: Mapping[str, str]) -> None:
        """`paths`: the sources as they are now, by path relative to `root`."""
        self._root = os.path.realpath(root)
        self._base: dict[str, _Base] = {}
        for path, text in paths.items():
            self._base[path] = _Base(text, self._absolute(path))
        self._live: dict[tuple[str, int, str], list[FunctionType]] = {}
        wanted = {self._absolute(path) for path in paths}
        for thing in gc.get_objects():
            if type(thing) is FunctionType:
                code = thing.__code__
                name = os.path.realpath(code.co_filename)
                if name in wanted:
                    self._live.setdefault((name, code.co_firstlineno, code.co_name), []).append(thing)

    def _absolute(self, path: str) -> str:
        return os.path.join(self._root, path)

    def swap(self, sources: Mapping[str, str]) -> bool:
        """Put the changed bodies in place. False: not possible, and the process must not be used further."""
        for path, text in sources.items():
            base = self._base.get(path)
            if base is None:
                return False
            name = self._absolute(path)
            changes: list[tuple[CodeType, CodeType]] = []
            if not _collect(*base.changed(text), changes):
                return False
            for old, new in changes:
                live = self._live.get((name, old.co_firstlineno, old.co_name), [])
                if not live or any(old.co_freevars != new.co_freevars for _ in live):
                    return False
                for function in live:
                    function.__code__ = new
                self._swap_nested(name, old, new)
        return True

    def _swap_nested(self, name: str, old: CodeType, new: CodeType) -> None:
        """Closures that exist already (what a decorator returned at import) get their new bodies too."""
        for a, b in zip(_children(old), _children(new)):
            if a.co_name == b.co_name and _signature(a) == _signature(b):
                for function in self._live.get((name, a.co_firstlineno, a.co_name), []):
                    function.__code__ = b
                self._swap_nested(name, a, b)


def _children(code: CodeType) -> Iterator[CodeType]:
    return (constant for constant in code.co_consts if isinstance(constant, CodeType))


def _plain(code: CodeType) -> tuple[Any, ...]:
    """The code's own meaning, without nested code and line numbers; types beside values since `1 == True`."""
    constants = tuple(
        (type(constant).__name__, repr(constant)) for constant in code.co_consts if not isinstance(constant, CodeType)
    )
    return (
        code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags,
        getattr(code, "co_exceptiontable", b""),
    )  # fmt: skip


def _is_scope(code: CodeType) -> bool:
    """A module or class body, or the like: it ran once, at import. (CO_NEWLOCALS and CO_OPTIMIZED mark functions.)"""
    return not code.co_flags & 0x1


def _same(old: CodeType, new: CodeType) -> bool:
    if _plain(old) != _plain(new):
        return False
    olds, news = list(_children(old)), list(_children(new))
    return len(olds) == len(news) and all(_same(a, b) for a, b in zip(olds, news))


def _collect(old: CodeType, new: CodeType, changes: list[tuple[CodeType, CodeType]]) -> bool:
    """Pair the functions whose bodies differ; False when something outside of function bodies differs."""
    if _plain(old) != _plain(new):
        return False
    olds, news = list(_children(old)), list(_children(new))
    if len(olds) != len(news):
        return False
    for a, b in zip(olds, news):
        if a.co_name != b.co_name:
            return False
        if _is_scope(a):
            if not _collect(a, b, changes):
                return False
        elif not _same(a, b):
            if _signature(a) != _signature(b):
                return False
            changes.append((a, b))
    return True


def _signature(code: CodeType) -> tuple[Any, ...]:
    return (code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_freevars)
