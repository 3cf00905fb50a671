"""The languages whose syntax the map reads: by file name, each with its grammar and what it calls a definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType

import tree_sitter_go
import tree_sitter_java
import tree_sitter_javascript
import tree_sitter_python
import tree_sitter_rust
import tree_sitter_typescript
from tree_sitter import Language as Grammar
from tree_sitter import Parser


@dataclass(frozen=True, kw_only=True)
class Language:
    name: str
    comment: str
    """What begins a comment of one line."""
    grammar: Callable[[], object]
    functions: frozenset[str]
    """Node types that are a function or method."""
    containers: frozenset[str]
    """Node types that hold methods: classes, traits, implementations."""
    wrappers: frozenset[str] = frozenset()
    """Node types around a definition that belong to it: decorators, exports."""


_JS_FUNCTIONS = frozenset(
    {"function_declaration", "generator_function_declaration", "method_definition", "variable_declarator"}
)
_JS_WRAPPERS = frozenset({"export_statement", "lexical_declaration", "variable_declaration"})
_TS_CONTAINERS = frozenset(
    {"class_declaration", "abstract_class_declaration", "interface_declaration", "internal_module", "object"}
)

PYTHON = Language(
    name="python",
    comment="#",
    grammar=tree_sitter_python.language,
    functions=frozenset({"function_definition"}),
    containers=frozenset({"class_definition"}),
    wrappers=frozenset({"decorated_definition"}),
)
JAVASCRIPT = Language(
    name="javascript",
    comment="//",
    grammar=tree_sitter_javascript.language,
    functions=_JS_FUNCTIONS,
    containers=frozenset({"class_declaration"}),
    wrappers=_JS_WRAPPERS,
)
TYPESCRIPT = Language(
    name="typescript",
    comment="//",
    grammar=tree_sitter_typescript.language_typescript,
    functions=_JS_FUNCTIONS,
    containers=_TS_CONTAINERS,
    wrappers=_JS_WRAPPERS,
)
TSX = Language(
    name="typescript",
    comment="//",
    grammar=tree_sitter_typescript.language_tsx,
    functions=_JS_FUNCTIONS,
    containers=_TS_CONTAINERS,
    wrappers=_JS_WRAPPERS,
)
GO = Language(
    name="go",
    comment="//",
    grammar=tree_sitter_go.language,
    functions=frozenset({"function_declaration", "method_declaration"}),
    containers=frozenset({"type_spec"}),
    wrappers=frozenset({"type_declaration"}),
)
RUST = Language(
    name="rust",
    comment="//",
    grammar=tree_sitter_rust.language,
    functions=frozenset({"function_item"}),
    containers=frozenset({"impl_item", "trait_item", "struct_item", "enum_item", "mod_item"}),
)
JAVA = Language(
    name="java",
    comment="//",
    grammar=tree_sitter_java.language,
    functions=frozenset({"method_declaration", "constructor_declaration"}),
    containers=frozenset({"class_declaration", "interface_declaration", "enum_declaration", "record_declaration"}),
)

BY_SUFFIX: Mapping[str, Language] = MappingProxyType(
    {
        ".py": PYTHON,
        ".js": JAVASCRIPT,
        ".jsx": JAVASCRIPT,
        ".mjs": JAVASCRIPT,
        ".cjs": JAVASCRIPT,
        ".ts": TYPESCRIPT,
        ".mts": TYPESCRIPT,
        ".cts": TYPESCRIPT,
        ".tsx": TSX,
        ".go": GO,
        ".rs": RUST,
        ".java": JAVA,
    }
)


def language_of(path: str) -> Language | None:
    """By the file's name; None for what the map does not read."""
    return BY_SUFFIX.get(PurePosixPath(path).suffix)


@cache
def grammar_of(language: Language) -> Grammar:
    return Grammar(language.grammar())


def parser_of(language: Language) -> Parser:
    """A new one: a parser is no thread's but one."""
    return Parser(grammar_of(language))
