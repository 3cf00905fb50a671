"""The names that a place in a file may use, and the ingredients around it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import libcst as cst

if TYPE_CHECKING:
    from agents.repair.templates.site import File

SHORT = 40
"""Characters: longer expressions are no ingredients for other places."""


@dataclass
class Scope:
    """The names that a place may use. `function` is None at module or class level."""

    function: cst.FunctionDef | None
    parameters: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Parameters and local variables, enclosing functions' included, in order of appearance."""
    own: frozenset[str] = frozenset()
    """Of these, the ones that the function itself binds."""
    attributes: tuple[str, ...] = ()
    """`self.x` for each attribute x that the class's methods mention."""
    conditions: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    """Short expressions that the function contains."""
    places: tuple[str, ...] = ()
    """Items and attributes that the function mentions: what an assignment could go to."""
    indices: frozenset[str] = frozenset()
    """Names that the function uses to index or slice: the ones that are off by one."""
    fields: tuple[str, ...] = ()
    """Names of attributes that the function reads, of whatever object."""
    methods: tuple[str, ...] = ()
    """Names of attributes that the function calls."""
    owner: cst.ClassDef | None = None


def walk(file: File, node: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
    for child in node.children:
        inner = scope
        if isinstance(child, cst.ClassDef):
            inner = Scope(scope.function, owner=child, attributes=_attributes(child), names=scope.names)
        elif isinstance(child, cst.FunctionDef):
            inner = _function_scope(file, child, scope)
        if not isinstance(child, (cst.BaseParenthesizableWhitespace, cst.Annotation, cst.Import, cst.ImportFrom)):
            yield child, inner
            yield from walk(file, child, inner)


def _function_scope(file: File, function: cst.FunctionDef, outer: Scope) -> Scope:
    every = function.params
    parameters = [p.name.value for p in (*every.posonly_params, *every.params, *every.kwonly_params)]
    parameters += [p.name.value for p in (every.star_arg, every.star_kwarg) if isinstance(p, cst.Param)]
    body = list(descend(function.body))
    own = [*parameters, *(name for node in body for name in stored(node))]
    return Scope(
        function,
        parameters=tuple(parameters),
        names=tuple(dict.fromkeys([*own, *outer.names])),
        own=frozenset(own),
        attributes=outer.attributes,
        conditions=tuple(dict.fromkeys(_conditions(file, body))),
        expressions=tuple(dict.fromkeys(_expressions(file, body))),
        places=tuple(dict.fromkeys(_places(file, body)))[:12],
        indices=frozenset(_indices(body)),
        fields=read_attributes(body),
        methods=called_attributes(body),
        owner=outer.owner,
    )


def descend(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for child in node.children:
        yield child
        yield from descend(child)


def stored(node: cst.CSTNode) -> Iterator[str]:
    """Names that this one node binds (not its children's)."""
    targets: list[cst.CSTNode] = []
    match node:
        case cst.Assign(targets=many):
            targets = [target.target for target in many]
        case cst.AugAssign(target=target) | cst.AnnAssign(target=target) | cst.NamedExpr(target=target):
            targets = [target]
        case cst.For(target=target) | cst.CompFor(target=target):
            targets = [target]
        case cst.AsName(name=name):
            targets = [name]
        case cst.SimpleStatementLine(body=parts):
            for part in parts:
                yield from stored(part)
        case _:
            pass
    for bound in targets:
        if isinstance(bound, cst.Name):
            yield bound.value
        elif isinstance(bound, (cst.Tuple, cst.List)):
            for element in bound.elements:
                if isinstance(element.value, cst.Name):
                    yield element.value.value


def read_attributes(nodes: Iterable[cst.CSTNode]) -> tuple[str, ...]:
    """Names of attributes that are mentioned without being called, in order of appearance."""
    nodes = list(nodes)
    called = {id(node.func) for node in nodes if isinstance(node, cst.Call)}
    found = (node.attr.value for node in nodes if isinstance(node, cst.Attribute) and id(node) not in called)
    return tuple(dict.fromkeys(found))


def called_attributes(nodes: Iterable[cst.CSTNode]) -> tuple[str, ...]:
    """Names of attributes that are called, in order of appearance."""
    functions = (node.func for node in nodes if isinstance(node, cst.Call))
    return tuple(dict.fromkeys(func.attr.value for func in functions if isinstance(func, cst.Attribute)))


def _indices(body: list[cst.CSTNode]) -> Iterator[str]:
    for node in body:
        if isinstance(node, (cst.Index, cst.Slice)):
            yield from (inner.value for inner in descend(node) if isinstance(inner, cst.Name))


def _attributes(owner: cst.ClassDef) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in descend(owner.body):
        match node:
            case cst.Attribute(value=cst.Name(value="self"), attr=cst.Name(value=name)):
                found[f"self.{name}"] = None
            case _:
                pass
    return tuple(found)


def _conditions(file: File, body: list[cst.CSTNode]) -> Iterator[str]:
    for node in body:
        match node:
            case cst.If(test=test) | cst.While(test=test) | cst.IfExp(test=test) | cst.CompIf(test=test):
                if len(text := file.text(test)) <= SHORT:
                    yield text
            case cst.Comparison():
                if len(text := file.text(node)) <= SHORT:
                    yield text
            case _:
                pass


def _places(file: File, body: list[cst.CSTNode]) -> Iterator[str]:
    for node in body:
        called = isinstance(file.parent(node), cst.Call) and isinstance(node, cst.Attribute)
        if isinstance(node, (cst.Attribute, cst.Subscript)) and not called:
            text = file.text(node)
            if len(text) <= SHORT and "\n" not in text:
                yield text


def _expressions(file: File, body: list[cst.CSTNode]) -> Iterator[str]:
    for node in body:
        if isinstance(node, (cst.Attribute, cst.Subscript, cst.Call, cst.BinaryOperation)):
            text = file.code(node)
            if len(text) <= SHORT and "\n" not in text:
                yield text
