"""Recordings with a file for each person and medium."""

import pytest
from django.utils import timezone

from meetings.models import ParticipantSession
from platforms.events import Track as ReportedTrack
from recordings.intake import register
from recordings.intake.register import register_recording
from recordings.models import Ingest, Recording, Submission, Track
from recordings.storage.reader import open_stored
from tests.support import media
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.fetching import files_left
from tests.support.meeting_reports import make_meeting
from tests.support.provider_bucket import daily_platform
from tests.support.recording_reports import BUCKET, by_both
from tests.support.stub_provider import Answer, StubProvider

State = Recording.State

pytestmark = pytest.mark.django_db

VOICE = media.track(*media.speech(0, 4))
PICTURE = media.media("webm", None, video=2)


@pytest.fixture
def bucket(aws):  # noqa: F811
    aws.bucket(BUCKET)
    return aws.client("s3")


@pytest.fixture
def made(bucket):
    """Makes a recording of these tracks: name -> (medium, offset, content or None for an object that is missing)."""

    def make(tracks, **fields):
        make_meeting(**fields)
        for name, (_, _, content) in tracks.items():
            if content is not None:
                bucket.put_object(Bucket=BUCKET, Key=f"acme/{name}", Body=content)
        told = [ReportedTrack(medium, f"acme/{name}", 1, name, offset) for name, (medium, offset, _) in tracks.items()]
        return register_recording(by_both(key="acme/1", kind="tracks", tracks=told))

    return make


def run(recording):
    Ingest.objects.filter(recording=recording).update(next_attempt_at=timezone.now())
    Ingest.run(recording.ingest.pk)
    return Recording.objects.get(pk=recording.pk)


def track_of(recording, name):
    return recording.tracks.get(session_id=name)


def test_every_voice_is_stored_with_its_place_in_time(made):
    recording = made({"ada": ("cam-audio", 0.5, VOICE), "grace": ("cam-audio", 3.25, VOICE)})
    ParticipantSession.objects.create(meeting=recording.meeting, session_id="grace", user_name="Grace")
    recording = run(recording)
    assert (recording.state, recording.error, recording.file) == (State.STORED, "", "")
    assert recording.duration == pytest.approx(3.25 + 6, abs=0.2)
    assert recording.size == 2 * len(VOICE)
    grace = track_of(recording, "grace")
    assert (grace.state, grace.offset, grace.participant.user_name) == ("stored", 3.25, "Grace")
    assert grace.content_type == "audio/webm"
    assert grace.duration == pytest.approx(6, abs=0.1)  # it is written nowhere in the file
    with open_stored(grace.file) as file:
        assert file.read() == VOICE
    assert Submission.objects.filter(recording=recording).count() == 1


def test_a_recording_in_which_nobody_was_heard_is_no_failure(made):
    recording = run(made({}))
    assert (recording.state, recording.error) == (State.NO_AUDIO, "Nobody was heard.")
    assert recording.ingest.state == "done"


@pytest.mark.parametrize("nothing", [b"", media.media("webm", None, video=1)], ids=["empty", "no audio"])
def test_a_track_with_nothing_in_it_is_left_out(made, nothing):
    recording = run(made({"ada": ("cam-audio", 0, VOICE), "mute": ("cam-audio", 0, nothing)}))
    assert (recording.state, recording.error) == (State.STORED, "")
    assert track_of(recording, "mute").state == "no_audio"
    assert files_left() == [track_of(recording, "ada").file]


def test_when_no_track_has_anything_in_it_nobody_was_heard(made):
    recording = run(made({"mute": ("cam-audio", 0, b"")}))
    assert (recording.state, recording.error) == (State.NO_AUDIO, "Nobody was heard.")
    assert files_left() == []


@pytest.mark.parametrize("missing", [None, b"this is no media"])
def test_a_track_that_cannot_be_had_is_said_and_the_others_are_kept(made, missing):
    recording = run(made({"ada": ("cam-audio", 0, VOICE), "lost": ("cam-audio", 0, missing)}))
    assert recording.state == State.STORED
    assert recording.error.startswith("1 of 2 tracks could not be fetched: ")
    assert track_of(recording, "lost").state == "failed"
    assert files_left() == [track_of(recording, "ada").file]


def test_when_no_track_can_be_had_it_fails_and_can_be_tried_again(made, bucket):
    recording = made({"ada": ("cam-audio", 0, None), "grace": ("cam-audio", 1, None)})
    failed = run(recording)
    assert (failed.state, failed.can_retry) == (State.FAILED, True)
    assert failed.error == "The file is not there any more (the server answered 404)."
    for name in ("ada", "grace"):
        bucket.put_object(Bucket=BUCKET, Key=f"acme/{name}", Body=VOICE)
    assert register.fetch_again(failed)
    assert run(recording).state == State.STORED


def test_video_is_not_fetched_for_a_room_that_keeps_none(made):
    tracks = {"ada": ("cam-audio", 0, VOICE), "picture": ("cam-video", 0, None)}
    recording = run(made(tracks))
    assert (recording.state, recording.error, recording.has_video) == (State.STORED, "", False)
    assert track_of(recording, "picture").state == "reported"


def test_video_is_fetched_for_a_room_that_keeps_it(made):
    tracks = {"ada": ("cam-audio", 0, VOICE), "picture": ("cam-video", 0, PICTURE)}
    recording = run(made(tracks, store_video=True))
    assert (recording.state, recording.has_video) == (State.STORED, True)
    assert track_of(recording, "picture").content_type == "video/webm"


def test_video_alone_is_not_a_recording_with_sound(made):
    recording = run(made({"picture": ("cam-video", 0, PICTURE)}, store_video=True))
    assert recording.state == State.NO_AUDIO


def test_a_next_attempt_fetches_only_what_is_missing(made, bucket):
    recording = made({"ada": ("cam-audio", 0, VOICE), "grace": ("cam-audio", 0, None)})
    recording = run(recording)
    bucket.put_object(Bucket=BUCKET, Key="acme/grace", Body=VOICE)
    bucket.delete_object(Bucket=BUCKET, Key="acme/ada")
    assert register.fetch_again(recording)
    recording = run(recording)
    assert (recording.state, recording.error) == (State.STORED, "")
    assert set(recording.tracks.values_list("state", flat=True)) == {"stored"}


def test_when_all_is_there_and_wanted_anew_all_is_fetched(made, bucket):
    recording = run(made({"ada": ("cam-audio", 0, VOICE)}))
    bucket.put_object(Bucket=BUCKET, Key="acme/ada", Body=media.track(*media.speech(1)))
    assert register.fetch_again(recording)
    run(recording)
    with open_stored(Track.objects.get().file) as file:
        assert file.read() != VOICE


def test_tracks_that_an_event_left_out_are_asked_for(bucket, settings):
    with StubProvider() as provider:
        settings.VIDEO_PLATFORMS = daily_platform(provider.url)
        options = settings.VIDEO_PLATFORMS["daily"]["OPTIONS"]
        options |= {"s3_bucket": BUCKET, "aws_role_arn": "arn:aws:iam::1:role/d"}
        make_meeting(platform="daily")
        key = "acme/standup-1/1767258070123-00000000-0000-4000-8000-000000000001-cam-audio-1767258072123"
        bucket.put_object(Bucket=BUCKET, Key=key, Body=VOICE)
        told = {"id": "rec-1", "room_name": "standup-1", "start_ts": 1767258070, "status": "finished"}
        told |= {"s3key": "acme/standup-1/1767258070123", "tracks": [{"type": "audio", "s3Key": key, "size": 1}]}
        provider.on("GET", "/recordings/rec-1", Answer(json=told))
        recording = run(
            register_recording(by_both(key="acme/standup-1/1767258070123", platform="daily", kind="tracks"))
        )
        assert recording.state == State.STORED
        assert Track.objects.get().offset == pytest.approx(2.0)


def test_a_provider_that_knows_of_no_tracks_is_believed(settings):
    with StubProvider() as provider:
        settings.VIDEO_PLATFORMS = daily_platform(provider.url)
        make_meeting(platform="daily")
        recording = run(register_recording(by_both(platform="daily", kind="tracks")))
        assert recording.state == State.NO_AUDIO
