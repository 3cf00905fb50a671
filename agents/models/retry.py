"""Trying again: only for errors that another try may mend, and never for longer than is useful.

The SDKs' own retries are switched off (`max_retries=0`), so that nothing is tried twice over.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agents.errors import IncompleteReply, ModelError, ModelUnavailable
from agents.patience import Patience, pause
from agents.protocols import Model
from agents.types import Message, Reply, ToolSpec

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    attempts: int = 5
    """Calls in all."""
    first_delay: float = 1.0
    """Seconds; doubled after each failure."""
    longest_delay: float = 60.0
    longest_asked: float = 300.0
    """Where the endpoint asks for a longer wait, the error goes to the caller, who may come back later."""
    longest_whole: float = 900.0
    """Seconds from the first failure to the last wait's end; one more wait that would go beyond is not begun."""
    share_in_vain: float = 1 / 3
    """Of the seconds that the attempt has left when a call begins: what tries without an answer, and waits that the
    endpoint did not ask for, may use up. Then the error goes on while there is time for another model; an attempt that
    ends because its seconds are over asks none."""
    spread: float = 0.1
    """An asked wait is prolonged by up to this share: callers that were turned away together come back apart."""

    def delay(self, failures: int, error: ModelError, jitter: float) -> float | None:
        """Seconds to wait after the `failures`-th failure; None: give up. `jitter` in [0, 1) spreads callers.

        Never less than the endpoint asked for.
        """
        if failures >= self.attempts or not isinstance(error, ModelUnavailable | IncompleteReply):
            return None
        backoff = min(self.longest_delay, self.first_delay * 2.0 ** (failures - 1)) * (0.5 + 0.5 * jitter)
        if not isinstance(error, ModelUnavailable):
            return backoff
        if not error.again:
            return None
        asked = error.retry_after
        if asked is None:
            return backoff
        return None if asked > self.longest_asked else max(asked * (1.0 + self.spread * jitter), backoff)


class Retrying:
    """A `Model` that asks another one again."""

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy | None = None,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] | None = None,
        jitter: Callable[[], float] = random.random,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._policy = policy or RetryPolicy()
        self._patience = patience or Patience()
        self._sleep = sleep or (lambda seconds: pause(seconds, self._patience.stopped))
        self._jitter = jitter
        self._clock = clock
        self._end = clock() + self._patience.seconds

    def __repr__(self) -> str:
        return f"Retrying({self._model!r})"

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def window(self) -> int:
        return self._model.window

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        return self.again(lambda: self._model.query(messages, tools, max_output_tokens=max_output_tokens))

    def again(self, call: Callable[[], T]) -> T:
        """What the call gives, tried as often and as long as may be. Raises its last `ModelError`."""
        failures, asked, end, begun = 0, 0.0, self._end, self._clock()
        most_in_vain = self._policy.share_in_vain * max(0.0, self._end - begun)
        while True:
            try:
                return call()
            except ModelError as error:
                failures, now = failures + 1, self._clock()
                if failures == 1:
                    end = min(end, now + self._policy.longest_whole)
                delay = self._policy.delay(failures, error, self._jitter())
                if delay is None or now + delay > end or self._patience.stopped():
                    raise
                asked += delay if _was_asked(error) else 0.0
                if now + delay - begun - asked > most_in_vain:
                    raise
                self._sleep(delay)
                if self._patience.stopped():
                    raise


def _was_asked(error: ModelError) -> bool:
    """Whether the endpoint itself said how long to wait: that is no time in vain."""
    return isinstance(error, ModelUnavailable) and error.retry_after is not None
