"""The OpenAPI document and its page."""

import json
from io import StringIO

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
    ("post", "/v1/rooms/{room_name}/meeting"): "404 422 502 503",
    ("get", "/v1/rooms/{room_name}/meetings/active"): "404",
    ("get", "/v1/rooms/{room_name}/meetings/{meeting_id}"): "404",
    ("post", "/v1/rooms/{room_name}/meetings/{meeting_id}/join"): "400 404 502 503",
    ("patch", "/v1/meetings/{meeting_id}/deactivate"): "401 403 404",
    ("get", "/v1/recordings"): "401 422",
    ("get", "/v1/recordings/{recording_id}"): "401 403 404",
    ("post", "/v1/meetings/{meeting_id}/consent"): "404 422",
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
    ("post", "/v1/transcripts/{transcript_id}/process"): "400 401 403 404",
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
    ("get", "/v1/config"): "",
    ("get", "/health"): "",
}


@pytest.fixture(scope="module")
def document():
    written = StringIO()
    call_command("spectacular", validate=True, fail_on_warn=True, stdout=written)
    return yaml.safe_load(written.getvalue())


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
    assert document["components"]["schemas"]["CreateRoomRequest"]["required"] == ["name"]
    assert "required" not in document["components"]["schemas"]["PatchedUpdateRoomRequest"]


def test_document_and_page_are_served_from_here():
    answer = api_for().get("/v1/schema?format=json")
    assert answer.status_code == 200
    assert json.loads(answer.content)["openapi"].startswith("3.")
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
