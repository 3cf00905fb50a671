"""run_tests: the repository's tests, answered in the verdict's words: which are red and why, and what the verdict would
hold of that: `WitnessNotRed`, `WitnessInvalid` and `Regressed` are told while there is still time to mend them."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import Field

from agents.tools.tool import Arguments, Bench, FormedTool, Observation, bounded
from sandbox.errors import SetupError
from sandbox.types import Failure, Foresight, TestId, TestReport, TestResult, TestStatus

MOST_RED = 20
MOST_WHY = 600
MOST_LISTED = 40
MOST_SECONDS = 900
"""Of one run; a part of a longer suite can be named."""
_WRONG_REASON = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError", "TabError", "NameError")
"""Exceptions that say the test could not run, not that the behaviour is wrong."""


class RunTestsArguments(Arguments):
    tests: list[str] = Field(default_factory=list, max_length=200)


def run_tests(asked: RunTestsArguments, bench: Bench) -> Observation:
    selection = [TestId(test) for test in asked.tests]
    try:
        report = bench.environment.run_tests(selection, timeout=bench.timeout(MOST_SECONDS))
        if selection and not report.results and not report.collection_errors:
            # No test has exactly such an id: a file, a class, or a test with parameters was meant.
            everything = bench.environment.run_tests((), timeout=bench.timeout(MOST_SECONDS))
            report = narrowed(everything, asked.tests)
            if not report.results and not report.collection_errors:
                return Observation(text=_no_such(asked.tests, everything), is_error=True)
    except SetupError as error:
        return Observation(text=f"{bounded(str(error), 500)} Run the tests with the shell.", is_error=True)
    return Observation(text=bounded(f"{told(report)}\n{foreseen(report, asked, bench)}".rstrip()))


def foreseen(report: TestReport, asked: RunTestsArguments, bench: Bench) -> str:
    """What the verdict would hold of the report; "" where that cannot be told."""
    try:
        foresight = bench.environment.foresee(report, timeout=bench.timeout(MOST_SECONDS))
    except SetupError:
        return ""
    return in_verdicts_words(foresight, report, everything=not asked.tests)


def in_verdicts_words(foresight: Foresight, report: TestReport, *, everything: bool) -> str:
    """A foresight as sentences to act on. Pure."""
    if foresight.refused:
        return f"As it stands the change would be refused: {bounded(foresight.refused, MOST_WHY)}"
    lines = [*_of_new(foresight, report), *_of_base(foresight)]
    if foresight.edited:
        lines.append(f"Edits of tests that exist are undone before judging: {_some(foresight.edited)}.")
    if foresight.flagged:
        lines.append(f"Base's versions of these are used for judging, whatever you change: {_some(foresight.flagged)}.")
    if not foresight.changes_source:
        return "\n".join(lines)
    green = [red.id for red in foresight.witnesses if red.id in report.green]
    if not (foresight.witnesses or foresight.not_red or foresight.invalid) and everything:
        lines.append("No new test is red without your change: that would be RegressionFree at best, and no proof.")
    if everything and green and not foresight.regressed and report.red <= frozenset(foresight.red_on_base):
        lines.append("If it holds in clean containers, this is Verified.")
    return "\n".join(lines)


def _of_new(foresight: Foresight, report: TestReport) -> Iterator[str]:
    for red in foresight.witnesses[:MOST_RED]:
        if not foresight.changes_source:
            yield f"witness: {red.id} is red on the unchanged source, by its behaviour. Now change the source."
        elif red.id in report.green:
            yield f"witness: {red.id} is red without your change and green with it."
        else:
            yield f"NotFixed: {red.id} is red without your change, and with it."
    for test in foresight.not_red[:MOST_RED]:
        yield f"WitnessNotRed: {test} passes on the unchanged source, so it proves nothing. Assert what is wrong there."
    for red in foresight.invalid[:MOST_RED]:
        yield (
            f"WitnessInvalid: {red.id} is no witness, because without your change it is not red by the behaviour "
            f"itself: {bounded(red.why, MOST_WHY)}. Call what exists on base, and assert what it should give."
        )


def _of_base(foresight: Foresight) -> Iterator[str]:
    for red in foresight.regressed[:MOST_RED]:
        yield f"Regressed: {red.id} is green on base and red with your change: {bounded(red.why, MOST_WHY)}"
    if foresight.red_on_base and foresight.changes_source:
        yield f"Red on base too, so not by your change: {_some(foresight.red_on_base)}."


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return bounded(", ".join(names[:5]), 600) + more


def narrowed(report: TestReport, names: Sequence[str]) -> TestReport:
    """The tests of a report that stand under one of the names: a file, a module, a class, a test with parameters. What
    cannot be collected stays. Pure."""
    dotted = [name.removesuffix(".py").replace("/", ".") for name in names]
    heads = tuple(head + end for head in (*names, *dotted) for end in ("::", ".", "["))
    return replace(report, results={id: r for id, r in report.results.items() if id.startswith(heads)})


def _no_such(names: Sequence[str], report: TestReport) -> str:
    known = sorted(report.results)
    near = list(dict.fromkeys(match for name in names for match in difflib.get_close_matches(name, known, n=2)))
    shown = ", ".join(near[:4] or known[:3])
    return bounded(f"No test is named {', '.join(names)}. {f'There are: {shown}.' if shown else told(report)}", 2_000)


def told(report: TestReport) -> str:
    """A report in words. Pure."""
    if not report.results and not report.collection_errors:
        why = "" if report.complete else " The run did not come to its end."
        return f"No test ran.{why} Check the names; an empty list runs all tests."
    red = sorted((r for r in report.results.values() if r.status.is_red), key=lambda result: result.id)
    lines = [_counts(report)]
    lines += [f"Cannot be collected: {_why(failure)}" for failure in report.collection_errors[:MOST_RED]]
    lines += [_red(result) for result in red[:MOST_RED]]
    if len(red) > MOST_RED:
        lines.append(f"... and {len(red) - MOST_RED} more red tests.")
    if not red and len(report.results) <= MOST_LISTED:
        lines += [f"{result.status.value}: {result.id}" for result in report.results.values()]
    if not report.complete:
        lines.append("The run did not come to its end: tests that are not named here did not run.")
    return "\n".join(lines)


def _counts(report: TestReport) -> str:
    green, red = len(report.green), len(report.red)
    skipped = len(report.ids(TestStatus.SKIPPED))
    errors = len(report.collection_errors)
    parts = [f"{red} red", f"{green} green"]
    parts += [f"{skipped} skipped"] if skipped else []
    parts += [f"{errors} cannot be collected"] if errors else []
    return f"{', '.join(parts)}."


def _red(result: TestResult) -> str:
    if result.failure is None:
        return f"red: {result.id}: no reason was reported"
    return f"red: {result.id}: {_why(result.failure)}"


def _why(failure: Failure) -> str:
    kind = failure.exception.rsplit(".", 1)[-1]
    where = f" at {failure.path}:{failure.line}" if failure.path else ""
    phase = "" if failure.phase == "call" else f" in {failure.phase}"
    message = bounded(failure.message.strip(), MOST_WHY)
    reason = f"{kind}{phase}{where}: {message}" if message else f"{kind}{phase}{where}"
    if failure.phase == "collect" or kind in _WRONG_REASON:
        reason += "\n  (red for a reason that would not count for a new test: it must fail by the behaviour itself)"
    return reason


RUN_TESTS = FormedTool(
    name="run_tests",
    description="Run tests (ids, classes, modules or files; none: all), answered in the verdict's words.",
    form=RunTestsArguments,
    do=run_tests,
)
