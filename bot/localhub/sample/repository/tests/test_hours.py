from datetime import date, datetime

import pytest

from slotbook import Interval, OpeningHours

WEDNESDAY = date(2026, 3, 4)
SATURDAY = date(2026, 3, 7)
HOURS = OpeningHours.parse("Mon-Fri 08:00-18:00; Sat 10:00-12:00, 13:00-15:00", holidays=[date(2026, 3, 6)])


def test_weekday():
    assert HOURS.on(WEDNESDAY) == [Interval.of(WEDNESDAY, "08:00", "18:00")]


def test_two_spans():
    assert [span.minutes for span in HOURS.on(SATURDAY)] == [120, 120]


def test_closed_day():
    assert HOURS.on(date(2026, 3, 8)) == []


def test_holiday():
    assert HOURS.on(date(2026, 3, 6)) == []


def test_is_open():
    assert HOURS.is_open(datetime(2026, 3, 4, 8, 0))
    assert not HOURS.is_open(datetime(2026, 3, 4, 18, 0))


def test_covers_needs_one_span():
    assert not HOURS.covers(Interval.of(SATURDAY, "11:00", "14:00"))


def test_range_over_the_weekend():
    hours = OpeningHours.parse("Sat-Mon 09:00-12:00")
    assert sorted(hours.spans) == [0, 5, 6]


def test_next_open_day_passes_holiday():
    assert HOURS.next_open_day(date(2026, 3, 6)) == SATURDAY


def test_never_open():
    assert OpeningHours({}).next_open_day(WEDNESDAY) is None


@pytest.mark.parametrize("text", ["Mo 08:00-18:00", "Mon 08:00", "Mon-Xyz 08:00-18:00"])
def test_bad_rules(text):
    with pytest.raises(ValueError):
        OpeningHours.parse(text)
