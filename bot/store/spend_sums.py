"""What settled calls came to, added up: a row a scope, changed in the transaction that settles a call.

So a limit is looked at in the same time, however many calls a month has had.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import sqlalchemy as sa

from bot.money.budget import Scope, Used, month_start
from bot.store.database import Database
from bot.store.schema import spend_sums


class Key(NamedTuple):
    """Whose sum."""

    scope: Scope
    owner: str
    month: int
    """Its first second, since 1970; 0 for what is not counted by months."""


def keys(*, attempt: str, job: str, repository_id: int, installation_id: int, at: float) -> tuple[Key, ...]:
    """The sums that a call belongs to. No attempt, repository or installation has nothing in common with another
    none."""
    month = int(month_start(at))
    owners = {
        Key(Scope.ATTEMPT, attempt, 0): attempt,
        Key(Scope.JOB, job, 0): job,
        Key(Scope.REPOSITORY, str(repository_id), month): repository_id,
        Key(Scope.INSTALLATION, str(installation_id), month): installation_id,
        Key(Scope.MONTH, "", month): True,
    }
    return tuple(key for key, owner in owners.items() if owner)


class Sums:
    """Both methods belong into a transaction of the caller's."""

    def __init__(self, database: Database) -> None:
        self._sums = database.prepared(_SUMS)
        self._added = database.adding_up(spend_sums, ("usd", "unpriced"))

    def read(self, connection: sa.Connection, wanted: Iterable[Key]) -> Mapping[Key, Used]:
        """Of each, nothing where no call is settled."""
        by_scope = {key.scope: key for key in wanted}
        asked: dict[str, object] = {}
        for scope, (owner, month) in _NAMES.items():
            key = by_scope.get(scope)
            asked[owner], asked[month] = (key.owner, key.month) if key else (None, None)
        rows = self._sums.rows(connection, **asked)
        sums = {by_scope[Scope(scope)]: Used(usd=max(0.0, usd), unpriced=unpriced) for scope, usd, unpriced in rows}
        return {key: sums.get(key, Used()) for key in by_scope.values()}

    def add(self, connection: sa.Connection, changed: Sequence[Key], usd: float, unpriced: int) -> None:
        if usd or unpriced:
            self._added.run(connection, [{**key._asdict(), "usd": usd, "unpriced": unpriced} for key in changed])


_NAMES = {scope: (f"{scope}_owner", f"{scope}_month") for scope in Scope}
_SUMS = sa.select(spend_sums.c.scope, spend_sums.c.usd, spend_sums.c.unpriced).where(
    sa.or_(
        *(
            sa.and_(
                spend_sums.c.scope == scope.value,
                spend_sums.c.owner == sa.bindparam(owner, type_=spend_sums.c.owner.type),
                spend_sums.c.month == sa.bindparam(month, type_=spend_sums.c.month.type),
            )
            for scope, (owner, month) in _NAMES.items()
        )
    )
)
"""The one sum of each scope. A parameter that is NULL equals nothing."""
