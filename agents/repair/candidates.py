"""From suspicious lines to an ordered list of candidates; combining and applying their edits. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from heapq import nlargest
from operator import attrgetter

import libcst as cst

from agents.repair.names import parse
from agents.repair.spectrum import Suspicion
from agents.repair.templates import TEMPLATES, File, Site
from agents.repair.types import Candidate, Edit

MAX_SOURCE = 400_000
"""Characters: a longer file is not mutated."""
MOST_AT_ONE_PLACE = 120
"""Changes of one template at one node: its likeliest. Guards combine every condition with every value of a function."""
MODULE_LEVEL = 0.6
"""Share of the suspicion that a module or class level statement inherits from the lines that name what it defines."""


def propose(sources: Mapping[str, str], suspicion: Suspicion, *, most: int = 30_000) -> list[Candidate]:
    """All single edits at suspicious places, best first, at most `most`; equal texts only once."""
    found: dict[tuple[Edit, ...], Candidate] = {}
    for path, lines in suspicion.items():
        source = sources.get(path)
        if source is None or len(source) > MAX_SOURCE:
            continue
        for candidate in _in_file(path, source, lines):
            known = found.get(candidate.edits)
            if known is None or known.score < candidate.score:
                found[candidate.edits] = candidate
    ranked = sorted(found.values(), key=lambda c: (-c.score, c.size, c.edits))
    return ranked[:most]


def _in_file(path: str, source: str, lines: Mapping[int, float]) -> Iterator[Candidate]:
    if parse(source) is None:
        # Python's own parser stops at nesting that overflows the stack of libcst's, and with it this process.
        return
    try:
        file = File(path, source)
    except (cst.ParserSyntaxError, RecursionError, ValueError):
        return
    weights = _with_module_level(file, lines)
    for node, scope in file.walk:
        weight = _weight(file, node, weights)
        if not weight:
            continue
        for template in TEMPLATES:
            if isinstance(node, template.nodes):
                site = Site(file=file, node=node, scope=scope)
                for change in nlargest(MOST_AT_ONE_PLACE, template.propose(node, site), key=attrgetter("prior")):
                    start, end = change.span or file.span(node)
                    if source[start:end] != change.text:
                        yield Candidate(
                            edits=(Edit(path=path, start=start, end=end, text=change.text),),
                            template=template.name,
                            line=file.lines(node)[0],
                            score=weight * change.prior,
                        )


def _weight(file: File, node: cst.CSTNode, weights: Mapping[int, float]) -> float:
    """The suspicion of the statement around a node: of its head, for a compound statement."""
    statement: cst.CSTNode | None = node
    while statement is not None and not isinstance(
        statement, (cst.BaseStatement, cst.BaseSmallStatement, cst.ExceptHandler)
    ):
        statement = file.parent(statement)
    if statement is None or statement not in file.positions:
        return 0.0
    lines = file.lines(statement)
    body = getattr(statement, "body", None)
    if isinstance(body, cst.BaseSuite) and body.body:
        lines = range(lines[0], max(lines[0] + 1, file.lines(body.body[0])[0]))
    best = max((weights.get(line, 0.0) for line in lines), default=0.0)
    if best or isinstance(statement, (cst.SimpleStatementLine, cst.BaseSmallStatement)):
        return best
    return _reached(file, statement, weights)


def _reached(file: File, statement: cst.CSTNode, weights: Mapping[int, float]) -> float:
    """A head that has no line event of its own (`def`, `try`, `while True`) counts as its likeliest line."""
    if isinstance(statement, (cst.FunctionDef, cst.Try, cst.ExceptHandler, cst.While)):
        return 0.8 * max((weights.get(line, 0.0) for line in file.lines(statement)), default=0.0)
    return 0.0


def _with_module_level(file: File, lines: Mapping[int, float]) -> dict[int, float]:
    """`lines`, and for statements that ran at import, a share of the suspicion of the lines that use their names."""
    weights = dict(lines)
    used: dict[str, float] = {}
    for node, scope in file.walk:
        if scope.function is not None and isinstance(node, cst.Name) and node in file.positions:
            weight = lines.get(file.positions[node].start.line, 0.0)
            if weight > used.get(node.value, 0.0):
                used[node.value] = weight
    for node, scope in file.walk:
        if scope.function is None and isinstance(node, (cst.Assign, cst.AnnAssign)):
            targets = [t.target for t in node.targets] if isinstance(node, cst.Assign) else [node.target]
            share = max((used.get(t.value, 0.0) for t in targets if isinstance(t, cst.Name)), default=0.0)
            for line in file.lines(node):
                weights[line] = max(weights.get(line, 0.0), MODULE_LEVEL * share)
    return weights


def apply(source: str, edits: Iterable[Edit]) -> str:
    """The text with all edits made. The edits must not overlap; all are offsets into the same `source`."""
    for edit in sorted(edits, key=lambda e: e.start, reverse=True):
        source = source[: edit.start] + edit.text + source[edit.end :]
    return source


def patched(sources: Mapping[str, str], candidate: Candidate) -> dict[str, str]:
    """The changed files' new texts, by path."""
    paths = dict.fromkeys(edit.path for edit in candidate.edits)
    return {path: apply(sources[path], (e for e in candidate.edits if e.path == path)) for path in paths}
