"""Drops candidates that are not worth a run: what does not compile, and what compiles to what was tried already. Pure.

Two candidates are the same when their code objects are: line numbers, parentheses, spelling of constants and whatever
else the compiler forgets make no difference. Only the function around a change is compiled, since that is what differs.
"""

from __future__ import annotations

import ast
import warnings
from bisect import bisect_right
from collections.abc import Iterable, Mapping
from functools import cached_property
from types import CodeType

from agents.repair.candidates import apply, patched
from agents.repair.types import Candidate, Edit


class _Text:
    """One base file and the places of its outermost functions."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._starts = [0]
        for line in text.split("\n"):
            self._starts.append(self._starts[-1] + len(line) + 1)

    @cached_property
    def functions(self) -> list[tuple[int, int]]:
        """(start, end) in characters, decorators included."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(self.text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return []
        return sorted(self._outermost(tree))

    def _outermost(self, tree: ast.AST) -> Iterable[tuple[int, int]]:
        for node in ast.iter_child_nodes(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
                last = node.end_lineno or node.lineno
                yield self._starts[first - 1], min(self._starts[last], len(self.text))
            elif isinstance(node, (ast.ClassDef, ast.If, ast.Try)):
                yield from self._outermost(node)

    def around(self, edits: Iterable[Edit]) -> tuple[int, int] | None:
        """The one function that holds all these edits."""
        first = min(edit.start for edit in edits)
        last = max(edit.end for edit in edits)
        position = bisect_right(self.functions, (first, len(self.text) + 1)) - 1
        for start, end in self.functions[max(0, position - 1) : position + 1]:
            if start <= first and last <= end:
                return start, end
        return None


class Sieve:
    """Remembers what has passed."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._sources = sources
        self._texts = {path: _Text(text) for path, text in sources.items()}
        self._seen: set[tuple[object, ...]] = set()
        self._before: dict[tuple[str, int], int | None] = {}

    def passes(self, candidate: Candidate) -> dict[str, str] | None:
        """The changed texts, or None for a candidate not worth a run."""
        keys: list[tuple[object, ...]] = []
        for path in dict.fromkeys(edit.path for edit in candidate.edits):
            edits = [edit for edit in candidate.edits if edit.path == path]
            key = self._key(path, edits)
            if key is None:
                return None
            keys.append(key)
        whole = tuple(sorted(keys, key=repr)) if len(keys) > 1 else keys[0]
        if whole in self._seen:
            return None
        self._seen.add(whole)
        return patched(self._sources, candidate)

    def _key(self, path: str, edits: list[Edit]) -> tuple[object, ...] | None:
        """What the changed function, or the file, compiles to; None when it does not, or to what it was."""
        text = self._texts[path]
        place = text.around(edits)
        start, end = place or (0, len(text.text))
        part = text.text[start:end]
        moved = [Edit(path=path, start=e.start - start, end=e.end - start, text=e.text) for e in edits]
        after = compiled(apply(part, moved))
        if (path, start) not in self._before:
            self._before[path, start] = compiled(part)
        if after is None or after == self._before[path, start]:
            return None
        return (path, start, after)


def compiled(text: str) -> int | None:
    """A hash of what the text compiles to, indented or not; None when it does not compile."""
    if text[:1] in (" ", "\t"):
        text = f"if 1:\n{text}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # `1 is x`, odd escapes: the tree's business
            return hash(_meaning(compile(text, "<candidate>", "exec", dont_inherit=True)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _meaning(code: CodeType) -> tuple[object, ...]:
    """All of a code object but where it stands."""
    constants = tuple(
        _meaning(constant) if isinstance(constant, CodeType) else (type(constant).__name__, repr(constant))
        for constant in code.co_consts
    )
    return (
        code.co_name, code.co_code, constants, code.co_names, code.co_varnames, code.co_freevars, code.co_cellvars,
        code.co_argcount, code.co_posonlyargcount, code.co_kwonlyargcount, code.co_flags, code.co_exceptiontable,
    )  # fmt: skip
