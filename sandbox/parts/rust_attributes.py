"""The attributes of a Rust item that make a test of it, or keep it for tests only. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sandbox.parts.rust_tokens import CLOSING, OPENING

Attribute = tuple[str, ...]
"""The words and marks within an attribute's brackets."""
_MACROS = frozenset(
    {"test", "rstest", "test_case", "bench", "quickcheck", "proptest", "traced_test", "wasm_bindgen_test"}
)


def makes_test(attribute: Attribute) -> bool:
    """`test`, `tokio::test`, `rstest`."""
    path = _path_of(attribute)
    return bool(path) and path[-1] in _MACROS


def _path_of(attribute: Attribute) -> list[str]:
    """`tokio`, `test` of `#[tokio::test(flavor = "x")]`."""
    names = []
    for word in attribute:
        if word == ":":
            continue
        if not re.match(r"\w", word):
            break
        names.append(word)
    return names


def implies_test(attribute: Attribute) -> bool:
    """`cfg(test)`, `cfg(all(test, ...))`; not `cfg(any(test, feature = "x"))` and not `cfg(not(test))`."""
    return attribute[:2] == ("cfg", "(") and _predicate(attribute[2:-1])


def _predicate(words: tuple[str, ...]) -> bool:
    if words == ("test",):
        return True
    if words[:2] == ("all", "("):
        return any(_predicate(part) for part in _arguments(words[2:-1]))
    if words[:2] == ("any", "("):
        parts = list(_arguments(words[2:-1]))
        return bool(parts) and all(_predicate(part) for part in parts)
    return False


def _arguments(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    depth, start = 0, 0
    for place, word in enumerate(words):
        depth += (word in OPENING) - (word in CLOSING)
        if word == "," and depth == 0:
            yield words[start:place]
            start = place + 1
    if words[start:]:
        yield words[start:]
