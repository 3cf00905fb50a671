"""What a pull request of ours says: the evidence first. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.types import Attempt
from bot.messages.attempts import Tried, who_tried
from bot.messages.evidence import counts, explanation, folded_proof, headline, made_by, run_again, runs
from bot.messages.untrusted import MAX_BODY, plain, quote
from bot.types import IssueText
from sandbox.types import Proof, Verified

_ROOM_FOR_MARKER = 300


@dataclass(frozen=True, kw_only=True)
class FixReport:
    """All that is known of a fix when it is published."""

    issue: IssueText
    requested_by: str
    attempt: Attempt
    proof: Proof
    statement: Mapping[str, Any]
    """The proof's file form (`sandbox.proof.to_statement`)."""
    job: str
    tried: tuple[Tried, ...] = ()
    """Everybody who worked on it, the one whose patch it is first."""
    chosen_by: str = ""
    """Who or what chose the model; "" where it is not known."""


def title(issue: IssueText) -> str:
    """At most 120 characters of the issue's title; a squash merge makes a commit message of it."""
    return plain(f"Fix: {issue.title}", 120)


def commit_message(issue: IssueText, proof: Proof) -> str:
    """Subject and body. It closes nothing by itself: the pull request does, when people merge it."""
    fail_to_pass = [plain(test, 200) for test in proof.verdict.evidence.fail_to_pass[:10]]
    listed = "".join(f"\n- {test}" for test in fail_to_pass)
    evidence = f"\n\nRed before this commit, green with it:{listed}" if fail_to_pass else ""
    return f"{plain(issue.title, 72)}\n\nFor issue {issue.number}.{evidence}\n"


def body(report: FixReport) -> str:
    """Markdown, never longer than `MAX_BODY`."""
    parts = [
        f"## {headline(report.proof.verdict)}",
        explanation(report.proof.verdict),
        counts(report.proof.verdict.evidence),
        _reference(report),
        *_summary(report.attempt),
        "### What was run",
        runs(report.proof),
        run_again(),
        "### How it was made",
        made_by(report.attempt, report.requested_by, report.chosen_by),
        *_others(report.tried),
        _LIMITS,
    ]
    text = "\n\n".join(parts)
    room = MAX_BODY - _ROOM_FOR_MARKER - len(text)
    return f"{text}\n\n{folded_proof(report.statement, report.job, room)}"


_LIMITS = """\
### What this does not say

- The tests show that the behaviour they test was wrong and is right now. They do not show that nothing else is wrong.
- A machine wrote this patch. Read it, the new tests first, as you would read a stranger's.
- A comment that begins with `@` and this App's name, and then `help`, lists what it can do."""


def _others(tried: tuple[Tried, ...]) -> tuple[str, ...]:
    """A fallback or a race: who else worked on it."""
    return ("### Who worked on it", who_tried(tried)) if len(tried) > 1 else ()


def _reference(report: FixReport) -> str:
    number = report.issue.number
    return f"Fixes #{number}" if isinstance(report.proof.verdict, Verified) else f"For #{number}"


def _summary(attempt: Attempt) -> tuple[str, ...]:
    if not attempt.summary.strip():
        return ()
    return ("### The change, in the words of what made it (not checked)", quote(attempt.summary, 3000))
