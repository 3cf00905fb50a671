"""Where a process keeps its state: the directory and the database, from the settings."""

from __future__ import annotations

from pathlib import Path

from bot.errors import UsageError
from config.settings import Settings


def state_directory(settings: Settings) -> Path:
    """Made when it is not there. Raises `UsageError` when it cannot be."""
    directory = settings.store.directory
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"store.directory: {directory} cannot be used: {error.strerror}") from None
    return directory


def database_url(settings: Settings) -> str:
    """SQLAlchemy URL of our own tables: the operator's, else SQLite in the state directory."""
    given = settings.store.database_url.get_secret_value()
    return given or f"sqlite:///{state_directory(settings) / 'redgreen.db'}"
