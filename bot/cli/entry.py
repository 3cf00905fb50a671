"""`redgreen`: its commands in the order of its help, and what becomes of errors.

Exit codes: 0 done (for `fix`, `verify`, `review`: verified), 1 judged and not verified, 2 wrong usage or could not be
judged, 130 Ctrl-C.
"""

from __future__ import annotations

import signal
import sys
from types import FrameType
from typing import NoReturn

import typer

from bot.cli import evaluations, installation, lineup, local, records

app = typer.Typer(
    name="redgreen",
    help="Label an issue, get a pull request with proof: nothing is claimed that was not executed.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
app.command()(local.fix)
app.command()(local.verify)
app.command()(local.review)
app.command("eval")(evaluations.evaluate)
app.command()(evaluations.compare)
app.command()(records.show)
app.command()(installation.demo)
app.command()(installation.web)
app.command()(installation.worker)
app.command()(installation.serve)
app.command()(installation.prepare)
app.command()(installation.images)
app.command()(installation.env)
app.command("config")(installation.show_config)
app.command()(records.spend)
app.command()(records.scoreboard)
app.command()(records.proof)
app.command("version")(installation.show_version)

models = typer.Typer(
    help="The lineup: every model that can be chosen, how it is used, and whether its key is set.",
    invoke_without_command=True,
)
app.add_typer(models, name="models")
models.callback()(lineup.models)
models.command("probe")(lineup.probe_model)
models.command("route")(lineup.route_model)

trajectory = typer.Typer(help="Runs in the files of other agents: mini-swe-agent's and SWE-agent's.")
app.add_typer(trajectory, name="trajectory")
trajectory.command("import")(records.import_trajectory)
trajectory.command("export")(records.export_trajectory)


def main() -> NoReturn:
    """The console script. Whatever was meant for a person ends as one sentence on standard error."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        app()
    except SystemExit:  # the usual end: nothing that is named below need be imported for it
        raise
    except _meant_for_a_person() as error:
        from bot.report import EXIT_NOT_JUDGED

        _complain(str(error), getattr(error, "log_tail", ""))
        sys.exit(EXIT_NOT_JUDGED)
    sys.exit(0)


def _terminated(number: int, _frame: FrameType | None) -> NoReturn:
    """SIGTERM unwinds the stack as Ctrl-C does: containers and child processes are ended on the way."""
    raise SystemExit(128 + number)


def _meant_for_a_person() -> tuple[type[Exception], ...]:
    """The roots of what is raised with a sentence for the user; imported here, as settings bring pydantic."""
    from agents.errors import AgentError
    from bot.errors import BotError
    from config.origins import SettingsRefused
    from sandbox.errors import SandboxError

    return BotError, SandboxError, AgentError, SettingsRefused


def _complain(sentence: str, detail: str = "") -> None:
    from rich.console import Console

    from bot.inspection.words import harmless

    Console(stderr=True, highlight=False, markup=False, soft_wrap=True).print(f"redgreen: {harmless(sentence)}")
    if detail:
        sys.stderr.write(harmless(detail).rstrip() + "\n")
