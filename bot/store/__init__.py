"""Our own tables behind one object a subject."""

from __future__ import annotations

import time
from dataclasses import dataclass

from bot.store.attempts import AttemptStore, AttemptView, Finished, StoreRecorder, attempt_id_for
from bot.store.database import Clock, Database
from bot.store.deliveries import DeliveryStore, Pending
from bot.store.jobs import JobStore, JobView, job_id_for
from bot.store.results import OutcomeStore, ProofStore, PublicationStore, ScoredAttempt
from bot.store.spend import Account, Purpose, SpendStore
from bot.store.verdicts import Judged, VerdictStore


@dataclass(frozen=True, kw_only=True)
class Store:
    database: Database
    deliveries: DeliveryStore
    jobs: JobStore
    attempts: AttemptStore
    spend: SpendStore
    verdicts: VerdictStore
    proofs: ProofStore
    publications: PublicationStore
    outcomes: OutcomeStore

    @classmethod
    def open(cls, url: str, *, clock: Clock = time.time) -> Store:
        """Connect, and bring the tables up to date. Raises `bot.errors.StoreError`."""
        database = Database(url, clock=clock)
        database.upgrade()
        return cls(
            database=database,
            deliveries=DeliveryStore(database),
            jobs=JobStore(database),
            attempts=AttemptStore(database),
            spend=SpendStore(database),
            verdicts=VerdictStore(database),
            proofs=ProofStore(database),
            publications=PublicationStore(database),
            outcomes=OutcomeStore(database),
        )

    def close(self) -> None:
        self.spend.close()
        self.database.close()


__all__ = [
    "Account", "AttemptView", "Finished", "JobView", "Judged", "Pending", "Purpose", "ScoredAttempt", "Store",
    "StoreRecorder", "attempt_id_for", "job_id_for",
]  # fmt: skip
