"""Test commands of SWE-bench's specifications, and what they are given."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sandbox.swebench.commands import TestCommand, directives, expected_files, understood
from sandbox.swebench.ids import Style
from sandbox.swebench.records import Instance
from tests.support.cases import FilesView

INSTANCE = Instance(
    instance_id="i",
    repo="o/n",
    base_commit="0" * 40,
    patch="",
    test_patch="",
    fail_to_pass=("tests/test_a.py::test_x[a",),
    pass_to_pass=("tests/test_a.py::test_y", "test_z (m.Case)"),
)


@pytest.mark.parametrize(
    ("text", "runner", "options"),
    [
        ("pytest -rA", "pytest", ()),
        ("py.test -q", "pytest", ()),
        ("pytest --no-header -rA --tb=no -p no:cacheprovider", "pytest", ("-p", "no:cacheprovider")),
        (
            "pytest -rA -vv -o console_output_style=classic --tb=no",
            "pytest",
            ("-vv", "-o", "console_output_style=classic"),
        ),
        ("python -X dev -m pytest --durations 25 -m 'not slow'", "pytest", ("-m", "not slow")),
        ("python3.9 -m pytest -k", "pytest", ("-k",)),
        ("tox --current-env -epy39 -v --", "pytest", ()),
        (
            "./tests/runtests.py --verbosity 2 --parallel 1",
            "django",
            ("tests/runtests.py", "--verbosity", "2", "--parallel", "1"),
        ),
        ("python tests/runtests.py", "django", ("tests/runtests.py",)),
        ("./manage.py test", "django", ("manage.py", "test")),
        ("python -W ignore -m unittest -v", "unittest", ()),
        ("bin/test -C --verbose", "", ()),
        ("python", "", ()),
        ("python -B", "", ()),
        ("tox", "", ()),
        ("pytest -rA && echo done", "", ()),
        ("pytest 'unclosed", "", ()),
        ("", "", ()),
    ],
)
def test_commands_of_known_runners_are_understood(text: str, runner: str, options: tuple[str, ...]) -> None:
    found = understood(text)
    assert (found.runner, found.options, found.text) == (runner, options, text)


def test_variables_before_the_command_are_the_environments() -> None:
    found = understood("PYTHONWARNINGS='ignore::UserWarning,ignore::SyntaxWarning' bin/test -C --verbose")
    assert found.env == (("PYTHONWARNINGS", "ignore::UserWarning,ignore::SyntaxWarning"),)
    assert understood("A=1 pytest").env == (("A", "1"),)


@pytest.mark.parametrize(
    ("command", "style", "interrupted"),
    [
        (TestCommand(runner="pytest"), Style.PYTEST, True),
        (understood("pytest --continue-on-collection-errors"), Style.PYTEST, False),
        (TestCommand(runner="unittest"), Style.UNITTEST, False),
        (TestCommand(runner="django"), Style.UNITTEST, False),
        (TestCommand(runner="go"), Style.OTHER, False),
    ],
)
def test_runners_differ_in_style_and_in_what_stops_them(command: TestCommand, style: Style, interrupted: bool) -> None:
    assert (command.style(INSTANCE), command.interrupted_by_errors) == (style, interrupted)


def test_the_harnesss_second_parser_has_a_style_of_its_own() -> None:
    second = replace(INSTANCE, log_parser="parse_log_pytest_v2")
    assert TestCommand(runner="pytest").style(second) is Style.PYTEST_LINES
    assert TestCommand(runner="django").style(second) is Style.UNITTEST


PATCH = """\
diff --git a/tests/test_a.py b/tests/test_a.py
--- a/tests/test_a.py
+++ b/tests/test_a.py
diff --git a/tests/data.json b/tests/data.json
diff --git a/tests/old.py b/tests/gone.py
diff --git a/tests/test_a.py b/tests/test_a.py
"""


def test_the_command_gets_the_test_patchs_files_that_are_there() -> None:
    view = FilesView({"tests/test_a.py": "", "tests/data.json": "", "src/a.py": ""})
    assert directives(PATCH, view) == ("tests/test_a.py",)


def test_without_any_it_gets_the_expected_tests_own_files() -> None:
    view = FilesView({"tests/test_a.py": ""})
    assert expected_files(INSTANCE, view) == ("tests/test_a.py",)
