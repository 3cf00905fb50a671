"""Twins of tests: the same test with an expectation that nothing can meet, so that it must be red. Pure.

A patch that forges the result of one particular test, or hands out values that are equal to anything, makes the test's
twin green as well. Nothing but the test's own code tells a twin from the test, so a forger would have to read that.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable

_EQUAL_CALLS = frozenset({"assertEqual", "assertEquals", "failUnlessEqual"})
_Function = ast.FunctionDef | ast.AsyncFunctionDef
_ESCAPES = (ast.Return, ast.Yield, ast.YieldFrom, ast.Raise)
_OTHER = """
def {name}(value):
    if isinstance(value, bool) or value is None:
        return [value]
    for kind, more in ((int, 1), (float, 1.5), (str, "{name}"), (bytes, b"{name}"), (list, [object()])):
        if type(value) is kind:
            return value + more if value == value and value + more != value else [value]
    return object()
"""
"""A value that is not equal to the given one, of its own type where that is a plain one."""


def twin(source: bytes, tests: frozenset[str]) -> tuple[bytes, frozenset[str]] | None:
    """(the module with named tests (`Class.test_x`) turned into their twins, which these are); None for none of them.

    Of a test whose body compares with `==` at its top level, the right sides are changed; any other gets a failure that
    it cannot leave without. Its own decorators and parameters stay.
    """
    try:
        module = ast.parse(source)
        name = "_other_" + hashlib.sha256(source).hexdigest()[:12]
        found = list(_functions(module.body, "", tests))
        if not found:
            return None
        for _, function in found:
            _invert(function, name)
        _insert(module, ast.parse(_OTHER.format(name=name)).body)
        text = ast.unparse(ast.fix_missing_locations(module))
        return text.encode("utf-8", "surrogatepass"), frozenset(qualified for qualified, _ in found)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _functions(body: Iterable[ast.stmt], prefix: str, tests: frozenset[str]) -> Iterable[tuple[str, _Function]]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if prefix + node.name in tests:
                yield prefix + node.name, node
            case ast.ClassDef():
                yield from _functions(node.body, f"{prefix}{node.name}.", tests)
            case ast.If() | ast.Try():
                yield from _functions([*node.body, *node.orelse], prefix, tests)
            case _:
                pass


def _invert(function: _Function, other: str) -> None:
    """Changes the function in place."""
    changed = False
    for statement in function.body:
        if any(isinstance(node, _ESCAPES) for node in ast.walk(statement)):
            break  # what follows may not be reached
        changed = _expects_other(statement, other) or changed
    if not changed:
        failure = ast.parse(f"raise AssertionError({other!r})").body
        function.body = [ast.Try(body=function.body, handlers=[], orelse=[], finalbody=list(failure))]


def _expects_other(statement: ast.stmt, other: str) -> bool:
    """True when the statement compares two values, and now compares with another one."""
    match statement:
        case ast.Assert(test=ast.Compare(ops=[ast.Eq()], comparators=[right]) as compare):
            compare.comparators = [_called(other, right)]
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(attr=attribute), args=[first, second, *rest]) as call) if (
            attribute in _EQUAL_CALLS
        ):
            call.args = [first, _called(other, second), *rest]
            return True
        case _:
            return False


def _called(name: str, argument: ast.expr) -> ast.expr:
    return ast.Call(func=ast.Name(id=name, ctx=ast.Load()), args=[argument], keywords=[])


def _insert(module: ast.Module, functions: list[ast.stmt]) -> None:
    """After the docstring and the imports from the future, which must come first."""
    head = [
        _is_text(node) or (isinstance(node, ast.ImportFrom) and node.module == "__future__") for node in module.body
    ]
    place = [*head, False].index(False)
    module.body[place:place] = functions


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
