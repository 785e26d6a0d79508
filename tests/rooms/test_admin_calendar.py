"""Rooms' calendars in Admin."""

import pytest
from django.test import Client

from rooms.models import Room
from tests.rooms.test_admin_webhooks import address, page, save
from tests.support.feeds import FEED, calendar, in_minutes

STORED = "https://calendar.example.com/unspoken.ics"


@pytest.fixture
def admin(staff):
    client = Client()
    client.force_login(staff)
    return client


@pytest.fixture
def dated(room):
    room.ics_url = STORED
    room.save()
    return room


def press(admin, room, action):
    """What the page says that follows."""
    answer = admin.post(f"/admin/rooms/room/{room.pk}/calendar/{action}/")
    assert (answer.status_code, answer["Location"]) == (302, address(room))
    return page(admin, answer["Location"])


def test_an_address_is_not_shown_and_kept_when_the_field_is_left_empty(admin, dated):
    markup = page(admin, address(dated))
    assert "An address is stored, not shown." in markup
    assert "unspoken" not in markup
    save(admin, dated, is_locked="on")
    assert (dated.ics_url, dated.is_locked) == (STORED, True)


def test_an_address_can_be_replaced_and_removed(admin, dated):
    save(admin, dated, ics_url="https://calendar.example.com/other.ics")
    assert dated.ics_url == "https://calendar.example.com/other.ics"
    save(admin, dated, ics_removed="on", ics_enabled="")
    assert not dated.ics_url
    assert "stored, not shown" not in page(admin, address(dated))


def test_an_address_that_is_not_public_is_refused(admin, dated):
    answer = admin.post(address(dated), {"name": "standup", "ics_url": "http://127.0.0.1/a.ics"})
    assert answer.status_code == 200
    assert "This address is not on the public internet." in answer.content.decode()
    assert "OUTBOUND_ALLOWED_HOSTS=127.0.0.1:80." in answer.content.decode()
    assert Room.objects.get().ics_url == STORED


def test_the_calendar_is_read_now(admin, scheduled, server):
    server.on("GET", FEED, calendar(in_minutes(60)))
    assert "The calendar was read. Events of this room: 1." in press(admin, scheduled, "sync")
    assert "It was fetched a moment ago." in press(admin, scheduled, "sync")


def test_a_calendar_that_is_not_read_cannot_be_read_now(admin, room):
    assert "Read the calendar now" not in page(admin, address(room))
    assert "There is no calendar to read." in press(admin, room, "sync")


def test_a_link_to_the_rooms_own_calendar_is_made_and_taken_back(admin, room):
    text = press(admin, room, "make-link")
    room.refresh_from_db()
    assert f"/v1/rooms/standup/calendar.ics?key={room.calendar_secret}" in text
    assert room.calendar_secret not in page(admin, address(room))
    assert "leads nowhere now" in press(admin, room, "revoke-link")
    room.refresh_from_db()
    assert room.calendar_secret is None


def test_there_is_nothing_else_to_do_and_not_by_a_link(admin, room):
    assert admin.post(f"/admin/rooms/room/{room.pk}/calendar/nonsense/").status_code == 404
    assert admin.get(f"/admin/rooms/room/{room.pk}/calendar/sync/").status_code == 405


def test_another_key_is_a_clear_failure(admin, dated, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["6LmMzlAhgKAjKpmmXzk3uYjbSCPA8N1mTXB8LR1YhqQ="]
    assert admin.get("/admin/rooms/room/").status_code == 200
    answer = admin.get(address(dated))
    assert answer.status_code == 503
    assert "its keys were changed" in answer.content.decode()
    assert "try again" not in answer.content.decode()
