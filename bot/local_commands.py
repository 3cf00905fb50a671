"""`redgreen fix`, `verify` and `review`: from words on the command line to an exit code."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from agents.review import Claim, Claims
from agents.wall import Wall
from bot import local, places, wiring
from bot.checkouts import Checkout, checkout
from bot.choosing import Chosen, Facts, NoModel, changed_lines, paths_named
from bot.contest import Plan
from bot.errors import UsageError
from bot.local import LocalSources
from bot.local_choice import Who, check_names, fix_choice, review_choice
from bot.local_fix import Fix, LocalFix
from bot.money.local import local_terms
from bot.repo_config import RepoConfig
from bot.report import EXIT_NOT_VERIFIED, EXIT_VERIFIED, FIX_COLUMNS, exit_code, fix_json, fix_rows
from bot.report import as_json as shared_keys
from bot.review.assessment import Conclusion, Review, assess
from bot.store import Purpose
from bot.terminal import Narrator, diff_panel, key_values, plain_table, print_json, standard_output, verdict_panel
from bot.workshop import ExecutedChange
from bot.workshop_docker import DockerWorkshop
from config.settings import Settings
from sandbox.engine import Engine
from sandbox.proof import Comparison, compare, from_statement
from sandbox.remotes import remotes
from sandbox.types import CommitSha, Proof, Red


@dataclass(frozen=True, kw_only=True)
class FixWords:
    """The words of `redgreen fix`."""

    repo: Path
    base: str
    issue: Path
    models: tuple[str, ...] = ()
    samples: int = 1
    labels: tuple[str, ...] = ()
    """The issue has on the forge; a file has none."""
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class ReviewWords:
    """The words of `redgreen review`."""

    repo: Path
    base: str
    head: str
    model: str
    labels: tuple[str, ...] = ()
    out: Path | None = None


def fix(settings: Settings, words: FixWords, *, as_json: bool) -> int:
    narrator = Narrator()
    text = local.read_text(words.issue, "--issue")
    lineup, who = wiring.lineup(settings), Who(models=words.models, samples=words.samples)
    check_names(lineup, who)
    sources = LocalSources(words.repo, places.state_directory(settings))
    commit = sources.commit(words.base)
    task = local.local_task(text, str(sources.directory), commit)
    site = _site(settings, sources, commit)
    about = f"{task.title}\n{task.body}"
    facts = replace(
        site.facts,
        kind="fix",
        labels=words.labels,
        paths=paths_named(about, sources.tree(task.repository, commit).paths()),
        lines=len(about.splitlines()),
    )
    rules, routes = wiring.rules(settings), wiring.routes(settings, lineup)
    choice = fix_choice(rules, routes, lineup, who, facts, site.wall)
    engine = wiring.engine(settings)
    workshop = _open(settings, sources, narrator, engine)
    directory = words.out or places.state_directory(settings) / "fixes" / task.id
    narrator(f"fixing {task.title!r} at {commit[:12]}")
    narrator(f"{_names(choice.plan)}, chosen by {choice.by}")
    with local_terms(settings, site.checkout, f"fix-{task.id}", Purpose.FIX) as terms:
        made = LocalFix(
            workshop=workshop,
            task=task,
            plan=choice.plan,
            out=directory,
            terms=terms,
            lanes=wiring.lanes(settings, engine),
            tell=narrator,
            abandon=engine.abandon,
        ).run()
    chosen = made.chosen
    if as_json:
        print_json(fix_json(made.results) | {"chosen_by": choice.by, "directory": str(made.directory)})
    else:
        _show_fix(standard_output(), made)
    return exit_code(chosen.proof.verdict) if chosen.proof else EXIT_NOT_VERIFIED


def _names(plan: Plan) -> str:
    return ", ".join(dict.fromkeys(entrant.model for entrant in plan.entrants))


@dataclass(frozen=True, kw_only=True)
class _Site:
    """What is known of a local repository before a model works on it."""

    checkout: Checkout
    config: RepoConfig
    wall: Wall
    facts: Facts
    """Without those of the task."""


def _site(settings: Settings, sources: LocalSources, commit: CommitSha) -> _Site:
    """Raises `UsageError` with the line of a mistake in the repository's own file."""
    here = str(sources.directory)
    known = checkout(here, remotes(sources.directory))
    config = local.repository_config(sources, here, commit)
    wall = wiring.house(settings).around(known, config)
    facts = Facts(repository=known.name, configured=config.model, self_hosted_only=wall.self_hosted_only)
    return _Site(checkout=known, config=config, wall=wall, facts=facts)


def verify(
    settings: Settings, *, repo: Path, base: str, patch: Path, tests: Path | None, out: Path | None, as_json: bool
) -> int:
    diff = local.read_text(patch, "--patch")
    test_diff = local.read_text(tests, "--tests") if tests else ""
    if out:
        local.out_directory(out)
    sources = LocalSources(repo, places.state_directory(settings))
    workshop = _open(settings, sources, Narrator())
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
    sources = LocalSources(repo, places.state_directory(settings))
    workshop = _open(settings, sources, Narrator())
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


def review(settings: Settings, words: ReviewWords, *, as_json: bool) -> int:
    if words.out:
        local.out_directory(words.out)
    narrator, lineup = Narrator(), wiring.lineup(settings)
    check_names(lineup, Who(models=(words.model,) if words.model else ()))
    sources = LocalSources(words.repo, places.state_directory(settings))
    name, head = str(sources.directory), sources.commit(words.head)
    fork = sources.merge_base(name, sources.commit(words.base), head)
    before, after = sources.tree(name, fork), sources.tree(name, head)
    diff = before.diff(after)
    site = _site(settings, sources, fork)
    facts = replace(
        site.facts,
        kind="review",
        labels=words.labels,
        paths=tuple(sorted(before.changed_paths(after))),
        lines=changed_lines(diff),
    )
    asked = review_choice(wiring.routes(settings, lineup), lineup, words.model, facts, site.wall)
    narrator(f"{asked.model}, chosen by {asked.by}" if isinstance(asked, Chosen) else f"No model: {asked.reason}")
    workshop = _open(settings, sources, narrator)
    proof = workshop.verify(name, fork, diff, site.config)
    seen, claims = assess(proof, head), Claims()
    if isinstance(asked, Chosen):
        with local_terms(settings, site.checkout, f"review-{head[:12]}", Purpose.REVIEW) as terms:
            change = ExecutedChange(title=words.head, diff=diff, proof=proof)
            claims = workshop.review_call(change, asked.model, terms(site.config))
    if words.out:
        local.write_proof(proof, words.out)
    if as_json:
        print_json(_review_json(seen, claims, asked))
    else:
        _show_review(standard_output(), seen, claims.claims)
    return EXIT_VERIFIED if seen.conclusion is Conclusion.SUCCESS else exit_code(proof.verdict)


def _open(
    settings: Settings, sources: LocalSources, narrator: Narrator, engine: Engine | None = None
) -> DockerWorkshop:
    engine = engine or wiring.engine(settings)
    engine.collect_orphans()  # of a command that was killed
    return wiring.workshop(settings, engine, sources, narrator)


def _read_proof(path: Path) -> Proof:
    try:
        return from_statement(json.loads(local.read_text(path, "proof")))
    except ValueError as error:
        raise UsageError(f"{path} is not a proof of redgreen: {error}") from None


def _review_json(seen: Review, claims: Claims, asked: Chosen | NoModel) -> dict[str, Any]:
    def reds(items: Sequence[Red]) -> list[dict[str, str]]:
        return [{"id": red.id, "why": red.why} for red in items]

    return shared_keys(seen.proof) | {
        "conclusion": str(seen.conclusion),
        "new_tests": str(seen.new_tests),
        "turned_red": reds(seen.turned_red),
        "changed_expectations": reds(seen.changed_expectations),
        "findings": [{"path": claim.path, "line": claim.line, "claim": claim.claim} for claim in claims.claims],
        "model": asked.model if isinstance(asked, Chosen) else None,
        "chosen_by": asked.by if isinstance(asked, Chosen) else None,
        "problem": claims.problem if isinstance(asked, Chosen) else asked.reason,
        "cost_usd": claims.cost_usd,
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
