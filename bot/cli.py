"""`redgreen`: the commands. Each parses its words, calls one function of a room, and prints what came of it.

Exit codes: 0 done (for `fix`, `verify`, `review`: verified), 1 judged and not verified, 2 wrong usage or could not be
judged, 130 Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
from importlib.metadata import version
from pathlib import Path
from types import FrameType
from typing import Annotated, NoReturn

import typer
from rich.console import Console

from agents.errors import AgentError
from bot.errors import BotError, UsageError
from bot.inspection.words import harmless
from bot.report import EXIT_NOT_JUDGED
from bot.terminal import Narrator, plain_table, print_json, standard_output
from config.explain import effective
from config.origins import SettingsRefused
from config.settings import load
from sandbox.errors import SandboxError

app = typer.Typer(
    name="redgreen",
    help="Label an issue, get a pull request with proof: nothing is claimed that was not executed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="Settings file; default: $REDGREEN_CONFIG, else ./redgreen.toml.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
RepoOption = Annotated[Path, typer.Option("--repo", help="A local git repository; it is only read.")]
ModelOption = Annotated[str, typer.Option("--model", help="A name of the lineup; default: the setting models.default.")]
LabelOption = Annotated[
    list[str] | None,
    typer.Option("--label", help="A label that it has on the forge, for the rules of [routing]; several times."),
]
OutOption = Annotated[Path | None, typer.Option("--out", help="Directory for patch, proof and trajectory.")]


@app.command()
def fix(
    repo: RepoOption,
    issue: Annotated[Path, typer.Option(help="Text file: the first line is the title, the rest the description.")],
    base: Annotated[str, typer.Option(help="The revision to fix.")] = "HEAD",
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="A name of the lineup; several race. Default: as a job would choose."),
    ] = None,
    labels: LabelOption = None,
    samples: Annotated[int, typer.Option(min=1, max=8, help="Entrants of each model, at once.")] = 1,
    out: OutOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Fix an issue of a local repository, and prove it."""
    from bot import local_commands

    words = local_commands.FixWords(
        repo=repo,
        base=base,
        issue=issue,
        models=tuple(models or ()),
        samples=samples,
        labels=tuple(labels or ()),
        out=out,
    )
    raise typer.Exit(local_commands.fix(load(config), words, as_json=as_json))


@app.command()
def verify(
    proof: Annotated[Path | None, typer.Argument(help="A proof.json to run again.")] = None,
    repo: RepoOption = Path(),
    base: Annotated[str, typer.Option(help="The revision that the patch is against.")] = "HEAD",
    patch: Annotated[Path | None, typer.Option(help="The unified diff to judge.")] = None,
    tests: Annotated[Path | None, typer.Option(help="A unified diff of tests that you trust.")] = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Judge a patch, or run a proof again."""
    from bot import local_commands

    settings = load(config)
    if proof is not None:
        if patch is not None or tests is not None:
            raise UsageError("give a proof.json to run again, or --patch (and --tests) to judge; not both")
        raise typer.Exit(local_commands.verify_again(settings, proof=proof, repo=repo, as_json=as_json))
    if patch is None:
        raise UsageError("give --patch FILE to judge, or a proof.json to run again")
    code = local_commands.verify(settings, repo=repo, base=base, patch=patch, tests=tests, out=out, as_json=as_json)
    raise typer.Exit(code)


@app.command()
def review(
    repo: RepoOption,
    base: Annotated[str, typer.Option(help="The branch or commit that it would be merged into.")],
    head: Annotated[str, typer.Option(help="The branch or commit to review.")] = "HEAD",
    model: Annotated[str, typer.Option(help="A name of the lineup; default: as a job would choose.")] = "",
    labels: LabelOption = None,
    out: OutOption = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Review a branch of a local repository by running it."""
    from bot import local_commands

    words = local_commands.ReviewWords(
        repo=repo, base=base, head=head, model=model, labels=tuple(labels or ()), out=out
    )
    raise typer.Exit(local_commands.review(load(config), words, as_json=as_json))


@app.command("eval")
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
    settings = load(config)
    if predictions:
        from bot import eval_commands

        grading = eval_commands.EvalOptions(
            instances=instances,
            predictions=predictions,
            repositories=repos,
            environments=environments,
            out=out,
            workers=workers,
            run_id=run_id,
            timeout=timeout,
        )
        raise typer.Exit(eval_commands.evaluate(settings, grading, as_json=as_json))
    from bot.trials import commands

    solving = commands.TrialOptions(
        instances=instances,
        repositories=repos,
        environments=environments,
        out=out,
        workers=workers,
        run_id=run_id,
        timeout=timeout,
        models=tuple(model or ()),
        samples=samples,
        only=tuple(only or ()),
        limit_usd=limit_usd,
        judging=judging,
    )
    raise typer.Exit(commands.evaluate(settings, solving, as_json=as_json))


@app.command()
def compare(
    out: Annotated[list[Path], typer.Argument(help="Output directories of redgreen eval.")],
    as_json: JsonOption = False,
) -> None:
    """Models of finished evaluations side by side: rates with intervals, paired on the same instances."""
    from bot.trials import comparing

    raise typer.Exit(comparing.compare(out, as_json=as_json))


@app.command()
def show(
    run: Annotated[str, typer.Argument(help="A trajectory's file, a directory of results, a job or an attempt.")],
    step: Annotated[int | None, typer.Option("--step", min=1, help="Only this step; the first is 1.")] = None,
    start: Annotated[int, typer.Option("--from", min=1, help="From this step on.")] = 1,
    full: Annotated[bool, typer.Option("--full", help="Cut nothing.")] = False,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the attempt ends.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object; with --follow one a line: the steps, then the end.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """A run, step by step: what the model said and did, what it changed and cost, how it ended, the verdict."""
    from bot import show_commands
    from bot.inspection.figures import Selection

    selection = Selection(only=step, start=start)
    options = show_commands.ShowOptions(run=run, selection=selection, full=full, follow=follow, as_json=as_json)
    raise typer.Exit(show_commands.show(load(config), options))


@app.command()
def demo(
    model: ModelOption = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The main job, end to end, on a local GitHub: from a label to a merged pull request with its proof."""
    from bot import demo as main_job

    raise typer.Exit(main_job.run(load(config), model=model, keep=keep, as_json=as_json))


@app.command()
def web(config: ConfigOption = None) -> None:
    """The web process: receives webhooks, stores them, answers 202. Holds the webhook's secret and no other."""
    from bot import processes

    processes.web(load(config))


@app.command()
def worker(config: ConfigOption = None) -> None:
    """The worker process: turns deliveries into jobs and does them."""
    from bot import worker_process

    worker_process.worker(load(config))


@app.command()
def serve(config: ConfigOption = None) -> None:
    """Web and worker together, as two processes of one command: an installation on one machine."""
    from bot import processes

    raise typer.Exit(processes.serve(_checked(config)))


@app.command()
def prepare(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Check the Docker engine and make the base image, so that the first job does not wait for it."""
    from bot import wiring

    narrator = Narrator(quiet=as_json)
    image = wiring.engine(load(config)).ensure_base(narrator)
    if as_json:
        print_json({"base_image": image, "seconds": round(narrator.seconds, 3)})
    else:
        narrator(f"the base image is {image}")


@app.command()
def images(
    collect: Annotated[
        bool, typer.Option("--collect", help="Remove what the settings do not keep, and say why.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The environment images that the engine keeps: for whom, how large, when last used."""
    from bot import image_commands

    raise typer.Exit(image_commands.images(load(config), collect=collect, as_json=as_json))


@app.command()
def env(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A git repository, or a plain directory.")] = Path(),
    base: Annotated[str, typer.Option(help="The revision to look at; default: HEAD.")] = "",
    build: Annotated[bool, typer.Option("--build", help="Build the image, too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What is detected in a repository, from which files, and the Dockerfile that its tests' image amounts to."""
    from bot import env_commands

    raise typer.Exit(env_commands.env(load(config), directory=directory, base=base, build=build, as_json=as_json))


@app.command("config")
def show_config(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """The effective settings and where each came from; secrets are masked."""
    rows = effective(load(config))
    if as_json:
        print_json([{"key": r.key, "value": r.value, "source": r.source, "variable": r.variable} for r in rows])
        return
    table = plain_table(["setting", "value", "from"], [[row.key, row.value, row.source] for row in rows])
    standard_output().print(table)


models_app = typer.Typer(
    help="The lineup: every model that can be chosen, how it is used, and whether its key is set.",
    invoke_without_command=True,
)
app.add_typer(models_app, name="models")


@models_app.callback()
def models(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """The lineup: every model that can be chosen, how it is used, and whether its key is set."""
    from bot import listings

    if context.invoked_subcommand is not None:
        return
    rows = listings.models(load(config))
    if as_json:
        print_json(rows)
        return
    table = plain_table(list(listings.MODEL_COLUMNS), [listings.model_cells(row) for row in rows])
    standard_output().print(table)


@models_app.command("probe")
def probe_model(
    name: Annotated[str, typer.Argument(help="A name of the lineup.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a model's endpoint once what it can do: it is used by that from then on. Exit 1: it is not what it says."""
    from bot import probe_commands

    raise typer.Exit(probe_commands.probe(load(config), name, as_json=as_json))


@models_app.command("route")
def route_model(
    repository: Annotated[str, typer.Option(help="owner/name.")] = "",
    label: Annotated[list[str] | None, typer.Option(help="A label of the issue; may be repeated.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="A path that is named or changed; may be repeated.")] = None,
    lines: Annotated[int, typer.Option(min=0, help="Lines of the diff, or of the issue's text.")] = 0,
    review: Annotated[bool, typer.Option("--review", help="A review; else a fix.")] = False,
    named: Annotated[str, typer.Option("--with", help="The model that a comment names.")] = "",
    repo_config: Annotated[Path | None, typer.Option(help="The repository's redgreen.yml.")] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Which model would work on a job, which rule chose it, and why the ones before did not. Exit 1: none may."""
    from bot import route_commands
    from bot.choosing import Facts

    facts = Facts(
        repository=repository,
        kind="review" if review else "fix",
        labels=tuple(label or ()),
        paths=tuple(path or ()),
        lines=lines,
        named=named,
    )
    raise typer.Exit(route_commands.explain(load(config), facts, repo_config=repo_config, as_json=as_json))


@app.command()
def spend(
    since: Annotated[str, typer.Option(help="A day (2026-11-01), or a number of days (7d); default: this month.")] = "",
    by: Annotated[str, typer.Option(help="model, repository, day or purpose.")] = "model",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What calls to models cost, and what the limits leave; what is unknown is said to be."""
    from bot import spend_commands

    raise typer.Exit(spend_commands.spend(load(config), since=since, by=by, as_json=as_json))


trajectory_app = typer.Typer(help="Runs in the files of other agents: mini-swe-agent's and SWE-agent's.")
app.add_typer(trajectory_app, name="trajectory")


@trajectory_app.command("import")
def import_trajectory(
    file: Annotated[Path, typer.Argument(help="Their file: .traj.json, .traj.")],
    out: Annotated[Path, typer.Option(help="The trajectory to write; a model with adapter = 'replay' replays it.")],
    format: Annotated[str, typer.Option("--format", help="auto, mini-swe-agent or swe-agent.")] = "auto",
    root: Annotated[
        str, typer.Option(help="Directory that its commands worked in, where the file does not say; e.g. /testbed.")
    ] = "",
    as_json: JsonOption = False,
) -> None:
    """Make a trajectory of a run that another agent recorded: to look at, to replay, to export again as it was."""
    from bot import trajectory_commands

    code = trajectory_commands.import_file(file, out=out, format=format, root=root, as_json=as_json)
    raise typer.Exit(code)


@trajectory_app.command("export")
def export_trajectory(
    run: Annotated[str, typer.Argument(help="As for `redgreen show`.")],
    format: Annotated[str, typer.Option("--format", help="mini-swe-agent or swe-agent.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write a run as another agent's file, for its inspector."""
    from bot import trajectory_commands

    raise typer.Exit(trajectory_commands.export_run(load(config), run, out=out, format=format, as_json=as_json))


@app.command()
def scoreboard(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Merged-patch rate by model: merged of decided, proposed and attempted, each with n and a 95 % interval."""
    from bot import listings
    from bot.scoreboard import as_json as scoreboard_json

    lines = listings.scores(load(config))
    if as_json:
        print_json(scoreboard_json(lines))
        return
    listings.print_scoreboard(lines, standard_output())


@app.command()
def proof(
    job: Annotated[str, typer.Argument(help="The job's id, as the pull request names it.")],
    config: ConfigOption = None,
) -> None:
    """The proof behind a pull request or review, as JSON on standard output: for `redgreen verify proof.json`."""
    from bot import listings

    print_json(listings.proof(load(config), job))


@app.command("version")
def show_version() -> None:
    """The version of redgreen."""
    print(version("redgreen"))


def main() -> NoReturn:
    """The console script. Whatever was meant for a person ends as one sentence on standard error."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except (BotError, SandboxError, AgentError, SettingsRefused) as error:
        _complain(str(error), getattr(error, "log_tail", ""))
        sys.exit(EXIT_NOT_JUDGED)
    sys.exit(0)


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack as Ctrl-C does: containers and child processes are ended on the way."""
    raise SystemExit(128 + number)


def _checked(config: Path | None) -> Path | None:
    """Mistakes in the settings are told once, before two processes tell them."""
    load(config).github.secret()
    return config


def _complain(sentence: str, detail: str = "") -> None:
    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"redgreen: {harmless(sentence)}")
    if detail:
        sys.stderr.write(harmless(detail).rstrip() + "\n")
