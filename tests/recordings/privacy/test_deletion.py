"""Deleting a recording in every place, over the providers' real protocols, and saying so only when all is gone."""

import threading
from concurrent.futures import ThreadPoolExecutor
from unittest.mock import ANY

import pytest
from botocore.exceptions import ClientError
from django.contrib.auth.models import AnonymousUser
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection, connections
from django.utils import timezone

from platforms.base import VideoPlatformClient
from platforms.exceptions import PlatformUnavailable
from platforms.handler import register_platform, unregister_platform
from platforms.health import notices, watchdog
from platforms.types import RecordingRef
from recordings.intake.register import register_recording
from recordings.models import Erasure, Recording, Submission, Transcript
from recordings.models.transitions import transition
from recordings.privacy import consent, deletion
from tests.conftest import api_for
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.provider_bucket import daily_platform, platforms
from tests.support.stub_provider import Answer, StubProvider
from tests.support.transcripts import make_meeting, make_transcript

pytestmark = pytest.mark.usefixtures("recordings_folder")

BUCKET = "of-the-provider"
REMOVE = "/recordings/rec-1"


@pytest.fixture
def provider():
    with StubProvider() as stub:
        stub.on("DELETE", "/recordings/*", Answer(200, {"deleted": True}))
        yield stub


@pytest.fixture
def daily(settings, provider):
    platforms = daily_platform(provider.url)
    platforms["daily"]["OPTIONS"] |= {"s3_bucket": BUCKET, "aws_role_arn": "arn:aws:iam::1:role/d"}
    settings.VIDEO_PLATFORMS = platforms


@pytest.fixture
def bucket(aws, daily):  # noqa: F811
    s3 = aws.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    return s3


def keep(name, content=b"x"):
    return storages["recordings"].save(name, ContentFile(content))


def recorded(**fields):
    values = {"platform": "daily", "state": Recording.State.DONE, "provider_recording_id": "rec-1", "file": keep("a/b")}
    return Recording.objects.create(**values | fields)


def work_off():
    for job in Erasure.objects.exclude(state="done"):
        Erasure.objects.filter(pk=job.pk).update(next_attempt_at=timezone.now())
        try:
            Erasure.run(job.pk)
        except (ClientError, OSError, PlatformUnavailable) as error:
            yield error


def attempt_all():
    return list(work_off())


def objects(s3):
    return sorted(item["Key"] for item in s3.list_objects_v2(Bucket=BUCKET).get("Contents", ()))


@pytest.mark.django_db
class TestPlaces:
    def test_every_place_is_emptied_and_only_then_it_is_called_deleted(self, bucket, provider, owner):
        bucket.put_object(Bucket=BUCKET, Key="cloud/1.mp4", Body=b"film")
        bucket.put_object(Bucket=BUCKET, Key="cloud/1.mp4.other", Body=b"somebody else's")
        recording = recorded(bucket=BUCKET, key="cloud/1.mp4", source_url="https://signed.example.com/x")
        transcript = make_transcript(owner, recording=recording)
        Transcript.objects.update(audio_file=keep("a/audio.mp3"))
        deletion.delete_everywhere(recording)
        for location in Erasure.objects.order_by("location"):
            recording.refresh_from_db()
            transcript.refresh_from_db()
            assert (recording.state, transcript.audio_deleted) == ("done", False)
            Erasure.run(location.pk)
        recording.refresh_from_db()
        transcript.refresh_from_db()
        assert (recording.state, recording.file, recording.source_url) == ("deleted", "", "")
        assert recording.deleted_at is not None
        assert (transcript.audio_deleted, transcript.audio_file) == (True, "")
        assert transcript.segments.exists()
        assert objects(bucket) == ["cloud/1.mp4.other"]
        assert not storages["recordings"].exists("a/b")
        assert not storages["recordings"].exists("a/audio.mp3")
        assert [request.path for request in provider.sent("DELETE")] == [REMOVE]

    def test_tracks_go_from_storage_and_bucket(self, bucket):
        recording = recorded(kind="tracks", file="", bucket=BUCKET, key="prefix")
        for number in range(3):
            bucket.put_object(Bucket=BUCKET, Key=f"prefix-{number}", Body=b"x")
            recording.tracks.create(
                medium="cam-audio", key=f"prefix-{number}", file=keep(f"t/{number}"), state="stored"
            )
        deletion.delete_everywhere(recording)
        assert attempt_all() == []
        recording.refresh_from_db()
        assert recording.state == "deleted"
        assert {(track.state, track.file) for track in recording.tracks.all()} == {("deleted", "")}
        assert objects(bucket) == []
        assert not any(storages["recordings"].exists(f"t/{number}") for number in range(3))

    def test_a_bucket_that_keeps_versions_keeps_none_of_it(self, bucket):
        bucket.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})
        for content in (b"first", b"second"):
            bucket.put_object(Bucket=BUCKET, Key="1.mp4", Body=content)
        bucket.put_object(Bucket=BUCKET, Key="1.mp4-other", Body=b"x")
        deletion.delete_everywhere(recorded(bucket=BUCKET, key="1.mp4"))
        assert attempt_all() == []
        left = bucket.list_object_versions(Bucket=BUCKET)
        assert [version["Key"] for version in left["Versions"]] == ["1.mp4-other"]
        assert left.get("DeleteMarkers", []) == []

    def test_what_only_the_provider_can_name_is_asked_for_before_it_forgets(self, bucket, provider):
        bucket.put_object(Bucket=BUCKET, Key="acme/standup/1", Body=b"x")
        known = {
            "id": "rec-1",
            "room_name": "standup",
            "start_ts": 1_767_323_052,
            "status": "finished",
            "duration": 10,
            "s3key": "acme/standup/1",
            "tracks": None,
        }
        provider.on("GET", REMOVE, Answer(200, known))
        deletion.delete_everywhere(recorded())
        assert attempt_all() == []
        assert objects(bucket) == []
        assert provider.sent("DELETE")
        assert Recording.objects.get().state == "deleted"

    @pytest.mark.parametrize("key", ["", "cloud/1.mp4"])
    def test_a_provider_that_forgets_what_is_in_our_bucket_is_asked_for_the_rest_only(self, settings, provider, key):
        settings.VIDEO_PLATFORMS = platforms()
        settings.VIDEO_PLATFORMS["whereby"]["OPTIONS"]["api_url"] = provider.url
        recording = recorded(platform="whereby", bucket=BUCKET if key else "", key=key)
        deletion.delete_everywhere(recording)
        places = {"storage", "bucket"} if key else {"storage", "provider"}
        assert set(Erasure.objects.values_list("location", flat=True)) == places
        if not key:
            assert attempt_all() == []
            assert len(provider.sent("DELETE", "/recordings/rec-1")) == 1

    def test_the_players_audio_of_a_failed_hand_off_goes_as_well(self, daily, provider):
        recording = recorded(state=Recording.State.FAILED, provider_recording_id="")
        Submission.objects.create(recording=recording, checkpoint={"mp3": keep("a/audio.mp3")})
        deletion.delete_everywhere(recording)
        assert attempt_all() == []
        assert not storages["recordings"].exists("a/audio.mp3")


class Keeper(VideoPlatformClient):
    """A platform of these tests that keeps recordings and cannot be asked to delete any."""

    label = "Keeper"


@pytest.fixture
def keeper():
    register_platform("keeper", Keeper)
    yield
    unregister_platform("keeper")


@pytest.mark.django_db
class TestFailure:
    def test_what_a_provider_cannot_delete_is_not_called_deleted(self, keeper, owner, client):
        meeting = make_meeting(owner)
        recording = recorded(platform="keeper", meeting=meeting)
        transcript = make_transcript(owner, recording=recording)
        consent.answer(meeting, AnonymousUser(), given=False)
        assert attempt_all() == []
        assert not storages["recordings"].exists("a/b")
        told = api_for(owner).get(f"/v1/recordings/{recording.pk}").json()
        assert (told["state"], told["error"]) == (
            "done",
            "A copy may be left: the provider. Keeper takes no request to delete a recording: it stays there until it "
            "is deleted there by hand, or by itself.",
        )
        assert api_for(owner).get(f"/v1/transcripts/{transcript.pk}").json()["audio_deleted"] is False
        assert list(Erasure.objects.order_by("location").values_list("location", "state", "gone_at")) == [
            ("provider", "done", None),  # nobody can do more, so that nothing waits for staff
            ("storage", "done", ANY),
        ]
        client.force_login(owner)
        page = client.get(f"/transcripts/{transcript.pk}").content.decode()
        assert "The audio could not be deleted everywhere" in page
        assert "Keeper takes no request to delete" in page
        assert "The audio could not be deleted everywhere" in client.get("/").content.decode()
        client.logout()
        Transcript.objects.update(share_mode="public")
        for_strangers = client.get(f"/transcripts/{transcript.pk}").content.decode()
        assert "could not be deleted everywhere" in for_strangers
        assert "Keeper" not in for_strangers

    def test_pictures_that_a_provider_keeps_are_no_failure_that_staff_are_told_of(self, keeper, owner):
        recording = recorded(platform="keeper", has_video=True)
        make_transcript(owner, recording=recording)
        Transcript.objects.update(audio_file=keep("a/audio.mp3"))
        deletion.delete_video(recording)
        assert [*attempt_all(), *attempt_all()] == []  # the second when there is audio without them
        assert Erasure.objects.get(location="provider").is_kept
        watchdog.watch()
        assert "erasure" not in " ".join(notices.shown().values_list("text", flat=True))
        recording.refresh_from_db()
        assert (recording.state, recording.error[:32]) == ("done", "A copy may be left: the provider")

    def test_while_the_provider_does_not_answer_nothing_is_called_deleted(self, daily, provider, owner):
        provider.on("DELETE", REMOVE, Answer(500), Answer(500), Answer(500), Answer(500), Answer(200, {}))
        recording = recorded()
        transcript = make_transcript(owner, recording=recording)
        deletion.delete_everywhere(recording)
        for _ in range(10):
            errors = attempt_all()
            recording.refresh_from_db()
            transcript.refresh_from_db()
            assert transcript.audio_deleted is (recording.state == "deleted") is (not errors)
            if not errors:
                break
            assert "Daily" in Erasure.objects.get(location="provider").last_error
        assert transcript.audio_deleted

    def test_a_bucket_that_refuses_is_asked_again(self, bucket, provider, settings, monkeypatch):
        recording = recorded(bucket=BUCKET, key="1.mp4")
        deletion.delete_everywhere(recording)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        with pytest.raises(Exception, match=r"127\.0\.0\.1:1"):
            Erasure.run(Erasure.objects.get(location="bucket").pk)
        monkeypatch.undo()
        assert Erasure.objects.get(location="bucket").state == "waiting"
        assert Recording.objects.get().state == "done"

    def test_a_platform_that_is_configured_no_more_keeps_it_from_being_called_deleted(self, settings):
        settings.VIDEO_PLATFORMS = {"mock": settings.VIDEO_PLATFORMS["mock"]}
        deletion.delete_everywhere(recorded())
        assert attempt_all() == []
        location = Erasure.objects.get(location="provider")
        assert (location.state, Recording.objects.get().state) == ("failed", "done")
        assert "VIDEO_PLATFORMS" in location.last_error

    def test_what_a_late_worker_stored_meanwhile_goes_as_well(self, daily, provider):
        recording = recorded(file="", state=Recording.State.FETCHING)
        deletion.delete_everywhere(recording)
        Erasure.run(Erasure.objects.get(location="storage").pk)
        assert transition(recording, Recording.State.STORED, file=keep("late"))
        Erasure.run(Erasure.objects.get(location="provider").pk)
        assert Recording.objects.get().state == "stored"
        assert attempt_all() == []
        assert (Recording.objects.get().state, Recording.objects.get().file) == ("deleted", "")
        assert not storages["recordings"].exists("late")

    def test_a_worker_that_comes_after_all_can_store_nothing(self, daily, provider):
        recording = recorded(file="", state=Recording.State.FETCHING)
        deletion.delete_everywhere(recording)
        assert attempt_all() == []
        assert not transition(recording, Recording.State.STORED, file="late")


@pytest.mark.django_db
def test_what_is_deleted_stays_so_when_it_is_found_again(daily, provider, owner, room):
    make_meeting(owner, room, platform="daily", room_name="standup", provider_meeting_id="m-1")
    deletion.delete_everywhere(recorded())
    assert attempt_all() == []
    ref = RecordingRef(platform="daily", recording_id="rec-1", room_name="standup", meeting_id="m-1", kind="file")
    assert register_recording(ref).state == "deleted"
    assert Recording.objects.count() == 1


@pytest.mark.django_db
def test_asking_again_looks_again(daily, provider):
    recording = recorded(provider_recording_id="")
    deletion.delete_everywhere(recording)
    Erasure.objects.update(state="failed", attempts=800, last_error="x")
    deletion.delete_everywhere(recording)
    location = Erasure.objects.get()
    assert (location.state, location.attempts, location.last_error) == ("waiting", 0, "")


@pytest.mark.django_db(transaction=True)
def test_of_places_that_end_at_the_same_moment_the_last_one_says_so(daily, provider):
    for number in range(5):
        recording = recorded(provider_recording_id=f"rec-{number}", file=keep(f"at-once/{number}"))
        deletion.delete_everywhere(recording)
        places, together = list(Erasure.objects.filter(recording=recording)), threading.Barrier(2)

        def run(location, together=together):
            together.wait()
            try:
                return Erasure.run(location.pk)
            finally:
                connections["default"].close()

        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(run, places))
        assert Recording.objects.get(pk=recording.pk).state == "deleted"
    assert connection.is_usable()
