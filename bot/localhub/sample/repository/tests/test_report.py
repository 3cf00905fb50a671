from datetime import date, datetime

import pytest

from slotbook import Interval, OpeningHours, Room, agenda, utilisation
from slotbook.report import busiest_weekday, longest_free

DAY = date(2026, 3, 4)


@pytest.fixture
def room():
    return Room("Aquarium", OpeningHours.parse("Mon-Fri 08:00-18:00"))


def test_agenda(room):
    room.book("standup", datetime(2026, 3, 4, 9), datetime(2026, 3, 4, 9, 30))
    assert agenda(room, DAY) == "Aquarium, Wed 04 Mar 2026\n09:00-09:30  standup (AQU-0001)"


def test_empty_agenda(room):
    assert agenda(room, DAY).endswith("nothing booked")


def test_utilisation(room):
    room.book("workshop", datetime(2026, 3, 4, 8), datetime(2026, 3, 4, 13))
    assert utilisation(room, DAY, date(2026, 3, 5)) == 0.25


def test_utilisation_of_a_closed_week(room):
    assert utilisation(room, date(2026, 3, 7), date(2026, 3, 8)) == 0.0


def test_longest_free(room):
    room.book("standup", datetime(2026, 3, 4, 10), datetime(2026, 3, 4, 10, 30))
    assert longest_free(room, DAY) == Interval.of(DAY, "10:30", "18:00")


def test_busiest_weekday(room):
    room.book("long", datetime(2026, 3, 3, 8), datetime(2026, 3, 3, 12))
    room.book("short", datetime(2026, 3, 4, 8), datetime(2026, 3, 4, 9))
    assert busiest_weekday(room) == 1


def test_busiest_weekday_of_an_unused_room(room):
    assert busiest_weekday(room) is None
