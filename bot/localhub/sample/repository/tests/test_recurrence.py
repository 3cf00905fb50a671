from datetime import date, datetime

import pytest

from slotbook import Interval, OpeningHours, Room, Weekly
from slotbook.recurrence import daily

FIRST = Interval(datetime(2026, 3, 4, 9), datetime(2026, 3, 4, 10))


def test_count():
    days = [interval.start.date() for interval in Weekly(FIRST, count=3).occurrences()]
    assert days == [date(2026, 3, 4), date(2026, 3, 11), date(2026, 3, 18)]


def test_until_counts_the_last_day():
    assert len(Weekly(FIRST, until=date(2026, 3, 18)).occurrences()) == 3


def test_every_second_week():
    days = [interval.start.date() for interval in Weekly(FIRST, count=2, every=2).occurrences()]
    assert days == [date(2026, 3, 4), date(2026, 3, 18)]


def test_skipped_days_count():
    assert len(Weekly(FIRST, count=3, skip=[date(2026, 3, 11)]).occurrences()) == 2


def test_count_or_until():
    with pytest.raises(ValueError):
        Weekly(FIRST)
    with pytest.raises(ValueError):
        Weekly(FIRST, count=1, until=date(2026, 3, 4))


def test_book_series_around_a_conflict():
    room = Room("Aquarium", OpeningHours.parse("Mon-Fri 08:00-18:00", holidays=[date(2026, 3, 18)]))
    room.book("audit", datetime(2026, 3, 11, 9, 30), datetime(2026, 3, 11, 12))
    booked, refused = Weekly(FIRST, count=4).book(room, "standup")
    assert len(booked) == 2
    assert [interval.start.date() for interval in refused] == [date(2026, 3, 11), date(2026, 3, 18)]


def test_daily():
    days = daily(datetime(2026, 2, 27, 9), datetime(2026, 2, 27, 10), 3)
    assert days[-1] == Interval(datetime(2026, 3, 1, 9), datetime(2026, 3, 1, 10))
