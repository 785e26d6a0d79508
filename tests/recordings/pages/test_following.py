"""Who may follow what a page shows: whoever may see the page, and only what they see on it."""

import uuid

import pytest
from django.test import Client

from recordings.live import facts
from recordings.live.views import EventStream
from rooms.models import Room
from tests.conftest import make_user
from tests.support.transcripts import make_meeting, make_transcript

HOME, ROOM = "/events/", "/events/rooms/standup"


@pytest.fixture
def room(owner):
    return Room.objects.create(name="standup", owner=owner, platform="mock")


@pytest.fixture
def meeting(owner, room):
    return make_meeting(owner, room)


def get(path, user=None):
    client = Client()
    if user:
        client.force_login(user)
    return client.get(path)


def followed(path, user=None):
    answer = get(path, user)
    assert answer.status_code == 200, answer.content
    assert (answer["Content-Type"], answer["Cache-Control"].count("no-store")) == ("text/event-stream", 1)
    assert isinstance(answer, EventStream)
    return set(answer.channel.subjects)


def test_home_follows_the_rooms_on_it_and_ones_own_recordings(owner, colleague, room):
    others = Room.objects.create(name="other", owner=colleague)
    own = {facts.PLATFORMS, facts.room_of(room.pk), facts.recordings_of(owner.pk)}
    assert followed(HOME, owner) == own
    others.is_shared = True
    others.save()
    assert followed(HOME, owner) == own | {facts.room_of(others.pk)}
    assert followed(f"{HOME}?find=stand", owner) == own


def test_home_follows_the_page_of_rooms_that_is_open(owner):
    rooms = [Room.objects.create(name=f"room-{n:02}", owner=owner) for n in range(21)]
    mine = {facts.PLATFORMS, facts.recordings_of(owner.pk)}
    assert followed(f"{HOME}?page=2", owner) == mine | {facts.room_of(rooms[0].pk)}
    assert followed(f"{HOME}?order=name&page=2", owner) == mine | {facts.room_of(rooms[20].pk)}


def test_who_runs_a_room_with_its_owner_sees_its_recordings(owner, colleague, room):
    room.co_owners.add(colleague)
    theirs = {facts.room_of(room.pk), facts.past_of(room.pk)}
    assert followed(HOME, colleague) == theirs | {facts.PLATFORMS, facts.recordings_of(colleague.pk)}


def test_staff_who_may_view_recordings_see_all(staff, room):
    assert followed(HOME, staff) == {facts.PLATFORMS, facts.recordings_of(staff.pk), facts.ALL_RECORDINGS}
    plain = make_user("plain", is_staff=True)
    assert followed(HOME, plain) == {facts.PLATFORMS, facts.recordings_of(plain.pk)}


def test_guests_follow_shared_rooms_where_everybody_may_see_them(owner, room, settings):
    shared = Room.objects.create(name="lounge", owner=owner, is_shared=True)
    assert get(HOME).status_code == 401
    settings.PUBLIC_MODE = True
    assert followed(HOME) == {facts.PLATFORMS, facts.room_of(shared.pk)}


def test_a_rooms_own_page_is_followed_by_who_may_change_the_room(owner, colleague, room):
    assert followed(ROOM, owner) == {facts.PLATFORMS, facts.room_of(room.pk), facts.past_of(room.pk)}
    assert [get(ROOM).status_code, get(ROOM, colleague).status_code] == [401, 404]


def test_so_is_a_meeting_of_it(owner, colleague, room, meeting):
    path = f"{ROOM}/meetings/{meeting.pk}"
    assert followed(path, owner) == {facts.past_of(room.pk)}
    assert [get(path).status_code, get(path, colleague).status_code] == [401, 404]


def test_guests_follow_the_call_and_its_owner_also_refusals(owner, colleague, room, meeting):
    path = f"/events/standup/{meeting.pk}"
    assert followed(path) == followed(path, colleague) == {facts.call_of(meeting.pk)}
    assert followed(path, owner) == {facts.call_of(meeting.pk), facts.refusals_of(meeting.pk)}


def test_a_meeting_is_followed_in_its_own_room_only(owner, colleague, room, meeting):
    Room.objects.create(name="other", owner=colleague)
    assert get(f"/events/other/{meeting.pk}").status_code == 404
    assert get(f"/events/nowhere/{meeting.pk}").status_code == 404
    assert get(f"/events/rooms/other/meetings/{meeting.pk}", colleague).status_code == 404


def test_a_transcript_is_followed_by_who_may_read_it(owner, colleague):
    transcript = make_transcript(owner)
    path = f"/events/transcripts/{transcript.pk}"
    assert followed(path, owner) == {facts.transcript_of(transcript.pk)}
    assert [get(path).status_code, get(path, colleague).status_code] == [403, 403]
    transcript.share_mode = "public"
    transcript.save()
    assert followed(path) == {facts.transcript_of(transcript.pk)}
    assert get(f"/events/transcripts/{uuid.uuid4()}", owner).status_code == 404


def test_nothing_is_sent_there(owner, room):
    assert Client().post(HOME).status_code == 405
