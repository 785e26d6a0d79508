"""Jitsi's webhooks: registered in the console, signed with their time.

https://developer.8x8.com/jaas/docs/webhooks-signatures
"""

import base64
from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from platforms import signing
from platforms.abilities import Webhooks
from platforms.backends.jaas.account import JaasAccount
from platforms.backends.jaas.events import IGNORED, PARSERS
from platforms.events import Event, Ignored
from platforms.payloads import key_of, load, mapping, moment, text
from platforms.types import WebhookSummary

PARTS = 10  # of a signature that are looked at
FQN_LIMIT = 1000  # characters


class JaasWebhooks(JaasAccount, Webhooks):
    signature_header = "X-Jaas-Signature"
    window_variable = "JAAS_WEBHOOK_WINDOW_SECONDS"

    def webhook_instructions(self, url: str) -> str:
        return (
            f"In the Webhooks section of the JaaS console add {url} and choose these events: {', '.join(PARSERS)}. "
            "Put the secret that `Reveal secret` shows into JAAS_WEBHOOK_SECRET."
        )

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        """`signature` is the whole header, `t=<Unix seconds>,v1=<base64>`; the secret is used as it is written."""
        time, candidates = _signature_parts(signature)
        signed = time.encode("utf-8", "replace") + b"." + body
        return signing.matches_hex(self.config.webhook_secrets, signed, *map(_as_hex, candidates))

    def signed_at(self, signature: str, timestamp: str | None) -> str:
        return _signature_parts(signature)[0]

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        """An event that is sent again has the idempotency key that it had."""
        event = load(body)
        event_type, event_id = text(event, "eventType"), text(event, "idempotencyKey")
        key = key_of("id", event_type, event_id) if event_id else key_of("body", body)
        return WebhookSummary(key=key, event_id=event_id, type=event_type)

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        event = load(body)
        data = mapping(event.get("data"))
        occurred_at = moment(event.get("timestamp"))
        # <app id>/<room>
        room_name = text(event, "fqn", limit=FQN_LIMIT).rpartition("/")[2]
        common: dict[str, Any] = {
            "platform": self.name,
            "occurred_at": occurred_at or timezone.now(),
            "room_name": text({"room": room_name}, "room"),
            "raw": event,
        }
        event_type = text(event, "eventType")
        parse = PARSERS.get(event_type)
        if parse is None:
            reason = IGNORED.get(event_type, f"Jitsi's event {event_type!r} is not known.")
        elif occurred_at is None:
            reason = "It does not say when it happened."
        elif not common["room_name"]:
            reason = "It names no room."
        else:
            return [parse(event, data, common)]
        return [Ignored(reason=reason, **common)]


def _signature_parts(header: str) -> tuple[str, list[str]]:
    """The time and every version 1 signature; others are to be passed over."""
    pairs = [part.strip(" ").partition("=")[::2] for part in header.split(",", PARTS)]
    time = next((value for name, value in pairs if name == "t"), "")
    return time, [value for name, value in pairs if name == "v1"]


def _as_hex(signature: str) -> str:
    try:
        return base64.b64decode(signature, validate=True).hex()
    except ValueError:
        return ""
