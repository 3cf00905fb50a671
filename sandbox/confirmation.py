"""What a changed colour is worth once it was looked at again: sure, cleared, or to be seen once more. Pure.

`sandbox.verify` asks what to run again, `sandbox.verdict.judge` what to believe; both read the same counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import assert_never

from sandbox import repetition
from sandbox.comparison import (
    Facts,
    Witnesses,
    baseline,
    confirmations,
    lost_in,
    red_of,
    report_of,
    status_of,
    tree_of,
    trouble,
)
from sandbox.hanging import hanging, unfinished
from sandbox.types import Flakiness, Red, TestId, TestRun, TestStatus

_LEAST_SAMPLE = 20


class Standing(Enum):
    SURE = auto()
    CLEARED = auto()
    """It was seen otherwise: not the patch's doing, as far as can be known."""
    ALONE = auto()
    """To be seen once more by itself, on both sides."""
    WHOLE = auto()
    """To be seen once more among all the others, on both sides: tests can break each other."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """Runs of the same tests without the patch and with it; the first of each is what raised the question."""

    before: tuple[TestRun, ...]
    after: tuple[TestRun, ...]
    before_alone: tuple[TestRun, ...] = ()
    """Runs of single tests, by their selections."""
    after_alone: tuple[TestRun, ...] = ()
    hidden: float = repetition.PRIOR_SUITE
    """How many of the tests may be flaky without anybody knowing."""


def regression_sides(facts: Facts) -> Sides | None:
    """Base's tests without and with the patch; None when there was no run with it that can be read."""
    if facts.regression is None or not facts.base or trouble(facts.regression):
        return None
    return _sides(facts, facts.base, facts.regression)


def witness_sides(facts: Facts) -> Sides | None:
    """The witness files without and with the patch."""
    if facts.witness is None or facts.candidate is None or trouble(facts.candidate):
        return None
    return _sides(facts, (facts.witness,), facts.candidate)


def _sides(facts: Facts, before: tuple[TestRun, ...], after: TestRun) -> Sides:
    again_before, again_after = confirmations(facts, before[0].tree), confirmations(facts, after.tree)
    unstable = _two_colours((*before, *again_before)) | _two_colours((after, *again_after))
    return Sides(
        before=(*before, *(run for run in again_before if not run.selection)),
        after=(after, *(run for run in again_after if not run.selection)),
        before_alone=tuple(run for run in again_before if run.selection),
        after_alone=tuple(run for run in again_after if run.selection),
        # Base's runs may agree by chance: what looking again has shown to be flaky counts, too.
        hidden=repetition.hidden(len(baseline(facts.base).flaky | unstable)),
    )


def _two_colours(runs: Iterable[TestRun]) -> frozenset[TestId]:
    """Tests that were green in one and red in another of these runs, all of one tree."""
    reports = [report_of(run) for run in runs]
    green = frozenset[TestId]().union(*(report.green for report in reports))
    return green & frozenset[TestId]().union(*(report.red for report in reports))


# --- what changed ------------------------------------------------------------------------------------------------


def turned_red(facts: Facts) -> frozenset[TestId]:
    """Stably green on base, and neither green nor skipped in the first run on the candidate's source."""
    if facts.regression is None:
        return frozenset()
    return lost_in(baseline(facts.base).green - facts.touched, facts.regression)


def turned_green(facts: Facts) -> frozenset[TestId]:
    """Stably red on base and green on the candidate's source, in base's version."""
    if facts.regression is None or facts.regression.report is None:
        return frozenset()
    return (baseline(facts.base).red - facts.touched - facts.rewritten) & facts.regression.report.green


def to_repeat(
    sides: Sides | None, standing: Standing, lost: Iterable[TestId], fixed: Iterable[TestId] = ()
) -> tuple[TestId, ...]:
    """The tests to run once more, alone (ALONE), or for whose sake all are run once more (WHOLE).

    When far more changed than flaky tests can account for, a sample of them is enough after the first round.
    """
    if sides is None:
        return ()
    chosen = sorted(test for test in lost if of_lost(sides, test) is standing)
    chosen += sorted(test for test in fixed if of_fixed(sides, test) is standing)
    most = max(_LEAST_SAMPLE, round(3 * sides.hidden)) if sides.after_alone else len(chosen)
    return tuple(chosen[:most])


# --- one test's standing -----------------------------------------------------------------------------------------


def of_lost(sides: Sides, test: TestId) -> Standing:
    """Green without the patch and lost with it: by itself where that shows it, else among all others."""
    kept = _alone(sides.after_alone, test, _keeps)
    green = _alone(sides.before_alone, test, _is_green)
    if any(kept) or not all(green):
        return _in_company(sides, test)
    if not kept:
        return Standing.ALONE
    seen = 1 + len(kept)
    believed = repetition.believed(seen, seen, 0, len(sides.before) + len(green), hidden=sides.hidden)
    return Standing.SURE if believed or len(kept) >= repetition.MOST_ROUNDS else Standing.ALONE


def _in_company(sides: Sides, test: TestId) -> Standing:
    if any(test not in report_of(run).green for run in sides.before):
        return Standing.CLEARED
    if any(_keeps(run, test) for run in sides.after[1:]):
        return Standing.CLEARED
    seen = len(sides.after)
    if seen == 1:
        return Standing.WHOLE
    believed = repetition.believed(seen, seen, 0, len(sides.before), hidden=sides.hidden)
    return Standing.SURE if believed or seen > repetition.MOST_ROUNDS else Standing.WHOLE


def of_fixed(sides: Sides, test: TestId) -> Standing:
    """Red without the patch and green with it, in base's version."""
    red = _alone(sides.before_alone, test, _is_red)
    green = _alone(sides.after_alone, test, _is_green) + [_is_green(run, test) for run in sides.after[1:]]
    if not all(red) or not all(green):
        return Standing.CLEARED
    if not red or not green:
        return Standing.ALONE
    reds = len(sides.before) + len(red)
    believed = repetition.believed(reds, reds, 0, 1 + len(green), hidden=sides.hidden)
    return Standing.SURE if believed or len(red) >= repetition.MOST_ROUNDS else Standing.ALONE


# --- what to believe ---------------------------------------------------------------------------------------------


def is_lost(sides: Sides, test: TestId) -> bool:
    """The last word: where rounds were left out, what was seen so far; with no second look at all, the first stands."""
    match of_lost(sides, test):
        case Standing.SURE:
            return True
        case Standing.CLEARED:
            return False
        case Standing.ALONE:
            return bool(_alone(sides.after_alone, test, _keeps)) or not (sides.after_alone or sides.after[1:])
        case Standing.WHOLE:
            return len(sides.after) > 1
        case _ as unreachable:
            assert_never(unreachable)


def regressions(facts: Facts) -> tuple[tuple[Red, ...], frozenset[TestId]]:
    """(regressions, tests that turned out unstable)."""
    run = facts.regression
    if run is None:
        return (), frozenset()
    if problem := trouble(run):
        stuck = unfinished(run).keys() & (baseline(facts.base).green - facts.touched)
        if named := tuple(red for red in hanging([run]) if red.id in stuck):
            return named, frozenset()
        took = max(base.seconds for base in facts.base)
        why = f"the base's tests with the patch: the run {problem} (base took {took:.0f} s)"
        return (Red(id=TestId(""), why=why),), frozenset()
    sides, suspects = regression_sides(facts), turned_red(facts)
    sure = {test for test in suspects if sides is not None and is_lost(sides, test)}
    return tuple(red_of(report_of(run), test) for test in sorted(sure)), frozenset(suspects - sure)


def lost_witnesses(facts: Facts, found: Witnesses) -> tuple[tuple[Red, ...], frozenset[TestId]]:
    """(given tests that the patch breaks, those of which a second look disagreed)."""
    sides = witness_sides(facts)
    if sides is None:
        return found.lost, frozenset()
    sure = tuple(red for red in found.lost if is_lost(sides, red.id))
    return sure, frozenset(red.id for red in found.lost) - {red.id for red in sure}


def is_fixed(sides: Sides, test: TestId) -> bool:
    """Seen twice on each side at least, and never otherwise."""
    match of_fixed(sides, test):
        case Standing.SURE:
            return True
        case Standing.ALONE:
            return bool(_alone(sides.before_alone, test, _is_red)) and bool(_alone(sides.after_alone, test, _is_green))
        case _:
            return False


def confirmed_fixes(facts: Facts, found: Witnesses) -> tuple[frozenset[TestId], frozenset[TestId]]:
    """(red twice without and green twice with the patch, those of which a second run disagreed)."""
    witness, regression = witness_sides(facts), regression_sides(facts)
    turned = turned_green(facts)
    sure = {test for test in found.fixed if witness is not None and _is_witness(witness, test)}
    sure |= {test for test in turned if regression is not None and is_fixed(regression, test)}
    return frozenset(sure), frozenset((found.fixed | turned) - sure)


def _is_witness(sides: Sides, test: TestId) -> bool:
    red, green = _alone(sides.before_alone, test, _is_red), _alone(sides.after_alone, test, _is_green)
    return bool(red) and bool(green) and all(red) and all(green)


def random_reds(facts: Facts, reds: Iterable[Red]) -> frozenset[TestId]:
    """Those red with the patch that were green with it in a second run."""
    again = confirmations(facts, tree_of(facts.candidate))
    return frozenset(red.id for red in reds if any(_is_green(run, red.id) for run in again))


def changed_by_environment(facts: Facts, test: TestId) -> str:
    """How the runs differed in which the test's colour did; "" where it also differs in runs that were alike."""
    sides = witness_sides(facts)
    if sides is None:
        return ""
    ways: list[str] = []
    for first, again in ((sides.before[0], sides.before_alone), (sides.after[0], sides.after_alone)):
        for run in again:
            if test in run.selection and _colour(run, test) != _colour(first, test):
                if not run.changed:
                    return ""
                ways.extend(run.changed)
    return ", ".join(dict.fromkeys(ways))


def flakiness(runs: Iterable[TestRun], tests: Iterable[TestId]) -> tuple[Flakiness, ...]:
    """How often each was red in base's runs; one that did not run counts as red."""
    every = tuple(runs)
    reds = {test: sum(not _keeps(run, test) for run in every) for test in sorted(tests)}
    return tuple(Flakiness(id=test, red=red, runs=len(every)) for test, red in reds.items())


def shaken(facts: Facts, unstable: Iterable[TestId]) -> tuple[str, ...]:
    """A sentence for each test that was never red without the patch and was with it more often than chance explains,
    though not always."""
    sides = regression_sides(facts)
    if sides is None:
        return ()
    told = []
    for test in sorted(unstable):
        without = [*sides.before, *(run for run in sides.before_alone if test in run.selection)]
        with_patch = [*sides.after, *(run for run in sides.after_alone if test in run.selection)]
        reds = sum(not _keeps(run, test) for run in with_patch)
        before = sum(not _keeps(run, test) for run in without)
        if repetition.chance(reds, len(with_patch), before, len(without)) * sides.hidden <= _ODD:
            told.append(
                f"{test} was red in {reds} of {len(with_patch)} runs with the patch, and in {before} of {len(without)} "
                "without it"
            )
    return tuple(told)


_ODD = 0.001
"""Ten times what makes a regression: worth a maintainer's look, no proof."""


def _colour(run: TestRun, test: TestId) -> TestStatus | None:
    return status_of(report_of(run), test)


def _alone(runs: Iterable[TestRun], test: TestId, reading: Callable[[TestRun, TestId], bool]) -> list[bool]:
    return [reading(run, test) for run in runs if test in run.selection]


def _keeps(run: TestRun, test: TestId) -> bool:
    return not lost_in({test}, run)


def _is_green(run: TestRun, test: TestId) -> bool:
    return test in report_of(run).green


def _is_red(run: TestRun, test: TestId) -> bool:
    return test in report_of(run).red
