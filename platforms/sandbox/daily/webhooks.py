"""Daily's webhooks: https://docs.daily.co/reference/rest-api/webhooks"""

import base64
import re
import secrets
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, Response, jsonify

from platforms import signing
from platforms.sandbox.daily.errors import bad_json, invalid, refused
from platforms.sandbox.daily.state import DailyState, Webhook
from platforms.sandbox.whereby.events import iso
from platforms.sandbox.wire.api import json_body
from platforms.sandbox.wire.validation import an_array, one_of, problem, text
from platforms.sandbox.wire.webhooks import Endpoint

KINDS = (
    *("meeting.started", "meeting.ended", "participant.joined", "participant.left"),
    *("waiting-participant.joined", "waiting-participant.left"),
    *("recording.started", "recording.ready-to-download", "recording.error"),
    *("transcript.started", "transcript.ready-to-download", "transcript.error"),
    *("streaming.started", "streaming.updated", "streaming.ended", "streaming.error"),
    *("batch-processor.job-finished", "batch-processor.error"),
    *("dialout.connected", "dialout.answered", "dialout.stopped", "dialout.warning", "dialout.error"),
    *("dialin.ready", "dialin.connected", "dialin.stopped", "dialin.warning", "dialin.error"),
)
BREAKER, EXPONENTIAL = "circuit-breaker", "exponential"
TRIPS = 3  # failures in a row
PAUSES = (15.0, 60.0, 240.0, 900.0)  # seconds between five attempts
PRINTABLE = r"[!-~]+"  # in ASCII; anything else cannot be sent
WEBHOOK = {
    "url": text(2000, PRINTABLE),
    "eventTypes": an_array(one_of(*KINDS)),
    "hmac": text(),
    "basicAuth": text(2000, PRINTABLE),
    "retryType": one_of(BREAKER, EXPONENTIAL),
}


def add_routes(api: Blueprint, daily: DailyState) -> None:
    webhooks = Webhooks(daily)
    api.add_url_rule("/webhooks", "list_webhooks", webhooks.index, methods=["GET"])
    api.add_url_rule("/webhooks", "create_webhook", webhooks.create, methods=["POST"])
    api.add_url_rule("/webhooks/<identity>", "get_webhook", webhooks.get, methods=["GET"])
    api.add_url_rule("/webhooks/<identity>", "update_webhook", webhooks.update, methods=["POST"])
    api.add_url_rule("/webhooks/<identity>", "delete_webhook", webhooks.delete, methods=["DELETE"])


def add(
    daily: DailyState, url: str, secret: str, kinds: Sequence[str], retry_type: str, basic_auth: str | None = None
) -> Webhook:
    now = datetime.now(UTC)
    endpoint = make_endpoint(url, secret, kinds, retry_type, basic_auth)
    webhook = Webhook(str(uuid.uuid4()), endpoint, retry_type, basic_auth, now, now)
    daily.webhooks[webhook.uuid] = webhook
    return webhook


def make_endpoint(url: str, secret: str, kinds: Sequence[str], retry_type: str, basic_auth: str | None) -> Endpoint:
    is_breaker = retry_type == BREAKER
    return Endpoint(
        "daily",
        url,
        secret,
        sign,
        pauses=() if is_breaker else PAUSES,
        trips=TRIPS if is_breaker else 0,
        kinds=tuple(kinds),
        headers={"Authorization": f"Basic {basic_auth}"} if basic_auth else {},
    )


def sign(secret: str, body: bytes) -> dict[str, str]:
    milliseconds = str(time.time_ns() // 1_000_000)
    signature = signing.sign_base64(secret, milliseconds.encode() + b"." + body)
    return {"X-Webhook-Timestamp": milliseconds, "X-Webhook-Signature": signature}


class Webhooks:
    def __init__(self, daily: DailyState) -> None:
        self.daily = daily
        self.context = daily.context
        self.webhooks = daily.webhooks

    def index(self) -> Response:
        """A bare array."""
        return jsonify([self._object(one) for one in self.webhooks.values()])

    def get(self, identity: str) -> Response:
        return jsonify(self._object(self._find(identity)))

    def create(self) -> Response:
        wanted = self._wanted()
        if missing := next((name for name in ("url", "eventTypes") if name not in wanted), ""):
            raise invalid(f'"{missing}" is required')
        if self.webhooks:
            raise invalid("only one webhook is allowed for a domain")
        secret = wanted.get("hmac") or base64.b64encode(secrets.token_bytes(32)).decode()
        retry_type, basic_auth = wanted.get("retryType", BREAKER), wanted.get("basicAuth")
        kinds = wanted["eventTypes"]
        self._probe(make_endpoint(wanted["url"], secret, kinds, retry_type, basic_auth))
        return jsonify(self._object(add(self.daily, wanted["url"], secret, kinds, retry_type, basic_auth)))

    def update(self, identity: str) -> Response:
        """Also sets one going again that was stopped."""
        webhook, wanted = self._find(identity), self._wanted()
        old = webhook.endpoint
        retry_type, basic_auth = (
            wanted.get("retryType", webhook.retry_type),
            wanted.get("basicAuth", webhook.basic_auth),
        )
        endpoint = make_endpoint(
            wanted.get("url", old.url),
            wanted.get("hmac", old.secret),
            wanted.get("eventTypes", old.kinds or ()),
            retry_type,
            basic_auth,
        )
        self._probe(endpoint)
        webhook.endpoint, webhook.retry_type, webhook.basic_auth = endpoint, retry_type, basic_auth
        webhook.updated_at = datetime.now(UTC)
        self.context.faults.change({"stop_webhooks": False})
        return jsonify(self._object(webhook))

    def delete(self, identity: str) -> Response:
        """The answer has no body."""
        del self.webhooks[self._find(identity).uuid]
        return Response(status=200)

    def _wanted(self) -> dict[str, Any]:
        wanted = json_body(bad_json)
        if wrong := problem(wanted, WEBHOOK):
            raise invalid(wrong)
        if "url" in wanted and not re.match(r"https?://[^/]", wanted["url"]):
            raise invalid('"url" must be a valid uri')
        try:
            signing.decode_secret(wanted.get("hmac", ""))
        except ValueError as error:
            raise invalid('"hmac" must be a base64 encoded string') from error
        return wanted

    def _probe(self, endpoint: Endpoint) -> None:
        status = self.context.courier.probe(endpoint)
        if status != 200:
            raise invalid(f"non-200 status code returned from webhook endpoint, recvd {status or 'undefined'}")

    def _find(self, identity: str) -> Webhook:
        found = self.webhooks.get(identity)
        if found is None:
            raise refused(404, "not-found", f"webhook {identity} not found")
        return found

    def _object(self, webhook: Webhook) -> dict[str, Any]:
        endpoint = webhook.endpoint
        is_active = endpoint.active and not self.context.faults.stop_webhooks
        return {
            "uuid": webhook.uuid,
            "url": endpoint.url,
            "hmac": endpoint.secret,
            "basicAuth": webhook.basic_auth,
            "retryType": webhook.retry_type,
            "eventTypes": list(endpoint.kinds or ()),
            "state": "ACTIVE" if is_active else "FAILED",
            "failedCount": endpoint.failures,
            "lastMomentPushed": iso(endpoint.pushed_at) if endpoint.pushed_at else None,
            "domainId": self.daily.domain_id,
            "createdAt": iso(webhook.created_at),
            "updatedAt": iso(webhook.updated_at),
        }
