"""What Daily's events say, in our words; of each event of the fact sheet there is a captured one."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from platforms import events
from tests.support.daily import body, offline_client, payload

ROOM = "standup-20260101090000-a1b2c3"
ADA = "0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60"
MEETING = "16e9701a-93e0-4933-83c9-223e7c40d552"
RECORDING = "5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01"
INSTANCE = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
KEY = f"acme/{ROOM}/1767258070123"


@pytest.fixture
def client():
    return offline_client()


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


def parse(client, event):
    content = event if isinstance(event, bytes) else json.dumps(event).encode()
    [parsed] = client.parse_webhook(content)
    return parsed


def changed(name, **changes):
    """A captured event with other fields in its payload; None takes one away."""
    event = payload(name)
    fields = {**event["payload"], **changes}
    return {**event, "payload": {field: value for field, value in fields.items() if value is not None}}


def test_a_person_joined(client):
    assert parse(client, body("participant.joined")) == events.ParticipantJoined(
        platform="daily",
        occurred_at=at(1767258062.0),
        room_name=ROOM,
        raw=payload("participant.joined"),
        session_id=ADA,
        user_id="u-1",
        user_name="Ada",
        joined_at=at(1767258062.0),
    )


def test_a_person_without_name_and_id_joined(client):
    event = parse(client, body("participant.joined.unnamed"))
    assert (event.user_id, event.user_name) == (None, None)
    assert event.joined_at == at(1767258065)


def test_a_person_left_after_the_time_that_is_said(client):
    left_at = at(1767258062.004) + timedelta(seconds=11.419)
    assert parse(client, body("participant.left")) == events.ParticipantLeft(
        platform="daily",
        occurred_at=left_at,
        room_name=ROOM,
        raw=payload("participant.left"),
        session_id=ADA,
        user_id="u-1",
        user_name="Ada",
        joined_at=at(1767258062.004),
        left_at=left_at,
    )


@pytest.mark.parametrize("changes", [{"duration": None}, {"duration": "x"}, {"duration": -1}, {"duration": 1e300}])
def test_a_person_who_stayed_for_an_unknown_time_left_when_it_was_sent(client, changes):
    assert parse(client, changed("participant.left", **changes)).left_at == at(1767258073.419)


def test_a_person_left_who_joined_at_an_unknown_time(client):
    event = parse(client, changed("participant.left", joined_at=None))
    assert event.joined_at is None
    assert event.left_at == at(1767258073.419)


def test_the_word_that_hides_ids_under_hipaa_is_no_id(client):
    assert parse(client, changed("participant.joined", user_id="hipaa")).user_id is None


def test_a_meeting_started_and_ended_under_one_session(client):
    assert parse(client, body("meeting.started")) == events.MeetingStarted(
        platform="daily",
        occurred_at=at(1767258062.672),
        room_name=ROOM,
        raw=payload("meeting.started"),
        session_id=MEETING,
    )
    assert parse(client, body("meeting.ended")) == events.MeetingEnded(
        platform="daily",
        occurred_at=at(1767260000.671),
        room_name=ROOM,
        raw=payload("meeting.ended"),
        session_id=MEETING,
    )


def test_the_providers_meeting_is_not_taken_for_the_room_that_we_call_a_meeting(client):
    assert parse(client, body("meeting.started")).meeting_id == ""


def test_a_recording_started(client):
    assert parse(client, body("recording.started")) == events.RecordingStarted(
        platform="daily",
        occurred_at=at(1767258070),
        room_name="",
        raw=payload("recording.started"),
        recording_id=RECORDING,
        instance_id=INSTANCE,
        started_by=payload("recording.started")["payload"]["started_by"],
        started_at=at(1767258070),
    )


def test_a_recording_started_in_a_room_that_is_named(client):
    assert parse(client, body("recording.started.with-room")).room_name == ROOM


def test_a_recording_in_one_file_is_ready(client):
    assert parse(client, body("recording.ready-to-download.cloud")) == events.RecordingReady(
        platform="daily",
        occurred_at=at(1767258360),
        room_name=ROOM,
        raw=payload("recording.ready-to-download.cloud"),
        recording_id=RECORDING,
        recording_type="cloud",
        s3_key=KEY,
        tracks=None,
        started_at=at(1767258070),
        duration=277,
    )


def test_a_recording_of_sound_alone_is_one_file(client):
    event = parse(client, body("recording.ready-to-download.audio-only"))
    assert event.recording_type == "cloud-audio-only"
    assert event.tracks is None
    assert event.duration == 277.4


def test_a_recording_in_tracks_is_ready(client):
    event = parse(client, body("recording.ready-to-download.raw-tracks"))
    assert event.recording_type == "raw-tracks"
    assert event.s3_key == KEY
    assert event.tracks == [
        events.Track("cam-audio", f"{KEY}-{ADA}-cam-audio-1767258070561", 831843, ADA, offset=0.438),
        events.Track("cam-video", f"{KEY}-{ADA}-cam-video-1767258070570", 30000000, ADA, offset=0.447),
    ]


def test_the_kind_of_recording_is_told_by_its_files_where_it_is_not_said(client):
    in_tracks = parse(client, body("recording.ready-to-download.untyped"))
    assert in_tracks.recording_type == "raw-tracks"
    assert len(in_tracks.tracks) == 2
    in_one_file = parse(client, changed("recording.ready-to-download.untyped", tracks=[]))
    assert in_one_file.recording_type == "cloud"
    assert in_one_file.tracks is None


def test_tracks_of_which_there_are_none_are_not_tracks_that_are_not_listed(client):
    name = "recording.ready-to-download.raw-tracks"
    assert parse(client, changed(name, tracks=[])).tracks == []
    assert parse(client, changed(name, tracks=None)).tracks is None


def test_a_track_without_a_file_is_left_out_and_one_of_unknown_size_is_not(client):
    tracks = [None, "x", {"type": "audio"}, {"type": "audio", "s3Key": None}, {"s3Key": "k", "size": "many"}]
    event = parse(client, changed("recording.ready-to-download.raw-tracks", tracks=tracks))
    assert event.tracks == [events.Track("", "k", None)]


def test_a_recording_failed(client):
    assert parse(client, body("recording.error")) == events.RecordingFailed(
        platform="daily",
        occurred_at=at(1767258090),
        room_name=ROOM,
        raw=payload("recording.error"),
        recording_id="",
        instance_id=INSTANCE,
        error="cloud-recording-error: could not get STS credentials",
    )


# Other spellings


@pytest.mark.parametrize("name", ["s3_key", "s3key", "s3Key"])
def test_every_spelling_of_a_files_key_is_read(client, name):
    ready = changed("recording.ready-to-download.cloud", **{"s3_key": None} | {name: "acme/x"})
    assert parse(client, ready).s3_key == "acme/x"
    tracks = changed("recording.ready-to-download.raw-tracks", tracks=[{"type": "audio", name: "acme/x"}])
    assert parse(client, tracks).tracks[0].s3_key == "acme/x"


def test_a_long_key_of_a_file_is_kept_whole(client):
    key = "k" * 1100
    assert parse(client, changed("recording.ready-to-download.cloud", s3_key=key)).s3_key == key


@pytest.mark.parametrize("room", [{"room": ROOM}, {"room_name": ROOM}, {"room": {"name": ROOM}}])
@pytest.mark.parametrize("name", ["participant.joined", "meeting.ended", "recording.error"])
def test_every_spelling_of_the_room_is_read(client, name, room):
    assert parse(client, changed(name, **{"room": None, "room_name": None} | room)).room_name == ROOM


@pytest.mark.parametrize("field", ["event_ts", "ts", "timestamp"])
@pytest.mark.parametrize("value", [1767258360, 1767258360.0, "1767258360", 1767258360000, "2026-01-01T09:06:00Z"])
def test_every_notation_of_the_time_is_read(client, field, value):
    event = {**payload("recording.ready-to-download.cloud"), field: value}
    if field != "event_ts":
        del event["event_ts"]
    assert parse(client, event).occurred_at == at(1767258360)


@pytest.mark.parametrize("value", [None, "x", {}, float("nan")])
def test_an_event_that_says_no_time_happened_now(client, value):
    event = parse(client, {**payload("recording.ready-to-download.cloud"), "event_ts": value})
    assert abs(datetime.now(UTC) - event.occurred_at) < timedelta(minutes=1)


def test_an_early_draft_of_joining_is_read(client):
    event = parse(client, body("early.participant.joined"))
    assert isinstance(event, events.ParticipantJoined)
    assert (event.room_name, event.session_id, event.user_name) == (ROOM, ADA, "Ada")
    assert event.joined_at == at(1767258062.001)


def test_an_early_draft_of_leaving_is_read(client):
    event = parse(client, body("early.participant.left"))
    assert isinstance(event, events.ParticipantLeft)
    assert (event.room_name, event.session_id) == (ROOM, ADA)
    assert event.left_at == at(1767258073.419)


def test_an_early_draft_of_a_recording_carries_its_address(client):
    event = parse(client, body("early.recording.ready-to-download"))
    assert event.download_url == "https://recordings.example.com/5b1c.mp4?signature=x"
    assert event.download_url not in repr(event)
    assert (event.recording_type, event.duration, event.started_at) == ("cloud", 277, at(1767258070))


def test_an_early_draft_of_a_failure_is_read(client):
    event = parse(client, body("early.recording.error"))
    assert (event.recording_id, event.room_name, event.error) == (RECORDING, ROOM, "disk full")


# What changes nothing


OTHER_TYPES = [
    *("waiting-participant.joined", "waiting-participant.left"),
    *("transcript.started", "transcript.ready-to-download", "transcript.error"),
    *("streaming.started", "streaming.updated", "streaming.ended", "streaming.error"),
    *("batch-processor.job-finished", "batch-processor.error"),
    *("dialout.connected", "dialout.answered", "dialout.stopped", "dialout.warning", "dialout.error"),
    *("dialin.ready", "dialin.connected", "dialin.stopped", "dialin.warning", "dialin.error"),
]


@pytest.mark.parametrize("kind", OTHER_TYPES)
def test_every_other_listed_type_is_ignored_with_its_own_reason(client, kind):
    event = parse(
        client, {"version": "1.0.0", "type": kind, "id": "1", "payload": {"room": ROOM}, "event_ts": 1767258062}
    )
    assert isinstance(event, events.Ignored)
    assert event.room_name == ROOM
    assert event.occurred_at == at(1767258062)
    assert event.reason
    assert "not known" not in event.reason


@pytest.mark.parametrize(
    "name",
    [
        *("waiting-participant.joined", "waiting-participant.left"),
        *("transcript.started", "transcript.ready-to-download", "transcript.error"),
    ],
)
def test_captured_events_that_are_not_used_are_ignored(client, name):
    assert isinstance(parse(client, body(name)), events.Ignored)


@pytest.mark.parametrize("kind", ["participant.updated", "room.updated", "recording.stopped", "x", "", None, 7, {}])
def test_an_unknown_type_is_ignored(client, kind):
    event = parse(client, {"type": kind, "id": "1", "payload": {"room": ROOM}})
    assert isinstance(event, events.Ignored)
    assert "not known" in event.reason


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("participant.joined", {"session_id": None}),
        ("participant.joined", {"room": None}),
        ("participant.left", {"session_id": {}}),
        ("participant.left", {"room": []}),
        ("meeting.started", {"room": ""}),
        ("meeting.ended", {"room": None}),
        ("recording.started", {"recording_id": None}),
        ("recording.ready-to-download.cloud", {"recording_id": None, "room_name": None}),
        ("recording.error", {"room_name": None, "instance_id": None}),
    ],
)
def test_an_event_that_does_not_say_what_it_is_about_is_ignored(client, name, changes):
    event = parse(client, changed(name, **changes))
    assert isinstance(event, events.Ignored)
    assert "what it is about" in event.reason


@pytest.mark.parametrize("content", [body("probe"), b"", b"null", b"[]", b"{", b"\xff", b"[" * 100_000])
def test_what_is_no_event_is_ignored(client, content):
    assert isinstance(parse(client, content), events.Ignored)
