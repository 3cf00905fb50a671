"""Whose source may not leave the house: the operator's word and the repository's, together. Pure."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from agents.wall import Wall
from bot.repo_config import RepoConfig


@dataclass(frozen=True, kw_only=True)
class House:
    """What the operator set."""

    repositories: tuple[str, ...] = ()
    """Patterns of `owner/name` whose source may only be sent to self-hosted models."""
    hosts: tuple[str, ...] = ()
    """Hosts and networks that count as self-hosted beside private addresses."""

    def encloses(self, repository: str) -> bool:
        """Names of repositories are the same in any case."""
        name = repository.lower()
        return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.repositories)

    def wall(self, repository: str, config: RepoConfig) -> Wall:
        """Either word is enough; the repository's `false` says nothing against the operator's."""
        only = self.encloses(repository) or config.self_hosted_only is True
        return Wall(self_hosted_only=only, listed=self.hosts)

    def everything(self) -> Wall:
        """For what belongs to no repository (a probe): a wall where the operator put one around all of them."""
        return Wall(self_hosted_only="*" in self.repositories, listed=self.hosts)
