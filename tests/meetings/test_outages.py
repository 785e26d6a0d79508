"""What staff see while a platform does not work: the first page of Admin, with its notices."""

import copy

import pytest
from django.test import Client
from django.utils import timezone

from meetings import failures
from meetings.models import Meeting
from meetings.tasks import review_meetings
from platforms.handler import create_platform_client
from platforms.http.breaker import bring_together
from platforms.models import PlatformState, StaffNotice
from rooms.models import Room
from tests.conftest import api_for
from tests.support.live import wait_until
from tests.support.stub_provider import Answer
from tests.support.whereby_provider import whereby_stub

pytestmark = pytest.mark.django_db

SILENT = "Whereby does not answer. It is tried again now and then, and left alone meanwhile."


@pytest.fixture
def stub(settings):
    with whereby_stub() as stub:
        platforms = copy.deepcopy(settings.VIDEO_PLATFORMS)
        platforms["whereby"]["OPTIONS"] |= {"api_url": stub.url, "api_key": "very-secret-key"}
        settings.VIDEO_PLATFORMS = platforms
        settings.VIDEO_PLATFORM_FAILOVER = ["whereby"]
        yield stub


@pytest.fixture
def room(owner):
    return Room.objects.create(name="standup", owner=owner, platform="whereby")


@pytest.fixture
def first_page(staff):
    client = Client()
    client.force_login(staff)
    return lambda: client.get("/admin/")


def badge_on(page):
    [badge] = [card.badge[0] for card in page.context["cards"] if card.name == "whereby"]
    return badge


def open_it(times=1):
    return [api_for().post("/v1/rooms/standup/meeting", {}).status_code for _ in range(times)]


def notices():
    return list(StaffNotice.objects.filter(resolved_at=None).values_list("text", flat=True))


def test_five_failed_openings_in_a_row_are_told_and_end_with_one_that_works(stub, room, first_page):
    healthy = stub._answers["POST", "/meetings"]
    assert badge_on(first_page()) == "Usable"
    stub.on("POST", "/meetings", Answer(503, {"error": "very-secret-key is down"}))
    assert open_it(5) == [503] * 5
    client = create_platform_client("whereby")
    wait_until(lambda: bring_together(client.api.breaker) or SILENT in notices())
    assert badge_on(first_page()) == "Does not answer"
    page = first_page().content.decode()
    assert "Whereby has not answered since" in page
    assert "The last 5 meetings could not be opened on Whereby." in page
    assert "very-secret-key" not in page
    stub.on("POST", "/meetings", *healthy)
    PlatformState.objects.update(probe_at=timezone.now())
    bring_together(client.api.breaker)  # as the pulse does: the pause is over
    assert open_it() == [200]
    review_meetings()
    assert notices() == []
    assert badge_on(first_page()) == "Usable"


def test_refusals_are_told_as_well(stub, room, first_page):
    """As with a key that is not valid any more: the provider is there, and nothing opens."""
    stub.on("POST", "/meetings", Answer(401, {"error": "Unauthorized"}))
    assert open_it(4) == [502] * 4
    assert notices() == []
    open_it()
    assert ["could not be opened" in text for text in notices()] == [True]
    assert badge_on(first_page()) == "Has trouble"
    review_meetings()
    assert len(notices()) == 1  # nothing has opened since


def test_one_that_worked_in_between_is_no_row_of_failures(stub, room):
    jobs = stub._answers["POST", "/meetings"]
    stub.on("POST", "/meetings", Answer(401), Answer(401), Answer(401), jobs[0], Answer(401))
    open_it(4)
    Meeting.objects.filter(state="live").update(state="ended")
    open_it(2)
    assert Meeting.objects.filter(state="failed").count() == 5
    assert notices() == []


def test_openings_that_fail_do_not_fill_the_database(stub, room):
    stub.on("POST", "/meetings", Answer(401))
    open_it(failures.KEPT_PER_ROOM + 3)
    assert Meeting.objects.filter(state="failed").count() == failures.KEPT_PER_ROOM
