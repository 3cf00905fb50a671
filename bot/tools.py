"""What the jobs of a worker share: what they work with, who may be asked for them, and what is left to pay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from agents.terms import Terms
from bot.choosing import Chosen, Facts, NoModel, Routes, choose, unruled
from bot.contest import Rules
from bot.errors import BotError
from bot.forge.protocol import Forge
from bot.house import House
from bot.money.budget import Limits, exhausted
from bot.money.purse import StorePurse
from bot.race import Lanes
from bot.repo_config import RepoConfig
from bot.store import Account, Purpose, Store
from bot.types import Job, Repository
from bot.workshop import Workshop

Forges = Callable[[Repository], Forge]


@dataclass(frozen=True, kw_only=True)
class Tools:
    """What jobs work with, and what the operator decided."""

    store: Store
    workshop: Workshop
    forges: Forges
    default_model: str = "repair"
    draft: bool = True
    """How a verified fix is opened where the repository's file does not say."""
    limits: Limits = field(default_factory=Limits)
    """Of money."""
    house: House = field(default_factory=House)
    routes: Routes | None = None
    """Which model works on what; None: `default_model` on everything that names none."""
    free_models: frozenset[str] = frozenset()
    """Names whose calls are nobody's bill: they work on when the month's budget is used up."""
    rules: Rules = field(default_factory=Rules)
    """Who races, and who comes next when an endpoint fails."""
    lanes: Lanes = field(default_factory=lambda: Lanes(4))
    """Of the process: how many entrants of all its races work at the same time."""

    def terms(self, account: Account, config: RepoConfig) -> Terms:
        """On which models may be called for this account."""
        purse = StorePurse(self.store.spend, self.limits, account)
        return Terms(purse=purse, wall=self.house.wall(account.repository, config))


class OverBudget(BotError):
    pass


def account_of(job: Job, attempt: str, purpose: Purpose) -> Account:
    repository = job.start.repository
    return Account(
        attempt=attempt,
        job=job.id,
        purpose=purpose,
        repository_id=repository.id,
        repository=repository.full_name,
        installation_id=repository.installation_id,
    )


def choose_or_refuse(tools: Tools, facts: Facts) -> Chosen:
    """Raises `BotError` with the reason where no model may work on it."""
    routes = tools.routes or unruled(tools.default_model, facts, tools.free_models)
    found = choose(routes, facts)
    if isinstance(found, NoModel):
        raise BotError(found.reason)
    return found


def check_budget(tools: Tools, account: Account, model: str) -> None:
    """Raises `OverBudget` where a month's limit leaves nothing, before any work is begun for a model that costs.

    Each call is held against the limits again, with what it may cost, by its purse.
    """
    if model in tools.free_models:
        return
    denied = exhausted(model, tools.limits, tools.store.spend.used(account))
    if denied is not None:
        raise OverBudget(denied.reason)
