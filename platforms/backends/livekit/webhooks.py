"""LiveKit's webhooks: an Authorization header with a token that holds the hash of the body.

https://docs.livekit.io/intro/basics/rooms-participants-tracks/webhooks-events/
"""

from collections.abc import Mapping, Sequence

from platforms.abilities import Webhooks
from platforms.backends.livekit import tokens
from platforms.backends.livekit.account import LiveKitAccount
from platforms.backends.livekit.events import parse
from platforms.events import Event
from platforms.payloads import key_of, load, text
from platforms.types import WebhookSummary

TOKEN_SECONDS = 300.0  # that a webhook's token holds; one is tried again with the token that it had


class LiveKitWebhooks(LiveKitAccount, Webhooks):
    signature_header = "Authorization"
    signature_window = TOKEN_SECONDS + 60.0
    window_variable = "LIVEKIT_WEBHOOK_WINDOW_SECONDS"

    def find_signature(self, headers: Mapping[str, str]) -> tuple[str, str | None]:
        """The token, with or without a scheme before it."""
        given = headers.get(self.signature_header) or ""
        return given.removeprefix("Bearer "), None

    def is_signed(self, body: bytes, signature: str, timestamp: str | None) -> bool:
        return tokens.is_signed(body, signature, self._keys())

    def signed_at(self, signature: str, timestamp: str | None) -> str | None:
        return tokens.signed_at(signature, TOKEN_SECONDS)

    def _keys(self) -> list[tuple[str, str]]:
        """Those that may sign: the one of the calls, and others by their own names."""
        found = [(self.config.api_key, self.config.api_secret)]
        for given in self.config.webhook_secrets:
            key, separator, secret = given.partition(":")
            found.append((key, secret) if separator else (self.config.api_key, given))
        return found

    def summarize_webhook(self, body: bytes) -> WebhookSummary:
        event = load(body)
        event_id, kind = text(event, "id"), text(event, "event")
        key = key_of("id", kind, event_id) if event_id else key_of("body", body)
        return WebhookSummary(key=key, event_id=event_id, type=kind)

    def parse_webhook(self, body: bytes) -> Sequence[Event]:
        return [parse(load(body), self.name)]

    def webhook_instructions(self, url: str) -> str:
        return (
            f"In LiveKit Cloud, make a webhook for {url} under Settings, Webhooks, signed with the key of "
            f"LIVEKIT_API_KEY. A server of one's own has it in its configuration: webhook, urls and api_key."
        )
