"""Tests that did not come to an end: which, how that is known, and which runs of base still count then. Pure.

Either the launcher's clock ended such a test, and the run went on; or nothing could (it never comes back to the
interpreter, or catches all that is thrown at it), the whole run was ended, and its report says which test had begun.
"""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.types import Ended, Red, TestId, TestRun

LEAVES_OUT = frozenset({"pytest", "unittest", "django"})
"""Runners that can run everything but some tests, by their ids."""
MOST_ATTEMPTS = 2
"""How often base is run again without what hung, when it takes its whole time with it."""
_LEAST_SECONDS = 30.0
_SHARE = 6
_FACTOR = 20
_CLOCKS = ("reporter.TestTimedOut", "timeout")
_CLOCKS_WORDS = "the test did not come to an end in its time"


def seconds_on_base(budget: float) -> float:
    """For one test on base, of which nothing is known yet: a sixth of the whole run's time, half a minute at least."""
    return max(_LEAST_SECONDS, budget / _SHARE)


def seconds_with_patch(slowest: float, asked: float = 0.0) -> float:
    """For one test with the patch: twenty times what base's slowest took that came to an end; half a minute at least,
    or what was `asked` for instead."""
    return max(asked or _LEAST_SECONDS, _FACTOR * slowest)


def hanging(runs: Iterable[TestRun]) -> tuple[Red, ...]:
    """Each test once that took more than its time in one of these runs."""
    found: dict[TestId, str] = {}
    for run in runs:
        if run.report is None:
            continue
        for test, result in run.report.results.items():
            failure = result.failure
            if failure is not None and (failure.exception in _CLOCKS or failure.message.startswith(_CLOCKS_WORDS)):
                found.setdefault(test, _did_not_end(run.test_seconds or result.seconds))
        for test, seconds in unfinished(run).items():
            if run.test_seconds and seconds >= run.test_seconds:
                found.setdefault(test, _did_not_end(seconds))
    return tuple(Red(id=test, why=why) for test, why in sorted(found.items()))


def unfinished(run: TestRun) -> dict[TestId, float]:
    """The tests that were running when the time of the whole run was over, and for how long they had been."""
    if run.ended is not Ended.TIMED_OUT or run.report is None:
        return {}
    return {test: max(0.0, run.seconds - began) for test, began in sorted(run.report.unfinished.items())}


def ids(reds: Iterable[Red]) -> frozenset[TestId]:
    return frozenset(red.id for red in reds)


def seconds_without(run: TestRun) -> float:
    """What the run took, the tests that hung in it aside."""
    results = run.report.results if run.report is not None else {}
    lost = sum(results[test].seconds for test in ids(hanging([run])) if test in results)
    return max(0.0, run.seconds - lost)


def to_leave_out(runs: tuple[TestRun, ...], runner: str) -> tuple[TestId, ...]:
    """What base, and everything that is compared with it, is run without from now on."""
    return tuple(sorted(ids(hanging(runs)))) if runner in LEAVES_OUT else ()


def is_stuck(runs: tuple[TestRun, ...], runner: str) -> bool:
    """The last runs took all their time, in tests that the next could leave out."""
    left_out = runs[-1].without
    timed_out = any(run.ended is Ended.TIMED_OUT for run in runs if run.without == left_out)
    return timed_out and frozenset(to_leave_out(runs, runner)) > frozenset(left_out)


def counted(runs: tuple[TestRun, ...]) -> tuple[TestRun, ...]:
    """Without those that were ended in a test which later ones left out: what they lack is known."""
    later = frozenset(runs[-1].without)
    return tuple(run for run in runs if not unfinished(run) or not later.issuperset(unfinished(run)))


def _did_not_end(seconds: float) -> str:
    return f"did not end within {seconds:.0f} s"
