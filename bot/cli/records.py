"""The commands on what has been done: a run, its trajectory, its proof, what it cost, what became of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigOption, JsonOption, loaded


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
    raise typer.Exit(show_commands.show(loaded(config), options))


def spend(
    since: Annotated[str, typer.Option(help="A day (2026-11-01), or a number of days (7d); default: this month.")] = "",
    by: Annotated[str, typer.Option(help="model, repository, day or purpose.")] = "model",
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What calls to models cost, and what the limits leave; what is unknown is said to be."""
    from bot import spend_commands

    raise typer.Exit(spend_commands.spend(loaded(config), since=since, by=by, as_json=as_json))


def scoreboard(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Merged-patch rate by model: merged of decided, proposed and attempted, each with n and a 95 % interval."""
    from bot import listings
    from bot.scoreboard import as_json as scoreboard_json
    from bot.terminal import print_json, standard_output

    lines = listings.scores(loaded(config))
    if as_json:
        print_json(scoreboard_json(lines))
        return
    listings.print_scoreboard(lines, standard_output())


def proof(
    job: Annotated[str, typer.Argument(help="The job's id, as the pull request names it.")],
    config: ConfigOption = None,
) -> None:
    """The proof behind a pull request or review, as JSON on standard output: for `redgreen verify proof.json`."""
    from bot import listings
    from bot.terminal import print_json

    print_json(listings.proof(loaded(config), job))


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


def export_trajectory(
    run: Annotated[str, typer.Argument(help="As for `redgreen show`.")],
    format: Annotated[str, typer.Option("--format", help="mini-swe-agent or swe-agent.")],
    out: Annotated[Path, typer.Option(help="The file to write.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Write a run as another agent's file, for its inspector."""
    from bot import trajectory_commands

    raise typer.Exit(trajectory_commands.export_run(loaded(config), run, out=out, format=format, as_json=as_json))
