"""The commands of an installation: what it runs as, what it works in, how it is set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bot.cli.options import ConfigOption, JsonOption, ModelOption, loaded


def demo(
    model: ModelOption = "",
    keep: Annotated[bool, typer.Option("--keep", help="Leave everything running until Ctrl-C.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The main job, end to end, on a local GitHub: from a label to a merged pull request with its proof."""
    from bot import demo as main_job

    raise typer.Exit(main_job.run(loaded(config), model=model, keep=keep, as_json=as_json))


def web(config: ConfigOption = None) -> None:
    """The web process: receives webhooks, stores them, answers 202. Holds the webhook's secret and no other."""
    from bot import processes

    processes.web(loaded(config))


def worker(config: ConfigOption = None) -> None:
    """The worker process: turns deliveries into jobs and does them."""
    from bot import worker_process

    worker_process.worker(loaded(config))


def serve(config: ConfigOption = None) -> None:
    """Web and worker together, as two processes of one command: an installation on one machine."""
    from bot import processes

    raise typer.Exit(processes.serve(_checked(config)))


def prepare(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """Check the Docker engine and make the base image, so that the first job does not wait for it."""
    from bot import wiring
    from bot.terminal import Narrator, print_json

    narrator = Narrator(quiet=as_json)
    image = wiring.engine(loaded(config)).ensure_base(narrator)
    if as_json:
        print_json({"base_image": image, "seconds": round(narrator.seconds, 3)})
    else:
        narrator(f"the base image is {image}")


def images(
    collect: Annotated[
        bool, typer.Option("--collect", help="Remove what the settings do not keep, and say why.")
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """The environment images that the engine keeps: for whom, how large, when last used."""
    from bot import image_commands

    raise typer.Exit(image_commands.images(loaded(config), collect=collect, as_json=as_json))


def env(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="A git repository, or a plain directory.")] = Path(),
    base: Annotated[str, typer.Option(help="The revision to look at; default: HEAD.")] = "",
    build: Annotated[bool, typer.Option("--build", help="Build the image, too.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
) -> None:
    """What is detected in a repository, from which files, and the Dockerfile that its tests' image amounts to."""
    from bot import env_commands

    raise typer.Exit(env_commands.env(loaded(config), directory=directory, base=base, build=build, as_json=as_json))


def show_config(as_json: JsonOption = False, config: ConfigOption = None) -> None:
    """The effective settings and where each came from; secrets are masked."""
    from bot.terminal import plain_table, print_json, standard_output
    from config.explain import effective

    rows = effective(loaded(config))
    if as_json:
        print_json([{"key": r.key, "value": r.value, "source": r.source, "variable": r.variable} for r in rows])
        return
    table = plain_table(["setting", "value", "from"], [[row.key, row.value, row.source] for row in rows])
    standard_output().print(table)


def show_version() -> None:
    """The version of redgreen."""
    from importlib.metadata import version

    print(version("redgreen"))


def _checked(config: Path | None) -> Path | None:
    """Mistakes in the settings are told once, before two processes tell them."""
    loaded(config).github.secret()
    return config
