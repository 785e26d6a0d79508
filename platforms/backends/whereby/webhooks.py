"""Whereby's webhooks: registered by hand, and signed with their time.

https://docs.whereby.com/meeting-content-and-quality/insights-suite-and-api/webhooks
"""

from collections.abc import Sequence
from typing import Any

from django.utils import timezone

from platforms import signing
from platforms.abilities import Webhooks
from platforms.backends.whereby.account import KEY_LIMIT_BYTES, WherebyAccount
from platforms.backends.whereby.events import IGNORED, PARSERS
from platforms.events import Event, Ignored
from platforms.payloads import TEXT_LIMIT, key_of, load, mapping, moment, text
from platforms.types import WebhookSummary

PARTS = 10  # of a signature that are looked at


class WherebyWebhooks(WherebyAccount, Webhooks):
    webhook_paths = ("whereby",)
    signature_header = "Whereby-Signature"
    signature_window = 60.0
    window_variable = "WHEREBY_WEBHOOK_WINDOW_SECONDS"

    def webhook_instructions(self, url: str) -> str:
        return (
            f"As an admin of the organisation, open Configure > Webhooks in Whereby's dashboard, add {url} and choose "
            f"these events: {', '.join(PARSERS)}. Put the secret shown there into WHEREBY_WEBHOOK_SECRET. The webhook "
            "gets the events of all rooms of the organisation."
        )

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        """`signature` is the whole header, `t=<Unix seconds>,v1=<hex>`."""
        time, candidates = _signature_parts(signature)
        signed = time.encode("utf-8", "replace") + b"." + body
        return signing.matches_hex(self.config.webhook_secrets, signed, *candidates)

    def signed_at(self, signature: str, timestamp: str | None) -> str:
        return _signature_parts(signature)[0]

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        event = load(body)
        event_type, event_id = text(event, "type"), text(event, "id", limit=KEY_LIMIT_BYTES)
        key = key_of("id", event_type, event_id) if event_id else key_of("body", body)
        return WebhookSummary(key=key, event_id=event_id[:TEXT_LIMIT], type=event_type)

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        event = load(body)
        data = mapping(event.get("data"))
        occurred_at = moment(event.get("createdAt"))
        common: dict[str, Any] = {
            "platform": self.name,
            "occurred_at": occurred_at or timezone.now(),
            "room_name": text(data, "roomName"),
            "meeting_id": text(data, "meetingId"),
            "raw": event,
        }
        event_type = text(event, "type")
        parse = PARSERS.get(event_type)
        if parse is None:
            reason = IGNORED.get(event_type, f"Whereby's event {event_type!r} is not known.")
        elif occurred_at is None:
            reason = "It does not say when it happened."
        elif not (common["room_name"] or common["meeting_id"]):
            reason = "It names no room."
        else:
            return [parse(data, common)]
        return [Ignored(reason=reason, **common)]


def _signature_parts(header: str) -> tuple[str, list[str]]:
    """The time and every version 1 signature, in any order, with spaces or without, beside parts not known."""
    pairs = [part.strip(" ").partition("=")[::2] for part in header.split(",", PARTS)]
    time = next((value for name, value in pairs if name == "t"), "")
    return time, [value for name, value in pairs if name == "v1"]
