"""`redgreen fix`, `verify` and `review`: from words on the command line to an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.review import Claim
from bot import contest, local, places, wiring
from bot.commands import MOST_ENTRANTS
from bot.contest import Plan
from bot.errors import UsageError
from bot.local import LocalSources
from bot.local_fix import Fix, LocalFix
from bot.money.local import local_terms
from bot.report import EXIT_NOT_VERIFIED, EXIT_VERIFIED, FIX_COLUMNS, exit_code, fix_json, fix_rows
from bot.report import as_json as shared_keys
from bot.review.assessment import Conclusion, Review, assess
from bot.store import Purpose
from bot.terminal import Narrator, diff_panel, key_values, plain_table, print_json, standard_output, verdict_panel
from bot.workshop_docker import DockerWorkshop
from config.models import UnknownModel
from config.settings import Settings
from sandbox.engine import Engine
from sandbox.proof import Comparison, compare, from_statement
from sandbox.types import Proof, Red


@dataclass(frozen=True, kw_only=True)
class Who:
    """Who works, as the command line says."""

    models: tuple[str, ...]
    samples: int


def fix(settings: Settings, *, repo: Path, base: str, issue: Path, who: Who, out: Path | None, as_json: bool) -> int:
    narrator = Narrator()
    text = local.read_text(issue, "--issue")
    plan = plan_of(settings, who)
    engine = wiring.engine(settings)
    sources, workshop = _open(settings, repo, narrator, engine)
    commit = sources.commit(base)
    task = local.local_task(text, str(sources.directory), commit)
    directory = out or places.state_directory(settings) / "fixes" / task.id
    narrator(f"fixing {task.title!r} at {commit[:12]}")
    with local_terms(settings, str(sources.directory), f"fix-{task.id}", Purpose.FIX) as terms:
        made = LocalFix(
            workshop=workshop,
            task=task,
            plan=plan,
            out=directory,
            terms=terms,
            lanes=wiring.lanes(settings, engine),
            tell=narrator,
            abandon=engine.abandon,
        ).run()
    chosen = made.chosen
    if as_json:
        print_json(fix_json(made.results) | {"directory": str(made.directory)})
    else:
        _show_fix(standard_output(), made)
    return exit_code(chosen.proof.verdict) if chosen.proof else EXIT_NOT_VERIFIED


def plan_of(settings: Settings, who: Who) -> Plan:
    """Raises `UsageError` for a name that the lineup has not, and for too many."""
    rules = wiring.rules(settings)
    named = contest.samples(who.models, who.samples, rules.unvarying) if who.models else ()
    if len(named) > MOST_ENTRANTS:
        raise UsageError(f"--model and --samples: at most {MOST_ENTRANTS} can race")
    if who.samples > 1:
        rules = replace(rules, samples=who.samples)
    plan = contest.plan(rules, named=named, chosen=settings.models.default)
    lineup = wiring.lineup(settings)
    for entrant in plan.entrants:
        try:
            lineup.get(entrant.model)
        except UnknownModel as error:
            raise UsageError(str(error)) from None
    return plan


def verify(
    settings: Settings, *, repo: Path, base: str, patch: Path, tests: Path | None, out: Path | None, as_json: bool
) -> int:
    diff = local.read_text(patch, "--patch")
    test_diff = local.read_text(tests, "--tests") if tests else ""
    if out:
        local.out_directory(out)
    sources, workshop = _open(settings, repo, Narrator())
    name, commit = str(sources.directory), sources.commit(base)
    proof = workshop.verify(name, commit, diff, local.repository_config(workshop, name, commit), tests=test_diff)
    where = local.write_proof(proof, out) if out else None
    if as_json:
        print_json(shared_keys(proof) | ({"proof": str(where)} if where else {}))
    else:
        standard_output().print(verdict_panel(proof))
    return exit_code(proof.verdict)


def verify_again(settings: Settings, *, proof: Path, repo: Path, as_json: bool) -> int:
    """0: the proof still holds; 1: it does not; 2: it cannot be read or run.

    The environment is the repository's own, never the proof's: whoever made the file could have it install a runner
    that says what they like. Where the two are not the same, the differences say so.
    """
    old = _read_proof(proof)
    sources, workshop = _open(settings, repo, Narrator())
    name, commit = str(sources.directory), sources.commit(old.base_commit)
    config = local.repository_config(workshop, name, commit)
    new = workshop.verify(name, commit, old.patch, config, tests=old.tests)
    comparison = compare(old, new)
    if as_json:
        print_json(shared_keys(new) | {"holds": comparison.holds, "differences": list(comparison.differences)})
    else:
        _show_comparison(standard_output(), new, comparison)
    if comparison.holds:
        return EXIT_VERIFIED
    return max(exit_code(new.verdict), EXIT_NOT_VERIFIED)


def review(settings: Settings, *, repo: Path, base: str, head: str, model: str, out: Path | None, as_json: bool) -> int:
    if out:
        local.out_directory(out)
    sources, workshop = _open(settings, repo, Narrator())
    name, head_sha = str(sources.directory), sources.commit(head)
    fork = workshop.merge_base(name, sources.commit(base), head_sha)
    diff = workshop.diff(name, fork, head_sha)
    config = local.repository_config(workshop, name, fork)
    proof = workshop.verify(name, fork, diff, config)
    seen = assess(proof, head_sha)
    with local_terms(settings, name, f"review-{head_sha[:12]}", Purpose.REVIEW) as terms:
        claims = workshop.review_call(head, diff, proof, model or settings.models.default, terms(config))
    if out:
        local.write_proof(proof, out)
    if as_json:
        print_json(_review_json(seen, claims.claims, claims.cost_usd))
    else:
        _show_review(standard_output(), seen, claims.claims)
    return EXIT_VERIFIED if seen.conclusion is Conclusion.SUCCESS else exit_code(proof.verdict)


def _open(
    settings: Settings, repo: Path, narrator: Narrator, engine: Engine | None = None
) -> tuple[LocalSources, DockerWorkshop]:
    sources = LocalSources(repo, places.state_directory(settings))
    engine = engine or wiring.engine(settings)
    engine.collect_orphans()  # of a command that was killed
    return sources, wiring.workshop(settings, engine, sources, narrator)


def _read_proof(path: Path) -> Proof:
    try:
        return from_statement(json.loads(local.read_text(path, "proof")))
    except ValueError as error:
        raise UsageError(f"{path} is not a proof of redgreen: {error}") from None


def _review_json(seen: Review, claims: Sequence[Claim], cost: float | None) -> dict[str, Any]:
    def reds(items: Sequence[Red]) -> list[dict[str, str]]:
        return [{"id": red.id, "why": red.why} for red in items]

    return shared_keys(seen.proof) | {
        "conclusion": str(seen.conclusion),
        "new_tests": str(seen.new_tests),
        "turned_red": reds(seen.turned_red),
        "changed_expectations": reds(seen.changed_expectations),
        "findings": [{"path": claim.path, "line": claim.line, "claim": claim.claim} for claim in claims],
        "cost_usd": cost,
    }


def _show_fix(console: Console, made: Fix) -> None:
    chosen = made.chosen
    if len(made.results) > 1:
        console.print(plain_table(list(FIX_COLUMNS), [list(row) for row in fix_rows(made.results)]))
    if chosen.refused:
        console.print(key_values([("the patch was refused", chosen.refused)]))
    elif chosen.proof is None:
        attempt = chosen.attempt
        rows = [("no fix", attempt.reason), ("ending", str(attempt.ending))]
        words = [("in its words", attempt.summary)] if attempt.summary.strip() else []
        console.print(key_values([*rows, *words]))
    else:
        console.print(diff_panel(chosen.attempt.diff))
        console.print(verdict_panel(chosen.proof, chosen.attempt))
    console.print(key_values([("written to", str(made.directory))]))


def _show_comparison(console: Console, new: Proof, comparison: Comparison) -> None:
    console.print(verdict_panel(new))
    if comparison.holds:
        console.print("The proof still holds.")
    else:
        rows = [("differs", difference) for difference in comparison.differences]
        console.print(key_values([("the proof does not hold", ""), *rows]))


def _show_review(console: Console, seen: Review, claims: Sequence[Claim]) -> None:
    console.print(verdict_panel(seen.proof))
    rows = [("check", str(seen.conclusion)), ("its own new tests", str(seen.new_tests).replace("_", " "))]
    rows += [("turned red", f"{red.id}: {red.why}") for red in seen.turned_red]
    rows += [("changed expectation", str(red.id)) for red in seen.changed_expectations]
    rows += [("finding", f"{claim.path}:{claim.line}: {claim.claim}") for claim in claims]
    console.print(key_values(rows))
