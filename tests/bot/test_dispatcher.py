"""Stored deliveries -> decisions and jobs: in order, once each, and only for who may."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.dispatcher import MOST_TRIES, SUPERSEDED, Dispatcher
from bot.errors import ForgeUnavailable
from bot.forge.protocol import Permission
from bot.routing import Policy
from bot.store import Store, job_id_for
from bot.types import Delivery, JobId, JobKind, JobState
from tests.bot.conftest import Time
from tests.support import github_events as gh
from tests.support.forge import MemoryForge


@dataclass
class Forge(MemoryForge):
    role: Permission = Permission.WRITE
    config: bytes | None = None
    asked: list[str] = field(default_factory=list)
    away: bool = False

    def permission(self, login: str) -> Permission:
        self.asked.append(login)
        return self.role

    def read_file(self, path: str, ref: str) -> bytes | None:
        if self.away:
            raise ForgeUnavailable("GitHub answers 502", retry_after=7.0)
        self.asked.append(f"{path}@{ref}")
        return self.config


@dataclass
class Queue:
    enqueued: list[tuple[str, str, str]] = field(default_factory=list)

    def enqueue(self, workflow: str, argument: str, *, id: str, partition: str) -> None:
        self.enqueued.append((workflow, id, partition))


@dataclass
class World:
    store: Store
    forge: Forge = field(default_factory=Forge)
    queue: Queue = field(default_factory=Queue)
    bugs: list[Exception] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.dispatcher = Dispatcher(
            store=self.store,
            forges=lambda _repository: self.forge,
            queue=self.queue,
            policy=Policy(models=frozenset({"repair"}), bots=frozenset({"helper[bot]"})),
            on_bug=self.bugs.append,
        )

    def receive(self, event: str, payload: dict[str, Any]) -> Delivery:
        delivery = gh.delivery(event, payload)
        self.store.deliveries.append([delivery])
        self.dispatcher.run_once()
        return delivery

    def became(self, delivery: Delivery) -> str:
        found = self.store.deliveries.result(delivery.id)
        assert found is not None
        return ": ".join(found)

    @property
    def said(self) -> list[str]:
        return [body for _, body in self.forge.comments.values()]


@pytest.fixture
def world(sqlite_store: Store) -> World:
    return World(sqlite_store)


def test_a_label_of_somebody_who_may_write_becomes_one_job(world: World) -> None:
    delivery = world.receive("issues", gh.labeled())
    job = world.store.jobs.get(job_id_for(delivery.id))
    assert (job.start.kind, job.state) == (JobKind.FIX, JobState.QUEUED)
    assert world.queue.enqueued == [("job", job.id, "7:3")]
    assert world.forge.asked == [".github/redgreen.yml@main", "mona"]
    world.store.deliveries.append([delivery])
    assert world.dispatcher.run_once() == 0
    assert len(world.queue.enqueued) == 1


def test_what_asks_for_nothing_costs_no_request(world: World) -> None:
    for event, payload in (("star", {}), ("issue_comment", gh.commented("nice")), ("issues", {"action": "labeled"})):
        assert world.became(world.receive(event, payload)).startswith("handled: ignored")
    assert world.forge.asked == []


def test_a_label_of_somebody_who_may_not_is_silence(world: World) -> None:
    world.forge.role = Permission.READ
    assert world.became(world.receive("issues", gh.labeled())).startswith("handled: denied")
    assert (world.said, world.queue.enqueued) == ([], [])


def test_a_command_of_somebody_who_may_not_is_answered_once(world: World) -> None:
    world.forge.role = Permission.READ
    world.receive("issue_comment", gh.commented("@redgreen fix"))
    assert len(world.said) == 1
    assert "needs write access" in world.said[0]
    assert world.queue.enqueued == []


def test_a_stranger_gets_no_word_for_a_mistake(world: World) -> None:
    world.forge.role = Permission.NONE
    world.receive("issue_comment", gh.commented("@redgreen fxi"))
    assert world.said == []


def test_a_listed_bot_may_and_github_is_not_asked_for_its_role(world: World) -> None:
    world.receive("issue_comment", gh.commented("@redgreen fix", sender="helper[bot]"))
    assert len(world.queue.enqueued) == 1
    assert "helper[bot]" not in world.forge.asked


def test_a_mistake_in_the_repositorys_file_is_answered_with_its_line(world: World) -> None:
    world.forge.config = b"label: redgreen\nlabels: x\n"
    world.receive("issues", gh.labeled())
    assert len(world.said) == 1
    assert "line 2" in world.said[0]
    assert "labels" in world.said[0]
    assert world.queue.enqueued == []


@pytest.mark.parametrize(
    ("body", "pull", "words"),
    [
        ("@redgreen help", False, "stop what is running here"),
        ("@redgreen fxi", False, "I do not know the command"),
        ("@redgreen fix with gpt-99", False, "no model called"),
        ("@redgreen fix", True, "`fix` works on issues"),
        ("@redgreen verify", False, "works on pull requests"),
        ("@redgreen stop", False, "Nothing is running here"),
    ],
)
def test_what_cannot_be_done_is_answered(world: World, body: str, pull: bool, words: str) -> None:
    world.receive("issue_comment", gh.commented(body, pull=pull))
    assert len(world.said) == 1
    assert words in world.said[0]


def test_an_answer_that_was_posted_before_a_crash_is_not_posted_again(world: World) -> None:
    delivery = world.receive("issue_comment", gh.commented("@redgreen help"))
    twice = World(world.store, forge=world.forge)
    with world.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE deliveries SET state = 'pending'")
        connection.exec_driver_sql("DELETE FROM publications")
    assert twice.dispatcher.run_once() == 1
    assert len(world.said) == 1
    assert world.became(delivery) == "handled: answered: help"


def test_asking_twice_starts_one_fix(world: World) -> None:
    world.receive("issues", gh.labeled())
    again = world.receive("issue_comment", gh.commented("@redgreen fix"))
    assert world.became(again).startswith("handled: already running")
    assert len(world.queue.enqueued) == 1


def test_a_newer_push_replaces_the_review_of_the_older(world: World) -> None:
    first = world.receive("pull_request", gh.pull_request())
    world.receive("pull_request", gh.pull_request("synchronize"))
    assert world.store.jobs.stop_reason(job_id_for(first.id)) == SUPERSEDED
    assert len(world.queue.enqueued) == 2


def test_stop_asks_every_job_on_the_issue(world: World) -> None:
    first = world.receive("issues", gh.labeled())
    stop = world.receive("issue_comment", gh.commented("@redgreen stop", sender="ada"))
    assert world.store.jobs.stop_reason(job_id_for(first.id)) == "ada"
    assert world.became(stop) == "handled: stopped 1 jobs"


def test_strangers_pull_requests_are_reviewed_only_where_everyone_is_welcome(world: World) -> None:
    world.forge.role = Permission.READ
    world.receive("pull_request", gh.pull_request(sender="stranger"))
    assert world.queue.enqueued == []
    world.forge.config = b"review: everyone\n"
    world.receive("pull_request", gh.pull_request(sender="stranger", number=9))
    assert len(world.queue.enqueued) == 1


def test_a_closed_pull_request_of_ours_becomes_an_outcome_whoever_closed_it(world: World) -> None:
    world.forge.role = Permission.NONE
    delivery = world.receive("pull_request", gh.pull_request("closed", head_ref="redgreen/issue-3", merged=True))
    assert world.queue.enqueued == [("outcome", f"outcome-{delivery.id}", "7:8")]


def test_a_forge_that_is_away_is_asked_later_and_order_is_kept(world: World, clock: Time) -> None:
    world.forge.away = True
    first = world.receive("issues", gh.labeled(number=3))
    second = world.receive("issues", gh.labeled(number=4))
    ignored = world.receive("star", {})
    assert world.became(first) == "pending: GitHub answers 502"
    assert world.became(second) == "pending: "
    assert world.became(ignored).startswith("handled")
    world.forge.away = False
    assert world.dispatcher.run_once() == 0
    clock.now += 8
    assert world.dispatcher.run_once() == 2
    assert [id for _, id, _ in world.queue.enqueued] == [job_id_for(first.id), job_id_for(second.id)]


def test_a_forge_that_stays_away_is_given_up_and_noted(world: World, clock: Time) -> None:
    world.forge.away = True
    delivery = world.receive("issues", gh.labeled())
    for _ in range(MOST_TRIES):
        clock.now += 1000
        world.dispatcher.run_once()
    assert world.became(delivery) == "dead: GitHub was not to be reached: GitHub answers 502"


def test_a_delivery_that_we_cannot_handle_stops_no_other(world: World) -> None:
    world.forge.config = b"label: x\n"
    broken = Dispatcher(
        store=world.store, forges=lambda _r: 1 / 0, queue=world.queue, policy=Policy(), on_bug=world.bugs.append
    )  # type: ignore[arg-type, return-value]
    delivery = gh.delivery("issues", gh.labeled())
    world.store.deliveries.append([delivery, gh.delivery("star", {})])
    assert broken.run_once() == 2
    assert world.became(delivery).startswith("dead: ZeroDivisionError")
    assert len(world.bugs) == 1


def test_a_job_that_a_crash_left_out_of_the_queue_is_put_there(world: World) -> None:
    delivery = world.receive("issues", gh.labeled())
    with world.store.database.writing() as connection:
        connection.exec_driver_sql("UPDATE jobs SET enqueued = 0")
    world.queue.enqueued.clear()
    world.dispatcher.run_once()
    assert [id for _, id, _ in world.queue.enqueued] == [JobId(job_id_for(delivery.id))]


def test_retry_does_the_last_job_again_with_its_model(world: World) -> None:
    first = world.receive("issue_comment", gh.commented("@redgreen fix with repair"))
    world.store.jobs.ended(job_id_for(first.id), JobState.FAILED, "the engine was away")
    again = world.receive("issue_comment", gh.commented("@redgreen retry"))
    start = world.store.jobs.get(job_id_for(again.id)).start
    assert (start.kind, start.model) == (JobKind.FIX, "repair")


def test_retry_of_a_verify_is_a_verify(world: World) -> None:
    first = world.receive("issue_comment", gh.commented("@redgreen verify", pull=True))
    world.store.jobs.ended(job_id_for(first.id), JobState.FAILED, "the engine was away")
    again = world.receive("issue_comment", gh.commented("@redgreen retry", pull=True))
    assert world.store.jobs.get(job_id_for(again.id)).start.findings is False


def test_retry_where_nothing_was_done_starts_nothing_and_says_so(world: World) -> None:
    world.receive("issue_comment", gh.commented("@redgreen retry"))
    assert world.store.jobs.recent() == ()
    assert "There is no earlier job here" in world.said[0]


def test_retry_with_a_model_that_the_lineup_lost_takes_the_usual_one(world: World) -> None:
    first = world.receive("issue_comment", gh.commented("@redgreen fix with repair"))
    world.store.jobs.ended(job_id_for(first.id), JobState.FAILED, "the engine was away")
    later = World(world.store, forge=world.forge)
    later.dispatcher = Dispatcher(
        store=world.store, forges=lambda _repository: world.forge, queue=later.queue, policy=Policy()
    )
    again = later.receive("issue_comment", gh.commented("@redgreen retry"))
    assert world.store.jobs.get(job_id_for(again.id)).start.model == ""
