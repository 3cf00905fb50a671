"""A witness is written in the repository's style, with its imports found in the repository."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from agents.repair.issue import Expectation, Kind
from agents.repair.names import NameIndex, free_names
from agents.repair.textdiff import unified
from agents.repair.witness import PYTEST, UNITTEST, Witness, place, style_of, write

INDEX = NameIndex(
    {
        "src/calc/__init__.py": "from calc.core import mean\n",
        "src/calc/core.py": "class Bad(Exception): pass\ndef mean(xs): ...\ndef _hidden(): ...\nLIMIT = 3\n",
        "tool.py": "def run(): ...\n",
        "pkg/deep/mod.py": "def dig(): ...\n",
        "pkg/__init__.py": "",
        "pkg/deep/__init__.py": "",
        "broken.py": "def (:\n",
    }
)


def written(*expectations: Expectation, style: str = PYTEST) -> Witness:
    witness, problems = write(expectations, issue="7", path="tests/test_issue_7.py", style=style, index=INDEX)
    assert witness is not None, problems
    ast.parse(witness.text())
    return witness


@pytest.mark.parametrize(
    ("name", "statement"),
    [
        ("mean", "from calc import mean"),
        ("Bad", "from calc.core import Bad"),
        ("LIMIT", "from calc.core import LIMIT"),
        ("run", "from tool import run"),
        ("calc", "import calc"),
        ("core", "from calc import core"),
        ("dig", "from pkg.deep.mod import dig"),
        ("len", ""),
        ("math", "import math"),
        ("Decimal", "from decimal import Decimal"),
        ("np", "import numpy as np"),
        ("nobody_knows", None),
    ],
)
def test_a_name_is_imported_from_where_the_repository_offers_it(name: str, statement: str | None) -> None:
    assert INDEX.import_for(name) == statement


def test_names_that_the_snippet_binds_are_not_free() -> None:
    assert free_names(["import os", "x = 1", "y = [z for z in x if q]", "os.getcwd()"]) == ["q"]


def test_pytest_functions_where_the_repository_has_functions() -> None:
    text = written(Expectation(kind=Kind.EQUAL, subject="mean([1, 2])", expected="1.5")).text()
    assert text == "from calc import mean\n\n\ndef test_issue_7_mean():\n    assert mean([1, 2]) == 1.5\n"


def test_a_test_case_where_the_repository_has_test_cases() -> None:
    text = written(Expectation(kind=Kind.EQUAL, subject="mean([1])", expected="1"), style=UNITTEST).text()
    assert "class TestIssue7(unittest.TestCase):" in text
    assert "        self.assertEqual(mean([1]), 1)" in text


@pytest.mark.parametrize(
    ("kind", "expected", "pytest_line", "unittest_line"),
    [
        (Kind.EQUAL, "None", "assert mean([]) is None", "self.assertIs(mean([]), None)"),
        (Kind.EQUAL, "a-b", "assert mean([]) == 'a-b'", "self.assertEqual(mean([]), 'a-b')"),
        (Kind.EQUAL, "Decimal('1')", "assert mean([]) == Decimal('1')", "self.assertEqual(mean([]), Decimal('1'))"),
        (Kind.DIFFERS, "0", "assert mean([]) != 0", "self.assertNotEqual(mean([]), 0)"),
        (
            Kind.REPR,
            "<no value>",
            "assert repr(mean([])) == '<no value>'",
            "self.assertEqual(repr(mean([])), '<no value>')",
        ),
        (Kind.TEXT, "1.5", "assert str(mean([])) == '1.5'", "self.assertEqual(str(mean([])), '1.5')"),
        (
            Kind.RAISES,
            "Bad",
            "with pytest.raises(Bad):\n        mean([])",
            "with self.assertRaises(Bad):\n            mean([])",
        ),
        (Kind.RUNS, "", "def test_issue_7_mean():\n    mean([])", "def test_issue_7_mean(self):\n        mean([])"),
        (Kind.HOLDS, "", "assert mean([])", "self.assertTrue(mean([]))"),
    ],
)
def test_each_kind_has_its_assertion(kind: Kind, expected: str, pytest_line: str, unittest_line: str) -> None:
    expectation = Expectation(kind=kind, subject="mean([])", expected=expected)
    assert pytest_line in written(expectation).text()
    assert unittest_line in written(expectation, style=UNITTEST).text()


def test_only_the_set_up_that_the_subject_needs_is_kept() -> None:
    setup = ("import json", "x = [1]", "y = 2", "x.append(3)")
    test = written(Expectation(kind=Kind.EQUAL, subject="mean(x)", expected="2", setup=setup)).tests[0]
    assert test.body == ("x = [1]", "x.append(3)", "assert mean(x) == 2")
    assert test.imports == ("from calc import mean",)


def test_a_name_that_nobody_defines_is_a_reason_not_a_test() -> None:
    expectation = Expectation(kind=Kind.EQUAL, subject="mystery(1)", expected="2")
    witness, problems = write([expectation], issue="7", path="t.py", style=PYTEST, index=INDEX)
    assert witness is None
    assert problems == ("`mystery(1)` uses `mystery`, which nothing in the repository defines.",)


def test_names_of_tests_are_unique_and_repetitions_are_dropped() -> None:
    e = [Expectation(kind=Kind.EQUAL, subject=f"mean([{n}])", expected="1") for n in (1, 1, 2)]
    assert [test.name for test in written(*e).tests] == ["test_issue_7_mean", "test_issue_7_mean_2"]


def test_a_witness_knows_its_own_tests_by_either_runners_name() -> None:
    witness = written(Expectation(kind=Kind.EQUAL, subject="mean([1])", expected="1"))
    assert witness.owns("tests/test_issue_7.py::test_issue_7_mean") == "test_issue_7_mean"
    assert witness.owns("tests.test_issue_7.TestIssue7.test_issue_7_mean") == "test_issue_7_mean"
    assert witness.owns("tests/test_other.py::test_issue_7_mean") is None
    assert witness.owns("tests/test_issue_7.py::test_else") is None
    assert witness.text(keep=[]) == "\n"


def test_hostile_names_stay_names() -> None:
    witness, _ = write(
        [Expectation(kind=Kind.EQUAL, subject="mean([1])", expected="1")],
        issue="7/../x\nimport os", path="t.py", style=UNITTEST, index=INDEX,
    )  # fmt: skip
    assert witness is not None
    assert "test_issue_7_x_import_os_mean" in witness.text()
    ast.parse(witness.text())


def test_the_style_is_what_most_test_files_do() -> None:
    case = "import unittest\n\n\nclass A(unittest.TestCase):\n    def test_a(self): ...\n"
    assert style_of({"t.py": case}) == UNITTEST
    assert style_of({"t.py": case, "u.py": "def test_b(): ...\n"}) == PYTEST
    assert style_of({}) == PYTEST
    assert style_of({}, "unittest") == UNITTEST


def test_the_file_goes_beside_the_others_and_never_over_one() -> None:
    tests = ["tests/unit/test_a.py", "tests/unit/test_b.py", "tests/test_c.py"]
    assert place("7", tests, tests) == "tests/unit/test_issue_7.py"
    assert place("7", tests, [*tests, "tests/unit/test_issue_7.py"]) == "tests/unit/test_issue_7_2.py"
    assert place("7", ["a_test.py", "b_test.py"], []) == "issue_7_test.py"
    assert place("7", [], []) == "tests/test_issue_7.py"
    assert place("7", tests, tests, "tests/test_new.py") == "tests/test_new.py"
    assert place("7", tests, tests, "tests/test_c.py") == "tests/test_issue_7.py"


@pytest.mark.parametrize(
    ("before", "after"),
    [("a\nb\nc\n", "a\nB\nc\n"), ("a\nb", "a\nb\nc"), ("a\n", "a"), ("a\x0cb\n", "a\x0cc\n"), (None, "new\n")],
)
def test_a_checkpoints_diff_applies_with_git(before: str | None, after: str, tmp_path: Path) -> None:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    if before is not None:
        (tmp_path / "f.py").write_bytes(before.encode())
    diff = unified({} if before is None else {"f.py": before}, {"f.py": after})
    subprocess.run(["git", "apply", "-"], cwd=tmp_path, check=True, input=diff.encode())
    assert (tmp_path / "f.py").read_bytes() == after.encode()


def test_nothing_changed_is_no_diff() -> None:
    assert unified({"a": "x\n"}, {"a": "x\n"}) == ""
