"""What a proof says to reviewers, and where a model's claims may stand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bot.review import Conclusion, NewTests, anchor, assess, commentable_lines, fingerprint
from bot.workshop import Finding
from sandbox.types import Failure, Red, Regressed, RunKind, TestId, TestRun, TestStatus, Verdict, verdict_name
from tests.support import proofs

EXPECTED = {
    "Verified": (Conclusion.SUCCESS, NewTests.RED_WITHOUT),
    "RegressionFree": (Conclusion.SUCCESS, NewTests.NONE),
    "WitnessNotRed": (Conclusion.NEUTRAL, NewTests.GREEN_WITHOUT),
    "WitnessInvalid": (Conclusion.NEUTRAL, NewTests.INVALID),
    "NotFixed": (Conclusion.FAILURE, NewTests.STILL_RED),
    "Regressed": (Conclusion.FAILURE, NewTests.RED_WITHOUT),
    "Tampered": (Conclusion.FAILURE, NewTests.UNKNOWN),
    "NoTests": (Conclusion.NEUTRAL, NewTests.UNKNOWN),
    "Inconclusive": (Conclusion.NEUTRAL, NewTests.UNKNOWN),
}
REGRESSED = Regressed(evidence=proofs.DOUBTS, turned_red=(proofs.OLD_RED,))
DIFF = """\
--- a/slug.py
+++ b/slug.py
@@ -3,3 +3,4 @@
 kept
-old
+new
+newer
 last
--- a/gone.py
+++ /dev/null
@@ -1 +0,0 @@
-gone
"""


def own_version(status: TestStatus) -> TestRun:
    return proofs.run(RunKind.CANDIDATE, proofs.report(proofs.result(proofs.OLD, status)))


@pytest.mark.parametrize("verdict", proofs.VERDICTS, ids=proofs.NAMES)
def test_conclusion_and_worth_of_the_new_tests(verdict: Verdict) -> None:
    assessed = assess(proofs.proof(verdict, *proofs.usual_runs()), proofs.HEAD)
    assert (assessed.conclusion, assessed.new_tests) == EXPECTED[verdict_name(verdict)]


def test_a_regression_beside_proven_new_tests_says_both() -> None:
    verdict = replace(REGRESSED, evidence=proofs.EVIDENCE)
    assessed = assess(proofs.proof(verdict), proofs.HEAD)
    assert assessed.conclusion is Conclusion.FAILURE
    assert assessed.new_tests is NewTests.RED_WITHOUT


def test_a_test_that_the_pull_request_edits_and_that_is_green_then_is_a_changed_expectation() -> None:
    proof = proofs.proof(REGRESSED, *proofs.usual_runs(), own_version(TestStatus.PASSED))
    assessed = assess(proof, proofs.HEAD)
    assert assessed.changed_expectations == (proofs.OLD_RED,)
    assert assessed.turned_red == ()
    assert assessed.annotations == ()
    assert assessed.conclusion is Conclusion.NEUTRAL


def test_a_test_that_is_red_in_its_edited_version_too_is_broken() -> None:
    proof = proofs.proof(REGRESSED, *proofs.usual_runs(), own_version(TestStatus.FAILED))
    assert assess(proof, proofs.HEAD).turned_red == (proofs.OLD_RED,)


def test_a_green_candidate_run_does_not_excuse_a_test_whose_file_was_not_edited() -> None:
    evidence = replace(proofs.DOUBTS, ignored_test_edits=("tests/another.py",))
    verdict = replace(REGRESSED, evidence=evidence)
    proof = proofs.proof(verdict, *proofs.usual_runs(), own_version(TestStatus.PASSED))
    assert assess(proof, proofs.HEAD).turned_red == (proofs.OLD_RED,)


def test_the_annotation_stands_where_the_failure_was_raised() -> None:
    (annotation,) = assess(proofs.proof(REGRESSED, *proofs.usual_runs()), proofs.HEAD).annotations
    assert (annotation.path, annotation.start_line, annotation.end_line, annotation.level) == (
        "slug.py", 7, 7, "failure",
    )  # fmt: skip
    assert str(proofs.OLD) in annotation.title


@pytest.mark.parametrize("path", ["/etc/passwd", "../x.py", "a/../../x", "a\nb", "", "x" * 500])
def test_a_failure_that_names_no_file_of_the_tree_is_annotated_at_the_tests_file(path: str) -> None:
    failure = Failure(phase="call", exception="E", message="m", path=path, line=7)
    red = proofs.run(RunKind.REGRESSION, proofs.report(proofs.result(proofs.OLD, TestStatus.FAILED, failure)))
    (annotation,) = assess(proofs.proof(REGRESSED, red), proofs.HEAD).annotations
    assert (annotation.path, annotation.start_line) == ("tests/test_slug.py", 1)


def test_a_unittest_name_has_no_file_and_gets_no_annotation_without_a_failure() -> None:
    red = Red(id=TestId("tests.test_slug.Case.test_x"), why="boom")
    no_failure = proofs.run(RunKind.REGRESSION, proofs.report(proofs.result(red.id, TestStatus.FAILED)))
    assessed = assess(proofs.proof(replace(REGRESSED, turned_red=(red,)), no_failure), proofs.HEAD)
    assert assessed.turned_red == (red,)
    assert assessed.annotations == ()


def test_a_run_without_a_report_adds_nothing() -> None:
    lost = proofs.run(RunKind.CONFIRMATION, None)
    assert assess(proofs.proof(REGRESSED, *proofs.usual_runs(), lost), proofs.HEAD).annotations[0].path == "slug.py"


def test_lines_that_a_comment_may_stand_on_are_those_the_hunks_show() -> None:
    assert commentable_lines(DIFF) == {"slug.py": frozenset({3, 4, 5, 6})}
    assert commentable_lines("--- a/x\n+++ b/x\n@@ -1 +1 @@\n+too\n+many\n") == {}


def test_claims_on_other_lines_lose_their_place_and_keep_their_text() -> None:
    on = Finding(path="slug.py", line=5, claim="breaks for None")
    off = Finding(path="slug.py", line=50, claim="breaks elsewhere")
    gone = Finding(path="gone.py", line=1, claim="was needed")
    anchored = anchor([on, off, gone, on, Finding(path="slug.py", line=4, claim="a fourth")], DIFF)
    assert anchored.on_lines == (on,)
    assert anchored.loose == (off, gone)


def test_a_fingerprint_survives_a_moved_line_and_other_spacing_only() -> None:
    finding = Finding(path="slug.py", line=5, claim="Breaks for  None")
    assert fingerprint(finding) == fingerprint(Finding(path="slug.py", line=9, claim="breaks for None\n"))
    assert fingerprint(finding) != fingerprint(replace(finding, path="other.py"))
    assert fingerprint(finding) != fingerprint(replace(finding, claim="breaks for zero"))


BEHAVIOUR = Failure(phase="call", exception="builtins.AssertionError", message="assert 1 == 2", path="a.py", line=3)
MISSING = Failure(phase="call", exception="builtins.ImportError", message="cannot import name 'slug'")


@pytest.mark.parametrize(
    ("without", "with_change", "worth"),
    [
        ((TestStatus.FAILED, BEHAVIOUR), TestStatus.PASSED, NewTests.RED_WITHOUT),
        ((TestStatus.FAILED, MISSING), TestStatus.PASSED, NewTests.INVALID),
        ((TestStatus.PASSED, None), TestStatus.PASSED, NewTests.GREEN_WITHOUT),
        ((TestStatus.FAILED, BEHAVIOUR), TestStatus.FAILED, NewTests.STILL_RED),
        ((TestStatus.SKIPPED, None), TestStatus.PASSED, NewTests.UNKNOWN),
        (None, TestStatus.PASSED, NewTests.INVALID),
    ],
)
def test_beside_a_regression_the_runs_tell_what_the_new_tests_are_worth(
    without: tuple[TestStatus, Failure | None] | None, with_change: TestStatus, worth: NewTests
) -> None:
    old = proofs.result(proofs.OLD, TestStatus.PASSED)
    before = [old, proofs.result(proofs.WITNESS, without[0], without[1])] if without else [old]
    seen = assess(
        proofs.proof(
            REGRESSED,
            proofs.run(RunKind.BASE, proofs.report(old)),
            proofs.run(RunKind.WITNESS, proofs.report(*before)),
            proofs.run(RunKind.CANDIDATE, proofs.report(old, proofs.result(proofs.WITNESS, with_change, BEHAVIOUR))),
        ),
        proofs.HEAD,
    )
    assert seen.new_tests is worth


def test_a_regression_with_no_new_test_says_that_there_is_none() -> None:
    runs = [
        proofs.run(kind, proofs.report(proofs.result(proofs.OLD, TestStatus.PASSED)))
        for kind in (RunKind.BASE, RunKind.WITNESS, RunKind.CANDIDATE)
    ]
    assert assess(proofs.proof(REGRESSED, *runs), proofs.HEAD).new_tests is NewTests.NONE
