"""`redgreen show`: a run in the terminal, whole or as it grows."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from agents.types import Step
from bot import places
from bot.errors import UsageError
from bot.inspection import view
from bot.inspection.answer import as_json, end_as_json, step_as_json, written
from bot.inspection.figures import Selection
from bot.inspection.sources import Run, Source, find
from bot.terminal import standard_output
from config.settings import Settings

PAUSE = 0.3
"""Seconds between two looks at a run that goes on."""


@dataclass(frozen=True, kw_only=True)
class ShowOptions:
    run: str
    selection: Selection
    full: bool
    follow: bool
    as_json: bool


def show(settings: Settings, options: ShowOptions, *, sleep: Callable[[float], None] = time.sleep) -> int:
    """Raises `UsageError` where there is no such run or step, `TrajectoryError` where it cannot be read."""
    with ExitStack() as opened:
        source = source_of(settings, options.run, opened)
        shown = _JsonLines() if options.as_json else _Terminal(options)
        if options.follow:
            _follow(source, options.selection, shown, sleep)
        else:
            _once(source, options, shown)
    return 0


def source_of(settings: Settings, run: str, opened: ExitStack) -> Source:
    """Raises `UsageError` where there is no such run."""
    if Path(run).exists():
        return find(run, None)
    from bot.store import Store

    store = Store.open(places.database_url(settings))
    opened.callback(store.close)
    return find(run, store)


def _once(source: Source, options: ShowOptions, shown: _Shown) -> None:
    run = source.look()
    if run is None:
        raise UsageError(f"{options.run}: nothing was recorded of it yet (--follow waits for it)")
    options.selection.check(run.trajectory.steps)
    if options.as_json:
        print(written(as_json(run, options.selection), indent=1))
        return
    shown.began(run)
    for step, before in view.before_each(run.trajectory.steps):
        if options.selection.picks(step):
            shown.step(step, before)
    shown.ended(run)


def _follow(source: Source, selection: Selection, shown: _Shown, sleep: Callable[[float], None]) -> None:
    """Until the attempt ends. Ctrl-C ends only the watching."""
    told, before, run = 0, "", source.look()
    while run is None:
        sleep(PAUSE)
        run = source.look()
    shown.began(run)
    while True:
        for step in run.trajectory.steps[told:]:
            if selection.picks(step):
                shown.step(step, before)
            before, told = step.diff, told + 1
        if run.over:
            break
        sleep(PAUSE)
        run = source.look() or run
    selection.check(run.trajectory.steps)
    shown.ended(run)


class _Shown(Protocol):
    def began(self, run: Run) -> None: ...

    def step(self, step: Step, before: str) -> None: ...

    def ended(self, run: Run) -> None: ...


class _Terminal:
    def __init__(self, options: ShowOptions) -> None:
        self._console = standard_output()
        self._full = options.full

    def began(self, run: Run) -> None:
        view.print_heading(self._console, run)

    def step(self, step: Step, before: str) -> None:
        view.print_step(self._console, step, before, full=self._full)
        sys.stdout.flush()

    def ended(self, run: Run) -> None:
        view.print_end(self._console, run)


class _JsonLines:
    """One line a step, then one with the sums: what is followed cannot be one object. ASCII, so harmless as it is."""

    def began(self, run: Run) -> None:
        pass

    def step(self, step: Step, before: str) -> None:
        print(written(step_as_json(step)), flush=True)

    def ended(self, run: Run) -> None:
        print(written(end_as_json(run)), flush=True)
