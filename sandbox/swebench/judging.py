"""From the run of an instance's tests to its grade. Pure.

The harness's order of things: a run that took too long or was lost is an error; one without readable results is
unresolved; else each expected test is looked up. On top of that: signs of tampering are never resolved, and a
PASS_TO_PASS test that is red for want of a network, with and without the patch, is not held against it, since the
harness has a network and the sandbox has none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import assert_never

from sandbox.swebench.commands import TestCommand
from sandbox.swebench.grading import Split, Status, StatusMap, TestsStatus, grade
from sandbox.swebench.ids import Style, names, statuses
from sandbox.swebench.logs import read, read_pytest
from sandbox.swebench.records import Instance
from sandbox.swebench.report import Cause, Graded, Outcome
from sandbox.types import Ended, TestId, TestReport, TestResult, TestRun, TestStatus

_ORDERLY = (0, 1, 5)
_NO_NETWORK = re.compile(
    r"Network is unreachable|Name or service not known|Temporary failure in name resolution|No route to host"
    r"|No address associated with hostname|nodename nor servname|Cannot assign requested address"
    r"|\bENETUNREACH\b|\bEAI_AGAIN\b|\bENOTFOUND\b|\bgaierror\b"
)


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What the report is asked for, and what decides where an id that it does not have may come from."""

    instance: Instance
    paths: frozenset[str]
    """Of the tree that ran."""

    @property
    def cases(self) -> tuple[str, ...]:
        return (*self.instance.fail_to_pass, *self.instance.pass_to_pass)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What one run says. Without statuses: nothing that the harness could have read."""

    statuses: StatusMap | None = None
    outcome: Outcome = Outcome.UNRESOLVED
    """Of a prediction whose run has no statuses."""
    cause: Cause = Cause.NONE
    why: str = ""
    infra_failure: bool = False
    printed: tuple[str, ...] = ()
    """Expected ids that are no tests of the tree, read in the output."""


def reading(run: TestRun, command: TestCommand, expected: Expected) -> Reading:
    match run.ended:
        case Ended.TIMED_OUT:
            return _error(Cause.TIMEOUT, f"The tests did not end within {run.seconds:.0f} s.")
        case Ended.LOST:
            return _error(Cause.ENVIRONMENT, "The container of the tests was lost.")
        case Ended.OUT_OF_MEMORY:
            return Reading(why="The tests ran out of memory.", infra_failure=True)
        case Ended.KILLED:
            return Reading(why="The test run was killed.", infra_failure=True)
        case Ended.EXITED:
            return _of_report(run, command, expected)
        case _ as unreachable:
            assert_never(unreachable)


def _error(cause: Cause, why: str) -> Reading:
    return Reading(outcome=Outcome.ERROR, cause=cause, why=why)


def _of_report(run: TestRun, command: TestCommand, expected: Expected) -> Reading:
    report = run.report
    if report is None or not report.complete:
        return Reading(why=f"The tests ended with exit code {run.exit_code} before their report was complete.")
    if report.exit_code not in _ORDERLY:
        return Reading(why=f"The runner gave up with exit code {report.exit_code}.")
    if report.collection_errors and command.interrupted_by_errors:
        # pytest runs nothing at all then, unless it is told to go on.
        return Reading(statuses={error.path: Status.ERROR for error in report.collection_errors})
    style = command.style(expected.instance)
    known = statuses(report, style)
    if command.runner != "pytest":
        return Reading(statuses={**known, **_behind_output(known, expected.cases)})
    lines = frozenset(run.output_tail.split("\n")) if style is Style.PYTEST_LINES else frozenset[str]()
    more = _said(report, known, lines, expected)
    odd = [case for case in expected.cases if case not in known and not _may_be_test(case, expected.paths)]
    printed = read_pytest(run.output_tail) if odd else {}
    found = {case: printed[case] for case in odd if case in printed}
    return Reading(statuses={**known, **more, **found}, printed=tuple(found))


def _behind_output(known: StatusMap, cases: Iterable[str]) -> StatusMap:
    """Expected ids that begin with what was left on the test's line (`Applying auth.0001_x...test_a (m.C)`)."""
    tails = {case: case.rpartition("...")[2] for case in cases if case not in known}
    return {case: known[tail] for case, tail in tails.items() if tail in known}


def _said(report: TestReport, known: StatusMap, lines: frozenset[str], expected: Expected) -> StatusMap:
    """What pytest says of tests in other words than their names.

    Where it gives the reason of an expected failure, the harness takes it for a part of the id; a skip has a line of
    its own in the classic style of earlier versions, which the harness's second parser reads.
    """
    more: dict[str, Status] = {}
    for case in expected.cases:
        words = case.split(" - ")
        before = [" - ".join(words[:count]) for count in range(1, len(words))]
        if case not in known and any(known.get(name) is Status.XFAIL for name in before):
            more[case] = Status.XFAIL
        skipped = report.results.get(TestId(case))
        if skipped is not None and skipped.status is TestStatus.SKIPPED and f"{case} SKIPPED" in lines:
            more[case] = Status.SKIPPED
    return more


def _may_be_test(case: str, paths: frozenset[str]) -> bool:
    """Whether a test of the tree could have this id: then only the report says what became of it.

    Some expected ids were never tests: the harness read them in what tests printed (`[100%]`, `[100%]-----` of a pytest
    that a test of pytest had started). Those, and no other, are looked for in the output here, too.
    """
    path, separator, _ = case.partition("::")
    return path in paths if separator else not case.startswith("[")


def reading_of_log(output: str, exit_code: int) -> Reading:
    """A command's own output. As in the harness, an exit code that no line accounts for discredits all lines."""
    found = read(output)
    if not found:
        return Reading(why=f"No test result was found in the output; the command ended with exit code {exit_code}.")
    if exit_code != 0 and not {Status.FAILED, Status.ERROR} & set(found.values()):
        return Reading(why=f"The command ended with exit code {exit_code}, and its output shows no failure.")
    return Reading(statuses=found)


def graded(start: Graded, instance: Instance, found: Reading) -> Graded:
    """`start` with its grade. Signs of tampering that it carries are decisive."""
    if found.statuses is None:
        outcome, tests = found.outcome, None
    else:
        tests = grade(instance, found.statuses)
        outcome = Outcome.RESOLVED if tests.resolved and not start.tampered else Outcome.UNRESOLVED
    return replace(
        start,
        outcome=Outcome.UNRESOLVED if start.tampered else outcome,
        tests=tests,
        cause=Cause.NONE if start.tampered else found.cause,
        why=found.why,
        infra_failure=found.infra_failure,
        printed=found.printed,
    )


# --- against the run without the patch ---------------------------------------------------------------------------


def suspicious(report: TestReport, changed: Iterable[str]) -> bool:
    """Whether the runner's own parts were replaced, or a file of the patch has hooks in it: base must be asked."""
    return bool(report.replaced) or any(_is_from(hook, path) for hook in report.hooks for path in changed)


def replacements(report: TestReport, reference: TestReport | None) -> tuple[str, ...]:
    """What only the patched code replaces or hooks into, as sentences."""
    known = {*reference.replaced, *reference.hooks} if reference is not None else set()
    return (
        *(f"{part} was replaced while the tests ran" for part in report.replaced if part not in known),
        *(
            f"a hook was added to the runner: {hook}"
            for hook in report.hooks
            if hook not in known and _is_foreign(hook)
        ),
    )


def _is_foreign(hook: str) -> bool:
    """Where pytest itself is the repository, its hooks are what patches are about."""
    return not hook.partition(":")[2].removeprefix("src/").startswith("_pytest/")


def _is_from(hook: str, path: str) -> bool:
    return hook.partition(":")[2] == path


def in_want_of_network(tests: TestsStatus, report: TestReport, style: Style) -> tuple[str, ...]:
    """Expected tests that are red because nothing outside can be reached."""
    wanted = {*tests.fail_to_pass.failure, *tests.pass_to_pass.failure}
    named = _named(report, style, wanted)
    return tuple(case for case in sorted(wanted) if any(map(_wants_network, named.get(case, ()))))


def excused(graded_: Graded, wanting: Iterable[str], without_patch: Iterable[str]) -> Graded:
    """PASS_TO_PASS tests that want a network in both runs hold; a FAIL_TO_PASS test that wants one cannot be judged."""
    tests = graded_.tests
    if tests is None:
        return graded_
    both = {*wanting} & {*without_patch}
    kept = tests.pass_to_pass
    forgiven = tuple(case for case in kept.failure if case in both)
    now = TestsStatus(
        fail_to_pass=tests.fail_to_pass,
        pass_to_pass=Split(
            success=(*kept.success, *forgiven), failure=tuple(case for case in kept.failure if case not in both)
        ),
    )
    unjudged = not both.isdisjoint(tests.fail_to_pass.failure)
    return replace(
        graded_,
        tests=now,
        outcome=Outcome.RESOLVED if now.resolved and not graded_.tampered else Outcome.UNRESOLVED,
        excused=forgiven,
        infra_failure=graded_.infra_failure or unjudged,
        why="A FAIL_TO_PASS test wants a network, which the sandbox does not have." if unjudged else graded_.why,
    )


def _named(report: TestReport, style: Style, wanted: set[str]) -> dict[str, list[TestResult]]:
    found: dict[str, list[TestResult]] = {}
    for result in report.results.values():
        for name in names(result, style):
            if name in wanted:
                found.setdefault(name, []).append(result)
    return found


def _wants_network(result: TestResult) -> bool:
    failure = result.failure
    return failure is not None and bool(_NO_NETWORK.search(f"{failure.exception} {failure.message}"))
