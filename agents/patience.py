"""How long whoever asks can wait, and the waiting itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

LOOK = 1.0
"""Seconds between looks whether somebody asked to stop, while a wait lasts."""


@dataclass(frozen=True, kw_only=True)
class Patience:
    """The seconds that are left, the attempt's say, and whether it was asked to stop."""

    seconds: float = float("inf")
    stopped: Callable[[], bool] = lambda: False


AT_ONCE = Patience(seconds=0.0)
"""Of whoever wants an answer now, whatever it is."""


def running_out(patience: Patience, clock: Callable[[], float] = time.monotonic) -> Callable[[], Patience]:
    """What is left of it whenever that is asked; it begins to run now."""
    end = clock() + patience.seconds
    return lambda: replace(patience, seconds=max(0.0, end - clock()))


def pause(seconds: float, stopped: Callable[[], bool], sleep: Callable[[float], None] = time.sleep) -> None:
    """Sleep that long, or until somebody asked to stop."""
    while seconds > 0 and not stopped():
        sleep(min(seconds, LOOK))
        seconds -= LOOK
