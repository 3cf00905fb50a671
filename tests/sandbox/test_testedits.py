"""Which existing tests a patch edits. Pure."""

from __future__ import annotations

import pytest

from sandbox.testedits import among, edited, qualified
from sandbox.types import TestId

BEFORE = """
import unittest

def helper():
    return 1

def test_a():
    assert helper() == 1

async def test_b():
    assert True

class TestC(unittest.TestCase):
    def test_d(self):
        assert True

    def helper(self):
        pass
"""
ALL = frozenset({"test_a", "test_b", "TestC.test_d"})


@pytest.mark.parametrize(
    ("old", "new", "names"),
    [
        ("", "", frozenset()),
        ("import unittest", "import unittest\nimport os  # more", frozenset()),
        ("class TestC", "def test_new():\n    pass\n\nclass TestC", frozenset()),
        ("helper() == 1", "helper() == 2", frozenset({"test_a"})),
        ("def test_a", "@unittest.skip('x')\ndef test_a", frozenset({"test_a"})),
        ("async def test_b():\n    assert True\n", "", frozenset({"test_b"})),
        ("class TestC", "@unittest.skip('x')\nclass TestC", frozenset({"TestC.test_d"})),
        ("    def helper(self)", "    __test__ = False\n    def helper(self)", frozenset({"TestC.test_d"})),
        ("def helper():", "pytestmark = unittest.skip('x')\ndef helper():", ALL),
        ("def helper():", "def load_tests(*a):\n    pass\ndef helper():", ALL),
    ],
)
def test_edits_are_found_by_test(old: str, new: str, names: frozenset[str]) -> None:
    assert edited(BEFORE.encode(), BEFORE.replace(old, new, 1).encode() if old else BEFORE.encode()) == names


def test_a_deleted_module_edits_all_its_tests() -> None:
    assert edited(BEFORE.encode(), None) == ALL


def test_what_is_no_python_cannot_be_told() -> None:
    assert edited(b"def (", b"") is None
    assert edited(b"", b"def (") is None


def test_ids_of_both_runners_have_one_qualified_name() -> None:
    assert qualified(TestId("tests/t.py::TestC::test_d[a::b]")) == "TestC.test_d"
    assert qualified(TestId("tests.t.TestC.test_d")) == "TestC.test_d"


def test_all_tests_of_a_file_where_it_cannot_be_told() -> None:
    tests = [TestId("t.py::test_a"), TestId("t.py::test_b[1]")]
    assert among(tests, None) == set(tests)
    assert among(tests, frozenset({"test_b"})) == {"t.py::test_b[1]"}


def test_code_that_the_parser_gives_up_on_cannot_be_told() -> None:
    assert edited(b"def test_a():\n    pass\n", b"x = " + b"-" * 100_000 + b"1\n") is None
