"""The two questions to a patch, each asked of runs without and with it: does it break anything, does it fix anything.

What must be seen once more `sandbox.confirmation` says, until it is known or the rounds are used up.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from sandbox import comparison, confirmation, repetition, testedits, twins
from sandbox.comparison import Facts
from sandbox.confirmation import Standing
from sandbox.course import Course, at_once
from sandbox.execution import RUNNER_VARIABLES, Variation
from sandbox.shards import Whole
from sandbox.tree import GitTree
from sandbox.types import RunKind, TestId, TestRun

_RANDOM = re.compile(r"random|\buuid|\bsecrets\b|shuffle|\brand\b|faker|hypothesis", re.IGNORECASE)
_TIMED = re.compile(
    r"\btime\b|sleep|perf_counter|monotonic|\bnow\(|thread|\basync\b|await|setTimeout|\bgo func|Date\(", re.IGNORECASE
)


def regression_side(course: Course, facts: Facts, whole: Whole) -> Facts:
    """Base's tests on the patch's source; what changed colour again, alone or in company, until it is known."""
    tree = course.trees.regression
    if tree == course.base:
        # No source changes: the tree is base's own, and so are its runs.
        return replace(facts, regression=replace(facts.base[0], kind=RunKind.REGRESSION, cached=True))
    facts = replace(facts, regression=course.settled(RunKind.REGRESSION, tree, facts, whole))
    lost, green = confirmation.turned_red(facts), confirmation.turned_green(facts)
    facts = _alone(course, facts, (course.base, tree), lost, green)
    facts = _in_company(course, facts, (course.base, tree), whole, lost)
    sides = confirmation.regression_sides(facts)
    fixed = [test for test in green if sides is not None and confirmation.is_fixed(sides, test)]
    return _with_twins(course, facts, tree, fixed)


def witness_side(course: Course, facts: Facts, without: tuple[TestId, ...] = ()) -> Facts:
    """The witness tests without and with the patch at the same time; what they show fixed, again on both."""
    trees = course.trees
    if not trees.has_witness:
        return facts
    own = Whole(files=trees.test_files, without=without)
    jobs = [partial(course.whole, RunKind.WITNESS, trees.witness, own, facts)]
    if trees.candidate != trees.witness:
        jobs.append(partial(course.settled, RunKind.CANDIDATE, trees.candidate, facts, own))
    made = at_once(jobs)
    # Without source changes the patch has nothing to show: its tree is the witness tree.
    candidate = made[1] if len(made) > 1 else replace(made[0], kind=RunKind.CANDIDATE, cached=True)
    facts = replace(facts, witness=made[0], candidate=candidate)
    if len(made) < 2 or comparison.trouble(candidate):
        return facts
    facts = _repeated(course, facts)
    lost = [red.id for red in comparison.witnesses(facts).lost]
    both = (trees.witness, trees.candidate)
    return _in_company(course, _alone(course, facts, both, lost), both, own, lost)


def _repeated(course: Course, facts: Facts) -> Facts:
    """What the witnesses showed, again, and their twins; each round in surroundings of its own."""
    trees, found = course.trees, comparison.witnesses(facts)
    fixed = tuple(sorted(found.fixed))
    seen = comparison.report_of(facts.candidate).results
    # What is red with the patch is looked at again too, or a test that is red at random would say "not fixed".
    doubted = {red.id for red in (*found.still_red, *found.lost) if red.id in seen}
    both = tuple(sorted({*fixed, *doubted}))
    if not both:
        return facts
    told = f"{len(fixed)} fixed" if fixed else f"{len(doubted)} red"
    course.progress(f"confirming {told} test(s), without and with the patch, in other surroundings")
    hidden = tuple(name for name in RUNNER_VARIABLES if fixed and not course.base.mentions(name))
    for seed in range(1, 1 + (repetition.rounds(_prior(course, facts)) if fixed else 1)):
        sides = (trees.witness, trees.candidate) if fixed or found.lost else (trees.candidate,)
        variation = Variation(seed=seed, hidden=hidden)
        jobs = [
            partial(course.run, RunKind.CONFIRMATION, side, facts, tests=both, variation=variation) for side in sides
        ]
        if seed == 1 and (twin := _twin(course, trees.candidate, fixed)):
            jobs.append(partial(course.run, RunKind.TWIN, twin[0], facts, tests=twin[1]))
        facts = _added(facts, at_once(jobs))
        if not confirmation.confirmed_fixes(facts, found)[0]:
            break
    return _explained(course, facts, found.fixed)


def _explained(course: Course, facts: Facts, fixed: Iterable[TestId]) -> Facts:
    """Tests whose colour was another in other surroundings, once more in the usual ones: is it these, or chance?"""
    changed = tuple(sorted(test for test in fixed if confirmation.changed_by_environment(facts, test)))
    if not changed:
        return facts
    course.progress(f"{len(changed)} test(s) disagree in other surroundings; once more in the usual ones")
    both = (course.trees.witness, course.trees.candidate)
    jobs = [partial(course.run, RunKind.CONFIRMATION, side, facts, tests=changed) for side in both]
    return _added(facts, at_once(jobs))


def _prior(course: Course, facts: Facts) -> float:
    """How likely a new test is one that is red at random, by what it and the patch are made of, and by its suite."""
    trees = course.trees
    diff = trees.base.diff(trees.candidate)
    known = comparison.baseline(facts.base)
    if _RANDOM.search(diff):
        return repetition.PRIOR_RANDOM
    if _TIMED.search(diff) or len(known.flaky) > repetition.PRIOR_SUITE * len(known.known):
        return repetition.PRIOR_TIMED
    return repetition.PRIOR_WITNESS


# --- rounds ------------------------------------------------------------------------------------------------------


def _alone(
    course: Course,
    facts: Facts,
    trees: tuple[GitTree, GitTree],
    lost: Iterable[TestId],
    fixed: Iterable[TestId] = (),
) -> Facts:
    """The changed tests by themselves, without and with the patch, round after round."""
    lost, fixed = tuple(lost), tuple(fixed)
    while chosen := confirmation.to_repeat(_sides(facts, trees), Standing.ALONE, lost, fixed):
        course.progress(f"confirming {len(chosen)} test(s) that changed, on both sides")
        jobs = [partial(course.run, RunKind.CONFIRMATION, side, facts, tests=chosen) for side in trees]
        facts = _added(facts, at_once(jobs))
    return facts


def _in_company(
    course: Course, facts: Facts, trees: tuple[GitTree, GitTree], whole: Whole, lost: Iterable[TestId]
) -> Facts:
    """All tests again on both sides, for the sake of those that changed among the others only."""
    lost, spent = tuple(lost), 0.0
    while chosen := confirmation.to_repeat(_sides(facts, trees), Standing.WHOLE, lost):
        if spent > course.budget_seconds:
            break
        course.progress(f"{len(chosen)} test(s) changed only among the others: all once more, on both sides")
        jobs = [partial(course.whole, RunKind.CONFIRMATION, side, whole, facts) for side in trees]
        made = at_once(jobs)
        spent += max(run.seconds for run in made)
        facts = _added(facts, made)
    return facts


def _sides(facts: Facts, trees: tuple[GitTree, GitTree]) -> confirmation.Sides | None:
    if facts.candidate is not None and facts.candidate.tree == trees[1].digest:
        return confirmation.witness_sides(facts)
    return confirmation.regression_sides(facts)


def _added(facts: Facts, made: Iterable[TestRun]) -> Facts:
    runs = tuple(made)
    return replace(
        facts,
        confirmations=(*facts.confirmations, *(run for run in runs if run.kind is RunKind.CONFIRMATION)),
        twins=(*facts.twins, *(run for run in runs if run.kind is RunKind.TWIN)),
    )


# --- twins -------------------------------------------------------------------------------------------------------


def _with_twins(course: Course, facts: Facts, tree: GitTree, fixed: Iterable[TestId]) -> Facts:
    twin = _twin(course, tree, fixed)
    return _added(facts, [course.run(RunKind.TWIN, twin[0], facts, tests=twin[1])]) if twin else facts


def _twin(course: Course, tree: GitTree, fixed: Iterable[TestId]) -> tuple[GitTree, tuple[TestId, ...]] | None:
    """The tree with the twins of tests in their place, and which tests have one; Python only."""
    by_file: dict[str, list[TestId]] = {}
    for test in fixed:
        path = course.bench.runner.file_of(tree, test)
        if path is not None and path.endswith(".py"):
            by_file.setdefault(path, []).append(test)
    made: dict[str, bytes | None] = {}
    chosen: list[TestId] = []
    for path, tests in by_file.items():
        twin = twins.twin(tree.read(path) or b"", frozenset(testedits.qualified(test) for test in tests))
        if twin is not None:
            made[path] = twin[0]
            chosen.extend(test for test in tests if testedits.qualified(test) in twin[1])
    return (tree.with_files(made), tuple(sorted(chosen))) if made else None
