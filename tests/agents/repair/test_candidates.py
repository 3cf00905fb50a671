"""Templates and candidates: what they make parses or is dropped, fits the source, and reaches every kind of bug."""

from __future__ import annotations

import ast
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.repair.candidates import MAX_SOURCE, apply, patched, propose
from agents.repair.pairing import pairs
from agents.repair.sieve import Sieve
from agents.repair.templates import TEMPLATES
from agents.repair.types import Candidate, Edit

SAMPLE = '''"""Of everything a little."""

LIMIT = 10
RATE = 0.5


def search(items, wanted, low=0, high=None, seen=[]):
    """Doc."""
    if high is None:
        high = len(items)
    while low < high and not seen:
        middle = (low + high) // 2 - 1
        if items[middle] < wanted or low == 3 and high:
            low = middle
        elif wanted in items[1:high]:
            return -middle if middle else None
        else:
            high = middle
    seen.append(wanted.strip())
    total = 0
    for item in items:
        total += item
        if item is None:
            continue
        total = total - 1
    print(total)
    return search(items, wanted, low=total)


class Box:
    def __init__(self, width, height):
        self.width = width
        self.height = height
        self.tags = {"a": [1, 2], "b": (3,)}

    def area(self, scale=1.5, exact=True):
        try:
            value = max(self.width, self.height) * scale
        except (KeyError, TypeError):
            raise ValueError("no area") from None
        names = [name.lower() for name in self.tags if name]
        if isinstance(value, int):
            names = sorted(names)
        if names:
            value = value
        kept = names
        kept[0] = value
        while True:
            kept.pop()
        return value, names

    def _other(self):
        yield self.width
        self.area()
        self._clear()

    def _clear(self):
        self.tags = {}
        return self.width > 3
'''


def everywhere(source: str) -> dict[str, dict[int, float]]:
    return {"a.py": dict.fromkeys(range(1, source.count("\n") + 2), 1.0)}


def texts(source: str, most: int = 30_000) -> set[str]:
    found = propose({"a.py": source}, everywhere(source), most=most)
    return {apply(source, candidate.edits) for candidate in found}


def test_every_template_offers_something_for_a_sample_that_holds_every_construct() -> None:
    used = Counter(c.template for c in propose({"a.py": SAMPLE}, everywhere(SAMPLE), most=1_000_000))
    assert {template.name for template in TEMPLATES} == set(used)
    assert len(used) >= 50


def test_nearly_all_candidates_are_python() -> None:
    found = propose({"a.py": SAMPLE}, everywhere(SAMPLE), most=4_000)
    broken = 0
    for candidate in found:
        try:
            ast.parse(apply(SAMPLE, candidate.edits))
        except SyntaxError:
            broken += 1
    assert broken < len(found) / 50


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a <= b\n"),
        ("def f(a, b):\n    return a / b\n", "def f(a, b):\n    return a // b\n"),
        ("def f(a, b):\n    return a and b\n", "def f(a, b):\n    return a or b\n"),
        ("def f(a, b):\n    return a\n", "def f(a, b):\n    return b\n"),
        ("def f(a, b):\n    return g(a, b)\n", "def f(a, b):\n    return g(b, a)\n"),
        ("def f(xs):\n    return xs[0]\n", "def f(xs):\n    return xs[-1]\n"),
        ("def f(xs, i):\n    return xs[i]\n", "def f(xs, i):\n    return xs[i - 1]\n"),
        ("def f(n):\n    return range(n)\n", "def f(n):\n    return range(n + 1)\n"),
        ("def f(xs):\n    return min(xs)\n", "def f(xs):\n    return max(xs)\n"),
        ("def f(xs, x):\n    xs.append(x)\n", "def f(xs, x):\n    xs.extend(x)\n"),
        ("def f(x):\n    if x:\n        return 1\n", "def f(x):\n    if not x:\n        return 1\n"),
        ("def f(x):\n    if x:\n        return 1\n", "def f(x):\n    if x is not None:\n        return 1\n"),
        ("def f(x):\n    return x is 3\n", "def f(x):\n    return x == 3\n"),
        ("def f(x):\n    g(x)\n", "def f(x):\n    return g(x)\n"),
        ("def f(x):\n    y = g(x)\n    h(y)\n    return y\n", "def f(x):\n    y = g(x)\n    return y\n"),
        ("def f(x):\n    return g(x)\n", "def f(x):\n    if not x:\n        return None\n    return g(x)\n"),
        ("def f(x=[]):\n    return x\n", "def f(x=None):\n    if x is None:\n        x = []\n    return x\n"),
        ("def f(x):\n    raise KeyError(x)\n", "def f(x):\n    raise ValueError(x)\n"),
        ("def f(x):\n    x += 1\n    return x\n", "def f(x):\n    x -= 1\n    return x\n"),
        ("def f(s):\n    return s.split(' ')\n", "def f(s):\n    return s.split()\n"),
        ("def f(xs):\n    return sorted(xs)\n", "def f(xs):\n    return sorted(xs, reverse=True)\n"),
        ("def f(d, k):\n    return d[k]\n", "def f(d, k):\n    return d.get(k)\n"),
        ("def f(xs):\n    for x in xs:\n        g(x)\n", "def f(xs):\n    for x in list(xs):\n        g(x)\n"),
        ("def f(xs):\n    for x in xs:\n        break\n", "def f(xs):\n    for x in xs:\n        continue\n"),
        (
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n        return n\n",
            "def f(xs):\n    n = 0\n    for x in xs:\n        n += x\n    return n\n",
        ),
        ("def f(a, b):\n    return a + b * 2\n", "def f(a, b):\n    return (a + b) * 2\n"),
        ("def f(x):\n    return g(x - 1)\n", "def f(x):\n    return g(x)\n"),
        ("def f(n):\n    return n == 0\n", "def f(n):\n    return n <= 1\n"),
        ("def f(a):\n    if a.b:\n        return 1\n", "def f(a):\n    if a is None or a.b:\n        return 1\n"),
        ("def f(a):\n    if a.b:\n        return 1\n", "def f(a):\n    if a and a.b:\n        return 1\n"),
        (
            "def f(a, b):\n    if a.b or b:\n        return 1\n",
            "def f(a, b):\n    if a is not None and (a.b or b):\n        return 1\n",
        ),
        ("def f(n):\n    return True\n", "def f(n):\n    return n == 0\n"),
        ("def f(a, b):\n    return a < b\n", "def f(a, b):\n    return a < b and a > 0\n"),
        ("def f(a, b):\n    return a or b\n", "def f(a, b):\n    return (a or b) and a > 0\n"),
        ("def f(a, b):\n    return a\n", "def f(a, b):\n    return a - b\n"),
        ("def f(x):\n    return g([x])\n", "def f(x):\n    return g(x + [x])\n"),
        ("def f(xs, k):\n    for x in xs:\n        g(x)\n", "def f(xs, k):\n    for x in xs[k:]:\n        g(x)\n"),
        ("def f(n):\n    return []\n", "def f(n):\n    return [n]\n"),
        ("def f(a, b):\n    return (a,)\n", "def f(a, b):\n    return (a, b)\n"),
        ("def f(g, i, j):\n    return g[i, j]\n", "def f(g, i, j):\n    return g[j, i]\n"),
        ("def f(a, b):\n    return (a, b)\n", "def f(a, b):\n    return (b, a)\n"),
        (
            "def f(a, b, k):\n    a[k] = b[k]\n    return b[0]\n",
            "def f(a, b, k):\n    b[k] = b[k]\n    return b[0]\n",
        ),
        (
            "def f(xs):\n    seen = set()\n    for x in xs:\n        g(x)\n    return seen\n",
            "def f(xs):\n    seen = set()\n    for x in xs:\n        g(x)\n        seen.add(x)\n    return seen\n",
        ),
        (
            "def f(x):\n    seen = {0}\n    return seen\n",
            "def f(x):\n    seen = {0}\n    seen.add(x)\n    return seen\n",
        ),
        (
            "def f(xs):\n    seen = make()\n    seen.push(1)\n    for x in xs:\n        g(x)\n",
            "def f(xs):\n    seen = make()\n    seen.push(1)\n    for x in xs:\n        seen.push(x)\n        g(x)\n",
        ),
        (
            "def f(x):\n    last = None\n    while x:\n        x = x.next\n    return last\n",
            "def f(x):\n    last = None\n    while x:\n        last = x\n        x = x.next\n    return last\n",
        ),
        ("def f(a, b, k):\n    a[k].update(b)\n", "def f(a, b, k):\n    a[k] = b\n"),
        (
            "def f(xs):\n    best = 0\n    for x in xs:\n        best = x\n    return best\n",
            "def f(xs):\n    best = 0\n    for x in xs:\n        best = max(best, x)\n    return best\n",
        ),
        ("def f(n):\n    return [1] * n\n", "def f(n):\n    return [1] * (n - 1)\n"),
        (
            "def f(a, b):\n    h(a)\n    return 1\n",
            "def f(a, b):\n    h(a)\n    h(b)\n    return 1\n",
        ),
        (
            "def f(a):\n    return 1\n\n\ndef g(a):\n    a.close()\n",
            "def f(a):\n    a.close()\n    return 1\n\n\ndef g(a):\n    a.close()\n",
        ),
        ("def f(a):\n    if a:\n        g(a)\n    h(a)\n", "def f(a):\n    g(a)\n    h(a)\n"),
        ('def f(xs, by="_"):\n    return by.join(xs)\n', 'def f(xs, by="-"):\n    return by.join(xs)\n'),
        ("def f(a, b):\n    while a and b:\n        g()\n", "def f(a, b):\n    while a and not b:\n        g()\n"),
        ("def f(a):\n    b = a\n    b[0] = 1\n", "def f(a):\n    b = a.copy()\n    b[0] = 1\n"),
        ("def f(a):\n    b = a.c\n    b += [1]\n", "def f(a):\n    b = list(a.c)\n    b += [1]\n"),
        ("def f(a):\n    b = a\n    del b[0]\n", "def f(a):\n    b = list(a)\n    del b[0]\n"),
        ("def f(a):\n    b = a\n    b.pop()\n", "def f(a):\n    b = a.copy()\n    b.pop()\n"),
        ("LIMIT = 10\n\n\ndef f(x):\n    return x < LIMIT\n", "LIMIT = 11\n\n\ndef f(x):\n    return x < LIMIT\n"),
    ],
)
def test_a_known_kind_of_bug_has_its_fix_among_the_candidates(before: str, after: str) -> None:
    assert after in texts(before)


def test_a_container_made_by_what_is_unknown_is_not_filled_by_guess() -> None:
    source = "def f(x):\n    seen = make()\n    kept: list = []\n    n = 5\n    return seen\n"
    assert not any("seen.a" in text for text in texts(source))


def test_nothing_is_put_after_what_leaves_the_block() -> None:
    source = "def f(xs, seen):\n    for x in xs:\n        seen.add(x)\n        break"
    assert not any(text.endswith("break\n        seen.add(xs)\n") for text in texts(source))
    unended = "def f(xs, seen):\n    seen.add(1)"
    assert "def f(xs, seen):\n    seen.add(1)\n    seen.add(xs)\n" in texts(unended)


def test_what_has_many_elements_no_target_to_share_or_several_targets_is_left_alone() -> None:
    source = "def f(a, b):\n    self.update(a)\n    x = y = a\n    x, y = ()\n    return [1, 2, 3, 4], b.strip\n"
    found = {c.template for c in propose({"a.py": source}, everywhere(source), most=100_000)}
    assert "call to assignment" not in found
    assert "extreme of both" not in found
    assert not any("[1, 2, 3, 4, a]" in text for text in texts(source))


def test_what_is_only_read_is_not_copied() -> None:
    source = "a = b\n\n\ndef f(a):\n    b = a\n    c, d = a\n    e = a + a\n    return b.index(a), b[0]\n"
    found = {c.template for c in propose({"a.py": source}, everywhere(source), most=100_000)}
    assert "copy of alias" not in found


def test_of_several_operands_one_is_likelier_to_lack_its_not_than_all() -> None:
    source = "def f(a, b):\n    return 1 if a and b else 2\n"
    found = [apply(source, c.edits) for c in propose({"a.py": source}, everywhere(source), most=100_000)]
    one, all_ = source.replace("and b", "and not b"), source.replace("a and b", "not (a and b)")
    assert found.index(one) < found.index(all_)


def test_what_is_kept_in_an_inner_function_is_its_own_variable_before_an_enclosing_one() -> None:
    source = "def f(start):\n    seen = set()\n\n    def visit(page):\n        g(page)\n\n    visit(start)\n"
    found = [apply(source, c.edits) for c in propose({"a.py": source}, everywhere(source), most=100_000)]
    own, outer = (source.replace("        g", f"        seen.add({name})\n        g") for name in ("page", "start"))
    assert found.index(own) < found.index(outer)


def test_an_edit_leaves_comments_and_odd_formatting_alone() -> None:
    source = "def f( a,b ):  # why\n    return (a   <   b)  # odd\n"
    assert "def f( a,b ):  # why\n    return (a   <=   b)  # odd\n" in texts(source)


def test_suspicion_orders_candidates_and_lines_without_it_have_none() -> None:
    source = "def f(a):\n    x = a < 1\n    y = a < 2\n    return x, y\n"
    found = propose({"a.py": source}, {"a.py": {2: 0.2, 3: 0.9}})
    assert found[0].line == 3
    assert {candidate.line for candidate in found} <= {1, 2, 3}
    assert [c.score for c in found] == sorted((c.score for c in found), reverse=True)


def test_a_loop_head_that_is_compiled_away_has_the_suspicion_of_its_body() -> None:
    source = "def f(queue):\n    while True:\n        queue.pop()\n"
    found = propose({"a.py": source}, {"a.py": {1: 0.5, 3: 1.0}})
    assert source.replace("True", "queue") in {apply(source, candidate.edits) for candidate in found}


def test_nesting_that_would_end_this_process_gives_no_candidates() -> None:
    assert propose({"a.py": "x = " + "-" * 100_000 + "1\n"}, {"a.py": {1: 1.0}}) == []


def test_what_is_no_python_too_long_or_unknown_gives_no_candidates() -> None:
    assert propose({"a.py": "def f(:\n"}, {"a.py": {1: 1.0}}) == []
    assert propose({"a.py": "x = 1\n" * MAX_SOURCE}, {"a.py": {1: 1.0}}) == []
    assert propose({}, {"a.py": {1: 1.0}}) == []


def candidate(*edits: Edit, score: float = 0.5, template: str = "t") -> Candidate:
    return Candidate(edits=edits, template=template, line=1, score=score)


def edit(start: int, end: int, text: str, path: str = "a.py") -> Edit:
    return Edit(path=path, start=start, end=end, text=text)


def test_the_sieve_drops_what_does_not_parse_what_means_the_same_and_repetitions() -> None:
    sieve = Sieve({"a.py": "x = 1 + 2\n"})
    assert sieve.passes(candidate(edit(4, 5, "("))) is None
    assert sieve.passes(candidate(edit(4, 5, "(1)"))) is None
    assert sieve.passes(candidate(edit(4, 5, "3"))) == {"a.py": "x = 3 + 2\n"}
    assert sieve.passes(candidate(edit(4, 5, "(3)"))) is None


def test_pairs_join_helpful_edits_first_and_never_overlapping_ones() -> None:
    a, b, c = candidate(edit(0, 1, "u")), candidate(edit(5, 6, "v")), candidate(edit(0, 2, "w"))
    joined = list(pairs([a, b], [c]))
    assert [p.edits for p in joined] == [(*a.edits, *b.edits), (*c.edits, *b.edits)]
    assert joined[0].template == "t + t"
    assert len(list(pairs([a], [b] * 10, most=3))) == 3


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 40), st.integers(0, 6), st.text("ab\n(+1 ", max_size=6)), min_size=1, max_size=4)
)
def test_edits_apply_in_any_order_and_leave_the_rest_alone(raw: list[tuple[int, int, str]]) -> None:
    source = "".join(chr(ord("A") + n % 26) for n in range(50))
    edits: list[Edit] = []
    for start, length, text in raw:
        one = edit(start, start + length, text)
        if not any(one.overlaps(other) for other in edits):
            edits.append(one)
    result = apply(source, edits)
    assert result == apply(source, reversed(edits))
    assert len(result) == len(source) + sum(len(e.text) - (e.end - e.start) for e in edits)


_EXPRESSIONS = st.recursive(
    st.sampled_from(
        ["a", "b", "0", "1", "xs[0]", "xs[1:]", "'s'", "f(a, b)", "None", "a.b", "not a", "-b", "[]", "1.5"]
    ),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "//", "<", "==", "and", "or", "in"]), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda e: f"g({e})"),
        st.tuples(inner, inner, inner).map(lambda t: f"({t[0]} if {t[1]} else {t[2]})"),
    ),
    max_leaves=6,
)
_STATEMENTS = st.one_of(
    _EXPRESSIONS.map(lambda e: f"    c = {e}\n"),
    _EXPRESSIONS.map(lambda e: f"    if {e}:\n        c = 1\n    else:\n        c = 2\n"),
    _EXPRESSIONS.map(lambda e: f"    for c in {e}:\n        if c:\n            break\n        g(c)\n"),
    _EXPRESSIONS.map(lambda e: f"    return {e}\n"),
    _EXPRESSIONS.map(lambda e: f"    c += {e}\n"),
)


@settings(max_examples=25, deadline=None)
@given(st.lists(_STATEMENTS, min_size=1, max_size=3))
def test_whatever_the_function_every_candidate_parses_or_is_dropped(body: list[str]) -> None:
    source = "def f(a, b, xs, c=0):\n" + "".join(body)
    sieve = Sieve({"a.py": source})
    for one in propose({"a.py": source}, everywhere(source), most=400):
        assert 0 <= one.edits[0].start <= one.edits[0].end <= len(source)
        passed = sieve.passes(one)
        if passed is not None:
            ast.parse(passed["a.py"])
            assert passed == patched({"a.py": source}, one)
            assert passed["a.py"] != source
