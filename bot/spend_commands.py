"""`redgreen spend`: what calls cost, by whom, and what the limits leave."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from bot import places, wiring
from bot.errors import UsageError
from bot.money.budget import Limits, Scope, Used, dollars, month_start
from bot.store import Account, Purpose, Store
from bot.store.spend_totals import Spending
from bot.terminal import plain_table, print_json, standard_output
from config.settings import Settings

BY = ("model", "repository", "day", "purpose")
COLUMNS = ("calls", "input", "from cache", "to cache", "output", "thinking", "cost")


def spend(settings: Settings, *, since: str, by: str, as_json: bool) -> int:
    """Raises `UsageError`."""
    if by not in BY:
        raise UsageError(f"--by: {by!r} is none of {', '.join(BY)}")
    store = Store.open(places.database_url(settings))
    try:
        now = store.database.clock()
        start = begin(since, now)
        rows, total = store.spend.totals((by,), since=start), store.spend.totals((), since=start)[:1]
        limits = tuple(limit_rows(store, wiring.money_limits(settings), now))
    finally:
        store.close()
    whole = total[0] if total and total[0].calls else None
    if as_json:
        print_json({"since": _day(start), "by": by, "rows": [_json(by, row) for row in rows],
                    "total": _json("", whole) if whole else None, "limits": list(limits)})  # fmt: skip
        return 0
    _show(by, rows, whole, limits, start)
    return 0


def begin(since: str, now: float) -> float:
    """`2026-11-01`, `7d`, or "" for the beginning of this month. Raises `UsageError`."""
    if not since:
        return month_start(now)
    if days := re.fullmatch(r"(\d{1,4})d", since):
        return now - int(days[1]) * 86_400
    try:
        return datetime.strptime(since, "%Y-%m-%d").replace(tzinfo=UTC).timestamp()
    except ValueError:
        raise UsageError(f"--since: {since!r} is neither a day (2026-11-01) nor a number of days (7d)") from None


def limit_rows(store: Store, limits: Limits, now: float) -> Iterator[dict[str, Any]]:
    """Each month's limit with what is spent of it, for everything that calls were made for this month."""
    accounts = store.spend.accounts(since=month_start(now))
    nobody = Account(attempt="", job="", purpose=Purpose.FIX)
    everything = store.spend.used(nobody)[Scope.MONTH]
    yield _limit_row(Scope.MONTH, "everything", limits, everything)
    seen: set[int] = set()
    for account in accounts:
        used = store.spend.used(account)
        if account.installation_id and account.installation_id not in seen:
            seen.add(account.installation_id)
            name = f"installation {account.installation_id}"
            yield _limit_row(Scope.INSTALLATION, name, limits, used[Scope.INSTALLATION])
        if account.repository_id:
            name = account.repository or f"repository {account.repository_id}"
            yield _limit_row(Scope.REPOSITORY, name, limits, used[Scope.REPOSITORY])


def _limit_row(scope: Scope, name: str, limits: Limits, used: Used) -> dict[str, Any]:
    limit = limits.of(scope)
    return {
        "scope": scope.value,
        "name": name,
        "limit_usd": limit,
        "used_usd": used.usd,
        "aside_usd": used.aside,
        "calls_of_unknown_price": used.unpriced,
        "left_usd": None if limit is None else max(0.0, limit - used.usd),
    }


def cost_text(row: Spending) -> str:
    """What is known, and beside it what is not: an unknown cost is never shown as nothing."""
    parts = [dollars(row.usd)] if row.usd or row.calls > row.unpriced + row.lost + row.under_way else []
    if row.uncertain_usd:
        parts.append(f"up to {dollars(row.uncertain_usd)} uncertain")
    if row.unpriced:
        parts.append(f"{row.unpriced} unknown")
    return " + ".join(parts) or "unknown"


def _json(by: str, row: Spending) -> dict[str, Any]:
    usage = row.usage
    key = {by: _key(by, row)} if by else {}
    return key | {
        "calls": row.calls,
        "under_way": row.under_way,
        "lost": row.lost,
        "calls_of_unknown_cost": row.unpriced,
        "input_tokens": usage.input_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "output_tokens": usage.output_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
        "known_cost_usd": row.usd,
        "uncertain_cost_usd": row.uncertain_usd,
        "cost_usd": row.usd if not (row.unpriced or row.lost or row.under_way) else None,
    }


def _key(by: str, row: Spending) -> str:
    return _day(int(row.key[0]) * 86_400) if by == "day" else row.key[0] or "none"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")


def _cells(first: str, row: Spending) -> list[str]:
    usage = row.usage
    counts = (usage.input_tokens, usage.cache_read_tokens, usage.cache_write_tokens, usage.output_tokens,
              usage.reasoning_tokens)  # fmt: skip
    return [first, f"{row.calls:,}", *(f"{count:,}" for count in counts), cost_text(row)]


def _show(
    by: str, rows: Sequence[Spending], whole: Spending | None, limits: Sequence[dict[str, Any]], start: float
) -> None:
    console = standard_output()
    if whole is None:
        console.print(f"No call to a model was booked since {_day(start)}.")
    else:
        table = [_cells(_key(by, row), row) for row in rows]
        console.print(plain_table([by, *COLUMNS], [*table, _cells("all", whole)]))
    shown = [[row["name"], _or_none(row["limit_usd"]), _used(row), _or_none(row["left_usd"])] for row in limits]
    console.print(plain_table(["this month", "limit", "spent", "left"], shown))


def _or_none(amount: float | None) -> str:
    return "none" if amount is None else dollars(amount)


def _used(row: dict[str, Any]) -> str:
    unknown = row["calls_of_unknown_price"]
    aside = f" ({dollars(row['aside_usd'])} set aside)" if row["aside_usd"] else ""
    return f"{dollars(row['used_usd'])}{aside}" + (f" + {unknown} calls of unknown price" if unknown else "")
