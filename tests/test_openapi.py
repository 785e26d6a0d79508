"""The OpenAPI document and its page."""

import json
import re
from io import StringIO
from pathlib import Path

import pytest
import yaml
from django.core.management import call_command
from django.urls import get_resolver

from tests.conftest import api_for

# Written by hand from the contract: each operation, and the errors that it must be known to answer.
OPERATIONS = {
    ("get", "/v1/rooms"): "401 422",
    ("post", "/v1/rooms"): "400 401 422",
    ("get", "/v1/rooms/{room_id}"): "403 404",
    ("patch", "/v1/rooms/{room_id}"): "400 401 403 404 422",
    ("delete", "/v1/rooms/{room_id}"): "401 403 404",
    ("get", "/v1/rooms/name/{room_name}"): "404",
    ("post", "/v1/rooms/{room_name}/meeting"): "404 422 429 502 503",
    ("get", "/v1/rooms/{room_name}/meetings"): "404",
    ("get", "/v1/rooms/{room_name}/meetings/upcoming"): "404 422",
    ("get", "/v1/rooms/{room_name}/ics/status"): "403 404",
    ("post", "/v1/rooms/{room_name}/ics/sync"): "400 403 404",
    ("get", "/v1/rooms/{room_id}/webhook"): "401 403 404",
    ("post", "/v1/rooms/{room_id}/webhook/test"): "401 403 404",
    ("post", "/v1/rooms/{room_id}/webhook/rotate-secret"): "401 403 404 409",
    ("get", "/v1/rooms/{room_id}/webhook/deliveries"): "401 403 404 422",
    ("post", "/v1/rooms/{room_id}/webhook/deliveries/send-again"): "401 403 404 409 422",
    ("post", "/v1/rooms/{room_id}/webhook/deliveries/{delivery_id}/send-again"): "401 403 404 409",
    ("get", "/v1/rooms/{room_name}/meetings/active"): "404",
    ("get", "/v1/rooms/{room_name}/meetings/{meeting_id}"): "404",
    ("post", "/v1/rooms/{room_name}/meetings/{meeting_id}/join"): "400 404 502 503",
    ("patch", "/v1/meetings/{meeting_id}/deactivate"): "401 403 404",
    ("get", "/v1/recordings"): "401 422",
    ("get", "/v1/recordings/{recording_id}"): "401 403 404",
    ("post", "/v1/meetings/{meeting_id}/consent"): "403 404 422 429",
    ("post", "/v1/meetings/{meeting_id}/recordings/start"): "400 403 404 409 422 502 503",
    ("get", "/v1/transcripts"): "401 422",
    ("post", "/v1/transcripts"): "401 422",
    ("get", "/v1/transcripts/search"): "400 401 422",
    ("get", "/v1/transcripts/{transcript_id}"): "403 404 422",
    ("patch", "/v1/transcripts/{transcript_id}"): "401 403 404 422",
    ("delete", "/v1/transcripts/{transcript_id}"): "401 403 404",
    ("post", "/v1/transcripts/{transcript_id}/restore"): "400 401 403 404",
    ("delete", "/v1/transcripts/{transcript_id}/destroy"): "400 401 403 404",
    ("get", "/v1/transcripts/{transcript_id}/audio/mp3"): "206 401 403 404 416",
    ("get", "/v1/transcripts/{transcript_id}/video/url"): "401 403 404",
    ("get", "/v1/transcripts/{transcript_id}/download/zip"): "401 403 404",
    ("post", "/v1/transcripts/{transcript_id}/record/upload"): "400 401 403 404 422",
    ("post", "/v1/transcripts/{transcript_id}/record/webrtc"): "400 401 403 404 422",
    ("post", "/v1/transcripts/{transcript_id}/process"): "400 401 403 404",
    ("get", "/v1/events"): "401 422",
    ("get", "/v1/transcripts/{transcript_id}/events"): "403 404 422",
    ("get", "/v1/transcripts/{transcript_id}/topics"): "403 404",
    ("get", "/v1/transcripts/{transcript_id}/topics/with-words"): "403 404",
    ("get", "/v1/transcripts/{transcript_id}/topics/{topic_id}/words-per-speaker"): "403 404",
    ("get", "/v1/transcripts/{transcript_id}/participants"): "403 404",
    ("post", "/v1/transcripts/{transcript_id}/participants"): "400 401 403 404 422",
    ("get", "/v1/transcripts/{transcript_id}/participants/{participant_id}"): "403 404",
    ("patch", "/v1/transcripts/{transcript_id}/participants/{participant_id}"): "400 401 403 404 422",
    ("delete", "/v1/transcripts/{transcript_id}/participants/{participant_id}"): "401 403 404",
    ("patch", "/v1/transcripts/{transcript_id}/speaker/assign"): "400 401 403 404 422",
    ("patch", "/v1/transcripts/{transcript_id}/speaker/merge"): "400 401 403 404 422",
    ("post", "/v1/auth/login"): "401 422 429",
    ("get", "/v1/me"): "401",
    ("get", "/v1/user/api-keys"): "401",
    ("post", "/v1/user/api-keys"): "401 422",
    ("delete", "/v1/user/api-keys/{key_id}"): "401 404",
    ("get", "/v1/platforms"): "401",
    ("get", "/v1/rollout"): "401 403",
    ("patch", "/v1/rollout"): "401 403 409 422",
    ("get", "/v1/config"): "",
    ("get", "/health"): "",
}


FILE = Path("docs/openapi.yaml")


@pytest.fixture(scope="module")
def written():
    out = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=out)
    return out.getvalue()


@pytest.fixture(scope="module")
def document(written):
    return yaml.safe_load(written)


def test_the_file_in_the_repository_is_what_the_api_says(written):
    assert FILE.read_text() == written, "The document has changed: look whether that was meant, then `make schema`."


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_operation_is_documented_with_its_errors(document, method, path):
    responses = document["paths"][path][method]["responses"]
    assert {"200", *OPERATIONS[method, path].split()} <= responses.keys()


def test_reading_rooms_needs_no_credentials_and_writing_does(document):
    path = document["paths"]["/v1/rooms/{room_id}"]
    either: list[dict[str, list[str]]] = [{"bearer": []}, {"apiKey": []}, {"cookieAuth": []}]
    assert path["get"]["security"] == [*either, {}]
    assert path["patch"]["security"] == either
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"


def test_only_the_name_of_a_new_room_is_required(document):
    assert document["components"]["schemas"]["CreateRoom"]["required"] == ["name"]
    assert "required" not in document["components"]["schemas"]["UpdateRoom"]


def schema_of(document, name):
    return document["components"]["schemas"][name]


def test_what_a_patch_must_hold_is_said(document):
    """Each one's body, and what it needs; only a room's PATCH takes any part of what making one takes."""
    bodies = {
        path: operations["patch"]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for path, operations in document["paths"].items()
        if "requestBody" in operations.get("patch", {})
    }
    needed = {path: schema_of(document, name).get("required", []) for path, name in bodies.items()}
    assert needed == {
        "/v1/rollout": [],
        "/v1/rooms/{room_id}": [],
        "/v1/transcripts/{transcript_id}": [],
        "/v1/transcripts/{transcript_id}/participants/{participant_id}": [],
        "/v1/transcripts/{transcript_id}/speaker/assign": ["timestamp_from", "timestamp_to"],
        "/v1/transcripts/{transcript_id}/speaker/merge": ["speaker_from", "speaker_to"],
    }


def test_nobody_is_null(document):
    content = document["paths"]["/v1/me"]["get"]["responses"]["200"]["content"]["application/json"]
    assert content["schema"] == {"oneOf": [{"$ref": "#/components/schemas/UserInfo"}, {"type": "null"}]}


def test_addresses_that_may_be_empty_are_texts(document):
    for name, field in (("Room", "ics_url"), ("RoomDetails", "ics_url"), ("RoomDetails", "webhook_url")):
        assert "format" not in schema_of(document, name)["properties"][field]


def test_platforms_are_named(document, settings):
    for name in ("CreateRoom", "UpdateRoom"):
        named, null = schema_of(document, name)["properties"]["platform"]["oneOf"]
        assert null == {"$ref": "#/components/schemas/NullEnum"}
        assert schema_of(document, named["$ref"].rpartition("/")[2])["enum"] == list(settings.VIDEO_PLATFORMS)


def test_the_signature_of_a_result_is_declared(document):
    parameters = document["paths"]["/v1/recordings/{recording_id}/result"]["post"]["parameters"]
    [header] = [parameter for parameter in parameters if parameter["in"] == "header"]
    assert (header["name"], header["required"]) == ("X-Webhook-Signature", True)


def test_document_and_page_are_served_from_here():
    answer = api_for().get("/v1/schema?format=json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"] == "3.1.0"
    assert api_for().get("/openapi.json").json() == json.loads(answer.content)
    page = api_for().get("/v1/schema/docs")
    assert page.status_code == 200
    assert b"/static/drf_spectacular_sidecar/" in page.content
    assert b"//cdn" not in page.content


def test_the_page_can_only_be_read():
    for method in ("options", "post", "delete"):
        assert getattr(api_for(), method)("/v1/schema/docs").status_code == 405
    assert api_for().head("/v1/schema/docs").status_code == 200


def test_no_path_of_the_api_ends_in_a_slash():
    patterns = [str(p.pattern) for part in get_resolver().url_patterns for p in getattr(part, "url_patterns", [])]
    api = [pattern for pattern in patterns if pattern.startswith("v1/")]
    assert len(api) > 10
    assert [pattern for pattern in api if pattern.endswith("/")] == []


def test_the_names_that_the_single_page_app_imports_are_there(document):
    names = [
        *("AudioWaveform", "CalendarEventResponse", "CreateTranscript", "GetTranscriptSegmentTopic"),
        *("GetTranscriptTopic", "GetTranscriptTopicWithWordsPerSpeaker", "GetTranscriptWithParticipants", "Meeting"),
        *("Page_RoomDetails_", "Participant", "Room", "RoomDetails", "SearchResult", "SourceKind", "UpdateTranscript"),
        "ValidationError",
    ]
    assert set(names) - document["components"]["schemas"].keys() == set()
    operations = {each["operationId"]: each for path in document["paths"].values() for each in path.values()}
    assert [name for name in operations if not name.startswith("v1_")] == ["health", "ready"]
    content = operations["v1_transcript_get"]["responses"]["200"]["content"]["application/json"]
    formats = document["components"]["schemas"][content["schema"]["$ref"].rpartition("/")[2]]["discriminator"]
    assert list(formats["mapping"]) == ["text", "text-timestamped", "webvtt-named", "json"]


def test_it_begins_with_who_asks_and_in_which_order(document):
    said = document["info"]["description"]
    for path in re.findall(r"`(?:GET|POST) (/v1/[^`?]+)`", said):
        assert path in document["paths"]
    assert "<iframe" in said
