"""A platform of the tests whose meetings are a scripted page on loopback that speaks the sandbox's messages."""

import itertools
from contextlib import contextmanager

from platforms.backends.mock import MockClient
from platforms.base import VideoPlatformClient
from platforms.handler import register_platform, unregister_platform
from platforms.types import MeetingData
from tests.support.stub_provider import Answer, StubProvider

# What it does is said by tests, by calling functions in its window.
PAGE = """<!doctype html><html lang="en"><title>A meeting</title><h1>A meeting</h1><input id="chat" aria-label="Chat">
<script>
  const heard = [];
  const tell = (type, more = {}) => parent.postMessage({ sandbox: true, type, ...more }, "*");
  addEventListener("message", ({ data }) => { heard.push(data.type); if (data.type === "leave") tell("left"); });
  tell("ready");
  tell("joined");
</script></html>"""


class ScriptedClient(MockClient):
    label = "Scripted"
    base = ""
    numbers = itertools.count(1)

    is_simulated = False
    supports_embedding = True

    def create_meeting(self, room_name_prefix, end_date, room):
        name = f"{room_name_prefix}-{next(self.numbers)}"
        url = f"{self.base}/meet/{name}"
        return MeetingData(f"id-{name}", name, url, f"{url}?key=host-key", self.name)

    def join_link(self, request):
        return VideoPlatformClient.join_link(self, request)


@contextmanager
def scripted_platform(alias="scripted", *abilities, **attributes):
    with StubProvider() as stub:
        stub.on("GET", "/meet/*", Answer(200, body=PAGE.encode(), headers={"Content-Type": "text/html"}))
        client = type("Scripted", (ScriptedClient, *abilities), {"base": stub.url, **attributes})
        register_platform(alias, client)
        try:
            yield stub
        finally:
            unregister_platform(alias)
