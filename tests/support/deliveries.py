"""Webhooks as the providers send them: a new event each time, and the headers that go with a body."""

import base64
import copy
import json
import uuid

import pytest
from django.conf import settings

from platforms import signing
from tests.support import daily, whereby_provider

PLATFORMS = ["whereby", "daily", "mock"]
SECRETS = {"whereby": "ours-at-whereby", "daily": daily.SECRET, "mock": settings.SANDBOX_WEBHOOK_SECRET}
OTHER_SECRETS = {"whereby": "another-one", "daily": base64.b64encode(b"another-one").decode(), "mock": "another-one"}


@pytest.fixture
def platforms(settings):
    """All platforms with credentials; `configure(name, option=value)` changes one of them."""

    def configure(name, **options):
        changed = copy.deepcopy(settings.VIDEO_PLATFORMS)
        changed[name]["OPTIONS"] |= options
        settings.VIDEO_PLATFORMS = changed

    configure("whereby", api_key="key", webhook_secrets=[SECRETS["whereby"]])
    configure("daily", api_key="key", webhook_secrets=[SECRETS["daily"]])
    return configure


def compact(event):
    return json.dumps(event, separators=(",", ":"), ensure_ascii=False).encode()


def new_event(platform, room="standup-20260101000000", person=None):
    """An event that no other delivery has: somebody joined a room that nobody here knows."""
    person = person or str(uuid.uuid4())
    if platform == "whereby":
        event = json.loads(whereby_provider.payload("room.client.joined", roomName=f"/{room}", participantId=person))
        return compact(event | {"id": uuid.uuid4().hex * 2})
    if platform == "daily":
        event = daily.payload("participant.joined")
        joined = event["payload"] | {"room": room, "session_id": person}
        return compact(event | {"id": f"ptcpt-join-{person}", "payload": joined})
    return compact({"id": person, "type": "participant.joined", "room_name": room, "session_id": person, "at": 1e9})


def signed(platform, body, secret=None):
    secret = secret or SECRETS[platform]
    if platform == "whereby":
        return dict(whereby_provider.sign(body, secret).headers)
    if platform == "daily":
        return daily.signed(body, secret=secret)
    return {"X-Mock-Signature": signing.sign_hex(secret, body)}


def deliver(client, platform, body, path=None, headers=None):
    """POST through Django's test client; signed unless `headers` say otherwise."""
    headers = signed(platform, body) if headers is None else headers
    return client.post(path or f"/v1/{platform}/webhook", body, content_type="application/json", headers=headers)
