"""The terms of commands: the same book and limits as the worker's, on the account of a directory of this machine."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Protocol

from agents.terms import Terms
from bot import places, wiring
from bot.checkouts import Checkout
from bot.money.purse import StorePurse
from bot.repo_config import RepoConfig
from bot.store import Account, Purpose, Store
from config.settings import Settings


class LocalTerms(Protocol):
    """Terms by what the repository says, for the attempt of that number of one run of a command."""

    def __call__(self, config: RepoConfig, number: int = 1) -> Terms: ...


@contextmanager
def local_terms(settings: Settings, checkout: Checkout, run: str, purpose: Purpose) -> Iterator[LocalTerms]:
    """Every run of a command is a job of its own, on the account of the directory."""
    directory = checkout.title
    job = f"{run}-{uuid.uuid4().hex[:12]}"
    account = Account(
        attempt=job, job=job, purpose=purpose, repository_id=_id_of(directory), repository=directory[-255:]
    )
    with _store(settings) as store:
        limits, house = wiring.money_limits(settings), wiring.house(settings)

        def terms(config: RepoConfig, number: int = 1) -> Terms:
            own = account if number == 1 else replace(account, attempt=f"{job}-{number}")
            return Terms(purse=StorePurse(store.spend, limits, own), wall=house.around(checkout, config))

        yield terms


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
