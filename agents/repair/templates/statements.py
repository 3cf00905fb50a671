"""Templates on whole statements: returns, exceptions, defaults, deletion, moves, copies, control flow. Pure."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.conditions import _in_loop, _is_docstring
from agents.repair.templates.scopes import SHORT
from agents.repair.templates.site import Change, Site, Template

_EXCEPTIONS = ("ValueError", "TypeError", "KeyError", "IndexError", "AttributeError", "ZeroDivisionError", "Exception",
               "StopIteration", "RuntimeError", "LookupError", "OSError")  # fmt: skip


def return_value(node: cst.Return, site: Site) -> Iterator[Change]:
    """`return` -> `return x`; another variable is `other name`'s."""
    text = site.text(node.value) if node.value else ""
    for name in site.scope.names:
        if name not in (text, "self", "cls"):
            yield Change(text=f"return {name}", prior=0.35 if not text else 0.2)
    for value in ("None", "True", "False", "0", "[]", "1", "self"):
        if value != text:
            yield Change(text=f"return {value}", prior=0.2)
    if text:
        yield Change(text=f"return not {site.code(node.value)}" if node.value else "return", prior=0.3)
        yield Change(text=f"yield {text}", prior=0.1)
        if _in_loop(site):
            yield Change(text=text, prior=0.1)


def missing_return(node: cst.Expr, site: Site) -> Iterator[Change]:
    """`f(x)` -> `return f(x)`; `f(x)` -> `x = f(x)`."""
    text = site.text(node)
    if _is_string(node.value) or site.scope.function is None:
        return
    if isinstance(node.value, (cst.Yield, cst.Await)):
        if (
            isinstance(node.value, cst.Yield)
            and node.value.value is not None
            and not isinstance(node.value.value, cst.From)
        ):
            yield Change(text=f"yield from {site.text(node.value.value)}", prior=0.5)
        elif isinstance(node.value, cst.Yield) and isinstance(node.value.value, cst.From):
            yield Change(text=f"yield {site.text(node.value.value.item)}", prior=0.5)
        return
    yield Change(text=f"return {text}", prior=0.6)
    yield Change(text=f"yield from {text}", prior=0.1)
    if isinstance(node.value, cst.Call):
        if isinstance(node.value.func, cst.Attribute):
            yield Change(text=f"{site.text(node.value.func.value)} = {text}", prior=0.45)
        for name in site.scope.names:
            yield Change(text=f"{name} = {text}", prior=0.12)


def return_at_end(node: cst.FunctionDef, site: Site) -> Iterator[Change]:
    """A `return x` that the end of the function lacks."""
    last = node.body.body[-1] if isinstance(node.body, cst.IndentedBlock) else None
    if last is None:
        return
    if isinstance(last, cst.SimpleStatementLine) and isinstance(last.body[-1], (cst.Return, cst.Raise)):
        return
    first = node.body.body[0]
    place, indent = site.file.line_span(last)[1], site.file.indent(first)
    for name in (*site.scope.names, "True", "False", "0", "[]", "self"):
        if name not in ("cls",):
            yield Change(text=f"{indent}return {name}\n", prior=0.4, span=(place, place))


def caught_exception(node: cst.ExceptHandler, site: Site) -> Iterator[Change]:
    if node.type is None:
        return
    text = site.text(node.type)
    span = _with_parentheses(site, node.type)
    names = dict.fromkeys((*_EXCEPTIONS, *site.file.exceptions))
    for name in names:
        if name != text:
            share = 0.3 if name == "Exception" else 1.0  # it hides whatever else goes wrong
            yield Change(text=name, prior=0.4 * share, span=span)
            yield Change(text=f"({text.strip('()')}, {name})", prior=0.45 * share, span=span)


def raised_exception(node: cst.Raise, site: Site) -> Iterator[Change]:
    kind = node.exc.func if isinstance(node.exc, cst.Call) else node.exc
    if isinstance(kind, cst.Name):
        for name in dict.fromkeys((*_EXCEPTIONS, *site.file.exceptions)):
            if name != kind.value:
                yield Change(text=name, prior=0.5, span=site.file.span(kind))


def _with_parentheses(site: Site, node: cst.BaseExpression) -> tuple[int, int]:
    start, end = site.file.span(node)
    return (start - 1, end + 1) if node.lpar else (start, end)


def shared_default(node: cst.Param, site: Site) -> Iterator[Change]:
    """`def f(xs=[])` -> `def f(xs=None)` with the empty value made in the body."""
    function = site.scope.function
    if not isinstance(node.default, (cst.List, cst.Dict, cst.Call)) or function is None:
        return
    statements = list(function.body.body) if isinstance(function.body, cst.IndentedBlock) else []
    if statements and _is_docstring(statements[0]):
        statements = statements[1:]
    if not statements:
        return
    start, end = site.file.span(node.default)
    place = site.file.offset(site.file.lines(statements[0])[0], 0)
    indent, value = site.file.indent(statements[0]), site.text(node.default)
    between = site.file.source[end:place]
    guard = f"{indent}if {node.name.value} is None:\n{indent}    {node.name.value} = {value}\n"
    yield Change(text=f"None{between}{guard}", prior=0.9, span=(start, place))


def delete(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """The statement removed; `pass` where the block would be empty."""
    block = site.parent
    if not isinstance(block, cst.IndentedBlock) or _is_docstring(node) or isinstance(node, cst.ClassDef):
        return
    if len(block.body) == 1:
        if site.text(node) != "pass":
            yield Change(text="pass", prior=0.3)
    else:
        prior = 0.35 if isinstance(node, cst.SimpleStatementLine) else 0.25
        yield Change(text="", prior=prior, span=site.file.line_span(node))


def move(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """Exchange with the next statement; out of the block it ends, into the block before it."""
    block = site.parent
    if not isinstance(block, cst.IndentedBlock) or _is_docstring(node):
        return
    siblings = list(block.body)
    position = siblings.index(node)
    start, end = site.file.line_span(node)
    own = _whole(site.file.source[start:end])
    if position + 1 < len(siblings):
        after = site.file.line_span(siblings[position + 1])
        between = site.file.source[end : after[0]]
        other = _whole(site.file.source[after[0] : after[1]])
        yield Change(text=f"{other}{between}{own}", prior=0.4, span=(start, after[1]))
    owner = site.file.parent(block)
    if (
        position + 1 == len(siblings)
        and position > 0
        and isinstance(owner, (cst.For, cst.While, cst.If, cst.Else, cst.With))
    ):
        outer = site.file.indent(owner)
        yield Change(text=textwrap.indent(textwrap.dedent(own), outer), prior=0.45, span=(start, end))
    previous = siblings[position - 1] if position else None
    if isinstance(previous, (cst.For, cst.While, cst.If, cst.With)) and isinstance(previous.body, cst.IndentedBlock):
        inner = site.file.indent(previous.body.body[0])
        if getattr(previous, "orelse", None) is None:
            yield Change(text=textwrap.indent(textwrap.dedent(own), inner), prior=0.4, span=(start, end))


def _whole(lines: str) -> str:
    return lines if lines.endswith("\n") else f"{lines}\n"


def insert_copy(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """A simple statement of the same function, copied before this one or after it."""
    function = site.scope.function
    if function is None or not isinstance(site.parent, cst.IndentedBlock) or _is_docstring(node):
        return
    indent = site.file.indent(node)
    start, end = site.file.line_span(node)
    for text in _simple_statements(site, function):
        if text != site.text(node):
            yield Change(text=f"{indent}{text}\n", prior=0.2, span=(start, start))
            yield Change(text=f"{indent}{text}\n", prior=0.2, span=(end, end))
    for name in site.scope.names:
        for change, prior in ((f"{name} += 1", 0.15), (f"{name} -= 1", 0.12), (f"{name} = {name}.copy()", 0.1),
                              (f"{name} = list({name})", 0.12), (f"{name} = []", 0.05),
                              (f"{name} = 0", 0.05)):  # fmt: skip
            yield Change(text=f"{indent}{change}\n", prior=prior, span=(start, start))
            if _in_loop(site):
                yield Change(text=f"{indent}{change}\n", prior=prior, span=(end, end))


def insert_varied_copy(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """A statement of the same function with another variable in it; one of another function whose names exist here."""
    function = site.scope.function
    if function is None or not isinstance(site.parent, cst.IndentedBlock) or _is_docstring(node):
        return
    indent = site.file.indent(node)
    start, end = site.file.line_span(node)
    for text, prior in _ingredients(site, function):
        yield Change(text=f"{indent}{text}\n", prior=prior, span=(start, start))
        yield Change(text=f"{indent}{text}\n", prior=prior, span=(end, end))


def _ingredients(site: Site, function: cst.FunctionDef) -> list[tuple[str, float]]:
    key = ("ingredients", id(function))
    if key not in site.file.made:
        site.file.made[key] = _find_ingredients(site, function)
    known: list[tuple[str, float]] = site.file.made[key]
    return known


def _find_ingredients(site: Site, function: cst.FunctionDef) -> list[tuple[str, float]]:
    names = [name for name in site.scope.names if name not in ("self", "cls")][:8]
    found: dict[str, float] = {}
    for text in _simple_statements(site, function):
        if text.startswith(("return", "raise", "break", "continue", "pass", "import", "from")):
            continue
        for used in names:
            for other in names:
                if used != other and re.search(rf"\b{used}\b", text):
                    found.setdefault(re.sub(rf"\b{used}\b", other, text, count=1), 0.14)
    own = set(site.scope.names) | set(site.file.module_names)
    for text in site.file.simple_statements:
        if set(re.findall(r"(?<![.\w])[a-z_]\w*", text)) <= own | {"self", "True", "False", "None"}:
            found.setdefault(text, 0.1)
    return list(found.items())[:150]


def _simple_statements(site: Site, function: cst.FunctionDef) -> list[str]:
    key = ("statements", id(function))
    if key not in site.file.made:
        site.file.made[key] = _find_simple_statements(site, function)
    known: list[str] = site.file.made[key]
    return known


def _find_simple_statements(site: Site, function: cst.FunctionDef) -> list[str]:
    found = []
    for inner, scope in site.file.walk:
        if scope.function is function and isinstance(inner, cst.SimpleStatementLine) and not _is_docstring(inner):
            text = site.text(inner)
            if len(text) <= 2 * SHORT and "\n" not in text:
                found.append(text)
    return list(dict.fromkeys(found))[:30]


def _is_string(node: cst.BaseExpression) -> bool:
    return isinstance(node, (cst.SimpleString, cst.ConcatenatedString))


_STATEMENTS = (cst.SimpleStatementLine, cst.If, cst.For, cst.While, cst.With, cst.Try)

TEMPLATES = (
    Template(name="return value", nodes=(cst.Return,), propose=return_value),
    Template(name="missing return", nodes=(cst.Expr,), propose=missing_return),
    Template(name="return at end", nodes=(cst.FunctionDef,), propose=return_at_end),
    Template(name="caught exception", nodes=(cst.ExceptHandler,), propose=caught_exception),
    Template(name="raised exception", nodes=(cst.Raise,), propose=raised_exception),
    Template(name="shared default", nodes=(cst.Param,), propose=shared_default),
    Template(name="delete statement", nodes=_STATEMENTS, propose=delete),
    Template(name="move statement", nodes=_STATEMENTS, propose=move),
    Template(name="insert copy", nodes=_STATEMENTS, propose=insert_copy),
    Template(name="insert varied copy", nodes=_STATEMENTS, propose=insert_varied_copy),
)
