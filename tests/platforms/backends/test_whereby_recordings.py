"""Which objects are Whereby's recordings, and that an event names the same object as the bucket."""

from datetime import UTC, datetime

import pytest

from platforms.backends.whereby import WherebyClient
from platforms.exceptions import PlatformRejected
from platforms.types import RecordingRef, RecordingStore, VideoPlatformConfig
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import client_for, payload, whereby_stub

ROOM = "team-3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11"
BEGAN = datetime(2026, 1, 2, 3, 4, 12, tzinfo=UTC)
NAME = f"{ROOM}-2026-01-02T03:04:12Z.mp4"


def client(**options):
    return client_for(None, **{"s3_bucket": "recordings", **options})


def ready(client, **changes):
    [event] = client.parse_webhook(payload("recording.finished", **changes))
    return client.recording_of_event(event)


# The bucket


def test_the_bucket_is_read_with_the_key_that_is_configured():
    store = client(s3_region="eu-north-1", aws_access_key_id="id", aws_access_key_secret="secret").recording_store()
    expected = RecordingStore("recordings", region="eu-north-1", access_key_id="id", access_key_secret="secret")
    assert store == expected
    assert "secret" not in repr(store)


@pytest.mark.parametrize(
    ("option", "bucket", "prefix"),
    [
        ("recordings", "recordings", ""),
        ("recordings/", "recordings", ""),
        ("recordings/cloud", "recordings", "cloud/"),
        ("recordings/cloud/2026/", "recordings", "cloud/2026/"),
    ],
)
def test_the_option_may_name_a_folder_of_the_bucket(option, bucket, prefix):
    store = client(s3_bucket=option).recording_store()
    assert (store.bucket, store.prefix) == (bucket, prefix)


@pytest.mark.parametrize("option", ["", "/", "/cloud"])
def test_without_a_bucket_there_is_no_store_and_nothing_in_it(option):
    assert client(s3_bucket=option).recording_store() is None
    assert client(s3_bucket=option).recording_at(NAME) is None


# The names of objects


def test_an_objects_name_tells_the_room_and_when_the_recording_began():
    assert client().recording_at(NAME) == RecordingRef(
        platform="whereby",
        room_name=f"/{ROOM}",
        kind="file",
        started_at=BEGAN,
        bucket="recordings",
        key=NAME,
    )


@pytest.mark.parametrize(
    ("key", "room", "started_at"),
    [
        (f"cloud/2026/{NAME}", ROOM, BEGAN),
        (f"{ROOM}-2026-01-02T03:04:12.5Z.mp4", ROOM, BEGAN.replace(microsecond=500_000)),
        (f"{ROOM}-2026-01-02T03:04:12.678Z.mkv", ROOM, BEGAN.replace(microsecond=678_000)),
        (f"{ROOM}-2026-01-02T03:04:12Z.MKV", ROOM, BEGAN),
        (f"{ROOM.removeprefix('team-')}-2026-01-02T03:04:12Z.mp4", ROOM.removeprefix("team-"), BEGAN),
        ("2025-12-31-x7Kp2q-2026-01-02T03:04:12Z.mp4", "2025-12-31-x7Kp2q", BEGAN),
        ("a-2025-12-31T00:00:00Z-b-2026-01-02T03:04:12Z.mp4", "a-2025-12-31T00:00:00Z-b", BEGAN),
    ],
    ids=["folder", "fraction", "milliseconds", "mkv", "no prefix", "a date in the name", "a time in the name"],
)
def test_the_last_time_in_the_name_is_when_it_began(key, room, started_at):
    found = client().recording_at(key)
    assert (found.room_name, found.started_at, found.key) == (f"/{room}", started_at, key)


@pytest.mark.parametrize(
    "key",
    [
        f"{ROOM}-2026-01-02T03:04:12.000Z.md",
        f"{ROOM}-2026-01-02T03:04:12Z",
        f"{ROOM}-2026-01-02T03:04:12Z.mp4/",
        f"{ROOM}-2026-01-02T03:04:12Z.mp4.part",
        f"{ROOM}-2026-13-02T03:04:12Z.mp4",
        f"{ROOM}-0001-01-02T03:04:12Z.mp4",
        f"{ROOM}2026-01-02T03:04:12Z.mp4",
        f"{ROOM}-2026-01-02 03:04:12Z.mp4",
        f"{ROOM}-٢٠٢٦-01-02T03:04:12Z.mp4",
        "-2026-01-02T03:04:12Z.mp4",
        "2026-01-02T03:04:12Z.mp4",
        f"a\x00b-{NAME}",
        f"{'x' * 300}-2026-01-02T03:04:12Z.mp4",
    ],
)
def test_other_objects_are_no_recordings(key):
    assert client().recording_at(key) is None


# The event


@pytest.mark.parametrize("option", ["recordings", "recordings/cloud"])
def test_an_event_names_the_object_that_the_bucket_tells_of(option):
    client_ = client(s3_bucket=option)
    by_event = ready(client_)
    by_bucket = client_.recording_at(client_.recording_store().prefix + NAME)
    same = ("bucket", "key", "room_name", "started_at", "kind")
    assert [getattr(by_event, name) for name in same] == [getattr(by_bucket, name) for name in same]
    assert by_event.recording_id == "c0a7d1e5-84c8-4e0f-9a35-6a1f8f1d2b05"


def test_an_event_whose_name_has_the_folder_already_is_not_put_into_it_twice():
    assert ready(client(s3_bucket="recordings/cloud"), filename=f"cloud/{NAME}").key == f"cloud/{NAME}"


def test_without_a_bucket_an_event_names_the_recording_only():
    found = ready(client(s3_bucket=""))
    assert (found.bucket, found.key) == ("", "")
    assert found.recording_id == "c0a7d1e5-84c8-4e0f-9a35-6a1f8f1d2b05"


@pytest.mark.parametrize("filename", ["", "x", "é" * 3000, "a\x00b"])
def test_an_event_with_an_odd_name_still_names_the_recording(filename):
    found = ready(client(), filename=filename)
    assert found.recording_id
    assert found.started_at is None


def test_every_platform_of_this_kind_has_its_own_bucket():
    other = WherebyClient(VideoPlatformConfig.from_options("other", {"s3_bucket": "elsewhere"}))
    found = other.recording_at(NAME)
    assert found
    assert (found.platform, found.bucket) == ("other", "elsewhere")


# In Whereby's own storage


def test_a_recording_that_whereby_keeps_is_had_by_a_link():
    with whereby_stub() as stub:
        stub.on(
            "GET", "/recordings/rec-1/access-link", Answer(json={"accessLink": "https://files.example/1", "expires": 1})
        )
        assert client_for(stub).recording_link("rec-1") == "https://files.example/1"
        [asked] = stub.sent("GET", "/recordings/rec-1")
        assert asked.query == {"validForSeconds": ["3600"]}


@pytest.mark.parametrize("answer", [{}, {"accessLink": ""}, {"accessLink": "The plan has no API access"}, []])
def test_what_is_no_link_is_a_refusal(answer):
    with whereby_stub() as stub:
        stub.on("GET", "/recordings/rec-1/access-link", Answer(json=answer))
        with pytest.raises(PlatformRejected, match="Whereby gave no link"):
            client_for(stub).recording_link("rec-1")


@pytest.mark.parametrize("status", [204, 404])
def test_a_recording_that_whereby_keeps_is_deleted_there(status):
    with whereby_stub() as stub:
        stub.on("DELETE", "/recordings/rec-1", Answer(status))
        assert client_for(stub).delete_recording("rec-1")
        assert len(stub.sent("DELETE", "/recordings/rec-1")) == 1
