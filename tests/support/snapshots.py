"""Texts compared with committed files. `REDGREEN_UPDATE_SNAPSHOTS=1 pytest ...` writes them; read the diff then."""

from __future__ import annotations

import os
from pathlib import Path


def check(directory: Path, name: str, text: str) -> None:
    """Fail unless `directory/name` holds exactly this text (a last line end aside)."""
    path = directory / name
    wanted = text.rstrip("\n") + "\n"
    if os.environ.get("REDGREEN_UPDATE_SNAPSHOTS") == "1":
        directory.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted, encoding="utf-8")
    assert path.exists(), f"no snapshot {name}: run once with REDGREEN_UPDATE_SNAPSHOTS=1 and read what it wrote"
    assert path.read_text(encoding="utf-8") == wanted
