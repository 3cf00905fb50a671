"""The lines that tracebacks point at: those of an issue, and those of failing tests. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sandbox.types import TestReport

_FRAMES = (
    re.compile(r'File "(?P<path>[^"\n]{1,300})", line (?P<line>\d{1,6})'),  # Python
    re.compile(r"\((?P<path>[\w$.-]{1,200}\.java):(?P<line>\d{1,6})\)"),  # Java
    re.compile(
        r"(?:^|[\s(\[`'\"])(?P<path>(?:\w:)?[\w./@~+-]{1,300}\.\w{1,5}):(?P<line>\d{1,6})(?::\d+)?", re.MULTILINE
    ),
)
"""Go, Rust, JavaScript and most tools write `path:line[:column]`."""
MOST = 60


@dataclass(frozen=True, kw_only=True)
class Place:
    path: str
    """Of the repository."""
    line: int
    weight: float
    """1 for the innermost frame, less for those around it."""


def of_text(text: str, paths: Iterable[str]) -> list[Place]:
    """The frames a text shows, of files the repository has. The last frame of a Python traceback is the innermost."""
    known = list(paths)
    frames = list(_frames(text, known))[-MOST:]
    return [Place(path=path, line=line, weight=1 / (1 + age)) for age, (path, line) in enumerate(reversed(frames))]


def of_report(report: TestReport, paths: Iterable[str]) -> list[Place]:
    """Where red tests say they failed, and what their messages show."""
    known = list(paths)
    found: list[Place] = []
    for result in report.results.values():
        failure = result.failure if result.status.is_red else None
        if failure is None:
            continue
        if failure.path in known and failure.line > 0:
            found.append(Place(path=failure.path, line=failure.line, weight=1.0))
        found.extend(of_text(failure.message, known))
    return found[:MOST]


def _frames(text: str, known: list[str]) -> Iterator[tuple[str, int]]:
    hits = [match for pattern in _FRAMES for match in pattern.finditer(text)]
    for match in sorted(hits, key=lambda match: match.start()):
        path = _in_tree(match["path"], known)
        if path:
            yield path, int(match["line"])


def _in_tree(shown: str, known: list[str]) -> str:
    """The one file of the tree that a traceback's path ends with (or that ends with it); "" when none or several."""
    plain = shown.replace("\\", "/").removeprefix("./")
    same = [path for path in known if plain == path or plain.endswith(f"/{path}") or path.endswith(f"/{plain}")]
    exact = [path for path in same if plain.endswith(path)]
    longest = max(exact, key=len, default="")
    return longest or (same[0] if len(same) == 1 else "")
