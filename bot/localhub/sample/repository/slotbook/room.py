"""One room: what is booked, when it is closed, and when it is free."""

from collections import namedtuple
from datetime import datetime, timedelta

from slotbook.errors import BookingConflict, OutsideOpeningHours, UnknownBooking
from slotbook.interval import Interval
from slotbook.timeline import gaps

Booking = namedtuple("Booking", "reference title interval")


class Room:
    """A room that one party can have at a time.

    ``turnaround`` is how many minutes the room is kept empty after each booking.
    """

    def __init__(self, name, hours, turnaround=0):
        self.name = name
        self.hours = hours
        self.turnaround = turnaround
        self._bookings = {}
        self._closures = []
        self._counter = 0

    # -- changing ---------------------------------------------------------

    def book(self, title, start, end):
        """Book the room and return the booking's reference."""
        wanted = Interval(start, end)
        if not self.hours.covers(wanted):
            raise OutsideOpeningHours("%s is not open %r" % (self.name, wanted))
        taken = self.conflicts(wanted)
        if taken:
            raise BookingConflict(taken[0])
        return self._store(title, wanted)

    def _store(self, title, interval):
        self._counter += 1
        reference = "%s-%04d" % (self.name[:3].upper(), self._counter)
        self._bookings[reference] = Booking(reference, title, interval)
        return reference

    def cancel(self, reference):
        try:
            return self._bookings.pop(reference)
        except KeyError:
            raise UnknownBooking(reference) from None

    def move(self, reference, start):
        """Move a booking to another start; it keeps its length and, when the new time is taken, its place."""
        booking = self.cancel(reference)
        try:
            new = self.book(booking.title, start, start + booking.interval.duration)
        except Exception:
            self._bookings[reference] = booking
            raise
        moved = self._bookings.pop(new)
        self._bookings[reference] = Booking(reference, moved.title, moved.interval)
        return self._bookings[reference]

    def close(self, start, end, reason=""):
        """Close the room for works or the like. Bookings that exist stay: whoever closes talks to their owners."""
        closure = Interval(start, end)
        self._closures.append((closure, reason))
        return [booking for booking in self.bookings() if booking.interval.overlaps(closure)]

    # -- asking -----------------------------------------------------------

    def bookings(self, day=None):
        """All bookings in order of time, or those that touch ``day``."""
        found = sorted(self._bookings.values(), key=lambda booking: booking.interval)
        if day is None:
            return found
        midnight = datetime(day.year, day.month, day.day)
        whole = Interval(midnight, midnight + timedelta(days=1))
        return [booking for booking in found if booking.interval.overlaps(whole)]

    def closures(self):
        return [closure for closure, _ in self._closures]

    def conflicts(self, wanted):
        """The bookings and closures that are in the way of ``wanted``."""
        padded = wanted.padded(after=self.turnaround)
        taken = [booking for booking in self.bookings() if self._blocked(booking).overlaps(padded)]
        return taken + [closure for closure in self.closures() if closure.overlaps(wanted)]

    def _blocked(self, booking):
        return booking.interval.padded(after=self.turnaround)

    def busy(self):
        """Every interval in which nobody else can have the room, in no order."""
        return [self._blocked(booking) for booking in self.bookings()] + self.closures()

    def is_free(self, start, end):
        wanted = Interval(start, end)
        return self.hours.covers(wanted) and not self.conflicts(wanted)

    def free_slots(self, day, minutes=15):
        """The free intervals of a day that are at least ``minutes`` long."""
        free = []
        for span in self.hours.on(day):
            free.extend(gaps(span, self.busy()))
        return [slot for slot in free if slot.minutes >= minutes]

    def next_free(self, after, minutes, days=30):
        """The first interval of ``minutes`` that is free from ``after`` on, or None within ``days`` days."""
        for offset in range(days):
            day = after.date() + timedelta(days=offset)
            for slot in self.free_slots(day, minutes):
                start = max(slot.start, after)
                end = start + timedelta(minutes=minutes)
                if end <= slot.end:
                    return Interval(start, end)
        return None
