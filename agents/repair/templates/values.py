"""Templates on values: constants, off by one, other names and attributes, subscripts and slices. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.site import ARITHMETIC, ATOM, Change, Site, Template

_UNITS = {1000: (1024,), 1024: (1000,), 60: (3600,), 3600: (60,), 365: (366,), 12: (24,), 24: (12,), 255: (256,),
          256: (255,)}  # fmt: skip
"""Constants that are taken for each other."""

_SEPARATORS = ("-", "_", ".", ",", ", ", ";", ":", "/", " ", "\\n", "\\t", "|", "")
"""Strings that are taken for each other, as they stand in a source."""

_SWAPPED_NAMES = {
    "True": ("False", "None"),
    "False": ("True", "None"),
    "None": ("[]", "0", '""', "False", "True", "{}"),
}


def integer_nearby(node: cst.Integer, site: Site) -> Iterator[Change]:
    value = int(node.value, 0) if not node.value.lstrip("0_").startswith(("e", "E")) else 0
    negative = isinstance(site.parent, cst.UnaryOperation) and isinstance(site.parent.operator, cst.Minus)
    yield Change(text=str(value + 1), prior=0.8)
    if value > 0 or not negative:
        yield Change(text=str(value - 1) if value else "-1", prior=0.8)
    for other, prior in ((0, 0.45), (1, 0.45), (2, 0.2), (10, 0.1)):
        if other != value:
            yield Change(text=str(other), prior=prior)
    if value:
        yield Change(text=f"-{value}", prior=0.25)
        yield Change(text=str(value * 2), prior=0.1)
        for factor, prior in ((10, 0.12), (100, 0.1), (1000, 0.05)):
            yield Change(text=str(value * factor), prior=prior)
            if value % factor == 0:
                yield Change(text=str(value // factor), prior=prior)
    yield Change(text="None", prior=0.1)
    for other in _UNITS.get(value, ()):
        yield Change(text=str(other), prior=0.6)
    for text in site.file.integers:
        yield Change(text=text, prior=0.2)


def float_nearby(node: cst.Float, site: Site) -> Iterator[Change]:
    value = float(node.value)
    for other in (
        0.0,
        1.0,
        value * 10,
        value / 10,
        value * 100,
        value / 100,
        value + 1,
        value - 1,
        value * 2,
        value / 2,
    ):
        if other != value:
            yield Change(text=repr(other), prior=0.25)


def constant_name(node: cst.Name, site: Site) -> Iterator[Change]:
    """True, False and None for each other, and for what often stands in their place."""
    for position, other in enumerate(_SWAPPED_NAMES.get(node.value, ())):
        prior = 0.7 if {node.value, other} == {"True", "False"} else 0.35 - 0.04 * position
        yield Change(text=other, prior=prior)


def string_nearby(node: cst.SimpleString, site: Site) -> Iterator[Change]:
    if isinstance(site.parent, cst.Expr):
        return
    prefix, quote, raw = node.prefix, node.quote, node.raw_value
    if len(quote) == 3 or "\n" in raw:
        return
    variants = [raw.strip(), raw.lower(), raw.upper(), f"{raw} ", f" {raw}", "", " "]
    if "+" not in raw and raw:
        variants += [f"{raw}+", f"^{raw}", f"{raw}$", f"{raw}*", raw.replace("*", "+", 1), raw.replace("*", "*?", 1)]
    else:
        variants += [raw.replace("+", "*", 1), raw.replace("+", "", 1), raw.replace("+", "+?", 1)]
    variants += [raw[1:], raw[:-1]]
    for variant in dict.fromkeys(variants):
        if variant != raw:
            yield Change(text=f"{prefix}{quote}{variant}{quote}", prior=0.2)
    for other in _SEPARATORS if raw in _SEPARATORS else ():
        if other != raw:
            yield Change(text=f"{prefix}{quote}{other}{quote}", prior=0.3)
    for other in site.file.strings:
        if other != site.text(node):
            yield Change(text=other, prior=0.25)


def collection_nearby(node: cst.List | cst.Dict | cst.Tuple, site: Site) -> Iterator[Change]:
    if site.is_stored or isinstance(site.parent, cst.SubscriptElement):
        return
    text = site.text(node)
    for other in ("[]", "{}", "None", "()", "set()", "[[]]", "0", '""'):
        if other != text and (text in ("[]", "{}", "()", "set()") or other in ("[]", "None")):
            yield Change(text=other, prior=0.3)


def off_by_one(node: cst.BaseExpression, site: Site) -> Iterator[Change]:
    """`e` -> `e + 1`, `e - 1` where `e` is an index, a bound, an argument, an operand or a result."""
    parent = site.parent
    likely = isinstance(parent, (cst.Index, cst.Slice)) or (
        isinstance(parent, cst.Arg) and _in_range_call(site, parent)
    )
    possible = isinstance(parent, (cst.Arg, cst.Return, cst.ComparisonTarget, cst.Comparison, cst.Assign))
    repeated = isinstance(parent, cst.BinaryOperation) and isinstance(parent.operator, (cst.Multiply, cst.FloorDivide))
    if site.is_stored or not (likely or possible or repeated):
        return
    if isinstance(node, cst.Name) and node.value in _SWAPPED_NAMES:
        return
    is_index = isinstance(node, cst.Name) and node.value in site.scope.indices
    prior = 0.75 if likely else 0.68 if is_index else 0.4 if possible else 0.3
    text = site.code(node)
    yield Change(text=site.fit(f"{text} + 1", ARITHMETIC), prior=prior)
    yield Change(text=site.fit(f"{text} - 1", ARITHMETIC), prior=prior)


def _in_range_call(site: Site, argument: cst.Arg) -> bool:
    call = site.file.parent(argument)
    return isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value in ("range", "islice")


def drop_offset(node: cst.BinaryOperation, site: Site) -> Iterator[Change]:
    """`e + 1` -> `e`, `e - 1`; `e - 1` -> `e`."""
    if isinstance(node.right, cst.Integer) and isinstance(node.operator, (cst.Add, cst.Subtract)):
        yield Change(text=site.fit(site.code(node.left), ARITHMETIC), prior=0.75)


def other_name(node: cst.Name, site: Site) -> Iterator[Change]:
    """A variable for which another of the same scope was meant."""
    if site.is_stored or node.value in _SWAPPED_NAMES or _is_label(node, site):
        return
    names = [name for name in site.scope.names if name not in (node.value, "self", "cls")]
    called = isinstance(site.parent, cst.Call) and site.parent.func is node
    if node.value in site.scope.names and not called:
        share = 1.0 if len(names) <= 6 else 6 / len(names)
        for name in names:
            prior = (0.62 if name in site.scope.parameters else 0.6) * (0.6 + 0.4 * share)
            yield Change(text=name, prior=prior)
        for name in site.scope.attributes:
            yield Change(text=name, prior=0.45 if name == f"self.{node.value}" else 0.15)
    elif not called and node.value in site.file.module_names:
        for name in (*names, *site.file.module_names):
            if name != node.value:
                yield Change(text=name, prior=0.25)


def other_target(node: cst.Name, site: Site) -> Iterator[Change]:
    """The wrong variable is assigned to."""
    parent = site.parent
    if isinstance(parent, (cst.AssignTarget, cst.AugAssign)) and parent.target is node:
        for name in site.scope.names:
            if name not in (node.value, "self", "cls"):
                yield Change(text=name, prior=0.3)


def _is_label(node: cst.Name, site: Site) -> bool:
    """The name of an attribute, keyword, parameter, function or class: no variable that is read."""
    match site.parent:
        case cst.Attribute(attr=attr):
            return attr is node
        case cst.Arg(keyword=keyword):
            return keyword is node
        case cst.FunctionDef(name=name) | cst.ClassDef(name=name) | cst.Param(name=name):
            return name is node
        case cst.Import() | cst.ImportFrom() | cst.ImportAlias() | cst.NameItem():
            return True
        case _:
            return False


def other_attribute(node: cst.Attribute, site: Site) -> Iterator[Change]:
    """`self.a` -> `self.b`, and `x.a` -> `x.b` for a `b` that the function or the file uses in the same way."""
    called = isinstance(site.parent, cst.Call) and site.parent.func is node
    text = site.text(node)
    known: tuple[str, ...] = ()
    if text.startswith("self.") and isinstance(node.value, cst.Name):
        known = site.scope.attributes
        for other in known:
            if other != text:
                yield Change(text=other, prior=0.2 if called else 0.5)
        if not called and node.attr.value in site.scope.names:
            yield Change(text=node.attr.value, prior=0.45)
    receiver = site.code(node.value)
    near, far = (site.scope.methods, site.file.methods) if called else (site.scope.fields, site.file.fields)
    for name in dict.fromkeys((*near, *far)):
        if name != node.attr.value and f"self.{name}" not in known:
            prior = (0.3 if called else 0.5) if name in near else (0.1 if called else 0.25)
            yield Change(text=f"{receiver}.{name}", prior=prior)


def other_expression(node: cst.BaseExpression, site: Site) -> Iterator[Change]:
    """An expression that the same function holds elsewhere, in this one's place."""
    if site.is_stored or not isinstance(
        site.parent, (cst.Arg, cst.Return, cst.Assign, cst.AugAssign, cst.ComparisonTarget, cst.Comparison, cst.If,
                      cst.While,
                      cst.For, cst.CompFor, cst.Index, cst.Yield, cst.BinaryOperation, cst.Element)
    ):  # fmt: skip
        return
    text = site.code(node)
    for other in site.scope.expressions[:40]:
        if other != text:
            yield Change(text=site.fit(other, ARITHMETIC), prior=0.12)
    if not isinstance(node, cst.Name):  # a variable that holds it already
        for name in site.scope.names:
            if name not in (text, "self", "cls"):
                yield Change(text=name, prior=0.2)


def other_subscript(node: cst.Subscript, site: Site) -> Iterator[Change]:
    """First and last, and slices without one of their bounds, from the second, without the last, reversed."""
    if len(node.slice) != 1:
        return
    value = site.code(node.value)
    match node.slice[0].slice:
        case cst.Index(value=cst.Integer(value="0")):
            yield Change(text=f"{value}[-1]", prior=0.6)
        case cst.Index(value=cst.UnaryOperation(operator=cst.Minus(), expression=cst.Integer(value="1"))):
            yield Change(text=f"{value}[0]", prior=0.6)
        case cst.Slice(lower=lower, upper=upper, step=step):
            low = site.text(lower) if lower else ""
            high = site.text(upper) if upper else ""
            if lower and upper:
                yield Change(text=f"{value}[{low}:]", prior=0.4)
                yield Change(text=f"{value}[:{high}]", prior=0.4)
            if bool(lower) != bool(upper) and not step:
                yield Change(text=f"{value}[{high}:{low}]", prior=0.5)
                yield Change(text=f"{value}[{low}:{high}:-1]", prior=0.15)
                yield Change(text=f"{value}[:-{low or high}]", prior=0.3)
            if lower and not upper:
                yield Change(text=f"{value}[{low}:-1]", prior=0.2)
            if not lower:
                yield Change(text=f"{value}[1:{high}]", prior=0.3)
            if not isinstance(site.parent, cst.AssignTarget):
                yield Change(text=value, prior=0.4)
        case _:
            pass
    if not site.is_stored and isinstance(node.slice[0].slice, cst.Index):
        key = site.text(node.slice[0].slice.value)
        yield Change(text=value, prior=0.2)
        yield Change(text=f"{value}.get({key})", prior=0.3)
        for default, prior in (("0", 0.35), ("[]", 0.25), ('""', 0.2), (key, 0.25), ("{}", 0.15)):
            yield Change(text=f"{value}.get({key}, {default})", prior=prior)


def add_subscript(node: cst.Name | cst.Attribute, site: Site) -> Iterator[Change]:
    """`xs` -> `xs[0]`, `xs[1:]`, `xs[:]` ..."""
    if site.is_stored or (isinstance(node, cst.Name) and _is_label(node, site)):
        return
    if isinstance(
        site.parent, (cst.For, cst.CompFor, cst.Return, cst.Assign, cst.Arg, cst.Element, cst.BinaryOperation)
    ):
        text = site.text(node)
        for suffix, prior in (
            ("[1:]", 0.3),
            ("[:-1]", 0.3),
            ("[:]", 0.3),
            ("[0]", 0.2),
            ("[-1]", 0.2),
            ("[::-1]", 0.25),
        ):
            yield Change(text=site.fit(f"{text}{suffix}", ATOM), prior=prior)


TEMPLATES = (
    Template(name="integer nearby", nodes=(cst.Integer,), propose=integer_nearby),
    Template(name="float nearby", nodes=(cst.Float,), propose=float_nearby),
    Template(name="constant", nodes=(cst.Name,), propose=constant_name),
    Template(name="string nearby", nodes=(cst.SimpleString,), propose=string_nearby),
    Template(name="collection nearby", nodes=(cst.List, cst.Dict, cst.Tuple), propose=collection_nearby),
    Template(
        name="off by one",
        nodes=(cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.BinaryOperation),
        propose=off_by_one,
    ),
    Template(name="drop offset", nodes=(cst.BinaryOperation,), propose=drop_offset),
    Template(name="other name", nodes=(cst.Name,), propose=other_name),
    Template(name="other target", nodes=(cst.Name,), propose=other_target),
    Template(name="other attribute", nodes=(cst.Attribute,), propose=other_attribute),
    Template(
        name="other expression",
        nodes=(cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.BinaryOperation, cst.Integer),
        propose=other_expression,
    ),
    Template(name="other subscript", nodes=(cst.Subscript,), propose=other_subscript),
    Template(name="add subscript", nodes=(cst.Name, cst.Attribute), propose=add_subscript),
)
