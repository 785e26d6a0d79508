"""GET /v1/recordings and /v1/recordings/{id}, and the links that lead to files."""

import json
import uuid
from datetime import timedelta

import pytest
import requests
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from recordings.models import Recording, Track, Transcript
from recordings.models.transitions import transition
from recordings.storage import links
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support.aws import aws, aws_server  # noqa: F401
from tests.support.meeting_reports import make_meeting, minute

RECORDINGS = "/v1/recordings"
FIELDS = {
    *("id", "meeting_id", "platform", "provider_recording_id", "state", "error", "recorded_at", "duration", "size"),
    *("sha256", "content_type", "tracks", "transcript_id"),
}
CONTENT = b"0123456789"
# What must stay inside: where a provider keeps it, how it is got, what it is called here.
SECRETS = {"source_url": "https://files.example/a?sig=secret-1", "bucket": "secret-2", "key": "secret-3"}


@pytest.fixture
def meeting(room):
    return make_meeting(room)


@pytest.fixture
def elsewhere(colleague):
    return make_meeting(Room.objects.create(name="other", owner=colleague), platform="whereby")


def make_recording(meeting=None, **fields):
    number = Recording.objects.count()
    made = {"platform": meeting.platform if meeting else "", "provider_recording_id": f"rec-{number}", **fields}
    return Recording.objects.create(meeting=meeting, **made)


def ids(answer):
    assert answer.status_code == 200, answer.content
    return [item["id"] for item in answer.json()["items"]]


def detail(recording):
    return f"{RECORDINGS}/{recording.pk}"


# The list


def test_the_recordings_of_ones_own_rooms_are_listed_newest_first(owner, meeting, elsewhere):
    older, newer = make_recording(meeting), make_recording(meeting)
    make_recording(elsewhere)
    make_recording()  # of no meeting
    assert ids(api_for(owner).get(RECORDINGS)) == [str(newer.pk), str(older.pk)]


def test_staff_see_all_recordings(staff, meeting, elsewhere):
    for where in (meeting, elsewhere, None):
        make_recording(where)
    assert len(ids(api_for(staff).get(RECORDINGS))) == 3


def test_a_stranger_must_sign_in(db, settings):
    settings.PUBLIC_MODE = True
    answer = api_for().get(RECORDINGS)
    assert (answer.status_code, answer.json()) == (401, error("Not authenticated"))


def test_a_shared_rooms_recordings_are_its_owners_all_the_same(colleague, meeting):
    Room.objects.update(is_shared=True)
    make_recording(meeting)
    assert ids(api_for(colleague).get(RECORDINGS)) == []


def test_what_one_uploaded_is_ones_own(colleague, owner):
    recording = make_recording(kind="upload", provider_recording_id="")
    Transcript.objects.create(recording=recording, user=colleague, name="talk", source_kind="file")
    assert ids(api_for(colleague).get(RECORDINGS)) == [str(recording.pk)]
    assert ids(api_for(owner).get(RECORDINGS)) == []


def test_filters_narrow_the_list(staff, meeting, elsewhere):
    first, second = make_recording(meeting, state="done"), make_recording(elsewhere, state="failed")
    found = {
        f"meeting_id={meeting.pk}": [first],
        f"room_id={elsewhere.room_id}": [second],
        "platform=mock": [first],
        "platform=whereby": [second],
        "state=failed": [second],
        "state=unmatched": [],
        f"state=done&platform=mock&room_id={meeting.room_id}": [first],
        f"state=done&meeting_id={elsewhere.pk}": [],
        f"meeting_id={uuid.uuid4()}": [],
    }
    for query, recordings in found.items():
        assert ids(api_for(staff).get(f"{RECORDINGS}?{query}")) == [str(r.pk) for r in recordings], query


def test_a_filter_shows_nobody_what_is_not_theirs(colleague, meeting):
    make_recording(meeting)
    assert ids(api_for(colleague).get(f"{RECORDINGS}?meeting_id={meeting.pk}")) == []


@pytest.mark.parametrize(
    "query",
    ["meeting_id=x", "room_id=1", "platform=zoom", "platform=", "state=lost", "state=", "page=0", "size=101", "size=x"],
)
def test_a_bad_filter_is_named(owner, query):
    answer = api_for(owner).get(f"{RECORDINGS}?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_pages_count_as_the_contract_says(owner, meeting):
    for _ in range(5):
        make_recording(meeting)
    page = api_for(owner).get(RECORDINGS, {"page": 2, "size": 2}).json()
    assert (page["total"], page["page"], page["size"], page["pages"], len(page["items"])) == (5, 2, 2, 3, 2)
    assert api_for(owner).get(RECORDINGS, {"page": 9}).json()["items"] == []


def test_the_list_asks_the_database_as_often_for_many_recordings_as_for_few(owner, meeting):
    client, counts = api_for(owner), []
    for more in (2, 20):
        for _ in range(more):
            recording = make_recording(meeting)
            for number in range(2):
                person = meeting.sessions.create(session_id=uuid.uuid4().hex, user_name="Ada")
                Track.objects.create(recording=recording, medium="cam-audio", key=str(number), participant=person)
            Transcript.objects.create(recording=recording, name="standup", source_kind="room")
        client.get(RECORDINGS)
        with CaptureQueriesContext(connection) as queries:
            shown = ids(client.get(RECORDINGS))
        assert len(shown) == Recording.objects.count()
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 5


# One recording


def test_a_recording_has_exactly_the_contracts_fields(owner, meeting):
    recording = make_recording(
        meeting,
        state="done",
        recorded_at=minute(1),
        duration=61.5,
        size=7,
        sha256="ab",
        content_type="video/mp4",
        file="a.mp4",
        **SECRETS,
    )
    transcript = Transcript.objects.create(recording=recording, name="standup", source_kind="room")
    answer = api_for(owner).get(detail(recording))
    assert answer.status_code == 200
    assert answer.json().keys() == FIELDS
    assert answer.json() == {
        "id": str(recording.pk),
        "meeting_id": str(meeting.pk),
        "platform": "mock",
        "provider_recording_id": "rec-0",
        "state": "done",
        "error": "",
        "recorded_at": "2026-01-05T09:01:00Z",
        "duration": 61.5,
        "size": 7,
        "sha256": "ab",
        "content_type": "video/mp4",
        "tracks": [],
        "transcript_id": str(transcript.pk),
    }


def test_tracks_come_in_order_each_with_its_person(owner, meeting):
    recording = make_recording(meeting, kind="tracks")
    ada = meeting.sessions.create(session_id="ada", user_name="Ada")
    Track.objects.create(
        recording=recording, medium="cam-audio", key="b", offset=2.5, state="stored", size=3, sha256="cd", duration=9
    )
    Track.objects.create(recording=recording, medium="cam-audio", key="a", participant=ada, session_id="ada")
    blank = {"duration": None, "size": None, "sha256": ""}
    assert api_for(owner).get(detail(recording)).json()["tracks"] == [
        {"participant": "Ada", "offset": 0.0, "state": "reported", **blank},
        {"participant": None, "offset": 2.5, "state": "stored", "duration": 9.0, "size": 3, "sha256": "cd"},
    ]


def test_a_failed_recording_says_why(owner, meeting):
    recording = make_recording(meeting, state="failed", error="The file ends too early.")
    assert api_for(owner).get(detail(recording)).json()["error"] == "The file ends too early."


@pytest.mark.parametrize("who", ["owner", "staff"])
def test_neither_link_nor_bucket_nor_name_of_a_file_is_told_to_anybody(request, meeting, who):
    recording = make_recording(meeting, file="secret-4", **SECRETS)
    Track.objects.create(
        recording=recording, medium="cam-audio", key="secret-5", file="secret-6", session_id="secret-7"
    )
    client = api_for(request.getfixturevalue(who))
    for address in (RECORDINGS, detail(recording)):
        answer = client.get(address)
        assert answer.status_code == 200
        assert "secret" not in json.dumps(answer.json())


def test_a_transcript_in_the_trash_is_not_referred_to(owner, meeting):
    recording = make_recording(meeting)
    Transcript.objects.create(recording=recording, name="x", source_kind="room", deleted_at=timezone.now())
    assert api_for(owner).get(detail(recording)).json()["transcript_id"] is None


@pytest.mark.parametrize(("who", "status"), [("owner", 200), ("staff", 200), ("colleague", 403)])
def test_owner_and_staff_may_look_and_others_may_not(request, meeting, who, status):
    recording = make_recording(meeting)
    answer = api_for(request.getfixturevalue(who)).get(detail(recording))
    assert answer.status_code == status
    if status == 403:
        assert answer.json() == error("Recording access denied")


def test_a_stranger_learns_of_no_recording(meeting):
    assert api_for().get(detail(make_recording(meeting))).status_code == 401


@pytest.mark.parametrize("recording_id", [str(uuid.uuid4()), "rec-1", "0", "%00"])
def test_an_unknown_recording_is_not_found(owner, recording_id):
    answer = api_for(owner).get(f"{RECORDINGS}/{recording_id}")
    assert (answer.status_code, answer.json()) == (404, error("Recording not found"))


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_recordings_are_only_read(staff, meeting, method):
    recording = make_recording(meeting)
    for address in (RECORDINGS, detail(recording)):
        assert getattr(api_for(staff), method)(address, {}).status_code == 405


# Links to files


@pytest.fixture
def stored(meeting, recordings_folder):
    recording = make_recording(meeting, state="stored", file="1/recording.mp4", content_type="video/mp4")
    storages["recordings"].save(recording.file, ContentFile(CONTENT))
    return recording


def path_of(link, settings):
    assert link.startswith(f"{settings.PUBLIC_URL}/v1/recordings/")
    return link.removeprefix(settings.PUBLIC_URL)


def content_of(answer):
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_link_leads_to_the_file_without_signing_in(stored, settings):
    answer = api_for().get(path_of(links.link_to(stored), settings))
    assert (answer.status_code, content_of(answer)) == (200, CONTENT)
    assert answer["Content-Type"] == "video/mp4"
    assert answer["Content-Length"] == "10"
    assert answer["Accept-Ranges"] == "bytes"
    assert "no-store" in answer["Cache-Control"]
    assert answer["Content-Disposition"].startswith("inline")


@pytest.mark.parametrize(
    ("wanted", "given"),
    [
        ("bytes=0-3", (206, b"0123", "bytes 0-3/10")),
        ("bytes=4-4", (206, b"4", "bytes 4-4/10")),
        ("bytes=7-", (206, b"789", "bytes 7-9/10")),
        ("bytes=-2", (206, b"89", "bytes 8-9/10")),
        ("bytes=5-99", (206, b"56789", "bytes 5-9/10")),
        ("bytes=0-9", (200, CONTENT, None)),
        ("bytes=0-", (200, CONTENT, None)),
        ("bytes=-99", (200, CONTENT, None)),
        ("bytes=10-", (416, b"", "bytes */10")),
        ("bytes=99-100", (416, b"", "bytes */10")),
        ("bytes=-0", (416, b"", "bytes */10")),
        ("bytes=5-3", (200, CONTENT, None)),
        ("bytes=0-1,4-5", (200, CONTENT, None)),
        ("bytes=-", (200, CONTENT, None)),
        ("bytes=a-b", (200, CONTENT, None)),
        ("lines=0-3", (200, CONTENT, None)),
        (f"bytes={'9' * 30}-", (200, CONTENT, None)),
    ],
)
def test_a_player_may_ask_for_a_part(stored, settings, wanted, given):
    answer = api_for().get(path_of(links.link_to(stored), settings), headers={"Range": wanted})
    assert (answer.status_code, content_of(answer), answer.get("Content-Range")) == given
    if answer.status_code != 416:
        assert answer["Content-Length"] == str(len(given[1]))


def test_asking_for_the_head_alone_gives_the_length(stored, settings):
    answer = api_for().head(path_of(links.link_to(stored), settings))
    assert (answer.status_code, answer["Content-Length"], answer.content) == (200, "10", b"")


def test_a_link_to_a_track_leads_to_that_track(stored, settings):
    track = Track.objects.create(recording=stored, medium="cam-audio", key="k", file="1/track-1", state="stored")
    storages["recordings"].save(track.file, ContentFile(b"track"))
    assert content_of(api_for().get(path_of(links.link_to(stored, track), settings))) == b"track"


def test_what_is_stored_is_never_shown_as_a_page(stored, settings):
    Recording.objects.update(content_type="text/html")
    answer = api_for().get(path_of(links.link_to(stored), settings))
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    answer.close()


def test_a_link_ends(stored, settings):
    lasting = path_of(links.link_to(stored, lifetime=timedelta(minutes=1)), settings)
    ended = path_of(links.link_to(stored, lifetime=timedelta(minutes=-1)), settings)
    assert content_of(api_for().get(lasting)) == CONTENT
    assert api_for().get(ended).status_code == 404


def test_a_link_that_was_changed_leads_nowhere(stored, settings):
    link = path_of(links.link_to(stored), settings)
    head, _, token = link.rpartition("/")
    payload, _, rest = token.partition(":")
    for changed in (f"x{token}", token[:-1], f"{payload[:-2]}AA:{rest}", "x"):
        assert api_for().get(f"{head}/{changed}").status_code == 404


@pytest.mark.parametrize("change", [{"file": ""}, {"file": "1/gone.mp4"}])
def test_a_link_to_what_is_not_there_any_more_leads_nowhere(stored, settings, change):
    link = path_of(links.link_to(stored), settings)
    Recording.objects.update(**change)
    assert api_for().get(link).status_code == 404


def test_a_link_to_what_was_deleted_since_leads_nowhere(stored, settings):
    link = path_of(links.link_to(stored), settings)
    assert transition(stored, "deleted")
    assert api_for().get(link).status_code == 404


def test_what_lies_in_a_bucket_is_had_from_there_by_a_link_that_soon_ends(stored, settings, aws):  # noqa: F811
    bucket = {"bucket_name": aws.bucket("kept"), "region_name": "us-east-1", "signature_version": "s3v4"}
    storage = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": bucket | {"endpoint_url": aws.url}}
    settings.STORAGES = {**settings.STORAGES, "recordings": storage}
    storages["recordings"].save(stored.file, ContentFile(CONTENT))
    answer = api_for().get(f"{path_of(links.link_to(stored), settings)}?download=1")
    assert answer.status_code == 302
    assert "X-Amz-Expires=300" in answer["Location"]
    found = requests.get(answer["Location"], headers={"Range": "bytes=2-4"}, timeout=10)
    assert (found.status_code, found.content, found.headers["Content-Type"]) == (206, b"234", "video/mp4")
    assert found.headers["Content-Disposition"].startswith("attachment")


def test_a_link_is_only_read(stored, settings):
    assert api_for().post(path_of(links.link_to(stored), settings)).status_code == 405
