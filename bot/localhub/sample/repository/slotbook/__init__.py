"""Opening hours, bookings and free slots."""

from slotbook.errors import BookingConflict, OutsideOpeningHours, SlotbookError, UnknownBooking
from slotbook.hours import OpeningHours
from slotbook.interval import Interval
from slotbook.recurrence import Weekly
from slotbook.report import agenda, utilisation
from slotbook.room import Booking, Room

__all__ = [
    "Booking",
    "BookingConflict",
    "Interval",
    "OpeningHours",
    "OutsideOpeningHours",
    "Room",
    "SlotbookError",
    "UnknownBooking",
    "Weekly",
    "agenda",
    "utilisation",
]

__version__ = "0.8.2"
