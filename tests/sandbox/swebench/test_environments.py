"""ENV.jsonl into plans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from sandbox.buildpacks import python
from sandbox.layout import VENV
from sandbox.swebench.environments import (
    NO_ENVIRONMENTS,
    Environment,
    plan_for,
    read_environments,
)
from sandbox.swebench.installs import conda_requirements
from sandbox.swebench.records import Instance
from sandbox.types import EnvironmentPlan
from tests.support.cases import FilesView

PIP = (f"{VENV}/bin/python", "-m", "pip", "install", "--no-input")
VIEW = FilesView({"pyproject.toml": "[project]\nname = 'a'\n", "tests/test_a.py": "def test_x(): pass\n"})
INSTANCE = Instance(
    instance_id="o__n-1",
    repo="o/n",
    base_commit="0" * 40,
    patch="",
    test_patch="",
    fail_to_pass=(),
    pass_to_pass=(),
    version="1.0",
)


def read(*records: Any) -> Environment:
    found = read_environments(b"".join(json.dumps(record).encode() + b"\n" for record in records))
    assert found.problems == ()
    made = found.of(INSTANCE)
    assert made is not None
    return made


def plan(record: dict[str, Any], view: FilesView = VIEW) -> EnvironmentPlan:
    made = plan_for(read({"repo": "o/n", "version": "1.0"} | record), python.detect(view), view, date="2020-02-03")
    assert made is not None
    return made[0]


def test_an_instances_own_record_comes_before_its_versions_and_that_before_its_repositorys() -> None:
    whole, version = {"repo": "o/n", "python": "3.7"}, {"repo": "o/n", "version": 1.0, "python": "3.8"}
    own = {"instance_id": "o__n-1", "python": "3.9"}
    assert read(whole).python == "3.7"
    assert read(whole, version).python == "3.8"
    assert read(own, whole, version).python == "3.9"
    assert NO_ENVIRONMENTS.of(INSTANCE) is None


def test_broken_records_are_named() -> None:
    found = read_environments(b'{"python": "3.9"}\n{"repo": "o/n", "python": "newest"}\n{\n{"repo": "o/n"}\n')
    assert [problem.where for problem in found.problems] == ["line 1", "line 2", "line 3"]
    assert found.problems[0].text == "it names neither an instance_id nor a repo"
    assert found.problems[1].text.startswith("python: ")
    assert found.of(INSTANCE) == Environment()


def test_every_field_of_the_harness_has_its_place() -> None:
    made = plan(
        {
            "image": "registry/image:1",
            "python": 3.9,
            "packages": "pytest 'numpy==1.19.2' python=3.9 scipy=1.5",
            "pip_packages": ["attrs==20.1", "mock tox"],
            "apt": "graphviz",
            "pre_install": [
                "apt-get update && apt-get install -y libmemcached-dev --quiet",
                "sudo apt-get update",
                "export LANG='C.UTF-8'",
                "sed -i 's/a/b/' setup.py",
                "sed -i '/en_US/s/^# //g' /etc/locale.gen && locale-gen",
            ],
            "install": "python -m pip install -e .\n",
            "eval_commands": ["export LC_ALL=C.UTF-8", "echo hello", "export BROKEN='x"],
            "env": {"MODE": "x"},
            "test_cmd": "FOO=1 pytest -rA -p no:cacheprovider",
        }
    )
    assert (made.base, made.toolchains, made.as_of) == ("registry/image:1", ("python@3.9",), "2025-10-05")
    assert made.apt == ("graphviz", "libmemcached-dev")
    assert dict(made.env) == {"MODE": "x", "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "BROKEN": "'x", "FOO": "1"}
    assert made.install == (
        (*PIP, "pytest", "numpy==1.19.2", "scipy==1.5.*", "attrs==20.1", "mock", "tox"),
        ("/bin/bash", "-c", "sed -i 's/a/b/' setup.py"),
        (
            "/bin/bash",
            "-c",
            "{ sed -i '/en_US/s/^# //g' /etc/locale.gen && locale-gen\n} || echo 'left out: it needs root or conda'",
        ),
        ("/bin/bash", "-c", "python -m pip install -e ."),
        (*PIP, "pytest"),
    )
    assert made.optional_install == ()
    assert (made.runner, made.command) == ("pytest", ("-rA", "-p", "no:cacheprovider"))


def test_without_a_record_detection_decides_as_of_the_commits_day() -> None:
    made = plan_for(None, python.detect(VIEW), VIEW, date="2020-02-03")
    assert made is not None
    found, command = made
    assert (found.runner, found.as_of, command.text) == ("pytest", "2020-02-03", "")
    assert (*PIP, "-e", ".") in found.install
    assert found.toolchains == ("python@3.7",)


def test_a_record_that_installs_nothing_changes_only_what_it_says() -> None:
    made = plan({"python": "3.8", "pre_install": "touch here", "as_of": "2021-01-01"})
    assert (made.toolchains, made.as_of) == (("python@3.8",), "2021-01-01")
    assert made.install[0] == ("/bin/bash", "-c", "touch here")
    assert (*PIP, "-e", ".") in made.install


@pytest.mark.parametrize(
    ("said", "made"), [("3.5", "3.6"), ("3.5.10", "3.6"), ("3.6", "3.6"), ("3.10", "3.10"), ("2.7", "2.7"), ("3", "3")]
)
def test_a_python_that_is_too_old_to_report_becomes_the_oldest_that_can(said: str, made: str) -> None:
    assert plan({"python": said}).toolchains == (f"python@{made}",)


def test_a_tag_is_put_where_a_project_finds_its_version() -> None:
    found = plan_for(None, python.detect(VIEW), VIEW, date="2020-02-03", tag="v1.2")
    assert found is not None
    assert found[0].install[0][-1] == "v1.2"


@pytest.mark.parametrize(
    ("tag", "kept"), [("v1.2", {"A": "b"}), ("", {"A": "b", "SETUPTOOLS_SCM_PRETEND_VERSION": "1"})]
)
def test_with_a_tag_no_variable_names_a_version_for_everything(tag: str, kept: dict[str, str]) -> None:
    detected = EnvironmentPlan(
        language="go", runner="go", base="b", env=(("A", "b"), ("SETUPTOOLS_SCM_PRETEND_VERSION", "1"))
    )
    made = plan_for(None, detected, VIEW, date="2020-02-03", tag=tag)
    assert made is not None
    assert dict(made[0].env) == kept


@pytest.mark.parametrize(("said", "made"), [("en_US.UTF-8", "C.UTF-8"), ("de_DE.utf8", "C.UTF-8"), ("C", "C")])
def test_a_locale_that_images_need_not_have_becomes_the_one_that_they_have(said: str, made: str) -> None:
    env = dict(plan({"install": "true", "eval_commands": [f"export LC_ALL={said}", "export LANGUAGE=en_US:en"]}).env)
    assert env == {"LC_ALL": made, "LANGUAGE": "en_US:en"}


@pytest.mark.parametrize(
    ("record", "day", "packages"),
    [
        ({}, "2013-05-01", "2017-12-23"),
        ({}, "2020-02-03", "2020-02-03"),
        ({"python": "3.9"}, "2013-05-01", "2021-10-05"),
        ({"python": "3.9"}, "2021-03-30", "2021-10-05"),
        ({"python": "3.9"}, "2021-04-05", "2021-04-05"),
        ({"python": "3.9", "as_of": "2014-01-01"}, "2013-05-01", "2014-01-01"),
    ],
)
def test_no_package_is_older_than_the_python_that_runs_it(record: dict[str, str], day: str, packages: str) -> None:
    record = {"repo": "o/n", "pre_install": "true", **record}
    made = plan_for(read(record), python.detect(VIEW), VIEW, date=day)
    assert made is not None
    assert made[0].as_of == packages


@pytest.mark.parametrize(
    ("record", "day"),
    [
        ({"python": "3.6"}, "2021-12-23"),
        ({"python": "3.5"}, "2021-12-23"),
        ({"python": "3.9.18"}, "2025-10-05"),
        ({"python": "2"}, ""),
        ({}, ""),
        ({"python": "3.6", "as_of": "2019-01-01"}, "2019-01-01"),
    ],
)
def test_a_records_packages_are_those_of_its_pythons_last_day(record: dict[str, str], day: str) -> None:
    assert plan({"packages": "cython", "install": "true"} | record).as_of == day


def test_packages_without_an_install_still_install_the_project() -> None:
    made = plan({"packages": ["pytest<7"], "python": ""})
    assert made.install == ((*PIP, "pytest<7"), (*PIP, "-e", "."), (*PIP, "pytest"))


@pytest.mark.parametrize(
    ("files", "said", "found"),
    [
        ({"requirements.txt": ""}, "requirements.txt", "requirements.txt"),
        ({"requirements/dev.txt": ""}, "requirements.txt", "requirements/dev.txt"),
        ({"ci/own.txt": "", "requirements.txt": ""}, "ci/own.txt", "ci/own.txt"),
    ],
)
def test_requirements_files_are_found_where_repositories_keep_them(
    files: dict[str, str], said: str, found: str
) -> None:
    made = plan({"packages": said, "install": "true"}, FilesView(files | {"a.py": ""}))
    assert made.install[0][:2] == ("/bin/bash", "-c")
    assert made.install[0][3:] == (found, *PIP, "-r", found)


def test_a_requirements_file_that_is_nowhere_is_passed_over() -> None:
    assert plan({"packages": "requirements.txt", "install": "true"}).install[0] == ("/bin/bash", "-c", "true")


def test_conda_environments_are_installed_by_pip_as_far_as_it_knows_them() -> None:
    text = """
dependencies:
  - python=3.9
  - numpy=1.19
  - conda-forge::scipy>=1.5
  - pandas =1.1=py39
  - pip
  - pip:
      - -e .
      - attrs
"""
    assert conda_requirements(text.encode()) == ["numpy==1.19.*", "scipy>=1.5", "pandas==1.1.*", "attrs"]
    made = plan({"packages": "environment.yml"}, FilesView({"environment.yml": text, "a.py": ""}))
    assert made.install[0][:2] == ("/bin/bash", "-c")
    assert made.install[0][3:] == ("bash", "", "numpy==1.19.*", "scipy>=1.5", "pandas==1.1.*", "attrs")


@pytest.mark.parametrize("text", ["- [", "a string", "dependencies:", "dependencies: [pip: ]"])
def test_a_conda_file_of_another_form_asks_for_nothing(text: str) -> None:
    assert conda_requirements(text.encode()) == []


def test_a_conda_file_that_is_nowhere_asks_for_nothing() -> None:
    assert plan({"packages": "environment.yml"}).install[0] == (*PIP, "-e", ".")


def test_another_command_is_kept_as_it_is() -> None:
    made = plan_for(read({"repo": "o/n", "test_command": "bin/test -C"}), python.detect(VIEW), VIEW, date="2020-02-03")
    assert made is not None
    assert (made[0].runner, made[1].runner, made[1].text) == ("", "", "bin/test -C")


def test_djangos_options_go_to_its_runner() -> None:
    made = plan({"test_command": "./tests/runtests.py --verbosity 2"})
    assert (made.runner, made.command) == ("django", ("tests/runtests.py", "--verbosity", "2"))


def test_unittest_tests_need_no_runner_installed() -> None:
    assert plan({"install": "true", "test_command": "python -m unittest -v"}).install == (("/bin/bash", "-c", "true"),)


def test_nothing_known_is_no_plan() -> None:
    empty = FilesView({"README": ""})
    assert plan_for(None, None, empty, date="2020-02-03") is None
    said = plan_for(Environment(test_command="pytest"), None, empty, date="2020-02-03")
    assert said is not None
    assert said[0].runner == "pytest"


def test_another_languages_plan_is_as_of_the_day_too() -> None:
    detected = EnvironmentPlan(language="go", runner="go", base="b", command=("x",))
    made = plan_for(None, detected, VIEW, date="2020-02-03")
    assert made is not None
    assert (made[0].as_of, made[0].toolchains, made[0].command) == ("2020-02-03", (), ("x",))
