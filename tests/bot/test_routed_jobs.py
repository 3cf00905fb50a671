"""What a job does with rules and walls, over the local GitHub, with real servers that count who reaches them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from agents.models import build
from agents.patience import Patience
from agents.protocols import Recorder
from agents.review import review
from agents.terms import Terms
from agents.types import Attempt, Ending, Task
from bot.choosing import Routes
from bot.contest import Rules
from bot.house import House
from bot.pipeline import Pipeline
from bot.repo_config import RepoConfig
from bot.store.schema import attempts
from bot.types import DeliveryId, IssueText, JobKind, JobState, StartJob
from bot.workshop import ExecutedChange, Opinion
from config.models import Lineup, load
from config.routes import Rule
from tests.bot.test_job_scenarios import NAME, Straight, World, world
from tests.support import proofs
from tests.support.durable_world import Fate, FileWorkshop
from tests.support.model_server import ModelServer, Received, model_server, openai_message, problem

__all__ = ["world"]

CONFIG = ".github/redgreen.yml"


@dataclass
class CallingWorkshop(FileWorkshop):
    """Calls real endpoints, as the lineup says, with the repository's source."""

    lineup: Lineup = field(default_factory=lambda: Lineup(models={}))

    def attempt(self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms) -> Attempt:
        endpoint = build(self.lineup.get(model), None, terms)
        assert endpoint is not None
        claims = review(endpoint, task.title, "the source", ())
        return replace(
            proofs.ATTEMPT, model=model, ending=Ending.GAVE_UP, diff="", reason=claims.problem or "looked at it"
        )

    def findings(self, change: ExecutedChange, model: str, terms: Terms, stopped: Callable[[], bool]) -> Opinion:
        endpoint = build(self.lineup.get(model), None, terms, patience=Patience(stopped=stopped))
        assert endpoint is not None
        claims = review(endpoint, change.title, change.diff, ())
        return Opinion(usage=claims.usage, cost_usd=claims.cost_usd, problem=claims.problem)


@dataclass
class Served:
    world: World
    vendor: ModelServer
    """Whoever reaches it has seen the source."""
    house: ModelServer

    @property
    def seen(self) -> tuple[int, int]:
        """Requests that reached the vendor, and the house's own server."""
        return len(self.vendor.requests), len(self.house.requests)

    def rules(self, *rules: Rule, **changes: Any) -> None:
        names = frozenset({"vendor", "house", "false-friend"})
        given = {"default": "vendor", "models": names, "at_home": names - {"vendor"}, **changes}
        self.world.tools = replace(self.world.tools, routes=Routes(rules=rules, **given))

    def configured(self, text: str) -> None:
        self.world.hub.push_files(NAME, "main", {CONFIG: text.encode()}, "Configure", "ada")

    def enclosed(self, *patterns: str) -> None:
        self.world.tools = replace(self.world.tools, house=House(repositories=patterns))

    def fix(self, named: str = "", compare: tuple[str, ...] = (), **issue: Any) -> str:
        """The job's status comment when it has ended."""
        start = StartJob(
            kind=JobKind.FIX,
            repository=self.world.repository,
            requested_by="ada",
            number=1,
            issue=IssueText(**{"number": 1, "title": "Empty title", "body": "It is lost.", **issue}),
            model=named,
            named=bool(named),
            compare=compare,
        )
        return self.run(start)

    def review(self) -> str:
        pulls = self.world.hub.repository(NAME).pulls
        if not pulls:
            self.world.hub.push_files(NAME, "topic", {"slug.py": b"b\n"}, "Edit", "ada")
        number = (
            next(iter(pulls), 0) or self.world.hub.open_pull(NAME, "ada", head="topic", title="Edit", body="").number
        )
        return self.run(
            StartJob(kind=JobKind.REVIEW, repository=self.world.repository, requested_by="ada", number=number)
        )

    def run(self, start: StartJob) -> str:
        jobs = self.world.store.jobs
        job = jobs.accept(DeliveryId(f"d-{len(jobs.recent())}"), start)
        jobs.mark_enqueued(job.id)
        Pipeline(self.world.tools, pauses=(5.0,)).job(Straight(), job.id)
        return next(reversed(self.world.comments()), "")

    def chosen_by(self) -> list[tuple[str, str]]:
        with self.world.store.database.reading() as connection:
            return [tuple(row) for row in connection.execute(sa.select(attempts.c.model, attempts.c.chosen_by))]


def answer(received: Received) -> Any:
    return openai_message(text="I see nothing.", usage={"prompt_tokens": 50, "completion_tokens": 5})


def row(name: str, url: str, extra: str) -> str:
    return (
        f"[models.{name}]\nadapter = 'openai'\nendpoint = '{url}/v1'\nmodel_id = 'x'\nwindow = 90_000\n"
        f"output_limit = 2_000\n{extra}\n[models.{name}.price]\nas_of = 2026-11-23\ninput = 1\noutput = 2\n"
    )


@pytest.fixture
def served(world: World, tmp_path: Path) -> Iterator[Served]:
    with model_server(*[answer] * 20) as vendor, model_server(*[answer] * 20) as house:
        lineup = load(
            row("vendor", vendor.url, "") + row("house", house.url, "self_hosted = true")
            + row("false-friend", "http://8.8.8.8:9", "self_hosted = true")
        )  # fmt: skip
        workshop = CallingWorkshop(Fate(tmp_path), lineup=lineup)
        found = Served(world=replace(world, tools=replace(world.tools, workshop=workshop)), vendor=vendor, house=house)
        found.rules()
        yield found


# --- rules -------------------------------------------------------------------------------------------------------


def test_a_rule_chooses_and_is_stored_with_the_attempt_and_named_on_the_issue(served: Served) -> None:
    served.rules(Rule(model="house", name="small", label=("bug",)))
    said: list[str] = []
    steps = Straight({"attempt": lambda: said.extend(served.world.comments())})
    job = served.world.store.jobs.accept(
        DeliveryId("d"),
        StartJob(
            kind=JobKind.FIX, repository=served.world.repository, requested_by="ada", number=1,
            issue=IssueText(number=1, title="t", body="b", labels=("Bug",)),
        ),
    )  # fmt: skip
    Pipeline(served.world.tools, pauses=(5.0,)).job(steps, job.id)
    assert "Working on a fix with `house`" in said[-1]
    assert "It was chosen by rule 1: small." in said[-1]
    assert served.chosen_by() == [("house", "rule 1: small")]
    assert served.seen == (0, 1)


def test_paths_that_the_issue_names_choose(served: Served) -> None:
    served.rules(Rule(model="house", path=("slug.py",)))
    served.fix(body="See slug.py, line 1.")
    served.fix(body="See nothing.")
    assert [by for _, by in served.chosen_by()] == ["rule 1", "the default"]
    assert served.seen == (1, 1)


def test_paths_and_lines_of_a_pull_request_choose(served: Served) -> None:
    served.rules(Rule(model="house", kind="review", path=("slug.py",), max_lines=2))
    served.review()
    assert served.seen == (0, 1)


def test_a_comment_chooses_within_what_is_allowed(served: Served) -> None:
    served.rules(Rule(model="house"), allowed=("house",))
    said = served.fix(named="vendor")
    assert "vendor, which a comment asks for, may not be used here. Allowed: house." in said
    assert served.seen == (0, 0)
    served.rules(Rule(model="house"), allowed=("house", "vendor"))
    served.fix(named="vendor")
    assert served.chosen_by() == [("vendor", "a comment")]
    assert served.seen == (1, 0)


def test_a_pull_request_names_who_chose_the_model(world: World) -> None:
    routes = Routes(default="m", models=frozenset({"m"}), rules=(Rule(model="m", name="all"),))
    world.tools = replace(world.tools, routes=routes)
    view = world.fix()
    assert view.pull_number is not None
    assert ", chosen by rule 1: all |" in world.hub.repository(NAME).issues[view.pull_number].body


def test_a_repository_names_a_model_within_what_is_allowed(served: Served) -> None:
    served.rules(allowed=("house",))
    served.configured("model: house\n")
    served.fix()
    served.configured("model: vendor\n")
    assert "vendor, which the repository's file asks for, may not be used here" in served.fix()
    assert served.chosen_by() == [("house", "the repository's file")]
    assert served.seen == (0, 1)


# --- the wall: nothing of the repository reaches the vendor ------------------------------------------------------


def test_an_enclosed_repository_reaches_the_house_only(served: Served) -> None:
    served.enclosed("octo/*")
    said = served.fix()
    assert "Only self-hosted models may see this repository" in said
    served.rules(Rule(model="vendor"), Rule(model="house"))
    served.fix()
    assert served.chosen_by() == [("house", "rule 2")]
    assert served.seen == (0, 1)


def test_a_repository_encloses_itself_by_its_file(served: Served) -> None:
    served.configured("self_hosted_only: true\n")
    served.rules(Rule(model="house", label=("x",)))
    assert "Only self-hosted models" in served.fix()
    served.fix(labels=("x",))
    served.review()
    assert served.seen == (0, 1)


@pytest.mark.parametrize(
    "text", ["self_hosted_only: false\n", "self_hosted_only: false\nmodel: vendor\n", "model: vendor\n"]
)
def test_a_repositorys_file_does_not_open_what_the_operator_closed(text: str, served: Served) -> None:
    served.enclosed("OCTO/shop")
    served.configured(text)
    assert "self-hosted" in served.fix()
    served.review()
    assert served.seen == (0, 0)


def test_a_comment_does_not_open_it(served: Served) -> None:
    served.enclosed("octo/shop")
    assert "vendor, which a comment asks for, is not one" in served.fix(named="vendor")
    assert served.seen == (0, 0)


def test_a_review_is_made_without_an_opinion_and_says_why(served: Served) -> None:
    served.enclosed("octo/shop")
    said = served.review()
    assert "No model's opinion is part of this: Only self-hosted models may see this repository" in said
    assert served.seen == (0, 0)


def test_a_review_that_is_stopped_does_not_wait_for_a_busy_endpoint(served: Served) -> None:
    jobs = served.world.store.jobs

    def busy(received: Received) -> Any:
        jobs.ask_to_stop(jobs.recent()[0].job.id, "a newer push")
        return problem(429, "rate_limit_error", "Slow down.", retry_after="60")

    served.vendor.script[:] = [busy] * 5
    started = time.monotonic()
    served.review()
    assert time.monotonic() - started < 30
    assert served.seen == (1, 0)
    assert jobs.recent()[0].job.state is JobState.CANCELLED


def test_a_mark_in_the_lineup_does_not_open_it_where_the_address_is_elsewhere(served: Served) -> None:
    served.enclosed("octo/shop")
    served.rules(default="false-friend")
    assert "8.8.8.8 is not known as self-hosted" in served.fix()
    assert served.chosen_by() == [("false-friend", "the default")]


def test_the_wall_stands_in_the_transport_where_choosing_was_talked_around(served: Served) -> None:
    """Whatever picks a model later (a fallback, a race) is held to the terms of its job."""
    served.enclosed("octo/shop")
    served.rules(at_home=frozenset({"vendor"}))  # the mistake
    assert "only self-hosted models may see this repository" in served.fix()
    assert "only self-hosted models may see this repository" in served.review()
    assert served.seen == (0, 0)


def test_a_race_and_a_fallback_do_not_lead_over_it(served: Served) -> None:
    served.enclosed("octo/shop")
    rules = Rules(race=("vendor", "house"), samples=2, fallback=("vendor",), at_home=frozenset({"house"}))
    served.rules(default="house")
    served.world.tools = replace(served.world.tools, rules=rules)
    served.fix()
    assert sorted(model for model, _ in served.chosen_by()) == ["house", "house"]
    assert served.seen == (0, 2)


def test_a_comparison_does_not_lead_over_it(served: Served) -> None:
    served.enclosed("octo/shop")
    assert "vendor, which a comment asks for, is not one" in served.fix(compare=("house", "vendor"))
    assert served.seen == (0, 0)


def test_a_race_of_the_settings_takes_the_place_of_the_default_only(served: Served) -> None:
    served.world.tools = replace(served.world.tools, rules=Rules(race=("vendor", "house")))
    served.fix()
    served.rules(Rule(model="house", label=("x",)))
    served.fix(labels=("x",))
    known = [("house", "rule 1"), ("house", "the settings' race"), ("vendor", "the default")]
    assert sorted(served.chosen_by()) == known


@contextmanager
def variables(monkeypatch: pytest.MonkeyPatch, url: str) -> Iterator[None]:
    with monkeypatch.context() as patch:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL"):
            patch.setenv(name, url)
        yield


def test_the_environment_does_not_open_it(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    served.enclosed("octo/shop")
    served.rules(default="house")
    # GitHub is spoken to through the environment's proxy, as everywhere: only the attempt itself is made under it.
    workshop = served.world.tools.workshop
    assert isinstance(workshop, CallingWorkshop)
    terms = Terms(wall=served.world.tools.house.wall(NAME, RepoConfig()))
    with variables(monkeypatch, served.vendor.url):
        endpoint = build(workshop.lineup.get("house"), None, terms)
        assert endpoint is not None
        review(endpoint, "t", "the source", ())
    assert served.seen == (0, 1)


def test_a_limit_of_money_is_told_on_the_pull_request(served: Served) -> None:
    limits = replace(served.world.tools.limits, repository=0.001)
    served.world.tools = replace(served.world.tools, limits=limits)
    assert "This repository's limit of \\$0.001 a month could be broken" in served.review()
    assert served.seen == (0, 0)
    assert served.world.store.jobs.recent()[0].job.state is JobState.DONE
