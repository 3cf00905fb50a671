"""What a run of the tests says before it is judged."""

from __future__ import annotations

from sandbox.foresight import NOTHING, foresight
from sandbox.types import Failure, Red, TestId, TestReport, TestResult, TestStatus

WITNESS, OLD, OTHER = TestId("tests/test_new.py::test_w"), TestId("tests/test_old.py::test_a"), TestId("t.py::test_b")


def red(test: TestId, exception: str = "builtins.AssertionError", path: str = "") -> TestResult:
    failure = Failure(phase="call", exception=exception, message="no module", path=path, line=1)
    return TestResult(id=test, status=TestStatus.FAILED, failure=failure)


def green(test: TestId) -> TestResult:
    return TestResult(id=test, status=TestStatus.PASSED)


def report(*results: TestResult, errors: tuple[Failure, ...] = ()) -> TestReport:
    return TestReport(
        results={result.id: result for result in results}, collection_errors=errors, exit_code=0, complete=True
    )


def test_a_new_test_that_is_red_without_the_change_is_a_witness_whatever_it_is_with_it() -> None:
    for now in (report(red(WITNESS)), report(green(WITNESS))):
        seen = foresight(now, without=report(red(WITNESS)), base=NOTHING, touched=[WITNESS])
        assert [witness.id for witness in seen.witnesses] == [WITNESS]
        assert (seen.not_red, seen.invalid, seen.regressed) == ((), (), ())


def test_a_new_test_that_is_green_without_the_change_proves_nothing() -> None:
    seen = foresight(report(green(WITNESS)), without=report(green(WITNESS)), base=NOTHING, touched=[WITNESS])
    assert (seen.not_red, seen.witnesses) == ((WITNESS,), ())


def test_red_for_want_of_a_name_is_no_witness() -> None:
    missing = report(red(WITNESS, "builtins.ImportError"))
    seen = foresight(report(green(WITNESS)), without=missing, base=NOTHING, touched=[WITNESS])
    assert [invalid.id for invalid in seen.invalid] == [WITNESS]
    assert "could not load" in seen.invalid[0].why
    error = Failure(phase="collect", exception="builtins.ImportError", message="no x", path="tests/test_new.py", line=1)
    seen = foresight(report(green(WITNESS)), without=report(errors=(error,)), base=NOTHING, touched=[WITNESS])
    assert "cannot be collected" in seen.invalid[0].why


def test_tests_of_edited_files_that_base_has_are_not_new() -> None:
    seen = foresight(report(green(OLD)), without=report(green(OLD)), base=report(green(OLD)), touched=[OLD])
    assert seen.not_red == ()


def test_what_is_red_now_is_a_regression_only_where_base_is_green() -> None:
    now = report(red(OLD), red(OTHER), green(WITNESS))
    base = report(green(OLD), red(OTHER))
    seen = foresight(now, without=report(red(WITNESS)), base=base, touched=[WITNESS])
    assert seen.regressed == (Red(id=OLD, why="AssertionError: no module"),)
    assert seen.red_on_base == (OTHER,)
    assert foresight(now, without=NOTHING, base=NOTHING, touched=[]).regressed == (), "unknown is no regression"
