"""From a signed webhook, through the inbox, to the row of a recording."""

import copy
import json
from datetime import UTC, datetime

import pytest
from django.test import Client

from meetings.models import Meeting
from platforms.models import WebhookEvent
from platforms.work.models import run_due
from recordings.models import Ingest, Recording
from tests.support import daily, whereby_provider
from tests.support.meeting_reports import make_meeting

pytestmark = pytest.mark.django_db

ROOM = "standup-20260101090000-a1b2c3"
RECORDING = "5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01"
KEY = f"acme/{ROOM}/1767258070123"
BEGAN = datetime(2026, 1, 1, 9, 1, 10, tzinfo=UTC)
READY = "recording.ready-to-download"
WHEREBY_ROOM = "/team-3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11"


@pytest.fixture(autouse=True)
def _providers(settings):
    platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
    platforms["daily"]["OPTIONS"] |= {
        "api_key": "key",
        "webhook_secrets": [daily.SECRET],
        "s3_bucket": "daily-bucket",
        "aws_role_arn": "arn:aws:iam::1:role/daily",
    }
    platforms["whereby"]["OPTIONS"] |= {
        "api_key": "key",
        "webhook_secrets": [whereby_provider.SECRET],
        **whereby_provider.STORAGE,
        "s3_bucket": "whereby-bucket",
    }
    settings.VIDEO_PLATFORMS = platforms


@pytest.fixture
def daily_meeting(room):
    return make_meeting(room, platform="daily", room_name=ROOM, start_date=BEGAN)


@pytest.fixture
def whereby_meeting(room):
    began = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
    return make_meeting(room, platform="whereby", room_name=WHEREBY_ROOM, start_date=began)


def deliver_daily(name, **changes):
    event = daily.payload(name)
    event["payload"] = {**event.get("payload", event.get("data", {})), **changes}
    deliver("/v1/daily/webhook", json.dumps(event).encode(), daily.signed)


def deliver_whereby(**changes):
    body = whereby_provider.payload("recording.finished", **changes)
    deliver("/v1/whereby", body, lambda content: whereby_provider.sign(content).headers)


def deliver(path, body, sign):
    answer = Client().post(path, body, content_type="application/json", headers=sign(body))
    assert answer.status_code == 200, answer.content
    run_due(WebhookEvent)


def outcomes():
    return [(event.state, event.outcome) for event in WebhookEvent.objects.order_by("received_at")]


def is_to_be_fetched(recording):
    return Ingest.objects.filter(recording=recording, state="waiting").exists()


@pytest.mark.parametrize("kind", ["cloud", "audio-only"])
def test_a_recording_in_one_file_is_known_by_its_id_and_had_by_link(daily_meeting, kind):
    deliver_daily(f"{READY}.{kind}")
    recording = Recording.objects.get()
    assert (recording.state, recording.meeting, recording.kind) == ("reported", daily_meeting, "file")
    assert (recording.platform, recording.provider_recording_id, recording.room_name) == ("daily", RECORDING, ROOM)
    assert (recording.recorded_at, int(recording.duration or 0)) == (BEGAN, 277)
    assert (recording.bucket, recording.key) == ("", "")
    assert is_to_be_fetched(recording)
    assert outcomes() == [("done", "applied")]


@pytest.mark.parametrize("kind", ["raw-tracks", "untyped"])
def test_a_recording_in_tracks_is_known_with_each_of_them(daily_meeting, kind):
    ada = daily_meeting.sessions.create(session_id="0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60", user_name="Ada")
    deliver_daily(f"{READY}.{kind}")
    recording = Recording.objects.get()
    assert (recording.kind, recording.bucket, recording.key) == ("tracks", "daily-bucket", KEY)
    assert [(t.medium, t.size, t.offset, t.participant) for t in recording.tracks.all()] == [
        ("cam-audio", 831843, 0.438, ada),
        ("cam-video", 30000000, 0.447, ada),
    ]
    assert is_to_be_fetched(recording)


def test_a_recording_in_tracks_in_which_nobody_was_heard_has_none(daily_meeting):
    deliver_daily(f"{READY}.raw-tracks", tracks=[])
    recording = Recording.objects.get()
    assert recording.kind == "tracks"
    assert not recording.tracks.exists()
    assert is_to_be_fetched(recording)


def test_the_older_event_brings_its_link(daily_meeting):
    deliver_daily("early.recording.ready-to-download")
    recording = Recording.objects.get()
    assert (recording.provider_recording_id, recording.recorded_at, recording.duration) == (RECORDING, BEGAN, 277.0)
    assert recording.source_url == "https://recordings.example.com/5b1c.mp4?signature=x"


@pytest.mark.parametrize(
    "name", ["recording.started", "recording.started.with-room", "recording.error", "early.recording.error"]
)
def test_a_recording_that_began_or_failed_is_none_yet(daily_meeting, name):
    deliver_daily(name)
    assert not Recording.objects.exists()


def test_the_other_platforms_recording_is_an_object_of_the_bucket(whereby_meeting):
    deliver_whereby()
    recording = Recording.objects.get()
    assert (recording.state, recording.meeting, recording.kind) == ("reported", whereby_meeting, "file")
    assert recording.provider_recording_id == "c0a7d1e5-84c8-4e0f-9a35-6a1f8f1d2b05"
    assert (recording.bucket, recording.key) == ("whereby-bucket", f"{WHEREBY_ROOM[1:]}-2026-01-02T03:04:12Z.mp4")
    assert recording.recorded_at == datetime(2026, 1, 2, 3, 4, 12, tzinfo=UTC)
    assert is_to_be_fetched(recording)


def test_a_recording_that_did_not_complete_is_none(whereby_meeting):
    deliver_whereby(status="failed")
    assert not Recording.objects.exists()
    assert outcomes() == [("done", "ignored")]


@pytest.mark.parametrize("deliver_ready", [lambda: deliver_daily(f"{READY}.cloud"), deliver_whereby])
def test_a_recording_of_an_unknown_room_is_kept_unmatched(deliver_ready):
    deliver_ready()
    assert Recording.objects.get().state == "unmatched"
    assert not Ingest.objects.exists()
    assert outcomes() == [("done", "applied")]


def test_an_unmatched_recording_is_matched_by_the_next_event(room):
    deliver_daily(f"{READY}.cloud")
    meeting = make_meeting(room, platform="daily", room_name=ROOM, start_date=BEGAN)
    deliver_daily("early.recording.ready-to-download")
    assert (Recording.objects.get().state, Recording.objects.get().meeting) == ("reported", meeting)


def test_what_is_delivered_twice_or_as_another_kind_of_event_is_one_recording(daily_meeting):
    for _ in range(2):
        deliver_daily(f"{READY}.cloud")
    deliver_daily("early.recording.ready-to-download")
    recording = Recording.objects.get()
    assert recording.source_url.startswith("https://recordings.example.com/")
    assert Ingest.objects.count() == 1


def test_the_meeting_is_told_that_its_recording_ended(daily_meeting):
    deliver_daily("recording.started.with-room")
    assert Meeting.objects.get().is_recording
    deliver_daily(f"{READY}.cloud")
    assert not Meeting.objects.get().is_recording


def test_an_event_that_names_no_recording_changes_none_and_does_not_fail(daily_meeting, caplog):
    deliver_daily(f"{READY}.cloud", recording_id=None, s3_key=None)
    assert not Recording.objects.exists()
    assert outcomes()[0][0] == "done"
    assert "recording_without_a_name platform=daily" in caplog.text


def test_a_signed_link_is_in_no_log(daily_meeting, caplog):
    caplog.set_level("DEBUG")
    deliver_daily("early.recording.ready-to-download")
    assert "signature=x" not in caplog.text
