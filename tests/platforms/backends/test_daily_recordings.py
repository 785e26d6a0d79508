"""Daily's recordings: its list, its links, and what its events say of a recording."""

import json
import threading

import pytest

from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.types import RecordingRef, RecordingStore
from tests.support.daily import DailyStub, body, client_for, offline_client, payload, refusal
from tests.support.provider_bucket import BEGAN, DailyRecordings, recording
from tests.support.stub_provider import Answer

BUCKET = {"s3_bucket": "tracks", "s3_region": "us-west-2", "aws_role_arn": "arn:aws:iam::1:role/daily"}
KEY = "acme/standup-0/1767323052123"
TRACK = {"type": "audio", "s3Key": f"{KEY}-0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60-cam-audio-1767323052561", "size": 7}


@pytest.fixture
def stub():
    with DailyStub() as stub:
        yield stub


@pytest.fixture
def listed(stub):
    return DailyRecordings(stub)


def told(listed, stub, *items, **options):
    listed.items = list(items)
    return list(client_for(stub, **options).list_recordings())


# The list


def test_a_recording_in_one_file_is_had_by_link(listed, stub):
    [found] = told(listed, stub, recording(0), **BUCKET)
    assert found == RecordingRef(
        platform="daily",
        recording_id=recording(0)["id"],
        room_name="standup-0",
        kind="file",
        started_at=BEGAN,
        duration=50,
    )


@pytest.mark.parametrize("spelling", ["s3key", "s3Key", "s3_key"])
def test_a_recording_in_tracks_is_known_by_them_and_is_in_the_bucket(listed, stub, spelling):
    item = {**recording(0, tracks=[{**TRACK}]), "s3key": None, spelling: KEY}
    [found] = told(listed, stub, item, **BUCKET)
    assert (found.kind, found.bucket, found.key) == ("tracks", "tracks", KEY)
    assert [(track.kind, track.s3_key, track.size) for track in found.tracks] == [("cam-audio", TRACK["s3Key"], 7)]


@pytest.mark.parametrize("tracks", [None, []])
def test_a_recording_without_any_file_is_one_in_which_nobody_was_heard(listed, stub, tracks):
    [found] = told(listed, stub, recording(0, tracks=tracks, s3key=None), **BUCKET)
    assert (found.kind, found.tracks, found.key) == ("tracks", [], "")


@pytest.mark.parametrize("status", ["in-progress", "canceled"])
def test_what_goes_on_or_was_broken_off_is_not_listed(listed, stub, status):
    assert told(listed, stub, recording(0, status=status)) == []


@pytest.mark.parametrize("status", ["finished", "something new", None])
def test_states_are_an_open_set(listed, stub, status):
    assert len(told(listed, stub, recording(0, status=status))) == 1


def test_a_recording_without_an_id_is_left_out(listed, stub):
    assert told(listed, stub, recording(0, id=None)) == []


def test_all_pages_are_read_newest_first_and_slowly_enough(listed, stub, settings):
    settings.WAIT_DIVISOR = 1  # as in production
    found = told(listed, stub, *[recording(n) for n in range(250)])
    assert [ref.recording_id for ref in found] == [recording(n)["id"] for n in range(250)]
    assert [request.query.get("limit") for request in stub.sent("GET", "/recordings")] == [["100"]] * 3
    assert sum(listed.gaps) >= 1  # two pauses; how they arrive on a busy machine is not ours


def test_the_next_page_is_asked_for_only_when_it_is_needed(listed, stub):
    listed.items = [recording(n) for n in range(250)]
    refs = client_for(stub).list_recordings()
    for _ in range(100):
        next(refs)
    assert len(stub.sent("GET", "/recordings")) == 1


def test_a_page_that_is_full_and_the_last_one_is_followed_by_an_empty_one(listed, stub):
    assert len(told(listed, stub, *[recording(n) for n in range(100)])) == 100
    assert len(stub.sent("GET", "/recordings")) == 2


def test_a_list_that_goes_in_a_circle_ends(listed, stub):
    page = Answer(200, {"total_count": 1000, "data": [recording(n) for n in range(100)]})
    stub.on("GET", "/recordings", page)
    assert len(list(client_for(stub).list_recordings())) == 200


def test_two_who_list_at_once_share_the_rate(listed, stub, settings):
    settings.WAIT_DIVISOR = 1  # as in production
    listed.items = [recording(n) for n in range(150)]
    client = client_for(stub)
    threads = [threading.Thread(target=lambda: list(client.list_recordings())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(listed.gaps) == 3
    assert sum(listed.gaps) >= 1.4  # three pauses, where each for itself would have made one


def test_one_rooms_recordings_are_asked_for_by_its_name(listed, stub):
    listed.items = [recording(0), recording(1)]
    [found] = client_for(stub).list_recordings("standup-1")
    assert found.room_name == "standup-1"


@pytest.mark.parametrize("answer", [{}, {"data": None}, None, "x", {"data": {}}])
def test_an_answer_that_is_no_list_is_not_taken_for_an_empty_one(stub, answer):
    stub.on("GET", "/recordings", Answer(200, answer, body=None if answer is not None else b"null"))
    with pytest.raises(PlatformUnavailable):
        list(client_for(stub).list_recordings())


# One recording


def test_one_recording_is_found_by_its_id(stub):
    stub.on("GET", "/recordings/abc%2Fd", Answer(200, recording(0, id="abc/d")))
    assert client_for(stub).get_recording("abc/d").recording_id == "abc/d"


def test_an_unknown_recording_is_refused_with_the_providers_status(stub):
    stub.on("GET", "/recordings/1", refusal(404, "not-found", "no such recording"))
    with pytest.raises(PlatformRejected) as refused:
        client_for(stub).get_recording("1")
    assert refused.value.status == 404


def test_a_link_is_asked_for_anew_each_time(stub):
    links = [f"https://example.com/{n}.mp4?signature=x" for n in (1, 2)]
    answers = [Answer(200, {"download_link": link, "expires": 1767261670}) for link in links]
    stub.on("GET", "/recordings/1/access-link", *answers)
    client = client_for(stub)
    assert [client.recording_link("1"), client.recording_link("1")] == links


@pytest.mark.parametrize(
    "said", ["API access to this bucket is not allowed.", "", None, {}, "ftp://example.com/x", "javascript:alert(1)"]
)
def test_a_sentence_in_the_links_place_is_a_refusal_that_quotes_it(stub, said):
    stub.on("GET", "/recordings/1/access-link", Answer(200, {"download_link": said}))
    with pytest.raises(PlatformRejected, match="gave no link") as refused:
        client_for(stub).recording_link("1")
    if isinstance(said, str):
        assert said in str(refused.value)


@pytest.mark.parametrize("answer", [Answer(200, {"deleted": True, "id": "1"}), refusal(404, "not-found", "unknown")])
def test_a_recording_that_is_gone_counts_as_deleted(stub, answer):
    stub.on("DELETE", "/recordings/1", answer)
    assert client_for(stub).delete_recording("1") is True


def test_a_deletion_that_is_refused_is_not_taken_for_done(stub):
    stub.on("DELETE", "/recordings/1", refusal(403, "forbidden-error", "not yours"))
    with pytest.raises(PlatformRejected):
        client_for(stub).delete_recording("1")


def test_tracks_are_read_with_the_machines_credentials_where_the_bucket_and_its_role_are_set():
    assert offline_client(**BUCKET).recording_store() == RecordingStore("tracks", region="us-west-2")
    assert offline_client(**{**BUCKET, "aws_role_arn": ""}).recording_store() is None


# Events


def ref_of(name, **changes):
    event = payload(name)
    event["payload"].update(changes)
    client = offline_client(**BUCKET)
    [ready] = client.parse_webhook(json.dumps(event).encode())
    return client.recording_of_event(ready)


@pytest.mark.parametrize("kind", ["cloud", "audio-only"])
def test_an_event_about_one_file_names_no_object(kind):
    """Its key is in whatever storage Daily keeps it; only the link leads there."""
    found = ref_of(f"recording.ready-to-download.{kind}")
    assert (found.kind, found.bucket, found.key, found.tracks) == ("file", "", "", None)
    assert found.recording_id == "5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01"
    assert found.started_at.timestamp() == 1767258070
    assert found.room_name == "standup-20260101090000-a1b2c3"


def test_an_event_about_tracks_names_them_and_their_bucket():
    found = ref_of("recording.ready-to-download.raw-tracks")
    assert (found.kind, found.bucket) == ("tracks", "tracks")
    assert found.key == "acme/standup-20260101090000-a1b2c3/1767258070123"
    assert [track.kind for track in found.tracks] == ["cam-audio", "cam-video"]


def test_tracks_are_in_the_configured_bucket_also_where_the_recording_itself_has_no_key():
    found = ref_of("recording.ready-to-download.raw-tracks", s3_key=None)
    assert (found.bucket, found.key) == ("tracks", "")


def test_an_event_about_tracks_that_are_not_told_leaves_them_open():
    found = ref_of("recording.ready-to-download.raw-tracks", tracks=None)
    assert (found.kind, found.tracks) == ("tracks", None)


def test_an_event_about_no_tracks_says_that_there_are_none():
    found = ref_of("recording.ready-to-download.raw-tracks", tracks=[])
    assert (found.kind, found.tracks) == ("tracks", [])


def test_an_early_event_brings_its_own_link():
    client = offline_client()
    [ready] = client.parse_webhook(body("early.recording.ready-to-download"))
    found = client.recording_of_event(ready)
    assert found.download_url == "https://recordings.example.com/5b1c.mp4?signature=x"
    assert found.download_url not in repr(found)


def test_the_event_and_the_list_tell_of_the_same_recording(listed, stub):
    item = recording(0, id="5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01", room_name="standup-20260101090000-a1b2c3")
    [by_list] = told(listed, stub, item)
    by_event = ref_of("recording.ready-to-download.cloud")
    assert (by_list.platform, by_list.recording_id) == (by_event.platform, by_event.recording_id)


@pytest.mark.parametrize("digits", [20, 400])
def test_a_track_that_claims_to_begin_after_years_says_nothing_of_when(listed, stub, digits):
    key = f"{KEY}-0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60-cam-audio-{'9' * digits}"
    [found] = told(listed, stub, {**recording(0, tracks=[{**TRACK, "s3Key": key}]), "s3key": KEY})
    assert [(track.s3_key, track.offset) for track in found.tracks] == [(key, 0.0)]
