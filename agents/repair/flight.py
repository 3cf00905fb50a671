"""Which candidates were sent to the worker and not answered, and what becomes of them when it is lost. Pure.

The worker starts jobs in the order in which they came, as many at a time as it has slots: when it goes, the oldest
unanswered ones were under trial, and the others only waited. Those under trial are *suspects* and are tried again,
each alone; the one with which the worker goes a second time is what takes it along. Those that waited are sent again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from agents.repair.types import Candidate


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One candidate on its way: `id` is that of its job."""

    id: int
    candidate: Candidate
    texts: Mapping[str, str]


@dataclass
class Flight:
    """The trials of one worker after another."""

    slots: int
    _sent: dict[int, Trial] = field(default_factory=dict)
    _suspects: list[Trial] = field(default_factory=list)
    _waiting: list[Trial] = field(default_factory=list)
    _is_alone: bool = False

    def sent(self, trial: Trial) -> None:
        self._sent[trial.id] = trial

    def answered(self, id_: int) -> Trial | None:
        """The trial that an answer belongs to; None when nothing of that id is out."""
        self._is_alone = False
        return self._sent.pop(id_, None)

    def lost(self) -> Trial | None:
        """The worker is gone: what was out comes again. The one that was tried alone does not: it is returned."""
        out, alone = list(self._sent.values()), self._is_alone
        self._sent, self._is_alone = {}, False
        if alone:
            return out[0]
        self._suspects += out[: self.slots]
        self._waiting = [*out[self.slots :], *self._waiting]
        return None

    def suspect(self) -> Trial | None:
        """The next one to be tried alone, noted as sent; None when there is none."""
        if not self._suspects:
            return None
        trial = self._suspects.pop(0)
        self.sent(trial)
        self._is_alone = True
        return trial

    def waiting(self) -> Trial | None:
        """The next one to be sent again, noted as sent; None when there is none."""
        if not self._waiting:
            return None
        trial = self._waiting.pop(0)
        self.sent(trial)
        return trial

    @property
    def is_empty(self) -> bool:
        return not (self._sent or self._suspects or self._waiting)

    def clear(self) -> None:
        """What is still out is not waited for."""
        self._sent.clear()
        self._suspects.clear()
        self._waiting.clear()
        self._is_alone = False
