"""The scoreboard as rows of text and as JSON. Pure; `bot.cli` and the pages draw it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bot.messages.evidence import dollars
from bot.scoreboard.rates import CONFIDENCE, MINIMUM_DECIDED, Rate, Score

HEADINGS = (
    "rank",
    "model",
    "merged / decided",
    "merged / proposed",
    "merged / attempted",
    "verified / attempted",
    "stopped",
    "edited first",
    "$ / merged",
)


@dataclass(frozen=True, kw_only=True)
class Table:
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...]


def table(scores: Sequence[Score], *, minimum_decided: int = MINIMUM_DECIDED) -> Table:
    notes = [
        f"Intervals: Wilson, {CONFIDENCE:.0%}. Decided: merged or closed by people.",
        "Which model got which task was not drawn at random: a difference may be one of the tasks.",
    ]
    if any(one.stopped for one in scores):
        notes.append("Stopped: by a person, or when another of its race was verified first; in no rate, in the cost.")
    if any(one.verified.successes > one.of_proposed.n for one in scores):
        notes.append("A race proposes one patch: another that was verified counts as verified, and as not merged.")
    if any(one.rank is None for one in scores):
        notes.append(f"No rank under {minimum_decided} decided pull requests.")
    return Table(headings=HEADINGS, rows=tuple(_row(one) for one in scores), notes=tuple(notes))


def as_json(scores: Sequence[Score], *, minimum_decided: int = MINIMUM_DECIDED) -> dict[str, Any]:
    """Unknown is null, never 0."""
    return {
        "minimum_decided": minimum_decided,
        "confidence": CONFIDENCE,
        "random_assignment": False,
        "models": [
            {
                "model": one.model,
                "rank": one.rank,
                "merged": one.of_decided.successes,
                "merged_edited": one.merged_edited,
                "human_lines": one.human_lines,
                "of_decided": _rate_json(one.of_decided),
                "of_proposed": _rate_json(one.of_proposed),
                "of_attempted": _rate_json(one.of_attempted),
                "verified": _rate_json(one.verified),
                "stopped": one.stopped,
                "cost_usd": one.cost_usd,
                "cost_per_merged_usd": one.cost_per_merged_usd,
            }
            for one in scores
        ],
    }


def _row(one: Score) -> tuple[str, ...]:
    merged = one.of_decided.successes
    return (
        "-" if one.rank is None else str(one.rank),
        one.model,
        rate_text(one.of_decided),
        rate_text(one.of_proposed),
        rate_text(one.of_attempted),
        rate_text(one.verified),
        str(one.stopped),
        f"{one.merged_edited}/{merged}" if merged else "-",
        dollars(one.cost_per_merged_usd) if merged else "-",
    )


def rate_text(rate: Rate) -> str:
    """`52.5 % (53/101; 42.8-62.0)`, or `- (0/0)`."""
    value, interval = rate.value, rate.interval
    if value is None or interval is None:
        return "- (0/0)"
    low, high = interval
    return f"{value:.1%} ({rate.successes}/{rate.n}; {low * 100:.1f}-{high * 100:.1f})".replace("%", " %")


def _rate_json(rate: Rate) -> dict[str, Any]:
    interval = rate.interval
    return {
        "n": rate.n,
        "rate": rate.value,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
    }
