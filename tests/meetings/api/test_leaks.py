"""What only owners and staff may see never reaches others: by any route, of a room that is shared or not."""

import re

import pytest
from rest_framework.test import APIClient

from meetings.models import Meeting
from meetings.opening import open_meeting
from rooms.models import Room
from rooms.selection import select_for_room
from tests.conftest import api_for

PRIVATE = {
    "webhook_url": "https://hooks.example.com/unspoken-hook",
    "webhook_secret": "unspoken-secret",
    "ics_url": "https://calendar.example.com/unspoken.ics",
    "email_transcript_to": "unspoken@example.com",
}


@pytest.fixture(params=[True, False], ids=["shared", "not shared"])
def room(request, owner):
    return Room.objects.create(name="standup", owner=owner, platform="mock", is_shared=request.param, **PRIVATE)


@pytest.fixture
def meeting(room):
    return open_meeting(room)


def routes(room, meeting):
    meetings = "/v1/rooms/standup/meetings"
    return [
        ("get", "/v1/rooms"),
        ("get", f"/v1/rooms/{room.pk}"),
        ("patch", f"/v1/rooms/{room.pk}"),
        ("get", "/v1/rooms/name/standup"),
        ("post", "/v1/rooms/standup/meeting"),
        ("get", f"{meetings}/active"),
        ("get", f"{meetings}/{meeting.pk}"),
        ("post", f"{meetings}/{meeting.pk}/join"),
        ("patch", f"/v1/meetings/{meeting.pk}/deactivate"),
        ("delete", f"/v1/rooms/{room.pk}"),
        ("get", "/standup"),
        ("get", f"/standup/{meeting.pk}"),
        ("get", "/v1/config"),
        ("get", "/v1/schema"),
    ]


def everything_said_to(api: APIClient, room, meeting):
    return "\n".join(getattr(api, method)(path, {}).content.decode() for method, path in routes(room, meeting))


@pytest.mark.parametrize("public", [True, False])
def test_nothing_private_reaches_strangers_and_colleagues(settings, colleague, room, meeting, public):
    settings.PUBLIC_MODE = public
    said = everything_said_to(api_for(), room, meeting) + everything_said_to(api_for(colleague), room, meeting)
    assert meeting.room_url in said
    assert "unspoken" not in said
    assert meeting.host_room_url not in said
    assert meeting.host_room_url.rpartition("=")[2] not in said


def test_it_reaches_owner_and_staff(owner, staff, room, meeting):
    for person in (owner, staff):
        said = "\n".join(
            getattr(api_for(person), method)(path, {}).content.decode() for method, path in routes(room, meeting)[1:8]
        )
        for value in PRIVATE.values():
            assert value in said
        assert meeting.host_room_url in said


def test_the_last_page_of_a_list_is_as_discreet_as_a_room_alone(owner, colleague, room):
    Room.objects.update(is_shared=True)
    (item,) = api_for(colleague).get("/v1/rooms").json()["items"]
    assert {item[name] for name in PRIVATE} == {None}
    (item,) = api_for(owner).get("/v1/rooms").json()["items"]
    assert {name: item[name] for name in PRIVATE} == PRIVATE


def test_no_variable_is_named_to_strangers(settings, room, meeting, colleague, owner):
    """Why a room opens where it does may name what is set; here two platforms before it could not be had."""
    Room.objects.update(platform="daily")
    Meeting.objects.update(platform_reason=select_for_room(Room.objects.get()).reason)
    settings.PUBLIC_MODE = True
    variable = re.compile(r"[A-Z]{3,}_[A-Z_]{3,}")
    for person in (None, colleague):
        for method, path in routes(room, meeting):
            if path != "/v1/schema":  # it is about the server as a whole
                assert variable.findall(getattr(api_for(person), method)(path, {}).content.decode()) == [], path
    told = api_for(owner).get("/v1/rooms/name/standup").json()["platform_reason"]
    assert variable.findall(told) == ["DAILY_MIGRATION_ENABLED", "WHEREBY_API_KEY"]
