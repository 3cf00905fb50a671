"""What GitHub sent: stored before it is answered, handled once, in order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.schema import deliveries
from bot.types import Delivery, DeliveryId

PENDING, HANDLED, DEAD = "pending", "handled", "dead"


@dataclass(frozen=True, kw_only=True)
class Pending:
    seq: int
    delivery: Delivery
    tries: int
    next_try_at: float


class DeliveryStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        mark = "?" if database.is_sqlite else "%s"
        self._insert = (
            f"INSERT INTO deliveries (id, event, body, received_at, state, tries, next_try_at, result) "
            f"VALUES ({', '.join([mark] * 8)}) ON CONFLICT DO NOTHING"
        )

    def append(self, batch: Sequence[Delivery]) -> None:
        """Store all of them in one durable commit; an id that is there already stays one delivery."""
        now = self._database.clock()
        rows = [(d.id, d.event, d.body, now, PENDING, 0, now, "") for d in batch]
        with self._database.writing() as connection:
            if rows:  # past the statement compiler: this is the one hot statement of the web process
                connection.exec_driver_sql(self._insert, rows)

    def pending(self, limit: int = 100) -> tuple[Pending, ...]:
        """The oldest deliveries that wait, in the order they came; those whose time has not come are among them."""
        columns = deliveries.c
        query = sa.select(deliveries).where(columns.state == PENDING).order_by(columns.seq).limit(limit)
        with self._database.reading() as connection:
            return tuple(
                Pending(
                    seq=row.seq,
                    delivery=Delivery(id=DeliveryId(row.id), event=row.event, body=bytes(row.body)),
                    tries=row.tries,
                    next_try_at=row.next_try_at,
                )
                for row in connection.execute(query)
            )

    def handled(self, delivery_id: DeliveryId, result: str) -> None:
        """What became of it, one line. A delivery that was handled stays so."""
        with self._database.writing() as connection:
            mark_handled(connection, delivery_id, result)

    def try_again(self, delivery_id: DeliveryId, *, at: float, reason: str) -> None:
        with self._database.writing() as connection:
            connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.id == delivery_id, deliveries.c.state == PENDING)
                .values(tries=deliveries.c.tries + 1, next_try_at=at, result=reason[:500])
            )

    def give_up(self, delivery_id: DeliveryId, reason: str) -> None:
        """Kept with its reason; it blocks nothing any more."""
        with self._database.writing() as connection:
            connection.execute(
                sa.update(deliveries).where(deliveries.c.id == delivery_id).values(state=DEAD, result=reason[:500])
            )

    def result(self, delivery_id: DeliveryId) -> tuple[str, str] | None:
        """(state, result) of a delivery; None when it never came."""
        with self._database.reading() as connection:
            row = connection.execute(
                sa.select(deliveries.c.state, deliveries.c.result).where(deliveries.c.id == delivery_id)
            ).first()
        return (row.state, row.result) if row else None

    def count(self) -> dict[str, int]:
        """How many deliveries are in each state."""
        query = sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)
        with self._database.reading() as connection:
            return {row[0]: row[1] for row in connection.execute(query)}

    def forget_bodies(self, *, before: float) -> int:
        """Drop the payloads of old deliveries; their ids stay, so that a late redelivery is still recognised."""
        with self._database.writing() as connection:
            return connection.execute(
                sa.update(deliveries)
                .where(deliveries.c.state != PENDING, deliveries.c.received_at < before, deliveries.c.body != b"")
                .values(body=b"")
            ).rowcount


def mark_handled(connection: sa.Connection, delivery_id: DeliveryId, result: str) -> None:
    """Inside a caller's transaction, so that a delivery and what it led to are stored together."""
    connection.execute(
        sa.update(deliveries)
        .where(deliveries.c.id == delivery_id, deliveries.c.state == PENDING)
        .values(state=HANDLED, result=result[:500])
    )
