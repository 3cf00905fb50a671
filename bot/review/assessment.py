"""What a pull request's proof says to its reviewers. Pure: the presentation of a `Proof`, no judgement of its own.

The proof is of the diff from merge base to head. Existing tests ran in the base's version on the head's source; so a
pull request that changes behaviour on purpose, and edits the tests to match, turns them "red" in that version. Where
its own version of such a test is green on head, that is a changed expectation: shown apart, for people to judge.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath
from typing import assert_never

from bot.forge.protocol import Annotation
from bot.messages.untrusted import plain, plain_lines
from sandbox.behaviour import wrong_reason
from sandbox.types import (
    CommitSha,
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
    TestResult,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
)


class Conclusion(StrEnum):
    """Of the check run, in GitHub's words."""

    SUCCESS = "success"
    FAILURE = "failure"
    NEUTRAL = "neutral"
    """Nothing turned red, and nothing is claimed: people decide."""


class NewTests(StrEnum):
    """What the pull request's own new tests are worth as evidence."""

    NONE = "none"
    RED_WITHOUT = "red_without"
    """At least one is red without the change and green with it."""
    GREEN_WITHOUT = "green_without"
    INVALID = "invalid"
    STILL_RED = "still_red"
    UNKNOWN = "unknown"
    """They were not judged: nothing ran to its end, or something else decided first."""


@dataclass(frozen=True, kw_only=True)
class Review:
    head_sha: CommitSha
    proof: Proof
    conclusion: Conclusion
    new_tests: NewTests
    turned_red: tuple[Red, ...] = ()
    changed_expectations: tuple[Red, ...] = ()
    annotations: tuple[Annotation, ...] = ()


def assess(proof: Proof, head_sha: CommitSha) -> Review:
    """All that the summary comment and the check run are made from."""
    turned_red, changed = _split(proof)
    return Review(
        head_sha=head_sha,
        proof=proof,
        conclusion=_conclusion(proof, turned_red, changed),
        new_tests=_new_tests(proof),
        turned_red=turned_red,
        changed_expectations=changed,
        annotations=_annotations(proof, turned_red),
    )


def _split(proof: Proof) -> tuple[tuple[Red, ...], tuple[Red, ...]]:
    """What turned red: broken, and expectations that the pull request changes."""
    if not isinstance(proof.verdict, Regressed):
        return (), ()
    green_in_own_version = _green_in_own_version(proof)
    edited = set(proof.verdict.evidence.ignored_test_edits)
    broken: list[Red] = []
    changed: list[Red] = []
    for red in proof.verdict.turned_red:
        is_changed = red.id in green_in_own_version and (not edited or _file_of(proof, red.id) in edited)
        (changed if is_changed else broken).append(red)
    return tuple(broken), tuple(changed)


def _green_in_own_version(proof: Proof) -> frozenset[TestId]:
    """Tests that the run of the pull request's own test files, on head, found green."""
    greens = [run.report.green for run in proof.runs if run.kind is RunKind.CANDIDATE and run.report is not None]
    return frozenset().union(*greens)


def _file_of(proof: Proof, test: TestId) -> str:
    """The file a test id names (pytest), or the one its failure was raised in."""
    if "::" in test:
        return test.split("::", 1)[0]
    failure = _failure(proof, test)
    return failure.path if failure is not None else ""


def _conclusion(proof: Proof, turned_red: tuple[Red, ...], changed: tuple[Red, ...]) -> Conclusion:
    match proof.verdict:
        case Verified() | RegressionFree():
            return Conclusion.SUCCESS
        case Regressed():
            return Conclusion.NEUTRAL if changed and not turned_red else Conclusion.FAILURE
        case NotFixed() | Tampered():
            return Conclusion.FAILURE
        case WitnessNotRed() | WitnessInvalid() | NoTests() | Inconclusive():
            return Conclusion.NEUTRAL
    assert_never(proof.verdict)


def _new_tests(proof: Proof) -> NewTests:
    match proof.verdict:
        case Verified():
            return NewTests.RED_WITHOUT
        case RegressionFree():
            return NewTests.NONE
        case WitnessNotRed():
            return NewTests.GREEN_WITHOUT
        case WitnessInvalid():
            return NewTests.INVALID
        case NotFixed():
            return NewTests.STILL_RED
        case Regressed(evidence=evidence):
            return NewTests.RED_WITHOUT if evidence.fail_to_pass else _from_runs(proof)
        case Tampered() | NoTests() | Inconclusive():
            return NewTests.UNKNOWN
    assert_never(proof.verdict)


def _from_runs(proof: Proof) -> NewTests:
    """What the runs say of the new tests when the verdict speaks of something worse."""
    known = _results(proof, RunKind.BASE).keys()
    with_change = _results(proof, RunKind.CANDIDATE)
    without = _results(proof, RunKind.WITNESS)
    new = [test for test in with_change if test not in known]
    if not with_change or not without:
        return NewTests.UNKNOWN
    if not new:
        return NewTests.NONE
    if any(with_change[test].status.is_red for test in new):
        return NewTests.STILL_RED
    before = [without[test] for test in new if test in without]
    if any(result.status.is_green for result in before):
        return NewTests.GREEN_WITHOUT
    reds = [result for result in before if result.status.is_red]
    if any(not wrong_reason(result) for result in reds):
        return NewTests.RED_WITHOUT
    return NewTests.INVALID if reds or not before else NewTests.UNKNOWN


def _results(proof: Proof, kind: RunKind) -> dict[TestId, TestResult]:
    """By test, of all runs of a kind that left a report; the last one counts."""
    found: dict[TestId, TestResult] = {}
    for run in proof.runs:
        if run.kind is kind and run.report is not None:
            found.update(run.report.results)
    return found


def _annotations(proof: Proof, turned_red: tuple[Red, ...]) -> tuple[Annotation, ...]:
    """One for each broken test, at the line its failure was raised at, else at the top of its file."""
    made = (_annotation(red, _failure(proof, red.id), _file_of(proof, red.id)) for red in turned_red)
    return tuple(annotation for annotation in made if annotation is not None)


def _annotation(red: Red, failure: Failure | None, test_file: str) -> Annotation | None:
    path, line = test_file, 1
    if failure is not None and _is_tree_path(failure.path) and failure.line > 0:
        path, line = failure.path, failure.line
    if not _is_tree_path(path):
        return None
    return Annotation(
        path=path,
        start_line=line,
        end_line=line,
        level="failure",
        title=plain(f"Turned red: {red.id}", 200),
        message=plain_lines(red.why, 4000),
    )


def _failure(proof: Proof, test: TestId) -> Failure | None:
    """Its failure in the last run of the base's tests on head that has one."""
    for run in reversed(proof.runs):
        if run.kind in (RunKind.REGRESSION, RunKind.CONFIRMATION) and run.report is not None:
            result = run.report.results.get(test)
            if result is not None and result.failure is not None:
                return result.failure
    return None


def _is_tree_path(path: str) -> bool:
    """The report is the tenant's: its paths name a file of the tree, or nothing."""
    pure = PurePosixPath(path)
    return bool(path) and path.isprintable() and not pure.is_absolute() and ".." not in pure.parts and len(path) < 400
