"""How runs are started: the repository's own configuration, made safe. Pure; what the programs do is in test_runs."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.runners import RUNNERS, pytest_config
from sandbox.runners.protocol import RunRequest
from sandbox.types import TestId
from tests.support.cases import FilesView

PYTEST, UNITTEST = RUNNERS["pytest"], RUNNERS["unittest"]


def asked(runner: str, tree: dict[str, str], **request: Any) -> dict[str, Any]:
    prepared = RUNNERS[runner].prepare(FilesView(tree), RunRequest(nonce="n0", key="k0", **request))
    content: dict[str, Any] = json.loads(prepared.files["/work/run-n0/request.json"])
    return content


@pytest.mark.parametrize(
    ("files", "path", "addopts"),
    [
        ({}, "", ()),
        ({"pytest.ini": "[pytest]\naddopts = -k 'a b'\n", "tox.ini": "[pytest]\n"}, "pytest.ini", ("-k", "a b")),
        ({"pytest.ini": ""}, "pytest.ini", ()),
        ({"pytest.ini": "broken"}, "pytest.ini", ()),
        ({"pytest.toml": '[pytest]\naddopts = ["-v"]\n'}, "pytest.toml", ("-v",)),
        ({"pyproject.toml": "[tool.pytest.ini_options]\naddopts = '-v'\n"}, "pyproject.toml", ("-v",)),
        ({"pyproject.toml": "[tool.pytest]\naddopts = ['-v']\n"}, "pyproject.toml", ("-v",)),
        ({"pyproject.toml": "[tool]\npytest = 3\n"}, "", ()),
        ({"pyproject.toml": "[project]\n", "setup.cfg": "[tool:pytest]\naddopts=-q\n"}, "setup.cfg", ("-q",)),
        ({"tox.ini": "[pytest]\naddopts = 'unbalanced\n"}, "tox.ini", ("'unbalanced",)),
        ({"tox.ini": "[tox]\n", "setup.cfg": "no section"}, "", ()),
    ],
)
def test_the_configuration_is_found_as_pytest_finds_it(
    files: dict[str, str], path: str, addopts: tuple[str, ...]
) -> None:
    config = pytest_config.read(FilesView(files))
    assert (config.path, config.addopts) == (path, addopts)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ("-x -q", "-q"),
        ("-xvs", "-vs"),
        ("-x", ""),
        ("--maxfail=1 --maxfail 2 -v", "-v"),
        ("-n auto --dist loadfile -n4 -n=2", ""),
        ("--cov --cov-report=term --cov-report xml", ""),
        ("--cov shelf --cov-fail-under=90 --strict-markers", "--strict-markers"),
        ("--cov --doctest-modules", "--doctest-modules"),
        ("-m 'not slow' -k x --import-mode=importlib", "-m not\\ slow -k x --import-mode=importlib"),
        ("-p no:runner -pno:python -p my.plugin", "-p my.plugin"),
        ("--lf --ff --sw --pdb --collect-only --reruns 3", ""),
        ("-W error -o x=y tests", "-W error -o x=y tests"),
        ("-p", "-p"),
    ],
)
def test_options_that_change_what_a_run_says_are_dropped(options: str, kept: str) -> None:
    import shlex

    assert pytest_config.safe_addopts(tuple(shlex.split(options))) == tuple(shlex.split(kept))


def test_pytest_is_started_with_its_own_configuration_and_a_canary() -> None:
    files = {"pytest.ini": "[pytest]\naddopts = -x --strict-markers\n"}
    request = asked("pytest", files, files=("tests/test_a.py",))
    assert request["args"][:6] == [
        "--rootdir=/work/repo",
        "-o",
        "addopts=",
        "-c",
        "/work/repo/pytest.ini",
        "--strict-markers",
    ]
    assert request["args"][-1] == "tests/test_a.py"
    assert request["canary"].startswith("/work/run-n0/canary/test_")
    assert asked("pytest", {}, canaries=False)["canary"] == ""


def test_a_selection_of_tests_names_their_files_once() -> None:
    tests = (TestId("t.py::a"), TestId("t.py::b[x::y]"))
    request = asked("pytest", {}, tests=tests)
    assert request["args"][-1] == "t.py"
    assert request["tests"] == list(tests)


def test_a_file_cannot_name_itself_like_an_option() -> None:
    request = asked("pytest", {}, files=("--deselect=x_test.py", "@x_test.py", "a_test.py"))
    assert request["args"][-3:] == ["./--deselect=x_test.py", "./@x_test.py", "a_test.py"]
    by_test = asked("pytest", {}, tests=(TestId("-x_test.py::a"),))
    assert by_test["args"][-1] == "./-x_test.py"


def test_the_key_is_in_no_command_line_and_no_environment() -> None:
    for runner in RUNNERS.values():
        prepared = runner.prepare(FilesView({}), RunRequest(nonce="n0", key="secret-key"))
        assert "secret-key" not in " ".join([*prepared.argv, *prepared.env.values(), *prepared.shown])


def test_pytest_names_files_by_its_patterns() -> None:
    view = FilesView({"pytest.ini": "[pytest]\npython_files = check_*.py tests/*.py\n"})
    assert PYTEST.is_test_file(view, "a/check_x.py")
    assert PYTEST.is_test_file(view, "tests/x.py")
    assert not PYTEST.is_test_file(view, "test_x.py")
    assert not PYTEST.is_test_file(FilesView({}), "tests/data.json")
    assert PYTEST.is_test_file(FilesView({}), "tests/x_test.py")
    assert PYTEST.file_of(view, TestId("a/t.py::C::t[a::b]")) == "a/t.py"


MODULES = {
    "test_top.py": "",
    "pkg/__init__.py": "",
    "pkg/tests/__init__.py": "",
    "pkg/tests/test_a.py": "",
    "tests/test_b.py": "",
    "tests/no-package/test_c.py": "",
    "pkg/other.py": "",
}


def test_unittest_loads_each_module_from_its_top_directory() -> None:
    request = asked("unittest", MODULES)
    assert sorted(request["modules"]) == ["pkg.tests.test_a", "test_b", "test_top"]
    assert request["tops"] == ["tests"]


def test_unittest_selects_by_file_and_by_test() -> None:
    assert asked("unittest", MODULES, files=("tests/test_b.py",))["modules"] == ["test_b"]
    test = TestId("pkg.tests.test_a.C.test_x")
    request = asked("unittest", MODULES, tests=(test,), canaries=False)
    assert (request["modules"], request["tests"], request["canary"]) == (["pkg.tests.test_a"], [test], "")


def test_unittest_names_the_file_of_a_test() -> None:
    view = FilesView(MODULES)
    assert UNITTEST.file_of(view, TestId("pkg.tests.test_a.C.test_x")) == "pkg/tests/test_a.py"
    assert UNITTEST.file_of(view, TestId("elsewhere.C.test_x")) is None
    assert UNITTEST.is_test_file(view, "test_top.py")
    assert not UNITTEST.is_test_file(view, "pkg/other.py")


def test_an_unreadable_report_is_an_incomplete_one() -> None:
    for runner in RUNNERS.values():
        assert not runner.parse(b"\xff\xfe", RunRequest(nonce="n0", key="k0")).complete


@pytest.mark.parametrize(
    "text",
    [
        "tool = 3",
        "[tool]\npytest = 3",
        "[tool.pytest]\nini_options = 3",
        "[tool.pytest]\nini_options = [1]",
        "a=" + "[" * 5000,
    ],
    ids=["no table", "no pytest table", "number", "list", "deep"],
)
def test_a_configuration_of_odd_shape_is_none(text: str) -> None:
    found = pytest_config.read(FilesView({"pyproject.toml": text}))
    assert found.addopts == ()
    assert found.python_files == pytest_config.PytestConfig.python_files
