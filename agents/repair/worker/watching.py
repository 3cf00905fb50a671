"""What happens around each test in a child: its limits, its trace, its report, and whether the next is worth a run.

And, once all of them are reported, what the first assertion that failed compared.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Collection
from types import FrameType
from typing import Any

from .failing import compared, fault
from .observing import CallRecorder
from .tracing import LineTracer

Emit = Callable[[dict[str, Any]], None]

QUICK = 0.1
"""Seconds: the assertion of a test that took longer is not evaluated again."""
MOST_TIMES = 2.0
SPARE = 0.05
"""Seconds, beside so many times what the test took: how long the evaluation of its assertion may take."""


class TimeLimit(BaseException):
    """One test ran too long. Not an `Exception`, so that the tree's own handlers let it pass."""


class Watch:
    """Reports one test after the other; limits and, when asked, traces each or records its calls."""

    def __init__(
        self,
        emit: Emit,
        test_seconds: float,
        tracer: LineTracer | None = None,
        recorder: CallRecorder | None = None,
        cpu_seconds: float = 0.0,
    ) -> None:
        self._emit = emit
        self._seconds = test_seconds
        self._cpu_seconds = cpu_seconds
        self._tracer = tracer
        self._recorder = recorder
        self._began = 0.0
        self._fired = False
        self._error: BaseException | None = None
        """The first of the current test."""
        self._first: tuple[str, BaseException | None, float] | None = None
        """The first red test, its error if it may be asked again, and what it took."""
        self.timed_out = False
        """One of the tests so far ran into its limit."""
        self.reds = self.greens = 0

    def begin(self, test: str) -> None:
        self._emit({"start": test})
        self._began = time.monotonic()
        # Again and again: a handler in the tree may swallow the first.
        self._fired = False
        self._error = None
        signal.signal(signal.SIGALRM, self._alarm)
        signal.setitimer(signal.ITIMER_REAL, self._seconds, 1.0)
        if self._cpu_seconds:
            # An endless loop is known by the processor's time, whatever else the machine is busy with.
            signal.signal(signal.SIGPROF, self._alarm)
            signal.setitimer(signal.ITIMER_PROF, self._cpu_seconds, 0.5)
        if self._tracer is not None:
            self._tracer.start()
        if self._recorder is not None:
            self._recorder.start()

    def caught(self, error: BaseException) -> dict[str, Any]:
        """The current test failed by this, which is kept for `ask_again`."""
        self._error = self._error or error
        return fault(error)

    def ask_again(self, changing: Collection[str]) -> None:
        """Evaluate the first red test's assertion again. Only once all is reported: that may change what tests share.

        Where it takes long, or fails, nothing is known. (The first, for speed: where several are red, one that turns
        green says more than a part of one.)
        """
        test, error, seconds = self._first or ("", None, 0.0)
        if error is None:
            return
        try:
            try:
                signal.signal(signal.SIGALRM, self._alarm)
                signal.setitimer(signal.ITIMER_REAL, MOST_TIMES * seconds + SPARE, SPARE)
                held, seen = compared(error, changing)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0.0)
        except BaseException:  # noqa: BLE001 - foreign code once more: its limits and exits end only the question
            return
        self._emit({"again": test, "held": held, "seen": seen})

    def _alarm(self, number: int, frame: FrameType | None) -> None:
        self._fired = True
        raise TimeLimit

    def end(self) -> dict[str, Any]:
        calls = self._recorder.stop() if self._recorder is not None else []
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        lines = self._tracer.stop() if self._tracer is not None else None
        seconds = time.monotonic() - self._began
        hung = self._fired or seconds >= self._seconds
        self.timed_out = self.timed_out or hung
        record: dict[str, Any] = {"seconds": round(seconds, 4)}
        if hung:
            record["slow"] = True
        if lines is not None:
            record["lines"] = lines
        if calls:
            record["calls"] = calls
        return record

    def report(self, test: str, status: str, record: dict[str, Any]) -> None:
        if status in ("passed", "xfailed", "xpassed"):
            self.greens += 1
        else:
            self.reds += 1
            if self._first is None and "fault" in record:
                is_quick = record["seconds"] < QUICK and "slow" not in record
                self._first = (test, self._error if is_quick else None, record["seconds"])
        self._error = None
        calls = record.pop("calls", [])
        if calls:
            self._emit({"calls": [{**call, "test": test} for call in calls]})
        self._emit({"id": test, "status": status, **record})


class Stops:
    """When further tests of a run can change nothing. The first `goal` tests must turn green, the others stay so."""

    def __init__(self, stop_on_red: bool, give_up: int = 0, goal: int = 0) -> None:
        self._stop_on_red = stop_on_red
        self._give_up = give_up
        self._goal = goal

    def before(self, position: int, watch: Watch) -> bool:
        if not watch.reds:
            return False
        if self._stop_on_red or watch.timed_out or (self._goal and position >= self._goal):
            return True  # a candidate that hangs once hangs often
        return bool(self._give_up and watch.reds >= self._give_up and not watch.greens)
