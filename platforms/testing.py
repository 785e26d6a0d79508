"""What every platform client promises, as test cases for pytest: a new adapter subclasses `PlatformContract`.

    class TestAcme(PlatformContract):
        client_class = AcmeClient
        options = {"api_key": "key"}

        @pytest.fixture(autouse=True)
        def provider(self):
            with StubProvider() as stub:  # any HTTP server that answers as the provider does
                stub.on("POST", "/rooms", make_room)
                self.options = {**self.options, "api_url": stub.url}
                yield stub

        def sign_webhook(self, body, secret):
            signature = base64_hmac(secret, body)
            return SignedWebhook({"X-Acme-Signature": signature}, signature)

The stub should be as strict as the provider (refuse names that it would refuse) and answer for a room "gone" as for
one that was deleted. `options`, `webhook_secrets` and `payloads` may be replaced; the rest are the cases themselves.
For asserts with details, call `pytest.register_assert_rewrite("platforms.testing")` before importing this.
"""
# ruff: noqa: S101  (test cases are made of asserts)

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

import pytest
from django.utils.datastructures import CaseInsensitiveMapping

from platforms.base import VideoPlatformClient
from platforms.events import Event
from platforms.exceptions import PlatformNotConfigured, UnsupportedCapability, WebhookRejected
from platforms.hostile import HOSTILE_BODIES, HOSTILE_PREFIXES, damaged
from platforms.types import JoinRequest, MeetingData, VideoPlatformConfig

ROOM_MODES = {"normal", "group"}
RECORDING_TYPES = {"none", "local", "cloud"}
RECORDING_TRIGGERS = {"none", "prompt", "automatic", "automatic-2nd-participant"}


@dataclass(frozen=True)
class ExampleRoom:
    """What a client reads from a room."""

    is_locked: bool = False
    room_mode: str = "group"
    recording_type: str = "none"
    recording_trigger: str = "none"
    skip_consent: bool = False


@dataclass(frozen=True)
class SignedWebhook:
    """A signature as the provider would make it, and the headers that carry it."""

    headers: Mapping[str, str]
    signature: str
    timestamp: str | None = None


class PlatformContract:
    client_class: ClassVar[type[VideoPlatformClient]]
    options: Mapping[str, Any] = {}
    alias = "under-test"
    webhook_secrets: tuple[str, str] = ("Zmlyc3Qgc2VjcmV0", "c2Vjb25kIHNlY3JldA==")  # both are base64 too
    payloads: Path | None = None  # folder of captured events, a JSON file each, to be tried with damaged fields

    def sign_webhook(self, body: bytes, secret: str) -> SignedWebhook:
        """Must write: sign `body` as the provider does, now."""
        raise NotImplementedError

    def make_client(self, **changes: Any) -> VideoPlatformClient:
        options = {**self.options, "webhook_secrets": self.webhook_secrets, **changes}
        return self.client_class(VideoPlatformConfig.from_options(self.alias, options))

    @pytest.fixture
    def client(self, provider: Any) -> VideoPlatformClient:
        return self.make_client()

    @pytest.fixture(autouse=True)
    def provider(self) -> Any:
        """May override: the provider's stand-in, whose address goes into `options`."""

    def open(self, client: VideoPlatformClient, prefix: str = "standup", **settings: Any) -> MeetingData:
        return client.create_meeting(prefix, datetime.now(UTC) + timedelta(hours=8), ExampleRoom(**settings))

    # Configuration

    def test_it_speaks_the_common_words_for_what_it_can_do(self, client: VideoPlatformClient) -> None:
        assert client.label
        assert client.room_modes <= ROOM_MODES
        assert client.recording_types <= RECORDING_TYPES
        assert client.recording_kind() in {"cloud", "raw-tracks"}
        assert client.recording_triggers <= RECORDING_TRIGGERS
        assert all(isinstance(sentence, str) and sentence for sentence in client.warnings())

    def test_each_missing_credential_is_named(self) -> None:
        known = {field.name for field in fields(VideoPlatformConfig)}
        for option, variable in self.client_class.required_options.items():
            assert option in known
            with pytest.raises(PlatformNotConfigured, match=rf"\b{variable}\b"):
                self.make_client(**{option: ""}).require_configured()

    def test_it_is_configured_with_its_credentials(self, client: VideoPlatformClient) -> None:
        client.require_configured()

    # Meetings

    def test_a_meeting_has_what_later_events_and_people_need(self, client: VideoPlatformClient) -> None:
        meeting = self.open(client)
        assert meeting.platform == self.alias
        assert meeting.meeting_id
        assert meeting.room_name
        assert _is_address(meeting.room_url)
        assert not meeting.host_room_url or _is_address(meeting.host_room_url)

    def test_two_meetings_never_share_a_room(self, client: VideoPlatformClient) -> None:
        first, second = self.open(client), self.open(client)
        assert first.room_name != second.room_name
        assert first.meeting_id != second.meeting_id

    @pytest.mark.parametrize("prefix", HOSTILE_PREFIXES, ids=ascii)
    def test_any_prefix_is_made_to_fit(self, client: VideoPlatformClient, prefix: str) -> None:
        assert self.open(client, prefix).room_name

    def test_every_setting_that_it_offers_opens_a_meeting(self, client: VideoPlatformClient) -> None:
        for recording_type in sorted(client.recording_types):
            for trigger in sorted(client.recording_triggers):
                for mode in sorted(client.room_modes):
                    settings = {"recording_type": recording_type, "recording_trigger": trigger, "room_mode": mode}
                    assert self.open(client, is_locked=client.supports_locking, **settings).room_url

    def test_a_room_that_is_gone_counts_as_closed(self, client: VideoPlatformClient) -> None:
        if not client.supports_closing:
            pytest.skip("cannot close rooms")
        meeting = self.open(client)
        assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
        assert client.delete_room(meeting.room_name, meeting.meeting_id) is True
        assert client.delete_room("/gone", "gone") is True

    def test_nobody_is_in_a_room_that_is_gone(self, client: VideoPlatformClient) -> None:
        if not client.supports_presence:
            pytest.skip("does not tell who is present")
        assert list(client.get_room_sessions("gone")) == []
        assert list(client.get_presence("gone")) == []
        assert client.presence_threshold >= 1

    def test_a_logo_is_accepted(self, client: VideoPlatformClient, tmp_path: Path) -> None:
        if not client.supports_logo:
            pytest.skip("has no logos")
        logo = tmp_path / "logo.png"
        logo.write_bytes(b"\x89PNG\r\n\x1a\n")
        assert client.upload_logo(self.open(client).room_name, logo) is True

    def test_what_it_cannot_do_it_refuses_by_name(self, client: VideoPlatformClient, tmp_path: Path) -> None:
        calls: dict[str, list[Callable[[], object]]] = {
            "supports_logo": [lambda: client.upload_logo("room", tmp_path / "logo.png")],
            "supports_closing": [lambda: client.delete_room("room", "1")],
            "supports_presence": [lambda: client.get_room_sessions("room"), lambda: client.get_presence("room")],
            "supports_extension": [lambda: client.extend_meeting("room", datetime.now(UTC))],
            "supports_webhook_registration": [
                client.list_webhooks,
                lambda: client.register_webhook("https://example.com/", "secret"),
                lambda: client.delete_webhook("1"),
            ],
            "supports_recording_listing": [
                lambda: list(client.list_recordings()),
                lambda: client.get_recording("1"),
            ],
            "supports_recording_link": [lambda: client.recording_link("1")],
            "supports_recording_deletion": [lambda: client.delete_recording("1")],
            "supports_recording_start": [lambda: client.start_recording("room", "cloud", str(uuid.uuid4()))],
        }
        for capability, refused in calls.items():
            for call in refused if not getattr(client, capability) else []:
                with pytest.raises(UnsupportedCapability, match=client.label):
                    call()

    # Recordings

    @pytest.mark.parametrize("key", ["", "/", "x", "a/b/c.mp4", "recording-1.mp4", "..", "é" * 1000, "a\x00b", "%2F+"])
    def test_any_object_in_the_bucket_is_a_recording_or_none(self, client: VideoPlatformClient, key: str) -> None:
        found = client.recording_at(key)
        assert found is None or found.platform == self.alias

    # Joining

    def test_only_owners_are_told_the_hosts_address(self, client: VideoPlatformClient) -> None:
        meeting = self.open(client)
        guest = self.request_to_join(meeting)
        guest_link = client.join_link(guest)
        owner_link = client.join_link(replace(guest, is_owner=True))
        assert _is_address(guest_link.url)
        assert _is_address(owner_link.url)
        if meeting.host_room_url and meeting.host_room_url != meeting.room_url:
            assert meeting.host_room_url not in guest_link.url
            assert guest_link.url != owner_link.url

    def test_an_owner_gets_in_where_the_provider_gave_no_hosts_address(self, client: VideoPlatformClient) -> None:
        request = replace(self.request_to_join(self.open(client)), host_room_url="", is_owner=True)
        assert client.join_link(request).url.startswith(request.room_url)

    def request_to_join(self, meeting: MeetingData) -> JoinRequest:
        return JoinRequest(
            room_name=meeting.room_name,
            room_url=meeting.room_url,
            host_room_url=meeting.host_room_url,
            settings=ExampleRoom(),
            expires_at=datetime.now(UTC) + timedelta(hours=1),
            user_id="7",
            user_name="Zoë",
        )

    # Webhooks

    BODY = b'{"id":"1","type":"unheard.of","data":{},"payload":{}}'

    def test_what_the_provider_signed_is_believed(self, client: VideoPlatformClient) -> None:
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is True
        client.authenticate_webhook(self.BODY, CaseInsensitiveMapping(signed.headers))

    def test_names_beyond_ascii_are_believed(self, client: VideoPlatformClient) -> None:
        body = '{"id":"1","type":"x","data":{"displayName":"Zoë"}}'.encode()
        signed = self.sign_webhook(body, self.webhook_secrets[0])
        client.authenticate_webhook(body, CaseInsensitiveMapping(signed.headers))

    def test_both_secrets_are_valid_while_one_replaces_the_other(self, client: VideoPlatformClient) -> None:
        for secret in self.webhook_secrets:
            signed = self.sign_webhook(self.BODY, secret)
            assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is True
        retired = self.make_client(webhook_secrets=self.webhook_secrets[1:])
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        assert retired.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is False

    def test_another_body_is_not_believed(self, client: VideoPlatformClient) -> None:
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        for other in (b"", b"{}", self.BODY.replace(b"1", b"2"), self.BODY + b"\x00", b"\xff\x00", b"[" * 10_000):
            assert client.verify_webhook_signature(other, signed.signature, signed.timestamp) is False
            self.assert_refused(client, other, signed.headers, 401)

    @pytest.mark.parametrize(
        "signature",
        ["", " ", "x", "é", "\x00", ",,,,", "=" * 99, "t=,v1=", "0" * 64, "t=1,v1=" + "0" * 64, "a" * 9_999],
    )
    def test_a_malformed_signature_is_wrong_and_no_error(self, client: VideoPlatformClient, signature: str) -> None:
        for timestamp in (None, "", "x", "é", "1", "9" * 9_999, "-1", "1e400", "\uff11"):
            assert client.verify_webhook_signature(self.BODY, signature, timestamp) is False
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        for header in signed.headers:
            self.assert_refused(client, self.BODY, {**signed.headers, header: signature}, 401, 400)

    def test_an_unsigned_webhook_is_a_bad_request(self, client: VideoPlatformClient) -> None:
        self.assert_refused(client, self.BODY, {}, 400)
        self.assert_refused(client, b"", {"Content-Type": "application/json"}, 400)

    def test_a_wrong_secret_is_unauthorized(self, client: VideoPlatformClient) -> None:
        signed = self.sign_webhook(self.BODY, "d3Jvbmc=")
        self.assert_refused(client, self.BODY, signed.headers, 401)

    def test_without_a_secret_nothing_is_believed(self) -> None:
        client = self.make_client(webhook_secrets=())
        for secret in ("", *self.webhook_secrets):
            signed = self.sign_webhook(self.BODY, secret)
            assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is False
            self.assert_refused(client, self.BODY, signed.headers, 401)

    def assert_refused(
        self, client: VideoPlatformClient, body: bytes, headers: Mapping[str, str], *statuses: int
    ) -> None:
        with pytest.raises(WebhookRejected) as caught:
            client.authenticate_webhook(body, CaseInsensitiveMapping(headers))
        assert caught.value.status in statuses
        assert caught.value.platform == self.alias

    @pytest.mark.parametrize("body", HOSTILE_BODIES, ids=lambda body: ascii(body[:30]))
    def test_an_odd_event_is_taken_in(self, client: VideoPlatformClient, body: bytes) -> None:
        self.assert_taken_in(client, body)

    def test_known_events_with_damaged_fields_are_taken_in(self, client: VideoPlatformClient) -> None:
        for file in sorted(self.payloads.glob("*.json")) if self.payloads else []:
            for body in damaged(json.loads(file.read_bytes())):
                self.assert_taken_in(client, body)

    def assert_taken_in(self, client: VideoPlatformClient, body: bytes) -> None:
        summary = client.summarize_webhook(body)
        assert 0 < len(summary.key) <= 64
        for words in (summary.key, summary.event_id, summary.type):
            _assert_storable(words)
        events = client.parse_webhook(body)
        assert events
        for event in events:
            assert event.platform == self.alias
            _assert_event_is_storable(event)
        assert client.is_webhook_probe(body) in (True, False)

    def test_a_repeated_event_is_known_by_its_key_and_no_other_is(self, client: VideoPlatformClient) -> None:
        bodies = [self.BODY, b"{}", b"null", b"", self.BODY.replace(b'"1"', b'"2"'), self.BODY.replace(b"un", b"")]
        keys = [client.summarize_webhook(body).key for body in bodies]
        assert len(set(keys)) == len(bodies)
        assert keys == [client.summarize_webhook(body).key for body in bodies]


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


def _assert_event_is_storable(event: Event) -> None:
    for field in fields(event):
        value = getattr(event, field.name)
        if isinstance(value, datetime):
            assert value.tzinfo is not None
            assert value.year > 1
        if isinstance(value, str):
            _assert_storable(value)


def _assert_storable(words: str) -> None:
    assert "\x00" not in words
    words.encode()
