"""Every address the hub writes into an answer: PyGithub refuses addresses of another host."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from bot.localhub.domain import Repository

API_ROOT = "/api/v3"
"""GitHub Enterprise Server's: what PyGithub takes as `base_url` with a host of one's own."""


@dataclass(frozen=True, kw_only=True)
class Links:
    origin: str
    """`http://127.0.0.1:PORT`."""

    @property
    def api(self) -> str:
        return f"{self.origin}{API_ROOT}"

    def repository(self, repository: Repository, *parts: str | int) -> str:
        """In the API: `/repos/owner/name/part/part`."""
        return "/".join([f"{self.api}/repos/{repository.full_name}", *(_quoted(part) for part in parts)])

    def page(self, repository: Repository, *parts: str | int) -> str:
        """For a browser: `/owner/name/part/part`."""
        return "/".join([f"{self.origin}/{repository.full_name}", *(_quoted(part) for part in parts)])

    def clone(self, repository: Repository) -> str:
        return f"{self.origin}/{repository.full_name}.git"


def _quoted(part: str | int) -> str:
    return quote(str(part), safe="/{}+:#-._~")
