"""`redgreen fix`, `verify` and `review`: from words on the command line to an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.review import Claim
from bot import local, places, wiring
from bot.errors import UsageError
from bot.local import LocalSources
from bot.money.local import local_terms
from bot.report import EXIT_NOT_VERIFIED, EXIT_VERIFIED, exit_code, without_proof
from bot.report import as_json as shared_keys
from bot.review.assessment import Conclusion, Review, assess
from bot.store import Purpose
from bot.terminal import Narrator, diff_panel, key_values, print_json, standard_output, verdict_panel
from bot.workshop_docker import DockerWorkshop
from config.settings import Settings
from sandbox.proof import Comparison, compare, from_statement
from sandbox.types import Proof, Red


def fix(settings: Settings, *, repo: Path, base: str, issue: Path, model: str, out: Path | None, as_json: bool) -> int:
    narrator = Narrator()
    text = local.read_text(issue, "--issue")
    sources, workshop = _open(settings, repo, narrator)
    commit = sources.commit(base)
    task = local.local_task(text, str(sources.directory), commit)
    directory = out or places.state_directory(settings) / "fixes" / task.id
    narrator(f"fixing {task.title!r} at {commit[:12]}")
    chosen = model or settings.models.default
    with local_terms(settings, str(sources.directory), f"fix-{task.id}", Purpose.FIX) as terms:
        made = local.fix(workshop, task, chosen, directory, terms)
    if as_json:
        keys = shared_keys(made.proof, made.attempt) if made.proof else without_proof(made.attempt)
        print_json(keys | {"directory": str(made.directory)})
    else:
        _show_fix(standard_output(), made)
    return exit_code(made.proof.verdict) if made.proof else EXIT_NOT_VERIFIED


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


def _open(settings: Settings, repo: Path, narrator: Narrator) -> tuple[LocalSources, DockerWorkshop]:
    sources = LocalSources(repo, places.state_directory(settings))
    engine = wiring.engine(settings)
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


def _show_fix(console: Console, made: local.Fix) -> None:
    if made.proof is None:
        rows = [("no fix", made.attempt.reason), ("ending", str(made.attempt.ending))]
        words = [("in its words", made.attempt.summary)] if made.attempt.summary.strip() else []
        console.print(key_values([*rows, *words]))
    else:
        console.print(diff_panel(made.attempt.diff))
        console.print(verdict_panel(made.proof, made.attempt))
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
