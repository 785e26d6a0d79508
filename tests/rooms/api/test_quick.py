"""What is shown is what the serializers say, and so what the schema says: REST framework shows the same."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from rest_framework.renderers import JSONRenderer as PlainRenderer
from rest_framework.serializers import ModelSerializer

from meetings.api.serializers import MeetingSerializer
from meetings.models import Meeting
from recordings.api.recording_serializers import RecordingSerializer, TrackSerializer
from recordings.api.transcripts.search import FOUND, FoundSerializer
from recordings.api.transcripts.serializers import MINIMAL, MinimalSerializer, WithParticipantsSerializer, video_of
from recordings.models import Recording, Transcript
from rooms.api.quick import moment
from rooms.api.rendering import JSONRenderer
from rooms.api.serializers import RoomDetailsSerializer, effective_platform
from rooms.models import Room
from rooms.selection import current_policy
from tests.support.transcripts import make_meeting

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def same(serializer, row):
    """In the same order, too."""
    as_said = ModelSerializer.to_representation(serializer, row)
    shown = serializer.to_representation(row)
    assert list(shown) == list(as_said)
    assert JSONRenderer().render(shown) == PlainRenderer().render(as_said)


def same_in_columns(columns, serializer, row):
    [shown] = columns.shown(type(row).objects.filter(pk=row.pk).values_list(*columns.names))
    as_said = ModelSerializer.to_representation(serializer, row)
    assert list(shown) == list(as_said)
    assert JSONRenderer().render(shown) == PlainRenderer().render(as_said)


def with_video(serializer, transcript):
    serializer._video = video_of(transcript)
    return serializer


@pytest.fixture
def meeting(owner, room):
    return make_meeting(
        owner,
        room,
        calendar_event_id="event",
        calendar_metadata={"title": "T", "attendees": ["a"], "description": None},
    )


def test_a_room(owner, room):
    Room.objects.update(
        ics_url="https://calendar.example.com/a.ics", webhook_muted=["meeting.started"], ics_last_sync=NOW
    )
    room = Room.objects.get()
    serializer = RoomDetailsSerializer(context={"user": owner, "policy": current_policy()})
    serializer._selection, serializer._may_look = effective_platform(room, current_policy()), True
    same(serializer, room)


def test_a_meeting(meeting):
    serializer = MeetingSerializer(context={"manages": True})
    same(serializer, Meeting.objects.get())
    Meeting.objects.update(calendar_event_id=None, calendar_metadata=None, room=None)
    same(serializer, Meeting.objects.get())


def test_a_recording_and_its_tracks(owner, room, meeting):
    recording = Recording.objects.create(meeting=meeting, platform="mock", duration=1.5, size=3, recorded_at=NOW)
    session = meeting.sessions.create(session_id="s", user_name="Ada")
    track = recording.tracks.create(key="1", medium="cam-audio", participant=session, offset=0.5)
    recording.tracks.create(key="2", medium="cam-audio")
    same(TrackSerializer(), track)
    same(RecordingSerializer(), Recording.objects.get())
    Transcript.objects.create(user=owner, recording=recording, source_kind="room")
    same(RecordingSerializer(), Recording.objects.get())


def test_a_transcript(owner, room, meeting):
    recording = Recording.objects.create(meeting=meeting, platform="mock", has_video=True, duration=61.7)
    transcript = Transcript.objects.create(
        user=owner, room=room, recording=recording, name="n", title="t", duration=1.2345, source_kind="room"
    )
    transcript.participants.create(name="Ada", user=owner, speaker=1, email="ada@example.com")
    bare = Transcript.objects.create(name="", source_kind="file")
    for row in (Transcript.objects.get(pk=transcript.pk), Transcript.objects.get(pk=bare.pk)):
        same(with_video(MinimalSerializer(), row), row)
        same_in_columns(MINIMAL, with_video(MinimalSerializer(), row), row)
        same(with_video(WithParticipantsSerializer(), row), row)
        row.rank = row.search_snippets = row.total_match_count = None  # which no column holds
        same_in_columns(FOUND, FoundSerializer(), row)
        row.rank, row.search_snippets, row.total_match_count = 0.5, ["a <b>"], 2
        same(FoundSerializer(), row)


@pytest.mark.parametrize("state", [Recording.State.DONE, Recording.State.DELETED])
@pytest.mark.parametrize(("video", "of_call"), [(True, True), (True, False), (False, True), (False, False)])
@pytest.mark.parametrize("duration", [61.7, None])
def test_the_video_of_a_transcript(meeting, state, video, of_call, duration):
    made = {"meeting": meeting, "platform": "mock"}
    gone = {"state": state, "deleted_at": NOW if state == Recording.State.DELETED else None}
    transcript = Transcript.objects.create(
        source_kind="room",
        name="n",
        video=Recording.objects.create(**made, has_video=video, duration=duration, **gone),
        recording=Recording.objects.create(**made, has_video=of_call, duration=5.5),
    )
    same_in_columns(MINIMAL, with_video(MinimalSerializer(), transcript), transcript)


@pytest.mark.parametrize(
    "value",
    [NOW, NOW.replace(microsecond=120), NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))],
)
def test_a_time_is_shown_in_utc(value):
    assert moment(value) == value
    assert moment(value).utcoffset() == timedelta()
