"""When meetings end by themselves, and when they go on."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.utils import timezone

from meetings import tasks
from meetings.lifecycle import AHEAD, Close, Extend, Keep, review, review_all
from meetings.models import Meeting, ParticipantSession, ProviderCall
from meetings.reconcile import reconcile
from meetings.transitions import touch_activity
from tests.support.meeting_reports import START, joined, left, make_meeting, minute, tell
from tests.support.provider_rooms import provider_rooms
from tests.support.stub_provider import Answer

ROOM = "/daily/rooms/"
HALF_AN_HOUR = timedelta(minutes=30)


def state_of(**fields):
    return Meeting(**{"start_date": START, "end_date": minute(480), **fields})


USED = {"first_joined_at": minute(1)}
CALENDAR_OVER = Close("Its time in the calendar is over.")


# The decision alone


@pytest.mark.parametrize(
    ("fields", "at", "decision"),
    [
        # nobody has come
        ({}, 29.9, Keep()),
        ({}, 30, Close("Nobody has come.")),
        ({"end_date": minute(20)}, 20, Close("Nobody has come.")),
        ({"expected_at": minute(28)}, 30, Keep()),  # somebody was given the way in
        ({"expected_at": minute(28)}, 33, Close("Nobody has come.")),
        ({"expected_at": minute(59)}, 59, Keep()),  # but nobody came; for how long that may go on is bounded
        ({"expected_at": minute(59)}, 60, Close("Nobody has come.")),
        ({"expected_at": minute(134), "last_active_at": minute(100), **USED}, 134.9, Keep()),
        ({"expected_at": minute(134), "last_active_at": minute(100), **USED}, 135, Close("Everybody has left.")),
        # a calendar asked for it
        ({"calendar_event_id": "e"}, 479, Keep()),
        ({"calendar_event_id": "e"}, 480, CALENDAR_OVER),
        ({"calendar_event_id": "e", "last_active_at": minute(100), **USED}, 479, Keep()),
        ({"calendar_event_id": "e", "last_active_at": minute(100), **USED}, 480, CALENDAR_OVER),
        ({"calendar_event_id": "e", "last_active_at": minute(478), **USED}, 480, Keep()),
        # all have left
        ({"last_active_at": minute(100), **USED}, 104.9, Keep()),
        ({"last_active_at": minute(100), **USED}, 105, Close("Everybody has left.")),
        ({"last_active_at": minute(3), **USED}, 8, Close("Everybody has left.")),
        ({"last_active_at": minute(479), **USED}, 481, Keep()),
        ({"last_active_at": minute(479), **USED}, 484, Close("Everybody has left.")),
        # people are in
        ({"num_clients": 1, "last_active_at": minute(2), **USED}, 474.9, Keep()),
        ({"num_clients": 1, "last_active_at": minute(2), **USED}, 475, Extend(minute(510))),
        ({"num_clients": 1, "last_active_at": minute(2), **USED}, 490, Extend(minute(520))),
    ],
)
def test_a_meetings_row_says_what_becomes_of_it(settings, fields, at, decision):
    assert review(state_of(**fields), minute(at)) == decision


@pytest.mark.parametrize(
    ("people", "at", "decision"),
    [
        (1, 475, Keep()),
        (1, 539, Keep()),
        (1, 540, Close("Nothing was heard of it since its end.")),
        (2, 475, Extend(minute(510))),
    ],
)
def test_one_whom_the_provider_cannot_see_is_waited_for_but_not_for_ever(people, at, decision):
    meeting = state_of(num_clients=people, last_active_at=minute(2), **USED)
    assert review(meeting, minute(at), threshold=2) == decision


def test_an_extension_is_made_before_the_end_and_lasts_beyond_the_next_one(settings):
    assert timedelta(0) < AHEAD < settings.MEETING_EXTENSION


# With the provider asked


@pytest.fixture
def rooms(settings, db):
    with provider_rooms() as rooms:
        settings.VIDEO_PLATFORMS = rooms.platforms()
        yield rooms


def open_meeting(platform="daily", **fields):
    return make_meeting(platform=platform, **fields)


def state(meeting):
    meeting.refresh_from_db()
    return meeting.state


def calls(meeting, kind):
    return meeting.provider_calls.filter(kind=kind)


def perform(call):
    assert ProviderCall.run(call.pk)
    call.refresh_from_db()
    assert call.state == ProviderCall.State.DONE, call.last_error


@pytest.mark.parametrize("platform", ["daily", "whereby"])
def test_an_unused_meeting_closes_after_half_an_hour(rooms, platform):
    meeting = open_meeting(platform)
    review_all(minute(29))
    assert state(meeting) == Meeting.State.LIVE
    review_all(minute(30))
    assert state(meeting) == Meeting.State.ENDED


def test_a_meeting_of_a_calendar_stays_until_its_end(rooms):
    meeting = open_meeting(calendar_event_id="event-1", end_date=minute(60))
    review_all(minute(59))
    assert state(meeting) == Meeting.State.LIVE
    review_all(minute(60))
    assert state(meeting) == Meeting.State.ENDED


def test_a_used_and_empty_meeting_closes_after_the_grace_period(rooms):
    meeting = open_meeting()
    tell(joined("a", 1, platform="daily"), left("a", 10, platform="daily"))
    review_all(minute(14))
    assert state(meeting) == Meeting.State.LIVE
    review_all(minute(15))
    assert state(meeting) == Meeting.State.ENDED


def test_somebody_who_comes_back_within_the_grace_period_finds_the_meeting(rooms):
    meeting = open_meeting()
    tell(joined("a", 1, platform="daily"), left("a", 10, platform="daily"), joined("a2", 14, platform="daily"))
    rooms.enter("standup-1", "a2", minute(14))
    review_all(minute(15))
    assert state(meeting) == Meeting.State.LIVE


def test_before_a_meeting_closes_its_provider_is_asked_and_believed(rooms):
    """The event of the one who came back was lost."""
    meeting = open_meeting()
    tell(joined("a", 1, platform="daily"), left("a", 10, platform="daily"))
    rooms.enter("standup-1", "a2", minute(14))
    review_all(minute(20))
    assert (state(meeting), meeting.num_clients) == (Meeting.State.LIVE, 1)


def test_a_provider_that_was_asked_just_now_is_not_asked_again(rooms):
    meeting = open_meeting(presence_checked_at=minute(29.9))
    review_all(minute(30))
    assert (state(meeting), rooms.asked("/daily")) == (Meeting.State.ENDED, 0)


def test_many_meetings_that_end_at_once_cost_one_call(rooms):
    for number in range(10):
        open_meeting(room_name=f"room-{number}")
    rooms.enter("room-3", "a", minute(29))
    review_all(minute(30))
    assert list(Meeting.objects.live().values_list("room_name", flat=True)) == ["room-3"]
    assert rooms.asked("/daily") == 1


def test_a_meeting_is_kept_while_its_provider_cannot_be_asked_but_not_for_ever(rooms):
    meeting = open_meeting(end_date=minute(60))
    rooms.stub.on("GET", "/daily/rooms/*", Answer(503))
    review_all(minute(60))
    assert state(meeting) == Meeting.State.LIVE
    review_all(minute(121))
    assert state(meeting) == Meeting.State.ENDED


def test_a_meeting_of_a_platform_that_is_not_configured_any_more_closes_long_after_its_end(rooms, settings):
    meeting = open_meeting(end_date=minute(60))
    settings.VIDEO_PLATFORMS = {"whereby": settings.VIDEO_PLATFORMS["whereby"]}
    review_all(minute(60))
    assert state(meeting) == Meeting.State.LIVE
    review_all(minute(121))
    assert state(meeting) == Meeting.State.ENDED


def test_a_meeting_that_has_ended_or_is_opening_is_left_alone(rooms):
    over = open_meeting(state=Meeting.State.ENDED, ended_at=minute(3), room_name="x")
    opening = open_meeting(state=Meeting.State.OPENING)
    review_all(minute(600))
    assert (state(over), over.ended_at, state(opening)) == (Meeting.State.ENDED, minute(3), Meeting.State.OPENING)


def test_closing_an_empty_meeting_closes_the_providers_room(rooms):
    meeting = open_meeting()
    review_all(minute(30))
    perform(calls(meeting, "close_room").get())
    assert [request.path for request in rooms.stub.sent("DELETE")] == ["/daily/rooms/standup-1"]


def test_a_room_in_which_somebody_may_wait_unseen_is_left_to_expire(rooms):
    meeting = open_meeting("whereby")
    review_all(minute(30))
    assert state(meeting) == Meeting.State.ENDED
    assert not meeting.provider_calls.exists()


def test_somebody_who_was_just_given_the_way_in_is_waited_for(rooms):
    now = timezone.now()
    meeting = open_meeting(start_date=now - timedelta(minutes=40), end_date=now + timedelta(hours=2))
    touch_activity(meeting)
    review_all()
    assert state(meeting) == Meeting.State.LIVE


# Going on


def test_people_inside_extend_the_meeting_and_the_providers_room(rooms):
    meeting = open_meeting(end_date=minute(60))
    tell(joined("a", 1, platform="daily"))
    rooms.enter("standup-1", "a", minute(1))
    review_all(minute(54))
    assert not meeting.provider_calls.exists()
    review_all(minute(55))
    assert (state(meeting), meeting.end_date) == (Meeting.State.LIVE, minute(90))
    perform(calls(meeting, "extend_room").get())
    assert rooms.ends == {"standup-1": minute(90).timestamp()}


def test_a_meeting_is_extended_again_and_again_while_people_are_in(rooms):
    meeting = open_meeting(end_date=minute(60))
    rooms.enter("standup-1", "a", minute(1))
    for at in range(200):
        review_all(minute(at))
        for call in ProviderCall.objects.due(timezone.now()):
            perform(call)
        if at == 100:
            rooms.leave("standup-1", "a")
    # It was seen that they had gone when the next extension was due.
    assert (state(meeting), meeting.end_date) == (Meeting.State.ENDED, minute(120))
    assert rooms.ends == {"standup-1": minute(120).timestamp()}
    assert calls(meeting, "extend_room").count() == 1


@pytest.mark.django_db(transaction=True)
def test_an_extension_asked_for_while_the_last_one_is_under_way_is_made_after_it(rooms):
    meeting = open_meeting(end_date=minute(60))
    ProviderCall.ask_again(meeting, ProviderCall.Kind.EXTEND_ROOM)
    call = calls(meeting, "extend_room").get()

    def extend_meanwhile(request):
        if meeting.end_date == minute(60):
            meeting.end_date = minute(90)
            meeting.save()
            ProviderCall.ask_again(meeting, ProviderCall.Kind.EXTEND_ROOM)
            connection.close()  # of the stub's thread
        return rooms._daily_update(request)

    rooms.stub.on("POST", "/daily/rooms/*", extend_meanwhile)
    ProviderCall.run(call.pk)
    call.refresh_from_db()
    assert call.state == ProviderCall.State.WAITING
    perform(call)
    assert rooms.ends == {"standup-1": minute(90).timestamp()}


def test_a_meeting_that_has_ended_meanwhile_is_not_extended_at_its_provider(rooms):
    meeting = open_meeting(state=Meeting.State.ENDED)
    ProviderCall.ask_again(meeting, ProviderCall.Kind.EXTEND_ROOM)
    perform(calls(meeting, "extend_room").get())
    assert rooms.stub.sent("POST") == []


def test_where_rooms_cannot_be_extended_the_meeting_is(rooms):
    meeting = open_meeting("whereby", end_date=minute(60))
    for session_id in "ab":
        rooms.enter("standup-1", session_id, minute(1))
    rooms_are_seen = review_all(minute(20))
    assert rooms_are_seen is None
    tell(joined("a", 1, platform="whereby", present=1), joined("b", 2, platform="whereby", present=2))
    review_all(minute(55))
    assert (state(meeting), meeting.end_date) == (Meeting.State.LIVE, minute(90))
    assert not meeting.provider_calls.exists()


def test_one_who_waits_alone_unseen_is_not_thrown_out_at_the_end(rooms):
    meeting = open_meeting("whereby", end_date=minute(60))
    tell(joined("a", 50, platform="whereby", present=1))
    for at in (55, 60, 90, 119):
        review_all(minute(at))
        assert state(meeting) == Meeting.State.LIVE
    review_all(minute(120))
    assert state(meeting) == Meeting.State.ENDED


def test_people_of_whom_the_provider_says_that_they_left_extend_nothing(rooms):
    """Their events of leaving were lost."""
    meeting = open_meeting(end_date=minute(60))
    tell(joined("a", 1, platform="daily"))
    review_all(minute(55))
    assert (meeting.end_date, meeting.provider_calls.count()) == (minute(60), 0)
    review_all(minute(60))
    assert state(meeting) == Meeting.State.ENDED


def test_reviewing_twice_does_everything_once(rooms):
    unused, used = open_meeting(room_name="unused"), open_meeting(room_name="used", end_date=minute(60))
    rooms.enter("used", "a", minute(1))
    for _ in range(2):
        review_all(minute(55))
    assert (state(unused), calls(unused, "close_room").count()) == (Meeting.State.ENDED, 1)
    assert (state(used), used.end_date) == (Meeting.State.LIVE, minute(90))


@pytest.mark.django_db(transaction=True)
def test_runs_that_overlap_do_everything_once(rooms):
    for number in range(10):
        open_meeting(room_name=f"unused-{number}")
        open_meeting(room_name=f"used-{number}", end_date=minute(60))
        rooms.enter(f"used-{number}", f"a-{number}", minute(1))

    def run(_):
        try:
            reconcile(minute(55))
            review_all(minute(55))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(run, range(4)))
    assert Counter(Meeting.objects.values_list("state", "end_date")) == {
        (Meeting.State.ENDED, minute(480)): 10,
        (Meeting.State.LIVE, minute(90)): 10,
    }
    assert Counter(ProviderCall.objects.values_list("kind", flat=True)) == {"close_room": 10, "extend_room": 10}
    assert ParticipantSession.objects.count() == 10


def test_the_task_reviews_now(rooms):
    meeting = open_meeting()
    tasks.review_meetings()
    assert state(meeting) == Meeting.State.ENDED
