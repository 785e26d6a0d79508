"""From the keys and files of a recording in tracks to what is heard, transcribed and told, each at its time."""

import copy
import json
import uuid

import pytest
from django.core.files.storage import storages
from django.utils import timezone

from platforms.events import Track as ReportedTrack
from platforms.models import WebhookEvent
from platforms.work.models import run_due
from recordings.intake import register
from recordings.intake.register import register_recording
from recordings.media import mixing
from recordings.models import Ingest, Recording, Submission
from tests.support import daily
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.media import Sound, heard, stretches, track
from tests.support.meeting_reports import make_meeting
from tests.support.recording_reports import BUCKET, by_both
from tests.support.speech_service import SpeechService
from tests.support.stub_provider import Answer, StubProvider

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]

BEGAN = 1767258070123  # milliseconds
ROOM = "standup-20260101090000-a1b2c3"
DAMAGE = "Its timestamps go beyond 24 hours."


@pytest.fixture
def service(settings):
    with StubProvider() as stub:
        service = SpeechService(stub)
        stub.on("POST", "/jobs", Answer(202))
        settings.RECORDING_PROCESSORS = settings.RECORDING_PROCESSORS | {
            "openai": {
                "BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor",
                "OPTIONS": {"api_url": service.url, "model": "m"},
            },
            "http": {
                "BACKEND": "recordings.transcription.processors.http.HttpProcessor",
                "OPTIONS": {"url": f"{stub.url}/jobs", "secrets": ["secret"]},
            },
        }
        settings.RECORDING_PROCESSOR = "openai"
        yield service


@pytest.fixture
def bucket(aws):  # noqa: F811
    aws.bucket(BUCKET)
    return aws.client("s3")


@pytest.fixture
def told(bucket, room, settings):
    """Has Daily tell of a recording in tracks, by its webhook: (milliseconds from its start, content) of each."""
    settings.VIDEO_PLATFORMS = copy.deepcopy(settings.VIDEO_PLATFORMS)
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"] |= {
        "api_key": "key",
        "webhook_secrets": [daily.SECRET],
        "s3_bucket": BUCKET,
        "aws_role_arn": "arn:aws:iam::1:role/daily",
    }
    make_meeting(room, platform="daily", room_name=ROOM)

    def tell(client, *tracks):
        keys = []
        for number, (offset, content) in enumerate(tracks):
            keys.append(f"acme/{ROOM}/{BEGAN}-{uuid.UUID(int=number)}-cam-audio-{BEGAN + offset}")
            bucket.put_object(Bucket=BUCKET, Key=keys[-1], Body=content)
        event = daily.payload("recording.ready-to-download.raw-tracks")
        event["payload"] |= {"tracks": [{"type": "audio", "s3Key": key, "size": 1} for key in keys]}
        body = json.dumps(event).encode()
        answer = client.post("/v1/daily/webhook", body, content_type="application/json", headers=daily.signed(body))
        assert answer.status_code == 200
        run_due(WebhookEvent)
        return Recording.objects.get()

    return tell


@pytest.fixture
def made(bucket):
    """Makes a recording in tracks: name -> (offset, content)."""

    def make(**tracks):
        make_meeting()
        for name, (_, content) in tracks.items():
            bucket.put_object(Bucket=BUCKET, Key=f"acme/{name}", Body=content)
        known = [ReportedTrack("cam-audio", f"acme/{name}", 1, name, offset) for name, (offset, _) in tracks.items()]
        return register_recording(by_both(key="acme/1", kind="tracks", tracks=known))

    return make


def transcribed(recording):
    for job in (recording.ingest, None):
        job = job or Submission.objects.get(recording=recording)
        type(job).objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
        type(job).run(job.pk)
    recording.refresh_from_db()
    return recording


def played(recording):
    """The stretches in which the player hears something, and the length."""
    with storages["recordings"].open(recording.transcript.audio_file) as file:
        samples = heard(file.read())
    return stretches(samples), len(samples) / 48000


def said_at(recording):
    return [segment.start for segment in recording.transcript.segments.all()]


# Where a track lies


def test_a_track_whose_timestamps_count_from_the_start_of_the_recording_is_heard_once_at_its_time(
    client, service, told
):
    """As Daily's recorder writes them: somebody came after half a minute."""
    recording = told(client, (30_200, track(Sound(30.0, 12.0))))
    assert [t.offset for t in recording.tracks.all()] == [30.2]
    recording = transcribed(recording)
    sounds, length = played(recording)
    assert sounds == [(pytest.approx(30.0, abs=0.2), pytest.approx(42.0, abs=0.2))]
    assert length == pytest.approx(42.0, abs=0.3)
    assert recording.duration == pytest.approx(42.0, abs=0.3)
    assert recording.transcript.duration == pytest.approx(42.0, abs=0.3)
    assert said_at(recording) == [pytest.approx(30.0, abs=0.2)]


def test_tracks_of_both_kinds_are_laid_side_by_side(service, made):
    recording = transcribed(
        made(
            daily=(8.339, track(Sound(8.13, 2))),
            older=(15.0, track(Sound(0, 2))),
            muted=(20.0, track(Sound(25.0, 1), Sound(30, 1))),
        )
    )
    assert said_at(recording) == pytest.approx([8.1, 15.0, 25.0, 30.0], abs=0.2)
    assert [start for start, _ in played(recording)[0]] == pytest.approx([8.1, 15.0, 25.0, 30.0], abs=0.2)
    assert recording.duration == pytest.approx(31.0, abs=0.3)


def test_a_track_says_how_long_it_is_itself(service, made):
    recording = transcribed(made(ada=(30.2, track(Sound(30.0, 12.0))), bo=(5.0, track(Sound(0, 3)))))
    lengths = dict(recording.tracks.values_list("session_id", "duration"))
    assert lengths == {"ada": pytest.approx(11.8, abs=0.1), "bo": pytest.approx(3.0, abs=0.1)}


def test_a_service_of_ones_own_is_told_where_the_files_own_second_zero_lies(service, made, settings):
    settings.RECORDING_PROCESSOR = "http"
    recording = made(ada=(30.2, track(Sound(30.0, 12.0))), bo=(5.0, track(Sound(0, 3))))
    transcribed(recording)
    [request] = service.stub.sent("POST", "/jobs")
    audio = sorted((part["offset"], round(part["duration"])) for part in request.json["audio"])
    assert audio == [(0.0, 42), (5.0, 3)]


def test_what_was_stored_before_is_laid_right_when_it_is_transcribed_again(service, made):
    """Its duration was reckoned with the offset twice."""
    recording = transcribed(made(ada=(30.2, track(Sound(30.0, 12.0)))))
    recording.tracks.update(duration=42.0)
    Recording.objects.update(duration=72.2)
    assert register.submit_again(recording)
    Submission.run(Submission.objects.get().pk)
    recording.refresh_from_db()
    assert said_at(recording) == [pytest.approx(30.0, abs=0.2)]
    assert recording.transcript.duration == pytest.approx(42.0, abs=0.3)


# What cannot be read


def test_one_track_whose_timestamps_jump_leaves_the_others_alone(service, made):
    recording = made(ada=(0.0, track(Sound(0, 0.02), Sound(90_000, 0.02))), bo=(2.0, track(Sound(0, 3))))
    recording = transcribed(recording)
    assert recording.state == Recording.State.DONE
    assert said_at(recording) == [pytest.approx(2.0, abs=0.2)]
    assert played(recording)[0][-1] == (pytest.approx(2.0, abs=0.2), pytest.approx(5.0, abs=0.2))
    assert recording.duration == recording.transcript.duration == pytest.approx(5.0, abs=0.6)
    note = f"The track of Speaker 1 was left out from 0:00:00 on. {DAMAGE}"
    assert recording.error == recording.transcript.note == note


def test_what_was_said_before_the_damage_stays(service, made):
    recording = transcribed(made(ada=(0.0, track(Sound(1, 2), Sound(90_000, 1)))))
    assert said_at(recording) == [pytest.approx(1.0, abs=0.2)]
    assert recording.duration == pytest.approx(3.0, abs=0.2)
    assert recording.error == f"The track of Speaker 1 was left out from 0:00:03 on. {DAMAGE}"


def test_a_track_that_says_that_it_begins_after_years_is_taken_at_its_files_word(service, made):
    recording = transcribed(made(ada=(1e9, track(Sound(4, 2))), bo=(7.0, track(Sound(0, 2)))))
    assert said_at(recording) == pytest.approx([4.0, 7.0], abs=0.2)
    assert recording.duration == pytest.approx(9.0, abs=0.2)


def test_a_track_that_is_gone_from_the_storage_is_left_out_and_said(service, made):
    recording = made(ada=(0.0, track(Sound(0, 2))), bo=(3.0, track(Sound(0, 2))))
    Ingest.run(recording.ingest.pk)
    storages["recordings"].delete(recording.tracks.get(session_id="ada").file)
    Submission.run(Submission.objects.get().pk)
    recording.refresh_from_db()
    assert said_at(recording) == [pytest.approx(3.0, abs=0.2)]
    assert recording.error == "The track of Speaker 1 was left out. The file is not there any more."


def test_a_service_of_ones_own_is_not_sent_what_cannot_be_read(service, made, settings):
    settings.RECORDING_PROCESSOR = "http"
    recording = made(ada=(0.0, track(Sound(0, 2))), bo=(3.0, track(Sound(0, 2))))
    Ingest.run(recording.ingest.pk)
    storages["recordings"].delete(recording.tracks.get(session_id="ada").file)
    Submission.run(Submission.objects.get().pk)
    [request] = service.stub.sent("POST", "/jobs")
    assert [part["offset"] for part in request.json["audio"]] == [3.0]


# An MP3 that cannot be made


@pytest.fixture
def no_room(recordings_folder):
    """Makes the MP3's place one that cannot be written to, and free again."""

    class Blocked:
        def block(self, recording):
            self.path = recordings_folder / mixing.mp3_name(recording)
            self.path.mkdir(parents=True)

        def free(self):
            self.path.rmdir()

    return Blocked()


def test_an_mp3_that_cannot_be_made_keeps_no_transcript_away_and_comes_later(service, made, no_room):
    recording = made(ada=(0.0, track(Sound(0, 2))))
    Ingest.run(recording.ingest.pk)
    no_room.block(recording)
    Submission.run(Submission.objects.get().pk)
    recording.refresh_from_db()
    job = Submission.objects.get()
    assert (recording.state, job.state) == (Recording.State.DONE, "waiting")
    assert said_at(recording) == [pytest.approx(0.0, abs=0.2)]
    assert recording.transcript.audio_file == ""
    no_room.free()
    Submission.objects.update(next_attempt_at=timezone.now())
    Submission.run(job.pk)
    recording.transcript.refresh_from_db()
    assert [start for start, _ in played(recording)[0]] == [pytest.approx(0.0, abs=0.2)]
    assert len(service.sent) == 1
    job.refresh_from_db()
    assert (job.state, job.checkpoint) == ("done", {})


def test_an_mp3_that_can_never_be_made_leaves_the_transcript(service, made, no_room):
    recording = made(ada=(0.0, track(Sound(0, 2))))
    Ingest.run(recording.ingest.pk)
    no_room.block(recording)
    Submission.objects.update(attempts=Submission.MAX_ATTEMPTS - 1)
    Submission.run(Submission.objects.get().pk)
    recording.refresh_from_db()
    assert (recording.state, Submission.objects.get().state) == (Recording.State.DONE, "failed")
    assert recording.transcript.segments.count() == 1
