"""Daily's webhook calls and the state that they keep: a stub that tries out an address, as Daily does."""

import base64
import copy
import hashlib
import hmac
import itertools
import json
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import requests

from tests.support.stub_provider import Answer, StubProvider

API_KEY = "key-of-the-account"
SECRET = base64.b64encode(bytes(range(32))).decode()
OLD_SECRET = base64.b64encode(bytes(range(32, 64))).decode()
PUBLIC_URL = "https://rooms.example.com"
OURS = f"{PUBLIC_URL}/v1/daily/webhook"
OLDER = f"{PUBLIC_URL}/v1/daily_webhook"
OTHER = "https://staging.example.com/v1/daily/webhook"
NOWHERE = "http://127.0.0.1:9"  # nobody answers there
PROBE = b'{"test":"test"}'


@dataclass
class WebhookProvider:
    """`server` stands for whatever public address is registered: that is where the deliveries go."""

    stub: StubProvider
    settings: Any
    server: str = NOWHERE
    wrapped: bool = False  # whether a list comes as {"data": [...]}

    def __post_init__(self):
        self.webhooks = {}
        self.probes = []  # the status with which each was answered
        self._numbers = itertools.count(1)
        self.stub.on("GET", "/webhooks", self._list)
        self.stub.on("POST", "/webhooks", self._create)
        self.stub.on("POST", "/webhooks/*", self._update)
        self.stub.on("DELETE", "/webhooks/*", self._delete)

    def configure(self, *secrets, **options):
        """Set this server up to use the account, with these webhook secrets."""
        platforms = copy.deepcopy(self.settings.VIDEO_PLATFORMS)
        account = {"api_url": self.stub.url, "api_key": API_KEY, "webhook_secrets": list(secrets)}
        platforms["daily"]["OPTIONS"] |= account | options
        self.settings.VIDEO_PLATFORMS = platforms

    def holds(self, url, **changes):
        """Put a webhook there that somebody registered earlier; its id."""
        uuid = f"3188c5e4-0000-4000-8000-{next(self._numbers):012}"
        self.webhooks[uuid] = {
            "uuid": uuid,
            "url": url,
            "hmac": SECRET,
            "basicAuth": None,
            "retryType": "exponential",
            "eventTypes": list(EVENT_TYPES),
            "state": "ACTIVE",
            "failedCount": 0,
            "lastMomentPushed": None,
            "domainId": "d0c9a3f0-0000-4000-8000-000000000001",
            "createdAt": "2026-01-01T00:00:00.000Z",
            "updatedAt": "2026-01-01T00:00:00.000Z",
            **changes,
        }
        return uuid

    def deliver(self, webhook, body):
        """Send what the webhook would carry; the status of the answer, None when there is none."""
        timestamp = str(time.time_ns() // 1_000_000)
        key = base64.b64decode(webhook["hmac"], validate=True)
        digest = hmac.new(key, timestamp.encode() + b"." + body, hashlib.sha256).digest()
        headers = {
            "Content-Type": "application/json",
            "X-Webhook-Timestamp": timestamp,
            "X-Webhook-Signature": base64.b64encode(digest).decode(),
        }
        try:
            address = self.server + urlsplit(webhook["url"]).path
            answer = requests.post(address, data=body, headers=headers, allow_redirects=False, timeout=8)
        except requests.RequestException:
            return None
        return answer.status_code

    def refuses_to_list(self, answer, times):
        """The next `times` lists fail; later ones do not."""
        self.stub.on("GET", "/webhooks", *[answer] * times, self._list)

    def event_status(self, uuid):
        """How a real, signed event of that webhook is answered."""
        number = next(self._numbers)
        payload = {"room": "standup", "session_id": f"s-{number}", "joined_at": 1767225600.1}
        event = {"version": "1.0.0", "type": "participant.joined", "id": f"e-{number}", "payload": payload}
        return self.deliver(self.webhooks[uuid], json.dumps(event, separators=(",", ":")).encode())

    def _list(self, request):
        if refusal := _refusal(request):
            return refusal
        listed = list(self.webhooks.values())
        return Answer(json={"data": listed} if self.wrapped else listed)

    def _create(self, request):
        if self.webhooks:
            return _error("only one webhook is allowed for a domain")
        return self._save(request, None)

    def _update(self, request):
        uuid = request.path.rsplit("/", 1)[1]
        return self._save(request, uuid) if uuid in self.webhooks else Answer(404, {"error": "not-found"})

    def _save(self, request, uuid):
        if refusal := _refusal(request):
            return refusal
        if unknown := set(request.json) - {"url", "eventTypes", "hmac", "retryType", "basicAuth"}:
            return _error(f'"{unknown.pop()}" is not allowed')
        status = self.deliver(request.json, PROBE)
        self.probes.append(status)
        if status != 200:
            return _error(f"non-200 status code returned from webhook endpoint, recvd {status or 'undefined'}")
        if uuid is None:
            uuid = self.holds(**request.json)
        self.webhooks[uuid] |= {**request.json, "state": "ACTIVE", "failedCount": 0}
        return Answer(json=self.webhooks[uuid])

    def _delete(self, request):
        found = self.webhooks.pop(request.path.rsplit("/", 1)[1], None)
        return Answer(200, body=b"") if found else Answer(404, {"error": "not-found"})


EVENT_TYPES = (
    "meeting.started",
    "meeting.ended",
    "participant.joined",
    "participant.left",
    "recording.started",
    "recording.ready-to-download",
    "recording.error",
)


def _refusal(request):
    if request.headers.get("authorization") != f"Bearer {API_KEY}":
        return Answer(401, {"error": "authentication-error", "info": "bad key"})
    return None


def _error(info):
    return Answer(400, {"error": "invalid-request-error", "info": info})


@contextmanager
def webhook_provider(settings):
    """An account without a webhook, and this server set up for it at its public address."""
    with StubProvider() as stub:
        provider = WebhookProvider(stub, settings)
        provider.configure(SECRET)
        settings.PUBLIC_URL = PUBLIC_URL
        yield provider
