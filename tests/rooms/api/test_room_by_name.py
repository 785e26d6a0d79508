"""GET /v1/rooms/name/{room_name}."""

import pytest

from rooms.models import Room
from tests.conftest import api_for

PRIVATE = ["webhook_url", "webhook_secret", "ics_url", "email_transcript_to"]


@pytest.fixture
def room(owner):
    return Room.objects.create(
        name="standup",
        owner=owner,
        webhook_url="https://hooks.example.com/in",
        webhook_secret="whsec",
        ics_url="https://calendar.example.com/a.ics",
        email_transcript_to="team@example.com",
    )


def test_everybody_who_knows_the_name_finds_the_room(colleague, room):
    for api in (api_for(colleague), api_for()):
        answer = api.get("/v1/rooms/name/standup")
        assert answer.status_code == 200
        assert answer.json()["id"] == str(room.pk)
        assert [answer.json()[name] for name in PRIVATE] == [None] * 4


def test_owner_and_staff_see_the_private_side(owner, staff, room):
    for person in (owner, staff):
        answer = api_for(person).get("/v1/rooms/name/standup").json()
        assert [answer[name] for name in PRIVATE] == [getattr(room, name) for name in PRIVATE]


@pytest.mark.parametrize("name", ["nowhere", "%00", "standup%00", "a" * 3000, "%F0%9F%98%80", "a%2Fb%20c'"])
def test_an_unknown_or_impossible_name_is_404(owner, room, name):
    answer = api_for(owner).get(f"/v1/rooms/name/{name}")
    assert answer.status_code == 404
    assert answer.json()["detail"].capitalize() in {"Room not found", "Not found"}


def test_another_method_is_405(owner, room):
    answer = api_for(owner).delete("/v1/rooms/name/standup")
    assert answer.status_code == 405
    assert Room.objects.exists()
