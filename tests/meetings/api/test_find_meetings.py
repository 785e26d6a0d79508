"""GET /v1/rooms/{room_name}/meetings/active and .../meetings/{meeting_id}."""

import uuid
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import end_meeting, open_meeting
from rooms.models import Room
from tests.conftest import api_for, error

ACTIVE = "/v1/rooms/standup/meetings/active"


@pytest.fixture
def meeting(room):
    return open_meeting(room)


def path(meeting, room_name="standup"):
    return f"/v1/rooms/{room_name}/meetings/{meeting if isinstance(meeting, str) else meeting.pk}"


class TestActive:
    def test_all_live_meetings_are_listed_newest_first(self, room, meeting):
        duplicate = open_meeting(room, allow_duplicated=True)
        end_meeting(open_meeting(room, allow_duplicated=True))
        answer = api_for().get(ACTIVE)
        assert answer.status_code == 200
        assert [item["id"] for item in answer.json()] == [str(duplicate.pk), str(meeting.pk)]

    def test_none_is_an_empty_list(self, room):
        assert api_for().get(ACTIVE).json() == []

    def test_another_rooms_meetings_are_not_among_them(self, owner, meeting):
        Room.objects.create(name="other", owner=owner)
        assert api_for().get("/v1/rooms/other/meetings/active").json() == []

    def test_a_meeting_keeps_its_platform_when_the_room_is_moved(self, room, meeting):
        Room.objects.update(platform="whereby")
        assert api_for().get(ACTIVE).json()[0]["platform"] == "mock"

    def test_one_whose_time_has_passed_is_listed_only_while_people_are_in(self, meeting):
        Meeting.objects.update(end_date=timezone.now() - timedelta(minutes=1))
        assert api_for().get(ACTIVE).json() == []
        Meeting.objects.update(num_clients=2)
        assert [item["num_clients"] for item in api_for().get(ACTIVE).json()] == [2]

    def test_ten_meetings_cost_as_many_queries_as_one(self, owner, room, meeting):
        api = api_for(owner)
        with CaptureQueriesContext(connection) as for_one:
            api.get(ACTIVE)
        for _ in range(9):
            open_meeting(room, allow_duplicated=True)
        with CaptureQueriesContext(connection) as for_ten:
            assert len(api.get(ACTIVE).json()) == 10
        assert len(for_ten) == len(for_one)

    def test_an_unknown_room_is_404(self, db):
        answer = api_for().get("/v1/rooms/nowhere/meetings/active")
        assert (answer.status_code, answer.json()) == (404, error("Room not found"))

    def test_another_method_is_405(self, room):
        assert api_for().post(ACTIVE, {}).status_code == 405


class TestDetail:
    def test_a_meeting_is_found_by_its_id_also_when_it_has_ended(self, meeting):
        assert api_for().get(path(meeting)).json()["is_active"] is True
        end_meeting(meeting)
        answer = api_for().get(path(meeting))
        assert answer.status_code == 200
        assert (answer.json()["id"], answer.json()["is_active"]) == (str(meeting.pk), False)

    @pytest.mark.parametrize("meeting_id", [str(uuid.uuid4()), "x", "%00", "a" * 2000])
    def test_an_unknown_or_impossible_id_is_404(self, room, meeting_id):
        answer = api_for().get(path(meeting_id))
        assert (answer.status_code, answer.json()) == (404, error("Meeting not found"))

    def test_another_rooms_meeting_is_not_found_here(self, owner, meeting):
        Room.objects.create(name="other", owner=owner)
        answer = api_for(owner).get(path(meeting, "other"))
        assert (answer.status_code, answer.json()) == (404, error("Meeting not found"))

    def test_an_unknown_room_is_404(self, meeting):
        answer = api_for().get(path(meeting, "nowhere"))
        assert (answer.status_code, answer.json()) == (404, error("Room not found"))

    def test_another_method_is_405(self, meeting):
        assert api_for().delete(path(meeting)).status_code == 405
