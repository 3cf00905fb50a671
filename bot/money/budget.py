"""Limits and what is spent -> whether a call may be made, and how long its answer may be. Pure."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, assert_never

from agents.purse import Call

LEAST_OUTPUT = 1_024
"""Tokens: a call is made for less money than it wanted only where it may still say this much."""


class Scope(StrEnum):
    """Whose spending a limit is on. Months are calendar months in UTC."""

    ATTEMPT = "attempt"
    JOB = "job"
    REPOSITORY = "repository"
    INSTALLATION = "installation"
    MONTH = "month"


@dataclass(frozen=True, kw_only=True)
class Limits:
    """US dollars by scope; None: that scope has no limit."""

    attempt: float | None = 3.0
    job: float | None = 10.0
    repository: float | None = 100.0
    installation: float | None = None
    month: float | None = None
    unpriced: Literal["refuse", "allow"] = "refuse"
    """What becomes of a vendor's model whose price is unknown, where dollars are limited at all."""

    def of(self, scope: Scope) -> float | None:
        found: float | None = getattr(self, scope.value)
        return found

    @property
    def limits_anything(self) -> bool:
        return any(self.of(scope) is not None for scope in Scope)


@dataclass(frozen=True, kw_only=True)
class Used:
    """Dollars of one scope, and how many calls have a cost that nobody knows."""

    usd: float = 0.0
    """Booked, and the worst case of what is set aside or broke off."""
    aside: float = 0.0
    """The part of it that belongs to calls under way."""
    unpriced: int = 0
    """Calls of unknown price: not in `usd`."""

    @property
    def settled(self) -> Used:
        """As if every call under way had cost nothing: what stays spent whatever becomes of them."""
        return replace(self, usd=max(0.0, self.usd - self.aside), aside=0.0)


@dataclass(frozen=True, kw_only=True)
class Granted:
    output_tokens: int


@dataclass(frozen=True, kw_only=True)
class Denied:
    scope: Scope | None
    """None: the price is unknown."""
    reason: str
    """A sentence for a person."""
    may_pass: bool = False
    """Only what is set aside for calls under way is in the way, and most of that is given back."""


Judging = Callable[[Call, Limits, Mapping[Scope, Used]], Granted | Denied]


def judge_now(judging: Judging, call: Call, limits: Limits, used: Mapping[Scope, Used]) -> Granted | Denied:
    """By all that is used, so that no limit is ever broken; and whether a refusal is one for now only."""
    found = judging(call, limits, used)
    if isinstance(found, Granted):
        return found
    least = judging(call, limits, {scope: one.settled for scope, one in used.items()})
    return replace(found, may_pass=isinstance(least, Granted))


def judge(call: Call, limits: Limits, used: Mapping[Scope, Used]) -> Granted | Denied:
    """Whether a call may be made: its worst case must fit what every limit leaves, if need be by a shorter answer."""
    if call.worst_usd(call.output_tokens) is None:
        return _unpriced(call, limits)
    output = call.output_tokens
    for scope in Scope:
        limit = limits.of(scope)
        if limit is None:
            continue
        spent = used.get(scope, Used())
        output = _affordable(call, limit - spent.usd, output)
        if output < min(LEAST_OUTPUT, call.output_tokens):
            return Denied(scope=scope, reason=_broken(call, scope, limit, spent))
    return Granted(output_tokens=output)


def exhausted(model: str, limits: Limits, used: Mapping[Scope, Used]) -> Denied | None:
    """The limit that leaves nothing at all, before any work is begun; None where something is left. What is only set
    aside leaves something: each call waits for it."""
    for scope in (Scope.REPOSITORY, Scope.INSTALLATION, Scope.MONTH):
        limit, spent = limits.of(scope), used.get(scope, Used())
        if limit is not None and spent.settled.usd >= limit:
            reason = f"{_what(scope, limit)} is used up{_so_far(spent)}. {model} was not asked."
            return Denied(scope=scope, reason=reason)
    return None


def _unpriced(call: Call, limits: Limits) -> Granted | Denied:
    if call.self_hosted or limits.unpriced == "allow" or not limits.limits_anything:
        return Granted(output_tokens=call.output_tokens)
    return Denied(
        scope=None,
        reason=f"What {call.model} costs is not known, and spending is limited in dollars. The operator can give it a "
        'price in the lineup, or allow it with `limits.unpriced = "allow"`.',
    )


def _affordable(call: Call, left: float, most: int) -> int:
    """The longest answer, of at most `most` tokens, whose worst case fits; 0 where none does."""

    def fits(output: int) -> bool:
        worst = call.worst_usd(output)
        return worst is not None and worst <= max(left, 0.0)  # what costs nothing breaks no limit

    if fits(most):
        return most
    low, high = 0, most  # `low` fits or is nothing, `high` does not fit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _broken(call: Call, scope: Scope, limit: float, spent: Used) -> str:
    least = call.worst_usd(min(LEAST_OUTPUT, call.output_tokens)) or 0.0
    return (
        f"{_what(scope, limit)} could be broken{_so_far(spent)}, and the next call of {call.model} may cost "
        f"{dollars(least)} or more. It was not made."
    )


def _so_far(spent: Used) -> str:
    aside = f", {dollars(spent.aside)} of it set aside for calls under way" if spent.aside else ""
    return f": {dollars(spent.usd)} are spent{aside}"


def _what(scope: Scope, limit: float) -> str:
    match scope:
        case Scope.ATTEMPT:
            return f"The limit of {dollars(limit)} for one attempt"
        case Scope.JOB:
            return f"The limit of {dollars(limit)} for one job"
        case Scope.REPOSITORY:
            return f"This repository's limit of {dollars(limit)} a month"
        case Scope.INSTALLATION:
            return f"This installation's limit of {dollars(limit)} a month"
        case Scope.MONTH:
            return f"The limit of {dollars(limit)} a month for everything"
        case _ as unreachable:
            assert_never(unreachable)


def dollars(amount: float) -> str:
    """To the cent; what is less than a cent, to the first two digits that say something."""
    if amount == 0 or amount >= 0.01:
        return f"${amount:.2f}"
    return "$" + f"{amount:.{1 - math.floor(math.log10(amount))}f}".rstrip("0")


def month_start(now: float) -> float:
    """The beginning of the calendar month (UTC), in seconds since 1970."""
    return datetime.fromtimestamp(now, UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0).timestamp()
