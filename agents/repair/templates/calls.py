"""Templates on calls: arguments and their order, functions and methods of the same shape, a missing call. Pure."""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.site import ATOM, Change, Site, Template

_FAMILIES = (
    ("append", "extend", "add", "update", "insert"),
    ("strip", "lstrip", "rstrip"),
    ("startswith", "endswith"),
    ("lower", "upper", "casefold", "title", "capitalize"),
    ("find", "rfind", "index", "rindex"),
    ("split", "rsplit", "splitlines", "partition", "rpartition"),
    ("removeprefix", "removesuffix", "lstrip", "rstrip"),
    ("keys", "values", "items"),
    ("pop", "popleft", "get"),
    ("appendleft", "append"),
    ("remove", "discard"),
    ("union", "intersection", "difference", "symmetric_difference"),
    ("match", "fullmatch", "search"),
    ("isdigit", "isnumeric", "isdecimal", "isalnum", "isalpha"),
    ("ljust", "rjust", "center", "zfill"),
    ("issubset", "issuperset"),
    ("min", "max"),
    ("any", "all"),
    ("sorted", "reversed", "list"),
    ("int", "float", "round", "str"),
    ("floor", "ceil", "trunc", "round"),
    ("sum", "len", "max"),
    ("list", "tuple", "set", "dict", "sorted"),
    ("filter", "map"),
    ("isinstance", "issubclass"),
    ("copy", "deepcopy"),
    ("setdefault", "get"),
    ("now", "utcnow"),
    ("sub", "subn"),
    ("heappush", "heappop", "heappushpop"),
    ("bisect_left", "bisect_right"),
    ("total_seconds", "seconds"),
)
"""Names that take the same arguments and mean something near."""

_WRAPPERS = {
    "len": 0.12, "list": 0.3, "sorted": 0.25, "set": 0.15, "abs": 0.3, "str": 0.2, "int": 0.2, "float": 0.12,
    "tuple": 0.12, "reversed": 0.15, "bool": 0.1, "max": 0.05,
}  # fmt: skip
_METHODS = {".strip()": 0.3, ".lower()": 0.3, ".copy()": 0.3, ".upper()": 0.08, ".casefold()": 0.1, ".items()": 0.15,
            ".values()": 0.08, ".keys()": 0.05, ".split()": 0.08}  # fmt: skip


def same_family(node: cst.Name, site: Site) -> Iterator[Change]:
    """`x.append` -> `x.extend`, `min` -> `max` ..."""
    parent = site.parent
    is_method = isinstance(parent, cst.Attribute) and parent.attr is node
    is_function = isinstance(parent, cst.Call) and parent.func is node
    is_passed = isinstance(parent, cst.Arg) and node.value in ("min", "max", "int", "float", "str", "len")
    if not (is_method or is_function or is_passed):
        return
    for family in _FAMILIES:
        if node.value in family:
            others = [name for name in family if name != node.value]
            for name in others:
                yield Change(text=name, prior=0.7 if len(others) <= 3 else 0.45)


def other_function(node: cst.Call, site: Site) -> Iterator[Change]:
    """Another function of the file, or another method of the class, that takes as many arguments."""
    if not isinstance(node.func, (cst.Name, cst.Attribute)):
        return
    called = node.func.value if isinstance(node.func, cst.Name) else node.func.attr.value
    if called not in site.file.functions:
        return
    count = len(site.file.functions[called].params.params)
    place = node.func if isinstance(node.func, cst.Name) else node.func.attr
    for name, function in site.file.functions.items():
        if name != called and len(function.params.params) == count and not name.startswith("__"):
            yield Change(text=name, prior=0.25, span=site.file.span(place))


def argument_order(node: cst.Call, site: Site) -> Iterator[Change]:
    """Two positional arguments exchanged."""
    positional = [argument for argument in node.args if argument.keyword is None and not argument.star]
    for first in range(len(positional)):
        for second in range(first + 1, min(first + 3, len(positional))):
            texts = [site.code(argument.value) for argument in positional]
            texts[first], texts[second] = texts[second], texts[first]
            start = site.file.span(positional[0])[0]
            end = site.file.span(positional[-1].value)[1] + (1 if positional[-1].value.lpar else 0)
            yield Change(text=", ".join(texts), prior=0.5, span=(start, end))


def drop_argument(node: cst.Call, site: Site) -> Iterator[Change]:
    for dropped in range(len(node.args)):
        rest = [_argument(site, a) for position, a in enumerate(node.args) if position != dropped]
        yield Change(text=f"{site.code(node.func)}({', '.join(rest)})", prior=0.25)


def add_argument(node: cst.Call, site: Site) -> Iterator[Change]:
    """An argument that was forgotten: names in scope, and what well known functions take."""
    func = site.code(node.func)
    given = [_argument(site, argument) for argument in node.args]
    short = func.rsplit(".", 1)[-1]
    extras: list[tuple[str, float]] = []
    if short in ("sorted", "sort"):
        extras += [("reverse=True", 0.5), ("key=len", 0.2), ("key=str.lower", 0.2), ("key=abs", 0.1)]
    if short in ("max", "min"):
        extras += [("default=0", 0.45), ("default=None", 0.35), ("0", 0.2), ("key=len", 0.2)]
    if short in ("split", "rsplit") and len(given) == 1:
        extras += [("1", 0.5)]
    if short in ("get", "pop", "setdefault", "getattr", "next"):
        extras += [("None", 0.35), ("0", 0.35), ("[]", 0.25), ('""', 0.25), ("False", 0.2), ("{}", 0.2)]
    if short in ("enumerate", "sum", "round"):
        extras += [("1", 0.4), ("2", 0.2)]
    if short in ("zip",):
        extras += [("strict=True", 0.2)]
    if short in site.file.functions:
        extras += _missing_parameters(node, site, short)
    extras += [(name, 0.15) for name in site.scope.names if name not in ("self", "cls", *given)]
    for extra, prior in extras:
        if extra.split("=")[0] not in {g.split("=")[0].strip() for g in given if "=" in g}:
            yield Change(text=f"{func}({', '.join([*given, extra])})", prior=prior)


def _missing_parameters(node: cst.Call, site: Site, name: str) -> list[tuple[str, float]]:
    """`f(..., flag=flag)` for parameters of `f` that this call leaves to their default."""
    parameters = site.file.functions[name].params
    given = {a.keyword.value for a in node.args if a.keyword is not None}
    extras: list[tuple[str, float]] = []
    for parameter in (*parameters.params, *parameters.kwonly_params):
        own = parameter.name.value
        if own in site.scope.names and own not in given:
            extras.append((f"{own}={own}", 0.55))
        elif f"self.{own}" in site.scope.attributes and own not in given:
            extras.append((f"{own}=self.{own}", 0.45))
    return extras


def _argument(site: Site, argument: cst.Arg) -> str:
    keyword = f"{argument.keyword.value}=" if argument.keyword is not None else argument.star
    return f"{keyword}{site.code(argument.value)}"


def unwrap(node: cst.Call, site: Site) -> Iterator[Change]:
    """`f(x)` -> `x`; `x.strip()` -> `x`."""
    if isinstance(site.parent, cst.Expr):
        return
    if node.args and not node.args[0].star and node.args[0].keyword is None:
        yield Change(text=site.fit(site.code(node.args[0].value), ATOM), prior=0.35)
    if isinstance(node.func, cst.Attribute):
        yield Change(text=site.code(node.func.value), prior=0.35)


def wrap(node: cst.BaseExpression, site: Site) -> Iterator[Change]:
    """A call that is missing: `x` -> `abs(x)`, `x.strip()`, `list(x)` ..."""
    if site.is_stored or (isinstance(node, cst.Name) and node.value in ("self", "cls", "True", "False", "None")):
        return
    parent = site.parent
    if not isinstance(
        parent, (cst.Arg, cst.Return, cst.Assign, cst.For, cst.CompFor, cst.ComparisonTarget, cst.Comparison,
                 cst.Element,
                 cst.BinaryOperation, cst.Index, cst.Attribute, cst.DictElement, cst.GeneratorExp, cst.ListComp,
                 cst.Yield)
    ) or (isinstance(parent, cst.Attribute) and parent.attr is node):  # fmt: skip
        return
    text, weight = site.code(node), 0.8 if isinstance(node, cst.Call) else 1.0
    inner = site.text(node)
    iterated = isinstance(parent, (cst.For, cst.CompFor))
    for name, prior in _WRAPPERS.items():
        if name in ("list", "sorted", "reversed") and iterated:
            prior += 0.25
        yield Change(text=f"{name}({inner})", prior=prior * weight)
    if not isinstance(node, cst.BinaryOperation):
        for suffix, prior in _METHODS.items():
            yield Change(text=f"{text}{suffix}", prior=prior * weight)
    if iterated:
        yield Change(text=f"enumerate({inner})", prior=0.1)
    yield Change(text=f"({text} or [])", prior=0.2)
    yield Change(text=f"({text} or 0)", prior=0.15)
    yield Change(text=f'({text} or "")', prior=0.15)
    if isinstance(node, (cst.BinaryOperation, cst.Call)) and not iterated:
        yield Change(text=f"max(0, {inner})", prior=0.3)
        yield Change(text=f"max(1, {inner})", prior=0.15)
        for bound in site.scope.parameters:
            if bound != "self":
                yield Change(text=f"min({inner}, {bound})", prior=0.15)
                yield Change(text=f"max({inner}, {bound})", prior=0.12)


def wider_isinstance(node: cst.Call, site: Site) -> Iterator[Change]:
    """`isinstance(x, int)` -> `isinstance(x, (int, float))`; without bool."""
    if isinstance(node.func, cst.Name) and node.func.value == "isinstance" and len(node.args) == 2:
        subject, kind = site.text(node.args[0].value), site.text(node.args[1].value).strip("()")
        pairs = {"int": ("float", "str"), "list": ("tuple", "set"), "str": ("bytes",), "float": ("int",),
                 "dict": ("list",),
                 "tuple": ("list",)}  # fmt: skip
        for other in pairs.get(kind, ()):
            yield Change(text=f"isinstance({subject}, ({kind}, {other}))", prior=0.45)
        if kind == "int":
            text = f"isinstance({subject}, int) and not isinstance({subject}, bool)"
            yield Change(text=site.fit(text, 0), prior=0.3)


TEMPLATES = (
    Template(name="same family", nodes=(cst.Name,), propose=same_family),
    Template(name="other function", nodes=(cst.Call,), propose=other_function),
    Template(name="argument order", nodes=(cst.Call,), propose=argument_order),
    Template(name="drop argument", nodes=(cst.Call,), propose=drop_argument),
    Template(name="add argument", nodes=(cst.Call,), propose=add_argument),
    Template(name="unwrap call", nodes=(cst.Call,), propose=unwrap),
    Template(
        name="wrap in call",
        nodes=(cst.Name, cst.Attribute, cst.Subscript, cst.Call, cst.BinaryOperation, cst.GeneratorExp, cst.ListComp),
        propose=wrap,
    ),
    Template(name="wider isinstance", nodes=(cst.Call,), propose=wider_isinstance),
)
