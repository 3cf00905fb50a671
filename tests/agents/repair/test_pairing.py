"""Which changes help without being enough, and which pairs are tried, in what order."""

from __future__ import annotations

import pytest

from agents.repair.pairing import closer, pairs, progress
from agents.repair.types import Candidate, Edit, Fault, TestTrace
from sandbox.types import TestId

A, B = TestId("t::a"), TestId("t::b")


def fault(kind: str = "AssertionError", line: int = 5, place: str = "test_a", words: str = "") -> Fault:
    return Fault(kind=kind, line=line, place=place, words=words)


def red(failing: Fault | None = None, *, slow: bool = False) -> TestTrace:
    return TestTrace(status="failed", seconds=0.1, fault=failing, slow=slow)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (fault(line=5), fault(line=6), True),
        (fault(line=5), fault(line=4), False),
        (fault(), fault(words="other"), False),
        (fault("KeyError", place="f"), fault(), True),
        (fault("KeyError", place="f"), fault("TypeError", place="g"), True),
        (fault("KeyError", place="f"), fault("TypeError", place="f"), False),
        (fault("KeyError", place="f"), fault("NameError", place="g"), False),
        (fault(line=5), fault("NameError", line=6), False),
        (None, fault(), True),
        (fault(), None, False),
    ],
)
def test_a_later_failure_is_a_step_and_another_one_at_the_same_place_is_none(
    before: Fault | None, after: Fault | None, expected: bool
) -> None:
    assert closer(before, after) is expected


def test_progress_counts_tests_turned_green_twice_and_later_failures_once() -> None:
    base = {A: red(fault(line=5)), B: red(fault("KeyError", place="f"))}
    green = TestTrace(status="passed", seconds=0.1)
    assert progress(base, {A: green, B: red(fault())}, [A, B]) == 3
    assert progress(base, {A: red(fault(line=5))}, [A, B]) == 0
    assert progress(base, {A: red(fault(line=9), slow=True)}, [A]) == 0
    assert progress({A: red(slow=True)}, {A: red(fault())}, [A]) == 1
    assert progress({}, {A: red(fault())}, [A]) == 0


def candidate(start: int, *, line: int, score: float = 0.5, path: str = "a.py") -> Candidate:
    edit = Edit(path=path, start=start, end=start + 1, text="x")
    return Candidate(edits=(edit,), template="t", line=line, score=score)


def test_helpers_are_joined_with_each_other_first_and_then_with_what_stands_nearby() -> None:
    one, two = candidate(0, line=1), candidate(10, line=2, score=0.4)
    near, far = candidate(20, line=3, score=0.3), candidate(900, line=90, score=0.5)
    elsewhere = candidate(20, line=3, score=0.5, path="b.py")
    joined = [tuple(sorted(e.start for e in p.edits)) for p in pairs([one, two], [far, near, one])]
    assert joined == [(0, 10), (0, 10), (0, 20), (10, 20), (0, 900), (10, 900)]
    assert [p.edits[0].path for p in pairs([one], [elsewhere])] == ["a.py"]
