"""Templates on operators and comparisons: boundary, direction, arithmetic, boolean, identity. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.site import ARITHMETIC, ATOM, BOOLEAN, COMPARISON, Change, Site, Template

_BOUNDARY = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
_OTHER_COMPARISONS = {
    "<": (">", ">=", "==", "!="),
    "<=": (">", ">=", "==", "!="),
    ">": ("<", "<=", "==", "!="),
    ">=": ("<", "<=", "==", "!="),
    "==": ("!=", "is", "<=", ">=", "in"),
    "!=": ("==", "is not", "<", ">", "not in"),
    "is": ("==", "is not"),
    "is not": ("!=", "is"),
    "in": ("not in", "=="),
    "not in": ("in", "!="),
}
_ARITHMETIC = {
    "+": ("-", "*"),
    "-": ("+", "%", "*"),
    "*": ("/", "+", "**", "//"),
    "/": ("//", "*", "%"),
    "//": ("/", "%", "*"),
    "%": ("//", "/", "*"),
    "**": ("*",),
    "<<": (">>",),
    ">>": ("<<",),
    "&": ("|", "^"),
    "|": ("&", "^"),
    "^": ("&", "|"),
}


def boundary(node: cst.ComparisonTarget, site: Site) -> Iterator[Change]:
    swapped = _BOUNDARY.get(site.text(node.operator))
    if swapped:
        yield Change(text=swapped, prior=0.95, span=site.file.span(node.operator))


def comparison_swap(node: cst.ComparisonTarget, site: Site) -> Iterator[Change]:
    operator = " ".join(site.text(node.operator).split())
    for position, other in enumerate(_OTHER_COMPARISONS.get(operator, ())):
        yield Change(text=other, prior=0.7 - 0.1 * position, span=site.file.span(node.operator))


def bound_and_operator(node: cst.Comparison, site: Site) -> Iterator[Change]:
    """`n == 0` -> `n <= 1`: the operator and the constant of a base case or boundary, both off."""
    if len(node.comparisons) != 1 or not isinstance(node.comparisons[0].comparator, cst.Integer):
        return
    target = node.comparisons[0]
    left, operator, value = site.code(node.left), site.text(target.operator), int(site.text(target.comparator), 0)
    for other in _OTHER_COMPARISONS.get(operator, ()):
        if other in ("<", "<=", ">", ">=", "==", "!="):
            for bound in (value + 1, value - 1):
                yield Change(text=site.fit(f"{left} {other} {bound}", COMPARISON), prior=0.3 if bound >= 0 else 0.15)


def comparison_sides(node: cst.Comparison, site: Site) -> Iterator[Change]:
    """`a < b` -> `b < a`."""
    if len(node.comparisons) == 1:
        left, target = site.code(node.left), node.comparisons[0]
        operator = site.text(target.operator)
        if operator not in ("==", "!="):
            yield Change(text=f"{site.code(target.comparator)} {operator} {left}", prior=0.3)


def arithmetic_swap(node: cst.BinaryOperation, site: Site) -> Iterator[Change]:
    for position, other in enumerate(_ARITHMETIC.get(site.text(node.operator), ())):
        prior = 0.75 if {site.text(node.operator), other} == {"/", "//"} else 0.65 - 0.15 * position
        yield Change(text=other, prior=prior, span=site.file.span(node.operator))


def operand_order(node: cst.BinaryOperation, site: Site) -> Iterator[Change]:
    """`a - b` -> `b - a`; also `a + b`, which differs for sequences."""
    if not isinstance(node.operator, cst.Multiply):
        operator = site.text(node.operator)
        yield Change(text=f"{site.code(node.right)} {operator} {site.code(node.left)}", prior=0.35)


def drop_operand(node: cst.BinaryOperation | cst.BooleanOperation, site: Site) -> Iterator[Change]:
    """`a + b` -> `a`, `a and b` -> `b`."""
    prior = 0.5 if isinstance(node, cst.BooleanOperation) else 0.4
    yield Change(text=site.fit(site.code(node.left), ARITHMETIC), prior=prior)
    yield Change(text=site.fit(site.code(node.right), ARITHMETIC), prior=prior)


def regroup(node: cst.BinaryOperation, site: Site) -> Iterator[Change]:
    """`a + b * c` -> `(a + b) * c`: parentheses that are missing or too many."""
    inner, outer = node.left, site.text(node.operator)
    if isinstance(inner, cst.BinaryOperation):
        a, b, c = site.code(inner.left), site.code(inner.right), site.code(node.right)
        yield Change(text=site.fit(f"{a} {site.text(inner.operator)} ({b} {outer} {c})", ARITHMETIC), prior=0.4)
    last = node.right
    if isinstance(last, cst.BinaryOperation) and not last.lpar:
        a, b, c = site.code(node.left), site.code(last.left), site.code(last.right)
        yield Change(text=site.fit(f"({a} {outer} {b}) {site.text(last.operator)} {c}", ARITHMETIC), prior=0.4)


def boolean_swap(node: cst.BooleanOperation, site: Site) -> Iterator[Change]:
    other = "or" if isinstance(node.operator, cst.And) else "and"
    yield Change(text=other, prior=0.8, span=site.file.span(node.operator))


def negate(node: cst.If | cst.While | cst.IfExp | cst.CompIf | cst.Assert, site: Site) -> Iterator[Change]:
    """A missing `not`, or one too many, in a condition."""
    test = node.test
    span = site.file.span(test)
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        yield Change(text=site.code(test.expression), prior=0.7, span=span)
    else:
        inner = site.code(test)
        loose = isinstance(test, (cst.BooleanOperation, cst.IfExp, cst.NamedExpr)) and not test.lpar
        # Of several operands it is one that lacks its `not`: `negate operand`.
        prior = 0.3 if isinstance(test, cst.BooleanOperation) else 0.5
        yield Change(text=f"not ({inner})" if loose else f"not {inner}", prior=prior, span=span)


def negate_operand(node: cst.BooleanOperation, site: Site) -> Iterator[Change]:
    for side in (node.left, node.right):
        if isinstance(side, cst.UnaryOperation) and isinstance(side.operator, cst.Not):
            yield Change(text=site.code(side.expression), prior=0.45, span=site.file.span(side))
        elif not isinstance(side, cst.BooleanOperation):
            yield Change(text=f"not {site.code(side)}", prior=0.45, span=site.file.span(side))


def drop_unary(node: cst.UnaryOperation, site: Site) -> Iterator[Change]:
    """`-x` -> `x`, `not x` -> `x`."""
    yield Change(text=site.fit(site.code(node.expression), ARITHMETIC), prior=0.55)


def add_minus(node: cst.Name, site: Site) -> Iterator[Change]:
    parent = site.parent
    if not site.is_stored and isinstance(parent, (cst.Return, cst.Arg)):
        yield Change(text=site.fit(f"-{node.value}", ARITHMETIC), prior=0.15)


def augmented(node: cst.AugAssign, site: Site) -> Iterator[Change]:
    """`x += e` -> `x -= e`, `x = e`, `x = x + ...` reversed."""
    target, operator, value = site.text(node.target), site.text(node.operator), site.text(node.value)
    span = site.file.span(node.operator)
    for position, other in enumerate(_ARITHMETIC.get(operator[:-1], ())):
        yield Change(text=f"{other}=", prior=0.6 - 0.15 * position, span=span)
    yield Change(text="=", prior=0.55, span=span)
    if operator == "+=":
        yield Change(text=f"{target} = {value} + {target}", prior=0.2)
        yield Change(text=f"{target} = max({target}, {value})", prior=0.2)


def to_augmented(node: cst.Assign, site: Site) -> Iterator[Change]:
    """`x = e` -> `x += e`."""
    if len(node.targets) == 1 and isinstance(node.targets[0].target, (cst.Name, cst.Attribute, cst.Subscript)):
        target, value = site.text(node.targets[0].target), site.text(node.value)
        for operator, prior in (("+=", 0.45), ("-=", 0.15), ("|=", 0.1), ("*=", 0.1)):
            yield Change(text=f"{target} {operator} {value}", prior=prior)


def ternary(node: cst.IfExp, site: Site) -> Iterator[Change]:
    body, orelse = site.code(node.body), site.code(node.orelse)
    yield Change(text=f"{orelse} if {site.code(node.test)} else {body}", prior=0.5)
    yield Change(text=site.fit(body, COMPARISON), prior=0.35)
    yield Change(text=site.fit(orelse, COMPARISON), prior=0.35)


def emptiness(node: cst.Name | cst.Attribute, site: Site) -> Iterator[Change]:
    """A truth test that should be a test for None, and the reverse: `if x` -> `if x is not None`."""
    if isinstance(site.parent, (cst.If, cst.While, cst.IfExp, cst.BooleanOperation, cst.CompIf)) and not site.is_stored:
        text = site.text(node)
        if isinstance(site.parent, cst.IfExp) and site.parent.test is not node:
            return
        yield Change(text=site.fit(f"{text} is not None", COMPARISON), prior=0.65)
    elif isinstance(site.parent, cst.UnaryOperation) and isinstance(site.parent.operator, cst.Not):
        yield Change(text=f"{site.text(node)} is None", prior=0.65, span=site.file.span(site.parent))


def identity_to_truth(node: cst.Comparison, site: Site) -> Iterator[Change]:
    """`x is None` -> `not x`, `x == y` -> `x`."""
    if len(node.comparisons) != 1:
        return
    left, target = site.code(node.left), node.comparisons[0]
    match target.operator:
        case cst.Is() | cst.Equal():
            yield Change(text=site.fit(f"not {left}", COMPARISON), prior=0.4)
        case cst.IsNot() | cst.NotEqual():
            yield Change(text=site.fit(left, ATOM), prior=0.4)
        case _:
            pass


def chained(node: cst.BooleanOperation, site: Site) -> Iterator[Change]:
    """`a or b and c` -> `(a or b) and c`."""
    if isinstance(node.right, cst.BooleanOperation) and not node.right.lpar:
        a, b, c = site.code(node.left), site.code(node.right.left), site.code(node.right.right)
        text = f"({a} {site.text(node.operator)} {b}) {site.text(node.right.operator)} {c}"
        yield Change(text=site.fit(text, BOOLEAN), prior=0.4)
    if isinstance(node.left, cst.BooleanOperation) and not node.left.lpar:
        a, b, c = site.code(node.left.left), site.code(node.left.right), site.code(node.right)
        text = f"{a} {site.text(node.left.operator)} ({b} {site.text(node.operator)} {c})"
        yield Change(text=site.fit(text, BOOLEAN), prior=0.4)


TEMPLATES = (
    Template(name="boundary", nodes=(cst.ComparisonTarget,), propose=boundary),
    Template(name="comparison swap", nodes=(cst.ComparisonTarget,), propose=comparison_swap),
    Template(name="bound and operator", nodes=(cst.Comparison,), propose=bound_and_operator),
    Template(name="comparison sides", nodes=(cst.Comparison,), propose=comparison_sides),
    Template(name="arithmetic swap", nodes=(cst.BinaryOperation,), propose=arithmetic_swap),
    Template(name="operand order", nodes=(cst.BinaryOperation,), propose=operand_order),
    Template(name="drop operand", nodes=(cst.BinaryOperation, cst.BooleanOperation), propose=drop_operand),
    Template(name="regroup", nodes=(cst.BinaryOperation,), propose=regroup),
    Template(name="boolean swap", nodes=(cst.BooleanOperation,), propose=boolean_swap),
    Template(name="regroup condition", nodes=(cst.BooleanOperation,), propose=chained),
    Template(name="negate condition", nodes=(cst.If, cst.While, cst.IfExp, cst.CompIf, cst.Assert), propose=negate),
    Template(name="negate operand", nodes=(cst.BooleanOperation,), propose=negate_operand),
    Template(name="drop unary", nodes=(cst.UnaryOperation,), propose=drop_unary),
    Template(name="add minus", nodes=(cst.Name,), propose=add_minus),
    Template(name="augmented assignment", nodes=(cst.AugAssign,), propose=augmented),
    Template(name="assignment to augmented", nodes=(cst.Assign,), propose=to_augmented),
    Template(name="ternary", nodes=(cst.IfExp,), propose=ternary),
    Template(name="truth to None test", nodes=(cst.Name, cst.Attribute), propose=emptiness),
    Template(name="comparison to truth", nodes=(cst.Comparison,), propose=identity_to_truth),
)
