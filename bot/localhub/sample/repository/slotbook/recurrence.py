"""Series of bookings."""

from datetime import timedelta

from slotbook.errors import BookingConflict, OutsideOpeningHours
from slotbook.interval import Interval


class Weekly:
    """The same time every ``every`` weeks, ``count`` times or until a day (which still counts)."""

    def __init__(self, first, count=None, until=None, every=1, skip=()):
        if (count is None) == (until is None):
            raise ValueError("give either count or until")
        if every < 1:
            raise ValueError("every must be 1 or more")
        self.first = first
        self.count = count
        self.until = until
        self.every = every
        self.skip = set(skip)

    def occurrences(self):
        """The intervals of the series in order; skipped days count towards ``count``."""
        found = []
        number = 0
        while True:
            current = self.first.shifted(timedelta(weeks=self.every * number))
            if self.count is not None and number >= self.count:
                return found
            if self.until is not None and current.start.date() > self.until:
                return found
            if current.start.date() not in self.skip:
                found.append(current)
            number += 1

    def book(self, room, title):
        """Book what can be booked. Returns the references and the intervals that could not be had."""
        booked = []
        refused = []
        for interval in self.occurrences():
            try:
                booked.append(room.book(title, interval.start, interval.end))
            except (BookingConflict, OutsideOpeningHours):
                refused.append(interval)
        return booked, refused


def daily(start, end, days):
    """The same time on ``days`` days in a row."""
    first = Interval(start, end)
    return [first.shifted(timedelta(days=number)) for number in range(days)]
