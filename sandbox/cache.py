"""Runs that need not be made twice: the base's. One file a key in one directory; written whole or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from sandbox.types import TestRun

_RUNS: TypeAdapter[tuple[TestRun, ...]] = TypeAdapter(tuple[TestRun, ...])


@dataclass(frozen=True)
class RunCache:
    """Safe for several processes: readers see a whole entry or none. A damaged entry is as good as none."""

    directory: Path

    @staticmethod
    def key(*parts: object) -> str:
        """A digest of everything the runs depend on; the parts must be JSON-ready."""
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode("utf-8")).hexdigest()

    def get(self, key: str) -> tuple[TestRun, ...] | None:
        """The stored runs, marked as cached."""
        try:
            runs = _RUNS.validate_json(self._path(key).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        return tuple(replace(run, cached=True) for run in runs)

    def put(self, key: str, runs: Sequence[TestRun]) -> None:
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".run-")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(_RUNS.dump_json(tuple(runs)))
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)

    def _path(self, key: str) -> Path:
        return self.directory / key[:2] / f"{key}.json"
