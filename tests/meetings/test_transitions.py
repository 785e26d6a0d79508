"""Each event's effect on a meeting, and that neither order nor repetition matters."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from meetings import transitions
from meetings.models import Meeting, ParticipantSession
from meetings.opening import end_meeting
from platforms import events
from platforms.types import Participant
from platforms.work.models import UnknownMeeting
from tests.support.meeting_reports import joined, left, make_meeting, minute, report, tell

pytestmark = pytest.mark.django_db


@pytest.fixture
def meeting():
    return make_meeting()


def row(meeting, session_id):
    return meeting.sessions.get(session_id=session_id)


def people(meeting):
    meeting.refresh_from_db()
    return meeting.num_clients


# Which meeting an event belongs to


@pytest.mark.parametrize("name", ["standup-1", "/standup-1", "/Standup-1", "STANDUP-1/"])
def test_a_room_name_is_recognized_without_regard_to_slashes_and_case(meeting, name):
    tell(joined("a", 1, room_name=name))
    assert people(meeting) == 1


@pytest.mark.parametrize("stored", ["/Team-ABC", "team-abc"])
def test_a_room_name_is_recognized_however_it_was_stored(stored):
    meeting = make_meeting(room_name=stored)
    tell(joined("a", 1, room_name="/team-abc"))
    assert people(meeting) == 1


def test_the_meeting_id_goes_before_the_room_name(meeting):
    other = make_meeting(room_name="other")
    tell(joined("a", 1, meeting_id=other.provider_meeting_id))
    assert (people(other), people(meeting)) == (1, 0)


def test_an_unknown_meeting_id_leaves_the_room_name_to_decide(meeting):
    tell(joined("a", 1, meeting_id="a call, not a meeting of ours"))
    assert people(meeting) == 1


def test_of_two_meetings_with_one_room_name_the_newest_counts(meeting):
    newer = make_meeting(start_date=minute(60))
    tell(joined("a", 61))
    assert (people(newer), people(meeting)) == (1, 0)


def test_two_meetings_of_one_room_are_kept_apart(room):
    first, second = make_meeting(room, room_name="x-1"), make_meeting(room, room_name="x-2")
    tell(joined("a", 1, room_name="x-1"), joined("b", 1, room_name="x-2"), left("b", 2, room_name="x-2"))
    assert (people(first), people(second)) == (1, 0)
    assert [s.session_id for s in first.sessions.all()] == ["a"]


@pytest.mark.parametrize(
    "event",
    [
        joined("a", 1, room_name="elsewhere"),
        joined("a", 1, platform="whereby"),
        joined("a", 1, room_name=""),
        joined("a", 1, room_name="", meeting_id="unheard-of"),
    ],
)
def test_an_event_of_no_meeting_is_unmatched(meeting, event):
    with pytest.raises(UnknownMeeting):
        tell(event)
    assert people(meeting) == 0


def test_a_recording_that_is_ready_is_of_no_use_to_meetings_when_its_own_is_unknown(meeting):
    """It is kept all the same, in the same transaction: nothing may be raised."""
    assert transitions.apply_event(report(events.RecordingReady, 1, room_name="elsewhere")) is False


@pytest.mark.parametrize("kind", [events.RecordingFailed, events.MeetingStarted])
def test_other_events_wait_for_their_meeting(kind):
    with pytest.raises(UnknownMeeting):
        tell(report(kind, 1, room_name="elsewhere"))


@pytest.mark.parametrize("state", [Meeting.State.OPENING, Meeting.State.FAILED])
def test_a_meeting_that_is_not_open_takes_no_events(state):
    make_meeting(state=state)
    with pytest.raises(UnknownMeeting):
        tell(joined("a", 1))


def test_an_event_that_says_nothing_of_use_needs_no_meeting():
    assert transitions.apply_event(report(events.Ignored, 1, room_name="elsewhere", reason="-")) is False


# Participant sessions


def test_joining_makes_a_session_and_leaving_completes_it(meeting):
    tell(joined("a", 1, user_id="u-1", user_name="Ada"))
    session = row(meeting, "a")
    assert (session.user_id, session.user_name, session.joined_at, session.left_at) == ("u-1", "Ada", minute(1), None)
    tell(left("a", 3, user_id="u-1", user_name="Ada"))
    assert row(meeting, "a").left_at == minute(3)
    meeting.refresh_from_db()
    assert (meeting.first_joined_at, meeting.last_active_at, meeting.num_clients) == (minute(1), minute(3), 0)


def test_left_before_joined_gives_one_session_with_both(meeting):
    four_ms = timedelta(milliseconds=4)
    tell(left("a", 3, joined_at=minute(1) + four_ms), joined("a", 1))
    session = row(meeting, "a")
    assert (session.joined_at, session.left_at) == (minute(1), minute(3))
    assert people(meeting) == 0


def test_leaving_alone_is_kept_too(meeting):
    tell(left("a", 3))
    assert (row(meeting, "a").joined_at, row(meeting, "a").left_at) == (None, minute(3))


def test_a_person_who_reconnects_has_two_sessions(meeting):
    tell(joined("a", 1), left("a", 2), joined("a2", 3))
    assert (meeting.sessions.count(), people(meeting)) == (2, 1)


@pytest.mark.parametrize("order", list(permutations([joined("a", 1), left("a", 2), joined("a", 3)])))
def test_a_session_id_used_again_is_open_again_in_any_order(meeting, order):
    tell(*order)
    session = row(meeting, "a")
    assert (session.joined_at, session.left_at) == (minute(1), None)
    assert people(meeting) == 1


def test_the_newest_name_counts_in_any_order(meeting):
    tell(joined("a", 1, user_name="Ada"), left("a", 5, user_name="Ada L."))
    tell(left("b", 5, user_name="Bo B."), joined("b", 1, user_name="Bo"))
    assert [s.user_name for s in meeting.sessions.order_by("session_id")] == ["Ada L.", "Bo B."]


def test_a_name_that_is_not_said_erases_none(meeting):
    tell(joined("a", 1, user_id="u-1", user_name="Ada"), left("a", 2))
    assert (row(meeting, "a").user_id, row(meeting, "a").user_name) == ("u-1", "Ada")


def test_bots_are_kept_but_not_counted(meeting):
    tell(joined("a", 1), joined("recorder", 2, is_bot=True))
    assert (people(meeting), meeting.sessions.count()) == (1, 2)
    tell(left("a", 3))
    assert people(meeting) == 0
    assert meeting.last_active_at == minute(3)


def test_a_bot_alone_is_no_use_of_a_meeting(meeting):
    tell(joined("recorder", 2, is_bot=True))
    meeting.refresh_from_db()
    assert meeting.first_joined_at is None


def test_a_time_far_in_the_future_is_not_believed(meeting):
    tell(joined("a", 0, joined_at=timezone.now() + timedelta(days=400)))
    meeting.refresh_from_db()
    assert meeting.last_active_at < timezone.now() + timedelta(hours=1)


# Meetings that have ended


@pytest.fixture
def ended():
    return make_meeting(state=Meeting.State.ENDED, ended_at=minute(10))


def test_a_late_event_completes_a_session_and_reopens_nothing(ended):
    ParticipantSession.objects.create(
        meeting=ended, session_id="a", joined_at=minute(1), last_joined_at=minute(1), left_at=minute(10),
        left_is_observed=True,
    )  # fmt: skip
    tell(left("a", 7, present=3))
    ended.refresh_from_db()
    assert (ended.state, ended.num_clients, row(ended, "a").left_at) == (Meeting.State.ENDED, 0, minute(7))


def test_who_is_reported_late_as_joining_is_taken_to_have_left_at_the_end(ended):
    tell(joined("a", 1, present=1))
    assert (people(ended), row(ended, "a").left_at) == (0, minute(10))
    tell(left("a", 4, present=0))
    assert row(ended, "a").left_at == minute(4)


def test_ending_a_meeting_ends_its_sessions_until_the_provider_says_when(meeting):
    tell(joined("a", 1), joined("b", 2), left("b", 3))
    end_meeting(meeting)
    meeting.refresh_from_db()
    assert (meeting.num_clients, row(meeting, "a").left_at) == (0, meeting.ended_at)
    assert row(meeting, "b").left_at == minute(3)
    tell(left("a", 5))
    assert row(meeting, "a").left_at == minute(5)


# Counting people


def test_people_are_counted_by_open_sessions(meeting):
    tell(joined("a", 1), joined("b", 1), joined("a", 1), left("c", 2))
    assert people(meeting) == 2


def test_the_providers_own_number_counts_where_it_gives_one(meeting):
    tell(joined("a", 1, present=5))
    assert people(meeting) == 5


def test_an_older_number_never_overwrites_a_newer_one(meeting):
    tell(joined("b", 5, present=2), joined("a", 4, present=1), left("c", 3, present=0))
    assert people(meeting) == 2


def test_of_two_numbers_of_one_moment_the_larger_counts(meeting):
    tell(joined("b", 5, present=2), left("a", 5, present=1))
    assert people(meeting) == 2


@pytest.mark.parametrize(("said", "kept"), [(-3, 0), (10**15, transitions.MOST_PEOPLE)])
def test_a_number_that_cannot_be_is_cut_to_what_can(meeting, said, kept):
    tell(joined("a", 1, present=said))
    assert people(meeting) == kept


def test_a_number_older_than_the_last_look_does_not_count(meeting):
    look(meeting, 10, "a", "b")
    tell(joined("c", 9, present=1))
    assert people(meeting) == 3
    tell(left("c", 11, present=2))
    assert people(meeting) == 2


# Calls and recordings


def test_the_start_of_a_call_says_that_the_meeting_was_used(meeting):
    tell(report(events.MeetingStarted, 2))
    meeting.refresh_from_db()
    assert (meeting.first_joined_at, meeting.last_active_at) == (minute(2),) * 2


def test_the_end_of_a_call_sends_nobody_out(meeting):
    """Providers end a call in which one person stays alone."""
    tell(joined("a", 1), report(events.MeetingStarted, 1), report(events.MeetingEnded, 20))
    assert (people(meeting), meeting.call_ended_at, meeting.state) == (1, minute(20), Meeting.State.LIVE)


STARTED = report(events.RecordingStarted, 1, recording_id="r")
READY = report(events.RecordingReady, 20, recording_id="r", started_at=minute(1), duration=240.0)
AGAIN = report(events.RecordingStarted, 8, recording_id="r2")
FAILED = report(events.RecordingFailed, 9, recording_id="r2")


@pytest.mark.parametrize(
    ("reports", "is_recording"),
    [
        ([], False),
        ([STARTED], True),
        ([STARTED, READY], False),
        ([STARTED, READY, AGAIN], True),  # the first one was ready after the second one had begun
        ([STARTED, AGAIN, FAILED], False),
        ([STARTED, AGAIN, FAILED, READY], False),
        ([report(events.RecordingReady, 9, duration=1e300, started_at=minute(1))], False),
    ],
)
def test_a_meeting_is_recording_until_its_last_recording_ends_or_fails(meeting, reports, is_recording):
    for order in permutations(reports):
        Meeting.objects.update(recording_started_at=None, recording_ended_at=None, recording_failed_at=None)
        tell(*order)
        meeting.refresh_from_db()
        assert meeting.is_recording is is_recording


# Looking who is in


def look(meeting, at, *session_ids, threshold=1, joined_at=0):
    found = [s if isinstance(s, Participant) else Participant(s, minute(joined_at)) for s in session_ids]
    return transitions.observe(meeting, found, minute(at), threshold)


def test_who_is_seen_gets_a_session(meeting):
    assert look(meeting, 5, Participant("a", minute(1), "u-1", "Ada"))
    session = row(meeting, "a")
    assert (session.joined_at, session.user_id, session.user_name) == (minute(1), "u-1", "Ada")
    assert (people(meeting), meeting.first_joined_at) == (1, minute(1))


def test_who_is_not_seen_any_more_left_when_that_was_found(meeting):
    tell(joined("a", 1), joined("b", 1))
    assert look(meeting, 5, "b")
    assert (row(meeting, "a").left_at, people(meeting), meeting.last_active_at) == (minute(5), 1, minute(5))


def test_the_providers_time_of_leaving_replaces_the_observed_one(meeting):
    tell(joined("a", 1))
    look(meeting, 5)
    tell(left("a", 2))
    assert row(meeting, "a").left_at == minute(2)


def test_who_joined_a_moment_ago_may_not_be_seen_yet(meeting):
    tell(joined("a", 1))
    assert not look(meeting, 1.5)
    assert people(meeting) == 1


def test_who_is_seen_again_is_in_again(meeting):
    tell(joined("a", 1))
    look(meeting, 5)
    look(meeting, 6, Participant("a", minute(1)))
    assert (row(meeting, "a").left_at, people(meeting)) == (None, 1)


def test_an_answer_that_lags_behind_brings_nobody_back(meeting):
    tell(joined("a", 1), left("a", 4.9))
    assert not look(meeting, 5, Participant("a", minute(1)))
    assert (row(meeting, "a").left_at, people(meeting)) == (minute(4.9), 0)


def test_an_older_answer_changes_nothing(meeting):
    look(meeting, 5, "a")
    assert not look(meeting, 4)
    assert not look(meeting, 5)
    assert people(meeting) == 1


def test_an_answer_about_a_meeting_that_has_ended_changes_nothing(ended):
    assert not look(ended, 12, "a")
    assert ended.sessions.count() == 0


def test_one_who_waits_alone_where_sessions_need_two_is_not_nobody(meeting):
    tell(joined("a", 1, present=1))
    assert not look(meeting, 9, threshold=2)
    assert people(meeting) == 1


def test_where_sessions_need_two_an_empty_answer_leaves_one_at_most_and_does_not_guess_whom(meeting):
    tell(joined("a", 1, present=1), joined("b", 2, present=2))
    assert look(meeting, 9, threshold=2)
    assert (people(meeting), meeting.sessions.filter(left_at=None).count()) == (1, 2)
    tell(left("b", 8, present=1))  # late
    assert (people(meeting), row(meeting, "a").left_at) == (1, None)


def test_where_sessions_need_two_an_answer_with_people_is_complete(meeting):
    tell(joined("a", 1, present=1), joined("b", 2, present=2), joined("c", 3, present=3))
    look(meeting, 9, "b", "c", threshold=2)
    assert (people(meeting), row(meeting, "a").left_at) == (2, minute(9))


def test_a_history_in_the_answer_is_believed(meeting):
    tell(joined("a", 1))
    look(meeting, 9, Participant("a", minute(1), left_at=minute(6)))
    assert (row(meeting, "a").left_at, row(meeting, "a").left_is_observed) == (minute(6), False)


def test_giving_somebody_the_way_in_keeps_an_empty_meeting_awake(meeting):
    transitions.touch_activity(meeting)
    meeting.refresh_from_db()
    assert timezone.now() - meeting.expected_at < timedelta(seconds=10)


# Any order, any repetition

SESSIONS = st.sampled_from(["a", "b", "c"])
MINUTES = st.integers(0, 6)
NAMES = st.sampled_from([None, "Ada", "Bo"])


def visits(present):
    facts = {"session_id": SESSIONS, "at": MINUTES, "user_name": NAMES, "user_id": NAMES, "present": present}
    return st.builds(joined, **facts) | st.builds(left, **facts, joined_at=st.none() | MINUTES.map(minute))


OTHERS = st.one_of(
    st.builds(report, st.sampled_from([events.MeetingStarted, events.MeetingEnded]), MINUTES),
    st.builds(report, st.just(events.RecordingStarted), MINUTES, recording_id=st.just("r")),
    st.builds(report, st.sampled_from([events.RecordingReady, events.RecordingFailed]), MINUTES),
)


@st.composite
def shuffled_twice(draw):
    """Some events, once in order and once shuffled, with some of them repeated."""
    reports = draw(st.lists(visits(draw(st.sampled_from([st.none(), st.integers(0, 3)]))) | OTHERS, max_size=9))
    repeated = [*reports, *draw(st.lists(st.sampled_from(reports), max_size=4))] if reports else []
    return sorted(reports, key=lambda event: event.occurred_at), draw(st.permutations(repeated))


def outcome(state, reports):
    with transaction.atomic():
        meeting = make_meeting(state=state, ended_at=minute(4) if state == Meeting.State.ENDED else None)
        tell(*reports)
        meeting.refresh_from_db()
        fields = {name: getattr(meeting, name) for name in (*transitions.REPORTED, "state", "ended_at")}
        sessions = sorted((session.session_id, session.is_bot, *session.state()) for session in meeting.sessions.all())
        transaction.set_rollback(True)
    return fields, sessions


@pytest.mark.drill
@pytest.mark.parametrize("state", [Meeting.State.LIVE, Meeting.State.ENDED])
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(orders=shuffled_twice())
def test_any_order_and_repetition_of_events_ends_in_the_same_state(db, state, orders):
    in_order, shuffled = orders
    assert outcome(state, shuffled) == outcome(state, in_order)
