"""Webhooks from Whereby: which are believed, what tells them apart, and what they say."""

import json
import time
from datetime import UTC, datetime

import pytest
from django.utils.datastructures import CaseInsensitiveMapping

from platforms.events import (
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingReady,
)
from platforms.exceptions import WebhookRejected
from tests.support.whereby_provider import PAYLOADS, client_for, payload, sign

BODY = b'{"id":"1","type":"room.client.joined","data":{}}'
FOREVER = 1e10  # seconds

# Made with `openssl dgst -sha256 -hmac 'whereby secret'` over "1767323045." and the bytes.
ZOE = "f3c5cc7218ca696c9b1c46674dd46ad71cde95bf493461aa131c43db00efe054"  # {"id":"1","data":{"displayName":"Zoë"}}
ZOE_ESCAPED = "f93214c69cd9b6c41bdea5b1ffef799741a737ce0799d64faba1ee06ca46b154"  # the same with \u00eb
COMPACT = "f831eccf436fd9942789259c19b609f24face14e1bee594556644407026a6c57"  # {"event":"test"}
SPACED = "9a933ac990a579cf3c77e04bea1f8e91aae06d9aca72ec837f29f47461e7f14d"  # {"event": "test"}


@pytest.fixture
def client():
    return client_for(None)


# Signatures


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ('{"id":"1","data":{"displayName":"Zoë"}}', ZOE),
        ('{"id":"1","data":{"displayName":"Zo\\u00eb"}}', ZOE_ESCAPED),
        ('{"event": "test"}', SPACED),
    ],
)
def test_signatures_made_elsewhere_are_believed(body, signature):
    client = client_for(None, webhook_secrets=["whereby secret"], webhook_window=FOREVER)
    assert client.verify_webhook_signature(body.encode(), f"t=1767323045,v1={signature}") is True


def test_a_signature_does_not_cover_spaces_that_were_not_signed_for_another_body():
    client = client_for(None, webhook_secrets=["whereby secret"], webhook_window=FOREVER)
    assert client.verify_webhook_signature(b'{"event":"tests"}', f"t=1767323045,v1={COMPACT}") is False
    assert client.verify_webhook_signature(b'{"event":"test"}', f"t=1767323045,v1={SPACED}") is False


@pytest.mark.parametrize(
    ("body", "signature"),
    [
        ('{ "id": "1", "data": {"displayName": "Zoë"} }', ZOE),
        ('{"id":"1","data":{"displayName":"Zo\\u00eb"}}', ZOE),
        ('{"id":"1","data":{"displayName":"Zoë"}}', ZOE_ESCAPED),
        ('{\n  "event": "test"\n}\n', COMPACT),
    ],
)
def test_a_signature_does_not_cover_the_same_in_another_form(body, signature):
    client = client_for(None, webhook_secrets=["whereby secret"], webhook_window=FOREVER)
    assert client.verify_webhook_signature(body.encode(), f"t=1767323045,v1={signature}") is False


def parts():
    time_part, signature_part = sign(BODY).signature.split(",")
    return time_part, signature_part


@pytest.mark.parametrize(
    "form",
    [
        "{t},{v1}",
        "{t}, {v1}",
        " {t} , {v1} ",
        "{v1},{t}",
        "{t},{v1},v2=bbbb",
        "{t},v0=aaaa,{v1}",
        "v2=bbbb,{v1},{t},",
        "{t},v1=00,{v1}",
        "{t},{v1},v1=00",
    ],
)
def test_the_parts_of_a_signature_come_in_any_order_beside_others(client, form):
    t, v1 = parts()
    assert client.verify_webhook_signature(BODY, form.format(t=t, v1=v1)) is True


@pytest.mark.parametrize(
    "form", ["{t},v1={HEX}", "{t},v1=\xa0{hex}", "{t},v1={hex}\x85", "t=\xa0{t},v1={hex}", "t=0{t},{v1}"]
)
def test_each_delivery_has_one_signature_with_a_secret(client, form):
    t, v1 = (part.partition("=")[2] for part in parts())
    header = form.format(t=t if "t=" in form else f"t={t}", v1=f"v1={v1}", hex=v1, HEX=v1.upper())
    assert client.verify_webhook_signature(BODY, header) is False


@pytest.mark.parametrize(("age", "when"), [(65, "65 s ago"), (-65, "65 s ahead")])
def test_staff_are_told_by_how_much_the_clocks_differ(client, age, when):
    with pytest.raises(WebhookRejected) as caught:
        client.authenticate_webhook(BODY, sign(BODY, at=time.time() - age).headers)
    assert when in caught.value.advice.replace("64 s", "65 s").replace("66 s", "65 s")
    assert "WHEREBY_WEBHOOK_WINDOW_SECONDS" in caught.value.advice
    assert "WHEREBY" not in str(caught.value)


@pytest.mark.parametrize(
    "form",
    ["{t}", "{v1}", "{t},v2={hex}", "t=,{v1}", "t=x{t},{v1}", "t=-5,{v1}", "t=1e9,{v1}", "{t};{v1}", "{t},{hex}"],
)
def test_a_signature_without_a_time_or_a_version_1_is_wrong(client, form):
    t, v1 = parts()
    assert client.verify_webhook_signature(BODY, form.format(t=t, v1=v1, hex=v1.removeprefix("v1="))) is False


@pytest.mark.parametrize(("age", "believed"), [(0, True), (50, True), (-50, True), (70, False), (-70, False)])
def test_a_signature_is_believed_for_a_minute_either_way(client, age, believed):
    assert client.verify_webhook_signature(BODY, sign(BODY, at=time.time() - age).signature) is believed


def test_the_window_is_an_option():
    client = client_for(None, webhook_window=600)
    assert client.verify_webhook_signature(BODY, sign(BODY, at=time.time() - 500).signature) is True


def test_another_time_than_the_one_that_was_signed_is_wrong(client):
    t, v1 = parts()
    assert client.verify_webhook_signature(BODY, f"t={int(t.removeprefix('t=')) + 1},{v1}") is False


def status_of_refusal(client, headers):
    with pytest.raises(WebhookRejected) as caught:
        client.authenticate_webhook(BODY, CaseInsensitiveMapping(headers))
    return caught.value.status


def test_the_header_is_found_in_any_case(client):
    client.authenticate_webhook(BODY, CaseInsensitiveMapping({"whereby-signature": sign(BODY).signature}))


def test_a_missing_header_is_a_bad_request_and_a_wrong_one_unauthorized(client):
    assert status_of_refusal(client, {"Whereby-Signatur": sign(BODY).signature}) == 400
    assert status_of_refusal(client, {"Whereby-Signature": "t=1,v1=00"}) == 401
    assert status_of_refusal(client, {"Whereby-Signature": sign(BODY, "other").signature}) == 401


def test_without_a_secret_every_webhook_is_refused():
    client = client_for(None, webhook_secrets=[])
    assert status_of_refusal(client, {"Whereby-Signature": sign(BODY, "").signature}) == 401


def test_a_header_of_many_parts_is_refused_quickly(client):
    header = f"t={int(time.time())}" + ",v1=aa" * 10_000
    body = b"x" * 1_000_000
    started = time.process_time()
    assert client.verify_webhook_signature(body, header) is False
    assert time.process_time() - started < 1


# What tells events apart


def test_an_event_is_identified_by_its_id_and_type(client):
    body = payload("room.client.joined")
    summary = client.summarize_webhook(body)
    assert summary.type == "room.client.joined"
    assert summary.event_id == json.loads(body)["id"]
    assert summary.key == client.summarize_webhook(json.dumps(json.loads(body), indent=4).encode()).key


def test_no_two_events_have_the_same_key(client):
    keys = {client.summarize_webhook(file.read_bytes()).key for file in PAYLOADS.glob("*.json")}
    assert len(keys) == len(list(PAYLOADS.glob("*.json")))


def test_one_id_for_two_types_is_two_events(client):
    keys = {client.summarize_webhook(b'{"id":"1","type":"%s"}' % kind).key for kind in (b"a", b"b")}
    assert len(keys) == 2


def test_an_event_without_an_id_is_identified_by_its_bytes(client):
    first, second = b'{"type":"a","data":1}', b'{"type":"a","data":2}'
    keys = [client.summarize_webhook(body).key for body in (first, second, first)]
    assert keys[0] == keys[2] != keys[1]


def test_long_ids_that_begin_alike_are_told_apart(client):
    keys = {client.summarize_webhook(b'{"id":"%s"}' % (b"x" * 300 + end)).key for end in (b"1", b"2")}
    assert len(keys) == 2


# What events say

ROOM = "/team-3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11"


def event_of(client, body):
    [event] = client.parse_webhook(body)
    return event


def test_every_event_has_the_room_the_time_and_the_payload(client):
    for file in PAYLOADS.glob("*.json"):
        body = file.read_bytes()
        event = event_of(client, body)
        assert event.platform == "whereby"
        assert event.room_name == ROOM
        assert event.meeting_id == json.loads(body)["data"].get("meetingId", "")
        assert event.occurred_at == datetime.fromisoformat(json.loads(body)["createdAt"])
        assert event.raw == json.loads(body)


def test_someone_who_joins_is_a_person_with_a_session_of_their_own(client):
    event = event_of(client, payload("room.client.joined"))
    assert isinstance(event, ParticipantJoined)
    assert event.session_id == "3c6f9f5e-1c1a-4b62-9f2e-6f1f6a0f1c01"
    assert event.user_id == "7d2a6a4e-0e0c-4c1e-8b8e-5f2b1a9d0c02"
    assert event.user_name == "Zoë"
    assert event.joined_at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert event.is_bot is False
    assert event.present == 2


def test_someone_who_leaves_without_being_known(client):
    event = event_of(client, payload("room.client.left", displayName=""))
    assert isinstance(event, ParticipantLeft)
    assert event.session_id == "3c6f9f5e-1c1a-4b62-9f2e-6f1f6a0f1c01"
    assert (event.user_id, event.user_name) == (None, None)
    assert event.joined_at is None
    assert event.left_at == datetime(2026, 1, 2, 3, 34, 5, 678000, UTC)
    assert event.present == 1


@pytest.mark.parametrize("role", ["recorder", "streamer", "captioner", "assistant"])
def test_a_machine_is_no_person(client, role):
    assert event_of(client, payload("room.client.joined", roleName=role)).is_bot is True


@pytest.mark.parametrize("role", ["owner", "member", "host", "visitor", "granted_visitor", "viewer", "granted_viewer"])
def test_everybody_else_is_a_person(client, role):
    assert event_of(client, payload("room.client.joined", roleName=role)).is_bot is False


@pytest.mark.parametrize(
    ("count", "by_role", "present"),
    [
        (0, {}, 0),
        (1, {"host": 1}, 1),
        (3, {"host": 1, "visitor": 1, "recorder": 1}, 2),
        (4, {"visitor": 2, "streamer": 1, "captioner": 1}, 2),
        (1, {"recorder": 1}, 0),
        (2, {"visitor": 2, "recorder": 1}, 2),  # were bots not in the count
        (5, {"recorder": 1}, 4),  # were roles of people not all listed
        (3, None, 3),
        ("3", None, 3),
        (3.0, "x", 3),
        (None, {"host": 2, "recorder": 1}, 2),
        (None, None, None),
        ("many", [], None),
        (-1, None, 0),
        (1e300, None, None),
        (10_001, None, None),
        (2, {"host": "x", "visitor": 2}, 2),
    ],
)
def test_the_count_is_of_people_only(client, count, by_role, present):
    body = payload("room.client.joined", numClients=count, numClientsByRoleName=by_role)
    assert event_of(client, body).present == present


def test_a_session_starts_and_ends(client):
    started = event_of(client, payload("room.session.started"))
    assert isinstance(started, MeetingStarted)
    assert started.session_id == "8d1f6f0e-52a1-4a6e-8f60-0d7c1c1b2a33"
    ended = event_of(client, payload("room.session.ended"))
    assert isinstance(ended, MeetingEnded)
    assert ended.session_id == started.session_id


def test_a_recording_that_is_finished_is_known_by_its_file_name(client):
    event = event_of(client, payload("recording.finished"))
    assert isinstance(event, RecordingReady)
    assert event.s3_key == "team-3f0c2b1e-7a54-4c1d-9a53-2f6f2f0a9d11-2026-01-02T03:04:12Z.mp4"
    assert event.recording_id == "c0a7d1e5-84c8-4e0f-9a35-6a1f8f1d2b05"
    assert event.recording_type == "cloud"
    assert event.tracks is None


def test_a_recording_without_a_status_is_finished_and_one_with_another_is_not(client):
    assert isinstance(event_of(client, payload("recording.finished", status=None)), RecordingReady)
    event = event_of(client, payload("recording.finished", status="failed"))
    assert isinstance(event, Ignored)
    assert "failed" in event.reason


IGNORED = [
    *("room.client.knocked", "room.client.knockCancelled", "assistant.requested"),
    *("transcription.started", "transcription.finished", "transcription.failed"),
]


@pytest.mark.parametrize("name", IGNORED)
def test_what_changes_nothing_here_is_ignored_with_a_reason(client, name):
    event = event_of(client, payload(name))
    assert isinstance(event, Ignored)
    assert event.reason
    assert "not known" not in event.reason


def test_an_unknown_event_is_ignored_by_name(client):
    event = event_of(client, b'{"id":"1","type":"room.exploded","data":{}}')
    assert isinstance(event, Ignored)
    assert "room.exploded" in event.reason


@pytest.mark.parametrize("name", ["room.client.joined", "room.client.left"])
def test_an_event_that_names_no_participant_is_ignored(client, name):
    event = event_of(client, payload(name, participantId=None))
    assert isinstance(event, Ignored)
    assert "participant" in event.reason


def test_an_event_that_names_no_room_is_ignored(client):
    event = event_of(client, payload("room.client.joined", roomName=None, meetingId=None))
    assert isinstance(event, Ignored)
    assert "room" in event.reason


def test_an_event_with_a_meeting_but_no_room_name_is_told(client):
    event = event_of(client, payload("room.client.joined", roomName=None))
    assert isinstance(event, ParticipantJoined)
    assert (event.room_name, event.meeting_id) == ("", "82490894")


def test_an_event_without_a_readable_time_cannot_be_put_in_order_and_is_ignored(client):
    body = payload("room.client.joined").replace(b"2026-01-02T03:04:05.678Z", b"yesterday")
    event = event_of(client, body)
    assert isinstance(event, Ignored)
    assert event.occurred_at.tzinfo is not None


def test_staff_are_told_how_to_register_by_hand(client):
    text = client.webhook_instructions("https://rooms.example.com/v1/whereby")
    assert "https://rooms.example.com/v1/whereby" in text
    assert "WHEREBY_WEBHOOK_SECRET" in text
    assert "room.client.joined" in text
    assert "transcription" not in text


def test_webhooks_arrive_at_the_older_route_too(client):
    assert client.webhook_paths == ("whereby",)
    assert client.supports_webhook_registration is False
