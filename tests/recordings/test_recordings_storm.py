"""Every way in reports the same recordings at the same moment: each is one row, fetched once."""

import io
import json
import random
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import psycopg
import pytest
from django.core.management import call_command
from django.db import connections, transaction

from platforms.handler import create_platform_client
from platforms.signals import event_received
from recordings import tasks
from recordings.intake import discovery, sqs
from recordings.models import Ingest, Recording, Submission
from tests.support import media
from tests.support.aws import CREDENTIALS, aws, aws_server  # noqa: F401
from tests.support.live import ROOT, running_product, wait_until
from tests.support.provider_bucket import (
    BUCKET,
    FOLDER,
    ProviderBucket,
    held,
    key_of,
    platforms,
    room_name_of,
)
from tests.support.provider_bucket import (
    discovery as whereby_list,
)
from tests.support.stub_provider import Answer, StubProvider

pytestmark = pytest.mark.drill

RECORDINGS = 500
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=1)


def key(n):
    return key_of(room_name_of(n), BEGAN)


def fill(bucket, count, content=b"x"):
    """Some files are put twice, so that the queue hears of them twice."""
    bucket.tell_queue()
    with ThreadPoolExecutor(8) as uploads:
        list(uploads.map(lambda n: bucket.put(key(n), content), [*range(count), *range(0, count, 5)]))


def tell_by_webhook(count):
    """As the inbox does: each event in a transaction of its own, in any order, some of them twice."""
    client = create_platform_client("whereby")
    for n in random.sample([*range(count), *range(0, count, 5)], count + count // 5):
        data = {
            "filename": key(n).rpartition("/")[2],
            "recordingId": f"rec-{n}",
            "roomName": room_name_of(n),
            "status": "completed",
        }
        body = {"id": f"event-{n}", "createdAt": "2026-01-02T03:37:21.480Z", "type": "recording.finished", "data": data}
        [event] = client.parse_webhook(json.dumps(body).encode())
        with transaction.atomic():
            event_received.send(sender=type(event), event=event)


@pytest.fixture
def provider():
    """Keeps no recording itself: all are in the bucket."""
    with whereby_list() as stub:
        yield stub


@pytest.fixture
def transcriber(settings):
    """A service that takes jobs, and keeps them."""
    with StubProvider() as stub:
        stub.on("POST", "/*", Answer(202))
        settings.RECORDING_PROCESSOR = "http"
        options = {"url": f"{stub.url}/jobs", "secrets": ["secret-of-the-transcriber"]}
        settings.RECORDING_PROCESSORS = {
            "http": {"BACKEND": "recordings.transcription.processors.http.HttpProcessor", "OPTIONS": options}
        }
        yield stub


@pytest.mark.django_db(transaction=True)
def test_recordings_that_every_way_reports_at_once_are_stored_and_handed_off_once(
    aws,  # noqa: F811
    settings,
    recordings_folder,
    provider,
    transcriber,
):
    bucket = ProviderBucket(aws)
    settings.VIDEO_PLATFORMS = platforms(api_url=provider.url)
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    settings.OUTBOUND_ALLOWED_HOSTS = [urlsplit(aws.url).netloc]
    for n in range(RECORDINGS):
        held(room_name_of(n), start_date=BEGAN)
    fill(bucket, RECORDINGS, media.with_audio(seconds=0.3))
    at_once(
        lambda: tell_by_webhook(RECORDINGS),
        *[lambda: sqs.drain(sqs.Queue(), wait=0)] * 2,
        tasks.find_recordings,
        lambda: call_command("backfill_whereby_recordings", stdout=io.StringIO()),
    )

    assert Recording.objects.count() == Ingest.objects.count() == RECORDINGS
    assert set(Recording.objects.values_list("key", flat=True)) == {key(n) for n in range(RECORDINGS)}
    found = Recording.objects.values_list("provider_recording_id", "room_name", "meeting__room_name", "state")
    assert set(found) == {(f"rec-{n}", room_name_of(n), room_name_of(n), "reported") for n in range(RECORDINGS)}
    # A message whose row another way was writing at that moment comes again, once it is visible.
    wait_until(lambda: sqs.drain(sqs.Queue(), wait=0) and bucket.waiting() == 0, seconds=400, every=1)
    assert Recording.objects.count() == RECORDINGS

    work_through(Ingest)
    assert stored_in(recordings_folder) == set(Recording.objects.values_list("file", flat=True))
    assert len(stored_in(recordings_folder)) == RECORDINGS
    work_through(Submission)
    jobs = [request.json["job_id"] for request in transcriber.sent("POST")]
    assert sorted(jobs) == sorted(str(pk) for pk in Recording.objects.values_list("pk", flat=True))
    assert set(Recording.objects.values_list("state", flat=True)) == {"processing"}


def at_once(*ways):
    """All begin at the same moment, each in a thread of its own; the first error is raised."""
    together = threading.Barrier(len(ways))

    def go(way):
        together.wait()
        try:
            way()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(ways)) as workers:
        for done in [workers.submit(go, way) for way in ways]:
            done.result()


def work_through(model):
    """Three workers, each of which is told of every row."""
    pks = list(model.objects.values_list("pk", flat=True))
    at_once(*[lambda: [model.run(pk) for pk in random.sample(pks, len(pks))]] * 3)


def stored_in(folder):
    """The files that were fetched, without the audio that is made of them."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.suffix != ".mp3"}


@pytest.mark.django_db(transaction=True)
def test_whatever_is_lost_listing_finds_the_rest(aws, settings, provider):  # noqa: F811
    bucket = ProviderBucket(aws)
    settings.VIDEO_PLATFORMS = platforms(api_url=provider.url)
    settings.AWS_PROCESS_RECORDING_QUEUE_URL = bucket.queue
    fill(bucket, 60)
    queue = sqs.Queue()
    queue.process(queue.receive(0))  # and all other messages are lost
    bucket.sqs.purge_queue(QueueUrl=bucket.queue)
    assert 0 < Recording.objects.count() < 60
    discovery.find_everywhere()
    assert Recording.objects.count() == 60


def test_processes_that_report_the_same_at_once_report_it_once(aws, tmp_path, provider):  # noqa: F811
    bucket = ProviderBucket(aws)
    fill(bucket, 100)
    variables = {
        **CREDENTIALS,
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_WHEREBY_S3_BUCKET": f"{BUCKET}/{FOLDER}",
        "AWS_PROCESS_RECORDING_QUEUE_URL": bucket.queue,
        "WHEREBY_API_KEY": "key",
        "WHEREBY_API_URL": provider.url,
    }
    commands = [["consume_whereby_events", "--once", "--wait=1"], ["backfill_whereby_recordings"]] * 2
    with running_product(tmp_path, servers=0, **variables) as product:
        started = [
            subprocess.Popen(
                [sys.executable, "manage.py", *command], cwd=ROOT, env=product.environment, stdout=subprocess.DEVNULL
            )
            for command in commands
        ]
        assert [process.wait(timeout=120) for process in started] == [0] * 4
        assert rows_of(product.environment["DATABASE_URL"]) == (100, 100)
    assert bucket.waiting() == 0


def rows_of(database_url):
    """How many recordings there are, and how many different files they have."""
    query = "SELECT count(*), count(DISTINCT key) FROM recordings_recording"
    if database_url.startswith("sqlite"):
        with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as database:
            return database.execute(query).fetchone()
    with psycopg.connect(database_url) as database:
        return database.execute(query).fetchone()
