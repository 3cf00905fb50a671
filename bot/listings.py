"""`redgreen models` and `redgreen scoreboard`: what is there, as rows."""

from __future__ import annotations

from typing import Any

from rich.console import Console

from agents.probe.choice import described
from agents.probe.record import Probe
from bot import places, wiring
from bot.errors import UsageError
from bot.scoreboard import Record, Score, score
from bot.scoreboard import table as scoreboard_table
from bot.store import Store
from bot.terminal import plain_table
from bot.types import JobId
from config.models import Adapter, ModelSpec
from config.settings import Settings, model_key
from sandbox.types import Verified


def models(settings: Settings) -> list[dict[str, Any]]:
    """One row a model of the lineup, JSON-ready."""
    kept = wiring.probes(settings)
    return [_model_row(spec, settings.models.default, kept.load(spec)) for spec in wiring.lineup(settings)]


MODEL_COLUMNS = ("name", "model", "kind", "openness", "window", "strategy", "key", "$ in/out per 1M", "probed")


def model_cells(row: dict[str, Any]) -> list[str]:
    """A row for people, by `MODEL_COLUMNS`."""
    price = row["price_usd_per_million"]
    return [
        f"{row['name']} (default)" if row["default"] else row["name"],
        row["model_id"] or "-",
        row["kind"],
        row["openness"].replace("_", " "),
        f"{row['window']:,}" if row["window"] else "-",
        row["way"],
        row["key"],
        f"{price['input']:g}/{price['output']:g} ({price['as_of']})" if price else row["price_source"],
        _probed(row["probe"]),
    ]


def _probed(probe: dict[str, Any] | None) -> str:
    if probe is None:
        return "-"
    problems = len(probe["problems"])
    return f"{probe['at'][:10]}{f', {problems} problems' if problems > 1 else ', 1 problem' if problems else ''}"


def _model_row(spec: ModelSpec, default: str, probe: Probe | None) -> dict[str, Any]:
    price = spec.price
    return {
        "name": spec.name,
        "default": spec.name == default,
        "adapter": str(spec.adapter),
        "model_id": spec.model_id,
        "endpoint": spec.endpoint,
        "kind": str(spec.kind),
        "openness": str(spec.openness),
        "licence": spec.licence,
        "self_hosted": spec.self_hosted,
        "window": spec.window,
        "output_limit": spec.output_limit,
        "strategy": str(spec.strategy),
        "dialect": str(spec.dialect),
        "protocol": str(spec.protocol),
        "way": described(spec),
        "served_by": [str(server) for server in spec.served_by],
        "fills_gaps": str(spec.fim.route) if spec.fim else None,
        "tokenizer": str(spec.tokenizer),
        "key": _key_state(spec),
        "price_source": _price_source(spec),
        "price_usd_per_million": {"input": price.input, "output": price.output, "as_of": price.as_of.isoformat()}
        if price
        else None,
        "probe": probe.model_dump(mode="json") if probe else None,
        "notes": spec.notes,
    }


def _key_state(spec: ModelSpec) -> str:
    if not spec.key_variable:
        return "none needed"
    return f"${spec.key_variable} is set" if model_key(spec.key_variable) else f"${spec.key_variable} is not set"


def _price_source(spec: ModelSpec) -> str:
    if spec.adapter is Adapter.NONE:
        return "free"
    if spec.price:
        return "override"
    return f"genai-prices ({spec.price_provider})" if spec.price_provider else "unknown"


def scores(settings: Settings) -> tuple[Score, ...]:
    """The scoreboard's lines. Raises `bot.errors.StoreError`."""
    store = Store.open(places.database_url(settings))
    try:
        return scored(store)
    finally:
        store.close()


def proof(settings: Settings, job: str) -> dict[str, Any]:
    """A job's proof as its in-toto Statement. Raises `UsageError` where there is none."""
    store = Store.open(places.database_url(settings))
    try:
        statement = store.proofs.load(JobId(job))
    finally:
        store.close()
    if statement is None:
        raise UsageError(f"there is no proof of a job {job!r} here; the pull request or check run names its job")
    return statement


def scored(store: Store) -> tuple[Score, ...]:
    return score(
        Record(
            model=one.model,
            proposed=one.proposed,
            outcome=one.outcome,
            cost_usd=one.cost_usd,
            human_lines=one.human_lines,
            stopped=one.stopped,
            verified=one.verdict == Verified.__name__,
        )
        for one in store.outcomes.scored()
    )


def print_scoreboard(lines: tuple[Score, ...], console: Console) -> None:
    shown = scoreboard_table(lines)
    console.print(plain_table(list(shown.headings), [list(row) for row in shown.rows]))
    for note in shown.notes:
        console.print(f"[dim]{note}[/]")
