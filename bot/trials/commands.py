"""`redgreen eval --model` and `redgreen compare`: from words on the command line to reports and an exit code."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

from agents.models import build
from agents.strategies import PROMPT_VERSIONS
from agents.terms import OPEN
from bot import evaluation_inputs, grading, local, wiring
from bot.errors import UsageError
from bot.evaluation import Evaluation, Setting
from bot.evaluation_inputs import EvalWords
from bot.report import EXIT_NOT_JUDGED, EXIT_VERIFIED
from bot.terminal import Narrator, print_json
from bot.trials import comparing, output
from bot.trials.display import Display
from bot.trials.ledger import Ledger
from bot.trials.manifest import Manifest, manifest_of
from bot.trials.money import TrialMoney, trial_money, unpriced
from bot.trials.run import Done, Parts, TrialRun
from bot.trials.solving import Means, Solver
from bot.trials.store import Assignment, TrialStore
from config.models import ModelSpec, UnknownModel
from config.settings import Settings, model_key
from sandbox.cache import RunCache
from sandbox.swebench.environments import Environments
from sandbox.swebench.records import Instance, Problem


@dataclass(frozen=True, kw_only=True)
class TrialOptions:
    """Those of the command's words that only solving has."""

    models: tuple[str, ...]
    samples: int
    only: tuple[str, ...]
    """Ids of instances; none: all."""
    limit_usd: float | None
    judging: bool


@dataclass(frozen=True, kw_only=True)
class _Inputs:
    instances: tuple[Instance, ...]
    environments: Environments
    specs: tuple[ModelSpec, ...]
    problems: Mapping[str, Sequence[Problem]]

    def assignments(self, samples: int) -> list[Assignment]:
        """An instance with all its models and samples before the next: where a budget ends, those before it are whole,
        and its environment serves while it is warm."""
        return [
            Assignment(instance=instance, spec=spec, sample=sample)
            for instance in self.instances
            for sample in range(1, samples + 1)
            for spec in self.specs
        ]


def evaluate(settings: Settings, words: EvalWords, options: TrialOptions, *, as_json: bool) -> int:
    """0: every trial was made and graded, resolved or not; 2: something could not be."""
    evaluation_inputs.check_words(words)
    inputs = _read(settings, words, options)
    narrator = Narrator()
    evaluation_inputs.tell_problems(inputs.problems, narrator)
    store = TrialStore(directory=local.out_directory(words.out), run_id=words.run_id)
    with store.alone():
        job = store.claim(_manifest(settings, inputs))
        done = _done(settings, words, options, inputs, store, job, narrator)
        document, summary = output.write_reports(store, inputs.instances, inputs.problems, done)
    if as_json:
        print_json(document)
    else:
        comparing.show(summary, store.directory / "report.json")
    whole = all(one.trial.final for one in done) and not any(inputs.problems.values())
    return EXIT_VERIFIED if whole else EXIT_NOT_JUDGED


# --- input -------------------------------------------------------------------------------------------------------


def _read(settings: Settings, words: EvalWords, options: TrialOptions) -> _Inputs:
    instances = evaluation_inputs.read_instances(words.instances)
    environments = evaluation_inputs.read_environment_records(words.environments)
    problems = {words.instances.name: instances.problems}
    if words.environments is not None:
        problems[words.environments.name] = environments.problems
    return _Inputs(
        instances=_chosen(instances.records, options.only),
        environments=environments,
        specs=_specs(settings, options),
        problems=problems,
    )


def _chosen(instances: tuple[Instance, ...], only: Sequence[str]) -> tuple[Instance, ...]:
    """Raises `UsageError`."""
    unknown = sorted(set(only) - {item.instance_id for item in instances})
    if unknown:
        raise UsageError(f"--only: there is no instance {unknown[0]}")
    return tuple(item for item in instances if not only or item.instance_id in only)


def _specs(settings: Settings, options: TrialOptions) -> tuple[ModelSpec, ...]:
    """Raises `UsageError`, and `AgentError` for one that cannot be used, before anything is paid."""
    lineup = wiring.lineup(settings)
    try:
        specs = tuple(lineup.get(name) for name in dict.fromkeys(options.models))
    except UnknownModel as error:
        raise UsageError(f"--model: {error}") from None
    for spec in specs:
        build(spec, model_key(spec.key_variable), OPEN)  # for its complaints; it calls nobody
        if reason := unpriced(settings, spec, options.limit_usd):
            raise UsageError(f"--model: {reason}")
    return specs


# --- the run -----------------------------------------------------------------------------------------------------


def _manifest(settings: Settings, inputs: _Inputs) -> Manifest:
    return manifest_of(
        inputs.instances,
        inputs.environments,
        inputs.specs,
        prompts=PROMPT_VERSIONS,
        attempt_limits=wiring.attempt_limits(settings),
        container_limits=wiring.container_limits(settings),
        version=version("redgreen"),
        job=f"eval-{uuid.uuid4().hex[:12]}",
    )


def _done(
    settings: Settings,
    words: EvalWords,
    options: TrialOptions,
    inputs: _Inputs,
    store: TrialStore,
    job: str,
    narrator: Narrator,
) -> list[Done]:
    """All trials, in order. What was made is kept as predictions, too, also where it is broken off."""
    engine = wiring.engine(settings)
    engine.collect_orphans()  # of a command that was killed
    assignments = inputs.assignments(options.samples)
    paid = [cost for one in assignments for cost in store.costs(one)]
    ledger = Ledger(paid)
    try:
        with (
            trial_money(settings, words.repositories, job, options.limit_usd, paid) as money,
            Display(len(assignments), narrator, ledger) as display,
        ):
            setting = grading.setting_of(settings, words, inputs.environments, engine=engine, progress=display.say)
            parts = _parts(settings, options, setting, store, ledger, money, display)
            return TrialRun(parts).all(assignments, words.workers)
    finally:
        store.write_predictions(assignments)


def _parts(
    settings: Settings,
    options: TrialOptions,
    setting: Setting,
    store: TrialStore,
    ledger: Ledger,
    money: TrialMoney,
    display: Display,
) -> Parts:
    evaluation = Evaluation(setting)
    means = Means(
        engine=setting.engine,
        evaluation=evaluation,
        container_limits=setting.limits,
        attempt_limits=wiring.attempt_limits(settings),
        cache=RunCache(settings.sandbox.cache_dir / "runs"),
        budget_seconds=settings.limits.verify_seconds,
        division=wiring.division(settings),
        progress=setting.progress,
    )
    samples = range(1, options.samples + 1)
    return Parts(
        engine=setting.engine,
        evaluation=evaluation,
        solver=Solver(means),
        store=store,
        grades={sample: grading.grades_of(setting, store.directory, store.run_of(sample)) for sample in samples},
        ledger=ledger,
        money=money,
        judging=options.judging,
        say=display.say,
        finished=display.ended,
    )
