"""Daily's deliveries: which are believed, and what tells one from another."""

import json
import time
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.utils.datastructures import CaseInsensitiveMapping

from platforms.exceptions import WebhookRejected
from tests.support.daily import SECRET, body, offline_client, older_signature_of, payload, signature_of, signed

OTHER_SECRET = "c2Vjb25kIHNlY3JldA=="
ROOM = "standup-20260101090000-a1b2c3"
ADA = "0f0c4f2e-6d1b-4f3a-8f5e-1b2c3d4e5f60"
MEETING = "16e9701a-93e0-4933-83c9-223e7c40d552"
RECORDING = "5b1c0d52-8d11-4b6e-9d35-7f0e5a2b9c01"
INSTANCE = "9a1b2c3d-4e5f-4a6b-8c7d-0e1f2a3b4c5d"
KEY = f"acme/{ROOM}/1767258070123"


@pytest.fixture
def client():
    return offline_client()


def at(seconds):
    return datetime.fromtimestamp(seconds, UTC)


# Signatures: the vectors of the fact sheet

STAMP = "1767225600123"
PROBE = b'{"test":"test"}'
BODY_A = (
    b'{"version":"1.0.0","type":"participant.joined",'
    b'"id":"ptcpt-join-00000000-0000-4000-8000-000000000001-1767225600100","payload":'
    b'{"room":"standup-20260101000000","user_id":"u-1","user_name":"Ada",'
    b'"session_id":"00000000-0000-4000-8000-000000000001","joined_at":1767225600.1,"will_eject_at":null,"owner":false,'
    b'"permissions":{"hasPresence":true,"canSend":true,"canReceive":{"base":true},"canAdmin":false}},'
    b'"event_ts":1767225600.123}'
)
VECTORS = [
    (PROBE, "XXuoOEp2EwTFVURR7KhMl8DelX0pzqkcBQzlzEIzUO4="),
    (BODY_A, "Qs9GUL2k6sw7n/xPdusgt+5l5xYhxzcoeFyUQkbsqzg="),
]
OLDER_VECTOR = "2b64d5a5b30e69f2d9eae1a1bbf5fd3638b84ac52877ef45e3ca6807004535e6"


@pytest.fixture
def on_that_day():
    """The moment at which the vectors were signed."""
    with patch("time.time", return_value=1767225601.0):
        yield


def test_the_vectors_are_those_of_the_fact_sheet():
    assert len(BODY_A) == 426
    assert SECRET == "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


@pytest.mark.usefixtures("on_that_day")
@pytest.mark.parametrize(("content", "signature"), VECTORS, ids=["probe", "event"])
def test_known_signatures_are_believed(client, content, signature):
    assert client.verify_webhook_signature(content, signature, STAMP) is True
    headers = {"x-webhook-signature": signature, "x-webhook-timestamp": STAMP}
    client.authenticate_webhook(content, CaseInsensitiveMapping(headers))


@pytest.mark.usefixtures("on_that_day")
@pytest.mark.parametrize(("content", "signature"), VECTORS, ids=["probe", "event"])
def test_known_signatures_fit_no_other_time_body_or_secret(client, content, signature):
    assert client.verify_webhook_signature(content, signature, "1767225600124") is False
    assert client.verify_webhook_signature(content + b" ", signature, STAMP) is False
    other = offline_client(webhook_secrets=[OTHER_SECRET])
    assert other.verify_webhook_signature(content, signature, STAMP) is False


def test_the_known_older_signature_is_believed_where_it_is_allowed():
    client = offline_client(accept_unstamped_signature=True)
    assert client.verify_webhook_signature(BODY_A, OLDER_VECTOR) is True
    assert client.verify_webhook_signature(BODY_A, OLDER_VECTOR.upper()) is False
    assert client.verify_webhook_signature(BODY_A + b" ", OLDER_VECTOR) is False


def test_the_older_signature_is_refused_by_default(client):
    assert client.verify_webhook_signature(BODY_A, OLDER_VECTOR) is False


@pytest.mark.usefixtures("on_that_day")
def test_the_older_signature_does_not_pass_for_the_real_one():
    client = offline_client(accept_unstamped_signature=True)
    assert client.verify_webhook_signature(BODY_A, OLDER_VECTOR, STAMP) is False


# Signatures: time


@pytest.mark.parametrize("age", [0, 15 * 60, 60 * 60, 119 * 60, -60])
def test_a_late_repetition_is_still_believed(client, age):
    client.authenticate_webhook(BODY_A, CaseInsensitiveMapping(signed(BODY_A, age)))


@pytest.mark.parametrize("age", [121 * 60, 24 * 3600, -121 * 60], ids=["stale", "of yesterday", "from the future"])
def test_a_signature_of_another_time_is_refused(client, age):
    assert status_for(client, signed(BODY_A, age)) == 401


def test_the_time_may_be_in_seconds(client):
    stamp = str(int(time.time()))
    assert client.verify_webhook_signature(BODY_A, signature_of(BODY_A, stamp), stamp) is True


# Headers


def status_for(client, headers, content=BODY_A):
    with pytest.raises(WebhookRejected) as caught:
        client.authenticate_webhook(content, CaseInsensitiveMapping(headers))
    return caught.value.status


@pytest.mark.parametrize("missing", ["X-Webhook-Signature", "X-Webhook-Timestamp"])
def test_a_missing_header_is_a_bad_request(client, missing):
    headers = signed(BODY_A)
    del headers[missing]
    assert status_for(client, headers) == 400
    assert status_for(client, {**headers, missing: ""}) == 400


@pytest.mark.parametrize("signature", ["x", "===", "Zm9v", "é", OLDER_VECTOR, "," * 1000])
def test_a_wrong_or_malformed_signature_is_unauthorized(client, signature):
    assert status_for(client, {**signed(BODY_A), "X-Webhook-Signature": signature}) == 401


@pytest.mark.parametrize("stamp", ["x", "-1", "1e12", "1767225600.123", "٣", "9" * 400, " "])
def test_a_malformed_time_is_unauthorized(client, stamp):
    headers = {"X-Webhook-Timestamp": stamp, "X-Webhook-Signature": signature_of(BODY_A, stamp)}
    assert status_for(client, headers) == 401


def test_every_secret_of_a_rotation_is_valid():
    client = offline_client(webhook_secrets=["not base64!", OTHER_SECRET, SECRET])
    for secret in (SECRET, OTHER_SECRET):
        client.authenticate_webhook(BODY_A, CaseInsensitiveMapping(signed(BODY_A, secret=secret)))


def test_a_secret_that_is_not_base64_believes_nothing_and_breaks_nothing():
    assert status_for(offline_client(webhook_secrets=["test-secret"]), signed(BODY_A)) == 401


OLDER = {"X-Daily-Signature": older_signature_of(BODY_A)}


def test_an_older_delivery_is_a_bad_request_where_it_is_not_allowed(client):
    assert status_for(client, OLDER) == 400


def test_an_older_delivery_is_believed_where_it_is_allowed():
    offline_client(accept_unstamped_signature=True).authenticate_webhook(BODY_A, CaseInsensitiveMapping(OLDER))


def test_a_wrong_older_delivery_is_unauthorized_and_an_empty_one_a_bad_request():
    client = offline_client(accept_unstamped_signature=True)
    assert status_for(client, {"X-Daily-Signature": "0" * 64}) == 401
    assert status_for(client, {"X-Daily-Signature": ""}) == 400
    assert status_for(client, {}) == 400


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({**signed(BODY_A), "X-Webhook-Signature": "Zm9v"}, 401),
        ({**signed(BODY_A, 24 * 3600)}, 401),
        ({"X-Webhook-Timestamp": STAMP}, 400),
        ({"X-Webhook-Signature": ""}, 400),
        ({"X-Webhook-Timestamp": ""}, 400),
    ],
)
def test_the_older_signature_never_mends_the_real_one(headers, status):
    client = offline_client(accept_unstamped_signature=True)
    assert status_for(client, {**headers, **OLDER}) == status


def test_a_refusal_quotes_no_secret_and_no_signature(client):
    headers = {**signed(BODY_A), "X-Webhook-Signature": "c29tZXRoaW5n"}
    with pytest.raises(WebhookRejected) as caught:
        client.authenticate_webhook(BODY_A, CaseInsensitiveMapping(headers))
    assert SECRET not in str(caught.value)
    assert "c29tZXRoaW5n" not in str(caught.value)


# The probe


@pytest.mark.parametrize("content", [PROBE, b'{ "test": "test" }\n', body("probe")])
def test_the_providers_probe_is_known(client, content):
    assert client.is_webhook_probe(content) is True


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"null", b"[]", b'{"test":"other"}', b'{"test":"test","type":"meeting.ended"}', BODY_A]
)
def test_nothing_else_is_taken_for_the_probe(client, content):
    assert client.is_webhook_probe(content) is False


# Keys


def test_an_event_is_summarized_with_the_providers_words(client):
    summary = client.summarize_webhook(body("participant.joined"))
    assert summary.type == "participant.joined"
    assert summary.event_id == f"ptcpt-join-{ADA}-1767258062001"


def test_a_delivery_that_is_repeated_later_has_the_same_key(client):
    event = payload("participant.joined")
    again = json.dumps({**event, "event_ts": event["event_ts"] + 900}).encode()
    assert client.summarize_webhook(again).key == client.summarize_webhook(body("participant.joined")).key


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("recording.ready-to-download.cloud", {"recording_id": "another"}),
        ("recording.ready-to-download.cloud", {"room_name": "another"}),
        ("recording.started", {"recording_id": "another"}),
        ("recording.error", {"room_name": "another"}),
        ("participant.joined", {"session_id": "another"}),
        ("early.participant.left", {"participant_id": "another"}),
        ("meeting.started", {"meeting_id": "another"}),
    ],
)
def test_two_things_that_share_an_event_id_have_two_keys(client, name, changes):
    event = payload(name)
    other = {**event, "payload": {**event["payload"], **changes}}
    first, second = (client.summarize_webhook(json.dumps(e).encode()) for e in (event, other))
    assert first.event_id == second.event_id
    assert first.key != second.key


def test_the_type_is_part_of_the_key(client):
    event = payload("meeting.started")
    other = {**event, "type": "meeting.ended"}
    assert (
        client.summarize_webhook(json.dumps(other).encode()).key
        != client.summarize_webhook(body("meeting.started")).key
    )


def test_events_without_an_id_are_told_apart_by_their_bytes(client):
    keys = {client.summarize_webhook(content).key for content in (b"{}", b"[]", b"", b'{"type":"x"}', b'{"a":1}')}
    assert len(keys) == 5
