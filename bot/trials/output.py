"""What the trials come to: reports on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bot.evaluation_store import write_json
from bot.trials import records, report
from bot.trials.run import Done
from bot.trials.store import TrialStore
from bot.trials.summary import Summary, summarise
from sandbox.cache import RunCache
from sandbox.swebench.records import Instance, Problem
from sandbox.swebench.report import model_report


def write_reports(
    store: TrialStore, instances: Sequence[Instance], problems: Mapping[str, Sequence[Problem]], done: Sequence[Done]
) -> tuple[dict[str, Any], Summary]:
    """OUT/report.json, as it is returned, and the harness's report of each model's each sample."""
    ids = [item.instance_id for item in instances]
    trials = [one.trial for one in done]
    summary = summarise(trials)
    models: dict[str, dict[str, Any]] = {}
    for row in summary.rows:
        samples = []
        for sample in sorted({one.trial.sample for one in done}):
            own = [one for one in done if (one.trial.model, one.trial.sample) == (row.model, sample)]
            name = store.report_file(row.model, sample)
            harness = model_report([one.graded for one in own if one.graded is not None], ids)
            write_json(store.directory / name, harness)
            files = {"sample": sample, "report": name, "predictions": store.predictions_file(row.model, sample)}
            samples.append(files | harness)
        models[row.model] = {**report.model_json(row), "samples": samples}
    document = {
        "format": records.FORMAT,
        "run_id": store.run_id,
        "instances": {item.instance_id: digest(item) for item in instances},
        "models": models,
        **report.summary_json(summary),
        "trials": records.as_json(trials),
        "skipped_records": {
            name: [{"where": problem.where, "why": problem.text} for problem in found]
            for name, found in problems.items()
            if found
        },
    }
    write_json(store.directory / "report.json", document)
    return document, summary


def digest(item: Instance) -> str:
    """Of what it asks and of what decides: two outputs are compared only where both are the same."""
    asked = [item.repo, item.base_commit, item.problem_statement]
    return RunCache.key(asked, item.test_patch, item.fail_to_pass, item.pass_to_pass)
