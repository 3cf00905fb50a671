"""`redgreen models probe`: asks an endpoint what it can do, keeps the answer, and says what is chosen by it."""

from __future__ import annotations

from pathlib import Path

from agents.errors import ModelRefused
from agents.probe.asking import probe as ask
from agents.probe.choice import described, fitted
from agents.probe.record import Found, Probe, rows
from bot import places, wiring
from bot.errors import UsageError
from bot.money.local import probe_terms
from bot.terminal import plain_table, print_json, standard_output
from config.models import Adapter, ModelSpec, UnknownModel
from config.settings import Settings, model_key

EXIT_DONE = 0
EXIT_PROBLEMS = 1
"""The endpoint is not what it says, or cannot be used."""


def probe(settings: Settings, name: str, *, as_json: bool) -> int:
    """The exit code: 0 where nothing is wrong. Raises `UsageError`, `agents.errors.ModelRefused` without a key."""
    try:
        spec = wiring.declared(settings).get(name)
    except UnknownModel as error:
        raise UsageError(str(error)) from None
    if spec.adapter not in (Adapter.ANTHROPIC, Adapter.OPENAI):
        raise UsageError(f"{name} has no endpoint: there is nothing to ask")
    key = model_key(spec.key_variable)
    if spec.key_variable and key is None:
        raise ModelRefused(f"{name}: no key. Set {spec.key_variable}.")
    with probe_terms(settings, name) as terms:
        found = ask(spec, key, terms)
    path = _kept(settings, spec, found)
    now = fitted(spec, wiring.probes(settings).load(spec))
    if as_json:
        chosen = {"way": described(now), "strategy": now.strategy, "dialect": now.dialect, "window": now.window}
        print_json(
            {"model": name, **found.model_dump(mode="json"), "chosen": chosen, "file": str(path) if path else None}
        )
    else:
        console = standard_output()
        console.print(f"{name} ({spec.model_id}) at {spec.endpoint}", markup=False, soft_wrap=True)
        console.print(plain_table(["asked", "found"], [list(row) for row in rows(found)]))
        used = f"It is used as: {described(now)}, window {now.window:,}."
        if path is None:
            used = f"This is not kept, and what an earlier probe found holds. {used}"
        elif not found.is_usable:
            used = f"This chooses nothing. {used}"
        console.print(used, markup=False, soft_wrap=True)
    usable = found.reachable is Found.YES and not found.problems
    return EXIT_DONE if usable else EXIT_PROBLEMS


def _kept(settings: Settings, spec: ModelSpec, found: Probe) -> Path | None:
    """Where it is stored; None where an endpoint out of reach leaves what was known of it. Raises `UsageError`."""
    shelf = wiring.probes(settings)
    if not found.is_usable and shelf.load(spec) is not None:
        return None
    places.state_directory(settings)
    try:
        return shelf.save(spec, found)
    except OSError as error:
        raise UsageError(f"the probe cannot be kept: {error.strerror}") from None
