"""Templates that add what is missing, out of what is in scope: operands, bounds, elements, calls, assignments. Pure.

The patterns are the insertions of PAR (Kim et al., 2013) and TBar (Liu et al., 2019): a missed statement, a missed
operand, a missed element; the ingredients come from the same function first (Martinez et al., 2014).
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.conditions import _in_loop, _is_docstring
from agents.repair.templates.scopes import descend
from agents.repair.templates.site import ARITHMETIC, ATOM, Change, Site, Template

_MOST_NAMES = 8
_FILLED = {"set": "add", "list": "append", "deque": "append", "Counter": "update", "OrderedDict": "update",
           "dict": "update"}  # fmt: skip
"""How a container grows, by what made it."""
_GROWING = ("add", "append", "extend", "update", "push", "put", "insert", "appendleft")
_CHANGING = (*_GROWING, "pop", "popleft", "popitem", "remove", "discard", "clear", "sort", "reverse", "setdefault")


def _names(site: Site) -> list[str]:
    """The variables that a place may use, the parameters first."""
    return [name for name in site.scope.names if name not in ("self", "cls")][:_MOST_NAMES]


def missing_operand(node: cst.BaseExpression, site: Site) -> Iterator[Change]:
    """`e` -> `e + x`, `e - x`, `x + e`, `e * x` for a variable x."""
    if site.is_stored or isinstance(site.parent, cst.Attribute):
        return
    parents = (cst.Arg, cst.Return, cst.Assign, cst.AugAssign, cst.ComparisonTarget, cst.Comparison, cst.Index,
               cst.BinaryOperation, cst.Yield, cst.Slice)  # fmt: skip
    if not isinstance(site.parent, parents):
        return
    text = site.code(node)
    if text in ("self", "cls", "None", "True", "False"):
        return
    joined = isinstance(node, (cst.List, cst.ListComp, cst.SimpleString))
    returned = isinstance(site.parent, (cst.Return, cst.Arg, cst.Assign))
    for name in _names(site):
        prior = 0.3 if returned and name != text else 0.15
        yield Change(text=site.fit(f"{text} + {name}", ARITHMETIC), prior=prior)
        if joined:
            yield Change(text=site.fit(f"{name} + {text}", ARITHMETIC), prior=prior)
        else:
            yield Change(text=site.fit(f"{text} - {name}", ARITHMETIC), prior=prior)
            yield Change(text=site.fit(f"{text} * {name}", ARITHMETIC), prior=prior * 0.6)
    if isinstance(node, cst.Name):
        yield Change(text=site.fit(f"{text} ** 2", ARITHMETIC), prior=0.1)


def slice_by_name(node: cst.Name | cst.Attribute, site: Site) -> Iterator[Change]:
    """`xs` -> `xs[n:]`, `xs[:n]` for a variable n."""
    if site.is_stored or not isinstance(site.parent, (cst.For, cst.CompFor, cst.Return, cst.Assign, cst.Arg)):
        return
    text = site.text(node)
    if isinstance(site.parent, cst.Arg) and site.parent.keyword is node:
        return
    for name in _names(site):
        if name != text:
            prior = 0.28 if name in site.scope.indices or name in site.scope.parameters else 0.15
            yield Change(text=site.fit(f"{text}[{name}:]", ATOM), prior=prior)
            yield Change(text=site.fit(f"{text}[:{name}]", ATOM), prior=prior)


def missing_element(node: cst.List | cst.Tuple, site: Site) -> Iterator[Change]:
    """`[]` -> `[x]`; `[a]` -> `[a, x]`."""
    given = [site.code(element.value) for element in node.elements]
    if site.is_stored or len(given) > 3:
        return
    for name in _names(site):
        if name in given:
            continue
        prior = 0.35 if not given else 0.15
        if isinstance(node, cst.List):
            yield Change(text=f"[{', '.join([*given, name])}]", prior=prior)
        elif given:
            yield Change(text=", ".join([*given, name]), prior=prior * 0.5)


def element_order(node: cst.Subscript | cst.Tuple, site: Site) -> Iterator[Change]:
    """`grid[i, j]` -> `grid[j, i]`; `(a, b)` -> `(b, a)`."""
    parts = node.slice if isinstance(node, cst.Subscript) else node.elements
    if len(parts) not in (2, 3) or any(isinstance(part, cst.StarredElement) for part in parts):
        return
    texts = [site.text(part.slice if isinstance(part, cst.SubscriptElement) else part.value) for part in parts]
    for first in range(len(texts) - 1):
        swapped = [*texts]
        swapped[first], swapped[first + 1] = swapped[first + 1], swapped[first]
        inner = ", ".join(swapped)
        if isinstance(node, cst.Subscript):
            yield Change(text=f"{site.code(node.value)}[{inner}]", prior=0.45)
        else:
            yield Change(text=inner, prior=0.4)


def other_place(node: cst.Subscript | cst.Attribute, site: Site) -> Iterator[Change]:
    """An assignment goes to another item or attribute: one that the function mentions elsewhere."""
    if not isinstance(site.parent, (cst.AssignTarget, cst.AugAssign)) or site.parent.target is not node:
        return
    text = site.text(node)
    for other in site.scope.places:
        if other != text:
            yield Change(text=other, prior=0.35)
    for name in _names(site):
        yield Change(text=name, prior=0.15)


def _containers(site: Site) -> dict[str, str]:
    """Variables that hold a container, with the method that fills it."""
    key = ("containers", id(site.scope.function))
    if key not in site.file.made:
        site.file.made[key] = _find_containers(site)
    known: dict[str, str] = site.file.made[key]
    return known


def _find_containers(site: Site) -> dict[str, str]:
    found: dict[str, str] = {}
    function = site.scope.function
    for inner, scope in site.file.walk:
        if scope.function is not function and not (scope.function is not None and function is not None):
            continue
        match inner:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=value):
                method = _filled_by(value)
                if method and name in site.scope.names:
                    found.setdefault(name, method)
            case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value=method))):
                if method in _GROWING and name in site.scope.names:
                    found.setdefault(name, method)
            case _:
                pass
    return found


def _filled_by(value: cst.BaseExpression) -> str:
    match value:
        case cst.List() | cst.ListComp():
            return "append"
        case cst.Set() | cst.SetComp():
            return "add"
        case cst.Call(func=cst.Name(value=kind)) | cst.Call(func=cst.Attribute(attr=cst.Name(value=kind))):
            return _FILLED.get(kind, "")
        case _:
            return ""


def missing_call(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """A container that was to be filled: `seen.add(x)`, `result.append(x)` before this statement or after it."""
    if not _is_inside(node, site):
        return
    indent, (start, end) = site.file.indent(node), site.file.line_span(node)
    before = _last_line(site, end)
    for container, method in _containers(site).items():
        for name in _names(site):
            if name == container:
                continue
            text = f"{indent}{container}.{method}({name})\n"
            prior = 0.32 if name not in site.scope.parameters or _in_loop(site) else 0.26
            prior *= 1.0 if name in site.scope.own else 0.4  # an enclosing function's: seldom what is kept here
            yield Change(text=text, prior=prior, span=(start, start))
            if before is not None:
                yield Change(text=f"{before}{text}", prior=prior, span=(end, end))


def missing_assignment(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """A variable that was to be carried over: `last = current`, before this statement or after it."""
    if not _is_inside(node, site):
        return
    indent, (start, end) = site.file.indent(node), site.file.line_span(node)
    before = _last_line(site, end)
    names = _names(site)
    for target in names:
        if target in site.scope.parameters and not _in_loop(site):
            continue
        for value in names:
            if value != target:
                prior = 0.2 if _in_loop(site) else 0.1
                yield Change(text=f"{indent}{target} = {value}\n", prior=prior, span=(start, start))
                if before is not None:
                    yield Change(text=f"{before}{indent}{target} = {value}\n", prior=prior, span=(end, end))


def _is_inside(node: cst.BaseStatement, site: Site) -> bool:
    """A statement of a function's block, in whose place another may stand."""
    return (
        site.scope.function is not None
        and isinstance(site.parent, cst.IndentedBlock)
        and not _is_docstring(node)
        and not isinstance(node, (cst.FunctionDef, cst.ClassDef))
    )


def _last_line(site: Site, end: int) -> str | None:
    """What must stand between a statement and one after it; None where nothing is reached after it."""
    last = site.node.body[-1] if isinstance(site.node, cst.SimpleStatementLine) else None
    if isinstance(last, (cst.Return, cst.Raise, cst.Break, cst.Continue)):
        return None
    return "" if site.file.source[:end].endswith("\n") else "\n"


def call_to_assignment(node: cst.Expr, site: Site) -> Iterator[Change]:
    """`x.update(y)` -> `x = y`: the object shared where it was copied into."""
    match node.value:
        case cst.Call(func=cst.Attribute(value=target), args=[cst.Arg(keyword=None, star="", value=value)]):
            if isinstance(target, (cst.Name, cst.Subscript, cst.Attribute)) and site.text(target) != "self":
                yield Change(text=f"{site.text(target)} = {site.text(value)}", prior=0.25)
        case _:
            pass


def copy_of_alias(node: cst.Assign, site: Site) -> Iterator[Change]:
    """`a = b` -> `a = b.copy()`, `a = list(b)`, where `a` is changed afterwards and `b` was to stay as it is."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=cst.Name() | cst.Attribute()):
            if site.scope.function is not None and name in _changed_in_place(site.scope.function, site):
                value = site.text(node.value)
                for copied, prior in ((f"{value}.copy()", 0.6), (f"list({value})", 0.4), (f"dict({value})", 0.3)):
                    yield Change(text=f"{name} = {copied}", prior=prior)
        case _:
            pass


def _changed_in_place(function: cst.FunctionDef, site: Site) -> frozenset[str]:
    """Variables of which an item is assigned or deleted, or a method called that changes a container."""
    key = ("changed in place", id(function))
    if key not in site.file.made:
        found: set[str] = set()
        for inner in descend(function.body):
            match inner:
                case cst.AssignTarget(target=cst.Subscript(value=cst.Name(value=name))):
                    found.add(name)
                case cst.AugAssign(target=cst.Subscript(value=cst.Name(value=name)) | cst.Name(value=name)):
                    found.add(name)
                case cst.Del(target=cst.Subscript(value=cst.Name(value=name))):
                    found.add(name)
                case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value=method))):
                    if method in _CHANGING:
                        found.add(name)
                case _:
                    pass
        site.file.made[key] = frozenset(found)
    known: frozenset[str] = site.file.made[key]
    return known


def extreme_of_both(node: cst.Assign, site: Site) -> Iterator[Change]:
    """`best = e` -> `best = max(best, e)`: a value that must not get worse."""
    if len(node.targets) == 1 and isinstance(node.targets[0].target, (cst.Name, cst.Attribute, cst.Subscript)):
        target, value = site.text(node.targets[0].target), site.text(node.value)
        prior = 0.35 if _in_loop(site) else 0.1
        for function in ("max", "min"):
            yield Change(text=f"{target} = {function}({target}, {value})", prior=prior)


_STATEMENTS = (cst.SimpleStatementLine, cst.If, cst.For, cst.While, cst.With, cst.Try)

TEMPLATES = (
    Template(
        name="missing operand",
        nodes=(
            cst.Name,
            cst.Attribute,
            cst.Subscript,
            cst.Call,
            cst.List,
            cst.ListComp,
            cst.BinaryOperation,
            cst.SimpleString,
        ),
        propose=missing_operand,
    ),
    Template(name="slice by name", nodes=(cst.Name, cst.Attribute), propose=slice_by_name),
    Template(name="missing element", nodes=(cst.List, cst.Tuple), propose=missing_element),
    Template(name="element order", nodes=(cst.Subscript, cst.Tuple), propose=element_order),
    Template(name="other place", nodes=(cst.Subscript, cst.Attribute), propose=other_place),
    Template(name="missing call", nodes=_STATEMENTS, propose=missing_call),
    Template(name="missing assignment", nodes=_STATEMENTS, propose=missing_assignment),
    Template(name="call to assignment", nodes=(cst.Expr,), propose=call_to_assignment),
    Template(name="copy of alias", nodes=(cst.Assign,), propose=copy_of_alias),
    Template(name="extreme of both", nodes=(cst.Assign,), propose=extreme_of_both),
)
