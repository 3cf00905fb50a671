"""Choosing among plausible candidates, and which tests are worth their time."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest

from agents.repair.behaviour import best
from agents.repair.candidates import patched, propose
from agents.repair.goal import Goal, SearchLimits, SearchResult
from agents.repair.hints import further_pairs
from agents.repair.localise import cheapest, is_test_path
from agents.repair.search import MOST_RESTARTS, Search
from agents.repair.types import Candidate, Edit, Plausible, RunOutcome
from sandbox.types import TestId
from tests.support.repair_env import DirectoryEnvironment

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


RATES = "RATE = 2\n\n\ndef f(n):\n    return n * RATE\n"
RED = TestId("test_a.py::test_f")
FILES = {"a.py": RATES, "test_a.py": "from a import f\n\n\ndef test_f():\n    assert f(2) == 6\n"}
GOAL = Goal(runner="pytest", red=(RED,), covering=(), test_seconds=2.0, slots=1)


def of_the_module() -> list[Candidate]:
    """Changes that only a fresh import shows, none of them right."""
    edits = [Edit(path="a.py", start=7, end=8, text=str(rate)) for rate in range(10, 20)]
    return [Candidate(edits=(edit,), template="t", line=1, score=1.0) for edit in edits]


def test_what_was_sent_ahead_is_not_judged_once_the_search_has_to_end(tmp_path: Path) -> None:
    imported_afresh: list[Mapping[str, str]] = []

    class Counting(Search):
        def _cold_run(
            self, texts: Mapping[str, str], stages: tuple[tuple[TestId, ...], ...], *, stop_on_red: bool
        ) -> RunOutcome:
            imported_afresh.append(texts)
            return super()._cold_run(texts, stages, stop_on_red=stop_on_red)

    environment = DirectoryEnvironment(tmp_path, FILES)
    with Counting(environment, {"a.py": RATES}, GOAL, lambda: bool(imported_afresh)) as search:
        result = search.run(of_the_module(), SearchLimits(seconds=60.0))
    assert (result.ended, result.tried, len(imported_afresh)) == ("stopped", 1, 1)


class Impostor:
    """A worker that answers what nobody asked."""

    def __init__(self) -> None:
        answer = {"end": "complete", "tests": {}, "seconds": 0}
        self._lines = [json.dumps(line) for line in ({"ready": True}, {"id": 0, **answer}, {"id": 999, **answer})]

    def send(self, line: str) -> None:
        pass

    def receive(self, timeout: float) -> str | None:
        return self._lines.pop(0) if self._lines else None

    def close(self) -> None:
        pass


def test_a_worker_that_answers_what_it_was_not_asked_is_lost(tmp_path: Path) -> None:
    class Environment(DirectoryEnvironment):
        def open_lines(self, script: str, arguments: Sequence[str] = ()) -> Impostor:  # type: ignore[override]
            return Impostor()

    with Search(Environment(tmp_path, FILES), {"a.py": RATES}, GOAL, lambda: False) as search:
        candidates = [c for n in range(8) for c in _more(n)]
        result = search.run(candidates, SearchLimits(seconds=60.0))
    assert (result.ended, result.plausible) == ("worker lost", [])


def _more(number: int) -> list[Candidate]:
    edits = [Edit(path="a.py", start=7, end=8, text=str(rate)) for rate in range(100 * number, 100 * number + 10)]
    return [Candidate(edits=(edit,), template="t", line=1, score=1.0) for edit in edits]


KILL = '__import__("os").kill(__import__("os").getppid(), 9)'
"""Ends the worker itself, as running out of memory does, and not only the child that runs the candidate."""
CASE = TestId("test_a.A.test_f")
CASES = {"a.py": RATES, "test_a.py": "import unittest\n\nfrom a import f\n\n\n"
         "class A(unittest.TestCase):\n    def test_f(self):\n        self.assertEqual(f(2), 6)\n"}  # fmt: skip
"""With unittest, which a worker starts in a tenth of the time."""
START, END = RATES.index("n * RATE"), RATES.index("n * RATE") + len("n * RATE")


def returning(*expressions: str) -> list[Candidate]:
    edits = [Edit(path="a.py", start=START, end=END, text=text) for text in expressions]
    return [Candidate(edits=(edit,), template="t", line=5, score=1.0) for edit in edits]


def searched(tmp_path: Path, candidates: list[Candidate], slots: int) -> SearchResult:
    environment = DirectoryEnvironment(tmp_path, CASES, runner="unittest")
    goal = replace(GOAL, runner="unittest", red=(CASE,), slots=slots)
    with Search(environment, {"a.py": RATES}, goal, lambda: False) as search:
        return search.run(candidates, SearchLimits(seconds=60.0))


@pytest.mark.parametrize("slots", [1, 2])
def test_a_candidate_that_takes_the_worker_along_takes_no_other_candidate_along(slots: int, tmp_path: Path) -> None:
    candidates = returning("n", KILL, "n + 9", "0", "n - 1", "n * RATE + n", "n + 7")
    result = searched(tmp_path, candidates, slots)
    assert [p.candidate for p in result.plausible] == [candidates[5]]
    assert (result.lost, result.tried, result.ended) == ([candidates[1]], 6, "exhausted")


def test_a_candidate_that_takes_only_the_fresh_import_along_is_told_too(tmp_path: Path) -> None:
    at_import = [Edit(path="a.py", start=7, end=8, text=text) for text in (KILL, "3")]
    candidates = [Candidate(edits=(edit,), template="t", line=1, score=1.0) for edit in at_import]
    result = searched(tmp_path, candidates, 1)
    assert [p.candidate for p in result.plausible] == [candidates[1]]
    assert (result.lost, result.ended) == ([candidates[0]], "exhausted")


def test_candidates_that_all_take_the_worker_along_end_the_search(tmp_path: Path) -> None:
    candidates = returning(*(f"{KILL} or {number}" for number in range(40)))
    result = searched(tmp_path, candidates, 2)
    assert (result.ended, result.plausible, result.tried) == ("worker lost", [], 0)
    assert 0 < len(result.lost) <= MOST_RESTARTS
    assert len(set(result.lost)) == len(result.lost)


def pieces(source: str, *changes: tuple[str, str]) -> list[Candidate]:
    edits = [Edit(path="a.py", start=source.index(old), end=source.index(old) + len(old), text=new)
             for old, new in changes]  # fmt: skip
    return [Candidate(edits=(edit,), template="t", line=1, score=0.5) for edit in edits]


def case_of(source: str, **bodies: str) -> dict[str, str]:
    tests = "".join(f"    def test_{name}(self):\n        {body}\n\n" for name, body in bodies.items())
    return {"a.py": source, "test_a.py": f"import unittest\n\nfrom a import f\n\n\n"
            f"class A(unittest.TestCase):\n{tests}"}  # fmt: skip


def goal_of(**changes: object) -> Goal:
    goal = replace(GOAL, runner="unittest", red=(TestId("test_a.A.test_red"),))
    return replace(goal, **changes)  # type: ignore[arg-type]


CHARGE = """def f(amount, member):
    base = amount * 2
    discount = amount
    return base - discount if member else base
"""


def test_a_change_that_breaks_a_green_test_is_joined_with_one_that_mends_that(tmp_path: Path) -> None:
    files = case_of(CHARGE, red="self.assertEqual(f(10, False), 30)", green="self.assertEqual(f(10, True), 10)")
    singles = pieces(
        CHARGE, ("base -", "amount -"), ("amount * 2", "amount * 3"), ("else base", "else amount"),
        ("= amount\n", "= base - amount\n"), ("amount * 2", "amount * 4"),
    )  # fmt: skip
    goal = goal_of(covering=(TestId("test_a.A.test_green"),))
    environment = DirectoryEnvironment(tmp_path, files, runner="unittest")
    with Search(environment, {"a.py": CHARGE}, goal, lambda: False) as search:
        result = search.run(singles, SearchLimits(seconds=60.0))
    assert result.hints.broke == [singles[1]]
    (found,) = (p.candidate for p in result.plausible if {*p.candidate.edits} >= {*singles[3].edits})
    assert set(found.edits) == {*singles[1].edits, *singles[3].edits}
    assert result.pairs > 0


SHAPES = (
    "def f(width, height):\n    area = width + height\n    border = 2 * (width - height)\n    return area, border\n"
)


@pytest.mark.parametrize("runner", ["pytest", "unittest"])
def test_two_faults_behind_one_assertion_are_mended_together(runner: str, tmp_path: Path) -> None:
    """No change turns the test green, or makes it fail later: that one value of two became right is the only sign."""
    files, red = case_of(SHAPES, red="self.assertEqual(f(3, 7), (21, 20))"), TestId("test_a.A.test_red")
    if runner == "pytest":
        red = TestId("test_a.py::test_red")
        files["test_a.py"] = "from a import f\n\n\ndef test_red():\n    assert f(3, 7) == (21, 20)\n"
    everywhere = {"a.py": {2: 1.0, 3: 1.0, 4: 1.0}}
    singles = [c for c in propose({"a.py": SHAPES}, everywhere) if c.template in ("arithmetic swap", "other name")]
    assert len(singles) > 20
    environment = DirectoryEnvironment(tmp_path, files, runner=runner)
    goal = goal_of(runner=runner, red=(red,), slots=2)
    with Search(environment, {"a.py": SHAPES}, goal, lambda: False) as search:
        result = search.run(singles, SearchLimits(seconds=60.0, after_first=2.0))
    assert result.partial == []
    mended = SHAPES.replace("width + height", "width * height").replace("width - height", "width + height")
    assert mended in [patched({"a.py": SHAPES}, p.candidate)["a.py"] for p in result.plausible]
    order = [patched({"a.py": SHAPES}, pair)["a.py"] for pair in islice(further_pairs(singles, result.hints), 60)]
    assert mended in order, "what has a sign comes early, of thousands"
