"""Our own tables, each test on SQLite and on PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from dataclasses import replace

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from agents.errors import Fault
from agents.types import Attempt, Ending, Message, Reasoning, Role, Step, Text, ToolCall, ToolResult, Usage
from bot.errors import StoreError
from bot.money.budget import Scope
from bot.store import Account, Purpose, Store, StoreRecorder, attempt_id_for, job_id_for
from bot.store.database import Database
from bot.store.schema import METADATA
from bot.store.spend import SpendStore
from bot.types import (
    DeliveryId,
    IssueText,
    JobId,
    JobKind,
    JobState,
    Outcome,
    OutcomeKind,
    Posted,
    Publication,
    PublicationKind,
    Repository,
    StartJob,
)
from tests.bot.conftest import Time
from tests.support import github_events as gh

REPOSITORY = Repository(id=7, full_name="octo/shop", default_branch="main", installation_id=99)


def start(number: int = 3, kind: JobKind = JobKind.FIX) -> StartJob:
    issue = IssueText(number=number, title="A \x00 bug 🐛", body="It crashes.", labels=("redgreen",), author="ada")
    return StartJob(kind=kind, repository=REPOSITORY, requested_by="mona", number=number, issue=issue)


def accepted(store: Store, number: int = 3, kind: JobKind = JobKind.FIX) -> JobId:
    delivery = gh.delivery("issues", gh.labeled(number=number))
    store.deliveries.append([delivery])
    return store.jobs.accept(delivery.id, start(number, kind)).id


# --- deliveries --------------------------------------------------------------------------------------------------


def test_deliveries_come_back_in_the_order_they_came(store: Store) -> None:
    batch = [gh.delivery("issues", gh.labeled(number=n)) for n in range(1, 5)]
    store.deliveries.append(batch[:2])
    store.deliveries.append(batch[2:])
    assert [p.delivery for p in store.deliveries.pending()] == batch


def test_an_id_that_is_there_is_not_stored_again_even_within_one_batch(store: Store) -> None:
    first = gh.delivery("issues", gh.labeled())
    store.deliveries.append([first, replace(first, body=b"{}")])
    store.deliveries.append([first, gh.delivery("issues", gh.labeled())])
    assert len(store.deliveries.pending()) == 2
    assert store.deliveries.pending()[0].delivery == first


def test_an_id_stays_known_after_it_was_handled_and_its_body_forgotten(store: Store, clock: Time) -> None:
    delivery = gh.delivery("issues", gh.labeled())
    store.deliveries.append([delivery])
    store.deliveries.handled(delivery.id, "ignored")
    clock.now += 100
    assert store.deliveries.forget_bodies(before=clock.now) == 1
    store.deliveries.append([delivery])
    assert store.deliveries.pending() == ()
    assert store.deliveries.result(delivery.id) == ("handled", "ignored")


def test_a_waiting_delivery_keeps_its_body(store: Store, clock: Time) -> None:
    store.deliveries.append([gh.delivery("issues", gh.labeled())])
    assert store.deliveries.forget_bodies(before=clock.now + 1) == 0


def test_a_delivery_to_try_again_says_when_and_how_often(store: Store) -> None:
    delivery = gh.delivery("issues", gh.labeled())
    store.deliveries.append([delivery])
    store.deliveries.try_again(delivery.id, at=5.0, reason="503")
    store.deliveries.try_again(delivery.id, at=9.0, reason="503")
    (pending,) = store.deliveries.pending()
    assert (pending.tries, pending.next_try_at) == (2, 9.0)


def test_a_delivery_given_up_blocks_nothing(store: Store) -> None:
    delivery = gh.delivery("issues", gh.labeled())
    store.deliveries.append([delivery])
    store.deliveries.give_up(delivery.id, "a bug")
    assert store.deliveries.pending() == ()
    assert store.deliveries.count() == {"dead": 1}
    assert store.deliveries.result(DeliveryId("unknown")) is None


# --- jobs --------------------------------------------------------------------------------------------------------


def test_a_job_and_its_handled_delivery_are_one_commit_and_one_job(store: Store) -> None:
    delivery = gh.delivery("issues", gh.labeled())
    store.deliveries.append([delivery])
    first = store.jobs.accept(delivery.id, start())
    again = store.jobs.accept(delivery.id, start(number=4))
    assert first.id == again.id == job_id_for(delivery.id)
    assert store.jobs.get(first.id) == first
    assert store.deliveries.pending() == ()
    assert [job.id for job in store.jobs.not_enqueued()] == [first.id]
    store.jobs.mark_enqueued(first.id)
    assert store.jobs.not_enqueued() == ()


def test_an_unknown_job_is_an_error(store: Store) -> None:
    with pytest.raises(StoreError, match="no job"):
        store.jobs.get(JobId("job-none"))


def test_only_jobs_that_go_on_are_active(store: Store) -> None:
    ended, stopped, running = (accepted(store) for _ in range(3))
    accepted(store, number=4)
    store.jobs.ended(ended, JobState.DONE, "opened")
    store.jobs.ask_to_stop(stopped, "mona")
    store.jobs.running(running)
    assert [job.id for job in store.jobs.active(7, 3)] == [running]
    assert store.jobs.active(8, 3) == ()
    assert store.jobs.stop_reason(stopped) == "mona"
    assert store.jobs.stop_reason(running) is None


def test_a_pull_request_leads_to_the_job_that_opened_it(store: Store, clock: Time) -> None:
    first = accepted(store)
    store.jobs.proposed(first, 12)
    clock.now += 1
    second = accepted(store)
    store.jobs.proposed(second, 12)
    found = store.jobs.of_pull(7, 12)
    assert found is not None
    assert found.job.id == second
    assert store.jobs.of_pull(7, 13) is None
    assert [view.pull_number for view in store.jobs.recent()] == [12, 12]


# --- attempts, steps, spend --------------------------------------------------------------------------------------

STEP = Step(
    index=0,
    messages=(
        Message(role=Role.USER, parts=(Text(text="do\x00"),)),
        Message(
            role=Role.ASSISTANT,
            parts=(
                Reasoning(text="hm", opaque={"signature": "x", "n": [1, None]}),
                ToolCall(id="1", name="read", arguments={"path": "a.py", "lines": [1, 2]}),
                ToolResult(call_id="1", text="no", is_error=True),
            ),
        ),
    ),
    usage=Usage(input_tokens=1000, output_tokens=10),
    cost_usd=0.25,
    diff="diff --git a/x b/x\n",
)


def test_a_step_comes_back_exactly(store: Store) -> None:
    store.attempts.record("a-1", STEP)
    store.attempts.record("a-1", replace(STEP, note="another"))
    assert store.attempts.steps("a-1") == (STEP,)
    assert store.attempts.steps("a-2") == ()


def test_a_recorder_goes_on_from_what_a_crash_left(store: Store) -> None:
    stopped = threading.Event()
    for index in range(2):
        recorder = StoreRecorder(store.attempts, "a-1", stopped=stopped.is_set)
        assert len(recorder.steps()) == index
        recorder.record(replace(STEP, index=index))
    assert not recorder.stopped()
    stopped.set()
    assert recorder.stopped()


def attempt(**changes: object) -> Attempt:
    values: dict[str, object] = {
        "task_id": "t",
        "model": "m",
        "strategy": "loop",
        "prompt_version": "1",
        "ending": Ending.SUBMITTED,
        "reason": "done",
        "diff": "d",
        "usage": Usage(),
        "cost_usd": 0.5,
        "steps": 2,
        "seconds": 3.0,
    }
    return Attempt(**{**values, **changes})  # type: ignore[arg-type]


def test_finished_attempts_come_back_in_order(store: Store, clock: Time) -> None:
    job = accepted(store)
    for number, ending in enumerate((Ending.GAVE_UP, Ending.SUBMITTED)):
        store.attempts.begin(f"{job}-{number}", job_id=job, model="m")
        store.attempts.finish(f"{job}-{number}", attempt(ending=ending))
        clock.now += 1
    store.attempts.begin(f"{job}-2", job_id=job, model="m")
    assert [a.ending for a in store.attempts.of_job(job)] == [Ending.GAVE_UP, Ending.SUBMITTED]
    assert store.attempts.of_job(job)[1] == attempt()


def test_an_attempt_is_found_by_its_own_name_and_by_its_jobs(store: Store, clock: Time) -> None:
    job = accepted(store)
    assert (store.jobs.has(job), store.jobs.has(JobId("job-none"))) == (True, False)
    for number in (1, 2):
        store.attempts.begin(f"{job}-{number}", job_id=job, model="m")
        clock.now += 1
    store.attempts.finish(f"{job}-1", attempt())
    first, second = store.attempts.named(job)
    assert (first.id, first.result, first.finished_at) == (f"{job}-1", attempt(), clock.now)
    assert (second.job_id, second.result, second.finished_at) == (job, None, None)
    assert store.attempts.named(f"{job}-2") == (second,)
    assert store.attempts.named("nobody") == ()
    for index in range(3):
        store.attempts.record(f"{job}-2", Step(index=index, messages=()))
    assert [step.index for step in store.attempts.steps(f"{job}-2", start=1)] == [1, 2]


# --- results -----------------------------------------------------------------------------------------------------


def test_a_job_has_one_proof(store: Store) -> None:
    assert store.proofs.load(JobId("j")) is None
    store.proofs.save(JobId("j"), {"verdict": "NotFixed"}, "NotFixed")
    store.proofs.save(JobId("j"), {"verdict": "Verified", "tests": ["a"]}, "Verified")
    assert store.proofs.load(JobId("j")) == {"verdict": "Verified", "tests": ["a"]}


def test_what_stands_on_github_is_known_by_its_marker(store: Store) -> None:
    publication = Publication(
        kind=PublicationKind.STATUS_COMMENT, repository="octo/shop", number=3, marker="m:1", body="x"
    )
    posted = Posted(marker="m:1", remote_id=2**40, url="https://example.org/1", body_sha256="0" * 64)
    store.publications.record_posted(publication, posted)
    store.publications.record_posted(publication, replace(posted, body_sha256="1" * 64))
    assert store.publications.posted(["m:1", "m:2"]) == {"m:1": replace(posted, body_sha256="1" * 64)}
    assert store.publications.posted([]) == {}


def test_the_scoreboard_sees_attempted_proposed_and_decided(store: Store, clock: Time) -> None:
    tried, proposed = accepted(store), accepted(store, number=4)
    accepted(store, number=5)
    for job in (tried, proposed):
        clock.now += 1
        store.attempts.begin(f"{job}-1", job_id=job, model="m")
        store.attempts.finish(f"{job}-1", attempt())
    store.jobs.proposed(proposed, 12)
    outcome = Outcome(repository="octo/shop", pull_number=12, kind=OutcomeKind.CLOSED, human_lines=0)
    store.outcomes.record(7, proposed, outcome)
    store.outcomes.record(7, proposed, replace(outcome, kind=OutcomeKind.MERGED_EDITED, human_lines=4))
    rows = {row.job_id: row for row in store.outcomes.scored()}
    assert set(rows) == {tried, proposed}
    assert (rows[tried].proposed, rows[tried].outcome) == (False, None)
    assert (rows[proposed].outcome, rows[proposed].human_lines) == (OutcomeKind.MERGED_EDITED, 4)
    assert rows[proposed].cost_usd == 0.5


def test_a_race_is_scored_by_each_attempt_and_only_the_chosen_one_is_proposed(store: Store, clock: Time) -> None:
    job = accepted(store)
    first, second, third = (attempt_id_for(job, number) for number in (1, 2, 3))
    for name, made in (
        (first, attempt(model="a")),
        (second, attempt(model="b")),
        (third, attempt(model="c", ending=Ending.STOPPED, fault=Fault.QUOTA)),
    ):
        store.attempts.begin(name, job_id=job, model=made.model)
        store.attempts.finish(name, made)
    store.verdicts.refused(first, job, "It changes a workflow.")
    store.verdicts.judged(second, job, {"n": 1}, "Verified")
    judged = store.verdicts.of_job(job)
    clock.now += 5
    store.verdicts.judged(second, job, {"n": 2}, "NotFixed")
    assert store.verdicts.of_job(job) == judged, "who was first stays first"
    assert store.proofs.load(job) is None
    for _ in range(2):
        store.verdicts.choose(second, job)
    assert {name: one.chosen for name, one in store.verdicts.of_job(job).items()} == {first: False, second: True}
    assert store.proofs.load(job) == store.proofs.of_attempt(second) == {"n": 1}
    store.jobs.proposed(job, 12)
    store.outcomes.record(
        7, job, Outcome(repository="octo/shop", pull_number=12, kind=OutcomeKind.MERGED, human_lines=3)
    )
    rows = {row.model: row for row in store.outcomes.scored()}
    assert [(rows[m].verdict, rows[m].proposed, rows[m].stopped, rows[m].human_lines) for m in "abc"] == [
        ("", False, False, 0),
        ("Verified", True, False, 3),
        ("", False, True, 0),
    ]
    assert (rows["b"].outcome, rows["a"].outcome) == (OutcomeKind.MERGED, None)
    assert [(one.number, one.model) for one in store.attempts.finished(job)] == [(1, "a"), (2, "b"), (3, "c")]
    assert store.attempts.of_job(job)[2].fault is Fault.QUOTA
    assert store.attempts.is_begun(first)
    assert not store.attempts.is_begun(attempt_id_for(job, 4))


# --- the database itself -----------------------------------------------------------------------------------------


def test_migrations_make_exactly_the_tables_of_the_schema(store: Store) -> None:
    with store.database.reading() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, METADATA) == []


def _revisions() -> list[str]:
    script = ScriptDirectory("bot/migrations")
    return [revision.revision for revision in script.walk_revisions()][::-1]


@pytest.mark.parametrize("revision", _revisions())
def test_every_later_migration_keeps_the_rows_of_a_database_in_use(database_url: str, revision: str) -> None:
    database = Database(database_url)
    database.upgrade(revision)
    before = {}
    with database.writing() as connection:
        reflected = sa.MetaData()
        reflected.reflect(connection)
        for table in reflected.sorted_tables:
            if table.name in METADATA.tables:
                rows = [{c.name: _sample(c, n) for c in table.columns} for n in (1, 2)]
                connection.execute(table.insert(), rows)
                before[table.name] = len(rows)
    database.upgrade()
    with database.reading() as connection:
        after = {
            name: connection.execute(sa.select(sa.func.count()).select_from(METADATA.tables[name])).scalar()
            for name in before
        }
    database.close()
    assert len(before) >= 8
    assert after == before


def test_what_was_spent_before_there_was_a_book_of_calls_still_counts(database_url: str) -> None:
    now = 1_800_000_000.0
    database = Database(database_url, clock=lambda: now)
    database.upgrade("0001")
    job = {
        "id": "job-1", "delivery_id": "d", "kind": "fix", "repository_id": 7, "repository": "octo/shop", "number": 3,
        "start": "{}", "state": "running", "enqueued": True, "reason": "", "created_at": now,
    }  # fmt: skip
    attempt = {
        "id": "job-1-1", "job_id": "job-1", "model": "m", "strategy": "", "prompt_version": "", "ending": "",
        "result": "", "started_at": now,
    }  # fmt: skip
    step = {"repository_id": 7, "model": "m", "input_tokens": 5, "output_tokens": 2, "booked_at": now}
    calls = [("job-1-1", 0, 0.5), ("job-1-1", 1, 0.25), ("job-1-review", 0, 0.125)]
    with database.writing() as connection:
        tables = sa.MetaData()
        tables.reflect(connection)
        connection.execute(tables.tables["jobs"].insert(), [job])
        connection.execute(tables.tables["attempts"].insert(), [attempt])
        rows = [{**step, "attempt_id": name, "step": number, "cost_usd": usd} for name, number, usd in calls]
        connection.execute(tables.tables["spend"].insert(), rows)
    database.upgrade()
    spend = SpendStore(database)
    account = Account(attempt="job-1-1", job="job-1", purpose=Purpose.FIX, repository_id=7)
    used = {scope: found.usd for scope, found in spend.used(account).items()}
    by = [(row.key, row.usage.input_tokens) for row in spend.totals(("repository", "purpose"), since=0)]
    database.close()
    assert used == {
        Scope.ATTEMPT: 0.75, Scope.JOB: 0.875, Scope.REPOSITORY: 0.875, Scope.INSTALLATION: 0.0, Scope.MONTH: 0.875,
    }  # fmt: skip
    assert by == [(("octo/shop", "fix"), 10), (("octo/shop", "review"), 5)]


def _sample(column: sa.Column[object], number: int) -> object:
    kind = column.type.python_type
    return {str: f"{number}", int: number, float: float(number), bytes: b"x", bool: True}[kind]


def test_sqlite_is_in_wal_and_syncs_every_commit(sqlite_store: Store) -> None:
    with sqlite_store.database.reading() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


def test_only_the_commits_that_are_said_to_be_are_not_waited_for_the_disk(store: Store) -> None:
    database = store.database
    asked, synced, unsynced = (
        ("PRAGMA synchronous", 2, 1) if database.is_sqlite else ("SHOW synchronous_commit", "on", "off")
    )
    for wanted in (True, False, True):
        with database.writing(synced=wanted) as connection:
            assert connection.exec_driver_sql(asked).scalar() == (synced if wanted else unsynced)


def test_a_transaction_within_a_transaction_is_refused_and_takes_nothing_from_the_outer_one(
    sqlite_store: Store,
) -> None:
    write = sa.text("INSERT INTO steps (attempt_id, step, body, recorded_at) VALUES ('a', :n, '{}', 0)")
    with sqlite_store.database.writing() as connection:
        connection.execute(write, {"n": 1})
        with pytest.raises(StoreError, match="within another"), sqlite_store.database.writing():
            pytest.fail("it began")
        connection.execute(write, {"n": 2})
    assert _steps(sqlite_store) == [1, 2]


def test_what_is_written_where_only_reading_is_due_is_lost(store: Store) -> None:
    write = sa.text("INSERT INTO steps (attempt_id, step, body, recorded_at) VALUES ('a', 1, '{}', 0)")
    with store.database.reading() as connection:
        connection.execute(write)
    assert _steps(store) == []


def test_a_statement_whose_text_changes_from_run_to_run_is_not_prepared(store: Store) -> None:
    table = METADATA.tables["steps"]
    with pytest.raises(TypeError, match="made anew"):
        store.database.prepared(sa.select(table.c.step).where(table.c.step.in_([1, 2])))


def test_a_connection_that_is_used_after_its_block_does_not_keep_the_lock(sqlite_store: Store) -> None:
    write = sa.text("INSERT INTO steps (attempt_id, step, body, recorded_at) VALUES ('a', :n, '{}', 0)")
    with sqlite_store.database.writing() as connection:
        connection.execute(write, {"n": 1})
    connection.execute(write, {"n": 2})
    with sqlite_store.database.writing() as connection:
        connection.execute(write, {"n": 3})
    assert _steps(sqlite_store) == [1, 3]


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt, SystemExit])
def test_a_signal_between_the_databases_begin_and_the_librarys_leaves_no_lock(
    sqlite_store: Store, interrupt: type[BaseException]
) -> None:
    begun, database = [], sqlite_store.database

    def interrupted(_: sa.Connection) -> None:
        if not begun:
            begun.append(1)
            raise interrupt

    sa.event.listen(database._engine, "begin", interrupted)
    with pytest.raises(interrupt), database.writing():
        pytest.fail("it began")
    assert begun
    with contextlib.closing(sqlite3.connect(str(database._engine.url.database), timeout=0)) as other:
        other.execute("BEGIN IMMEDIATE")
        other.rollback()
    with database.writing() as connection:
        connection.execute(sa.text("INSERT INTO steps (attempt_id, step, body, recorded_at) VALUES ('a', 1, '{}', 0)"))
    assert _steps(sqlite_store) == [1]


def _steps(store: Store) -> list[int]:
    with store.database.reading() as connection:
        return list(connection.execute(sa.text("SELECT step FROM steps ORDER BY step")).scalars())


def test_what_is_read_together_is_of_one_moment(store: Store) -> None:
    count = sa.select(sa.func.count()).select_from(METADATA.tables["deliveries"])
    with store.database.reading() as connection:
        before = connection.execute(count).scalar()
        store.deliveries.append([gh.delivery("issues", gh.labeled(number=1))])
        assert connection.execute(count).scalar() == before == 0
    with store.database.reading() as connection:
        assert connection.execute(count).scalar() == 1


def test_two_writers_wait_for_each_other(store: Store) -> None:
    def write(offset: int) -> None:
        for number in range(20):
            store.deliveries.append([gh.delivery("issues", gh.labeled(number=offset + number + 1))])
            store.proofs.save(JobId(f"j{number}"), {"by": offset}, "Verified")

    writers = [threading.Thread(target=write, args=(offset,)) for offset in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert store.deliveries.count() == {"pending": 60}


def test_of_fifty_writers_at_once_each_gets_its_turn(sqlite_store: Store) -> None:
    """As many attempts that store their steps, on a slow disk: together they take longer than SQLite's lock is waited
    for, and without a queue some would never get it."""
    failed: list[str] = []

    def write(number: int) -> None:
        try:
            for index in range(2):
                with sqlite_store.database.writing() as connection:
                    connection.execute(sa.select(METADATA.tables["steps"].c.step))
                    time.sleep(0.08)
                sqlite_store.attempts.record(f"a-{number}", Step(index=index, messages=()))
        except StoreError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert all(len(sqlite_store.attempts.steps(f"a-{number}")) == 2 for number in range(50))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "mysql://h/d", "sqlite:////nowhere/at/all.db"])
def test_a_database_that_cannot_be_used_is_a_store_error(url: str) -> None:
    with pytest.raises(StoreError):
        Store.open(url)
