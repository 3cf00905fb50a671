"""Our GitHub App: the private key, and the installation tokens made with it, each narrowed to what it is for."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from pydantic import BaseModel, SecretStr

from bot.forge.connection import Connection

TOKEN_PERMISSIONS: Mapping[str, str] = {
    "checks": "write",
    "contents": "write",
    "issues": "write",
    "metadata": "read",
    "pull_requests": "write",
}
"""What the worker asks for; `app.yml` grants exactly these, and a test holds the two equal."""
CLONE_PERMISSIONS: Mapping[str, str] = {"contents": "read", "metadata": "read"}

_REFRESH = timedelta(minutes=5)
"""A token is replaced this long before it expires (GitHub gives them an hour)."""


@dataclass(frozen=True, kw_only=True)
class AppIdentity:
    app_id: int
    private_key: SecretStr
    api_url: str = "https://api.github.com"
    web_url: str = "https://github.com"
    """Where repositories are cloned from."""
    timeout_seconds: int = 30
    """Of one request."""


class _Token(BaseModel):
    token: SecretStr
    expires_at: datetime


class _App(BaseModel):
    slug: str


class GitHubApp:
    """Safe to share between threads. Methods raise `bot.errors.ForgeError`."""

    def __init__(self, identity: AppIdentity) -> None:
        self.identity = identity
        self._lock = threading.Lock()
        self._tokens: dict[tuple[int, int, tuple[tuple[str, str], ...]], _Token] = {}
        self._login = ""
        self._connection = Connection.as_app(
            identity.api_url, identity.app_id, identity.private_key, timeout_seconds=identity.timeout_seconds
        )

    def login(self) -> str:
        """The name our comments stand under: the App's slug with `[bot]`."""
        with self._lock:
            if not self._login:
                self._login = f"{self._connection.get(_App, '/app').slug}[bot]"
            return self._login

    def token(self, installation_id: int, repository_id: int, permissions: Mapping[str, str]) -> SecretStr:
        """For one repository and these permissions only; a cached one while it has five minutes to live."""
        key = (installation_id, repository_id, tuple(sorted(permissions.items())))
        with self._lock:
            known = self._tokens.get(key)
            if known is None or known.expires_at - _REFRESH < datetime.now(UTC):
                known = self._connection.send(
                    _Token,
                    "POST",
                    f"/app/installations/{installation_id}/access_tokens",
                    {"repository_ids": [repository_id], "permissions": dict(permissions)},
                )
                self._tokens[key] = known
            return known.token

    def forget_token(self, installation_id: int) -> None:
        """After a 401: a token can be revoked before it expires (the App was suspended and came back)."""
        with self._lock:
            self._tokens = {key: token for key, token in self._tokens.items() if key[0] != installation_id}
