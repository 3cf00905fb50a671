"""Votes on tests and patches."""

from __future__ import annotations

import pytest

from agents.single_shot.ballot import (
    Outcome,
    Sampled,
    Witnesses,
    broken,
    holds,
    judged,
    ranked,
    vote,
    witnesses_met,
)
from sandbox.types import Failure, TestId, TestReport, TestResult, TestStatus

PATH = "tests/test_new.py"
T, U, V = TestId("t"), TestId("u"), TestId("v")


def result(
    status: TestStatus, exception: str = "builtins.AssertionError", *, phase: str = "call", path: str = "src/a.py",
    message: str = "1 != 2", name: TestId = T,
) -> TestResult:  # fmt: skip
    failure = Failure(phase=phase, exception=exception, message=message, path=path) if status.is_red else None
    return TestResult(id=name, status=status, failure=failure)


def judge(*results: TestResult, errors: tuple[Failure, ...] = ()) -> Sampled:
    return judged(PATH, "text", {one.id: one for one in results}, errors)


def test_red_by_behaviour_counts_with_what_it_saw() -> None:
    sample = judge(result(TestStatus.FAILED, message="at 0xdeadbeef\n 1"), result(TestStatus.PASSED, name=U))
    assert (sample.red, sample.observed, sample.why_not) == ((T,), "AssertionError: at 1", "")
    unexplained = judged(PATH, "", {T: TestResult(id=T, status=TestStatus.FAILED)}, ())
    assert (unexplained.red, unexplained.observed) == ((T,), "red")
    deep = judge(result(TestStatus.FAILED, "builtins.TypeError"))
    assert deep.red, "raised in the source, not by the test itself"


@pytest.mark.parametrize(
    ("failed", "why"),
    [
        (result(TestStatus.FAILED, "builtins.ImportError"), "cannot be asked (ImportError)"),
        (result(TestStatus.FAILED, "builtins.TypeError", path=PATH), "cannot be asked (TypeError)"),
        (result(TestStatus.FAILED, "builtins.AttributeError", path=""), "cannot be asked (AttributeError)"),
        (result(TestStatus.ERROR, phase="setup"), "cannot be asked (AssertionError)"),
        (result(TestStatus.PASSED), "green on base"),
        (result(TestStatus.SKIPPED), "did not run"),
    ],
)
def test_what_is_red_for_another_reason_or_not_red_counts_for_nothing(failed: TestResult, why: str) -> None:
    sample = judge(failed)
    assert (sample.red, sample.why_not) == ((), why)


def test_a_file_that_cannot_be_collected_says_so() -> None:
    error = Failure(phase="collect", exception="", message="", path=PATH)
    other = Failure(phase="collect", exception="X", message="", path="tests/other.py")
    assert judge(errors=(other, error)).why_not == "cannot be asked (error)"
    assert judge(errors=(other,)).why_not == "did not run"


def sample(path: str, observed: str, *tests: TestId, text: str = "text") -> Sampled:
    return Sampled(path=path, text=text, red=tests, observed=observed)


def test_samples_that_saw_the_same_speak_for_each_other_and_the_shortest_first() -> None:
    voted = vote(
        [sample("a", "x", T), sample("b", "y", U, text="long"), sample("c", "y", V, text="l"), sample("d", "z")]
    )
    assert [one.path for one in voted.samples] == ["c", "b", "a"]
    assert voted.votes == {"c": 2, "b": 2, "a": 1}
    assert (voted.total, voted.tests) == (5, (V, U, T))
    assert Witnesses().total == 0


def outcome(number: int, *green: TestId, broke: tuple[TestId, ...] = (), size: int = 2, problem: str = "") -> Outcome:
    return Outcome(number=number, files={}, size=size, green=frozenset(green), broken=broke, problem=problem)


TWO = vote([sample("a", "x", T), sample("b", "y", U)])


def test_a_patch_holds_with_half_of_the_votes_nothing_broken_and_all_that_is_demanded() -> None:
    assert holds(outcome(0, T), TWO, ())
    assert not holds(outcome(0), TWO, ())
    assert not holds(outcome(0, T, U, broke=(V,)), TWO, ())
    assert not holds(outcome(0, T, problem="no"), TWO, ())
    assert not holds(outcome(0, T), TWO, (V,))
    assert holds(outcome(0, V), Witnesses(), (V,))
    assert not holds(outcome(0), Witnesses(), ()), "nothing was shown"
    assert [one.path for one in witnesses_met(outcome(0, U), TWO)] == ["b"]


def test_the_order_is_what_holds_then_votes_then_agreement_then_size() -> None:
    many = [
        outcome(0, T, U, broke=(V,)), outcome(1, T, size=1), outcome(2, T, U, size=9), outcome(3, T, U, size=3),
        outcome(4, problem="no"), outcome(5),
    ]  # fmt: skip
    assert [one.number for one in ranked(many, TWO, ())] == [3, 2, 1, 5, 0]
    agreed = [outcome(0, T, size=1), outcome(1, U, size=5), outcome(2, U, size=4)]
    assert [one.number for one in ranked(agreed, TWO, ())] == [2, 1, 0]


def test_what_was_green_and_is_not_any_more_is_broken_missing_or_red() -> None:
    base = TestReport(results={n: result(TestStatus.PASSED, name=n) for n in (T, U, V)})
    now = TestReport(results={T: result(TestStatus.FAILED), U: result(TestStatus.PASSED, name=U)})
    assert broken(base, now, ()) == (T, V)
    assert broken(base, now, (V,)) == (T,)
