"""Where probes are kept: one file for each endpoint and model name, written whole or not at all."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pydantic import ValidationError

from agents.probe.record import Probe
from config.models import ModelSpec


class Shelf:
    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def load(self, spec: ModelSpec) -> Probe | None:
        """None where nothing was asked yet, or the file is not of this version: ask again."""
        try:
            probe = Probe.model_validate_json(self.path(spec).read_bytes())
        except (OSError, ValidationError):
            return None
        return probe if probe.is_of(spec) else None

    def save(self, spec: ModelSpec, probe: Probe) -> Path:
        """What got no answer this time is kept as it was known. Raises OSError."""
        known = self.load(spec)
        self._directory.mkdir(parents=True, exist_ok=True)
        path = self.path(spec)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        partial.write_text((probe.over(known) if known else probe).model_dump_json(indent=1) + "\n", encoding="utf-8")
        partial.replace(path)
        return path

    def path(self, spec: ModelSpec) -> Path:
        digest = hashlib.sha256(f"{spec.endpoint}\n{spec.model_id}".encode()).hexdigest()[:24]
        return self._directory / f"{digest}.json"
