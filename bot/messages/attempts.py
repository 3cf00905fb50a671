"""Who worked on a task, how each ended, and what each cost: for status comments and pull requests. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import assert_never

from agents.errors import Fault
from agents.types import Attempt, Ending
from bot.messages.evidence import count, dollars, headline
from bot.messages.untrusted import code, plain, quote
from sandbox.types import Proof, Verified


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One attempt and what became of its patch."""

    attempt: Attempt
    proof: Proof | None = None
    """None when there was no patch to judge."""
    refused: str = ""
    """Why the patch policy refused the patch; "" when it did not."""


def entrants(models: Sequence[str]) -> str:
    """`a`, `b` (3 samples) and `c`."""
    numbers = {model: models.count(model) for model in models}
    named = [code(model) if number == 1 else f"{code(model)} ({number} samples)" for model, number in numbers.items()]
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"


def failures(failed: Sequence[Attempt]) -> str:
    """Why the next model is asked: one bullet each, with the endpoint's own words."""
    lines = [f"{code(attempt.model)}: {_ended(attempt)}.\n\n{quote(attempt.reason, 400)}" for attempt in failed]
    return "\n\n".join(lines)


def who_tried(tried: Sequence[Tried]) -> str:
    """A row each: how it ended, what its patch was found to be, what it cost. The first is the one that was taken."""
    taken = tried[0].proof is not None and isinstance(tried[0].proof.verdict, Verified)
    rows = [
        f"| {code(one.attempt.model)} | {_ended(one.attempt)} | {_judged(one)}{' (taken)' if taken and not n else ''} "
        f"| {count(one.attempt.steps, 'step')}, {one.attempt.seconds:.0f} s | {dollars(one.attempt.cost_usd)} |"
        for n, one in enumerate(tried)
    ]
    return "\n".join(["| model | how it ended | its patch | work | cost |", "| --- | --- | --- | --- | --- |", *rows])


def _ended(attempt: Attempt) -> str:
    return ending(attempt.ending) if attempt.fault is None else f"{ending(attempt.ending)}: {_fault(attempt.fault)}"


def why_ended(attempt: Attempt) -> str:
    """One line for a job's list: how an attempt ended, and its own reason."""
    return plain(f"{_ended(attempt)}: {attempt.reason}" if attempt.reason else _ended(attempt), 500)


def _judged(tried: Tried) -> str:
    if tried.proof is not None:
        return headline(tried.proof.verdict)
    return "refused by the patch policy" if tried.refused else "none that was judged"


def _fault(fault: Fault) -> str:
    match fault:
        case Fault.UNAVAILABLE:
            return "its endpoint does not answer, after all tries"
        case Fault.INCOMPLETE:
            return "its answers break off, after all tries"
        case Fault.KEY:
            return "its key is missing or refused"
        case Fault.QUOTA:
            return "its account has no quota left"
        case Fault.MISSING:
            return "its endpoint has no such model"
        case Fault.CONTEXT:
            return "the task does not fit its window"
        case Fault.DECLINED:
            return "it declined to work on this"
        case Fault.LIMIT:
            return "a limit of money could be broken"
        case Fault.REQUEST:
            return "its request was refused"
    assert_never(fault)


def ending(ending: Ending) -> str:
    match ending:
        case Ending.SUBMITTED:
            return "proposed a patch"
        case Ending.CANNOT_REPRODUCE:
            return "could not reproduce the problem"
        case Ending.NEEDS_DECISION:
            return "needs a decision of a person"
        case Ending.GAVE_UP:
            return "searched and found nothing"
        case Ending.LIMIT:
            return "reached a limit"
        case Ending.STUCK:
            return "went in circles"
        case Ending.FORMAT_ERRORS:
            return "did not keep to the form it has to answer in"
        case Ending.MODEL_FAILED:
            return "the model's endpoint failed"
        case Ending.STOPPED:
            return "was stopped"
    assert_never(ending)
