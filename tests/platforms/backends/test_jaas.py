"""Jitsi as a Service: its tokens, its webhooks as its documentation shows them, and the contract."""

import base64
import json
import re
import time
from datetime import UTC, datetime, timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from django.utils.datastructures import CaseInsensitiveMapping

from meetings.models import Meeting
from platforms import signing
from platforms.backends.jaas import JaasClient
from platforms.events import (
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingReady,
    RecordingStarted,
)
from platforms.exceptions import PlatformNotConfigured, WebhookRejected
from platforms.health import states
from platforms.models import WebhookEvent
from platforms.testing import ExampleRoom, SignedWebhook, WebhookContract
from platforms.types import JoinRequest
from platforms.work.models import run_due
from rooms.models import Room
from tests.conftest import api_for
from tests.support import product_settings
from tests.support.live import ROOT

PAYLOADS = ROOT / "tests" / "payloads" / "jaas"
PEM = (ROOT / "platforms" / "sandbox" / "jaas" / "key.pem").read_text()
PUBLIC_KEY = load_pem_private_key(PEM.encode(), None).public_key()
APP_ID = "vpaas-magic-cookie-c2824d584eac4489a1e32e4e164d5a3c"
OPTIONS = {"app_id": APP_ID, "key_id": "4f4910", "private_key": PEM}
SECRET = "jaas secret"
FOREVER = 1e10  # seconds
OTHER_PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIE0=\n-----END PRIVATE KEY-----\n"

# Made with `openssl dgst -sha256 -hmac 'jaas secret' -binary | base64` over "1632490060." and the bytes.
MADE_ELSEWHERE = {
    '{"idempotencyKey":"1","eventType":"PARTICIPANT_JOINED","data":{"name":"Zoë"}}': (
        "ysolKIyzpBIbSfiyv3TF0P5V+C69Gesm6+HUckhSiVo="
    ),
    '{"event": "test"}': "7xgQw78Io7lIHVFlWD3/ltO8OpL6xGjiOzAQMZIlZx8=",
}


def make_client(**options):
    options = {**OPTIONS, "webhook_secrets": [SECRET], **options}
    return JaasClient(JaasClient.options_class.from_options("jaas", options))


def sign(body, secret=SECRET, at=None):
    seconds = str(int(at or time.time()))
    digest = bytes.fromhex(signing.sign_hex(secret, seconds.encode() + b"." + body))
    return f"t={seconds},v1={base64.b64encode(digest).decode()}"


def payload(name):
    return (PAYLOADS / f"{name}.json").read_bytes()


class TestJaasKeepsTheContract(WebhookContract):
    client_class = JaasClient
    options = OPTIONS
    payloads = PAYLOADS

    def sign_webhook(self, body, secret):
        signature = sign(body, secret)
        return SignedWebhook({"X-Jaas-Signature": signature}, signature)


# Tokens


def request_to_join(client, **changes):
    meeting = client.create_meeting("Stand_up", datetime.now(UTC) + timedelta(hours=8), ExampleRoom())
    request = {
        "room_name": meeting.room_name,
        "room_url": meeting.room_url,
        "host_room_url": meeting.host_room_url,
        "settings": ExampleRoom(recording_type="cloud", recording_trigger="automatic"),
        "expires_at": datetime.now(UTC) + timedelta(hours=1),
        "user_id": "7",
        "user_name": "Zoë",
    }
    return JoinRequest(**{**request, **changes})


def token_of(link):
    return link.url.partition("?jwt=")[2]


def claims_of(link):
    return jwt.decode(token_of(link), PUBLIC_KEY, algorithms=["RS256"], audience="jitsi", issuer="chat")


def test_a_token_is_what_the_documentation_asks_for():
    client = make_client()
    request = request_to_join(client, is_owner=True)
    link = client.join_link(request)
    assert link.url.startswith(f"https://8x8.vc/{APP_ID}/stand-up-")
    assert jwt.get_unverified_header(token_of(link)) == {"alg": "RS256", "kid": f"{APP_ID}/4f4910", "typ": "JWT"}
    claims = claims_of(link)
    assert (claims["sub"], claims["room"]) == (APP_ID, request.room_name)
    assert claims["exp"] == int(request.expires_at.timestamp())
    assert claims["nbf"] <= time.time()
    assert claims["context"]["user"] == {"id": "7", "name": "Zoë", "moderator": "true"}
    assert claims["context"]["features"]["recording"] == "true"
    assert {value for name, value in claims["context"]["features"].items() if name != "recording"} == {"false"}


def test_a_key_id_may_be_whole_as_the_console_shows_it():
    client = make_client(key_id="another-app/4f4910")
    assert jwt.get_unverified_header(token_of(client.join_link(request_to_join(client))))["kid"] == "another-app/4f4910"


@pytest.mark.parametrize(
    ("is_owner", "recording", "trigger", "starts", "feature", "parameters"),
    [
        (True, "cloud", "automatic", True, "true", {"recording": "automatic"}),
        (True, "cloud", "automatic", False, "true", {}),
        (True, "cloud", "automatic-2nd-participant", True, "true", {"recording": "automatic"}),
        (True, "cloud", "automatic-2nd-participant", False, "true", {}),
        (False, "cloud", "automatic-2nd-participant", True, "false", {}),
        (True, "cloud", "prompt", True, "true", {"recording": "prompt"}),
        (True, "cloud", "none", True, "true", {}),
        (True, "none", "automatic", True, "false", {}),
        (False, "cloud", "automatic", True, "false", {}),
    ],
)
def test_only_a_moderator_records_and_only_where_the_room_says_so(
    is_owner, recording, trigger, starts, feature, parameters
):
    client = make_client()
    settings = ExampleRoom(recording_type=recording, recording_trigger=trigger)
    link = client.join_link(request_to_join(client, is_owner=is_owner, settings=settings, starts_recording=starts))
    context = claims_of(link)["context"]
    assert context["user"]["moderator"] == ("true" if is_owner else "false")
    assert (context["features"]["recording"], link.parameters) == (feature, parameters)


def test_somebody_who_is_not_signed_in_has_no_id():
    client = make_client()
    link = client.join_link(request_to_join(client, user_id=None, user_name=None))
    assert claims_of(link)["context"]["user"] == {"moderator": "false"}


def test_a_deployment_of_ones_own_has_its_own_address():
    client = make_client(api_url="https://meet.example.com", app_id="rooms")
    request = request_to_join(client)
    assert client.join_link(request).url.startswith("https://meet.example.com/rooms/stand-up-")
    assert client.page_sources(request.room_url) == {"script-src": ["https://meet.example.com"]}


@pytest.mark.parametrize("key", ["no key", "", OTHER_PEM])
def test_a_key_that_cannot_sign_is_named_and_not_shown(key):
    client = make_client(private_key=key)
    with pytest.raises(PlatformNotConfigured, match=r"JAAS_PRIVATE_KEY is no RSA private key in PEM\.") as caught:
        client.join_link(request_to_join(client))
    assert not key or key not in str(caught.value)
    assert PEM not in repr(client.config)


# Settings


def options_with(**variables):
    return product_settings.read({**variables, "SANDBOX_ENABLED": "false"})["VIDEO_PLATFORMS"]["jaas"]["OPTIONS"]


def test_a_private_key_is_given_as_text_or_as_a_file(tmp_path):
    file = tmp_path / "key.pem"
    file.write_text(PEM)
    for value in (PEM, PEM.strip().replace("\n", "\\n"), str(file)):
        key = options_with(JAAS_PRIVATE_KEY=value)["private_key"]
        assert make_client(private_key=key).join_link(request_to_join(make_client()))


@pytest.mark.parametrize("value", ["/nowhere/key.pem", "secret", "-----BEGIN RSA PRIVATE KEY-----\\nx", OTHER_PEM])
def test_a_bad_private_key_ends_the_start_with_its_name(value):
    with pytest.raises(SystemExit, match=r"^Settings: JAAS_PRIVATE_KEY must be an RSA private key in PEM") as caught:
        options_with(JAAS_PRIVATE_KEY=value)
    assert "secret" not in str(caught.value)


def test_without_a_webhook_secret_staff_are_told():
    assert make_client().warnings() == []
    assert "JAAS_WEBHOOK_SECRET" in make_client(webhook_secrets=()).warnings()[0]


# Signatures


@pytest.mark.parametrize("body", MADE_ELSEWHERE)
def test_signatures_made_elsewhere_are_believed(body):
    client = make_client(webhook_window=FOREVER)
    signature = f"t=1632490060,v1={MADE_ELSEWHERE[body]}"
    assert client.verify_webhook_signature(body.encode(), signature) is True
    assert client.verify_webhook_signature(body.encode() + b" ", signature) is False
    assert client.verify_webhook_signature(body.encode(), signature.replace("t=1", "t=2")) is False
    assert client.verify_webhook_signature(body.encode(), signature.replace("v1=", "v0=")) is False


@pytest.mark.parametrize("name", sorted(path.stem for path in PAYLOADS.glob("*.json")))
def test_each_documented_event_is_believed_as_it_was_signed_and_in_no_other_form(name):
    client, body = make_client(), payload(name)
    client.authenticate_webhook(body, CaseInsensitiveMapping({"x-jaas-signature": sign(body)}))
    for changed, signature in (
        (body.replace(b"vpaas", b"vpaaS"), sign(body)),
        (json.dumps(json.loads(body)).encode(), sign(body)),
        (body, sign(body, "another secret")),
        (body, sign(body, at=time.time() - 301)),
        (body, sign(body, at=time.time() + 301)),
    ):
        with pytest.raises(WebhookRejected) as caught:
            client.authenticate_webhook(changed, CaseInsensitiveMapping({"X-Jaas-Signature": signature}))
        assert caught.value.status == 401


# Events


def heard(name):
    [event] = make_client().parse_webhook(payload(name))
    return event


def at(milliseconds):
    return datetime.fromtimestamp(milliseconds / 1000, UTC)


def test_who_joins_and_leaves_is_one_person():
    joined, left = heard("PARTICIPANT_JOINED"), heard("PARTICIPANT_LEFT")
    assert (type(joined), type(left)) == (ParticipantJoined, ParticipantLeft)
    for event in (joined, left):
        assert (event.room_name, event.session_id) == ("testroom2", "3988218d")
        assert (event.user_id, event.user_name) == ("uniqueUserIdentifier", "John Doe")
    assert (joined.joined_at, left.left_at) == (at(1600951818143), at(1600952723655))


def test_a_call_begins_and_ends():
    started, ended = heard("ROOM_CREATED"), heard("ROOM_DESTROYED")
    assert (type(started), type(ended)) == (MeetingStarted, MeetingEnded)
    assert started.session_id == ended.session_id == "c3348153-1027-4382-afad-5ae91b433c26"


@pytest.mark.parametrize(
    "name",
    [
        *("ROOM_CREATED.breakout", "ROOM_DESTROYED.breakout", "PARTICIPANT_JOINED.breakout"),
        *("PARTICIPANT_LEFT.switch_room", "PARTICIPANT_JOINED_LOBBY", "PARTICIPANT_LEFT_LOBBY"),
        *("RECORDING_ENDED", "TRANSCRIPTION_UPLOADED", "CHAT_UPLOADED", "LIVE_STREAM_STARTED"),
    ],
)
def test_what_changes_nothing_here_is_said_to(name):
    assert isinstance(heard(name), Ignored)
    assert heard(name).reason


def test_who_leaves_from_a_breakout_room_has_left():
    assert isinstance(heard("PARTICIPANT_LEFT.from_breakout"), ParticipantLeft)


def test_a_recording_is_heard_of_when_it_starts_and_when_its_link_is_there():
    started, ready = heard("RECORDING_STARTED"), heard("RECORDING_UPLOADED")
    assert (type(started), started.started_at) == (RecordingStarted, at(1623751315624))
    assert type(ready) is RecordingReady
    assert (ready.recording_id, ready.duration, ready.started_at) == ("nkdsnfkdfkjdsfdsjklds", 15, at(1612175247396))
    assert ready.download_url.endswith("/testroom2_2021-02-01-10-27-27.mp4")
    assert "example.com" not in repr(ready).replace(repr(ready.raw), "")
    ref = make_client().recording_of_event(ready)
    assert (ref.kind, ref.room_name, ref.download_url) == ("file", "testroom2", ready.download_url)


def test_a_recording_without_a_name_has_one_of_its_own():
    event = json.loads(payload("RECORDING_UPLOADED"))
    del event["data"]["recordingSessionId"]
    names = []
    for start in (1, 1, 2):
        event["data"]["startTimestamp"] = start
        [ready] = make_client().parse_webhook(json.dumps(event).encode())
        names.append(ready.recording_id)
    assert names[0] == names[1] != names[2]


def test_a_repeated_event_is_known_by_its_idempotency_key():
    first = json.loads(payload("PARTICIPANT_JOINED"))
    again = {**first, "timestamp": first["timestamp"] + 1}
    other = {**first, "idempotencyKey": "another"}
    keys = [make_client().summarize_webhook(json.dumps(event).encode()).key for event in (first, again, other)]
    assert keys[0] == keys[1] != keys[2]


# In the product


@pytest.fixture
def room(owner, settings):
    block = {"BACKEND": "platforms.backends.jaas.JaasClient", "OPTIONS": {**OPTIONS, "webhook_secrets": [SECRET]}}
    settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "jaas": block}
    return Room.objects.create(name="standup", owner=owner, platform="jaas", recording_type="cloud")


def send(client, event):
    body = json.dumps(event).encode()
    headers = {"X-Jaas-Signature": sign(body)}
    return client.post("/v1/jaas/webhook", body, content_type="application/json", headers=headers)


@pytest.mark.django_db(transaction=True)
def test_a_meeting_opens_without_a_call_and_counts_by_webhooks_once_each(room, owner, colleague, client):
    opened = api_for(owner).post("/v1/rooms/standup/meeting", {})
    assert opened.status_code == 200, opened.content
    meeting = Meeting.objects.get(pk=opened.json()["id"])
    link = api_for(colleague).post(f"/v1/rooms/standup/meetings/{meeting.pk}/join").json()
    assert jwt.decode(link["room_url"].partition("?jwt=")[2], PUBLIC_KEY, algorithms=["RS256"], audience="jitsi")
    page = client.get(f"/standup/{meeting.pk}")
    assert re.search(r"script-src [^;]*https://8x8\.vc[ ;]", page["Content-Security-Policy"])
    assert re.search(r"frame-src [^;]*https://8x8\.vc", page["Content-Security-Policy"])
    assert "platforms/jaas.js" in page.text
    for address in ("/", "/login"):
        assert "8x8" not in client.get(address, follow=True)["Content-Security-Policy"]

    event = json.loads(payload("PARTICIPANT_JOINED"))
    event |= {"fqn": f"{APP_ID}/{meeting.room_name}", "timestamp": int(time.time() * 1000)}
    for _ in range(2):
        assert send(client, event).status_code == 200
    run_due(WebhookEvent)
    meeting.refresh_from_db()
    assert meeting.num_clients == 1


@pytest.mark.django_db(transaction=True)
def test_what_another_platform_cannot_open_opens_here_and_the_other_way_round(room, owner, settings):
    settings.VIDEO_PLATFORM_FAILOVER = ["jaas", "mock"]
    elsewhere = Room.objects.create(name="elsewhere", owner=owner, platform="mock")
    states.cordon("mock")
    assert api_for(owner).post("/v1/rooms/elsewhere/meeting", {}).json()["platform"] == "jaas"
    states.uncordon("mock")
    states.cordon("jaas")
    opened = api_for(owner).post("/v1/rooms/standup/meeting", {}).json()
    assert opened["platform"] == "mock"
    reason = Meeting.objects.get(pk=opened["id"]).platform_reason
    assert reason.startswith("Chosen for this room. Jitsi as a Service is cordoned.")
    assert elsewhere.platform == "mock"
