"""One trial as a value, and as a line of a report: ours, or one that only graded predictions. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from agents.types import Usage
from sandbox.swebench.report import Outcome

FORMAT = "redgreen-trials/1"


class UnreadableReport(ValueError):
    """Not a report of an evaluation; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One sample of one model on one instance, and what came of it. None is unknown, never 0."""

    instance_id: str
    model: str
    sample: int = 1
    outcome: Outcome | None = None
    """None: it was not made, or not to its end."""
    why: str = ""
    final: bool = True
    """Running it again over the same contents could only say the same."""
    ending: str = ""
    """How the attempt ended (`agents.types.Ending`); "" where there was none."""
    verdict: str = ""
    """Redgreen's own, by its name; "" where none was asked for, or there was no patch."""
    cost_usd: float | None = None
    usage: Usage | None = None
    steps: int | None = None
    seconds: float | None = None
    """Of the solving."""
    grading_seconds: float | None = None
    judging_seconds: float | None = None

    @property
    def is_resolved(self) -> bool:
        return self.outcome is Outcome.RESOLVED


_TRIALS: TypeAdapter[tuple[Trial, ...]] = TypeAdapter(tuple[Trial, ...])


def as_json(trials: Sequence[Trial]) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = _TRIALS.dump_python(tuple(trials), mode="json")
    return [line | {"resolved": trial.is_resolved} for line, trial in zip(lines, trials, strict=True)]


def of_report(document: Any) -> tuple[Trial, ...]:
    """The trials of a report.json: those of this package, or the graded predictions of `redgreen eval --predictions`,
    of which cost, tokens, steps and time are unknown. Raises `UnreadableReport`."""
    if not isinstance(document, dict):
        raise UnreadableReport("it is no JSON object")
    try:
        if document.get("format") == FORMAT:
            return _TRIALS.validate_python(document["trials"])
        return _of_predictions(document)
    except (KeyError, TypeError, ValueError) as error:  # pydantic's is a ValueError
        raise UnreadableReport(f"it is no report of redgreen eval: {str(error).splitlines()[0]}") from None


def _of_predictions(document: Mapping[str, Any]) -> tuple[Trial, ...]:
    """An instance that a model has no prediction for was not made by it."""
    graded = [
        Trial(
            instance_id=str(line["instance_id"]),
            model=str(line["model_name_or_path"]),
            outcome=Outcome(line["outcome"]),
            why=str(line["why"]),
        )
        for line in document["predictions"]
    ]
    missing = [
        Trial(instance_id=str(name), model=str(model))
        for model, own in dict(document["models"]).items()
        for name in own["incomplete_ids"]
    ]
    return (*graded, *missing)
