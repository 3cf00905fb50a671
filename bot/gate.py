"""The gate that a worker's steps pass: closed for a drain, so that what is under way can end and nothing begins."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

from bot.errors import Parked


class Gate:
    """Counts steps under way, and lets none begin while draining."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._draining = False
        self._under_way = 0

    @property
    def draining(self) -> bool:
        return self._draining

    @contextlib.contextmanager
    def passed(self) -> Iterator[None]:
        with self._changed:
            if self._draining:
                raise Parked
            self._under_way += 1
        try:
            yield
        finally:
            with self._changed:
                self._under_way -= 1
                self._changed.notify_all()

    def drain(self, timeout: float) -> bool:
        """Let nothing begin; True when all that was under way ended in time."""
        with self._changed:
            self._draining = True
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._under_way == 0, timeout)

    def wait(self, seconds: float) -> None:
        """Sleep; raises `Parked` as soon as a drain begins."""
        with self._changed:
            self._changed.wait_for(lambda: self._draining, seconds)
            if self._draining:
                raise Parked
