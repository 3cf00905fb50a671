"""The words that several commands share, and the settings that their `--config` names."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from config.settings import Settings

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


def loaded(config: Path | None) -> Settings:
    """Raises `SettingsRefused`. What reads settings is imported by whoever needs some: a help text does not."""
    from config.settings import load

    return load(config)
