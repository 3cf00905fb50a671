"""What says whether a candidate is right: a witness made from the issue and seen red, or red tests of the base."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from agents.protocols import Environment
from agents.repair import witness as witnesses
from agents.repair.issue import read_issue
from agents.repair.localise import is_test_path
from agents.repair.names import NameIndex
from agents.repair.types import RunOutcome, TestTrace
from agents.repair.warm import Job, WarmWorker, WorkerConfig, WorkerLost, runner_of
from agents.repair.witness import Witness
from agents.types import Ending, Task
from sandbox.types import Failure, TestId, TestReport, TestResult, TestStatus

_MISSING = ("ImportError", "ModuleNotFoundError", "SyntaxError", "IndentationError")
"""Exceptions that say that a test could not be asked, wherever they come from."""
_NOT_THERE = ("NameError", "AttributeError", "UnboundLocalError")
"""Exceptions that say so when the test's own line raises them."""

FIRST_LOOK_SECONDS = 12.0
"""A suite that has not ended by then is run with a limit for each test: one of them may hang."""
HANGING_SECONDS = 5.0
"""A test that takes longer then is taken for one that hangs."""
HANGING_CPU_SECONDS = 2.0
"""The same, of processor time."""
HUNG = "TimeLimit"
"""The class of the exception that ends a hanging test."""

NEEDED = (
    "The issue states nothing that can be tested without a model. It would have to name a call and what should come "
    "out of it: an `assert`, a `>>>` session with the expected result, or a sentence such as "
    '"`f(1)` returns `2` but should return `3`".'
)


@dataclass(frozen=True, kw_only=True)
class Oracle:
    red: tuple[TestId, ...]
    """Must turn green."""
    report: TestReport
    """The base's tests and the witness, on the base's source."""
    note: str
    also_red: tuple[TestId, ...] = ()
    """Red on base as well, and not demanded."""


@dataclass(frozen=True, kw_only=True)
class NoOracle:
    ending: Ending
    reason: str


def find_oracle(
    task: Task, environment: Environment, sources: Mapping[str, str], *, timeout: float
) -> Oracle | NoOracle:
    """One run of the suite with the witness in the tree decides. Afterwards the tree holds the red witness tests only.

    The witness comes first, because it is what the issue is about; red tests of the base are the oracle where the
    issue gives none, and a bonus where it does.
    """
    written, problems = _write_witness(task, environment, sources)
    if written is not None:
        environment.write(written.path, written.text().encode("utf-8"))
    report = environment.run_tests(timeout=min(timeout, FIRST_LOOK_SECONDS))
    if not report.complete:
        report = _with_limits(environment, report, timeout)
    base_red = tuple(sorted(test for test in report.red if written is None or written.owns(test) is None))
    known = tuple(test for test in task.known_red if test in report.red) or task.known_red
    red, not_red = _judge_witness(written, report)
    if written is not None and red:
        environment.write(written.path, written.text(red.values()).encode("utf-8"))
        kept = {test: r for test, r in report.results.items() if written.owns(test) is None or test in red}
        return Oracle(
            red=tuple(sorted(red)), report=replace(report, results=kept), also_red=known or base_red,
            note=f"Reproduced: {_count(len(red), 'test')} made from the issue, red in {written.path} "
            f"({_why(report, red)}).",
        )  # fmt: skip
    if written is not None:
        environment.reset()
    if known or base_red:
        chosen = known or tuple(test for test in base_red if _is_behaviour(report.results[test], None))
        if chosen:
            return Oracle(red=chosen, report=report, note=f"Red on base: {_listed(chosen)}.")
    return _no_oracle(written, not_red, problems, report)


def _with_limits(environment: Environment, report: TestReport, seconds: float) -> TestReport:
    """What the suite says when each test has its own time limit: for a run that did not end in time.

    Where none of them hangs, or with unittest: what it says when given the whole time.
    """
    outcome = _each_limited(environment, seconds) if not _is_unittest(report) else None
    hung = outcome is not None and any(trace.slow or trace.status == "timeout" for trace in outcome.tests.values())
    if outcome is None or (outcome.end != "complete" and not hung):
        return environment.run_tests(timeout=seconds) if seconds > FIRST_LOOK_SECONDS else report
    results = {
        test: TestResult(id=test, status=_status(trace), seconds=trace.seconds, failure=_failure(trace))
        for test, trace in outcome.tests.items()
    }
    # A test that was begun and not ended may stand in the broken report as anything; green and red are sure.
    sure = {test: result for test, result in report.results.items() if result.status.is_green or result.status.is_red}
    return replace(report, results={**report.results, **results, **sure})


def _is_unittest(report: TestReport) -> bool:
    return bool(report.results) and runner_of(report.results) != "pytest"


def _each_limited(environment: Environment, seconds: float) -> RunOutcome | None:
    try:
        worker = WarmWorker(environment, WorkerConfig(runner="pytest", mode="cold", slots=1))
        try:
            job = Job(id=0, stages=((TestId("*"),),), test_seconds=HANGING_SECONDS, cpu_seconds=HANGING_CPU_SECONDS,
                      total_seconds=seconds)  # fmt: skip
            return worker.run(job)
        finally:
            worker.close()
    except WorkerLost:
        return None


def _failure(trace: TestTrace) -> Failure | None:
    if trace.slow or trace.status == "timeout":
        return Failure(phase="call", exception=HUNG, message="the test did not end", path="", line=0)
    if trace.fault is None or trace.is_green:
        return None
    return Failure(phase="call", exception=trace.fault.kind, message=trace.fault.words, path="", line=0)


def _status(trace: TestTrace) -> TestStatus:
    return TestStatus(trace.status) if trace.status in set(TestStatus) else TestStatus.FAILED


def _write_witness(
    task: Task, environment: Environment, sources: Mapping[str, str]
) -> tuple[Witness | None, tuple[str, ...]]:
    expectations = read_issue(task.title, task.body)
    if not expectations:
        return None, ()
    paths = list(environment.base.paths())
    tests = [path for path in paths if path.endswith(".py") and is_test_path(path) and path != "setup.py"]
    texts = {path: (environment.base.read(path) or b"").decode("utf-8", "replace") for path in tests[:300]}
    return witnesses.write(
        expectations,
        issue=task.id,
        path=witnesses.place(task.id, tests, paths, task.witness_path),
        style=witnesses.style_of(texts),
        index=NameIndex(sources),
    )


def _judge_witness(written: Witness | None, report: TestReport) -> tuple[dict[TestId, str], list[str]]:
    """Test id -> name of the witness tests that are red by their behaviour, and why the others are not."""
    red: dict[TestId, str] = {}
    reasons: list[str] = []
    if written is None:
        return red, reasons
    for result in report.results.values():
        name = written.owns(result.id)
        if name is None:
            continue
        if result.status.is_green:
            reasons.append(f"{name} passes already")
        elif result.status.is_red and _is_behaviour(result, written.path):
            red[result.id] = name
        elif result.failure is not None:
            reasons.append(f"{name} could not be asked ({_last(result.failure.exception)})")
    reasons += [
        f"it could not be collected ({f.exception or f.phase})"
        for f in report.collection_errors
        if f.path == written.path
    ]
    return red, reasons


def _is_behaviour(result: TestResult, witness_path: str | None) -> bool:
    """Red because of what the code did, not because the test itself could not be run."""
    failure = result.failure
    if failure is None:
        return True
    if failure.phase not in ("call", "setup"):
        return False
    kind = _last(failure.exception)
    if kind in _MISSING:
        return False
    return not (kind in _NOT_THERE and witness_path is not None and _raised_there(failure, witness_path))


def _raised_there(failure: Failure, path: str) -> bool:
    return failure.path in ("", path)


def _last(exception: str) -> str:
    return exception.rpartition(".")[2]


def _no_oracle(written: Witness | None, reasons: list[str], problems: tuple[str, ...], report: TestReport) -> NoOracle:
    if written is not None:
        said = "; ".join(dict.fromkeys(reasons)) or "the new test did not run"
        return NoOracle(
            ending=Ending.CANNOT_REPRODUCE,
            reason="What the issue describes could not be reproduced: of "
            f"{_count(len(written.tests), 'test')} made from it none is red by its behaviour on base: {said}.",
        )
    if problems:
        return NoOracle(
            ending=Ending.NEEDS_DECISION, reason=f"The issue's example cannot be made a test: {' '.join(problems)}"
        )
    if not report.results:
        return NoOracle(
            ending=Ending.GAVE_UP, reason="No test ran on base, and the issue states nothing that can be tested."
        )
    return NoOracle(ending=Ending.NEEDS_DECISION, reason=NEEDED)


def _why(report: TestReport, red: Mapping[TestId, str]) -> str:
    failure = report.results[min(red)].failure
    if failure is None:
        return "red"
    message = " ".join(failure.message.split())[:120]
    return f"{_last(failure.exception)}: {message}" if message else _last(failure.exception)


def _listed(tests: tuple[TestId, ...]) -> str:
    shown = ", ".join(tests[:3])
    return shown if len(tests) <= 3 else f"{shown} and {len(tests) - 3} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


__all__ = ["NEEDED", "NoOracle", "Oracle", "find_oracle"]
