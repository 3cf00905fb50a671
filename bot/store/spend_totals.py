"""What the calls in the book came to, added up for people."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from agents.types import Usage
from bot.store.schema import spend


class CallState(StrEnum):
    HELD = "held"
    BOOKED = "booked"
    LOST = "lost"
    """It broke off, or its process died: what it cost is unknown."""


@dataclass(frozen=True, kw_only=True)
class Spending:
    """Calls of one kind added up."""

    key: tuple[str, ...]
    calls: int
    under_way: int
    lost: int
    unpriced: int
    """Answered, and nobody knows what they cost."""
    usage: Usage
    usd: float
    """Of the calls whose cost is known."""
    uncertain_usd: float
    """The worst case of those that count with it: under way, broken off, or answered without their counts."""


def read(
    connection: sa.Connection, keys: Sequence[sa.ColumnElement[Any]], *, since: float, until: float
) -> tuple[Spending, ...]:
    """Of each combination of keys, the calls begun in that time (seconds since 1970); dearest first."""
    query = sa.select(*(key.label(f"key{n}") for n, key in enumerate(keys)), *_SUMS)
    query = query.where(spend.c.held_at >= since, spend.c.held_at < until)
    query = query.group_by(*keys) if keys else query
    found = [_spending(row, len(keys)) for row in connection.execute(query)]
    return tuple(sorted(found, key=lambda one: (-one.usd - one.uncertain_usd, one.key)))


TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "reasoning_tokens")
_UNCERTAIN = sa.and_(spend.c.cost_usd.is_(None), spend.c.worst_usd.is_not(None))


def _count(condition: sa.ColumnElement[bool]) -> sa.ColumnElement[Any]:
    return sa.func.sum(sa.case((condition, 1), else_=0))


_SUMS = (
    sa.func.count().label("calls"),
    _count(spend.c.state == CallState.HELD.value).label("under_way"),
    _count(spend.c.state == CallState.LOST.value).label("lost"),
    _count(sa.and_(spend.c.state == CallState.BOOKED.value, spend.c.cost_usd.is_(None))).label("unpriced"),
    *(sa.func.sum(spend.c[name]).label(name) for name in TOKENS),
    sa.func.sum(sa.func.coalesce(spend.c.cost_usd, 0.0)).label("usd"),
    sa.func.sum(sa.case((_UNCERTAIN, spend.c.worst_usd), else_=0.0)).label("uncertain_usd"),
)


def _spending(row: sa.Row[Any], keys: int) -> Spending:
    found = row._mapping
    return Spending(
        key=tuple(str(found[f"key{n}"]) for n in range(keys)),
        calls=int(found["calls"]),
        under_way=int(found["under_way"] or 0),
        lost=int(found["lost"] or 0),
        unpriced=int(found["unpriced"] or 0),
        usage=Usage(**{name: int(found[name] or 0) for name in TOKENS}),
        usd=float(found["usd"] or 0.0),
        uncertain_usd=float(found["uncertain_usd"] or 0.0),
    )
