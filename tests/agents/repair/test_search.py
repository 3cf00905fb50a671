"""Choosing among plausible candidates, and which tests are worth their time."""

from __future__ import annotations

from agents.repair.behaviour import best
from agents.repair.localise import cheapest, is_test_path
from agents.repair.types import Candidate, Edit, Plausible
from sandbox.types import TestId

SOURCE = "one = 1\ntwo = 2\nthree = 3\n"


def plausible(text: str, score: float, *, fixed: int = 1, start: int = 0) -> Plausible:
    edit = Edit(path="a.py", start=start, end=start + 7, text=text)
    candidate = Candidate(edits=(edit,), template="t", line=1, score=score)
    return Plausible(candidate=candidate, fixed=frozenset(TestId(str(n)) for n in range(fixed)))


def first(*found: Plausible) -> Plausible:
    return best(found, {"a.py": SOURCE})[0]


def test_the_change_that_fixes_more_comes_first() -> None:
    more = plausible("a\nb\nc", 0.1, fixed=2)
    assert first(plausible("one = 2", 0.9), more) is more


def test_of_equally_likely_changes_the_smaller_comes_first() -> None:
    small = plausible("one = 2", 0.5)
    assert first(plausible("one = 2\nx = 1\ny = 2", 0.5), small) is small


def test_a_much_likelier_kind_of_change_may_take_more_lines() -> None:
    idiom = plausible("one = 2\nx = 1\ny = 2", 0.8)
    assert first(plausible("one = 9", 0.1), idiom) is idiom


def test_the_cheapest_tests_come_first_and_one_always() -> None:
    tests = {TestId("slow"): 5.0, TestId("fast"): 0.1, TestId("middle"): 1.0}
    assert cheapest(tests, 2.0) == ("fast", "middle")
    assert cheapest({TestId("slow"): 5.0}, 1.0) == ("slow",)
    assert cheapest(tests, 100.0, most=1) == ("fast",)


def test_tests_and_build_scripts_are_never_edited() -> None:
    for path in ("tests/a.py", "pkg/tests/a.py", "test_a.py", "a_test.py", "conftest.py", "setup.py", "test/a.py"):
        assert is_test_path(path), path
    for path in ("pkg/a.py", "src/testing_grounds.py", "pkg/contest.py"):
        assert not is_test_path(path), path
