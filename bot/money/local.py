"""The terms of commands: the same book and limits as the worker's, on the account of a directory of this machine."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from agents.terms import Terms
from bot import places, wiring
from bot.money.purse import StorePurse
from bot.repo_config import RepoConfig
from bot.store import Account, Purpose, Store
from config.settings import Settings


@contextmanager
def local_terms(
    settings: Settings, directory: str, run: str, purpose: Purpose
) -> Iterator[Callable[[RepoConfig], Terms]]:
    """Terms by what the repository says. Every run of a command is an attempt of its own."""
    attempt = f"{run}-{uuid.uuid4().hex[:12]}"
    account = Account(
        attempt=attempt, job=attempt, purpose=purpose, repository_id=_id_of(directory), repository=directory[-255:]
    )
    with _store(settings) as store:
        purse = StorePurse(store.spend, wiring.money_limits(settings), account)
        house = wiring.house(settings)
        yield lambda config: Terms(purse=purse, wall=house.wall(directory, config))


@contextmanager
def probe_terms(settings: Settings, model: str) -> Iterator[Terms]:
    attempt = f"probe-{model[:50]}-{uuid.uuid4().hex[:12]}"
    account = Account(attempt=attempt, job=attempt, purpose=Purpose.PROBE)
    with _store(settings) as store:
        purse = StorePurse(store.spend, wiring.money_limits(settings), account)
        yield Terms(purse=purse, wall=wiring.house(settings).everything())


def _id_of(directory: str) -> int:
    """A number that GitHub gives to no repository: theirs are positive."""
    return -1 - int.from_bytes(hashlib.sha256(directory.encode("utf-8", "surrogateescape")).digest()[:6], "big")


@contextmanager
def _store(settings: Settings) -> Iterator[Store]:
    places.state_directory(settings)
    store = Store.open(places.database_url(settings))
    try:
        yield store
    finally:
        store.close()
