"""Which green tests are asked, and in which order."""

from __future__ import annotations

from agents.repair.goal import MOST_HOT_GREEN
from agents.repair.localise import covering, in_order
from agents.repair.types import TestTrace
from sandbox.types import TestId


def trace(seconds: float, path: str = "a.py") -> TestTrace:
    return TestTrace(status="passed", seconds=seconds, lines={path: frozenset({1})})


def test_tests_are_asked_in_the_order_of_the_suite_however_long_they_take() -> None:
    passing = {TestId("slow"): trace(2.0), TestId("fast"): trace(0.1), TestId("elsewhere"): trace(0.1, "b.py")}
    assert covering(passing, ["a.py"], 20.0) == ("slow", "fast")
    assert covering(passing, ["c.py"], 20.0) == ()


def test_of_very_many_the_cheapest_come_first_and_then_the_others_each_in_the_suites_order() -> None:
    slow = {TestId(f"slow {n:03}"): trace(0.2) for n in range(10)}
    fast = {TestId(f"fast {n:03}"): trace(0.1) for n in range(MOST_HOT_GREEN)}
    passing = {**slow, **fast}
    assert covering(passing, ["a.py"], 100.0) == (*fast, *slow)


def test_what_the_order_does_not_know_is_left_out() -> None:
    assert in_order([TestId("c"), TestId("a")], [TestId("a"), TestId("b")]) == ("a",)
