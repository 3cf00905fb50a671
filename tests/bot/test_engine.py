"""The queue behind `bot.engine`, on both databases: once for an id, JSON only, drained, swept."""

from __future__ import annotations

import base64
import contextlib
import os
import pickle
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from bot.engine import Engine, PlainJson, QueueConfig, StepFailed, Steps, Workflow
from bot.errors import Parked, UsageError
from bot.gate import Gate
from bot.reconcile import reconcile
from bot.store import Store, job_id_for
from bot.types import JobState
from tests.bot.test_store import accepted

Start = Callable[..., Engine]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Engines of a test, stopped at its end."""
    running: list[Engine] = []

    def begin(url: str, **workflows: Workflow) -> Engine:
        config = QueueConfig(url=url, lock_file=tmp_path / "lock", poll_seconds=0.02)
        engine = Engine(config, workflows)
        running.append(engine)
        engine.start()
        return engine

    yield begin
    for engine in running:
        engine.stop(5)


def wait_for(condition: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)


def test_an_id_runs_once_and_its_steps_in_order(start: Start, database_url: str) -> None:
    seen: list[object] = []

    def workflow(steps: Steps, argument: str) -> None:
        value = steps.run("first", lambda: {"argument": argument, "nothing": None})
        seen.append(steps.run("second", lambda: [value, 1.5, "ü"]))

    engine = start(database_url, job=workflow)
    for _ in range(3):
        engine.enqueue("job", "x", id="a", partition="7:3")
    wait_for(lambda: engine.states().get("a") == "SUCCESS")
    engine.enqueue("job", "y", id="a", partition="7:3")
    time.sleep(0.2)
    assert seen == [[{"argument": "x", "nothing": None}, 1.5, "ü"]]


def test_jobs_of_one_partition_run_one_after_the_other(start: Start, database_url: str) -> None:
    now, most = 0, 0
    lock = threading.Lock()

    def workflow(steps: Steps, argument: str) -> None:
        nonlocal now, most
        with lock:
            now += 1
            most = max(most, now)
        time.sleep(0.1)
        with lock:
            now -= 1

    engine = start(database_url, job=workflow)
    for name in "abc":
        engine.enqueue("job", name, id=name, partition="7:3")
    wait_for(lambda: set(engine.states().values()) == {"SUCCESS"})
    assert most == 1


def test_what_would_wait_for_ever_is_refused(start: Start, tmp_path: Path) -> None:
    engine = start(f"sqlite:///{tmp_path}/q.db", job=lambda _steps, _argument: None)
    for workflow, partition, id in (("other", "p", "i"), ("job", "", "i"), ("job", "p", "")):
        with pytest.raises(ValueError, match="cannot be enqueued"):
            engine.enqueue(workflow, "x", id=id, partition=partition)


def test_a_second_worker_on_the_same_state_is_refused(start: Start, tmp_path: Path) -> None:
    start(f"sqlite:///{tmp_path}/q.db", job=lambda _steps, _argument: None)
    with pytest.raises(UsageError, match="Another worker"):
        Engine(QueueConfig(url=f"sqlite:///{tmp_path}/q.db", lock_file=tmp_path / "lock"), {})


class Weapon:
    """Whoever unpickles it makes the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.directory),))


def test_a_pickled_row_does_not_run_its_code(start: Start, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/q.db"
    ran: list[str] = []
    first = start(url, job=lambda _steps, argument: ran.append(argument))
    first.enqueue("job", "x", id="a", partition="p")
    wait_for(lambda: first.states() == {"a": "SUCCESS"})
    first.stop(5)
    fired = tmp_path / "fired"
    code = base64.b64encode(pickle.dumps(Weapon(fired))).decode()
    pickle.loads(base64.b64decode(code))
    fired.rmdir()  # the weapon works
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        changed = connection.exec_driver_sql(
            "UPDATE workflow_status SET inputs = ?, serialization = 'py_pickle', status = 'ENQUEUED'", (code,)
        )
        assert changed.rowcount == 1
    engine.dispose()
    second = start(url, job=lambda _steps, argument: ran.append(argument))
    wait_for(lambda: second.states()["a"] not in ("ENQUEUED", "PENDING"))
    assert second.states()["a"] == "ERROR"
    assert ran == ["x"]
    assert not fired.exists()


def test_sqlite_files_of_the_queue_are_in_wal(start: Start, tmp_path: Path) -> None:
    start(f"sqlite:///{tmp_path}/q.db", job=lambda _steps, _argument: None)
    with contextlib.closing(sqlite3.connect(tmp_path / "q.db")) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_a_drained_job_goes_on_in_the_next_process_without_its_stored_steps(start: Start, database_url: str) -> None:
    calls: list[str] = []
    begun = threading.Event()

    def workflow(steps: Steps, argument: str) -> None:
        steps.run("paid", lambda: calls.append("paid"))
        begun.set()
        steps.sleep(0.5)
        steps.run("after", lambda: calls.append("after"))

    first = start(database_url, job=workflow)
    first.enqueue("job", "x", id="a", partition="p")
    assert begun.wait(20)
    assert first.stop(5)
    assert calls == ["paid"]
    second = start(database_url, job=workflow)
    wait_for(lambda: second.states()["a"] == "SUCCESS")
    assert calls == ["paid", "after"]


def test_the_gate_lets_nothing_begin_while_draining() -> None:
    gate = Gate()
    with gate.passed():
        assert not gate.drain(0.01)
    assert gate.drain(0.01)
    with pytest.raises(Parked), gate.passed():
        pass
    with pytest.raises(Parked):
        gate.wait(60)


def test_old_rows_are_swept_and_stuck_ones_are_named(start: Start, database_url: str, tmp_path: Path) -> None:
    engine = start(database_url, job=lambda _steps, _argument: None)
    engine.enqueue("job", "x", id="old", partition="p")
    wait_for(lambda: engine.states() == {"old": "SUCCESS"})
    assert engine.sweep(keep_seconds=3600) == ()
    assert engine.states() == {"old": "SUCCESS"}
    assert engine.sweep(keep_seconds=-5) == ()
    assert engine.states() == {}


def test_a_job_that_a_bug_ended_in_the_queue_is_ended_for_people(
    start: Start, sqlite_store: Store, tmp_path: Path
) -> None:
    def workflow(steps: Steps, argument: str) -> None:
        raise RuntimeError("bug")

    engine = start(f"sqlite:///{tmp_path}/q.db", job=workflow)
    job = accepted(sqlite_store)
    engine.enqueue("job", job, id=job, partition="p")
    sqlite_store.jobs.mark_enqueued(job)
    wait_for(lambda: engine.states()[job] == "ERROR")
    found = reconcile(sqlite_store, engine, lambda: 2)
    assert (found.removed_containers, found.abandoned_jobs) == (2, (job,))
    assert sqlite_store.jobs.get(job).state is JobState.FAILED
    assert reconcile(sqlite_store, engine, lambda: 0).abandoned_jobs == ()
    assert job_id_for(sqlite_store.jobs.get(job).delivery_id) == job


def test_json_is_plain_and_errors_come_back_as_their_text() -> None:
    json = PlainJson()
    assert json.deserialize(json.serialize({"a": [1, None, "ü", 2.5]})) == {"a": [1, None, "ü", 2.5]}
    error = json.deserialize(json.serialize(ValueError("no")))
    assert isinstance(error, StepFailed)
    assert str(error) == "ValueError: no"
    for value in (object(), {1, 2}, b"x"):
        with pytest.raises(TypeError, match="not JSON"):
            json.serialize(value)
    with pytest.raises(ValueError):
        json.serialize(float("nan"))
