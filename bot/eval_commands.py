"""`redgreen eval`: from words on the command line to reports on disk and an exit code."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

from rich.console import Console

from bot import grading, local, wiring
from bot.errors import UsageError
from bot.evaluation import Evaluation, Execution
from bot.evaluation_inputs import (
    EvalWords,
    check_words,
    first_of,
    parsed,
    read_environment_records,
    read_instances,
    tell_problems,
)
from bot.evaluation_store import EvaluationStore, write_json
from bot.progress import Count
from bot.report import EXIT_NOT_JUDGED, EXIT_VERIFIED
from bot.terminal import Narrator, key_values, plain_table, print_json, standard_output
from config.settings import Settings
from sandbox.engine import Engine
from sandbox.swebench import records, report
from sandbox.swebench.environments import Environments
from sandbox.swebench.records import GOLD, Instance, Prediction, Problem
from sandbox.swebench.report import Graded, Outcome

_SHOWN = 40


def evaluate(settings: Settings, words: EvalWords, *, predictions: str, as_json: bool) -> int:
    """0: every record was read and every prediction graded, resolved or not; 2: something could not be.

    `predictions`: a file, or `gold`.
    """
    check_words(words)
    inputs = _read(words, predictions)
    directory = local.out_directory(words.out)
    narrator = Narrator()
    tell_problems(inputs.problems, narrator)
    engine = wiring.engine(settings)
    with _Display(len(inputs.predictions), narrator) as display:
        setting = grading.setting_of(settings, words, inputs.environments, engine=engine, progress=display.say)
        store = grading.grades_of(setting, directory, words.run_id)
        known = {item: found for item in inputs.predictions if (found := store.done(inputs.instance_of(item), item))}
        left = Counter(item.instance_id for item in inputs.predictions if item not in known and not item.is_empty)
        evaluation = Evaluation(setting, left)
        graded = _Run(engine, evaluation, store, display, known).all(inputs, words.workers)
    summary = _write_reports(store, inputs, graded)
    if as_json:
        print_json(summary)
    else:
        _show(standard_output(), summary, graded, directory)
    broken = any(inputs.problems.values())
    return EXIT_VERIFIED if report.all_graded(graded) and not broken else EXIT_NOT_JUDGED


# --- input -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Inputs:
    instances: tuple[Instance, ...]
    predictions: tuple[Prediction, ...]
    environments: Environments
    problems: dict[str, tuple[Problem, ...]]
    """By file name: what was left out."""

    def instance_of(self, prediction: Prediction) -> Instance:
        return next(item for item in self.instances if item.instance_id == prediction.instance_id)


def _read(words: EvalWords, predictions: str) -> Inputs:
    """Raises `UsageError` where a file gives nothing at all."""
    instances = read_instances(words.instances)
    problems = {words.instances.name: instances.problems}
    if predictions == GOLD:
        given = records.gold_predictions(instances.records)
    else:
        known = frozenset(item.instance_id for item in instances.records)
        path = Path(predictions)
        found = parsed(path, "--predictions", lambda data: records.read_predictions(data, known))
        given, problems[path.name] = found.records, found.problems
        if not given:
            raise UsageError(f"{path}: no prediction in it is for one of the instances{first_of(found.problems)}")
    environments = read_environment_records(words.environments)
    if words.environments is not None:
        problems[words.environments.name] = environments.problems
    return Inputs(instances=instances.records, predictions=given, environments=environments, problems=problems)


# --- the run -----------------------------------------------------------------------------------------------------


class _Run:
    """All predictions of one command; `known` are those that an earlier run graded."""

    def __init__(
        self,
        engine: Engine,
        evaluation: Evaluation,
        store: EvaluationStore,
        display: _Display,
        known: Mapping[Prediction, Graded],
    ) -> None:
        self._engine = engine
        self._evaluation = evaluation
        self._store = store
        self._display = display
        self._known = known
        self._stopping = Event()

    def all(self, inputs: Inputs, workers: int) -> list[Graded]:
        """In the predictions' own order. Ctrl-C and SIGTERM remove every container before they go on."""
        instances = {item.instance_id: item for item in inputs.instances}
        pool = ThreadPoolExecutor(max_workers=workers, thread_name_prefix="grading")
        # One instance after the other, so that an environment serves all its predictions while it is warm.
        order = {item.instance_id: place for place, item in enumerate(inputs.instances)}
        sorted_ = sorted(inputs.predictions, key=lambda item: order[item.instance_id])
        try:
            futures: dict[Future[Graded], Prediction] = {
                pool.submit(self._one, instances[item.instance_id], item): item for item in sorted_
            }
            done = {futures[future]: future.result() for future in as_completed(futures)}
        except BaseException:
            self._stopping.set()
            pool.shutdown(wait=False, cancel_futures=True)
            self._engine.abandon()
            raise
        finally:
            pool.shutdown(wait=True)
        return [done[item] for item in inputs.predictions]

    def _one(self, instance: Instance, prediction: Prediction) -> Graded:
        known = self._known.get(prediction)
        if known is not None:
            self._display.ended(known, "known from an earlier run")
            return known
        made: Execution = self._evaluation.grade(instance, prediction)
        if not self._stopping.is_set():
            self._store.put(instance, made.graded, made.output)
            self._display.ended(made.graded, report.told(made.graded))
        return made.graded


# --- output ------------------------------------------------------------------------------------------------------


def _write_reports(store: EvaluationStore, inputs: Inputs, graded: Sequence[Graded]) -> dict[str, Any]:
    ids = [item.instance_id for item in inputs.instances]
    files = {item.prediction.model: store.model_file(item.prediction.model) for item in graded}
    for model, name in files.items():
        own = [item for item in graded if item.prediction.model == model]
        write_json(store.directory / name, report.model_report(own, ids))
    summary = report.overall_report(graded, ids, inputs.problems, run_id=store.run_id, files=files)
    write_json(store.directory / "report.json", summary)
    return summary


class _Display(Count):
    """How far the grading is. Safe to share between threads."""

    def __init__(self, total: int, narrator: Narrator) -> None:
        super().__init__(total, narrator, self._told)
        self._done: list[Outcome] = []

    def ended(self, graded: Graded, why: str) -> None:
        self._done.append(graded.outcome)
        prediction = graded.prediction
        line = f"{prediction.instance_id}  {prediction.model}: {graded.outcome.value}" + (f" ({why})" if why else "")
        self.finished(len(self._done), line)

    def _told(self) -> str:
        return f"{self._done.count(Outcome.RESOLVED)} resolved, {self._done.count(Outcome.ERROR)} errors"


def _show(console: Console, summary: dict[str, Any], graded: Sequence[Graded], directory: Path) -> None:
    rows = [
        [item.prediction.instance_id, item.prediction.model, item.outcome.value, report.told(item)]
        for item in graded[:_SHOWN]
    ]
    console.print(plain_table(["instance", "model", "outcome", "why"], rows))
    if len(graded) > _SHOWN:
        console.print(f"... and {len(graded) - _SHOWN} more")
    lines = [
        (name, str(summary[f"{name}_instances"]))
        for name in ("submitted", "completed", "resolved", "unresolved", "empty_patch", "error")
    ]
    console.print(key_values([*lines, ("written to", str(directory / "report.json"))]))
