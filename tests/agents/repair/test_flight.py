"""What becomes of candidates that were sent to a worker that is lost."""

from __future__ import annotations

from collections.abc import Iterator

from agents.repair.flight import Flight, Trial
from agents.repair.types import Candidate, Edit


def trials(flight: Flight, count: int) -> list[Trial]:
    made = []
    for number in range(1, count + 1):
        edit = Edit(path="a.py", start=number, end=number, text="x")
        candidate = Candidate(edits=(edit,), template="t", line=number, score=1.0)
        made.append(Trial(id=number, candidate=candidate, texts={}))
        flight.sent(made[-1])
    return made


def waiting(flight: Flight) -> Iterator[Trial]:
    while (trial := flight.waiting()) is not None:
        yield trial


def test_those_under_trial_are_tried_alone_and_those_sent_ahead_are_sent_again() -> None:
    flight = Flight(slots=2)
    first, second, third, fourth = trials(flight, 4)
    assert flight.lost() is None
    assert flight.suspect() is first
    assert flight.answered(first.id) is first
    assert flight.suspect() is second
    assert flight.answered(second.id) is second
    assert flight.suspect() is None
    assert list(waiting(flight)) == [third, fourth]


def test_what_was_answered_is_not_suspected() -> None:
    flight = Flight(slots=1)
    first, second, third = trials(flight, 3)
    assert flight.answered(first.id) is first
    flight.lost()
    assert flight.suspect() is second
    assert list(waiting(flight)) == [third]


def test_with_whom_the_worker_goes_a_second_time_alone_is_lost() -> None:
    flight = Flight(slots=1)
    first, second = trials(flight, 2)
    flight.lost()
    assert flight.suspect() is first
    assert flight.lost() is first
    assert flight.suspect() is None
    assert list(waiting(flight)) == [second]


def test_a_worker_that_does_not_even_start_costs_no_candidate() -> None:
    flight = Flight(slots=1)
    first, second = trials(flight, 2)
    flight.lost()
    assert flight.lost() is None
    assert flight.suspect() is first
    assert list(waiting(flight)) == [second]


def test_those_sent_again_come_before_those_that_waited_longer() -> None:
    flight = Flight(slots=1)
    first, second, third = trials(flight, 3)
    flight.lost()
    assert flight.suspect() is first
    flight.answered(first.id)
    assert flight.waiting() is second
    flight.lost()
    assert flight.suspect() is second
    assert list(waiting(flight)) == [third]


def test_an_answer_to_nothing_that_was_sent_belongs_to_no_trial() -> None:
    flight = Flight(slots=1)
    trials(flight, 1)
    assert flight.answered(99) is None
    assert not flight.is_empty


def test_what_is_given_up_is_not_out_any_more() -> None:
    flight = Flight(slots=1)
    trials(flight, 3)
    flight.lost()
    flight.suspect()
    flight.clear()
    assert flight.is_empty
    assert flight.lost() is None
