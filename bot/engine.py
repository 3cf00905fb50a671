"""Durable execution: the only importer of dbos, and a narrow surface over it.

A workflow is a plain function of one string. What it calls through `Steps.run` is stored when it returns, and is not
run again after a crash; sleeping is durable too. What is added to dbos (why: `docs/decisions/durable-jobs.md`):

- one worker process a queue, held by a lock: with one constant executor id, every job that was running when the process
  died is taken up by the next one;
- a constant application version, raised only when stored steps can no longer be replayed: an edit strands no job;
- JSON only, and unpickling switched off: who can write the database cannot run code here;
- a gate: while draining no step begins, and what waits is taken up by the next process;
- a janitor: old rows are removed, and rows that no worker will ever take are reported.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import sqlite3
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import dbos
import sqlalchemy as sa
from dbos import DBOS, SetWorkflowID
from dbos._serialization import DefaultSerializer

from bot.errors import StoreError, UsageError
from bot.gate import Gate

EPOCH = "1"
"""Raised only with a change after which stored steps cannot be replayed. Compatible changes keep it."""
EXECUTOR = "redgreen-worker"
QUEUE = "jobs"
MAX_RECOVERIES = 20
"""A job that was taken up this often is poison; restarts of innocent processes count too."""

Json = None | bool | int | float | str | list[Any] | dict[str, Any]


class PlainJson(dbos.Serializer):
    """JSON values and nothing else. dbos wraps arguments in tuples, so these survive; exceptions become their text."""

    def name(self) -> str:
        return "redgreen_json"

    def serialize(self, data: Any) -> str:
        return json.dumps(data, default=_plain, allow_nan=False)

    def deserialize(self, serialized_data: str) -> Any:
        return json.loads(serialized_data, object_hook=_restored)


def _plain(value: object) -> dict[str, Any]:
    if isinstance(value, BaseException):
        return {"__error__": type(value).__name__, "text": str(value)[:2000]}
    raise TypeError(f"{type(value).__name__} is not JSON: steps return plain values")


def _restored(value: dict[str, Any]) -> Any:
    if "__error__" in value:
        return StepFailed(f"{value['__error__']}: {value.get('text', '')}")
    return value


class StepFailed(Exception):
    """An error that an earlier process recorded."""


def _switch_pickle_off() -> None:
    """dbos decodes a row by what the row claims to be, whatever is configured: a row that claims to be pickled ends in
    an error, and that error is written as JSON too."""

    def serialize(_self: DefaultSerializer, data: Any) -> str:
        return PlainJson().serialize(data)

    def deserialize(_self: DefaultSerializer, _text: str) -> Any:
        raise StoreError("The queue holds a pickled value; redgreen never writes or reads one.")

    setattr(DefaultSerializer, "serialize", serialize)  # noqa: B010 - a method of another library is replaced
    setattr(DefaultSerializer, "deserialize", deserialize)  # noqa: B010


@dataclass(frozen=True, kw_only=True)
class QueueConfig:
    url: str
    """SQLAlchemy URL of the queue's tables: `sqlite:///PATH` or `postgresql://...`."""
    lock_file: Path
    """Held while a worker runs; on the same disk as the state directory."""
    workers: int = 2
    """Jobs at the same time; on one issue or pull request never more than one."""
    poll_seconds: float = 0.25
    """Between looks for jobs: the queue has no wake-up."""


class Steps:
    """What a workflow may do: the order and the names of its calls are the contract with stored jobs."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate

    def run(self, name: str, function: Callable[[], Json]) -> Any:
        """The function's result, stored before it is returned; after a crash the stored one is.

        The function may be called again when the process died before its result was stored: it must be idempotent.
        """

        def step() -> Json:
            with self._gate.passed():
                return function()

        return DBOS.run_step({"name": name}, step)

    def sleep(self, seconds: float) -> None:
        """Until that long after the first time this was reached, restarts included."""
        until = float(self.run("until", lambda: time.time() + seconds))
        while (left := until - time.time()) > 0:
            self._gate.wait(min(left, 3600))

    @property
    def draining(self) -> bool:
        return self._gate.draining


Workflow = Callable[[Steps, str], None]


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """A row that no worker will ever take, or that was given up."""

    id: str
    why: str


class Engine:
    """The queue of one installation, run by this process."""

    def __init__(
        self, config: QueueConfig, workflows: Mapping[str, Workflow], *, steps: Callable[[Gate], Steps] = Steps
    ) -> None:
        """Raises `UsageError` when another worker process runs."""
        self._config, self._steps = config, steps
        self._lock = _lock(config.lock_file)
        self.gate = Gate()
        self._names = frozenset(workflows)
        self._registered: dict[str, Callable[[str], None]] = {}
        _switch_pickle_off()
        _prepare_sqlite(config.url)
        DBOS(
            config={
                "name": "redgreen",
                "system_database_url": _driver(config.url),
                "executor_id": EXECUTOR,
                "application_version": EPOCH,
                "serializer": PlainJson(),
                "sys_db_pool_size": 10,
                "max_executor_threads": 64,
                "log_level": "ERROR",
                "notification_listener_polling_interval_sec": 0.5,
            }
        )
        logging.getLogger("dbos").propagate = False
        for name, workflow in workflows.items():
            self._registered[name] = self._register(name, workflow)

    def _register(self, name: str, workflow: Workflow) -> Callable[[str], None]:
        steps = self._steps(self.gate)

        def run(argument: str) -> None:
            workflow(steps, argument)

        run.__qualname__ = name
        return DBOS.workflow(name=name, max_recovery_attempts=MAX_RECOVERIES)(run)

    def start(self) -> None:
        """Take up what an earlier process left, then new jobs. Raises `StoreError`."""
        try:
            DBOS.launch()
            DBOS.register_queue(
                QUEUE,
                worker_concurrency=self._config.workers,
                partition_concurrency=1,
                polling_interval_sec=self._config.poll_seconds,
                on_conflict="always_update",
            )
        except (sa.exc.SQLAlchemyError, dbos.error.DBOSException) as error:
            raise StoreError(f"The queue's database cannot be used: {error}") from error

    def enqueue(self, workflow: str, argument: str, *, id: str, partition: str) -> None:
        """Once for an id, however often it is called. Raises `StoreError`.

        Jobs of one partition run one after the other. An unknown workflow or an empty partition would wait for ever
        without a word, so both are refused here.
        """
        if workflow not in self._names or not partition or not id:
            raise ValueError(f"cannot be enqueued: {workflow!r}, partition {partition!r}, id {id!r}")
        try:
            with SetWorkflowID(id), dbos.SetEnqueueOptions(priority=100, queue_partition_key=partition):
                DBOS.enqueue_workflow(QUEUE, self._registered[workflow], argument)
        except (sa.exc.SQLAlchemyError, dbos.error.DBOSException) as error:
            raise StoreError(f"The queue's database cannot be used: {error}") from error

    def states(self) -> dict[str, str]:
        """Workflow id -> the queue's word for its state, of everything that is kept."""
        return {row.workflow_id: row.status for row in DBOS.list_workflows(load_input=False, load_output=False)}

    def sweep(self, *, keep_seconds: float) -> tuple[Stuck, ...]:
        """The janitor: remove rows that ended long ago, and name those that will never end by themselves.

        `keep_seconds` is also how long a repeated id is recognised by the queue; our own tables remember longer.
        """
        limit = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - keep_seconds))
        ended = DBOS.list_workflows(
            status=["SUCCESS", "ERROR", "CANCELLED"],
            completed_before=limit,
            limit=1000,
            load_input=False,
            load_output=False,
        )
        if ended:
            DBOS.delete_workflows([row.workflow_id for row in ended])
        waiting = DBOS.list_workflows(
            status=["PENDING", "ENQUEUED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"], load_input=False, load_output=False
        )
        return tuple(stuck for row in waiting if (stuck := self._stuck(row)) is not None)

    def _stuck(self, row: dbos.WorkflowStatus) -> Stuck | None:
        if row.status == "MAX_RECOVERY_ATTEMPTS_EXCEEDED":
            return Stuck(id=row.workflow_id, why=f"taken up {MAX_RECOVERIES} times and never ended")
        if row.name not in self._names:
            return Stuck(id=row.workflow_id, why=f"no worker knows the workflow {row.name}")
        if row.app_version not in (None, EPOCH):
            return Stuck(id=row.workflow_id, why=f"it was made by epoch {row.app_version}, this is {EPOCH}")
        return None

    def stop(self, timeout: float) -> bool:
        """Drain, then let go of the queue; True when every step under way ended in time.

        What did not end is done again by the next process from its last stored step. A second call does nothing.
        """
        if self._lock.closed:
            return True
        drained = self.gate.drain(timeout)
        DBOS.destroy(destroy_registry=True)
        self._lock.close()
        return drained


def _lock(path: Path) -> IO[str]:
    """The lock is the kernel's: it ends with the process, however that ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = path.open("a")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise UsageError(f"Another worker already runs here (it holds {path}). One worker process is enough.") from None
    return file


def _driver(url: str) -> str:
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    return parsed.render_as_string(hide_password=False)


def _prepare_sqlite(url: str) -> None:
    """WAL is a property of the file; dbos leaves it as it finds it."""
    parsed = sa.make_url(url)
    if parsed.get_backend_name() == "sqlite" and parsed.database:
        with contextlib.closing(sqlite3.connect(parsed.database)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
