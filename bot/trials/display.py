"""How far the trials are, and what they have cost."""

from __future__ import annotations

from collections import Counter

from bot.progress import Count
from bot.report import dollars
from bot.terminal import Narrator
from bot.trials.ledger import Ledger
from bot.trials.records import Trial
from sandbox.swebench.report import Outcome


class Display(Count):
    """Safe to share between threads."""

    def __init__(self, total: int, narrator: Narrator, ledger: Ledger) -> None:
        super().__init__(total, narrator, self._told)
        self._ledger = ledger
        self._done: list[Outcome | None] = []

    def ended(self, trial: Trial) -> None:
        self._done.append(trial.outcome)
        what = trial.outcome.value if trial.outcome is not None else "not made"
        why = f" ({trial.why})" if trial.why else ""
        line = f"{trial.instance_id}  {trial.model} #{trial.sample}: {what}{why}, {dollars(trial.cost_usd)}"
        self.finished(len(self._done), line)

    def _told(self) -> str:
        counts = Counter(self._done)
        spent = dollars(self._ledger.spent_usd)
        return f"{counts[Outcome.RESOLVED]} resolved, {counts[Outcome.ERROR]} errors, {spent}"
