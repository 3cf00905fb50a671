"""How far the trials are: a bar with counts on a terminal, a line an event elsewhere; always on standard error."""

from __future__ import annotations

import sys
from collections import Counter

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bot.inspection.words import harmless
from bot.report import dollars
from bot.terminal import Narrator
from bot.trials.ledger import Ledger
from bot.trials.records import Trial
from sandbox.swebench.report import Outcome


class Display:
    """Safe to share between threads: rich's own lock, and appends."""

    def __init__(self, total: int, narrator: Narrator, ledger: Ledger) -> None:
        self._total = total
        self._narrator = narrator
        self._ledger = ledger
        self._done: list[Outcome | None] = []
        self._bar: Progress | None = None
        self._task = TaskID(0)
        if sys.stderr.isatty():
            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
            self._bar = Progress(*columns, console=Console(stderr=True, highlight=False))

    def __enter__(self) -> Display:
        if self._bar is not None:
            self._task = self._bar.add_task("starting", total=self._total)
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def say(self, line: str) -> None:
        line = harmless(" ".join(line.split()))[:200]
        if self._bar is not None:
            self._bar.update(self._task, description=_plain(f"{self._counts()}  {line}")[:140])
        else:
            self._narrator(line)

    def finished(self, trial: Trial) -> None:
        self._done.append(trial.outcome)
        what = trial.outcome.value if trial.outcome is not None else "not made"
        why = f" ({trial.why})" if trial.why else ""
        line = f"{trial.instance_id}  {trial.model} #{trial.sample}: {what}{why}, {dollars(trial.cost_usd)}"
        line = harmless(" ".join(line.split()))[:300]
        if self._bar is None:
            self._narrator(f"[{len(self._done)}/{self._total}] {line}")
            return
        self._bar.console.print(line, markup=False)
        self._bar.update(self._task, completed=len(self._done), description=self._counts())

    def _counts(self) -> str:
        counts = Counter(self._done)
        spent = dollars(self._ledger.spent_usd)
        return f"{counts[Outcome.RESOLVED]} resolved, {counts[Outcome.ERROR]} errors, {spent}"


def _plain(text: str) -> str:
    return text.replace("[", "(").replace("]", ")")
