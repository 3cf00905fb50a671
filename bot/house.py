"""Whose source may not leave the house: the operator's word and the repository's, together. Pure."""

from __future__ import annotations

import fnmatch
from dataclasses import dataclass

from agents.wall import Wall
from bot.checkouts import Checkout
from bot.inspection.words import line
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
        return bool(self._pattern(repository))

    def _pattern(self, repository: str) -> str:
        """The first that it matches; "" where none does."""
        name = repository.lower()
        return next((one for one in self.repositories if fnmatch.fnmatchcase(name, one.lower())), "")

    def wall(self, repository: str, config: RepoConfig) -> Wall:
        """Either word is enough; the repository's `false` says nothing against the operator's."""
        only = self.encloses(repository) or config.self_hosted_only is True
        return Wall(self_hosted_only=only, listed=self.hosts)

    def around(self, checkout: Checkout, config: RepoConfig) -> Wall:
        """For a repository on this machine: any of its names is enough, and so is that its names cannot be told.

        Its remotes can only add to what encloses it: one without any is where it would be if they said nothing.
        """
        own_word = "its own file says self_hosted_only" if config.self_hosted_only is True else ""
        because = self._lists(checkout) or own_word
        return Wall(self_hosted_only=bool(because), listed=self.hosts, because=because)

    def _lists(self, checkout: Checkout) -> str:
        """By what the operator's setting holds for it; "" where it does not."""
        if pattern := self._pattern(checkout.title):
            return f"models.self_hosted_only lists {pattern}"
        for named in checkout.names:
            if pattern := self._pattern(named.name):
                remote, name = line(named.remote), line(named.name)
                return f"models.self_hosted_only lists {pattern}, and the remote {remote} is {name}"
        if self.repositories and checkout.unread:
            return f"whether models.self_hosted_only lists it cannot be told: {checkout.unread}"
        return ""

    def everything(self) -> Wall:
        """For what belongs to no repository (a probe): a wall where the operator put one around all of them."""
        return Wall(self_hosted_only="*" in self.repositories, listed=self.hosts)
