"""One thing that an issue says should hold, and how values are read from a person's words. Pure."""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from enum import StrEnum

MAX_EXPRESSION = 2_000
"""Characters; also bounds the work of the parser."""
MAX_NODES = 400


class Kind(StrEnum):
    EQUAL = "equal"
    """`subject == expected`; both are expressions."""
    DIFFERS = "differs"
    REPR = "repr"
    """`repr(subject)` is the text `expected`."""
    TEXT = "text"
    """`str(subject)` is the text `expected`: what `print` would show."""
    RAISES = "raises"
    """Evaluating `subject` raises the exception class `expected`."""
    RUNS = "runs"
    """Evaluating `subject` raises nothing."""
    HOLDS = "holds"
    """`subject` is true: an assertion of the issue's own."""


@dataclass(frozen=True, kw_only=True)
class Expectation:
    kind: Kind
    subject: str
    """An expression, or for RUNS and RAISES perhaps a statement."""
    expected: str = ""
    setup: tuple[str, ...] = ()
    """Statements before it, imports included."""


_WORDS = {
    "true": "True", "false": "False", "null": "None", "none": "None", "nothing": "None", "an empty list": "[]",
    "empty list": "[]", "the empty list": "[]", "an empty string": "''", "empty string": "''", "the empty string": "''",
    "an empty dict": "{}", "empty dict": "{}", "an empty dictionary": "{}",
    "an empty tuple": "()", "an empty set": "set()",
    "zero": "0",
}  # fmt: skip

_EXCEPTION = re.compile(r"\b((?:[A-Za-z_]\w*\.)*[A-Z]\w*(?:Error|Exception|Warning|Iteration|Interrupt|Exit))\b")


def parse_expression(text: str) -> ast.expr | None:
    """The expression, or None for what is none or too large."""
    tree = _parse(text.strip(), "eval")
    return tree.body if isinstance(tree, ast.Expression) else None


def parse_statements(text: str) -> list[ast.stmt] | None:
    tree = _parse(text, "exec")
    return tree.body if isinstance(tree, ast.Module) else None


def _parse(text: str, mode: str) -> ast.AST | None:
    if len(text) > MAX_EXPRESSION:
        return None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text, mode=mode)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if sum(1 for _ in ast.walk(tree)) <= MAX_NODES else None


def literal(text: str) -> str | None:
    """The text as a Python literal's source, or None."""
    text = text.strip()
    word = _WORDS.get(text.lower())
    if word is not None:
        return word
    tree = parse_expression(text)
    if tree is None:
        return None
    try:
        ast.literal_eval(tree)
    except (ValueError, TypeError, RecursionError, MemoryError, SyntaxError):
        return "set()" if text == "set()" else None
    return text


def leading_literal(text: str) -> str | None:
    """The longest literal at the beginning of a sentence's rest: `3, not 2.` -> `3`; `[1, 2] here` -> `[1, 2]`."""
    text = text.strip().rstrip(" .!?;,")  # `3.` ends a sentence before it is a float
    for phrase in sorted(_WORDS, key=len, reverse=True):
        if re.match(rf"(?:{re.escape(phrase)})\b", text, re.IGNORECASE):
            return _WORDS[phrase]
    text = text[:300]
    for end in range(len(text), 0, -1):
        if (end == len(text) or not (text[end].isalnum() or text[end] in "_'\"")) and (found := literal(text[:end])):
            return found
    return None


def exception_name(text: str) -> str | None:
    """The first word that looks like an exception class."""
    match = _EXCEPTION.search(text)
    return match.group(1) if match else None


def is_call(text: str) -> bool:
    """An expression that does something: it holds a call (or is a subscript or attribute of one)."""
    tree = parse_expression(text)
    return tree is not None and any(isinstance(node, (ast.Call, ast.Subscript)) for node in ast.walk(tree))
