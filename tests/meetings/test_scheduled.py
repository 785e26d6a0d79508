"""Meetings that a room's calendar asks for."""

import threading
from datetime import timedelta

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from meetings import scheduled, tasks
from meetings.lifecycle import review_all
from meetings.models import Meeting, ProviderCall
from meetings.opening import end_meeting, open_meeting
from platforms.handler import create_platform_client
from rooms.calendar import sync
from rooms.models import CalendarEvent, CalendarSync
from tests.conftest import api_for
from tests.support.feeds import FEED, calendar, in_minutes
from tests.support.stub_provider import Answer, StubProvider


@pytest.fixture
def planned(room):
    """The room with a calendar that is read."""
    room.ics_url, room.ics_enabled = "https://calendar.example.com/a.ics", True
    room.save()
    return room


def event(room, minutes, lasts=30, **fields):
    start = timezone.now() + timedelta(minutes=minutes)
    values = {"ics_uid": "1", "title": "Talk", "description": "Agenda", "attendees": [{"email": "bo@example.com"}]}
    times = {"start_time": start, "end_time": start + timedelta(minutes=lasts)}
    return CalendarEvent.objects.create(room=room, **values | times | fields)


def run():
    """One beat, as the workers do it."""
    for pk in scheduled.due_events():
        tasks.open_scheduled_meeting(str(pk))
    scheduled.follow_events()


@pytest.mark.parametrize(("minutes", "opens"), [(7, False), (5, True), (-10, True), (-31, False)])
def test_a_meeting_opens_shortly_before_its_event_and_while_it_lasts(planned, minutes, opens):
    event(planned, minutes)
    run()
    assert Meeting.objects.exists() == opens


def test_it_has_the_events_times_and_texts_and_the_rooms_platform(planned):
    talk = event(planned, 5)
    run()
    meeting = Meeting.objects.get()
    assert (meeting.state, meeting.platform, meeting.room) == ("live", "mock", planned)
    assert (meeting.start_date, meeting.end_date) == (talk.start_time, talk.end_time)
    assert meeting.calendar_event_id == str(talk.pk)
    assert meeting.calendar_metadata == {
        "title": "Talk",
        "description": "Agenda",
        "attendees": [{"email": "bo@example.com"}],
    }


def test_it_opens_once_whatever_becomes_of_it(planned):
    event(planned, 5)
    run()
    run()
    assert Meeting.objects.count() == 1
    end_meeting(Meeting.objects.get())
    run()
    assert Meeting.objects.count() == 1


def test_the_database_keeps_it_once(planned):
    event(planned, 5)
    run()
    meeting = Meeting.objects.get()
    with pytest.raises(IntegrityError):
        Meeting.objects.create(
            room=planned,
            slot="other",
            platform="mock",
            end_date=meeting.end_date,
            calendar_event_id=meeting.calendar_event_id,
        )


def test_an_event_of_whole_days_or_of_a_calendar_that_is_off_opens_nothing(planned):
    event(planned, 0, is_all_day=True)
    run()
    event(planned, 0, ics_uid="2")
    planned.ics_enabled = False
    planned.save()
    run()
    assert not Meeting.objects.exists()


def test_one_that_could_not_be_opened_is_tried_again_while_it_lasts(planned, settings):
    planned.platform = "whereby"
    planned.save()
    with StubProvider() as provider:
        settings.VIDEO_PLATFORMS = settings.VIDEO_PLATFORMS | {
            "whereby": {
                "BACKEND": "platforms.backends.whereby.WherebyClient",
                "OPTIONS": {"api_url": provider.url, "api_key": "key"},
            }
        }
        room = {
            "meetingId": "1",
            "roomName": "/a",
            "roomUrl": "https://a.example/a",
            "hostRoomUrl": "https://a.example/a?h",
        }
        times = {"startDate": "2026-01-01T09:00:00.000Z", "endDate": "2026-01-01T10:00:00.000Z"}
        provider.on("POST", "/meetings", Answer(400, {"error": "no"}), Answer(201, room | times))
        event(planned, 5)
        run()
        assert [meeting.state for meeting in Meeting.objects.all()] == ["failed"]
        run()
        assert Meeting.objects.live().get().room_name == "/a"


def test_it_is_not_closed_for_being_unused_and_ends_with_its_event(planned):
    event(planned, 5, lasts=120)
    run()
    review_all(timezone.now() + timedelta(minutes=100))
    assert Meeting.objects.live().exists()
    review_all(timezone.now() + timedelta(minutes=126))
    assert not Meeting.objects.live().exists()


def test_who_opens_the_room_then_gets_the_calendars_meeting(planned):
    event(planned, 5)
    run()
    assert open_meeting(planned).calendar_event_id
    assert Meeting.objects.count() == 1


def test_a_meeting_of_the_same_room_that_began_before_goes_on_beside_it(planned):
    before = open_meeting(planned)
    event(planned, 5)
    run()
    assert Meeting.objects.live().count() == 2
    assert open_meeting(planned) == before


class TestFollowing:
    def test_a_moved_and_renamed_event_takes_its_meeting_along(self, planned):
        talk = event(planned, 5)
        run()
        later = talk.start_time + timedelta(hours=1)
        CalendarEvent.objects.update(start_time=later, end_time=later + timedelta(hours=1), title="Talk, later")
        run()
        meeting = Meeting.objects.get()
        assert (meeting.start_date, meeting.end_date) == (later, later + timedelta(hours=1))
        assert meeting.calendar_metadata["title"] == "Talk, later"

    def test_the_providers_room_is_kept_for_a_later_end_where_it_can_be(self, planned):
        talk = event(planned, 5)
        run()
        CalendarEvent.objects.update(end_time=talk.end_time + timedelta(hours=3))
        run()
        asked = ProviderCall.objects.filter(kind=ProviderCall.Kind.EXTEND_ROOM).exists()
        assert asked == create_platform_client("mock").supports_extension

    def test_an_end_that_people_put_off_is_not_brought_forward(self, planned):
        talk = event(planned, 5)
        run()
        Meeting.objects.update(
            first_joined_at=timezone.now(), num_clients=2, end_date=talk.end_time + timedelta(hours=1)
        )
        run()
        assert Meeting.objects.get().end_date == talk.end_time + timedelta(hours=1)

    @pytest.mark.parametrize("change", [{"is_cancelled": True}, {"gone_at": "2026-01-01T00:00Z"}])
    def test_a_cancelled_or_vanished_event_ends_its_meeting_unless_people_are_in(self, planned, change):
        event(planned, 5)
        event(planned, 5, ics_uid="2")
        run()
        used, unused = Meeting.objects.order_by("pk")
        Meeting.objects.filter(pk=used.pk).update(num_clients=1, first_joined_at=timezone.now())
        CalendarEvent.objects.update(**change)
        run()
        assert [Meeting.objects.get(pk=meeting.pk).state for meeting in (used, unused)] == ["live", "ended"]

    def test_an_unchanged_event_writes_nothing(self, planned, django_assert_num_queries):
        event(planned, 5)
        run()
        with django_assert_num_queries(2):
            scheduled.follow_events()


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_moved_ten_times_around_its_start_makes_one_meeting(room, settings):
    """The sync and the opening run beside each other, as two workers do."""
    with StubProvider() as server:
        settings.OUTBOUND_ALLOWED_HOSTS = [server.url.removeprefix("http://")]
        room.ics_url, room.ics_enabled = server.url + FEED, True
        room.save()
        server.on("GET", FEED, *(calendar(in_minutes(minutes)) for minutes in (5, -3, 4, 0, -5, 3, 8, 1, -2, 2)))
        failures = []

        def sync_on():
            try:
                for _ in range(12):
                    job = sync.ask_for_sync(room)
                    CalendarSync.run(job.pk)
            except Exception as error:  # noqa: BLE001  (told to the test)
                failures.append(error)
            finally:
                connections.close_all()

        syncing = threading.Thread(target=sync_on)
        syncing.start()
        while syncing.is_alive():
            run()
        syncing.join()
        run()
    assert failures == []
    assert len(server.requests) >= 10
    meeting = Meeting.objects.get()
    talk = CalendarEvent.objects.get()
    assert (meeting.calendar_event_id, meeting.start_date) == (str(talk.pk), talk.start_time)


class TestAPI:
    def test_the_owner_sees_the_calendars_texts_and_strangers_its_title(self, planned, owner, colleague):
        talk = event(planned, 5)
        run()
        for user, description in ((owner, "Agenda"), (colleague, None), (None, None)):
            meeting = api_for(user).get("/v1/rooms/standup/meetings/active").json()[0]
            assert meeting["calendar_event_id"] == str(talk.pk)
            assert meeting["calendar_metadata"]["title"] == "Talk"
            assert meeting["calendar_metadata"]["description"] == description
            assert (meeting["calendar_metadata"]["attendees"] is None) == (description is None)

    def test_a_meeting_of_no_calendar_has_neither(self, room, owner):
        meeting = api_for(owner).post("/v1/rooms/standup/meeting", {}).json()
        assert (meeting["calendar_event_id"], meeting["calendar_metadata"]) == (None, None)


class TestPages:
    def test_the_first_page_and_the_rooms_say_what_is_next(self, planned, owner, client):
        client.force_login(owner)
        event(planned, 60, title="Retro <b>")
        event(planned, 90, ics_uid="2", title="Later")
        event(planned, 60 * 30, ics_uid="3", title="Not within a day")
        open_meeting(planned)
        for path in ("/", "/standup"):
            page = client.get(path).content.decode()
            assert "Next: <bdi>Retro &lt;b&gt;</bdi>" in page
            assert "Later" not in page

    def test_its_meeting_bears_the_events_title(self, planned, client):
        event(planned, 5)
        run()
        assert "Join “<bdi>Talk</bdi>”" in client.get("/standup").content.decode()

    def test_a_room_without_a_calendar_costs_no_look_for_one(self, room, client, django_assert_max_num_queries):
        open_meeting(room)
        with django_assert_max_num_queries(20) as asked:
            client.get("/standup")
        assert not any("calendarevent" in query["sql"] for query in asked.captured_queries)
