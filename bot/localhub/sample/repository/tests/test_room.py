from datetime import date, datetime

import pytest

from slotbook import BookingConflict, Interval, OpeningHours, OutsideOpeningHours, Room, UnknownBooking

DAY = date(2026, 3, 4)


def moment(text):
    hours, minutes = text.split(":")
    return datetime(2026, 3, 4, int(hours), int(minutes))


def span(start, end):
    return Interval.of(DAY, start, end)


@pytest.fixture
def room():
    return Room("Aquarium", OpeningHours.parse("Mon-Fri 08:00-18:00"))


def test_book_gives_a_reference(room):
    assert room.book("standup", moment("09:00"), moment("09:30")) == "AQU-0001"


def test_no_double_booking(room):
    room.book("standup", moment("09:00"), moment("09:30"))
    with pytest.raises(BookingConflict) as refused:
        room.book("review", moment("09:15"), moment("10:00"))
    assert refused.value.taken.title == "standup"


def test_back_to_back_bookings(room):
    room.book("standup", moment("09:00"), moment("09:30"))
    room.book("review", moment("09:30"), moment("10:00"))
    assert [booking.title for booking in room.bookings()] == ["standup", "review"]


def test_closed_hours(room):
    with pytest.raises(OutsideOpeningHours):
        room.book("party", moment("17:00"), moment("19:00"))


def test_turnaround_keeps_the_room_empty():
    room = Room("Lab", OpeningHours.parse("Mon-Fri 08:00-18:00"), turnaround=15)
    room.book("first", moment("09:00"), moment("10:00"))
    assert not room.is_free(moment("10:00"), moment("11:00"))
    assert room.is_free(moment("10:15"), moment("11:00"))


def test_turnaround_before_the_next_booking():
    room = Room("Lab", OpeningHours.parse("Mon-Fri 08:00-18:00"), turnaround=15)
    room.book("later", moment("11:00"), moment("12:00"))
    assert not room.is_free(moment("10:00"), moment("11:00"))


def test_cancel(room):
    reference = room.book("standup", moment("09:00"), moment("09:30"))
    room.cancel(reference)
    assert room.is_free(moment("09:00"), moment("09:30"))


def test_cancel_unknown(room):
    with pytest.raises(UnknownBooking):
        room.cancel("AQU-0009")


def test_move_keeps_reference_and_length(room):
    reference = room.book("standup", moment("09:00"), moment("09:30"))
    assert room.move(reference, moment("14:00")).interval == span("14:00", "14:30")
    assert [booking.reference for booking in room.bookings()] == [reference]


def test_move_to_taken_time_changes_nothing(room):
    reference = room.book("standup", moment("09:00"), moment("09:30"))
    room.book("review", moment("10:00"), moment("11:00"))
    with pytest.raises(BookingConflict):
        room.move(reference, moment("10:30"))
    assert room.bookings()[0].interval == span("09:00", "09:30")


def test_close_tells_which_bookings_it_hits(room):
    room.book("standup", moment("09:00"), moment("09:30"))
    hit = room.close(moment("09:15"), moment("12:00"), "new carpet")
    assert [booking.title for booking in hit] == ["standup"]


def test_closed_room_cannot_be_booked(room):
    room.close(moment("12:00"), moment("16:00"))
    with pytest.raises(BookingConflict):
        room.book("workshop", moment("15:00"), moment("17:00"))


def test_bookings_of_a_day(room):
    room.book("standup", moment("09:00"), moment("09:30"))
    assert room.bookings(date(2026, 3, 5)) == []


def test_free_slots(room):
    room.book("standup", moment("09:00"), moment("09:30"))
    room.book("review", moment("13:00"), moment("15:00"))
    assert room.free_slots(DAY) == [span("08:00", "09:00"), span("09:30", "13:00"), span("15:00", "18:00")]


def test_free_slots_around_a_closure(room):
    room.close(moment("12:00"), moment("16:00"))
    assert room.free_slots(DAY) == [span("08:00", "12:00"), span("16:00", "18:00")]


def test_short_slots_are_left_out(room):
    room.book("standup", moment("08:20"), moment("17:00"))
    assert room.free_slots(DAY, minutes=30) == [span("17:00", "18:00")]


def test_next_free(room):
    room.book("standup", moment("09:00"), moment("12:00"))
    assert room.next_free(moment("08:30"), 60) == span("12:00", "13:00")


def test_next_free_on_another_day(room):
    room.close(moment("08:00"), moment("18:00"))
    found = room.next_free(moment("09:00"), 60)
    assert found == Interval.of(date(2026, 3, 5), "08:00", "09:00")


def test_never_free():
    room = Room("Cellar", OpeningHours({}))
    assert room.next_free(moment("09:00"), 60) is None
