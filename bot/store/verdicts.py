"""What became of each attempt's patch. The verdict and its proof are stored in one commit."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.schema import proofs, verdicts
from bot.types import JobId


@dataclass(frozen=True, kw_only=True)
class Judged:
    """One attempt's verdict, without its proof."""

    verdict: str
    """The verdict's name; "" where the patch policy refused it."""
    refused: str
    judged_at: float
    chosen: bool


class VerdictStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def judged(self, attempt_id: str, job_id: JobId, statement: Mapping[str, Any], verdict: str) -> None:
        """A second judgement after a crash changes nothing: who was first stays first."""
        now = self._database.clock()
        proof = {"job_id": attempt_id, "verdict": verdict, "statement": json.dumps(statement), "created_at": now}
        with self._database.writing() as connection:
            self._database.insert_new(connection, proofs, [proof])
            self._database.insert_new(connection, verdicts, [_row(attempt_id, job_id, verdict, "", now)])

    def refused(self, attempt_id: str, job_id: JobId, why: str) -> None:
        """The patch policy turned it away: nothing was run."""
        row = _row(attempt_id, job_id, "", why, self._database.clock())
        with self._database.writing() as connection:
            self._database.insert_new(connection, verdicts, [row])

    def of_job(self, job_id: JobId) -> Mapping[str, Judged]:
        """By attempt id."""
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(verdicts).where(verdicts.c.job_id == job_id)).all()
        return {
            row.attempt_id: Judged(verdict=row.verdict, refused=row.refused, judged_at=row.judged_at, chosen=row.chosen)
            for row in rows
        }

    def choose(self, attempt_id: str, job_id: JobId) -> None:
        """The attempt whose patch, and proof, are the job's."""
        is_it = verdicts.c.attempt_id == attempt_id
        with self._database.writing() as connection:
            connection.execute(sa.update(verdicts).where(verdicts.c.job_id == job_id).values(chosen=is_it))


def _row(attempt_id: str, job_id: JobId, verdict: str, refused: str, now: float) -> dict[str, object]:
    return {
        "attempt_id": attempt_id,
        "job_id": job_id,
        "verdict": verdict,
        "refused": refused,
        "chosen": False,
        "judged_at": now,
    }
