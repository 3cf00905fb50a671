"""A run as JSON: the trajectory's own keys, and beside them what is counted of it. Pure."""

from __future__ import annotations

import json
from typing import Any

from agents.trajectory import step_to_plain, to_plain
from agents.types import Step
from bot.inspection.figures import Selection, Totals, figures
from bot.inspection.sources import Run


def written(value: dict[str, Any], *, indent: int | None = None) -> str:
    """ASCII, and without the one control that JSON leaves as it is: harmless for a terminal."""
    return json.dumps(value, indent=indent).replace("\x7f", "\\u007f")


def as_json(run: Run, selection: Selection) -> dict[str, Any]:
    """Sums are over all steps, whatever is selected."""
    document = to_plain(run.trajectory)
    steps = [step_as_json(step) for step in run.trajectory.steps if selection.picks(step)]
    return {**document, "steps": steps, **end_as_json(run)}


def step_as_json(step: Step) -> dict[str, Any]:
    counted = figures(Totals.of([step]))
    return {**step_to_plain(step), "number": step.index + 1, "cache_share": counted["cache_share"]}


def end_as_json(run: Run) -> dict[str, Any]:
    judged = run.judgement
    ending = run.trajectory.ending
    return {
        "over": run.over,
        "ending": None if ending is None else str(ending),
        "reason": run.trajectory.reason,
        "totals": figures(Totals.of(run.trajectory.steps)),
        "verdict": None if judged is None else {"name": judged.name, "good": judged.good, "why": list(judged.lines)},
        "notes": list(run.notes),
    }
