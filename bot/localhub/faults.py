"""Trouble on demand: what a client must survive of GitHub and of the network between."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Trouble(StrEnum):
    RATE_LIMIT = "rate_limit"
    """The hourly limit is used up: 403 (or `status`), `X-RateLimit-Remaining: 0`, reset in `seconds`."""
    SECONDARY = "secondary"
    """The secondary limit: 403 (or `status`) with `Retry-After: seconds`."""
    ERROR = "error"
    """`status` (500 when none is given) with GitHub's page for it; the request had no effect."""
    STALL = "stall"
    """The answer comes after `seconds`; the request takes effect."""
    DROP = "drop"
    """The connection is cut before anything is done."""
    DROP_AFTER = "drop_after"
    """The request takes effect, then the connection is cut: the client cannot know."""


@dataclass(kw_only=True)
class Fault:
    trouble: Trouble
    count: int = 1
    """Requests it will still hit."""
    method: str = ""
    """"" is any."""
    path: str = ""
    """A regular expression searched in the path below the API's root."""
    status: int = 0
    seconds: float = 1.0

    def hits(self, method: str, path: str) -> bool:
        return self.count > 0 and self.method in {"", method} and re.search(self.path, path) is not None


@dataclass(kw_only=True)
class Faults:
    waiting: list[Fault] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        with self._guard:
            self.waiting.append(fault)

    def take(self, method: str, path: str) -> Fault | None:
        """The first fault that concerns this request, counted down."""
        with self._guard:
            for fault in self.waiting:
                if fault.hits(method, path):
                    fault.count -= 1
                    self.waiting = [one for one in self.waiting if one.count > 0]
                    return fault
        return None

    def clear(self) -> None:
        with self._guard:
            self.waiting = []


@dataclass(kw_only=True)
class Window:
    """One caller's hourly allowance."""

    limit: int
    reset: float
    used: int = 0

    def headers(self) -> Mapping[str, str]:
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - self.used)),
            "X-RateLimit-Reset": str(int(self.reset)),
            "X-RateLimit-Used": str(self.used),
            "X-RateLimit-Resource": "core",
        }
