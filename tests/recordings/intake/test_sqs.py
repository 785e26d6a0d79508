"""Recordings that a queue tells of, from a bucket to a row, with S3, SNS and SQS on loopback."""

import json
import logging
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from platforms.exceptions import PlatformNotConfigured
from platforms.health import notices
from recordings import tasks
from recordings.intake import sqs
from recordings.models import Ingest, Recording
from tests.support.aws import CREDENTIALS, aws, aws_server  # noqa: F401
from tests.support.live import ROOT, running_product, wait_until
from tests.support.provider_bucket import (
    BEGAN,
    BUCKET,
    FOLDER,
    ProviderBucket,
    held,
    key_of,
    platforms,
    room_name_of,
    s3_event,
)
from tests.support.stub_provider import Answer, StubProvider

ROOM = room_name_of()
KEY = key_of(ROOM)


@pytest.fixture
def bucket(aws, settings):  # noqa: F811
    bucket = ProviderBucket(aws)
    settings.VIDEO_PLATFORMS = platforms()
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    return bucket


@pytest.fixture
def meeting(db):
    return held(ROOM)


def drain():
    return sqs.drain(sqs.Queue(), wait=0)


# From the bucket to a row


@pytest.mark.parametrize("way", ["tell_queue", "tell_topic"])
def test_a_file_put_into_the_bucket_becomes_a_recording_of_its_meeting(bucket, meeting, way):
    getattr(bucket, way)()
    bucket.put(KEY)
    tally = drain()
    recording = Recording.objects.get()
    assert (recording.platform, recording.bucket, recording.key) == ("whereby", BUCKET, KEY)
    assert (recording.meeting, recording.recorded_at, recording.room_name) == (meeting, BEGAN, ROOM)
    assert Ingest.objects.get().recording == recording
    assert (tally.received, tally.recordings, tally.ignored) == (2, 1, 1)  # the other is the test event
    assert bucket.waiting() == 0


def test_an_event_of_the_event_bridge_becomes_a_recording(bucket, meeting):
    detail = {"bucket": {"name": BUCKET}, "object": {"key": KEY}}
    bucket.send({"detail-type": "Object Created", "source": "aws.s3", "detail": detail})
    drain()
    assert Recording.objects.get().meeting == meeting


@pytest.mark.django_db
def test_a_message_of_several_objects_becomes_several_recordings(bucket):
    keys = [key_of(ROOM, BEGAN + timedelta(minutes=n)) for n in range(3)]
    bucket.send({"Records": [s3_event(key) for key in keys]})
    assert drain().recordings == 3
    assert set(Recording.objects.values_list("key", flat=True)) == set(keys)
    assert bucket.waiting() == 0


@pytest.mark.usefixtures("meeting")
def test_a_file_told_of_twice_is_one_recording(bucket):
    bucket.tell_queue()
    # In parts, so that the bucket tells of it twice.
    upload = bucket.s3.create_multipart_upload(Bucket=BUCKET, Key=KEY)["UploadId"]
    where = {"Bucket": BUCKET, "Key": KEY, "UploadId": upload}
    part = bucket.s3.upload_part(PartNumber=1, Body=b"x", **where)
    bucket.s3.complete_multipart_upload(MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]}, **where)
    for _ in range(3):
        bucket.send({"Records": [s3_event(KEY), s3_event(KEY)]})
    drain()
    assert Recording.objects.count() == Ingest.objects.count() == 1


@pytest.mark.django_db
def test_a_recording_that_was_deleted_stays_deleted(bucket, django_user_model):
    Recording.objects.create(
        platform="whereby", bucket=BUCKET, key=KEY, state=Recording.State.DELETED, deleted_at=BEGAN
    )
    bucket.send({"Records": [s3_event(KEY)]})
    drain()
    assert Recording.objects.get().state == Recording.State.DELETED
    assert not Ingest.objects.exists()
    assert bucket.waiting() == 0


@pytest.mark.django_db
@pytest.mark.parametrize(
    "message",
    [
        {"Records": [s3_event(KEY, bucket="another-bucket")]},
        {"Records": [s3_event(KEY.replace(FOLDER, "elsewhere"))]},
        {"Records": [s3_event(KEY.replace("mp4", "md"))]},
        {"Records": [s3_event(KEY, name="ObjectRemoved:Delete")]},
        {"Records": []},
        {"Service": "Amazon S3", "Event": "s3:TestEvent"},
        {"hello": "world"},
    ],
    ids=["bucket", "folder", "transcript", "removed", "no records", "test event", "something else"],
)
def test_what_is_no_recording_is_taken_from_the_queue_and_nothing_else(bucket, message):
    bucket.send(message)
    tally = drain()
    assert (tally.ignored, tally.recordings, bucket.waiting()) == (1, 0, 0)
    assert not Recording.objects.exists()


@pytest.mark.django_db
def test_more_messages_than_one_call_brings_are_all_taken(bucket):
    for n in range(25):
        bucket.send({"Records": [s3_event(key_of(room_name_of(n)))]})
    assert drain().recordings == 25
    assert Recording.objects.count() == 25
    assert bucket.waiting() == 0


# What stays in the queue


@pytest.mark.usefixtures("meeting")
@pytest.mark.parametrize("poison", ["not json", "[]", '{"Type": "Notification", "Message": "hello"}', "[" * 100_000])
def test_a_message_that_cannot_be_read_is_left_and_stops_no_other(bucket, poison):
    bucket.send(poison)
    bucket.send({"Records": [s3_event(KEY)]})
    tally = drain()
    assert (tally.kept, tally.recordings, bucket.waiting()) == (1, 1, 1)


@pytest.mark.django_db
def test_a_message_that_is_never_read_ends_among_the_dead_letters_where_staff_see_it(aws, settings, capsys):  # noqa: F811
    bucket = ProviderBucket(aws, received_at_most=1)
    settings.VIDEO_PLATFORMS = platforms()
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    bucket.send("not json")
    queue = sqs.Queue()
    [message] = queue.receive(0)
    queue.process([message])
    bucket.sqs.change_message_visibility(
        QueueUrl=bucket.queue, ReceiptHandle=message["ReceiptHandle"], VisibilityTimeout=0
    )
    assert queue.receive(0) == []
    assert bucket.waiting(bucket.dead_letters) == 1

    tasks.check_dead_letters()
    assert notices.shown().get().text.startswith("1 messages")
    for _ in range(2):  # looking takes nothing away
        call_command("consume_whereby_events", "--dead-letters")
        said = capsys.readouterr().out
        assert "not json" in said
        assert "1 dead letters" in said
        wait_until(
            lambda: bucket.sqs.receive_message(QueueUrl=bucket.dead_letters, VisibilityTimeout=0).get("Messages")
        )

    bucket.sqs.purge_queue(QueueUrl=bucket.dead_letters)
    tasks.check_dead_letters()
    assert not notices.shown()


@pytest.mark.django_db(transaction=True)
def test_a_message_is_kept_while_the_database_refuses_to_write(bucket, tmp_path):
    """Refused by the database itself: here, by a trigger."""
    held(ROOM)
    bucket.send({"Records": [s3_event(KEY)]})
    with refusing_to_write():
        tally = drain()
    assert (tally.kept, tally.recordings, bucket.waiting()) == (1, 0, 1)
    assert not Recording.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_message_is_deleted_only_after_its_row_can_be_seen(bucket):
    """By a look at the database from another connection at the moment of the deletion."""
    seen = []
    bucket.send({"Records": [s3_event(KEY)]})
    queue = sqs.Queue()

    def look(**kwargs):
        assert not connection.in_atomic_block
        seen.append(Recording.objects.count())

    queue.sqs.meta.events.register("before-call.sqs.DeleteMessageBatch", look)
    sqs.drain(queue, wait=0)
    assert seen == [1]


@pytest.mark.django_db
def test_a_deletion_that_fails_is_counted_and_the_message_changes_nothing_when_it_comes_again(settings, caplog):
    message = {"MessageId": "1", "ReceiptHandle": "r", "Body": json.dumps({"Records": [s3_event(KEY)]})}
    with StubProvider() as stub:

        def answer(request):
            action = request.headers["x-amz-target"].rpartition(".")[2]
            if action == "ReceiveMessage":
                assert request.json["MaxNumberOfMessages"] == 10
                received = len(stub.requests)
                return Answer(200, {"Messages": [message] if received < 4 else []})
            assert len(request.json["Entries"]) <= 10
            failed = {"Id": "0", "Code": "InternalError", "SenderFault": False}
            return Answer(200, {"Successful": [], "Failed": [failed]})

        stub.on("POST", "/", answer)
        settings.VIDEO_PLATFORMS = platforms()
        settings.AWS_PROCESS_RECORDING_QUEUE_URL = f"{stub.url}/1/recordings"
        with pytest.MonkeyPatch.context() as environment:
            environment.setenv("AWS_ENDPOINT_URL", stub.url)
            tally = sqs.drain(sqs.Queue(), wait=0)
    assert (tally.received, tally.undeleted) == (2, 2)
    assert Recording.objects.count() == 1
    assert "message_not_deleted code=InternalError" in caplog.text


# The task


@pytest.mark.usefixtures("meeting")
def test_the_task_takes_what_is_there_and_logs_the_counts(bucket, caplog):
    bucket.send({"Records": [s3_event(KEY)]})
    with caplog.at_level(logging.INFO):
        tasks.process_recording_queue()
    assert Recording.objects.count() == 1
    assert "queue_processed received=1 recordings=1 ignored=0 kept=0 undeleted=0" in caplog.text


def test_the_task_does_nothing_without_a_queue(caplog, settings):
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = ""
    tasks.process_recording_queue()
    assert "AWS_PROCESS_RECORDING_QUEUE_URL is not set" in caplog.text


def test_the_task_ends_where_there_is_no_such_queue(bucket, settings, caplog):
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue + "-gone"
    tasks.process_recording_queue()
    assert "queue_not_processed" in caplog.text


def test_messages_are_not_thrown_away_where_no_platform_has_a_bucket(bucket, settings):
    bucket.send({"Records": [s3_event(KEY)]})
    settings.VIDEO_PLATFORMS = platforms(s3_bucket="")
    with pytest.raises(PlatformNotConfigured, match="no platform has a bucket"):
        sqs.Queue()
    assert bucket.waiting() == 1


# The command


@pytest.mark.usefixtures("meeting")
def test_the_command_empties_the_queue_once(bucket, capsys):
    bucket.send({"Records": [s3_event(KEY)]})
    call_command("consume_whereby_events", "--once", "--wait=0")
    assert Recording.objects.count() == 1
    assert "received=1 recordings=1" in capsys.readouterr().out


@pytest.mark.parametrize("arguments", [["--once"], ["--dead-letters"], []])
def test_the_command_says_what_is_not_configured(settings, arguments):
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = ""
    with pytest.raises(CommandError, match="AWS_PROCESS_RECORDING_QUEUE_URL is not set"):
        call_command("consume_whereby_events", *arguments)


def test_the_command_refuses_a_wait_that_no_queue_knows(settings):
    with pytest.raises(CommandError, match="--wait"):
        call_command("consume_whereby_events", "--wait=21")


def test_the_command_says_that_there_is_no_place_for_dead_letters(bucket):
    bucket.sqs.set_queue_attributes(QueueUrl=bucket.queue, Attributes={"RedrivePolicy": ""})
    with pytest.raises(CommandError, match="RedrivePolicy"):
        call_command("consume_whereby_events", "--dead-letters")


@contextmanager
def consuming(aws, queue, folder, *arguments):  # noqa: F811
    """The command in a process of its own, and a way to what it says."""
    variables = {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_WHEREBY_S3_BUCKET": f"{BUCKET}/{FOLDER}",
        "AWS_PROCESS_RECORDING_QUEUE_URL": queue,
    }
    log = folder / "consumer.log"
    with running_product(folder, servers=0, **variables) as product, log.open("wb") as output:
        command = [sys.executable, "manage.py", "consume_whereby_events", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, env=product.environment, stdout=output, stderr=output)
        try:
            wait_until(lambda: "Waiting for messages." in log.read_text())
            yield process, log.read_text
        finally:
            process.kill()
            process.wait()


def test_the_command_goes_on_whatever_happens(aws, tmp_path):  # noqa: F811
    bucket = ProviderBucket(aws)
    with consuming(aws, bucket.queue, tmp_path, "--wait=1") as (process, said):
        bucket.send("not json")
        bucket.send({"Records": [s3_event(KEY)]})
        wait_until(lambda: bucket.waiting() == 1)  # the poison
        bucket.sqs.delete_queue(QueueUrl=bucket.queue)
        wait_until(lambda: "queue_or_database_away" in said())
        bucket.sqs.create_queue(QueueName="recordings")
        bucket.send({"Records": [s3_event(key_of(room_name_of(1)))]})
        wait_until(lambda: bucket.waiting() == 0)
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=10) == 0, said()
        assert "Stopped: received=3 recordings=2 ignored=0 kept=1 undeleted=0" in said()


def test_the_command_stops_amid_a_long_wait_when_it_is_told_to(aws, tmp_path):  # noqa: F811
    bucket = ProviderBucket(aws)
    bucket.send({"Records": [s3_event(KEY)]})
    with consuming(aws, bucket.queue, tmp_path) as (process, said):
        wait_until(lambda: bucket.waiting() == 0)
        wait_until(lambda: "queue_processed" in said())
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0, said()
        assert "Stopped: received=1 recordings=1" in said()


# Refusals by the database


class refusing_to_write:  # noqa: N801
    """While it lasts no recording can be added."""

    def __enter__(self):
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute(
                    "CREATE TRIGGER refuse BEFORE INSERT ON recordings_recording "
                    "BEGIN SELECT RAISE(ABORT, 'refused'); END"
                )
            else:
                cursor.execute("ALTER TABLE recordings_recording ADD CONSTRAINT refuse CHECK (platform = '') NOT VALID")

    def __exit__(self, *exc_info):
        with connection.cursor() as cursor:
            if connection.vendor == "sqlite":
                cursor.execute("DROP TRIGGER refuse")
            else:
                cursor.execute("ALTER TABLE recordings_recording DROP CONSTRAINT refuse")
