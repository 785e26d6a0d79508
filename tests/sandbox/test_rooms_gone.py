"""A sandbox that stops and starts by itself, with the product around it going on: its rooms are gone then."""

import pytest
from django.utils import timezone

from meetings.models import Meeting
from platforms.abilities import RoomLookup
from platforms.handler import create_platform_client, get_available_platforms
from platforms.sandbox.server import running_sandbox
from rooms.models import Room
from tests.conftest import api_for, error
from tests.support import product_settings

pytestmark = pytest.mark.django_db(transaction=True)

PLATFORMS = get_available_platforms()


class Restarting:
    """A sandbox that can be stopped, and started again at the address that it had."""

    storage_url = ""  # it keeps nothing

    def __init__(self):
        self.context = None
        self.port = 0
        self.start()

    def start(self):
        self.context = running_sandbox(storage=False, port=self.port)
        self.url = self.context.__enter__().url
        self.port = int(self.url.rpartition(":")[2])

    def stop(self):
        if self.context:
            self.context.__exit__(None, None, None)
        self.context = None

    def restart(self):
        self.stop()
        self.start()


@pytest.fixture
def sandbox(settings):
    """The product leads to it as the settings do where SANDBOX_ENABLED is set, on another port."""
    sandbox = Restarting()
    product_settings.use(settings, **product_settings.sandbox_variables(sandbox), DAILY_MIGRATION_ENABLED="true")
    yield sandbox
    sandbox.stop()


@pytest.fixture
def opened(owner, sandbox):
    """A function that opens a meeting on a platform, and gives it with the path to join it."""

    def open_there(platform):
        Room.objects.create(name="standup", owner=owner, platform=platform)
        meeting = open_again()
        return meeting, f"/v1/rooms/standup/meetings/{meeting}/join"

    return open_there


def open_again():
    answer = api_for().post("/v1/rooms/standup/meeting", {})
    assert answer.status_code == 200, answer.content
    return answer.json()["id"]


def knows_its_rooms(platform):
    """Elsewhere, as at Jitsi, a room is there as soon as somebody comes to its address."""
    return isinstance(create_platform_client(platform), RoomLookup)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_opening_gives_another_meeting(opened, sandbox, platform):
    meeting, _ = opened(platform)
    assert open_again() == meeting
    sandbox.restart()
    if not knows_its_rooms(platform):
        assert open_again() == meeting
        return
    assert open_again() != meeting
    assert Meeting.objects.get(pk=meeting).state == Meeting.State.ENDED


@pytest.mark.parametrize("platform", PLATFORMS)
def test_joining_says_that_the_meeting_has_ended(opened, sandbox, platform):
    meeting, join = opened(platform)
    assert api_for().post(join).status_code == 200
    Meeting.objects.update(recording_started_at=timezone.now())
    sandbox.restart()
    answer = api_for().post(join)
    if not knows_its_rooms(platform):
        assert answer.status_code == 200
        return
    assert (answer.status_code, answer.json()) == (400, error("Meeting has ended"))
    ended = Meeting.objects.get(pk=meeting)
    assert (ended.state, ended.is_recording) == (Meeting.State.ENDED, False)
    assert open_again() != meeting


@pytest.mark.parametrize("platform", PLATFORMS)
def test_while_the_sandbox_is_away_nothing_is_ended(opened, sandbox, platform):
    meeting, _ = opened(platform)
    sandbox.stop()
    assert open_again() == meeting
