"""What makes a red test evidence of behaviour. Pure."""

from __future__ import annotations

import pytest

from sandbox.behaviour import describe, wrong_reason
from sandbox.types import Failure, TestId, TestResult, TestStatus


def red(exception: str, message: str, path: str = "tests/test_a.py", phase: str = "call") -> TestResult:
    failure = Failure(phase=phase, exception=exception, message=message, path=path, line=7)
    return TestResult(id=TestId("tests/test_a.py::test_x"), status=TestStatus.FAILED, failure=failure)


@pytest.mark.parametrize(
    ("exception", "message", "path"),
    [
        ("builtins.AssertionError", "assert 1 == 2", "tests/test_a.py"),
        ("builtins.ValueError", "bad", "shelf/books.py"),
        ("builtins.KeyError", "'x'", "tests/test_a.py"),
        ("_pytest.outcomes.Failed", "DID NOT RAISE <class 'ValueError'>", "tests/test_a.py"),
        ("builtins.AttributeError", "'NoneType' object has no attribute 'group'", "tests/test_a.py"),
        ("builtins.AttributeError", "'str' object has no attribute 'isoformat'", "tests/test_a.py"),
        ("builtins.AttributeError", "'Book' object has no attribute 'shelf'", "shelf/books.py"),
        ("builtins.AttributeError", "something else", "tests/test_a.py"),
        ("builtins.NameError", "name 'x' is not defined", "shelf/books.py"),
        ("builtins.UnboundLocalError", "cannot access local variable 'x'", "tests/test_a.py"),
        ("builtins.TypeError", "unsupported operand type(s) for +: 'int' and 'str'", "tests/test_a.py"),
        ("builtins.TypeError", "f() missing 1 required positional argument: 'x'", "shelf/books.py"),
        ("builtins.RecursionError", "maximum recursion depth exceeded", ""),
        ("shelf.errors.SyntaxError", "in the tenant's own language", "shelf/books.py"),
    ],
)
def test_a_failure_of_what_the_code_does_is_evidence(exception: str, message: str, path: str) -> None:
    assert wrong_reason(red(exception, message, path)) == ""


@pytest.mark.parametrize(
    ("exception", "message"),
    [
        ("builtins.ImportError", "cannot import name 'x' from 'shelf'"),
        ("builtins.ModuleNotFoundError", "No module named 'x'"),
        ("builtins.SyntaxError", "invalid syntax"),
        ("java.lang.NoSuchMethodError", "'int garage.Tariff.hours(int)'"),
        ("java.lang.ClassNotFoundException", "garage.Hours"),
        ("builtins.AttributeError", "module 'shelf.books' has no attribute 'x'"),
        ("builtins.AttributeError", "type object 'Book' has no attribute 'x'"),
        ("builtins.AttributeError", "'Book' object has no attribute 'x'"),
        ("builtins.AttributeError", "<module 'shelf' from '/x'> does not have the attribute 'y'"),
        ("builtins.NameError", "name 'x' is not defined"),
        ("builtins.TypeError", "f() got an unexpected keyword argument 'x'"),
        ("builtins.TypeError", "f() takes 1 positional argument but 2 were given"),
        ("builtins.TypeError", "f() missing 1 required positional argument: 'x'"),
        ("builtins.TypeError", "Book() takes no arguments"),
    ],
)
@pytest.mark.parametrize("path", ["tests/test_a.py", ""])
def test_something_missing_is_no_evidence(exception: str, message: str, path: str) -> None:
    assert wrong_reason(red(exception, message, path)) != ""


def test_red_outside_of_the_test_s_body_is_no_evidence() -> None:
    assert wrong_reason(red("builtins.AssertionError", "x", phase="setup")) == "failed in setup, not in the test itself"


def test_a_strict_unexpected_pass_is_no_evidence() -> None:
    assert "no exception" in wrong_reason(red("", "[XPASS(strict)] known bug"))


@pytest.mark.parametrize("result", [TestResult(id=TestId("x"), status=TestStatus.FAILED), red("", "")])
def test_red_without_a_reason_is_no_evidence(result: TestResult) -> None:
    assert wrong_reason(result) == "the run does not say why it failed"


def test_a_failure_is_told_in_one_line() -> None:
    failure = Failure(phase="call", exception="builtins.ValueError", message="one\ntwo", path="a.py", line=3)
    assert describe(failure) == "ValueError: one (a.py:3)"
    assert describe(Failure(phase="setup", exception="", message="")) == "setup"
    assert describe(Failure(phase="call", exception="a.B", message="")) == "a.B"


@pytest.mark.parametrize(
    ("test", "path"), [("check_new.py::test_x", "check_new.py"), ("pkg.testnew.Case.test_x", "src/pkg/testnew.py")]
)
def test_a_missing_name_in_a_test_file_of_unusual_name_is_no_evidence(test: str, path: str) -> None:
    failure = Failure(phase="call", exception="builtins.NameError", message="name 'x' is not defined", path=path)
    result = TestResult(id=TestId(test), status=TestStatus.FAILED, failure=failure)
    assert wrong_reason(result).startswith("only a symbol or parameter is missing")
