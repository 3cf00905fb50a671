"""Statements compiled once and run by the driver itself: for what stands between a model's answer and the next call.

To build a statement, look its text up, and wrap its result takes SQLAlchemy several times as long as SQLite takes to
run it. Elsewhere in the store nobody waits for that.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor

T = TypeVar("T")


class Prepared:
    """A statement for one kind of database, run in a transaction that the caller has begun. What it raises is the
    driver's own, which `Database` translates too; and KeyError where not exactly its parameters are given."""

    def __init__(self, statement: sa.ClauseElement, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> None:
        """`columns`: those that an insert or an update sets, each by a parameter of its name."""
        compiled = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        if not isinstance(compiled, sa.sql.compiler.SQLCompiler) or compiled.post_compile_params:
            raise TypeError("its text would have to be made anew for each run")
        self._text, self._dialect = str(compiled), dialect
        self._fixed = {name: bind.value for name, bind in compiled.binds.items() if not bind.required}
        self._asked = compiled.binds.keys() - self._fixed.keys()
        self._places: Sequence[str] | None = compiled.positiontup
        """The parameters in order, where the driver knows no names."""

    def rows(self, connection: sa.Connection, **values: Any) -> list[tuple[Any, ...]]:
        bound = self._bound(values)

        def ask(cursor: DBAPICursor) -> list[tuple[Any, ...]]:
            cursor.execute(self._text, bound)
            return list(cursor.fetchall())

        return self._with(connection, ask)

    def run(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Once with each row's values."""
        bound = [self._bound(row) for row in rows]
        self._with(connection, lambda cursor: cursor.executemany(self._text, bound))

    def _with(self, connection: sa.Connection, do: Callable[[DBAPICursor], T]) -> T:
        driver = connection.connection
        try:
            with contextlib.closing(driver.cursor()) as cursor:
                return do(cursor)
        except self._dialect.loaded_dbapi.Error as error:
            if self._dialect.is_disconnect(error, driver, None):  # or the pool would give it to somebody else
                connection.invalidate(error)
            raise

    def _bound(self, values: Mapping[str, Any]) -> Any:
        if values.keys() != self._asked:
            raise KeyError(f"{sorted(values.keys() ^ self._asked)}: missing, or unknown, in {self._text}")
        bound = {**self._fixed, **values}
        return bound if self._places is None else [bound[name] for name in self._places]
