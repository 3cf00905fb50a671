"""Files that hold source and tests, in the trees of a verification. Real git."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.runners import RUNNERS
from sandbox.split import Split, edited_tests, split
from sandbox.tree import GitTree, create
from sandbox.types import TestId

CARGO = RUNNERS["cargo"]
LIB = """pub fn one() -> u32 {
    2
}

#[cfg(test)]
mod tests {
    #[test]
    fn two() {}
}
"""
NEW = "    #[test]\n    fn one() { assert_eq!(super::one(), 1); }\n"
FIXED = LIB.replace("    2\n", "    1\n")
TESTED = LIB.replace("mod tests {\n", f"mod tests {{\n{NEW}")
BOTH = FIXED.replace("mod tests {\n", f"mod tests {{\n{NEW}")


@pytest.fixture
def base(tmp_path: Path) -> GitTree:
    files = {"Cargo.toml": b'[package]\nname = "a"\nversion = "1.0.0"\n', "src/lib.rs": LIB.encode()}
    return GitTree.of_files(create(tmp_path / "trees.git"), files)


def of(base: GitTree, lib: str | None, given: str = "", **more: str) -> Split:
    files = {path.replace("__", "/") + ".rs": text.encode() for path, text in more.items()}
    patched = base.with_files({"src/lib.rs": lib.encode() if lib is not None else None, **files})
    tests = base.diff(base.with_files({"src/lib.rs": given.encode()})) if given else ""
    return split(base, base.diff(patched), tests, CARGO)


def texts(trees: Split, path: str = "src/lib.rs") -> tuple[str, str, str]:
    regression, witness, candidate = (
        (tree.read(path) or b"").decode() for tree in (trees.regression, trees.witness, trees.candidate)
    )
    return regression, witness, candidate


def test_a_fix_with_its_test_in_one_file_is_taken_apart(base: GitTree) -> None:
    trees = of(base, BOTH)
    assert texts(trees) == (FIXED, TESTED, BOTH)
    assert trees.test_files == ("src/lib.rs",)
    assert trees.has_witness
    assert (trees.source_paths, trees.rewritten_files, trees.notes) == (("src/lib.rs",), frozenset(), ())
    assert trees.ignored_test_edits == ()


def test_a_fix_without_tests_is_source(base: GitTree) -> None:
    trees = of(base, FIXED)
    assert texts(trees) == (FIXED, LIB, FIXED)
    assert not trees.has_witness
    assert trees.rewritten_files == frozenset()


def test_new_tests_alone_are_no_source(base: GitTree) -> None:
    trees = of(base, TESTED)
    assert texts(trees) == (LIB, TESTED, TESTED)
    assert trees.source_paths == ()
    assert trees.regression == base


def test_an_edited_unit_test_runs_in_base_s_version_and_is_listed(base: GitTree) -> None:
    trees = of(base, FIXED.replace("#[test]\n    fn two", "#[test]\n    #[ignore]\n    fn two"))
    assert texts(trees)[0] == FIXED
    assert trees.ignored_test_edits == ("src/lib.rs::tests::two",)
    found = edited_tests(trees, CARGO, [TestId("src/lib.rs::tests::two"), TestId("src/lib.rs::tests::one")])
    assert found == {"src/lib.rs::tests::two"}


def test_what_cannot_be_divided_is_source_and_said_so(base: GitTree) -> None:
    broken = BOTH + "mystery\n"
    trees = of(base, broken)
    assert texts(trees) == (broken, LIB, broken)
    assert trees.rewritten_files == {"src/lib.rs"}
    assert trees.notes == ("src/lib.rs: what of it is tests cannot be told, so its tests ran as the patch has them",)


def test_a_deleted_file_is_source(base: GitTree) -> None:
    trees = of(base, None)
    assert trees.regression.read("src/lib.rs") is None
    assert trees.notes == ()


def test_a_new_file_s_tests_are_witnesses(base: GitTree) -> None:
    trees = of(base, LIB, src__more="pub fn more() {}\n#[test]\nfn tested() {}\n")
    regression, witness, candidate = texts(trees, "src/more.rs")
    assert regression.strip() == "pub fn more() {}"
    assert witness.strip() == "#[test]\nfn tested() {}"
    assert candidate == "pub fn more() {}\n#[test]\nfn tested() {}\n"
    assert trees.test_files == ("src/more.rs",)


def test_given_tests_meet_the_patch_s_source_in_one_file(base: GitTree) -> None:
    own = FIXED.replace("fn two() {}", "fn two() { panic!() }")
    trees = of(base, own, given=TESTED)
    assert texts(trees) == (FIXED, TESTED, BOTH)
    assert trees.ignored_test_edits == ("src/lib.rs",)
    assert trees.touched_files == {"src/lib.rs"}


def test_given_tests_of_a_file_that_cannot_be_divided_are_taken_as_they_are(base: GitTree) -> None:
    odd = TESTED + "mystery\n"
    assert texts(of(base, FIXED, given=odd)) == (FIXED, odd, odd)
