import json
from datetime import UTC, datetime

import pytest

from platforms import signing
from platforms.backends.mock import MockClient
from platforms.events import (
    Ignored,
    MeetingEnded,
    MeetingStarted,
    ParticipantJoined,
    ParticipantLeft,
    RecordingFailed,
    RecordingReady,
    RecordingStarted,
)
from platforms.testing import SignedWebhook
from platforms.types import JoinRequest, VideoPlatformConfig
from tests.support.contracts import MockContract
from tests.support.stub_provider import Answer, StubProvider


class TestMockKeepsTheContract(MockContract):
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
        ("recording.started", RecordingStarted),
        ("recording.ready", RecordingReady),
        ("recording.failed", RecordingFailed),
        ("unheard.of", Ignored),
    ],
)
def test_a_webhook_says_what_happened(event_type, expected):
    body = {"type": event_type, "at": 1767225600, "room_name": "r-1", "session_id": "s", "recording_id": "rec"}
    client = TestMockKeepsTheContract().make_client()
    [event] = client.parse_webhook(json.dumps(body).encode())
    assert type(event) is expected
    assert event.room_name == "r-1"
    assert event.occurred_at.isoformat() == "2026-01-01T00:00:00+00:00"
    assert event.raw == body


def test_a_ready_recording_says_where_it_is():
    body = {
        "type": "recording.ready",
        "recording_id": "rec",
        "room_name": "r-1",
        "download_url": "http://localhost:9100/files/rec",
        "started_at": 1767225500,
        "duration": 12.5,
    }
    [event] = TestMockKeepsTheContract().make_client().parse_webhook(json.dumps(body).encode())
    assert (event.recording_id, event.download_url, event.duration) == ("rec", body["download_url"], 12.5)
    assert event.started_at.isoformat() == "2025-12-31T23:58:20+00:00"


def test_the_sandbox_is_asked_who_is_in_and_told_to_close():
    with StubProvider() as sandbox:
        person = {"session_id": "s-1", "name": "Zoë", "user_id": None, "joined_at": "2026-01-01T00:00:00Z"}
        sandbox.on("GET", "/mock/r-1/presence", Answer(json=[person]))
        sandbox.on("DELETE", "/mock/r-1", Answer(204))
        client = MockClient(VideoPlatformConfig(name="mock", api_url=f"{sandbox.url}/mock"))
        [found] = client.get_presence("r-1")
        assert (found.session_id, found.user_name, found.joined_at.year) == ("s-1", "Zoë", 2026)
        assert client.delete_room("r-1")
        assert len(sandbox.sent("DELETE", "/mock/r-1")) == 1


def test_the_way_into_the_sandbox_carries_the_name():
    request = JoinRequest(
        room_name="r-1",
        room_url="http://localhost:9100/mock/r-1?recording=cloud",
        host_room_url="",
        settings=None,
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
        user_name="Zoë & Bo",
    )
    client = MockClient(VideoPlatformConfig(name="mock", api_url="http://localhost:9100/mock"))
    assert client.join_link(request).url == "http://localhost:9100/mock/r-1?recording=cloud&name=Zo%C3%AB+%26+Bo"
