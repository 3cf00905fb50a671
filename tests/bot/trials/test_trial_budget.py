"""Money of an evaluation: only an attempt's own limit shortens an answer, and what is stored elsewhere counts."""

from __future__ import annotations

import pytest

from agents.purse import Call
from bot.money.budget import Denied, Granted, Limits, Scope, Used
from bot.trials.budget import beside_the_book, judge_whole
from bot.trials.ledger import Ledger

NO_LIMITS = Limits(attempt=None, job=None, repository=None, installation=None, month=None)


def call(output: int = 10_000, price: float | None = 0.0001, *, self_hosted: bool = False) -> Call:
    def worst(tokens: int) -> float | None:
        return None if price is None else tokens * price

    return Call(model="m", prompt_tokens=1, output_tokens=output, worst_usd=worst, self_hosted=self_hosted)


def limits(**dollars: float | None) -> Limits:
    return Limits(**({"attempt": None, "job": None, "repository": None} | dollars))  # type: ignore[arg-type]


def test_a_whole_answer_is_paid_where_it_fits() -> None:
    assert judge_whole(call(), limits(attempt=3.0, job=1.0), {}) == Granted(output_tokens=10_000)
    assert judge_whole(call(), NO_LIMITS, {}) == Granted(output_tokens=10_000)


def test_an_attempts_own_limit_shortens_its_answer() -> None:
    assert judge_whole(call(), limits(attempt=0.5, job=1.0), {}) == Granted(output_tokens=5_000)


@pytest.mark.parametrize("shared", [{"job": 0.5}, {"month": 0.5}])
def test_a_shared_limit_ends_instead_of_shortening(shared: dict[str, float]) -> None:
    found = judge_whole(call(), limits(**shared), {})
    assert found == Denied(scope=Scope.JOB, reason="Too little money is left for a whole answer of m.")


def test_each_denial_tells_whose_limit_it_is() -> None:
    used = {Scope.ATTEMPT: Used(usd=1.0), Scope.JOB: Used(usd=1.0)}
    own = judge_whole(call(), limits(attempt=1.0, job=9.0), used)
    shared = judge_whole(call(), limits(attempt=9.0, job=1.0), used)
    assert isinstance(own, Denied)
    assert isinstance(shared, Denied)
    assert (own.scope, shared.scope) == (Scope.ATTEMPT, Scope.JOB)


@pytest.mark.parametrize("limited", [limits(attempt=1.0), limits(job=1.0)])
def test_a_vendors_unknown_price_is_refused_where_dollars_are_limited(limited: Limits) -> None:
    found = judge_whole(call(price=None), limited, {})
    assert isinstance(found, Denied)
    assert found.scope is None
    assert judge_whole(call(price=None, self_hosted=True), limited, {}) == Granted(output_tokens=10_000)
    assert judge_whole(call(price=None), NO_LIMITS, {}) == Granted(output_tokens=10_000)


def test_stored_steps_that_are_in_no_book_count_all_the_same() -> None:
    assert beside_the_book(None, 5.0, 0.0) is None
    assert beside_the_book(10.0, 0.0, 0.0) == 10.0
    assert beside_the_book(10.0, 4.0, 6.0) == 10.0, "the book also knows calls that broke off"
    assert beside_the_book(10.0, 4.0, 1.0) == 7.0
    assert beside_the_book(1.0, 4.0, 0.0) == 0.0


def test_a_ledger_adds_up_and_remembers_the_first_end() -> None:
    ledger = Ledger([0.5, 0.25])
    ledger.book(0.25)
    assert (ledger.spent_usd, ledger.ended) == (1.0, "")
    ledger.end("over")
    ledger.end("over again")
    assert ledger.ended == "over"
    ledger.book(None)
    assert ledger.spent_usd is None
