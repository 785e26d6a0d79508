"""POST /v1/rooms/{room_name}/meeting."""

import re
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import MOST_PER_ROOM, open_meeting, slot_for
from platforms.backends.mock import MockClient
from platforms.exceptions import PlatformRejected
from platforms.handler import register_platform, unregister_platform
from rooms.models import Room
from rooms.selection import select_for_room
from tests.conftest import api_for, error
from tests.support.stub_provider import Answer, StubProvider

OPEN = "/v1/rooms/standup/meeting"
MEETING_FIELDS = {
    *("id", "room_name", "room_url", "host_room_url", "start_date", "end_date", "user_id", "room_id", "is_locked"),
    *("room_mode", "recording_type", "recording_trigger", "num_clients", "is_active", "calendar_event_id"),
    *("calendar_metadata", "platform", "platform_reason", "store_video"),
}


@pytest.fixture
def provider(settings):
    """Whereby on loopback, as the only platform there is."""
    with StubProvider() as stub:
        options = {"api_url": stub.url, "api_key": "very-secret-key"}
        settings.VIDEO_PLATFORMS = {"whereby": {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": options}}
        settings.VIDEO_PLATFORM_FAILOVER = ["whereby"]
        yield stub


def test_anybody_who_knows_the_name_opens_a_meeting(room):
    answer = api_for().post(OPEN, {})
    assert answer.status_code == 200
    meeting = answer.json()
    assert meeting.keys() == MEETING_FIELDS
    assert meeting["room_id"] == str(room.pk)
    assert (meeting["platform"], meeting["platform_reason"]) == ("mock", "")
    assert Meeting.objects.get().platform_reason == "Chosen for this room."
    assert (meeting["is_active"], meeting["num_clients"], meeting["user_id"]) == (True, 0, None)
    assert meeting["host_room_url"] == ""
    start, end = (datetime.fromisoformat(meeting[name]) for name in ("start_date", "end_date"))
    assert end - start == timedelta(hours=8)


def test_owner_and_staff_get_the_hosts_address(owner, staff, room):
    urls = [api_for(person).post(OPEN, {}).json()["host_room_url"] for person in (owner, staff)]
    assert urls == [Meeting.objects.get().host_room_url] * 2


def test_a_colleague_does_not(colleague, room):
    assert api_for(colleague).post(OPEN, {}).json()["host_room_url"] == ""


def test_the_next_one_who_opens_it_gets_the_same_meeting(owner, room):
    answers = [api_for(person).post(OPEN, {}).json()["id"] for person in (None, owner, None)]
    assert len(set(answers)) == 1


@pytest.mark.parametrize("body", [{"allow_duplicated": False}, {"allow_duplicated": None}, {"other": 1}])
def test_it_is_the_same_meeting_unless_a_duplicate_is_asked_for(owner, staff, room, body):
    first = api_for().post(OPEN, {}).json()["id"]
    assert api_for(owner).post(OPEN, body).json()["id"] == first
    duplicates = {api_for(person).post(OPEN, {"allow_duplicated": True}).json()["id"] for person in (owner, staff)}
    assert len(duplicates | {first}) == 3


@pytest.mark.parametrize("who", ["colleague", "guest"])
def test_others_are_led_to_the_live_meeting_also_when_they_ask_for_a_duplicate(colleague, room, who):
    """Each would cost at the provider, and anybody who knows the room's name could open them without end."""
    api = api_for(colleague if who == "colleague" else None)
    answers = [api.post(OPEN, {"allow_duplicated": True}) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert Meeting.objects.count() == 1


def test_a_room_has_so_many_live_meetings_at_most(owner, room):
    for _ in range(MOST_PER_ROOM - 1):
        open_meeting(room, allow_duplicated=True)
    api = api_for(owner)
    assert api.post(OPEN, {"allow_duplicated": True}).status_code == 200
    refused = api.post(OPEN, {"allow_duplicated": True})
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert "end some" in refused.json()["detail"]
    assert api.post(OPEN, {}).status_code == 200  # the room itself goes on opening


def test_a_duplicate_reads_none_of_the_meetings_that_are_live(owner, room):
    api = api_for(owner)
    api.post(OPEN, {})
    with CaptureQueriesContext(connection) as statements:
        assert api.post(OPEN, {"allow_duplicated": True}).status_code == 200
    read = [one["sql"] for one in statements if one["sql"].startswith("SELECT") and "host_room_url" in one["sql"]]
    assert read == []


def test_changed_settings_make_a_new_meeting_and_leave_the_old_one(owner, room):
    api = api_for(owner)
    first = api.post(OPEN, {}).json()
    api.patch(f"/v1/rooms/{room.pk}", {"is_locked": True})
    second = api.post(OPEN, {}).json()
    assert (first["is_locked"], second["is_locked"]) == (False, True)
    assert Meeting.objects.get(pk=first["id"]).is_active


def test_an_unknown_or_impossible_room_is_404(db):
    for name in ("nowhere", "%00", "a" * 2000):
        answer = api_for().post(f"/v1/rooms/{name}/meeting", {})
        assert (answer.status_code, answer.json()) == (404, error("Room not found"))


@pytest.mark.parametrize("body", [{"allow_duplicated": "perhaps"}, {"allow_duplicated": [1]}, {"allow_duplicated": 7}])
def test_a_bad_value_is_refused_by_name(room, body):
    answer = api_for().post(OPEN, body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body", "allow_duplicated"]
    assert not Meeting.objects.exists()


@pytest.mark.parametrize("content", [None, "[]", "null", "{"])
def test_the_body_must_be_an_object(room, content):
    answer = api_for().post(OPEN, content, content_type="application/json" if content else None)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["body"]
    assert not Meeting.objects.exists()


def test_another_method_is_405(room):
    assert api_for().get(OPEN).status_code == 405


class TestFailures:
    @pytest.fixture
    def room(self, owner):
        return Room.objects.create(name="standup", owner=owner)

    def test_a_refusal_is_502_with_a_safe_sentence(self, provider, room):
        provider.on("POST", "/meetings", Answer(403, {"error": "key very-secret-key is not from acme.example"}))
        answer = api_for().post(OPEN, {})
        assert answer.status_code == 502
        assert answer.json() == error("Whereby refused this. An administrator finds the reason in the log.")

    @pytest.mark.parametrize("retry_after", ["30", "30.2"])
    def test_a_provider_that_is_busy_is_503_with_its_own_pause(self, provider, room, retry_after):
        provider.on("POST", "/meetings", Answer(429, {"error": "acme is slow"}, headers={"Retry-After": retry_after}))
        answer = api_for().post(OPEN, {})
        assert answer.status_code == 503
        assert answer.json() == error("Whereby does not answer at present. Please try again.")
        assert re.fullmatch(r"3[01]", answer["Retry-After"])

    def test_a_provider_that_cannot_be_reached_is_503(self, provider, settings, room):
        options = {"api_url": "http://127.0.0.1:1", "api_key": "very-secret-key"}
        settings.VIDEO_PLATFORMS = {"whereby": {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": options}}
        settings.PROVIDER_TOTAL_TIMEOUT = 1
        answer = api_for().post(OPEN, {})
        assert answer.status_code == 503
        assert int(answer["Retry-After"]) >= 1
        assert "127.0.0.1" not in answer.content.decode()

    def test_a_platform_without_credentials_is_503_and_staff_are_told_what_to_set(
        self, provider, settings, room, owner, staff
    ):
        settings.VIDEO_PLATFORMS = {"whereby": {**settings.VIDEO_PLATFORMS["whereby"], "OPTIONS": {}}}
        for person, is_told in ((None, False), (owner, False), (staff, True)):
            answer = api_for(person).post(OPEN, {})
            assert answer.status_code == 503
            assert ("WHEREBY_API_KEY" in answer.json()["detail"]) == is_told
            assert "No video platform can" in answer.json()["detail"]

    def test_a_room_that_another_request_is_opening_is_503_after_a_bounded_wait(self, settings, room):
        settings.MEETING_OPEN_WAIT = 0
        selection = select_for_room(room)
        now = timezone.now()
        Meeting.objects.create(
            room=room,
            slot=slot_for(room, selection.lasting),
            platform=selection.platform,
            lease_until=now + timedelta(minutes=1),
            end_date=now + timedelta(hours=1),
        )
        answer = api_for().post(OPEN, {})
        assert answer.status_code == 503
        assert answer.json() == error("Meeting creation in progress, please try again")
        assert int(answer["Retry-After"]) >= 1

    def test_what_a_provider_says_does_not_reach_a_person_but_the_log(self, provider, room, caplog):
        provider.on("POST", "/meetings", Answer(400, {"error": "the roomNamePrefix is odd"}))
        answer = api_for().post(OPEN, {})
        assert "roomNamePrefix" not in answer.content.decode()
        assert "the roomNamePrefix is odd" in caplog.text


class Touchy(MockClient):
    label = "Touchy"

    def create_meeting(self, room_name_prefix, end_date, room):
        raise PlatformRejected("no such plan", self.name, 402)


class Vanishing(MockClient):
    label = "Vanishing"

    def create_meeting(self, room_name_prefix, end_date, room):
        Room.objects.all().delete()
        return super().create_meeting(room_name_prefix, end_date, room)


@pytest.mark.django_db(transaction=True)
def test_a_room_that_is_deleted_meanwhile_is_404(owner):
    register_platform("vanishing", Vanishing)
    try:
        Room.objects.create(name="standup", owner=owner, platform="vanishing")
        answer = api_for().post(OPEN, {})
    finally:
        unregister_platform("vanishing")
    assert (answer.status_code, answer.json()) == (404, error("Room not found"))


def test_a_third_partys_platform_is_treated_alike(owner):
    register_platform("touchy", Touchy)
    try:
        Room.objects.create(name="standup", owner=owner, platform="touchy")
        answer = api_for().post(OPEN, {})
    finally:
        unregister_platform("touchy")
    assert answer.status_code == 502
    assert answer.json()["detail"].startswith("Touchy refused this.")
