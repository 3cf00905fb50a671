"""The commands on SWE-bench's instances: eval, compare."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigOption, JsonOption, loaded
from bot.errors import UsageError


def evaluate(
    instances: Annotated[Path, typer.Argument(help="SWE-bench's instance records: .jsonl, .json, each also .gz.")],
    repos: Annotated[Path, typer.Option(help="Directory of git repositories named owner__name, bare or not.")],
    out: Annotated[Path, typer.Option(help="Directory for the reports; what it has already is not run again.")],
    predictions: Annotated[
        str, typer.Option(help="File of predictions to grade, or gold: the instances' own patches.")
    ] = "",
    model: Annotated[list[str] | None, typer.Option(help="A name of the lineup to solve with; several times.")] = None,
    samples: Annotated[int, typer.Option(min=1, max=100, help="How often each model tries each instance.")] = 1,
    only: Annotated[list[str] | None, typer.Option(help="Id of an instance to solve; several times.")] = None,
    limit_usd: Annotated[
        float | None, typer.Option("--limit-usd", min=0, help="No call is made once this much is spent.")
    ] = None,
    judging: Annotated[
        bool, typer.Option("--verify/--no-verify", help="Also judge each model's patch by redgreen's own evidence.")
    ] = True,
    environments: Annotated[
        Path | None, typer.Option(help="Records of what instances need (docs/swebench.md); default: detection.")
    ] = None,
    workers: Annotated[int, typer.Option(min=1, max=64, help="How many are worked on at once.")] = 2,
    run_id: Annotated[str, typer.Option("--run-id", help="Part of the reports' names.")] = "redgreen",
    timeout: Annotated[float, typer.Option(min=1, help="Seconds for one run of an instance's tests.")] = 1800.0,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Grade SWE-bench predictions as its harness does, or have models solve the instances and compare them."""
    if bool(predictions) == bool(model):
        raise UsageError("give --predictions FILE to grade, or --model NAME (once or more) to solve with; not both")
    if predictions and (samples != 1 or only or limit_usd is not None or not judging):
        raise UsageError("--samples, --only, --limit-usd and --no-verify go with --model")
    from bot.evaluation_inputs import EvalWords

    settings = loaded(config)
    words = EvalWords(
        instances=instances,
        repositories=repos,
        environments=environments,
        out=out,
        workers=workers,
        run_id=run_id,
        timeout=timeout,
    )
    if predictions:
        from bot import eval_commands

        raise typer.Exit(eval_commands.evaluate(settings, words, predictions=predictions, as_json=as_json))
    from bot.trials import commands

    solving = commands.TrialOptions(
        models=tuple(model or ()),
        samples=samples,
        only=tuple(only or ()),
        limit_usd=limit_usd,
        judging=judging,
    )
    raise typer.Exit(commands.evaluate(settings, words, solving, as_json=as_json))


def compare(
    out: Annotated[list[Path], typer.Argument(help="Output directories of redgreen eval.")],
    as_json: JsonOption = False,
) -> None:
    """Models of finished evaluations side by side: rates with intervals, paired on the same instances."""
    from bot.trials import comparing

    raise typer.Exit(comparing.compare(out, as_json=as_json))
