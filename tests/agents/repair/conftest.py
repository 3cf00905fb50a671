"""A worker that is killed leaves its temporary directories behind: here they are in one that is removed."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def temporary_directory_of_workers(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The `TMPDIR` of every process that a test starts."""
    with tempfile.TemporaryDirectory(prefix="redgreen-worker-", ignore_cleanup_errors=True) as folder:
        monkeypatch.setenv("TMPDIR", folder)
        yield folder
