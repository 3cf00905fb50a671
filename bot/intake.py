"""Group commit: deliveries that arrive together share one durable commit.

One thread takes whatever is waiting, writes it in one transaction, and settles all tickets of the batch at once. While
a commit is under way the next batch gathers, so the busier the receiver, the larger its batches: durable need not
mean slow, and an idle receiver waits for nobody.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

from bot.errors import StoreError
from bot.types import Delivery

Ticket = TypeVar("Ticket")


class IntakeFull(Exception):
    """More deliveries wait for the disk than memory is given to."""


class Intake(Generic[Ticket]):
    """`settle(tickets, error)` is called from the writer's thread once for each batch; None means stored durably."""

    def __init__(
        self,
        write: Callable[[Sequence[Delivery]], None],
        settle: Callable[[Sequence[Ticket], StoreError | None], None],
        *,
        max_waiting_bytes: int = 128 << 20,
        max_batch: int = 512,
    ) -> None:
        self._write, self._settle = write, settle
        self._max_waiting_bytes, self._max_batch = max_waiting_bytes, max_batch
        self._waiting: list[tuple[Delivery, Ticket]] = []
        self._waiting_bytes = 0
        self._awake = self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="intake", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def submit(self, delivery: Delivery, ticket: Ticket) -> None:
        """Hand over one delivery, written after the next `wake`. Raises `IntakeFull`; never waits for the disk."""
        with self._changed:
            if self._closed or self._waiting_bytes + len(delivery.body) > self._max_waiting_bytes:
                raise IntakeFull
            self._waiting.append((delivery, ticket))
            self._waiting_bytes += len(delivery.body)

    def wake(self) -> None:
        """Have what was handed over written now."""
        with self._changed:
            self._awake = True
            self._changed.notify()

    def close(self) -> None:
        """Write what waits, then end the thread."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while batch := self._take():
            error: StoreError | None = None
            try:
                self._write([delivery for delivery, _ in batch])
            except StoreError as failed:
                error = failed
            except Exception as bug:  # noqa: BLE001 - outermost of this thread: no ticket may wait for ever
                error = StoreError(f"Deliveries could not be stored: {type(bug).__name__}.")
            self._settle([ticket for _, ticket in batch], error)

    def _take(self) -> list[tuple[Delivery, Ticket]]:
        with self._changed:
            self._changed.wait_for(lambda: (self._waiting and self._awake) or self._closed)
            batch, self._waiting = self._waiting[: self._max_batch], self._waiting[self._max_batch :]
            self._awake = bool(self._waiting)
            self._waiting_bytes -= sum(len(delivery.body) for delivery, _ in batch)
            return batch
