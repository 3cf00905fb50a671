"""Statuses out of a command's own output."""

from __future__ import annotations

from sandbox.swebench.grading import Status
from sandbox.swebench.logs import read, read_pytest, read_sympy, read_unittest

PYTEST = """\
collected 9 items

tests/test_a.py .Fsx                                                     [100%]
=========================== short test summary info ============================
PASSED tests/test_a.py::test_one
PASSED tests/test_a.py::test_two[a b]
\x1b[32mPASSED\x1b[0m tests/test_a.py::\x1b[1mtest_green\x1b[0m
SKIPPED [2] tests/test_a.py:12: no reason
XFAIL tests/test_a.py::test_known - the reason
XPASS tests/test_a.py::test_better
FAILED tests/test_a.py::test_three - assert 1 == 2 - no
ERROR tests/test_b.py - ImportError: no module
PASSED
"""


def test_pytests_summary_is_read_with_whole_and_with_cut_ids() -> None:
    assert read_pytest(PYTEST) == {
        "tests/test_a.py::test_one": Status.PASSED,
        "tests/test_a.py::test_two[a b]": Status.PASSED,
        "tests/test_a.py::test_two[a": Status.PASSED,
        "tests/test_a.py::test_green": Status.PASSED,
        "tests/test_a.py::test_known": Status.XFAIL,
        "tests/test_a.py::test_three": Status.FAILED,
        "tests/test_b.py": Status.ERROR,
    }


UNITTEST = """\
test_one (m.Case) ... ok
test_two (m.Case.test_two)
It has a docstring. ... ok
test_three (m.Case) ... skipped 'why not'
test_four (m.Case) ... FAIL
test_five (m.Case) ... some output
of its own
ok
test_six (m.Case) ...
ERROR
test_seven (m.Case) ... expected failure

======================================================================
FAIL: test_four (m.Case)
ERROR: test_eight (m.Case) (i=1)
"""


def test_unittests_lines_are_read_with_docstrings_and_output_in_between() -> None:
    assert read_unittest(UNITTEST) == {
        "test_one (m.Case)": Status.PASSED,
        "It has a docstring.": Status.PASSED,
        "test_three (m.Case)": Status.SKIPPED,
        "test_four (m.Case)": Status.FAILED,
        "test_four": Status.FAILED,
        "test_five (m.Case)": Status.PASSED,
        "test_six (m.Case)": Status.ERROR,
        "test_eight (m.Case) (i=1)": Status.ERROR,
        "test_eight": Status.ERROR,
    }


SYMPY = """\
============================= test process starts ==============================
sympy/core/tests/test_a.py[4]
test_one ok
test_two F
test_three E
test_four f
test_five Skipped
________________________________________________________________________________
___________________ sympy/core/tests/test_a.py:test_two ____________________
"""


def test_sympys_lines_are_read_by_the_functions_names() -> None:
    assert read_sympy(SYMPY) == {
        "test_one": Status.PASSED,
        "test_two": Status.FAILED,
        "test_three": Status.ERROR,
        "sympy/core/tests/test_a.py:test_two": Status.FAILED,
    }


def test_the_reader_that_finds_most_is_the_right_one() -> None:
    assert read(PYTEST) == read_pytest(PYTEST)
    assert read(UNITTEST) == read_unittest(UNITTEST)
    assert read(SYMPY) == read_sympy(SYMPY)
    assert read("nothing at all") == {}
