"""The one status comment of a fix job, from state to state. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import assert_never

from agents.types import Attempt, Ending
from bot.messages.attempts import Tried, ending, entrants, failures, who_tried
from bot.messages.evidence import count, counts, dollars, explanation, headline
from bot.messages.untrusted import MAX_BODY, block, code, inline, quote
from sandbox.types import Proof

_PATCH_ROOM = 16_000


@dataclass(frozen=True, kw_only=True)
class Received:
    """Stored, not yet begun."""

    requested_by: str


@dataclass(frozen=True, kw_only=True)
class Working:
    model: str
    strategy: str = ""
    chosen_by: str = ""
    """`rule 2: billing`, `a comment`; "" where it is not known."""


@dataclass(frozen=True, kw_only=True)
class Racing:
    """Several entrants at once; a model stands here once for each of its samples."""

    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FallingBack:
    """Endpoints gave no answer: the next model of the list works."""

    failed: tuple[Attempt, ...]
    model: str


@dataclass(frozen=True, kw_only=True)
class Verifying:
    model: str


@dataclass(frozen=True, kw_only=True)
class Opened:
    pull_number: int
    proof: Proof
    cost_usd: float | None
    """Of all that was tried."""
    draft: bool = False
    tried: tuple[Tried, ...] = ()
    """Everybody, the one whose patch it is first."""


@dataclass(frozen=True, kw_only=True)
class NotVerified:
    tried: tuple[Tried, ...]


@dataclass(frozen=True, kw_only=True)
class Failed:
    """Infrastructure: nothing is said about the issue."""

    cause: str
    will_retry: bool = False


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Whoever asked may not."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class ConfigInvalid:
    line: int | None
    problem: str
    path: str = ".github/redgreen.yml"


@dataclass(frozen=True, kw_only=True)
class Stopped:
    by: str


Status = (
    Received
    | Working
    | Racing
    | FallingBack
    | Verifying
    | Opened
    | NotVerified
    | Failed
    | Refused
    | ConfigInvalid
    | Stopped
)


def status(state: Status) -> str:
    """Markdown. Patches are shortened or left out so that three attempts fit into `MAX_BODY`."""
    match state:
        case Received(requested_by=login):
            return f"On it, asked by {code(login)}. This comment is edited as the work goes on."
        case Working(model=model, strategy=strategy, chosen_by=chosen_by):
            how = f" ({code(strategy)})" if strategy else ""
            by = f" It was chosen by {inline(chosen_by, 120)}." if chosen_by else ""
            return f"Working on a fix with {code(model)}{how}, in a container without network.{by}"
        case Racing(models=models):
            return (
                f"Working on a fix with {entrants(models)} at once, each in a container of its own without network. "
                "The first patch that is verified is taken, and the others are stopped."
            )
        case FallingBack(failed=failed, model=model):
            return f"{failures(failed)}\n\nWorking on a fix with {code(model)} instead."
        case Verifying(model=model):
            return (
                f"{code(model)} proposes a patch. Running the tests without it and with it, in fresh containers, "
                "before anything is claimed."
            )
        case Opened():
            return _opened(state)
        case NotVerified(tried=tried):
            return _not_verified(tried)
        case Failed(cause=cause, will_retry=will_retry):
            then = "It is tried again by itself." if will_retry else "Ask again with `retry` when that is settled."
            return f"This could not be done. The reason has nothing to do with the issue:\n\n{quote(cause)}\n\n{then}"
        case Refused(reason=reason):
            return f"Not started: {inline(reason, 400)}"
        case ConfigInvalid(line=line, problem=problem, path=path):
            where = f"{code(path)}, line {line}" if line is not None else code(path)
            return (
                f"Not started: there is a mistake in {where} on the default branch.\n\n{quote(problem)}\n\n"
                "Nothing is guessed around it. Correct it, and ask again."
            )
        case Stopped(by=by):
            return f"Stopped by {code(by)}. No pull request was opened."
    assert_never(state)


def _opened(state: Opened) -> str:
    kind = "a draft pull request" if state.draft else "a pull request"
    evidence = state.proof.verdict.evidence
    return "\n\n".join(
        [
            f"**{headline(state.proof.verdict)}**: #{state.pull_number} is {kind} with the evidence.",
            f"{count(len(evidence.pass_to_pass), 'test')} kept green. Cost: {dollars(state.cost_usd)}.",
            *([who_tried(state.tried)] if len(state.tried) > 1 else []),
        ]
    )


def internal_error(job: str) -> str:
    """All that is said about an error of our own machinery, wherever people read it: its details may be secret."""
    return f"redgreen itself failed. Whoever runs it finds the details in its log, under the job {job}."


_RESULTS = (Ending.CANNOT_REPRODUCE, Ending.NEEDS_DECISION)
"""Endings that answer the issue without a patch."""


def _not_verified(tried: tuple[Tried, ...]) -> str:
    results = [one.attempt for one in tried if one.attempt.ending in _RESULTS]
    if len(results) == len(tried) > 0:
        return "\n\n".join(_result(attempt) for attempt in results[:_MOST_RESULTS])
    parts = ["**No pull request: no patch could be proven.** What was tried:"]
    if len(tried) > 1:
        parts.append(who_tried(tried))
    room = (MAX_BODY - len("\n\n".join(parts))) // max(1, len(tried)) - 500
    parts.extend(_tried(one, room) for one in tried)
    parts.append("More detail in the issue (an input and what it should give) helps most. `retry` starts again.")
    return "\n\n".join(parts)


_MOST_RESULTS = 6
_RESULT_AMONG_OTHERS = 1000
_WORDS = 2500
"""Of a result, as long as a model may make them."""


def _result(attempt: Attempt) -> str:
    """What an attempt found instead of a fix, in its own words."""
    model, bill = code(attempt.model), _bill(attempt)
    words = quote(attempt.summary.strip() or attempt.reason, _WORDS)
    if attempt.ending is Ending.NEEDS_DECISION:
        return (
            f"**This needs a decision before it can be fixed.** {model} stopped, because what is right here is for a "
            f"person to say. In its words, which nobody checked:\n\n{words}\n\n"
            f"Write the decision into the issue, and ask again with `retry`. No patch was made ({bill})."
        )
    return (
        f"**The problem did not appear here.** {model} tried to make it appear and could not; that does not say that "
        f"there is none. In its words, which nobody checked:\n\n{words}\n\n"
        f"What helps most is an input, what it gives, and what it should give; then ask again with `retry`. No patch "
        f"was made ({bill})."
    )


def _bill(attempt: Attempt) -> str:
    return f"{count(attempt.steps, 'step')}, {attempt.seconds:.0f} s, cost {dollars(attempt.cost_usd)}"


def _tried(tried: Tried, room: int) -> str:
    attempt = tried.attempt
    lines = [
        f"### {', '.join(code(word) for word in (attempt.model, attempt.strategy) if word)}: {ending(attempt.ending)}",
        f"{inline(attempt.reason, 600)} ({_bill(attempt)})",
    ]
    if attempt.ending in _RESULTS and attempt.summary.strip():
        lines.append(quote(attempt.summary, _RESULT_AMONG_OTHERS))
    if tried.refused:
        lines.append(f"Its patch was refused unread: {inline(tried.refused, 600)}")
    if tried.proof is not None:
        verdict = tried.proof.verdict
        lines += [f"**{headline(verdict)}.** {explanation(verdict)}", counts(verdict.evidence)]
    text = "\n\n".join(lines)
    return f"{text}\n\n{_folded_patch(attempt.diff, room - len(text))}" if attempt.diff else text


def _folded_patch(diff: str, room: int) -> str:
    limit = min(_PATCH_ROOM, room - 200)
    if limit < 400:
        return "(The patch is too long to show here.)"
    return (
        f"<details>\n<summary>The patch that was not published</summary>\n\n{block(diff, limit, 'diff')}\n\n</details>"
    )
