"""Connections to the database that holds our tables: SQLite in WAL with synchronous=FULL, or PostgreSQL."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.resources import files
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import StoreError

Clock = Callable[[], float]
_WRITE = "redgreen_write"
_ADDRESSES = "The database must be a SQLite file (sqlite:///PATH) or PostgreSQL (postgresql://...)."


class Database:
    """One pool of connections, its clock, and the two ways to use it. All failures are `StoreError`."""

    def __init__(self, url: str, *, clock: Clock = time.time, pool_size: int = 8) -> None:
        try:
            parsed = sa.make_url(url)
        except sa.exc.ArgumentError:  # its text repeats the address, and with it a password
            raise StoreError(f"The database's address is none. {_ADDRESSES}") from None
        if parsed.get_backend_name() == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        elif parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
            raise StoreError(_ADDRESSES)
        self.clock = clock
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self._turn = threading.RLock()
        """Of this process's writers on SQLite, which itself has no queue: whoever tries again at the right moment gets
        its lock, and of fifty threads some never do."""
        self._engine = sa.create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=not self.is_sqlite,  # a file is never gone
            hide_parameters=True,  # what people wrote is no part of an error's text
        )
        self._writer = self._engine.execution_options(**{_WRITE: "FULL"})
        self._unsynced = self._engine.execution_options(**{_WRITE: "NORMAL"})
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        with _translated(), self._engine.connect() as connection:
            yield connection

    @contextlib.contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[sa.Connection]:
        """One transaction, committed durably when the block ends; on SQLite it holds the write lock from its start.

        Without `synced` the commit outlives the process at once, and a power cut only when a later commit is synced.
        """
        turn = self._turn if self.is_sqlite else contextlib.nullcontext()
        engine = self._writer if synced else self._unsynced
        with turn, _translated(), engine.begin() as connection:
            if not (synced or self.is_sqlite):
                connection.exec_driver_sql("SET LOCAL synchronous_commit TO OFF")
            yield connection

    def upgrade(self, revision: str = "head") -> None:
        """Bring the tables to a revision of `bot/migrations`."""
        config = Config()
        config.set_main_option("script_location", str(files("bot") / "migrations"))
        with self.writing() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, revision)

    def insert_new(self, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]]) -> None:
        """Insert the rows whose key is not there yet; the others are left as they are."""
        if not rows:
            return
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        connection.execute(insert.on_conflict_do_nothing(), rows)

    def add_up(
        self, connection: sa.Connection, table: sa.Table, rows: list[dict[str, Any]], amounts: Sequence[str]
    ) -> None:
        """Insert the rows, or add their amounts to what stands under the same primary key."""
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        added = {name: table.c[name] + insert.excluded[name] for name in amounts}
        connection.execute(
            insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=added), rows
        )

    def upsert(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert the row, or replace the one with the same primary key."""
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        connection.execute(
            insert.values(**row).on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=row)
        )

    def close(self) -> None:
        self._engine.dispose()


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except sa.exc.SQLAlchemyError as error:
        cause = str(error.orig) if isinstance(error, sa.exc.DBAPIError) else type(error).__name__
        raise StoreError(
            f"The database cannot be used: {cause.strip().splitlines()[0] if cause else 'no reason'}"
        ) from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that will write takes the lock at once: upgrading a read lock can fail without waiting."""
    synchronous = connection.get_execution_options().get(_WRITE)
    if synchronous is not None:
        connection.exec_driver_sql(f"PRAGMA synchronous={synchronous}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if synchronous else "BEGIN")
