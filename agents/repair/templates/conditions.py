"""Templates on conditions and guards: a predicate missing, too weak or too strong, a case not handled. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.scopes import Scope, descend
from agents.repair.templates.site import Change, Site, Template

_GUARD_VALUES = ("None", "[]", "0", "False", "True", '""', "{}", "1", "-1", "()", "set()")
_MOST_NAMES = 8


def predicates(scope: Scope) -> Iterator[tuple[str, float]]:
    """Conditions over the names in scope, the function's own first; with a weight, 0..1."""
    for text in scope.conditions:
        yield text, 0.8
        yield (text.removeprefix("not ") if text.startswith("not ") else f"not ({text})"), 0.5
    names = [name for name in scope.names if name not in ("self", "cls")][:_MOST_NAMES]
    subjects = [*names, *scope.attributes[:_MOST_NAMES]]
    for name in subjects:
        for pattern, weight in (("{}", 0.6), ("not {}", 0.6), ("{} is None", 0.4), ("{} is not None", 0.5)):
            yield pattern.format(name), weight
    for name in subjects:
        for pattern, weight in (
            ("{} > 0", 0.35),
            ("{} < 0", 0.3),
            ("{} == 0", 0.35),
            ("{} != 0", 0.25),
            ("len({}) > 1", 0.15),
        ):
            yield pattern.format(name), weight
    for first in subjects:
        for second in subjects:
            if first < second:
                for operator, weight in (("==", 0.4), ("!=", 0.4), ("<", 0.3), (">", 0.3), ("<=", 0.25), (">=", 0.25)):
                    yield f"{first} {operator} {second}", weight
            if first != second:
                yield f"{first} in {second}", 0.25
                yield f"{first} not in {second}", 0.25


def strengthen(node: cst.If | cst.While | cst.IfExp | cst.CompIf, site: Site) -> Iterator[Change]:
    """`if c` -> `if c and p`, `if c or p`."""
    test = node.test
    span = site.file.span(test)
    text = site.code(test)
    grouped = f"({text})" if isinstance(test, (cst.BooleanOperation, cst.IfExp)) and not test.lpar else text
    conjunct = grouped if isinstance(test, cst.BooleanOperation) and isinstance(test.operator, cst.Or) else text
    disjunct = text if not isinstance(test, cst.IfExp) else grouped
    for predicate, weight in predicates(site.scope):
        if predicate != text:
            yield Change(text=f"{conjunct} and {predicate}", prior=0.4 * weight, span=span)
            yield Change(text=f"{disjunct} or {predicate}", prior=0.4 * weight, span=span)
            yield Change(text=f"{predicate} and {conjunct}", prior=0.25 * weight, span=span)
            yield Change(text=f"{predicate} or {disjunct}", prior=0.25 * weight, span=span)


def absent_value(node: cst.If | cst.While | cst.IfExp | cst.CompIf, site: Site) -> Iterator[Change]:
    """A condition that looks into something which may be None or empty: `x.y` -> `x is None or x.y`, `x and x.y`."""
    span, text = site.file.span(node.test), site.code(node.test)
    boolean = isinstance(node.test, cst.BooleanOperation) and not node.test.lpar
    conjunct = f"({text})" if boolean or isinstance(node.test, cst.IfExp) else text
    for subject in dict.fromkeys(_looked_into(node.test, site)):
        yield Change(text=f"{subject} is None or {text}", prior=0.55, span=span)
        yield Change(text=f"{subject} is not None and {conjunct}", prior=0.55, span=span)
        yield Change(text=f"not {subject} or {text}", prior=0.5, span=span)
        yield Change(text=f"{subject} and {conjunct}", prior=0.5, span=span)


def _looked_into(node: cst.CSTNode, site: Site) -> Iterator[str]:
    """Names and attributes of which an attribute or an item is read."""
    for inner in (node, *descend(node)):
        if isinstance(inner, (cst.Attribute, cst.Subscript)) and isinstance(inner.value, (cst.Name, cst.Attribute)):
            text = site.text(inner.value)
            if text not in ("self", "cls"):
                yield text


def return_condition(node: cst.Return, site: Site) -> Iterator[Change]:
    """`return True` -> `return p`; `return p` -> `return p and q`, for conditions over the names in scope."""
    match node.value:
        case cst.Name(value="True" | "False"):
            for predicate, weight in predicates(site.scope):
                yield Change(text=f"return {predicate}", prior=0.45 * weight)
        case cst.Comparison() | cst.BooleanOperation() | cst.UnaryOperation(operator=cst.Not()):
            text = site.code(node.value)
            either = isinstance(node.value, cst.BooleanOperation) and isinstance(node.value.operator, cst.Or)
            for predicate, weight in predicates(site.scope):
                yield Change(text=f"return {f'({text})' if either else text} and {predicate}", prior=0.3 * weight)
                yield Change(text=f"return {text} or {predicate}", prior=0.3 * weight)
        case _:
            pass


def replace_condition(node: cst.If | cst.While | cst.IfExp | cst.CompIf, site: Site) -> Iterator[Change]:
    span, text = site.file.span(node.test), site.code(node.test)
    for predicate, weight in predicates(site.scope):
        if predicate != text:
            yield Change(text=predicate, prior=0.3 * weight, span=span)
    yield Change(text="True", prior=0.15, span=span)
    yield Change(text="False", prior=0.15, span=span)


def comprehension_filter(node: cst.CompFor, site: Site) -> Iterator[Change]:
    """A filter that a comprehension lacks, or has too much."""
    end = site.file.span(node)[1]
    if node.ifs:
        start = site.file.span(node.iter)[1] + (1 if node.iter.lpar else 0)
        yield Change(text="", prior=0.3, span=(start, end))
    elif isinstance(node.target, cst.Name):
        name = node.target.value
        for predicate, prior in (
            (name, 0.35),
            (f"{name} is not None", 0.35),
            (f"not {name}", 0.1),
            (f"{name}.strip()", 0.15),
        ):
            yield Change(text=f" if {predicate}", prior=prior, span=(end, end))


def _return_values(site: Site) -> Iterator[tuple[str, float]]:
    for position, value in enumerate(_GUARD_VALUES):
        yield value, 1.0 - 0.06 * position
    for name in site.scope.parameters:
        if name not in ("self", "cls"):
            yield name, 0.7
    for expression in site.scope.expressions[:6]:
        yield expression, 0.3


def guard_function(node: cst.FunctionDef, site: Site) -> Iterator[Change]:
    """An early return for an empty, missing or zero argument, at the start of the function."""
    statements = list(node.body.body) if isinstance(node.body, cst.IndentedBlock) else []
    if statements and _is_docstring(statements[0]):
        statements = statements[1:]
    if not statements:
        return
    indent = site.file.indent(statements[0])
    place = site.file.offset(site.file.lines(statements[0])[0], 0)
    for name in site.scope.parameters:
        if name in ("self", "cls"):
            continue
        for condition, weight in ((f"not {name}", 0.5), (f"{name} is None", 0.45), (f"{name} == 0", 0.2),
                                  (f"{name} < 0", 0.2),
                                  (f"{name} <= 1", 0.12), (f"len({name}) < 2", 0.12)):  # fmt: skip
            for value, share in _return_values(site):
                text = f"{indent}if {condition}:\n{indent}    return {value}\n"
                yield Change(text=text, prior=weight * share * 0.7, span=(place, place))
        # A default that calls share is not helped by a guard; the template `shared default` is for it.
        for condition in () if name in _shared_defaults(node) else (f"{name} is None", f"not {name}"):
            for value in ("[]", "{}", '""', "0", "set()"):
                text = f"{indent}if {condition}:\n{indent}    {name} = {value}\n"
                yield Change(text=text, prior=0.2, span=(place, place))
        for exception in ("ValueError", "TypeError"):
            for condition in (f"not {name}", f"{name} < 0", f"{name} <= 0", f"{name} is None"):
                text = f'{indent}if {condition}:\n{indent}    raise {exception}("{name} is not valid")\n'
                yield Change(text=text, prior=0.12, span=(place, place))


def _shared_defaults(node: cst.FunctionDef) -> frozenset[str]:
    parameters = (*node.params.posonly_params, *node.params.params, *node.params.kwonly_params)
    return frozenset(p.name.value for p in parameters if isinstance(p.default, (cst.List, cst.Dict, cst.Call)))


def guard_statement(node: cst.BaseStatement, site: Site) -> Iterator[Change]:
    """`if p: return ...` / `continue` / `break` before a statement, and the statement under a condition."""
    if site.scope.function is None or not isinstance(site.parent, cst.IndentedBlock) or _is_docstring(node):
        return
    if isinstance(node, (cst.FunctionDef, cst.ClassDef)):
        return
    indent = site.file.indent(node)
    place = site.file.offset(site.file.lines(node)[0], 0)
    exits = ["continue", "break"] if _in_loop(site) else []
    for predicate, weight in predicates(site.scope):
        for exit_ in exits:
            text = f"{indent}if {predicate}:\n{indent}    {exit_}\n"
            yield Change(text=text, prior=0.3 * weight, span=(place, place))
        for value, share in _return_values(site):
            text = f"{indent}if {predicate}:\n{indent}    return {value}\n"
            yield Change(text=text, prior=0.18 * weight * share, span=(place, place))
        if isinstance(node, cst.SimpleStatementLine) and len(site.file.lines(node)) == 1:
            text = f"if {predicate}:\n{indent}    {site.text(node)}"
            yield Change(text=text, prior=0.3 * weight)


def _in_loop(site: Site) -> bool:
    node: cst.CSTNode | None = site.node
    while node is not None and not isinstance(node, cst.FunctionDef):
        if isinstance(node, (cst.For, cst.While)):
            return True
        node = site.file.parent(node)
    return False


def _is_docstring(node: cst.CSTNode) -> bool:
    match node:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString() | cst.ConcatenatedString())]):
            return True
        case _:
            return False


_CONDITIONAL = (cst.If, cst.While, cst.IfExp, cst.CompIf)

TEMPLATES = (
    Template(name="strengthen condition", nodes=_CONDITIONAL, propose=strengthen),
    Template(name="absent value", nodes=_CONDITIONAL, propose=absent_value),
    Template(name="return condition", nodes=(cst.Return,), propose=return_condition),
    Template(name="replace condition", nodes=_CONDITIONAL, propose=replace_condition),
    Template(name="comprehension filter", nodes=(cst.CompFor,), propose=comprehension_filter),
    Template(name="guard function", nodes=(cst.FunctionDef,), propose=guard_function),
    Template(
        name="guard statement",
        nodes=(cst.SimpleStatementLine, cst.If, cst.For, cst.While, cst.With, cst.Try),
        propose=guard_statement,
    ),
)
