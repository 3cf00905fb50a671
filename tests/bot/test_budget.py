"""What a call may cost, against what every limit leaves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from agents.purse import Call
from bot.money.budget import (
    LEAST_OUTPUT,
    Denied,
    Granted,
    Limits,
    Scope,
    Used,
    dollars,
    exhausted,
    judge,
    judge_now,
    month_start,
)
from bot.trials.budget import judge_whole

NO_LIMITS = Limits(attempt=None, job=None, repository=None)


def call(
    output: int = 10_000, *, prompt_usd: float = 0.5, per_token: float = 0.0001, self_hosted: bool = False
) -> Call:
    """A prompt of half a dollar, and a dollar for 10,000 tokens of answer."""

    def worst(tokens: int) -> float:
        return prompt_usd + tokens * per_token

    return Call(model="m", prompt_tokens=100, output_tokens=output, worst_usd=worst, self_hosted=self_hosted)


def unpriced(*, self_hosted: bool = False) -> Call:
    return Call(model="m", prompt_tokens=1, output_tokens=50, worst_usd=lambda _: None, self_hosted=self_hosted)


def spent(scope: Scope, usd: float, aside: float = 0.0) -> dict[Scope, Used]:
    return {scope: Used(usd=usd, aside=aside)}


def limited(scope: Scope, usd: float) -> Limits:
    return Limits(**{"attempt": None, "job": None, "repository": None, scope.value: usd})


@pytest.mark.parametrize("scope", list(Scope))
def test_each_limit_stops_the_call_that_could_break_it(scope: Scope) -> None:
    limits = limited(scope, 10.0)
    assert judge(call(), limits, spent(scope, 8.5)) == Granted(output_tokens=10_000)
    denied = judge(call(), limits, spent(scope, 9.45))
    assert isinstance(denied, Denied)
    assert denied.scope is scope
    assert "of $10.00" in denied.reason
    assert "$9.45 are spent" in denied.reason
    assert "It was not made." in denied.reason
    assert judge(call(), limits, {}) == Granted(output_tokens=10_000)


def test_what_costs_nothing_breaks_no_limit_that_others_have_broken() -> None:
    free = call(prompt_usd=0.0, per_token=0.0)
    assert judge(free, limited(Scope.MONTH, 1.0), spent(Scope.MONTH, 1.5)) == Granted(output_tokens=10_000)
    assert isinstance(judge(call(), limited(Scope.MONTH, 1.0), spent(Scope.MONTH, 1.5)), Denied)


def test_the_last_dollar_is_spent_to_the_cent_and_not_over_it() -> None:
    limits = limited(Scope.MONTH, 1.5)
    assert judge(call(), limits, {}) == Granted(output_tokens=10_000)
    assert judge(call(), limits, spent(Scope.MONTH, 0.0001)) == Granted(output_tokens=9_999)


def test_a_call_is_made_with_a_shorter_answer_where_less_is_left() -> None:
    granted = judge(call(), limited(Scope.JOB, 1.0), {})
    assert granted == Granted(output_tokens=5_000)
    assert call().worst_usd(5_000) == pytest.approx(1.0)


def test_the_scope_that_leaves_least_decides() -> None:
    limits = Limits(attempt=1.2, job=1.0, repository=1.4)
    assert judge(call(), limits, {}) == Granted(output_tokens=5_000)
    denied = judge(call(), limits, spent(Scope.REPOSITORY, 1.0))
    assert isinstance(denied, Denied)
    assert denied.scope is Scope.REPOSITORY


def test_an_answer_too_short_to_say_anything_is_not_paid_for() -> None:
    limits = limited(Scope.JOB, 0.5 + (LEAST_OUTPUT - 1) * 0.0001)
    assert isinstance(judge(call(), limits, {}), Denied)


def test_a_call_that_wants_little_gets_all_of_it_or_nothing() -> None:
    assert judge(call(16), limited(Scope.JOB, 0.51), {}) == Granted(output_tokens=16)
    assert isinstance(judge(call(16), limited(Scope.JOB, 0.501), {}), Denied)


def test_what_is_set_aside_for_others_is_told() -> None:
    denied = judge(call(), limited(Scope.MONTH, 2.0), spent(Scope.MONTH, 1.9, aside=0.4))
    assert isinstance(denied, Denied)
    assert "$1.90 are spent, $0.40 of it set aside for calls under way" in denied.reason
    assert "may cost $0.60 or more" in denied.reason


@pytest.mark.parametrize("scope", list(Scope))
def test_a_refusal_is_for_now_only_where_just_what_is_set_aside_is_in_the_way(scope: Scope) -> None:
    limits = limited(scope, 2.0)
    held = judge_now(judge, call(), limits, spent(scope, 1.9, aside=1.2))
    assert isinstance(held, Denied)
    assert (held.may_pass, held.scope) == (True, scope)
    gone = judge_now(judge, call(), limits, spent(scope, 1.9, aside=0.4))
    assert isinstance(gone, Denied)
    assert not gone.may_pass
    assert judge_now(judge, call(), limits, spent(scope, 0.5, aside=0.5)) == Granted(output_tokens=10_000)


def test_money_that_is_set_aside_is_never_granted_to_another() -> None:
    held = spent(Scope.JOB, 1.0, aside=1.0)
    assert judge_now(judge, call(), limited(Scope.JOB, 2.0), held) == Granted(output_tokens=5_000)
    refused = judge_now(judge, call(), limited(Scope.JOB, 1.5), held)
    assert isinstance(refused, Denied)
    assert refused.may_pass


def test_a_refusal_by_two_limits_passes_only_where_both_do() -> None:
    used = {Scope.JOB: Used(usd=0.9, aside=0.9), Scope.MONTH: Used(usd=9.9)}
    refused = judge_now(judge, call(), Limits(attempt=None, job=1.0, repository=None, month=10.0), used)
    assert isinstance(refused, Denied)
    assert (refused.may_pass, refused.scope) == (False, Scope.JOB)


def test_a_trials_call_waits_for_a_whole_answer() -> None:
    limits = limited(Scope.JOB, 2.0)
    held = judge_now(judge_whole, call(), limits, spent(Scope.JOB, 1.0, aside=0.7))
    assert isinstance(held, Denied)
    assert held.may_pass
    gone = judge_now(judge_whole, call(), limits, spent(Scope.JOB, 1.0, aside=0.4))
    assert isinstance(gone, Denied)
    assert not gone.may_pass


def test_an_unknown_price_does_not_become_known_by_waiting() -> None:
    refused = judge_now(judge, unpriced(), Limits(), spent(Scope.MONTH, 1.0, aside=1.0))
    assert isinstance(refused, Denied)
    assert not refused.may_pass


def test_what_is_only_set_aside_ends_no_work_before_it_begins() -> None:
    limits = limited(Scope.REPOSITORY, 5.0)
    assert exhausted("m", limits, spent(Scope.REPOSITORY, 5.5, aside=1.0)) is None
    assert exhausted("m", limits, spent(Scope.REPOSITORY, 6.0, aside=1.0)) is not None


def test_a_vendors_unknown_price_is_refused_where_dollars_are_limited() -> None:
    denied = judge(unpriced(), Limits(), {})
    assert isinstance(denied, Denied)
    assert denied.scope is None
    assert 'limits.unpriced = "allow"' in denied.reason


def test_an_unknown_price_is_allowed_in_the_house_or_by_the_operator_or_without_limits() -> None:
    granted = Granted(output_tokens=50)
    assert judge(unpriced(self_hosted=True), Limits(), {}) == granted
    assert judge(unpriced(), Limits(unpriced="allow"), {}) == granted
    assert judge(unpriced(), NO_LIMITS, {}) == granted


def test_a_priced_model_of_the_house_is_limited_as_any() -> None:
    assert isinstance(judge(call(self_hosted=True), limited(Scope.MONTH, 0.1), {}), Denied)


def test_without_limits_everything_is_granted() -> None:
    assert judge(call(), NO_LIMITS, spent(Scope.MONTH, 1e9)) == Granted(output_tokens=10_000)


def test_no_work_is_begun_where_a_month_is_used_up() -> None:
    limits = Limits(repository=5.0, installation=20.0, month=50.0)
    assert exhausted("m", limits, spent(Scope.REPOSITORY, 4.99)) is None
    assert exhausted("m", NO_LIMITS, spent(Scope.REPOSITORY, 4.99)) is None
    for scope, usd in ((Scope.REPOSITORY, 5.0), (Scope.INSTALLATION, 20.5), (Scope.MONTH, 50.0)):
        denied = exhausted("m", limits, spent(scope, usd))
        assert denied is not None
        assert denied.scope is scope
        assert "is used up" in denied.reason
        assert "m was not asked" in denied.reason


def test_months_are_calendar_months_in_utc() -> None:
    assert (
        month_start(datetime(2026, 3, 31, 23, 59, tzinfo=UTC).timestamp())
        == datetime(2026, 3, 1, tzinfo=UTC).timestamp()
    )
    assert month_start(datetime(2026, 4, 1, tzinfo=UTC).timestamp()) == datetime(2026, 4, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        (0.0, "$0.00"),
        (0.0042, "$0.0042"),
        (0.0000312, "$0.000031"),
        (0.001, "$0.001"),
        (0.01, "$0.01"),
        (1.239, "$1.24"),
        (1234.5, "$1234.50"),
    ],
)
def test_dollars_never_round_something_to_nothing(amount: float, shown: str) -> None:
    assert dollars(amount) == shown
