"""The commands on a repository of one's own: fix, verify, review."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigOption, JsonOption, LabelOption, OutOption, RepoOption, loaded
from bot.errors import UsageError


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
    raise typer.Exit(local_commands.fix(loaded(config), words, as_json=as_json))


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

    settings = loaded(config)
    if proof is not None:
        if patch is not None or tests is not None:
            raise UsageError("give a proof.json to run again, or --patch (and --tests) to judge; not both")
        raise typer.Exit(local_commands.verify_again(settings, proof=proof, repo=repo, as_json=as_json))
    if patch is None:
        raise UsageError("give --patch FILE to judge, or a proof.json to run again")
    code = local_commands.verify(settings, repo=repo, base=base, patch=patch, tests=tests, out=out, as_json=as_json)
    raise typer.Exit(code)


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
    raise typer.Exit(local_commands.review(loaded(config), words, as_json=as_json))
