"""Which of several plausible candidates is proposed: fixes most, breaks nothing, agrees with others, is small."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.repair.behaviour import Behaviour, best, changed_lines, chosen_calls, compare, stable, takes_away
from agents.repair.candidates import patched
from agents.repair.comparing import Comparison, behaviours, observe
from agents.repair.types import Candidate, Edit, Plausible, RecordedCall
from agents.repair.warm import WarmWorker, WorkerConfig
from sandbox.types import TestId
from tests.support.repair_env import DirectoryEnvironment

GREEN, RED = TestId("t::green"), TestId("t::red")


def call(test: TestId = GREEN, *, outer: bool = True, data: str = "x", name: str = "f") -> RecordedCall:
    return RecordedCall(module="m", name=name, outer=outer, data=data, test=test)


def behaviour(
    *, green_changed: int = 0, changed: int = 0, broken: int = 0, asked: int = 10, opinion: str = ""
) -> Behaviour:
    told = ((opinion,),) if opinion else ()
    return Behaviour(green_changed=green_changed, changed=changed, broken=broken, asked=asked, opinion=told)


def plausible(source: str, before: str, after: str, score: float = 0.5) -> Plausible:
    start = source.index(before)
    edit = Edit(path="a.py", start=start, end=start + len(before), text=after)
    candidate = Candidate(edits=(edit,), template="t", line=1, score=score)
    return Plausible(candidate=candidate, fixed=frozenset({RED}))


SOURCE = "def f(x):\n    y = x + 1\n    return y\n"


def order(found: list[Plausible], seen: dict[Candidate, Behaviour]) -> list[Plausible]:
    return best(found, {"a.py": SOURCE}, seen)


def test_a_candidate_that_answers_green_calls_otherwise_comes_last() -> None:
    breaks, keeps = plausible(SOURCE, "+ 1", "+ 2", 0.9), plausible(SOURCE, "+ 1", "+ 3", 0.01)
    seen = {breaks.candidate: behaviour(green_changed=1), keeps.candidate: behaviour()}
    assert order([breaks, keeps], seen) == [keeps, breaks]


def test_a_candidate_that_takes_statements_away_comes_after_those_that_do_not() -> None:
    deletes, changes = plausible(SOURCE, "    y = x + 1\n", "", 0.9), plausible(SOURCE, "+ 1", "+ 3", 0.01)
    assert order([deletes, changes], {}) == [changes, deletes]
    assert takes_away(deletes.candidate, {"a.py": SOURCE})
    assert not takes_away(changes.candidate, {"a.py": SOURCE})


def test_a_statement_replaced_by_pass_is_taken_away_and_unreadable_text_counts_as_none() -> None:
    emptied = plausible(SOURCE, "y = x + 1", "pass")
    assert takes_away(emptied.candidate, {"a.py": SOURCE})
    assert takes_away(plausible(SOURCE, "y = x + 1", "y = (").candidate, {"a.py": SOURCE})


def test_candidates_that_behave_alike_are_one_opinion_and_add_up() -> None:
    alone = plausible(SOURCE, "+ 1", "+ 2", 0.5)
    first, second = plausible(SOURCE, "+ 1", "+ 3", 0.3), plausible(SOURCE, "x + 1", "3 + x", 0.3)
    seen = {
        alone.candidate: behaviour(opinion="a"),
        first.candidate: behaviour(opinion="b"),
        second.candidate: behaviour(opinion="b"),
    }
    assert order([alone, second, first], seen)[-1] is alone
    assert order([alone, second, first], {})[0] is alone


def test_within_an_opinion_the_smaller_comes_first() -> None:
    small = plausible(SOURCE, "+ 1", "+ 2", 0.5)
    large = plausible(SOURCE, "y = x + 1", "y = x\n    y += 1\n    y += 1", 0.5)
    seen = {small.candidate: behaviour(opinion="a"), large.candidate: behaviour(opinion="a")}
    assert order([large, small], seen) == [small, large]
    assert changed_lines(large.candidate, {"a.py": SOURCE}) == 3


def test_of_equal_candidates_the_one_that_changes_less_comes_first_and_failing_is_the_worst_change() -> None:
    little, much, fails = (plausible(SOURCE, "+ 1", f"+ {n}") for n in (2, 3, 4))
    seen = {
        little.candidate: behaviour(changed=1, opinion="a"),
        much.candidate: behaviour(changed=4, opinion="b"),
        fails.candidate: behaviour(changed=4, broken=4, opinion="c"),
    }
    assert order([fails, much, little], seen) == [little, much, fails]
    assert behaviour(asked=0).distance == 0.0


def test_what_is_counted_are_the_variants_of_green_calls_that_base_answered() -> None:
    calls = [call(), call(RED), call(outer=False)]
    base = [["v1", "v2", "raised ValueError", "v3"], ["v1", "v1"], ["v1", "v1"]]
    new = [["v1", "v9", "v8", "slow"], ["v7", "v7"], ["v7", "v7"]]
    seen = compare(calls, frozenset({GREEN}), base, new)
    assert (seen.green_changed, seen.changed, seen.broken, seen.asked) == (0, 2, 1, 2)
    other = compare(calls, frozenset({GREEN}), base, [["raised KeyError", "v2", "v0", "v3"]])
    assert (other.green_changed, other.changed, len(other.opinion)) == (1, 0, 1)


def test_what_base_itself_answers_in_two_ways_says_nothing() -> None:
    base = stable([["v1", "v2"]], [["v1", "v3"]])
    assert base == [["v1", ""]]
    seen = compare([call()], frozenset({GREEN}), base, [["v1", "v4"]])
    assert (seen.asked, seen.opinion) == (0, (("v1", ""),))


def test_calls_are_chosen_in_turns_over_the_tests_and_each_once() -> None:
    one, two = TestId("one"), TestId("two")
    calls = [
        call(one, data="a"),
        call(one, data="b"),
        call(one, outer=False, data="c"),
        call(two, data="a"),
        call(two, data="d"),
    ]
    assert [(c.test, c.data) for c in chosen_calls(calls, 10)] == [
        ("one", "a"),
        ("two", "d"),
        ("one", "b"),
        ("one", "c"),
    ]
    assert len(chosen_calls(calls, 2)) == 2
    assert chosen_calls([], 5) == ()


# --- with the real worker ----------------------------------------------------------------------------------------

LAST = '''def last_index(items, wanted):
    """Where the last one is; -1: nowhere."""
    found = -1
    for position, item in enumerate(items):
        if item == wanted:
            found = position
            break
    return found
'''
LAST_TESTS = """from last import last_index


def test_the_last_of_two():
    assert last_index([1, 2, 1], 1) == 2


def test_only_one():
    assert last_index([1, 2], 2) == 1
    assert last_index([3, 4, 5], 4) == 1


def test_none():
    assert last_index([], 1) == -1
"""
LAST_RED = TestId("test_last.py::test_the_last_of_two")
LAST_GREEN = (TestId("test_last.py::test_only_one"), TestId("test_last.py::test_none"))


@pytest.fixture
def environment(tmp_path: Path) -> DirectoryEnvironment:
    return DirectoryEnvironment(tmp_path, {"last.py": LAST, "test_last.py": LAST_TESTS})


@pytest.fixture
def workers(environment: DirectoryEnvironment) -> Iterator[tuple[WarmWorker, WarmWorker]]:
    """(hot, cold)."""
    made = [
        WarmWorker(
            environment,
            WorkerConfig(runner="pytest", mode=mode, tests=(LAST_RED, *LAST_GREEN), sources={"last.py": LAST}),
        )
        for mode in ("hot", "cold")
    ]
    yield made[0], made[1]
    for worker in made:
        worker.close()


def test_the_first_and_likeliest_survivor_is_not_proposed_when_it_only_fits_the_tests(
    workers: tuple[WarmWorker, WarmWorker],
) -> None:
    hot, cold = workers

    def change(before: str, after: str, score: float) -> Plausible:
        start = LAST.index(before)
        edit = Edit(path="last.py", start=start, end=start + len(before), text=after)
        return Plausible(
            candidate=Candidate(edits=(edit,), template="t", line=5, score=score), fixed=frozenset({LAST_RED})
        )

    overfitted = change("item == wanted", "item == wanted and position", 0.6)
    right, spelt_otherwise = (
        change("break", "continue", 0.5),
        change("            break", "            found += 0", 0.3),
    )
    moved = change("found = -1", "found = -1 + 0", 0.01)
    found = [overfitted, right, spelt_otherwise]
    sources = {"last.py": LAST}
    for plausible_ in found:
        (text,) = patched(sources, plausible_.candidate).values()
        namespace: dict[str, object] = {}
        exec(text, namespace)
        assert eval("[last_index([1, 2, 1], 1), last_index([1, 2], 2), last_index([], 1)]", namespace) == [2, 1, -1]
    assert best(found, sources)[0] is overfitted, "by likelihood and size alone"

    calls = observe(cold, (LAST_RED,), LAST_GREEN, ["last.py"], 5.0)
    assert {c.test for c in calls} == {LAST_RED, *LAST_GREEN}
    comparison = Comparison(calls, frozenset(LAST_GREEN), lambda: hot, lambda: cold)
    seen = behaviours(comparison, [*found, moved], sources, lambda: False)
    assert seen[moved.candidate].distance == 0.0
    assert seen[right.candidate].opinion == seen[spelt_otherwise.candidate].opinion
    assert seen[overfitted.candidate].opinion != seen[right.candidate].opinion
    assert best(found, sources, seen)[0] is right
    assert behaviours(comparison, found, sources, lambda: True) == {}


def test_a_change_that_the_hot_worker_cannot_take_is_asked_after_a_fresh_import(
    workers: tuple[WarmWorker, WarmWorker],
) -> None:
    hot, cold = workers
    calls = observe(cold, (LAST_RED,), LAST_GREEN, ["last.py"], 5.0)
    start = LAST.index("items, wanted")
    edit = Edit(path="last.py", start=start, end=start + len("items, wanted"), text="items, wanted=None")
    candidate = Candidate(edits=(edit,), template="t", line=1, score=0.5)
    seen = Comparison(calls, frozenset(LAST_GREEN), lambda: hot, lambda: cold).of(candidate, {"last.py": LAST})
    assert seen.asked > 10
    assert (seen.green_changed, seen.changed) == (0, 0)
