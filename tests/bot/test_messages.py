"""Every sentence, as readers see it, against committed texts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from agents.errors import Fault
from agents.types import Ending
from bot.commands import CommandError, Problem
from bot.messages import evidence, pull_request, replies, review, status
from bot.messages.attempts import why_ended
from bot.messages.untrusted import MAX_BODY
from bot.review import Anchored, anchor, assess
from bot.types import IssueText
from bot.workshop import Finding
from sandbox.types import Ended, Flakiness, Red, RegressionFree, RunKind, TestId, TestStatus, Verdict, verdict_name
from tests.support import proofs, snapshots

SNAPSHOTS = Path(__file__).parent / "snapshots"
ISSUE = IssueText(number=12, title="Empty input gives a dash", body="slug('') returns '-'", author="ada")


def check(name: str, text: str) -> None:
    snapshots.check(SNAPSHOTS, f"{name}.md", text)


def report(verdict: Verdict, **changes: object) -> pull_request.FixReport:
    plain = pull_request.FixReport(
        issue=ISSUE,
        requested_by="ada",
        attempt=proofs.ATTEMPT,
        proof=proofs.proof(verdict, *proofs.usual_runs()),
        statement={"_type": "https://in-toto.io/Statement/v1", "predicate": {"result": "PASSED"}},
        job="job-1",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("verdict", proofs.VERDICTS, ids=proofs.NAMES)
def test_pull_request_body_of_each_verdict(verdict: Verdict) -> None:
    check(f"pull_request-{verdict_name(verdict)}", pull_request.body(report(verdict)))


def test_pull_request_body_of_a_race_says_who_worked_and_what_each_cost() -> None:
    check("pull_request-race", pull_request.body(report(proofs.VERDICTS[0], tried=tuple(proofs.tried()))))


def test_many_attempts_with_long_patches_fit_into_one_comment() -> None:
    long = replace(proofs.ATTEMPT, diff="+a long line of a patch\n" * 4_000)
    tried = (status.Tried(attempt=long, proof=proofs.proof(proofs.VERDICTS[4])),) * 9
    assert len(status.status(status.NotVerified(tried=tried))) <= MAX_BODY


def test_a_pull_request_says_who_chose_the_model() -> None:
    check("pull_request-by_rule", pull_request.body(report(proofs.VERDICTS[0], chosen_by="rule 2: billing_*x*")))


def test_a_review_says_why_no_model_was_heard() -> None:
    assessed = assess(proofs.proof(proofs.VERDICTS[0], *proofs.usual_runs()), proofs.HEAD)
    problem = "This repository's limit of $5.00 a month is used up: $5.01 are spent. opus was not asked."
    check("review-no_opinion", review.summary(assessed, problem=problem))


@pytest.mark.parametrize("verdict", proofs.VERDICTS, ids=proofs.NAMES)
def test_not_verified_comment_of_each_verdict(verdict: Verdict) -> None:
    tried = status.Tried(attempt=proofs.ATTEMPT, proof=proofs.proof(verdict))
    check(f"status-not_verified-{verdict_name(verdict)}", status.status(status.NotVerified(tried=(tried,))))


@pytest.mark.parametrize("verdict", proofs.VERDICTS, ids=proofs.NAMES)
def test_review_of_each_verdict(verdict: Verdict) -> None:
    assessed = assess(proofs.proof(verdict, *proofs.usual_runs()), proofs.HEAD)
    text = f"{assessed.conclusion}: {review.check_title(assessed)}\n\n---\n\n{review.summary(assessed)}"
    check(f"review-{verdict_name(verdict)}", text)


def test_review_with_changed_expectations_and_a_loose_claim() -> None:
    own = proofs.run(RunKind.CANDIDATE, proofs.report(proofs.result(proofs.OLD, TestStatus.PASSED)))
    verdict = proofs.VERDICTS[proofs.NAMES.index("Regressed")]
    assessed = assess(proofs.proof(verdict, *proofs.usual_runs(), own), proofs.HEAD)
    loose = Anchored(loose=(Finding(path="slug.py", line=99, claim="`None` raises"),))
    text = f"{assessed.conclusion}: {review.check_title(assessed)}\n\n---\n\n{review.summary(assessed, loose, 'opus')}"
    check("review-changed_expectations", text)


def test_findings_of_a_model() -> None:
    diff = "--- a/slug.py\n+++ b/slug.py\n@@ -1,2 +1,2 @@\n-a\n+b\n c\n"
    found = anchor([Finding(path="slug.py", line=1, claim="Breaks for None.\n\nAnd for ''.")], diff)
    comments = review.finding_comments(found, "opus")
    check("findings", "\n---\n".join([review.findings_body(found, "opus"), *(c.body for c in comments.values())]))


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("received", status.Received(requested_by="ada")),
        ("working", status.Working(model="opus", strategy="loop")),
        ("working-by_rule", status.Working(model="opus", chosen_by="rule 2: billing_*x*")),
        ("working-no_strategy", status.Working(model="repair")),
        ("verifying", status.Verifying(model="opus")),
        ("opened", status.Opened(pull_number=13, proof=proofs.proof(proofs.VERDICTS[0]), cost_usd=None)),
        (
            "opened-draft",
            status.Opened(pull_number=13, proof=proofs.proof(proofs.VERDICTS[0]), cost_usd=0.02, draft=True),
        ),
        ("failed", status.Failed(cause="No Docker engine answers.\nStart one.")),
        ("failed-retry", status.Failed(cause="The image's registry timed out.", will_retry=True)),
        ("failed-internal", status.Failed(cause=status.internal_error("0f3c-12"))),
        ("refused", status.Refused(reason="fix needs write access to the repository; eve has read.")),
        ("config", status.ConfigInvalid(line=3, problem="unknown key `modell`")),
        ("config-no_line", status.ConfigInvalid(line=None, problem="the file is not UTF-8")),
        ("stopped", status.Stopped(by="ada")),
        ("racing", status.Racing(models=("opus", "qwen", "qwen", "repair"))),
        ("racing-samples", status.Racing(models=("qwen", "qwen"))),
        (
            "falling_back",
            status.FallingBack(
                failed=tuple(
                    replace(
                        proofs.ATTEMPT,
                        ending=Ending.MODEL_FAILED,
                        model=f"model-{fault}",
                        fault=fault,
                        reason=f"Words of <{fault}>.",
                    )
                    for fault in Fault
                ),
                model="qwen",
            ),
        ),
        (
            "opened-race",
            status.Opened(
                pull_number=13, proof=proofs.proof(proofs.VERDICTS[0]), cost_usd=0.1, tried=tuple(proofs.tried())
            ),
        ),
        ("not_verified-race", status.NotVerified(tried=tuple(proofs.tried())[1:])),
    ],
)
def test_status_comment(name: str, state: status.Status) -> None:
    check(f"status-{name}", status.status(state))


def test_not_verified_without_any_patch() -> None:
    attempts = [
        replace(proofs.ATTEMPT, ending=ending, diff="", reason="Why.", cost_usd=None if i else 0.0)
        for i, ending in enumerate(Ending)
    ]
    tried = tuple(status.Tried(attempt=attempt) for attempt in attempts)
    refused = status.Tried(attempt=proofs.ATTEMPT, refused="the patch writes a symbolic link `x`")
    check("status-not_verified-endings", status.status(status.NotVerified(tried=(*tried, refused))))


def test_a_job_says_in_one_line_how_its_attempt_ended() -> None:
    attempt = replace(proofs.ATTEMPT, ending=Ending.CANNOT_REPRODUCE, diff="", reason="The model\x1b[2J could\nnot.")
    assert why_ended(attempt) == "could not reproduce the problem: The model[2J could not."
    assert why_ended(replace(attempt, ending=Ending.STUCK, reason="")) == "went in circles"
    failed = replace(attempt, ending=Ending.MODEL_FAILED, fault=Fault.KEY, reason="No key.")
    assert why_ended(failed) == "the model's endpoint failed: its key is missing or refused: No key."
    assert len(why_ended(replace(attempt, reason="x" * 5_000))) == 500


QUESTION = """\
Should a name of two words keep its space, or get a dash?

1. Keep it, as `README` shows.
2. A dash, as @ada's tests want: ![x](https://evil.example/?q=1) fixes #3"""


@pytest.mark.parametrize(
    ("ending", "summary"),
    [
        (Ending.NEEDS_DECISION, QUESTION),
        (Ending.CANNOT_REPRODUCE, "Ran `slug('a b')` on 3.11 and 3.12: it gives `a-b`, as the issue wants."),
        (Ending.CANNOT_REPRODUCE, ""),
    ],
    ids=["decision", "cannot_reproduce", "cannot_reproduce-no_words"],
)
def test_a_result_without_a_patch_is_posted_as_such(
    ending: Ending, summary: str, request: pytest.FixtureRequest
) -> None:
    attempt = replace(proofs.ATTEMPT, ending=ending, summary=summary, diff="", reason="It could not be made to appear.")
    text = status.status(status.NotVerified(tried=(status.Tried(attempt=attempt),)))
    check(f"status-result-{request.node.callspec.id}", text)
    assert "could be proven" not in text, "it is no failure"
    assert "](https" not in text
    assert "@ada" not in text


def test_a_result_among_failures_keeps_its_words() -> None:
    decision = replace(proofs.ATTEMPT, ending=Ending.NEEDS_DECISION, summary="Up or down?", diff="")
    stuck = replace(proofs.ATTEMPT, ending=Ending.STUCK, diff="")
    tried = tuple(status.Tried(attempt=attempt) for attempt in (decision, stuck))
    text = status.status(status.NotVerified(tried=tried))
    assert "No pull request" in text
    assert "> Up or down?" in text


def test_results_of_many_attempts_fit() -> None:
    attempt = replace(proofs.ATTEMPT, ending=Ending.NEEDS_DECISION, summary="x" * 9000, diff="")
    assert len(status.status(status.NotVerified(tried=(status.Tried(attempt=attempt),) * 70))) <= MAX_BODY


def test_replies() -> None:
    errors = [
        replies.misunderstood(CommandError(problem=problem, word="frobnicate"), "redgreen") for problem in Problem
    ]
    texts = [
        replies.help_text("redgreen"),
        replies.denied("eve has read."),
        *errors,
        replies.unknown_model("gpt-0", ("repair", "opus")),
        replies.unknown_model("gpt-0", ()),
        replies.nothing_running(),
        replies.nothing_to_retry(),
        review.in_progress_title(),
        review.in_progress_summary(),
        review.failed("No Docker engine answers."),
    ]
    check("replies", "\n\n---\n\n".join(texts))


def test_commit_message_names_the_proof_and_closes_nothing() -> None:
    verdict = proofs.VERDICTS[0]
    issue = replace(ISSUE, title="[skip ci] fixes #3 for @ada")
    message = pull_request.commit_message(issue, proofs.proof(verdict))
    check("commit_message", message)
    assert "fixes #" not in message
    assert "[skip" not in message
    without = pull_request.commit_message(issue, proofs.proof(RegressionFree(evidence=proofs.DOUBTS)))
    assert "Red before" not in without


def test_title_is_one_bounded_line() -> None:
    assert pull_request.title(replace(ISSUE, title="a\nb")) == "Fix: a b"
    assert len(pull_request.title(replace(ISSUE, title="a" * 500))) == 120


def test_a_proof_too_long_for_the_page_is_named_instead_of_cut() -> None:
    text = pull_request.body(report(proofs.VERDICTS[0], statement={"log": "x" * 70_000}))
    assert len(text) <= MAX_BODY
    assert "too long for this page" in text
    assert "job-1" in text


def test_hundreds_of_long_test_names_stay_within_the_limit() -> None:
    reds = tuple(replace(proofs.RED, id=proofs.TestId(f"tests/t.py::test_{'n' * 400}_{n}")) for n in range(400))
    ids = tuple(red.id for red in reds)
    evidence = replace(proofs.DOUBTS, fail_to_pass=ids, pass_to_pass=ids, flaky=ids, ignored_test_edits=ids)
    verdict = replace(proofs.VERDICTS[0], evidence=evidence, red_before=reds)
    text = pull_request.body(report(verdict))
    assert len(text) <= MAX_BODY
    assert "and 380 more" in text
    tried = status.Tried(attempt=replace(proofs.ATTEMPT, diff="+x\n" * 50_000), proof=proofs.proof(verdict))
    assert len(status.status(status.NotVerified(tried=(tried,) * 3))) <= MAX_BODY


def test_long_lists_are_shown_in_part_and_counted() -> None:
    signs = tuple(f"sign {n}" for n in range(25))
    tampered = replace(proofs.VERDICTS[proofs.NAMES.index("Tampered")], signs=signs)
    assert "- and 5 more" in review.summary(assess(proofs.proof(tampered), proofs.HEAD))


def test_exit_code_evidence_is_named_where_it_is_shown() -> None:
    invalid = proofs.VERDICTS[proofs.NAMES.index("WitnessInvalid")]
    verdict = replace(invalid, evidence=replace(proofs.DOUBTS, exit_code_only=True))
    text = pull_request.body(report(verdict))
    assert "## Not proven: only an exit code went from red to green" in text
    assert "An exit code does not say what failed" in text
    assert "Exit-code evidence only" in text


def test_what_no_run_can_tell_from_a_fix_is_shown_to_the_maintainer() -> None:
    signs = ("`a.py` contains 'An Idiot', which only the witness has", *(f"sign {n}" for n in range(25)))
    flaky = (Flakiness(id=TestId("t.py::test_x"), red=2, runs=6),)
    evidence = replace(proofs.EVIDENCE, signs=signs, flaky=(TestId("t.py::test_x"),), flakiness=flaky)
    text = pull_request.body(report(replace(proofs.VERDICTS[0], evidence=evidence)))
    assert "Look at this before you merge" in text
    assert "An Idiot" in text
    assert "and 6 more" in text
    assert "`t.py::test_x` 2 of 6" in text


def test_tests_that_hang_on_the_base_are_named() -> None:
    hanging = tuple(Red(id=TestId(f"t.py::test_{n}"), why="did not end within 300 s") for n in range(10))
    evidence = replace(proofs.EVIDENCE, hanging=hanging)
    text = pull_request.body(report(replace(proofs.VERDICTS[0], evidence=evidence)))
    assert "Hang on the base, so not counted either way: `t.py::test_0` did not end within 300 s" in text
    assert "and 2 more" in text
    assert "and 2 more" not in pull_request.body(
        report(replace(proofs.VERDICTS[0], evidence=replace(evidence, hanging=hanging[:8])))
    )


def test_no_summary_of_a_model_no_heading_for_one() -> None:
    silent = replace(proofs.ATTEMPT, summary=" ")
    assert "in the words of" not in pull_request.body(report(proofs.VERDICTS[0], attempt=silent))


def test_patches_of_many_attempts_are_left_out_before_the_reasons_are() -> None:
    tried = status.Tried(attempt=replace(proofs.ATTEMPT, diff="+x\n" * 5000))
    text = status.status(status.NotVerified(tried=(tried,) * 70))
    assert "too long to show here" in text
    assert text.count("The witness test passes.") == 70


def test_claims_without_a_place_are_listed_with_it() -> None:
    comments = review.finding_comments(
        Anchored(on_lines=(Finding(path="a.py", line=3, claim="one"), Finding(path="b.py", line=4, claim="two"))),
        "opus",
    )
    text = review.unanchored(list(comments.values()))
    assert "`a.py:3`" in text
    assert "`b.py:4`" in text
    assert review.findings_body(Anchored(on_lines=(Finding(path="a", line=1, claim="c"),) * 2), "m").startswith(
        "2 claims"
    )


def test_a_check_without_a_model_says_what_the_comment_says() -> None:
    assessed = assess(proofs.proof(proofs.VERDICTS[0]), proofs.HEAD)
    assert review.check_summary(assessed) == review.summary(assessed)
    assert "Nothing was run." in review.summary(assessed)


def test_each_way_a_run_can_end_has_words() -> None:
    for ended in Ended:
        verdict = proofs.VERDICTS[-1]
        base = proofs.run(RunKind.BASE, None, ended=ended)
        once_more = proofs.run(RunKind.CONFIRMATION, None, ended=ended)
        text = review.summary(assess(proofs.proof(verdict, base, once_more), proofs.HEAD))
        assert "no report" in text
        assert "what changed its colour, once more" in text


def test_every_kind_of_run_has_a_name_of_its_own() -> None:
    assert len({evidence.run_name(kind) for kind in RunKind}) == len(RunKind)


def test_a_few_signs_are_told_without_a_remainder() -> None:
    told = evidence.counts(replace(proofs.EVIDENCE, signs=("`a.py` asks for the time",)))
    assert "asks for the time" in told
    assert "more" not in told.split("asks for the time")[1]
