"""Provider rooms that are gone, of which no webhook tells: who opens or joins must not be led nowhere."""

import copy
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import open_meeting
from platforms.abilities import RoomLookup
from platforms.handler import register_platform, unregister_platform
from tests.conftest import api_for, error
from tests.support.daily import SECRET, DailyStub
from tests.support.plain import PlainClient
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import whereby_stub

pytestmark = pytest.mark.django_db

STUBS = {"daily": (DailyStub, "/rooms/"), "whereby": (whereby_stub, "/meetings/")}


class Provider:
    """One provider's stand-in, and the live meeting of the room there."""

    def __init__(self, stub, where, room):
        self.stub = stub
        self.meeting = open_meeting(room)
        key = self.meeting.room_name if room.platform == "daily" else self.meeting.provider_meeting_id
        self.path = f"{where}{key}"

    @property
    def looks(self):
        return len(self.stub.sent("GET", self.path))

    def lose_the_room(self):
        self.stub.on("GET", self.path, Answer(404, {"error": "not-found"}))

    def open(self):
        answer = api_for().post("/v1/rooms/standup/meeting", {})
        assert answer.status_code == 200
        return answer.json()["id"]

    def join(self):
        return api_for().post(f"/v1/rooms/standup/meetings/{self.meeting.pk}/join")


@pytest.fixture(params=STUBS)
def provider(request, room, settings):
    stub_class, where = STUBS[request.param]
    with stub_class() as stub:
        platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
        platforms[request.param]["OPTIONS"] |= {"api_url": stub.url, "api_key": "key", "webhook_secrets": [SECRET]}
        settings.VIDEO_PLATFORMS = platforms
        settings.DAILY_MIGRATION_ENABLED = True
        room.platform = request.param
        room.save()
        yield Provider(stub, where, room)


def age(**fields):
    """As if the meeting had opened so long ago that it shows no sign of life any more."""
    Meeting.objects.update(start_date=timezone.now() - timedelta(minutes=2), **fields)


def test_a_room_that_is_gone_makes_room_for_another(provider):
    age()
    provider.lose_the_room()
    assert provider.open() != str(provider.meeting.pk)
    provider.meeting.refresh_from_db()
    assert provider.meeting.state == Meeting.State.ENDED


def test_joining_one_that_is_gone_says_so(provider):
    age(num_clients=2)  # as the last webhook told; the rest were lost
    provider.lose_the_room()
    answer = provider.join()
    assert (answer.status_code, answer.json()) == (400, error("Meeting has ended"))
    assert provider.open() != str(provider.meeting.pk)


def test_the_rooms_page_opens_another(provider):
    assert 'data-state="name"' in page_of_the_room()
    assert provider.looks == 0
    age()
    provider.lose_the_room()
    assert '<div class="room" id="room" data-state="opening">' in page_of_the_room()
    provider.meeting.refresh_from_db()
    assert provider.meeting.state == Meeting.State.ENDED


def page_of_the_room():
    return Client().get("/standup").content.decode()


def test_the_provider_is_not_asked_while_signs_of_life_are_fresh(provider):
    recently = timezone.now() - timedelta(seconds=20)
    for fields in ({"last_active_at": recently}, {"num_clients": 1, "presence_checked_at": recently}):
        age(**{"last_active_at": None, "num_clients": 0, **fields})
        assert provider.open() == str(provider.meeting.pk)
        assert provider.join().status_code == 200
    assert provider.looks == 0


def test_somebody_who_was_let_in_is_no_sign_of_life(provider):
    """Else each try to join would keep a dead room dead."""
    age(expected_at=timezone.now())
    provider.lose_the_room()
    assert provider.join().status_code == 400


def test_a_look_at_an_empty_room_is_no_sign_of_life(provider):
    """A provider shows nobody in a room that is gone, as in one that is empty."""
    age(presence_checked_at=timezone.now())
    provider.lose_the_room()
    assert provider.join().status_code == 400


def test_a_crowd_costs_one_look(provider):
    age()
    for _ in range(3):
        assert provider.open() == str(provider.meeting.pk)
        assert provider.join().status_code == 200
    assert provider.looks == 1


@pytest.mark.parametrize("status", [401, 429, 500])
def test_a_provider_that_cannot_say_does_not_end_the_meeting(provider, status):
    age()
    provider.stub.on("GET", provider.path, Answer(status, {}, headers={"Retry-After": "7"}))
    assert provider.open() == str(provider.meeting.pk)
    assert provider.join().status_code == 200


class Confused(RoomLookup, PlainClient):
    def has_room(self, room_name, meeting_id=""):
        raise IndexError("list index out of range")


def test_a_lookup_that_fails_in_a_way_that_was_not_expected_lets_people_in(room, caplog):
    register_platform("confused", Confused)
    try:
        room.platform = "confused"
        room.save()
        meeting = open_meeting(room)
        Meeting.objects.update(start_date=timezone.now() - timedelta(hours=1))
        assert api_for().post(f"/v1/rooms/standup/meetings/{meeting.pk}/join").status_code == 200
    finally:
        unregister_platform("confused")
    assert "adapter_failed platform=confused error=IndexError" in caplog.text
