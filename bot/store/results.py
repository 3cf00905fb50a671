"""What came of jobs: proofs, what stands on GitHub, and what the humans did with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.store.database import Database
from bot.store.schema import attempts, jobs, outcomes, proofs, publications
from bot.types import JobId, JobKind, Outcome, OutcomeKind, Posted, Publication


class ProofStore:
    """One proof a job, as its in-toto Statement. All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, job_id: JobId, statement: Mapping[str, Any], verdict: str) -> None:
        """Replaces an earlier one: a job that verifies again after a crash has one proof."""
        row = {
            "job_id": job_id,
            "verdict": verdict,
            "statement": json.dumps(statement),
            "created_at": self._database.clock(),
        }
        with self._database.writing() as connection:
            self._database.upsert(connection, proofs, row)

    def load(self, job_id: JobId) -> dict[str, Any] | None:
        with self._database.reading() as connection:
            text = connection.execute(sa.select(proofs.c.statement).where(proofs.c.job_id == job_id)).scalar()
        return None if text is None else dict(json.loads(text))


class PublicationStore:
    """Structurally a `bot.publisher.PublicationLog`. All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def posted(self, markers: Sequence[str]) -> Mapping[str, Posted]:
        columns = publications.c
        query = sa.select(columns.marker, columns.remote_id, columns.url, columns.body_sha256).where(
            columns.marker.in_(list(markers))
        )
        with self._database.reading() as connection:
            return {row.marker: Posted(**row._mapping) for row in connection.execute(query)}

    def record_posted(self, publication: Publication, posted: Posted) -> None:
        row = {
            "marker": posted.marker,
            "kind": publication.kind.value,
            "repository": publication.repository,
            "number": publication.number,
            "remote_id": posted.remote_id,
            "url": posted.url,
            "body_sha256": posted.body_sha256,
            "updated_at": self._database.clock(),
        }
        with self._database.writing() as connection:
            self._database.upsert(connection, publications, row)


@dataclass(frozen=True, kw_only=True)
class ScoredJob:
    """One fix job as the scoreboard counts it: its last attempt, whether it proposed, and what became of that."""

    job_id: JobId
    repository: str
    model: str
    strategy: str
    prompt_version: str
    cost_usd: float | None
    proposed: bool
    outcome: OutcomeKind | None
    human_lines: int


class OutcomeStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, repository_id: int, job_id: JobId, outcome: Outcome) -> None:
        """The latest word on a pull request: a closed one may be opened again and merged."""
        row = {
            "repository_id": repository_id,
            "pull_number": outcome.pull_number,
            "job_id": job_id,
            "kind": outcome.kind.value,
            "human_lines": outcome.human_lines,
            "decided_at": self._database.clock(),
        }
        with self._database.writing() as connection:
            self._database.upsert(connection, outcomes, row)

    def scored(self) -> tuple[ScoredJob, ...]:
        """Every fix job that made an attempt, oldest first. Jobs on one pull request share its outcome: the last
        of them is counted as having proposed it."""
        query = (
            sa.select(jobs, attempts, outcomes.c.kind.label("outcome"), outcomes.c.human_lines)
            .join(attempts, attempts.c.job_id == jobs.c.id)
            .outerjoin(outcomes, outcomes.c.job_id == jobs.c.id)
            .where(jobs.c.kind == JobKind.FIX.value, attempts.c.finished_at.is_not(None))
            .order_by(jobs.c.created_at, jobs.c.id, attempts.c.started_at)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        return tuple(
            ScoredJob(
                job_id=JobId(row.job_id),
                repository=row.repository,
                model=row.model,
                strategy=row.strategy,
                prompt_version=row.prompt_version,
                cost_usd=row.cost_usd,
                proposed=row.pull_number is not None,
                outcome=OutcomeKind(row.outcome) if row.outcome else None,
                human_lines=row.human_lines or 0,
            )
            for row in rows
        )
