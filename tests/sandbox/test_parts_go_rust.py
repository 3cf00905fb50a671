"""What Go's and Rust's files are to the verdict: names, signs, edits, and files that hold source and tests."""

from __future__ import annotations

import re
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import parts
from sandbox.parts import classify, go, rust, rust_items, rust_tokens
from sandbox.parts.rust_tokens import Kind, NotRust
from sandbox.types import Part
from tests.support.cases import FilesView


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("coin/coin_test.go", Part.TEST),
        ("coin/testdata/rates.json", Part.TEST),
        ("coin/coin.go", Part.SOURCE),
        ("go.mod", Part.SOURCE),
        ("go.sum", Part.SOURCE),
        (".golangci.yml", Part.TEST_CONFIG),
        ("src/lib.rs", Part.SOURCE),
        ("build.rs", Part.SOURCE),
        ("src/clock/tests.rs", Part.TEST),
        ("src/clock_test.rs", Part.TEST),
        ("chart/tests/it/main.rs", Part.TEST),
        ("Cargo.toml", Part.TEST_CONFIG),
        ("Cargo.lock", Part.SOURCE),
        ("rust-toolchain.toml", Part.TEST_CONFIG),
        (".cargo/config.toml", Part.TEST_CONFIG),
        ("chart/.cargo/config", Part.TEST_CONFIG),
    ],
)
def test_files_are_told_by_their_names(path: str, part: Part) -> None:
    assert classify(path) is part


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("coin/coin_test.go", True),
        ("coin_test.go", True),
        ("coin/coin.go", False),
        ("coin/_old_test.go", False),
        ("coin/.x_test.go", False),
        ("vendor/a/a_test.go", False),
        ("a/testdata/a_test.go", False),
        ("_examples/a_test.go", False),
        (".hidden/a_test.go", False),
    ],
)
def test_go_s_own_rule_says_what_a_test_file_is(path: str, found: bool) -> None:
    assert go.is_test_file(path) is found


def sign(path: str, before: str | None, after: str) -> str:
    base = FilesView({} if before is None else {path: before})
    signs = parts.signs_of(base, FilesView({path: after}), path)
    return signs[0] if signs else ""


@pytest.mark.parametrize(
    ("path", "before", "after", "words"),
    [
        (
            "go.mod",
            "module m\n",
            "module m\nreplace github.com/stretchr/testify => ./fake\n",
            "replaces github.com/str",
        ),
        ("go.mod", "module m\n", "replace (\n\tgotest.tools/v3 v3.1.0 => ./fake\n)\n", "replaces gotest.tools/v3"),
        ("go.work", None, "replace github.com/onsi/gomega v1.0.0 => ./f\n", "replaces github.com/onsi/gomega"),
        ("vendor/github.com/stretchr/testify/assert/a.go", "package assert\n", "package assert\n//x\n", "vendored"),
        ("a.go", "package a\n", "//go:linkname fail testing.(*common).Fail\n", "inside of package testing"),
        ("a.go", None, 'import (\n\t"testing"\n\t"unsafe"\n)\n', "together with unsafe"),
        ("src/lib.rs", "fn a() {}", "macro_rules! assert_eq { ($($t:tt)*) => {} }", "hides the standard library's"),
        ("src/lib.rs", "fn a() {}", "pub(crate) use eq as assert_eq;", "the name assert_eq!"),
        ("src/lib.rs", "fn a() {}", "#![feature(custom_test_frameworks)]", "another test runner"),
    ],
)
def test_what_reaches_for_the_judge_is_a_sign(path: str, before: str | None, after: str, words: str) -> None:
    assert words in sign(path, before, after)


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("go.mod", "module m\n", "module m\nreplace example.com/coin => ../coin\n"),
        ("go.mod", "replace github.com/stretchr/testify => ./f\n", "replace github.com/stretchr/testify => ./f\n\n"),
        ("go.mod", "module m\n", "module m\n// replace github.com/stretchr/testify => ./fake\n"),
        ("vendor/example.com/coin/coin.go", None, "package coin\n"),
        ("go.sum", None, "x\n"),
        ("a.go", None, 'import "testing"\n'),
        ("a.go", None, '// import "testing" and "unsafe"\n'),
        ("a_test.go", None, 'import (\n\t"testing"\n\t"unsafe"\n)\n'),
        ("a.go", 'import (\n"testing"\n"unsafe"\n)\n', 'import (\n"testing"\n"unsafe"\n)\n\nvar x = 1\n'),
        ("a.go", "//go:linkname a testing.b\n", "//go:linkname a testing.b\n\n"),
        ("src/lib.rs", "macro_rules! panic { () => {} }", "macro_rules! panic { () => { } }"),
        ("src/lib.rs", None, '// macro_rules! assert { }\nfn a() { "macro_rules! assert { }"; }'),
        ("src/lib.rs", "#![test_runner(x)]", "#![test_runner(x)]\n"),
        ("src/lib.rs", None, 'fn a() { "'),
    ],
)
def test_honest_changes_are_no_sign(path: str, before: str | None, after: str) -> None:
    assert sign(path, before, after) == ""


MANIFEST = '[package]\nname = "a"\nversion = "1.0.0"\n\n[dependencies]\nserde = "1"\n'


@pytest.mark.parametrize(
    ("change", "same"),
    [
        (MANIFEST.replace("1.0.0", "1.0.1"), True),
        (MANIFEST + 'itoa = "1"\n', True),
        (MANIFEST + '[features]\nx = []\n[lib]\nname = "b"\n', True),
        (MANIFEST + "[lib]\ntest = false\n", False),
        (MANIFEST + '[[test]]\nname = "it"\nharness = false\n', False),
        (MANIFEST + '[[bin]]\nname = "a"\ntest = false\n', False),
        (MANIFEST + "[profile.test]\noverflow-checks = false\n", False),
        (MANIFEST + '[dev-dependencies]\nproptest = { path = "fake" }\n', False),
        (MANIFEST + '[target.x.dev-dependencies]\nproptest = { path = "fake" }\n', False),
        (MANIFEST.replace('version = "1.0.0"', 'version = "1.0.0"\nautotests = false'), False),
    ],
)
def test_the_part_of_a_cargo_manifest_that_configures_tests(change: str, same: bool) -> None:
    before, after = (parts.test_sections("Cargo.toml", text.encode()) for text in (MANIFEST, change))
    assert (before == after) is same


# --- which tests were edited -------------------------------------------------------------------------------------

GO = b'package a\n\nimport "testing"\n\nfunc TestA(t *testing.T) {\n\tt.Log(1)\n}\n\nfunc TestB(t *testing.T) {}\n'


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (GO + b"\nfunc TestC(t *testing.T) {\n}\n", set()),
        (GO.replace(b"Log(1)", b"Skip()"), {"TestA"}),
        (GO.replace(b"TestB", b"TestC"), {"TestB"}),
        (b"//go:build never\n\n" + GO, {"TestA", "TestB"}),
        (GO + b"\nfunc init() {\n\tos.Exit(0)\n}\n", {"TestA", "TestB"}),
        (GO + b"\nfunc TestMain(m *testing.M) {\n}\n", {"TestA", "TestB"}),
        (None, {"TestA", "TestB"}),
    ],
)
def test_edited_go_tests_are_named(after: bytes | None, names: set[str]) -> None:
    assert parts.edited_tests("a/a_test.go", GO, after) == names


RUST = """
fn source() -> u32 { 1 }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one() { assert_eq!(source(), 1); }

    mod inner {
        #[tokio::test(flavor = "current_thread")]
        async fn two() {}
    }
}
"""


@pytest.mark.parametrize(
    ("after", "names"),
    [
        (RUST.replace("{ 1 }", "{ 2 }"), set()),
        (RUST.replace("source(), 1", "1, 1"), {"tests.one"}),
        (RUST.replace("    #[test]\n", "    #[test]\n    #[ignore]\n"), {"tests.one"}),
        (RUST.replace("async fn two", "async fn three"), {"tests.inner.two"}),
        (RUST.replace("use super::*;", "fn source() -> u32 { 1 }"), {"tests.one", "tests.inner.two"}),
        ("", {"tests.one", "tests.inner.two"}),
        ("fn broken(", None),
        ("#[cfg(test)]\nmod tests { fn broken( }", None),
        ("#[cfg(test)]\nmod tests { 1 + 1 }", None),
    ],
)
def test_edited_rust_tests_are_named(after: str, names: set[str] | None) -> None:
    assert parts.edited_tests("src/lib.rs", RUST.encode(), after.encode()) == names


def test_edits_of_files_that_are_no_text_or_of_no_language_cannot_be_told() -> None:
    assert parts.edited_tests("src/lib.rs", b"\xff", b"") is None
    assert parts.edited_tests("src/lib.c", b"", b"") is None
    assert parts.divide("src/lib.c", b"", b"") is None
    assert parts.divide("src/lib.rs", b"test\xff", b"") is None
    assert parts.divide("src/lib.rs", b"fn test(", b"") is None
    assert parts.divide("src/lib.rs", RUST.encode(), RUST.encode()) == (RUST.encode(), RUST.encode())
    assert not parts.can_hold_both("a.go")
    assert parts.can_hold_both("a.rs")
    assert not rust.holds_tests(b"fn a() {}")
    assert rust.holds_tests(RUST.encode())


# --- Rust's tokens -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            "a::b<'a, 'static>('x', '\\'', '\\u{1F600}', b'\\n')",
            "a : : b < 'a , 'static > ( 'x' , '\\'' , '\\u{1F600}' , b'\\n' )",
        ),
        ('r#"a " b"# r##"}"#"## br"{" c"{" b"\\""', 'r#"a " b"# r##"}"#"## br"{" c"{" b"\\""'),
        ("x /* a /* { */ ' */ y // {\n z", "x y z"),
        ("/// doc {\n//// no\n/** doc */ /*** no */ /**/ //! no\nr#fn", "/// doc { /** doc */ r#fn"),
        ("1.5e-3 0x1f 1..2 't: loop", "1.5e-3 0x1f 1 . . 2 't : loop"),
        ("#!/usr/bin/env x {\nfn", "fn"),
        ("#![allow(x)]", "# ! [ allow ( x ) ]"),
        ("#!no line end", ""),
    ],
)
def test_literals_and_comments_hold_no_marks(text: str, found: str) -> None:
    assert " ".join(token.text for token in rust_tokens.tokens(text)) == found


@pytest.mark.parametrize("text", ['"', 'r#"x"', "/* /* */", '"\\"'])
def test_a_literal_without_an_end_is_not_rust(text: str) -> None:
    with pytest.raises(NotRust):
        list(rust_tokens.tokens(text))


def test_documentation_is_told_from_comments() -> None:
    assert [token.kind for token in rust_tokens.tokens("/// a\n// b\nx")] == [Kind.DOC, Kind.WORD]


# --- divided files -----------------------------------------------------------------------------------------------

ITEMS = """//! A file with one of everything.
#![allow(dead_code)]
use std::{fmt, io};
pub(crate) use self::inner::Inner as Other;
extern crate core;
extern "C" { fn c(); }
pub extern "C" fn exported() {}
const fn constant() -> u32 { 1 }
const ARRAY: [u8; { 1 + 1 }] = { [0, 1] };
static NAME: &str = "}";
type Pair = (u8, u8);
struct Unit;
struct Tuple(u8, [u8; 2]);
struct Fields { a: u8 }
enum E { A { b: u8 }, B }
union U { a: u8 }
pub unsafe trait T { fn f(&self) { } }
unsafe impl T for Fields { }
impl<'a> fmt::Display for Tuple where Self: Sized { fn fmt(&self, f: &mut fmt::Formatter<'_>) -> X { Ok(()) } }
async unsafe fn waits() where u8: Copy {}
macro_rules! twice { ($x:expr) => { $x + $x }; }
thread_local! { static X: u8 = 1; }
std::thread_local!(static Y: u8 = 1);
mod elsewhere;
mod inner {
    pub struct Inner;
    /// Of the inner one.
    #[cfg(test)]
    mod tests { #[test] fn deep() {} }
}
"""
TESTS = """
/// Documented.
#[cfg(all(test, feature = "x"))]
mod tests {
    #[test]
    fn shallow() { assert_eq!("}", "{"); }
}
#[test]
fn alone() {}
#[cfg(test)]
use std::collections::HashMap;
#[cfg(any(test))]
impl Fields { fn only_tests() {} }
"""


def test_every_kind_of_item_is_understood() -> None:
    parsed = rust_items.parse(ITEMS + TESTS)
    assert parsed is not None
    assert [(key[0], key[1], key[2]) for key in parsed.tests] == [
        (("inner",), "mod", "tests"),
        ((), "mod", "tests"),
        ((), "fn", "alone"),
        ((), "use", "use std : : collections : : HashMap"),
        ((), "impl", "impl Fields"),
    ]


def test_a_divided_file_keeps_each_side_s_own_text() -> None:
    before = ITEMS + TESTS
    after = before.replace("{ 1 }", "{ 2 }").replace('"}", "{"', '"", ""').replace("fn deep() {}", "fn deeper() {}")
    source, tests = rust_items.divide(before, after) or ("", "")
    assert source == before.replace("{ 1 }", "{ 2 }")
    assert tests == before.replace('"}", "{"', '"", ""').replace("fn deep() {}", "fn deeper() {}")


def test_tests_that_one_side_lacks_are_left_out_or_added_at_their_module_s_end() -> None:
    source, tests = rust_items.divide(ITEMS, ITEMS + TESTS) or ("", "")
    assert "#[test]\nfn alone" not in source
    assert "fn deep" in source
    assert tests.startswith(ITEMS)
    assert all(words in tests for words in ("/// Documented.", "fn shallow", "fn alone", "HashMap", "only_tests"))
    gone = ITEMS.replace("    /// Of the inner one.\n    #[cfg(test)]\n    mod tests { #[test] fn deep() {} }\n", "")
    source, tests = rust_items.divide(ITEMS, gone) or ("", "")
    assert rust_items.test_functions(source) is not None
    assert "fn deep" in source
    assert "fn deep" not in tests
    assert source.index("struct Inner") < source.index("fn deep") < source.rindex("}")


@pytest.mark.parametrize(
    "text",
    [
        "fn a() {",
        "fn a() )",
        "fn a() { ( }",
        "fn a(}",
        "let x = 1;",
        "1",
        "#[test]",
        "fn a()",
        "pub",
        "mod a { 1 }",
        "mod a {} mod a {}",
        "const",
        "const X: u8 = 1",
        "extern",
        "#[cfg(test)] mod tests {",
    ],
)
def test_what_reads_as_no_items_is_not_divided(text: str) -> None:
    assert rust_items.divide(ITEMS, text) is None
    assert rust_items.divide(text, ITEMS) is None


def test_tests_of_a_module_that_the_other_side_lacks_cannot_be_placed() -> None:
    assert rust_items.divide("fn a() {}", ITEMS) is None


def test_a_file_without_tests_is_all_source() -> None:
    assert parts.divide("src/a.rs", b"fn a(", b"fn b(") == (b"fn b(", b"fn a(")


@pytest.mark.parametrize(
    ("attribute", "for_tests"),
    [
        ("cfg(test)", True),
        ("cfg(all(unix, test))", True),
        ("cfg(all(unix, any(test)))", True),
        ("cfg(any(test, all(test, unix)))", True),
        ("cfg(any(test, unix))", False),
        ("cfg(any())", False),
        ("cfg(not(test))", False),
        ('cfg(feature = "test")', False),
        ("cfg_attr(test, derive(Debug))", False),
        ("test", True),
        ("tokio::test", True),
        ("rstest", True),
        ("inline", False),
        ('doc = "test"', False),
        ("1", False),
    ],
)
def test_the_attributes_that_make_an_item_one_for_tests(attribute: str, for_tests: bool) -> None:
    parsed = rust_items.parse(f"#[{attribute}]\nfn a() {{}}\n")
    assert parsed is not None
    assert bool(parsed.tests) is for_tests


def test_nesting_without_end_is_not_divided() -> None:
    assert rust_items.parse("mod a { " * 3000 + "}" * 3000) is None
    assert rust_items.test_functions("#[cfg(test)] mod a { " * 3000 + "}" * 3000) is None


_PIECES = st.sampled_from(
    ["fn {n}() {{}}\n", "// {n} #[test]\n", "mod {n};\n", "struct {n};\n", 'const {n}: &str = "{{";\n']
)
_TEST_PIECES = st.sampled_from(
    [
        "#[test]\nfn {n}() {{ let c = '\"'; }}\n",
        "#[cfg(test)]\nmod {n} {{ #[test] fn t() {{}} }}\n",
        "#[cfg(test)]\nuse {n};\n",
    ]
)


def _file(sources: list[str], tests: list[str]) -> str:
    text = [piece.format(n=f"s{number}") for number, piece in enumerate(sources)]
    return "".join(text + [piece.format(n=f"t{number}") for number, piece in enumerate(tests)])


@settings(max_examples=150, deadline=None)
@given(st.lists(_PIECES), st.lists(_TEST_PIECES), st.lists(_PIECES), st.lists(_TEST_PIECES))
def test_dividing_exchanges_the_tests_and_nothing_else(
    old: list[str], old_tests: list[str], new: list[str], new_tests: list[str]
) -> None:
    before, after = _file(old, old_tests), _file(new, new_tests)
    divided = rust_items.divide(before, after)
    assert divided is not None

    def of(text: str) -> tuple[set[str], str]:
        parsed = rust_items.parse(text)
        assert parsed is not None
        rest = text
        for key in parsed.tests:
            rest = rest.replace(parsed.piece(key), "")
        return {parsed.piece(key) for key in parsed.tests}, re.sub(r"\s+", "", rest)

    source, tests = divided
    assert of(source) == (of(before)[0], of(after)[1])
    assert of(tests) == (of(after)[0], of(before)[1])


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="#[]{}()'\"/*!\\ \nabr:;,testcfgmodfn<>&", max_size=60), st.text(max_size=40))
def test_no_text_breaks_the_division(one: str, other: str) -> None:
    rust_items.divide(one, other)
    rust_items.test_functions(one)


def test_reading_a_huge_rust_file_takes_memory_by_its_size_and_no_more() -> None:
    unit = "pub fn add{0}(a: u32, b: u32) -> u32 {{ a + b }}\n#[cfg(test)]\nmod t{0} {{ #[test] fn it() {{}} }}\n"
    text = "".join(unit.format(at) for at in range(2000))
    tracemalloc.start()
    parsed = rust_items.parse(text)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert parsed is not None
    assert len(parsed.tests) == 2000
    # A token as an object of its own was 45 times its text.
    assert peak < 25 * len(text)


def test_a_stretch_of_tokens_is_read_like_a_list() -> None:
    found = rust_tokens.Tokens("fn a() { b }")
    every = list(rust_tokens.tokens("fn a() { b }"))
    assert list(found) == every
    assert len(found) == len(every)
    assert (found[0], found[-1]) == (every[0], every[-1])
    assert list(found[1:4][1:]) == every[2:4]
    assert list(found[4:1]) == []
    with pytest.raises(IndexError):
        found[1:3][2]
