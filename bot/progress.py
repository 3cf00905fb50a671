"""How far many things are: a bar with counts on a terminal, a line an event elsewhere; always on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.inspection.words import harmless
from bot.terminal import Narrator


class Count:
    """Safe to share between threads, as far as `counts` is: rich has a lock of its own."""

    def __init__(self, total: int, narrator: Narrator, counts: Callable[[], str]) -> None:
        """`counts`: what stands beside the bar, in a few words."""
        self._total, self._narrator, self._counts = total, narrator, counts
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True, highlight=False))

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._task = self._bar.add_task("starting", total=self._total)
            self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        line = harmless(" ".join(line.split()))[:200]
        if self._bar is not None:
            self._bar.update(self._task, description=_plain(f"{self._counts()}  {line}")[:140])
        else:
            self._narrator(line)

    def finished(self, number: int, line: str) -> None:
        """The `number`th is done: a line of its own."""
        line = harmless(" ".join(line.split()))[:300]
        if self._bar is None:
            self._narrator(f"[{number}/{self._total}] {line}")
            return
        self._bar.console.print(line, markup=False)
        self._bar.update(self._task, completed=number, description=self._counts())


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")
