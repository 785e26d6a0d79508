"""Whatever is sent, the answer is a valid one: malformed bodies, and databases and caches that are away."""

import json

import pytest
from django.core.validators import MinValueValidator
from django.db import connection

from rooms.api.input import _kept
from rooms.api.pagination import PageQuery
from rooms.models import Room
from tests.conftest import api_for, error

STRINGS = [
    "\x00",
    "a\x00b",
    "\ud800",
    "a\udfff",
    "\uffff",
    "\u202e",
    "x" * 100_000,
    "{0.__class__}",
    "%s%n",
    "' OR 1=1--",
]
NUMBERS = [10**4000, -(10**400), 2**63, -(2**63) - 1, 1e308, 0.1]
SHAPES: list[object] = [None, True, [], {}, [[[[]]]], {"a": {"b": ["\ud800"]}}, ["\x00"] * 1000]
TEXT_FIELDS = ["name", "platform", "room_mode", "recording_type", "webhook_url", "ics_url", "webhook_secret"]
OTHER_FIELDS = ["is_locked", "ics_fetch_interval", "zulip_stream", "email_transcript_to"]


def post(api, path, content, content_type="application/json"):
    return api.post(path, content, content_type=content_type)


@pytest.mark.parametrize("field", TEXT_FIELDS + OTHER_FIELDS)
def test_no_value_of_any_field_is_an_error_of_the_server(owner, field):
    api = api_for(owner)
    api.raise_request_exception = False
    room = Room.objects.create(name="standup", owner=owner)
    for value in [*STRINGS, *NUMBERS, *SHAPES]:
        answer = api.patch(f"/v1/rooms/{room.pk}", json.dumps({field: value}), content_type="application/json")
        assert answer.status_code in {200, 422}, (field, str(value)[:50], answer.status_code)
        if answer.status_code == 422:
            assert {problem["loc"][1] for problem in answer.json()["detail"]} == {field}
            assert len(answer.content) < 2000
        answer = post(api, "/v1/rooms", json.dumps({"name": "weekly", field: value}))
        assert answer.status_code in {200, 400, 422}, (field, str(value)[:50], answer.status_code)
        Room.objects.filter(name="weekly").delete()


@pytest.mark.parametrize("value", [*STRINGS[:4], *NUMBERS[:4], *SHAPES[2:]])
@pytest.mark.parametrize("field", TEXT_FIELDS)
def test_what_no_database_can_keep_is_refused_by_name(owner, field, value):
    body = json.dumps({"name": "weekly", field: value})
    answer = post(api_for(owner), "/v1/rooms", body)
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"][:2] == ["body", field]


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"",
        b"nope",
        b"\xff\xfe{}",
        b'{"name": NaN}',
        b'{"name": Infinity}',
        b'{"name": ' + b"9" * 5000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 5000 + b"1" + b"}" * 5000,
        b'{"name": "a", "x": ' + b"[" * 40 + b"]" * 40 + b"}",
        b'{"name": "a"} trailing',
    ],
)
def test_what_is_not_json_is_422(owner, content):
    for path in ("/v1/rooms", "/v1/auth/login", "/v1/user/api-keys"):
        answer = post(api_for(owner), path, content)
        assert answer.status_code == 422
        (problem,) = answer.json()["detail"]
        assert problem["loc"] == ["body"]
        assert problem["type"] == ("json_invalid" if content else "missing")


@pytest.mark.parametrize("content", [b"null", b"[]", b'"text"', b"1", b"true", b'[{"name": "a"}]'])
def test_a_body_that_is_no_object_is_422(owner, content):
    for path in ("/v1/rooms", "/v1/auth/login", "/v1/user/api-keys"):
        answer = post(api_for(owner), path, content)
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body"]


def test_a_byte_order_mark_does_no_harm(owner):
    assert post(api_for(owner), "/v1/rooms", b'\xef\xbb\xbf{"name": "weekly"}').status_code == 200


def test_a_body_that_is_too_large_is_413(owner):
    answer = post(api_for(owner), "/v1/rooms", b'{"name": "' + b"a" * 2_000_000 + b'"}')
    assert answer.status_code == 413
    assert answer.json().keys() == {"detail", "code"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_another_content_type_is_415(owner, content_type):
    answer = post(api_for(owner), "/v1/rooms", b"name=a", content_type)
    assert answer.status_code == 415
    assert answer.json().keys() == {"detail", "code"}


@pytest.mark.skipif("connection.vendor != 'postgresql'", reason="SQLite is never away")
@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_503():
    connection.close()
    away = {**connection.settings_dict, "PORT": "1"}
    here, connection.settings_dict = connection.settings_dict, away
    try:
        answer = api_for().get("/v1/rooms/name/standup")
    finally:
        connection.close()
        connection.settings_dict = here
    assert answer.status_code == 503
    assert int(answer["Retry-After"]) >= 1
    assert answer.json() == error("The service is not available for a moment. Please try again.")


def test_the_words_of_rules_that_threads_share_are_written_already():
    rules = [rule for field in _kept(PageQuery).fields.values() for rule in field.validators]
    words = [rule.message.result for rule in rules if isinstance(rule, MinValueValidator)]
    assert words == ["Ensure this value is greater than or equal to 1."] * 2
