"""What is read from a Python repository, and the plan that is made of it. Pure."""

from __future__ import annotations

import pytest

from sandbox.buildpacks import detect, python, requirements
from sandbox.types import EnvironmentPlan
from tests.support.cases import FilesView

TEST = "import pytest\n\ndef test_x():\n    pass\n"


def plan_of(files: dict[str, str]) -> EnvironmentPlan:
    plan = detect(FilesView(files))
    assert plan is not None
    return plan


def arguments(commands: tuple[tuple[str, ...], ...]) -> list[str]:
    """What each command installs."""
    return [" ".join(command[5:]) for command in commands]


def test_a_repository_of_another_kind_is_not_python() -> None:
    assert python.detect(FilesView({"package.json": "{}", "README.md": ""})) is None


def test_a_bare_directory_of_files_needs_only_pytest() -> None:
    plan = plan_of({"a.py": "", "tests/test_a.py": TEST})
    assert (plan.language, plan.runner, plan.base) == ("python", "pytest", "redgreen-base")
    assert arguments(plan.install) == ["pytest"]
    assert plan.evidence == ("tests/test_a.py: imports pytest.",)


def test_pip_of_the_environment_does_all_installing() -> None:
    plan = plan_of({"setup.py": "", "requirements-test.txt": "x"})
    for command in (*plan.install, *plan.optional_install):
        assert command[:4] == ("/opt/venv/bin/python", "-m", "pip", "install")


def test_a_project_is_installed_editable_with_its_test_extra() -> None:
    plan = plan_of({"pyproject.toml": "[project]\nname='x'\n[project.optional-dependencies]\ntest=['a']\ndocs=['b']\n"})
    assert arguments(plan.install) == ["-e .", "pytest"]
    assert arguments(plan.optional_install) == ["-e .[test]"]
    assert plan.manifests == ("pyproject.toml",)
    assert plan.evidence[:2] == ("pyproject.toml: the project itself, editable.", "pyproject.toml: the extra(s) test.")


def test_dependency_groups_are_expanded_and_pinned_by_the_lock() -> None:
    pyproject = """
[project]
name = "x"
[dependency-groups]
test = ["pytest>=7", "hypothesis[cli]", {include-group = "more"}, 3]
more = ["attrs; python_version > '3'", {include-group = "test"}]
lint = ["ruff"]
"""
    locked = {"pytest": "8.1", "hypothesis": "6.9", "attrs": "1"}
    lock = "".join(f'[[package]]\nname = "{name}"\nversion = "{version}"\n' for name, version in locked.items())
    plan = plan_of({"pyproject.toml": pyproject, "uv.lock": lock})
    assert arguments(plan.optional_install) == ["pytest>=7 hypothesis[cli] attrs; python_version > '3'"]
    assert plan.manifests == ("pyproject.toml", "uv.lock")
    assert plan.runner == "pytest"
    # Also what nobody asks for by name keeps to the lock.
    assert plan.install[0][:2] == ("/bin/sh", "-c")
    assert plan.install[0][4:] == ("attrs==1", "hypothesis==6.9", "pytest==8.1")
    assert dict(plan.env) == {"PIP_CONSTRAINT": "/opt/redgreen/constraints.txt"}


@pytest.mark.parametrize(
    ("source", "is_locked"),
    [
        ("{registry = 'https://x/simple'}", True),
        ("{type = 'legacy', url = 'https://x/simple'}", True),
        ("{editable = '.'}", False),
        ("{git = 'https://x'}", False),
        ("3", True),
    ],
)
def test_a_lock_fixes_what_comes_from_an_index(source: str, is_locked: bool) -> None:
    text = f"[[package]]\nname='a'\nversion='1'\nsource={source}\n"
    assert bool(requirements.of_lock(text, "3.11.4")) is is_locked


def test_a_lock_pins_only_what_it_has_one_version_of() -> None:
    lock = requirements.of_lock("[[package]]\nname='a'\nversion='1'\n[[package]]\nname='a'\nversion='2'\n", "3.11.4")
    assert lock == {}
    assert requirements.of_lock("package = 3", "3.11.4") == {}
    assert requirements.of_lock("package = [3]", "3.11.4") == {}


def test_of_several_locked_versions_the_one_for_this_python_is_taken() -> None:
    package = "[[package]]\nname='a'\nversion='{}'\nresolution-markers=['{}', '{}']\n"
    text = package.format("1", 'python_full_version < "3.10"', 'os_name == "nt"') + package.format(
        "2", 'python_full_version >= "3.10"', 'os_name == "nt"'
    )
    assert requirements.of_lock(text, "3.11.4") == {"a": "2"}
    assert requirements.of_lock(text, "3.9.4") == {"a": "1"}
    poetry = "[[package]]\nname='a'\nversion='{}'\npython-versions='{}'\n"
    text = poetry.format("1", ">=3.6,<3.10") + poetry.format("2", "^3.10")
    assert requirements.of_lock(text, "3.11.4") == {"a": "2"}
    assert requirements.of_lock(package.format("1", "not a marker", ""), "3.11.4") == {"a": "1"}
    assert requirements.of_lock(poetry.format("1", "not a version"), "3.11.4") == {"a": "1"}


@pytest.mark.parametrize(
    ("clause", "meaning"),
    [
        ("^1.2.3", "p>=1.2.3,<2"),
        ("^0.2", "p>=0.2,<0.3"),
        ("^0", "p>=0,<1"),
        ("~1.2.3", "p>=1.2.3,<1.3"),
        ("~1", "p>=1,<2"),
        ("1.2", "p==1.2"),
        (">=1,<2", "p>=1,<2"),
        ("*", "p"),
        ("^1 || ^2", "p>=1,<2"),
    ],
)
def test_poetry_s_versions_are_written_as_pip_reads_them(clause: str, meaning: str) -> None:
    found = requirements.of_pyproject(f"[tool.poetry.group.test.dependencies]\np = '{clause}'\n")
    assert found[0].requirements == (meaning,)


def test_poetry_s_tables() -> None:
    pyproject = """
[tool.poetry]
name = "x"
[tool.poetry.dev-dependencies]
pytest = {version = "^7", extras = ["x", "y"]}
many = [{version = "1"}]
none = []
local = {path = "."}
[tool.poetry.extras]
all = ["z"]
"""
    plan = plan_of({"pyproject.toml": pyproject})
    assert arguments(plan.install)[0] == "-e ."
    assert arguments(plan.optional_install) == ["pytest[x,y]>=7,<8 many==1 none local", "-e .[all]"]


def test_pdm_uv_and_hatch_tables() -> None:
    pyproject = """
[build-system]
requires = []
[tool.pdm.dev-dependencies]
test = ["a", "-e file:///x"]
[tool.uv]
dev-dependencies = ["b"]
[tool.hatch.envs.default]
dependencies = ["c"]
[tool.hatch.envs.test]
extra-dependencies = ["d"]
"""
    assert arguments(plan_of({"pyproject.toml": pyproject}).optional_install) == ["a", "b", "c", "d"]


def test_setup_cfg() -> None:
    text = "[metadata]\nname=x\n[options]\ntests_require =\n  a\n  b  # c\n[options.extras_require]\ntesting = d\n"
    plan = plan_of({"setup.cfg": text, "a.py": ""})
    assert arguments(plan.install)[0] == "-e ."
    assert arguments(plan.optional_install) == ["-e .[testing]", "a b"]
    assert requirements.of_setup_cfg("broken") == []
    assert requirements.of_setup_cfg("[options.extras_require]\ndocs = d\n") == []


def test_a_setup_cfg_of_tools_makes_no_project() -> None:
    assert arguments(plan_of({"setup.cfg": "[flake8]\nx=1\n", "a.py": ""}).install) == ["pytest"]


def test_setup_py_is_read_and_never_run() -> None:
    text = """
raise SystemExit
EXTRAS = {"dev": ["a"], "docs": ["b"]}
x = y = 1
setup(extras_require=EXTRAS, tests_require="c", name="n")
setup(tests_require=["d"], extras_require=dict(unknown()))
setup(extras_require={"docs": []}, tests_require=[])
"""
    assert arguments(plan_of({"setup.py": text}).optional_install) == ["-e .[dev]", "c", "d"]
    assert requirements.of_setup_py("def (") == []


def test_tox_deps() -> None:
    text = """
[testenv]
deps =
    pytest  # the runner
    -r{toxinidir}/requirements-tox.txt
    py37: old
    {[base]deps}
    mock>=2
"""
    plan = plan_of({"tox.ini": text, "requirements-tox.txt": "", "a.py": ""})
    assert arguments(plan.optional_install) == ["pytest mock>=2 -r requirements-tox.txt"]
    assert plan.manifests == ("requirements-tox.txt", "tox.ini")


def test_a_file_that_is_named_and_missing_is_not_installed() -> None:
    plan = plan_of({"tox.ini": "[testenv]\ndeps = -rmissing.txt\n", "a.py": ""})
    assert plan.optional_install == ()


def test_requirement_files() -> None:
    plan = plan_of({"requirements.txt": "a", "requirements/test.txt": "b", "requirements-dev.txt": "c", "a.py": ""})
    assert arguments(plan.install) == ["-r requirements.txt", "pytest"]
    assert arguments(plan.optional_install) == ["-r requirements/test.txt"]
    plan = plan_of({"requirements-dev.txt": "c", "a.py": ""})
    assert arguments(plan.optional_install) == ["-r requirements-dev.txt"]


def test_extras_of_what_is_no_project_are_left_out() -> None:
    found = plan_of({"setup.cfg": "[options.extras_require]\ntest = a\n", "a.py": ""})
    assert found.optional_install == ()


def test_required_plugins_are_installed_with_pytest() -> None:
    plan = plan_of({"pytest.ini": "[pytest]\nrequired_plugins = pytest-mock>=3\n", "a.py": ""})
    assert arguments(plan.install) == ["pytest pytest-mock>=3"]
    assert plan.manifests == ("pytest.ini",)


@pytest.mark.parametrize(
    ("files", "runner", "evidence"),
    [
        ({"pytest.ini": ""}, "pytest", "configures pytest"),
        ({"tests/conftest.py": ""}, "pytest", "configuration module"),
        ({"requirements-test.txt": "", "tox.ini": "[testenv]\ndeps=pytest-cov\n"}, "pytest", "pytest is among them"),
        ({"tests/test_a.py": TEST}, "pytest", "imports pytest"),
        ({"tests/test_a.py": "def test_x():\n    pass\n"}, "pytest", "outside of classes"),
        (
            {"tests/test_a.py": "import unittest\n", "tests/test_b.py": "import unittest\n"},
            "unittest",
            "imports unittest",
        ),
        ({"tests/test_a.py": "x = 1\n"}, "pytest", "is assumed"),
    ],
)
def test_which_runner(files: dict[str, str], runner: str, evidence: str) -> None:
    plan = plan_of({"a.py": "", **files})
    assert plan.runner == runner
    assert evidence in plan.evidence[-1]
    assert ("pytest" in arguments(plan.install)) is (runner == "pytest")


def test_a_version_for_backends_that_ask_git() -> None:
    files = {"pyproject.toml": "[build-system]\nrequires=['setuptools_scm']\n", "PKG-INFO": "Name: x\nVersion: 1.2.3\n"}
    assert ("SETUPTOOLS_SCM_PRETEND_VERSION", "1.2.3") in plan_of(files).env
    assert plan_of({**files, "PKG-INFO": ""}).env == ()
    assert plan_of({**files, "pyproject.toml": "[project]"}).env == ()


def test_what_cannot_be_parsed_wants_nothing() -> None:
    plan = plan_of({"pyproject.toml": "[broken", "setup.py": "def (", "tox.ini": "x", "a.py": ""})
    assert plan.optional_install == ()
    assert plan.manifests == ("pyproject.toml", "setup.py", "tox.ini")


def test_a_plan_is_the_same_for_the_same_tree() -> None:
    files = {"setup.py": "setup(tests_require=['b', 'a'])", "requirements-test.txt": ""}
    assert plan_of(files) == plan_of(files)


@pytest.mark.parametrize(
    ("path", "text"), [("setup.py", "x=" + "-" * 100_000 + "1"), ("pyproject.toml", "a=" + "[" * 5000)]
)
def test_nesting_without_end_wants_nothing(path: str, text: str) -> None:
    assert plan_of({path: text, "tests/test_a.py": "def test_a():\n    pass\n"}).runner == "pytest"


def test_a_language_that_is_said_is_not_weighed() -> None:
    view = FilesView({"go.mod": "module example.org/a\n\ngo 1.19\n", "a.py": "x = 1\n", "test_a.py": "import a\n"})
    said = detect(view, "python")
    assert said is not None
    assert said.language == "python"
    assert detect(FilesView({"notes.txt": ""}), "go") is None
