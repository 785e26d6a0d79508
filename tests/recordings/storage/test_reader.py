import copy
import io
import itertools
import random
import shutil
from typing import Any, cast

import boto3
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from moto.server import ThreadedMotoServer

from recordings.media.audio import Reading
from recordings.media.mixing import mp3_name, store_mp3
from recordings.media.probe import probe
from recordings.models import Recording
from recordings.storage.reader import FIRST_READ_BYTES, LONGEST_READ_BYTES, open_stored
from tests.support.media import heard, stretches, with_audio, with_audio_and_video
from tests.support.stub_provider import Answer, StubProvider

CREDENTIALS = {"access_key": "testing", "secret_key": "testing"}
CONTENT = random.Random(1).randbytes(3 * 1024 * 1024)
_names = itertools.count(1)


@pytest.fixture(scope="module")
def s3_url():
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def store_in_bucket(settings, url, bucket):
    configured = copy.deepcopy(settings.STORAGES)
    configured["recordings"] = {
        "BACKEND": "storages.backends.s3.S3Storage",
        "OPTIONS": {"bucket_name": bucket, "region_name": "us-east-1", "endpoint_url": url, **CREDENTIALS},
    }
    settings.STORAGES = configured


@pytest.fixture
def bucket(settings, s3_url):
    name = f"recordings-{next(_names)}"
    client = boto3.client(
        "s3",
        endpoint_url=s3_url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    client.create_bucket(Bucket=name)
    store_in_bucket(settings, s3_url, name)
    return name


@pytest.fixture(params=["folder", "bucket"])
def storage(request):
    request.getfixturevalue("recordings_folder" if request.param == "folder" else "bucket")
    return storages["recordings"]


# Folder or bucket, a stored file reads the same


def test_it_reads_from_beginning_to_end(storage):
    name = storage.save("r/file", ContentFile(CONTENT))
    with open_stored(name) as file:
        whole = io.BytesIO()
        shutil.copyfileobj(file, whole)
    assert whole.getvalue() == CONTENT


def test_it_reads_from_any_place(storage):
    name = storage.save("r/file", ContentFile(CONTENT))
    chance = random.Random(2)
    with open_stored(name) as file:
        for _ in range(20):
            place, size = chance.randrange(len(CONTENT)), chance.randrange(1, 200_000)
            assert file.seek(place) == place
            assert file.read(size) == CONTENT[place : place + size]
        assert file.seek(-5, io.SEEK_END) == len(CONTENT) - 5
        assert file.read() == CONTENT[-5:]
        assert file.read() == b""
        assert file.seek(len(CONTENT) + 10) == len(CONTENT) + 10
        assert file.read(1) == b""


def test_an_empty_file_is_empty(storage):
    name = storage.save("r/empty", ContentFile(b""))
    with open_stored(name) as file:
        assert file.read() == b""


def test_a_file_that_is_not_there_is_not_found(storage):
    with pytest.raises(FileNotFoundError):
        open_stored("r/nothing")


def test_media_can_be_probed_where_it_is(storage):
    name = storage.save("r/video", ContentFile(with_audio_and_video("mp4", 2.0)))
    with open_stored(name) as file:
        assert probe(file).duration == pytest.approx(2.0, abs=0.05)


def test_a_mix_is_stored(storage):
    recording = Recording()
    store_mp3(recording, [Reading(lambda: io.BytesIO(with_audio("webm", 1.0)))])
    with open_stored(mp3_name(recording)) as file:
        assert stretches(heard(file.read())) != []


# A bucket


class Short(bytes):
    """Bytes that are announced as more than they are."""

    def __len__(self):
        return 5000


CUT = Answer(206, body=Short(b"short"), headers={"Connection": "close"})


class Ranges:
    """A bucket with one object, that answers requests for ranges and can be told to misbehave."""

    def __init__(self, stub, content):
        self.stub, self.content, self.etag = stub, content, '"one"'
        self.trouble: list[Answer] = []  # answers that are given first
        self.file: Any = None
        stub.on("GET", "/bucket/*", self.get)

    def get(self, request):
        if self.trouble:
            return self.trouble.pop(0)
        if request.headers.get("if-match") != self.etag:
            return Answer(412, body=b"<Error><Code>PreconditionFailed</Code></Error>")
        first, last = (int(n) for n in request.headers["range"].removeprefix("bytes=").split("-"))
        return Answer(206, body=self.content[first : last + 1], headers={"ETag": self.etag})


@pytest.fixture
def ranges(settings, bucket, s3_url):
    """A file of which the head comes from the real stand-in, and the ranges from the one that misbehaves."""
    name = storages["recordings"].save("file", ContentFile(CONTENT))
    with StubProvider() as stub:
        found = open_stored(name)
        raw = cast(Any, found).raw
        ranges = Ranges(stub, CONTENT)
        ranges.etag = raw._object["IfMatch"]
        raw._client = boto3.client(
            "s3",
            endpoint_url=stub.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        raw._object["Bucket"] = "bucket"
        ranges.file = found
        yield ranges
        found.close()


def sizes(ranges):
    found = []
    for request in ranges.stub.sent("GET"):
        first, last = request.headers["range"].removeprefix("bytes=").split("-")
        found.append(int(last) - int(first) + 1)
    return found


def test_who_reads_on_is_given_more_at_a_time(ranges):
    assert ranges.file.read() == CONTENT
    assert sizes(ranges)[:3] == [FIRST_READ_BYTES * 2, FIRST_READ_BYTES * 4, FIRST_READ_BYTES * 8]
    assert max(sizes(ranges)) <= LONGEST_READ_BYTES


def test_who_jumps_is_given_little(ranges):
    for place in (2_500_000, 1_000_000, 2_000_000):
        ranges.file.seek(place)
        ranges.file.read(100)
    assert sizes(ranges) == [FIRST_READ_BYTES] * 3


def test_an_answer_that_is_cut_short_is_asked_for_again(ranges):
    ranges.trouble = [CUT]
    assert ranges.file.read(10) == CONTENT[:10]


def test_an_object_that_was_replaced_meanwhile_is_not_pieced_together(ranges):
    ranges.file.read(10)
    ranges.etag = '"two"'
    ranges.file.seek(2_000_000)
    with pytest.raises(OSError, match="replaced while it was read"):
        ranges.file.read(10)


def test_a_bucket_that_refuses_says_how(ranges):
    ranges.trouble = [Answer(403, body=b"<Error><Code>AccessDenied</Code></Error>")]
    with pytest.raises(OSError, match="refused to be read: AccessDenied"):
        ranges.file.read(10)


def test_a_bucket_that_cuts_every_answer_short_is_given_up_for_now(ranges):
    ranges.trouble = [CUT] * 3
    with pytest.raises(OSError, match="could not be read"):
        ranges.file.read(10)
    assert len(ranges.stub.requests) == 3
    assert ranges.file.read(10) == CONTENT[:10]


def test_there_is_no_place_before_the_beginning(ranges):
    with pytest.raises(OSError, match="before the beginning"):
        ranges.file.raw.seek(-1)


def test_a_small_file_takes_one_request(ranges):
    ranges.file.raw._size = len(with_audio())
    ranges.content = with_audio()
    assert ranges.file.read() == with_audio()
    assert len(ranges.stub.sent("GET")) == 1
