"""New modules that answer in the place of installed ones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from sandbox.shadows import Shadows, imported, shadows
from tests.support.cases import FilesView

BASE = {
    "pkg/__init__.py": "",
    "pkg/core.py": "",
    "pyproject.toml": '[project]\nname = "pkg"\n[dependency-groups]\ndev = ["pytest-httpx>=0.3", "PyYAML", "attrs"]\n',
    "tests/test_core.py": (
        "import json\nimport attrs\nimport numpy as np\nfrom numpy.testing import assert_allclose\n"
        "from hypothesis import given\nimport click\nfrom assertpy.assertpy import assert_that\nimport newone\n"
    ),
}
"""Its tests are in no package: their directory is on the search path."""


def found(added: Iterable[str], base: Mapping[str, str] = BASE) -> Shadows:
    return shadows(FilesView(base), added, lambda paths: None)


@pytest.mark.parametrize(
    "path",
    [
        "hypothesis.py",
        "hypothesis/__init__.py",
        "src/hypothesis.py",
        "hypothesis.cpython-311-x86_64-linux-gnu.so",
        "tests/hypothesis.py",
        "tests/assertpy/__init__.py",
        "numpy/__init__.py",
        "pytest_httpx.py",
        "pytest_httpx/__init__.py",
    ],
)
def test_a_module_in_the_place_of_what_bases_tests_assert_with_is_refused(path: str) -> None:
    result = found(["pkg/new.py", path])
    assert len(result.refused) == 1
    assert result.refused[0].startswith(f"{path}: takes the place of ")
    assert result.seen == ()


@pytest.mark.parametrize("path", ["json.py", "src/json/__init__.py", "attrs.py", "tests/attrs.py"])
def test_a_module_in_the_place_of_any_other_that_bases_tests_import_is_shown(path: str) -> None:
    result = found([path])
    assert result.refused == ()
    assert len(result.seen) == 1
    assert result.seen[0].startswith(f"{path}: answers in the place of the installed ")


@pytest.mark.parametrize(
    "path",
    [
        "helper.py",
        "newone.py",
        "newone/__init__.py",
        "faker.py",
        "queue.py",
        "pytest_other.py",
        "pkg/hypothesis.py",
        "pkg/json.py",
        "numpy/testing.py",
        "hypothesis/strategies.py",
        "hypothesis/sub/__init__.py",
        "hypothesis.md",
        "other/hypothesis.py",
        "tests/test_new.py",
    ],
)
def test_an_ordinary_new_module_is_no_sign(path: str) -> None:
    assert found([path]) == Shadows()


def test_what_base_has_at_such_a_place_is_its_own() -> None:
    assert found(["src/hypothesis.py"], {**BASE, "hypothesis.py": ""}) == Shadows()
    assert found(["hypothesis.py"], {**BASE, "tests/hypothesis/__init__.py": ""}) == Shadows()


@pytest.mark.parametrize("directory", ["tests", "checks"])
def test_a_directory_of_tests_may_become_a_package(directory: str) -> None:
    text = f"from {directory}.test_utils import x\n"
    base = {f"{directory}/test_utils.py": "x = 1\n", f"{directory}/test_a.py": text, "tox.ini": f"pytest {directory}\n"}
    assert found([f"{directory}/__init__.py"], base) == Shadows()


def test_what_base_has_elsewhere_may_be_moved_and_is_shown() -> None:
    result = found(["hypothesis.py"], {**BASE, "tools/vendor/hypothesis.py": ""})
    assert result.refused == ()
    assert len(result.seen) == 1


def test_the_plugin_that_a_repository_is_may_come_to_be() -> None:
    manifest = '[project]\nname = "pytest-httpx"\n[project.urls]\nhome = "https://example.org/pytest-httpx"\n'
    assert found(["pytest_httpx.py"], {**BASE, "pyproject.toml": manifest}) == Shadows()
    assert found(["pytest_httpx.py"], {**BASE, "pyproject.toml": ""}) == Shadows()
    linked = '[project.urls]\nhome = "https://example.org/pytest-httpx"\n'
    assert found(["pytest_httpx.py"], {**BASE, "pyproject.toml": linked}) == Shadows()


@pytest.mark.parametrize("path", ["requirements-dev.txt", "requirements/test.in", "tox.ini", "environment.yml"])
def test_plugins_are_asked_for_in_many_files(path: str) -> None:
    assert found(["pytest_x_y.py"], {"tests/test_a.py": "", path: "a\npytest-x.y\n"}).refused
    assert not found(["pytest_x_y.py"], {"tests/test_a.py": "", path: "a\npytest-x-y-z\n"}).refused


def test_tests_in_a_package_put_the_directory_above_it_on_the_search_path() -> None:
    inside = {**BASE, "tests/__init__.py": ""}
    assert found(["tests/hypothesis.py"], inside) == Shadows()
    deep = {"a/b/__init__.py": "", "a/b/test_x.py": "import hypothesis\n"}
    assert found(["a/hypothesis.py"], deep).refused


def test_a_patch_may_not_make_the_directory_one_of_tests_itself() -> None:
    base = {**BASE, "other/data.txt": ""}
    assert found(["other/hypothesis.py"], base) == Shadows()
    assert found(["other/hypothesis.py", "other/test_new.py"], base).refused


def test_imports_are_read_in_every_form() -> None:
    assert imported("from numpy import testing", "numpy") == {"numpy.testing"}
    assert imported("import numpy.testing as t, numpyro", "numpy") == {"numpy.testing"}
    assert imported("from . import numpy", "numpy") == frozenset()
    assert imported("from .numpy import x", "numpy") == frozenset()
    assert imported("x = 'json'", "json") == frozenset()
    assert imported("pytest_plugins = ['pytest_httpx']", "pytest_httpx") == {"pytest_httpx"}
    assert imported("mock = pytest.importorskip('mock')", "mock") == {"mock"}
    assert imported("nothing", "numpy") == frozenset()


def test_a_file_of_another_python_is_read_by_its_lines() -> None:
    text = "print 'x'\nimport numpy\nfrom numpy.testing import x\nimport numpyro\n"
    assert imported(text, "numpy") == {"numpy", "numpy.testing"}


def test_only_text_that_could_matter_is_read() -> None:
    asked: list[str] = []
    shadows(FilesView(BASE), ["pkg/new.py", "README.md"], asked.extend)
    assert asked == []
    shadows(FilesView(BASE), ["hypothesis.py"], asked.extend)
    assert sorted(asked) == ["pyproject.toml", "tests/test_core.py"]
