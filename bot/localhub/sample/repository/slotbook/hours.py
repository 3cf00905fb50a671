"""Weekly opening hours."""

from datetime import timedelta

from slotbook.interval import Interval, at

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


class OpeningHours:
    """Which times of which weekday are open, apart from holidays.

    ``spans`` maps a weekday (0 is Monday) to pairs of ``HH:MM`` strings.
    """

    def __init__(self, spans, holidays=()):
        self.spans = {}
        for weekday, pairs in spans.items():
            if weekday not in range(7):
                raise ValueError("not a weekday: %r" % (weekday,))
            self.spans[weekday] = sorted(pairs)
        self.holidays = set(holidays)

    @classmethod
    def parse(cls, text, holidays=()):
        """Read ``Mon-Fri 08:00-18:00; Sat 10:00-12:00, 13:00-15:00``."""
        spans = {}
        for rule in text.split(";"):
            if not rule.strip():
                continue
            days, _, times = rule.strip().partition(" ")
            pairs = [_pair(part) for part in times.split(",")]
            for weekday in _weekdays(days):
                spans.setdefault(weekday, []).extend(pairs)
        return cls(spans, holidays)

    def on(self, day):
        """The open intervals of a day, in order."""
        if day in self.holidays:
            return []
        return [Interval(at(day, start), at(day, end)) for start, end in self.spans.get(day.weekday(), [])]

    def is_open(self, moment):
        return any(moment in interval for interval in self.on(moment.date()))

    def covers(self, interval):
        """Is it open for the whole interval? Open hours never reach over midnight."""
        return any(span.covers(interval) for span in self.on(interval.start.date()))

    def next_open_day(self, day, limit=366):
        """The first day from ``day`` on that is open at all, or None within ``limit`` days."""
        for offset in range(limit):
            candidate = day + timedelta(days=offset)
            if self.on(candidate):
                return candidate
        return None


def _pair(text):
    start, dash, end = text.strip().partition("-")
    if not dash or not start or not end:
        raise ValueError("not a span of time: %r" % text.strip())
    return start.strip(), end.strip()


def _weekdays(text):
    first, dash, last = text.partition("-")
    try:
        start = WEEKDAYS.index(first)
        end = WEEKDAYS.index(last) if dash else start
    except ValueError:
        raise ValueError("not a weekday: %r" % text) from None
    if start <= end:
        return list(range(start, end + 1))
    return list(range(start, 7)) + list(range(end + 1))
