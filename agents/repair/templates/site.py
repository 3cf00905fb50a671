"""One source file as the templates see it: nodes with their places, parents and the names in scope. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider

from agents.repair.templates.scopes import SHORT, Scope, called_attributes, descend, read_attributes, stored, walk

_NEWLINE = re.compile(r"\r\n|\n|\r")

ATOM, ARITHMETIC, COMPARISON, BOOLEAN = 3, 2, 1, 0
"""How tightly a replacement's outermost operator binds, for `Site.fit`."""


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
class File:
    """A parsed file. Raises `cst.ParserSyntaxError` for what is no Python."""

    path: str
    source: str
    module: cst.Module = field(init=False)
    positions: Mapping[cst.CSTNode, Any] = field(init=False)
    parents: Mapping[cst.CSTNode, cst.CSTNode] = field(init=False)
    made: dict[tuple[str, int], Any] = field(init=False, default_factory=dict)
    """What templates worked out once for a function: (what, id of its node) -> value."""

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
        return read_attributes(descend(self.module))

    @cached_property
    def methods(self) -> tuple[str, ...]:
        """Names of attributes that the file calls."""
        return called_attributes(descend(self.module))

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
        return list(walk(self, self.module, Scope(None)))

    @cached_property
    def module_names(self) -> tuple[str, ...]:
        """Functions, classes and variables that the module defines at its top level."""
        names: list[str] = []
        for statement in self.module.body:
            if isinstance(statement, (cst.FunctionDef, cst.ClassDef)):
                names.append(statement.name.value)
            elif isinstance(statement, cst.SimpleStatementLine):
                names.extend(stored(statement))
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
    def simple_statements(self) -> tuple[str, ...]:
        """Short statements of the file's functions: assignments and calls."""
        found = [
            self.text(node)
            for node, scope in self.walk
            if isinstance(node, cst.SimpleStatementLine)
            and scope.function is not None
            and isinstance(node.body[0], (cst.Assign, cst.AugAssign, cst.Expr))
        ]
        return tuple(text for text in dict.fromkeys(found) if len(text) <= 2 * SHORT and "\n" not in text)[:60]

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
