"""How an arrow of the pipeline is taken: stop asked for? call it; store the result; on an error, the one table below.

The table is the whole policy on errors. What is not in it is a bug, and is left to the worker.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Any, Protocol

import structlog

from agents.errors import ModelError, TrajectoryError
from bot.errors import BotError, ForgeError, ForgeUnavailable, StoreError
from bot.messages.status import internal_error
from sandbox.errors import ContainerLost, EngineUnavailable, SandboxError


class Action(StrEnum):
    RETRY = "retry"
    """Try again later, durably; then tell."""
    TELL = "tell"
    """Trying again is useless: the user is told the error's own sentence, unless it is one of `INTERNAL`."""


ACTIONS: tuple[tuple[type[Exception], Action], ...] = (
    (ForgeUnavailable, Action.RETRY),
    (ForgeError, Action.TELL),
    (StoreError, Action.RETRY),
    (BotError, Action.TELL),
    (EngineUnavailable, Action.RETRY),
    (ContainerLost, Action.RETRY),
    (SandboxError, Action.TELL),
    (ModelError, Action.TELL),
    (TrajectoryError, Action.TELL),
)
"""The first row that fits decides."""

INTERNAL: tuple[type[Exception], ...] = (StoreError, EngineUnavailable, ContainerLost)
"""Of our own machinery. Their texts are drivers' and engines' words, which may hold a statement, what was stored, an
address or a path of the host: they are for the operator, in the log. People on GitHub are told where to look."""

PAUSES = (5.0, 30.0, 120.0, 600.0, 1800.0)
"""Seconds before each further try."""

LONGEST_PAUSE = 3600.0


log = structlog.get_logger()


class Steps(Protocol):
    """`bot.engine.Steps`."""

    @property
    def draining(self) -> bool: ...

    def run(self, name: str, function: Callable[[], Any]) -> Any: ...

    def sleep(self, seconds: float) -> None: ...


class Stopped(Exception):
    """A person, or a newer push, asked the job to stop."""

    def __init__(self, by: str) -> None:
        super().__init__(by)
        self.by = by


class Failed(Exception):
    """The job cannot go on; the text is for the user."""


def action_on(error: Exception) -> Action | None:
    """None: the error is in no row, so it is a bug."""
    return next((action for kind, action in ACTIONS if isinstance(error, kind)), None)


class Arrows:
    """The arrows of one job, in order. Each stored result is JSON; large things are in our own tables."""

    def __init__(
        self, steps: Steps, stop_reason: Callable[[], str | None], pauses: Sequence[float] = PAUSES, *, job: str
    ) -> None:
        """`job`: the name by which the operator finds it in the log."""
        self._steps, self._stop_reason, self._pauses, self._job = steps, stop_reason, pauses, job

    @property
    def draining(self) -> bool:
        return self._steps.draining

    def take(self, name: str, function: Callable[[], Any], *, stoppable: bool = True) -> Any:
        """The function's result, called until it is stored once. Raises `Stopped` or `Failed`.

        `stoppable=False` for what has to be said even when the job was asked to stop.
        """
        for pause in (*self._pauses, None):
            found = self._steps.run(name, lambda: self._call(name, function, stoppable))
            if "stopped" in found:
                raise Stopped(found["stopped"])
            if "failed" in found:
                raise Failed(found["failed"])
            if "done" in found:
                return found["done"]
            if pause is not None:
                self._steps.sleep(min(max(pause, found["after"]), LONGEST_PAUSE))
        raise Failed(found["again"])

    def _call(self, name: str, function: Callable[[], Any], stoppable: bool) -> dict[str, Any]:
        try:
            if stoppable and (reason := self._stop_reason()) is not None:
                return {"stopped": reason}
            return {"done": function()}
        except tuple(kind for kind, _ in ACTIONS) as error:
            if action_on(error) is Action.RETRY:
                return {"again": self._told(name, error), "after": float(getattr(error, "retry_after", None) or 0.0)}
            return {"failed": self._told(name, error)}

    def _told(self, name: str, error: Exception) -> str:
        """What people may read of it."""
        if not isinstance(error, INTERNAL):
            return str(error)
        log.error("internal error", job=self._job, arrow=name, error=f"{type(error).__name__}: {error}", exc_info=error)
        return internal_error(self._job)
