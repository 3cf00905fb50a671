"""Jobs: one for a delivery at most, made in the same commit that marks the delivery as handled."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

import sqlalchemy as sa
from pydantic import TypeAdapter

from bot.errors import StoreError
from bot.store.database import Database
from bot.store.deliveries import mark_handled
from bot.store.schema import jobs
from bot.types import DeliveryId, Job, JobId, JobKind, JobState, StartJob
from sandbox.types import CommitSha

_START = TypeAdapter(StartJob)
_ENDED = (JobState.DONE.value, JobState.FAILED.value, JobState.CANCELLED.value)


@dataclass(frozen=True, kw_only=True)
class JobView:
    """A job with what a person asks about it."""

    job: Job
    reason: str
    pull_number: int | None
    head_sha: CommitSha | None
    created_at: float
    finished_at: float | None


def job_id_for(delivery_id: DeliveryId) -> JobId:
    """Derived, so that the same delivery can never make two jobs."""
    return JobId("job-" + uuid.uuid5(uuid.NAMESPACE_URL, f"redgreen:{delivery_id}").hex[:20])


class JobStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def accept(self, delivery_id: DeliveryId, start: StartJob) -> Job:
        """Store the job and mark its delivery handled, in one commit. Repeating it changes nothing."""
        job = Job(id=job_id_for(delivery_id), delivery_id=delivery_id, start=start, state=JobState.QUEUED)
        row = {
            "id": job.id,
            "delivery_id": delivery_id,
            "kind": start.kind.value,
            "repository_id": start.repository.id,
            "repository": start.repository.full_name,
            "number": start.number,
            "start": _START.dump_json(start).decode(),
            "state": job.state.value,
            "enqueued": False,
            "cancel_reason": None,
            "reason": "",
            "pull_number": None,
            "head_sha": None,
            "created_at": self._database.clock(),
            "finished_at": None,
        }
        with self._database.writing() as connection:
            self._database.insert_new(connection, jobs, [row])
            mark_handled(connection, delivery_id, f"started {job.id}")
        return job

    def get(self, job_id: JobId) -> Job:
        return self.view(job_id).job

    def view(self, job_id: JobId) -> JobView:
        with self._database.reading() as connection:
            row = connection.execute(sa.select(jobs).where(jobs.c.id == job_id)).first()
        if row is None:
            raise StoreError(f"There is no job {job_id}.")
        return _view(row)

    def has(self, job_id: JobId) -> bool:
        with self._database.reading() as connection:
            return connection.execute(sa.select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None

    def recent(self, limit: int = 50) -> tuple[JobView, ...]:
        with self._database.reading() as connection:
            rows = connection.execute(sa.select(jobs).order_by(jobs.c.created_at.desc()).limit(limit)).all()
        return tuple(map(_view, rows))

    def active(self, repository_id: int, number: int) -> tuple[Job, ...]:
        """Jobs on an issue or pull request that have not ended and were not asked to stop, oldest first."""
        query = (
            sa.select(jobs)
            .where(jobs.c.repository_id == repository_id, jobs.c.number == number)
            .where(jobs.c.state.not_in(_ENDED), jobs.c.cancel_reason.is_(None))
            .order_by(jobs.c.created_at)
        )
        with self._database.reading() as connection:
            return tuple(_view(row).job for row in connection.execute(query))

    def latest(self, repository_id: int, number: int) -> JobView | None:
        """The last job on an issue or pull request, whatever became of it."""
        query = (
            sa.select(jobs)
            .where(jobs.c.repository_id == repository_id, jobs.c.number == number)
            .order_by(jobs.c.created_at.desc())
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _view(row) if row else None

    def unfinished(self) -> tuple[JobView, ...]:
        """Jobs that were handed to the queue and have not ended, oldest first."""
        query = sa.select(jobs).where(jobs.c.state.not_in(_ENDED), jobs.c.enqueued).order_by(jobs.c.created_at)
        with self._database.reading() as connection:
            return tuple(map(_view, connection.execute(query)))

    def not_enqueued(self) -> tuple[Job, ...]:
        """Jobs that a crash may have left between our table and the queue."""
        query = sa.select(jobs).where(jobs.c.enqueued.is_(False)).order_by(jobs.c.created_at)
        with self._database.reading() as connection:
            return tuple(_view(row).job for row in connection.execute(query))

    def mark_enqueued(self, job_id: JobId) -> None:
        self._set(job_id, enqueued=True)

    def running(self, job_id: JobId) -> None:
        self._set(job_id, state=JobState.RUNNING.value)

    def ended(self, job_id: JobId, state: JobState, reason: str) -> None:
        self._set(job_id, state=state.value, reason=reason[:2000], finished_at=self._database.clock())

    def committed(self, job_id: JobId, head: CommitSha) -> None:
        """The commit that the job put on its branch."""
        self._set(job_id, head_sha=head)

    def proposed(self, job_id: JobId, pull_number: int) -> None:
        """The job's pull request: how an outcome finds its job."""
        self._set(job_id, pull_number=pull_number)

    def ask_to_stop(self, job_id: JobId, reason: str) -> None:
        """The job stops at its next arrow, or at the next step of its attempt."""
        self._set(job_id, cancel_reason=reason[:500])

    def stop_reason(self, job_id: JobId) -> str | None:
        """Why the job was asked to stop; None when it was not."""
        with self._database.reading() as connection:
            return connection.execute(sa.select(jobs.c.cancel_reason).where(jobs.c.id == job_id)).scalar_one_or_none()

    def of_pull(self, repository_id: int, pull_number: int) -> JobView | None:
        """The latest FIX job that opened or updated this pull request."""
        query = (
            sa.select(jobs)
            .where(jobs.c.repository_id == repository_id, jobs.c.pull_number == pull_number)
            .where(jobs.c.kind == JobKind.FIX.value)
            .order_by(jobs.c.created_at.desc())
        )
        with self._database.reading() as connection:
            row = connection.execute(query).first()
        return _view(row) if row else None

    def _set(self, job_id: JobId, **values: object) -> None:
        with self._database.writing() as connection:
            connection.execute(sa.update(jobs).where(jobs.c.id == job_id).values(**values))


def _view(row: sa.Row[tuple[object, ...]]) -> JobView:
    found = row._mapping
    return JobView(
        job=Job(
            id=JobId(found["id"]),
            delivery_id=DeliveryId(found["delivery_id"]),
            start=_START.validate_json(found["start"]),
            state=JobState(found["state"]),
        ),
        reason=found["reason"],
        pull_number=found["pull_number"],
        head_sha=CommitSha(found["head_sha"]) if found["head_sha"] else None,
        created_at=found["created_at"],
        finished_at=found["finished_at"],
    )
