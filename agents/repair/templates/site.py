"""One source file as the templates see it: nodes with their places, parents and the names in scope. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

_NEWLINE = re.compile(r"\r\n|\n|\r")

ATOM, ARITHMETIC, COMPARISON, BOOLEAN = 3, 2, 1, 0
"""How tightly a replacement's outermost operator binds, for `Site.fit`."""

SHORT = 40
"""Characters: longer expressions are no ingredients for other places."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One replacement that a template offers: by default of the node's own span."""

    text: str
    prior: float
    """How likely this kind of change is to be the fix, 0..1, before any test ran."""
    span: tuple[int, int] | None = None


@dataclass(frozen=True, kw_only=True)
class Template:
    name: str
    nodes: tuple[type[cst.CSTNode], ...]
    propose: Callable[[Any, Site], Iterator[Change]]


@dataclass
class Scope:
    """The names that a place may use. `function` is None at module or class level."""

    function: cst.FunctionDef | None
    parameters: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    """Parameters and local variables, enclosing functions' included, in order of appearance."""
    attributes: tuple[str, ...] = ()
    """`self.x` for each attribute x that the class's methods mention."""
    conditions: tuple[str, ...] = ()
    expressions: tuple[str, ...] = ()
    """Short expressions that the function contains."""
    indices: frozenset[str] = frozenset()
    """Names that the function uses to index or slice: the ones that are off by one."""
    fields: tuple[str, ...] = ()
    """Names of attributes that the function reads, of whatever object."""
    methods: tuple[str, ...] = ()
    """Names of attributes that the function calls."""
    owner: cst.ClassDef | None = None


@dataclass
class File:
    """A parsed file. Raises `cst.ParserSyntaxError` for what is no Python."""

    path: str
    source: str
    module: cst.Module = field(init=False)
    positions: Mapping[cst.CSTNode, Any] = field(init=False)
    parents: Mapping[cst.CSTNode, cst.CSTNode] = field(init=False)

    def __post_init__(self) -> None:
        wrapper = MetadataWrapper(cst.parse_module(self.source), unsafe_skip_copy=True)
        self.module = wrapper.module
        self.positions = wrapper.resolve(PositionProvider)
        self.parents = wrapper.resolve(ParentNodeProvider)
        self._starts = [0, *(match.end() for match in _NEWLINE.finditer(self.source))]

    def offset(self, line: int, column: int) -> int:
        return min(self._starts[line - 1] + column, len(self.source)) if line <= len(self._starts) else len(self.source)

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Without the node's own parentheses, white space and comments."""
        place = self.positions[node]
        return self.offset(place.start.line, place.start.column), self.offset(place.end.line, place.end.column)

    def lines(self, node: cst.CSTNode) -> range:
        place = self.positions[node]
        return range(place.start.line, place.end.line + 1)

    def text(self, node: cst.CSTNode) -> str:
        start, end = self.span(node)
        return self.source[start:end]

    def code(self, node: cst.CSTNode) -> str:
        """As `text`, with the node's own parentheses."""
        inner = self.text(node)
        return f"({inner})" if getattr(node, "lpar", ()) else inner

    @cached_property
    def fields(self) -> tuple[str, ...]:
        """Names of attributes that the file reads."""
        return read_attributes(_descend(self.module))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Names of attributes that the file calls."""
        return called_attributes(_descend(self.module))

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        return self.parents.get(node)

    def line_span(self, node: cst.CSTNode) -> tuple[int, int]:
        """From the start of the node's first line to the start of the line after its last."""
        lines = self.lines(node)
        return self.offset(lines[0], 0), self.offset(lines[-1] + 1, 0)

    def indent(self, node: cst.CSTNode) -> str:
        start = self.offset(self.lines(node)[0], 0)
        return self.source[start : self.span(node)[0]]

    @cached_property
    def walk(self) -> list[tuple[cst.CSTNode, Scope]]:
        """Every node with its scope, in source order."""
        return list(_walk(self, self.module, Scope(None)))

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """Functions, classes and variables that the module defines at its top level."""
        names: list[str] = []
        for statement in self.module.body:
            if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
                names.append(statement.name.value)
            elif isinstance(statement, cst.SimpleStatementLine):
                names.extend(_stored(statement))
        return tuple(dict.fromkeys(names))

    @cached_property
    def strings(self) -> tuple[str, ...]:
        """The file's short string literals, docstrings left out."""
        found = [
            self.text(node)
            for node, _ in self.walk
            if isinstance(node, cst.SimpleString) and not isinstance(self.parent(node), cst.Expr)
        ]
        return tuple(text for text in dict.fromkeys(found) if len(text) <= SHORT)

    @cached_property
    def integers(self) -> tuple[str, ...]:
        """The file's integer literals, the first twenty."""
        return tuple(dict.fromkeys(self.text(n) for n, _ in self.walk if isinstance(n, cst.Integer)))[:20]

    @cached_property
    def exceptions(self) -> tuple[str, ...]:
        """Exception names that the file raises or catches."""
        found = [
            node.value
            for node, _ in self.walk
            if isinstance(node, cst.Name) and node.value.endswith(("Error", "Exception"))
        ]
        return tuple(dict.fromkeys(found))

    @cached_property
    def functions(self) -> Mapping[str, cst.FunctionDef]:
        return {node.name.value: node for node, _ in self.walk if isinstance(node, cst.FunctionDef)}


@dataclass(frozen=True, kw_only=True)
class Site:
    """One node in its file and scope: what a template decides from."""

    file: File
    node: cst.CSTNode
    scope: Scope

    def text(self, node: cst.CSTNode) -> str:
        return self.file.text(node)

    def code(self, node: cst.CSTNode) -> str:
        return self.file.code(node)

    @property
    def parent(self) -> cst.CSTNode | None:
        return self.file.parent(self.node)

    def fit(self, text: str, binding: int) -> str:
        """`text` in parentheses where the place would tear it apart."""
        if getattr(self.node, "lpar", ()):
            return text
        match self.parent:
            case (
                cst.Attribute()
                | cst.Subscript()
                | cst.Call()
                | cst.Await()
                | cst.BinaryOperation()
                | cst.UnaryOperation(operator=cst.Minus() | cst.Plus() | cst.BitInvert())
            ):
                needed = ATOM
            case cst.Comparison() | cst.ComparisonTarget():
                needed = ARITHMETIC
            case cst.UnaryOperation() | cst.BooleanOperation() | cst.IfExp():
                needed = COMPARISON
            case _:
                needed = BOOLEAN
        return text if binding >= needed else f"({text})"

    @property
    def is_stored(self) -> bool:
        """The node is assigned to, deleted or otherwise not read."""
        node: cst.CSTNode = self.node
        parent = self.file.parent(node)
        while isinstance(parent, (cst.Tuple, cst.List, cst.Element, cst.StarredElement)):
            node, parent = parent, self.file.parent(parent)
        match parent:
            case cst.AssignTarget() | cst.AsName() | cst.Param() | cst.Del() | cst.Global() | cst.Nonlocal():
                return getattr(parent, "default", None) is not node
            case cst.AugAssign(target=target) | cst.AnnAssign(target=target) | cst.NamedExpr(target=target):
                return target is node
            case cst.For(target=target) | cst.CompFor(target=target):
                return target is node
            case _:
                return False


def _walk(file: File, node: cst.CSTNode, scope: Scope) -> Iterator[tuple[cst.CSTNode, Scope]]:
    for child in node.children:
        inner = scope
        if isinstance(child, cst.ClassDef):
            inner = Scope(scope.function, owner=child, attributes=_attributes(child), names=scope.names)
        elif isinstance(child, cst.FunctionDef):
            inner = _function_scope(file, child, scope)
        if not isinstance(child, (cst.BaseParenthesizableWhitespace, cst.Annotation, cst.Import, cst.ImportFrom)):
            yield child, inner
            yield from _walk(file, child, inner)


def _function_scope(file: File, function: cst.FunctionDef, outer: Scope) -> Scope:
    every = function.params
    parameters = [p.name.value for p in (*every.posonly_params, *every.params, *every.kwonly_params)]
    parameters += [p.name.value for p in (every.star_arg, every.star_kwarg) if isinstance(p, cst.Param)]
    body = list(_descend(function.body))
    names = [*parameters, *(name for node in body for name in _stored(node)), *outer.names]
    return Scope(
        function,
        parameters=tuple(parameters),
        names=tuple(dict.fromkeys(names)),
        attributes=outer.attributes,
        conditions=tuple(dict.fromkeys(_conditions(file, body))),
        expressions=tuple(dict.fromkeys(_expressions(file, body))),
        indices=frozenset(_indices(body)),
        fields=read_attributes(body),
        methods=called_attributes(body),
        owner=outer.owner,
    )


def _descend(node: cst.CSTNode) -> Iterator[cst.CSTNode]:
    for child in node.children:
        yield child
        yield from _descend(child)


def _stored(node: cst.CSTNode) -> Iterator[str]:
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
                yield from _stored(part)
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
            yield from (inner.value for inner in _descend(node) if isinstance(inner, cst.Name))


def _attributes(owner: cst.ClassDef) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for node in _descend(owner.body):
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


def _expressions(file: File, body: list[cst.CSTNode]) -> Iterator[str]:
    for node in body:
        if isinstance(node, (cst.Attribute, cst.Subscript, cst.Call, cst.BinaryOperation)):
            text = file.code(node)
            if len(text) <= SHORT and "\n" not in text:
                yield text
