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


def read(connection: sa.Connection, wanted: Iterable[Key]) -> Mapping[Key, Used]:
    """Of each, nothing where no call is settled."""
    wanted = list(wanted)
    rows = connection.execute(_SUMS, {"scopes": [key.scope for key in wanted], "owners": [key.owner for key in wanted]})
    sums = {
        Key(Scope(row.scope), row.owner, row.month): Used(usd=max(0.0, row.usd), unpriced=row.unpriced) for row in rows
    }
    return {key: sums.get(key, Used()) for key in wanted}


def add(database: Database, connection: sa.Connection, changed: Sequence[Key], usd: float, unpriced: int) -> None:
    rows = [{**key._asdict(), "usd": usd, "unpriced": unpriced} for key in changed]
    if usd or unpriced:
        database.add_up(connection, spend_sums, rows, ("usd", "unpriced"))


_SUMS = sa.select(spend_sums).where(
    spend_sums.c.scope.in_(sa.bindparam("scopes", expanding=True)),
    spend_sums.c.owner.in_(sa.bindparam("owners", expanding=True)),
)
