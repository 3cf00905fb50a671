"""`redgreen trajectory import` and `export`: runs in the files of other agents."""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from agents import interchange
from agents.errors import TrajectoryError
from agents.trajectory import to_json
from agents.types import Origin
from bot.errors import UsageError
from bot.inspection.sources import LARGEST
from bot.inspection.words import line
from bot.show_commands import source_of
from bot.terminal import key_values, print_json, standard_output
from config.settings import Settings


def import_file(file: Path, *, out: Path, format: str, root: str, as_json: bool) -> int:
    """Raises `UsageError` for a file that cannot be read or written, `TrajectoryError` for one that is no run."""
    try:
        if file.stat().st_size > LARGEST:
            raise UsageError(f"{file} is larger than {LARGEST >> 20} MiB")
        data = file.read_bytes()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    try:
        found, _ = interchange.read(data, name=file.name, format=format, root=root)
    except TrajectoryError as error:
        raise TrajectoryError(f"{file}: {error}") from None
    _write(out, to_json(found))
    origin = found.origin or Origin(format="redgreen")
    _tell(
        as_json,
        written=str(out),
        format=origin.format,
        task=found.task_id,
        model=found.model,
        steps=len(found.steps),
        ending=str(found.ending or "not known"),
        worked_in=origin.root or "not known (--root)",
    )
    return 0


def export_run(settings: Settings, run: str, *, out: Path, format: str, as_json: bool) -> int:
    """Raises `UsageError` for a run that is not there, `TrajectoryError` for one that cannot be read."""
    chosen = interchange.FORMATS.get(format)
    if chosen is None:
        raise UsageError(f"--format: there is no {format!r}; those there are: {', '.join(interchange.FORMATS)}")
    with ExitStack() as opened:
        found = source_of(settings, run, opened).look()
    if found is None:
        raise UsageError(f"{run}: nothing was recorded of it yet")
    document = interchange.exported(found.trajectory, chosen)
    _write(out, json.dumps(document, indent=2))
    _tell(as_json, written=str(out), format=chosen.name, steps=len(found.trajectory.steps))
    return 0


def _write(out: Path, text: str) -> None:
    """Whole or not at all."""
    if not out.name or out.is_dir():
        raise UsageError(f"--out: {out} is a directory; name a file")
    partial = out.with_name(f".{out.name}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(out)
    except OSError as error:
        raise UsageError(f"--out: {out} cannot be written: {error.strerror}") from None


def _tell(as_json: bool, **told: Any) -> None:
    if as_json:
        print_json(told)
    else:
        rows = [(name.replace("_", " "), line(str(value))) for name, value in told.items() if value != ""]
        standard_output().print(key_values(rows))
