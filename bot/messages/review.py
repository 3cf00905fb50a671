"""What a review says: the summary comment, the check run, the findings. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import assert_never

from bot.forge.protocol import LineComment
from bot.messages.evidence import bullets, count, counts, explanation, headline, red_table, red_to_green, runs
from bot.messages.untrusted import code, inline, quote
from bot.review import Anchored, NewTests, Review, fingerprint
from bot.workshop import Finding
from sandbox.types import Regressed, Verified

NO_FINDINGS = Anchored()


def in_progress_title() -> str:
    return "Running the tests without and with this pull request"


def in_progress_summary() -> str:
    return "The base and the head are tested in fresh containers without network. The result comes here."


def check_title(review: Review) -> str:
    """One line, at most 255 characters by construction."""
    verdict = review.proof.verdict
    match verdict:
        case Verified():
            return f"{count(len(verdict.evidence.fail_to_pass), 'test')} went from red to green, nothing turned red"
        case Regressed() if review.changed_expectations and not review.turned_red:
            changed = len(review.changed_expectations)
            return f"{count(changed, 'test')} turned red in the base's version and {_is(changed)} changed here"
        case Regressed():
            return f"{count(len(review.turned_red), 'test')} turned red"
        case _:
            return headline(verdict)


def summary(review: Review, findings: Anchored = NO_FINDINGS, model: str = "", problem: str = "") -> str:
    """The summary comment; `findings` whose line the diff does not show are told here. `problem`: why no model was
    heard."""
    parts = [f"## {check_title(review)}", *_what(review), counts(review.proof.verdict.evidence)]
    if findings.loose:
        claims = "\n".join(f"- {_place(finding)}: {inline(finding.claim, 1000)}" for finding in findings.loose)
        parts += [f"### Claims of {code(model)}, not proven, on lines outside the diff", claims]
    if problem:
        parts.append(f"No model's opinion is part of this: {inline(problem, 600)}")
    parts += ["### What was run", runs(review.proof), f"Head {code(review.head_sha)}. Edited in place on each push."]
    return "\n\n".join(parts)


def check_summary(review: Review) -> str:
    """The check run's text: as the comment, without the model's claims, which no run supports."""
    return summary(review)


def findings_body(findings: Anchored, model: str) -> str:
    number = len(findings.on_lines)
    return (
        f"{count(number, 'claim')} of {code(model)} about this change. No run here proved {_them(number)}: "
        f"read {_them(number)} as a colleague's doubt."
    )


def finding_comments(findings: Anchored, model: str) -> dict[str, LineComment]:
    """By fingerprint, one comment for each finding that has a line in the diff."""
    return {
        fingerprint(finding): LineComment(
            path=finding.path,
            line=finding.line,
            side="RIGHT",
            body=f"{quote(finding.claim, 1500)}\n\nA claim of {code(model)}, not proven by a run.",
        )
        for finding in findings.on_lines
    }


def unanchored(comments: Sequence[LineComment]) -> str:
    """The same claims as text, for when GitHub refuses their lines (the head moved meanwhile)."""
    return "\n\n".join(f"{code(f'{comment.path}:{comment.line}')}\n\n{comment.body}" for comment in comments)


def failed(cause: str) -> str:
    """The review could not be made; nothing is said about the pull request."""
    return f"This pull request could not be run here. The reason has nothing to do with it:\n\n{quote(cause)}"


def _what(review: Review) -> list[str]:
    """The verdict's evidence, with changed expectations told apart from breakage, and the new tests' worth."""
    verdict = review.proof.verdict
    parts: list[str] = []
    if isinstance(verdict, Regressed):
        if review.turned_red:
            heading = "These tests passed on the base and fail on the head, confirmed by a second run:"
            parts.append(f"{heading}\n\n{red_table(review.turned_red, 'failure on the head')}")
        if review.changed_expectations:
            parts.append(_changed(review))
    elif isinstance(verdict, Verified):
        parts.append(red_to_green(verdict.red_before))
    else:
        parts.append(explanation(verdict))
    return [*parts, _new_tests(review)]


def _changed(review: Review) -> str:
    return (
        "**Changed expectations.** The base's version of these tests fails on the head, and this pull request's own "
        "version of them passes. Whether the new expectation is wanted is for people to say:\n\n"
        f"{bullets([red.id for red in review.changed_expectations])}"
    )


def _new_tests(review: Review) -> str:
    match review.new_tests:
        case NewTests.RED_WITHOUT:
            return "**Its own new tests** are red without the change and green with it."
        case NewTests.GREEN_WITHOUT:
            return "**Its own new tests** are green without the change too: they do not test it."
        case NewTests.INVALID:
            return "**Its own new tests** are red without the change for another reason than the behaviour they test."
        case NewTests.STILL_RED:
            return "**Its own new tests** are red with the change."
        case NewTests.NONE:
            return "**Its own new tests:** none that went from red to green."
        case NewTests.UNKNOWN:
            return "**Its own new tests** were not judged."
    assert_never(review.new_tests)


def _place(finding: Finding) -> str:
    return code(f"{finding.path}:{finding.line}")


def _is(number: int) -> str:
    return "is" if number == 1 else "are"


def _them(number: int) -> str:
    return "it" if number == 1 else "them"
