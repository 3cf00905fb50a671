"""Go's files: the go command's own names, and what reaches for package testing. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping

from sandbox.parts.rules import Rules
from sandbox.types import RepoView

_ASSERTIONS = re.compile(
    r"(?:github\.com/(?:stretchr|onsi|smartystreets|frankban/quicktest|google/go-cmp|matryer/is|alecthomas/assert|"
    r"maxatome/go-testdeep|go-playground/assert|shoenig/test)|gotest\.tools|gopkg\.in/check\.v1)(?:$|[/.@])"
)
"""Modules that say whether a test is red."""
_REPLACE = re.compile(r"^[ \t]*(?:replace[ \t]+)?(\S+)(?:[ \t]+v\S+)?[ \t]*=>", re.MULTILINE)
_MODULE = re.compile(r"^[ \t]*module\b[ \t]*(?:\(\s*)?[\"`]?([^\s\"`()]+)", re.MULTILINE)
_ESCAPED = re.compile(rb"\"[^\"\n]*\\")
"""A name that only the go command reads as it is meant."""
_MANIFEST_COMMENT = re.compile(rb"//.*")
_COMMENT = re.compile(rb"//(?!go:).*")
_LINKNAME = re.compile(rb"^//go:linkname\s+\S+\s+(?:testing|testing/\S+)\.", re.MULTILINE)
_IMPORTS = re.compile(
    rb"(?:^|;)[ \t]*(?:import[ \t]*)?(?:\([ \t]*)?(?:[\w.]+[ \t]+)?[\"`](testing|unsafe)[\"`]", re.MULTILINE
)

_END = r"\((?:[^\n]*\}$|.*?^\})"
_FUNCTION = re.compile(rf"^func (?P<name>(?:Test|Example|Fuzz)\w*){_END}", re.MULTILINE | re.DOTALL)
_DECIDES = re.compile(rf"^//go:build [^\n]*|^func (?:TestMain|init){_END}", re.MULTILINE | re.DOTALL)
"""What decides whether a file's tests run at all."""


def is_test_file(path: str) -> bool:
    """True for what the go command would compile into a test binary."""
    *directories, name = path.split("/")
    hidden = any(part in ("vendor", "testdata") or part.startswith((".", "_")) for part in directories)
    return name.endswith("_test.go") and not name.startswith((".", "_")) and not hidden


def _tests_of(data: bytes) -> Mapping[str, str]:
    """By the layout that gofmt gives every file: a function ends with the first brace that begins a line."""
    # With an end for a function that has none, or each of many such would be searched to the end of the file.
    text = data.decode("utf-8", "replace") + "\n}"
    shared = "\n".join(_DECIDES.findall(text))
    return {found["name"]: shared + found.group() for found in _FUNCTION.finditer(text) if found["name"] != "TestMain"}


def _sign(base: RepoView, patched: RepoView, path: str) -> str:
    before, after = base.read(path) or b"", patched.read(path) or b""
    name = path.rpartition("/")[2]
    if name in ("go.mod", "go.work"):
        added = _replaced(after) - _replaced(before)
        chosen = sorted(module for module in added if _ASSERTIONS.search(module))
        chosen = chosen or sorted(_named(after) - _named(before))
        if chosen:
            return f"{path}: replaces {chosen[0]}, which decides whether a test is red"
        hidden = _ESCAPED.search(after) and not _ESCAPED.search(before)
        return f"{path}: writes a name in escapes, which hides what it replaces" if hidden else ""
    if "vendor" in path.split("/")[:-1] and _ASSERTIONS.match(path.partition("vendor/")[2].rpartition("/")[0]):
        return f"{path}: changes a vendored module that decides whether a test is red"
    if not name.endswith(".go"):
        return ""
    if _LINKNAME.search(after) and not _LINKNAME.search(before):
        return f"{path}: links itself to the inside of package testing"
    if not name.endswith("_test.go") and _reaches(after) and not _reaches(before):
        return f"{path}: source that imports testing together with unsafe can change what a test came to"
    return ""


def _replaced(data: bytes) -> frozenset[str]:
    return frozenset(_REPLACE.findall(_MANIFEST_COMMENT.sub(b"", data).decode("utf-8", "replace")))


def _named(data: bytes) -> frozenset[str]:
    """A module of the tree that calls itself what tests are judged with: a workspace would take it for that."""
    names = _MODULE.findall(_MANIFEST_COMMENT.sub(b"", data).decode("utf-8", "replace"))
    return frozenset(name for name in names if _ASSERTIONS.search(name))


def _reaches(data: bytes) -> bool:
    return set(_IMPORTS.findall(_COMMENT.sub(b"", data))) == {b"testing", b"unsafe"}


RULES = Rules(
    config=frozenset({".golangci.yml", ".golangci.yaml", ".golangci.toml", ".golangci.json", ".testcoverage.yml"}),
    tests=("*_test.go",),
    sign=_sign,
    suffix="_test.go",
    tests_of=_tests_of,
)
