"""Fetching into a bucket, and from one."""

from concurrent.futures import wait
from hashlib import sha256
from types import SimpleNamespace

import pytest
from botocore.awsrequest import AWSResponse
from django.core.files.storage import storages

from platforms.exceptions import PlatformNotConfigured, PlatformUnavailable
from platforms.types import RecordingStore
from platforms.work.heartbeat import Heartbeat
from platforms.work.models import LeaseLost
from recordings.fetching.download import FetchFailed, ObjectSource, examine, fetch, forget
from recordings.fetching.download.base import Version
from recordings.fetching.download.buckets import PART_BYTES, S3Destination
from tests.drills import faulty_server
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.fetching import NAME, Hold, fetched, is_file, part_then, server, stored  # noqa: F401

LARGE = bytes(range(256)) * (10 * PART_BYTES // 4 // 256)  # two and a half parts
BUCKET = "our-recordings"


@pytest.fixture
def bucket(aws, settings):  # noqa: F811
    options = {"bucket_name": aws.bucket(BUCKET), "endpoint_url": aws.url, "signature_version": "s3v4"}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}
    return aws.client("s3")


def keys(client):
    return [item["Key"] for item in client.list_objects_v2(Bucket=BUCKET).get("Contents", [])]


def uploads(client):
    return client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", [])


# Into a bucket


@pytest.mark.parametrize(
    "content", [b"", b"small" * 1000, LARGE[:PART_BYTES], LARGE], ids=["empty", "small", "part", "large"]
)
def test_a_file_becomes_one_object(bucket, server, content):  # noqa: F811
    assert is_file(fetched(server, server.host(content)), content)
    assert keys(bucket) == [NAME]
    assert uploads(bucket) == []


def test_the_object_has_the_type_that_the_source_said(bucket, server):  # noqa: F811
    file = server.host(LARGE, lambda x: x.serve(Content_Type="video/mp4"))
    assert fetched(server, file).content_type == "video/mp4"
    assert bucket.head_object(Bucket=BUCKET, Key=NAME)["ContentType"] == "video/mp4"


@pytest.mark.parametrize("fault", [faulty_server.reset, faulty_server.close, faulty_server.stall])
def test_after_a_cut_the_upload_goes_on(bucket, server, fault):  # noqa: F811
    file = server.host(LARGE, fault)
    assert is_file(fetched(server, file), LARGE)
    assert file.sent < 1.3 * len(LARGE)


@pytest.mark.parametrize("fault", [faulty_server.replace, faulty_server.announce_less])
def test_an_upload_that_was_begun_is_ended_when_the_file_is_another_or_wrong(bucket, server, fault):  # noqa: F811
    file = server.host(LARGE, fault)
    try:
        fetched(server, file)
        assert stored() == file.content
    except FetchFailed:
        assert keys(bucket) == []
    assert uploads(bucket) == []


def test_a_short_wait_is_waited_for_as_the_next_attempt_would_begin_anew(bucket, server):  # noqa: F811
    def busy_once(x):
        if x.number == 2:
            x.say(503, Retry_After="4", Content_Length="0")
        else:
            x.serve()

    file = server.host(LARGE, part_then(0.5, busy_once))
    assert is_file(fetched(server, file), LARGE)
    assert file.sent < 1.1 * len(LARGE)


def ask_for_an_hour(x):
    x.say(503, Retry_After="3600", Content_Length="0")


def test_a_failed_attempt_leaves_nothing(bucket, server):  # noqa: F811
    file = server.host(LARGE, part_then(0.8, ask_for_an_hour))
    with pytest.raises(PlatformUnavailable):
        fetched(server, file)
    assert (keys(bucket), uploads(bucket)) == ([], [])


def test_a_worker_that_has_lost_its_work_leaves_nothing(bucket, server):  # noqa: F811
    with pytest.raises(LeaseLost):
        fetched(server, server.host(LARGE, rate=20_000_000), Hold(renewals=1, seconds=1))
    assert (keys(bucket), uploads(bucket)) == ([], [])


def destination():
    return S3Destination(storages["recordings"], NAME, Heartbeat(Hold()))


def no_such_upload(request, **kwargs):
    """As S3 answers; moto fails instead."""
    body = SimpleNamespace(stream=lambda: iter([b"<Error><Code>NoSuchUpload</Code></Error>"]))
    return AWSResponse(request.url, 404, {}, body)


def test_an_upload_that_a_killed_worker_began_is_ended_by_the_next(bucket, server):  # noqa: F811
    killed = destination()
    killed.prepare()
    killed.restart(Version('"1"', 2 * PART_BYTES))
    killed.write(LARGE[: 2 * PART_BYTES])
    wait(killed._parts)
    assert len(uploads(bucket)) == 1
    assert is_file(fetched(server, server.host(LARGE)), LARGE)
    assert uploads(bucket) == []
    killed._client.meta.events.register("before-send.s3.CompleteMultipartUpload", no_such_upload)
    with pytest.raises(LeaseLost):  # should it only have slept
        killed.finish()
    assert stored() == LARGE
    killed.discard()


def test_uploads_of_other_files_are_left_alone(bucket, server):  # noqa: F811
    begun = bucket.create_multipart_upload(Bucket=BUCKET, Key=f"{NAME}-2")["UploadId"]
    fetched(server, server.host(LARGE))
    forget(NAME)
    assert [upload["UploadId"] for upload in uploads(bucket)] == [begun]


def test_an_object_that_is_there_is_not_fetched_again(bucket, server):  # noqa: F811
    file = server.host(LARGE)
    fetched(server, file)
    file.fault = faulty_server.be_gone
    assert is_file(fetched(server, file), LARGE)


def test_what_is_in_the_bucket_can_be_examined(bucket):
    bucket.put_object(Bucket=BUCKET, Key=NAME, Body=LARGE)
    assert is_file(examine(NAME, Hold()), LARGE)


def test_a_bucket_that_is_not_there_is_a_matter_of_configuration(bucket, server):  # noqa: F811
    bucket.delete_bucket(Bucket=BUCKET)
    with pytest.raises(PlatformNotConfigured, match="bucket for recordings cannot be used: NoSuchBucket"):
        fetched(server, server.host(LARGE))


def test_a_bucket_that_does_not_answer_is_tried_again(settings, server):  # noqa: F811
    options = {"bucket_name": BUCKET, "endpoint_url": "http://127.0.0.1:9", "access_key": "a", "secret_key": "b"}
    backend = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": options}
    settings.STORAGES = {**settings.STORAGES, "recordings": backend}
    with pytest.raises(PlatformUnavailable, match="bucket for recordings failed"):
        fetched(server, server.host(LARGE))


# From a bucket


@pytest.fixture
def theirs(aws):  # noqa: F811
    aws.bucket("theirs")
    aws.client("s3").put_object(Bucket="theirs", Key="a/room é+1:2", Body=LARGE)
    return RecordingStore("theirs", "us-east-1", "testing", "testing")


def test_an_object_of_another_bucket_is_fetched(theirs):
    """AWS_ENDPOINT_URL need not be public."""
    found = fetch(ObjectSource(theirs, "theirs", "a/room é+1:2"), NAME, Hold())
    assert is_file(found, LARGE)


def test_without_a_key_of_its_own_the_machine_s_is_used(theirs):
    found = fetch(ObjectSource(RecordingStore("theirs"), "theirs", "a/room é+1:2"), NAME, Hold())
    assert found.sha256 == sha256(LARGE).hexdigest()


def test_an_object_that_is_not_there_will_not_be(theirs):
    with pytest.raises(FetchFailed, match="not there any more") as caught:
        fetch(ObjectSource(theirs, "theirs", "a/other"), NAME, Hold())
    assert not caught.value.can_retry


def test_from_bucket_to_bucket(theirs, bucket):
    assert is_file(fetch(ObjectSource(theirs, "theirs", "a/room é+1:2"), NAME, Hold()), LARGE)
    assert keys(bucket) == [NAME]


def test_no_link_is_made_without_credentials(aws, theirs, monkeypatch):  # noqa: F811
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(PlatformNotConfigured, match="there are no credentials for it"):
        fetch(ObjectSource(RecordingStore("theirs"), "theirs", "a"), NAME, Hold())
