"""What changes that are not enough show all the same, and the order of the pairs that follow from it."""

from __future__ import annotations

from itertools import islice

import pytest

from agents.repair.hints import Hints, Sign, further_pairs, sign
from agents.repair.types import Candidate, Edit, Fault, TestTrace
from sandbox.types import TestId

A, B = TestId("t::a"), TestId("t::b")


def red(
    held: str = "", seen: str = "", *, kind: str = "AssertionError", line: int = 5, slow: bool = False
) -> TestTrace:
    fault = Fault(kind=kind, line=line, place="test_a", words="", held=held, seen=seen)
    return TestTrace(status="failed", seconds=0.1, fault=fault, slow=slow)


GREEN = TestTrace(status="passed", seconds=0.1)


@pytest.mark.parametrize(
    ("before", "after", "gain"),
    [
        (red("00"), red("10"), 0.5),
        (red("000"), red("110"), pytest.approx(2 / 3)),
        (red("10"), red("01"), 0.0),
        (red("0"), red("1"), 0.0),
        (red("00"), red("100"), 0.0),
        (red("00"), red("10", line=6), 0.0),
        (red(), red(), 0.0),
    ],
)
def test_a_gain_is_what_became_right_while_nothing_became_wrong(
    before: TestTrace, after: TestTrace, gain: float
) -> None:
    found = sign({A: before}, {A: after})
    assert found is not None
    assert found.gain == gain


def test_another_failure_is_a_sign_and_the_same_is_none() -> None:
    base = {A: red(seen="x"), B: red(seen="y")}
    same = sign(base, {A: red(seen="x"), B: red(seen="y")})
    assert same == Sign()
    for other in (red(seen="z"), red(seen="x", kind="KeyError"), red(seen="x", line=6), GREEN):
        found = sign(base, {A: other, B: red(seen="y")})
        assert found is not None
        assert found.look


@pytest.mark.parametrize("run", [red(slow=True), red(kind="NameError"), TestTrace(status="timeout", seconds=1.0)])
def test_a_change_that_hangs_or_brings_its_own_failure_is_half_of_nothing(run: TestTrace) -> None:
    assert sign({A: red()}, {A: run}) is None
    hints, one = Hints(), candidate(0)
    hints.note(one, {A: red()}, {A: run})
    assert list(further_pairs([one, candidate(10)], hints)) == []


def candidate(start: int, score: float = 0.5, *, line: int = 1) -> Candidate:
    return Candidate(edits=(Edit(path="a.py", start=start, end=start + 1, text="x"),), template="t", line=line,
                     score=score)  # fmt: skip


def starts(pairs: list[Candidate]) -> list[tuple[int, ...]]:
    return [tuple(edit.start for edit in pair.edits) for pair in pairs]


def test_without_a_sign_the_likeliest_come_first_and_each_pair_once() -> None:
    singles = [candidate(0, 0.9), candidate(10, 0.8), candidate(20, 0.5), candidate(30, 0.1)]
    found = starts(list(further_pairs(singles, Hints())))
    assert found == [(0, 10), (0, 20), (10, 20), (0, 30), (10, 30), (20, 30)]


def test_changes_at_one_place_are_no_pair_and_distance_counts() -> None:
    singles = [candidate(0, 0.9), candidate(1, 0.8), candidate(500, 0.7, line=90), candidate(20, 0.3)]
    assert starts(list(further_pairs(singles, Hints()))) == [(0, 20), (1, 20), (0, 500), (1, 500), (20, 500)]


def test_the_kinds_of_signs_take_turns() -> None:
    singles = [candidate(10 * n, 0.9 - n / 100) for n in range(40)]
    hints = Hints(broke=[singles[30]])
    hints.signs[singles[20]] = Sign(gain=0.5, look=("a",))
    hints.signs[singles[21]] = Sign(gain=0.5, look=("b",))
    hints.signs[singles[5]] = Sign(look=("c",))
    found = starts(list(islice(further_pairs(singles, hints), 6)))
    assert found == [(0, 300), (200, 210), (0, 10), (10, 300), (50, 200), (0, 20)]


def test_changes_that_look_alike_in_one_line_count_less_unless_they_gain() -> None:
    singles = [candidate(10 * n, 0.9 - n / 100, line=n // 3) for n in range(6)]
    hints = Hints(signs={single: Sign(look=("a",)) for single in singles})
    alike = starts(list(further_pairs(singles, hints)))
    assert alike[0] == (0, 30), "one of each line before two of one line"
    assert set(alike) == {(10 * a, 10 * b) for a in range(6) for b in range(a + 1, 6)}


def test_there_is_an_end_to_it() -> None:
    singles = [candidate(10 * n) for n in range(100)]
    assert len(list(further_pairs(singles, Hints(), most=50))) == 50
