"""Keeping a room's events as its calendar says, over HTTP from a server on loopback."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from rooms.calendar import sync
from rooms.models import CalendarEvent, CalendarSync, Room
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.stub_provider import Answer


def fetch(room):
    """As a worker does; what came of it."""
    job = sync.ask_for_sync(room)
    assert CalendarSync.run(job.pk)
    job.refresh_from_db()
    assert job.state == CalendarSync.State.DONE, job.last_error
    return job.result


def titles(room):
    return [event.title for event in room.calendar_events.listed()]


def test_events_that_hold_the_rooms_address_are_kept(scheduled, server):
    server.on("GET", FEED, calendar(in_minutes(60), in_minutes(90, uid="2", location="elsewhere", title="Lunch")))
    result = fetch(scheduled)
    assert (result["status"], result["events_created"], result["error"]) == ("success", 1, None)
    assert titles(scheduled) == ["Talk"]
    scheduled.refresh_from_db()
    assert scheduled.ics_last_sync is not None
    assert scheduled.ics_last_etag == result["hash"]


def test_all_events_are_kept_where_the_room_says_so(scheduled, server):
    scheduled.ics_all_events = True
    scheduled.save()
    server.on("GET", FEED, calendar(in_minutes(60), in_minutes(90, uid="2", location="elsewhere", title="Lunch")))
    fetch(scheduled)
    assert titles(scheduled) == ["Talk", "Lunch"]


def test_an_unchanged_feed_writes_no_event_and_is_not_sent_again(scheduled, server):
    server.on(
        "GET",
        FEED,
        calendar(in_minutes(60), ETag='"v1"'),
        lambda request: Answer(304) if request.headers.get("if-none-match") == '"v1"' else Answer(500),
    )
    fetch(scheduled)
    before = list(CalendarEvent.objects.values())
    changed_at = Room.objects.values_list("updated_at", flat=True).get()
    assert fetch(scheduled)["status"] == "unchanged"
    assert list(CalendarEvent.objects.values()) == before
    assert Room.objects.values_list("updated_at", flat=True).get() == changed_at


def test_the_same_bytes_without_an_etag_are_unchanged_too(scheduled, server):
    server.on("GET", FEED, calendar(in_minutes(60)))
    assert [fetch(scheduled)["status"] for _ in range(2)] == ["success", "unchanged"]


def test_an_unchanged_feed_is_read_again_in_time_as_the_window_goes_on(scheduled, server):
    server.on("GET", FEED, calendar(in_minutes(60), ETag='"v1"'))
    fetch(scheduled)
    CalendarSync.objects.update(read_at=timezone.now() - sync.READ_AGAIN)
    assert fetch(scheduled)["status"] == "success"
    assert "if-none-match" not in server.requests[-1].headers


def test_changes_are_followed(scheduled, server):
    server.on(
        "GET",
        FEED,
        calendar(in_minutes(60), in_minutes(90, uid="2", title="Retro")),
        calendar(in_minutes(75, title="Talk, later"), in_minutes(120, uid="3", title="New")),
    )
    fetch(scheduled)
    talk = CalendarEvent.objects.get(ics_uid="1")
    result = fetch(scheduled)
    counts = {name: result[f"events_{name}"] for name in ("created", "updated", "deleted")}
    assert counts == {"created": 1, "updated": 1, "deleted": 1}
    assert titles(scheduled) == ["Talk, later", "New"]
    moved = CalendarEvent.objects.get(ics_uid="1")
    assert moved.pk == talk.pk
    assert moved.start_time - talk.start_time == timedelta(minutes=15)


def test_an_event_that_vanished_and_came_back_is_the_same(scheduled, server):
    talk = in_minutes(60)
    server.on("GET", FEED, calendar(talk), calendar(), calendar(talk))
    fetch(scheduled)
    known = CalendarEvent.objects.get()
    fetch(scheduled)
    assert titles(scheduled) == []
    fetch(scheduled)
    assert titles(scheduled) == ["Talk"]
    assert CalendarEvent.objects.get().pk == known.pk


def test_a_cancelled_event_is_not_listed(scheduled, server):
    server.on("GET", FEED, calendar(in_minutes(60)), calendar(in_minutes(60, more="STATUS:CANCELLED\n")))
    fetch(scheduled)
    fetch(scheduled)
    assert titles(scheduled) == []


def test_a_series_that_is_moved_as_a_whole_keeps_its_rows(scheduled, server):
    weekly = {"more": "RRULE:FREQ=WEEKLY;COUNT=3\n"}
    server.on("GET", FEED, calendar(in_minutes(60, **weekly)), calendar(in_minutes(100, **weekly)))
    fetch(scheduled)
    known = set(CalendarEvent.objects.values_list("pk", flat=True))
    result = fetch(scheduled)
    assert (result["events_created"], result["events_updated"], result["events_deleted"]) == (0, 3, 0)
    assert set(CalendarEvent.objects.values_list("pk", flat=True)) == known


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Answer(500), "The server of the calendar answered 500."),
        (Answer(404), "The server of the calendar answered 404."),
        (Answer(body=b"<html>Log in</html>"), "This is no calendar (ICS)."),
        (Answer(302, headers={"Location": "http://10.0.0.1/a.ics"}), "This address is not on the public internet."),
        (Answer(body=b"x" * (11 * 1024 * 1024)), "The answer is larger than 10485760 bytes."),
    ],
)
def test_the_last_good_calendar_stays_and_the_reason_is_kept(scheduled, server, answer, reason, caplog):
    caplog.set_level(logging.INFO)
    server.on("GET", FEED, calendar(in_minutes(60)), answer)
    fetch(scheduled)
    result = fetch(scheduled)
    assert (result["status"], result["error"]) == ("error", reason)
    assert titles(scheduled) == ["Talk"]
    assert CalendarSync.objects.get().error == reason
    assert "private-7f3a" not in caplog.text


def test_a_feed_that_fails_is_asked_less_often_and_at_once_well_again(scheduled, server):
    server.on("GET", FEED, *[Answer(500)] * 3, calendar(in_minutes(60)))
    pauses = []
    for _ in range(4):
        fetch(scheduled)
        pauses.append(CalendarSync.objects.get().next_sync_at - timezone.now())
    assert pauses[0] < pauses[1] < pauses[2]
    assert pauses[3] < timedelta(minutes=5, seconds=1)
    assert CalendarSync.objects.get().error == ""


@pytest.mark.parametrize(("stored", "seconds"), [(5, 300), (60, 3600), (300, 300), (3600, 3600)])
def test_the_interval_of_the_existing_client_means_minutes(stored, seconds):
    assert sync.interval_seconds(Room(ics_fetch_interval=stored)) == seconds


class TestDue:
    def test_a_calendar_is_fetched_once_an_interval(self, scheduled, server):
        server.on("GET", FEED, calendar(in_minutes(60)))
        sync.ask_for_due()
        assert CalendarSync.run(CalendarSync.objects.get().pk)
        assert sync.ask_for_due() == 0
        assert not CalendarSync.run(CalendarSync.objects.get().pk)
        CalendarSync.objects.update(next_sync_at=timezone.now())
        assert sync.ask_for_due() == 1
        assert CalendarSync.run(CalendarSync.objects.get().pk)
        assert len(server.requests) == 2

    def test_a_room_without_its_calendar_on_is_left_alone(self, scheduled, server):
        Room.objects.update(ics_enabled=False)
        CalendarSync.objects.update(state=CalendarSync.State.DONE)
        assert sync.ask_for_due() == 0

    def test_a_calendar_that_is_switched_on_is_fetched_at_once(self, room, server):
        room.ics_url, room.ics_enabled = server.url + FEED, True
        room.save()
        assert CalendarSync.objects.get(room=room).state == CalendarSync.State.WAITING

    def test_another_save_of_the_room_asks_for_nothing(self, scheduled, server):
        server.on("GET", FEED, calendar(in_minutes(60)))
        fetch(scheduled)
        scheduled.refresh_from_db()
        scheduled.is_locked = True
        scheduled.save()
        assert CalendarSync.objects.get().state == CalendarSync.State.DONE

    def test_another_address_is_fetched_at_once_and_in_full(self, scheduled, server):
        server.on("GET", FEED, calendar(in_minutes(60), ETag='"v1"'))
        server.on("GET", "/other.ics", calendar(in_minutes(60, uid="9", title="Other"), ETag='"v1"'))
        fetch(scheduled)
        scheduled.refresh_from_db()
        scheduled.ics_url = f"{server.url}/other.ics"
        scheduled.save()
        job = CalendarSync.objects.get()
        assert job.state == CalendarSync.State.WAITING
        CalendarSync.run(job.pk)
        assert "if-none-match" not in server.requests[-1].headers
        assert titles(scheduled) == ["Other"]

    def test_a_calendar_that_is_switched_off_takes_its_events_along(self, scheduled, server):
        server.on("GET", FEED, calendar(in_minutes(60)))
        fetch(scheduled)
        scheduled.refresh_from_db()
        scheduled.ics_enabled = False
        scheduled.save()
        assert titles(scheduled) == []


def test_feeds_are_only_fetched_from_public_addresses(room, settings):
    settings.OUTBOUND_ALLOWED_HOSTS = []
    room.ics_url, room.ics_enabled = "http://127.0.0.1:9/a.ics", True
    room.save()
    assert fetch(room)["error"] == "This address is not on the public internet."


def test_admin_says_how_the_calendar_is_doing(scheduled, server, staff, client):
    client.force_login(staff)

    def page():
        return client.get(f"/admin/rooms/room/{scheduled.pk}/change/").content.decode()

    assert "It will be read within a minute." in page()
    server.on("GET", FEED, calendar(in_minutes(60)), Answer(500))
    fetch(scheduled)
    assert "UTC; events: 1." in page()
    fetch(scheduled)
    assert "The last fetch brought nothing: The server of the calendar answered 500." in page()
    Room.objects.update(ics_enabled=False)
    assert "It is not read." in page()
