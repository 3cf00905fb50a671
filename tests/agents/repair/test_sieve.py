"""What is dropped before anything runs: what does not compile, and what compiles to what was there or was tried."""

from __future__ import annotations

import pytest

from agents.repair.sieve import Sieve, compiled
from agents.repair.types import Candidate, Edit

SOURCE = '''"""A module."""

RATE = 2


class Box:
    @property
    def area(self):
        if self.width == 0:
            return 0
        return self.width * RATE


def total(items, start=0):
    result = start
    for item in items:
        result += item
    return result
'''


def change(before: str, after: str, source: str = SOURCE, path: str = "a.py") -> Candidate:
    start = source.index(before)
    return Candidate(
        edits=(Edit(path=path, start=start, end=start + len(before), text=after),), template="t", line=1, score=0.5
    )


@pytest.mark.parametrize(
    "candidate",
    [
        change("result += item", "result += (item"),
        change("result = start", "break"),
        change("result = start", "nonlocal item"),
        change("result += item", "result  +=  item  # the same"),
        change("return result", "return (result)"),
        change("self.width == 0", "(self.width == 0)"),
        change("RATE = 2", "RATE = 1 + 1"),
        change("RATE = 2", "RATE = ("),
    ],
)
def test_what_does_not_compile_or_means_the_same_is_dropped(candidate: Candidate) -> None:
    assert Sieve({"a.py": SOURCE}).passes(candidate) is None


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (change("result += item", "result -= item"), change("result += item", "result  -=  item")),
        (change("self.width * RATE", "self.width + RATE"), change("width * RATE", "width + (RATE)")),
        (change("RATE = 2", "RATE = 3"), change("2", "3")),
        (change("not_there" if False else "start=0", "start=1"), change("start=0", "start=(1)")),
    ],
)
def test_what_was_tried_is_dropped_however_it_is_spelt(first: Candidate, second: Candidate) -> None:
    sieve = Sieve({"a.py": SOURCE})
    passed = sieve.passes(first)
    assert passed is not None
    assert passed["a.py"] != SOURCE
    assert sieve.passes(second) is None


def test_the_same_text_in_another_function_or_file_is_another_candidate() -> None:
    source = "def f(a):\n    return a + 1\n\n\ndef g(a):\n    return a + 1\n"
    sieve = Sieve({"a.py": source, "b.py": source})
    second = source.rindex("+")
    edits = [
        Edit(path=p, start=s, end=s + 1, text="-")
        for p, s in (("a.py", source.index("+")), ("a.py", second), ("b.py", second))
    ]
    for edit in edits:
        assert sieve.passes(Candidate(edits=(edit,), template="t", line=1, score=0.5)) is not None
    both = Candidate(edits=(edits[0], edits[2]), template="t + t", line=1, score=0.5)
    assert sieve.passes(both) is not None, "two changes in two files"
    assert sieve.passes(both) is None
    across = Candidate(edits=(edits[0], edits[1]), template="t + t", line=1, score=0.5)
    assert sieve.passes(across) is not None, "two functions of one file"


def test_a_base_file_that_does_not_compile_has_no_functions_but_can_be_mended() -> None:
    broken = "def f(:\n    return 1\n"
    assert Sieve({"a.py": broken}).passes(change("(:", "():", broken)) is not None


def test_an_indented_function_is_compiled_like_any_other() -> None:
    assert compiled("    def f(self):\n        return 1\n") == compiled("  def f(self):\n      return 1\n")
    assert compiled("    def f(self):\n        return (\n") is None
