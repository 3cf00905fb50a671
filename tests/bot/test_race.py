"""Entrants in threads: the first verified ends it, errors of one are not the others', lanes bound it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable

import pytest

from bot.contest import Entrant, Result, numbered
from bot.race import Course, Lanes, Work, run
from sandbox.errors import ContainerLost
from tests.support import proofs

ENTRANTS = numbered(["a", "b", "c"])


def verified(entrant: Entrant) -> Result:
    return Result(entrant=entrant, attempt=proofs.ATTEMPT, proof=proofs.proof(proofs.VERDICTS[0]))


def unproven(entrant: Entrant) -> Result:
    return Result(entrant=entrant, attempt=proofs.ATTEMPT)


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.005)


def raced(work: Work, *, lanes: int = 3, stopped: Callable[[], bool] = lambda: False) -> list[Result | None]:
    return list(run(ENTRANTS, work, Course(), Lanes(lanes), stopped=stopped))


def test_the_first_verified_makes_the_others_end_and_all_results_come_in_order() -> None:
    ended: list[str] = []

    def work(entrant: Entrant, course: Course) -> Result:
        if entrant.model == "b":
            return verified(entrant)
        until(lambda: course.over)
        assert course.won
        ended.append(entrant.model)
        return unproven(entrant)

    found = raced(work)
    assert [one.entrant.model for one in found if one] == ["a", "b", "c"]
    assert sorted(ended) == ["a", "c"]


def test_entrants_work_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def work(entrant: Entrant, course: Course) -> Result:
        together.wait(60)
        return unproven(entrant)

    assert len(raced(work)) == 3


def test_lanes_bound_how_many_work_at_the_same_time_over_several_races() -> None:
    lanes, lock, inside, most = Lanes(2), threading.Lock(), [0], [0]

    def work(entrant: Entrant, course: Course) -> Result:
        with lock:
            inside[0] += 1
            most[0] = max(most[0], inside[0])
        time.sleep(0.05)
        with lock:
            inside[0] -= 1
        return unproven(entrant)

    races = [
        threading.Thread(target=run, args=(ENTRANTS, work, Course(), lanes), kwargs={"stopped": lambda: False})
        for _ in range(2)
    ]
    for race in races:
        race.start()
    for race in races:
        race.join()
    assert most[0] == 2


def test_who_waits_for_a_lane_when_the_race_ends_never_begins() -> None:
    begun: list[str] = []

    def work(entrant: Entrant, course: Course) -> Result | None:
        if course.won:
            return None  # what an earlier process began would be ended here
        begun.append(entrant.model)
        return verified(entrant)

    found = raced(work, lanes=1)
    assert len(begun) == 1
    assert [one.entrant.model for one in found if one] == begun


def test_a_stop_reaches_who_waits_for_a_lane() -> None:
    asked = threading.Event()

    def work(entrant: Entrant, course: Course) -> Result:
        asked.set()
        return unproven(entrant)

    found = raced(work, lanes=1, stopped=asked.is_set)
    assert sum(one is not None for one in found) == 1


def test_a_container_that_is_lost_is_its_entrants_alone_while_another_wins() -> None:
    def work(entrant: Entrant, course: Course) -> Result:
        if entrant.model == "a":
            raise ContainerLost("gone")
        time.sleep(0.05)
        return verified(entrant)

    assert raced(work)[0] is None


def test_a_container_that_is_lost_is_told_when_nobody_wins_and_the_others_have_ended() -> None:
    ended: list[str] = []

    def work(entrant: Entrant, course: Course) -> Result:
        if entrant.model == "a":
            raise ContainerLost("gone")
        time.sleep(0.1)
        assert not course.over
        ended.append(entrant.model)
        return unproven(entrant)

    with pytest.raises(ContainerLost):
        raced(work)
    assert sorted(ended) == ["b", "c"]


def test_any_other_error_breaks_the_race_off_and_is_raised() -> None:
    def work(entrant: Entrant, course: Course) -> Result:
        if entrant.model == "a":
            raise KeyError("a bug")
        until(lambda: course.over)
        assert not course.won
        return unproven(entrant)

    with pytest.raises(KeyError):
        raced(work)


def test_ctrl_c_breaks_it_off_and_abandons_the_containers() -> None:
    abandoned, seen, together = threading.Event(), list[bool](), threading.Barrier(3)

    def work(entrant: Entrant, course: Course) -> Result:
        together.wait(60)
        if entrant.model == "a":
            time.sleep(0.5)  # until whoever waits for us does
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        until(abandoned.is_set)
        seen.append(course.over and not course.won)
        return unproven(entrant)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(ENTRANTS, work, Course(), Lanes(3), stopped=lambda: False, abandon=abandoned.set)
    finally:
        signal.signal(signal.SIGINT, before)
    assert seen == [True] * 3


def test_ctrl_c_does_not_wait_for_a_models_answer() -> None:
    answered = threading.Event()

    def work(entrant: Entrant, course: Course) -> Result:
        if entrant.model == "a":
            time.sleep(0.5)  # until whoever waits for us does
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        answered.wait(60)
        return unproven(entrant)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(ENTRANTS, work, Course(), Lanes(3), stopped=lambda: False)
        assert not answered.is_set()
        racers = [thread for thread in threading.enumerate() if thread.name.startswith("racer")]
        assert len(racers) == 3
        assert all(thread.daemon for thread in racers)
    finally:
        answered.set()
        signal.signal(signal.SIGINT, before)
