from datetime import date, timedelta

from slotbook.interval import Interval
from slotbook.timeline import clipped, gaps, longest, merge, total

DAY = date(2026, 3, 4)


def span(start, end):
    return Interval.of(DAY, start, end)


def test_merge_of_nothing():
    assert merge([]) == []


def test_merge_sorts():
    assert merge([span("13:00", "14:00"), span("09:00", "10:00")]) == [span("09:00", "10:00"), span("13:00", "14:00")]


def test_merge_joins_what_overlaps():
    assert merge([span("09:00", "10:30"), span("10:00", "11:00")]) == [span("09:00", "11:00")]


def test_merge_joins_what_touches():
    assert merge([span("09:00", "10:00"), span("10:00", "11:00")]) == [span("09:00", "11:00")]


def test_merge_joins_chains():
    assert merge([span("11:00", "12:00"), span("09:00", "10:00"), span("10:00", "11:00")]) == [span("09:00", "12:00")]


def test_gaps_of_an_empty_day():
    assert gaps(span("08:00", "18:00"), []) == [span("08:00", "18:00")]


def test_gaps_between():
    busy = [span("09:00", "10:00"), span("12:00", "13:00")]
    expected = [span("08:00", "09:00"), span("10:00", "12:00"), span("13:00", "18:00")]
    assert gaps(span("08:00", "18:00"), busy) == expected


def test_gaps_when_busy_sticks_out():
    busy = [span("07:00", "09:00"), span("17:00", "19:00")]
    assert gaps(span("08:00", "18:00"), busy) == [span("09:00", "17:00")]


def test_gaps_ignore_what_is_outside():
    busy = [span("06:00", "08:00"), span("18:00", "20:00")]
    assert gaps(span("08:00", "18:00"), busy) == [span("08:00", "18:00")]


def test_no_gap_in_a_full_day():
    assert gaps(span("08:00", "18:00"), [span("08:00", "12:00"), span("12:00", "18:00")]) == []


def test_total():
    assert total([span("09:00", "10:00"), span("12:00", "12:30")]) == timedelta(minutes=90)


def test_clipped():
    parts = clipped([span("07:00", "09:00"), span("19:00", "20:00")], span("08:00", "18:00"))
    assert parts == [span("08:00", "09:00")]


def test_longest_prefers_the_first():
    assert longest([span("09:00", "10:00"), span("12:00", "13:00")]) == span("09:00", "10:00")


def test_longest_of_nothing():
    assert longest([]) is None
