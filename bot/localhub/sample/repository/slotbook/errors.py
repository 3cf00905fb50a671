"""What slotbook raises."""


class SlotbookError(Exception):
    """Base class."""


class BookingConflict(SlotbookError):
    """The room is taken; ``taken`` is what is in the way."""

    def __init__(self, taken):
        super().__init__("already taken: %s" % (taken,))
        self.taken = taken


class OutsideOpeningHours(SlotbookError):
    """The room is not open for all of the wanted time."""


class UnknownBooking(SlotbookError, KeyError):
    """There is no booking with that reference."""

    def __str__(self):
        return "no booking %r" % self.args[0]
