"""The terms of an evaluation: every call is in the book that all of redgreen shares, on the evaluation's account."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from agents.models.prices import worst_cost
from agents.purse import Call
from agents.terms import Terms
from bot import places, wiring
from bot.checkouts import Checkout, checkout
from bot.evaluation_trees import repository
from bot.house import House
from bot.money.budget import Denied, Limits, Scope
from bot.money.purse import StorePurse
from bot.repo_config import RepoConfig
from bot.store import Account, Purpose, Store
from bot.trials.budget import beside_the_book, judge_whole
from bot.trials.store import Assignment
from config.models import Adapter, ModelSpec
from config.settings import Settings
from sandbox.errors import SetupError
from sandbox.remotes import remotes

RepositoryTerms = Callable[[RepoConfig], Terms]
"""By what the repository itself says."""


@dataclass(frozen=True, kw_only=True)
class TrialMoney:
    store: Store
    limits: Limits
    house: House
    repositories: Path
    """The directory that has the instances' repositories."""
    job: str

    def terms(self, assignment: Assignment, denied: Callable[[str], None]) -> RepositoryTerms:
        """`denied` is told why where a call is forbidden by a limit that is not the attempt's own."""

        def told(found: Denied) -> None:
            if found.scope is not Scope.ATTEMPT:
                denied(found.reason)

        name = f"{assignment.model} {assignment.sample} {assignment.instance.instance_id}"
        account = replace(
            _account(self.job),
            attempt=f"{self.job}-{hashlib.sha256(name.encode()).hexdigest()[:16]}",
            repository=assignment.instance.repo[-255:],
        )
        purse = StorePurse(self.store.spend, self.limits, account, judge_whole, told=told)
        known = self._checkout(assignment.instance.repo)
        return lambda config: Terms(purse=purse, wall=self.house.around(known, config))

    def _checkout(self, name: str) -> Checkout:
        """What an instance calls its repository, and what the one on disk is called."""
        try:
            return checkout(name, remotes(repository(self.repositories, name)))
        except SetupError as missing:
            return Checkout(title=name, unread=str(missing))


@contextmanager
def trial_money(
    settings: Settings, repositories: Path, job: str, limit_usd: float | None, stored: Iterable[float | None]
) -> Iterator[TrialMoney]:
    """`stored`: what the steps that are there have cost. Raises `StoreError`.

    The operator's limits of a repository and of a job are for the bot's work on them; those of an attempt and of a
    month hold here, too.
    """
    places.state_directory(settings)
    store = Store.open(places.database_url(settings))
    try:
        booked = store.spend.used(_account(job))[Scope.JOB].usd
        left = beside_the_book(limit_usd, sum(cost for cost in stored if cost is not None), booked)
        limits = replace(limits_of(settings), job=left)
        yield TrialMoney(store=store, limits=limits, house=wiring.house(settings), repositories=repositories, job=job)
    finally:
        store.close()


def limits_of(settings: Settings) -> Limits:
    return replace(wiring.money_limits(settings), job=None, repository=None, installation=None)


def unpriced(settings: Settings, spec: ModelSpec, limit_usd: float | None) -> str:
    """Why a model of unknown price cannot be tried, as a sentence; "" where it can."""
    if spec.adapter not in (Adapter.ANTHROPIC, Adapter.OPENAI):
        return ""
    call = Call(
        model=spec.name,
        prompt_tokens=1,
        output_tokens=1,
        worst_usd=lambda output: worst_cost(spec, 1, output),
        self_hosted=spec.self_hosted,
    )
    found = judge_whole(call, replace(limits_of(settings), job=limit_usd), {})
    return found.reason if isinstance(found, Denied) and found.scope is None else ""


def _account(job: str) -> Account:
    return Account(attempt="", job=job, purpose=Purpose.TRIAL)
