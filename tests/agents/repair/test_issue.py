"""What can be tested is read from issues as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.repair.issue import Expectation, Kind, read_issue, traceback_lines

TRACEBACK = """```
>>> mean([])
Traceback (most recent call last):
  File "<stdin>", line 1, in <module>
  File "calc/core.py", line 7, in mean
    return total / len(values)
ZeroDivisionError: division by zero
```
"""


def one(body: str, title: str = "Something is wrong") -> Expectation:
    found = read_issue(title, body)
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    ("body", "kind", "subject", "expected"),
    [
        ("`f(1)` returns `2` but should return `3`.", Kind.EQUAL, "f(1)", "3"),
        ("When I call `f(1)` I get `2` instead of `3`.", Kind.EQUAL, "f(1)", "3"),
        ("`f(1)` should be 3, not 2.", Kind.EQUAL, "f(1)", "3"),
        ("`f('')` should return an empty list, but it raises IndexError.", Kind.EQUAL, "f('')", "[]"),
        ("`f('a  b')` gives `a--b` but should give `a-b`", Kind.EQUAL, "f('a  b')", "a-b"),
        ("I expect `f(1) == 3` to hold.", Kind.HOLDS, "f(1) == 3", ""),
        ("`f(None)` should raise `TypeError`.", Kind.RAISES, "f(None)", "TypeError"),
        ("`f(None)` should not raise an exception.", Kind.RUNS, "f(None)", ""),
        ("`f(None)` should not return `0`.", Kind.DIFFERS, "f(None)", "0"),
        ("## What happens\n\n`f(1)` gives `2`.\n\n## What I expected\n\n`3`", Kind.EQUAL, "f(1)", "3"),
        ("`f(1)` gives `2`.\n\nExpected: `3`\nActual: `2`", Kind.EQUAL, "f(1)", "3"),
        ("```python\nprint(f(1))\n```\n\n**Expected:** 3\n**Actual:** 2", Kind.TEXT, "f(1)", "3"),
        ("```python\nf(1)  # returns 2, should be 3\n```", Kind.EQUAL, "f(1)", "3"),
        ("It should look like this:\n\n```\n>>> f(1)\n3\n```", Kind.EQUAL, "f(1)", "3"),
        ("What I get:\n\n```\n>>> f(1)\n2\n```\n\nI expected `3`.", Kind.EQUAL, "f(1)", "3"),
        ("```\n>>> f(1)\n2\n```\nThe correct answer is 3.", Kind.EQUAL, "f(1)", "3"),
        ("Actual:\n```\n>>> f(1)\n2\n```\nExpected:\n```\n3\n```", Kind.EQUAL, "f(1)", "3"),
        (TRACEBACK + "It should return `0`.", Kind.EQUAL, "mean([])", "0"),
        (TRACEBACK + "It should raise ValueError instead.", Kind.RAISES, "mean([])", "ValueError"),
        (TRACEBACK, Kind.RUNS, "mean([])", ""),
        ("Calling\n```python\nf([])\n```\ncrashes:\n```\nTraceback (most recent call last):\n  x\nKeyError: 1\n```",
         Kind.RUNS, "f([])", ""),
        ("Expected:\n\n```\n>>> f(Point(1))\nPoint at 1\n```", Kind.REPR, "f(Point(1))", "Point at 1"),
    ],
)  # fmt: skip
def test_one_statement_is_one_expectation(body: str, kind: Kind, subject: str, expected: str) -> None:
    found = one(body)
    assert (found.kind, found.subject, found.expected) == (kind, subject, expected)


def test_an_assertion_keeps_what_stands_before_it() -> None:
    found = one("```python\nfrom calc import mean\nxs = [1, 2]\nassert mean(xs) == 1.5\n```")
    assert found.setup == ("from calc import mean", "xs = [1, 2]")


def test_a_session_keeps_its_statements_as_set_up() -> None:
    found = one("It should be:\n```\n>>> from shop import Cart\n>>> c = Cart()\n>>> c.total()\n0\n```")
    assert found.setup == ("from shop import Cart", "c = Cart()")


def test_values_of_an_expected_block_belong_to_the_results_in_order() -> None:
    found = read_issue("x", "I get:\n```\n>>> f(1)\n3\n>>> g(2)\n4\n```\nExpected:\n```\n5\n6\n```")
    assert [(e.subject, e.expected) for e in found] == [("f(1)", "5"), ("g(2)", "6")]


def test_a_shown_result_that_the_issue_calls_wrong_is_no_expectation() -> None:
    found = read_issue("x", "```\n>>> f(1)\n'a'\n>>> f(2)\n'ab'\n```\nI expected `'b'` for the second.")
    assert ("f(2)", "'b'") in [(e.subject, e.expected) for e in found]
    assert ("f(2)", "'ab'") not in [(e.subject, e.expected) for e in found]


@pytest.mark.parametrize(
    "body",
    [
        "",
        "Please make it faster. It should be better.",
        "It does not work!",
        "```\nnpm install\n```",
        "`config.toml` is ignored",
    ],
)
def test_an_issue_without_a_call_and_a_result_states_nothing(body: str) -> None:
    assert read_issue("Something", body) == ()


def test_the_title_counts_too() -> None:
    assert one("", title="`f(1)` returns `2` but should return `3`").expected == "3"


def test_frames_of_a_traceback_are_read() -> None:
    assert traceback_lines(TRACEBACK) == [("<stdin>", 1), ("calc/core.py", 7)]


def test_an_enormous_issue_is_cut() -> None:
    body = "\n".join(f"`f({n})` should return `{n}`.\n" for n in range(100_000))
    assert 0 < len(read_issue("x", body)) <= 12


@settings(max_examples=150, deadline=None)
@given(
    st.text(st.sampled_from("`>#*-= \n\t.:()[]'\"\\\0fx1!éTraceback should return Expected Error In[1]:"), max_size=200)
)
def test_no_text_makes_the_reader_fail(text: str) -> None:
    read_issue(text[:40], text)


TWO_SESSIONS = """
```
>>> shelf = Shelf()
>>> shelf.add("a")
1
>>> shelf.names()
['b']
```

What I expected is

```
>>> shelf.names()
['a']
```
"""


def test_a_session_goes_on_in_the_next_block_without_its_questions() -> None:
    wanted = read_issue("Names", TWO_SESSIONS)[-1]
    assert (wanted.subject, wanted.expected) == ("shelf.names()", "['a']")
    assert wanted.setup == ("shelf = Shelf()", 'shelf.add("a")')


def test_a_session_that_defines_its_own_names_begins_anew() -> None:
    body = "```\n>>> s = f(1)\n>>> s.go()\n1\n```\nExpected:\n```\n>>> s = f(2)\n>>> s.go()\n2\n```"
    assert read_issue("Title", body)[-1].setup == ("s = f(2)",)


@pytest.mark.parametrize(
    "aside",
    [
        "Trying it is refused as it should be (and `is_free` says `False`).",
        "It is as it should be because `limit` is what it is.",
        "That should be enough while `retry` runs.",
    ],
)
def test_code_in_an_aside_is_not_what_should_come_out(aside: str) -> None:
    found = read_issue("Title", f"```\n>>> f(1)\n2\n```\n\n{aside}")
    assert [e.expected for e in found] == ["2"]
