from datetime import date, datetime, timedelta

import pytest

from slotbook.interval import Interval, at

DAY = date(2026, 3, 4)


def span(start, end):
    return Interval.of(DAY, start, end)


def test_end_must_follow_start():
    with pytest.raises(ValueError):
        span("10:00", "10:00")


def test_duration_in_minutes():
    assert span("09:15", "10:45").minutes == 90


def test_start_is_inside_and_end_is_not():
    interval = span("09:00", "10:00")
    assert at(DAY, "09:00") in interval
    assert at(DAY, "10:00") not in interval


def test_covers_itself():
    assert span("09:00", "10:00").covers(span("09:00", "10:00"))


def test_does_not_cover_what_sticks_out():
    assert not span("09:00", "10:00").covers(span("09:30", "10:30"))


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("08:00", "09:00", False),
        ("08:30", "09:30", True),
        ("09:15", "09:45", True),
        ("08:00", "11:00", True),
        ("10:00", "11:00", False),
    ],
)
def test_overlaps(start, end, expected):
    assert span("09:00", "10:00").overlaps(span(start, end)) is expected


def test_intersection():
    assert span("09:00", "11:00").intersection(span("10:00", "12:00")) == span("10:00", "11:00")


def test_intersection_of_neighbours_is_nothing():
    assert span("09:00", "10:00").intersection(span("10:00", "11:00")) is None


def test_shifted():
    assert span("09:00", "10:00").shifted(timedelta(hours=2)) == span("11:00", "12:00")


def test_padded():
    assert span("09:00", "10:00").padded(before=5, after=10) == span("08:55", "10:10")


def test_split_leaves_out_the_rest():
    assert span("09:00", "10:15").split(30) == [span("09:00", "09:30"), span("09:30", "10:00")]


def test_split_needs_a_length():
    with pytest.raises(ValueError):
        span("09:00", "10:00").split(0)


def test_sorting_is_by_start_then_end():
    assert sorted([span("09:00", "11:00"), span("09:00", "10:00")])[0] == span("09:00", "10:00")


def test_repr_of_one_day():
    assert repr(span("09:00", "10:00")) == "<2026-03-04 09:00-10:00>"


def test_repr_over_midnight():
    interval = Interval(datetime(2026, 3, 4, 22), datetime(2026, 3, 5, 2))
    assert repr(interval) == "<2026-03-04 22:00 - 2026-03-05 02:00>"


def test_midnight_after_the_day():
    assert at(DAY, "24:00") == datetime(2026, 3, 5)


@pytest.mark.parametrize("text", ["", "9", "09:60", "24:01", "nine", "09:5"])
def test_bad_times(text):
    with pytest.raises(ValueError):
        at(DAY, text)
