"""The book of calls. A row is made before its call, with the worst case set aside, and settled after it.

What counts against a limit is what a call cost, where that is known; else the worst case that was set aside for it: of
a call under way, of one that broke off, of one whose process died. So no two calls can spend the same dollar, and a
process that dies leaves its last call in the book instead of a hole.
"""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

import sqlalchemy as sa

from agents.types import Usage
from bot.money.budget import Denied, Granted, Scope, Used
from bot.money.owner import here, is_dead
from bot.store import spend_totals
from bot.store.database import Database
from bot.store.schema import spend
from bot.store.spend_sums import Key, Sums, keys
from bot.store.spend_totals import TOKENS, CallState, Spending

LONGEST_CALL = 1_200.0
"""Seconds; longer than a model's client lets any call last. What is set aside for longer belongs to no call."""


class Purpose(StrEnum):
    FIX = "fix"
    REVIEW = "review"
    PROBE = "probe"
    TRIAL = "trial"
    """An evaluation on a file of instances."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """On whose account calls are made."""

    attempt: str
    """The attempt's id, or another name for one run."""
    job: str
    purpose: Purpose
    repository_id: int = 0
    repository: str = ""
    """`owner/name`, or a directory of this machine; "" for none."""
    installation_id: int = 0
    """0: not called for by GitHub."""


class SpendStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sums = Sums(database)
        self._held, self._call = database.prepared(_HELD), database.prepared(_CALL)
        self._new = database.prepared(sa.insert(spend), spend.columns.keys())
        self._settled_as = database.prepared(sa.update(spend).where(spend.c.id == sa.bindparam("call")), _SETTLED)
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="book")

    def close(self) -> None:
        """When all that was to be booked is."""
        self._writer.shutdown()

    def hold(
        self,
        account: Account,
        model: str,
        decide: Callable[[Mapping[Scope, Used]], Granted | Denied],
        worst_usd: Callable[[int], float | None],
    ) -> tuple[str, Granted] | Denied:
        """Set a call's worst case aside, if `decide` grants it by what is used: one holder at a time, in one commit.

        It is not waited for the disk: what is synced next, the answer's cost at the latest, syncs it too.
        """
        now = self._database.clock()
        with self._alone(synced=False) as connection:
            held = self._under_way(connection)
            gone = [call for call in held if call.held_at + LONGEST_CALL < now or is_dead(call.owner)]
            for call in gone:
                self._settled(connection, call, now, _LOST)
            decided = decide(self._used(connection, [call for call in held if call not in gone], account, now))
            if isinstance(decided, Denied):
                return decided
            call_id = uuid.uuid4().hex
            row = {
                "id": call_id,
                "attempt_id": account.attempt,
                "job_id": account.job,
                "repository_id": account.repository_id,
                "repository": account.repository,
                "installation_id": account.installation_id,
                "purpose": account.purpose.value,
                "model": model,
                "state": CallState.HELD.value,
                **_counts(Usage()),
                "cost_usd": None,
                "worst_usd": worst_usd(decided.output_tokens),
                "owner": here(),
                "held_at": now,
                "settled_at": None,
            }
            self._new.run(connection, [row])
        return call_id, decided

    def book_soon(self, call_id: str, usage: Usage, cost_usd: float | None) -> Future[None]:
        """Stored beside what the caller does next: the result says when it is, or raises. Whoever asks here what was
        spent waits for it."""
        booked = {"state": CallState.BOOKED.value, "cost_usd": cost_usd, **_counts(usage)}
        return self._writer.submit(self._settle, call_id, booked)

    def lose(self, call_id: str) -> None:
        self._settle(call_id, _LOST)

    def release(self, call_id: str) -> None:
        """The call was never made: it leaves no trace."""
        with self._database.writing() as connection:
            connection.execute(_RELEASED, {"call": call_id})

    def used(self, account: Account) -> Mapping[Scope, Used]:
        """By scope, as limits count it."""
        self._catch_up()
        with self._database.reading() as connection:
            return self._used(connection, self._under_way(connection), account, self._database.clock())

    def totals(self, by: Sequence[str], *, since: float, until: float = float("inf")) -> tuple[Spending, ...]:
        """Calls begun in that time, added up by columns (`model`, `repository`, `purpose`) or `day`; dearest first."""
        days = spend.c.held_at / 86_400.0
        # PostgreSQL rounds where SQLite, which may have no `floor`, cuts off.
        day = sa.cast(days if self._database.is_sqlite else sa.func.floor(days), sa.Integer)
        columns = [day if name == "day" else spend.c[name] for name in by]
        self._catch_up()
        with self._database.reading() as connection:
            return spend_totals.read(connection, columns, since=since, until=until)

    def accounts(self, *, since: float) -> tuple[Account, ...]:
        """One account for each repository and installation that calls were made for, to ask `used` about."""
        columns = (spend.c.repository_id, spend.c.installation_id)
        query = sa.select(*columns, sa.func.max(spend.c.repository).label("repository"))
        query = query.where(spend.c.held_at >= since).group_by(*columns).order_by(*columns)
        self._catch_up()
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(Account(attempt="", job="", purpose=Purpose.FIX, **row._mapping) for row in rows)

    def _catch_up(self) -> None:
        self._writer.submit(int).result()

    def _under_way(self, connection: sa.Connection) -> list[_Call]:
        return [_Call(*row) for row in self._held.rows(connection)]

    def _used(
        self, connection: sa.Connection, held: Sequence[_Call], account: Account, now: float
    ) -> dict[Scope, Used]:
        """What is settled, and the worst cases of the calls that are held."""
        mine = keys(
            attempt=account.attempt,
            job=account.job,
            repository_id=account.repository_id,
            installation_id=account.installation_id,
            at=now,
        )
        found = dict(self._sums.read(connection, mine))
        for call in held:
            usd, unpriced = _counted(None, call.worst_usd)
            for key in call.keys:
                if key in found:
                    used = found[key]
                    found[key] = Used(usd=used.usd + usd, aside=used.aside + usd, unpriced=used.unpriced + unpriced)
        return {scope: Used() for scope in Scope} | {key.scope: used for key, used in found.items()}

    def _settle(self, call_id: str, settled: Mapping[str, Any]) -> None:
        with self._alone() as connection:
            for row in self._call.rows(connection, call=call_id):
                self._settled(connection, _Call(*row), self._database.clock(), settled)

    def _settled(self, connection: sa.Connection, call: _Call, now: float, settled: Mapping[str, Any]) -> None:
        """Also of a call that was given up too early: then what it was counted with is taken back."""
        self._settled_as.run(connection, [{"call": call.id, "settled_at": now, **settled}])
        was_usd, was_unpriced = (0.0, 0) if call.state == CallState.HELD else _counted(call.cost_usd, call.worst_usd)
        usd, unpriced = _counted(settled["cost_usd"], call.worst_usd)
        self._sums.add(connection, call.keys, usd - was_usd, unpriced - was_unpriced)

    @contextlib.contextmanager
    def _alone(self, *, synced: bool = True) -> Iterator[sa.Connection]:
        """A transaction that no other change of the book runs beside."""
        with self._database.writing(synced=synced) as connection:
            if not self._database.is_sqlite:
                connection.exec_driver_sql("LOCK TABLE spend IN SHARE ROW EXCLUSIVE MODE")
            yield connection


class _Call(NamedTuple):
    """What is asked about a call that may still be settled."""

    id: str
    state: str
    owner: str
    held_at: float
    cost_usd: float | None
    worst_usd: float | None
    attempt_id: str
    job_id: str
    repository_id: int
    installation_id: int

    @property
    def keys(self) -> tuple[Key, ...]:
        return keys(
            attempt=self.attempt_id,
            job=self.job_id,
            repository_id=self.repository_id,
            installation_id=self.installation_id,
            at=self.held_at,
        )


def _counted(cost_usd: float | None, worst_usd: float | None) -> tuple[float, int]:
    """What a call counts with against limits: dollars, and whether nobody knows them."""
    known = worst_usd if cost_usd is None else cost_usd
    return (0.0, 1) if known is None else (known, 0)


_CALLS = sa.select(*(spend.c[name] for name in _Call._fields))
_HELD = _CALLS.where(spend.c.state == CallState.HELD.value)
_CALL = _CALLS.where(spend.c.id == sa.bindparam("call", type_=spend.c.id.type))
_RELEASED = sa.delete(spend).where(spend.c.id == sa.bindparam("call"), spend.c.state == CallState.HELD.value)


def _counts(usage: Usage) -> dict[str, int]:
    return {name: getattr(usage, name) for name in TOKENS}


_SETTLED = ("state", "settled_at", "cost_usd", *TOKENS)
_LOST = {"state": CallState.LOST.value, "cost_usd": None, **_counts(Usage())}
