"""The attempts of a fix job over a real store: who is stopped, who falls back, what is kept."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from agents.errors import Fault, ModelRefused, StrategyUnavailable, TrajectoryError
from agents.protocols import Recorder
from agents.terms import OPEN, Terms
from agents.types import Attempt, Ending, Step, Task, Usage
from bot.contest import LOST, Entrant, Plan, Result, best, numbered
from bot.errors import Parked
from bot.race import Lanes
from bot.racing import Racing, stored
from bot.repo_config import RepoConfig
from bot.store import Store, attempt_id_for
from bot.types import DeliveryId, Job, JobKind, Repository, StartJob
from sandbox.errors import ContainerLost, PatchDoesNotApply
from sandbox.proof import sha256_of
from sandbox.types import CommitSha, FileChange, Part, Patch, Proof
from tests.support import proofs
from tests.support.durable_world import Fate, FileWorkshop

TASK = Task(id="t", repository="octo/shop", base_commit="1" * 40, title="", body="")
Does = Callable[[Recorder], Attempt]


def proposing(diff: str = proofs.ATTEMPT.diff, *, after: threading.Event | None = None) -> Does:
    """One step, and then a patch, not before an event."""

    def attempt(recorder: Recorder) -> Attempt:
        if after is not None:
            assert after.wait(60)
        if not recorder.steps():
            recorder.record(Step(index=0, messages=(), usage=Usage(input_tokens=1), cost_usd=0.5, diff=diff))
        return replace(proofs.ATTEMPT, diff=diff, cost_usd=0.5)

    return attempt


def working_on(recorder: Recorder) -> Attempt:
    """Two steps, and then no end until it is stopped."""
    for index in range(len(recorder.steps()), 2):
        recorder.record(Step(index=index, messages=(), usage=Usage(input_tokens=1), cost_usd=0.25))
    deadline = time.monotonic() + 60
    while not recorder.stopped():
        assert time.monotonic() < deadline, "it was never stopped"
        time.sleep(0.005)
    return replace(proofs.ATTEMPT, ending=Ending.STOPPED, diff="half a patch", cost_usd=0.5)


def ending(ending: Ending, fault: Fault | None = None) -> Does:
    return lambda _recorder: replace(proofs.ATTEMPT, ending=ending, diff="", fault=fault)


def raising(error: Exception) -> Does:
    def attempt(_recorder: Recorder) -> Attempt:
        raise error

    return attempt


@dataclass
class Workshop(FileWorkshop):
    does: dict[str, Does] = field(default_factory=dict)
    verdicts: dict[str, int | Exception] = field(default_factory=dict)
    """By patch: a place in `proofs.VERDICTS`, Verified where it is not listed; or what verifying raises."""
    verified: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    def attempt(self, task: Task, model: str, recorder: Recorder, config: RepoConfig, terms: Terms) -> Attempt:
        self.begun.append(model)
        return replace(self.does[model](recorder), model=model)

    def police(self, diff: str) -> Patch:
        path = ".github/workflows/ci.yml" if "workflow" in diff else "slug.py"
        return Patch(diff=diff, changes=(FileChange(path=path, part=Part.SOURCE),))

    def verify(self, repository: str, base: CommitSha, diff: str, config: RepoConfig) -> Proof:
        self.verified.append(diff)
        found = self.verdicts.get(diff, 0)
        if isinstance(found, Exception):
            raise found
        return replace(proofs.proof(proofs.VERDICTS[found]), patch=diff, patch_sha256=sha256_of(diff))


@dataclass
class World:
    store: Store
    job: Job
    workshop: Workshop
    told: list[str] = field(default_factory=list)

    def racing(
        self, *models: str, fallback: Sequence[str] = (), draining: Callable[[], bool] = lambda: False
    ) -> Racing:
        return Racing(
            store=self.store,
            workshop=self.workshop,
            lanes=Lanes(4),
            job=self.job,
            task=TASK,
            rules=RepoConfig(),
            terms=lambda _entrant: OPEN,
            plan=Plan(entrants=numbered(models), fallback=tuple(fallback)),
            draining=draining,
        )

    def run(self, racing: Racing) -> dict[str, Result]:
        """By model."""

        def falling_back(failed: Sequence[Result], following: Entrant) -> None:
            self.told.append(f"{failed[-1].entrant.model} -> {following.model}")

        return {result.entrant.model: result for result in racing.run(falling_back)}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    store = Store.open(f"sqlite:///{tmp_path}/redgreen.db")
    repository = Repository(id=7, full_name="octo/shop", default_branch="main", installation_id=1)
    start = StartJob(kind=JobKind.FIX, repository=repository, requested_by="ada", number=1)
    job = store.jobs.accept(DeliveryId("d"), start)
    yield World(store=store, job=job, workshop=Workshop(Fate(tmp_path)))
    store.close()


# --- a race ------------------------------------------------------------------------------------------------------


def test_the_first_verified_patch_is_taken_and_the_others_are_stopped_with_their_bill(world: World) -> None:
    begun = threading.Event()

    def slow(recorder: Recorder) -> Attempt:
        begun.set()
        return working_on(recorder)

    world.workshop.does = {"quick": proposing(after=begun), "slow": slow}
    found = world.run(world.racing("quick", "slow"))
    assert found["quick"].is_verified
    lost = found["slow"].attempt
    assert (lost.ending, lost.reason, lost.diff, lost.cost_usd) == (Ending.STOPPED, LOST, "", 0.5)
    assert stored(world.store, world.job.id) == tuple(found.values())
    chosen = world.racing("quick", "slow").choose()
    assert chosen.entrant.model == "quick"
    assert world.store.proofs.load(world.job.id) is not None
    assert len(world.workshop.verified) == 1, "the losing half of a patch is judged by nobody"
    assert len(world.store.attempts.steps(attempt_id_for(world.job.id, 2))) == 2, "its trajectory is kept"


def test_a_patch_that_comes_when_the_race_is_over_is_stopped_not_failed(world: World) -> None:
    begun, over = threading.Event(), threading.Event()

    def late(recorder: Recorder) -> Attempt:
        begun.set()
        while not recorder.stopped():
            time.sleep(0.005)
        over.set()
        return proposing("+late\n")(recorder)

    world.workshop.does = {"quick": proposing(after=begun), "late": late}
    found = world.run(world.racing("quick", "late"))
    assert over.is_set()
    assert (found["late"].attempt.ending, found["late"].attempt.diff) == (Ending.STOPPED, "")
    assert "+late\n" not in world.workshop.verified


def test_where_none_is_verified_everybody_works_to_the_end_and_the_best_stands_for_the_job(world: World) -> None:
    world.workshop.does = {
        "broken": proposing("+broken\n"),
        "long": proposing("+long\n+long\n"),
        "short": proposing("+short\n"),
        "workflow": proposing("+workflow\n"),
        "unfit": proposing("+unfit\n"),
        "none": ending(Ending.STUCK),
    }
    world.workshop.verdicts = {
        "+broken\n": proofs.NAMES.index("Regressed"),
        "+long\n+long\n": proofs.NAMES.index("NotFixed"),
        "+short\n": proofs.NAMES.index("NotFixed"),
        "+unfit\n": PatchDoesNotApply("It does not fit."),
    }
    models = tuple(world.workshop.does)
    found = world.run(world.racing(*models))
    assert best(tuple(found.values())).entrant.model == "short"
    assert found["workflow"].refused == "It changes .github/workflows/ci.yml, which is protected."
    assert found["unfit"].refused == "It does not fit."
    assert sorted(world.workshop.begun) == sorted(models)
    chosen = world.racing(*models).choose()
    assert (chosen.entrant.model, chosen.is_verified) == ("short", False)
    assert len(world.workshop.verified) == 4, "each patch is judged once, and the refused one not at all"


def test_a_model_without_a_key_does_not_keep_the_others_from_racing(world: World) -> None:
    world.workshop.does = {"keyless": raising(ModelRefused("no key", fault=Fault.KEY)), "m": proposing()}
    found = world.run(world.racing("keyless", "m"))
    assert (found["keyless"].attempt.ending, found["keyless"].attempt.fault) == (Ending.MODEL_FAILED, Fault.KEY)
    assert (found["keyless"].attempt.reason, found["keyless"].attempt.cost_usd) == ("no key", 0.0)
    assert found["m"].is_verified


SET_UP_WRONGLY = (StrategyUnavailable("no such strategy"), TrajectoryError("no such recorded run"))


@pytest.mark.parametrize("error", SET_UP_WRONGLY)
def test_an_entrant_that_is_set_up_wrongly_does_not_keep_the_others_from_racing(
    world: World, error: StrategyUnavailable | TrajectoryError
) -> None:
    world.workshop.does = {"odd": raising(error), "m": proposing()}
    found = world.run(world.racing("odd", "m"))
    assert (found["odd"].attempt.ending, found["odd"].attempt.reason) == (Ending.MODEL_FAILED, str(error))
    assert found["m"].is_verified


@pytest.mark.parametrize("error", SET_UP_WRONGLY)
def test_alone_it_is_the_jobs_failure_and_nobody_falls_back(
    world: World, error: StrategyUnavailable | TrajectoryError
) -> None:
    world.workshop.does = {"odd": raising(error), "m": proposing()}
    with pytest.raises(type(error)):
        world.run(world.racing("odd", fallback=("m",)))
    assert world.workshop.begun == ["odd"]


def test_a_lost_container_is_no_reason_to_lose_a_race_that_is_won(world: World) -> None:
    won = threading.Event()

    def losing(recorder: Recorder) -> Attempt:
        recorder.record(Step(index=0, messages=(), cost_usd=0.25))
        won.set()
        raise ContainerLost("gone")

    world.workshop.does = {"m": proposing(after=won), "losing": losing}
    found = world.run(world.racing("m", "losing"))
    assert found["m"].is_verified
    assert (found["losing"].attempt.ending, found["losing"].attempt.cost_usd) == (Ending.STOPPED, 0.25)


def test_a_lost_container_is_tried_again_and_who_has_ended_is_kept(world: World) -> None:
    world.workshop.does = {"m": proposing("+m\n"), "losing": raising(ContainerLost("gone"))}
    world.workshop.verdicts = {"+m\n": proofs.NAMES.index("NotFixed")}
    with pytest.raises(ContainerLost):
        world.run(world.racing("m", "losing"))
    world.workshop.does["losing"] = proposing("+found\n")
    found = world.run(world.racing("m", "losing"))
    assert found["losing"].is_verified
    assert world.workshop.begun.count("m") == 1
    assert world.workshop.verified.count("+m\n") == 1


# --- ends that are asked for -------------------------------------------------------------------------------------


def test_a_drain_parks_a_race_and_the_next_process_goes_on_with_it(world: World) -> None:
    draining = threading.Event()

    def failing(recorder: Recorder) -> Attempt:
        draining.set()
        return ending(Ending.STUCK)(recorder)

    world.workshop.does = {"a": working_on, "b": failing}
    with pytest.raises(Parked):
        world.run(world.racing("a", "b", draining=draining.is_set))
    assert [result.entrant.model for result in stored(world.store, world.job.id)] == ["b"], "a drain is no end"
    world.workshop.does = {"a": proposing()}
    found = world.run(world.racing("a", "b"))
    assert found["a"].is_verified
    assert world.workshop.begun.count("b") == 1


def test_a_person_who_stops_the_job_ends_everybody(world: World) -> None:
    def stopping(recorder: Recorder) -> Attempt:
        world.store.jobs.ask_to_stop(world.job.id, "ada")
        return working_on(recorder)

    world.workshop.does = {"a": stopping, "b": working_on}
    found = world.run(world.racing("a", "b"))
    assert {one.attempt.ending for one in found.values()} == {Ending.STOPPED}
    assert {one.attempt.reason for one in found.values()} == {"The attempt was stopped on request."}


def test_a_stop_ends_who_was_begun_by_a_process_that_was_killed_and_nobody_else(world: World) -> None:
    attempts = world.store.attempts
    attempts.begin(attempt_id_for(world.job.id, 1), job_id=world.job.id, model="a")
    attempts.record(attempt_id_for(world.job.id, 1), Step(index=0, messages=(), cost_usd=0.25))
    world.store.jobs.ask_to_stop(world.job.id, "ada")
    found = world.run(world.racing("a", "b"))
    assert {model: (one.attempt.ending, one.attempt.cost_usd) for model, one in found.items()} == {
        "a": (Ending.STOPPED, 0.25)
    }
    (kept,) = stored(world.store, world.job.id)
    assert kept.attempt.reason == "The attempt was stopped on request."
    assert world.workshop.begun == []


# --- fallback ----------------------------------------------------------------------------------------------------


def test_listed_faults_go_down_the_list_and_each_attempt_is_kept_with_its_reason(world: World) -> None:
    world.workshop.does = {
        "down": ending(Ending.MODEL_FAILED, Fault.UNAVAILABLE),
        "keyless": raising(ModelRefused("no key", fault=Fault.KEY)),
        "m": proposing(),
    }
    found = world.run(world.racing("down", fallback=("keyless", "m", "never")))
    assert world.told == ["down -> keyless", "keyless -> m"]
    assert [result.attempt.fault for result in found.values()] == [Fault.UNAVAILABLE, Fault.KEY, None]
    assert not found["m"].is_judged, "alone, its patch is the next arrow's to judge"
    assert world.racing("down", fallback=("keyless", "m", "never")).choose().is_verified


@pytest.mark.parametrize("own", [Ending.STUCK, Ending.LIMIT, Ending.GAVE_UP, Ending.CANNOT_REPRODUCE])
def test_what_the_models_own_work_came_to_is_no_reason_to_pay_another(world: World, own: Ending) -> None:
    world.workshop.does = {"a": ending(own)}
    world.run(world.racing("a", fallback=("b",)))
    assert (world.workshop.begun, world.told) == (["a"], [])


def test_a_request_that_is_not_allowed_is_the_jobs_failure_not_the_next_models_work(world: World) -> None:
    world.workshop.does = {"walled": raising(ModelRefused("only self-hosted models may see this"))}
    with pytest.raises(ModelRefused):
        world.run(world.racing("walled", fallback=("vendor",)))
    assert world.workshop.begun == ["walled"]


def test_a_race_whose_every_endpoint_fails_falls_back_and_its_patch_is_judged_with_it(world: World) -> None:
    world.workshop.does = {
        "a": ending(Ending.MODEL_FAILED, Fault.QUOTA),
        "b": ending(Ending.MODEL_FAILED, Fault.MISSING),
        "m": proposing(),
    }
    found = world.run(world.racing("a", "b", fallback=("m",)))
    assert found["m"].is_verified
    assert [result.entrant.number for result in found.values()] == [1, 2, 3]


@pytest.mark.parametrize("parked", [True, False], ids=["drain", "stop"])
def test_no_other_model_is_begun_once_the_job_is_to_end(world: World, *, parked: bool) -> None:
    draining = threading.Event()

    def fails_late(_recorder: Recorder) -> Attempt:
        draining.set() if parked else world.store.jobs.ask_to_stop(world.job.id, "ada")
        return ending(Ending.MODEL_FAILED, Fault.UNAVAILABLE)(_recorder)

    world.workshop.does = {"a": fails_late, "b": proposing()}
    racing = world.racing("a", fallback=("b",), draining=draining.is_set)
    if parked:
        with pytest.raises(Parked):
            world.run(racing)
    else:
        assert list(world.run(racing)) == ["a"]
    assert (world.workshop.begun, world.told) == (["a"], [])
