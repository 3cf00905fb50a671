"""Guards for what may run out or be missing: which are offered, and that they come early."""

from __future__ import annotations

import pytest

from agents.repair.candidates import apply, propose
from agents.repair.types import Candidate

GUARDS = ("loop until empty", "index in range", "guard before")


def offered(source: str, *templates: str) -> list[Candidate]:
    everywhere = {"a.py": dict.fromkeys(range(1, source.count("\n") + 2), 1.0)}
    found = propose({"a.py": source}, everywhere, most=100_000)
    return [candidate for candidate in found if not templates or candidate.template in templates]


def texts(source: str, *templates: str) -> list[str]:
    return [apply(source, candidate.edits) for candidate in offered(source, *templates)]


ENDLESS = "def f(jobs):\n    done = []\n    while {}:\n        job = {}\n        done.append(job)\n    return done\n"


@pytest.mark.parametrize(
    "taken", ["jobs.pop()", "jobs.popleft()", "jobs.get_nowait()", "heappop(jobs)", "heapq.heappop(jobs)", "jobs[0]"]
)
def test_a_loop_without_an_end_ends_with_what_it_takes_from(taken: str) -> None:
    for endless in ("True", "1"):
        after = texts(ENDLESS.format(endless, taken), "loop until empty")
        assert ENDLESS.format("jobs", taken) in after


def test_a_loop_with_another_end_ends_also_with_what_it_takes_from() -> None:
    after = texts(ENDLESS.format("len(done) < 3", "jobs.pop()"), "loop until empty")
    assert after == [ENDLESS.format("jobs and len(done) < 3", "jobs.pop()")]
    either = texts(ENDLESS.format("not done or done[-1]", "jobs.pop()"), "loop until empty")
    assert ENDLESS.format("jobs and (not done or done[-1])", "jobs.pop()") in either
    assert texts(ENDLESS.format("jobs", "jobs.pop()"), "loop until empty") == []


@pytest.mark.parametrize("taken", ["jobs.pop(0, None)", "make().pop()", "jobs[1]", "jobs.index(1)", "other.pop()"])
def test_what_cannot_run_out_or_is_no_variable_ends_no_loop(taken: str) -> None:
    assert texts(ENDLESS.format("True", taken), "loop until empty") == []


def test_a_loop_that_follows_links_ends_where_they_end() -> None:
    source = "def f(node):\n    while True:\n        node = node.next\n        other = node.value\n        g(node)\n"
    after = texts(source, "loop until empty")
    assert after == [source.replace("True", "node"), source.replace("True", "node is not None")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("xs[i] == 1", "i < len(xs) and xs[i] == 1"),
        ("xs[i + 1] == 1", "i + 1 < len(xs) and xs[i + 1] == 1"),
        ("xs[i]", "i in xs and xs[i]"),
        ("xs[i] or i", "i < len(xs) and (xs[i] or i)"),
        ("(xs[i] or i)", "(i < len(xs) and (xs[i] or i))"),
        ("i in xs and xs[i]", "i < len(xs) and i in xs and xs[i]"),
    ],
)
def test_a_condition_looks_only_where_something_is(before: str, after: str) -> None:
    source = "def f(xs, i):\n    while {}:\n        i += 1\n    return i\n"
    assert source.format(after) in texts(source.format(before), "index in range")


@pytest.mark.parametrize("condition", ["xs[0]", "g()[i]", "xs[i:]", "xs[g()]", "i in xs"])
def test_a_condition_that_indexes_by_no_variable_gets_no_range(condition: str) -> None:
    assert texts(f"def f(xs, i):\n    if {condition}:\n        return i\n", "index in range") == []


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        ("return node.value", "if node is None:\n        return 0"),
        ("return node.value", "if node is None:\n        return []"),
        ("x = node[0]", "if not node:\n        return None"),
        ("x = xs.pop()", "if not xs:\n        return False"),
        ("x = xs[node]", "if node >= len(xs):\n        return None"),
        ("x = xs[node]", 'if node not in xs:\n        return ""'),
    ],
)
def test_a_function_leaves_before_what_cannot_be_done(statement: str, guard: str) -> None:
    source = f"def f(node, xs):\n    {statement}\n"
    assert f"def f(node, xs):\n    {guard}\n    {statement}\n" in texts(source)


def test_a_statement_is_done_only_when_it_can_be() -> None:
    source = "def f(xs, seen):\n    for x in xs:\n        seen[x] += x.size\n"
    after = texts(source, "guard before")
    head = "def f(xs, seen):\n    for x in xs:\n        "
    for condition in ("x is not None", "x in seen"):
        assert f"{head}if {condition}:\n            seen[x] += x.size\n" in after
    for leave in ("continue", "break"):
        assert f"{head}if x is None:\n            {leave}\n        seen[x] += x.size\n" in after


def test_a_loop_over_what_may_be_missing_is_passed_over() -> None:
    source = "def f(tree):\n    for child in tree.children:\n        g(child)\n    for x in tree:\n        g(x)\n"
    after = texts(source)
    assert source.replace("    for child", "    if tree is None:\n        return None\n    for child") in after


def test_attributes_of_the_instance_are_guarded_and_modules_are_not() -> None:
    source = (
        "import os\n\n\nclass A:\n    def __init__(self):\n        self.queue = []\n\n"
        "    def take(self):\n        os.remove(self.queue.pop())\n"
    )
    after = texts(source, "guard before")
    take = "        os.remove(self.queue.pop())\n"
    assert source.replace(take, f"        if not self.queue:\n            return None\n{take}") in after
    assert not any("os is None" in text or "self is None" in text for text in after)


def test_nothing_is_guarded_outside_of_functions_in_docstrings_or_on_the_line_of_a_head() -> None:
    source = 'x = y[0]\n\n\ndef f(xs):\n    """A text."""\n    ys = xs\n    g(\n        ys[0],\n    )\n\n\n'
    source += "def h(xs): xs.pop()\n"
    after = texts(source, "guard before")
    assert after
    assert all("    ys = xs\n    if not ys:\n" in text for text in after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ENDLESS.format("True", "jobs.pop()"), ENDLESS.format("jobs", "jobs.pop()")),
        (
            "def f(text, at):\n    while text[at] == ' ':\n        at += 1\n    return at\n",
            "def f(text, at):\n    while at < len(text) and text[at] == ' ':\n        at += 1\n    return at\n",
        ),
        (
            "def f(user):\n    name = user.name\n    return name.title()\n",
            "def f(user):\n    if user is None:\n        return None\n    name = user.name\n    return name.title()\n",
        ),
    ],
)
def test_such_a_guard_is_among_the_first_hundred(before: str, after: str) -> None:
    assert after in texts(before)[:100]
