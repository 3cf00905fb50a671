"""One result under all the names that the harness might expect it by."""

from __future__ import annotations

import pytest

from sandbox.swebench.grading import Status
from sandbox.swebench.ids import Style, names, statuses
from sandbox.types import Failure, TestId, TestReport, TestResult, TestStatus


def result(id_: str, status: TestStatus = TestStatus.PASSED, **more: object) -> TestResult:
    return TestResult(id=TestId(id_), status=status, **more)  # type: ignore[arg-type]


def report(*results: TestResult) -> TestReport:
    return TestReport(results={r.id: r for r in results}, complete=True, exit_code=0)


@pytest.mark.parametrize(
    ("id_", "expected"),
    [
        ("t/test_a.py::test_x[a b-c]", "t/test_a.py::test_x[a"),
        ("t/test_a.py::test_x[a\tb  c]", "t/test_a.py::test_x[ab c]"),
        ("t/test_a.py::test_x[/long/path/name]", "t/test_a.py::test_x[/name]"),
        ("t/test_a.py::test_x[//long/path]", "t/test_a.py::test_x[//long/path]"),
        ("t/test_a.py::test_x[/a/*]", "t/test_a.py::test_x[/a/*]"),
        ("t/test_a.py::test_x[MouseButton.LEFT-MouseButton.RIGHT]", "t/test_a.py::test_x[1-3]"),
        ("sympy/core/tests/test_a.py::test_x", "test_x"),
        ("tests/auth/test_a.py::Case::test_x", "test_x (auth.test_a.Case)"),
        ("tests/auth/test_a.py::Case::test_x", "test_x (auth.test_a.Case.test_x)"),
        ("tests/auth/test_a.py::Case::test_x", "test_x (tests.auth.test_a.Case)"),
    ],
)
def test_pytests_ids_are_known_as_the_log_shows_them(id_: str, expected: str) -> None:
    assert expected in names(result(id_), Style.PYTEST)


@pytest.mark.parametrize(
    "expected",
    ["a.test_b.Case.test_x", "test_x (a.test_b.Case)", "test_x (test_b.Case.test_x)", "a/test_b.py::Case::test_x"],
)
def test_unittests_ids_are_known_as_the_log_shows_them(expected: str) -> None:
    assert expected in names(result("a.test_b.Case.test_x"), Style.UNITTEST)


def test_a_docstrings_first_line_is_a_name_of_the_test() -> None:
    assert "It works." in names(result("m.Case.test_x", title="It works."), Style.UNITTEST)


@pytest.mark.parametrize("id_", ["test_x", "Case.test_x", "..test_x", ""])
def test_odd_ids_of_unittest_have_few_names(id_: str) -> None:
    assert list(names(result(id_), Style.UNITTEST)) == [name for name in [id_] if name]


def test_other_runners_ids_are_known_without_their_file() -> None:
    assert list(names(result("pkg/a::TestX/sub"), Style.OTHER)) == ["pkg/a::TestX/sub", "TestX/sub"]


def test_an_id_of_nothing_but_space_is_no_name_in_the_log() -> None:
    assert list(names(result("  "), Style.PYTEST)) == ["  "]


@pytest.mark.parametrize(
    ("status", "pytest_word", "unittest_word"),
    [
        (TestStatus.PASSED, Status.PASSED, Status.PASSED),
        (TestStatus.FAILED, Status.FAILED, Status.FAILED),
        (TestStatus.ERROR, Status.ERROR, Status.ERROR),
        (TestStatus.XFAILED, Status.XFAIL, None),
        (TestStatus.XPASSED, None, None),
        (TestStatus.SKIPPED, None, Status.SKIPPED),
    ],
)
def test_outcomes_have_the_words_that_the_harness_reads(
    status: TestStatus, pytest_word: Status | None, unittest_word: Status | None
) -> None:
    made = report(result("m.C.test", status))
    assert statuses(made, Style.PYTEST).get("m.C.test") is pytest_word
    assert statuses(made, Style.UNITTEST).get("m.C.test") is unittest_word


def test_a_test_that_broke_its_tear_down_passed_to_the_harnesss_second_parser() -> None:
    broken = Failure(phase="teardown", exception="builtins.ValueError", message="no")
    made = report(result("a.py::t[x]", TestStatus.ERROR, failure=broken))
    assert statuses(made, Style.PYTEST_LINES) == {"a.py::t[x]": Status.PASSED}
    assert statuses(made, Style.PYTEST) == {"a.py::t[x]": Status.ERROR}


def test_a_call_of_xfail_is_an_xfail_to_pytest() -> None:
    made = report(result("a.py::t", TestStatus.SKIPPED, called_xfail=True))
    assert statuses(made, Style.PYTEST) == {"a.py::t": Status.XFAIL, "t": Status.XFAIL}


def test_of_several_tests_with_one_name_the_worst_counts() -> None:
    one, two, three = result("a.py::t[x y]"), result("a.py::t[x z]", TestStatus.FAILED), result("a.py::t[x w]")
    for order in ((one, two, three), (two, one, three), (three, one, two)):
        found = statuses(report(*order), Style.PYTEST)
        assert found["a.py::t[x"] is Status.FAILED
        assert found["a.py::t[x y]"] is Status.PASSED
