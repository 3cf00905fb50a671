"""Proofs and attempts to present: one of each verdict, with plausible runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from agents.errors import Fault
from agents.types import Attempt, Ending, Usage
from bot.messages.attempts import Tried
from sandbox.types import (
    CommitSha,
    Ended,
    EnvironmentPlan,
    Evidence,
    Failure,
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    RunKind,
    Tampered,
    TestId,
    TestReport,
    TestResult,
    TestRun,
    TestStatus,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
    verdict_name,
)

BASE = CommitSha("1" * 40)
HEAD = CommitSha("2" * 40)
WITNESS = TestId("tests/test_slug.py::test_empty_input_has_no_slug")
KEPT = tuple(TestId(f"tests/test_slug.py::test_kept_{n}") for n in range(3))
OLD = TestId("tests/test_slug.py::test_old_expectation")

EVIDENCE = Evidence(fail_to_pass=(WITNESS,), pass_to_pass=KEPT)
DOUBTS = Evidence(
    pass_to_pass=KEPT,
    flaky=(TestId("tests/test_net.py::test_sometimes"),),
    ignored_test_edits=("tests/test_slug.py",),
    flagged_paths=("conftest.py",),
    selection="120 of 4000 tests: those that import the changed modules",
)
RED = Red(id=WITNESS, why="AssertionError: assert '-' == ''\nsecond line")
OLD_RED = Red(id=OLD, why="AssertionError: assert 'a' == 'A'")

VERDICTS: tuple[Verdict, ...] = (
    Verified(evidence=EVIDENCE, red_before=(RED,)),
    RegressionFree(evidence=replace(EVIDENCE, fail_to_pass=())),
    WitnessNotRed(evidence=DOUBTS, green_without_patch=(WITNESS,)),
    WitnessInvalid(evidence=DOUBTS, invalid=(Red(id=WITNESS, why="ImportError: cannot import name 'slug'"),)),
    NotFixed(evidence=DOUBTS, still_red=(RED,)),
    Regressed(evidence=DOUBTS, turned_red=(OLD_RED,)),
    Tampered(evidence=DOUBTS, signs=("the canary that must fail passed",)),
    NoTests(evidence=Evidence(), why="no test runner was recognised"),
    Inconclusive(evidence=Evidence(), cause="the image could not be built: pip found no version of `left-pad`"),
)
NAMES = tuple(verdict_name(verdict) for verdict in VERDICTS)


def result(test: TestId, status: TestStatus, failure: Failure | None = None) -> TestResult:
    return TestResult(id=test, status=status, failure=failure)


def report(*results: TestResult) -> TestReport:
    return TestReport(results={one.id: one for one in results}, exit_code=0, complete=True)


def run(kind: RunKind, tests: TestReport | None, *, exit_code: int = 0, ended: Ended = Ended.EXITED) -> TestRun:
    return TestRun(
        kind=kind,
        tree="3" * 40,
        command=("python", "-m", "pytest", "-p", "reporter"),
        ended=ended,
        exit_code=exit_code,
        report=tests,
        seconds=1.25,
    )


def proof(verdict: Verdict, *runs: TestRun) -> Proof:
    return Proof(
        base_commit=BASE,
        base_tree="4" * 40,
        patch_sha256="5" * 64,
        image="sha256:" + "6" * 64,
        plan=EnvironmentPlan(language="python", runner="pytest", base="redgreen-base"),
        runs=runs,
        verdict=verdict,
        seconds=12.5,
        tool_version="0.1.0",
        patch="--- a/slug.py\n+++ b/slug.py\n",
    )


def usual_runs() -> tuple[TestRun, ...]:
    kept = [result(test, TestStatus.PASSED) for test in KEPT]
    failure = Failure(
        phase="call", exception="builtins.AssertionError", message="assert 'a' == 'A'", path="slug.py", line=7
    )
    return (
        replace(run(RunKind.BASE, report(*kept)), cached=True),
        run(RunKind.WITNESS, report(result(WITNESS, TestStatus.FAILED, failure)), exit_code=1),
        run(RunKind.REGRESSION, report(*kept, result(OLD, TestStatus.FAILED, failure)), exit_code=1),
        replace(run(RunKind.CANDIDATE, report(result(WITNESS, TestStatus.PASSED))), selection=(WITNESS,)),
    )


def tried() -> Iterator[Tried]:
    """A race of five: who won, who was not proven, who was refused, who was stopped, whose endpoint failed."""
    yield Tried(attempt=ATTEMPT, proof=proof(VERDICTS[0]))
    yield Tried(attempt=replace(ATTEMPT, model="opus", cost_usd=0.9), proof=proof(VERDICTS[2]))
    yield Tried(
        attempt=replace(ATTEMPT, model="gpt"), refused="It changes .github/workflows/x.yml, which is protected."
    )
    stopped = replace(ATTEMPT, ending=Ending.STOPPED, diff="", reason="It was stopped.", steps=3, cost_usd=None)
    yield Tried(attempt=replace(stopped, model="slow"))
    yield Tried(attempt=replace(stopped, model="down", ending=Ending.MODEL_FAILED, fault=Fault.KEY, cost_usd=0.0))


ATTEMPT = Attempt(
    task_id="owner/name#12",
    model="qwen3-coder",
    strategy="loop",
    prompt_version="7",
    ending=Ending.SUBMITTED,
    reason="The witness test passes.",
    diff="--- a/slug.py\n+++ b/slug.py\n@@ -1 +1 @@\n-a\n+b\n",
    usage=Usage(input_tokens=120_000, output_tokens=3_400),
    cost_usd=0.0731,
    steps=14,
    seconds=210.0,
    summary="Return an empty slug for empty input.\n\nThe separator is added between words only.",
)
