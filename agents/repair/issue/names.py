"""Which names statements define, and which they read. Pure."""

from __future__ import annotations

import ast
from collections.abc import Iterable


def defined_names(statements: Iterable[ast.stmt]) -> frozenset[str]:
    """By assignment, definition or import, at any depth."""
    found: set[str] = set()
    for node in _nodes(statements):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) | ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.alias(name=name, asname=other):
                found.add(other or name.split(".", 1)[0])
            case ast.arg(arg=name):
                found.add(name)
            case _:
                pass
    return frozenset(found)


def read_names(statements: Iterable[ast.stmt]) -> frozenset[str]:
    return frozenset(
        node.id for node in _nodes(statements) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)
    )


def _nodes(statements: Iterable[ast.stmt]) -> Iterable[ast.AST]:
    for statement in statements:
        yield from ast.walk(statement)
