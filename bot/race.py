"""Entrants at once, each in a thread of its own; the first that is verified ends the race."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait

from bot.contest import Entrant, Result
from sandbox.errors import SandboxError

LOOK = 0.2
"""Seconds between looks of one who waits."""
GRACE = 5.0
"""Seconds in which entrants may clean up after Ctrl-C. A model's answer that is still under way then is given up."""


class Course:
    """What the entrants of one race see of it. Safe to share between threads."""

    def __init__(self, *, won: bool = False) -> None:
        self._won, self._broken = threading.Event(), threading.Event()
        if won:
            self._won.set()

    @property
    def won(self) -> bool:
        """Somebody's patch is verified."""
        return self._won.is_set()

    @property
    def over(self) -> bool:
        """Everybody ends at the next step."""
        return self._won.is_set() or self._broken.is_set()

    def win(self) -> None:
        self._won.set()

    def break_off(self) -> None:
        self._broken.set()


Work = Callable[[Entrant, Course], Result | None]
"""One entrant from its start to its verdict, ending soon once the course is over. None: it never began."""


class Lanes:
    """How many entrants work at the same time, over all races of this process."""

    def __init__(self, number: int) -> None:
        self._free = threading.Semaphore(max(1, number))

    def enter(self, gave_up: Callable[[], bool]) -> bool:
        """Wait for a lane; False when there is no sense in it any more."""
        while not gave_up():
            if self._free.acquire(timeout=LOOK):
                return True
        return False

    def leave(self) -> None:
        self._free.release()


def run(
    entrants: Sequence[Entrant],
    work: Work,
    course: Course,
    lanes: Lanes,
    *,
    stopped: Callable[[], bool],
    abandon: Callable[[], object] = lambda: None,
) -> tuple[Result | None, ...]:
    """Each entrant's result, in their order. Returns when all have ended, so what they spent is booked by then.

    A sandbox that fails one entrant leaves the others running; with no winner its error is raised at the end. Any other
    error breaks the race off, and is raised when all have ended. `abandon` is called on Ctrl-C, which waits for nobody
    longer than `GRACE`.
    """

    def one(entrant: Entrant) -> Result | None:
        if not lanes.enter(lambda: course.over or stopped()):
            # Whoever is not begun has nothing to end; what an earlier process began has.
            return work(entrant, course) if course.won else None
        try:
            result = work(entrant, course)
        finally:
            lanes.leave()
        if result is not None and result.is_verified:
            course.win()
        return result

    def told(entrant: Entrant, future: Future[Result | None]) -> None:
        try:
            future.set_result(one(entrant))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits, which raises it
            future.set_exception(error)

    futures = [Future[Result | None]() for _ in entrants]
    # Daemons: one that waits for a model's answer must not keep a command from ending.
    racers = [
        threading.Thread(target=told, args=pair, name="racer", daemon=True)
        for pair in zip(entrants, futures, strict=True)
    ]
    try:
        for racer in racers:
            racer.start()
        pending = set(futures)
        while pending:
            # With a time limit: a signal that comes just before an endless wait would not end it.
            done, pending = wait(pending, timeout=LOOK, return_when=FIRST_COMPLETED)
            if any(_is_of_all(future.exception()) for future in done):
                course.break_off()
    except BaseException:
        course.break_off()  # Ctrl-C
        abandon()
        end = time.monotonic() + GRACE
        for racer in filter(threading.Thread.is_alive, racers):
            racer.join(max(0.0, end - time.monotonic()))
        raise
    return _results(futures, course)


def _is_of_all(error: BaseException | None) -> bool:
    return error is not None and not isinstance(error, SandboxError)


def _results(futures: Sequence[Future[Result | None]], course: Course) -> tuple[Result | None, ...]:
    errors = [error for future in futures if (error := future.exception()) is not None]
    errors.sort(key=lambda error: isinstance(error, SandboxError))
    if errors and not (course.won and isinstance(errors[0], SandboxError)):
        raise errors[0]
    return tuple(None if future.exception() is not None else future.result() for future in futures)
