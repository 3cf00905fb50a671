"""What the trials of one command have cost so far, and whether another call may be made."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Ledger:
    """Safe to share between threads. Asked before each call, so it is overrun by at most the calls in flight."""

    def __init__(self, limit_usd: float | None, booked: Iterable[float | None] = ()) -> None:
        """`limit_usd` None: no limit. `booked`: what stored steps have cost."""
        self._limit = limit_usd
        self._lock = threading.Lock()
        self._spent = 0.0
        self._unknown = False
        for cost in booked:
            self.book(cost)

    def book(self, cost_usd: float | None) -> None:
        with self._lock:
            if cost_usd is None:
                self._unknown = True
            else:
                self._spent += cost_usd

    @property
    def spent_usd(self) -> float | None:
        """None when a part of it is unknown."""
        with self._lock:
            return None if self._unknown else self._spent

    def exhausted(self) -> str:
        """Why no other call may be made, as a sentence; "" while one may. A limit that cannot be held is used up."""
        with self._lock:
            if self._limit is None:
                return ""
            if self._unknown:
                return "The cost of a call is unknown, so --limit-usd cannot be held."
            if self._spent >= self._limit:
                return f"--limit-usd {self._limit:g} is used up: {self._spent:.4f} USD so far."
            return ""
