"""Reading a patch's files ends soon, however they are written. Pure.

Each text here kept an earlier reader busy for minutes to days: the time went by the square of its size.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from sandbox import signs
from sandbox.errors import PatchRefused
from sandbox.parts import edited_tests, go, java, node, python, rust, rust_items, signs_of
from sandbox.patch import parse
from sandbox.signs import Changed
from sandbox.tamper import same_test_sections
from tests.support.cases import FilesView

_LONG = 20.0
"""Seconds of this process, on a loaded machine."""


def source(path: str, text: str) -> list[Changed]:
    return [Changed(path=path, before="", after=text)]


READINGS: dict[str, Callable[[], object]] = {
    "a Java file of blank lines": lambda: (
        java.RULES.sign is not None and java.RULES.sign(FilesView({}), FilesView({"A.java": "\n" * 300_000}), "A.java")
    ),
    "a go.mod of blank lines": lambda: signs_of(FilesView({}), FilesView({"go.mod": "\n" * 300_000}), "go.mod"),
    "a Go file of blank lines": lambda: signs_of(FilesView({}), FilesView({"a.go": "\n" * 300_000}), "a.go"),
    "Go tests without an end": lambda: edited_tests("a_test.go", b"", b"func TestA(\n" * 100_000),
    "a JavaScript call that never comes": lambda: node.holds_tests(b"it." * 300_000),
    "quotes that are escaped and never closed": lambda: signs.for_people(source("a.py", 'x == \\"' * 100_000), ()),
    "cfg! without an end": lambda: signs.asks_for_tests(source("a.rs", "cfg!(" * 100_000), lambda _: False),
    "an ini file's line of spaces": lambda: same_test_sections(
        "setup.cfg", b"[a]\nx=1\n", b"x" + b" " * 300_000 + b"y"
    ),
    "TOML's longest name": lambda: same_test_sections("pyproject.toml", b"a=1", b"a" + b".a" * 100_000 + b"=1"),
    "a module of many Rust tests": lambda: rust_items.test_functions(
        "#[cfg(test)] mod t {" + "#[test] fn f(){}\n" * 10_000 + "}"
    ),
}


@pytest.mark.parametrize("name", READINGS)
def test_reading_takes_time_by_the_size_not_by_its_square(name: str) -> None:
    started = time.process_time()
    READINGS[name]()
    assert time.process_time() - started < _LONG


def test_long_spaces_and_long_names_make_a_manifest_configuration() -> None:
    assert not same_test_sections("setup.cfg", b"[a]\nx = 1\n", b"[a]\nx = 1" + b" " * 200 + b"\n")
    assert not same_test_sections("pyproject.toml", b"a = 1\n", b"a" + b".a" * 201 + b" = 1\n")
    assert same_test_sections("pyproject.toml", b"a = 1\n", b"a" + b".a" * 100 + b" = 1\n")


def test_go_tests_are_told_apart_whether_or_not_the_last_one_ends() -> None:
    assert go.RULES.tests_of is not None
    text = b"func TestA(t *testing.T) {\n\tx()\n}\n\nfunc TestB(t *T) { y() }\n\nfunc TestC(t *T) {\n\tz()\n"
    assert list(go.RULES.tests_of(text) or ()) == ["TestA", "TestB", "TestC"]


@pytest.mark.parametrize(
    "imports", ['import ("testing"; "unsafe")', "import `testing`\nimport `unsafe`", 'import("testing"\n"unsafe")']
)
def test_a_go_source_that_reaches_into_package_testing_is_seen_however_it_imports(imports: str) -> None:
    patched = FilesView({"a.go": f"package a\n{imports}\n"})
    assert "unsafe" in signs_of(FilesView({"a.go": "package a\n"}), patched, "a.go")[0]


def test_what_stands_beside_rust_tests_is_text_of_each() -> None:
    assert rust.RULES.tests_of is not None
    text = b"#[cfg(test)] mod t { use a; #[test] fn f() { f1 } const K: u8 = 1; #[test] fn g() { g1 } }"
    found = rust.RULES.tests_of(text) or {}
    assert found.keys() == {"t.f", "t.g"}
    assert all("K" in one and "use" in one for one in found.values())
    assert "g1" not in found["t.f"]


def test_a_comparison_nested_too_deeply_to_be_read_is_no_sign_and_no_crash() -> None:
    deep = "class A:\n def __eq__(self, o):\n  return " + "1+" * 1400 + "1\n"
    assert signs.for_people(source("a.py", deep), ()) == ()


@pytest.mark.parametrize(
    ("diff", "why"),
    [
        ("--- a/x\n+++ b/x\n@@ -0,0 +1 @@\n+\ud800\n", "half of a character"),
        (f"--- a/x\n+++ b/x\n@@ -{'1' * 5000} +1 @@\n+a\n", "not a unified diff"),
    ],
)
def test_a_diff_that_cannot_be_read_is_refused_with_a_sentence(diff: str, why: str) -> None:
    with pytest.raises(PatchRefused, match=why):
        parse(diff)


def test_python_ini_files_with_usual_spaces_are_read() -> None:
    assert python.RULES.sections["setup.cfg"]("[tool:pytest]\naddopts =     -q\n") == {"tool:pytest": {"addopts": "-q"}}
