"""Lists of intervals: putting them together, and looking at what lies between."""

from datetime import timedelta

from slotbook.interval import Interval


def merge(intervals):
    """The same time as a sorted list of intervals with space between them.

    Intervals that overlap or touch become one.
    """
    merged = []
    for current in sorted(intervals):
        if not merged or current.start > merged[-1].end:
            merged.append(current)
            continue
        last = merged[-1]
        if current.end > last.start:
            merged[-1] = Interval(last.start, current.end)
    return merged


def gaps(within, busy):
    """What is left of ``within`` when all of ``busy`` is taken out, in order."""
    free = []
    cursor = within.start
    for block in merge(busy):
        if block.end <= within.start:
            continue
        if block.start >= within.end:
            break
        if block.start > cursor:
            free.append(Interval(cursor, block.start))
        cursor = block.end
    if cursor < within.end:
        free.append(Interval(cursor, within.end))
    return free


def total(intervals):
    """How long the intervals are together; time that is in two of them counts twice."""
    return sum((interval.duration for interval in intervals), timedelta(0))


def clipped(intervals, within):
    """The parts of the intervals that lie in ``within``."""
    parts = (interval.intersection(within) for interval in intervals)
    return [part for part in parts if part is not None]


def longest(intervals):
    """The longest of the intervals, the first of several; None of none."""
    best = None
    for interval in intervals:
        if best is None or interval.duration > best.duration:
            best = interval
    return best
