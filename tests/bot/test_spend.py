"""The book of calls, on SQLite and on PostgreSQL: what is set aside, what is booked, and who shares the last dollar."""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import threading
from collections.abc import Iterable, Mapping

import pytest
import sqlalchemy as sa

from agents.errors import OverLimit
from agents.purse import Call, Held
from agents.types import Usage
from bot.errors import StoreError
from bot.money import owner
from bot.money.budget import Limits, Scope, Used, month_start
from bot.money.owner import here, is_dead
from bot.money.purse import StorePurse
from bot.store import Account, Purpose, Store
from bot.store.schema import spend
from bot.store.spend import LONGEST_CALL
from bot.store.spend_sums import Key
from tests.bot.conftest import Time

USAGE = Usage(input_tokens=900, output_tokens=50, cache_read_tokens=600, cache_write_tokens=100, reasoning_tokens=20)
OPEN = Limits(attempt=None, job=None, repository=None)


def account(number: int = 1, *, repository: int = 7, installation: int = 99, purpose: Purpose = Purpose.FIX) -> Account:
    return Account(
        attempt=f"job-{number}-1",
        job=f"job-{number}",
        purpose=purpose,
        repository_id=repository,
        repository=f"octo/shop-{repository}",
        installation_id=installation,
    )


def call(usd: float | None = 0.5, model: str = "m") -> Call:
    return Call(model=model, prompt_tokens=100, output_tokens=2_000, worst_usd=lambda _: usd, self_hosted=usd is None)


def hold(store: Store, limits: Limits = OPEN, by: Account | None = None, usd: float | None = 0.5) -> Held:
    return StorePurse(store.spend, limits, by or account()).hold(call(usd))


def used(store: Store, by: Account | None = None) -> Mapping[Scope, float]:
    return {scope: found.usd for scope, found in store.spend.used(by or account()).items()}


def test_a_call_is_set_aside_before_it_is_made_and_booked_after_it(store: Store) -> None:
    held = hold(store)
    assert set(used(store).values()) == {0.5}
    assert store.spend.used(account())[Scope.MONTH].aside == 0.5
    held.paid(USAGE, 0.2)
    assert set(used(store).values()) == {0.2}
    assert store.spend.used(account())[Scope.MONTH].aside == 0.0
    (total,) = store.spend.totals((), since=0)
    assert (total.usage, total.usd, total.uncertain_usd, total.calls) == (USAGE, 0.2, 0.0, 1)


def test_a_purse_sets_nothing_aside_before_the_last_answer_is_in_the_book(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    purse = StorePurse(store.spend, OPEN, account())
    held = purse.hold(call())
    with monkeypatch.context() as broken:
        broken.setattr(store.spend, "_settled", failing)
        held.paid(USAGE, 0.2)
        with pytest.raises(StoreError, match="disk is full"):
            purse.hold(call())
    assert used(store)[Scope.MONTH] == 0.5, "it counts with its worst case"
    purse.hold(call()).paid(USAGE, 0.2)
    assert used(store)[Scope.MONTH] == pytest.approx(0.7)


def test_a_call_that_is_settled_while_the_book_is_read_is_counted_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, read = hold(store, usd=1.0), store.spend._sums.read

    def settled_before(connection: sa.Connection, wanted: Iterable[Key]) -> Mapping[Key, Used]:
        held.lost()
        return read(connection, wanted)

    with monkeypatch.context() as patched:
        patched.setattr(store.spend._sums, "read", settled_before)
        assert set(used(store).values()) == {1.0}
    assert store.spend.used(account())[Scope.MONTH] == Used(usd=1.0)


def test_a_statement_is_run_with_exactly_its_parameters(store: Store) -> None:
    with store.database.reading() as connection:
        for given in ({}, {"cal": "1"}, {"call": "1", "more": 2}):
            with pytest.raises(KeyError, match="missing, or unknown"):
                store.spend._call.rows(connection, **given)
        with pytest.raises(KeyError, match="cost_usd"):
            store.spend._settled_as.run(connection, [{"call": "1", "state": "lost", "settled_at": 1.0}])
        assert store.spend._call.rows(connection, call="1") == []


def test_a_server_that_ends_connections_is_told_of_and_asked_anew(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    if store.database.is_sqlite:
        pytest.skip("a file ends no connection")
    rows = store.spend._held.rows

    def ended_before(connection: sa.Connection) -> list[tuple[object, ...]]:
        pid = connection.exec_driver_sql("SELECT pg_backend_pid()").scalar_one()
        with store.database.reading() as other:
            other.exec_driver_sql(f"SELECT pg_terminate_backend({pid})")
        return rows(connection)

    with monkeypatch.context() as patched:
        patched.setattr(store.spend._held, "rows", ended_before)
        with pytest.raises(StoreError, match="The database cannot be used: "):
            used(store)
        with pytest.raises(StoreError, match="The database cannot be used: "):
            hold(store)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    hold(store)
    assert set(used(store).values()) == {0.5}


def test_a_database_that_fails_is_an_error_of_the_stores_and_can_be_used_again(store: Store) -> None:
    with store.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE spend RENAME TO away")
    with pytest.raises(StoreError, match=r"The database cannot be used: .*spend"):
        hold(store)
    with store.database.writing() as connection:
        connection.exec_driver_sql("ALTER TABLE away RENAME TO spend")
    hold(store).paid(USAGE, 0.2)
    assert set(used(store).values()) == {0.2}


def failing(*_: object, **__: object) -> None:
    raise StoreError("The database cannot be used: the disk is full")


def test_what_was_paid_is_in_the_book_when_the_store_is_closed(database_url: str) -> None:
    first = Store.open(database_url)
    for number in range(20):
        hold(first, by=account(number)).paid(USAGE, 0.1)
    first.close()
    store = Store.open(database_url)
    (total,) = store.spend.totals((), since=0)
    store.close()
    assert (total.calls, total.under_way, total.usd) == (20, 0, pytest.approx(2.0))


def test_a_call_that_was_never_made_leaves_no_trace(store: Store) -> None:
    hold(store).unpaid()
    assert store.spend.totals(("model",), since=0) == ()


def test_a_call_that_broke_off_counts_with_its_worst_case_and_its_cost_is_unknown(store: Store) -> None:
    hold(store).lost()
    assert used(store)[Scope.MONTH] == 0.5
    (total,) = store.spend.totals((), since=0)
    assert (total.usd, total.uncertain_usd, total.lost, total.unpriced) == (0.0, 0.5, 1, 0)


def test_an_answer_without_its_counts_counts_with_its_worst_case(store: Store) -> None:
    hold(store).paid(Usage(), None)
    assert used(store)[Scope.MONTH] == 0.5
    (total,) = store.spend.totals((), since=0)
    assert (total.usd, total.uncertain_usd, total.unpriced) == (0.0, 0.5, 1)


def test_an_unknown_price_is_counted_as_unknown_and_never_as_nothing(store: Store) -> None:
    hold(store, usd=None).paid(USAGE, None)
    found = store.spend.used(account())[Scope.MONTH]
    assert (found.usd, found.unpriced) == (0.0, 1)
    (total,) = store.spend.totals((), since=0)
    assert (total.unpriced, total.usage) == (1, USAGE)


def test_each_scope_sums_what_is_its_own(store: Store, clock: Time) -> None:
    hold(store, by=account(1)).paid(USAGE, 1.0)
    hold(store, by=account(2)).paid(USAGE, 2.0)
    hold(store, by=account(3, repository=8)).paid(USAGE, 4.0)
    hold(store, by=account(4, repository=9, installation=5)).paid(USAGE, 8.0)
    assert used(store, account(1)) == {
        Scope.ATTEMPT: 1.0, Scope.JOB: 1.0, Scope.REPOSITORY: 3.0, Scope.INSTALLATION: 7.0, Scope.MONTH: 15.0,
    }  # fmt: skip
    clock.now += 40 * 86_400
    assert used(store, account(1)) == {
        Scope.ATTEMPT: 1.0, Scope.JOB: 1.0, Scope.REPOSITORY: 0.0, Scope.INSTALLATION: 0.0, Scope.MONTH: 0.0,
    }  # fmt: skip


def test_what_belongs_to_no_repository_shares_no_limit_of_one(store: Store) -> None:
    nobody = Account(attempt="probe-1", job="probe-1", purpose=Purpose.PROBE)
    hold(store, by=nobody).paid(USAGE, 1.0)
    other = Account(attempt="probe-2", job="probe-2", purpose=Purpose.PROBE)
    assert used(store, other)[Scope.REPOSITORY] == used(store, other)[Scope.INSTALLATION] == 0.0
    assert used(store, other)[Scope.MONTH] == 1.0


@pytest.mark.parametrize(
    ("limits", "other"),
    [
        (Limits(attempt=0.9), account()),
        (Limits(job=0.9), Account(attempt="job-1-2", job="job-1", purpose=Purpose.FIX)),
        (Limits(repository=0.9), account(2)),
        (Limits(installation=0.9), account(2, repository=8)),
        (Limits(month=0.9), account(2, repository=8, installation=5)),
    ],
    ids=["attempt", "job", "repository", "installation", "month"],
)
def test_two_callers_cannot_both_set_the_last_dollar_aside(store: Store, limits: Limits, other: Account) -> None:
    first = hold(store, limits)
    with pytest.raises(OverLimit, match=r"could be broken: \$0.50 are spent, \$0.50 of it set aside"):
        hold(store, limits, other)
    first.paid(USAGE, 0.1)
    hold(store, limits, other).unpaid()


def test_many_threads_never_set_more_aside_than_there_is(store: Store) -> None:
    granted: list[Held] = []
    barrier = threading.Barrier(8)

    def race(number: int) -> None:
        barrier.wait()
        for _ in range(3):
            try:
                granted.append(hold(store, Limits(month=2.0), account(number)))
            except OverLimit:
                return

    threads = [threading.Thread(target=race, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(granted) == 4
    assert used(store)[Scope.MONTH] == 2.0


def _die_in_a_call(url: str) -> None:
    hold(Store.open(url))
    os.kill(os.getpid(), signal.SIGKILL)


def test_what_a_dead_process_set_aside_is_under_way_no_longer_but_stays_in_the_book(database_url: str) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_die_in_a_call, args=(database_url,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    store = Store.open(database_url)
    assert store.spend.totals((), since=0)[0].under_way == 1
    hold(store, by=account(2)).unpaid()
    (total,) = store.spend.totals((), since=0)
    assert (total.calls, total.under_way, total.lost, total.uncertain_usd) == (1, 0, 1, 0.5)
    store.close()


def test_a_living_process_keeps_what_it_set_aside_for_as_long_as_a_call_can_last(store: Store, clock: Time) -> None:
    hold(store)
    clock.now += LONGEST_CALL - 1
    hold(store).unpaid()
    assert store.spend.totals((), since=0)[0].under_way == 1
    clock.now += 2
    hold(store).unpaid()
    assert store.spend.totals((), since=0)[0].lost == 1


def test_a_call_that_was_given_up_and_is_answered_after_all_counts_once(store: Store, clock: Time) -> None:
    late = hold(store)
    clock.now += LONGEST_CALL + 1
    hold(store, by=account(2)).unpaid()
    assert used(store)[Scope.ATTEMPT] == 0.5
    late.paid(USAGE, 0.2)
    assert used(store)[Scope.ATTEMPT] == pytest.approx(0.2)
    late.paid(USAGE, 0.2)
    assert used(store)[Scope.ATTEMPT] == pytest.approx(0.2)


@pytest.mark.parametrize("seed", range(3))
def test_what_is_added_up_is_what_the_rows_come_to(store: Store, clock: Time, seed: int) -> None:
    chance = random.Random(seed)
    accounts = [account(n, repository=n % 3, installation=n % 2) for n in range(5)]
    under_way: list[Held] = []
    for _ in range(60):
        clock.now += chance.choice([1.0, 60.0, 5 * 86_400.0])
        under_way.append(hold(store, by=chance.choice(accounts), usd=chance.choice([None, 0.5, 2.0])))
        ended = under_way.pop(chance.randrange(len(under_way)))
        match chance.choice(["forgotten", "lost", "unpaid", "paid"]):
            case "lost":
                ended.lost()
            case "unpaid":
                ended.unpaid()
            case "paid":
                ended.paid(USAGE, 0.3)
            case _:
                pass
    sums = [store.spend.used(one) for one in accounts]
    with store.database.reading() as connection:
        rows = connection.execute(sa.select(spend)).all()
    assert {row.state for row in rows} >= {"booked", "lost"}
    for one, uses in zip(accounts, sums, strict=True):
        mine = {
            Scope.ATTEMPT: [row for row in rows if row.attempt_id == one.attempt],
            Scope.JOB: [row for row in rows if row.job_id == one.job],
            Scope.REPOSITORY: [row for row in rows if row.repository_id == one.repository_id != 0],
            Scope.INSTALLATION: [row for row in rows if row.installation_id == one.installation_id != 0],
            Scope.MONTH: rows,
        }
        for scope, found in uses.items():
            counted = [
                row
                for row in mine[scope]
                if scope in (Scope.ATTEMPT, Scope.JOB) or row.held_at >= month_start(clock.now)
            ]
            amounts = [row.worst_usd if row.cost_usd is None else row.cost_usd for row in counted]
            assert found.usd == pytest.approx(sum(amount or 0.0 for amount in amounts))
            assert found.unpriced == amounts.count(None)
            held = [row.worst_usd or 0.0 for row in counted if row.state == "held"]
            assert found.aside == pytest.approx(sum(held))


def test_a_process_is_known_by_more_than_its_number() -> None:
    assert not is_dead(here())
    place, pid, start = here().split("|")
    assert is_dead(f"{place}|{pid}|1{start}")
    assert not is_dead(f"elsewhere|{pid}|{start}")
    assert not is_dead("")
    assert not is_dead(f"{place}|1|{start}") or os.getpid() != 1


def test_a_process_whose_start_cannot_be_read_is_not_called_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    known = here()
    with monkeypatch.context() as patched:
        patched.setattr(owner, "_start", lambda _: "")
        assert not is_dead(known)
        owner._of_this_process.cache_clear()
        unknown = here()
    assert unknown != known
    assert not is_dead(unknown)
    assert here() == known, "what could not be read is asked again"


def test_the_book_adds_up_by_model_repository_and_day(store: Store, clock: Time) -> None:
    StorePurse(store.spend, OPEN, account(1)).hold(call(model="a")).paid(USAGE, 1.0)
    StorePurse(store.spend, OPEN, account(2, repository=8)).hold(call(model="a")).paid(USAGE, 2.0)
    first_day = int(clock.now // 86_400)
    clock.now += 86_400
    StorePurse(store.spend, OPEN, account(3, purpose=Purpose.REVIEW)).hold(call(model="b")).paid(USAGE, 4.0)

    def sums(*by: str, since: float = 0.0) -> list[tuple[tuple[str, ...], int, float]]:
        return [(one.key, one.calls, one.usd) for one in store.spend.totals(by, since=since)]

    assert sums("model") == [(("b",), 1, 4.0), (("a",), 2, 3.0)]
    assert sums("repository") == [(("octo/shop-7",), 2, 5.0), (("octo/shop-8",), 1, 2.0)]
    assert sums("day") == [((str(first_day + 1),), 1, 4.0), ((str(first_day),), 2, 3.0)]
    assert sums("purpose", "model") == [(("review", "b"), 1, 4.0), (("fix", "a"), 2, 3.0)]
    assert sums("model", since=clock.now) == [(("b",), 1, 4.0)]
    assert [(a.repository_id, a.installation_id) for a in store.spend.accounts(since=0)] == [(7, 99), (8, 99)]
