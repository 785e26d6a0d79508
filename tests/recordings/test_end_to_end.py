"""From what a provider does to a transcript that can be read and found, by the real protocols on loopback."""

import json
import time
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from meetings.models import ParticipantSession
from platforms import signing
from platforms.models import WebhookEvent
from platforms.work import models
from recordings.intake import sqs
from recordings.models import Ingest, Recording, Segment, Submission, Transcript
from tests.conftest import api_for
from tests.support import daily, media
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.provider_bucket import (
    BEGAN,
    ProviderBucket,
    daily_platform,
    held,
    key_of,
    platforms,
    room_name_of,
)
from tests.support.speech_service import KEY as SPEECH_KEY
from tests.support.speech_service import SpeechService
from tests.support.stub_provider import Answer, StubProvider

START_MS = int(BEGAN.timestamp() * 1000)
SAID = [media.Sound(1, 2), media.Sound(5, 2)]


@pytest.fixture
def provider():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def speech():
    with StubProvider() as stub:
        yield SpeechService(stub)


@pytest.fixture(autouse=True)
def _surroundings(settings, recordings_folder, provider, speech):
    settings.VIDEO_PLATFORMS = platforms(**daily_platform(provider.url))
    settings.OUTBOUND_ALLOWED_HOSTS = [stub.url.removeprefix("http://") for stub in (provider, speech.stub)]
    settings.RECORDING_PROCESSOR = "openai"
    options = {"api_url": speech.url, "api_key": SPEECH_KEY, "model": "whisper-1", "timeout": 60}
    settings.RECORDING_PROCESSORS = {
        "openai": {"BACKEND": "recordings.transcription.processors.openai.OpenAIProcessor", "OPTIONS": options}
    }


@pytest.fixture
def room_of(room):
    """A meeting of the owner's room, as the provider calls it."""
    return lambda name, **fields: held(name, room=room, **fields)


def deliver(payload):
    body = json.dumps(
        {
            "version": "1.0.0",
            "type": "recording.ready-to-download",
            "id": f"rec-rtd-{uuid.uuid4()}",
            "payload": {"start_ts": int(BEGAN.timestamp()), "status": "finished", "duration": 8, **payload},
            "event_ts": BEGAN.timestamp() + 60,
        }
    ).encode()
    answer = Client().post("/v1/daily/webhook", body, content_type="application/json", headers=daily.signed(body))
    assert answer.status_code == 200, answer.content


def work_off():
    for model in (WebhookEvent, Ingest, Submission):
        models.run_due(model)


def transcript_of(recording):
    assert (recording.state, recording.error) == ("done", "")
    return Transcript.objects.get(recording=recording)


@pytest.mark.django_db
def test_a_cloud_recording_is_fetched_by_its_link_and_transcribed(provider, speech, room_of, owner):
    room_of("standup-1", platform="daily")
    content = media.media("mp4", SAID, video=8)
    provider.on("GET", "/recordings/rec-1/access-link", Answer(json={"download_link": f"{provider.url}/rec-1.mp4"}))
    provider.on("GET", "/rec-1.mp4", Answer(body=content, headers={"ETag": '"1"', "Content-Type": "video/mp4"}))
    deliver({"type": "cloud", "recording_id": "rec-1", "room_name": "standup-1", "s3_key": "acme/standup-1/1"})
    work_off()

    transcript = transcript_of(Recording.objects.get())
    (first, second) = speech.sent[0].heard  # the service decoded what it was sent
    assert second[0] - first[0] == pytest.approx(4, abs=0.2)
    assert [round(segment.start) for segment in transcript.segments.all()] == [1, 5]
    # The bearer token goes to the provider's API only, never with the file's link.
    assert "authorization" not in provider.sent("GET", "/rec-1.mp4")[0].headers

    api = api_for(owner)
    shown = api.get(f"/v1/transcripts/{transcript.pk}?transcript_format=json").json()
    assert [line["start"] for line in shown["transcript"]] == pytest.approx([1, 5], abs=0.2)
    found = api.get("/v1/transcripts/search?q=something").json()
    assert [result["id"] for result in found["results"]] == [str(transcript.pk)]
    listed = api.get("/v1/recordings").json()["items"][0]
    assert (listed["state"], listed["size"], listed["transcript_id"]) == ("done", len(content), str(transcript.pk))


@pytest.mark.django_db
def test_a_recording_in_the_providers_own_storage_is_fetched_by_its_link(provider, speech, settings, room_of):
    without_bucket = platforms(s3_bucket="")
    without_bucket["whereby"]["OPTIONS"]["api_url"] = provider.url
    settings.VIDEO_PLATFORMS = without_bucket
    room_of(room_name_of(), platform="whereby")
    provider.on("GET", "/recordings/rec-1/access-link", Answer(json={"accessLink": f"{provider.url}/rec-1.mp4"}))
    provider.on("GET", "/rec-1.mp4", Answer(body=media.with_audio(), headers={"ETag": '"1"'}))
    data = {"filename": key_of(room_name_of(), folder="").strip("/"), "recordingId": "rec-1", "status": "completed"}
    event = {"id": "1" * 64, "createdAt": "2026-01-02T03:37:21.480Z", "type": "recording.finished"}
    body = json.dumps({**event, "data": {**data, "roomName": room_name_of()}}).encode()
    stamp = str(int(time.time()))
    signature = signing.sign_hex("secret", stamp.encode() + b"." + body)
    headers = {"HTTP_WHEREBY_SIGNATURE": f"t={stamp},v1={signature}"}
    assert Client().post("/v1/whereby", body, content_type="application/json", **headers).status_code == 200
    work_off()
    assert transcript_of(Recording.objects.get()).segments.count() == 1


@pytest.mark.django_db
def test_an_older_event_with_a_download_url_is_fetched_by_it(provider, speech, room_of):
    room_of("standup-1", platform="daily")
    provider.on("GET", "/given.mp4", Answer(body=media.with_audio(), headers={"ETag": '"1"'}))
    deliver({"recording_id": "rec-1", "room_name": "standup-1", "download_url": f"{provider.url}/given.mp4"})
    work_off()
    assert transcript_of(Recording.objects.get()).segments.count() == 1
    assert len(provider.sent("GET", "/given.mp4")) == 1


@pytest.mark.django_db
def test_raw_tracks_are_read_from_the_bucket_and_each_voice_is_named(aws, speech, settings, room_of):  # noqa: F811
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"] |= {"s3_bucket": "tracks", "aws_role_arn": "arn:aws:iam::1:role/d"}
    bucket = aws.bucket("tracks")
    meeting = room_of("standup-1", platform="daily")
    prefix, sessions, tracks = f"acme/standup-1/{START_MS}", [str(uuid.uuid4()) for _ in range(2)], []
    for number, (session, name) in enumerate(zip(sessions, ["Ada", "Grace"], strict=True)):
        ParticipantSession.objects.create(meeting=meeting, session_id=session, user_name=name, joined_at=BEGAN)
        key = f"{prefix}-{session}-cam-audio-{START_MS + 4000 * number}"
        aws.client("s3").put_object(Bucket=bucket, Key=key, Body=media.track(*media.speech(0, 10)))
        tracks.append({"type": "audio", "s3Key": key, "size": 1})
    deliver(
        {"type": "raw-tracks", "recording_id": "rec-1", "room_name": "standup-1", "s3_key": prefix, "tracks": tracks}
    )
    work_off()

    transcript = transcript_of(Recording.objects.get())
    names = {participant.speaker: participant.name for participant in transcript.participants.all()}
    said = [(round(segment.start), names[segment.speaker]) for segment in transcript.segments.all()]
    # Grace's track begins four seconds into the recording; both are silent for eight seconds in between.
    assert said == [(0, "Ada"), (4, "Grace"), (10, "Ada"), (14, "Grace")]
    assert Recording.objects.get().tracks.filter(state="stored").count() == 2


@pytest.mark.django_db
def test_a_file_put_into_whereby_s_bucket_comes_by_the_queue(aws, speech, settings, room_of):  # noqa: F811
    bucket = ProviderBucket(aws)
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    settings.OUTBOUND_ALLOWED_HOSTS.append(aws.host)
    room_of(room_name_of())
    bucket.tell_queue()
    bucket.put(key_of(room_name_of()), media.media("mp4", SAID, video=8))
    sqs.drain(sqs.Queue(), wait=1)
    work_off()
    assert [round(segment.start) for segment in transcript_of(Recording.objects.get()).segments.all()] == [1, 5]
    assert bucket.waiting() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("content", "state", "reason"),
    [
        (media.video_only(), "no_audio", "no audio"),
        (media.broken(), "failed", ""),
        (b"", "failed", ""),
        (b"<html>not a film</html>" * 100, "failed", ""),
    ],
    ids=["video only", "broken", "empty", "no media"],
)
def test_what_cannot_be_heard_ends_with_the_reason(provider, room_of, recordings_folder, content, state, reason):
    room_of("standup-1", platform="daily")
    provider.on("GET", "/given.mp4", Answer(body=content, headers={"ETag": '"1"'}))
    deliver({"recording_id": "rec-1", "room_name": "standup-1", "download_url": f"{provider.url}/given.mp4"})
    work_off()
    recording = Recording.objects.get()
    assert recording.state == state
    assert reason in recording.error
    assert recording.error
    assert [path for path in recordings_folder.rglob("*") if path.is_file()] == []
    assert not Segment.objects.exists()


@pytest.mark.django_db
def test_a_recording_of_no_known_meeting_is_kept_until_its_meeting_is_there(provider, speech, room_of):
    provider.on("GET", "/given.mp4", Answer(body=media.with_audio(), headers={"ETag": '"1"'}))
    deliver({"recording_id": "rec-1", "room_name": "standup-1", "download_url": f"{provider.url}/given.mp4"})
    work_off()
    assert Recording.objects.get().state == "unmatched"
    from recordings.intake.register import match_again

    room_of("standup-1", platform="daily", start_date=BEGAN - timedelta(minutes=5))
    assert match_again(Recording.objects.get())
    work_off()
    assert transcript_of(Recording.objects.get())
