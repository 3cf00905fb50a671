"""What came of jobs: proofs, what stands on GitHub, and what the humans did with it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from agents.types import Ending
from bot.store.database import Database
from bot.store.schema import attempts, jobs, outcomes, proofs, publications, verdicts
from bot.types import JobId, JobKind, Outcome, OutcomeKind, Posted, Publication


class ProofStore:
    """Proofs as in-toto Statements. All methods raise `bot.errors.StoreError`."""

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
        """A job's proof: its own, or that of the attempt that was chosen for it."""
        chosen = sa.select(verdicts.c.attempt_id).where(verdicts.c.job_id == job_id, verdicts.c.chosen)
        query = sa.select(proofs.c.statement).where(sa.or_(proofs.c.job_id == job_id, proofs.c.job_id.in_(chosen)))
        with self._database.reading() as connection:
            text = connection.execute(query).scalar()
        return None if text is None else dict(json.loads(text))

    def of_attempt(self, attempt_id: str) -> dict[str, Any] | None:
        """An attempt's own, whether or not it was chosen."""
        with self._database.reading() as connection:
            text = connection.execute(sa.select(proofs.c.statement).where(proofs.c.job_id == attempt_id)).scalar()
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
class ScoredAttempt:
    """One attempt of a fix job as the scoreboard counts it: its verdict, whether its patch was proposed, and what
    became of that."""

    job_id: JobId
    attempt_id: str
    repository: str
    model: str
    strategy: str
    prompt_version: str
    cost_usd: float | None
    stopped: bool
    """Before its own end: by a person, or because another of its race was verified first."""
    verdict: str
    """The verdict's name; "" where there was no patch to judge."""
    proposed: bool
    outcome: OutcomeKind | None
    """Of the pull request that its patch was proposed in."""
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

    def scored(self) -> tuple[ScoredAttempt, ...]:
        """Every finished attempt of every fix job, oldest first. Jobs on one pull request share its outcome: the last
        of them is counted as having proposed it. Only the attempt whose patch was chosen is proposed."""
        query = (
            sa.select(jobs, attempts, outcomes.c.kind.label("outcome"), outcomes.c.human_lines)
            .add_columns(attempts.c.id.label("attempt_id"), verdicts.c.verdict, verdicts.c.chosen)
            .join(attempts, attempts.c.job_id == jobs.c.id)
            .outerjoin(verdicts, verdicts.c.attempt_id == attempts.c.id)
            .outerjoin(outcomes, outcomes.c.job_id == jobs.c.id)
            .where(jobs.c.kind == JobKind.FIX.value, attempts.c.finished_at.is_not(None))
            .order_by(jobs.c.created_at, jobs.c.id, attempts.c.started_at, attempts.c.id)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        several = {row.job_id for row in rows if row.chosen is not None}
        return tuple(_scored(row, is_the_jobs=bool(row.chosen) or row.job_id not in several) for row in rows)


def _scored(row: sa.Row[Any], *, is_the_jobs: bool) -> ScoredAttempt:
    """`is_the_jobs`: its patch is the one that the job stands for. Jobs from before verdicts were kept have one attempt
    and no verdict."""
    return ScoredAttempt(
        job_id=JobId(row.job_id),
        attempt_id=row.attempt_id,
        repository=row.repository,
        model=row.model,
        strategy=row.strategy,
        prompt_version=row.prompt_version,
        cost_usd=row.cost_usd,
        stopped=row.ending == Ending.STOPPED.value,
        verdict=row.verdict or "",
        proposed=is_the_jobs and row.pull_number is not None,
        outcome=OutcomeKind(row.outcome) if is_the_jobs and row.outcome else None,
        human_lines=(row.human_lines or 0) if is_the_jobs else 0,
    )
