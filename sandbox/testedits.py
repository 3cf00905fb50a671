"""Which existing tests a patch edits, skips or deletes: shown to people, never counted. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

from sandbox.types import TestId

_SKIPPING = ("pytestmark", "skip", "__test__", "collect_ignore", "load_tests")


def edited(before: bytes, after: bytes | None) -> frozenset[str] | None:
    """Qualified names (`Class.test_x`) of tests of `before` that `after` changes or lacks; None: it cannot be told.

    A module that starts to skip itself, as a whole or in a class, edits all its tests.
    """
    old = _tests(before)
    new = _tests(after) if after is not None else ({}, "")
    if old is None or new is None:
        return None
    if old[1] != new[1]:
        return frozenset(old[0])
    return frozenset(name for name, text in old[0].items() if new[0].get(name) != text)


def holds_tests(data: bytes) -> bool:
    """True where a module has a test function or method, or cannot be parsed."""
    tests = _tests(data)
    return tests is None or bool(tests[0])


def qualified(test: TestId) -> str:
    """`Class.test_x` of a pytest or unittest id, `TestX` of a Go sub-test's: parameters and sub-tests cut off."""
    if "::" in test:
        return ".".join(test.split("[")[0].split("::")[1:]).split("/")[0]
    return ".".join(test.split(".")[-2:])


def among(tests: Iterable[TestId], names: frozenset[str] | None) -> frozenset[TestId]:
    """The tests, all of one file, whose names are in `names`; all of them where that is None."""
    return frozenset(test for test in tests if names is None or qualified(test) in names)


def _tests(data: bytes) -> tuple[dict[str, str], str] | None:
    """(test name -> its code without positions, the code that decides whether the module's tests run at all)."""
    try:
        module = ast.parse(data)
        marks = [ast.dump(node) for node in module.body if _decides(node)]
        return dict(_functions(module.body, "", "")), "\n".join(marks)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # The parser's own word for nesting that is too deep is MemoryError.
        return None


def _decides(node: ast.stmt) -> bool:
    if isinstance(node, ast.Import | ast.ImportFrom | ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
        return isinstance(node, ast.FunctionDef) and node.name in _SKIPPING
    names = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
    names |= {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
    return not names.isdisjoint(_SKIPPING)


def _functions(body: Iterable[ast.stmt], prefix: str, outer: str) -> Iterator[tuple[str, str]]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if node.name.startswith("test"):
                yield f"{prefix}{node.name}", outer + ast.dump(node)
            case ast.ClassDef():
                head = [ast.dump(part) for part in (*node.decorator_list, *node.bases)]
                head += [ast.dump(part) for part in node.body if _decides(part)]
                yield from _functions(node.body, f"{prefix}{node.name}.", outer + "\n".join(head))
            case _:
                pass
