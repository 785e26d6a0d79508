"""Recordings that nobody told of, found by the platform's list or by looking through its bucket."""

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.utils import timezone

from meetings.models import Meeting
from platforms.handler import create_platform_client
from recordings import tasks
from recordings.intake import discovery
from recordings.intake.register import register_recording
from recordings.models import Ingest, Recording, Track
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.provider_bucket import (
    BUCKET,
    DailyRecordings,
    ProviderBucket,
    daily_platform,
    held,
    key_of,
    platforms,
    recording,
    room_name_of,
)
from tests.support.provider_bucket import (
    discovery as listing_of,
)
from tests.support.stub_provider import Answer, StubProvider

NOW = datetime.now(UTC).replace(microsecond=0)
HOUR = timedelta(hours=1)
PAYLOADS = Path(__file__).parent.parent.parent / "payloads" / "whereby" / "answers"

pytestmark = pytest.mark.django_db


@pytest.fixture
def stub():
    with StubProvider() as stub:
        yield stub


@pytest.fixture
def listed(stub, settings):
    """The one provider that lists its recordings."""
    settings.VIDEO_PLATFORMS = daily_platform(stub.url)
    return DailyRecordings(stub)


@pytest.fixture
def whereby():
    """The other one's list, of what it keeps itself."""
    with listing_of() as stub:
        yield stub


@pytest.fixture
def bucket(aws, settings, whereby):  # noqa: F811
    """The other one leaves them in a bucket where one is configured."""
    settings.VIDEO_PLATFORMS = platforms(api_url=whereby.url)
    return ProviderBucket(aws)


def writes_of(queries):
    return [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]


# A day without webhooks


def test_every_recording_of_a_day_without_webhooks_is_found_slowly_enough(listed, settings):
    settings.WAIT_DIVISOR = 1  # as in production
    listed.items = [recording(n, NOW) for n in range(250)]
    for n in range(250):
        held(f"standup-{n}", "daily", start_date=NOW - timedelta(minutes=n))
    tasks.find_recordings()
    assert Recording.objects.filter(meeting__isnull=False, state=Recording.State.REPORTED).count() == 250
    assert Ingest.objects.count() == 250
    assert len(listed.asked_at) == 3
    assert sum(listed.gaps) >= 1  # two pauses; how they arrive on a busy machine is not ours


def test_every_file_of_the_bucket_is_found(bucket):
    for n in range(5):
        held(room_name_of(n), start_date=NOW)
        bucket.put(key_of(room_name_of(n), NOW - HOUR))
    bucket.put(key_of(room_name_of(5), NOW - HOUR, ending="md"))
    bucket.put(key_of(room_name_of(6), NOW - HOUR, folder="elsewhere"))
    tasks.find_recordings()
    assert Recording.objects.count() == Ingest.objects.count() == 5
    found = Recording.objects.get(room_name=room_name_of(3))
    assert (found.bucket, found.key, found.recorded_at) == (BUCKET, key_of(room_name_of(3), NOW - HOUR), NOW - HOUR)


def test_the_bucket_is_read_past_its_first_page(bucket, settings):
    settings.BUCKET_PAGE_SIZE = 5
    for n in range(13):
        bucket.put(key_of(room_name_of(n), NOW - HOUR))
    tasks.find_recordings()
    assert Recording.objects.count() == 13


# Again and again


def test_looking_again_writes_nothing(listed, django_assert_num_queries, caplog):
    listed.items = [recording(n, NOW) for n in range(3)]
    tasks.find_recordings()
    with django_assert_num_queries(4) as queries:
        tasks.find_recordings()
    assert writes_of(queries) == []
    assert Recording.objects.count() == 3


def test_looking_ends_at_the_first_recording_that_is_too_old(listed):
    listed.items = [recording(n, NOW) for n in range(150)]
    for item in listed.items[50:]:
        item["start_ts"] -= int(timedelta(days=3).total_seconds())
    tasks.find_recordings()
    assert Recording.objects.count() == 50
    assert len(listed.asked_at) == 1


def test_what_the_list_knows_better_is_learnt(listed):
    item = recording(0, NOW, duration=None)
    listed.items = [item]
    tasks.find_recordings()
    assert Recording.objects.get().duration is None
    item["duration"] = 50
    tasks.find_recordings()
    assert Recording.objects.get().duration == 50
    item["tracks"] = [{"type": "audio", "s3Key": f"{item['s3key']}-a", "size": 7}]
    tasks.find_recordings()
    assert Track.objects.get().recording == Recording.objects.get()


def test_a_recording_that_was_deleted_stays_deleted(listed, bucket, settings, stub, whereby):
    settings.VIDEO_PLATFORMS = platforms(api_url=whereby.url, **daily_platform(stub.url))
    listed.items = [recording(0, NOW, duration=5)]
    bucket.put(key_of(room_name_of(), NOW - HOUR))
    tasks.find_recordings()
    Recording.objects.update(state=Recording.State.DELETED, deleted_at=NOW, duration=None)
    tasks.find_recordings()
    assert set(Recording.objects.values_list("state", flat=True)) == {"deleted"}
    assert Recording.objects.count() == 2


# When something fails


def test_a_provider_that_fails_keeps_no_other_from_being_looked_at(listed, bucket, settings, stub, whereby, caplog):
    settings.VIDEO_PLATFORMS = {**daily_platform(stub.url), **platforms(api_url=whereby.url)}
    settings.PROVIDER_TOTAL_TIMEOUT = 1
    stub.on("GET", "/recordings", Answer(503))
    bucket.put(key_of(room_name_of(), NOW - HOUR))
    tasks.find_recordings()
    assert Recording.objects.get().platform == "whereby"
    assert "listing_failed platform=daily" in caplog.text


def test_a_bucket_that_is_gone_is_logged_by_its_error_alone(bucket, settings, whereby, caplog):
    settings.VIDEO_PLATFORMS = platforms(s3_bucket="no-such-bucket", api_url=whereby.url)
    tasks.find_recordings()
    assert "listing_failed platform=whereby error=NoSuchBucket" in caplog.text


def test_what_was_found_before_a_failure_is_kept(listed, stub):
    listed.items = [recording(n, NOW) for n in range(150)]
    stub.on("GET", "/recordings", listed.list, Answer(403, {"error": "forbidden-error"}))
    tasks.find_recordings()
    assert Recording.objects.count() == 100


def test_one_recording_that_cannot_be_written_stops_no_other(listed, caplog):
    listed.items = [recording(0, NOW), recording(1, NOW), recording(2, NOW)]
    found = discovery.Summary()
    refs = list(discovery.recordings_of(create_platform_client("daily"), discovery.Filter()))
    refs[1] = replace(refs[1], recording_id="", key="")  # names nothing
    discovery.register_all(refs, found)
    assert (found.new, found.failed) == (2, 1)
    assert Recording.objects.count() == 2


def test_a_platform_that_is_not_configured_is_not_asked(listed, settings, stub):
    settings.VIDEO_PLATFORMS["daily"]["OPTIONS"]["api_key"] = ""
    settings.VIDEO_PLATFORMS = dict(settings.VIDEO_PLATFORMS)
    tasks.find_recordings()
    assert stub.requests == []


def test_what_was_found_is_logged(listed, caplog):
    listed.items = [recording(0, NOW)]
    with caplog.at_level(logging.INFO):
        tasks.find_recordings()
    assert "recordings_found platform=daily new=1 known=0 failed=0" in caplog.text


# Unmatched ones


def test_an_unmatched_recording_is_fetched_once_its_meeting_is_known(listed):
    listed.items = [recording(0, NOW)]
    tasks.find_recordings()
    found = Recording.objects.get()
    assert (found.state, Ingest.objects.count()) == (Recording.State.UNMATCHED, 0)
    meeting = held("standup-0", "daily", start_date=NOW)
    tasks.find_recordings()
    found.refresh_from_db()
    assert (found.state, found.meeting) == (Recording.State.REPORTED, meeting)
    assert Ingest.objects.get().recording == found


@pytest.mark.parametrize("apart", [timedelta(hours=169), -timedelta(hours=169)])
def test_a_meeting_too_far_away_in_time_is_not_its_own(listed, apart):
    listed.items = [recording(0, NOW)]
    held("standup-0", "daily", start_date=NOW + apart)
    tasks.find_recordings()
    assert discovery.match_unmatched() == 0
    assert Recording.objects.get().state == Recording.State.UNMATCHED


def test_recordings_of_rooms_that_are_not_ours_cost_one_query(listed, django_assert_num_queries):
    listed.items = [recording(n, NOW) for n in range(5)]
    tasks.find_recordings()
    held("elsewhere", "daily", start_date=NOW)
    with django_assert_num_queries(1):
        assert discovery.match_unmatched() == 0


# The seeds' way


def test_a_recording_is_taken_in_by_its_address():
    meeting = held("standup-0", "daily", start_date=timezone.now())
    for meeting_id in (str(meeting.pk), meeting.provider_meeting_id):
        tasks.process_recording_from_url("https://example.com/1.mp4?signature=x", meeting_id, "rec-1")
    found = Recording.objects.get()
    assert (found.meeting, found.provider_recording_id, found.kind) == (meeting, "rec-1", "file")
    assert found.source_url == "https://example.com/1.mp4?signature=x"
    assert Ingest.objects.get().recording == found


def test_a_recording_by_address_and_by_list_is_one(listed):
    meeting = held("standup-0", "daily", start_date=NOW)
    tasks.process_recording_from_url("https://example.com/1.mp4", str(meeting.pk), recording(0)["id"])
    listed.items = [recording(0, NOW)]
    tasks.find_recordings()
    found = Recording.objects.get()
    assert (found.duration, found.source_url) == (50, "https://example.com/1.mp4")


@pytest.mark.parametrize("meeting_id", ["", "unknown", "3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11"])
def test_a_recording_of_no_meeting_is_refused_by_address(meeting_id):
    held("standup-0", "daily", start_date=NOW, provider_meeting_id="")
    with pytest.raises(Meeting.DoesNotExist):
        tasks.process_recording_from_url("https://example.com/1.mp4", meeting_id, "rec-1")


def test_a_recording_reported_before_is_not_reported_anew(bucket):
    key = key_of(room_name_of(), NOW - HOUR)
    ref = create_platform_client("whereby").recording_at(key)
    assert ref
    register_recording(ref)
    bucket.put(key)
    found = discovery.Summary()
    discovery.register_all(discovery.recordings_of(create_platform_client("whereby"), discovery.Filter()), found)
    assert (found.new, found.known) == (0, 1)


# What the other one keeps itself


def kept(room_name, began, recording_id="c0a7d1e5"):
    """As the captured answer has it."""
    item = json.loads((PAYLOADS / "recordings.json").read_bytes())["results"][0]
    name = key_of(room_name, began).rpartition("/")[2]
    ended_at = f"{began + HOUR:%Y-%m-%dT%H:%M:%S.000Z}"
    began_at = f"{began:%Y-%m-%dT%H:%M:%S.000Z}"
    return item | {"recordingId": recording_id, "filename": name, "startDate": began_at, "endDate": ended_at}


def test_what_is_kept_by_the_provider_is_found_when_its_webhook_was_lost(settings, whereby):
    settings.VIDEO_PLATFORMS = platforms(s3_bucket="", api_url=whereby.url)
    meeting = held(room_name_of(), start_date=NOW - HOUR)
    items = [kept(room_name_of(), NOW - HOUR), kept(room_name_of(1), NOW - timedelta(days=30), "old")]
    whereby.on("GET", "/recordings", Answer(200, {"results": items, "cursor": None}))
    for _ in range(2):
        tasks.find_recordings()
    found = Recording.objects.get()
    assert (found.meeting, found.provider_recording_id, found.bucket) == (meeting, "c0a7d1e5", "")
    assert (found.recorded_at, found.duration) == (NOW - HOUR, 3600)
    assert Ingest.objects.get().recording == found
    assert whereby.requests[0].query == {"sortBy": ["startDate:desc"], "limit": ["100"]}
    assert len(whereby.requests) == 2


def test_what_is_in_the_bucket_and_in_the_list_is_one_recording(bucket, whereby):
    key = key_of(room_name_of(), NOW - HOUR)
    bucket.put(key)
    whereby.on("GET", "/recordings", Answer(200, {"results": [kept(room_name_of(), NOW - HOUR)], "cursor": None}))
    tasks.find_recordings()
    found = Recording.objects.get()
    assert (found.key, found.provider_recording_id) == (key, "c0a7d1e5")


def test_a_bucket_that_cannot_be_read_keeps_nothing_in_the_list_from_being_found(bucket, settings, whereby):
    settings.VIDEO_PLATFORMS = platforms(s3_bucket="no-such-bucket", api_url=whereby.url)
    whereby.on("GET", "/recordings", Answer(200, {"results": [kept(room_name_of(), NOW - HOUR)], "cursor": None}))
    tasks.find_recordings()
    assert Recording.objects.get().provider_recording_id == "c0a7d1e5"
