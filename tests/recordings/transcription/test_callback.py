import json
import time
import uuid
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.core import signing
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.utils import timezone

from platforms.signing import sign_hex, stamped_signature
from recordings.models import Recording, Submission, Track, Transcript
from recordings.storage import links
from tests.conftest import error

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder", "processors")]

SECRET, OLD_SECRET = "secret-of-the-processor", "secret-before"
State = Recording.State
SEGMENTS = [
    {"start": 2.5, "end": 4, "speaker": "Bo", "text": "Hello, Ada."},
    {"start": 0, "end": 1.5, "speaker": "Ada", "text": " Hello. "},
]


@pytest.fixture
def processors(settings):
    settings.RECORDING_PROCESSORS = {
        "null": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"},
        "http": {
            "BACKEND": "recordings.transcription.processors.http.HttpProcessor",
            "OPTIONS": {"url": "https://processor.example.com/jobs", "secrets": [SECRET, OLD_SECRET]},
        },
    }
    settings.RECORDING_PROCESSOR = "http"


@pytest.fixture
def recording():
    recording = Recording.objects.create(
        platform="mock", state=State.PROCESSING, provider_recording_id="r1", duration=12.0, content_type="video/mp4"
    )
    Submission.objects.create(recording=recording, next_attempt_at=timezone.now() + timedelta(hours=6))
    return recording


@pytest.fixture
def send(client, recording):
    def send(content=None, secret=SECRET, signature=None, recording_id=recording.pk):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        signature = stamped_signature(secret, body) if signature is None else signature
        headers = {"X-Webhook-Signature": signature} if signature else {}
        return client.post(
            f"/v1/recordings/{recording_id}/result", body, content_type="application/json", headers=headers
        )

    return send


DONE = {"status": "done", "language": "en", "segments": SEGMENTS}


# A result


def test_a_result_becomes_the_transcript(send, recording):
    answer = send(DONE)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    recording.refresh_from_db()
    assert recording.state == State.DONE
    assert [s.text for s in recording.transcript.segments.all()] == ["Hello.", "Hello, Ada."]
    assert [p.name for p in recording.transcript.participants.all()] == ["Ada", "Bo"]
    job = Submission.objects.get()
    assert (job.state, job.last_error) == ("done", "")
    assert job.finished_at is not None


def test_the_same_result_again_is_no_error_and_changes_nothing(send, recording):
    send(DONE)
    assert send(DONE | {"segments": []}).status_code == 200
    assert recording.transcript.segments.count() == 2


def test_nothing_said_is_a_result_too(send, recording):
    assert send({"segments": []}).status_code == 200
    assert recording.transcript.segments.count() == 0


def test_a_failure_is_told_with_its_reason(send, recording):
    assert send({"status": "failed", "error": "no speech model for this language"}).status_code == 200
    recording.refresh_from_db()
    assert (recording.state, recording.can_retry) == (State.FAILED, True)
    assert recording.error == "no speech model for this language"
    assert Submission.objects.get().state == "failed"
    assert not Transcript.objects.exists()


def test_a_result_that_comes_after_it_was_given_up_counts(send, recording):
    send({"status": "failed", "error": "no speech model for this language"})
    assert send(DONE).status_code == 200
    recording.refresh_from_db()
    assert (recording.state, recording.error) == (State.DONE, "")
    assert Submission.objects.get().state == "done"
    assert Transcript.objects.get().segments.exists()


@pytest.mark.parametrize("state", [State.REPORTED, State.FETCHING, State.STORED, State.NO_AUDIO])
def test_a_result_that_nobody_awaits_is_a_conflict(send, recording, state):
    Recording.objects.update(state=state)
    assert send(DONE).status_code == 409
    assert not Transcript.objects.exists()


def test_there_is_no_result_for_what_was_deleted_or_never_was(send, recording):
    assert send(DONE, recording_id=uuid.uuid4()).status_code == 404
    Recording.objects.update(state=State.DELETED, deleted_at=timezone.now())
    assert send(DONE).status_code == 404


def test_the_language_becomes_a_code(send, recording):
    assert send(DONE | {"language": "chinese"}).status_code == 200
    assert Transcript.objects.get().source_language == "zh"


# Who sends it


def test_a_secret_that_is_being_replaced_still_counts(send):
    assert send(DONE, secret=OLD_SECRET).status_code == 200


def test_an_unsigned_result_is_refused(send):
    assert send(DONE, signature="").status_code == 400


def stamped(age):
    stamp = int(time.time()) - age
    return f"t={stamp},v1={sign_hex(SECRET, f'{stamp}.'.encode() + json.dumps(DONE).encode())}"


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param(lambda: stamped_signature("another", json.dumps(DONE).encode()), id="another secret"),
        pytest.param(lambda: stamped_signature(SECRET, b"{}"), id="another body"),
        pytest.param(lambda: stamped(301), id="too old"),
        pytest.param(lambda: stamped(-310), id="from the future"),
        pytest.param(lambda: "t=,v1=", id="empty"),
        pytest.param(lambda: "," * 5000, id="commas"),
        pytest.param(lambda: "sha256=abc", id="another form"),
        pytest.param(lambda: stamped(0).replace("t=", "t=9"), id="another time"),
    ],
)
def test_what_is_not_signed_rightly_is_refused(send, recording, signature):
    answer = send(DONE, signature=signature())
    assert (answer.status_code, answer.json()) == (401, error("The signature is wrong or too old."))
    recording.refresh_from_db()
    assert recording.state == State.PROCESSING


def test_a_signature_of_four_minutes_ago_counts(send):
    assert send(DONE, signature=stamped(240)).status_code == 200


def test_without_any_secret_nothing_is_believed(send, settings):
    settings.RECORDING_PROCESSORS = {"null": {"BACKEND": "recordings.transcription.processors.null.NullProcessor"}}
    assert send(DONE, secret="").status_code == 401


# What is sent


@pytest.mark.parametrize(
    ("content", "place"),
    [
        (b"{", ["body"]),
        (b"[" * 100_000, ["body"]),
        (b"\xff\xfe", ["body"]),
        ([], ["body"]),
        (None, ["body"]),
        ({}, ["body", "segments"]),
        ({"segments": {}}, ["body", "segments"]),
        ({"status": "maybe"}, ["body", "status"]),
        ({"segments": [None]}, ["body", "segments", 0, "start"]),
        ({"segments": [SEGMENTS[0], {"start": -1, "end": 1, "text": "x"}]}, ["body", "segments", 1, "start"]),
        ({"segments": [{"start": 2, "end": 1, "text": "x"}]}, ["body", "segments", 0, "end"]),
        ({"segments": [{"start": 1e308, "end": 1e308, "text": "x"}]}, ["body", "segments", 0, "start"]),
        ({"segments": [{"start": 0, "end": 86_401, "text": "x"}]}, ["body", "segments", 0, "end"]),
        ({"segments": [{"start": 0, "end": 1, "text": 5}]}, ["body", "segments", 0, "text"]),
        (b'{"segments": [{"start": NaN, "end": 1, "text": "x"}]}', ["body", "segments", 0, "start"]),
        (b'{"segments": [{"start": 0, "end": 1e999, "text": "x"}]}', ["body", "segments", 0, "end"]),
    ],
)
def test_a_result_that_cannot_be_understood_is_refused_by_field(send, recording, content, place):
    answer = send(content)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == place
    recording.refresh_from_db()
    assert recording.state == State.PROCESSING


def test_what_a_database_cannot_hold_is_taken_out_of_the_text(send, recording):
    segments = [{"start": 0, "end": 1, "text": "a\x00b\ud800c", "speaker": "A\x00" + "d" * 500}]
    assert send({"segments": segments}).status_code == 200
    assert recording.transcript.segments.get().text == "ab?c"
    assert len(recording.transcript.participants.get().name) == 255


def test_a_body_without_end_is_not_read_to_its_end(send):
    assert send(b" " * (32 * 1024 * 1024 + 1)).status_code == 413


def test_hours_of_speech_fit(send, recording):
    Recording.objects.update(duration=30_000.0)
    segments = [{"start": n, "end": n + 1, "text": "word " * 20} for n in range(30_000)]
    assert send({"segments": segments}).status_code == 200
    assert recording.transcript.segments.count() == 30_000


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
def test_nothing_but_post_is_taken(client, recording, method):
    assert getattr(client, method)(f"/v1/recordings/{recording.pk}/result").status_code == 405


# Files for the processor


@pytest.fixture
def file(recording):
    recording.file = storages["recordings"].save("r1/file", ContentFile(b"the recording"))
    recording.save()
    return recording


def path_of(link):
    return urlsplit(link).path


def test_a_link_leads_to_the_file(client, file, settings):
    link = links.link_to(file)
    assert link.startswith(f"{settings.PUBLIC_URL}/v1/recordings/files/")
    answer = client.get(path_of(link))
    assert (answer.status_code, answer["Content-Type"]) == (200, "video/mp4")
    assert b"".join(answer.streaming_content) == b"the recording"


def test_a_track_has_a_link_of_its_own(client, recording):
    name = storages["recordings"].save("r1/track", ContentFile(b"the track"))
    track = Track.objects.create(recording=recording, medium="cam-audio", key="k", state="stored", file=name)
    answer = client.get(path_of(links.link_to(recording, track)))
    assert b"".join(answer.streaming_content) == b"the track"
    Track.objects.update(state=Track.State.DELETED)
    assert client.get(path_of(links.link_to(recording, track))).status_code == 404


def test_a_link_ends(client, file):
    assert client.get(path_of(links.link_to(file, lifetime=timedelta(seconds=-1)))).status_code == 404


def test_a_link_leads_nowhere_once_the_recording_is_deleted(client, file):
    Recording.objects.update(state=State.DELETED, deleted_at=timezone.now())
    assert client.get(path_of(links.link_to(file))).status_code == 404


def test_a_link_leads_nowhere_once_the_file_is_gone(client, file):
    storages["recordings"].delete(file.file)
    assert client.get(path_of(links.link_to(file))).status_code == 404


@pytest.mark.parametrize("token", ["x", "a:b:c", "..", "%00"])
def test_a_made_up_link_leads_nowhere(client, token):
    assert client.get(f"/v1/recordings/files/{token}").status_code == 404


def test_a_link_of_another_kind_is_no_link(client, file):
    other = signing.dumps([file.pk.hex, None], salt="something else")
    assert client.get(f"/v1/recordings/files/{other}").status_code == 404
