"""Half-open spans of time: the start belongs to the span, the end does not."""

from datetime import datetime, timedelta


class Interval:
    """From ``start`` up to, not including, ``end``."""

    __slots__ = ("end", "start")

    def __init__(self, start, end):
        if end <= start:
            raise ValueError("an interval must end after it starts: %s - %s" % (start, end))
        self.start = start
        self.end = end

    @classmethod
    def of(cls, day, start, end):
        """An interval on one day from two ``HH:MM`` strings; ``24:00`` is the midnight after it."""
        return cls(at(day, start), at(day, end))

    @property
    def duration(self):
        return self.end - self.start

    @property
    def minutes(self):
        return int(self.duration.total_seconds() // 60)

    def __contains__(self, moment):
        return self.start <= moment < self.end

    def covers(self, other):
        return self.start <= other.start and other.end <= self.end

    def overlaps(self, other):
        """True when the two share some time; intervals that only touch do not."""
        return self.start < other.end and other.start < self.end

    def intersection(self, other):
        """The shared time, or None."""
        start = max(self.start, other.start)
        end = min(self.end, other.end)
        if start < end:
            return Interval(start, end)
        return None

    def shifted(self, delta):
        return Interval(self.start + delta, self.end + delta)

    def padded(self, before=0, after=0):
        """Longer by some minutes on either side."""
        return Interval(self.start - timedelta(minutes=before), self.end + timedelta(minutes=after))

    def split(self, minutes):
        """Pieces of ``minutes`` each, from the start; a shorter rest is left out."""
        step = timedelta(minutes=minutes)
        if step <= timedelta(0):
            raise ValueError("pieces need a positive length")
        pieces = []
        start = self.start
        while start + step <= self.end:
            pieces.append(Interval(start, start + step))
            start += step
        return pieces

    def __eq__(self, other):
        if not isinstance(other, Interval):
            return NotImplemented
        return (self.start, self.end) == (other.start, other.end)

    def __lt__(self, other):
        return (self.start, self.end) < (other.start, other.end)

    def __hash__(self):
        return hash((self.start, self.end))

    def __repr__(self):
        if self.start.date() == self.end.date():
            return "<%s-%s>" % (self.start.strftime("%Y-%m-%d %H:%M"), self.end.strftime("%H:%M"))
        return "<%s - %s>" % (self.start.strftime("%Y-%m-%d %H:%M"), self.end.strftime("%Y-%m-%d %H:%M"))


def at(day, text):
    """The moment on ``day`` that ``HH:MM`` names."""
    hours, _, minutes = text.partition(":")
    if not (hours.isdigit() and minutes.isdigit() and len(minutes) == 2):
        raise ValueError("not a time: %r" % text)
    total = int(hours) * 60 + int(minutes)
    if int(minutes) > 59 or total > 24 * 60:
        raise ValueError("not a time: %r" % text)
    return datetime(day.year, day.month, day.day) + timedelta(minutes=total)
