"""Trying again: only for errors that another try may mend, and never for longer than is useful."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from agents.errors import IncompleteReply, ModelError, ModelUnavailable
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

    def delay(self, failures: int, error: ModelError, jitter: float) -> float | None:
        """Seconds to wait after the `failures`-th failure; None: give up. `jitter` in [0, 1) spreads callers."""
        if failures >= self.attempts or not isinstance(error, ModelUnavailable | IncompleteReply):
            return None
        backoff = min(self.longest_delay, self.first_delay * 2.0 ** (failures - 1)) * (0.5 + 0.5 * jitter)
        asked = error.retry_after if isinstance(error, ModelUnavailable) else None
        if asked is None:
            return backoff
        return None if asked > self.longest_asked else max(asked, backoff)


class Retrying:
    """A `Model` that asks another one again."""

    def __init__(
        self,
        model: Model,
        policy: RetryPolicy | None = None,
        *,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._model = model
        self._policy = policy or RetryPolicy()
        self._sleep = sleep
        self._jitter = jitter

    def __repr__(self) -> str:
        return f"Retrying({self._model!r})"

    @property
    def name(self) -> str:
        return self._model.name

    def query(self, messages: Sequence[Message], tools: Sequence[ToolSpec], *, max_output_tokens: int) -> Reply:
        return self.again(lambda: self._model.query(messages, tools, max_output_tokens=max_output_tokens))

    def again(self, call: Callable[[], T]) -> T:
        """What the call gives, tried as often as the policy allows. Raises its last `ModelError`."""
        failures = 0
        while True:
            try:
                return call()
            except ModelError as error:
                failures += 1
                delay = self._policy.delay(failures, error, self._jitter())
                if delay is None:
                    raise
            self._sleep(delay)
