"""A recording that came to nothing starts over by itself when another content, or a file at all, is told of."""

from datetime import timedelta

import pytest
from django.utils import timezone

from platforms.events import Track as ReportedTrack
from platforms.types import RecordingRef
from recordings import tasks
from recordings.fetching.claim import Claim
from recordings.intake import sqs
from recordings.intake.news import RESTARTS
from recordings.intake.register import register_recording
from recordings.models import Ingest, Recording
from recordings.privacy import deletion
from tests.support import media
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.provider_bucket import (
    BUCKET,
    FOLDER,
    DailyRecordings,
    ProviderBucket,
    daily_platform,
    discovery,
    held,
    key_of,
    platforms,
    recording,
    room_name_of,
)
from tests.support.stub_provider import Answer, StubProvider

State = Recording.State
NOW = timezone.now().replace(microsecond=0)
ROOM = room_name_of()
KEY = key_of(ROOM, NOW)
WHOLE = media.with_audio()

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("recordings_folder")]


@pytest.fixture
def bucket(aws, settings):  # noqa: F811
    """It tells the queue of what is put into it."""
    bucket = ProviderBucket(aws)
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    bucket.tell_queue()
    held(ROOM, start_date=NOW)
    with discovery() as whereby:
        settings.VIDEO_PLATFORMS = platforms(api_url=whereby.url)
        yield bucket


def by_message():
    sqs.drain(sqs.Queue(), wait=0)


LEARN = pytest.mark.parametrize("learn", [by_message, tasks.find_recordings], ids=["message", "look"])


def fetch():
    """What is due is done; the one recording as it is then."""
    for job in Ingest.objects.filter(next_attempt_at__lte=timezone.now()):
        Ingest.run(job.pk)
    return Recording.objects.get()


@LEARN
@pytest.mark.parametrize(
    ("first", "state"),
    [(WHOLE[:3000], State.FAILED), (b"no media", State.FAILED), (media.video_only(), State.NO_AUDIO)],
    ids=["begun", "something else", "silent"],
)
def test_a_whole_file_after_a_broken_one_is_fetched(bucket, learn, first, state):
    bucket.put(KEY, first)
    learn()
    assert fetch().state == state
    bucket.put(KEY, WHOLE)
    learn()
    found = fetch()
    assert (found.state, found.size, found.error) == (State.STORED, len(WHOLE), "")


@LEARN
def test_an_empty_file_is_no_recording_yet(bucket, learn):
    bucket.put(KEY, b"")
    learn()
    assert not Recording.objects.exists()
    bucket.put(KEY, WHOLE)
    learn()
    assert fetch().state == State.STORED


@LEARN
def test_what_is_told_again_of_the_same_file_changes_nothing(bucket, learn):
    bucket.put(KEY, b"no media")
    learn()
    assert fetch().state == State.FAILED
    bucket.put(KEY, b"no media")
    learn()
    tasks.find_recordings()
    assert fetch().restarts == 0


def test_what_is_stored_stays_as_it_is(bucket):
    bucket.put(KEY, WHOLE)
    by_message()
    stored = fetch()
    bucket.put(KEY, media.with_audio(seconds=1))
    by_message()
    assert (fetch().state, fetch().sha256) == (State.STORED, stored.sha256)


def test_somebody_who_replaces_a_file_for_ever_does_not_keep_us_busy_for_ever(bucket):
    for number in range(RESTARTS + 3):
        bucket.put(KEY, b"no media %d" % number)
        by_message()
        fetch()
    assert (fetch().state, fetch().restarts) == (State.FAILED, RESTARTS)


@pytest.mark.parametrize("going", ["trash", "deleted"])
def test_what_is_in_the_trash_or_to_be_deleted_rests(bucket, going):
    bucket.put(KEY, b"no media")
    by_message()
    found = fetch()
    if going == "trash":
        Recording.objects.update(deleted_at=timezone.now())
    else:
        deletion.delete_everywhere(found)
    bucket.put(KEY, WHOLE)
    by_message()
    assert fetch().state == State.FAILED


def test_a_file_that_is_replaced_while_it_is_fetched_is_not_called_useless(bucket, monkeypatch):
    bucket.put(KEY, media.video_only())
    by_message()
    job = Ingest.objects.get()
    Recording.objects.update(reported_version="")  # the fetch began before anything was told of a version
    look = Claim.probe

    def look_while_it_is_replaced(self, name):
        monkeypatch.setattr(Claim, "probe", look)
        bucket.put(KEY, WHOLE)
        by_message()
        return look(self, name)

    monkeypatch.setattr(Claim, "probe", look_while_it_is_replaced)
    with pytest.raises(Exception, match="replaced while it was fetched"):
        Ingest.run(job.pk)
    Ingest.objects.update(next_attempt_at=timezone.now())
    assert fetch().state == State.STORED


# A provider that tells of a file before it can be had


@pytest.fixture
def provider(settings):
    with StubProvider() as stub:
        settings.VIDEO_PLATFORMS = daily_platform(stub.url)
        settings.OUTBOUND_ALLOWED_HOSTS = [stub.url.removeprefix("http://")]
        held("standup-0", "daily", start_date=NOW)
        yield stub


@pytest.mark.parametrize("missing", ["link", "object"])
def test_a_file_that_is_not_there_at_first_is_fetched_once_it_is(provider, missing):
    listed = DailyRecordings(provider)
    listed.items = [recording(0, NOW)]
    link = Answer(200, {"download_link": f"{provider.url}/files/1"})
    provider.on("GET", "/recordings/*", Answer(404, {"error": "not-found"}) if missing == "link" else link)
    provider.on("GET", "/files/1", Answer(404))
    tasks.find_recordings()
    assert fetch().state == State.FAILED
    provider.on("GET", "/recordings/*", link)
    provider.on("GET", "/files/1", Answer(200, body=WHOLE, headers={"ETag": '"1"'}))
    tasks.find_recordings()
    assert fetch().state == State.STORED


def test_a_file_that_stays_away_is_looked_for_ever_more_seldom_and_then_no_more(provider):
    provider.on("GET", "/recordings/*", Answer(404, {"error": "not-found"}))
    ref = RecordingRef("daily", "rec-1", "standup-0", kind="file", started_at=NOW)
    register_recording(ref)
    for restarts in range(RESTARTS):
        assert fetch().restarts == restarts
        pause = timedelta(minutes=5) * (2**restarts - 1)
        Ingest.objects.update(finished_at=timezone.now() - pause + timedelta(minutes=1))
        assert register_recording(ref).state == State.FAILED
        Ingest.objects.update(finished_at=timezone.now() - pause)
        assert register_recording(ref).state == State.REPORTED
    assert fetch().state == State.FAILED
    Ingest.objects.update(finished_at=timezone.now() - timedelta(days=30))
    assert register_recording(ref).state == State.FAILED


def test_tracks_without_a_key_of_the_recording_are_read_from_the_configured_bucket(aws, settings):  # noqa: F811
    settings.VIDEO_PLATFORMS = daily_platform("http://127.0.0.1:1")
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"] |= {"s3_bucket": BUCKET, "aws_role_arn": "arn:aws:iam::1:role/d"}
    aws.bucket(BUCKET)
    voice = media.track(*media.speech(0, 4))
    aws.client("s3").put_object(Bucket=BUCKET, Key=f"{FOLDER}/ada", Body=voice)
    held("standup-0", "daily", start_date=NOW)
    tracks = [ReportedTrack("cam-audio", f"{FOLDER}/ada", len(voice), "ada", 0.0)]
    register_recording(RecordingRef("daily", "rec-1", "standup-0", kind="tracks", started_at=NOW, tracks=tracks))
    found = fetch()
    assert (found.state, found.error) == (State.STORED, "")
