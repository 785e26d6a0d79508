"""An adapter whose meetings are drawn by its own script in the room's page, from parameters, not by a frame."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from platforms.testing import PlatformContract
from rooms.models import Room
from tests.browser.chromium import chromium
from tests.conftest import api_for
from tests.support.stub_provider import Answer, StubProvider
from tests.support.visits import heading, join_as, visitors
from tests.third_party.script_rooms import ScriptRooms

NOWHERE = "ws://127.0.0.1:9"  # nobody answers there


class TestScriptRoomsKeepTheContract(PlatformContract):
    client_class = ScriptRooms
    options = {"api_url": NOWHERE}


@pytest.fixture
def rooms_at(settings):
    def configure(url):
        rooms = {"BACKEND": "tests.third_party.script_rooms.ScriptRooms", "OPTIONS": {"api_url": url}}
        settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "scripted": rooms}
        settings.STATICFILES_DIRS = [*settings.STATICFILES_DIRS, Path(__file__).parent / "static"]

    return configure


@pytest.mark.django_db
def test_who_joins_is_given_what_the_script_needs_and_who_only_looks_is_not(rooms_at, owner, client):
    rooms_at(NOWHERE)
    Room.objects.create(name="standup", owner=owner, platform="scripted")
    opened = api_for(owner).post("/v1/rooms/standup/meeting", {}).json()
    path = f"/v1/rooms/standup/meetings/{opened['id']}"
    joined = api_for(owner).post(f"{path}/join").json()
    assert (joined["room_url"], joined["join_parameters"]) == (opened["room_url"], {"token": "for owner"})
    assert "join_parameters" not in opened
    assert "join_parameters" not in api_for(owner).get(path).json()
    page = client.get(f"/standup/{opened['id']}")
    assert "ws://127.0.0.1:9" in policy_of(page)["connect-src"]
    assert "ws:" not in page["Permissions-Policy"] + policy_of(page)["frame-src"]
    assert "for owner" not in page.text


def policy_of(page):
    parts = (part.strip().partition(" ") for part in page["Content-Security-Policy"].split(";"))
    return {directive: sources for directive, _, sources in parts}


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_its_script_gets_its_parameters_and_reaches_its_server(rooms_at, owner, live_server):
    def greet(request):
        text = f"A call {request.query['token'][0]}"
        return Answer(body=text.encode(), headers={"Access-Control-Allow-Origin": live_server.url})

    with StubProvider() as stub, chromium() as browser, visitors(browser, live_server) as visit:
        stub.on("GET", "/call/*", greet)
        rooms_at(f"{stub.url}/call")
        Room.objects.create(name="standup", owner=owner, platform="scripted")
        page = visit()
        join_as(page)
        heading(page, "In the meeting")
        expect(page.get_by_text("A call for Zoë")).to_be_visible()
