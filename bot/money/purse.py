"""The purse that keeps its book in the store: structurally an `agents.purse.Purse`."""

from __future__ import annotations

import random
import time
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass

from agents.errors import OverLimit
from agents.patience import pause
from agents.purse import Call, Held
from agents.types import Usage
from bot.money.budget import Denied, Granted, Judging, Limits, Scope, Used, judge, judge_now
from bot.store.spend import Account, SpendStore

LONGEST_WAIT = 600.0
"""Seconds that a call waits for money set aside for others, at most: most answers come within one or two minutes."""
FIRST_LOOK, LONGEST_LOOK = 0.25, 4.0
"""Seconds between looks while it waits: each is one small transaction, and twice as late as the one before."""


class StorePurse:
    """One account's. Any number of them, in any number of processes, share the limits."""

    def __init__(
        self,
        store: SpendStore,
        limits: Limits,
        account: Account,
        judging: Judging = judge,
        *,
        told: Callable[[Denied], None] = lambda _denied: None,
    ) -> None:
        """`told` of every call that is refused for good, and of none that gave up waiting on request."""
        self._store, self._limits, self._account, self._judging = store, limits, account, judging
        self._told = told
        self._bookings: deque[Future[None]] = deque()
        """Of answers, each stored beside what its caller does with it."""

    def hold(self, call: Call) -> Held:
        """Raises `OverLimit`, and `bot.errors.StoreError`: what cannot be booked is not bought.

        Where only calls under way are in the way it looks again, as long as the call has patience: what they do not
        cost is given back, and what dead ones left becomes spent, so there is an end to it.
        """
        self.catch_up()
        begun = time.monotonic()
        end = begun + min(call.patience.seconds, LONGEST_WAIT)
        look = FIRST_LOOK
        while isinstance(held := self._try(call), Denied):
            if not held.may_pass or time.monotonic() + look > end:
                self._told(held)
                raise OverLimit(_refusal(held, time.monotonic() - begun))
            pause(look * random.uniform(0.5, 1.0), call.patience.stopped)  # noqa: S311 - spreads those who wait
            if call.patience.stopped():
                raise OverLimit(_refusal(held, time.monotonic() - begun))
            look = min(LONGEST_LOOK, look * 2.0)
        call_id, granted = held
        return _Held(
            output_tokens=granted.output_tokens, store=self._store, call_id=call_id, booked=self._bookings.append
        )

    def catch_up(self) -> None:
        """Wait until what was paid is in the book. Raises `bot.errors.StoreError`."""
        while self._bookings:
            self._bookings.popleft().result()

    def _try(self, call: Call) -> tuple[str, Granted] | Denied:
        def decide(used: Mapping[Scope, Used]) -> Granted | Denied:
            return judge_now(self._judging, call, self._limits, used)

        return self._store.hold(self._account, call.model, decide, call.worst_usd)


def _refusal(denied: Denied, waited: float) -> str:
    return f"{denied.reason} Calls under way were waited for, {waited:.0f} s." if waited >= 1.0 else denied.reason


@dataclass(frozen=True, kw_only=True)
class _Held:
    output_tokens: int
    store: SpendStore
    call_id: str
    booked: Callable[[Future[None]], None]

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        self.booked(self.store.book_soon(self.call_id, usage, cost_usd))

    def lost(self) -> None:
        self.store.lose(self.call_id)

    def unpaid(self) -> None:
        self.store.release(self.call_id)
