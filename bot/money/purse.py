"""The purse that keeps its book in the store: structurally an `agents.purse.Purse`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from agents.errors import OverLimit
from agents.purse import Call, Held
from agents.types import Usage
from bot.money.budget import Denied, Granted, Limits, Scope, Used, judge
from bot.store.spend import Account, SpendStore

Judging = Callable[[Call, Limits, Mapping[Scope, Used]], Granted | Denied]


class StorePurse:
    """One account's. Any number of them, in any number of processes, share the limits."""

    def __init__(self, store: SpendStore, limits: Limits, account: Account, judging: Judging = judge) -> None:
        self._store, self._limits, self._account, self._judging = store, limits, account, judging

    def hold(self, call: Call) -> Held:
        """Raises `OverLimit`, and `bot.errors.StoreError`: what cannot be booked is not bought."""

        def decide(used: Mapping[Scope, Used]) -> Granted | Denied:
            return self._judging(call, self._limits, used)

        held = self._store.hold(self._account, call.model, decide, call.worst_usd)
        if isinstance(held, Denied):
            raise OverLimit(held.reason)
        call_id, granted = held
        return _Held(output_tokens=granted.output_tokens, store=self._store, call_id=call_id)


@dataclass(frozen=True, kw_only=True)
class _Held:
    output_tokens: int
    store: SpendStore
    call_id: str

    def paid(self, usage: Usage, cost_usd: float | None) -> None:
        self.store.book(self.call_id, usage, cost_usd)

    def lost(self) -> None:
        self.store.lose(self.call_id)

    def unpaid(self) -> None:
        self.store.release(self.call_id)
