"""Attempts, their steps and what the steps cost. A step and its cost are stored in one commit: the checkpoint."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import sqlalchemy as sa

from agents.errors import Fault
from agents.trajectory import step_from_plain, step_to_plain
from agents.types import Attempt, Ending, Step, Usage
from bot.store.database import Database
from bot.store.schema import attempts, spend, steps
from bot.types import JobId


@dataclass(frozen=True, kw_only=True)
class Spent:
    """Dollars of known price, and how many calls had a price that is not known."""

    usd: float = 0.0
    unpriced: int = 0


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


class AttemptStore:
    """All methods raise `bot.errors.StoreError`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, attempt_id: str, *, job_id: JobId, model: str) -> None:
        """Idempotent: an attempt that goes on after a crash is the same attempt."""
        row = {
            "id": attempt_id,
            "job_id": job_id,
            "model": model,
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
        """The finished attempts of a job, in the order they began."""
        query = (
            sa.select(attempts.c.result)
            .where(attempts.c.job_id == job_id, attempts.c.finished_at.is_not(None))
            .order_by(attempts.c.started_at, attempts.c.id)
        )
        with self._database.reading() as connection:
            return tuple(_attempt(row.result) for row in connection.execute(query))

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

    def record(self, attempt_id: str, step: Step, *, repository_id: int, model: str) -> None:
        """The step and its cost, durably, once: a step that is there already is neither replaced nor booked again."""
        now = self._database.clock()
        body = {
            "attempt_id": attempt_id,
            "step": step.index,
            "body": json.dumps(step_to_plain(step)),
            "recorded_at": now,
        }
        with self._database.writing() as connection:
            self._database.insert_new(connection, steps, [body])
            if step.usage != Usage() or step.cost_usd != 0.0:
                cost = {
                    "attempt_id": attempt_id,
                    "step": step.index,
                    "repository_id": repository_id,
                    "model": model,
                    "input_tokens": step.usage.input_tokens,
                    "output_tokens": step.usage.output_tokens,
                    "cost_usd": step.cost_usd,
                    "booked_at": now,
                }
                self._database.insert_new(connection, spend, [cost])

    def spent(self, *, since: float, repository_id: int | None = None) -> Spent:
        """What was booked since then, of one repository or of all."""
        unpriced = sa.func.sum(sa.case((spend.c.cost_usd.is_(None), 1), else_=0))
        query = sa.select(sa.func.sum(spend.c.cost_usd), unpriced).where(spend.c.booked_at >= since)
        if repository_id is not None:
            query = query.where(spend.c.repository_id == repository_id)
        with self._database.reading() as connection:
            usd, count = connection.execute(query).one()
        return Spent(usd=float(usd or 0.0), unpriced=int(count or 0))


class StoreRecorder:
    """An attempt's checkpoints in the store; structurally an `agents.protocols.Recorder`."""

    def __init__(
        self, store: AttemptStore, attempt_id: str, *, repository_id: int, model: str, stopped: Callable[[], bool]
    ) -> None:
        self._store, self._attempt_id = store, attempt_id
        self._repository_id, self._model = repository_id, model
        self._stopped = stopped

    def steps(self) -> Sequence[Step]:
        return self._store.steps(self._attempt_id)

    def record(self, step: Step) -> None:
        self._store.record(self._attempt_id, step, repository_id=self._repository_id, model=self._model)

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
