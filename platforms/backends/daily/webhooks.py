"""Daily's webhooks: registered by a call, and signed in two ways."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import fields

from platforms import events, signing
from platforms.abilities import WebhookRegistration
from platforms.backends.daily.account import URL_LIMIT, DailyAccount, Fields, unless_gone
from platforms.backends.daily.events import IGNORED, VOCABULARY, facts_of, payload_of, recording_of, room_of, session_of
from platforms.http.client import path_to
from platforms.payloads import key_of, load, mapping, text
from platforms.types import WebhookSubscription, WebhookSummary


class DailyWebhooks(DailyAccount, WebhookRegistration):
    webhook_paths = ("daily_webhook",)
    signature_header = "X-Webhook-Signature"
    timestamp_header = "X-Webhook-Timestamp"
    # A delivery is tried for about an hour, and nothing says that a later try has a new timestamp.
    signature_window = 2 * 3600.0
    window_variable = "DAILY_WEBHOOK_WINDOW_SECONDS"
    webhook_event_types = tuple(VOCABULARY)
    # With the other choice three failures in a row stop all deliveries for good.
    webhook_retry_type = "exponential"

    # Subscriptions

    def list_webhooks(self) -> Sequence[WebhookSubscription]:
        return [self._subscription(item) for item in self._items(self.api.get("/webhooks"))]

    def register_webhook(self, url: str, secret: str, replace: str = "") -> WebhookSubscription:
        """https://docs.daily.co/reference/rest-api/webhooks/create

        Daily tries the address out during the call. One that it has stopped is set going again by being registered
        anew under its id. `secret` is base64.
        """
        path = path_to("webhooks", replace) if replace else "/webhooks"
        body = {"url": url, "eventTypes": list(VOCABULARY), "hmac": secret, "retryType": self.webhook_retry_type}
        return self._subscription(mapping(self.api.post(path, body, repeatable=bool(replace))))

    def delete_webhook(self, subscription_id: str) -> None:
        """https://docs.daily.co/reference/rest-api/webhooks/delete; one that is gone already is no error."""
        with unless_gone():
            self.api.delete(path_to("webhooks", subscription_id))

    def new_webhook_secret(self) -> str:
        return base64.b64encode(secrets.token_bytes(32)).decode()

    def _subscription(self, item: Fields) -> WebhookSubscription:
        uuid, state, secret, kinds = text(item, "uuid"), text(item, "state"), text(item, "hmac"), item.get("eventTypes")
        if not uuid:
            raise self._odd("spoke of a webhook without saying its uuid")
        return WebhookSubscription(
            id=uuid,
            url=text(item, "url", limit=URL_LIMIT),
            state=state,
            is_active=state.upper() in {"ACTIVE", "1"},  # older answers have numbers
            event_types=[str(kind) for kind in kinds] if isinstance(kinds, list) else [],
            retry_type=text(item, "retryType"),
            has_known_secret=secret in self.config.webhook_secrets if secret else None,
        )

    # Deliveries

    def find_signature(self, headers: Mapping[str, str]) -> tuple[str, str | None]:
        """By X-Daily-Signature, a hexadecimal HMAC of the body alone, where neither of the newer headers is there.

        Such a delivery can be replayed for ever, so the option `accept_unstamped_signature` must allow it.
        """
        is_older = self.signature_header not in headers and self.timestamp_header not in headers
        if is_older and self._accepts_unstamped():
            return headers.get("X-Daily-Signature") or "", None
        return super().find_signature(headers)

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        if timestamp is None:
            return self._accepts_unstamped() and signing.matches_hex(self.config.webhook_secrets, body, signature)
        return signing.matches_base64(self.config.webhook_secrets, timestamp.encode() + b"." + body, signature)

    def _accepts_unstamped(self) -> bool:
        return bool(self.config.extra.get("accept_unstamped_signature"))

    def is_webhook_probe(self, body: bytes) -> bool:
        return load(body) == {"test": "test"}

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        """Ids of recording events are made of an instance id that rooms may share: alone they are not unique."""
        event = load(body)
        payload = payload_of(event)
        event_id, kind = text(event, "id"), text(event, "type")
        identity = [event_id, room_of(payload), recording_of(payload), session_of(payload)] if event_id else [body]
        return WebhookSummary(key=key_of(kind, *identity), event_id=event_id, type=kind)

    def parse_webhook(self, body: bytes) -> Sequence[events.Event]:
        event = load(body)
        kind = text(event, "type")
        facts = {"platform": self.name, **facts_of(event, payload_of(event))}
        happened, when, needed = VOCABULARY.get(kind, (events.Ignored, "sent_at", ()))
        if kind not in VOCABULARY:
            facts["reason"] = IGNORED.get(kind.partition(".")[0], "This type of event is not known.")
        elif not all(facts[name] for name in needed):
            happened, facts["reason"] = events.Ignored, "It does not say what it is about."
        facts["occurred_at"] = facts[when] = facts[when] or facts["sent_at"]
        return [happened(**{field.name: facts[field.name] for field in fields(happened) if field.name in facts})]


def is_base64(secret: str) -> bool:
    try:
        return bool(signing.decode_secret(secret))
    except ValueError:
        return False
