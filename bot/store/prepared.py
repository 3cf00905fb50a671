"""Statements compiled once and run by the driver itself: for what stands between a model's answer and the next call.

To build a statement, look its text up, and wrap its result takes SQLAlchemy several times as long as SQLite takes to
run it. Elsewhere in the store nobody waits for that.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa


class Prepared:
    """A statement for one kind of database. What it raises is the driver's own: `Database` translates that too."""

    def __init__(self, statement: sa.ClauseElement, dialect: sa.Dialect, columns: Sequence[str] | None = None) -> None:
        """`columns`: those that an insert or an update sets, each by a parameter of its name."""
        compiled = statement.compile(dialect=dialect, column_keys=None if columns is None else list(columns))
        self._text = str(compiled)
        self._fixed: Mapping[str, Any] = compiled.params
        self._places: Sequence[str] | None = getattr(compiled, "positiontup", None)
        """The parameters in order, where the driver knows no names."""

    def rows(self, connection: sa.Connection, **values: Any) -> list[tuple[Any, ...]]:
        cursor = connection.connection.cursor()
        cursor.execute(self._text, self._bound(values))
        return list(cursor.fetchall())

    def run(self, connection: sa.Connection, rows: Iterable[Mapping[str, Any]]) -> None:
        """Once with each row's values."""
        connection.connection.cursor().executemany(self._text, [self._bound(row) for row in rows])

    def _bound(self, values: Mapping[str, Any]) -> Any:
        bound = {**self._fixed, **values}
        return bound if self._places is None else [bound[name] for name in self._places]
