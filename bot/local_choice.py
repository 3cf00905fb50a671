"""Who works on a local repository: who is named on the command line, else as a job would choose. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from agents.wall import Wall
from bot import contest
from bot.choosing import Chosen, Facts, NoModel, Routes, choose
from bot.commands import MOST_ENTRANTS
from bot.contest import Plan, Rules
from bot.errors import UsageError
from config.models import Lineup, UnknownModel

COMMAND_LINE = "the command line"


@dataclass(frozen=True, kw_only=True)
class Who:
    """Who works, as the command line says."""

    models: tuple[str, ...] = ()
    samples: int = 1


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A plan, and who or what chose it, for people."""

    plan: Plan
    by: str


def check_names(lineup: Lineup, who: Who) -> None:
    """Raises `UsageError` for a name that the lineup has not, before anything is looked at for it."""
    for name in who.models:
        try:
            lineup.get(name)
        except UnknownModel as error:
            raise UsageError(f"--model: {error}") from None


def fix_choice(rules: Rules, routes: Routes, lineup: Lineup, who: Who, facts: Facts, wall: Wall) -> Choice:
    """Whoever types a command is the operator, so what comments and repositories may name does not bind `--model`; the
    wall does. Raises `UsageError` where nobody may work, and for too many."""
    check_names(lineup, who)
    if wall.self_hosted_only:
        rules = contest.at_home(rules)
    if who.samples > 1:
        rules = replace(rules, samples=who.samples)
    if who.models:
        _check_wall(lineup, who.models, wall)
        chosen = Chosen(model=who.models[0], by=COMMAND_LINE)
        named = contest.samples(who.models, who.samples, rules.unvarying)
    else:
        chosen = _chosen(routes, facts, wall)
        named = () if chosen.is_default else contest.samples((chosen.model,), who.samples, rules.unvarying)
    if len(named) > MOST_ENTRANTS:
        raise UsageError(f"--model and --samples: at most {MOST_ENTRANTS} can race")
    plan = contest.plan(rules, named=named, chosen=chosen.model)
    raced = chosen.is_default and any(entrant.model != chosen.model for entrant in plan.entrants)
    return Choice(plan=plan, by="the settings' race" if raced else chosen.by)


def review_choice(routes: Routes, lineup: Lineup, model: str, facts: Facts, wall: Wall) -> Chosen | NoModel:
    """Who is asked for an opinion, or why nobody is: running the tests needs no model.

    Raises `UsageError` where the one that is named on the command line may not be asked.
    """
    if model:
        check_names(lineup, Who(models=(model,)))
        _check_wall(lineup, (model,), wall)
        return Chosen(model=model, by=COMMAND_LINE)
    found = choose(routes, facts)
    return replace(found, reason=f"{found.reason}{wall.told}") if isinstance(found, NoModel) else found


def _chosen(routes: Routes, facts: Facts, wall: Wall) -> Chosen:
    found = choose(routes, facts)
    if isinstance(found, NoModel):
        raise UsageError(f"{found.reason}{wall.told}")
    return found


def _check_wall(lineup: Lineup, names: Sequence[str], wall: Wall) -> None:
    for name in names:
        if refused := wall.refuses(lineup.get(name)):
            raise UsageError(refused)
