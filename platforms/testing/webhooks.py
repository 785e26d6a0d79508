"""What a platform client promises of the webhooks that it takes."""
# ruff: noqa: S101  (test cases are made of asserts)

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path

import pytest
from django.utils.datastructures import CaseInsensitiveMapping

from platforms.abilities import WebhookRegistration, Webhooks
from platforms.events import Event
from platforms.exceptions import WebhookRejected
from platforms.testing.contract import PlatformContract
from platforms.testing.malformed import MALFORMED_BODIES, damaged


@dataclass(frozen=True)
class SignedWebhook:
    """A signature as the provider would make it, and the headers that carry it."""

    headers: Mapping[str, str]
    signature: str
    timestamp: str | None = None


class WebhookContract(PlatformContract, ability=Webhooks):
    """For a platform that sends webhooks."""

    payloads: Path | None = None  # folder of captured events, a JSON file each, to be tried with damaged fields
    BODY = b'{"id":"1","type":"unheard.of","data":{},"payload":{}}'

    def sign_webhook(self, body: bytes, secret: str) -> SignedWebhook:
        """Must write: sign `body` as the provider does, now."""
        raise NotImplementedError

    def test_what_the_provider_signed_is_believed(self, client: Webhooks) -> None:
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is True
        client.authenticate_webhook(self.BODY, CaseInsensitiveMapping(signed.headers))

    def test_names_beyond_ascii_are_believed(self, client: Webhooks) -> None:
        body = '{"id":"1","type":"x","data":{"displayName":"Zoë"}}'.encode()
        signed = self.sign_webhook(body, self.webhook_secrets[0])
        client.authenticate_webhook(body, CaseInsensitiveMapping(signed.headers))

    def test_both_secrets_are_valid_while_one_replaces_the_other(self, client: Webhooks) -> None:
        for secret in self.webhook_secrets:
            signed = self.sign_webhook(self.BODY, secret)
            assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is True
        retired = self.make_client(webhook_secrets=self.webhook_secrets[1:]).require(Webhooks)
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        assert retired.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is False

    def test_another_body_is_not_believed(self, client: Webhooks) -> None:
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        for other in (b"", b"{}", self.BODY.replace(b"1", b"2"), self.BODY + b"\x00", b"\xff\x00", b"[" * 10_000):
            assert client.verify_webhook_signature(other, signed.signature, signed.timestamp) is False
            self.assert_refused(client, other, signed.headers, 401)

    @pytest.mark.parametrize(
        "signature",
        ["", " ", "x", "é", "\x00", ",,,,", "=" * 99, "t=,v1=", "0" * 64, "t=1,v1=" + "0" * 64, "a" * 9_999],
    )
    def test_a_malformed_signature_is_wrong_and_no_error(self, client: Webhooks, signature: str) -> None:
        for timestamp in (None, "", "x", "é", "1", "9" * 9_999, "-1", "1e400", "\uff11"):
            assert client.verify_webhook_signature(self.BODY, signature, timestamp) is False
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        for header in signed.headers:
            self.assert_refused(client, self.BODY, {**signed.headers, header: signature}, 401, 400)

    def test_an_unsigned_webhook_is_a_bad_request(self, client: Webhooks) -> None:
        self.assert_refused(client, self.BODY, {}, 400)
        self.assert_refused(client, b"", {"Content-Type": "application/json"}, 400)
        signed = self.sign_webhook(self.BODY, self.webhook_secrets[0])
        for header in filter(None, (client.signature_header, client.timestamp_header)):
            left = {name: value for name, value in signed.headers.items() if name.lower() != header.lower()}
            self.assert_refused(client, self.BODY, left, 400)

    def test_a_wrong_secret_is_unauthorized(self, client: Webhooks) -> None:
        signed = self.sign_webhook(self.BODY, "d3Jvbmc=")
        self.assert_refused(client, self.BODY, signed.headers, 401)

    def test_without_a_secret_nothing_is_believed(self) -> None:
        client = self.make_client(webhook_secrets=()).require(Webhooks)
        for secret in ("", *self.webhook_secrets):
            signed = self.sign_webhook(self.BODY, secret)
            assert client.verify_webhook_signature(self.BODY, signed.signature, signed.timestamp) is False
            self.assert_refused(client, self.BODY, signed.headers, 401)

    def assert_refused(self, client: Webhooks, body: bytes, headers: Mapping[str, str], *statuses: int) -> None:
        with pytest.raises(WebhookRejected) as caught:
            client.authenticate_webhook(body, CaseInsensitiveMapping(headers))
        assert caught.value.status in statuses
        assert caught.value.platform == self.alias

    @pytest.mark.parametrize("body", MALFORMED_BODIES, ids=lambda body: ascii(body[:30]))
    def test_an_odd_event_is_taken_in(self, client: Webhooks, body: bytes) -> None:
        self.assert_taken_in(client, body)

    def test_known_events_with_damaged_fields_are_taken_in(self, client: Webhooks) -> None:
        for file in sorted(self.payloads.glob("*.json")) if self.payloads else []:
            for body in damaged(json.loads(file.read_bytes())):
                self.assert_taken_in(client, body)

    def assert_taken_in(self, client: Webhooks, body: bytes) -> None:
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

    def test_a_repeated_event_is_known_by_its_key_and_no_other_is(self, client: Webhooks) -> None:
        bodies = [self.BODY, b"{}", b"null", b"", self.BODY.replace(b'"1"', b'"2"'), self.BODY.replace(b"un", b"")]
        keys = [client.summarize_webhook(body).key for body in bodies]
        assert len(set(keys)) == len(bodies)
        assert keys == [client.summarize_webhook(body).key for body in bodies]


class WebhookRegistrationContract(WebhookContract, ability=WebhookRegistration):
    """For a platform whose webhooks are registered by a call."""

    def test_it_says_what_is_registered_and_what_should_be(self, client: WebhookRegistration) -> None:
        assert client.webhook_event_types
        assert all(subscription.id and subscription.url for subscription in client.list_webhooks())

    def test_a_webhook_that_is_gone_counts_as_deleted(self, client: WebhookRegistration) -> None:
        client.delete_webhook("00000000-0000-4000-8000-000000000000")

    def test_no_two_secrets_are_alike(self, client: WebhookRegistration) -> None:
        assert client.new_webhook_secret() != client.new_webhook_secret()


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
