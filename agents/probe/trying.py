"""What passes is tried again, for a short while: an endpoint that is busy has said nothing of what it can do."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import TypeVar

from agents.errors import ContextOverflow, Fault, ModelError, ModelRefused
from agents.models.exchange import Exchange, Exchanged
from agents.models.retry import RetryPolicy

T = TypeVar("T")

BRIEFLY = RetryPolicy(attempts=3, longest_asked=10.0)
"""Somebody waits before a terminal. An endpoint that asks for a longer wait is asked another day."""
MOST_IN_VAIN = 60.0
"""Seconds of a whole probe that calls without an answer, and the waits after them, may take; then each is the last."""
_NOT_IMPLEMENTED = 501
"""Will not pass: llama.cpp says so of gaps that its model cannot fill."""


class Trying:
    def __init__(
        self,
        exchange: Exchange,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._exchange = exchange
        self._sleep, self._jitter, self._clock = sleep, jitter, clock
        self._left = MOST_IN_VAIN
        self.has_reached = False
        """Something answered, whatever it said."""

    def ask(self, send: Callable[[], Exchanged]) -> Exchanged:
        """As `once`, tried again."""
        return self.again(lambda: self.once(send))

    def once(self, send: Callable[[], Exchanged]) -> Exchanged:
        """An answer to the question, be it no. Raises `ModelUnavailable` where there is none, and `ModelRefused` where
        the account has no quota: neither says anything about the model."""
        got = send()
        self.has_reached = True
        if got.status != _NOT_IMPLEMENTED:
            try:
                self._exchange.require(got)
            except ContextOverflow:
                pass
            except ModelRefused as error:
                if error.fault is Fault.QUOTA:
                    raise
        return got

    def again(self, call: Callable[[], T]) -> T:
        """What the call gives, tried as `BRIEFLY` says. Raises its last `ModelError`."""
        failures = 0
        while True:
            begun = self._clock()
            try:
                return call()
            except ModelError as error:
                failures += 1
                delay = BRIEFLY.delay(failures, error, self._jitter())
                self._left -= self._clock() - begun + (delay or 0.0)
                if delay is None or self._left < 0:
                    raise
                self._sleep(delay)
