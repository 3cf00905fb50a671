"""What people ask about a room afterwards."""

from datetime import timedelta

from slotbook.timeline import clipped, longest, total


def agenda(room, day):
    """A day's bookings as lines of text."""
    lines = ["%s, %s" % (room.name, day.strftime("%a %d %b %Y"))]
    for booking in room.bookings(day):
        start = booking.interval.start.strftime("%H:%M")
        end = booking.interval.end.strftime("%H:%M")
        lines.append("%s-%s  %s (%s)" % (start, end, booking.title, booking.reference))
    if len(lines) == 1:
        lines.append("nothing booked")
    return "\n".join(lines)


def utilisation(room, first, last):
    """The share of the opening hours from ``first`` to ``last`` (inclusive) that was booked, from 0.0 to 1.0."""
    opened = timedelta(0)
    used = timedelta(0)
    day = first
    while day <= last:
        for span in room.hours.on(day):
            opened += span.duration
            used += total(clipped([booking.interval for booking in room.bookings()], span))
        day += timedelta(days=1)
    if not opened:
        return 0.0
    return used / opened


def longest_free(room, day):
    """The longest free slot of a day, or None."""
    return longest(room.free_slots(day, minutes=1))


def busiest_weekday(room):
    """The weekday (0 is Monday) with most booked time, the earlier of two; None when nothing was ever booked."""
    booked = {}
    for booking in room.bookings():
        weekday = booking.interval.start.weekday()
        booked[weekday] = booked.get(weekday, timedelta(0)) + booking.interval.duration
    if not booked:
        return None
    return min(booked, key=lambda weekday: (-booked[weekday], weekday))
