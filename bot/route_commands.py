"""`redgreen models route`: which model would work on a job, and why not another."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot import local, wiring
from bot.choosing import Chosen, Facts, NoModel, Routes, allowed, choose, facts_json
from bot.errors import UsageError
from bot.repo_config import ConfigProblem, RepoConfig, parse
from bot.terminal import key_values, plain_table, print_json, standard_output
from config.settings import Settings

EXIT_CHOSEN = 0
EXIT_NONE = 1


def explain(settings: Settings, facts: Facts, *, repo_config: Path | None, as_json: bool) -> int:
    """0: a model was chosen; 1: none may work on it. Raises `UsageError` for rules that name unknown models."""
    routes = wiring.routes(settings, wiring.lineup(settings))
    config = _config(repo_config)
    wall = wiring.house(settings).wall(facts.repository, config)
    facts = Facts(**{**vars(facts), "configured": config.model, "self_hosted_only": wall.self_hosted_only})
    found = choose(routes, facts)
    if as_json:
        print_json(_json(routes, facts, found))
    else:
        _show(routes, facts, found)
    return EXIT_CHOSEN if isinstance(found, Chosen) else EXIT_NONE


def _config(path: Path | None) -> RepoConfig:
    if path is None:
        return RepoConfig()
    config = parse(local.read_text(path, "--repo-config").encode())
    if isinstance(config, ConfigProblem):
        raise UsageError(f"{path}, line {config.line}: {config.message}")
    return config


def _json(routes: Routes, facts: Facts, found: Chosen | NoModel) -> dict[str, Any]:
    chosen = found.as_json() if isinstance(found, Chosen) else {"model": None, "reason": found.reason}
    passed = [{"which": which, "why": why} for which, why in found.passed]
    return {
        **chosen,
        "passed": passed,
        "allowed": list(allowed(routes, facts)),
        "facts": dict(facts_json(facts, routes)),
    }


def _show(routes: Routes, facts: Facts, found: Chosen | NoModel) -> None:
    console = standard_output()
    if isinstance(found, Chosen):
        console.print(f"{found.model}, chosen by {found.by}.", markup=False, soft_wrap=True)
    else:
        console.print(f"No model: {found.reason}", markup=False, soft_wrap=True)
    if found.passed:
        console.print(plain_table(["asked before", "why it did not decide"], [list(row) for row in found.passed]))
    shown = facts_json(facts, routes)
    rows = [(key, ", ".join(value) if isinstance(value, list) else str(value)) for key, value in shown.items()]
    console.print(key_values([*rows, ("may be named", ", ".join(allowed(routes, facts)))]))
