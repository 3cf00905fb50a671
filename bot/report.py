"""What `fix`, `verify`, `review` and `demo` tell: one set of keys for `--json`, one layout for people. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, assert_never

from agents.types import Attempt
from bot.contest import Result, best, ranked, total_cost
from sandbox.types import (
    Inconclusive,
    NoTests,
    NotFixed,
    Proof,
    Red,
    Regressed,
    RegressionFree,
    Tampered,
    Verdict,
    Verified,
    WitnessInvalid,
    WitnessNotRed,
    verdict_name,
)

EXIT_VERIFIED = 0
EXIT_NOT_VERIFIED = 1
EXIT_NOT_JUDGED = 2


def exit_code(verdict: Verdict) -> int:
    """0 verified, 1 judged and not verified, 2 could not be judged."""
    match verdict:
        case Verified():
            return EXIT_VERIFIED
        case Inconclusive() | NoTests():
            return EXIT_NOT_JUDGED
        case RegressionFree() | WitnessNotRed() | WitnessInvalid() | NotFixed() | Regressed() | Tampered():
            return EXIT_NOT_VERIFIED
    assert_never(verdict)


def why(verdict: Verdict) -> tuple[str, ...]:
    """The verdict's own evidence as lines; names of tests and failure texts are the tenant's."""
    match verdict:
        case Verified(red_before=reds):
            return _reds(reds)
        case RegressionFree():
            return ("no test turned red, and none went from red to green",)
        case WitnessNotRed(green_without_patch=ids):
            return tuple(f"{test}: passes without the patch" for test in ids)
        case WitnessInvalid(invalid=reds) | NotFixed(still_red=reds) | Regressed(turned_red=reds):
            return _reds(reds)
        case Tampered(signs=signs):
            return signs
        case NoTests(why=reason) | Inconclusive(cause=reason):
            return (reason,)
    assert_never(verdict)


def as_json(proof: Proof, attempt: Attempt | None = None) -> dict[str, Any]:
    """The keys that `fix`, `verify`, `review` and `demo` share; lists are of test ids, times in seconds."""
    evidence = proof.verdict.evidence
    answer: dict[str, Any] = {
        "verdict": verdict_name(proof.verdict),
        "why": list(why(proof.verdict)),
        "fail_to_pass": list(evidence.fail_to_pass),
        "pass_to_pass": list(evidence.pass_to_pass),
        "flaky": list(evidence.flaky),
        "ignored_test_edits": list(evidence.ignored_test_edits),
        "flagged_paths": list(evidence.flagged_paths),
        "selection": evidence.selection,
        "division": evidence.division,
        "exit_code_only": evidence.exit_code_only,
        "hanging": [{"id": red.id, "why": red.why} for red in evidence.hanging],
        "flakiness": [{"id": known.id, "red": known.red, "runs": known.runs} for known in evidence.flakiness],
        "signs": list(evidence.signs),
        "base_commit": proof.base_commit,
        "image": proof.image,
        "patch": proof.patch,
        "seconds": round(proof.seconds, 3),
        "cost_usd": 0.0,
    }
    if attempt is not None:
        answer |= {
            "model": attempt.model,
            "strategy": attempt.strategy,
            "prompt_version": attempt.prompt_version,
            "ending": str(attempt.ending),
            "reason": attempt.reason,
            "summary": attempt.summary,
            "steps": attempt.steps,
            "input_tokens": attempt.usage.input_tokens,
            "output_tokens": attempt.usage.output_tokens,
            "cost_usd": attempt.cost_usd,
            "seconds": round(proof.seconds + attempt.seconds, 3),
        }
    return answer


def without_proof(attempt: Attempt) -> dict[str, Any]:
    """An attempt that ended with no patch: the same keys, with no verdict to show."""
    return {
        "verdict": None,
        "why": [attempt.reason],
        "fail_to_pass": [],
        "pass_to_pass": [],
        "patch": "",
        "model": attempt.model,
        "strategy": attempt.strategy,
        "prompt_version": attempt.prompt_version,
        "ending": str(attempt.ending),
        "reason": attempt.reason,
        "summary": attempt.summary,
        "steps": attempt.steps,
        "input_tokens": attempt.usage.input_tokens,
        "output_tokens": attempt.usage.output_tokens,
        "cost_usd": attempt.cost_usd,
        "seconds": round(attempt.seconds, 3),
    }


def fix_json(results: Sequence[Result]) -> dict[str, Any]:
    """What `fix` tells: the keys of the one that was chosen, and where there were several, a row each."""
    chosen = best(results)
    keys = as_json(chosen.proof, chosen.attempt) if chosen.proof else without_proof(chosen.attempt)
    if chosen.refused:
        keys |= {"why": [chosen.refused], "patch": chosen.attempt.diff}
    if len(results) == 1:
        return keys
    rows = [
        {
            "number": one.entrant.number,
            "model": one.entrant.model,
            "chosen": one is chosen,
            "ending": str(one.attempt.ending),
            "fault": one.attempt.fault,
            "reason": one.attempt.reason,
            "verdict": verdict_name(one.proof.verdict) if one.proof else None,
            "refused": one.refused,
            "cost_usd": one.attempt.cost_usd,
            "steps": one.attempt.steps,
            "seconds": round(one.attempt.seconds, 3),
        }
        for one in results
    ]
    return keys | {"attempts": rows, "total_cost_usd": total_cost(one.attempt for one in results)}


FIX_COLUMNS = ("", "model", "how it ended", "verdict", "steps", "cost")


def fix_rows(results: Sequence[Result]) -> list[tuple[str, ...]]:
    """For people, by `FIX_COLUMNS`; the chosen one first."""
    return [
        (
            "taken" if place == 0 and one.is_judged else "",
            f"{one.entrant.model} ({one.entrant.number})",
            str(one.attempt.ending).replace("_", " ") + (f" ({one.attempt.fault})" if one.attempt.fault else ""),
            "refused" if one.refused else verdict_name(one.proof.verdict) if one.proof else "-",
            str(one.attempt.steps),
            dollars(one.attempt.cost_usd),
        )
        for place, one in enumerate(ranked(results))
    ]


def dollars(cost: float | None) -> str:
    """A price for people: unknown is said, never 0."""
    return "unknown" if cost is None else f"${cost:.4f}" if cost else "$0"


def _reds(reds: tuple[Red, ...]) -> tuple[str, ...]:
    return tuple(f"{red.id}: {red.why}" for red in reds)
