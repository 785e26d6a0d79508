"""GET /v1/rooms/{name}/calendar.ics, and the secret link that leads there."""

from datetime import timedelta
from urllib.parse import urlsplit

import icalendar
import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from rooms.calendar import sync
from rooms.models import CalendarEvent, CalendarSync, Room
from tests.conftest import api_for
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.stub_provider import Answer

LINK = "/v1/rooms/standup/calendar-link"
ATTENDEES = 'DESCRIPTION:Agenda\nATTENDEE;CN="Ada":mailto:ada@example.com\n'


@pytest.fixture
def api(owner):
    return api_for(owner)


@pytest.fixture
def link(api, scheduled):
    return api.post(LINK).json()["url"]


def read(link, **headers):
    parts = urlsplit(link)
    return Client().get(f"{parts.path}?{parts.query}", headers=headers)


def events(link):
    answer = read(link)
    assert answer.status_code == 200, answer.content
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    return {str(event["SUMMARY"]): event for event in icalendar.Calendar.from_ical(answer.content).walk("VEVENT")}


def synced(scheduled, server, *found):
    server.on("GET", FEED, calendar(*found))
    CalendarSync.objects.update(finished_at=timezone.now() - timedelta(minutes=1))
    result = sync.sync_now(scheduled)
    assert result["status"] == "success", result


def test_a_link_is_made_shown_again_and_taken_back(api, room):
    assert api.get(LINK).json() == {"url": None}
    url = api.post(LINK).json()["url"]
    assert url.startswith("http://localhost:8000/v1/rooms/standup/calendar.ics?key=")
    assert api.get(LINK).json() == {"url": url}
    assert read(url).status_code == 200
    another = api.post(LINK).json()["url"]
    assert [read(old).status_code for old in (url, another)] == [404, 200]
    assert api.delete(LINK).json() == {"status": "ok"}
    assert api.get(LINK).json() == {"url": None}
    assert read(another).status_code == 404


def test_a_wrong_key_and_a_room_that_does_not_exist_are_answered_alike(link):
    wrong = [f"{link}x", link[:-1], link.partition("?")[0], link.replace("standup", "nowhere"), f"{link}%00%ff"]
    answers = [read(url) for url in wrong]
    nowhere = b'{"detail": "Room not found", "code": "room_not_found"}'
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, nowhere)}


def test_the_secret_is_encrypted_where_it_is_stored(link, room):
    with connection.cursor() as cursor:
        cursor.execute("SELECT calendar_secret FROM rooms_room")
        [(stored,)] = cursor.fetchall()
    assert stored.startswith("fernet:")
    assert link.partition("key=")[2] not in stored


def test_whoever_has_the_link_sees_when_and_what_and_not_who(link, scheduled, server):
    start = timezone.now().replace(microsecond=0) + timedelta(hours=1)
    synced(
        scheduled,
        server,
        {"start": start, "end": start + timedelta(minutes=30), "title": "Böard, talk;", "more": ATTENDEES},
    )
    [event] = events(link).values()
    assert str(event["SUMMARY"]) == "Böard, talk;"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (start, start + timedelta(minutes=30))
    assert event["LOCATION"] == event["URL"] == "http://localhost:8000/standup"
    assert event["STATUS"] == "CONFIRMED"
    assert event["UID"] == f"{CalendarEvent.objects.get().pk}@localhost"
    text = read(link).content.decode()
    assert "ada@example.com" not in text
    assert "Agenda" not in text


def test_it_is_called_what_people_call_the_room(link, scheduled, server):
    synced(scheduled, server, in_minutes(60, title=""))
    before = read(link)
    Room.objects.update(title="Sales, weekly")
    after = icalendar.Calendar.from_ical(read(link).content)
    assert (str(after["NAME"]), str(after["X-WR-CALNAME"])) == ("Sales, weekly", "Sales, weekly")
    assert list(events(link)) == ["Sales, weekly"]
    assert read(link)["ETag"] != before["ETag"]


def test_an_event_that_moves_and_goes_keeps_its_id_and_counts_its_changes(link, scheduled, server):
    seen = []

    def look():
        [event] = events(link).values()
        seen.append((str(event["UID"]), int(event["SEQUENCE"]), str(event["STATUS"])))

    synced(scheduled, server, in_minutes(60))
    look()
    synced(scheduled, server, in_minutes(90))
    look()
    synced(scheduled, server, in_minutes(90, uid="other", location="elsewhere"))
    look()
    synced(scheduled, server, in_minutes(90))
    look()
    assert len({uid for uid, _, _ in seen}) == 1
    assert [sequence for _, sequence, _ in seen] == [0, 1, 2, 3]
    assert [status for _, _, status in seen] == ["CONFIRMED", "CONFIRMED", "CANCELLED", "CONFIRMED"]


def test_what_its_calendar_calls_cancelled_is_cancelled(link, scheduled, server):
    synced(scheduled, server, in_minutes(60, more="STATUS:CANCELLED\n"))
    assert [str(event["STATUS"]) for event in events(link).values()] == ["CANCELLED"]


def test_a_calendar_that_is_not_read_any_more_cancels_its_events(link, scheduled, server):
    synced(scheduled, server, in_minutes(60))
    room = Room.objects.get()
    room.ics_enabled = False
    room.save()
    [event] = events(link).values()
    assert (str(event["STATUS"]), int(event["SEQUENCE"])) == ("CANCELLED", 1)


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Pacific/Honolulu", "Europe/Berlin"])
def test_whole_days_stay_the_days_that_they_are_where_the_calendar_is(link, scheduled, server, zone):
    day = (timezone.now() + timedelta(days=3)).date()
    lines = f"""BEGIN:VCALENDAR
X-WR-TIMEZONE:{zone}
BEGIN:VEVENT
UID:1
DTSTART;VALUE=DATE:{day:%Y%m%d}
DTEND;VALUE=DATE:{day + timedelta(days=2):%Y%m%d}
SUMMARY:Offsite
LOCATION:http://localhost:8000/standup
END:VEVENT
END:VCALENDAR
"""
    server.on("GET", FEED, Answer(body=lines.replace("\n", "\r\n").encode()))
    sync.sync_now(scheduled)
    [event] = events(link).values()
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (day, day + timedelta(days=2))
    assert event["DTSTART"].params["VALUE"] == "DATE"


def test_a_calendar_that_has_not_changed_is_not_sent_again(link, scheduled, server):
    synced(scheduled, server, in_minutes(60))
    first = read(link)
    assert first["Cache-Control"] == "private, no-cache"
    again = read(link, if_none_match=first["ETag"])
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    synced(scheduled, server, in_minutes(90))
    changed = read(link, if_none_match=first["ETag"])
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


def test_what_is_long_over_is_left_out(link, scheduled, server):
    synced(scheduled, server, in_minutes(60, title="Soon"), in_minutes(-60 * 24 * 3, uid="2", title="Over"))
    assert set(events(link)) == {"Soon", "Over"}
    CalendarEvent.objects.filter(title="Over").update(end_time=timezone.now() - timedelta(days=8))
    assert set(events(link)) == {"Soon"}


def test_a_room_can_be_read_by_our_own_reader(link, scheduled, server):
    """What one room publishes another one may take in."""
    from rooms.calendar.parsing import parser

    synced(scheduled, server, in_minutes(60, title="Soon"), in_minutes(120, uid="2", title="Later"))
    now = timezone.now()
    found = parser.occurrences(read(link).content, now, now + timedelta(days=1), "localhost:8000/standup")
    assert [occurrence.title for occurrence in found] == ["Soon", "Later"]


def test_any_accept_header_and_head_are_answered(link, scheduled):
    assert read(link, accept="text/calendar").status_code == 200
    parts = urlsplit(link)
    assert Client().head(f"{parts.path}?{parts.query}").status_code == 200
    assert Client().post(f"{parts.path}?{parts.query}").status_code == 405
