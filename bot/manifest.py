"""The GitHub App's manifest, `app.yml`: beside the packages in a checkout, inside `bot` when installed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from bot.errors import UsageError


def load_manifest() -> dict[str, Any]:
    """Raises `UsageError` where the installation lacks it."""
    package = Path(__file__).parent
    for path in (package / "app.yml", package.parent / "app.yml"):
        if path.is_file():
            return dict(yaml.safe_load(path.read_text(encoding="utf-8")))
    raise UsageError("app.yml is missing from this installation")
