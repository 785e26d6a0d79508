import json

import pytest

from platforms import signing
from platforms.backends.mock import MockClient
from platforms.events import Ignored, MeetingEnded, MeetingStarted, ParticipantJoined, ParticipantLeft
from platforms.testing import PlatformContract, SignedWebhook


class TestMockKeepsTheContract(PlatformContract):
    client_class = MockClient
    options = {"public_url": "http://localhost:8000"}

    def sign_webhook(self, body, secret):
        signature = signing.sign_hex(secret, body)
        return SignedWebhook({"X-Mock-Signature": signature}, signature)


@pytest.mark.parametrize(
    ("event_type", "expected"),
    [
        ("participant.joined", ParticipantJoined),
        ("participant.left", ParticipantLeft),
        ("meeting.started", MeetingStarted),
        ("meeting.ended", MeetingEnded),
        ("unheard.of", Ignored),
    ],
)
def test_a_webhook_says_what_happened(event_type, expected):
    body = {"type": event_type, "at": 1767225600, "room_name": "r-1", "session_id": "s", "user_name": "Zoë"}
    client = TestMockKeepsTheContract().make_client()
    [event] = client.parse_webhook(json.dumps(body).encode())
    assert type(event) is expected
    assert event.room_name == "r-1"
    assert event.occurred_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert event.raw == body
