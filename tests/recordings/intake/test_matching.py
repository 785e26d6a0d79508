"""Which meeting a recording belongs to."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

from recordings.intake.matching import WINDOW, likely_meetings, match_meeting
from tests.support.meeting_reports import START, make_meeting, minute
from tests.support.recording_reports import ref

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def held(start, **fields):
    return make_meeting(start_date=START + start, **fields)


def match(**fields):
    return match_meeting(ref(**fields))


def test_the_providers_meeting_id_counts_more_than_name_and_time():
    meant = held(timedelta(days=300), provider_meeting_id="m-1", room_name="elsewhere")
    held(timedelta())
    assert match(meeting_id="m-1", started_at=START) == meant


def test_an_id_that_is_not_known_leaves_it_to_the_rooms_name():
    meeting = held(timedelta())
    assert match(meeting_id="a call, not a meeting", started_at=START) == meeting


@pytest.mark.parametrize(
    ("starts", "nearest"),
    [
        ([timedelta(0), HOUR], 0),
        ([-HOUR, timedelta(minutes=50)], 1),  # a meeting may be said to start after its recording
        ([-WINDOW], 0),
        ([WINDOW], 0),
        ([-WINDOW - timedelta(seconds=1)], None),
        ([WINDOW + timedelta(seconds=1)], None),
        ([timedelta(days=-30), timedelta(days=3), timedelta(days=30)], 1),
        ([], None),
    ],
)
def test_of_a_rooms_meetings_the_nearest_start_within_a_week_counts(starts, nearest):
    meetings = [held(start) for start in starts]
    assert match(started_at=START) == (None if nearest is None else meetings[nearest])


def test_of_equally_near_ones_the_lower_id_counts():
    ids = sorted(uuid.uuid4() for _ in range(4))
    for number, pk in enumerate(reversed(ids)):
        held(HOUR if number % 2 else -HOUR, pk=pk)
    assert match(started_at=START).pk == ids[0]


def test_the_nearest_is_found_among_very_many():
    meant = held(timedelta(0))
    for number in range(1, 130):
        held(timedelta(minutes=number))
    assert match(started_at=minute(0)) == meant


def test_without_a_time_a_room_with_one_meeting_is_enough_and_with_two_is_not():
    meeting = held(timedelta(days=40))
    assert match(started_at=None) == meeting
    held(timedelta(days=41))
    assert match(started_at=None) is None


def test_without_a_room_nothing_fits():
    held(timedelta(0), room_name="")
    assert match(room_name="", started_at=START) is None


@pytest.mark.parametrize("name", ["/Standup-1", "standup-1", "/standup-1"])
def test_a_rooms_name_is_the_same_in_any_spelling(name):
    meeting = held(timedelta(0))
    assert match(room_name=name, started_at=START) == meeting


@pytest.mark.parametrize("fields", [{"platform": "other"}, {"state": "opening"}, {"state": "failed"}])
def test_meetings_elsewhere_or_never_opened_are_not_meant(fields):
    held(timedelta(0), **fields)
    assert match(started_at=START) is None


def test_an_ended_meeting_is_meant_as_well():
    meeting = held(timedelta(0), state="ended")
    assert match(started_at=START) == meeting


def test_a_time_without_a_zone_is_refused():
    held(timedelta(0))
    with pytest.raises(ValueError, match="time zone"):
        match(started_at=datetime(2026, 1, 5, 9))  # noqa: DTZ001


def test_staff_are_shown_the_meetings_of_that_room_first_and_then_the_nearest():
    room_at_another_time = held(timedelta(days=90))
    near = held(timedelta(minutes=5), room_name="other-1")
    nearer = held(timedelta(minutes=-2), room_name="other-2")
    held(timedelta(0), room_name="other-3", platform="elsewhere")
    found = likely_meetings("mock", "standup-1", START.astimezone(UTC))
    assert found == [room_at_another_time, nearer, near]
    assert likely_meetings("mock", "", START) == [nearer, near, room_at_another_time]
    assert likely_meetings("mock", "standup-1", None) == [room_at_another_time]


def test_staff_are_shown_no_more_than_they_can_read():
    for number in range(15):
        held(timedelta(minutes=number), room_name=f"other-{number}")
    assert len(likely_meetings("mock", "", minute(7))) == 10
