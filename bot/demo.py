"""`redgreen demo`: the main job on a local GitHub, from a label to a merged pull request, and a review that catches.

Nothing here knows the sample's bug or its fix: what is printed is what the two processes did.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markdown import Markdown
from rich.panel import Panel
from rich.rule import Rule

from agents.types import Attempt
from bot import contest, listings, racing, wiring
from bot.demo_stage import MAINTAINER, REPORTER, DemoFailed, Stage, set_up
from bot.errors import UsageError
from bot.localhub.domain import CheckRun, Pull
from bot.report import EXIT_NOT_VERIFIED, EXIT_VERIFIED, exit_code
from bot.report import as_json as shared_keys
from bot.scoreboard import Score
from bot.scoreboard import as_json as scoreboard_json
from bot.store import JobView, Store
from bot.terminal import Narrator, diff_panel, key_values, print_json, standard_output, verdict_panel
from bot.types import JobKind, JobState
from config.models import UnknownModel
from config.settings import Settings, child_environment
from sandbox.proof import from_statement
from sandbox.types import Proof

FIX_SECONDS = 900.0
REVIEW_SECONDS = 600.0


@dataclass(frozen=True, kw_only=True)
class Fixed:
    """The first act: an issue was labelled."""

    pull: Pull
    url: str
    proof: Proof
    attempt: Attempt
    scores: tuple[Score, ...]


@dataclass(frozen=True, kw_only=True)
class Caught:
    """The second act: a pull request that breaks something was reviewed."""

    pull: Pull
    url: str
    check: CheckRun
    proof: Proof
    comment: str


def run(settings: Settings, *, model: str, keep: bool, as_json: bool) -> int:
    """The exit code is the first act's verdict's; 1 when the second act let the broken pull request pass."""
    narrator = Narrator()
    _check_model(settings, model)
    engine = wiring.engine(settings)
    engine.ensure_base(narrator)
    state = Path(tempfile.mkdtemp(prefix="redgreen-demo-"))
    environment = child_environment({"REDGREEN_MODELS__DEFAULT": model} if model else {})
    console = standard_output()
    try:
        with set_up(environment, state, narrator) as stage:
            store = Store.open(f"sqlite:///{state / 'store' / 'redgreen.db'}")
            try:
                fixed = _first_act(stage, store, narrator, None if as_json else console)
                caught = _second_act(stage, store, narrator)
            finally:
                store.close()
            if as_json:
                print_json(_summary(fixed, caught, narrator.seconds))
            else:
                _show_review(console, caught)
                _show_end(console, stage, narrator.seconds, keep=keep)
            if keep:
                _wait_for_ctrl_c(narrator)
    finally:
        engine.collect_orphans()  # of a worker that had to be killed
        engine.close()
        if not keep:
            shutil.rmtree(state, ignore_errors=True)
    return exit_code(fixed.proof.verdict) or (
        EXIT_VERIFIED if caught.check.conclusion == "failure" else EXIT_NOT_VERIFIED
    )


def _check_model(settings: Settings, model: str) -> None:
    """Told before anything is started for it. Raises `UsageError`."""
    try:
        wiring.lineup(settings).get(model or settings.models.default)
    except UnknownModel as error:
        raise UsageError(f"--model: {error}") from None


def _first_act(stage: Stage, store: Store, tell: Narrator, console: Console | None) -> Fixed:
    hub, name, sample = stage.hub, stage.repository, stage.sample
    issue = hub.open_issue(name, REPORTER, sample.issue_title, sample.issue_body)
    tell(f"{REPORTER} opens issue #{issue.number}: {sample.issue_title}")
    if console:
        console.print(
            Panel(Markdown(sample.issue_body), title=f"#{issue.number} {sample.issue_title}", title_align="left")
        )
    hub.label(name, issue.number, "redgreen", MAINTAINER)
    tell(f"{MAINTAINER} puts the label redgreen on it")
    job = stage.wait("the job to end", lambda: _ended(store, JobKind.FIX, issue.number), seconds=FIX_SECONDS)
    statement = store.proofs.load(job.job.id)
    if statement is None or job.pull_number is None:
        raise DemoFailed(f"no pull request was opened: {job.reason or _last_comment(stage, issue.number)}")
    proof, attempt = from_statement(statement), contest.best(racing.stored(store, job.job.id)).attempt
    pull = hub.repository(name).pulls[job.pull_number]
    tell(f"pull request #{pull.number} is open: {pull.issue.title}")
    if console:
        _show_pull(console, pull, proof, attempt)
    if pull.draft:
        hub.mark_ready(name, pull.number, MAINTAINER)
    hub.merge(name, pull.number, MAINTAINER)
    tell(f"{MAINTAINER} reads it, marks it ready and merges it")
    scores = stage.wait("the outcome on the scoreboard", lambda: _merged_scores(store), seconds=60)
    if console:
        console.print(Rule("The scoreboard", align="left", style="dim"))
        listings.print_scoreboard(scores, console)
    return Fixed(pull=pull, url=_url(stage, pull), proof=proof, attempt=attempt, scores=scores)


def _second_act(stage: Stage, store: Store, tell: Narrator) -> Caught:
    hub, name, sample = stage.hub, stage.repository, stage.sample
    branch = "tidy-up"
    hub.push_files(name, branch, sample.breaking_files, sample.breaking_title, MAINTAINER)
    pull = hub.open_pull(name, MAINTAINER, head=branch, title=sample.breaking_title, body=sample.breaking_body)
    tell(f"{MAINTAINER} opens pull request #{pull.number}: {sample.breaking_title}")
    job = stage.wait("the review to end", lambda: _ended(store, JobKind.REVIEW, pull.number), seconds=REVIEW_SECONDS)
    statement = store.proofs.load(job.job.id)
    check = next((run for run in hub.repository(name).check_runs.values() if run.head_sha == pull.head_sha), None)
    if statement is None or check is None:
        raise DemoFailed(f"pull request #{pull.number} was not reviewed: {job.reason}")
    tell(f"the check run on it says {check.conclusion}: {check.title}")
    comment = _last_comment(stage, pull.number)
    return Caught(pull=pull, url=_url(stage, pull), check=check, proof=from_statement(statement), comment=comment)


def _ended(store: Store, kind: JobKind, number: int) -> JobView | None:
    ended = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)
    found = (view for view in store.jobs.recent() if view.job.start.kind is kind and view.job.start.number == number)
    return next((view for view in found if view.job.state in ended), None)


def _merged_scores(store: Store) -> tuple[Score, ...] | None:
    scores = listings.scored(store)
    return scores if any(score.of_decided.successes for score in scores) else None


def _last_comment(stage: Stage, number: int) -> str:
    comments = [c for c in stage.hub.repository(stage.repository).comments.values() if c.number == number]
    return comments[-1].body if comments else ""


def _url(stage: Stage, pull: Pull) -> str:
    return f"{stage.hub.url}/{stage.repository}/pull/{pull.number}"


def _show_pull(console: Console, pull: Pull, proof: Proof, attempt: Attempt) -> None:
    """The pull request as a reader sees it, its diff, and the verdict behind it."""
    title = f"Pull request #{pull.number}: {pull.issue.title}"
    console.print(Panel(Markdown(pull.issue.body or ""), title=title, title_align="left", border_style="cyan"))
    console.print(diff_panel(proof.patch))
    console.print(verdict_panel(proof, attempt))


def _show_review(console: Console, caught: Caught) -> None:
    title = f"Review of pull request #{caught.pull.number}: {caught.pull.issue.title}"
    console.print(Panel(Markdown(caught.comment), title=title, title_align="left", border_style="red"))


def _show_end(console: Console, stage: Stage, seconds: float, *, keep: bool) -> None:
    rows = [("took", f"{seconds:.1f} s")]
    if keep:
        rows += [("look at", f"{stage.hub.url}/{stage.repository}"), ("state", str(stage.state))]
    else:
        rows.append(("look around", "redgreen demo --keep leaves it running"))
    rows.append(("your own code", "redgreen fix --repo DIR --issue FILE"))
    console.print(key_values(rows))


def _summary(fixed: Fixed, caught: Caught, seconds: float) -> dict[str, Any]:
    return shared_keys(fixed.proof, fixed.attempt) | {
        "seconds": round(seconds, 3),
        "pull_request": {
            "number": fixed.pull.number,
            "url": fixed.url,
            "title": fixed.pull.issue.title,
            "body": fixed.pull.issue.body,
            "merged": fixed.pull.merge is not None,
        },
        "scoreboard": scoreboard_json(fixed.scores),
        "review": shared_keys(caught.proof)
        | {
            "pull_request": caught.pull.number,
            "url": caught.url,
            "conclusion": caught.check.conclusion,
            "title": caught.check.title,
            "comment": caught.comment,
        },
    }


def _wait_for_ctrl_c(tell: Narrator) -> None:
    tell("everything keeps running; Ctrl-C ends it")
    try:
        while True:
            time.sleep(1)
    except KeyboardInterrupt:
        tell("ending")
