"""Whether a trial's call may be made. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from agents.purse import Call
from bot.money.budget import Denied, Granted, Limits, Scope, Used, judge

_NONE = Limits(attempt=None, job=None, repository=None, installation=None, month=None)


def judge_whole(call: Call, limits: Limits, used: Mapping[Scope, Used]) -> Granted | Denied:
    """As `bot.money.budget.judge`, but that only the attempt's own limit may shorten an answer: one that is cut because
    others have spent would be held against the model. The job is the whole evaluation."""
    own = judge(call, replace(_NONE, attempt=limits.attempt, unpriced=limits.unpriced), used)
    if isinstance(own, Denied):
        return own
    shared = judge(replace(call, output_tokens=own.output_tokens), replace(limits, attempt=None), used)
    if isinstance(shared, Granted) and shared.output_tokens < own.output_tokens:
        return Denied(scope=Scope.JOB, reason=f"Too little money is left for a whole answer of {call.model}.")
    return shared


def beside_the_book(limit_usd: float | None, stored_usd: float, booked_usd: float) -> float | None:
    """The limit for calls that are booked from now on, where stored steps were booked elsewhere: the directory may come
    from another machine."""
    return None if limit_usd is None else max(0.0, limit_usd - max(0.0, stored_usd - booked_usd))
