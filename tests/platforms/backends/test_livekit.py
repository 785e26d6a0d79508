"""LiveKit: its calls and recordings against the sandbox, its events as they were captured from its protocol.

LiveKit's own SDK for Python says whether what is signed here, and what the sandbox sends, is as its server has it.
"""

import base64
import hashlib
import hmac
import json
import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from livekit.api import TokenVerifier, WebhookReceiver

from meetings.opening import open_meeting
from platforms.backends.livekit import LiveKitClient
from platforms.events import (
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingFailed,
    RecordingReady,
    RecordingStarted,
)
from platforms.exceptions import PlatformRejected, PlatformUnavailable, UnsupportedCapability, WebhookRejected
from platforms.sandbox.livekit.tokens import KEY, SECRET
from platforms.sandbox.server import running_sandbox
from platforms.testing import (
    ClosingContract,
    CredentialCheckContract,
    ExampleRoom,
    ExtensionContract,
    PresenceContract,
    RecordingBucketContract,
    RecordingListingContract,
    RecordingStartContract,
    RoomLookupContract,
    SignedWebhook,
    WebhookContract,
)
from platforms.types import MeetingData
from rooms.models import Room
from rooms.rollout.decide import decide
from tests.sandbox.product import Product
from tests.support import product_settings
from tests.support.live import wait_until
from tests.support.stub_provider import Answer, StubProvider

PAYLOADS = Path(__file__).parents[2] / "payloads" / "livekit"
BUCKET = "sandbox-livekit"
INSTANCE = "3f1a2b4c-5d6e-4f70-8a9b-0c1d2e3f4a5b"
NOW = 1767258000  # when the captured webhooks were signed


@pytest.fixture(scope="module")
def running():
    with running_sandbox(time_scale=0.01) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running):
    """Nothing that another test had go wrong goes wrong still."""
    for provider in running.providers.values():
        provider.context.faults.reset()
    return running


def signed(body, secret, key=KEY, **claims):
    """A webhook's token, made by hand: what another key or another algorithm would sign, no library need agree to."""
    now = int(time.time())
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    parts = [{"alg": "HS256", "typ": "JWT"}, {"iss": key, "nbf": now, "exp": now + 300, "sha256": digest, **claims}]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    signature = base64.urlsafe_b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + signature).decode()


class TestLiveKit(
    CredentialCheckContract,
    PresenceContract,
    RoomLookupContract,
    ClosingContract,
    ExtensionContract,
    RecordingListingContract,
    RecordingStartContract,
    RecordingBucketContract,
    WebhookContract,
):
    client_class = LiveKitClient
    payloads = PAYLOADS
    BODY = b'{"id":"1","event":"unheard.of"}'

    @pytest.fixture(autouse=True)
    def provider(self, sandbox):
        self.options = options_of(sandbox)
        return sandbox

    def sign_webhook(self, body, secret):
        token = signed(body, secret)
        return SignedWebhook({"Authorization": token}, token)


def options_of(sandbox):
    return {
        "api_url": f"{sandbox.url}/livekit",
        "api_key": KEY,
        "api_secret": SECRET,
        "s3_bucket": BUCKET,
        "aws_access_key_id": "sandbox",
        "aws_access_key_secret": "sandbox",
    }


def client_of(sandbox=None, **changes):
    real = {"api_url": "wss://acme.livekit.cloud", "api_key": "APIacme", "api_secret": "s" * 43}
    contract = TestLiveKit()
    contract.options = {**(options_of(sandbox) if sandbox else real), "webhook_secrets": (), **changes}
    return contract.make_client(webhook_secrets=contract.options["webhook_secrets"])


@pytest.fixture
def client(sandbox):
    return client_of(sandbox)


@pytest.fixture
def opened(client):
    return client.create_meeting("standup", in_hours(8), ExampleRoom())


def in_hours(hours):
    return datetime.now(UTC) + timedelta(hours=hours)


def come(sandbox, meeting, name="Ada", user_id=None):
    room = sandbox.world.room("livekit", meeting.room_name)
    return sandbox.world.join(room, name, user_id=user_id)


# Rooms


def test_a_room_stays_until_its_end_and_an_extension_moves_that(sandbox, client):
    meeting = client.create_meeting("Stand-up!", in_hours(2), ExampleRoom(room_mode="normal"))
    room = sandbox.world.room("livekit", meeting.room_name)
    assert meeting.room_name.startswith("Stand-up-20")
    assert (room.provider["empty_timeout"], room.provider["departure_timeout"]) == (7199, 7199) or (7200, 7200)
    assert (room.rules.capacity, meeting.meeting_id) == (4, room.provider["sid"])
    client.extend_meeting(meeting.room_name, in_hours(3))
    assert room.provider["departure_timeout"] > 10_000
    assert (room.rules.capacity, room.provider["sid"]) == (4, meeting.meeting_id)


def test_a_room_that_was_closed_is_gone_and_everybody_was_sent_out(sandbox, client, opened):
    ada = come(sandbox, opened)
    assert client.delete_room(opened.room_name)
    assert ada.ejected
    assert not client.has_room(opened.room_name)


def test_who_is_in_is_known_by_the_id_that_the_token_named(sandbox, client, opened):
    come(sandbox, opened, "Zoë", "u-1")
    [person] = client.get_presence(opened.room_name)
    assert (person.user_name, person.user_id, person.session_id[:3]) == ("Zoë", "u-1", "PA_")
    [session] = client.get_room_sessions(opened.room_name)
    assert session.started_at == person.joined_at


def test_a_recorder_is_nobody(stub_server):
    recorder = {"sid": "PA_1", "kind": "EGRESS", "state": "ACTIVE"}
    older = {"sid": "PA_2", "permission": {"recorder": True}, "state": "ACTIVE"}
    left = {"sid": "PA_3", "state": "DISCONNECTED"}
    caller = {"sid": "PA_4", "kind": "SIP", "name": "+49 30", "joinedAt": "1767258062"}
    stub_server.says({"participants": [recorder, older, left, caller]})
    [person] = stub_server.client.get_presence("standup")
    assert (person.session_id, person.joined_at.timestamp()) == ("PA_4", 1767258062)


@pytest.fixture
def stub_server():
    class Server(StubProvider):
        def says(self, answer, status=200):
            self.on("POST", "/twirp/*", Answer(status, answer))

    with Server() as stub:
        stub.client = client_of(api_url=stub.url, s3_bucket="recordings/meetings")
        yield stub


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (401, {"code": "unauthenticated", "msg": "invalid token"}, PlatformRejected),
        (403, {"code": "permission_denied", "msg": "permissions denied"}, PlatformRejected),
        (503, {"code": "unavailable", "msg": "no response from servers"}, PlatformUnavailable),
        (200, {}, PlatformUnavailable),
    ],
)
def test_what_goes_wrong_while_opening_is_told_as_an_error(stub_server, status, answer, error):
    stub_server.says(answer, status)
    with pytest.raises(error) as caught:
        stub_server.client.create_meeting("standup", in_hours(1), ExampleRoom())
    assert "s" * 43 not in str(caught.value)


# Tokens, by LiveKit's own SDK


def test_each_call_bears_a_token_for_what_it_does_and_nothing_else(stub_server):
    stub_server.says({"sid": "RM_1", "name": "standup-1", "items": []})
    client = stub_server.client
    client.create_meeting("standup", in_hours(1), ExampleRoom())
    client.get_presence("standup-1")
    client.has_room("standup-1")
    list(client.list_recordings())
    found = [claims_of(request.headers["authorization"].removeprefix("Bearer ")) for request in stub_server.requests]
    granted = [{name: value for name, value in vars(claims.video).items() if value} for claims in found]
    usual = dict.fromkeys(("can_publish", "can_subscribe", "can_publish_data"), True)
    assert granted == [
        {"room_create": True} | usual,
        {"room_admin": True, "room": "standup-1"} | usual,
        {"room_list": True} | usual,
        {"room_record": True} | usual,
    ]


def claims_of(token):
    return TokenVerifier("APIacme", "s" * 43).verify(token)


def test_a_person_comes_by_a_token_for_one_room_until_it_ends():
    client = client_of()
    meeting = TestLiveKit().request_to_join(example_meeting("wss://acme.livekit.cloud/standup-1"))
    request = replace(meeting, room_name="standup-1", user_name="Zoë", user_id="7")
    link, again = client.join_link(request), client.join_link(request)
    claims = claims_of(link.parameters["token"])
    assert (claims.name, json.loads(claims.metadata)) == ("Zoë", {"user_id": "7"})
    assert (claims.video.room_join, claims.video.room, claims.video.room_admin) == (True, "standup-1", None)
    # A second tab must not send the first out.
    assert claims.identity != claims_of(again.parameters["token"]).identity
    assert link.parameters["server"] == "wss://acme.livekit.cloud"
    assert link.url == request.room_url
    ended = client.join_link(replace(request, expires_at=in_hours(-1)))
    lasts = jwt.decode(ended.parameters["token"], options={"verify_signature": False})
    assert lasts["exp"] - lasts["nbf"] == 1


def example_meeting(url):
    return MeetingData("RM_1", "standup-1", url, url, "livekit")


@pytest.mark.parametrize(
    ("url", "sources"),
    [
        (
            "wss://acme.livekit.cloud",
            [
                "wss://acme.livekit.cloud",
                "https://acme.livekit.cloud",
                "wss://*.livekit.cloud",
                "https://*.livekit.cloud",
            ],
        ),
        ("https://rtc.example.com:7443", ["wss://rtc.example.com:7443", "https://rtc.example.com:7443"]),
        ("ws://localhost:7880", ["ws://localhost:7880", "http://localhost:7880"]),
    ],
)
def test_the_page_may_reach_the_server_and_no_other(url, sources):
    assert client_of(api_url=url).page_sources(f"{url}/standup-1") == {"connect-src": sources}


def test_in_the_sandbox_the_token_stands_in_the_pages_address(sandbox):
    client = client_of(sandbox, simulated=True)
    meeting = client.create_meeting("standup", in_hours(1), ExampleRoom())
    request = TestLiveKit().request_to_join(meeting)
    query = dict(parse_qsl(urlsplit(client.join_link(request).url).query))
    admission = sandbox.providers["livekit"].admit(meeting.room_name, query)
    assert (admission.name, admission.user_id) == ("Zoë", "7")
    assert client.page_sources(meeting.room_url) == {}


# Recordings


def test_a_recording_is_begun_once_and_known_from_the_list_and_from_the_bucket(sandbox, client, opened):
    assert client.needs_recording_start(ExampleRoom(recording_type="cloud", recording_trigger="automatic"))
    come(sandbox, opened)
    instance = str(uuid.uuid4())
    answer = client.start_recording(opened.room_name, "cloud", instance)
    assert client.start_recording(opened.room_name, "cloud", instance) is None
    client.delete_room(opened.room_name)
    ref = wait_until(lambda: next(iter(client.list_recordings(opened.room_name)), None), seconds=30)
    assert (ref.recording_id, ref.bucket, ref.room_name) == (answer["recordingId"], BUCKET, opened.room_name)
    assert client.get_recording(ref.recording_id) == ref
    assert client.recording_objects(ref.recording_id) == [ref.key]
    told = client.recording_at(ref.key)
    assert (told.room_name, told.started_at, told.key) == (ref.room_name, ref.started_at, ref.key)
    [stored] = sandbox.storage.client("s3").list_objects_v2(Bucket=BUCKET, Prefix=opened.room_name)["Contents"]
    assert stored["Key"] == ref.key


def test_of_two_that_were_begun_at_once_the_first_stays(stub_server):
    """Each sees the other after it began, and both stop the same one."""
    ours, others = (listed_egress(f"EG_{name}") for name in ("bbb", "aaa"))
    stub_server.says({"participants": [{"sid": "PA_1", "state": "ACTIVE"}]})
    stub_server.on("POST", "/twirp/livekit.Egress/ListEgress", Answer(json={}), Answer(json={"items": [ours, others]}))
    stub_server.on("POST", "/twirp/livekit.Egress/StartRoomCompositeEgress", Answer(json=ours))
    assert stub_server.client.start_recording("standup", "cloud", INSTANCE) is None
    [stopped] = stub_server.sent("POST", "/twirp/livekit.Egress/StopEgress")
    assert stopped.json == {"egress_id": "EG_bbb"}


def listed_egress(egress_id):
    output = {"filepath": f"meetings/standup/20260101T090110Z-{INSTANCE}.mp4"}
    return {"egress_id": egress_id, "status": "EGRESS_STARTING", "room_composite": {"file_outputs": [output]}}


def test_what_is_asked_of_egress(stub_server):
    stub_server.says({"participants": [{"sid": "PA_1", "state": "ACTIVE"}]})
    stub_server.on("POST", "/twirp/livekit.Egress/ListEgress", Answer(json={}))
    stub_server.on("POST", "/twirp/livekit.Egress/StartRoomCompositeEgress", Answer(json=listed_egress("EG_1")))
    stub_server.client.start_recording("standup", "cloud", INSTANCE, with_video=False)
    [sent] = stub_server.sent("POST", "/twirp/livekit.Egress/StartRoomCompositeEgress")
    [file] = sent.json["file_outputs"]
    assert file["filepath"].startswith("meetings/standup/20")
    assert file["filepath"].endswith(f"Z-{INSTANCE}.mp4")
    assert file["s3"] == {"bucket": "recordings", "region": ""}  # egress has a key of its own there
    assert (sent.json["audio_only"], file["disable_manifest"]) == (True, True)


def test_without_a_bucket_nothing_is_recorded_and_staff_are_told():
    client = client_of()
    assert client.warnings() == ["AWS_LIVEKIT_S3_BUCKET is not set: meetings on LiveKit cannot be recorded."]
    with pytest.raises(UnsupportedCapability, match="AWS_LIVEKIT_S3_BUCKET"):
        client.start_recording("standup", "cloud", INSTANCE)
    with pytest.raises(UnsupportedCapability, match="not into tracks"):
        client.start_recording("standup", "raw-tracks", INSTANCE)


def test_a_recorder_that_is_busy_may_be_asked_again(sandbox, client, opened):
    come(sandbox, opened)
    sandbox.providers["livekit"].context.faults.change({"busy_recorders": 1})
    with pytest.raises(PlatformUnavailable):
        client.start_recording(opened.room_name, "cloud", INSTANCE)
    assert client.start_recording(opened.room_name, "cloud", INSTANCE)


# Events


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("room_started", Ignored, {"reason": "Nobody is in the room yet."}),
        ("room_finished", MeetingEnded, {"session_id": "RM_hycBMAjmt6Ub"}),
        (
            "participant_joined",
            ParticipantJoined,
            {"session_id": "PA_cUFVp8LdLb7s", "user_id": "u-1", "user_name": "Ada", "is_bot": False},
        ),
        ("participant_joined.recorder", ParticipantJoined, {"is_bot": True, "user_name": None}),
        ("participant_left", ParticipantLeft, {"session_id": "PA_cUFVp8LdLb7s", "user_id": "u-1"}),
        ("participant_connection_aborted", ParticipantLeft, {"session_id": "PA_cUFVp8LdLb7s"}),
        ("track_published", Ignored, {}),
        ("track_unpublished", Ignored, {}),
        ("egress_started", RecordingStarted, {"recording_id": "EG_4xYzAbCdEfGh", "instance_id": INSTANCE}),
        ("egress_updated", Ignored, {}),
        ("egress_ended", RecordingReady, {"recording_id": "EG_4xYzAbCdEfGh", "duration": 60.0}),
        ("egress_ended.limit-reached", RecordingReady, {"recording_id": "EG_4xYzAbCdEfGh", "duration": 60.0}),
        (
            "egress_ended.failed",
            RecordingFailed,
            {"instance_id": INSTANCE, "error": "upload failed: AccessDenied: Access Denied"},
        ),
        ("egress_ended.aborted", RecordingFailed, {"error": "Start signal not received"}),
        ("egress_ended.stopped-early", Ignored, {"reason": "It was stopped before it recorded anything."}),
        ("egress_ended.somebody-elses", Ignored, {"reason": "It is no recording that was asked for here."}),
        ("ingress_started", Ignored, {}),
        ("ingress_ended", Ignored, {}),
    ],
)
def test_every_documented_event_is_understood(name, kind, said):
    body = (PAYLOADS / f"{name}.json").read_bytes()
    [event] = client_of().parse_webhook(body)
    assert type(event) is kind
    assert {field: getattr(event, field) for field in said} == said
    if not name.startswith("ingress"):
        assert event.room_name == "standup-20260101090000-a1b2c3"
        assert event.meeting_id == "RM_hycBMAjmt6Ub"
    assert event.occurred_at.timestamp() == int(json.loads(body)["createdAt"])


def test_a_room_that_somebody_is_in_has_begun():
    body = (PAYLOADS / "room_started.json").read_bytes().replace(b'"metadata": ""', b"").replace(
        b'"name": "standup', b'"numParticipants": 1, "name": "standup'
    )  # fmt: skip
    [event] = client_of().parse_webhook(body)
    assert type(event) is MeetingStarted


def test_a_finished_recording_is_the_object_in_the_bucket():
    client = client_of(s3_bucket="recordings")
    [event] = client.parse_webhook((PAYLOADS / "egress_ended.json").read_bytes())
    ref = client.recording_of_event(event)
    assert (ref.bucket, ref.key) == ("recordings", event.s3_key)
    assert client.recording_at(ref.key).room_name == ref.room_name
    assert ref.started_at.isoformat() == "2026-01-01T09:01:11.500000+00:00"


# Signatures


def captured(name):
    held = json.loads((PAYLOADS / "signed" / f"{name}.json").read_text())
    return (PAYLOADS / held["body"]).read_bytes(), {"Authorization": held["authorization"]}


@pytest.fixture
def receiver(monkeypatch):
    """At the time at which the captured ones were signed."""
    monkeypatch.setattr("platforms.signing.time.time", lambda: NOW + 10)
    return client_of(api_secret="the-secret-of-the-captured-webhooks-1")


@pytest.mark.parametrize("name", ["valid", "valid-of-another-key"])
def test_a_captured_webhook_is_believed(receiver, name):
    client = client_of(
        api_secret=receiver.config.api_secret, webhook_secrets=("APIother:another-secret-of-the-captured-webhooks",)
    )
    client.authenticate_webhook(*captured(name))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("wrong-hash", "does not match"),
        ("wrong-key", "does not match"),
        ("unknown-issuer", "does not match"),
        ("algorithm-none", "does not match"),
        ("without-hash", "does not match"),
        ("without-end", "does not match"),
        ("expired", "at another time"),
    ],
)
def test_a_captured_webhook_that_is_not_as_it_should_be_is_refused(receiver, name, said):
    with pytest.raises(WebhookRejected, match=said) as caught:
        receiver.authenticate_webhook(*captured(name))
    assert caught.value.status == 401


def test_a_webhook_is_not_good_for_ever(monkeypatch):
    """Also where its token would hold for longer."""
    body = b"{}"
    token = signed(body, "s" * 43, key="APIacme", exp=int(time.time()) + 10**6)
    client = client_of()
    client.authenticate_webhook(body, {"Authorization": f"Bearer {token}"})
    later = time.time() + 400
    monkeypatch.setattr("platforms.signing.time.time", lambda: later)
    with pytest.raises(WebhookRejected, match="at another time"):
        client.authenticate_webhook(body, {"Authorization": token})


# What the sandbox sends, by LiveKit's own SDK


def test_the_sdk_takes_every_webhook_of_the_sandbox():
    secret = base64.b64encode(b"a-webhook-secret-of-more-than-32-bytes").decode()
    receiver = WebhookReceiver(TokenVerifier(KEY, secret))
    with Product() as product, running_sandbox(product.url, secret, time_scale=0.01) as sandbox:
        client = client_of(sandbox, webhook_secrets=(secret,))
        meeting = client.create_meeting("standup", in_hours(1), ExampleRoom())
        come(sandbox, meeting, "Zoë", "7")
        client.start_recording(meeting.room_name, "cloud", str(uuid.uuid4()))
        client.delete_room(meeting.room_name)
        wait_until(lambda: "egress_ended" in [sent.json["event"] for sent in product.received], seconds=30)
        received = product.received
    kinds = [sent.json["event"] for sent in received]
    assert kinds == [
        *("room_started", "participant_joined", "egress_started", "participant_left", "egress_updated"),
        *("room_finished", "egress_ended"),
    ]
    for sent in received:
        assert sent.headers["Content-Type"] == "application/webhook+json"
        event = receiver.receive(sent.body.decode(), sent.headers["Authorization"])
        assert event.event == sent.json["event"]
        client.authenticate_webhook(sent.body, sent.headers)
    assert event.egress_info.file_results[0].filename.startswith(f"{meeting.room_name}/")


# Beside other platforms


@pytest.fixture
def played(settings, sandbox):
    """The product with the sandbox's platforms, as `make run` has them."""
    product_settings.use(settings, **product_settings.sandbox_variables(sandbox), DAILY_MIGRATION_ENABLED="true")
    return sandbox


def opens_on(owner, name, platform=""):
    return open_meeting(Room.objects.create(name=name, owner=owner, platform=platform)).platform


@pytest.mark.django_db(transaction=True)
def test_a_rollout_leads_from_one_platform_to_it_and_back(played, owner):
    assert opens_on(owner, "before") == "whereby"
    decide({"switched_on": True, "percentage": 100, "default_platform": "whereby", "target_platform": "livekit"})
    assert opens_on(owner, "moved") == "livekit"
    decide({"switched_on": False})
    assert opens_on(owner, "rolled-back") == "whereby"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("away", "other"), [("livekit", "whereby"), ("whereby", "livekit")])
def test_where_one_does_not_answer_the_other_stands_in(played, owner, settings, away, other):
    settings.VIDEO_PLATFORM_FAILOVER = [away, other]
    played.providers[away].context.faults.change({"failing_calls": 20, "failing_status": 503})
    assert opens_on(owner, "standup", platform=away) == other
