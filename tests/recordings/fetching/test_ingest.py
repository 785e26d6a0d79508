"""From a report to a stored, checked recording that is handed on, or to the reason why it is not."""

import signal
import subprocess
import sys
import threading
import uuid
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connections
from django.utils import timezone

from platforms.exceptions import PlatformUnavailable
from platforms.work.models import LeaseLost
from recordings.fetching import claim
from recordings.fetching.claim import Claim
from recordings.fetching.locations import name_of
from recordings.intake import register
from recordings.intake.register import register_recording
from recordings.media import decoding
from recordings.models import Erasure, Ingest, Recording, Submission
from recordings.privacy import deletion
from recordings.storage.reader import open_stored
from tests.drills import faulty_server
from tests.support import media
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.decoding import Fatal
from tests.support.fetching import files_left, part_then, server  # noqa: F401
from tests.support.live import ROOT
from tests.support.meeting_reports import make_meeting
from tests.support.provider_bucket import daily_platform
from tests.support.recording_reports import by_both, by_id
from tests.support.stub_provider import Answer, StubProvider
from tests.support.transcripts import make_transcript

WITH_AUDIO = media.with_audio()
State = Recording.State

pytestmark = pytest.mark.django_db


@pytest.fixture
def known(server):  # noqa: F811
    """Makes a recording of a known meeting, whose file is on the server."""
    make_meeting()

    def host(content=WITH_AUDIO, fault=faulty_server.nothing, **kwargs):
        file = server.host(content, fault, **kwargs)
        recording = register_recording(by_id(f"rec{file.path}", download_url=server.link(file)))
        recording.served = file
        return recording

    return host


def run(recording):
    """Do the work of the row now, whenever it is due. The recording as it is then."""
    Ingest.objects.filter(recording=recording).update(next_attempt_at=timezone.now())
    with suppress(PlatformUnavailable):  # the task's boundary: it is on the row
        Ingest.run(recording.ingest.pk)
    return Recording.objects.get(pk=recording.pk)


def work_of(recording):
    return Ingest.objects.get(recording=recording)


def content_of(recording):
    return content_of_file(recording.file)


# What comes of it


def test_a_recording_is_stored_checked_and_handed_on(known):
    recording = run(known(media.with_audio_and_video(seconds=3)))
    content = content_of(recording)
    assert (recording.state, recording.error) == (State.STORED, "")
    assert (recording.size, recording.sha256) == (len(content), sha256(content).hexdigest())
    assert (recording.content_type, recording.has_video) == ("video/mp4", True)
    assert recording.duration == pytest.approx(3, abs=0.2)
    assert Submission.objects.get(recording=recording).state == "waiting"
    assert work_of(recording).state == "done"
    assert files_left() == [recording.file]


def test_what_a_file_is_is_told_by_its_content(known):
    recording = run(known(media.with_audio("ogg"), lambda x: x.serve(Content_Type="video/mp4")))
    assert (recording.content_type, recording.has_video) == ("audio/ogg", False)


def test_a_file_without_audio_is_no_failure_and_is_not_kept(known):
    recording = run(known(media.video_only()))
    assert (recording.state, recording.error) == (State.NO_AUDIO, "There is no audio in it.")
    assert work_of(recording).state == "done"
    assert files_left() == []
    assert not Submission.objects.exists()


def test_silence_is_audio(known):
    assert run(known(media.silent())).state == State.STORED


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "The file is empty."),
        (b"<html>Sign in</html>" * 100, "This is no media, or it is broken"),
        (media.broken(), "This is no media, or it is broken"),
    ],
    ids=["empty", "a page", "broken"],
)
def test_what_is_no_media_fails_with_the_reason_and_is_not_kept(known, content, reason):
    recording = run(known(content))
    assert recording.state == State.FAILED
    assert recording.error.startswith(reason)
    assert not recording.can_retry
    assert (work_of(recording).state, files_left()) == ("failed", [])


def test_what_takes_too_much_to_read_fails_with_the_reason_and_is_not_kept(known, monkeypatch):
    monkeypatch.setattr(decoding, "MEMORY_BYTES", 32 * 1024 * 1024)
    recording = run(known(media.large_picture(60)))
    assert (recording.state, recording.error) == (State.FAILED, "Reading it takes too much memory.")
    assert not recording.can_retry
    assert (work_of(recording).state, files_left()) == ("failed", [])
    assert run(known()).state == State.STORED


def test_when_a_machine_that_has_no_memory_left_ends_what_reads_it_is_tried_again(known, monkeypatch):
    monkeypatch.setattr(claim, "open_stored", lambda name: Fatal(content_of_file(name), signal.SIGKILL))
    recording = run(known())
    assert (recording.state, work_of(recording).state) == (State.FETCHING, "waiting")
    assert "ended from outside" in work_of(recording).last_error
    monkeypatch.undo()
    assert run(recording).state == State.STORED


def content_of_file(name):
    with open_stored(name) as file:
        return file.read()


@pytest.mark.parametrize(
    ("fault", "reason", "can_retry"),
    [
        (faulty_server.be_gone, "The file is not there any more", False),
        (faulty_server.refuse, "The server refuses the file", True),
        (faulty_server.redirect_inside, "This address is not on the public internet.", True),
    ],
)
def test_a_file_that_cannot_be_had_fails_with_the_reason(known, fault, reason, can_retry):
    recording = run(known(fault=fault))
    assert recording.state == State.FAILED
    assert recording.error.startswith(reason)
    assert recording.can_retry is can_retry
    assert files_left() == []


def test_what_may_pass_is_tried_again_when_the_server_says(known):
    recording = known(fault=lambda x: x.say(429, Retry_After="600", Content_Length="0"))
    before = timezone.now()
    run(recording)
    job = work_of(recording)
    assert (Recording.objects.get().state, job.state) == (State.FETCHING, "waiting")
    assert job.next_attempt_at >= before + timedelta(seconds=600)
    recording.served.fault = faulty_server.nothing
    assert run(recording).state == State.STORED


def test_when_all_attempts_are_used_up_the_reason_is_said_and_nothing_is_left(known):
    recording = known(fault=part_then(0.5, lambda x: x.say(503, Retry_After="600", Content_Length="0")))
    run(recording)
    assert any(name.endswith(".part") for name in files_left())
    Ingest.objects.update(attempts=Ingest.MAX_ATTEMPTS - 1)
    found = run(recording)
    assert (found.state, found.can_retry) == (State.FAILED, True)
    assert found.error == "The server of the file answered 503."
    assert work_of(recording).state == "failed"


def test_parts_of_a_recording_that_was_given_up_are_removed(known, django_capture_on_commit_callbacks):
    recording = known(fault=part_then(0.5, lambda x: x.say(503, Retry_After="600", Content_Length="0")))
    Ingest.objects.update(attempts=Ingest.MAX_ATTEMPTS - 1)
    with django_capture_on_commit_callbacks(execute=True):
        run(recording)
    assert files_left() == []


def test_an_error_of_this_machine_is_not_shown_to_everybody(known, settings, tmp_path):
    (tmp_path / "occupied").write_text("")
    folder = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "occupied"}}
    settings.STORAGES = {**settings.STORAGES, "recordings": folder}
    recording = known()
    Ingest.objects.update(attempts=Ingest.MAX_ATTEMPTS - 1)
    with pytest.raises(OSError, match="occupied"):
        run(recording)
    assert Recording.objects.get().error == "Fetching it failed for a reason that only the server's log tells."


# Where it comes from


def test_the_link_of_a_report_is_used_while_it_lasts_and_then_the_provider_is_asked(settings, server):  # noqa: F811
    with StubProvider() as provider:
        settings.VIDEO_PLATFORMS = daily_platform(provider.url)
        make_meeting(platform="daily")
        file = server.host(WITH_AUDIO, faulty_server.expire)
        old = server.link(file)
        file.link += 1
        provider.on("GET", "/recordings/rec-1/access-link", Answer(json={"download_link": server.link(file)}))
        recording = register_recording(by_id(platform="daily", download_url=old))
        assert run(recording).state == State.STORED
        assert len(provider.sent("GET", "/recordings/rec-1/access-link")) == 1


def test_a_sentence_in_the_place_of_a_link_is_the_reason(settings):
    with StubProvider() as provider:
        settings.VIDEO_PLATFORMS = daily_platform(provider.url)
        make_meeting(platform="daily")
        provider.on("GET", "/recordings/rec-1/access-link", Answer(json={"download_link": "API access is off"}))
        recording = run(register_recording(by_id(platform="daily")))
        assert recording.state == State.FAILED
        assert "API access is off" in recording.error


def test_without_link_and_object_the_failure_says_so(known):
    recording = known()
    Recording.objects.update(source_url="")
    assert run(recording).error == "Nobody said where its file is."


def test_an_object_is_read_from_the_bucket(aws):  # noqa: F811
    make_meeting()
    ref = by_both()
    aws.bucket(ref.bucket)
    aws.client("s3").put_object(Bucket=ref.bucket, Key=ref.key, Body=WITH_AUDIO)
    recording = run(register_recording(ref))
    assert recording.state == State.STORED
    assert content_of(recording) == WITH_AUDIO


@pytest.mark.parametrize("is_copied", [False, True])
def test_what_is_in_our_own_bucket_already_is_copied_only_if_that_is_wanted(aws, settings, is_copied):  # noqa: F811
    make_meeting()
    settings.RECORDINGS_COPY_OWN_BUCKET = is_copied
    ref = by_both()
    options = {"bucket_name": aws.bucket(ref.bucket), "endpoint_url": aws.url, "signature_version": "s3v4"}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}
    s3 = aws.client("s3")
    s3.put_object(Bucket=ref.bucket, Key=ref.key, Body=WITH_AUDIO)
    recording = run(register_recording(ref))
    assert (recording.state, recording.sha256) == (State.STORED, sha256(WITH_AUDIO).hexdigest())
    assert (recording.file == ref.key) is not is_copied
    assert s3.list_objects_v2(Bucket=ref.bucket)["KeyCount"] == 1 + is_copied
    assert content_of(recording) == WITH_AUDIO


def test_what_a_provider_left_in_our_bucket_is_not_removed_because_it_is_of_no_use(aws, settings):  # noqa: F811
    make_meeting()
    ref = by_both()
    options = {"bucket_name": aws.bucket(ref.bucket), "endpoint_url": aws.url, "signature_version": "s3v4"}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}
    aws.client("s3").put_object(Bucket=ref.bucket, Key=ref.key, Body=media.video_only())
    assert run(register_recording(ref)).state == State.NO_AUDIO
    assert aws.client("s3").list_objects_v2(Bucket=ref.bucket)["KeyCount"] == 1


def test_an_upload_is_where_it_is():
    name = storages["recordings"].save("uploads/talk.mp4", ContentFile(WITH_AUDIO))
    recording = Recording.objects.create(kind=Recording.Kind.UPLOAD, file=name)
    Ingest.objects.create(recording=recording)
    recording = run(recording)
    assert (recording.state, recording.file) == (State.STORED, name)
    assert recording.sha256 == sha256(WITH_AUDIO).hexdigest()


def test_an_upload_that_is_no_media_is_removed():
    name = storages["recordings"].save("uploads/talk.mp4", ContentFile(b"text"))
    recording = Recording.objects.create(kind=Recording.Kind.UPLOAD, file=name)
    Ingest.objects.create(recording=recording)
    recording = run(recording)
    assert (recording.state, recording.file) == (State.FAILED, "")
    assert files_left() == []


# Once


def test_done_again_it_changes_nothing(known):
    recording = known()
    stored = run(recording)
    Ingest.objects.run_again()
    again = run(recording)
    assert (again.state, again.updated_at) == (stored.state, stored.updated_at)
    assert recording.served.requests <= 2
    assert Submission.objects.count() == 1


def test_a_worker_that_was_killed_before_it_could_say_so_has_fetched_for_the_next(known):
    recording = known()
    stored = run(recording)
    # As if the transaction at the end had not been.
    Recording.objects.update(state=State.FETCHING, file="", sha256="")
    Submission.objects.all().delete()
    Ingest.objects.run_again()
    recording.served.fault = faulty_server.be_gone
    again = run(recording)
    assert (again.state, again.sha256) == (State.STORED, stored.sha256)


def test_what_is_fetched_anew_replaces_the_old_only_when_it_is_whole(known):
    recording = known()
    old = run(recording)
    assert register.fetch_again(old)
    recording.served.fault = faulty_server.be_gone
    failed = run(recording)
    assert failed.state == State.FAILED
    assert content_of(failed) == WITH_AUDIO
    recording.served.content = media.with_audio("ogg")
    recording.served.version += 1
    recording.served.fault = faulty_server.nothing
    assert register.fetch_again(failed)
    new = run(recording)
    assert (new.state, new.content_type) == (State.STORED, "audio/ogg")
    assert content_of(new) == recording.served.content
    assert Submission.objects.get(recording=recording).state == "waiting"


def test_a_recording_that_has_its_transcript_is_not_spoilt_by_fetching_it_again_in_vain(known, owner):
    recording = known()
    make_transcript(owner, recording=run(recording))
    assert register.fetch_again(recording)
    recording.served.fault = faulty_server.be_gone
    again = run(recording)
    assert (again.state, content_of(again)) == (State.DONE, WITH_AUDIO)
    assert again.error.endswith("(the server answered 404). What was stored before is still there.")


@pytest.mark.parametrize(("kind", "is_done"), [("file", False), ("tracks", True)])
def test_what_we_had_deleted_where_it_came_from_is_not_fetched_again(known, kind, is_done):
    """With the pictures of a file its copy at the provider goes; of tracks, those with a voice stay."""
    recording = run(known())
    Recording.objects.update(kind=kind, state=State.DONE)
    Erasure.objects.create(recording=recording, location="provider", only_video=True, state="done")
    assert register.fetch_again(recording) is is_done


def test_work_that_is_put_back_to_its_start_in_admin_fetches_what_failed(known):
    recording = known(fault=faulty_server.be_gone)
    assert run(recording).state == State.FAILED
    recording.served.fault = faulty_server.nothing
    Ingest.objects.run_again()
    assert run(recording).state == State.STORED


def test_an_unmatched_recording_is_not_fetched(server):  # noqa: F811
    file = server.host(WITH_AUDIO)
    recording = register_recording(by_id(download_url=server.link(file)))
    Ingest.objects.create(recording=recording)
    assert run(recording).state == State.UNMATCHED
    assert file.requests == 0


def test_a_recording_that_is_to_be_deleted_is_not_fetched(known):
    recording = known()
    deletion.delete_everywhere(recording)
    run(recording)
    assert recording.served.requests == 0
    assert files_left() == []


@pytest.mark.django_db(transaction=True)
def test_a_recording_that_is_deleted_while_it_is_fetched_is_left(known):
    def delete_meanwhile(x):
        x.serve()
        deletion.delete_everywhere(recording)
        connections.close_all()

    recording = known(fault=delete_meanwhile)
    run(recording)
    assert Recording.objects.get().state == State.FETCHING
    assert files_left() == []
    assert not Submission.objects.exists()
    assert work_of(recording).state == "done"


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_store_a_recording_once(known):
    recording = known(media.with_audio(seconds=20), rate=200_000)
    outcomes = []

    def job():
        try:
            outcomes.append(Ingest.run(recording.ingest.pk))
        finally:
            connections.close_all()

    workers = [threading.Thread(target=job) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert sorted(outcomes) == [False, False, True]
    assert Recording.objects.get().state == State.STORED
    assert Submission.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_has_lost_its_work_cannot_call_it_stored(known):
    """It sleeps at the end of the file until another worker has begun anew."""

    def take_over(x):
        x.serve()
        Ingest.objects.update(lease_token=None, lease_until=timezone.now() - timedelta(seconds=1))
        connections.close_all()

    recording = known(fault=take_over)
    run(recording)
    assert Recording.objects.get().state == State.FETCHING
    assert not Submission.objects.exists()
    recording.served.fault = faulty_server.nothing
    assert run(recording).state == State.STORED
    assert Submission.objects.count() == 1


@pytest.mark.drill
def test_workers_that_are_killed_again_and_again_store_everything_once():
    command = [sys.executable, "-m", "tests.drills.recordings", "kills", "--kills=6", "--hurry=5"]
    drill = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert drill.returncode == 0, drill.stdout + drill.stderr
    assert drill.stdout.startswith("6 kills")


@pytest.mark.django_db(transaction=True)
def test_the_work_can_be_lost_while_the_file_is_looked_into(known):
    """A file that does not say how long it is goes by as a whole."""
    recording = known(media.media("webm", [media.Sound(0, 20)], duration_known=False))
    job = Ingest.objects.get(recording=recording)
    Ingest.objects.update(lease_token=uuid.uuid4())
    held = Claim(job, recording)
    held.LEASE = timedelta(0)
    storages["recordings"].save(name_of(recording), ContentFile(recording.served.content))
    with pytest.raises(LeaseLost):
        held.probe(name_of(recording))
