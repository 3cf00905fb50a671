"""The trees of a verification, made of one patch. Real git."""

from __future__ import annotations

from pathlib import Path

import pytest

from sandbox.errors import PatchDoesNotApply, PatchRefused
from sandbox.plumbing import run_git
from sandbox.runners import RUNNERS
from sandbox.split import Split, edited_tests, split
from sandbox.tree import GitTree, create
from sandbox.types import TestId

PYTEST = RUNNERS["pytest"]
FILES = {
    "pkg/a.py": b"x = 1\n",
    "pyproject.toml": b"[project]\nversion = '1'\n",
    "tests/conftest.py": b"",
    "tests/test_a.py": b"def test_a():\n    assert 1\n",
    "tests/data.json": b"{}\n",
    ".github/workflows/ci.yml": b"on: push\n",
}


@pytest.fixture
def base(tmp_path: Path) -> GitTree:
    return GitTree.of_files(create(tmp_path / "trees.git"), dict(FILES))


def of(base: GitTree, changed: dict[str, bytes | None], given: dict[str, bytes | None] | None = None) -> Split:
    tests = base.diff(base.with_files(given)) if given is not None else ""
    return split(base, base.diff(base.with_files(changed)), tests, PYTEST)


def test_source_and_tests_go_to_different_trees(base: GitTree) -> None:
    new_test = b"def test_b():\n    assert 2\n"
    trees = of(base, {"pkg/a.py": b"x = 2\n", "tests/test_b.py": new_test})
    assert trees.regression.read("pkg/a.py") == b"x = 2\n"
    assert trees.regression.read("tests/test_b.py") is None
    assert trees.witness.read("pkg/a.py") == b"x = 1\n"
    assert trees.witness.read("tests/test_b.py") == new_test
    assert trees.candidate.read("pkg/a.py") == b"x = 2\n"
    assert trees.candidate.read("tests/test_b.py") == new_test
    assert trees.test_files == ("tests/test_b.py",)
    assert trees.has_witness
    assert trees.ignored_test_edits == ()


def test_configuration_and_ci_stay_as_in_base(base: GitTree) -> None:
    trees = of(base, {"tests/conftest.py": b"x", ".github/workflows/ci.yml": b"off", "pkg/a.py": None})
    for tree in (trees.regression, trees.candidate):
        assert tree.read("tests/conftest.py") == b""
        assert tree.read(".github/workflows/ci.yml") == b"on: push\n"
    assert trees.regression.read("pkg/a.py") is None
    assert trees.flagged_paths == (".github/workflows/ci.yml", "tests/conftest.py")
    assert not trees.has_witness


def test_a_manifest_counts_as_source_while_its_test_sections_stay(base: GitTree) -> None:
    bumped = of(base, {"pyproject.toml": b"[project]\nversion = '2'\n"})
    assert bumped.regression.read("pyproject.toml") == b"[project]\nversion = '2'\n"
    assert bumped.flagged_paths == ("pyproject.toml",)
    reaching = of(base, {"pyproject.toml": b"[project]\nversion = '2'\n[tool.pytest.ini_options]\naddopts = '-k no'\n"})
    assert reaching.regression == base


def test_edits_of_existing_tests_are_named(base: GitTree) -> None:
    trees = of(base, {"tests/test_a.py": b"def test_a():\n    pass\n", "tests/data.json": None})
    assert trees.ignored_test_edits == ("tests/data.json", "tests/test_a.py::test_a")
    tests = [TestId("tests/test_a.py::test_a"), TestId("tests/test_z.py::test_a")]
    assert edited_tests(trees, PYTEST, tests) == {tests[0]}


def test_adding_a_test_to_an_existing_file_edits_nothing(base: GitTree) -> None:
    trees = of(base, {"tests/test_a.py": FILES["tests/test_a.py"] + b"\ndef test_b():\n    assert 1\n"})
    assert trees.ignored_test_edits == ()
    assert trees.test_files == ("tests/test_a.py",)


def test_given_tests_replace_the_patch_s_own(base: GitTree) -> None:
    own = {"pkg/a.py": b"x = 2\n", "tests/test_a.py": b"def test_a():\n    pass\n", "tests/test_own.py": b""}
    trees = of(base, own, {"tests/test_a.py": b"def test_a():\n    assert 2\n"})
    assert trees.candidate.read("tests/test_a.py") == b"def test_a():\n    assert 2\n"
    assert trees.candidate.read("tests/test_own.py") is None
    assert trees.ignored_test_edits == ("tests/test_a.py", "tests/test_own.py")
    assert trees.touched_files == {"tests/test_a.py"}


def test_given_tests_of_supporting_files_alone_run_everything(base: GitTree) -> None:
    trees = of(base, {"pkg/a.py": b"x = 2\n"}, {"tests/data.json": b"[]\n"})
    assert trees.has_witness
    assert trees.test_files == ()


def test_signs_and_refusals_come_from_the_trees_too(base: GitTree) -> None:
    assert of(base, {"sitecustomize.py": b""}).signs
    with pytest.raises(PatchDoesNotApply):
        split(base, "--- a/pkg/a.py\n+++ b/pkg/a.py\n@@ -1 +1 @@\n-y\n+z\n", "", PYTEST)


def test_a_patch_through_a_symbolic_link_of_base_is_refused(base: GitTree) -> None:
    blob = run_git(base.git_dir, "hash-object", "-w", "--stdin", stdin=b"/etc").decode().strip()
    listing = f"120000 blob {blob}\tlink\n".encode()
    linked = GitTree(base.git_dir, run_git(base.git_dir, "mktree", stdin=listing).decode().strip())
    with pytest.raises(PatchRefused, match="symbolic link"):
        split(linked, "--- /dev/null\n+++ b/link/passwd\n@@ -0,0 +1 @@\n+x\n", "", PYTEST)


RED, GREEN = b"def test_a():\n    assert 0\n", b"def test_a():\n    assert 1\n"


@pytest.mark.parametrize(
    ("runner", "path", "before", "after"),
    [
        ("pytest", "pkg/check_a.py", RED, GREEN),
        ("unittest", "testa.py", b"class A:\n    def test_a(self):\n        assert 0\n", b"class A:\n    pass\n"),
        ("pytest", "pkg/test/compare.py", b"def same(a, b):\n    assert a == b\n", b"def same(a, b):\n    pass\n"),
    ],
)
def test_an_edit_of_what_the_repository_names_a_test_never_reaches_base_s_tests(
    tmp_path: Path, runner: str, path: str, before: bytes, after: bytes
) -> None:
    files = {"pytest.ini": b"[pytest]\npython_files = check_*.py test_*.py\n", "pkg/a.py": b"x = 1\n", path: before}
    files["pkg/test/test_it.py"] = RED
    tree = GitTree.of_files(create(tmp_path / "trees.git"), dict(files))
    diff = tree.diff(tree.with_files({path: after, "pkg/a.py": b"x = 2\n"}))
    trees = split(tree, diff, "", RUNNERS[runner])
    assert trees.regression.read(path) == before
    assert trees.source_paths == ("pkg/a.py",)


def test_a_new_file_that_only_the_repository_s_own_pattern_makes_a_test_is_a_witness(tmp_path: Path) -> None:
    files = {"pytest.ini": b"[pytest]\npython_files = check_*.py\n", "a.py": b"x = 1\n"}
    tree = GitTree.of_files(create(tmp_path / "trees.git"), dict(files))
    trees = split(tree, tree.diff(tree.with_files({"check_new.py": RED, "a.py": b"x = 2\n"})), "", PYTEST)
    assert trees.test_files == ("check_new.py",)
    assert trees.regression.read("check_new.py") is None


def test_a_patch_s_own_configuration_does_not_say_what_a_test_is(tmp_path: Path) -> None:
    tree = GitTree.of_files(create(tmp_path / "trees.git"), {"a.py": b"x = 1\n"})
    added = {"pytest.ini": b"[pytest]\npython_files = check_*.py\n", "check_new.py": RED}
    trees = split(tree, tree.diff(tree.with_files(added)), "", PYTEST)
    assert trees.source_paths == ("check_new.py",)
    assert not trees.has_witness


def test_source_stays_source_where_every_module_is_collected(tmp_path: Path) -> None:
    files = {"pytest.ini": b"[pytest]\npython_files = *.py\n", "pkg/test/runner.py": b"y = 1\n", "pkg/a.py": b"x = 1\n"}
    tree = GitTree.of_files(create(tmp_path / "trees.git"), dict(files))
    changed = {"pkg/a.py": b"x = 2\n", "pkg/test/runner.py": b"y = 2\n", "pkg/test/more.py": b"z = 2\n"}
    diff = tree.diff(tree.with_files(changed))
    assert split(tree, diff, "", PYTEST).source_paths == ("pkg/a.py", "pkg/test/more.py", "pkg/test/runner.py")


def test_what_base_s_configuration_loads_stays_base_s_whatever_its_name(tmp_path: Path) -> None:
    files = {"jest.config.js": b"module.exports = { globalSetup: './scripts/env.js' };\n", "scripts/env.js": b"1;\n"}
    base = GitTree.of_files(create(tmp_path / "js.git"), {**files, "src/a.js": b"1;\n"})
    changed: dict[str, bytes | None] = {"scripts/env.js": b"2;\n", "src/a.js": b"2;\n"}
    trees = split(base, base.diff(base.with_files(changed)), "", RUNNERS["jest"])
    assert trees.candidate.read("scripts/env.js") == b"1;\n"
    assert trees.candidate.read("src/a.js") == b"2;\n"
    assert trees.flagged_paths == ("scripts/env.js",)
