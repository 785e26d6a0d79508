"""An adapter whose meetings need no call is complete, also in the browser."""

import jwt
import pytest
from playwright.sync_api import expect

from meetings.models import Meeting
from platforms.testing import PlatformContract
from rooms.models import Room
from tests.browser.chromium import chromium
from tests.conftest import api_for
from tests.support.meeting_page import PAGE
from tests.support.stub_provider import Answer, StubProvider
from tests.support.visits import heading, join_as, visitors
from tests.third_party.token_rooms import TokenRooms

KEY = "k" * 32
NOWHERE = "http://127.0.0.1:9"  # nobody answers there


class TestTokenRoomsKeepTheContract(PlatformContract):
    client_class = TokenRooms
    options = {"api_url": NOWHERE, "api_key": KEY}


def claims_of(url):
    return jwt.decode(url.partition("?jwt=")[2], KEY, algorithms=["HS256"])


@pytest.fixture
def rooms_at(settings):
    def configure(url):
        options = {"api_url": url, "api_key": KEY}
        tokens = {"BACKEND": "tests.third_party.token_rooms.TokenRooms", "OPTIONS": options}
        settings.VIDEO_PLATFORMS = {**settings.VIDEO_PLATFORMS, "tokens": tokens}

    return configure


@pytest.mark.django_db
def test_a_meeting_opens_and_is_joined_without_a_provider(rooms_at, owner, colleague):
    rooms_at(NOWHERE)
    Room.objects.create(name="standup", owner=owner, platform="tokens")
    opened = api_for(owner).post("/v1/rooms/standup/meeting", {})
    assert opened.status_code == 200
    meeting = Meeting.objects.get(pk=opened.json()["id"])
    for person, is_owner in ((owner, True), (colleague, False)):
        joined = api_for(person).post(f"/v1/rooms/standup/meetings/{meeting.pk}/join")
        assert joined.status_code == 200
        claims = claims_of(joined.json()["room_url"])
        assert (claims["room"], claims["moderator"]) == (meeting.room_name, is_owner)
        assert claims["exp"] == int(meeting.end_date.timestamp())


def answer(request):
    """The provider's page, for those whom a token lets in."""
    try:
        claims = jwt.decode(request.query["jwt"][0], KEY, algorithms=["HS256"])
    except (KeyError, jwt.InvalidTokenError):
        return Answer(403)
    is_right = request.path == f"/meet/{claims['room']}" and claims["name"] == "Zoë"
    return Answer(body=PAGE.encode(), headers={"Content-Type": "text/html"}) if is_right else Answer(403)


@pytest.mark.browser
@pytest.mark.django_db(transaction=True)
def test_its_room_is_shown_in_the_browser(rooms_at, owner, live_server):
    with StubProvider() as stub, chromium() as browser, visitors(browser, live_server) as visit:
        stub.on("GET", "/meet/*", answer)
        rooms_at(f"{stub.url}/meet")
        Room.objects.create(name="standup", owner=owner, platform="tokens")
        page = visit()
        join_as(page)
        heading(page, "In the meeting")
        expect(page.frame_locator("#stage iframe").get_by_role("heading", name="A meeting")).to_be_visible()
