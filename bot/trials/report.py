"""A summary as rows of text and as JSON. Pure; unknown is said, and null, never 0."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from agents.types import Usage
from bot.report import dollars
from bot.scoreboard import CONFIDENCE, Table
from bot.trials.statistics import Share
from bot.trials.summary import MINIMUM_INSTANCES, Agreement, Pair, Row, Summary
from sandbox.swebench.report import Outcome

UNKNOWN = "unknown"


def models_table(summary: Summary) -> Table:
    """One row a model; the notes say what the numbers are, and what they are not."""
    several = any(row.samples > 1 for row in summary.rows)
    headings = ["rank", "model", "resolved", "any of K", "Verified", "cost", "$ / resolved", "tokens in / out / cached"]
    headings += ["steps", "time", "no patch / error / not made"]
    rows = [_row(row) for row in summary.rows]
    if not several:
        place = headings.index("any of K")
        headings.pop(place)
        rows = [[*row[:place], *row[place + 1 :]] for row in rows]
    return Table(headings=tuple(headings), rows=tuple(map(tuple, rows)), notes=tuple(_notes(summary, several)))


def pairs_table(summary: Summary) -> Table:
    headings = ("models", "instances", "first only", "second only", "difference", "p")
    notes = [
        "p: exact McNemar test, two-sided. Difference: first less second, in points of the share resolved "
        f"({CONFIDENCE:.0%}, Bonett and Price)."
    ]
    if any(row.samples > 1 for row in summary.rows):
        notes.append("With several samples an instance is the first's or the second's if it resolved more of them.")
    if len(summary.pairs) > 1:
        notes.append(f"{len(summary.pairs)} comparisons were made; p is not adjusted for their number.")
    return Table(headings=headings, rows=tuple(_pair(pair) for pair in summary.pairs), notes=tuple(notes))


def agreement_table(agreement: Agreement) -> Table:
    """Redgreen's verdict on each patch beside its grade."""
    verdicts = sorted({verdict for verdict, _ in agreement.cells})
    columns = (Outcome.RESOLVED, Outcome.UNRESOLVED, Outcome.ERROR)
    rows = [
        (verdict, *(str(agreement.cells.get((verdict, outcome), 0)) for outcome in columns)) for verdict in verdicts
    ]
    return Table(headings=("redgreen's verdict", *(str(outcome) for outcome in columns)), rows=tuple(rows), notes=())


def model_json(row: Row) -> dict[str, Any]:
    """Our keys of one model; the harness's own stand beside them, for each sample."""
    return {
        "rank": row.rank,
        "instances": row.instances,
        "samples_per_instance": row.samples,
        "pass_at_1": _share_json(row.resolved),
        "any_of_k": _share_json(row.any_of) | {"k": row.samples},
        "trials": {str(outcome): row.outcomes.get(outcome, 0) for outcome in Outcome} | {"not_made": row.not_made},
        "agreement": agreement_json(row.agreement),
        "cost_usd": row.cost_usd,
        "cost_per_resolved_usd": row.cost_per_resolved_usd,
        "usage": None if row.usage is None else _usage_json(row.usage),
        "steps_per_trial": row.steps,
        "seconds_per_trial": row.seconds,
    }


def summary_json(summary: Summary) -> dict[str, Any]:
    return {
        "confidence": CONFIDENCE,
        "minimum_instances_for_a_rank": MINIMUM_INSTANCES,
        "same_instances": summary.same_instances,
        "comparisons": [_pair_json(pair) for pair in summary.pairs],
        "agreement": agreement_json(summary.agreement),
        "notes": [*models_table(summary).notes, *(pairs_table(summary).notes if summary.pairs else ())],
    }


def agreement_json(agreement: Agreement) -> dict[str, Any]:
    cells: dict[str, dict[str, int]] = {}
    for (verdict, outcome), number in sorted(agreement.cells.items()):
        cells.setdefault(verdict, {})[str(outcome)] = number
    return {
        "judged": agreement.judged,
        "verified": agreement.verified,
        "verified_and_resolved": agreement.count(verified=True, resolved=True),
        "verified_not_resolved": agreement.count(verified=True, resolved=False),
        "resolved_not_verified": agreement.count(verified=False, resolved=True),
        "neither": agreement.count(verified=False, resolved=False),
        "by_verdict": cells,
    }


# --- cells -------------------------------------------------------------------------------------------------------


def _row(row: Row) -> list[str]:
    no_patch, errors = row.outcomes.get(Outcome.EMPTY_PATCH, 0), row.outcomes.get(Outcome.ERROR, 0)
    resolved = row.outcomes.get(Outcome.RESOLVED, 0)
    return [
        "-" if row.rank is None else str(row.rank),
        row.model,
        share_text(row.resolved),
        share_text(row.any_of),
        f"{row.agreement.verified}/{row.agreement.judged}" if row.agreement.judged else "-",
        dollars(row.cost_usd),
        dollars(row.cost_per_resolved_usd) if resolved else "-",
        UNKNOWN
        if row.usage is None
        else f"{row.usage.input_tokens:,} / {row.usage.output_tokens:,} / {row.usage.cache_read_tokens:,}",
        UNKNOWN if row.steps is None else f"{row.steps:.1f}",
        UNKNOWN if row.seconds is None else f"{row.seconds:.1f} s",
        f"{no_patch} / {errors} / {row.not_made}",
    ]


def share_text(share: Share) -> str:
    """`66.7 % (2/3; 20.8-93.9)`, or `- (0/0)`."""
    value, interval = share.value, share.interval
    if value is None or interval is None:
        return "- (0/0)"
    low, high = interval
    return f"{100 * value:.1f} % ({share.successes:.4g}/{share.n}; {100 * low:.1f}-{100 * high:.1f})"


def _pair(pair: Pair) -> tuple[str, ...]:
    found = pair.difference
    told = "-"
    if found is not None:
        told = f"{100 * found.value:+.1f} ({100 * found.low:+.1f} to {100 * found.high:+.1f})"
    shared = f"{pair.n}" if pair.same_instances else f"{pair.n} that both have"
    return (f"{pair.one} : {pair.other}", shared, str(pair.better), str(pair.worse), told, f"{pair.p:.3g}")


def _notes(summary: Summary, several: bool) -> list[str]:
    notes = [
        f"Resolved: of instances, errors and empty patches among them; {CONFIDENCE:.0%} interval, Wilson's over "
        "instances. Steps and time: mean of a trial."
    ]
    if several:
        notes.append(
            "Resolved is pass@1: each instance counts once, with the share of its samples that were resolved, since "
            "samples of one instance are not independent. any of K: at least one of its K samples was."
        )
    notes += [
        f"{row.model}: {row.instances - row.resolved.n} of {row.instances} instances are not counted: "
        f"{row.not_made} trials were not made."
        for row in summary.rows
        if row.not_made
    ]
    if not summary.same_instances:
        notes.append("The models were not tried on the same instances: no rank, and pairs on those that both have.")
    elif len(summary.rows) > 1 and summary.rows[0].rank is None:
        notes.append(f"No rank under {MINIMUM_INSTANCES} instances.")
    return notes


# --- JSON --------------------------------------------------------------------------------------------------------


def _share_json(share: Share) -> dict[str, Any]:
    interval = share.interval
    return {
        "n": share.n,
        "successes": share.successes,
        "rate": share.value,
        "low": interval[0] if interval else None,
        "high": interval[1] if interval else None,
    }


def _usage_json(usage: Usage) -> dict[str, int]:
    return {
        "input_tokens": usage.input_tokens,
        "output_tokens": usage.output_tokens,
        "cache_read_tokens": usage.cache_read_tokens,
        "cache_write_tokens": usage.cache_write_tokens,
        "reasoning_tokens": usage.reasoning_tokens,
    }


def _pair_json(pair: Pair) -> dict[str, Any]:
    found = pair.difference
    return {
        "models": [pair.one, pair.other],
        "instances": pair.n,
        "same_instances": pair.same_instances,
        "b": pair.better,
        "c": pair.worse,
        "p": pair.p,
        "difference": None if found is None else found.value,
        "low": None if found is None else found.low,
        "high": None if found is None else found.high,
    }


def tables(summary: Summary) -> Sequence[Table]:
    """What is shown to a person, in order."""
    shown = [models_table(summary)]
    if summary.pairs:
        shown.append(pairs_table(summary))
    if summary.agreement.cells:
        shown.append(agreement_table(summary.agreement))
    return shown
