"""kill -9 at every arrow: the job goes on, nothing that was stored is paid again, nothing is posted twice.

The worker is a real process (real SQLite files, the real queue, dispatcher and pipeline) in the world of
`tests.support.durable_world`. The points where it dies are dealt out over a few worlds, so that each process start
tests one death; `test_the_list_of_points_is_complete` holds the lists to what a whole run passes.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path

import pytest

from agents.errors import Fault
from bot.store import JobView, Store
from bot.types import Delivery, JobState
from tests.support import durable_world as world
from tests.support import github_events as gh

STARTING = ("asked permission", "before accepting", "accepted", "enqueued", "marked enqueued")


def arrow(name: str, *inside: str) -> tuple[str, ...]:
    return (f"before {name}", *inside, f"ran {name}", f"stored {name}")


def post(method: str, text: str) -> tuple[str, str]:
    return f"before {method}: {text}", f"did {method}: {text}"


CALLS = tuple(
    point for n in range(world.CALLS) for point in (f"paid call {n}", f"booked call {n}", f"recorded step {n}")
)
FIX = (
    *STARTING,
    *arrow("begin"),
    *arrow("acknowledge", *post("post_comment", "On it, asked")),
    *arrow("prepare", *post("edit_comment", "Working on a")),
    *arrow("attempt", *CALLS, "before finishing", "finished"),
    *arrow("verify", *post("edit_comment", "`m` proposes a"), "before judging", "judged", "chosen"),
    *arrow("commit", "before commit_files", "did commit_files"),
    *arrow("propose", *post("open_pull", "## Verified: 1")),
    *arrow("conclude", *post("edit_comment", "**Verified: 1 test")),
    *arrow("end"),
)
FALLBACK = (
    *arrow(
        "attempt",
        "down: before finishing",
        "down: finished",
        *post("edit_comment", "`down`: the model's"),
        *CALLS,
        "before finishing",
        "finished",
    ),
    *FIX[FIX.index("before verify") :],
)
"""From the first attempt on; before it, it is a fix like any other."""
INSIDE_RACE = (
    *(
        f"{model}: {point} {n}"
        for n in range(world.CALLS)
        for model, calls in (("quick", world.CALLS), ("slow", world.LOSERS_CALLS))
        for point in ("paid call", "booked call", "recorded step")
        if n < calls
    ),
    "quick: before finishing",
    "quick: finished",
    "before judging",
    "judged",
    "slow: before finishing",
    "slow: finished",
)
RACE = (*arrow("attempt", *INSIDE_RACE), *arrow("verify", "chosen"), *FIX[FIX.index("before commit") :])
REVIEW = (
    *STARTING,
    *arrow("begin"),
    *arrow("acknowledge", *post("post_check_run", "in_progress")),
    *arrow("prepare"),
    *arrow("verify"),
    *arrow("find", "paid review", "booked review call", "booked review"),
    *arrow(
        "conclude",
        *post("edit_check_run", "completed"),
        *post("post_comment", "## 1 test"),
        *post("post_review", "1 claim of"),
    ),
    *arrow("end"),
)
FIX_WORLDS, REVIEW_WORLDS, FALLBACK_WORLDS, RACE_WORLDS = 6, 3, 4, 6


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Children start from a server that has imported everything, so that a restart costs no imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.support.durable_world"])
    return context


def start(
    processes: ForkServerContext, directory: Path, kill_at: str = "", until_stopped: bool = False
) -> ForkServerProcess:
    child = processes.Process(target=world.live, args=(str(directory), kill_at, until_stopped), daemon=True)
    child.start()
    return child


def run(processes: ForkServerContext, directory: Path, kill_at: str = "") -> int | None:
    child = start(processes, directory, kill_at)
    child.join(60)
    if child.exitcode is None:
        child.kill()
        pytest.fail(f"stuck on the way to {kill_at!r}: {lines(directory, 'worker.log')}")
    return child.exitcode


def lines(directory: Path, log: str) -> list[str]:
    return world.Fate(directory).lines(log)


def posts(directory: Path) -> Counter[str]:
    return Counter(json.loads(line)[0] for line in lines(directory, "posts.log"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = world.open_store(tmp_path)
    yield opened
    opened.close()


def only_job(store: Store) -> JobView:
    (view,) = store.jobs.recent()
    return view


def delivery_of(points: tuple[str, ...]) -> Delivery:
    if points is FIX:
        return gh.delivery("issues", gh.labeled())
    return gh.delivery("pull_request", gh.pull_request())


@pytest.mark.parametrize("points", [FIX, REVIEW], ids=["fix", "review"])
def test_the_list_of_points_is_complete(
    points: tuple[str, ...], processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([delivery_of(points)])
    assert run(processes, tmp_path) == 0
    assert tuple(lines(tmp_path, "points.log")) == points
    assert only_job(store).job.state is JobState.DONE


@pytest.mark.parametrize("first", range(FIX_WORLDS))
def test_a_fix_that_is_killed_goes_on_and_pays_and_posts_once(
    first: int, processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    delivery = delivery_of(FIX)
    store.deliveries.append([delivery])
    deaths = FIX[first::FIX_WORLDS]
    for point in deaths:
        assert run(processes, tmp_path, point) == -signal.SIGKILL, point
    store.deliveries.append([delivery])  # GitHub sends it again
    assert run(processes, tmp_path) == 0

    view = only_job(store)
    assert (view.job.state, view.reason) == (JobState.DONE, f"opened #{view.pull_number}")
    # Under way, and answered and booked but not yet a step: of these the answer is lost with the process.
    again = Counter(point.rpartition(" ")[2] for point in deaths if point.startswith(("paid call", "booked call")))
    paid = Counter(lines(tmp_path, "calls.log"))
    assert paid == {str(n): 1 + again[str(n)] for n in range(world.CALLS)}
    assert_every_call_is_in_the_book(store, deaths, paid.total(), 0.25)
    assert posts(tmp_path)["post_comment"] == posts(tmp_path)["open_pull"] == 1
    assert_no_stored_arrow_ran_again(tmp_path)


@pytest.mark.parametrize("first", range(REVIEW_WORLDS))
def test_a_review_that_is_killed_goes_on_and_posts_once(
    first: int, processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([delivery_of(REVIEW)])
    deaths = REVIEW[first::REVIEW_WORLDS]
    for point in deaths:
        assert run(processes, tmp_path, point) == -signal.SIGKILL, point
    assert run(processes, tmp_path) == 0
    assert (only_job(store).job.state, only_job(store).reason) == (JobState.DONE, "Verified")
    assert posts(tmp_path)["post_comment"] == posts(tmp_path)["post_check_run"] == posts(tmp_path)["post_review"] == 1
    again = sum(point in ("paid review", "booked review call") for point in deaths)
    calls = lines(tmp_path, "calls.log")
    assert calls == ["review"] * (1 + again)
    assert_every_call_is_in_the_book(store, deaths, len(calls), 0.125)
    assert_no_stored_arrow_ran_again(tmp_path)


def assert_every_call_is_in_the_book(store: Store, deaths: tuple[str, ...], calls: int, each: float) -> None:
    """A call that was under way when its process died stands there as well, with what it may have cost."""
    lost = sum(point.startswith("paid ") for point in deaths)
    (book,) = store.spend.totals(("repository",), since=0)
    assert (book.key, book.calls, book.lost, book.under_way) == (("octo/shop",), calls, lost, 0)
    assert book.usd == each * (calls - lost)
    assert book.uncertain_usd == 0.5 * lost


def asked(words: str) -> Delivery:
    return gh.delivery("issue_comment", gh.commented(f"@redgreen {words}"))


@pytest.mark.parametrize(
    ("words", "points"), [("fix with down", FALLBACK), ("compare quick slow", RACE)], ids=["fallback", "race"]
)
def test_the_list_of_points_from_the_first_attempt_on_is_complete(
    words: str, points: tuple[str, ...], processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([asked(words)])
    assert run(processes, tmp_path) == 0
    passed = lines(tmp_path, "points.log")
    assert tuple(passed[passed.index("before attempt") :]) == points


@pytest.mark.parametrize("first", range(FALLBACK_WORLDS))
def test_a_fallback_that_is_killed_goes_on_with_the_model_it_had_come_to(
    first: int, processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([asked("fix with down")])
    deaths = FALLBACK[first::FALLBACK_WORLDS]
    for point in deaths:
        assert run(processes, tmp_path, point) == -signal.SIGKILL, point
    assert run(processes, tmp_path) == 0
    view = only_job(store)
    assert (view.job.state, view.reason) == (JobState.DONE, f"opened #{view.pull_number}")
    assert [(one.model, one.fault) for one in store.attempts.of_job(view.job.id)] == [
        ("down", Fault.UNAVAILABLE),
        ("m", None),
    ]
    assert_no_stored_call_was_paid_again(tmp_path)
    assert_every_call_is_in_the_book(store, deaths, len(lines(tmp_path, "calls.log")), 0.25)
    assert posts(tmp_path)["post_comment"] == posts(tmp_path)["open_pull"] == 1
    assert_no_stored_arrow_ran_again(tmp_path)


@pytest.mark.parametrize("first", range(RACE_WORLDS))
def test_a_race_that_is_killed_goes_on_and_opens_one_pull_request(
    first: int, processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    delivery = asked("compare quick slow")
    store.deliveries.append([delivery])
    deaths = RACE[first::RACE_WORLDS]
    for point in deaths:
        assert run(processes, tmp_path, point) == -signal.SIGKILL, point
    store.deliveries.append([delivery])  # GitHub sends it again
    assert run(processes, tmp_path) == 0

    view = only_job(store)
    assert (view.job.state, view.reason) == (JobState.DONE, f"opened #{view.pull_number}")
    assert_no_stored_call_was_paid_again(tmp_path)
    assert_no_stored_arrow_ran_again(tmp_path)
    assert posts(tmp_path)["post_comment"] == posts(tmp_path)["open_pull"] == 1
    rows = {row.model: row for row in store.outcomes.scored()}
    assert (rows["quick"].verdict, rows["quick"].proposed, rows["quick"].stopped) == ("Verified", True, False)
    assert (rows["slow"].verdict, rows["slow"].proposed, rows["slow"].stopped) == ("", False, True)
    assert rows["slow"].cost_usd == 0.25 * world.LOSERS_CALLS
    deaths = tuple(point.removeprefix("quick: ").removeprefix("slow: ") for point in deaths)
    assert_every_call_is_in_the_book(store, deaths, len(lines(tmp_path, "calls.log")), 0.25)


def assert_no_stored_call_was_paid_again(directory: Path) -> None:
    stored: set[str] = set()
    for point in lines(directory, "points.log"):
        if "recorded step" in point:
            stored.add(point.replace("recorded step", "paid call"))
        assert point not in stored, f"{point} again after it was stored"


def assert_no_stored_arrow_ran_again(directory: Path) -> None:
    stored = set()
    for point in lines(directory, "points.log"):
        moment, _, name = point.partition(" ")
        if moment == "stored":
            stored.add(name)
        assert not (moment == "before" and name in stored), f"{name} ran again after it was stored"


def test_sigterm_ends_between_steps_and_no_call_is_paid_twice(
    processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([delivery_of(FIX)])
    child = start(processes, tmp_path, until_stopped=True)
    wait_for(lambda: len(lines(tmp_path, "calls.log")) == world.CALLS)
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join(20)
    assert child.exitcode == 0
    assert only_job(store).job.state is JobState.RUNNING
    assert run(processes, tmp_path) == 0
    assert only_job(store).job.state is JobState.DONE
    assert lines(tmp_path, "calls.log") == [str(n) for n in range(world.CALLS)]
    assert posts(tmp_path)["open_pull"] == 1


def test_stop_ends_an_attempt_at_its_next_step_and_says_so(
    processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    store.deliveries.append([delivery_of(FIX)])
    child = start(processes, tmp_path, until_stopped=True)
    wait_for(lambda: len(lines(tmp_path, "calls.log")) > 2)
    store.deliveries.append([gh.delivery("issue_comment", gh.commented("@redgreen stop"))])
    child.join(20)
    assert child.exitcode == 0
    assert (only_job(store).job.state, only_job(store).reason) == (JobState.CANCELLED, "mona")
    assert "Stopped by `mona`" in lines(tmp_path, "posts.log")[-1]
    assert posts(tmp_path)["open_pull"] == 0


def test_a_worker_removes_old_images_at_its_start_and_says_so(processes: ForkServerContext, tmp_path: Path) -> None:
    world.open_store(tmp_path).close()
    child = start(processes, tmp_path)
    wait_for(lambda: "old:image" in "".join(lines(tmp_path, "worker.log")))
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join(20)
    (line,) = [line for line in lines(tmp_path, "worker.log") if "old:image" in line]
    assert "image removed" in line
    assert "not used for 20 days" in line


def test_a_second_worker_is_refused_while_the_first_runs(
    processes: ForkServerContext, tmp_path: Path, store: Store
) -> None:
    child = start(processes, tmp_path)
    wait_for(lambda: "worker started" in "".join(lines(tmp_path, "worker.log")))
    second = start(processes, tmp_path)
    second.join(20)
    assert second.exitcode == 1
    assert "Another worker already runs here" in "".join(lines(tmp_path, "worker.log"))
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join(20)
    assert child.exitcode == 0


def wait_for(condition: object, seconds: float = 30.0) -> None:
    assert callable(condition)
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
