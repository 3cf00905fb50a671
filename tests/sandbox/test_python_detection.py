"""What tox and nox say of a test environment, what tests use undeclared, and versions without tags. Pure."""

from __future__ import annotations

import pytest

from sandbox.buildpacks import python, python_runner, requirements, tox, undeclared
from sandbox.runners import pytest_config
from sandbox.types import EnvironmentPlan
from tests.support.cases import FilesView


def plan_of(files: dict[str, str]) -> EnvironmentPlan:
    plan = python.detect(FilesView(files))
    assert plan is not None
    return plan


def optional(files: dict[str, str]) -> list[str]:
    return [" ".join(command[5:]) for command in plan_of(files).optional_install]


# --- tox ---------------------------------------------------------------------------------------------------------


TOX = """
[tox]
envlist = py
[base]
deps =
    attrs
    {[more]deps}
[more]
deps = {[base]deps}
[testenv]
deps =
    pytest  # the runner
    # a comment
    -r{toxinidir}/requirements-tox.txt
    py37: old
    !lint: hypothesis
    py311-cov, lint: never
    {[base]deps}
    {env:WHICH:mock}
    {posargs}
    -e git+https://elsewhere/x
extras =
    testing
    more
dependency_groups = unit
setenv =
    ROOT = {toxinidir}/data
    WHO = {env:WHO:nobody}
    UNKNOWN = {envtmpdir}
    PATH = /nowhere
    COVERAGE_FILE = x
    API_TOKEN = x
    not a name = x
commands = pytest {posargs}
"""


def test_tox_s_own_environment_is_read_as_tox_would() -> None:
    found = tox.read(FilesView({"tox.ini": TOX}))
    assert found is not None
    assert found.deps == (
        "pytest", "-r./requirements-tox.txt", "hypothesis", "attrs", "mock", "{posargs}", "-e git+https://elsewhere/x",
    )  # fmt: skip
    assert (found.extras, found.groups, found.commands) == (("testing", "more"), ("unit",), ("pytest {posargs}",))
    assert found.env == (("ROOT", "/work/repo/data"), ("WHO", "nobody"))


def test_tox_s_words_are_in_the_plan() -> None:
    pyproject = "[project]\nname='x'\n[dependency-groups]\nunit = ['pretend']\n"
    plan = plan_of({"tox.ini": TOX, "requirements-tox.txt": "", "pyproject.toml": pyproject})
    assert [" ".join(command[5:]) for command in plan.optional_install] == [
        "-e .[testing,more]",
        "pytest hypothesis attrs mock -r requirements-tox.txt",
        "pretend",
    ]
    assert plan.env == (("ROOT", "/work/repo/data"), ("WHO", "nobody"))
    assert plan.manifests == ("pyproject.toml", "requirements-tox.txt", "tox.ini")
    assert (plan.runner, plan.evidence[-1]) == ("pytest", "tox.ini: its commands run pytest.")


@pytest.mark.parametrize(
    ("text", "deps", "commands"),
    [
        ("", (), ()),
        ("[tox]\n", (), ()),
        ("no section", (), ()),
        ("[testenv:lint]\ndeps = ruff\n", (), ()),
        ("[testenv]\nextras = {[x]y}\n[testenv:py]\ndeps = a\n", ("a",), ()),
        ("[testenv]\ndeps = a\n[testenv:test]\ncommands = python -m unittest\n", ("a",), ("python -m unittest",)),
        ("[testenv:py3]\ncommands = pytest\n", (), ("pytest",)),
    ],
)
def test_of_tox_s_sections_the_plain_one_counts_or_what_stands_in_for_it(
    text: str, deps: tuple[str, ...], commands: tuple[str, ...]
) -> None:
    found = tox.read(FilesView({"tox.ini": text}))
    assert found is not None
    assert (found.deps, found.commands) == (deps, commands)
    assert not found.extras
    assert bool(found.wanted()) == bool(deps)


def test_tox_s_other_files() -> None:
    assert tox.read(FilesView({"pyproject.toml": "[tool.other]\n"})) is None
    old = tox.read(FilesView({"pyproject.toml": "[tool.tox]\nlegacy_tox_ini = '''\n[testenv]\ndeps = a\n'''\n"}))
    assert old is not None
    assert (old.path, old.deps) == ("pyproject.toml", ("a",))
    native = """
[env_run_base]
deps = ["pytest>=8", "-r x.txt", {replace = "posargs"}]
extras = ["test"]
dependency_groups = "one"
commands = [["pytest", {replace = "posargs"}], "odd"]
set_env = {A = "1", B = 2, C = "{env_tmp_dir}"}
"""
    new = tox.read(FilesView({"tox.toml": native}))
    assert new is not None
    assert (new.deps, new.extras, new.groups, new.env) == (("pytest>=8", "-r x.txt"), ("test",), (), (("A", "1"),))
    assert new.commands[0].startswith("pytest ")
    assert [want.files for want in new.wanted()] == [(), ("x.txt",)]


def test_nox_is_asked_where_nothing_else_says_it() -> None:
    text = """
import nox

@nox.session(python=["3.9"])
def unit_tests(session):
    session.install("-r", "./requirements/unit.txt", "pretend", "nox", ".[one, two]", *more, name)
    session.install("-e", ".", "-c", "constraints.txt", "attrs")
    session.run("pytest")

@nox.session
def lint(session):
    session.install("ruff")

def test_not_a_session(session):
    session.install("x")

@nox.session
def test_nothing(session):
    pass

@nox.session
def test_missing(session):
    session.install("-r", "gone.txt")
"""
    files = {"noxfile.py": text, "setup.py": "", "requirements/unit.txt": ""}
    assert optional(files) == ["-e .[one,two]", "pretend attrs -r requirements/unit.txt"]
    assert "noxfile.py" in plan_of(files).manifests
    assert optional({**files, "requirements-test.txt": "x"}) == ["-r requirements-test.txt"]
    assert tox.of_nox("def (") == []


# --- the runner --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "runner"),
    [("pytest -q", "pytest"), ("py.test x", "pytest"), ("python -m unittest", "unittest"), ("make check", "pytest")],
)
def test_tox_s_commands_say_what_runs_the_tests(command: str, runner: str) -> None:
    files = {"tox.ini": f"[testenv]\ncommands = {command}\n", "conftest.py": ""}
    assert plan_of(files).runner == runner


def test_requirements_files_are_read_for_the_runner() -> None:
    files = {"requirements-dev.txt": "a\npytest-mock==1 \\\n  --hash=sha256:00\n", "test_a.py": "import unittest\n"}
    assert plan_of(files).evidence[-1] == "requirements-dev.txt: what the tests need: pytest is among them."
    text = "# a\n-r other.txt\n./local\n../up\nx @ https://y\nb>=1 # why\nc; python_version<'3'\nhttps://z\n"
    assert requirements.lines_of_file(text) == ("b>=1", "c; python_version<'3'")


def test_only_some_modules_are_read_to_see_what_they_import() -> None:
    view = FilesView({f"test_{number:03}.py": "" for number in range(99)})
    assert len(list(python_runner.read_tests(view, list(view.paths())))) == 60


def test_unittest_is_no_choice_where_its_discovery_finds_nothing() -> None:
    plan = plan_of({"x/test/api_test.py": "import unittest\n"})
    assert plan.runner == "pytest"
    assert plan.evidence == ("x/test/api_test.py: unittest's discovery would not find it, pytest's does.",)


def test_projects_in_directories_of_their_own_are_installed() -> None:
    files = ("python/setup.py", "python/pyproject.toml", "python/sub/setup.py", "libs/b/setup.py", "docs/setup.py",
             "a/b/c/setup.py", "python/test_a.py")  # fmt: skip
    plan = plan_of(dict.fromkeys(files, ""))
    assert optional(dict.fromkeys(files, "")) == ["-e ./libs/b", "-e ./python"]
    assert plan.manifests == ("libs/b/setup.py", "python/pyproject.toml")
    assert "python/pyproject.toml: a project in a directory of its own, editable." in plan.evidence
    assert optional({**dict.fromkeys(files, ""), "setup.py": ""}) == []


# --- what is used and not declared -------------------------------------------------------------------------------


def tools(files: dict[str, str], *declared: str, runs_pytest: bool = True) -> list[str]:
    view = FilesView(files)
    found = undeclared.tools(view, list(view.paths()), pytest_config.read(view), declared, pytest=runs_pytest)
    return [tool.distribution for tool in found]


@pytest.mark.parametrize(
    ("config", "distribution"),
    [
        ("asyncio_mode = auto", "pytest-asyncio"),
        ("DJANGO_SETTINGS_MODULE = x", "pytest-django"),
        ("timeout = 30", "pytest-timeout"),
        ("addopts = --timeout=5 -q", "pytest-timeout"),
        ("addopts = --ds=x", "pytest-django"),
    ],
)
def test_a_configuration_s_own_words_name_its_plugins(config: str, distribution: str) -> None:
    assert tools({"pytest.ini": f"[pytest]\n{config}\n"}) == [distribution]
    assert tools({"pytest.ini": f"[pytest]\n{config}\n"}, f"{distribution.replace('-', '_').upper()}[x]>=1") == []
    assert tools({"pytest.ini": f"[pytest]\n{config}\n"}, runs_pytest=False) == []


@pytest.mark.parametrize(
    ("source", "distributions"),
    [
        ("def test_a(mocker: MockerFixture, tmp_path, x=1): ...", ["pytest-mock"]),
        ("class TestA:\n    async def test_a(self, httpx_mock): ...", ["pytest-httpx"]),
        ("def helper(mocker): ...", []),
        ("@pytest.fixture\ndef mocker(): ...\ndef test_a(mocker): ...", []),
        ("@pytest.fixture(name='mocker')\ndef _mocker(): ...\ndef test_a(mocker): ...", []),
        ("@pytest.mark.asyncio\nasync def test_a(): ...", ["pytest-asyncio"]),
        ("pytestmark = pytest.mark.parametrize", []),
        ("import yaml, os\nfrom trustme import CA\nimport os", ["pyyaml", "trustme"]),
        ("try:\n    import numpy\nexcept ImportError:\n    numpy = None", []),
        ("import something_unknown", []),
    ],
)
def test_what_tests_use_is_known_by_name(source: str, distributions: list[str]) -> None:
    assert tools({"tests/test_a.py": source}) == distributions


def test_a_module_of_the_repository_s_own_is_not_installed() -> None:
    assert tools({"tests/test_a.py": "import mock", "src/mock/__init__.py": ""}) == []
    assert tools({"setup.py": "import numpy", "a.py": "import numpy"}) == []
    assert tools({"test_a.py": "import mock\ndef test_a(mocker): ..."}, runs_pytest=False) == ["mock"]


def test_the_plan_names_what_was_missing_and_where_it_is_used() -> None:
    pyproject = "[project]\nname='x'\ndependencies=['numpy']\n[project.optional-dependencies]\ntest=['trustme']\n"
    source = "import numpy\nimport trustme\nimport responses\nimport mock\n"
    files = {"pyproject.toml": pyproject, "tests/conftest.py": source, "requirements-test.txt": "mock\n"}
    plan = plan_of(files)
    assert plan.optional_install[-1][5:] == ("responses",)
    assert plan.evidence[-1] == "tests/conftest.py: imports responses: responses."


def test_a_project_that_requires_its_own_extra_gets_it_from_the_tree() -> None:
    pyproject = "[project]\nname='My.Star'\n[dependency-groups]\ntest=['my-star[full, x]', 'other[y]', 'a']\n"
    assert optional({"pyproject.toml": pyproject}) == ["-e .[full,x]", "other[y] a"]
    assert optional({"pyproject.toml": "[dependency-groups]\ntest=['star[full]']\n"}) == ["star[full]"]


# --- versions ----------------------------------------------------------------------------------------------------

SCM = {"pyproject.toml": "[build-system]\nrequires = ['setuptools-scm']\n"}


@pytest.mark.parametrize(
    ("files", "version"),
    [
        ({"PKG-INFO": "Name: x\nVersion: 1.2rc1\n"}, "1.2rc1"),
        ({"CHANGES.rst": "Changes\n=======\n\n2.0.1 (2020-01-01)\n------\n\n1.0\n---\n"}, "2.0.1"),
        ({"CHANGELOG.md": "# Changelog\n\n## [v3.1] - 2020\n"}, "3.1"),
        ({"docs/changelog.rst": "tool 5.4.1\n==========\n", "HISTORY": "nothing\n"}, "5.4.1"),
        ({"doc/en/changelog.rst": "Release 4.1.2\n", "src/changes.py": "9.9"}, "4.1.2"),
        ({"CHANGES": "soon\n"}, ""),
        ({}, ""),
    ],
)
def test_without_tags_the_version_is_read_where_it_is_written(files: dict[str, str], version: str) -> None:
    env = dict(plan_of({**SCM, **files}).env)
    assert env.get("SETUPTOOLS_SCM_PRETEND_VERSION", "") == env.get("PBR_VERSION", "") == version
    assert "PBR_VERSION" not in dict(plan_of({"setup.py": "", **files}).env)


@pytest.mark.parametrize(
    ("files", "variable"),
    [
        ({"pyproject.toml": SCM["pyproject.toml"] + "[project]\nname = 'Acme.Shelf-kit'\n"}, "_FOR_ACME_SHELF_KIT"),
        ({"pyproject.toml": SCM["pyproject.toml"], "setup.cfg": "[metadata]\nname = shelf\n"}, "_FOR_SHELF"),
        ({"setup.py": "setup(name='shelf', setup_requires=['setuptools_scm'])\n"}, "_FOR_SHELF"),
        ({"setup.py": "setup(name=NAME, setup_requires=['setuptools_scm'])\n"}, ""),
        ({"pyproject.toml": "[build-system]\nrequires = ['hatch-vcs']\n[project]\nname = 'shelf'\n"}, ""),
    ],
)
def test_only_the_projects_own_version_is_named_where_its_name_is_known(files: dict[str, str], variable: str) -> None:
    view = FilesView({"PKG-INFO": "Version: 1.2\n", "a.py": "", **files})
    plan = python.detect(view)
    assert plan is not None
    names = {name for name, _ in plan.env if name.startswith("SETUPTOOLS_SCM")}
    assert names == {f"SETUPTOOLS_SCM_PRETEND_VERSION{variable}"}
    # Backends of that time know the plain variable only.
    old = {name for name, _ in python.at(plan, view, "2019-05-01").env if name.startswith("SETUPTOOLS_SCM")}
    assert old == names | {"SETUPTOOLS_SCM_PRETEND_VERSION"}
    assert dict(python.at(plan, view, "2022-05-01").env) == dict(plan.env)
