"""Presence asked for over real HTTP corrects what webhooks missed, sparingly."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from meetings import tasks
from meetings.models import Meeting
from meetings.reconcile import interval, reconcile
from platforms import events
from platforms.models import WebhookEvent
from tests.support.meeting_reports import joined, make_meeting, minute, report, tell
from tests.support.provider_rooms import provider_rooms
from tests.support.stub_provider import Answer

pytestmark = pytest.mark.django_db

ALL, ROOM = "/daily/presence", "/daily/rooms/"
SESSIONS = "/whereby/insights/room-sessions"


@pytest.fixture
def rooms(settings):
    with provider_rooms() as rooms:
        settings.VIDEO_PLATFORMS = rooms.platforms(presence_checks_per_minute=3)
        yield rooms


def open_meeting(platform, room_name="standup-1", **fields):
    return make_meeting(platform=platform, room_name=room_name, **fields)


def hear_from(platform, at):
    WebhookEvent.objects.create(
        id=f"00000000-0000-4000-8000-{WebhookEvent.objects.count():012}", platform=platform, body=b"", received_at=at
    )


def people(meeting):
    meeting.refresh_from_db()
    return meeting.num_clients


def inside(meeting):
    return set(meeting.sessions.filter(left_at=None).values_list("session_id", flat=True))


# What is corrected


@pytest.mark.parametrize("platform", ["daily", "whereby"])
def test_the_state_becomes_right_when_every_webhook_is_lost(rooms, platform):
    meeting = open_meeting(platform, "/standup-1")
    rooms.enter("standup-1", "a", minute(1), "Ada")
    rooms.enter("standup-1", "b", minute(2), "Bo")
    reconcile(minute(10))
    assert (people(meeting), inside(meeting)) == (2, {"a", "b"})
    assert meeting.first_joined_at == minute(1)
    assert meeting.sessions.get(session_id="b").user_name == "Bo"
    rooms.leave("standup-1", "a")
    rooms.enter("standup-1", "c", minute(11))
    reconcile(minute(20))
    assert (people(meeting), inside(meeting)) == (2, {"b", "c"})
    assert meeting.sessions.get(session_id="a").left_at == minute(20)


def test_an_emptied_room_is_found_empty(rooms):
    meeting = open_meeting("daily")
    tell(joined("a", 1, platform="daily"))
    reconcile(minute(10))
    assert (people(meeting), inside(meeting)) == (0, set())


def test_one_who_waits_alone_where_sessions_need_two_stays(rooms):
    meeting = open_meeting("whereby")
    tell(joined("a", 1, platform="whereby", present=1))
    reconcile(minute(10))
    assert (people(meeting), inside(meeting)) == (1, {"a"})


def test_a_room_that_is_gone_is_empty(rooms):
    meeting = open_meeting("daily")
    tell(joined("a", 1, platform="daily"))
    rooms.stub.on("GET", "/daily/rooms/*", Answer(404, {"error": "not-found"}))
    reconcile(minute(10))
    assert people(meeting) == 0


def test_meetings_that_are_not_live_are_not_asked_about(rooms):
    open_meeting("daily", state=Meeting.State.ENDED, ended_at=minute(5))
    open_meeting("daily", state=Meeting.State.OPENING)
    assert reconcile(minute(10)) == []
    assert rooms.stub.requests == []


def test_looking_twice_changes_nothing_more(rooms):
    meeting = open_meeting("daily")
    rooms.enter("standup-1", "a", minute(1))
    assert [summary.corrected for summary in reconcile(minute(10))] == [1]
    assert [summary.corrected for summary in reconcile(minute(20))] == [0]
    assert (people(meeting), meeting.presence_checked_at) == (1, minute(20))


# How it is asked


def test_many_rooms_are_asked_about_in_one_call_where_there_is_one(rooms):
    meetings = [open_meeting("daily", f"room-{number}") for number in range(5)]
    rooms.enter("room-3", "a", minute(1))
    reconcile(minute(10))
    assert [people(meeting) for meeting in meetings] == [0, 0, 0, 1, 0]
    assert (rooms.asked(ALL), rooms.asked(ROOM)) == (1, 0)


def test_answers_that_say_nothing_new_cost_no_transaction_each(rooms):
    for number in range(20):
        open_meeting("daily", f"room-{number}")
    with CaptureQueriesContext(connection) as few:
        reconcile(minute(10))
    for number in range(20, 60):
        open_meeting("daily", f"room-{number}")
    with CaptureQueriesContext(connection) as more:
        reconcile(minute(20))
    assert len(more) == len(few) < 12
    assert Meeting.objects.filter(presence_checked_at=minute(20)).count() == 60


def test_a_platform_is_asked_no_more_than_its_budget_within_a_minute_longest_unseen_first(rooms):
    for number in range(8):
        open_meeting("whereby", f"room-{number}", start_date=minute(number))
    reconcile(minute(20))
    assert rooms.asked(SESSIONS) == 3
    reconcile(minute(20.5))
    assert rooms.asked(SESSIONS) == 3
    reconcile(minute(21.5))
    reconcile(minute(23))
    assert rooms.asked(SESSIONS) == 9
    asked = [request.query["roomName"][0] for request in rooms.stub.sent("GET", SESSIONS)]
    assert {*asked[:3]} == {"/room-0", "/room-1", "/room-2"} > {asked[8]}
    assert asked[3:8] == [f"/room-{number}" for number in range(3, 8)]


def test_a_platform_that_is_down_does_not_keep_the_others_back(rooms):
    lost = open_meeting("daily")
    meeting = open_meeting("whereby", "other")
    tell(joined("z", 1, platform="daily"))
    rooms.stub.on("GET", "/daily/rooms/*", Answer(503))
    rooms.enter("other", "a", minute(1))
    rooms.enter("other", "b", minute(1))
    summaries = {summary.platform: summary for summary in reconcile(minute(10))}
    assert "503" in summaries["daily"].error
    assert (people(meeting), people(lost), lost.presence_checked_at) == (2, 1, None)


def test_a_platform_that_is_not_configured_any_more_is_left_alone(rooms, settings):
    open_meeting("daily")
    settings.VIDEO_PLATFORMS = {"whereby": settings.VIDEO_PLATFORMS["whereby"]}
    (summary,) = reconcile(minute(10))
    assert "daily" in summary.error


# How often


def test_it_is_asked_often_while_webhooks_are_silent_and_rarely_while_they_flow(rooms):
    assert interval("daily", minute(10)) == timedelta(seconds=30)
    hear_from("whereby", minute(9))
    assert interval("daily", minute(10)) == timedelta(seconds=30)
    hear_from("daily", minute(9))
    assert interval("daily", minute(10)) == timedelta(minutes=5)
    assert interval("daily", minute(15)) == timedelta(seconds=30)


@pytest.mark.parametrize(("webhooks_flow", "asked"), [(True, 2), (False, 20)])
def test_a_meeting_is_looked_at_as_often_as_the_silence_calls_for(rooms, webhooks_flow, asked):
    open_meeting("daily")
    for quarter in range(1, 41):
        if webhooks_flow:
            hear_from("daily", minute(quarter / 4))
        reconcile(minute(quarter / 4))
    assert rooms.asked(ROOM) == asked


def test_the_end_of_a_call_with_somebody_left_in_is_a_reason_to_look_at_once(rooms):
    meeting = open_meeting("daily")
    hear_from("daily", minute(9))
    for session_id in "ab":
        rooms.enter("standup-1", session_id, minute(1))
        tell(joined(session_id, 1, platform="daily"))
    reconcile(minute(6))
    rooms.leave("standup-1", "a")
    reconcile(minute(8.75))
    assert people(meeting) == 2
    tell(report(events.MeetingEnded, 9, platform="daily"))
    reconcile(minute(9.25))
    assert (people(meeting), inside(meeting)) == (1, {"b"})
    reconcile(minute(9.75))  # once more, as answers may lag behind
    asked = rooms.asked(ROOM)
    reconcile(minute(10))
    assert rooms.asked(ROOM) == asked


def test_the_task_asks_now(rooms):
    meeting = open_meeting("daily")
    rooms.enter("standup-1", "a", minute(1))
    tasks.check_presence()
    assert people(meeting) == 1


# The command


def test_the_command_looks_at_all_live_meetings_and_says_what_came_of_it(rooms, capsys):
    meeting = open_meeting("daily", presence_checked_at=minute(0))
    open_meeting("whereby", "other")
    rooms.enter("standup-1", "a", minute(1))
    call_command("reconcile_meetings")
    assert people(meeting) == 1
    assert capsys.readouterr().out.splitlines() == [
        "platform=daily meetings=1 asked=1 corrected=1",
        "platform=whereby meetings=1 asked=1 corrected=0",
    ]


def test_the_command_can_be_kept_to_one_platform(rooms, capsys):
    open_meeting("daily")
    open_meeting("whereby", "other")
    call_command("reconcile_meetings", "--platform", "whereby")
    assert capsys.readouterr().out.splitlines() == ["platform=whereby meetings=1 asked=1 corrected=0"]


def test_a_dry_run_says_what_would_be_corrected_and_changes_nothing(rooms, capsys):
    meeting = open_meeting("daily")
    rooms.enter("standup-1", "a", minute(1))
    call_command("reconcile_meetings", "--dry-run")
    assert capsys.readouterr().out.splitlines() == ["platform=daily meetings=1 asked=1 corrected=1"]
    assert (people(meeting), meeting.sessions.count(), meeting.presence_checked_at) == (0, 0, None)


def test_the_command_fails_when_a_platform_cannot_be_asked(rooms):
    open_meeting("daily")
    rooms.stub.on("GET", "/daily/rooms/*", Answer(503))
    with pytest.raises(CommandError, match="daily"):
        call_command("reconcile_meetings")
