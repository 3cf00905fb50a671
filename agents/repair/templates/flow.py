"""Templates on control flow: what ends a loop, branches that are one too many or too few. Pure."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

import libcst as cst

from agents.repair.templates.conditions import _in_loop
from agents.repair.templates.site import Change, Site, Template


def control_flow(node: cst.Break | cst.Continue | cst.Pass | cst.Return, site: Site) -> Iterator[Change]:
    options = ["return"]
    if _in_loop(site):
        options = ["break", "continue", *options]
    for option in options:
        if option != site.text(node):
            yield Change(text=option, prior=0.5)
    if isinstance(node, (cst.Break, cst.Continue, cst.Pass)):
        for name in site.scope.names:
            yield Change(text=f"return {name}", prior=0.2)


def branches(node: cst.If, site: Site) -> Iterator[Change]:
    """`elif` -> `if`; the condition dropped; the `else` branch without its `else`."""
    parent = site.parent
    if isinstance(parent, cst.If) and parent.orelse is node:
        start = site.file.span(node)[0]
        if site.file.source.startswith("elif", start):
            yield Change(text="if", prior=0.4, span=(start, start + 4))
    elif isinstance(parent, cst.IndentedBlock):
        siblings = list(parent.body)
        position = siblings.index(node)
        previous = siblings[position - 1] if position else None
        if isinstance(previous, cst.If) and previous.orelse is None:
            start = site.file.span(node)[0]
            yield Change(text="elif", prior=0.35, span=(start, start + 2))
        if node.orelse is None and isinstance(node.body, cst.IndentedBlock):
            first, last = site.file.line_span(node.body.body[0])[0], site.file.line_span(node)[1]
            inner = textwrap.dedent(site.file.source[first:last])
            yield Change(
                text=textwrap.indent(_whole(inner), site.file.indent(node)), prior=0.2, span=site.file.line_span(node)
            )


def loop_kind(node: cst.While, site: Site) -> Iterator[Change]:
    """`while` -> `if`: a loop that should run at most once."""
    start = site.file.span(node)[0]
    yield Change(text="if", prior=0.15, span=(start, start + len("while")))


def once_to_loop(node: cst.If, site: Site) -> Iterator[Change]:
    """`if` -> `while`: a step that must be repeated."""
    start = site.file.span(node)[0]
    if node.orelse is None and site.file.source.startswith("if", start):
        yield Change(text="while", prior=0.3, span=(start, start + 2))


def _whole(lines: str) -> str:
    return lines if lines.endswith("\n") else f"{lines}\n"


TEMPLATES = (
    Template(name="control flow", nodes=(cst.Break, cst.Continue, cst.Pass, cst.Return), propose=control_flow),
    Template(name="branches", nodes=(cst.If,), propose=branches),
    Template(name="loop to condition", nodes=(cst.While,), propose=loop_kind),
    Template(name="condition to loop", nodes=(cst.If,), propose=once_to_loop),
)
