"""Templates for what may run out: a container that is emptied, a value that may be None, an index past the end. Pure.

The checkers of PAR (Kim et al., 2013) and TBar (Liu et al., 2019: null pointer and range checker, FP2 and FP3), for
what the code at the place looks into or takes from, not for every name in scope.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.conditions import _in_loop, _is_docstring
from agents.repair.templates.scopes import descend
from agents.repair.templates.site import Change, Site, Template

_TAKING = ("pop", "popleft", "popitem", "get_nowait")
_RETURNED = ("None", "[]", "False", "0", '""', "True", "{}")


def loop_until_empty(node: cst.While, site: Site) -> Iterator[Change]:
    """`while True` -> `while queue`, where the body takes from `queue`; `while c` -> `while queue and c`."""
    span, text = site.file.span(node.test), site.code(node.test)
    is_endless = text in ("True", "1")
    loose = isinstance(node.test, (cst.BooleanOperation, cst.IfExp)) and not node.test.lpar
    for subject, certainty in _taken_from(node.body, site).items():
        if is_endless:
            yield Change(text=subject, prior=0.7 * certainty, span=span)
        elif text != subject:
            yield Change(text=f"{subject} and {f'({text})' if loose else text}", prior=0.5 * certainty, span=span)
    if is_endless:
        for name in _followed(node.body, site):
            yield Change(text=f"{name} is not None", prior=0.45, span=span)
            yield Change(text=name, prior=0.45, span=span)


def _followed(body: cst.CSTNode, site: Site) -> Iterator[str]:
    """Variables that a loop moves along: `node = node.next`."""
    for inner in descend(body):
        match inner:
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))], value=cst.Attribute() as value):
                if site.text(value).startswith(f"{name}."):
                    yield name
            case _:
                pass


def index_in_range(node: cst.If | cst.While | cst.IfExp | cst.CompIf, site: Site) -> Iterator[Change]:
    """`xs[i] == y` -> `i < len(xs) and xs[i] == y`; `k in d and d[k] ...`."""
    span, text = site.file.span(node.test), site.code(node.test)
    either = isinstance(node.test, cst.BooleanOperation) and isinstance(node.test.operator, cst.Or)
    conjunct = f"({text})" if (either or isinstance(node.test, cst.IfExp)) and not node.test.lpar else text
    for items, key in dict.fromkeys(_indexed(node.test, site)):
        for check, prior in ((f"{key} < len({items})", 0.55), (f"{key} in {items}", 0.4)):
            if check not in text:
                yield Change(text=f"{check} and {conjunct}", prior=prior, span=span)


def guard_before(node: cst.SimpleStatementLine | cst.For, site: Site) -> Iterator[Change]:
    """The statement only when there is something to look into; or leave before it, when there is not."""
    if not isinstance(site.parent, cst.IndentedBlock) or site.scope.function is None or _is_docstring(node):
        return
    indent = site.file.indent(node)
    place = site.file.offset(site.file.lines(node)[0], 0)
    for subject, condition, certainty in _checks(node, site):
        if isinstance(node, cst.SimpleStatementLine) and len(site.file.lines(node)) == 1:
            yield Change(text=f"if {subject}:\n{indent}    {site.text(node)}", prior=0.4 * certainty)
        for leave, prior in _exits(site):
            text = f"{indent}if {condition}:\n{indent}    {leave}\n"
            yield Change(text=text, prior=prior * certainty, span=(place, place))


def _exits(site: Site) -> Iterator[tuple[str, float]]:
    if _in_loop(site):
        yield "continue", 0.35
        yield "break", 0.35
    for position, value in enumerate(_RETURNED):
        yield f"return {value}", 0.35 - 0.03 * position


def _checks(node: cst.SimpleStatementLine | cst.For, site: Site) -> Iterator[tuple[str, str, float]]:
    """(what must hold, its opposite, how certain) for what a statement or a loop's head takes from or looks into."""
    part = node.iter if isinstance(node, cst.For) else node
    for subject, certainty in _taken_from(part, site).items():
        yield subject, f"not {subject}", certainty
    for subject in dict.fromkeys(_looked_into(part, site)):
        yield f"{subject} is not None", f"{subject} is None", 0.8
    for items, key in dict.fromkeys(_indexed(part, site)):
        yield f"{key} < len({items})", f"{key} >= len({items})", 0.7
        yield f"{key} in {items}", f"{key} not in {items}", 0.7


def _taken_from(node: cst.CSTNode, site: Site) -> dict[str, float]:
    """Variables and attributes that must not be empty here: something is popped, or the first or last is read."""
    found: dict[str, float] = {}
    for inner in (node, *descend(node)):
        match inner:
            case cst.Call(
                func=cst.Name(value="heappop") | cst.Attribute(attr=cst.Name(value="heappop")),
                args=[cst.Arg(value=subject)],
            ):
                certainty = 1.0
            case cst.Call(func=cst.Attribute(value=subject, attr=cst.Name(value=method)), args=args):
                # `d.pop(key, default)` cannot fail
                certainty = 1.0 if method in _TAKING and len(args) < 2 else 0.0
            case cst.Subscript(value=subject, slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
                certainty = 0.7 if site.text(index) in ("0", "-1") else 0.0
            case _:
                continue
        text = site.text(subject)
        if certainty and _is_variable(subject, site):
            found[text] = max(certainty, found.get(text, 0.0))
    return found


def _looked_into(node: cst.CSTNode, site: Site) -> Iterator[str]:
    """Variables of which an attribute is read."""
    for inner in (node, *descend(node)):
        if isinstance(inner, cst.Attribute) and _is_variable(inner.value, site):
            yield site.text(inner.value)


def _indexed(node: cst.CSTNode, site: Site) -> Iterator[tuple[str, str]]:
    """(container, key) of subscripts with a key that is no constant."""
    for inner in (node, *descend(node)):
        match inner:
            case cst.Subscript(value=value, slice=[cst.SubscriptElement(slice=cst.Index(value=index))]):
                steady = isinstance(index, (cst.Name, cst.Attribute, cst.BinaryOperation, cst.Subscript))
                if steady and _is_variable(value, site):
                    yield site.text(value), site.code(index)
            case _:
                pass


def _is_variable(node: cst.BaseExpression, site: Site) -> bool:
    """A local name, or an attribute of the instance: no module, no class, no call's result."""
    if isinstance(node, cst.Name):
        return node.value in site.scope.names and node.value not in ("self", "cls")
    return isinstance(node, cst.Attribute) and site.text(node) in site.scope.attributes


TEMPLATES = (
    Template(name="loop until empty", nodes=(cst.While,), propose=loop_until_empty),
    Template(name="index in range", nodes=(cst.If, cst.While, cst.IfExp, cst.CompIf), propose=index_in_range),
    Template(name="guard before", nodes=(cst.SimpleStatementLine, cst.For), propose=guard_before),
)
