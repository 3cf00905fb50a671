"""Attempts and their steps: the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from agents.errors import Fault
from agents.trajectory import step_from_plain, step_to_plain
from agents.types import Attempt, Ending, Step, Usage
from bot.store.database import Database
from bot.store.schema import attempts, steps
from bot.types import JobId


@dataclass(frozen=True, kw_only=True)
class AttemptView:
    """An attempt with what a person asks about it, begun or over."""

    id: str
    job_id: JobId
    model: str
    started_at: float
    finished_at: float | None
    result: Attempt | None
    """None while it goes on."""


@dataclass(frozen=True, kw_only=True)
class Finished:
    """An attempt that has ended."""

    number: int
    """Among its job's attempts, from 1."""
    model: str
    """The lineup's name."""
    attempt: Attempt


class AttemptStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt_id: str, *, job_id: JobId, model: str, chosen_by: str = "") -> None:
        """Idempotent: an attempt that goes on after a crash is the same attempt."""
        row = {
            "id": attempt_id,
            "job_id": job_id,
            "model": model,
            "chosen_by": chosen_by,
            "strategy": "",
            "prompt_version": "",
            "ending": "",
            "result": "",
            "cost_usd": None,
            "started_at": self._database.clock(),
            "finished_at": None,
        }
        with self._database.writing() as connection:
            self._database.insert_new(connection, attempts, [row])

    def finish(self, attempt_id: str, attempt: Attempt) -> None:
        values = {
            "strategy": attempt.strategy,
            "prompt_version": attempt.prompt_version,
            "ending": attempt.ending.value,
            "result": json.dumps(asdict(attempt)),
            "cost_usd": attempt.cost_usd,
            "finished_at": self._database.clock(),
        }
        with self._database.writing() as connection:
            connection.execute(sa.update(attempts).where(attempts.c.id == attempt_id).values(**values))

    def of_job(self, job_id: JobId) -> tuple[Attempt, ...]:
        """The finished attempts of a job, in the order of their numbers."""
        return tuple(one.attempt for one in self.finished(job_id))

    def finished(self, job_id: JobId) -> tuple[Finished, ...]:
        """The same, each with its number and the model that was asked for."""
        query = sa.select(attempts.c.id, attempts.c.model, attempts.c.result).where(
            attempts.c.job_id == job_id, attempts.c.finished_at.is_not(None)
        )
        with self._database.reading() as connection:
            rows = connection.execute(query).all()
        found = [Finished(number=_number(row.id), model=row.model, attempt=_attempt(row.result)) for row in rows]
        return tuple(sorted(found, key=lambda one: one.number))

    def is_begun(self, attempt_id: str) -> bool:
        with self._database.reading() as connection:
            return connection.execute(sa.select(attempts.c.id).where(attempts.c.id == attempt_id)).first() is not None

    def named(self, name: str) -> tuple[AttemptView, ...]:
        """The attempts of the job of this name, or the one attempt of this name, in the order they began."""
        query = (
            sa.select(attempts)
            .where(sa.or_(attempts.c.job_id == name, attempts.c.id == name))
            .order_by(attempts.c.started_at, attempts.c.id)
        )
        with self._database.reading() as connection:
            return tuple(map(_view, connection.execute(query)))

    def steps(self, attempt_id: str, *, start: int = 0) -> tuple[Step, ...]:
        """Those from index `start` on."""
        query = (
            sa.select(steps.c.body)
            .where(steps.c.attempt_id == attempt_id, steps.c.step >= start)
            .order_by(steps.c.step)
        )
        with self._database.reading() as connection:
            return tuple(step_from_plain(json.loads(row.body)) for row in connection.execute(query))

    def record(self, attempt_id: str, step: Step) -> None:
        """The step, durably, once: one that is there already is not replaced. Its calls are booked by their purse."""
        body = {
            "attempt_id": attempt_id,
            "step": step.index,
            "body": json.dumps(step_to_plain(step)),
            "recorded_at": self._database.clock(),
        }
        with self._database.writing() as connection:
            self._database.insert_new(connection, steps, [body])


class StoreRecorder:
    """An attempt's checkpoints in the store; structurally an `agents.protocols.Recorder`."""

    def __init__(self, store: AttemptStore, attempt_id: str, *, stopped: Callable[[], bool]) -> None:
        self._store, self._attempt_id, self._stopped = store, attempt_id, stopped

    def steps(self) -> Sequence[Step]:
        return self._store.steps(self._attempt_id)

    def record(self, step: Step) -> None:
        self._store.record(self._attempt_id, step)

    def stopped(self) -> bool:
        return self._stopped()


def _view(row: sa.Row[tuple[object, ...]]) -> AttemptView:
    found = row._mapping
    return AttemptView(
        id=found["id"],
        job_id=JobId(found["job_id"]),
        model=found["model"],
        started_at=found["started_at"],
        finished_at=found["finished_at"],
        result=_attempt(found["result"]) if found["finished_at"] is not None else None,
    )


def attempt_id_for(job_id: JobId, number: int) -> str:
    """Attempts of a job are numbered from 1."""
    return f"{job_id}-{number}"


def _number(attempt_id: str) -> int:
    return int(attempt_id.rpartition("-")[2])


def _attempt(text: str) -> Attempt:
    """ASCII JSON both ways: a diff of bytes that are no text holds lone surrogates."""
    plain = json.loads(text)
    fault = plain.get("fault")
    words = {
        "ending": Ending(plain["ending"]),
        "usage": Usage(**plain["usage"]),
        "fault": Fault(fault) if fault else None,
    }
    return Attempt(**(plain | words))
