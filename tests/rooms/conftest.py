"""Fixtures for what rooms do with calendars."""

import pytest

from tests.support.feeds import FEED
from tests.support.receivers import HOOK, SECRET
from tests.support.stub_provider import Answer, StubProvider


@pytest.fixture
def server(settings):
    with StubProvider() as stub:
        settings.OUTBOUND_ALLOWED_HOSTS = [stub.url.removeprefix("http://")]
        yield stub


@pytest.fixture
def zulip(settings):
    """A server that is set up for it; nothing is sent there."""
    settings.ZULIP_REALM, settings.ZULIP_BOT_EMAIL, settings.ZULIP_API_KEY = "https://chat.example.com", "bot", "key"


@pytest.fixture
def scheduled(room, server):
    """A room with a calendar that the server has."""
    room.ics_url, room.ics_enabled = server.url + FEED, True
    room.save()
    return room


@pytest.fixture
def hooked(room, server):
    """A room whose events the server is told."""
    room.webhook_url, room.webhook_secret = server.url + HOOK, SECRET
    room.save()
    server.on("POST", HOOK, Answer(body=b"thank you"))
    return room
