"""A deleted room takes its meetings' provider rooms with it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from meetings.models import Meeting, ProviderCall
from meetings.opening import end_meeting, open_meeting
from rooms.models import Room
from tests.conftest import api_for


@pytest.mark.parametrize("delete", [Room.delete, lambda room: Room.objects.filter(pk=room.pk).delete()])
def test_live_meetings_end_and_their_provider_rooms_are_closed(room, delete):
    meetings = [open_meeting(room), open_meeting(room, allow_duplicated=True)]
    ended_before = open_meeting(room, allow_duplicated=True)
    end_meeting(ended_before)
    ProviderCall.objects.all().delete()
    delete(room)
    assert set(ProviderCall.objects.values_list("meeting", "kind")) == {(m.pk, "close_room") for m in meetings}
    assert list(Meeting.objects.exclude(state="ended")) == list(Meeting.objects.exclude(room=None)) == []


def test_an_opening_that_is_under_way_loses_its_place(room):
    meeting = Meeting.objects.create(room=room, platform="mock", end_date=timezone.now() + timedelta(hours=1))
    room.delete()
    meeting.refresh_from_db()
    assert meeting.state == "failed"


def test_other_rooms_meetings_go_on(owner, room):
    other = open_meeting(Room.objects.create(name="other", owner=owner, platform="mock"))
    room.delete()
    other.refresh_from_db()
    assert other.is_active


def test_a_room_is_deleted_through_the_api_with_a_meeting_under_way(owner, room):
    meeting = open_meeting(room)
    assert api_for(owner).delete(f"/v1/rooms/{room.pk}").status_code == 200
    meeting.refresh_from_db()
    assert (meeting.state, meeting.room, meeting.room_label) == ("ended", None, "standup")
