"""Daily's rooms: what is asked for, and what becomes of every answer; and the promises that all clients keep."""

import logging
import re
from datetime import UTC, datetime, timedelta

import pytest

from platforms.backends.daily import DailyClient
from platforms.exceptions import PlatformRejected, PlatformUnavailable
from platforms.testing import ExampleRoom, SignedWebhook
from tests.support.contracts import DailyContract
from tests.support.daily import (
    API_KEY,
    PAYLOADS,
    DailyStub,
    client_for,
    offline_client,
    payload,
    refusal,
    signed,
    taken,
)
from tests.support.stub_provider import Answer

END = datetime(2030, 1, 1, 17, 30, 15, 900_000, tzinfo=UTC)
EXP = 1893519015
BUCKET = {"s3_bucket": "b", "s3_region": "eu-west-1", "aws_role_arn": "arn:aws:iam::123456789012:role/Daily"}


@pytest.fixture
def provider():
    with DailyStub() as stub:
        yield stub


@pytest.fixture
def client(provider):
    return client_for(provider)


class TestContract(DailyContract):
    client_class = DailyClient
    options = {"api_key": API_KEY}
    payloads = PAYLOADS

    @pytest.fixture(autouse=True)
    def provider(self):
        with DailyStub() as stub:
            self.options = {**self.options, "api_url": stub.url}
            yield stub

    def sign_webhook(self, body, secret):
        headers = signed(body, secret=secret)
        return SignedWebhook(headers, headers["X-Webhook-Signature"], headers["X-Webhook-Timestamp"])


def create(client, prefix="standup", **settings):
    return client.create_meeting(prefix, END, ExampleRoom(**settings))


def created_with(provider, client, **settings):
    """The properties of the room that was asked for."""
    create(client, **settings)
    return provider.sent("POST", "/rooms")[-1].json["properties"]


# Making a room


def test_a_public_room_without_recording_is_asked_for_field_by_field(provider, client):
    create(client)
    [request] = provider.sent("POST")
    assert request.path == "/rooms"
    assert request.headers["authorization"] == f"Bearer {API_KEY}"
    name = request.json["name"]
    assert request.json == {
        "name": name,
        "privacy": "public",
        "properties": {
            "exp": EXP,
            "eject_at_room_exp": True,
            "enable_knocking": False,
            "enable_chat": True,
            "enable_screenshare": True,
            "start_video_off": False,
            "start_audio_off": False,
        },
    }


def test_a_locked_room_is_private_and_people_knock(provider, client):
    create(client, is_locked=True)
    [request] = provider.sent("POST")
    assert request.json["privacy"] == "private"
    assert request.json["properties"]["enable_knocking"] is True


def test_the_expiry_is_whole_seconds(provider, client):
    assert type(created_with(provider, client)["exp"]) is int


def test_the_meeting_has_the_providers_ids_and_one_address_for_all(provider, client):
    provider.on("POST", "/rooms", Answer(200, payload("answers/room")))
    meeting = create(client)
    assert meeting.meeting_id == "7d0b2c3e-5a0f-4a51-9a54-0a2f6d2c9b11"
    assert meeting.room_name == "standup-20260101090000-a1b2c3"
    assert meeting.room_url == meeting.host_room_url == "https://acme.daily.co/standup-20260101090000-a1b2c3"
    assert meeting.platform == "daily"


@pytest.mark.parametrize(
    "answer",
    [
        *(None, [], {}),
        {"id": "1", "name": "x"},
        {"name": "x", "url": "https://acme.daily.co/x"},
        {"id": "1", "url": "https://acme.daily.co/x"},
        {"id": "1", "name": "x", "url": "javascript:alert(1)"},
    ],
)
def test_a_room_that_lacks_what_joining_needs_is_not_taken_for_one(provider, client, answer):
    provider.on("POST", "/rooms", Answer(200, answer))
    with pytest.raises(PlatformUnavailable, match="without saying its id, name and url"):
        create(client)


# Names


def test_a_name_is_the_prefix_the_time_and_chance(client):
    before = datetime.now(UTC).replace(microsecond=0)
    name = create(client).room_name
    assert re.fullmatch(r"standup-\d{14}-[0-9a-f]{6}", name)
    stamp = name.split("-")[1]
    made_at = datetime.strptime(stamp, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    assert before <= made_at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("prefix", "start"),
    [
        ("Team_Standup-2", "Team_Standup-2-"),
        ("Zoë's café", "Zoe-s-cafe-"),
        ("a/../b?c#d", "a-b-c-d-"),
        ("日本", "room-"),
        ("", "room-"),
        ("--_--", "room-"),
    ],
)
def test_a_prefix_keeps_what_the_provider_takes(client, prefix, start):
    assert re.fullmatch(re.escape(start) + r"\d{14}-[0-9a-f]{6}", create(client, prefix).room_name)


@pytest.mark.parametrize("length", [105, 106, 107, 1000])
def test_a_long_prefix_is_cut_so_that_the_name_fits(client, length):
    name = create(client, "x" * length).room_name
    assert len(name) <= 128
    assert name.startswith("x" * min(length, 106) + "-")


# Recording


@pytest.mark.parametrize("options", [{}, BUCKET, {**BUCKET, "recording_mode": "raw-tracks"}])
def test_a_room_that_is_not_recorded_says_nothing_of_recording(provider, options):
    properties = created_with(provider, client_for(provider, **options), recording_type="none")
    assert not {"enable_recording", "recordings_bucket"} & set(properties)


def test_a_local_recording_needs_no_bucket(provider):
    properties = created_with(provider, client_for(provider, **BUCKET), recording_type="local")
    assert properties["enable_recording"] == "local"
    assert "recordings_bucket" not in properties


def test_a_cloud_recording_goes_to_the_configured_bucket(provider):
    properties = created_with(provider, client_for(provider, **BUCKET), recording_type="cloud")
    assert properties["enable_recording"] == "cloud"
    assert properties["recordings_bucket"] == {
        "bucket_name": "b",
        "bucket_region": "eu-west-1",
        "assume_role_arn": "arn:aws:iam::123456789012:role/Daily",
        "allow_api_access": True,
    }


@pytest.mark.parametrize("lacking", ["s3_bucket", "aws_role_arn"])
def test_without_bucket_and_role_a_cloud_recording_stays_with_the_provider(provider, lacking):
    properties = created_with(provider, client_for(provider, **BUCKET | {lacking: ""}), recording_type="cloud")
    assert properties["enable_recording"] == "cloud"
    assert "recordings_bucket" not in properties


def test_raw_tracks_are_recorded_where_they_are_wanted_and_have_a_bucket(provider):
    client = client_for(provider, **BUCKET, recording_mode="raw-tracks")
    properties = created_with(provider, client, recording_type="cloud")
    assert properties["enable_recording"] == "raw-tracks"
    assert properties["recordings_bucket"]["bucket_name"] == "b"


def test_raw_tracks_without_a_bucket_fall_back_to_one_file(provider):
    client = client_for(provider, recording_mode="raw-tracks")
    assert created_with(provider, client, recording_type="cloud")["enable_recording"] == "cloud"


# Names that are taken, answers that are lost


def test_a_name_that_is_taken_is_replaced_by_another(provider, client):
    someone_elses = {**payload("answers/room"), "config": {"exp": EXP + 1}}
    provider.on("POST", "/rooms", taken, provider.rooms.create)
    provider.on("GET", "/rooms/*", Answer(200, someone_elses))
    meeting = create(client)
    first, second = (request.json["name"] for request in provider.sent("POST"))
    assert first != second == meeting.room_name


def test_a_name_that_was_taken_by_a_room_now_gone_is_replaced_as_well(provider, client):
    provider.on("POST", "/rooms", taken, provider.rooms.create)
    assert create(client).room_name == provider.sent("POST")[1].json["name"]
    assert len(provider.sent("POST")) == 2


def test_names_are_not_tried_for_ever(provider, client):
    provider.on("POST", "/rooms", taken)
    with pytest.raises(PlatformRejected, match="every name"):
        create(client)
    assert len({request.json["name"] for request in provider.sent("POST")}) == 3


def test_a_room_whose_answer_was_lost_is_found_again(provider, client):
    provider.on("POST", "/rooms", provider.rooms.create_and_lose_the_answer, provider.rooms.create)
    meeting = create(client)
    assert [request.method for request in provider.requests] == ["POST", "POST", "GET"]
    assert list(provider.rooms.rooms) == [meeting.room_name]
    assert meeting.meeting_id == provider.rooms.rooms[meeting.room_name]["id"]


def test_an_error_while_looking_for_the_lost_room_is_told(provider, client):
    provider.on("POST", "/rooms", taken)
    provider.on("GET", "/rooms/*", refusal(403, "forbidden-error", "not yours"))
    with pytest.raises(PlatformRejected, match="not yours"):
        create(client)


# Refusals


REFUSALS = {
    "no credentials": (400, "authorization-header-error", "missing authorization header"),
    "wrong credentials": (401, "authentication-error", "invalid api key"),
    "forbidden": (403, "forbidden-error", "this plan does not include it"),
    "not found": (404, "not-found", "no such thing"),
    "bad JSON": (400, "json-parsing-error", "unexpected token"),
    "bad expiry": (400, "invalid-request-error", "exp should be a number of seconds since the unix epoch"),
    "bad bucket": (400, "invalid-request-error", "unable to upload test file to bucket"),
    "room cap": (400, "invalid-request-error", "max number of rooms reached"),
    "unknown property": (400, "invalid-request-error", '"start_cloud_recording" is not allowed'),
}


@pytest.mark.parametrize(("status", "error", "info"), REFUSALS.values(), ids=REFUSALS)
def test_a_refused_room_is_final_and_says_why(provider, client, status, error, info):
    provider.on("POST", "/rooms", refusal(status, error, info))
    with pytest.raises(PlatformRejected) as caught:
        create(client)
    assert caught.value.status == status
    assert caught.value.platform == "daily"
    assert info.replace('"', "") in str(caught.value).replace('\\"', "").replace('"', "")
    assert len(provider.sent("POST")) == 1


FAILURES = {
    "too many calls": (429, "rate-limit-error", "slow down"),
    "server error": (500, "server-error", "oops"),
    "bad gateway": (502, "server-error", "oops"),
    "no workers": (503, "server-error", "no recording workers"),
}


@pytest.mark.parametrize(("status", "error", "info"), FAILURES.values(), ids=FAILURES)
def test_a_failure_that_may_pass_is_tried_again(provider, client, status, error, info):
    provider.on("POST", "/rooms", refusal(status, error, info), provider.rooms.create)
    meeting = create(client)
    assert [request.json["name"] for request in provider.sent("POST")] == [meeting.room_name] * 2


@pytest.mark.parametrize(("status", "error", "info"), FAILURES.values(), ids=FAILURES)
def test_a_failure_that_stays_is_told_as_unavailable(provider, client, status, error, info):
    provider.on("POST", "/rooms", refusal(status, error, info))
    with pytest.raises(PlatformUnavailable) as caught:
        create(client)
    assert caught.value.retry_after > 0


def test_the_key_is_in_no_error_and_no_log(provider, client, caplog):
    caplog.set_level(logging.DEBUG)
    provider.on("POST", "/rooms", refusal(401, "authentication-error", f"the key {API_KEY} is wrong"))
    with pytest.raises(PlatformRejected) as caught:
        create(client)
    assert API_KEY not in str(caught.value)
    assert API_KEY not in caplog.text


# Changing and closing a room


def test_extending_moves_the_expiry_and_nothing_else(provider, client):
    name = create(client).room_name
    client.extend_meeting(name, END + timedelta(hours=1))
    request = provider.sent("POST")[-1]
    assert request.path == f"/rooms/{name}"
    assert request.json == {"properties": {"exp": EXP + 3600}}


def test_extending_is_repeated_when_its_answer_is_lost(provider, client):
    provider.on("POST", "/rooms/x", refusal(500, "server-error", "oops"), Answer(200, payload("answers/room")))
    client.extend_meeting("x", END)
    assert len(provider.sent("POST")) == 2


def test_a_room_that_is_gone_cannot_be_extended(provider, client):
    with pytest.raises(PlatformRejected) as caught:
        client.extend_meeting("gone", END)
    assert caught.value.status == 404


def test_a_room_is_deleted_by_its_name(provider, client):
    meeting = create(client)
    assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
    assert [request.path for request in provider.sent("DELETE")] == [f"/rooms/{meeting.room_name}"]
    assert provider.rooms.rooms == {}


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, "not-found", "room not found"),
        Answer(404, {"error": "not-found", "info": "room not found", "deleted": True}),
        Answer(400, {"error": "invalid-request-error", "info": "room expired", "deleted": True}),
    ],
)
def test_a_room_that_is_gone_counts_as_deleted(provider, client, answer):
    provider.on("DELETE", "/rooms/x", answer)
    assert client.delete_room("x") is True


def test_a_refused_deletion_is_told(provider, client):
    provider.on("DELETE", "/rooms/x", refusal(403, "forbidden-error", "not yours"))
    with pytest.raises(PlatformRejected, match="not yours"):
        client.delete_room("x")


def test_a_deletion_that_is_rate_limited_is_tried_again(provider, client):
    provider.on("DELETE", "/rooms/x", refusal(429, "rate-limit-error", "slow"), Answer(200, {"deleted": True}))
    assert client.delete_room("x") is True
    assert len(provider.sent("DELETE")) == 2


def test_a_name_cannot_reach_another_path(provider, client):
    client.delete_room("../webhooks/1")
    assert [request.path for request in provider.requests] == ["/rooms/..%2Fwebhooks%2F1"]


# Configuration


def test_the_providers_own_address_is_the_default():
    assert offline_client().api.base_url == "https://api.daily.co/v1"


def test_a_complete_configuration_has_no_warnings(provider):
    assert client_for(provider, **BUCKET, recording_mode="raw-tracks").warnings() == []
    assert client_for(provider).warnings() == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"recording_mode": "raw-tracks"}, ["DAILY_RECORDING_MODE", "AWS_DAILY_S3_BUCKET", "AWS_DAILY_ROLE_ARN"]),
        ({"s3_bucket": "b"}, ["AWS_DAILY_S3_BUCKET is set but AWS_DAILY_ROLE_ARN is not"]),
        ({"aws_role_arn": "arn"}, ["AWS_DAILY_ROLE_ARN is set but AWS_DAILY_S3_BUCKET is not"]),
        ({"webhook_secrets": []}, ["DAILY_WEBHOOK_SECRET is not set"]),
        ({"webhook_secrets": ["c2VjcmV0", "test-secret"]}, ["DAILY_WEBHOOK_SECRET", "not base64"]),
    ],
)
def test_a_configuration_that_works_but_not_as_expected_is_told(provider, options, words):
    [warning] = client_for(provider, **options).warnings()
    assert all(word in warning for word in words)
    assert "test-secret" not in warning
