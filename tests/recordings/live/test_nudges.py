"""What open pages are told: that something which they show has changed, and of nothing else."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils import timezone

from meetings.models import Meeting
from meetings.opening import end_meeting
from platforms import revision
from recordings.live import facts, nudges
from recordings.live.nudges import CHANGED, FOLLOWED, Nudges, Page
from recordings.models import Consent, Recording, Submission, Transcript
from recordings.models.transitions import transition
from rooms.models import Room
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = pytest.mark.django_db(transaction=True)


class Threads(ThreadPoolExecutor):
    """Whose connections do not keep the database from being dropped."""

    def submit(self, call, *arguments):
        return super().submit(in_its_own_connection, call, *arguments)


def in_its_own_connection(call, *arguments):
    try:
        return call(*arguments)
    finally:
        connection.close()


@pytest.fixture
def room(owner):
    return Room.objects.create(name="standup", owner=owner, platform="mock")


@pytest.fixture
def meeting(owner, room):
    return live_meeting(owner, room)


@pytest.fixture
def another(colleague):
    """A meeting that is none of anybody else's business."""
    return live_meeting(colleague, Room.objects.create(name="other", owner=colleague, platform="mock"))


def live_meeting(owner, room):
    ends = timezone.now() + timedelta(hours=1)
    return make_meeting(owner, room, state=Meeting.State.LIVE, room_url="https://meet.example.com/x", end_date=ends)


def changed_by(act):
    before = facts.read_facts()
    act()
    return facts.read_facts().changed_since(before)


def update(row, **fields):
    type(row)._default_manager.filter(pk=row.pk).update(**fields)


# What changes for whom


def test_nothing_has_changed_where_nothing_has(meeting):
    make_transcript(recording=Recording.objects.create(platform="mock", meeting=meeting))
    assert changed_by(lambda: None) == set()


def test_who_comes_is_told_to_those_who_see_the_room_and_not_to_its_call(owner, room, meeting, another):
    told = changed_by(lambda: update(meeting, num_clients=1))
    assert told == {facts.room_of(room.pk), facts.past_of(room.pk)}
    told = changed_by(lambda: update(meeting, last_active_at=timezone.now()))  # one left and another came
    assert told == {facts.past_of(room.pk)}


def test_a_recording_that_begins(owner, room, meeting, another):
    told = changed_by(lambda: update(meeting, recording_started_at=timezone.now()))
    assert told == {facts.room_of(room.pk), facts.recordings_of(owner.pk)}


def test_a_meeting_that_begins_and_one_that_ends(owner, room, another):
    everywhere = {facts.room_of(room.pk), facts.past_of(room.pk), facts.recordings_of(owner.pk)}
    made = []
    told = changed_by(lambda: made.append(live_meeting(owner, room)))
    assert told == everywhere | {facts.call_of(made[0].pk)}
    told = changed_by(lambda: end_meeting(made[0]))
    assert told == everywhere | {facts.call_of(made[0].pk)}


def test_a_meeting_whose_time_is_over_with_nobody_in_it(room, meeting):
    """It can be joined no more, but whoever has its page open is still in it."""
    before = facts.read_facts()
    update(meeting, end_date=timezone.now())
    assert facts.read_facts().changed_since(before) == {facts.room_of(room.pk)}


def test_answers_are_for_the_owner_and_refusals_also_for_who_is_in_the_call(room, meeting, another):
    told = changed_by(lambda: Consent.objects.create(meeting=meeting, given=True))
    assert told == {facts.past_of(room.pk)}
    refused = {facts.past_of(room.pk), facts.refusals_of(meeting.pk)}
    assert changed_by(lambda: Consent.objects.update(given=False)) == refused
    assert changed_by(lambda: Consent.objects.update(given=True)) == refused


def test_the_way_of_a_recording(owner, room, meeting, another):
    theirs = {facts.past_of(room.pk), facts.recordings_of(owner.pk), facts.ALL_RECORDINGS}
    recording = []
    make = Recording.objects.create
    assert changed_by(lambda: recording.append(make(platform="mock", meeting=meeting))) == theirs
    assert changed_by(lambda: transition(recording[0], Recording.State.FETCHING)) == theirs
    assert changed_by(lambda: transition(recording[0], Recording.State.STORED)) == theirs
    job = Submission.objects.create(recording=recording[0])
    assert changed_by(lambda: update(job, state="running")) == theirs
    assert changed_by(lambda: update(job, checkpoint={"percent": 40})) == theirs
    assert changed_by(lambda: update(job, lease_until=timezone.now())) == set()
    assert changed_by(lambda: update(job, state="done")) == theirs
    transcript = make_transcript(owner, recording=recording[0])
    update(job, state="running")
    assert changed_by(lambda: update(job, checkpoint={"percent": 50})) == theirs | {facts.transcript_of(transcript.pk)}


def test_a_recording_of_a_room_that_was_deleted_and_an_upload(owner, colleague):
    meeting = make_meeting(owner, last_owner=colleague)
    update(meeting, room=None)
    told = changed_by(lambda: Recording.objects.create(platform="mock", meeting=meeting))
    assert told == {facts.past_of(None), facts.recordings_of(colleague.pk), facts.ALL_RECORDINGS}
    transcript = make_transcript(owner, recording=Recording.objects.create(kind="upload"))
    told = changed_by(transcript.recording.save)
    theirs = {facts.past_of(None), facts.recordings_of(owner.pk), facts.ALL_RECORDINGS}
    assert told == theirs | {facts.transcript_of(transcript.pk)}


def test_a_transcript_that_gets_a_title(owner, room, another):
    transcript = make_transcript(owner, room=room)
    transcript.title = "Budget"
    told = changed_by(transcript.touch)
    theirs = {facts.past_of(room.pk), facts.recordings_of(owner.pk), facts.ALL_RECORDINGS}
    assert told == theirs | {facts.transcript_of(transcript.pk)}


def test_a_room_that_is_made_or_renamed_and_where_meetings_open(owner, another):
    made = []
    told = changed_by(lambda: made.append(Room.objects.create(name="new", owner=owner)))
    theirs = {facts.room_of(made[0].pk), facts.past_of(made[0].pk), facts.recordings_of(owner.pk)}
    assert told == theirs
    made[0].title = "The new one"
    assert changed_by(made[0].save) == theirs
    assert changed_by(revision.renew) == {facts.PLATFORMS}


def test_looking_costs_the_same_however_much_there_is(owner, room, meeting, django_assert_num_queries, monkeypatch):
    monkeypatch.setattr(facts, "NEWEST", 3)
    for _ in range(5):
        ended = make_meeting(owner, room)
        make_transcript(owner, recording=Recording.objects.create(platform="mock", meeting=ended))
        Consent.objects.create(meeting=ended, given=True)
    with django_assert_num_queries(7):
        found = facts.read_facts()
    assert len(found.standing) == 5
    assert len({fact for _, fact in found.newest}) == 3 + 3 + 1  # recordings, transcripts, the room
    oldest = Transcript.objects.order_by("change_seq").first()
    assert changed_by(oldest.touch) >= {facts.recordings_of(owner.pk)}  # and what falls out for it is no news


# How they are told


@pytest.fixture
def threads(monkeypatch):
    monkeypatch.setattr(nudges, "LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(nudges, "GAP_SECONDS", 0)
    with Threads(2) as threads:
        yield threads


def told(threads, subject, act, count=1, patience=5):
    """The first of what a page is told after it follows and `act` has been done; None after `patience` in vain."""

    async def listen():
        reader = Nudges(threads)
        with reader.followed(Page(frozenset([subject]))) as page:
            async with aclosing(reader.events(page, None, patience)) as events, asyncio.timeout(30):
                assert await anext(events) == FOLLOWED
                await asyncio.to_thread(in_its_own_connection, act)
                return [await anext(events) for _ in range(count)]

    return asyncio.run(listen())


def test_a_page_is_told_that_something_has_changed_and_not_what(threads, room, meeting):
    assert told(threads, facts.room_of(room.pk), lambda: update(meeting, num_clients=1), 2) == [CHANGED, None]
    assert CHANGED.texts == ('{"event":"CHANGED","data":{}}',)


def test_what_others_show_is_not_told(threads, room, another):
    assert told(threads, facts.room_of(room.pk), lambda: update(another, num_clients=1), patience=0.5) == [None]


def test_what_happens_between_two_messages_is_told_once(threads, room, meeting, monkeypatch):
    monkeypatch.setattr(nudges, "GAP_SECONDS", 1)

    async def listen():
        reader = Nudges(threads)
        with reader.followed(Page(frozenset())) as page:
            async with aclosing(reader.events(page, None, 0.2)) as events, asyncio.timeout(20):
                assert await anext(events) == FOLLOWED
                page.nudge()
                found = [await anext(events)]
                for _ in range(3):
                    page.nudge()
                return [*found, await anext(events), await anext(events)]

    assert asyncio.run(listen()) == [CHANGED, CHANGED, None]


def test_who_comes_between_two_looks_misses_nothing_of_what_happens_before_the_next(threads, owner, room, monkeypatch):
    """A meeting that begins before a page follows it, and ends right after: no look of the reader has seen it."""
    monkeypatch.setattr(nudges, "LOOK_EVERY_SECONDS", 0.5)

    async def listen():
        reader = Nudges(threads)
        with reader.followed(Page(frozenset())) as first:
            async with aclosing(reader.events(first, None, 0.5)) as events:
                await anext(events)
            meeting = await asyncio.to_thread(in_its_own_connection, live_meeting, owner, room)
            with reader.followed(Page(frozenset([facts.call_of(meeting.pk)]))) as page:
                async with aclosing(reader.events(page, None, 5)) as events, asyncio.timeout(20):
                    assert await anext(events) == FOLLOWED
                    await asyncio.to_thread(in_its_own_connection, end_meeting, meeting)
                    return await anext(events)

    assert asyncio.run(listen()) == CHANGED


def test_what_changes_while_the_database_is_away_is_told_when_it_is_back(threads, room, meeting, monkeypatch):
    def act():
        failures = [OperationalError("no connection"), OperationalError("no connection")]

        def away_at_first():
            if failures:
                raise failures.pop()
            return facts.read_facts()

        monkeypatch.setattr(nudges, "read_facts", away_at_first)
        update(meeting, num_clients=1)

    assert told(threads, facts.room_of(room.pk), act) == [CHANGED]


def test_nobody_looks_while_no_page_is_open(threads, room, meeting, monkeypatch):
    async def follow_and_leave():
        reader = Nudges(threads)
        with reader.followed(Page(frozenset())) as page:
            async with aclosing(reader.events(page, None, 0.2)) as events:
                await anext(events)
        async with asyncio.timeout(20):
            while reader._reading:
                await asyncio.sleep(0.01)
        assert not reader.has_begun.is_set()

    asyncio.run(follow_and_leave())
