"""Which Python a repository wants. Pure."""

from __future__ import annotations

import pytest

from sandbox.buildpacks import detect, python
from sandbox.buildpacks.python_version import choose
from tests.support.cases import FilesView

PYPROJECT = "[project]\nname = 'x'\nrequires-python = '{}'\n"


def chosen(files: dict[str, str], as_of: str = "") -> str:
    return choose(FilesView(files), as_of).version


@pytest.mark.parametrize(
    ("specifier", "version"),
    [
        (">=3.8", ""),
        ("", ""),
        (">=3.6,<3.10", "3.9"),
        ("<3.11", "3.10"),
        ("<=3.9", "3.8"),
        ("==3.9.*", "3.9"),
        ("~=3.12", "3.12"),
        (">=3.12", "3.12"),
        (">=3.13,!=3.13.*", "3.14"),
        ("<3", "2.7"),
        (">=2.7, !=3.0.*, !=3.1.*", ""),
        ("nonsense", ""),
        (">=9", ""),
    ],
)
def test_what_is_required_is_met_with_the_base_s_own_where_that_will_do(specifier: str, version: str) -> None:
    assert chosen({"pyproject.toml": PYPROJECT.format(specifier)}) == version


@pytest.mark.parametrize(
    "files",
    [
        {"pyproject.toml": "[tool.poetry.dependencies]\npython = '~3.9'\n"},
        {"pyproject.toml": "[tool.flit.metadata]\nrequires-python = '==3.9.*'\n"},
        {"setup.cfg": "[options]\npython_requires = >=3.6, <3.10\n"},
        {"setup.py": "setup(python_requires='>=3.6,<3.10')"},
        {"setup.py": "WANTED = '<3.10'\nOTHER = f()\nsetup(python_requires=WANTED)"},
        {".python-version": "3.9.18\n"},
        {".python-version": "system\n", "runtime.txt": "python-3.9.1\n"},
    ],
)
def test_every_place_that_says_so_is_read(files: dict[str, str]) -> None:
    assert chosen(files) == "3.9"


@pytest.mark.parametrize(
    "files",
    [
        {},
        {"setup.py": "setup(python_requires=f())"},
        {"setup.py": "setup(python_requires=WANTED)"},
        {"setup.py": "setup("},
        {"setup.py": "setup(name='x')"},
        {"setup.cfg": "python_requires = <3.10\n"},
        {"pyproject.toml": "project = 3\ntool = 3\n"},
        {"pyproject.toml": "[tool.poetry]\ndependencies = 3\n[tool.flit]\nmetadata = 3\n"},
        {".python-version": "3.11\n"},
        {".python-version": "3.99\n"},
        {".python-version": "3.9.18\n", "pyproject.toml": PYPROJECT.format(">=3.8")},
        {"tox.ini": "[tox]\nenvlist = py36\n"},
    ],
)
def test_else_the_base_s_own_is_taken(files: dict[str, str]) -> None:
    assert chosen(files) == ""


CLASSIFIED = "setup(python_requires='>=3.5', classifiers=['Programming Language :: Python :: {}'])"


@pytest.mark.parametrize(
    ("files", "as_of", "version"),
    [
        ({}, "2019-05-01", "3.7"),
        ({}, "2020-12-01", "3.8"),
        ({}, "2021-04-05T10:00:00Z", "3.9"),
        ({}, "2023-06-01", ""),
        ({}, "2030-01-01", "3.14"),
        ({}, "2012-01-01", "3.6"),
        ({}, "2001-01-01", "3.14"),
        ({"setup.py": CLASSIFIED.format("3.8")}, "2022-12-01", "3.8"),
        ({"setup.py": CLASSIFIED.format("3.4")}, "2022-12-01", "3.10"),
        ({"pyproject.toml": PYPROJECT.format("<3.10")}, "2023-12-01", "3.9"),
        ({"pyproject.toml": PYPROJECT.format("<3")}, "2015-12-01", "2.7"),
        ({"tox.ini": "[tox]\nenvlist = py{36, 37}, pypy, lint, py3{5,8}-x\n"}, "2022-12-01", "3.8"),
        ({"tox.ini": "[testenv]\nbasepython = python3.7\n"}, "2022-12-01", "3.7"),
    ],
)
def test_an_old_commit_gets_the_python_of_its_time(files: dict[str, str], as_of: str, version: str) -> None:
    assert chosen(files, as_of) == version


def test_the_reason_names_the_file_and_the_day() -> None:
    assert choose(FilesView({"setup.py": CLASSIFIED.format("3.8")}), "2022-12-01").evidence == (
        "setup.py: Python >=3.5; setup.py: classifiers; the commit is of 2022-12-01, so Python 3.8."
    )
    assert choose(FilesView({"pyproject.toml": PYPROJECT.format(">=9")})).evidence == (
        "pyproject.toml asks for Python >=9, which is none that is known."
    )


def test_a_plan_is_put_back_to_a_day() -> None:
    view = FilesView({"setup.py": CLASSIFIED.format("3.8"), "test_x.py": ""})
    plan = detect(view)
    assert plan is not None
    assert plan.toolchains == ()
    old = python.at(plan, view, "2021-06-01T12:00:00+02:00")
    assert (old.as_of, old.toolchains) == ("2021-06-01", ("python@3.8",))
    assert old.evidence[-1] == "Packages as the index had them on 2021-06-01."
    assert python.at(old, view, "2022-01-01").toolchains == ("python@3.8",)
    assert python.at(old, FilesView({}), "2023-06-01").toolchains == ()
