"""The commands on the lineup: models, and what is under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigOption, JsonOption, loaded


def models(context: typer.Context, as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """The lineup: every model that can be chosen, how it is used, and whether its key is set."""
    from bot import listings
    from bot.terminal import plain_table, print_json, standard_output

    if context.invoked_subcommand is not None:
        return
    rows = listings.models(loaded(config))
    if as_json:
        print_json(rows)
        return
    table = plain_table(list(listings.MODEL_COLUMNS), [listings.model_cells(row) for row in rows])
    standard_output().print(table)


def probe_model(
    name: Annotated[str, typer.Argument(help="A name of the lineup.")],
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """Ask a model's endpoint once what it can do: it is used by that from then on. Exit 1: it is not what it says."""
    from bot import probe_commands

    raise typer.Exit(probe_commands.probe(loaded(config), name, as_json=as_json))


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
    raise typer.Exit(route_commands.explain(loaded(config), facts, repo_config=repo_config, as_json=as_json))
