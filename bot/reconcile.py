"""Compare what should be with what is: our jobs with the queue, Docker with our runs, rows with their age.

Webhooks are hints and processes die; this pass is what makes losing one harmless.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from bot.engine import Stuck
from bot.store import Store
from bot.types import JobId, JobState

KEEP_SECONDS = 30 * 86400.0
"""GitHub offers a delivery again for three days; ids are recognised far longer, payloads are dropped after this."""


class Rows(Protocol):
    """`bot.engine.Engine`, as far as it is used here."""

    def states(self) -> dict[str, str]: ...

    def sweep(self, *, keep_seconds: float) -> tuple[Stuck, ...]: ...


@dataclass(frozen=True, kw_only=True)
class Findings:
    """What one pass did and saw."""

    forgotten_payloads: int
    removed_containers: int
    abandoned_jobs: tuple[JobId, ...]
    stuck: tuple[Stuck, ...]


def reconcile(store: Store, rows: Rows, collect_orphans: Callable[[], int]) -> Findings:
    """One pass. Raises `bot.errors.StoreError`, and what `collect_orphans` raises."""
    forgotten = store.deliveries.forget_bodies(before=store.database.clock() - KEEP_SECONDS)
    stuck = rows.sweep(keep_seconds=KEEP_SECONDS)
    given_up = {row.id: row.why for row in stuck}
    states = rows.states()
    abandoned = []
    for view in store.jobs.unfinished():
        why = given_up.get(view.job.id) or _lost(states.get(view.job.id))
        if why is not None:
            store.jobs.ended(view.job.id, JobState.FAILED, why)
            abandoned.append(view.job.id)
    return Findings(
        forgotten_payloads=forgotten,
        removed_containers=collect_orphans(),
        abandoned_jobs=tuple(abandoned),
        stuck=stuck,
    )


def _lost(state: str | None) -> str | None:
    """Why a job that the queue ended has not ended for us; None while it is on its way."""
    return f"the queue gave it up ({state})" if state in ("ERROR", "CANCELLED") else None
