"""Calls that wait for the money that others have set aside, on SQLite and on PostgreSQL."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Sequence

import pytest

from agents import loop
from agents.errors import OverLimit
from agents.models.paying import Metered
from agents.patience import Patience
from agents.purse import Call, Held
from agents.types import Attempt, AttemptLimits, Ending, Message, Reply, Usage
from bot.money.budget import Denied, Limits, Scope
from bot.money.purse import StorePurse
from bot.store import Account, Purpose, Store
from bot.store.spend import LONGEST_CALL
from config.models import default_lineup
from tests.bot.conftest import Time
from tests.support import player
from tests.support.agent_world import MemoryEnvironment, MemoryRecorder, ScriptedModel, calling

USAGE = Usage(input_tokens=900, output_tokens=50)
JOB = Limits(attempt=None, job=1.0, repository=None)
SOON = 120.0
"""Seconds in which what is near comes, on a slow machine too."""


def account(number: int) -> Account:
    """Attempts of one job."""
    return Account(attempt=f"job-1-{number}", job="job-1", purpose=Purpose.FIX, repository_id=7)


def hold(store: Store, number: int, usd: float = 0.6, patience: Patience | None = None, limits: Limits = JOB) -> Held:
    call = Call(
        model="m",
        prompt_tokens=100,
        output_tokens=2_000,
        worst_usd=lambda _: usd,
        patience=patience or Patience(seconds=SOON),
    )
    return StorePurse(store.spend, limits, account(number)).hold(call)


def later(seconds: float, act: Callable[[], object]) -> threading.Timer:
    timer = threading.Timer(seconds, act)
    timer.start()
    return timer


def test_a_call_waits_for_what_another_gives_back(store: Store) -> None:
    first = hold(store, 1)
    timer = later(0.3, lambda: first.paid(USAGE, 0.1))
    started = time.monotonic()
    hold(store, 2).paid(USAGE, 0.1)
    assert 0.25 < time.monotonic() - started < SOON
    timer.join()
    assert store.spend.used(account(1))[Scope.JOB].usd == pytest.approx(0.2)


def test_a_call_is_refused_as_soon_as_what_it_waited_for_is_spent(store: Store) -> None:
    first = hold(store, 1)
    timer = later(0.3, lambda: first.paid(USAGE, 0.5))
    started = time.monotonic()
    with pytest.raises(OverLimit, match=r"\$0.50 are spent, and the next call of m may cost \$0.60"):
        hold(store, 2)
    assert time.monotonic() - started < SOON / 2
    timer.join()


def test_what_is_spent_already_is_not_waited_for(store: Store) -> None:
    hold(store, 1).paid(USAGE, 0.5)
    started = time.monotonic()
    with pytest.raises(OverLimit):
        hold(store, 2)
    assert time.monotonic() - started < SOON / 2


def test_a_wait_ends_with_the_attempts_own_time_and_says_so(store: Store) -> None:
    hold(store, 1)
    started = time.monotonic()
    with pytest.raises(OverLimit, match=r"\$0.60 of it set aside.* Calls under way were waited for, \d+ s\."):
        hold(store, 2, patience=Patience(seconds=4.0))
    assert 1.5 <= time.monotonic() - started < SOON / 2


def test_a_stop_ends_a_wait_and_nothing_is_set_aside_after_it(store: Store) -> None:
    first = hold(store, 1)
    told: list[Denied] = []
    stop = threading.Event()

    def act() -> None:
        stop.set()
        first.unpaid()

    timer = later(0.3, act)
    call = Call(
        model="m",
        prompt_tokens=1,
        output_tokens=2_000,
        worst_usd=lambda _: 0.6,
        patience=Patience(seconds=600.0, stopped=stop.is_set),
    )
    with pytest.raises(OverLimit):
        StorePurse(store.spend, JOB, account(2), told=told.append).hold(call)
    timer.join()
    assert told == [], "nobody was refused for good"
    assert store.spend.used(account(2))[Scope.JOB].usd == 0.0


def test_a_refusal_for_good_is_told_once(store: Store) -> None:
    first = hold(store, 1)
    timer = later(0.3, lambda: first.paid(USAGE, 0.5))
    told: list[Denied] = []
    call = Call(model="m", prompt_tokens=1, output_tokens=9, worst_usd=lambda _: 0.6, patience=Patience(seconds=SOON))
    with pytest.raises(OverLimit):
        StorePurse(store.spend, JOB, account(2), told=told.append).hold(call)
    timer.join()
    assert [(one.scope, one.may_pass) for one in told] == [(Scope.JOB, False)]


def _die_in_a_call(url: str) -> None:
    hold(Store.open(url), 1)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("usd", [0.4, 0.6])
def test_nobody_waits_for_a_dead_process_whose_call_is_spent(database_url: str, usd: float) -> None:
    child = multiprocessing.get_context("spawn").Process(target=_die_in_a_call, args=(database_url,))
    child.start()
    child.join(60)
    assert child.exitcode == -signal.SIGKILL
    store = Store.open(database_url)
    started = time.monotonic()
    if usd == 0.4:
        hold(store, 2, usd).unpaid()
    else:
        with pytest.raises(OverLimit, match="are spent, and the next call"):
            hold(store, 2, usd)
    assert time.monotonic() - started < SOON / 2
    assert store.spend.totals((), since=0)[0].lost == 1
    store.close()


def test_a_wait_for_a_process_of_another_machine_ends_when_no_call_can_last_so_long(store: Store, clock: Time) -> None:
    hold(store, 1)

    def pass_by() -> None:
        clock.now += LONGEST_CALL + 1

    timer = later(0.3, pass_by)
    with pytest.raises(OverLimit, match="are spent, and the next call"):
        hold(store, 2)
    timer.join()
    assert store.spend.totals((), since=0)[0].lost == 1


def test_many_who_wait_all_come_to_their_turn_and_never_break_the_limit(store: Store) -> None:
    """Twelve calls of half a dollar at worst, a limit of one: only by waiting do all of them fit."""
    most: list[float] = []
    failed: list[Exception] = []

    def work(number: int) -> None:
        for _ in range(2):
            try:
                held = hold(store, number, 0.5, Patience(seconds=60.0))
            except OverLimit as error:
                failed.append(error)
                return
            most.append(store.spend.used(account(number))[Scope.JOB].usd)
            time.sleep(0.02)
            held.paid(USAGE, 0.01)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert len(most) == 12
    assert max(most) <= 1.0
    assert store.spend.used(account(1))[Scope.JOB].usd == pytest.approx(0.12)


# --- attempts ----------------------------------------------------------------------------------------------------


def slow(reply: Reply) -> Callable[[Sequence[Message]], Reply]:
    def said(_: Sequence[Message]) -> Reply:
        time.sleep(0.3)
        return reply

    return said


def attempt(store: Store, number: int, recorder: MemoryRecorder, limits: Limits, patience: Patience) -> Attempt:
    """A loop of two calls, the second of which ends it."""
    said = [
        slow(calling(("search", {"text": "x"}), turn=0)),
        slow(calling(("cannot_reproduce", {"reason": "It works."}), turn=1)),
    ]
    purse = StorePurse(store.spend, limits, account(number))
    model = Metered(ScriptedModel([*said]), default_lineup().get("claude-opus"), purse, patience)
    return loop.solve(player.TASK, MemoryEnvironment({"a.py": b"x\n"}), model, AttemptLimits(), recorder)


def test_attempts_at_once_under_a_limit_for_one_call_at_a_time_all_come_to_their_own_end(store: Store) -> None:
    limits = Limits(attempt=None, job=0.3, repository=None)
    ended: list[Attempt] = []
    patience = Patience(seconds=60.0)

    def work(number: int) -> None:
        ended.append(attempt(store, number, MemoryRecorder(), limits, patience))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [(one.ending, one.steps) for one in ended] == [(Ending.CANNOT_REPRODUCE, 2)] * 3, [
        one.reason for one in ended
    ]
    assert store.spend.used(account(1))[Scope.JOB].usd == pytest.approx(0.06)


def test_an_attempt_that_is_stopped_while_it_waits_has_reached_no_limit(store: Store) -> None:
    limits = Limits(attempt=None, job=1.0, repository=None)
    hold(store, 1, 1.0)
    recorder = MemoryRecorder()

    def stop() -> None:
        recorder.stop_after = 0

    timer = later(0.3, stop)
    patience = Patience(seconds=60.0, stopped=recorder.stopped)
    stopped = attempt(store, 2, recorder, limits, patience)
    timer.join()
    assert (stopped.ending, stopped.fault, stopped.steps) == (Ending.STOPPED, None, 0)
