"""Code blocks of an issue: interpreter sessions, scripts with assertions or comments, tracebacks. Pure."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass

from agents.repair.issue.expectation import parse_statements

MAX_ENTRIES = 60

_PROMPT = re.compile(r"^(?:>>>|In \[\d+\]:)\s?(.*)$")
_CONTINUATION = re.compile(r"^(?:\.\.\.|\s*\.\.\.:)\s?(.*)$")
_OUT = re.compile(r"^Out\[\d+\]:\s?")
_FRAME = re.compile(r'^\s*File "([^"\n]{1,300})", line (\d{1,6})')
_LAST = re.compile(r"^((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?::\s*(.*))?$")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One statement of a block and what was said of its result."""

    source: str
    """One statement."""
    shown: str = ""
    """What the block shows below it."""
    error: str = ""
    """The exception that the block shows."""
    comment: str = ""
    is_expression: bool = False


def is_traceback(text: str) -> bool:
    return "Traceback (most recent call last)" in text


def raised(text: str) -> str:
    """The exception class that a traceback ends with; "" when it does not say."""
    for line in reversed(text.strip().split("\n")):
        match = _LAST.match(line.strip())
        if match and not line.startswith(" "):
            return match.group(1)
    return ""


def frames(text: str) -> list[tuple[str, int]]:
    """(file, line) of every frame that tracebacks in the text name."""
    return [(m.group(1), int(m.group(2))) for line in text.split("\n")[:2000] if (m := _FRAME.match(line))]


def session(text: str) -> list[Entry]:
    """The entries of an interpreter session; empty for what is none."""
    entries: list[Entry] = []
    source: list[str] = []
    output: list[str] = []

    def close() -> None:
        if source and len(entries) < MAX_ENTRIES:
            entries.extend(_entry("\n".join(source), "\n".join(output).rstrip()))
        source.clear()
        output.clear()

    for line in text.split("\n"):
        if prompt := _PROMPT.match(line):
            close()
            source.append(prompt.group(1))
        elif source and not output and (more := _CONTINUATION.match(line)):
            source.append(more.group(1))
        elif source:
            output.append(_OUT.sub("", line))
    close()
    return entries


def _entry(source: str, output: str) -> list[Entry]:
    statements = parse_statements(source)
    if not statements:
        return []
    error = raised(output) if is_traceback(output) else ""
    found = script(source)
    if found:
        last = found[-1]
        shown = "" if error else output
        if "#" in shown and not shown.lstrip().startswith(("'", '"')):
            shown, _, comment = shown.partition("#")
            last = _with(last, comment=comment.strip())
        found[-1] = _with(last, shown=shown.strip("\n").rstrip(), error=error)
    return found


def _with(entry: Entry, *, shown: str | None = None, error: str | None = None, comment: str | None = None) -> Entry:
    return Entry(
        source=entry.source,
        is_expression=entry.is_expression,
        shown=entry.shown if shown is None else shown,
        error=entry.error if error is None else error,
        comment=entry.comment if comment is None else comment,
    )


def script(text: str) -> list[Entry]:
    """The statements of a block that is Python, each with the comment at its end or on the lines below it."""
    statements = parse_statements(text)
    if statements is None:
        return []
    lines = text.split("\n")
    entries: list[Entry] = []
    for position, statement in enumerate(statements[:MAX_ENTRIES]):
        end = statement.end_lineno or statement.lineno
        following = statements[position + 1].lineno if position + 1 < len(statements) else len(lines) + 1
        tail = lines[end - 1].encode()[statement.end_col_offset or 0 :].decode(errors="replace")
        notes = [tail.partition("#")[2].strip()] if "#" in tail else []
        for line in lines[end : following - 1]:
            if not line.strip().startswith("#"):
                break
            notes.append(line.strip().lstrip("#").strip())
        entries.append(
            Entry(
                source=ast.get_source_segment(text, statement) or ast.unparse(statement),
                comment="; ".join(note for note in notes if note),
                is_expression=isinstance(statement, ast.Expr),
            )
        )
    return entries
