"""`redgreen compare`: outputs that are there, side by side. Imports nothing that solves or runs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from bot.errors import UsageError
from bot.report import EXIT_VERIFIED
from bot.terminal import plain_table, print_json, standard_output
from bot.trials import records, report
from bot.trials.records import Trial, UnreadableReport
from bot.trials.summary import Summary, summarise


def compare(directories: Sequence[Path], *, as_json: bool) -> int:
    """Outputs that are there already, side by side. Raises `UsageError`."""
    twice = [directory for directory, count in Counter(each.resolve() for each in directories).items() if count > 1]
    if twice:
        raise UsageError(f"{twice[0]} is named twice: its trials would be counted twice")
    trials: list[Trial] = []
    digests: dict[str, str] = {}
    found = [(directory, *_stored(directory)) for directory in directories]
    names = Counter(model for _, own, _ in found for model in {trial.model for trial in own})
    for directory, own, instances in found:
        trials += [
            replace(trial, model=f"{trial.model} ({directory})") if names[trial.model] > 1 else trial for trial in own
        ]
        for name, digest in instances.items():
            if digests.setdefault(name, digest) != digest:
                raise UsageError(f"{directory}: its {name} is not the instance that the others mean by that name")
    summary = summarise(trials)
    if as_json:
        models = {row.model: report.model_json(row) for row in summary.rows}
        print_json({"models": models, **report.summary_json(summary)})
    else:
        show(summary)
    return EXIT_VERIFIED


def _stored(directory: Path) -> tuple[tuple[Trial, ...], dict[str, str]]:
    """(the trials of an output, its instances' digests where it has them). Raises `UsageError`."""
    path = directory / "report.json"
    try:
        document = json.loads(path.read_bytes())
        return records.of_report(document), dict(document.get("instances", {}))
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except (UnreadableReport, ValueError, TypeError, RecursionError) as error:
        raise UsageError(f"{path}: {error}") from None


def show(summary: Summary, written: Path | None = None) -> None:
    """To a person, on standard output."""
    console = standard_output()
    for number, table in enumerate(report.tables(summary)):
        if number:
            console.print()
        console.print(plain_table(list(table.headings), [list(row) for row in table.rows]))
        for note in table.notes:
            console.print(f"[dim]{note}[/]")
    if written is not None:
        console.print(f"\nwritten to {written}", markup=False)
