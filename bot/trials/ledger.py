"""What the trials of one command have cost so far, for a person to see, and whether money has run out."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Ledger:
    """Safe to share between threads. What may be spent, `bot.trials.money` decides."""

    def __init__(self, booked: Iterable[float | None] = ()) -> None:
        """`booked`: what stored steps have cost."""
        self._lock = threading.Lock()
        self._spent = 0.0
        self._unknown = False
        self._ended = ""
        for cost in booked:
            self.book(cost)

    def book(self, cost_usd: float | None) -> None:
        with self._lock:
            if cost_usd is None:
                self._unknown = True
            else:
                self._spent += cost_usd

    def end(self, reason: str) -> None:
        """A call was forbidden: no other is asked for."""
        with self._lock:
            self._ended = self._ended or reason

    @property
    def ended(self) -> str:
        """Why no other call is made, as a sentence; "" while they are."""
        return self._ended

    @property
    def spent_usd(self) -> float | None:
        """None when a part of it is unknown."""
        with self._lock:
            return None if self._unknown else self._spent
