"""Ochiai and what is made of it."""

from __future__ import annotations

from math import isclose, sqrt

from hypothesis import given
from hypothesis import strategies as st

from agents.repair.spectrum import coverers, localise, ochiai


def test_a_line_of_all_red_and_no_green_tests_is_surely_suspicious() -> None:
    assert ochiai(3, 0, 3) == 1.0


def test_a_line_that_no_red_test_executes_is_not_suspicious() -> None:
    assert ochiai(0, 5, 3) == 0.0
    assert ochiai(0, 0, 0) == 0.0


def test_green_tests_make_a_line_less_suspicious() -> None:
    assert isclose(ochiai(1, 3, 1), 0.5)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(1, 50))
def test_suspicion_is_a_share(failed: int, passed: int, more: int) -> None:
    assert 0.0 <= ochiai(failed, passed, failed + more) <= 1.0


def test_lines_are_ranked_by_who_executes_them() -> None:
    red = [{"a.py": frozenset({1, 2, 3})}]
    green = [{"a.py": frozenset({1, 2})}, {"a.py": frozenset({1})}]
    found = localise(red, green)["a.py"]
    assert found[3] == 1.0
    assert isclose(found[2], 1 / sqrt(2))
    assert found[3] > found[2] > found[1]


def test_lines_named_in_a_traceback_weigh_more_but_never_over_one() -> None:
    red = [{"a.py": frozenset({1, 2})}]
    green = [{"a.py": frozenset({1})}]
    plain = localise(red, green)["a.py"]
    named = localise(red, green, {"a.py": frozenset({1, 2})})["a.py"]
    assert named[1] > plain[1]
    assert named[2] == 1.0


def test_who_covers_a_file_executes_a_line_of_it() -> None:
    traces = {"t1": {"a.py": frozenset({1})}, "t2": {"a.py": frozenset[int]()}, "t3": {"b.py": frozenset({1})}}
    assert coverers(traces, "a.py") == {"t1"}
