"""What the verdict would hold of a working tree's tests, by single runs. Pure; a hint for whoever works on the tree.

The words are the verdict's own (`sandbox.behaviour`, `sandbox.comparison`); its canaries, repetitions and fresh
containers are not there, so nothing here is evidence.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.comparison import no_evidence, red_of
from sandbox.types import Foresight, Red, TestId, TestReport

NOTHING = TestReport(results={})


def foresight(
    now: TestReport,
    *,
    without: TestReport,
    base: TestReport,
    touched: Iterable[TestId],
    edited: tuple[str, ...] = (),
    flagged: tuple[str, ...] = (),
    changes_source: bool = True,
) -> Foresight:
    """From the working tree's report, one of base with the change's new tests, and one of base.

    `touched`: the tests that stand in files which the change adds or edits. Of the two other reports only the tests
    that matter need be there: the touched ones, and on base those that are red now.
    """
    touched = frozenset(touched)
    new = sorted(touched - base.ids())
    witnesses: list[Red] = []
    not_red: list[TestId] = []
    invalid: list[Red] = []
    for test in new:
        result = without.results.get(test)
        if result is not None and result.status.is_green:
            not_red.append(test)
        elif why := no_evidence(without, test):
            invalid.append(Red(id=test, why=why))
        else:
            witnesses.append(red_of(without, test))
    red = sorted(now.red - touched)
    return Foresight(
        witnesses=tuple(witnesses),
        not_red=tuple(not_red),
        invalid=tuple(invalid),
        regressed=tuple(red_of(now, test) for test in red if test in base.green),
        red_on_base=tuple(test for test in red if test in base.red),
        edited=edited,
        flagged=flagged,
        changes_source=changes_source,
    )
