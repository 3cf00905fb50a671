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
from bot.store.prepared import Prepared

Clock = Callable[[], float]
_SYNCHRONOUS = "redgreen_synchronous"
"""How the commits of the writers' connection are synced; no other connection has it."""
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
        self._writer: sa.Connection | None = None
        """Theirs on SQLite, kept open: a transaction is so short that opening one would be a fifth of it."""
        self._is_writing = False
        self._engine = sa.create_engine(
            parsed,
            pool_size=pool_size,
            max_overflow=pool_size,
            pool_pre_ping=not self.is_sqlite,  # a file is never gone
            hide_parameters=True,  # what people wrote is no part of an error's text
        )
        self._failures = (sa.exc.SQLAlchemyError, self._engine.dialect.loaded_dbapi.Error)
        self._readers = (
            self._engine if self.is_sqlite else self._engine.execution_options(isolation_level="REPEATABLE READ")
        )
        if self.is_sqlite:
            sa.event.listen(self._engine, "connect", _prepare_sqlite)
            sa.event.listen(self._engine, "begin", _begin_sqlite)

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """What is read in one block is of one moment; what is written in it is lost."""
        with self._translated(), self._readers.connect() as connection:
            connection.begin()
            yield connection

    @contextlib.contextmanager
    def writing(self, *, synced: bool = True) -> Iterator[sa.Connection]:
        """One transaction, committed durably when the block ends; on SQLite it holds the write lock from its start.

        Without `synced` the commit outlives the process at once, and a power cut only when a later commit is synced.
        """
        if self.is_sqlite:
            with self._translated(), self._turn:
                connection = self._writers()
                try:
                    self._is_writing = True
                    connection.info[_SYNCHRONOUS] = "FULL" if synced else "NORMAL"
                    with connection.begin():
                        yield connection
                except BaseException:
                    # A signal can come between the database's beginning of a transaction and the library's knowing of
                    # it: that would hold the lock for good.
                    self._let_go()
                    raise
                finally:
                    self._is_writing = False
            return
        with self._translated(), self._engine.begin() as connection:
            if not synced:
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

    def prepared(self, statement: sa.ClauseElement, columns: Sequence[str] | None = None) -> Prepared:
        """The statement for this database; `columns` as `Prepared` takes them."""
        return Prepared(statement, self._engine.dialect, columns)

    def adding_up(self, table: sa.Table, amounts: Sequence[str]) -> Prepared:
        """Inserts a row, or adds its amounts to what stands under the same primary key."""
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        added = {name: table.c[name] + insert.excluded[name] for name in amounts}
        return self.prepared(
            insert.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=added),
            table.columns.keys(),
        )

    def upsert(self, connection: sa.Connection, table: sa.Table, row: dict[str, Any]) -> None:
        """Insert the row, or replace the one with the same primary key."""
        insert = sqlite.insert(table) if self.is_sqlite else postgresql.insert(table)
        connection.execute(
            insert.values(**row).on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=row)
        )

    def close(self) -> None:
        with self._turn:
            self._let_go()
        self._engine.dispose()

    def _writers(self) -> sa.Connection:
        """The writers' connection; after whatever broke a block off they get another."""
        if self._is_writing:
            raise StoreError("A transaction was begun within another one, whose connection it would take.")
        if self._writer is not None and self._writer.in_transaction():  # somebody went on using it after the block
            self._let_go()
        if self._writer is None:
            self._writer = self._engine.connect()
        return self._writer

    def _let_go(self) -> None:
        writer, self._writer = self._writer, None
        if writer is None:
            return
        try:
            writer.info.pop(_SYNCHRONOUS, None)
        finally:
            writer.close()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except self._failures as error:
            raise StoreError(f"The database cannot be used: {_cause(error)}") from error


def _cause(error: Exception) -> str:
    """The first line of the driver's words. SQLAlchemy's own would repeat the statement."""
    match error:
        case sa.exc.DBAPIError(orig=orig):
            words = str(orig)
        case sa.exc.SQLAlchemyError():
            words = type(error).__name__
        case _:
            words = str(error)
    return next(iter(words.strip().splitlines()), "no reason")


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions are begun below, not by the driver
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=30000"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_sqlite(connection: sa.Connection) -> None:
    """A transaction that will write takes the lock at once: upgrading a read lock can fail without waiting."""
    synchronous = connection.info.get(_SYNCHRONOUS)
    cursor = connection.connection.cursor()
    if synchronous is not None:
        cursor.execute(f"PRAGMA synchronous={synchronous}")
    cursor.execute("BEGIN IMMEDIATE" if synchronous else "BEGIN")
    cursor.close()
