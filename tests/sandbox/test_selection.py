"""Which test files reach what a patch changes. Pure."""

from __future__ import annotations

import pytest

from sandbox.selection import importers, select
from tests.support.cases import FilesView

FILES = {
    "src/shelf/__init__.py": "from . import keys\n",
    "src/shelf/books.py": "from .keys import title_key\n",
    "src/shelf/keys.py": "",
    "src/shelf/loans.py": "import datetime\n",
    "src/shelf/deep/__init__.py": "",
    "src/shelf/deep/far.py": "from ..loans import due\nfrom ... import nothing\n",
    "tests/conftest.py": "import shelf.loans\n",
    "tests/test_books.py": "from shelf.books import by_title\n",
    "tests/unit/test_far.py": "import shelf.deep.far as far\n",
    "tests/unit/test_named.py": "NAME = 'shelf.deep.far.due'\n",
    "other/test_alone.py": "import os\n",
    "other/test_broken.py": "import shelf.books (\n",
    "setup.py": "from . import nothing\n",
    "README.md": "shelf\n",
}
TESTS = [path for path in sorted(FILES) if "/test_" in path]


def test_imports_are_followed_through_the_tree() -> None:
    found = select(FilesView(FILES), TESTS, ["src/shelf/books.py"])
    assert found.files == ("tests/test_books.py",)
    assert found.by_imports
    assert found.sentence(5) == ("the 1 of 5 test files that import what the patch changes, directly or not, were run.")


def test_a_package_runs_its_own_module_first() -> None:
    """`shelf/__init__.py` imports `keys`: whoever imports anything of `shelf` reaches it."""
    found = importers(FilesView(FILES), ["src/shelf/keys.py"])
    assert {"tests/test_books.py", "tests/unit/test_far.py", "tests/unit/test_named.py"} <= found
    assert "other/test_alone.py" not in found


def test_conftest_is_imported_by_every_file_below_it() -> None:
    found = select(FilesView(FILES), TESTS, ["src/shelf/loans.py"])
    assert found.files == ("tests/test_books.py", "tests/unit/test_far.py", "tests/unit/test_named.py")


def test_relative_imports_and_names_in_strings_count() -> None:
    found = select(FilesView(FILES), TESTS, ["src/shelf/deep/far.py"])
    assert found.files == ("tests/unit/test_far.py", "tests/unit/test_named.py")


def test_a_module_that_the_patch_adds_is_reached_by_those_that_ask_for_it() -> None:
    view = FilesView({"test_a.py": "import new\n", "test_b.py": "import os\n"})
    assert select(view, ["test_a.py", "test_b.py"], ["new.py"]).files == ("test_a.py",)


def test_of_modules_of_one_name_the_one_beside_is_meant() -> None:
    files = {"a/util.py": "", "b/util.py": "", "a/test_a.py": "import util\n", "b/test_b.py": "import util\n"}
    assert select(FilesView(files), ["a/test_a.py", "b/test_b.py"], ["a/util.py"]).files == ("a/test_a.py",)


@pytest.mark.parametrize(
    ("changed", "files"),
    [
        (["src/shelf/deep/far.c"], ("tests/unit/test_far.py", "tests/unit/test_named.py")),
        (["Makefile", "src/shelf/__init__.py"], ("other/test_broken.py", "tests/test_books.py")),
        (["__init__.py"], ()),
        ([], ()),
    ],
)
def test_where_imports_say_nothing_names_are_looked_for(changed: list[str], files: tuple[str, ...]) -> None:
    found = select(FilesView(FILES), TESTS, changed)
    assert not found.by_imports
    assert set(files) <= set(found.files)
    assert bool(files) == bool(found.files)
    assert "name a changed module" in found.sentence(2)


def test_where_everything_imports_the_change_names_are_looked_for() -> None:
    files = {"a.py": "", "test_a.py": "import a\n", "test_b.py": "from test_a import *\n"}
    found = select(FilesView(files), ["test_a.py", "test_b.py"], ["a.py"])
    assert (found.files, found.by_imports) == (("test_a.py",), False)
