"""What a diff may be, and what each file of it is. Pure."""

from __future__ import annotations

import pytest

from sandbox import tamper
from sandbox.errors import PatchRefused
from sandbox.parts import classify
from sandbox.patch import PatchPolicy, parse
from sandbox.types import Part
from tests.support.cases import FilesView

HUNK = "@@ -1 +1 @@\n-a\n+b\n"


def modified(path: str, extra: str = "") -> str:
    return f"diff --git a/{path} b/{path}\n{extra}--- a/{path}\n+++ b/{path}\n{HUNK}"


def added(path: str, mode: str = "100644") -> str:
    return f"diff --git a/{path} b/{path}\nnew file mode {mode}\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+b\n"


def test_an_empty_diff_is_an_empty_patch() -> None:
    assert parse("").is_empty
    assert parse(" \n").is_empty


def test_a_modified_file() -> None:
    (change,) = parse(modified("shelf/books.py")).changes
    assert (change.path, change.part, change.added_lines, change.removed_lines) == ("shelf/books.py", Part.SOURCE, 1, 1)
    assert not change.is_new
    assert not change.is_deleted


def test_a_plain_diff_without_git_headers() -> None:
    (change,) = parse(f"--- a/x.py\n+++ b/x.py\n{HUNK}".rstrip("\n")).changes
    assert change.path == "x.py"


def test_new_deleted_renamed_and_copied_files() -> None:
    deleted = "diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n"
    renamed = "diff --git a/old.py b/new.py\nsimilarity index 100%\nrename from old.py\nrename to new.py\n"
    copied = "diff --git a/one.py b/two.py\nsimilarity index 100%\ncopy from one.py\ncopy to two.py\n"
    new, gone, moved, copy = parse(added("n.py") + deleted + renamed + copied).changes
    assert new.is_new
    assert gone.is_deleted
    assert gone.path == "x"
    assert (moved.path, moved.renamed_from) == ("new.py", "old.py")
    assert (copy.path, copy.renamed_from, copy.is_new) == ("two.py", None, True)


def test_a_quoted_name_is_read_as_git_means_it() -> None:
    name = "caf\\303\\251.py"
    diff = f'diff --git "a/{name}" "b/{name}"\n--- "a/{name}"\n+++ "b/{name}"\n{HUNK}'
    assert parse(diff).paths() == ("café.py",)


def test_an_executable_file_is_allowed() -> None:
    assert parse(added("run.sh", "100755")).paths() == ("run.sh",)


@pytest.mark.parametrize(
    ("diff", "reason"),
    [
        (added("link", "120000"), "symbolic link"),
        (added("module", "160000"), "submodule"),
        (added("device", "100777"), "neither 644 nor 755"),
        (modified("x", "old mode 100644\nnew mode 104755\n"), "104755"),
        (modified("x", "index 1234567..89abcde 120000\n"), "symbolic link"),
        (f"--- /etc/passwd\n+++ /etc/passwd\n{HUNK}", "relative"),
        (modified("../x"), "leaves the repository"),
        (modified("x/../../y"), "leaves the repository"),
        (modified("x/./y"), "not normal"),
        (modified(".git/hooks/pre-commit"), "git's own directory"),
        (modified("x/.GIT/config"), "git's own directory"),
        (modified("git~1/config"), "git's own directory"),
        (modified(".git. /config"), "git's own directory"),
        (modified("sub/.gitattributes"), "git's own configuration"),
        (modified(".gitmodules"), "git's own configuration"),
        (modified("C:/x"), "relative"),
        (modified("a\\b"), "relative"),
        (f'--- "a/x\\ny"\n+++ "b/x\\ny"\n{HUNK}', "control character"),
        ("diff --git a/x b/x\nBinary files a/x and b/x differ\n", "binary"),
        ("diff --git a/x b/x\nindex 1..2 100644\nGIT binary patch\nliteral 1\nIcmZ\n", "binary"),
        ("diff --git a/x b/y\nrename from ../x\nrename to y\n", "leaves the repository"),
        (modified("x") + modified("x"), "twice"),
        ("hello\n", "no file header"),
        ("--- a/x\n+++ b/x\n@@ -1,9 +1 @@\n-a\n+b\n", "not a unified diff"),
        (modified("x") + "\0", "NUL"),
    ],
)
def test_what_a_patch_may_not_do(diff: str, reason: str) -> None:
    with pytest.raises(PatchRefused, match=reason):
        parse(diff)


def test_limits_of_size() -> None:
    with pytest.raises(PatchRefused, match="bytes; the limit is 10"):
        parse(modified("x"), PatchPolicy(max_bytes=10))
    with pytest.raises(PatchRefused, match="2 files; the limit is 1"):
        parse(modified("x") + modified("y"), PatchPolicy(max_files=1))


@pytest.mark.parametrize(
    ("path", "part"),
    [
        ("shelf/books.py", Part.SOURCE),
        ("django/test/client.py", Part.SOURCE),
        ("pandas/testing.py", Part.SOURCE),
        ("docs/index.rst", Part.SOURCE),
        ("tests/test_a.py", Part.TEST),
        ("tests/data/a.json", Part.TEST),
        ("test/a.py", Part.TEST),
        ("shelf/tests/helpers.py", Part.TEST),
        ("shelf/test_books.py", Part.TEST),
        ("shelf/books_test.py", Part.TEST),
        ("web/__tests__/a.js", Part.TEST),
        ("web/a.test.ts", Part.TEST),
        ("pkg/a_test.go", Part.TEST),
        ("tests/conftest.py", Part.TEST_CONFIG),
        ("pytest.ini", Part.TEST_CONFIG),
        ("pyproject.toml", Part.TEST_CONFIG),
        ("Makefile", Part.TEST_CONFIG),
        ("x.pth", Part.TEST_CONFIG),
        ("jest.config.js", Part.TEST_CONFIG),
        (".github/workflows/ci.yml", Part.CI),
        (".gitlab-ci.yml", Part.CI),
    ],
)
def test_what_a_file_is(path: str, part: Part) -> None:
    assert classify(path) is part


# --- signs in the trees ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("sitecustomize.py", ""),
        ("src/deep/usercustomize.py", ""),
        ("sitecustomize/__init__.py", ""),
        ("src/usercustomize/__init__.py", ""),
        ("evil.dist-info/entry_points.txt", "[pytest11]\nx = x\n"),
        ("src/evil.egg-info/entry_points.txt", "[pytest11]\nx = x\n"),
        ("evil.pth", "import os"),
        ("pytest.py", ""),
        ("src/pluggy/__init__.py", ""),
        ("unittest/__init__.py", ""),
        ("lib/_pytest.so", ""),
        ("pyproject.toml", '[project.entry-points.pytest11]\nx = "x"\n'),
    ],
)
def test_files_that_take_the_judge_s_place_are_signs(path: str, text: str) -> None:
    assert len(tamper.static_signs(FilesView({}), FilesView({path: text}), [path])) == 1


@pytest.mark.parametrize("path", ["shelf/pytest.py", "packaging/debian/rules", "py/notes.txt", "setup.py", "gone.py"])
def test_files_that_only_look_like_it_are_none(path: str) -> None:
    patched = FilesView({} if path == "gone.py" else {path: "x"})
    assert tamper.static_signs(FilesView({}), patched, [path]) == ()


def test_the_runner_s_own_repository_may_change_its_files() -> None:
    view = FilesView({"src/_pytest/__init__.py": "", "pyproject.toml": "[project.entry-points.pytest11]"})
    assert tamper.static_signs(view, view, list(view.paths())) == ()


def test_a_patch_that_does_more_than_it_says_is_refused() -> None:
    patch = parse(modified("a/x"))
    tamper.reached(patch, frozenset({"a/x"}), frozenset(), {})
    with pytest.raises(PatchRefused, match="without announcing"):
        tamper.reached(patch, frozenset({"a/x", "b"}), frozenset(), {})
    with pytest.raises(PatchRefused, match="symbolic link"):
        tamper.reached(patch, frozenset({"a/x"}), frozenset({"a"}), {})
    with pytest.raises(PatchRefused, match="mode 120000"):
        tamper.reached(patch, frozenset({"a/x"}), frozenset(), {"a/x": "120000"})


@pytest.mark.parametrize(
    ("path", "before", "after", "same"),
    [
        ("pyproject.toml", "[project]\nversion = '1'\n", "[project]\nversion = '2'\n", True),
        ("pyproject.toml", "", "[tool.pytest.ini_options]\naddopts = '-k x'\n", False),
        ("pyproject.toml", "[broken", "[project]", False),
        ("setup.cfg", "[metadata]\nversion=1\n", "[metadata]\nversion=2\n", True),
        ("setup.cfg", "", "[tool:pytest]\naddopts=-k x\n", False),
        ("tox.ini", "[tox]\n", "[tox]\nskipsdist=1\n", False),
        ("package.json", '{"version": "1"}', '{"version": "2"}', True),
        ("package.json", "{}", '{"scripts": {"test": "true"}}', False),
        ("pytest.ini", "[pytest]\n", "[pytest]\naddopts=-k x\n", False),
        ("setup.cfg", "no section\n", "[metadata]\n", False),
        ("setup.cfg", "[metadata]\n", "[metadata]\nname = x\v[tool:pytest]\vtestpaths = no\n", False),
        ("setup.cfg", "[metadata]\r\nname = x\r\n", "[metadata]\r\nname = y\r\n", True),
        ("package.json", "{}", "[]", False),
        ("package.json", "{}", "[" * 100_000, False),
        ("pyproject.toml", "", "tool = 3\n", False),
        ("pyproject.toml", "", "a = " + "[" * 5_000, False),
    ],
)
def test_whether_a_manifest_keeps_its_test_sections(path: str, before: str, after: str, same: bool) -> None:
    assert tamper.same_test_sections(path, before.encode(), after.encode()) is same


def test_a_new_or_deleted_manifest_does_not_keep_them() -> None:
    assert not tamper.same_test_sections("pyproject.toml", None, b"")
    assert not tamper.same_test_sections("pyproject.toml", b"", None)
