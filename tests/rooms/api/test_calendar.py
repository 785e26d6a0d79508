"""GET /v1/rooms/{name}/meetings and meetings/upcoming, GET .../ics/status, POST .../ics/sync."""

import pytest
from django.contrib.auth.models import Permission

from rooms.models import CalendarSync, Room
from tests.conftest import api_for, error, make_user
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.stub_provider import Answer

MEETINGS = "/v1/rooms/standup/meetings"
SYNC, STATUS = "/v1/rooms/standup/ics/sync", "/v1/rooms/standup/ics/status"
ATTENDEES = 'DESCRIPTION:Agenda\nATTENDEE;CN="Ada";PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:ada@example.com\n'


@pytest.fixture
def synced(scheduled, server, owner):
    server.on(
        "GET",
        FEED,
        calendar(
            in_minutes(-10, title="Now", more=ATTENDEES),
            in_minutes(60, uid="2", title="Soon"),
            in_minutes(60 * 24, uid="3", title="Tomorrow"),
            in_minutes(-120, uid="4", title="Over"),
        ),
    )
    answer = api_for(owner).post(SYNC)
    assert answer.status_code == 200, answer.content
    return answer.json()


def titles(user, path, **query):
    answer = api_for(user).get(path, query)
    assert answer.status_code == 200, answer.content
    return [event["title"] for event in answer.json()]


def test_a_sync_says_what_came_of_it(synced):
    assert len(synced.pop("hash")) == 64
    assert synced == {
        "status": "success",
        "events_found": 4,
        "total_events": 4,
        "events_created": 4,
        "events_updated": 0,
        "events_deleted": 0,
        "error": None,
        "reason": None,
    }


def test_a_sync_a_moment_later_is_skipped(synced, owner):
    again = api_for(owner).post(SYNC).json()
    assert (again["status"], again["reason"]) == ("skipped", "It was fetched a moment ago.")


def test_a_sync_while_a_worker_is_at_it_is_skipped(scheduled, owner):
    CalendarSync.objects.update_or_create(
        room=scheduled, defaults={"state": "running", "lease_until": "2999-01-01T00:00Z"}
    )
    assert api_for(owner).post(SYNC).json()["reason"] == "It is being fetched."


def test_a_feed_that_fails_is_told_with_200(scheduled, server, owner):
    server.on("GET", FEED, Answer(503))
    answer = api_for(owner).post(SYNC)
    assert (answer.status_code, answer.json()["status"]) == (200, "error")
    assert answer.json()["error"] == "The server of the calendar answered 503."
    assert api_for(owner).get(STATUS).json()["error"] == "The server of the calendar answered 503."


def test_the_status_is_the_contracts(synced, owner):
    status = api_for(owner).get(STATUS).json()
    assert status.keys() == {"status", "last_sync", "next_sync", "last_etag", "events_count", "error"}
    assert (status["status"], status["events_count"], status["error"]) == ("enabled", 4, None)
    assert status["next_sync"] > status["last_sync"]
    Room.objects.update(ics_enabled=False)
    status = api_for(owner).get(STATUS).json()
    assert (status["status"], status["next_sync"]) == ("disabled", None)


def test_what_runs_or_begins_soon_is_upcoming_by_start(synced, owner):
    assert titles(owner, f"{MEETINGS}/upcoming") == ["Now", "Soon"]
    assert titles(owner, f"{MEETINGS}/upcoming", minutes_ahead=10) == ["Now"]
    assert titles(owner, f"{MEETINGS}/upcoming", minutes_ahead=60 * 25) == ["Now", "Soon", "Tomorrow"]
    assert titles(owner, MEETINGS) == ["Over", "Now", "Soon", "Tomorrow"]


@pytest.mark.parametrize("minutes", ["-1", "x", "", str(10**30)])
def test_a_window_that_is_no_number_of_minutes_is_422(room, minutes):
    answer = api_for().get(f"{MEETINGS}/upcoming", {"minutes_ahead": minutes})
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", "minutes_ahead"]


def test_an_event_has_the_contracts_fields(synced, owner):
    now = api_for(owner).get(f"{MEETINGS}/upcoming").json()[0]
    assert now.keys() == {
        *("id", "room_id", "ics_uid", "title", "description", "start_time", "end_time", "attendees", "location"),
        *("last_synced", "created_at", "updated_at"),
    }
    assert now["description"] == "Agenda"
    assert now["attendees"] == [{"email": "ada@example.com", "name": "Ada", "status": "ACCEPTED", "role": "CHAIR"}]


@pytest.fixture
def people(owner, colleague, staff):
    looking, changing = make_user("looking", is_staff=True), make_user("changing", is_staff=True)
    looking.user_permissions.add(Permission.objects.get(codename="view_room"))
    changing.user_permissions.add(*Permission.objects.filter(codename__in=["view_room", "change_room"]))
    nobody = make_user("powerless", is_staff=True)
    return {
        "anonymous": None,
        "user": colleague,
        "staff with none": nobody,
        "staff with view": looking,
        "staff with change": changing,
        "superuser": staff,
        "owner": owner,
    }


MAY_CHANGE = {"staff with change", "superuser", "owner"}


@pytest.mark.parametrize(
    "role", ["anonymous", "user", "staff with none", "staff with view", "staff with change", "superuser", "owner"]
)
def test_who_may_what(synced, people, role):
    api = api_for(people[role])
    for path in (MEETINGS, f"{MEETINGS}/upcoming"):
        events = api.get(path).json()
        assert len(events) >= 2
        assert all((event["description"] is None) == (role not in MAY_CHANGE) for event in events)
        assert all((event["attendees"] is None) == (role not in MAY_CHANGE) for event in events)
    for answer, refusal in (
        (api.get(STATUS), "Only room owner can view ICS status"),
        (api.post(SYNC), "Only room owner can trigger ICS sync"),
    ):
        if role in MAY_CHANGE:
            assert answer.status_code == 200
        else:
            assert (answer.status_code, answer.json()) == (403, error(refusal))
        assert "private-7f3a" not in answer.content.decode()


def test_a_room_without_a_calendar_cannot_sync(room, owner):
    answer = api_for(owner).post(SYNC)
    assert (answer.status_code, answer.json()) == (400, error("ICS not configured for this room"))
    assert titles(owner, MEETINGS) == titles(owner, f"{MEETINGS}/upcoming") == []


@pytest.mark.parametrize("path", [MEETINGS, f"{MEETINGS}/upcoming", STATUS])
def test_a_room_that_is_not_there_is_404(db, owner, path):
    answer = api_for(owner).get(path.replace("standup", "nowhere"))
    assert (answer.status_code, answer.json()) == (404, error("Room not found"))
