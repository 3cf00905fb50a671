"""What people see on GitHub when a job meets what other people did meanwhile: the pipeline over the local GitHub."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from agents.protocols import Recorder
from agents.terms import Terms
from agents.types import Attempt, Ending, Task, Usage
from bot.forge.app import AppIdentity, GitHubApp
from bot.forge.github import GitHubForge
from bot.localhub.acts import issues
from bot.localhub.domain import Role
from bot.localhub.server import LocalHub
from bot.manifest import load_manifest
from bot.messages.status import internal_error
from bot.money.budget import Limits
from bot.money.purse import StorePurse
from bot.pipeline import NOT_VERIFIED, Pipeline, outcome_text
from bot.repo_config import RepoConfig
from bot.store import Account, JobView, Purpose, Store
from bot.tools import Tools
from bot.types import DeliveryId, IssueText, JobId, JobKind, JobState, OutcomeKind, RecordOutcome, Repository, StartJob
from sandbox.types import CommitSha, Proof
from tests.support import proofs
from tests.support.durable_world import Fate, FileWorkshop, call_of
from tests.support.hub import running_hub

NAME = "octo/shop"
BRANCH = "redgreen/issue-1"


class Straight:
    """`bot.arrows.Steps` without a queue; what happens in a pause, or before an arrow, is the test's."""

    draining = False

    def __init__(self, before: dict[str, Callable[[], object]] | None = None) -> None:
        self._before = before or {}
        self.pauses: list[float] = []

    def run(self, name: str, function: Callable[[], Any]) -> Any:
        self._before.pop(name, lambda: None)()
        return function()

    def sleep(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self._before.pop("pause", lambda: None)()


@dataclass
class World:
    hub: LocalHub
    store: Store
    repository: Repository
    tools: Tools

    def accept(self) -> JobId:
        start = StartJob(
            kind=JobKind.FIX,
            repository=self.repository,
            requested_by="ada",
            number=1,
            issue=IssueText(number=1, title="Empty title", body="It is lost."),
        )
        job = self.store.jobs.accept(DeliveryId(f"d-{len(self.store.jobs.recent())}"), start)
        self.store.jobs.mark_enqueued(job.id)
        return job.id

    def fix(self, steps: Straight | None = None) -> JobView:
        job = self.accept()
        Pipeline(self.tools, pauses=(5.0,)).job(steps or Straight(), job)
        return self.store.jobs.view(job)

    def closed(self, number: int) -> str:
        """What the dispatcher hands to the queue when this pull request was closed."""
        pull = self.tools.forges(self.repository).pull(number)
        return outcome_text(RecordOutcome(repository=self.repository, pull=pull, merged=False, merge_commit_sha=None))

    def review(self, steps: Straight | None = None) -> JobView:
        """Of a pull request that ada opens."""
        self.hub.push_files(NAME, "topic", {"slug.py": b"b\n"}, "Edit", "ada")
        number = self.hub.open_pull(NAME, "ada", head="topic", title="Edit", body="").number
        start = StartJob(kind=JobKind.REVIEW, repository=self.repository, requested_by="ada", number=number)
        job = self.store.jobs.accept(DeliveryId("d-review"), start)
        Pipeline(self.tools, pauses=(5.0,)).job(steps or Straight(), job.id)
        return self.store.jobs.view(job.id)

    def calls(self) -> list[str]:
        """The model calls that were paid."""
        assert isinstance(self.tools.workshop, FileWorkshop)
        return self.tools.workshop.fate.lines("calls.log")

    def spend(self, usd: float) -> None:
        account = Account(
            attempt="an-earlier-job-1", job="an-earlier-job", purpose=Purpose.FIX, repository_id=self.repository.id
        )
        held = StorePurse(self.store.spend, Limits(attempt=None, job=None, repository=None), account).hold(call_of("m"))
        held.paid(Usage(input_tokens=1), usd)

    def close(self, number: int) -> None:
        inner, repository = self.hub.hub, self.hub.repository(NAME)
        with inner.lock:
            issues.close(inner, repository, repository.issues[number], inner.user("ada") or repository.owner)

    @property
    def fate(self) -> Fate:
        assert isinstance(self.tools.workshop, FileWorkshop)
        return self.tools.workshop.fate

    def branch(self) -> str | None:
        return self.tools.forges(self.repository).branch_sha(BRANCH)

    def comments(self) -> list[str]:
        return [comment.body for comment in self.hub.repository(NAME).comments.values()]

    def pulls(self) -> list[int]:
        return list(self.hub.repository(NAME).pulls)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with running_hub() as hub:
        for login in ("octo", "ada"):
            hub.add_user(login)
        made = hub.add_repository("octo", "shop", {"slug.py": b"a\n"}, collaborators={"ada": Role.WRITE})
        manifest = load_manifest()
        app = hub.add_app(
            "redgreen",
            "octo",
            permissions=manifest["default_permissions"],
            events=manifest["default_events"],
            webhook_secret="s",
        )
        installation = hub.install("redgreen", "octo")
        hub.open_issue(NAME, "ada", "Empty title", "It is lost.")
        repository = Repository(id=made.id, full_name=NAME, default_branch="main", installation_id=installation.id)
        ours = GitHubApp(
            AppIdentity(app_id=app.app_id, private_key=SecretStr(app.private_key), api_url=hub.api_url, web_url=hub.url)
        )
        store = Store.open(f"sqlite:///{tmp_path}/redgreen.db")
        tools = Tools(
            store=store,
            workshop=FileWorkshop(Fate(tmp_path)),
            forges=lambda found: GitHubForge(ours, found),
            default_model="m",
            draft=False,
        )
        yield World(hub=hub, store=store, repository=repository, tools=tools)
        store.close()


def test_a_persons_commit_on_our_branch_ends_the_job_with_what_to_do_about_it(world: World) -> None:
    theirs = world.hub.push_files(NAME, BRANCH, {"slug.py": b"mine\n"}, "My own try", "ada")
    view = world.fix()
    assert view.job.state is JobState.FAILED
    (said,) = world.comments()
    assert "holds a commit that is not ours; it is left as it is" in said
    assert "Delete the branch" in said
    assert world.pulls() == []
    assert world.branch() == theirs


def test_asking_again_after_the_pull_request_was_closed_opens_a_new_one(world: World) -> None:
    first = world.fix().pull_number
    assert first is not None
    world.close(first)
    second = world.fix().pull_number
    assert world.pulls() == [first, second]
    assert first != second


def test_asking_again_while_the_pull_request_is_open_goes_on_with_it(world: World) -> None:
    first = world.fix().pull_number
    assert world.fix().pull_number == first
    assert world.pulls() == [first]


def test_a_stop_before_the_commit_leaves_nothing_behind_and_says_so(world: World) -> None:
    def stop() -> None:
        (job,) = world.store.jobs.active(world.repository.id, 1)
        world.store.jobs.ask_to_stop(job.id, "ada")

    view = world.fix(Straight({"commit": stop}))
    assert view.job.state is JobState.CANCELLED
    assert "Stopped by `ada`" in world.comments()[0]
    assert world.pulls() == []
    assert world.branch() is None


def test_a_stop_after_the_commit_is_too_late_and_what_was_published_is_what_is_said(world: World) -> None:
    """Between the request that opens it and our note of it nobody can say that nothing was published."""

    def stop() -> None:
        (job,) = world.store.jobs.active(world.repository.id, 1)
        world.store.jobs.ask_to_stop(job.id, "ada")

    view = world.fix(Straight({"propose": stop}))
    assert view.job.state is JobState.DONE
    assert f"#{view.pull_number} is a pull request" in world.comments()[0]


def test_a_pull_request_that_is_closed_before_its_job_noted_it_is_counted_all_the_same(world: World) -> None:
    """The delivery of the closing and the job's own note travel on different ways."""
    job = world.accept()
    world.store.jobs.running(job)
    world.hub.push_files(NAME, BRANCH, {"slug.py": b"b\n"}, "Ours", "ada")
    number = world.hub.open_pull(NAME, "ada", head=BRANCH, title="Ours", body="").number
    steps = Straight({"pause": lambda: world.store.jobs.proposed(job, number)})
    Pipeline(world.tools, pauses=(5.0,)).outcome(steps, world.closed(number))
    assert steps.pauses == [5.0]
    world.store.attempts.begin(f"{job}-1", job_id=job, model="m")
    world.store.attempts.finish(f"{job}-1", proofs.ATTEMPT)
    assert [scored.outcome for scored in world.store.outcomes.scored()] == [OutcomeKind.CLOSED]


def test_a_pull_request_that_no_job_of_ours_opened_is_not_waited_for(world: World) -> None:
    world.hub.push_files(NAME, "redgreen/by-hand", {"slug.py": b"b\n"}, "Mine", "ada")
    number = world.hub.open_pull(NAME, "ada", head="redgreen/by-hand", title="Mine", body="").number
    steps = Straight()
    Pipeline(world.tools, pauses=(5.0,)).outcome(steps, world.closed(number))
    assert steps.pauses == []


def test_a_reviews_model_call_is_booked_on_its_repository(world: World) -> None:
    assert world.review().job.state is JobState.DONE
    (booked,) = world.store.spend.totals(("repository", "purpose", "model"), since=0)
    assert (booked.key, booked.calls, booked.usd) == ((NAME, "review", "m"), 1, 0.125)


def test_a_review_is_made_without_the_models_opinion_when_the_budget_is_used_up(world: World) -> None:
    world.spend(100.0)
    assert world.review().job.state is JobState.DONE
    assert world.calls() == []
    assert any(run.status == "completed" for run in world.hub.repository(NAME).check_runs.values())


def test_what_reviews_cost_counts_in_the_budget_of_fixes_and_what_is_free_goes_on(world: World) -> None:
    world.tools = replace(world.tools, limits=Limits(repository=0.6))
    world.review()
    refused = world.fix()
    assert (refused.job.state, world.calls()) == (JobState.FAILED, ["review"])
    said = "limit of $0.60 a month could be broken: $0.12 are spent, and the next call of m may cost $0.50"
    assert said in refused.reason
    world.tools = replace(world.tools, limits=Limits(repository=0.125))
    assert "limit of $0.12 a month is used up: $0.12 are spent" in world.fix().reason
    world.tools = replace(world.tools, limits=Limits(repository=2.0), free_models=frozenset({"m"}))
    assert world.fix().job.state is JobState.DONE


# --- what a job says of itself -----------------------------------------------------------------------------------


class Without(FileWorkshop):
    """Its attempts end without a patch."""

    ends = proofs.ATTEMPT

    def attempt(self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms) -> Attempt:
        return self.ends


@pytest.mark.parametrize(
    ("ending", "reason", "said"),
    [
        (Ending.CANNOT_REPRODUCE, "It works.", "could not reproduce the problem: It works."),
        (Ending.NEEDS_DECISION, "Up or down?", "needs a decision of a person: Up or down?"),
        (Ending.GAVE_UP, "Nothing held.", "searched and found nothing: Nothing held."),
        (Ending.LIMIT, "60 steps.", "reached a limit: 60 steps."),
    ],
)
def test_a_job_without_a_patch_keeps_why_there_is_none(world: World, ending: Ending, reason: str, said: str) -> None:
    workshop = Without(world.fate)
    workshop.ends = replace(proofs.ATTEMPT, ending=ending, reason=reason, diff="")
    world.tools = replace(world.tools, workshop=workshop)
    view = world.fix()
    assert (view.job.state, view.reason) == (JobState.DONE, said)


def test_a_patch_that_is_not_verified_is_told_as_that(world: World) -> None:
    class Unproven(FileWorkshop):
        def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig) -> Proof:
            return replace(super().verify(repository, base, diff, config), verdict=proofs.VERDICTS[2])

    world.tools = replace(world.tools, workshop=Unproven(world.fate))
    view = world.fix()
    assert (view.job.state, view.reason) == (JobState.DONE, NOT_VERIFIED)


def broken(world: World, table: str) -> Callable[[], None]:
    """A database that lost a table: every use of it fails with the driver's own words."""

    def drop() -> None:
        with world.store.database.writing() as connection:
            connection.exec_driver_sql(f"ALTER TABLE {table} RENAME TO lost_{table}")

    return drop


def test_of_a_store_that_fails_under_a_fix_the_comment_says_only_whose_log_to_read(world: World) -> None:
    with capture_logs() as logs:
        view = world.fix(Straight({"attempt": broken(world, "attempts")}))
    assert view.job.state is JobState.FAILED
    assert view.reason == internal_error(view.job.id)
    (comment,) = world.comments()
    assert (
        f"redgreen itself failed. Whoever runs it finds the details in its log, under the job {view.job.id}." in comment
    )
    assert "no such table" not in comment
    assert "attempts" not in comment
    assert any(one["job"] == view.job.id and "no such table: attempts" in one["error"] for one in logs)


def test_of_a_store_that_fails_under_a_review_the_check_says_only_whose_log_to_read(world: World) -> None:
    with capture_logs():
        view = world.review(Straight({"verify": broken(world, "proofs")}))
    assert (view.job.state, view.reason) == (JobState.FAILED, internal_error(view.job.id))
    (run,) = world.hub.repository(NAME).check_runs.values()
    assert view.job.id in str(run)
    assert "no such table" not in str(run)
